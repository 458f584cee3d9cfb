"""The facts on which go or no-go is decided, from the mission and from the legs that were planned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.mission.currents import stated_current_ne_mps
from hullscan.mission.feasibility import Facts, along_hull_mps
from hullscan.mission.legs_in_current import through_water_mps
from hullscan.mission.limits import away_m, return_margin_s
from hullscan.mission.model import Mission
from hullscan.mission.patterns import Leg
from hullscan.mission.tide import slack_windows, utc_seconds
from hullscan.search.pod import LookModel, sample_m
from hullscan.ship.surface import side_name

__all__ = ["gather_facts"]

_LOOK_AHEAD_S = 12.5 * 3600  # a tide and a little: the next slack water lies within


def gather_facts(mission: Mission, legs: Sequence[Leg], stand_off_m: float, model: LookModel) -> Facts:
    """Facts of a plan.

    Raises:
        InputError: ``start_utc`` is no time.
    """
    file, vehicle, duration = mission.file, mission.vehicle, legs[-1].end_s
    current, known, slack = _currents(mission, duration)
    look = model.of_look(
        np.array([stand_off_m]),
        sample_m(np.array([stand_off_m]), vehicle.camera),
        np.zeros(1),
        file.conditions.visibility_m,
        speed_mps=vehicle.survey_speed_mps,
    )
    draught = float(mission.hull.keel_depth(mission.hull.stations_m).max())
    searched = np.concatenate([leg.poses[:, 2] for leg in legs if leg.surveys])
    return Facts(
        visibility_m=file.conditions.visibility_m,
        stand_off_m=stand_off_m,
        look_pod=float(look[0]),
        water_mps=through_water_mps(mission, legs),
        water_limit_mps=vehicle.water_speed_mps,
        current_mps=float(np.linalg.norm(current, axis=1).max()),
        current_along_mps=float(along_hull_mps(current, np.radians(file.berth.heading_deg)).max()),
        current_known=known,
        slack=slack,
        window_min=file.window_min,
        duration_min=duration / 60,
        endurance_min=vehicle.endurance_min,
        return_margin_s=return_margin_s(mission, legs),
        # a route counts its tether the way that the vehicle came, round the ship
        tether_m=max(leg.tether_m for leg in legs) or float(away_m(mission, legs).max()),
        tether_limit_m=min(file.limits.max_tether_m, vehicle.tether_m),
        sides=frozenset(side_name(sign) for sign in np.unique(np.sign(searched)) if sign),
        quay_side=file.berth.quay_side,
        quay_gap_m=file.berth.quay_gap_m,
        under_keel_m=file.berth.water_depth_m - draught,
    )


def _currents(mission: Mission, duration_s: float) -> tuple[Array, bool, tuple[tuple[float, float], ...]]:
    """(n, 2) currents north and east over the plan, whether a table knows them, and slack waters in minutes."""
    current, known = stated_current_ne_mps(mission, np.arange(0, duration_s + 60, 60.0))
    if mission.tide is None or mission.file.start_utc is None:
        return current, known, ()
    start = utc_seconds(mission.file.start_utc, where="start_utc")
    easy = mission.vehicle.water_speed_mps - mission.vehicle.survey_speed_mps
    spans = slack_windows(mission.tide, start, start + _LOOK_AHEAD_S, easy)
    return current, known, tuple(((a - start) / 60, (b - start) / 60) for a, b in spans)
