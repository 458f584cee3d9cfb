"""A file of lines that is only ever added to: each line is there whole or not at all, also when the disk is full."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["LineFile"]


class LineFile:
    """Nothing is held back: what ``append`` has returned from survives a kill of the program.

    A last line that an earlier writer left cut off stays as it is, and counts as a line of its own.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._end = self._file.tell()
        if self._end:
            with path.open("rb") as written:
                written.seek(-1, os.SEEK_END)
                if written.read(1) != b"\n":
                    self._write(b"\n")

    def append(self, line: bytes) -> None:
        """Add a line, which holds no end of line itself.

        Raises:
            OSError: the disk did not take it; nothing of it is left in the file.
        """
        self._write(line + b"\n")

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]  # a disk that runs full takes a part first, without an error
        except OSError:
            with suppress(OSError):
                self._file.truncate(self._end)
            raise
        self._end += len(data)

    def sync(self) -> None:
        """Force what was added onto the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
