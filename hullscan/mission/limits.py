"""What window, battery and tether leave of a mission."""

from __future__ import annotations

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.mission.feasibility import RETURN_S
from hullscan.mission.model import Mission

__all__ = ["flying_time_s", "tether_out_m"]

_BATTERY_SHARE = 0.8
"""Of the battery's time that a plan may use."""


def flying_time_s(mission: Mission) -> float:
    """From the launch back to it."""
    return float(min(mission.file.window_min * 60 - RETURN_S, _BATTERY_SHARE * mission.vehicle.endurance_min * 60))


def tether_out_m(mission: Mission, places_m: Array) -> Array:
    """(n,) tether paid out at (n, 3) places along the outline, see ``Joiner.places``."""
    return np.asarray(np.abs(places_m[:, 0]) + places_m[:, 1] + mission.file.launch.distance_m, dtype=np.float64)
