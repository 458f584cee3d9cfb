"""Many points of many sections of the hull at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan.ship.surface import HullSurface

__all__ = ["SectionTable"]


class SectionTable:
    """Sections of one half of the hull at many stations, from which many points of each are read at once.

    Args:
        half: 0 starboard, 1 port.
        stations_m: (c,) of the columns.

    Attributes:
        total_m: (c,) girth of each section.

    ``HullSurface.point`` builds a section for every point that it is asked for; a ship of 400 m has half a million
    cells in 1600 sections.
    """

    def __init__(self, hull: HullSurface, half: int, stations_m: Array) -> None:
        shape = (2, *hull.grid_m.shape[:2])
        index = np.clip(np.searchsorted(hull.stations_m, stations_m, side="right") - 1, 0, len(hull.stations_m) - 2)
        weight = (stations_m - hull.stations_m[index]) / np.diff(hull.stations_m)[index]

        def between(values: Array) -> Array:
            rows = values.reshape(*shape, -1)[half]
            w = weight[:, None, None]
            return np.asarray(rows[index] * (1 - w) + rows[index + 1] * w)

        self._points, self._normals = between(hull.vertices_m), between(hull.vertex_normals)
        steps = np.linalg.norm(np.diff(self._points[:, :, 1:], axis=1), axis=2)
        # rows between which the hull's own girth does not grow are joined by no plating
        steps[np.diff(between(hull.vertex_girth_m)[:, :, 0], axis=1) <= 0] = 0.0
        along = np.concatenate([np.zeros((len(steps), 1)), np.cumsum(steps, axis=1)], axis=1)
        self._along = along - along[:, hull.waterline_row : hull.waterline_row + 1]
        self.total_m = self._along[:, -1]
        # all sections one after the other, so that one look-up reads of many
        self._apart = 2 * float(np.abs(self._along).max()) + 1
        self._key = (self._along + self._apart * np.arange(len(self._along))[:, None]).ravel()
        self._both = np.concatenate([self._points.reshape(-1, 3), self._normals.reshape(-1, 3)], axis=1)

    def at(self, columns: npt.NDArray[np.intp], girths_m: Array) -> tuple[Array, Array]:
        """(n, 3) points and (n, 3) unit normals at girths of the sections of (n,) columns."""
        want = girths_m + self._apart * columns

        # as np.interp, but looked up once for all six columns
        index = np.clip(np.searchsorted(self._key, want, side="right") - 1, 0, len(self._key) - 2)
        span = self._key[index + 1] - self._key[index]
        share = np.clip((want - self._key[index]) / np.maximum(span, 1e-12), 0.0, 1.0)[:, None]
        both = self._both[index] * (1 - share) + self._both[index + 1] * share
        points, normals = both[:, :3], both[:, 3:]
        return points, normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
