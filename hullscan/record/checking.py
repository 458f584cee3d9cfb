"""Checking a mission folder: is everything there, unchanged, signed, and in the order in which it happened."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from hullscan.clock import utc_text
from hullscan.errors import InputError, RecordError, VideoError
from hullscan.record.bag import BAG_TAGS
from hullscan.record.database import opened_read_only
from hullscan.record.events import broken_links, read_events
from hullscan.record.folder import MissionFolder
from hullscan.record.reach import reaches
from hullscan.record.seal import (
    MANIFEST,
    PUBLIC_KEY,
    SEALS,
    SIGNATURE,
    SIGNERS,
    SIGNERS_PREFIX,
    VERIFY,
    digest,
    files_below,
    is_sealed,
)
from hullscan.record.signature import fingerprint, is_canonical, public_line, read_public_key, signed_by
from hullscan.record.timestamp import time_of
from hullscan.video.picture_hashes import check_pictures
from hullscan.words import mark

__all__ = ["Check", "check_folder"]

_READINGS = "-readings"  # ends the name of the folder beside the mission's
_SHOWN = 8  # numbers of lines in one message
_LINE = re.compile(r"([0-9a-f]{64}) [ *]?(.+)")  # a bag's own lists have one space
_RESULTS = ("findings.json", "coverage.json", "track.json", "summary.json", "report.html")
_DERIVED = ("report.html", "report.pdf", SIGNERS, PUBLIC_KEY, VERIFY)
"""What may differ between two seals of a folder: it is made again from the rest, or belongs to the seal."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        passed: None where it is only told, not judged.
        message: words for people, with ``data``.
    """

    passed: bool | None
    message: str
    data: dict[str, Any] = field(default_factory=dict)


def check_folder(path: Path, signer: Path | None = None, authority: Path | None = None) -> list[Check]:
    """Everything that can be said of a mission folder's integrity, or of a bag that holds one.

    Args:
        path: mission folder, a bag that ``hullscan export --format bag`` wrote, or the signed readings of a desk.
        signer: ``.pub`` file of the key that must have signed it.
        authority: PEM file of the authority whose time-stamp it must carry.

    Raises:
        RecordError: it is no mission folder.
        InputError: ``signer`` is no public key.
    """
    wanted = None if signer is None else fingerprint(read_public_key(_text(signer)))
    checks: list[Check] = []
    bagged = (path / "bagit.txt").is_file()
    if bagged:
        checks += _bag(path, wanted)
        checks += _time(path / BAG_TAGS, authority)
        path = path / "data"
    if (path / "readings.json").is_file() and is_sealed(path):
        checks += [*_manifest(path), *_signature(path / MANIFEST, wanted), *_chain(path / "audit.jsonl")]
        return [*checks, *_of_mission(path)]
    folder = MissionFolder.with_findings(path)
    if not folder.placed and is_sealed(path):  # of a video or photographs alone: there is nothing but results
        own = None if bagged else authority
        return [*checks, *_manifest(path), *_signature(path / MANIFEST, wanted), *_time(path / MANIFEST, own)]
    if is_sealed(path):
        checks += _manifest(path)
        checks += _signature(path / MANIFEST, wanted)
        checks += _time(path / MANIFEST, None if bagged else authority)
        checks += _earlier_seals(path)
    else:
        checks.append(Check(False, mark("not sealed: the mission was cut off, or was flown without a seal")))
        checks += _reached(folder)
    checks += _chain(folder.events)
    checks += _segments(folder)
    checks += _database(folder)
    return checks


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}", todo="give the .pub file of an Ed25519 key") from error


def _listed(manifest: Path) -> dict[str, str]:
    """Hash by name; names that lead out of the folder are refused.

    Raises:
        RecordError: it is no list of hashes.
    """
    listed = {}
    try:
        text = manifest.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise RecordError(f"cannot read {manifest}: {error.strerror}") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if not line:
            continue
        matched = _LINE.fullmatch(line)
        name = PurePosixPath(matched[2]) if matched else None
        if matched is None or name is None or name.is_absolute() or ".." in name.parts:
            raise RecordError("this line is no hash with a name", where=f"{manifest}:{number}")
        listed[matched[2]] = matched[1]
    return listed


def _manifest(path: Path) -> Iterator[Check]:
    try:
        listed = _listed(path / MANIFEST)
    except RecordError as error:
        yield Check(False, mark("the list of hashes is damaged: {words}"), {"words": str(error)})
        return
    checks = list(_differing(path, listed))
    good = checks.count(None)
    yield from (check for check in checks if check is not None)
    for name in sorted(set(files_below(path)) - set(listed)):
        yield Check(False, mark("added since it was sealed: {file}"), {"file": name})
    data = {"good": good, "files": len(listed)}
    yield Check(good == len(listed), mark("{good} of {files} files are as sealed"), data)


def _differing(path: Path, listed: dict[str, str]) -> Iterator[Check | None]:
    """For each file of a list what is wrong with it, or None."""
    for name, wanted in listed.items():
        data = {"file": name}
        try:
            if not (path / name).is_file():
                yield Check(False, mark("missing: {file}"), data)
            elif digest(path / name) != wanted:
                yield Check(False, mark("changed since it was sealed: {file}"), data)
            else:
                yield None
        except OSError as error:
            yield Check(False, mark("cannot be read: {file}, {words}"), {**data, "words": str(error.strerror)})


def _bag(path: Path, wanted: str | None) -> Iterator[Check]:
    import bagit

    try:
        bag = bagit.Bag(str(path))
        bag.validate()
    except (bagit.BagError, OSError, ValueError) as error:
        for detail in getattr(error, "details", None) or [error]:
            yield Check(False, mark("the bag is not whole: {words}"), {"words": str(detail)})
        if not getattr(error, "details", None):  # it could not even be read: which of its lists was changed
            with suppress(RecordError):  # the signature says it
                yield from filter(None, _differing(path, _listed(path / BAG_TAGS)))
    else:
        yield Check(True, mark("the bag is complete and every hash in it fits"))
    yield from _signature(path / BAG_TAGS, wanted)


def _signature(signed: Path, wanted: str | None) -> Iterator[Check]:
    """The signature beside a list of hashes."""
    try:
        armoured = signed.with_name(f"{signed.name}.sig").read_text(encoding="ascii", errors="replace")
    except OSError:
        yield Check(False, mark("the list of hashes is not signed"))
        return
    try:
        found = fingerprint(signed_by(signed.read_bytes(), armoured))
    except (InputError, OSError) as error:
        data = {"file": signed.name, "signature": f"{signed.name}.sig", "words": str(error)}
        yield Check(False, mark("the signature of the list is not valid: {file}, {signature}: {words}"), data)
        return
    if not is_canonical(armoured):
        yield Check(False, mark("changed since it was sealed: {file}"), {"file": f"{signed.name}.sig"})
    yield Check(True, mark("the list is signed by key {key}"), {"key": found})
    yield from _signer_files(signed.parent, found)
    if wanted is None:
        yield Check(None, mark("compare that key's fingerprint with the operator's, or give --signer"))
    elif found != wanted:
        yield Check(False, mark("that is not the key that was asked for: {key}"), {"key": wanted})


def _time(manifest: Path, authority: Path | None) -> Iterator[Check]:
    """The time-stamp beside a list of hashes; one that was asked for must be there."""
    try:
        utc = time_of(manifest, authority)
    except InputError as error:
        yield Check(False, mark("the time-stamp does not hold: {words}"), {"words": str(error)})
        return
    if utc is None:
        if authority is not None:
            yield Check(False, mark("there is no time-stamp of the list"))
        return
    data = {"utc": utc}
    if authority is None:
        yield Check(None, mark("a time-stamp says {utc}; its authority was not checked, give --time-authority"), data)
    else:
        yield Check(True, mark("the list was there at {utc}, says that time-stamping authority"), data)


def _signer_files(path: Path, found: str) -> Iterator[Check]:
    """Whoever checks without this program takes the key from these files: they must hold the one that signed."""
    for name, prefix in ((PUBLIC_KEY, ""), (SIGNERS, SIGNERS_PREFIX)):
        try:
            text = (path / name).read_text(encoding="ascii")
            same = text.startswith(prefix) and fingerprint(read_public_key(text[len(prefix) :])) == found
            same &= text == f"{prefix}{public_line(read_public_key(text[len(prefix) :]))}\n"
        except FileNotFoundError:
            continue  # said where the list has it; readings are signed without
        except (InputError, OSError, ValueError):
            same = False
        if not same:
            yield Check(False, mark("{file} does not hold the key that signed the list"), {"file": name})


def _earlier_seals(path: Path) -> Iterator[Check]:
    """Each seal before is signed, and what was recorded is the same in it as in the newest one."""
    try:
        newest = _listed(path / MANIFEST)
    except RecordError:
        return  # said already
    for kept in sorted(path.glob(f"{SEALS}/*")):
        data = {"seal": kept.name}
        try:
            before = _listed(kept / MANIFEST)
            signed_by((kept / MANIFEST).read_bytes(), (kept / SIGNATURE).read_text(encoding="ascii"))
        except (InputError, RecordError, OSError, ValueError):
            yield Check(False, mark("the earlier seal {seal} is damaged or not signed"), data)
            continue
        differ = [name for name, was in before.items() if name not in _DERIVED and newest.get(name) != was]
        for name in differ:
            yield Check(False, mark("changed since seal {seal}: {file}"), {**data, "file": name})
        if not differ:
            yield Check(True, mark("all that was recorded is as in the earlier seal {seal}"), data)


def _chain(log: Path) -> Iterator[Check]:
    if not log.is_file():
        yield Check(None, mark("no log of events: these are results of an analysis"))
        return
    lines, broken = broken_links(log)
    if broken:
        shown = ", ".join(str(number) for number in broken[:_SHOWN]) + (", ..." if len(broken) > _SHOWN else "")
        data = {"lines": shown, "count": len(broken)}
        yield Check(False, mark("the chain of events is broken in {count} lines: {lines}"), data)
    if not broken:
        yield Check(True, mark("{lines} events, each holding the hash of the one before"), {"lines": lines})


def _segments(folder: MissionFolder) -> Iterator[Check]:
    """Video files against the hashes that were taken when they were closed."""
    told: dict[str, str] = {}
    for event in read_events(folder.events):
        data = event.get("data")
        if event.get("kind") == "segment" and isinstance(data, dict):
            told |= {str(name): str(value) for name, value in dict(data.get("sha256") or {}).items()}
    for name, wanted in told.items():
        path = folder.path / name
        if not path.resolve().is_relative_to(folder.path.resolve()) or not path.is_file():
            yield Check(False, mark("recorded, but missing: {file}"), {"file": name})
        elif digest(path) != wanted:
            yield Check(False, mark("changed since it was recorded: {file}"), {"file": name})
            yield from _pictures(path, name)
    open_ended = sorted(
        f"video/{path.name}" for path in folder.video.glob("*.mkv") if f"video/{path.name}" not in told
    ) if folder.video.is_dir() else []  # fmt: skip
    for name in open_ended:
        yield Check(False, mark("cut off while it was recorded: {file}"), {"file": name})
        yield from _pictures(folder.path / name, name)
    if told:
        words = mark("{files} video files and indices were hashed when they were closed")
        yield Check(True, words, {"files": len(told)})


def _pictures(video: Path, name: str) -> Iterator[Check]:
    """Which pictures of a file that is not as it was closed are as the camera sent them all the same."""
    try:
        found = check_pictures(video) if video.suffix == ".mkv" else None
    except VideoError as error:
        yield Check(False, mark("cannot be read: {file}, {words}"), {"file": name, "words": str(error)})
        return
    if found is None:
        return
    data = {"file": name, "good": found.good, "lost": found.missing}
    message = mark("{file}: {good} pictures are as they were recorded, {lost} of the index are not in it")
    yield Check(None, message, data)
    if found.changed:
        shown = ", ".join(map(str, found.changed[:_SHOWN])) + (", ..." if len(found.changed) > _SHOWN else "")
        message = mark("{file}: {count} pictures were changed, by their numbers: {pictures}")
        yield Check(False, message, {"file": name, "count": len(found.changed), "pictures": shown})


def _of_mission(readings: Path) -> Iterator[Check]:
    """Whether the mission beside signed readings is the one that they name, by the hash of its list."""
    mission = readings.resolve().parent
    mission = mission.with_name(mission.name.removesuffix(_READINGS))
    if not is_sealed(mission) or mission.name == readings.resolve().parent.name:
        yield Check(None, mark("the mission that was read does not lie beside its readings"))
        return
    try:
        named = json.loads((readings / "readings.json").read_text(encoding="utf-8"))["mission_seal_sha256"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        yield Check(False, mark("cannot be read: {file}, {words}"), {"file": "readings.json", "words": str(error)})
        return
    seals = [mission / MANIFEST, *mission.glob(f"{SEALS}/*/{MANIFEST}")]
    good = named in [digest(each) for each in seals]
    message = mark("the readings name this mission by the hash of its list: {mission}")
    if not good:
        message = mark("the readings are of another mission than the one beside them: {mission}")
    yield Check(good, message, {"mission": mission.name})


def _database(folder: MissionFolder) -> Iterator[Check]:
    name = folder.database.name
    if not folder.database.is_file():
        yield Check(False, mark("missing: {file}"), {"file": name})
        return
    try:
        with closing(opened_read_only(folder.database)) as connection:
            rows = connection.execute("PRAGMA integrity_check").fetchall()
    except sqlite3.Error as error:
        yield Check(False, mark("the database is damaged: {file}: {words}"), {"file": name, "words": str(error)})
        return
    found = "; ".join(str(row[0]) for row in rows[:3])
    if found == "ok":
        yield Check(True, mark("the database is whole"))
    else:
        yield Check(False, mark("the database is damaged: {file}: {words}"), {"file": name, "words": found})


def _reached(folder: MissionFolder) -> Iterator[Check]:
    """Of a mission that was cut off: how far each recording reaches, and which results were never written."""
    found = list(reaches(folder))
    end_s = max((reach.last_utc_s for reach in found if reach.last_utc_s is not None), default=0.0)
    for reach in found:
        data: dict[str, Any] = {"file": reach.file, "records": reach.records}
        if reach.damage:
            yield Check(False, mark("cannot be read: {file}, {words}"), {**data, "words": reach.damage})
        elif reach.last_utc_s is None:
            yield Check(False, mark("{file} holds no whole record"), data)
        else:
            data |= {"utc": utc_text(reach.last_utc_s), "short": end_s - reach.last_utc_s}
            message = mark("{file}: {records} records, the last of {utc}, {short:.1f} s before the end of all")
            if reach.closed:
                message = mark("{file}: {records} records, the last of {utc}, closed")
            yield Check(None, message, data)
        if reach.torn:
            yield Check(False, mark("cut off in its last record: {file}"), data)
    for expected in (folder.events, folder.telemetry, folder.dvl):
        if not expected.is_file():
            yield Check(False, mark("missing: {file}"), {"file": expected.name})
    results = [name for name in _RESULTS if not (folder.path / name).is_file()]
    if results:
        message = mark("never written: {files}; hullscan analyze makes them from the recording")
        yield Check(False, message, {"files": ", ".join(results)})
