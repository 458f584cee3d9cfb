"""The autopilot's answers, row by row, as ArduSub 4.5.3 was measured to give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_sim_station import Station, station

from hullscan_sim.mavlink_server import parse
from hullscan_sim.messages import mavlink
from hullscan_sim.modes import Mode

ACCEPTED, DENIED, UNSUPPORTED, FAILED = 0, 2, 3, 4

Setup = Callable[[Station], Any]


def fresh(*, stock: bool = True) -> Station:
    """Powered up, with a position, disarmed in MANUAL; on hardware (not ``stock``) the pilot is missed by then."""
    link = station()
    if stock:
        link.simulation.parameters.set("FS_PILOT_INPUT", 0)
    link.run(0.6 if stock else 3.6)
    return link


def nothing(link: Station) -> None:
    """Leave it as it is."""


def armed_in(mode: Mode) -> Setup:
    def setup(link: Station) -> None:
        link.set_mode(mode)
        link.arm()

    return setup


def parameter(name: str, value: float) -> Setup:
    return lambda link: link.set_param(name, value)


# ---------------------------------------------------------------- commands

ROWS: list[Any] = [
    # (what was there before, command, params, acknowledgement, texts that follow)
    pytest.param(nothing, 400, (1,), ACCEPTED, [(6, "Arming motors")], id="arming is accepted in MANUAL"),
    pytest.param(nothing, 400, (1, 21196), ACCEPTED, [(6, "Arming motors")], id="arming by force is accepted"),
    pytest.param(armed_in(Mode.GUIDED), 400, (1,), ACCEPTED, [], id="arming again is harmless"),
    pytest.param(armed_in(Mode.MANUAL), 400, (0,), ACCEPTED, [(6, "Disarming motors")], id="disarming is accepted"),
    pytest.param(nothing, 400, (0,), ACCEPTED, [], id="disarming again is harmless"),
    pytest.param(
        parameter("BTN4_FUNCTION", 0), 400, (1,), FAILED,
        [(2, "Arm: Must assign a disarm or arm_toggle button")], id="without a disarm button it does not arm",
    ),
    pytest.param(nothing, 176, (1, 4), ACCEPTED, [], id="GUIDED with a position"),
    pytest.param(nothing, 176, (1, 16), ACCEPTED, [], id="POSHOLD with a position"),
    pytest.param(nothing, 176, (1, 2), ACCEPTED, [], id="ALT_HOLD"),
    pytest.param(nothing, 176, (0, 4), DENIED, [], id="a mode without the custom-mode bit is denied"),
    pytest.param(nothing, 176, (1, 99), FAILED, [(4, "No such mode 99")], id="a mode that is not there"),
    pytest.param(
        nothing, 176, (1, 3), FAILED, [(4, "Flight mode change failed AUTO")], id="AUTO without a mission"
    ),
    pytest.param(nothing, 21, (), ACCEPTED, [], id="NAV_LAND surfaces"),
    pytest.param(nothing, 17, (), ACCEPTED, [], id="NAV_LOITER_UNLIM holds position"),
    pytest.param(nothing, 300, (), FAILED, [], id="MISSION_START disarmed"),
    pytest.param(
        armed_in(Mode.MANUAL), 300, (), FAILED, [(4, "Flight mode change failed AUTO")],
        id="MISSION_START armed, without a mission",
    ),
    pytest.param(nothing, 22, (), UNSUPPORTED, [], id="TAKEOFF is not supported"),
    pytest.param(nothing, 20, (), UNSUPPORTED, [], id="RTL is not supported"),
    pytest.param(nothing, 192, (), UNSUPPORTED, [], id="DO_REPOSITION is not supported"),
    pytest.param(nothing, 193, (0,), UNSUPPORTED, [], id="DO_PAUSE_CONTINUE is not supported"),
    pytest.param(nothing, 519, (), UNSUPPORTED, [], id="519 is not supported"),
    pytest.param(nothing, 2800, (), UNSUPPORTED, [], id="2800 is not supported"),
    pytest.param(nothing, 43003, (), UNSUPPORTED, [], id="43003 is not supported"),
    pytest.param(nothing, 178, (1, 0.4), ACCEPTED, [], id="DO_CHANGE_SPEED"),
    pytest.param(nothing, 178, (1, 0), FAILED, [], id="DO_CHANGE_SPEED without a speed"),
    pytest.param(nothing, 115, (90, 20, 1, 0), ACCEPTED, [], id="CONDITION_YAW absolute"),
    pytest.param(nothing, 115, (30, 20, 1, 1), ACCEPTED, [], id="CONDITION_YAW relative"),
    pytest.param(nothing, 115, (400, 20, 1, 0), DENIED, [], id="CONDITION_YAW beyond a turn is denied"),
    pytest.param(armed_in(Mode.MANUAL), 185, (1,), ACCEPTED, [(6, "Disarming motors")], id="DO_FLIGHTTERMINATION"),
    pytest.param(
        nothing, 209, (1, 0, 5, 1), FAILED, [(4, "Arm motors before testing motors.")], id="MOTOR_TEST disarmed"
    ),
    pytest.param(
        armed_in(Mode.MANUAL), 241, (0, 0, 1), FAILED, [(5, "Disarm to allow calibration")],
        id="barometer calibration is refused when armed",
    ),
    pytest.param(nothing, 511, (32, 50000), ACCEPTED, [], id="an interval for LOCAL_POSITION_NED"),
    pytest.param(nothing, 511, (85, 100000), ACCEPTED, [], id="an interval that is accepted and never kept"),
    pytest.param(
        nothing, 511, (331, 100000), DENIED, [(6, "No ap_message for mavlink id (331)")], id="an interval for ODOMETRY"
    ),
    pytest.param(
        nothing, 511, (44, 100000), DENIED, [(6, "No ap_message for mavlink id (44)")],
        id="an interval for a mission message",
    ),
    pytest.param(nothing, 512, (148,), ACCEPTED, [], id="AUTOPILOT_VERSION on request"),
    pytest.param(nothing, 512, (242,), ACCEPTED, [], id="HOME_POSITION on request"),
    pytest.param(nothing, 512, (49,), ACCEPTED, [], id="GPS_GLOBAL_ORIGIN on request"),
    pytest.param(nothing, 512, (395,), FAILED, [], id="395 on request"),
    pytest.param(nothing, 512, (397,), FAILED, [], id="397 on request"),
    pytest.param(nothing, 512, (435,), FAILED, [], id="435 on request"),
    pytest.param(nothing, 183, (9, 1700), ACCEPTED, [], id="DO_SET_SERVO on the lights"),
    pytest.param(nothing, 183, (3, 1600), FAILED, [], id="DO_SET_SERVO on a motor"),
    pytest.param(nothing, 205, (-20, 0, 0, 0, 0, 0, 2), ACCEPTED, [], id="DO_MOUNT_CONTROL with a mount"),
    pytest.param(
        parameter("MNT1_TYPE", 0), 205, (-20, 0, 0, 0, 0, 0, 2), FAILED, [], id="DO_MOUNT_CONTROL without a mount"
    ),
    pytest.param(nothing, 211, (1, 1), FAILED, [], id="DO_GRIPPER without a gripper"),
    pytest.param(armed_in(Mode.MANUAL), 246, (1,), FAILED, [], id="no reboot while armed"),
]  # fmt: skip


@pytest.mark.parametrize(("setup", "number", "params", "result", "texts"), ROWS)
def test_a_command_is_answered_as_measured(setup, number, params, result, texts):
    link = fresh()
    setup(link)
    link.run(0.05)
    start = link.now
    assert link.command(number, *params) == result
    assert link.texts(start) == texts
    order = [message.get_type() for _, message in link.received if _ >= start]
    if texts:
        assert order.index("COMMAND_ACK") < order.index("STATUSTEXT"), "the answer comes before the effect"


@pytest.mark.parametrize("number", [400, 176, 115, 22, 511])
def test_command_int_is_answered_like_command_long(number):
    params = {400: (1,), 176: (1, 4), 115: (90, 20, 1, 0), 22: (), 511: (32, 1e5)}[number]
    expected = {22: UNSUPPORTED}.get(number, ACCEPTED)
    assert fresh().command(number, *params, as_int=True) == expected


def test_an_acknowledgement_comes_within_ten_milliseconds_and_names_who_asked():
    link = fresh()
    start = link.now
    assert link.set_mode(Mode.ALT_HOLD) == ACCEPTED
    (ack,) = link.messages("COMMAND_ACK", start)
    assert (ack.target_system, ack.target_component) == (255, 190)
    at = next(at for at, message in link.received if message is ack)
    assert at - start <= 0.0151
    (beat, *_) = link.messages("HEARTBEAT", start)
    assert beat.custom_mode == Mode.ALT_HOLD, "the heartbeat follows a mode change at once"


def test_a_command_for_another_component_is_not_answered():
    link = fresh()
    start = link.now
    link.send(mavlink.MAVLink_command_long_message(1, 100, 400, 0, 1, 0, 0, 0, 0, 0, 0))
    link.send(mavlink.MAVLink_command_long_message(2, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0))
    link.run(0.2)
    assert link.messages("COMMAND_ACK", start) == []
    assert not link.armed


def test_the_old_set_mode_message_works_too_and_is_acknowledged_as_command_11():
    link = fresh()
    start = link.now
    link.send(mavlink.MAVLink_set_mode_message(1, 1, 2))
    link.run(0.1)
    assert link.mode is Mode.ALT_HOLD
    assert [(ack.command, ack.result) for ack in link.messages("COMMAND_ACK", start)] == [(11, 0)]


def test_barometer_calibration_answers_late_and_blocks_the_link_meanwhile():
    link = fresh()
    start = link.now
    assert link.command(241, 0, 0, 1, wait_s=1.2) is None
    assert link.texts(start) == [(6, "Calibrating barometer")] or link.texts(start) == []
    silent = [at for at, _ in link.received if at > start + 0.1]
    assert silent == []
    link.run(1.0)
    assert link.texts(start) == [
        (6, "Calibrating barometer"),
        (6, "Barometer 1 calibration complete"),
        (6, "Barometer 2 calibration complete"),
    ]
    assert [(ack.command, ack.result) for ack in link.messages("COMMAND_ACK", start)] == [(241, 0)]


def test_a_reboot_starts_the_boot_time_over_and_keeps_parameters():
    link = fresh()
    link.set_param("WPNAV_SPEED", 70)
    assert link.command(246, 1) == ACCEPTED
    link.run(2.0)
    assert link.last["ATTITUDE"].time_boot_ms < 2500
    assert link.mode is Mode.MANUAL
    link.send(mavlink.MAVLink_param_request_read_message(1, 1, b"WPNAV_SPEED", -1))
    link.run(0.1)
    assert link.last["PARAM_VALUE"].param_value == 70


# ---------------------------------------------------------------- heartbeat


@pytest.mark.parametrize(
    ("setup", "fields"),
    [
        pytest.param(nothing, (12, 3, 81, 19, 5), id="disarmed in MANUAL, no pilot yet: critical"),
        pytest.param(armed_in(Mode.MANUAL), (12, 3, 209, 19, 5), id="armed in MANUAL"),
        pytest.param(armed_in(Mode.GUIDED), (12, 3, 217, 4, 5), id="armed in GUIDED has the guided bit"),
        pytest.param(armed_in(Mode.POSHOLD), (12, 3, 217, 16, 5), id="armed in POSHOLD has it too"),
        pytest.param(armed_in(Mode.ALT_HOLD), (12, 3, 209, 2, 5), id="armed in ALT_HOLD has not"),
        pytest.param(parameter("FS_PILOT_INPUT", 0), (12, 3, 81, 19, 3), id="stock SITL: standby"),
        pytest.param(
            lambda link: (link.set_param("FS_PILOT_INPUT", 0), armed_in(Mode.GUIDED)(link)),
            (12, 3, 217, 4, 4),
            id="stock SITL: active",
        ),
    ],
)
def test_the_heartbeat_says(setup, fields):
    link = fresh(stock=False)
    setup(link)
    link.run(1.1)
    beat = link.last["HEARTBEAT"]
    assert (beat.type, beat.autopilot, beat.base_mode, beat.custom_mode, beat.system_status) == fields


def test_the_first_heartbeats_are_not_the_vehicles():
    link = station()
    link.simulation.step()
    found = [m for packet in link.link.take() for m in parse(packet) if m.get_type() == "HEARTBEAT"]
    assert [(m.get_srcSystem(), m.get_srcComponent(), m.type) for m in found] == [
        (1, 100, 30), (1, 194, 18), (1, 1, 12),
    ]  # fmt: skip


def test_the_firmware_says_what_it_is():
    link = fresh()
    link.command(512, 148)
    version = link.last["AUTOPILOT_VERSION"]
    assert version.flight_sw_version == 0x040503FF
    assert bytes(version.flight_custom_version) == b"80e8c23a"
    assert version.capabilities == 63975


# ---------------------------------------------------------------- before there is a position


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        pytest.param(4, "Mode change failed: GUIDED requires position", id="GUIDED"),
        pytest.param(3, "Mode change failed: AUTO requires position", id="AUTO"),
        pytest.param(16, "Flight mode change failed POSHOLD", id="POSHOLD"),
    ],
)
def test_without_a_position_a_mode_is_refused_in_words(mode, text):
    link = station(start_up=1.0)
    link.run(4.0)
    start = link.now
    assert link.set_mode(mode) == FAILED
    assert link.texts(start) == [(4, text)]
    assert link.mode is Mode.MANUAL


def test_it_arms_before_it_has_an_origin_and_complains():
    link = station(start_up=1.0)
    link.run(4.0)
    start = link.now
    assert link.arm() == ACCEPTED
    assert link.texts(start) == [
        (6, "Arming motors"),
        (4, "Backup location parameters are missing or zero"),
        (4, "Compass performance degraded"),
    ]


# ---------------------------------------------------------------- payload, battery, time


def test_lights_and_tilt_show_in_named_values():
    link = fresh()
    link.run(1.0)
    assert link.last["Lights1"] == pytest.approx(-1.375), "before any input, far outside 0 to 1"
    link.command(183, 9, 1700)
    link.command(205, -20, 0, 0, 0, 0, 0, 2)
    link.run(1.0)
    assert link.last["Lights1"] == pytest.approx(0.75)
    servos = link.last["SERVO_OUTPUT_RAW"]
    assert servos.servo9_raw == 1700
    assert servos.servo10_raw == pytest.approx(1322, abs=3)
    assert link.last["CamTilt"] == pytest.approx(1 - ((servos.servo10_raw - 1500) / 800 + 0.5), abs=1e-3)
    assert link.simulation.autopilot.payload.lights == pytest.approx(0.75)
    link.command(205, 30, 0, 0, 0, 0, 0, 2)
    link.run(1.0)
    assert link.last["SERVO_OUTPUT_RAW"].servo10_raw == pytest.approx(1765, abs=3)
    assert link.simulation.autopilot.payload.tilt_rad == pytest.approx(0.5236, abs=0.01)


def test_the_next_manual_control_writes_its_own_light_level_over_a_servo_command():
    link = fresh()
    link.command(183, 9, 1700)
    link.run(1.0)
    link.sticks()
    link.run(0.6)
    assert link.last["Lights1"] == pytest.approx(0.0, abs=1e-3)


def test_light_buttons_act_on_the_press_and_in_eighths():
    link = fresh()
    for _ in range(2):
        link.sticks(buttons=1 << 14)
        link.run(0.1)
        link.sticks(buttons=1 << 14)
        link.run(0.1)
        link.sticks()
        link.run(0.1)
    link.run(0.6)
    assert link.last["Lights1"] == pytest.approx(0.25, abs=1e-3)
    link.sticks(buttons=1 << 13)
    link.run(0.8)
    assert link.last["Lights1"] == pytest.approx(0.125, abs=1e-3)


def test_gain_buttons_say_the_new_gain():
    link = fresh()
    start = link.now
    link.sticks(buttons=1 << 12)
    link.run(0.7)
    assert (6, "#Gain is 25%") in link.texts(start)
    assert link.last["PilotGain"] == pytest.approx(0.25)


def test_buttons_arm_and_change_modes():
    link = fresh(stock=False)
    link.sticks(buttons=1 << 6)
    link.run(0.1)
    link.sticks(buttons=1 << 2)
    link.run(1.1)
    assert link.armed
    assert link.mode is Mode.POSHOLD
    link.sticks(buttons=1 << 4)
    link.run(1.1)
    assert not link.armed


def test_the_battery_sags_under_load_and_drains():
    link = fresh()
    link.run(1.0)
    idle = link.last["SYS_STATUS"]
    assert 16000 < idle.voltage_battery < 16900
    assert idle.battery_remaining == 100
    link.set_mode(Mode.ALT_HOLD)
    link.arm()
    link.fly(20.0, lambda t: link.sticks(x=1000, y=1000))
    busy, status = link.last["SYS_STATUS"], link.last["BATTERY_STATUS"]
    assert busy.voltage_battery < idle.voltage_battery - 150
    assert busy.current_battery > 10 * 100
    assert status.voltages[0] == pytest.approx(
        busy.voltage_battery, abs=120
    )  # the load differs between the two messages
    assert status.current_consumed > 50
    assert status.charge_state == 1


def test_system_time_and_timesync_follow_simulated_time():
    link = fresh()
    message = link.last["SYSTEM_TIME"]
    simulation = link.simulation
    boot_utc_s = message.time_unix_usec / 1e6 - message.time_boot_ms / 1e3
    assert boot_utc_s == pytest.approx(simulation.utc_s - simulation.time_s, abs=0.002)
    start = link.now
    link.send(mavlink.MAVLink_timesync_message(0, 123456789))
    link.run(0.05)
    (answer,) = link.messages("TIMESYNC", start)
    assert answer.ts1 == 123456789
    assert answer.tc1 / 1e9 == pytest.approx(link.now, abs=0.06)


def test_an_origin_can_be_set_once_and_only_before_there_is_one():
    link = station(start_up=1.0)
    link.run(4.0)
    link.send(mavlink.MAVLink_set_gps_global_origin_message(1, 351000000, 1291000000, 0))
    link.run(0.2)
    origin = link.last["GPS_GLOBAL_ORIGIN"]
    assert (origin.latitude, origin.longitude) == (351000000, 1291000000)
    assert (6, "EKF3 IMU0 origin set") in link.texts()
    link.send(mavlink.MAVLink_set_gps_global_origin_message(1, 352000000, 1292000000, 0))
    link.run(0.2)
    link.command(512, 49)
    assert link.last["GPS_GLOBAL_ORIGIN"].latitude == 351000000


def test_positions_in_degrees_and_metres_agree():
    link = fresh().ready()
    link.setpoint((3, 2, 2.5), mask=0x0DF8)
    link.run(12)
    place, origin, local = (
        link.last[kind] for kind in ("GLOBAL_POSITION_INT", "GPS_GLOBAL_ORIGIN", "LOCAL_POSITION_NED")
    )
    north = (place.lat - origin.latitude) / 1e7 * 111319.5
    assert north == pytest.approx(local.x, abs=0.1)
    assert place.relative_alt / 1000 == pytest.approx(-local.z, abs=0.15)
    assert link.last["VFR_HUD"].alt == pytest.approx(-local.z, abs=0.1)
    assert link.last["SCALED_PRESSURE"].press_abs == pytest.approx(
        1013.25 + 100.38 * link.simulation.body.down_m, abs=8
    )


def test_what_it_cannot_use_is_ignored():
    """Unknown messages, messages that only a vehicle sends, damaged bytes: no answer, no crash."""
    link = fresh()
    for packet in (b"\xfd\x09\x00\x00\x00\xff\xbe\x00\x00\x00" + bytes(11), b"\x00" * 50, b"\xfe" * 40, b"hello"):
        link.link.put(packet)
    link.send(mavlink.MAVLink_attitude_message(0, 0, 0, 0, 0, 0, 0))
    link.send(mavlink.MAVLink_mission_request_list_message(1, 1))
    link.send(mavlink.MAVLink_mission_count_message(1, 1, 3))
    link.run(0.2)
    assert link.last["MISSION_COUNT"].count == 0
    assert link.last["MISSION_REQUEST"].seq == 0, "an upload that nobody goes on with"
    assert link.set_mode(Mode.ALT_HOLD) == ACCEPTED


# ---------------------------------------------------------------- whatever comes


@pytest.mark.parametrize("seed", range(100, 104))
def test_senseless_parameters_and_setpoints_bend_the_flight_but_do_not_break_the_simulator(seed):
    """Values from a damaged parameter file or a hostile peer: the flight may be bad, the numbers stay numbers."""
    rng = np.random.default_rng(seed)
    link = fresh().ready()
    simulation = link.simulation
    simulation.parameters.set("FS_GCS_ENABLE", 0)
    names = [name for name in simulation.parameters if not name.startswith(("BTN", "FS_", "BATT", "SYSID"))]
    wild = [0.0, -1.0, 1.0, 1e-6, -1e9, 1e9, 3e38, float("nan"), float("inf"), 127.0, -128.0]
    for _ in range(25):
        for name in rng.choice(names, 4):
            link.send(mavlink.MAVLink_param_set_message(1, 1, str(name).encode(), float(rng.choice(wild)), 9))
        numbers = rng.choice(wild, 12).tolist()
        link.send(
            mavlink.MAVLink_set_position_target_local_ned_message(
                0, 1, 1, int(rng.choice([1, 7, 8, 9, 12, 99])), int(rng.integers(0, 4096)), *numbers[:11]
            )
        )
        link.send(
            mavlink.MAVLink_set_position_target_global_int_message(
                0, 1, 1, 6, int(rng.integers(0, 4096)), 350000000, 1290000000, *numbers[:9]
            )
        )
        link.send(mavlink.MAVLink_set_attitude_target_message(0, 1, 1, 0x47, numbers[:4], 0, 0, 0, numbers[5]))
        link.send(mavlink.MAVLink_set_attitude_target_message(0, 1, 1, 0x07, [1, 0, 0, 0], 0, 0, 0, numbers[5]))
        command = int(rng.choice([115, 176, 178, 183, 205, 209, 511, 512, 510, 1000, 400, 241]))
        link.send(mavlink.MAVLink_command_long_message(1, 1, command, 0, *numbers[:7]))
        x, y, z, r = rng.integers(-32768, 32767, 4).tolist()
        link.send(mavlink.MAVLink_manual_control_message(1, x, y, z, r, int(rng.integers(0, 65536))))
        channels = rng.integers(0, 65536, 8).tolist()
        link.send(mavlink.MAVLink_rc_channels_override_message(1, 1, *channels))
        link.arm()
        link.set_mode(int(rng.choice([0, 2, 4, 9, 16, 19])))
        link.run(0.3)
        body = simulation.body
        assert np.isfinite([*body.position, *body.velocity, *body.euler_rad]).all()
        assert np.isfinite([*link.position, *simulation.autopilot.nav.velocity]).all()
        assert all(0 <= pulse <= 3000 for pulse in simulation.autopilot.flight.pulses)
