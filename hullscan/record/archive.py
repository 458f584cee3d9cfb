"""An archive: a folder of signed bags, one a mission."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hullscan.errors import InputError, RecordError
from hullscan.record.bag import write_bag, write_readings_bag
from hullscan.record.folder import MissionFolder
from hullscan.record.results import read_result

__all__ = ["Archived", "add_to_archive", "archived"]


@dataclass(frozen=True, slots=True)
class Archived:
    """One mission of an archive.

    Attributes:
        damage: why it cannot be read; empty if it can.
    """

    path: Path
    ship: str = ""
    mission: str = ""
    start_utc: str = ""
    outcome: str = ""
    findings: int = 0
    seen_m2: float = 0.0
    duration_s: float = 0.0
    damage: str = ""


def add_to_archive(archive: Path, folder: MissionFolder, seal_key: Path) -> Path:
    """Copy a mission into an archive as a signed bag, and its readings, where they are signed off, as a second one.

    Raises:
        RecordError: it is there already, or cannot be written.
    """
    try:
        archive.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordError(f"cannot make the archive: {error.strerror}", where=str(archive)) from error
    bag = write_bag(folder, archive, seal_key)
    write_readings_bag(folder, bag, seal_key)
    return bag


def archived(archive: Path) -> Iterator[Archived]:
    """The missions of an archive, bags and plain folders, by name; damaged ones are told as such.

    Raises:
        InputError: there is no such folder.
    """
    if not archive.is_dir():
        raise InputError(f"there is no archive {archive}", todo="make one with hullscan archive add")
    for path in sorted(archive.iterdir()):
        home = MissionFolder.inside(path)
        if (home / "mission.yaml").is_file():
            yield _read(path, home)


def _read(path: Path, home: Path) -> Archived:
    try:
        summary, coverage = read_result(home / "summary.json"), read_result(home / "coverage.json")
        return Archived(
            path=path,
            ship=_text(summary, "ship"),
            mission=_text(summary, "mission"),
            start_utc=_text(summary, "start_utc"),
            outcome=_text(summary, "outcome"),
            findings=int(summary["findings"]),
            seen_m2=float(coverage["seen_area_m2"]),
            duration_s=float(summary.get("duration_s") or 0.0),
        )
    except RecordError as error:
        return Archived(path, damage=str(error))
    except (LookupError, TypeError, ValueError) as error:
        return Archived(path, damage=f"its results are incomplete: {error}")


def _text(summary: dict[str, Any], key: str) -> str:
    return str(summary.get(key) or "")
