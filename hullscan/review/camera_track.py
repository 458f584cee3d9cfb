"""Where the camera was during a mission, by ``track.json``: when a place of the hull was in its picture.

The track has one point a second and no roll or pitch, which is enough to choose pictures and to say how long and from
how near a place was looked at; nothing is measured on the hull with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array, Pose
from hullscan.mission.model import Mission

__all__ = ["CameraTrack", "Views"]

_LARGEST_GAP_S = 2.5
_EDGE = 0.08  # of the picture: what lies there is not shown whole
_LEAST_COSINE = 0.45  # between sight and normal: flatter than 63 degrees nobody recognises anything


@dataclass(frozen=True, slots=True)
class Views:
    """Moments at which a place was in the picture.

    Attributes:
        utc_s, range_m: (n,).
        pixels: (n, 2).
    """

    utc_s: Array
    range_m: Array
    pixels: Array

    def best(self, count: int, apart_s: float) -> list[int]:
        """Numbers of the nearest views, each so long before or after the others."""
        chosen: list[int] = []
        for number in np.argsort(self.range_m, kind="stable"):
            if all(abs(self.utc_s[number] - self.utc_s[other]) > apart_s for other in chosen):
                chosen.append(int(number))
            if len(chosen) == count:
                break
        return chosen


class CameraTrack:
    """The camera's way, interpolated.

    Args:
        points: rows of ``track.json``: utc_s, x_m, y_m, z_m, yaw_deg in the ship frame.
        camera: intrinsics for the size of the recording.
    """

    def __init__(self, mission: Mission, points: list[list[float]], camera: Camera) -> None:
        table = np.array(points, dtype=np.float64).reshape(-1, 5)
        self.camera, self._mount, self._hull = camera, mission.vehicle.camera_pose_frd(0.0), mission.hull
        self._utc_s, self._yaw_rad = table[:, 0], np.unwrap(np.radians(table[:, 4]))
        self._position_m = table[:, 1:4]

    def at(self, utc_s: float) -> Pose | None:
        """Ship from camera at a time; None where the track says nothing."""
        after = int(np.searchsorted(self._utc_s, utc_s))
        if not 0 < after < len(self._utc_s):
            return None
        before, span = after - 1, float(self._utc_s[after] - self._utc_s[after - 1])
        if span > _LARGEST_GAP_S:
            return None
        share = (utc_s - self._utc_s[before]) / span
        position = self._position_m[before] * (1 - share) + self._position_m[after] * share
        yaw = self._yaw_rad[before] * (1 - share) + self._yaw_rad[after] * share
        return Pose(position, Rotation.from_euler("z", yaw)) @ self._mount

    def views_of(self, point_m: Array, normal: Array, reach_m: float) -> Views:
        """When the camera looked at a (3,) point of the hull with outward ``normal``, from up to a distance."""
        near = np.flatnonzero(np.linalg.norm(self._position_m - point_m, axis=1) < reach_m + 1.0)
        if not len(near):
            return Views(np.zeros(0), np.zeros(0), np.zeros((0, 2)))
        turn = Rotation.from_euler("z", self._yaw_rad[near, None])
        eyes = self._position_m[near] + turn.apply(self._mount.position_m)
        toward = point_m - eyes
        distance = np.linalg.norm(toward, axis=1)
        in_camera = (turn * self._mount.rotation).apply(toward, inverse=True)
        pixels = self.camera.project(in_camera)
        size = np.array([self.camera.width_px, self.camera.height_px])
        keep: npt.NDArray[np.bool_] = (distance < reach_m) & (-(toward @ normal) > _LEAST_COSINE * distance)
        with np.errstate(invalid="ignore"):
            keep &= ((pixels > _EDGE * size) & (pixels < (1 - _EDGE) * size)).all(axis=1)
        return Views(self._utc_s[near][keep], distance[keep], pixels[keep])

    def far_s(self, range_m: float) -> Array:
        """Times at which the hull ahead was farther away than that, or not ahead at all."""
        if not len(self._utc_s):
            return self._utc_s
        turn = Rotation.from_euler("z", self._yaw_rad[:, None])
        eyes = self._position_m + turn.apply(self._mount.position_m)
        ahead = (turn * self._mount.rotation).apply([0.0, 0.0, 1.0])
        hits = self._hull.cast(eyes, ahead)
        return np.asarray(self._utc_s[~hits.hit | (hits.distance_m > range_m)])

    def ranges_m(self, utc_s: float, pixels: Array) -> Array:
        """(n,) distance of the hull behind (n, 2) pixels; inf where there is none."""
        pose = self.at(utc_s)
        if pose is None:
            return np.full(len(pixels), np.inf)
        rays = pose.directions_to_parent(self.camera.rays_cam(pixels))
        hits = self._hull.cast(np.tile(pose.position_m, (len(rays), 1)), rays)
        return np.where(hits.hit, hits.distance_m, np.inf)


def dwell_s(views: Views) -> float:
    """Seconds for which a place was in the picture: the track has a point for each."""
    return float(len(np.unique(np.round(views.utc_s))))


def recording_camera(mission: Mission, width_px: int, height_px: int) -> Camera:
    """The mission's lens at the size of its recording."""
    return mission.vehicle.camera.resized(width_px, height_px)


def track_points(track: dict[str, Any]) -> list[list[float]]:
    """Time and place of the rows of ``track.json``; what else stands in a row (latitude, longitude) is not needed."""
    return [list(map(float, row[:5])) for row in track["points"]]
