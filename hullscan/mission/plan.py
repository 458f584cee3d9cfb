"""The plan: legs as poses in the ship frame, priced in time, area and expected probability of detection."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hullscan.errors import InputError
from hullscan.mission.choosing import choose_passes
from hullscan.mission.circumstances import gather_facts
from hullscan.mission.feasibility import Check, check_feasibility, overall
from hullscan.mission.hearing import turned_to_hear
from hullscan.mission.legs_in_current import in_current
from hullscan.mission.model import Mission
from hullscan.mission.omitted import omitted_parts
from hullscan.mission.ordered import ordered_lanes
from hullscan.mission.outcomes import ZoneOutcome, zone_outcomes
from hullscan.mission.patterns import Area, Lanes, Leg, require_clear, route
from hullscan.mission.pricing import Priced, price_legs
from hullscan.mission.stand_off import swath_m
from hullscan.search.cells import Gap, HullCells
from hullscan.search.risk import risk_share
from hullscan.search.zones import HullZones

__all__ = ["Area", "Plan", "plan_mission", "save_plan"]


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
        ship_pod: chance that a parcel that lies somewhere on the ship is found, by the risk of her zones.
        prior_seen: share of that risk that is in view at least once.
        zones: of the ship, with what the plan buys in each and what is left out.
        checks: go, caution or no-go, with reasons.
        pod_source: of the POD model, and whether it was measured.
        chosen: for ``survey: auto``, how the passes were chosen.
        omitted: names of parts of the ship to which no pass leads, and why.
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
    ship_pod: float
    prior_seen: float
    zones: tuple[ZoneOutcome, ...]
    checks: tuple[Check, ...]
    pod_source: tuple[str, bool]
    chosen: dict[str, float] | None = None
    omitted: tuple[str, ...] = ()

    def asked(self, cells: HullCells) -> npt.NDArray[np.bool_]:
        """(n,) cells that the mission asks for."""
        return _asked(self.areas, cells)

    def left_out(self) -> list[str]:
        """Names of what is not searched: zones when the plan chooses, else patches of what was asked for."""
        if self.chosen is None:
            return [gap.name for gap in self.gaps] + list(self.omitted)
        return [zone.zone.name for zone in self.zones if zone.minutes_more != 0] + list(self.omitted)

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
            "left_out": self.left_out(),
            "min_clearance_m": round(self.min_clearance_m, 2),
            "stand_off_m": round(self.stand_off_m, 2),
            "ship_pod": round(self.ship_pod, 4),
            "prior_seen": round(self.prior_seen, 4),
            "pod_model": {"source": self.pod_source[0], "measured": self.pod_source[1]},
            "zones": [zone.as_dict() for zone in self.zones],
            "feasibility": {
                "verdict": overall(self.checks),
                "checks": [{"level": check.level, "text": check.text} for check in self.checks],
            },
            "chosen": self.chosen,
            "areas": [area.as_dict() for area in self.areas],
            "legs": [leg.as_dict() for leg in self.legs],
        }


def plan_mission(mission: Mission, *, effort: int = 48, seed: int = 0, under_ship: bool = True) -> Plan:
    """Plan a mission: every pattern that it asks for, in that order, or what finds the most in the window.

    Args:
        effort, seed: of the search for the best passes, see ``tour``.
        under_ship: whether ``survey: auto`` may choose passes under the ship.

    Raises:
        InputError: a pattern cannot be flown as asked (clearance, depth, window).
    """
    file, model = mission.file, mission.pod_model
    cells = HullCells(mission.hull)
    hull_zones = HullZones.of_hull(cells, file.ship.fittings)
    risk = risk_share(cells, hull_zones, mission.risk)
    survey = ordered_lanes(mission, cells)
    choice = None
    if not survey:
        choice = choose_passes(mission, cells, hull_zones, risk, model, under_ship=under_ship, effort=effort, seed=seed)
    legs = route(mission, survey) if choice is None else choice.legs
    legs = in_current(mission, turned_to_hear(mission, legs))
    clearance = require_clear(mission, legs)
    areas = tuple(area for lanes in survey for area in lanes.areas) if choice is None else Area.whole(cells)
    asked = _asked(areas, cells)
    plannable = float(cells.area_m2[asked].sum())
    if plannable <= 0 and areas:
        raise InputError("nothing to search: the stations and depths asked for hold no hull", where="survey")
    share = risk if choice is not None else cells.area_m2 * asked / max(plannable, 1e-9)
    priced = price_legs(legs, cells, mission.vehicle, share, visibility_m=file.conditions.visibility_m, model=model)
    duration = legs[-1].end_s
    if duration > file.window_min * 60:
        raise InputError(
            f"the plan takes {duration / 60:.1f} min, the window is {file.window_min:g} min",
            where="window_min",
            todo="ask for fewer stations or depths, or for survey: auto",
        )
    seen = asked & priced.seen
    survey_length = sum(leg.length_m for leg in legs if leg.surveys)
    if choice is None:
        stand_off, least = min(lanes.stand_off_m for lanes in survey), _lower_bound_m(survey, cells)
    else:
        stand_off = choice.stand_off_m
        least = float(cells.area_m2[seen].sum()) / swath_m(mission, stand_off)
    return Plan(
        legs=tuple(legs),
        areas=areas,
        length_m=sum(leg.length_m for leg in legs),
        duration_s=duration,
        lower_bound_m=min(least, survey_length),
        planned_area_m2=float(cells.area_m2[seen].sum()),
        plannable_area_m2=plannable,
        expected_pod=float(priced.growth[-1, 1]),
        curve=_curve(priced, legs),
        gaps=tuple(cells.gaps(asked & ~seen)),
        min_clearance_m=clearance,
        stand_off_m=stand_off,
        ship_pod=float(risk @ priced.pod),
        prior_seen=float(risk[priced.seen].sum()),
        zones=zone_outcomes(hull_zones, risk, priced.pod, choice),
        checks=check_feasibility(gather_facts(mission, legs, stand_off, model)),
        pod_source=(model.source, model.measured_in(file.conditions.visibility_m)),
        chosen=None if choice is None else choice.as_dict(),
        omitted=omitted_parts(mission),
    )


def _curve(priced: Priced, legs: list[Leg]) -> tuple[tuple[float, float], ...]:
    """(minutes, expected POD) at the start and after each survey leg."""
    after = [(leg.end_s / 60, float(pod)) for leg, pod in zip(legs, priced.after_leg, strict=True) if leg.surveys]
    return ((0.0, 0.0), *after)


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
        for area, adds_m in lanes.by_area:
            mine = area.cells(cells) & left
            length += float(cells.area_m2[mine].sum()) / adds_m
            left &= ~mine
    return length


def save_plan(plan: Plan, folder: Path) -> Path:
    """Write ``plan.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "plan.json"
    path.write_text(json.dumps(plan.as_dict(), indent=1), encoding="utf-8")
    return path
