"""What a camera saw of the hull: looks at cells, planned ones and achieved ones by the same rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array, Pose
from hullscan.search.cells import HullCells
from hullscan.search.pod import PRIOR_MODEL, LookModel, combined_pod

__all__ = ["EDGE", "HIDDEN_M", "MAX_INCIDENCE_RAD", "LookRecord", "SeenCells", "seen_cells"]

EDGE = 0.02
"""Share of the picture at each edge that does not count: boxes are cut there."""
HIDDEN_M = 0.15
"""A ray that meets the hull this much before a cell's centre does not see the cell."""
MAX_INCIDENCE_RAD = float(np.radians(65))


@dataclass(frozen=True, slots=True)
class SeenCells:
    """Cells in view of one frame.

    Attributes:
        index: (k,) into the cells.
        range_m, gsd_m, incidence_rad: (k,).
        pixels: (k, 2) where the centres are in the picture.
    """

    index: npt.NDArray[np.intp]
    range_m: Array
    gsd_m: Array
    incidence_rad: Array
    pixels: Array

    def select(self, keep: npt.NDArray[np.bool_]) -> SeenCells:
        """Those for which ``keep`` (k,) is true."""
        return SeenCells(
            self.index[keep], self.range_m[keep], self.gsd_m[keep], self.incidence_rad[keep], self.pixels[keep]
        )


def seen_cells(
    cells: HullCells,
    camera: Camera,
    pose_ship: Pose,
    max_range_m: float,
    max_incidence_rad: float = MAX_INCIDENCE_RAD,
    doubt: tuple[Array, float] = (np.zeros(2), 0.0),
) -> SeenCells:
    """Cells that a camera sees: in the picture, in range, facing it, not hidden by the hull itself.

    Args:
        pose_ship: ship from camera.
        doubt: (2,) m by which the camera may be elsewhere, along the picture's width and height, and radians by which
            it may look elsewhere; a cell counts that is in the picture all the same.
    """
    index = cells.near(pose_ship.position_m, max_range_m)
    toward = cells.points_m[index] - pose_ship.position_m
    distance = np.linalg.norm(toward, axis=1)
    cosine = -(toward * cells.normals[index]).sum(axis=1) / np.maximum(distance, 1e-6)
    facing = cosine > np.cos(max_incidence_rad)
    index, distance, cosine = index[facing], distance[facing], cosine[facing]
    points = pose_ship.to_body(cells.points_m[index])
    pixels = camera.project(points)
    margin = np.array([camera.width_px, camera.height_px]) * EDGE
    ahead = np.maximum(points[:, 2:], 1e-6)
    margin = margin + camera.fx_px * (doubt[0] / ahead + doubt[1] * (distance[:, None] / ahead) ** 2)
    with np.errstate(invalid="ignore"):
        inside = ((pixels > margin) & (pixels < [camera.width_px, camera.height_px] - margin)).all(axis=1)
    index, distance, cosine, pixels = index[inside], distance[inside], cosine[inside], pixels[inside]
    if len(index):
        rays = (cells.points_m[index] - pose_ship.position_m) / distance[:, None]
        met = cells.hull.cast(pose_ship.position_m, rays)
        clear = met.distance_m > distance - HIDDEN_M
        index, distance, cosine, pixels = index[clear], distance[clear], cosine[clear], pixels[clear]
    incidence = np.arccos(np.clip(cosine, -1, 1))
    return SeenCells(index, distance, distance / camera.fx_px, incidence, pixels)


class LookRecord:
    """Accumulates looks at cells.

    Successive frames of one pass see the same thing and are not independent: the POD of a pass is that of its
    best look, and passes are combined.

    Attributes:
        looks: (n,) frames that counted.
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

    @property
    def pod(self) -> Array:
        """(n,) POD of each cell."""
        if not self._best_of_pass:
            return np.zeros(len(self.cells))
        return combined_pod(np.stack(list(self._best_of_pass.values())), self.model.asymptote)

    def seen(self) -> npt.NDArray[np.bool_]:
        """(n,) cells with at least one look that counted."""
        return np.asarray(self.looks > 0, dtype=bool)

    def area_m2(self, which: npt.NDArray[np.bool_]) -> float:
        """Area of a selection of cells."""
        return float(self.cells.area_m2[which].sum())
