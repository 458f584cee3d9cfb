"""Where a camera stands and where it looks, relative to a point of the hull."""

from __future__ import annotations

import numpy as np

from hullscan.geometry.frames import Array

__all__ = ["looking_at"]


def looking_at(
    point_m: Array,
    normal: Array,
    stand_off_m: float,
    yaw_rad: float = 0.0,
    pitch_rad: float = 0.0,
    roll_rad: float = 0.0,
) -> tuple[Array, Array]:
    """A camera on the outward normal of a hull point, turned away from it by yaw, pitch and roll.

    Returns:
        (3,) position and (3, 3) ship-from-camera rotation (columns: right, down, forward).
    """
    forward = -np.asarray(normal, dtype=np.float64)
    down = np.array([0.0, 0.0, 1.0]) if abs(forward[2]) < 0.95 else np.array([1.0, 0.0, 0.0])
    right = np.cross(down, forward)
    right /= np.linalg.norm(right)
    level = np.stack([right, np.cross(forward, right), forward], axis=1)
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw_rad, pitch_rad, roll_rad) for f in (np.cos, np.sin))
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(point_m + normal * stand_off_m), level @ yaw @ pitch @ roll
