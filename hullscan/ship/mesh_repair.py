"""From triangles as they come to one skin with its normals outward, or a refusal that says why.

Repaired and counted: corners that coincide, empty and doubled triangles, loose and inner parts, normals that point
inward, small holes, a file that holds one side only. Everything is counted in notes for people. Refused: no skin
left, a hole too large to be closed by guessing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from scipy import sparse
from scipy.sparse import csgraph

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.ship.mesh_file import Faces, TriangleSoup
from hullscan.words import mark

__all__ = ["Note", "Skin", "edge_ids", "repaired"]

Note = tuple[str, dict[str, float | str]]
_MERGE = 2e-7  # corners nearer than this share of the size are one: single precision is no finer
_SMALL_PART = 0.03  # parts of less than this share of the area are loose: rudder stocks, anodes, leftovers
_LARGE_HOLE = 0.08  # extent of a hole, as a share of the length, that is not closed by guessing
_ONE_SIDE = 1e-3  # share of the breadth that a one-sided file may reach over the centre line


@dataclass(frozen=True, slots=True)
class Skin:
    """The hull's outer skin.

    Attributes:
        vertices: (v, 3) forward, starboard, up.
        faces: (f, 3) with outward normals.
        notes: what was repaired.
    """

    vertices: Array
    faces: Faces
    notes: tuple[Note, ...]


def repaired(soup: TriangleSoup, closed_below: float, where: str) -> Skin:
    """One outward skin.

    Args:
        soup: forward, starboard, up.
        closed_below: height, as a share of the height of the mesh, below which a hole matters.
        where: the file, for errors.

    Raises:
        InputError: what is there cannot be a hull.
    """
    notes: list[Note] = []
    vertices, faces = _merged(soup, where, notes)
    faces = _without_doubles(faces, notes)
    vertices, faces = _both_sides(vertices, faces, notes)
    faces = _without_fins(faces, notes)
    faces = _main_parts(vertices, faces, notes)
    faces = _outward(vertices, faces, notes)
    vertices, faces = _without_holes(vertices, faces, closed_below, where, notes)
    crowded = int((np.bincount(edge_ids(faces)[0].ravel()) > 2).sum())
    if crowded:
        notes.append((mark("{count} edges join more than two triangles"), {"count": crowded}))
    return Skin(vertices, faces, tuple(notes))


def edge_ids(faces: Faces) -> tuple[Faces, Faces]:
    """(f, 3) number of the edge that runs from corner i to i + 1 of each triangle, and (e, 2) its ends."""
    directed = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    low, high = directed.min(axis=1), directed.max(axis=1)
    base = int(faces.max(initial=0)) + 1
    keys, number = np.unique(low * base + high, return_inverse=True)
    return number.reshape(-1, 3), np.column_stack([keys // base, keys % base])


def _merged(soup: TriangleSoup, where: str, notes: list[Note]) -> tuple[Array, Faces]:
    """Corners that coincide made one, triangles without area left out."""
    low, high = soup.vertices.min(axis=0), soup.vertices.max(axis=0)
    size = float(np.linalg.norm(high - low))
    if not size > 0 or ((high - low) <= 1e-9 * size).any():
        raise InputError("the mesh has no extent in one of its directions", where=where, todo="check axes and scale")
    cell = np.round((soup.vertices - low) / (_MERGE * size)).astype(np.int64)
    span = cell.max(axis=0) + 1
    _, first, number = np.unique(
        (cell[:, 0] * span[1] + cell[:, 1]) * span[2] + cell[:, 2], return_index=True, return_inverse=True
    )
    vertices, faces = soup.vertices[first], number[soup.faces]
    a, b, c = faces.T
    empty = (a == b) | (b == c) | (c == a)
    if empty.any():
        notes.append((mark("{count} empty triangles left out"), {"count": int(empty.sum())}))
    faces = faces[~empty]
    if not len(faces):
        raise InputError("no triangle of the mesh has an area", where=where)
    corners = vertices[faces]
    edges = np.roll(corners, -1, axis=1) - corners
    area2 = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
    thin = int((area2 < 1e-6 * (edges**2).sum(-1).max(axis=1)).sum())
    if thin:
        notes.append((mark("{count} triangles are slivers; they are kept, and have no effect"), {"count": thin}))
    return vertices, faces


def _without_doubles(faces: Faces, notes: list[Note]) -> Faces:
    _, first = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)
    if len(first) < len(faces):
        notes.append((mark("{count} doubled triangles left out"), {"count": len(faces) - len(first)}))
    return faces[np.sort(first)]


def _without_fins(faces: Faces, notes: list[Note]) -> Faces:
    """Triangles that hang on the skin by one edge, which two others share already: they bound no volume."""
    before = len(faces)
    while True:
        edges, _ = edge_ids(faces)
        count = np.bincount(edges.ravel())[edges]
        fins = (count > 2).any(axis=1) & ((count == 1).sum(axis=1) == 2)
        if not fins.any():
            break
        faces = faces[~fins]
    if len(faces) < before:
        message = mark("{count} triangles that hang on by one edge left out")
        notes.append((message, {"count": before - len(faces)}))
    return faces


def _both_sides(vertices: Array, faces: Faces, notes: list[Note]) -> tuple[Array, Faces]:
    """A file that holds one side only is mirrored."""
    low, high = vertices[:, 1].min(), vertices[:, 1].max()
    breadth = max(abs(low), abs(high))
    if min(abs(low), abs(high)) > _ONE_SIDE * breadth:
        return vertices, faces
    notes.append((mark("the file holds one side; the other is its mirror image"), {}))
    flat = vertices.copy()
    flat[np.abs(flat[:, 1]) <= _ONE_SIDE * breadth, 1] = 0.0
    on_centre = flat[:, 1] == 0.0
    other = np.where(on_centre, np.arange(len(flat)), np.arange(len(flat)) + len(flat))
    both = np.concatenate([faces, other[faces[:, ::-1]]])
    flat_faces = np.tile(on_centre, 2)[both].all(axis=1)  # a cut plane along the centre line is no plating
    return np.concatenate([flat, flat * [1, -1, 1]]), both[~flat_faces]


def _areas(vertices: Array, faces: Faces) -> Array:
    corners = vertices[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return np.asarray(np.linalg.norm(cross, axis=1) / 2, dtype=np.float64)


def _main_parts(vertices: Array, faces: Faces, notes: list[Note]) -> Faces:
    """The parts that make the outer skin: neither small and loose nor inside another."""
    graph = sparse.coo_matrix(
        (np.ones(2 * len(faces)), (faces[:, :2].ravel(), faces[:, 1:].ravel())), shape=(len(vertices),) * 2
    )
    _, label = csgraph.connected_components(graph, directed=False)
    part = label[faces[:, 0]]
    area = np.bincount(part, _areas(vertices, faces), minlength=label.max() + 1)
    parts = np.flatnonzero(area > 0)
    if len(parts) < 2:
        return faces
    loose = parts[area[parts] < _SMALL_PART * area.sum()]
    large = np.setdiff1d(parts, loose)
    inner = [number for number in large.tolist() if len(large) > 1 and _is_inside(vertices, faces, part, number, large)]
    for message, found in (
        (mark("{count} loose parts left out, {area:.2f} m² of {whole:.1f} m²"), loose),
        (mark("{count} inner parts left out, {area:.2f} m² of {whole:.1f} m²"), np.array(inner, dtype=np.int64)),
    ):
        if len(found):
            notes.append((message, {"count": len(found), "area": float(area[found].sum()), "whole": float(area.sum())}))
    return faces[np.isin(part, np.setdiff1d(large, inner))]


def _is_inside(
    vertices: Array, faces: Faces, part: npt.NDArray[np.int64], number: int, others: npt.NDArray[np.int64]
) -> bool:
    """Whether other large parts stand round a part on both sides, fore, aft and below."""
    scene = EmbreeScene()
    around = faces[np.isin(part, others) & (part != number)]
    TriangleMesh(scene, vertices.astype(np.float32), around.astype(np.int32))
    corners = vertices[faces[part == number]]
    middles = corners.mean(axis=1)[:: max(len(corners) // 200, 1)]
    ways = np.array([[0, 1, 0], [0, -1, 0], [1, 0, 0], [-1, 0, 0], [0, 0, -1]], dtype=np.float32)
    origins = np.repeat(middles, len(ways), axis=0).astype(np.float32)
    met = scene.run(origins, np.tile(ways, (len(middles), 1)), query="OCCLUDED") >= 0
    return bool(met.reshape(-1, len(ways)).all(axis=1).mean() > 0.98)


def _outward(vertices: Array, faces: Faces, notes: list[Note]) -> Faces:
    """Neighbours made to agree, then each part turned outward."""
    edges, _ = edge_ids(faces)
    order = np.argsort(edges.ravel(), kind="stable")
    edge, face = edges.ravel()[order], np.repeat(np.arange(len(faces)), 3)[order]
    start = faces.ravel()[order]
    count = np.bincount(edge)
    first = np.concatenate([[0], np.cumsum(count)[:-1]])[count == 2]
    left, right = face[first], face[first + 1]
    against = start[first] == start[first + 1]  # both run the edge the same way: one of them is turned round
    pairs = sparse.coo_matrix((np.where(against, 2.0, 1.0), (left, right)), shape=(len(faces),) * 2).tocsr()
    pairs = pairs.maximum(pairs.T).tocsr()
    _, part = csgraph.connected_components(pairs, directed=False)
    turned = np.zeros(len(faces), dtype=bool)
    if against.any():
        turned = _parity(pairs, part)
    agreed = np.where(turned[:, None], faces[:, ::-1], faces)
    corners = vertices[agreed]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    # away from the centre line abreast of it: the sign of the volume, also for a skin that is open above
    axis = np.column_stack(
        [corners[:, :, 0].mean(axis=1), np.zeros(len(corners)), np.full(len(corners), vertices[:, 2].max())]
    )
    outward = ((corners.mean(axis=1) - axis) * normals).sum(axis=1)
    inward = np.bincount(part, outward) < 0
    turned ^= inward[part]
    if turned.any():
        notes.append((mark("{count} triangles had their normals inward and were turned"), {"count": int(turned.sum())}))
    return np.where(turned[:, None], faces[:, ::-1], faces)


def _parity(pairs: sparse.csr_matrix, part: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """(f,) whether a triangle must be turned to agree with the first of its part."""
    parent = np.arange(len(part))
    for root in np.unique(part, return_index=True)[1].tolist():
        reached, before = csgraph.breadth_first_order(pairs, root, directed=False)
        parent[reached[1:]] = before[reached[1:]]
    turn = np.asarray(pairs[np.arange(len(part)), parent]).ravel() == 2.0
    while True:  # the way to the root, in doubling steps
        further = parent[parent]
        turn = turn ^ np.where(parent == further, False, turn[parent])
        if (further == parent).all():
            return np.asarray(turn, dtype=bool)
        parent = further


def _without_holes(
    vertices: Array, faces: Faces, closed_below: float, where: str, notes: list[Note]
) -> tuple[Array, Faces]:
    """Small holes below the waterline closed by a fan; the open top of a hull without a deck stays open."""
    edges, _ = edge_ids(faces)
    single = np.bincount(edges.ravel())[edges] == 1
    starts, ends = faces[single], np.roll(faces, -1, axis=1)[single]
    if not len(starts):
        return vertices, faces
    graph = sparse.coo_matrix((np.ones(len(starts)), (starts, ends)), shape=(len(vertices),) * 2)
    _, label = csgraph.connected_components(graph, directed=False)
    rims, rim = np.unique(label[starts], return_inverse=True)
    height = vertices[:, 2].min() + closed_below * np.ptp(vertices[:, 2])
    lowest = np.full(len(rims), np.inf)
    np.minimum.at(lowest, rim, np.minimum(vertices[starts, 2], vertices[ends, 2]))
    low = np.stack([_of_each(np.minimum, np.inf, rim, len(rims), vertices[starts, axis]) for axis in range(3)], axis=1)
    high = np.stack(
        [_of_each(np.maximum, -np.inf, rim, len(rims), vertices[starts, axis]) for axis in range(3)], axis=1
    )
    extent = np.linalg.norm(high - low, axis=1)
    wet = lowest < height
    length = float(np.ptp(vertices[:, 0]))
    large = wet & (extent > _LARGE_HOLE * length)
    if large.any():
        worst = int(np.argmax(np.where(large, extent, 0)))
        middle = (low[worst] + high[worst]) / 2
        raise InputError(
            f"the mesh has a hole {extent[worst]:.3g} m across below the waterline, about x {middle[0]:.3g}, "
            f"y {middle[1]:.3g}, height {middle[2]:.3g} m",
            where=where,
            todo="close it in the program that made the mesh, or check waterline_m",
        )
    if not wet.any():
        return vertices, faces
    notes.append(
        (
            mark("{count} holes below the waterline closed, the largest {extent:.2f} m across"),
            {"count": int(wet.sum()), "extent": float(extent[wet].max())},
        )
    )
    closes = wet[rim]
    centre_of = np.cumsum(wet) - 1 + len(vertices)
    centres = np.stack([np.bincount(rim, vertices[starts, axis]) / np.bincount(rim) for axis in range(3)], axis=1)[wet]
    fan = np.column_stack([ends[closes], starts[closes], centre_of[rim[closes]]])
    return np.concatenate([vertices, centres]), np.concatenate([faces, fan])


def _of_each(best: np.ufunc, worst: float, group: npt.NDArray[np.int64], count: int, values: Array) -> Array:
    out = np.full(count, worst)
    best.at(out, group, values)
    return out
