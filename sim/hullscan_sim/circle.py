"""CIRCLE: round a centre ahead of the vehicle, looking at it; CIRCLE_RADIUS and CIRCLE_RATE as in AC_Circle."""

from __future__ import annotations

from math import atan2, cos, pi, sin, sqrt

from hullscan_sim.control import clamp, wrap
from hullscan_sim.dynamics import Vector
from hullscan_sim.estimator import Estimator
from hullscan_sim.parameters import Parameters
from hullscan_sim.position_control import PositionControl

__all__ = ["Circle"]

_LEAST_ACCELERATION = 2 * pi / 180  # rad/s2


class Circle:
    """Target on the circle and where it is now."""

    def __init__(self, parameters: Parameters, nav: Estimator, position: PositionControl) -> None:
        self._parameters, self._nav, self._position = parameters, nav, position
        self._centre = (0.0, 0.0)
        self._angle = self._rate = 0.0

    def start(self) -> None:
        """Put the centre ahead of the stopping point."""
        nav = self._nav
        north, east, _ = self._position.stopping_point(nav.position, nav.velocity)
        self._position.start_level(nav.position, nav.velocity)
        yaw, radius_m = nav.attitude[2], self._radius_m
        self._centre = (north + radius_m * cos(yaw), east + radius_m * sin(yaw))
        self._angle, self._rate = wrap(yaw + pi), 0.0

    @property
    def _radius_m(self) -> float:
        return max(self._parameters["CIRCLE_RADIUS"] / 100, 0.0)

    def update(self, dt_s: float) -> tuple[float, float, float]:
        """Forward and lateral demand, and the heading towards the centre."""
        nav, radius_m = self._nav, self._radius_m
        acceleration = max(self._parameters["WPNAV_ACCEL"] / 100, 0.05)
        wanted = self._parameters["CIRCLE_RATE"] * pi / 180
        if radius_m > 0:
            fastest = min(self._parameters["WPNAV_SPEED"] / 100, sqrt(0.5 * acceleration * radius_m)) / radius_m
            wanted = clamp(wanted, fastest)
        self._rate += clamp(wanted - self._rate, max(abs(wanted) / 2, _LEAST_ACCELERATION) * dt_s)
        self._angle = wrap(self._angle + self._rate * dt_s)
        c, s = cos(self._angle), sin(self._angle)
        place: Vector = (self._centre[0] + radius_m * c, self._centre[1] + radius_m * s, 0.0)
        self._position.follow_level(place, (-radius_m * self._rate * s, radius_m * self._rate * c, 0.0), dt_s)
        forward, lateral = self._position.level(nav.position, nav.velocity, nav.attitude[2], dt_s)
        north, east, _ = nav.position
        return forward, lateral, atan2(self._centre[1] - east, self._centre[0] - north)
