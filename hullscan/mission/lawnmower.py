"""The plain lawnmower, to measure a plan against: lanes along the ship from the waterline down, in that order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hullscan.mission.candidates import Candidate, duration_s, runs_of, side_pieces
from hullscan.mission.hull_lines import HullLines
from hullscan.mission.joining import Joiner
from hullscan.mission.keep_out import KeepOut
from hullscan.mission.limits import flying_time_s, tether_out_m
from hullscan.mission.model import Mission
from hullscan.mission.offers import LEAST_QUAY_GAP_M, clear_poses
from hullscan.mission.patterns import Area, Leg
from hullscan.mission.stand_off import stand_off_m
from hullscan.search.cells import HullCells
from hullscan.search.zones import HullZones
from hullscan.ship.surface import side_sign

__all__ = ["lawnmower_legs"]

_WHOLE_M = 1e6  # lanes are not cut into pieces
_ABOVE_M = 0.5  # a lane this much above an area still sees its upper edge


def lawnmower_legs(
    mission: Mission,
    cells: HullCells,
    areas: Sequence[Area],
    speed_mps: float | None = None,
) -> list[Leg]:
    """Lanes at constant girth over the stations and depths of some areas, the launch's side first.

    The lanes go to and fro until window or battery end. They are held to what the plan is held to: sides that the quay
    closes are left out, and of each lane what does not keep the clearance or is beyond the tether. Empty where no lane
    can be flown.

    Args:
        speed_mps: along lanes and between them; the profile's survey speed, and its transit speed, when not given.
    """
    file, vehicle = mission.file, mission.vehicle
    lines = HullLines(cells, vehicle, stand_off_m(mission), file.berth.water_depth_m)
    joiner = Joiner.from_launch(lines, vehicle, file.launch, file.limits.min_clearance_m, speed_mps)
    closed = file.berth.quay_side if file.berth.quay_gap_m < LEAST_QUAY_GAP_M else None
    halves = [half for half, side in enumerate(("starboard", "port")) if side != closed]
    lanes = side_pieces(lines, halves, speed_mps or vehicle.survey_speed_mps, _WHOLE_M)
    if not lanes:
        return []
    keep_out = KeepOut.of(mission, HullZones.of_hull(cells, file.ship.fittings), cells)
    first, within_s = side_sign(file.launch.side), flying_time_s(mission)
    tether_m = min(file.limits.max_tether_m, vehicle.tether_m)
    passes: list[tuple[Candidate, bool]] = []
    flown_s, back = 0.0, False
    for lane in sorted(lanes, key=lambda each: each.side != first):  # stable: from the waterline down on each side
        inside = np.zeros(len(lane.track), bool)
        for area in areas:
            inside |= _within(lane, area)
        places = joiner.places(lane.track, np.full(len(lane.track), lane.side))
        inside &= tether_out_m(mission, places) <= tether_m
        able = inside & clear_poses(mission, keep_out, cells, [lane.track])[0]
        parts = [replace(lane, track=lane.track[run]) for run in runs_of(able, least=3)]
        passes += [(part, back) for part in (reversed(parts) if back else parts)]
        back ^= bool(parts)
        flown_s += sum(duration_s(part.track, part.speed_mps) for part in parts)
        if flown_s > within_s:
            break
    return [leg for leg in joiner.legs(passes) if leg.start_s < within_s] if passes else []


def _within(lane: Candidate, area: Area) -> npt.NDArray[np.bool_]:
    """(n,) poses of a lane that look at an area."""
    station, depth = lane.track[:, 0], lane.track[:, 2]
    along = (station >= area.stations_m[0]) & (station <= area.stations_m[1])
    deep = (depth >= area.depths_m[0] - _ABOVE_M) & (depth <= area.depths_m[1])
    return np.asarray(along & deep & (lane.side == side_sign(area.side)))
