"""The plan for people: one HTML file with an unrolled map, a 3-D view and every number, that loads nothing.

Its numbers are those of ``plan.json``; only the lawnmower that the plan is compared with is worked out here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hullscan import __version__
from hullscan.geometry.frames import Array
from hullscan.mission.feasibility import LEVELS
from hullscan.mission.lawnmower import lawnmower_legs
from hullscan.mission.model import Mission
from hullscan.mission.place_words import pattern_in_words, place_in_words
from hullscan.mission.plan import Plan
from hullscan.mission.pricing import LOOK_RANGE_SHARE, Priced, price_legs
from hullscan.report.hullmap import POD_CLASSES
from hullscan.report.plan_curve import plan_curve
from hullscan.report.plan_map import PlanMap
from hullscan.report.plan_scene import plan_scene
from hullscan.report.plan_track import PlanTrack
from hullscan.report.shell_raster import ShellRaster
from hullscan.search.cells import HullCells
from hullscan.search.risk import risk_share
from hullscan.search.zones import HullZones, Zone
from hullscan.words import fill, mark, translator

__all__ = ["plan_page", "write_plan_page"]

_TEMPLATES = Path(__file__).parent
Words = Callable[[str], str]


def write_plan_page(plan: Plan, mission: Mission, folder: Path, language: str = "en") -> Path:
    """Write ``plan.html``.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "plan.html"
    path.write_text(plan_page(plan, mission, language), encoding="utf-8", newline="\n")
    return path


def plan_page(plan: Plan, mission: Mission, language: str = "en") -> str:
    """The page.

    Raises:
        InputError: there is no catalogue of this language.
    """
    words = translator(language)
    bought = _bought(plan, mission)
    raster = ShellRaster.of_cells(bought.cells)
    track = PlanTrack.of_legs(
        plan.legs, mission.hull, mission.vehicle, LOOK_RANGE_SHARE * mission.file.conditions.visibility_m
    )
    drawing = PlanMap(mission, plan.legs, raster, bought.zones, bought.priced, bought.asked, track, words)
    scene = plan_scene(mission, raster, bought.priced, bought.asked, track, plan.legs[-1].end_s)
    scene["map"] = np.round(drawing.places(track.unrolled_m), 1).tolist()
    scene["leg_names"] = [drawing.name(number) for number in range(1, len(plan.legs) + 1)]
    content = plan.as_dict()
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["_"] = words
    return environment.get_template("plan.html.j2").render(
        language=language,
        version=__version__,
        mission=mission.file,
        ship=mission.hull.dimensions,
        profile=mission.vehicle,
        plan=content,
        checks=_checks(plan, words),
        levels=LEVELS,
        legs=_leg_rows(plan, words),
        zones=[_zone_row(each.zone, row, words) for each, row in zip(plan.zones, content["zones"], strict=True)],
        gaps=[place_in_words(gap.name, words) for gap in plan.gaps] if plan.chosen is None else [],
        gap_areas=[gap.area_m2 for gap in plan.gaps] if plan.chosen is None else [],
        omitted=[place_in_words(name, words) for name in plan.omitted],
        pod_source=words(content["pod_model"]["source"]),
        map=drawing.draw(),
        curve=plan_curve(bought.growth, bought.mower, content["curve"], mission.file.window_min, words),
        mower=bought.mower_pod,
        pod_classes=POD_CLASSES,
        scene=Markup(_script_safe(json.dumps(scene, separators=(",", ":"), ensure_ascii=False))),
        view_js=Markup((_TEMPLATES / "plan_view.js").read_text(encoding="utf-8")),
        clock=_clock,
    )


@dataclass(frozen=True, slots=True)
class _Bought:
    """What the plan sees.

    Attributes:
        growth, mower: (n, 2) seconds and expected POD; ``mower`` is empty where no lane of one can be flown.
    """

    cells: HullCells
    zones: HullZones
    asked: Any
    priced: Priced
    growth: Array
    mower: Array

    @property
    def mower_pod(self) -> float | None:
        """Expected POD of the lawnmower when the plan ends."""
        if not len(self.mower):
            return None
        return float(np.interp(self.growth[-1, 0], self.mower[:, 0], self.mower[:, 1]))


def _bought(plan: Plan, mission: Mission) -> _Bought:
    file = mission.file
    cells = HullCells(mission.hull)
    zones = HullZones.of_hull(cells, file.ship.fittings)
    asked = plan.asked(cells)
    if plan.chosen is None:  # as the plan prices it: evenly over what was asked for
        share = cells.area_m2 * asked / max(float(cells.area_m2[asked].sum()), 1e-9)
    else:
        share = risk_share(cells, zones, mission.risk)

    def price(legs: Any) -> Priced:
        return price_legs(
            legs,
            cells,
            mission.vehicle,
            share,
            visibility_m=file.conditions.visibility_m,
            model=mission.pod_model,
        )

    priced = price(plan.legs)
    mower = np.zeros((0, 2))
    legs = lawnmower_legs(mission, cells, plan.areas)
    if legs:
        mower = price(legs).growth
    return _Bought(cells, zones, asked, priced, priced.growth, mower)


def _checks(plan: Plan, words: Words) -> list[tuple[str, str]]:
    """Level and reason of each check, the gravest first."""
    order = list(reversed(LEVELS))
    rows = sorted(plan.checks, key=lambda check: order.index(check.level))
    return [(check.level, _filled(check.words, check.data, words)) for check in rows]


def _leg_rows(plan: Plan, words: Words) -> list[dict[str, Any]]:
    names = {each.zone.name: _zone_name(each.zone, words) for each in plan.zones}
    return [
        {
            "number": number,
            "pattern": pattern_in_words(leg.pattern, words),
            "place": names.get(leg.zone) or place_in_words(leg.zone, words),
            "surveys": leg.surveys,
            "start_s": round(leg.start_s, 1),
            "end_s": round(leg.end_s, 1),
            "length_m": leg.length_m,
            "speed_mps": leg.speed_mps,
            "tether_m": leg.tether_m,
        }
        for number, leg in enumerate(plan.legs, start=1)
    ]


def _zone_row(zone: Zone, row: dict[str, Any], words: Words) -> dict[str, Any]:
    return {**row, "name": _zone_name(zone, words)}


def _zone_name(zone: Zone, words: Words) -> str:
    name = _filled(zone.words, zone.words_data, words)
    return words(mark("{name} (assumed)")).format(name=name) if zone.assumed else name


def _filled(message: str, data: dict[str, Any], words: Words) -> str:
    return fill(words(message), {key: words(each) if isinstance(each, str) else each for key, each in data.items()})


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _script_safe(text: str) -> str:
    """JSON that may stand in a script element: nothing in it can end the element."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
