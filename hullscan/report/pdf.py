"""The report on paper: PDF/A-2b by typst, with a font of its own that holds every Hangul syllable.

Words and numbers go in as JSON and come out as text: nothing that an operator wrote is ever read as markup.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

from hullscan import __version__
from hullscan.errors import InputError, RecordError
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
from hullscan.words import mark

__all__ = ["pdf_is_possible", "pdf_of", "write_pdf"]

_HERE = Path(__file__).parent
_FONT: Final = "Noto Sans CJK KR"
_STYLE: Final = re.compile(r"<style>(.*?)</style>", re.DOTALL)
# what XML forbids, ends of line that are none here, and what turns the words after it around
_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
# the font in fonts/ has all of these, and some more
_NOT_OURS: Final = re.compile("[^\t\n\r -~\xa0-ăẠ-ỹΑ-ΡΣ-Ωα-ωЁА-яё‐-–‘’“”•‥…′″←-↓≤≥□ぁ-んァ-ヶㄱ-ㆎ가-힣！-ﾾ]")
_LACKING: Final = mark("□ stands for a letter that the font of this file lacks; the HTML report shows it.")
_PLACE: Final = (("station_m", 1), ("depth_m", 1), ("radius95_m", 2))  # and their decimals


def pdf_is_possible() -> bool:
    """Whether the extra ``report`` is installed."""
    return importlib.util.find_spec("typst") is not None


def write_pdf(folder: MissionFolder, language: str = "en") -> Path:
    """Write ``report.pdf`` from the folder's result files.

    Raises:
        InputError: typst is not installed, or there is no such language.
        RecordError: a result file is missing or damaged, or the report cannot be written.
    """
    if not pdf_is_possible():
        raise InputError("a PDF needs typst", todo="pip install 'hullscan[report]'; report.html prints as well")
    raw = pdf_of(read_content(folder, language))
    target, draft = folder.path / "report.pdf", folder.path / ".report.pdf"
    try:
        draft.write_bytes(raw)
        draft.replace(target)
    except OSError as error:
        raise RecordError(f"cannot write {target}: {error.strerror}") from error
    return target


def pdf_of(content: ReportContent) -> bytes:
    """The PDF's bytes; the same content gives the same ones.

    Raises:
        RecordError: the results lack something, or cannot be set.
    """
    with tempfile.TemporaryDirectory() as room:
        root = Path(room)
        try:
            shutil.copyfile(_HERE / "report.typ", root / "report.typ")
            document = _document(content, root)
            drawings: dict[str, str] = {f"map-{number}": drawn for number, (_, drawn) in enumerate(content.maps)}
            drawings["overview"] = content.overview
            try:
                return _compiled(root, document, drawings, _composed)
            except RuntimeError:  # PDF/A may hold no letter that no font has: "could not be displayed"
                document["reading"].append(content.words(_LACKING))
                return _compiled(root, document, drawings, _in_own_letters)
        except (LookupError, TypeError, ValueError) as error:
            raise incomplete(content.folder, error) from error
        except OSError as error:
            raise RecordError(f"the PDF cannot be set: {error.strerror}", where=str(root)) from error
        except RuntimeError as error:
            words = str(error).splitlines()[0]
            raise RecordError(f"the PDF cannot be set: {words}", where=str(content.folder.path)) from error


def _compiled(root: Path, document: dict[str, Any], drawings: dict[str, str], spelt: Callable[[str], str]) -> bytes:
    import typst

    for name, drawn in drawings.items():
        (root / f"{name}.svg").write_text(_standalone(spelt(drawn)), encoding="utf-8")
    text = json.dumps(_spelt(document, spelt), ensure_ascii=False)
    (root / "report.json").write_text(text, encoding="utf-8")
    raw: bytes = typst.compile(
        str(root / "report.typ"),
        root=str(root),
        font_paths=[str(_HERE / "fonts")],
        ignore_system_fonts=True,
        pdf_standards=["a-2b"],
    )
    return raw


def _spelt(value: Any, spelt: Callable[[str], str]) -> Any:
    """The same value, every text in it spelt anew."""
    if isinstance(value, str):
        return spelt(value)
    if isinstance(value, dict):
        return {key: _spelt(each, spelt) for key, each in value.items()}
    return [_spelt(each, spelt) for each in value] if isinstance(value, (list, tuple)) else value


def _composed(text: str) -> str:
    """Letters composed, as fonts hold them (macOS types Hangul in pieces), and no character that XML forbids."""
    return _FORBIDDEN.sub(" ", unicodedata.normalize("NFC", text))


def _in_own_letters(text: str) -> str:
    """A box for every letter that the report's own font may lack; marks and joiners of such letters are left out."""
    return _NOT_OURS.sub(lambda one: "" if unicodedata.category(one[0]) in ("Mn", "Cf") else "□", _composed(text))


def _standalone(drawn: str) -> str:
    """A drawing of the page as a file of its own: with its namespace, and the page's rules for it."""
    rules = _STYLE.search((_HERE / "report.html.j2").read_text(encoding="utf-8"))
    kept = [rule for rule in (rules[1] if rules else "").split("\n") if rule.startswith((".", "svg text"))]
    style = "\n".join(kept).replace("var(--ink)", "#16242b").replace("inherit", f"'{_FONT}'")
    head, rest = drawn.split(">", 1)
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{style}</style>{rest}'


def _document(content: ReportContent, root: Path) -> dict[str, Any]:
    """What the template sets, every word translated and every number formatted."""
    _, mission, coverage, summary = content.words, content.mission.file, content.coverage, content.summary
    ship = content.mission.hull.dimensions
    imo = f"IMO {mission.ship.imo} · " if mission.ship.imo else ""
    draught = f"{ship.draught_fwd_m:.1f} / {ship.draught_aft_m:.1f} m"
    particulars = f"{imo}{ship.length_m:.0f} × {ship.beam_m:.1f} m · {_('draught')} {draught}"
    start, end = str(summary.get("start_utc") or ""), str(summary.get("end_utc") or "")
    return {
        "title": f"{_('Hull search report')}: {mission.ship.name}",
        "software": f"hullscan {__version__}",
        "language": content.language,
        # the day of the mission, not of the printing: the same folder gives the same bytes
        "date": _day(start),
        "footer": f"hullscan {__version__} · {mission.ship.name} · {start[:10]}",
        "kind": _("Hull search report"),
        "ship": mission.ship.name,
        "particulars": particulars,
        "when": [
            f"{start[:10]} · {start[11:16]}–{end[11:16]} UTC",
            berth_words(content),
            f"{_('mission')} {mission.mission}",
        ],
        "flagged": _("place flagged") if len(content.findings) == 1 else _("places flagged"),
        "statement": statement(content),
        "note": content.note,
        "ended": f"{_('The mission did not end as planned:')} {content.ended_by}" if content.ended_by else None,
        "tiles": _tiles(content),
        "where": _("Where"),
        "columns": ["", "", _("side"), _("station"), _("depth"), _("95 % radius"), _("score")],
        "maps": [
            {
                "title": _("{side} side, unrolled from the waterline down").format(side=_(side)),
                "file": f"map-{number}.svg",
            }
            for number, (side, _drawn) in enumerate(content.maps)
        ],
        "legend": [
            [POD_CLASSES[0][1], _("seen well (POD 0.8 and more)")],
            [POD_CLASSES[1][1], _("0.5 to 0.8")],
            [POD_CLASSES[2][1], _("under 0.5")],
            ["#8d7f66", _("planned, not seen")],
            ["#c8401e", _("finding with its 95 % circle")],
        ],
        "findings_title": _("Findings"),
        "close_up": _(mark("Close up, enlarged from the pictures in frames/, best first.")),
        "no_picture": _("No picture could be cut from the recording."),
        "do_not_touch": _("Do not touch. The crew may know nothing of it."),
        "findings": [
            _finding(content, number, finding, pictures, root)
            for number, (finding, pictures) in enumerate(zip(content.findings, content.pictures, strict=True), start=1)
        ],
        "gaps_title": _("What was not searched"),
        "gaps_words": gaps_words(content),
        "gaps": [[gap_words(gap, _), f"{gap['area_m2']:.1f} m²"] for gap in coverage["gaps"]],
        "mission_title": _("The mission"),
        "mission": _mission_rows(content),
        "events_title": _("What happened"),
        "events": [list(event) for event in content.events],
        "reading_title": _("How to read this"),
        "reading": [_(words) for words in HOW_TO_READ],
        "method_title": _("Method"),
        "method": method(content),
        "hashes": [list(row) for row in hash_rows(content)],
    }


def _day(utc: str) -> list[int]:
    try:
        day = date.fromisoformat(utc[:10])
    except ValueError:
        day = date(1970, 1, 1)
    return [day.year, day.month, day.day]


def _tiles(content: ReportContent) -> list[list[str]]:
    _, summary = content.words, content.summary
    seconds, clear = summary.get("duration_s"), summary.get("min_clearance_m")
    minutes = "–" if seconds is None else f"{round(seconds) // 60}:{round(seconds) % 60:02d}"
    return [
        [f"{content.coverage['seen_area_m2']:.1f} m²", _("hull seen")],
        [f"{content.not_planned_m2:.0f} m²", _("of the wetted hull not in the plan")],
        [minutes, _("minutes in the water")],
        [f"{clear:.1f} m" if clear is not None else "–", _("least clearance to the hull")],
    ]


def _finding(
    content: ReportContent, number: int, finding: dict[str, Any], pictures: list[Picture], root: Path
) -> dict[str, Any]:
    _ = content.words
    label = _("possible " + str(finding["label"]))
    station, depth, radius = (f"{finding[key]:.{n}f} m" for key, n in _PLACE)
    shown, near = [], []
    for index, picture in enumerate(pictures, start=1):
        name = f"finding-{number}-{index}-near.jpg"
        (root / name).write_bytes(picture.close_up)
        when = str(picture.frame["utc"])[11:23]
        near.append({"file": name, "alt": f"{number}", "caption": f"{when} · {picture.frame['score']:.2f}"})
    for picture in pictures[:1]:
        name = f"finding-{number}.jpg"
        (root / name).write_bytes(picture.raw)
        x0, y0, x1, y1 = (float(value) for value in picture.frame["box_xyxy_px"])
        w, h = picture.width_px, picture.height_px
        caption = f"{str(picture.frame['utc'])[11:23]} UTC · {_('score')} {picture.frame['score']:.2f} · "
        caption += _("from {range:.1f} m").format(range=picture.frame["range_m"])
        box = [x0 / w, y0 / h, (x1 - x0) / w, (y1 - y0) / h]
        shown.append({"file": name, "alt": f"{number}", "box": box, "aspect": h / w, "caption": caption})
    number_of_frame = finding.get("frame_number")
    frame = "" if number_of_frame is None else f"; {_('frame')} {number_of_frame:.1f}"
    looks = _("seen in {views} looks").format(views=finding["views"])
    earlier = earlier_words(finding, _)
    return {
        "title": f"{number}  {label}",
        "row": [str(number), label, _(finding["side"]), station, depth, radius, f"{finding['score']:.2f}"],
        "pictures": shown,
        "close_ups": near,
        "facts": [
            [_("side"), _(finding["side"]), True],
            [_("station"), f"{station} {_('from the aft perpendicular')}{frame}", True],
            [_("depth"), f"{depth} {_('below the waterline')}", True],
            [_("along the girth"), f"{finding['girth_m']:.1f} m"],
            [_("position"), position_words(finding, _)],
            [_("95 % radius"), radius],
            [_("size"), _("about {size:.1f} m").format(size=finding["size_m"])],
            [_("score"), f"{finding['score']:.2f}, {looks}"],
            *([[_("earlier search"), earlier], [_("priority"), f"{finding['priority']:.2f}"]] if earlier else []),
            [_("first and last seen"), f"{finding['first_utc'][11:19]}–{finding['last_utc'][11:19]} UTC"],
            [_("status"), _(finding["status"])],
            *([[_(mark("clip")), finding["clip"]["file"]]] if finding.get("clip") else []),
        ],
    }


def _mission_rows(content: ReportContent) -> list[list[str]]:
    _, summary, conditions = content.words, content.summary, content.mission.file.conditions
    video, dvl = summary["video"], summary["dvl"]
    firmware = (summary.get("vehicle") or {}).get("firmware")
    way = summary.get("distance_m")
    battery = summary.get("battery_v") or {}
    volts = " V, ".join("–" if battery.get(key) is None else str(battery[key]) for key in ("start", "end")) + " V"
    lost = _("{lost} packets lost").format(lost=video["packets_lost"])
    suspect = _("{count} suspect").format(count=video["frames_suspect"])
    return [
        [_("outcome"), _(str(summary["outcome"]))],
        [_("way flown"), f"{way:.1f} m" if way is not None else "–"],
        [_("visibility as stated"), f"{conditions.visibility_m:.1f} m"],
        [_("current as stated"), f"{conditions.current_mps:.2f} m/s"],
        [_("battery, start and end"), volts],
        [_("vehicle"), content.mission.vehicle.name + (f", ArduSub {firmware}" if firmware else "")],
        [_("frames recorded"), f"{video['frames_recorded']} ({lost})"],
        [_("frames examined"), f"{video['frames_examined']}, {suspect}"],
        [_("range reports"), f"{dvl['reports']} ({_('{count} invalid').format(count=dvl['invalid'])})"],
        [_("time of pictures, uncertainty"), f"{summary['time_sigma_ms']:.0f} ms"],
        *map(list, clock_rows(content)),
        [_("sightings that could not be placed"), str(content.coverage["sightings_not_placed"])],
        [_("looks without telemetry"), str(content.coverage["looks_without_telemetry"])],
        [_("looks from a place too little known to count"), str(content.coverage.get("looks_without_place", 0))],
    ]
