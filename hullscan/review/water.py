"""The water of a mission as its own pictures show it: the veil, how fast contrast is lost, the camera's noise.

A picture of a surface under water is ``direct * t + veil * (1 - t)`` with ``t = exp(-attenuation * range)`` (Jaffe
1990 without forward scatter). Pictures taken from as far as one can see show the veil alone. Contrast of the plating
falls as ``t`` does, so a line through its logarithm over the range gives the attenuation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from hullscan.geometry.frames import Array
from hullscan.video.frames import Image

__all__ = ["PATCHES", "Water", "measure_water", "patch_centres"]

PATCHES: Final = (9, 16)
"""Rows and columns of the patches of a picture in which it is measured."""
_LEAST_SPREAD_M = 0.5  # of ranges: with less a line through them says nothing
_LEAST_PATCHES = 60
_CONTRAST_AT_VISIBILITY = 3.9  # -ln(0.02): at the visibility 2 % of the contrast is left (Koschmieder)
_MOST_OF_PICTURE = 0.97  # of what is seen may be veil: plating throws back something


@dataclass(frozen=True, slots=True)
class Water:
    """What lies between camera and hull.

    Attributes:
        veil_bgr: (9, 16, 3) light that the water itself scatters into the camera, by patch, 0 to 255.
        attenuation_per_m: of contrast.
        noise: standard deviation of the camera's noise, 0 to 255.
    """

    veil_bgr: Array
    attenuation_per_m: float
    noise: float

    def transmission(self, range_m: Array | float) -> Array:
        """Share of the direct light that is left after so many metres."""
        return np.asarray(np.exp(-self.attenuation_per_m * np.asarray(range_m, dtype=np.float64)))

    def veil(self, width_px: int, height_px: int) -> np.ndarray:
        """(h, w, 3) for a whole picture."""
        return np.asarray(
            cv2.resize(self.veil_bgr.astype(np.float32), (width_px, height_px), interpolation=cv2.INTER_CUBIC)
        )


def patch_centres(width_px: int, height_px: int) -> Array:
    """(n, 2) pixels in the middle of the patches, row by row."""
    rows, columns = PATCHES
    x = (np.arange(columns) + 0.5) * width_px / columns
    y = (np.arange(rows) + 0.5) * height_px / rows
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def measure_water(near: Sequence[tuple[Image, Array]], far: Sequence[Image], visibility_m: float) -> Water:
    """Measure it.

    Args:
        near: (picture, (n,) range of the hull in the middle of each patch; inf where there is none), at least one.
        far: pictures in which no hull is near enough to be seen. Without one the veil is put as bright as the plating.
        visibility_m: as the mission states it; bounds the attenuation, and stands for it where ranges are too alike.
    """
    patches = [_patches(image) for image, _ in near]
    mean = np.mean([each[0] for each in patches], axis=0)
    noise = float(np.median([each[2] for each in patches]))
    ranges, contrasts = np.concatenate([range_m for _, range_m in near]), np.concatenate([each[1] for each in patches])
    attenuation = _attenuation(ranges, contrasts, noise, _CONTRAST_AT_VISIBILITY / visibility_m)
    veil = np.mean([_patches(image)[0] for image in far], axis=0) if far else mean
    # the deeper, the darker: where the water is taken from another depth it cannot be brighter than what is seen here
    veil = veil * min(1.0, float((mean * _MOST_OF_PICTURE / np.maximum(veil, 1.0)).mean()))
    return Water(veil.reshape(*PATCHES, 3), attenuation, noise)


def _attenuation(range_m: Array, contrast: Array, noise: float, stated: float) -> float:
    textured = np.isfinite(range_m) & (contrast > 1.5 * noise)
    if textured.sum() < _LEAST_PATCHES or np.ptp(range_m[textured]) < _LEAST_SPREAD_M:
        return stated
    slope = float(np.polyfit(range_m[textured], np.log(contrast[textured]), 1)[0])
    return float(np.clip(-slope, 0.6 * stated, 1.4 * stated))


def _patches(image: Image) -> tuple[Array, Array, float]:
    """Mean colour (n, 3) and contrast (n,) of the patches, and the noise of the picture."""
    rows, columns = PATCHES
    height, width = (image.shape[0] // rows * rows, image.shape[1] // columns * columns)
    whole = image[:height, :width].astype(np.float32)
    grey = cv2.cvtColor(whole, cv2.COLOR_BGR2GRAY)
    band = cv2.GaussianBlur(grey, (0, 0), 1.5) - cv2.GaussianBlur(grey, (0, 0), 8.0)
    cut = (rows, height // rows, columns, width // columns)
    mean = whole.reshape(*cut, 3).mean(axis=(1, 3)).reshape(-1, 3)
    contrast = band.reshape(cut).std(axis=(1, 3)).reshape(-1)
    # of what a median takes away in the smoothest patches nothing is plating
    residual = np.abs(grey - cv2.medianBlur(grey, 3)).reshape(cut).mean(axis=(1, 3)).reshape(-1)
    noise = 1.25 * float(np.percentile(residual, 10))
    return np.asarray(mean, np.float64), np.asarray(contrast, np.float64) + 1e-3, noise
