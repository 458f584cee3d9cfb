import json
import math
import socket
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hullscan.clock import SimulatedClock, SystemClock
from hullscan.errors import RecordError, SensorError
from hullscan.vehicle.dvl import WaterLinkedDvl
from hullscan.vehicle.dvl_mount import BEAMS_DVL, LOOKS_DOWN, LOOKS_FORWARD
from hullscan.vehicle.dvl_reports import DamagedLineError, Other, Response, VelocityReport, parse_line

PATIENT = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])

NOW = 1_795_000_000.0
SLANT = 1.0 / math.cos(math.radians(22.5))


def report(altitude=1.0, *, stamp_s=None, valid=True, beams=None, **changes):
    """A json_v3.1 line as the maker documents it, of a flat wall straight ahead."""
    distances = beams if beams is not None else [altitude * SLANT] * 4
    line = {
        "time": 106.4,
        "vx": 0.1,
        "vy": 0.2,
        "vz": 0.3,
        "fom": 0.001,
        "covariance": [[1e-8, 0, 0], [0, 1e-8, 0], [0, 0, 1e-8]],
        "altitude": altitude,
        "transducers": [
            {"id": i, "velocity": 0.0, "distance": d, "rssi": -30.4, "nsd": -88.7, "beam_valid": d > 0}
            for i, d in enumerate(distances)
        ],
        "velocity_valid": valid,
        "status": 0,
        "format": "json_v3.1",
        "type": "velocity",
    }
    if stamp_s is not None:
        line |= {"time_of_validity": round((stamp_s - 0.1) * 1e6), "time_of_transmission": round(stamp_s * 1e6)}
    return json.dumps(line | changes).encode()


def fed(*lines, mount=LOOKS_FORWARD, **options):
    """A client that took these (arrival, line) pairs without a connection."""
    dvl = WaterLinkedDvl("127.0.0.1", SimulatedClock(NOW), mount, **options)
    for arrival_s, line in lines:
        dvl.take(line, NOW + arrival_s)
    return dvl


def steady(*altitudes, hz=10.0):
    """A report each period, sent 0.1 s after its echo, on a DVL that has been on for 500 s."""
    return [(i / hz, report(altitude, stamp_s=500.0 + i / hz)) for i, altitude in enumerate(altitudes)]


# -- geometry ----------------------------------------------------------------------------------------------------


def test_the_beams_stand_22_degrees_and_a_half_off_the_axis():
    assert np.linalg.norm(BEAMS_DVL, axis=1) == pytest.approx(1.0)
    assert np.degrees(np.arccos(BEAMS_DVL[:, 2])) == pytest.approx(22.5)


def test_transducers_0_to_3_are_rear_right_rear_left_front_left_front_right():
    assert np.sign(BEAMS_DVL[:, :2]).tolist() == [[-1, 1], [-1, -1], [1, -1], [1, 1]]


def test_a_dvl_that_looks_forward_sees_along_frd_x():
    made = fed((0.0, report(1.0))).latest()
    assert made.directions_frd[:, 0] == pytest.approx(math.cos(math.radians(22.5)))
    assert np.sign(made.directions_frd[:, 1:]).tolist() == [[1, 1], [-1, 1], [-1, -1], [1, -1]]  # right, down
    points = made.directions_frd * made.distances_m[:, None]
    assert points[:, 0] == pytest.approx(1.0)
    assert np.linalg.norm(points[:, 1:], axis=1) == pytest.approx(0.414, abs=0.001)  # vehicle.md 2a
    assert made.velocity_frd_mps == pytest.approx([0.3, 0.2, -0.1])  # BlueOS: [vz, vy, -vx]


def test_a_dvl_that_looks_down_keeps_its_axes():
    assert fed((0.0, report()), mount=LOOKS_DOWN).latest().velocity_frd_mps == pytest.approx([0.1, 0.2, 0.3])


def test_a_rotation_that_the_dvl_itself_applies_is_undone():
    config = {"range_mode": "auto", "mounting_rotation_offset": 90.0}
    answer = {"response_to": "get_config", "success": True, "error_message": "", "result": config, "type": "response"}
    turned = report(vx=-0.2, vy=0.1, vz=0.3)  # body x 0.1, y 0.2, turned clockwise by 90 degrees
    dvl = fed((0.0, json.dumps(answer).encode()), (0.1, turned), mount=LOOKS_DOWN)
    assert dvl.latest().velocity_frd_mps == pytest.approx([0.1, 0.2, 0.3])


# -- reports -----------------------------------------------------------------------------------------------------


def test_invalid_reports_are_kept_as_invalid_and_counted():
    dvl = fed(
        *steady(1.0, 1.0),
        (0.2, report(-1.0, valid=False, beams=[-1.0] * 4)),
        (0.3, report(valid=False, beams=[1.1, -1, -1, -1])),
    )
    nothing, one = dvl.since(NOW + 0.15)
    assert (nothing.valid.any(), nothing.velocity_frd_mps) == (False, None)
    assert np.isnan(nothing.distances_m).all()
    assert one.valid.tolist() == [True, False, False, False]
    assert one.velocity_frd_mps is None
    assert (dvl.counts.reports, dvl.counts.invalid) == (4, 1)


def test_a_wrong_short_echo_is_flagged_and_counted_but_not_dropped():
    dvl = fed(*steady(1.7, 1.7, 1.7, 1.7, 0.07, 1.7))
    short, after = dvl.since(NOW + 0.25)[-2:]
    assert short.valid.all()
    assert short.suspect.all()
    assert not short.good.any()
    assert after.good.all()
    assert dvl.counts.suspect == 1


def test_a_short_echo_that_persists_is_believed():
    dvl = fed(*steady(*[1.7] * 5, *[0.5] * 4))
    assert [made.suspect.any() for made in dvl.since(NOW + 0.25)] == [False, True, True, False, False]


def test_a_vehicle_that_closes_in_quickly_is_never_suspect():
    dvl = fed(*steady(*[3.0 - 0.05 * step for step in range(55)]))
    assert dvl.counts.suspect == 0


def test_only_the_beam_that_is_short_is_suspect():
    lines = [*steady(1.0, 1.0, 1.0, 1.0), (0.4, report(beams=[1.08, 0.1, 1.08, 1.08]))]
    assert fed(*lines).latest().good.tolist() == [True, False, True, True]


def test_identical_lines_are_dropped_and_counted():
    line = report(1.0, stamp_s=0.0)
    dvl = fed((0.0, line), (0.01, line), (0.1, report(1.0, stamp_s=0.1)))
    assert (dvl.counts.reports, dvl.counts.repeated) == (2, 1)


def test_water_tracking_is_no_velocity_relative_to_the_hull():
    made = fed((0.0, report(tracking_mode="water"))).latest()
    assert made.velocity_frd_mps is None
    assert not made.valid.any()


def test_the_first_protocol_without_types_and_stamps_is_read():
    line = json.loads(report(1.2))
    for key in ("type", "covariance", "format", "status"):
        del line[key]
    made = fed((0.5, json.dumps(line).encode())).latest()
    assert made.utc_s == NOW + 0.5
    assert made.good.all()


def test_without_transducers_the_altitude_is_one_beam_along_the_axis():
    made = fed((0.0, report(1.2, transducers=[]))).latest()
    assert made.directions_frd == pytest.approx(np.array([[1.0, 0.0, 0.0]]))
    assert made.distances_m == pytest.approx([1.2])


def test_other_lines_are_counted_by_kind():
    dvl = fed((0.0, b'{"type": "position_local", "x": 1.0}'), (0.1, b"not json"), (0.2, b"[1]"), (0.3, b""))
    assert (dvl.counts.other, dvl.counts.damaged, dvl.latest()) == ({"position_local": 1}, 2, None)


def test_its_heat_warning_is_shown():
    assert fed((0.0, report(status=1))).hot


# -- time --------------------------------------------------------------------------------------------------------


def test_the_time_of_the_echo_is_placed_by_the_time_of_sending():
    lines = [(i * 0.1 + 0.004 + 0.009 * (i % 3), report(1.0, stamp_s=500.0 + i * 0.1)) for i in range(30)]
    dvl = fed(*lines)
    made = dvl.since(0.0)[20]
    assert made.utc_s == pytest.approx(NOW + 2.0 - 0.1, abs=0.003)  # sent 0.1 s after the echo
    assert 0.002 <= dvl.clock_uncertainty_s < 0.01


def test_a_clock_that_was_set_by_ntp_is_followed_and_counted():
    dvl = fed(*steady(1.0, 1.0, 1.0), (0.3, report(1.0, stamp_s=1.6e9)), (0.4, report(1.0, stamp_s=1.6e9 + 0.1)))
    assert dvl.counts.clock_jumps == 1
    assert dvl.latest().utc_s == pytest.approx(NOW + 0.3, abs=0.01)


def test_its_age_counts_good_reports_only():
    dvl = fed(*steady(1.0), (5.0, report(-1.0, valid=False, beams=[-1.0] * 4)))
    assert dvl.age_s(NOW + 5.0) == pytest.approx(5.1, abs=0.01)
    assert fed().age_s(NOW) == math.inf


# -- the connection ----------------------------------------------------------------------------------------------


class Server:
    """A DVL's TCP server: answers commands, sends what a test puts in."""

    def __init__(self, *, refuse="", answers=True):
        self.refuse, self.answers = refuse, answers
        self.commands = []
        self.connections = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(stream)
            threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def _serve(self, stream):
        with stream.makefile("rb") as lines:
            try:
                for line in lines:
                    self._command(stream, json.loads(line))
            except (OSError, ValueError):
                return

    def _command(self, stream, command):
        self.commands.append(command)
        if self.answers:
            reply = {
                "response_to": command["command"],
                "success": not (self.refuse and command["command"] == "set_config"),
                "error_message": self.refuse,
                "result": None,
                "format": "json_v3.1",
                "type": "response",
            }
            stream.sendall(json.dumps(reply).encode() + b"\n")

    def send(self, *lines):
        for line in lines:
            self.connections[-1].sendall(line + b"\n")

    def hang_up(self):
        self.connections[-1].shutdown(socket.SHUT_RDWR)
        self.connections[-1].close()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for stream in self.connections:
            stream.close()


@contextmanager
def connected(*, server_options=None, **options):
    server = Server(**(server_options or {}))
    dvl = WaterLinkedDvl("127.0.0.1", SystemClock(), LOOKS_FORWARD, port=server.port, **options)
    try:
        dvl.start()
        yield dvl, server
    finally:
        dvl.close()
        server.close()


def wait_until(condition, timeout_s=5.0):
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()


def test_reports_arrive_over_tcp_and_every_raw_line_is_recorded():
    lines = []
    with connected(record=lambda utc_s, line: lines.append(line)) as (dvl, server):
        wait_until(lambda: server.connections)
        server.send(report(1.0), b"damaged", report(1.1))
        wait_until(lambda: dvl.counts.reports == 2)
        assert dvl.counts.damaged == 1
        assert abs(dvl.latest().utc_s - time.time()) < 5
    assert [line for line in lines if b"response" not in line] == [report(1.0), b"damaged", report(1.1)]


def test_a_refused_connection_at_the_start_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    dvl = WaterLinkedDvl("127.0.0.1", SystemClock(), LOOKS_FORWARD, port=port)
    with pytest.raises(SensorError, match=rf"cannot connect: Connection refused \(DVL at 127.0.0.1:{port}\)") as error:
        dvl.start()
    assert "\n" not in str(error.value)
    dvl.close()


def test_a_lost_connection_comes_back_with_its_range_mode():
    with connected(range_mode="=1") as (dvl, server):
        server.send(report(1.0))
        wait_until(lambda: dvl.counts.reports == 1)
        server.hang_up()
        wait_until(lambda: len(server.connections) == 2)
        server.send(report(1.1))
        wait_until(lambda: dvl.counts.reports == 2)
        assert dvl.counts.reconnects == 1
        modes = [command["parameters"] for command in server.commands if command["command"] == "set_config"]
        assert modes == [{"range_mode": "=1"}] * 2


def test_a_refused_range_mode_is_an_error():
    refusing = connected(server_options={"refuse": "no such mode"}, range_mode="=9")
    with pytest.raises(SensorError, match="refused range mode =9: no such mode"), refusing:
        pytest.fail("it did not refuse")


def test_a_recorder_that_fails_is_told_to_the_owner_and_the_reports_go_on():
    def fail(utc_s, line):
        raise RecordError("the disk is full")

    dvl = fed(*steady(1.0, 1.0), record=fail)
    assert dvl.counts.reports == 2
    with pytest.raises(RecordError, match="disk is full"):
        dvl.check()


# -- untrusted bytes ---------------------------------------------------------------------------------------------


ODD = {
    "a number of five thousand digits": b'{"type": "velocity", "vx": ' + b"9" * 5_000 + b"}",
    "nested ten thousand deep": b"[" * 10_000,
    "numbers that are none": b'{"type": "velocity", "vx": NaN, "altitude": true, "velocity_valid": true}',
    "transducers that are none": b'{"type": "velocity", "transducers": [1, {"id": true}, {"id": 99}, null]}',
    "a beam that is too far to be a number": (
        b'{"type": "velocity", "transducers": [{"id": 0, "distance": 1e999, "beam_valid": true}]}'
    ),
    "stamps that are none": b'{"type": "velocity", "time_of_validity": "now", "time_of_transmission": -5}',
    "a response without anything": b'{"type": "response"}',
    "not text": bytes(range(256)),
}


@pytest.mark.parametrize("line", ODD.values(), ids=ODD.keys())
def test_odd_lines_are_read_or_counted(line):
    dvl = fed((0.0, line))
    assert dvl.counts.reports + dvl.counts.damaged + sum(dvl.counts.other.values()) <= 1
    assert all(not made.valid.any() for made in dvl.since(0.0))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KEYS = ["vx", "vy", "vz", "fom", "altitude", "transducers", "velocity_valid", "status", "result", "success", "type"]
KEYS += ["time_of_validity", "time_of_transmission", "tracking_mode", "response_to", "error_message"]


@PATIENT
@given(st.binary(max_size=200))
def test_any_bytes_are_a_report_or_damaged(line):
    try:
        assert isinstance(parse_line(line), VelocityReport | Response | Other)
    except DamagedLineError:
        return


@PATIENT
@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=8), st.sampled_from(["velocity", "response", None]))
def test_any_json_is_taken_without_a_crash(values, kind):
    line = values if kind is None else values | {"type": kind}
    dvl = fed((0.0, json.dumps(line).encode()), (0.1, report(1.0)))
    assert dvl.latest().good.all()
