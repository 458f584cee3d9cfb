"""What the stated current makes of legs: how long they take, and how fast the vehicle must be through the water."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.mission.currents import current_ship_mps, speed_in_current, water_speed_mps
from hullscan.mission.model import Mission
from hullscan.mission.patterns import Leg

__all__ = ["in_current", "through_water_mps"]


def in_current(mission: Mission, legs: Sequence[Leg]) -> list[Leg]:
    """The same legs, with the time that they take where the stated current slows the vehicle down."""
    late_s, timed = 0.0, []
    for leg in legs:
        lengths, ways = _steps(leg)
        current = current_ship_mps(mission, leg.start_s + late_s)
        yaws = leg.poses[:-1, 4]
        speeds = speed_in_current(leg.speed_mps, ways, yaws, current, mission.vehicle.water_speed_mps)
        spans = np.diff(leg.poses[:, 0])
        lost = np.concatenate([[0.0], np.cumsum(np.maximum(lengths / speeds - spans, 0.0))])
        if late_s + lost[-1] > 0:
            poses = leg.poses.copy()
            poses[:, 0] += late_s + lost
            leg = replace(leg, poses=poses)
        late_s += float(lost[-1])
        timed.append(leg)
    return timed


def through_water_mps(mission: Mission, legs: Sequence[Leg]) -> float:
    """Greatest speed through the water that legs ask for in the stated current, see ``water_speed_mps``."""
    needed = [0.0]
    for leg in legs:
        lengths, ways = _steps(leg)
        spans = np.maximum(np.diff(leg.poses[:, 0]), 1e-6)
        moved = ways * (lengths / spans)[:, None] - current_ship_mps(mission, leg.start_s)
        needed.append(float(water_speed_mps(moved, leg.poses[:-1, 4]).max(initial=0.0)))
    return max(needed)


def _steps(leg: Leg) -> tuple[Array, Array]:
    """(n - 1,) lengths and (n - 1, 3) directions between its poses; none where it turns on the spot."""
    ways = np.diff(leg.poses[:, 1:4], axis=0)
    lengths = np.linalg.norm(ways, axis=1)
    return lengths, ways / np.maximum(lengths, 1e-9)[:, None]
