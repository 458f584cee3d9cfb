"""Where a survey stands, and from where it may come to where: the states and their table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hullscan.pilot.supervisor import Verdict

__all__ = ["AIRLESS", "TRANSITIONS", "PilotState", "PilotStatus", "may_follow"]


class PilotState(Enum):
    """Where the mission stands. The values are the kinds of events in the record."""

    PREFLIGHT = "preflight"
    ARMED = "armed"
    DESCEND = "descend"
    FIRST_FIX = "first fix"
    LEGS = "survey"
    CLOSE_UP = "close-up"
    REFLY = "re-fly"
    HOME = "home"
    """Along the known route, by position."""
    RETREAT = "retreat"
    """Away from the plating on the sticks."""
    OUT_FROM_UNDER = "out from under"
    """Something is, or may be, overhead: level, until nothing is."""
    LISTENING = "listening"
    """The vehicle is not heard, or its own failsafe has acted: nothing is sent until it can be taken back."""
    SURFACE = "surface"
    DISARM = "disarm"
    HANDED_OVER = "handed over"
    ENDED = "ended"


_S = PilotState
_ENDINGS = {_S.HOME, _S.RETREAT, _S.OUT_FROM_UNDER, _S.LISTENING, _S.HANDED_OVER}

TRANSITIONS: dict[PilotState, frozenset[PilotState]] = {
    _S.PREFLIGHT: frozenset({_S.ARMED, _S.ENDED}),
    _S.ARMED: frozenset({_S.DESCEND, *_ENDINGS}),
    _S.DESCEND: frozenset({_S.FIRST_FIX, *_ENDINGS}),
    _S.FIRST_FIX: frozenset({_S.LEGS, *_ENDINGS}),
    _S.LEGS: frozenset({_S.LEGS, _S.CLOSE_UP, _S.REFLY, _S.SURFACE, *_ENDINGS}),
    _S.CLOSE_UP: frozenset({_S.LEGS, _S.REFLY, *_ENDINGS}),
    _S.REFLY: frozenset({_S.REFLY, _S.LEGS, _S.CLOSE_UP, _S.SURFACE, *_ENDINGS}),
    # an ending may become a stronger one, never a weaker one, but for a vehicle that was taken back
    _S.HOME: frozenset({_S.SURFACE, _S.RETREAT, _S.OUT_FROM_UNDER, _S.LISTENING, _S.HANDED_OVER}),
    _S.RETREAT: frozenset({_S.HOME, _S.OUT_FROM_UNDER, _S.SURFACE, _S.LISTENING, _S.HANDED_OVER}),
    _S.OUT_FROM_UNDER: frozenset({_S.SURFACE, _S.LISTENING, _S.HANDED_OVER}),
    _S.LISTENING: frozenset({_S.HOME, _S.RETREAT, _S.SURFACE, _S.HANDED_OVER, _S.DISARM}),
    _S.SURFACE: frozenset({_S.RETREAT, _S.OUT_FROM_UNDER, _S.LISTENING, _S.DISARM, _S.HANDED_OVER}),
    _S.DISARM: frozenset({_S.ENDED, _S.HANDED_OVER}),
    _S.HANDED_OVER: frozenset({_S.ENDED}),
    _S.ENDED: frozenset(),
}
"""From each state, the states that may follow. Rising comes only after a state that leads out into the open, and
disarming only after rising, or after a failsafe that has left the vehicle at the surface."""

AIRLESS = frozenset({_S.PREFLIGHT, _S.ENDED})
"""States in which the motors stand."""


def may_follow(before: PilotState, after: PilotState) -> bool:
    """Whether the table has the step."""
    return after in TRANSITIONS[before]


@dataclass(frozen=True, slots=True)
class PilotStatus:
    """What the operator's screen shows.

    Attributes:
        leg: index into the plan's legs, -1 outside of them.
        leg_share: of its length.
        survey_share: of the length of all searched legs.
        holding: why it stands, as it is now; None while it flies.
        speed_share: of the planned speed, as the operator has set it.
        off_target_m: from where the vehicle should be.
        overhead: whether plating is, or may be, above the vehicle.
        sigma_along_m, sigma_across_m: of the vehicle's place relative to the hull.
    """

    state: PilotState
    leg: int = -1
    leg_name: str = ""
    leg_share: float = 0.0
    survey_share: float = 0.0
    holding: Verdict | None = None
    range_m: float = float("nan")
    sigma_along_m: float = float("nan")
    sigma_across_m: float = float("nan")
    speed_share: float = 1.0
    off_target_m: float = float("nan")
    overhead: bool = False
