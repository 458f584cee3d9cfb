"""Holes in the plating: where a ray that meets the hull goes on behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan.ship.surface import HullSurface, side_name
from hullscan_sim.camera.noise import Image

__all__ = ["Opening", "plate_hole", "tunnel_mouth"]


@dataclass(frozen=True, slots=True)
class Opening:
    """A hole in the plating of one side.

    Attributes:
        centre_m: (3,) ship frame.
        reach_m: no part of it is farther from its centre.
        middle: (station, girth) of a hole cut square to the plating; (station, depth) of one drilled athwartships.
        half_m: half its size along both.
        girth_m: of the whole section at its middle, and how that grows from station to station.
        side: +1 starboard, -1 port.
        round: an ellipse rather than a rectangle.
        athwart: drilled athwartships.
        closed: there is a wall behind it; else one may see through the ship.
    """

    centre_m: Array
    reach_m: float
    middle: tuple[float, float]
    half_m: tuple[float, float]
    girth_m: tuple[float, float]
    side: int
    round: bool
    athwart: bool = False
    closed: bool = True

    def holds(self, points_m: Image, uv_m: Image) -> npt.NDArray[np.bool_]:
        """Which of (n, 3) points of the hull, with their page coordinates (n, 2), lie in it."""
        along = points_m[:, 0] - np.float32(self.middle[0])
        girth = self.girth_m[0] + self.girth_m[1] * along - np.abs(uv_m[:, 1])  # page coordinates count from the keel
        down = points_m[:, 2] if self.athwart else girth
        x, y = along / self.half_m[0], (down - self.middle[1]) / self.half_m[1]
        inside = x * x + y * y < 1 if self.round else np.maximum(np.abs(x), np.abs(y)) < 1
        return np.asarray(inside & (points_m[:, 1] * self.side > 0), dtype=bool)


def plate_hole(
    hull: HullSurface, side: int, station_m: float, girth_m: float, size_m: tuple[float, float], *, round: bool = False
) -> Opening:
    """A hole of a size along the ship and along the girth."""
    sides, stations, girths = np.array([side], dtype=np.int8), np.array([station_m]), np.array([girth_m])
    normal = hull.normal(sides, stations, girths)[0]
    totals = hull.total_girth(station_m + np.array([-0.5, 0.0, 0.5]) * size_m[0], side_name(side))
    whole = (float(totals[1]), float(totals[2] - totals[0]) / size_m[0])
    half = (size_m[0] / 2 * float(np.sqrt(1 - normal[0] ** 2)), size_m[1] / 2)
    centre = hull.point(sides, stations, girths)[0]
    return Opening(centre, float(np.hypot(*size_m)), (station_m, girth_m), half, whole, side, round)


def tunnel_mouth(hull: HullSurface, side: int, station_m: float, depth_m: float, radius_m: float) -> Opening:
    """A round hole through her, drilled athwartships."""
    stations = np.array([station_m])
    girth = hull.girth_to_depth(stations, np.array([depth_m]), side_name(side))
    centre = hull.point(np.array([side], dtype=np.int8), stations, girth)[0]
    half = (radius_m, radius_m)
    return Opening(
        centre, 3 * radius_m, (station_m, depth_m), half, (0.0, 0.0), side, round=True, athwart=True, closed=False
    )
