"""From sightings to findings: tracks are fused, and tracks of the same thing from other lanes are joined.

Looks of one pass share their common error, so their mean keeps it in full. What lies within the outline of a thing is
a part of it, from whatever lane it was seen. Two things that were seen side by side in one picture are two, however
near they lie, unless more says that they are one: boxes that hold both, or that their places are one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import chi2

from hullscan.findings.geotag import HullFix
from hullscan.findings.outline import Outline, common_outline, plating_axes
from hullscan.geometry.frames import Array
from hullscan.vision.card import operating_threshold
from hullscan.vision.runtime import DEFAULT_MODEL

__all__ = ["Finding", "FindingRules", "merge_fixes", "rules_for"]

_TELL_TALES = ("rope",)
_ONE_PLACE_M = 0.25  # the centres of two parcels hardly lie nearer than this: seized ones are 0.2 to 0.4 m wide
_PASS_GAP_S = 8.0  # sightings farther apart in time than this belong to different passes
_MOST_BETWEEN_PASSES_M = 0.3  # by which outlines from two passes may be shifted against each other, at most
_HOLDS = 0.8  # a box holds two things if it is this much as long as they are together
_BESIDE = 0.5  # of the shorter one's extent: so much of it is shared by two parts of one thing, across where it was cut
_HIDDEN_M = 0.5  # of an object beyond the picture's edge, when no look shows its end


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRules:
    """What becomes a finding.

    Attributes:
        min_score: mean of the best five scores of a finding; ``rules_for`` takes it from the model's card.
        min_views: looks in which it was seen.
        labels: that are reported; fittings are kept as landmarks only.
        join_m: tracks nearer than this, or within one's outline, are the same thing.
    """

    min_score: float = 0.4
    min_views: int = 3
    labels: tuple[str, ...] = ("parcel", "rope")
    join_m: float = 0.4


def rules_for(model: Path | None, min_score: float | None) -> FindingRules:
    """The usual rules, at the least score given, else at the one that the model's card was measured at."""
    return FindingRules(min_score=operating_threshold(model or DEFAULT_MODEL) if min_score is None else min_score)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing on the hull.

    Attributes:
        position_ship_m: (3,) of the hull surface under it.
        covariance_m2: (3, 3) ship frame.
        radius95_m: circle that holds the truth with 95 %.
        outline: of the thing, from its position.
        fixes: its sightings, best first.
    """

    label: str
    score: float
    position_ship_m: Array
    covariance_m2: Array
    radius95_m: float
    outline: Outline
    fixes: tuple[HullFix, ...]

    @property
    def size_m(self) -> float:
        """Greater extent along the plating."""
        return self.outline.size_m

    @property
    def views(self) -> int:
        """In how many looks it was seen."""
        return len({fix.sighting.utc_s for fix in self.fixes})


def merge_fixes(fixes: list[HullFix], rules: FindingRules) -> list[Finding]:
    """Findings of a mission, by score; tell-tales beside a parcel belong to the parcel and are not repeated."""
    by_label: dict[str, list[HullFix]] = defaultdict(list)
    for fix in fixes:
        if fix.sighting.track and fix.sighting.label in rules.labels:
            by_label[fix.sighting.label].append(fix)
    findings = []
    for members in by_label.values():
        for group in _joined(_tracks(members), rules):
            finding = _fused(group)
            if finding.views >= rules.min_views and finding.score >= rules.min_score:
                findings.append(finding)
    parcels = [finding for finding in findings if finding.label not in _TELL_TALES]
    kept = [finding for finding in findings if finding.label not in _TELL_TALES or not _beside(finding, parcels)]
    return sorted(kept, key=lambda finding: -finding.score)


def _beside(finding: Finding, parcels: list[Finding]) -> bool:
    gaps = [float(np.linalg.norm(finding.position_ship_m - other.position_ship_m)) for other in parcels]
    reach = [1.0 + other.size_m / 2 for other in parcels]
    return any(gap < limit for gap, limit in zip(gaps, reach, strict=True))


def _tracks(fixes: list[HullFix]) -> list[list[HullFix]]:
    tracks: dict[int, list[HullFix]] = defaultdict(list)
    for fix in fixes:
        tracks[fix.sighting.track].append(fix)
    return list(tracks.values())


def _joined(tracks: list[list[HullFix]], rules: FindingRules) -> list[list[HullFix]]:
    """Join tracks nearest first, never two that show side by side in one picture."""
    groups = {number: (track, _fused(track)) for number, track in enumerate(tracks)}
    gaps: dict[tuple[int, int], float] = {}
    fresh = set(groups)
    while fresh:
        for one in fresh & set(groups):
            for other in groups:
                gap = _gap_of_one_thing(groups[one], groups[other], rules) if other != one else None
                if gap is not None:
                    gaps[min(one, other), max(one, other)] = gap
        if not gaps:
            break
        one, other = min(gaps, key=lambda pair: (gaps[pair], pair))
        members = groups[one][0] + groups.pop(other)[0]
        groups[one] = members, _fused(members)
        gaps = {pair: gap for pair, gap in gaps.items() if not {one, other} & set(pair)}
        fresh = {one}
    return [members for members, _ in groups.values()]


Group = tuple[list[HullFix], Finding]


def _gap_of_one_thing(one: Group, other: Group, rules: FindingRules) -> float | None:
    """Distance between two groups of sightings that are of one thing; None when they are of two."""
    a, b = one[1], other[1]
    between = b.position_ship_m - a.position_ship_m
    gap = float(np.linalg.norm(between))
    apart_m = float(np.hypot(a.radius95_m, b.radius95_m)) / 2
    near = gap < max(rules.join_m, min(apart_m, 2 * _MOST_BETWEEN_PASSES_M))
    slack = min(apart_m, _MOST_BETWEEN_PASSES_M)
    if not near and not _within(b, a, slack) and not _within(a, b, slack) and not _goes_on(a, b):
        return None
    if gap >= _ONE_PLACE_M and _seen_as_two(one[0], other[0]) > _seen_as_one(one, other, slack):
        return None
    return gap


def _within(part: Finding, whole: Finding, slack_m: float) -> bool:
    """Whether the middle of one lies within the outline of the other."""
    place = whole.outline.axes @ (part.position_ship_m - whole.position_ship_m)
    ends = whole.outline.ends_m
    return bool(((place > ends[:, 0] - slack_m) & (place < ends[:, 1] + slack_m)).all())


def _goes_on(one: Finding, other: Finding) -> bool:
    """Whether one may be the rest of the other: beside it, and beyond an end that the pictures cut off."""
    there = one.outline.axes @ (other.position_ship_m - one.position_ship_m)
    a, b = one.outline.ends_m, other.outline.ends_m + there[:, None]
    shared = np.minimum(a[:, 1], b[:, 1]) - np.maximum(a[:, 0], b[:, 0])
    beside = shared >= _BESIDE * np.minimum(one.outline.extent_m, other.outline.extent_m)
    for axis in range(2):
        low, high = (one, other) if there[axis] > 0 else (other, one)
        cut = not (low.outline.seen[axis, 1] and high.outline.seen[axis, 0])
        if beside[1 - axis] and shared[axis] >= (-_HIDDEN_M if cut else 0.0):
            return True
    return False


def _seen_as_one(one: Group, other: Group, slack_m: float) -> float:
    """Sum of the scores of boxes that hold both of two things from end to end."""
    a, b = one[1], other[1]
    axes = a.outline.axes
    there = axes @ (b.position_ship_m - a.position_ship_m)
    low = np.minimum(a.outline.ends_m[:, 0], b.outline.ends_m[:, 0] + there)
    high = np.maximum(a.outline.ends_m[:, 1], b.outline.ends_m[:, 1] + there)
    # seen from two lanes they may be that much nearer to each other than they seem
    both = _HOLDS * np.maximum(high - low - slack_m, np.maximum(a.outline.extent_m, b.outline.extent_m))
    total = 0.0
    for fix in one[0] + other[0]:
        ends = fix.outline.ends_m + (axes @ (fix.point_ship_m - a.position_ship_m))[:, None]
        shared = np.minimum(ends[:, 1] + slack_m, high) - np.maximum(ends[:, 0] - slack_m, low)
        if (shared >= both).all() and (fix.outline.extent_m >= both).all():
            total += fix.sighting.score
    return total


def _seen_as_two(one: list[HullFix], other: list[HullFix]) -> float:
    """Sum of the lesser scores over pictures that show both, as boxes that hardly overlap; of one picture nothing."""
    # by time: a mission that was resumed counts its frames anew
    boxes = {fix.sighting.utc_s: fix.sighting for fix in one}
    scores = []
    for fix in other:
        seen = boxes.get(fix.sighting.utc_s)
        if seen is not None and _overlap(seen.box_xyxy_px, fix.sighting.box_xyxy_px) < 0.2:
            scores.append(min(seen.score, fix.sighting.score))
    return sum(scores) if len(scores) >= 2 else 0.0


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """Intersection over the smaller box."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / max(min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])), 1e-9)


def _fused(fixes: list[HullFix]) -> Finding:
    """Weighted mean of a group; independent errors average out, the common error of a pass stays."""
    origin = np.median([fix.point_ship_m for fix in fixes], axis=0)
    normal = np.sum([fix.normal for fix in fixes], axis=0)
    axes = plating_axes(normal / np.linalg.norm(normal))
    passes = [_Pass.of(group, origin, axes) for group in _passes(fixes)]
    extent = _extent(passes)
    precisions = [np.linalg.inv(each.covariance_m2 + _of_parts(each.outline, extent)) for each in passes]
    covariance = np.linalg.inv(np.sum(precisions, axis=0))
    position = covariance @ np.sum([p @ each.middle_m for p, each in zip(precisions, passes, strict=True)], axis=0)
    ends = extent[:, None] * [-0.5, 0.5]
    best = sorted(fixes, key=lambda item: -item.sighting.score)
    top = [fix.sighting.score for fix in best[:5]]
    return Finding(
        label=best[0].sighting.label,
        score=float(np.mean(top)),
        position_ship_m=position,
        covariance_m2=covariance,
        radius95_m=float(np.sqrt(chi2.ppf(0.95, 2) * np.linalg.eigvalsh(covariance)[-1])),
        outline=Outline(axes, ends, np.any([each.outline.seen for each in passes], axis=0)),
        fixes=tuple(best),
    )


def _passes(fixes: list[HullFix]) -> list[list[HullFix]]:
    passes: list[list[HullFix]] = []
    for fix in sorted(fixes, key=lambda item: item.sighting.utc_s):
        if passes and fix.sighting.utc_s - passes[-1][-1].sighting.utc_s < _PASS_GAP_S:
            passes[-1].append(fix)
        else:
            passes.append([fix])
    return passes


@dataclass(frozen=True, slots=True)
class _Pass:
    """What one pass says of a thing.

    Attributes:
        outline: from the group's origin.
        middle_m: (3,) of the outline, ship frame.
        covariance_m2: (3, 3) of that, if the outline is the whole of it.
        weight: sum of the scores.
    """

    outline: Outline
    middle_m: Array
    covariance_m2: Array
    weight: float

    @classmethod
    def of(cls, fixes: list[HullFix], origin_m: Array, axes: Array) -> _Pass:
        points = np.array([fix.point_ship_m for fix in fixes])
        off = np.linalg.norm(points - np.median(points, axis=0), axis=1)
        reach = 3 * max(float(np.median(off)), 0.05) + np.array([fix.outline.size_m for fix in fixes]) / 2
        kept = [fix for fix, good in zip(fixes, off < reach, strict=True) if good]
        points, scores = points[off < reach], np.array([fix.sighting.score for fix in kept])
        outline = common_outline([fix.outline for fix in kept], points, scores, origin_m, axes)
        weights = np.array([_weight(fix) for fix in kept])
        weights /= weights.sum()
        independent = sum(w**2 * fix.independent_m2 for w, fix in zip(weights, kept, strict=True))
        common = sum(w * fix.common_m2 for w, fix in zip(weights, kept, strict=True))
        off_plane = (weights @ points - origin_m) @ (np.eye(3) - axes.T @ axes)
        middle = origin_m + off_plane + outline.centre_m @ axes
        # the floor keeps the plane of the hull invertible: nothing is known better than 2 cm
        return cls(outline, middle, independent + common + 0.02**2 * np.eye(3), float(scores.sum()))


def _extent(passes: list[_Pass]) -> Array:
    """(2,) of the thing: of the passes that saw it from end to end those that saw most, else of what was seen."""
    extent = np.zeros(2)
    for axis in range(2):
        whole = [each for each in passes if each.outline.whole[axis]] or passes
        sizes = np.array([each.outline.extent_m[axis] for each in whole])
        near = sizes >= _HOLDS * sizes.max()
        extent[axis] = np.average(sizes[near], weights=np.array([each.weight for each in whole])[near])
    return extent


def _of_parts(outline: Outline, extent_m: Array) -> Array:
    """(3, 3) covariance of the middle of a thing about the middle of the part of it that was seen."""
    unseen = np.maximum(extent_m - outline.extent_m, np.where(outline.whole, 0.0, _HIDDEN_M))
    unseen = np.where(unseen > 0.1, unseen, 0.0)
    return np.asarray(outline.axes.T @ np.diag(unseen**2 / 12) @ outline.axes)


def _weight(fix: HullFix) -> float:
    return float(fix.sighting.score / max(np.trace(fix.independent_m2), 1e-6))
