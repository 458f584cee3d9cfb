"""Lithium-ion battery of four cells in series: charge, sag, and what the autopilot reports of it."""

from __future__ import annotations

from bisect import bisect_left

__all__ = ["Battery"]

_CURVE = (
    (0.00, 11.8), (0.03, 12.8), (0.08, 13.5), (0.20, 14.1), (0.40, 14.7), (0.60, 15.2), (0.80, 15.9), (1.00, 16.8),
)  # fmt: skip
"""Open-circuit voltage over the share of charge left; typical of NMC cells."""


class Battery:
    """State of charge and voltage under load.

    Attributes:
        voltage_v, current_a: at the terminals, now.
        used_mah, used_wh: since the start.
        sag_v: extra drop from a fault.
    """

    RESISTANCE_OHM = 0.025
    HOTEL_W = 22.0  # computer, autopilot, camera, DVL
    LIGHTS_W = 60.0  # four lights at full power

    def __init__(self, capacity_wh: float) -> None:
        self.capacity_wh = capacity_wh
        self.used_wh = self.used_mah = 0.0
        self.sag_v = 0.0
        self.voltage_v, self.current_a = _open_circuit_v(1.0), 0.0

    @property
    def share_left(self) -> float:
        """0 to 1."""
        return max(1.0 - self.used_wh / self.capacity_wh, 0.0)

    def step(self, thruster_w: float, lights: float, dt_s: float) -> None:
        """Draw power for a while."""
        power_w = thruster_w + self.HOTEL_W + self.LIGHTS_W * lights
        self.current_a = power_w / max(self.voltage_v, 6.0)
        open_v = _open_circuit_v(self.share_left)
        target_v = max(open_v - self.RESISTANCE_OHM * self.current_a - self.sag_v, 6.0)
        self.voltage_v += min(dt_s / 0.2, 1.0) * (target_v - self.voltage_v)
        self.used_wh += power_w * dt_s / 3600
        self.used_mah += self.current_a * dt_s / 3.6


def _open_circuit_v(share: float) -> float:
    index = min(max(bisect_left(_CURVE, (share, 0.0)), 1), len(_CURVE) - 1)
    (a, low), (b, high) = _CURVE[index - 1], _CURVE[index]
    return low + (high - low) * (share - a) / (b - a)
