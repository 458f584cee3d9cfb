"""What a ground station wrote over a video: QGroundControl's subtitles (``.ass``) of names and values, each second."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hullscan.errors import InputError

__all__ = ["Overlay", "read_overlay"]

_LINE: Final = re.compile(r"Dialogue:\s*\d+\s*,([\d:.]+),([\d:.]+),(?:[^,]*,){6}(.*)")
_ORDER: Final = re.compile(r"\{[^}]*\}")
_LARGEST: Final = 200_000_000


@dataclass(frozen=True, slots=True)
class Overlay:
    """Names with their values as they stood there, by time in the video.

    Attributes:
        rows: (begin s, end s, name, value); what is no pair of name and value has an empty name.
    """

    rows: tuple[tuple[float, float, str, str], ...]

    def at(self, stream_s: float) -> list[tuple[str, str]]:
        """What was shown at a time."""
        return [(name, value) for begin_s, end_s, name, value in self.rows if begin_s <= stream_s < end_s]


def read_overlay(path: Path) -> Overlay:
    """Read a subtitle file.

    Raises:
        InputError: it cannot be read, or shows nothing.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError("this is too large for a subtitle file", where=str(path))
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise InputError(f"the overlay cannot be read: {error.strerror}", where=str(path)) from error
    rows: list[tuple[float, float, str, str]] = []
    names: list[str] = []
    for found in _LINE.finditer(text):
        begin_s, end_s = _seconds(found[1]), _seconds(found[2])
        words = [part.strip() for part in _ORDER.sub("", found[3]).replace("\\n", "\\N").split("\\N")]
        if words and all(word.endswith(":") for word in words):  # a column of names; the next line holds the values
            names = [word.rstrip(": ") for word in words]
            continue
        paired = len(names) == len(words)
        rows += [
            (begin_s, end_s, name, word)
            for name, word in zip(names if paired else [""] * len(words), words, strict=True)
            if word
        ]
        names = []
    if not rows:
        raise InputError("the overlay shows nothing", where=str(path), todo="give the .ass file of this video")
    return Overlay(tuple(rows))


def _seconds(text: str) -> float:
    total = 0.0
    for part in text.split(":"):
        total = total * 60 + float(part or 0)
    return total
