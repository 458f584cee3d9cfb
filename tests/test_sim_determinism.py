"""One seed gives one flight, whatever the pace, when simulator and controller run in lock step."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from math import inf

import pytest
from test_sim_station import HULL, stated_ship

from hullscan_sim.faults import kinds
from hullscan_sim.mavlink_server import MemoryLink
from hullscan_sim.messages import mavlink
from hullscan_sim.scenario import Mooring, Scenario, VehicleOptions, Water
from hullscan_sim.sensor_options import Sensors
from hullscan_sim.simulation import Simulation

SCENARIO = Scenario(
    seed=7,
    water=Water(current_mps=0.1, current_towards_deg=80, waves_m=0.2),
    mooring=Mooring(surge_m=0.3, yaw_deg=0.3),
    vehicle=VehicleOptions(start_up=0.0),
    sensors=Sensors(sounder="strongest", dvl_beam_width_deg=4.4),
    faults=(
        kinds.LinkBurstLoss(at_s=1.0, bad_s=0.3, good_s=0.7, loss=0.5),
        kinds.CurrentGust(at_s=2.0, towards_deg=200.0),
        kinds.ThrusterFouled(at_s=2.5, thruster=2),
        kinds.OtherStationHeartbeat(at_s=1.5),
    ),
)
FLIGHT_S = 6.0


class ScriptedController:
    """Acts on what it hears, once between two steps: lock step. Keeps a hash of all that it and the truth saw."""

    def __init__(self, simulation: Simulation, link: MemoryLink) -> None:
        self._simulation, self._link = simulation, link
        self._mav = mavlink.MAVLink(None, srcSystem=255, srcComponent=190)
        self._next_s, self._heard = 0.0, 0
        self.hash = hashlib.sha256()

    def __call__(self) -> bool:
        """The stop condition of ``run``, asked after each step."""
        time_s, body = self._simulation.time_s, self._simulation.body
        packets = self._link.take()
        self._heard += len(packets)
        for packet in packets:
            self.hash.update(packet)
        self.hash.update(repr((body.position, body.velocity, body.euler_rad)).encode())
        if time_s >= self._next_s - 1e-9:
            self._next_s += 0.1
            self._send(mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3))
            self._send(mavlink.MAVLink_command_long_message(1, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0))
            sway = (self._heard * 37) % 400 - 200  # what it does follows from what it heard
            self._send(mavlink.MAVLink_manual_control_message(1, 300, sway, 400, 0, 1 << 3))
        return time_s >= FLIGHT_S

    def _send(self, message: mavlink.MAVLink_message) -> None:
        self._link.put(message.pack(self._mav))


def trajectory(speedup: float, scenario: Scenario = SCENARIO) -> str:
    link = MemoryLink()
    simulation = Simulation(scenario, stated_ship(distance_m=3.0), HULL, link=link)
    controller = ScriptedController(simulation, link)
    simulation.run(speedup, controller)
    return controller.hash.hexdigest()


@pytest.fixture(scope="module")
def unpaced() -> str:
    return trajectory(inf)


@pytest.mark.parametrize("speedup", [6.0, 40.0], ids=["six times real time", "faster than it can"])
def test_one_seed_gives_one_trajectory_at_any_pace(unpaced, speedup):
    assert trajectory(speedup) == unpaced


def test_another_seed_gives_another(unpaced):
    assert trajectory(inf, replace(SCENARIO, seed=8)) != unpaced
