"""The index beside a recording: one JSON line for each recorded coded picture.

MKV counts in milliseconds and knows nothing of mission time or of lost packets; the index does. A line is matched
with a picture by ``pts_ms``, never by counting. After a power cut the last line may be torn: what follows the
last good line is left out, and anything bad before it is a fault.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from hullscan.errors import VideoError

__all__ = ["FrameIndex", "IndexEntry", "first_entry", "format_entry", "index_path", "load_index"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """One recorded access unit.

    Attributes:
        n: its number in the file, from 0.
        pts_ms: its time stamp in the file.
        rtp90k: the sender's 32-bit time stamp, 90 kHz.
        utc_s: when the camera took it, on the mission clock, as best known when it was recorded.
        key: an IDR picture.
        lost: packets lost within it, or between the one before and it.
        suspect: it, or what it refers to, may be damaged.
        sha256: of the picture as the file stores it (``picture_hashes``); empty in recordings that took none.
    """

    n: int
    pts_ms: int
    rtp90k: int
    utc_s: float
    key: bool
    lost: int
    suspect: bool
    sha256: str = ""


_LARGEST = 2**53  # whole milliseconds that a float still tells apart
_KINDS: dict[str, tuple[type, ...]] = {
    field.name: {"int": (int,), "float": (int, float), "bool": (bool,)}[str(field.type)]
    for field in fields(IndexEntry)
    if field.type != "str"
}


class FrameIndex:
    """The entries of one file, in the order of recording; at least one."""

    def __init__(self, entries: list[IndexEntry], *, torn: int = 0) -> None:
        self.entries = tuple(entries)
        self.torn = torn
        self._by_pts = {entry.pts_ms: entry for entry in entries}
        self._pts = sorted(self._by_pts)

    def at(self, pts_ms: int) -> IndexEntry | None:
        """The entry with exactly this time stamp."""
        return self._by_pts.get(pts_ms)

    def utc_s(self, pts_ms: int) -> float:
        """Mission time of any time stamp of the file: of its entry, or counted on from the one before it."""
        entry = self._by_pts[self._pts[max(bisect_right(self._pts, pts_ms) - 1, 0)]]
        return entry.utc_s + (pts_ms - entry.pts_ms) / 1000

    def holds(self, utc_s: float) -> bool:
        """Whether a mission time lies between its first and its last picture."""
        times = [entry.utc_s for entry in self.entries]
        return min(times) <= utc_s <= max(times)

    def pts_ms(self, utc_s: float) -> int:
        """The time stamp of the picture nearest to a mission time."""
        return min(self.entries, key=lambda entry: abs(entry.utc_s - utc_s)).pts_ms


def index_path(video: Path) -> Path:
    """Where the index of a recording lies."""
    return video.with_suffix(".jsonl")


def format_entry(entry: IndexEntry) -> bytes:
    """One line, with its end."""
    record = asdict(entry)
    record["utc_s"] = round(entry.utc_s, 6)
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def load_index(video: Path) -> FrameIndex | None:
    """The index of a recording; None when there is none, or the file of that name is something else.

    Raises:
        VideoError: a line before the last good one is no entry: somebody or something changed the file.
    """
    path = index_path(video)
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise VideoError(
            f"cannot read the index of the recording: {error.strerror}", where=str(path), todo="check the disk"
        ) from error
    if not lines[-1]:
        lines.pop()
    parsed = [_parse(line) for line in lines]
    good = [number for number, entry in enumerate(parsed, start=1) if entry is not None]
    if not good:
        return None
    if None in parsed[: good[-1]]:
        raise VideoError(
            "a line of the recording's index cannot be read",
            where=f"{path}:{parsed.index(None) + 1}",
            todo="restore the file from its copy; `hullscan verify` tells whether it was changed",
        )
    return FrameIndex([entry for entry in parsed if entry is not None], torn=len(lines) - good[-1])


def first_entry(video: Path) -> tuple[IndexEntry | None, int]:
    """The first entry of a recording's index, if there is one, and how many lines it has; cheap."""
    try:
        content = index_path(video).read_bytes()
    except OSError:
        return None, 0
    return _parse(content.split(b"\n", 1)[0]), content.count(b"\n")


def _parse(line: bytes) -> IndexEntry | None:
    try:
        record: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or not record.keys() >= _KINDS.keys():
        return None
    values: dict[str, Any] = {name: record[name] for name in _KINDS}
    for name, kinds in _KINDS.items():
        value = values[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            return None
        if not -_LARGEST < values[name] < _LARGEST:  # also refuses NaN
            return None
    return IndexEntry(**values, sha256=str(record.get("sha256", "")))
