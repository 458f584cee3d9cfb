"""Full plans of bulk carriers, as a table: length, coverage, path ratio, clearance, seconds.

    python benchmarks/plan.py [--lengths 30 60 ...] [--visibility 3]

No window: both sides, the bottom, bow and stern. Coverage is measured by casting the camera's rays along the
planned poses (tests/ray_coverage.py), not by the planner's own rule. The path is all that is flown between the first
lane and the last; the lower bound is area over swath.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from full_plans import full_mission, path_m  # noqa: E402 (the tests' own folder comes first)
from ray_coverage import RayCoverage  # noqa: E402

from hullscan.mission.plan import plan_mission  # noqa: E402
from hullscan.search.cells import HullCells  # noqa: E402

LENGTHS = (30, 60, 120, 180, 230, 300, 400)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", type=float, nargs="+", default=LENGTHS)
    parser.add_argument("--visibility", type=float, default=3.0)
    arguments = parser.parse_args()
    table = Table(title=f"full plans, visibility {arguments.visibility:g} m")
    for heading in ("ship", "path", "lower bound", "ratio", "with ways", "seen", "planner says", "clearance", "tether",
                    "route", "plan"):  # fmt: skip
        table.add_column(heading, justify="right")
    for length in arguments.lengths:
        with tempfile.TemporaryDirectory() as folder:
            mission = full_mission(Path(folder), length, arguments.visibility)
        start = time.process_time()
        plan = plan_mission(mission)
        spent = time.process_time() - start
        seen = RayCoverage(mission).share(plan, HullCells(mission.hull), every=1 if length < 150 else 2)
        path = path_m(plan)
        table.add_row(
            f"{length:g} m",
            f"{path:.0f} m",
            f"{plan.lower_bound_m:.0f} m",
            f"{path / plan.lower_bound_m:.3f}",
            f"{plan.length_m / plan.lower_bound_m:.3f}",
            f"{100 * seen:.2f} %",
            f"{100 * plan.planned_area_m2 / plan.plannable_area_m2:.2f} %",
            f"{plan.min_clearance_m:.2f} m",
            f"{max(leg.tether_m for leg in plan.legs):.0f} m",
            f"{plan.duration_s / 3600:.1f} h",
            f"{spent:.0f} s",
        )
        for gap in plan.gaps[:6]:
            print(length, gap.name, f"{gap.area_m2:.1f} m2", file=sys.stderr)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
