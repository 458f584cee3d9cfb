"""All passes that a plan may choose from: what each looks at, and what limits leave of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hullscan.errors import HullscanError, InputError
from hullscan.geometry.frames import Array
from hullscan.mission.candidates import Candidate, fitting_looks, side_pieces
from hullscan.mission.clear import hull_gaps, near_hull
from hullscan.mission.girth_pieces import girth_pairs
from hullscan.mission.hull_lines import HullLines
from hullscan.mission.joining import Joiner
from hullscan.mission.model import Mission
from hullscan.mission.orders import RunningGear
from hullscan.mission.patterns.gear import KEEP_OUT_M, keep_out, running_gear_lanes
from hullscan.mission.under_ship import bottom_pieces
from hullscan.search.cells import HullCells
from hullscan.search.zones import HullZones
from hullscan.ship.surface import side_sign

__all__ = ["all_passes", "dense_clear", "kept_out"]

LEAST_QUAY_GAP_M = 3.0
"""Of water between ship and quay, for the vehicle at its stand-off."""
_LEAST_PIECE_M, _PIECES = 4.0, 80  # pieces of lanes: short enough to choose from, few enough to order
_RESERVE_M = 0.02  # between the poses that are tried


def all_passes(
    mission: Mission,
    lines: HullLines,
    zones: HullZones,
    joiner: Joiner,
    budget_s: float,
    speed_mps: float,
    *,
    under_ship: bool = True,
    offered: Sequence[Candidate] = (),
) -> list[Candidate]:
    """Looks at fittings, lanes along the sides and under the ship, the turn round the running gear under lock-out.

    Only those that keep their clearance, within the tether, away from what may turn.

    Args:
        speed_mps: along lanes; short looks at fittings are flown no faster than the profile's survey speed.
        under_ship: whether passes under the ship are among them.
        offered: passes of other patterns beside these.

    Raises:
        InputError: none is left.
    """
    file, vehicle = mission.file, mission.vehicle
    closed = file.berth.quay_side if file.berth.quay_gap_m < LEAST_QUAY_GAP_M else None
    halves = [half for half, side in enumerate(("starboard", "port")) if side != closed]
    halves.sort(key=lambda half: (1, -1)[half] != side_sign(file.launch.side))
    piece = max(_LEAST_PIECE_M, budget_s * speed_mps / _PIECES)
    safe = max(0.7, file.limits.min_clearance_m + 0.35)
    tether = min(file.limits.max_tether_m, vehicle.tether_m)
    farthest = min(tether, budget_s * speed_mps / 2)
    stations = lines.cells.columns_m
    sides = [np.full(len(stations), sign) for sign in (1, -1)]
    in_reach = np.array([np.abs(joiner.outline.place_m(stations, side)) < farthest for side in sides])
    found = fitting_looks(lines, zones, halves, (min(vehicle.survey_speed_mps, speed_mps), speed_mps), piece, safe)
    found += side_pieces(lines, halves, speed_mps, piece, in_reach)
    found += girth_pairs(lines, halves, speed_mps, 3 * piece, in_reach)
    if under_ship:
        found += bottom_pieces(lines, halves, speed_mps, piece, in_reach)
        found += _round_the_gear(mission)
    found += [each for each in offered if under_ship or not each.under]
    found = [each for each in found if (0 if each.side > 0 else 1) in halves]
    ends = joiner.places(
        np.concatenate([each.track[[0, -1]] for each in found]), np.repeat([each.side for each in found], 2)
    )
    # what lies under her is reached from beside the turn of the bilge: so much more of the tether is athwart
    beam = float(np.abs(mission.hull.vertices_m[:, 1]).max())
    inward = np.where(np.repeat([each.under for each in found], 2), beam - ends[:, 2], 0.0)
    out_m = (np.abs(ends[:, 0]) + ends[:, 1] + inward + file.launch.distance_m).reshape(-1, 2).max(axis=1)
    soon = 2 * np.abs(ends[:, 0]).reshape(-1, 2).max(axis=1) / speed_mps < budget_s
    reached = [each for each, ok in zip(found, (out_m <= tether) & soon, strict=True) if ok]
    # between poses two metres apart it is tried again when a pass is wanted, see ``dense_clear``
    kept = [each for each, ok in zip(reached, _clear(reached, lines.cells, mission, zones, every=4), strict=True) if ok]
    if not kept:
        raise InputError(
            "no pass is within reach of the tether and clear of the hull",
            where="limits.max_tether_m",
            todo="launch nearer, or from the other side",
        )
    return kept


def kept_out(mission: Mission, zones: HullZones, cells: HullCells, poses: Array) -> npt.NDArray[np.bool_]:
    """(n,) whether (n, 6) poses come too near to what may turn: propeller, rudder, and thrusters without lock-out."""
    near = keep_out(mission, poses)
    if mission.file.lock_out is not None and mission.file.lock_out.complete:
        return near
    reach_m = KEEP_OUT_M + float(np.linalg.norm(mission.vehicle.half_size_m))
    for index, zone in enumerate(zones.zones):
        if zone.kind == "thruster_tunnel":
            mouth = cells.points_m[zones.of_cell == index].mean(axis=0)
            near |= np.linalg.norm(poses[:, :3] - mouth, axis=1) < reach_m
    return near


def _round_the_gear(mission: Mission) -> list[Candidate]:
    """The turn round rudder and propeller, where the lock-out is confirmed and the ship has room for it."""
    if mission.file.lock_out is None or not mission.file.lock_out.complete:
        return []
    try:
        lanes = running_gear_lanes(mission, RunningGear(pattern="running_gear"))
    except HullscanError:
        return []
    return [
        Candidate(track=track, speed_mps=lanes.speed_mps, zone=zone, side=side, pattern=lanes.pattern)
        for track, zone, side in zip(lanes.tracks, lanes.zones, lanes.access, strict=True)
    ]


def dense_clear(
    mission: Mission, zones: HullZones, cells: HullCells, found: Sequence[Candidate]
) -> npt.NDArray[np.bool_]:
    """(k,) whether the vehicle keeps its clearance at every pose of each pass."""
    return _clear(found, cells, mission, zones, every=1)


def _clear(
    found: Sequence[Candidate], cells: HullCells, mission: Mission, zones: HullZones, every: int
) -> npt.NDArray[np.bool_]:
    """(k,) whether the vehicle's box keeps its clearance at every so many poses of each pass, and at its ends."""
    clear = np.ones(len(found), bool)
    if not len(found):
        return clear
    few = [
        np.unique(np.linspace(0, len(each.track) - 1, max(2, len(each.track) // every)).astype(int)) for each in found
    ]
    poses = np.concatenate([each.track[index] for each, index in zip(found, few, strict=True)])
    of = np.repeat(np.arange(len(found)), [len(index) for index in few])
    limit = mission.file.limits.min_clearance_m
    clear[of[kept_out(mission, zones, cells, poses)]] = False
    able = clear[of]
    poses, of = poses[able], of[able]
    near = np.flatnonzero(near_hull(cells, mission.vehicle, poses, limit))
    if len(near):
        gap, _ = hull_gaps(cells.hull, mission.vehicle, poses[near])
        clear[of[near[gap < limit + _RESERVE_M]]] = False
    return clear
