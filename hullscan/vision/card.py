"""The card beside a model file: what threshold it is read at, and whether the file is the one that was measured."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import yaml

from hullscan.errors import DetectorError

__all__ = ["INT8", "MOST_FALSE_PER_FRAME", "checked_bytes", "choose_threshold", "operating_threshold", "stated_inputs"]

INT8 = "-int8"
"""Ends the name of a model file in eight-bit integers; one card describes it and the model that it was made of."""

MOST_FALSE_PER_FRAME = 0.1
"""False boxes in a validation frame that a reader is willing to look at."""

_DEFAULT_THRESHOLD = 0.4  # of a model that nobody has measured


def checked_bytes(model: Path) -> bytes:
    """The model file's content.

    Raises:
        DetectorError: it cannot be read, or its card names another hash: then what was measured is not this file.
    """
    try:
        raw = model.read_bytes()
    except OSError as error:
        raise DetectorError(f"cannot read the model {model}: {error.strerror}", todo="check --model") from error
    stated = _card(model).get("files", {}).get(model.name)
    found = hashlib.sha256(raw).hexdigest()
    if stated is not None and stated != found:
        raise DetectorError(
            f"{model} is not the file that its card describes: SHA-256 {found[:12]}, the card says {str(stated)[:12]}",
            todo="restore the file, or train again to get a card of its own",
        )
    return raw


def operating_threshold(model: Path) -> float:
    """Least score of a finding with this model: chosen on validation frames, as its card says."""
    threshold = _card(model).get("threshold") or _DEFAULT_THRESHOLD
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold < 1:
        raise DetectorError(f"threshold {threshold!r} is no score between 0 and 1", where=str(_card_file(model)))
    return float(threshold)


def stated_inputs(model: Path) -> dict[str, tuple[float, float]] | None:
    """Range of each statistic of the frames that the model was measured on; None where its card states none."""
    inputs = _card(model).get("inputs")
    if inputs is None:
        return None
    try:
        ranges = {str(name): (float(low), float(high)) for name, (low, high) in inputs["ranges"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DetectorError("inputs.ranges are no ranges", where=str(_card_file(model))) from error
    return ranges


def choose_threshold(rows: list[dict[str, Any]]) -> float:
    """The lowest threshold at which validation frames have few enough false boxes; the highest where none has.

    Args:
        rows: operating points, with ``threshold`` and ``false_per_frame``.
    """
    quiet = [row["threshold"] for row in rows if row["false_per_frame"] <= MOST_FALSE_PER_FRAME]
    return float(min(quiet, default=max(row["threshold"] for row in rows)))


def _card_file(model: Path) -> Path:
    return model.with_name(f"{model.stem.removesuffix(INT8)}.yaml")


def _card(model: Path) -> dict[str, Any]:
    path = _card_file(model)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DetectorError(f"cannot read the model's card {path}: {str(error).splitlines()[0]}") from error
    if not isinstance(content, dict) or not isinstance(content.get("files", {}), dict):
        raise DetectorError(f"{path} is no model card", todo="restore it, or remove it")
    return content
