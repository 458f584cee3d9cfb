"""Passes down and up the ship's sides for the planner: girth lines, in pairs.

The picture is wider than high, so that a line down the section adds nearly twice the hull per metre that a lane along
the ship does; lanes along her are for what is long and low, and for getting on.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from hullscan.mission.candidates import SIDE_OVERLAP, Candidate
from hullscan.mission.hull_lines import HullLines
from hullscan.search.cells import CELL_M
from hullscan.ship.surface import side_name

__all__ = ["girth_pairs"]

_LEAST_LINE_M = 1.0
_STEP_M = 0.5


def girth_pairs(
    lines: HullLines,
    halves: Sequence[int],
    speed_mps: float,
    longest_m: float,
    reached: npt.NDArray[np.bool_],
) -> list[Candidate]:
    """Down one line and up the next, from the waterline to where the plating can be seen from outside.

    Long ones are cut at half their depth, as often as needed.

    Args:
        halves: 0 starboard, 1 port.
        longest_m: of a pass, about.
        reached: (2, c) columns that the vehicle can reach.
    """
    camera, off = lines.vehicle.camera, lines.stand_off_m
    spacing = 2 * off * float(np.tan(camera.hfov_rad / 2)) * (1 - SIDE_OVERLAP)
    height = 2 * off * float(np.tan(camera.vfov_rad / 2))
    found = []
    for half in halves:
        at = _columns(lines, half, spacing)
        pieces = []
        for first, second in zip(at[::2], at[1::2], strict=False):
            if not reached[half, [first, second]].all():
                continue
            deepest = float(min(lines.limit_m[half, [first, second]]))
            if deepest - height / 2 < _LEAST_LINE_M:
                continue
            cuts = np.linspace(height / 2, deepest, max(1, round(2 * deepest / longest_m)) + 1)
            for top, foot in pairwise(cuts):
                girths = np.linspace(top, foot, max(2, int(np.ceil((foot - top) / _STEP_M)) + 1))
                pieces.append((first, second, np.concatenate([girths, girths[::-1]])))
        if not pieces:
            continue
        columns = np.concatenate([np.repeat([first, second], len(girths) // 2) for first, second, girths in pieces])
        poses, flyable = lines.poses(half, columns, np.concatenate([girths for _, _, girths in pieces]))
        ends = np.cumsum([len(girths) for _, _, girths in pieces])[:-1]
        side = (1, -1)[half]
        for (first, second, _), track, able in zip(pieces, np.split(poses, ends), np.split(flyable, ends), strict=True):
            if able.all():
                stations = f"{lines.cells.columns_m[first]:.0f} to {lines.cells.columns_m[second]:.0f}"
                zone = f"{side_name(side)} side, girth lines at stations {stations}"
                found.append(Candidate(track=track, speed_mps=speed_mps, zone=zone, side=side, pattern="transverse"))
    return found


def _columns(lines: HullLines, half: int, spacing_m: float) -> npt.NDArray[np.intp]:
    """Columns as far apart as the spacing, along the plating at half the girth that can be seen."""
    able = np.flatnonzero(lines.limit_m[half] > 0)
    if not len(able):
        return able
    middle, _ = lines.cells.sections[half].at(able, lines.limit_m[half, able] / 2)
    steps = np.linalg.norm(np.diff(middle, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(np.minimum(steps, 4 * CELL_M))])
    places = np.arange(spacing_m / 2, along[-1], spacing_m)
    return able[np.searchsorted(along, places)]
