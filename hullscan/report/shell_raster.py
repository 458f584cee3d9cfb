"""The hull's skin unrolled round the keel as a raster: for each pixel the cell that lies there.

Columns run along the ship from aft to the bow, rows from the port waterline over the keel to the starboard waterline,
so that a picture of it is the shell expansion as shipyards draw it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan.search.cells import CELL_M, HullCells

__all__ = ["ShellRaster"]

_MOST_COLUMNS = 1000
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ShellRaster:
    """Pixels of the unrolled hull.

    Attributes:
        cell: (r, c) index of the cell in each pixel, -1 where there is no hull.
        first_m: station of the left edge.
        half_m: girth from the keel line to the upper (and the lower) edge.
        step_m: edge of a pixel.
    """

    cell: npt.NDArray[np.intp]
    first_m: float
    half_m: float
    step_m: float

    @classmethod
    def of_cells(cls, cells: HullCells) -> ShellRaster:
        """One pixel for each cell, or for a few of them on a long ship."""
        columns = cells.columns_m
        step = CELL_M * max(1, int(np.ceil(len(columns) / _MOST_COLUMNS)))
        count = int(np.ceil(len(columns) * CELL_M / step))
        column = np.minimum(((np.arange(count) + 0.5) * step / CELL_M).astype(int), len(columns) - 1)
        rows = int(np.ceil(max(float(table.total_m.max()) for table in cells.sections) / step))
        from_keel = (np.arange(rows) + 0.5) * step
        index = np.full(cells.exists.shape, -1, np.intp)
        index[cells.exists] = np.arange(len(cells))
        halves = []
        for half, table in enumerate(cells.sections):
            girth = table.total_m[column][None, :] - from_keel[:, None]
            row = np.clip((girth / CELL_M).astype(int), 0, cells.exists.shape[1] - 1)
            halves.append(np.where(girth > 0, index[half][row, column[None, :]], -1))
        return cls(np.concatenate([halves[1][::-1], halves[0]]), float(columns[0] - CELL_M / 2), rows * step, step)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.cell.shape[0]), int(self.cell.shape[1])

    def of(self, values: npt.NDArray[np.generic], outside: float = 0.0) -> Array:
        """(r, c) of (n,) cell values."""
        return np.where(self.cell >= 0, values[self.cell], outside)

    def pixels(self, unrolled_m: Array) -> Array:
        """(n, 2) column and row, with fractions, of (n, 2) places of ``HullSurface.unroll``."""
        return np.column_stack(
            [(unrolled_m[:, 0] - self.first_m) / self.step_m, (self.half_m - unrolled_m[:, 1]) / self.step_m]
        )

    def runs(self, mask: Mask) -> str:
        """SVG path of the pixels in a mask, runs of a row as one rectangle each, in pixels."""
        edges = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
        rows, starts = np.nonzero(edges > 0)
        _, ends = np.nonzero(edges < 0)  # in the same order: row by row, each start has its end
        return "".join(
            f"M{a} {row}h{b - a}v1h{a - b}z"
            for row, a, b in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True)
        )

    def borders(self, number: npt.NDArray[np.intp]) -> str:
        """SVG path of the lines between pixels of different numbers (-1 is outside and has none), in pixels."""
        inside = number >= 0
        beside = (number[:, 1:] != number[:, :-1]) & inside[:, 1:] & inside[:, :-1]
        below = (number[1:] != number[:-1]) & inside[1:] & inside[:-1]
        across = np.diff(np.pad(below.astype(np.int8), ((0, 0), (1, 1))), axis=1)
        rows, starts = np.nonzero(across > 0)
        ends = np.nonzero(across < 0)[1]
        path = [f"M{a} {r + 1}h{b - a}" for r, a, b in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True)]
        down = np.diff(np.pad(beside.T.astype(np.int8), ((0, 0), (1, 1))), axis=1)
        columns, starts = np.nonzero(down > 0)
        ends = np.nonzero(down < 0)[1]
        path += [
            f"M{c + 1} {a}v{b - a}" for c, a, b in zip(columns.tolist(), starts.tolist(), ends.tolist(), strict=True)
        ]
        return "".join(path)
