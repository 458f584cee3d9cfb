"""The operator always wins: notices when somebody or something else flies the vehicle.

Noticed are: another flight mode than the one we set, arming or disarming that we did not do, a stick that
moved (RC_CHANNELS, which is how a joystick on another computer looks from here), and MANUAL_CONTROL, RC overrides,
targets or commands to fly of another station when a router shows them to us. ArduSub's own failsafes change the mode
too; their text is quoted in the reason, also when it comes after the change. Where the link was broken the text is
lost with it, and it is said once in half a minute: ALT_HOLD after a time in which nothing was heard, or none of our
questions answered, is what the failsafe does that preflight sets, not a hand.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hullscan.clock import Clock
from hullscan.errors import LinkError, RefusedError
from hullscan.vehicle.messages import (
    CommandLong,
    Frame,
    Heartbeat,
    PilotInput,
    PositionTarget,
    RcChannels,
    RcOverride,
    Source,
    StatusText,
)
from hullscan.vehicle.modes import Mode, mode_name
from hullscan.vehicle.protocol import ControlState
from hullscan.vehicle.telemetry import Telemetry
from hullscan.words import fill, mark

__all__ = ["ControlWatch"]

_STICKS = 6  # channels 1 to 6: pitch, roll, throttle, yaw, forward, lateral
_PITCH_CHANNEL = 1
_NEUTRAL_US = 1500
_MOVED_US = 25
"""A stick has moved: at the least gain (0.25) full forward is 100 us, and a resting joystick was seen to
wander by 8 us on a real vehicle (log of 2023-05-04)."""
_VALID_US = (900, 2_100)
_MOVED = 50  # of 1000 in MANUAL_CONTROL, ArduSub's own measure of "back to neutral"
_TEXT_WINDOW_S, _WORDS_AFTER_S = 3.0, 1.0
_GRAVE = 4  # MAV_SEVERITY_WARNING
_SILENCE_S = 1.4  # heartbeats come every second, answers twice: the failsafe acts when ours are lost for 1.5 s or more
_RESTED_S = 4.0  # after our own sticks have come to rest: an override lives for 3 s, RC_CHANNELS come twice a second
_TO_FLY = frozenset({17, 20, 21, 115, 176, 178, 185, 192, 300, 400})
"""MAV_CMD of who flies: loiter, return, land, turn, mode, speed, terminate, go there, begin a mission, arm."""
_STICK = mark("the operator moves a stick (channel {channel}: {pulse} us)")

_log = logging.getLogger(__name__)


class ControlWatch:
    """Compares what the vehicle does with what we told it.

    Args:
        clock: the mission clock.
        telemetry: for the vehicle's words.
        own: our source, whose messages are no foreign hand.
        released: called once when control is lost, from the link's reader thread.
        unanswered_s: for how long the vehicle may not have heard us.
    """

    def __init__(
        self,
        clock: Clock,
        telemetry: Telemetry,
        own: Source,
        released: Callable[[], None],
        unanswered_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._clock, self._telemetry, self._own, self._released = clock, telemetry, own, released
        self._unanswered_s = unanswered_s
        self._change: dict[str, Any] = {}
        self._lock = threading.RLock()
        self._state = ControlState(False, "not taken yet", clock.now())
        self._mode = 0
        self._armed = False
        self._changing = 0
        self._sticks_are_ours = False
        self._neutral_since_s: float | None = None
        self._pitches_us: deque[tuple[float, float]] = deque()
        self._moved: dict[str, Any] = {}
        self._beat_s = clock.now()

    @property
    def state(self) -> ControlState:
        """Whether hullscan flies."""
        return self._state

    def take(self) -> None:
        """Begin: what the vehicle does now is what we expect of it.

        Raises:
            LinkError: the vehicle is not heard.
            RefusedError: somebody holds a stick.
        """
        beat = self._telemetry.heartbeat.latest
        if beat is None:
            raise LinkError("control cannot be taken of a vehicle that is not heard")
        if moved := self._moved:
            raise RefusedError(f"control is not taken while {fill(_STICK, moved)}", todo="centre the joystick")
        with self._lock:
            self._mode, self._armed = int(beat.custom_mode), beat.armed
            self._sticks_are_ours, self._neutral_since_s, self._changing = False, None, 0
            self._state = ControlState(True, "in control", self._clock.now())

    def let_go(self, reason: str) -> None:
        """End by our own wish; the first reason stays."""
        if self._end(reason, {}):
            _log.info("control given up: %s", reason)

    def lose(self, message: str, **data: Any) -> None:
        """End because of somebody or something else; the first reason stays."""
        if self._end(message, data):
            _log.warning("control lost: %s", self._state.reason)

    def _end(self, message: str, data: dict[str, Any]) -> bool:
        with self._lock:
            if not self._state.held:
                return False
            self._state = ControlState(False, message, self._clock.now(), data)
        self._released()
        return True

    def change_begins(self) -> None:
        """We are changing mode or arming: heartbeats may say the old or the new."""
        with self._lock:
            self._changing += 1

    def change_ends(self, *, mode: int | None = None, armed: bool | None = None) -> None:
        """The change is confirmed (give what it is now) or given up."""
        with self._lock:
            self._changing = max(self._changing - 1, 0)
            self._mode = self._mode if mode is None else mode
            self._armed = self._armed if armed is None else armed

    def sticks_are_ours(self, *, neutral: bool, pitch_us: float = 0.0) -> None:
        """We send MANUAL_CONTROL ourselves: stick movements in RC_CHANNELS are our own, unless ours rest at neutral.

        Args:
            neutral: all but the pitch, which is sent while somebody else's hand must still be noticed on any channel.
            pitch_us: how far off neutral we put its channel.
        """
        now_s = self._clock.now()
        with self._lock:
            self._pitches_us.append((now_s, pitch_us))
            while now_s - self._pitches_us[0][0] > _RESTED_S:
                self._pitches_us.popleft()
        if not neutral:
            self._sticks_are_ours, self._neutral_since_s = True, None
        elif self._sticks_are_ours and self._neutral_since_s is None:
            self._neutral_since_s = now_s

    def _sticks_may_move(self) -> bool:
        """Whether we steer by sticks, or have until a moment ago."""
        since_s = self._neutral_since_s
        return self._sticks_are_ours and (since_s is None or self._clock.now() - since_s < _RESTED_S)

    def observe(self, frame: Frame) -> None:
        """Take a frame of the link; in its reader thread."""
        message, source = frame.message, frame.source
        if isinstance(message, RcChannels) and source == self._telemetry.vehicle:
            self._moved = self._moved_stick(message.pwm_us[:_STICKS])
        if not self._state.held:
            if isinstance(message, StatusText) and source == self._telemetry.vehicle and message.severity <= _GRAVE:
                self._explain(message.text)
            return
        if source == self._telemetry.vehicle:
            if isinstance(message, Heartbeat):
                self._heartbeat(message)
            elif isinstance(message, RcChannels) and not self._sticks_may_move() and self._moved:
                self.lose(_STICK, **self._moved)
        elif source != self._own and self._foreign_hand(message):
            self.lose(mark("{source} moves the sticks"), source=str(source))
        elif source != self._own and self._foreign_command(message):
            self.lose(mark("{source} commands the vehicle"), source=str(source))

    def _heartbeat(self, beat: Heartbeat) -> None:
        now_s = self._clock.now()
        silent_s, self._beat_s = now_s - self._beat_s, now_s
        with self._lock:
            if self._changing:
                return
            mode, armed = self._mode, self._armed
        if beat.custom_mode != mode:
            data = {"before": mode_name(mode), "after": mode_name(beat.custom_mode)}
            silent_s = max(silent_s, self._unanswered_s()) if beat.custom_mode == Mode.ALT_HOLD else 0.0
            self._lose_to_change(mark("mode changed from {before} to {after}, not by hullscan"), data, silent_s)
        elif beat.armed != armed:
            self._lose_to_change(mark("armed, not by hullscan") if beat.armed else mark("disarmed, not by hullscan"))

    def _lose_to_change(self, message: str, data: dict[str, Any] | None = None, silent_s: float = 0.0) -> None:
        """Something changed: with what the vehicle said of it, or that it could not be heard before."""
        change, text = {"message": message, "data": data or {}}, self._text()
        if text:
            self.lose(mark("{change} ({text})"), change=change, text=text)
        elif silent_s > _SILENCE_S:
            lost = mark("{change} (heartbeat lost: nothing heard or answered for {silent:.1f} s before)")
            self.lose(lost, change=change, silent=silent_s)
        else:
            self.lose(message, **data or {})
            self._change = change

    def _explain(self, text: str) -> None:
        """The vehicle's words for a change may come after the heartbeat that tells of it."""
        with self._lock:
            if self._change and self._clock.now() - self._state.since_utc_s < _WORDS_AFTER_S:
                data = {"change": self._change, "text": text}
                self._state = replace(self._state, message=mark("{change} ({text})"), data=data)
            self._change = {}

    def _text(self) -> str:
        """What the vehicle said about it, the gravest of the last seconds."""
        now_s = self._clock.now()
        texts = [text for text in self._telemetry.texts(now_s - _TEXT_WINDOW_S) if text.severity <= _GRAVE]
        gravest = min(texts, key=lambda text: text.severity, default=None)
        return gravest.text if gravest else ""

    def _moved_stick(self, sticks_us: tuple[int, ...]) -> dict[str, Any]:
        """Channel and pulse of a stick off its neutral; empty if none, or when there is no pilot input at all."""
        if not all(_VALID_US[0] <= us <= _VALID_US[1] for us in sticks_us):
            return {}
        least, most = self._own_pitch_us()
        for channel, us in enumerate(sticks_us, start=1):
            low, high = (least, most) if channel == _PITCH_CHANNEL else (0.0, 0.0)
            if not low - _MOVED_US <= us - _NEUTRAL_US <= high + _MOVED_US:
                return {"channel": channel, "pulse": us}
        return {}

    def _own_pitch_us(self) -> tuple[float, float]:
        """Between what our own pitch may show its channel off neutral; what was sent lives on for some seconds."""
        now_s = self._clock.now()
        with self._lock:
            alive = [us for sent_s, us in self._pitches_us if now_s - sent_s < _RESTED_S]
        return min([0.0, *alive]), max([0.0, *alive])

    def _foreign_command(self, message: object) -> bool:
        system = self._telemetry.vehicle.system
        if isinstance(message, CommandLong):
            return message.target.system == system and message.command in _TO_FLY
        return isinstance(message, PositionTarget) and message.target.system == system

    def _foreign_hand(self, message: object) -> bool:
        system = self._telemetry.vehicle.system
        if isinstance(message, PilotInput) and message.target_system == system:
            sticks = (message.x, message.y, message.r, message.z - 500, message.s)
            return any(abs(stick) > _MOVED for stick in sticks if abs(stick) < 32_000)
        if isinstance(message, RcOverride) and message.target.system == system:
            moved = (us for us in message.pwm_us[:_STICKS] if _VALID_US[0] <= us <= _VALID_US[1])
            return any(abs(us - _NEUTRAL_US) > _MOVED_US for us in moved)
        return False
