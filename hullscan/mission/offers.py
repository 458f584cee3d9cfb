"""All passes that a plan may choose from: what each looks at, and what limits leave of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hullscan.errors import HullscanError, InputError
from hullscan.geometry.frames import Array
from hullscan.mission.candidates import Candidate, fitting_looks, runs_of, side_pieces
from hullscan.mission.clear import hull_gaps, near_hull
from hullscan.mission.girth_pieces import girth_pairs
from hullscan.mission.hearing import hears_about
from hullscan.mission.hull_lines import HullLines
from hullscan.mission.joining import Joiner
from hullscan.mission.keep_out import KeepOut
from hullscan.mission.limits import tether_out_m
from hullscan.mission.model import Mission
from hullscan.mission.orders import RunningGear
from hullscan.mission.patterns.gear import running_gear_lanes
from hullscan.mission.under_ship import bottom_pieces
from hullscan.search.cells import HullCells
from hullscan.search.zones import HullZones
from hullscan.ship.surface import side_sign

__all__ = ["LEAST_QUAY_GAP_M", "all_passes", "clear_poses"]

LEAST_QUAY_GAP_M = 3.0
"""Of water between ship and quay, for the vehicle at its stand-off."""
_LEAST_PIECE_M, _PIECES = 4.0, 80  # pieces of lanes: short enough to choose from, few enough to order
_LEAST_POSES = 3  # half a metre apart
_RESERVE_M = 0.02  # between the poses that are tried


def all_passes(
    mission: Mission,
    lines: HullLines,
    zones: HullZones,
    keep_out: KeepOut,
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
        under_ship: whether passes under the ship are among them; without them there are none either where the DVL
            hears too little to keep the position.
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
    out_m = (tether_out_m(mission, ends) + inward).reshape(-1, 2).max(axis=1)
    soon = 2 * np.abs(ends[:, 0]).reshape(-1, 2).max(axis=1) / speed_mps < budget_s
    reached = [each for each, ok in zip(found, (out_m <= tether) & soon, strict=True) if ok]
    kept = _clear_parts(mission, keep_out, lines.cells, reached, hearing=not under_ship)
    if not kept:
        raise InputError(
            "no pass is within reach of the tether and clear of the hull",
            where="limits.max_tether_m",
            todo="launch nearer, or from the other side",
        )
    return kept


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


def clear_poses(
    mission: Mission, keep_out: KeepOut, cells: HullCells, tracks: Sequence[Array]
) -> list[npt.NDArray[np.bool_]]:
    """Of each of some (n, 6) tracks, (n,) whether the vehicle's box keeps its clearance there."""
    poses, limit = np.concatenate(tracks), mission.file.limits.min_clearance_m
    clear = ~keep_out(poses)
    able = np.flatnonzero(clear)
    near = able[near_hull(cells, mission.vehicle, poses[able], limit)]
    if len(near):
        gap, _ = hull_gaps(cells.hull, mission.vehicle, poses[near])
        clear[near[gap < limit + _RESERVE_M]] = False
    return np.split(clear, np.cumsum([len(track) for track in tracks])[:-1])


def _clear_parts(
    mission: Mission, keep_out: KeepOut, cells: HullCells, found: Sequence[Candidate], *, hearing: bool
) -> list[Candidate]:
    """Of each pass the stretches along which the vehicle's box keeps its clearance, if they are long enough.

    Args:
        hearing: and where its DVL hears enough to keep the position.
    """
    if not found:
        return []
    parts = []
    for each, clear in zip(found, clear_poses(mission, keep_out, cells, [each.track for each in found]), strict=True):
        able = clear & hears_about(mission, each.track) if hearing else clear
        runs = [slice(None)] if able.all() else runs_of(able, least=_LEAST_POSES)
        parts += [replace(each, track=each.track[run]) for run in runs]
    return parts
