"""Verdicts on the disk, beside the mission that they are about, which itself is never touched.

``NAME-readings/`` holds ``readings.sqlite`` (every verdict in the transaction that accepts it, synced to the disk) and
an audit log chained like the mission's events. Signing off copies both into ``signed/``, with a ``readings.json`` that
names the mission's seal by its hash, and seals that folder with the desk's key.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hullscan import __version__
from hullscan.clock import Clock, utc_text
from hullscan.errors import InputError, RecordError
from hullscan.record.events import EventLog
from hullscan.record.folder import MissionFolder
from hullscan.record.seal import MANIFEST, digest, is_sealed, seal
from hullscan.review.procedure import Reading, Verdict, may_read, standing

__all__ = ["ReadingsStore"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS readings (
    place TEXT NOT NULL, reader TEXT NOT NULL, verdict TEXT NOT NULL, confidence INTEGER NOT NULL, note TEXT NOT NULL,
    looked_s REAL NOT NULL, utc_s REAL NOT NULL, PRIMARY KEY (place, reader)
);
CREATE TABLE IF NOT EXISTS signed_off (reader TEXT NOT NULL, utc_s REAL NOT NULL);
"""
_SCHEMA_VERSION = 1


class ReadingsStore:
    """The readings of one mission; any thread may use it.

    Args:
        mission: the folder that is read.
        places: identities of what is to be read, in the order of the queue.
        clock: of the desk.

    Raises:
        RecordError: the readings beside it cannot be opened or written.
    """

    def __init__(self, mission: MissionFolder, places: list[str], clock: Clock) -> None:
        home = mission.path.resolve()
        self.path = home.with_name(home.name + "-readings")
        self._mission, self.places, self._clock = mission, places, clock
        self._lock = threading.RLock()
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

    def audit(self, kind: str, data: dict[str, Any]) -> None:
        """Note who did or tried what."""
        self._audit.add(kind, kind, data)

    def of(self, place: str) -> list[Reading]:
        """The readings of a place in the order in which they were given."""
        return self.all().get(place, [])

    def all(self) -> dict[str, list[Reading]]:
        """Readings by place, each in the order in which they were given."""
        try:
            with self._lock:
                rows = self._database.execute(
                    "SELECT place, reader, verdict, confidence, note, looked_s, utc_s FROM readings ORDER BY rowid"
                ).fetchall()
        except sqlite3.Error as error:
            raise RecordError(f"cannot read the readings: {error}", where=str(self.path)) from error
        found: dict[str, list[Reading]] = {}
        for place, reader, verdict, confidence, note, looked_s, utc_s in rows:
            reading = Reading(
                reader=reader,
                verdict=Verdict(verdict),
                confidence=confidence,
                note=note,
                looked_s=looked_s,
                utc_s=utc_s,
            )
            found.setdefault(place, []).append(reading)
        return found

    def add(self, place: str, reading: Reading) -> None:
        """Accept a verdict, if the rules still allow it at this very moment.

        Raises:
            InputError: the place is closed, was read by this reader, or the mission is signed off.
            RecordError: it cannot be written.
        """
        with self._lock:
            if self.signed_off() is not None:
                raise InputError("the mission is signed off")
            if place not in self.places:
                raise InputError("there is no such place")
            if not may_read(reading.reader, self.of(place)):
                raise InputError("this place is not yours to read any more")
            row = (
                place,
                reading.reader,
                reading.verdict.value,
                reading.confidence,
                reading.note,
                reading.looked_s,
                reading.utc_s,
            )
            self._write("INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            self.audit("verdict", {"reader": reading.reader, "place": place, "verdict": reading.verdict.value})

    def _write(self, sql: str, row: tuple[Any, ...]) -> None:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute(sql, row)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise RecordError(f"cannot write the readings: {error}", where=str(self.path)) from error

    def signed_off(self) -> tuple[str, float] | None:
        """Who signed the mission off, and when."""
        with self._lock:
            row = self._database.execute("SELECT reader, utc_s FROM signed_off").fetchone()
        return None if row is None else (str(row[0]), float(row[1]))

    def sign_off(self, reader: str, key: Ed25519PrivateKey) -> Path:
        """Close the reading: every place has an end; write the result and seal it.

        Returns:
            The sealed folder.

        Raises:
            InputError: a place is still open, or it is signed off already.
            RecordError: something cannot be written.
        """
        with self._lock:
            if self.signed_off() is not None:
                raise InputError("the mission is signed off")
            readings = self.all()
            left = [place for place in self.places if not standing(readings.get(place, [])).closed]
            if left:
                raise InputError(f"{len(left)} places are not closed yet: {', '.join(left[:5])}")
            now_s = self._clock.now()
            self._write("INSERT INTO signed_off VALUES (?, ?)", (reader, now_s))
            self.audit("signed off", {"reader": reader})
            signed = self.path / "signed"
            try:
                signed.mkdir()
                text = json.dumps(self._result(readings, reader, now_s), indent=1, ensure_ascii=False)
                (signed / "readings.json").write_text(text, encoding="utf-8", errors="backslashreplace")
                shutil.copyfile(self.path / "audit.jsonl", signed / "audit.jsonl")
                with closing(sqlite3.connect(signed / "readings.sqlite")) as copy:
                    self._database.backup(copy)
            except (OSError, sqlite3.Error) as error:
                raise RecordError(f"cannot write the result: {error}", where=str(signed)) from error
            seal(signed, key)
            return signed

    def _result(self, readings: dict[str, list[Reading]], reader: str, now_s: float) -> dict[str, Any]:
        mission = self._mission.path
        return {
            "schema": "hullscan.readings/1",
            "mission_folder": mission.resolve().name,
            "mission_seal_sha256": digest(mission / MANIFEST) if is_sealed(mission) else None,
            "signed_off_by": reader,
            "signed_off_utc": utc_text(now_s),
            "software": f"hullscan {__version__}",
            "places": [
                {
                    "id": place,
                    "standing": standing(readings.get(place, [])).value,
                    "readings": [
                        {
                            "reader": each.reader,
                            "verdict": each.verdict.value,
                            "confidence": each.confidence,
                            "note": each.note,
                            "looked_s": round(each.looked_s, 1),
                            "utc": utc_text(each.utc_s),
                        }
                        for each in readings.get(place, [])
                    ],
                }
                for place in self.places
            ],
        }
