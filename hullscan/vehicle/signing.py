"""MAVLink 2 signing: who holds the key may command the vehicle and speak for it, nobody else.

A signature is the link's number, a time in units of 10 us since 2015, and six bytes of SHA-256 over key, frame,
number and time. Times must grow, for each sender and link by themselves, so that a frame taken from the air and
sent again is worth nothing. With a key hullscan signs everything and takes nothing else, MAVLink 1 least of all.

The vehicle's own clock may lie far behind (an autopilot without GPS does not know the date) until it has heard
a signed frame of ours: then it follows. hullscan follows one that is ahead.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from hullscan.clock import real_seconds
from hullscan.errors import InputError

__all__ = ["KEY_BYTES", "Signing", "load_signing_key", "make_signing_key"]

KEY_BYTES = 32
TICKS_PER_S = 100_000
EPOCH_UTC_S = 1_420_070_400.0  # 2015-01-01
_TRAILER = 13  # link 1, time 6, signature 6
_MARKER_V2, _SIGNED = 0xFD, 0x01
_NEW_STREAM = 60 * TICKS_PER_S  # how far a sender that was not heard before may lie behind
_MAX_STREAMS = 64  # a vehicle's link has four or five senders; only holders of the key can make one


def load_signing_key(path: Path) -> bytes:
    """Read a key: 32 bytes as 64 hexadecimal digits, or in base64 as Mission Planner keeps it.

    Raises:
        InputError: the file cannot be read, or is no key. Its content is never shown.
    """
    try:
        with path.open("rb") as file:
            text = file.read(200).decode("ascii", errors="replace").strip()
    except OSError as error:
        raise InputError(f"cannot read the signing key: {error.strerror}", where=str(path)) from None
    key = b""
    if re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        key = bytes.fromhex(text)
    elif re.fullmatch(r"[A-Za-z0-9+/]{43}=", text):
        try:
            key = base64.b64decode(text, validate=True)
        except binascii.Error:
            key = b""
    if len(key) != KEY_BYTES:
        raise InputError(
            "the signing key is not 64 hexadecimal digits or 44 characters of base64",
            where=str(path),
            todo="hullscan signing makes one",
        )
    if not any(key):
        raise InputError("a key of zeros switches signing off", where=str(path), todo="hullscan signing makes one")
    return key


def make_signing_key(path: Path) -> None:
    """Write a new key from the system's random numbers; never over one that is there, readable by its owner only.

    Raises:
        InputError: the file exists or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
    except FileExistsError:
        raise InputError("this key exists already", where=str(path), todo="choose another name") from None
    except OSError as error:
        raise InputError(f"cannot write the signing key: {error.strerror}", where=str(path)) from None


class Signing:
    """The key of one link, its clock, and what was last heard of each sender.

    Args:
        key: 32 bytes.
        utc_s: now, UTC.
        monotonic: real time, that the clock goes on with.

    Attributes:
        refused: frames that were not taken, by reason: "unsigned", "wrong key", "replayed".
    """

    def __init__(self, key: bytes, utc_s: float, monotonic: Callable[[], float] = real_seconds) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"expected a key of {KEY_BYTES} bytes, got {len(key)}")
        self.key = key
        self.refused: Counter[str] = Counter()
        self._monotonic = monotonic
        self._start = int(max(utc_s - EPOCH_UTC_S, 0.0) * TICKS_PER_S)
        self._start_real_s = monotonic()
        self._latest = 0
        self._heard: dict[tuple[int, int, int], int] = {}

    def _now(self) -> int:
        return max(self._start + int((self._monotonic() - self._start_real_s) * TICKS_PER_S), self._latest)

    def next_time(self) -> int:
        """The time of the next frame of ours; grows by at least one."""
        self._latest = max(self._now(), self._latest + 1)
        return self._latest

    def refusal(self, raw: bytes) -> str:
        """Why an intact frame is not taken; empty when it is."""
        reason = self._judge(raw)
        if reason:
            self.refused[reason] += 1
        return reason

    def _judge(self, raw: bytes) -> str:
        if raw[0] != _MARKER_V2 or not raw[2] & _SIGNED or len(raw) < 12 + _TRAILER:
            return "unsigned"
        if sha256(self.key + raw[:-6]).digest()[:6] != raw[-6:]:
            return "wrong key"
        stream = raw[5], raw[6], raw[-_TRAILER]
        time = int.from_bytes(raw[-12:-6], "little")
        known = self._heard.get(stream)
        if known is None:
            if time + _NEW_STREAM < self._now() or len(self._heard) >= _MAX_STREAMS:
                return "replayed"
        elif time <= known:
            return "replayed"
        self._heard[stream] = time
        self._latest = max(self._latest, time)
        return ""
