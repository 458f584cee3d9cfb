"""Fits the POD model to trials by likelihood: what the data identify is fitted, the rest stays the stated prior.

A parcel that was found or missed is one Bernoulli trial with the chance that the model gives for its looks. Bounds of a
parameter are those of the profile likelihood. How sure the POD of a survey is says the bootstrap, which draws whole
surveys anew within their source: parcels of one survey share ship, water and light.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import expit, logit

from hullscan.geometry.frames import Array
from hullscan.search.pod import LookModel, combined_pod

FITTED = ("asymptote", "half_pixels")
"""The slopes are not told from their priors by 388 parcels; contrast was the same in all surveys, which keep a share of
the visibility, and so was speed: what they say of both (that less of either is lost) is not taken from them."""
_ONE_SIDED_95 = 1.353  # of the logarithm of the likelihood: half of the 90 % point of chi square, one degree
_REPEATS, _SEED = 200, 1


@dataclass(frozen=True)
class Trial:
    """A parcel in a survey.

    Attributes:
        passes: of each the chance that it showed the parcel's cell, and its looks: range m, metres for each pixel,
            incidence rad, speed m/s.
    """

    source: str
    survey: str
    length_m: float
    visibility_m: float
    found: bool
    passes: tuple[tuple[float, list[list[float]]], ...]


@dataclass(frozen=True)
class _Looks:
    """Looks (k, 4) of all trials one behind the other; where each pass starts, whose it is and how sure."""

    looks: Array
    length_m: Array
    visibility_m: Array
    starts: Array
    owner: Array
    sure: Array


@lru_cache(maxsize=8)
def _flat(trials: tuple[Trial, ...]) -> _Looks:
    passes = [(number, sure, looks) for number, each in enumerate(trials) for sure, looks in each.passes]
    count = np.array([len(looks) for *_, looks in passes])
    owner = np.array([number for number, *_ in passes])
    of = np.repeat(owner, count)
    return _Looks(
        np.concatenate([np.array(looks) for *_, looks in passes]),
        np.array([each.length_m for each in trials])[of],
        np.array([each.visibility_m for each in trials])[of],
        np.concatenate([[0], np.cumsum(count)[:-1]]),
        owner,
        np.array([sure for _, sure, _ in passes]),
    )


def expected(trials: list[Trial], model: LookModel, length_m: float | None = None) -> Array:
    """(n,) POD of each parcel by its looks; of one of another length if given."""
    flat = _flat(_Key(trials))
    distance, gsd, incidence, speed = flat.looks.T
    length = flat.length_m if length_m is None else length_m
    each = model.of_look(distance, gsd, incidence, flat.visibility_m, length, speed)
    best = flat.sure * np.maximum.reduceat(each, flat.starts)
    pods = np.zeros((int(np.bincount(flat.owner).max()), len(trials)))
    nth = np.arange(len(best)) - np.searchsorted(flat.owner, flat.owner)
    pods[nth, flat.owner] = best
    return combined_pod(pods, model.asymptote)


class _Key(tuple[Trial, ...]):
    """Trials as a key of the cache, by identity: to compare their looks would take longer than to use them."""

    def __hash__(self) -> int:
        return hash((len(self), id(self[0]), id(self[-1])))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, tuple) and len(self) == len(other) and all(map(_same, self, other))


def _same(one: object, other: object) -> bool:
    return one is other


def minus_log_likelihood(trials: list[Trial], model: LookModel, weights: Array | None = None) -> float:
    """Of what was found and missed; with a weight for each trial."""
    found = np.array([each.found for each in trials])
    pod = np.clip(expected(trials, model), 1e-6, 1 - 1e-6)
    logs = np.log(np.where(found, pod, 1 - pod))
    return float(-(logs if weights is None else weights * logs).sum())


_FREE: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "asymptote": (logit, expit),
    "half_pixels": (np.log, np.exp),
}
"""To a number without limits and back."""


def fit(
    trials: list[Trial], start: LookModel, names: tuple[str, ...] = FITTED, weights: Array | None = None
) -> LookModel:
    """The likeliest model; what is not named stays as it is."""

    def with_(values: Array) -> LookModel:
        return replace(start, **{name: float(_FREE[name][1](v)) for name, v in zip(names, values, strict=True)})

    first = np.array([_FREE[name][0](getattr(start, name)) for name in names])
    best = minimize(
        lambda values: minus_log_likelihood(trials, with_(values), weights),
        first,
        method="Nelder-Mead",
        options={"xatol": 2e-3, "fatol": 2e-3, "initial_simplex": np.vstack([first, first + 0.7 * np.eye(len(first))])},
    )
    return with_(best.x)


def profile_bounds(trials: list[Trial], model: LookModel) -> dict[str, tuple[float, float]]:
    """90 % of each fitted parameter, the others fitted anew: each end is a one-sided 95 % bound."""
    least = minus_log_likelihood(trials, model)
    bounds = {}
    for name in FITTED:
        to, back = _FREE[name]

        def above(value: float, name: str = name) -> float:
            held = replace(model, **{name: float(_FREE[name][1](value))})
            others = tuple(other for other in FITTED if other != name)
            return minus_log_likelihood(trials, fit(trials, held, others)) - least - _ONE_SIDED_95

        middle = float(to(getattr(model, name)))
        low, high = (float(back(brentq(above, middle + step, middle, xtol=5e-3))) for step in (-1.5, 3.0))
        bounds[name] = low, high
    return bounds


def design_effect(trials: list[Trial], pods: Array) -> float:
    """Variance of what surveys found beyond what was expected, for that of parcels independent of each other."""
    off = np.array([each.found for each in trials]) - pods
    _, survey = np.unique([each.survey for each in trials], return_inverse=True)
    return float((np.bincount(survey, off) ** 2).sum() / (pods * (1 - pods)).sum())


def bootstrap(trials: list[Trial], model: LookModel, length_m: float = 0.4) -> None:
    """Tells how low the POD of a length may be in each water, with surveys drawn anew within their source."""
    rng = np.random.default_rng(_SEED)
    survey = np.array([each.survey for each in trials])
    source_of = {each.survey: each.source for each in trials}
    visibility = np.array([each.visibility_m for each in trials])
    drawn = []
    for _ in range(_REPEATS):
        weights = np.zeros(len(trials))
        for source in sorted(set(source_of.values())):
            names = sorted(name for name, of in source_of.items() if of == source)
            for name in rng.choice(names, len(names)):
                weights[survey == name] += 1
        again = fit(trials, model, FITTED, weights)
        drawn.append((again, expected(trials, again, length_m)))
    for name in FITTED:
        low, high = np.percentile([getattr(again, name) for again, _ in drawn], [5, 95])
        print(f"{name}: bootstrap of surveys 90 %: {low:.4g} to {high:.4g}")
    stated = expected(trials, model, length_m)
    for low, high in ((0.0, 3.0), (3.0, 4.0), (4.0, np.inf)):
        here = (visibility >= low) & (visibility < high)
        if here.any():
            least = float(np.percentile([pods[here].mean() for _, pods in drawn], 5))
            mean = float(stated[here].mean())
            print(f"POD of {length_m} m, visibility {low:g} to {high:g} m: {mean:.3f}, bootstrap of surveys at least "
                  f"{least:.3f}, {least / mean:.3f} of that")  # fmt: skip
