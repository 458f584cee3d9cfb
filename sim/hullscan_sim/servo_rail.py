"""Lamps and camera tilt as the servo outputs of a real ArduSub say: outputs 9 and 10, 1100 to 1900 us."""

from __future__ import annotations

from collections.abc import Sequence
from math import radians

__all__ = ["LAMPS_OUTPUT", "TILT_OUTPUT", "TILT_RANGE_DEG", "ServoRail"]

LAMPS_OUTPUT, TILT_OUTPUT = 9, 10
TILT_RANGE_DEG = 45.0
"""Each way from level; the mount's limits are set to it, as BlueOS does."""

_SERVO_S = 0.15  # lag of the tilt servo, as in ``payload``
_SIGNAL_US = (800, 2200)


class ServoRail:
    """Follows the outputs.

    Attributes:
        lights: brightness, 0 to 1; without a signal the lamps are off.
        tilt_rad: present camera tilt, up positive; without a signal it stays where it is.
    """

    def __init__(self) -> None:
        self.lights = 0.0
        self.tilt_rad = 0.0

    def follow(self, pulses_us: Sequence[int], dt_s: float) -> None:
        """Take the pulses of all outputs, the first one's first, for a step."""
        lamps, tilt = pulses_us[LAMPS_OUTPUT - 1], pulses_us[TILT_OUTPUT - 1]
        self.lights = min(max((lamps - 1100) / 800, 0.0), 1.0)
        if _SIGNAL_US[0] <= tilt <= _SIGNAL_US[1]:
            wanted = radians(TILT_RANGE_DEG) * min(max((tilt - 1500) / 400, -1.0), 1.0)
            self.tilt_rad += min(dt_s / _SERVO_S, 1.0) * (wanted - self.tilt_rad)
