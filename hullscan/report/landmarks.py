"""A place on the hull as a diver finds it: by frame, by the nearest thing that can be felt, and what is dangerous."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from hullscan.mission.model import Mission
from hullscan.ship.fittings import Fitting, fitting_point
from hullscan.ship.frames import frame_at
from hullscan.ship.surface import Side
from hullscan.words import mark

__all__ = ["frame_words", "hazards", "nearest_landmark"]

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
    first_m, last_m = float(mission.hull.stations_m[0]), float(mission.hull.stations_m[-1])
    if point[0] - first_m < _GEAR_SHARE * (last_m - first_m):
        said.append(words(mark("Rudder and propeller are near.")))
    berth = mission.file.berth
    if berth.quay_side == finding["side"]:
        message = mark("Quay side: {gap:.1f} m between hull and quay; danger of crushing.")
        said.append(words(message).format(gap=berth.quay_gap_m))
    if berth.water_depth_m - point[2] < 2.0:
        message = mark("Only {water:.1f} m of water below the place.")
        said.append(words(message).format(water=berth.water_depth_m - point[2]))
    return said
