"""One line of the preflight: what, how much, what is wanted, what to do; and the verdict over all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from hullscan.clock import utc_text
from hullscan.mission.feasibility import Level
from hullscan.words import filled

__all__ = ["Phrase", "PreflightLine", "PreflightReport", "line", "say"]

Words = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A message for people with its data (``hullscan.words``); texts among the data are messages too."""

    words: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    def told(self, words: Words) -> str:
        """In the language of ``words``."""
        return filled(self.words, self.data, words) if self.words else ""

    def as_data(self) -> dict[str, Any]:
        """As data of another message, for JSON; what JSON has no word for is filled in already."""
        plain = all(isinstance(each, (str, int)) or math.isfinite(each) for each in self.data.values())
        return {"message": self.words, "data": self.data} if plain else {"message": self.told(str), "data": {}}


def say(words: str, **data: Any) -> Phrase:
    """A phrase; its message is marked by the caller."""
    return Phrase(words, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightLine:
    """One thing that was looked at.

    Attributes:
        group: what it belongs to, a marked word.
        what: its name.
        measured, wanted: as found, and as it has to be.
        todo: what the operator can do about it; empty when it is as wanted.
    """

    group: str
    level: Level
    what: Phrase
    measured: Phrase
    wanted: Phrase = field(default_factory=Phrase)
    todo: Phrase = field(default_factory=Phrase)

    def as_dict(self, words: Words) -> dict[str, str]:
        """For the record and for other programs."""
        return {
            "group": words(self.group),
            "level": self.level,
            "what": self.what.told(words),
            "measured": self.measured.told(words),
            "wanted": self.wanted.told(words),
            "todo": self.todo.told(words),
        }


def line(group: str, level: Level, what: str, measured: Phrase, wanted: Phrase, todo: Phrase | str) -> PreflightLine:
    """A line; what to do is told only where something is to be done."""
    todo = Phrase(todo) if isinstance(todo, str) else todo
    return PreflightLine(
        group=group,
        level=level,
        what=Phrase(what),
        measured=measured,
        wanted=wanted,
        todo=todo if level != "go" else Phrase(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightReport:
    """Everything that was looked at before the start.

    Attributes:
        mission: its name.
        utc_s: when.
        clocks_ms: offsets and uncertainties of the clocks, by name.
    """

    mission: str
    utc_s: float
    lines: tuple[PreflightLine, ...]
    clocks_ms: dict[str, float | None] = field(default_factory=dict)

    @property
    def verdict(self) -> Level:
        """The worst of the lines."""
        levels = {line.level for line in self.lines}
        return "no-go" if "no-go" in levels else "caution" if "caution" in levels else "go"

    def of(self, level: Level) -> tuple[PreflightLine, ...]:
        """The lines of a level."""
        return tuple(line for line in self.lines if line.level == level)

    def as_dict(self, words: Words = lambda message: message) -> dict[str, Any]:
        """``hullscan.preflight/1``."""
        return {
            "schema": "hullscan.preflight/1",
            "mission": self.mission,
            "utc": utc_text(self.utc_s),
            "verdict": self.verdict,
            "clocks_ms": self.clocks_ms,
            "checks": [line.as_dict(words) for line in self.lines],
        }


def ordered(lines: Iterable[PreflightLine]) -> tuple[PreflightLine, ...]:
    """As they are to be read: by group in the order in which each first came."""
    kept = list(lines)
    groups = list(dict.fromkeys(line.group for line in kept))
    return tuple(sorted(kept, key=lambda line: groups.index(line.group)))
