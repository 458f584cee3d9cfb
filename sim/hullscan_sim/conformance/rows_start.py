"""Rows of sections 2.1 and 2.2: start-up, streams, parameters."""

from __future__ import annotations

from hullscan_sim.conformance.row import Row
from hullscan_sim.conformance.sees import (
    LOST,
    WITH_GPS,
    Ack,
    Came,
    Field,
    Frequency,
    Measure,
    Never,
    NoAck,
    Number,
    Record,
    Text,
)
from hullscan_sim.conformance.sends import Command, Mark, Post, Reads, Sets, Wait, WaitUntil
from hullscan_sim.messages import mavlink

__all__ = ["ROWS"]

ACCEPTED, DENIED, UNSUPPORTED, FAILED = 0, 2, 3, 4


def _first(kind: str, field: str, *values: int) -> Measure:
    """When a field first has one of these values, seconds after the start."""

    def read(record: Record) -> float | None:
        return next((e.time_s for e in record.of(kind) if getattr(e.message, field) in values), None)

    return read


def _listing(record: Record) -> float | None:
    """Share of a parameter listing that came, by index."""
    values = [e.message for e in record.of("PARAM_VALUE") if e.message.param_index != 65535]
    return len({m.param_index for m in values}) / values[0].param_count if values else None


def _interval(number: int, rate_hz: float) -> Command:
    return Command(511, (number, 1e6 / rate_hz if rate_hz else 0.0))


_TIMELINE = (
    ("Both barometers are calibrated at once", (6, "Barometer 1 calibration complete", 0.0, 1.0)),
    ("It says that it is ready 1.7 s after power-up", (6, "ArduPilot Ready", 1.2, 2.4)),
    ("DCM runs from 1.7 s", (6, "AHRS: DCM active", 1.2, 2.4)),
    ("The first filter is there at 3.7 s", (6, "EKF3 IMU0 initialised", 3.0, 4.5)),
    ("The second filter is there at 3.7 s", (6, "EKF3 IMU1 initialised", 3.0, 4.5)),
    ("EKF3 takes over at 3.7 s", (6, "AHRS: EKF3 active", 3.0, 4.5)),
    ("Tilt is aligned at 5.2 s", (6, "EKF3 IMU0 tilt alignment complete", 4.5, 6.2)),
    ("Yaw is aligned at 5.4 s", (6, "EKF3 IMU0 MAG0 initial yaw alignment complete", 4.5, 6.5)),
    ("The GPS is found at 7.8 s", (6, "GPS 1: detected as u-blox at 230400 baud", 6.0, 10.0)),
    ("The origin is set at 18 s", (6, "EKF3 IMU0 origin set", 16.0, 20.0)),
    ("GPS is used from 41 s", (6, "EKF3 IMU0 is using GPS", 38.0, 45.0)),
)

_DEFAULT_RATES = (
    ("HEARTBEAT", 0.9, 1.1),
    ("ATTITUDE", 8.0, 10.6),
    ("AHRS2", 8.0, 10.6),
    ("VFR_HUD", 8.0, 10.6),
    ("AHRS", 2.4, 3.2),
    ("EKF_STATUS_REPORT", 2.4, 3.2),
    ("SYSTEM_TIME", 2.4, 3.2),
    ("BATTERY_STATUS", 2.4, 3.2),
    ("VIBRATION", 2.4, 3.2),
    ("GLOBAL_POSITION_INT", 2.4, 3.2),
    ("SYS_STATUS", 1.7, 2.2),
    ("POWER_STATUS", 1.7, 2.2),
    ("MEMINFO", 1.7, 2.2),
    ("MISSION_CURRENT", 1.7, 2.2),
    ("GPS_RAW_INT", 1.7, 2.2),
    ("NAV_CONTROLLER_OUTPUT", 1.7, 2.2),
    ("SERVO_OUTPUT_RAW", 1.7, 2.2),
    ("RC_CHANNELS", 1.7, 2.2),
    ("RAW_IMU", 1.7, 2.2),
    ("SCALED_IMU2", 1.7, 2.2),
    ("SCALED_IMU3", 1.7, 2.2),
    ("SCALED_PRESSURE", 1.7, 2.2),
    ("SCALED_PRESSURE2", 1.7, 2.2),
    ("SCALED_PRESSURE3", 1.7, 2.2),
    ("NAMED_VALUE_FLOAT", 15.0, 20.0),
    ("TIMESYNC", 0.08, 0.12),
)

ROWS: tuple[Row, ...] = (
    *(
        Row(id=words, section="2.1", start="watched power-up", see=(Text(severity, text, low_s, high_s),))
        for words, (severity, text, low_s, high_s) in _TIMELINE
    ),
    Row(
        id="The first heartbeat is a disarmed submarine in MANUAL on standby",
        section="2.1",
        start="watched power-up",
        see=(
            Came(
                "HEARTBEAT",
                (("type", 12), ("autopilot", 3), ("base_mode", 81), ("custom_mode", 19), ("system_status", 3)),
            ),
        ),
    ),
    Row(
        id="EKF flags are 831 from 41 s, 895 with a sounder that looks down",
        section="2.1",
        start="watched power-up",
        see=(
            Number("flags 831 at s", _first("EKF_STATUS_REPORT", "flags", *WITH_GPS), 38, 45, "41"),
            Field("EKF_STATUS_REPORT", "flags", WITH_GPS),
        ),
    ),
    Row(
        id="Without a position the flags are 167, 231 with a sounder that looks down",
        section="2.1",
        start="watched power-up",
        see=(Field("EKF_STATUS_REPORT", "flags", LOST, mark="start", at_s=15.0),),
    ),
    Row(
        id="Origin and home are sent when the origin is set",
        section="2.1",
        start="watched power-up",
        see=(Came("GPS_GLOBAL_ORIGIN"), Came("HOME_POSITION")),
    ),
    Row(
        id="LOCAL_POSITION_NED comes only once there is a position",
        section="2.2",
        start="watched power-up",
        see=(
            Number(
                "first LOCAL_POSITION_NED at s",
                lambda record: record.of("LOCAL_POSITION_NED")[0].time_s if record.of("LOCAL_POSITION_NED") else None,
                38,
                45,
                "41 in its recordings",
            ),
        ),
    ),
    *(
        Row(
            id=f"{kind} is streamed unasked, {low_hz:g} to {high_hz:g} times a second",
            section="2.2",
            start="watched power-up",
            see=(Frequency(kind, low_hz, high_hz, after_s=20.0),),
        )
        for kind, low_hz, high_hz in _DEFAULT_RATES
    ),
    Row(
        id="Nine values are told by name",
        section="2.2",
        start="watched power-up",
        see=tuple(
            Came("NAMED_VALUE_FLOAT", (("name", name),))
            for name in (
                "CamTilt",
                "CamPan",
                "TetherTrn",
                "Lights1",
                "Lights2",
                "PilotGain",
                "InputHold",
                "RollPitch",
                "RFTarget",
            )
        ),
    ),
    Row(
        id="Without a range there is no surface-tracking target",
        section="2.8",
        start="watched power-up",
        see=(
            Number(
                "RFTarget",
                lambda record: next(
                    (e.message.value for e in record.of("NAMED_VALUE_FLOAT") if e.message.name == "RFTarget"), None
                ),
                -0.011,
                -0.009,
                "-0.01",
            ),
        ),
    ),
    Row(
        id="Before any light was set Lights1 reads -1.375",
        section="2.8",
        start="watched power-up",
        see=(
            Number(
                "Lights1",
                lambda record: next(
                    (e.message.value for e in record.of("NAMED_VALUE_FLOAT") if e.message.name == "Lights1"), None
                ),
                -1.38,
                -1.37,
                "-1.375",
            ),
        ),
    ),
    # ------------------------------------------------------------ before there is a position
    Row(
        id="It arms four seconds after power-up, without a position",
        section="2.3",
        start="power-up",
        send=(WaitUntil(4.0), Mark("armed"), Command(400, (1,), 2.0), Command(400, (0,))),
        spoils=True,
        see=(
            Ack(400, ACCEPTED, mark="armed"),
            Text(4, "Backup location parameters are missing or zero", mark="armed"),
            Text(4, "Compass performance degraded", mark="armed"),
            Came("HEARTBEAT", (("base_mode", 209), ("system_status", 4))),
        ),
    ),
    Row(
        id="GUIDED is refused before there is a position",
        section="2.3",
        start="power-up",
        send=(WaitUntil(7.0), Mark("asked"), Command(176, (1, 4))),
        spoils=True,
        see=(
            Ack(176, FAILED, mark="asked"),
            Text(4, "Mode change failed: GUIDED requires position", mark="asked"),
            Field("HEARTBEAT", "custom_mode", 19),
        ),
    ),
    Row(
        id="AUTO is refused before there is a position",
        section="2.3",
        start="power-up",
        send=(WaitUntil(7.0), Mark("asked"), Command(176, (1, 3))),
        spoils=True,
        see=(Ack(176, FAILED, mark="asked"), Text(4, "Mode change failed: AUTO requires position", mark="asked")),
    ),
    Row(
        id="CIRCLE is refused before there is a position",
        section="source",
        start="power-up",
        send=(WaitUntil(7.0), Mark("asked"), Command(176, (1, 7))),
        spoils=True,
        see=(Ack(176, FAILED, mark="asked"), Text(4, "Mode change failed: CIRCLE requires position", mark="asked")),
    ),
    Row(
        id="POSHOLD is refused before there is a position",
        section="2.3",
        start="power-up",
        send=(WaitUntil(7.0), Mark("asked"), Command(176, (1, 16))),
        spoils=True,
        see=(Ack(176, FAILED, mark="asked"), Text(4, "Flight mode change failed POSHOLD", mark="asked")),
    ),
    Row(
        id="HOME_POSITION cannot be had before there is an origin",
        section="2.2",
        start="power-up",
        send=(WaitUntil(7.0), Mark("asked"), Command(512, (49,))),
        spoils=True,
        see=(Never("GPS_GLOBAL_ORIGIN"),),
    ),
    # ------------------------------------------------------------ intervals and requests
    Row(
        id="An interval is kept exactly",
        section="2.2",
        send=(_interval(74, 20), Wait(5), Command(511, (74, 0))),
        see=(Ack(511, ACCEPTED), Frequency("VFR_HUD", 19.0, 21.0, after_s=0.3)),
    ),
    Row(
        id="A negative interval stops a message",
        section="2.2",
        send=(Command(511, (74, -1)), Wait(3), Command(511, (74, 0))),
        see=(
            Ack(511, ACCEPTED),
            Number(
                "VFR_HUD in 3 s",
                lambda record: float(
                    len([e for e in record.of("VFR_HUD") if 0.4 < e.time_s - record.marks["start"] < 3.0])
                ),
                0,
                0,
            ),
        ),
    ),
    *(
        Row(
            id=f"An interval for message {number} is denied and said to be unknown",
            section="2.2",
            send=(_interval(number, 10),),
            see=(Ack(511, DENIED), Text(6, f"No ap_message for mavlink id ({number})")),
        )
        for number in (44, 253, 331, 386)
    ),
    *(
        Row(
            id=f"{kind} is promised and never comes",
            section="2.2",
            send=(_interval(number, 10), Wait(3)),
            see=(Ack(511, ACCEPTED), Never(kind)),
        )
        for number, kind in ((83, "ATTITUDE_TARGET"), (85, "POSITION_TARGET_LOCAL_NED"))
    ),
    *(
        Row(
            id=f"{kind} comes when it is requested",
            section="2.2",
            send=(Command(512, (number,)),),
            see=(Ack(512, ACCEPTED), Came(kind)),
        )
        for number, kind in ((148, "AUTOPILOT_VERSION"), (242, "HOME_POSITION"), (49, "GPS_GLOBAL_ORIGIN"))
    ),
    *(
        Row(
            id=f"Message {number} cannot be requested",
            section="2.2",
            send=(Command(512, (number,)),),
            see=(Ack(512, FAILED),),
        )
        for number in (395, 397, 435)
    ),
    Row(
        id="It reports itself as ArduSub 4.5.3",
        section="0",
        send=(Command(512, (148,)),),
        see=(
            Field("AUTOPILOT_VERSION", "flight_sw_version", 0x040503FF),
            Field("AUTOPILOT_VERSION", "capabilities", 63975),
        ),
    ),
    Row(
        id="A data stream request changes its rate, and the parameters for good",
        section="2.2",
        send=(
            Post(mavlink.MAVLink_request_data_stream_message(1, 1, 0, 4, 1), 5.0),
            Reads("SR0_POSITION"),
            Reads("SR0_EXTRA1"),
        ),
        params=tuple(
            (f"SR0_{name}", rate)
            for name, rate in (
                ("RAW_SENS", 2),
                ("EXT_STAT", 2),
                ("RC_CHAN", 2),
                ("POSITION", 3),
                ("EXTRA1", 10),
                ("EXTRA2", 10),
                ("EXTRA3", 3),
            )
        ),
        spoils=True,
        see=(
            Frequency("VFR_HUD", 3.6, 4.4, after_s=0.5),
            Frequency("SYS_STATUS", 3.6, 4.4, after_s=0.5),
            Came("PARAM_VALUE", (("param_id", "SR0_POSITION"), ("param_value", 4.0))),
            Came("PARAM_VALUE", (("param_id", "SR0_EXTRA1"), ("param_value", 4.0))),
        ),
    ),
    # ------------------------------------------------------------ parameters
    Row(
        id="A listing brings every parameter with its index",
        section="2.2",
        send=(Post(mavlink.MAVLink_param_request_list_message(1, 1), 4.0),),
        see=(Number("share of the indices", _listing, 1.0, 1.0),),
    ),
    Row(
        id="A parameter that is set is echoed, with index 65535",
        section="2.2",
        send=(Sets("WPNAV_RADIUS", 150),),
        see=(Came("PARAM_VALUE", (("param_id", "WPNAV_RADIUS"), ("param_value", 150.0), ("param_index", 65535))),),
    ),
    Row(
        id="An unknown parameter that is set gets no answer at all",
        section="2.2",
        send=(Sets("NO_SUCH_NAME", 1, 2.0),),
        see=(Never("PARAM_VALUE", (("param_id", "NO_SUCH_NAME"),)),),
    ),
    Row(
        id="An unknown parameter that is read gets no answer at all",
        section="2.2",
        send=(Reads("NO_SUCH_NAME"), Wait(1)),
        see=(Never("PARAM_VALUE", (("param_id", "NO_SUCH_NAME"),)),),
    ),
    Row(
        id="A parameter read by name comes with index 65535",
        section="2.2",
        send=(Reads("FS_LEAK_ENABLE"),),
        see=(Came("PARAM_VALUE", (("param_id", "FS_LEAK_ENABLE"), ("param_index", 65535), ("param_value", 1.0))),),
    ),
    Row(
        id="A parameter read by index comes with that index",
        section="2.2",
        send=(Reads(index=3),),
        see=(Came("PARAM_VALUE", (("param_index", 3),)),),
    ),
    Row(
        id="A listing is not asked for and STAT_RUNTIME comes all the same, with index 65535",
        section="2.2",
        send=(Wait(32),),
        see=(Came("PARAM_VALUE", (("param_id", "STAT_RUNTIME"), ("param_index", 65535))),),
    ),
    Row(
        id="Calibrating the barometer is answered late, and the link is silent meanwhile",
        section="2.3",
        send=(Command(241, (0, 0, 1), 4.0),),
        see=(
            Text(6, "Calibrating barometer"),
            NoAck(241, 0.5),
            Ack(241, ACCEPTED, 4.0),
            Text(6, "Barometer 1 calibration complete", 0.0, 4.0),
        ),
    ),
)
