"""Contact sheets: what a detector found, what it missed and what it cried out at, to be looked at by people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.vision.evaluation import ScoredFrames

__all__ = ["contact_sheets"]

_TILE_PX = (240, 180)  # width, height
_AROUND = 2.2  # a tile shows this many times the box, and no less than it holds pixels
_FOUND_BGR, _MISSED_BGR, _FALSE_BGR = (80, 220, 80), (0, 200, 255), (60, 60, 255)


@dataclass(frozen=True, slots=True)
class _Case:
    picture: Path
    box_xyxy_px: Array
    score: float


def contact_sheets(
    scored: ScoredFrames, threshold: float, folder: Path, *, columns: int = 6, rows: int = 4
) -> dict[str, int]:
    """Write ``hits.jpg``, ``misses.jpg`` and ``false.jpg``: hits, misses and false calls, what tells most first.

    Hits and misses begin with the lowest score, false calls with the highest.

    Args:
        threshold: that the detector is run at.
        folder: made if it does not exist.

    Returns:
        How many cases there are of each, shown or not.

    Raises:
        InputError: the folder cannot be written.
    """
    objects = _cases(scored, scored.found_frame, scored.boxes_xyxy_px, scored.found)
    strays = _cases(scored, scored.false_frame, scored.false_xyxy_px, scored.false)
    kinds = {
        "hits": (sorted((each for each in objects if each.score >= threshold), key=_score), _FOUND_BGR),
        "misses": (sorted((each for each in objects if each.score < threshold), key=_score), _MISSED_BGR),
        "false": (sorted((each for each in strays if each.score >= threshold), key=_score, reverse=True), _FALSE_BGR),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}") from error
    for name, (cases, colour) in kinds.items():
        tiles = [_tile(case, colour) for case in cases[: columns * rows]]
        if not cv2.imwrite(str(folder / f"{name}.jpg"), _grid(tiles, columns), [cv2.IMWRITE_JPEG_QUALITY, 85]):
            raise InputError(f"cannot write {folder / name}.jpg")
    return {name: len(cases) for name, (cases, _) in kinds.items()}


def _cases(scored: ScoredFrames, frames: npt.NDArray[np.int64], boxes: Array, scores: Array) -> list[_Case]:
    return [
        _Case(scored.pictures[frame], box, float(score))
        for frame, box, score in zip(frames, boxes, scores, strict=True)
    ]


def _score(case: _Case) -> float:
    return case.score


def _tile(case: _Case, colour: tuple[int, int, int]) -> Any:
    """The box with its surroundings, its outline and its score; what lies beyond the picture is black."""
    image: Any = cv2.imread(str(case.picture))
    if image is None:
        raise InputError(f"cannot read {case.picture}", todo="make the data set again")
    width, height = _TILE_PX
    x0, y0, x1, y1 = case.box_xyxy_px
    scale = min(width / (_AROUND * (x1 - x0)), height / (_AROUND * (y1 - y0)), 1.0)
    turn = np.array([[scale, 0, width / 2 - scale * (x0 + x1) / 2], [0, scale, height / 2 - scale * (y0 + y1) / 2]])
    tile: Any = cv2.warpAffine(image, turn, _TILE_PX, flags=cv2.INTER_AREA)
    low, high = (tuple(round(part) for part in turn @ [x, y, 1]) for x, y in ((x0, y0), (x1, y1)))
    cv2.rectangle(tile, low, high, colour, 1)
    for shade, thick in (((0, 0, 0), 3), (colour, 1)):
        cv2.putText(tile, f"{case.score:.2f}", (5, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45, shade, thick, cv2.LINE_AA)
    return tile


def _grid(tiles: list[Any], columns: int) -> Any:
    blank = np.full((_TILE_PX[1], _TILE_PX[0], 3), 24, np.uint8)
    tiles = tiles or [blank]
    tiles = tiles + [blank] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])
