"""Rays against triangles with smooth normals, by Embree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from hullscan.geometry.frames import Array

__all__ = ["Hits", "RayMesh", "creased_normals"]

_CREASE_COS = float(np.cos(np.radians(30)))


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


@dataclass(frozen=True, eq=False)
class RayMesh:
    """Triangles that rays can meet.

    Attributes:
        vertices_m: (v, 3) ship frame.
        faces: (f, 3) outward.
        normals: (v, 3) of the vertices, or (f, 3, 3) of the corners of each triangle.
    """

    vertices_m: Array
    faces: npt.NDArray[np.int32]
    normals: Array

    @cached_property
    def _embree(self) -> EmbreeScene:
        scene = EmbreeScene()
        TriangleMesh(scene, self.vertices_m.astype(np.float32), self.faces)
        return scene

    def cast(self, origins_m: Array, directions: Array, max_range_m: float) -> Hits:
        """Where (n, 3) rays with unit directions first meet a triangle."""
        origins = np.ascontiguousarray(np.broadcast_to(origins_m, directions.shape), dtype=np.float32)
        rays = np.ascontiguousarray(directions, dtype=np.float32)
        found = self._embree.run(origins, rays, output=1)
        distance = found["tfar"].astype(np.float64)
        hit = (found["primID"] >= 0) & (distance <= max_range_m)
        face = np.where(hit, found["primID"], 0)
        corners = self.faces[face]
        u, v = found["u"][:, None].astype(np.float64), found["v"][:, None].astype(np.float64)
        weights = np.stack([1 - u - v, u, v], axis=1)
        points = (self.vertices_m[corners] * weights).sum(axis=1)
        at_corners = self.normals[corners] if self.normals.ndim == 2 else self.normals[face]
        normals = (at_corners * weights).sum(axis=1)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        points[~hit], normals[~hit], distance[~hit] = np.nan, np.nan, np.inf
        return Hits(hit, distance, points, normals)


def creased_normals(vertices_m: Array, faces: npt.NDArray[np.int32]) -> Array:
    """(f, 3, 3) normals at the corners of triangles: smooth, but not round an edge of more than 30 degrees."""
    corners = vertices_m[faces]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    smooth = np.stack(
        [np.bincount(faces.ravel(), np.repeat(flat[:, axis], 3), minlength=len(vertices_m)) for axis in range(3)],
        axis=1,
    )
    smooth = smooth / np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-30)
    own = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-30)
    at_corners = smooth[faces]
    near = np.einsum("fki,fi->fk", at_corners, own) > _CREASE_COS
    return np.asarray(np.where(near[..., None], at_corners, own[:, None, :]), dtype=np.float64)
