"""Gaps flown again: pieces of planned lanes whose cells were missed, blurred or suspect, best POD per minute first.

While the window lasts. The way to a piece follows planned legs, so it is as clear as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.patterns import Leg
from hullscan.mission.plan import Plan
from hullscan.mission.ways_home import way_along
from hullscan.pilot.cockpit import Cockpit
from hullscan.pilot.legs import follow
from hullscan.pilot.states import PilotState
from hullscan.pilot.supervisor import Act
from hullscan.search.looks import LookRecord, seen_cells
from hullscan.words import mark

__all__ = ["Gaps", "GapsFlight", "Piece", "pieces_of"]

_STEP = 2  # every second planned pose: half a metre
_JOINED = 3  # poses: a gap between pieces that is shorter is flown through
_LEAST_GAIN_M2 = 0.2  # of hull, times POD; less is not worth the way
_SOON_S = 0.05  # of real time
_RESERVE_S = 60.0  # of the window, besides the way home


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a planned leg.

    Attributes:
        leg: index into the plan's legs.
        first, last: indices of its poses.
        gain_m2: area of the cells that it would show anew, each times the POD of a planned look.
    """

    leg: int
    first: int
    last: int
    gain_m2: float

    def overlaps(self, other: Piece) -> bool:
        """Whether half of it, or more, lies on another."""
        shared = min(self.last, other.last) - max(self.first, other.first)
        return self.leg == other.leg and shared >= (self.last - self.first) / 2


Gaps = Callable[[], Sequence[Piece]]
"""Asked after the lanes, and again after each piece."""


def pieces_of(mission: Mission, plan: Plan, record: LookRecord) -> list[Piece]:
    """Pieces of the plan's lanes over what they should have shown and nobody saw.

    Args:
        record: of what was seen.
    """
    cells, vehicle = record.cells, mission.vehicle
    missing = plan.asked(cells) & ~record.seen()
    reach = 0.7 * mission.file.conditions.visibility_m
    pieces = []
    for number, leg in enumerate(plan.legs):
        if not leg.surveys:
            continue
        gains = np.zeros(len(range(0, len(leg.poses), _STEP)))
        for at, pose in enumerate(leg.camera_poses(vehicle, _STEP)):
            index = seen_cells(cells, vehicle.camera, pose, reach).index
            fresh = index[missing[index]]
            gains[at] = float(cells.area_m2[fresh].sum())
            missing[fresh] = False  # each counts for the first pose that shows it
        pieces += _runs(number, gains, len(leg.poses), mission.pod_model.asymptote)
    return [piece for piece in pieces if piece.gain_m2 >= _LEAST_GAIN_M2]


def _runs(number: int, gains: Array, count: int, pod: float) -> list[Piece]:
    useful = np.flatnonzero(gains > 0.02)
    if not len(useful):
        return []
    parts = np.split(useful, np.flatnonzero(np.diff(useful) > _JOINED) + 1)
    return [
        Piece(
            number,
            max(int(part[0]) * _STEP - _STEP, 0),
            min(int(part[-1]) * _STEP + _STEP, count - 1),
            pod * float(gains[part[0] : part[-1] + 1].sum()),
        )
        for part in parts
    ]


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
        while True:
            # what a second try did not show a third would not
            found, left_s = self._asked(), self._left_s()
            pieces = [piece for piece in found if not any(piece.overlaps(before) for before in tried)]
            # one that the window does not hold any more is no reason to leave out another
            best = max((piece for piece in pieces if self._cost_s(piece) <= left_s), key=self._rate, default=None)
            if best is None:
                break
            tried.append(best)
            poses = legs[best.leg].poses[best.first : best.last + 1]
            data = {"leg": best.leg, "number": best.leg + 1, "area": best.gain_m2, **legs[best.leg].words_data}
            message = mark("flying a gap of leg {number} again: {area:.1f} m² were not seen")
            way = self._way_to(known, poses[0, 1:])
            if self._cost_s(best, way.length_m) > left_s:
                continue  # round the ship it is farther than straight on
            cockpit.enter(PilotState.REFLY, mark("on the way to leg {goal}"), {"leg": -1, "goal": best.leg + 1})
            if not self._go(way):
                continue
            cockpit.enter(PilotState.REFLY, message, data)
            piece = replace(legs[best.leg], poses=poses)
            self._way = np.concatenate([self._way, poses[:, 1:]])
            follow(cockpit, piece, searching=True)
        if len(self._way):
            cockpit.enter(PilotState.REFLY, mark("on the way to leg {goal}"), {"leg": -1, "goal": len(legs)})
            self._go(self._way_to(known, last.poses[0, 1:]))

    def _asked(self) -> Sequence[Piece]:
        """What is left: on a large ship seconds of computing, in which the supervisor is asked all the same."""
        cockpit, pool = self._cockpit, ThreadPoolExecutor(1)
        try:
            answer = pool.submit(self._gaps)
            if wait([answer], _SOON_S).not_done:
                cockpit.stand()
                for _ in cockpit.ticks():
                    verdict = cockpit.tick()
                    if verdict.act is Act.HOLD:
                        cockpit.hold(verdict)
                    if answer.done():
                        break
            return answer.result()
        finally:
            pool.shutdown(wait=False)

    def _way_to(self, known: Array, goal: Array) -> Leg:
        """Along the route, back or forth, to a place of it."""
        cockpit = self._cockpit
        here = cockpit.pose_in_ship()
        a = int(np.argmin(np.linalg.norm(known[:, :3] - here[:3], axis=1)))
        b = int(np.argmin(np.linalg.norm(known[:, :3] - goal[:3], axis=1)))
        between = known[a : b + 1] if a <= b else known[b : a + 1][::-1]
        return way_along(cockpit.mission, here, np.concatenate([between, goal[None]]))

    def _go(self, way: Leg) -> bool:
        """Fly it; whether to go on there, as no wish has come meanwhile."""
        cockpit = self._cockpit
        self._way = np.concatenate([self._way, way.poses[:, 1:]])
        follow(cockpit, way, searching=False, wishes=False)
        return cockpit.take_wish() is None

    def _left_s(self) -> float:
        course = self._cockpit.watch.course
        home_s = course.home_m / self._cockpit.mission.vehicle.transit_speed_mps
        return course.end_utc_s - self._cockpit.clock.now() - home_s - _RESERVE_S

    def _cost_s(self, piece: Piece, way_m: float | None = None) -> float:
        """There, straight on if the way is not known yet, and along it."""
        leg, here = self._cockpit.plan.legs[piece.leg], self._cockpit.pose_in_ship()
        poses = leg.poses[piece.first : piece.last + 1, 1:4]
        length = float(np.linalg.norm(np.diff(poses, axis=0), axis=1).sum())
        there_m = float(np.linalg.norm(poses[0] - here[:3])) if way_m is None else way_m
        return length / leg.speed_mps + there_m / self._cockpit.mission.vehicle.transit_speed_mps + 8.0

    def _rate(self, piece: Piece) -> float:
        return piece.gain_m2 / self._cost_s(piece)
