"""The plain lawnmower, to measure a plan against: lanes along the ship from the waterline down, in that order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hullscan.mission.candidates import Candidate, side_pieces
from hullscan.mission.choosing import stand_off_m
from hullscan.mission.hull_lines import HullLines
from hullscan.mission.joining import Joiner
from hullscan.mission.model import Mission
from hullscan.mission.offers import LEAST_QUAY_GAP_M
from hullscan.mission.patterns import Area, Leg
from hullscan.search.cells import HullCells
from hullscan.ship.surface import side_sign

__all__ = ["lawnmower_legs"]

_WHOLE_M = 1e6  # lanes are not cut into pieces
_LEAST_LANE_M = 1.0
_ABOVE_M = 0.5  # a lane this much above an area still sees its upper edge


def lawnmower_legs(mission: Mission, cells: HullCells, areas: Sequence[Area]) -> list[Leg]:
    """Lanes at constant girth over the stations and depths of some areas, the launch's side first.

    Sides that the quay closes are left out. The lanes go to and fro at survey speed, and their number is not bounded
    by the window: whoever compares cuts it off. Empty where no lane can be flown.
    """
    file, vehicle = mission.file, mission.vehicle
    lines = HullLines(cells, vehicle, stand_off_m(mission), file.berth.water_depth_m)
    joiner = Joiner.from_launch(lines, vehicle, file.launch, file.limits.min_clearance_m)
    closed = file.berth.quay_side if file.berth.quay_gap_m < LEAST_QUAY_GAP_M else None
    halves = [half for half, side in enumerate(("starboard", "port")) if side != closed]
    lanes = []
    for lane in side_pieces(lines, halves, vehicle.survey_speed_mps, _WHOLE_M):
        lanes += _within(lane, [area for area in areas if side_sign(area.side) == lane.side])
    first = side_sign(file.launch.side)
    lanes.sort(key=lambda lane: lane.side != first)  # stable: from the waterline down on each side
    return joiner.legs([(lane, bool(number % 2)) for number, lane in enumerate(lanes)]) if lanes else []


def _within(lane: Candidate, areas: Sequence[Area]) -> list[Candidate]:
    """The part of a lane over some areas of its side, if it is long enough to be flown."""
    station, depth = lane.track[:, 0], lane.track[:, 2]
    inside = np.zeros(len(lane.track), bool)
    for area in areas:
        along = (station >= area.stations_m[0]) & (station <= area.stations_m[1])
        inside |= along & (depth >= area.depths_m[0] - _ABOVE_M) & (depth <= area.depths_m[1])
    stretch = np.flatnonzero(inside)
    if not len(stretch) or float(np.ptp(station[stretch])) < _LEAST_LANE_M:
        return []
    return [replace(lane, track=lane.track[stretch[0] : stretch[-1] + 1])]
