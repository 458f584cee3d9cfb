"""The parameter protocol with its quirks: unknown names get no answer, answers by name carry index 65535."""

from __future__ import annotations

from collections import deque

from hullscan_sim.messages import Message, Outbox, mavlink
from hullscan_sim.parameters import Parameters

__all__ = ["ParamProtocol"]

_NO_INDEX = 65535
_PER_STEP = 10  # a list of 1,300 takes about a second on the real one


class ParamProtocol:
    """Answers PARAM_REQUEST_LIST, PARAM_REQUEST_READ and PARAM_SET."""

    def __init__(self, parameters: Parameters, outbox: Outbox) -> None:
        self._parameters, self._outbox = parameters, outbox
        self._listing: deque[str] = deque()
        self._next_runtime_s = 30.0

    def request_list(self) -> None:
        """Begin to send everything; a second request starts over."""
        self._listing = deque(self._parameters)

    def request_read(self, message: Message) -> None:
        """Send one, by index or by name; nothing when there is none."""
        if message.param_index >= 0:
            name = self._parameters.name_at(message.param_index)
            if name is not None:
                self._send(name, message.param_index)
        elif message.param_id in self._parameters:
            self._send(message.param_id, _NO_INDEX)

    def set(self, message: Message) -> str | None:
        """Store one and echo it; the name, or None when it is unknown (and nothing is sent)."""
        name, value = message.param_id, message.param_value
        if name not in self._parameters or not -3.4e38 < value < 3.4e38:
            return None
        self._parameters.set(name, value)
        self._send(name, _NO_INDEX)
        return str(name)

    def update(self, time_s: float) -> None:
        """Go on with a listing; now and then a value comes unasked."""
        for _ in range(min(_PER_STEP, len(self._listing))):
            name = self._listing.popleft()
            self._send(name, self._parameters.index_of(name))
        if time_s >= self._next_runtime_s:
            self._next_runtime_s += 30.0
            self._parameters.set("STAT_RUNTIME", self._parameters["STAT_RUNTIME"] + 30)
            self._send("STAT_RUNTIME", _NO_INDEX)

    def _send(self, name: str, index: int) -> None:
        get = self._parameters
        self._outbox.send(
            mavlink.MAVLink_param_value_message(name.encode("ascii"), get[name], get.type_of(name), len(get), index)
        )
