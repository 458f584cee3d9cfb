"""A vehicle without a firmware: it stands where it is told, in a world of one ship, and goes wrong when told to.

Implements ``Vehicle`` and ``RangeSensor`` for tests of the pilot. Time moves when the pilot sleeps. It keeps account of
what must never happen: disarmed or rising under plating, or commands beyond the limits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.clock import SimulatedClock
from hullscan.errors import LinkError, RefusedError
from hullscan.geometry.frames import Pose, ShipPose, wrap_pi
from hullscan.mission.model import Mission
from hullscan.mission.ways_home import under_ship
from hullscan.vehicle import messages as m
from hullscan.vehicle.commands import (
    Command,
    CommandLimits,
    HoldPosition,
    ManualControl,
    PositionVelocityYaw,
    SetLights,
    SetTilt,
    clip,
)
from hullscan.vehicle.dvl_mount import BEAMS_DVL
from hullscan.vehicle.modes import Mode
from hullscan.vehicle.protocol import ControlState, Disarm, RangeCounts, RangeReport, Readiness, VehicleIdentity
from hullscan.vehicle.sources import AUTOPILOT, Station
from hullscan.vehicle.telemetry import Telemetry

STEP_S = 0.1
_HEARD_COS = 0.42  # a beam that meets plating flatter than 65 degrees does not come back
_STICK_LIFE_S, _PITCH_RADPS, _ANGLE_MAX_RAD = 3.0, 0.4, math.radians(45)
_REACH_MPS, _STICK_MPS, _RISE_MPS, _TURN_RADPS = 0.45, 1.0, 0.25, 1.0


class FakeRov(SimulatedClock):
    """World, clock, vehicle and ranges in one."""

    def __init__(self, mission: Mission, launch_ship_m: np.ndarray, ship: ShipPose) -> None:
        super().__init__()
        self.mission, self.ship = mission, ship
        self.place = ship.to_ned(launch_ship_m * np.array([1.0, 1.0, 0.0]) + np.array([0, 0, 0.1]))
        self.yaw = ship.heading_rad
        self.is_armed, self.mode_now = False, Mode.MANUAL
        self.position_ok = self.link_ok = self.dvl_ok = True
        self.volts, self.current_ned = 16.0, np.zeros(3)
        self.zero_m = 0.0
        """By how much its depth reads too deep."""
        self.gain = 0.5
        """Of the sticks."""
        self.tells_position = True
        self._zero_m = 0.0  # what the estimator has taken over of it
        self.telemetry = Telemetry(self)
        self.control = ControlState(False, "not taken", self.now())
        self.counts = RangeCounts()
        self.limits = CommandLimits()
        self.wrongs: list[str] = []
        self.script: list[tuple[float, Callable[[], None]]] = []
        self._target: tuple[np.ndarray, float] | None = None
        self._sticks, self._sticks_s = ManualControl(), float("-inf")
        self.pitch, self.takes_pitch = 0.0, True
        self._told = self.place.copy()
        self._reports: list[RangeReport] = []
        self._good_s = float("-inf")
        self._random = np.random.default_rng(5)
        self._rest_s, self._ticks, self._turn_radps = 0.0, 0, 0.0
        self._begin_s = self.now()
        self.sleep(2.0)

    # ---------------------------------------------------------------- the world

    def sleep(self, duration_s: float) -> None:
        """Move the world."""
        self._rest_s += max(duration_s, 0.0)
        while self._rest_s >= STEP_S - 1e-9:
            self._rest_s -= STEP_S
            super().sleep(STEP_S)
            self._step()

    @property
    def place_ship(self) -> np.ndarray:
        """(3,) where it truly is."""
        return self.ship.to_ship(self.place)

    @property
    def under(self) -> bool:
        """Whether plating lies above it."""
        return bool(under_ship(self.mission, self.place_ship)[0])

    def _step(self) -> None:
        while self.script and self.script[0][0] <= self.now() - self._begin_s:
            self.script.pop(0)[1]()
        before, self._turn_radps = self.place.copy(), 0.0
        if self.is_armed:
            self._move()
            self._lean()
        if self.is_armed and self.place[2] < before[2] - 1e-6 and self.mode_now is not Mode.GUIDED and self.under:
            self.wrongs.append(f"rises under the ship at {self.place_ship.round(1)}")
        self.place[2] = max(self.place[2], 0.05)
        self._ticks += 1
        if self.link_ok:
            self._talk(self.place - before)
        if self._ticks % 3 == 0:
            self._look()

    def _move(self) -> None:
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        if self.mode_now is Mode.GUIDED and self._target is not None:
            goal, yaw = self._target[0] - np.array([0.0, 0.0, self._zero_m]), self._target[1]
            way = goal - (self.place if self.position_ok else self._told)
            length = float(np.linalg.norm(way))
            self.place = self.place + way * min(1.0, _REACH_MPS * STEP_S / max(length, 1e-9))
            turn = float(np.clip(wrap_pi(yaw - self.yaw), -_TURN_RADPS * STEP_S, _TURN_RADPS * STEP_S))
            self.yaw, self._turn_radps = self.yaw + turn, turn / STEP_S
            if not self.position_ok:
                self.place = self.place + self.current_ned * STEP_S
        elif self.mode_now in (Mode.ALT_HOLD, Mode.STABILIZE):
            share = self.gain / 0.5
            x, y = share * self._sticks.x / 1000, share * self._sticks.y / 1000
            up = share * (self._sticks.z - 500) / 500
            rise = _RISE_MPS * up if abs(up) > 0.13 else 0.0
            if self.mode_now is Mode.ALT_HOLD and self.place[2] + self._zero_m < 0.1:
                rise = min(rise, 0.0)  # it takes itself to be at the surface
            self.place = self.place + STEP_S * (
                _STICK_MPS * np.array([c * x - s * y, s * x + c * y, 0]) - np.array([0, 0, rise]) + self.current_ned
            )

    def _lean(self) -> None:
        alive = self.takes_pitch and self.now() - self._sticks_s < _STICK_LIFE_S
        stick = self._sticks.s if alive else 0.0
        wanted = math.copysign(max(abs(stick) - 30.0, 0.0) / 370.0 * _ANGLE_MAX_RAD, stick)
        self.pitch += float(np.clip(wanted - self.pitch, -_PITCH_RADPS * STEP_S, _PITCH_RADPS * STEP_S))

    def _talk(self, moved: np.ndarray) -> None:
        boot_s = self.now() - self._begin_s + 10.0
        if self.position_ok:
            self._told = self.place.copy()
        else:
            self._told[2] = self.place[2]
        self._zero_m += (self.zero_m - self._zero_m) * (1 - math.exp(-STEP_S / 0.8))
        told = self._told + np.array([0.0, 0.0, self._zero_m])
        flags = 831 if self.position_ok else 167
        base = 81 | (128 if self.is_armed else 0)
        for message in (
            m.Attitude(boot_s, 0.0, self.pitch, wrap_pi(self.yaw), (0.0, 0.0, self._turn_radps)),
            m.LocalPosition(boot_s, tuple(told), tuple(moved / STEP_S if self.position_ok else np.zeros(3))),
            m.VfrHud(-float(self.place[2] + self._zero_m), 0.0, 0.0),
            m.Pressure(boot_s, 2, 101_325.0 + 1025 * 9.80665 * max(float(self.place[2] + self.zero_m), 0.0), 12.0),
            m.SysStatus(0, 0, 0, self.volts, 5.0, 0.8),
            m.EkfStatus(flags, 0.1, 0.1, 0.1, 0.1),
            m.NamedValue(boot_s, "PilotGain", self.gain),
            m.Heartbeat(12, 3, base, int(self.mode_now), 4),
        ):
            if self.tells_position or not isinstance(message, m.LocalPosition):
                self.telemetry.observe(AUTOPILOT, message, self.now())

    def _look(self) -> None:
        mount = self.mission.vehicle.dvl_mount
        directions = np.asarray(mount.rotation.apply(BEAMS_DVL))
        body = Pose(self.place, Rotation.from_euler("ZY", [self.yaw, self.pitch]))
        origin = self.ship.to_ship(body.to_parent(mount.position_m))
        turn = Rotation.from_euler("ZY", [self.yaw - self.ship.heading_rad, self.pitch])
        rays = turn.apply(directions)
        met = self.mission.hull.cast(np.tile(origin, (4, 1)), rays, 14.0)
        facing = -(rays * np.nan_to_num(met.normals)).sum(axis=1)
        valid = met.hit & (facing > _HEARD_COS) if self.dvl_ok else np.zeros(4, bool)
        noise = 0.004 * self._random.standard_normal(4)  # a report like the last one would be a repeated one
        distances = np.where(valid, met.distance_m + noise, np.nan)
        self._reports.append(RangeReport(self.now(), directions, distances, valid, np.zeros(4, bool)))
        if valid.any():
            self._good_s = self.now()

    def say(self, text: str) -> None:
        """A STATUSTEXT of the vehicle."""
        self.telemetry.observe(AUTOPILOT, m.StatusText(2, text, 0, 0), self.now())

    # ---------------------------------------------------------------- Vehicle

    def connect(self) -> VehicleIdentity:
        return VehicleIdentity(AUTOPILOT)

    def close(self) -> None:
        pass

    def check(self) -> None:
        pass

    def stations(self) -> list[Station]:
        return []

    def slowed_streams(self) -> tuple[str, ...]:
        return ()

    def parameter(self, name: str) -> float:
        return 0.0

    def set_parameter(self, name: str, value: float) -> None:
        pass

    def readiness(self) -> Readiness:
        return Readiness(self.position_ok, "")

    def take_control(self) -> None:
        if not self.link_ok:
            raise LinkError("not heard")
        self.control = ControlState(True, "in control", self.now())

    def let_go(self, reason: str) -> None:
        if self.control.held:
            self.control = ControlState(False, reason, self.now())

    def lose(self, reason: str) -> None:
        """Somebody or something takes it."""
        self.let_go(reason)

    @contextmanager
    def armed(self, leaving: Disarm = Disarm.WHEN_SHALLOW) -> Iterator[None]:
        self.is_armed = True
        try:
            yield
        finally:
            if self.control.held and self.place[2] < 0.5:
                if self.under:
                    self.wrongs.append("disarmed under the ship")
                self.is_armed = False

    def rearm(self) -> None:
        self.is_armed = True

    def set_mode(self, mode: Mode) -> None:
        self._require()
        if mode is Mode.GUIDED and not self.position_ok:
            raise RefusedError("the vehicle refused mode GUIDED")
        self.mode_now = mode
        self._target, self._sticks = None, ManualControl()
        self.sleep(STEP_S)

    def send(self, command: Command) -> Command:
        self._require()
        sent = clip(command, self.limits)
        if isinstance(sent, SetLights | SetTilt):
            return sent
        if isinstance(sent, ManualControl):
            if max(abs(sent.x), abs(sent.y)) * self.gain > 300:
                self.wrongs.append(f"sticks {sent}")
            if sent.z > 565 and self.under:
                self.wrongs.append(f"is told to rise under the ship at {self.place_ship.round(1)}")
            self._sticks, self._sticks_s = sent, self.now()
            return sent
        assert isinstance(sent, PositionVelocityYaw | HoldPosition)
        if self.mode_now is not Mode.GUIDED:
            raise RefusedError("a position is obeyed in GUIDED only")
        target = np.array(sent.position_ned_m)
        here = self._told + np.array([0.0, 0.0, self._zero_m])
        if target[2] < 0.29:
            self.wrongs.append(f"a target {target[2]:.2f} m deep")
        if isinstance(sent, PositionVelocityYaw) and np.linalg.norm(sent.velocity_ned_mps) > 0.51:
            self.wrongs.append(f"a velocity of {sent.velocity_ned_mps}")
        if self.position_ok and self.under and target[2] < here[2] - 0.9 and np.hypot(*(target - here)[:2]) < 0.3:
            self.wrongs.append(f"is sent straight up under the ship at {self.place_ship.round(1)}")
        if self.link_ok:
            self._target = target, sent.yaw_rad
        return sent

    def _require(self) -> None:
        if not self.control.held:
            raise RefusedError(f"hullscan is not in control: {self.control.reason}")

    # ---------------------------------------------------------------- RangeSensor

    def start(self) -> None:
        pass

    def latest(self) -> RangeReport | None:
        return self._reports[-1] if self._reports else None

    def since(self, utc_s: float) -> list[RangeReport]:
        return [report for report in self._reports[-60:] if report.utc_s > utc_s]

    def age_s(self, now_s: float) -> float:
        return now_s - self._good_s
