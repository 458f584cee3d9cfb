"""Mean average precision as COCO defines it, by a standard evaluator, over all labels; needs the extra ``train``."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

from hullscan.vision.detections import Detections

__all__ = ["average_precision"]


def average_precision(annotations: Path, found: list[Detections]) -> dict[str, float] | None:
    """mAP50-95 and mAP50 over the labels that occur; None without the evaluator.

    Args:
        annotations: of a split, in COCO's form; its crowds are neither missed nor false.
        found: detections in the order of its images.
    """
    try:
        from faster_coco_eval import COCO, COCOeval_faster
    except ImportError:
        return None
    truth = json.loads(annotations.read_text(encoding="utf-8"))
    numbers = {each["name"]: each["id"] for each in truth["categories"]}
    results: list[dict[str, Any]] = []
    for image, detections in zip(truth["images"], found, strict=True):
        for index, (x0, y0, x1, y1) in enumerate(detections.boxes_xyxy_px.tolist()):
            if (label := detections.label_of(index)) in numbers:
                results.append(
                    {"image_id": image["id"], "category_id": numbers[label], "bbox": [x0, y0, x1 - x0, y1 - y0],
                     "score": float(detections.scores[index])}
                )  # fmt: skip
    if not results:
        return {"map50_95": 0.0, "map50": 0.0}
    with contextlib.redirect_stdout(io.StringIO()):  # it prints a table of its own
        known = COCO(truth)
        scored = COCOeval_faster(known, known.loadRes(results), iouType="bbox")
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
    return {"map50_95": round(float(scored.stats[0]), 4), "map50": round(float(scored.stats[1]), 4)}
