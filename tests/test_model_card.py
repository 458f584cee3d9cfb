"""What the card beside a model says is what it is run at, and a file that it does not describe is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from hullscan.errors import DetectorError
from hullscan.findings.merge import rules_for
from hullscan.vision.card import checked_bytes, choose_threshold, operating_threshold
from hullscan.vision.runtime import DEFAULT_MODEL, PRECISE_MODEL


def model_with(tmp_path: Path, card: str | None) -> Path:
    model = tmp_path / "m.onnx"
    model.write_bytes(b"weights")
    if card is not None:
        (tmp_path / "m.yaml").write_text(card.replace("HASH", hashlib.sha256(b"weights").hexdigest()), encoding="utf-8")
    return model


@pytest.mark.parametrize(
    ("card", "threshold"),
    [("threshold: 0.35\n", 0.35), ("threshold:\n", 0.4), ("what: no threshold\n", 0.4), (None, 0.4)],
    ids=["as the card says", "the usual one for an empty one", "the usual one for none", "the usual one without card"],
)
def test_the_threshold_is(tmp_path: Path, card: str | None, threshold: float) -> None:
    model = model_with(tmp_path, card)
    assert operating_threshold(model) == threshold
    assert rules_for(model, None).min_score == threshold
    assert rules_for(model, 0.9).min_score == 0.9


@pytest.mark.parametrize(
    "card", ["threshold: 1.5\n", "threshold: high\n", "threshold: true\n", "- a list\n", "files: 3\n", "a: [\n"]
)
def test_a_card_that_makes_no_sense_is_one_clear_error(tmp_path: Path, card: str) -> None:
    with pytest.raises(DetectorError, match=r"m\.yaml") as raised:
        operating_threshold(model_with(tmp_path, card))
    assert "\n" not in str(raised.value)


def test_weights_that_are_not_those_of_the_card_are_refused(tmp_path: Path) -> None:
    model = model_with(tmp_path, "files: {m.onnx: HASH}\n")
    assert checked_bytes(model) == b"weights"
    model.write_bytes(b"Weights")
    with pytest.raises(DetectorError, match="not the file that its card describes"):
        checked_bytes(model)


def test_our_weights_are_those_of_our_card() -> None:
    for model in (DEFAULT_MODEL, PRECISE_MODEL):
        assert checked_bytes(model)


@pytest.mark.parametrize(
    ("false_per_frame", "chosen"),
    [((0.3, 0.1, 0.02), 0.3), ((0.05, 0.01, 0.0), 0.2), ((0.9, 0.5, 0.2), 0.4)],
    ids=["the lowest that is quiet enough", "the lowest of all", "the highest where none is quiet"],
)
def test_the_threshold_chosen_is(false_per_frame: tuple[float, ...], chosen: float) -> None:
    rows = [{"threshold": t, "false_per_frame": f} for t, f in zip((0.2, 0.3, 0.4), false_per_frame, strict=True)]
    assert choose_threshold(rows) == chosen
