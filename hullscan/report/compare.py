"""Two missions on one ship, laid over each other in hull coordinates: what is there still, new, gone, or changed.

She may float otherwise than before: places of the earlier mission are carried to where they are as she floats in the
later one (``ship.floating``) before anything is compared.
Two findings are the same thing when their places agree within their covariances: the squared distance between them,
weighted by the sum of both covariances, is distributed as chi-squared with two degrees of freedom on the plating.
What was found before and not again is gone only if the place was looked at again; how sure that is, is the POD there.
What lies in its place but is of another size, by more than sizes are known, or of another kind, has changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import chi2

from hullscan.errors import InputError
from hullscan.mission.model import load_mission
from hullscan.record.folder import MissionFolder
from hullscan.record.results import read_result
from hullscan.search.cells import CELL_M
from hullscan.ship.floating import as_floating
from hullscan.ship.surface import HullSurface, side_name
from hullscan.words import mark

__all__ = ["KIND_WORDS", "Change", "WhatIf", "check_one_ship", "compare_missions", "what_changed"]

Kind = Literal["same", "changed", "added", "not searched before", "gone", "not searched again"]
KIND_WORDS: Final[dict[Kind, str]] = {
    "added": mark("new"),
    "changed": mark("changed"),
    "gone": mark("gone"),
    "not searched before": mark("not searched before"),
    "not searched again": mark("not searched again"),
    "same": mark("there still"),
}
"""In words for people, in the order in which changes are told."""
_LEAST_P: Final = 0.01  # less likely pairs are two things
_MOST_APART_M: Final = 1.5  # however uncertain both are
_MOVED_M: Final = 0.01  # of the same recording: below this nothing has moved
_SIZE_SIGMA: Final = 0.19  # of the logarithm of one size: two thirds of 106 findings in the simulator
_LEAST_SAME: Final = 0.05  # less likely sizes are of two states
_FORM_SIGMA_M: Final = 0.1  # between two missions: trim, list, and a form that is not quite hers


@dataclass(frozen=True, slots=True)
class Change:
    """One thing in both missions or in one of them.

    Attributes:
        before, after: the findings, where there are such.
        distance_m: between them.
        probability: that the kind is right: of "same" that both saw one thing, rather than each one that the other
            missed, two of them so near each other by chance; of "changed" that two looks at one and the same thing
            differ less in size, or, of another kind, the product of the scores; of "gone" the POD of the later look
            at the place, of "added" that of the earlier.
    """

    kind: Kind
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    distance_m: float | None
    probability: float


def compare_missions(before: MissionFolder, after: MissionFolder) -> list[Change]:
    """What changed between two missions, the new things first.

    Raises:
        InputError: they are missions on two ships.
        RecordError: results are missing or damaged.
    """
    olds, news = (read_result(folder.path / "findings.json") for folder in (before, after))
    hulls = _hulls(before, after, (str(olds["ship"]), str(news["ship"])))
    carried = [_carried(each, *hulls) for each in olds["findings"]] if hulls else olds["findings"]
    back = [_carried(each, *hulls[::-1]) for each in news["findings"]] if hulls else news["findings"]
    pairs = _pairs(carried, news["findings"])
    seen_before, seen_after = (_Seen(read_result(folder.path / "coverage.json")) for folder in (before, after))
    per_m2 = len(news["findings"]) / max(seen_after.area_m2, 1.0)
    changes = [
        _in_place(
            olds["findings"][i], news["findings"][j], pair.distance_m, pair.of_one(seen_after.pod(carried[i]), per_m2)
        )
        for (i, j), pair in pairs.items()
    ]
    paired_old, paired_new = {i for i, _ in pairs}, {j for _, j in pairs}
    for j, finding in enumerate(news["findings"]):
        if j not in paired_new:
            pod = seen_before.pod(back[j])
            changes.append(Change("added" if pod > 0 else "not searched before", None, finding, None, pod))
    for i, finding in enumerate(olds["findings"]):
        if i not in paired_old:
            pod = seen_after.pod(carried[i])
            changes.append(Change("gone" if pod > 0 else "not searched again", finding, None, None, pod))
    order = list(KIND_WORDS)
    return sorted(changes, key=lambda change: order.index(change.kind))


def _hulls(before: MissionFolder, after: MissionFolder, names: tuple[str, str]) -> tuple[HullSurface, ...]:
    """Both hulls as they floated; none where nothing was stated otherwise.

    Raises:
        InputError: they are two ships, by their IMO numbers or, where one has none, by their names.
    """
    same_text = before.mission_file.read_bytes() == after.mission_file.read_bytes()
    missions = [] if same_text else [load_mission(folder.mission_file) for folder in (before, after)]
    numbers = [mission.file.ship.imo for mission in missions] or [None, None]
    check_one_ship((names[0], numbers[0]), (names[1], numbers[1]))
    return tuple(mission.hull for mission in missions)


def check_one_ship(*ships: tuple[str, int | None]) -> None:
    """Whether two ships, each by name and IMO number, are one.

    Raises:
        InputError: they are two, by their numbers or, where one has none, by their names.
    """
    names, numbers = zip(*ships, strict=True)
    if len(set(numbers if all(numbers) else names)) > 1:
        told = [f"{name} ({number})" if number else name for name, number in ships]
        raise InputError(f"these are two ships: {told[0]} and {told[1]}", todo="compare missions on the same one")


def _carried(finding: dict[str, Any], before: HullSurface, after: HullSurface) -> dict[str, Any]:
    """A finding where it would be if she floated as in the other mission."""
    there = as_floating(np.array([finding["position_ship_m"]]), before.dimensions, after.dimensions)
    located = after.locate(after.nearest(there)[0])
    return {
        **finding,
        "position_ship_m": there[0].tolist(),
        "side": side_name(float(located.side[0])),
        "station_m": float(located.station_m[0]),
        "girth_m": float(located.girth_m[0]),
    }


def _in_place(old: dict[str, Any], new: dict[str, Any], distance_m: float, probability: float) -> Change:
    """What lies where something lay before: the same, or changed."""
    if old["label"] != new["label"]:
        return Change("changed", old, new, distance_m, float(old["score"]) * float(new["score"]))
    differ = float(np.log(new["size_m"] / old["size_m"])) if min(new["size_m"], old["size_m"]) > 0 else 0.0
    as_much = float(chi2.sf(differ**2 / (2 * _SIZE_SIGMA**2), 1))
    if as_much < _LEAST_SAME:
        return Change("changed", old, new, distance_m, 1 - as_much)
    return Change("same", old, new, distance_m, probability)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One recording, read twice.

    Attributes:
        gained, lost: findings of the new reading, and of the old one, that the other does not have.
        moved: (before, after, metres) of those that lie elsewhere now.
        same: how many there are still, moved ones too.
        pod, seen_m2: before and after; None where nothing was asked for.
    """

    gained: list[dict[str, Any]]
    lost: list[dict[str, Any]]
    moved: list[tuple[dict[str, Any], dict[str, Any], float]]
    same: int
    pod: tuple[float | None, float | None]
    seen_m2: tuple[float, float]


def what_changed(before: MissionFolder, after: MissionFolder) -> WhatIf:
    """What another model, threshold or registration makes of the same recording.

    Raises:
        RecordError: results are missing or damaged.
    """
    olds, news = (read_result(folder.path / "findings.json")["findings"] for folder in (before, after))
    coverages = [read_result(folder.path / "coverage.json") for folder in (before, after)]
    pairs = _pairs(olds, news)
    moved = [(olds[i], news[j], pair.distance_m) for (i, j), pair in pairs.items() if pair.distance_m > _MOVED_M]
    return WhatIf(
        gained=[finding for j, finding in enumerate(news) if j not in {j for _, j in pairs}],
        lost=[finding for i, finding in enumerate(olds) if i not in {i for i, _ in pairs}],
        moved=sorted(moved, key=lambda each: -each[2]),
        same=len(pairs),
        pod=(coverages[0]["pod"], coverages[1]["pod"]),
        seen_m2=(coverages[0]["seen_area_m2"], coverages[1]["seen_area_m2"]),
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two findings that may be one thing; ``density_per_m2`` is that of their distance if they are."""

    distance_m: float
    density_per_m2: float

    def of_one(self, pod: float, per_m2: float) -> float:
        """Probability that they are one thing: else the later search missed the one, and found another so near."""
        one, two = pod * self.density_per_m2, (1 - pod) * per_m2
        return one / (one + two) if one > 0 else 0.0


def _pairs(olds: list[dict[str, Any]], news: list[dict[str, Any]]) -> dict[tuple[int, int], _Pair]:
    """The likeliest pairs, each finding in one at most."""
    likely = np.zeros((len(olds), len(news)))
    pairs = {}
    for i, old in enumerate(olds):
        for j, new in enumerate(news):
            gap = np.subtract(new["position_ship_m"], old["position_ship_m"])
            covariance = np.add(old["cov_ship_m2"], new["cov_ship_m2"]) + _FORM_SIGMA_M**2 * np.eye(3)
            distance_m = float(np.linalg.norm(gap))
            if old["side"] == new["side"] and distance_m < _MOST_APART_M:
                squared = float(gap @ np.linalg.solve(covariance, gap))
                likely[i, j] = chi2.sf(squared, 2)
                spread_m2 = float(np.sqrt(np.prod(np.linalg.eigvalsh(covariance)[-2:])))  # in the plating
                pairs[i, j] = _Pair(distance_m, float(np.exp(-squared / 2)) / (2 * np.pi * spread_m2))
    rows, columns = linear_sum_assignment(-likely)
    chosen = [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if likely[i, j] >= _LEAST_P]
    return {key: pairs[key] for key in chosen}


class _Seen:
    """Where a mission looked, how much that was, and with which POD."""

    def __init__(self, coverage: dict[str, Any]) -> None:
        self.area_m2 = float(coverage["seen_area_m2"])
        cells = coverage["cells"]
        looked = np.array(cells["looks"], dtype=np.int64) > 0
        self._side = np.array(cells["side"], dtype=str)[looked]
        self._places = np.column_stack([cells["station_m"], cells["girth_m"]]).reshape(-1, 2)[looked]
        self._pod = np.array(cells["pod"], dtype=np.float64)[looked]

    def pod(self, finding: dict[str, Any]) -> float:
        """POD of the cell under a finding; 0 where nobody looked."""
        here = np.flatnonzero(self._side == finding["side"])
        if not len(here):
            return 0.0
        gaps = np.abs(self._places[here] - [finding["station_m"], finding["girth_m"]]).max(axis=1)
        nearest = int(np.argmin(gaps))
        return float(self._pod[here[nearest]]) if gaps[nearest] <= CELL_M else 0.0
