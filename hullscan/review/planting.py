"""Putting a parcel into the pictures of a recording: with their water, their light, their movement; copies only.

Where it goes is drawn from the hull's geometry once, in the picture in the middle. From there it moves with what the
pictures themselves show: an affine map from picture to picture, from points of the plating that are followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from hullscan.geometry.frames import Array
from hullscan.review.parcel import Sprite
from hullscan.review.water import Water
from hullscan.video.frames import Image

__all__ = ["box_in", "movements", "plant"]

_POINTS = 250
_LEAST_POINTS = 12
_SHADOW = 0.3  # of the light is missing beside a parcel, where the lamps do not reach
_SOFT_PX_PER_M = 0.28  # forward scatter softens edges with the range, at 640 px across
_PARTICLE_SIGMAS = 6.0
_ROUND_PX = 48  # beyond this distance from it nothing of it is seen
Grey = Any
"""(h, w) uint8: OpenCV's types say nothing about what its functions give."""
_IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def movements(greys: Sequence[Grey], middle: int) -> list[Array | None]:
    """(2, 3) affine map from the picture in the middle to each; None from where the plating cannot be followed."""
    maps: list[Array | None] = [None] * len(greys)
    maps[middle] = _IDENTITY
    for step in (1, -1):
        at = middle
        while 0 <= at + step < len(greys):
            moved = _movement(greys[at], greys[at + step])
            before = maps[at]
            if moved is None or before is None:
                break
            maps[at + step] = moved @ np.vstack([before, [0.0, 0.0, 1.0]])
            at += step
    return maps


def _movement(before: Grey, after: Grey) -> Array | None:
    points = cv2.goodFeaturesToTrack(before, _POINTS, 0.005, 7)
    if points is None or len(points) < _LEAST_POINTS:
        return None
    flow: Any = cv2.calcOpticalFlowPyrLK
    found, good, _ = flow(before, after, points, None, winSize=(21, 21), maxLevel=4)
    keep = good.reshape(-1) == 1
    if keep.sum() < _LEAST_POINTS:
        return None
    # marine snow moves by itself: what the plating does is what most points agree on
    moved, agreed = cv2.estimateAffinePartial2D(points[keep], found[keep], ransacReprojThreshold=1.0)
    if moved is None or agreed.sum() < _LEAST_POINTS:
        return None
    return np.asarray(moved, np.float64)


def box_in(movement: Array, sprite: Sprite) -> tuple[float, float, float, float]:
    """Where the box of a parcel is in a picture."""
    x0, y0, x1, y1 = sprite.box_xyxy_px
    corners = np.array([[x0, y0, 1], [x1, y0, 1], [x1, y1, 1], [x0, y1, 1]]) @ movement.T
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def plant(
    image: Image, sprite: Sprite, movement: Array, water: Water, noise: np.random.Generator, *, snow: bool = True
) -> Image:
    """A copy of a picture with the parcel in it.

    Args:
        movement: (2, 3) from the picture for which the parcel was drawn to this one.
        noise: of the camera.
        snow: whether bright specks are taken for what drifts before the parcel; else for what it covers.
    """
    height, width = image.shape[:2]
    scale = float(np.sqrt(abs(np.linalg.det(movement[:, :2]))))
    range_m = sprite.range_m / max(scale, 1e-3)
    soft = max(_SOFT_PX_PER_M * range_m * width / 640, 0.3)
    x0, y0, x1, y1 = box_in(movement, sprite)
    left, top = max(int(x0) - _ROUND_PX, 0), max(int(y0) - _ROUND_PX, 0)
    right, bottom = min(int(x1) + _ROUND_PX, width), min(int(y1) + _ROUND_PX, height)
    if left >= right or top >= bottom:
        return image.copy()  # it has left the picture
    place = movement @ np.array([[1, 0, sprite.x_px], [0, 1, sprite.y_px], [0, 0, 1.0]]) - [[0, 0, left], [0, 0, top]]
    cover = _warped(sprite.cover, place, right - left, bottom - top)
    light = _warped(sprite.light * sprite.cover, place, right - left, bottom - top) / np.maximum(cover, 1e-3)
    cover = cv2.GaussianBlur(cover, (0, 0), soft)
    seen = image[top:bottom, left:right].astype(np.float32)
    transmission = float(water.transmission(range_m))
    veil = water.veil(width, height)[top:bottom, left:right] * (1 - transmission)
    direct = _light_beside(seen - veil, cover)
    shadow = cv2.GaussianBlur(cover, (0, 0), float(np.clip(0.08 * np.sqrt(float(cover.sum())) + 1, 4.0, _ROUND_PX / 3)))
    beside = seen - _SHADOW * (np.clip(shadow * 1.3, 0, 1) * (1 - cover))[..., None] * direct
    parcel = veil + light[..., None] * direct * sprite.tint_bgr
    grain = noise.normal(0.0, 1.0, cover.shape).astype(np.float32)
    parcel = parcel + (cv2.GaussianBlur(grain, (0, 0), 0.6) * 2.0 * water.noise)[..., None]
    mixed = beside * (1 - cover[..., None]) + parcel * cover[..., None]
    if snow:
        mixed = np.where((_particles(seen, water) > 0)[..., None], np.maximum(mixed, seen), mixed)
    made = image.copy()
    made[top:bottom, left:right] = np.clip(np.round(mixed), 0, 255)
    return made


def _warped(values: Array, place: Array, width: int, height: int) -> np.ndarray:
    return cv2.warpAffine(values.astype(np.float32), place, (width, height), flags=cv2.INTER_LINEAR)


def _light_beside(direct: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """(3,) light that comes from the plating round the parcel: how bright the lamps are there, through that water.

    A parcel's colour is not the paint's: the mean of both is as grey as can be told without knowing the paint.
    """
    reach = cv2.dilate(cover, np.ones((15, 15), np.uint8), iterations=2)
    ring = (reach > 0.1) & (cover < 0.02)
    mean = direct[ring].mean(axis=0) if ring.any() else direct.mean(axis=(0, 1))
    return np.asarray(0.5 * np.maximum(mean, 1.0) + 0.5 * max(float(mean.mean()), 1.0))


def _particles(seen: np.ndarray, water: Water) -> np.ndarray:
    """Bright specks that drift before everything: they stay before the parcel too."""
    grey = seen.max(axis=2)
    speck = grey - cv2.medianBlur(grey, 5)
    return np.asarray(speck > _PARTICLE_SIGMAS * max(water.noise, 0.7), np.uint8)
