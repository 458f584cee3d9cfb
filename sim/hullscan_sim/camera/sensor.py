"""The camera's own part: blur in the water, snow, motion blur, exposure, white balance, noise, eight bits."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array
from hullscan_sim.camera.noise import Image
from hullscan_sim.camera.renderer import Radiance
from hullscan_sim.camera.snow import Snow
from hullscan_sim.camera.water import WaterOptics

__all__ = ["Response", "Sensor"]

_TAPE_SIZE = 1 << 22
_TAPE: Image = np.asarray(
    cv2.GaussianBlur(
        np.random.default_rng(0).standard_normal((_TAPE_SIZE >> 11, 1 << 11), dtype=np.float32), (0, 0), 0.55
    ),
    np.float32,
).ravel()  # noise, read from a random place; a camera's own smoothing has made its grain coarser than a pixel
_TAPE /= _TAPE.std()
_CODES = np.linspace(0, 1, 256) ** 2  # linear levels whose square roots are spaced evenly
_STILL = np.zeros(3)


@dataclass(frozen=True, slots=True)
class Response:
    """How a camera turns light into numbers.

    Attributes:
        target: mean linear level that the exposure aims at.
        white_balance: 0 none to 1 full grey world.
        settle_s: time constant of exposure; 0 sets exposure, white balance and black level anew for each frame.
        balance_s: time constant of white balance and black level, which cameras change more slowly.
        noise: factor on shot and read noise.
        shutter_s: exposure time, for motion blur.
        max_gain: of the exposure (36 dB, as small cameras end at): a scene without light stays dark.
        haze: share of the darkest level of the weakest colour that the camera's processing takes off as haze.
        contrast: strength of its S-shaped tone curve, 0 none.
    """

    target: float = 0.20
    white_balance: float = 0.75
    settle_s: float = 0.6
    balance_s: float = 2.0
    noise: float = 1.0
    shutter_s: float = 1 / 50
    max_gain: float = 64.0
    haze: float = 0.30
    contrast: float = 0.25


class Sensor:
    """Turns linear frames into eight-bit pictures; keeps exposure, white balance and snow between frames."""

    def __init__(self, camera: Camera, optics: WaterOptics, response: Response, particles: float, seed: int) -> None:
        self.camera, self.optics, self.response, self.particles = camera, optics, response, particles
        self._gain: float | None = None
        self._balance, self._black = np.ones(3), 0.0
        self._rng = np.random.default_rng(seed)
        self._snow = Snow(camera, particles, seed)
        self._curve = _tone_curve(response.contrast)
        self._previous: tuple[float, Array, Array] | None = None
        y, x = np.mgrid[-1 : 1 : camera.height_px * 1j, -1 : 1 : camera.width_px * 1j]
        self._vignette = np.repeat((1 - 0.16 * (x**2 + y**2)).astype(np.float32)[..., None], 3, axis=2)

    def was_at(self, time_s: float, position_m: Array, r_ship_cam: Array) -> None:
        """Where the camera was a moment before its first picture, so that this one shows its motion."""
        self._previous = (time_s, np.array(position_m), np.array(r_ship_cam))

    def expose(
        self, frame: Radiance, time_s: float, position_m: Array, r_ship_cam: Array, drift_m: Array | None = None
    ) -> npt.NDArray[np.uint8]:
        """An eight-bit BGR picture.

        Args:
            time_s: of the frame, for what has a time constant.
            drift_m: (3,) how far the water has moved since time 0, which carries the snow.
        """
        linear = self._scatter_forward(frame)
        linear = self._motion_blur(linear, frame, time_s, position_m, r_ship_cam)
        drift = _STILL if drift_m is None else drift_m
        if self.particles > 0:
            self._snow.draw(linear, position_m, r_ship_cam, drift, self._moved(time_s, position_m, r_ship_cam))
        elapsed_s = np.inf if self._gain is None or self._previous is None else time_s - self._previous[0]
        self._previous = (time_s, np.array(position_m), np.array(r_ship_cam))
        cv2.multiply(linear, self._vignette, linear)
        return self._digitise(linear, elapsed_s)

    def _moved(self, time_s: float, position_m: Array, r_ship_cam: Array) -> tuple[Array, Array]:
        """Way and turn of the camera during the exposure, camera frame."""
        if self._previous is None or not 0 < time_s - self._previous[0] < 1:
            return _STILL, _STILL
        before_s, before_m, before_r = self._previous
        share = self.response.shutter_s / (time_s - before_s)
        turn = Rotation.from_matrix(before_r.T @ r_ship_cam).as_rotvec()
        return (position_m - before_m) @ r_ship_cam * share, turn * share

    def _scatter_forward(self, frame: Radiance) -> Image:
        """A share of the light arrives a little off its way: sharp + blurred (Jaffe-McGlamery's forward term)."""
        turbid = float(self.optics.scattering.mean()) * frame.median_depth_m
        sigma = max(0.28 * turbid * self.camera.width_px / 640, 0.45)
        sharp = float(np.exp(-0.30 * turbid))
        blurred = cv2.GaussianBlur(frame.linear, (0, 0), sigma)
        return np.asarray(cv2.addWeighted(frame.linear, sharp, blurred, 1 - sharp, 0), dtype=np.float32)

    def _motion_blur(
        self, linear: Image, frame: Radiance, time_s: float, position_m: Array, r_ship_cam: Array
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
        at_once = response.settle_s <= 0 or not np.isfinite(elapsed_s)
        fast, slow = (1.0 if at_once else 1 - np.exp(-elapsed_s / s) for s in (response.settle_s, response.balance_s))
        sample = linear[::6, ::6].reshape(-1, 3)
        darkest = float(np.partition(sample, len(sample) // 50, axis=0)[len(sample) // 50].min())
        self._black += slow * (response.haze * darkest - self._black)
        sample = np.maximum(sample - np.float32(self._black), 0)
        mean = sample.mean(axis=0) + 1e-6
        self._balance += slow * (np.clip(mean[1] / mean, 0.5, 2.8) ** response.white_balance - self._balance)
        wanted_gain = min(response.target / max(float(mean[1]), 1e-6), response.max_gain)
        self._gain = wanted_gain if self._gain is None else self._gain * (wanted_gain / self._gain) ** fast
        scale = self._balance * self._gain
        linear = cv2.transform(linear, np.column_stack([np.diag(scale), -self._black * scale]).astype(np.float32))  # type: ignore[assignment]
        if response.noise > 0:
            self._add_noise(linear)
        root = cv2.sqrt(np.maximum(linear, 0, out=linear))
        return np.asarray(cv2.LUT(cv2.convertScaleAbs(root, alpha=255.0), self._curve), np.uint8)

    def _add_noise(self, linear: Image) -> None:
        """Gain raises the noise of a dark scene: shot noise with the signal, read noise with the gain."""
        height, width = linear.shape[:2]
        if height * width > _TAPE.size:
            raise ValueError(f"frames of at most {_TAPE.size} pixels are supported, got {width} x {height}")
        gain = float(self._gain or 1.0)
        start = int(self._rng.integers(_TAPE.size - height * width + 1))
        grain = _TAPE[start : start + height * width].reshape(height, width)
        variance = np.maximum(linear[..., 1], 0) * np.float32(0.00006 * gain)
        variance += np.float32((0.0011 * gain) ** 2 * 0.05 + 6e-6)
        grain = cv2.sqrt(variance) * grain * np.float32(self.response.noise)
        cv2.add(linear, cv2.merge([grain * np.float32(1.15), grain * np.float32(0.9), grain]), linear)


def _tone_curve(contrast: float) -> npt.NDArray[np.uint8]:
    """From square roots of linear levels to sRGB with an S-curve round middle grey."""
    code = np.where(_CODES < 0.0031308, 12.92 * _CODES, 1.055 * _CODES ** (1 / 2.4) - 0.055)
    code += contrast * (code * code * (3 - 2 * code) - code)
    return np.clip(255 * code + 0.5, 0, 255).astype(np.uint8)
