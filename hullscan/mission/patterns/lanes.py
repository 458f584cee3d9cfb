"""Lanes: what a pattern makes of an order, before a route joins them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.orders import Order
from hullscan.mission.stand_off import good_look_m
from hullscan.search.cells import HullCells
from hullscan.ship.surface import HullSurface, Side, side_sign

__all__ = ["Area", "Lanes", "stand_off_for", "wet_ends", "wet_stations"]

_LEAST_GIRTH_M = 0.3


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of one side, in stations and depths.

    Attributes:
        from_keel_m: only so far from the centre line, along the girth.
    """

    side: Side
    stations_m: tuple[float, float]
    depths_m: tuple[float, float]
    from_keel_m: float | None = None

    @classmethod
    def whole(cls, cells: HullCells) -> tuple[Area, Area]:
        """Both sides of a ship, from end to end and down to the keel."""
        ends = (float(cells.columns_m[0]), float(cells.columns_m[-1]))
        depths = (0.0, float(cells.depth_m.max()))
        return cls("starboard", ends, depths), cls("port", ends, depths)

    def cells(self, cells: HullCells) -> npt.NDArray[np.bool_]:
        """(n,) cells whose centre lies in it."""
        inside = cells.within(side_sign(self.side), self.stations_m, self.depths_m)
        if self.from_keel_m is not None:
            stations, of_cell = np.unique(cells.station_m, return_inverse=True)
            inside &= cells.hull.total_girth(stations, self.side)[of_cell] - cells.girth_m <= self.from_keel_m
        return inside

    def as_dict(self) -> dict[str, Any]:
        """The area's entry in ``plan.json``."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Lanes:
    """Lanes of one order of the mission, in the order in which they are flown.

    Attributes:
        order: that they serve.
        pattern: its name.
        tracks: (n, 6) each: x, y, z, yaw, pitch, tilt.
        zones: where each lies, for the plan.
        access: for each +1 or -1, the side from which the vehicle comes and to which it leaves.
        reversible: whether they may as well be flown from the last to the first.
        under: whether the tracks lie under the ship.
        areas: of the hull that the lanes search.
        swath_m: width of hull that one lane adds.
        swaths_m: the same for each area, where they differ.
    """

    order: Order
    pattern: str
    tracks: tuple[Array, ...]
    zones: tuple[str, ...]
    access: tuple[int, ...]
    areas: tuple[Area, ...]
    stand_off_m: float
    swath_m: float
    speed_mps: float
    under: bool = False
    reversible: bool = True
    swaths_m: tuple[float, ...] = ()

    @property
    def by_area(self) -> list[tuple[Area, float]]:
        """Areas with the width of hull that a lane adds in each."""
        return list(zip(self.areas, self.swaths_m or (self.swath_m,) * len(self.areas), strict=True))


def stand_off_for(mission: Mission, order: Order) -> float:
    """Distance of the camera from the hull: as ordered, else that of a good look."""
    if order.stand_off_m is not None:
        return order.stand_off_m
    return good_look_m(mission, order.speed_mps or mission.vehicle.survey_speed_mps)


def wet_ends(mission: Mission) -> tuple[float, float]:
    """First and last station of the wetted hull."""
    return wet_stations(mission.hull)


@lru_cache(maxsize=8)
def wet_stations(hull: HullSurface) -> tuple[float, float]:
    """First and last station with some girth below the waterline."""
    wet = hull.stations_m[hull.total_girth(hull.stations_m) > _LEAST_GIRTH_M]
    return float(wet[0]), float(wet[-1])
