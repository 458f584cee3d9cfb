"""A package to hand on: the report in Korean and English, findings and pictures, with as much withheld as is asked for.

======== =====================================================================================
level    what is left out
======== =====================================================================================
full     nothing
place    where in the world: berth, latitudes, longitudes, also in the pictures
identity that, and who and when: ship, IMO number, mission, vehicle, people, times of day, the log of events
======== =====================================================================================

Hull coordinates stay in every level, and so do the hull's dimensions: without them nobody could act on a finding. The
recording itself is never in a package: it is kept, sealed, in the mission folder.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from hullscan.clock import utc_text
from hullscan.errors import InputError, RecordError
from hullscan.record.exif import without_exif
from hullscan.record.folder import MissionFolder
from hullscan.record.seal import seal
from hullscan.record.signature import machine_key
from hullscan.report.content import ReportContent, read_content
from hullscan.report.html import report_page
from hullscan.report.pdf import pdf_is_possible, pdf_of
from hullscan.report.pictures import Picture
from hullscan.report.source import Source, written
from hullscan.report.tables import findings_csv, findings_geojson, findings_kml
from hullscan.words import LANGUAGES, mark, translator

__all__ = ["LEVELS", "write_share"]

_NOTES: Final = {
    "full": "",
    "place": mark("Withheld in this copy: berth, latitude and longitude."),
    "identity": mark(
        "Withheld in this copy: ship, mission, vehicle, people, place and date. Times count from the beginning of the mission."  # noqa: E501
    ),
}
LEVELS: Final = tuple(_NOTES)
_ANONYMOUS: Final = mark("withheld")
_ZERO_S: Final = 946_684_800.0  # 2000-01-01 00:00 UTC: where the times of a mission without a date begin


def write_share(folder: MissionFolder, out: Path, level: str, seal_key: Path) -> Path:
    """Write a package into a new folder below ``out`` and sign its list of hashes.

    Returns:
        The package.

    Raises:
        InputError: there is no such level.
        RecordError: results are missing, or the package is there already or cannot be written.
    """
    if level not in LEVELS:
        raise InputError(f"no level {level!r} of redaction", todo=f"choose one of {', '.join(LEVELS)}")
    name = folder.path.resolve().name if level != "identity" else "mission"
    package = out / f"{name}-share-{level}"
    if package.exists():
        raise RecordError(f"{package} is there already", todo="choose another --out")
    package.mkdir(parents=True)
    contents = [_redacted(read_content(folder, language), level) for language in LANGUAGES]
    for content in contents:
        language = content.language
        written(package / f"report.{language}.html", report_page(content))
        if pdf_is_possible():
            (package / f"report.{language}.pdf").write_bytes(pdf_of(content))
    content = contents[0]
    results = {"mission": content.mission.file.mission, "ship": content.mission.file.ship.name}
    findings = {"schema": "hullscan.findings/1", **results, "findings": content.findings}
    written(package / "findings.json", json.dumps(findings, indent=1, ensure_ascii=False))
    written(package / "findings.csv", findings_csv(findings))
    if level == "full":
        written(package / "findings.geojson", json.dumps(findings_geojson(findings), indent=1, ensure_ascii=False))
        written(package / "findings.kml", findings_kml(Source(folder, findings, "en")))
    for picture in (each for pictures in content.pictures for each in pictures):
        path = package / str(picture.frame["file"])
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(picture.raw)
    for named in (finding["clip"]["file"] for finding in content.findings if finding.get("clip")):
        clip = (folder.path / named).resolve()
        if clip.is_relative_to(folder.path.resolve()) and clip.is_file():
            (package / "clips").mkdir(exist_ok=True)
            shutil.copyfile(clip, package / "clips" / clip.name)
    written(package / "README.txt", _readme(level))
    seal(package, machine_key(seal_key))
    return package


def _readme(level: str) -> str:
    parts = []
    for language in LANGUAGES:
        _ = translator(language)
        lines = [
            _(mark("Hull search: a copy to hand on")),
            _(_NOTES[level]) if level != "full" else _(mark("Nothing is withheld in this copy.")),
            _(mark("A finding is a place for a person to look at, not proof of an object. Do not touch anything.")),
            _(mark("The operator keeps the recording in a sealed folder; VERIFY.txt tells how to check this one.")),
        ]
        parts.append("\n\n".join(lines))
    return ("\n\n" + "-" * 60 + "\n\n").join(parts) + "\n"


@dataclass(frozen=True, slots=True)
class _Shift:
    """Moves times so that the mission begins at a time that says nothing."""

    start_s: float

    def seconds(self, utc_s: float) -> float:
        return round(utc_s - self.start_s + _ZERO_S, 3)

    def text(self, utc: str) -> str:
        try:
            return utc_text(self.seconds(datetime.fromisoformat(utc).timestamp()))
        except ValueError:
            return ""


def _redacted(content: ReportContent, level: str) -> ReportContent:
    if level == "full":
        return content
    content = replace(
        content,
        findings=[{**finding, "lat_deg": None, "lon_deg": None} for finding in content.findings],
        pictures=[[replace(each, raw=without_exif(each.raw)) for each in pictures] for pictures in content.pictures],
        located=False,
        note=content.words(_NOTES[level]),
    )
    return content if level == "place" else _anonymous(content)


def _anonymous(content: ReportContent) -> ReportContent:
    file, summary = content.mission.file, content.summary
    try:
        shift = _Shift(datetime.fromisoformat(str(summary.get("start_utc"))).timestamp())
    except ValueError:
        shift = _Shift(min((frame["utc_s"] for f in content.findings for frame in f["frames"]), default=0.0))
    anonymous = replace(
        file, mission=content.words(_ANONYMOUS), ship=replace(file.ship, name=content.words(mark("a ship")), imo=None)
    )
    kept = {"vehicle": {}, "start_utc": shift.text(str(summary.get("start_utc"))),
            "end_utc": shift.text(str(summary.get("end_utc")))}  # fmt: skip
    kept |= {key: "–" for key in ("telemetry_from", "analysed_from") if summary.get(key)}  # names of files say much
    return replace(
        content,
        mission=replace(content.mission, file=anonymous, vehicle=replace(content.mission.vehicle, name="–")),
        summary={**summary, **kept},
        findings=[_moved(finding, shift) for finding in content.findings],
        pictures=[[_moved_picture(each, shift) for each in pictures] for pictures in content.pictures],
        events=[],
        verdicts=None if content.verdicts is None else replace(content.verdicts, signed_off_by="–", readers=()),
    )


def _moved(finding: dict[str, Any], shift: _Shift) -> dict[str, Any]:
    times = {key: shift.text(finding[key]) for key in ("first_utc", "last_utc")}
    # a clip carries its date; the moving picture in the report does not
    return {**finding, **times, "clip": None, "frames": [_moved_frame(frame, shift) for frame in finding["frames"]]}


def _moved_frame(frame: dict[str, Any], shift: _Shift) -> dict[str, Any]:
    kept = {key: value for key, value in frame.items() if key not in ("stream_s", "clip")}
    return {**kept, "utc": shift.text(frame["utc"]), "utc_s": shift.seconds(frame["utc_s"])}


def _moved_picture(picture: Picture, shift: _Shift) -> Picture:
    return replace(picture, frame=_moved_frame(picture.frame, shift))
