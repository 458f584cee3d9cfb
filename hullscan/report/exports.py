"""Findings in the formats of other programs, and the whole folder as a signed BagIt bag.

Hull coordinates come first in every format: under a hull latitude and longitude follow from where the ship lay, they
are not a fix of their own. Everything is made from the folder's result files, so it can be made at any time.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from hullscan import __version__
from hullscan.errors import InputError, RecordError
from hullscan.record.bag import write_bag, write_readings_bag
from hullscan.record.folder import MissionFolder
from hullscan.record.results import read_result
from hullscan.record.verdicts import read_findings
from hullscan.report.diver import write_diver_sheets
from hullscan.report.flown import track_qgc
from hullscan.report.foxglove import write_mcap
from hullscan.report.share import write_share
from hullscan.report.source import Source, written
from hullscan.report.subtitles import write_ass, write_srt
from hullscan.report.tables import findings_csv, findings_geojson, findings_kml

__all__ = ["FORMATS", "export_mission"]


_WITHOUT_PLACES: Final = ("csv", "coco", "yolo", "bag")


def export_mission(
    folder: MissionFolder, form: str, out: Path, seal_key: Path, language: str = "en", level: str = "full"
) -> list[Path]:
    """Write one format into a folder.

    Returns:
        The files, or the folder, that were written.

    Raises:
        InputError: there is no such format, language or level of redaction; or it needs places, and there are none.
        RecordError: results are missing or damaged, or something cannot be written.
    """
    if not folder.placed and form in (*FORMATS, "share") and form not in _WITHOUT_PLACES:
        raise InputError(
            f"these findings carry time only, {form} tells places",
            where=str(folder.path),
            todo=f"choose one of {', '.join(_WITHOUT_PLACES)}, or analyse it with --telemetry and --mission",
        )
    if form == "bag":
        bag = write_bag(folder, out, seal_key)
        readings = write_readings_bag(folder, bag, seal_key)
        return [bag] if readings is None else [bag, readings]
    if form not in (*FORMATS, "share"):
        raise InputError(f"no format {form!r}", todo=f"choose one of {', '.join([*FORMATS, 'share', 'bag'])}")
    source = Source(folder, read_findings(folder), language)
    try:
        if form == "share":
            return [write_share(folder, out, level, seal_key)]
        out.mkdir(parents=True, exist_ok=True)
        return FORMATS[form](source, out)
    except OSError as error:
        raise RecordError(f"cannot write the export: {error.strerror}", where=str(out)) from error
    except (LookupError, TypeError, ValueError) as error:
        raise RecordError(
            f"the results in {folder.path} are incomplete: {error}", todo="make them again with hullscan analyze"
        ) from error


def _geojson(source: Source, out: Path) -> list[Path]:
    text = json.dumps(findings_geojson(source.findings), indent=1, ensure_ascii=False)
    return [written(out / "findings.geojson", text)]


def _kml(source: Source, out: Path) -> list[Path]:
    return [written(out / "findings.kml", findings_kml(source))]


def _csv(source: Source, out: Path) -> list[Path]:
    return [written(out / "findings.csv", findings_csv(source.findings))]


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


def _pictures(source: Source) -> list[_Picture]:
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
                    float(frame["score"]), str(frame["utc"] or ""), box,
                )
            )  # fmt: skip
    return found


def _inside(path: Path, root: Path) -> bool:
    return path.is_relative_to(root) and path.is_file() and path.stat().st_size > 0


def _coco(source: Source, out: Path) -> list[Path]:
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
    return [written(out / "annotations.json", json.dumps(content, indent=1, ensure_ascii=False)), *copies]


def _yolo(source: Source, out: Path) -> list[Path]:
    """The pictures as ultralytics reads them: a text file of boxes for each, relative centres and sizes."""
    pictures = _pictures(source)
    labels = sorted({picture.label for picture in pictures}) or ["parcel"]
    names = "".join(f"  {number}: {label}\n" for number, label in enumerate(labels))
    files = [written(out / "data.yaml", f"train: images\nval: images\nnames:\n{names}")]
    for picture in pictures:
        (x0, y0, x1, y1), (w, h) = picture.box_xyxy_px, (picture.width_px, picture.height_px)
        row = f"{labels.index(picture.label)} {(x0 + x1) / 2 / w:.6f} {(y0 + y1) / 2 / h:.6f}"
        row += f" {(x1 - x0) / w:.6f} {(y1 - y0) / h:.6f}\n"
        files.append(written(out / "labels" / f"{Path(picture.name).stem}.txt", row))
        files.append(_copied(picture.path, out / "images" / picture.name))
    return files


def _qgc(source: Source, out: Path) -> list[Path]:
    text = json.dumps(track_qgc(read_result(source.folder.path / "track.json")), indent=1)
    return [written(out / "track.plan", text)]


def _diver(source: Source, out: Path) -> list[Path]:
    return [write_diver_sheets(source.folder, out, source.language)]


def _copied(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target


FORMATS: Final[dict[str, Callable[[Source, Path], list[Path]]]] = {
    "geojson": _geojson, "kml": _kml, "csv": _csv, "coco": _coco, "yolo": _yolo, "srt": write_srt,
    "ass": write_ass, "qgc": _qgc, "mcap": write_mcap, "diver": _diver,
}  # fmt: skip
