"""Longitudinal lanes: along the side of the ship, one above the other."""

from __future__ import annotations

import numpy as np

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.orders import Longitudinal
from hullscan.mission.patterns.clearance import hull_gap
from hullscan.mission.patterns.lanes import Area, Lanes, stand_off_for
from hullscan.mission.patterns.leg import STEP_M
from hullscan.mission.patterns.view import LEAST_DEPTH_M, turn_girth
from hullscan.mission.stand_off import farthest_m
from hullscan.ship.surface import Sides, side_name, side_sign

__all__ = ["bilge_depth", "longitudinal_lanes"]

# A DVL facing the hull has beams 22.5 degrees off its axis, two of them pointing down (Water Linked A50): per metre of
# range they drop by sin 22.5 x sin 45 / (cos 22.5). Without them it loses its velocity, and the vehicle its position.
_BEAM_DROP, _BEAM_MARGIN_M = 0.30, 0.15
_END_TRIM = 0.25
_WIDER = 0.5  # metres farther off for each metre that a pose is raised
_EDGE_M = 0.2  # her draught is read to a decimetre, and the zero of the depth sensor is as far off
_RESERVE_M, _ROUNDS = 0.06, 6  # more than the clearance between poses, where the way is straight; of moving off
_FACES_DOWN_RAD = float(np.radians(62))
_MANY = 100  # stations at which the turn of the bilge is looked for


def longitudinal_lanes(mission: Mission, order: Longitudinal) -> Lanes:
    """Lanes along the ship, one above the other, on one side.

    Raises:
        InputError: the lanes cannot be flown at this stand-off.
    """
    hull, camera = mission.hull, mission.vehicle.camera
    stand_off = stand_off_for(mission, order)
    stations = order.stations_m or (0.06 * hull.length_m, 0.94 * hull.length_m)
    sign = np.array([side_sign(order.side)], dtype=np.int8)
    middle = np.array([np.mean(stations)])
    depths = order.depths_m or (0.0, bilge_depth(mission, sign, float(middle[0])))
    girth0, girth1 = hull.girth_to_depth(np.repeat(middle, 2), np.array(depths), order.side)
    footprint = 2 * stand_off * np.tan(camera.vfov_rad / 2)
    spacing = footprint * (1 - order.overlap)
    height = float(girth1 - girth0)
    count = max(1, int(np.ceil((height - footprint) / spacing)) + 1)
    if count == 1:
        centres = np.array([(girth0 + girth1) / 2])
    else:
        # edges within the plating are seen with a margin, as far as neighbours still overlap by half of what is ordered
        spare = (count - 1) * footprint * (1 - order.overlap / 2) + footprint - height
        margin = min(_EDGE_M, spare / 2) if order.depths_m else 0.0
        inside = footprint / 2 - margin
        centres = np.linspace(max(girth0 + inside, footprint / 2), girth1 - inside, count)
    # the ends are seen from a little inside: a quarter of the picture's width
    trim = min(_END_TRIM * 2 * stand_off * float(np.tan(camera.hfov_rad / 2)), (stations[1] - stations[0]) / 4)
    along = np.linspace(stations[0] + trim, stations[1] - trim, int((stations[1] - stations[0]) / STEP_M) + 2)
    turn = _turn_depths(mission, sign, along)
    top, foot = _edges(mission, sign, along, depths)
    shares = (centres - girth0) / max(height, 1e-9)
    tracks = tuple(_lane(mission, sign, along, top + share * (foot - top), stand_off, turn) for share in shares)
    return Lanes(
        order=order,
        pattern="longitudinal",
        tracks=tracks,
        zones=tuple(f"{order.side} side, lane {number + 1} of {count}" for number in range(count)),
        access=(int(sign[0]),) * count,
        areas=(Area(order.side, stations, depths),),
        stand_off_m=stand_off,
        swath_m=spacing if count > 1 else footprint,
        speed_mps=order.speed_mps or mission.vehicle.survey_speed_mps,
        reversible=False,
    )


def bilge_depth(mission: Mission, sign: Sides, station_m: float) -> float:
    """Depth at which the plating begins to face down by more than 45 degrees: the turn of the bilge."""
    hull, count = mission.hull, 60
    stations = np.full(count, station_m)
    girths = np.linspace(0, float(hull.total_girth(stations[:1], side_name(sign[0]))[0]), count)
    sides = np.repeat(sign, count)
    steep = hull.normal(sides, stations, girths)[:, 2] < np.sin(np.pi / 4)
    return float(hull.point(sides, stations, girths)[steep, 2].max(initial=0.0))


def _turn_depths(mission: Mission, sign: Sides, stations: Array) -> Array:
    """(n,) depth of the turn of the bilge; along a long ship it is interpolated."""
    some = stations if len(stations) <= _MANY else np.linspace(stations[0], stations[-1], _MANY)
    return np.interp(stations, some, [bilge_depth(mission, sign, float(station)) for station in some])


def _edges(mission: Mission, sign: Sides, stations: Array, depths_m: tuple[float, float]) -> tuple[Array, Array]:
    """(n,) girths of the upper and the lower edge of what is asked for.

    Where her sides draw in, the lower edge rises to the plating that faces down too much for lanes beside her.
    """
    side = side_name(sign[0])
    some = stations if len(stations) <= _MANY else np.linspace(stations[0], stations[-1], _MANY)
    top, foot = (mission.hull.girth_to_depth(some, np.full(len(some), depth), side) for depth in depths_m)
    foot = np.minimum(foot, turn_girth(mission, int(sign[0]), some, _FACES_DOWN_RAD))
    return np.interp(stations, some, top), np.interp(stations, some, np.maximum(foot, top))


def _lane(mission: Mission, sign: Sides, stations: Array, girths: Array, stand_off: float, turn: Array) -> Array:
    """(n, 6) poses that look along the inward normal at places of (n,) girths."""
    hull, vehicle = mission.hull, mission.vehicle
    sides = np.repeat(sign, len(stations))
    points, normals = hull.point(sides, stations, girths), hull.normal(sides, stations, girths)
    flat = np.linalg.norm(normals[:, :2], axis=1)
    if (flat < 0.3).any():
        raise InputError("the plating faces down too much for lanes along the side", where="survey", todo="end higher")
    yaw = np.unwrap(np.arctan2(-normals[:, 1], -normals[:, 0]))
    inward = -normals[:, :2] / flat[:, None]
    camera = points + normals * stand_off
    # between the surface, where the vehicle would leave the water, and the depth at which its lower beams would only
    # graze the bilge; where the normal leads beyond, it looks up or down instead
    mount = vehicle.camera_pose_frd(0.0).position_m
    deepest = turn - _BEAM_DROP * (stand_off + mount[0]) - _BEAM_MARGIN_M
    depth = np.clip(camera[:, 2] - mount[2], LEAST_DEPTH_M, np.maximum(deepest, LEAST_DEPTH_M))
    # what it looks down at it sees the less slantwise the farther off it stands
    wider = np.clip(_WIDER * (camera[:, 2] - mount[2] - depth), 0, max(farthest_m(mission) - stand_off, 0))
    camera[:, :2] -= inward * wider[:, None]
    depth = np.maximum(np.minimum(depth, deepest - _BEAM_DROP * wider), LEAST_DEPTH_M)
    raised = camera[:, 2] - mount[2] > depth + 1e-6
    camera[:, 2] = depth + mount[2]
    reach = np.linalg.norm(points[:, :2] - camera[:, :2], axis=1)
    tilt = np.arctan2(camera[:, 2] - points[:, 2], reach)
    body = np.column_stack([camera[:, :2] - inward * mount[0], depth])
    poses = np.column_stack([body, yaw, np.zeros(len(yaw)), tilt])
    if raised.any():
        poses[raised] = _kept_off(mission, poses[raised], points[raised], inward[raised])
    return poses


def _kept_off(mission: Mission, poses: Array, points: Array, inward: Array) -> Array:
    """(n, 6) poses that were raised, moved straight out where the hull beside them comes too near, and aimed again."""
    hull, sides = mission.hull, np.where(points[:, 1] >= 0, 1, -1).astype(np.int8)
    limit, mount = mission.file.limits.min_clearance_m + _RESERVE_M, mission.vehicle.camera_pose_frd(0.0).position_m
    # a pose that was raised from below the turn of the bilge may lie within her: it belongs beside the plating there
    girths = hull.girth_to_depth(poses[:, 0], poses[:, 2], side_name(sides[0]))
    beside = ((hull.point(sides, poses[:, 0], girths) - poses[:, :3])[:, :2] * inward).sum(axis=1)
    poses[:, :2] -= inward * np.maximum(limit + mission.vehicle.half_size_m[0] - beside, 0)[:, None]
    for _ in range(_ROUNDS):
        short = np.maximum(limit - hull_gap(mission, poses)[0], 0)
        if not short.any():
            break
        poses[:, :2] -= inward * short[:, None]
    camera = poses[:, :3] + np.column_stack([inward * mount[0], np.full(len(poses), mount[2])])
    poses[:, 5] = np.arctan2(camera[:, 2] - points[:, 2], np.linalg.norm(points[:, :2] - camera[:, :2], axis=1))
    return poses
