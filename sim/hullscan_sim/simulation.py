"""The simulation: owns the vehicle and its world and advances them, one step of simulated time after the other.

One seed and the same messages at the same steps give the same flight, bit by bit: nothing here looks at a clock
or at another thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from hullscan.errors import InputError
from hullscan.geometry.frames import GeoOrigin, Pose
from hullscan.ship.surface import HullSurface
from hullscan_sim.autopilot import Autopilot
from hullscan_sim.battery import Battery
from hullscan_sim.contact import Contacts
from hullscan_sim.dvl import Dvl
from hullscan_sim.dvl_server import DvlClock, DvlServer, PositionLocal, velocity_line
from hullscan_sim.dynamics import MODELS, STEP_S, RigidBody
from hullscan_sim.mavlink_server import Bystanders, Link, Packer
from hullscan_sim.modes import Mode
from hullscan_sim.pacing import Pacer
from hullscan_sim.parameters import Parameters
from hullscan_sim.scenario import Scenario, ShipAtBerth, TimedFault
from hullscan_sim.sensors import Barometer, Compass, EchoSounders
from hullscan_sim.signing import Signing
from hullscan_sim.tender import Tender
from hullscan_sim.thrusters import Thrusters
from hullscan_sim.truth import TruthRecorder
from hullscan_sim.world import World

__all__ = ["CameraHook", "Simulation"]

_CONTROL_STEPS = 2  # the autopilot thinks at 100 Hz
_SLOW_STEPS = 10  # compass and battery at 20 Hz
_POLL_STEPS = 4  # the DVL's sockets are served at 50 Hz
_GPS_S = 0.2
_VIDEO_LATENCY_S = 0.1
_SAG_V = 2.4


class CameraHook(Protocol):
    """The camera, as the simulation sees it."""

    def due(self, sim_time_s: float) -> bool:
        """Whether a picture is to be taken now."""
        ...

    def capture(self, sim_time_s: float, pose_ned: Pose, lights: float, tilt_rad: float) -> None:
        """Take a picture from the vehicle's true pose; may go on in the background."""
        ...

    def wait_sent(self, sim_time_s: float) -> None:
        """Return when the picture taken at that time has been sent."""
        ...


@dataclass
class _Faults:
    """Which of the scenario's faults act now."""

    dvl_dropout: bool = False
    link_loss: bool = False
    battery_sag: bool = False
    position_loss: bool = False
    leak: bool = False
    depth_sensor_loss: bool = False


class Simulation:
    """A vehicle, its world and its links.

    Args:
        scenario: the world that the mission does not state.
        stated: ship, berth and launch that it does.
        hull: the ship's surface.
        link: MAVLink, or None.
        start_utc_s: UTC of the vehicle's power-up.
        dvl_address: where the DVL listens, ``host:port``; None for no server.
        truth: records the truth when given, from the world of this simulation.
        camera: takes pictures when given.
        note: told of notable events, one line each.

    Raises:
        InputError: the launch place is inside the ship as she truly lies.
    """

    def __init__(
        self,
        scenario: Scenario,
        stated: ShipAtBerth,
        hull: HullSurface,
        *,
        link: Link | None = None,
        start_utc_s: float = 1_700_000_000.0,
        dvl_address: str | None = None,
        truth: Callable[[World], TruthRecorder] | None = None,
        camera: CameraHook | None = None,
        note: Callable[[str], None] = lambda line: None,
    ) -> None:
        options = scenario.vehicle
        seeds = np.random.SeedSequence(scenario.seed).spawn(7)
        water, pressure, compass, echo, dvl, clock, estimate = seeds
        make = np.random.default_rng
        self._options, self._link, self._start_utc_s, self._note = options, link, start_utc_s, note
        self.world = World(stated, hull, scenario, make(water))
        position, heading = self.world.launch
        if self.world.inside_ship(position):
            raise InputError(
                "the vehicle would start inside the ship", where="launch", todo="make launch.distance_m larger"
            )
        self.body = RigidBody(MODELS[options.model], position, heading, self.world.water.at(position, 0.0))
        self._tender = Tender(position, heading)
        self.thrusters, self.battery = Thrusters(), Battery(options.battery_wh)
        self.contacts = Contacts(self.world)
        self.contacts.look(self.body, 0.0)
        self._barometer, self._compass = Barometer(make(pressure), position[2]), Compass(options.compass, make(compass))
        self.sounders, self.dvl = EchoSounders(make(echo), 0.05), Dvl(options.dvl, make(dvl))
        self.launch_origin = GeoOrigin(*self.world.origin.to_geodetic(position[0], position[1]))
        self.parameters = Parameters(dvl_navigation=options.position == "dvl")
        self._estimate_generator = make(estimate)
        self._signing = Signing(strict=options.link == "serial1")
        self.autopilot = self._boot()
        clock_generator = make(clock)
        perfect = options.dvl != "a50"
        self._dvl_clock = DvlClock(start_utc_s, clock_generator, perfect=perfect)
        self._position_local = PositionLocal(clock_generator, perfect=perfect)
        self.dvl_server = (
            DvlServer(dvl_address, self.dvl, self._position_local) if dvl_address and options.dvl != "none" else None
        )
        self._truth = truth(self.world) if truth else None
        self._camera, self._captures = camera, deque[float]()
        self._packer, self._bystanders = Packer(1), Bystanders()
        self._steps, self._boot_s, self._gps_s = 0, 0.0, 0.0
        self._pulses, self._compass_error = [0] * 8, 0.0
        self._faults = _Faults()
        self._noted = (Mode.MANUAL, False, 0)

    def _boot(self) -> Autopilot:
        return Autopilot(
            self._options, self.launch_origin, self.parameters, self._barometer, self.sounders, self.battery,
            self._estimate_generator, self._signing,
        )  # fmt: skip

    # ---------------------------------------------------------------- time

    @property
    def time_s(self) -> float:
        """Simulated time since power-up."""
        return self._steps * STEP_S

    @property
    def utc_s(self) -> float:
        """The same moment in UTC."""
        return self._start_utc_s + self.time_s

    def step(self) -> None:
        """Advance by one step (5 ms)."""
        time_s = self.time_s
        self._follow_faults(time_s)
        self._receive()
        self._sense(time_s)
        if self._steps % _CONTROL_STEPS == 0:
            self._think(time_s)
        self._move(time_s)
        self._picture(time_s)
        if self._truth:
            self._truth.step(time_s, self.body, self.contacts, self.thrusters.total_n)
        self._steps += 1

    def run(self, speedup: float = 1.0, stop: Callable[[], bool] = lambda: False) -> None:
        """Advance at a multiple of real time until told to stop; slower when the computer cannot keep up."""
        pacer = Pacer(speedup)
        while not stop():
            self.step()
            pacer.wait(self.time_s)

    def run_until(self, time_s: float) -> None:
        """Advance to a moment, without waiting."""
        while self.time_s < time_s - 1e-9:
            self.step()

    def close(self) -> None:
        """Close links and files."""
        if self._truth:
            self._truth.close(self.contacts)
        if self.dvl_server:
            self.dvl_server.close()
        if self._link:
            self._link.close()

    def add_fault(self, fault: TimedFault) -> None:
        """One more fault than the scenario has."""
        scenario = self.world.scenario
        self.world.scenario = replace(scenario, faults=(*scenario.faults, fault))

    # ---------------------------------------------------------------- parts of a step

    def _follow_faults(self, time_s: float) -> None:
        if self._steps % 20:
            return
        for kind in ("dvl_dropout", "link_loss", "battery_sag", "position_loss", "leak", "depth_sensor_loss"):
            active = any(
                fault.kind == kind and fault.at_s <= time_s < fault.at_s + fault.for_s
                for fault in self.world.scenario.faults
            )
            if active != getattr(self._faults, kind):
                setattr(self._faults, kind, active)
                self._note(f"{time_s:.1f} s: fault {kind} {'begins' if active else 'ends'}")
        self.dvl.dropout = self._faults.dvl_dropout
        self.battery.sag_v = _SAG_V if self._faults.battery_sag else 0.0
        self.autopilot.nav.fault = self._faults.position_loss
        self._barometer.lost = self._faults.depth_sensor_loss
        if self._faults.leak:
            self.autopilot.failsafes.wet()

    def _receive(self) -> None:
        if self._link is None:
            return
        for message in self._link.receive():
            if not self._faults.link_loss and self._signing.accepts(message):
                self.autopilot.handle(message, self.time_s - self._boot_s)

    def _sense(self, time_s: float) -> None:
        self.sounders.sample(time_s, self.body, self.world)
        report = self.dvl.sample(time_s, self.body, self.world)
        if report is not None:
            self.autopilot.feed_dvl(time_s - self._boot_s, report)
            if self.dvl_server and self.dvl_server.clients:
                self._position_local.feed(report, self.body.pose_ned.rotation)
                self.dvl_server.send(velocity_line(report, self._dvl_clock), report.repeats)
        if self._options.position == "gps" and time_s >= self._gps_s:
            self._gps_s += _GPS_S
            self._feed_gps(time_s)
        if self.dvl_server and self._steps % _POLL_STEPS == 0:
            if self.dvl_server.clients:
                line = self._position_local.line(time_s, self.body.pose_ned.rotation, self._dvl_clock)
                if line is not None:
                    self.dvl_server.send(line)
            self.dvl_server.poll(time_s)

    def _feed_gps(self, time_s: float) -> None:
        """A bench simulator's GPS: it works under water and is good to 2 cm."""
        origin = self.autopilot.nav.origin
        if origin is None:
            north, east = 0.0, 0.0
        else:
            shift = self.world.origin.to_ned(origin.lat_deg, origin.lon_deg)
            a, b = (0.02 * self._estimate_generator.standard_normal(2)).tolist()
            north, east = self.body.north_m - shift[0] + a, self.body.east_m - shift[1] + b
        self.autopilot.nav.feed_gps(time_s - self._boot_s, north, east, self.body.velocity)

    def _think(self, time_s: float) -> None:
        body, dt_s = self.body, STEP_S * _CONTROL_STEPS
        if self._steps % _SLOW_STEPS == 0:
            heading = body.euler_rad[2] - self.world.ship_pose.heading_rad
            place = self.world.to_ship(body.position)
            self._compass_error = self._compass.error_rad(place, self.contacts.clearance_m, heading)
            self.battery.step(self.thrusters.power_w, self.autopilot.payload.lights, STEP_S * _SLOW_STEPS)
        depth_m = body.down_m + self.world.water.surface_m(body.position, time_s)
        boot_s = time_s - self._boot_s
        self._pulses = self.autopilot.update(boot_s, self.utc_s, dt_s, body, depth_m, self._compass_error)
        self._send(time_s)
        if self.autopilot.flight.armed:
            self._tender.let_go()
        if self.autopilot.commands.reboot:
            self._boot_s = time_s
            self._barometer.calibrate()  # wherever it is: at depth this shifts the zero
            self.autopilot = self._boot()
            self._note(f"{time_s:.1f} s: autopilot reboots")

    def _send(self, time_s: float) -> None:
        packets = self._bystanders.packets(time_s)
        self._signing.apply(self._packer.mav)
        packets += [self._packer(message) for message in self.autopilot.take_messages()]
        if self._link is not None and not self._faults.link_loss:
            self._link.send(packets)
        flight = self.autopilot.flight
        state = (flight.mode, flight.armed, self.contacts.count)
        if state != self._noted:
            self._tell(time_s, state)

    def _tell(self, time_s: float, state: tuple[Mode, bool, int]) -> None:
        """A line for each thing that has changed."""
        before, self._noted = self._noted, state
        mode, armed, contacts = state
        if mode is not before[0]:
            self._note(f"{time_s:.1f} s: mode {mode.name}")
        if armed is not before[1]:
            self._note(f"{time_s:.1f} s: {'armed' if armed else 'disarmed'}")
        if contacts != before[2]:
            self._note(f"{time_s:.1f} s: contact {contacts} with the hull")

    def _move(self, time_s: float) -> None:
        body = self.body
        (fx, fy, fz), (tx, ty, tz) = self.thrusters.step(self._pulses, self.battery.voltage_v, body.submerged, STEP_S)
        (cx, cy, cz), (dx, dy, dz) = self.contacts.step(body, time_s)
        if self._tender.holding:
            (hx, hy, hz), (gx, gy, gz) = self._tender.pull(body)
            cx, cy, cz, dx, dy, dz = cx + hx, cy + hy, cz + hz, dx + gx, dy + gy, dz + gz
        water, surface_m = self.world.water.at(body.position, time_s), self.world.water.surface_m(body.position, time_s)
        body.step((fx + cx, fy + cy, fz + cz), (tx + dx, ty + dy, tz + dz), water, surface_m=surface_m)

    def _picture(self, time_s: float) -> None:
        camera = self._camera
        if camera is None:
            return
        while self._captures and time_s - self._captures[0] >= _VIDEO_LATENCY_S - 1e-9:
            camera.wait_sent(self._captures.popleft())
        if camera.due(time_s):
            payload = self.autopilot.payload
            camera.capture(time_s, self.body.pose_ned, payload.lights, payload.tilt_rad)
            self._captures.append(time_s)
