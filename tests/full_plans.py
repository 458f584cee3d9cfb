"""Missions that search whole bulk carriers, of any length."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hullscan.mission.model import Mission, load_mission
from hullscan.mission.patterns import midbody
from hullscan.mission.plan import Plan

_FORMS = {  # length: beam, draught; usual proportions of the class
    30: (7.0, 2.6), 60: (11.0, 3.8), 120: (19.0, 7.2), 180: (30.0, 10.5), 230: (32.3, 14.0), 300: (50.0, 18.0), 400: (62.0, 21.0),
}  # fmt: skip

_TEXT = """mission: full
ship:
  name: MV Whole
  form: {{type: bulk_carrier, length_m: {length}, beam_m: {beam}, draught_fwd_m: {fore}, draught_aft_m: {aft}}}
berth: {{lat_deg: 35.0767, lon_deg: 129.0800, heading_deg: 62, water_depth_m: {water}}}
conditions: {{visibility_m: {visibility}}}
window_min: 1440
launch: {{side: starboard, station_m: {launch}, distance_m: 4}}
lock_out: {{propeller: true, thrusters: true, by: test}}
survey:
{survey}
limits: {{min_clearance_m: {clearance}, max_tether_m: 2000}}
"""


def mission_of(folder: Path, length: float, survey: str, visibility: float = 3.0, **changes: float) -> Mission:
    """A bulk carrier of a length with some survey, at anchor in deep water, on a tether that is long enough."""
    nearest = min(_FORMS, key=lambda known: abs(known - length))
    beam, draught = (size * length / nearest for size in _FORMS[nearest])
    values = {"beam": beam, "fore": 0.97 * draught, "aft": 1.03 * draught, "water": 1.03 * draught + 8,
              "launch": length / 2, "clearance": 0.4, **changes}  # fmt: skip
    path = folder / "mission.yaml"
    path.write_text(_TEXT.format(length=length, visibility=visibility, survey=survey, **values), encoding="utf-8")
    mission = load_mission(path)
    return replace(mission, vehicle=replace(mission.vehicle, tether_m=2000))


def full_mission(folder: Path, length: float, visibility: float = 3.0) -> Mission:
    """The whole of her: both sides, the bottom, bow and stern, cut at the ends of the parallel midbody."""
    aft, fore = midbody(mission_of(folder, length, "  - {pattern: bow}", visibility))
    span = f"stations_m: [{aft:.2f}, {fore:.2f}]"
    survey = "\n".join(
        [
            f"  - {{pattern: longitudinal, area: starboard_side, {span}}}",
            f"  - {{pattern: flat_bottom, {span}}}",
            "  - {pattern: bow}",
            f"  - {{pattern: longitudinal, area: port_side, {span}}}",
            "  - {pattern: stern}",
        ]
    )
    mission = mission_of(folder, length, survey, visibility)
    return replace(mission, file=replace(mission.file, window_min=1e6))


def path_m(plan: Plan) -> float:
    """All that is flown from the first lane to the last."""
    surveys = [number for number, leg in enumerate(plan.legs) if leg.surveys]
    return sum(leg.length_m for leg in plan.legs[surveys[0] : surveys[-1] + 1])
