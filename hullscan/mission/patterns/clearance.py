"""Distance of the vehicle's box to hull, quay and sea bed, at poses and between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.ship.surface import HullSurface, side_sign

__all__ = [
    "Nearest",
    "crosses_hull",
    "hull_gap",
    "nearest_approach",
    "nearest_approaches",
    "quay_face_m",
    "sea_bed_depth_m",
]

_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)
_CHUNK = 4000
_SPACING_M, _MOST_POINTS, _ABOVE_M = 0.1, 400_000, 2.5
_NEARLY_M = 0.03  # places this near to the nearest are measured to the surface itself
_MOST_EXACT = 64


@dataclass(frozen=True, slots=True)
class Nearest:
    """Where a route comes nearest to something.

    Attributes:
        distance_m: of the vehicle's box; negative beyond it.
        of: hull, quay or sea bed.
        at_m: (3,) the vehicle there, ship frame.
    """

    distance_m: float
    of: str
    at_m: Array

    @property
    def place(self) -> str:
        """In words."""
        side = "starboard" if self.at_m[1] >= 0 else "port"
        return f"station {self.at_m[0]:.1f}, {abs(self.at_m[1]):.1f} m to {side}, {self.at_m[2]:.1f} m deep"


def sea_bed_depth_m(mission: Mission) -> float:
    """Depth of the water at the berth."""
    return mission.file.berth.water_depth_m


def quay_face_m(mission: Mission) -> tuple[int, float] | None:
    """Side (+1, -1) and y of the quay's face, ship frame; None where there is no quay."""
    berth = mission.file.berth
    if berth.quay_side is None:
        return None
    sign = side_sign(berth.quay_side)
    return sign, sign * (float(np.abs(mission.hull.vertices_m[:, 1]).max()) + berth.quay_gap_m)


def hull_gap(mission: Mission, poses: Array) -> tuple[Array, Array]:
    """Distance of the vehicle's box to the hull surface, to about a hundredth of a metre.

    The least of the facing corners and face to the surface and of the surface's near points to the box, on a cloud of
    points that covers the surface.

    Args:
        poses: (n, 6) x, y, z, yaw, pitch, tilt.

    Returns:
        (n,) distances and (n, 3) unit vectors away from the hull.
    """
    gaps = [_gap(mission, poses[start : start + _CHUNK]) for start in range(0, len(poses), _CHUNK)]
    return np.concatenate([gap for gap, _ in gaps]), np.concatenate([away for _, away in gaps])


def _gap(mission: Mission, poses: Array) -> tuple[Array, Array]:
    half = np.array(mission.vehicle.half_size_m)
    turned = Rotation.from_euler("ZY", poses[:, 3:5])
    centres = poses[:, :3]
    cloud = _cloud(mission.hull)
    far, near = cloud.query(centres, k=4)
    away = (centres - cloud.data[near[:, 0]]) / np.maximum(far[:, :1], 1e-9)
    chosen = _facing(half, turned, centres, away, 4)
    gap = cloud.query(chosen.reshape(-1, 3))[0].reshape(len(poses), -1).min(axis=1)
    offset = cloud.data[near] - centres[:, None]
    inside = (turned.as_matrix().transpose(0, 2, 1)[:, None] @ offset[..., None])[..., 0]
    beyond = np.maximum(np.abs(inside) - half, 0)
    return np.minimum(gap, np.linalg.norm(beyond, axis=2).min(axis=1)), away


def _facing(half: Array, turned: Rotation, centres: Array, away: Array, count: int) -> Array:
    """(n, count + 1, 3) the box's corners that point to the hull, and the point between them."""
    corners = np.stack([turned.apply(half * corner) for corner in _CORNERS], axis=1)
    depth = (corners * -away[:, None]).sum(axis=2)
    chosen = np.take_along_axis(corners, np.argsort(-depth, axis=1)[:, :count, None], axis=1) + centres[:, None]
    return np.concatenate([chosen, chosen.mean(axis=1, keepdims=True)], axis=1)


def _exact_gap(mission: Mission, poses: Array) -> Array:
    """(n,) distances of the box's corners to the surface itself."""
    if not len(poses):
        return np.zeros(0)
    turned = Rotation.from_euler("ZY", poses[:, 3:5])
    half = np.array(mission.vehicle.half_size_m)
    corners = np.concatenate([turned.apply(half * corner) + poses[:, :3] for corner in _CORNERS])
    return np.asarray(mission.hull.nearest(corners)[1].reshape(len(_CORNERS), -1).min(axis=0), dtype=np.float64)


@lru_cache(maxsize=4)
def _cloud(hull: HullSurface) -> cKDTree:
    """Points all over the surface below and somewhat above the waterline, spaced so that they are not too many."""
    corners = hull.vertices_m[hull.faces]
    corners = corners[corners[..., 2].max(axis=1) > -_ABOVE_M]
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2
    spacing = max(_SPACING_M, float(np.sqrt(area / _MOST_POINTS)))
    pieces = np.ceil(edges / spacing).astype(int)
    points = []
    for count in np.unique(pieces):
        i, j = (each.ravel() for each in np.mgrid[0 : count + 1, 0 : count + 1])
        i, j = i[i + j <= count], j[i + j <= count]
        weights = np.column_stack([count - i - j, i, j]) / count
        points.append(np.einsum("wk,tkx->twx", weights, corners[pieces == count]).reshape(-1, 3))
    cells = np.round(np.concatenate(points) / (spacing / 2)).astype(np.int64)
    _, first = np.unique(cells @ np.array([1, 1 << 20, 1 << 40]), return_index=True)
    return cKDTree(np.concatenate(points)[first], balanced_tree=False, compact_nodes=False)


def crosses_hull(mission: Mission, poses: Array) -> npt.NDArray[np.bool_]:
    """(n - 1,) whether the straight way from each pose to the next goes through the plating."""
    steps = np.diff(poses[:, :3], axis=0)
    length = np.linalg.norm(steps, axis=1)
    moving = length > 1e-6
    crossed = np.zeros(len(steps), bool)
    if moving.any():
        rays = steps[moving] / length[moving, None]
        met = mission.hull.cast(poses[:-1, :3][moving], rays)
        crossed[moving] = met.distance_m < length[moving]
    return crossed


def nearest_approach(mission: Mission, poses: Array) -> Nearest:
    """The nearest that (n, 6) poses, no farther apart than the step, and the way between them come to anything."""
    return nearest_approaches(mission, [poses])[0]


def nearest_approaches(mission: Mission, ways: Sequence[Array]) -> list[Nearest]:
    """The same of each of several ways, measured all at once; of those that are not near, to a hundredth of a metre."""
    all_poses = [np.concatenate([way, (way[1:] + way[:-1]) / 2]) for way in ways]
    count = np.cumsum([len(each) for each in all_poses])[:-1]
    flat = np.concatenate(all_poses)
    gaps = np.split(hull_gap(mission, flat)[0], count)
    joined = np.concatenate(ways)
    last = np.cumsum([len(way) for way in ways])[:-1] - 1  # from the end of one way to the next nothing is flown
    crossed = np.split(np.delete(crosses_hull(mission, joined), last), np.cumsum([len(way) - 1 for way in ways])[:-1])
    for way, gap, through in zip(ways, gaps, crossed, strict=True):
        gap[len(way) :][through] *= -1
    # to the surface itself where it decides: at the nearest of all, and at the limit
    decides = max(min(float(gap.min()) for gap in gaps), mission.file.limits.min_clearance_m) + _NEARLY_M
    nearly = []
    for gap in gaps:
        some = np.argsort(gap)[:_MOST_EXACT]
        least = float(gap[some[0]])
        nearly.append(some[gap[some] < least + _NEARLY_M] if 0 < least < decides else some[:0])
    asked = np.concatenate([poses[some] for poses, some in zip(all_poses, nearly, strict=True)])
    exact = np.split(_exact_gap(mission, asked), np.cumsum([len(some) for some in nearly])[:-1])
    reach = np.split(_reach(mission, flat), count)
    return [
        _nearest(mission, poses, gap, some, to_surface, far)
        for poses, gap, some, to_surface, far in zip(all_poses, gaps, nearly, exact, reach, strict=True)
    ]


def _nearest(
    mission: Mission, poses: Array, gap: Array, nearly: npt.NDArray[np.intp], exact: Array, reach: Array
) -> Nearest:
    """To hull, sea bed or quay, of poses with their gaps by the cloud and, where it matters, to the surface itself."""
    index = int(np.argmin(gap))
    least = float(gap[index])
    if len(nearly):
        index, least = int(nearly[np.argmin(exact)]), min(float(exact.min()), max(least, 0.0) + _NEARLY_M)
    found = [Nearest(least, "hull", poses[index, :3])]
    bed = sea_bed_depth_m(mission) - poses[:, 2] - reach[:, 2]
    index = int(np.argmin(bed))
    found.append(Nearest(float(bed[index]), "sea bed", poses[index, :3]))
    quay = quay_face_m(mission)
    if quay is not None:
        gap = quay[0] * (quay[1] - poses[:, 1]) - reach[:, 1]
        index = int(np.argmin(gap))
        found.append(Nearest(float(gap[index]), "quay", poses[index, :3]))
    return min(found, key=lambda nearest: nearest.distance_m)


def _reach(mission: Mission, poses: Array) -> Array:
    """(n, 3) how far the vehicle's box reaches from its middle along the ship's axes."""
    turned = np.abs(Rotation.from_euler("ZY", poses[:, 3:5]).as_matrix())
    return np.asarray(turned @ np.array(mission.vehicle.half_size_m), dtype=np.float64)
