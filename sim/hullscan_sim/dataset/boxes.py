"""Labels of a frame: boxes of the visible pixels, and how far each thing stands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan_sim.camera.hidden import hidden_share
from hullscan_sim.camera.renderer import Rendered
from hullscan_sim.camera.scene import Scene

__all__ = ["Box", "boxes_of", "others_in"]

_MIN_CONTRAST = 5.0  # 8-bit levels across an object's outline; below this people hardly see it either
_BAND_PX, _SECTORS, _SECTOR_PX = 9, 12, 8
_MIN_PIXELS = 110


@dataclass(frozen=True, slots=True)
class Box:
    """One labelled object in a frame.

    Attributes:
        range_m: along the ray, median of its visible pixels.
        incidence_deg: of the ray to its middle on the plating there.
        hidden_share: of its outline, by ship, fittings and other things; what the picture cuts off is not hidden.
    """

    label: str
    box_xyxy_px: tuple[int, int, int, int]
    pixels: int
    contrast: float
    size_m: float
    range_m: float
    incidence_deg: float
    hidden_share: float
    ignore: bool


def boxes_of(scene: Scene, frame: Rendered, image: npt.NDArray[np.uint8], eye_m: Array) -> tuple[Box, ...]:
    """Boxes of the visible pixels of labelled solids, with the contrast of each against its surroundings.

    Args:
        eye_m: (3,) of the camera, ship frame.
    """
    boxes = []
    # walls of a box or a pipe are surroundings as the plating is: what stands inside is seen against them
    ground = np.array([True, *(each.behind and each.label is None for each in scene.solids)])
    free = ground[np.maximum(frame.object, 0)]
    soft = cv2.GaussianBlur(image, (0, 0), 1.2).astype(np.float32)  # a single pixel's noise shows nobody anything
    for number in np.unique(frame.object):
        if number <= 0 or (label := scene.solids[number - 1].label) is None:
            continue
        mask = (frame.object == number).astype(np.uint8)
        count = int(mask.sum())
        if count < 12:
            continue
        x, y, w, h = cv2.boundingRect(mask)
        contrast = _outline_contrast(soft, mask, free)
        small = count < _MIN_PIXELS or max(w, h) < 12
        ignore = small or contrast < _MIN_CONTRAST
        depth_m = float(np.median(frame.depth_m[mask > 0]))
        boxes.append(
            Box(
                label,
                (x, y, x + w, y + h),
                count,
                round(contrast, 1),
                round(scene.solids[number - 1].size_m, 2),
                round(depth_m, 2),
                round(_incidence_deg(scene, int(number), eye_m), 1),
                round(hidden_share(scene, int(number), eye_m), 2),
                bool(ignore),
            )
        )
    return tuple(boxes)


def _incidence_deg(scene: Scene, number: int, eye_m: Array) -> float:
    """Angle between the ray to the middle of a solid and the hull's normal there."""
    middle = scene.solids[number - 1].parts[0].mesh.vertices_m.mean(axis=0)
    normal = scene.hull.nearest(middle[None])[2][0]
    ray = (middle - eye_m) / np.linalg.norm(middle - eye_m)
    return float(np.degrees(np.arccos(np.clip(-ray @ normal, 0.0, 1.0))))


def _outline_contrast(soft: npt.NDArray[np.float32], mask: npt.NDArray[np.uint8], free: npt.NDArray[np.bool_]) -> float:
    """How far an object stands out where it ends: the step of colour across its outline.

    Measured in sectors around its middle and averaged as squares, so that neither the lamps' falloff over the picture
    counts nor does an outline that is bright on one side and dark on the other cancel out. 0 where no outline shows.

    Args:
        soft: (h, w, 3) picture.
        mask: (h, w) the object's visible pixels.
        free: (h, w) pixels of no object, which alone are its surroundings.
    """
    x, y, w, h = cv2.boundingRect(mask)
    rows = slice(max(y - _BAND_PX, 0), y + h + _BAND_PX)
    columns = slice(max(x - _BAND_PX, 0), x + w + _BAND_PX)
    mask, free, soft = mask[rows, columns], free[rows, columns], soft[rows, columns]
    kernel = np.ones((_BAND_PX, _BAND_PX), np.uint8)
    inner = (mask > 0) & (cv2.erode(mask, kernel, borderValue=1) == 0)
    outer = (cv2.dilate(mask, kernel) > 0) & free
    away_y, away_x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    middle_y, middle_x = (axis[mask > 0].mean() for axis in (away_y, away_x))
    turn = np.arctan2(away_y - middle_y, away_x - middle_x) / (2 * np.pi) + 0.5
    sector = np.minimum((turn * _SECTORS).astype(np.intp), _SECTORS - 1)

    def means(band: npt.NDArray[np.bool_]) -> tuple[Any, Any]:
        counts = np.bincount(sector[band], minlength=_SECTORS)
        sums = [np.bincount(sector[band], soft[band, channel], minlength=_SECTORS) for channel in range(3)]
        return counts, np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None]

    (inside, mean_inside), (outside, mean_outside) = means(inner), means(outer)
    both = (inside >= _SECTOR_PX) & (outside >= _SECTOR_PX)
    if not both.any():
        return 0.0
    step = np.abs(mean_inside - mean_outside).max(axis=1)[both]
    return float(np.sqrt(np.average(step**2, weights=inside[both])))


def others_in(scene: Scene, frame: Rendered) -> int:
    """How many things that are no parcel can be seen."""
    numbers, counts = np.unique(frame.object[frame.object > 0], return_counts=True)
    return sum(scene.solids[number - 1].label != "parcel" for number in numbers[counts >= _MIN_PIXELS])
