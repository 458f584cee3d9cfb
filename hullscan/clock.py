"""Time is passed in: the only module that asks the operating system for it.

Mission time is UTC seconds as float64. ``SystemClock`` is for a real vehicle. ``PacedClock`` follows a
vehicle whose own time runs at another rate (a simulator with a speed-up): mission time then is the vehicle's
time, so that rates, time-outs and geotags mean the same as on the quay. ``SimulatedClock`` is for tests.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "ClockMap", "PacedClock", "SimulatedClock", "SystemClock", "Ticker", "real_seconds", "utc_text"]


class Clock(Protocol):
    """Tells mission time and waits in it."""

    def now(self) -> float:
        """Mission time, UTC seconds; never decreases."""
        ...

    def sleep(self, duration_s: float) -> None:
        """Wait for a duration of mission time."""
        ...


class SystemClock:
    """UTC from the computer, read once; advances with the monotonic clock so that it never steps."""

    def __init__(self) -> None:
        self._offset_s = time.time() - time.monotonic()

    def now(self) -> float:
        """Mission time, UTC seconds."""
        return time.monotonic() + self._offset_s

    def sleep(self, duration_s: float) -> None:
        """Wait for a duration."""
        if duration_s > 0:
            time.sleep(duration_s)


class PacedClock:
    """Follows the vehicle's clock: ``observe`` is called with each time stamp that the vehicle sends.

    Between two stamps time goes on at ``rate``, at most ``LEAD_S`` ahead of the last stamp, so a simulator that
    falls behind slows the mission down and distorts nothing. Before the first stamp, and when the stamps stop for
    ``STALE_REAL_S`` of real time, the clock runs with real time: a vehicle that died must not stop the clock that
    notices it.
    """

    LEAD_S = 0.5
    STALE_REAL_S = 2.0

    def __init__(self, rate: float = 1.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._monotonic = rate, monotonic
        self._lock = threading.Lock()
        self._base_utc_s = time.time()
        self._base_real_s = monotonic()
        self._latest_s = self._base_utc_s
        self._paced = False

    def observe(self, vehicle_utc_s: float) -> None:
        """Take a stamp of the vehicle's clock as the present time.

        The first stamp may be anything: the clock then jumps to it, once, before the mission begins.
        """
        with self._lock:
            now_s = self._now()
            if not self._paced or vehicle_utc_s > self._base_utc_s:
                self._base_utc_s, self._base_real_s = vehicle_utc_s, self._monotonic()
            if not self._paced:
                self._paced, self._latest_s = True, vehicle_utc_s
            else:
                self._latest_s = max(self._latest_s, now_s)

    def now(self) -> float:
        """Mission time, UTC seconds."""
        with self._lock:
            return self._now()

    def _now(self) -> float:
        real_s = self._monotonic() - self._base_real_s
        if not self._paced:
            ahead_s = real_s
        elif real_s < self.STALE_REAL_S:
            ahead_s = min(real_s * self._rate, self.LEAD_S)
        else:
            ahead_s = self.LEAD_S + real_s - self.STALE_REAL_S
        self._latest_s = max(self._latest_s, self._base_utc_s + ahead_s)
        return self._latest_s

    def sleep(self, duration_s: float) -> None:
        """Wait for a duration of mission time; the one jump to the vehicle's time counts for nothing."""
        before_s, left_s = self.now(), duration_s
        while left_s > 0:
            time.sleep(min(max(left_s / self._rate, 0.001), 0.05))
            now_s = self.now()
            if 0 < now_s - before_s < 60:
                left_s -= now_s - before_s
            before_s = now_s


class SimulatedClock:
    """For tests: time moves only when somebody sleeps."""

    def __init__(self, start_utc_s: float = 1_700_000_000.0) -> None:
        self._now_s = start_utc_s

    def now(self) -> float:
        """Mission time, UTC seconds."""
        return self._now_s

    def sleep(self, duration_s: float) -> None:
        """Move time forward."""
        self._now_s += max(duration_s, 0.0)


class Ticker:
    """Keeps a fixed rate in mission time without drift; skips ticks that are already past."""

    def __init__(self, clock: Clock, rate_hz: float) -> None:
        self._clock, self._period_s = clock, 1.0 / rate_hz
        self._next_s = clock.now()

    def wait(self) -> float:
        """Sleep to the next tick and return the mission time then."""
        self._next_s += self._period_s
        now_s = self._clock.now()
        if self._next_s <= now_s:
            self._next_s = now_s
        else:
            self._clock.sleep(self._next_s - now_s)
        return self._clock.now()


def utc_text(utc_s: float, *, compact: bool = False) -> str:
    """ISO 8601 in UTC with milliseconds, or ``YYYYMMDDTHHMMSSZ`` for names."""
    moment = datetime.fromtimestamp(utc_s, UTC)
    if compact:
        return moment.strftime("%Y%m%dT%H%M%SZ")
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def real_seconds() -> float:
    """Seconds of real time, for measuring what an operation costs; never for the mission's own time."""
    return time.monotonic()


class ClockMap:
    """Maps the time stamps of another clock onto mission time.

    The offset is the lower envelope of (arrival - stamp): messages are late by a varying amount, never early.
    A minimum over the last minute follows the drift of real crystals (under 50 ppm: 3 ms). ``latency_s`` is what
    even the fastest message needs, known from the device; it cannot be observed this way.
    """

    BUCKET_S = 10.0
    BUCKETS = 6

    def __init__(self, latency_s: float = 0.0, latency_uncertainty_s: float = 0.0) -> None:
        self._latency_s, self._latency_uncertainty_s = latency_s, latency_uncertainty_s
        self._minima: list[tuple[float, float]] = []  # (start of the bucket, least offset in it)
        self._lateness_s = 0.0

    def observe(self, stamp_s: float, arrival_utc_s: float) -> None:
        """Take one message: its own stamp and when it arrived."""
        offset_s = arrival_utc_s - stamp_s
        if not self._minima or arrival_utc_s - self._minima[-1][0] >= self.BUCKET_S:
            self._minima.append((arrival_utc_s, offset_s))
            del self._minima[: -self.BUCKETS]
        elif offset_s < self._minima[-1][1]:
            self._minima[-1] = (self._minima[-1][0], offset_s)
        self._lateness_s += 0.02 * (offset_s - self._least_s() - self._lateness_s)

    def _least_s(self) -> float:
        return min(offset for _, offset in self._minima)

    @property
    def known(self) -> bool:
        """Whether anything was observed."""
        return bool(self._minima)

    @property
    def offset_s(self) -> float:
        """Mission time minus stamp."""
        return self._least_s() - self._latency_s

    @property
    def uncertainty_s(self) -> float:
        """One standard deviation: the device's latency and the mean lateness of messages."""
        return float((self._latency_uncertainty_s**2 + self._lateness_s**2 / 4) ** 0.5)

    def to_utc(self, stamp_s: float) -> float:
        """Mission time of a stamp."""
        return stamp_s + self.offset_s
