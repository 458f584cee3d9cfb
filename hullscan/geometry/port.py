"""What a housing's port does to a camera that was calibrated in air.

Behind a dome whose middle is the lens rays pass straight, so the intrinsics hold in water as they are. A flat port
bends each ray (Snell): the picture grows by the index of refraction in its middle, and more towards its edges. With the
lens near the port that is a pinhole camera with another focal length and distortion (Luczynski et al., The Pinax-model,
Ocean Engineering 2017), which is what is fitted here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hullscan.errors import InputError
from hullscan.geometry.camera import Camera

__all__ = ["REFRACTION", "behind_flat_port"]

REFRACTION = 1.34
"""Of sea water against air, visible light; 1.333 of fresh water differs by half a percent of the picture."""
_MOST_OFF_PX = 1.0
_STEPS = 24


def behind_flat_port(air: Camera, refraction: float = REFRACTION) -> Camera:
    """The camera as it sees in water through a flat port, from its calibration in air.

    Raises:
        InputError: no lens of this kind describes it: the field of view is too wide for a flat port.
    """
    pixels = air.pixel_grid(max(air.width_px, air.height_px) / _STEPS).reshape(-1, 2)
    rays = air.rays_cam(pixels)
    sine = np.hypot(rays[:, 0], rays[:, 1]) / refraction  # of the angle in water
    scale = np.divide(1 / refraction, np.sqrt(1 - sine**2))  # of x and y against depth 1
    x, y = rays[:, 0] * scale, rays[:, 1] * scale
    focal, centre = np.array([air.fx_px, air.fy_px]) * refraction, np.array([air.cx_px, air.cy_px])
    shown = (pixels - centre) / focal
    r2 = x**2 + y**2
    zero = np.zeros_like(x)
    terms = np.stack(  # of OpenCV's model, which is linear in its five coefficients
        [
            np.stack([x * r2, x * r2**2, 2 * x * y, r2 + 2 * x**2, x * r2**3], axis=1),
            np.stack([y * r2, y * r2**2, r2 + 2 * y**2, 2 * x * y, y * r2**3], axis=1),
        ]
    )
    weight = np.concatenate([np.full_like(zero, focal[0]), np.full_like(zero, focal[1])])  # so that pixels count alike
    wanted = np.concatenate([shown[:, 0] - x, shown[:, 1] - y])
    found, *_ = np.linalg.lstsq(terms.reshape(-1, 5) * weight[:, None], wanted * weight, rcond=None)
    k1, k2, p1, p2, k3 = (float(value) for value in found)
    water = replace(air, fx_px=float(focal[0]), fy_px=float(focal[1]), distortion=(k1, k2, p1, p2, k3))
    through = np.column_stack([x, y, np.ones_like(x)])
    back = water.rays_cam(pixels)
    off_px = max(
        float(np.abs(water.project(through) - pixels).max()),
        float((np.abs(back[:, :2] / back[:, 2:] - through[:, :2]) * focal).max()),
    )
    if not off_px < _MOST_OFF_PX:
        raise InputError(
            f"a flat port before so wide a lens is {off_px:.1f} px from any that can be described",
            todo="calibrate the camera in water and say calibrated_in: water",
        )
    return water
