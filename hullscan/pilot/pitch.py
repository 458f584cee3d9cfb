"""A pitch of the frame while the autopilot holds its place: the stick, closed on the measured attitude.

In GUIDED ArduSub takes roll and pitch from the sticks (mode_guided.cpp of 4.5.3). How far a stick leans the frame is
set by its ANGLE_MAX; what buoyancy and ballast add is the vehicle's own. So the stick that the default would need is
only where the loop begins.

Should hullscan die, its last stick lives for RC_OVERRIDE_TIME, 3 s, in whatever mode; then the frame levels itself.
FS_GCS_ENABLE 3 has put it into ALT_HOLD by then: sticks count as a heartbeat, so 2.5 s after the last of either.
FS_PILOT_INPUT 1 tells of it; 2, as delivered, would disarm, which preflight does not let pass.
"""

from __future__ import annotations

from math import copysign

import numpy as np

__all__ = ["PitchLoop"]

_ANGLE_MAX_RAD = np.radians(45.0)  # as delivered, for a stick at its end
_DEAD_US, _END_US = 30.0, 400.0  # of the stick, from neutral
_RAMP_RADPS = np.radians(10.0)
_GAIN_PER_S, _TRIM_RAD = 0.25, np.radians(15.0)
_OFF_RAD, _OFF_S = np.radians(10.0), 8.0  # it took 26 degrees within 4 s, and held them to 6 at most


class PitchLoop:
    """Gives the pitch stick.

    Attributes:
        asked_rad: the pitch now asked for; it moves to the wanted one at a ramp.
        given_up: the frame did not take it; level until a level frame is wanted again.
    """

    def __init__(self) -> None:
        self.asked_rad, self.given_up = 0.0, False
        self._trim_rad = self._off_s = 0.0

    def release(self) -> None:
        """Begin anew, level."""
        self.asked_rad = self._trim_rad = self._off_s = 0.0

    def step(self, wanted_rad: float, measured_rad: float, elapsed_s: float) -> int:
        """Microseconds of the pitch channel off its neutral, up positive.

        Args:
            elapsed_s: since the last step.
        """
        if abs(wanted_rad) < 1e-3:
            self.given_up = False
        goal = 0.0 if self.given_up else wanted_rad
        most = _RAMP_RADPS * elapsed_s
        self.asked_rad += float(np.clip(goal - self.asked_rad, -most, most))
        if abs(self.asked_rad) < 1e-3 or self.given_up:
            self.release()
            return 0
        off = self.asked_rad - measured_rad
        if self.asked_rad == goal:
            self._trim_rad = float(np.clip(self._trim_rad + _GAIN_PER_S * off * elapsed_s, -_TRIM_RAD, _TRIM_RAD))
        self._off_s = self._off_s + elapsed_s if abs(off) > _OFF_RAD else 0.0
        self.given_up = self._off_s > _OFF_S
        share = (self.asked_rad + self._trim_rad) / _ANGLE_MAX_RAD
        return round(copysign(_DEAD_US + min(abs(share), 1.0) * (_END_US - _DEAD_US), share))
