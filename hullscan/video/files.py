"""Reading video files with exact times, and going to a time exactly.

Never by frame count: a recording with lost packets has a variable frame rate, where OpenCV's seeking was wrong in
25 of 25 tries and n/fps is wrong by design. Here a picture is its presentation time: seek to the key picture before
it, decode up to it. For our own recordings the index beside the file gives mission time and the suspect mark.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from hullscan.errors import VideoError
from hullscan.video.container import Picture, Walk, creation_utc
from hullscan.video.frames import Frame, VideoStats
from hullscan.video.index import load_index

__all__ = ["VideoFile", "creation_utc"]

_EXACT_S = 0.0005  # half a tick of Matroska
_REORDERED_S = 0.5  # with reordered pictures the key picture found may come after the time sought
_CUT_OFF_S = 1.0  # players and muxers differ by a picture or two in where a file ends
_TORN_S = 1.0  # an index may be ahead of its MKV by so much after a crash: what a recording may lose


class VideoFile:
    """A video file as a FrameSource: every picture, in order, as fast as it is asked; a time-out means nothing here.

    Args:
        path: MKV, MP4, MOV, AVI and the like.
        start_utc_s: mission time of the presentation time 0; not used where an index lies beside the file.
        frame_stride: give each n-th picture.
        every_s: give the first picture of each interval of so many seconds of the file.

    Raises:
        VideoError: the file, or the index beside it, cannot be read.
    """

    def __init__(
        self, path: Path, *, start_utc_s: float = 0.0, frame_stride: int = 1, every_s: float | None = None
    ) -> None:
        if frame_stride < 1 or (every_s is not None and every_s <= 0):
            raise ValueError("the stride and the interval between pictures must be positive")
        self.path = path
        self._start_utc_s, self._frame_stride, self._every_s = start_utc_s, frame_stride, every_s
        self._due_s: float | None = None
        self._index = load_index(path)
        self._walk = Walk(path, self._index)
        self._pictures = iter(self._walk)
        self._seeker: Walk | None = None
        self._suspect = 0
        self._last_utc_s: float | None = None
        self._ended = False

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        """The next picture; None at the end.

        Raises:
            VideoError: at the end, if no picture could be decoded, or the file ends before it should; told once.
        """
        if self._ended:
            return None
        for picture in self._pictures:
            number = self._walk.decoded - 1
            utc_s, index, suspect = self._meaning(picture, number)
            self._suspect += suspect
            self._last_utc_s = utc_s
            if self._is_wanted(number, picture.stream_s):
                return _frame(picture, utc_s, index, suspect)
        self._ended = True
        self._check_end()
        return None

    def frame_at(self, stream_s: float) -> Frame:
        """The picture at a presentation time, to half a millisecond; between two pictures, the later one.

        Leaves ``read`` where it is.

        Raises:
            VideoError: the file has no picture at or after that time.
        """
        if self._seeker is None:
            self._seeker = Walk(self.path, self._index)
        # Where pictures are reordered the key picture found may come after the time sought: then from further back.
        for back_s in (0.0, 2.0, 20.0, None):
            if back_s is None:
                self._seeker.rewind()
            else:
                self._seeker.put_at(max(stream_s - back_s, 0.0))
            first = True
            for picture in self._seeker:
                late_s = picture.stream_s - stream_s
                if late_s >= -_EXACT_S:
                    if first and late_s > _EXACT_S and back_s is not None:
                        break
                    return _frame(picture, *self._meaning(picture, -1))
                first = False
            if not first:
                break  # read to the end, from before the time sought
        raise VideoError(
            f"the video has no picture at {stream_s:.3f} s",
            where=str(self.path),
            todo="choose a time before its end" + (f", {last:.3f} s" if (last := self._seeker.last_s) else ""),
        )

    def between(self, begin_s: float, end_s: float) -> Iterator[Frame]:
        """The pictures from one presentation time to another, in order. Leaves ``read`` where it is."""
        if self._seeker is None:
            self._seeker = Walk(self.path, self._index)
        self._seeker.put_at(max(begin_s - _REORDERED_S, 0.0))
        for picture in self._seeker:
            if picture.stream_s > end_s + _EXACT_S:
                return
            if picture.stream_s >= begin_s - _EXACT_S:
                yield _frame(picture, *self._meaning(picture, -1))

    def position_of(self, utc_s: float) -> float:
        """Presentation time, in seconds, of the picture nearest to a mission time."""
        if self._index is not None:
            return self._index.pts_ms(utc_s) / 1000
        return utc_s - self._start_utc_s

    @property
    def ended(self) -> bool:
        """``read`` came to the end."""
        return self._ended

    @property
    def duration_s(self) -> float | None:
        """Length by what the file says of itself; None for a recording that was cut off."""
        return self._walk.declared_s

    def stats(self) -> VideoStats:
        """Counts of what was read in order; ``decoded`` holds also what the stride left out."""
        walk = self._walk
        return VideoStats(
            packets=walk.packets,
            access_units=walk.packets,
            decoded=walk.decoded,
            suspect=self._suspect,
            decode_errors=walk.errors,
            last_frame_utc_s=self._last_utc_s,
        )

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        self._ended = True
        self._walk.close()
        if self._seeker is not None:
            self._seeker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _is_wanted(self, number: int, stream_s: float) -> bool:
        if number % self._frame_stride:
            return False
        if self._every_s is None:
            return True
        if self._due_s is not None and stream_s < self._due_s - _EXACT_S:
            return False
        begin_s = stream_s if self._due_s is None else self._due_s
        self._due_s = begin_s + self._every_s * (1 + (stream_s - begin_s + _EXACT_S) // self._every_s)
        return True

    def _meaning(self, picture: Picture, number: int) -> tuple[float, int, bool]:
        """Mission time, number and suspect mark of a picture."""
        if picture.entry is not None:
            return picture.entry.utc_s, picture.entry.n, picture.suspect
        if self._index is not None:  # the recording got further than its index: nobody knows what was lost there
            return self._index.utc_s(round(picture.stream_s * 1000)), number, True
        return self._start_utc_s + picture.stream_s, number, picture.suspect

    def _check_end(self) -> None:
        if not self._walk.decoded:
            raise VideoError("no picture of the video can be decoded", where=str(self.path), todo="copy it again")
        promised_s = self._walk.declared_s or 0.0
        if self._index is not None:
            promised_s = max(promised_s, self._index.entries[-1].pts_ms / 1000 - _TORN_S)
        if promised_s - self._walk.end_s > _CUT_OFF_S:
            raise VideoError(
                f"the video is cut off: it ends at {self._walk.end_s:.1f} s of {promised_s:.1f} s",
                where=str(self.path),
                todo="copy it again; what is there was read",
            )


def _frame(picture: Picture, utc_s: float, index: int, suspect: bool) -> Frame:
    return Frame(
        image_bgr=picture.raw.to_ndarray(format="bgr24"),
        utc_s=utc_s,
        stream_s=picture.stream_s,
        index=index,
        suspect=suspect,
    )
