"""A row of the behaviour sheet as data: what the vehicle is doing, what is sent, what must be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hullscan_sim.conformance.sees import See
from hullscan_sim.conformance.sends import FAULTS_OF_SITL, Fault, Send, Sets

__all__ = ["Row", "Start", "Vehicle"]

Start = Literal[
    "power-up", "watched power-up", "disarmed", "guided", "alt_hold", "poshold", "manual", "stabilize", "surftrak"
]
"""What the vehicle is doing when the row begins.

``power-up`` is just booted; ``watched power-up`` is one undisturbed boot of 50 s that such rows share; ``disarmed``
is in MANUAL with a position; the others are armed, 3 m deep, heading north and at rest."""

Vehicle = Literal["gps", "dvl", "hardware", "serial1"]
"""Which vehicle: with GPS, with a DVL only, with the pilot-input failsafe in, on a port that insists on signatures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row.

    Attributes:
        id: a sentence.
        section: of the behaviour sheet, or ``source`` where only ArduSub's source tells.
        params: set before the row begins and set back after it.
        spoils: the vehicle is not as before afterwards and has to be started anew.
        boots: a real vehicle takes the parameters only after a reboot.
        slow: takes long even in simulated time.
    """

    id: str
    section: str
    send: tuple[Send, ...] = ()
    see: tuple[See, ...]
    start: Start = "disarmed"
    vehicle: Vehicle = "gps"
    params: tuple[tuple[str, float], ...] = ()
    spoils: bool = False
    boots: bool = False
    slow: bool = False

    @property
    def touched(self) -> tuple[str, ...]:
        """Parameters that this row changes."""
        sent = [send.name for send in self.send if isinstance(send, Sets)]
        faults = [FAULTS_OF_SITL[send.kind][0] for send in self.send if isinstance(send, Fault) and send.of_sitl]
        return (*(name for name, _ in self.params), *sent, *faults)

    @property
    def fails(self) -> bool:
        """Whether a fault is injected."""
        return any(isinstance(send, Fault) for send in self.send)
