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
from hullscan.vision.detections import Detector

__all__ = ["THRESHOLDS", "OperatingPoint", "ScoredFrames", "score_frames"]

MIN_IOU = 0.3
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
        frames: number of frames.
        found: (objects,) best score of a detection on each object, 0 for none.
        height_px: (objects,) the shorter side of each object's box.
        false: (n,) score of each false box.
        false_frame: (n,) the frame that it is in.
    """

    frames: int
    found: Array
    height_px: Array
    false: Array
    false_frame: npt.NDArray[np.int64]

    def at(self, threshold: float, shorter_side_px: tuple[float, float] = (0.0, np.inf)) -> OperatingPoint:
        """Counts at a threshold, of objects whose shorter side lies in a range."""
        some = (self.height_px >= shorter_side_px[0]) & (self.height_px < shorter_side_px[1])
        above = self.false >= threshold
        return OperatingPoint(
            threshold,
            float((self.found[some] >= threshold).mean()) if some.any() else float("nan"),
            float(above.sum() / self.frames),
            float(len(np.unique(self.false_frame[above])) / self.frames),
        )


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
    found: list[float] = []
    sides: list[float] = []
    false: list[tuple[float, int]] = []
    frames = list(_frames(data, split, label))
    for number, (path, boxes, ignore) in enumerate(frames):
        image = cv2.imread(str(path))
        if image is None:
            raise InputError(f"cannot read {path}", todo="make the data set again")
        detections = detector.detect(np.asarray(image, dtype=np.uint8))
        wanted = np.array([detections.label_of(i) == label for i in range(len(detections))], dtype=bool)
        theirs, scores = detections.boxes_xyxy_px[wanted], detections.scores[wanted]
        overlap = _iou(theirs, boxes)
        hit = overlap >= MIN_IOU
        for j in np.flatnonzero(~ignore):
            found.append(float(scores[hit[:, j]].max(initial=0.0)))
            sides.append(float((boxes[j, 2:] - boxes[j, :2]).min()))
        stray = ~hit.any(axis=1) & ~(_inside(theirs, boxes[ignore]) >= 0.5).any(axis=1)
        false += [(float(score), number) for score in scores[stray]]
        progress(f"detecting in {split}", number + 1, len(frames))
    return ScoredFrames(
        len(frames),
        np.array(found),
        np.array(sides),
        np.array([score for score, _ in false]),
        np.array([frame for _, frame in false], dtype=np.int64),
    )


def _frames(data: Path, split: str, label: str) -> Iterator[tuple[Path, Array, npt.NDArray[np.bool_]]]:
    """(picture, boxes (n, 4) of the label, which of them are to be ignored) for each frame."""
    path = data / "annotations" / f"{split}.json"
    try:
        coco: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        category = next(each["id"] for each in coco["categories"] if each["name"] == label)
    except (OSError, ValueError, KeyError, StopIteration) as error:
        raise InputError(f"no labelled split at {path}", todo="make one with hullscan dataset") from error
    boxes: dict[int, list[tuple[list[float], bool]]] = {}
    for each in coco["annotations"]:
        if each["category_id"] == category:
            boxes.setdefault(each["image_id"], []).append((each["bbox"], bool(each["iscrowd"])))
    for image in coco["images"]:
        mine = boxes.get(image["id"], [])
        xywh = np.array([box for box, _ in mine], dtype=float).reshape(-1, 4)
        xywh[:, 2:] += xywh[:, :2]
        ignore = np.array([skip for _, skip in mine], dtype=bool)
        yield data / "images" / split / image["file_name"], xywh, ignore


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
