"""How long a page was really in front of a reader, counted by the server.

The page tells each second that it is visible and has the focus. What counts is the server's own time since it was
told last, at most a little more than a second: a page that is hidden earns nothing, and telling faster earns no more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

__all__ = ["Attention"]

_MOST_PER_TICK_S: Final = 1.5  # the page ticks each second; a browser may be late by half of one


@dataclass(slots=True)
class _Open:
    place: str
    ticked_s: float
    looked_s: float = 0.0


@dataclass(slots=True)
class Attention:
    """The place that each reader has open, and for how long; a reader has one place open at a time."""

    _open: dict[str, _Open] = field(default_factory=dict)

    def open(self, reader: str, place: str, now_s: float) -> None:
        """A reader opened a place; looking at the same one again goes on where it was."""
        before = self._open.get(reader)
        if before is None or before.place != place:
            self._open[reader] = _Open(place, now_s)
        else:
            before.ticked_s = now_s

    def tick(self, reader: str, place: str, now_s: float) -> float:
        """The page is visible and in focus; seconds that count so far. A place that is not open earns nothing."""
        at = self._open.get(reader)
        if at is None or at.place != place:
            return 0.0
        at.looked_s += min(max(now_s - at.ticked_s, 0.0), _MOST_PER_TICK_S)
        at.ticked_s = now_s
        return at.looked_s

    def looked_s(self, reader: str, place: str) -> float:
        """Seconds that count for this place."""
        at = self._open.get(reader)
        return at.looked_s if at is not None and at.place == place else 0.0

    def close(self, reader: str) -> None:
        """The verdict was given."""
        self._open.pop(reader, None)

    def open_now(self) -> dict[str, str]:
        """Place by reader, for those who share out the work."""
        return {reader: at.place for reader, at in self._open.items()}
