"""The bulk carrier's lines. What was flown and trained with depends on them: they stay, to the last digit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from hullscan.geometry.frames import Array

__all__ = ["BulkCarrierLines"]

# Shape constants of the class, as shares of the length; typical of full forms (Schneekluth & Bertram, Ship Design
# for Efficiency and Economy, ch. 2: Cb about 0.8, parallel midbody 30 to 45 % of the length).
_MIDBODY_AFT = (0.36, 0.22)  # where the run begins, at the baseline and at the waterline
_MIDBODY_FWD = (0.66, 0.74)  # where the entrance begins
_SKEG_END = 0.035  # sternpost
_TRANSOM = -0.025  # aft end of the deck
_STEM_RAKE = 0.55  # metres forward for each metre up, above the waterline
_FOREFOOT_RISE = 0.75  # how far the stem goes back at the baseline, as a share of the draught
_ENTRANCE = (2.1, 1.55)  # exponents of the waterline's entrance
# by height, as a share of the draught: aft end of the waterline, and how hollow the run is
_RUN_END = PchipInterpolator([0.0, 0.8, 1.0, 1.3], [_SKEG_END, 0.02, -0.02, 2.5 * _TRANSOM])
_RUN_HOLLOW = PchipInterpolator([0.0, 0.5, 1.0, 1.3], [2.4, 1.7, 0.8, 0.6])


def _heights(depth_m: float, radius_m: float) -> Array:
    """Heights above the baseline at which sections are sampled: dense round the bilge."""
    bilge = radius_m * (1 - np.cos(np.linspace(0, np.pi / 2, 40)))
    return np.unique(np.concatenate([bilge, np.linspace(radius_m, depth_m, 80)]))


def _stations(length_m: float, foremost_m: float, step_m: float) -> Array:
    """Sections closer to each other towards both ends, where the waterlines turn."""
    aftmost_m = _TRANSOM * length_m
    count = int(np.ceil(0.12 * length_m / step_m)) * 3
    aft = aftmost_m + (0.12 * length_m - aftmost_m) * (1 - np.cos(np.linspace(0, np.pi / 2, count)))
    fore = foremost_m - (foremost_m - 0.88 * length_m) * (1 - np.cos(np.linspace(0, np.pi / 2, count)))[::-1]
    middle = np.arange(aft[-1] + step_m, fore[0], step_m)
    return np.unique(np.round(np.concatenate([aft, middle, fore]), 6))


@dataclass(frozen=True, slots=True)
class BulkCarrierLines:
    """Half-breadths of one ship; drawn for her mean draught."""

    length_m: float
    beam_m: float
    draught_m: float
    depth_m: float
    radius_m: float

    def stations(self, step_m: float) -> Array:
        """Stations of the sections."""
        return _stations(self.length_m, self.foremost_m, step_m)

    def section(self, station_m: float) -> tuple[Array, None]:
        """(k, 2) (y, height above the base line) from the deck to the centre line."""
        heights = _heights(self.depth_m, self.radius_m)
        half_breadth = self.half_breadth(station_m, heights)
        solid = np.flatnonzero(half_breadth > 0)
        lowest = solid[0] if len(solid) else len(heights) - 1
        curve = np.column_stack([half_breadth, heights])[lowest:][::-1]
        return np.vstack([curve, [0.0, curve[-1, 1]]]), None

    @property
    def foremost_m(self) -> float:
        """Station of the stem at deck height."""
        return float(self._stem(np.array([self.depth_m]))[0])

    def _stem(self, height_m: Array) -> Array:
        """Station of the stem at a height: raked above the waterline, rounded to the forefoot below."""
        above = np.maximum(height_m - self.draught_m, 0) * _STEM_RAKE
        below = np.clip(1 - height_m / self.draught_m, 0, 1) ** 2.2 * _FOREFOOT_RISE * self.draught_m
        return self.length_m + above - below

    def half_breadth(self, station_m: float, height_m: Array) -> Array:
        """(k,) half-breadths at a station for (k,) heights above the baseline."""
        rise = np.clip(height_m / self.draught_m, 0, 1.3)
        entrance = self._entrance(station_m, height_m, rise)
        run = self._run(station_m, rise)
        return self.beam_m / 2 * self._bilge(height_m) * entrance * run

    def _bilge(self, height_m: Array) -> Array:
        """Midship half-breadth as a share of half the beam."""
        lift = np.clip(self.radius_m - height_m, 0, self.radius_m)
        inset = self.radius_m - np.sqrt(self.radius_m**2 - lift**2)
        return 1 - inset / (self.beam_m / 2)

    def _entrance(self, station_m: float, height_m: Array, rise: Array) -> Array:
        begin = self.length_m * (_MIDBODY_FWD[0] + (_MIDBODY_FWD[1] - _MIDBODY_FWD[0]) * rise)
        share = np.clip((station_m - begin) / (self._stem(height_m) - begin), 0, 1)
        power, root = _ENTRANCE
        return np.asarray((1 - share**power) ** (1 / root), dtype=np.float64)

    def _run(self, station_m: float, rise: Array) -> Array:
        """Full at the waterline, hollow towards the keel, where it ends in the skeg."""
        begin = self.length_m * (_MIDBODY_AFT[0] + (_MIDBODY_AFT[1] - _MIDBODY_AFT[0]) * rise)
        end = self.length_m * _RUN_END(rise)
        share = np.clip((begin - station_m) / (begin - end), 0, 1)
        hollow = _RUN_HOLLOW(rise)
        return np.asarray((1 - share**2) ** hollow, dtype=np.float64)
