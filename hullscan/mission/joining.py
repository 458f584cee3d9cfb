"""Chosen passes joined to legs: out to the hull, along it from pass to pass with the camera on it, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan.mission.candidates import Candidate
from hullscan.mission.clear import moved_off
from hullscan.mission.hull_lines import LEAST_DEPTH_M, HullLines, Outline
from hullscan.mission.patterns import Leg
from hullscan.mission.vehicle import VehicleProfile
from hullscan.ship.spec import Launch
from hullscan.ship.surface import side_name, side_sign

__all__ = ["JOINED_M", "SETTLE_S", "SURFACING_S", "Joiner"]

SETTLE_S = 4.0
"""After each leg: flown in the simulator, one takes four to five seconds more than its length at its speed."""
SURFACING_S = 20.0
"""Descent at the start, or ascent at the end."""
_TURN_RAD_S = float(np.radians(20))
_STEP_M = 0.25
JOINED_M = 0.3
"""Ends of passes no farther apart are one place."""
_TRAVEL_DEPTH_M = 1.0
_RESERVE_M = 0.06  # between poses the way is straight

_DETOUR, _DETOUR_M = 1.3, 0.5  # a way along the hull that is longer than this is flown straight
_END_COLUMNS = 40  # ten metres: no gear reaches farther along a hull than that
_MOST_BEYOND_M, _BEYOND_STEP_M = 5.0, 0.25
_MOST_ASIDE, _ASIDE_M = 30, 0.15


def _nothing(poses: Array) -> npt.NDArray[np.bool_]:
    return np.zeros(len(poses), bool)


@dataclass(frozen=True, slots=True)
class Joiner:
    """Makes legs of passes.

    Attributes:
        launch: (6,) pose at which the vehicle goes down.
        speed_mps: between passes, along the hull.
        kept_out: which of (n, 6) poses come too near to what may turn; ways round the ship's ends keep away from it.
        known: ways that have been made before.
    """

    lines: HullLines
    outline: Outline
    vehicle: VehicleProfile
    launch: Array
    launch_side: int
    clearance_m: float
    speed_mps: float
    kept_out: Callable[[Array], npt.NDArray[np.bool_]] = _nothing
    known: dict[tuple[bytes, int, bool, bytes, int, bool], tuple[Array, bool]] = field(default_factory=dict, repr=False)

    @classmethod
    def from_launch(
        cls,
        lines: HullLines,
        vehicle: VehicleProfile,
        launch: Launch,
        clearance_m: float,
        speed_mps: float | None = None,
        kept_out: Callable[[Array], npt.NDArray[np.bool_]] = _nothing,
    ) -> Joiner:
        """For a launch beside the ship; at the profile's transit speed when no other is given."""
        hull, sign, station_m = lines.cells.hull, side_sign(launch.side), launch.station_m
        column = lines.column_of(station_m)
        breadth = float(lines.cells.sections[0 if sign > 0 else 1].at(np.array([column]), np.zeros(1))[0][0, 1])
        pose = np.array([station_m, breadth + sign * launch.distance_m, _TRAVEL_DEPTH_M, -sign * np.pi / 2, 0.0, 0.0])
        speed = vehicle.transit_speed_mps if speed_mps is None else speed_mps
        joiner = cls(lines, Outline.about(hull, sign, station_m), vehicle, pose, sign, clearance_m, speed, kept_out)
        return replace(joiner, outline=Outline.about(hull, sign, station_m, joiner._across_m()))

    @property
    def hop_m(self) -> float:
        """To the next pass without a stop, as from one line of a pair to the other: no farther than what is in view."""
        return 2 * self.lines.stand_off_m * float(np.tan(self.vehicle.camera.hfov_rad / 2))

    def places(self, poses: Array, sides: Array) -> Array:
        """(n, 3) distance along the outline, depth, distance outward of the centre plane, of (n, 6) poses.

        Args:
            sides: (n,) from which they are reached, +1 starboard.
        """
        return np.column_stack([self.outline.place_m(poses[:, 0], sides), poses[:, 2], poses[:, 1] * sides])

    def out_s(self) -> float:
        """From the start to the hull beside the launch."""
        first = self.contact()
        return SETTLE_S + float(np.linalg.norm(first[:3] - self.launch[:3])) / self.vehicle.transit_speed_mps

    def home_s(self) -> float:
        """From the hull beside the launch to the surface."""
        return self.out_s() + SURFACING_S

    def legs(self, passes: Sequence[tuple[Candidate, bool]]) -> list[Leg]:
        """The route; whether each pass is flown from its end to its start is given with it."""
        legs: list[Leg] = []
        clock = SETTLE_S

        def add(zone: str, pattern: str, poses: Array, speed_mps: float, *, surveys: bool, lane: int = 0) -> None:
            nonlocal clock
            goes_on = (
                lane and legs and legs[-1].lane[0] and (legs[-1].pattern, legs[-1].speed_mps) == (pattern, speed_mps)
            )
            if goes_on and np.linalg.norm(legs[-1].poses[-1, 1:4] - poses[0, :3]) < JOINED_M:
                last = legs[-1].poses
                more = _timed(zone, pattern, np.concatenate([last[-1:, 1:], poses]), speed_mps, last[-1, 0])
                legs[-1] = replace(legs[-1], poses=np.concatenate([last, more.poses[1:]]))
            else:
                leg = _timed(zone, pattern, poses, speed_mps, clock, surveys=surveys)
                legs.append(replace(leg, lane=(lane, len(passes))))
            clock = legs[-1].end_s + SETTLE_S

        transit = self.vehicle.transit_speed_mps
        here, side, under = self.contact(), self.launch_side, False
        add("water", "approach", np.array([self.launch, here]), transit, surveys=False)
        for number, (each, back) in enumerate(passes, start=1):
            track = each.track[::-1] if back else each.track
            apart = float(np.linalg.norm(track[0, :3] - here[:3]))
            if apart > JOINED_M:
                zone = f"{side_name(each.side)} side, on the way"
                way, along = self._way(here, side, under, track[0], each.side, each.under)
                if along and apart <= self.hop_m and under == each.under and legs[-1].lane[0]:
                    track = np.concatenate([way[:-1], track])
                else:
                    add(zone if along else "water", "transfer", way, self.speed_mps, surveys=along)
            add(each.zone, each.pattern, track, each.speed_mps, surveys=True, lane=number)
            here, side, under = track[-1], each.side, each.under
        contact = self.contact()
        if np.linalg.norm(contact[:3] - here[:3]) > JOINED_M:
            way, along = self._way(here, side, under, contact, self.launch_side, False)
            zone = f"{side_name(side)} side, on the way"
            add(zone if along else "water", "transfer", way, self.speed_mps, surveys=along)
        add("water", "return", np.array([contact, self.launch]), transit, surveys=False)
        return legs

    def contact(self) -> Array:
        """(6,) pose at the stand-off beside the launch."""
        half = 0 if self.launch_side > 0 else 1
        able = np.flatnonzero(self.lines.limit_m[half] > 0)
        column = able[np.abs(able - self.lines.column_of(float(self.launch[0]))).argmin()]
        girth = min(_TRAVEL_DEPTH_M, float(self.lines.limit_m[half, column]))
        poses, _ = self.lines.poses(half, np.array([column]), np.array([girth]))
        return np.asarray(poses[0])

    def _way(
        self, here: Array, side: int, under: bool, goal: Array, goal_side: int, goal_under: bool
    ) -> tuple[Array, bool]:
        """(n, 6) dense poses to a goal, off the hull, and whether the camera is on it all the way."""
        key = (here.tobytes(), side, under, goal.tobytes(), goal_side, goal_under)
        if key not in self.known:
            way, along = self._corners(here, side, under, goal, goal_side, goal_under)
            self.known[key] = self._off(way), along
        return self.known[key]

    def _corners(
        self, here: Array, side: int, under: bool, goal: Array, goal_side: int, goal_under: bool
    ) -> tuple[Array, bool]:
        """(n, 6) poses to a goal, and whether the camera is on the hull all the way.

        Under the ship it is straight; out from under her it leads athwart past the turn of the bilge.
        """
        if under and goal_under and side == goal_side:
            return np.array([here, goal]), True
        out = [self._gate(here, side)] if under else []
        into = [self._gate(goal, goal_side)] if goal_under else []
        way, along = self._along([here, *out][-1], side, [*into, goal][0], goal_side)
        return np.concatenate(
            [np.array([here] * len(out)).reshape(-1, 6), way, np.array([goal] * len(into)).reshape(-1, 6)]
        ), along

    def _gate(self, pose: Array, side: int) -> Array:
        """(6,) the pose beside the turn of the bilge, athwart of one that lies under the ship."""
        half = 0 if side > 0 else 1
        able = np.flatnonzero(self.lines.limit_m[half] > 0)
        column = able[np.abs(able - self.lines.column_of(float(pose[0]))).argmin()]
        girth = self.lines.limit_m[half, column]
        return np.asarray(self.lines.poses(half, np.array([column]), np.array([girth]))[0][0])

    def _along(self, here: Array, side: int, goal: Array, goal_side: int) -> tuple[Array, bool]:
        """(n, 6) poses along the hull to a goal, and whether the camera is on the hull all the way."""
        if side == goal_side:
            along = np.concatenate([here[None], self._line(here, goal, side), goal[None]])
            straight = np.array([here, goal])
            # where sections change fast, at stern and forefoot, girths in between lead far about
            return (straight if _length_m(along) > _DETOUR * _length_m(straight) + _DETOUR_M else along), True
        places = self.places(np.array([here, goal]), np.array([side, goal_side]))[:, 0]
        turns = self.outline.way_round(float(places[0]), float(places[1]), _TRAVEL_DEPTH_M + 0.5)
        way, at, on = [here[None]], here, side
        for turn in turns:
            last, first = self._beside(turn, on), self._beside(turn, -on)
            way += [self._line(at, last, on), last[None]]
            way += [self._round(turn, last, first), first[None]]
            on, at = -on, first
        return np.concatenate([*way, self._line(at, goal, on), goal[None]]), False

    def _round(self, turn: Array, last: Array, first: Array) -> Array:
        """(3, 6) corners of the way round an end: straight aft or ahead of it, across, and back, clear of the gear."""
        outward = np.sign(turn[0] - last[0]) or 1.0
        for beyond_m in np.arange(0.0, _MOST_BEYOND_M, _BEYOND_STEP_M):
            corners = np.array([turn, turn, turn])
            corners[:, 0] += outward * beyond_m
            corners[:, 1] = [last[1], turn[1], first[1]]
            if not self.kept_out(_dense(np.concatenate([last[None], corners, first[None]]))).any():
                return corners
        return corners  # what is left is barred by whoever asked

    def _across_m(self) -> tuple[float, float]:
        """Length of the way round stern and stem, as it is flown."""
        lengths = []
        for turn, end in zip(
            self.outline.turns(_TRAVEL_DEPTH_M), (self.outline.first_m, self.outline.last_m), strict=True
        ):
            last, first = self._beside(turn, 1), self._beside(turn, -1)
            way = np.concatenate([last[None], self._round(turn, last, first), first[None]])
            lengths.append(_length_m(way) - np.abs(way[[0, -1], 0] - end).sum())
        return lengths[0], lengths[1]

    def _off(self, way: Array) -> Array:
        """(n, 6) dense poses of a way between passes, moved off the hull where it is too near, and off the gear."""
        fine = _dense(way)
        fine[1:-1] = moved_off(
            self.lines.cells,
            self.vehicle,
            fine[1:-1],
            self.clearance_m + _RESERVE_M,
            (LEAST_DEPTH_M, self.lines.deepest_m),
        )
        # what may turn lies at the centre plane or in the plating: away from it is outward, and back is from there
        for _ in range(_MOST_ASIDE):
            blocked = self.kept_out(fine)
            blocked[[0, -1]] = False
            if not blocked.any():
                break
            fine[blocked, 1] += np.copysign(_ASIDE_M, fine[blocked, 1])
            fine = _dense(fine)
        return fine

    def _beside(self, turn: Array, side: int) -> Array:
        """(6,) the last pose at the hull before a turn round its end, clear of the gear."""
        half = 0 if side > 0 else 1
        able = np.flatnonzero(self.lines.limit_m[half] > 0)
        columns = (able if turn[0] < 0 else able[::-1])[:_END_COLUMNS]
        poses, _ = self.lines.poses(half, columns, np.full(len(columns), _TRAVEL_DEPTH_M))
        clear = ~self.kept_out(np.asarray(poses))
        return np.asarray(poses[int(clear.argmax())])

    def _line(self, start: Array, goal: Array, side: int) -> Array:
        """(n, 6) poses between two, at the stand-off."""
        half = 0 if side > 0 else 1
        a, b = self.lines.column_of(float(start[0])), self.lines.column_of(float(goal[0]))
        step = 1 if b >= a else -1
        columns = np.arange(a, b + step, step)[1:-1]
        ends = self.lines.cells.hull.locate(np.array([start[:3], goal[:3]])).girth_m
        girths = np.linspace(ends[0], ends[1], len(columns) + 2)[1:-1]
        poses, flyable = self.lines.poses(half, columns, np.maximum(girths, 0.0))
        return poses[flyable]


def _timed(zone: str, pattern: str, poses: Array, speed_mps: float, clock_s: float, *, surveys: bool = True) -> Leg:
    """A leg with the time of each of its (n, 6) poses, no farther apart than the step."""
    fine = _dense(poses)
    moved = np.linalg.norm(np.diff(fine[:, :3], axis=0), axis=1)
    turned = np.abs(np.diff(fine[:, 3])) / _TURN_RAD_S
    times = clock_s + np.concatenate([[0.0], np.cumsum(np.maximum(moved / speed_mps, turned))])
    return Leg(zone, pattern, np.column_stack([times, fine]), speed_mps, surveys)


def _length_m(poses: Array) -> float:
    return float(np.linalg.norm(np.diff(poses[:, :3], axis=0), axis=1).sum())


def _dense(poses: Array) -> Array:
    """(m, 6) poses no farther apart than the step, of (n, 6); angles go the short way."""
    poses = poses.copy()
    poses[:, 3] = np.unwrap(poses[:, 3])
    steps = np.linalg.norm(np.diff(poses[:, :3], axis=0), axis=1)
    counts = np.maximum(1, np.ceil(steps / _STEP_M - 1e-6)).astype(int)
    along = np.concatenate([[0.0], *(i + np.arange(1, n + 1) / n for i, n in enumerate(counts.tolist()))])
    knots = np.arange(len(poses))
    return np.column_stack([np.interp(along, knots, poses[:, axis]) for axis in range(6)])
