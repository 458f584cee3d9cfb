"""Room between the vehicle's box and the hull, and how poses are moved off where there is too little."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Array
from hullscan.mission.vehicle import VehicleProfile
from hullscan.search.cells import HullCells
from hullscan.ship.surface import HullSurface

__all__ = ["hull_gaps", "least_gap", "moved_off", "near_hull"]

_ROUNDS = 5
_INSIDE_M = 0.5
_EDGE_M = 0.05
_CELL_REACH_M = 0.2  # no point of a cell is farther from its centre
_SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)


def hull_gaps(hull: HullSurface, vehicle: VehicleProfile, poses: Array) -> tuple[Array, Array]:
    """(n,) distance of the box's nearest corner to the hull at (n, 6) poses, and (n, 3) unit vectors away from it."""
    turned = Rotation.from_euler("ZY", poses[:, 3:5])
    corners = np.stack([turned.apply(np.array(vehicle.half_size_m) * sign) + poses[:, :3] for sign in _SIGNS], axis=1)
    found, distance, normals = hull.nearest(corners.reshape(-1, 3))
    away = corners - found.reshape(corners.shape)
    normals, distance = normals.reshape(corners.shape), distance.reshape(corners.shape[:2])
    # a corner inside the hull is nearest to what it must pass on its way out; far off, at stem and stern, the normal
    # of the nearest point says nothing
    inside = ((away * normals).sum(axis=2) < 0) & (distance < _INSIDE_M)
    gap = np.where(inside, -distance, distance)
    worst, each = gap.argmin(axis=1), np.arange(len(poses))
    length = np.linalg.norm(away[each, worst], axis=1, keepdims=True)
    outward = np.where(length > 1e-6, away[each, worst] / np.maximum(length, 1e-9), normals[each, worst])
    return gap[each, worst], np.where(inside[each, worst][:, None], normals[each, worst], outward)


def near_hull(cells: HullCells, vehicle: VehicleProfile, poses: Array, least_m: float) -> npt.NDArray[np.bool_]:
    """(n,) whether the box may come nearer than a distance at (n, 6) poses, by the nearest cell: quick, and safe."""
    reach_m = float(np.linalg.norm(vehicle.half_size_m))
    middle, _ = cells.tree.query(poses[:, :3], distance_upper_bound=least_m + reach_m + _CELL_REACH_M)
    close = np.isfinite(middle)
    turned = Rotation.from_euler("ZY", poses[close, 3:5])
    corners = np.stack([turned.apply(np.array(vehicle.half_size_m) * sign) for sign in _SIGNS]) + poses[close, :3]
    distance = cells.tree.query(corners.reshape(-1, 3))[0].reshape(len(_SIGNS), -1).min(axis=0)
    near = close.copy()
    # the foot of a perpendicular lies within reach of a centre; the rest is for edges, where there is none
    near[close] = distance < np.hypot(least_m, _CELL_REACH_M) + _EDGE_M
    return np.asarray(near, dtype=bool)


def least_gap(cells: HullCells, vehicle: VehicleProfile, poses: Array) -> float:
    """Least distance of the vehicle's box to the hull over (n, 6) poses; infinite beyond two metres."""
    for least_m in (0.5, 2.0):
        near = near_hull(cells, vehicle, poses, least_m)
        if near.any() and (gap := float(hull_gaps(cells.hull, vehicle, poses[near])[0].min())) < least_m:
            return gap
    return float("inf")


def moved_off(
    cells: HullCells, vehicle: VehicleProfile, poses: Array, least_m: float, depths_m: tuple[float, float]
) -> Array:
    """(n, 6) poses moved away from the hull as far as the clearance asks, between two depths."""
    poses = poses.copy()
    for _ in range(_ROUNDS):
        near = np.flatnonzero(near_hull(cells, vehicle, poses, least_m))
        if not len(near):
            break
        gap, away = hull_gaps(cells.hull, vehicle, poses[near])
        short = np.maximum(least_m - gap, 0.0)
        if not short.any():
            break
        poses[near, :3] += away * short[:, None]
        poses[:, 2] = np.clip(poses[:, 2], depths_m[0], max(depths_m))
    return poses
