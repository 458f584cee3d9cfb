"""The leak sensor and its failsafe: said by STATUSTEXT alone, again every 20 s while wet (measured on ArduSub)."""

from __future__ import annotations

from hullscan_sim.flight import Flight
from hullscan_sim.messages import CRITICAL, Outbox
from hullscan_sim.modes import Mode
from hullscan_sim.parameters import Parameters

__all__ = ["Leak"]

_OFF, _SURFACE = 0, 2
_REMIND_S = 20.0


class Leak:
    """Watches the sensor.

    Attributes:
        wet: what the sensor says; set from outside.
        acting: whether the failsafe is on: HEARTBEAT.system_status is CRITICAL.
    """

    def __init__(self, parameters: Parameters, flight: Flight, outbox: Outbox) -> None:
        self._parameters, self._flight, self._outbox = parameters, flight, outbox
        self.wet = self.acting = False
        self._said_s = -1e9

    def update(self, time_s: float) -> None:
        """Say it, and surface if FS_LEAK_ENABLE asks for that."""
        action = self._parameters["FS_LEAK_ENABLE"]
        if not self.wet or action == _OFF:
            self.acting = False
            return
        if time_s - self._said_s >= _REMIND_S:
            self._said_s = time_s
            self._outbox.text(CRITICAL, "Leak Detected")
        if not self.acting and action == _SURFACE and self._flight.armed:
            self._flight.set_mode(Mode.SURFACE)
        self.acting = True
