"""Close-ups that people at the reading desk ask for: proposals, which the operator answers and the pilot decides.

Nothing is flown because somebody asked. A request waits until the operator accepts it; then the pilot's own rules look
at it as at any sighting (see ``closeup``), and whatever becomes of it is told and recorded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from hullscan.clock import Clock
from hullscan.geometry.frames import Array
from hullscan.ship.surface import side_name
from hullscan.words import mark

__all__ = ["CloseUpRequest", "CloseUpRequests", "RequestState"]

_ANSWER_S = 60.0  # mission time that the operator has; later the place lies behind
_KEPT = 20
Event = Callable[[str, str, dict[str, Any]], None]


class RequestState(Enum):
    """What has become of a request; all but the first two are ends."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    UNANSWERED = "unanswered"
    REFUSED = "refused"
    FLOWN = "flown"


_TOLD = {
    RequestState.ACCEPTED: mark("close-up for {name}: accepted by the operator"),
    RequestState.DECLINED: mark("close-up for {name}: declined by the operator"),
    RequestState.UNANSWERED: mark("close-up for {name}: the operator did not answer"),
    RequestState.REFUSED: mark("close-up for {name}: refused, {reason}"),
    RequestState.FLOWN: mark("close-up for {name}: {views} views taken"),
}
_OVER = mark("nothing is searched any more")
_OPEN = (RequestState.WAITING, RequestState.ACCEPTED)
_MOST_ACCEPTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseUpRequest:
    """One request.

    Attributes:
        place_ship_m: (3,) of the hull, ship frame.
        reason: why it was refused, words for people.
        views: taken of the place.
    """

    number: int
    asked_by: str
    place_ship_m: Array
    asked_utc_s: float
    state: RequestState = RequestState.WAITING
    reason: str = ""
    views: int = 0


class CloseUpRequests:
    """The requests of a flight; one at a time waits for the operator. Any thread may ask, answer and look.

    Args:
        on_event: told of each request and of what becomes of it; what it raises, ``propose`` and ``answer`` raise,
            and then nothing has changed.
    """

    def __init__(self, clock: Clock, on_event: Event) -> None:
        self._clock, self._on_event = clock, on_event
        self._lock = threading.RLock()
        self._all: list[CloseUpRequest] = []  # replaced, never changed: others read it without the lock
        self._over = False

    def propose(self, asked_by: str, place_ship_m: Array) -> CloseUpRequest:
        """Ask; refused at once while another one waits, or when nothing is searched any more."""
        with self._lock:
            busy = self.waiting() is not None or len(self.accepted()) >= _MOST_ACCEPTED
            made = CloseUpRequest(
                number=self._all[-1].number + 1 if self._all else 1,
                asked_by=asked_by,
                place_ship_m=place_ship_m,
                asked_utc_s=self._clock.now(),
            )
            station, y, depth = (float(value) for value in place_ship_m)
            data = {"name": asked_by, "side": side_name(y), "station": station, "depth": depth}
            message = mark("{name} asks for a close-up: {side}, station {station:.1f} m, {depth:.1f} m deep")
            self._on_event("asked", message, data)
            self._all = [*self._all, made][-_KEPT:]
            if busy or self._over:
                reason = _OVER if self._over else mark("another request is open")
                self._become(made, RequestState.REFUSED, reason=reason)
            return self._all[-1]

    def answer(self, number: int, *, accept: bool) -> None:
        """The operator's word; one that comes too late, or to another request, changes nothing."""
        with self._lock:
            at = self.waiting()
            if at is not None and at.number == number:
                self._become(at, RequestState.ACCEPTED if accept else RequestState.DECLINED)

    def waiting(self) -> CloseUpRequest | None:
        """The request that waits for the operator; one that nobody answers lapses."""
        with self._lock:
            at = next((each for each in self._all if each.state is RequestState.WAITING), None)
            if at is not None and self._clock.now() - at.asked_utc_s > _ANSWER_S:
                self._become(at, RequestState.UNANSWERED)
                return None
            return at

    def accepted(self) -> list[CloseUpRequest]:
        """What the operator has accepted and the pilot has not settled. No lock: the pilot waits for nobody."""
        return [each for each in self._all if each.state is RequestState.ACCEPTED]

    def refuse(self, number: int, reason: str) -> None:
        """The pilot's rules do not allow it."""
        self._settle(number, RequestState.REFUSED, reason=reason)

    def done(self, number: int, views: int) -> None:
        """It was flown."""
        self._settle(number, RequestState.FLOWN, views=views)

    def close(self) -> None:
        """Nothing is searched any more."""
        with self._lock:
            self._over = True
            for at in [each for each in self._all if each.state in _OPEN]:
                self._become(at, RequestState.REFUSED, reason=_OVER)

    def all(self) -> tuple[CloseUpRequest, ...]:
        """The last ones, the newest last."""
        self.waiting()
        return tuple(self._all)

    def _settle(self, number: int, state: RequestState, **found: Any) -> None:
        with self._lock:
            at = next((each for each in self._all if each.number == number and each.state in _OPEN), None)
            if at is not None:
                self._become(at, state, **found)

    def _become(self, at: CloseUpRequest, state: RequestState, **found: Any) -> None:
        then = replace(at, state=state, **found)
        data = {"name": at.asked_by, "reason": then.reason, "views": then.views}
        self._on_event("answered", _TOLD[state], data)
        self._all = [then if each.number == at.number else each for each in self._all]
