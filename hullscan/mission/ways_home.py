"""Where the pilot's ways home do not lead home: under the ship, and behind her.

Every ending of this version's pilot backs off the plating, goes straight to the launch and rises. What would have to
end otherwise is planned, so that it can be weighed, but not flown.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hullscan.errors import InputError
from hullscan.mission.model import Mission
from hullscan.mission.patterns import Leg

__all__ = ["legs_behind_ship", "legs_under_ship", "require_ways_home"]

_BACK_OFF_M = 0.8  # as the pilot does before it turns for the launch


def legs_under_ship(mission: Mission, legs: Sequence[Leg]) -> list[int]:
    """Numbers, from 1, of the legs on which plating lies above the vehicle somewhere."""
    found = []
    half = np.array(mission.vehicle.half_size_m)
    corners = np.array([[x, y, 0.0] for x in (-1, 0, 1) for y in (-1, 0, 1)]) * half
    for number, leg in enumerate(legs, start=1):
        places = (leg.poses[:, None, 1:4] + corners[None]).reshape(-1, 3)
        up = np.tile([0.0, 0.0, -1.0], (len(places), 1))
        met = mission.hull.cast(places, up)
        if bool((met.hit & (met.distance_m < places[:, 2])).any()):  # what lies above the waterline is no ceiling
            found.append(number)
    return found


def legs_behind_ship(mission: Mission, legs: Sequence[Leg]) -> list[int]:
    """Numbers, from 1, of the legs from which the straight way to the launch meets the ship somewhere."""
    launch = legs[0].poses[0, 1:4]
    aside_m = float(np.linalg.norm(mission.vehicle.half_size_m[:2])) + mission.file.limits.min_clearance_m
    found = []
    for number, leg in enumerate(legs, start=1):
        yaw = leg.poses[:, 4]
        start = leg.poses[:, 1:4] - _BACK_OFF_M * np.column_stack([np.cos(yaw), np.sin(yaw), np.zeros(len(yaw))])
        way = launch - start
        length = np.linalg.norm(way, axis=1)
        start, way, length = start[length > aside_m], way[length > aside_m], length[length > aside_m]
        level = np.column_stack([-way[:, 1], way[:, 0], np.zeros(len(way))])
        level /= np.maximum(np.linalg.norm(level, axis=1, keepdims=True), 1e-9)
        origins = np.concatenate([start + aside * level for aside in (-aside_m, 0.0, aside_m)])
        met = mission.hull.cast(origins, np.tile(way / length[:, None], (3, 1)))
        if bool((met.hit & (met.distance_m < np.tile(length, 3))).any()):
            found.append(number)
    return found


def require_ways_home(mission: Mission, legs: Sequence[Leg]) -> None:
    """Refuse to fly where the pilot's endings do not hold.

    Raises:
        InputError: some of the legs lie under the ship, or behind her as seen from the launch.
    """
    for found, where in ((legs_under_ship(mission, legs), "under"), (legs_behind_ship(mission, legs), "behind")):
        if found:
            numbers = ", ".join(map(str, found[:6])) + (", ..." if len(found) > 6 else "")
            raise InputError(
                f"legs {numbers} of {len(legs)} lie {where} the ship: planned, but not flown by this version, whose "
                "pilot ends every flight straight to the launch and up",
                where="survey",
                todo="ask for the side that the launch is on, down to the turn of the bilge",
            )
