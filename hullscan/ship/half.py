"""One side of the hull: a grid of sections by rows, y positive outward, and everything measured on it.

A section is a polyline in its plane x = station. It need not be star-shaped, nor in one piece: where a bulb or a
stern boss stands free of the hull above it, the step of the polyline that jumps from one piece to the next is a
gap. A gap is no plating and has no girth, so that point and girth stay tied one to one on every piece.
"""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import igl
import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan.ship.curves import at_length

__all__ = ["HullHalf"]

_CHUNK = 4096
"""Points asked about at a time: each needs its whole section, a large hull has half a million cells."""


_WITH_TREE: weakref.WeakSet[HullHalf] = weakref.WeakSet()


@atexit.register
def _drop_trees() -> None:
    """Before the interpreter ends: the library complains on stderr of trees that outlive it in some cache."""
    for half in list(_WITH_TREE):
        half.__dict__.pop("_boxes", None)


def _axes(spoke: Array) -> tuple[Array, Array]:
    """Unit vectors (y, z) along a step from the centre line outward, and square to it down the centre line."""
    out = spoke / max(float(np.linalg.norm(spoke)), 1e-12)
    return out, np.array([-out[1], out[0]])


@dataclass(frozen=True, eq=False)
class HullHalf:
    """One side as if it were the starboard side.

    Attributes:
        stations_m: (n,) increasing.
        grid_m: (n, m, 3) rows run from the top edge down to the centre line.
        waterline_row: row that lies at the waterline.
        gaps: (n, m - 1) steps between rows that are no plating; None where there is none.
        flat_ends: whether the first and the last step between stations is a plate across the ship (a transom).
    """

    stations_m: Array
    grid_m: Array
    waterline_row: int
    gaps: npt.NDArray[np.bool_] | None = None
    flat_ends: tuple[bool, bool] = (False, False)

    # ---------------------------------------------------------------- coordinates

    def point(self, station_m: Array, girth_m: Array) -> Array:
        """(n, 3) points; coordinates beyond the surface are clipped to its edge."""
        return self._in_chunks(self._point, station_m, girth_m)

    def _point(self, station_m: Array, girth_m: Array) -> Array:
        section, along, _ = self.sections(station_m)
        return at_length(section, along, girth_m)

    def normal(self, station_m: Array, girth_m: Array) -> Array:
        """(n, 3) outward normals, not of unit length."""
        return self._in_chunks(self._normal, station_m, girth_m)

    def _normal(self, station_m: Array, girth_m: Array) -> Array:
        _, along, weight = self.sections(station_m)
        index = self.index(station_m)[0]
        normals = self.vertex_normals[index] * (1 - weight) + self.vertex_normals[index + 1] * weight
        return at_length(normals, along, girth_m)

    def locate(self, points_m: Array) -> tuple[Array, Array, Array]:
        """Station, girth and distance in the plane of the section, (n,) each, of (n, 3) points."""
        stations = self._on_flat_ends(points_m)
        located = self._in_chunks(self._locate, points_m, stations)
        return located[:, 0], located[:, 1], located[:, 2]

    def _locate(self, points_m: Array, stations: Array) -> Array:
        section, along, _ = self.sections(stations)
        start, step = section[:, :-1, 1:], np.diff(section[:, :, 1:], axis=1)
        aim = points_m[:, None, 1:] - start
        length2 = np.maximum((step**2).sum(-1), 1e-18)
        share = np.clip((aim * step).sum(-1) / length2, 0, 1)
        distance2 = ((aim - share[..., None] * step) ** 2).sum(-1)
        if self.gaps is not None:
            distance2 = np.where(self._gaps_at(stations), np.inf, distance2)
        best = np.argmin(distance2, axis=1)
        each = np.arange(len(points_m))
        girth = along[each, best] + share[each, best] * (along[each, best + 1] - along[each, best])
        station = np.clip(stations, self.stations_m[0], self.stations_m[-1])
        return np.column_stack([station, girth, np.sqrt(distance2[each, best])])

    @staticmethod
    def _in_chunks(ask: Callable[[Array, Array], Array], first: Array, second: Array) -> Array:
        """The answers to any number of questions, some thousands at a time."""
        first, second = np.atleast_1d(np.asarray(first, np.float64)), np.atleast_1d(np.asarray(second, np.float64))
        count = max(len(first), len(second))
        if count <= _CHUNK:
            return ask(first, second)
        first, second = (np.broadcast_to(part, (count, *part.shape[1:])) for part in (first, second))
        return np.concatenate(
            [ask(first[at : at + _CHUNK], second[at : at + _CHUNK]) for at in range(0, count, _CHUNK)]
        )

    def _on_flat_ends(self, points_m: Array) -> Array:
        """(n,) stations, those of points on a flat end resolved by how far they are from its edge.

        A flat end is the surface between its edge and the centre line, a few millimetres aft (forward) of it: the
        share of the way from the one to the other gives the station.
        """
        stations: Array = points_m[:, 0]
        for end, flat in zip((0, -1), self.flat_ends, strict=True):
            if not flat:
                continue
            inner = self.stations_m[1 if end == 0 else -2]
            thick = self.stations_m[end] - inner
            on = (points_m[:, 0] - inner) / thick > -0.5
            if not on.any():
                continue
            edge = self.grid_m[1 if end == 0 else -2, :, 1:]
            # rows run to the centre line square to it, which leans with the ship's list
            spokes = edge - self.grid_m[end, :, 1:]
            athwart, down = _axes(spokes[np.argmax((spokes**2).sum(axis=1))])
            order = np.argsort(edge @ down, kind="stable")
            breadth = np.interp(points_m[on, 1:] @ down, (edge @ down)[order], (edge @ athwart)[order])
            share = np.where(breadth > 1e-9, points_m[on, 1:] @ athwart / np.maximum(breadth, 1e-9), 1.0)
            stations = stations.copy()
            stations[on] = inner + thick * np.clip(1 - share, 0, 1)
        return stations

    def girth_to_depth(self, station_m: Array, depth_m: Array) -> Array:
        """(n,) girth at which the section first reaches a depth; its end where it never does."""
        section, along, _ = self.sections(station_m)
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
        return self._in_chunks(lambda station, _: self.sections(station)[1][:, -1], station_m, np.zeros(1))

    def keel_depth(self, station_m: Array) -> Array:
        """(n,) greatest depth of the section."""
        return np.asarray(self.sections(np.atleast_1d(station_m))[0][:, :, 2].max(axis=1), dtype=np.float64)

    def index(self, station_m: Array) -> tuple[npt.NDArray[np.intp], Array]:
        """Section abaft each station, and the weight of the one ahead."""
        station = np.clip(np.atleast_1d(station_m), self.stations_m[0], self.stations_m[-1])
        index = np.clip(np.searchsorted(self.stations_m, station, side="right") - 1, 0, len(self.stations_m) - 2)
        weight = (station - self.stations_m[index]) / np.diff(self.stations_m)[index]
        return index, np.asarray(weight, dtype=np.float64)

    def sections(self, station_m: Array) -> tuple[Array, Array, Array]:
        """(n, m, 3) section curves, (n, m) their girth, (n, 1, 1) weight of the section ahead."""
        index, weight = self.index(station_m)
        w = weight[:, None, None]
        section = self.grid_m[index] * (1 - w) + self.grid_m[index + 1] * w
        steps = np.linalg.norm(np.diff(section[:, :, 1:], axis=1), axis=2)
        if self.gaps is not None:
            steps[self._gaps_at(station_m)] = 0.0
        along = np.concatenate([np.zeros((len(section), 1)), np.cumsum(steps, axis=1)], axis=1)
        return section, along - along[:, self.waterline_row : self.waterline_row + 1], w

    def _gaps_at(self, station_m: Array) -> npt.NDArray[np.bool_]:
        """(n, m - 1) gaps of the sections at stations: what is a gap on either side is one between."""
        index = self.index(station_m)[0]
        assert self.gaps is not None  # callers ask first
        return np.asarray(self.gaps[index] | self.gaps[index + 1], dtype=bool)

    # ---------------------------------------------------------------- mesh

    @cached_property
    def faces(self) -> npt.NDArray[np.int32]:
        """(f, 3) outward triangles, without empty ones and gaps."""
        rows = self.grid_m.shape[1]
        index = np.arange(self.grid_m.shape[0] * rows, dtype=np.int32).reshape(-1, rows)
        a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
        quads = np.stack([a, d, c, a, c, b], axis=-1)
        if self.gaps is not None:
            quads = quads[~(self.gaps[:-1] | self.gaps[1:])]
        triangles = quads.reshape(-1, 3)
        corners = self.grid_m.reshape(-1, 3)[triangles]
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        return np.asarray(triangles[area > 1e-10], dtype=np.int32)

    @cached_property
    def vertex_normals(self) -> Array:
        """(n, m, 3) outward, of unit length."""
        along_ship = np.gradient(self.grid_m, self.stations_m, axis=0)
        down = self._down()
        normals = np.cross(down, along_ship)
        length = np.linalg.norm(normals, axis=2, keepdims=True)
        fallback = np.broadcast_to([0.0, 1.0, 0.0], normals.shape)
        return np.where(length > 1e-12, normals / np.maximum(length, 1e-12), fallback)

    def _down(self) -> Array:
        """(n, m, 3) direction of the section; beside a gap from the plating's side alone."""
        down = np.gradient(self.grid_m, axis=1)
        if self.gaps is None:
            return down
        steps = np.diff(self.grid_m, axis=1)
        lower, upper = self.gaps[:, 1:], self.gaps[:, :-1]  # of the inner rows: the step below, the step above
        inner = down[:, 1:-1]
        inner = np.where((lower & ~upper)[..., None], steps[:, :-1], inner)
        inner = np.where((upper & ~lower)[..., None], steps[:, 1:], inner)
        return np.concatenate([down[:, :1], inner, down[:, -1:]], axis=1)

    def nearest(self, points_m: Array) -> tuple[Array, Array]:
        """Closest points (n, 3) of this side to (n, 3) points, and their distances (n,)."""
        tree, vertices, faces = self._boxes
        squared, _, closest = tree.squared_distance(vertices, faces, np.ascontiguousarray(points_m, dtype=np.float64))
        return closest.reshape(-1, 3), np.sqrt(squared).reshape(-1)

    @cached_property
    def _boxes(self) -> tuple[igl.AABB, Array, npt.NDArray[np.int64]]:
        """Tree of boxes about the triangles, and the triangles."""
        vertices = np.ascontiguousarray(self.grid_m.reshape(-1, 3), dtype=np.float64)
        faces = np.ascontiguousarray(self.faces, dtype=np.int64)
        tree = igl.AABB()
        tree.init(vertices, faces)
        _WITH_TREE.add(self)
        return tree, vertices, faces

    # ---------------------------------------------------------------- integral quantities

    @property
    def wetted_area_m2(self) -> float:
        """Area below the waterline, flat ends included."""
        return float(self.strip_areas_m2.sum())

    @property
    def flat_end_area_m2(self) -> float:
        """Area below the waterline of the plates across the ends."""
        return float(self.strip_areas_m2[0] * self.flat_ends[0] + self.strip_areas_m2[-1] * self.flat_ends[1])

    @cached_property
    def strip_areas_m2(self) -> Array:
        """(n - 1,) area below the waterline of the plating between each station and the next."""
        wet = self.grid_m[:, self.waterline_row :]
        a, b, c, d = wet[:-1, :-1], wet[1:, :-1], wet[1:, 1:], wet[:-1, 1:]
        areas = np.linalg.norm(np.cross(d - a, c - a), axis=-1) + np.linalg.norm(np.cross(c - a, b - a), axis=-1)
        if self.gaps is not None:
            below = self.gaps[:, self.waterline_row :]
            areas = np.where(below[:-1] | below[1:], 0.0, areas)
        return np.asarray(areas.sum(axis=1) / 2, dtype=np.float64)

    @cached_property
    def section_areas_m2(self) -> Array:
        """(n,) wetted area of each section on this side of the centre plane."""
        y, z = self.grid_m[:, self.waterline_row :, 1], self.grid_m[:, self.waterline_row :, 2]
        return np.asarray(np.trapezoid(y, z, axis=1), dtype=np.float64)
