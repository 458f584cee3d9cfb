"""A leg: a piece of the route as timed poses of the vehicle in the ship frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Array, Pose
from hullscan.mission.vehicle import VehicleProfile
from hullscan.words import mark

__all__ = ["SETTLE_S", "STEP_M", "Leg", "dense", "timed"]

STEP_M = 0.25  # poses are no farther apart
SETTLE_S = 4.0  # between legs
_TURN_RADPS = np.radians(20)
_WORDS = {
    "approach": mark("leg {number} of {count}: approach to the hull"),
    "longitudinal": mark("leg {number} of {count}: lane {lane} of {lanes} along the side"),
    "transverse": mark("leg {number} of {count}: girth line {lane} of {lanes}"),
    "flat_bottom": mark("leg {number} of {count}: lane {lane} of {lanes} under the bottom"),
    "keel_line": mark("leg {number} of {count}: along the keel line"),
    "bilge_keel": mark("leg {number} of {count}: bilge keel, lane {lane} of {lanes}"),
    "bow": mark("leg {number} of {count}: bow, line {lane} of {lanes}"),
    "stern": mark("leg {number} of {count}: stern, line {lane} of {lanes}"),
    "running_gear": mark("leg {number} of {count}: round rudder and propeller, turn {lane} of {lanes}"),
    "sea_chest": mark("leg {number} of {count}: sea chests from close, {lane} of {lanes}"),
    "landmarks": mark("leg {number} of {count}: landmarks, look {lane} of {lanes}"),
    "spot_check": mark("leg {number} of {count}: place of a cue, lane {lane} of {lanes}"),
    "transfer": mark("leg {number} of {count}: to the next lane"),
    "return": mark("leg {number} of {count}: back to the launch"),
}


@dataclass(frozen=True, slots=True)
class Leg:
    """A piece of the route.

    Attributes:
        zone: of the hull, or ``water``.
        pattern: approach, transfer, return, or the pattern of the order that it serves.
        poses: (n, 7) t_s, x, y, z of the vehicle, yaw, pitch of the vehicle, tilt of the camera (radians inside).
        speed_mps: along it.
        surveys: whether what it sees is searched.
        lane: number of a lane and how many there are.
        tether_m: most tether that is out on the leg, from the launch the way the vehicle came.
        tether_turns: how far round the ship the tether lies at the end, in turns; positive over bow from starboard.
    """

    zone: str
    pattern: str
    poses: Array
    speed_mps: float
    surveys: bool
    lane: tuple[int, int] = (0, 0)
    tether_m: float = 0.0
    tether_turns: float = 0.0

    @property
    def words(self) -> str:
        """What the leg is, as a message for people; ``words_data`` and the leg's number go into it."""
        return _WORDS[self.pattern]

    @property
    def words_data(self) -> dict[str, Any]:
        """Data of ``words``."""
        return {"lane": self.lane[0], "lanes": self.lane[1]}

    @property
    def start_s(self) -> float:
        """Planned start."""
        return float(self.poses[0, 0])

    @property
    def end_s(self) -> float:
        """Planned end."""
        return float(self.poses[-1, 0])

    @property
    def length_m(self) -> float:
        """Along the poses."""
        return float(np.linalg.norm(np.diff(self.poses[:, 1:4], axis=0), axis=1).sum())

    def camera_poses(self, vehicle: VehicleProfile, every: int = 1) -> Iterator[Pose]:
        """Ship-from-camera poses along the leg, each or every so many."""
        for _, x, y, z, yaw, pitch, tilt in self.poses[::every]:
            body = Pose(np.array([x, y, z]), Rotation.from_euler("ZY", [yaw, pitch]))
            yield body @ vehicle.camera_pose_frd(float(tilt))

    def as_dict(self) -> dict[str, Any]:
        """The leg's entry in ``plan.json``: degrees, rounded."""
        poses = self.poses.copy()
        poses[:, 4:] = np.degrees(poses[:, 4:])
        return {
            "zone": self.zone,
            "pattern": self.pattern,
            "start_s": round(self.start_s, 1),
            "end_s": round(self.end_s, 1),
            "speed_mps": self.speed_mps,
            "poses": np.round(poses, 3).tolist(),
        }


def timed(
    zone: str, pattern: str, poses: Array, speed_mps: float, clock_s: float, *, surveys: bool
) -> tuple[Leg, float]:
    """A leg with the time of each of its (n, 6) poses, and the time when the next may begin."""
    poses = dense(poses)
    steps = np.linalg.norm(np.diff(poses[:, :3], axis=0), axis=1)
    turns = np.abs(np.diff(np.unwrap(poses[:, 3]))) / _TURN_RADPS
    times = clock_s + np.concatenate([[0.0], np.cumsum(np.maximum(steps / speed_mps, turns))])
    return Leg(zone, pattern, np.column_stack([times, poses]), speed_mps, surveys), float(times[-1]) + SETTLE_S


def dense(poses: Array) -> Array:
    """(m, 6) poses no farther apart than the step, of (n, 6); angles go the short way."""
    poses = poses.copy()
    poses[:, 3] = np.unwrap(poses[:, 3])
    pieces = [poses[:1]]
    for a, b in pairwise(poses):
        count = max(1, int(np.ceil(np.linalg.norm(b[:3] - a[:3]) / STEP_M)))
        share = np.linspace(0, 1, count + 1)[1:, None]
        pieces.append(a + (b - a) * share)
    return np.concatenate(pieces)
