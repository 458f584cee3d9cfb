"""POD against size from hits and misses: a logistic curve in the logarithm of size, with an upper asymptote.

Some parcels are missed whatever their size (painted like the hull, in veiled water), so a curve that climbs to one, as
MIL-HDBK-1823A has it, claims too much for large ones: POD(a) = p / (1 + exp(-(ln a - ln a50) / w)), p at most 1.
The bound at a size is the least POD there of all curves that the trials do not speak against: those within the
likelihood ratio of a one-sided 95 % bound. a90/95 is the size from which on that bound is at least 0.90.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_expit
from scipy.stats import chi2

__all__ = ["GOAL_POD", "LEAST_TRIALS", "PodCurve", "fit_pod_curve"]

LEAST_TRIALS = 60
"""Hits and misses that MIL-HDBK-1823A asks for."""
GOAL_POD = 0.90
_ONE_SIDED_95 = float(chi2.ppf(0.90, 1)) / 2  # of the log likelihood ratio; both tails hold 10 %
_WIDTHS = (0.05, 2.0)  # of ln size: narrower is a step between two trials, wider is no curve over the sizes of parcels
_SIZES = 60
_ALIKE = 0.01  # of ln size: trials nearer to each other count as of one size
_STEPS = (41, 41, 25)  # of the asymptote, a50 and the width
_FOCUSED = 3  # times that the steps are laid anew over the curves that are likely
_WORTH_A_STEP = 4.0  # of the log likelihood below its greatest
Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PodCurve:
    """POD by size.

    Attributes:
        asymptote: POD of the largest.
        a50_m: size at which half of the asymptote is reached.
        width: of the climb, in the natural logarithm of size.
        a90_m: size at which the fitted POD reaches 0.90; None where it never does.
        a90_95_m: the same of its lower 95 % bound, within the sizes tried.
        sizes_m: evenly spread in their logarithm over the sizes tried.
        pod_lower: one-sided 95 % bound at each of them.
    """

    trials: int
    asymptote: float
    a50_m: float
    width: float
    a90_m: float | None
    a90_95_m: float | None
    sizes_m: tuple[float, ...]
    pod_lower: tuple[float, ...]

    def pod(self, size_m: Vector) -> Vector:
        """(n,) fitted POD of sizes (n,)."""
        return np.asarray(self.asymptote * expit((np.log(size_m) - np.log(self.a50_m)) / self.width))


def fit_pod_curve(size_m: Vector, found: npt.NDArray[np.bool_]) -> PodCurve | None:
    """The curve of greatest likelihood; None where the trials are too few, or all hits, or all misses.

    Args:
        size_m: (n,) longest side of each parcel.
        found: (n,) whether it was found.
    """
    if len(found) < LEAST_TRIALS or found.all() or not found.any():
        return None
    ln_size, which = np.unique(np.round(np.log(size_m) / _ALIKE) * _ALIKE, return_inverse=True)
    hits, misses = (np.asarray(np.bincount(which, weights=some), dtype=np.float64) for some in (found, ~found))
    spread = max(float(np.ptp(ln_size)), 0.1)
    lows = np.array([0.02, ln_size[0] - spread, np.log(_WIDTHS[0])])
    highs = np.array([1.0, ln_size[-1] + spread, np.log(_WIDTHS[1])])
    for _ in range(_FOCUSED + 1):
        axes = [np.linspace(low, high, steps) for low, high, steps in zip(lows, highs, _STEPS, strict=True)]
        likelihood = _log_likelihood(axes, ln_size, hits, misses)
        worth = np.argwhere(likelihood >= likelihood.max() - _WORTH_A_STEP)
        # as far as they reach and a step more, so that none is cut off by how the steps fell
        reach = [(axis[max(i - 1, 0)], axis[min(j + 1, len(axis) - 1)]) for axis, i, j in
                 zip(axes, worth.min(axis=0), worth.max(axis=0), strict=True)]  # fmt: skip
        lows, highs = np.array(reach).T
    best = np.unravel_index(int(likelihood.argmax()), likelihood.shape)
    asymptote, ln_a50, width = (float(axis[i]) for axis, i in zip(axes, best, strict=True))
    width = float(np.exp(width))

    sizes = np.linspace(ln_size[0], ln_size[-1], _SIZES)
    i, j, k = np.nonzero(likelihood >= likelihood.max() - _ONE_SIDED_95)
    likely = axes[0][i, None] * expit((sizes - axes[1][j, None]) / np.exp(axes[2][k, None]))
    lower = likely.min(axis=0)
    ratio = GOAL_POD / asymptote
    a90 = float(np.exp(ln_a50 + width * np.log(ratio / (1 - ratio)))) if ratio < 1 else None
    from_here = np.flatnonzero(np.logical_and.accumulate((lower >= GOAL_POD)[::-1])[::-1])
    sizes_m = np.exp(sizes)
    a90_95 = float(sizes_m[from_here[0]]) if len(from_here) else None
    return PodCurve(
        len(found), asymptote, float(np.exp(ln_a50)), width, a90, a90_95, tuple(sizes_m.tolist()),
        tuple(lower.tolist()),
    )  # fmt: skip


def _log_likelihood(axes: list[Vector], ln_size: Vector, hits: Vector, misses: Vector) -> Vector:
    """Of each curve: asymptotes by a50 by width, its logarithms."""
    tops, ln_a50s, ln_widths = axes
    steep = (ln_size - ln_a50s[:, None, None]) / np.exp(ln_widths)[:, None]
    shape, of_hits = expit(steep), log_expit(steep) @ hits
    missed = misses > 0
    rows = [
        np.log(top) * hits.sum() + of_hits + np.log1p(-np.minimum(top * shape[..., missed], 1 - 1e-9)) @ misses[missed]
        for top in tops
    ]
    return np.asarray(rows)
