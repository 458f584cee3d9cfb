"""The plant: the vehicle's body in its world, with everything that the autopilot is not.

Whoever decides the motors' pulses, the embedded autopilot or a real ArduSub, drives the same plant: the same
dynamics, contacts, sounders, DVL with its server, camera and record of truth. Nothing here looks at a clock; the
caller says what time it is and how long a step is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from math import inf, radians
from typing import NamedTuple, Protocol

import numpy as np

from hullscan.errors import InputError
from hullscan.geometry.frames import GeoOrigin, Pose
from hullscan.ship.surface import HullSurface
from hullscan_sim.autopilot import Autopilot
from hullscan_sim.battery import Battery
from hullscan_sim.contact import Contacts
from hullscan_sim.dvl import Dvl, DvlReport
from hullscan_sim.dvl_server import DvlClock, DvlServer, PositionLocal, velocity_line
from hullscan_sim.dynamics import MODELS, RigidBody
from hullscan_sim.faults.injector import FaultInjector
from hullscan_sim.faults.link import FaultyLink
from hullscan_sim.scenario import Scenario, ShipAtBerth
from hullscan_sim.sensors import Barometer, Compass, EchoSounders, Sounding
from hullscan_sim.tender import Tender
from hullscan_sim.thrusters import Thrusters
from hullscan_sim.truth import TruthRecorder
from hullscan_sim.world import World

__all__ = ["CameraHook", "Plant", "Seeds"]

_POLL_S = 0.02  # the DVL's sockets are served at 50 Hz
_FAULTS_S = 0.1
_BOTTOM_LOST_S = 0.5
_VIDEO_LATENCY_S = 0.1
"""What the fault battery_sag takes off the voltage."""


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


class Seeds(NamedTuple):
    """Independent streams of chance, one for each thing that errs; all follow from the scenario's seed."""

    water: np.random.SeedSequence
    pressure: np.random.SeedSequence
    compass: np.random.SeedSequence
    echo: np.random.SeedSequence
    dvl: np.random.SeedSequence
    clock: np.random.SeedSequence
    estimate: np.random.SeedSequence
    losses: np.random.SeedSequence

    @classmethod
    def of(cls, scenario: Scenario) -> Seeds:
        """Those of a scenario."""
        return cls(*np.random.SeedSequence(scenario.seed).spawn(len(cls._fields)))


class Plant:
    """A vehicle without its autopilot, in its world.

    Args:
        scenario: the world that the mission does not state.
        stated: ship, berth and launch that it does.
        hull: the ship's surface.
        start_utc_s: UTC of the vehicle's power-up.
        dvl_address: where the DVL listens, ``host:port``; None for no server.
        truth: records the truth when given, from the world of this plant.
        camera: takes pictures when given.
        link: MAVLink of the embedded autopilot, on which faults act; None for a firmware outside.
        note: told of notable events, one line each.

    Attributes:
        launch_origin: latitude and longitude of the launch place.
        faults: the scenario's faults; ``faults.now`` says what acts.
        barometer, compass: of the embedded autopilot, which a firmware outside does without.
        autopilot: the embedded one, another after each reboot; None for a firmware outside.

    Raises:
        InputError: the launch place is inside the ship as she truly lies.
        LinkError: the DVL's address cannot be listened on.
    """

    def __init__(
        self,
        scenario: Scenario,
        stated: ShipAtBerth,
        hull: HullSurface,
        *,
        start_utc_s: float,
        dvl_address: str | None = None,
        truth: Callable[[World], TruthRecorder] | None = None,
        camera: CameraHook | None = None,
        link: FaultyLink | None = None,
        note: Callable[[str], None] = lambda line: None,
    ) -> None:
        options, seeds = scenario.vehicle, Seeds.of(scenario)
        make = np.random.default_rng
        self._note = note
        self.world = World(stated, hull, scenario, make(seeds.water))
        position, heading = self.world.launch
        if self.world.inside_ship(position):
            raise InputError(
                "the vehicle would start inside the ship", where="launch", todo="make launch.distance_m larger"
            )
        self.launch_origin = GeoOrigin(*self.world.origin.to_geodetic(position[0], position[1]))
        self.body = RigidBody(MODELS[options.model], position, heading, self.world.water.at(position, 0.0))
        self.tender = Tender(position, heading)
        self.thrusters, self.battery = Thrusters(options.thruster_lag_s), Battery(options.battery_wh)
        self.contacts = Contacts(self.world)
        self.contacts.look(self.body, 0.0)
        sensors = scenario.sensors
        self.barometer = Barometer(make(seeds.pressure), self.body.down_m, sensors)
        self.compass = Compass(options.compass, make(seeds.compass), radians(sensors.compass_greatest_deg))
        self.sounders = EchoSounders(make(seeds.echo), 0.05, sensors)
        self.dvl = Dvl(options.dvl, make(seeds.dvl), sensors)
        down = make(seeds.dvl.spawn(1)[0])  # of its own, so that the first one's errors stay what they are
        self._second_dvl = Dvl(options.dvl, down, sensors, looks_down=True) if options.second_dvl else None
        self._dvl_seen_as_downward = options.dvl_as_rangefinder == "orientation_25"
        clock, perfect = make(seeds.clock), options.dvl != "a50"
        self._dvl_clock = DvlClock(start_utc_s, clock, perfect=perfect, clocks=scenario.clocks)
        self._position_local = PositionLocal(clock, perfect=perfect)
        self.dvl_server = (
            DvlServer(dvl_address, self.dvl, self._position_local) if dvl_address and options.dvl != "none" else None
        )
        self._truth = truth(self.world) if truth else None
        self._camera, self._captures = camera, deque[float]()
        self.autopilot: Autopilot | None = None
        self.faults = FaultInjector(scenario.faults, self, link, make(seeds.losses), note)
        self._faults_s = self._poll_s = 0.0
        self._bottom_s = -inf
        self._contacts_noted = 0

    # ---------------------------------------------------------------- parts of a step

    def begin_step(self, time_s: float) -> None:
        """The ship moves at her moorings; the scenario's faults begin and end."""
        self.world.advance(time_s)
        if time_s >= self._faults_s - 1e-9:
            self._faults_s += _FAULTS_S
            self.faults.follow(time_s)

    def sense(self, time_s: float) -> DvlReport | None:
        """Let sounders and DVLs measure, and serve the first one's clients; a report to navigate by or none."""
        self.sounders.sample(time_s, self.body, self.world)
        report = self.dvl.sample(time_s, self.body, self.world)
        if report is not None and report.valid and self._dvl_seen_as_downward:
            self.sounders.down_taken, self.sounders.down = True, Sounding(report.altitude_m, time_s)
        navigated = report if self._second_dvl is None else self._bottom_or(report, time_s)
        server = self.dvl_server
        if server is None:
            return navigated
        if report is not None and server.clients:
            self._position_local.feed(report, self.body.pose_ned.rotation)
            server.send(velocity_line(report, self._dvl_clock), report.repeats)
        if time_s >= self._poll_s - 1e-9:
            self._poll_s += _POLL_S
            if server.clients:
                line = self._position_local.line(time_s, self.body.pose_ned.rotation, self._dvl_clock)
                if line is not None:
                    server.send(line)
            server.poll(time_s)
        return navigated

    def _bottom_or(self, report: DvlReport | None, time_s: float) -> DvlReport | None:
        """The second DVL's report; the first one's where the second hears too little.

        Close beside a deep side two of its beams meet the plating so flat that they do not come back.
        """
        assert self._second_dvl is not None
        second = self._second_dvl.sample(time_s, self.body, self.world)
        if second is not None and second.valid:
            self._bottom_s = time_s
        return second if time_s - self._bottom_s < _BOTTOM_LOST_S else report

    def move(self, time_s: float, pulses_us: Sequence[int], dt_s: float) -> None:
        """Advance the body by one step.

        Args:
            time_s: at the beginning of the step.
            pulses_us: of motors 1 to 8; 0 is no pulse.
            dt_s: length of the step.
        """
        body = self.body
        (fx, fy, fz), (tx, ty, tz) = self.thrusters.step(pulses_us, self.battery.voltage_v, body.submerged, dt_s)
        (cx, cy, cz), (dx, dy, dz) = self.contacts.step(body, time_s)
        (hx, hy, hz), (gx, gy, gz) = self.faults.tether.force(body)
        cx, cy, cz, dx, dy, dz = cx + hx, cy + hy, cz + hz, dx + gx, dy + gy, dz + gz
        if self.tender.holding:
            (hx, hy, hz), (gx, gy, gz) = self.tender.pull(body)
            cx, cy, cz, dx, dy, dz = cx + hx, cy + hy, cz + hz, dx + gx, dy + gy, dz + gz
        water, surface_m = self.world.water.at(body.position, time_s), self.world.water.surface_m(body.position, time_s)
        body.step((fx + cx, fy + cy, fz + cz), (tx + dx, ty + dy, tz + dz), water, surface_m=surface_m, dt_s=dt_s)
        if self.contacts.count != self._contacts_noted:
            self._contacts_noted = self.contacts.count
            self._note(f"{time_s:.1f} s: contact {self.contacts.count} with the hull")

    def picture(self, time_s: float, lights: float, tilt_rad: float) -> None:
        """Take a picture when it is due, and wait for one that a real camera would have sent by now.

        In this order: while the older one is finished, the newer one is begun.

        Args:
            lights: 0 to 1.
            tilt_rad: of the camera, up positive.
        """
        camera = self._camera
        if camera is None:
            return
        if camera.due(time_s):
            camera.capture(time_s, self.body.pose_ned, lights, tilt_rad)
            self._captures.append(time_s)
        while self._captures and time_s - self._captures[0] >= _VIDEO_LATENCY_S - 1e-9:
            camera.wait_sent(self._captures.popleft())

    def record(self, time_s: float) -> None:
        """Write the truth down."""
        if self._truth:
            self._truth.step(time_s, self.body, self.contacts, self.thrusters.total_n)

    def close(self) -> None:
        """Close server and files."""
        if self._truth:
            self._truth.close(self.contacts)
        if self.dvl_server:
            self.dvl_server.close()
