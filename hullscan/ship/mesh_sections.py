"""Cross-sections of a triangle mesh, all stations at once.

Each triangle that a plane x = station crosses gives one step of an outline. With normals outward, the steps have a
direction, and the end of one is the beginning of exactly one other: outlines are linked lists, put in order by
doubling pointers instead of by walking.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan.ship.mesh_file import Faces
from hullscan.ship.mesh_repair import edge_ids

__all__ = ["MeshCutter", "Outlines"]

Index = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Outlines:
    """Outlines of the starboard side at n stations.

    Attributes:
        pieces: for each station its open outlines, (k, 2) (y, height) each, from the top down; the highest first.
        closed: outlines off the centre line that close on themselves; they are left out.
    """

    pieces: list[list[Array]]
    closed: int


class MeshCutter:
    """A skin that can be cut.

    Args:
        vertices: (v, 3) forward, starboard, up.
        faces: (f, 3) with outward normals.
    """

    def __init__(self, vertices: Array, faces: Faces) -> None:
        self._vertices, self._faces = vertices, faces
        self._edges = edge_ids(faces)[0]
        self._x = vertices[faces, 0]
        self._span = self._x.min(axis=1), self._x.max(axis=1)

    def mirrored(self) -> MeshCutter:
        """The same with its sides exchanged."""
        return MeshCutter(self._vertices * [1, -1, 1], self._faces[:, ::-1])

    def outlines(self, stations_m: Array) -> Outlines:
        """Outlines of the starboard side at (n,) increasing stations."""
        station, begins, ends, start, end = self._steps(stations_m)
        keep = (start[:, 0] > 0) | (end[:, 0] > 0)
        station, begins, ends, start, end = station[keep], begins[keep], ends[keep], start[keep], end[keep]
        before = _predecessors(station, begins, ends)
        # the centre plane cuts outlines open
        comes_in, goes_out = start[:, 0] <= 0, end[:, 0] <= 0
        start, end = _cut(start, end, comes_in), _cut(end, start, goes_out)
        before[comes_in] = -1
        head, rank = _ranked(before)
        closed = head < 0
        order = np.lexsort((rank, head, station))
        order = order[~closed[order]]
        pieces: list[list[Array]] = [[] for _ in range(len(stations_m))]
        if len(order):
            turns = np.flatnonzero(np.diff(head[order])) + 1
            for piece in np.split(order, turns):
                pieces[int(station[piece[0]])].append(np.concatenate([start[piece[:1]], end[piece]]))
        return Outlines([_from_top(found) for found in pieces], len(np.unique(station[closed])))

    def _steps(self, stations_m: Array) -> tuple[Index, Index, Index, Array, Array]:
        """Station, edge and place of beginning and end of every step.

        A corner that lies in a plane counts as ahead of it, so that every triangle is crossed in two edges or none.
        """
        first = np.searchsorted(stations_m, self._span[0], side="right")
        last = np.searchsorted(stations_m, self._span[1], side="right")
        count = last - first
        face = np.repeat(np.arange(len(self._faces)), count)
        station = np.repeat(first, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        ahead = self._x[face] >= stations_m[station][:, None]
        after = np.roll(ahead, -1, axis=1)
        rising, falling = ~ahead & after, ahead & ~after
        crossed = rising.any(axis=1)
        face, station, rising, falling = face[crossed], station[crossed], rising[crossed], falling[crossed]
        places, numbers = [], []
        for side in (rising, falling):
            corner = side.argmax(axis=1)
            one, other = self._faces[face, corner], self._faces[face, (corner + 1) % 3]
            # the same edge gives the same point whichever way it is run
            a, b = self._vertices[np.minimum(one, other)], self._vertices[np.maximum(one, other)]
            share = (stations_m[station] - a[:, 0]) / (b[:, 0] - a[:, 0])
            places.append((a + share[:, None] * (b - a))[:, 1:])
            numbers.append(self._edges[face, corner])
        return station, numbers[0], numbers[1], places[0], places[1]


def _predecessors(station: Index, begins: Index, ends: Index) -> Index:
    """(n,) the step that ends where each begins, -1 for none. Where an edge is shared by more, they pair in order."""
    width = int(max(begins.max(initial=0), ends.max(initial=0))) + 1
    into, out = _numbered(station * width + begins), _numbered(station * width + ends)
    order = np.lexsort((out[1], out[0]))
    crowd = int(max(into[1].max(initial=0), out[1].max(initial=0))) + 1
    sought, known = into[0] * crowd + into[1], (out[0] * crowd + out[1])[order]
    place = np.minimum(np.searchsorted(known, sought), max(len(known) - 1, 0))
    return np.where(known[place] == sought, order[place], -1) if len(known) else np.zeros(0, dtype=np.int64)


def _numbered(keys: Index) -> tuple[Index, Index]:
    """Keys, and of equal ones the how-manieth each is."""
    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    fresh = np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]]) if len(keys) else np.zeros(0, dtype=bool)
    place = np.arange(len(keys))
    rank = np.empty(len(keys), dtype=np.int64)
    rank[order] = place - np.maximum.accumulate(np.where(fresh, place, 0))
    return keys, rank


def _cut(inner: Array, outer: Array, where: npt.NDArray[np.bool_]) -> Array:
    """Ends of steps that lie over the centre plane moved onto it."""
    span = outer[:, 0] - inner[:, 0]
    share = np.where(where, -inner[:, 0] / np.where(np.abs(span) > 1e-300, span, 1.0), 0.0)
    moved = inner + share[:, None] * (outer - inner)
    moved[where, 0] = 0.0
    return np.where(where[:, None], moved, inner)


def _ranked(before: Index) -> tuple[Index, Index]:
    """First step of the list in which each stands, -1 in a ring, and its place in it."""
    own = np.arange(len(before))
    pointer = np.where(before < 0, own, before)
    rank = (before >= 0).astype(np.int64)
    for _ in range(int(np.ceil(np.log2(max(len(before), 2)))) + 1):
        rank = rank + rank[pointer]
        further = pointer[pointer]
        if (further == pointer).all():
            break
        pointer = further
    return np.where(before[pointer] < 0, pointer, -1), rank


def _from_top(pieces: list[Array]) -> list[Array]:
    """Outlines that run down the outside of the ship, the highest first; those that run up bound a hollow in her."""
    outer = [piece for piece in pieces if piece[0, 1] >= piece[-1, 1]]
    return sorted(outer, key=lambda piece: -float(piece[:, 1].max()))
