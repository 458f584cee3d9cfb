"""What many passes would see, all at once: the POD of each pass at each cell, by the rule of ``seen_cells``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array
from hullscan.search.cells import HullCells
from hullscan.search.looks import EDGE, HIDDEN_M, MAX_INCIDENCE_RAD
from hullscan.search.pod import LookModel, sample_m

__all__ = ["CameraTrack", "pass_pods"]

_BLOCK = 4000  # poses at a time: about half a million pairs with cells


@dataclass(frozen=True, slots=True)
class CameraTrack:
    """Camera poses of several passes, one after the other.

    Attributes:
        position_m: (n, 3) ship frame.
        rotation: n rotations, ship from camera.
        number: (n,) of the pass to which each belongs.
        speed_mps: (n,) of the camera past the hull.
    """

    position_m: Array
    rotation: Rotation
    number: npt.NDArray[np.intp]
    speed_mps: Array

    def __len__(self) -> int:
        return len(self.number)


def pass_pods(
    cells: HullCells,
    camera: Camera,
    track: CameraTrack,
    passes: int,
    *,
    visibility_m: float,
    model: LookModel,
    max_range_m: float,
    occlusion: bool = True,
) -> csr_array:
    """(passes, cells) POD of the best look of each pass at each cell, sparse.

    Args:
        occlusion: whether cells that the hull itself hides are left out; the ray is cast for the best look only, so
            what that look does not see counts as not seen by the pass.
    """
    blocks = list(_blocks(cells, camera, track, visibility_m, model, max_range_m))
    if not blocks:
        return csr_array((passes, len(cells)))
    key, pod, pose = _best(*(np.concatenate(part) for part in zip(*blocks, strict=True)))
    number, index = np.divmod(key, len(cells))
    if occlusion and len(key):
        toward = cells.points_m[index] - track.position_m[pose]
        distance = np.linalg.norm(toward, axis=1)
        clear = cells.hull.cast(track.position_m[pose], toward / distance[:, None]).distance_m > distance - HIDDEN_M
        number, index, pod = number[clear], index[clear], pod[clear]
    return csr_array((pod, (number, index)), shape=(passes, len(cells)))


def _blocks(
    cells: HullCells, camera: Camera, track: CameraTrack, visibility_m: float, model: LookModel, max_range_m: float
) -> Iterator[tuple[npt.NDArray[np.int64], Array, npt.NDArray[np.intp]]]:
    """(k,) keys pass x cell, (k,) best PODs, (k,) the poses that they are from, block by block."""
    limit = np.cos(min(MAX_INCIDENCE_RAD, model.max_incidence_rad))
    size = np.array([camera.width_px, camera.height_px])
    axes = track.rotation.apply([0.0, 0.0, 1.0])
    # nothing lies in the picture that is farther from the axis than its corner
    corner = camera.rays_cam(np.array([[0.0, 0.0], [0.0, size[1]], [size[0], 0.0], size.astype(float)]))[:, 2].min()
    for first in range(0, len(track), _BLOCK):
        block = slice(first, min(first + _BLOCK, len(track)))
        # a ball about the middle of the view holds all that is in range and in view
        centres = track.position_m[block] + axes[block] * max_range_m / 2
        reach = max_range_m * np.sqrt(1.25 - corner)
        pairs = cKDTree(centres).sparse_distance_matrix(cells.tree, reach, output_type="ndarray")
        pose, index = pairs["i"].astype(np.intp) + first, pairs["j"].astype(np.intp)
        toward = cells.points_m[index] - track.position_m[pose]
        distance = np.sqrt(np.einsum("ij,ij->i", toward, toward))
        cosine = -np.einsum("ij,ij->i", toward, cells.normals[index]) / np.maximum(distance, 1e-6)
        ahead = np.einsum("ij,ij->i", toward, axes[pose]) > distance * corner
        keep = np.flatnonzero((distance < max_range_m) & (cosine > limit) & ahead)
        pose, index, toward = pose[keep], index[keep], toward[keep]
        distance, cosine = distance[keep], cosine[keep]
        pixels = camera.project(np.asarray(track.rotation[pose].apply(toward, inverse=True)))
        with np.errstate(invalid="ignore"):
            inside = ((pixels > size * EDGE) & (pixels < size * (1 - EDGE))).all(axis=1)
        pose, index, distance, cosine = pose[inside], index[inside], distance[inside], cosine[inside]
        pod = model.of_look(
            distance,
            sample_m(distance, camera),
            np.arccos(np.clip(cosine, -1, 1)),
            visibility_m,
            speed_mps=track.speed_mps[pose],
        )
        yield _best(track.number[pose].astype(np.int64) * len(cells) + index, pod, pose)


def _best(
    key: npt.NDArray[np.int64], pod: Array, pose: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.int64], Array, npt.NDArray[np.intp]]:
    """The best POD of each key, and the pose that it is from."""
    order = np.lexsort((-pod, key))
    key = key[order]
    first = np.ones(len(key), bool)
    first[1:] = key[1:] != key[:-1]
    return key[first], pod[order][first], pose[order][first]
