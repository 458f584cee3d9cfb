"""A whole flight in one process: hullscan's own pilot, over MAVLink and the DVL's port, in the embedded simulator.

Simulated time goes on only while the pilot waits, so a flight is as good on a busy computer as on an idle one, and as
fast as the computer allows. There is no camera: the age of the video follows the scenario's video faults.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hullscan.clock import PacedClock
from hullscan.errors import HullscanError
from hullscan.mission.model import Mission
from hullscan.mission.plan import Plan
from hullscan.pilot.orders_of_operator import OrderDesk
from hullscan.pilot.pilot import Pilot, PlanPlace, Signals
from hullscan.pilot.refly import Gaps
from hullscan.record.replay import DvlLog
from hullscan.vehicle import dvl as dvl_client
from hullscan.vehicle.address import parse_address
from hullscan.vehicle.ardusub import ArduSubVehicle
from hullscan.vehicle.dvl import WaterLinkedDvl
from hullscan.words import fill
from hullscan_sim.ardusub import ArduSubSimulation
from hullscan_sim.ardusub_command import fly as run_firmware
from hullscan_sim.mavlink_server import MavlinkServer
from hullscan_sim.plant import Plant
from hullscan_sim.scenario import Scenario, load_ship
from hullscan_sim.simulation import Simulation
from hullscan_sim.truth import TruthRecorder
from hullscan_sim.world import World

START_UTC_S = 1_780_000_000.0
_SLICE_S = 0.02  # of simulated time, while the pilot computes or waits for an answer
_IDLE_REAL_S = 0.004
_BLOCKED_REAL_S = 0.5
_SILENCE_REAL_S = 600.0  # of the DVL, before its connection counts as dead: real time tells nothing here
_DRAIN_REAL_S = 0.001
_FLUSH_REAL_S = 2.0  # at most, for what the pilot has sent to leave; what else runs here must not delay it

FIRMWARE = {"FS_GCS_ENABLE": 3, "FS_PILOT_INPUT": 1, "FS_LEAK_ENABLE": 1}
"""As the preflight sets them: hold where it is when the station is lost, warn when the pilot is."""


class LockstepClock(PacedClock):
    """Mission time is the simulation's; it goes on to the earliest moment that anybody sleeps to.

    Made by the thread that flies: while that computes, time goes on by small steps.

    Args:
        by_processor: while it computes, time goes on with the processor time that it takes, rather than
            with the computer's clock: what else runs there then delays nothing.
    """

    def __init__(self, *, by_processor: bool = False) -> None:
        super().__init__(1.0)
        self._caller = threading.get_ident()
        self._pilot = time.pthread_getcpuclockid(self._caller) if by_processor else None
        self._changed = threading.Condition()
        self._wakes: dict[int, float] = {}
        self._time_s = START_UTC_S
        self.before_sleep: Callable[[], None] = lambda: None
        self.after_sleep: Callable[[], None] = lambda: None

    def observe(self, vehicle_utc_s: float) -> None:
        """Nothing: the time is known."""

    def now(self) -> float:
        """UTC of the last step."""
        return self._time_s

    def sleep(self, duration_s: float) -> None:
        """Let the simulation go on."""
        if duration_s <= 0:
            return
        self.before_sleep()
        key = threading.get_ident()
        with self._changed:
            wake_s = self._time_s + duration_s
            self._wakes[key] = wake_s
            self._changed.notify_all()
            while self._time_s < wake_s - 1e-6:
                self._changed.wait(0.05)
            del self._wakes[key]
        self.after_sleep()

    def drive(self, simulation: Simulation, each: Callable[[float], None], stop: threading.Event) -> None:
        """Step the simulation; in a thread of its own."""
        while not stop.is_set():
            with self._changed:
                self._wait_for_caller()
                waits = self._caller in self._wakes
                until_s = min([*self._wakes.values(), *([] if waits else [self._time_s + _SLICE_S])])
            while simulation.utc_s < until_s - 1e-6:
                simulation.step()
                # what is sent meanwhile is heard at once: stamped earlier than that, it would mislead maps of clocks
                self._time_s = max(self._time_s, simulation.utc_s)
            each(simulation.time_s)
            with self._changed:
                self._time_s = max(self._time_s, simulation.utc_s)
                self._changed.notify_all()

    def _wait_for_caller(self) -> None:
        """Until it sleeps, or has computed for a moment, or waits for something else than time."""
        if self._pilot is None:
            if self._caller not in self._wakes:
                self._changed.wait(_IDLE_REAL_S)
            return
        used_s, end_s = time.clock_gettime(self._pilot), time.monotonic() + _BLOCKED_REAL_S
        while (
            self._caller not in self._wakes
            and time.clock_gettime(self._pilot) - used_s < _IDLE_REAL_S
            and time.monotonic() < end_s
        ):
            self._changed.wait(_IDLE_REAL_S / 4)


@dataclass(slots=True)
class Flown:
    """What came of a flight.

    Attributes:
        events: (mission time from the start, kind, words).
        truth: (time, x, y, z in the ship frame, clearance_m, armed, contacts), twice a second.
    """

    ended_by: str = ""
    rule: str = ""
    events: list[tuple[float, str, str]] = field(default_factory=list)
    truth: list[tuple[float, float, float, float, float, bool, int]] = field(default_factory=list)
    contacts: int = 0
    min_clearance_m: float = float("inf")
    armed: bool = False
    depth_m: float = 0.0
    seconds: float = 0.0
    real_s: float = 0.0
    share: float = 0.0
    pilot: Any = None

    def kinds(self) -> list[str]:
        """Of the events, in order."""
        return [kind for _, kind, _ in self.events]


def fly(
    mission_file: Path,
    mission: Mission,
    plan: Plan,
    scenario: Scenario,
    *,
    log: Path | None = None,
    truth: Path | None = None,
    each: Callable[[Simulation, Pilot, Signalled], None] = lambda simulation, pilot, signalled: None,
    resume_at: PlanPlace | None = None,
    watch: Callable[[Pilot, ArduSubVehicle], None] | None = None,
    dvl_log: Path | None = None,
    heard: Callable[[str], None] | None = None,
    by_processor: bool = False,
    on_place: Callable[[PlanPlace], None] = lambda place: None,
    gaps: Gaps = tuple,
    on_event: Callable[[str, str, dict[str, Any]], None] = lambda kind, message, data: None,
    firmware: Path | None = None,
) -> Flown:
    """Fly a plan.

    Args:
        each: called after each slice of simulated time, in the simulation's thread: to inject faults.
        log, dvl_log: files for what is heard, as a mission folder has them.
        heard: told the type of each message that reaches the vehicle, at that moment of simulated time.
        by_processor: see ``LockstepClock``.
        firmware: an ArduSub SITL that is flown instead of the embedded autopilot.
    """
    sys.setswitchinterval(0.0005)
    dvl_client._SILENCE_S = _SILENCE_REAL_S
    began = time.monotonic()
    stated, hull = load_ship(mission_file, scenario)

    def recorder(world: World) -> TruthRecorder:
        assert truth is not None
        return TruthRecorder(truth, world, START_UTC_S)

    record = None if truth is None else recorder
    opened = ExitStack()
    if firmware is None:
        server = MavlinkServer("udpin:127.0.0.1:0")
        sent = _Counted(server, heard)
        simulation: Any = Simulation(
            scenario, stated, hull, link=sent, start_utc_s=START_UTC_S, dvl_address="127.0.0.1:0", truth=record
        )
        opened.callback(simulation.close)
    else:
        plant = Plant(scenario, stated, hull, start_utc_s=START_UTC_S, dvl_address="127.0.0.1:0", truth=record)
        simulation = opened.enter_context(_real_ardusub(plant, firmware))
        server, sent = simulation.server, simulation.sent
    clock, stop = LockstepClock(by_processor=by_processor), threading.Event()
    host, port = server.address
    vehicle = ArduSubVehicle(parse_address(f"udpout:{host}:{port}"), clock, log=log)
    dvl_server = simulation.plant.dvl_server
    assert dvl_server is not None
    dvl_lines = None if dvl_log is None else DvlLog(dvl_log)
    dvl = WaterLinkedDvl(
        dvl_server.address[0], clock, mission.vehicle.dvl_mount.rotation, port=dvl_server.address[1], record=dvl_lines
    )  # fmt: skip
    flown, signalled = Flown(), Signalled()
    last = [0.0]

    def note(kind: str, message: str, data: dict[str, Any]) -> None:
        flown.events.append((clock.now() - START_UTC_S, kind, fill(message, data)))
        on_event(kind, message, data)

    pilot = Pilot(
        vehicle, dvl, mission, plan, clock,
        signals=Signals(
            video_age_s=lambda: signalled.video_age_s(clock.now()), detector_lag_s=lambda: signalled.detector_lag_s,
            disk_free_mb=lambda: signalled.disk_free_mb, record_error=lambda: signalled.record_error,
        ),
        on_event=note, desk=OrderDesk(), on_place=on_place, gaps=gaps, resume_at=resume_at,
    )  # fmt: skip

    def after_slice(time_s: float) -> None:
        each(simulation, pilot, signalled)
        if time_s - last[0] >= 0.5:
            last[0] = time_s
            place = simulation.world.to_ship(simulation.body.position)
            contacts = simulation.contacts
            flown.truth.append(
                (time_s, *place, contacts.clearance_m, simulation.autopilot.flight.armed, contacts.count)
            )
            flown.min_clearance_m = min(flown.min_clearance_m, contacts.clearance_m)

    def drain() -> None:
        before = -1
        while sent.outstanding() and sent.heard != before:
            before = sent.heard
            time.sleep(_DRAIN_REAL_S)

    def flush() -> None:
        end_s = time.monotonic() + _FLUSH_REAL_S
        while not vehicle.link._queue.empty() and time.monotonic() < end_s:
            time.sleep(0.0002)

    clock.before_sleep, clock.after_sleep = flush, drain
    driver = threading.Thread(target=clock.drive, args=(simulation, after_slice, stop), daemon=True)
    driver.start()
    try:
        vehicle.link.subscribe(sent.count)
        vehicle.connect()
        dvl.start()
        for name, value in FIRMWARE.items():
            vehicle.set_parameter(name, value)
        sent.start()
        if watch is not None:
            watch(pilot, vehicle)
        pilot.fly()
    except HullscanError as error:
        flown.ended_by = str(error)
    finally:
        flown.armed = simulation.autopilot.flight.armed
        flown.depth_m = simulation.body.down_m
        flown.contacts = simulation.contacts.count
        flown.seconds, flown.share = simulation.time_s, pilot.status.survey_share
        flown.pilot = pilot
        dvl.close()
        if dvl_lines is not None:
            dvl_lines.close()
        vehicle.close()
        stop.set()
        driver.join(5)
        opened.close()
    flown.real_s = time.monotonic() - began
    return flown


@dataclass(slots=True)
class Signalled:
    """What is told of video, detector and recording; set by whoever injects faults."""

    video_lost_utc_s: float | None = None
    detector_lag_s: float = 0.0
    disk_free_mb: float = 1e6
    record_error: str = ""

    def video_age_s(self, now_s: float) -> float:
        """Of the last frame."""
        return 0.1 if self.video_lost_utc_s is None else now_s - self.video_lost_utc_s


class _Counted:
    """The simulator's link, with its packets counted so that the pilot can wait until it has heard them all."""

    def __init__(self, server: MavlinkServer, told: Callable[[str], None] | None) -> None:
        self._server, self._sent, self.heard, self._told = server, 0, 0, told
        self._lock = threading.Lock()

    def receive_datagrams(self) -> list[bytes]:
        return self._server.receive_datagrams()

    def receive(self) -> list[Any]:
        messages = self._server.receive()
        if self._told is not None:
            for message in messages:
                self._told(message.get_type())
        return messages

    def send(self, packets: Any) -> None:
        packets = list(packets)
        self._server.send(packets)
        if self._server._peers:
            self._sent += sum(map(_frames, packets))

    def close(self) -> None:
        self._server.close()

    def count(self, frame: Any, utc_s: float) -> None:
        self.heard += 1

    def start(self) -> None:
        """From now on everything that is sent is heard."""
        self.heard = self._sent

    def outstanding(self) -> bool:
        """Whether packets are on their way still."""
        return self.heard < self._sent


def _frames(datagram: bytes) -> int:
    """How many MAVLink frames it holds: a firmware puts several into one."""
    count, at = 0, 0
    while at + 2 < len(datagram) and datagram[at] in (0xFD, 0xFE):
        second = datagram[at] == 0xFD
        signed = 13 if second and datagram[at + 2] & 1 else 0
        at += datagram[at + 1] + (12 if second else 8) + signed
        count += 1
    return count


class _RealArduSub:
    """A real ArduSub in its world, as far as a flight here asks the embedded simulation."""

    def __init__(self, simulation: ArduSubSimulation) -> None:
        self._simulation, self.plant = simulation, simulation.plant
        self.world, self.body, self.contacts = self.plant.world, self.plant.body, self.plant.contacts
        self.server = simulation._ground
        self.sent = _Counted(self.server, None)
        simulation._ground = self.sent  # type: ignore[assignment]

    @property
    def time_s(self) -> float:
        return self._simulation.time_s

    @property
    def utc_s(self) -> float:
        return START_UTC_S + self._simulation.time_s

    @property
    def autopilot(self) -> Any:
        """What its heartbeat says."""
        return SimpleNamespace(flight=SimpleNamespace(armed=self._simulation._companion.armed))

    def add_fault(self, fault: Any) -> None:
        self.plant.faults.add(fault)

    def step(self) -> None:
        self._simulation.step()


@contextmanager
def _real_ardusub(plant: Plant, binary: Path) -> Iterator[_RealArduSub]:
    with run_firmware(plant, binary, "udpin:127.0.0.1:0", START_UTC_S, lambda line: None) as simulation:
        simulation.await_firmware(lambda: False)
        yield _RealArduSub(simulation)
