"""What the POD model expects of planted parcels, and how many are found: fits it, writes ``hullscan/search/pod.yaml``.

    python benchmarks/pod.py --passes DIR... --surveys DIR... [--held-out DIR...] [--json FILE] [--out pod.yaml]
    python benchmarks/pod.py --trials FILE [--held-out DIR...] [--out pod.yaml]

Each parcel counts once for a survey. Two kinds of surveys are counted:

- worlds that ``benchmarks/passes.py draw`` made: the camera is led along the lanes of a side, its poses are known;
- missions that were flown in the simulator (results with ``truth.json`` beside them), by their own navigation.

Of each parcel the looks at its cell are kept, pass by pass as the coverage counts them, and what the model expects of
them for the parcel's own length; ``pod_fit`` fits the model. Surveys that are held out take no part in the fit.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import passes
import yaml
from accuracy import seen_from
from pod_fit import FITTED, Trial, bootstrap, design_effect, expected, fit, profile_bounds
from pod_told import banded, told, told_by_size
from scipy.optimize import linear_sum_assignment

from hullscan.findings.geotag import camera_doubt
from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission, load_mission
from hullscan.search.cells import CELL_M, HullCells
from hullscan.search.doubt import share_of_places
from hullscan.search.looks import REACH_SHARE, SeenCells, seen_cells
from hullscan.search.pod_file import LEAST_TRIALS, shipped_pod_model
from hullscan.vision.card import operating_threshold
from hullscan.vision.runtime import DEFAULT_MODEL, load_detector
from hullscan.vision.trials import FOUND_WITHIN_M
from hullscan_sim.dataset import HEIGHT_PX, WIDTH_PX

PASS_GAP_S = 1.0  # a way to the next lane takes longer
NOWHERE_M = 2.5  # of the camera's place, one sigma: such looks count nothing (``findings.assess``)


class LooksAt:
    """Looks at the cells of parcels, by pass.

    Args:
        places_m: (n, 3) of the parcels, ship frame.
    """

    def __init__(self, cells: HullCells, places_m: Array) -> None:
        self._places_m = places_m
        self._cells = [int(np.argmin(np.linalg.norm(cells.points_m - place, axis=1))) for place in places_m]
        self._looks: list[dict[int, list[list[float]]]] = [{} for _ in self._cells]
        self._places: list[dict[int, np.uint64]] = [{} for _ in self._cells]

    def far(self, camera_m: Array, reach_m: float) -> bool:
        """Whether all parcels are out of reach."""
        return bool(np.linalg.norm(self._places_m - camera_m, axis=1).min() > reach_m + 2 * CELL_M)

    def add(self, seen: SeenCells, number: int, speed_mps: float) -> None:
        """Count one frame of a pass."""
        for parcel, cell in enumerate(self._cells):
            for at in np.flatnonzero(seen.index == cell):
                look = [seen.range_m[at], seen.gsd_m[at], seen.incidence_rad[at], speed_mps]
                self._looks[parcel].setdefault(number, []).append([round(float(value), 5) for value in look])
                before = self._places[parcel].get(number, np.uint64(0))
                self._places[parcel][number] = before | seen.places[at]

    def passes_of(self, parcel: int) -> tuple[tuple[float, list[list[float]]], ...]:
        """Of each pass the chance that it showed the cell, and its looks."""
        sure = {number: share_of_places(np.array([bits])) for number, bits in self._places[parcel].items()}
        return tuple((float(sure[number][0]), looks) for number, looks in self._looks[parcel].items())


def of_passes(world: Path, threshold: float) -> list[Trial]:
    """The parcels of a drawn world."""
    fixes, _ = passes.fixes_of(world, load_detector(None))
    mission = load_mission(world / "mission.yaml")
    told = json.loads((world / "passes.json").read_text(encoding="utf-8"))
    cells, reach = HullCells(mission.hull), REACH_SHARE * mission.file.conditions.visibility_m
    looks = LooksAt(cells, _places(told["parcels"]))
    camera = mission.vehicle.camera.resized(WIDTH_PX, HEIGHT_PX)
    before_s, number = float("-inf"), 0
    for row in told["poses"]:
        number += row[0] - before_s > PASS_GAP_S
        before_s = row[0]
        at = passes.view(mission, row).camera_ship
        if not looks.far(at.position_m, reach):
            looks.add(seen_cells(cells, camera, at, reach), number, passes.SPEED_MPS)
    found, _ = passes.found_and_false(world, fixes, threshold)
    return _trials(world.parent.name, f"{world.parent.name}/{world.name}", mission, told["parcels"], looks, found)


def of_survey(result: Path, threshold: float, source: str = "flown") -> list[Trial]:
    """The parcels of a flown mission; its findings must be those of this threshold or of a lower one."""
    mission = load_mission(result / "mission.yaml")
    parcels = json.loads((result.parent / "truth.json").read_text(encoding="utf-8"))["parcels"]
    findings = json.loads((result / "findings.json").read_text(encoding="utf-8"))["findings"]
    place = _places([each for each in findings if each["label"] == "parcel" and each["score"] >= threshold])
    gap = np.linalg.norm(_places(parcels)[:, None] - place[None], axis=2)
    rows, columns = linear_sum_assignment(np.where(gap <= FOUND_WITHIN_M, gap, 1e3))
    hit = {int(row) for row, column in zip(rows, columns, strict=True) if gap[row, column] <= FOUND_WITHIN_M}
    views, examined, _, _ = seen_from(result, mission.vehicle)
    cells, reach = HullCells(mission.hull), REACH_SHARE * mission.file.conditions.visibility_m
    looks = LooksAt(cells, _places(parcels))
    for look in examined:
        view = None if look.suspect else views.at(look.utc_s)
        if view is None or looks.far(view.camera_ship.position_m, reach):
            continue
        doubt = camera_doubt(view)
        if doubt.sigma_m <= NOWHERE_M:
            seen = seen_cells(cells, mission.vehicle.camera, view.camera_ship, reach, doubt=doubt)
            looks.add(seen, look.leg, view.speed_mps)
    home = result.parent
    found = [number in hit for number in range(len(parcels))]
    return _trials(source, f"{home.parent.name}/{home.name}", mission, parcels, looks, found)


def _trials(
    source: str, survey: str, mission: Mission, parcels: list[dict[str, list[float]]], looks: LooksAt, found: list[bool]
) -> list[Trial]:
    visibility_m = mission.file.conditions.visibility_m
    return [
        Trial(source, survey, float(max(parcel["size_m"])), visibility_m, hit, looks.passes_of(number))
        for number, (parcel, hit) in enumerate(zip(parcels, found, strict=True))
    ]


def _places(things: list[dict[str, list[float]]]) -> Array:
    return np.array([each["position_ship_m"] for each in things]).reshape(-1, 3)


def counted(asked: argparse.Namespace) -> list[Trial]:
    """The trials of all worlds and missions."""
    if asked.trials:
        return [Trial(**each) for each in json.loads(asked.trials.read_text(encoding="utf-8"))]
    trials = []
    for root in asked.passes:
        for world in sorted(root.glob("[0-9][0-9][0-9]")):
            if (world / "passes.json").is_file():
                trials += of_passes(world, asked.at)
                print(world, file=sys.stderr, flush=True)
    for result in asked.surveys:
        trials += of_survey(result.resolve(), asked.at)
        print(result, file=sys.stderr, flush=True)
    return trials


def main() -> None:
    """Count, fit, tell, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passes", type=Path, nargs="*", default=[], help="folders of worlds")
    parser.add_argument("--surveys", type=Path, nargs="*", default=[], help="results of flown missions")
    parser.add_argument("--trials", type=Path, help="trials that were counted before, instead of both")
    parser.add_argument("--held-out", type=Path, nargs="*", default=[], help="results that are not fitted to")
    parser.add_argument("--at", type=float, default=operating_threshold(DEFAULT_MODEL), help="least score of a finding")
    parser.add_argument("--json", type=Path, help="every trial with its looks")
    parser.add_argument("--out", type=Path, help="the POD file")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    trials = counted(asked)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(each) for each in trials]), encoding="utf-8")
    before = replace(shipped_pod_model(), trials=None)
    told("as shipped", trials, expected(trials, before))
    model = fit(trials, before)
    bounds = profile_bounds(trials, model)
    each = expected(trials, model)
    told("fitted", trials, each)
    told_by_size(trials, each)
    for name, (low, high) in bounds.items():
        print(f"{name}: {getattr(model, name):.4g}, profile likelihood 90 %: {low:.4g} to {high:.4g}")
    print(f"design effect of surveys: {design_effect(trials, each):.2f}")
    bootstrap(trials, model)
    held = [trial for result in asked.held_out for trial in of_survey(result.resolve(), asked.at, "held out")]
    if held:
        told("held out", held, expected(held, model))
    if asked.out and len(trials) >= LEAST_TRIALS:
        written = yaml.safe_load(asked.out.read_text(encoding="utf-8"))
        written |= {
            "model_sha256": load_detector(None).model_sha256, "min_score": asked.at, "trials": len(trials),
            "found": sum(trial.found for trial in trials), "expected": round(float(each.sum()), 1),
            "surveys": len({trial.survey for trial in trials}),
            "design_effect": round(max(1.0, design_effect(trials, each)), 2), "bands": banded(trials, each),
            **{name: float(f"{getattr(model, name):.3g}") for name in FITTED},
            "bounds": {name: [float(f"{end:.3g}") for end in ends] for name, ends in bounds.items()},
        }  # fmt: skip
        asked.out.write_text(yaml.safe_dump(written, sort_keys=False, default_flow_style=None), encoding="utf-8")


if __name__ == "__main__":
    main()
