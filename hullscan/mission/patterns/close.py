"""Close looks: at landmarks, at sea chests, at the place of a cue."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.orders import Landmarks, Order, SeaChest, SpotCheck, sides_of
from hullscan.mission.patterns.lanes import Area, Lanes, stand_off_for
from hullscan.mission.patterns.leg import STEP_M
from hullscan.mission.patterns.view import footprint_m, look_at
from hullscan.ship.fittings import Fitting, assumed_fittings, fitting_point
from hullscan.ship.surface import side_name, side_sign

__all__ = ["fittings_of", "landmark_lanes", "sea_chest_lanes", "spot_check_lanes"]

_CLOSE = 0.75  # of the stand-off: closer than a lane, as far as the clearance allows
_MARGIN_M = 0.3  # round a fitting: what is tied to it hangs beside it


def fittings_of(mission: Mission, *kinds: str) -> list[Fitting]:
    """The ship's fittings of some kinds; where the mission states none of a kind, those assumed by rule."""
    stated = mission.file.ship.fittings
    assumed = assumed_fittings(mission.hull, mission.hull.dimensions.length_m)
    found: list[Fitting] = []
    for kind in kinds:
        found += [each for each in stated if each.kind == kind] or [each for each in assumed if each.kind == kind]
    return found


def landmark_lanes(mission: Mission, order: Landmarks) -> Lanes:
    """A look at each fitting, along the ship on one side, back on the other.

    Raises:
        InputError: the ship has none of the kinds.
    """
    fittings = _in_order(mission, order, fittings_of(mission, *order.kinds))
    stand_off = _close_stand_off(mission, order)
    _, height = footprint_m(mission, stand_off)
    tracks, zones, access, areas = [], [], [], []
    for fitting in fittings:
        area, girths = _patch(mission, fitting)
        rows = _rows(girths, height * (1 - order.overlap), height)
        for track in _raster(mission, side_sign(fitting.side), area.stations_m, rows, stand_off):
            tracks.append(track)
            zones.append(f"{fitting.side} {fitting.kind.replace('_', ' ')} at station {fitting.station_m:.1f}")
            access.append(side_sign(fitting.side))
        areas.append(area)
    return _close_lanes(mission, order, "landmarks", tracks, zones, access, areas, stand_off)


def sea_chest_lanes(mission: Mission, order: SeaChest) -> Lanes:
    """Each sea chest: over the grating, then from one side to the other and from above to below, slantwise."""
    fittings = _in_order(mission, order, fittings_of(mission, "sea_chest"))
    stand_off = _close_stand_off(mission, order)
    _, height = footprint_m(mission, stand_off)
    tracks, zones, access, areas = [], [], [], []
    for fitting in fittings:
        area, girths = _patch(mission, fitting)
        sign = side_sign(fitting.side)
        rows = _rows(girths, height * (1 - order.overlap), height)
        pieces = _raster(mission, sign, area.stations_m, rows, stand_off)
        pieces += _slant(mission, fitting, stand_off, float(np.radians(order.slant_deg)))
        tracks += pieces
        zones += [f"{fitting.side} sea chest at station {fitting.station_m:.1f}"] * len(pieces)
        access += [sign] * len(pieces)
        areas.append(area)
    return _close_lanes(mission, order, "sea_chest", tracks, zones, access, areas, stand_off)


def spot_check_lanes(mission: Mission, order: SpotCheck) -> Lanes:
    """Short lanes over the place of a cue, as far round it as its radius."""
    hull, sign = mission.hull, side_sign(order.side)
    stand_off = stand_off_for(mission, order)
    _, height = footprint_m(mission, stand_off)
    at = np.array([order.station_m])
    girth = float(hull.girth_to_depth(at, np.array([order.depth_m]), order.side)[0])
    total = float(hull.total_girth(at, order.side)[0])
    girths = (max(girth - order.radius_m, 0.0), min(girth + order.radius_m, total))
    stations = (
        max(order.station_m - order.radius_m, float(hull.stations_m[0]) + 0.1),
        min(order.station_m + order.radius_m, float(hull.stations_m[-1]) - 0.1),
    )
    rows = _rows(girths, height * (1 - order.overlap), height)
    tracks = _raster(mission, sign, stations, rows, stand_off)
    depths = hull.point(np.full(2, sign, np.int8), np.repeat(at, 2), np.array(girths))[:, 2]
    areas = [Area(order.side, stations, (float(depths[0]) - 0.01, float(depths[1]) + 0.01))]
    zones = [f"{order.side} spot at station {order.station_m:.1f}, {order.depth_m:.1f} m deep"] * len(tracks)
    return _close_lanes(mission, order, "spot_check", tracks, zones, [sign] * len(tracks), areas, stand_off)


def _close_lanes(
    mission: Mission,
    order: Order,
    pattern: str,
    tracks: list[Array],
    zones: list[str],
    access: list[int],
    areas: list[Area],
    stand_off: float,
) -> Lanes:
    return Lanes(
        order=order,
        pattern=pattern,
        tracks=tuple(tracks),
        zones=tuple(zones),
        access=tuple(access),
        areas=tuple(areas),
        stand_off_m=stand_off,
        swath_m=footprint_m(mission, stand_off)[1] * (1 - order.overlap),
        speed_mps=order.speed_mps or mission.vehicle.survey_speed_mps,
    )


def _close_stand_off(mission: Mission, order: Order) -> float:
    if order.stand_off_m is not None:
        return order.stand_off_m
    return max(_CLOSE * stand_off_for(mission, order), mission.file.limits.min_clearance_m + 0.35)


def _in_order(mission: Mission, order: Landmarks | SeaChest, fittings: list[Fitting]) -> list[Fitting]:
    """From the bow aft on the side of the launch, then from the stern forward on the other."""
    first = mission.file.launch.side
    mine = [each for each in fittings if each.side in sides_of(order)]
    if not mine:
        raise InputError("the ship has no such fittings", where=f"survey, {getattr(order, 'pattern', '')}")
    near = sorted((each for each in mine if each.side == first), key=lambda each: -each.station_m)
    return near + sorted((each for each in mine if each.side != first), key=lambda each: each.station_m)


def _patch(mission: Mission, fitting: Fitting) -> tuple[Area, tuple[float, float]]:
    """The fitting with a margin, as an area and as a span of girth."""
    hull = mission.hull
    point, _, girth = fitting_point(hull, fitting)
    along, across = fitting.size_m[0] / 2 + _MARGIN_M, fitting.size_m[1] / 2 + _MARGIN_M
    total = float(hull.total_girth(np.array([fitting.station_m]), fitting.side)[0])
    girths = (max(girth - across, 0.0), min(girth + across, total))
    signs, at = np.full(2, side_sign(fitting.side), np.int8), np.full(2, fitting.station_m)
    depths = hull.point(signs, at, np.array(girths))[:, 2]
    stations = (fitting.station_m - along, fitting.station_m + along)
    return Area(fitting.side, stations, (float(depths[0]) - 0.01, float(max(depths[1], point[2])) + 0.01)), girths


def _rows(girths: tuple[float, float], spacing: float, height: float) -> Array:
    """Girths of lanes that see a span of girth."""
    count = max(int(np.ceil((girths[1] - girths[0] - height) / spacing)) + 1, 1)
    if count == 1:
        return np.array([(girths[0] + girths[1]) / 2])
    return np.linspace(girths[0] + height / 2, girths[1] - height / 2, count)


def _raster(mission: Mission, sign: int, stations: tuple[float, float], girths: Array, stand_off: float) -> list[Array]:
    """(n, 6) poses of lanes along the ship at some girths."""
    hull = mission.hull
    along = np.linspace(*stations, max(int(np.ceil((stations[1] - stations[0]) / STEP_M)), 1) + 1)
    sides = np.full(len(along), sign, np.int8)
    tracks = []
    for girth in girths:
        at = np.minimum(girth, hull.total_girth(along, side_name(sign)) * 0.995)
        points, normals = hull.point(sides, along, at), hull.normal(sides, along, at)
        tracks.append(look_at(mission, points, normals, stand_off, heading=np.array([0.0, -float(sign)])))
    return tracks


def _slant(mission: Mission, fitting: Fitting, stand_off: float, angle: float) -> list[Array]:
    """Two arcs before a fitting that keep looking at its middle: from aft forward, and from above down."""
    point, normal, _ = fitting_point(mission.hull, fitting)
    count = max(int(np.ceil(2 * angle * stand_off / STEP_M)), 2) + 1
    turn = np.linspace(-angle, angle, count)
    ahead = np.array([1.0, 0.0, 0.0])
    down = np.cross(normal, ahead)
    arcs = []
    for axis in (down / np.linalg.norm(down), ahead):
        toward = Rotation.from_rotvec(turn[:, None] * axis).apply(normal)
        points = np.tile(point, (count, 1))
        arcs.append(look_at(mission, points, toward, stand_off, heading=np.array([0.0, -float(np.sign(point[1]))])))
    return arcs
