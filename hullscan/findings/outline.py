"""What a box says of an object's outline on the plating, and what many boxes say together.

A box has four edges. Each is where the object ends, or it is the picture's own edge, and then the object ends somewhere
beyond. So ends are gathered, not boxes: an object that is longer than the picture shows its two ends in different
looks. A detector boxes a long thing whole, and also by what stands out on it, such as its fins or its nose; hardly ever
does it box more than there is. So an end is where the outermost looks agree that it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array, Pose
from hullscan.search.looks import EDGE

__all__ = ["Outline", "common_outline", "outline_of_box", "plating_axes"]

_LEAST_COSINE = 0.15  # between a ray and the normal: flatter rays say nothing of where they meet the plating
_LEAST_SHARE = 0.3  # of what the box spans on the plating
_SUPPORT = 0.2  # share of the looks, by their scores, that an end must have
_ONE_END_M = 0.15  # looks within this of the outermost ones see the same end


@dataclass(frozen=True, slots=True)
class Outline:
    """An object on the plating, as a rectangle along the ship and down the girth.

    Attributes:
        axes: (2, 3) unit vectors, ship frame.
        ends_m: (2, 2) for each axis its low and its high end, from a point that is kept with the outline.
        seen: (2, 2) ends that were seen; at the others the object reaches at least as far.
    """

    axes: Array
    ends_m: Array
    seen: npt.NDArray[np.bool_]

    @classmethod
    def square(cls, size_m: float, normal: Array) -> Outline:
        """Of a size, round its point."""
        ends = np.array([[-0.5, 0.5], [-0.5, 0.5]]) * size_m
        return cls(plating_axes(normal), ends, np.ones((2, 2), dtype=bool))

    @property
    def extent_m(self) -> Array:
        """(2,) along the ship and down the girth."""
        return np.asarray(self.ends_m[:, 1] - self.ends_m[:, 0])

    @property
    def centre_m(self) -> Array:
        """(2,) middle, from its point."""
        return np.asarray(self.ends_m.mean(axis=1))

    @property
    def whole(self) -> npt.NDArray[np.bool_]:
        """(2,) axes along which both ends were seen."""
        return np.asarray(self.seen.all(axis=1))

    @property
    def size_m(self) -> float:
        """Greater extent along the plating."""
        return float(self.extent_m.max())


def plating_axes(normal: Array) -> Array:
    """(2, 3) along the ship and down the girth, in the plating whose outward normal (3,) is given."""
    along = np.array([1.0, 0.0, 0.0]) - normal * normal[0]
    if np.linalg.norm(along) < 0.1:  # a transom: along it is across the ship
        along = np.array([0.0, 1.0, 0.0]) - normal * normal[1]
    along /= np.linalg.norm(along)
    down = np.cross(normal, along)
    return np.stack([along, down if down[2] >= 0 else -down])


def outline_of_box(
    box_xyxy_px: tuple[float, float, float, float],
    camera: Camera,
    camera_ship: Pose,
    point_ship_m: Array,
    normal: Array,
    height_m: float,
) -> Outline:
    """The outline whose picture is the box.

    What stands off the plating shows its front on the side away from the camera and its foot on the side towards it,
    so the one end is looked for at its height and the other on the plating, which is taken as a plane.

    Args:
        point_ship_m: (3,) of the plating behind the box; ends count from there.
        normal: (3,) outward, of the plating.
        height_m: how far such an object stands off.
    """
    x0, y0, x1, y1 = box_xyxy_px
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    rays = camera_ship.directions_to_parent(camera.rays_cam(np.array([[x0, y], [x1, y], [x, y0], [x, y1]])))
    # detectors let a box end a few pixels before the picture's edge that cuts the object off
    margin_x, margin_y = EDGE * camera.width_px, EDGE * camera.height_px
    right, bottom = camera.width_px - margin_x, camera.height_px - margin_y
    inside = np.array([x0 > margin_x, x1 < right, y0 > margin_y, y1 < bottom])
    axes = plating_axes(normal)
    eye = camera_ship.position_m - point_ship_m
    away = float(eye @ normal)
    slope = -rays @ normal
    inside &= slope > _LEAST_COSINE
    flat = (rays + slope[:, None] * normal) / np.maximum(slope, _LEAST_COSINE)[:, None]  # per metre off the plating
    beside = eye - away * normal
    foot, front = ((beside + reach * flat) @ axes.T for reach in (away, max(away - height_m, 0.0)))
    # which pair of edges lies along the ship: a camera that looks level has its left and right there
    sideways = np.abs(foot[1] - foot[0])
    pairs = ((0, 1), (2, 3)) if sideways[0] >= sideways[1] else ((2, 3), (0, 1))
    ends, seen = np.zeros((2, 2)), np.zeros((2, 2), dtype=bool)
    for axis, pair in enumerate(pairs):
        low, high = sorted(pair, key=lambda edge: foot[edge, axis])
        below = beside @ axes[axis]
        ends[axis] = [
            front[low, axis] if foot[low, axis] < below else foot[low, axis],
            front[high, axis] if foot[high, axis] > below else foot[high, axis],
        ]
        # what is much flatter than such objects are would come out with less than no extent when seen from the side
        middle, least = ends[axis].mean(), _LEAST_SHARE * (foot[high, axis] - foot[low, axis])
        if ends[axis, 1] - ends[axis, 0] < least:
            ends[axis] = middle - least / 2, middle + least / 2
        seen[axis] = inside[low], inside[high]
    return Outline(axes, ends, seen)


def common_outline(
    outlines: Sequence[Outline], points_m: Array, weights: Array, origin_m: Array, axes: Array
) -> Outline:
    """The outline that many looks at one object agree on.

    Args:
        points_m: (n, 3) that each outline counts from.
        weights: (n,) of the looks.
        origin_m: (3,) that the result counts from.
        axes: (2, 3) of the result.
    """
    offsets = (points_m - origin_m) @ axes.T
    ends = offsets[:, :, None] + np.array([outline.ends_m for outline in outlines])
    seen = np.array([outline.seen for outline in outlines])
    result, known = np.zeros((2, 2)), np.zeros((2, 2), dtype=bool)
    for axis in range(2):
        for side, sign in enumerate((-1.0, 1.0)):
            reach, known[axis, side] = _end(sign * ends[:, axis, side], seen[:, axis, side], weights)
            result[axis, side] = sign * reach
    return Outline(axes, np.sort(result, axis=1), known)


def _end(values: Array, seen: npt.NDArray[np.bool_], weights: Array) -> tuple[float, bool]:
    """How far out an end lies by (n,) looks, and whether it was seen there and not cut off by the picture."""
    cut = ~seen
    reach = _outermost(values[seen], weights[seen]) if seen.any() else -np.inf
    if cut.any() and (weights[cut].sum() >= _SUPPORT * weights.sum()):
        at_least = _outermost(values[cut], weights[cut])
        if at_least > reach + _ONE_END_M:
            return at_least, False
    return reach, True


def _outermost(values: Array, weights: Array) -> float:
    """Mean of the (n,) values that belong to the greatest which enough of the weight supports."""
    order = np.argsort(-values)
    reached = np.cumsum(weights[order]) >= _SUPPORT * weights.sum()
    edge = values[order][int(np.argmax(reached))]
    near = np.abs(values - edge) <= _ONE_END_M
    return float(np.average(values[near], weights=weights[near]))
