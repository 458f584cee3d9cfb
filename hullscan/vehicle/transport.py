"""Bytes to and from the vehicle: UDP, TCP and serial lines behind one small seam.

Times here are real time: a network does not run faster because a simulator does.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from typing import Any, Protocol

from hullscan.clock import real_seconds
from hullscan.errors import LinkError
from hullscan.vehicle.address import Address, Scheme
from hullscan.vehicle.serial_port import SerialPort

__all__ = ["Peer", "Transport", "open_transport"]

Peer = tuple[Any, ...]
"""Whom bytes came from, and where an answer goes: a UDP address, or the one other end of a stream."""

_DATAGRAM = 65_535
_CHUNK = 8_192
_CONNECT_S = 3.0  # a vehicle's computer on a tether answers in milliseconds
_SEND_S = 1.0  # a stream that takes no byte for so long is dead
_BACKOFF_S = (0.5, 1.0, 2.0, 5.0)
_UDP_BUFFER = 1_000_000  # bytes: a minute of telemetry, should the reader be held up


class Transport(Protocol):
    """Moves bytes; reading and writing may happen in two threads."""

    @property
    def peers(self) -> tuple[Peer, ...]:
        """Whom to speak to before anybody was heard: nobody when we are the ones who listen."""
        ...

    @property
    def reconnects(self) -> int:
        """How often a lost stream came back."""
        ...

    def read(self, timeout_s: float) -> list[tuple[Peer, bytes]]:
        """What has arrived; waits at most ``timeout_s`` of real time and never raises."""
        ...

    def write(self, data: bytes, peer: Peer) -> bool:
        """Send; False when it could not be sent."""
        ...

    def close(self) -> None:
        """Give the line back."""
        ...


def _resolve(address: Address, kind: socket.SocketKind) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    host = address.place.strip("[]")
    try:
        found = socket.getaddrinfo(host, address.number, type=kind)
    except OSError as error:
        raise LinkError(f"the host {host!r} is unknown: {error.strerror}", where=str(address)) from None
    family, _, _, _, place = found[0]
    return family, place


def _listen(address: Address, kind: socket.SocketKind) -> socket.socket:
    family, place = _resolve(address, kind)
    listener = socket.socket(family, kind)
    try:
        if kind is socket.SOCK_STREAM:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
    except OSError as error:
        listener.close()
        raise LinkError(
            f"cannot listen on port {address.number}: {error.strerror}",
            where=str(address),
            todo="close the other program that uses it, or choose another port",
        ) from None
    return listener


class UdpTransport:
    """Datagrams; ``udpin`` waits for peers, ``udpout`` knows its one."""

    reconnects = 0

    def __init__(self, address: Address) -> None:
        if address.scheme is Scheme.UDP_IN:
            self._socket = _listen(address, socket.SOCK_DGRAM)
            self.peers: tuple[Peer, ...] = ()
        else:
            family, place = _resolve(address, socket.SOCK_DGRAM)
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
            self.peers = (place,)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UDP_BUFFER)
        self._socket.setblocking(False)

    @property
    def port(self) -> int:
        """The local port, for whoever asked for any free one."""
        return int(self._socket.getsockname()[1])

    def read(self, timeout_s: float) -> list[tuple[Peer, bytes]]:
        """Every datagram that waits."""
        arrived: list[tuple[Peer, bytes]] = []
        try:
            if not select.select([self._socket], [], [], timeout_s)[0]:
                return arrived
            while len(arrived) < 256:
                data, place = self._socket.recvfrom(_DATAGRAM)
                arrived.append((place, data))
        except (OSError, ValueError):  # nothing more, a peer that refused our last datagram, or closed by us
            pass
        return arrived

    def write(self, data: bytes, peer: Peer) -> bool:
        """Send one datagram."""
        try:
            self._socket.sendto(data, peer)
        except (OSError, ValueError):
            return False
        return True

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


class _Stream(Protocol):
    def fileno(self) -> int: ...
    def recv(self, size: int, /) -> bytes: ...
    def sendall(self, data: bytes, /) -> None: ...
    def close(self) -> None: ...


class StreamTransport:
    """One other end that may go away and come back: TCP either way, or a serial line."""

    peers: tuple[Peer, ...] = (("stream",),)

    def __init__(self, connect: Callable[[], _Stream | None], first: _Stream | None) -> None:
        self._connect = connect
        self._stream = first
        self._had_stream = first is not None
        self._retry_at_s, self._failures = 0.0, 0
        self._closed = threading.Event()
        self.reconnects = 0

    def _revive(self) -> _Stream | None:
        if self._stream is None and not self._closed.is_set() and real_seconds() >= self._retry_at_s:
            try:
                self._stream = self._connect()
            except (OSError, LinkError):
                self._retry_at_s = real_seconds() + _BACKOFF_S[min(self._failures, len(_BACKOFF_S) - 1)]
                self._failures += 1
            if self._stream is not None:
                self.reconnects += self._had_stream
                self._had_stream, self._failures = True, 0
        return self._stream

    def _lose(self, stream: _Stream) -> None:
        if self._stream is stream:
            self._stream = None
            self._retry_at_s = real_seconds() + _BACKOFF_S[0]
        stream.close()

    def read(self, timeout_s: float) -> list[tuple[Peer, bytes]]:
        """What the other end sent; connects again when it was lost."""
        stream = self._revive()
        if stream is None:
            self._closed.wait(timeout_s)
            return []
        try:
            if not select.select([stream], [], [], timeout_s)[0]:
                return []
            data = stream.recv(_CHUNK)
        except BlockingIOError:
            return []
        except (OSError, ValueError):
            data = b""
        if not data:
            self._lose(stream)
            return []
        return [(self.peers[0], data)]

    def write(self, data: bytes, peer: Peer) -> bool:
        """Send all of it or lose the stream: half a frame would spoil the next one."""
        stream = self._stream
        if stream is None:
            return False
        try:
            stream.sendall(data)
        except (OSError, ValueError):
            self._lose(stream)
            return False
        return True

    def close(self) -> None:
        """Hang up."""
        self._closed.set()
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()


class ListeningTransport(StreamTransport):
    """A stream whose other end calls us."""

    def __init__(self, address: Address) -> None:
        self._listener = _listen(address, socket.SOCK_STREAM)
        self._listener.listen(1)
        self._listener.settimeout(0.1)
        super().__init__(self._accept, None)

    @property
    def port(self) -> int:
        """The local port, for whoever asked for any free one."""
        return int(self._listener.getsockname()[1])

    def _accept(self) -> _Stream | None:
        try:
            stream, _ = self._listener.accept()
        except TimeoutError:
            return None
        stream.settimeout(_SEND_S)
        return stream

    def close(self) -> None:
        """Hang up and give the port back."""
        super().close()
        self._listener.close()


def _connect_tcp(address: Address) -> _Stream:
    host = address.place.strip("[]")
    try:
        stream = socket.create_connection((host, address.number), timeout=_CONNECT_S)
    except OSError as error:
        reason = error.strerror or "no answer"
        raise LinkError(f"cannot connect: {reason}", where=str(address), todo="check that it runs there") from None
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.settimeout(_SEND_S)
    return stream


def open_transport(address: Address) -> Transport:
    """Open what an address names.

    Raises:
        LinkError: it cannot be opened; says why.
    """
    match address.scheme:
        case Scheme.UDP_IN | Scheme.UDP_OUT:
            return UdpTransport(address)
        case Scheme.TCP_IN:
            return ListeningTransport(address)
        case Scheme.TCP:
            return StreamTransport(lambda: _connect_tcp(address), _connect_tcp(address))
        case Scheme.SERIAL:
            return StreamTransport(lambda: SerialPort(address), SerialPort(address))
