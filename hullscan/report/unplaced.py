"""The report on pictures without telemetry: what was seen and when; it says itself that it tells no place."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from hullscan import __version__
from hullscan.errors import RecordError
from hullscan.record.folder import MissionFolder
from hullscan.record.results import read_result
from hullscan.report.html import page_templates
from hullscan.words import translator

__all__ = ["write_unplaced_report"]


def write_unplaced_report(folder: MissionFolder, language: str) -> Path:
    """Write ``report.html`` from the folder's findings and summary.

    Raises:
        RecordError: a result is missing or damaged, or the report cannot be written.
    """
    findings = read_result(folder.path / "findings.json")["findings"]
    summary = read_result(folder.path / "summary.json")
    words = translator(language)
    page = (
        page_templates(words)
        .get_template("unplaced.html.j2")
        .render(
            language=language,
            version=__version__,
            summary=summary,
            timed=any(each["first_utc"] for each in findings),
            length=_clock(float(summary["stream_s"][1])),
            findings=[_card(folder, each, photographs=bool(summary["photographs"])) for each in findings],
        )
    )
    try:
        folder.report.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise RecordError(f"cannot write {folder.report}: {error.strerror}") from error
    return folder.report


def _card(folder: MissionFolder, finding: dict[str, Any], *, photographs: bool) -> dict[str, Any]:
    frames = [
        {
            **frame,
            "data": _data(folder.path / frame["file"], "jpeg"),
            "at": "" if photographs else _clock(float(frame["stream_s"])),
            "size": _size(folder.path / frame["file"]),
            "day": (frame["utc"] or "")[:19].replace("T", " "),
        }
        for frame in finding["frames"]
    ]
    clip = finding.get("clip")
    first, last = _clock(float(finding["first_stream_s"])), _clock(float(finding["last_stream_s"]))
    return {
        **finding,
        "frames": frames,
        "when": "" if photographs else (first if first == last else f"{first} – {last}"),
        "moving": _data(folder.path / clip["preview"], "webp") if clip else "",
    }


def _size(path: Path) -> tuple[int, int]:
    from PIL import Image

    with Image.open(path) as picture:
        return picture.size


def _data(path: Path, kind: str) -> str:
    return f"data:image/{kind};base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def _clock(seconds: float) -> str:
    """Time in a video, to the tenth of a second."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest / 10:04.1f}" if minutes >= 60 else f"{minutes}:{rest / 10:04.1f}"
