"""Trials: what became of the parcels planted in simulated missions, as probability of detection with its bound.

The unit is a parcel per survey, never a frame: looks at one parcel in one survey are not independent. A parcel counts
where its place was to be searched; it is found when a finding lies within half a metre of it, each finding serving one
parcel only. Bounds are one-sided at 95 %: Clopper and Pearson 1934 for shares, Garwood 1936 for counts. A band with so
few parcels that even a perfect result would not support ``CLAIM_POD`` makes no claim. What lay on the hull is told by
``truth.json`` beside a mission folder, as the simulator writes it, or by hand for parcels planted on a real ship:
``{"parcels": [{"kind", "size_m", "side", "station_m", "girth_m", "position_ship_m"}]}``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy.optimize import linear_sum_assignment
from scipy.stats import binomtest, chi2

from hullscan.errors import InputError
from hullscan.vision.plots import survey_plots
from hullscan.vision.pod_curve import fit_pod_curve

__all__ = [
    "CLAIM_POD",
    "CONFIDENCE",
    "FOUND_WITHIN_M",
    "Band",
    "Span",
    "Survey",
    "Trial",
    "evaluate_missions",
    "lower_bound",
    "mission_folders",
    "read_survey",
    "score_surveys",
    "upper_bound",
]

CONFIDENCE = 0.95
CLAIM_POD = 0.90
FOUND_WITHIN_M = 0.5
_CELL_M = 0.25
Span = tuple[float, float | None]
"""From, and to (exclusive); None is no end, as JSON knows no infinity."""
SIZE_BANDS_M: tuple[Span, ...] = ((0.0, 0.3), (0.3, 0.6), (0.6, None))
VISIBILITY_BANDS_M: tuple[Span, ...] = ((0.0, 2.0), (2.0, 3.5), (3.5, None))


@dataclass(frozen=True, slots=True)
class Trial:
    """One parcel in one survey.

    Attributes:
        length_m: its longest side.
        error_m: of the finding's place in the ship frame; None where it was missed.
        radius95_m: what the finding states.
        size_error: of the finding's size, as a share of the parcel's length.
    """

    kind: str
    length_m: float
    visibility_m: float
    found: bool
    score: float | None = None
    error_m: float | None = None
    radius95_m: float | None = None
    size_error: float | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """One mission folder against the truth.

    Attributes:
        false: scores of findings of parcels where none lies.
        contacts: of the vehicle with the hull; None where the truth does not tell.
        not_asked: parcels that lie where nothing was to be searched.
        read_by: hash of the model and least score of a finding.
    """

    folder: str
    trials: tuple[Trial, ...]
    false: tuple[float, ...]
    seen_area_m2: float
    contacts: int | None
    not_asked: int
    read_by: tuple[str, float]


@dataclass(frozen=True, slots=True)
class Band:
    """POD of the parcels of one range of lengths and visibilities.

    Attributes:
        pod_lower: one-sided 95 % bound; None where there are too few parcels for any claim.
    """

    length_m: Span
    visibility_m: Span
    parcels: int
    found: int
    pod: float | None
    pod_lower: float | None


def lower_bound(found: int, parcels: int) -> float:
    """One-sided 95 % lower bound of a share."""
    return float(binomtest(found, parcels, alternative="greater").proportion_ci(CONFIDENCE, method="exact").low)


def upper_bound(count: int) -> float:
    """One-sided 95 % upper bound of the mean behind a count."""
    return float(chi2.ppf(CONFIDENCE, 2 * count + 2) / 2)


def evaluate_missions(paths: list[Path], json_file: Path | None = None) -> dict[str, Any]:
    """Score mission folders, or all that lie in a folder of them; write everything, and its curves, where asked for.

    Raises:
        InputError: as ``mission_folders``, ``read_survey`` and ``score_surveys``, or the file cannot be written.
    """
    scored = score_surveys([read_survey(folder) for folder in mission_folders(paths)])
    if json_file is not None:
        try:
            json_file.write_text(json.dumps(scored, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot write {json_file}: {error.strerror}") from error
        survey_plots(scored, json_file.with_suffix(".png"))
    return scored


def mission_folders(paths: list[Path]) -> list[Path]:
    """Those that are given and those that lie anywhere in a folder given, by name.

    Raises:
        InputError: there are none, or two tell of the same flight: its parcels would count twice.
    """
    folders = []
    for path in paths:
        found = [path] if (path / "findings.json").is_file() else [file.parent for file in path.rglob("findings.json")]
        if not found:
            raise InputError("no findings.json", where=str(path), todo="give finished mission folders")
        folders += sorted(found)
    by_truth: dict[Path, Path] = {}
    for folder in folders:
        other = by_truth.setdefault(_truth_of(folder).resolve(), folder)
        if other is not folder:
            raise InputError(f"{folder} and {other} tell of one flight", todo="name the mission folders that are meant")
    return folders


def _truth_of(folder: Path) -> Path:
    inside = folder / "truth.json"
    return inside if inside.is_file() else folder.parent / "truth.json"


def read_survey(folder: Path) -> Survey:
    """Match a mission folder's findings with the truth written beside it (or in it).

    Raises:
        InputError: one of its files is missing or not what it should be.
    """
    truth, summary, coverage = _read(_truth_of(folder)), _read(folder / "summary.json"), _read(folder / "coverage.json")
    findings = _read(folder / "findings.json")
    try:
        visibility_m = float(yaml.safe_load(_text(folder / "mission.yaml"))["conditions"]["visibility_m"])
        return _matched(folder.name, truth, summary, coverage, findings["findings"], visibility_m)
    except (KeyError, TypeError, ValueError, IndexError, yaml.YAMLError) as error:
        why = f"{type(error).__name__} {' '.join(str(error).split())}"
        raise InputError(
            f"files of a mission that do not fit each other: {why}", where=str(folder),
            todo="run hullscan analyze, and see that truth.json is of this flight",
        ) from error  # fmt: skip


def _matched(
    name: str, truth: Any, summary: Any, coverage: Any, everything: list[dict[str, Any]], visibility_m: float
) -> Survey:
    findings = [each for each in everything if each["label"] == "parcel"]
    place = np.array([each["position_ship_m"] for each in findings]).reshape(-1, 3)
    goal = np.array([each["position_ship_m"] for each in truth["parcels"]]).reshape(-1, 3)
    gap = np.linalg.norm(place[:, None] - goal[None], axis=2)
    rows, columns = linear_sum_assignment(np.where(gap <= FOUND_WITHIN_M, gap, 1e3))
    matched = {int(c): int(r) for r, c in zip(rows, columns, strict=True) if gap[r, c] <= FOUND_WITHIN_M}
    trials = []
    for index, parcel in enumerate(truth["parcels"]):
        if not _was_asked(parcel, coverage["cells"]):
            continue
        length, common = max(parcel["size_m"]), (parcel["kind"], max(parcel["size_m"]), visibility_m)
        if index not in matched:
            trials.append(Trial(*common, found=False))
            continue
        finding = findings[matched[index]]
        error = float(gap[matched[index], index])
        trials.append(
            Trial(*common, True, finding["score"], error, finding["radius95_m"], finding["size_m"] / length - 1)
        )
    # a second finding of a parcel that has one already is false too: a reader has to look at it
    false = tuple(each["score"] for number, each in enumerate(findings) if number not in matched.values())
    return Survey(
        name, tuple(trials), false, float(coverage["seen_area_m2"]), truth.get("contacts"),
        len(truth["parcels"]) - len(trials), (str(summary["model_sha256"]), float(summary["rules"]["min_score"])),
    )  # fmt: skip


def _was_asked(parcel: dict[str, Any], cells: dict[str, Any]) -> bool:
    near = (np.abs(np.array(cells["station_m"]) - parcel["station_m"]) <= _CELL_M / 2) & (
        np.abs(np.array(cells["girth_m"]) - parcel["girth_m"]) <= _CELL_M / 2
    )
    return bool((near & (np.array(cells["side"]) == parcel["side"]) & np.array(cells["planned"])).any())


def score_surveys(surveys: list[Survey]) -> dict[str, Any]:
    """POD by band, false findings for each 1,000 m2 and errors of place over many surveys, as plain data.

    Raises:
        InputError: nothing to score, or what several detectors found.
    """
    trials = [trial for survey in surveys for trial in survey.trials]
    if not trials:
        raise InputError("no planted parcel in these missions", todo="fly scenarios that have parcels")
    if len(detectors := sorted({survey.read_by for survey in surveys})) > 1:
        named = ", ".join(f"{model[:12]} from {least:g} on" for model, least in detectors)
        raise InputError(f"these missions were read by several detectors: {named}", todo="evaluate them apart")
    model_sha256, min_score = detectors[0]
    area = sum(survey.seen_area_m2 for survey in surveys)
    false = sum(len(survey.false) for survey in surveys)
    errors = np.array([trial.error_m for trial in trials if trial.error_m is not None])
    inside = [
        trial.error_m <= trial.radius95_m
        for trial in trials
        if trial.error_m is not None and trial.radius95_m is not None
    ]
    sizes = np.array([trial.size_error for trial in trials if trial.size_error is not None])
    everything: Span = (0.0, None)
    lengths, found = np.array([trial.length_m for trial in trials]), np.array([trial.found for trial in trials])
    curve = fit_pod_curve(lengths, found)
    return {
        "schema": "hullscan.trials/1",
        "model_sha256": model_sha256,
        "min_score": min_score,
        "surveys": len(surveys),
        "seen_area_m2": round(area, 1),
        "all": asdict(_band(trials, everything, everything)),
        "bands": [asdict(_band(trials, length, sight)) for length in SIZE_BANDS_M for sight in VISIBILITY_BANDS_M],
        "curve": None if curve is None else asdict(curve),
        "by_kind": {kind: _counts([t for t in trials if t.kind == kind]) for kind in sorted({t.kind for t in trials})},
        "false_findings": false,
        "false_per_1000_m2": round(1000 * false / area, 2) if area > 0 else None,
        "false_per_1000_m2_upper": round(1000 * upper_bound(false) / area, 2) if area > 0 else None,
        "place_error_m": {
            "median": round(float(np.median(errors)), 3) if len(errors) else None,
            "p95": round(float(np.percentile(errors, 95)), 3) if len(errors) else None,
            "inside_radius95": round(float(np.mean(inside)), 3) if inside else None,
        },
        "size_error_median": round(float(np.median(np.abs(sizes))), 3) if len(sizes) else None,
        "contacts": None if None in (told := [survey.contacts for survey in surveys]) else sum(told),
        "parcels_not_asked_for": sum(survey.not_asked for survey in surveys),
        "missions": [asdict(survey) for survey in surveys],
    }


def _band(trials: list[Trial], length_m: Span, visibility_m: Span) -> Band:
    some = [trial for trial in trials if _in(trial.length_m, length_m) and _in(trial.visibility_m, visibility_m)]
    parcels, found = _counts(some)
    enough = parcels > 0 and lower_bound(parcels, parcels) >= CLAIM_POD
    return Band(
        length_m,
        visibility_m,
        parcels,
        found,
        round(found / parcels, 3) if parcels else None,
        round(lower_bound(found, parcels), 3) if enough else None,
    )


def _in(value: float, span: Span) -> bool:
    return span[0] <= value and (span[1] is None or value < span[1])


def _counts(trials: list[Trial]) -> tuple[int, int]:
    return len(trials), sum(trial.found for trial in trials)


def _read(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except ValueError as error:
        raise InputError(f"{path.name} is no JSON", where=str(path.parent), todo="run hullscan analyze") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"no {path.name}", where=str(path.parent), todo="give a finished mission folder") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
