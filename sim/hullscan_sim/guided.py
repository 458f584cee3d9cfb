"""GUIDED: what setpoints do, as measured on ArduSub 4.5.3.

Nothing is ever refused aloud. What a message may use is decided group by group (any ignore bit of a group drops
the whole group), and what is sent decides how the vehicle flies from then on:

* position: a leg from rest to rest, planned anew by every message; holds for ever;
* velocity: no position hold at all; the target drops to zero 3 s after the last message;
* position and velocity: the target runs ahead between messages, at twice the velocity, for up to 3 s;
* attitude and thrust: levels after 1 s.

Heading: the last yaw ever commanded is taken up again whenever a message leaves yaw out; a yaw rate never ends. Farther
than 5 degrees from its heading it turns at the rate that came with it, at most and by default 60 degrees a second.
"""

from __future__ import annotations

from enum import Enum, auto
from math import cos, pi, sin

from hullscan_sim.control import AttitudeControl, Demand, clamp, wrap
from hullscan_sim.dynamics import Vector
from hullscan_sim.estimator import Estimator
from hullscan_sim.leg import Leg
from hullscan_sim.messages import Message
from hullscan_sim.parameters import Parameters
from hullscan_sim.pilot import PilotInput
from hullscan_sim.position_control import PositionControl

__all__ = ["Guided", "Kind"]

_VELOCITY_LIFE_S, _ATTITUDE_LIFE_S = 3.0, 1.0
_SLEW_RAD_S = pi / 3  # AUTO_YAW_SLEW_RATE
_SAME_DEPTH_M = 0.3  # a leg that stays at its depth is planned at the depth that is being held
_ZERO: Vector = (0.0, 0.0, 0.0)


class Kind(Enum):
    """What is being followed."""

    POSITION = auto()
    VELOCITY = auto()
    POSITION_VELOCITY = auto()
    ATTITUDE = auto()


class Guided:
    """Targets of GUIDED and the way they are flown."""

    def __init__(
        self,
        parameters: Parameters,
        nav: Estimator,
        pilot: PilotInput,
        attitude: AttitudeControl,
        position: PositionControl,
    ) -> None:
        self._parameters, self._nav, self._pilot = parameters, nav, pilot
        self._attitude, self._position = attitude, position
        self.kind = Kind.POSITION
        self._leg: Leg | None = None
        self._place, self._velocity = list(_ZERO), _ZERO
        self._updated_s = 0.0
        self._lean: tuple[float, float, float] = _ZERO  # roll, pitch, yaw of SET_ATTITUDE_TARGET
        self._sink_mps = 0.0
        self._heading: float | None = None
        self._yaw_rate: float | None = None
        self._slew = _SLEW_RAD_S

    # ---------------------------------------------------------------- setpoints

    def start(self) -> None:
        """Enter the mode: hold the stopping point; the last commanded heading stays."""
        if self._heading is None:
            self._heading = self._nav.attitude[2]
        self.kind, self._leg = Kind.POSITION, None  # the leg to the stopping point is planned by the first step

    def go_to(self, place: Vector) -> None:
        """Position only. While a leg is being flown, this plans again from rest at the stopping point."""
        if self.kind is not Kind.POSITION:
            self.start()
        self._begin_leg(place)

    def drive(self, velocity: Vector, time_s: float) -> None:
        """Velocity only."""
        if self.kind is not Kind.VELOCITY:
            self.kind = Kind.VELOCITY
            self._begin_controllers()
        self._velocity, self._updated_s = velocity, time_s

    def follow(self, place: Vector, velocity: Vector, time_s: float) -> None:
        """Position and velocity."""
        if self.kind is not Kind.POSITION_VELOCITY:
            self.kind = Kind.POSITION_VELOCITY
            self._begin_controllers()
        self._place, self._velocity, self._updated_s = list(place), velocity, time_s

    def lean(self, attitude: Vector, sink_mps: float, time_s: float) -> None:
        """Attitude and vertical speed (down positive)."""
        if self.kind is not Kind.ATTITUDE:
            self.kind = Kind.ATTITUDE
            self._begin_controllers()
        self._lean, self._sink_mps, self._updated_s = attitude, sink_mps, time_s

    def turn(self, yaw_rad: float | None, yaw_rate: float | None, *, relative: bool = False) -> None:
        """Heading part of a setpoint; both None leaves the heading that was commanded last."""
        if yaw_rad is not None:
            self._heading = wrap(yaw_rad + (self._nav.attitude[2] if relative else 0.0))
            self._slew, self._yaw_rate = min(yaw_rate or _SLEW_RAD_S, _SLEW_RAD_S), None
        else:
            self._yaw_rate = yaw_rate

    def set_heading(self, degrees: float, rate_deg_s: float, *, relative: bool, way: int) -> None:
        """CONDITION_YAW: also sets the heading that is remembered."""
        turn = degrees * pi / 180
        if relative:
            turn = self._attitude.yaw + turn * (-1 if way < 0 else 1)
        self._heading, self._yaw_rate = wrap(turn), None
        self._slew = min(rate_deg_s * pi / 180 or _SLEW_RAD_S, _SLEW_RAD_S)

    def _begin_controllers(self) -> None:
        self._position.start_level(self._nav.position, self._nav.velocity)
        self._position.start_depth(self._nav.position, self._nav.velocity)

    def _stopping_point(self) -> Vector:
        return self._position.stopping_point(self._nav.position, self._nav.velocity)

    def _begin_leg(self, place: Vector) -> None:
        get = self._parameters
        start = self._leg.end if self._leg is not None and self._leg.done else self._stopping_point()
        if self._leg is None or not self._leg.done:
            self._position.start_level(self._nav.position, self._nav.velocity)
            if self._leg is not None and abs(place[2] - self._position.down.place) < _SAME_DEPTH_M:
                start = (start[0], start[1], self._position.down.place)
        level, down, up = self._position.speed_mps, get["WPNAV_SPEED_DN"] / 100, get["WPNAV_SPEED_UP"] / 100
        speeds = (max(level, 0.05), max(down, 0.05), max(up, 0.05))
        strengths = (max(get["WPNAV_ACCEL"] / 100, 0.05), max(get["WPNAV_ACCEL_Z"] / 100, 0.05))
        self._leg = Leg(start, place, speeds, strengths, min(max(get["WPNAV_JERK"], 0.1), 100.0))

    # ---------------------------------------------------------------- flight

    def run(self, time_s: float, dt_s: float) -> Demand:
        """One step, armed."""
        silent_s = time_s - self._updated_s
        if self.kind is Kind.ATTITUDE:
            return self._run_lean(silent_s, dt_s)
        forward, lateral = self._run_level(silent_s, dt_s)
        nav = self._nav
        throttle = self._position.depth(nav.position, nav.velocity, nav.acceleration_down, dt_s)
        roll, pitch, yaw = self._run_turn(dt_s)
        return Demand(roll, pitch, yaw, throttle, forward, lateral)

    def _run_level(self, silent_s: float, dt_s: float) -> tuple[float, float]:
        """Move the targets; forward and lateral demand."""
        nav, position = self._nav, self._position
        if self.kind is not Kind.POSITION and silent_s > _VELOCITY_LIFE_S:
            self._velocity = _ZERO
        if self.kind is Kind.POSITION:
            if self._leg is None:
                self._begin_leg(self._stopping_point())
            assert self._leg is not None
            place, velocity = self._leg.advance(nav.position, dt_s)
            position.set_level(place, velocity)
            position.set_depth(place[2], velocity[2])
        elif self.kind is Kind.POSITION_VELOCITY:
            for axis in range(3):
                self._place[axis] += 2 * self._velocity[axis] * dt_s
            place = (self._place[0], self._place[1], self._place[2])
            position.follow_level(place, self._velocity, dt_s)
            position.follow_depth(place, self._velocity, dt_s)
        else:
            up, down = self._parameters["PILOT_SPEED_UP"] / 100, self._parameters["PILOT_SPEED_DN"] / 100
            position.north.speed, position.east.speed = self._velocity[0], self._velocity[1]
            position.sink(min(max(self._velocity[2], -up), down or up), nav.position, dt_s)
        hold = self.kind is not Kind.VELOCITY
        return position.level(nav.position, nav.velocity, nav.attitude[2], dt_s, hold_place=hold)

    def _run_turn(self, dt_s: float) -> Vector:
        stick = 0.0 if self._pilot.lost else self._pilot.yaw_rate
        rate = stick or self._yaw_rate
        nav, (roll, pitch) = self._nav, self._pilot.lean_rad  # both from the sticks, as in mode_guided.cpp
        if rate is not None and rate != 0.0:
            return self._attitude.update(nav.attitude, nav.rates, roll, pitch, dt_s, yaw_rate=rate)
        if rate == 0.0 or self._heading is None:
            return self._attitude.update(nav.attitude, nav.rates, roll, pitch, dt_s)
        return self._attitude.update(
            nav.attitude, nav.rates, roll, pitch, dt_s, yaw_rad=self._heading, slew_rad_s=self._slew
        )

    def _run_lean(self, silent_s: float, dt_s: float) -> Demand:
        nav, most = self._nav, self._parameters["ANGLE_MAX"] / 100 * pi / 180
        alive = silent_s <= _ATTITUDE_LIFE_S
        roll, pitch = (clamp(angle, most) if alive else 0.0 for angle in self._lean[:2])
        turn = self._attitude.update(nav.attitude, nav.rates, roll, pitch, dt_s, yaw_rad=self._lean[2])
        self._position.sink(self._sink_mps if alive else 0.0, nav.position, dt_s)
        throttle = self._position.depth(nav.position, nav.velocity, nav.acceleration_down, dt_s)
        return Demand(*turn, throttle, 0.0, 0.0)

    # ---------------------------------------------------------------- messages

    def take_local(self, message: Message, time_s: float) -> None:
        """SET_POSITION_TARGET_LOCAL_NED, by the rules above. Anything it cannot use is dropped without a word."""
        frame, mask = message.coordinate_frame, message.type_mask
        if frame not in _FRAMES or mask & _ACCELERATION != _ACCELERATION:
            return
        nav = self._nav
        place: Vector | None = None
        velocity: Vector | None = None
        if not mask & _POSITION:
            place = (message.x, message.y, message.z)
            place = self._from_body(place) if frame in _BODY_FRAMES else place
            if frame != _LOCAL_NED:
                place = (place[0] + nav.position[0], place[1] + nav.position[1], place[2] + nav.position[2])
        if not mask & _VELOCITY:
            velocity = (message.vx, message.vy, message.vz)
            velocity = self._from_body(velocity) if frame in _BODY_FRAMES else velocity
        yaw = None if mask & _YAW else message.yaw
        rate = None if mask & _YAW_RATE else message.yaw_rate
        used = [*(place or ()), *(velocity or ()), *(value for value in (yaw, rate) if value is not None)]
        if not all(-1e6 < value < 1e6 for value in used):
            return
        self._take(place, velocity, time_s, (yaw, rate, frame == _BODY_OFFSET))

    def take_global(self, place: Vector | None, velocity: Vector | None, time_s: float) -> None:
        """SET_POSITION_TARGET_GLOBAL_INT, already in the local frame; yaw fields are not used."""
        self._take(place, velocity, time_s, None)

    def _take(
        self,
        place: Vector | None,
        velocity: Vector | None,
        time_s: float,
        turn: tuple[float | None, float | None, bool] | None,
    ) -> None:
        if place is None and velocity is None:
            return
        if turn is not None:
            self.turn(turn[0], turn[1], relative=turn[2])
        if place is not None and velocity is not None:
            self.follow(place, velocity, time_s)
        elif place is not None:
            self.go_to(place)
        elif velocity is not None:
            self.drive(velocity, time_s)

    def _from_body(self, vector: Vector) -> Vector:
        """Rotate by the heading only."""
        c, s = cos(self._nav.attitude[2]), sin(self._nav.attitude[2])
        return c * vector[0] - s * vector[1], s * vector[0] + c * vector[1], vector[2]


_LOCAL_NED, _LOCAL_OFFSET, _BODY_NED, _BODY_OFFSET, _BODY_FRD = 1, 7, 8, 9, 12
_BODY_FRAMES = frozenset({_BODY_NED, _BODY_OFFSET, _BODY_FRD})
_FRAMES = frozenset({_LOCAL_NED, _LOCAL_OFFSET}) | _BODY_FRAMES
_POSITION, _VELOCITY, _ACCELERATION, _YAW, _YAW_RATE = 0x007, 0x038, 0x1C0, 0x400, 0x800
