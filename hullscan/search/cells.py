"""The hull cut into cells of 0.25 m: what was planned to be seen and what was seen is counted on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from hullscan.geometry.frames import Array
from hullscan.search.sections import SectionTable
from hullscan.ship.half import HullHalf
from hullscan.ship.surface import HullSurface, Sides, side_name

__all__ = ["CELL_M", "Gap", "HullCells"]

CELL_M = 0.25


@dataclass(frozen=True, slots=True)
class Gap:
    """A patch of hull that was planned but not searched, in words that place it."""

    side: str
    stations_m: tuple[float, float]
    depths_m: tuple[float, float]
    area_m2: float

    @property
    def name(self) -> str:
        """Such as ``starboard side, stations 30.0 to 32.5, 0.5 to 1.2 m deep``."""
        s, d = self.stations_m, self.depths_m
        return f"{self.side} side, stations {s[0]:.1f} to {s[1]:.1f}, {d[0]:.1f} to {d[1]:.1f} m deep"


def _strips_m2(half: HullHalf, stations_m: Array) -> Array:
    """(c,) wetted area of the strips of a column's width about stations, without plates across the ends."""
    strips = half.strip_areas_m2.copy()
    strips[0] *= not half.flat_ends[0]
    strips[-1] *= not half.flat_ends[1]
    area = np.concatenate([[0.0], np.cumsum(strips)])
    edges = np.append(stations_m - CELL_M / 2, stations_m[-1] + CELL_M / 2)
    return np.diff(np.interp(edges, half.stations_m, area))


class HullCells:
    """Cells of the wetted hull: rows by girth, columns by station, one grid for each side.

    Cells lie in a (2, rows, columns) lattice, starboard first; those beyond the end of a section do not exist.

    Attributes:
        exists: (2, r, c).
        columns_m: (c,) stations of the columns.
        sections: the sections there, starboard and port.
        side, station_m, girth_m: (n,) of the cells that exist, in the lattice's order.
        points_m, normals: (n, 3) of their centres, ship frame.
        total_girth_m: (n,) of the section in which each lies.
        area_m2: (n,).
    """

    def __init__(self, hull: HullSurface) -> None:
        first, last = hull.stations_m[0], hull.stations_m[-1]
        stations = (np.arange(np.ceil(first / CELL_M), np.floor(last / CELL_M)) + 0.5) * CELL_M
        tables = tuple(SectionTable(hull, half, stations) for half in (0, 1))
        girths = np.arange(CELL_M / 2, float(max(table.total_m.max() for table in tables)), CELL_M)
        self.exists = np.stack([girths[:, None] < table.total_m[None, :] for table in tables])
        self.columns_m, self.sections = stations, tables
        sides, rows, columns = np.nonzero(self.exists)
        self.side: Sides = np.where(sides == 0, 1, -1).astype(np.int8)
        self.station_m, self.girth_m = stations[columns], girths[rows]
        self.total_girth_m = np.concatenate(
            [table.total_m[columns[sides == half]] for half, table in enumerate(tables)]
        )
        found = [table.at(columns[sides == half], girths[rows[sides == half]]) for half, table in enumerate(tables)]
        self.points_m = np.concatenate([points for points, _ in found])
        self.normals = np.concatenate([normals for _, normals in found])
        slant = np.sqrt(np.clip(1 - self.normals[:, 0] ** 2, 0.04, 1))
        self.area_m2 = CELL_M**2 / slant
        # what the normals say of the slant is not exact at knuckles: the cells of a column are as large as its strip
        column = sides * len(stations) + columns
        by_cells = np.bincount(column, self.area_m2, 2 * len(stations))
        strips = np.concatenate([_strips_m2(half, stations) for half in (hull.starboard, hull.port)])
        self.area_m2 *= (strips / np.maximum(by_cells, 1e-12))[column]
        self.hull = hull

    def __len__(self) -> int:
        return len(self.side)

    @cached_property
    def tree(self) -> cKDTree:
        """Of the centres."""
        return cKDTree(self.points_m, balanced_tree=False)

    @cached_property
    def depth_m(self) -> Array:
        """(n,) depth of the centres."""
        return np.asarray(self.points_m[:, 2])

    def lattice(self, values: npt.NDArray[np.generic], fill: float = 0.0) -> Array:
        """(2, rows, columns) of (n,) cell values."""
        grid = np.full(self.exists.shape, fill)
        grid[self.exists] = values
        return grid

    def within(
        self, side: int, stations_m: tuple[float, float], depths_m: tuple[float, float]
    ) -> npt.NDArray[np.bool_]:
        """(n,) cells of one side whose centre lies between stations and depths, above the keel line's flat."""
        between = (self.station_m >= stations_m[0]) & (self.station_m <= stations_m[1])
        deep = (self.depth_m >= depths_m[0]) & (self.depth_m <= depths_m[1])
        return np.asarray((self.side == side) & between & deep, dtype=bool)

    def near(self, point_m: Array, reach_m: float) -> npt.NDArray[np.intp]:
        """Indices of cells whose centre lies within a distance of a point."""
        along = np.flatnonzero(np.abs(self.points_m[:, 0] - point_m[0]) < reach_m)
        gap = ((self.points_m[along] - point_m) ** 2).sum(axis=1)
        return np.asarray(along[gap < reach_m**2], dtype=np.intp)

    def gaps(self, missing: npt.NDArray[np.bool_], least_m2: float = 0.2) -> list[Gap]:
        """Connected patches of (n,) missing cells, largest first."""
        grid = self.lattice(missing) > 0
        index = np.full(self.exists.shape, -1)
        index[self.exists] = np.arange(len(self))
        gaps = []
        for side in (0, 1):
            labels, count = ndimage.label(grid[side], structure=np.ones((3, 3)))
            for label in range(1, count + 1):
                cells = index[side][labels == label]
                area = float(self.area_m2[cells].sum())
                if area < least_m2:
                    continue
                half = CELL_M / 2
                stations, depths = self.station_m[cells], self.depth_m[cells]
                gaps.append(
                    Gap(
                        side_name(float(self.side[cells[0]])),
                        (float(stations.min() - half), float(stations.max() + half)),
                        (max(float(depths.min()) - half, 0.0), float(depths.max() + half)),
                        area,
                    )
                )
        return sorted(gaps, key=lambda gap: -gap.area_m2)
