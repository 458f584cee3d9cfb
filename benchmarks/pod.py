"""What the POD model expects of planted parcels, and how many are found: writes ``hullscan/search/pod.yaml``.

    python benchmarks/pod.py --passes DIR... --surveys DIR... [--at 0.5] [--json FILE] [--out pod.yaml]

Each parcel counts once for a survey. Two kinds of surveys are counted:

- worlds that ``benchmarks/passes.py draw`` made: the camera is led along the lanes of a side, its poses are known, and
  the model expects by the looks at each parcel and by its own length;
- missions that were flown in the simulator (folders with ``truth.json`` beside a mission folder): what is expected is
  what the mission's own coverage states for the parcel's place.

The parameters stay as they are while what they expect is near enough to what is found: the bound tells how near.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import passes
import yaml
from scipy.optimize import linear_sum_assignment

from hullscan.geometry.frames import Array
from hullscan.mission.model import load_mission
from hullscan.search.cells import CELL_M, HullCells
from hullscan.search.looks import seen_cells
from hullscan.search.pod import LookModel, combined_pod
from hullscan.search.pod_file import LEAST_TRIALS, shipped_pod_model
from hullscan.vision.runtime import load_detector
from hullscan_sim.dataset import HEIGHT_PX, WIDTH_PX
from hullscan_sim.trials import FOUND_WITHIN_M, lower_bound

BANDS = (0.0, 0.6, 0.8, 0.9, 1.0)
PASS_GAP_S = 1.0  # a way to the next lane takes longer


@dataclass(frozen=True)
class Trial:
    """A parcel in a survey: what was expected of it, and whether it was found."""

    survey: str
    length_m: float
    visibility_m: float
    expected: float
    found: bool


def of_passes(world: Path, model: LookModel, threshold: float) -> list[Trial]:
    """The parcels of a world, by the looks at each."""
    detector = load_detector(None)
    fixes, _ = passes.fixes_of(world, detector)
    mission = load_mission(world / "mission.yaml")
    told = json.loads((world / "passes.json").read_text(encoding="utf-8"))
    cells = HullCells(mission.hull)
    places = np.array([each["position_ship_m"] for each in told["parcels"]])
    under = [int(np.argmin(np.linalg.norm(cells.points_m - place, axis=1))) for place in places]
    camera = mission.vehicle.camera.resized(WIDTH_PX, HEIGHT_PX)
    visibility = mission.file.conditions.visibility_m
    best: list[dict[int, float]] = [{} for _ in under]
    before_s, number = float("-inf"), 0
    for row in told["poses"]:
        number += row[0] - before_s > PASS_GAP_S
        before_s = row[0]
        at = passes.view(mission, row).camera_ship
        if np.linalg.norm(places - at.position_m, axis=1).min() > 0.8 * visibility + CELL_M:
            continue
        seen = seen_cells(cells, camera, at, 0.8 * visibility)
        for parcel, cell in enumerate(under):
            shown = seen.select(seen.index == cell)
            if len(shown.index):
                length = float(max(told["parcels"][parcel]["size_m"]))
                pod = model.of_look(
                    shown.range_m, shown.gsd_m, shown.incidence_rad, visibility, length, passes.SPEED_MPS
                )
                best[parcel][number] = max(best[parcel].get(number, 0.0), float(pod[0]))
    found, _ = passes.found_and_false(world, fixes, threshold)
    return [
        Trial(
            f"{world.parent.name}/{world.name}", float(max(parcel["size_m"])), visibility,
            _combined(list(pods.values()), model), hit,
        )
        for parcel, pods, hit in zip(told["parcels"], best, found, strict=True)
    ]  # fmt: skip


def _combined(pods: list[float], model: LookModel) -> float:
    return float(combined_pod(np.array(pods)[:, None], model.asymptote)[0]) if pods else 0.0


def of_survey(home: Path, result: Path) -> list[Trial]:
    """The parcels of a flown mission, by the coverage that its results state."""
    parcels = json.loads((home / "truth.json").read_text(encoding="utf-8"))["parcels"]
    findings = json.loads((result / "findings.json").read_text(encoding="utf-8"))["findings"]
    cells = json.loads((result / "coverage.json").read_text(encoding="utf-8"))["cells"]
    visibility = load_mission(result / "mission.yaml").file.conditions.visibility_m
    gap = np.linalg.norm(_places(parcels)[:, None] - _places(findings)[None], axis=2)
    rows, columns = linear_sum_assignment(np.where(gap <= FOUND_WITHIN_M, gap, 1e3))
    hit = {int(row) for row, column in zip(rows, columns, strict=True) if gap[row, column] <= FOUND_WITHIN_M}
    side, pod = np.array(cells["side"]), np.array(cells["pod"])
    hull = np.column_stack([cells["station_m"], cells["girth_m"]])
    trials = []
    for number, parcel in enumerate(parcels):
        away = np.abs(hull - [parcel["station_m"], parcel["girth_m"]]).max(axis=1)
        away[side != parcel["side"]] = np.inf
        nearest = int(np.argmin(away))
        expected = float(pod[nearest]) if away[nearest] <= CELL_M else 0.0
        trials.append(Trial(home.name, float(max(parcel["size_m"])), visibility, expected, number in hit))
    return trials


def _places(things: list[dict[str, list[float]]]) -> Array:
    return np.array([each["position_ship_m"] for each in things]).reshape(-1, 3)


def told(name: str, trials: list[Trial]) -> None:
    """A line for all, and one for each band of what was expected."""
    print(f"{name}: {len(trials)} parcels, {sum(t.expected for t in trials):.1f} expected, "
          f"{sum(t.found for t in trials)} found")  # fmt: skip
    for low, high in pairwise(BANDS):
        here = [t for t in trials if low <= t.expected < high]
        if here:
            print(f"  POD {low:.1f} to {high:.1f}: {len(here)} parcels, {sum(t.expected for t in here):.1f} expected, "
                  f"{sum(t.found for t in here)} found")  # fmt: skip


def main() -> None:
    """Count, tell, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passes", type=Path, nargs="*", default=[], help="folders of worlds")
    parser.add_argument("--surveys", type=Path, nargs="*", default=[], help="results of flown missions")
    parser.add_argument("--at", type=float, default=0.5, help="least score of a finding")
    parser.add_argument("--json", type=Path, help="every trial")
    parser.add_argument("--out", type=Path, help="the POD file")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    model = replace(shipped_pod_model(), trials=None)
    groups: dict[str, list[Trial]] = {}
    for root in asked.passes:
        for world in sorted(root.glob("[0-9][0-9][0-9]")):
            if (world / "passes.json").is_file():
                groups.setdefault(str(root.name), []).extend(of_passes(world, model, asked.at))
                print(world.name, file=sys.stderr, flush=True)
    for result in asked.surveys:
        groups.setdefault("flown", []).extend(of_survey(result.resolve().parent, result))
    trials = [each for group in groups.values() for each in group]
    for name, group in groups.items():
        told(name, group)
    found, expected = sum(t.found for t in trials), sum(t.expected for t in trials)
    bound = lower_bound(found, len(trials))
    print(f"together {len(trials)}: {expected:.1f} expected, {found} found; POD of one like them at least {bound:.3f}, "
          f"{bound * len(trials) / expected:.3f} of what is expected")  # fmt: skip
    if asked.json:
        asked.json.write_text(json.dumps([asdict(each) for each in trials], indent=1), encoding="utf-8")
    if asked.out and len(trials) >= LEAST_TRIALS:
        written = yaml.safe_load(asked.out.read_text(encoding="utf-8"))
        written |= {"model_sha256": load_detector(None).model_sha256, "min_score": asked.at, "trials": len(trials),
                    "found": found, "expected": round(expected, 1)}  # fmt: skip
        asked.out.write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")


if __name__ == "__main__":
    main()
