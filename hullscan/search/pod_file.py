"""POD models from the files that evaluations write, ``"schema": "hullscan.pod/1"``, YAML or JSON.

    schema: hullscan.pod/1
    source: evaluation of 2026-11-20, 93 parcels, 1 missed
    model_sha256: 64 hexadecimal digits of the detector that was measured
    trials: 93
    found: 92
    expected: 90.4
    lengths_m: [0.25, 1.2]
    min_score: 0.5
    asymptote: 0.97
    half_contrast: 0.05
    contrast_slope: 2.6
    half_pixels: 14.0
    pixel_slope: 3.1
    max_incidence_deg: 65
    exposure_s: 0.02

``trials`` are parcels shown, each counted once for a survey. A file without trials, or with fewer than 29 (29 of 29
found is the least that bounds the POD at 0.90 with 95 % confidence, Clopper-Pearson), is used, but is not "measured".
``found`` of them, of ``lengths_m``, were flagged with scores of ``min_score`` and more, where the parameters let
``expected`` expect: with these keys, and the detector's hash, each POD has a lower bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import radians
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Len

from hullscan.documents import read_document
from hullscan.search.pod import LookModel, Trials

__all__ = ["LEAST_TRIALS", "PodFile", "load_pod_model", "shipped_pod_model"]

LEAST_TRIALS = 29
_SHIPPED = Path(__file__).with_name("pod.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFile:
    """The file as written; the parameters are those of ``LookModel``."""

    schema: Literal["hullscan.pod/1"]
    source: Annotated[str, Len(1, 200)]
    model_sha256: Annotated[str, Len(64, 64)] | None = None
    trials: Annotated[int, Ge(0)] = 0
    found: Annotated[int, Ge(0)] | None = None
    expected: Annotated[float, Gt(0)] | None = None
    lengths_m: tuple[Annotated[float, Gt(0)], Annotated[float, Gt(0)]] = (0.25, 1.2)
    min_score: Annotated[float, Gt(0), Le(1)] | None = None
    asymptote: Annotated[float, Gt(0), Le(1)]
    half_contrast: Annotated[float, Gt(0), Le(1)]
    contrast_slope: Annotated[float, Gt(0), Le(50)]
    half_pixels: Annotated[float, Gt(0), Le(1000)]
    pixel_slope: Annotated[float, Gt(0), Le(50)]
    max_incidence_deg: Annotated[float, Gt(0), Le(85)] = 65.0
    exposure_s: Annotated[float, Ge(0), Le(0.2)] = 0.02


def load_pod_model(path: Path) -> LookModel:
    """Read a POD model.

    Raises:
        InputError, MissionFileError: every fault as ``path:line: key: message``.
    """
    file = read_document(path, PodFile, _check_trials)
    return LookModel(
        asymptote=file.asymptote,
        half_contrast=file.half_contrast,
        contrast_slope=file.contrast_slope,
        half_pixels=file.half_pixels,
        pixel_slope=file.pixel_slope,
        max_incidence_rad=radians(file.max_incidence_deg),
        exposure_s=file.exposure_s,
        measured=file.trials >= LEAST_TRIALS,
        source=file.source,
        trials=_trials(file),
    )


def shipped_pod_model() -> LookModel:
    """The model that was held against parcels planted in the simulator, with the detector that is shipped."""
    return load_pod_model(_SHIPPED)


def _check_trials(file: PodFile) -> list[tuple[tuple[str | int, ...], str]]:
    if file.found is not None and file.found > file.trials:
        return [(("found",), f"more than the {file.trials} that were shown")]
    return []


def _trials(file: PodFile) -> Trials | None:
    """None where the file lacks a part: without all of them nothing bounds the POD."""
    if file.trials < LEAST_TRIALS or file.found is None or file.expected is None or file.min_score is None:
        return None
    if file.model_sha256 is None:
        return None
    return Trials(
        shown=file.trials,
        found=file.found,
        expected=file.expected,
        lengths_m=file.lengths_m,
        model_sha256=file.model_sha256,
        min_score=file.min_score,
    )
