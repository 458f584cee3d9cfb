"""The drift watch: which pictures are unlike those that the detector was measured on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from hullscan.errors import DetectorError
from hullscan.vision.card import stated_inputs
from hullscan.vision.detections import Detections
from hullscan.vision.drift import LEAST_LOOKS, STATISTICS, WatchedDetector, input_statistics


class Silent:
    """Finds nothing."""

    names = ("parcel",)
    model_sha256 = "0" * 64

    def detect(self, image_bgr: np.ndarray) -> Detections:
        return Detections.none(self.names)


def hull(seed: int, *, light: float = 1.0, blur: float = 0.0, red: float = 1.0) -> np.ndarray:
    """Mottled plating in green water."""
    rng = np.random.default_rng(seed)
    grain = cv2.GaussianBlur(rng.normal(size=(180, 320)).astype(np.float32), (0, 0), 2.0)
    picture = np.clip((90 + 120 * grain)[..., None] * np.array([0.7, 1.0, 0.5 * red]) * light, 0, 255)
    return cv2.GaussianBlur(picture, (0, 0), blur).astype(np.uint8) if blur else picture.astype(np.uint8)


def looked_at(watched: WatchedDetector, **look: float) -> WatchedDetector:
    for seed in range(1000, 1000 + LEAST_LOOKS + 10):
        watched.detect(hull(seed, **look))
    return watched


@pytest.fixture(scope="module")
def ranges() -> dict[str, tuple[float, float]]:
    measured = WatchedDetector(Silent())
    for seed in range(200):
        measured.detect(hull(seed, light=0.8 + 0.002 * seed))
    return {name: (low, high) for name, (low, high) in measured.ranges().items()}


@pytest.mark.parametrize(
    ("look", "unlike"),
    [
        pytest.param({}, set(), id="pictures like those measured"),
        pytest.param({"light": 0.3}, {"brightness"}, id="dark ones"),
        pytest.param({"blur": 3.0}, {"sharpness"}, id="blurred ones"),
        pytest.param({"red": 2.2}, {"green_to_red"}, id="red ones"),
    ],
)
def test_pictures_unlike_those_measured_are_told(ranges, look, unlike):
    drift = looked_at(WatchedDetector(Silent(), ranges), **look).drift()
    assert unlike <= set(drift["unlike"])
    assert drift["applies"] is not bool(unlike)
    assert set(drift["outside"]) == set(STATISTICS)


def test_nothing_is_said_without_ranges_or_of_a_few_looks(ranges):
    assert looked_at(WatchedDetector(Silent())).drift()["applies"] is None
    few = WatchedDetector(Silent(), ranges)
    few.detect(hull(1, light=0.1))
    assert few.drift() == {"looks": 1, "outside": {}, "unlike": [], "applies": None}


def test_the_size_of_the_picture_hardly_matters():
    small = cv2.GaussianBlur(hull(5), (0, 0), 3.0)
    large = cv2.resize(small, (1280, 720), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_allclose(input_statistics(small, 0.5), input_statistics(large, 0.5), atol=0.6)


@pytest.mark.parametrize(
    ("card", "ranges"),
    [
        pytest.param("threshold: 0.5\n", None, id="a card that states none"),
        pytest.param("inputs: {ranges: {contrast: [4, 40]}}\n", {"contrast": (4.0, 40.0)}, id="a card with one"),
    ],
)
def test_the_card_states_the_ranges(tmp_path: Path, card: str, ranges):
    (tmp_path / "m.yaml").write_text(card, encoding="utf-8")
    assert stated_inputs(tmp_path / "m.onnx") == ranges


@pytest.mark.parametrize(
    "card", ["inputs: 3\n", "inputs: {ranges: {contrast: 4}}\n", "inputs: {ranges: {light: [0, 1]}}\n"]
)
def test_ranges_that_make_no_sense_are_one_clear_error(tmp_path: Path, card: str):
    (tmp_path / "m.yaml").write_text(card, encoding="utf-8")
    with pytest.raises(DetectorError, match="range"):
        WatchedDetector.by_its_card(Silent(), tmp_path / "m.onnx")
