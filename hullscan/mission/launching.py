"""Where to launch: what the window buys from places along the ship."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hullscan.errors import InputError
from hullscan.mission.model import Mission
from hullscan.mission.plan import plan_mission
from hullscan.ship.spec import Launch
from hullscan.ship.surface import Side

__all__ = ["LaunchPlace", "launch_places"]

_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)
"""Of the length from aft; nearer to each other where most of the risk is."""


@dataclass(frozen=True, slots=True)
class LaunchPlace:
    """A place that was tried.

    Attributes:
        stated: whether it is that of the mission file.
        ship_pod: of the plan from there, over the whole ship by risk.
        prior_seen: share of that risk that is in view at least once.
        duration_s: of the plan.
        refused: why there is no plan; empty where there is one.
    """

    launch: Launch
    stated: bool
    ship_pod: float = 0.0
    prior_seen: float = 0.0
    duration_s: float = 0.0
    refused: str = ""


def launch_places(
    mission: Mission, *, effort: int = 48, seed: int = 0, told: Callable[[int, int], None] = lambda done, of: None
) -> list[LaunchPlace]:
    """Plan from the stated place, from others along that side, and from the best of them across; the best first.

    A side of a quay that is nearer than the launch's distance is left out.

    Args:
        effort, seed: of each plan, see ``plan_mission``.
        told: called with how many places are done, of how many.

    Raises:
        InputError: the mission states its patterns, or there is no plan from anywhere.
    """
    file, hull = mission.file, mission.hull
    if file.orders:
        raise InputError(
            "places to launch from are compared for plans that choose", where="survey", todo="write survey: auto"
        )
    stations = hull.stations_m[0] + np.array(_SHARES) * np.ptp(hull.stations_m)
    tried = [file.launch, *(replace(file.launch, station_m=round(float(each), 1)) for each in stations)]
    across: Side = "port" if file.launch.side == "starboard" else "starboard"
    free = file.berth.quay_side != across or file.berth.quay_gap_m > file.launch.distance_m
    total = len(tried) + free
    found: list[LaunchPlace] = []
    for launch in tried:
        found.append(_planned(mission, launch, effort, seed))
        told(len(found), total)
    best = max(found, key=_worth)
    if free:
        found.append(_planned(mission, replace(best.launch, side=across), effort, seed))
        told(total, total)
    found.sort(key=_worth, reverse=True)
    if found[0].refused:
        raise InputError(f"no plan from any place: {found[0].refused}", where="launch")
    return found


def _worth(place: LaunchPlace) -> tuple[bool, float, float]:
    return not place.refused, place.ship_pod, place.prior_seen


def _planned(mission: Mission, launch: Launch, effort: int, seed: int) -> LaunchPlace:
    stated = launch is mission.file.launch
    try:
        plan = plan_mission(replace(mission, file=replace(mission.file, launch=launch)), effort=effort, seed=seed)
    except InputError as error:
        return LaunchPlace(launch, stated, refused=error.what)
    return LaunchPlace(launch, stated, plan.ship_pod, plan.prior_seen, plan.duration_s)
