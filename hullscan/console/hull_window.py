"""The part of the unrolled hull that a mission asks for, as the operator's screen draws it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from hullscan.console.snapshot import Place
from hullscan.geometry.frames import Array
from hullscan.report.shell_raster import ShellRaster
from hullscan.search.cells import HullCells
from hullscan.ship.surface import HullSurface

__all__ = ["COLUMNS", "ROWS", "HullWindow"]

COLUMNS: Final = 308
ROWS: Final = 64
"""Of the picture: dots of braille on the widest screens."""
_MARGIN = 0.03  # of hull round what is asked for


class HullWindow:
    """The pixels of the picture.

    Args:
        asked: (n,) cells that the mission asks for.

    """

    def __init__(self, hull: HullSurface, cells: HullCells, asked: npt.NDArray[np.bool_]) -> None:
        self._hull, self._points_m, self.asked = hull, cells.points_m, asked
        self._raster = raster = ShellRaster.of_cells(cells)
        wanted = raster.of(self.asked) > 0
        if not wanted.any():
            wanted = raster.cell >= 0
        self._box = [_span(np.atleast_1d(wanted.any(axis=1 - axis)), raster.shape[axis]) for axis in (0, 1)]
        rows, columns = (
            np.clip(np.linspace(low, high, count, endpoint=False), 0, raster.shape[axis] - 1).astype(int)
            for axis, (low, high), count in zip((0, 1), self._box, (ROWS, COLUMNS), strict=True)
        )
        self._cell: npt.NDArray[np.intp] = raster.cell[np.ix_(rows, columns)]
        low, high = self._box[1]
        self.stations_m = (raster.first_m + low * raster.step_m, raster.first_m + high * raster.step_m)
        middle = raster.shape[0] / 2
        self.sides = tuple(
            side
            for side, there in (("port", self._box[0][0] < middle - 2), ("starboard", self._box[0][1] > middle + 2))
            if there
        )

    def kinds(self, seen: npt.NDArray[np.bool_]) -> str:
        """The digits of a ``HullImage``."""
        kind = np.where(seen & self.asked, 3, np.where(self.asked, 2, 1))
        return "".join(map(str, np.where(self._cell >= 0, kind[self._cell], 0).ravel().tolist()))

    def place(self, point_ship_m: Array) -> Place:
        """Where a point near the hull is in the picture."""
        hull = self._hull
        at = hull.locate(hull.nearest(np.reshape(point_ship_m, (1, 3)))[0])
        column, row = self._raster.pixels(hull.unroll(at.side, at.station_m, at.girth_m))[0]
        (top, bottom), (left, right) = self._box
        return round(float((column - left) / (right - left)), 4), round(float((row - top) / (bottom - top)), 4)

    def point(self, at: Place) -> Array | None:
        """(3,) point of the hull at a place of the picture, ship frame; None where it shows no hull."""
        column, row = min(int(at[0] * COLUMNS), COLUMNS - 1), min(int(at[1] * ROWS), ROWS - 1)
        if column < 0 or row < 0 or self._cell[row, column] < 0:
            return None
        return np.asarray(self._points_m[self._cell[row, column]])


def _span(there: npt.NDArray[np.bool_], count: int) -> tuple[float, float]:
    """First and last index, with a little beyond, within the raster."""
    index = np.flatnonzero(there)
    extra = _MARGIN * (index[-1] + 1 - index[0]) + 2
    return max(index[0] - extra, 0.0), min(index[-1] + 1 + extra, float(count))
