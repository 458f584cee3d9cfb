"""The data set on disk: YOLO folders, COCO annotations, a data card; a run that was cut off goes on."""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import yaml

from hullscan.errors import InputError
from hullscan_sim.camera.objects import LABELS
from hullscan_sim.dataset.ships import ship_shots
from hullscan_sim.dataset.shots import HEIGHT_PX, WIDTH_PX

__all__ = ["DatasetRequest", "make_dataset"]

_FACTS = ("contrast", "size_m", "range_m", "incidence_deg", "hidden_share")
"""Of a box, that its annotation tells too."""


@dataclass(frozen=True, slots=True)
class DatasetRequest:
    """What to make.

    Attributes:
        counts: frames by split (train, val, test).
        seed: everything follows from it.
        shots_per_ship: frames of each ship.
        parcel_share: share of the places with parcels; some do not come out in the picture, so fewer frames show one.
        tether_share: share of the frames with the vehicle's own tether in view.
        processes: worker processes.
    """

    counts: dict[str, int]
    seed: int = 1
    shots_per_ship: int = 36
    parcel_share: float = 0.6
    tether_share: float = 0.0
    processes: int = 2


def make_dataset(folder: Path, request: DatasetRequest, progress: Any = None) -> dict[str, Any]:
    """Write a data set: YOLO folders, COCO JSON for each split, and a data card. A run that was cut off goes on.

    Args:
        folder: made if it does not exist.
        request: counts and seeds.
        progress: called with the number of frames done, or None.

    Returns:
        The data card, as written to ``data_card.json``.

    Raises:
        InputError: the folder holds frames of another seed or share, which this run would mix with its own.
    """
    _claim(folder, request)
    jobs = []
    for split, count in request.counts.items():
        (folder / "images" / split).mkdir(parents=True, exist_ok=True)
        (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
        for ship in range(-(-count // request.shots_per_ship)):
            jobs.append(
                (
                    folder,
                    split,
                    ship,
                    request.seed,
                    min(request.shots_per_ship, count - ship * request.shots_per_ship),
                    request.parcel_share,
                    request.tether_share,
                )
            )
    records: dict[str, list[dict[str, Any]]] = {split: [] for split in request.counts}
    done = 0
    if request.processes > 1:
        fresh = multiprocessing.get_context("spawn")  # a fork of a process with threads may wait for ever
        with ProcessPoolExecutor(request.processes, mp_context=fresh) as pool:
            for split, rows in pool.map(_write_ship, jobs):
                records[split] += rows
                done += len(rows)
                if progress is not None:
                    progress(done)
    else:
        for job in jobs:
            split, rows = _write_ship(job)
            records[split] += rows
            done += len(rows)
            if progress is not None:
                progress(done)
    (folder / "annotations").mkdir(exist_ok=True)
    for split, rows in records.items():
        (folder / "annotations" / f"{split}.json").write_text(json.dumps(_coco(rows)), encoding="utf-8")
    names = dict(enumerate(LABELS))
    data = {**{split: f"images/{split}" for split in request.counts}, "names": names}
    (folder / "data.yaml").write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    card = {
        "request": asdict(request),
        "labels": list(LABELS),
        "splits": {split: _summary(rows) for split, rows in records.items()},
    }
    (folder / "data_card.json").write_text(json.dumps(card, indent=1), encoding="utf-8")
    return card


def _claim(folder: Path, request: DatasetRequest) -> None:
    """Write down what the folder's frames follow from, or see that they follow from the same."""
    stamp = folder / "parts" / "request.json"
    mine = {name: getattr(request, name) for name in ("seed", "shots_per_ship", "parcel_share", "tether_share")}
    if stamp.is_file():
        theirs = {"tether_share": 0.0} | json.loads(stamp.read_text(encoding="utf-8"))  # older sets know no tether
        if theirs != mine:
            raise InputError(f"{folder} holds frames made with {theirs}, not {mine}", todo="give another folder")
        return
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(json.dumps(mine), encoding="utf-8")


def _finished(part: Path, count: int) -> list[dict[str, Any]] | None:
    """What an earlier run, which was cut off, finished of a ship; None where it did not, or did not come to the end."""
    try:
        rows: list[dict[str, Any]] = json.loads(part.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return rows if len(rows) == count else None


def _write_ship(job: tuple[Path, str, int, int, int, float, float]) -> tuple[str, list[dict[str, Any]]]:
    folder, split, ship, seed, count, parcel_share, tether_share = job
    part = folder / "parts" / f"{split}-{ship:04d}.json"
    if (finished := _finished(part, count)) is not None:  # as good as new
        return split, finished
    cv2.setNumThreads(1)
    rows: list[dict[str, Any]] = []
    for shot in ship_shots(split, ship, seed, count, parcel_share, tether_share):
        cv2.imwrite(str(folder / "images" / split / f"{shot.name}.jpg"), shot.image, [cv2.IMWRITE_JPEG_QUALITY, 92])
        lines = []
        for box in shot.boxes:
            if box.ignore:
                continue
            x0, y0, x1, y1 = box.box_xyxy_px
            centre = (
                (x0 + x1) / 2 / WIDTH_PX,
                (y0 + y1) / 2 / HEIGHT_PX,
                (x1 - x0) / WIDTH_PX,
                (y1 - y0) / HEIGHT_PX,
            )
            lines.append(f"{LABELS.index(box.label)} " + " ".join(f"{value:.6f}" for value in centre))
        (folder / "labels" / split / f"{shot.name}.txt").write_text(
            "\n".join(lines) + ("\n" if lines else ""), encoding="ascii"
        )
        rows.append({"file": f"{shot.name}.jpg", "boxes": [asdict(box) for box in shot.boxes], **shot.facts})
    part.parent.mkdir(exist_ok=True)
    part.write_text(json.dumps(rows), encoding="utf-8")
    return split, rows


def _coco(rows: list[dict[str, Any]]) -> dict[str, Any]:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index, row in enumerate(rows, start=1):
        facts = {key: value for key, value in row.items() if key not in ("file", "boxes")}
        images.append({"id": index, "file_name": row["file"], "width": WIDTH_PX, "height": HEIGHT_PX, "facts": facts})
        for box in row["boxes"]:
            x0, y0, x1, y1 = box["box_xyxy_px"]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": index,
                    "category_id": LABELS.index(box["label"]) + 1,
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": box["pixels"],
                    "iscrowd": int(box["ignore"]),
                    **{fact: box[fact] for fact in _FACTS},
                }
            )
    categories = [{"id": index + 1, "name": label} for index, label in enumerate(LABELS)]
    return {"images": images, "annotations": annotations, "categories": categories}


def _summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    boxes = [box for row in rows for box in row["boxes"]]
    return {
        "frames": len(rows),
        "ships": len({row["ship"] for row in rows}),
        "frames_with_parcel": sum(any(box["label"] == "parcel" for box in row["boxes"]) for row in rows),
        "frames_with_tether": sum(row.get("tether", False) for row in rows),
        "frames_with_open_water": sum(row["open_water"] > 0.03 for row in rows),
        "boxes": {label: sum(box["label"] == label and not box["ignore"] for box in boxes) for label in LABELS},
        "ignored": sum(box["ignore"] for box in boxes),
    }
