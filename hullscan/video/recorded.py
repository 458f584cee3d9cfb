"""A mission's recording as one source: its numbered files, one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from hullscan.errors import VideoError
from hullscan.video.container import creation_utc
from hullscan.video.files import VideoFile
from hullscan.video.frames import Frame, VideoStats
from hullscan.video.index import first_entry
from hullscan.video.recorder import segment_number

__all__ = ["RecordedVideo"]


@dataclass(frozen=True, slots=True)
class _Part:
    """One file: mission time and time in the recording of its beginning, and how many pictures came before it."""

    path: Path
    begin_utc_s: float | None
    begin_s: float
    before: int


class RecordedVideo:
    """The files ``000.mkv`` and on of a folder as one FrameSource, in the order of their numbers.

    ``stream_s`` counts from the beginning of the first file over all of them, by mission time: a gap between two
    files (a mission that was resumed) is a gap in it. ``index`` counts over all of them too.

    Args:
        folder: ``video/`` of a mission folder.
        frame_stride: give each n-th picture of each file.
        every_s: give the first picture of each interval of so many seconds of each file.

    Raises:
        VideoError: there is no recording in the folder.
    """

    def __init__(self, folder: Path, *, frame_stride: int = 1, every_s: float | None = None) -> None:
        self._frame_stride, self._every_s = frame_stride, every_s
        try:
            found = [path for path in folder.iterdir() if path.suffix == ".mkv" and segment_number(path) >= 0]
        except OSError:
            found = []
        if not found:
            raise VideoError(
                "the folder holds no recording", where=str(folder), todo="give the folder video/ of a mission"
            )
        self._parts = _parts(sorted(found, key=segment_number))
        self._begins_s = [part.begin_s for part in self._parts]
        self._at = 0
        self._reading: VideoFile | None = None
        self._sought: tuple[int, VideoFile] | None = None
        self._past = VideoStats()

    @property
    def segments(self) -> tuple[Path, ...]:
        """The files, in order."""
        return tuple(part.path for part in self._parts)

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        """The next picture, at once; None at the end of the last file.

        Raises:
            VideoError: a file cannot be read or is cut off; told once for each, a later call goes on with the next.
        """
        while not self.ended:
            part = self._parts[self._at]
            try:
                if self._reading is None:
                    self._reading = self._open(part)
                frame = self._reading.read(timeout_s)
            except VideoError:
                self._leave()
                raise
            if frame is not None:
                return _placed(frame, part)
            self._leave()
        return None

    def frame_at(self, stream_s: float) -> Frame:
        """The picture at a time of the whole recording, to half a millisecond; between two pictures, the later one.

        Raises:
            VideoError: the file of that time cannot be read, or has no picture there.
        """
        at = max(bisect_right(self._begins_s, stream_s + 0.0005) - 1, 0)
        part = self._parts[at]
        if self._sought is None or self._sought[0] != at:
            if self._sought is not None:
                self._sought[1].close()
                self._sought = None
            self._sought = (at, self._open(part))
        return _placed(self._sought[1].frame_at(stream_s - part.begin_s), part)

    def locate(self, utc_s: float) -> tuple[Path, float]:
        """The file, and the time in that file, of the picture nearest to a mission time; what cutting a clip needs.

        Raises:
            VideoError: the file of that time cannot be read.
        """
        part = self._part_of(utc_s)
        with self._open(part) as file:
            return part.path, file.position_of(utc_s)

    def picture_of(self, utc_s: float) -> Frame:
        """The picture nearest to a mission time.

        Raises:
            VideoError: the file of that time cannot be read, or has no picture there.
        """
        part = self._part_of(utc_s)
        with self._open(part) as file:
            return _placed(file.frame_at(file.position_of(utc_s)), part)

    def pictures_round(self, utc_s: float, before_s: float, after_s: float) -> Iterator[Frame]:
        """The pictures so long before and after a mission time, as far as its file has them.

        Raises:
            VideoError: the file of that time cannot be read.
        """
        part = self._part_of(utc_s)
        with self._open(part) as file:
            at_s = file.position_of(utc_s)
            for frame in file.between(at_s - before_s, at_s + after_s):
                yield _placed(frame, part)

    def _part_of(self, utc_s: float) -> _Part:
        part = self._parts[0]
        for later in self._parts[1:]:
            if later.begin_utc_s is not None and later.begin_utc_s <= utc_s:
                part = later
        return part

    @property
    def ended(self) -> bool:
        """``read`` came to the end of the last file."""
        return self._at >= len(self._parts)

    def stats(self) -> VideoStats:
        """Counts of what was read in order, over all files."""
        return _sum(self._past, self._reading.stats()) if self._reading is not None else self._past

    def close(self) -> None:
        """Let go of the files. May be called twice."""
        self._leave()
        self._at = len(self._parts)
        if self._sought is not None:
            self._sought[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, part: _Part) -> VideoFile:
        if part.begin_utc_s is None:
            raise VideoError(
                "a file of the recording has neither an index nor a date: nobody knows when it was taken",
                where=str(part.path),
                todo="restore the .jsonl file beside it, or read the file alone",
            )
        return VideoFile(
            part.path, start_utc_s=part.begin_utc_s, frame_stride=self._frame_stride, every_s=self._every_s
        )

    def _leave(self) -> None:
        """Go on to the next file."""
        self._past, self._at = self.stats(), self._at + 1
        if self._reading is not None:
            self._reading.close()
            self._reading = None


def _parts(paths: list[Path]) -> list[_Part]:
    parts: list[_Part] = []
    first_utc_s: float | None = None
    begin_s, before = 0.0, 0
    for path in paths:
        entry, count = first_entry(path)
        begin_utc_s = entry.utc_s if entry is not None else _date(path)
        if begin_utc_s is not None:
            first_utc_s = begin_utc_s if first_utc_s is None else first_utc_s
            begin_s = max(round(begin_utc_s - first_utc_s, 3), begin_s)
        parts.append(_Part(path, begin_utc_s, begin_s, before))
        before += count
    return parts


def _date(path: Path) -> float | None:
    try:
        return creation_utc(path)
    except VideoError:
        return None  # told when it is its turn to be read


def _placed(frame: Frame, part: _Part) -> Frame:
    index = frame.index + part.before if frame.index >= 0 else frame.index
    return replace(frame, stream_s=part.begin_s + frame.stream_s, index=index)


def _sum(one: VideoStats, other: VideoStats) -> VideoStats:
    counts = {
        field.name: getattr(one, field.name) + getattr(other, field.name)
        for field in fields(VideoStats)
        if field.name != "last_frame_utc_s"
    }
    last = one.last_frame_utc_s if other.last_frame_utc_s is None else other.last_frame_utc_s
    return VideoStats(**counts, last_frame_utc_s=last)
