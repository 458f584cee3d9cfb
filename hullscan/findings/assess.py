"""From looks and sightings to findings and coverage, with the best poses that there are.

The same function serves a mission that has just ended, a folder that is analysed again and somebody else's video.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hullscan.findings.geotag import HullFix, geotag
from hullscan.findings.in_view import cells_in_view
from hullscan.findings.merge import Finding, FindingRules, merge_fixes
from hullscan.findings.sightings import CONTRAST_GRID, Look, Sighting
from hullscan.findings.viewpoint import Viewpoints
from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.search.cells import HullCells
from hullscan.search.looks import REACH_SHARE, LookRecord, SeenCells

__all__ = ["Assessment", "assess", "clear_cells"]

_LEAST_CONTRAST = 2.0  # of the contrast map, 0 to 255: below this a picture is veil alone


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a mission found and saw.

    Attributes:
        fixes: every sighting that could be placed.
        looks: cells with what was seen of them.
        asked: (n,) cells that the mission asked for.
        unplaced: sightings whose ray missed the hull, or for whose time there is no telemetry.
        untagged_looks: looks for whose time there is no telemetry.
        unsure_looks: looks from a place that is not known well enough to say what they show.
        veiled_cells: looks at cells that did not count, for want of contrast in the picture.
    """

    findings: tuple[Finding, ...]
    fixes: tuple[HullFix, ...]
    looks: LookRecord
    asked: npt.NDArray[np.bool_]
    unplaced: int
    untagged_looks: int
    unsure_looks: int
    veiled_cells: int


def assess(
    mission: Mission,
    cells: HullCells,
    asked: npt.NDArray[np.bool_],
    views: Viewpoints,
    looks: list[Look],
    sightings: list[Sighting],
    camera: Camera,
    time_sigma_s: float,
    rules: FindingRules,
) -> Assessment:
    """Place every sighting, merge them, and count what was seen.

    Args:
        asked: (n,) cells that the mission asks for.
        camera: intrinsics for the size of the frames.
        time_sigma_s: uncertainty of frame times against telemetry.
    """
    record = LookRecord(cells, mission.file.conditions.visibility_m, mission.pod_model)
    reach = REACH_SHARE * mission.file.conditions.visibility_m
    untagged = unsure = veiled = 0
    for look in looks:
        view = views.at(look.utc_s)
        if view is None:
            untagged += 1
            continue
        if look.suspect:
            continue
        seen = cells_in_view(cells, camera, view, reach)
        if seen is None:
            unsure += 1
            continue
        clear, contrast = clear_cells(look, camera, seen)
        veiled += len(seen.index) - len(clear.index)
        record.add(clear, look.leg, contrast, speed_mps=view.speed_mps)
    fixes, unplaced = [], 0
    for sighting in sightings:
        view = views.at(sighting.utc_s)
        fix = None
        if view is not None:
            fix = geotag(sighting, view, camera, mission.hull, mission.vehicle, time_sigma_s)
        if fix is None:
            unplaced += 1
        else:
            fixes.append(fix)
    findings = tuple(merge_fixes(fixes, rules))
    return Assessment(findings, tuple(fixes), record, asked, unplaced, untagged, unsure, veiled)


def clear_cells(look: Look, camera: Camera, seen: SeenCells) -> tuple[SeenCells, Array]:
    """Those of the cells in view where the picture has contrast enough to show anything, and (k,) how much."""
    contrast = _contrast_at(look, camera, seen.pixels)
    clear = contrast >= _LEAST_CONTRAST
    return seen.select(clear), contrast[clear]


def _contrast_at(look: Look, camera: Camera, pixels: Array) -> Array:
    """(k,) contrast measured where (k, 2) pixels lie."""
    rows, columns = CONTRAST_GRID
    pixels = np.nan_to_num(pixels)  # of a cell in view only if the camera was elsewhere
    column = np.clip((pixels[:, 0] / camera.width_px * columns).astype(np.intp), 0, columns - 1)
    row = np.clip((pixels[:, 1] / camera.height_px * rows).astype(np.intp), 0, rows - 1)
    return np.asarray(look.contrast[row, column], dtype=np.float64)
