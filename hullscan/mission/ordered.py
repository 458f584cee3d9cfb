"""Patterns ordered without saying from how far: each from where its lanes find most in the time that there is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hullscan.errors import InputError
from hullscan.mission.candidates import duration_s
from hullscan.mission.limits import flying_time_s
from hullscan.mission.model import Mission
from hullscan.mission.orders import SurveyOrder
from hullscan.mission.patterns import Lanes, candidate_legs, lanes_of
from hullscan.mission.patterns.leg import SETTLE_S
from hullscan.mission.pricing import price_legs
from hullscan.mission.stand_off import farthest_m, good_look_m
from hullscan.search.cells import HullCells

__all__ = ["ordered_lanes"]

_CHOICES = 3  # from that of a good look to the farthest
_SEARCH_SHARE = 0.6
"""Of the time in the water that lanes may take: the rest is for ways, closer looks and what is flown again."""


@dataclass(frozen=True, slots=True)
class _Option:
    """Lanes of an order from one distance.

    Attributes:
        found_m2: area that the order asks for, times the POD in it.
        time_s: along the lanes.
    """

    lanes: Lanes
    found_m2: float
    time_s: float


def ordered_lanes(mission: Mission, cells: HullCells) -> list[Lanes]:
    """The lanes of every order, from the ordered stand-off or that which finds most.

    Nearer, a look finds more (``good_look_m``), and lanes are more; at the turn of the bilge some see less of what
    faces down. Where all of them take too long, the order that loses least for the time won is flown from farther off.

    Raises:
        InputError: a pattern cannot be flown as asked from any distance.
    """
    options = [_options(mission, order, cells) for order in mission.file.orders]
    chosen = [max(range(len(each)), key=lambda k: each[k].found_m2) for each in options]
    left_s = _SEARCH_SHARE * flying_time_s(mission)
    while sum(each[k].time_s for each, k in zip(options, chosen, strict=True)) > left_s:
        losses = {
            (number, other): (mine[k].found_m2 - mine[other].found_m2) / (mine[k].time_s - mine[other].time_s)
            for number, (mine, k) in enumerate(zip(options, chosen, strict=True))
            for other in range(len(mine))
            if mine[other].time_s < mine[k].time_s
        }
        if not losses:
            break
        number, other = min(losses, key=lambda each: losses[each])
        chosen[number] = other
    return [each[k].lanes for each, k in zip(options, chosen, strict=True)]


def _options(mission: Mission, order: SurveyOrder, cells: HullCells) -> list[_Option]:
    """From the nearest, which is the pattern's own, to the farthest."""
    near = good_look_m(mission, order.speed_mps or mission.vehicle.survey_speed_mps)
    farther = np.unique(np.linspace(near, farthest_m(mission), _CHOICES))[1:]
    given = order.stand_off_m is not None
    orders = [order] if given else [order, *(replace(order, stand_off_m=float(each)) for each in farther)]
    found: list[_Option] = []
    refused: InputError | None = None
    for each in orders:
        try:
            lanes = lanes_of(mission, each)
        except InputError as error:
            refused = refused or error
        else:
            found.append(_Option(lanes, _found_m2(mission, lanes, cells), _time_s(lanes)))
    if not found and refused is not None:
        raise refused
    return found


def _time_s(lanes: Lanes) -> float:
    return sum(duration_s(track, lanes.speed_mps) + SETTLE_S for track in lanes.tracks)


def _found_m2(mission: Mission, lanes: Lanes, cells: HullCells) -> float:
    """What the lanes find of what their order asks for; the hull hides little of itself, and no ray is cast."""
    asked = np.zeros(len(cells), bool)
    for area in lanes.areas:
        asked |= area.cells(cells)
    priced = price_legs(
        candidate_legs(mission, lanes),
        cells,
        mission.vehicle,
        cells.area_m2 * asked,
        visibility_m=mission.file.conditions.visibility_m,
        model=mission.pod_model,
        occlusion=False,
    )
    return float(priced.growth[-1, 1])
