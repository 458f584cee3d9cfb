"""The camera: pinhole with Brown-Conrady distortion, as OpenCV defines it.

Intrinsics are those seen in water behind the housing's port, so refraction at a flat port is part of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from hullscan.geometry.frames import Array

__all__ = ["Camera"]

_NEWTON_STEPS, _TIP = 4, 1e-6  # and how far a derivative reaches


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """Intrinsics for one image size.

    Attributes:
        distortion: (k1, k2, p1, p2, k3) of OpenCV.
    """

    width_px: int
    height_px: int
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)

    @classmethod
    def from_hfov(cls, width_px: int, height_px: int, hfov_rad: float) -> Camera:
        """A camera without distortion, from its horizontal field of view in water."""
        focal_px = width_px / 2 / np.tan(hfov_rad / 2)
        return cls(
            width_px=width_px,
            height_px=height_px,
            fx_px=focal_px,
            fy_px=focal_px,
            cx_px=width_px / 2,
            cy_px=height_px / 2,
        )

    @property
    def hfov_rad(self) -> float:
        """Horizontal field of view."""
        left, right = self.rays_cam(np.array([[0.0, self.cy_px], [self.width_px, self.cy_px]]))
        return float(np.arccos(np.clip(left @ right, -1, 1)))

    @property
    def vfov_rad(self) -> float:
        """Vertical field of view."""
        top, bottom = self.rays_cam(np.array([[self.cx_px, 0.0], [self.cx_px, self.height_px]]))
        return float(np.arccos(np.clip(top @ bottom, -1, 1)))

    @property
    def matrix(self) -> Array:
        """(3, 3) intrinsic matrix."""
        return np.array([[self.fx_px, 0, self.cx_px], [0, self.fy_px, self.cy_px], [0, 0, 1.0]])

    def resized(self, width_px: int, height_px: int) -> Camera:
        """The same lens at another image size of the same shape."""
        if (width_px, height_px) == (self.width_px, self.height_px):
            return self
        sx, sy = width_px / self.width_px, height_px / self.height_px
        return replace(
            self,
            width_px=width_px,
            height_px=height_px,
            fx_px=self.fx_px * sx,
            fy_px=self.fy_px * sy,
            cx_px=self.cx_px * sx,
            cy_px=self.cy_px * sy,
        )

    def rays_cam(self, points_px: Array) -> Array:
        """(n, 3) unit rays in the camera frame through (n, 2) pixels."""
        points = np.asarray(points_px, dtype=np.float64).reshape(-1, 1, 2)
        if any(self.distortion):
            normal = self._undistorted(points).reshape(-1, 2)
        else:
            focal, centre = np.array([self.fx_px, self.fy_px]), np.array([self.cx_px, self.cy_px])
            normal = (points.reshape(-1, 2) - centre) / focal
        rays = np.column_stack([normal, np.ones(len(normal))])
        return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True), dtype=np.float64)

    def _undistorted(self, points_px: Array) -> Array:
        """(n, 1, 2) of x and y against depth 1, by Newton's steps from what OpenCV finds in five simple ones.

        Those leave a wide lens behind a flat port many pixels off at its corners.
        """
        lens = (self.matrix, np.array(self.distortion))
        found = np.asarray(cv2.undistortPoints(points_px, *lens), dtype=np.float64)
        right, down = np.array([[_TIP, 0.0], [0.0, _TIP]])
        for _ in range(_NEWTON_STEPS):
            shown = self._distorted(found)
            off = points_px - shown
            by_x = (self._distorted(found + right) - shown) / _TIP
            by_y = (self._distorted(found + down) - shown) / _TIP
            determinant = by_x[..., 0] * by_y[..., 1] - by_y[..., 0] * by_x[..., 1]
            step_x = (off[..., 0] * by_y[..., 1] - by_y[..., 0] * off[..., 1]) / determinant
            step_y = (by_x[..., 0] * off[..., 1] - off[..., 0] * by_x[..., 1]) / determinant
            found = found + np.stack([step_x, step_y], axis=-1)
        return found

    def _distorted(self, normal: Array) -> Array:
        points = np.concatenate([normal, np.ones((*normal.shape[:-1], 1))], axis=-1).reshape(-1, 1, 3)
        lens = (self.matrix, np.array(self.distortion))
        return np.asarray(cv2.projectPoints(points, np.zeros(3), np.zeros(3), *lens)[0], dtype=np.float64)

    def project(self, points_cam_m: Array) -> Array:
        """(n, 2) pixels of (n, 3) points of the camera frame; NaN for points that are not in front."""
        points = np.asarray(points_cam_m, dtype=np.float64).reshape(-1, 3)
        if not len(points):
            return np.zeros((0, 2))
        if any(self.distortion):
            pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), self.matrix, np.array(self.distortion))
            pixels = pixels.reshape(-1, 2).astype(np.float64)
        else:  # the planner projects a million points
            with np.errstate(divide="ignore", invalid="ignore"):
                normal = points[:, :2] / points[:, 2:]
            pixels = normal * [self.fx_px, self.fy_px] + [self.cx_px, self.cy_px]
        pixels[points[:, 2] <= 1e-6] = np.nan
        return np.asarray(pixels, dtype=np.float64)

    def pixel_grid(self, step_px: float) -> Array:
        """(rows, columns, 2) pixel centres of a grid over the image, ``step_px`` apart, centred."""
        columns = _centred(self.width_px, step_px)
        rows = _centred(self.height_px, step_px)
        return np.stack(np.meshgrid(columns, rows), axis=-1)


def _centred(size_px: int, step_px: float) -> Array:
    count = max(int(np.ceil(size_px / step_px)), 1)
    return np.asarray((np.arange(count) + 0.5) * (size_px / count), dtype=np.float64)
