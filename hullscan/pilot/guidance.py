"""Following a leg: from poses planned in the ship frame to position + velocity + yaw in the vehicle's frame.

The place along the leg moves at the leg's speed, or what the current leaves of it, and waits when the vehicle lags. The
target's velocity has no part towards the hull: should the control loop stall, ArduSub runs on along it for three
seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hullscan.geometry.frames import Array, Pose, ShipPose, wrap_pi
from hullscan.mission.currents import speed_in_current
from hullscan.mission.patterns import Leg
from hullscan.vehicle.commands import PositionVelocityYaw, vector

__all__ = ["LegFollower", "Progress"]

_LAG_SLOWS_M, _LAG_STOPS_M = 0.35, 0.8
_ARRIVED_M, _ARRIVED_RAD = 0.18, np.radians(6)
_PATIENCE_S = 15.0  # at the end of a leg; a current may keep the vehicle from standing exactly there


@dataclass(frozen=True, slots=True)
class Progress:
    """How a leg goes.

    Attributes:
        share: of the leg's length, 0 to 1.
        lag_m: distance of the vehicle from its target.
        done: the end is reached and the vehicle stands there.
    """

    share: float
    lag_m: float
    done: bool


class LegFollower:
    """Moves the target along one leg.

    Args:
        leg: poses in the ship frame.
        settle_s: how long the vehicle must stand at the end.
        start_m: how far along it the target begins.
    """

    def __init__(self, leg: Leg, settle_s: float = 1.0, start_m: float = 0.0) -> None:
        self.leg = leg
        steps = np.linalg.norm(np.diff(leg.poses[:, 1:4], axis=0), axis=1)
        turns = np.abs(np.diff(leg.poses[:, 4])) / np.radians(20) * leg.speed_mps
        self._along = np.concatenate([[0.0], np.cumsum(np.maximum(steps, turns))])
        share = start_m / leg.length_m if leg.length_m > 1e-6 else 0.0
        self._place = float(np.clip(share, 0.0, 1.0)) * float(self._along[-1])
        self._settle_s, self._standing_s, self._at_end_s = settle_s, 0.0, 0.0
        self.factor = 1.0
        """Speed as a share of the planned; an operator may slow down."""
        self.most_mps, self.water_mps = float("inf"), float("inf")
        """Speed that what is to be seen allows, and the vehicle's greatest through the water."""
        self.current_ned_mps: Array = np.zeros(3)
        self.current_share = 1.0
        """What the current leaves of the speed."""

    @property
    def length(self) -> float:
        """Of the leg, in the units of its progress (turning on the spot counts)."""
        return float(self._along[-1])

    def target(
        self, vehicle_ned: Pose, ship: ShipPose, elapsed_s: float
    ) -> tuple[PositionVelocityYaw, tuple[float, float], Progress]:
        """The command for now, the pitch of the frame and the camera's tilt on it, and how the leg goes.

        Args:
            vehicle_ned: where the vehicle is.
            ship: where she lies, registered.
            elapsed_s: since the last call.
        """
        here = self._at(self._place)
        body = ship.pose_in_ship(vehicle_ned)
        lag = float(np.linalg.norm(body.position_m - here[:3]))
        pace = float(np.clip((_LAG_STOPS_M - lag) / (_LAG_STOPS_M - _LAG_SLOWS_M), 0, 1))
        speed_mps = self._speed_mps(here, ship) * pace
        self._place = min(self._place + speed_mps * elapsed_s, self.length)
        pose = self._at(self._place)
        velocity = np.zeros(3)
        if self._place < self.length:
            ahead = self._at(min(self._place + 0.1, self.length))
            way = ahead[:3] - pose[:3]
            facing = np.array([np.cos(pose[3]), np.sin(pose[3]), 0.0])
            way = way - facing * max(float(way @ facing), 0.0)
            length = float(np.linalg.norm(way))
            if length > 1e-6:
                velocity = way / length * speed_mps
        command = PositionVelocityYaw(
            vector(ship.to_ned(pose[:3])),
            vector(ship.as_pose.rotation.apply(velocity)),
            wrap_pi(float(pose[3]) + ship.heading_rad),
        )
        return command, (float(pose[4]), float(pose[5])), self._progress(vehicle_ned, command, lag, elapsed_s)

    def _speed_mps(self, here: Array, ship: ShipPose) -> float:
        """As planned and as the operator wants it, up to what may be seen at and what the current leaves."""
        wanted = min(self.leg.speed_mps * self.factor, self.most_mps)
        way = self._at(min(self._place + 0.1, self.length))[:3] - here[:3]
        length = float(np.linalg.norm(way))
        if length < 1e-6 or not np.isfinite(self.water_mps):
            return wanted
        current = np.asarray(ship.as_pose.rotation.apply(self.current_ned_mps, inverse=True))
        left = float(speed_in_current(wanted, way[None] / length, here[3:4], current, self.water_mps)[0])
        self.current_share = left / wanted if wanted > 0 else 1.0
        return left

    def _progress(self, vehicle_ned: Pose, command: PositionVelocityYaw, lag: float, elapsed_s: float) -> Progress:
        done = False
        if self._place >= self.length:
            self._at_end_s += elapsed_s
            yaw = float(vehicle_ned.rotation.as_euler("ZYX")[0])
            gap = float(np.linalg.norm(vehicle_ned.position_m - np.array(command.position_ned_m)))
            stands = gap < _ARRIVED_M and abs(wrap_pi(yaw - command.yaw_rad)) < _ARRIVED_RAD
            self._standing_s = self._standing_s + elapsed_s if stands else 0.0
            done = self._standing_s >= self._settle_s or self._at_end_s > _PATIENCE_S
        return Progress(self._place / max(self.length, 1e-6), lag, done)

    def _at(self, place: float) -> Array:
        """(6,) x, y, z, yaw, pitch, tilt at a place along the leg."""
        index = int(np.clip(np.searchsorted(self._along, place, side="right") - 1, 0, len(self._along) - 2))
        span = self._along[index + 1] - self._along[index]
        share = (place - self._along[index]) / span if span > 1e-9 else 0.0
        return np.asarray(self.leg.poses[index, 1:] * (1 - share) + self.leg.poses[index + 1, 1:] * share)
