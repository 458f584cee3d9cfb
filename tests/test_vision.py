"""The detector's run times, and a training that is small enough to wait for."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from hullscan.errors import DetectorError
from hullscan.vision.detections import Detections
from hullscan.vision.export import export_model, weights_of
from hullscan.vision.runtime import (
    DEFAULT_MODEL,
    PRECISE_MODEL,
    ExportedDetector,
    UltralyticsDetector,
    load_detector,
    offline_ultralytics,
)
from hullscan.vision.training import TrainingRequest, train_detector
from hullscan_sim.dataset.ships import ship_shots

NAMES = ("parcel", "anode")
INPUT_PX = (96, 160)  # height, width

# ---------------------------------------------------------------- models made by hand, in ONNX as any other


def save_model(
    path: Path, nodes: list[Any], constants: dict[str, Any], *, names: str | None = str(dict(enumerate(NAMES))),
    shape: tuple[Any, ...] = (1, 3, *INPUT_PX),
) -> Path:  # fmt: skip
    """A graph from ``images`` to ``output``, with label names in its metadata."""
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)]
    tensors = [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "made by hand", inputs, outputs, tensors),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=8,
    )
    if names is not None:
        model.metadata_props.add(key="names", value=names)
    onnx.save(model, str(path))
    return path


def constant_model(path: Path, rows: list[tuple[float, ...]], **options: Any) -> Path:
    """A model that finds the same in every image: rows of (centre x, centre y, width, height, scores...)."""
    output = np.array(rows, np.float32).reshape(len(rows), -1).T[None]
    return save_model(path, [helper.make_node("Identity", ["made"], ["output"])], {"made": output}, **options)


def white_model(path: Path) -> Path:
    """A model that finds the box round whatever is nearly white in its input."""
    nodes = [
        helper.make_node("ReduceMin", ["images"], ["dimmest"], axes=[0, 1], keepdims=0),
        helper.make_node("Greater", ["dimmest", "limit"], ["is_white"]),
        helper.make_node("Cast", ["is_white"], ["white"], to=TensorProto.FLOAT),
    ]
    for axis, name in ((0, "x"), (1, "y")):
        nodes += [
            helper.make_node("ReduceMax", ["white"], [f"profile_{name}"], axes=[axis], keepdims=0),
            helper.make_node("ArgMax", [f"profile_{name}"], [f"first_{name}"], axis=0, keepdims=1),
            helper.make_node("ArgMax", [f"profile_{name}"], [f"last_{name}"], axis=0, keepdims=1, select_last_index=1),
            helper.make_node("Add", [f"last_{name}", "one"], [f"end_{name}"]),
            helper.make_node("Add", [f"first_{name}", f"end_{name}"], [f"sum_{name}"]),
            helper.make_node("Sub", [f"end_{name}", f"first_{name}"], [f"size_{name}"]),
            helper.make_node("Cast", [f"sum_{name}"], [f"twice_{name}"], to=TensorProto.FLOAT),
            helper.make_node("Cast", [f"size_{name}"], [f"extent_{name}"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"twice_{name}", "half"], [f"centre_{name}"]),
        ]
    nodes += [
        helper.make_node("Concat", ["centre_x", "centre_y", "extent_x", "extent_y", "scores"], ["row"], axis=0),
        helper.make_node("Reshape", ["row", "shape"], ["output"]),
    ]
    constants = {
        "limit": np.float32(0.72),  # half way from the background, which is grey as the padding, to white
        "one": np.array([1], np.int64),
        "half": np.array([0.5], np.float32),
        "scores": np.array([0.9, 0.1], np.float32),
        "shape": np.array([1, 6, 1], np.int64),
    }
    return save_model(path, nodes, constants)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("vision")


@pytest.fixture(scope="module")
def white(folder) -> ExportedDetector:
    return ExportedDetector(white_model(folder / "white.onnx"))


# ---------------------------------------------------------------- from the input back to the frame


@settings(max_examples=150, deadline=None)
@given(width=st.integers(1, 900), height=st.integers(1, 900))
def test_a_box_round_the_whole_frame_comes_back_exactly_for_every_frame_size(white, width, height):
    found = white.detect(np.full((height, width, 3), 255, np.uint8))
    assert found.boxes_xyxy_px[0] == pytest.approx([0, 0, width, height], abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(
    width=st.integers(40, 700),
    height=st.integers(40, 500),
    share=st.tuples(st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0.2, 0.5), st.floats(0.2, 0.5)),
)
def test_a_white_rectangle_is_found_where_it_was_painted(white, width, height, share):
    left, top = int(share[0] * width), int(share[1] * height)
    right, bottom = left + int(share[2] * width), top + int(share[3] * height)
    image = np.full((height, width, 3), 114, np.uint8)
    image[top:bottom, left:right] = 255
    found = white.detect(image)
    scale = min(INPUT_PX[1] / width, INPUT_PX[0] / height)
    # an edge is known to the pixel of the input; shrunk without averaging it may move by one more pixel of the frame
    assert found.boxes_xyxy_px[0] == pytest.approx([left, top, right, bottom], abs=0.55 / scale + 0.5)
    assert found.label_of(0) == "parcel"


# ---------------------------------------------------------------- from the model's output to detections


BOX = (80.0, 48.0, 40.0, 20.0)  # in the input; frames of its size are not scaled
NEAR = (82.0, 48.0, 40.0, 20.0)  # IoU 0.90
HALF = (95.0, 48.0, 40.0, 20.0)  # IoU 0.45


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([(*BOX, 0.9, 0.1)], [("parcel", 0.9, (60, 38, 100, 58))], id="one box"),
        pytest.param([(*BOX, 0.01, 0.7)], [("anode", 0.7, (60, 38, 100, 58))], id="the best label counts"),
        pytest.param([(*BOX, 0.04, 0.02)], [], id="below the floor nothing is found"),
        pytest.param([(*BOX, 0.06, 0.02)], [("parcel", 0.06, (60, 38, 100, 58))], id="above the floor all is kept"),
        pytest.param(
            [(*BOX, 0.5, 0), (*NEAR, 0.8, 0)], [("parcel", 0.8, (62, 38, 102, 58))], id="of two that overlap the better"
        ),
        pytest.param(
            [(*BOX, 0.5, 0), (*NEAR, 0, 0.8)],
            [("anode", 0.8, (62, 38, 102, 58)), ("parcel", 0.5, (60, 38, 100, 58))],
            id="two labels in one place stay two, best first",
        ),
        pytest.param(
            [(*BOX, 0.5, 0), (*HALF, 0.8, 0)],
            [("parcel", 0.8, (75, 38, 115, 58)), ("parcel", 0.5, (60, 38, 100, 58))],
            id="neighbours that overlap by half stay two",
        ),
        pytest.param([(2.0, 90.0, 20.0, 20.0, 0.9, 0)], [("parcel", 0.9, (0, 80, 12, 96))], id="clipped to the frame"),
    ],
)
def test_the_models_output_becomes_boxes_scores_and_labels(tmp_path, rows, expected):
    detector = ExportedDetector(constant_model(tmp_path / "made.onnx", rows))
    found = detector.detect(np.zeros((*INPUT_PX, 3), np.uint8))
    assert [found.label_of(index) for index in range(len(found))] == [label for label, _, _ in expected]
    assert found.scores.tolist() == pytest.approx([score for _, score, _ in expected])
    assert found.boxes_xyxy_px.tolist() == [pytest.approx(box, abs=1e-4) for _, _, box in expected]
    assert found.names == detector.names == NAMES


def test_no_more_than_three_hundred_are_kept_and_they_are_the_best(tmp_path):
    dice = np.random.default_rng(1)
    places = [(4.0 * column, 4.0 * row) for row in range(20) for column in range(25)]
    rows = [
        (x, y, 3.0, 3.0, float(score), 0.0) for (x, y), score in zip(places, dice.permutation(500) / 500, strict=True)
    ]
    found = ExportedDetector(constant_model(tmp_path / "made.onnx", rows)).detect(np.zeros((*INPUT_PX, 3), np.uint8))
    assert len(found) == 300
    assert found.scores.tolist() == pytest.approx(sorted((row[4] for row in rows), reverse=True)[:300])


def test_the_input_is_red_green_blue_from_nought_to_one(tmp_path):
    # the model answers with the mean of each channel of its input as scores
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[0, 2, 3], keepdims=0),
        helper.make_node("Concat", ["box", "mean"], ["row"], axis=0),
        helper.make_node("Reshape", ["row", "shape"], ["output"]),
    ]
    constants = {"box": np.array(BOX, np.float32), "shape": np.array([1, 7, 1], np.int64)}
    path = save_model(tmp_path / "mean.onnx", nodes, constants, names="{0: 'red', 1: 'green', 2: 'blue'}")
    for channel, label in ((0, "blue"), (1, "green"), (2, "red")):
        image = np.zeros((*INPUT_PX, 3), np.uint8)
        image[..., channel] = 204
        found = ExportedDetector(path).detect(image)
        assert found.label_of(0) == label
        assert found.scores[0] == pytest.approx(0.8, abs=1e-3)


def test_openvino_finds_what_onnx_runtime_finds(tmp_path):
    pytest.importorskip("openvino")
    path = white_model(tmp_path / "white.onnx")
    image = np.full((177, 313, 3), 114, np.uint8)
    image[40:111, 60:201] = 255
    first, second = (ExportedDetector(path, backend=backend).detect(image) for backend in ("onnx", "openvino"))
    assert len(first) == len(second) == 1
    assert second.boxes_xyxy_px == pytest.approx(first.boxes_xyxy_px)
    assert second.scores == pytest.approx(first.scores)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.zeros((90, 160), np.uint8), id="grey"),
        pytest.param(np.zeros((90, 160, 4), np.uint8), id="with an alpha channel"),
        pytest.param(np.zeros((90, 160, 3), np.float32), id="of floats"),
    ],
)
def test_what_is_no_colour_picture_is_refused(white, image):
    with pytest.raises(DetectorError, match="expected an image"):
        white.detect(image)


# ---------------------------------------------------------------- model files that are not there or no models


def corrupt(path: Path) -> None:
    path.write_bytes(b"not a model\n" * 100)


def truncated(path: Path) -> None:
    white_model(path)
    path.write_bytes(path.read_bytes()[:300])


def nameless(path: Path) -> None:
    constant_model(path, [(*BOX, 0.9, 0.1)], names=None)


def misnamed(path: Path) -> None:
    constant_model(path, [(*BOX, 0.9, 0.1)], names="{1: 'parcel'")


def any_size(path: Path) -> None:
    constant_model(path, [(*BOX, 0.9, 0.1)], shape=(1, 3, "height", "width"))


def nothing(path: Path) -> None:
    """Leave the place empty."""


def folder_instead(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("name", "make", "message", "todo"),
    [
        pytest.param("m.onnx", nothing, "cannot read the model", "--model", id="no file"),
        pytest.param("m.onnx", folder_instead, "cannot read the model", "--model", id="a folder"),
        pytest.param("m.onnx", corrupt, "cannot load the model", "export it again", id="text instead of a model"),
        pytest.param("m.onnx", truncated, "cannot load the model", "export it again", id="half a model"),
        pytest.param("m.onnx", nameless, "no label names", "hullscan train", id="no label names"),
        pytest.param("m.onnx", misnamed, "no label names", "hullscan train", id="label names that cannot be read"),
        pytest.param("m.onnx", any_size, "expected .1, 3, height, width", "export it again", id="no fixed input size"),
        pytest.param("m.tflite", corrupt, "neither .onnx", "--model", id="a kind of model that is not known"),
    ],
)
def test_a_model_that_cannot_be_used_gives_one_error_that_says_what_to_do(tmp_path, name, make, message, todo):
    make(tmp_path / name)
    with pytest.raises(DetectorError, match=message) as caught:
        load_detector(tmp_path / name)
    assert todo in caught.value.todo
    assert name in str(caught.value)


@pytest.mark.slow  # imports torch
@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(nothing, "cannot read the model", id="no file"),
        pytest.param(corrupt, "cannot load the model", id="text instead of weights"),
    ],
)
def test_weights_that_cannot_be_used_give_one_error_that_says_what_to_do(tmp_path, make, message):
    make(tmp_path / "m.pt")
    with pytest.raises(DetectorError, match=message) as caught:
        load_detector(tmp_path / "m.pt")
    assert caught.value.todo


def test_the_hash_is_that_of_the_file(folder, white):
    assert white.model_sha256 == hashlib.sha256((folder / "white.onnx").read_bytes()).hexdigest()


def test_the_onnx_run_time_does_without_torch(folder, white):
    code = (
        "import sys, numpy\n"
        "from pathlib import Path\n"
        "from hullscan.vision.runtime import load_detector\n"
        "found = load_detector(Path(sys.argv[1])).detect(numpy.full((90, 160, 3), 255, numpy.uint8))\n"
        "heavy = {'torch', 'ultralytics', 'onnx', 'openvino'} & set(sys.modules)\n"
        "print(len(found), sorted(heavy))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(white.path)], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split(maxsplit=1) == ["1", "[]\n"]


# ---------------------------------------------------------------- against ultralytics

FROM_ULTRALYTICS = (
    # the exporter that ultralytics uses is torch's older one, and traces over Python values
    pytest.mark.filterwarnings("ignore:You are using the legacy TorchScript:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The feature will be removed:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Converting a tensor to a Python boolean:Warning"),
)


def with_ultralytics(test: Callable[..., None]) -> Callable[..., None]:
    """Slow, for torch is imported; with the warnings of other people's code let pass."""
    for mark in (*FROM_ULTRALYTICS, pytest.mark.slow):
        test = mark(test)
    return test


def clouds(width: int, height: int, seed: int) -> np.ndarray:
    """A picture of coloured clouds."""
    coarse = np.random.default_rng(seed).integers(0, 255, (9, 12, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def random_model(folder: Path) -> tuple[Path, Path]:
    """Weights that were never trained but find much: normalisation fitted to pictures, scores spread from 0 to 1."""
    offline_ultralytics()
    import torch
    from ultralytics import YOLO
    from ultralytics.nn.tasks import DetectionModel

    torch.manual_seed(3)
    network = DetectionModel("yolo11n.yaml", nc=len(NAMES), verbose=False)
    network.names = dict(enumerate(NAMES))
    norms = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    batch = np.stack([clouds(320, 192, seed) for seed in range(4)]).transpose(0, 3, 1, 2)
    with torch.no_grad():
        for norm in norms:
            norm.momentum = 1.0
        network.train()
        network(torch.from_numpy(batch.copy()).float() / 255)
        for branch in network.model[-1].cv3:
            branch[-1].weight.mul_(1.2)
            branch[-1].bias.fill_(-2.5)
        for branch in network.model[-1].cv2:
            branch[-1].weight.mul_(2.0)
    network.eval()
    whole = YOLO("yolo11n.yaml")
    whole.model, network.args = network, {}
    whole.save(folder / "random.pt")
    return folder / "random.pt", export_model(folder / "random.pt", folder, (384, 640))[0]


@pytest.fixture(scope="module", params=["random weights", "the committed model"])
def weights(request, tmp_path_factory) -> tuple[Path, Path]:
    """Weights and their export."""
    if request.param == "random weights":
        return random_model(tmp_path_factory.mktemp("random"))
    return weights_of(PRECISE_MODEL, tmp_path_factory.mktemp("ours") / "parcel.pt"), PRECISE_MODEL


def agreeing(ours: Detections, theirs: Detections) -> int:
    """How many of ours they have found too: label, box within a pixel, score within 0.01."""
    gaps = np.abs(ours.boxes_xyxy_px[:, None] - theirs.boxes_xyxy_px[None]).max(axis=2)
    close = (gaps < 1) & (np.abs(ours.scores[:, None] - theirs.scores[None]) < 0.01)
    return int((close & (ours.labels[:, None] == theirs.labels[None])).any(axis=1).sum())


@with_ultralytics
def test_the_exported_model_finds_what_ultralytics_finds(weights):
    exported, original = ExportedDetector(weights[1], floor=0.01), load_detector(weights[0], floor=0.01)
    assert exported.names == original.names
    compared = 0
    for seed, (width, height) in enumerate([(640, 360), (639, 360), (720, 405), (500, 281)]):
        image = clouds(width, height, 10 + seed)
        # parcels are nothing like clouds: a box of even colour is
        cv2.rectangle(image, (width // 3, height // 3), (width // 2, height // 2), (40, 90, 160), -1)
        ours, theirs = exported.detect(image), original.detect(image)
        # at the floor and at the 300th either may have kept one more
        firm, counter = (each.select(each.scores > max(0.03, np.sort(each.scores)[::-1][:290].min(initial=1) + 0.02))
                         for each in (ours, theirs))  # fmt: skip
        assert agreeing(firm, theirs) >= 0.98 * len(firm)
        assert agreeing(counter, ours) >= 0.98 * len(counter)
        compared += len(firm)
    assert compared > 0


@with_ultralytics
@pytest.mark.parametrize("run_time", ["onnx", "openvino", "ultralytics"])
def test_a_batch_of_pictures_of_any_sizes_is_found_what_each_alone_is(run_time, tmp_path):
    if run_time == "ultralytics":
        detector = UltralyticsDetector(weights_of(PRECISE_MODEL, tmp_path / "parcel.pt"))
    else:
        pytest.importorskip(run_time.replace("onnx", "onnxruntime"))
        detector = ExportedDetector(PRECISE_MODEL, backend=run_time)
    pictures = [
        clouds(width, height, 20 + seed) for seed, (width, height) in enumerate([(640, 360), (500, 500), (90, 400)])
    ]
    for picture in pictures:
        height, width = picture.shape[:2]
        cv2.rectangle(picture, (width // 3, height // 3), (width // 2, height // 2), (40, 90, 160), -1)
    together, alone = detector.detect_batch(pictures), [detector.detect(picture) for picture in pictures]
    assert sum(map(len, alone)) > 0
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-5)
        np.testing.assert_allclose(one.boxes_xyxy_px, other.boxes_xyxy_px, atol=0.01)
    assert detector.detect_batch([]) == []


@with_ultralytics
def test_the_record_of_a_run_tells_what_the_detector_ran_on(tmp_path):
    import torch

    original = load_detector(weights_of(PRECISE_MODEL, tmp_path / "parcel.pt"))
    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    assert original.runs_on.endswith(f"torch {torch.__version__}, {device}")
    assert re.fullmatch(r"ONNX Runtime [\d.]+, CPU", load_detector().runs_on)


@with_ultralytics
def test_all_run_times_agree_to_a_thousandth_on_the_committed_model(tmp_path):
    """Raw output, before any threshold: boxes in pixels of the input, scores."""
    import torch
    from ultralytics import YOLO

    pytest.importorskip("openvino")
    height, width = ExportedDetector(PRECISE_MODEL).input_px
    picture = clouds(width, height, 5)
    cv2.rectangle(picture, (200, 120), (330, 200), (40, 90, 160), -1)
    blob = cv2.dnn.blobFromImage(picture, 1 / 255.0, swapRB=True).astype(np.float32)
    onnx_out, openvino_out = (
        ExportedDetector(PRECISE_MODEL, backend=backend)._run(blob) for backend in ("onnx", "openvino")
    )
    network = YOLO(str(weights_of(PRECISE_MODEL, tmp_path / "parcel.pt"))).model.float().eval()
    with torch.no_grad():
        torch_out = network(torch.from_numpy(blob))[0].numpy()
    assert onnx_out[0, 4:].max() > 0.1  # it sees something
    for other in (openvino_out, torch_out):
        np.testing.assert_allclose(other[:, 4:], onnx_out[:, 4:], atol=1e-3)
        np.testing.assert_allclose(other[:, :4] / width, onnx_out[:, :4] / width, atol=1e-3)


def test_the_model_in_integers_scores_as_the_one_in_single_precision():
    """On frames of the simulator, where it sees something firmly."""
    integers, single = ExportedDetector(DEFAULT_MODEL), ExportedDetector(PRECISE_MODEL)
    assert integers.names == single.names
    assert integers.input_px == single.input_px
    gaps = []
    for shot in ship_shots("val", 0, 7, 8, 1.0):
        ours, theirs = integers.detect(shot.image), single.detect(shot.image)
        for box, score, label in zip(theirs.boxes_xyxy_px, theirs.scores, theirs.labels, strict=True):
            same = (ours.labels == label) & (np.abs(ours.boxes_xyxy_px - box).max(axis=1) < 12)
            gaps += [score - ours.scores[same].max(initial=0.0)] if score > 0.5 else []
    assert len(gaps) >= 3
    assert np.abs(gaps).max() < 0.2


WHOLE = (100, 100, 300, 150)


@pytest.mark.parametrize(
    ("box", "score", "label", "kept"),
    [
        pytest.param((100, 100, 190, 150), 0.6, 0, False, id="a half of a thing that is boxed whole goes"),
        pytest.param((100, 100, 190, 150), 0.9, 0, True, id="it stays where the whole is hardly believed"),
        pytest.param((100, 100, 190, 150), 0.6, 1, True, id="it stays where it is something else"),
        pytest.param((250, 100, 350, 150), 0.6, 0, True, id="a neighbour that overlaps stays"),
        pytest.param((400, 100, 440, 150), 0.6, 0, True, id="a thing elsewhere stays"),
    ],
)
def test_a_box_that_is_part_of_a_larger_one(box, score, label, kept):
    found = Detections(np.array([WHOLE, box], float), np.array([0.4, score]), np.array([0, label]), NAMES)
    rest = found.without_parts()
    assert rest.boxes_xyxy_px.tolist() == ([list(WHOLE), list(box)] if kept else [list(WHOLE)])
    assert len(Detections.none(NAMES).without_parts()) == 0


# ---------------------------------------------------------------- training


@pytest.fixture(scope="module")
def few_pictures(tmp_path_factory) -> Path:
    """Eight pictures for training and four to choose by, each with one coloured box."""
    place = tmp_path_factory.mktemp("few")
    for split, count in (("train", 8), ("val", 4)):
        for kind in ("images", "labels"):
            (place / kind / split).mkdir(parents=True)
        for index in range(count):
            image = clouds(96, 64, index)
            cv2.rectangle(image, (20 + 3 * index, 20), (50 + 3 * index, 44), (20, 60, 200), -1)
            cv2.imwrite(str(place / "images" / split / f"{index}.png"), image)
            line = f"{index % 2} {(35 + 3 * index) / 96:.4f} {32 / 64:.4f} {30 / 96:.4f} {24 / 64:.4f}\n"
            (place / "labels" / split / f"{index}.txt").write_text(line, encoding="ascii")
    data = {"train": "images/train", "val": "images/val", "names": dict(enumerate(NAMES))}
    (place / "data.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    (place / "data_card.json").write_text(json.dumps({"labels": NAMES}), encoding="utf-8")
    return place / "data.yaml"


def train(data: Path, out: Path, seed: int = 0, **more: Any) -> list[int]:
    epochs: list[int] = []
    request = TrainingRequest(data=data, out=out, image_px=64, epochs=1, batch=4, threads=1, seed=seed, **more)
    assert train_detector(request, lambda epoch, _: epochs.append(epoch)) == out
    return epochs


@with_ultralytics
def test_a_training_ends_with_weights_an_export_and_a_card_that_knows_both(few_pictures, tmp_path):
    assert train(few_pictures, tmp_path) == [1]
    card = yaml.safe_load((tmp_path / "parcel.yaml").read_text(encoding="utf-8"))
    assert {"parcel.pt", "parcel.onnx"} <= set(card["files"])
    for name, sha256 in card["files"].items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == sha256
    assert card["trained_with"]["epochs"] == 1
    assert card["data_card"] == {"labels": list(NAMES)}
    assert str(tmp_path) not in (tmp_path / "parcel.yaml").read_text(encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "parcel.pt") as parts:
        assert not any(str(tmp_path).encode() in parts.read(name) for name in parts.namelist())
    metadata = {entry.key: entry.value for entry in onnx.load(str(tmp_path / "parcel.onnx")).metadata_props}
    assert "date" not in metadata
    assert not any(str(tmp_path) in value for value in metadata.values())
    detector = load_detector(tmp_path / "parcel.onnx", floor=0.0)
    assert detector.names == NAMES
    assert len(detector.detect(clouds(96, 64, 1))) > 0
    train(few_pictures, tmp_path / "again")
    assert (tmp_path / "again" / "parcel.onnx").read_bytes() == (tmp_path / "parcel.onnx").read_bytes()


@with_ultralytics
def test_a_training_goes_on_from_the_shipped_weights(few_pictures, tmp_path):
    """They come out of the exported file, and so little learning leaves them as they are."""
    train(few_pictures, tmp_path, model="ours", learning_rate=1e-6)
    card = yaml.safe_load((tmp_path / "parcel.yaml").read_text(encoding="utf-8"))
    assert card["went_on_from"]["sha256"] == hashlib.sha256(PRECISE_MODEL.read_bytes()).hexdigest()
    before, after = numbers_of(PRECISE_MODEL), numbers_of(tmp_path / "parcel.onnx")
    first = "model.0.conv.weight"
    assert np.abs(after[first] - before[first]).max() < 0.01 * np.abs(before[first]).max()


def numbers_of(model: Path) -> dict[str, np.ndarray]:
    held = onnx.load(str(model)).graph.initializer
    return {each.name: numpy_helper.to_array(each).astype(float) for each in held if each.name.startswith("model.")}


@with_ultralytics
def test_the_head_learns_alone(few_pictures, tmp_path):
    """What the head is told stays the same to the bit."""
    train(few_pictures, tmp_path, model="ours", head_only=True)
    before, after = numbers_of(PRECISE_MODEL), numbers_of(tmp_path / "parcel.onnx")
    changed = {name for name in before if name not in after or not np.array_equal(before[name], after[name])}
    last = max(int(name.split(".")[1]) for name in before)
    assert changed
    assert {name for name in changed if not name.startswith(f"model.{last}.")} == set()
    with pytest.raises(DetectorError, match="needs weights"):
        train(few_pictures, tmp_path / "random", head_only=True)


@with_ultralytics
@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "no data set at", id="no file"),
        pytest.param("train: nowhere\nval: nowhere\nnames: {0: parcel}\n", "training failed", id="no pictures"),
    ],
)
def test_a_data_set_that_cannot_be_used_is_one_error(tmp_path, content, message):
    if content is not None:
        (tmp_path / "data.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(DetectorError, match=message):
        train_detector(TrainingRequest(data=tmp_path / "data.yaml", out=tmp_path / "out", epochs=1))
