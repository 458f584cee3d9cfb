"""Flying along legs: the operator's wishes, holds, progress; in GUIDED by position, velocity and yaw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Any

import numpy as np

from hullscan.errors import HullscanError
from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.patterns import Leg
from hullscan.mission.patterns.clearance import nearest_approach
from hullscan.mission.patterns.gear import keep_out
from hullscan.mission.patterns.leg import timed
from hullscan.mission.ways_home import flown_poses, legs_without_position, way_along
from hullscan.pilot.cockpit import Cockpit
from hullscan.pilot.guidance import LegFollower
from hullscan.pilot.orders_of_operator import OperatorOrder
from hullscan.pilot.states import PilotState
from hullscan.pilot.supervisor import Act
from hullscan.vehicle.commands import PositionVelocityYaw
from hullscan.words import fill, mark

__all__ = ["Followed", "LegsFlight", "follow", "has_room"]

# a lane along the ship is flown beyond its ends by so many sigma of the place along her, from and up to so much
_SURE, _BEYOND_LEAST_M, _BEYOND_MOST_M = 1.6, 0.2, 2.0
_ALONG_COS = 0.8
_BEYOND_ROOM_M = 0.1  # besides the clearance
_BEYOND_TIME = 1.15  # of the planned time that is left must be left of the window


class Followed(Enum):
    """How following a leg ended."""

    DONE = "done"
    SKIP = "skip"
    BACK = "back"
    BROKEN_OFF = "broken off"


def follow(
    cockpit: Cockpit,
    leg: Leg,
    *,
    searching: bool,
    ending: bool = False,
    start_m: float = 0.0,
    settle_s: float = 1.0,
    wishes: bool = True,
    on_progress: Callable[[float], bool] = lambda share: False,
) -> Followed:
    """Fly one leg.

    Args:
        searching: what is seen on it counts as searched.
        ending: it is on the way home; the operator's wishes count for nothing.
        start_m: how far along it to begin.
        settle_s: how long the vehicle must stand at the end.
        wishes: an operator's SKIP or BACK breaks it off; else it waits in the cockpit until the leg is over.
        on_progress: told of each tick's share of the length; True breaks off.

    Raises:
        Ends: a verdict stronger than HOLD.
    """
    follower = LegFollower(leg, settle_s=settle_s, start_m=start_m)
    follower.water_mps = cockpit.mission.vehicle.water_speed_mps
    if searching:
        follower.most_mps = max(leg.speed_mps, cockpit.look_speed_mps)
    course, before_s = cockpit.watch.course, cockpit.clock.now()
    cockpit.take_wish()
    for now_s in cockpit.ticks():
        verdict = cockpit.tick(searching=searching, ending=ending)
        elapsed_s, before_s = min(now_s - before_s, 0.5), now_s
        if wishes and not ending and (wish := cockpit.take_wish()) is not None:
            return Followed.SKIP if wish is OperatorOrder.SKIP else Followed.BACK
        if verdict.act is Act.HOLD:
            cockpit.hold(verdict)
            continue
        assert cockpit.registration is not None
        follower.factor = cockpit.status.speed_share if not ending else 1.0
        follower.current_ned_mps = cockpit.water.current_ned_mps
        place = cockpit.place()
        command, (pitch, tilt), progress = follower.target(place, cockpit.registration.pose, elapsed_s)
        if cockpit.status.overhead:
            command = _not_rising(command)
        course.target_ned, course.stands = np.array(command.position_ned_m), False
        cockpit.send(command)
        cockpit.lean(pitch)
        cockpit.aim(tilt)
        cockpit.status = replace(cockpit.status, leg_share=progress.share, holding=None)
        cockpit.tell_current(follower.current_share, leg.speed_mps)
        if on_progress(progress.share):
            return Followed.BROKEN_OFF
        if not ending:
            cockpit.measure_home()
        if progress.done:
            return Followed.DONE
    raise AssertionError("the ticks of a leg do not end by themselves")


class LegsFlight:
    """The planned legs, one after the other, with the operator's skips and ways back.

    Args:
        on_place: told where in the plan the vehicle is, as (number, share), each tick of a leg.
        interrupt: asked each tick of a searched leg; it may fly something else (a close-up) and then says True.
    """

    def __init__(
        self,
        cockpit: Cockpit,
        on_place: Callable[[int, float], None],
        interrupt: Callable[[int, float], bool] = lambda number, share: False,
    ) -> None:
        self._cockpit, self._on_place, self._interrupt = cockpit, on_place, interrupt
        self._legs = cockpit.plan.legs
        self._deaf = set(legs_without_position(cockpit.mission, self._legs))
        self._searched_m = max(sum(leg.length_m for leg in self._legs if leg.surveys), 1e-6)
        self._passage = np.zeros((0, 6))
        self.number, self.share = 0, 0.0
        self.skipped: set[int] = set()
        """Legs that the operator did not want."""

    def fly(self, number: int = 0, share: float = 0.0, until: int | None = None) -> None:
        """Legs from a place of the plan on, up to one that is not flown any more."""
        until = len(self._legs) if until is None else until
        while number < until:
            followed = self._leg(number, share)
            share = 0.0
            if followed is Followed.DONE:
                number += 1
            elif followed is Followed.BROKEN_OFF:
                share = self.share
            else:
                number = self._jump(followed, number)

    def words_of(self, number: int) -> dict[str, Any]:
        """Data of a leg's words."""
        return {"leg": number, "number": number + 1, "count": len(self._legs), **self._legs[number].words_data}

    def _leg(self, number: int, share: float) -> Followed:
        cockpit, leg = self._cockpit, self._legs[number]
        data = self.words_of(number)
        if cockpit.status.leg != number or cockpit.status.state is not PilotState.LEGS:
            cockpit.enter(PilotState.LEGS, leg.words, data)
        cockpit.status = replace(cockpit.status, leg_name=fill(leg.words, data))
        cockpit.watch.course.hull_in_sight = number + 1 not in self._deaf
        if number + 1 in self._deaf and number not in self._deaf:
            words = mark("under the ship the DVL hears too little: place by the estimator and depth alone")
            cockpit.on_event("degraded", words, {"leg": number})

        def on_progress(part: float) -> bool:
            self.number, self.share = number, part
            try:
                self._on_place(number, part)
            except HullscanError as error:
                cockpit.watch.note_record_error(str(error))
            self._tell_share(number, part)
            return leg.surveys and self._interrupt(number, part)

        if share <= 0 and (found := self._beyond(leg.poses[:2, 1:][::-1], leg.speed_mps)) is not Followed.DONE:
            return found
        found = follow(cockpit, leg, searching=leg.surveys, start_m=share * leg.length_m, on_progress=on_progress)
        return found if found is not Followed.DONE else self._beyond(leg.poses[-2:, 1:], leg.speed_mps)

    def _tell_share(self, number: int, part: float) -> None:
        """How much of what is searched has been flown; it does not grow less."""
        searched_m = [each.length_m if each.surveys else 0.0 for each in self._legs[: number + 1]]
        share = min((sum(searched_m[:-1]) + part * searched_m[-1]) / self._searched_m, 1.0)
        status = self._cockpit.status
        self._cockpit.status = replace(status, survey_share=max(share, status.survey_share))

    def _beyond(self, end: Array, speed_mps: float) -> Followed:
        """A lane's end flown out of and back into, as far as the place along the ship is unsure: so its cells are seen.

        Args:
            end: (2, 6) the last but one pose of the lane and its end.
        """
        cockpit = self._cockpit
        assert cockpit.registration is not None
        leg = cockpit.plan.legs[cockpit.status.leg]
        way = end[1, :3] - end[0, :3]
        length = float(np.linalg.norm(way))
        beyond_m = min(_SURE * cockpit.registration.sigma_m[0], _BEYOND_MOST_M)
        along = length > 1e-3 and abs(way[0]) >= _ALONG_COS * length
        if not leg.surveys or beyond_m < _BEYOND_LEAST_M or not along:
            return Followed.DONE
        planned_s = cockpit.plan.legs[-1].end_s - leg.start_s
        if cockpit.watch.course.end_utc_s - cockpit.clock.now() < _BEYOND_TIME * planned_s + 4 * beyond_m / speed_mps:
            return Followed.DONE  # the window is for what was planned
        out = end[1].copy()
        out[:3] += way / length * beyond_m
        poses = np.stack([end[1], out, end[1]])
        there, _ = timed(leg.zone, leg.pattern, poses, speed_mps, 0.0, surveys=True)
        if not has_room(cockpit.mission, there.poses[:, 1:]):
            return Followed.DONE
        return follow(cockpit, there, searching=True, settle_s=0.0)

    def flown(self) -> Array:
        """(n, 6) the known route up to now, a passage that is under way with it."""
        return np.concatenate([flown_poses(self._legs, self.number, self.share), self._passage])

    def go_to(self, number: int, share: float) -> tuple[int, float]:
        """Along the planned legs to a place of them; number and share to go on with, if no wish has changed them."""
        self._tell_share(number, share)
        self._pass(flown_poses(self._legs, number, share), number, share)
        goal = self._wished(number)
        return goal, share if goal == number else 0.0

    def _pass(self, known: Array, goal: int, share: float = 0.0) -> None:
        """Along (n, 6) poses that are known to be clear, the last of them on a leg; home leads back along them.

        It is not broken off: from its middle no other way is known to be clear.
        """
        cockpit = self._cockpit
        cockpit.enter(PilotState.LEGS, mark("on the way to leg {goal}"), {"leg": -1, "goal": goal + 1})
        way = way_along(cockpit.mission, cockpit.pose_in_ship(), known)

        def on_progress(part: float) -> bool:
            self._passage = flown_poses([way], 0, part)
            return False

        follow(cockpit, way, searching=False, wishes=False, on_progress=on_progress)
        self.number, self.share, self._passage = goal, share, np.zeros((0, 6))

    def _wished(self, number: int) -> int:
        """The leg to go on with, after what the operator has ordered on the way to this one."""
        wish = self._cockpit.take_wish()
        return number if wish is None else self._jump(Followed(wish.value), number)

    def _jump(self, followed: Followed, number: int) -> int:
        """To the start of the next searched leg, or of the one before; the number of the leg to go on with."""
        cockpit, legs = self._cockpit, self._legs
        if followed is Followed.SKIP:
            later = [index for index in range(number + 1, len(legs)) if legs[index].surveys]
            goal = later[0] if later else len(legs) - 1  # the last one leads home
            self.skipped.add(number)
            ahead = [leg.poses[:, 1:] for leg in legs[number:goal]]
            rest = np.concatenate(ahead) if ahead else legs[goal].poses[:1, 1:]
            known = rest[np.argmin(np.linalg.norm(rest[:, :3] - cockpit.pose_in_ship()[:3], axis=1)) :]
        else:
            sooner = [index for index in range(number) if legs[index].surveys]
            goal = sooner[-1] if sooner else number
            flown = self.flown()
            start = len(np.concatenate([leg.poses for leg in legs[:goal]])) if goal else 0
            known = flown[start:][::-1]
        self._pass(np.concatenate([known, legs[goal].poses[:1, 1:]]), goal)
        return self._wished(goal)


def _not_rising(command: PositionVelocityYaw) -> PositionVelocityYaw:
    """Without the upward part of its velocity.

    When the link falls silent ArduSub runs on along the velocity for three seconds, twice as fast as asked (ardusub.md
    2.4): under plating that would be into it.
    """
    north, east, down = command.velocity_ned_mps
    return replace(command, velocity_ned_mps=(north, east, max(down, 0.0)))


def has_room(mission: Mission, poses: Array) -> bool:
    """Whether (n, 6) poses keep clear of hull, quay, sea bed and running gear, with what guidance needs besides.

    Args:
        poses: no farther apart than the step.
    """
    limit = mission.file.limits.min_clearance_m + _BEYOND_ROOM_M
    return not keep_out(mission, poses).any() and nearest_approach(mission, poses).distance_m >= limit
