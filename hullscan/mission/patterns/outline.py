"""The water round the ship in plan: a convex line at a safe distance, and the ways along it.

A place on the line is the way along it from the launch, unwrapped: positive over the bow from starboard. Half the
line's length is half a turn round the ship, so the same number tells where the tether lies.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull

from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.patterns.clearance import quay_face_m
from hullscan.mission.patterns.gear import assumed_gear

__all__ = ["Outline"]

_BESIDE_M = 0.35  # of the line from the hull, beyond clearance and half the vehicle
_LEAST_QUAY_M = 0.05


class Outline:
    """The line round the ship.

    Attributes:
        length_m: once round.
        ship_m: (k, 2) convex outline of the ship herself.
    """

    def __init__(self, mission: Mission) -> None:
        half = float(np.hypot(*mission.vehicle.half_size_m[:2]))
        clearance = mission.file.limits.min_clearance_m
        self._distance_m = clearance + half + _BESIDE_M
        plan = mission.hull.vertices_m[:, :2]
        gear = assumed_gear(mission).outline_m
        plan = np.concatenate([plan, gear])
        self.ship_m = plan[ConvexHull(plan).vertices]
        turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        circle = self._distance_m * np.column_stack([np.cos(turn), np.sin(turn)])
        points = (self.ship_m[:, None] + circle).reshape(-1, 2)
        # counter-clockwise with y to starboard drawn up: from the bow to starboard, so it is turned round below
        line = points[ConvexHull(points).vertices][::-1]
        self._line = np.concatenate([line, line[:1]])
        self._along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(self._line, axis=0), axis=1))])
        self.length_m = float(self._along[-1])
        quay = quay_face_m(mission)
        self._quay = None if quay is None else (quay[0], quay[1] - quay[0] * (clearance + half + _LEAST_QUAY_M))

    def place(self, point_m: Array, side: int) -> float:
        """Way along the line to the gate of a place: athwart of it on a side, or the nearest where she ends."""
        x, y = float(point_m[0]), float(point_m[1])
        a, b = self._line[:-1], self._line[1:]
        low, high = self._line[:, 0].min(), self._line[:, 0].max()
        if low + 1e-6 < x < high - 1e-6:
            spans = ((a[:, 0] - x) * (b[:, 0] - x) <= 0) & (np.abs(a[:, 0] - b[:, 0]) > 1e-12)
            share = (x - a[spans, 0]) / (b[spans, 0] - a[spans, 0])
            ys = a[spans, 1] + share * (b[spans, 1] - a[spans, 1])
            best = int(np.argmax(ys * side))
            index = int(np.flatnonzero(spans)[best])
            return float(self._along[index] + share[best] * (self._along[index + 1] - self._along[index]))
        step = b - a
        share = np.clip(((np.array([x, y]) - a) * step).sum(1) / np.maximum((step**2).sum(1), 1e-12), 0, 1)
        foot = a + share[:, None] * step
        index = int(np.argmin(np.linalg.norm(foot - [x, y], axis=1)))
        return float(self._along[index] + share[index] * (self._along[index + 1] - self._along[index]))

    def point(self, place_m: float) -> Array:
        """(2,) of the line."""
        at = place_m % self.length_m
        return np.array([np.interp(at, self._along, self._line[:, i]) for i in (0, 1)])

    def way(self, start_m: float, end_m: float) -> Array:
        """(n, 2) along the line between two places, the way their difference says, without needless corners."""
        low, high = min(start_m, end_m), max(start_m, end_m)
        turns = np.arange(np.floor(low / self.length_m), np.floor(high / self.length_m) + 1)
        corners = (turns[:, None] * self.length_m + self._along[:-1]).ravel()
        corners = corners[(corners > low + 1e-6) & (corners < high - 1e-6)]
        places = np.concatenate([[low], corners, [high]])
        points = np.array([self.point(place) for place in places])
        return points if start_m <= end_m else points[::-1]

    def blocked(self, start_m: float, end_m: float) -> bool:
        """Whether the way meets the quay."""
        if self._quay is None:
            return False
        sign, limit = self._quay
        return bool(((self.way(start_m, end_m)[:, 1] - limit) * sign > 0).any())

    def over_ship(self, points_m: Array) -> bool:
        """Whether any of (n, 2) points lies within the ship's outline."""
        a, b = self.ship_m, np.roll(self.ship_m, -1, axis=0)
        step, off = b - a, points_m[:, None] - a
        cross = step[:, 0] * off[..., 1] - step[:, 1] * off[..., 0]
        return bool(((cross > 0).all(axis=1) | (cross < 0).all(axis=1)).any())
