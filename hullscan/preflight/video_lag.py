"""Is the video on time? What the picture's motion says about turning, against the gyro.

When the vehicle turns, the whole picture shifts sideways. The shift between two pictures, by phase correlation,
over their time difference is a turn rate; shifted in time until it fits the gyro's best, it tells how late the
pictures' stamps are. It needs no target and no calibration, only a turn: by hand on the quay, by a wave, or in
flight (``LagWatch``). What the vehicle's own translation adds to the shift is not in step with the gyro and only makes
the answer less certain, which is told with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import median_filter

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array
from hullscan.video.frames import Frame

__all__ = ["LagWatch", "PictureMotion", "VideoLag", "measure_lag"]

_WIDTH_PX = 160  # a turn of 10 deg/s at 15 Hz shifts it by a pixel; phase correlation resolves a tenth of one
# phase correlation weighs all scales alike: in murky water most of them hold the sensor's noise, or the lamps' light,
# which stands still in the picture (of a picture at 1.3 m in 4 m of visibility: fit 0.2 without this, 0.99 with it)
_BAND_PX = (3.0, 15.0)
_LEAST_RESPONSE = 0.05  # of the phase correlation; below, two pictures have nothing in common
_GRID_S = 0.01
_LAG_S = 0.5
_AFTER_S = 0.3  # until telemetry of the same moment has come
_LEAST_SPAN_S = 3.0
_LEAST_TURN_RADPS = np.radians(1.0)  # rms; a vehicle on a trestle shows 0.1 deg/s of noise
_LEAST_FIT = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoLag:
    """How late the pictures' stamps are.

    Attributes:
        lag_s: positive when pictures are stamped later than they were taken.
        sigma_s: one standard deviation.
        fit: correlation at that lag, up to 1.
        turn_radps: rms of the turning that it was measured from.
    """

    lag_s: float
    sigma_s: float
    fit: float
    turn_radps: float


class PictureMotion:
    """Turn rates from pictures, one after the other.

    Args:
        camera: its focal length makes an angle of a shift; of any size of picture.
    """

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._before: tuple[float, np.ndarray] | None = None
        self._window: np.ndarray | None = None
        self._rates: list[tuple[float, float]] = []

    def take(self, frame: Frame) -> None:
        """Take the next picture; a suspect one breaks the chain."""
        if frame.suspect:
            self._before = None
            return
        height, width = frame.image_bgr.shape[:2]
        size = _WIDTH_PX, round(_WIDTH_PX * height / width)
        grey = cv2.cvtColor(cv2.resize(frame.image_bgr, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
        fine, coarse = _BAND_PX
        level = grey.astype(np.float32)
        small = cv2.subtract(cv2.GaussianBlur(level, (0, 0), fine), cv2.GaussianBlur(level, (0, 0), coarse))
        if self._window is None or self._window.shape != small.shape:
            self._window, self._before = cv2.createHanningWindow(size, cv2.CV_32F), None
        if self._before is not None and 0.0 < frame.utc_s - self._before[0] < 0.5:
            (shift_px, _), response = cv2.phaseCorrelate(self._before[1], small, self._window)
            focal_px = self._camera.fx_px * _WIDTH_PX / self._camera.width_px
            if response > _LEAST_RESPONSE:
                passed_s = frame.utc_s - self._before[0]
                self._rates.append((frame.utc_s - passed_s / 2, -shift_px / focal_px / passed_s))
        self._before = (frame.utc_s, small)

    @property
    def rates(self) -> Array:
        """(n, 2) UTC seconds and turn rates, rad/s clockwise, in between the pictures; without single wild ones."""
        rates = np.array(self._rates, dtype=np.float64).reshape(-1, 2)
        rates[:, 1] = median_filter(rates[:, 1], 5)
        return rates


class LagWatch:
    """Measures the lag from one turn to the left and right in flight; one thread gives pictures, another says when.

    Args:
        camera: see ``PictureMotion``.
        gyro: gives (m, 2) UTC seconds and turn rates (rad/s), as the pictures should show them, between two times.
        told: what was measured, once after each turn; None when it could not be.
    """

    def __init__(
        self, camera: Camera, gyro: Callable[[float, float], Array], told: Callable[[VideoLag | None], None]
    ) -> None:
        self._camera, self._gyro, self._told = camera, gyro, told
        self._motion: PictureMotion | None = None
        self._end_s = float("inf")

    def begin(self) -> None:
        """The turn begins."""
        self._motion, self._end_s = PictureMotion(self._camera), float("inf")

    def end(self, utc_s: float) -> None:
        """It has ended; pictures of it may still be on their way."""
        self._end_s = utc_s

    def take(self, frame: Frame) -> None:
        """Take the next picture, if a turn goes on."""
        motion = self._motion
        if motion is None:
            return
        motion.take(frame)
        if frame.utc_s > self._end_s + _LAG_S + _AFTER_S:
            self._motion = None
            rates = motion.rates
            known = len(rates) > 1
            gyro = self._gyro(rates[0, 0] - 2 * _LAG_S, rates[-1, 0] + 2 * _LAG_S) if known else np.empty((0, 2))
            self._told(measure_lag(rates, gyro))


def measure_lag(picture: Array, gyro: Array) -> VideoLag | None:
    """The lag between (n, 2) turn rates of pictures and (m, 2) of the gyro, both (UTC seconds, rad/s).

    None when there are too few, or the vehicle turned too little, or the two have nothing to do with each other.
    """
    if len(picture) < 20 or len(gyro) < 20:
        return None
    begin_s = max(picture[0, 0], gyro[0, 0] + _LAG_S)
    end_s = min(picture[-1, 0], gyro[-1, 0] - _LAG_S)
    if end_s - begin_s < _LEAST_SPAN_S:
        return None
    times = np.arange(begin_s, end_s, _GRID_S)
    seen = _level(np.interp(times, picture[:, 0], picture[:, 1]))
    lags = np.arange(-_LAG_S, _LAG_S + _GRID_S / 2, _GRID_S)
    turned = np.array([_level(np.interp(times - lag, gyro[:, 0], gyro[:, 1])) for lag in lags])
    turn = float(np.sqrt(np.mean(turned[len(lags) // 2] ** 2)))
    if turn < _LEAST_TURN_RADPS:
        return None
    fits = turned @ seen / np.maximum(np.linalg.norm(turned, axis=1) * np.linalg.norm(seen), 1e-12)
    best = int(np.argmax(fits))
    if not 0 < best < len(lags) - 1 or fits[best] < _LEAST_FIT:
        return None
    left, top, right = fits[best - 1 : best + 2]
    bend = left - 2 * top + right
    lag = lags[best] + (0.5 * (left - right) / bend * _GRID_S if bend < 0 else 0.0)
    return VideoLag(
        lag_s=float(lag),
        sigma_s=_sigma(seen, turned[best], float(top)),
        fit=float(top),
        turn_radps=turn,
    )


def _level(rates: Array) -> Array:
    """Without mean and trend: a camera's tilt and a steady drift have nothing to do with timing."""
    x = np.linspace(-1.0, 1.0, len(rates))
    return np.asarray(rates - rates.mean() - x * (x @ rates) / (x @ x), dtype=np.float64)


def _sigma(seen: Array, turned: Array, fit: float) -> float:
    """Standard deviation of a delay found by correlation: noise over slope, over as many samples as are independent.

    How many those are, what does not fit says itself: noise of single pictures is forgotten with the next one, what
    the vehicle's own translation adds lasts for seconds.
    """
    pace = float(np.sqrt(np.mean(np.gradient(turned, _GRID_S) ** 2) / np.mean(turned**2)))  # rad/s
    rest = seen - turned * float(seen @ turned) / float(turned @ turned)
    spectrum = np.abs(np.fft.rfft(rest, 2 * len(rest))) ** 2
    memory = np.fft.irfft(spectrum)[: len(rest)]
    memory = memory / max(float(memory[0]), 1e-12)
    crossing = int(np.argmax(memory < 0)) or len(memory)
    samples = 2.0 * float(memory[:crossing].sum()) - 1.0  # on the grid, that tell the same
    independent = max(len(rest) / max(samples, 1.0), 1.0)
    noise = np.sqrt(max(1.0 - fit**2, 0.0)) / fit
    return float(np.hypot(noise / (pace * np.sqrt(independent)), _GRID_S / 4))
