"""A short clip of each finding: as it was recorded, and a small moving picture of it for the report."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
from PIL import Image

from hullscan.clock import utc_text
from hullscan.errors import RecordError, VideoError
from hullscan.record.folder import MissionFolder
from hullscan.video.clip import cut_clip
from hullscan.video.files import VideoFile

__all__ = ["Recording", "save_clips"]

_AROUND_S: Final = 2.0  # before and after the best picture of a finding
_PREVIEW_WIDTH_PX, _PREVIEW_HZ, _PREVIEW_QUALITY = 480, 5.0, 60
"""About 40 kB a finding: a report with forty of them is still sent by mail."""


class Recording(Protocol):
    """Tells where in which file a moment is."""

    def locate(self, utc_s: float, stream_s: float) -> tuple[Path, float]:
        """The file, and the time in it, of the frame that was taken at a time.

        Raises:
            VideoError: there is none.
        """
        ...


def save_clips(folder: MissionFolder, findings: list[dict[str, Any]], recording: Recording | None) -> int:
    """Cut ``clips/F01.mp4`` and ``clips/F01.webp`` for each finding and name them in its record under ``clip``.

    Returns:
        Of how many findings there is none.

    Raises:
        RecordError: a clip cannot be written.
    """
    missing = 0
    for finding in findings:
        finding["clip"] = None
        try:
            if recording is not None and finding["frames"]:
                finding["clip"] = _cut(folder, finding, recording)
        except VideoError:
            pass  # counted: a kind of video that an MP4 cannot hold, or a hole in the recording
        missing += finding["clip"] is None
    return missing


def _cut(folder: MissionFolder, finding: dict[str, Any], recording: Recording) -> dict[str, Any]:
    best = finding["frames"][0]
    path, place_s = recording.locate(best["utc_s"], best["stream_s"])
    begin_s = max(place_s - _AROUND_S, 0.0)
    name = f"clips/{finding['id']}"
    target = folder.path / f"{name}.mp4"
    try:
        target.parent.mkdir(exist_ok=True)
        cut_clip(path, target, begin_s=begin_s, end_s=place_s + _AROUND_S)
        (folder.path / f"{name}.webp").write_bytes(_preview(target))
    except OSError as error:
        raise RecordError(f"the clip cannot be written: {error.strerror}", where=str(target)) from error
    begin_utc = utc_text(best["utc_s"] - place_s + begin_s)
    return {"file": f"{name}.mp4", "preview": f"{name}.webp", "begin_utc": begin_utc, "seconds": 2 * _AROUND_S}


def _preview(clip: Path) -> bytes:
    """An animated WebP of a clip, small and slow."""
    pictures, due_s = [], float("-inf")
    with VideoFile(clip) as video:
        while (frame := video.read()) is not None:
            if frame.stream_s < due_s:
                continue
            due_s = frame.stream_s + 1 / _PREVIEW_HZ - 0.001
            height, width = frame.image_bgr.shape[:2]
            size = (_PREVIEW_WIDTH_PX, max(round(height * _PREVIEW_WIDTH_PX / width), 1))
            small = cv2.resize(frame.image_bgr, size, interpolation=cv2.INTER_AREA)
            pictures.append(Image.fromarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB)))
    if not pictures:
        raise VideoError("the clip holds no picture that can be decoded", where=str(clip))
    out, every_ms = BytesIO(), round(1000 / _PREVIEW_HZ)
    first, *rest = pictures
    first.save(
        out, "WEBP", save_all=True, append_images=rest, duration=every_ms, loop=0, quality=_PREVIEW_QUALITY, method=2
    )
    return out.getvalue()
