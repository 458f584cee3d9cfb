"""How far from the hull and how fast a plan looks at it, and how much of it a lane adds."""

from __future__ import annotations

import numpy as np

from hullscan.mission.candidates import SIDE_OVERLAP
from hullscan.mission.currents import fastest_against_mps
from hullscan.mission.model import Mission
from hullscan.search.pod import LookModel, sample_m
from hullscan.search.sweep import sweep_width_m

__all__ = ["search_speed_mps", "stand_off_m", "swath_m"]

_STAND_OFF_SHARE = 0.42  # of the visibility, see patterns
_CHOICES = 16


def swath_m(mission: Mission, stand_off: float) -> float:
    """Height of hull that one lane adds, neighbours overlapping."""
    return float(2 * stand_off * np.tan(mission.vehicle.camera.vfov_rad / 2) * (1 - SIDE_OVERLAP))


def stand_off_m(mission: Mission) -> float:
    """Distance of the camera from the hull at which a metre of way finds most: by the visibility, or nearer.

    Never nearer than is safe. In clear water a share of the visibility is so far that parcels have too few pixels.
    """
    visibility_m, vehicle = mission.file.conditions.visibility_m, mission.vehicle
    least = max(0.7, mission.file.limits.min_clearance_m + 0.35)
    choices = np.linspace(least, float(np.clip(_STAND_OFF_SHARE * visibility_m, least, 2.5)), _CHOICES)[::-1]
    widths = [
        sweep_width_m(each, vehicle.camera, visibility_m, mission.pod_model, speed_mps=vehicle.max_speed_mps)
        for each in choices
    ]
    return float(choices[np.argmax(widths)])


def search_speed_mps(mission: Mission, stand_off: float, model: LookModel) -> float:
    """Speed along the hull at which a minute finds most: what is gained in hull is lost to the blur of the picture.

    No faster than the stated current leaves it.
    """
    vehicle = mission.vehicle
    most = fastest_against_mps(mission, vehicle.max_speed_mps)
    speeds = np.linspace(min(vehicle.survey_speed_mps, most), most, 26)
    still = np.full(len(speeds), stand_off)
    pod = model.of_look(
        still,
        sample_m(still, vehicle.camera),
        np.zeros(len(speeds)),
        mission.file.conditions.visibility_m,
        speed_mps=speeds,
    )
    return float(speeds[np.argmax(pod * speeds)])
