"""POD against size from hits and misses: a logistic curve in the logarithm of size, with an upper asymptote.

Some parcels are missed whatever their size (painted like the hull, in veiled water), so a curve that climbs to one, as
MIL-HDBK-1823A has it, claims too much for large ones: POD(a) = p / (1 + exp(-(ln a - ln a50) / w)), p at most 1.
Bounds are by the profile of the likelihood. a90/95 is the size from which on POD is at least 0.90 with 95 % confidence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, xlog1py, xlogy
from scipy.stats import chi2

__all__ = ["LEAST_TRIALS", "PodCurve", "fit_pod_curve"]

LEAST_TRIALS = 60
"""Hits and misses that MIL-HDBK-1823A asks for."""
GOAL_POD = 0.90
_ONE_SIDED_95 = float(chi2.ppf(0.90, 1)) / 2  # of the log likelihood ratio; both tails hold 10 %
_WIDTHS = (0.05, 2.0)  # of ln size: narrower is a step between two trials, wider is no curve over the sizes of parcels
_SIZES = 60
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
    """

    trials: int
    asymptote: float
    a50_m: float
    width: float
    a90_m: float | None
    a90_95_m: float | None

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
    ln_size, hit = np.log(size_m), np.asarray(found, dtype=np.float64)
    middle, spread = float(np.mean(ln_size)), max(float(np.ptp(ln_size)), 0.1)

    def free(parameters: Vector) -> tuple[float, float, float]:
        return float(expit(parameters[0])), middle + spread * float(parameters[1]), _width(parameters[2])

    def cost(parameters: Vector) -> float:
        asymptote, ln_a50, width = free(parameters)
        return _minus_log_likelihood(asymptote * expit((ln_size - ln_a50) / width), hit)

    best, least = _least(cost, [(3.0, shift, slope) for shift in (-1.0, -0.3, 0.2) for slope in (-1.0, 1.0)])
    asymptote, ln_a50, width = free(best)

    def least_where_pod_is_no_more(ln_a: float) -> float:
        """Of the curves that pass through the goal at a size."""

        def bound(parameters: Vector) -> float:
            place, climb = ln_a - spread * float(np.exp(parameters[0])) + spread * 0.5, _width(parameters[1])
            top = GOAL_POD / float(expit((ln_a - place) / climb))
            if top > 1:
                return 1e6 * (1 + top)
            return _minus_log_likelihood(top * expit((ln_size - place) / climb), hit)

        return _least(bound, [(start, slope) for start in (0.0, 0.7, 1.5) for slope in (-1.0, 1.0)])[1]

    sizes = np.linspace(ln_size.min(), ln_size.max(), _SIZES)
    fitted = asymptote * expit((sizes - ln_a50) / width)
    sure = np.array(
        [
            pod > GOAL_POD and least_where_pod_is_no_more(ln_a) - least >= _ONE_SIDED_95
            for ln_a, pod in zip(sizes, fitted, strict=True)
        ]
    )
    ratio = GOAL_POD / asymptote
    a90 = float(np.exp(ln_a50 + width * np.log(ratio / (1 - ratio)))) if ratio < 1 else None
    from_here = np.flatnonzero(np.logical_and.accumulate(sure[::-1])[::-1])
    a90_95 = float(np.exp(sizes[from_here[0]])) if len(from_here) else None
    return PodCurve(len(found), asymptote, float(np.exp(ln_a50)), width, a90, a90_95)


def _width(parameter: float) -> float:
    low, high = _WIDTHS
    return float(low * (high / low) ** float(expit(parameter)))


def _minus_log_likelihood(pod: Vector, hit: Vector) -> float:
    pod = np.clip(pod, 1e-9, 1 - 1e-9)
    return float(-(xlogy(hit, pod) + xlog1py(1 - hit, -pod)).sum())


def _least(cost: Callable[[Vector], float], starts: list[tuple[float, ...]]) -> tuple[Vector, float]:
    """The best of several starts: the likelihood of few trials has more than one hill."""
    ends = [minimize(cost, start, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-4}) for start in starts]
    best = min(ends, key=lambda end: float(end.fun))
    return np.asarray(best.x, dtype=np.float64), float(best.fun)
