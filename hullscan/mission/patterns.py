"""Search patterns named as the field names them, and the route that joins them.

A pose is that of the vehicle: place and heading in the ship frame, with the tilt of its camera. The view is along
the hull's inward normal, from the stand-off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.errors import InputError
from hullscan.geometry.frames import Array, Pose
from hullscan.mission.model import Longitudinal, Mission
from hullscan.mission.vehicle import VehicleProfile
from hullscan.ship.surface import Sides, side_name, side_sign
from hullscan.words import mark

__all__ = ["Lanes", "Leg", "longitudinal_lanes", "route", "way_home"]

_STAND_OFF_SHARE = 0.42  # of the visibility; a detector needs contrast, exp(-4.8 x 0.42) leaves 13 %
_STEP_M = 0.25
_LEAST_DEPTH_M = 0.45  # of the vehicle: the autopilot re-zeroes its depth if it leaves the water
_TRAVEL_DEPTH_M = 1.0
# A DVL facing the hull has beams 22.5 degrees off its axis, two of them pointing down (Water Linked A50): per metre of
# range they drop by sin 22.5 x sin 45 / (cos 22.5). Without them it loses its velocity, and the vehicle its position.
_BEAM_DROP, _BEAM_MARGIN_M = 0.30, 0.15
_APPROACH_EXTRA_M = 0.8  # a leg is entered from this much farther out
_SETTLE_S = 4.0
_END_TRIM = 0.25
_WORDS = {
    "approach": mark("leg {number} of {count}: approach to the hull"),
    "longitudinal": mark("leg {number} of {count}: lane {lane} of {lanes} along the side"),
    "transfer": mark("leg {number} of {count}: to the next lane"),
    "return": mark("leg {number} of {count}: back to the launch"),
}


@dataclass(frozen=True, slots=True)
class Leg:
    """A piece of the route.

    Attributes:
        zone: of the hull, or ``water``.
        pattern: approach, longitudinal, transfer or return.
        poses: (n, 7) t_s, x, y, z of the vehicle, yaw, pitch of the vehicle, tilt of the camera (radians inside).
        speed_mps: along it.
        surveys: whether what it sees is searched.
        lane: number of a lane and how many there are.
    """

    zone: str
    pattern: str
    poses: Array
    speed_mps: float
    surveys: bool
    lane: tuple[int, int] = (0, 0)

    @property
    def words(self) -> str:
        """What the leg is, as a message for people; ``words_data`` and the leg's number go into it."""
        return _WORDS[self.pattern]

    @property
    def words_data(self) -> dict[str, Any]:
        """Data of ``words``."""
        return {"lane": self.lane[0], "lanes": self.lane[1]}

    @property
    def start_s(self) -> float:
        """Planned start."""
        return float(self.poses[0, 0])

    @property
    def end_s(self) -> float:
        """Planned end."""
        return float(self.poses[-1, 0])

    @property
    def length_m(self) -> float:
        """Along the poses."""
        return float(np.linalg.norm(np.diff(self.poses[:, 1:4], axis=0), axis=1).sum())

    def camera_poses(self, vehicle: VehicleProfile) -> Iterator[Pose]:
        """Ship-from-camera poses along the leg."""
        for _, x, y, z, yaw, pitch, tilt in self.poses:
            body = Pose(np.array([x, y, z]), Rotation.from_euler("ZY", [yaw, pitch]))
            yield body @ vehicle.camera_pose_frd(float(tilt))

    def as_dict(self) -> dict[str, Any]:
        """The leg's entry in ``plan.json``: degrees, rounded."""
        poses = self.poses.copy()
        poses[:, 4:] = np.degrees(poses[:, 4:])
        return {
            "zone": self.zone,
            "pattern": self.pattern,
            "start_s": round(self.start_s, 1),
            "end_s": round(self.end_s, 1),
            "speed_mps": self.speed_mps,
            "poses": np.round(poses, 3).tolist(),
        }


@dataclass(frozen=True, slots=True)
class Lanes:
    """Lanes of one order of the mission, before they are joined to a route.

    Attributes:
        tracks: (n, 6) each: x, y, z, yaw, pitch, tilt, from the smaller station to the larger.
        swath_m: height of hull that one lane adds.
    """

    order: Longitudinal
    tracks: tuple[Array, ...]
    stations_m: tuple[float, float]
    depths_m: tuple[float, float]
    stand_off_m: float
    swath_m: float
    speed_mps: float


def stand_off_for(mission: Mission, order: Longitudinal) -> float:
    """Distance of the camera from the hull: as ordered, else by the visibility, never nearer than is safe."""
    safe = mission.file.limits.min_clearance_m + 0.35
    if order.stand_off_m is not None:
        return order.stand_off_m
    return float(np.clip(_STAND_OFF_SHARE * mission.file.conditions.visibility_m, max(0.7, safe), 2.5))


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
    depths = order.depths_m or (0.0, _bilge_depth(mission, sign, float(middle[0])))
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
    along = np.linspace(stations[0] + trim, stations[1] - trim, int((stations[1] - stations[0]) / _STEP_M) + 2)
    share = centres / float(hull.total_girth(middle, order.side)[0])
    tracks = tuple(_lane(mission, sign, along, s, stand_off) for s in share)
    speed = order.speed_mps or mission.vehicle.survey_speed_mps
    return Lanes(order, tracks, stations, depths, stand_off, spacing if count > 1 else footprint, speed)


def _bilge_depth(mission: Mission, sign: Sides, station_m: float) -> float:
    """Depth at which the plating begins to face down by more than 45 degrees: the turn of the bilge."""
    hull, count = mission.hull, 60
    stations = np.full(count, station_m)
    girths = np.linspace(0, float(hull.total_girth(stations[:1], side_name(sign[0]))[0]), count)
    sides = np.repeat(sign, count)
    steep = hull.normal(sides, stations, girths)[:, 2] < np.sin(np.pi / 4)
    return float(hull.point(sides, stations, girths)[steep, 2].max(initial=0.0))


def _lane(mission: Mission, sign: Sides, stations: Array, girth_share: float, stand_off: float) -> Array:
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
    turn = np.array([_bilge_depth(mission, sign, float(station)) for station in stations])
    deepest = turn - _BEAM_DROP * (stand_off + mount[0]) - _BEAM_MARGIN_M
    depth = np.clip(camera[:, 2] - mount[2], _LEAST_DEPTH_M, np.maximum(deepest, _LEAST_DEPTH_M))
    camera[:, 2] = depth + mount[2]
    reach = np.linalg.norm(points[:, :2] - camera[:, :2], axis=1)
    tilt = np.arctan2(camera[:, 2] - points[:, 2], reach)
    body = np.column_stack([camera[:, :2] - inward * mount[0], depth])
    return np.column_stack([body, yaw, np.zeros(len(yaw)), tilt])


def route(mission: Mission, survey: list[Lanes]) -> list[Leg]:
    """Join lanes into legs: out from the launch, lane after lane in alternating direction, and back the same way."""
    legs: list[Leg] = []
    clock = _SETTLE_S
    start = _launch_pose(mission)
    here = start
    first = True
    for lanes in survey:
        for number, track in enumerate(lanes.tracks):
            near_end = np.linalg.norm(track[-1, :3] - here[:3]) < np.linalg.norm(track[0, :3] - here[:3])
            lane = track[::-1] if near_end else track
            way, pattern = (
                ([here, *_way_out(here, lane[0]), lane[0]], "approach") if first else ([here, lane[0]], "transfer")
            )
            leg, clock = _timed(
                "water", pattern, np.array(way), mission.vehicle.transit_speed_mps, clock, surveys=False
            )
            legs.append(leg)
            zone = f"{lanes.order.side} side, lane {number + 1} of {len(lanes.tracks)}"
            leg, clock = _timed(zone, "longitudinal", lane, lanes.speed_mps, clock, surveys=True)
            legs.append(replace(leg, lane=(number + 1, len(lanes.tracks))))
            here, first = lane[-1], False
    back = np.array([here, *_way_out(start, here)[::-1], start])
    leg, clock = _timed("water", "return", back, mission.vehicle.transit_speed_mps, clock, surveys=False)
    return [*legs, leg]


def way_home(here: Pose, launch_ship_m: Array, mission: Mission) -> Leg:
    """From anywhere beside the hull: out along the view's back, then straight to the launch.

    Args:
        here: ship from frd.
        launch_ship_m: (3,) where the vehicle went down.
    """
    yaw = float(here.rotation.as_euler("ZYX")[0])
    start = np.array([*here.position_m, yaw, 0.0, 0.0])
    goal = np.array([*launch_ship_m, yaw, 0.0, 0.0])
    out = _way_out(goal, start)[0]
    leg, _ = _timed(
        "water", "return", np.array([start, out, goal]), mission.vehicle.transit_speed_mps, 0.0, surveys=False
    )
    return leg


def _launch_pose(mission: Mission) -> Array:
    launch = mission.file.launch
    sign = side_sign(launch.side)
    side = np.array([sign], dtype=np.int8)
    station = np.clip(np.array([launch.station_m]), mission.hull.stations_m[0], mission.hull.stations_m[-1])
    breadth = float(mission.hull.point(side, station, np.zeros(1))[0, 1])
    return np.array([launch.station_m, breadth + sign * launch.distance_m, _TRAVEL_DEPTH_M, -sign * np.pi / 2, 0, 0])


def _way_out(start: Array, goal: Array) -> list[Array]:
    """A point before the goal, farther out from the hull, so that the hull is approached along its normal."""
    outward = -np.array([np.cos(goal[3]), np.sin(goal[3])])
    before = goal.copy()
    before[:2] += outward * _APPROACH_EXTRA_M
    before[5] = goal[5]
    turned = before.copy()
    turned[3] = goal[3]
    return [turned]


def _timed(
    zone: str, pattern: str, poses: Array, speed_mps: float, clock_s: float, *, surveys: bool
) -> tuple[Leg, float]:
    """A leg with the time of each pose, and the time when the next may begin."""
    poses = _dense(poses)
    steps = np.linalg.norm(np.diff(poses[:, :3], axis=0), axis=1)
    turns = np.abs(np.diff(np.unwrap(poses[:, 3]))) / np.radians(20)
    times = clock_s + np.concatenate([[0.0], np.cumsum(np.maximum(steps / speed_mps, turns))])
    return Leg(zone, pattern, np.column_stack([times, poses]), speed_mps, surveys), float(times[-1]) + _SETTLE_S


def _dense(poses: Array) -> Array:
    """Poses no farther apart than the step; angles go the short way."""
    poses = poses.copy()
    poses[:, 3] = np.unwrap(poses[:, 3])
    pieces = [poses[:1]]
    for a, b in pairwise(poses):
        count = max(1, int(np.ceil(np.linalg.norm(b[:3] - a[:3]) / _STEP_M)))
        share = np.linspace(0, 1, count + 1)[1:, None]
        pieces.append(a + (b - a) * share)
    return np.concatenate(pieces)
