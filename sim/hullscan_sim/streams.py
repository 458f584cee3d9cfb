"""What is sent without being asked, how often, and how that is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hullscan_sim.messages import ACCEPTED, DENIED, FAILED, INFO, Message, Outbox
from hullscan_sim.parameters import Parameters

__all__ = ["STREAMS", "Streams"]

Build = Callable[[], list[Message]]

STREAMS: dict[str, tuple[int, tuple[int, ...]]] = {
    "SR0_RAW_SENS": (1, (27, 116, 129, 29, 137, 143)),
    "SR0_EXT_STAT": (2, (1, 125, 152, 42, 24, 62, 251)),
    "SR0_RC_CHAN": (3, (36, 65)),
    "SR0_POSITION": (6, (33, 32)),
    "SR0_EXTRA1": (10, (30, 178)),
    "SR0_EXTRA2": (11, (74,)),
    "SR0_EXTRA3": (12, (163, 2, 173, 132, 147, 193, 241)),
}
"""Rate parameter: number of the data stream, messages in it."""

_SILENT = frozenset({83, 85, 162, 226, 232, 11030})
"""Messages whose interval is accepted and that never come."""
_HEARTBEAT, _TIMESYNC = 0, 111
_ALL = 0
_LONGEST_S = 60.0


class Streams:
    """Intervals and what is due.

    Args:
        parameters: the SR0 rates.
        outbox: where messages go.
        builders: message number to what builds it; an empty list when there is nothing to tell yet.
    """

    def __init__(self, parameters: Parameters, outbox: Outbox, builders: Mapping[int, Build]) -> None:
        self._parameters, self._outbox, self._builders = parameters, outbox, builders
        self._interval_s: dict[int, float] = {_HEARTBEAT: 1.0, _TIMESYNC: 10.0}
        self._next_s: dict[int, float] = {_HEARTBEAT: 0.0, _TIMESYNC: 10.0}
        for name in STREAMS:
            self._from_parameter(name, 0.0)

    def _from_parameter(self, name: str, time_s: float) -> None:
        rate = self._parameters[name]
        for number in STREAMS[name][1]:
            self._set(number, 1 / rate if rate > 0 else 0.0, time_s)

    def _set(self, number: int, interval_s: float, time_s: float) -> None:
        if interval_s <= 0:
            self._interval_s.pop(number, None)
            self._next_s.pop(number, None)
        else:
            self._interval_s[number] = interval_s
            # not all in the same step
            self._next_s[number] = time_s + interval_s * ((number * 37 % 100) / 100)

    def update(self, time_s: float) -> None:
        """Send what is due."""
        due = [number for number, next_s in self._next_s.items() if next_s <= time_s]
        for number in due:
            interval_s = self._interval_s[number]
            self._next_s[number] = max(self._next_s[number] + interval_s, time_s + 0.25 * interval_s)
            for message in self._builders[number]():
                self._outbox.send(message)

    # ---------------------------------------------------------------- requests

    def set_interval(self, number: int, interval_us: float, time_s: float) -> int:
        """SET_MESSAGE_INTERVAL: 0 for the default rate, negative to stop."""
        if number in _SILENT:
            return ACCEPTED
        if number not in self._builders:
            return self._unknown(number)
        if interval_us == 0:
            for name, (_, numbers) in STREAMS.items():
                if number in numbers:
                    rate = self._parameters[name]
                    self._set(number, 1 / rate if rate > 0 else 0.0, time_s)
                    return ACCEPTED
            interval_us = 1e6 if number == _HEARTBEAT else -1
        self._set(number, min(max(interval_us / 1e6, 0.0025), _LONGEST_S) if interval_us > 0 else 0.0, time_s)
        return ACCEPTED

    def interval_us(self, number: int) -> int | None:
        """For MESSAGE_INTERVAL: -1 when it is off, None when the message is unknown."""
        if number not in self._builders and number not in _SILENT:
            return None
        interval_s = self._interval_s.get(number)
        return -1 if interval_s is None else round(interval_s * 1e6)

    def request(self, number: int) -> int:
        """REQUEST_MESSAGE: once, now."""
        if number not in self._builders:
            return FAILED
        messages = self._builders[number]()
        for message in messages:
            self._outbox.send(message)
        return ACCEPTED if messages else FAILED

    def request_stream(self, stream: int, rate_hz: int, *, start: bool, time_s: float) -> None:
        """REQUEST_DATA_STREAM: also writes the rate into the parameters, for good."""
        for name, (number, _) in STREAMS.items():
            if stream in (_ALL, number):
                self._parameters.set(name, rate_hz if start else 0)
                self._from_parameter(name, time_s)

    def _unknown(self, number: int) -> int:
        self._outbox.text(INFO, f"No ap_message for mavlink id ({number})")
        return DENIED
