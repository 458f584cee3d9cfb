"""The hull as a surface with coordinates of its own: side, station, girth.

The surface is lofted: cross-sections at stations, each resampled to the same number of rows, ruled between
neighbours. A section stays in its plane x = station, so a point of the surface and its hull coordinates are
tied by two-dimensional geometry in that plane, exactly, both ways. Ray casting uses Embree on the triangulated
loft. The hull is symmetric; sections hold the starboard half.

Girth is measured along the section from the waterline towards the keel; it is negative above the waterline.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from scipy.spatial import cKDTree

from hullscan.errors import InputError
from hullscan.geometry.frames import Array

__all__ = ["Hits", "HullPoints", "HullSurface", "Side", "Sides", "side_name", "side_sign"]

Side = Literal["port", "starboard"]
Sides = npt.NDArray[np.int8]
"""+1 starboard, -1 port."""


def side_sign(side: Side) -> int:
    """+1 for starboard, -1 for port: the sign of y in the ship frame."""
    return 1 if side == "starboard" else -1


def side_name(sign: float) -> Side:
    """The side on which y has this sign."""
    return "starboard" if sign > 0 else "port"


@dataclass(frozen=True, slots=True)
class HullPoints:
    """Hull coordinates of n points.

    Attributes:
        side: (n,) +1 starboard, -1 port.
        station_m: (n,) from the aft perpendicular, forward.
        girth_m: (n,) along the section from the waterline.
        offset_m: (n,) distance of the located point from the section curve.
    """

    side: Sides
    station_m: Array
    girth_m: Array
    offset_m: Array


@dataclass(frozen=True, slots=True)
class Hits:
    """Where n rays meet the hull.

    Attributes:
        hit: (n,) whether the ray meets it within its range.
        distance_m: (n,) along the ray; inf where it does not.
        points_m: (n, 3) ship frame; NaN where it does not.
        normals: (n, 3) outward unit normals, smooth between sections; NaN where it does not.
    """

    hit: npt.NDArray[np.bool_]
    distance_m: Array
    points_m: Array
    normals: Array


class HullSurface:
    """A ship's hull below, and somewhat above, the waterline.

    Args:
        stations_m: (n,) increasing.
        grid_m: (n, m, 3) starboard half, ship frame; rows run from the top edge down to the centre line.
        waterline_row: the row that lies on the waterline.
    """

    def __init__(self, stations_m: Array, grid_m: Array, waterline_row: int) -> None:
        if grid_m.shape[:1] != stations_m.shape or grid_m.shape[2:] != (3,):
            raise ValueError(f"expected grid (n, m, 3) for n={len(stations_m)} stations, got {grid_m.shape}")
        if len(stations_m) < 2 or np.any(np.diff(stations_m) <= 0) or not np.isfinite(grid_m).all():
            raise InputError("a hull needs at least two sections at increasing stations, without gaps")
        self.stations_m, self.grid_m, self.waterline_row = stations_m, grid_m, waterline_row

    @classmethod
    def from_sections(
        cls,
        stations_m: Sequence[float] | Array,
        section: Callable[[float], Array],
        *,
        wet_rows: int = 97,
        dry_rows: int = 12,
    ) -> HullSurface:
        """Loft sections.

        Args:
            stations_m: (n,) increasing.
            section: station -> (k, 2) half-section (y, z), y not negative, z down from the waterline, from the
                top edge to the centre line.
            wet_rows: rows from the waterline to the centre line.
            dry_rows: rows above the waterline.
        """
        stations = np.asarray(stations_m, dtype=np.float64)
        grid = np.empty((len(stations), dry_rows + wet_rows, 3))
        for index, station in enumerate(stations):
            wet, dry = _split_at_waterline(section(float(station)))
            grid[index, :dry_rows, 1:] = _resample(dry, dry_rows + 1)[:-1]
            grid[index, dry_rows:, 1:] = _resample(wet, wet_rows)
            grid[index, :, 0] = station
        return cls(stations, grid, dry_rows)

    @property
    def length_m(self) -> float:
        """Between the first and the last section."""
        return float(self.stations_m[-1] - self.stations_m[0])

    # ---------------------------------------------------------------- hull coordinates

    def point(self, side: Sides, station_m: Array, girth_m: Array) -> Array:
        """(n, 3) points of the surface, ship frame. Coordinates beyond the surface are clipped to its edge."""
        section, along, _ = self._sections(station_m)
        points = _at_length(section, along, np.asarray(girth_m, dtype=np.float64))
        return np.column_stack([points[:, 0], points[:, 1] * side, points[:, 2]])

    def normal(self, side: Sides, station_m: Array, girth_m: Array) -> Array:
        """(n, 3) outward unit normals at hull coordinates, ship frame."""
        _, along, weight = self._sections(station_m)
        index = self._index(station_m)[0]
        normals = self._vertex_normals[index] * (1 - weight) + self._vertex_normals[index + 1] * weight
        normals = _at_length(normals, along, np.asarray(girth_m, dtype=np.float64))
        normals = normals * np.column_stack([np.ones(len(normals)), side, np.ones(len(normals))])
        return np.asarray(normals / np.linalg.norm(normals, axis=1, keepdims=True), dtype=np.float64)

    def locate(self, points_m: Array) -> HullPoints:
        """Hull coordinates of (n, 3) points near the surface, ship frame, each in the plane of its section."""
        points = np.reshape(points_m, (-1, 3))
        section, along, _ = self._sections(points[:, 0])
        start, step = section[:, :-1, 1:], np.diff(section[:, :, 1:], axis=1)
        aim = np.stack([np.abs(points[:, 1]), points[:, 2]], axis=1)[:, None, :] - start
        length2 = np.maximum((step**2).sum(-1), 1e-18)
        share = np.clip((aim * step).sum(-1) / length2, 0, 1)
        distance2 = ((aim - share[..., None] * step) ** 2).sum(-1)
        best = np.argmin(distance2, axis=1)
        each = np.arange(len(points))
        girth = along[each, best] + share[each, best] * (along[each, best + 1] - along[each, best])
        side = np.where(points[:, 1] >= 0, 1, -1).astype(np.int8)
        station = np.clip(points[:, 0], self.stations_m[0], self.stations_m[-1])
        return HullPoints(side, station, girth, np.sqrt(distance2[each, best]))

    def girth_to_depth(self, station_m: Array, depth_m: Array) -> Array:
        """(n,) girth at which the section first reaches a depth; its end where it never does."""
        section, along, _ = self._sections(station_m)
        reached = section[:, :, 2] >= np.asarray(depth_m)[:, None]
        reached[:, : self.waterline_row] = False
        last = np.where(reached.any(axis=1), reached.argmax(axis=1), section.shape[1] - 1)
        each = np.arange(len(section))
        before = np.maximum(last - 1, 0)
        rise = section[each, last, 2] - section[each, before, 2]
        share = np.clip((depth_m - section[each, before, 2]) / np.where(rise > 1e-9, rise, np.inf), 0, 1)
        share = np.where(rise > 1e-9, share, 1.0)
        return np.asarray(along[each, before] + share * (along[each, last] - along[each, before]), dtype=np.float64)

    def total_girth(self, station_m: Array) -> Array:
        """(n,) girth from the waterline to the centre line."""
        return self._sections(np.atleast_1d(np.asarray(station_m, dtype=np.float64)))[1][:, -1]

    def keel_depth(self, station_m: Array) -> Array:
        """(n,) greatest depth of the section."""
        return np.asarray(self._sections(np.atleast_1d(station_m))[0][:, :, 2].max(axis=1), dtype=np.float64)

    def unroll(self, side: Sides, station_m: Array, girth_m: Array) -> Array:
        """(n, 2) shell expansion: x along the ship, y outward from the keel line, port positive (drawn above)."""
        return np.column_stack([station_m, -side * (self.total_girth(station_m) - girth_m)])

    def _index(self, station_m: Array) -> tuple[npt.NDArray[np.intp], Array]:
        station = np.clip(np.atleast_1d(station_m), self.stations_m[0], self.stations_m[-1])
        index = np.clip(np.searchsorted(self.stations_m, station, side="right") - 1, 0, len(self.stations_m) - 2)
        weight = (station - self.stations_m[index]) / np.diff(self.stations_m)[index]
        return index, np.asarray(weight, dtype=np.float64)

    def _sections(self, station_m: Array) -> tuple[Array, Array, Array]:
        """(n, m, 3) section curves, (n, m) their girth, (n, 1, 1) weight of the section ahead."""
        index, weight = self._index(station_m)
        w = weight[:, None, None]
        section = self.grid_m[index] * (1 - w) + self.grid_m[index + 1] * w
        steps = np.linalg.norm(np.diff(section[:, :, 1:], axis=1), axis=2)
        along = np.concatenate([np.zeros((len(section), 1)), np.cumsum(steps, axis=1)], axis=1)
        return section, along - along[:, self.waterline_row : self.waterline_row + 1], w

    # ---------------------------------------------------------------- mesh

    @cached_property
    def vertices_m(self) -> Array:
        """(v, 3) of both halves, starboard first."""
        starboard = self.grid_m.reshape(-1, 3)
        return np.concatenate([starboard, starboard * [1, -1, 1]])

    @cached_property
    def vertex_girth_m(self) -> Array:
        """(v,) girth of each vertex."""
        _, along, _ = self._sections(self.stations_m)
        return np.tile(along.ravel(), 2)

    @cached_property
    def faces(self) -> npt.NDArray[np.int32]:
        """(f, 3) outward triangles of both halves, starboard first, without empty ones."""
        rows = self.grid_m.shape[1]
        index = np.arange(self.grid_m.shape[0] * rows, dtype=np.int32).reshape(-1, rows)
        a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
        quads = np.stack([a, d, c, a, c, b], axis=-1).reshape(-1, 3)
        corners = self.vertices_m[quads]
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        quads = quads[area > 1e-10]
        return np.concatenate([quads, quads[:, ::-1] + index.size]).astype(np.int32)

    @cached_property
    def _vertex_normals(self) -> Array:
        """(n, m, 3) of the starboard half."""
        along_ship = np.gradient(self.grid_m, self.stations_m, axis=0)
        down = np.gradient(self.grid_m, axis=1)
        normals = np.cross(down, along_ship)
        length = np.linalg.norm(normals, axis=2, keepdims=True)
        fallback = np.broadcast_to([0.0, 1.0, 0.0], normals.shape)
        return np.where(length > 1e-12, normals / np.maximum(length, 1e-12), fallback)

    @cached_property
    def vertex_normals(self) -> Array:
        """(v, 3) outward unit normals of both halves."""
        starboard = self._vertex_normals.reshape(-1, 3)
        return np.concatenate([starboard, starboard * [1, -1, 1]])

    @cached_property
    def _embree(self) -> EmbreeScene:
        scene = EmbreeScene()
        TriangleMesh(scene, self.vertices_m.astype(np.float32), self.faces)
        return scene

    def cast(self, origins_m: Array, directions: Array, max_range_m: float = np.inf) -> Hits:
        """Where (n, 3) rays with unit directions first meet the hull, ship frame."""
        origins = np.ascontiguousarray(np.broadcast_to(origins_m, directions.shape), dtype=np.float32)
        rays = np.ascontiguousarray(directions, dtype=np.float32)
        found = self._embree.run(origins, rays, output=1)
        distance = found["tfar"].astype(np.float64)
        hit = (found["primID"] >= 0) & (distance <= max_range_m)
        corners = self.faces[np.where(hit, found["primID"], 0)]
        u, v = found["u"][:, None].astype(np.float64), found["v"][:, None].astype(np.float64)
        weights = np.stack([1 - u - v, u, v], axis=1)
        points = (self.vertices_m[corners] * weights).sum(axis=1)
        normals = (self.vertex_normals[corners] * weights).sum(axis=1)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        points[~hit], normals[~hit], distance[~hit] = np.nan, np.nan, np.inf
        return Hits(hit, distance, points, normals)

    def nearest(self, points_m: Array) -> tuple[Array, Array, Array]:
        """Closest points of the surface: (n, 3) points, (n,) distances, (n, 3) outward normals, ship frame."""
        points = np.reshape(points_m, (-1, 3)).astype(np.float64)
        mirror = np.column_stack([np.ones(len(points)), np.where(points[:, 1] >= 0, 1, -1), np.ones(len(points))])
        _, near = self._tree.query(points * mirror, k=4)
        triangles = self._triangles_at[near].reshape(len(points), -1)
        corners = self.vertices_m[self.faces[triangles]]
        closest = _closest_on_triangles((points * mirror)[:, None, :], corners)
        distance = np.linalg.norm(closest - (points * mirror)[:, None, :], axis=2)
        best = np.argmin(distance, axis=1)
        each = np.arange(len(points))
        found = closest[each, best]
        located = self.locate(found)
        normals = self.normal(located.side, located.station_m, located.girth_m)
        return found * mirror, distance[each, best], normals * mirror

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.grid_m.reshape(-1, 3))

    @cached_property
    def _triangles_at(self) -> npt.NDArray[np.int32]:
        """(v, 8) starboard triangles that touch each vertex; short rows repeat their first."""
        half = self.faces[: len(self.faces) // 2]
        vertex = half.ravel()
        triangle = np.repeat(np.arange(len(half), dtype=np.int32), 3)
        order = np.argsort(vertex, kind="stable")
        vertex, triangle = vertex[order], triangle[order]
        count = np.bincount(vertex, minlength=self.grid_m.shape[0] * self.grid_m.shape[1])
        first = np.concatenate([[0], np.cumsum(count)[:-1]])
        slot = first[:, None] + np.minimum(np.arange(8), np.maximum(count - 1, 0)[:, None])
        return np.asarray(triangle[np.minimum(slot, len(triangle) - 1)], dtype=np.int32)

    # ---------------------------------------------------------------- integral quantities

    @cached_property
    def wetted_area_m2(self) -> float:
        """Area of both sides below the waterline."""
        wet = self.grid_m[:, self.waterline_row :]
        a, b, c, d = wet[:-1, :-1], wet[1:, :-1], wet[1:, 1:], wet[:-1, 1:]
        first, second = np.cross(d - a, c - a), np.cross(c - a, b - a)
        return float(np.linalg.norm(first, axis=-1).sum() + np.linalg.norm(second, axis=-1).sum())

    @cached_property
    def volume_m3(self) -> float:
        """Displaced volume, both sides, by integrating the section areas along the ship."""
        y, z = self.grid_m[:, self.waterline_row :, 1], self.grid_m[:, self.waterline_row :, 2]
        half_areas = np.trapezoid(y, z, axis=1)
        return float(2 * np.trapezoid(half_areas, self.stations_m))


def _split_at_waterline(section: Array) -> tuple[Array, Array]:
    """The wet part of a (k, 2) half-section and the part above it; either may be a single point."""
    section = np.asarray(section, dtype=np.float64)
    wet = section[:, 1] >= 0
    if wet.all():
        return section, section[:1]
    if not wet.any():
        return section[-1:], section
    first = int(np.argmax(wet))
    if first == 0:
        return section, section[:1]
    above, below = section[first - 1], section[first]
    share = -above[1] / (below[1] - above[1])
    edge = above + share * (below - above)
    edge[1] = 0.0
    return np.vstack([edge, section[first:]]), np.vstack([section[:first], edge])


def _resample(curve: Array, count: int) -> Array:
    """(count, 2) points at equal arc length along a (k, 2) polyline."""
    steps = np.linalg.norm(np.diff(curve, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    if along[-1] < 1e-12:
        return np.repeat(curve[-1:], count, axis=0)
    want = np.linspace(0, along[-1], count)
    return np.column_stack([np.interp(want, along, curve[:, 0]), np.interp(want, along, curve[:, 1])])


def _at_length(curves: Array, along: Array, length: Array) -> Array:
    """(n, d) values of (n, m, d) polylines at (n,) arc lengths."""
    length = np.clip(length, along[:, 0], along[:, -1])
    index = np.clip((along <= length[:, None]).sum(axis=1) - 1, 0, along.shape[1] - 2)
    each = np.arange(len(along))
    span = along[each, index + 1] - along[each, index]
    share = np.where(span > 1e-12, (length - along[each, index]) / np.maximum(span, 1e-12), 0.0)[:, None]
    return np.asarray(curves[each, index] * (1 - share) + curves[each, index + 1] * share, dtype=np.float64)


def _closest_on_triangles(points: Array, corners: Array) -> Array:
    """(n, k, 3) closest points of (n, k, 3, 3) triangles to (n, 1, 3) points.

    The foot on the plane where it lies inside, else the best of the three edges.
    """
    a, b, c = corners[..., 0, :], corners[..., 1, :], corners[..., 2, :]
    ab, ac, ap = b - a, c - a, points - a
    d00, d01, d11 = (ab * ab).sum(-1), (ab * ac).sum(-1), (ac * ac).sum(-1)
    d20, d21 = (ap * ab).sum(-1), (ap * ac).sum(-1)
    scale = np.maximum(d00 * d11 - d01 * d01, 1e-30)
    v, w = (d11 * d20 - d01 * d21) / scale, (d00 * d21 - d01 * d20) / scale
    inside = (v >= 0) & (w >= 0) & (v + w <= 1)
    best = a + v[..., None] * ab + w[..., None] * ac
    distance = np.where(inside, np.linalg.norm(best - points, axis=-1), np.inf)
    for start, end in ((a, b), (b, c), (c, a)):
        step = end - start
        share = ((points - start) * step).sum(-1) / np.maximum((step * step).sum(-1), 1e-30)
        foot = start + np.clip(share, 0, 1)[..., None] * step
        foot_distance = np.linalg.norm(foot - points, axis=-1)
        closer = foot_distance < distance
        best = np.where(closer[..., None], foot, best)
        distance = np.where(closer, foot_distance, distance)
    return np.asarray(best, dtype=np.float64)
