import math
import re
import time
from collections import Counter
from contextlib import contextmanager

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink
from vehicle_peer import CAMERA, QGROUNDCONTROL, SUBMARINE, VehiclePeer, free_port

from hullscan.clock import PacedClock, SimulatedClock
from hullscan.errors import InputError, LinkError, RefusedError
from hullscan.geometry.frames import GeoOrigin
from hullscan.pilot.watch import FAILSAFE_WORDS
from hullscan.vehicle.address import Address, Scheme
from hullscan.vehicle.ardusub import ArduSubVehicle
from hullscan.vehicle.commands import HoldPosition, ManualControl, PositionVelocityYaw, SetLights, SetTilt
from hullscan.vehicle.control import ControlWatch
from hullscan.vehicle.helm import ekf_readiness
from hullscan.vehicle.messages import Frame, Heartbeat, Source, StatusText
from hullscan.vehicle.modes import Mode
from hullscan.vehicle.protocol import Disarm, Vehicle, VehicleIdentity
from hullscan.vehicle.streams import WANTED, Stream
from hullscan.vehicle.telemetry import AUTOPILOT, Telemetry
from hullscan.vehicle.tlog import read_recording

SPEED = 8.0
PARAMETERS = {
    "SYSID_THISMAV": 1.0,
    "MAV_GCS_SYSID": 255.0,
    "FS_GCS_ENABLE": 2.0,
    "SERVO9_FUNCTION": 59.0,
    **{f"SERVO{n}_FUNCTION": 0.0 for n in range(1, 17) if n != 9},
}
MODE, ARM, INTERVAL, REQUEST, SERVO, MOUNT = 176, 400, 511, 512, 183, 205


@contextmanager
def peered(*, vehicle_options=None, connect=True, **state):
    port = free_port()
    state.setdefault("parameters", dict(PARAMETERS))
    with VehiclePeer(port, speed=SPEED, **state) as peer:
        address = Address(Scheme.UDP_IN, "127.0.0.1", port)
        vehicle: Vehicle = ArduSubVehicle(address, PacedClock(SPEED), **(vehicle_options or {}))
        try:
            if connect:
                vehicle.identity = vehicle.connect()
            yield vehicle, peer
        finally:
            vehicle.close()


@contextmanager
def in_control(**options):
    with peered(**options) as (vehicle, peer):
        vehicle.take_control()
        yield vehicle, peer


def wait_until(condition, timeout_s=5.0):
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()


# -- connecting ------------------------------------------------------------------------------------------------


def test_connecting_finds_the_submarine_among_everybody_and_verifies_its_streams():
    port = free_port()
    address = Address(Scheme.UDP_IN, "127.0.0.1", port)
    with (
        VehiclePeer(port, identity=(1, 100), kind=CAMERA, speed=SPEED),
        VehiclePeer(port, identity=(255, 190), kind=QGROUNDCONTROL, speed=SPEED),
        VehiclePeer(port, speed=SPEED) as peer,
    ):
        vehicle = ArduSubVehicle(address, PacedClock(SPEED))
        try:
            assert vehicle.connect() == VehicleIdentity(Source(1, 1), "4.5.3", "80e8c23a")
            rates = {rate.stream.name: rate for rate in vehicle.rates}
            assert rates["ATTITUDE"].enough
            assert not rates["DISTANCE_SENSOR"].enough
            assert [station.source for station in vehicle.stations()] == [Source(255, 190)]
            assert peer.heard("REQUEST_DATA_STREAM") == []
            assert peer.heard("HEARTBEAT") == []
        finally:
            vehicle.close()


def not_heard(kind=None, identity=(255, 190), system=1):
    """The error of connecting when only ``kind`` (or nobody) speaks, on a clock 20 times as fast."""
    port = free_port()
    vehicle = ArduSubVehicle(Address(Scheme.UDP_IN, "127.0.0.1", port), PacedClock(20.0), system=system)
    try:
        if kind is None:
            with pytest.raises(LinkError) as error:
                vehicle.connect()
            return str(error.value)
        with VehiclePeer(port, identity=identity, kind=kind), pytest.raises(LinkError) as error:
            vehicle.connect()
        return str(error.value)
    finally:
        vehicle.close()


def test_silence_is_one_clear_error_after_ten_seconds():
    assert "no heartbeat from a vehicle (udpin:127.0.0.1" in not_heard()


def test_somebody_elses_heartbeat_is_reported_by_name():
    assert "only from system 255 component 190 (ground station)" in not_heard(QGROUNDCONTROL)


def test_a_submarine_with_another_number_is_reported_by_its_number():
    assert "the only submarine heard is system 2 component 1, not system 1" in not_heard(SUBMARINE, (2, 1))


def test_a_lost_request_is_sent_again():
    with peered(drop={REQUEST: 2}, connect=False) as (vehicle, peer):
        vehicle.connect()
        asked = [message for message in peer.heard("COMMAND_LONG") if message.command == REQUEST]
        assert [message.confirmation for message in asked] == [0, 1, 2]


def test_a_vehicle_that_hears_nothing_of_us_is_a_link_error():
    with (
        peered(drop={REQUEST: 99}, connect=False) as (vehicle, _),
        pytest.raises(LinkError, match="did not answer to AUTOPILOT_VERSION"),
    ):
        vehicle.connect()


def test_acknowledged_streams_that_do_not_come_are_a_link_error():
    with (
        peered(ignore_intervals=True, connect=False) as (vehicle, _),
        pytest.raises(LinkError, match=r"too thin: ATTITUDE at 0\.0 Hz of 20"),
    ):
        vehicle.connect()


def test_a_needed_stream_that_is_refused_says_what_the_vehicle_said():
    with (
        peered(refuse={INTERVAL: (2, "No ap_message for mavlink id (30)")}, connect=False) as (vehicle, _),
        pytest.raises(RefusedError, match=r'ATTITUDE at 20 Hz: DENIED, it said "No ap_message for mavlink id \(30\)"'),
    ):
        vehicle.connect()


def test_streams_that_another_station_slows_down_are_asked_for_again():
    with peered() as (vehicle, peer):
        wait_until(lambda: "ATTITUDE" in vehicle.streams._good, 10)
        assert vehicle.slowed_streams() == ()
        before = len(peer.heard("COMMAND_LONG"))
        peer._rates.update(ATTITUDE=4.0, VFR_HUD=2.0)
        wait_until(lambda: vehicle.slowed_streams() == ("ATTITUDE", "VFR_HUD"), 10)
        wait_until(lambda: vehicle.slowed_streams() == (), 10)
        assert {int(each.param1) for each in peer.heard("COMMAND_LONG")[before:]} == {30, 74}
        assert (peer._rates["ATTITUDE"], peer._rates["VFR_HUD"]) == (20.0, 10.0)


def test_streams_that_never_came_are_not_asked_for_again_nor_those_of_a_lossy_link():
    with peered(mute_streams={"RC_CHANNELS"}) as (vehicle, peer):
        wait_until(lambda: "ATTITUDE" in vehicle.streams._good, 10)
        before = len(peer.heard("COMMAND_LONG"))
        peer._rates.update(ATTITUDE=4.0, HEARTBEAT=0.5)
        begin_s = peer.boot_s
        wait_until(lambda: peer.boot_s > begin_s + 12, 10)
        assert vehicle.slowed_streams() == ()
        assert len(peer.heard("COMMAND_LONG")) == before


def test_the_mission_is_in_the_vehicles_time_and_its_log_has_both_directions(tmp_path):
    path = tmp_path / "telemetry.tlog"
    with peered(unix_s=1_795_000_000.0, vehicle_options={"log": path}) as (vehicle, peer):
        now_s = vehicle.telemetry.attitude.latest.utc_s
        assert now_s == pytest.approx(1_795_000_000.0 + peer.boot_s, abs=2.0)
        assert vehicle.telemetry.battery.latest.voltage_v == 15.8
    recording = read_recording(path)
    assert len(recording.telemetry.attitude) > 20
    assert recording.summary.counts[Source(255, 25)]["COMMAND_LONG"] >= len(WANTED)


# -- readiness ---------------------------------------------------------------------------------------------------


FLAGS = {
    "GPS": (831, True, "absolutely"),
    "DVL": (367, True, r"relative to the start \(DVL\)"),
    "position lost": (167, False, "constant position mode"),
    "just booted": (1024, False, "not started"),
    "nothing yet": (0, False, "not started"),
    "height only": (0x27, False, "no horizontal position"),
}


@pytest.mark.parametrize(("flags", "ready", "reason"), FLAGS.values(), ids=FLAGS.keys())
def test_the_estimators_flags_are_read_with_a_reason(flags, ready, reason):
    found = ekf_readiness(flags)
    assert found.ready is ready
    assert re.search(reason, found.reason)


def test_an_estimator_that_fell_silent_is_not_ready():
    with peered() as (vehicle, peer):
        wait_until(lambda: vehicle.readiness().ready)
        peer.state.mute_streams.add("EKF_STATUS_REPORT")
        wait_until(lambda: not vehicle.readiness().ready)
        assert "not heard" in vehicle.readiness().reason


# -- modes, arming -----------------------------------------------------------------------------------------------


def test_a_mode_is_changed_by_name_and_confirmed_by_the_heartbeat():
    with in_control() as (vehicle, peer):
        vehicle.set_mode(Mode.GUIDED)
        assert vehicle.telemetry.mode == "GUIDED"
        command = next(message for message in peer.heard("COMMAND_LONG") if message.command == MODE)
        assert (command.param1, command.param2) == (1.0, 4.0)
        assert vehicle.control.held


def test_a_refused_mode_says_what_ardusub_said():
    with (
        in_control(refuse={MODE: (4, "Mode change failed: GUIDED requires position")}) as (vehicle, _),
        pytest.raises(
            RefusedError, match='mode GUIDED: FAILED, it said "Mode change failed: GUIDED requires position"'
        ),
    ):
        vehicle.set_mode(Mode.GUIDED)


def test_an_acknowledged_mode_that_does_not_come_is_a_refusal():
    with (
        in_control(stubborn={"mode"}) as (vehicle, _),
        pytest.raises(RefusedError, match="acknowledged mode GUIDED but stays in MANUAL"),
    ):
        vehicle.set_mode(Mode.GUIDED)


SLOW = {
    "the first two requests are lost": {"drop": Counter({MODE: 2})},
    "the answer takes its time": {"ack_delay_s": 1.0},
    "it is first reported as in progress": {"in_progress_first": True},
    "the sender does not fill in for whom the answer is": {"ack_target": (0, 0)},
}


@pytest.mark.parametrize("state", SLOW.values(), ids=SLOW.keys())
def test_a_mode_is_changed_although(state):
    with in_control() as (vehicle, peer):
        for name, value in state.items():
            setattr(peer.state, name, value)
        vehicle.set_mode(Mode.GUIDED)
        assert vehicle.telemetry.mode == "GUIDED"


def test_an_answer_for_another_station_is_not_ours():
    with in_control() as (vehicle, peer):
        peer.state.ack_target = (255, 190)
        with pytest.raises(LinkError, match="did not answer to mode GUIDED"):
            vehicle.set_mode(Mode.GUIDED)


def test_without_control_nothing_is_commanded():
    with peered() as (vehicle, peer):
        with pytest.raises(RefusedError, match="not in control: not taken yet"):
            vehicle.set_mode(Mode.GUIDED)
        with pytest.raises(RefusedError), vehicle.armed():
            pass
        with pytest.raises(RefusedError):
            vehicle.send(SetLights(1.0))
        assert [message for message in peer.heard("COMMAND_LONG") if message.command in (MODE, ARM)] == []


def test_near_the_surface_it_is_armed_and_disarmed_again():
    with in_control() as (vehicle, peer):
        with vehicle.armed():
            assert peer.state.armed
        assert not peer.state.armed
        assert vehicle.control.held


def test_a_refused_arming_says_what_ardusub_said():
    refusal = {ARM: (4, "Arm: need a disarm joystick button")}
    with (
        in_control(refuse=refusal) as (vehicle, _),
        pytest.raises(RefusedError, match="disarm joystick button"),
        vehicle.armed(),
    ):
        pytest.fail("it did not arm")


def dive(vehicle, peer):
    peer.state.depth_m, peer.state.position = 3.0, (4.0, 5.0, 3.0)
    wait_until(lambda: vehicle.telemetry.depth_m == 3.0)
    wait_until(lambda: vehicle.telemetry.position.latest.down_m == 3.0)


def test_in_the_deep_it_is_left_armed_and_holding_and_says_so():
    with in_control() as (vehicle, peer):
        vehicle.set_mode(Mode.GUIDED)
        left = r"not disarmed at 3\.0 m depth: it holds its place in GUIDED"
        with pytest.raises(RefusedError, match=left), vehicle.armed():
            dive(vehicle, peer)
        held = peer.wait_for("SET_POSITION_TARGET_LOCAL_NED")[-1]
        assert (held.type_mask, held.x, held.y, held.z) == (0x01F8, 4.0, 5.0, 3.0)
        assert peer.state.armed
        assert vehicle.link.in_control


def test_a_fault_in_the_deep_keeps_its_own_error_and_holds_depth():
    with in_control(ekf_flags=167, depth_m=3.0) as (vehicle, peer):
        with pytest.raises(ZeroDivisionError) as error, vehicle.armed():
            raise ZeroDivisionError
        assert "not disarmed at 3.0 m" in error.value.__notes__[0]
        assert peer.state.mode == Mode.ALT_HOLD
        assert peer.state.armed


def test_disarming_at_once_is_a_choice():
    with in_control(depth_m=3.0) as (vehicle, peer):
        with vehicle.armed(Disarm.AT_ONCE):
            assert peer.state.armed
        assert not peer.state.armed


def test_surfacing_first_waits_for_the_surface():
    with in_control(depth_m=3.0) as (vehicle, peer):
        with vehicle.armed(Disarm.SURFACE_FIRST):
            peer.state.depth_m = 0.2
        assert peer.state.mode == Mode.SURFACE
        assert not peer.state.armed


# -- setpoints ---------------------------------------------------------------------------------------------------


def test_setpoints_are_what_the_behaviour_sheet_recommends_and_clipped():
    with in_control() as (vehicle, peer):
        vehicle.set_mode(Mode.GUIDED)
        sent = vehicle.send(PositionVelocityYaw((1.0, 2.0, -5.0), (3.0, 0.0, 0.0), 7.0))
        assert sent.position_ned_m == (1.0, 2.0, 0.3)
        heard = peer.wait_for("SET_POSITION_TARGET_LOCAL_NED")[0]
        assert (heard.type_mask, heard.coordinate_frame, heard.target_system) == (0x01C0, 1, 1)
        assert (heard.x, heard.y, heard.z) == pytest.approx((1.0, 2.0, 0.3))
        assert (heard.vx, heard.yaw) == pytest.approx((0.5, 7.0 - 2 * math.pi))
        assert math.degrees(heard.yaw_rate) == pytest.approx(15)


def test_a_setpoint_outside_guided_is_refused_because_ardusub_would_say_nothing():
    with in_control() as (vehicle, _), pytest.raises(RefusedError, match="GUIDED only, and the vehicle is in MANUAL"):
        vehicle.send(HoldPosition((0.0, 0.0, 1.0), 0.0))


def test_our_own_sticks_are_no_foreign_hand():
    with in_control() as (vehicle, peer):
        vehicle.send(ManualControl(x=400.6))
        assert peer.wait_for("MANUAL_CONTROL")[0].x == 401
        peer.state.sticks[4] = 1580
        time.sleep(0.2)
        assert vehicle.control.held


def test_our_own_pitch_is_no_foreign_hand_but_another_channel_is():
    with in_control() as (vehicle, peer):
        vehicle.send(ManualControl(s=250.4))
        heard = peer.wait_for("MANUAL_CONTROL")[0]
        assert (heard.s, heard.enabled_extensions, heard.x, heard.z) == (250, 1, 0, 500)
        peer.state.sticks[0] = 1750
        time.sleep(0.2)
        assert vehicle.control.held
        peer.state.sticks[5] = 1560
        wait_until(lambda: not vehicle.control.held)
        assert "channel 6" in vehicle.control.reason


def test_lamps_and_tilt_are_set_in_the_background_and_refusals_are_kept():
    with in_control(refuse={MOUNT: (4, "")}) as (vehicle, peer):
        started = time.monotonic()
        vehicle.send(SetLights(0.5))
        vehicle.send(SetTilt(-0.25))
        assert time.monotonic() - started < 0.1
        wait_until(lambda: vehicle.payload.refusals)
        heard = {message.command: message for message in peer.heard("COMMAND_LONG")}
        assert (heard[SERVO].param1, heard[SERVO].param2) == (9.0, 1500.0)
        assert (heard[MOUNT].param1, heard[MOUNT].param7) == pytest.approx((math.degrees(-0.25), 2.0))
        assert "the camera's tilt: FAILED" in vehicle.payload.refusals[0]


def test_lamps_of_a_newer_firmware_are_refused_in_plain_words():
    with in_control(parameters=PARAMETERS | {"SERVO9_FUNCTION": 181.0}) as (vehicle, _):
        vehicle.send(SetLights(0.5))
        wait_until(lambda: vehicle.payload.refusals)
        assert "181 and 182" in vehicle.payload.refusals[0]


# -- the operator always wins --------------------------------------------------------------------------------------


def change_mode(peer):
    peer.set_mode(19)


def move_stick(peer):
    peer.state.sticks[4] = 1580


def manual_control(peer):
    peer.send(mavlink.MAVLink_manual_control_message(1, 300, 0, 500, 0, 0), identity=(255, 190))


def pitch(peer):
    message = mavlink.MAVLink_manual_control_message(1, 0, 0, 500, 0, 0, enabled_extensions=1, s=200)
    peer.send(message, identity=(255, 190))


def rc_override(peer):
    channels = (1500, 1500, 1500, 1700, 65_535, 65_535, 0, 0)
    peer.send(mavlink.MAVLink_rc_channels_override_message(1, 1, *channels), identity=(255, 190))


def position_target(peer):
    target = mavlink.MAVLink_set_position_target_local_ned_message(0, 1, 1, 1, 0x09F8, 5, 0, 2, *[0] * 8)
    peer.send(target, identity=(255, 190))


def turn(peer):
    peer.send(mavlink.MAVLink_command_long_message(1, 1, 115, 0, 90, 20, 1, 0, 0, 0, 0), identity=(255, 190))


def disarm(peer):
    peer.text(4, "MYGCS: 255, heartbeat lost")
    peer.state.armed = False
    peer.heartbeat()


def restart(peer):
    peer.reboot()


TAKEOVERS = {
    "another station changes the mode": (change_mode, "mode changed from GUIDED to MANUAL, not by hullscan"),
    "a joystick moves": (move_stick, r"moves a stick \(channel 5: 1580 us\)"),
    "another station's sticks pass by": (manual_control, "system 255 component 190 moves the sticks"),
    "another station pitches it": (pitch, "system 255 component 190 moves the sticks"),
    "another station overrides a channel": (rc_override, "system 255 component 190 moves the sticks"),
    "another station sends it elsewhere": (position_target, "system 255 component 190 commands the vehicle"),
    "another station turns it": (turn, "system 255 component 190 commands the vehicle"),
    "a failsafe disarms": (disarm, r"disarmed, not by hullscan \(MYGCS: 255, heartbeat lost\)"),
    "the autopilot restarts": (restart, "the autopilot restarted"),
}


@pytest.mark.parametrize(("act", "reason"), TAKEOVERS.values(), ids=TAKEOVERS.keys())
def test_hullscan_lets_go_at_once_when(act, reason):
    with in_control() as (vehicle, peer):
        vehicle.set_mode(Mode.GUIDED)
        with vehicle.armed():
            peer.wait_for("HEARTBEAT")
            act(peer)
            wait_until(lambda: not vehicle.control.held)
            with pytest.raises(RefusedError, match=reason):
                vehicle.send(HoldPosition((0.0, 0.0, 1.0), 0.0))
            time.sleep(0.15)
            beats, orders = len(peer.heard("HEARTBEAT")), len(peer.heard("COMMAND_LONG"))
            time.sleep(0.5)
        assert len(peer.heard("HEARTBEAT")) == beats  # 2.5 s of mission time without one
        assert len(peer.heard("COMMAND_LONG")) == orders  # and it was not disarmed behind the operator's back


@pytest.mark.parametrize(
    ("silent_s", "mode", "failsafe"),
    [
        pytest.param(3.0, Mode.ALT_HOLD, True, id="ALT_HOLD on the first heartbeat after a silence is the failsafe's"),
        pytest.param(1.0, Mode.ALT_HOLD, False, id="ALT_HOLD without a silence is somebody's"),
        pytest.param(3.0, Mode.MANUAL, False, id="MANUAL after a silence is somebody's: no failsafe sets it"),
    ],
)
def test_a_failsafe_whose_text_was_lost_with_the_link_is_not_taken_for_a_hand(silent_s, mode, failsafe):
    watch, clock, beat, _ = watched_control()
    clock.sleep(silent_s)
    beat(mode)
    assert not watch.state.held
    assert any(words in watch.state.reason for words in FAILSAFE_WORDS) == failsafe


@pytest.mark.parametrize(
    ("unanswered_s", "mode", "failsafe"),
    [
        pytest.param(1.6, Mode.ALT_HOLD, True, id="it did not hear us: the failsafe's"),
        pytest.param(0.6, Mode.ALT_HOLD, False, id="it heard us all the time: somebody's"),
        pytest.param(5.0, Mode.MANUAL, False, id="no failsafe sets MANUAL for that"),
    ],
)
def test_a_failsafe_of_a_vehicle_that_is_heard_but_does_not_hear_us_is_not_taken_for_a_hand(
    unanswered_s, mode, failsafe
):
    watch, clock, beat, _ = watched_control(lambda: unanswered_s)
    clock.sleep(0.5)
    beat(mode)
    assert any(words in watch.state.reason for words in FAILSAFE_WORDS) == failsafe


@pytest.mark.parametrize(
    ("after_s", "failsafe"),
    [pytest.param(0.2, True, id="a moment later"), pytest.param(2.0, False, id="too late to belong to it")],
)
def test_the_words_of_a_failsafe_may_come_after_the_change(after_s, failsafe):
    watch, clock, beat, hear = watched_control()
    clock.sleep(0.5)
    beat(Mode.MANUAL)
    assert not watch.state.held
    clock.sleep(after_s)
    hear("STATUSTEXT", StatusText(2, "Depth sensor error!"))
    assert ("(Depth sensor error!)" in watch.state.reason) == failsafe
    assert watch.state.reason.startswith("mode changed from GUIDED to MANUAL, not by hullscan")


def watched_control(unanswered_s=lambda: 0.0):
    """The watch of a vehicle in GUIDED, its clock, and what makes it hear something."""
    clock = SimulatedClock()
    telemetry = Telemetry(clock)
    watch = ControlWatch(clock, telemetry, Source(255, 1), lambda: None, unanswered_s)

    def hear(name, message):
        telemetry.observe(AUTOPILOT, message, clock.now())
        watch.observe(Frame(AUTOPILOT, name, b"", message))

    def beat(mode):
        hear(
            "HEARTBEAT", Heartbeat(vehicle_type=12, autopilot=3, base_mode=128, custom_mode=int(mode), system_status=4)
        )

    beat(Mode.GUIDED)
    watch.take()
    clock.sleep(1.0)
    beat(Mode.GUIDED)
    return watch, clock, beat, hear


def test_a_resting_joystick_and_ones_own_changes_are_no_takeover():
    with in_control() as (vehicle, peer):
        peer.state.sticks[3:6] = [1492, 1506, 1497]  # a real one at rest, log of 2023-05-04
        manual = peer.heard("MANUAL_CONTROL")
        vehicle.set_mode(Mode.GUIDED)
        with vehicle.armed():
            time.sleep(0.3)
        vehicle.set_mode(Mode.ALT_HOLD)
        assert vehicle.control.held
        assert manual == []


def test_control_is_not_taken_from_a_hand_on_the_stick():
    with peered() as (vehicle, peer):
        peer.state.sticks[2] = 1400
        time.sleep(0.1)
        with pytest.raises(RefusedError, match="centre the joystick"):
            vehicle.take_control()
        assert not vehicle.link.in_control


def test_letting_go_keeps_its_first_reason_and_control_can_be_taken_again():
    with in_control() as (vehicle, peer):
        vehicle.let_go("the operator pressed ABORT")
        vehicle.let_go("hullscan ended")
        assert vehicle.control.reason == "the operator pressed ABORT"
        vehicle.take_control()
        assert vehicle.control.held
        peer.wait_for("HEARTBEAT", 2)


# -- parameters and origin -------------------------------------------------------------------------------------------


def test_parameters_are_read_under_either_vintages_name():
    with peered() as (vehicle, _):
        assert vehicle.parameter("SYSID_MYGCS") == 255.0  # this vehicle calls it MAV_GCS_SYSID
        assert vehicle.parameter("MAV_SYSID") == 1.0
        with pytest.raises(RefusedError, match="no parameter NOT_THERE"):
            vehicle.parameter("NOT_THERE")
        with pytest.raises(InputError, match="not a parameter's name"):
            vehicle.parameter("far too long a name for one")


def test_all_parameters_arrive_although_a_third_is_lost():
    parameters = {f"P_{index}": index / 4 for index in range(150)}
    with peered(parameters=parameters, drop={22: 50, 20: 5}) as (vehicle, _):
        assert vehicle.parameters.read_all() == parameters


def test_a_set_parameter_is_verified():
    with peered(drop={23: 1}) as (vehicle, peer):
        vehicle.set_parameter("FS_GCS_ENABLE", 3.0)
        assert peer.state.parameters["FS_GCS_ENABLE"] == 3.0
        peer.state.stubborn.add("FS_GCS_ENABLE")
        with pytest.raises(RefusedError, match="could not be set to 4: it is 3"):
            vehicle.set_parameter("FS_GCS_ENABLE", 4.0)
        with pytest.raises(InputError):
            vehicle.set_parameter("FS_GCS_ENABLE", math.nan)


def test_the_estimators_origin_is_set_and_confirmed():
    with peered() as (vehicle, _):
        vehicle.set_origin(GeoOrigin(35.0767, 129.08))
        assert vehicle.telemetry.origin.lon_deg == pytest.approx(129.08)


def test_an_origin_that_is_not_confirmed_is_an_error():
    with peered(origin=False) as (vehicle, _), pytest.raises(LinkError, match="does not confirm"):
        vehicle.set_origin(GeoOrigin(35.0767, 129.08))


def test_streams_of_ones_own_choice_are_measured():
    with peered() as (vehicle, _):
        attitude = Stream("ATTITUDE", 30, 50.0, needed=True)
        vehicle.streams.request((attitude,))
        (rate,) = vehicle.streams.measure(2.0, (attitude,))
        assert 25.0 < rate.heard_hz < 60.0
