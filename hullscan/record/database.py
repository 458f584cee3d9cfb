"""The mission's database: looks, sightings, registration, results. Written while it happens, safe against kill -9.

SQLite in WAL mode; the schema's number stands in ``PRAGMA user_version`` and each migration has its place in a list.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from hullscan.errors import RecordError
from hullscan.findings.sightings import CONTRAST_GRID, Look, Sighting
from hullscan.geometry.track import ShipTrack

__all__ = ["MissionDatabase", "opened_read_only"]

_MIGRATIONS = [
    """
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE looks (
        utc_s REAL PRIMARY KEY, stream_s REAL NOT NULL, frame INTEGER NOT NULL, suspect INTEGER NOT NULL,
        leg INTEGER NOT NULL, contrast BLOB NOT NULL
    );
    CREATE TABLE sightings (
        id INTEGER PRIMARY KEY, utc_s REAL NOT NULL, stream_s REAL NOT NULL, frame INTEGER NOT NULL,
        label TEXT NOT NULL, score REAL NOT NULL,
        x0 REAL NOT NULL, y0 REAL NOT NULL, x1 REAL NOT NULL, y1 REAL NOT NULL,
        track INTEGER NOT NULL, cut INTEGER NOT NULL, suspect INTEGER NOT NULL
    );
    CREATE TABLE ship_track (
        utc_s REAL PRIMARY KEY, north_m REAL NOT NULL, east_m REAL NOT NULL, heading_rad REAL NOT NULL,
        down_m REAL NOT NULL, covariance TEXT NOT NULL
    );
    CREATE TABLE results (name TEXT PRIMARY KEY, json TEXT NOT NULL);
    """,
]


class MissionDatabase:
    """One mission's database; any thread may write.

    Args:
        path: made if it is not there.
        read_only: it must be there, and stays as it is to the last byte.

    Raises:
        RecordError: it cannot be opened.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path, self._read_only = path, read_only
        self._lock = threading.RLock()
        try:
            if read_only:
                self._connection = opened_read_only(path)
                return
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._migrate()
        except sqlite3.Error as error:
            raise RecordError(f"cannot open the mission's database: {error}", where=str(path)) from error

    def _migrate(self) -> None:
        version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
        if version > len(_MIGRATIONS):
            raise RecordError(
                f"the database has version {version}, this program knows {len(_MIGRATIONS)}",
                where=str(self.path),
                todo="use a newer hullscan",
            )
        for number, script in enumerate(_MIGRATIONS[version:], start=version + 1):
            self._connection.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")

    def close(self) -> None:
        """Write everything into the main file and close.

        On a full disk it stays in the ``-wal`` beside it, from where whoever opens the file reads it just the same.
        """
        with self._lock:
            with suppress(sqlite3.Error):
                if not self._read_only:
                    self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.close()

    def _write(self, *statements: tuple[str, Iterable[tuple[Any, ...]]]) -> None:
        """Execute (SQL, rows) in one transaction: all of it is stored or nothing."""
        try:
            with self._lock:
                self._connection.execute("BEGIN")
                try:
                    for sql, rows in statements:
                        self._connection.executemany(sql, rows)
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:  # SQLite rolls back by itself when the disk is full
                        self._connection.execute("ROLLBACK")
                    raise
        except sqlite3.Error as error:
            raise RecordError(f"cannot write to the mission's database: {error}", where=str(self.path)) from error

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._connection.execute(sql).fetchall()
        except sqlite3.Error as error:
            raise RecordError(f"cannot read the mission's database: {error}", where=str(self.path)) from error

    # ---------------------------------------------------------------- facts and results

    def set_fact(self, name: str, value: Any) -> None:
        """Remember a fact as JSON."""
        self._write(("INSERT OR REPLACE INTO facts VALUES (?, ?)", [(name, json.dumps(value))]))

    def facts(self) -> dict[str, Any]:
        """All facts."""
        return {name: json.loads(value) for name, value in self._rows("SELECT name, value FROM facts")}

    def set_result(self, name: str, content: dict[str, Any]) -> None:
        """Store the content of a result file."""
        self._write(("INSERT OR REPLACE INTO results VALUES (?, ?)", [(name, json.dumps(content))]))

    def result(self, name: str) -> dict[str, Any] | None:
        """Content of a result file, if there is one."""
        rows = [row for row in self._rows("SELECT name, json FROM results") if row[0] == name]
        return json.loads(rows[0][1]) if rows else None

    # ---------------------------------------------------------------- looks and sightings

    def add_look(self, look: Look, sightings: list[Sighting]) -> None:
        """Store one look with what was seen in it, both or neither."""
        blob = look.contrast.tobytes()
        row = (look.utc_s, look.stream_s, look.frame, int(look.suspect), look.leg, blob)
        sql = (
            "INSERT INTO sightings (utc_s, stream_s, frame, label, score, x0, y0, x1, y1, track, cut, suspect)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        self._write(
            ("INSERT OR REPLACE INTO looks VALUES (?, ?, ?, ?, ?, ?)", [row]),
            (sql, [_sighting_row(sighting) for sighting in sightings]),
        )

    def looks(self) -> list[Look]:
        """All looks in the order of time."""
        sql = "SELECT utc_s, stream_s, frame, suspect, leg, contrast FROM looks ORDER BY utc_s"
        return [
            Look(
                utc_s=utc_s,
                stream_s=stream_s,
                frame=frame,
                suspect=bool(suspect),
                leg=leg,
                contrast=np.frombuffer(blob, np.uint8).reshape(CONTRAST_GRID),
            )
            for utc_s, stream_s, frame, suspect, leg, blob in self._rows(sql)
        ]

    def sightings(self) -> list[Sighting]:
        """All sightings in the order of time."""
        columns = "utc_s, stream_s, frame, label, score, x0, y0, x1, y1, track, cut, suspect"
        return [
            Sighting(
                utc_s=row[0],
                stream_s=row[1],
                frame=row[2],
                label=row[3],
                score=row[4],
                box_xyxy_px=(row[5], row[6], row[7], row[8]),
                track=row[9],
                cut=bool(row[10]),
                suspect=bool(row[11]),
            )
            for row in self._rows(f"SELECT {columns} FROM sightings ORDER BY id")
        ]

    # ---------------------------------------------------------------- where the ship lay

    def set_ship_track(self, track: ShipTrack) -> None:
        """Store the registration; replaces what was stored."""
        rows = [
            (float(t), *(float(v) for v in pose), json.dumps(covariance.tolist()))
            for t, pose, covariance in zip(track.utc_s, track.poses, track.covariances, strict=True)
        ]
        self._write(
            ("DELETE FROM ship_track", [()]),
            ("INSERT INTO ship_track VALUES (?, ?, ?, ?, ?, ?)", rows),
        )

    def ship_track(self) -> ShipTrack | None:
        """The stored registration."""
        rows = self._rows("SELECT * FROM ship_track ORDER BY utc_s")
        if not rows:
            return None
        return ShipTrack(
            np.array([row[0] for row in rows]),
            np.array([row[1:5] for row in rows]),
            np.array([json.loads(row[5]) for row in rows]),
        )


def opened_read_only(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing, not even beside the file.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    # without immutable=1 even a reader writes files beside a database in WAL mode
    live = path.with_name(path.name + "-wal").exists()
    uri = f"{path.resolve().as_uri()}?mode=ro" + ("" if live else "&immutable=1")
    return sqlite3.connect(uri, uri=True, check_same_thread=False)


def _sighting_row(s: Sighting) -> tuple[Any, ...]:
    return (
        s.utc_s, s.stream_s, s.frame, s.label, s.score, *s.box_xyxy_px, s.track, int(s.cut), int(s.suspect),
    )  # fmt: skip
