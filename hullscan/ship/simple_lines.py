"""Forms that are known exactly: the barge, a box with raked ends, and Wigley's mathematical hull."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hullscan.geometry.frames import Array

__all__ = ["BargeLines", "WigleyLines"]

_RAKE_ENDS_AT = 0.75  # of the draught: height of the lower edge of a raked end


@dataclass(frozen=True, slots=True)
class BargeLines:
    """A box with a bilge radius, its bottom rising straight to the ends over the rakes."""

    length_m: float
    beam_m: float
    draught_m: float
    depth_m: float
    radius_m: float
    stern_rake_m: float
    bow_rake_m: float

    def stations(self, step_m: float) -> Array:
        """Stations with one on each side of where a rake begins, so that normals turn there and not before."""
        inner = self.length_m - 2e-2
        count = max(int(np.ceil(self.length_m / step_m)), 8)
        turns = [self.stern_rake_m, self.length_m - self.bow_rake_m]
        near = [turn + off for turn in turns for off in (-0.01, 0.0, 0.01)]
        stations = np.concatenate([[0.0], np.linspace(2e-2, inner, count), near, [self.length_m]])
        stations = np.unique(np.round(stations[(stations >= 0) & (stations <= self.length_m)], 6))
        return np.asarray(stations[np.concatenate([[True], np.diff(stations) > 1e-3])], dtype=np.float64)

    def section(self, station_m: float) -> tuple[Array, None]:
        """(k, 2) (y, height above the base line) from the deck to the centre line."""
        bottom = 0.0
        for rake, inside in ((self.stern_rake_m, station_m), (self.bow_rake_m, self.length_m - station_m)):
            if rake > 0:
                bottom = max(bottom, _RAKE_ENDS_AT * self.draught_m * (1 - inside / rake))
        half, radius = self.beam_m / 2, min(self.radius_m, self.depth_m - bottom)
        angle = np.linspace(0, np.pi / 2, 24)
        bilge = np.column_stack([half - radius * (1 - np.cos(angle)), bottom + radius * (1 - np.sin(angle))])
        return np.vstack([[half, self.depth_m], bilge, [0.0, bottom]]), None


@dataclass(frozen=True, slots=True)
class WigleyLines:
    """Wigley's parabolas below the draught that she is drawn for, upright sides above."""

    length_m: float
    beam_m: float
    draught_m: float
    depth_m: float

    def stations(self, step_m: float) -> Array:
        """Even stations; the waterlines are parabolas."""
        return np.linspace(0, self.length_m, max(int(np.ceil(self.length_m / step_m)), 160) + 1)

    def section(self, station_m: float) -> tuple[Array, None]:
        """(k, 2) (y, height above the base line) from the deck to the centre line."""
        along = 2 * station_m / self.length_m - 1
        height = np.concatenate([np.linspace(0, self.draught_m, 140), [self.depth_m]])
        down = np.clip(1 - height / self.draught_m, 0, 1)
        y = self.beam_m / 2 * max(1 - along**2, 0.0) * (1 - down**2)
        return np.column_stack([y, height])[::-1], None
