"""Pictures of missions that people have read, as a data set: what they confirmed, and what fooled the detector.

Confirmed findings keep their boxes; rejected ones, and unflagged hull that two readers called bare, are frames without
an object. What is escalated or unread teaches nothing. Planted parcels are no part of a mission and never get here.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from hullscan.errors import InputError, RecordError
from hullscan.record.folder import MissionFolder
from hullscan.record.results import read_result
from hullscan.record.verdicts import judged_findings, read_verdicts, readings_path
from hullscan.vision.detections import LABELS

__all__ = ["write_training_set"]


@dataclass(frozen=True, slots=True)
class _Example:
    picture: Path
    name: str
    label: str | None
    box_xyxy_px: tuple[float, ...]


def write_training_set(missions: list[Path], base: Path | None, out: Path) -> Path:
    """Write ``data.yaml`` with the pictures of missions, added to the training frames of another data set.

    Args:
        missions: folders whose reading is signed off.
        base: ``data.yaml`` of the data set that they are added to; frames to choose thresholds with come from there.
            Without one the pictures themselves are used for that too.
        out: folder of the new one.

    Returns:
        The new ``data.yaml``.

    Raises:
        InputError: a mission is not signed off, or none of them has a picture to learn from.
        RecordError: something is damaged or cannot be written.
    """
    examples = [example for path in missions for example in _examples(path)]
    if not examples:
        raise InputError("nothing in these missions was confirmed or rejected", todo="have them read first")
    content = _base(base)
    names = [str(name) for name in content["names"].values()]
    try:
        frames = [_write(example, names, out) for example in examples]
        listed = out / "train.txt"
        known = _frames(base, content)
        listed.write_text("".join(f"{frame}\n" for frame in [*known, *frames]), encoding="utf-8")
        content |= {"train": str(listed.resolve())}
        if base is None:
            content |= {"path": str(out.resolve()), "val": str(listed.resolve())}
        chosen = out / "data.yaml"
        chosen.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    except OSError as error:
        raise RecordError(f"cannot write the data set: {error.strerror}", where=str(out)) from error
    return chosen


def _examples(path: Path) -> list[_Example]:
    folder = MissionFolder.open(path)
    verdicts = read_verdicts(folder)
    if verdicts is None:
        raise InputError(f"{path} has no signed readings", todo="sign it off with hullscan review")
    findings = judged_findings(read_result(path / "findings.json")["findings"], verdicts)
    found = [
        _Example(folder.path / frame["file"], f"{path.resolve().name}-{Path(frame['file']).stem}",
                 str(finding["label"]) if finding["status"] == "confirmed" else None, tuple(frame["box_xyxy_px"]))
        for finding in findings
        if finding["status"] in ("confirmed", "rejected")
        for frame in finding["frames"]
    ]  # fmt: skip
    bare = [
        _Example(readings_path(path) / file, f"{path.resolve().name}-{Path(file).stem}", None, ())
        for file in verdicts.bare_pictures
    ]
    return [each for each in (*found, *bare) if each.picture.is_file()]


def _base(base: Path | None) -> dict[str, Any]:
    if base is None:
        return {"names": dict(enumerate(LABELS))}
    try:
        content: Any = yaml.safe_load(base.read_text(encoding="utf-8"))
        content["names"] = dict(content["names"] if isinstance(content["names"], dict) else enumerate(content["names"]))
    except (OSError, yaml.YAMLError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"{base} is no data set: {error}", todo="give its data.yaml") from error
    return {**content, "path": str(base.parent.resolve())}


def _frames(base: Path | None, content: dict[str, Any]) -> list[Path]:
    return [] if base is None else sorted((base.parent.resolve() / content["train"]).iterdir())


def _write(example: _Example, names: list[str], out: Path) -> Path:
    picture, label = out / "images" / "train" / f"{example.name}.jpg", out / "labels" / "train" / f"{example.name}.txt"
    for path in (picture, label):
        path.parent.mkdir(parents=True, exist_ok=True)
    image = cv2.imdecode(np.frombuffer(example.picture.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise RecordError(f"the picture {example.picture.name} is damaged", where=str(example.picture.parent))
    row = ""
    if example.label is not None:
        if example.label not in names:
            raise InputError(f"the data set knows no {example.label!r}", todo=f"it knows {', '.join(names)}")
        height, width = image.shape[:2]
        x0, y0, x1, y1 = example.box_xyxy_px
        row = f"{names.index(example.label)} {(x0 + x1) / 2 / width:.6f} {(y0 + y1) / 2 / height:.6f}"
        row += f" {(x1 - x0) / width:.6f} {(y1 - y0) / height:.6f}\n"
    label.write_text(row, encoding="ascii")
    shutil.copyfile(example.picture, picture)
    return picture.resolve()
