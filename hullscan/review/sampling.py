"""Places on the hull that the detector did not flag, chosen by area and by how likely a parcel was missed there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.search.cells import CELL_M
from hullscan.ship.surface import side_sign

__all__ = ["Candidate", "HullToSample"]

_CLEAR_M = 1.2  # of every finding: nearer, it is part of that
_PATCH_M = 1.0  # what a reader looks at round the middle of a picture
_LEAST_WEIGHT = 0.05  # a cell that was seen well is sampled too


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place of the hull: (3,) point and outward normal, ship frame; ``number`` tells it from the others."""

    number: int
    side: int
    station_m: float
    girth_m: float
    point_m: Array
    normal: Array


class HullToSample:
    """The cells that were asked for and seen, and hold no finding."""

    def __init__(self, mission: Mission, coverage: dict[str, Any], findings: list[dict[str, Any]]) -> None:
        table, self._hull = coverage["cells"], mission.hull
        # what was seen by the way, beyond what the mission asks for, would stand out on the map
        seen = (np.array(table["looks"], dtype=np.int64) > 0) & np.array(table["planned"], dtype=bool)
        self._side = np.array([side_sign(side) for side in table["side"]], dtype=np.int8)[seen]
        self._station_m = np.array(table["station_m"], dtype=np.float64)[seen]
        self._girth_m = np.array(table["girth_m"], dtype=np.float64)[seen]
        self._pod = np.array(table["pod"], dtype=np.float64)[seen]
        self._free = np.ones(len(self._side), dtype=bool)
        for finding in findings:
            near = self._near(side_sign(finding["side"]), finding["station_m"], finding["girth_m"], _CLEAR_M)
            self._free &= ~near
        self._count = 0

    @property
    def area_m2(self) -> float:
        """Of the hull that was seen and not flagged."""
        return float(self._free.sum()) * CELL_M**2

    def sample(self, share: float, rng: np.random.Generator) -> list[Candidate]:
        """Patches that make up a share of the area, more of them where the POD is low; they do not overlap."""
        wanted, taken = share * self.area_m2, 0.0
        weight = np.where(self._free, np.clip(1.0 - self._pod, _LEAST_WEIGHT, 1.0), 0.0)
        chosen: list[Candidate] = []
        while taken < wanted and weight.sum() > 0:
            at = int(rng.choice(len(weight), p=weight / weight.sum()))
            patch = self._square(at) & (weight > 0)
            taken += float(patch.sum()) * CELL_M**2
            chosen.append(self._candidate(at, rng))
            # a whole patch away, so that no two overlap
            near = self._near(int(self._side[at]), self._station_m[at], self._girth_m[at], _PATCH_M * 1.5)
            weight[near] = 0.0
        return chosen

    def anywhere(self, rng: np.random.Generator) -> Iterator[Candidate]:
        """All of these cells in an order of chance."""
        for at in rng.permutation(np.flatnonzero(self._free)):
            yield self._candidate(int(at), rng)

    def _square(self, at: int) -> npt.NDArray[np.bool_]:
        half = _PATCH_M / 2
        return np.asarray(
            (self._side == self._side[at])
            & (np.abs(self._station_m - self._station_m[at]) <= half)
            & (np.abs(self._girth_m - self._girth_m[at]) <= half)
        )

    def _near(self, side: int, station_m: float, girth_m: float, within_m: float) -> npt.NDArray[np.bool_]:
        away = np.hypot(self._station_m - station_m, self._girth_m - girth_m)
        return np.asarray((self._side == side) & (away < within_m))

    def _candidate(self, at: int, rng: np.random.Generator) -> Candidate:
        """Somewhere in a cell: always its middle would tell it from what the detector found."""
        self._count += 1
        station_m, girth_m = (
            float(middle[at] + rng.uniform(-CELL_M / 2, CELL_M / 2)) for middle in (self._station_m, self._girth_m)
        )
        here = (self._side[at : at + 1], np.array([station_m]), np.array([max(girth_m, 0.0)]))
        point, normal = self._hull.point(*here)[0], self._hull.normal(*here)[0]
        return Candidate(self._count, int(self._side[at]), station_m, max(girth_m, 0.0), point, normal)
