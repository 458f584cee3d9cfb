"""The camera's own part: blur in the water, snow, motion blur, exposure, white balance, noise, eight bits."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array
from hullscan_sim.camera.noise import Image, hash01
from hullscan_sim.camera.renderer import Rendered
from hullscan_sim.camera.water import WaterOptics

__all__ = ["Response", "Sensor"]

_SRGB = np.linspace(0, 1, 4096)
_SRGB = np.clip(255 * np.where(_SRGB < 0.0031308, 12.92 * _SRGB, 1.055 * _SRGB ** (1 / 2.4) - 0.055) + 0.5, 0, 255)
_TAPE = np.random.default_rng(0).standard_normal(1 << 23, dtype=np.float32)  # noise, read from a random place
_SNOW_CELL_M = 0.22
_SNOW_REACH_M = 1.8


@dataclass(frozen=True, slots=True)
class Response:
    """How a camera turns light into numbers.

    Attributes:
        target: mean linear level that the exposure aims at.
        white_balance: 0 none to 1 full grey world.
        settle_s: time constant of exposure and white balance; 0 sets them anew for each frame.
        noise: factor on shot and read noise.
        shutter_s: exposure time, for motion blur.
        max_gain: of the exposure (32 dB, as small cameras end at): a scene without light stays dark.
    """

    target: float = 0.20
    white_balance: float = 0.75
    settle_s: float = 0.6
    noise: float = 1.0
    shutter_s: float = 1 / 50
    max_gain: float = 40.0


class Sensor:
    """Turns linear frames into eight-bit pictures; keeps exposure, white balance and snow between frames."""

    def __init__(self, camera: Camera, optics: WaterOptics, response: Response, particles: float, seed: int) -> None:
        self.camera, self.optics, self.response, self.particles = camera, optics, response, particles
        self._gain: float | None = None
        self._balance = np.ones(3, np.float32)
        self._rng, self._seed = np.random.default_rng(seed), seed
        self._curve = _SRGB.astype(np.uint8)
        self._previous: tuple[float, Array, Array] | None = None
        y, x = np.mgrid[-1 : 1 : camera.height_px * 1j, -1 : 1 : camera.width_px * 1j]
        self._vignette = (1 - 0.16 * (x**2 + y**2)).astype(np.float32)[..., None]

    def expose(
        self, frame: Rendered, time_s: float, position_m: Array, r_ship_cam: Array, drift_m: Array | None = None
    ) -> npt.NDArray[np.uint8]:
        """An eight-bit BGR picture.

        Args:
            time_s: of the frame, for what has a time constant.
            drift_m: (3,) how far the water has moved since time 0, which carries the snow.
        """
        linear = self._scatter_forward(frame)
        if self.particles > 0:
            self._snow(linear, position_m, r_ship_cam, np.zeros(3) if drift_m is None else drift_m)
        linear = self._motion_blur(linear, frame, time_s, position_m, r_ship_cam)
        elapsed_s = np.inf if self._previous is None else time_s - self._previous[0]
        self._previous = (time_s, np.array(position_m), np.array(r_ship_cam))
        linear *= self._vignette
        return self._digitise(linear, elapsed_s)

    def _scatter_forward(self, frame: Rendered) -> Image:
        """A share of the light arrives a little off its way: sharp + blurred (Jaffe-McGlamery's forward term)."""
        turbid = float(self.optics.scattering.mean()) * frame.median_depth_m
        sigma = max(0.28 * turbid * self.camera.width_px / 640, 0.45)
        sharp = float(np.exp(-0.30 * turbid))
        blurred = cv2.GaussianBlur(frame.linear, (0, 0), sigma)
        return np.asarray(cv2.addWeighted(frame.linear, sharp, blurred, 1 - sharp, 0), dtype=np.float32)

    def _snow(self, linear: Image, position_m: Array, r_ship_cam: Array, drift_m: Array) -> None:
        """Particles that stand still in the water and stream past: one per hashed cell of space."""
        centre = np.floor((position_m - drift_m) / _SNOW_CELL_M).astype(np.int64)
        reach = int(_SNOW_REACH_M / _SNOW_CELL_M)
        around = np.arange(-reach, reach + 1)
        cells = np.stack(np.meshgrid(around, around, around, indexing="ij"), -1).reshape(-1, 3) + centre
        flat = cells[:, 0] * 73856093 ^ cells[:, 2] * 19349663
        number = hash01(flat, cells[:, 1], self._seed)
        keep = number < 0.75 * self.particles
        cells, flat, number = cells[keep], flat[keep], number[keep]
        jitter = np.stack([hash01(flat, cells[:, 1], self._seed + 1 + axis) for axis in range(3)], axis=1)
        local = ((cells + jitter) * _SNOW_CELL_M + drift_m - position_m) @ r_ship_cam
        local = local[(local[:, 2] > 0.12) & (local[:, 2] < _SNOW_REACH_M)]
        if not len(local):
            return
        pixels = self.camera.project(local)
        height, width = linear.shape[:2]
        inside = (pixels > -8).all(axis=1) & (pixels[:, 0] < width + 8) & (pixels[:, 1] < height + 8)
        pixels, distance = pixels[inside], local[inside, 2]
        level = np.median(linear[::9, ::9], axis=(0, 1))
        grain = hash01(np.round(pixels[:, 0] * 7).astype(np.int64), np.arange(len(pixels)), self._seed + 9)
        radius = np.clip(0.0012 / distance * self.camera.fx_px + 1.6 * np.abs(1 / distance - 1) * 0.8, 0.6, 7)
        strength = (0.25 + grain) * np.exp(-1.2 * distance) / distance / radius**1.2
        for (x, y), r, s in zip(pixels, radius, strength, strict=True):
            size = int(np.ceil(r * 2))
            x0, y0 = int(x) - size, int(y) - size
            left, top = max(x0, 0), max(y0, 0)
            right, bottom = min(x0 + 2 * size + 1, width), min(y0 + 2 * size + 1, height)
            if left >= right or top >= bottom:
                continue
            dx, dy = np.arange(left, right) + 0.5 - x, np.arange(top, bottom) + 0.5 - y
            spot = np.exp(-(dx[None, :] ** 2 + dy[:, None] ** 2) / (r * r)).astype(np.float32)
            linear[top:bottom, left:right] += spot[..., None] * (np.float32(s * 2.2) * level)

    def _motion_blur(
        self, linear: Image, frame: Rendered, time_s: float, position_m: Array, r_ship_cam: Array
    ) -> Image:
        if self._previous is None:
            return linear
        before_s, before_m, before_r = self._previous
        elapsed_s = time_s - before_s
        if not 0 < elapsed_s < 1:
            return linear
        ahead = np.array([0, 0, frame.median_depth_m])
        then = self.camera.project(((position_m + r_ship_cam @ ahead) - before_m)[None] @ before_r)[0]
        now = self.camera.project(ahead[None])[0]
        streak = (now - then) * (self.response.shutter_s / elapsed_s)
        length = float(np.linalg.norm(streak))
        if not 1.2 < length < 60:
            return linear
        size = int(length) | 1
        kernel = np.zeros((size, size), np.float32)
        unit = streak / length * (size - 1) / 2
        middle = (size - 1) / 2
        start = (round(middle - unit[0]), round(middle - unit[1]))
        cv2.line(kernel, start, (round(middle + unit[0]), round(middle + unit[1])), 1.0)
        return np.asarray(cv2.filter2D(linear, -1, kernel / kernel.sum()), dtype=np.float32)

    def _digitise(self, linear: Image, elapsed_s: float) -> npt.NDArray[np.uint8]:
        response = self.response
        settle = (
            1.0 if response.settle_s <= 0 or not np.isfinite(elapsed_s) else 1 - np.exp(-elapsed_s / response.settle_s)
        )
        mean = linear[::6, ::6].reshape(-1, 3).mean(axis=0) + 1e-6
        wanted = np.clip(mean[1] / mean, 0.5, 2.8) ** response.white_balance
        self._balance += np.float32(settle) * (wanted - self._balance)
        linear *= self._balance
        wanted_gain = min(response.target / max(float(linear[::6, ::6, 1].mean()), 1e-6), response.max_gain)
        self._gain = wanted_gain if self._gain is None else self._gain * (wanted_gain / self._gain) ** settle
        linear *= np.float32(self._gain)
        if response.noise > 0:
            if linear.size > _TAPE.size:
                raise ValueError(f"frames of at most {_TAPE.size // 3} pixels are supported, got {linear.shape}")
            start = int(self._rng.integers(_TAPE.size - linear.size + 1))
            tape = _TAPE[start : start + linear.size].reshape(linear.shape)
            # gain raises the noise of a dark scene: shot noise with the signal, read noise with the gain
            variance = np.maximum(linear, 0)
            variance *= np.float32(0.00006 * self._gain)
            variance += np.float32((0.0011 * self._gain) ** 2 * 0.05 + 6e-6)
            noise: Image = np.asarray(cv2.sqrt(variance), dtype=np.float32)
            noise *= np.float32(response.noise)
            noise *= tape
            linear += noise
        linear *= 4095
        np.clip(linear, 0, 4095, out=linear)
        return self._curve[linear.astype(np.uint16)]
