"""From sightings to findings: tracks are fused, and tracks of the same thing from other lanes are joined.

Looks of one pass share their common error, so their mean keeps it in full. Two things that were seen in the same
picture are two things, however near they lie, unless their places are one: a detector may box a thing and its half.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import chi2

from hullscan.findings.geotag import HullFix
from hullscan.geometry.frames import Array
from hullscan.vision.card import operating_threshold
from hullscan.vision.runtime import DEFAULT_MODEL

__all__ = ["Finding", "FindingRules", "merge_fixes", "rules_for"]

_TELL_TALES = ("rope",)
_ONE_PLACE_M = 0.25  # the centres of two parcels hardly lie nearer than this: seized ones are 0.2 to 0.4 m wide
_PASS_GAP_S = 8.0  # sightings farther apart in time than this belong to different passes


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRules:
    """What becomes a finding.

    Attributes:
        min_score: mean of the best five scores of a finding; ``rules_for`` takes it from the model's card.
        min_views: looks in which it was seen.
        labels: that are reported; fittings are kept as landmarks only.
        join_m: tracks nearer than this, or than their size, are the same thing.
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
        fixes: its sightings, best first.
    """

    label: str
    score: float
    position_ship_m: Array
    covariance_m2: Array
    radius95_m: float
    size_m: float
    fixes: tuple[HullFix, ...]

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
    groups = [list(track) for track in tracks]
    while True:
        best: tuple[float, int, int] | None = None
        centres = [_fused(group) for group in groups]
        for i in range(len(groups)):
            for j in range(i + 1, len(groups)):
                gap = float(np.linalg.norm(centres[i].position_ship_m - centres[j].position_ship_m))
                apart = np.sqrt(centres[i].radius95_m ** 2 + centres[j].radius95_m ** 2) / 2
                reach = max(rules.join_m, 0.45 * max(centres[i].size_m, centres[j].size_m), min(float(apart), 0.6))
                if gap >= reach or (best is not None and gap >= best[0]):
                    continue
                if gap < _ONE_PLACE_M or not _side_by_side(groups[i], groups[j]):
                    best = (gap, i, j)
        if best is None:
            return groups
        groups[best[1]] += groups.pop(best[2])


def _side_by_side(one: list[HullFix], other: list[HullFix]) -> bool:
    """Whether both were seen in one picture as boxes that hardly overlap, more than once."""
    # by time: a mission that was resumed counts its frames anew
    boxes = {fix.sighting.utc_s: fix.sighting.box_xyxy_px for fix in one}
    together = 0
    for fix in other:
        if fix.sighting.utc_s in boxes and _overlap(boxes[fix.sighting.utc_s], fix.sighting.box_xyxy_px) < 0.2:
            together += 1
    return together >= 2


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """Intersection over the smaller box."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / max(min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])), 1e-9)


def _fused(fixes: list[HullFix]) -> Finding:
    """Weighted mean of a group; independent errors average out, the common error of a pass stays."""
    usable = [fix for fix in fixes if not fix.sighting.cut] or fixes
    passes: list[list[HullFix]] = []
    for fix in sorted(usable, key=lambda item: item.sighting.utc_s):
        if passes and fix.sighting.utc_s - passes[-1][-1].sighting.utc_s < _PASS_GAP_S:
            passes[-1].append(fix)
        else:
            passes.append([fix])
    means, precisions = [], []
    for group in passes:
        weights = np.array([_weight(fix) for fix in group])
        points = np.array([fix.point_ship_m for fix in group])
        middle = np.median(points, axis=0)
        weights = weights * (np.linalg.norm(points - middle, axis=1) < 3 * _spread(points, middle))
        weights /= weights.sum()
        mean = weights @ points
        independent = sum(w**2 * fix.independent_m2 for w, fix in zip(weights, group, strict=True))
        common = sum(w * fix.common_m2 for w, fix in zip(weights, group, strict=True))
        means.append(mean)
        # the floor keeps the plane of the hull invertible: nothing is known better than 2 cm
        precisions.append(np.linalg.inv(independent + common + 0.02**2 * np.eye(3)))
    covariance = np.linalg.inv(np.sum(precisions, axis=0))
    position = covariance @ np.sum([p @ m for p, m in zip(precisions, means, strict=True)], axis=0)
    best = sorted(fixes, key=lambda item: -item.sighting.score)
    top = [fix.sighting.score for fix in best[:5]]
    return Finding(
        label=best[0].sighting.label,
        score=float(np.mean(top)),
        position_ship_m=position,
        covariance_m2=covariance,
        radius95_m=float(np.sqrt(chi2.ppf(0.95, 2) * np.linalg.eigvalsh(covariance)[-1])),
        size_m=float(np.median([fix.size_m for fix in usable])),
        fixes=tuple(best),
    )


def _weight(fix: HullFix) -> float:
    return float(fix.sighting.score / max(np.trace(fix.independent_m2), 1e-6))


def _spread(points: Array, middle: Array) -> float:
    return max(float(np.median(np.linalg.norm(points - middle, axis=1))), 0.05)
