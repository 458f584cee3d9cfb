"""Where the ship truly lies at a moment: her rest pose, the slow sines of her moorings, and moves that are faults.

A pure function of scenario, mission and time, so that the camera's process finds her where the world has her.
"""

from __future__ import annotations

from math import cos, pi, radians, sin

import numpy as np

from hullscan.geometry.frames import ShipPose
from hullscan_sim.dynamics import Vector
from hullscan_sim.faults.kinds import ShipMoves
from hullscan_sim.scenario import Scenario, ShipAtBerth

__all__ = ["ShipMotion"]

_DIFFERENCE_S = 0.01  # for her velocity; her fastest motion takes seconds


class ShipMotion:
    """Pose and velocity of the ship over time.

    Args:
        length_m: of the ship as built.

    Attributes:
        rest: where she lies without moorings' play and faults.
        still: whether she stays there for good.
    """

    def __init__(self, scenario: Scenario, stated: ShipAtBerth, length_m: float) -> None:
        error, self._mooring = scenario.ship_error, scenario.mooring
        heading_rad = radians(stated.berth.heading_deg + error.heading_deg)
        self.rest = ShipPose(error.north_m, error.east_m, heading_rad, error.down_m)
        self._middle_m = length_m / 2
        self._moves = [fault for fault in scenario.faults if isinstance(fault, ShipMoves)]
        moored = self._mooring.surge_m > 0 or self._mooring.yaw_deg > 0
        self.still = not moored and not self._moves
        # a generator of its own: the draws of all others stay what they are without moorings
        phases = np.random.default_rng([scenario.seed, 23]).uniform(0, 2 * pi, 2)
        self._surge_phase, self._yaw_phase = (float(phase) for phase in phases)

    def pose(self, time_s: float) -> ShipPose:
        """Ned from ship at a moment of simulated time."""
        rest, mooring = self.rest, self._mooring
        if self.still:
            return rest
        surge_m = mooring.surge_m * sin(2 * pi * time_s / mooring.surge_period_s + self._surge_phase)
        turn = radians(mooring.yaw_deg) * sin(2 * pi * time_s / mooring.yaw_period_s + self._yaw_phase)
        north, east = rest.north_m, rest.east_m
        for move in self._moves:
            share = _share(move, time_s)
            north, east = north + share * move.north_m, east + share * move.east_m
            turn += share * radians(move.turn_deg)
        # she surges along her rest heading and turns about her middle
        ahead = self._middle_m + surge_m
        heading = rest.heading_rad + turn
        north += ahead * cos(rest.heading_rad) - self._middle_m * cos(heading)
        east += ahead * sin(rest.heading_rad) - self._middle_m * sin(heading)
        return ShipPose(north, east, heading, rest.down_m)

    def rates(self, time_s: float) -> Vector:
        """Velocity of her aft perpendicular north and east, m/s, and her rate of turn, rad/s."""
        before, after = self.pose(time_s - _DIFFERENCE_S), self.pose(time_s + _DIFFERENCE_S)
        span_s = 2 * _DIFFERENCE_S
        return (
            (after.north_m - before.north_m) / span_s,
            (after.east_m - before.east_m) / span_s,
            (after.heading_rad - before.heading_rad) / span_s,
        )


def _share(move: ShipMoves, time_s: float) -> float:
    """How much of a move is done, 0 to 1, starting and stopping gently."""
    there = min(max((time_s - move.at_s) / move.over_s, 0.0), 1.0)
    back = min(max((time_s - move.end_s) / move.over_s, 0.0), 1.0)
    return there * there * (3 - 2 * there) - back * back * (3 - 2 * back)
