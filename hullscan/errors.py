"""One tree of errors that people can act on.

* HullscanError            exit 1
  x InputError             a file or an argument that the user gave
    - MissionFileError     a mission, scenario or profile with all of its faults
  x LinkError              nothing heard from the vehicle, or heard no more
  x RefusedError           the vehicle refused a command
  x SensorError            DVL or echo sounder
  x VideoError             camera stream or video file
  x RecordError            the mission folder cannot be written or read
  x DetectorError          model file or run time
  x SafetyStop             exit 3: a safety rule ended the mission

Every message is one line: what, where, what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = [
    "DetectorError",
    "Fault",
    "HullscanError",
    "InputError",
    "LinkError",
    "MissionFileError",
    "RecordError",
    "RefusedError",
    "SafetyStop",
    "SensorError",
    "VideoError",
]


class HullscanError(Exception):
    """An error that is shown as one line, never as a traceback.

    Args:
        what: what went wrong, no trailing period.
        where: file:line, address or mission time; empty when ``what`` says it.
        todo: what the user can do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.todo = what, where, todo

    def __str__(self) -> str:
        text = self.what
        if self.where:
            text += f" ({self.where})"
        if self.todo:
            text += f"; {self.todo}"
        return text


class InputError(HullscanError):
    """A file or an argument that the user gave cannot be used."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a document: ``path:line: key: message``."""

    path: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{self.path}:{self.line}: {key}{self.message}"


class MissionFileError(InputError):
    """A document with faults, all of them at once, in the order of their lines."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = sorted(faults, key=lambda fault: (fault.path, fault.line, fault.key))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class LinkError(HullscanError):
    """Nothing is heard from the vehicle."""


class RefusedError(HullscanError):
    """The vehicle refused a command."""


class SensorError(HullscanError):
    """A range sensor cannot be reached or used."""


class VideoError(HullscanError):
    """The camera stream or a video file cannot be used."""


class RecordError(HullscanError):
    """The mission folder cannot be written or read."""


class DetectorError(HullscanError):
    """The detector's model cannot be loaded or run."""


class SafetyStop(HullscanError):
    """A safety rule ended the mission; the recording is complete up to that moment.

    Args:
        message, data: ``what`` as words for people in their language, see ``hullscan.words``.
    """

    exit_code = 3

    def __init__(
        self, what: str, *, message: str = "", data: dict[str, Any] | None = None, where: str = "", todo: str = ""
    ) -> None:
        super().__init__(what, where=where, todo=todo)
        self.message, self.data = message, data or {}
