"""Writes a ``.tlog``: every ArduPilot tool opens it, and it is the mission's untouched record of the link.

One record is 8 bytes, big-endian microseconds UTC of reception (of sending, for our own frames), then the raw
frame. Writing happens in a thread of its own, so a slow disk never delays the link; it reaches the disk every
``SYNC_S``, so a power cut costs at most the last second.
"""

from __future__ import annotations

import os
import struct
import threading
from pathlib import Path
from typing import BinaryIO

from hullscan.clock import real_seconds
from hullscan.errors import RecordError

__all__ = ["TlogWriter"]

SYNC_S = 0.5
"""Real seconds between two syncs to the disk."""
_MAX_WAITING = 16_000_000  # bytes: a quarter of an hour of a busy link (about 15 kB/s) on a disk that hangs
_STAMP = struct.Struct(">Q")


class TlogWriter:
    """Appends frames to a file; errors are kept for the owner, who asks with ``check``.

    Args:
        path: the file; an existing one is continued (a mission that is resumed).

    Attributes:
        lost_frames: frames that did not reach the file.

    Raises:
        RecordError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file: BinaryIO = path.open("ab")
        except OSError as error:
            raise self._failure(error) from None
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._busy = False
        self._ready = threading.Condition()
        self._closing = False
        self._error: RecordError | None = None
        self.lost_frames = 0
        self._thread = threading.Thread(target=self._run, name="tlog", daemon=True)
        self._thread.start()

    def _failure(self, error: OSError) -> RecordError:
        reason = error.strerror or type(error).__name__
        return RecordError(
            f"the link's log cannot be written: {reason}", where=str(self._path), todo="free or change the disk"
        )

    def write(self, utc_s: float, raw: bytes) -> None:
        """Hand over one frame; never blocks on the disk and never raises."""
        record = _STAMP.pack(max(round(utc_s * 1e6), 0)) + raw
        with self._ready:
            if self._error or self._closing:
                self.lost_frames += 1
                return
            if self._waiting_bytes + len(record) > _MAX_WAITING:
                self._fail(RecordError("the disk is too slow for the link's log", where=str(self._path)), lost=1)
                return
            self._waiting.append(record)
            self._waiting_bytes += len(record)

    def _fail(self, error: RecordError, *, lost: int) -> None:
        self._error = self._error or error
        self.lost_frames += lost + len(self._waiting)
        self._waiting, self._waiting_bytes = [], 0

    def _run(self) -> None:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._closing, timeout=SYNC_S)
                records, closing = self._waiting, self._closing
                self._waiting, self._waiting_bytes, self._busy = [], 0, True
            try:
                if records:
                    self._file.write(b"".join(records))
                    self._file.flush()
                    os.fsync(self._file.fileno())
            except OSError as error:
                with self._ready:
                    self._fail(self._failure(error), lost=len(records))
            with self._ready:
                self._busy = False
            if closing:
                return

    def check(self) -> None:
        """Tell whether everything so far was written.

        Raises:
            RecordError: it was not.
        """
        with self._ready:
            if self._error:
                raise self._error

    def sync(self, timeout_s: float = 5.0) -> None:
        """Wait in real time until what was handed over is on the disk; for tests and for closing a folder."""
        end_s = real_seconds() + timeout_s
        while real_seconds() < end_s:
            with self._ready:
                if not self._waiting and not self._busy:
                    break
                self._ready.wait(0.02)
        self.check()

    def close(self) -> None:
        """Write the rest and close.

        Raises:
            RecordError: something did not reach the file.
        """
        with self._ready:
            self._closing = True
            self._ready.notify_all()
        self._thread.join()
        try:
            self._file.close()
        except OSError as error:
            with self._ready:
                self._fail(self._failure(error), lost=0)
        self.check()
