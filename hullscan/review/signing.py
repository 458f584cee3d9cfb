"""Signing off: what the reading came to, sealed, naming the mission's own seal by its hash."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hullscan import __version__
from hullscan.clock import Clock, utc_text
from hullscan.errors import InputError, RecordError
from hullscan.record.seal import MANIFEST, digest, is_sealed, seal
from hullscan.review.measures import measure
from hullscan.review.places import DeskMission
from hullscan.review.procedure import Reading, Standing, standing
from hullscan.review.sea_chests import missing_for
from hullscan.review.worklist import Kind, Place

__all__ = ["not_clear", "sign_off"]


def sign_off(mission: DeskMission, reader: str, key: Ed25519PrivateKey, clock: Clock) -> Path:
    """Close the reading: every place has an end; write the result and seal it.

    Returns:
        The sealed folder.

    Raises:
        InputError: a place is still open, or it is signed off already.
        RecordError: something cannot be written.
    """
    store = mission.store
    with store.lock:
        if store.signed_off() is not None:
            raise InputError("the mission is signed off")
        readings = store.all()
        left = [place for place in mission.places if not standing(readings.get(place, [])).closed]
        if left:
            raise InputError(f"{len(left)} places are not closed yet: {', '.join(left[:5])}")
        now_s = clock.now()
        store.close_reading(reader, now_s)
        signed = store.path / "signed"
        try:
            signed.mkdir()
            text = json.dumps(_result(mission, readings, reader, now_s), indent=1, ensure_ascii=False)
            (signed / "readings.json").write_text(text, encoding="utf-8", errors="backslashreplace")
            shutil.copyfile(store.path / "audit.jsonl", signed / "audit.jsonl")
            store.copy_to(signed / "readings.sqlite")
        except (OSError, sqlite3.Error) as error:
            raise RecordError(f"cannot write the result: {error}", where=str(signed)) from error
        seal(signed, key)
        return signed


def not_clear(mission: DeskMission, readings: dict[str, list[Reading]]) -> list[tuple[str, str]]:
    """Why the ship may not be called clear: (place or sea chest, why), words for people; empty if she may."""
    reasons = []
    for place in mission.places.values():
        at = standing(readings.get(place.identity, []))
        if place.kind is not Kind.PLANTED and at is not Standing.REJECTED:
            reasons.append((place.identity, at.value))
    signatures = mission.store.chest_signatures()
    for chest in mission.chests.values():
        reasons += [(chest.identity, why) for why in missing_for(chest, signatures.get(chest.identity))]
    return reasons


def _result(mission: DeskMission, readings: dict[str, list[Reading]], reader: str, now_s: float) -> dict[str, Any]:
    folder, places = mission.folder.path, list(mission.places.values())
    signatures = mission.store.chest_signatures()
    readers = sorted({each.reader for given in readings.values() for each in given})
    why_not = not_clear(mission, readings)
    return {
        "schema": "hullscan.readings/1",
        "mission_folder": folder.resolve().name,
        "mission_seal_sha256": digest(folder / MANIFEST) if is_sealed(folder) else None,
        "findings_sha256": digest(folder / "findings.json"),
        "signed_off_by": reader,
        "signed_off_utc": utc_text(now_s),
        "software": f"hullscan {__version__}",
        "clear": not why_not,
        "not_clear": [{"id": identity, "why": why} for identity, why in why_not],
        # what was planted is no part of the mission, and stands apart from what was found on the ship
        "places": [_told(place, readings) for place in places if place.kind is not Kind.PLANTED],
        "planted": [_told(place, readings) for place in places if place.kind is Kind.PLANTED],
        "sea_chests": [
            {
                "id": chest.identity, "side": chest.side, "station_m": chest.station_m, "depth_m": chest.depth_m,
                "dwell_s": chest.dwell_s, "nearest_m": None if chest.nearest_m is None else round(chest.nearest_m, 2),
                "signed_by": None if (by := signatures.get(chest.identity)) is None else by.reader,
                "clear": None if by is None else by.clear, "note": None if by is None else by.note,
            }
            for chest in mission.chests.values()
        ],
        "readers": [
            {
                "reader": name, "planted": score.planted, "hits": score.hits, "bare": score.bare,
                "false_calls": score.false_calls, "median_looked_s": score.looked_s,
                "d_prime": None if score.d_prime is None else round(score.d_prime, 2),
            }
            for name, score in ((name, measure(name, places, readings)) for name in readers)
        ],
    }  # fmt: skip


def _told(place: Place, readings: dict[str, list[Reading]]) -> dict[str, Any]:
    given = readings.get(place.identity, [])
    told = {
        "id": place.finding["id"],
        "place": place.identity,
        "kind": place.kind.value,
        "standing": standing(given).value,
        "readings": [
            {
                "reader": each.reader, "verdict": each.verdict.value, "confidence": each.confidence, "note": each.note,
                "looked_s": round(each.looked_s, 1), "utc": utc_text(each.utc_s),
            }
            for each in given
        ],
    }  # fmt: skip
    if place.kind is Kind.SAMPLE:
        told["finding"] = place.finding  # findings.json does not have it
    return told
