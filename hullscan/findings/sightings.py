"""Looks and sightings: which frames were examined, and what was seen in them, in pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan.video.frames import Frame
from hullscan.video.still import grey_sample, is_same
from hullscan.vision.detections import Detector
from hullscan.vision.tracking import Tracker

__all__ = ["CONTRAST_GRID", "Look", "Looker", "Sighting", "contrast_map"]

CONTRAST_GRID = (9, 16)
"""Rows and columns of the contrast map of a look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One frame that was examined.

    Attributes:
        utc_s: capture time.
        stream_s: place in the recording.
        suspect: decoded after packet loss, or the same as the look before although the vehicle has moved; never
            counts as coverage.
        contrast: (rows, columns) local contrast, 0 to 255, on ``CONTRAST_GRID``.
        leg: number of the plan's leg, -1 outside of one.
    """

    utc_s: float
    stream_s: float
    frame: int
    suspect: bool
    contrast: npt.NDArray[np.uint8]
    leg: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One detection in one look.

    Attributes:
        box_xyxy_px: in pixels of the frame.
        track: number of its track, 0 for none.
        cut: the box touches the edge of the picture, so its centre says little.
    """

    utc_s: float
    stream_s: float
    frame: int
    label: str
    score: float
    box_xyxy_px: tuple[float, float, float, float]
    track: int
    cut: bool
    suspect: bool

    @property
    def centre_px(self) -> Array:
        """(2,) centre of the box."""
        x0, y0, x1, y1 = self.box_xyxy_px
        return np.array([(x0 + x1) / 2, (y0 + y1) / 2])

    @property
    def extent_px(self) -> float:
        """Longer side of the box."""
        x0, y0, x1, y1 = self.box_xyxy_px
        return max(x1 - x0, y1 - y0)


class Looker:
    """Chooses frames by how far the view has moved, not by the clock, and examines them.

    Args:
        detector: finds boxes.
        step_m: the view moves this far between looks; at 1.5 m a parcel of 0.3 m stays in view for ten looks.
        turn_rad: or turns this far.
        patience_s: or this long passes.
    """

    def __init__(
        self,
        detector: Detector,
        *,
        step_m: float = 0.09,
        turn_rad: float = float(np.radians(4)),
        patience_s: float = 2.0,
        tracker: Tracker | None = None,
    ) -> None:
        self.detector = detector
        self.tracker = tracker or Tracker()
        self._step_m, self._turn_rad, self._patience_s = step_m, turn_rad, patience_s
        self._last: tuple[float, Array, float] | None = None
        self._sample: npt.NDArray[np.int16] | None = None

    def wants(self, utc_s: float, position_m: Array, yaw_rad: float) -> bool:
        """Whether the view has moved far enough since the last look."""
        if self._last is None or utc_s - self._last[0] >= self._patience_s:
            return True
        return self._has_moved(position_m, yaw_rad)

    def _has_moved(self, position_m: Array, yaw_rad: float) -> bool:
        if self._last is None:
            return True
        _, before_m, before_rad = self._last
        turned = abs((yaw_rad - before_rad + np.pi) % (2 * np.pi) - np.pi)
        return float(np.linalg.norm(position_m - before_m)) >= self._step_m or turned >= self._turn_rad

    def look(self, frame: Frame, position_m: Array, yaw_rad: float, leg: int = -1) -> tuple[Look, list[Sighting]]:
        """Examine a frame."""
        sample, before = grey_sample(frame.image_bgr), self._sample
        stands = before is not None and is_same(sample, before) and self._has_moved(position_m, yaw_rad)
        suspect, self._sample = frame.suspect or stands, sample
        self._last = (frame.utc_s, np.array(position_m), yaw_rad)
        found = self.detector.detect(frame.image_bgr).without_parts()
        tracks = self.tracker.update(found, frame.utc_s)
        height, width = frame.image_bgr.shape[:2]
        look = Look(
            utc_s=frame.utc_s,
            stream_s=frame.stream_s,
            frame=frame.index,
            suspect=suspect,
            contrast=contrast_map(frame.image_bgr),
            leg=leg,
        )
        sightings = []
        for index in range(len(found)):
            x0, y0, x1, y1 = (float(value) for value in found.boxes_xyxy_px[index])
            sightings.append(
                Sighting(
                    utc_s=frame.utc_s,
                    stream_s=frame.stream_s,
                    frame=frame.index,
                    label=found.label_of(index),
                    score=float(found.scores[index]),
                    box_xyxy_px=(x0, y0, x1, y1),
                    track=tracks[index],
                    cut=x0 < 3 or y0 < 3 or x1 > width - 3 or y1 > height - 3,
                    suspect=suspect,
                )
            )
        return look, sightings


def contrast_map(image_bgr: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Standard deviation of grey levels in blocks, after smoothing away the sensor's noise; (rows, columns)."""
    small = cv2.resize(image_bgr, (CONTRAST_GRID[1] * 8, CONTRAST_GRID[0] * 8), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
    blocks = grey.reshape(CONTRAST_GRID[0], 8, CONTRAST_GRID[1], 8).transpose(0, 2, 1, 3)
    return np.asarray(np.clip(blocks.std(axis=(2, 3)) * 4, 0, 255), dtype=np.uint8)
