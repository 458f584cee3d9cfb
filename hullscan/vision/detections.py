"""What a detector finds in one image, and the seam that every detector fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array

__all__ = ["Detections", "Detector"]


@dataclass(frozen=True, slots=True)
class Detections:
    """Detections of one image, best first.

    Attributes:
        boxes_xyxy_px: (n, 4) left, top, right, bottom in pixels of the image.
        scores: (n,) 0 to 1.
        labels: (n,) index into ``names``.
        names: what the labels mean.
    """

    boxes_xyxy_px: Array
    scores: Array
    labels: npt.NDArray[np.int64]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        count = len(self.scores)
        if self.boxes_xyxy_px.shape != (count, 4) or self.labels.shape != (count,):
            shapes = f"{self.boxes_xyxy_px.shape}, {self.labels.shape}"
            raise ValueError(f"expected boxes ({count}, 4) and labels ({count},), got {shapes}")

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def none(cls, names: tuple[str, ...]) -> Detections:
        """Nothing found."""
        return cls(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64), names)

    def select(self, keep: npt.NDArray[np.bool_]) -> Detections:
        """Those for which ``keep`` (n,) is true."""
        return Detections(self.boxes_xyxy_px[keep], self.scores[keep], self.labels[keep], self.names)

    def label_of(self, index: int) -> str:
        """Name of one detection's label."""
        return self.names[int(self.labels[index])]


class Detector(Protocol):
    """Finds labelled boxes in an image."""

    @property
    def names(self) -> tuple[str, ...]:
        """Labels that it knows, in the order of their index."""
        ...

    @property
    def model_sha256(self) -> str:
        """Hash of the model file."""
        ...

    def detect(self, image_bgr: npt.NDArray[np.uint8]) -> Detections:
        """Detections above the detector's floor in a (h, w, 3) BGR image."""
        ...
