"""What the operator can ask of the pilot, and the desk where it is put down.

The console (or a signal handler) puts an order from its own thread; the pilot takes it at its next tick. An abort is
never queued behind other orders and never forgotten: from the moment it is put, ``take`` gives nothing else.
"""

from __future__ import annotations

import threading
from collections import deque
from enum import Enum

__all__ = ["OperatorOrder", "OrderDesk"]

_KEPT = 16
"""Orders that wait. The pilot takes one a tick, so more than these are keys held down: the oldest go."""


class OperatorOrder(Enum):
    """One key of the operator."""

    HOLD = "hold"
    RESUME = "resume"
    SKIP = "skip"
    SLOWER = "slower"
    FASTER = "faster"
    BACK = "back"
    ABORT = "abort"


class OrderDesk:
    """Orders from any thread to the pilot's; first in, first out, but an abort is taken before all others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[OperatorOrder] = deque(maxlen=_KEPT)
        self._abort = threading.Event()

    def put(self, order: OperatorOrder) -> None:
        """Put an order down; never waits long, from any thread. ABORT may be put from a signal handler."""
        if order is OperatorOrder.ABORT:
            self._abort.set()  # no lock: a handler may interrupt the thread that holds it
            return
        with self._lock:
            self._waiting.append(order)

    def take(self) -> OperatorOrder | None:
        """The next order, None if there is none. After an abort it is ABORT for ever, and what waited is dropped."""
        if self._abort.is_set():
            return OperatorOrder.ABORT
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    @property
    def aborted(self) -> bool:
        """Whether somebody asked for the end."""
        return self._abort.is_set()
