"""``survey: auto``: candidates from the hull, the passes that buy the most, and what is left out and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.mission.candidates import SIDE_OVERLAP, Candidate, camera_track, duration_s, fitting_looks, side_pieces
from hullscan.mission.clear import hull_gaps, least_gap, near_hull
from hullscan.mission.feasibility import RETURN_S
from hullscan.mission.hull_lines import HullLines
from hullscan.mission.joining import SETTLE_S, Joiner
from hullscan.mission.model import Mission
from hullscan.mission.patterns import Leg
from hullscan.mission.patterns.clearance import nearest_approach, sea_bed_depth_m
from hullscan.mission.pricing import LOOK_RANGE_SHARE
from hullscan.mission.tour import Passes, Tour, Travel, best_tour
from hullscan.search.cells import HullCells
from hullscan.search.passes import pass_pods
from hullscan.search.pod import LookModel
from hullscan.search.zones import HullZones

__all__ = ["Choice", "choose_passes", "stand_off_m", "swath_m"]

LEAST_QUAY_GAP_M = 3.0
"""Of water between ship and quay, for the vehicle at its stand-off."""
_STAND_OFF_SHARE = 0.42  # of the visibility, see patterns
_LEAST_PIECE_M, _PIECES = 4.0, 80  # pieces of lanes: short enough to choose from, few enough to order
_RESERVE_M = 0.02  # between the poses that are tried
_MOST_PASSES = 500
_ROUNDS = 24  # of choosing again without what could not be flown
_BATTERY_SHARE = 0.8
"""Of the battery's time that a plan may use."""


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


def swath_m(mission: Mission, stand_off: float) -> float:
    """Height of hull that one lane adds, neighbours overlapping."""
    return float(2 * stand_off * np.tan(mission.vehicle.camera.vfov_rad / 2) * (1 - SIDE_OVERLAP))


def stand_off_m(mission: Mission) -> float:
    """Distance of the camera from the hull by the visibility, never nearer than is safe."""
    safe = mission.file.limits.min_clearance_m + 0.35
    return float(np.clip(_STAND_OFF_SHARE * mission.file.conditions.visibility_m, max(0.7, safe), 2.5))


def choose_passes(
    mission: Mission,
    cells: HullCells,
    zones: HullZones,
    share: Array,
    model: LookModel,
    *,
    offered: Sequence[Candidate] = (),
    effort: int = 24,
    seed: int = 0,
) -> Choice:
    """The passes that find the most in the window, joined to legs.

    Args:
        offered: passes of other patterns, beside the lanes along the sides and the looks at fittings; each is reached
            from the side that it names, and must lie outside the ship's waterline.

    Raises:
        InputError: no side can be searched, or the window is too short for the shortest of passes.
    """
    file, vehicle = mission.file, mission.vehicle
    off = stand_off_m(mission)
    deepest = sea_bed_depth_m(mission) - file.limits.min_clearance_m - vehicle.half_size_m[2] - _RESERVE_M
    lines = HullLines(cells, vehicle, off, deepest)
    joiner = Joiner.from_launch(lines, vehicle, file.launch, file.limits.min_clearance_m)
    budget = min(file.window_min * 60 - RETURN_S, _BATTERY_SHARE * vehicle.endurance_min * 60)
    found = _candidates(mission, lines, zones, joiner, budget, offered)
    passes = _priced(mission, found, cells, share, model, joiner)
    travel = Travel(
        joiner.places(joiner.contact()[None], np.array([joiner.launch_side]))[0],
        vehicle.transit_speed_mps,
        SETTLE_S,
        joiner.out_s(),
        joiner.home_s(),
    )
    some = _promising(passes)
    subset = _subset(passes, some)
    asked_s, over, start = budget, np.inf, None
    for _ in range(_ROUNDS):
        tour = best_tour(
            subset, travel, asked_s, effort=effort if start is None else effort // 8, seed=seed, start=start
        )
        chosen = [found[some[index]] for index, _ in tour.order]
        near = {
            index
            for (index, _), each in zip(tour.order, chosen, strict=True)
            if least_gap(cells, vehicle, each.track) < file.limits.min_clearance_m
        }
        if near:  # between the poses that were tried
            keep = np.setdiff1d(np.arange(len(some)), sorted(near))
            some, subset = some[keep], _subset(subset, keep)
            start = [(int(np.searchsorted(keep, i)), back) for i, back in tour.order if i not in near]
            continue
        legs = joiner.legs(list(zip(chosen, [back for _, back in tour.order], strict=True)))
        over = legs[-1].end_s - budget
        if over <= 0:
            barred = _barred(mission, legs)
            if not barred:
                break
            over = np.inf
            keep = np.setdiff1d(np.arange(len(some)), [tour.order[place][0] for place in barred])
            kept = [step for place, step in enumerate(tour.order) if place not in barred]
            some, subset = some[keep], _subset(subset, keep)
            start = [(int(np.searchsorted(keep, i)), back) for i, back in kept]
            continue
        asked_s -= over + 1.0  # the real way along the hull is a little longer than the straight one
        start = list(tour.order)
    if not tour.order or over > 0:
        raise InputError(
            f"nothing can be searched in {budget / 60:.1f} min: the way to the hull and back takes "
            f"{(travel.out_s + travel.home_s) / 60:.1f} min",
            where="window_min",
            todo="launch nearer, or ask for a longer window",
        )
    taken = [int(some[index]) for index, _ in tour.order]
    more, reach = _left_out(passes, taken, zones, travel)
    return Choice(legs, tour, off, len(found), budget, more, reach)


def _candidates(
    mission: Mission,
    lines: HullLines,
    zones: HullZones,
    joiner: Joiner,
    budget_s: float,
    offered: Sequence[Candidate],
) -> list[Candidate]:
    """All passes that limits allow."""
    file, vehicle = mission.file, mission.vehicle
    closed = file.berth.quay_side if file.berth.quay_gap_m < LEAST_QUAY_GAP_M else None
    halves = [half for half, side in enumerate(("starboard", "port")) if side != closed]
    piece = max(_LEAST_PIECE_M, budget_s * vehicle.transit_speed_mps / _PIECES)
    safe = max(0.7, file.limits.min_clearance_m + 0.35)
    found = fitting_looks(lines, zones, halves, (vehicle.survey_speed_mps, vehicle.transit_speed_mps), piece, safe)
    found += side_pieces(lines, halves, vehicle.transit_speed_mps, piece)
    found += [each for each in offered if (0 if each.side > 0 else 1) in halves]
    clear = _clear(found, lines.cells, mission)
    tether = min(file.limits.max_tether_m, vehicle.tether_m)
    ends = joiner.places(
        np.concatenate([each.track[[0, -1]] for each in found]), np.repeat([each.side for each in found], 2)
    )
    out_m = (np.abs(ends[:, 0]) + ends[:, 1] + file.launch.distance_m).reshape(-1, 2).max(axis=1)
    kept = [each for each, ok in zip(found, clear & (out_m <= tether), strict=True) if ok]
    if not kept:
        raise InputError(
            "no pass is within reach of the tether and clear of the hull",
            where="limits.max_tether_m",
            todo="launch nearer, or from the other side",
        )
    return kept


def _barred(mission: Mission, legs: Sequence[Leg]) -> set[int]:
    """Places in the tour of passes that are not clear of hull, quay and sea bed, or that no clear way leads to."""
    barred, ahead = set(), max(leg.lane[0] for leg in legs)
    for leg in reversed(legs):
        ahead = leg.lane[0] or ahead
        if nearest_approach(mission, leg.poses[:, 1:]).distance_m < mission.file.limits.min_clearance_m:
            barred.add(ahead - 1)
    return barred


def _clear(found: Sequence[Candidate], cells: HullCells, mission: Mission) -> Array:
    """(k,) whether the vehicle's box keeps its clearance along each pass, by poses about two metres apart."""
    few = [_few(len(each.track)) for each in found]
    poses = np.concatenate([each.track[index] for each, index in zip(found, few, strict=True)])
    of = np.repeat(np.arange(len(found)), [len(index) for index in few])
    limit = mission.file.limits.min_clearance_m
    near = np.flatnonzero(near_hull(cells, mission.vehicle, poses, limit))
    clear = np.ones(len(found), bool)
    if len(near):
        gap, _ = hull_gaps(cells.hull, mission.vehicle, poses[near])
        clear[of[near[gap < limit + _RESERVE_M]]] = False
    return clear


def _few(count: int) -> Array:
    """Indices of poses about two metres apart, both ends with them."""
    return np.unique(np.linspace(0, count - 1, max(2, count // 4 + 1)).astype(int))


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
    return Passes(pods, share, model.asymptote, ends.reshape(-1, 2, 3), durations)


def _promising(passes: Passes) -> Array:
    """Indices of the passes with the most gain per second, few enough to be ordered in seconds."""
    rate = (passes.pod @ passes.share) / (passes.duration_s + SETTLE_S)
    best = np.argsort(-rate, kind="stable")[:_MOST_PASSES]
    return np.sort(best[rate[best] > 0])


def _subset(passes: Passes, index: Array) -> Passes:
    return Passes(
        csr_array(passes.pod[index]), passes.share, passes.asymptote, passes.ends_m[index], passes.duration_s[index]
    )


def _left_out(passes: Passes, taken: list[int], zones: HullZones, travel: Travel) -> tuple[Array, Array]:
    """(zones,) minutes that would bring each zone in, and (zones,) POD if every pass were flown.

    A zone is in when it has four fifths of what all passes together could give it. The minutes are those of the
    passes needed, the best first, and of one detour there and back.
    """
    count = len(zones.zones)
    asymptote, share = passes.asymptote, passes.share
    prior = np.maximum(zones.share(share), 1e-12)
    logs = passes.pod.copy()
    logs.data = np.log1p(-np.minimum(logs.data / asymptote, 1 - 1e-9))
    all_missed = np.exp(np.asarray(logs.sum(axis=0)).ravel())
    missed = np.exp(np.asarray(logs[taken].sum(axis=0)).ravel()) if taken else np.ones(len(share))
    reach = zones.share(share * asymptote * (1 - all_missed)) / prior
    have = zones.share(share * asymptote * (1 - missed)) / prior
    # (passes, zones) what each pass adds to each zone now
    of_zone = csr_array((np.ones(len(share)), (np.arange(len(share)), zones.of_cell)), shape=(len(share), count))
    adds = passes.pod.multiply((share * missed)[None]).tocsr() @ of_zone
    adds = np.asarray(adds.todense()) / prior
    cost = passes.duration_s + travel.settle_s
    at = passes.ends_m[taken].reshape(-1, 3) if taken else travel.launch_m[None]
    more = np.zeros(count)
    for zone in range(count):
        wanted = 0.8 * reach[zone]
        if reach[zone] < 0.05:
            more[zone] = np.nan
        elif have[zone] < wanted:
            gain = adds[:, zone]
            order = np.argsort(-gain / cost, kind="stable")
            order = order[gain[order] > 0]
            enough = int(np.searchsorted(np.cumsum(gain[order]), wanted - have[zone])) + 1
            chosen = order[:enough]
            detour = np.linalg.norm(passes.ends_m[chosen].reshape(-1, 1, 3) - at[None], axis=2).min()
            more[zone] = (float(cost[chosen].sum()) + 2 * float(detour) / travel.speed_mps) / 60
    return more, reach
