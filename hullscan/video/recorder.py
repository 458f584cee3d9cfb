"""Records coded pictures as they came, without re-encoding, into ``000.mkv``, ``001.mkv`` and so on.

Nothing waits for it and it drops nothing: units queue in memory until its own thread has written them, and a third
thread forces the disk each second (7 ms usually, 146 ms seen under load). When the disk fails the recording ends,
the owner is told, and the live picture goes on, because it is needed to bring the vehicle home.
"""

from __future__ import annotations

import contextlib
import queue
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import av

from hullscan.errors import RecordError
from hullscan.video.h264 import AccessUnit
from hullscan.video.segment import Segment, sync_folder

__all__ = ["Recorder", "segment_number"]

_NAME = re.compile(r"(\d{3,9})\.(?:mkv|jsonl)")
_MAX_WAITING_BYTES = 256 << 20  # five minutes at 6 Mbit/s: a disk so slow has failed
_MAX_REFUSALS = 10


class Recorder:
    """Owns the folder ``video/`` of a mission while it is being recorded.

    A file begins with a key picture and ends at the first intact one after ``segment_s``, or when the camera's
    parameter sets change. Numbers go on after the files that are there: nothing is ever overwritten.

    Args:
        folder: where the files go; made if it is not there.
        segment_s: length of a file, seconds of the stream's time.
        sync_s: how often the disk is forced, seconds of real time.
        on_closed: told of every file that was closed, in the recorder's own thread.

    Raises:
        RecordError: the folder cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        *,
        segment_s: float = 300.0,
        sync_s: float = 1.0,
        on_closed: Callable[[Path], None] | None = None,
    ) -> None:
        self.folder, self._on_closed = folder, on_closed
        self.segments: list[Path] = []
        self.recorded = 0
        self._turned_away = self._unwritten = 0  # counted by the caller's thread and by the writer's
        self._refusals = 0
        self._segment_s, self._sync_s = segment_s, sync_s
        self._segment: Segment | None = None
        self._error: RecordError | None = None
        self._told = False
        self._stop = threading.Event()
        self._waiting: queue.SimpleQueue[tuple[AccessUnit, float] | None] = queue.SimpleQueue()
        self._put_bytes = self._taken_bytes = 0  # each written by one thread only
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._next = 1 + max((segment_number(path) for path in folder.iterdir()), default=-1)
        except OSError as error:
            raise RecordError(
                f"the folder for the video cannot be made: {error.strerror}", where=str(folder), todo="choose another"
            ) from error
        self._threads = [
            threading.Thread(target=self._write_all, name="video-recorder", daemon=True),
            threading.Thread(target=self._sync_all, name="video-sync", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def put(self, unit: AccessUnit, utc_s: float) -> None:
        """Record a unit that the camera took at ``utc_s``. Returns at once and never raises: see ``check``."""
        if self._put_bytes - self._taken_bytes > _MAX_WAITING_BYTES:
            self._fail(
                RecordError(
                    "the disk is too slow for the video",
                    where=str(self.folder),
                    todo="record to another disk; the flight is no longer recorded",
                )
            )
        if self._error is not None or self._stop.is_set():
            self._turned_away += 1
            return
        self._put_bytes += len(unit.data)
        self._waiting.put((unit, utc_s))

    @property
    def unrecorded(self) -> int:
        """Units that no file holds: before the first key picture, unusable, or after the disk failed."""
        return self._turned_away + self._unwritten

    @property
    def error(self) -> RecordError | None:
        """Why the recording ended before it was closed; None while all is well."""
        return self._error

    def check(self) -> None:
        """Tell once that the recording failed.

        Raises:
            RecordError: it failed, and this is the first call since.
        """
        if self._error is not None and not self._told:
            self._told = True
            raise self._error

    def close(self) -> None:
        """Write what is waiting, end the file properly, force the disk. May be called twice.

        Raises:
            RecordError: the recording failed and nobody was told yet.
        """
        if not self._stop.is_set():
            self._stop.set()
            self._waiting.put(None)
            for thread in self._threads:
                thread.join()
        self.check()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write_all(self) -> None:
        try:
            while (item := self._waiting.get()) is not None:
                unit, utc_s = item
                self._taken_bytes += len(unit.data)
                if self._error is None:
                    self._write(unit, utc_s)
                else:
                    self._unwritten += 1
            with self._errors_kept():
                self._close_segment()
        finally:
            if not self._stop.is_set():
                self._fail(RecordError("the video recorder has stopped", where=str(self.folder)))

    def _write(self, unit: AccessUnit, utc_s: float) -> None:
        written = False
        with self._errors_kept():
            if unit.key and unit.headers and self._is_due(unit):
                self._begin_segment(unit, utc_s)
            if self._segment is not None:  # before the first key picture nothing could be played
                self._segment.write(unit, utc_s)
                written = True
        if written:
            self.recorded += 1
            self._refusals = 0
        else:
            self._unwritten += 1

    @contextlib.contextmanager
    def _errors_kept(self) -> Iterator[None]:
        """What goes wrong ends the file and is kept for the owner, who lives in another thread.

        What FFmpeg refuses (rubbish for headers) ends only this file: the next key picture begins another.
        """
        try:
            yield
        except RecordError as error:
            self._fail(error)
        except (av.FFmpegError, ValueError) as error:
            self._refusals += 1
            if self._refusals >= _MAX_REFUSALS:
                self._fail(
                    RecordError(
                        f"the camera's video cannot be put into a file: {error}",
                        where=str(self.folder),
                        todo="set the camera to plain H.264; the flight is no longer recorded",
                    )
                )
        else:
            return
        with contextlib.suppress(RecordError, av.FFmpegError):  # the first error has been kept
            self._close_segment()

    def _is_due(self, unit: AccessUnit) -> bool:
        if self._segment is None or unit.sps != self._segment.sps:
            return True
        return not unit.damaged and self._segment.seconds_to(unit) >= self._segment_s

    def _begin_segment(self, unit: AccessUnit, utc_s: float) -> None:
        """Go over to a new file, unless this unit cannot begin one; then it goes into the one that is open."""
        path = self.folder / f"{self._next:03d}.mkv"
        try:
            begun = Segment(path, unit, utc_s)
        except ValueError:
            if self._segment is None:
                raise
            return
        self._next += 1
        self.segments.append(path)
        before, self._segment = self._segment, begun
        if before is not None:
            before.close()
            self._tell_closed(self.segments[-2])
        with contextlib.suppress(OSError):  # a file system that cannot do it (network drives)
            sync_folder(self.folder)

    def _close_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.close()
            self._tell_closed(self.segments[-1])

    def _tell_closed(self, path: Path) -> None:
        if self._on_closed is not None:
            try:
                self._on_closed(path)
            except RecordError as error:
                self._fail(error)
            except OSError as error:
                self._fail(RecordError(f"{path} cannot be read back: {error.strerror}"))

    def _sync_all(self) -> None:
        while not self._stop.wait(self._sync_s):
            segment = self._segment
            if segment is not None and self._error is None:
                try:
                    segment.sync()
                except RecordError as error:
                    self._fail(error)

    def _fail(self, error: RecordError) -> None:
        if self._error is None:
            self._error = error


def segment_number(path: Path) -> int:
    """Number of a file of a recording; -1 when it is something else."""
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else -1
