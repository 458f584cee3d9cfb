"""At the helm of an ArduSub: taking and losing control, modes, arming, setpoints.

Everything here needs control, and stops by itself when somebody else takes it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager

from hullscan.clock import Clock
from hullscan.errors import HullscanError, RefusedError
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
from hullscan.vehicle.control import ControlWatch
from hullscan.vehicle.dialogue import Dialogue
from hullscan.vehicle.link import MavlinkLink
from hullscan.vehicle.messages import Frame, Message, PilotInput, PositionTarget
from hullscan.vehicle.modes import Mode
from hullscan.vehicle.payload import Payload
from hullscan.vehicle.protocol import ControlState, Disarm, Readiness
from hullscan.vehicle.telemetry import Telemetry
from hullscan.words import mark

__all__ = ["SHALLOW_M", "Helm", "ekf_readiness"]

SHALLOW_M = 0.5
"""Nearer to the surface than this a disarmed vehicle simply floats up; depth reads up to 0.1 m wrong there."""

CONFIRM_S = 3.0
"""HEARTBEAT comes at 1 Hz, and at once on a change of mode (ardusub.md 2.3)."""

_POSITION_VELOCITY_YAW = 0x01C0  # type masks: acceleration ignored (ardusub.md 2.4)
_POSITION_YAW = 0x01F8  # velocity and acceleration ignored
_TURN_RADPS = math.radians(15)
"""How fast ArduSub turns while it is more than 5 degrees off the wanted heading; without it, 60 degrees a second.

It drops the rate at once where the 5 degrees begin (``input_euler_angle_roll_pitch_slew_yaw`` of 4.5.3). What a vehicle
with 0.08 to 0.15 s of lag in its thrusters turns on from 60 leads it out of them on the other side, and so on for good:
10 degrees to either side once a second (conformance.md).
"""
_ARM_DISARM, _DO_SET_MODE = 400, 176  # MAV_CMD
_CUSTOM_MODE_ENABLED = 1.0
_SURFACE_S = 120.0  # from 30 m at PILOT_SPEED_UP 1 m/s, with time to spare
_EKF_AGE_S = 3.0
_RESTING_Z = 37.0

_log = logging.getLogger(__name__)


def ekf_readiness(flags: int) -> Readiness:
    """What EKF_STATUS_REPORT.flags mean for flying by position (831 GPS, 367 DVL, 167 lost; ardusub.md 2.1)."""
    if flags & 1024 or not flags & 1:
        return Readiness(False, mark("the estimator has not started yet"))
    if flags & 128:
        return Readiness(False, mark("the estimator has no position (constant position mode): no GPS and no DVL"))
    if flags & 16:
        return Readiness(True, mark("position known absolutely"))
    if flags & 8:
        return Readiness(True, mark("position known relative to the start (DVL)"))
    return Readiness(False, mark("the estimator has no horizontal position"))


class Helm:
    """Flies one vehicle.

    Args:
        link: carries our heartbeat while in control.
        clock: the mission clock.
        telemetry: what the vehicle says.
        dialogue: for acknowledged commands.
        payload: for lamps and tilt.
        limits: what every command is clipped to.
    """

    def __init__(
        self,
        link: MavlinkLink,
        clock: Clock,
        telemetry: Telemetry,
        dialogue: Dialogue,
        payload: Payload,
        limits: CommandLimits,
    ) -> None:
        self._link, self._clock, self._telemetry = link, clock, telemetry
        self._dialogue, self._payload = dialogue, payload
        self._watch = ControlWatch(clock, telemetry, link.own, self._released, lambda: link.unanswered_s)
        self.limits = limits

    @property
    def control(self) -> ControlState:
        """Whether hullscan flies."""
        return self._watch.state

    def observe(self, frame: Frame) -> None:
        """Look for a foreign hand; in the link's reader thread."""
        self._watch.observe(frame)

    def take_control(self) -> None:
        """Begin to fly: our heartbeat starts, and from now on a foreign hand is noticed.

        Raises:
            LinkError: the vehicle is not heard.
            RefusedError: somebody holds a stick.
        """
        self._watch.take()
        self._link.in_control = True

    def let_go(self, reason: str) -> None:
        """Stop heartbeat and commands at once; the vehicle is left as it is."""
        self._watch.let_go(reason)

    def lose_control(self, message: str) -> None:
        """The same, when it was not our wish."""
        self._watch.lose(message)

    def _released(self) -> None:
        self._link.in_control = False

    def _require_control(self) -> None:
        state = self.control
        if not state.held:
            raise RefusedError(f"hullscan is not in control: {state.reason}")

    def readiness(self) -> Readiness:
        """Whether the vehicle can be flown by position now."""
        if self._telemetry.ekf.age_s(self._clock.now()) > _EKF_AGE_S:
            return Readiness(False, mark("the estimator's state is not heard (EKF_STATUS_REPORT)"))
        return ekf_readiness(self._telemetry.ekf_flags)

    # -- arming and modes ----------------------------------------------------------------------------------

    @contextmanager
    def armed(self, leaving: Disarm = Disarm.WHEN_SHALLOW) -> Iterator[None]:
        """Arm; on any exit disarm as ``leaving`` says, unless somebody else flies by then.

        Raises:
            RefusedError: the vehicle does not arm, with its own words; or, on leaving normally, it is too deep
                to disarm and was left armed, holding its place.
        """
        self.set_armed(True)
        try:
            yield
        except BaseException as error:
            try:
                self._leave(leaving)
            except HullscanError as second:
                error.add_note(f"and then: {second}")
                _log.error("%s", second)
            raise
        self._leave(leaving)

    def _leave(self, leaving: Disarm) -> None:
        if not self.control.held or not self._telemetry.armed:
            return  # the operator flies, or it is disarmed already
        if leaving is Disarm.SURFACE_FIRST:
            self.set_mode(Mode.SURFACE)
            self._dialogue.wait_until(lambda: self._telemetry.depth_m < SHALLOW_M, _SURFACE_S)
        if leaving is Disarm.AT_ONCE or self._telemetry.depth_m < SHALLOW_M:
            self.set_armed(False)
            return
        depth_m = self._telemetry.depth_m
        self._hold()
        raise RefusedError(
            f"not disarmed at {depth_m:.1f} m depth: it holds its place in {self._telemetry.mode}",
            todo="bring it to the surface and disarm, or take over by joystick",
        )

    def _hold(self) -> None:
        """Stay here: by position if there is one, else at this depth."""
        position, attitude = self._telemetry.position.latest, self._telemetry.attitude.latest
        if self._telemetry.mode == Mode.GUIDED.name and self.readiness().ready and position and attitude:
            place = (position.north_m, position.east_m, position.down_m)
            self.send(HoldPosition(place, attitude.yaw_rad))
        else:
            self.set_mode(Mode.ALT_HOLD)

    def rearm(self) -> None:
        """Arm again what a failsafe has disarmed, inside ``armed()``: a disarmed vehicle floats up against the hull.

        Raises:
            RefusedError: not in control, or refused, with the vehicle's own words.
        """
        if not self._telemetry.armed:
            self.set_armed(True)

    def set_armed(self, armed: bool) -> None:
        """Arm or disarm, and wait until the vehicle's heartbeat says so.

        Raises:
            RefusedError: not in control, or refused, with the vehicle's own words.
            LinkError: no answer.
        """
        self._require_control()
        what = "arming" if armed else "disarming"
        self._watch.change_begins()
        confirmed = False
        asked_at_s = self._clock.now()
        try:
            self._dialogue.command(what, _ARM_DISARM, float(armed))
            confirmed = self._dialogue.wait_until(lambda: self._telemetry.armed == armed, CONFIRM_S)
        finally:
            self._watch.change_ends(armed=armed if confirmed else None)
        if not confirmed:
            words = self._dialogue.words_since(asked_at_s)
            raise RefusedError(f"the vehicle acknowledged {what} but its heartbeat does not show it{words}")

    def set_mode(self, mode: Mode) -> None:
        """Change the flight mode and wait until the vehicle's heartbeat says so.

        Raises:
            RefusedError: not in control, or refused, with the vehicle's own words.
            LinkError: no answer.
        """
        self._require_control()
        self._watch.change_begins()
        confirmed = False
        try:
            self._dialogue.command(f"mode {mode.name}", _DO_SET_MODE, _CUSTOM_MODE_ENABLED, float(mode))
            confirmed = self._dialogue.wait_until(lambda: self._telemetry.mode == mode.name, CONFIRM_S)
        finally:
            self._watch.change_ends(mode=int(mode) if confirmed else None)
        if not confirmed:
            raise RefusedError(f"the vehicle acknowledged mode {mode.name} but stays in {self._telemetry.mode}")

    # -- setpoints -----------------------------------------------------------------------------------------

    def send(self, command: Command) -> Command:
        """Send a command without waiting; the command as it was really sent, after clipping.

        Raises:
            RefusedError: not in control, not in GUIDED for a position, or a number is not finite.
        """
        self._require_control()
        sent = clip(command, self.limits)
        if isinstance(sent, SetLights | SetTilt):
            self._payload.want(sent)
        else:
            if isinstance(sent, ManualControl):
                self._watch.sticks_are_ours(neutral=_rests(sent), pitch_us=sent.s)
            self._dialogue.send(self._message(sent))
        return sent

    def _message(self, command: PositionVelocityYaw | HoldPosition | ManualControl) -> Message:
        vehicle = self._telemetry.vehicle
        if isinstance(command, ManualControl):
            sticks = (round(command.x), round(command.y), round(command.z), round(command.r))
            return PilotInput(vehicle.system, *sticks, s=round(command.s))
        if self._telemetry.mode != Mode.GUIDED.name:  # ArduSub would drop it without a word
            raise RefusedError(f"a position is obeyed in GUIDED only, and the vehicle is in {self._telemetry.mode}")
        holds = isinstance(command, HoldPosition)
        return PositionTarget(
            vehicle,
            self._telemetry.time.boot_s,
            _POSITION_YAW if holds else _POSITION_VELOCITY_YAW,
            command.position_ned_m,
            (0.0, 0.0, 0.0) if isinstance(command, HoldPosition) else command.velocity_ned_mps,
            command.yaw_rad,
            _TURN_RADPS,
        )


def _rests(sticks: ManualControl) -> bool:
    """Whether RC_CHANNELS would show all but the pitch at rest: 0.4 us for each of z's units, at the delivered gain."""
    return not any((sticks.x, sticks.y, sticks.r)) and abs(sticks.z - 500.0) <= _RESTING_Z
