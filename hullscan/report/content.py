"""What a report tells, read once from a mission folder, for whatever writes it: screen, paper.

It is made from the folder alone, so it can be made again at any time, in another language.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from hullscan.errors import RecordError
from hullscan.mission.model import Mission, load_mission
from hullscan.record.events import read_events
from hullscan.record.folder import MissionFolder
from hullscan.record.results import read_result
from hullscan.record.verdicts import Verdicts, judged_findings, read_verdicts
from hullscan.report.hullmap import overview_map, side_map
from hullscan.report.pictures import Picture, pictures_of
from hullscan.words import filled, mark, translator

__all__ = ["ReportContent", "incomplete", "read_content"]

_MAX_EVENTS = 400
Words = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class ReportContent:
    """Everything that a report shows.

    Attributes:
        pictures: of each finding, in the order of ``findings``.
        clips: a small moving picture of each finding, WebP; empty where there is none.
        events: (time of day, words).
        maps: (side, SVG) of every side on which something was asked for, seen or found.
        ended_by: why the mission did not end as planned; empty if it did.
        located: latitudes and longitudes may be told.
        note: what is withheld in this copy; empty if nothing is.
        verdicts: what people made of it; None when nobody has signed.
    """

    folder: MissionFolder
    mission: Mission
    language: str
    words: Words
    findings: list[dict[str, Any]]
    pictures: list[list[Picture]]
    clips: list[bytes]
    coverage: dict[str, Any]
    summary: dict[str, Any]
    events: list[tuple[str, str]]
    maps: list[tuple[str, Markup]]
    overview: Markup
    ended_by: str
    located: bool = True
    note: str = ""
    verdicts: Verdicts | None = None

    @property
    def not_planned_m2(self) -> float:
        """Wetted hull of which the plan says nothing."""
        return max(float(self.coverage["wetted_area_m2"]) - float(self.coverage["planned_area_m2"]), 0.0)


def read_content(folder: MissionFolder, language: str, mission: Mission | None = None) -> ReportContent:
    """Read a mission folder.

    Args:
        folder: what is read.
        language: of the words.
        mission: the folder's own, if somebody has read it already.

    Raises:
        InputError: there is no such language.
        RecordError: a result file is missing or damaged.
    """
    words = translator(language)
    mission = mission or load_mission(folder.mission_file)
    results = {name: read_result(folder.path / f"{name}.json") for name in ("findings", "coverage", "track", "summary")}
    verdicts = read_verdicts(folder)
    try:
        findings, summary = judged_findings(results["findings"]["findings"], verdicts), results["summary"]
        return ReportContent(
            folder=folder,
            mission=mission,
            language=language,
            words=words,
            findings=findings,
            pictures=[pictures_of(folder, finding) for finding in findings],
            clips=[_clip(folder, finding) for finding in findings],
            coverage=results["coverage"],
            summary=summary,
            events=_events(folder, words),
            maps=_maps(mission, results, words),
            overview=overview_map(mission, results["coverage"], findings, words),
            verdicts=verdicts,
            ended_by=_said(words, summary.get("ended_by_words"), summary.get("ended_by")),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise incomplete(folder, error) from error


def incomplete(folder: MissionFolder, error: Exception) -> RecordError:
    """The error for somebody else's folder, or one of another version: a key is missing, or holds something else."""
    return RecordError(
        f"the results in {folder.path} are incomplete: {error}", todo="make them again with hullscan analyze"
    )


def _maps(mission: Mission, results: dict[str, Any], words: Words) -> list[tuple[str, Markup]]:
    """A map for each side on which something was asked for, seen or found."""
    coverage, findings = results["coverage"], results["findings"]["findings"]
    sides = {*coverage["cells"]["side"], *(finding["side"] for finding in findings)}
    track = np.array([point[1:4] for point in results["track"]["points"]], dtype=np.float64).reshape(-1, 3)
    asked = {
        side for side, planned in zip(coverage["cells"]["side"], coverage["cells"]["planned"], strict=True) if planned
    }
    shown = sorted(side for side in sides if side in asked or any(f["side"] == side for f in findings))
    return [(side, side_map(mission, side, coverage, findings, track, words)) for side in shown]


def _clip(folder: MissionFolder, finding: dict[str, Any]) -> bytes:
    named = finding.get("clip")
    path = folder.path / str(named["preview"]) if named else folder.path
    raw = path.read_bytes() if path.resolve().is_relative_to(folder.path.resolve()) and path.is_file() else b""
    return raw if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP" else b""


def _events(folder: MissionFolder, words: Words) -> list[tuple[str, str]]:
    log = folder.events if folder.events.is_file() else folder.events_of_recording
    events = list(read_events(log))
    told = [
        (str(event.get("utc", ""))[11:19], _said(words, event, event.get("words", "")))
        for event in events[:_MAX_EVENTS]
    ]
    left = len(events) - len(told)
    if left:
        told.append(("", words(mark("{count} more events stand in {file}")).format(count=left, file=log.name)))
    return told


def _said(words: Words, record: Any, otherwise: Any) -> str:
    """A recorded ``message`` with its ``data`` in the report's language; what was said at the time if it is damaged."""
    try:
        return filled(str(record["message"]), record["data"], words)
    except (LookupError, ValueError, TypeError, AttributeError):
        return str(otherwise or "")
