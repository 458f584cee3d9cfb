"""SURFTRAK: ALT_HOLD that keeps the range to the bed, as mode_surftrak of 4.5.3 does.

Without a reading it waits for one; above SURFTRAK_DEPTH it asks to descend; then the range it has becomes the
target, and what the pilot climbs or sinks is added to it when the stick is let go.
"""

from __future__ import annotations

from collections.abc import Callable

from hullscan_sim.estimator import Estimator
from hullscan_sim.messages import INFO, WARNING, Outbox
from hullscan_sim.parameters import Parameters
from hullscan_sim.position_control import PositionControl

__all__ = ["SurfaceTracking"]

_FOLLOW_S = 1.0  # of the low pass on the bed's depth


class SurfaceTracking:
    """The range to the bed that is held.

    Attributes:
        target_m: range held, None before there is one.
        range_m: reads the downward sounder: metres, None without a good reading; set by the autopilot.
    """

    def __init__(self, parameters: Parameters, nav: Estimator, position: PositionControl, outbox: Outbox) -> None:
        self._parameters, self._nav, self._position, self._outbox = parameters, nav, position, outbox
        self.range_m: Callable[[], float | None] = lambda: None
        self.target_m: float | None = None
        self._bed_m: float | None = None
        self._pilot_from_m: float | None = None
        self._last_s = 0.0

    @property
    def _limit_m(self) -> float:
        """Depth below which it works."""
        return -self._parameters["SURFTRAK_DEPTH"] / 100

    def start(self) -> None:
        """Enter the mode."""
        self.forget()
        if self.range_m() is None:
            self._outbox.text(INFO, "waiting for a rangefinder reading")
        elif self._nav.position[2] <= self._limit_m:
            self._outbox.text(WARNING, f"descend below {-self._limit_m:f} meters to hold range")

    def forget(self) -> None:
        """No target."""
        self.target_m = self._bed_m = self._pilot_from_m = None

    def update(self, time_s: float, sink_mps: float, *, at_surface: bool) -> None:
        """Move the depth target by what the bed does; the stick is the pilot's."""
        dt_s, self._last_s = min(max(time_s - self._last_s, 0.0), 0.1), time_s
        down_m = self._nav.position[2]
        if sink_mps:
            if self.target_m is not None and self._pilot_from_m is None:
                self._pilot_from_m = down_m
            return
        if self._pilot_from_m is not None:
            moved_m, self._pilot_from_m = down_m - self._pilot_from_m, None
            self._set((self.target_m or 0.0) - moved_m)
        if at_surface:
            self.forget()
            return
        range_m = self.range_m()
        if range_m is None:
            return
        if self.target_m is None and down_m > self._limit_m:
            self._set(range_m)
        if self.target_m is not None:
            self._follow(down_m + range_m, dt_s)

    def _set(self, target_m: float) -> None:
        low_m, high_m = self._parameters["RNGFND1_MIN_CM"] / 100, self._parameters["RNGFND1_MAX_CM"] / 100
        if self._nav.position[2] <= self._limit_m:
            self._outbox.text(WARNING, f"descend below {-self._limit_m:f} meters to set rangefinder target")
        elif target_m < low_m:
            self._outbox.text(WARNING, "rangefinder target below minimum, ignored")
        elif target_m > high_m:
            self._outbox.text(WARNING, "rangefinder target above maximum, ignored")
        else:
            self.target_m, self._bed_m = target_m, None
            self._outbox.text(INFO, f"rangefinder target is {target_m:.2f} meters")
            return
        self.forget()

    def _follow(self, bed_m: float, dt_s: float) -> None:
        """Shift the depth target as the bed that is read moves."""
        assert self.target_m is not None
        bed_m = max(bed_m, self._limit_m + self.target_m)
        before = self._bed_m
        if before is None:
            self._bed_m = bed_m
            return
        self._bed_m = before + min(dt_s / _FOLLOW_S, 1.0) * (bed_m - before)
        self._position.shift_depth(self._bed_m - before)
