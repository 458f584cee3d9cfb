"""What a camera saw of the hull: looks at cells, planned ones and achieved ones by the same rule."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array, Pose
from hullscan.search.cells import HullCells
from hullscan.search.doubt import EVERYWHERE, PLACES, CameraDoubt, share_of_places
from hullscan.search.pod import PRIOR_MODEL, LookModel, combined_pod, sample_m

__all__ = ["EDGE", "HIDDEN_M", "MAX_INCIDENCE_RAD", "REACH_SHARE", "SURE", "LookRecord", "SeenCells", "seen_cells"]

EDGE = 0.02
"""Share of the picture at each edge that does not count: boxes are cut there."""
HIDDEN_M = 0.15
"""A ray that meets the hull this much before a cell's centre does not see the cell."""
MAX_INCIDENCE_RAD = float(np.radians(65))
REACH_SHARE = 0.8
"""Of the visibility: from farther away nothing is searched."""
SURE = 0.95
"""Chance of having been in a picture from which on a cell counts as seen."""
_BITS = np.left_shift(np.uint64(1), np.arange(PLACES, dtype=np.uint64))


@dataclass(frozen=True, slots=True)
class SeenCells:
    """Cells in view of one frame, or that may be.

    Attributes:
        index: (k,) into the cells.
        range_m, gsd_m, incidence_rad: (k,).
        pixels: (k, 2) where the centres are in the picture, if the camera was where it is believed to have been.
        places: (k,) the places of the camera (``CameraDoubt``) from which the cell was in view, a bit for each.
    """

    index: npt.NDArray[np.intp]
    range_m: Array
    gsd_m: Array
    incidence_rad: Array
    pixels: Array
    places: npt.NDArray[np.uint64]

    def select(self, keep: npt.NDArray[np.bool_]) -> SeenCells:
        """Those for which ``keep`` (k,) is true."""
        return SeenCells(*(getattr(self, each.name)[keep] for each in fields(self)))


def seen_cells(
    cells: HullCells,
    camera: Camera,
    pose_ship: Pose,
    max_range_m: float,
    max_incidence_rad: float = MAX_INCIDENCE_RAD,
    doubt: CameraDoubt | None = None,
    among: npt.NDArray[np.bool_] | None = None,
) -> SeenCells:
    """Cells that a camera sees: in the picture, in range, facing it, not hidden by the hull itself.

    Args:
        pose_ship: ship from camera.
        doubt: how far the camera may be elsewhere; cells count that are in view from any of the places. None: it is
            where it is believed to be.
        among: (n,) the cells that are asked about; None for all.
    """
    shifts_m = np.zeros((1, 3)) if doubt is None else doubt.shifts_m()
    index = cells.near(pose_ship.position_m, max_range_m + float(np.linalg.norm(shifts_m, axis=1).max()))
    if among is not None:
        index = index[among[index]]
    points, normals = pose_ship.to_body(cells.points_m[index]), cells.normals[index]
    normals = np.asarray(pose_ship.rotation.apply(normals, inverse=True), dtype=np.float64)
    rules = camera, max_range_m, max_incidence_rad
    if doubt is None:
        places = np.where(_in_view(points, normals, *rules), EVERYWHERE, np.uint64(0))
    else:
        shifts = np.asarray(pose_ship.rotation.apply(shifts_m, inverse=True), dtype=np.float64)
        turns = doubt.turns()
        # to a camera that is elsewhere and looks elsewhere, (PLACES, k, 3)
        moved = (points[None] - shifts[:, None]) @ turns
        inside = _in_view(moved, normals[None] @ turns, *rules)
        places = np.where(inside, _BITS[:, None], np.uint64(0)).sum(axis=0, dtype=np.uint64)
    shown = places > 0
    index, places, points, normals = index[shown], places[shown], points[shown], normals[shown]
    if len(index):
        distance = np.linalg.norm(points, axis=1)
        met = cells.hull.cast(pose_ship.position_m, pose_ship.directions_to_parent(points / distance[:, None]))
        clear = met.distance_m > distance - HIDDEN_M
        index, places, points, normals = index[clear], places[clear], points[clear], normals[clear]
    distance = np.linalg.norm(points, axis=1)
    incidence = np.arccos(np.clip(-(points * normals).sum(axis=1) / np.maximum(distance, 1e-6), -1, 1))
    return SeenCells(index, distance, sample_m(distance, camera), incidence, camera.project(points), places)


def _in_view(
    points_cam_m: Array, normals_cam: Array, camera: Camera, max_range_m: float, max_incidence_rad: float
) -> npt.NDArray[np.bool_]:
    """Whether (..., 3) points with their normals, camera frame, are in range, facing the camera and in the picture."""
    distance = np.linalg.norm(points_cam_m, axis=-1)
    facing = -(points_cam_m * normals_cam).sum(axis=-1) > np.cos(max_incidence_rad) * distance
    pixels = camera.project(points_cam_m.reshape(-1, 3)).reshape(*distance.shape, 2)
    size = np.array([camera.width_px, camera.height_px])
    with np.errstate(invalid="ignore"):
        inside = ((pixels > EDGE * size) & (pixels < (1 - EDGE) * size)).all(axis=-1)
    return np.asarray(inside & facing & (distance < max_range_m), dtype=bool)


class LookRecord:
    """Accumulates looks at cells.

    Successive frames of one pass see the same thing and are not independent: the POD of a pass is that of its
    best look, by the chance that the pass showed the cell, and passes are combined.

    Attributes:
        looks: (n,) frames that had the cell in view, or may have had.
        best_gsd_m, best_incidence_rad: (n,) inf where never seen.
        contrast: (n,) best local contrast measured in the picture.
    """

    def __init__(self, cells: HullCells, visibility_m: float, model: LookModel = PRIOR_MODEL) -> None:
        self.cells, self.model, self._visibility_m = cells, model, visibility_m
        count = len(cells)
        self.looks = np.zeros(count, np.int64)
        self.best_gsd_m, self.best_incidence_rad = np.full(count, np.inf), np.full(count, np.inf)
        self.contrast = np.zeros(count)
        self._best_of_pass: dict[int, Array] = {}
        self._places_of_pass: dict[int, npt.NDArray[np.uint64]] = {}

    def add(self, seen: SeenCells, pass_number: int, contrast: Array | None = None, *, speed_mps: float) -> None:
        """Count one frame.

        Args:
            contrast: (k,) measured in the picture where the cells are.
            speed_mps: of the camera past the hull, which smears the frame; planned looks count it too (``passes``).
        """
        index = seen.index
        self.looks[index] += 1
        self.best_gsd_m[index] = np.minimum(self.best_gsd_m[index], seen.gsd_m)
        self.best_incidence_rad[index] = np.minimum(self.best_incidence_rad[index], seen.incidence_rad)
        if contrast is not None:
            self.contrast[index] = np.maximum(self.contrast[index], contrast)
        pod = self.model.of_look(seen.range_m, seen.gsd_m, seen.incidence_rad, self._visibility_m, speed_mps=speed_mps)
        best = self._best_of_pass.setdefault(pass_number, np.zeros(len(self.cells)))
        best[index] = np.maximum(best[index], pod)
        places = self._places_of_pass.setdefault(pass_number, np.zeros(len(self.cells), np.uint64))
        places[index] |= seen.places

    @property
    def pod(self) -> Array:
        """(n,) POD of each cell."""
        if not self._best_of_pass:
            return np.zeros(len(self.cells))
        shown = share_of_places(np.stack(list(self._places_of_pass.values())))
        return combined_pod(shown * np.stack(list(self._best_of_pass.values())), self.model.asymptote)

    @property
    def chance_seen(self) -> Array:
        """(n,) chance that each cell was in a picture at all.

        The lesser of two: what is wrong with the camera's place is the same in all passes, or is drawn anew in each.
        """
        if not self._places_of_pass:
            return np.zeros(len(self.cells))
        places = np.stack(list(self._places_of_pass.values()))
        together = share_of_places(np.bitwise_or.reduce(places, axis=0))
        anew = 1 - np.prod(1 - share_of_places(places), axis=0)
        return np.asarray(np.minimum(together, anew), dtype=np.float64)

    def seen(self) -> npt.NDArray[np.bool_]:
        """(n,) cells of which it is ``SURE`` that they were in a picture."""
        return np.asarray(self.chance_seen >= SURE, dtype=bool)

    def area_m2(self, which: npt.NDArray[np.bool_]) -> float:
        """Area of a selection of cells."""
        return float(self.cells.area_m2[which].sum())
