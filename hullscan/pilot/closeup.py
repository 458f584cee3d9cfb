"""Close-up on a strong sighting: stop, look from nearer and from other angles, go on at the exact place.

Plating that faces straight down is looked at from three headings, the frame pitched as far as it can be held. Refused
where a vehicle has no business to go nearer: beside the running gear, where the way to a view has too little margin,
under the ship also if she lay where she may lie, or when the window would not hold it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Array
from hullscan.mission.hearing import hears_about
from hullscan.mission.model import Inspect, Mission
from hullscan.mission.patterns.clearance import crosses_hull, hull_gap, nearest_approaches
from hullscan.mission.patterns.gear import keep_out
from hullscan.mission.patterns.leg import dense, timed
from hullscan.mission.patterns.view import look_at
from hullscan.mission.ways_home import under_ship
from hullscan.pilot.cockpit import Cockpit
from hullscan.pilot.legs import Followed, follow
from hullscan.pilot.requests import CloseUpRequests
from hullscan.pilot.states import PilotState
from hullscan.words import mark

__all__ = ["CloseUps", "Sighting", "Views", "views_of"]

_NEARER = 0.65  # of the plan's stand-off
_LEAST_OFF_M = 0.35  # beyond the clearance: what guidance and gusts need
_TURN_RAD = float(np.radians(25))
_FACES_DOWN = 0.88  # of the normal: the plating is looked at from several headings
_HEADINGS_RAD = np.radians([0.0, 75.0, -75.0, 180.0])  # of the views, from the vehicle's own
_ROOM_M = 0.1  # besides the clearance
_SAME_M = 1.0  # sightings nearer than this to one that was looked at are the same thing
_SPEED_MPS = 0.2
_DWELL_S = 2.0
_FAR_M = 4.0  # from the vehicle: farther ones are looked at when the lane comes nearer


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that deserves a second look: (3,) the place of the hull under it, ship frame, and its score."""

    position_ship_m: Array
    score: float
    label: str = "parcel"


@dataclass(frozen=True, slots=True)
class Views:
    """(n, 6) poses that look at one place, or why there are none (words for people)."""

    poses: Array
    refused: str = ""


def views_of(
    mission: Mission,
    here: Array,
    place_m: Array,
    stand_off_m: float,
    count: int,
    doubt_m: tuple[float, float] = (0.0, 0.0),
    pitch_rad: float | None = None,
) -> Views:
    """Poses that look at a place from nearer: straight, then from forward, from aft, from below; or from all round.

    Args:
        here: (6,) pose of the vehicle; every view must be reached from it and from the one before on a clear way.
        stand_off_m: of the plan.
        doubt_m: standard deviation of the place along her and across.
        pitch_rad: as far as the frame can be pitched; as its profile says if not given.
    """
    if keep_out(mission, np.array([[*place_m, 0.0, 0.0, 0.0]]))[0]:
        return Views(np.zeros((0, 6)), mark("it is beside the running gear"))
    # in murky water the lanes are as near as is safe already: then there are only the other angles
    near_m = min(max(_NEARER * stand_off_m, mission.file.limits.min_clearance_m + _LEAST_OFF_M), stand_off_m)
    toward, headings = _angles(mission, here, place_m, count)
    pitch_rad = mission.vehicle.pitch_limit_rad if pitch_rad is None else pitch_rad
    refused = ""
    for off_m in (near_m, stand_off_m):
        poses = look_at(mission, np.tile(place_m, (count, 1)), toward, off_m, heading=headings, pitch_rad=pitch_rad)
        why = _refused(mission, here, poses, doubt_m)
        if not why:
            return Views(poses)
        refused = refused or why
    return Views(np.zeros((0, 6)), refused)


def _refused(mission: Mission, here: Array, poses: Array, doubt_m: tuple[float, float]) -> str:
    """Why views are not flown; empty if they are."""
    way = dense(np.concatenate([here[None], poses, here[None]]))
    gap, _ = hull_gap(mission, way)
    # the vehicle may stand nearer than the margin already: only what is nearer still is refused
    least_m = min(mission.file.limits.min_clearance_m + _ROOM_M, gap[0])
    if keep_out(mission, way).any() or crosses_hull(mission, way).any() or gap.min() < least_m:
        return mark("there is too little room for it")
    return _refused_under(mission, way, doubt_m) if under_ship(mission, poses[:, :3]).any() else ""


def _angles(mission: Mission, here: Array, place_m: Array, count: int) -> tuple[Array, Array]:
    """(n, 3) unit vectors from the place to the camera, and (n, 2) headings where it faces straight down."""
    normal = mission.hull.nearest(place_m[None])[2][0]
    if normal[2] > _FACES_DOWN:
        yaw = here[3] + np.resize(_HEADINGS_RAD, count)
        return np.tile([0.0, 0.0, 1.0], (count, 1)), np.column_stack([np.cos(yaw), np.sin(yaw)])
    down = np.array([0.0, 0.0, 1.0])
    level = np.cross(down, normal)
    turns = [np.zeros(3), _TURN_RAD * down, -_TURN_RAD * down]
    if np.linalg.norm(level) > 0.3:
        turns.append(-0.7 * _TURN_RAD * level / np.linalg.norm(level))
    turns = (turns * (count // len(turns) + 1))[:count]
    toward = np.stack([Rotation.from_rotvec(turn).apply(normal) for turn in turns])
    return toward, np.tile([0.0, -float(np.sign(place_m[1])) or 1.0], (count, 1))


def _refused_under(mission: Mission, way: Array, doubt_m: tuple[float, float]) -> str:
    """Why a close-up under the ship is refused; empty if it is not."""
    if not mission.vehicle.bottom_lock and not hears_about(mission, way).all():
        return mark("under the ship the DVL would hear too little there")
    along, across = 2 * doubt_m[0], 2 * doubt_m[1]
    shifts = np.array([[0, 0], [along, 0], [-along, 0], [0, across], [0, -across]])
    ways = [way + np.array([*shift, 0.0, 0.0, 0.0, 0.0]) for shift in shifts]
    least = min(each.distance_m for each in nearest_approaches(mission, ways))
    if least < mission.file.limits.min_clearance_m + _ROOM_M or any(keep_out(mission, each).any() for each in ways):
        return mark("plating lies overhead, and there may be too little room below it")
    return ""


class CloseUps:
    """Decides when to leave a lane for a close-up, and flies it.

    Args:
        sighting: the strongest one so far that is not in ``looked_at``; asked each tick of a searched leg.
        requests: what readers asked for; those that the operator accepted come first.
    """

    def __init__(self, cockpit: Cockpit, sighting: Callable[[], Sighting | None], requests: CloseUpRequests) -> None:
        self._cockpit, self._sighting, self._requests = cockpit, sighting, requests
        self._inspect = cockpit.mission.file.inspect
        # a person who accepts a request asks for more than a mission that looks at nothing again by itself
        self._how = self._inspect or Inspect()
        self.looked_at: list[Array] = []
        self.flown = 0

    def interrupt(self, number: int, share: float) -> bool:
        """Fly a close-up if there is reason to; the leg goes on where it was. Never breaks the leg off."""
        here = self._cockpit.pose_in_ship()
        asked = next((each for each in self._requests.accepted() if self._is_near(here, each.place_ship_m)), None)
        if asked is not None:
            result = self._look(number, Sighting(asked.place_ship_m, 0.0, mark("place asked for")), here)
            if isinstance(result, str):
                self._requests.refuse(asked.number, result)
            else:
                self._requests.done(asked.number, result)
            return False
        found = None if self._inspect is None else self._sighting()
        if (
            found is not None
            and found.score >= self._how.min_score
            and not self._is_known(found.position_ship_m)
            and self._is_near(here, found.position_ship_m)
        ):
            self._look(number, found, here)
        return False

    def _look(self, number: int, found: Sighting, here: Array) -> int | str:
        """Views taken, or why there are none."""
        cockpit = self._cockpit
        self.looked_at.append(found.position_ship_m)
        refused = self._refusal()
        views = Views(np.zeros((0, 6)), refused)
        if not refused:
            assert cockpit.registration is not None
            doubt, stand_off, pitch = cockpit.registration.sigma_m, cockpit.plan.stand_off_m, cockpit.pitch_limit_rad
            views = views_of(cockpit.mission, here, found.position_ship_m, stand_off, self._how.views, doubt, pitch)
        if views.refused:
            message = mark("no close-up at station {station:.1f}: {reason}")
            data = {"station": float(found.position_ship_m[0]), "reason": views.refused}
            cockpit.on_event("close-up", message, data)
            return views.refused
        return self._fly(number, found, here, views.poses)

    def _is_near(self, here: Array, place_m: Array) -> bool:
        return float(np.linalg.norm(here[:3] - place_m)) <= _FAR_M

    def _is_known(self, place_m: Array) -> bool:
        return any(float(np.linalg.norm(place_m - before)) < _SAME_M for before in self.looked_at)

    def _refusal(self) -> str:
        cockpit = self._cockpit
        course = cockpit.watch.course
        home_s = course.home_m / cockpit.mission.vehicle.transit_speed_mps
        if course.end_utc_s - cockpit.clock.now() < self._how.max_s + home_s:
            return mark("the window is nearly over")
        return ""

    def _fly(self, number: int, found: Sighting, here: Array, poses: Array) -> int:
        cockpit, inspect = self._cockpit, self._how
        self.flown += 1
        name, share = cockpit.status.leg_name, cockpit.status.leg_share
        x, _, depth = found.position_ship_m.tolist()
        leg = cockpit.plan.legs[number]
        data: dict[str, Any] = {"leg": number, "label": found.label, "station": x, "depth": depth, "score": found.score}
        data |= leg.words_data
        message = mark("close-up on a {label} at station {station:.1f}, {depth:.1f} m deep (score {score:.2f})")
        if not found.score:
            message = mark("close-up on a {label} at station {station:.1f}, {depth:.1f} m deep")
        cockpit.enter(PilotState.CLOSE_UP, message, data)
        end_s = cockpit.clock.now() + inspect.max_s
        at, taken = here, 0
        for pose in poses:
            back_s = float(np.linalg.norm(pose[:3] - here[:3])) / _SPEED_MPS + _DWELL_S
            limit_s = end_s - back_s
            if self._go(at, pose, limit_s, dwell_s=_DWELL_S) is not Followed.DONE:
                break
            at, taken = pose, taken + 1
        self._go(cockpit.pose_in_ship(), here, end_s + 60.0, dwell_s=0.5)
        cockpit.on_event("close-up", mark("{views} views taken, going on"), {"views": taken})
        data = {"leg": number, "number": number + 1, "count": len(cockpit.plan.legs), **leg.words_data}
        cockpit.enter(PilotState.LEGS, leg.words, data)
        cockpit.set_leg(name, share)
        return taken

    def _go(self, start: Array, end: Array, limit_s: float, *, dwell_s: float) -> Followed:
        leg, _ = timed("water", "transfer", np.stack([start, end]), _SPEED_MPS, 0.0, surveys=False)
        clock = self._cockpit.clock
        return follow(
            self._cockpit, leg, searching=True, settle_s=dwell_s, on_progress=lambda share: clock.now() > limit_s
        )
