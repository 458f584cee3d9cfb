"""Where the vehicle is when its estimator has lost the position: by the DVL's own velocities, else by what was steered.

The estimator's height and attitude stay good; only the horizontal place is reckoned. Without velocities the speed is
taken for less than what the sticks ask for, so that the way out is rather too long than too short.
"""

from __future__ import annotations

import numpy as np

from hullscan.geometry.frames import Array, Pose
from hullscan.vehicle.commands import ManualControl
from hullscan.vehicle.protocol import RangeSensor

__all__ = ["STICK_MPS", "Reckoning"]

STICK_MPS = 1.0
"""Speed at full stick in ALT_HOLD at the delivered gain (ardusub.md 2.5: x 250 gives 0.23, 500 gives 0.49 m/s)."""
_TRUST = 0.6  # of the steered speed
_FRESH_S = 0.7  # a DVL has gaps of 0.55 s
_DRIFT_MPS = 0.12  # how the uncertainty grows without velocities: an unknown current
_DVL_DRIFT = 0.02  # and with them, of the way


class Reckoning:
    """A place that goes on from a last good one.

    Args:
        start_ned_m: (3,) the last place that was vouched for.
        utc_s: then.
        sigma_m: its uncertainty.

    Attributes:
        sigma_m: of the reckoned place, one standard deviation.
        by_dvl: whether the last step was measured.
    """

    def __init__(self, start_ned_m: Array, utc_s: float, sigma_m: float) -> None:
        self._place = np.array(start_ned_m, dtype=np.float64)
        self._utc_s, self._until_s = utc_s, utc_s
        self._velocity_ned = np.zeros(3)
        self._velocity_utc_s = float("-inf")
        self.sigma_m, self.by_dvl = sigma_m, False

    def step(self, now_s: float, attitude: Pose, ranges: RangeSensor, steered: ManualControl) -> Array:
        """(3,) the place now, ned.

        Args:
            attitude: of the vehicle; its position's height counts too.
            steered: the sticks that were sent last.
        """
        for report in ranges.since(self._until_s):
            self._until_s = report.utc_s
            if report.velocity_frd_mps is not None and report.valid.any():
                self._velocity_ned = np.asarray(attitude.rotation.apply(report.velocity_frd_mps))
                self._velocity_utc_s = report.utc_s
        elapsed_s = min(max(now_s - self._utc_s, 0.0), 1.0)
        self._utc_s = now_s
        self.by_dvl = now_s - self._velocity_utc_s < _FRESH_S
        if self.by_dvl:
            moved = self._velocity_ned * elapsed_s
            self.sigma_m += _DVL_DRIFT * float(np.linalg.norm(moved[:2]))
        else:
            asked = _TRUST * STICK_MPS / 1000 * np.array([steered.x, steered.y, 0.0])
            yaw = float(attitude.rotation.as_euler("ZYX")[0])
            c, s = np.cos(yaw), np.sin(yaw)
            moved = np.array([c * asked[0] - s * asked[1], s * asked[0] + c * asked[1], 0.0]) * elapsed_s
            self.sigma_m += _DRIFT_MPS * elapsed_s
        self._place[:2] += moved[:2]
        self._place[2] = attitude.position_m[2]
        return self._place.copy()
