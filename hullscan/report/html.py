"""The report for people: one HTML file that loads nothing from anywhere and prints well."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError

from hullscan import __version__
from hullscan.errors import RecordError
from hullscan.record.folder import MissionFolder
from hullscan.report.content import ReportContent, incomplete, read_content
from hullscan.report.earlier import earlier_words
from hullscan.report.hullmap import POD_CLASSES
from hullscan.report.method import hash_rows, method
from hullscan.report.pictures import Picture
from hullscan.report.wording import (
    HOW_TO_READ,
    berth_words,
    clock_rows,
    gap_words,
    gaps_words,
    position_words,
    statement,
)

__all__ = ["page_templates", "report_page", "shown_picture", "write_report"]

_TEMPLATES = Path(__file__).parent
_NUMBER_AND_UNIT = re.compile(r"(?<=\d) (?=%|m²)")


def write_report(folder: MissionFolder, language: str = "en") -> Path:
    """Write ``report.html`` from the folder's result files.

    Raises:
        RecordError: a result file is missing or damaged, or the report cannot be written.
    """
    page = report_page(read_content(folder, language))
    try:
        folder.report.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise RecordError(f"cannot write {folder.report}: {error.strerror}") from error
    return folder.report


def page_templates(words: Callable[[str], str]) -> Environment:
    """Templates of the pages for people; everything that goes into one is escaped."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["_"] = words
    return environment


def report_page(content: ReportContent) -> str:
    """The whole page.

    Raises:
        RecordError: the results lack something.
    """
    try:
        return _page(content)
    except (LookupError, TypeError, ValueError, UndefinedError) as error:
        raise incomplete(content.folder, error) from error


def _page(content: ReportContent) -> str:
    cards = [
        {
            **finding,
            "place": position_words(finding, content.words),
            "earlier_words": earlier_words(finding, content.words),
            "pictures": [shown_picture(each) for each in pictures[:1]],
            "close_ups": [{**each.frame, "data": _data(each.close_up, "jpeg")} for each in pictures],
            "moving": _data(clip, "webp") if clip else "",
        }
        for finding, pictures, clip in zip(content.findings, content.pictures, content.clips, strict=True)
    ]
    page = (
        page_templates(content.words)
        .get_template("report.html.j2")
        .render(
            language=content.language,
            version=__version__,
            mission=content.mission.file,
            ship=content.mission.hull.dimensions,
            profile=content.mission.vehicle,
            findings=cards,
            coverage=content.coverage,
            summary=content.summary,
            ended_by=content.ended_by,
            note=content.note,
            berth=berth_words(content),
            events=[{"utc": utc, "text": text} for utc, text in content.events],
            maps=content.maps,
            overview=content.overview,
            pod_classes=POD_CLASSES,
            not_planned_m2=content.not_planned_m2,
            statement=statement(content),
            gaps=[(gap_words(gap, content.words), gap["area_m2"]) for gap in content.coverage["gaps"]],
            gaps_words=gaps_words(content),
            clock_rows=clock_rows(content),
            how_to_read=HOW_TO_READ,
            method=method(content),
            hash_rows=hash_rows(content),
        )
    )
    return _NUMBER_AND_UNIT.sub("\u00a0", page)  # a number and its unit stay on one line


def shown_picture(picture: Picture) -> dict[str, object]:
    """A picture as the templates show it, inside the page."""
    data = _data(picture.raw, "jpeg")
    return {**picture.frame, "data": data, "width": picture.width_px, "height": picture.height_px}


def _data(raw: bytes, kind: str) -> str:
    return f"data:image/{kind};base64," + base64.b64encode(raw).decode("ascii")
