"""Findings in the formats of other programs, and the whole folder as a signed BagIt bag.

Hull coordinates come first in every format: under a hull latitude and longitude follow from where the ship lay, they
are not a fix of their own. Everything is made from the folder's result files, so it can be made at any time.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import cv2
import numpy as np

from hullscan import __version__
from hullscan.errors import InputError, RecordError
from hullscan.record.bag import write_bag
from hullscan.record.folder import MissionFolder
from hullscan.record.verdicts import read_findings
from hullscan.report.diver import write_diver_sheets
from hullscan.words import fill, mark, translator

__all__ = ["FORMATS", "export_mission", "findings_csv", "findings_geojson", "findings_kml"]

Words = Callable[[str], str]
_KML: Final = "http://www.opengis.net/kml/2.2"
_COLUMNS: Final = (
    "id", "label", "status", "score", "side", "station_m", "girth_m", "depth_m", "radius95_m", "size_m", "views",
    "lat_deg", "lon_deg", "first_utc", "last_utc",
)  # fmt: skip
_SHOWN_S: Final = 2.0  # a subtitle stays this long around the moment of a picture


@dataclass(frozen=True, slots=True)
class _Source:
    """What is written: the folder, its findings, and the language of words for people."""

    folder: MissionFolder
    findings: dict[str, Any]
    language: str

    @property
    def words(self) -> Words:
        return translator(self.language)

    @property
    def all(self) -> list[dict[str, Any]]:
        findings: list[dict[str, Any]] = self.findings["findings"]
        return findings

    def title(self, finding: dict[str, Any]) -> str:
        label = self.words(str(finding["label"]))
        return f"{finding['id']} {label}"

    def place(self, finding: dict[str, Any]) -> str:
        message = mark("{side}, station {station:.1f} m, depth {depth:.1f} m, ± {radius:.2f} m")
        data = {
            "side": self.words(str(finding["side"])),
            "station": float(finding["station_m"]),
            "depth": float(finding["depth_m"]),
            "radius": float(finding["radius95_m"]),
        }
        return fill(self.words(message), data)


def export_mission(folder: MissionFolder, form: str, out: Path, seal_key: Path, language: str = "en") -> list[Path]:
    """Write one format into a folder.

    Returns:
        The files, or the folder, that were written.

    Raises:
        InputError: there is no such format, or no such language.
        RecordError: results are missing or damaged, or something cannot be written.
    """
    if form == "bag":
        return [write_bag(folder, out, seal_key)]
    if form not in FORMATS:
        raise InputError(f"no format {form!r}", todo=f"choose one of {', '.join([*FORMATS, 'bag'])}")
    source = _Source(folder, read_findings(folder), language)
    try:
        out.mkdir(parents=True, exist_ok=True)
        return FORMATS[form](source, out)
    except OSError as error:
        raise RecordError(f"cannot write the export: {error.strerror}", where=str(out)) from error
    except (LookupError, TypeError, ValueError) as error:
        raise RecordError(
            f"the results in {folder.path} are incomplete: {error}", todo="make them again with hullscan analyze"
        ) from error


def findings_geojson(findings: dict[str, Any]) -> dict[str, Any]:
    """A point for each finding (RFC 7946): longitude, latitude, and height, which is minus the depth."""
    features = []
    for finding in findings["findings"]:
        point = [finding["lon_deg"], finding["lat_deg"], -finding["depth_m"]]
        properties = {name: finding[name] for name in _COLUMNS} | {"position_ship_m": finding["position_ship_m"]}
        geometry = {"type": "Point", "coordinates": point}
        features.append({"type": "Feature", "id": finding["id"], "properties": properties, "geometry": geometry})
    return {"type": "FeatureCollection", "features": features}


def findings_csv(findings: dict[str, Any]) -> str:
    """A row for each finding; begins with a byte order mark, without which Korean Excel reads another encoding."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([*_COLUMNS, "x_ship_m", "y_ship_m", "z_ship_m"])
    for finding in findings["findings"]:
        writer.writerow([finding[name] for name in _COLUMNS] + list(finding["position_ship_m"]))
    return "\ufeff" + text.getvalue()


def findings_kml(source: _Source) -> str:
    """A placemark for each finding, KML 2.2; heights are above the sea, so negative."""
    ElementTree.register_namespace("", _KML)
    root = ElementTree.Element(f"{{{_KML}}}kml")
    document = ElementTree.SubElement(root, f"{{{_KML}}}Document")
    ElementTree.SubElement(
        document, f"{{{_KML}}}name"
    ).text = f"{source.findings['ship']}, {source.findings['mission']}"
    for finding in source.all:
        placemark = ElementTree.SubElement(document, f"{{{_KML}}}Placemark")
        ElementTree.SubElement(placemark, f"{{{_KML}}}name").text = source.title(finding)
        ElementTree.SubElement(placemark, f"{{{_KML}}}description").text = source.place(finding)
        point = ElementTree.SubElement(placemark, f"{{{_KML}}}Point")
        ElementTree.SubElement(point, f"{{{_KML}}}altitudeMode").text = "absolute"
        place = f"{finding['lon_deg']:.7f},{finding['lat_deg']:.7f},{-finding['depth_m']:.2f}"
        ElementTree.SubElement(point, f"{{{_KML}}}coordinates").text = place
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _geojson(source: _Source, out: Path) -> list[Path]:
    text = json.dumps(findings_geojson(source.findings), indent=1, ensure_ascii=False)
    return [_written(out / "findings.geojson", text)]


def _kml(source: _Source, out: Path) -> list[Path]:
    return [_written(out / "findings.kml", findings_kml(source))]


def _csv(source: _Source, out: Path) -> list[Path]:
    return [_written(out / "findings.csv", findings_csv(source.findings))]


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture of a finding that is there, with its size and the finding's box in it."""

    path: Path
    name: str
    width_px: int
    height_px: int
    label: str
    finding: str
    score: float
    utc: str
    box_xyxy_px: tuple[float, float, float, float]


def _pictures(source: _Source) -> list[_Picture]:
    found = []
    root = source.folder.path.resolve()
    for finding in source.all:
        for frame in finding["frames"]:
            path = (root / frame["file"]).resolve()
            image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR) if _inside(path, root) else None
            if image is None:
                raise RecordError(f"the picture {frame['file']} is missing or damaged", where=str(root))
            height, width = image.shape[:2]
            x0, y0, x1, y1 = (float(value) for value in frame["box_xyxy_px"])
            box = (max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height)))
            found.append(
                _Picture(
                    path, path.name, width, height, str(finding["label"]), str(finding["id"]),
                    float(frame["score"]), str(frame["utc"]), box,
                )
            )  # fmt: skip
    return found


def _inside(path: Path, root: Path) -> bool:
    return path.is_relative_to(root) and path.is_file() and path.stat().st_size > 0


def _coco(source: _Source, out: Path) -> list[Path]:
    """The pictures with one box each, as COCO's "object detection" format (boxes x, y, width, height)."""
    pictures = _pictures(source)
    labels = sorted({picture.label for picture in pictures})
    images, boxes = [], []
    for number, picture in enumerate(pictures, start=1):
        x0, y0, x1, y1 = picture.box_xyxy_px
        images.append(
            {
                "id": number,
                "file_name": picture.name,
                "width": picture.width_px,
                "height": picture.height_px,
                "date_captured": picture.utc,
            }
        )
        boxes.append(
            {
                "id": number,
                "image_id": number,
                "category_id": labels.index(picture.label) + 1,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": (x1 - x0) * (y1 - y0),
                "iscrowd": 0,
                "score": picture.score,
                "finding": picture.finding,
            }
        )
    content = {
        "info": {"description": source.findings["mission"], "version": f"hullscan {__version__}"},
        "images": images,
        "annotations": boxes,
        "categories": [{"id": number, "name": label} for number, label in enumerate(labels, start=1)],
    }
    copies = [_copied(picture.path, out / "images" / picture.name) for picture in pictures]
    return [_written(out / "annotations.json", json.dumps(content, indent=1, ensure_ascii=False)), *copies]


def _yolo(source: _Source, out: Path) -> list[Path]:
    """The pictures as ultralytics reads them: a text file of boxes for each, relative centres and sizes."""
    pictures = _pictures(source)
    labels = sorted({picture.label for picture in pictures}) or ["parcel"]
    names = "".join(f"  {number}: {label}\n" for number, label in enumerate(labels))
    written = [_written(out / "data.yaml", f"path: .\ntrain: images\nval: images\nnames:\n{names}")]
    for picture in pictures:
        (x0, y0, x1, y1), (w, h) = picture.box_xyxy_px, (picture.width_px, picture.height_px)
        row = f"{labels.index(picture.label)} {(x0 + x1) / 2 / w:.6f} {(y0 + y1) / 2 / h:.6f}"
        row += f" {(x1 - x0) / w:.6f} {(y1 - y0) / h:.6f}\n"
        written.append(_written(out / "labels" / f"{Path(picture.name).stem}.txt", row))
        written.append(_copied(picture.path, out / "images" / picture.name))
    return written


def _srt(source: _Source, out: Path) -> list[Path]:
    """Subtitles for each video file: which finding is in the picture, and where it is on the hull."""
    written = []
    for index in sorted(source.folder.video.glob("*.jsonl")):
        frames = _index_times(index)
        if not len(frames):
            continue
        cues = []
        for finding in source.all:
            moments = [float(frame["utc_s"]) for frame in finding["frames"]]
            for first_s, last_s in _spans([m for m in moments if frames[0, 0] <= m <= frames[-1, 0]]):
                begin_ms, end_ms = np.interp(
                    [first_s - _SHOWN_S / 2, last_s + _SHOWN_S / 2], frames[:, 0], frames[:, 1]
                )
                cues.append((float(begin_ms), float(end_ms), f"{source.title(finding)}\n{source.place(finding)}"))
        text = "".join(
            f"{number}\n{_srt_time(begin_ms)} --> {_srt_time(end_ms)}\n{said}\n\n"
            for number, (begin_ms, end_ms, said) in enumerate(sorted(cues), start=1)
        )
        written.append(_written(out / f"{index.stem}.srt", text))
    if not written:
        raise RecordError("there is no video to write subtitles for", where=str(source.folder.path))
    return written


def _index_times(index: Path) -> np.ndarray:
    """(utc_s, milliseconds in the file) of each frame, (n, 2); a last line that was cut off is left out."""
    rows = []
    for line in index.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            frame = json.loads(line)
            rows.append((float(frame["utc_s"]), float(frame["pts_ms"])))
        except (ValueError, LookupError, TypeError):
            continue
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def _spans(moments: list[float]) -> list[tuple[float, float]]:
    """Moments closer than a subtitle's length are one span."""
    spans: list[tuple[float, float]] = []
    for moment in sorted(moments):
        if spans and moment - spans[-1][1] <= _SHOWN_S:
            spans[-1] = (spans[-1][0], moment)
        else:
            spans.append((moment, moment))
    return spans


def _srt_time(milliseconds: float) -> str:
    seconds, ms = divmod(max(round(milliseconds), 0), 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{ms:03d}"


def _diver(source: _Source, out: Path) -> list[Path]:
    return [write_diver_sheets(source.folder, out, source.language)]


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
    return path


def _copied(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target


FORMATS: Final[dict[str, Callable[[_Source, Path], list[Path]]]] = {
    "geojson": _geojson, "kml": _kml, "csv": _csv, "coco": _coco, "yolo": _yolo, "srt": _srt,
    "diver": _diver,
}  # fmt: skip
