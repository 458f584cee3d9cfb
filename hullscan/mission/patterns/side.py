"""Longitudinal lanes: along the side of the ship, one above the other."""

from __future__ import annotations

import numpy as np

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.orders import Longitudinal
from hullscan.mission.patterns.lanes import Area, Lanes, stand_off_for
from hullscan.mission.patterns.leg import STEP_M
from hullscan.mission.patterns.view import LEAST_DEPTH_M
from hullscan.ship.surface import Sides, side_name, side_sign

__all__ = ["bilge_depth", "longitudinal_lanes"]

# A DVL facing the hull has beams 22.5 degrees off its axis, two of them pointing down (Water Linked A50): per metre of
# range they drop by sin 22.5 x sin 45 / (cos 22.5). Without them it loses its velocity, and the vehicle its position.
_BEAM_DROP, _BEAM_MARGIN_M = 0.30, 0.15
_END_TRIM = 0.25
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
        centres = np.linspace(girth0 + footprint / 2, girth1 - footprint / 2, count)
    # the ends are seen from a little inside: a quarter of the picture's width
    trim = min(_END_TRIM * 2 * stand_off * float(np.tan(camera.hfov_rad / 2)), (stations[1] - stations[0]) / 4)
    along = np.linspace(stations[0] + trim, stations[1] - trim, int((stations[1] - stations[0]) / STEP_M) + 2)
    share = centres / float(hull.total_girth(middle, order.side)[0])
    turn = _turn_depths(mission, sign, along)
    tracks = tuple(_lane(mission, sign, along, s, stand_off, turn) for s in share)
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


def _lane(mission: Mission, sign: Sides, stations: Array, girth_share: float, stand_off: float, turn: Array) -> Array:
    """(n, 6) poses that look along the inward normal; lanes follow the same share of the girth along the ship."""
    hull, vehicle = mission.hull, mission.vehicle
    sides = np.repeat(sign, len(stations))
    girths = girth_share * hull.total_girth(stations, side_name(sign[0]))
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
    camera[:, 2] = depth + mount[2]
    reach = np.linalg.norm(points[:, :2] - camera[:, :2], axis=1)
    tilt = np.arctan2(camera[:, 2] - points[:, 2], reach)
    body = np.column_stack([camera[:, :2] - inward * mount[0], depth])
    return np.column_stack([body, yaw, np.zeros(len(yaw)), tilt])
