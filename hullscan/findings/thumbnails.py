"""Small pictures of what is sighted while it flies: the best one of each track, for the operator's screen."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from hullscan.findings.sightings import Sighting

__all__ = ["Thumbnails"]

_ROUND = 2.2  # times the box: a parcel by itself says less than with what it hangs on
_LEAST_PX, _WIDTH_PX = 120, 320


class Thumbnails:
    """Writes them into a folder.

    Args:
        folder: made with the first picture; None writes none.
        labels: that get one.
    """

    def __init__(self, folder: Path | None, labels: tuple[str, ...]) -> None:
        self._folder, self._labels = folder, labels
        self._best: dict[int, float] = {}
        self.unwritten = 0
        """Pictures that the disk did not take; the recording has them all."""

    def take(self, image_bgr: npt.NDArray[np.uint8], sightings: Iterable[Sighting]) -> None:
        """Keep the sightings of an (h, w, 3) picture that are better than those before them."""
        for each in sightings:
            if self._folder is None or not each.track or each.label not in self._labels:
                continue
            if each.score > self._best.get(each.track, 0.0):
                self._best[each.track] = each.score
                self._write(self._folder, _cut_out(image_bgr, each), each.track)

    def path_of(self, track: int) -> Path | None:
        """Where a track's picture lies."""
        if self._folder is None or track not in self._best:
            return None
        return self._folder / f"track-{track}.jpg"

    def _write(self, folder: Path, picture: npt.NDArray[np.uint8], track: int) -> None:
        good, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
        try:
            folder.mkdir(exist_ok=True)
            (folder / f"track-{track}.jpg").write_bytes(data.tobytes() if good else b"")
        except OSError:
            self.unwritten += 1


def _cut_out(image_bgr: npt.NDArray[np.uint8], sighting: Sighting) -> npt.NDArray[np.uint8]:
    """The box with what is round it, not larger than a thumbnail."""
    height, width = image_bgr.shape[:2]
    half = max(sighting.extent_px * _ROUND, _LEAST_PX) / 2
    x, y = sighting.centre_px
    left, right = int(np.clip(x - half, 0, width - 2)), int(np.clip(x + half, 2, width))
    top, bottom = int(np.clip(y - half, 0, height - 2)), int(np.clip(y + half, 2, height))
    cut = image_bgr[top:bottom, left:right]
    if cut.shape[1] > _WIDTH_PX:
        size = (_WIDTH_PX, max(1, round(cut.shape[0] * _WIDTH_PX / cut.shape[1])))
        cut = np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)
    return cut
