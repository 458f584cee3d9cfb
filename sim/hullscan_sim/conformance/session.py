"""A ground station (255, 190) in conversation with a vehicle, in the vehicle's own time.

All times are seconds since the autopilot's start, read from ``time_boot_ms``: a vehicle that runs faster than real
time is treated no differently. Heartbeats are sent once a second of that time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hullscan_sim.conformance.wire import Wire
from hullscan_sim.messages import Message, mavlink

__all__ = ["Heard", "Session"]

_AUTOPILOT = 1
_FINE_HZ = {30: 50.0, 32: 20.0, 193: 10.0, 36: 10.0}  # ATTITUDE gives the time; position, EKF and servos
_REBOOTED_S = 3.0
_GAP_S = 0.1  # after a silence, what comes before the next message with a time came at that time


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the autopilot and when it came, vehicle time."""

    time_s: float
    message: Message


class Session:
    """Sends, listens, and keeps what was heard.

    Attributes:
        now_s: vehicle time.
        heard: everything from the autopilot since the last ``forget``.
        last: the newest message of each type; NAMED_VALUE_FLOAT also by its name.
        heartbeat: whether heartbeats are sent.
        mav: packs what is sent; its ``signing`` may be switched on.
        later: what is to be done, and when, vehicle time.
    """

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.now_s = 0.0
        self.heard: list[Heard] = []
        self.last: dict[str, Any] = {}
        self.heartbeat = True
        self.mav = mavlink.MAVLink(None, srcSystem=255, srcComponent=190)
        self._decoder = mavlink.MAVLink(None)
        self._decoder.robust_parsing = True
        self.later: list[tuple[float, Callable[[], object]]] = []
        self._next_beat_s = 0.0
        self._untimed = 0
        self.parameters: dict[str, float] = {}

    # ---------------------------------------------------------------- wire

    def send(self, message: Message) -> None:
        """Send one message."""
        packet = message.pack(self.mav)
        self.mav.seq = (self.mav.seq + 1) % 256
        self.wire.send(packet)

    def pump(self) -> None:
        """Wait for packets and take them in; send a heartbeat when one is due."""
        if self.heartbeat and self.now_s >= self._next_beat_s:
            self._next_beat_s = self.now_s + 1.0
            self.send(mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3))
        due = [action for time_s, action in self.later if time_s <= self.now_s]
        self.later = [entry for entry in self.later if entry[0] > self.now_s]
        for action in due:
            action()
        for packet in self.wire.receive():
            for message in self._decode(packet):
                if message.get_srcSystem() == 1 and message.get_srcComponent() == _AUTOPILOT:
                    self._take(message)

    def _decode(self, packet: bytes) -> list[Message]:
        found: list[Message] = self._decoder.parse_buffer(packet) or []
        return [message for message in found if message.get_type() != "BAD_DATA"]

    def _take(self, message: Message) -> None:
        kind = message.get_type()
        boot_ms = getattr(message, "time_boot_ms", None)
        if boot_ms is not None and kind != "GLOBAL_POSITION_INT":  # that one bears the time of the last fix
            time_s = boot_ms / 1000
            if time_s > self.now_s:
                if time_s > self.now_s + _GAP_S:
                    self.heard[self._untimed :] = [Heard(time_s, e.message) for e in self.heard[self._untimed :]]
                self.now_s = time_s
            elif time_s < self.now_s - _REBOOTED_S:
                self.now_s = self._next_beat_s = time_s
        self.heard.append(Heard(self.now_s, message))
        if boot_ms is not None:
            self._untimed = len(self.heard)
        self.last[kind] = message
        if kind == "NAMED_VALUE_FLOAT":
            self.last[message.name] = message.value
        elif kind == "PARAM_VALUE":
            self.parameters[message.param_id] = message.param_value

    # ---------------------------------------------------------------- time

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        end_s = self.now_s + seconds
        while self.now_s < end_s - 1e-6:
            self.pump()

    def wait_for(self, done: Callable[[], bool], seconds: float) -> bool:
        """Until something is so, or time is up; whether it is."""
        end_s = self.now_s + seconds
        while not done():
            if self.now_s >= end_s:
                return False
            self.pump()
        return True

    def forget(self) -> None:
        """Begin a new record."""
        self.heard, self._untimed = [], 0

    # ---------------------------------------------------------------- conversation

    def fresh_heartbeat(self) -> None:
        """Wait for a heartbeat: what the last one said may be a second old."""
        self.last.pop("HEARTBEAT", None)
        self.wait_for(lambda: "HEARTBEAT" in self.last, 3.0)

    def command(self, number: int, *params: float, wait_s: float = 3.0) -> int | None:
        """COMMAND_LONG; the result, or None without an answer."""
        mark = len(self.heard)
        p = [*params, *[0.0] * (7 - len(params))]
        self.send(mavlink.MAVLink_command_long_message(1, 1, number, 0, *p))
        found: list[int] = []

        def answered() -> bool:
            found.extend(
                entry.message.result
                for entry in self.heard[mark:]
                if entry.message.get_type() == "COMMAND_ACK" and entry.message.command == number
            )
            return bool(found)

        self.wait_for(answered, wait_s)
        return found[0] if found else None

    def set_parameter(self, name: str, value: float) -> bool:
        """PARAM_SET; whether it was echoed."""
        self.parameters.pop(name, None)
        self.send(mavlink.MAVLink_param_set_message(1, 1, name.encode("ascii"), value, 9))
        return self.wait_for(lambda: name in self.parameters, 1.0)

    def read_parameter(self, name: str) -> float | None:
        """PARAM_REQUEST_READ by name; None when the vehicle does not answer."""
        self.parameters.pop(name, None)
        for _ in range(2):
            self.send(mavlink.MAVLink_param_request_read_message(1, 1, name.encode("ascii"), -1))
            if self.wait_for(lambda: name in self.parameters, 1.0):
                return self.parameters[name]
        return None

    def ask_fine_telemetry(self) -> None:
        """Ask for the messages that rows are judged by, at rates fine enough."""
        for number, rate_hz in _FINE_HZ.items():
            self.command(511, number, 1e6 / rate_hz)

    # ---------------------------------------------------------------- state

    @property
    def mode(self) -> int:
        """``custom_mode`` of the last HEARTBEAT."""
        message = self.last.get("HEARTBEAT")
        return -1 if message is None else int(message.custom_mode)

    @property
    def armed(self) -> bool:
        """Whether the last HEARTBEAT said so."""
        message = self.last.get("HEARTBEAT")
        return message is not None and bool(message.base_mode & 128)

    @property
    def flags(self) -> int:
        """EKF_STATUS_REPORT.flags."""
        message = self.last.get("EKF_STATUS_REPORT")
        return 0 if message is None else int(message.flags)

    @property
    def place(self) -> tuple[float, float, float]:
        """North, east, down from the EKF's origin."""
        message = self.last.get("LOCAL_POSITION_NED")
        return (0.0, 0.0, 0.0) if message is None else (message.x, message.y, message.z)
