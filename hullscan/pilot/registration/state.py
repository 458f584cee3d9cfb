"""The state of the registration, and what it says about the ship's pose.

====  ==============  ==========================================================================
no.   name            meaning
====  ==============  ==========================================================================
0, 1  along, across   place of the vehicle, ship frame, m
2     heading         of the ship in the vehicle's local frame, rad; a turned compass changes it
3     waterline       height of her waterline at her middle in the vehicle's local frame, down, m
4     gyro bias       rad/s
5     scale           share by which velocities are too small
6, 7  trim, list      beyond those of the hull as modelled, rad; bow up and starboard down positive
8-11  skin            by how much each beam reads too long, m
====  ==============  ==========================================================================

Angles of trim and list are fractions of a degree, and are treated to first order.
"""

from __future__ import annotations

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.pilot.registration.noise import RegistrationNoise

__all__ = [
    "ACROSS",
    "ALONG",
    "GYRO_BIAS",
    "HEADING",
    "LIST",
    "MAX_BEAMS",
    "SCALE",
    "SIZE",
    "SKIN",
    "TRIM",
    "WATERLINE",
    "depth_m",
    "initial_covariance",
    "level",
    "radius95_m",
    "ship_covariance",
    "ship_pose",
    "tilted",
]

ALONG, ACROSS, HEADING, WATERLINE, GYRO_BIAS, SCALE, TRIM, LIST = range(8)
MAX_BEAMS = 4
SKIN = slice(8, 8 + MAX_BEAMS)
SIZE = 8 + MAX_BEAMS


def initial_covariance(noise: RegistrationNoise, length_m: float) -> Array:
    """(12, 12) before anything was measured.

    Args:
        length_m: of the ship.
    """
    trim = noise.trim_ends_m / max(length_m / 2, 1.0)
    core = [noise.berth_m, noise.berth_m, noise.compass_rad, noise.waterline_m, noise.gyro_bias_radps]
    return np.diag(np.array([*core, noise.scale, trim, noise.list_rad, *[noise.skin_m] * MAX_BEAMS]) ** 2)


def level(heading_rad: Array, vectors_ned: Array) -> Array:
    """(..., 3) ned vectors in axes along and across a ship without trim and list; headings broadcast."""
    c, s = np.cos(heading_rad), np.sin(heading_rad)
    north, east, down = vectors_ned[..., 0], vectors_ned[..., 1], vectors_ned[..., 2]
    return np.stack(np.broadcast_arrays(c * north + s * east, c * east - s * north, down), axis=-1)


def tilted(trim_rad: Array, list_rad: Array, vectors: Array) -> Array:
    """(..., 3) level vectors in the axes of the ship with her trim and list."""
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    return np.stack([x - trim_rad * z, y + list_rad * z, z - list_rad * y + trim_rad * x], axis=-1)


def depth_m(state: Array, vehicle_down_m: Array | float, middle_m: float) -> Array:
    """(...) of the vehicle, ship frame.

    Args:
        middle_m: station about which she trims.
    """
    x, y = state[..., ALONG] - middle_m, state[..., ACROSS]
    return np.asarray(vehicle_down_m - state[..., WATERLINE] + state[..., TRIM] * x - state[..., LIST] * y)


def ship_pose(state: Array, vehicle_ned_m: Array, middle_m: float) -> Array:
    """(4,) north, east, heading, down of the ship as she lies at the vehicle.

    Trim and list are folded into ``down``: beside the vehicle the hull is where this pose puts it, at the other end
    of her she may be a few decimetres lower or higher.
    """
    c, s = np.cos(state[HEADING]), np.sin(state[HEADING])
    north = vehicle_ned_m[0] - (c * state[ALONG] - s * state[ACROSS])
    east = vehicle_ned_m[1] - (s * state[ALONG] + c * state[ACROSS])
    down = vehicle_ned_m[2] - depth_m(state, float(vehicle_ned_m[2]), middle_m)
    return np.array([north, east, state[HEADING], down], dtype=np.float64)


def ship_covariance(state: Array, covariance: Array, middle_m: float) -> Array:
    """(4, 4) of ``ship_pose``."""
    c, s = np.cos(state[HEADING]), np.sin(state[HEADING])
    x, y = state[ALONG], state[ACROSS]
    jacobian = np.zeros((4, SIZE))
    jacobian[0, :3] = [-c, s, s * x + c * y]
    jacobian[1, :3] = [-s, -c, -c * x + s * y]
    jacobian[2, HEADING] = jacobian[3, WATERLINE] = 1.0
    jacobian[3, [ALONG, ACROSS, TRIM, LIST]] = [-state[TRIM], state[LIST], middle_m - x, y]
    return np.asarray(jacobian @ covariance @ jacobian.T, dtype=np.float64)


def radius95_m(covariance_m2: Array) -> float:
    """Radius of the circle that holds a place in the plane with 95 %, by its (2, 2) covariance.

    Cubic through the exact values for circles and lines, good to 0.3 % (NIMA, accuracy of stereo products, 1991).
    """
    least, most = np.sqrt(np.maximum(np.linalg.eigvalsh(covariance_m2), 0.0))
    share = least / most if most > 0 else 0.0
    return float(most * (1.9608 + 0.0041 * share + 0.1143 * share**2 + 0.3716 * share**3))
