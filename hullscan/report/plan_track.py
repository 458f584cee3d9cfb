"""The way of a plan, thinned for drawing: the vehicle, what its camera takes in, and where that is on the shell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Array
from hullscan.mission.patterns import Leg
from hullscan.mission.vehicle import VehicleProfile
from hullscan.ship.surface import HullSurface

__all__ = ["PlanTrack"]

_MOST_POSES = 2400  # of a drawing: half a metre apart on a way of 1.2 km


@dataclass(frozen=True, slots=True)
class PlanTrack:
    """Poses of the vehicle in the order of time.

    Attributes:
        t_s: (n,).
        leg: (n,) index of the leg to which each belongs.
        position_m: (n, 3) ship frame.
        yaw_rad: (n,) in the ship frame.
        view_m: (n, 4, 3) where the corners of the picture fall, top left first and clockwise: on the hull, or at the
            range of sight; ship frame.
        unrolled_m: (n, 2) nearest place of the shell, see ``HullSurface.unroll``.
    """

    t_s: Array
    leg: npt.NDArray[np.intp]
    position_m: Array
    yaw_rad: Array
    view_m: Array
    unrolled_m: Array

    @classmethod
    def of_legs(
        cls, legs: Sequence[Leg], hull: HullSurface, vehicle: VehicleProfile, sight_m: float, most: int = _MOST_POSES
    ) -> PlanTrack:
        """Every so many poses of the legs, the ends of each among them.

        Args:
            sight_m: as far as a view is drawn where it meets no hull.
        """
        every = max(1, int(np.ceil(sum(len(leg.poses) for leg in legs) / most)))
        kept = [np.unique([*range(0, len(leg.poses), every), len(leg.poses) - 1]) for leg in legs]
        poses = np.concatenate([leg.poses[index] for leg, index in zip(legs, kept, strict=True)])
        number = np.repeat(np.arange(len(legs)), [len(index) for index in kept])
        position = poses[:, 1:4]
        nearest, _, _ = hull.nearest(position)
        at = hull.locate(nearest)
        return cls(
            poses[:, 0],
            number,
            position,
            poses[:, 4],
            _views(poses, hull, vehicle, sight_m),
            hull.unroll(at.side, at.station_m, at.girth_m),
        )


def _views(poses: Array, hull: HullSurface, vehicle: VehicleProfile, sight_m: float) -> Array:
    """(n, 4, 3) ends of the rays through the picture's corners."""
    camera = vehicle.camera
    corners = np.array([[0, 0], [camera.width_px, 0], [camera.width_px, camera.height_px], [0, camera.height_px]])
    body = Rotation.from_euler("ZY", poses[:, 4:6])
    mount = vehicle.camera_mount
    eye = poses[:, 1:4] + body.apply(mount.position_m)
    turned = body * mount.rotation * Rotation.from_euler("x", poses[:, 6:7])
    rays = np.stack([turned.apply(ray) for ray in camera.rays_cam(corners.astype(np.float64))], axis=1)
    origins = np.repeat(eye, 4, axis=0)
    reach = np.minimum(hull.cast(origins, rays.reshape(-1, 3), sight_m).distance_m, sight_m)
    return np.asarray((origins + rays.reshape(-1, 3) * reach[:, None]).reshape(-1, 4, 3))
