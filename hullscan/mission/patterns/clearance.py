"""Distance of the vehicle's box to hull, quay and sea bed, at poses and between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.ship.surface import side_sign

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
    """Distance of the vehicle's box to the hull surface.

    The least of the facing corners and face to the surface, and of the surface's points nearest to them to the box.

    Args:
        poses: (n, 6) x, y, z, yaw, pitch, tilt.

    Returns:
        (n,) distances and (n, 3) unit vectors away from the hull.
    """
    half = np.array(mission.vehicle.half_size_m)
    turned = Rotation.from_euler("ZY", poses[:, 3:5])
    centres = poses[:, :3]
    nearest, far = mission.hull.closest(centres)
    away = (centres - nearest) / np.maximum(far[:, None], 1e-9)
    found, gap = mission.hull.closest(_facing(half, turned, centres, away, 4).reshape(-1, 3))
    offset = np.concatenate([nearest[:, None], found.reshape(len(poses), -1, 3)], axis=1) - centres[:, None]
    inside = (turned.as_matrix().transpose(0, 2, 1)[:, None] @ offset[..., None])[..., 0]
    beyond = np.linalg.norm(np.maximum(np.abs(inside) - half, 0), axis=2)
    return np.minimum(gap.reshape(len(poses), -1).min(axis=1), beyond.min(axis=1)), away


def _facing(half: Array, turned: Rotation, centres: Array, away: Array, count: int) -> Array:
    """(n, count + 1, 3) the box's corners that point to the hull, and the point between them."""
    corners = np.stack([turned.apply(half * corner) for corner in _CORNERS], axis=1)
    depth = (corners * -away[:, None]).sum(axis=2)
    chosen = np.take_along_axis(corners, np.argsort(-depth, axis=1)[:, :count, None], axis=1) + centres[:, None]
    return np.concatenate([chosen, chosen.mean(axis=1, keepdims=True)], axis=1)


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
    """The same of each of several ways, measured all at once."""
    all_poses = [np.concatenate([way, (way[1:] + way[:-1]) / 2]) for way in ways]
    count = np.cumsum([len(each) for each in all_poses])[:-1]
    flat = np.concatenate(all_poses)
    gaps = np.split(hull_gap(mission, flat)[0], count)
    joined = np.concatenate(ways)
    last = np.cumsum([len(way) for way in ways])[:-1] - 1  # from the end of one way to the next nothing is flown
    crossed = np.split(np.delete(crosses_hull(mission, joined), last), np.cumsum([len(way) - 1 for way in ways])[:-1])
    for way, gap, through in zip(ways, gaps, crossed, strict=True):
        gap[len(way) :][through] *= -1
    reach = np.split(_reach(mission, flat), count)
    return [_nearest(mission, *each) for each in zip(all_poses, gaps, reach, strict=True)]


def _nearest(mission: Mission, poses: Array, gap: Array, reach: Array) -> Nearest:
    """To hull, sea bed or quay, of poses with their gaps to the hull."""
    index = int(np.argmin(gap))
    found = [Nearest(float(gap[index]), "hull", poses[index, :3])]
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
