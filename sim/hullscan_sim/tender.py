"""The person who holds the vehicle by its tether at the launch place until it is armed for the first time.

Without, a vehicle that waits for its position and its preflight drifts off with the current, metres a minute, and
may come to lie where the DVL finds no hull. Once armed it is let go, for good.
"""

from __future__ import annotations

from math import pi

from hullscan_sim.dynamics import RigidBody, Vector

__all__ = ["Tender"]

_HOLD_NPM, _EASE_NSPM = 60.0, 40.0
_TURN_NM, _EASE_NMS = 3.0, 2.0  # per rad, per rad/s


class Tender:
    """Holds place and heading, level; heave, roll and pitch are left to the water.

    Attributes:
        holding: until ``let_go``.
    """

    def __init__(self, place: Vector, heading_rad: float) -> None:
        self._north, self._east, _ = place
        self._heading_rad = heading_rad
        self.holding = True

    def let_go(self) -> None:
        """The vehicle is armed."""
        self.holding = False

    def pull(self, body: RigidBody) -> tuple[Vector, Vector]:
        """Force and torque, body axes."""
        north = _HOLD_NPM * (self._north - body.north_m) - _EASE_NSPM * body.velocity[0]
        east = _HOLD_NPM * (self._east - body.east_m) - _EASE_NSPM * body.velocity[1]
        off = (self._heading_rad - body.euler_rad[2] + pi) % (2 * pi) - pi
        return body.to_body((north, east, 0.0)), (0.0, 0.0, _TURN_NM * off - _EASE_NMS * body.yaw_rate)
