"""MAVLink 2 signing: who does not hold the key, plays old frames or speaks for others changes nothing."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink
from vehicle_peer import VehiclePeer, free_port

from hullscan.clock import SystemClock
from hullscan.errors import InputError, LinkError
from hullscan.mission.model import load_mission
from hullscan.preflight.equip import signing_key_of
from hullscan.vehicle.address import Address, Scheme
from hullscan.vehicle.ardusub import ArduSubVehicle
from hullscan.vehicle.codec import Codec
from hullscan.vehicle.messages import Source, TimeSync
from hullscan.vehicle.signing import EPOCH_UTC_S, TICKS_PER_S, Signing, load_signing_key, make_signing_key
from hullscan_sim.messages import Outbox
from hullscan_sim.signing import Signing as SimulatedSigning

ROOT = Path(__file__).parents[1]
KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
NOW_S = 1_790_000_000.0
NOW = int((NOW_S - EPOCH_UTC_S) * TICKS_PER_S)


def frame(
    key: bytes | None, ticks: int, *, system: int = 1, component: int = 1, link: int = 0, v1: bool = False
) -> bytes:
    """A heartbeat of a submarine, made by pymavlink."""
    mav = mavlink.MAVLink(None, srcSystem=system, srcComponent=component)
    if key is not None:
        mav.signing.secret_key, mav.signing.sign_outgoing = key, True
        mav.signing.timestamp, mav.signing.link_id = ticks, link
    beat = mavlink.MAVLink_heartbeat_message(12, 3, 81, 19, 3, 3)
    return bytes(beat.pack(mav, force_mavlink1=v1))


def broken(raw: bytes) -> bytes:
    return raw[:-1] + bytes([raw[-1] ^ 1])


FRAMES = [
    pytest.param([frame(KEY, NOW)], [""], id="a frame with the key is taken"),
    pytest.param([frame(None, NOW)], ["unsigned"], id="one without a signature is not"),
    pytest.param([frame(None, NOW, v1=True)], ["unsigned"], id="nor is MAVLink 1"),
    pytest.param([frame(OTHER, NOW)], ["wrong key"], id="nor one with another key"),
    pytest.param([broken(frame(KEY, NOW))], ["wrong key"], id="nor one whose signature was touched"),
    pytest.param([frame(KEY, NOW), frame(KEY, NOW)], ["", "replayed"], id="nor the same once more"),
    pytest.param([frame(KEY, NOW), frame(KEY, NOW - 1)], ["", "replayed"], id="nor an older one of the same sender"),
    pytest.param([frame(KEY, NOW), frame(KEY, NOW + 1)], ["", ""], id="the next one is"),
    pytest.param([frame(KEY, NOW - 50 * TICKS_PER_S)], [""], id="a sender may lie behind by less than a minute"),
    pytest.param([frame(KEY, NOW - 70 * TICKS_PER_S)], ["replayed"], id="but not by more"),
    pytest.param([frame(KEY, NOW), frame(KEY, NOW, component=194)], ["", ""], id="each sender has its own times"),
    pytest.param([frame(KEY, NOW), frame(KEY, NOW, link=3)], ["", ""], id="and each link of a sender"),
    pytest.param(
        [frame(KEY, NOW + 9000 * TICKS_PER_S), frame(KEY, NOW, component=2)], ["", "replayed"],
        id="a vehicle that is ahead takes our clock along",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("frames", "reasons"), FRAMES)
def test_what_is_taken(frames: list[bytes], reasons: list[str]):
    signing = Signing(KEY, NOW_S, monotonic=lambda: 0.0)
    assert [signing.refusal(raw) for raw in frames] == reasons
    assert sum(signing.refused.values()) == sum(bool(reason) for reason in reasons)


def test_our_times_grow_with_every_frame_and_with_the_clock():
    real = [0.0]
    signing = Signing(KEY, NOW_S, monotonic=lambda: real[0])
    first, second = signing.next_time(), signing.next_time()
    real[0] = 10.0
    assert (first, second, signing.next_time()) == (NOW, NOW + 1, NOW + 10 * TICKS_PER_S)


def test_the_simulated_autopilot_takes_our_frames_once():
    autopilot = SimulatedSigning(strict=True)
    setup = mavlink.MAVLink_setup_signing_message(1, 1, list(KEY), 1)
    autopilot.setup(setup, Outbox(), armed=False)
    ours = Codec(Source(255, 25), signing_key=KEY, utc_s=NOW_S)
    parser = mavlink.MAVLink(None)
    raw = ours.encode(TimeSync(0, 7))
    message = parser.decode(bytearray(raw))
    assert autopilot.accepts(message)
    assert not autopilot.accepts(message)


# --- the key's file ---


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(KEY.hex() + "\n", id="64 hexadecimal digits"),
        pytest.param(base64.b64encode(KEY).decode(), id="base64"),
    ],
)
def test_a_key_is_read(tmp_path: Path, text: str):
    (tmp_path / "key").write_text(text, encoding="ascii")
    assert load_signing_key(tmp_path / "key") == KEY


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(None, "cannot read the signing key", id="no file"),
        pytest.param("secret", "not 64 hexadecimal digits", id="a word"),
        pytest.param(KEY.hex()[:-1], "not 64 hexadecimal digits", id="a digit too few"),
        pytest.param("00" * 32, "switches signing off", id="zeros"),
    ],
)
def test_what_is_no_key_is_refused_without_showing_it(tmp_path: Path, text: str | None, words: str):
    if text is not None:
        (tmp_path / "key").write_text(text, encoding="ascii")
    with pytest.raises(InputError, match=words) as caught:
        load_signing_key(tmp_path / "key")
    assert text is None or text not in str(caught.value)


def test_a_new_key_is_random_and_never_written_over(tmp_path: Path):
    make_signing_key(tmp_path / "a")
    make_signing_key(tmp_path / "b")
    assert load_signing_key(tmp_path / "a") != load_signing_key(tmp_path / "b")
    with pytest.raises(InputError, match="exists already"):
        make_signing_key(tmp_path / "a")


@pytest.mark.parametrize(
    ("named", "given", "found"),
    [
        pytest.param(None, None, None, id="no key at all"),
        pytest.param("keys/rov", None, KEY, id="the one that the mission names, from where the mission lies"),
        pytest.param("keys/rov", OTHER, OTHER, id="the one of the command before that of the mission"),
    ],
)
def test_which_key_a_link_has_and_that_no_record_gets_it(tmp_path: Path, named, given, found):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "rov").write_text(KEY.hex(), encoding="ascii")
    (tmp_path / "given").write_text(OTHER.hex(), encoding="ascii")
    path = tmp_path / "mission.yaml"
    text = (ROOT / "missions" / "demo.yaml").read_text(encoding="utf-8")
    path.write_text(text + (f"signing_key: {named}\n" if named else ""), encoding="utf-8")
    mission = load_mission(path)
    assert signing_key_of(mission, path, tmp_path / "given" if given else None) == found
    assert mission.named_files == ()
    assert KEY.hex().encode() not in mission.source


# --- on a link ---


def sign(peer: VehiclePeer, key: bytes, ticks: int | None = None) -> None:
    peer._mav.signing.secret_key, peer._mav.signing.sign_outgoing = key, True
    peer._mav.signing.timestamp = ticks or int((time.time() - EPOCH_UTC_S) * TICKS_PER_S)


@contextmanager
def signed_link(**state: object) -> Iterator[tuple[ArduSubVehicle, VehiclePeer, int]]:
    port = free_port()
    peer = VehiclePeer(port, speed=5.0, **state)
    sign(peer, KEY)
    with peer:
        vehicle = ArduSubVehicle(Address(Scheme.UDP_IN, "127.0.0.1", port), SystemClock(), signing_key=KEY)
        try:
            yield vehicle, peer, port
        finally:
            vehicle.close()


def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> bool:
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_a_vehicle_with_the_key_is_flown_and_everything_of_ours_is_signed():
    with signed_link() as (vehicle, peer, _):
        assert vehicle.connect().firmware == "4.5.3"
        assert vehicle.link.refused == {}
        peer.wait_for("COMMAND_LONG")
        checked = Signing(KEY, time.time())
        assert {checked.refusal(bytes(message.get_msgbuf())) for message in peer.heard("COMMAND_LONG")} == {""}


INTRUDERS = [
    pytest.param(lambda port, old: frame(None, 0), "unsigned", id="a stranger without a key"),
    pytest.param(lambda port, old: frame(OTHER, NOW + 10**12), "wrong key", id="a stranger with another key"),
    pytest.param(lambda port, old: old, "replayed", id="a frame of the vehicle's own, played again"),
]


@pytest.mark.parametrize(("make", "reason"), INTRUDERS)
def test_an_intruder_changes_nothing(make: Callable[[int, bytes], bytes], reason: str):
    heard: list[bytes] = []
    with signed_link(mode=4) as (vehicle, _, port):
        vehicle.link.subscribe(lambda frame, utc_s: heard.append(frame.raw))
        vehicle.connect()
        vehicle.take_control()
        before = vehicle.telemetry.mode, dict(vehicle.link._routes)
        old = next(raw for raw in heard if raw[7:10] == bytes(3))  # a heartbeat
        with VehiclePeer(port, speed=5.0) as intruder:
            intruder.state.silent = True
            for number in range(1, 4):  # again and again: a datagram may be lost on a busy machine

                def refused(least: int = number) -> bool:
                    intruder.send_bytes(make(port, old))
                    return vehicle.link.refused.get(reason, 0) >= least

                assert until(refused), vehicle.link.refused
            assert vehicle.control.held
            assert (vehicle.telemetry.mode, vehicle.link._routes) == before
            assert not intruder.heard("HEARTBEAT"), "and is told nothing"


def test_a_system_that_is_not_the_vehicle_changes_nothing_even_with_the_key():
    with signed_link(mode=4) as (vehicle, peer, _):
        vehicle.connect()
        vehicle.take_control()
        samples = len(vehicle.telemetry.heartbeat)
        stranger = mavlink.MAVLink(None, srcSystem=77, srcComponent=1)
        stranger.signing.secret_key, stranger.signing.sign_outgoing = KEY, True
        stranger.signing.timestamp = int((time.time() - EPOCH_UTC_S) * TICKS_PER_S)
        for message in (
            mavlink.MAVLink_heartbeat_message(12, 3, 81, 9, 5, 3),
            mavlink.MAVLink_param_value_message(b"FS_GCS_ENABLE", 4.0, 2, 1, 0),
            mavlink.MAVLink_statustext_message(0, b"Leak Detected"),
            mavlink.MAVLink_command_ack_message(176, 4, 0, 0, 255, 25),
        ):
            peer.send_bytes(bytes(message.pack(stranger)))
        assert until(lambda: len(vehicle.telemetry.heartbeat) > samples + 2)
        assert vehicle.control.held
        assert vehicle.telemetry.mode == "GUIDED"
        assert "Leak Detected" not in [text.text for text in vehicle.telemetry.texts()]


def test_a_vehicle_without_the_key_is_told_apart_from_silence(monkeypatch):
    monkeypatch.setattr("hullscan.vehicle.ardusub._HEARD_S", 1.0)
    port = free_port()
    with VehiclePeer(port, speed=5.0):
        vehicle = ArduSubVehicle(Address(Scheme.UDP_IN, "127.0.0.1", port), SystemClock(), signing_key=KEY)
        try:
            with pytest.raises(LinkError, match=r"refused for its signature: \d+ unsigned"):
                vehicle.meet()
        finally:
            vehicle.close()


def test_a_vehicle_whose_clock_lies_behind_hears_us_and_follows():
    """ArduSub without GPS counts from its last stored time until a signed frame of ours tells it better."""
    port = free_port()
    peer = VehiclePeer(port, speed=5.0)
    sign(peer, KEY, ticks=TICKS_PER_S)  # 2015
    with peer:
        vehicle = ArduSubVehicle(Address(Scheme.UDP_IN, "127.0.0.1", port), SystemClock(), signing_key=KEY)
        try:
            vehicle.link.open()
            (heard, *_) = peer.wait_for("TIMESYNC")
            sign(peer, KEY, int.from_bytes(bytes(heard.get_msgbuf())[-12:-6], "little"))
            assert until(lambda: bool(vehicle._beats))
            assert vehicle.link.refused["replayed"] > 0
        finally:
            vehicle.close()
