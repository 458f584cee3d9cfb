"""What the main job costs, as a table: CPU time per unit of work on one core, and ratios within one run.

    python benchmarks/main_job.py

CPU time, not wall-clock time, so that other load disturbs the figures little. A row is the median of its rounds.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # one core each; before numpy and torch read it

import cv2
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Pose, ShipPose
from hullscan.mission.model import load_mission
from hullscan.mission.plan import plan_mission
from hullscan.vision.export import weights_of
from hullscan.vision.runtime import PRECISE_MODEL, ExportedDetector
from hullscan_sim.camera.stream import RATE_HZ, SimulatedCamera
from hullscan_sim.dynamics import STEP_S
from hullscan_sim.scenario import load_scenario, load_ship
from hullscan_sim.simulation import Simulation

ROOT = Path(__file__).parent.parent
MISSION, SCENARIO = ROOT / "missions" / "demo.yaml", ROOT / "sim" / "scenarios" / "demo.yaml"
Image = npt.NDArray[np.uint8]


def cpu_ms(work: Callable[[], object], rounds: int, per_round: int) -> float:
    """Median CPU milliseconds of one call, after one call that is not counted."""
    work()
    figures = []
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(per_round):
            work()
        figures.append((time.process_time() - start) * 1e3 / per_round)
    return statistics.median(figures)


def vehicle_poses() -> Iterator[tuple[float, Pose]]:
    """(time, ned from frd) at the camera's rate along the planned survey legs, where the ship truly lies."""
    scenario = load_scenario(SCENARIO)
    berth = load_ship(MISSION, scenario)[0].berth
    error = scenario.ship_error
    ship = ShipPose(error.north_m, error.east_m, float(np.radians(berth.heading_deg + error.heading_deg))).as_pose
    for leg in plan_mission(load_mission(MISSION)).legs:
        if leg.surveys:
            for t in np.arange(leg.start_s, leg.end_s, 1 / RATE_HZ):
                x, y, z, yaw, pitch = (np.interp(t, leg.poses[:, 0], leg.poses[:, i]) for i in range(1, 6))
                yield float(t), ship @ Pose(np.array([x, y, z]), Rotation.from_euler("ZY", [yaw, pitch]))


def measure(rounds: int) -> tuple[list[tuple[str, str, str]], list[Image]]:
    """Rows of the table but the detector's, and the rendered frames."""
    mission, scenario = load_mission(MISSION), load_scenario(SCENARIO)
    plan = cpu_ms(lambda: plan_mission(mission), rounds, 1)
    stated, hull = load_ship(MISSION, scenario)
    simulation = Simulation(scenario, stated, hull)
    simulation.run_until(2.0)
    step = cpu_ms(simulation.step, rounds, 1000)
    simulation.close()
    camera, poses, frames = SimulatedCamera(scenario, MISSION), cycle(list(vehicle_poses())), []

    def picture() -> None:
        t, pose = next(poses)
        frames.append(camera.picture(t, pose, lights=1.0, tilt_rad=0.0))

    render = cpu_ms(picture, rounds, 30)
    rows = [
        ("plan of the demo mission", f"{plan:.0f} ms", ""),
        ("simulator without camera", f"{1e3 / step:.0f} steps/s", f"{STEP_S * 1e3 / step:.1f} times real time"),
        ("rendered frame, 640x360", f"{render:.0f} CPU-ms", f"{1e3 / RATE_HZ / render:.1f} times real time"),
    ]
    return rows, frames


def measure_detector(frames: list[Image], rounds: int) -> list[tuple[str, str, str]]:
    """Our run times beside ultralytics' own predict, same weights, frames and input size, one thread each."""
    some = cycle(frames)
    onnx = ExportedDetector()
    ours = {"ONNX Runtime": cpu_ms(lambda: onnx.detect(next(some)), rounds, 20)}
    if importlib.util.find_spec("openvino"):
        openvino = ExportedDetector(backend="openvino")
        ours["OpenVINO"] = cpu_ms(lambda: openvino.detect(next(some)), rounds, 20)
    rows, size = [], f"{onnx.input_px[1]}x{onnx.input_px[0]}"
    try:
        from hullscan.vision.runtime import offline_ultralytics

        offline_ultralytics()
        import torch
        from ultralytics import YOLO
    except ImportError:
        beside = None
        rows.append(("ultralytics predict", "not installed", "pip install 'hullscan[train]'"))
    else:
        torch.set_num_threads(1)
        with tempfile.TemporaryDirectory() as folder:
            model = YOLO(str(weights_of(PRECISE_MODEL, Path(folder) / "parcel.pt")))

        def predict() -> object:
            torch.set_num_threads(1)  # predict sets its own
            return model.predict(next(some), imgsz=onnx.input_px, device="cpu", verbose=False, rect=False)

        beside = cpu_ms(predict, rounds, 20)
        rows.append((f"detected frame, {size}, ultralytics predict", f"{beside:.0f} CPU-ms", "1.00"))
    for name, figure in ours.items():
        ratio = f"{figure / beside:.2f} of ultralytics' predict" if beside else ""
        rows.append((f"detected frame, {size}, {name}", f"{figure:.0f} CPU-ms", ratio))
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    cv2.setNumThreads(1)
    table = Table(title=f"{platform.machine()}, Python {platform.python_version()}, one core, {rounds} rounds")
    for heading in ("work", "cost", "that is"):
        table.add_column(heading)
    rows, frames = measure(rounds)
    for row in rows + measure_detector(frames, rounds):
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
