"""POD models from the files that evaluations write, ``"schema": "hullscan.pod/1"``, YAML or JSON.

    schema: hullscan.pod/1
    source: evaluation of 2026-11-20
    model_sha256: 64 hexadecimal digits of the detector that was measured
    min_score: 0.5
    trials: 93
    found: 92
    expected: 90.4
    lengths_m: [0.25, 1.2]
    surveys: 31
    design_effect: 1.1
    bands:
      - {visibilities_m: [1.5, 3.0], trials: 40, found: 40, expected: 38.1}
      - {visibilities_m: [3.0, 5.0], trials: 53, found: 52, expected: 52.3}
    asymptote: 0.97
    half_contrast: 0.05
    contrast_slope: 2.6
    half_pixels: 74.0
    half_smears: 18.0
    pixel_slope: 3.1
    max_incidence_deg: 65
    exposure_s: 0.02
    bounds: {asymptote: [0.93, 0.99], half_pixels: [70.0, 79.0]}

``trials`` are parcels shown, each counted once for a survey. A file without trials, or with fewer than 29 (29 of 29
found is the least that bounds the POD at 0.90 with 95 % confidence, Clopper-Pearson), is used, but is not "measured".
``found`` of them, of ``lengths_m``, were flagged with scores of ``min_score`` and more, where the parameters let
``expected`` expect: with these keys, and the detector's hash, each POD has a lower bound. ``bands`` tell them apart by
the water's visibility: a survey in water that has no band has no bound, and a band of fewer than 29 makes no claim.
``surveys`` and ``bounds`` (90 %, of each parameter that was fitted) are for people.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import radians
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Len

from hullscan.documents import read_document
from hullscan.search.pod import PRIOR_MODEL, LookModel, Trials

__all__ = ["LEAST_TRIALS", "PodFile", "load_pod_model", "shipped_pod_model"]

LEAST_TRIALS = 29
_SHIPPED = Path(__file__).with_name("pod.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodBand:
    """Trials in water of some visibilities; the keys are those of the file."""

    visibilities_m: tuple[Annotated[float, Gt(0)], Annotated[float, Gt(0)]]
    trials: Annotated[int, Ge(0)]
    found: Annotated[int, Ge(0)]
    expected: Annotated[float, Gt(0)]


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
    surveys: Annotated[int, Ge(0)] | None = None
    design_effect: Annotated[float, Ge(1), Le(100)] = 1.0
    bands: list[PodBand] = field(default_factory=list)
    bounds: dict[str, tuple[float, float]] = field(default_factory=dict)
    asymptote: Annotated[float, Gt(0), Le(1)]
    half_contrast: Annotated[float, Gt(0), Le(1)]
    contrast_slope: Annotated[float, Gt(0), Le(50)]
    half_pixels: Annotated[float, Gt(0), Le(1000)]
    half_smears: Annotated[float, Ge(0), Le(1000)] = PRIOR_MODEL.half_smears
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
        half_smears=file.half_smears,
        pixel_slope=file.pixel_slope,
        max_incidence_rad=radians(file.max_incidence_deg),
        exposure_s=file.exposure_s,
        measured=file.trials >= LEAST_TRIALS,
        source=file.source,
        trials=_trials(file),
    )


def shipped_pod_model() -> LookModel:
    """The model that was fitted to parcels planted in the simulator, with the detector that is shipped."""
    return load_pod_model(_SHIPPED)


def _check_trials(file: PodFile) -> list[tuple[tuple[str | int, ...], str]]:
    faults: list[tuple[tuple[str | int, ...], str]] = []
    if file.found is not None and file.found > file.trials:
        faults.append((("found",), f"more than the {file.trials} that were shown"))
    for number, band in enumerate(file.bands):
        if band.found > band.trials:
            faults.append((("bands", number, "found"), f"more than the {band.trials} that were shown"))
        if band.visibilities_m[0] > band.visibilities_m[1]:
            faults.append((("bands", number, "visibilities_m"), "the greater comes first"))
    if file.bands and sum(band.trials for band in file.bands) != file.trials:
        faults.append((("bands",), f"they hold not the {file.trials} trials of the file"))
    return faults


def _trials(file: PodFile) -> Trials | None:
    """None where the file lacks a part: without all of them nothing bounds the POD."""
    if file.trials < LEAST_TRIALS or file.found is None or file.expected is None or file.min_score is None:
        return None
    if file.model_sha256 is None:
        return None
    whole = Trials(
        shown=file.trials,
        found=file.found,
        expected=file.expected,
        lengths_m=file.lengths_m,
        model_sha256=file.model_sha256,
        min_score=file.min_score,
        design_effect=file.design_effect,
    )
    bands = [
        replace(whole, shown=band.trials, found=band.found, expected=band.expected, visibilities_m=band.visibilities_m)
        for band in file.bands
        if band.trials >= LEAST_TRIALS
    ]
    if file.bands and not bands:
        return None
    return replace(whole, bands=tuple(bands))
