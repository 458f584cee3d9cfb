"""The detector alone, on pictures: one record for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hullscan.errors import InputError
from hullscan.vision.detections import BatchDetector

__all__ = ["detect_pictures", "pictures_in", "read_picture"]

_AT_ONCE = 8  # pictures in memory; of 4000x3000 they hold 288 MB
_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}


def detect_pictures(images: list[Path], json_file: Path, detector: BatchDetector) -> tuple[int, int]:
    """Write ``[{file, width, height, detections: [{label, score, box_xyxy_px}]}]``; folders are searched for pictures.

    Returns:
        How many detections were written, and for how many pictures.

    Raises:
        InputError: a file is no picture; nothing is written then.
    """
    records: list[dict[str, Any]] = []
    paths = pictures_in(images)
    for begin in range(0, len(paths), _AT_ONCE):
        some = paths[begin : begin + _AT_ONCE]
        pictures = [read_picture(path) for path in some]
        for path, picture, found in zip(some, pictures, detector.detect_batch(pictures), strict=True):
            records.append(
                {
                    "file": str(path),
                    "width": int(picture.shape[1]),
                    "height": int(picture.shape[0]),
                    "detections": [
                        {
                            "label": found.label_of(index),
                            "score": round(float(found.scores[index]), 4),
                            "box_xyxy_px": [round(float(value), 1) for value in found.boxes_xyxy_px[index]],
                        }
                        for index in range(len(found))
                    ],
                }
            )
    try:
        json_file.write_text(json.dumps(records, indent=1), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {json_file}: {error.strerror}") from error
    return sum(len(record["detections"]) for record in records), len(records)


def pictures_in(images: list[Path]) -> list[Path]:
    """Files of pictures, those of folders in the order of their names.

    Raises:
        InputError: there are none.
    """
    paths: list[Path] = []
    for path in images:
        if path.is_dir():
            paths += sorted(each for each in path.rglob("*") if each.suffix.lower() in _SUFFIXES)
        else:
            paths.append(path)
    if not paths:
        raise InputError("no pictures given", todo="name files or folders with .jpg or .png")
    return paths


def read_picture(path: Path) -> Any:
    """(h, w, 3) uint8, BGR.

    Raises:
        InputError: it is no whole picture.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if _is_cut_off(raw):  # OpenCV fills the rest with grey, which would count as looked at
        raise InputError(f"{path} is a JPEG that was cut off", todo="copy it again")
    try:
        image = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR) if raw else None
    except cv2.error as error:  # more pixels than OpenCV takes
        raise InputError(f"{path} is too large", todo="cut it into parts") from error
    if image is None:
        raise InputError(f"{path} is no picture that can be read", todo="use JPEG or PNG")
    return image


def _is_cut_off(raw: bytes) -> bool:
    """Whether a JPEG (ITU-T T.81) has a scan but no end of image after it; a preview in its header has its own."""
    at = 2
    while raw[:2] == b"\xff\xd8" and raw[at : at + 1] == b"\xff" and at + 4 <= len(raw):
        if raw[at + 1] == 0xDA:
            return b"\xff\xd9" not in raw[at:]
        at += 2 + int.from_bytes(raw[at + 2 : at + 4], "big")
    return False
