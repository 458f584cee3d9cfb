"""The data set: folders, annotations and card that agree, frames that follow from the request, ships of one split."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

import hullscan_sim.dataset.boxes
from hullscan.errors import InputError
from hullscan_sim.camera.objects import LABELS
from hullscan_sim.dataset import HEIGHT_PX, WIDTH_PX, DatasetRequest, make_dataset, ship_shots

pytestmark = pytest.mark.slow  # a frame takes about a second

# two ships to train with, the others with one each; the second ship's last frame shows what can hardly be seen
REQUEST = DatasetRequest(counts={"train": 10, "val": 3, "test": 2}, seed=1, shots_per_ship=5, processes=1)
LEAST_CONTRAST, LEAST_PIXELS, LEAST_SIDE_PX = 5.0, 110, 12


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("set")
    return folder, make_dataset(folder, REQUEST)


@pytest.fixture(scope="module")
def folder(made) -> Path:
    return made[0]


def coco(folder: Path, split: str) -> dict[str, Any]:
    return json.loads((folder / "annotations" / f"{split}.json").read_text(encoding="utf-8"))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# ---------------------------------------------------------------- three ways to say the same


@pytest.mark.parametrize("split", REQUEST.counts)
def test_each_frame_has_its_picture_its_labels_and_its_annotations(folder, split):
    names = [image["file_name"] for image in coco(folder, split)["images"]]
    assert len(names) == len(set(names)) == REQUEST.counts[split]
    assert {path.name for path in (folder / "images" / split).iterdir()} == set(names)
    assert {path.stem for path in (folder / "labels" / split).iterdir()} == {Path(name).stem for name in names}
    for image in coco(folder, split)["images"]:
        picture = cv2.imread(str(folder / "images" / split / image["file_name"]))
        assert picture.shape == (image["height"], image["width"], 3) == (HEIGHT_PX, WIDTH_PX, 3)
        assert picture.std() > 1  # there is something in it


@pytest.mark.parametrize("split", REQUEST.counts)
def test_labels_and_annotations_hold_the_same_boxes(folder, split):
    annotated = coco(folder, split)
    categories = {each["id"]: each["name"] for each in annotated["categories"]}
    names = yaml.safe_load((folder / "data.yaml").read_text(encoding="utf-8"))["names"]
    assert list(categories.values()) == list(names.values()) == list(LABELS)
    assert len({each["id"] for each in annotated["annotations"]}) == len(annotated["annotations"])
    for image in annotated["images"]:
        text = (folder / "labels" / split / Path(image["file_name"]).with_suffix(".txt")).read_text(encoding="ascii")
        labelled = []
        for line in text.splitlines():
            index, *numbers = line.split()
            x, y, width, height = (float(number) for number in numbers)
            assert all(0 < value <= 1 for value in (x, y, width, height))
            assert 0 <= x - width / 2 + 1e-6 < x + width / 2 <= 1 + 1e-6
            assert 0 <= y - height / 2 + 1e-6 < y + height / 2 <= 1 + 1e-6
            box = [(x - width / 2) * WIDTH_PX, (y - height / 2) * HEIGHT_PX, width * WIDTH_PX, height * HEIGHT_PX]
            labelled.append((names[int(index)], pytest.approx(box, abs=0.01)))
        visible = [
            (categories[each["category_id"]], each["bbox"])
            for each in annotated["annotations"]
            if each["image_id"] == image["id"] and not each["iscrowd"]
        ]
        assert visible == labelled


def test_the_card_counts_what_is_there(made):
    folder, card = made
    assert json.loads((folder / "data_card.json").read_text(encoding="utf-8")) == card
    assert card["request"] == asdict(REQUEST)
    for split, facts in card["splits"].items():
        annotated = coco(folder, split)
        parcel = LABELS.index("parcel") + 1
        seen = [each for each in annotated["annotations"] if not each["iscrowd"]]
        assert facts["frames"] == len(annotated["images"])
        assert facts["ships"] == len({image["facts"]["ship"] for image in annotated["images"]})
        assert facts["ignored"] == len(annotated["annotations"]) - len(seen)
        assert facts["boxes"] == {
            label: sum(each["category_id"] == index for each in seen) for index, label in enumerate(LABELS, start=1)
        }
        with_parcel = {each["image_id"] for each in annotated["annotations"] if each["category_id"] == parcel}
        assert facts["frames_with_parcel"] == len(with_parcel)


def test_the_description_names_folders_relative_to_itself(folder):
    data = yaml.safe_load((folder / "data.yaml").read_text(encoding="utf-8"))
    assert {split: data[split] for split in REQUEST.counts} == {split: f"images/{split}" for split in REQUEST.counts}
    assert all((folder / data[split]).is_dir() for split in REQUEST.counts)


# ---------------------------------------------------------------- what the frames show


def test_some_frames_show_a_parcel_and_more_than_half_show_what_may_be_taken_for_one(folder, made):
    splits = made[1]["splits"].values()
    frames, with_parcel = (sum(facts[key] for facts in splits) for key in ("frames", "frames_with_parcel"))
    assert 0.2 * frames < with_parcel < 0.9 * frames  # of five places, 0.6 of which are asked to have one
    others = [image["facts"]["others"] for split in REQUEST.counts for image in coco(folder, split)["images"]]
    assert np.mean(np.array(others) > 0) > 0.5


def test_a_box_that_can_hardly_be_seen_is_marked_and_is_no_label(folder):
    boxes = [each for split in REQUEST.counts for each in coco(folder, split)["annotations"]]
    for box in boxes:
        hardly = (
            box["contrast"] < LEAST_CONTRAST
            or box["area"] < LEAST_PIXELS
            or max(box["bbox"][2:]) < LEAST_SIDE_PX
        )  # fmt: skip
        assert box["iscrowd"] == int(hardly)
    assert {0, 1} == {box["iscrowd"] for box in boxes}  # both are there to be told apart


def test_each_box_tells_how_it_was_seen(folder):
    annotated = [(image, each) for split in REQUEST.counts for image, each in pairs(coco(folder, split))]
    assert annotated
    for image, each in annotated:
        assert 0.2 < each["range_m"] < 4 * image["facts"]["stand_off_m"] + 3
        assert 0 <= each["incidence_deg"] <= 90
        assert 0 <= each["hidden_share"] <= 1
    whole = [each["hidden_share"] for _, each in annotated if not each["iscrowd"]]
    assert np.median(whole) < 0.3  # most things stand in the open


def pairs(annotated: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    images = {image["id"]: image for image in annotated["images"]}
    return [(images[each["image_id"]], each) for each in annotated["annotations"]]


def test_no_frame_to_train_with_has_a_parcel_that_can_hardly_be_seen(folder, monkeypatch):
    """With a higher limit just those frames of a ship are left out that show a parcel below it."""
    annotated = coco(folder, "train")
    parcels = [each for each in annotated["annotations"] if each["category_id"] == LABELS.index("parcel") + 1]
    of_ship = {image["id"] for image in annotated["images"] if image["facts"]["ship"] == 0}
    limit = float(np.median([each["contrast"] for each in parcels if each["image_id"] in of_ship]))
    dim = {each["image_id"] for each in parcels if each["contrast"] < limit}
    frames = [image for image in annotated["images"] if image["facts"]["ship"] == 0]
    kept = [image for image in frames if image["id"] not in dim][:4]
    left = [image["facts"] for image in kept]
    assert left  # something to keep,
    assert dim & {image["id"] for image in frames[: frames.index(kept[-1])]}  # and something to leave out before it
    monkeypatch.setattr(hullscan_sim.dataset.boxes, "_MIN_CONTRAST", limit)
    shots = list(ship_shots("train", 0, REQUEST.seed, len(left), REQUEST.parcel_share))
    assert [shot.facts for shot in shots] == left
    assert [shot.name for shot in shots] == [f"train-0000-{index:03d}" for index in range(len(left))]  # no gaps
    for shot in shots:
        assert not any(box.ignore for box in shot.boxes if box.label == "parcel")


def test_no_ship_is_in_two_splits(folder):
    hulls: dict[str, set[tuple[float, str]]] = {}
    for split in REQUEST.counts:
        facts = [image["facts"] for image in coco(folder, split)["images"]]
        hulls[split] = {(each["length_m"], each["coating"]) for each in facts}
        assert len(hulls[split]) == len({each["ship"] for each in facts})  # a ship stays the same in all its frames
    assert len(set.union(*hulls.values())) == sum(len(each) for each in hulls.values()) == 4


# ---------------------------------------------------------------- the same again


def test_frames_follow_from_seed_and_ship_whatever_else_is_asked_for(folder, tmp_path):
    """Fewer frames of one split alone: the first ones of the large set, bit for bit."""
    make_dataset(tmp_path, replace(REQUEST, counts={"val": 2}))
    whole = everything(folder)
    again = {name: content for name, content in everything(tmp_path).items() if name.startswith(("images", "labels"))}
    assert len(again) == 4
    assert again == {name: whole[name] for name in again}


def test_another_seed_gives_other_ships(folder, tmp_path):
    make_dataset(tmp_path, replace(REQUEST, counts={"val": 1}, seed=2))
    first, other = (coco(place, "val")["images"][0]["facts"] for place in (folder, tmp_path))
    assert first["length_m"] != other["length_m"]


def test_a_run_that_was_cut_off_goes_on_to_the_same_set(folder, tmp_path):
    whole = everything(folder)
    place = tmp_path / "set"
    shutil.copytree(folder, place)
    shutil.rmtree(place / "annotations")
    (place / "data_card.json").unlink()
    # one ship half made, one whose record was being written, the others done
    (place / "parts" / "val-0000.json").unlink()
    (place / "images" / "val" / "val-0000-002.jpg").unlink()
    (place / "labels" / "val" / "val-0000-002.txt").unlink()
    record = place / "parts" / "test-0000.json"
    record.write_bytes(record.read_bytes()[:200])
    kept = place / "images" / "train" / "train-0000-000.jpg"
    kept.write_bytes(b"what was done is not done again")
    progress: list[int] = []
    make_dataset(place, REQUEST, progress.append)
    assert progress == [5, 10, 13, 15]
    assert kept.read_bytes() == b"what was done is not done again"
    kept.write_bytes(whole["images/train/train-0000-000.jpg"])
    assert everything(place) == whole


@pytest.mark.parametrize(
    "change", [{"seed": 2}, {"parcel_share": 0.9}, {"shots_per_ship": 7}, {"tether_share": 0.5}], ids=str
)
def test_frames_of_two_requests_are_never_mixed(folder, change):
    before = everything(folder)
    with pytest.raises(InputError, match="holds frames made with") as caught:
        make_dataset(folder, replace(REQUEST, **change))
    assert "another folder" in caught.value.todo
    assert everything(folder) == before


def test_a_tether_in_view_changes_nothing_else_and_is_no_labelled_thing():
    bare = list(ship_shots("test", 0, REQUEST.seed, 3, 0.0))
    tethered = list(ship_shots("test", 0, REQUEST.seed, 3, 0.0, tether_share=1.0))
    assert [shot.name for shot in bare] == [shot.name for shot in tethered]
    seen = [shot for shot in tethered if shot.facts["tether"]]
    assert seen
    for one, other in zip(bare, tethered, strict=True):
        changed = np.abs(one.image.astype(int) - other.image).max(axis=2) > 40
        assert changed.any() or not other.facts["tether"]
        assert changed.mean() < 0.2  # a cable, and what the exposure makes of it
        assert {box.label for box in other.boxes} <= {box.label for box in one.boxes}
        for key in ("visibility_m", "stand_off_m", "lamps", "hfov_deg"):
            assert one.facts[key] == other.facts[key]
