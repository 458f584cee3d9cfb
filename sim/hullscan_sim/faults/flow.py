"""Water that a fault sets in motion."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, exp, radians, sin
from typing import TYPE_CHECKING

from hullscan_sim.dynamics import Vector
from hullscan_sim.faults.kinds import CurrentGust, PropellerStarts, Timed

if TYPE_CHECKING:
    from hullscan_sim.world import World

__all__ = ["Flow", "gust", "propeller"]

Flow = Callable[[Vector, float], Vector]
"""Velocity (ned, m/s) that is added at a place (ned, m) and a moment."""

_SPREAD = 0.1  # growth of a jet's radius with the way along it; round turbulent jets have about 0.1
_REACH_M = 150.0
_DEEPEST = 0.65  # of the greatest draught: usual height of a propeller shaft


def gust(fault: CurrentGust) -> Flow:
    """The same everywhere."""
    towards = radians(fault.towards_deg)
    north, east = fault.current_mps * cos(towards), fault.current_mps * sin(towards)

    def flow(position: Vector, time_s: float) -> Vector:
        share = _envelope(fault, fault.ramp_s, time_s)
        return share * north, share * east, 0.0

    return flow


def propeller(fault: PropellerStarts, world: World) -> Flow:
    """A Gaussian jet aft that spreads and keeps its momentum; forward, water drawn to the disc from all sides."""
    radius = fault.diameter_m / 2
    depth_m = fault.depth_m
    if depth_m is None:
        depth_m = _DEEPEST * float(world.hull.grid_m[:, :, 2].max())

    def flow(position: Vector, time_s: float) -> Vector:
        speed = fault.jet_mps * _envelope(fault, fault.ramp_s, time_s)
        x, y, z = world.to_ship(position)
        dx, dz = x - fault.station_m, z - depth_m
        off2 = y * y + dz * dz
        if speed == 0.0 or dx * dx + off2 > _REACH_M**2:
            return 0.0, 0.0, 0.0
        if dx <= 0:
            wide = radius - _SPREAD * dx
            along = -speed * (radius / wide) * exp(-off2 / (wide * wide))
            return world.direction_to_ned((along, 0.0, 0.0))
        away2 = dx * dx + off2
        inward = 0.25 * speed * radius * radius / (away2 + radius * radius) / max(away2, 1e-6) ** 0.5
        return world.direction_to_ned((-inward * dx, -inward * y, -inward * dz))

    return flow


def _envelope(fault: Timed, ramp_s: float, time_s: float) -> float:
    """0 to 1, with ramps at both ends within the fault's time."""
    return max(min((time_s - fault.at_s) / ramp_s, (fault.end_s - time_s) / ramp_s, 1.0), 0.0)
