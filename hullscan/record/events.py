"""What happened, one JSON object a line, flushed to the disk as it happens.

Each line holds the SHA-256 of the line before it, so that none can be changed or taken out unseen.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hullscan.clock import Clock, utc_text
from hullscan.errors import RecordError
from hullscan.record.lines import LineFile
from hullscan.words import fill, mark

__all__ = ["EventLog", "broken_links", "read_events", "warnings_as_events"]

_NO_LINE = "0" * 64

Listener = Callable[[str, str, dict[str, Any]], None]


class EventLog:
    """Append-only log of a mission; any thread may write.

    Args:
        path: ``events.jsonl``.
        clock: the mission clock.
        listener: also told of each event, for the screen.
    """

    def __init__(self, path: Path, clock: Clock, listener: Listener | None = None) -> None:
        self._clock, self._listener = clock, listener
        self._lock = threading.Lock()
        try:
            before = path.read_bytes() if path.is_file() else b""
            lines = _lines(before)
            self._last = _hash(lines[-1]) if lines else _NO_LINE
            self._file = LineFile(path)
        except OSError as error:
            raise RecordError(f"cannot write {path}: {error.strerror}") from error

    def add(self, kind: str, message: str, data: dict[str, Any] | None = None, *, sync: bool = True) -> None:
        """Write an event: a key, and words for people with their data.

        Args:
            sync: wait until the disk has it; else it survives a kill of the program, but not a loss of power.
        """
        data = data or {}
        now_s = self._clock.now()
        line = {
            "utc": utc_text(now_s), "utc_s": round(now_s, 3), "kind": kind, "words": fill(message, data),
            "message": message, "data": data,
        }  # fmt: skip
        try:
            with self._lock:
                # half a surrogate pair, from the name of a file that is not UTF-8, becomes its escape in JSON
                raw = json.dumps({**line, "prev_sha256": self._last}, ensure_ascii=False).encode(
                    errors="backslashreplace"
                )
                self._file.append(raw)
                self._last = _hash(raw)
                if sync:
                    self._file.sync()
        except (OSError, ValueError) as error:
            raise RecordError(f"cannot write events.jsonl: {error}") from error
        if self._listener is not None:
            self._listener(kind, message, data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@contextmanager
def warnings_as_events(events: EventLog) -> Iterator[None]:
    """What the program's rooms warn of in any thread becomes an event instead of a line among the errors."""
    logger, handler = logging.getLogger("hullscan"), _Warnings(events)
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


class _Warnings(logging.Handler):
    def __init__(self, events: EventLog) -> None:
        super().__init__(logging.WARNING)
        self._events = events

    def emit(self, record: logging.LogRecord) -> None:
        # a log that cannot be written ends the flight at the pilot's next event, not in the thread that warns
        with suppress(RecordError):
            self._events.add("warning", mark("warning: {words}"), {"words": record.getMessage()})


def broken_links(path: Path) -> tuple[int, list[int]]:
    """Number of lines, and the numbers, from 1, of those that do not hold the hash of the line before them.

    A last line that was cut off by a loss of power is one of these only if something was written behind it.

    Raises:
        RecordError: the file cannot be read.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}") from error
    lines, broken, before = _lines(raw), [], _NO_LINE
    for number, line in enumerate(lines, start=1):
        try:
            holds = json.loads(line)["prev_sha256"]
        except (ValueError, LookupError, TypeError, RecursionError):
            holds = None
        if holds != before and (number < len(lines) or raw.endswith(b"\n")):
            broken.append(number)
        before = _hash(line)
    return len(lines), broken


def _lines(raw: bytes) -> list[bytes]:
    return [line for line in raw.split(b"\n") if line]


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def read_events(path: Path) -> list[dict[str, Any]]:
    """Events of a mission; a last line that was cut off is left out, and so is what is no event."""
    if not path.is_file():
        return []
    events = []
    # not splitlines: to it the separators of Unicode, which a text may hold, end a line too
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            events.append(event)
    return events
