"""The safety supervisor: independent of guidance, pure, one rule a line of a table.

It is asked before every command with what is known at that moment, and answers with what must happen. It does not
know how that is done: beside or under a hull neither disarming nor rising is safe by itself, so each act that ends
a flight is an order to ``endings``, which leads out into the open before it leads up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from math import inf
from typing import Any

from hullscan.mission.model import Limits
from hullscan.mission.vehicle import VehicleProfile
from hullscan.words import fill, mark

__all__ = ["RULES", "Act", "Rule", "Situation", "Verdict", "demands", "judge"]


class Act(IntEnum):
    """What must happen, the strongest last."""

    GO_ON = 0
    TELL = 1
    """Say it and write it down, once; fly on."""
    HOLD = 2
    """Stop the target; go on when the cause has gone."""
    RETURN = 3
    """End the survey, go back along the known route, surface, disarm."""
    RETREAT = 4
    """Away from the plating on the sticks first; then home if there is a position, else out into the open and up."""
    LISTEN = 5
    """Send nothing, so that the vehicle's own failsafe acts; when it is heard again and free, take it back and home."""
    LET_GO = 6
    """Somebody else flies: send nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known at one moment; ages in seconds, infinite when never heard.

    Attributes:
        control_reason: words for people, see ``hullscan.words``.
        failsafe: control was lost to the vehicle's own failsafe, not to a person.
        position_known: the estimator vouches for its position.
        position_unknown_s: for how long it has not.
        range_m: nearest good beam; infinite when there is none.
        range_age_s: of the last good beam.
        hull_in_sight: beams should meet the hull here; under a flat bottom a level DVL hears nothing.
        battery_v, battery_low_s: voltage, and for how long it has been below the mission's limit.
        battery_age_s: since it was told, while the vehicle was heard; 0 when it never was.
        battery_home_v: what it will be at the launch, as it falls now.
        depth_error: the vehicle has said that its depth sensor fails.
        tilt_rad, tilt_s: from what was asked for, and for how long beyond the limit.
        video_age_s: of the last frame; ``video_still_s`` for how long the frames have been one and the same picture.
        detector_lag_s: how far behind the video the detector is.
        searching: on a leg that is searched.
        speed_mps: over ground, as the estimator says; ``runaway_s`` for how long beyond what is ever asked for.
        off_target_s: for how long the vehicle has not come to where it should be; ``off_target_m`` how far from it.
        stuck_times: how often that has stopped it lately.
        drift_s: for how long it has been moving away from where it holds.
        limited_s: for how long a level thruster has given all that it has.
        disk_free_mb, record_error: of the mission folder's disk; what went wrong with the recording, if anything.
        slowed: streams that another station has slowed down, by name.
        other_station: another ground station that is heard.
        window_left_s: until the mission's window closes.
    """

    link_age_s: float
    in_control: bool
    control_reason: str | dict[str, Any]
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
    failsafe: bool = False
    hull_in_sight: bool = True
    battery_age_s: float = 0.0
    battery_home_v: float = inf
    depth_error: bool = False
    tilt_s: float = 0.0
    detector_lag_s: float = 0.0
    video_still_s: float = 0.0
    speed_mps: float = 0.0
    runaway_s: float = 0.0
    off_target_m: float = 0.0
    off_target_s: float = 0.0
    stuck_times: int = 0
    drift_s: float = 0.0
    limited_s: float = 0.0
    disk_free_mb: float = inf
    record_error: str = ""
    slowed: str = ""
    other_station: str = ""
    window_left_s: float = inf


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
_RANGE_FRESH_S = 1.0
_STALE_S = 2.0  # telemetry comes ten times a second; short of the time-out of the link
_POSITION_HOLD_S, _POSITION_LOST_S = 0.5, 4.0
_VIDEO_SILENCE_S, _VIDEO_STILL_S, _VIDEO_LOST_S = 3.0, 4.0, 30.0
_BATTERY_LOW_S = 5.0
_BATTERY_TELL_S, _BATTERY_LOST_S = 10.0, 60.0
TILT_LIMIT_RAD = 0.6
_TILT_LOST_S = 6.0
_NOSE_M = 0.06  # how far the vehicle's front stands before the range sensor
_ABOVE_SURFACE_M = 0.35  # no vehicle flies out of the water: such a depth is wrong
RUNAWAY_MPS = 0.9  # ArduSub's own legs reach 0.75 (ardusub.md 2.4)
_RUNAWAY_S, _RUNAWAY_LOST_S = 1.0, 3.0
_STUCK_S, _STUCK_TIMES = 10.0, 3
_DRIFT_S = 5.0
_LIMITED_S = 15.0
_DETECTOR_LAG_S = 10.0
_DISK_TELL_MB, _DISK_END_MB = 2_000.0, 300.0  # an hour of H.264 at 4 Mbit/s is 1.8 GB


Finds = Callable[[Situation, Limits, VehicleProfile], bool]
Tells = Callable[[Situation, Limits], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table.

    Attributes:
        key: of the rule, for the record; several lines may share it, from the weaker act to the stronger.
        finds: whether it applies.
        act: what must happen then.
        message: what to say, with the data that ``tells`` gives.
    """

    key: str
    act: Act
    finds: Finds
    message: str
    tells: Tells = lambda now, limits: {}


def _age(seconds: float) -> float:
    return min(seconds, 9999.0)


RULES: tuple[Rule, ...] = (
    Rule("control", Act.LET_GO, lambda now, _l, _p: not now.in_control and not now.failsafe,
         mark("somebody else flies: {reason}"), lambda now, _l: {"reason": now.control_reason}),
    Rule("failsafe", Act.LISTEN, lambda now, _l, _p: not now.in_control and now.failsafe,
         mark("the vehicle's own failsafe has acted: {reason}"), lambda now, _l: {"reason": now.control_reason}),
    Rule("link", Act.LISTEN, lambda now, limits, _p: now.link_age_s > limits.link_timeout_s,
         mark("nothing heard from the vehicle for {age:.1f} s"), lambda now, _l: {"age": _age(now.link_age_s)}),
    Rule("telemetry", Act.HOLD, lambda now, _l, _p: now.link_age_s > _STALE_S,
         mark("telemetry is {age:.1f} s old"), lambda now, _l: {"age": _age(now.link_age_s)}),
    Rule("leak", Act.RETURN, lambda now, _l, _p: now.leak, mark("the vehicle reports a leak")),
    Rule("battery", Act.RETURN, lambda now, _l, _p: now.battery_low_s > _BATTERY_LOW_S,
         mark("battery {volts:.1f} V, the limit is {limit:g} V"),
         lambda now, limits: {"volts": now.battery_v, "limit": limits.min_battery_v}),
    Rule("battery home", Act.RETURN, lambda now, _l, profile: now.battery_home_v < profile.battery_empty_v,
         mark("the battery lasts for the way back only: {volts:.1f} V expected at the launch"),
         lambda now, _l: {"volts": now.battery_home_v}),
    Rule("battery", Act.TELL, lambda now, _l, _p: now.battery_age_s > _BATTERY_TELL_S,
         mark("the battery's voltage has not been told for {age:.0f} s"),
         lambda now, _l: {"age": _age(now.battery_age_s)}),
    Rule("battery", Act.RETURN, lambda now, _l, _p: now.battery_age_s > _BATTERY_LOST_S,
         mark("the battery's voltage has not been told for {age:.0f} s"),
         lambda now, _l: {"age": _age(now.battery_age_s)}),
    Rule("position", Act.HOLD, lambda now, _l, _p: now.position_unknown_s > _POSITION_HOLD_S,
         mark("the vehicle is unsure of its position")),
    Rule("position", Act.RETREAT, lambda now, _l, _p: now.position_unknown_s > _POSITION_LOST_S,
         mark("the vehicle has lost its position")),
    Rule("tilt", Act.HOLD, lambda now, _l, _p: abs(now.tilt_rad) > TILT_LIMIT_RAD,
         mark("the vehicle is tilted by more than 34 degrees")),
    Rule("tilt", Act.RETREAT, lambda now, _l, _p: now.tilt_s > _TILT_LOST_S,
         mark("the vehicle does not come upright")),
    Rule("depth", Act.RETURN, lambda now, _l, profile: now.depth_m > profile.depth_limit_m,
         mark("{depth:.1f} m is deeper than the vehicle may go"), lambda now, _l: {"depth": now.depth_m}),
    Rule("depth", Act.RETREAT, lambda now, _l, _p: now.depth_m < -_ABOVE_SURFACE_M,
         mark("the depth reads {height:.1f} m above the surface"), lambda now, _l: {"height": -now.depth_m}),
    Rule("depth sensor", Act.RETREAT, lambda now, _l, _p: now.depth_error,
         mark("the depth sensor fails")),
    Rule("tether", Act.RETURN, lambda now, limits, _p: now.tether_m > limits.max_tether_m,
         mark("{length:.0f} m of tether are out"), lambda now, _l: {"length": now.tether_m}),
    Rule("clearance", Act.RETREAT,
         lambda now, limits, _p: now.range_m - _NOSE_M < limits.min_clearance_m and now.range_age_s < _RANGE_FRESH_S,
         mark("{range:.2f} m from the hull"), lambda now, _l: {"range": now.range_m}),
    Rule("range", Act.HOLD,
         lambda now, _l, _p: now.searching and now.hull_in_sight and now.range_age_s > _RANGE_SILENCE_S,
         mark("no range to the hull for {age:.0f} s"), lambda now, _l: {"age": _age(now.range_age_s)}),
    Rule("range", Act.RETURN,
         lambda now, _l, _p: now.searching and now.hull_in_sight and now.range_age_s > 3 * _RANGE_SILENCE_S,
         mark("no range to the hull for {age:.0f} s"), lambda now, _l: {"age": _age(now.range_age_s)}),
    Rule("video", Act.HOLD, lambda now, _l, _p: now.searching and now.video_age_s > _VIDEO_SILENCE_S,
         mark("no video for {age:.0f} s: nothing is searched"), lambda now, _l: {"age": _age(now.video_age_s)}),
    Rule("video", Act.RETURN, lambda now, _l, _p: now.searching and now.video_age_s > _VIDEO_LOST_S,
         mark("no video for {age:.0f} s: nothing is searched"), lambda now, _l: {"age": _age(now.video_age_s)}),
    Rule("video", Act.HOLD, lambda now, _l, _p: now.searching and now.video_still_s > _VIDEO_STILL_S,
         mark("the picture has stood still for {age:.0f} s: nothing is searched"),
         lambda now, _l: {"age": _age(now.video_still_s)}),
    Rule("video", Act.RETURN, lambda now, _l, _p: now.searching and now.video_still_s > _VIDEO_LOST_S,
         mark("the picture has stood still for {age:.0f} s: nothing is searched"),
         lambda now, _l: {"age": _age(now.video_still_s)}),
    Rule("runaway", Act.HOLD, lambda now, _l, _p: now.runaway_s > _RUNAWAY_S,
         mark("{speed:.1f} m/s, faster than was asked for"), lambda now, _l: {"speed": now.speed_mps}),
    Rule("runaway", Act.RETREAT, lambda now, _l, _p: now.runaway_s > _RUNAWAY_LOST_S,
         mark("{speed:.1f} m/s, faster than was asked for"), lambda now, _l: {"speed": now.speed_mps}),
    Rule("stuck", Act.HOLD, lambda now, _l, _p: now.off_target_s > _STUCK_S,
         mark("it does not get on: {off:.1f} m from where it should be; look at the tether"),
         lambda now, _l: {"off": now.off_target_m}),
    Rule("stuck", Act.RETURN, lambda now, _l, _p: now.stuck_times >= _STUCK_TIMES,
         mark("it was stopped {times} times: tether, thruster or current"), lambda now, _l: {"times": now.stuck_times}),
    Rule("current", Act.RETURN, lambda now, _l, _p: now.drift_s > _DRIFT_S,
         mark("it cannot hold its place: the current is too strong, or a thruster fails")),
    Rule("current", Act.RETURN, lambda now, _l, _p: now.limited_s > _LIMITED_S,
         mark("a thruster has been at its limit for {seconds:.0f} s: the current is too strong, or the tether pulls"),
         lambda now, _l: {"seconds": now.limited_s}),
    Rule("detector", Act.TELL, lambda now, _l, _p: now.detector_lag_s > _DETECTOR_LAG_S,
         mark("the detector is {lag:.0f} s behind; the recording is complete"),
         lambda now, _l: {"lag": _age(now.detector_lag_s)}),
    Rule("disk", Act.TELL, lambda now, _l, _p: now.disk_free_mb < _DISK_TELL_MB,
         mark("only {free:.0f} MB are left on the disk"), lambda now, _l: {"free": now.disk_free_mb}),
    Rule("disk", Act.RETURN, lambda now, _l, _p: now.disk_free_mb < _DISK_END_MB,
         mark("only {free:.0f} MB are left on the disk"), lambda now, _l: {"free": now.disk_free_mb}),
    Rule("recording", Act.RETURN, lambda now, _l, _p: bool(now.record_error),
         mark("the recording fails: {words}"), lambda now, _l: {"words": now.record_error}),
    Rule("station", Act.TELL, lambda now, _l, _p: bool(now.other_station),
         mark("another ground station is heard: {station}"), lambda now, _l: {"station": now.other_station}),
    Rule("streams", Act.TELL, lambda now, _l, _p: bool(now.slowed),
         mark("messages come too seldom: {streams}; asked for again, another station may have slowed them"),
         lambda now, _l: {"streams": now.slowed}),
    Rule("window", Act.RETURN, lambda now, _l, _p: now.window_left_s < 0,
         mark("the window is over")),
)  # fmt: skip
"""Every rule: detect, act, say. What is said is also what is recorded, under the rule's key."""


def demands(now: Situation, limits: Limits, profile: VehicleProfile) -> list[Verdict]:
    """What each rule that applies demands, the strongest first; of equals, in the order of the table."""
    found = [
        Verdict(rule.act, rule.key, rule.message, rule.tells(now, limits))
        for rule in RULES
        if rule.finds(now, limits, profile)
    ]
    return sorted(found, key=lambda verdict: -verdict.act)


def judge(now: Situation, limits: Limits, profile: VehicleProfile) -> Verdict:
    """The strongest demand of all rules."""
    found = demands(now, limits, profile)
    return found[0] if found else Verdict(Act.GO_ON)
