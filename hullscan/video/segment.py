"""One file of a recording: an MKV without re-encoding, and its index, written so that a crash spares both.

Matroska with clusters of 0.1 s that go to the operating system at once: a writer killed in the act lost 0.13 s at
most, where a plain MP4 or OpenCV's writer lost everything. ``sync`` then forces the disk, against power cuts.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from hullscan.clock import utc_text
from hullscan.errors import RecordError
from hullscan.video.h264 import AccessUnit
from hullscan.video.index import IndexEntry, format_entry, index_path
from hullscan.video.picture_hashes import picture_sha256

__all__ = ["Segment", "sync_folder"]

_MILLISECOND = Fraction(1, 1000)  # what Matroska counts in
_MUXER = {"cluster_time_limit": "100", "flush_packets": "1"}


class _WholeWrites:
    """A new file whose writes are whole or fail; a short write passed on to FFmpeg would tear the file unseen.

    After the first failure it swallows everything, so that the muxer can be taken down without a second error.
    """

    def __init__(self, path: Path) -> None:
        self._raw = path.open("xb", buffering=0)
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        left = memoryview(data)
        while left and self.error is None:
            try:
                left = left[self._raw.write(left) :]
            except OSError as error:
                self.error = error
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def sync(self) -> None:
        os.fsync(self._raw.fileno())

    def close(self) -> None:
        self._raw.close()


class Segment:
    """An open pair of files. ``write`` and ``close`` are for one thread, ``sync`` for any other.

    Args:
        path: of the MKV; neither it nor its index may exist.
        first: a key unit with its headers; the recording begins with it.
        utc_s: when the camera took it.

    Raises:
        RecordError: the files cannot be made.
        ValueError: the unit's headers make no sense to the decoder.
    """

    def __init__(self, path: Path, first: AccessUnit, utc_s: float) -> None:
        self.path = path
        self.sps = first.sps
        self.count = 0
        self._first_ticks = first.ticks90k
        self._last_pts_ms = -1
        self._lock = threading.Lock()
        self._closed = False
        # The muxer takes size and headers from a stream; setting its extradata by hand is silently ignored.
        with _probe(first) as probed, contextlib.ExitStack() as undo:
            self._index = _create(index_path(path), undo)
            self._video = _create(path, undo)
            self._container: Any = av.open(self._video, "w", format="matroska", options=dict(_MUXER))
            self._stream: Any = self._container.add_stream_from_template(probed.streams.video[0])
            self._stream.time_base = _MILLISECOND
            self._container.metadata["creation_time"] = utc_text(utc_s)
            undo.pop_all()

    def seconds_to(self, unit: AccessUnit) -> float:
        """Time from the beginning of this file to a unit."""
        return (unit.ticks90k - self._first_ticks) / 90_000

    def write(self, unit: AccessUnit, utc_s: float) -> None:
        """Append a unit.

        Raises:
            RecordError: the disk is full or broken.
        """
        # The muxer would refuse two pictures within a millisecond, or out of order; the index keeps the truth.
        pts_ms = max(round((unit.ticks90k - self._first_ticks) / 90), self._last_pts_ms + 1)
        packet = av.Packet(unit.data)
        packet.stream = self._stream
        packet.pts = packet.dts = self._last_pts_ms = pts_ms
        packet.time_base = _MILLISECOND
        packet.is_keyframe = unit.key
        entry = IndexEntry(
            n=self.count,
            pts_ms=pts_ms,
            rtp90k=unit.rtp90k,
            utc_s=utc_s,
            key=unit.key,
            lost=unit.lost,
            suspect=unit.suspect,
            sha256=picture_sha256(unit.data),
        )
        self._container.mux(packet)
        self._index.write(format_entry(entry))
        self._check()
        self.count += 1

    def sync(self) -> None:
        """Force what was written onto the disk; may take 0.1 s and more.

        Raises:
            RecordError: the disk is broken.
        """
        with self._lock:
            if self._closed:
                return
            try:
                self._video.sync()
                self._index.sync()
            except OSError as error:
                raise _failed(self.path, error) from error

    def close(self) -> None:
        """Write the end of the MKV (duration, seek table), force both files onto the disk and close them.

        Raises:
            RecordError: some of that failed; the files are closed nevertheless.
        """
        if self._closed:
            return
        try:
            self._container.close()
            self._check()
            self.sync()
        finally:
            with self._lock:
                self._closed = True
                self._video.close()
                self._index.close()

    def _check(self) -> None:
        error = self._video.error or self._index.error
        if error is not None:
            raise _failed(self.path, error) from error


def _create(path: Path, undo: contextlib.ExitStack) -> _WholeWrites:
    try:
        file = _WholeWrites(path)
    except OSError as error:
        raise _failed(path, error) from error
    undo.callback(path.unlink, missing_ok=True)
    undo.callback(file.close)
    return file


def _probe(unit: AccessUnit) -> Any:
    """The unit as a container of its own, from which the muxer learns size and headers."""
    try:
        container = av.open(io.BytesIO(unit.data), format="h264")
    except av.FFmpegError as error:
        raise ValueError(f"no H.264 picture: {error}") from error
    if not container.streams.video or not container.streams.video[0].width:
        container.close()
        raise ValueError("no H.264 picture: its size is unknown")
    return container


def _failed(path: Path, error: OSError) -> RecordError:
    return RecordError(
        f"the video cannot be written: {error.strerror or error}",
        where=str(path),
        todo="free space on the disk or record to another one; the flight is no longer recorded",
    )


def sync_folder(folder: Path) -> None:
    """Force the names of new files onto the disk; Windows needs no such thing and cannot open a folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
