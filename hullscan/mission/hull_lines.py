"""Lines along the ship's sides at a stand-off, as vehicle poses, and the ship's outline as the vehicle goes round it.

The view is along the inward normal as far as the camera tilts and, beyond that, the frame is pitched on lanes.
The vehicle stays in the water and off the sea bed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan.mission.vehicle import VehicleProfile
from hullscan.search.cells import CELL_M, HullCells
from hullscan.ship.surface import HullSurface

__all__ = ["LEAST_DEPTH_M", "HullLines", "Outline"]

LEAST_DEPTH_M = 0.45
"""Of the vehicle: the autopilot re-zeroes its depth if it leaves the water."""
_FACES_DOWN = float(np.sin(np.radians(75)))
"""Plating that faces down more is the bottom, and is not seen from outside the ship with the camera's tilt."""
_ABEAM = 0.15
_ROUND_END_M = 2.5  # beyond stem and stern when the vehicle goes round them


class HullLines:
    """Poses along the sides of one ship, for one vehicle and stand-off.

    Stations are those of the cells' columns.

    Attributes:
        deepest_m: to which the vehicle's middle may go.
        limit_m: (2, c) girth to which the plating can be seen from outside the ship, starboard first; 0 where none can.
    """

    def __init__(self, cells: HullCells, vehicle: VehicleProfile, stand_off_m: float, deepest_m: float) -> None:
        self.cells, self.vehicle, self.stand_off_m = cells, vehicle, stand_off_m
        self.deepest_m = deepest_m
        steep = cells.lattice((cells.normals[:, 2] < _FACES_DOWN).astype(float)) > 0
        rows = np.arange(steep.shape[1])[None, :, None]
        last = np.where(steep, rows, -1).max(axis=1)
        self.limit_m = np.maximum((last + 1) * CELL_M - CELL_M / 2, 0.0)[:, : len(cells.columns_m)]

    def column_of(self, station_m: float) -> int:
        """The column nearest to a station."""
        first = float(self.cells.columns_m[0])
        return int(np.clip(round((station_m - first) / CELL_M), 0, len(self.cells.columns_m) - 1))

    def poses(self, half: int, columns: npt.NDArray[np.intp], girths_m: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
        """(n, 6) x, y, z, yaw, pitch, tilt of the vehicle, and (n,) whether it can be flown there.

        Args:
            half: 0 starboard, 1 port.
            girths_m: of the points looked at; clipped to what can be seen.
        """
        girths = np.minimum(girths_m, self.limit_m[half, columns])
        points, normals = self.cells.sections[half].at(columns, girths)
        # where the plating faces nearly down the view comes more and more from abeam, as its elevation is limited
        flat = -normals[:, :2] + _ABEAM * np.array([0.0, -1.0 if half == 0 else 1.0])
        length = np.linalg.norm(flat, axis=1)
        inward = flat / np.maximum(length, 1e-6)[:, None]
        highest = self.vehicle.look_up_rad
        elevation = np.clip(np.arcsin(np.clip(normals[:, 2], -1, 1)), -highest, highest)
        view = np.column_stack([inward * np.cos(elevation)[:, None], -np.sin(elevation)])
        camera = points - view * self.stand_off_m
        below = self._split(elevation)[3]
        camera[:, 2] = self._in_the_water(camera[:, 2] - below) + below
        reach = np.linalg.norm(points[:, :2] - camera[:, :2], axis=1)
        elevation = np.clip(np.arctan2(camera[:, 2] - points[:, 2], reach), -highest, highest)
        tilt, pitch, ahead, below = self._split(elevation)
        yaw = np.unwrap(np.arctan2(inward[:, 1], inward[:, 0]))
        body = np.column_stack([camera[:, :2] - inward * ahead[:, None], self._in_the_water(camera[:, 2] - below)])
        return np.column_stack([body, yaw, pitch, tilt]), (self.limit_m[half, columns] > 0) & (length > 0)

    def _in_the_water(self, depth_m: Array) -> Array:
        return np.clip(depth_m, LEAST_DEPTH_M, max(self.deepest_m, LEAST_DEPTH_M))

    def _split(self, elevation: Array) -> tuple[Array, Array, Array, Array]:
        """(n,) tilt of the camera, pitch of the frame, and how far the camera is ahead of its middle and below it."""
        tilt = np.clip(elevation, -self.vehicle.tilt_range_rad, self.vehicle.tilt_range_rad)
        pitch = elevation - tilt
        x, _, z = self.vehicle.camera_mount.position_m
        c, s = np.cos(pitch), np.sin(pitch)
        return tilt, pitch, c * x + s * z, c * z - s * x


@dataclass(frozen=True, slots=True)
class Outline:
    """The ship's outline opened opposite the launch: places along it, signed, from the launch.

    Attributes:
        first_m, last_m: stations of her ends.
        across_m: length of the way round stern and stem.
        launch_m: place of the launch on the closed outline, from the stem along starboard, round the stern.
    """

    first_m: float
    last_m: float
    across_m: tuple[float, float]
    launch_m: float

    @classmethod
    def about(
        cls,
        hull: HullSurface,
        launch_side: float,
        launch_station_m: float,
        across_m: tuple[float, float] = (2 * _ROUND_END_M, 2 * _ROUND_END_M),
    ) -> Outline:
        """For a launch beside a station of a side (+1 starboard)."""
        first, last = float(hull.stations_m[0]), float(hull.stations_m[-1])
        bare = cls(first, last, across_m, 0.0)
        start = bare._closed(np.array([np.clip(launch_station_m, first, last)]), np.array([launch_side]))
        return cls(first, last, across_m, float(start[0]))

    @property
    def total_m(self) -> float:
        """Once round."""
        return 2 * (self.last_m - self.first_m) + sum(self.across_m)

    def place_m(self, station_m: Array, side: Array) -> Array:
        """(n,) signed distance from the launch along the outline, the shorter way round."""
        apart = self._closed(station_m, side) - self.launch_m
        half = self.total_m / 2
        return np.asarray((apart + half) % self.total_m - half, dtype=np.float64)

    def _closed(self, station_m: Array, side: Array) -> Array:
        station = np.clip(station_m, self.first_m, self.last_m)
        starboard = self.last_m - station
        port = (self.last_m - self.first_m) + self.across_m[0] + (station - self.first_m)
        return np.where(np.asarray(side) > 0, starboard, port)

    def turns(self, depth_m: float) -> tuple[Array, Array]:
        """(6,) poses beyond stern and stem, through which the way round them leads."""
        aft = np.array([self.first_m - _ROUND_END_M, 0.0, depth_m, 0.0, 0.0, 0.0])
        return aft, np.array([self.last_m + _ROUND_END_M, 0.0, depth_m, np.pi, 0.0, 0.0])

    def way_round(self, from_place_m: float, to_place_m: float, depth_m: float) -> list[Array]:
        """(6,) poses round the end that lies between two places on different sides; none if neither does."""
        closed = sorted((self.launch_m + place) for place in (from_place_m, to_place_m))
        aft, fore = self.turns(depth_m)
        stern = (self.last_m - self.first_m) + self.across_m[0] / 2
        stem = self.total_m - self.across_m[1] / 2
        ends = [(stern - self.total_m, aft), (stem - self.total_m, fore), (stern, aft), (stem, fore)]
        turns = [turn for place, turn in ends if closed[0] < place < closed[1]]
        return turns if from_place_m < to_place_m else turns[::-1]
