"""What window, battery and tether leave of a mission."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.mission.feasibility import RETURN_S
from hullscan.mission.hull_lines import Outline
from hullscan.mission.model import Mission
from hullscan.mission.patterns import Leg
from hullscan.ship.surface import side_sign

__all__ = ["away_m", "flying_time_s", "return_margin_s", "tether_out_m"]

_BATTERY_SHARE = 0.8
"""Of the battery's time that a plan may use."""


def flying_time_s(mission: Mission) -> float:
    """From the launch back to it."""
    return float(min(mission.file.window_min * 60 - RETURN_S, _BATTERY_SHARE * mission.vehicle.endurance_min * 60))


def away_m(mission: Mission, legs: Sequence[Leg]) -> Array:
    """(n,) way home round the ship from every pose of all legs."""
    launch = mission.file.launch
    outline = Outline.about(mission.hull, side_sign(launch.side), launch.station_m)
    poses, start = np.concatenate([leg.poses for leg in legs]), legs[0].poses[0]
    along = outline.place_m(poses[:, 1], np.where(poses[:, 2] >= 0, 1, -1))
    athwart = np.abs(poses[:, 2]) - abs(start[2])
    return np.asarray(np.sqrt(along**2 + (poses[:, 3] - start[3]) ** 2 + athwart**2), dtype=np.float64)


def return_margin_s(mission: Mission, legs: Sequence[Leg]) -> float:
    """Least time left in the window, over all poses of all legs, after the way home from there at transit speed."""
    times_s = np.concatenate([leg.poses[:, 0] for leg in legs])
    home_s = away_m(mission, legs) / mission.vehicle.transit_speed_mps
    return float((mission.file.window_min * 60 - times_s - home_s).min())


def tether_out_m(mission: Mission, places_m: Array) -> Array:
    """(n,) tether paid out at (n, 3) places along the outline, see ``Joiner.places``."""
    return np.asarray(np.abs(places_m[:, 0]) + places_m[:, 1] + mission.file.launch.distance_m, dtype=np.float64)
