"""Parcels drawn into a user's own photographs of hulls, as a data set: real plating, real water, known boxes.

The water is measured in each photograph, and the parcel drawn with it, as blind samples are (``planting``). What no
photograph tells is drawn at random: how far away the plating is, how it is turned, how far one could see there.
Photographs in which a parcel may already be must not be given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import yaml
from scipy.spatial.transform import Rotation

from hullscan.errors import InputError, RecordError
from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Pose
from hullscan.review.parcel import Sprite, draw_parcel, random_parcel
from hullscan.review.planting import box_in, plant
from hullscan.review.water import PATCHES, Water, measure_water
from hullscan.video.frames import Image
from hullscan.vision.detections import LABELS
from hullscan.vision.pictures import pictures_in, read_picture

__all__ = ["CompositeRequest", "write_composites"]

WIDTH_PX: Final = 640
HEIGHT_PX: Final = 360
LEAST_CONTRAST: Final = 5.0
"""8-bit levels between a parcel and what is round it, as for generated frames: below this people hardly see it."""
_STILL: Final = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
_TRIES: Final = 20
_RING_PX: Final = 9
_JPEG_QUALITY: Final = 92


@dataclass(frozen=True, slots=True)
class CompositeRequest:
    """What to make.

    Attributes:
        photographs: a folder with a folder of photographs for each ship.
        counts: frames by split, train and val.
        seed: everything follows from it and from the photographs.
        parcel_share: share of the frames into which a parcel is drawn.
        val_share: share of the ships whose photographs serve to choose thresholds with, one at least.
    """

    photographs: Path
    counts: dict[str, int]
    seed: int = 1
    parcel_share: float = 0.7
    val_share: float = 0.2


def write_composites(out: Path, request: CompositeRequest, progress: Callable[[int], None] | None = None) -> Path:
    """Write YOLO folders, COCO annotations, ``data.yaml`` and a data card.

    Returns:
        ``data.yaml``.

    Raises:
        InputError: there are photographs of fewer than two ships, one of them cannot be read or is too small, or the
            folder is not empty.
        RecordError: the data set cannot be written.
    """
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out} is not empty", todo="give another folder")
    ships = _by_split(request)
    rows: dict[str, list[dict[str, Any]]] = {split: [] for split in ships}
    try:
        for number, (split, folders) in enumerate(ships.items()):
            for kind in ("images", "labels"):
                (out / kind / split).mkdir(parents=True)
            rng = np.random.default_rng([request.seed, number])
            for made in _frames(folders, request.counts[split], request.parcel_share, rng):
                rows[split].append(_write(out, split, len(rows[split]), made))
                if progress is not None:
                    progress(sum(map(len, rows.values())))
        return _close(out, request, ships, rows)
    except OSError as error:
        raise RecordError(f"cannot write the data set: {error.strerror}", where=str(out)) from error


@dataclass(frozen=True, slots=True)
class _Made:
    image: Image
    boxes_xyxy_px: tuple[tuple[float, float, float, float], ...]
    facts: dict[str, Any]


def _by_split(request: CompositeRequest) -> dict[str, list[Path]]:
    """Folders of ships by split: no ship is in both."""
    if not request.photographs.is_dir():
        raise InputError(f"no folder {request.photographs}", todo="give one with a folder for each ship")
    ships = sorted(path for path in request.photographs.iterdir() if path.is_dir())
    if len(ships) < 2:
        raise InputError(
            f"{request.photographs} holds photographs of {len(ships)} ships",
            todo="make a folder for each of two ships or more: what is measured must not be the ship that was learnt",
        )
    order = np.random.default_rng(request.seed).permutation(len(ships))
    measured = max(1, round(request.val_share * len(ships)))
    chosen = {"val": sorted(order[:measured].tolist()), "train": sorted(order[measured:].tolist())}
    return {split: [ships[index] for index in chosen[split]] for split in ("train", "val")}


def _frames(folders: list[Path], count: int, parcel_share: float, rng: np.random.Generator) -> Iterator[_Made]:
    photographs = [(folder.name, path) for folder in folders for path in pictures_in([folder])]
    for number in range(count):
        ship, path = photographs[number % len(photographs)]
        photograph = read_picture(path)
        if min(photograph.shape[:2]) < HEIGHT_PX // 2:
            raise InputError(f"{path} is smaller than {HEIGHT_PX // 2} pixels", todo="leave it out")
        facts = {"ship": ship, "photograph": path.name}
        yield (
            _with_parcel(_cut(photograph, rng), rng, facts)
            if rng.random() < parcel_share
            else _Made(_cut(photograph, rng), (), facts)
        )


def _cut(photograph: Image, rng: np.random.Generator) -> Image:
    """A part of it in the shape of the video, from all that fits down to half of that, now and then mirrored."""
    height, width = photograph.shape[:2]
    whole = min(width, height * WIDTH_PX / HEIGHT_PX)
    wide = whole * float(rng.uniform(0.5, 1.0))
    high = wide * HEIGHT_PX / WIDTH_PX
    x, y = int(rng.uniform(0, width - wide + 1e-9)), int(rng.uniform(0, height - high + 1e-9))
    part = photograph[y : y + max(int(high), 1), x : x + max(int(wide), 1)]
    part = part[:, ::-1] if rng.random() < 0.5 else part
    shrinks = part.shape[1] > WIDTH_PX
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.ascontiguousarray(cv2.resize(part, (WIDTH_PX, HEIGHT_PX), interpolation=interpolation), dtype=np.uint8)


def _with_parcel(image: Image, rng: np.random.Generator, facts: dict[str, Any]) -> _Made:
    """With a parcel that people can see; as it was where none came out so."""
    for _ in range(_TRIES):
        camera = Camera.from_hfov(WIDTH_PX, HEIGHT_PX, float(np.radians(rng.uniform(60, 95))))
        visibility_m = float(np.exp(rng.uniform(np.log(2.0), np.log(10.0))))
        range_m = float(np.clip(visibility_m * rng.uniform(0.15, 0.45), 0.45, 2.5))
        water = _water(image, range_m, visibility_m)
        turned = Rotation.from_euler("xyz", rng.normal(size=3) * [0.25, 0.3, 0.08])
        across, down = rng.uniform(-0.4, 0.4, 2) * [WIDTH_PX / camera.fx_px, HEIGHT_PX / camera.fy_px]
        point = range_m * np.array([across, down, 1.0])
        blue, green, red = (float(value) for value in rng.uniform(0.5, 1.6, 3))  # of any colour, not of the plating's
        parcel = replace(random_parcel(rng), tint_bgr=(blue, green, red))
        # the photograph's own axes: x right, y down, z ahead; the plating faces the camera but for its turn
        normal = turned.apply([0.0, 0.0, -1.0])
        sprite = draw_parcel(parcel, point, normal, camera, Pose(np.zeros(3), Rotation.identity()))
        if sprite is None:
            continue
        made = plant(image, sprite, _STILL, water, rng, snow=False)
        contrast = _contrast(made, sprite)
        if contrast >= LEAST_CONTRAST:
            facts = facts | {"contrast": round(contrast, 1), "range_m": round(range_m, 2), "parcel": parcel.to_json()}
            return _Made(made, (box_in(_STILL, sprite),), facts)
    return _Made(image, (), facts)


def _water(image: Image, range_m: float, visibility_m: float) -> Water:
    """The water as far as one photograph tells: its noise, and a veil as dark as the darker parts are.

    Where a fifth of the picture is darker, the water before it cannot throw back more than that.
    """
    measured = measure_water([(image, np.full(PATCHES[0] * PATCHES[1], range_m))], [], visibility_m)
    darker = np.percentile(measured.veil_bgr.reshape(-1, 3), 20, axis=0)
    return replace(measured, veil_bgr=np.broadcast_to(darker, measured.veil_bgr.shape))


def _contrast(image: Image, sprite: Sprite) -> float:
    """Greatest difference of a channel between the parcel's rim and what is round it, 8-bit levels."""
    cover = np.zeros(image.shape[:2], np.uint8)
    height, width = sprite.cover.shape
    cover[sprite.y_px : sprite.y_px + height, sprite.x_px : sprite.x_px + width] = sprite.cover > 0.5
    kernel = np.ones((_RING_PX, _RING_PX), np.uint8)
    rim, ring = (cover > 0) & (cv2.erode(cover, kernel) == 0), (cv2.dilate(cover, kernel) > 0) & (cover == 0)
    if not rim.any() or not ring.any():
        return 0.0
    return float(np.abs(image[rim].mean(axis=0) - image[ring].mean(axis=0)).max())


def _write(out: Path, split: str, number: int, made: _Made) -> dict[str, Any]:
    name = f"{split}-photo-{number:05d}"
    encoded = cv2.imencode(".jpg", made.image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
    (out / "images" / split / f"{name}.jpg").write_bytes(encoded.tobytes())
    lines = [
        f"{LABELS.index('parcel')} {(x0 + x1) / 2 / WIDTH_PX:.6f} {(y0 + y1) / 2 / HEIGHT_PX:.6f} "
        f"{(x1 - x0) / WIDTH_PX:.6f} {(y1 - y0) / HEIGHT_PX:.6f}\n"
        for x0, y0, x1, y1 in made.boxes_xyxy_px
    ]
    (out / "labels" / split / f"{name}.txt").write_text("".join(lines), encoding="ascii")
    return {"file": f"{name}.jpg", "boxes": [list(box) for box in made.boxes_xyxy_px], **made.facts}


def _close(
    out: Path, request: CompositeRequest, ships: dict[str, list[Path]], rows: dict[str, list[dict[str, Any]]]
) -> Path:
    (out / "annotations").mkdir()
    for split, entries in rows.items():
        (out / "annotations" / f"{split}.json").write_text(json.dumps(_coco(entries)), encoding="utf-8")
    card = {
        "made_by": "parcels drawn into photographs",
        "request": {**asdict(request), "photographs": request.photographs.name},
        "splits": {
            split: {
                "frames": len(entries),
                "frames_with_parcel": sum(bool(row["boxes"]) for row in entries),
                "ships": [folder.name for folder in ships[split]],
            }
            for split, entries in rows.items()
        },
    }
    (out / "data_card.json").write_text(json.dumps(card, indent=1), encoding="utf-8")
    data = out / "data.yaml"
    content = {**{split: f"images/{split}" for split in rows}, "names": dict(enumerate(LABELS))}
    data.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return data


def _coco(rows: list[dict[str, Any]]) -> dict[str, Any]:
    images = [
        {"id": number, "file_name": row["file"], "width": WIDTH_PX, "height": HEIGHT_PX, "facts": {
            key: value for key, value in row.items() if key not in ("file", "boxes")}}
        for number, row in enumerate(rows, start=1)
    ]  # fmt: skip
    boxes = [(number, box) for number, row in enumerate(rows, start=1) for box in row["boxes"]]
    annotations = [
        {"id": number, "image_id": image, "category_id": LABELS.index("parcel") + 1, "iscrowd": 0,
         "bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0)}
        for number, (image, (x0, y0, x1, y1)) in enumerate(boxes, start=1)
    ]  # fmt: skip
    categories = [{"id": index + 1, "name": label} for index, label in enumerate(LABELS)]
    return {"images": images, "annotations": annotations, "categories": categories}
