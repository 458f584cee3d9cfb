"""A depth that jumps has changed its zero: no vehicle moves so fast. The jump is followed, not flown.

An autopilot that believes a glitch of its pressure sensor dives or rises by it within seconds, under a hull into the
plating. The water's raw pressure shows the jump a fifth of a second later; from then on targets and depths are shifted
by as much of it as the estimator has taken over. How it does so is its own affair, so it is looked at: the estimator's
height against the raw pressure. ArduSub 4.5.3 leaves a step of 1 m out for five seconds and then takes it all at once.
"""

from __future__ import annotations

from math import exp

import numpy as np

from hullscan.vehicle.telemetry import Telemetry

__all__ = ["DepthZero"]

_PA_PER_M = 1025 * 9.80665
_LEAST_M, _FASTEST_MPS = 0.3, 1.0  # a jump is more than this and what the vehicle could have moved
_GAP_S = 1.0  # between readings; after a longer silence nothing is known
_LEARNS_S = 3.0  # how far the estimator's height is from the pressure's, while nothing has jumped
_FOLLOWS_S = 0.3  # noise and stamps: the pressure is up to a fifth of a second older than the height
_TAKEN_M, _TAKEN_S = 0.15, 1.5  # what is left of a jump when it counts as taken over, for so long
_BLIND_S = 0.8  # without a height of the estimator's it is taken over like this
_POSITION_LOST = 128  # EKF_CONST_POS_MODE: its height stands still


class DepthZero:
    """Follows jumps of the water's pressure.

    Attributes:
        jumped_m: sum of the jumps so far: how much deeper than before the sensor reads.
        offset_m: the part of it that the estimator has taken over by now.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._last: tuple[float, float] | None = None
        self._utc_s: float | None = None
        self._apart_m: float | None = None  # the pressure's depth less the estimator's, without jumps
        self._left_m = self._pending_m = 0.0  # of the jumps since it has last taken them all over
        self._taken_s = 0.0
        self.jumped_m = self.offset_m = 0.0

    def step(self, now_s: float) -> float:
        """Take the readings that have come; the jump among them, m, else 0."""
        elapsed_s = 0.0 if self._utc_s is None else max(now_s - self._utc_s, 0.0)
        self._utc_s = now_s
        since_s = self._last[0] if self._last is not None else now_s - _GAP_S
        fresh = self._telemetry.pressure.between(float(np.nextafter(since_s, np.inf)), now_s)
        jump_m = 0.0
        for utc_s, pressure_pa in zip(fresh["utc_s"].tolist(), fresh["absolute_pa"].tolist(), strict=True):
            depth_m = pressure_pa / _PA_PER_M
            if self._last is not None and utc_s - self._last[0] < _GAP_S:
                moved_m = depth_m - self._last[1]
                if abs(moved_m) > _LEAST_M + _FASTEST_MPS * (utc_s - self._last[0]):
                    jump_m += moved_m
            self._last = utc_s, depth_m
        self.jumped_m += jump_m
        self._pending_m += jump_m
        self._left_m += jump_m
        self._follow(now_s, elapsed_s)
        return jump_m

    def _follow(self, now_s: float, elapsed_s: float) -> None:
        """How much of what has jumped the estimator has taken over."""
        apart_m = self._apart(now_s)
        if apart_m is None or self._apart_m is None:
            self._apart_m = apart_m if self._pending_m == 0.0 else None
            self._left_m *= exp(-elapsed_s / _BLIND_S)
            if abs(self._left_m) < 0.01:
                self._left_m = self._pending_m = 0.0
        elif self._pending_m == 0.0:
            self._apart_m += (apart_m - self._apart_m) * (1 - exp(-elapsed_s / _LEARNS_S))
        else:
            least, most = sorted((0.0, self._pending_m))
            left_m = float(np.clip(apart_m - self._apart_m, least, most))
            big = abs(left_m - self._left_m) > _LEAST_M  # it takes a step over in a step
            self._left_m += (left_m - self._left_m) * (1.0 if big else 1 - exp(-elapsed_s / _FOLLOWS_S))
            self._taken_s = self._taken_s + elapsed_s if abs(self._left_m) < _TAKEN_M else 0.0
            if self._taken_s > _TAKEN_S:
                self._left_m = self._pending_m = self._taken_s = 0.0
        self.offset_m = self.jumped_m - self._left_m

    def _apart(self, now_s: float) -> float | None:
        """The pressure's depth less the estimator's, m; None when either is not known now."""
        height = self._telemetry.position.latest
        lost = self._telemetry.ekf_flags & _POSITION_LOST
        if height is None or self._last is None or lost:
            return None
        if now_s - height.utc_s > _GAP_S or now_s - self._last[0] > _GAP_S:
            return None
        return self._last[1] - height.down_m
