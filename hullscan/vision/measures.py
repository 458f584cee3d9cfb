"""Figures that a detector is judged by: recall at fixed rates of false boxes, by what is known of each object.

Bounds are Clopper and Pearson's (Biometrika 1934), 95 % two-sided. Objects of one ship are not independent, so a bound
over frames is an optimistic one; the unit of a claim is a parcel in a survey (``trials``). Of so few objects that even
a perfect result would not bound recall by ``CLAIM_POD`` no lower bound is told; frames so few that not even none with a
false box would show so low a rate of them make no operating point of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from hullscan.errors import InputError
from hullscan.vision.average_precision import average_precision
from hullscan.vision.card import operating_threshold
from hullscan.vision.detections import Detections, Detector
from hullscan.vision.drift import WatchedDetector
from hullscan.vision.evaluation import ScoredFrames, score_labels
from hullscan.vision.plots import frame_plots
from hullscan.vision.runtime import DEFAULT_MODEL, load_detector
from hullscan.vision.sheets import contact_sheets
from hullscan.vision.trials import CLAIM_POD, CONFIDENCE, upper_bound

__all__ = ["BANDS", "FALSE_PER_FRAME", "bounds_of", "evaluate_model", "evaluation_result"]

FALSE_PER_FRAME = (0.01, 0.1, 1.0)
_END = float("inf")
BANDS: dict[str, tuple[float, ...]] = {
    "shorter_side_px": (0, 24, 32, 96, _END),
    "contrast": (0, 5, 10, 20, _END),
    "range_m": (0, 1, 1.5, 2, _END),
    "incidence_deg": (0, 30, 60, 91),
    "hidden_share": (0, 0.1, 0.3, 0.6, 1.01),
    "size_m": (0, 0.3, 0.6, _END),
}
"""Limits of the bands that recall is told by; COCO's sizes, and below 24 px and over 60 % hidden apart."""


def bounds_of(hits: int, of: int) -> tuple[float | None, float | None]:
    """95 % bounds of a share; the lower is None of too few for a claim, the upper of none."""
    if of == 0:
        return None, None
    best, bounds = (binomtest(each, of).proportion_ci(CONFIDENCE, method="exact") for each in (of, hits))
    return round(float(bounds.low), 4) if best.low >= CLAIM_POD else None, round(float(bounds.high), 4)


def evaluation_result(scored: dict[str, ScoredFrames], label: str, threshold: float) -> dict[str, Any]:
    """Everything that is told of a detector on one split, as plain data.

    Args:
        scored: by label.
        label: whose operating points are told.
        threshold: that the detector is run at; the bands and the other labels are told at it.
    """
    frames = scored[label]
    enough = [rate for rate in FALSE_PER_FRAME if frames.frames * rate >= upper_bound(0)]
    return {
        "schema": "hullscan.evaluation/1",
        "label": label,
        "frames": frames.frames,
        "at_the_threshold": _point(frames, threshold),
        "at_false_per_frame": {str(rate): _point(frames, frames.threshold_for(rate)) for rate in enough},
        "bands": {fact: _bands(frames, fact, threshold) for fact in BANDS},
        "labels": {name: _point(each, threshold) for name, each in scored.items()},
    }


class _Keeping:
    """A detector that keeps what it found, frame by frame."""

    def __init__(self, detector: Detector) -> None:
        self._detector, self.found = detector, list[Detections]()
        self.names, self.model_sha256, self.runs_on = detector.names, detector.model_sha256, detector.runs_on

    def detect(self, image_bgr: npt.NDArray[np.uint8]) -> Detections:
        self.found.append(self._detector.detect(image_bgr))
        return self.found[-1]


def evaluate_model(
    data: Path,
    split: str,
    model: Path | None,
    json_file: Path | None = None,
    sheets: Path | None = None,
    progress: Callable[[str, int, int], None] = lambda what, done, of: None,
) -> ScoredFrames:
    """Run a model over a split; write what is measured, its curves beside it, and contact sheets, where asked for.

    Args:
        data: folder of the data set.
        model: ours by default.

    Returns:
        Parcels, scored.

    Raises:
        InputError: the data set is not one of ours, or a file cannot be written.
    """
    kept = _Keeping(load_detector(model, threads=2))
    detector = WatchedDetector(kept)
    scored = score_labels(detector, data, split, detector.names, progress)
    threshold = operating_threshold(model or DEFAULT_MODEL)
    if json_file is not None:
        result = evaluation_result(scored, "parcel", threshold)
        content = result | {"data": data.name, "split": split, "model_sha256": detector.model_sha256}
        content |= {"runs_on": detector.runs_on}
        content |= {
            "inputs": {"ranges": detector.ranges()},
            "average_precision": average_precision(data / "annotations" / f"{split}.json", kept.found),
        }
        try:
            json_file.write_text(json.dumps(content, indent=1), encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot write {json_file}: {error.strerror}") from error
        frame_plots(scored["parcel"], "parcel", threshold, json_file.with_suffix(".png"))
    if sheets is not None:
        contact_sheets(scored["parcel"], threshold, sheets)
    return scored["parcel"]


def _point(scored: ScoredFrames, threshold: float) -> dict[str, Any]:
    above = scored.false >= threshold
    return {
        "threshold": round(threshold, 4),
        **_recall(scored.found, threshold),
        "false_boxes": int(above.sum()),
        "false_per_frame": round(float(above.sum() / scored.frames), 4) if scored.frames else None,
        "false_per_frame_upper": round(upper_bound(int(above.sum())) / scored.frames, 4) if scored.frames else None,
    }


def _recall(found: npt.NDArray[np.float64], threshold: float) -> dict[str, Any]:
    hits, of = int((found >= threshold).sum()), len(found)
    lower, upper = bounds_of(hits, of)
    recall = round(hits / of, 4) if of else None
    return {"objects": of, "found": hits, "recall": recall, "lower": lower, "upper": upper}


def _bands(scored: ScoredFrames, fact: str, threshold: float) -> list[dict[str, Any]]:
    """Recall by ranges of a fact; empty where the data set does not know it."""
    if np.isnan(scored.facts[fact]).all():
        return []
    limits = BANDS[fact]
    return [
        {
            "from": low,
            "to": None if high == _END else high,
            **_recall(scored.found[scored.between(fact, low, high)], threshold),
        }
        for low, high in pairwise(limits)
    ]
