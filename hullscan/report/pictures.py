"""Pictures of a finding as a report shows them: whole, and close up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from hullscan.record.folder import MissionFolder

__all__ = ["Picture", "pictures_of"]

_ROUND: Final = 1.7  # times the box: what the object hangs on belongs to the picture
_LEAST_PX: Final = 96  # of a close-up's width before it is enlarged
_CLOSE_UP_PX: Final = (320, 240)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a finding that is there and whole; ``frame`` is what findings.json says of it."""

    path: Path
    raw: bytes
    width_px: int
    height_px: int
    frame: dict[str, Any]
    close_up: bytes
    """JPEG of what the box holds and some of what is round it, enlarged, without the box."""


def pictures_of(folder: MissionFolder, finding: dict[str, Any]) -> list[Picture]:
    """Pictures that are there and whole; a name that leads out of the folder is no picture."""
    found = []
    for frame in finding["frames"]:
        path = folder.path / frame["file"]
        if not path.resolve().is_relative_to(folder.path.resolve()) or not path.is_file():
            continue
        raw = path.read_bytes()
        image = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR) if raw else None
        if image is not None:
            pixels = np.asarray(image, dtype=np.uint8)
            near = _close_up(pixels, frame["box_xyxy_px"])
            found.append(Picture(path, raw, pixels.shape[1], pixels.shape[0], frame, near))
    return found


def _close_up(image_bgr: npt.NDArray[np.uint8], box_xyxy_px: list[float]) -> bytes:
    height, width = image_bgr.shape[:2]
    x0, y0, x1, y1 = (float(value) for value in box_xyxy_px)
    shape = _CLOSE_UP_PX[0] / _CLOSE_UP_PX[1]
    wide = min(max((x1 - x0) * _ROUND, (y1 - y0) * _ROUND * shape, _LEAST_PX), width, height * shape)
    high = wide / shape
    left = int(np.clip((x0 + x1 - wide) / 2, 0, width - wide))
    top = int(np.clip((y0 + y1 - high) / 2, 0, height - high))
    cut = image_bgr[top : top + max(round(high), 1), left : left + max(round(wide), 1)]
    how = cv2.INTER_AREA if wide > _CLOSE_UP_PX[0] else cv2.INTER_CUBIC
    near = cv2.resize(cut, _CLOSE_UP_PX, interpolation=how)
    done, raw = cv2.imencode(".jpg", near, [cv2.IMWRITE_JPEG_QUALITY, 88])
    return raw.tobytes() if done else b""
