"""Missions that are being flown, as the desk follows them: by what the survey leaves beside the folder.

The desk only reads, but for the sign that somebody watches and for one request at a time. When the flight has ended
and its folder is sealed, the mission comes onto the desk to be read.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from hullscan.clock import Clock
from hullscan.errors import HullscanError, InputError
from hullscan.mission.model import Mission, load_mission
from hullscan.record.folder import MissionFolder
from hullscan.record.live_link import LiveLink
from hullscan.record.seal import MANIFEST
from hullscan.review.readings import ReadingsStore

__all__ = ["FollowedFlight", "Phase", "follow_flights"]

_SILENT_S: Final = 10.0  # an unwatched survey tells something every four seconds
_SIGN_EVERY_S: Final = 1.0
_FRESH_S: Final = 30.0  # what was told so long ago is told of a flight that goes on
_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")


class Phase(StrEnum):
    """Where a flight stands, as far as the desk can tell."""

    WAITING = "waiting"
    FLYING = "flying"
    SILENT = "silent"
    OVER = "over"
    OPENING = "opening"
    READY = "ready"
    FAILED = "failed"


class FollowedFlight:
    """One mission that is being flown.

    Args:
        seconds: monotonic time.
        arrived: opens the finished folder for reading; called once, in a thread of its own.

    Raises:
        HullscanError: the folder is none, or the readings beside it cannot be opened.
    """

    def __init__(self, path: Path, clock: Clock, seconds: Callable[[], float], arrived: Callable[[Path], None]) -> None:
        self.folder = MissionFolder.open(path)
        self.mission: Mission = load_mission(self.folder.mission_file)
        self.name = _NAME.sub("-", path.resolve().name)
        self.link = LiveLink(self.folder.path)
        self.store = ReadingsStore(self.folder, clock)
        self._seconds, self._arrived = seconds, arrived
        self._version, self._changed_s = 0, seconds()
        self._signed_s = float("-inf")
        self._state: dict[str, Any] | None = None
        self._flew = False
        self._opening: threading.Thread | None = None
        self._ended = Phase.OPENING
        self.failed = ""
        self._lock = threading.Lock()

    @property
    def ship(self) -> str:
        """Name of the ship."""
        return self.mission.file.ship.name

    @property
    def port(self) -> str:
        """Where she lies."""
        return self.mission.file.berth.place

    def watch(self) -> None:
        """Somebody looks: say so, at most once a second."""
        now_s = self._seconds()
        if now_s - self._signed_s >= _SIGN_EVERY_S:
            self._signed_s = now_s
            self.link.watch()

    def state(self) -> dict[str, Any] | None:
        """The newest snapshot; None while nothing is flown."""
        version = self.link.version("state.json")
        with self._lock:
            if version != self._version:
                self._version, self._changed_s = version, self._seconds()
                self._state = self.link.state() if version else None
                self._flew |= self._state is not None
            return self._state

    @property
    def silent_s(self) -> float:
        """Since anything was told."""
        return self._seconds() - self._changed_s

    def phase(self) -> Phase:
        """Where it stands; begins to open the folder for reading when it is sealed."""
        told, finished = self.state() is not None, _is_finished(self.folder.path)
        silent = self.silent_s > _SILENT_S
        if told and not (silent and finished):
            return Phase.SILENT if silent else Phase.FLYING
        if not finished:
            return Phase.OVER if self._flew else Phase.WAITING
        with self._lock:
            if self._opening is None:
                self._opening = threading.Thread(target=self._open, name=f"opening {self.name}", daemon=True)
                self._opening.start()
        return self._ended

    def close(self) -> None:
        """Close the readings, if the mission on the desk has not taken them over."""
        with self._lock:
            if self._opening is None:
                self.store.close()

    def _open(self) -> None:
        self.store.close()
        try:
            self._arrived(self.folder.path)
        except HullscanError as error:
            self.failed, self._ended = error.what, Phase.FAILED
        else:
            self._ended = Phase.READY

    def ask(self, name: str, at: tuple[float, float], utc_s: float) -> None:
        """Leave a reader's request.

        Raises:
            InputError: nothing is flown.
        """
        try:
            self.link.ask({"name": name, "at": list(at), "utc_s": round(utc_s, 3)})
        except OSError as error:
            raise InputError("nothing is flown now") from error


def follow_flights(
    paths: list[Path], clock: Clock, seconds: Callable[[], float], arrived: Callable[[Path], None]
) -> tuple[dict[str, FollowedFlight], list[Path]]:
    """Flights by name, and the folders that are finished missions."""
    flights, finished = {}, []
    for path in paths:
        if MissionFolder.open(path) and not _is_flying(path, clock):
            finished.append(path)
            continue
        flight = FollowedFlight(path, clock, seconds, arrived)
        flights[flight.name] = flight
    return flights, finished


def _is_flying(path: Path, clock: Clock) -> bool:
    """It is told of now, or it has not been finished yet."""
    told_s = LiveLink(path).version("state.json") / 1e9
    return clock.now() - told_s < _FRESH_S or not (path / "findings.json").is_file()


def _is_finished(path: Path) -> bool:
    return (path / "findings.json").is_file() and (path / MANIFEST).is_file()
