"""The route: legs from the launch over all lanes and back, round the ship and not under her, with the tether.

A transfer is straight where that is clear of everything and does not lead under the ship. Else it leaves athwart to
the line round the ship, follows it over bow or stern, and comes in athwart: under a flat bottom that is the shortest
way out from the lane's own side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.patterns.clearance import crosses_hull, hull_gap, nearest_approaches
from hullscan.mission.patterns.lanes import Lanes
from hullscan.mission.patterns.leg import SETTLE_S, Leg, dense, timed
from hullscan.mission.patterns.outline import Outline
from hullscan.ship.surface import side_sign

__all__ = ["candidate_legs", "launch_pose", "route"]

_TRAVEL_DEPTH_M = 1.0
_APPROACH_EXTRA_M = 0.8  # a leg is entered from this much farther out
_ROUND_END_M = 12.0  # from line to line round the stem, if that is clear
_MOST_TURNS = 0.75  # of the tether round the ship; from one turn on it lies round her


@dataclass(frozen=True, slots=True)
class _Here:
    """Where the vehicle is: pose, side of its access, whether under the ship, unwrapped place round her.

    ``onward_m`` is the way round her that the lane leads which begins there.
    """

    pose: Array
    side: int
    under: bool
    place_m: float
    onward_m: float = 0.0


def candidate_legs(mission: Mission, lanes: Lanes) -> tuple[Leg, ...]:
    """The survey legs of one order, each timed from zero, before anything joins them."""
    legs = []
    for number, track in enumerate(lanes.tracks):
        leg, _ = timed(lanes.zones[number], lanes.pattern, track, lanes.speed_mps, 0.0, surveys=True)
        legs.append(replace(leg, lane=(number + 1, len(lanes.tracks))))
    return tuple(legs)


def route(mission: Mission, survey: list[Lanes]) -> list[Leg]:
    """Join lanes into legs: out from the launch, lane after lane in alternating direction, and back.

    Raises:
        InputError: the quay bars every way, or the tether is too short or would lie round the ship.
    """
    return _Router(mission).route(survey)


def launch_pose(mission: Mission) -> Array:
    """(6,) where the vehicle goes down, facing the ship."""
    launch = mission.file.launch
    sign = side_sign(launch.side)
    side = np.array([sign], dtype=np.int8)
    station = np.clip(np.array([launch.station_m]), mission.hull.stations_m[0], mission.hull.stations_m[-1])
    breadth = float(mission.hull.point(side, station, np.zeros(1))[0, 1])
    return np.array([launch.station_m, breadth + sign * launch.distance_m, _TRAVEL_DEPTH_M, -sign * np.pi / 2, 0, 0])


def _before(goal: Array) -> Array:
    """A pose before the goal, farther out from the hull, so that the hull is approached along its normal."""
    before = goal.copy()
    before[:2] -= np.array([np.cos(goal[3]), np.sin(goal[3])]) * _APPROACH_EXTRA_M
    return before


class _Router:
    def __init__(self, mission: Mission) -> None:
        self._mission = mission
        self._outline = Outline(mission)
        self._launch = launch_pose(mission)
        self._launch_side = side_sign(mission.file.launch.side)
        self._zero_m = self._outline.place(self._launch, self._launch_side)
        self._legs: list[Leg] = []
        self._clock_s = SETTLE_S
        self._here = _Here(self._launch, self._launch_side, False, self._zero_m)
        self._lanes: Lanes | None = None
        self._between_lanes = False

    def route(self, survey: list[Lanes]) -> list[Leg]:
        for lanes, after in zip(survey, [*survey[1:], None], strict=True):
            for number, track in self._sequence(lanes, after):
                self._fly(lanes, number, track)
        self._go(_Here(self._launch, self._launch_side, False, self._zero_m), "return")
        return self._legs

    def _sequence(self, lanes: Lanes, after: Lanes | None) -> list[tuple[int, Array]]:
        """The lanes of an order with their directions: each begins at the end that is nearer.

        Where to begin is decided with regard to the order that follows; a single order begins at its nearer end.
        """
        numbers = list(range(len(lanes.tracks)))
        orders = [numbers, numbers[::-1]] if lanes.reversible else [numbers]
        choices = [self._chained(lanes, order, turned) for order in orders for turned in (False, True)]
        goals = [] if after is None else self._starts(after)

        def cost(choice: list[tuple[int, Array]]) -> float:
            (first, start), (last, end) = choice[0], choice[-1]
            here = (self._here.pose, self._here.side)
            way = self._distance(here, (start[0], lanes.access[first]))
            if goals:
                way += min(self._distance((end[-1], lanes.access[last]), goal) for goal in goals)
            # of equals the nearer start comes first
            return way + 1e-3 * float(np.linalg.norm(start[0, :3] - here[0][:3]))

        if after is None and self._lanes is None:
            return min(choices[:2], key=lambda choice: float(np.linalg.norm(choice[0][1][0, :3] - self._here.pose[:3])))
        return min(choices, key=cost)

    def _chained(self, lanes: Lanes, order: list[int], turned: bool) -> list[tuple[int, Array]]:
        chain: list[tuple[int, Array]] = []
        for number in order:
            track = lanes.tracks[number]
            if chain:
                here = chain[-1][1][-1, :3]
                turned = bool(np.linalg.norm(track[-1, :3] - here) < np.linalg.norm(track[0, :3] - here))
            chain.append((number, track[::-1] if turned else track))
        return chain

    def _starts(self, lanes: Lanes) -> list[tuple[Array, int]]:
        numbers = (0, -1) if lanes.reversible else (0,)
        return [(lanes.tracks[number][end], lanes.access[number]) for number in numbers for end in (0, -1)]

    def _distance(self, a: tuple[Array, int], b: tuple[Array, int]) -> float:
        """About how far it is from one pose to another, with the sides of their access."""
        if a[1] == b[1]:
            return float(np.linalg.norm(a[0][:3] - b[0][:3]))
        ends = [self._outline.place(pose, side) for pose, side in (a, b)]
        out = sum(
            float(np.linalg.norm(self._outline.point(end) - pose[:2]))
            for end, (pose, _) in zip(ends, (a, b), strict=True)
        )
        return abs(self._lift(ends[1], ends[0]) - ends[0]) + out

    def _fly(self, lanes: Lanes, number: int, lane: Array) -> None:
        side = lanes.access[number]
        places = [self._outline.place(pose, side) for pose in lane[:: max(len(lane) // 16, 1)]] + [
            self._outline.place(lane[-1], side)
        ]
        onward = 0.0
        for each in places[1:]:
            onward = self._lift(each, places[0] + onward) - places[0]
        start = _Here(lane[0], side, lanes.under, places[0], onward)
        self._between_lanes = lanes is self._lanes
        self._go(start, "approach" if self._lanes is None else "transfer")
        self._lanes, self._between_lanes = lanes, False
        leg, self._clock_s = timed(
            lanes.zones[number], lanes.pattern, lane, lanes.speed_mps, self._clock_s, surveys=True
        )
        leg = replace(leg, lane=(number + 1, len(lanes.tracks)))
        self._add(leg, _Here(lane[-1], side, lanes.under, self._here.place_m + onward))

    # ---------------------------------------------------------------- ways

    def _go(self, goal: _Here, pattern: str) -> None:
        """Add the leg to a goal."""
        place = self._lift(goal.place_m, self._here.place_m)
        home = pattern == "return"
        poses = self._straight(goal, pattern)
        if poses is None or (home and abs(place - self._zero_m) > 0.5 * self._outline.length_m):
            poses, place = self._round(goal, home=home)
        leg, self._clock_s = timed(
            "water", pattern, poses, self._mission.vehicle.transit_speed_mps, self._clock_s, surveys=False
        )
        self._add(leg, replace(goal, place_m=place))

    def _straight(self, goal: _Here, pattern: str) -> Array | None:
        """The direct way, with the approach along the hull's normal; None where it is not clear."""
        here = self._here
        if here.side != goal.side and not (here.under and goal.under) and not self._near_stem(goal):
            return None
        way = [here.pose, goal.pose]
        if pattern == "approach" and not goal.under:
            way = [here.pose, _before(goal.pose), goal.pose]
        if pattern == "return" and not here.under:
            way = [here.pose, _before(here.pose), goal.pose]
        poses = np.array(way)
        fine = dense(poses)
        # from lane to lane of one order on one side nothing leads under the ship that does not already lie there
        within = self._between_lanes and (here.pose[1] * goal.pose[1] > 0 or self._near_stem(goal))
        if not (here.under and goal.under) and not within and self._outline.over_ship(self._beside(fine)):
            return None
        return poses if self._clear(fine) else None

    def _near_stem(self, goal: _Here) -> bool:
        """Whether the way to the next line leads round an end of the ship in one step."""
        return self._between_lanes and float(np.linalg.norm(goal.pose[:3] - self._here.pose[:3])) < _ROUND_END_M

    def _beside(self, poses: Array) -> Array:
        """(n, 2) of the poses deeper than the keel of which one could speak of crossing under the ship."""
        deep = poses[:, 2] > float(self._mission.hull.keel_depth(poses[:, 0]).max()) - 0.2
        return poses[deep, :2] if deep.any() else np.full((1, 2), 1e9)

    def _round(self, goal: _Here, *, home: bool) -> tuple[Array, float]:
        """Out athwart, along the line round the ship, in athwart; and the unwrapped place where that ends."""
        outline, here = self._outline, self._here
        base = self._lift(goal.place_m, self._zero_m)
        choices = [self._zero_m] if home else [base + turn * outline.length_m for turn in (-1, 0, 1)]
        allowed = [each for each in choices if self._turned_m(each, goal.onward_m) <= _MOST_TURNS * outline.length_m]
        choices = allowed or sorted(choices, key=lambda each: self._turned_m(each, goal.onward_m))[:1]
        free = [each for each in choices if not outline.blocked(here.place_m, each)]
        if not free:
            raise InputError(
                f"the quay bars the way from station {here.pose[0]:.1f} to station {goal.pose[0]:.1f}",
                where="berth.quay_gap_m",
                todo="search one side of her, or launch from the other",
            )
        limit = self._tether_limit_m()
        reached = [each for each in free if self._tether_m(goal.pose, each) <= limit] or free
        # what is gone further round her must be come back: the tether counts as much as the way
        place = min(reached, key=lambda each: abs(each - here.place_m) + self._turned_m(each, goal.onward_m))
        out, ins = self._athwart(here, here.place_m), self._athwart(goal, place)[::-1]
        along = outline.way(here.place_m, place)
        # the depth changes on the line only: athwart of it the hull may be above
        way = np.concatenate([[[0.0]], np.cumsum(np.linalg.norm(np.diff(along, axis=0), axis=1))[:, None]])
        share = way / max(float(way[-1, 0]), 1e-9)
        turned = ins[0].copy()
        turned[3] = np.unwrap([out[-1, 3], turned[3]])[1]
        between = out[-1] + share * (turned - out[-1])
        between[:, :2] = along
        poses = np.concatenate([out, between, ins])
        keep = np.concatenate([[True], np.abs(np.diff(poses, axis=0)).max(axis=1) > 1e-9])
        return poses[keep], place

    def _athwart(self, there: _Here, place_m: float) -> Array:
        """(n, 6) poses from a place athwart to the line: level, or first down below the keel where she is between."""
        end = there.pose.copy()
        end[:2] = self._outline.point(place_m)
        level = np.stack([there.pose, end])
        if not there.under or self._clear(dense(level)):
            return level
        half = float(np.linalg.norm(self._mission.vehicle.half_size_m))
        near = np.clip(there.pose[0] + np.array([-1.0, 0.0, 1.0]), *self._mission.hull.stations_m[[0, -1]])
        keel = float(self._mission.hull.keel_depth(near).max())
        below = there.pose.copy()
        below[2] = max(below[2], keel + self._mission.file.limits.min_clearance_m + half)
        end[2] = below[2]
        return np.stack([there.pose, below, end])

    def _clear(self, fine: Array) -> bool:
        """Whether poses no farther apart than the step, and the way between them, keep clear of the hull."""
        if crosses_hull(self._mission, fine).any():
            return False
        between = np.concatenate([fine, (fine[1:] + fine[:-1]) / 2])
        return bool(hull_gap(self._mission, between)[0].min() >= self._mission.file.limits.min_clearance_m + 0.02)

    def _turned_m(self, place_m: float, onward_m: float) -> float:
        """How far round her the tether lies, at most, along a lane that begins at a place."""
        return max(abs(place_m - self._zero_m), abs(place_m + onward_m - self._zero_m))

    def _lift(self, place_m: float, near_m: float) -> float:
        """The same place in the turn nearest to another."""
        length = self._outline.length_m
        return place_m + length * round((near_m - place_m) / length)

    # ---------------------------------------------------------------- tether

    def _tether_limit_m(self) -> float:
        return min(self._mission.file.limits.max_tether_m, self._mission.vehicle.tether_m)

    def _tether_m(self, pose: Array, place_m: float) -> float:
        """Tether that is out: straight where the ship does not stand between, else along the line round her."""
        gate = self._outline.point(place_m)
        start = self._launch[:2]
        line = start + np.linspace(0, 1, 60)[:, None] * (gate - start)
        arc = abs(place_m - self._zero_m)
        if arc < 0.5 * self._outline.length_m and not self._outline.over_ship(line):
            flat = float(np.linalg.norm(gate - start))
        else:
            flat = arc + float(np.linalg.norm(self._outline.point(self._zero_m) - start))
        return float(np.hypot(flat, pose[2])) + float(np.linalg.norm(pose[:2] - gate))

    def _add(self, leg: Leg, there: _Here) -> None:
        """Take a leg in, and refuse it where the tether forbids."""
        place = np.linspace(self._here.place_m, there.place_m, 9)
        index = np.linspace(0, len(leg.poses) - 1, 9).astype(int)
        lengths = [self._tether_m(leg.poses[i, 1:], p) for i, p in zip(index, place, strict=True)]
        turns = (there.place_m - self._zero_m) / self._outline.length_m
        leg = replace(leg, tether_m=max(lengths), tether_turns=turns)
        limit = self._tether_limit_m()
        where = f"leg {len(self._legs) + 1}, {leg.zone}"
        if leg.tether_m > limit:
            raise InputError(
                f"the plan needs {leg.tether_m:.0f} m of tether on {where}, the limit is {limit:g} m",
                where="limits.max_tether_m",
                todo="launch nearer, search less, or split the mission",
            )
        if abs(turns) > _MOST_TURNS:
            raise InputError(
                f"the tether would lie {abs(turns):.2f} turns round the ship on {where}, the limit is {_MOST_TURNS:g}",
                where="survey",
                todo="order the patterns so that they come back the way they went",
            )
        self._legs.append(leg)
        self._here = there


def require_clear(mission: Mission, legs: list[Leg]) -> float:
    """Least clearance of the legs.

    Raises:
        InputError: it is below the limit; says by how much, of what and where.
    """
    limit = mission.file.limits.min_clearance_m
    least = np.inf
    approaches = nearest_approaches(mission, [leg.poses[:, 1:] for leg in legs])
    for number, (leg, found) in enumerate(zip(legs, approaches, strict=True)):
        least = min(least, found.distance_m)
        if found.distance_m < limit:
            raise InputError(
                f"leg {number + 1} ({leg.zone}, {leg.pattern}) comes within {found.distance_m:.2f} m of the {found.of} "
                f"at {found.place}; the limit is {limit:g} m, {limit - found.distance_m:.2f} m more",
                where="limits.min_clearance_m",
                todo="raise stand_off_m or shorten stations_m",
            )
    return least
