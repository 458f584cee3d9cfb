"""Curves of an evaluation as one picture: of frames with known boxes, and of surveys with planted parcels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.vision.evaluation import ScoredFrames

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["frame_plots", "survey_plots"]

_INK, _OURS, _MARK, _PALE = "#333333", "#1f6fb4", "#c8102e", "#9db8d2"
_BY_SIGHT = ("#8a5a00", "#1f6fb4", "#2a8c4a")
_FEWEST_FALSE = 0.002  # boxes a frame: where the axis of a FROC begins
_SCORE_BINS = 10


def frame_plots(scored: ScoredFrames, label: str, threshold: float, picture: Path) -> None:
    """Recall against false boxes (FROC), precision against recall, and how far a score can be believed.

    Raises:
        InputError: the picture cannot be written.
    """
    cuts = np.unique(np.concatenate([scored.false, scored.found[scored.found > 0], [threshold]]))[::-1]
    hits = np.array([(scored.found >= cut).sum() for cut in cuts])
    strays = np.array([(scored.false >= cut).sum() for cut in cuts])
    objects, here = len(scored.found), int(np.flatnonzero(cuts == threshold)[0])
    low, high = _clopper_pearson(hits, np.full_like(hits, objects))
    recall, false_rate = hits / max(objects, 1), strays / max(scored.frames, 1)
    precision = hits / np.maximum(hits + strays, 1)
    figure, (froc, exact, belief) = _panels(f"{scored.frames} frames, {objects} objects labelled {label}")

    froc.fill_between(np.maximum(false_rate, _FEWEST_FALSE), low, high, color=_PALE, alpha=0.45, lw=0, label="95 %")
    froc.step(np.maximum(false_rate, _FEWEST_FALSE), recall, where="post", color=_OURS)
    froc.plot(max(false_rate[here], _FEWEST_FALSE), recall[here], "o", color=_MARK, label=f"threshold {threshold:g}")
    froc.set(xscale="log", xlabel="false boxes a frame", ylabel="recall", title="FROC", ylim=(0, 1))
    froc.legend(loc="upper left", frameon=False)

    exact.plot(recall, precision, color=_OURS)
    exact.plot(recall[here], precision[here], "o", color=_MARK)
    exact.set(xlabel="recall", ylabel="precision", title="precision and recall", xlim=(0, 1), ylim=(0, 1.02))

    edges = np.linspace(0, 1, _SCORE_BINS + 1)
    on = np.histogram(scored.found[scored.found > 0], edges)[0]
    boxes = on + np.histogram(scored.false, edges)[0]
    some = boxes > 0
    middle, share = (edges[:-1] + edges[1:])[some] / 2, on[some] / boxes[some]
    low, high = _clopper_pearson(on[some], boxes[some])
    belief.plot([0, 1], [0, 1], color=_PALE, lw=1)
    belief.errorbar(middle, share, [share - low, high - share], fmt="o", color=_OURS, ms=4, lw=1)
    for x, y, count in zip(middle, high, boxes[some], strict=True):
        belief.annotate(str(count), (x, y), (0, 3), textcoords="offset points", ha="center", color=_INK, fontsize=7)
    belief.set(xlabel="score", ylabel=f"share on a {label}", title="reliability, and boxes counted", xlim=(0, 1))
    belief.set_ylim(0, 1.08)
    _save(figure, picture)


def survey_plots(scored: dict[str, Any], picture: Path) -> None:
    """POD against length with its bound, POD by visibility, and errors of place.

    Args:
        scored: as ``trials.score_surveys`` tells.

    Raises:
        InputError: the picture cannot be written.
    """
    trials = [trial for mission in scored["missions"] for trial in mission["trials"]]
    length, found = np.array([each["length_m"] for each in trials]), np.array([each["found"] for each in trials])
    everything = scored["all"]
    figure, (climb, banded, place) = _panels(
        f"{everything['found']} of {everything['parcels']} planted parcels found in {scored['surveys']} surveys"
    )

    jitter = np.random.default_rng(0).uniform(-0.02, 0.02, len(length))
    climb.plot(length, np.where(found, 1.03, -0.03) + jitter, "|", color=_INK, ms=5, alpha=0.5)
    if (curve := scored["curve"]) is not None:
        sizes = np.array(curve["sizes_m"])
        fitted = curve["asymptote"] / (1 + (sizes / curve["a50_m"]) ** (-1 / curve["width"]))
        climb.plot(sizes, fitted, color=_OURS, label="fitted")
        climb.plot(sizes, curve["pod_lower"], "--", color=_OURS, label="at least (95 %)")
        climb.legend(loc="center right", frameon=False)
    climb.axhline(0.9, color=_PALE, lw=1, zorder=0)
    climb.set(xlabel="longest side, m", ylabel="POD", title="hits and misses by size", xscale="log", ylim=(-0.08, 1.08))
    ticks = [each for each in (0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0) if length.min() * 0.8 <= each <= length.max() * 1.25]
    climb.set_xticks(ticks, [f"{each:g}" for each in ticks], minor=False)
    climb.set_xticks([], minor=True)

    _by_visibility(banded, scored["bands"])

    errors = np.sort([each["error_m"] for each in trials if each["error_m"] is not None])
    if len(errors):
        place.step(errors, np.arange(1, len(errors) + 1) / len(errors), where="post", color=_OURS, label="error")
        radii = np.sort([each["radius95_m"] for each in trials if each["radius95_m"] is not None])
        place.step(radii, np.arange(1, len(radii) + 1) / len(radii), where="post", color=_PALE, label="stated radius")
        place.axhline(0.95, color=_PALE, lw=1, zorder=0)
        place.legend(loc="lower right", frameon=False)
    place.set(xlabel="m", ylabel="share of those found", title="error of place", ylim=(0, 1.02), xlim=(0, None))
    _save(figure, picture)


def _by_visibility(axes: Axes, bands: list[dict[str, Any]]) -> None:
    """A point for each length and visibility; a line down to the bound, or none where there are too few for one."""
    told = [band for band in bands if band["parcels"]]
    lengths = list(dict.fromkeys(_span(band["length_m"]) for band in told))
    sights = list(dict.fromkeys(_span(band["visibility_m"]) for band in told))
    for number, sight in enumerate(sights):
        some = [band for band in told if _span(band["visibility_m"]) == sight]
        aside = 0.22 * (number - (len(sights) - 1) / 2)
        x = np.array([lengths.index(_span(band["length_m"])) for band in some]) + aside
        axes.plot(x, [band["pod"] for band in some], "o", color=_BY_SIGHT[number % 3], ms=5, label=f"{sight} m")
        for at, band in zip(x, some, strict=True):
            if band["pod_lower"] is not None:
                axes.plot([at, at], [band["pod_lower"], band["pod"]], color=_BY_SIGHT[number % 3], lw=1.2)
            axes.annotate(
                f"{band['found']}/{band['parcels']}", (at, band["pod"]), (0, 6), textcoords="offset points",
                ha="center", fontsize=7, color=_INK,
            )  # fmt: skip
    axes.axhline(0.9, color=_PALE, lw=1, zorder=0)
    axes.set_xticks(range(len(lengths)), lengths)
    axes.set(xlabel="longest side, m", ylabel="POD, and down to at least (95 %)", title="by visibility", ylim=(0, 1.12))
    axes.set_xlim(-0.6, len(lengths) - 0.4)
    axes.legend(loc="lower right", frameon=False)


def _span(band: tuple[float, float | None]) -> str:
    low, high = band
    return f"{low:g} and more" if high is None else f"{low:g} to {high:g}"


def _clopper_pearson(hits: npt.NDArray[np.int64], of: npt.NDArray[np.int64]) -> tuple[Array, Array]:
    """Two-sided 95 % bounds of shares (n,)."""
    low, high = beta.ppf(0.025, hits, of - hits + 1), beta.ppf(0.975, hits + 1, of - hits)
    return np.where(hits > 0, low, 0.0), np.where(hits < of, high, 1.0)


def _panels(title: str) -> tuple[Figure, Any]:
    """Three square panels beside each other."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    look: Any = {
        "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": _INK,
        "axes.grid": True, "grid.color": "#ececec", "axes.axisbelow": True, "axes.titlesize": 10,
    }  # fmt: skip
    with rc_context(look):
        figure = Figure(figsize=(12, 4), layout="constrained")
        panels = figure.subplots(1, 3)
    figure.suptitle(title, fontsize=11, color=_INK)
    return figure, panels


def _save(figure: Figure, picture: Path) -> None:
    try:
        figure.savefig(picture, dpi=110, metadata={"Software": None})
    except OSError as error:
        raise InputError(f"cannot write {picture}: {error.strerror}") from error
