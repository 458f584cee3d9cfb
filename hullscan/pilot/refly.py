"""Gaps flown again: pieces of planned lanes whose cells were missed, blurred or suspect, or perhaps not in the picture.

Along a parallel midbody nothing tells the place along the ship, and no draught mark is read to the centimetre: the
lanes lie somewhat aside of where they were planned, all of them by about as much. What lies inside is seen by one lane
or by the next; at the edges of what was asked for it is not sure. The same lane flown again would show the same once
more. So a piece may be flown beside its lane, as far as the place is unsure.

Best gain per minute first, while the window lasts. The way to a piece follows planned legs, so it is as clear as they
are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from hullscan.findings.geotag import camera_doubt
from hullscan.geometry.frames import Array, Pose, ShipPose
from hullscan.mission.model import Mission
from hullscan.mission.patterns import Leg
from hullscan.mission.patterns.leg import timed
from hullscan.mission.patterns.view import LEAST_DEPTH_M, footprint_m
from hullscan.mission.plan import Plan
from hullscan.mission.ways_home import legs_without_position, way_along
from hullscan.pilot.cockpit import Cockpit
from hullscan.pilot.legs import Followed, follow, has_room
from hullscan.pilot.states import PilotState
from hullscan.search.cells import HullCells
from hullscan.search.doubt import EVERYWHERE, CameraDoubt, share_of_places
from hullscan.search.looks import SURE, seen_cells
from hullscan.words import mark

__all__ = ["Gaps", "GapsFlight", "Piece", "pieces_of"]

_STEP = 2  # every second planned pose: half a metre
_AT_ONCE = 8  # poses, each a hundredth of a second's work, before the pilot looks about again
_JOINED = 3  # poses: a gap between pieces that is shorter is flown through
_LEAST_GAIN_M2 = 0.2  # of hull, times POD; less is not worth the way
_RESERVE_S = 60.0  # of the window, besides the way home
_ASIDE_SIGMA = 1.65  # one-sided 95 % (``SURE``)
_ASIDE_SHARE = 0.85  # of the picture: beside its own lane, or another piece, a piece leaves no strip between
_ASIDE_LEAST_M = 0.1
_ASIDE_SAME_M = 0.4  # pieces are tried anew as she is known better: beside the same lane, they are the same so near
_CUT_ROOM_M = 0.35  # besides the clearance limit, on the way between lanes: there is no haste as on the way home
_TURN_MPS = 0.15
_NEARER_M, _FARTHER_M = 0.05, 0.2  # from the hull than planned, a piece beside its lane may be


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a planned leg.

    Attributes:
        leg: index into the plan's legs.
        first, last: indices of its poses.
        gain_m2: area of the cells that it would show anew, each by how much surer it would be seen, times the POD of
            a planned look.
        aside_m: how far beside its lane it is flown, to the right and down in the picture.
    """

    leg: int
    first: int
    last: int
    gain_m2: float
    aside_m: tuple[float, float] = (0.0, 0.0)

    def overlaps(self, other: Piece) -> bool:
        """Whether half of it, or more, lies on another."""
        shared = min(self.last, other.last) - max(self.first, other.first)
        beside = float(np.hypot(*np.subtract(self.aside_m, other.aside_m))) < _ASIDE_SAME_M
        return self.leg == other.leg and beside and shared >= (self.last - self.first) / 2

    def poses(self, mission: Mission, leg: Leg) -> Array:
        """(m, 7) that are flown; beside its lane it begins and ends on it, so that its ends lie on the known route."""
        planned = leg.poses[self.first : self.last + 1]
        if not any(self.aside_m):
            return planned
        beside = planned.copy()
        cameras = list(leg.camera_poses(mission.vehicle))[self.first : self.last + 1]
        beside[:, 1:4] += [camera.rotation.apply([*self.aside_m, 0.0]) for camera in cameras]
        return np.concatenate([planned[:1], beside, planned[-1:]])


Gaps = Callable[[], Iterable[Sequence[Piece]]]
"""Asked after the lanes, and again after each piece; tells a few at a time, so that the pilot looks about meanwhile."""


def pieces_of(
    mission: Mission,
    plan: Plan,
    cells: HullCells,
    places: npt.NDArray[np.uint64],
    ship: tuple[ShipPose, Array] | None = None,
) -> Iterator[list[Piece]]:
    """Pieces of the plan's lanes, a few at a time, over what they should have shown and was not surely seen.

    Args:
        places: (n,) for each cell the places of the camera, within its doubt, from which some look showed it.
        ship: where she lies, and the (4, 4) covariance of it; None when that is known as well as anybody could wish.
    """
    unsure = plan.asked(cells) & (share_of_places(places) < SURE)
    for number, leg in enumerate(plan.legs):
        if not leg.surveys:
            continue
        cameras = list(leg.camera_poses(mission.vehicle, _STEP))
        middle = cameras[len(cameras) // 2]
        doubt = None if ship is None else camera_doubt(middle.position_m, *ship)
        for aside in _asides(mission, plan.stand_off_m, middle, doubt):
            moved = [Pose(each.position_m + each.rotation.apply([*aside, 0.0]), each.rotation) for each in cameras]
            gains = np.zeros(len(moved))
            for at, gain in enumerate(_gains(mission, cells, moved, doubt, places, unsure)):
                gains[at] = gain
                if at % _AT_ONCE == 0:
                    yield []
            if any(aside) and gains.any():
                gains[~_flyable(mission, leg.poses[::_STEP, 1:], cameras, moved)] = 0.0
            yield _runs(number, gains, len(leg.poses), mission.pod_model.asymptote, aside)


def _asides(
    mission: Mission, stand_off_m: float, camera: Pose, doubt: CameraDoubt | None
) -> Iterator[tuple[float, float]]:
    """How far beside a lane its pieces may be flown: to the right and down in the picture."""
    yield 0.0, 0.0
    if doubt is None:
        return
    along, extents = camera.rotation.as_matrix()[:, :2], footprint_m(mission, stand_off_m)
    for axis in range(2):
        sigma = float(np.sqrt(along[:, axis] @ doubt.place_m2 @ along[:, axis]))
        farthest = _ASIDE_SIGMA * sigma
        if farthest >= _ASIDE_LEAST_M:
            steps = int(np.ceil(farthest / (_ASIDE_SHARE * extents[axis])))
            for aside in np.linspace(0, farthest, steps + 1)[1:].tolist():
                for sign in (1, -1):
                    yield (sign * aside, 0.0) if axis == 0 else (0.0, sign * aside)


def _gains(
    mission: Mission,
    cells: HullCells,
    cameras: list[Pose],
    doubt: CameraDoubt | None,
    places: npt.NDArray[np.uint64],
    unsure: npt.NDArray[np.bool_],
) -> Iterator[float]:
    """Area of the unsure cells, by how much surer each camera pose would make it after those before it."""
    reach, places = 0.7 * mission.file.conditions.visibility_m, places.copy()
    for pose in cameras:
        seen = seen_cells(cells, mission.vehicle.camera, pose, reach, doubt=doubt, among=unsure)
        before = places[seen.index]
        places[seen.index] |= seen.places if doubt is not None else EVERYWHERE
        surer = share_of_places(places[seen.index]) - share_of_places(before)
        yield float(cells.area_m2[seen.index] @ surer)


def _flyable(mission: Mission, planned: Array, cameras: list[Pose], moved: list[Pose]) -> npt.NDArray[np.bool_]:
    """(n,) poses beside a lane that stay under the surface and no nearer to the hull than (n, 6) planned ones."""
    poses = planned.copy()
    poses[:, :3] += [there.position_m - here.position_m for here, there in zip(cameras, moved, strict=True)]
    off = mission.hull.nearest(poses[:, :3])[1] - mission.hull.nearest(planned[:, :3])[1]
    return np.asarray((poses[:, 2] >= LEAST_DEPTH_M) & (off >= -_NEARER_M) & (off <= _FARTHER_M))


def _runs(number: int, gains: Array, count: int, pod: float, aside: tuple[float, float]) -> list[Piece]:
    useful = np.flatnonzero(gains > 0.02)
    if not len(useful):
        return []
    parts = np.split(useful, np.flatnonzero(np.diff(useful) > _JOINED) + 1)
    pieces = [
        Piece(
            number,
            max(int(part[0]) * _STEP - _STEP, 0),
            min(int(part[-1]) * _STEP + _STEP, count - 1),
            pod * float(gains[part[0] : part[-1] + 1].sum()),
            aside,
        )
        for part in parts
    ]
    return [piece for piece in pieces if piece.gain_m2 >= _LEAST_GAIN_M2]


class GapsFlight:
    """Flies pieces until none is worth it."""

    def __init__(self, cockpit: Cockpit, gaps: Gaps) -> None:
        self._cockpit, self._gaps = cockpit, gaps
        self._way = np.zeros((0, 6))

    def flown(self) -> Array:
        """(n, 6) the way of the pieces so far, for the way home."""
        return self._way

    def fly(self, known: Array, last: Leg) -> None:
        """All pieces that the window holds, then back to where the last leg begins.

        Args:
            known: (n, 6) poses of the route that was flown.
            last: the plan's last leg, which leads home.
        """
        cockpit = self._cockpit
        legs, tried = cockpit.plan.legs, list[Piece]()
        route = _Route(known, last.poses[0, 1:4], cockpit.mission.vehicle.transit_speed_mps)
        while True:
            # what a second try did not show a third would not
            pieces = [piece for piece in self._found() if not any(piece.overlaps(before) for before in tried)]
            left_s = cockpit.watch.course.end_utc_s - cockpit.clock.now() - (last.end_s - last.start_s) - _RESERVE_S
            here = cockpit.pose_in_ship()[:3]
            costs = [route.cost_s(here, legs[piece.leg], piece) for piece in pieces]
            rates = [(piece.gain_m2 / cost, piece) for piece, cost in zip(pieces, costs, strict=True) if cost <= left_s]
            if not rates:
                break
            _, best = max(rates, key=itemgetter(0))
            tried.append(best)
            self._fly(best, route)
        if len(self._way):
            cockpit.enter(PilotState.REFLY, mark("on the way to leg {goal}"), {"leg": -1, "goal": len(legs)})
            self._go(known, last.poses[0, 1:])

    def _found(self) -> list[Piece]:
        """The pieces that there are; the vehicle stands, and the supervisor is asked, while they are looked for."""
        self._cockpit.tick()  # nobody has taken over
        self._cockpit.stand()
        pieces: list[Piece] = []
        for some in self._gaps():
            self._cockpit.tick()
            pieces += some
        return pieces

    def _fly(self, piece: Piece, route: _Route) -> None:
        cockpit = self._cockpit
        planned = cockpit.plan.legs[piece.leg]
        poses = piece.poses(cockpit.mission, planned)
        if route.from_its_end(cockpit.pose_in_ship()[:3], planned, piece):
            poses = poses[::-1]
        flown, _ = timed(planned.zone, planned.pattern, poses[:, 1:], planned.speed_mps, 0.0, surveys=True)
        deaf = bool(legs_without_position(cockpit.mission, [planned, flown]))
        lost = deaf and not cockpit.mission.vehicle.bottom_lock
        if any(piece.aside_m) and (lost or not has_room(cockpit.mission, flown.poses[:, 1:])):
            return
        data = {"leg": piece.leg, "number": piece.leg + 1, "area": piece.gain_m2, **planned.words_data}
        message = mark("flying a gap of leg {number} again: {area:.1f} m² were not seen")
        if any(piece.aside_m):
            message = mark("flying beside leg {number}: {area:.1f} m² may not have been in the picture")
        cockpit.enter(PilotState.REFLY, mark("on the way to leg {goal}"), {"leg": -1, "goal": piece.leg + 1})
        if not self._go(route.known, poses[0, 1:]):
            return
        # facing the plating as on the lane, so that ranges come again before they are asked for
        turned, _ = timed(
            "water", "transfer", np.stack([cockpit.pose_in_ship(), poses[0, 1:]]), _TURN_MPS, 0.0, surveys=False
        )
        if follow(cockpit, turned, searching=False) is not Followed.DONE:
            return
        cockpit.enter(PilotState.REFLY, message, data)
        cockpit.watch.course.hull_in_sight = not deaf
        self._way = np.concatenate([self._way, poses[:, 1:]])
        follow(cockpit, flown, searching=True)

    def _go(self, known: Array, goal: Array) -> bool:
        """Along the route, back or forth, to a place of it; whether to go on there, as no wish has come on the way."""
        cockpit = self._cockpit
        here = cockpit.pose_in_ship()
        a = int(np.argmin(np.linalg.norm(known[:, :3] - here[:3], axis=1)))
        b = int(np.argmin(np.linalg.norm(known[:, :3] - goal[:3], axis=1)))
        between = known[a : b + 1] if a <= b else known[b : a + 1][::-1]
        way = way_along(cockpit.mission, here, np.concatenate([between, goal[None]]), room_m=_CUT_ROOM_M)
        self._way = np.concatenate([self._way, way.poses[:, 1:]])
        follow(cockpit, way, searching=False, wishes=False)
        return cockpit.take_wish() is None


class _Route:
    """The known route, as far as it takes time.

    Args:
        known: (n, 6) poses of it.
        end_m: (3,) where it is gone on from after the pieces.
        speed_mps: on the way.
    """

    def __init__(self, known: Array, end_m: Array, speed_mps: float) -> None:
        self.known, self._end_m, self._speed_mps = known, end_m, speed_mps
        steps = np.linalg.norm(np.diff(known[:, :3], axis=0), axis=1)
        self._along = np.concatenate([[0.0], np.cumsum(steps)])

    def cost_s(self, here_m: Array, leg: Leg, piece: Piece) -> float:
        """There, along the piece, and back to the end."""
        poses = leg.poses[piece.first : piece.last + 1, 1:4]
        length = float(np.linalg.norm(np.diff(poses, axis=0), axis=1).sum()) + 2 * float(np.hypot(*piece.aside_m))
        ends = (poses[-1], poses[0]) if self.from_its_end(here_m, leg, piece) else (poses[0], poses[-1])
        way = self._between_m(here_m, ends[0]) + self._between_m(ends[1], self._end_m)
        return length / leg.speed_mps + way / self._speed_mps + 8.0

    def from_its_end(self, here_m: Array, leg: Leg, piece: Piece) -> bool:
        """Whether the way to the piece's end is the shorter one."""
        first, last = (leg.poses[at, 1:4] for at in (piece.first, piece.last))
        return self._between_m(here_m, last) < self._between_m(here_m, first)

    def _between_m(self, a: Array, b: Array) -> float:
        """Along the route, from the place of it next to one point to that next to another; a straight cut counts."""
        nearest = [int(np.argmin(np.linalg.norm(self.known[:, :3] - each, axis=1))) for each in (a, b)]
        return float(np.abs(np.diff(self._along[nearest]))[0])
