"""A place on the hull as a diver finds it: by frame, by what can be felt near it, which way, and what is dangerous."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from hullscan.mission.model import Mission
from hullscan.ship.fittings import Fitting, fitting_point
from hullscan.ship.frames import frame_at
from hullscan.ship.surface import Side, side_sign
from hullscan.words import mark

__all__ = ["approach", "frame_words", "hazards", "nearest_landmark"]

Words = Callable[[str], str]
_KINDS: Final = {
    "sea_chest": mark("sea chest"),
    "outlet": mark("outlet"),
    "anode": mark("anode"),
    "dock_block": mark("dock block"),
}
"""What a diver can tell by hand; a bilge keel has no place along the ship of its own."""
_SUCTION_M: Final = 3.0  # within this distance of a sea chest its suction is named
_GEAR_SHARE: Final = 0.08  # of the length, from the stern: rudder and propeller
_BOTTOM_COSINE: Final = 0.7  # of the plating's normal with straight down: from there on it is overhead


def frame_words(mission: Mission, station_m: float, words: Words) -> str:
    """``frame 34 + 0.2 m``; empty where no frames are known."""
    frames = mission.file.ship.frames
    number = frame_at(frames, station_m)
    if number is None:
        return ""
    whole = round(number)
    ahead = frame_at(frames, station_m + 1.0)
    per_m = (ahead - number) if ahead is not None and ahead != number else 1.0
    return words(mark("frame {number}, {offset:+.1f} m")).format(number=whole, offset=(number - whole) / abs(per_m))


def nearest_landmark(mission: Mission, finding: dict[str, Any], words: Words) -> str:
    """The nearest fitting of the same side that is known, with the way from it; else the ends of the ship."""
    side: Side = finding["side"]
    point = np.array(finding["position_ship_m"], dtype=np.float64)
    known = [f for f in mission.file.ship.fittings if f.side == side and f.kind in _KINDS and not f.assumed]
    if not known:
        first_m, last_m = float(mission.hull.stations_m[0]), float(mission.hull.stations_m[-1])
        message = mark("{aft:.1f} m forward of the sternmost, {fore:.1f} m aft of the foremost point under water")
        return words(message).format(aft=point[0] - first_m, fore=last_m - point[0])
    places = [fitting_point(mission.hull, fitting)[0] for fitting in known]
    nearest = int(np.argmin([float(np.linalg.norm(place - point)) for place in places]))
    return _way(known[nearest], places[nearest], point, words)


def _way(fitting: Fitting, place: np.ndarray, point: np.ndarray, words: Words) -> str:
    along, down = float(point[0] - place[0]), float(point[2] - place[2])
    message = mark("{along:.1f} m {direction} and {down:.1f} m {vertical} the {kind} at station {station:.1f} m")
    return words(message).format(
        along=abs(along),
        direction=words(mark("forward of") if along >= 0 else mark("aft of")),
        down=abs(down),
        vertical=words(mark("below") if down >= 0 else mark("above")),
        kind=words(_KINDS[fitting.kind]),
        station=fitting.station_m,
    )


def approach(mission: Mission, finding: dict[str, Any], words: Words) -> list[str]:
    """Which way a diver comes to a place: from which end, on which side, how deep, how far under the ship."""
    side: Side = finding["side"]
    point = np.array(finding["position_ship_m"], dtype=np.float64)
    first_m, last_m = float(mission.hull.stations_m[0]), float(mission.hull.stations_m[-1])
    if _near_gear(mission, point):
        said = [words(mark("Come from the stern, once the lock-out of rudder and propeller is confirmed."))]
    elif mission.file.berth.quay_side == side:
        message = mark(
            "Quay side: come along the hull from the bow, {along:.0f} m aft of it, never down between hull and quay."
        )
        said = [words(message).format(along=last_m - point[0])]
    else:
        message = mark(
            "Enter on the {side} side, {along:.0f} m aft of the foremost point under water; come from the bow."
        )
        said = [words(message).format(side=words(side), along=last_m - point[0])]
    place, _, normal = mission.hull.nearest(point[None])
    if normal[0, 2] < _BOTTOM_COSINE:
        said.append(words(mark("Down along the plating to {depth:.1f} m.")).format(depth=point[2]))
        return said
    station, sides = np.clip(place[0, :1], first_m, last_m), np.array([side_sign(side)], dtype=np.int8)
    edge_m = abs(float(mission.hull.point(sides, station, np.zeros(1))[0, 1]))
    message = mark(
        "Down along the side, then {inward:.1f} m inward under the bottom, at {depth:.1f} m: up is the way back only."
    )
    said.append(words(message).format(inward=max(edge_m - abs(point[1]), 0.0), depth=point[2]))
    return said


def _near_gear(mission: Mission, point_ship_m: np.ndarray) -> bool:
    first_m, last_m = float(mission.hull.stations_m[0]), float(mission.hull.stations_m[-1])
    return bool(point_ship_m[0] - first_m < _GEAR_SHARE * (last_m - first_m))


def hazards(mission: Mission, finding: dict[str, Any], words: Words) -> list[str]:
    """What can hurt a diver at this place: always the lock-out, then what is near."""
    point = np.array(finding["position_ship_m"], dtype=np.float64)
    said = [
        words(
            mark("Before anybody enters the water: propeller, thrusters, sea suctions and ICCP locked out and tagged.")
        )
    ]
    for fitting in mission.file.ship.fittings:
        if fitting.kind != "sea_chest":
            continue
        distance = float(np.linalg.norm(fitting_point(mission.hull, fitting)[0] - point))
        if distance < _SUCTION_M:
            message = mark("A sea chest is {distance:.1f} m away: suction.")
            said.append(words(message).format(distance=distance))
    if _near_gear(mission, point):
        said.append(words(mark("Rudder and propeller are near.")))
    berth = mission.file.berth
    if berth.quay_side == finding["side"]:
        message = mark("Quay side: {gap:.1f} m between hull and quay; danger of crushing.")
        said.append(words(message).format(gap=berth.quay_gap_m))
    if berth.water_depth_m - point[2] < 2.0:
        message = mark("Only {water:.1f} m of water below the place.")
        said.append(words(message).format(water=berth.water_depth_m - point[2]))
    return said
