"""What the simulator costs, as a table: steps without a camera for ships of three lengths, and a camera frame.

    python benchmarks/simulator.py [--profile]

CPU time on one core, so that other load disturbs the figures little. All sensors are on, the DVL's beams have their
width, the sounder hears the strongest echo in its cone, the ship moves at her moorings and the water has waves: the
dearest that a scenario can ask for; the plain row is the demo scenario's. Every row is the median of its rounds.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import platform
import pstats
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy reads them

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Array, Pose
from hullscan.ship.form import BulkCarrier, build_hull
from hullscan.ship.spec import Berth, Launch, Ship
from hullscan_sim.camera.renderer import Rendered
from hullscan_sim.camera.scene import HULL
from hullscan_sim.camera.stream import SimulatedCamera
from hullscan_sim.dynamics import STEP_S
from hullscan_sim.mavlink_server import MemoryLink
from hullscan_sim.messages import mavlink
from hullscan_sim.mooring import ShipMotion
from hullscan_sim.scenario import Mooring, Scenario, ShipAtBerth, ShipError, load_scenario, load_ship
from hullscan_sim.sensor_options import Sensors
from hullscan_sim.simulation import Simulation

ROOT = Path(__file__).parent.parent
MISSION, SCENARIO = ROOT / "missions" / "demo.yaml", ROOT / "sim" / "scenarios" / "demo.yaml"
LENGTHS_M = (60, 180, 400)


def cpu_ms(work: Callable[[], object], rounds: int, per_round: int) -> float:
    """Median CPU milliseconds of one call."""
    figures = []
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(per_round):
            work()
        figures.append((time.process_time() - start) * 1e3 / per_round)
    return statistics.median(figures)


def ship(length_m: float) -> ShipAtBerth:
    draught_m = max(0.06 * length_m, 3.6)
    form = BulkCarrier(
        length_m=length_m, beam_m=max(0.16 * length_m, 10), draught_fwd_m=draught_m, draught_aft_m=draught_m
    )
    berth = Berth(lat_deg=35.0767, lon_deg=129.08, heading_deg=62, quay_side="port", water_depth_m=draught_m + 6)
    launch = Launch(side="starboard", station_m=0.5 * length_m, distance_m=2.0)
    return ShipAtBerth(ship=Ship(name="MV Bench", form=form), berth=berth, launch=launch)


def hovering(scenario: Scenario, stated: ShipAtBerth) -> Callable[[], None]:
    """One step of an armed vehicle 1 m off the plating, with a ground station that listens."""
    link = MemoryLink()
    simulation = Simulation(scenario, stated, build_hull(stated.ship.form), link=link)
    station = mavlink.MAVLink(None, srcSystem=255, srcComponent=190)
    simulation.parameters.set("FS_PILOT_INPUT", 0)
    simulation.run_until(1.0)
    for command, mode in ((176, 2), (400, 0)):  # ALT_HOLD, then arm
        link.put(mavlink.MAVLink_command_long_message(1, 1, command, 0, 1, mode, 0, 0, 0, 0, 0).pack(station))
    simulation.run_until(5.0)

    def step() -> None:
        if round(simulation.time_s / STEP_S) % 20 == 0:
            link.put(mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3).pack(station))
            link.put(mavlink.MAVLink_manual_control_message(1, 0, 100, 480, 0, 0).pack(station))
            link.take()
        simulation.step()

    return step


def dearest(scenario: Scenario) -> Scenario:
    return replace(
        scenario,
        water=replace(scenario.water, waves_m=0.2),
        mooring=Mooring(surge_m=0.4, yaw_deg=0.1),
        sensors=Sensors(sounder="strongest", dvl_beam_width_deg=4.4),
    )


def frames() -> Callable[[], bool]:
    """A picture of hull, from places that move along it as on a survey; returns whether it is of bare hull alone."""
    scenario = replace(load_scenario(SCENARIO), parcels=())
    camera = SimulatedCamera(scenario, MISSION)
    stated, hull = load_ship(MISSION, scenario)
    count, pose = 0, ShipMotion(scenario, stated, hull.dimensions.length_m).rest
    half_beam_m = float(hull.grid_m[:, :, 1].max())
    render, bare = camera._renderer.render, [True]

    def look(position_m: Array, r_ship_cam: Array) -> Rendered:
        drawn = render(position_m, r_ship_cam)
        bare[0] = not (drawn.object[::4, ::4] > HULL).any()
        return drawn

    camera._renderer.render = look  # type: ignore[method-assign]

    def picture() -> bool:
        nonlocal count
        count += 1
        place = pose.to_ned(np.array([36.0 - 0.03 * (count % 600), half_beam_m + 1.4, 2.8]))
        looking = Rotation.from_euler("z", pose.heading_rad - np.pi / 2)
        camera.picture(0.1 * count, Pose(place, looking), 1.0, 0.0)
        return bare[0]

    return picture


def frame_ms(picture: Callable[[], bool], count: int) -> tuple[list[float], list[float]]:
    """CPU milliseconds of frames of bare hull, and of those with something on it; new texture is baked on the way."""
    costs: tuple[list[float], list[float]] = ([], [])
    for _ in range(count):
        start = time.process_time()
        bare = picture()
        costs[0 if bare else 1].append((time.process_time() - start) * 1e3)
    return costs


def profile(work: Callable[[], object], times: int) -> None:
    profiler = cProfile.Profile(time.process_time)  # CPU time, as the table
    profiler.enable()
    for _ in range(times):
        work()
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(18)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--profile", action="store_true", help="print the hot spots besides")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    scenario = load_scenario(SCENARIO)
    rows = []
    plain = replace(scenario, parcels=(), ship_error=ShipError(), vehicle=replace(scenario.vehicle, start_up=0.0))
    for label, length_m, chosen in [
        ("demo scenario", LENGTHS_M[0], plain),
        *(("all sensors, moving ship", length_m, dearest(plain)) for length_m in LENGTHS_M),
    ]:
        step = hovering(chosen, ship(length_m))
        cost = cpu_ms(step, options.rounds, 2000)
        rows.append((f"{label}, ship of {length_m} m", f"{1e3 / cost:.0f} steps/s", f"{STEP_S * 1e3 / cost:.1f} x"))
        if options.profile and length_m == LENGTHS_M[-1]:
            profile(step, 4000)
    picture = frames()
    frame_ms(picture, 10)
    for label, costs in zip(("bare hull", "something on it"), frame_ms(picture, 60 * options.rounds), strict=True):
        if costs:
            cost = f"{statistics.median(costs):.1f} CPU-ms"
            rows.append((f"camera frame 640x360, {label} ({len(costs)} frames)", cost, ""))
    if options.profile:
        profile(picture, 60)
    table = Table(title=f"{platform.machine()}, Python {platform.python_version()}, one core, {options.rounds} rounds")
    for heading in ("work", "cost", "real time"):
        table.add_column(heading)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
