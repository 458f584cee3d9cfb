import os
import pty
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink
from vehicle_peer import CAMERA, VehiclePeer, free_port

from hullscan.clock import SystemClock
from hullscan.errors import LinkError, RecordError
from hullscan.vehicle.address import Address, Scheme, parse_address
from hullscan.vehicle.link import MavlinkLink
from hullscan.vehicle.messages import ParamList, Source
from hullscan.vehicle.tlog import TlogReader

AUTOPILOT = Source(1, 1)
BEAT = bytes(
    mavlink.MAVLink_heartbeat_message(12, 3, 81, 19, 3, 3).pack(mavlink.MAVLink(None, srcSystem=1, srcComponent=1))
)


@contextmanager
def linked(address, clock=None, **options):
    link = MavlinkLink(address, clock or SystemClock(), **options)
    link.frames = []
    link.subscribe(lambda frame, utc_s: link.frames.append((frame, utc_s)))
    link.open()
    try:
        yield link
    finally:
        link.close()


def wait_until(condition, timeout_s=5.0):
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()


def udpin():
    return Address(Scheme.UDP_IN, "127.0.0.1", free_port())


def test_every_frame_received_and_sent_is_logged(tmp_path):
    path, address = tmp_path / "telemetry.tlog", udpin()
    with linked(address, log=path) as link, VehiclePeer(address.number) as peer:
        wait_until(lambda: len(link.frames) > 5)
        link.send(ParamList(AUTOPILOT), to=AUTOPILOT)
        peer.wait_for("PARAM_REQUEST_LIST")
    counts = TlogReader(path).summary().counts
    assert counts[Source(255, 25)]["PARAM_REQUEST_LIST"] == 1
    assert sum(counts[AUTOPILOT].values()) == len(link.frames)
    stamps = [utc_s for utc_s, _ in TlogReader(path)]
    assert abs(stamps[-1] - time.time()) < 30


class FastClock:
    """Ten seconds of mission time in each second."""

    def now(self) -> float:
        return 10.0 * time.monotonic()

    def sleep(self, duration_s: float) -> None:
        time.sleep(duration_s / 10.0)


def test_our_heartbeat_is_sent_only_in_control_and_once_a_second_of_mission_time():
    address, clock = udpin(), FastClock()
    with linked(address, clock) as link, VehiclePeer(address.number, speed=10.0) as peer:
        wait_until(lambda: link.frames)
        time.sleep(0.3)
        assert peer.heard("HEARTBEAT") == []
        link.in_control = True
        peer.wait_for("HEARTBEAT", 6)
        link.in_control = False
        time.sleep(0.15)
        times = peer.times("HEARTBEAT")
        time.sleep(0.3)
        assert len(peer.heard("HEARTBEAT")) == len(times)
    assert 0.8 < (times[-1] - times[0]) / (len(times) - 1) < 2.5  # the lower bound holds on a busy machine too
    beat = peer.heard("HEARTBEAT")[0]
    assert (beat.get_srcSystem(), beat.type, beat.autopilot) == (255, mavlink.MAV_TYPE_GCS, 8)


def test_garbage_on_the_port_is_counted_and_costs_nothing():
    address = udpin()
    with linked(address) as link, VehiclePeer(address.number) as peer:
        wait_until(lambda: link.frames)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for _ in range(50):
                stranger.sendto(
                    os.urandom(64).replace(b"\xfd", b"\0").replace(b"\xfe", b"\0"), ("127.0.0.1", address.number)
                )
        peer.send_bytes(b"AP_Logger_File: buffer size=204800\n")
        before = len(link.frames)
        wait_until(lambda: len(link.frames) > before + 3 and link.skipped_bytes >= 50 * 64 + 35)
        assert {frame.source for frame, _ in link.frames} == {AUTOPILOT}
        assert link.bad_runs >= 2


def test_orders_go_to_the_component_that_they_are_for():
    address = udpin()
    with (
        linked(address) as link,
        VehiclePeer(address.number) as vehicle,
        VehiclePeer(address.number, identity=(1, 100), kind=CAMERA) as camera,
    ):
        wait_until(lambda: len({frame.source for frame, _ in link.frames}) == 2)
        link.send(ParamList(AUTOPILOT), to=AUTOPILOT)
        vehicle.wait_for("PARAM_REQUEST_LIST")
        time.sleep(0.05)
        assert camera.heard("PARAM_REQUEST_LIST") == []


def test_the_round_trip_is_measured():
    address = udpin()
    with linked(address) as link, VehiclePeer(address.number):
        wait_until(lambda: link.round_trip_s < 1.0)


def test_nobody_to_send_to_is_counted_and_blocks_nothing():
    with linked(udpin()) as link:
        started = time.monotonic()
        for _ in range(3_000):
            link.send(ParamList(AUTOPILOT), to=AUTOPILOT)
        assert time.monotonic() - started < 1.0
        wait_until(lambda: link.dropped_orders == 3_000)


def test_udpout_speaks_first_and_hears_the_answer():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5.0)
        with linked(Address(Scheme.UDP_OUT, "127.0.0.1", server.getsockname()[1])) as link:
            data, place = server.recvfrom(4096)
            assert mavlink.MAVLink(None).decode(bytearray(data)).get_type() == "TIMESYNC"
            server.sendto(BEAT, place)
            wait_until(lambda: link.frames)


def test_a_lost_tcp_server_is_connected_to_again():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5.0)
        with linked(Address(Scheme.TCP, "127.0.0.1", server.getsockname()[1])) as link:
            for count in (1, 2):
                stream, _ = server.accept()
                with stream:
                    stream.sendall(BEAT[:7])
                    time.sleep(0.02)
                    stream.sendall(BEAT[7:])
                    wait_until(lambda count=count: len(link.frames) == count)
            assert link.transport.reconnects == 1


def test_tcpin_waits_for_one_caller():
    port = free_port()
    with (
        linked(Address(Scheme.TCP_IN, "127.0.0.1", port)) as link,
        socket.create_connection(("127.0.0.1", port), timeout=5.0) as caller,
    ):
        caller.sendall(BEAT)
        wait_until(lambda: link.frames)
        link.send(ParamList(AUTOPILOT), to=AUTOPILOT)
        assert caller.recv(280)[0] == 0xFD


def test_a_serial_line_carries_frames_both_ways():
    ours, theirs = pty.openpty()
    try:
        with linked(parse_address(os.ttyname(theirs) + ",57600")) as link:
            os.write(ours, BEAT)
            wait_until(lambda: link.frames)
            link.send(ParamList(AUTOPILOT), to=AUTOPILOT)
            assert b"\xfd" in os.read(ours, 280)
    finally:
        os.close(ours)
        os.close(theirs)


UNOPENED = {
    "nobody listens there": ("tcp:127.0.0.1:9", "cannot connect"),
    "a host that does not exist": ("udpout:no-such-host.invalid:14550", "unknown"),
    "a device that is not there": ("/dev/ttyNOPE99", "cannot open the serial line"),
    "a device that is no serial line": ("/dev/null", "not a serial line"),
}


@pytest.mark.parametrize(("address", "words"), UNOPENED.values(), ids=UNOPENED.keys())
def test_what_cannot_be_opened_is_one_clear_error(address, words):
    with pytest.raises(LinkError, match=words):
        MavlinkLink(parse_address(address), SystemClock())


def test_a_port_in_use_says_what_to_do():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        address = Address(Scheme.UDP_IN, "127.0.0.1", other.getsockname()[1])
        with pytest.raises(LinkError, match="close the other program"):
            MavlinkLink(address, SystemClock())


def test_a_full_disk_is_told_to_the_owner_while_the_link_goes_on():
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    address = udpin()
    link = MavlinkLink(address, SystemClock(), log=Path("/dev/full"))
    frames = []
    link.subscribe(lambda frame, utc_s: frames.append(frame))
    link.open()
    with VehiclePeer(address.number):
        wait_until(lambda: frames)
        time.sleep(0.8)  # the writer syncs every half second
        with pytest.raises(RecordError, match="cannot be written"):
            link.check()
        heard = len(frames)
        wait_until(lambda: len(frames) > heard + 3)
    with pytest.raises(RecordError):
        link.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_reader_that_died_is_told_to_the_owner():
    address = udpin()
    link = MavlinkLink(address, SystemClock())

    def fail(frame, utc_s):
        raise ZeroDivisionError

    link.subscribe(fail)
    link.open()
    with VehiclePeer(address.number):
        wait_until(lambda: not [t for t in threading.enumerate() if t.name == "mavlink reader"])
    with pytest.raises(LinkError, match="mavlink reader stopped by itself"):
        link.check()
    link.close()
