"""Verdicts on the disk, beside the mission that they are about, which itself is never touched.

``NAME-readings/`` holds ``readings.sqlite`` (the worklist, and every verdict and signature in the transaction that
accepts it, synced to the disk), ``media/`` with the pictures of what was mixed in, and an audit log chained like the
mission's events. Signing off writes ``signed/`` (see ``signing``).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from hullscan.clock import Clock
from hullscan.errors import InputError, RecordError
from hullscan.record.events import EventLog
from hullscan.record.folder import MissionFolder
from hullscan.record.verdicts import readings_path
from hullscan.review.procedure import Reading, Verdict, may_read
from hullscan.review.sea_chests import ChestSignature
from hullscan.review.worklist import Place

__all__ = ["ReadingsStore"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS readings (
    place TEXT NOT NULL, reader TEXT NOT NULL, verdict TEXT NOT NULL, confidence INTEGER NOT NULL, note TEXT NOT NULL,
    looked_s REAL NOT NULL, utc_s REAL NOT NULL, PRIMARY KEY (place, reader)
);
CREATE TABLE IF NOT EXISTS signed_off (reader TEXT NOT NULL, utc_s REAL NOT NULL);
CREATE TABLE IF NOT EXISTS worklist (place TEXT PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sea_chests (
    chest TEXT PRIMARY KEY, reader TEXT NOT NULL, clear INTEGER NOT NULL, note TEXT NOT NULL, looked_s REAL NOT NULL,
    utc_s REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS barred (reader TEXT PRIMARY KEY, why TEXT NOT NULL);
"""
_SCHEMA_VERSION = 3


class ReadingsStore:
    """The readings of one mission; any thread may use it.

    Args:
        mission: the folder that is read.
        clock: of the desk.

    Raises:
        RecordError: the readings beside it cannot be opened or written.
    """

    def __init__(self, mission: MissionFolder, clock: Clock) -> None:
        self.path = readings_path(mission.path)
        self._lock = threading.RLock()
        self._readings: dict[str, list[Reading]] | None = None
        self._barred: dict[str, tuple[str, str]] | None = None
        self._signed_rows: list[Any] | None = None
        self._chests: dict[str, ChestSignature] | None = None
        self._places: frozenset[str] = frozenset()
        try:
            self.path.mkdir(exist_ok=True)
            self._database = sqlite3.connect(
                self.path / "readings.sqlite", check_same_thread=False, isolation_level=None
            )
            # a verdict that was acknowledged survives a loss of power
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_SCHEMA)
            self._database.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")
        except (OSError, sqlite3.Error) as error:
            raise RecordError(f"cannot open the readings: {error}", where=str(self.path)) from error
        self._audit = EventLog(self.path / "audit.jsonl", clock)

    def close(self) -> None:
        """Write everything into the main file and close."""
        with self._lock:
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._database.close()
            self._audit.close()

    def audit(self, kind: str, data: dict[str, Any], *, sync: bool = True) -> None:
        """Note who did or tried what; a view, which many come of, need not be on the disk before it is shown."""
        self._audit.add(kind, kind, data, sync=sync)

    # ---------------------------------------------------------------- the worklist

    def worklist(self, findings_sha256: str) -> dict[str, Place] | None:
        """What is to be read, by name in the order of the queue; None before it was made.

        Raises:
            RecordError: it is of other findings, or damaged.
        """
        rows = self._rows("SELECT content FROM worklist ORDER BY rowid")
        made_from = dict(self._rows("SELECT name, value FROM facts")).get("findings_sha256")
        if made_from is None:
            return None
        if made_from != findings_sha256:
            raise RecordError(
                "the readings are of other findings than the mission has now",
                where=str(self.path),
                todo="move them away",
            )
        try:
            places = [Place.from_json(json.loads(content)) for (content,) in rows]
        except (ValueError, LookupError, TypeError) as error:
            raise RecordError(f"the worklist is damaged: {error}", where=str(self.path)) from error
        self._places = frozenset(place.identity for place in places)
        return {place.identity: place for place in places}

    def keep_worklist(self, places: list[Place], findings_sha256: str) -> None:
        """Keep what is to be read, once and for all."""
        rows = [(place.identity, json.dumps(place.to_json())) for place in places]
        self._write(
            ("INSERT INTO worklist VALUES (?, ?)", rows),
            ("INSERT INTO facts VALUES (?, ?)", [("findings_sha256", findings_sha256)]),
        )

    # ---------------------------------------------------------------- who may not read

    def bar(self, reader: str, why: str) -> None:
        """Somebody does not read this mission, once and for all: they know too much of it. Case makes no other name.

        Args:
            why: words for people.
        """
        with self._lock:
            if reader.casefold() not in self.barred():
                self._write(("INSERT INTO barred VALUES (?, ?)", [(reader, why)]))
                self._barred = None
                self.audit("barred", {"reader": reader, "why": why})

    def barred(self) -> dict[str, tuple[str, str]]:
        """Who does not read, and why, by name without case."""
        with self._lock:
            if self._barred is None:
                rows = self._rows("SELECT reader, why FROM barred ORDER BY rowid")
                self._barred = {reader.casefold(): (reader, why) for reader, why in rows}
            return self._barred

    def asks(self, reader: str, readings: Sequence[Reading]) -> bool:
        """Whether this reader is asked to read a place with these readings."""
        return may_read(reader, readings) and reader.casefold() not in self.barred()

    # ---------------------------------------------------------------- readings

    def of(self, place: str) -> list[Reading]:
        """The readings of a place in the order in which they were given."""
        return list(self.all().get(place, []))

    def all(self) -> dict[str, list[Reading]]:
        """Readings by place, each in the order in which they were given."""
        with self._lock:
            if self._readings is None:
                self._readings = {}
                for place, reader, verdict, confidence, note, looked_s, utc_s in self._rows(
                    "SELECT place, reader, verdict, confidence, note, looked_s, utc_s FROM readings ORDER BY rowid"
                ):
                    reading = Reading(
                        reader=reader, verdict=Verdict(verdict), confidence=confidence, note=note, looked_s=looked_s,
                        utc_s=utc_s,
                    )  # fmt: skip
                    self._readings.setdefault(place, []).append(reading)
            return {place: list(given) for place, given in self._readings.items()}

    def add(self, place: str, reading: Reading) -> None:
        """Accept a verdict, if the rules still allow it at this very moment.

        Raises:
            InputError: the place is closed, was read by this reader, or the mission is signed off.
            RecordError: it cannot be written.
        """
        with self._lock:
            self._require_open()
            if place not in self._places:
                raise InputError("there is no such place")
            if not self.asks(reading.reader, self.of(place)):
                raise InputError("this place is not yours to read any more")
            row = (
                place, reading.reader, reading.verdict.value, reading.confidence, reading.note, reading.looked_s,
                reading.utc_s,
            )  # fmt: skip
            self._write(("INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?)", [row]))
            self._readings = None
            self.audit("verdict", {"reader": reading.reader, "place": place, "verdict": reading.verdict.value})

    # ---------------------------------------------------------------- sea chests

    def chest_signatures(self) -> dict[str, ChestSignature]:
        """Who signed for which sea chest."""
        with self._lock:
            if self._chests is None:
                rows = self._rows("SELECT chest, reader, clear, note, looked_s, utc_s FROM sea_chests")
                self._chests = {row[0]: ChestSignature(row[1], bool(row[2]), row[3], row[4], row[5]) for row in rows}
            return dict(self._chests)

    def sign_chest(self, chest: str, signature: ChestSignature) -> None:
        """Accept a signature for a sea chest, once.

        Raises:
            InputError: it is signed, or the mission is signed off.
            RecordError: it cannot be written.
        """
        with self._lock:
            self._require_open()
            if chest in self.chest_signatures():
                raise InputError("this sea chest is signed for already")
            row = (
                chest, signature.reader, int(signature.clear), signature.note, signature.looked_s, signature.utc_s,
            )  # fmt: skip
            self._write(("INSERT INTO sea_chests VALUES (?, ?, ?, ?, ?, ?)", [row]))
            self._chests = None
            self.audit("sea chest", {"reader": signature.reader, "chest": chest, "clear": signature.clear})

    # ---------------------------------------------------------------- the end

    def signed_off(self) -> tuple[str, float] | None:
        """Who signed the mission off, and when."""
        with self._lock:
            if self._signed_rows is None:
                self._signed_rows = self._rows("SELECT reader, utc_s FROM signed_off")
            rows = self._signed_rows
        return (str(rows[0][0]), float(rows[0][1])) if rows else None

    def close_reading(self, reader: str, utc_s: float) -> None:
        """From now on no verdict is taken."""
        with self._lock:
            self._write(("INSERT INTO signed_off VALUES (?, ?)", [(reader, utc_s)]))
            self._signed_rows = None
        self.audit("signed off", {"reader": reader})

    @property
    def lock(self) -> threading.RLock:
        """Held while nothing may change."""
        return self._lock

    def copy_to(self, target: Path) -> None:
        """A copy of the database.

        Raises:
            sqlite3.Error: it cannot be written.
        """
        with closing(sqlite3.connect(target)) as copy:
            self._database.backup(copy)

    def _require_open(self) -> None:
        if self.signed_off() is not None:
            raise InputError("the mission is signed off")

    def _rows(self, sql: str) -> list[Any]:
        try:
            with self._lock:
                return self._database.execute(sql).fetchall()
        except sqlite3.Error as error:
            raise RecordError(f"cannot read the readings: {error}", where=str(self.path)) from error

    def _write(self, *statements: tuple[str, list[tuple[Any, ...]]]) -> None:
        with self._lock:
            try:
                self._database.execute("BEGIN IMMEDIATE")
                for sql, rows in statements:
                    self._database.executemany(sql, rows)
                self._database.execute("COMMIT")
            except sqlite3.Error as error:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise RecordError(f"cannot write the readings: {error}", where=str(self.path)) from error
