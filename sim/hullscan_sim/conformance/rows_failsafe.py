"""Rows of section 2.6: what happens when something fails, how soon, and in which words."""

from __future__ import annotations

from hullscan_sim.conformance.row import Row
from hullscan_sim.conformance.sees import (
    BY_DVL,
    DOUBTED,
    LOST,
    Ack,
    Came,
    Field,
    Measure,
    Never,
    NoText,
    Number,
    Record,
    See,
    Text,
    depth_at,
    moved,
    speed_at,
)
from hullscan_sim.conformance.sends import (
    Command,
    Each,
    Fault,
    Hears,
    Heartbeats,
    Local,
    Mark,
    Post,
    Sets,
    Sticks,
    Wait,
    WaitUntil,
)
from hullscan_sim.messages import mavlink

__all__ = ["ROWS"]

ACCEPTED, FAILED = 0, 4
_WATER = 0x20000000
_LOST = "MYGCS: 255, heartbeat lost"
_SILENCE = (Heartbeats(False), Mark("silent"))
# the last heartbeat may be a second old when they stop
_GCS_LOW_S, _GCS_HIGH_S = 1.4, 2.7


def _wet(for_s: float) -> Each:
    """SYS_STATUS of a leak detector in another enclosure: present, enabled, not healthy."""
    return Each(
        Post(mavlink.MAVLink_sys_status_message(_WATER, _WATER, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0), 0.0), for_s, 2.0
    )


def _changed(mode: int) -> Measure:
    """Seconds from the silence to the first heartbeat in a mode."""

    def read(record: Record) -> float | None:
        silent_s = record.marks["silent"]
        return next(
            (e.time_s - silent_s for e in record.of("HEARTBEAT", silent_s) if e.message.custom_mode == mode), None
        )

    return read


def _flags_after(flags: tuple[int, ...]) -> Measure:
    """Seconds until the EKF tells one of these."""

    def read(record: Record) -> float | None:
        start_s = record.marks["start"]
        found = (e.time_s - start_s for e in record.of("EKF_STATUS_REPORT", start_s) if e.message.flags in flags)
        return next(found, None)

    return read


def _gcs(words: str, action: int, *see: See, wait_s: float = 6.0, first_s: float = 0.0) -> Row:
    send = (Wait(first_s), *_SILENCE, Wait(wait_s))
    return Row(id=words, section="2.6", start="guided", params=(("FS_GCS_ENABLE", action),), send=send, see=see)


ROWS: tuple[Row, ...] = (
    # ------------------------------------------------------------ ground station
    _gcs(
        "1: a silent ground station is warned of and GUIDED goes on",
        1,
        Text(4, _LOST, _GCS_LOW_S, _GCS_HIGH_S, "silent"),
        Field("HEARTBEAT", "base_mode", 217),
        Field("HEARTBEAT", "system_status", 5),
        Field("HEARTBEAT", "custom_mode", 4),
        first_s=31.0,
    ),
    _gcs(
        "2, as delivered: a silent ground station disarms",
        2,
        Text(6, "Disarming motors", _GCS_LOW_S, _GCS_HIGH_S, "silent"),
        Field("HEARTBEAT", "base_mode", 89),
    ),
    _gcs(
        "3: a silent ground station makes it hold its depth",
        3,
        Number("s to ALT_HOLD", _changed(2), _GCS_LOW_S, _GCS_HIGH_S, "2.5"),
        Field("HEARTBEAT", "custom_mode", 2),
        Field("HEARTBEAT", "system_status", 5),
        Number("m sunk", moved(0, 6, axis="z"), -0.4, 0.4, "0.25"),
    ),
    _gcs(
        "4: a silent ground station surfaces it, and then it holds its depth",
        4,
        Number("s to SURFACE", _changed(9), _GCS_LOW_S, _GCS_HIGH_S, "2.5"),
        Field("HEARTBEAT", "custom_mode", 2),
        Came("HEARTBEAT", (("custom_mode", 9),)),
        Number("m risen", moved(0, 12, axis="z"), -3.6, -2.2, "3"),
        wait_s=13.0,
    ),
    Row(
        id="0: a silent ground station is not missed",
        section="2.6",
        start="guided",
        params=(("FS_GCS_ENABLE", 0),),
        send=(*_SILENCE, Wait(6)),
        see=(NoText(), Field("HEARTBEAT", "base_mode", 217), Field("HEARTBEAT", "system_status", 4)),
    ),
    Row(
        id="When the heartbeat is back the mode is not restored",
        section="2.6",
        start="guided",
        params=(("FS_GCS_ENABLE", 3),),
        send=(*_SILENCE, Wait(4), Heartbeats(True), Mark("back"), Wait(4)),
        see=(
            Field("HEARTBEAT", "system_status", 5, "silent", 3.0),
            Field("HEARTBEAT", "system_status", 4),
            Field("HEARTBEAT", "custom_mode", 2),
        ),
    ),
    Row(
        id="Disarmed, a silent ground station is told of and nothing is critical",
        section="source",
        send=(*_SILENCE, Wait(5)),
        see=(Field("HEARTBEAT", "system_status", 3),),
    ),
    Row(
        id="Sticks count as a heartbeat of the ground station",
        section="source",
        start="guided",
        send=(Heartbeats(False), Each(Sticks(), 6.0)),
        see=(NoText(_LOST), Field("HEARTBEAT", "base_mode", 217)),
    ),
    # ------------------------------------------------------------ leak
    Row(
        id="1, as delivered: a leak is told, and only by words",
        section="2.6",
        start="guided",
        send=(_wet(4.0), Wait(5)),
        see=(
            Text(2, "Leak Detected", 0.0, 1.0, most=1),
            Field("HEARTBEAT", "custom_mode", 4),
            Never("HEARTBEAT", (("system_status", 5),)),
            Field("HEARTBEAT", "system_status", 4),
        ),
    ),
    Row(
        id="A leak is told again every 20 s while it is wet",
        section="2.6",
        slow=True,
        send=(_wet(44.0),),
        see=(Text(2, "Leak Detected", least=2, most=3),),
    ),
    Row(
        id="2: a leak surfaces it within half a second",
        section="2.6",
        start="guided",
        params=(("FS_LEAK_ENABLE", 2),),
        send=(Wait(20.0), Mark("wet"), _wet(8.0), Wait(6.0)),
        see=(
            Text(2, "Leak Detected", 0.0, 1.0, "wet"),
            Field("HEARTBEAT", "custom_mode", 9, "wet", 1.0),
            Number("m risen in 6 s", moved(0, 6, "wet", axis="z"), -3.6, -2.0, "3 in 4 s"),
            Field("HEARTBEAT", "custom_mode", 2),
        ),
    ),
    Row(
        id="0: a leak is not told",
        section="2.6",
        params=(("FS_LEAK_ENABLE", 0),),
        send=(_wet(3.0),),
        see=(NoText("Leak*"),),
    ),
    # ------------------------------------------------------------ battery
    Row(
        id="1: a low battery is told after 10 s",
        section="2.6",
        start="guided",
        spoils=True,
        params=(("BATT_FS_LOW_ACT", 1), ("BATT_LOW_VOLT", 0.0)),
        send=(
            Sets("BATT_LOW_VOLT", 30.0),
            Wait(13),
        ),
        see=(
            Text(4, "Battery 1 is low *", 8.5, 11.0),
            Field("HEARTBEAT", "system_status", 5),
            Field("HEARTBEAT", "base_mode", 217),
            Field("BATTERY_STATUS", "charge_state", 1, "start", 5.0),
            Field("BATTERY_STATUS", "charge_state", 2),
        ),
    ),
    Row(
        id="2: a low battery disarms",
        section="2.6",
        start="guided",
        spoils=True,
        params=(("BATT_FS_LOW_ACT", 2), ("BATT_LOW_VOLT", 0.0)),
        send=(
            Sets("BATT_LOW_VOLT", 30.0),
            Wait(13),
        ),
        see=(
            Text(4, "Battery 1 is low *", 8.5, 11.0),
            Text(6, "Disarming motors", 8.5, 11.5),
            Field("HEARTBEAT", "base_mode", 89),
        ),
    ),
    Row(
        id="3: a low battery surfaces it",
        section="2.6",
        start="guided",
        spoils=True,
        params=(("BATT_FS_LOW_ACT", 3), ("BATT_LOW_VOLT", 0.0)),
        send=(
            Sets("BATT_LOW_VOLT", 30.0),
            Wait(13),
        ),
        see=(Text(4, "Battery 1 is low *", 8.5, 11.0), Came("HEARTBEAT", (("custom_mode", 9),))),
    ),
    Row(
        id="After a low battery the reason not to arm comes by itself",
        section="2.6",
        spoils=True,
        slow=True,
        params=(("BATT_FS_LOW_ACT", 1), ("BATT_LOW_VOLT", 0.0)),
        send=(
            Sets("BATT_LOW_VOLT", 30.0),
            Wait(45),
        ),
        see=(Text(2, "PreArm: Battery 1 low voltage failsafe"),),
    ),
    Row(
        id="A threshold of nothing switches the low battery off",
        section="2.6",
        start="guided",
        params=(("BATT_FS_LOW_ACT", 2),),
        send=(Wait(13),),
        see=(NoText("Battery*"), Field("HEARTBEAT", "base_mode", 217)),
    ),
    # ------------------------------------------------------------ depth sensor
    Row(
        id="Without a depth sensor it falls back to MANUAL at once",
        section="2.6",
        start="guided",
        send=(Fault("depth_sensor_loss"), Wait(3), Mark("asked"), Command(176, (1, 2), 1.5)),
        spoils=True,
        see=(
            Text(2, "Depth sensor error!", 0.0, 1.5),
            Came("HEARTBEAT", (("custom_mode", 19),)),
            Ack(176, ACCEPTED, mark="asked"),
        ),
    ),
    Row(
        id="Without a depth sensor ALT_HOLD falls back to MANUAL too",
        section="source",
        start="alt_hold",
        send=(Fault("depth_sensor_loss"), Wait(3)),
        spoils=True,
        see=(Text(2, "Depth sensor error!", 0.0, 1.5), Field("HEARTBEAT", "custom_mode", 19)),
    ),
    Row(
        id="Without a depth sensor STABILIZE goes on",
        section="source",
        start="stabilize",
        send=(Fault("depth_sensor_loss"), Wait(3)),
        spoils=True,
        see=(Text(2, "Depth sensor error!", 0.0, 1.5), Field("HEARTBEAT", "custom_mode", 0)),
    ),
    # ------------------------------------------------------------ position
    Row(
        id="When GPS is lost it is doubted after 7 s and given up after 15, the mode stays, the position freezes",
        section="2.6",
        start="guided",
        send=(
            Fault("position_loss"),
            Wait(9.0),
            Mark("doubted"),
            Command(176, (1, 16), 0.5),
            Wait(13.5),
            Mark("lost"),
            Wait(4),
            Mark("asked"),
            Command(176, (1, 16), 0.5),
            Command(176, (1, 4), 0.5),
        ),
        spoils=True,
        see=(
            Number("s to flags 39", _flags_after(DOUBTED), 6.0, 9.0, "7.1"),
            Ack(176, FAILED, mark="doubted"),
            Number("s to flags 167", _flags_after(LOST), 14.0, 17.0, "15"),
            Text(4, "EKF3 IMU0 stopped aiding", 14.0, 17.0),
            Field("EKF_STATUS_REPORT", "flags", LOST),
            Field("HEARTBEAT", "custom_mode", 4),
            Number("m moved on paper", moved(0, 4, "lost", axis="level"), 0, 0.05, "frozen"),
            Ack(176, FAILED, mark="asked"),
            Text(4, "Flight mode change failed POSHOLD", mark="asked"),
            Came("COMMAND_ACK", (("command", 176), ("result", 0))),
        ),
    ),
    Row(
        id="When the DVL is lost aiding stops 5 s later, and the mode stays",
        section="4",
        start="guided",
        vehicle="dvl",
        send=(
            WaitUntil(52.0),  # before it has learned its gyros' biases, aiding that has stopped stays so
            Mark("lost"),
            Fault("dvl_dropout", 14.0),
            Hears("EKF3 IMU0 stopped aiding", 12.0),
            Wait(2),
            Mark("asked"),
            Command(176, (1, 16), 0.5),
            Wait(12),
        ),
        spoils=True,
        see=(
            Text(4, "EKF3 IMU0 stopped aiding", 4.0, 7.0, "lost"),
            Field("EKF_STATUS_REPORT", "flags", LOST, "asked"),
            Ack(176, FAILED, mark="asked"),
            Field("HEARTBEAT", "custom_mode", 4),
            Text(6, "EKF3 IMU0 started relative aiding", 13.9, 15.5, "lost"),
            Field("EKF_STATUS_REPORT", "flags", BY_DVL),
        ),
    ),
    # ------------------------------------------------------------ pilot input, as on hardware
    Row(
        id="At boot the pilot is missed after 3 s, and status stays critical",
        section="2.6",
        start="power-up",
        vehicle="hardware",
        send=(WaitUntil(6.0),),
        spoils=True,
        see=(Text(2, "Lost manual control", 2.5, 3.5), Field("HEARTBEAT", "system_status", 5)),
    ),
    Row(
        id="Without ever a pilot it arms and flies in GUIDED, with status critical",
        section="2.6",
        start="guided",
        vehicle="hardware",
        send=(Local(0x09F8, (1, 0, 3)), Wait(8)),
        see=(
            Field("HEARTBEAT", "base_mode", 217),
            Field("HEARTBEAT", "system_status", 5),
            Number("m", moved(0, 8, axis="x"), 0.8, 1.2),
            NoText(),
        ),
    ),
    Row(
        id="2, as delivered: sticks that fall silent disarm after 3 s, in GUIDED too",
        section="2.6",
        start="guided",
        vehicle="hardware",
        send=(Each(Sticks(), 1.0), Mark("silent"), Wait(5)),
        see=(
            Text(2, "Lost manual control", 2.6, 3.3, "silent", most=1),
            Text(6, "Disarming motors", 2.6, 3.4, "silent"),
            Field("HEARTBEAT", "base_mode", 89),
        ),
    ),
    Row(
        id="1: sticks that fall silent are told of and put to neutral",
        section="2.6",
        start="alt_hold",
        vehicle="hardware",
        params=(("FS_PILOT_INPUT", 1),),
        send=(Each(Sticks(x=500), 3.0), Mark("silent"), Wait(7)),
        see=(
            Text(2, "Lost manual control", 2.6, 3.3, "silent"),
            Field("HEARTBEAT", "base_mode", 209),
            Field("HEARTBEAT", "system_status", 5),
            Number("m/s 6 s after the last", speed_at(6.5, "silent"), 0, 0.15, "neutral"),
        ),
    ),
    Row(
        id="Sticks that come back make it active again",
        section="2.6",
        start="guided",
        vehicle="hardware",
        params=(("FS_PILOT_INPUT", 1),),
        send=(Each(Sticks(), 1.0), Wait(4), Each(Sticks(), 2.0)),
        see=(Came("HEARTBEAT", (("system_status", 5),)), Field("HEARTBEAT", "system_status", 4)),
    ),
    Row(
        id="A stock SITL never misses the pilot",
        section="2.5",
        start="guided",
        send=(Each(Sticks(), 1.0), Wait(6)),
        see=(
            NoText("Lost manual control"),
            Field("HEARTBEAT", "base_mode", 217),
            Field("HEARTBEAT", "system_status", 4),
        ),
    ),
    # ------------------------------------------------------------ disarmed at depth
    Row(
        id="Disarmed at depth it floats up slowly",
        section="2.6",
        start="guided",
        send=(Command(400, (0,)), Wait(10)),
        see=(
            Number("m risen in 10 s", moved(0, 10, axis="z"), -2.5, -0.1, "1"),
            Never("COMMAND_ACK", (("result", 4),)),
            Number("depth", depth_at(10), 0.3, 3.0),
        ),
    ),
)
