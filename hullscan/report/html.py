"""The report for people: one HTML file that loads nothing from anywhere and prints well.

It is made from the mission folder alone, so it can be made again at any time, in another language.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError
from markupsafe import Markup

from hullscan import __version__
from hullscan.errors import RecordError
from hullscan.mission.model import Mission, load_mission
from hullscan.record.events import read_events
from hullscan.record.folder import MissionFolder
from hullscan.record.results import read_result
from hullscan.report.hullmap import POD_CLASSES, overview_map, side_map
from hullscan.words import fill, translator

__all__ = ["write_report"]

_TEMPLATES = Path(__file__).parent
_MAX_EVENTS = 400
_NUMBER_AND_UNIT = re.compile(r"(?<=\d) (?=%|m²)")


def write_report(folder: MissionFolder, language: str = "en") -> Path:
    """Write ``report.html`` from the folder's result files.

    Raises:
        RecordError: a result file is missing or damaged, or the report cannot be written.
    """
    words = translator(language)
    mission = load_mission(folder.mission_file)
    results = {name: read_result(folder.path / f"{name}.json") for name in ("findings", "coverage", "track", "summary")}
    try:
        page = _page(folder, mission, results, language, words)
    except (LookupError, TypeError, ValueError, UndefinedError) as error:
        # somebody else's folder, or one of another version: a key is missing, or holds something else
        raise RecordError(
            f"the results in {folder.path} are incomplete: {error}", todo="make them again with hullscan analyze"
        ) from error
    try:
        folder.report.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise RecordError(f"cannot write {folder.report}: {error.strerror}") from error
    return folder.report


def _page(
    folder: MissionFolder, mission: Mission, results: dict[str, Any], language: str, words: Callable[[str], str]
) -> str:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["_"] = words
    page = environment.get_template("report.html.j2").render(
        language=language,
        version=__version__,
        mission=mission.file,
        ship=mission.hull.dimensions,
        profile=mission.vehicle,
        findings=[_card(folder, finding) for finding in results["findings"]["findings"]],
        coverage=results["coverage"],
        summary=results["summary"],
        ended_by=_said(words, results["summary"].get("ended_by_words"), results["summary"].get("ended_by")),
        events=_events(folder, words),
        maps=_maps(mission, results, words),
        overview=overview_map(mission, results["coverage"], results["findings"]["findings"], words),
        pod_classes=POD_CLASSES,
        not_planned_m2=max(results["coverage"]["wetted_area_m2"] - results["coverage"]["planned_area_m2"], 0.0),
    )
    return _NUMBER_AND_UNIT.sub("\u00a0", page)  # a number and its unit stay on one line


def _maps(mission: Mission, results: dict[str, Any], words: Callable[[str], str]) -> list[tuple[str, Markup]]:
    """A map for each side on which something was asked for, seen or found."""
    coverage, findings = results["coverage"], results["findings"]["findings"]
    sides = {*coverage["cells"]["side"], *(finding["side"] for finding in findings)}
    track = np.array([point[1:4] for point in results["track"]["points"]], dtype=np.float64).reshape(-1, 3)
    asked = {
        side for side, planned in zip(coverage["cells"]["side"], coverage["cells"]["planned"], strict=True) if planned
    }
    shown = sorted(side for side in sides if side in asked or any(f["side"] == side for f in findings))
    return [(side, side_map(mission, side, coverage, findings, track, words)) for side in shown]


def _card(folder: MissionFolder, finding: dict[str, Any]) -> dict[str, Any]:
    pictures = []
    for frame in finding["frames"]:
        path = folder.path / frame["file"]
        if not path.resolve().is_relative_to(folder.path.resolve()) or not path.is_file():
            continue
        raw = path.read_bytes()
        size = _jpeg_size(raw)
        if size is None:
            continue
        width, height = size
        data = "data:image/jpeg;base64," + base64.b64encode(raw).decode("ascii")
        pictures.append({**frame, "data": data, "width": width, "height": height})
    return {**finding, "pictures": pictures}


def _jpeg_size(raw: bytes) -> tuple[int, int] | None:
    """Width and height; None for what is no picture."""
    import cv2

    image = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR) if raw else None
    if image is None:
        return None
    return int(image.shape[1]), int(image.shape[0])


def _events(folder: MissionFolder, words: Callable[[str], str]) -> list[dict[str, str]]:
    return [
        {"utc": str(event.get("utc", ""))[11:19], "text": _said(words, event, event.get("words", ""))}
        for event in read_events(folder.events)[:_MAX_EVENTS]
    ]


def _said(words: Callable[[str], str], record: Any, otherwise: Any) -> str:
    """A recorded ``message`` with its ``data`` in the report's language; what was said at the time if it is damaged."""
    try:
        return fill(words(str(record["message"])), record["data"])
    except (LookupError, ValueError, TypeError, AttributeError):
        return str(otherwise or "")
