"""Real sockets: MAVLink over UDP with several peers, the DVL's JSON over TCP."""

from __future__ import annotations

import json
import socket
import time
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from test_sim_station import HULL, stated_ship

from hullscan.errors import InputError, LinkError
from hullscan_sim.dvl import Dvl
from hullscan_sim.dvl_server import DvlServer, PositionLocal
from hullscan_sim.mavlink_server import MavlinkServer, parse
from hullscan_sim.messages import mavlink
from hullscan_sim.scenario import Scenario, VehicleOptions
from hullscan_sim.simulation import Simulation

OPTIONS = VehicleOptions(position="dvl", compass="perfect", start_up=0.0)


def ground() -> socket.socket:
    station = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    station.bind(("127.0.0.1", 0))
    station.settimeout(2.0)
    return station


def heard(station: socket.socket) -> list[Any]:
    messages = []
    station.setblocking(False)
    while True:
        try:
            messages += parse(station.recv(2048))
        except BlockingIOError:
            return messages


def simulation(**more: Any) -> Simulation:
    return Simulation(
        Scenario(seed=7, vehicle=OPTIONS), stated_ship(distance_m=1.6), HULL, **{"dvl_address": None, **more}
    )


# ---------------------------------------------------------------- MAVLink


def test_it_calls_its_ground_station_and_whoever_talks_to_it():
    first, second = ground(), ground()
    link = MavlinkServer(f"udpout:127.0.0.1:{first.getsockname()[1]}")
    sim = simulation(link=link)
    sim.run_until(1.0)
    kinds = {message.get_type() for message in heard(first)}
    assert {"HEARTBEAT", "ATTITUDE", "SYS_STATUS"} <= kinds
    assert heard(second) == []
    beat = mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3).pack(mavlink.MAVLink(None, 255, 190))
    second.sendto(beat, ("127.0.0.1", link.address[1]))
    time.sleep(0.05)
    sim.run_until(2.0)
    assert {message.get_type() for message in heard(second)} >= {"HEARTBEAT", "ATTITUDE"}
    assert heard(first)
    sim.close()
    first.close()
    second.close()


def test_a_command_over_udp_is_answered():
    station = ground()
    link = MavlinkServer(f"udpout:127.0.0.1:{station.getsockname()[1]}")
    sim = simulation(link=link)
    sim.run_until(0.5)
    heard(station)
    command = mavlink.MAVLink_command_long_message(1, 1, 176, 0, 1, 2, 0, 0, 0, 0, 0)
    station.sendto(command.pack(mavlink.MAVLink(None, 255, 190)), ("127.0.0.1", link.address[1]))
    time.sleep(0.05)
    sim.run_until(0.6)
    answers = [m for m in heard(station) if m.get_type() == "COMMAND_ACK"]
    assert [(m.command, m.result, m.target_system) for m in answers] == [(176, 0, 255)]
    sim.close()
    station.close()


def test_bytes_that_are_not_mavlink_do_no_harm():
    station = ground()
    link = MavlinkServer(f"udpout:127.0.0.1:{station.getsockname()[1]}")
    rng = np.random.default_rng(1)
    for _ in range(200):
        station.sendto(rng.bytes(int(rng.integers(1, 400))), ("127.0.0.1", link.address[1]))
    good = mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3).pack(mavlink.MAVLink(None, 255, 190))
    station.sendto(good, ("127.0.0.1", link.address[1]))
    time.sleep(0.1)
    received = [message for _ in range(8) for message in link.receive()]
    assert [message.get_type() for message in received if message.get_srcSystem() == 255] == ["HEARTBEAT"]
    link.close()
    station.close()


@pytest.mark.parametrize(
    "url",
    ["", "udpout", "udpout:127.0.0.1", "udpout:127.0.0.1:x", "tcp:127.0.0.1:5760", "udpout:127.0.0.1:99999"],
)
def test_an_address_that_cannot_be_read_is_an_error_of_the_user(url):
    with pytest.raises(InputError, match="is not an address"):
        MavlinkServer(url)


def test_an_address_in_use_is_a_link_error():
    first = MavlinkServer("udpin:127.0.0.1:0")
    with pytest.raises(LinkError, match="cannot use"):
        MavlinkServer(f"udpin:127.0.0.1:{first.address[1]}")
    first.close()


# ---------------------------------------------------------------- DVL


class Reader:
    """A client that reads lines."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=2.0)
        self.socket.setblocking(False)
        self._buffer = b""

    def send(self, line: str) -> None:
        self.socket.sendall(line.encode() + b"\n")

    def lines(self) -> list[dict[str, Any]]:
        while True:
            try:
                data = self.socket.recv(65536)
            except BlockingIOError:
                break
            if not data:
                break
            self._buffer += data
        *whole, self._buffer = self._buffer.split(b"\n")
        return [json.loads(line) for line in whole]


@pytest.fixture
def served():
    sim = simulation(dvl_address="127.0.0.1:0")
    assert sim.dvl_server is not None
    reader = Reader(sim.dvl_server.address)
    sim.run_until(0.5)
    yield sim, reader
    reader.socket.close()
    sim.close()


def test_reports_come_as_an_a50_sends_them(served):
    sim, reader = served
    sim.run_until(8.0)
    lines = reader.lines()
    velocity = [line for line in lines if line["type"] == "velocity"]
    local = [line for line in lines if line["type"] == "position_local"]
    assert len(velocity) / 7.5 == pytest.approx(8.7, abs=1.5)
    assert len(local) / 7.5 == pytest.approx(5.0, abs=0.3)
    report = next(line for line in velocity if line["velocity_valid"])
    assert set(report) == {
        "time", "vx", "vy", "vz", "fom", "covariance", "altitude", "transducers", "velocity_valid", "status",
        "format", "type", "time_of_validity", "time_of_transmission",
    }  # fmt: skip
    assert report["format"] == "json_v3.3"
    assert np.shape(report["covariance"]) == (3, 3)
    assert [beam["id"] for beam in report["transducers"]] == [0, 1, 2, 3]
    assert set(report["transducers"][0]) == {"id", "velocity", "distance", "rssi", "nsd", "beam_valid"}
    assert report["altitude"] == pytest.approx(1.4, abs=0.1)
    assert 2000 < report["time_of_transmission"] - report["time_of_validity"] < 13000
    assert set(local[0]) == {"ts", "x", "y", "z", "std", "roll", "pitch", "yaw", "type", "status", "format"}


def test_the_clock_of_the_dvl_is_its_own_and_steady(served):
    sim, reader = served
    sim.run_until(6.0)
    stamps = [line["time_of_validity"] / 1e6 for line in reader.lines() if line["type"] == "velocity"]
    offset = stamps[-1] - sim.utc_s
    assert 0.0 < abs(offset) < 4.0
    assert all(b >= a for a, b in pairwise(stamps))


@pytest.mark.parametrize(
    ("request_line", "success", "result"),
    [
        pytest.param('{"command": "reset_dead_reckoning"}', True, None, id="reset"),
        pytest.param('{"command": "calibrate_gyro"}', True, None, id="gyro calibration"),
        pytest.param(
            '{"command": "set_config", "parameters": {"range_mode": "=1"}}', True, None, id="lock a range mode"
        ),
        pytest.param(
            '{"command": "set_config", "parameters": {"range_mode": "=9"}}', False, None, id="a mode that is not"
        ),
        pytest.param('{"command": "set_config", "parameters": {"colour": 1}}', False, None, id="an unknown setting"),
        pytest.param(
            '{"command": "set_config", "parameters": {"acoustic_enabled": "yes"}}', False, None, id="a wrong type"
        ),
        pytest.param('{"command": "make_coffee"}', False, None, id="an unknown command"),
        pytest.param("not json", False, None, id="not JSON"),
        pytest.param('{"no": "command"}', False, None, id="no command"),
        pytest.param("[1, 2]", False, None, id="not an object"),
    ],
)
def test_a_command_is_answered(served, request_line, success, result):
    sim, reader = served
    reader.lines()
    reader.send(request_line)
    time.sleep(0.02)
    sim.run_until(sim.time_s + 0.1)
    (answer,) = [line for line in reader.lines() if line["type"] == "response"]
    assert answer["success"] is success
    assert bool(answer["error_message"]) is not success
    assert answer["result"] == result
    assert answer["format"] == "json_v3.3"


def test_a_setting_is_kept_and_read_back(served):
    sim, reader = served
    reader.send('{"command": "set_config", "parameters": {"range_mode": "=2", "speed_of_sound": 1480}}')
    reader.send('{"command": "get_config"}')
    time.sleep(0.02)
    sim.run_until(sim.time_s + 0.1)
    answers = [line for line in reader.lines() if line["type"] == "response"]
    assert answers[1]["result"]["range_mode"] == "=2"
    assert answers[1]["result"]["speed_of_sound"] == 1480
    assert sim.dvl.range_mode == "=2"


def test_with_the_acoustics_off_it_falls_silent(served):
    sim, reader = served
    reader.send('{"command": "set_config", "parameters": {"acoustic_enabled": false}}')
    time.sleep(0.02)
    sim.run_until(sim.time_s + 0.2)
    reader.lines()
    sim.run_until(sim.time_s + 2.0)
    assert [line for line in reader.lines() if line["type"] == "velocity"] == []


def test_several_clients_hear_the_same_and_one_that_leaves_is_forgotten(served):
    sim, reader = served
    second = Reader(sim.dvl_server.address)
    sim.run_until(sim.time_s + 0.1)
    reader.lines()
    second.lines()
    sim.run_until(sim.time_s + 3.0)
    assert reader.lines()[-5:] == second.lines()[-5:]
    second.socket.close()
    sim.run_until(sim.time_s + 0.5)
    assert sim.dvl_server.clients == 1


def test_a_client_that_does_not_read_is_dropped_and_never_waited_for():
    dvl = Dvl("perfect", np.random.default_rng(1))
    server = DvlServer("127.0.0.1:0", dvl, PositionLocal(np.random.default_rng(1), perfect=True))
    lazy = socket.create_connection(server.address)
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    server.poll(0.0)
    assert server.clients == 1
    began = time.perf_counter()
    for count in range(20000):
        server.send({"type": "velocity", "filler": "x" * 1000})
        if count % 10 == 0:
            server.poll(count * 0.1)
        if not server.clients:
            break
    assert server.clients == 0
    assert time.perf_counter() - began < 10
    lazy.close()
    server.close()


def test_a_dvl_address_that_cannot_be_used_is_an_error():
    dvl, position = Dvl("perfect", np.random.default_rng(1)), PositionLocal(np.random.default_rng(1), perfect=True)
    with pytest.raises(InputError, match="is not an address"):
        DvlServer("16171", dvl, position)
    first = DvlServer("127.0.0.1:0", dvl, position)
    with pytest.raises(LinkError, match="cannot listen"):
        DvlServer(f"127.0.0.1:{first.address[1]}", dvl, position)
    first.close()
