"""The mission folder: one place for everything that a mission leaves behind.

::

    YYYYMMDDTHHMMSSZ-ship/
      mission.yaml plan.json mission.sqlite telemetry.tlog dvl.jsonl
      named/                copies of the files that the mission names: mesh or offset table, risk, POD model, tide
      video/*.mkv video/*.jsonl frames/*.jpg clips/*.mp4 clips/*.webp alerts/*.html events.jsonl
      findings.json coverage.json track.json summary.json report.html
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hullscan.clock import utc_text
from hullscan.errors import RecordError
from hullscan.ship.files import COPIES

__all__ = ["MissionFolder", "free_mb"]

_LEAST_FREE_BYTES = 500_000_000
"""A 40-minute survey at 8 Mbit/s takes 2.4 GB at most; below this there is no room to begin."""


@dataclass(frozen=True, slots=True)
class MissionFolder:
    """Names inside a mission folder."""

    path: Path

    @classmethod
    def create(cls, root: Path, ship: str, utc_s: float, least_free_bytes: int = _LEAST_FREE_BYTES) -> MissionFolder:
        """Make a new folder.

        Raises:
            RecordError: it cannot be made, or the disk has no room for a mission.
        """
        slug = re.sub(r"[^a-z0-9]+", "-", ship.lower()).strip("-") or "ship"
        name = f"{utc_text(utc_s, compact=True)}-{slug}"
        try:
            root.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(root).free
            if free < least_free_bytes:
                raise RecordError(
                    f"only {free / 1e6:.0f} MB are free, a mission needs {least_free_bytes / 1e6:.0f} MB",
                    where=str(root),
                    todo="make room or choose another --out",
                )
            path = root / name
            number = 1
            while path.exists():
                number += 1
                path = root / f"{name}-{number}"
            folder = cls(path)
            for part in (path, folder.video, folder.frames):
                part.mkdir()
        except OSError as error:
            raise RecordError(
                f"cannot make the mission folder: {error.strerror}", where=str(root), todo="choose another --out"
            ) from error
        return folder

    @classmethod
    def open(cls, path: Path) -> MissionFolder:
        """An existing folder.

        Raises:
            RecordError: it is none.
        """
        folder = cls(path)
        if not folder.mission_file.is_file():
            raise RecordError(f"{path} is not a mission folder", todo="it must hold mission.yaml")
        return folder

    @classmethod
    def with_findings(cls, path: Path) -> MissionFolder:
        """An existing folder of a mission, or of findings that have no place: those of a video or photographs alone.

        Raises:
            RecordError: it is neither.
        """
        return cls(path) if (path / "findings.json").is_file() else cls.open(path)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else records into it meanwhile; a process that dies lets go of it, too.

        Raises:
            RecordError: somebody does already.
        """
        beside = self.path.with_name(f"{self.path.name}.lock")
        lock = sqlite3.connect(beside, timeout=0.0, isolation_level=None)  # a lock that every system has
        try:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                raise RecordError(
                    "another hullscan records into this folder", where=str(self.path), todo="end that one first"
                ) from error
            yield
        finally:
            lock.close()
        with suppress(OSError):
            beside.unlink()

    @property
    def placed(self) -> bool:
        """Whether it tells of places on a ship; else its findings carry time only."""
        return self.mission_file.is_file()

    @staticmethod
    def inside(path: Path) -> Path:
        """The mission folder in a bag, or the folder itself."""
        return path / "data" if (path / "bagit.txt").is_file() else path

    def keep_mission(self, source: bytes, named_files: Sequence[Path]) -> None:
        """Write the mission file as it was read, and copies of the files that it names.

        Raises:
            RecordError: one cannot be written.
        """
        try:
            self.mission_file.write_bytes(source)
            for named in named_files:
                copy = self.path / COPIES / named.name
                copy.parent.mkdir(exist_ok=True)
                if not copy.exists() or not copy.samefile(named):
                    shutil.copyfile(named, copy)
        except OSError as error:
            raise RecordError(f"cannot keep the mission's files: {error.strerror}", where=str(self.path)) from error

    def keep_events_of(self, recording: MissionFolder) -> None:
        """Copy the log of events of the recording that these results are made of, as it is.

        Raises:
            RecordError: it cannot be copied.
        """
        try:
            if recording.events.is_file():
                shutil.copyfile(recording.events, self.events_of_recording)
        except OSError as error:
            raise RecordError(f"the events cannot be copied: {error.strerror}", where=str(self.path)) from error

    @property
    def mission_file(self) -> Path:
        """The mission file as it was flown."""
        return self.path / "mission.yaml"

    @property
    def database(self) -> Path:
        """SQLite database: the source of the JSON files."""
        return self.path / "mission.sqlite"

    @property
    def telemetry(self) -> Path:
        """Every MAVLink frame, received and sent."""
        return self.path / "telemetry.tlog"

    @property
    def dvl(self) -> Path:
        """Every line of the DVL with its time of arrival."""
        return self.path / "dvl.jsonl"

    @property
    def video(self) -> Path:
        """Recordings and their indices."""
        return self.path / "video"

    @property
    def frames(self) -> Path:
        """Pictures of findings."""
        return self.path / "frames"

    @property
    def events(self) -> Path:
        """What happened, line by line."""
        return self.path / "events.jsonl"

    @property
    def events_of_recording(self) -> Path:
        """A copy of the log of the flight that these results are made of, where they do not lie beside it."""
        return self.path / "recording-events.jsonl"

    @property
    def report(self) -> Path:
        """The report for people."""
        return self.path / "report.html"


def free_mb(path: Path) -> float:
    """Room on the disk of a folder, MB; none where it cannot be asked."""
    try:
        return shutil.disk_usage(path).free / 1e6
    except OSError:
        return 0.0
