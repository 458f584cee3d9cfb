"""The hull cut into cells of 0.25 m: what was planned to be seen and what was seen is counted on them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
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
_LEAST_SHARE = 0.05  # of a whole cell: smaller ones are rounding


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


@dataclass(frozen=True, slots=True)
class _Grid:
    """Rows by girth and columns of one side: (r, c) each, points and normals (r, c, 3); no cell where the area is 0."""

    station_m: Array
    total_girth_m: Array
    points_m: Array
    normals: Array
    area_m2: Array

    def padded(self, rows: int, columns: int) -> _Grid:
        """With so many rows and columns; those added have no cells."""
        r, c = rows - self.area_m2.shape[0], columns - self.area_m2.shape[1]
        flat = ((0, r), (0, c))
        parts = {each.name: getattr(self, each.name) for each in fields(self)}
        return _Grid(**{name: np.pad(part, (*flat, (0, 0))[: part.ndim]) for name, part in parts.items()})


def _joined(first: _Grid, second: _Grid) -> _Grid:
    """One behind the other, with an empty column between, so that no patch goes on from one to the other."""
    rows = max(len(first.area_m2), len(second.area_m2))
    first = first.padded(rows, first.area_m2.shape[1] + 1)
    second = second.padded(rows, second.area_m2.shape[1])
    names = [each.name for each in fields(_Grid)]
    return _Grid(**{name: np.concatenate([getattr(first, name), getattr(second, name)], axis=1) for name in names})


def _looked_up(table: SectionTable, stations_m: Array) -> _Grid:
    """Cells of the sections at stations, of one area all."""
    girths = np.arange(CELL_M / 2, float(table.total_m.max()), CELL_M)
    shape = len(girths), len(stations_m)
    columns, rows = np.tile(np.arange(shape[1]), shape[0]), np.repeat(girths, shape[1])
    points, normals = table.at(columns, rows)
    total = np.broadcast_to(table.total_m, shape)
    return _Grid(
        np.broadcast_to(stations_m, shape),
        total,
        points.reshape(*shape, 3),
        normals.reshape(*shape, 3),
        np.where(girths[:, None] < total, CELL_M**2, 0.0),
    )


def _along(hull: HullSurface, half: int, table: SectionTable, stations_m: Array) -> _Grid:
    """Cells of one side's plating along the ship."""
    grid = _looked_up(table, stations_m)
    area = grid.area_m2 / np.sqrt(np.clip(1 - grid.normals[..., 0] ** 2, 0.04, 1))
    # what the normals say of the slant is not exact at knuckles: the cells of a column are as large as its strip
    strips = _strips_m2((hull.starboard, hull.port)[half], stations_m)
    return replace(grid, area_m2=area * (strips / np.maximum(area.sum(axis=0), 1e-12)))


def _across(hull: HullSurface, half: int, end: int) -> _Grid:
    """Cells of one side's plate across an end: columns from its edge to the centre line.

    Stations tell its points apart: they run through the thickness that the plate has in the grid, see
    ``HullHalf.flat_ends``. Rows that run along its lower edge have no area, and no cells.
    """
    surface = (hull.starboard, hull.port)[half]
    edge, middle = surface.stations_m[[1, 0]] if end == 0 else surface.stations_m[[-2, -1]]
    wet = surface.grid_m[1 if end == 0 else -2, surface.waterline_row :]
    count = max(1, int(np.ceil(float(wet[:, 1].max()) / CELL_M)))
    shares = (np.arange(count) + 0.5) / count
    stations = edge + (middle - edge) * shares
    table = SectionTable(hull, half, stations)
    grid = _looked_up(table, stations)
    there = grid.area_m2 > 0
    upper, lower = (
        table.at(
            np.tile(np.arange(count), len(there)),
            np.clip((np.repeat(np.arange(len(there)), count) + step) * CELL_M, 0, grid.total_girth_m.ravel()),
        )[0][:, 2].reshape(there.shape)
        for step in (0, 1)
    )
    breadth = np.abs(grid.points_m[..., 1]) / (1 - shares)
    area = np.where(there, breadth / count * np.abs(lower - upper), 0.0)
    area[area < _LEAST_SHARE * CELL_M**2] = 0.0
    plate = surface.strip_areas_m2[-end]
    outward = np.array([-1.0 if end == 0 else 1.0, 0.0, 0.0])
    return replace(
        grid,
        normals=np.broadcast_to(outward, grid.normals.shape),
        area_m2=area * (plate / max(float(area.sum()), 1e-12)),
    )


class HullCells:
    """Cells of the wetted hull: rows by girth, columns by station, one grid for each side.

    Cells lie in a (2, rows, columns) lattice, starboard first; those beyond the end of a section do not exist. Plates
    across the ends of the ship (transoms) have columns of their own behind those along her, with an empty one before
    them.

    Attributes:
        exists: (2, r, c') the lattice.
        columns_m: (c,) stations of the columns along the ship.
        sections: the sections there, starboard and port.
        side, station_m, girth_m: (n,) of the cells that exist, in the lattice's order.
        points_m, normals: (n, 3) of their centres, ship frame.
        total_girth_m: (n,) of the section in which each lies.
        area_m2: (n,).
        across_end: (n,) whether a cell lies on a plate across an end.
    """

    def __init__(self, hull: HullSurface) -> None:
        first, last = hull.stations_m[0], hull.stations_m[-1]
        self.columns_m = (np.arange(np.ceil(first / CELL_M), np.floor(last / CELL_M)) + 0.5) * CELL_M
        self.hull = hull
        self.sections = tuple(SectionTable(hull, half, self.columns_m) for half in (0, 1))
        grids = [_along(hull, half, table, self.columns_m) for half, table in enumerate(self.sections)]
        for end in (0, 1):
            if hull.flat_ends[end]:
                grids = [_joined(grid, _across(hull, half, end)) for half, grid in enumerate(grids)]
        rows, columns = (max(grid.area_m2.shape[axis] for grid in grids) for axis in (0, 1))
        grids = [grid.padded(rows, columns) for grid in grids]
        self.exists = np.stack([grid.area_m2 > 0 for grid in grids])
        along = np.arange(columns) < len(self.columns_m)

        def of_cells(name: str) -> Array:
            return np.concatenate([getattr(grid, name)[there] for grid, there in zip(grids, self.exists, strict=True)])

        sides, row, _ = np.nonzero(self.exists)
        self.side: Sides = np.where(sides == 0, 1, -1).astype(np.int8)
        self.girth_m = (row + 0.5) * CELL_M
        self.station_m, self.total_girth_m = of_cells("station_m"), of_cells("total_girth_m")
        self.points_m, self.normals, self.area_m2 = of_cells("points_m"), of_cells("normals"), of_cells("area_m2")
        self.across_end = np.broadcast_to(~along, self.exists.shape)[self.exists]

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
        """(n,) cells of one side whose centre lies between stations and depths; a plate across an end is of no side."""
        between = (self.station_m >= stations_m[0]) & (self.station_m <= stations_m[1])
        deep = (self.depth_m >= depths_m[0]) & (self.depth_m <= depths_m[1])
        return np.asarray((self.side == side) & between & deep & ~self.across_end, dtype=bool)

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
