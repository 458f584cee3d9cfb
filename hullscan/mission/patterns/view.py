"""From places on the hull to poses of the vehicle that look at them along the inward normal.

Yaw comes first, then the tilt of the camera up to its limit, then the pitch of the vehicle as far as its profile has it
for lanes. What the vehicle cannot raise its view to is looked at slantwise, and refused where that would see nothing.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.patterns.clearance import hull_gap, sea_bed_depth_m
from hullscan.ship.surface import side_name

__all__ = ["LEAST_DEPTH_M", "footprint_m", "look_at", "require_look_up", "turn_girth"]

LEAST_DEPTH_M = 0.45  # of the vehicle: the autopilot re-zeroes its depth if it leaves the water
_EDGE = 0.96  # of the picture counts: a strip at its edge does not (search/looks)
_SLANT_LIMIT = np.radians(50)  # incidence in the middle of the picture; with it half of the picture lies under 65
_ROUNDS = 4
_RESERVE_M = 0.06  # poses keep this much more than the clearance: between them the way is straight


def require_look_up(mission: Mission, pattern: str) -> None:
    """Refuse a pattern under the bottom for a vehicle that cannot look up at it.

    Raises:
        InputError: the picture would meet a flat bottom too slantwise to show anything.
    """
    slant = np.pi / 2 - mission.vehicle.look_up_rad
    if slant > _SLANT_LIMIT:
        vehicle = mission.vehicle
        raise InputError(
            f"{vehicle.name} cannot look up at the bottom: its camera tilts {np.degrees(vehicle.tilt_range_rad):.0f} "
            f"degrees and it is pitched by {np.degrees(vehicle.lane_pitch_rad):.0f}, which leaves "
            f"{np.degrees(slant):.0f} degrees from the normal where {np.degrees(_SLANT_LIMIT):.0f} is the limit",
            where=f"survey, {pattern}",
            todo="take a vehicle that looks up, or leave the pattern out",
        )


def footprint_m(mission: Mission, stand_off_m: float) -> tuple[float, float]:
    """Width and height of the part of the picture that counts, on a plate at the stand-off."""
    camera = mission.vehicle.camera
    return (
        2 * stand_off_m * float(np.tan(camera.hfov_rad / 2)) * _EDGE,
        2 * stand_off_m * float(np.tan(camera.vfov_rad / 2)) * _EDGE,
    )


def turn_girth(mission: Mission, sign: int, stations_m: Array, facing_down_rad: float = np.pi / 4) -> Array:
    """(n,) girth at which the plating first faces down by more than an angle: the turn of the bilge."""
    hull, rows = mission.hull, 80
    total = hull.total_girth(stations_m, side_name(sign))
    girths = total[:, None] * np.linspace(0, 1, rows)
    stations = np.repeat(stations_m, rows)
    sides = np.full(len(stations), sign, dtype=np.int8)
    down = hull.normal(sides, stations, girths.ravel())[:, 2].reshape(girths.shape) > np.sin(facing_down_rad)
    first = np.where(down.any(axis=1), down.argmax(axis=1), rows - 1)
    return np.asarray(girths[np.arange(len(girths)), first], dtype=np.float64)


def look_at(
    mission: Mission,
    points_m: Array,
    toward: Array,
    stand_off_m: float,
    heading: Array | None = None,
    pitch_rad: float | None = None,
) -> Array:
    """Poses that look at places on the hull.

    The vehicle is moved off where the hull, the surface or the sea bed would be too near, and aims again.

    Args:
        points_m: (n, 3) places, ship frame.
        toward: (n, 3) unit vectors from the places to the camera: the outward normals.
        heading: (2,) or (n, 2) horizontal unit vectors taken where the place faces straight down.
        pitch_rad: greatest pitch; that of lanes if none is given.

    Returns:
        (n, 6) x, y, z of the vehicle, yaw, pitch, tilt.
    """
    flat = -toward[:, :2]
    if heading is not None:
        # the heading takes over smoothly as the plating turns to face straight down
        flat = flat + 0.15 * np.broadcast_to(heading, flat.shape)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    flat = flat / np.maximum(length, 1e-9)
    pitch_rad = mission.vehicle.lane_pitch_rad if pitch_rad is None else pitch_rad
    highest = mission.vehicle.tilt_range_rad + pitch_rad
    elevation = np.clip(np.arcsin(np.clip(toward[:, 2], -1, 1)), -highest, highest)
    view = np.column_stack([flat * np.cos(elevation)[:, None], -np.sin(elevation)])
    camera = points_m - view * stand_off_m
    yaw = np.arctan2(flat[:, 1], flat[:, 0])
    body = _body(mission, camera, yaw, elevation)
    deepest = sea_bed_depth_m(mission) - mission.file.limits.min_clearance_m - mission.vehicle.half_size_m[2]
    for _ in range(_ROUNDS):
        moved = body.copy()
        gap, away = hull_gap(mission, body)
        short = np.maximum(mission.file.limits.min_clearance_m + _RESERVE_M - gap, 0)
        moved[:, :3] += away * short[:, None]
        moved[:, 2] = np.clip(moved[:, 2], LEAST_DEPTH_M, max(deepest, LEAST_DEPTH_M))
        change = np.linalg.norm(moved[:, :3] - body[:, :3], axis=1) > 1e-6
        if not change.any():
            break
        camera = moved[:, :3] + _mount(mission, moved[:, 3], moved[:, 4])
        sight = points_m - camera
        reach = np.linalg.norm(sight[:, :2], axis=1)
        turned = np.where(reach > 0.1, np.arctan2(sight[:, 1], sight[:, 0]), yaw)
        raised = np.clip(np.arctan2(-sight[:, 2], reach), -highest, highest)
        yaw, elevation = np.where(change, turned, yaw), np.where(change, raised, elevation)
        aimed = _body(mission, camera, yaw, elevation)
        aimed[:, :3] = np.where(change[:, None], moved[:, :3], aimed[:, :3])
        body = np.where(change[:, None], aimed, body)
    body[:, 3] = np.unwrap(body[:, 3])
    return body


def _body(mission: Mission, camera_m: Array, yaw: Array, elevation: Array) -> Array:
    """(n, 6) poses of the vehicle whose camera stands there and looks so."""
    tilt = np.clip(elevation, -mission.vehicle.tilt_range_rad, mission.vehicle.tilt_range_rad)
    pitch = elevation - tilt
    return np.column_stack([camera_m - _mount(mission, yaw, pitch), yaw, pitch, tilt])


def _mount(mission: Mission, yaw: Array, pitch: Array) -> Array:
    """(n, 3) from the vehicle to its camera, ship frame."""
    at = mission.vehicle.camera_pose_frd(0.0).position_m
    return np.asarray(Rotation.from_euler("ZY", np.column_stack([yaw, pitch])).apply(at), dtype=np.float64)
