"""The video's way to the laptop: packets that are lost or come late, and parameter sets that come seldom."""

from __future__ import annotations

import re
import socket

import numpy as np

from hullscan.errors import VideoError
from hullscan_sim.sensor_options import VideoLink

__all__ = ["ParameterSets", "RtpRelay"]

_DATAGRAM = 65536
_NAL = re.compile(rb"\x00\x00(?:\x00)?\x01")
_SPS, _PPS = 7, 8


class ParameterSets:
    """Takes SPS and PPS out of encoded pictures, but for once in a while, as a sender with config-interval does.

    Args:
        every_s: time between them, the first after that time; 0 leaves all of them.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s, self._next_s = every_s, every_s

    def thin(self, access_unit: bytes, time_s: float) -> bytes:
        """The H.264 access unit (Annex B) as it is sent."""
        if self._every_s <= 0:
            return access_unit
        starts = [match.span() for match in _NAL.finditer(access_unit)]
        types = [access_unit[end] & 0x1F for _, end in starts]
        if _SPS not in types:
            return access_unit
        if time_s >= self._next_s:
            self._next_s = time_s + self._every_s
            return access_unit
        ends = [start for start, _ in starts[1:]] + [len(access_unit)]
        parts = zip(starts, ends, types, strict=True)
        return b"".join(access_unit[start:end] for (start, _), end, kind in parts if kind not in (_SPS, _PPS))


class RtpRelay:
    """Stands between the sender and the laptop, in the sender's process, and spoils what passes.

    Attributes:
        port: where the sender sends to.
        sent, lost, reordered: packets so far.
    """

    def __init__(self, host: str, port: int, options: VideoLink, generator: np.random.Generator) -> None:
        self._to, self._options, self._generator = (host, port), options, generator
        self._held: bytes | None = None
        self.sent = self.lost = self.reordered = 0
        self._in = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._in.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._in.bind(("127.0.0.1", 0))
        except OSError as error:
            raise VideoError(f"cannot open the video's relay: {error.strerror}") from error
        self._in.setblocking(False)
        self.port = int(self._in.getsockname()[1])

    def forward(self) -> None:
        """Pass on what the sender has sent since the last call."""
        while True:
            try:
                packet = self._in.recv(_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:
                continue
            lose, late = self._generator.random(2).tolist()
            if lose < self._options.loss_share:
                self.lost += 1
                continue
            held, self._held = self._held, None
            if held is None and late < self._options.reorder_share:
                self._held = packet
                self.reordered += 1
                continue
            self._send(packet)
            if held is not None:
                self._send(held)

    def _send(self, packet: bytes) -> None:
        self.sent += 1
        try:
            self._out.sendto(packet, self._to)
        except OSError:
            self.lost += 1  # nobody listens yet

    def close(self) -> None:
        """Give the sockets back."""
        self._in.close()
        self._out.close()
