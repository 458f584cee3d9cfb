"""Go, caution or no-go: what the water, the berth and the vehicle allow, each with its reason and its number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.ship.surface import Side
from hullscan.words import fill, mark

__all__ = [
    "LEVELS",
    "RETURN_S",
    "Check",
    "Facts",
    "Level",
    "along_hull_mps",
    "check_feasibility",
    "overall",
]

Level = Literal["go", "caution", "no-go"]
LEVELS: Final = (mark("go"), mark("caution"), mark("no-go"))

_LEAST_POD, _FAIR_POD = 0.15, 0.5  # of a look from the stand-off: below, the minutes buy next to nothing
_EASY_SHARE = 0.5  # of the vehicle's speed through the water: more is not passed over without a remark
_QUAY_GAP_M = 3.0
_UNDER_KEEL_M = 1.5
_TIGHT = 0.9  # of a window, a tether, a battery's time: beyond, little is left for what goes wrong
_BATTERY = 0.8
RETURN_S = 30.0
"""That should be left of the window when the vehicle is back, from wherever it turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is decided upon.

    Attributes:
        look_pod: POD of one look from the stand-off along the normal.
        water_mps: greatest speed through the water that the plan asks for; water_limit_mps what is counted upon.
        current_along_mps: greatest component along the hull over the plan; current_mps its greatest speed.
        current_known: whether a tide file covers the window; else the constant of the mission.
        slack: minutes from the start of the window between which the current is below what the vehicle can hold.
        return_margin_s: least time left in the window, over all points of the plan, after the way home from there.
        sides: that the plan searches.
        quay_side, quay_gap_m: where the quay is.
    """

    visibility_m: float
    stand_off_m: float
    look_pod: float
    water_mps: float
    water_limit_mps: float
    current_mps: float
    current_along_mps: float
    current_known: bool = True
    slack: tuple[tuple[float, float], ...] = ()
    window_min: float
    duration_min: float
    endurance_min: float
    return_margin_s: float
    tether_m: float
    tether_limit_m: float
    sides: frozenset[Side]
    quay_side: Side | None = None
    quay_gap_m: float = 100.0
    under_keel_m: float


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    level: Level
    words: str
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """In English."""
        return fill(self.words, self.data)


def overall(checks: Iterable[Check]) -> Level:
    """The worst of them."""
    levels = {check.level for check in checks}
    return "no-go" if "no-go" in levels else "caution" if "caution" in levels else "go"


def check_feasibility(facts: Facts) -> tuple[Check, ...]:
    """Every check, in the order in which an operator would ask."""
    checks = [_visibility(facts), *_current(facts), _window(facts), _return(facts), _battery(facts), _tether(facts)]
    return (*checks, *_quay(facts), _keel(facts))


def _visibility(facts: Facts) -> Check:
    data = {"visibility": facts.visibility_m, "stand_off": facts.stand_off_m, "pod": facts.look_pod}
    words = mark("visibility {visibility:.1f} m: a look from {stand_off:.2f} m has a POD of {pod:.2f}")
    level: Level = "no-go" if facts.look_pod < _LEAST_POD else "caution" if facts.look_pod < _FAIR_POD else "go"
    return Check(level, words, data)


def _current(facts: Facts) -> list[Check]:
    needed, limit = facts.water_mps, facts.water_limit_mps
    data = {
        "current": facts.current_mps,
        "along": facts.current_along_mps,
        "needed": needed,
        "limit": limit,
    }
    too_fast = max(needed, facts.current_mps) > limit
    words = mark(
        "current up to {current:.2f} m/s, {along:.2f} m/s along the hull: the vehicle must make {needed:.2f} m/s "
        "through the water, {limit:.1f} m/s is counted upon"
    )
    level: Level = "no-go" if too_fast else "caution" if needed > _EASY_SHARE * limit else "go"
    checks = [Check(level, words, data)]
    if too_fast and facts.slack:
        first = max(facts.slack, key=lambda span: span[1] - span[0])
        words = mark("slack water from {start:.0f} to {end:.0f} min after the start of the window, {length:.0f} min")
        checks.append(Check("caution", words, {"start": first[0], "end": first[1], "length": first[1] - first[0]}))
    if not facts.current_known:
        checks.append(Check("caution", mark("the current is the mission's constant, no tide table covers the window")))
    return checks


def _window(facts: Facts) -> Check:
    data = {"duration": facts.duration_min, "window": facts.window_min}
    words = mark("the plan takes {duration:.1f} min of a window of {window:.1f} min")
    return Check("no-go" if facts.duration_min > facts.window_min else "go", words, data)


def _return(facts: Facts) -> Check:
    words = mark("from every point of the plan the way back leaves at least {margin:.0f} s of the window")
    margin = facts.return_margin_s
    return Check("no-go" if margin < 0 else "caution" if margin < RETURN_S else "go", words, {"margin": margin})


def _battery(facts: Facts) -> Check:
    share = facts.duration_min / facts.endurance_min
    data = {"share": 100 * share, "endurance": facts.endurance_min}
    words = mark("the plan uses {share:.0f} % of the battery's {endurance:.0f} min")
    level: Level = "no-go" if share > _BATTERY else "caution" if share > _BATTERY * _TIGHT else "go"
    return Check(level, words, data)


def _tether(facts: Facts) -> Check:
    data = {"tether": facts.tether_m, "limit": facts.tether_limit_m}
    words = mark("the plan needs {tether:.0f} m of tether, {limit:.0f} m is the limit")
    share = facts.tether_m / facts.tether_limit_m
    return Check("no-go" if share > 1 else "caution" if share > _TIGHT else "go", words, data)


def _quay(facts: Facts) -> list[Check]:
    if facts.quay_side is None or facts.quay_gap_m >= _QUAY_GAP_M:
        return []
    data = {"side": facts.quay_side, "gap": facts.quay_gap_m, "least": _QUAY_GAP_M}
    if facts.quay_side in facts.sides:
        words = mark("{gap:.1f} m between ship and quay on the {side} side: the vehicle needs {least:.0f} m")
        return [Check("no-go", words, data)]
    words = mark("{gap:.1f} m between ship and quay: the {side} side is not searched")
    return [Check("caution", words, data)]


def _keel(facts: Facts) -> Check:
    data = {"water": facts.under_keel_m, "least": _UNDER_KEEL_M}
    words = mark("{water:.1f} m of water under the keel, {least:.1f} m is needed to search the bottom")
    return Check("go" if facts.under_keel_m >= _UNDER_KEEL_M else "caution", words, data)


def along_hull_mps(current_ne_mps: Array, heading_rad: float) -> Array:
    """(n,) speed of (n, 2) currents along a ship's heading, regardless of the direction."""
    axis = np.array([np.cos(heading_rad), np.sin(heading_rad)])
    return np.asarray(np.abs(np.asarray(current_ne_mps) @ axis), dtype=np.float64)
