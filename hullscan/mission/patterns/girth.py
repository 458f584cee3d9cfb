"""Girth lines: down along the sections, one beside the other; the bow and the stern are flown so."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.orders import Bow, Stern, Transverse
from hullscan.mission.patterns.gear import keep_out
from hullscan.mission.patterns.lanes import Area, Lanes, stand_off_for, wet_ends, wet_stations
from hullscan.mission.patterns.leg import STEP_M
from hullscan.mission.patterns.view import footprint_m, look_at, require_look_up, turn_girth
from hullscan.ship.surface import HullSurface, Side, side_name, side_sign

__all__ = ["bow_lanes", "midbody", "stern_lanes", "transverse_lanes"]

_END_TRIM = 0.5  # of the picture's height: a line's ends are seen from so far inside
_KEEL_TRIM = 0.8  # of the stand-off: looking slantwise at a bottom, the line sees beyond its end at the keel
_ROWS = 60
_SIDES: tuple[Side, Side] = ("starboard", "port")


def midbody(mission: Mission) -> tuple[float, float]:
    """Stations between which side and bottom hardly turn along the ship: the parallel midbody."""
    return _midbody(mission.hull)


@lru_cache(maxsize=8)
def _midbody(hull: HullSurface) -> tuple[float, float]:
    first, last = wet_stations(hull)
    stations = np.linspace(first, last, 161)
    turning = np.zeros(len(stations), bool)
    for side in _SIDES[:1] if hull.symmetric else _SIDES:
        girths = hull.total_girth(stations, side)[:, None] * np.linspace(0.02, 0.98, 25)
        signs = np.full(girths.size, side_sign(side), np.int8)
        normals = hull.normal(signs, np.repeat(stations, 25), girths.ravel())
        turning |= np.abs(normals[:, 0].reshape(girths.shape)).max(axis=1) > np.sin(np.radians(16))
    middle = len(stations) // 2
    aft = stations[: middle + 1][turning[: middle + 1]].max(initial=first)
    fore = stations[middle:][turning[middle:]].min(initial=last)
    return float(aft), float(fore)


def transverse_lanes(mission: Mission, order: Transverse) -> Lanes:
    """Girth lines over one side from the waterline to the keel line, or over the bottom.

    Raises:
        InputError: the vehicle cannot look up at the bottom.
    """
    require_look_up(mission, "transverse")
    stations = order.stations_m or wet_ends(mission)
    sides: tuple[Side, ...] = ("starboard", "port") if order.area == "bottom" else (order.area.removesuffix("_side"),)  # type: ignore[assignment]
    return _lanes(mission, order, "transverse", sides, stations, bottom_only=order.area == "bottom")


def bow_lanes(mission: Mission, order: Bow) -> Lanes:
    """Girth lines on the entrance and a line round the stem."""
    require_look_up(mission, "bow")
    stations = order.stations_m or (midbody(mission)[1], wet_ends(mission)[1])
    sides: tuple[Side, ...] = (order.side,) if order.side else ("starboard", "port")
    return _lanes(mission, order, "bow", sides, stations, bottom_only=False, stem=True)


def stern_lanes(mission: Mission, order: Stern) -> Lanes:
    """Girth lines on the run; without the lock-out they leave out what lies near the propeller."""
    require_look_up(mission, "stern")
    stations = order.stations_m or (wet_ends(mission)[0], midbody(mission)[0])
    sides: tuple[Side, ...] = (order.side,) if order.side else ("starboard", "port")
    return _lanes(mission, order, "stern", sides, stations, bottom_only=False)


def _lanes(
    mission: Mission,
    order: Transverse | Bow | Stern,
    pattern: str,
    sides: tuple[Side, ...],
    stations: tuple[float, float],
    *,
    bottom_only: bool,
    stem: bool = False,
) -> Lanes:
    stand_off = stand_off_for(mission, order)
    width, height = footprint_m(mission, stand_off)
    spacing = width * (1 - order.overlap)
    keel = float(mission.hull.keel_depth(np.linspace(*stations, 60)).max())
    tracks: list[Array] = []
    zones: list[str] = []
    access: list[int] = []
    areas: list[Area] = []
    for side in sides:
        sign = side_sign(side)
        at = _line_stations(mission, sign, stations, spacing, width)
        # towards the end of the ship on one side, back from it on the other
        if (pattern == "stern") == (side == sides[0]):
            at = at[::-1]
        lines = [_line(mission, sign, x, stand_off, height, bottom_only=bottom_only) for x in at]
        pieces = [(x, piece) for x, line in zip(at, lines, strict=True) for piece in _allowed(mission, line)]
        if stem and side == sides[0]:
            pieces += [(stations[1], piece) for piece in _allowed(mission, _stem_line(mission, stations, stand_off))]
        tracks += [piece for _, piece in pieces]
        zones += [f"{side} {'bottom' if bottom_only else 'side'}, girth line at station {x:.1f}" for x, _ in pieces]
        access += [sign] * len(pieces)
        top = 0.0
        if bottom_only:
            middle = np.array([np.mean(stations)])
            turn = turn_girth(mission, sign, middle)
            top = float(mission.hull.point(np.array([sign], np.int8), middle, turn)[0, 2])
        areas.append(Area(side, stations, (top, keel + 0.05)))
    if not tracks:
        raise InputError(
            "every line comes too near to rudder or propeller", where=f"survey, {pattern}", todo="confirm the lock_out"
        )
    return Lanes(
        order=order,
        pattern=pattern,
        tracks=tuple(tracks),
        zones=tuple(zones),
        access=tuple(access),
        areas=tuple(areas),
        stand_off_m=stand_off,
        swath_m=spacing,
        speed_mps=order.speed_mps or mission.vehicle.survey_speed_mps,
        under=bottom_only,
    )


def _line_stations(
    mission: Mission, sign: int, stations: tuple[float, float], spacing: float, width: float
) -> list[float]:
    """Stations of the lines: by the way along the surface, where it is longest."""
    hull = mission.hull
    x = np.linspace(*stations, max(int((stations[1] - stations[0]) / 0.1), 8))
    share = np.linspace(0.03, 0.97, 15)
    girths = hull.total_girth(x, side_name(sign))[:, None] * share
    sides = np.full(girths.size, sign, np.int8)
    points = hull.point(sides, np.repeat(x, len(share)), girths.ravel()).reshape(len(x), len(share), 3)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=2)
    way = np.concatenate([[0.0], np.cumsum(np.quantile(steps, 0.75, axis=1))])
    count = max(int(np.ceil((way[-1] - width) / spacing)) + 1, 1)
    places = np.linspace(width / 2, way[-1] - width / 2, count) if count > 1 else np.array([way[-1] / 2])
    return [float(station) for station in np.interp(places, way, x)]


def _line(mission: Mission, sign: int, station: float, stand_off: float, height: float, *, bottom_only: bool) -> Array:
    """(n, 6) poses from the top of a section down to the keel line, seen from the section's own side."""
    hull = mission.hull
    at = np.array([station])
    total = float(hull.total_girth(at, side_name(sign))[0])
    top = float(turn_girth(mission, sign, at)[0]) if bottom_only else 0.0
    foot = hull.normal(np.array([sign], np.int8), at, np.array([0.97 * total]))[0]
    trim = _KEEL_TRIM * stand_off if foot[2] > np.sin(np.pi / 4) else _END_TRIM * height
    start, end = top + _END_TRIM * height, total - trim
    if end <= start:
        start = end = (top + total) / 2
    count = max(int(np.ceil((end - start) / STEP_M)) + 1, 1)
    girths = np.linspace(start, end, count)
    stations, sides = np.full(count, station), np.full(count, sign, np.int8)
    points, normals = hull.point(sides, stations, girths), hull.normal(sides, stations, girths)
    return look_at(mission, points, normals, stand_off, heading=np.array([0.0, -float(sign)]))


def _stem_line(mission: Mission, stations: tuple[float, float], stand_off: float) -> Array:
    """(n, 6) poses down the stem and round the forefoot, looking aft."""
    hull = mission.hull
    x = np.linspace(
        stations[1], max(stations[0], stations[1] - 1.2 * float(hull.keel_depth(np.array([stations[0]]))[0])), 200
    )
    starboard, port = np.ones(len(x), np.int8), -np.ones(len(x), np.int8)
    total, other = hull.total_girth(x, "starboard"), hull.total_girth(x, "port")
    profile = hull.point(starboard, x, total)
    normals = hull.normal(starboard, x, total * 0.97) + hull.normal(port, x, other * 0.97)
    normals[:, 1] = 0
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    rising = normals[:, 0] > 0.25  # below it the keel line takes over
    profile, normals = profile[rising], normals[rising]
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(profile, axis=0), axis=1))])
    places = np.linspace(0, way[-1], max(int(np.ceil(way[-1] / STEP_M)) + 1, 1))
    index = np.minimum(np.searchsorted(way, places), len(way) - 1)
    return look_at(mission, profile[index], normals[index], stand_off, heading=np.array([-1.0, 0.0]))


def _allowed(mission: Mission, line: Array) -> list[Array]:
    """The pieces of a line that stay clear of rudder and propeller."""
    free = ~keep_out(mission, line)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], free.astype(int), [0]])))
    return [line[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
