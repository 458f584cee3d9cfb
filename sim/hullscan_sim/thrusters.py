"""Eight T200 thrusters: pulse width to thrust, where they sit, and what they draw.

Thrust at 16 V is a cubic each way beyond the dead band, fitted to the 25 published static points (Blue Robotics,
T200 public performance data 10-20 V, September 2019): within 1 N of each. It scales with voltage to the power
1.15, which meets the published maxima at 12 to 20 V (36.4 to 65.9 N ahead) within 2 %.

The factor table is ArduSub's VECTORED_6DOF frame; arms are those of the allocation in the blue project
(Robotic-Decision-Making-Lab/blue, bluerov2_heavy). A pulse above 1500 on thrusters 5 to 8 pushes down.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, sqrt
from operator import mul

from hullscan_sim.dynamics import Vector

__all__ = ["FACTORS", "LAG_S", "Thrusters", "thrust_n"]

LAG_S = 0.15
"""First-order lag of thrust; assumed 0.08 to 0.15 s in published simulators, not measured. From standstill the delay of
the usual speed controller alone has been reported as 0.11 s."""

FACTORS: tuple[tuple[float, float, float, float, float, float], ...] = (
    (0, 0, 1, 0, -1, 1),
    (0, 0, -1, 0, -1, -1),
    (0, 0, -1, 0, 1, 1),
    (0, 0, 1, 0, 1, -1),
    (1, -1, 0, -1, 0, 0),
    (-1, -1, 0, -1, 0, 0),
    (1, 1, 0, -1, 0, 0),
    (-1, 1, 0, -1, 0, 0),
)
"""Roll, pitch, yaw, throttle, forward and lateral factor of motors 1 to 8."""

_DEAD_BAND_US = 28.0
_SPAN_US = 372.0
_AHEAD = (20.735, 46.660, -15.466)
_ASTERN = (16.297, 38.559, -14.489)
_VOLTAGE_POWER = 1.15
_COS_45 = sqrt(0.5)
_YAW_ARM_M, _ROLL_ARM_M, _PITCH_ARM_M = 0.1888, 0.218, 0.120
_WATT_PER_N15 = 1.06  # electrical power over thrust^1.5; 390 W at 51.4 N


def thrust_n(pulse_us: float, voltage_v: float = 16.0) -> float:
    """Static thrust of one thruster; zero without a pulse (under 1000 us)."""
    offset = pulse_us - 1500.0
    if pulse_us < 1000.0:
        return 0.0
    share = min((abs(offset) - _DEAD_BAND_US) / _SPAN_US, 1.0)
    if share <= 0.0:
        return 0.0
    a, b, c = _AHEAD if offset > 0 else _ASTERN
    thrust = ((c * share + b) * share + a) * share * float((voltage_v / 16.0) ** _VOLTAGE_POWER)
    return thrust if offset > 0 else -thrust


class Thrusters:
    """All eight with their lag.

    Attributes:
        thrust: present thrust of each as a clean propeller would give it, N.
        dead: indices of motors that do not turn.
        thrust_left: share of its thrust that each still gives; a fouled one draws the full power for less.
    """

    def __init__(self, lag_s: float = LAG_S) -> None:
        self._lag_s = lag_s
        self.thrust = [0.0] * 8
        self.dead: frozenset[int] = frozenset()
        self.thrust_left = [1.0] * 8
        self._pulses = [0] * 8
        self._static = [0.0] * 8
        self._voltage_v = 16.0
        self._decay: tuple[float, float] = (0.0, 0.0)

    def step(self, pulses_us: Sequence[int], voltage_v: float, submerged: float, dt_s: float) -> tuple[Vector, Vector]:
        """Advance the lag and return force and torque in body axes.

        Args:
            pulses_us: of motors 1 to 8; 0 is no pulse.
            voltage_v: at the battery.
            submerged: share of the vehicle under water; a thruster in air pushes nothing.
            dt_s: length of the step.
        """
        if self._decay[0] != dt_s:
            self._decay = (dt_s, 1.0 - exp(-dt_s / self._lag_s))
        changed = abs(voltage_v - self._voltage_v) > 0.05
        if changed:
            self._voltage_v = voltage_v
        gain = self._decay[1]
        thrust, static = self.thrust, self._static
        for index, pulse in enumerate(pulses_us):
            if changed or pulse != self._pulses[index]:
                self._pulses[index] = pulse
                static[index] = thrust_n(pulse, self._voltage_v)
            wanted = 0.0 if index in self.dead else static[index]
            thrust[index] += gain * (wanted - thrust[index])
        return self._sum(submerged)

    def _sum(self, submerged: float) -> tuple[Vector, Vector]:
        """The factor table written out: eight thrusters to force and torque."""
        t1, t2, t3, t4, t5, t6, t7, t8 = map(mul, self.thrust, self.thrust_left)
        level, upright = submerged * _COS_45, submerged
        force = (level * (t3 + t4 - t1 - t2), level * (t1 + t3 - t2 - t4), upright * (t5 + t6 + t7 + t8))
        torque = (
            upright * _ROLL_ARM_M * (t5 - t6 + t7 - t8),
            upright * _PITCH_ARM_M * (t7 + t8 - t5 - t6),
            submerged * _YAW_ARM_M * (t1 - t2 - t3 + t4),
        )
        return force, torque

    @property
    def power_w(self) -> float:
        """Electrical power of all thrusters."""
        return sum(_WATT_PER_N15 * abs(thrust) * sqrt(abs(thrust)) for thrust in self.thrust)

    @property
    def total_n(self) -> float:
        """Sum of magnitudes, for the record of truth."""
        return sum(abs(thrust) * left for thrust, left in zip(self.thrust, self.thrust_left, strict=True))
