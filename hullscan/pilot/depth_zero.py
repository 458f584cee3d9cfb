"""A depth that jumps has changed its zero: no vehicle moves so fast. The jump is followed, not flown.

An autopilot that believes a glitch of its pressure sensor dives or rises by it within seconds, under a hull into the
plating. The water's raw pressure shows the jump a fifth of a second later; from then on targets and depths are shifted
by it, as gently as ArduSub's estimator follows its barometer.
"""

from __future__ import annotations

from math import exp

import numpy as np

from hullscan.vehicle.telemetry import Telemetry

__all__ = ["DepthZero"]

_PA_PER_M = 1025 * 9.80665
_LEAST_M, _FASTEST_MPS = 0.3, 1.0  # a jump is more than this and what the vehicle could have moved
_GAP_S = 1.0  # between readings; after a longer silence nothing is known
_FOLLOWS_S = 0.8  # of the estimator (ArduSub's complementary filter between accelerometer and barometer)


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
        self.offset_m += (self.jumped_m - self.offset_m) * (1 - exp(-elapsed_s / _FOLLOWS_S))
        return jump_m
