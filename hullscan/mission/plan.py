"""The plan: legs as poses in the ship frame, priced in time, area and expected probability of detection."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hullscan.errors import InputError
from hullscan.mission.model import Mission
from hullscan.mission.patterns import Area, Lanes, Leg, lanes_of, require_clear, route
from hullscan.search.cells import Gap, HullCells
from hullscan.search.looks import LookRecord, seen_cells

__all__ = ["Area", "Plan", "plan_mission", "save_plan"]

_MANOEUVRE_S = 6.0  # stopping, turning and settling at each end of a leg
_SURFACING_S = 25.0  # descent at the start and ascent at the end
_MANY_POSES = 3000


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be flown.

    Attributes:
        legs: in order; approach, lanes with transfers, return.
        areas: of the hull that the mission asks for.
        planned_area_m2: seen at least once if flown as planned.
        plannable_area_m2: of the zones that the mission asks for.
        expected_pod: chance that a parcel that lies somewhere in those zones is found (uniform prior).
        curve: (minutes, expected POD) after each survey leg.
        gaps: asked for, but not seen by the plan.
    """

    legs: tuple[Leg, ...]
    areas: tuple[Area, ...]
    length_m: float
    duration_s: float
    lower_bound_m: float
    planned_area_m2: float
    plannable_area_m2: float
    expected_pod: float
    curve: tuple[tuple[float, float], ...]
    gaps: tuple[Gap, ...]
    min_clearance_m: float
    stand_off_m: float

    def asked(self, cells: HullCells) -> npt.NDArray[np.bool_]:
        """(n,) cells that the mission asks for."""
        return _asked(self.areas, cells)

    def as_dict(self) -> dict[str, Any]:
        """The content of ``plan.json``."""
        return {
            "schema": "hullscan.plan/1",
            "length_m": round(self.length_m, 2),
            "duration_s": round(self.duration_s, 1),
            "lower_bound_m": round(self.lower_bound_m, 2),
            "planned_area_m2": round(self.planned_area_m2, 2),
            "plannable_area_m2": round(self.plannable_area_m2, 2),
            "expected_pod": round(self.expected_pod, 4),
            "curve": [[round(minutes, 2), round(pod, 4)] for minutes, pod in self.curve],
            "left_out": [gap.name for gap in self.gaps],
            "min_clearance_m": round(self.min_clearance_m, 2),
            "stand_off_m": round(self.stand_off_m, 2),
            "areas": [area.as_dict() for area in self.areas],
            "legs": [leg.as_dict() for leg in self.legs],
        }


def plan_mission(mission: Mission) -> Plan:
    """Plan every pattern that the mission asks for, in the order in which it asks.

    Raises:
        InputError: a pattern cannot be flown as asked (clearance, depth, window).
    """
    survey = [lanes_of(mission, order) for order in mission.file.survey]
    legs = route(mission, survey)
    clearance = require_clear(mission, legs)
    cells = HullCells(mission.hull)
    areas = tuple(area for lanes in survey for area in lanes.areas)
    asked = _asked(areas, cells)
    plannable = float(cells.area_m2[asked].sum())
    if plannable <= 0 and areas:
        raise InputError("nothing to search: the stations and depths asked for hold no hull", where="survey")
    every = _every(legs)
    curve = [(0.0, 0.0)]
    missed, looked_at = np.ones(len(cells)), np.zeros(len(cells), bool)
    for number, leg in enumerate(legs):
        if leg.surveys:
            # each leg is a pass of its own; passes are combined as they come, which a long route needs
            looks = LookRecord(cells, mission.file.conditions.visibility_m)
            for pose in leg.camera_poses(mission.vehicle, every):
                looks.add(seen_cells(cells, mission.vehicle.camera, pose, _look_range_m(mission)), number)
            asymptote = looks.model.asymptote
            missed *= 1 - np.clip(looks.pod / asymptote, 0, 1)
            looked_at |= looks.seen()
            pod = float((asymptote * (1 - missed) * cells.area_m2)[asked].sum() / max(plannable, 1e-9))
            curve.append((leg.end_s / 60, pod))
    duration = legs[-1].end_s
    if duration > mission.file.window_min * 60:
        raise InputError(
            f"the plan takes {duration / 60:.1f} min, the window is {mission.file.window_min:g} min",
            where="window_min",
            todo="ask for fewer stations or depths",
        )
    seen = asked & looked_at
    survey_length = sum(leg.length_m for leg in legs if leg.surveys)
    return Plan(
        legs=tuple(legs),
        areas=areas,
        length_m=sum(leg.length_m for leg in legs),
        duration_s=duration,
        lower_bound_m=min(_lower_bound_m(survey, cells), survey_length),
        planned_area_m2=float(cells.area_m2[seen].sum()),
        plannable_area_m2=plannable,
        expected_pod=curve[-1][1],
        curve=tuple(curve),
        gaps=tuple(cells.gaps(asked & ~seen)),
        min_clearance_m=clearance,
        stand_off_m=min(lanes.stand_off_m for lanes in survey),
    )


def _asked(areas: tuple[Area, ...], cells: HullCells) -> npt.NDArray[np.bool_]:
    asked = np.zeros(len(cells), bool)
    for area in areas:
        asked |= area.cells(cells)
    return asked


def _lower_bound_m(survey: list[Lanes], cells: HullCells) -> float:
    """Area over swath, each cell counted once, with the swath of the first order that asks for it."""
    left = np.ones(len(cells), bool)
    length = 0.0
    for lanes in survey:
        for area, swath_m in lanes.by_area:
            mine = area.cells(cells) & left
            length += float(cells.area_m2[mine].sum()) / swath_m
            left &= ~mine
    return length


def _every(legs: list[Leg]) -> int:
    """Looks are taken at each pose, on long routes at every so many: a picture is several steps wide."""
    return 1 if sum(len(leg.poses) for leg in legs if leg.surveys) < _MANY_POSES else 2


def _look_range_m(mission: Mission) -> float:
    """Looks from farther than this see nothing worth counting."""
    return 0.8 * mission.file.conditions.visibility_m


def save_plan(plan: Plan, folder: Path) -> Path:
    """Write ``plan.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "plan.json"
    path.write_text(json.dumps(plan.as_dict(), indent=1), encoding="utf-8")
    return path
