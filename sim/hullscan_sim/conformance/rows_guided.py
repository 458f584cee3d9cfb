"""Rows of section 2.4: setpoints in GUIDED and ALT_HOLD.

Bounds hold what follows from ArduSub's rules and gains tightly; what depends on the body that is flown (lag,
overshoot, speed through the water) has about a factor of 1.5, as built-in, JSON and real bodies differ.
"""

from __future__ import annotations

from collections.abc import Callable
from math import atan2, cos, hypot, radians, sin
from statistics import mean

from hullscan_sim.conformance.row import Row
from hullscan_sim.conformance.sees import (
    Field,
    Measure,
    Never,
    NoText,
    Number,
    Record,
    depth_at,
    heading_at,
    moved,
    speed_at,
    turn_rate_at,
)
from hullscan_sim.conformance.sends import Command, Each, Global, Lean, Local, Mark, Send, Sticks, Wait

__all__ = ["ROWS"]

POSITION, POSITION_YAW, VELOCITY, VELOCITY_YAW, VELOCITY_RATE, POSVEL_YAW = (
    0x0DF8,
    0x09F8,
    0x0DC7,
    0x09C7,
    0x05C7,
    0x09C0,
)
_SPEED = 0.3


def _dropped(words: str, send: Local, section: str = "2.4") -> Row:
    """Sent for two seconds: nothing moves, nothing is said, nothing comes back."""
    return Row(
        id=words,
        section=section,
        start="guided",
        send=(Each(send, 2.0), Wait(1.0)),
        see=(
            Number("m moved", moved(0, 3.0), 0, 0.25, "none"),
            NoText(),
            Never("POSITION_TARGET_LOCAL_NED"),
            Field("HEARTBEAT", "custom_mode", 4),
        ),
    )


def _tracking(quantity: str, ends_s: float) -> Measure:
    """Mean lag along, or distance across, a straight northward path at 0.3 m/s, its first 3 s left out."""

    def read(record: Record) -> float | None:
        start_s = record.marks["start"]
        entries = [e for e in record.of("LOCAL_POSITION_NED") if 3.0 <= e.time_s - start_s <= ends_s]
        first = record.at("LOCAL_POSITION_NED", start_s)
        if not entries or first is None:
            return None
        if quantity == "lag":
            return mean([float(first.x + _SPEED * (e.time_s - start_s) - e.message.x) for e in entries])
        return mean([abs(float(e.message.y - first.y)) for e in entries])

    return read


def _peak(field: str, kind: str = "LOCAL_POSITION_NED", after_s: float = 0.0) -> Measure:
    def read(record: Record) -> float | None:
        values = [getattr(e.message, field) for e in record.of(kind, record.marks["start"] + after_s)]
        return max(values) if values else None

    return read


def _fastest(record: Record) -> float | None:
    speeds = [hypot(e.message.vx, e.message.vy) for e in record.of("LOCAL_POSITION_NED")]
    return max(speeds) if speeds else None


def _reached(north_m: float, within_m: float = 0.15) -> Measure:
    """Seconds until the vehicle is so near a place north of the origin."""

    def read(record: Record) -> float | None:
        start_s = record.marks["start"]
        return next(
            (e.time_s - start_s for e in record.of("LOCAL_POSITION_NED") if abs(e.message.x - north_m) < within_m), None
        )

    return read


def _carrot(mask: int, *, offset_s: float = 0.0) -> Callable[[float], Send]:
    def at(time_s: float) -> Send:
        return Local(mask, (_SPEED * (time_s + offset_s), 0.0, 3.0), (_SPEED, 0.0, 0.0))

    return at


def _q(roll_deg: float, pitch_deg: float, yaw_deg: float) -> tuple[float, float, float, float]:
    cr, sr = cos(radians(roll_deg / 2)), sin(radians(roll_deg / 2))
    cp, sp = cos(radians(pitch_deg / 2)), sin(radians(pitch_deg / 2))
    cy, sy = cos(radians(yaw_deg / 2)), sin(radians(yaw_deg / 2))
    return (
        cr * cp * cy + sr * sp * sy,
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
    )


def _bearing(from_s: float, to_s: float) -> Measure:
    """Direction of the way made good, degrees."""

    def read(record: Record) -> float | None:
        start_s = record.marks["turned"] if "turned" in record.marks else record.marks["start"]
        a, b = (record.at("LOCAL_POSITION_NED", start_s + t) for t in (from_s, to_s))
        return atan2(b.y - a.y, b.x - a.x) * 57.29578

    return read


_AWAY = (3.0, 3.0, 5.0)
_TURNED = (Local(POSITION_YAW, (0, 0, 3), yaw=radians(90)), Wait(5.0), Mark("turned"))

ROWS: tuple[Row, ...] = (
    # ------------------------------------------------------------ dropped
    _dropped("A position with an acceleration that counts is dropped", Local(POSITION & ~0x1C0, _AWAY)),
    _dropped(
        "A position with one acceleration bit missing moves nothing",
        Local(0x09C0 & ~0x1C0 | 0x38, (0, 0, 3), (0, 0, 0)),
    ),
    _dropped("An acceleration alone is dropped", Local(0x0C3F, acceleration=(0.3, 0.0, 0.0))),
    _dropped("Position, velocity and acceleration together are dropped", Local(0x0C00, _AWAY, (0.3, 0, 0))),
    _dropped("Ignoring x and y drops z too", Local(POSITION | 0x003, _AWAY)),
    _dropped("Ignoring z drops x and y too", Local(POSITION | 0x004, _AWAY)),
    _dropped("A vertical velocity alone is dropped", Local(VELOCITY | 0x018, velocity=(0, 0, 0.3))),
    _dropped("A level velocity without the vertical is dropped", Local(VELOCITY | 0x020, velocity=(0.3, 0.3, 0))),
    _dropped("A message that ignores everything is dropped", Local(0x0FFF, _AWAY)),
    _dropped("A frame that is not for local setpoints is dropped", Local(POSITION, _AWAY, frame=3)),
    _dropped("The frame of a global altitude is dropped", Local(POSITION, _AWAY, frame=6), section="source"),
    Row(
        id="In ALT_HOLD a local setpoint does nothing",
        section="2.4",
        start="alt_hold",
        send=(Each(Local(POSITION_YAW, _AWAY), 2.0), Wait(2)),
        see=(Number("m moved", moved(0, 4), 0, 0.5, "none"), Field("HEARTBEAT", "custom_mode", 2), NoText()),
    ),
    Row(
        id="In POSHOLD a local setpoint does nothing",
        section="2.4",
        start="poshold",
        send=(Each(Local(VELOCITY, velocity=(0.4, 0, 0)), 2.0), Wait(1)),
        see=(Number("m moved", moved(0, 3), 0, 0.35, "none"), Field("HEARTBEAT", "custom_mode", 16), NoText()),
    ),
    # ------------------------------------------------------------ position
    Row(
        id="A leg of 5 m is flown from rest to rest and ends in a hold",
        section="2.4",
        start="guided",
        send=(Local(POSITION_YAW, (5, 0, 3)), Wait(25)),
        see=(
            Number("s to within 15 cm", _reached(5.0), 5.5, 10.5, "7.0"),
            Number("m/s at most", _fastest, 0.5, 1.0, "0.75"),
            Number("north at the end", moved(0, 25, axis="x"), 4.8, 5.2, "5"),
            Number("m moved in the last 5 s", moved(20, 25), 0, 0.15, "holds"),
        ),
    ),
    Row(
        id="A dive of 3 m takes five seconds",
        section="2.4",
        start="guided",
        send=(Local(POSITION_YAW, (0, 0, 6)), Wait(12)),
        see=(
            Number("m down after 0.5 s", moved(0, 0.5, axis="z"), -0.1, 0.15, "starts after about 1 s"),
            Number("m down after 5.5 s", moved(0, 5.5, axis="z"), 2.6, 3.3, "2.9 at 5 s"),
            Number("vz at most", _peak("vz"), 0.6, 1.3, "1.0"),
            Number("deepest", _peak("z"), 5.95, 6.35, "6.13"),
            Number("depth at 12 s", depth_at(12), 5.9, 6.17, "6"),
        ),
    ),
    Row(
        id="A position holds for ever",
        section="2.4",
        start="guided",
        slow=True,
        send=(Wait(60),),
        see=(Number("m moved in a minute", moved(0, 60), 0, 0.25, "holds"),),
    ),
    Row(
        id="A position with yaw turns at 60 deg/s",
        section="2.4",
        start="guided",
        send=(Local(POSITION_YAW, (0, 0, 3), yaw=radians(90)), Wait(10)),
        see=(
            Number("deg after 1 s", heading_at(1.0), 15, 60, "10 % at 0.4 s"),
            Number("deg after 2.4 s", heading_at(2.4), 80, 100, "90 % at 2.0 s, peak 95"),
            Number("deg/s after 1.1 s", turn_rate_at(1.1), 35, 68, "60"),
            Number("deg at 10 s", heading_at(10), 86, 94, "90 and 1 or 2"),
        ),
    ),
    Row(
        id="A stream of positions is planned anew by every message and stalls",
        section="2.4",
        start="guided",
        send=(Each(_carrot(POSITION_YAW), 14.0),),
        see=(Number("m of mean lag", _tracking("lag", 14), 0.45, 4.0, "1.31"),),
    ),
    Row(
        id="A body offset position is relative to where the vehicle is when it comes",
        section="2.4",
        start="guided",
        send=(*_TURNED, Local(POSITION, (2, 0, 0), frame=9), Wait(12)),
        see=(
            Number("deg of the way", _bearing(0, 12), 80, 100, "90"),
            Number("m moved", moved(0, 12, "turned", axis="level"), 1.8, 2.2, "2"),
        ),
    ),
    Row(
        id="A body position is an offset too",
        section="2.4",
        start="guided",
        send=(*_TURNED, Local(POSITION, (2, 0, 0), frame=8), Wait(12)),
        see=(
            Number("deg of the way", _bearing(0, 12), 80, 100, "90"),
            Number("m moved", moved(0, 12, "turned", axis="level"), 1.8, 2.2, "2"),
        ),
    ),
    Row(
        id="A local offset is along north whatever the heading",
        section="source",
        start="guided",
        send=(*_TURNED, Local(POSITION, (2, 0, 0), frame=7), Wait(12)),
        see=(
            Number("deg of the way", _bearing(0, 12), -10, 10, "0"),
            Number("m moved", moved(0, 12, "turned", axis="level"), 1.8, 2.2, "2"),
        ),
    ),
    # ------------------------------------------------------------ velocity
    Row(
        id="A velocity is undershot, and after 3 s of silence it brakes",
        section="2.4",
        start="guided",
        send=(Each(Local(VELOCITY_YAW, velocity=(_SPEED, 0, 0)), 8.0), Mark("silent"), Wait(9)),
        see=(
            Number("m/s after 2 s", speed_at(2.0), 0.1, 0.27, "0.14 to 0.20"),
            Number("m/s after 8 s", speed_at(8.0), 0.15, 0.29, "0.19 to 0.24"),
            Number("m/s 2.7 s after the last", speed_at(2.7, "silent"), 0.13, 0.3, "goes on for 3 s"),
            Number("m/s 4.2 s after the last", speed_at(4.2, "silent"), -0.01, 0.13, "0.06"),
            Number("m sunk", moved(0, 17, axis="z"), -0.25, 0.25, "depth held"),
            NoText(),
        ),
    ),
    Row(
        id="Zero velocity coasts",
        section="2.4",
        start="guided",
        send=(
            Each(Local(VELOCITY_YAW, velocity=(_SPEED, 0, 0)), 6.0),
            Mark("stop"),
            Each(Local(VELOCITY_YAW, velocity=(0, 0, 0)), 6.0),
        ),
        see=(Number("m coasted", moved(0, 6, "stop", axis="level"), 0.12, 0.7, "0.35 to 0.42"),),
    ),
    Row(
        id="A velocity with a yaw rate turns, and never ends turning",
        section="2.4",
        start="guided",
        send=(Each(Local(VELOCITY_RATE, rate=0.3), 2.0), Mark("silent"), Wait(11)),
        see=(
            Number("deg/s after 1.7 s", turn_rate_at(1.7), 14, 20, "17.4"),
            Number("deg/s 10 s after the last", turn_rate_at(10.0, "silent"), 14, 20, "17, for ever"),
        ),
    ),
    Row(
        id="A velocity down is followed, up to the pilot's speed",
        section="source",
        start="guided",
        send=(Each(Local(VELOCITY_YAW, velocity=(0, 0, 0.3)), 4.0),),
        see=(Number("m/s down", speed_at(3.5, axis="vz"), 0.22, 0.36, "0.3"),),
    ),
    *(
        Row(
            id=f"A body velocity in frame {frame} goes forward as the vehicle heads",
            section="2.4",
            start="guided",
            send=(*_TURNED, Each(Local(VELOCITY, velocity=(_SPEED, 0, 0), frame=frame), 6.0)),
            see=(
                Number("deg of the way", _bearing(1.0, 6.0), 70, 110, "90"),
                Number("m/s", speed_at(5.5, "turned"), 0.12, 0.27, "0.2"),
            ),
        )
        for frame in (8, 9, 12)
    ),
    Row(
        id="A yaw in the body offset frame is relative",
        section="source",
        start="guided",
        send=(*_TURNED, Each(Local(VELOCITY_YAW, yaw=radians(30), frame=1), 0.1), Wait(4)),
        see=(Number("deg", heading_at(4.0, "turned"), 24, 36, "30 in the local frame"),),
    ),
    # ------------------------------------------------------------ yaw that sticks
    Row(
        id="Yaw left out turns back to the last yaw commanded, even after the pilot has turned it",
        section="2.4",
        start="guided",
        send=(
            Local(POSITION_YAW, (0, 0, 3), yaw=radians(90)),
            Wait(4),
            Command(176, (1, 2)),
            Each(Sticks(r=700), 3.0),
            Each(Sticks(), 1.5),
            Mark("pilot"),
            Wait(0.3),
            Command(176, (1, 4)),
            Mark("back"),
            Local(POSITION, (0, 0, 3)),
            Wait(6),
        ),
        see=(
            Number("deg by the pilot", lambda record: abs((heading_at(0, "pilot")(record) or 0) - 90), 40, 270, "118"),
            Number("deg when back", heading_at(6.0, "back"), 84, 96, "90"),
        ),
    ),
    # ------------------------------------------------------------ position and velocity
    Row(
        id="Position with velocity and yaw at 10 Hz tracks within decimetres",
        section="2.4",
        start="guided",
        send=(Each(_carrot(POSVEL_YAW), 14.0),),
        see=(
            Number("m of mean lag", _tracking("lag", 14), -0.05, 0.2, "0.11"),
            Number("m of mean cross-track", _tracking("across", 14), 0, 0.1, "0.064"),
            Number("depth at the end", depth_at(14), 2.88, 3.12, "1.7 cm"),
            Number("deg at the end", heading_at(14), -2, 2, "0.1"),
        ),
    ),
    Row(
        id="When position and velocity fall silent the target runs on for 3 s",
        section="2.4",
        start="guided",
        send=(Each(_carrot(POSVEL_YAW), 8.0), Mark("silent"), Wait(14)),
        see=(
            Number("m/s at most", _fastest, 0.36, 0.7, "0.53"),
            Number("m run on", moved(0, 14, "silent", axis="level"), 1.2, 2.8, "2.3"),
            Number("m moved in the last 3 s", moved(11, 14, "silent"), 0, 0.15, "then holds"),
        ),
    ),
    # ------------------------------------------------------------ global
    Row(
        id="A global position in the relative-altitude frame is flown",
        section="2.4",
        start="guided",
        send=(Global(POSITION, 3, 0, -3.0), Wait(15)),
        see=(
            Number("m north", moved(0, 15, axis="x"), 2.75, 3.25, "3"),
            Number("m down", moved(0, 15, axis="z"), -0.6, 0.6),
        ),
    ),
    Row(
        id="In ALT_HOLD a global setpoint sets the depth alone",
        section="2.4",
        start="alt_hold",
        send=(Each(Global(POSITION, 5, 0, -4.0), 0.2), Wait(8)),
        see=(
            Number("m down", moved(0, 8, axis="z"), 0.3, 0.75, "0.48"),
            Number("m level", moved(0, 8, axis="level"), 0, 1.0),
        ),
    ),
    # ------------------------------------------------------------ attitude
    Row(
        id="Attitude with thrust leans as asked, and after 1 s of silence it levels and keeps its yaw",
        section="2.4",
        start="guided",
        send=(Each(Lean(0x07, _q(10, -15, 45)), 5.0), Mark("silent"), Wait(4)),
        see=(
            Number("roll", heading_at(5, angle="roll"), 8, 12, "10.1"),
            Number("pitch", heading_at(5, angle="pitch"), -17, -12, "-14.4"),
            Number("yaw", heading_at(5), 40, 50, "43.4"),
            Number("roll 0.8 s after the last", heading_at(0.8, "silent", angle="roll"), 7, 12),
            Number("roll 4 s after the last", heading_at(4, "silent", angle="roll"), -2, 2, "level"),
            Number("yaw 4 s after the last", heading_at(4, "silent"), 40, 50, "kept"),
        ),
    ),
    Row(
        id="Thrust below half sinks",
        section="2.4",
        start="guided",
        send=(Each(Lean(0x07, _q(0, 0, 0), 0.25), 4.0),),
        see=(Number("m/s down", speed_at(3.5, axis="vz"), 0.6, 0.9, "0.75"),),
    ),
    Row(
        id="Attitude without thrust leans in ALT_HOLD, for 5 s after the last",
        section="2.4",
        start="alt_hold",
        send=(Each(Lean(0x40, _q(0, 20, 90)), 4.0), Mark("silent"), Wait(9)),
        see=(
            Number("pitch", heading_at(4, angle="pitch"), 15, 23, "20"),
            Number("yaw", heading_at(4), 84, 96, "90"),
            Number("pitch 4.5 s after the last", heading_at(4.5, "silent", angle="pitch"), 15, 23, "held 5 s"),
            Number("pitch 9 s after the last", heading_at(9, "silent", angle="pitch"), -3, 3, "level"),
            Number("yaw 9 s after the last", heading_at(9, "silent"), -8, 8, "the old heading"),
        ),
    ),
    Row(
        id="A z above the surface is accepted without a word",
        section="2.4",
        start="guided",
        spoils=True,
        send=(Local(POSITION_YAW, (0, 0, -1)), Wait(12)),
        see=(
            NoText(),
            Number("m risen", moved(0, 12, axis="z"), -5.5, -2.3, "flies out of the water"),
            Field("HEARTBEAT", "custom_mode", 4),
        ),
    ),
    Row(
        id="A flight above the surface spoils every later depth",
        section="2.4",
        start="guided",
        spoils=True,
        send=(
            Wait(1.5),
            Local(POSITION_YAW, (0, 0, -2)),
            Wait(12.0),
            Mark("back"),
            Local(POSITION_YAW, (0, 0, 3)),
            Wait(15),
        ),
        see=(
            Number(
                "m of depth too deep, more than before", lambda record: _depth_error(record), 0.05, 1e4, "0.1 and more"
            ),
        ),
    ),
)


def _depth_error(record: Record) -> float | None:
    """How much deeper it believes to be than the raw pressure says, at the end against the start, m."""
    errors: list[float] = []
    for first_s, last_s in ((0.0, 1.0), (-2.0, 0.0)):
        mark_s = record.marks["start" if not errors else "end"]
        pressures = [
            e.message.press_abs for e in record.of("SCALED_PRESSURE") if first_s <= e.time_s - mark_s <= last_s
        ]
        depths = [e.message.z for e in record.of("LOCAL_POSITION_NED") if first_s <= e.time_s - mark_s <= last_s]
        if not pressures or not depths:
            return None
        errors.append(mean(depths) - (mean(pressures) - 1013.25) / 98.0)
    return errors[1] - errors[0]
