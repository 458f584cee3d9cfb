"""What legs buy: the POD of every cell when they have been flown, and how it grows with the minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan.mission.candidates import camera_track
from hullscan.mission.patterns import Leg
from hullscan.mission.vehicle import VehicleProfile
from hullscan.search.cells import HullCells
from hullscan.search.passes import pass_pods
from hullscan.search.pod import LookModel

__all__ = ["LOOK_RANGE_SHARE", "Priced", "price_legs"]

LOOK_RANGE_SHARE = 0.8
"""Of the visibility: looks from farther see nothing worth counting."""
_SLICE_S = 10.0


@dataclass(frozen=True, slots=True)
class Priced:
    """The result.

    Attributes:
        pod: (n,) of each cell.
        seen: (n,) whether a cell is in view at least once.
        growth: (slices + 1, 2) seconds and expected POD over the prior, every few seconds of searching.
        after_leg: (legs,) expected POD over the prior after each leg.
        first_look_s: (n,) when each cell is first in view, by the slice; inf where it never is.
    """

    pod: Array
    seen: npt.NDArray[np.bool_]
    growth: Array
    after_leg: Array
    first_look_s: Array


def price_legs(
    legs: Sequence[Leg],
    cells: HullCells,
    vehicle: VehicleProfile,
    share: Array,
    *,
    visibility_m: float,
    model: LookModel,
    occlusion: bool = True,
) -> Priced:
    """POD by the best look of each leg at each cell, legs combined as independent looks.

    Args:
        share: (n,) prior chance of each cell; sums to one.
    """
    tracks, speeds, of_leg, ends_s = [], [], [], []
    for number, leg in enumerate(legs):
        if not leg.surveys:
            continue
        count = max(1, round((leg.end_s - leg.start_s) / _SLICE_S))
        cuts = np.searchsorted(leg.poses[:, 0], np.linspace(leg.start_s, leg.end_s, count + 1)[1:-1])
        for a, b in pairwise([0, *np.unique(cuts).tolist(), len(leg.poses) - 1]):
            tracks.append(leg.poses[a : b + 1, 1:])
            speeds.append(leg.speed_mps)
            of_leg.append(number)
            ends_s.append(float(leg.poses[b, 0]))
    if not tracks:
        return Priced(
            np.zeros(len(cells)),
            np.zeros(len(cells), bool),
            np.zeros((1, 2)),
            np.zeros(len(legs)),
            np.full(len(cells), np.inf),
        )
    pods = pass_pods(
        cells,
        vehicle.camera,
        camera_track(tracks, speeds, vehicle),
        len(tracks),
        visibility_m=visibility_m,
        model=model,
        max_range_m=LOOK_RANGE_SHARE * visibility_m,
        occlusion=occlusion,
    )
    # missed by the legs before, and the best look of the leg that is being flown
    missed, best, first_look_s = np.ones(len(cells)), np.zeros(len(cells)), np.full(len(cells), np.inf)
    growth, after_leg, found = [(0.0, 0.0)], np.zeros(len(legs)), 0.0
    before = of_leg[0]
    for row, (number, end_s) in enumerate(zip(of_leg, ends_s, strict=True)):
        if number != before:
            after_leg[before:number] = found
            missed *= 1 - best / model.asymptote
            best[:], before = 0.0, number
        inside = slice(pods.indptr[row], pods.indptr[row + 1])
        index, pod = pods.indices[inside], pods.data[inside]
        first_look_s[index] = np.minimum(first_look_s[index], end_s)
        gained = np.maximum(pod - best[index], 0.0)
        found += float((share[index] * missed[index]) @ gained)
        best[index] += gained
        growth.append((end_s, found))
    after_leg[before:] = found
    missed *= 1 - best / model.asymptote
    pod = model.asymptote * (1 - missed)
    seen = np.zeros(len(cells), bool)
    seen[pods.indices] = True
    return Priced(pod, seen, np.array(growth), after_leg, first_look_s)
