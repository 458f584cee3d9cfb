"""Tracks over frames: a finding is raised when an object was seen in k of the last n looks.

Boxes are tied by where their centre is expected (constant velocity in pixels) and by their size; the assignment
is SciPy's. A track says only that successive frames saw the same thing: where it is on the hull is decided later.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from hullscan.geometry.frames import Array
from hullscan.vision.detections import Detections

__all__ = ["Track", "Tracker"]


@dataclass(slots=True)
class Track:
    """One object followed through frames.

    Attributes:
        track_id: counts up from 1 within a mission.
        label: index into the detector's names.
        looks: whether it was seen, for the last n looks.
        confirmed: seen in k of n at some moment.
    """

    track_id: int
    label: int
    centre_px: Array
    size_px: Array
    utc_s: float
    looks: deque[bool]
    velocity_pxps: Array = field(default_factory=lambda: np.zeros(2))
    missed: int = 0
    hits: int = 1
    best_score: float = 0.0
    confirmed: bool = False

    def expected_px(self, utc_s: float) -> Array:
        """Where its centre should be."""
        return np.asarray(self.centre_px + self.velocity_pxps * (utc_s - self.utc_s), dtype=np.float64)


class Tracker:
    """k-of-n tracker.

    Args:
        hits: k, looks in which it must be seen.
        looks: n, of the last looks.
        min_score: detections below this neither start nor confirm a track, but may go on with one.
        first_id: of the first track; above those of the sessions before when a mission is resumed.
    """

    def __init__(
        self, hits: int = 3, looks: int = 5, min_score: float = 0.25, max_missed: int = 4, first_id: int = 1
    ) -> None:
        self.hits, self.looks, self.min_score, self.max_missed = hits, looks, min_score, max_missed
        self.tracks: list[Track] = []
        self._next_id = first_id

    def update(self, detections: Detections, utc_s: float) -> list[int]:
        """Take the detections of one look; returns the track id of each detection, 0 for none."""
        centres = (detections.boxes_xyxy_px[:, :2] + detections.boxes_xyxy_px[:, 2:]) / 2
        sizes = np.maximum(detections.boxes_xyxy_px[:, 2:] - detections.boxes_xyxy_px[:, :2], 1.0)
        ids = [0] * len(detections)
        seen: set[int] = set()
        for track_index, index in self._pairs(detections, centres, sizes, utc_s):
            track = self.tracks[track_index]
            self._extend(track, centres[index], sizes[index], float(detections.scores[index]), utc_s)
            ids[index] = track.track_id
            seen.add(track_index)
        for track_index, track in enumerate(self.tracks):
            if track_index not in seen:
                track.missed += 1
                track.looks.append(False)
        for index in [position for position, track_id in enumerate(ids) if track_id == 0]:
            if detections.scores[index] >= self.min_score:
                ids[index] = self._start(detections, index, centres[index], sizes[index], utc_s)
        self.tracks = [track for track in self.tracks if track.missed <= self.max_missed]
        return ids

    def is_confirmed(self, track_id: int) -> bool:
        """Whether a living track was seen often enough."""
        return any(track.track_id == track_id and track.confirmed for track in self.tracks)

    def _pairs(self, detections: Detections, centres: Array, sizes: Array, utc_s: float) -> list[tuple[int, int]]:
        if not self.tracks or not len(detections):
            return []
        expected = np.array([track.expected_px(utc_s) for track in self.tracks])
        extents = np.array([track.size_px for track in self.tracks])
        labels = np.array([track.label for track in self.tracks])
        gap = np.linalg.norm(expected[:, None] - centres[None], axis=2)
        reach = 0.5 * (extents.max(axis=1)[:, None] + sizes.max(axis=1)[None]) + 24
        growth = np.abs(np.log(sizes[None] / extents[:, None])).max(axis=2)
        cost = gap / reach + 0.5 * growth
        cost[(gap > reach) | (growth > 1.2) | (labels[:, None] != detections.labels[None])] = 1e3
        rows, columns = linear_sum_assignment(cost)
        return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if cost[r, c] < 1e3]

    def _extend(self, track: Track, centre: Array, size: Array, score: float, utc_s: float) -> None:
        elapsed_s = max(utc_s - track.utc_s, 1e-3)
        velocity = (centre - track.centre_px) / elapsed_s
        track.velocity_pxps = velocity if track.hits == 1 else 0.5 * track.velocity_pxps + 0.5 * velocity
        track.centre_px, track.size_px, track.utc_s = centre, size, utc_s
        track.missed, track.hits = 0, track.hits + 1
        track.best_score = max(track.best_score, score)
        track.looks.append(True)
        if sum(track.looks) >= self.hits and track.best_score >= self.min_score:
            track.confirmed = True

    def _start(self, detections: Detections, index: int, centre: Array, size: Array, utc_s: float) -> int:
        track = Track(
            self._next_id,
            int(detections.labels[index]),
            centre,
            size,
            utc_s,
            deque([True], maxlen=self.looks),
            best_score=float(detections.scores[index]),
            confirmed=self.hits <= 1,
        )
        self._next_id += 1
        self.tracks.append(track)
        return track.track_id
