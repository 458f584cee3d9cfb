"""Along the bilge keel: above its plate, and below it."""

from __future__ import annotations

import numpy as np

from hullscan.errors import InputError
from hullscan.mission.model import Mission
from hullscan.mission.orders import BilgeKeel, sides_of
from hullscan.mission.patterns.close import fittings_of
from hullscan.mission.patterns.lanes import Area, Lanes, stand_off_for
from hullscan.mission.patterns.leg import STEP_M
from hullscan.mission.patterns.view import footprint_m, look_at, require_look_up
from hullscan.ship.surface import side_sign

__all__ = ["bilge_keel_lanes"]

_OUT, _OFF = 0.6, 0.8  # of the view's direction along the plating's normal and across the plate
_ABOVE_M, _BELOW_M = 0.5, 0.2  # of hull beside the plate that the lanes search; below it they see the plate itself


def bilge_keel_lanes(mission: Mission, order: BilgeKeel) -> Lanes:
    """Two lanes for each bilge keel: one looks into the corner above the plate, one into the corner below it.

    Raises:
        InputError: the ship has no bilge keel, or the vehicle cannot look up at the lower corner.
    """
    require_look_up(mission, "bilge_keel")
    hull, stand_off = mission.hull, stand_off_for(mission, order)
    fittings = [each for each in fittings_of(mission, "bilge_keel") if each.side in sides_of(order)]
    if not fittings:
        raise InputError("the ship has no bilge keel there", where="survey, bilge_keel")
    fittings.sort(key=lambda each: each.side != mission.file.launch.side)
    tracks, zones, access, areas = [], [], [], []
    for fitting in fittings:
        sign = side_sign(fitting.side)
        ends = (fitting.station_m - fitting.size_m[0] / 2, fitting.station_m + fitting.size_m[0] / 2)
        along = np.linspace(*ends, max(int(np.ceil((ends[1] - ends[0]) / STEP_M)), 1) + 1)
        sides = np.full(len(along), sign, np.int8)
        girths = hull.girth_to_depth(along, np.full(len(along), fitting.depth_m), fitting.side)
        points, normals = hull.point(sides, along, girths), hull.normal(sides, along, girths)
        up = np.cross(normals, np.tile([float(sign), 0.0, 0.0], (len(along), 1)))
        up *= -np.sign(up[:, 2:])  # along the section, towards the waterline
        plate = points + normals * (fitting.size_m[1] / 2)
        inward = np.array([0.0, -float(sign)])
        for name, across in (("above", up), ("below", -up)):
            toward = _OUT * normals + _OFF * across
            heading = inward if name == "above" else -inward
            track = look_at(mission, plate, toward / np.linalg.norm(toward, axis=1, keepdims=True), stand_off, heading)
            tracks.append(track)
            zones.append(f"{fitting.side} bilge keel, {name} the plate")
        access += [sign, sign]
        middle = np.array([fitting.station_m])
        girth = float(hull.girth_to_depth(middle, np.array([fitting.depth_m]), fitting.side)[0])
        span = np.array([girth - _ABOVE_M, girth + _BELOW_M])
        depths = hull.point(np.full(2, sign, np.int8), np.repeat(middle, 2), span)[:, 2]
        areas.append(Area(fitting.side, ends, (float(depths[0]), float(depths[1]) + 0.01)))
    return Lanes(
        order=order,
        pattern="bilge_keel",
        tracks=tuple(tracks),
        zones=tuple(zones),
        access=tuple(access),
        areas=tuple(areas),
        stand_off_m=stand_off,
        swath_m=footprint_m(mission, stand_off)[1] * (1 - order.overlap),
        speed_mps=order.speed_mps or mission.vehicle.survey_speed_mps,
        under=True,
    )
