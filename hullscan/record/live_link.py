"""How a mission that is being flown is watched from another process: a few small files beside its folder.

``NAME-live/`` holds what the survey leaves for those who watch (``state.json``, ``picture.jpg``), and what they leave
for the survey: ``watching``, which is touched while somebody looks, and ``ask.json``, one request at a time. Neither
side waits for the other, nor needs it: each file is replaced as a whole, read up to a length, and may be missing,
damaged or hostile. The folder of the mission itself is not touched.
"""

from __future__ import annotations

import json
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["LiveLink"]

_MOST_ASKED_BYTES: Final = 2_000
_MOST_STATE_BYTES: Final = 4_000_000
_MOST_PICTURE_BYTES: Final = 8_000_000


@dataclass(frozen=True, slots=True)
class LiveLink:
    """The files beside a mission folder.

    Args:
        mission: the folder that is flown.
    """

    mission: Path

    @property
    def path(self) -> Path:
        """Their folder."""
        return self.mission.with_name(self.mission.name + "-live")

    # ---------------------------------------------------------------- the survey's side

    def begin(self) -> None:
        """An empty folder that only this user can look into.

        Raises:
            OSError: it cannot be made.
        """
        self.end()
        self.path.mkdir(mode=0o700)

    def end(self) -> None:
        """No more flight, no more folder."""
        shutil.rmtree(self.path, ignore_errors=True)

    def watched(self) -> int:
        """A number that changes while somebody watches; 0 when nobody ever did."""
        try:
            return (self.path / "watching").stat().st_mtime_ns
        except OSError:
            return 0

    def tell(self, state: bytes) -> None:
        """Replace what is told.

        Raises:
            OSError: it cannot be written, or is being read on a system that does not allow this.
        """
        self._replace("state.json", state)

    def show(self, jpeg: bytes) -> None:
        """Replace the picture.

        Raises:
            OSError: as ``tell``.
        """
        self._replace("picture.jpg", jpeg)

    def asked(self) -> dict[str, Any] | None:
        """The request that lies there; None where there is none, or something that is none."""
        raw = self._read("ask.json", _MOST_ASKED_BYTES)
        return None if raw is None else _object(raw)

    # ---------------------------------------------------------------- the side of those who watch

    def watch(self) -> None:
        """Say that somebody looks."""
        with suppress(OSError):
            (self.path / "watching").touch()

    def ask(self, request: dict[str, Any]) -> None:
        """Leave a request; it replaces one that was not taken.

        Raises:
            OSError: nothing is flown, or it cannot be written.
        """
        self._replace("ask.json", json.dumps(request).encode("ascii"))

    def state(self) -> dict[str, Any] | None:
        """What the survey tells; None while nothing is flown."""
        raw = self._read("state.json", _MOST_STATE_BYTES)
        return None if raw is None else _object(raw)

    def picture(self) -> bytes | None:
        """The newest picture, as JPEG."""
        return self._read("picture.jpg", _MOST_PICTURE_BYTES)

    def version(self, name: str) -> int:
        """Of ``state.json`` or ``picture.jpg``: a number that changes with it; 0 where there is none."""
        try:
            return (self.path / name).stat().st_mtime_ns
        except OSError:
            return 0

    # ---------------------------------------------------------------- both

    def _replace(self, name: str, content: bytes) -> None:
        made = self.path / f"{name}.new"
        made.write_bytes(content)
        made.replace(self.path / name)

    def _read(self, name: str, most_bytes: int) -> bytes | None:
        """A regular file, if it is not too long: opening a pipe would wait for its other end."""
        path = self.path / name
        try:
            found = path.lstat()
            if not stat.S_ISREG(found.st_mode) or found.st_size > most_bytes:
                return None
            with path.open("rb") as file:
                return file.read(most_bytes)
        except OSError:
            return None


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        content: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
