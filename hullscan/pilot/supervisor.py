"""The safety supervisor: independent of guidance, pure, one rule a line.

It is asked before every command with what is known at that moment, and answers with what must happen. Under or
beside a hull neither disarming nor rising is safe by itself, so the strongest answer is to move away from the
plating first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from hullscan.mission.model import Limits
from hullscan.mission.vehicle import VehicleProfile
from hullscan.words import fill, mark

__all__ = ["Act", "Situation", "Verdict", "judge"]


class Act(IntEnum):
    """What must happen, the strongest last."""

    GO_ON = 0
    HOLD = 1
    """Stop the target; go on when the cause has gone."""
    RETURN = 2
    """End the survey, go back along the known route, surface, disarm."""
    RETREAT = 3
    """Without a position: back away from the hull on the sticks, then surface and disarm."""
    LET_GO = 4
    """Somebody else flies, or nobody can be reached: send nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known at one moment; ages in seconds, infinite when never heard.

    Attributes:
        position_known: the estimator vouches for its position.
        position_unknown_s: for how long it has not.
        range_m: nearest good beam; infinite when there is none.
        range_age_s: of the last good beam.
        searching: on a leg that is searched.
    """

    link_age_s: float
    in_control: bool
    control_reason: str
    position_known: bool
    position_unknown_s: float
    range_m: float
    range_age_s: float
    battery_v: float
    battery_low_s: float
    depth_m: float
    tilt_rad: float
    tether_m: float
    leak: bool
    video_age_s: float
    searching: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What must happen and why.

    Attributes:
        rule: key for the record.
        message, data: words for the operator, see ``hullscan.words``.
    """

    act: Act
    rule: str = ""
    message: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The message in English, with its data."""
        return fill(self.message, self.data)


# a beam may miss at an edge or between plates for a moment; the DVL itself has gaps up to 0.55 s
_RANGE_SILENCE_S = 4.0
_POSITION_HOLD_S, _POSITION_LOST_S = 0.5, 4.0
_VIDEO_SILENCE_S, _VIDEO_LOST_S = 3.0, 30.0
_BATTERY_LOW_S = 5.0
_TILT_LIMIT_RAD = 0.6
_NOSE_M = 0.06  # how far the vehicle's front stands before the range sensor


def judge(now: Situation, limits: Limits, profile: VehicleProfile) -> Verdict:
    """The strongest demand of all rules."""
    return max(_demands(now, limits, profile), key=lambda verdict: verdict.act)


def _demands(now: Situation, limits: Limits, profile: VehicleProfile) -> list[Verdict]:
    found = [Verdict(Act.GO_ON)]

    def demand(act: Act, rule: str, message: str, **data: Any) -> None:
        found.append(Verdict(act, rule, message, data))

    if not now.in_control:
        demand(Act.LET_GO, "control", mark("somebody else flies: {reason}"), reason=now.control_reason)
    if now.link_age_s > limits.link_timeout_s:
        demand(Act.LET_GO, "link", mark("nothing heard from the vehicle for {age:.1f} s"), age=now.link_age_s)
    if now.leak:
        demand(Act.RETURN, "leak", mark("the vehicle reports a leak"))
    if now.battery_low_s > _BATTERY_LOW_S:
        message = mark("battery {volts:.1f} V, the limit is {limit:g} V")
        demand(Act.RETURN, "battery", message, volts=now.battery_v, limit=limits.min_battery_v)
    if now.position_unknown_s > _POSITION_LOST_S:
        demand(Act.RETREAT, "position", mark("the vehicle has lost its position"))
    elif now.position_unknown_s > _POSITION_HOLD_S:
        demand(Act.HOLD, "position", mark("the vehicle is unsure of its position"))
    if abs(now.tilt_rad) > _TILT_LIMIT_RAD:
        demand(Act.HOLD, "tilt", mark("the vehicle is tilted by more than 34 degrees"))
    if now.depth_m > profile.depth_limit_m:
        demand(Act.RETURN, "depth", mark("{depth:.1f} m is deeper than the vehicle may go"), depth=now.depth_m)
    if now.tether_m > limits.max_tether_m:
        demand(Act.RETURN, "tether", mark("{length:.0f} m of tether are out"), length=now.tether_m)
    if now.range_m - _NOSE_M < limits.min_clearance_m and now.range_age_s < 1.0:
        demand(Act.RETREAT, "clearance", mark("{range:.2f} m from the hull"), range=now.range_m)
    if now.searching and now.range_age_s > _RANGE_SILENCE_S:
        act = Act.HOLD if now.range_age_s < 3 * _RANGE_SILENCE_S else Act.RETURN
        demand(act, "range", mark("no range to the hull for {age:.0f} s"), age=min(now.range_age_s, 9999.0))
    if now.searching and now.video_age_s > _VIDEO_SILENCE_S:
        act = Act.HOLD if now.video_age_s < _VIDEO_LOST_S else Act.RETURN
        message = mark("no video for {age:.0f} s: nothing is searched")
        demand(act, "video", message, age=min(now.video_age_s, 9999.0))
    return found
