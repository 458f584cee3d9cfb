"""Lines along the ship's sides at a stand-off, as vehicle poses, and the ship's outline as the vehicle goes round it.

The poses follow the rule of the lanes in ``patterns``: the view is along the inward normal, the vehicle stays level
and between the surface and the depth at which its lower sonar beams would only graze the bilge.
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
_BEAM_DROP, _BEAM_MARGIN_M = 0.30, 0.15  # of the lower beams of a DVL that faces the hull, see patterns
_SIDE_FACES_DOWN = float(np.sin(np.radians(45)))  # beyond is the bottom
_LEAST_FLAT = 0.3  # horizontal part of a normal that still tells where to look from
_SEABED_M = 0.5  # the vehicle stays this far above it
_ROUND_END_M = 2.5  # beyond stem and stern when the vehicle goes round them


class HullLines:
    """Poses along the sides of one ship, for one vehicle and stand-off.

    Stations are those of the cells' columns.

    Attributes:
        water_m: depth of the water.
        limit_m: (2, c) girth at which the side ends and the bottom begins, starboard first; 0 where there is no side.
    """

    def __init__(self, cells: HullCells, vehicle: VehicleProfile, stand_off_m: float, water_depth_m: float) -> None:
        self.cells, self.vehicle, self.stand_off_m = cells, vehicle, stand_off_m
        self.water_m = water_depth_m
        steep = cells.lattice((cells.normals[:, 2] < _SIDE_FACES_DOWN).astype(float)) > 0
        rows = np.arange(steep.shape[1])[None, :, None]
        last = np.where(steep, rows, -1).max(axis=1)
        self.limit_m = (last + 1) * CELL_M - CELL_M / 2
        depth = cells.lattice(cells.depth_m)
        turn = np.where(steep, depth, 0.0).max(axis=1)
        mount = vehicle.camera_mount.position_m
        self._deepest_m = np.minimum(
            turn - _BEAM_DROP * (stand_off_m + mount[0]) - _BEAM_MARGIN_M, water_depth_m - _SEABED_M
        )
        self.limit_m[self._deepest_m < LEAST_DEPTH_M] = 0.0

    def column_of(self, station_m: float) -> int:
        """The column nearest to a station."""
        first = float(self.cells.columns_m[0])
        return int(np.clip(round((station_m - first) / CELL_M), 0, len(self.cells.columns_m) - 1))

    def poses(self, half: int, columns: npt.NDArray[np.intp], girths_m: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
        """(n, 6) x, y, z, yaw, pitch, tilt of the vehicle, and (n,) whether it can be flown there.

        Args:
            half: 0 starboard, 1 port.
            girths_m: of the points looked at; clipped to the side.
        """
        girths = np.minimum(girths_m, self.limit_m[half, columns])
        points, normals = self.cells.sections[half].at(columns, girths)
        flat = np.linalg.norm(normals[:, :2], axis=1)
        flyable = (flat > _LEAST_FLAT) & (self.limit_m[half, columns] > 0)
        yaw = np.arctan2(-normals[:, 1], -normals[:, 0])
        inward = -normals[:, :2] / np.maximum(flat, 1e-6)[:, None]
        camera = points + normals * self.stand_off_m
        mount = self.vehicle.camera_mount.position_m
        depth = np.clip(
            camera[:, 2] - mount[2], LEAST_DEPTH_M, np.maximum(self._deepest_m[half, columns], LEAST_DEPTH_M)
        )
        camera[:, 2] = depth + mount[2]
        reach = np.linalg.norm(points[:, :2] - camera[:, :2], axis=1)
        low, high = -self.vehicle.tilt_range_rad, self.vehicle.tilt_range_rad
        tilt = np.clip(np.arctan2(camera[:, 2] - points[:, 2], reach), low, high)
        body = np.column_stack([camera[:, :2] - inward * mount[0], depth])
        return np.column_stack([body, np.unwrap(yaw), np.zeros(len(yaw)), tilt]), flyable


@dataclass(frozen=True, slots=True)
class Outline:
    """The ship's outline opened opposite the launch: places along it, signed, from the launch.

    Attributes:
        first_m, last_m: stations of her ends.
        across_m: length of the way round an end.
        launch_m: place of the launch on the closed outline, from the stem along starboard, round the stern.
    """

    first_m: float
    last_m: float
    across_m: float
    launch_m: float

    @classmethod
    def about(cls, hull: HullSurface, launch_side: float, launch_station_m: float) -> Outline:
        """For a launch beside a station of a side (+1 starboard)."""
        first, last = float(hull.stations_m[0]), float(hull.stations_m[-1])
        bare = cls(first, last, 2 * _ROUND_END_M + 4.0, 0.0)
        start = bare._closed(np.array([np.clip(launch_station_m, first, last)]), np.array([launch_side]))
        return cls(first, last, bare.across_m, float(start[0]))

    @property
    def total_m(self) -> float:
        """Once round."""
        return 2 * (self.last_m - self.first_m + self.across_m)

    def place_m(self, station_m: Array, side: Array) -> Array:
        """(n,) signed distance from the launch along the outline, the shorter way round."""
        apart = self._closed(station_m, side) - self.launch_m
        half = self.total_m / 2
        return np.asarray((apart + half) % self.total_m - half, dtype=np.float64)

    def _closed(self, station_m: Array, side: Array) -> Array:
        station = np.clip(station_m, self.first_m, self.last_m)
        starboard = self.last_m - station
        port = (self.last_m - self.first_m) + self.across_m + (station - self.first_m)
        return np.where(np.asarray(side) > 0, starboard, port)

    def way_round(self, from_place_m: float, to_place_m: float, depth_m: float) -> list[Array]:
        """(6,) poses round the end that lies between two places on different sides; none if neither does."""
        turns: list[Array] = []
        closed = sorted((self.launch_m + place) for place in (from_place_m, to_place_m))
        length = self.last_m - self.first_m
        for end, beyond, yaw in (
            (length + self.across_m / 2, self.first_m - _ROUND_END_M, 0.0),
            (self.total_m - self.across_m / 2, self.last_m + _ROUND_END_M, np.pi),
            (-self.across_m / 2, self.last_m + _ROUND_END_M, np.pi),
            (length + self.across_m / 2 - self.total_m, self.first_m - _ROUND_END_M, 0.0),
        ):
            if closed[0] < end < closed[1]:
                turns.append(np.array([beyond, 0.0, depth_m, yaw, 0.0, 0.0]))
        return turns if from_place_m < to_place_m else turns[::-1]
