"""Drift watch: whether the pictures of a mission are like those that the detector was measured on.

A measured POD holds for pictures like those of the measurement. The model's card states, for each statistic of a
picture, the range that held 98 % of the test frames; where far more of a mission's pictures lie outside one than two
in a hundred, the mission's report says that the figure does not apply to it.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hullscan.errors import DetectorError
from hullscan.geometry.frames import Array
from hullscan.vision.card import stated_inputs
from hullscan.vision.detections import Detections, Detector

__all__ = ["STATISTICS", "WatchedDetector", "input_statistics"]

STATISTICS = ("brightness", "contrast", "sharpness", "green_to_red", "blue_to_yellow", "score")
"""Of a picture; the first five as 8-bit levels, sharpness as the decimal logarithm of a variance."""
MOST_OUTSIDE = 0.2
"""Share of the looks outside the range; ten times that of the test frames."""
LEAST_LOOKS = 30
_SIZE_PX = (320, 180)  # all cameras are compared at one size
_HELD = (0.01, 0.99)


def input_statistics(image_bgr: npt.NDArray[np.uint8], best_score: float) -> Array:
    """(6,) of ``STATISTICS``.

    Args:
        best_score: of the detections in it, 0 for none.
    """
    small = cv2.resize(image_bgr, _SIZE_PX, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB)
    lightness = np.ascontiguousarray(lab[..., 0])
    edges = float(cv2.Laplacian(lightness, cv2.CV_32F).var())
    colour = lab[..., 1:].reshape(-1, 2).mean(axis=0) - 128.0
    return np.array(
        [float(lightness.mean()), float(lightness.std()), np.log10(edges + 0.01), *colour.tolist(), best_score]
    )


class WatchedDetector:
    """A detector that remembers what kind of pictures it was given.

    Args:
        detector: finds boxes.
        ranges: (least, most) of each statistic, of the frames that it was measured on; None where nobody stated it.

    Raises:
        DetectorError: a range is of nothing that is known.
    """

    def __init__(self, detector: Detector, ranges: dict[str, tuple[float, float]] | None = None) -> None:
        unknown = set(ranges or {}) - set(STATISTICS)
        if unknown:
            raise DetectorError(f"the model's card states the range of {', '.join(sorted(unknown))}, which is unknown")
        self._detector, self._ranges = detector, ranges
        self._rows: list[Array] = []

    @classmethod
    def by_its_card(cls, detector: Detector, model: Any) -> WatchedDetector:
        """With the ranges that the card beside a model file states."""
        return cls(detector, stated_inputs(model))

    @property
    def names(self) -> tuple[str, ...]:
        """Labels in the order of their index."""
        return self._detector.names

    @property
    def model_sha256(self) -> str:
        """Hash of the model file."""
        return self._detector.model_sha256

    @property
    def runs_on(self) -> str:
        """As the detector says."""
        return self._detector.runs_on

    def detect(self, image_bgr: npt.NDArray[np.uint8]) -> Detections:
        """As the detector does."""
        found = self._detector.detect(image_bgr)
        self._rows.append(input_statistics(image_bgr, float(found.scores.max(initial=0.0))))
        return found

    def ranges(self) -> dict[str, list[float]]:
        """The ranges that held 98 % of the pictures given, for a card."""
        rows = np.array(self._rows).reshape(-1, len(STATISTICS))
        low, high = np.quantile(rows, _HELD, axis=0)
        return {name: [round(float(low[i]), 3), round(float(high[i]), 3)] for i, name in enumerate(STATISTICS)}

    def drift(self) -> dict[str, Any]:
        """Content for the summary: shares of the looks outside each range, and which are too many to be chance.

        ``applies`` is None where the card states no ranges, or too little was looked at to say.
        """
        if self._ranges is None or len(self._rows) < LEAST_LOOKS:
            return {"looks": len(self._rows), "outside": {}, "unlike": [], "applies": None}
        rows = np.array(self._rows)
        outside = {}
        for name, (low, high) in self._ranges.items():
            values = rows[:, STATISTICS.index(name)]
            outside[name] = round(float(((values < low) | (values > high)).mean()), 3)
        unlike = [name for name, share in outside.items() if share > MOST_OUTSIDE]
        return {"looks": len(rows), "outside": outside, "unlike": unlike, "applies": not unlike}
