"""The vehicle's own tether before its camera: a cable that leaves the rear and, when it is slack, drifts into view.

It hangs between the camera and the hull in a smooth bend from one edge of the picture to another, now and then in a
loop. A round tube of a few millimetres, it takes lamps, daylight and water as everything else does; it casts no shadow.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array
from hullscan_sim.camera.noise import Image
from hullscan_sim.camera.renderer import Rendered, Renderer
from hullscan_sim.camera.scene import TETHER, Hit

__all__ = ["Tether", "draw_tether", "random_tether"]

# tethers of small vehicles as Blue Robotics sells them: 7.6 mm, and a slim one of 4 mm; yellow, or grey with grime
_DIAMETERS_M = (0.0076, 0.004)
_YELLOW, _GREY = np.array([0.04, 0.42, 0.55], np.float32), np.array([0.25, 0.27, 0.27], np.float32)  # albedo, BGR
_YELLOW_SHARE, _GRIME = 0.65, (0.5, 1.05)
_NEAREST_M, _FARTHEST_M = 0.22, 2.0
_LOOP_SHARE = 0.15
_LEAST_BEND_M = 0.05  # a stiff jacket does not fold
_TRIES = 20
_STEPS = 3000
_SOFT_PX = 0.5  # an edge is spread over a pixel


@dataclass(frozen=True, slots=True)
class Tether:
    """A stretch of cable.

    Attributes:
        path_cam_m: (n, 3) its middle, camera frame.
        diameter_m: of its jacket.
        albedo: (3,) of its jacket, BGR.
    """

    path_cam_m: Array
    diameter_m: float
    albedo: Image


def random_tether(rng: np.random.Generator, frame: Rendered, camera: Camera) -> Tether:
    """One that hangs somewhere before what a picture shows."""
    farthest_m = float(np.clip(0.9 * np.percentile(frame.depth_m, 10), _NEAREST_M + 0.1, _FARTHEST_M))
    for _ in range(_TRIES):
        path = _random_path(rng, camera, farthest_m)
        if _tightest_bend_m(path) >= _LEAST_BEND_M:
            break
    colour = _YELLOW if rng.random() < _YELLOW_SHARE else _GREY
    return Tether(path, float(rng.choice(_DIAMETERS_M)), colour * np.float32(rng.uniform(*_GRIME)))


def _random_path(rng: np.random.Generator, camera: Camera, farthest_m: float) -> Array:
    """(n, 3) a cubic curve from beyond one edge of the picture to beyond another, or out where it came in."""
    size = np.array([camera.width_px, camera.height_px], dtype=np.float64)

    def beyond(edge: int) -> Array:
        """A place outside of an edge: left, top, right, bottom."""
        along, off = rng.uniform(-0.1, 1.1), rng.uniform(0.05, 0.4)
        return np.array({0: (-off, along), 1: (along, -off), 2: (1 + off, along), 3: (along, 1 + off)}[edge]) * size

    first = int(rng.integers(4))
    last = first if rng.random() < _LOOP_SHARE else int((first + rng.integers(1, 4)) % 4)
    pixels = np.stack([beyond(first), *(rng.random((2, 2)) * size), beyond(last)])
    depths = np.exp(rng.uniform(np.log(_NEAREST_M), np.log(farthest_m), 4))
    knots = np.column_stack([(pixels - [camera.cx_px, camera.cy_px]) / [camera.fx_px, camera.fy_px], np.ones(4)])
    t = np.linspace(0, 1, _STEPS)[:, None]
    weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    path: Array = weights @ (knots * depths[:, None])
    return path


def _tightest_bend_m(path: Array) -> float:
    """Least radius of curvature."""
    first = np.gradient(path, axis=0)
    second = np.gradient(first, axis=0)
    speed, turn = np.linalg.norm(first, axis=1), np.linalg.norm(np.cross(first, second), axis=1)
    return float((speed**3 / np.maximum(turn, 1e-12)).min())


def draw_tether(renderer: Renderer, frame: Rendered, tether: Tether, position_m: Array, r_ship_cam: Array) -> Rendered:
    """The same picture with the cable before it, as far as nothing of the scene is nearer."""
    camera = renderer.camera
    height, width = frame.object.shape
    path = tether.path_cam_m[tether.path_cam_m[:, 2] > 0.5 * _NEAREST_M]
    line = camera.project(path)
    radius = 0.5 * tether.diameter_m * camera.fx_px / path[:, 2]
    drawn = np.zeros((height, width), np.uint8)
    thick = int(2 * radius.max()) + 4
    cv2.polylines(drawn, [np.round(line).astype(np.int32)], False, 1, thick)
    rows, columns = np.nonzero(drawn)
    if not len(rows):
        return frame
    away, nearest = cKDTree(line).query(np.column_stack([columns, rows]) + 0.5)
    cover = np.clip((radius[nearest] - away) / (2 * _SOFT_PX) + 0.5, 0, 1)
    cover *= np.minimum(2 * radius[nearest], 1.0)  # what is thinner than a pixel covers a part of it
    pixels: Array = np.column_stack([columns, rows]).astype(np.float64) + 0.5
    rays = camera.rays_cam(pixels)
    distance = path[nearest, 2] / rays[:, 2]
    seen = (cover > 0) & (distance < frame.depth_m[rows, columns])
    if not seen.any():
        return frame
    rows, columns, nearest, pixels, rays, distance = (
        each[seen] for each in (rows, columns, nearest, pixels, rays, distance)
    )
    normals = _normals(rays, line, nearest, (pixels - line[nearest]) / radius[nearest, None])
    count = len(rows)
    hit = Hit(
        np.full(count, TETHER, np.int32), distance.astype(np.float32),
        (position_m + (rays * distance[:, None]) @ r_ship_cam.T).astype(np.float32),
        (normals @ r_ship_cam.T).astype(np.float32), np.zeros((count, 2), np.float32), np.zeros(count, np.int32),
        np.ones(count, np.float32),
    )  # fmt: skip
    diffuse, veil = renderer.light_at(hit, pixels.astype(np.float32), position_m, r_ship_cam)
    linear, depth, number = frame.linear.copy(), frame.depth_m.copy(), frame.object.copy()
    share = cover[seen].astype(np.float32)
    linear[rows, columns] += share[:, None] * (diffuse * tether.albedo + veil - linear[rows, columns])
    solid = share > 0.5
    number[rows[solid], columns[solid]] = TETHER
    depth[rows[solid], columns[solid]] = distance[solid]
    return Rendered(linear, frame.median_depth_m, depth, number)


def _normals(rays: Array, line: Array, nearest: npt.NDArray[np.intp], off: Array) -> Array:
    """(n, 3) of the tube where rays meet it, camera frame: from one edge of it to the other they turn by half a circle.

    Args:
        off: (n, 2) of the pixels from the nearest points of the middle, in radii.
    """
    along = line[np.minimum(nearest + 1, len(line) - 1)] - line[np.maximum(nearest - 1, 0)]
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    across = np.column_stack([-along[:, 1], along[:, 0], np.zeros(len(along))])
    side = np.clip(np.einsum("ij,ij->i", off, across[:, :2]), -0.98, 0.98)
    across -= np.einsum("ij,ij->i", across, rays)[:, None] * rays
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    normals: Array = side[:, None] * across - np.sqrt(1 - side**2)[:, None] * rays
    return normals
