"""Material for the video tests: numbered pictures, real H.264 of them, and a sender of RTP written from RFC 6184.

The sender shares no code with the receiver under test.
"""

from __future__ import annotations

import functools
import random
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT = 320, 180
_BLOCK = 20  # pixels of one bit of the number


def picture(number: int) -> np.ndarray:
    """A moving texture with its number burnt into the upper left corner, 16 bits in one row."""
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    left, top = (number * 3) % 160, (number * 2) % 160
    grey = _texture()[top : top + HEIGHT, left : left + WIDTH]
    image[..., 0], image[..., 1], image[..., 2] = grey // 2 + 60, grey // 2 + 40, grey // 3
    for bit in range(16):
        image[:_BLOCK, bit * _BLOCK : (bit + 1) * _BLOCK] = 255 if number >> bit & 1 else 0
    return image


def number_in(image: np.ndarray) -> int:
    """Read the number back."""
    inner = image[5 : _BLOCK - 5, :, 1]
    return sum(1 << bit for bit in range(16) if inner[:, bit * _BLOCK + 5 : (bit + 1) * _BLOCK - 5].mean() > 127)


@functools.cache
def _texture() -> np.ndarray:
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 255, (90, 130)).astype(np.float64)
    fine = generator.integers(-40, 40, (360, 520))
    return np.clip(np.kron(coarse, np.ones((4, 4))) + fine, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Coded:
    """One coded picture: its NAL units without start codes, and its time."""

    number: int
    ticks: int
    nals: tuple[bytes, ...]

    @property
    def key(self) -> bool:
        return any(nal[0] & 31 == 5 for nal in self.nals)

    @property
    def annexb(self) -> bytes:
        return b"".join(b"\0\0\0\1" + nal for nal in self.nals)


@functools.cache
def coded(
    count: int, *, gop: int = 15, fps: int = 30, width: int = WIDTH, height: int = HEIGHT, kbps: int = 1500
) -> tuple[Coded, ...]:
    """Pictures 0 to count-1, SPS and PPS with each IDR picture, no B pictures, as a live camera sends them."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, 90_000), Fraction(fps)
    codec.bit_rate = kbps * 1000
    codec.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "g": str(gop),
        "keyint_min": str(gop),
        "x264-params": "repeat-headers=1:scenecut=0:aud=0:info=0",
    }
    packets = []
    for number in range(count):
        image = picture(number)[:height, :width]
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
        frame.pts, frame.time_base = number * 90_000 // fps, Fraction(1, 90_000)
        packets += codec.encode(frame)
    packets += codec.encode(None)
    return tuple(Coded(number, packet.pts, tuple(split_annexb(bytes(packet)))) for number, packet in enumerate(packets))


def split_annexb(data: bytes) -> Iterator[bytes]:
    """NAL units of a byte stream (H.264, annex B)."""
    for piece in data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1"):
        if piece:
            yield piece


@functools.cache
def decoded(units: tuple[Coded, ...]) -> dict[int, np.ndarray]:
    """What a decoder makes of undamaged units, by picture number."""
    codec = av.CodecContext.create("h264", "r")
    images = {}
    for unit in [*units, None]:
        packet = None
        if unit is not None:
            packet = av.Packet(unit.annexb)
            packet.pts = unit.number
        for frame in codec.decode(packet):
            images[frame.pts] = frame.to_ndarray(format="bgr24")
    return images


class RtpSender:
    """Makes datagrams: small NAL units together in a STAP-A, large ones in FU-A, the others alone."""

    def __init__(
        self, *, ssrc: int = 0x1234, sequence: int = 65_500, offset: int = 0, mtu: int = 500, aggregate: bool = True
    ) -> None:
        self.ssrc, self.sequence, self.offset = ssrc, sequence, offset
        self._mtu, self._aggregate = mtu, aggregate

    def datagrams(self, unit: Coded, *, marker: bool = True) -> list[bytes]:
        payloads = list(self._payloads(unit.nals))
        return [
            self.datagram(payload, unit.ticks, marker=marker and position == len(payloads) - 1)
            for position, payload in enumerate(payloads)
        ]

    def datagram(self, payload: bytes, ticks: int, *, marker: bool, kind: int = 96) -> bytes:
        stamp = (ticks + self.offset) & 0xFFFFFFFF
        header = struct.pack("!BBHII", 0x80, kind | marker << 7, self.sequence, stamp, self.ssrc)
        self.sequence = (self.sequence + 1) & 0xFFFF
        return header + payload

    def _payloads(self, nals: Sequence[bytes]) -> Iterator[bytes]:
        small = [nal for nal in nals if nal[0] & 31 in (7, 8)] if self._aggregate else []
        if len(small) > 1:
            yield b"\x78" + b"".join(len(nal).to_bytes(2, "big") + nal for nal in small)
        else:
            small = []
        for nal in nals:
            if nal in small:
                continue
            if len(nal) <= self._mtu:
                yield nal
                continue
            chunks = [nal[at : at + self._mtu] for at in range(1, len(nal), self._mtu)]
            for position, chunk in enumerate(chunks):
                first, last = position == 0, position == len(chunks) - 1
                yield bytes([nal[0] & 0xE0 | 28, first << 7 | last << 6 | nal[0] & 31]) + chunk


def lossy(datagrams: Iterable[bytes], *, loss: float, seed: int = 3) -> Iterator[bytes]:
    """Leave out a share of the datagrams."""
    dice = random.Random(seed)
    return (datagram for datagram in datagrams if dice.random() >= loss)


def send(port: int, datagrams: Iterable[bytes], *, pause_each: int = 20) -> int:
    """Send datagrams to a port of this computer, slowly enough for its buffers; how many."""
    count = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for count, datagram in enumerate(datagrams, start=1):
            sender.sendto(datagram, ("127.0.0.1", port))
            if count % pause_each == 0:
                time.sleep(0.002)
    return count


def write_file(
    path: Path,
    times_s: Sequence[float],
    *,
    gop: int = 15,
    b_pictures: int = 0,
    muxer: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
) -> None:
    """A video file with the pictures 0, 1, ... at these times."""
    with av.open(str(path), "w", options=muxer or {}) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        stream.options = {"preset": "ultrafast", "g": str(gop), "bf": str(b_pictures), "crf": "18"}
        for number, time_s in enumerate(times_s):
            frame = av.VideoFrame.from_ndarray(picture(number), format="bgr24")
            frame.pts, frame.time_base = round(time_s * 90_000), Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def wait_until(condition, timeout_s: float = 5.0) -> None:
    """Wait for another thread."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.005)
