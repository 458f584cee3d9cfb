"""Lanes against a current and with it: does the vehicle keep up, keep its distance, and look often enough?

    python benchmarks/current.py [--current 0.3] [--speed 0.3] [--models nominal draggy] [--across]

Two lanes along the demo's ship, one each way, without waves or faults, in the embedded simulator, see ``lockstep``.
One line a lane: its direction, the ground speed that was planned and that was kept, how far the vehicle was behind its
target, its distance to the hull against the plan's, thrust as a share of all there is, and looks a metre of hull at
ten pictures a second.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parent))

from lockstep import Flown, Signalled, fly

from hullscan.mission.model import load_mission
from hullscan.mission.plan import Plan, plan_mission
from hullscan.pilot.pilot import Pilot
from hullscan.ship.surface import HullSurface
from hullscan_sim.scenario import load_scenario
from hullscan_sim.simulation import Simulation
from missions import Truth

PICTURES_HZ = 10.0
_HEADING_DEG = 62.0
_MISSION = """mission: current
ship:
  name: MV Haneul
  form: {{type: bulk_carrier, length_m: 52, beam_m: 10.5, draught_fwd_m: 4.6, draught_aft_m: 4.8}}
berth: {{lat_deg: 35.0767, lon_deg: 129.0800, heading_deg: {heading}, water_depth_m: 12.0}}
conditions: {{visibility_m: 4.0, current_mps: {current}, current_towards_deg: {towards}}}
window_min: 30
vehicle: bluerov2-heavy
launch: {{side: starboard, station_m: 36, distance_m: 4}}
survey:
  - {{pattern: longitudinal, area: starboard_side, stations_m: [20, 36], depths_m: [0.6, 2.4], speed_mps: {speed}}}
limits: {{min_clearance_m: 0.4, min_battery_v: 14.0, max_tether_m: 100, link_timeout_s: 3}}
"""
_SCENARIO = """mission: mission.yaml
seed: 7
water: {{visibility_m: 4.0, current_mps: {current}, current_towards_deg: {towards}}}
ship_error: {{north_m: 0.3, east_m: -0.2, heading_deg: 0.5}}
vehicle: {{model: {model}, compass: near_steel, position: dvl, dvl: a50}}
"""


def fly_one(model: str, current: float, speed: float, *, across: bool) -> tuple[Flown, Plan, np.ndarray, HullSurface]:
    """One flight; with the flight (n, 12) samples: those of ``Truth``, gap to the target, thrust share, and north."""
    values: dict[str, Any] = {
        "heading": _HEADING_DEG, "current": current, "speed": speed, "model": model,
        "towards": (_HEADING_DEG + (90 if across else 0)) % 360,
    }  # fmt: skip
    truth, extra = Truth(), []

    def each(simulation: Simulation, pilot: Pilot, signalled: Signalled) -> None:
        if truth.take(simulation, pilot):
            pulses = [output - 1500 for output in simulation.autopilot.flight.pulses[:4]]
            extra.append([pilot.status.off_target_m, float(np.abs(pulses).max()) / 400, simulation.time_s])

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mission.yaml"
        file.write_text(_MISSION.format(**values), encoding="utf-8")
        (Path(folder) / "scenario.yaml").write_text(_SCENARIO.format(**values), encoding="utf-8")
        mission = load_mission(file)
        plan = plan_mission(mission)
        flown = fly(file, mission, plan, load_scenario(Path(folder) / "scenario.yaml"), each=each, by_processor=True)
    return flown, plan, np.column_stack([truth.table, np.array(extra)]), mission.hull


def main() -> None:
    """Fly and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--current", type=float, default=0.3)
    parser.add_argument("--speed", type=float, default=0.3)
    parser.add_argument("--models", nargs="*", default=["nominal", "draggy"])
    parser.add_argument("--across", action="store_true", help="towards the hull's normal instead of along her")
    options = parser.parse_args()
    write = sys.stdout.write
    for model in options.models:
        flown, plan, table, hull = fly_one(model, options.current, options.speed, across=options.across)
        write(f"{model}: {flown.seconds:.0f} s, planned {plan.duration_s:.0f} s, {flown.contacts} contacts")
        write(f", nearest {flown.min_clearance_m:.2f} m, {flown.ended_by or 'to its end'}\n")
        for at_s, kind, words in flown.events:
            if kind in ("current", "stuck", "speed"):
                write(f"   {at_s:6.0f} s  {kind}: {words}\n")
        for number, leg in enumerate(plan.legs):
            rows = table[table[:, 8] == number]
            if not leg.surveys or len(rows) < 20:
                continue
            way = leg.poses[-1, 1:4] - leg.poses[0, 1:4]
            along = rows[:, 1:4] @ way / np.linalg.norm(way)
            on = (along > along[0] + 1.0) & (along < along[-1] - 1.0)
            speed = np.polyfit(rows[on, 0], along[on], 1)[0]
            places = leg.poses[:, 1:4]
            near = np.linalg.norm(rows[:, None, 1:4] - places[None], axis=2).argmin(axis=1)
            off = hull.nearest(rows[:, 1:4])[1] - hull.nearest(places)[1][near]
            write(
                f"   lane {number}, {'forward' if way[0] > 0 else 'aft'}: planned {leg.speed_mps:.2f}, flown "
                f"{speed:.2f} m/s; behind {rows[:, 9].mean():.2f} m, at most {rows[:, 9].max():.2f} m; stand-off RMS "
                f"{np.sqrt((off**2).mean()):.3f} m, {off.min():+.2f} to {off.max():+.2f}; thrust "
                f"{100 * rows[:, 10].mean():.0f} %, at most {100 * rows[:, 10].max():.0f} %; "
                f"{PICTURES_HZ / max(speed, 1e-3):.0f} pictures a metre\n"
            )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
