"""Everything that the camera can see, in the ship frame, ready for rays: hull, solids, sea bed, quay, surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from hullscan.geometry.frames import Array
from hullscan.ship.surface import HullSurface, Side
from hullscan_sim.camera.noise import Image
from hullscan_sim.camera.objects import Material, Part, Solid
from hullscan_sim.camera.shapes import joined

__all__ = ["HULL", "NOTHING", "QUAY", "SEA_BED", "TETHER", "Hit", "Scene"]

NOTHING, HULL, SEA_BED, QUAY, TETHER = -1, 0, -2, -3, -4
"""Object numbers that are no solids; solids count from 1 in the order of ``Scene.solids``."""

_SEEN_M = 12.0  # beyond this nothing is left of an opening in any water that we model
_PILE_M, _PILE_SLANT = 1.2, 0.75  # width of a sheet pile, and how far its flanks face sideways
_PILE_SHADE = np.float32(0.7)  # of the daylight in the pans between
# what a harbour is made of: mud with shells, and a wall of rusty sheet piles
_BED = Material((0.10, 0.15, 0.17), 0.0, 0.8, "broad", fouled=0.12)
_WALL = Material((0.055, 0.085, 0.12), 0.0, 0.7, "broad", fouled=0.42)

SIDES: tuple[Side, Side] = ("starboard", "port")
"""In the order of the hull's vertices."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What n rays meet.

    Attributes:
        object: (n,) number.
        distance_m: (n,) inf for nothing.
        points_m: (n, 3) ship frame.
        normals: (n, 3) outward unit.
        uv_m: (n, 2) page coordinates on the hull (u along, v from the keel), the part's own elsewhere.
        material: (n,) index into ``Scene.materials``; 0 for hull and open water.
        daylight: (n,) share of the daylight that comes there: little behind the plating.
    """

    object: npt.NDArray[np.int32]
    distance_m: Image
    points_m: Image
    normals: Image
    uv_m: Image
    material: npt.NDArray[np.int32]
    daylight: Image


class Scene:
    """Hull and solids with per-vertex attributes, and the planes round them.

    Args:
        hull: the ship.
        solids: parcels, fittings, look-alikes, ship frame.
        sea_bed_depth_m: flat bed.
        quay_y_m: plane of the quay wall in the ship frame (sign gives the side), or None.
        stations_m: leave out the hull beyond these, where a view of a small part is all that is wanted.
    """

    def __init__(
        self,
        hull: HullSurface,
        solids: list[Solid],
        *,
        sea_bed_depth_m: float = 12.0,
        quay_y_m: float | None = None,
        stations_m: tuple[float, float] | None = None,
    ) -> None:
        self.hull, self.solids = hull, solids
        self.sea_bed_depth_m, self.quay_y_m = sea_bed_depth_m, quay_y_m
        self._embree = EmbreeScene()
        self._hull_faces = hull.faces
        if stations_m is not None:
            middle = hull.vertices_m[self._hull_faces[:, 0], 0]
            self._hull_faces = self._hull_faces[(middle >= stations_m[0]) & (middle <= stations_m[1])]
        TriangleMesh(self._embree, hull.vertices_m.astype(np.float32), self._hull_faces)
        stations = hull.vertices_m[:, 0]
        side = np.where(np.arange(len(stations)) < len(stations) // 2, 1.0, -1.0)
        totals = [np.repeat(hull.total_girth(hull.stations_m, name), hull.grid_m.shape[1]) for name in SIDES]
        v = side * (np.concatenate(totals) - hull.vertex_girth_m)
        self._hull_attributes = np.column_stack([hull.vertex_normals, stations, v]).astype(np.float32)
        self.materials: list[Material] = [Material((0.2, 0.2, 0.2)), _BED, _WALL]
        self.thin_vertices_m = [_thin_vertices(solid) for solid in solids]
        self.solid_corners_m = np.stack([_box_corners(solid) for solid in solids]) if solids else np.zeros((0, 8, 3))
        parts = [(number, part) for number, solid in enumerate(solids, start=1) for part in solid.parts]
        self._solids = _Parts(parts, self._embree, len(self.materials))
        self.materials += [part.material for _, part in parts]
        self._shadows = self._behind = None
        if parts:
            self._shadows = EmbreeScene()
            _Parts(parts, self._shadows, 0)
        # behind the plating: rays that go through an opening meet only these
        self._openings = [(solid.opening, n) for n, solid in enumerate(solids, start=1) if solid.opening is not None]
        if self._openings:
            self._behind_embree = EmbreeScene()
            hidden = [(index, each) for index, each in enumerate(parts) if solids[each[0] - 1].behind]
            self._behind = _Parts([each for _, each in hidden], self._behind_embree, 0)
            self._behind.material = np.array([index for index, _ in hidden], np.int32)[self._behind.material] + (
                len(self.materials) - len(parts)
            )

    def cast(self, origin_m: Array, directions: Image) -> Hit:
        """What rays from one point meet first."""
        count = len(directions)
        origins = np.ascontiguousarray(np.broadcast_to(origin_m, (count, 3)), dtype=np.float32)
        directions = np.ascontiguousarray(directions, dtype=np.float32)
        found = self._embree.run(origins, directions, output=1)
        daylight = np.ones(count, np.float32)
        distance = np.where(found["primID"] >= 0, found["tfar"], np.inf).astype(np.float32)
        object_ = np.full(count, NOTHING, np.int32)
        values = np.zeros((count, 5), np.float32)
        values[:, 2] = -1.0
        material = np.zeros(count, np.int32)
        weights = np.stack([1 - found["u"] - found["v"], found["u"], found["v"]])[..., None]
        on_hull = (found["primID"] >= 0) & (found["geomID"] == 0)
        object_[on_hull] = HULL
        corners = self._hull_faces[found["primID"][on_hull]]
        values[on_hull] = _between(self._hull_attributes, corners, weights[:, on_hull])
        on_solid = (found["primID"] >= 0) & (found["geomID"] == 1)
        if on_solid.any():
            object_[on_solid], material[on_solid], values[on_solid] = self._solids.at(found, on_solid)
        if self._openings and on_hull.any():
            self._through(np.asarray(origin_m), directions, object_, distance, values, material, daylight)
        self._planes(np.asarray(origin_m, dtype=np.float32), directions, object_, distance, values, material, daylight)
        points = np.asarray(origin_m, np.float32) + directions * np.where(np.isfinite(distance), distance, 0)[:, None]
        normals = np.asarray(values[:, :3] / np.maximum(_lengths(values[:, :3]), 1e-9), dtype=np.float32)
        return Hit(object_, distance, points, normals, values[:, 3:], material, daylight)

    def _through(
        self,
        origin: Array,
        directions: Image,
        object_: npt.NDArray[np.int32],
        distance: Image,
        values: Image,
        material: npt.NDArray[np.int32],
        daylight: Image,
    ) -> None:
        """Let rays that met the hull where it is open go on behind it."""
        on_hull = np.flatnonzero(object_ == HULL)
        points = np.asarray(origin, np.float32) + directions[on_hull] * distance[on_hull, None]
        for opening, number in self._openings:
            if np.linalg.norm(opening.centre_m - origin) > _SEEN_M:
                continue
            near = np.flatnonzero(_lengths(points - opening.centre_m.astype(np.float32))[:, 0] < opening.reach_m)
            near = near[opening.holds(points[near], values[on_hull[near], 3:])] if len(near) else near
            if not len(near):
                continue
            at, behind = on_hull[near], self._behind
            assert behind is not None
            found = self._behind_embree.run(np.ascontiguousarray(points[near]), directions[at], output=1)
            met = found["primID"] >= 0
            inside = at[met]
            object_[inside], material[inside], values[inside] = behind.at(found, met)
            daylight[at] = 0.4 * np.exp(-np.where(met, found["tfar"], 0) / max(opening.half_m))
            distance[inside] += found["tfar"][met]
            if opening.closed:  # between two faces of its wall
                object_[at[~met]], material[at[~met]] = number, material[inside[0]] if len(inside) else 0
            else:  # right through the ship
                object_[at[~met]], distance[at[~met]], daylight[at[~met]] = NOTHING, np.inf, 1.0

    def _planes(
        self,
        origin: Image,
        directions: Image,
        object_: npt.NDArray[np.int32],
        distance: Image,
        values: Image,
        material: npt.NDArray[np.int32],
        daylight: Image,
    ) -> None:
        planes = [(SEA_BED, 2, self.sea_bed_depth_m, (0.0, 0.0, -1.0))]
        if self.quay_y_m is not None:
            planes.append((QUAY, 1, self.quay_y_m, (0.0, -float(np.sign(self.quay_y_m)), 0.0)))
        for number, axis, place, normal in planes:
            speed = directions[:, axis]
            with np.errstate(divide="ignore", invalid="ignore"):
                t = (place - origin[axis]) / speed
            closer = (t > 0.01) & (t < distance) & np.isfinite(t)
            object_[closer], distance[closer], material[closer] = number, t[closer], -1 - number
            values[closer, :3] = normal
            across = [index for index in range(3) if index != axis]
            values[closer, 3:] = (
                (origin[across] + directions[closer][:, across] * t[closer][:, None]) if closer.any() else 0
            )
            if number == QUAY and closer.any():
                share = (values[closer, 3] / _PILE_M) % 1.0
                flank = (share < 0.17).astype(np.float32) - ((share > 0.5) & (share < 0.67))
                values[closer, 0] = _PILE_SLANT * flank
                daylight[closer] = np.where((share >= 0.17) & (share <= 0.5), _PILE_SHADE, np.float32(1.0))

    def shadowed(self, points_m: Image, light_m: Image) -> npt.NDArray[np.bool_]:
        """Whether a solid stands between (n, 3) points and a lamp."""
        if self._shadows is None or not len(points_m):
            return np.zeros(len(points_m), bool)
        toward = light_m[None, :] - points_m
        length = _lengths(toward)
        direction = np.ascontiguousarray(toward / length, np.float32)
        start = np.ascontiguousarray(points_m + 0.004 * direction, np.float32)
        blocked = self._shadows.run(start, direction, dists=(length[:, 0] - 0.02).astype(np.float32), query="OCCLUDED")
        return np.asarray(blocked >= 0, dtype=bool)


class _Parts:
    """Parts of solids in an Embree scene, with what is known of each triangle.

    Args:
        parts: each with the number of its solid.
        embree: the scene that they are put into.
        first_material: index of the first part's material.
    """

    def __init__(self, parts: list[tuple[int, Part]], embree: EmbreeScene, first_material: int) -> None:
        if not parts:
            return
        meshes = [part.mesh for _, part in parts]
        whole = joined(meshes)
        counts = [len(mesh.faces) for mesh in meshes]
        self._faces = whole.faces
        self._attributes = np.column_stack([whole.normals, whole.uv_m]).astype(np.float32)
        self._number = np.repeat([number for number, _ in parts], counts).astype(np.int32)
        self.material = np.repeat(np.arange(len(parts)) + first_material, counts).astype(np.int32)
        TriangleMesh(embree, whole.vertices_m.astype(np.float32), self._faces)

    def at(
        self, found: dict[str, Any], which: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Image]:
        """Numbers, materials, and normals with surface coordinates (n, 5), of those rays that met a part."""
        prim, u, v = found["primID"][which], found["u"][which], found["v"][which]
        weights = np.stack([1 - u - v, u, v])[..., None]
        return self._number[prim], self.material[prim], _between(self._attributes, self._faces[prim], weights)


def _between(attributes: Image, corners: npt.NDArray[np.int32], weights: Image) -> Image:
    """(n, k) values in n triangles by barycentric weights (3, n, 1); written out, as sums over three are slow."""
    a, b, c = corners.T
    return np.asarray(attributes[a] * weights[0] + attributes[b] * weights[1] + attributes[c] * weights[2])


def _lengths(vectors: Image) -> Image:
    """(n, 1) lengths of (n, 3) vectors."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None])


def _thin_vertices(solid: Solid) -> Array:
    """(n, 3) vertices of the parts that rays a few centimetres apart would miss."""
    thin = [part.mesh.vertices_m for part in solid.parts if part.mesh.thin]
    return np.concatenate(thin) if thin else np.zeros((0, 3))


def _box_corners(solid: Solid) -> Array:
    """(8, 3) corners of the box round a solid, along the axes of the ship."""
    vertices = np.concatenate([part.mesh.vertices_m for part in solid.parts])
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    choose = np.array([[i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(8)])
    return np.asarray(np.where(choose == 1, high, low), dtype=np.float64)
