"""How far from the hull and how fast a plan looks at it, and how much of it a lane adds."""

from __future__ import annotations

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.mission.candidates import SIDE_OVERLAP
from hullscan.mission.currents import fastest_against_mps
from hullscan.mission.model import Mission
from hullscan.search.pod import LookModel, sample_m
from hullscan.search.sweep import sweep_width_m

__all__ = ["farthest_m", "good_look_m", "least_m", "search_speed_mps", "stand_off_m", "swath_m"]

_STAND_OFF_SHARE = 0.42  # of the visibility; a detector needs contrast, exp(-4.8 x 0.42) leaves 13 %
_CHOICES = 16
_GOOD = 0.9
"""Of the POD of a perfect look: from nearer a look finds a tenth more at most, and lanes become more in proportion."""


def swath_m(mission: Mission, stand_off: float) -> float:
    """Height of hull that one lane adds, neighbours overlapping."""
    return float(2 * stand_off * np.tan(mission.vehicle.camera.vfov_rad / 2) * (1 - SIDE_OVERLAP))


def least_m(mission: Mission) -> float:
    """The nearest that the camera is flown to the hull."""
    return max(0.7, mission.file.limits.min_clearance_m + 0.35)


def farthest_m(mission: Mission) -> float:
    """The farthest: a share of the visibility."""
    return float(np.clip(_STAND_OFF_SHARE * mission.file.conditions.visibility_m, least_m(mission), 2.5))


def stand_off_m(mission: Mission) -> float:
    """Distance of the camera from the hull at which a metre of way finds most: by the visibility, or nearer.

    Never nearer than is safe. In clear water a share of the visibility is so far that parcels have too few pixels.
    """
    choices = _choices(mission)
    widths = [
        sweep_width_m(
            each,
            mission.vehicle.camera,
            mission.file.conditions.visibility_m,
            mission.pod_model,
            speed_mps=mission.vehicle.max_speed_mps,
        )
        for each in choices
    ]
    return float(choices[np.argmax(widths)])


def good_look_m(mission: Mission, speed_mps: float) -> float:
    """Distance from which a look is good: the farthest from which it finds ``_GOOD`` of what a perfect one does.

    By the POD model for the parcel that the mission looks for; where no distance is good, the nearest that is safe.
    """
    choices, camera = _choices(mission), mission.vehicle.camera
    pod = mission.pod_model.of_look(
        choices,
        sample_m(choices, camera),
        np.zeros(len(choices)),
        mission.file.conditions.visibility_m,
        speed_mps=speed_mps,
    )
    good = choices[pod >= _GOOD * mission.pod_model.asymptote]
    return float(good.max(initial=least_m(mission)))


def _choices(mission: Mission) -> Array:
    """(n,) distances to choose from, the farthest first."""
    return np.linspace(least_m(mission), farthest_m(mission), _CHOICES)[::-1]


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
