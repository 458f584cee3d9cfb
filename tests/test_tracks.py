"""Detections, tracks of them over looks, and pictures to records."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hullscan.errors import InputError
from hullscan.vision.detections import Detections
from hullscan.vision.pictures import detect_pictures
from hullscan.vision.runtime import ExportedDetector
from hullscan.vision.tracking import Tracker

NAMES = ("parcel", "anode")


# ---------------------------------------------------------------- detections


def detections(*boxes: tuple[float, float], score: float = 0.8, label: int = 0, size: float = 40.0) -> Detections:
    """Square boxes round their centres."""
    centres = np.array(boxes, dtype=np.float64).reshape(-1, 2)
    corners = np.concatenate([centres - size / 2, centres + size / 2], axis=1)
    return Detections(corners, np.full(len(boxes), score), np.full(len(boxes), label, np.int64), NAMES)


def joined(*parts: Detections) -> Detections:
    boxes = np.concatenate([part.boxes_xyxy_px for part in parts])
    scores, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("scores", "labels"))
    return Detections(boxes, scores, labels, NAMES)


def test_detections_are_selected_together():
    found = joined(detections((10, 10), score=0.9), detections((50, 50), score=0.3, label=1))
    kept = found.select(found.scores < 0.5)
    assert len(kept) == 1
    assert kept.label_of(0) == "anode"
    assert kept.boxes_xyxy_px.tolist() == [[30, 30, 70, 70]]
    assert len(Detections.none(NAMES)) == 0


@pytest.mark.parametrize(
    ("boxes", "labels"),
    [
        pytest.param(np.zeros((1, 4)), np.zeros(2, np.int64), id="too few boxes"),
        pytest.param(np.zeros((2, 4)), np.zeros(3, np.int64), id="too many labels"),
        pytest.param(np.zeros((2, 5)), np.zeros(2, np.int64), id="boxes with five numbers"),
    ],
)
def test_detections_that_do_not_fit_together_are_a_fault_of_the_program(boxes, labels):
    with pytest.raises(ValueError, match="expected boxes"):
        Detections(boxes, np.zeros(2), labels, NAMES)


# ---------------------------------------------------------------- tracks

HIT, MISS = detections((100, 100)), Detections.none(NAMES)
FAINT = detections((100, 100), score=0.1)
PERIOD_S = 0.25


def follow(sequence: list[Detections], **rules: Any) -> tuple[Tracker, list[list[int]]]:
    tracker = Tracker(**rules)
    return tracker, [tracker.update(look, index * PERIOD_S) for index, look in enumerate(sequence)]


@pytest.mark.parametrize(
    ("looks", "ids", "confirmed"),
    [
        pytest.param([HIT] * 2, [1, 1], False, id="two looks are not enough"),
        pytest.param([HIT] * 3, [1, 1, 1], True, id="three in a row"),
        pytest.param([HIT, MISS, HIT, MISS, HIT], [1, 0, 1, 0, 1], True, id="three of five"),
        pytest.param([HIT, MISS, MISS, HIT, MISS, HIT], [1, 0, 0, 1, 0, 1], False, id="three of six"),
        pytest.param(
            [HIT] * 3 + [MISS] * 4, [1, 1, 1, 0, 0, 0, 0], True, id="confirmed stays confirmed while it lives"
        ),
        pytest.param([HIT] + [MISS] * 4 + [HIT], [1, 0, 0, 0, 0, 1], False, id="found again after four misses"),
        pytest.param([HIT] * 3 + [MISS] * 5 + [HIT], [1, 1, 1, *[0] * 5, 2], False, id="five misses end a track"),
        pytest.param([FAINT] * 5, [0] * 5, False, id="faint looks start nothing"),
        pytest.param([HIT, FAINT, FAINT], [1, 1, 1], True, id="faint looks go on with a track"),
        pytest.param(
            [HIT, HIT, detections((500, 100))], [1, 1, 2], False, id="a jump across the picture is another object"
        ),
        pytest.param(
            [HIT, HIT, detections((100, 100), label=1)], [1, 1, 2], False, id="another label is another object"
        ),
        pytest.param(
            [HIT, HIT, detections((100, 100), size=160)], [1, 1, 2], False, id="four times the size is another object"
        ),
        pytest.param(
            [detections((100 + 45 * k, 100)) for k in range(4)], [1] * 4, True, id="what drifts through the picture"
        ),
        pytest.param(
            [detections((100 + 55 * k, 100)) if k not in (2, 3) else MISS for k in range(6)],
            [1, 1, 0, 0, 1, 1],
            True,
            id="what drifts on while it is not seen",
        ),
    ],
)
def test_a_track_is_confirmed_when_seen_in_three_of_five_looks(looks, ids, confirmed):
    tracker, given_ids = follow(looks)
    assert [each[0] if each else 0 for each in given_ids] == ids
    assert tracker.is_confirmed(max(ids)) == confirmed


def test_tracks_of_a_resumed_session_go_on_counting() -> None:
    tracker = Tracker(hits=1, first_id=8)
    found = Detections(np.array([[10.0, 10, 40, 40]]), np.array([0.9]), np.array([0]), ("parcel",))
    assert tracker.update(found, 5.0) == [8]


def test_a_track_is_confirmed_with_the_look_that_completes_it_and_gone_with_its_end():
    tracker, seen = Tracker(), []
    for index, look in enumerate([HIT] * 3 + [MISS] * 5):
        tracker.update(look, index * PERIOD_S)
        seen.append(tracker.is_confirmed(1))
    assert seen == [False, False, True, True, True, True, True, False]


@pytest.mark.parametrize(("hits", "looks", "needed"), [(1, 1, 1), (2, 2, 2), (4, 6, 4)])
def test_k_and_n_are_what_they_are_set_to(hits, looks, needed):
    assert not follow([HIT] * (needed - 1), hits=hits, looks=looks)[0].is_confirmed(1)
    assert follow([HIT] * needed, hits=hits, looks=looks)[0].is_confirmed(1)


@pytest.mark.parametrize(
    "paths",
    [
        pytest.param([[(100 + 10 * k, 100), (200 + 10 * k, 100)] for k in range(6)], id="side by side"),
        pytest.param([[(100 + 30 * k, 100), (300 - 30 * k, 130)] for k in range(7)], id="passing each other"),
        pytest.param([[(100 + 55 * k, 100), (45 + 55 * k, 100)] for k in range(5)], id="one where the other was"),
    ],
)
def test_two_objects_keep_their_numbers_whatever_the_order(paths):
    looks = [detections(*pair) for pair in paths]
    assert follow(looks)[1] == [[1, 2]] * len(paths)
    turned = [detections(*(pair if k % 2 == 0 else pair[::-1])) for k, pair in enumerate(paths)]
    assert follow(turned)[1] == [[1, 2] if k % 2 == 0 else [2, 1] for k in range(len(paths))]


def test_each_detection_of_a_look_has_a_number_of_its_own():
    dice = np.random.default_rng(4)
    tracker = Tracker()
    places = dice.uniform(50, 590, (12, 2))
    for look in range(20):
        shown = places + 4 * look + dice.normal(size=places.shape)
        chosen = shown[dice.random(12) < 0.8]
        ids = tracker.update(detections(*map(tuple, chosen)), look * PERIOD_S)
        assert len(set(ids)) == len(ids)
        assert 0 not in ids


# ---------------------------------------------------------------- pictures to records


@dataclass
class BrightSpot:
    """A detector that finds the brightest pixel, in two sizes."""

    names: tuple[str, ...] = NAMES
    model_sha256: str = "0" * 64
    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def detect(self, image_bgr: np.ndarray) -> Detections:
        self.shapes.append(image_bgr.shape)
        row, column = np.unravel_index(image_bgr.sum(axis=2).argmax(), image_bgr.shape[:2])
        if image_bgr.max() == 0:
            return Detections.none(NAMES)
        return joined(
            detections((column, row), size=20, score=0.876543), detections((column, row), size=10, score=0.2, label=1)
        )

    def detect_batch(self, images_bgr: list[np.ndarray]) -> list[Detections]:
        return [self.detect(image) for image in images_bgr]


def spot(path: Path, x: int, y: int, size: tuple[int, int] = (90, 160)) -> Path:
    image = np.zeros((*size, 3), np.uint8)
    image[y, x] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)
    return path


def jpeg(preview: bytes = b"") -> bytes:
    """A JPEG of noise, with another one in its header as cameras put previews."""
    noise = np.random.default_rng(2).integers(0, 255, (64, 96, 3)).astype(np.uint8)
    whole = cv2.imencode(".jpg", noise)[1].tobytes()
    header = b"\xff\xe1" + (len(preview) + 2).to_bytes(2, "big") + preview if preview else b""
    return whole[:2] + header + whole[2:]


@pytest.mark.parametrize(
    ("name", "content", "size"),
    [
        pytest.param("x.png", np.full((1, 1, 3), 200, np.uint8), (1, 1), id="one pixel"),
        pytest.param("x.png", np.full((9, 16), 40_000, np.uint16), (16, 9), id="grey of 16 bits"),
        pytest.param("x.png", np.full((9, 16, 4), 90, np.uint8), (16, 9), id="with an alpha channel"),
        pytest.param("x.png", np.full((2, 9000, 3), 90, np.uint8), (9000, 2), id="a strip"),
        pytest.param("x.jpg", jpeg(preview=jpeg()), (96, 64), id="a JPEG with a preview in its header"),
    ],
)
def test_odd_pictures_are_examined_as_any_other(tmp_path, name, content, size):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        cv2.imwrite(str(path), content)
    detect_pictures([path], tmp_path / "found.json", ExportedDetector(floor=0.001))
    record = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))[0]
    assert (record["width"], record["height"]) == size
    assert record["detections"]  # so low a floor finds something in anything
    for box in (each["box_xyxy_px"] for each in record["detections"]):
        assert 0 <= box[0] <= box[2] <= size[0]
        assert 0 <= box[1] <= box[3] <= size[1]


def test_each_picture_becomes_a_record_in_the_order_given(tmp_path):
    single = spot(tmp_path / "z.png", 30, 40)
    spot(tmp_path / "all" / "b.PNG", 50, 60, (99, 131))
    spot(tmp_path / "all" / "a" / "dark.png", 0, 0)
    cv2.imwrite(str(tmp_path / "all" / "a" / "dark.png"), np.zeros((9, 9, 3), np.uint8))
    (tmp_path / "all" / "notes.txt").write_text("no picture", encoding="ascii")
    out = tmp_path / "found.json"
    assert detect_pictures([single, tmp_path / "all"], out, BrightSpot()) == (4, 3)
    records = json.loads(out.read_text(encoding="utf-8"))
    assert [Path(record["file"]).name for record in records] == ["z.png", "dark.png", "b.PNG"]
    assert [(record["width"], record["height"]) for record in records] == [(160, 90), (9, 9), (131, 99)]
    assert records[1]["detections"] == []
    assert records[0]["detections"] == [
        {"label": "parcel", "score": 0.8765, "box_xyxy_px": [20.0, 30.0, 40.0, 50.0]},
        {"label": "anode", "score": 0.2, "box_xyxy_px": [25.0, 35.0, 35.0, 45.0]},
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "cannot read .*x.jpg", id="no such file"),
        pytest.param(b"", "no picture that can be read", id="an empty file"),
        pytest.param(b"not a picture" * 50, "no picture that can be read", id="text"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(50), "no picture that can be read", id="half a picture"),
        pytest.param(jpeg()[:-400], "cut off", id="a JPEG cut off"),
        pytest.param(jpeg(preview=jpeg())[:-400], "cut off", id="a JPEG cut off, with a whole preview in its header"),
        pytest.param(b"P6 40000 40000 255\n", "too large", id="more pixels than can be read"),
    ],
)
def test_what_is_no_picture_is_refused_and_nothing_is_written(tmp_path, content, message):
    good = spot(tmp_path / "good.png", 3, 3)
    if content is not None:
        (tmp_path / "x.jpg").write_bytes(content)
    with pytest.raises(InputError, match=message):
        detect_pictures([good, tmp_path / "x.jpg"], tmp_path / "found.json", BrightSpot())
    assert not (tmp_path / "found.json").exists()


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(InputError, match="no pictures given"):
        detect_pictures([tmp_path], tmp_path / "found.json", BrightSpot())


def test_records_that_cannot_be_written_are_one_error(tmp_path):
    good = spot(tmp_path / "good.png", 3, 3)
    with pytest.raises(InputError, match="cannot write"):
        detect_pictures([good], tmp_path / "nowhere" / "found.json", BrightSpot())
