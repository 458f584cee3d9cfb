"""Under the ship: lanes along the flat bottom, and the keel line."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Array, Pose
from hullscan.mission.model import Mission
from hullscan.mission.orders import FlatBottom, KeelLine
from hullscan.mission.patterns.girth import midbody
from hullscan.mission.patterns.lanes import Area, Lanes, stand_off_for, wet_ends
from hullscan.mission.patterns.leg import STEP_M
from hullscan.mission.patterns.view import footprint_m, look_at, require_look_up, turn_girth
from hullscan.ship.surface import Side, Sides, side_name, side_sign

__all__ = ["flat_bottom_lanes", "keel_line_lanes"]

_FACES_DOWN = np.sin(np.radians(62))  # beyond it a lane looks along the ship, not across
_END_TRIM = 0.45  # of the stand-off
_ABOVE_TURN = 0.15  # of the picture's height: how far above the turn a lane on the bilge may run
_NARROW = 0.1  # of the picture's height: a strip of bilge that is left to the neighbour
_SEEN_WITHIN = np.radians(60)  # of the normal; beyond it a look hardly counts
_SIDES: tuple[Side, Side] = ("starboard", "port")


def flat_bottom_lanes(mission: Mission, order: FlatBottom) -> Lanes:
    """Lanes along the ship, beside each other from turn of bilge to turn of bilge.

    Raises:
        InputError: the vehicle cannot look up at the bottom.
    """
    require_look_up(mission, "flat_bottom")
    stand_off = stand_off_for(mission, order)
    stations = order.stations_m or midbody(mission)
    wanted = [side for side in _SIDES if order.area in ("bottom", f"{side}_bottom")]
    first = order.access or (mission.file.launch.side if len(wanted) == 2 else wanted[0])
    access = side_sign(first)
    along = np.linspace(*stations, max(int((stations[1] - stations[0]) / STEP_M), 2))
    leading = access if len(wanted) == 2 else side_sign(wanted[0])
    halves = {side_sign(side): _half_width(mission, side_sign(side), along) for side in wanted}
    flat = _flat_half_width(mission, order, leading)
    widest = max(float(half.max()) for half in halves.values())
    offsets = [leading * c for c in _places(mission, order, stand_off, widest, leading, both=len(wanted) == 2)]
    tracks, zones = [], []
    width, height = footprint_m(mission, stand_off)
    for number, offset in enumerate(offsets):
        # a lane is straight; where the bottom narrows those on the bilge follow its turn, those on the flat end
        half = halves[1 if offset > 0 else -1] if offset else halves[leading]
        on_bilge = abs(offset) >= flat - 1e-6 and abs(offset) > 0
        reach = np.minimum(abs(offset), half + _ABOVE_TURN * height) if on_bilge else np.full(len(half), abs(offset))
        places = np.sign(offset) * reach
        inside = np.ones(len(half), bool) if on_bilge else np.abs(offset) <= half + 0.35 * width
        if inside.any():
            kept, places = along[inside], places[inside]
            # the ends are seen from a little inside
            trim = min(_END_TRIM * stand_off, (kept[-1] - kept[0]) / 4)
            within = (kept >= kept[0] + trim) & (kept <= kept[-1] - trim)
            tracks.append(_lane(mission, kept[within], places[within], stand_off))
            zones.append(f"bottom, lane {number + 1} of {len(offsets)}")
    keel = float(mission.hull.keel_depth(along).max())
    # the bilge is seen by lanes that look across, with the picture's height; the flat with its width
    areas, swaths = [], []
    for side in wanted:
        top, edge = (
            _depth_of_facing(mission, side, stations, facing) for facing in (np.pi / 4, np.arcsin(_FACES_DOWN))
        )
        areas += [Area(side, stations, (top, edge)), Area(side, stations, (edge, keel + 0.05))]
        swaths += [height * (1 - order.overlap), width * (1 - order.overlap)]
    return Lanes(
        order=order,
        pattern="flat_bottom",
        tracks=tuple(tracks),
        zones=tuple(zones),
        access=(access,) * len(tracks),
        areas=tuple(areas),
        stand_off_m=stand_off,
        swath_m=width * (1 - order.overlap),
        speed_mps=order.speed_mps or mission.vehicle.survey_speed_mps,
        under=True,
        swaths_m=tuple(swaths),
    )


def keel_line_lanes(mission: Mission, order: KeelLine) -> Lanes:
    """One lane under the keel line.

    Raises:
        InputError: the vehicle cannot look up at the bottom.
    """
    require_look_up(mission, "keel_line")
    hull, stand_off = mission.hull, stand_off_for(mission, order)
    first, last = wet_ends(mission)
    if order.stations_m is None:
        x = np.linspace(first, last, 400)
        level = hull.keel_depth(x) > 0.93 * hull.keel_depth(x).max()
        stations = (float(x[level][0]), float(x[level][-1]))
    else:
        stations = order.stations_m
    width, _ = footprint_m(mission, stand_off)
    along = np.linspace(*stations, max(int((stations[1] - stations[0]) / STEP_M), 2))
    least, keel = float(hull.keel_depth(along).min()), float(hull.keel_depth(along).max())
    return Lanes(
        order=order,
        pattern="keel_line",
        tracks=(_lane(mission, along, np.zeros(len(along)), stand_off),),
        zones=("keel line",),
        access=(side_sign(order.access or mission.file.launch.side),),
        areas=tuple(Area(side, stations, (least - 0.1, keel + 0.05), from_keel_m=0.4 * width) for side in _SIDES),
        stand_off_m=stand_off,
        swath_m=width * (1 - order.overlap),
        speed_mps=order.speed_mps or mission.vehicle.survey_speed_mps,
        under=True,
    )


def _half_width(mission: Mission, sign: int, stations: Array) -> Array:
    """(n,) girth from the centre line to the turn of the bilge on one side."""
    every = np.linspace(0, len(stations) - 1, min(len(stations), 80)).astype(int)
    half = mission.hull.total_girth(stations[every], side_name(sign)) - turn_girth(mission, sign, stations[every])
    return np.asarray(np.interp(stations, stations[every], half), dtype=np.float64)


def _depth_of_facing(mission: Mission, side: Side, stations: tuple[float, float], facing_rad: float) -> float:
    """Depth amidships at which the plating first faces down by more than an angle."""
    middle, sign = np.array([np.mean(stations)]), side_sign(side)
    point = mission.hull.point(np.array([sign], np.int8), middle, turn_girth(mission, sign, middle, facing_rad))
    return float(point[0, 2])


def _places(
    mission: Mission, order: FlatBottom, stand_off: float, half: float, sign: int, *, both: bool
) -> list[float]:
    """Distances of the lanes from the centre line, along the girth; from one turn of the bilge to the other.

    Lanes that look across, on the bilge, add the picture's height; those that look along the ship add its width.
    """
    width, height = footprint_m(mission, stand_off)
    across, along = height * (1 - order.overlap), width * (1 - order.overlap)
    flat = _flat_half_width(mission, order, sign)
    outer: list[float] = []
    rest = half  # as far from the centre line as is not seen yet
    while rest > flat + _NARROW * height:
        places = np.arange(rest - across / 2, max(rest - across, flat * 0.9), -0.05)
        edges = [_edges(mission, order, sign * place, stand_off) for place in places]
        # as far in as it may be that still sees what its neighbour leaves
        reaching = [i for i, (_, outer_edge) in enumerate(edges) if outer_edge >= rest] or [0]
        place, seen = (
            (float(places[reaching[-1]]), edges[reaching[-1]][0]) if len(places) else (flat, flat - across / 2)
        )
        outer.append(place)
        rest = max(min(seen + order.overlap * height / 2, place - across / 2), 0.0)
    if both:
        count = max(int(np.ceil((2 * rest - width) / along)) + 1, 1)
        inner = [0.0] if count == 1 else list(np.linspace(rest - width / 2, -(rest - width / 2), count))
        return [*outer, *inner, *(-c for c in reversed(outer))]
    count = max(int(np.ceil((rest - width) / along)) + 1, 1)
    inner = list(np.linspace(rest - width / 2, width / 2, count)) if count > 1 else [rest / 2]
    return [*outer, *inner]


def _edges(mission: Mission, order: FlatBottom, offset: float, stand_off: float) -> tuple[float, float]:
    """Distances from the centre line between which a lane that looks across really sees the surface, amidships."""
    hull, camera = mission.hull, mission.vehicle.camera
    stations = order.stations_m or midbody(mission)
    x, y, z, yaw, pitch, tilt = _lane(mission, np.array([float(np.mean(stations))]), np.array([offset]), stand_off)[0]
    body = Pose(np.array([x, y, z]), Rotation.from_euler("ZY", [yaw, pitch]))
    pose = body @ mission.vehicle.camera_pose_frd(float(tilt))
    column = np.column_stack([np.full(60, camera.width_px / 2), np.linspace(0.02, 0.98, 60) * camera.height_px])
    rays = pose.directions_to_parent(camera.rays_cam(column))
    met = hull.cast(pose.position_m, rays)
    steep = -(rays * met.normals).sum(axis=1) > np.cos(_SEEN_WITHIN)
    near = met.distance_m < 0.7 * mission.file.conditions.visibility_m
    good = met.hit & steep & near
    if not good.any():
        return abs(offset), abs(offset)
    points = met.points_m[good]
    there = hull.locate(points)
    off = _total_girth(mission, there.side, points[:, 0]) - there.girth_m
    return float(off.min()), float(off.max())


def _flat_half_width(mission: Mission, order: FlatBottom, sign: int) -> float:
    stations = order.stations_m or midbody(mission)
    middle = np.array([np.mean(stations)])
    edge = turn_girth(mission, sign, middle, float(np.arcsin(_FACES_DOWN)))
    return float((mission.hull.total_girth(middle, side_name(sign)) - edge)[0])


def _total_girth(mission: Mission, sides: Sides, stations: Array) -> Array:
    """(n,) girth of the sections, each on its own side."""
    hull = mission.hull
    starboard = hull.total_girth(stations)
    return starboard if hull.symmetric else np.where(sides > 0, starboard, hull.total_girth(stations, "port"))


def _lane(mission: Mission, stations: Array, offsets: Array, stand_off: float) -> Array:
    """(n, 6) poses of one lane; those on the flat look forward along the ship, those on the bilge across."""
    hull = mission.hull
    sides = np.where(offsets >= 0, 1, -1).astype(np.int8)
    girths = np.maximum(_total_girth(mission, sides, stations) - np.abs(offsets), 0)
    points, normals = hull.point(sides, stations, girths), hull.normal(sides, stations, girths)
    if float(np.median(normals[:, 2])) > _FACES_DOWN:
        normals = np.tile([0.0, 0.0, 1.0], (len(stations), 1))
        return look_at(mission, points, normals, stand_off, heading=np.array([1.0, 0.0]))
    return look_at(mission, points, normals, stand_off)
