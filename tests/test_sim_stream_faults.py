"""The camera's stream with faults: what a receiver gets, packet by packet, and what is seen of a changing world."""

from __future__ import annotations

import multiprocessing
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hullscan.errors import VideoError
from hullscan.geometry.frames import Pose
from hullscan_sim.camera.process import CameraProcess, PastPoses, VideoFaults
from hullscan_sim.camera.stream import SimulatedCamera, Stream
from hullscan_sim.camera.water import WaterOptics
from hullscan_sim.faults.kinds import ShipMoves, VideoFreeze, VideoLoss
from hullscan_sim.scenario import Scenario, Water
from hullscan_sim.sensor_options import Clocks, VideoLink

MISSION = Path(__file__).parent.parent / "missions" / "demo.yaml"
PICTURES = [np.full((360, 640, 3), level, np.uint8) for level in (60, 120)]


@dataclass
class Packet:
    """One RTP packet: what its header and the start of its payload say."""

    sequence: int
    rtp90k: int
    nal_types: tuple[int, ...]


def parsed(data: bytes) -> Packet:
    _, _, sequence, rtp90k, _ = struct.unpack(">BBHII", data[:12])
    kind, payload = data[12] & 0x1F, data[12:]
    if kind == 28:  # FU-A: the type is in its second byte, at the first fragment
        return Packet(sequence, rtp90k, (payload[1] & 0x1F,) if payload[1] & 0x80 else ())
    if kind == 24:  # STAP-A
        types, at = [], 1
        while at + 2 < len(payload):
            types.append(payload[at + 2] & 0x1F)
            at += 2 + int.from_bytes(payload[at : at + 2], "big")
        return Packet(sequence, rtp90k, tuple(types))
    return Packet(sequence, rtp90k, (kind,))


@contextmanager
def receiver() -> Iterator[socket.socket]:
    """A laptop that listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        found.bind(("127.0.0.1", 0))
        found.setblocking(False)
        yield found


def sent(seconds: float, link: VideoLink | None = None, clocks: Clocks | None = None) -> tuple[list[Packet], Stream]:
    """What arrives of a stream of ten pictures a second."""
    packets = []
    rng = np.random.default_rng(3)
    with receiver() as found:
        stream = Stream(f"rtp://127.0.0.1:{found.getsockname()[1]}", link, clocks, seed=5)
        for index in range(round(seconds * 10)):
            blocks = rng.integers(0, 60, (45, 80, 1), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
            picture = PICTURES[index % 2] + blocks
            stream.send(picture, index / 10)
            while True:
                try:
                    packets.append(parsed(found.recv(65536)))
                except BlockingIOError:
                    break
        stream.close()
    return packets, stream


def test_without_options_every_packet_comes_in_order_and_each_idr_picture_has_its_parameter_sets():
    packets, stream = sent(2.1)
    assert stream.relay is None
    numbers = [packet.sequence for packet in packets]
    assert {(later - earlier) % 65536 for earlier, later in pairwise(numbers)} == {1}
    types = [kind for packet in packets for kind in packet.nal_types]
    assert types.count(7) == types.count(8) == types.count(5) == 3


def test_lost_and_late_packets_are_missing_and_swapped_at_the_receiver():
    packets, stream = sent(4.0, VideoLink(loss_share=0.1, reorder_share=0.1))
    assert stream.relay is not None
    numbers = np.unwrap([packet.sequence for packet in packets], period=65536).astype(int)
    whole = numbers.max() - numbers.min() + 1
    assert 1 - len(numbers) / whole == pytest.approx(0.1, abs=0.05)
    swapped = int((np.diff(numbers) < 0).sum())
    assert swapped == pytest.approx(stream.relay.reordered, abs=2)
    assert swapped / len(numbers) == pytest.approx(0.09, abs=0.05)


def test_parameter_sets_come_late_and_seldom_and_idr_pictures_go_on():
    packets, _ = sent(6.0, VideoLink(parameter_sets_s=2.5))
    idr_s = sorted({packet.rtp90k for packet in packets if 5 in packet.nal_types})
    sps_s = sorted({packet.rtp90k for packet in packets if 7 in packet.nal_types})
    start = min(idr_s)
    assert [(stamp - start) / 90_000 for stamp in idr_s] == pytest.approx([0, 1, 2, 3, 4, 5])
    assert [(stamp - start) / 90_000 for stamp in sps_s] == pytest.approx([3.0]), "the first IDR picture after 2.5 s"


def test_rtp_time_runs_by_the_cameras_own_clock():
    plain, _ = sent(2.0)
    drifting, _ = sent(2.0, clocks=Clocks(video_offset_s=100.0, video_drift_ppm=1000.0))

    def times(packets: list[Packet]) -> np.ndarray:
        stamps = np.array(sorted({packet.rtp90k for packet in packets}), dtype=float)
        return (stamps - stamps[0]) / 90_000

    assert times(drifting)[-1] / times(plain)[-1] == pytest.approx(1.001, abs=2e-5)


# ---------------------------------------------------------------- what the camera sees


def test_the_camera_sees_the_water_of_the_part_of_the_ship_where_it_is_and_the_ship_where_she_lies():
    move = ShipMoves(at_s=10.0, north_m=2.0, east_m=1.0, turn_deg=2.0, over_s=5.0)
    water = Water(visibility_along=((30.0, 1.2), (40.0, 6.0)))
    scenario = Scenario(seed=3, water=water, faults=(move,))
    camera = SimulatedCamera(scenario, MISSION)
    places = []
    render = camera._renderer.render

    def look(position_m, r_ship_cam):
        places.append((position_m, r_ship_cam))
        return render(position_m, r_ship_cam)

    camera._renderer.render = look

    def picture(station_m: float, time_s: float) -> np.ndarray:
        ship = camera._motion.pose(time_s)
        place = ship.to_ned(np.array([station_m, 5.25 + 1.3, 2.5]))
        looking = Rotation.from_euler("z", ship.heading_rad - np.pi / 2)
        return camera.picture(time_s, Pose(place, looking), 1.0, 0.0)

    contrasts = {}
    for station_m, visibility_m in ((42.0, 6.0), (35.0, 3.6), (25.0, 1.2)):
        shown = picture(station_m, 1.0)
        assert camera.visibility_m == pytest.approx(visibility_m, rel=0.03)
        stated = WaterOptics.from_water(replace(water, visibility_m=camera.visibility_m))
        assert camera._renderer.optics.attenuation == pytest.approx(stated.attenuation)
        assert camera._exposure._sensor.optics is camera._renderer.optics
        grey = shown[100:260, 200:440, 1].astype(float)
        contrasts[station_m] = float(grey.std() / grey.mean())
    assert contrasts[25.0] < 0.6 * contrasts[42.0]
    # the same place beside her, before and after she was moved, is the same place in her frame
    picture(35.0, 1.0)
    picture(35.0, 20.0)
    (before_m, before), (after_m, after) = places[-2:]
    assert after_m == pytest.approx(before_m, abs=1e-9)
    assert after == pytest.approx(before, abs=1e-9)
    assert camera._motion.pose(20.0).north_m != pytest.approx(camera._motion.pose(1.0).north_m, abs=0.5)


# ---------------------------------------------------------------- what the faults show


@pytest.mark.parametrize(
    ("faults", "shown"),
    [
        pytest.param((), "new new new new new new", id="no fault"),
        pytest.param((VideoFreeze(at_s=0.0, for_s=0.5),), "new old old new new new", id="a freeze from the first on"),
        pytest.param(
            (VideoFreeze(at_s=0.2, for_s=0.3), VideoLoss(at_s=0.4, for_s=0.4)), "new old none none new new",
            id="a freeze, then a loss",
        ),
        pytest.param(
            (VideoLoss(at_s=0.0, for_s=0.3), VideoFreeze(at_s=0.1, for_s=0.6)), "none none new old new new",
            id="a loss, then a freeze that has nothing to show again at first",
        ),
    ],
)  # fmt: skip
def test_each_picture_is_new_the_one_before_or_none(faults, shown):
    video = VideoFaults(faults)
    assert " ".join(video.shown(0.2 * count) for count in range(6)) == shown


@pytest.mark.parametrize("delay_s", [0.0, 0.15, 0.3])
def test_a_delayed_picture_shows_where_the_camera_was(delay_s: float):
    past = PastPoses(delay_s)
    for count in range(12):
        time_s = 0.1 * count
        pose = Pose(np.array([time_s, 0.0, 2.0]), Rotation.from_euler("z", 0.2 * time_s))
        seen = past.seen(time_s, pose)
        taken_s = max(time_s - delay_s, 0.0)
        assert seen.position_m == pytest.approx([taken_s, 0.0, 2.0])
        assert seen.rotation.as_euler("ZYX")[0] == pytest.approx(0.2 * taken_s)


def test_a_camera_that_fails_later_ends_the_simulation_in_one_line():
    ours, theirs = multiprocessing.Pipe()
    camera = object.__new__(CameraProcess)
    camera._sent, camera._waiting = ours, [0.1, 0.2]
    theirs.send(("sent", ""))
    theirs.send(("error", "the camera failed: no memory"))
    camera.wait_sent(0.1)
    with pytest.raises(VideoError, match="the camera failed: no memory"):
        camera.wait_sent(0.2)
