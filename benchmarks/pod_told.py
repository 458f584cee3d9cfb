"""Trials in words: expected and found by source, by visibility and by length, with bounds where there are enough."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from pod_fit import Trial

from hullscan.geometry.frames import Array
from hullscan.search.pod_file import LEAST_TRIALS
from hullscan.vision.trials import lower_bound

VISIBILITIES_M = (0.0, 3.0, 4.0, 10.0)
LENGTHS_M = (0.0, 0.35, 0.6, 10.0)


def told(name: str, trials: list[Trial], pods: Array) -> None:
    """A line for all, and one for each source and each band of visibility."""
    groups = {"all": np.ones(len(trials), bool)}
    for source in dict.fromkeys(each.source for each in trials):
        groups[source] = np.array([each.source == source for each in trials])
    for low, high in pairwise(VISIBILITIES_M):
        groups[f"visibility {low:g} to {high:g} m"] = np.array([low <= each.visibility_m < high for each in trials])
    for group, here in groups.items():
        if here.any():
            print(f"{name}, {group}: {_words(trials, pods, here)}")


def told_by_size(trials: list[Trial], pods: Array) -> None:
    """POD of each band of length and visibility."""
    for short, long in pairwise(LENGTHS_M):
        for low, high in pairwise(VISIBILITIES_M):
            here = np.array([short <= t.length_m < long and low <= t.visibility_m < high for t in trials])
            if here.any():
                print(f"  {short:g} to {long:g} m long, visibility {low:g} to {high:g} m: {_words(trials, pods, here)}")


def _words(trials: list[Trial], pods: Array, here: Array) -> str:
    shown, found = int(here.sum()), sum(t.found for t, is_here in zip(trials, here, strict=True) if is_here)
    bound = f"POD at least {lower_bound(found, shown):.3f}" if shown >= LEAST_TRIALS else "too few to claim anything"
    return f"{shown} parcels, {pods[here].sum():.1f} expected, {found} found, {found / shown:.3f}; {bound}"


def banded(trials: list[Trial], pods: Array) -> list[dict[str, Any]]:
    """The bands of visibility as the POD file has them: each ends where its water does, or where the next begins."""
    visibility = np.array([each.visibility_m for each in trials])
    found = np.array([each.found for each in trials])
    bands = []
    for low, high in pairwise(VISIBILITIES_M):
        here = (visibility >= low) & (visibility < high)
        if here.any():
            # a tenth of a metre: nobody measures visibility better
            ends = [max(low, float(np.floor(10 * visibility[here].min()) / 10)),
                    min(high, float(np.ceil(10 * visibility[here].max()) / 10))]  # fmt: skip
            if high < visibility.max():
                ends[1] = high
            if low > visibility.min():
                ends[0] = low
            bands.append({"visibilities_m": ends, "trials": int(here.sum()), "found": int(found[here].sum()),
                          "expected": round(float(pods[here].sum()), 1)})  # fmt: skip
    return bands
