"""What the thrusters say of the water: how hard they work for the way that is made, and so what current there is.

Nothing on board measures a current. But a vehicle that stands over ground and pushes is in one. Thrust as a share of
all there is, by the square root (drag is quadratic), is the share of the vehicle's greatest speed through the water;
less the speed over ground it is the current. A vehicle with more drag than its profile says, a tether that pulls, and
a weak thruster look like more current, and ask for the same: less speed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from math import exp

import numpy as np

from hullscan.errors import HullscanError
from hullscan.geometry.frames import Array
from hullscan.vehicle.telemetry import Telemetry

__all__ = ["Water"]

# T200 at 16 V, static (Blue Robotics, public performance data 2019): pulse and thrust; a share of the whole is the same
# at any voltage
_PULSES_US = (1100.0, 1300.0, 1420.0, 1460.0, 1472.0, 1528.0, 1540.0, 1620.0, 1700.0, 1780.0, 1900.0)
_THRUST_N = (-39.9, -14.1, -3.16, -0.67, 0.0, 0.0, 0.76, 8.0, 17.9, 30.5, 51.4)
_FORWARD = np.array([-1.0, -1.0, 1.0, 1.0])  # of motors 1 to 4, turned by 45 degrees (ardusub.md 3)
_RIGHT = np.array([1.0, -1.0, 1.0, -1.0])
_ALL_N = 2 * (51.4 + 39.9)  # straight ahead: two of them push, two pull
_SPAN_US = 400.0
_FOLLOWS_S = 5.0  # station keeping hunts, and a manoeuvre's own push is no current
_GAP_S = 2.0  # between samples; after a longer silence nothing is known
_LIMIT_SHARE = 0.97  # of the pulse's span


class Water:
    """The current, and how near the thrusters are to their limit.

    Args:
        telemetry: of the vehicle.
        water_mps: its greatest speed through the water.

    Attributes:
        current_ned_mps: (3,) level; zero while it is not known.
        limited_s: for how long a level thruster has given all that it has.
    """

    def __init__(self, telemetry: Telemetry, water_mps: float) -> None:
        self._telemetry, self._water_mps = telemetry, water_mps
        self._signs: Array | None = None
        self._until_s = float("-inf")
        self.current_ned_mps = np.zeros(3)
        self.limited_s = 0.0

    def learn_directions(self, parameter: Callable[[str], float]) -> None:
        """Ask which way each motor turns; a vehicle that does not tell has no current here."""
        with suppress(HullscanError):
            self._signs = np.array([-1.0 if parameter(f"MOT_{n}_DIRECTION") < 0 else 1.0 for n in range(1, 5)])

    def step(self, now_s: float) -> None:
        """Take the pulses that have come."""
        if self._signs is None:
            return
        fresh = self._telemetry.motors.between(float(np.nextafter(self._until_s, np.inf)), now_s)
        for row in fresh:
            utc_s = float(row["utc_s"])
            pulses = np.array([row[f"pulse_{n}_us"] for n in range(1, 5)])
            elapsed_s, self._until_s = utc_s - self._until_s, utc_s
            if pulses.min() < 1000.0 or elapsed_s > _GAP_S:  # no pulse while it is disarmed
                self.limited_s = 0.0
                continue
            self._take(pulses, 1500.0 + self._signs * (pulses - 1500.0), elapsed_s)

    def _take(self, pulses: Array, turned: Array, elapsed_s: float) -> None:
        """One sample, as it was sent and as it pushes."""
        full = np.abs(pulses - 1500.0).max() >= _LIMIT_SHARE * _SPAN_US
        # it hunts about the limit, too: what is not full takes as long away as what is full adds
        self.limited_s = max(self.limited_s + (elapsed_s if full else -elapsed_s), 0.0)
        attitude, position = self._telemetry.attitude.latest, self._telemetry.position.latest
        if attitude is None or position is None:
            return
        thrust = np.interp(turned, _PULSES_US, _THRUST_N)
        ahead, aside = float(_FORWARD @ thrust), float(_RIGHT @ thrust)
        push = float(np.hypot(ahead, aside))
        through = self._water_mps * np.sqrt(push / _ALL_N) / max(push, 1e-9)
        c, s = np.cos(attitude.yaw_rad), np.sin(attitude.yaw_rad)
        water = through * np.array([c * ahead - s * aside, s * ahead + c * aside])
        over_ground = position.velocity_ned_mps[:2]
        share = 1 - exp(-elapsed_s / _FOLLOWS_S)
        self.current_ned_mps[:2] += share * (over_ground - water - self.current_ned_mps[:2])
