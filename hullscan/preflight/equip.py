"""Connects what a preflight looks at. What does not answer is left out and becomes a line, except the vehicle."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hullscan.clock import ClockMap, PacedClock, SystemClock
from hullscan.errors import SensorError, VideoError
from hullscan.mission.model import Mission
from hullscan.preflight.gather import Equipment
from hullscan.vehicle.address import parse_address
from hullscan.vehicle.ardusub import ArduSubVehicle
from hullscan.vehicle.dvl import DVL_PORT, WaterLinkedDvl
from hullscan.vehicle.signing import load_signing_key
from hullscan.vehicle.simulator import SimulatorProcess
from hullscan.video.stream import RtpStream

__all__ = ["Connections", "equipped", "signing_key_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Where everything is.

    Attributes:
        connect: MAVLink address; not used with ``scenario``.
        dvl: host or host:port; empty for a vehicle without one.
        video_port: UDP port of the camera's RTP stream.
        scenario: look at the simulator's vehicle in this world instead.
        paced: mission time is the vehicle's own, for a simulator behind ``connect``.
        signing_key: file of the key; that of the mission when None.
        folder: where the mission would be recorded.
    """

    connect: str = "udpin:0.0.0.0:14550"
    dvl: str = "192.168.194.95"
    video_port: int = 5600
    scenario: Path | None = None
    speedup: float = 1.0
    paced: bool = False
    signing_key: Path | None = None
    folder: Path = Path()


def signing_key_of(mission: Mission, mission_file: Path, given: Path | None) -> bytes | None:
    """The link's key: the file given, else the one that the mission names.

    Raises:
        InputError: it cannot be read or is no key.
    """
    named = mission.file.signing_key
    path = given or (mission_file.parent / named if named else None)
    return None if path is None else load_signing_key(path)


@contextmanager
def equipped(mission: Mission, mission_file: Path, connections: Connections) -> Iterator[Equipment]:
    """Everything connected; hung up afterwards.

    Raises:
        LinkError: the vehicle is not heard.
        InputError: an address or the key cannot be used.
    """
    key = signing_key_of(mission, mission_file, connections.signing_key)
    simulated = connections.paced or connections.scenario is not None
    clock = PacedClock(connections.speedup) if simulated else SystemClock()
    with ExitStack() as stack:
        connect, video_port = connections.connect, connections.video_port
        host, _, port = connections.dvl.partition(":")
        dvl_port = int(port) if port.isdigit() else DVL_PORT
        if connections.scenario is not None:
            room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hullscan-")))
            simulator = SimulatorProcess(
                connections.scenario, mission_file, connections.speedup, room, room / "simulator.log"
            )
            stack.enter_context(simulator)
            connect, video_port = simulator.mavlink, simulator.video_port
            if host:
                host, dvl_port = simulator.dvl_host, simulator.dvl_port
        vehicle = ArduSubVehicle(parse_address(connect), clock, signing_key=key)
        stack.callback(vehicle.close)
        identity = vehicle.connect()
        dvl = _dvl(host, dvl_port, clock, mission) if host else None
        if dvl is not None:
            stack.callback(dvl.close)
        video_map = ClockMap(mission.vehicle.video_latency_s, mission.vehicle.video_latency_uncertainty_s)
        stream, fault = _stream(video_port, clock, video_map)
        if stream is not None:
            stack.callback(stream.close)
        yield Equipment(
            vehicle=vehicle, identity=identity, clock=clock, dvl=dvl, stream=stream, video_map=video_map,
            folder=connections.folder, video_fault=fault,
        )  # fmt: skip


def _dvl(host: str, port: int, clock: PacedClock | SystemClock, mission: Mission) -> WaterLinkedDvl | None:
    dvl = WaterLinkedDvl(host, clock, mission.vehicle.dvl_mount.rotation, port=port)
    try:
        dvl.start()
    except SensorError:
        return None
    return dvl


def _stream(port: int, clock: PacedClock | SystemClock, video_map: ClockMap) -> tuple[RtpStream | None, str]:
    try:
        return RtpStream(port, clock=clock, clock_map=video_map), ""
    except VideoError as error:
        return None, f"{error.what} ({error.where})"
