"""Rudder and propeller: what keeps clear of them, the spiral round them.

Their place is assumed by rule from the hull, not known (``hullscan.ship.gear``).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.orders import RunningGear
from hullscan.mission.patterns.clearance import hull_gap
from hullscan.mission.patterns.lanes import Lanes, stand_off_for
from hullscan.mission.patterns.leg import STEP_M
from hullscan.mission.patterns.view import LEAST_DEPTH_M, footprint_m
from hullscan.ship.gear import Gear, gear_by_rule
from hullscan.ship.surface import side_sign

__all__ = ["KEEP_OUT_M", "Gear", "assumed_gear", "keep_out", "running_gear_lanes"]

_RESERVE_M = 0.06
KEEP_OUT_M = 2.0
"""From what may turn, without the lock-out."""


def assumed_gear(mission: Mission) -> Gear:
    """Rudder and propeller by rule."""
    return gear_by_rule(mission.hull)


def keep_out(mission: Mission, poses: Array) -> npt.NDArray[np.bool_]:
    """(n,) whether (n, 6) poses come too near to rudder or propeller."""
    gear = assumed_gear(mission)
    lock_out = mission.file.lock_out
    confirmed = lock_out is not None and lock_out.complete
    margin = mission.file.limits.min_clearance_m if confirmed else KEEP_OUT_M
    margin += float(np.linalg.norm(mission.vehicle.half_size_m))
    x, y, z = poses[:, 0], poses[:, 1], poses[:, 2]
    from_shaft = np.maximum(np.hypot(y, z - gear.shaft_depth_m) - gear.radius_m, 0)
    disc = np.hypot(from_shaft, x - gear.propeller_m)
    ahead = np.maximum(np.maximum(gear.rudder_m[0] - x, x - gear.rudder_m[1]), 0)
    beyond = np.maximum(np.maximum(gear.depths_m[0] - z, z - gear.depths_m[1]), 0)
    rudder = np.sqrt(ahead**2 + beyond**2 + y**2)
    return np.asarray(np.minimum(disc, rudder) < margin, dtype=bool)


def running_gear_lanes(mission: Mission, order: RunningGear) -> Lanes:
    """A spiral round rudder and propeller: from one side round the stern to the other and back, ever deeper.

    Raises:
        InputError: the lock-out is not confirmed.
    """
    lock_out = mission.file.lock_out
    if lock_out is None or not lock_out.complete:
        raise InputError(
            "propeller and thrusters may turn",
            where="survey, running_gear",
            todo="state lock_out: {propeller: true, thrusters: true, by: NAME}",
        )
    gear, stand_off = assumed_gear(mission), stand_off_for(mission, order)
    least = mission.file.limits.min_clearance_m + float(np.linalg.norm(mission.vehicle.half_size_m))
    camera_ahead = mission.vehicle.camera_pose_frd(0.0).position_m[0]
    distance = max(stand_off + camera_ahead, least + 0.05)
    ring = _ring(gear.outline_m, distance)
    # open towards the hull: the horseshoe ends beside the sternpost
    ring = ring[ring[:, 0] <= gear.sternpost_m + 0.5]
    gaps = np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1)
    ring = np.roll(ring, -int(np.argmax(gaps)), axis=0)
    if ring[0, 1] > 0:
        ring = ring[::-1]
    head = _clear_head(mission, gear, ring)
    _, height = footprint_m(mission, stand_off)
    count = max(int(np.ceil((gear.depths_m[1] - head) / (height * (1 - order.overlap)))), 1)
    levels = count + count % 2 + 1  # an even number of turns ends on the side where it began
    bounds = np.linspace(head, gear.depths_m[1], levels)
    start = side_sign(mission.file.launch.side)
    turns: list[Array] = []
    for number, (upper, lower) in enumerate(pairwise(bounds)):
        line = ring if start * (-1) ** number < 0 else ring[::-1]
        way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        places = np.linspace(0, way[-1], int(np.ceil(way[-1] / STEP_M)) + 1)
        plan = np.column_stack([np.interp(places, way, line[:, 0]), np.interp(places, way, line[:, 1])])
        depth = upper + (lower - upper) * places / way[-1]
        aim = _nearest_on(gear.outline_m, plan) - plan
        yaw = np.unwrap(np.arctan2(aim[:, 1], aim[:, 0]))
        turns.append(np.column_stack([plan, depth, yaw, np.zeros(len(yaw)), np.zeros(len(yaw))]))
    turn = np.concatenate(turns)
    return Lanes(
        order=order,
        pattern="running_gear",
        tracks=(turn,),
        zones=("rudder and propeller",),
        access=(start,),
        areas=(),
        stand_off_m=stand_off,
        swath_m=height * (1 - order.overlap),
        speed_mps=order.speed_mps or mission.vehicle.survey_speed_mps,
    )


def _clear_head(mission: Mission, gear: Gear, ring: Array) -> float:
    """Least depth at which the whole (n, 2) ring keeps clear of the counter above."""
    yaw = np.arctan2(*(_nearest_on(gear.outline_m, ring) - ring).T[::-1])
    limit = mission.file.limits.min_clearance_m + _RESERVE_M
    for depth in np.arange(max(gear.depths_m[0], LEAST_DEPTH_M), gear.depths_m[1] - 0.3, 0.1):
        poses = np.column_stack([ring, np.full(len(ring), depth), yaw, np.zeros((len(ring), 2))])
        if hull_gap(mission, poses)[0].min() >= limit:
            return float(depth)
    raise InputError(
        f"no turn round rudder and propeller keeps {limit:.2f} m from the hull",
        where="survey, running_gear",
        todo="raise stand_off_m",
    )


def _ring(outline: Array, distance: float) -> Array:
    """(n, 2) the convex outline at a distance."""
    round_ = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    circle = distance * np.column_stack([np.cos(round_), np.sin(round_)])
    points = (outline[:, None] + circle).reshape(-1, 2)
    return np.asarray(points[ConvexHull(points).vertices], dtype=np.float64)


def _nearest_on(outline: Array, points: Array) -> Array:
    """(n, 2) nearest points of the outline's hull to (n, 2) points beyond it."""
    corners = outline[ConvexHull(outline).vertices]
    a, b = corners, np.roll(corners, -1, axis=0)
    step = b - a
    share = ((points[:, None] - a) * step).sum(-1) / np.maximum((step**2).sum(-1), 1e-12)
    foot = a + np.clip(share, 0, 1)[..., None] * step
    best = np.argmin(np.linalg.norm(foot - points[:, None], axis=2), axis=1)
    return np.asarray(foot[np.arange(len(points)), best], dtype=np.float64)
