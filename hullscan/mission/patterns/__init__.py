"""Search patterns named as the field names them, and the route that joins them.

A pose is that of the vehicle: place and heading in the ship frame, with the tilt of its camera. The view is along
the hull's inward normal, from the stand-off.
"""

from __future__ import annotations

from hullscan.mission.model import Mission
from hullscan.mission.orders import (
    BilgeKeel,
    Bow,
    FlatBottom,
    KeelLine,
    Landmarks,
    Longitudinal,
    RunningGear,
    SeaChest,
    SpotCheck,
    Stern,
    SurveyOrder,
    Transverse,
)
from hullscan.mission.patterns.bilge import bilge_keel_lanes
from hullscan.mission.patterns.bottom import flat_bottom_lanes, keel_line_lanes
from hullscan.mission.patterns.close import landmark_lanes, sea_chest_lanes, spot_check_lanes
from hullscan.mission.patterns.gear import running_gear_lanes
from hullscan.mission.patterns.girth import bow_lanes, midbody, stern_lanes, transverse_lanes
from hullscan.mission.patterns.lanes import Area, Lanes, wet_ends
from hullscan.mission.patterns.leg import Leg
from hullscan.mission.patterns.route import candidate_legs, require_clear, route
from hullscan.mission.patterns.side import longitudinal_lanes

__all__ = [
    "Area",
    "Lanes",
    "Leg",
    "candidate_legs",
    "lanes_of",
    "longitudinal_lanes",
    "midbody",
    "require_clear",
    "route",
    "wet_ends",
]


def lanes_of(mission: Mission, order: SurveyOrder) -> Lanes:
    """The lanes of any order.

    Raises:
        InputError: the vehicle or the place does not allow it.
    """
    match order:
        case Longitudinal():
            return longitudinal_lanes(mission, order)
        case Transverse():
            return transverse_lanes(mission, order)
        case FlatBottom():
            return flat_bottom_lanes(mission, order)
        case KeelLine():
            return keel_line_lanes(mission, order)
        case BilgeKeel():
            return bilge_keel_lanes(mission, order)
        case Bow():
            return bow_lanes(mission, order)
        case Stern():
            return stern_lanes(mission, order)
        case RunningGear():
            return running_gear_lanes(mission, order)
        case SeaChest():
            return sea_chest_lanes(mission, order)
        case Landmarks():
            return landmark_lanes(mission, order)
        case SpotCheck():
            return spot_check_lanes(mission, order)
