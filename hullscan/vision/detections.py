"""What a detector finds in one image, and the seam that every detector fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array

__all__ = ["LABELS", "BatchDetector", "Detections", "Detector"]

LABELS: Final = ("parcel", "rope", "grating", "anode", "outlet")
"""Of the shipped detector, in its order: what goes on from it must have the same."""


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

    def without_parts(self, inside: float = 0.85, rival: float = 0.5) -> Detections:
        """Without boxes that are part of a larger one of the same label: a long thing is boxed whole and by halves.

        Args:
            inside: share of a box that lies in the larger one.
            rival: the larger one must score at least this share of what the part scores.
        """
        low, high = self.boxes_xyxy_px[:, None, :2], self.boxes_xyxy_px[:, None, 2:]
        sides = np.minimum(high, high.swapaxes(0, 1)) - np.maximum(low, low.swapaxes(0, 1))
        shared = np.prod(np.clip(sides, 0, None), axis=2)
        area = np.prod(self.boxes_xyxy_px[:, 2:] - self.boxes_xyxy_px[:, :2], axis=1)
        part = (shared >= inside * area[:, None]) & (area[None, :] > area[:, None])
        part &= self.labels[:, None] == self.labels[None, :]
        part &= self.scores[None, :] >= rival * self.scores[:, None]
        return self.select(~part.any(axis=1))

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

    @property
    def runs_on(self) -> str:
        """Run time, its version and the device, for the record of a run."""
        ...

    def detect(self, image_bgr: npt.NDArray[np.uint8]) -> Detections:
        """Detections above the detector's floor in a (h, w, 3) BGR image."""
        ...


class BatchDetector(Detector, Protocol):
    """One that can be given several images at a time."""

    def detect_batch(self, images_bgr: Sequence[npt.NDArray[np.uint8]]) -> list[Detections]:
        """What ``detect`` finds in each, whatever their sizes; faster where the device takes several at once."""
        ...
