"""Which messages come how often: asked for by SET_MESSAGE_INTERVAL, verified by listening.

Never by REQUEST_DATA_STREAM, which ArduPilot writes into its parameters for good (ardusub.md 2.2). An interval
may be acknowledged and the message never come, so only what arrives counts.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from dataclasses import dataclass

from hullscan.errors import LinkError, RefusedError
from hullscan.vehicle.dialogue import Dialogue
from hullscan.vehicle.messages import CommandLong, Frame

__all__ = ["WANTED", "Stream", "StreamRate", "Streams"]

_SET_MESSAGE_INTERVAL = 511  # MAV_CMD
_REQUEST_MESSAGE = 512
_ENOUGH = 0.6
"""Share of the asked rate that must arrive: over a radio or a busy tether some are lost, but an ignored request
leaves the default of 2 to 10 Hz (ardusub.md 2.2), which is half or less."""

_WINDOW_S = 5.0
_BEATS_SHARE = 0.75  # of one heartbeat a second; where fewer come, other things are lost as well
_PAUSE_MOST_S = 60.0  # a station that keeps asking is not fought over

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stream:
    """A message that we want: MAVLink name and id, rate, and whether it comes in every state of the vehicle."""

    name: str
    number: int
    rate_hz: float
    needed: bool = False


WANTED: tuple[Stream, ...] = (
    Stream("ATTITUDE", 30, 20.0, needed=True),
    Stream("LOCAL_POSITION_NED", 32, 20.0),  # only once the estimator has an origin
    Stream("VFR_HUD", 74, 10.0, needed=True),
    Stream("DISTANCE_SENSOR", 132, 10.0),  # only with a rangefinder
    Stream("RC_CHANNELS", 65, 10.0),  # how quickly the operator's stick is noticed
    Stream("EKF_STATUS_REPORT", 193, 5.0),
    Stream("SCALED_PRESSURE2", 137, 5.0),
    Stream("SERVO_OUTPUT_RAW", 36, 5.0),  # how hard the thrusters work
    Stream("SYS_STATUS", 1, 2.0, needed=True),
    Stream("BATTERY_STATUS", 147, 1.0),
    Stream("SYSTEM_TIME", 2, 1.0),
    Stream("GPS_GLOBAL_ORIGIN", 49, 0.5),  # sent once by itself, which a lossy link may lose
)
"""What a survey needs: 0.3 m/s and 20 Hz are 15 mm between two poses."""


@dataclass(frozen=True, slots=True)
class StreamRate:
    """What was asked and what came."""

    stream: Stream
    heard_hz: float

    @property
    def enough(self) -> bool:
        """Whether it comes about as often as asked."""
        return self.heard_hz >= _ENOUGH * self.stream.rate_hz


class Streams:
    """Asks for streams, counts what arrives, and asks again when another station has slowed them down.

    Attributes:
        slowed: what came often enough once and does not now, while the heartbeat comes as ever.
    """

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._counts: Counter[str] = Counter()
        self._boot_s = 0.0
        self._lock = threading.Lock()
        self.slowed: tuple[str, ...] = ()
        self._begun: tuple[float, Counter[str]] | None = None
        self._good: set[str] = set()
        self._pause_s, self._ask_boot_s = _WINDOW_S, 0.0

    def observe(self, frame: Frame) -> None:
        """Count a frame; in the link's reader thread."""
        if frame.source == self._dialogue.vehicle:
            with self._lock:
                self._counts[frame.name] += 1
                self._boot_s = getattr(frame.message, "boot_s", 0.0) or self._boot_s
                self._watch()

    def _watch(self) -> None:
        """Every few seconds of the vehicle's time: is what came often enough still coming?"""
        if self._begun is None or self._boot_s < self._begun[0]:
            self._begun = self._boot_s, self._counts.copy()
        passed_s = self._boot_s - self._begun[0]
        if passed_s < _WINDOW_S:
            return
        came = self._counts - self._begun[1]
        self._begun = self._boot_s, self._counts.copy()
        if came["HEARTBEAT"] < _BEATS_SHARE * passed_s:
            return  # the link itself loses frames
        enough = {each.name for each in WANTED if came[each.name] >= _ENOUGH * each.rate_hz * passed_s}
        slow = [each for each in WANTED if each.name in self._good - enough]
        self._good |= enough
        self.slowed = tuple(each.name for each in slow)
        if not slow:
            self._pause_s, self._ask_boot_s = _WINDOW_S, 0.0
        elif self._boot_s >= self._ask_boot_s:
            self._ask_boot_s, self._pause_s = self._boot_s + self._pause_s, min(2 * self._pause_s, _PAUSE_MOST_S)
            for each in slow:
                params = (float(each.number), 1e6 / each.rate_hz, 0.0, 0.0, 0.0, 0.0, 0.0)
                self._dialogue.send(CommandLong(self._dialogue.vehicle, _SET_MESSAGE_INTERVAL, params, 0))

    def request(self, streams: tuple[Stream, ...] = WANTED) -> None:
        """Ask for every stream.

        Raises:
            RefusedError: a needed one was refused.
            LinkError: no answer.
        """
        for stream in streams:
            try:
                interval_us = 1e6 / stream.rate_hz
                self._dialogue.command(
                    f"{stream.name} at {stream.rate_hz:g} Hz",
                    _SET_MESSAGE_INTERVAL,
                    float(stream.number),
                    interval_us,
                )
            except RefusedError as error:
                if stream.needed:
                    raise
                _log.warning("%s", error)

    def request_once(self, what: str, number: int) -> None:
        """Ask for one message now.

        Raises:
            RefusedError: the vehicle does not have it.
            LinkError: no answer.
        """
        self._dialogue.command(what, _REQUEST_MESSAGE, float(number))

    def measure(self, duration_s: float, streams: tuple[Stream, ...] = WANTED) -> list[StreamRate]:
        """Listen for a while; the rate of each stream by the vehicle's own clock, so that a stall costs nothing."""
        with self._lock:
            before, from_boot_s = self._counts.copy(), self._boot_s
        self._dialogue.wait_until(lambda: self._boot_s >= from_boot_s + duration_s, 3 * duration_s)
        with self._lock:
            after, passed_s = self._counts.copy(), max(self._boot_s - from_boot_s, duration_s)
        return [StreamRate(stream, (after[stream.name] - before[stream.name]) / passed_s) for stream in streams]

    def verify(self, duration_s: float = 2.0, streams: tuple[Stream, ...] = WANTED) -> list[StreamRate]:
        """Listen, and insist on what is needed.

        Raises:
            LinkError: a needed stream comes too seldom; names it and both rates.
        """
        rates = self.measure(duration_s, streams)
        poor = [rate for rate in rates if rate.stream.needed and not rate.enough]
        if poor:
            heard = ", ".join(f"{r.stream.name} at {r.heard_hz:.1f} Hz of {r.stream.rate_hz:g}" for r in poor)
            raise LinkError(
                f"the vehicle's telemetry is too thin: {heard}", todo="check the tether's bandwidth and other stations"
            )
        return rates
