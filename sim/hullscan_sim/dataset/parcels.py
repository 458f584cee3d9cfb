"""A parcel drawn at random: kind, size, colour, material, what holds it."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace

import numpy as np

from hullscan_sim.camera.objects import COLOURS, Colour, Material

__all__ = ["RandomParcel", "random_parcel"]

_LEAST_M = 0.12


@dataclass(frozen=True, slots=True)
class RandomParcel:
    """What ``build_parcel`` needs."""

    kind: str
    size_m: tuple[float, float, float]
    attach: str
    body: Material

    def fitted_into(self, room_m: tuple[float, float, float]) -> RandomParcel:
        """Made smaller, each way for itself, until it fits with a little room round it."""
        length, width, height = (
            min(size, max(0.9 * room - 0.02, _LEAST_M)) for size, room in zip(self.size_m, room_m, strict=True)
        )
        return replace(self, size_m=(length, width, height))


def random_parcel(rng: np.random.Generator, coat: Colour, fouled: float) -> RandomParcel:
    """A parcel as smugglers might make one, now and then painted like the hull."""
    kind = str(rng.choice(["box", "bag", "cylinder", "torpedo"], p=[0.3, 0.28, 0.22, 0.2]))
    length = float(np.exp(rng.uniform(np.log(0.18), np.log(1.5 if kind == "torpedo" else 1.1))))
    slender = {"box": (0.45, 1.0), "bag": (0.45, 0.95), "cylinder": (0.18, 0.5), "torpedo": (0.13, 0.3)}[kind]
    width = length * float(rng.uniform(*slender))
    height = min(width, length) * float(rng.uniform(0.35, 1.0)) if kind in ("box", "bag") else width
    body = Material(
        _colour(rng, coat),
        shine=float(rng.uniform(0, 0.8)),
        mottle=float(rng.uniform(0.1, 0.8)),
        pattern=str(rng.choice(["plain", "plain", "wrapped", "woven", "ribbed"])),  # type: ignore[arg-type]
        fouled=0.0 if rng.random() < 0.55 else float(rng.uniform(0.05, 0.75)) * (0.4 + fouled),
    )
    return RandomParcel(kind, (length, width, height), str(rng.choice(["magnet", "rope", "strap"])), body)


def _colour(rng: np.random.Generator, coat: Colour) -> Colour:
    roll = rng.random()
    if roll < 0.2:  # painted like the hull
        scale = float(rng.uniform(0.75, 1.3))
        return coat[0] * scale, coat[1] * scale, coat[2] * scale
    if roll < 0.5:
        return COLOURS[str(rng.choice(["black", "grey", "white", "green", "blue", "orange", "yellow", "brown"]))]
    value = float(rng.choice([0.03, 0.07, 0.15, 0.3, 0.5])) * float(rng.uniform(0.6, 1.4))
    r, g, b = colorsys.hsv_to_rgb(float(rng.random()), float(rng.random() ** 1.4), min(value, 0.8))
    return b, g, r
