"""What counts as found and as false, and which frames a training takes."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from hullscan.errors import InputError
from hullscan.vision.average_precision import average_precision
from hullscan.vision.detections import Detections
from hullscan.vision.evaluation import score_frames, score_labels
from hullscan.vision.measures import bounds_of, evaluation_result
from hullscan.vision.plots import frame_plots
from hullscan.vision.sheets import contact_sheets
from hullscan.vision.training import TrainingRequest, choose_frames

PARCEL, ROPE = 0, 1


class Scripted:
    """Gives prepared detections, frame after frame: (label, score, box)."""

    names = ("parcel", "rope")
    model_sha256 = "0" * 64

    def __init__(self, frames: list[list[tuple[int, float, tuple[float, float, float, float]]]]) -> None:
        self._frames = iter(frames)

    def detect(self, image_bgr: np.ndarray) -> Detections:
        found = next(self._frames)
        boxes = np.array([box for _, _, box in found], dtype=float).reshape(-1, 4)
        scores, labels = np.array([s for _, s, _ in found]), np.array([k for k, _, _ in found], dtype=np.int64)
        return Detections(boxes, scores, labels, self.names)


def data_set(folder: Path, frames: list[list[tuple[str, tuple[int, int, int, int], bool]]]) -> Path:
    """A test split with boxes (label, x y w h, ignore)."""
    (folder / "images" / "test").mkdir(parents=True)
    (folder / "annotations").mkdir()
    images, annotations = [], []
    for index, boxes in enumerate(frames):
        name = f"{index}.jpg"
        cv2.imwrite(str(folder / "images" / "test" / name), np.zeros((90, 160, 3), np.uint8))
        images.append({"id": index, "file_name": name})
        for label, box, ignore in boxes:
            category = {"parcel": 1, "rope": 2}[label]
            annotations.append({"image_id": index, "category_id": category, "bbox": box, "iscrowd": int(ignore)})
    categories = [{"id": 1, "name": "parcel"}, {"id": 2, "name": "rope"}]
    coco = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations" / "test.json").write_text(json.dumps(coco), encoding="utf-8")
    return folder


HERE, THERE = (10, 10, 40, 20), (100, 50, 30, 30)
AT_HERE, AT_THERE = (10.0, 10.0, 50.0, 30.0), (100.0, 50.0, 130.0, 80.0)


@pytest.mark.parametrize(
    ("truth", "detections", "recall", "false_per_frame"),
    [
        pytest.param([("parcel", HERE, False)], [(PARCEL, 0.9, AT_HERE)], 1.0, 0.0, id="on the parcel: found"),
        pytest.param([("parcel", HERE, False)], [(PARCEL, 0.4, AT_HERE)], 0.0, 0.0, id="below the threshold: missed"),
        pytest.param([("parcel", HERE, False)], [(PARCEL, 0.9, AT_THERE)], 0.0, 1.0, id="elsewhere: missed and false"),
        pytest.param([("parcel", HERE, False)], [(ROPE, 0.9, AT_HERE)], 0.0, 0.0, id="another label does not count"),
        pytest.param([("rope", HERE, False)], [(PARCEL, 0.9, AT_HERE)], None, 1.0, id="a rope called parcel is false"),
        pytest.param([("parcel", HERE, True)], [(PARCEL, 0.9, AT_HERE)], None, 0.0, id="on an ignored one: nothing"),
        pytest.param([("parcel", HERE, True)], [], None, 0.0, id="an ignored one is not missed"),
        pytest.param(
            [("parcel", HERE, False), ("parcel", THERE, False)], [(PARCEL, 0.9, AT_HERE)], 0.5, 0.0, id="one of two"
        ),
        pytest.param(
            [("parcel", HERE, False)],
            [(PARCEL, 0.9, AT_HERE), (PARCEL, 0.8, AT_HERE)],
            1.0,
            0.0,
            id="two boxes on one parcel are no false one",
        ),
    ],
)
def test_what_counts(truth, detections, recall, false_per_frame, tmp_path: Path):
    scored = score_frames(Scripted([detections]), data_set(tmp_path / "data", [truth]), "test")
    point = scored.at(0.5)
    assert point.recall == pytest.approx(recall, nan_ok=True) if recall is not None else np.isnan(point.recall)
    assert point.false_per_frame == false_per_frame


def test_frames_with_false_boxes_are_counted_once_and_sizes_apart(tmp_path: Path):
    frames = [[("parcel", HERE, False)], [("parcel", THERE, False)], []]
    found = [[(PARCEL, 0.9, AT_HERE)], [], [(PARCEL, 0.9, AT_HERE), (PARCEL, 0.7, AT_THERE)]]
    scored = score_frames(Scripted(found), data_set(tmp_path / "data", frames), "test")
    point = scored.at(0.5)
    assert (point.recall, point.false_per_frame, point.false_frames) == pytest.approx((0.5, 2 / 3, 1 / 3))
    assert scored.at(0.5, scored.between("shorter_side_px", 0, 25)).recall == 1.0  # the one that is 20 px high
    assert scored.at(0.5, scored.between("shorter_side_px", 25, 99)).recall == 0.0  # the one of 30 px


def test_a_folder_without_labels_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no labelled split"):
        score_frames(Scripted([]), tmp_path, "test")


def test_training_takes_every_labelled_frame_and_a_seeded_share_of_the_empty_ones(tmp_path: Path):
    for part in ("images/train", "labels/train"):
        (tmp_path / part).mkdir(parents=True)
    for number in range(200):
        (tmp_path / f"images/train/{number:03d}.jpg").write_bytes(b"")
        text = "0 0.5 0.5 0.1 0.1\n" if number % 4 == 0 else ""
        (tmp_path / f"labels/train/{number:03d}.txt").write_text(text, encoding="ascii")
    content = {"train": "images/train", "val": "images/val", "names": {0: "parcel"}}
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    (tmp_path / "out").mkdir()

    def chosen(seed: int) -> list[int]:
        request = TrainingRequest(data=tmp_path / "data.yaml", out=tmp_path / "out", empty_share=0.3, seed=seed)
        lists = yaml.safe_load(choose_frames(request).read_text(encoding="utf-8"))
        return [int(Path(line).stem) for line in Path(lists["train"]).read_text(encoding="utf-8").splitlines()]

    first = chosen(1)
    assert set(range(0, 200, 4)) <= set(first)
    assert 0.2 < (len(first) - 50) / 150 < 0.4
    assert chosen(1) == first != chosen(2)


def test_recall_is_told_with_bounds_by_size_and_label_and_at_fixed_rates_of_false_boxes(tmp_path: Path):
    frames = [[("parcel", HERE, False), ("rope", THERE, False)], [("parcel", THERE, False)], []]
    found = [
        [(PARCEL, 0.9, AT_HERE), (ROPE, 0.6, AT_THERE)],
        [(PARCEL, 0.3, AT_THERE)],
        [(PARCEL, 0.4, AT_HERE)],
    ]
    labels = ("parcel", "rope")
    scored = score_labels(Scripted(found), data_set(tmp_path / "data", frames), "test", labels)
    told = evaluation_result(scored, "parcel", 0.5)
    at = told["at_the_threshold"]
    assert (at["found"], at["objects"], at["recall"], at["false_boxes"]) == (1, 2, 0.5, 0)
    assert (at["lower"], at["upper"]) == (None, 0.9874)  # of two parcels no recall can be claimed
    assert at["false_per_frame_upper"] == pytest.approx(2.996 / 3, abs=1e-3)  # tables of Garwood
    # one false box in three frames is allowed; fewer than one in ten cannot be shown by three frames
    assert {rate: point["found"] for rate, point in told["at_false_per_frame"].items()} == {"1.0": 2}
    assert [(row["from"], row["objects"], row["found"]) for row in told["bands"]["shorter_side_px"]] == [
        (0, 1, 1), (24, 1, 0), (32, 0, 0), (96, 0, 0),
    ]  # fmt: skip
    assert told["bands"]["hidden_share"] == []  # this data set does not know it
    assert told["labels"]["rope"]["recall"] == 1.0
    assert json.loads(json.dumps(told)) == told


def test_what_is_missed_altogether_is_missed_at_any_rate_of_false_boxes(tmp_path: Path):
    frames = [[("parcel", HERE, False)], *([[]] * 299)]
    scored = score_labels(Scripted([[]] * 300), data_set(tmp_path / "data", frames), "test", ("parcel",))
    told = evaluation_result(scored, "parcel", 0.5)
    assert [point["found"] for point in told["at_false_per_frame"].values()] == [0, 0, 0]


@pytest.mark.parametrize(
    ("hits", "of", "bounds"),
    [
        (45, 50, (0.7819, 0.9667)),
        (36, 36, (0.9026, 1.0)),
        (35, 35, (None, 1.0)),
        (0, 20, (None, 0.1684)),
        (0, 0, (None, None)),
    ],
    ids=[
        "as the tables of Clopper and Pearson say",
        "just enough for a claim",
        "one too few",
        "few that were missed",
        "none at all",
    ],
)
def test_the_lower_bound_of_a_share_is_told_where_there_are_enough_for_a_claim(hits, of, bounds):
    assert bounds_of(hits, of) == pytest.approx(bounds, abs=1e-4)


@pytest.mark.parametrize(
    "found", [[[(PARCEL, 0.9, AT_HERE)], [(PARCEL, 0.4, AT_HERE)]], [[], []]], ids=["hits and strays", "nothing at all"]
)
def test_curves_are_drawn_of(found, tmp_path: Path):
    scored = score_frames(Scripted(found), data_set(tmp_path / "data", [[("parcel", HERE, False)], []]), "test")
    frame_plots(scored, "parcel", 0.5, tmp_path / "curves.png")
    assert cv2.imread(str(tmp_path / "curves.png")).std() > 10
    with pytest.raises(InputError, match="cannot write"):
        frame_plots(scored, "parcel", 0.5, tmp_path / "nowhere" / "curves.png")


def test_contact_sheets_show_each_case_in_its_colour(tmp_path: Path):
    frames = [[("parcel", HERE, False)], [("parcel", THERE, False)], []]
    found = [[(PARCEL, 0.9, AT_HERE)], [(PARCEL, 0.2, AT_THERE)], [(PARCEL, 0.7, AT_HERE), (PARCEL, 0.4, AT_THERE)]]
    scored = score_frames(Scripted(found), data_set(tmp_path / "data", frames), "test")
    assert contact_sheets(scored, 0.5, tmp_path / "sheets") == {"hits": 1, "misses": 1, "false": 1}
    for name, (blue, green, red) in {"hits": (80, 220, 80), "misses": (0, 200, 255), "false": (60, 60, 255)}.items():
        sheet = cv2.imread(str(tmp_path / "sheets" / f"{name}.jpg"))
        assert sheet.shape == (180, 6 * 240, 3)
        assert np.abs(sheet.astype(int) - (blue, green, red)).max(axis=2).min() < 60, name
    assert contact_sheets(scored, 0.95, tmp_path / "sheets")["hits"] == 0  # an empty sheet is written all the same


def test_average_precision_is_cocos(tmp_path: Path):
    pytest.importorskip("faster_coco_eval")
    frames = [[("parcel", HERE, False)], [("parcel", THERE, False), ("rope", HERE, False)], [("parcel", HERE, True)]]
    folder = data_set(tmp_path / "data", frames)
    path = folder / "annotations" / "test.json"
    coco = json.loads(path.read_text(encoding="utf-8"))
    for number, each in enumerate(coco["annotations"], start=1):
        each |= {"id": number, "area": each["bbox"][2] * each["bbox"][3]}
    path.write_text(json.dumps(coco), encoding="utf-8")
    found = [[(PARCEL, 0.9, AT_HERE)], [(PARCEL, 0.8, AT_THERE)], [(PARCEL, 0.7, AT_HERE)]]
    detector = Scripted(found)
    seen = [detector.detect(np.zeros((90, 160, 3), np.uint8)) for _ in frames]
    # both parcels exactly, the ignored one counts for nothing, the rope is missed: (1 + 0) / 2
    assert average_precision(path, seen) == {"map50_95": 0.5, "map50": 0.5}
    # the second parcel missed: precision 1 up to a recall of one half, which is 51 of COCO's 101 points
    assert average_precision(path, [seen[0], Detections.none(("parcel", "rope")), seen[2]]) == {
        "map50_95": round(51 / 101 / 2, 4), "map50": round(51 / 101 / 2, 4),
    }  # fmt: skip
