"""Parcels drawn into a user's own photographs: known boxes, other ships to measure with than to learn from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from hullscan.cli import app
from hullscan.errors import InputError
from hullscan.review.composites import CompositeRequest, write_composites

COUNTS = {"train": 8, "val": 4}


def photograph(seed: int, width: int = 900, height: int = 600) -> np.ndarray:
    """Plating with growth, seen through some water."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 12, (20, 30, 3)) + rng.uniform(60, 160, 3)
    picture = cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def ships(tmp_path: Path) -> Path:
    for number, name in enumerate(("Alder", "Birch", "Cedar")):
        (tmp_path / "ships" / name).mkdir(parents=True)
        for index in range(2):
            cv2.imwrite(str(tmp_path / "ships" / name / f"{index}.jpg"), photograph(10 * number + index))
    return tmp_path / "ships"


def annotated(out: Path, split: str) -> tuple[list[dict[str, Any]], dict[int, list[list[float]]]]:
    coco = json.loads((out / "annotations" / f"{split}.json").read_text(encoding="utf-8"))
    boxes: dict[int, list[list[float]]] = {}
    for each in coco["annotations"]:
        boxes.setdefault(each["image_id"], []).append(each["bbox"])
    return coco["images"], boxes


def test_no_ship_is_in_both_splits_and_all_frames_are_there(ships: Path, tmp_path: Path) -> None:
    data = write_composites(tmp_path / "out", CompositeRequest(ships, COUNTS))
    used = {}
    for split, count in COUNTS.items():
        images, _ = annotated(tmp_path / "out", split)
        assert len(images) == count
        assert sorted(path.name for path in (tmp_path / "out" / "images" / split).iterdir()) == sorted(
            image["file_name"] for image in images
        )
        used[split] = {image["facts"]["ship"] for image in images}
    assert used["train"] | used["val"] == {"Alder", "Birch", "Cedar"}
    assert not used["train"] & used["val"]
    content = yaml.safe_load(data.read_text(encoding="utf-8"))
    assert content["names"][0] == "parcel"


def test_labels_say_where_the_picture_differs_from_what_was_photographed(ships: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_composites(out, CompositeRequest(ships, COUNTS, parcel_share=1.0))
    empty = tmp_path / "empty"
    write_composites(empty, CompositeRequest(ships, COUNTS, parcel_share=0.0))
    images, boxes = annotated(out, "train")
    assert len(boxes) >= 0.7 * len(images)
    # the first of either is cut from the same photograph in the same way: nothing was drawn at random before
    first = images[0]
    bare, planted = (cv2.imread(str(folder / "images" / "train" / first["file_name"])) for folder in (empty, out))
    changed = np.argwhere(np.abs(planted.astype(int) - bare).max(axis=2) > 25)
    (x, y, width, height) = boxes[first["id"]][0]
    assert len(changed) > 50
    inside = (
        (changed[:, 1] > x - 12) & (changed[:, 1] < x + width + 12)
        & (changed[:, 0] > y - 12) & (changed[:, 0] < y + height + 12)
    )  # fmt: skip
    assert inside.mean() > 0.95
    label = (out / "labels" / "train" / first["file_name"].replace(".jpg", ".txt")).read_text(encoding="ascii").split()
    assert [float(part) for part in label] == pytest.approx(
        [0, (x + width / 2) / 640, (y + height / 2) / 360, width / 640, height / 360], abs=1e-5
    )


def test_what_is_drawn_can_be_seen(ships: Path, tmp_path: Path) -> None:
    write_composites(tmp_path / "out", CompositeRequest(ships, COUNTS, parcel_share=1.0))
    images, boxes = annotated(tmp_path / "out", "train")
    assert all(image["facts"]["contrast"] >= 5 for image in images if image["id"] in boxes)


def test_the_same_seed_gives_the_same_frames(ships: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        write_composites(tmp_path / name, CompositeRequest(ships, COUNTS, seed))
    one, two, other = (
        [path.read_bytes() for path in sorted((tmp_path / name / "images").rglob("*.jpg"))]
        for name in ("one", "two", "other")
    )
    assert one == two
    assert one != other


def test_the_command_writes_them(ships: Path, tmp_path: Path) -> None:
    told = CliRunner().invoke(
        app, ["dataset", str(tmp_path / "out"), "--photographs", str(ships), "--train", "4", "--val", "2"]
    )
    assert told.exit_code == 0, told.output
    assert (tmp_path / "out" / "data.yaml").is_file()


def one_ship(folder: Path) -> None:
    (folder / "Alder").mkdir(parents=True)
    cv2.imwrite(str(folder / "Alder" / "0.jpg"), photograph(1))


def no_pictures(folder: Path) -> None:
    for name in ("Alder", "Birch"):
        (folder / name).mkdir(parents=True)


def small_pictures(folder: Path) -> None:
    no_pictures(folder)
    for name in ("Alder", "Birch"):
        cv2.imwrite(str(folder / name / "0.png"), photograph(1, 90, 60))


def broken_pictures(folder: Path) -> None:
    no_pictures(folder)
    for name in ("Alder", "Birch"):
        (folder / name / "0.jpg").write_bytes(b"no picture")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda folder: None, "no folder", id="no folder"),
        pytest.param(one_ship, "photographs of 1 ships", id="one ship, which cannot be learnt from and measured with"),
        pytest.param(no_pictures, "no pictures", id="empty folders"),
        pytest.param(small_pictures, "smaller than", id="thumbnails"),
        pytest.param(broken_pictures, "no picture that can be read", id="files that are no pictures"),
    ],
)
def test_photographs_that_cannot_be_used_are_one_error(tmp_path: Path, make: Any, message: str) -> None:
    make(tmp_path / "ships")
    with pytest.raises(InputError, match=message):
        write_composites(tmp_path / "out", CompositeRequest(tmp_path / "ships", COUNTS))


def test_a_folder_that_holds_something_is_left_alone(ships: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("kept", encoding="utf-8")
    with pytest.raises(InputError, match="is not empty"):
        write_composites(tmp_path / "out", CompositeRequest(ships, COUNTS))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
