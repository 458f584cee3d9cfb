"""A real ArduSub in our world: the physics protocol, the companion, the child process, the command."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import ardusub_peer
import numpy as np
import pytest
from ardusub_peer import NEUTRAL, read_sensors, servo_packet
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from test_sim_simulation import MISSION
from test_sim_station import HULL, stated_ship

from hullscan.errors import LinkError
from hullscan.geometry.frames import GeoOrigin
from hullscan_sim.ardusub import ArduSubSimulation
from hullscan_sim.ardusub_parameters import BATTERY_V, parameter_file
from hullscan_sim.ardusub_process import ArduSubProcess
from hullscan_sim.cli import main
from hullscan_sim.companion import Companion
from hullscan_sim.dvl import Beam, DvlReport
from hullscan_sim.dynamics import GRAVITY_MPS2, MODELS, RigidBody
from hullscan_sim.faults import kinds
from hullscan_sim.json_backend import Arrival, JsonPort, parse_servos, sensor_line
from hullscan_sim.mavlink_server import MavlinkServer, parse
from hullscan_sim.messages import mavlink
from hullscan_sim.plant import Plant
from hullscan_sim.scenario import Scenario, VehicleOptions
from hullscan_sim.servo_rail import ServoRail
from hullscan_sim.steel import OWN_OFFSET_MGAUSS, SteelCompass, horizontal_field_mgauss

PULSES = st.integers(0, 65535)


# ---------------------------------------------------------------- packets and lines


@settings(deadline=None)
@given(
    st.integers(0, 65535),
    st.integers(0, 2**32 - 1),
    st.one_of(st.tuples(*[PULSES] * 16), st.tuples(*[PULSES] * 32)),
)
def test_a_servo_packet_of_16_or_32_channels_comes_out_as_it_went_in(rate_hz, count, pulses):
    found = parse_servos(servo_packet(count, rate_hz, pulses))
    assert found is not None
    assert (found.frame_rate_hz, found.frame_count, found.pulses_us) == (rate_hz, count, pulses)
    assert 0 < found.step_s <= 0.02


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_a_datagram_that_is_no_servo_packet_is_none(datagram):
    found = parse_servos(datagram)
    assert found is None or len(datagram) in (40, 72)


@pytest.mark.parametrize(
    "datagram",
    [
        pytest.param(servo_packet(1)[:-1], id="cut off by a byte"),
        pytest.param(servo_packet(1) + b"\0", id="a byte too long"),
        pytest.param(b"\0\0" + servo_packet(1)[2:], id="another magic number"),
        pytest.param(servo_packet(1)[:2] + servo_packet(1, pulses=(1500,) * 32)[2:], id="32 channels called 16"),
    ],
)
def test_a_damaged_servo_packet_is_refused(datagram):
    assert parse_servos(datagram) is None


ANGLES = st.floats(-3.1, 3.1)


@given(ANGLES, st.tuples(*[st.floats(-50, 50)] * 3), st.tuples(*[st.floats(-3, 3)] * 3), st.floats(0, 1e5))
@settings(max_examples=50, deadline=None)
def test_an_answer_says_what_the_body_does_in_the_form_that_ardusub_reads(heading, place, rates, time_s):
    body = RigidBody(MODELS["nominal"], place, heading)
    body.roll_rate, body.pitch_rate, body.yaw_rate = rates
    body.step((10.0, -5.0, 2.0), (1.0, 0.5, -0.3), (0.1, 0.2, 0.0))
    found = read_sensors(sensor_line(time_s, body, (10.0, -4.0), 6.25, 1.5))
    assert found["timestamp"] == pytest.approx(time_s, abs=1e-6)
    assert found["position"] == pytest.approx([body.north_m - 10.0, body.east_m + 4.0, body.down_m], abs=1e-5)
    assert found["velocity"] == pytest.approx(body.velocity, abs=1e-5)
    assert found["gyro"] == pytest.approx((body.roll_rate, body.pitch_rate, body.yaw_rate), abs=1e-6)
    w, x, y, z = found["quaternion"]
    turn = Rotation.from_quat([x, y, z, w])
    assert turn.as_matrix() == pytest.approx(np.array(body.matrix).reshape(3, 3), abs=1e-6)
    force = turn.inv().apply(np.array(body.acceleration) - [0, 0, GRAVITY_MPS2])
    assert found["accel_body"] == pytest.approx(force, abs=1e-3)
    assert (found["rng_1"], found["rng_2"]) == (6.25, 1.5)


def test_a_body_at_rest_feels_gravity_alone():
    found = read_sensors(sensor_line(0.0, RigidBody(MODELS["nominal"], (0, 0, 1), 0.7), (0, 0), 5.0, 5.0))
    assert found["accel_body"] == pytest.approx([0, 0, -GRAVITY_MPS2])


def test_the_step_follows_the_frame_rate_as_it_falls_from_1200_to_400_hz():
    steps = [parse_servos(servo_packet(count, rate)).step_s for count, rate in enumerate(range(1200, 399, -1))]
    assert steps[0] == pytest.approx(1 / 1200)
    assert steps[-1] == pytest.approx(1 / 400)
    assert all(a < b for a, b in pairwise(steps))


# ---------------------------------------------------------------- lock-step


class Sitl:
    """The client's end of the physics protocol, in this thread."""

    def __init__(self, port: JsonPort) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port.port))
        self.socket.settimeout(2.0)

    def send(self, count: int, rate_hz: int = 400, pulses: tuple[int, ...] = NEUTRAL) -> None:
        self.socket.send(servo_packet(count, rate_hz, pulses))

    def answer(self) -> dict[str, Any]:
        return read_sensors(self.socket.recv(4096))

    def nothing_came(self) -> bool:
        self.socket.setblocking(False)
        try:
            self.socket.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(2.0)
        return False


class Alive:
    def check(self) -> None:
        pass


class Bench:
    """A simulation whose ArduSub is played by the test."""

    def __init__(self, scenario: Scenario, **more: Any) -> None:
        self.notes: list[str] = []
        self.plant = Plant(scenario, stated_ship(), HULL, start_utc_s=1.7e9, note=self.notes.append)
        self.port, self.outer = JsonPort(), MavlinkServer("udpin:127.0.0.1:0")
        self.first, self.second = (MavlinkServer("udpin:127.0.0.1:0") for _ in range(2))
        origin = self.plant.launch_origin if scenario.vehicle.position == "dvl" else None
        self.companion = Companion(self.second, origin, self.notes.append)
        self.simulation = ArduSubSimulation(
            self.plant, self.port, Alive(), ground=self.outer, autopilot=self.first, companion=self.companion,
            note=self.notes.append, **more,
        )  # fmt: skip
        self.sitl = Sitl(self.port)
        self.serial = [MavlinkServer(f"udpout:127.0.0.1:{each.address[1]}") for each in (self.first, self.second)]
        self.ground = MavlinkServer(f"udpout:127.0.0.1:{self.outer.address[1]}")
        self.count, self.heard = 0, []
        self.mav = mavlink.MAVLink(None, srcSystem=1, srcComponent=1)

    def close(self) -> None:
        self.plant.close()
        self.sitl.socket.close()
        for each in (self.port, self.outer, self.first, self.second, *self.serial, self.ground):
            each.close()

    def run(self, steps: int, pulses: tuple[int, ...] = NEUTRAL) -> dict[str, Any]:
        """Some steps; the last answer. What the companion sends is kept in ``heard``."""
        found: dict[str, Any] = {}
        for _ in range(steps):
            self.sitl.send(self.count, pulses=pulses)
            self.count += 1
            assert self.simulation.step()
            found = self.sitl.answer()
            self.heard += self.serial[1].receive()
        return found

    def beat(self, base_mode: int = 81, custom_mode: int = 19) -> None:
        message = mavlink.MAVLink_heartbeat_message(12, 3, base_mode, custom_mode, 3, 3).pack(self.mav)
        for line in self.serial:
            line.send([message])


@pytest.fixture
def make():
    benches: list[Bench] = []

    def build(scenario: Scenario | None = None, **more: Any) -> Bench:
        benches.append(Bench(scenario or Scenario(seed=3, vehicle=VehicleOptions(compass="perfect")), **more))
        return benches[-1]

    yield build
    for bench in benches:
        bench.close()


def test_each_packet_moves_the_world_by_one_step_and_gets_one_answer(make):
    bench = make()
    for count, rate in enumerate((1200, 1199, 1198, 400, 100)):
        bench.sitl.send(count, rate)
        before = bench.simulation.time_s
        assert bench.simulation.step()
        assert bench.simulation.time_s - before == pytest.approx(1 / rate)
        assert bench.sitl.answer()["timestamp"] == pytest.approx(bench.simulation.time_s, abs=1e-6)
        assert bench.sitl.nothing_came()


def test_without_a_packet_time_stands_still(make):
    bench = make(patience_s=0.5)
    bench.run(10)
    before, place = bench.simulation.time_s, bench.plant.body.position
    with pytest.raises(LinkError, match="no servo packet"):
        bench.simulation.step()
    assert bench.simulation.time_s == before
    assert bench.plant.body.position == place
    bench.run(1)
    assert bench.simulation.time_s > before


def test_a_repeated_packet_that_crossed_its_answer_is_not_answered_twice(make):
    bench = make()
    bench.sitl.send(0)
    bench.sitl.send(0)
    assert bench.simulation.step()
    bench.sitl.answer()
    bench.sitl.send(1)
    assert bench.simulation.step()
    assert bench.simulation.time_s == pytest.approx(2 / 400)
    bench.sitl.answer()
    assert bench.sitl.nothing_came()


def test_a_lost_answer_is_sent_again_and_moves_nothing(make):
    bench = make()
    bench.sitl.send(0)
    assert bench.simulation.step()
    first = bench.sitl.answer()
    bench.sitl.send(0)
    assert bench.port.wait() is Arrival.AGAIN
    bench.sitl.send(0)
    assert not bench.simulation.step(lambda: True)
    assert bench.sitl.answer() == first
    assert bench.simulation.time_s == pytest.approx(1 / 400)


def test_datagrams_that_are_no_servo_packets_are_passed_over(make):
    bench = make()
    bench.sitl.socket.send(b"hello")
    bench.sitl.send(0)
    assert bench.simulation.step()
    assert bench.port.strange == 1


def test_after_a_reboot_ardusub_time_starts_again_and_the_world_goes_on(make):
    bench = make()
    bench.run(100)
    before = bench.simulation.time_s
    bench.count = 0
    assert bench.run(1)["timestamp"] == pytest.approx(1 / 400, abs=1e-6)
    assert bench.simulation.time_s == pytest.approx(before + 1 / 400)
    assert any("reboots" in note for note in bench.notes)


def test_32_channels_fly_like_16(make):
    short, wide = make(), make()
    push = (1600, 1600, 1400, 1400) + (1500,) * 4
    ends = [bench.run(200, pulses=push + (0,) * (n - 8)) for bench, n in ((short, 16), (wide, 32))]
    assert ends[0] == ends[1]


def test_the_body_is_moved_by_the_pulses_and_rests_at_home_at_first(make):
    bench = make(Scenario(seed=3, vehicle=VehicleOptions(compass="perfect")))
    start = bench.run(1)
    assert start["position"][:2] == pytest.approx([0, 0], abs=1e-3)
    assert start["position"][2] == pytest.approx(bench.plant.body.down_m, abs=1e-3)
    bench.beat(base_mode=209)
    bench.run(8)
    down = (1500,) * 4 + (1600,) * 4
    end = bench.run(800, pulses=down + (0,) * 8)
    assert end["position"][2] > start["position"][2] + 0.3
    assert end["rng_1"] == pytest.approx(9.5 - end["position"][2], abs=0.3)


def test_the_tender_holds_it_until_it_is_armed(make):
    bench = make()
    bench.beat()
    bench.run(8)
    assert bench.plant.tender.holding
    bench.beat(base_mode=209, custom_mode=4)
    bench.run(8)
    assert not bench.plant.tender.holding
    assert any("armed" in note for note in bench.notes)
    assert any("mode GUIDED" in note for note in bench.notes)


def test_mavlink_passes_both_ways_as_it_is(make):
    bench = make()
    bench.ground.send([b"from the ground"])
    bench.beat()
    bench.serial[0].send([b"AP_Logger_File: buffer size=204800"])
    bench.run(8)
    assert bench.serial[0].receive_datagrams() == [b"from the ground"]
    came = bench.ground.receive_datagrams()
    assert b"AP_Logger_File: buffer size=204800" in came
    assert {message.get_srcComponent() for packet in came for message in parse(packet)} == {1, 100, 194}


def test_a_lost_link_passes_nothing(make):
    fault = kinds.LinkLoss(at_s=0.0, for_s=10)
    bench = make(Scenario(seed=3, vehicle=VehicleOptions(compass="perfect"), faults=(fault,)))
    bench.run(2)
    bench.ground.send([b"from the ground"])
    bench.beat()
    bench.run(8)
    assert bench.serial[0].receive_datagrams() == []
    assert bench.ground.receive_datagrams() == []


# ---------------------------------------------------------------- companion and payload


def heard(bench: Bench, kind: str) -> list[Any]:
    return [message for message in bench.heard if message.get_type() == kind]


def test_the_origin_is_told_until_the_estimator_knows_it(make):
    bench = make()
    bench.run(40)
    assert not bench.heard  # not before the autopilot speaks
    bench.beat()
    bench.run(900)
    told = heard(bench, "SET_GPS_GLOBAL_ORIGIN")
    assert len(told) == 3
    place = bench.plant.launch_origin
    assert (told[0].latitude, told[0].longitude) == (round(place.lat_deg * 1e7), round(place.lon_deg * 1e7))
    known = mavlink.MAVLink_gps_global_origin_message(told[0].latitude, told[0].longitude, 0)
    bench.serial[1].send([known.pack(bench.mav)])
    bench.run(900)
    assert len(heard(bench, "SET_GPS_GLOBAL_ORIGIN")) == 3


def test_the_dvls_velocity_arrives_as_deltas_at_the_dvls_rate(make):
    bench = make(Scenario(seed=3, vehicle=VehicleOptions(compass="perfect", dvl="perfect")))
    bench.beat(base_mode=209)
    bench.run(8)
    ahead = (1400, 1400, 1600, 1600) + (1500,) * 4 + (0,) * 8
    bench.run(1192, pulses=ahead)
    deltas = heard(bench, "VISION_POSITION_DELTA")
    assert 20 <= len(deltas) <= 30
    assert bench.companion.deltas == len(deltas)
    last = deltas[-1]
    surge = bench.plant.body.to_body(bench.plant.body.velocity)[0]
    assert last.position_delta[0] / (last.time_delta_usec * 1e-6) == pytest.approx(surge, abs=0.05)
    assert last.confidence == pytest.approx(100, abs=1)
    assert (last.get_srcSystem(), last.get_srcComponent()) == (1, 194)


def test_a_companion_that_starts_later_says_nothing_before(make):
    bench = make(Scenario(seed=3, vehicle=VehicleOptions(compass="perfect", dvl="perfect")))
    bench.companion._boot_s = 1.0
    bench.beat()
    bench.run(400)
    assert not bench.heard
    bench.run(200)
    assert {message.get_type() for message in bench.heard} == {
        "HEARTBEAT",
        "SET_GPS_GLOBAL_ORIGIN",
        "VISION_POSITION_DELTA",
    }


@pytest.mark.parametrize("kind", [kinds.DvlDropout, kinds.PositionLoss])
def test_a_fault_of_the_dvl_stops_the_deltas(make, kind):
    fault = kind(at_s=1.0, for_s=10)
    bench = make(Scenario(seed=3, vehicle=VehicleOptions(compass="perfect", dvl="perfect"), faults=(fault,)))
    bench.beat()
    bench.run(480)
    before = bench.companion.deltas
    assert before > 3
    bench.run(400)
    assert bench.companion.deltas == before


def test_an_invalid_report_and_one_after_a_long_gap_are_not_passed_on():
    companion = Companion(MavlinkServer("udpin:127.0.0.1:0"), GeoOrigin(35.0, 129.0), lambda line: None)
    beams = (Beam(1.0, 0.0, True, -30.0, -90.0),) * 4
    common = {"time_s": 1.0, "velocity": (0.0, 0.0, 0.2), "altitude_m": 1.0, "fom": 0.001, "beams": beams}
    companion.pass_on(DvlReport(interval_ms=120.0, valid=False, **common), 1.0, (0, 0, 0))
    companion.pass_on(DvlReport(interval_ms=1500.0, valid=True, **common), 1.0, (0, 0, 0))
    assert companion.deltas == 0
    companion.pass_on(DvlReport(interval_ms=120.0, valid=True, **common), 1.0, (0, 0, 0))
    assert companion.deltas == 1
    companion.close()


def test_a_sagging_battery_and_a_lost_gps_act_by_the_firmwares_own_parameters(make):
    faults = tuple(kind(at_s=0.5, for_s=0.5) for kind in (kinds.BatterySag, kinds.PositionLoss))
    options = VehicleOptions(compass="perfect", position="gps")
    bench = make(Scenario(seed=3, vehicle=options, faults=faults))
    bench.beat()
    bench.run(600)
    told = [(message.param_id, message.param_value) for message in heard(bench, "PARAM_SET")]
    assert sorted(told[:2]) == [("SIM_BATT_VOLTAGE", pytest.approx(BATTERY_V - 2.4)), ("SIM_GPS_DISABLE", 1.0)]
    assert sorted(told[2:]) == [("SIM_BATT_VOLTAGE", pytest.approx(BATTERY_V)), ("SIM_GPS_DISABLE", 0.0)]
    assert not heard(bench, "SET_GPS_GLOBAL_ORIGIN")


@pytest.mark.parametrize(
    ("lamps", "lights"),
    [
        pytest.param(0, 0.0, id="no signal is dark"),
        pytest.param(1100, 0.0, id="off"),
        pytest.param(1740, 0.8, id="four fifths"),
        pytest.param(1950, 1.0, id="more than full is full"),
    ],
)
def test_lamps_follow_output_9(lamps, lights):
    rail = ServoRail()
    rail.follow((1500,) * 8 + (lamps, 1500), 0.01)
    assert rail.lights == pytest.approx(lights)


@pytest.mark.parametrize(
    ("pulse", "degrees"),
    [
        pytest.param(1500, 0.0, id="level"),
        pytest.param(1322, -20.0, id="as DO_MOUNT_CONTROL -20 was measured"),
        pytest.param(1765, 30.0, id="as DO_MOUNT_CONTROL 30 was measured"),
        pytest.param(1900, 45.0, id="full up"),
        pytest.param(0, 0.0, id="no signal stays level"),
    ],
)
def test_the_camera_tilts_with_output_10(pulse, degrees):
    rail = ServoRail()
    for _ in range(300):
        rail.follow((1500,) * 8 + (0, pulse), 0.01)
    assert np.degrees(rail.tilt_rad) == pytest.approx(degrees, abs=0.3)


@given(ANGLES, st.floats(-0.3, 0.3), st.floats(-0.2, 0.2))
@settings(max_examples=20, deadline=None)
def test_beside_steel_the_compass_reads_wrong_by_the_pattern_of_the_place(heading, tilt, error):
    class Fixed:
        def error_rad(self, *place: Any) -> float:
            return error

    plant = Plant(Scenario(seed=3), stated_ship(), HULL, start_utc_s=1.7e9)
    plant.body = RigidBody(MODELS["nominal"], plant.body.position, heading)
    plant.body.roll_rate = tilt / 0.005
    plant.body.step((0, 0, 0), (0, 0, 0), (0, 0, 0))
    north, east = horizontal_field_mgauss(plant.launch_origin)
    offset = np.array(SteelCompass(plant, Fixed()).offset_mgauss()) - OWN_OFFSET_MGAUSS
    felt = np.array(plant.body.to_body((north, east, 380.0))) - offset
    roll, pitch, yaw = plant.body.euler_rad
    level = Rotation.from_euler("ZYX", [0, pitch, roll]).apply(felt)
    read = np.arctan2(-level[1], level[0]) + np.arctan2(east, north)
    assert np.angle(np.exp(1j * (read - yaw - error))) == pytest.approx(0, abs=1e-6)


# ---------------------------------------------------------------- parameters


@pytest.mark.parametrize("position", ["dvl", "gps"])
def test_the_parameter_file_is_one_that_ardusub_reads(position):
    text = parameter_file(position)
    assert all(len(line) < 99 for line in text.splitlines())  # it reads lines of 99 characters
    values = dict(line.split() for line in text.splitlines() if not line.startswith("#"))
    assert len(values) == len([line for line in text.splitlines() if not line.startswith("#")])
    assert all(len(name) <= 16 for name in values)
    assert values["FRAME_CONFIG"] == "2"
    assert values["SIM_BARO_RND"] == "0.02"
    assert (values.get("GPS_TYPE") == "0") == (position == "dvl")
    assert (values.get("VISO_TYPE") == "1") == (position == "dvl")


# ---------------------------------------------------------------- the child process and the command


def program(folder: Path, behaviour: str) -> Path:
    """The stand-in as an executable, called by the name of what it does."""
    path = folder / behaviour
    path.write_text(f"#!{sys.executable}\nimport ardusub_peer\nardusub_peer.main()\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "mission.yaml").write_text(MISSION)
    (tmp_path / "scenario.yaml").write_text("seed: 7\nmission: mission.yaml\nvehicle: {compass: perfect}\n")
    here = str(Path(ardusub_peer.__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.setenv("FAKE_PID", str(tmp_path / "pid"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int) -> bool:
    for _ in range(200):
        if not is_alive(pid):
            return True
        time.sleep(0.05)
    return False


def fly(folder: Path, behaviour: str, *more: str) -> list[str]:
    arguments = ["ardusub", "scenario.yaml", "--binary", str(folder / behaviour), "--dvl", "127.0.0.1:0", *more]
    return [sys.executable, "-c", "from hullscan_sim.cli import main; main()", *arguments]


needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")


@needs_linux
@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="interrupted"),
        pytest.param(signal.SIGTERM, 0, id="asked to end"),
        pytest.param(signal.SIGKILL, -9, id="killed"),
    ],
)
def test_it_flies_a_program_and_takes_it_along_when_it_ends(folder, number, code):
    program(folder, "flies")
    station = MavlinkServer("udpin:127.0.0.1:0")
    address = f"udpout:127.0.0.1:{station.address[1]}"
    process = subprocess.Popen(
        fly(folder, "flies", "--mavlink", address, "--speedup", "0", "--truth", "truth"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"ready mavlink={address} dvl=127.0.0.1:")
        child = int((folder / "pid").read_text())
        assert is_alive(child)
        armed = False
        while not armed and process.poll() is None:
            armed = any(m.get_type() == "HEARTBEAT" and m.base_mode == 217 for m in station.receive())
            time.sleep(0.01)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
        station.close()
    assert process.returncode == code
    assert "Traceback" not in err
    assert "armed" in err
    assert gone(child)
    assert json.loads((folder / "truth" / "truth.json").read_text())["contacts"] == 0


@pytest.mark.parametrize(
    ("behaviour", "more", "words"),
    [
        pytest.param("missing", [], "there is no ", id="no such binary"),
        pytest.param("text", [], "is not a program", id="not a program"),
        pytest.param("noise", [], "could not be started: Exec format error", id="a program for another computer"),
        pytest.param("dies", [], "ArduSub ended with code 7: panic: cannot read the tea leaves", id="it dies at once"),
        pytest.param(
            "collapses", [], "ArduSub was ended by signal 6: Floating point exception", id="it dies in flight"
        ),
        pytest.param("flies", ["--mavlink", "udpin:127.0.0.1:{taken}"], "choose another port", id="port taken"),
        pytest.param("flies", ["--mavlink", "nowhere"], "'nowhere' is not an address", id="an address that is none"),
    ],
)
@needs_linux
def test_what_goes_wrong_is_one_line_and_leaves_no_child(folder, monkeypatch, capsys, behaviour, more, words):
    if behaviour not in ("missing", "text", "noise"):
        program(folder, behaviour)
    (folder / "text").write_text("ArduSub\n")
    (folder / "noise").write_bytes(bytes(range(200)))
    (folder / "noise").chmod(0o755)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        more = [part.format(taken=holder.getsockname()[1]) for part in more]
        monkeypatch.setattr(sys, "argv", ["hullscan-sim", *fly(folder, behaviour, *more)[3:]])
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    assert ended.value.code == 1
    lines = capsys.readouterr().err.splitlines()
    assert words in lines[-1]
    assert [line for line in lines if line.startswith("error: ")] == lines[-1:]
    assert not (folder / "pid").exists() or gone(int((folder / "pid").read_text()))


@needs_linux
def test_a_program_that_never_asks_for_physics_is_named_and_killed(folder, make):
    bench = make(patience_s=0.5)
    with ArduSubProcess(program(folder, "silent"), "FRAME_CONFIG 2\n", lambda defaults: []) as firmware:
        bench.simulation._firmware = firmware
        with pytest.raises(LinkError, match=r"ArduSub sent no servo packet within .* s"):
            bench.simulation.await_firmware(lambda: False)
        pid, place = firmware.pid, firmware.folder
        assert is_alive(pid)
    assert gone(pid)
    assert not place.exists()


# ---------------------------------------------------------------- the real one

BINARY = os.environ.get("HULLSCAN_ARDUSUB", "")


@pytest.mark.slow
@pytest.mark.skipif(not BINARY, reason="HULLSCAN_ARDUSUB names no ArduSub SITL")
@pytest.mark.parametrize("position", ["dvl", "gps"])
def test_a_real_ardusub_finds_its_position_and_goes_down_in_guided(folder, position):
    vehicle = f"vehicle: {{compass: perfect, position: {position}}}"
    (folder / "scenario.yaml").write_text(f"seed: 3\nmission: mission.yaml\nwater: {{current_mps: 0.1}}\n{vehicle}\n")
    station = MavlinkServer("udpin:127.0.0.1:0")
    mav = mavlink.MAVLink(None, srcSystem=255, srcComponent=190)
    process = subprocess.Popen(
        [
            sys.executable, "-c", "from hullscan_sim.cli import main; main()", "ardusub", "scenario.yaml",
            "--binary", BINARY, "--dvl", "127.0.0.1:0", "--speedup", "0", "--truth", "truth",
            "--mavlink", f"udpout:127.0.0.1:{station.address[1]}",
        ],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    last: dict[str, Any] = {}

    def send(message: Any) -> None:
        station.send([message.pack(mav)])

    def until(reached: Any, simulated_s: float, again: Any = lambda: None) -> bool:
        begun, beat = None, 0
        while True:
            for message in station.receive():
                if message.get_srcComponent() == 1:
                    last[message.get_type()] = message
            now = last["ATTITUDE"].time_boot_ms / 1000 if "ATTITUDE" in last else 0.0
            begun = now if begun is None else begun
            if reached():
                return True
            if now - begun > simulated_s or process.poll() is not None:
                return False
            if now >= beat:
                beat = now + 0.5
                send(mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3))
                again()
            time.sleep(0.002)

    def flags() -> int:
        return int(last["EKF_STATUS_REPORT"].flags) if "EKF_STATUS_REPORT" in last else 0

    def go_down() -> None:
        send(mavlink.MAVLink_command_long_message(1, 1, 176, 0, 1, 4, 0, 0, 0, 0, 0))
        send(mavlink.MAVLink_command_long_message(1, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0))
        place = (last["LOCAL_POSITION_NED"].x, last["LOCAL_POSITION_NED"].y, 2.0)
        send(mavlink.MAVLink_set_position_target_local_ned_message(0, 1, 1, 1, 0x09C0, *place, *[0] * 6, 0, 0))

    try:
        known = 8 if position == "dvl" else 16  # position relative to the start, or absolute
        assert until(lambda: flags() & known and not flags() & 128, 90)
        assert until(lambda: "LOCAL_POSITION_NED" in last and last["LOCAL_POSITION_NED"].z > 1.8, 40, go_down)
        assert last["HEARTBEAT"].custom_mode == 4
    finally:
        process.terminate()
        process.wait(timeout=20)
        station.close()
    truth = (folder / "truth" / "truth.csv").read_text().splitlines()
    down_m = float(truth[-1].split(",")[4])
    assert down_m == pytest.approx(last["LOCAL_POSITION_NED"].z, abs=0.4)
