"""MAVLink as the autopilot sends it: the dialect, the numbers it uses by name, and an outbox that keeps order."""

from __future__ import annotations

from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

__all__ = [
    "ACCEPTED", "CRITICAL", "DENIED", "FAILED", "INFO", "NOTICE", "UNSUPPORTED", "WARNING", "Message", "Outbox",
    "mavlink",
]  # fmt: skip

Message = Any
"""A message of pymavlink's dialect; its classes are generated and carry no types."""

CRITICAL, WARNING, NOTICE, INFO = 2, 4, 5, 6
"""Severities of STATUSTEXT."""

ACCEPTED, DENIED, UNSUPPORTED, FAILED = 0, 2, 3, 4
"""MAV_RESULT."""


class Outbox:
    """Messages waiting to be sent, in order."""

    def __init__(self) -> None:
        self.waiting: list[Message] = []

    def send(self, message: Message) -> None:
        """Append a message."""
        self.waiting.append(message)

    def text(self, severity: int, text: str) -> None:
        """Append a STATUSTEXT."""
        self.waiting.append(mavlink.MAVLink_statustext_message(severity, text.encode("ascii")[:50]))

    def send_before(self, mark: int, message: Message) -> None:
        """Insert a message ahead of everything that was appended since ``mark`` (an earlier length)."""
        self.waiting.insert(mark, message)

    def drain(self) -> list[Message]:
        """Take everything."""
        taken, self.waiting = self.waiting, []
        return taken
