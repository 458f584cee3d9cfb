"""MAVLink 2 signing of the autopilot's link.

A key arrives in SETUP_SIGNING while disarmed and stays over reboots; a key and a time of zero switch signing off.
From then on everything that is sent bears a signature. What comes in is checked on every port but the first, which
goes on taking what is unsigned or wrongly signed; elsewhere that is dropped without a word. A sender that was not
heard before may be no more than a minute behind the latest time that is known, which the key's own begins.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from hullscan_sim.messages import WARNING, Message, Outbox

__all__ = ["Signing"]

_SIGNED = 0x01  # of the incompatibility flags
_TRAILER = 13  # link 1, time 6, signature 6
_MINUTE = 60 * 100_000  # units of 10 us
_RADIO = frozenset({"RADIO_STATUS", "RADIO"})


class Signing:
    """The key, and what was last seen of each stream.

    Args:
        strict: this is not the first port.
    """

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self.key: bytes | None = None
        self._time = 0
        self._seen: dict[tuple[int, int, int], int] = {}

    def setup(self, message: Message, outbox: Outbox, *, armed: bool) -> None:
        """SETUP_SIGNING."""
        if armed:
            outbox.text(WARNING, "ERROR: Won't setup signing when armed")
            return
        key, time = bytes(message.secret_key), message.initial_timestamp
        self.key = None if time == 0 and not any(key) else key
        self._time = time + _MINUTE
        self._seen = {}

    def apply(self, mav: Any) -> None:
        """Let a packer of pymavlink sign, or stop."""
        signing = mav.signing
        if self.key is None:
            signing.sign_outgoing, signing.secret_key = False, None
        elif signing.secret_key != self.key:
            signing.sign_outgoing, signing.secret_key = True, self.key
            signing.link_id, signing.timestamp = 0, self._time

    def accepts(self, message: Message) -> bool:
        """Whether a message that has come in may pass."""
        if self.key is None or not self._strict or message.get_type() in _RADIO:
            return True
        packet = bytes(message.get_msgbuf())
        if not message.get_header().incompat_flags & _SIGNED or len(packet) < _TRAILER:
            return False
        if sha256(self.key + packet[:-6]).digest()[:6] != packet[-6:]:
            return False
        stream = (message.get_srcSystem(), message.get_srcComponent(), packet[-_TRAILER])
        time = int.from_bytes(packet[-12:-6], "little")
        if time <= self._time - _MINUTE if stream not in self._seen else time <= self._seen[stream]:
            return False
        self._seen[stream] = time
        self._time = max(self._time, time)
        return True
