"""The hand-over to divers: a page for each finding with what somebody needs who sees twenty centimetres."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import UndefinedError

from hullscan.record.folder import MissionFolder
from hullscan.report.content import ReportContent, incomplete, read_content
from hullscan.report.html import page_templates, shown_picture
from hullscan.report.landmarks import approach, frame_words, hazards, nearest_landmark
from hullscan.words import mark

__all__ = ["write_diver_sheets"]

_PICTURES = 3


def write_diver_sheets(folder: MissionFolder, out: Path, language: str = "en") -> Path:
    """Write ``diver.html`` into a folder.

    Raises:
        RecordError: results are missing or damaged.
        OSError: it cannot be written.
    """
    content = read_content(folder, language)
    try:
        start = str(content.summary.get("start_utc") or "")
        page = (
            page_templates(content.words)
            .get_template("diver.html.j2")
            .render(
                language=language,
                ship=content.mission.file.ship.name,
                mission=content.mission.file.mission,
                when=f"{start[:10]} {start[11:16]} UTC",
                sheets=[_sheet(content, number) for number in range(len(content.findings))],
            )
        )
    except (LookupError, TypeError, ValueError, UndefinedError) as error:
        raise incomplete(folder, error) from error
    path = out / "diver.html"
    path.write_text(page, encoding="utf-8", errors="replace")
    return path


def _sheet(content: ReportContent, index: int) -> dict[str, Any]:
    _, finding, mission = content.words, content.findings[index], content.mission
    station_m = float(finding["station_m"])
    return {
        "title": f"{finding['id']} {_('possible ' + str(finding['label']))}",
        "side": _(finding["side"]),
        "station": f"{station_m:.1f} m",
        "frame": frame_words(mission, station_m, _),
        "depth": f"{finding['depth_m']:.1f} m",
        "landmark": nearest_landmark(mission, finding, _),
        "radius": _(mark("{radius:.1f} m around it (95 %)")).format(radius=max(finding["radius95_m"], 0.1)),
        "size": _(mark("about {size:.1f} m")).format(size=finding["size_m"]),
        "seen": _(mark("seen in {views} looks")).format(views=finding["views"]),
        "visibility": f"{mission.file.conditions.visibility_m:.1f} m",
        "approach": approach(mission, finding, _),
        "hazards": hazards(mission, finding, _),
        "pictures": [shown_picture(picture) for picture in content.pictures[index][:_PICTURES]],
    }
