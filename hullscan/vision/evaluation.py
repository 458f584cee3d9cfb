"""What a detector finds and what it cries out at, on frames with known boxes.

A parcel counts as found when a detection of its label overlaps it by an intersection over union of at least 0.3: the
finding is placed by the box's centre, so a tighter fit buys nothing. Boxes marked ``ignore`` (too small, too faint, cut
off) are neither missed nor false. The counting is that of Dollár et al., Pedestrian Detection, PAMI 2012.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.vision.detections import Detections, Detector

__all__ = ["FACTS", "THRESHOLDS", "OperatingPoint", "ScoredFrames", "score_frames", "score_labels"]

MIN_IOU = 0.3
FACTS = ("shorter_side_px", "contrast", "range_m", "incidence_deg", "hidden_share", "size_m")
"""What may be known of an object in a frame; nan where the data set does not say."""
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(3, 17))


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What one threshold gives.

    Attributes:
        recall: share of the objects that are found.
        false_per_frame: false boxes for each frame.
        false_frames: share of the frames with at least one false box.
    """

    threshold: float
    recall: float
    false_per_frame: float
    false_frames: float


@dataclass(frozen=True, slots=True)
class ScoredFrames:
    """Every object and every false box of a split, by score.

    Attributes:
        pictures: of the frames.
        found: (objects,) best score of a detection on each object, 0 for none.
        found_frame: (objects,) the frame that it is in.
        boxes_xyxy_px: (objects, 4) where it is.
        facts: (objects,) of each of ``FACTS``.
        false: (n,) score of each false box.
        false_frame: (n,) the frame that it is in.
        false_xyxy_px: (n, 4) where it is.
    """

    pictures: tuple[Path, ...]
    found: Array
    found_frame: npt.NDArray[np.int64]
    boxes_xyxy_px: Array
    facts: dict[str, Array]
    false: Array
    false_frame: npt.NDArray[np.int64]
    false_xyxy_px: Array

    @property
    def frames(self) -> int:
        """Their number."""
        return len(self.pictures)

    def between(self, fact: str, low: float, high: float) -> npt.NDArray[np.bool_]:
        """(objects,) which of them have a fact in a range; the upper end is not in it."""
        return np.asarray((self.facts[fact] >= low) & (self.facts[fact] < high))

    def at(self, threshold: float, chosen: npt.NDArray[np.bool_] | None = None) -> OperatingPoint:
        """Counts at a threshold, of all objects or of some."""
        found = self.found if chosen is None else self.found[chosen]
        above = self.false >= threshold
        return OperatingPoint(
            threshold,
            float((found >= threshold).mean()) if len(found) else float("nan"),
            float(above.sum() / self.frames),
            float(len(np.unique(self.false_frame[above])) / self.frames),
        )

    def threshold_for(self, false_per_frame: float) -> float:
        """The lowest threshold with no more false boxes in a frame than that."""
        allowed = int(false_per_frame * self.frames + 1e-9)
        falling = np.sort(self.false)[::-1]
        # never 0: what was not found at all scores that
        return float(np.nextafter(falling[allowed] if len(falling) > allowed else 0.0, 1.0))


def score_frames(
    detector: Detector,
    data: Path,
    split: str,
    label: str = "parcel",
    progress: Callable[[str, int, int], None] = lambda what, done, of: None,
) -> ScoredFrames:
    """Run a detector over a split of a data set (``images/SPLIT`` with ``annotations/SPLIT.json`` in COCO's form).

    Args:
        data: folder of the data set.
        label: the label that is counted; detections of other labels are not.

    Raises:
        InputError: the data set is not one of ours.
    """
    return score_labels(detector, data, split, (label,), progress)[label]


def score_labels(
    detector: Detector,
    data: Path,
    split: str,
    labels: tuple[str, ...],
    progress: Callable[[str, int, int], None] = lambda what, done, of: None,
) -> dict[str, ScoredFrames]:
    """The same for several labels at once, each frame being examined once."""
    frames = list(_frames(data, split, labels))
    tallies = {label: _Tally() for label in labels}
    for number, (path, truth) in enumerate(frames):
        image = cv2.imread(str(path))
        if image is None:
            raise InputError(f"cannot read {path}", todo="make the data set again")
        detections = detector.detect(np.asarray(image, dtype=np.uint8))
        named = np.array([detections.label_of(i) for i in range(len(detections))], dtype=object)
        for label, tally in tallies.items():
            tally.take(number, detections.select(np.asarray(named == label, dtype=bool)), truth[label])
        progress(f"detecting in {split}", number + 1, len(frames))
    return {label: tally.scored(tuple(path for path, _ in frames)) for label, tally in tallies.items()}


@dataclass(frozen=True, slots=True)
class _Truth:
    """Boxes (n, 4) of a label in a frame, which of them are to be ignored, and their facts."""

    boxes: Array
    ignore: npt.NDArray[np.bool_]
    facts: list[dict[str, float]]


class _Tally:
    """Counts of one label."""

    def __init__(self) -> None:
        self.objects: list[tuple[float, int, Array, dict[str, float]]] = []
        self.strays: list[tuple[float, int, Array]] = []

    def take(self, number: int, detections: Detections, truth: _Truth) -> None:
        theirs, scores = detections.boxes_xyxy_px, detections.scores
        hit = _iou(theirs, truth.boxes) >= MIN_IOU
        for j in np.flatnonzero(~truth.ignore):
            self.objects.append((float(scores[hit[:, j]].max(initial=0.0)), number, truth.boxes[j], truth.facts[j]))
        stray = ~hit.any(axis=1) & ~(_inside(theirs, truth.boxes[truth.ignore]) >= 0.5).any(axis=1)
        self.strays += [(float(scores[i]), number, theirs[i]) for i in np.flatnonzero(stray)]

    def scored(self, pictures: tuple[Path, ...]) -> ScoredFrames:
        return ScoredFrames(
            pictures,
            np.array([score for score, *_ in self.objects]),
            np.array([frame for _, frame, *_ in self.objects], dtype=np.int64),
            np.array([box for _, _, box, _ in self.objects], dtype=np.float64).reshape(-1, 4),
            {fact: np.array([facts.get(fact, np.nan) for *_, facts in self.objects]) for fact in FACTS},
            np.array([score for score, *_ in self.strays]),
            np.array([frame for _, frame, _ in self.strays], dtype=np.int64),
            np.array([box for *_, box in self.strays], dtype=np.float64).reshape(-1, 4),
        )


def _frames(data: Path, split: str, labels: tuple[str, ...]) -> Iterator[tuple[Path, dict[str, _Truth]]]:
    """Picture and truth by label, for each frame."""
    path = data / "annotations" / f"{split}.json"
    try:
        coco: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        numbers = {each["name"]: each["id"] for each in coco["categories"]}
        categories = {label: numbers[label] for label in labels}
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"no labelled split at {path}", todo="make one with hullscan dataset") from error
    known: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for each in coco["annotations"]:
        known.setdefault((each["image_id"], each["category_id"]), []).append(each)
    for image in coco["images"]:
        truth = {label: _truth(known.get((image["id"], number), [])) for label, number in categories.items()}
        yield data / "images" / split / image["file_name"], truth


def _truth(annotations: list[dict[str, Any]]) -> _Truth:
    boxes = np.array([each["bbox"] for each in annotations], dtype=float).reshape(-1, 4)
    facts = [
        {"shorter_side_px": float(min(each["bbox"][2:]))} | {fact: float(each[fact]) for fact in FACTS if fact in each}
        for each in annotations
    ]
    boxes[:, 2:] += boxes[:, :2]
    return _Truth(boxes, np.array([bool(each["iscrowd"]) for each in annotations], dtype=bool), facts)


def _intersection(a: Array, b: Array) -> Array:
    """(n, m) areas shared by boxes (n, 4) and (m, 4)."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared: Array = np.prod(np.clip(high - low, 0, None), axis=2)
    return shared


def _area(boxes: Array) -> Array:
    area: Array = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return area


def _iou(a: Array, b: Array) -> Array:
    shared = _intersection(a, b)
    ratio: Array = shared / np.maximum(_area(a)[:, None] + _area(b)[None] - shared, 1e-9)
    return ratio


def _inside(a: Array, b: Array) -> Array:
    """(n, m) share of each box of ``a`` that lies in each of ``b``."""
    share: Array = _intersection(a, b) / np.maximum(_area(a)[:, None], 1e-9)
    return share
