"""Questions to the vehicle and their answers: retries, time-outs in mission time, and its own words in errors."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from hullscan.clock import Clock
from hullscan.errors import LinkError, RefusedError
from hullscan.vehicle.link import MavlinkLink
from hullscan.vehicle.messages import CommandAck, CommandLong, Frame, Message, Source
from hullscan.vehicle.telemetry import Telemetry
from hullscan.vehicle.timing import Patience

__all__ = ["ANSWER_S", "TRIES", "Dialogue"]

T = TypeVar("T")

ANSWER_S = 1.5
"""ArduSub answers in 1 to 12 ms, a barometer calibration in more than 1.2 s (ardusub.md 2.3)."""
TRIES = 3
_TEXT_S = 0.3  # a refusal's STATUSTEXT may follow its acknowledgement
_BUSY_S = 20.0  # a calibration takes up to 15 s
_ACCEPTED, _IN_PROGRESS = 0, 5
_RESULTS = {  # MAV_RESULT
    1: "TEMPORARILY_REJECTED",
    2: "DENIED",
    3: "UNSUPPORTED",
    4: "FAILED",
    6: "CANCELLED",
    7: "COMMAND_LONG_ONLY",
    8: "COMMAND_INT_ONLY",
    9: "COMMAND_UNSUPPORTED_MAV_FRAME",
}
_POLL_S = 0.02
_WARNING, _INFO = 4, 6  # MAV_SEVERITY


class Dialogue:
    """Asks, waits and asks again; one question per kind of answer at a time.

    ``observe`` has to get every frame, in the link's reader thread.
    """

    def __init__(self, link: MavlinkLink, clock: Clock, telemetry: Telemetry) -> None:
        self._link, self._clock, self._telemetry = link, clock, telemetry
        self._heard = threading.Condition()
        self._listeners: list[Callable[[Frame], None]] = []
        self._commands: dict[int, threading.Lock] = {}
        self._commands_lock = threading.Lock()

    @property
    def vehicle(self) -> Source:
        """Whom we talk to."""
        return self._telemetry.vehicle

    def observe(self, frame: Frame) -> None:
        """Let whoever waits see a frame of the vehicle."""
        if frame.source != self.vehicle:
            return
        with self._heard:
            for listener in list(self._listeners):
                listener(frame)
            self._heard.notify_all()

    def send(self, message: Message) -> None:
        """Send without waiting."""
        self._link.send(message, to=self.vehicle)

    def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait in mission time for something that the vehicle's messages bring about."""
        patience = Patience(self._clock, timeout_s)
        with self._heard:
            while not condition():
                if patience.over:
                    return False
                self._heard.wait(_POLL_S)
        return True

    def listen(self, listener: Callable[[Frame], None], wait: Callable[[], T]) -> T:
        """Run ``wait`` while every frame of the vehicle goes to ``listener``."""
        with self._heard:
            self._listeners.append(listener)
        try:
            return wait()
        finally:
            with self._heard:
                self._listeners.remove(listener)

    def ask(
        self,
        question: Callable[[int], Message],
        answer: Callable[[Message], T | None],
        *,
        timeout_s: float = ANSWER_S,
        tries: int = TRIES,
        busy: Callable[[], bool] = lambda: False,
    ) -> T | None:
        """Send ``question(attempt)`` until ``answer`` recognises a message; None when nobody answered.

        While the vehicle says that it is ``busy`` with it, the question is not repeated.
        """
        found: list[T] = []

        def listener(frame: Frame) -> None:
            value = answer(frame.message) if frame.message is not None else None
            if value is not None:
                found.append(value)

        def wait() -> T | None:
            for attempt in range(tries):
                self.send(question(attempt))
                if self.wait_until(lambda: bool(found), timeout_s):
                    return found[0]
                if busy():
                    return found[0] if self.wait_until(lambda: bool(found), _BUSY_S) else None
            return None

        return self.listen(listener, wait)

    def command(self, what: str, number: int, *params: float, timeout_s: float = ANSWER_S, tries: int = TRIES) -> None:
        """Send a COMMAND_LONG and insist on its acknowledgement.

        Args:
            what: what it does, for people ("arming").
            number: MAV_CMD.
            params: up to seven; the rest are 0.
            timeout_s, tries: how long to wait for each of how many attempts.

        Raises:
            RefusedError: the vehicle said no; with its result and the text that came with it.
            LinkError: no answer.
        """
        p1, p2, p3, p4, p5, p6, p7 = (*params, *([0.0] * 7))[:7]
        sent_at_s = self._clock.now()
        in_progress = threading.Event()

        def answer(message: Message) -> int | None:
            if not isinstance(message, CommandAck) or message.command != number:
                return None
            if message.result == _IN_PROGRESS:
                in_progress.set()
            elif self._is_for_us(message.target):
                return message.result
            return None

        def question(attempt: int) -> Message:
            return CommandLong(self.vehicle, number, (p1, p2, p3, p4, p5, p6, p7), attempt)

        with self._one_at_a_time(number):
            code = self.ask(question, answer, timeout_s=timeout_s, tries=tries, busy=in_progress.is_set)
        if code is None:
            raise LinkError(f"the vehicle did not answer to {what}", todo="check the link in both directions")
        if code != _ACCEPTED:
            result = _RESULTS.get(code, f"result {code}")
            raise RefusedError(f"the vehicle refused {what}: {result}{self.words_since(sent_at_s)}")

    def words_since(self, utc_s: float) -> str:
        """What the vehicle said about it, quoted: warnings and worse, else its last remark."""
        self.wait_until(lambda: False, _TEXT_S)
        said = self._telemetry.texts(utc_s)
        grave = [text.text for text in said if text.severity <= _WARNING]
        words = grave or [text.text for text in said if text.severity <= _INFO][-1:]
        return "".join(f', it said "{text}"' for text in dict.fromkeys(words[-3:]))

    def _is_for_us(self, target: Source) -> bool:
        own = self._link.own
        return target.system in (0, own.system) and target.component in (0, own.component)

    def _one_at_a_time(self, number: int) -> threading.Lock:
        with self._commands_lock:
            return self._commands.setdefault(number, threading.Lock())
