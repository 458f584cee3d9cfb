"""How far from the hull and how fast a plan looks at it, and how much of it a lane adds."""

from __future__ import annotations

import numpy as np

from hullscan.mission.candidates import SIDE_OVERLAP
from hullscan.mission.model import Mission
from hullscan.search.pod import LookModel, sample_m

__all__ = ["search_speed_mps", "stand_off_m", "swath_m"]

_STAND_OFF_SHARE = 0.42  # of the visibility, see patterns


def swath_m(mission: Mission, stand_off: float) -> float:
    """Height of hull that one lane adds, neighbours overlapping."""
    return float(2 * stand_off * np.tan(mission.vehicle.camera.vfov_rad / 2) * (1 - SIDE_OVERLAP))


def stand_off_m(mission: Mission) -> float:
    """Distance of the camera from the hull by the visibility, never nearer than is safe."""
    safe = mission.file.limits.min_clearance_m + 0.35
    return float(np.clip(_STAND_OFF_SHARE * mission.file.conditions.visibility_m, max(0.7, safe), 2.5))


def search_speed_mps(mission: Mission, stand_off: float, model: LookModel) -> float:
    """Speed along the hull at which a minute finds most: what is gained in hull is lost to the blur of the picture."""
    vehicle = mission.vehicle
    speeds = np.linspace(vehicle.survey_speed_mps, vehicle.max_speed_mps, 26)
    still = np.full(len(speeds), stand_off)
    pod = model.of_look(
        still,
        sample_m(still, vehicle.camera),
        np.zeros(len(speeds)),
        mission.file.conditions.visibility_m,
        speed_mps=speeds,
    )
    return float(speeds[np.argmax(pod * speeds)])
