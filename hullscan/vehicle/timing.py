"""The vehicle's time on the mission clock, and waiting in mission time.

ArduPilot stamps its messages with milliseconds since boot. On a real vehicle ``ClockMap`` places boot time on
the mission clock from the arrivals. A simulator with a speed-up is the other way round: its boot time *is* the
mission's time, so a ``PacedClock`` is fed with ``origin + boot time`` and the mapping is exact. The origin is
the vehicle's own UTC when SYSTEM_TIME tells it soon after the first stamp, else the moment of the first stamp.
"""

from __future__ import annotations

import threading
from collections import deque
from statistics import median, pstdev
from typing import Final

from hullscan.clock import Clock, ClockMap, PacedClock

__all__ = ["Patience", "SensorTime", "VehicleTime"]

_UNIX_SANE_S: Final = 1_420_070_400.0  # 2015: an autopilot that does not know UTC says 0 or 1970
_ORIGIN_PATIENCE_S: Final = 2.0  # of boot time; SYSTEM_TIME comes about three times a second (ardusub.md 2.2)
_REBOOT_BACK_S: Final = 2.0  # UDP reorders by milliseconds; boot time 2 s back is another boot
_PACED_LATENESS_S: Final = 0.0
_MOST_LATENCY_S: Final = 0.01  # over a tether answers take 1 to 12 ms (ardusub.md 2.3); more was somebody's delay


class VehicleTime:
    """Maps boot time to mission time and, with a ``PacedClock``, drives the mission clock.

    Args:
        boot_utc_s: mission time at boot, where a recording tells it; nothing is estimated until the vehicle boots
            again.

    Attributes:
        reboots: how often boot time started again; the mapping then starts anew.
        epochs: how often earlier mission times became meaningless (once, when a paced clock takes the
            vehicle's UTC); owners of histories forget them then.
    """

    def __init__(self, clock: Clock, boot_utc_s: float | None = None) -> None:
        self._clock, self._told_s = clock, boot_utc_s
        self._paced = clock if isinstance(clock, PacedClock) else None
        self._lock = threading.Lock()
        self._map = ClockMap()
        self._latency_s = 0.0
        self._latest_boot_s = float("-inf")
        self._first_boot_s: float | None = None
        self._origin_s: float | None = None
        self.reboots = 0
        self.epochs = 0

    @property
    def known(self) -> bool:
        """Whether boot time can be mapped."""
        if self._told_s is not None:
            return True
        return self._origin_s is not None if self._paced else self._map.known

    @property
    def offset_s(self) -> float:
        """Mission time minus boot time."""
        if self._told_s is not None:
            return self._told_s
        if self._paced and self._origin_s is not None:
            return self._origin_s
        return self._map.offset_s - self._latency_s

    @property
    def uncertainty_s(self) -> float:
        """One standard deviation of a mapped stamp."""
        if self._paced:
            return _PACED_LATENESS_S
        return float((self._map.uncertainty_s**2 + (self._latency_s / 2) ** 2) ** 0.5)

    @property
    def boot_s(self) -> float:
        """The vehicle's boot time now, estimated; 0 before anything was heard."""
        return max(self._clock.now() - self.offset_s, 0.0) if self.known else 0.0

    def note_round_trip(self, round_trip_s: float) -> None:
        """Take the shortest measured TIMESYNC round trip: half of it is what even the fastest message needs."""
        self._latency_s = min(round_trip_s / 2, _MOST_LATENCY_S)

    def begin_anew(self) -> None:
        """Estimate the mapping from what comes now on: after a long silence the clocks may have gone apart."""
        with self._lock:
            if self._told_s is None:
                self._map = ClockMap()

    def observe(self, boot_s: float, arrival_utc_s: float) -> float:
        """Take a stamp of the autopilot; its mission time.

        Only the autopilot's own stamps: other components count from their own start.
        """
        with self._lock:
            if boot_s < self._latest_boot_s - _REBOOT_BACK_S:
                self._restart(arrival_utc_s - boot_s)
            self._latest_boot_s = max(self._latest_boot_s, boot_s)
            if self._told_s is not None:
                return boot_s + self._told_s
            if self._paced is None:
                self._map.observe(boot_s, arrival_utc_s)
                return boot_s + self.offset_s
            if self._first_boot_s is None:
                self._first_boot_s = boot_s
            if self._origin_s is None and boot_s - self._first_boot_s >= _ORIGIN_PATIENCE_S:
                self._origin_s = self._clock.now() - boot_s
            if self._origin_s is None:
                return arrival_utc_s
            self._paced.observe(self._origin_s + boot_s)
            return self._origin_s + boot_s

    def observe_utc(self, unix_s: float, boot_s: float, arrival_utc_s: float) -> None:
        """Take SYSTEM_TIME: the origin of a paced clock, if it came in time."""
        with self._lock:
            if self._paced and self._origin_s is None:
                if unix_s > _UNIX_SANE_S:
                    self._origin_s = unix_s - boot_s
                    self.epochs += 1
                else:  # it will not know UTC before it has a GPS fix, if ever
                    self._origin_s = self._clock.now() - boot_s
        self.observe(boot_s, arrival_utc_s)

    def _restart(self, offset_s: float) -> None:
        self.reboots += 1
        self._told_s = None
        self._map = ClockMap()
        self._latest_boot_s = float("-inf")
        if self._origin_s is not None:
            self._origin_s = offset_s


class SensorTime:
    """Maps the stamps of a sensor with a clock of its own onto mission time, and follows when that clock is set.

    Normally by ``ClockMap``, from the messages that were least late. Against a ``PacedClock`` "late" goes both
    ways, because the mission clock itself follows messages; there the median of the last ones is right (measured
    at a speed-up of 5: within 20 ms, where the least is off by 140 ms).

    Attributes:
        jumps: how often the sensor's clock was set.
    """

    JUMP_S = 5.0
    KEPT = 200

    def __init__(self, clock: Clock, latency_s: float, latency_sd_s: float) -> None:
        self._latency = latency_s, latency_sd_s
        self._map = ClockMap(*self._latency)
        self._offsets: deque[float] | None = deque(maxlen=self.KEPT) if isinstance(clock, PacedClock) else None
        self.jumps = 0

    def observe(self, stamp_s: float, arrival_utc_s: float) -> None:
        """Take the stamp of a message and when it arrived."""
        if self.known and abs(arrival_utc_s - stamp_s - self.offset_s) > self.JUMP_S:
            self._map = ClockMap(*self._latency)
            if self._offsets:
                self._offsets.clear()
            self.jumps += 1
        self._map.observe(stamp_s, arrival_utc_s)
        if self._offsets is not None:
            self._offsets.append(arrival_utc_s - stamp_s)

    @property
    def known(self) -> bool:
        """Whether anything was observed."""
        return self._map.known

    @property
    def offset_s(self) -> float:
        """Mission time minus stamp."""
        return median(self._offsets) if self._offsets else self._map.offset_s

    @property
    def uncertainty_s(self) -> float:
        """One standard deviation of a mapped stamp; infinite before the first."""
        if self._offsets:
            return float(pstdev(self._offsets) / len(self._offsets) ** 0.5 + self._latency[1])
        return self._map.uncertainty_s if self._map.known else float("inf")

    def to_utc(self, stamp_s: float) -> float:
        """Mission time of a stamp."""
        return stamp_s + self.offset_s


class Patience:
    """A time-out in mission time that survives the one jump of a paced clock.

    Each look at the clock counts at most ``STEP_S``: a jump of years is neither an hour of waiting nor none.
    """

    STEP_S = 5.0

    def __init__(self, clock: Clock, duration_s: float) -> None:
        self._clock, self._left_s = clock, duration_s
        self._last_s = clock.now()

    @property
    def over(self) -> bool:
        """Whether the time has passed."""
        now_s = self._clock.now()
        self._left_s -= min(max(now_s - self._last_s, 0.0), self.STEP_S)
        self._last_s = now_s
        return self._left_s <= 0
