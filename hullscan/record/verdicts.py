"""What people made of a mission: the signed readings beside its folder, for everything that tells of its findings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hullscan.errors import RecordError
from hullscan.record.folder import MissionFolder
from hullscan.record.results import read_result
from hullscan.record.seal import digest

__all__ = ["Verdicts", "judged_findings", "read_findings", "read_verdicts", "readings_path"]

_ENDS: Final = ("confirmed", "rejected", "escalated")


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The end of a reading.

    Attributes:
        standing: confirmed, rejected or escalated, by the finding's identity.
        found_by_readers: findings that the detector did not make: unflagged hull that readers confirmed or escalated.
        bare_pictures: of unflagged hull that readers called harmless, files below the readings' folder.
        clear: the ship may be called clear: nothing suspicious is left, every sea chest is signed for.
        not_clear: (place or sea chest, why).
        readers: who read.
        chests_clear: sea chests that somebody looked into and signed for as clear.
    """

    standing: dict[str, str]
    found_by_readers: tuple[dict[str, Any], ...]
    bare_pictures: tuple[str, ...]
    signed_off_by: str
    signed_off_utc: str
    clear: bool
    not_clear: tuple[tuple[str, str], ...]
    readers: tuple[str, ...] = ()
    chests_clear: int = 0


def read_verdicts(folder: MissionFolder) -> Verdicts | None:
    """The signed readings of a mission; None when nobody has signed it off.

    Raises:
        RecordError: they are damaged, or of other findings than the mission has now.
    """
    path = readings_path(folder.path) / "signed" / "readings.json"
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"the readings are damaged: {error}", where=str(path)) from error
    try:
        if content["findings_sha256"] != digest(folder.path / "findings.json"):
            raise RecordError(
                "the readings are of other findings than the mission has now", where=str(path), todo="move them away"
            )
        standing = {str(place["id"]): str(place["standing"]) for place in content["places"]}
        if set(standing.values()) - set(_ENDS):
            raise ValueError("a place has no end")
        return Verdicts(
            standing=standing,
            found_by_readers=tuple(
                {**place["finding"], "status": place["standing"], "score": None}
                for place in content["places"]
                if place["kind"] == "sample" and place["standing"] != "rejected"
            ),
            bare_pictures=tuple(
                str(frame["file"])
                for place in content["places"]
                if place["kind"] == "sample" and place["standing"] == "rejected"
                for frame in place["finding"]["frames"]
                if "/" not in str(frame["file"]).removeprefix("media/")
            ),
            signed_off_by=str(content["signed_off_by"]),
            signed_off_utc=str(content["signed_off_utc"]),
            clear=content["clear"] is True,
            not_clear=tuple((str(each["id"]), str(each["why"])) for each in content["not_clear"]),
            readers=tuple(str(each["reader"]) for each in content["readers"]),
            chests_clear=sum(each["clear"] is True for each in content["sea_chests"]),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise RecordError(f"the readings are incomplete: {error}", where=str(path)) from error


def judged_findings(findings: list[dict[str, Any]], verdicts: Verdicts | None) -> list[dict[str, Any]]:
    """Findings with the status that readers gave them; ``flagged`` stays where nobody has signed."""
    if verdicts is None:
        return findings
    return [{**each, "status": verdicts.standing.get(str(each["id"]), each["status"])} for each in findings]


def read_findings(folder: MissionFolder) -> dict[str, Any]:
    """Content of ``findings.json`` with the status that readers gave each finding.

    Raises:
        RecordError: it, or the readings, are missing or damaged.
    """
    content = read_result(folder.path / "findings.json")
    return {**content, "findings": judged_findings(content["findings"], read_verdicts(folder))}


def readings_path(folder: Path) -> Path:
    """Where the readings of a mission folder lie."""
    home = folder.resolve()
    return home.with_name(home.name + "-readings")
