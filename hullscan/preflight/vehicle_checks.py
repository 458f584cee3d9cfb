"""Who is on the other end: firmware, frame, state, and what it would do by itself if hullscan died."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from hullscan.mission.feasibility import Level
from hullscan.preflight.check import Phrase, PreflightLine, line, say
from hullscan.vehicle.parameter_changes import Change
from hullscan.vehicle.parameter_file import number_text
from hullscan.vehicle.parameters import RANGEFINDER_TYPES
from hullscan.words import mark

__all__ = ["FAILSAFES", "VehicleFacts", "check_parameters", "check_vehicle"]

_OLDEST, _NEWEST = (4, 1), (4, 7)  # ArduSub whose names and behaviour are known
_SURFACE_M = 1.0  # deeper than this before the start: not at the surface, or the depth sensor's zero is wrong
_DEEPEST_M = 3.0
FAILSAFES = ("FS_GCS_ENABLE", "FS_PILOT_INPUT", "FS_LEAK_ENABLE", "FS_EKF_ACTION", "FS_CRASH_CHECK", "BATT_FS_LOW_ACT",
             "BATT_FS_CRT_ACT")  # fmt: skip
"""What the firmware does when something is lost: under a hull neither stopped motors nor a rise are safe."""
_EVERYWHERE = {"FRAME_CONFIG", "SYSID_MYGCS", "MAV_GCS_SYSID", "FS_GCS_ENABLE", "FS_PILOT_INPUT"}
"""Every ArduSub has them: one that does not tell of them has not been checked. From another station than 255 it takes
neither sticks nor heartbeat, so no retreat and no failsafe of its own."""
_VITAL = {*FAILSAFES, *_EVERYWHERE}
_ACTS = {
    ("FS_GCS_ENABLE", 0): mark("does nothing and drifts on"),
    ("FS_GCS_ENABLE", 1): mark("only warns and drifts on"),
    ("FS_GCS_ENABLE", 2): mark("stops the motors and floats up against the hull"),
    ("FS_GCS_ENABLE", 3): mark("holds its depth"),
    ("FS_GCS_ENABLE", 4): mark("rises into the ship"),
    ("FS_PILOT_INPUT", 2): mark("stops the motors and floats up against the hull"),
    ("FS_LEAK_ENABLE", 0): mark("says nothing"),
    ("FS_LEAK_ENABLE", 2): mark("rises into the ship"),
    ("FS_EKF_ACTION", 2): mark("stops the motors and floats up against the hull"),
    ("FS_CRASH_CHECK", 2): mark("stops the motors and floats up against the hull"),
    ("BATT_FS_LOW_ACT", 2): mark("stops the motors and floats up against the hull"),
    ("BATT_FS_LOW_ACT", 3): mark("rises into the ship"),
    ("BATT_FS_CRT_ACT", 2): mark("stops the motors and floats up against the hull"),
    ("BATT_FS_CRT_ACT", 3): mark("rises into the ship"),
}
"""What a value makes ArduSub do (defines.h of 4.5.3)."""
_VEHICLE, _PARAMETERS, _FAILSAFES = mark("vehicle"), mark("parameters"), mark("failsafes")


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleFacts:
    """What was heard of the vehicle.

    Attributes:
        firmware: "4.5.3", empty when it did not say.
        ready, readiness: whether its estimator knows a position, and its words.
        depth_m: NaN when unknown.
        origin: its estimator knows where its local frame lies.
        stations: other ground stations, in words.
        alarms: its gravest texts since the connection.
        thin: streams that come too seldom.
        refused: frames not taken for their signature, by reason.
        signed: frames are signed.
    """

    source: str
    firmware: str
    armed: bool
    mode: str
    ready: bool
    readiness: str
    depth_m: float
    origin: bool = True
    stations: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    thin: tuple[str, ...] = ()
    signed: bool = False
    refused: dict[str, int] = field(default_factory=dict)


def check_vehicle(facts: VehicleFacts) -> list[PreflightLine]:
    """Firmware, state, depth, other stations, alarms, streams and signatures."""
    lines = [
        _firmware(facts),
        _state(facts),
        _origin(facts),
        _position(facts),
        _depth(facts),
        _stations(facts),
        _alarms(facts),
    ]
    if facts.thin:
        lines.append(
            line(
                _VEHICLE,
                "caution",
                mark("telemetry"),
                Phrase(", ".join(facts.thin)),
                say(mark("every stream at its rate")),
                say(mark("check the tether's bandwidth and other stations")),
            )
        )
    if facts.signed:
        lines.append(_signatures(facts))
    return lines


def _firmware(facts: VehicleFacts) -> PreflightLine:
    found = re.match(r"(\d+)\.(\d+)", facts.firmware)
    version = (int(found[1]), int(found[2])) if found else None
    level: Level = "go"
    if version is None or version > _NEWEST:
        level = "caution"
    elif version < _OLDEST:
        level = "no-go"
    return line(
        _VEHICLE,
        level,
        mark("firmware"),
        Phrase(f"ArduSub {facts.firmware or '?'}, {facts.source}"),
        say(mark("ArduSub 4.1 to 4.7")),
        say(mark("use a firmware that hullscan was tried with")),
    )


def _state(facts: VehicleFacts) -> PreflightLine:
    state = (
        say(mark("armed, {mode}"), mode=facts.mode) if facts.armed else say(mark("disarmed, {mode}"), mode=facts.mode)
    )
    return line(
        _VEHICLE,
        "no-go" if facts.armed else "go",
        mark("motors"),
        state,
        say(mark("disarmed")),
        say(mark("disarm it; somebody else may be flying")),
    )


def _position(facts: VehicleFacts) -> PreflightLine:
    return line(
        _VEHICLE,
        "go" if facts.ready else "caution",
        mark("position estimate"),
        Phrase(facts.readiness),
        say(mark("a position, from the DVL")),
        say(mark("put it into the water before the hull; the survey waits two minutes for it")),
    )


def _origin(facts: VehicleFacts) -> PreflightLine:
    return line(
        _VEHICLE,
        "go" if facts.origin else "caution",
        mark("origin of position"),
        say(mark("set")) if facts.origin else say(mark("none")),
        say(mark("set")),
        say(mark("set one in the DVL extension or a ground station: without it there is no local position")),
    )


def _depth(facts: VehicleFacts) -> PreflightLine:
    off = abs(facts.depth_m)
    level: Level = "go" if off <= _SURFACE_M else "caution" if off <= _DEEPEST_M else "no-go"
    return line(
        _VEHICLE,
        level,
        mark("depth"),
        Phrase(f"{facts.depth_m:.2f} m"),
        say(mark("within {limit:.0f} m of the surface"), limit=_SURFACE_M),
        say(mark("bring it to the surface, or calibrate the pressure sensor there")),
    )


def _stations(facts: VehicleFacts) -> PreflightLine:
    return line(
        _VEHICLE,
        "go",
        mark("other stations"),
        Phrase(", ".join(facts.stations)) if facts.stations else say(mark("none")),
        say(mark("a joystick of theirs always wins")),
        Phrase(),
    )


def _alarms(facts: VehicleFacts) -> PreflightLine:
    text = "; ".join(facts.alarms).lower()
    level: Level = "no-go" if "leak" in text or "depth sensor" in text else "caution" if facts.alarms else "go"
    return line(
        _VEHICLE,
        level,
        mark("alarms"),
        Phrase("; ".join(facts.alarms)) if facts.alarms else say(mark("none")),
        say(mark("none")),
        say(mark("find the cause before it goes under a ship")),
    )


def _signatures(facts: VehicleFacts) -> PreflightLine:
    refused = ", ".join(f"{count} {reason}" for reason, count in sorted(facts.refused.items()))
    return line(
        _VEHICLE,
        "caution" if facts.refused else "go",
        mark("signatures"),
        Phrase(refused) if refused else say(mark("all right")),
        say(mark("every frame signed with the key")),
        say(mark("somebody without the key, or with an old recording, speaks on this link")),
    )


def check_parameters(changes: Iterable[Change], file: str) -> list[PreflightLine]:
    """Every line of a parameter file against the vehicle; those that are as wanted together in one line."""
    kept = list(changes)
    if not kept:
        todo = say(mark("compare one of your own: hullscan params diff FILE"))
        nothing = say(mark("no parameter file for this vehicle"))
        return [line(_PARAMETERS, "no-go", mark("parameters"), nothing, Phrase(), todo)]
    good = [change for change in kept if not change.needed and not change.missing]
    lines = [_parameter(change, file) for change in kept if change.needed or change.missing]
    lines += [_failsafe(change) for change in good if change.wanted.name == "FS_GCS_ENABLE"]
    others = [change for change in good if change.wanted.name != "FS_GCS_ENABLE"]
    if others:
        data = {"count": len(others), "total": len(kept)}
        lines.append(
            PreflightLine(
                group=_PARAMETERS,
                level="go",
                what=say(mark("as they should be")),
                measured=say(mark("{count} of {total}"), **data),
                wanted=Phrase(file),
            )
        )
    return sorted(lines, key=lambda each: each.group != _FAILSAFES)


def _failsafe(change: Change) -> PreflightLine:
    """If hullscan dies: what the firmware does then is said even when it is right."""
    return PreflightLine(
        group=_FAILSAFES,
        level="go",
        what=say(mark("if hullscan dies, the vehicle")),
        measured=say(_act(change.wanted.name, change.before)),
        wanted=say(_act(change.wanted.name, change.wanted.value)),
    )


def _why(reason: str) -> Phrase:
    """The file's own reason, and what writes the line."""
    if not reason:
        return say(mark("hullscan params apply writes it, after a look at the difference"))
    return say(mark("{reason}; hullscan params apply writes it"), reason=reason)


def _act(name: str, value: float | None) -> str:
    return _ACTS.get((name, round(value)), "") if value is not None else ""


def _parameter(change: Change, file: str) -> PreflightLine:
    name = change.wanted.name
    vital = name in (_EVERYWHERE if change.missing else _VITAL)
    level: Level = "no-go" if vital else "caution"
    wanted = number_text(change.wanted.value)
    also = [number_text(value) for value in change.wanted.accepts]
    if name == "RNGFND1_TYPE":
        also = [
            f"{number} ({RANGEFINDER_TYPES[number]})" for number in RANGEFINDER_TYPES if number != change.wanted.value
        ]
    if change.before is None:
        measured = say(mark("the vehicle has no such parameter"))
    else:
        act = _act(name, change.before)
        value = number_text(change.before)
        measured = say(mark("{value}: the vehicle {act}"), value=value, act=act) if act else Phrase(value)
    good = _act(name, change.wanted.value)
    told = (
        say(mark("{value}: the vehicle {act}"), value=wanted, act=good) if good else Phrase(" / ".join([wanted, *also]))
    )
    return PreflightLine(
        group=_FAILSAFES if name in FAILSAFES else _PARAMETERS,
        level=level,
        what=Phrase(change.name),
        measured=measured,
        wanted=told,
        todo=_why(change.wanted.why),
    )
