"""Probability of detection (POD) of one look at a cell, and of many.

The model is a product of saturating terms (contrast left by the water, pixels on the target, incidence) under an
upper asymptote below one: some parcels are hidden from any look (occluded inspection sites; Annis, ASNT 2015).
A model is measured when parcels were planted, each counted once for a survey, and what it expected of them was held
against how many were found. How few might have been expected of the same detector (Clopper and Pearson, Biometrika
1934, with the design effect of surveys as Korn and Graubard, Survey Methodology 1998) gives each POD its lower bound,
in water of the visibilities in which parcels were planted. What nobody has held against trials is a stated prior, and
every report says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import beta

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array
from hullscan.words import mark

__all__ = ["EXAMINED_PX", "LABEL_SIZES_M", "PRIOR_MODEL", "LookModel", "Trials", "combined_pod", "sample_m"]

LABEL_SIZES_M: Final = {"parcel": 0.4, "rope": 0.1, "displaced_grating": 0.6}
"""Length of what a label stands for, as far as it must be resolved to be told: a rope by its knots and ends."""


EXAMINED_PX: Final = 640
"""Width of the pictures that detectors were measured on: wider ones are shrunk for the network, so show no more."""


def sample_m(range_m: Array, camera: Camera) -> Array:
    """Metres on the hull, at distances, for each pixel of a picture as it is examined."""
    return np.asarray(range_m / camera.fx_px * max(1.0, camera.width_px / EXAMINED_PX), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """Parcels planted in surveys, and what became of them.

    Attributes:
        shown: parcels, each counted once for a survey.
        found: of these.
        expected: sum of the PODs that the model gave them.
        lengths_m: of the least and the greatest of them.
        visibilities_m: of the water, least and greatest; a survey in other water learns nothing from them.
        model_sha256: of the detector.
        min_score: of a finding; with a higher one fewer would have been found.
        design_effect: how much more the parcels of one survey are alike than any: so many count as one.
        bands: those of some visibilities each.
    """

    shown: int
    found: int
    expected: float
    lengths_m: tuple[float, float]
    model_sha256: str
    min_score: float
    visibilities_m: tuple[float, float] = (0.0, float("inf"))
    design_effect: float = 1.0
    bands: tuple[Trials, ...] = ()

    @property
    def lower_share(self) -> float:
        """One-sided 95 % lower bound of what is found, as a share of what the model expects, at most 1."""
        found, missed = self.found / self.design_effect, (self.shown - self.found) / self.design_effect
        bound = float(beta.ppf(0.05, found, missed + 1)) if found > 0 else 0.0
        return min(1.0, bound * self.shown / self.expected)

    def of_water(self, visibility_m: float) -> Trials | None:
        """Those in water of such visibility, where bands are told apart; None where nothing was tried.

        On the border of two bands those that bound less.
        """
        bands = self.bands or (self,)
        here = [each for each in bands if each.visibilities_m[0] <= visibility_m <= each.visibilities_m[1]]
        return min(here, key=lambda band: band.lower_share, default=None)

    def lower_share_in(self, visibility_m: float) -> float | None:
        """``lower_share`` in water of a visibility; None where nothing was tried.

        A band in which the model expects too little does not raise what all of them together bound.
        """
        band = self.of_water(visibility_m)
        return None if band is None else min(band.lower_share, self.lower_share)

    def apply_to(self, parcel_m: float, visibility_m: float, model_sha256: str, min_score: float) -> bool:
        """Whether they say something of a parcel of this length in such water, this detector and this threshold."""
        same = model_sha256 == self.model_sha256 and min_score <= self.min_score
        return same and self.tried(parcel_m, visibility_m)

    def tried(self, parcel_m: float, visibility_m: float) -> bool:
        """Whether parcels like one of this length were planted in such water."""
        low, high = self.lengths_m
        return low <= parcel_m <= high and self.of_water(visibility_m) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookModel:
    """Parameters of the POD of one look.

    Attributes:
        asymptote: POD of a perfect look; below 1 for what is hidden from every look.
        half_contrast: share of the contrast left by the water at which detection is even.
        contrast_slope: of the logistic in the logarithm of the contrast.
        half_pixels: length of the parcel in the picture as it is examined (``sample_m``), at which detection is even.
        half_smears: length of the parcel, in ways of the camera during an exposure, at which detection is even.
        pixel_slope: of the logistic in the logarithm of the length.
        max_incidence_rad: from the normal, beyond which a look counts nothing.
        exposure_s: of a frame; what moves past during it is smeared over pixels.
        measured: whether an evaluation stands behind the numbers.
        source: that evaluation, or what the numbers are.
        trials: that it was held against.
        parcel_m: length of the parcel that PODs are stated for.
    """

    asymptote: float = 0.95
    half_contrast: float = 0.06
    contrast_slope: float = 3.0
    half_pixels: float = 18.0
    half_smears: float = 18.0
    pixel_slope: float = 4.0
    max_incidence_rad: float = float(np.radians(65))
    exposure_s: float = 0.02
    measured: bool = False
    source: str = mark("stated prior")
    trials: Trials | None = None
    parcel_m: float = LABEL_SIZES_M["parcel"]

    def measured_in(self, visibility_m: float) -> bool:
        """Whether an evaluation stands behind what is stated of its parcel in water of a visibility."""
        return self.measured and (self.trials is None or self.trials.tried(self.parcel_m, visibility_m))

    def of_look(
        self,
        range_m: Array,
        gsd_m: Array,
        incidence_rad: Array,
        visibility_m: float,
        parcel_m: float | None = None,
        speed_mps: Array | float = 0.0,
    ) -> Array:
        """(n,) POD of one look at (n,) cells.

        Args:
            range_m: from the camera.
            gsd_m: metres on the hull for each pixel, ``sample_m``.
            incidence_rad: between the ray and the surface normal.
            visibility_m: 4.8 / c; contrast falls as exp(-c r).
            parcel_m: length of the parcel that the POD is of; by default the model's own.
            speed_mps: of the camera past the hull.
        """
        length_m = self.parcel_m if parcel_m is None else parcel_m
        # in logarithms: at many times the visibility the contrast itself is too small for a float
        log_contrast = -4.8 / visibility_m * np.asarray(range_m, dtype=np.float64)
        # smear and sampling add as the widths of two blurs do
        smear_m = np.asarray(speed_mps) * self.exposure_s
        even_m = np.hypot(self.half_pixels * np.maximum(gsd_m, 1e-6), self.half_smears * smear_m)
        by_contrast = _logistic(self.contrast_slope * (log_contrast - np.log(self.half_contrast)))
        by_pixels = _logistic(self.pixel_slope * np.log(length_m / even_m))
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
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -500, 500))), dtype=np.float64)
