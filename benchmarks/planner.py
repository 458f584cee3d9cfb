"""Measures the planner: share of the prior risk covered, POD against a plain lawnmower at every minute, time.

    python benchmarks/planner.py [LENGTH_M ...] [--hulls FOLDER] [--launch SHARE] [--no-lock-out] [-v]

Bulk carriers of 30 to 400 m, ships of other types, and the Duisburg Test Case at full scale where its mesh is at hand,
at anchor in water of 2 m visibility, a 30-minute window, machinery locked out, launched from a boat beside the sea
chests; the ship of 180 m once more from the place that ``hullscan plan --launches`` finds best. The lawnmower is that
of the plan's page, as fast as the plan: lanes along the whole side from the waterline down, as far as they keep their
clearance. "least lead" is the least difference of the two at a whole minute. Processor time of the whole plan, not wall
time; with OPENBLAS_NUM_THREADS=1 that is one core.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from hullscan.mission.launching import launch_places
from hullscan.mission.lawnmower import lawnmower_legs
from hullscan.mission.model import Conditions, Limits, Mission, MissionFile
from hullscan.mission.orders import LockOut
from hullscan.mission.plan import plan_mission
from hullscan.mission.pricing import price_legs
from hullscan.mission.stand_off import search_speed_mps, stand_off_m
from hullscan.mission.vehicle import BLUEROV2_HEAVY
from hullscan.search.cells import HullCells
from hullscan.search.pod_file import shipped_pod_model
from hullscan.search.risk import risk_share
from hullscan.search.zones import HullZones
from hullscan.ship.form import Form, MeshForm, build_hull
from hullscan.ship.spec import Berth, Launch, Ship

SHIPS = {
    30: (7.0, 2.6), 60: (11.0, 4.0), 120: (20.0, 7.2), 180: (30.0, 10.0), 230: (32.0, 13.0), 300: (46.0, 17.5),
    400: (61.0, 16.0),
}  # fmt: skip
FORMS = {
    "fishing_vessel": (24.0, 7.0, 3.0),
    "barge": (60.0, 14.0, 3.0),
    "coaster": (80.0, 12.5, 5.0),
    "ro_ro": (160.0, 26.0, 6.2),
    "tanker": (230.0, 36.0, 13.0),
    "container_ship": (300.0, 45.0, 13.5),
}
"""Length, beam and draught."""
WINDOW_MIN, VISIBILITY_M = 30.0, 2.0
_DTC = "DTC-scaled.stl.gz"  # at model scale 1:59.407


def mission_of(length_m: float, launch: float = 0.2, *, locked: bool = True) -> Mission:
    """Of a bulk carrier; ``launch`` is the share of her length from aft."""
    beam, draught = SHIPS[int(length_m)]
    return _of_type("bulk_carrier", length_m, beam, draught, launch, locked=locked)


def _of_type(kind: str, length_m: float, beam: float, draught: float, launch: float, *, locked: bool) -> Mission:
    form = TypeAdapter(Form).validate_python(
        {"type": kind, "length_m": length_m, "beam_m": beam, "draught_fwd_m": draught, "draught_aft_m": draught}
    )
    return _mission(form, length_m, draught, launch, locked=locked)


def test_case(hulls: Path, launch: float, *, locked: bool) -> Mission | None:
    """Of the Duisburg Test Case, a container ship of 355 m; None, with the reason printed, where there is no mesh."""
    if not (hulls / _DTC).exists():
        print(f"  DTC  left out: no {_DTC} in {hulls}")
        return None
    return _mission(
        MeshForm(mesh=_DTC, scale=59.407, waterline_m=14.5), 355.0, 14.5, launch, locked=locked, folder=hulls
    )


def _mission(
    form: Any, length_m: float, draught_m: float, launch: float, *, locked: bool, folder: Path | None = None
) -> Mission:
    file = MissionFile(
        mission=f"bench-{length_m:g}",
        ship=Ship(name="bench", form=form),
        berth=Berth(lat_deg=35.0, lon_deg=129.0, heading_deg=0, water_depth_m=draught_m + 6),
        conditions=Conditions(visibility_m=VISIBILITY_M),
        window_min=WINDOW_MIN,
        launch=Launch(side="starboard", station_m=launch * length_m, distance_m=4),
        survey="auto",
        lock_out=LockOut(propeller=True, thrusters=True, by="benchmark") if locked else None,
        limits=Limits(max_tether_m=150),
    )
    return Mission(file, build_hull(form, folder), BLUEROV2_HEAVY, b"", pod_model=shipped_pod_model())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lengths", type=float, nargs="*", default=list(SHIPS))
    parser.add_argument("--hulls", type=Path, default=Path("../shared/data/hulls"))
    parser.add_argument("--launch", type=float, default=0.2)
    parser.add_argument("--no-lock-out", action="store_true")
    parser.add_argument("-v", action="store_true", help="zones and legs too")
    given = parser.parse_args()
    print("  L m   cells   plan s  covered  POD    POD mower  never below  least lead  passes  seed POD  minutes")
    for length in given.lengths:
        _measure(f"{length:5.0f}", mission_of(length, given.launch, locked=not given.no_lock_out), verbose=given.v)
    for kind, size in FORMS.items() if given.lengths == list(SHIPS) else ():
        _measure(
            f"{size[0]:3.0f} {kind}", _of_type(kind, *size, given.launch, locked=not given.no_lock_out), verbose=given.v
        )
    if 180.0 in given.lengths:
        stated = mission_of(180.0, given.launch, locked=not given.no_lock_out)
        best = launch_places(stated)[0].launch
        _measure(
            f"180 from {best.side} {best.station_m:.0f} m",
            replace(stated, file=replace(stated.file, launch=best)),
            verbose=given.v,
        )
    if (mission := test_case(given.hulls, given.launch, locked=not given.no_lock_out)) is not None:
        _measure("  DTC", mission, verbose=given.v)


def _measure(name: str, mission: Mission, *, verbose: bool) -> None:
    clock = time.process_time()
    plan = plan_mission(mission)
    spent = time.process_time() - clock
    cells = HullCells(mission.hull)
    share = risk_share(cells, HullZones.of_hull(cells, ()))
    price = {"visibility_m": VISIBILITY_M, "model": mission.pod_model}
    ours = price_legs(plan.legs, cells, mission.vehicle, share, **price).growth
    speed = search_speed_mps(mission, stand_off_m(mission), mission.pod_model)
    mower = lawnmower_legs(mission, cells, plan.areas, speed)
    theirs = price_legs(mower, cells, mission.vehicle, share, **price).growth
    minutes = np.arange(1, WINDOW_MIN + 1)
    a, b = (np.interp(minutes * 60, curve[:, 0], curve[:, 1]) for curve in (ours, theirs))
    never, lead, chosen = bool((a >= b).all()), float((a - b).min()), plan.chosen
    print(
        f"{name} {len(cells):7d} {spent:7.2f}  {plan.prior_seen:7.3f}  {plan.ship_pod:.3f}  {b[-1]:.3f}"
        f"      {never!s:11} {lead:10.4f}  {chosen['passes']:6d}  {chosen['seed_pod']:.3f}"
        f"     {plan.duration_s / 60:.1f}"
    )
    print(
        "      minute:plan/mower " + " ".join(f"{m:.0f}:{x:.3f}/{y:.3f}" for m, x, y in zip(minutes, a, b, strict=True))
    )
    if verbose:
        for zone in plan.zones:
            print(f"   {zone.zone.name:40} prior {zone.prior:.4f} pod {zone.pod:.3f} more {zone.minutes_more}")
        for leg in plan.legs:
            print(f"   {leg.start_s:7.1f} {leg.end_s:7.1f} {leg.pattern:12} {leg.zone} {leg.poses[0, 1:4].round(1)}")


if __name__ == "__main__":
    main()
