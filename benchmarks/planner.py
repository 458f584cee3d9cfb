"""Measures the planner: share of the prior risk covered, POD against a plain lawnmower at every minute, time.

    python benchmarks/planner.py [LENGTH_M ...]

Ships of 30 to 400 m at anchor in water of 2 m visibility, a 30-minute window, launched from a boat beside the sea
chests. One core; processor time, not wall time.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from hullscan.mission.candidates import side_pieces
from hullscan.mission.choosing import stand_off_m
from hullscan.mission.hull_lines import HullLines
from hullscan.mission.joining import Joiner
from hullscan.mission.model import Conditions, Limits, Mission, MissionFile
from hullscan.mission.plan import plan_mission
from hullscan.mission.pricing import price_legs
from hullscan.mission.vehicle import BLUEROV2_HEAVY
from hullscan.search.cells import HullCells
from hullscan.search.risk import risk_share
from hullscan.search.zones import HullZones
from hullscan.ship.form import BulkCarrier, build_hull
from hullscan.ship.spec import Berth, Launch, Ship

SHIPS = {30: (7.0, 2.6), 60: (11.0, 4.0), 100: (17.0, 6.4), 180: (30.0, 10.0), 290: (45.0, 17.0), 400: (61.0, 16.0)}
WINDOW_MIN, VISIBILITY_M = 30.0, 2.0


def mission_of(length_m: float) -> Mission:
    beam, draught = SHIPS[int(length_m)]
    form = BulkCarrier(length_m=length_m, beam_m=beam, draught_fwd_m=draught, draught_aft_m=draught)
    file = MissionFile(
        mission=f"bench-{length_m:g}",
        ship=Ship(name="bench", form=form),
        berth=Berth(lat_deg=35.0, lon_deg=129.0, heading_deg=0, water_depth_m=draught + 6),
        conditions=Conditions(visibility_m=VISIBILITY_M),
        window_min=WINDOW_MIN,
        launch=Launch(side="starboard", station_m=0.2 * length_m, distance_m=4),
        survey="auto",
        limits=Limits(max_tether_m=150),
    )
    return Mission(file, build_hull(form), BLUEROV2_HEAVY, b"")


def lawnmower(mission: Mission, cells: HullCells) -> list:
    """Lanes over the whole length from the waterline down, the launch's side first, from the nearer end."""
    off = stand_off_m(mission)
    lines = HullLines(cells, mission.vehicle, off, mission.file.berth.water_depth_m)
    joiner = Joiner.from_launch(lines, mission.vehicle, mission.file.launch, mission.file.limits.min_clearance_m)
    lanes = [
        (each, bool(number % 2))
        for number, each in enumerate(side_pieces(lines, (0, 1), mission.vehicle.survey_speed_mps, 1e6))
    ]
    return joiner.legs(lanes)


def main(lengths: list[float]) -> None:
    print("  L m   cells   plan s  covered  POD    POD mower  never below  least lead  passes  seed POD  minutes")
    for length in lengths:
        mission = mission_of(length)
        clock = time.process_time()
        plan = plan_mission(mission)
        spent = time.process_time() - clock
        cells = HullCells(mission.hull)
        share = risk_share(cells, HullZones.of_hull(cells, ()))
        price = {"visibility_m": VISIBILITY_M, "model": mission.pod_model}
        ours = price_legs(plan.legs, cells, mission.vehicle, share, **price).growth
        theirs = price_legs(lawnmower(mission, cells), cells, mission.vehicle, share, **price).growth
        minutes = np.arange(1, WINDOW_MIN + 1)
        a, b = (np.interp(minutes * 60, curve[:, 0], curve[:, 1]) for curve in (ours, theirs))
        never, lead, chosen = bool((a >= b).all()), float((a - b).min()), plan.chosen
        print(
            f"{length:5.0f} {len(cells):7d} {spent:7.2f}  {plan.prior_seen:7.3f}  {plan.ship_pod:.3f}  {b[-1]:.3f}"
            f"      {never!s:11} {lead:10.4f}  {chosen['passes']:6d}  {chosen['seed_pod']:.3f}"
            f"     {plan.duration_s / 60:.1f}"
        )
        if "-v" in sys.argv:
            print(" ".join(f"{m:.0f}:{x:.3f}/{y:.3f}" for m, x, y in zip(minutes, a, b, strict=True)))
            for zone in plan.zones:
                print(f"   {zone.zone.name:40} prior {zone.prior:.4f} pod {zone.pod:.3f} more {zone.minutes_more}")
            for leg in plan.legs:
                print(
                    f"   {leg.start_s:7.1f} {leg.end_s:7.1f} {leg.pattern:12} {leg.zone} {leg.poses[0, 1:4].round(1)}"
                )


if __name__ == "__main__":
    main([float(text) for text in sys.argv[1:] if text != "-v"] or [float(length) for length in SHIPS])
