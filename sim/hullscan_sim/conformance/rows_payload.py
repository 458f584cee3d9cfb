"""Rows of sections 2.8 to 2.11: what messages carry, payload, surface tracking, signing."""

from __future__ import annotations

from hullscan_sim.conformance.row import Row
from hullscan_sim.conformance.sees import (
    Ack,
    Came,
    Field,
    Measure,
    Never,
    Number,
    Record,
    Text,
    depth_at,
    field_at,
    moved,
)
from hullscan_sim.conformance.sends import Command, Each, Local, Mark, Post, Signs, Sticks, Wait
from hullscan_sim.messages import mavlink

__all__ = ["ROWS"]

ACCEPTED, FAILED = 0, 4
_KEY = bytes(range(1, 33))
_WRONG = bytes(32 * [7])
_MOUNT = (("MNT1_TYPE", 1.0), ("SERVO10_FUNCTION", 7.0), ("MNT1_PITCH_MIN", -45.0), ("MNT1_PITCH_MAX", 45.0))
_SOUNDER = (("RNGFND1_TYPE", 100.0), ("RNGFND1_ORIENT", 25.0), ("RNGFND1_MAX_CM", 10000.0))
_GRIPPER = (("GRIP_ENABLE", 1.0), ("GRIP_TYPE", 1.0), ("SERVO11_FUNCTION", 28.0))


def _servo(number: int, at_s: float = 0.0, mark: str = "end") -> Measure:
    return field_at("SERVO_OUTPUT_RAW", f"servo{number}_raw", mark, at_s)


def _named(name: str) -> Measure:
    def read(record: Record) -> float | None:
        values = [e.message.value for e in record.of("NAMED_VALUE_FLOAT") if e.message.name == name]
        return values[-1] if values else None

    return read


def _signed(share: bool) -> Measure:
    """Share of the last messages that bear a signature."""

    def read(record: Record) -> float | None:
        first_s, last_s = record.marks["asked"] + 0.5, record.marks["asked"] + 2.0
        last = [e.message for e in record.heard if first_s <= e.time_s <= last_s]
        return sum(bool(m.get_header().incompat_flags & 1) == share for m in last) / len(last) if last else None

    return read


def _setup(key: bytes, timestamp: int = 1) -> Post:
    return Post(mavlink.MAVLink_setup_signing_message(1, 1, list(key), timestamp), 0.5)


_OFF = _setup(bytes(32), 0)

ROWS: tuple[Row, ...] = (
    # ------------------------------------------------------------ 2.8
    Row(
        id="Depth is z, minus VFR_HUD.alt, and minus relative_alt",
        section="2.8",
        start="guided",
        send=(Wait(2),),
        see=(
            Number("z", depth_at(1), 2.7, 3.3, "3"),
            Number("VFR_HUD.alt", field_at("VFR_HUD", "alt", "start", 1), -3.3, -2.7, "-3"),
            Number(
                "relative_alt",
                field_at("GLOBAL_POSITION_INT", "relative_alt", "start", 1),
                -3400,
                -2600,
                "-3000 and 0.1 m",
            ),
        ),
    ),
    Row(
        id="Pressure rises by 100 hPa a metre",
        section="2.8",
        start="guided",
        send=(Wait(2),),
        see=(Number("hPa", field_at("SCALED_PRESSURE", "press_abs", "start", 1), 1290, 1345, "1013 + 100.3 a metre"),),
    ),
    Row(
        id="Battery voltage is told twice, in mV",
        section="2.8",
        send=(Wait(2),),
        see=(
            Number("SYS_STATUS", field_at("SYS_STATUS", "voltage_battery"), 10000, 17000),
            Number("first cell", lambda r: r.of("BATTERY_STATUS")[-1].message.voltages[0], 10000, 17000),
            Field("BATTERY_STATUS", "charge_state", 1),
        ),
    ),
    Row(
        id="Water temperature comes with the third pressure",
        section="2.8",
        send=(Wait(2),),
        see=(Number("cdeg", field_at("SCALED_PRESSURE3", "temperature"), -200, 4100),),
    ),
    # ------------------------------------------------------------ 2.9
    Row(
        id="DO_MOUNT_CONTROL tilts the camera down",
        section="2.9",
        params=_MOUNT,
        boots=True,
        send=(Command(205, (-20, 0, 0, 0, 0, 0, 2), 1.5),),
        see=(Ack(205, ACCEPTED), Number("output 10", _servo(10), 1316, 1328, "1322")),
    ),
    Row(
        id="DO_MOUNT_CONTROL tilts the camera up",
        section="2.9",
        params=_MOUNT,
        boots=True,
        send=(Command(205, (30, 0, 0, 0, 0, 0, 2), 1.5),),
        see=(Ack(205, ACCEPTED), Number("output 10", _servo(10), 1759, 1771, "1765")),
    ),
    Row(
        id="A gimbal manager's angle is flown",
        section="2.9",
        params=_MOUNT,
        boots=True,
        send=(Command(1000, (-20, 0, float("nan"), float("nan"), 0, 0, 0), 1.5),),
        see=(Ack(1000, ACCEPTED), Number("output 10", _servo(10), 1316, 1328, "1322")),
    ),
    Row(
        id="A gimbal manager's rate keeps running",
        section="2.9",
        params=_MOUNT,
        boots=True,
        send=(
            Command(205, (0, 0, 0, 0, 0, 0, 2), 1.5),
            Mark("rate"),
            Command(1000, (float("nan"), float("nan"), 5, 0, 0, 0, 0), 4.0),
            Command(205, (0, 0, 0, 0, 0, 0, 2), 1.0),
        ),
        see=(
            Ack(1000, ACCEPTED, mark="rate"),
            Number("output 10 after 1.5 s", _servo(10, 1.5, "rate"), 1515, 1600),
            Number("output 10 after 3.5 s", _servo(10, 3.5, "rate"), 1600, 1720),
        ),
    ),
    Row(
        id="The gimbal tells its attitude",
        section="2.9",
        params=_MOUNT,
        boots=True,
        send=(Command(511, (285, 200000)), Wait(1.5), Command(511, (285, -1))),
        see=(Ack(511, ACCEPTED), Came("GIMBAL_DEVICE_ATTITUDE_STATUS")),
    ),
    Row(
        id="Without a mount DO_MOUNT_CONTROL fails",
        section="2.9",
        params=(("MNT1_TYPE", 0.0),),
        send=(Command(205, (-20, 0, 0, 0, 0, 0, 2)),),
        see=(Ack(205, FAILED),),
    ),
    Row(
        id="The gripper grabs and releases",
        section="2.9",
        params=_GRIPPER,
        boots=True,
        send=(Command(211, (1, 1), 1.0), Mark("grabbed"), Wait(0.5), Command(211, (1, 0), 1.0)),
        see=(
            Ack(211, ACCEPTED),
            Number("output 11 grabbed", _servo(11, 0.2, "grabbed"), 1899, 1901, "1900"),
            Number("output 11 released", _servo(11), 1099, 1101, "1100"),
        ),
    ),
    Row(
        id="Without a gripper DO_GRIPPER fails",
        section="2.9",
        params=(("GRIP_ENABLE", 0.0),),
        send=(Command(211, (1, 1)),),
        see=(Ack(211, FAILED),),
    ),
    Row(
        id="A camera trigger gives CAMERA_FEEDBACK",
        section="2.9",
        params=(("CAM1_TYPE", 1.0),),
        boots=True,
        send=(Command(203, (0, 0, 0, 0, 1), 1.0),),
        see=(Ack(203, ACCEPTED), Came("CAMERA_FEEDBACK", (("cam_idx", 0),))),
    ),
    Row(
        id="IMAGE_START_CAPTURE gives CAMERA_FEEDBACK",
        section="2.9",
        params=(("CAM1_TYPE", 1.0),),
        boots=True,
        send=(Command(2000, (0, 0, 1, 0), 1.0),),
        see=(Ack(2000, ACCEPTED), Came("CAMERA_FEEDBACK")),
    ),
    Row(
        id="Without a camera a trigger is accepted and nothing comes, a picture is refused",
        section="source",
        params=(("CAM1_TYPE", 0.0),),
        send=(Command(203, (0, 0, 0, 0, 1)), Mark("asked"), Command(2000, (0, 0, 1, 0))),
        see=(Ack(203, ACCEPTED), Ack(2000, FAILED, mark="asked"), Never("CAMERA_FEEDBACK")),
    ),
    Row(
        id="DO_SET_SERVO on the lights sets them, and they stay",
        section="2.9",
        send=(Command(183, (9, 1700), 1.5), Wait(4)),
        see=(
            Ack(183, ACCEPTED),
            Number("Lights1", _named("Lights1"), 0.74, 0.76, "0.75"),
            Number("output 9", _servo(9), 1699, 1701, "1700"),
        ),
    ),
    Row(
        id="The next MANUAL_CONTROL overwrites the lights with its own level",
        section="2.9",
        send=(Command(183, (9, 1700), 1.0), Each(Sticks(), 1.5)),
        see=(Number("output 9", _servo(9), 1050, 1650, "its own"),),
    ),
    Row(
        id="DO_SET_SERVO on a motor is refused",
        section="2.9",
        send=(Command(183, (3, 1600)),),
        see=(Ack(183, FAILED),),
    ),
    Row(
        id="An override of channel 9 sets the lights and falls back after 3 s",
        section="2.9",
        send=(
            Each(Post(mavlink.MAVLink_rc_channels_override_message(1, 1, *[65535] * 8, 1800, *[0] * 9), 0.0), 1.0),
            Mark("silent"),
            Wait(4.5),
        ),
        see=(
            Number("channel 9 after 2 s", field_at("RC_CHANNELS", "chan9_raw", "silent", 2.0), 1799, 1801, "1800"),
            Number("channel 9 after 4 s", field_at("RC_CHANNELS", "chan9_raw", "silent", 4.0), 0, 1, "0"),
        ),
    ),
    # ------------------------------------------------------------ 2.10
    Row(
        id="SURFTRAK below its depth takes the range that it has for its target",
        params=_SOUNDER,
        boots=True,
        section="2.10",
        start="guided",
        send=(Mark("asked"), Command(176, (1, 21), 3.0)),
        see=(
            Ack(176, ACCEPTED),
            Text(6, "rangefinder target is *", mark="asked"),
            Number("RFTarget", _named("RFTarget"), 1.0, 60.0, "15.93"),
            Field("HEARTBEAT", "base_mode", 209),
        ),
    ),
    Row(
        id="SURFTRAK holds its range",
        params=_SOUNDER,
        boots=True,
        section="2.10",
        start="surftrak",
        send=(Wait(8),),
        see=(Number("m sunk", moved(0, 8, axis="z"), -0.4, 0.4, "holds"),),
    ),
    Row(
        id="The pilot moves the target of SURFTRAK",
        params=_SOUNDER,
        boots=True,
        section="2.10",
        start="surftrak",
        send=(Each(Sticks(z=200), 2.5), Each(Sticks(), 3.0)),
        see=(Text(6, "rangefinder target is *"), Number("m sunk", moved(0, 5.5, axis="z"), 0.3, 1.6)),
    ),
    Row(
        id="SURFTRAK above its depth asks to descend",
        params=_SOUNDER,
        boots=True,
        section="source",
        start="guided",
        send=(Local(0x09F8, (0, 0, 0.3)), Wait(9.0), Mark("asked"), Command(176, (1, 21), 1.0)),
        see=(Ack(176, ACCEPTED, mark="asked"), Text(4, "descend below -0.500000 meters to hold range")),
    ),
    # ------------------------------------------------------------ 2.11
    Row(
        id="With a key what the vehicle sends is signed, and unsigned packets still pass on its first port",
        section="2.11",
        send=(_setup(_KEY), Mark("asked"), Wait(2), Command(512, (148,)), _OFF),
        see=(
            Number("share signed", _signed(True), 0.8, 1.0, "all"),
            Came("COMMAND_ACK", (("command", 512), ("result", 0))),
        ),
    ),
    Row(
        id="A key of zeros with a time of zero switches signing off",
        section="2.11",
        send=(_setup(_KEY), _OFF, Mark("asked"), Wait(2)),
        see=(Number("share unsigned", _signed(False), 1.0, 1.0, "all"),),
    ),
    Row(
        id="Armed, a key is not taken",
        section="2.11",
        start="guided",
        send=(_setup(_KEY), Mark("asked"), Wait(1.5)),
        see=(
            Text(4, "ERROR: Won't setup signing when armed"),
            Number("share unsigned", _signed(False), 1.0, 1.0, "all"),
        ),
    ),
    Row(
        id="On its second port unsigned packets are dropped without a word",
        section="2.11",
        vehicle="serial1",
        spoils=True,
        send=(_setup(_KEY, 10**9), Mark("asked"), Command(512, (148,), 1.0)),
        see=(Never("COMMAND_ACK", (("command", 512),)),),
    ),
    Row(
        id="On its second port a wrong key is dropped without a word",
        section="2.11",
        vehicle="serial1",
        spoils=True,
        send=(_setup(_KEY, 10**9), Signs(_WRONG, 2 * 10**9), Command(512, (148,), 1.0), Signs(None)),
        see=(Never("COMMAND_ACK", (("command", 512),)),),
    ),
    Row(
        id="On its second port the right key works at once, with a time of a second after the key's",
        section="2.11",
        vehicle="serial1",
        spoils=True,
        send=(_setup(_KEY, 10**12), Signs(_KEY, 10**12 + 10**5), Command(512, (148,), 1.0), Signs(None)),
        see=(Came("COMMAND_ACK", (("command", 512), ("result", 0))),),
    ),
    Row(
        id="On its second port the right key with a time of a second before is dropped without a word",
        section="source",
        vehicle="serial1",
        spoils=True,
        send=(_setup(_KEY, 10**12), Signs(_KEY, 10**12 - 10**5), Command(512, (148,), 1.0), Signs(None)),
        see=(Never("COMMAND_ACK", (("command", 512),)),),
    ),
    Row(
        id="A signed packet that comes again is dropped",
        section="source",
        vehicle="serial1",
        spoils=True,
        send=(
            _setup(_KEY, 10**9),
            Signs(_KEY, 2 * 10**9),
            Command(512, (148,), 0.5),
            Signs(_KEY, 2 * 10**9),
            Mark("again"),
            Command(176, (1, 2), 0.5),
            Signs(None),
        ),
        see=(Came("COMMAND_ACK", (("command", 512), ("result", 0))), Never("COMMAND_ACK", (("command", 176),))),
    ),
)
