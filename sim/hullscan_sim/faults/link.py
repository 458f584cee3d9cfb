"""A MAVLink link that loses packets, and on which other stations are heard."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hullscan_sim.faults.kinds import LinkBurstLoss
from hullscan_sim.mavlink_server import Link, parse
from hullscan_sim.messages import Message

__all__ = ["BurstLoss", "FaultyLink"]


class BurstLoss:
    """Good and bad spells by turns; begins with a bad one."""

    def __init__(self, fault: LinkBurstLoss, generator: np.random.Generator) -> None:
        self._fault, self._generator = fault, generator
        self._bad, self._until_s = False, fault.at_s

    def advance(self, time_s: float) -> None:
        """Come to a moment."""
        while time_s >= self._until_s:
            self._bad = not self._bad
            mean_s = self._fault.bad_s if self._bad else self._fault.good_s
            self._until_s += float(self._generator.exponential(mean_s))

    def loses(self) -> bool:
        """Whether one packet is lost now."""
        return self._bad and (self._fault.loss >= 1 or self._generator.random() < self._fault.loss)


class FaultyLink:
    """Wraps a link; without faults it passes everything.

    Attributes:
        deaf, mute: nothing passes to the vehicle, or from it.
        bursts: losses that act now.
        heard: packets of other stations, on their way. They reach the vehicle, and, through the router that real
            vehicles have, whoever is on the link.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self.deaf = self.mute = False
        self.bursts: list[BurstLoss] = []
        self.heard: list[bytes] = []

    def receive(self) -> list[Message]:
        """What gets through to the vehicle."""
        messages = self._link.receive()
        if self.heard:
            heard, self.heard = self.heard, []
            self.send(heard)
            messages = messages + [message for packet in heard for message in parse(packet)]
        if self.deaf:
            return []
        if self.bursts:
            return [message for message in messages if not self._lost()]
        return messages

    def send(self, packets: Iterable[bytes]) -> None:
        """What gets through from the vehicle."""
        if self.mute:
            return
        if self.bursts:
            packets = [packet for packet in packets if not self._lost()]
        self._link.send(packets)

    def close(self) -> None:
        """Close what it wraps."""
        self._link.close()

    def _lost(self) -> bool:
        return any(burst.loses() for burst in self.bursts)
