"""What is wrong, in plain words, and what hullscan does next by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from hullscan.console.snapshot import EventRow, Snapshot
from hullscan.pilot.states import PilotState
from hullscan.pilot.supervisor import RULES, Act
from hullscan.preflight.before_flight import NOT_GO
from hullscan.words import mark
from hullscan.words import said as words_said

__all__ = ["Alarm", "Level", "alarm_of", "level_of"]

Level = Literal["well", "caution", "alarm"]
Words = Callable[[str], str]
_TOLD_FOR_S = 45.0

_NEXT_OF_STATE: Final = {
    PilotState.PREFLIGHT: mark("it goes down when the vehicle is ready"),
    PilotState.ARMED: mark("it goes down at the launch"),
    PilotState.DESCEND: mark("it turns to the hull and looks for her"),
    PilotState.FIRST_FIX: mark("when the hull is found, the first leg; else it comes back up"),
    PilotState.LEGS: mark("it flies the plan"),
    PilotState.CLOSE_UP: mark("a few views from close, then on where it broke off"),
    PilotState.REFLY: mark("gaps again while the window lasts, then home"),
    PilotState.HOME: mark("back along the known route to the launch, then up; the motors stop at the surface"),
    PilotState.RETREAT: mark("away from the plating, then home, or out into the open and up"),
    PilotState.OUT_FROM_UNDER: mark("level, out from under the ship; it rises only when nothing is overhead"),
    PilotState.LISTENING: mark(
        "nothing is sent; the vehicle acts by itself, and is taken back when it is heard and free"
    ),
    PilotState.SURFACE: mark("up, then the motors stop"),
    PilotState.DISARM: mark("the motors stop"),
    PilotState.HANDED_OVER: mark("you have the vehicle: hullscan sends nothing more"),
    PilotState.ENDED: mark("findings are placed and the report is written"),
}
_ENDINGS: Final = {
    PilotState.HOME.value, PilotState.RETREAT.value, PilotState.OUT_FROM_UNDER.value, PilotState.LISTENING.value,
    PilotState.HANDED_OVER.value,
}  # fmt: skip
_LAST: Final = {PilotState.SURFACE, PilotState.DISARM, PilotState.ENDED}
_NEXT_OF_ACT: Final = {
    Act.RETURN: mark("it goes on by itself when this has passed; if it lasts, the survey ends and it goes home"),
    Act.RETREAT: mark("it goes on by itself when this has passed; if it lasts, it backs away and comes up"),
    Act.LISTEN: mark("it goes on by itself when this has passed; if it lasts, the vehicle's own failsafe acts"),
}
_HOLD_NEXT = mark("it stands here and goes on by itself when this has passed")
_OPERATOR_NEXT = mark("it stands here until you press R (go on), S (skip the leg) or A (home)")
_TOLD_NEXT: Final = {
    "detector": mark("nothing is lost: what was recorded is searched again after the flight"),
    "disk": mark("make room: below 300 MB the survey ends"),
    "station": mark("if it sends commands, hullscan lets go at once"),
    "streams": mark("they are asked for until they come again; below 10 Hz it flies less exactly"),
    "degraded": mark("the place is less sure here; it goes on"),
    "warning": mark("it is written down; the flight goes on"),
}
_MARKED: Final = {"warning", "degraded", "operator", "alert"}
_GRAVE: Final = {"ended", "seeing", "abort", "refused", "program", "no fix"}
_SAID_ONLY: Final = {"seeing": mark("nothing more is searched live; the recording can be searched afterwards")}


@dataclass(frozen=True, slots=True)
class Alarm:
    """What stands in the alarm line, in the reader's language."""

    level: Level
    what: str
    next: str


def level_of(event: EventRow) -> Level:
    """How an event is marked in the list."""
    if event.kind in _ENDINGS or event.kind in _GRAVE:
        return "alarm"
    # a rule may say the same words before a hold and before an end; the hold comes first
    acts = [rule.act for rule in RULES if (rule.key, rule.message) == (event.kind, event.message)]
    if acts:
        return "alarm" if min(acts) >= Act.RETURN else "caution"
    return "caution" if event.kind in _MARKED or event.message == NOT_GO else "well"


def alarm_of(now: Snapshot, words: Words) -> Alarm:
    """The gravest thing at this moment."""
    state = PilotState(now.state)
    broken_off = now.aborted or any(event.kind in _ENDINGS for event in now.events)
    if now.state in _ENDINGS or (broken_off and state in _LAST):
        return Alarm("alarm", _why_it_ended(now, words), words(_NEXT_OF_STATE[state]))
    if now.aborted:
        return Alarm("alarm", words(mark("the end was asked for")), words(_NEXT_OF_STATE[PilotState.HOME]))
    if now.holding is not None:
        return Alarm("caution", said(now.holding, words), words(_next_of_hold(now.holding.kind)))
    for event in reversed(now.events):
        if now.after_s - event.after_s > _TOLD_FOR_S:
            break
        if event.kind in _TOLD_NEXT or event.kind in _SAID_ONLY:
            following = {**_TOLD_NEXT, **_SAID_ONLY}[event.kind]
            return Alarm("caution", said(event, words), words(following))
    return Alarm("well", words(mark("all is well")), words(_NEXT_OF_STATE[state]))


def said(event: EventRow, words: Words) -> str:
    """An event in the reader's language."""
    return words_said(event.message, event.data, words)


def _next_of_hold(kind: str) -> str:
    """What becomes of a hold: what the strongest rule of the same key does if it lasts."""
    if kind == "operator":
        return _OPERATOR_NEXT
    acts = [rule.act for rule in RULES if rule.key == kind and rule.act > Act.HOLD]
    # a stale link that goes on becomes a lost one, under another key
    if kind == "telemetry":
        acts = [Act.LISTEN]
    return _NEXT_OF_ACT.get(max(acts), _HOLD_NEXT) if acts else _HOLD_NEXT


def _why_it_ended(now: Snapshot, words: Words) -> str:
    """The last event before the ending that gives a reason."""
    reasons = {rule.key for rule in RULES if rule.act >= Act.RETURN} | {"abort", "refused", "program", "no fix"}
    for event in reversed(now.events):
        if event.kind in reasons:
            return said(event, words)
    return words(mark("the end was asked for")) if now.aborted else words(mark("the survey is ended"))
