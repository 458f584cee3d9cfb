"""What stands out of the plating as rays and the vehicle's box meet it.

Rays meet the triangles. For contact the faces are sampled as small discs; of thin things, which the box might
straddle, only the faces that look at the vehicle's middle are touched, so that it is never pulled through.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.spatial import cKDTree

from hullscan.geometry.frames import Array
from hullscan.ship.ray_mesh import Hits, RayMesh
from hullscan.ship.surface import HullSurface
from hullscan_sim import appendages
from hullscan_sim.camera.shapes import Mesh, joined
from hullscan_sim.dynamics import SIZE_M
from hullscan_sim.fitted import FittedShip

__all__ = ["Obstacles"]

_SPACING_M, _RADIUS_M = 0.07, 0.05
_CLOSE_M = 0.25
_MOST_CUTS = 400
_HALF_DIAGONAL_M = float(np.linalg.norm(SIZE_M)) / 2


class Obstacles:
    """Rudder, propeller and bilge keels of one ship, ship frame.

    Args:
        hull: the ship.
        fitted: what is fitted to her.

    Attributes:
        box_points_m: (k, 3) points over the vehicle's box, close enough to each other that no edge slips between.
    """

    def __init__(self, hull: HullSurface, fitted: FittedShip) -> None:
        meshes = [piece for keel in fitted.keels for piece in appendages.bilge_keel(hull, keel.fitting)]
        if (gear := fitted.gear) is not None:
            meshes += [
                appendages.rudder(gear),
                appendages.stock(gear, hull),
                appendages.sole_piece(gear),
                appendages.shaft_boss(gear),
                appendages.propeller(gear, fitted.blades_rad),
            ]
        self.box_points_m = _box_points()
        self._rays: RayMesh | None = None
        if not meshes:
            return
        whole = joined(meshes)
        self._rays = RayMesh(whole.vertices_m, whole.faces, whole.normals)
        self._points, self._normals = _discs(whole)
        self._tree = cKDTree(self._points)

    def cast(self, origins_m: Array, directions: Array, max_range_m: float) -> Hits | None:
        """Where (n, 3) rays first meet one; None when there is none on this ship."""
        return None if self._rays is None else self._rays.cast(origins_m, directions, max_range_m)

    def room(self, points_m: Array, within_m: float) -> float:
        """From the nearest of (n, 3) points of the vehicle's box to the nearest disc's middle; inf beyond a distance.

        Args:
            within_m: how far it matters: search in a tree is dear for what is far away.
        """
        if self._rays is None:
            return float("inf")
        reach = within_m + _HALF_DIAGONAL_M
        if not np.isfinite(self._tree.query(points_m.mean(axis=0), distance_upper_bound=reach)[0]):
            return float("inf")
        return float(self._tree.query(points_m, distance_upper_bound=max(within_m, _CLOSE_M))[0].min())

    def nearest(self, middle_m: Array, points_m: Array) -> tuple[Array, Array]:
        """Of (n, 3) points of the vehicle's box: (n,) signed distances and (n, 3) outward normals.

        Args:
            middle_m: (3,) of the vehicle; faces that look away from it do not count.
        """
        reach = float(np.linalg.norm(points_m - middle_m, axis=1).max()) + _CLOSE_M
        near = np.array(self._tree.query_ball_point(middle_m, reach), dtype=np.intp)
        toward = middle_m - self._points[near]
        near = near[(toward * self._normals[near]).sum(axis=1) > 0] if len(near) else near
        if not len(near):
            return np.full(len(points_m), np.inf), np.tile([0.0, 0.0, 1.0], (len(points_m), 1))
        offset = points_m[:, None] - self._points[near]
        chosen = (offset * offset).sum(axis=2).argmin(axis=1)
        offset = offset[np.arange(len(points_m)), chosen]
        normal = self._normals[near[chosen]]
        height = (offset * normal).sum(axis=1)
        beside = np.sqrt(np.maximum((offset * offset).sum(axis=1) - height * height, 0.0))
        over = np.maximum(beside - _RADIUS_M, 0.0)
        return np.where(over > 0, np.hypot(height, over), height), normal


def _box_points() -> Array:
    """Lattice over the faces of the vehicle's box, 7 cm apart or less."""
    axes = [np.linspace(-0.5, 0.5, 2 + int(size / _SPACING_M)) for size in SIZE_M]
    on_a_face = [point for point in product(*axes) if max(map(abs, point)) > 0.499]
    return np.asarray(np.array(on_a_face) * np.array(SIZE_M), dtype=np.float64)


def _discs(mesh: Mesh) -> tuple[Array, Array]:
    """(n, 3) middles and normals of discs over all faces, by cutting each triangle into equal parts."""
    corners, normals = mesh.vertices_m[mesh.faces], mesh.normals[mesh.faces]
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    cuts = np.clip(np.ceil(edges.max(axis=1) / _SPACING_M), 1, _MOST_CUTS).astype(int)
    points, facing = [], []
    for count in np.unique(cuts):
        which = cuts == count
        i, j = np.meshgrid(np.arange(count), np.arange(count), indexing="ij")
        i, j = i[i + j < count], j[i + j < count]
        u, v = (i + 1 / 3) / count, (j + 1 / 3) / count
        weights = np.stack([1 - u - v, u, v], axis=1)
        points.append(np.einsum("kw,fwi->fki", weights, corners[which]).reshape(-1, 3))
        facing.append(np.einsum("kw,fwi->fki", weights, normals[which]).reshape(-1, 3))
    middles, outward = np.concatenate(points), np.concatenate(facing)
    # one disc a cell and way it faces: foils and blades have many small triangles
    axis = np.abs(outward).argmax(axis=1)
    way = np.sign(np.take_along_axis(outward, axis[:, None], axis=1)[:, 0]).astype(np.int64) * (axis + 1)
    cells = np.round(middles / (0.6 * _SPACING_M)).astype(np.int64)
    _, kept = np.unique(np.column_stack([cells, way]), axis=0, return_index=True)
    outward = outward[kept] / np.maximum(np.linalg.norm(outward[kept], axis=1, keepdims=True), 1e-9)
    return middles[kept], outward
