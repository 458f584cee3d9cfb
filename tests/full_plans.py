"""Missions that search whole bulk carriers, of any length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hullscan.mission.model import Mission, load_mission
from hullscan.mission.patterns import Leg, lanes_of, midbody, route
from hullscan.mission.plan import Plan

_FORMS = {  # length: beam, draught; usual proportions of the class
    30: (7.0, 2.6), 60: (11.0, 3.8), 120: (19.0, 7.2), 180: (30.0, 10.5),
    230: (32.3, 14.0), 300: (50.0, 18.0), 400: (62.0, 21.0),
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
              "launch": 0.97 * length, "clearance": 0.4, **changes}  # fmt: skip
    path = folder / "mission.yaml"
    path.write_text(_TEXT.format(length=length, visibility=visibility, survey=survey, **values), encoding="utf-8")
    mission = load_mission(path)
    return replace(mission, vehicle=replace(mission.vehicle, tether_m=2000))


def full_mission(folder: Path, length: float, visibility: float = 3.0) -> Mission:
    """The whole of her: both sides, the bottom, bow and stern, cut at the ends of the parallel midbody.

    Launched at the bow or at the stern, so that the tether lies at most half a turn round her on either side; which
    of the two saves way depends on whether the lanes are even or odd.
    """
    aft, fore = midbody(mission_of(folder, length, "  - {pattern: bow}", visibility))
    span = f"stations_m: [{aft:.2f}, {fore:.2f}]"
    side = f"  - {{{{pattern: longitudinal, area: {{}}_side, {span}}}}}"
    stern = "  - {{pattern: stern, side: {}}}"
    bottom, bow = f"  - {{pattern: flat_bottom, {span}}}", "  - {pattern: bow}"
    names = ("starboard", "port")
    (stern_s, stern_p), (side_s, side_p) = ([text.format(name) for name in names] for text in (stern, side))
    variants = [
        (0.97, [stern_s, side_s, bottom, bow, side_p, stern_p]),
        (0.03, [stern_s, side_s, bottom, stern_p, side_p, bow]),
        (0.03, [side_p, stern_p, stern_s, side_s, bottom, bow]),
        (0.97, [side_p, bow, side_s, bottom, stern_s, stern_p]),
        (0.03, [bottom, side_s, "  - {pattern: stern}", side_p, bow]),
    ]
    missions = [
        mission_of(folder, length, "\n".join(orders), visibility, launch=share * length) for share, orders in variants
    ]
    missions = [replace(each, file=replace(each.file, window_min=1e6)) for each in missions]
    return missions[0] if length > 150 else min(missions, key=_path_of)


def _path_of(mission: Mission) -> float:
    return _between_lanes(route(mission, [lanes_of(mission, order) for order in mission.file.orders]))


def path_m(plan: Plan) -> float:
    """All that is flown from the first lane to the last."""
    return _between_lanes(plan.legs)


def _between_lanes(legs: Sequence[Leg]) -> float:
    surveys = [number for number, leg in enumerate(legs) if leg.surveys]
    return sum(leg.length_m for leg in legs[surveys[0] : surveys[-1] + 1])
