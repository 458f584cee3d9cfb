import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from hullscan.vehicle import messages as m
from hullscan.vehicle.codec import BadFrameError, Codec
from hullscan.vehicle.framing import StreamParser

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

AUTOPILOT = m.Source(1, 1)


def packed(*messages, v1=False):
    sender = mavlink.MAVLink(None, srcSystem=1, srcComponent=1)
    return [bytes(message.pack(sender, force_mavlink1=v1)) for message in messages]


def decoded(message):
    return Codec(m.Source(255, 25)).decode(packed(message)[0]).message


DECODED = {
    "a heartbeat of an armed vehicle": (
        mavlink.MAVLink_heartbeat_message(12, 3, 217, 4, 4, 3),
        m.Heartbeat(12, 3, 217, 4, 4),
    ),
    "attitude in radians and boot time in seconds": (
        mavlink.MAVLink_attitude_message(12_500, 0.25, -0.5, 1.5, 0.0, 0.0, 0.125),
        m.Attitude(12.5, 0.25, -0.5, 1.5, (0.0, 0.0, 0.125)),
    ),
    "local position": (
        mavlink.MAVLink_local_position_ned_message(1_000, 1.0, 2.0, 3.0, 0.25, 0.0, -0.25),
        m.LocalPosition(1.0, (1.0, 2.0, 3.0), (0.25, 0.0, -0.25)),
    ),
    "water pressure in pascal": (
        mavlink.MAVLink_scaled_pressure2_message(2_000, 1419.0, 0.0, 1250),
        m.Pressure(2.0, 2, 141_900.0, 12.5),
    ),
    "a Ping's distance in metres": (
        mavlink.MAVLink_distance_sensor_message(500, 20, 5000, 2865, 1, 1, 25, 255),
        m.DistanceSensor(0.5, 1, 25, 28.65, 0.2, 50.0, 1, 0),
    ),
    "the vehicle's UTC": (mavlink.MAVLink_system_time_message(1_700_000_000_500_000, 250), None),
    "a named value": (
        mavlink.MAVLink_named_value_float_message(1_000, b"Lights1", 0.5),
        m.NamedValue(1.0, "Lights1", 0.5),
    ),
    "a refusal for a station": (
        mavlink.MAVLink_command_ack_message(176, 4, 0, 0, 255, 190),
        m.CommandAck(176, 4, 0, m.Source(255, 190)),
    ),
    "a parameter": (
        mavlink.MAVLink_param_value_message(b"FS_GCS_ENABLE", 2.0, 2, 1316, 65_535),
        m.ParamValue("FS_GCS_ENABLE", 2.0, 2, 1316, 65_535),
    ),
    "the operator's sticks": (
        mavlink.MAVLink_manual_control_message(1, 500, -250, 500, 0, 3),
        m.PilotInput(1, 500, -250, 500, 0, 3),
    ),
    "firmware 4.5.3": (
        mavlink.MAVLink_autopilot_version_message(
            63_975, 0x040503FF, 0, 0, 9, list(b"80e8c23a"), [0] * 8, [0] * 8, 0, 0, 0
        ),
        m.AutopilotVersion("4.5.3", "80e8c23a", 63_975, 9),
    ),
}


@pytest.mark.parametrize(("sent", "expected"), DECODED.values(), ids=DECODED.keys())
def test_messages_are_decoded_into_si_units(sent, expected):
    assert decoded(sent) == (expected or m.SystemTime(1_700_000_000.5, 0.25))


def test_what_is_not_measured_is_not_a_number():
    unknown = decoded(mavlink.MAVLink_sys_status_message(0, 0, 0, 0, 65_535, -1, -1, 0, 0, 0, 0, 0, 0))
    assert [unknown.voltage_v, unknown.current_a, unknown.remaining] == [pytest.approx(float("nan"), nan_ok=True)] * 3
    battery = decoded(mavlink.MAVLink_battery_status_message(0, 0, 1, 0, [4000] * 4 + [65_535] * 6, 150, -1, -1, 50))
    assert (battery.voltage_v, battery.current_a, battery.remaining) == (16.0, 1.5, 0.5)


ORDERS = {
    "a setpoint": (
        m.PositionTarget(AUTOPILOT, 1.0, 0x01C0, (1.0, 2.0, 3.0), (0.25, 0.0, 0.0), 0.5, 0.25),
        {"type": "SET_POSITION_TARGET_LOCAL_NED", "coordinate_frame": 1, "type_mask": 0x01C0, "yaw_rate": 0.25},
    ),
    "a command": (
        m.CommandLong(AUTOPILOT, 400, (1.0, 0, 0, 0, 0, 0, 7.0), 2),
        {"type": "COMMAND_LONG", "command": 400, "param1": 1.0, "param7": 7.0, "confirmation": 2},
    ),
    "our heartbeat": (m.Heartbeat(6, 8, 0, 0, 4), {"type": "HEARTBEAT", "autopilot": 8}),
    "sticks": (m.PilotInput(1, 100, -100, 500, 0), {"type": "MANUAL_CONTROL", "target": 1, "x": 100, "z": 500}),
    "a question for a parameter": (
        m.ParamRead(AUTOPILOT, "FS_GCS_ENABLE"),
        {"type": "PARAM_REQUEST_READ", "param_id": "FS_GCS_ENABLE", "param_index": -1},
    ),
    "a parameter to set": (m.ParamSet(AUTOPILOT, "A", 2.5, 9), {"type": "PARAM_SET", "param_value": 2.5}),
    "an origin": (
        m.SetGpsOrigin(1, 35.0767, 129.08),
        {"type": "SET_GPS_GLOBAL_ORIGIN", "latitude": 350_767_000, "longitude": 1_290_800_000},
    ),
}


@pytest.mark.parametrize(("order", "expected"), ORDERS.values(), ids=ORDERS.keys())
def test_orders_are_mavlink_2_frames_that_pymavlink_reads(order, expected):
    raw = Codec(m.Source(255, 25)).encode(order)
    heard = mavlink.MAVLink(None).decode(bytearray(raw))
    assert raw[0] == 0xFD
    assert (heard.get_srcSystem(), heard.get_srcComponent()) == (255, 25)
    assert heard.get_type() == expected.pop("type")
    assert {name: getattr(heard, name) for name in expected} == expected


def test_an_order_that_is_not_ours_to_give_is_a_mistake_of_the_program():
    with pytest.raises(TypeError, match="never sends"):
        Codec(m.Source(255, 25)).encode(m.VfrHud(0.0, 0.0, 0.0))


def test_a_frame_signed_with_the_right_key_passes_and_others_do_not():
    key, utc_s = hashlib.sha256(b"quay").digest(), 1_795_000_000.0
    ours = Codec(m.Source(255, 25), signing_key=key, utc_s=utc_s)
    signed = ours.encode(m.ParamList(AUTOPILOT))
    assert signed[2] == 1
    assert Codec(m.Source(1, 1), signing_key=key, utc_s=utc_s).decode(signed).name == "PARAM_REQUEST_LIST"
    wrong = Codec(m.Source(1, 1), signing_key=hashlib.sha256(b"other").digest(), utc_s=utc_s)
    with pytest.raises(BadFrameError):
        wrong.decode(signed)
    with pytest.raises(BadFrameError):
        ours.decode(packed(mavlink.MAVLink_heartbeat_message(12, 3, 81, 19, 3, 3))[0])


FRAMES = packed(
    mavlink.MAVLink_heartbeat_message(12, 3, 81, 19, 3, 3),
    mavlink.MAVLink_attitude_message(1_000, 0.1, 0.2, 0.3, 0.0, 0.0, 0.0),
    mavlink.MAVLink_statustext_message(6, b"ArduSub V4.5.3 (80e8c23a)"),
    mavlink.MAVLink_vfr_hud_message(0.0, 0.0, 10, 0, -2.5, 0.0),
)
NAMES = ["HEARTBEAT", "ATTITUDE", "STATUSTEXT", "VFR_HUD"]


@PATIENT
@given(st.lists(st.integers(1, 40), max_size=30))
def test_frames_arrive_whole_however_the_stream_is_cut(cuts):
    parser, data, names = StreamParser(Codec(m.Source(255, 25))), b"".join(FRAMES), []
    for cut in [*cuts, len(data)]:
        names += [frame.name for frame in parser.feed(data[:cut])]
        data = data[cut:]
    assert names == NAMES
    assert (parser.bad_runs, parser.skipped_bytes) == (0, 0)


@PATIENT
@given(st.lists(st.binary(max_size=40).map(lambda junk: junk.replace(b"\xfd", b"").replace(b"\xfe", b"")), max_size=4))
def test_garbage_between_frames_costs_no_frame_and_is_counted(junk):
    parser = StreamParser(Codec(m.Source(255, 25)))
    pieces = [piece for pair in zip([*junk, *[b""] * 4], FRAMES, strict=False) for piece in pair]
    assert [frame.name for frame in parser.feed(b"".join(pieces))] == NAMES
    assert parser.skipped_bytes == sum(map(len, junk))
    assert parser.bad_runs == sum(bool(piece) for piece in junk)


def test_boot_text_and_a_broken_frame_before_a_good_one_are_skipped():
    parser = StreamParser(Codec(m.Source(255, 25)))
    broken = bytearray(FRAMES[1])
    broken[14] ^= 0xFF
    frames = parser.feed(b"AP_Logger_File: buffer size=204800\n" + FRAMES[0] + bytes(broken) + FRAMES[3])
    assert [frame.name for frame in frames] == ["HEARTBEAT", "VFR_HUD"]
    assert parser.bad_runs == 2


def test_mavlink_1_frames_and_unknown_messages_are_counted_by_name():
    old = packed(mavlink.MAVLink_attitude_message(1_000, 0.1, 0.2, 0.3, 0.0, 0.0, 0.0), v1=True)[0]
    unknown = bytes([0xFD, 2, 0, 0, 7, 1, 194, 0x10, 0x27, 0x7F, 1, 2, 3, 4])
    parser = StreamParser(Codec(m.Source(255, 25)))
    frames = parser.feed(old + unknown + FRAMES[0])
    assert [frame.name for frame in frames] == ["ATTITUDE", f"UNKNOWN_{0x7F2710}", "HEARTBEAT"]
    assert frames[1].source == m.Source(1, 194)


@PATIENT
@given(st.binary(max_size=400))
def test_any_bytes_are_frames_or_are_skipped(data):
    parser = StreamParser(Codec(m.Source(255, 25)))
    frames = parser.feed(data)
    taken = sum(len(frame.raw) for frame in frames)
    assert taken + parser.skipped_bytes + parser.pending_bytes >= len(data) - 280
