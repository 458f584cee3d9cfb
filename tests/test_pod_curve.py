"""The POD curve of hits and misses: what it finds again, what it refuses to claim."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from hullscan.vision.pod_curve import LEAST_TRIALS, fit_pod_curve


def trials(seed: int, count: int, asymptote: float, a50_m: float, width: float = 0.15) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    size_m = np.exp(rng.uniform(np.log(0.15), np.log(1.3), count))
    return size_m, rng.random(count) < asymptote * expit(np.log(size_m / a50_m) / width)


def test_a_curve_is_found_again_and_its_bound_lies_beyond_it():
    curve = fit_pod_curve(*trials(1, 1500, 0.98, 0.3))
    assert curve is not None
    assert curve.asymptote == pytest.approx(0.98, abs=0.02)
    assert curve.a50_m == pytest.approx(0.3, rel=0.05)
    assert curve.width == pytest.approx(0.15, rel=0.25)
    truth = 0.3 * np.exp(0.15 * np.log(0.9 / 0.08))
    assert curve.a90_m == pytest.approx(truth, rel=0.08)
    assert curve.a90_m < curve.a90_95_m < 1.2 * truth
    assert curve.pod(np.array([curve.a90_m]))[0] == pytest.approx(0.9)


def test_some_that_are_missed_whatever_their_size_leave_no_a90():
    curve = fit_pod_curve(*trials(2, 400, 0.8, 0.25))
    assert curve is not None
    assert curve.asymptote == pytest.approx(0.8, abs=0.06)
    assert curve.a90_m is None
    assert curve.a90_95_m is None


def test_few_trials_leave_a_curve_without_a_claim():
    size_m, found = trials(3, LEAST_TRIALS, 0.97, 0.3)
    curve = fit_pod_curve(size_m, found)
    assert curve is not None
    assert curve.a90_95_m is None or curve.a90_95_m > curve.a90_m


@pytest.mark.parametrize(
    ("size_m", "found"),
    [
        pytest.param(np.full(LEAST_TRIALS - 1, 0.5), np.arange(LEAST_TRIALS - 1) % 2 == 0, id="too few"),
        pytest.param(np.linspace(0.2, 1, 80), np.ones(80, dtype=bool), id="all found"),
        pytest.param(np.linspace(0.2, 1, 80), np.zeros(80, dtype=bool), id="none found"),
    ],
)
def test_no_curve_is_drawn(size_m, found):
    assert fit_pod_curve(size_m, found) is None
