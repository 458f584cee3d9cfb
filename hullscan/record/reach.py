"""How far each recording of a mission folder reaches: what is lost of a mission that was killed or ran out of disk."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from hullscan.errors import HullscanError
from hullscan.record.database import opened_read_only
from hullscan.record.folder import MissionFolder
from hullscan.vehicle.tlog import TlogReader
from hullscan.video.container import last_picture_s
from hullscan.video.index import index_path, load_index
from hullscan.video.recorder import segment_number

__all__ = ["Reach", "reaches"]


@dataclass(frozen=True, slots=True)
class Reach:
    """One recording, from its beginning to where it ends.

    Attributes:
        file: name in the folder.
        records: messages, lines, pictures or looks that are whole.
        last_utc_s: mission time of the last one; None when there is none.
        torn: its last record is cut off.
        closed: another file follows it.
        damage: why it cannot be read; empty if it can.
    """

    file: str
    records: int
    last_utc_s: float | None
    torn: bool = False
    damage: str = ""
    closed: bool = False


def reaches(folder: MissionFolder) -> Iterator[Reach]:
    """Every recording that is there."""
    for path in (folder.events, folder.dvl):
        if path.is_file():
            yield _of_lines(path)
    if folder.telemetry.is_file():
        yield _of_tlog(folder.telemetry)
    videos = sorted(folder.video.glob("*.mkv"), key=segment_number)
    for path in videos:
        yield replace(_of_video(path), closed=path != videos[-1])
    if folder.database.is_file():
        yield _of_database(folder.database)


def _of_lines(path: Path) -> Reach:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        return Reach(path.name, 0, None, damage=str(error.strerror))
    times = [utc_s for line in lines[:-1] if (utc_s := _utc_of(line)) is not None]
    return Reach(path.name, len(times), max(times, default=None), torn=bool(lines[-1]))


def _utc_of(line: bytes) -> float | None:
    try:
        return float(json.loads(line)["utc_s"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def _of_tlog(path: Path) -> Reach:
    reader = TlogReader(path)
    try:
        summary = reader.summary()
    except HullscanError as error:
        return Reach(path.name, 0, None, damage=str(error))
    last_utc_s = summary.last_utc_s if summary.total else None
    return Reach(path.name, summary.total, last_utc_s, torn=reader.bad_runs > 0)


def _of_video(path: Path) -> Reach:
    """A picture counts that both the file and its index hold: without its time it has no place on the hull."""
    name = f"video/{path.name}"
    try:
        index, last_s = load_index(path), last_picture_s(path)
    except HullscanError as error:
        return Reach(name, 0, None, damage=str(error))
    last_ms = -1.0 if last_s is None else last_s * 1000
    held = [] if index is None else [entry for entry in index.entries if entry.pts_ms <= last_ms + 0.5]
    torn = index is None or index.torn > 0 or len(held) < len(index.entries)
    torn |= index is not None and not index_path(path).read_bytes().endswith(b"\n")
    return Reach(name, len(held), max((entry.utc_s for entry in held), default=None), torn)


def _of_database(path: Path) -> Reach:
    try:
        with closing(opened_read_only(path)) as connection:
            count, last_utc_s = connection.execute("SELECT count(*), max(utc_s) FROM looks").fetchone()
    except sqlite3.Error as error:
        return Reach(path.name, 0, None, damage=str(error))
    return Reach(path.name, int(count), last_utc_s)
