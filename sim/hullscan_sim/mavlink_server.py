"""The MAVLink side of the vehicle: one UDP socket, several peers, three heartbeats.

What the autopilot sends goes to every peer, as through the router on a real vehicle; so does the traffic of the
other components there, a camera and a companion computer, whose heartbeats come first. A client that takes the
first heartbeat for the vehicle's is caught out.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterable
from typing import Protocol

from hullscan.errors import InputError, LinkError
from hullscan_sim.messages import Message, mavlink

__all__ = ["Bystanders", "Link", "MavlinkServer", "MemoryLink", "Packer", "parse"]

_MOST_PEERS = 16
_DATAGRAM = 4096
_READS = 64
_CAMERA, _ONBOARD, _INVALID_AUTOPILOT = 30, 18, 8


class Link(Protocol):
    """Bytes to and from whoever talks to the vehicle."""

    def receive(self) -> list[Message]:
        """Messages that have arrived, decoded; never waits."""
        ...

    def send(self, packets: Iterable[bytes]) -> None:
        """Send to everybody; never waits."""
        ...

    def close(self) -> None:
        """Give the address back."""
        ...


class Packer:
    """Packs messages of one component with its own sequence numbers.

    Attributes:
        mav: of pymavlink; signs when it is told to.
    """

    def __init__(self, component: int) -> None:
        self.mav = mavlink.MAVLink(None, srcSystem=1, srcComponent=component)

    def __call__(self, message: Message) -> bytes:
        """The bytes of one message."""
        packed: bytes = message.pack(self.mav)
        self.mav.seq = (self.mav.seq + 1) % 256
        return packed


def parse(datagram: bytes) -> list[Message]:
    """The messages of one datagram; what is not MAVLink is skipped and spoils nothing beyond its datagram."""
    decoder = mavlink.MAVLink(None)
    decoder.robust_parsing = True
    try:
        found = decoder.parse_buffer(datagram) or []
    except (mavlink.MAVError, struct.error, ValueError, IndexError, TypeError):
        return []
    return [message for message in found if message.get_type() != "BAD_DATA"]


class MavlinkServer:
    """UDP: ``udpout:host:port`` sends there at once, ``udpin:host:port`` waits to be called. Both learn peers.

    Raises:
        InputError: the address cannot be read.
        LinkError: the address cannot be used.
    """

    def __init__(self, url: str) -> None:
        kind, host, port = _split(url)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._peers: list[tuple[str, int]] = []
        try:
            address = (socket.gethostbyname(host), port)
            self._socket.bind(address if kind == "udpin" else ("", 0))
        except OSError as error:
            self._socket.close()
            raise LinkError(f"cannot use {url}: {error.strerror}", todo="choose another port") from error
        if kind == "udpout":
            self._peers.append(address)

    @property
    def address(self) -> tuple[str, int]:
        """Where the socket is bound."""
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    def receive(self) -> list[Message]:
        """Messages that have arrived, at most a burst at a time."""
        return [message for datagram in self.receive_datagrams() for message in parse(datagram)]

    def receive_datagrams(self) -> list[bytes]:
        """The same, as they came: for whoever passes them on."""
        datagrams: list[bytes] = []
        for _ in range(_READS):
            try:
                data, peer = self._socket.recvfrom(_DATAGRAM)
            except BlockingIOError:
                break
            except OSError:
                continue  # a peer that went away; the others stay
            if peer not in self._peers:
                if len(self._peers) >= _MOST_PEERS:
                    continue
                self._peers.append(peer)
            datagrams.append(data)
        return datagrams

    def send(self, packets: Iterable[bytes]) -> None:
        """Send each packet to each peer; what does not fit is lost, as on a radio."""
        for packet in packets:
            for peer in self._peers:
                with contextlib.suppress(OSError):
                    self._socket.sendto(packet, peer)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class MemoryLink:
    """A link inside one process: tests put packets in and take packets out, without a socket.

    Attributes:
        sent: every packet since it was last taken.
    """

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self._received: list[bytes] = []

    def put(self, packet: bytes) -> None:
        """What a ground station sends."""
        self._received.append(packet)

    def take(self) -> list[bytes]:
        """What the vehicle has sent since the last call."""
        sent, self.sent = self.sent, []
        return sent

    def receive(self) -> list[Message]:
        """Decode what was put in."""
        if not self._received:
            return []
        received, self._received = self._received, []
        return [message for packet in received for message in parse(packet)]

    def send(self, packets: Iterable[bytes]) -> None:
        """Keep the packets."""
        self.sent.extend(packets)

    def close(self) -> None:
        """Nothing to give back."""


class Bystanders:
    """The other components on the vehicle's network: a camera (1, 100) and the companion computer (1, 194)."""

    def __init__(self) -> None:
        self._packers = {100: (Packer(100), _CAMERA), 194: (Packer(194), _ONBOARD)}
        self._next_s = 0.0

    def packets(self, time_s: float) -> list[bytes]:
        """Their heartbeats when due, once a second."""
        if time_s < self._next_s:
            return []
        self._next_s += 1.0
        return [
            packer(mavlink.MAVLink_heartbeat_message(kind, _INVALID_AUTOPILOT, 0, 0, 4, 3))
            for packer, kind in self._packers.values()
        ]


def _split(url: str) -> tuple[str, str, int]:
    kind, _, rest = url.replace("://", ":", 1).partition(":")
    host, _, port = rest.rpartition(":")
    if kind not in ("udpout", "udpin") or not host or not port.isdecimal() or not 0 <= int(port) < 65536:
        raise InputError(f"{url!r} is not an address", where="--mavlink", todo="write udpout:127.0.0.1:14550")
    return kind, host, int(port)
