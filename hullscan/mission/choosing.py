"""``survey: auto``: candidates from the hull, the passes that buy the most, and what is left out and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.mission.candidates import Candidate, camera_track, duration_s
from hullscan.mission.feasibility import RETURN_S
from hullscan.mission.hull_lines import HullLines
from hullscan.mission.joining import SETTLE_S, Joiner
from hullscan.mission.keep_out import KeepOut
from hullscan.mission.lawnmower import lawnmower_legs
from hullscan.mission.limits import flying_time_s, return_margin_s
from hullscan.mission.model import Mission
from hullscan.mission.offers import all_passes
from hullscan.mission.patterns import Area, Leg
from hullscan.mission.patterns.clearance import nearest_approaches, sea_bed_depth_m
from hullscan.mission.pricing import LOOK_RANGE_SHARE, price_legs
from hullscan.mission.shortfall import shortfall
from hullscan.mission.stand_off import search_speed_mps, stand_off_m
from hullscan.mission.tour import Passes, Tour, Travel, best_tour
from hullscan.search.cells import HullCells
from hullscan.search.passes import pass_pods
from hullscan.search.pod import LookModel
from hullscan.search.zones import HullZones

__all__ = ["Choice", "choose_passes"]

_RESERVE_M = 0.02  # between the poses that are tried
_MOST_PASSES = 400
_ROUNDS = 32  # of choosing again without what could not be flown
_PATIENT = 8  # rounds in which only the ways are given up, and not yet the passes that they lead to
# Looks at one place count as independent (``search.pod``), which flatters the second and third: what hid the parcel
# from the first hides it from them too. While choosing, no place is worth more than this share of endless looks.
_REPEATED = 0.9
_AT_THE_END_M = 1.5  # of a way: what is too near there is too near to the pass
_REFINED = 1  # of choosing again with what the ways show
_CAUGHT_UP = 3  # more of it, where the plan is behind the lawnmower at some minute
_AHEAD_S, _AHEAD = 1.0, 0.02  # of the lawnmower, and more by a share of the time: real ways are longer than chosen ones


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, and from what.

    Attributes:
        minutes_more: (zones,) that would bring each zone in; NaN where no pass sees it, 0 where the plan does.
        in_reach: (zones,) POD of each zone if every pass were flown, over the prior in it.
    """

    legs: list[Leg]
    tour: Tour
    stand_off_m: float
    candidates: int
    budget_s: float
    minutes_more: Array
    in_reach: Array

    def as_dict(self) -> dict[str, float]:
        """For ``plan.json``."""
        return {
            "candidates": self.candidates,
            "passes": len(self.tour.order),
            "budget_s": round(self.budget_s, 1),
            "seed_pod": round(self.tour.seed_pod, 4),
            "tour_pod": round(self.tour.pod, 4),
        }


def choose_passes(
    mission: Mission,
    cells: HullCells,
    zones: HullZones,
    share: Array,
    model: LookModel,
    *,
    under_ship: bool = True,
    offered: Sequence[Candidate] = (),
    effort: int = 48,
    seed: int = 0,
) -> Choice:
    """The passes that find the most in the window, joined to legs.

    Args:
        under_ship: whether passes under the ship may be chosen, and the turn round the running gear under lock-out.
        offered: passes beside those of ``offers``; each is reached from the side that it names, and must lie outside
            the ship's waterline unless it says that it lies under her.

    Raises:
        InputError: no side can be searched, or the window is too short for the shortest of passes.
    """
    file, vehicle = mission.file, mission.vehicle
    off = stand_off_m(mission)
    deepest = sea_bed_depth_m(mission) - file.limits.min_clearance_m - vehicle.half_size_m[2] - _RESERVE_M
    lines = HullLines(cells, vehicle, off, deepest)
    speed = search_speed_mps(mission, off, model)
    keep_out = KeepOut.of(mission, zones, cells)
    joiner = Joiner.from_launch(lines, vehicle, file.launch, file.limits.min_clearance_m, speed, keep_out)
    budget = flying_time_s(mission)
    found = all_passes(mission, lines, zones, keep_out, joiner, budget, speed, under_ship=under_ship, offered=offered)
    passes = _priced(mission, found, cells, share, model, joiner)
    travel = Travel(
        joiner.places(joiner.contact()[None], np.array([joiner.launch_side]))[0],
        speed,
        SETTLE_S,
        joiner.out_s(),
        joiner.home_s(),
        joiner.hop_m,
    )
    price = partial(
        price_legs,
        cells=cells,
        vehicle=vehicle,
        share=share,
        visibility_m=file.conditions.visibility_m,
        model=model,
        occlusion=False,
    )
    mower = price(lawnmower_legs(mission, cells, Area.whole(cells), speed)).growth
    minutes_s = np.arange(60.0, budget, 60.0)
    ahead_s = minutes_s + _AHEAD_S + _AHEAD * minutes_s
    floor = np.column_stack([minutes_s, _at(mower, ahead_s)])
    behind = np.zeros(len(minutes_s))
    some = _promising(passes)
    asked_s, start, best, best_merit, refined, again = budget, None, None, (False, 0.0), 0, False
    trimmed = False  # the last tour only ran over
    clear: dict[bytes, Array | None] = {}
    for number in range(_ROUNDS):
        few = effort if start is None else effort // (4 if best is not None and not again else 16)
        few, trimmed = 0 if trimmed else few, False
        tour = best_tour(
            _subset(passes, some),
            travel.among(some),
            asked_s,
            effort=few,
            seed=seed,
            start=start,
            rival=_lawnmower_order([found[index] for index in some], joiner.launch_side) if start is None else None,
            floor=floor,
            repeated=_REPEATED,
        )
        if not tour.order:
            break
        start, again = list(tour.order), True
        flown = [(found[some[index]], back) for index, back in tour.order]
        legs = joiner.legs(flown)
        over = max(legs[-1].end_s - budget, RETURN_S - return_margin_s(mission, legs))
        if over > 0:
            # the real way along the hull is a little longer than the straight one, the way home slower if cut short
            asked_s -= over + 1.0
            trimmed = True
            continue
        unclear = _unclear(mission, keep_out, legs, clear)
        if unclear:
            links, places = _led_by(legs, unclear, flown)
            if number >= _PATIENT:
                places |= {min(at, len(flown) - 1) for at in links}
            ways = [(_exit(tour.order, some, at), _entry(tour.order, some, at)) for at in links]
            travel = replace(travel, barred=travel.barred | {*ways})
            keep = np.setdiff1d(np.arange(len(some)), [tour.order[at][0] for at in places])
            start = [(int(np.searchsorted(keep, i)), back) for at, (i, back) in enumerate(start) if at not in places]
            some = some[keep]
            continue
        taken = [int(some[index]) for index, _ in tour.order]
        shown = price([leg for leg in legs if leg.surveys and not leg.lane[0]])
        on_the_way = 1 - shown.pod / model.asymptote
        growth = price(legs).growth
        lag = np.maximum(_at(mower, minutes_s) - _at(growth, minutes_s), 0.0)
        merit = not lag.any(), float(growth[-1, 1])
        if best is None or merit > best_merit:
            more, reach = shortfall(replace(passes, missed=on_the_way), taken, zones, travel)
            best, best_merit = Choice(legs, replace(tour, pod=merit[1]), off, len(found), budget, more, reach), merit
        # what the ways between passes show anyway need not be flown for: choose again with that in mind
        passes, refined, again = replace(passes, missed=on_the_way), refined + 1, False
        behind += 2 * lag  # what was chosen falls short of what is flown by as much: ask for more
        floor = np.column_stack([minutes_s, _at(mower, ahead_s) - _at(shown.growth, minutes_s) + behind])
        asked_s = min(budget, asked_s + max(-over - 2.0, 0.0))  # what was held back for ways that are no longer flown
        if refined > _REFINED + (0 if best_merit[0] else _CAUGHT_UP):
            break
    if best is None:
        raise InputError(
            f"nothing can be searched in {budget / 60:.1f} min: the way to the hull and back takes "
            f"{(travel.out_s + travel.home_s) / 60:.1f} min",
            where="window_min",
            todo="launch nearer, or ask for a longer window",
        )
    return best


def _at(growth: Array, times_s: Array) -> Array:
    """(n,) POD at times, of (k, 2) seconds and POD."""
    return np.interp(times_s, growth[:, 0], growth[:, 1])


def _lawnmower_order(passes: Sequence[Candidate], first_side: int) -> list[tuple[int, bool]]:
    """The passes that are pieces of a lawnmower's lanes in its order, to and fro, one side first."""
    lanes: dict[tuple[bool, int], list[int]] = {}
    for index, each in enumerate(passes):
        if each.lane:
            lanes.setdefault((each.side != first_side, each.lane), []).append(index)
    order: list[tuple[int, bool]] = []
    for number, key in enumerate(sorted(lanes)):
        back = bool(number % 2)
        order += [(index, back) for index in (reversed(lanes[key]) if back else lanes[key])]
    return order


def _unclear(
    mission: Mission,
    keep_out: KeepOut,
    legs: Sequence[Leg],
    known: dict[bytes, Array | None],
) -> dict[int, Array]:
    """Legs that come too near to something, and (3,) where.

    Args:
        known: the same of legs that have been looked at before, None for those that are clear; these are added.
    """
    keys = [leg.poses[:, 1:].tobytes() for leg in legs]
    ways = {key: leg.poses[:, 1:] for key, leg in zip(keys, legs, strict=True) if key not in known}
    if ways:
        kept = keep_out(np.concatenate(list(ways.values())))
        turning = np.split(kept, np.cumsum([len(way) for way in ways.values()])[:-1])
        near = nearest_approaches(mission, list(ways.values()))
        for (key, way), nearest, turns in zip(ways.items(), near, turning, strict=True):
            too_near = nearest.distance_m < mission.file.limits.min_clearance_m
            known[key] = nearest.at_m if too_near else way[turns.argmax(), :3] if turns.any() else None
    found = {number: known[key] for number, key in enumerate(keys)}
    return {number: at for number, at in found.items() if at is not None}


def _led_by(
    legs: Sequence[Leg], unclear: dict[int, Array], passes: Sequence[tuple[Candidate, bool]]
) -> tuple[set[int], set[int]]:
    """Of legs that are not clear, places in the tour to which unclear ways lead, and those of passes to be given up.

    A pass at whose own end there is too little room is given up: no other way from there would be clear. A leg of
    several passes loses all ways between them. The last place is the launch.
    """
    links: set[int] = set()
    given_up: set[int] = set()
    for number, at in unclear.items():
        after = next((leg.lane[0] - 1 for leg in legs[number + 1 :] if leg.lane[0]), len(passes))
        leg = legs[number]
        if not leg.lane[0]:
            from_start, from_end = np.linalg.norm(leg.poses[[0, -1], 1:4] - at, axis=1)
            culprit = after - 1 if from_start < from_end else after
            own = min(from_start, from_end) < _AT_THE_END_M and 0 <= culprit < len(passes)
            (given_up if own else links).add(culprit if own else after)
            continue
        first = leg.lane[0] - 1
        track = passes[first][0].track
        led = np.linalg.norm(leg.poses[0, 1:4] - track[[0, -1], :3], axis=1).min() > 1e-6
        hops = set(range(first if led else first + 1, after))
        links |= hops
        given_up |= set() if hops else {first}
    return links, given_up


def _exit(order: Sequence[tuple[int, bool]], some: npt.NDArray[np.intp], at: int) -> int:
    """Number of the place that is left for a place in the tour: twice the pass, one more for its end; -1 the launch."""
    return -1 if at == 0 else 2 * int(some[order[at - 1][0]]) + (not order[at - 1][1])


def _entry(order: Sequence[tuple[int, bool]], some: npt.NDArray[np.intp], at: int) -> int:
    """The same of the place that is gone to."""
    return -1 if at == len(order) else 2 * int(some[order[at][0]]) + order[at][1]


def _priced(
    mission: Mission, found: Sequence[Candidate], cells: HullCells, share: Array, model: LookModel, joiner: Joiner
) -> Passes:
    visibility = mission.file.conditions.visibility_m
    pods = pass_pods(
        cells,
        mission.vehicle.camera,
        camera_track([each.track for each in found], [each.speed_mps for each in found], mission.vehicle),
        len(found),
        visibility_m=visibility,
        model=model,
        max_range_m=LOOK_RANGE_SHARE * visibility,
        occlusion=False,  # a hull hides little of itself; the plan that comes out is priced with rays
    )
    ends = joiner.places(
        np.concatenate([each.track[[0, -1]] for each in found]), np.repeat([each.side for each in found], 2)
    )
    durations = np.array([duration_s(each.track, each.speed_mps) for each in found])
    kinds = [(each.pattern, each.speed_mps) for each in found]
    kind = np.array([kinds.index(each) for each in kinds], dtype=np.intp)
    return Passes(pods, share, model.asymptote, ends.reshape(-1, 2, 3), durations, kind=kind)


def _promising(passes: Passes) -> npt.NDArray[np.intp]:
    """Indices of the passes with the most gain per second, few enough to be ordered in seconds."""
    rate = (passes.pod @ passes.share) / (passes.duration_s + SETTLE_S)
    best = np.argsort(-rate, kind="stable")[:_MOST_PASSES]
    return np.asarray(np.sort(best[rate[best] > 0]), dtype=np.intp)


def _subset(passes: Passes, index: npt.NDArray[np.intp]) -> Passes:
    return Passes(
        csr_array(passes.pod[index]),
        passes.share,
        passes.asymptote,
        passes.ends_m[index],
        passes.duration_s[index],
        passes.missed,
        None if passes.kind is None else passes.kind[index],
    )
