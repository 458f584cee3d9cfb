"""The simulation: owns the vehicle and its world and advances them, one step of simulated time after the other.

One seed and the same messages at the same steps give the same flight, bit by bit: nothing here looks at a clock
or at another thread.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hullscan.ship.surface import HullSurface
from hullscan_sim.autopilot import Autopilot
from hullscan_sim.dynamics import STEP_S
from hullscan_sim.faults.kinds import Fault
from hullscan_sim.faults.link import FaultyLink
from hullscan_sim.mavlink_server import Bystanders, Link, Packer
from hullscan_sim.modes import Mode
from hullscan_sim.pacing import Pacer
from hullscan_sim.parameters import Parameters
from hullscan_sim.plant import CameraHook, Plant, Seeds
from hullscan_sim.scenario import Scenario, ShipAtBerth
from hullscan_sim.signing import Signing
from hullscan_sim.truth import TruthRecorder
from hullscan_sim.world import World

__all__ = ["CameraHook", "Simulation"]

_CONTROL_STEPS = 2  # the autopilot thinks at 100 Hz
_SLOW_STEPS = 10  # compass and battery at 20 Hz
_GPS_S = 0.2


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
        options, seeds = scenario.vehicle, Seeds.of(scenario)
        self._options, self._start_utc_s, self._note = options, start_utc_s, note
        self._link = None if link is None else FaultyLink(link)
        self._sensors, self._clocks = scenario.sensors, scenario.clocks
        self.plant = Plant(
            scenario, stated, hull, start_utc_s=start_utc_s, dvl_address=dvl_address, truth=truth, camera=camera,
            link=self._link, note=note,
        )  # fmt: skip
        plant = self.plant
        self.world, self.body, self.contacts = plant.world, plant.body, plant.contacts
        self.thrusters, self.battery = plant.thrusters, plant.battery
        self.sounders, self.dvl, self.dvl_server = plant.sounders, plant.dvl, plant.dvl_server
        self.launch_origin = plant.launch_origin
        self.barometer, self.compass = plant.barometer, plant.compass
        self.parameters = Parameters(dvl_navigation=options.position == "dvl")
        self._estimate_generator = np.random.default_rng(seeds.estimate)
        self._signing = Signing(strict=options.link == "serial1")
        self.autopilot = self._boot()
        self._packer, self._bystanders = Packer(1), Bystanders()
        self._steps, self._boot_s, self._gps_s = 0, 0.0, 0.0
        self._pulses, self._compass_error = [0] * 8, 0.0
        self._noted = (Mode.MANUAL, False)

    def _boot(self) -> Autopilot:
        autopilot = Autopilot(
            self._options, self.launch_origin, self.parameters, self.barometer, self.sounders, self.battery,
            self._estimate_generator, self._signing,
        )  # fmt: skip
        autopilot.nav.drift_gyro(self._sensors.gyro_drift_deg_per_min)
        self.plant.autopilot = autopilot
        return autopilot

    # ---------------------------------------------------------------- time

    @property
    def time_s(self) -> float:
        """Simulated time since power-up."""
        return self._steps * STEP_S

    @property
    def utc_s(self) -> float:
        """The same moment in UTC."""
        return self._start_utc_s + self.time_s

    def _vehicle_s(self, time_s: float) -> float:
        """The autopilot's own time since its boot, by a clock that drifts."""
        return (time_s - self._boot_s) * (1 + self._clocks.vehicle_drift_ppm * 1e-6)

    def step(self) -> None:
        """Advance by one step (5 ms)."""
        time_s, plant = self.time_s, self.plant
        plant.begin_step(time_s)
        self._receive()
        self._sense(time_s)
        if self._steps % _CONTROL_STEPS == 0:
            self._think(time_s)
        plant.move(time_s, self._pulses, STEP_S)
        payload = self.autopilot.payload
        plant.picture(time_s, payload.lights, payload.tilt_rad)
        plant.record(time_s)
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
        self.plant.close()
        if self._link:
            self._link.close()

    def add_fault(self, fault: Fault) -> None:
        """One more fault than the scenario has."""
        self.plant.faults.add(fault)

    # ---------------------------------------------------------------- parts of a step

    def _receive(self) -> None:
        if self._link is None:
            return
        for message in self._link.receive():
            if self._signing.accepts(message):
                self.autopilot.handle(message, self._vehicle_s(self.time_s))

    def _sense(self, time_s: float) -> None:
        report = self.plant.sense(time_s)
        if report is not None:
            self.autopilot.feed_dvl(self._vehicle_s(time_s), report)
        if self._options.position == "gps" and time_s >= self._gps_s:
            self._gps_s += _GPS_S
            self._feed_gps(time_s)

    def _feed_gps(self, time_s: float) -> None:
        """A bench simulator's GPS: it works under water and is good to 2 cm."""
        origin = self.autopilot.nav.origin
        if origin is None:
            north, east = 0.0, 0.0
        else:
            shift = self.world.origin.to_ned(origin.lat_deg, origin.lon_deg)
            a, b = (0.02 * self._estimate_generator.standard_normal(2)).tolist()
            north, east = self.body.north_m - shift[0] + a, self.body.east_m - shift[1] + b
        self.autopilot.nav.feed_gps(self._vehicle_s(time_s), north, east, self.body.velocity)

    def _think(self, time_s: float) -> None:
        body, dt_s = self.body, STEP_S * _CONTROL_STEPS
        if self._steps % _SLOW_STEPS == 0:
            heading = body.euler_rad[2] - self.world.ship_pose.heading_rad
            place = self.world.to_ship(body.position)
            self._compass_error = self.compass.error_rad(place, self.contacts.clearance_m, heading)
            self.battery.step(self.thrusters.power_w, self.autopilot.payload.lights, STEP_S * _SLOW_STEPS)
        depth_m = body.down_m + self.world.water.surface_m(body.position, time_s)
        vehicle_s, ahead_s = self._vehicle_s(time_s), self._clocks.vehicle_drift_ppm * 1e-6 * time_s
        utc_s = self.utc_s + self._clocks.vehicle_offset_s + ahead_s
        self._pulses = self.autopilot.update(vehicle_s, utc_s, dt_s, body, depth_m, self._compass_error)
        self._send(time_s)
        if self.autopilot.flight.armed:
            self.plant.tender.let_go()
        if self.autopilot.commands.reboot:
            self._boot_s = time_s
            self.barometer.calibrate()  # wherever it is: at depth this shifts the zero
            self.autopilot = self._boot()
            self._note(f"{time_s:.1f} s: autopilot reboots")

    def _send(self, time_s: float) -> None:
        packets = self._bystanders.packets(time_s)
        self._signing.apply(self._packer.mav)
        packets += [self._packer(message) for message in self.autopilot.take_messages()]
        if self._link is not None:
            self._link.send(packets)
        flight = self.autopilot.flight
        state = (flight.mode, flight.armed)
        if state != self._noted:
            self._tell(time_s, state)

    def _tell(self, time_s: float, state: tuple[Mode, bool]) -> None:
        """A line for each thing that has changed."""
        before, self._noted = self._noted, state
        mode, armed = state
        if mode is not before[0]:
            self._note(f"{time_s:.1f} s: mode {mode.name}")
        if armed is not before[1]:
            self._note(f"{time_s:.1f} s: {'armed' if armed else 'disarmed'}")
