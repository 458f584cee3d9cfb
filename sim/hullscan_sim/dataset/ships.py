"""Frames of one ship; a split owns whole ships."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hullscan.ship.form import BulkCarrier, build_hull
from hullscan_sim.dataset.boxes import Box
from hullscan_sim.dataset.places import View, random_place
from hullscan_sim.dataset.shots import random_frame
from hullscan_sim.scenario import Surface

__all__ = ["SPLIT_SEEDS", "Shot", "ship_shots"]

_SHOTS_PER_SCENE = 3
_TETHER_DICE = 17
SPLIT_SEEDS = {"train": 1_000_000, "val": 2_000_000, "test": 3_000_000}
_COATINGS = {
    "train": ("red", "red", "black", "blue", "grey"),
    "val": ("red", "green"),
    "test": ("red", "green", "grey", "blue"),
}
# edges, holes and what turns in the water are where false calls come from
_VIEWS: dict[View, float] = {"plating": 0.48, "edge": 0.26, "chest": 0.12, "gear": 0.09, "tunnel": 0.05}


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame: picture, boxes, and what is known about how it was taken."""

    name: str
    image: npt.NDArray[np.uint8]
    boxes: tuple[Box, ...]
    facts: dict[str, Any]


def ship_shots(
    split: str, ship: int, seed: int, count: int, parcel_share: float, tether_share: float = 0.0
) -> Iterator[Shot]:
    """Frames of one ship; a pure function of its arguments.

    Args:
        tether_share: of the frames with the vehicle's own tether in view; it has dice of its own, so that all else in
            these frames is as it would be without.
    """
    rng = np.random.default_rng([SPLIT_SEEDS[split], seed, ship])
    length = float(np.exp(rng.uniform(np.log(28), np.log(230))))
    beam, draught = length / rng.uniform(4.6, 6.6), length / rng.uniform(10, 17)
    draught = float(np.clip(draught, 2.2, 13))
    form = BulkCarrier(
        length_m=length, beam_m=beam, draught_fwd_m=draught, draught_aft_m=draught * rng.uniform(1.0, 1.15)
    )
    hull = build_hull(form)
    coating = str(rng.choice(_COATINGS[split]))
    surface = Surface(coating=coating, fouling=float(rng.beta(1.2, 1.8)), age=float(rng.uniform(0.05, 1)))  # type: ignore[arg-type]
    made = 0
    attempt = 0
    while made < count and attempt < 20 * count:
        attempt += 1
        with_parcel = bool(rng.random() < parcel_share)
        view: View = str(rng.choice(list(_VIEWS), p=list(_VIEWS.values())))  # type: ignore[assignment]
        texture_seed = SPLIT_SEEDS[split] + seed * 100_003 + ship
        place = random_place(rng, hull, form, surface, with_parcel, view, texture_seed)
        for _ in range(_SHOTS_PER_SCENE):
            if made >= count:
                return
            dice = np.random.default_rng([SPLIT_SEEDS[split], seed, ship, _TETHER_DICE, made])
            shot = random_frame(rng, place, with_parcel, dice if dice.random() < tether_share else None)
            if shot is None:
                continue
            image, boxes, facts = shot
            if split == "train" and any(box.ignore and box.label == "parcel" for box in boxes):
                continue
            name = f"{split}-{ship:04d}-{made:03d}"
            made += 1
            yield Shot(
                name,
                image,
                boxes,
                {"ship": ship, "length_m": round(length, 1), "coating": coating, "view": place.view, **facts},
            )
