"""Reads a ``.tlog``: ours, QGroundControl's, MAVProxy's; damage is skipped and counted, never fatal.

The stamps are the ground computer's time of reception, not the vehicle's; ``Telemetry`` maps the vehicle's boot
time onto them. A file that ends in the middle of a record (a power cut) is read up to there.
"""

from __future__ import annotations

import mmap
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hullscan.clock import SimulatedClock
from hullscan.errors import InputError
from hullscan.vehicle.codec import BadFrameError, Codec, frame_length
from hullscan.vehicle.messages import Frame, Heartbeat, Source
from hullscan.vehicle.sources import AUTOPILOT, choose_vehicle, is_submarine
from hullscan.vehicle.telemetry import Telemetry

__all__ = ["Recording", "TlogReader", "TlogSummary", "read_recording"]

_SILENCE_S = 10.0  # in a log: another session of the same mission, perhaps after minutes on deck
_STAMP = struct.Struct(">Q")
_DATAFLASH = b"\xa3\x95"  # HEAD_BYTE1 and 2 of ArduPilot's AP_Logger, with which each of its records begins
_MARKERS = (b"\xfd", b"\xfe")
_SANE_US = 4_102_444_800_000_000  # 2100
_SAME_LOG_US = 3 * 86_400 * 1_000_000  # behind damage, a stamp further away than this is not a stamp


@dataclass(slots=True)
class TlogSummary:
    """What a file holds.

    Attributes:
        counts: messages by source and by name.
        bad_runs: stretches of damage; ``skipped_bytes`` in them.
        first_utc_s, last_utc_s: stamps of the first and the last intact message.
    """

    counts: dict[Source, Counter[str]] = field(default_factory=dict)
    bad_runs: int = 0
    skipped_bytes: int = 0
    first_utc_s: float = float("nan")
    last_utc_s: float = float("nan")

    def add(self, utc_s: float, frame: Frame) -> None:
        """Count one message."""
        if not self.counts:
            self.first_utc_s = utc_s
        self.last_utc_s = utc_s
        self.counts.setdefault(frame.source, Counter())[frame.name] += 1

    @property
    def total(self) -> int:
        """Intact messages."""
        return sum(counter.total() for counter in self.counts.values())

    def of(self, name: str) -> int:
        """Messages of one name, from all sources."""
        return sum(counter[name] for counter in self.counts.values())


class TlogReader:
    """Iterates over (UTC seconds, frame) of one file, as often as wanted.

    Attributes:
        bad_runs, skipped_bytes: damage met in the last iteration, a cut-off end included.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.bad_runs = 0
        self.skipped_bytes = 0

    def __iter__(self) -> Iterator[tuple[float, Frame]]:
        self.bad_runs = self.skipped_bytes = 0
        try:
            with self._path.open("rb") as file:
                if self._path.stat().st_size == 0:
                    return
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    yield from self._records(data)
        except (OSError, ValueError) as error:
            raise InputError(f"the log cannot be read: {error}", where=str(self._path)) from None

    def _records(self, data: mmap.mmap) -> Iterator[tuple[float, Frame]]:
        if data[:2] == _DATAFLASH:
            raise InputError(
                "this is the autopilot's own log (dataflash), no .tlog",
                where=str(self._path),
                todo="give it to hullscan analyze with the video",
            )
        codec = Codec(Source(0, 0))
        at, last_us = 0, None
        while at < len(data):
            frame = self._frame(codec, data, at)
            if frame is None:
                at, lost_from = self._resume(codec, data, at, last_us), at
                self.bad_runs += 1
                self.skipped_bytes += at - lost_from
                continue
            last_us = _STAMP.unpack_from(data, at)[0]
            yield last_us / 1e6, frame
            at += _STAMP.size + len(frame.raw)

    @staticmethod
    def _frame(codec: Codec, data: mmap.mmap, at: int) -> Frame | None:
        """The intact frame of the record that begins at ``at``, if there is one."""
        start = at + _STAMP.size
        if start + 3 > len(data) or _STAMP.unpack_from(data, at)[0] > _SANE_US:
            return None
        header = data[start : start + 3]
        try:
            length = frame_length(header, 0)
            if length is None or start + length > len(data):
                return None
            frame = codec.decode(data[start : start + length])
        except BadFrameError:
            return None
        if frame.name.startswith("UNKNOWN") and not _record_may_begin(data, start + length):
            return None  # nothing checks an unknown message but what follows it
        return frame

    def _resume(self, codec: Codec, data: mmap.mmap, at: int, last_us: int | None) -> int:
        """Where the next intact record begins behind damage at ``at``; the end of the file if nowhere."""
        start = at + 1 + _STAMP.size
        places = [data.find(marker, start) for marker in _MARKERS]
        while any(place >= 0 for place in places):
            nearest = min(place for place in places if place >= 0)
            record = nearest - _STAMP.size
            stamp_us = _STAMP.unpack_from(data, record)[0]
            near = last_us is None or abs(stamp_us - last_us) <= _SAME_LOG_US
            if near and self._frame(codec, data, record) is not None:
                return record
            places = [
                data.find(marker, nearest + 1) if place == nearest else place
                for marker, place in zip(_MARKERS, places, strict=True)
            ]
        return len(data)

    def summary(self) -> TlogSummary:
        """Read the whole file and count."""
        found = TlogSummary()
        for utc_s, frame in self:
            found.add(utc_s, frame)
        found.bad_runs, found.skipped_bytes = self.bad_runs, self.skipped_bytes
        return found


def _record_may_begin(data: mmap.mmap, at: int) -> bool:
    marker = at + _STAMP.size
    return at == len(data) or (marker < len(data) and data[marker : marker + 1] in _MARKERS)


@dataclass(frozen=True, slots=True)
class Recording:
    """A log read as the telemetry of the vehicle that it is about."""

    vehicle: Source
    telemetry: Telemetry
    summary: TlogSummary


def _find_vehicle(reader: TlogReader, path: Path) -> Source:
    beats: dict[Source, Heartbeat] = {}
    for _, frame in reader:
        if isinstance(frame.message, Heartbeat):
            beats[frame.source] = frame.message
            if frame.source == AUTOPILOT and is_submarine(frame.message):
                break
    return choose_vehicle(beats, system=None, where=str(path))


def read_recording(path: Path, *, vehicle: Source | None = None, boot_utc_s: float | None = None) -> Recording:
    """Fill a ``Telemetry`` from a file.

    Args:
        path: the ``.tlog``.
        vehicle: whose messages count; found by its heartbeat unless given.
        boot_utc_s: mission time when the vehicle booted, where that is known better than from the arrivals.

    Raises:
        InputError: the file cannot be read.
        LinkError: no ArduSub vehicle in it; names who is.
    """
    reader = TlogReader(path)
    chosen = vehicle or _find_vehicle(reader, path)
    telemetry, summary = Telemetry(SimulatedClock(), chosen, boot_utc_s), TlogSummary()
    heard_s = float("inf")
    for utc_s, frame in reader:
        if utc_s - heard_s > _SILENCE_S:
            telemetry.time.begin_anew()
        heard_s = utc_s
        summary.add(utc_s, frame)
        if frame.message is not None:
            telemetry.observe(frame.source, frame.message, utc_s)
    summary.bad_runs, summary.skipped_bytes = reader.bad_runs, reader.skipped_bytes
    return Recording(chosen, telemetry, summary)
