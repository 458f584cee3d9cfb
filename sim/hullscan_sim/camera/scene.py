"""Everything that the camera can see, in the ship frame, ready for rays: hull, solids, sea bed, quay, surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from hullscan.geometry.frames import Array
from hullscan.ship.surface import HullSurface, Side
from hullscan_sim.camera.noise import Image
from hullscan_sim.camera.objects import Material, Solid

__all__ = ["HULL", "NOTHING", "QUAY", "SEA_BED", "Hit", "Scene"]

NOTHING, HULL, SEA_BED, QUAY = -1, 0, -2, -3
"""Object numbers that are no solids; solids count from 1 in the order of ``Scene.solids``."""

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
        material: (n,) index into ``Scene.materials``; 0 for what is no solid.
    """

    object: npt.NDArray[np.int32]
    distance_m: Image
    points_m: Image
    normals: Image
    uv_m: Image
    material: npt.NDArray[np.int32]


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
        self.materials: list[Material] = [Material((0.2, 0.2, 0.2))]
        self._solid_embree: EmbreeScene | None = None
        vertices, faces, attributes, numbers, materials, first = [], [], [], [], [], 0
        self.thin_vertices_m = [_thin_vertices(solid) for solid in solids]
        self.solid_corners_m = np.stack([_box_corners(solid) for solid in solids]) if solids else np.zeros((0, 8, 3))
        for number, solid in enumerate(solids, start=1):
            for part in solid.parts:
                vertices.append(part.mesh.vertices_m)
                faces.append(part.mesh.faces + first)
                attributes.append(np.column_stack([part.mesh.normals, part.mesh.uv_m]))
                numbers.append(np.full(len(part.mesh.faces), number, np.int32))
                materials.append(np.full(len(part.mesh.faces), len(self.materials), np.int32))
                self.materials.append(part.material)
                first += len(part.mesh.vertices_m)
        if vertices:
            self._solid_faces = np.concatenate(faces).astype(np.int32)
            self._solid_attributes = np.concatenate(attributes).astype(np.float32)
            self._solid_number, self._solid_material = np.concatenate(numbers), np.concatenate(materials)
            points = np.concatenate(vertices).astype(np.float32)
            TriangleMesh(self._embree, points, self._solid_faces)
            self._solid_embree = EmbreeScene()
            TriangleMesh(self._solid_embree, points, self._solid_faces)

    def cast(self, origin_m: Array, directions: Image) -> Hit:
        """What rays from one point meet first."""
        count = len(directions)
        origins = np.ascontiguousarray(np.broadcast_to(origin_m, (count, 3)), dtype=np.float32)
        directions = np.ascontiguousarray(directions, dtype=np.float32)
        found = self._embree.run(origins, directions, output=1)
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
            prim = found["primID"][on_solid]
            object_[on_solid], material[on_solid] = self._solid_number[prim], self._solid_material[prim]
            values[on_solid] = _between(self._solid_attributes, self._solid_faces[prim], weights[:, on_solid])
        self._planes(np.asarray(origin_m, dtype=np.float32), directions, object_, distance, values)
        points = np.asarray(origin_m, np.float32) + directions * np.where(np.isfinite(distance), distance, 0)[:, None]
        normals = np.asarray(values[:, :3] / np.maximum(_lengths(values[:, :3]), 1e-9), dtype=np.float32)
        return Hit(object_, distance, points, normals, values[:, 3:], material)

    def _planes(
        self, origin: Image, directions: Image, object_: npt.NDArray[np.int32], distance: Image, values: Image
    ) -> None:
        planes = [(SEA_BED, 2, self.sea_bed_depth_m, (0.0, 0.0, -1.0))]
        if self.quay_y_m is not None:
            planes.append((QUAY, 1, self.quay_y_m, (0.0, -float(np.sign(self.quay_y_m)), 0.0)))
        for number, axis, place, normal in planes:
            speed = directions[:, axis]
            with np.errstate(divide="ignore", invalid="ignore"):
                t = (place - origin[axis]) / speed
            closer = (t > 0.01) & (t < distance) & np.isfinite(t)
            object_[closer], distance[closer] = number, t[closer]
            values[closer, :3] = normal
            across = [index for index in range(3) if index != axis]
            values[closer, 3:] = (
                (origin[across] + directions[closer][:, across] * t[closer][:, None]) if closer.any() else 0
            )

    def shadowed(self, points_m: Image, light_m: Image) -> npt.NDArray[np.bool_]:
        """Whether a solid stands between (n, 3) points and a lamp."""
        if self._solid_embree is None or not len(points_m):
            return np.zeros(len(points_m), bool)
        toward = light_m[None, :] - points_m
        length = _lengths(toward)
        direction = np.ascontiguousarray(toward / length, np.float32)
        start = np.ascontiguousarray(points_m + 0.004 * direction, np.float32)
        blocked = self._solid_embree.run(
            start, direction, dists=(length[:, 0] - 0.02).astype(np.float32), query="OCCLUDED"
        )
        return np.asarray(blocked >= 0, dtype=bool)


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
