"""What is not as the drawings and the vehicle's profile say: fittings on the ship, the camera on the vehicle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Array, Pose
from hullscan.ship.fittings import Fitting
from hullscan.ship.spec import Ship

__all__ = ["mount_as_fitted", "mount_error", "ship_as_built"]

_READ_OFF = ("anode", "outlet", "sea_chest")
"""Kinds whose places are read off a plan; keels, tunnels and marks of blocks are where the hull has them."""
_LEAST_DEPTH_M = 0.1


def ship_as_built(ship: Ship, rms_m: float, seed: int) -> Ship:
    """A ship whose anodes, outlets and sea chests sit beside their drawn places, along her and up and down.

    Args:
        rms_m: of each of the two. A plan tells a place by frame number and level, and anodes are welded anew at each
            docking.
    """
    rng = np.random.default_rng([seed, 29])

    def built(fitting: Fitting) -> Fitting:
        along, down = (rms_m * rng.normal(size=2)).tolist()
        if fitting.kind not in _READ_OFF:
            return fitting
        depth = max(fitting.depth_m + down, _LEAST_DEPTH_M)
        return replace(fitting, station_m=fitting.station_m + along, depth_m=depth)

    return replace(ship, fittings=tuple(built(each) for each in ship.fittings))


def mount_error(turn_deg: float, move_m: float, seed: int) -> tuple[Array, Array]:
    """(3,) rotation vector, rad, and (3,) shift, m, in frd, by which the camera sits otherwise than its profile says.

    Args:
        turn_deg, move_m: root mean squares about and along each axis.
    """
    turned, moved = np.random.default_rng([seed, 31]).normal(size=(2, 3))
    return np.radians(turn_deg) * turned, move_m * moved


def mount_as_fitted(mount: Pose, turned_rad: Array, moved_m: Array) -> Pose:
    """A mount, frd from camera, with such an error."""
    return Pose(mount.position_m + moved_m, Rotation.from_rotvec(turned_rad) * mount.rotation)
