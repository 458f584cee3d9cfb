"""Probability of detection (POD) of one look at a cell, and of many.

The model is a product of saturating terms (contrast left by the water, pixels on the target, incidence) under an
upper asymptote below one: some parcels are hidden from any look (occluded inspection sites; Annis, ASNT 2015).
Until an evaluation has measured its parameters they are the stated prior below, and every report says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hullscan.geometry.frames import Array

__all__ = ["PRIOR_MODEL", "LookModel", "combined_pod"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookModel:
    """Parameters of the POD of one look.

    Attributes:
        asymptote: POD of a perfect look; below 1 for what is hidden from every look.
        half_contrast: share of the contrast left by the water at which detection is even.
        contrast_slope: of the logistic in the logarithm of the contrast.
        half_pixels: length of the parcel in the picture, pixels, at which detection is even.
        pixel_slope: of the logistic in the logarithm of the pixels.
        max_incidence_rad: from the normal, beyond which a look counts nothing.
        measured: whether an evaluation stands behind the numbers.
    """

    asymptote: float = 0.95
    half_contrast: float = 0.06
    contrast_slope: float = 3.0
    half_pixels: float = 18.0
    pixel_slope: float = 4.0
    max_incidence_rad: float = float(np.radians(65))
    measured: bool = False

    def of_look(
        self, range_m: Array, gsd_m: Array, incidence_rad: Array, visibility_m: float, parcel_m: float = 0.4
    ) -> Array:
        """(n,) POD of one look at (n,) cells.

        Args:
            range_m: from the camera.
            gsd_m: metres on the hull for each pixel.
            incidence_rad: between the ray and the surface normal.
            visibility_m: 4.8 / c; contrast falls as exp(-c r).
            parcel_m: length of the parcel that the POD is stated for.
        """
        contrast = np.exp(-4.8 / visibility_m * range_m)
        pixels = parcel_m / np.maximum(gsd_m, 1e-6)
        by_contrast = _logistic(self.contrast_slope * np.log(contrast / self.half_contrast))
        by_pixels = _logistic(self.pixel_slope * np.log(pixels / self.half_pixels))
        facing = np.clip(np.cos(incidence_rad) / np.cos(np.radians(45)), 0, 1)
        inside = incidence_rad <= self.max_incidence_rad
        return np.asarray(self.asymptote * by_contrast * by_pixels * facing * inside, dtype=np.float64)


PRIOR_MODEL = LookModel()
"""Not measured: chosen so that a look from 0.4 of the visibility at a 0.4 m parcel counts about 0.85."""


def combined_pod(pods: Array, asymptote: float) -> Array:
    """(n,) POD of (k, n) independent looks: what is hidden stays hidden, the rest is missed by all of them."""
    missed = np.prod(1 - np.clip(pods / asymptote, 0, 1), axis=0)
    return np.asarray(asymptote * (1 - missed), dtype=np.float64)


def _logistic(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)), dtype=np.float64)
