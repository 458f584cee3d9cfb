"""A picture that stands still: an encoder or a link that sends the same one over and over looks like a live camera.

Live pictures always differ, by the sensor's noise alone. Measured through H.264 at 1.5 Mbit/s, as mean difference of
pixels eight apart: 1.7 grey levels and more from one picture to the next while a vehicle hovers, at most 0.6 once the
same picture is encoded again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["StillPicture", "grey_sample", "is_same"]

_EVERY_PX = 8
_SAME = 0.7  # grey levels


def grey_sample(image_bgr: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """(rows, columns) grey levels of single pixels, not averaged: noise is what tells."""
    return np.asarray(image_bgr[::_EVERY_PX, ::_EVERY_PX].mean(axis=2), np.int16)


def is_same(a: npt.NDArray[np.int16], b: npt.NDArray[np.int16]) -> bool:
    """Whether two samples are of the same picture."""
    return a.shape == b.shape and float(np.abs(a - b).mean()) < _SAME


class StillPicture:
    """For how long the pictures that come in have been the same one."""

    def __init__(self) -> None:
        self._first: npt.NDArray[np.int16] | None = None
        self._since_s = self._last_s = 0.0

    def take(self, image_bgr: npt.NDArray[np.uint8], utc_s: float) -> None:
        """One more picture, in order of time."""
        sample = grey_sample(image_bgr)
        if self._first is None or not is_same(sample, self._first):
            self._first, self._since_s = sample, utc_s
        self._last_s = utc_s

    @property
    def still_s(self) -> float:
        """Seconds, up to the newest picture: a stream that has stopped is not a still one."""
        return self._last_s - self._since_s
