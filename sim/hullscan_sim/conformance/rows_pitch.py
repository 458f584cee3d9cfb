"""Rows about the pitch of the frame by its stick in GUIDED, and what becomes of it when the station falls silent."""

from __future__ import annotations

from hullscan_sim.conformance.row import Row
from hullscan_sim.conformance.sees import Field, Number, Record, Text, heading_at, moved
from hullscan_sim.conformance.sends import Each, Heartbeats, Local, Mark, Sticks, Wait

__all__ = ["ROWS"]

_POSITION_YAW = 0x09F8
_LEANS = Each(Sticks(s=250), 10.0, 4.0)


def _pitch(words: str, at_s: float, mark: str, low: float, high: float, sheet: str) -> Number:
    return Number(words, heading_at(at_s, mark, angle="pitch"), low, high, sheet)


def _in_alt_hold(record: Record) -> float | None:
    """Seconds from the silence to the first heartbeat in it."""
    silent_s = record.marks["silent"]
    found = (e.time_s - silent_s for e in record.of("HEARTBEAT", silent_s) if e.message.custom_mode == 2)
    return next(found, None)


ROWS: tuple[Row, ...] = (
    Row(
        id="In GUIDED the pitch stick leans the frame, which holds its place, until 3 s after the last",
        section="source",
        start="guided",
        send=(Local(_POSITION_YAW, (0, 0, 3)), Wait(3), Mark("leans"), _LEANS, Mark("silent"), Wait(8)),
        see=(
            _pitch("pitch after 6 s", 6, "leans", 22, 31, "26"),
            _pitch("pitch after 9.5 s", 9.5, "leans", 22, 31, "26"),
            Number("m moved from 3 to 9.5 s", moved(3, 9.5, "leans"), 0, 0.25),
            _pitch("pitch 2.3 s after the last", 2.3, "silent", 20, 33, "kept"),
            _pitch("pitch 7.5 s after the last", 7.5, "silent", -4, 4, "level"),
            Number("m moved in those", moved(0, 7.5, "silent"), 0, 0.35),
            Field("HEARTBEAT", "custom_mode", 4),
        ),
    ),
    Row(
        id="A station that dies while it pitches the frame leaves it level, and at its depth by FS_GCS_ENABLE 3",
        section="source",
        start="guided",
        params=(("FS_GCS_ENABLE", 3),),
        send=(Local(_POSITION_YAW, (0, 0, 3)), _LEANS, Heartbeats(False), Mark("silent"), Wait(9)),
        see=(
            _pitch("pitch before", 0, "silent", 22, 31, "26"),
            Number("s to ALT_HOLD", _in_alt_hold, 2.0, 3.3, "2.5: sticks count as a heartbeat"),
            _pitch("pitch 8.5 s after", 8.5, "silent", -4, 4, "level"),
            Field("HEARTBEAT", "custom_mode", 2),
            Field("HEARTBEAT", "base_mode", 209),
            Number("m sunk", moved(0, 8.5, "silent", axis="z"), -0.4, 0.4),
        ),
    ),
    Row(
        id="Sticks that fall silent while they pitch the frame are told of by FS_PILOT_INPUT 1, and it levels itself",
        section="source",
        start="guided",
        vehicle="hardware",
        params=(("FS_PILOT_INPUT", 1),),
        send=(Local(_POSITION_YAW, (0, 0, 3)), _LEANS, Mark("silent"), Wait(8)),
        see=(
            Text(2, "Lost manual control", 2.6, 3.5, "silent"),
            _pitch("pitch 7.5 s after", 7.5, "silent", -4, 4, "level"),
            Field("HEARTBEAT", "base_mode", 217),
            Field("HEARTBEAT", "custom_mode", 4),
        ),
    ),
)
