"""What lasts and what is allowed: battery, tether, disk, window, the plan's own checks, and what is locked out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hullscan.mission.feasibility import Check, Level
from hullscan.mission.orders import LockOut
from hullscan.preflight.check import Phrase, PreflightLine, line, say
from hullscan.words import mark

__all__ = ["SupplyFacts", "check_lock_out", "check_plan", "check_supplies"]

_SUPPLIES, _PLAN, _LOCK_OUT = mark("supplies"), mark("plan"), mark("lock-out on board")
_RESERVE = 0.25  # of what the plan needs, for what goes wrong
_TURNS = 3.0  # of the tether; QGroundControl shows the same number
BYTES_PER_S = 2_100_000  # 15 Mbit/s of video, the most that a BlueROV2's camera sends, with a tenth for the rest
_SPARE_BYTES = 500_000_000  # a report with its pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyFacts:
    """What is there, and what the plan needs of it.

    Attributes:
        volts: of the battery now; NaN when it is not told.
        least_v: the mission's limit; empty_v and full_v are the profile's.
        plan_min, endurance_min: how long the plan takes, and a full battery lasts.
        turns: of the tether; None when the vehicle does not count them.
        disk_free: bytes where the mission is recorded.
        window_left_min: of the customs window; None when the mission does not say when it begins.
        begins_in_min: until the window begins; negative after.
    """

    volts: float
    least_v: float
    empty_v: float
    full_v: float
    plan_min: float
    endurance_min: float
    turns: float | None
    disk_free: int
    window_left_min: float | None = None
    begins_in_min: float = 0.0


def check_supplies(facts: SupplyFacts) -> list[PreflightLine]:
    """Battery, tether, disk and window."""
    lines = [_battery(facts), _disk(facts)]
    if facts.turns is not None:
        twisted = abs(facts.turns) > _TURNS
        lines.append(
            line(
                _SUPPLIES,
                "caution" if twisted else "go",
                mark("tether turns"),
                Phrase(f"{facts.turns:+.1f}"),
                Phrase(f"± {_TURNS:.0f}"),
                mark("turn the vehicle back before the start"),
            )
        )
    if facts.window_left_min is not None:
        lines.append(_window(facts, facts.window_left_min))
    return lines


def _battery(facts: SupplyFacts) -> PreflightLine:
    """Voltage against the limit, and the charge that it stands for against the plan with a reserve."""
    charge = float(np.clip((facts.volts - facts.empty_v) / (facts.full_v - facts.empty_v), 0.0, 1.0))
    needed = (1 + _RESERVE) * facts.plan_min / facts.endurance_min
    wanted_v = max(facts.least_v, facts.empty_v + needed * (facts.full_v - facts.empty_v))
    if not np.isfinite(facts.volts):
        level: Level = "caution"
    elif facts.volts < facts.least_v or charge < needed / (1 + _RESERVE):
        level = "no-go"
    else:
        level = "go" if charge >= needed else "caution"
    measured = Phrase(f"{facts.volts:.1f} V") if np.isfinite(facts.volts) else say(mark("not told"))
    wanted = say(mark("≥ {volts:.1f} V for {minutes:.0f} min"), volts=wanted_v, minutes=facts.plan_min)
    return line(_SUPPLIES, level, mark("battery"), measured, wanted, mark("charge it, or plan less"))


def _disk(facts: SupplyFacts) -> PreflightLine:
    needed = facts.plan_min * 60 * BYTES_PER_S + _SPARE_BYTES
    level: Level = "no-go" if facts.disk_free < needed else "caution" if facts.disk_free < 2 * needed else "go"
    return line(
        _SUPPLIES,
        level,
        mark("disk"),
        say(mark("{gb:.1f} GB free"), gb=facts.disk_free / 1e9),
        say(mark("≥ {gb:.1f} GB"), gb=2 * needed / 1e9),
        mark("make room, or choose another --out"),
    )


def _window(facts: SupplyFacts, left_min: float) -> PreflightLine:
    level: Level = "no-go" if left_min < facts.plan_min else "caution" if facts.begins_in_min > 0 else "go"
    measured = say(mark("{left:.0f} min left"), left=left_min)
    if facts.begins_in_min > 0:
        measured = say(mark("begins in {minutes:.0f} min"), minutes=facts.begins_in_min)
    wanted = say(mark("≥ {minutes:.0f} min"), minutes=facts.plan_min)
    return line(_SUPPLIES, level, mark("window"), measured, wanted, mark("plan again for the time that is left"))


def check_plan(checks: Iterable[Check]) -> list[PreflightLine]:
    """What the plan says about water, tide, berth and vehicle."""
    return [
        PreflightLine(group=_PLAN, level=check.level, what=Phrase(), measured=Phrase(check.words, check.data))
        for check in checks
    ]


def check_lock_out(lock_out: LockOut | None) -> list[PreflightLine]:
    """What must not start while something is under the ship, each confirmed by name."""
    confirmed = (
        (mark("propeller"), lock_out is not None and lock_out.propeller),
        (mark("thrusters"), lock_out is not None and lock_out.thrusters),
        (mark("sea suctions"), lock_out is not None and lock_out.sea_suctions),
        (mark("ICCP"), lock_out is not None and lock_out.iccp),
    )
    by = lock_out.by if lock_out is not None else ""
    todo = mark(
        "have it locked out on board, and write who says so under lock_out: of the mission; until then keep off"
    )
    return [
        line(
            _LOCK_OUT,
            "go" if done else "caution",
            name,
            say(mark("locked out, says {name}"), name=by) if done else say(mark("not confirmed")),
            say(mark("locked out, by name")),
            todo,
        )
        for name, done in confirmed
    ]
