"""The safety supervisor: independent of guidance, pure, one rule a line.

It is asked before every command with what is known at that moment, and answers with what must happen. Under or
beside a hull neither disarming nor rising is safe by itself, so the strongest answer is to move away from the
plating first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from hullscan.mission.model import Limits
from hullscan.mission.vehicle import VehicleProfile

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
    """What must happen and why, in words for the operator and a key for the record."""

    act: Act
    rule: str = ""
    words: str = ""


# a beam may miss at an edge or between plates for a moment; the DVL itself has gaps up to 0.55 s
_RANGE_SILENCE_S = 4.0
_POSITION_HOLD_S, _POSITION_LOST_S = 0.5, 4.0
_VIDEO_SILENCE_S = 3.0
_BATTERY_LOW_S = 5.0
_TILT_LIMIT_RAD = 0.6
_NOSE_M = 0.06  # how far the vehicle's front stands before the range sensor


def judge(now: Situation, limits: Limits, profile: VehicleProfile) -> Verdict:
    """The strongest demand of all rules."""
    return max(_demands(now, limits, profile), key=lambda verdict: verdict.act)


def _demands(now: Situation, limits: Limits, profile: VehicleProfile) -> list[Verdict]:
    found = [Verdict(Act.GO_ON)]
    if not now.in_control:
        found.append(Verdict(Act.LET_GO, "control", f"somebody else flies: {now.control_reason}"))
    if now.link_age_s > limits.link_timeout_s:
        found.append(Verdict(Act.LET_GO, "link", f"nothing heard from the vehicle for {now.link_age_s:.1f} s"))
    if now.leak:
        found.append(Verdict(Act.RETURN, "leak", "the vehicle reports a leak"))
    if now.battery_low_s > _BATTERY_LOW_S:
        words = f"battery {now.battery_v:.1f} V, the limit is {limits.min_battery_v:g} V"
        found.append(Verdict(Act.RETURN, "battery", words))
    if now.position_unknown_s > _POSITION_LOST_S:
        found.append(Verdict(Act.RETREAT, "position", "the vehicle has lost its position"))
    elif now.position_unknown_s > _POSITION_HOLD_S:
        found.append(Verdict(Act.HOLD, "position", "the vehicle is unsure of its position"))
    if abs(now.tilt_rad) > _TILT_LIMIT_RAD:
        found.append(Verdict(Act.HOLD, "tilt", "the vehicle is tilted by more than 34 degrees"))
    if now.depth_m > profile.depth_limit_m:
        found.append(Verdict(Act.RETURN, "depth", f"{now.depth_m:.1f} m is deeper than the vehicle may go"))
    if now.tether_m > limits.max_tether_m:
        found.append(Verdict(Act.RETURN, "tether", f"{now.tether_m:.0f} m of tether are out"))
    if now.range_m - _NOSE_M < limits.min_clearance_m and now.range_age_s < 1.0:
        found.append(Verdict(Act.RETREAT, "clearance", f"{now.range_m:.2f} m from the hull"))
    if now.searching and now.range_age_s > _RANGE_SILENCE_S:
        words = f"no range to the hull for {now.range_age_s:.0f} s"
        found.append(Verdict(Act.HOLD if now.range_age_s < 3 * _RANGE_SILENCE_S else Act.RETURN, "range", words))
    if now.searching and now.video_age_s > _VIDEO_SILENCE_S:
        words = f"no video for {now.video_age_s:.0f} s: nothing is searched"
        found.append(Verdict(Act.HOLD if now.video_age_s < 30 else Act.RETURN, "video", words))
    return found
