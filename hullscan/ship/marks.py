"""Draught marks: numerals on the plating whose height above the keel is known, and what they say of how she floats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

from hullscan.geometry.frames import Array
from hullscan.ship.surface import HullSurface, Side, side_sign

__all__ = ["DraughtMark", "mark_point", "read_draughts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DraughtMark:
    """A column of draught marks.

    Attributes:
        station_m: of the column.
        read_m: draught read there, where it was read.
    """

    side: Side
    station_m: float
    read_m: Annotated[float, Gt(0), Le(30)] | None = None


def mark_point(hull: HullSurface, column: DraughtMark, height_m: Annotated[float, Ge(0)]) -> Array:
    """(3,) point of the hull at a height above the base line on a column of marks, ship frame.

    Clipped to the section: a mark above the deck or below the keel lies on its edge.
    """
    station = np.array([column.station_m])
    depth = hull.dimensions.draught_at(station) - height_m
    half = hull.half(column.side)
    section, along, _ = half.sections(station)
    girth = np.interp(depth, section[0, :, 2], along[0])
    point = hull.point(np.array([side_sign(column.side)], dtype=np.int8), station, girth)[0]
    return np.asarray(point, dtype=np.float64)


def read_draughts(marks: tuple[DraughtMark, ...], length_m: float) -> tuple[float, float] | None:
    """Draughts at the fore and aft perpendicular from the marks that were read; None when fewer than two places were.

    Port and starboard readings of a place are averaged, which takes a list out; a straight line through the rest.
    """
    read = [(column.station_m, column.read_m) for column in marks if column.read_m is not None]
    stations = np.array([station for station, _ in read])
    if len(read) < 2 or np.ptp(stations) < 0.2 * length_m:
        return None
    slope, aft = np.polyfit(stations, np.array([draught for _, draught in read]), 1)
    return float(aft + slope * length_m), float(aft)
