"""H.264 out of RTP payloads (RFC 6184): from NAL units and their fragments to access units in Annex B.

An access unit is one coded picture. The builder is told how many packets were lost before each payload, and
marks a unit ``damaged`` when it has, or may have, a hole, and ``suspect`` from the first loss to the next intact
IDR picture. It is careful in one direction only: whatever may be incomplete counts as incomplete.

A fragmented slice with a hole is kept up to the hole: evidence is what arrived, and the decoder conceals the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["AccessUnit", "ParameterSets", "UnitBuilder"]

_START = b"\0\0\0\1"
_SLICE, _IDR, _SPS, _PPS, _DELIMITER = 1, 5, 7, 8, 9  # nal_unit_type, H.264 table 7-1
_CODED = range(_SLICE, _IDR + 1)
_STAP_A, _FU_A = 24, 28  # RFC 6184 table 1
_MAX_UNIT_BYTES = 16 << 20  # far above a 4K IDR picture; ends a unit that a broken sender never ends
_MAX_PPS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessUnit:
    """One coded picture as it came from the network.

    Attributes:
        data: Annex B. A key unit begins with SPS and PPS also when the sender left them out, if they are known:
            so each is a place to begin decoding or a file.
        headers: the SPS and PPS in force, Annex B; empty when unknown.
        rtp90k: the sender's 32-bit time stamp, 90 kHz.
        ticks90k: the same without wrapping, continued over restarts of the sender.
        arrival_utc_s: mission time when its first packet came.
        key: an IDR picture.
        lost: packets lost within it, or between the unit before and it.
        damaged: it has a hole, or its beginning or end may be missing.
        suspect: it, or what it refers to, may be damaged.
    """

    data: bytes
    headers: bytes
    rtp90k: int
    ticks90k: int
    arrival_utc_s: float
    key: bool
    lost: int
    damaged: bool
    suspect: bool

    @property
    def sps(self) -> bytes:
        """The sequence parameter set in force: size and profile of the pictures."""
        return self.headers[len(_START) :].split(_START, 1)[0]

    @property
    def stamp_s(self) -> float:
        """The sender's time in seconds, without wrapping."""
        return self.ticks90k / 90_000


class ParameterSets:
    """The SPS and PPS in force; nothing can be decoded without them.

    Some senders repeat them every 10 s only, so they may be given from an earlier session. Those are
    unconfirmed until the sender's own arrive: a camera whose settings were changed would decode to rubbish.

    Attributes:
        repeats: how often the sender has sent an SPS.
    """

    def __init__(self, remembered: bytes = b"") -> None:
        self._sps = b""
        self._pps: dict[int, bytes] = {}
        self._heard: set[int] = set()
        self.repeats = 0
        for nal in remembered.split(_START):
            if nal:
                self.learn(nal)
        self._heard.clear()
        self.repeats = 0

    def learn(self, nal: bytes) -> bool:
        """Take a NAL unit; True when it is a parameter set that differs from the known one."""
        kind = nal[0] & 31
        if kind == _SPS:
            self.repeats += 1
            self._heard.add(_SPS)
            if nal == self._sps:
                return False
            self._sps = nal
            self._pps.clear()  # they were written against the old one
            self._heard.discard(_PPS)
            return True
        if kind == _PPS:
            self._heard.add(_PPS)
            number = _exp_golomb(nal[1:])
            if self._pps.get(number) == nal:
                return False
            self._pps.pop(number, None)
            self._pps[number] = nal
            while len(self._pps) > _MAX_PPS:
                self._pps.pop(next(iter(self._pps)))
            return True
        return False

    @property
    def annexb(self) -> bytes:
        """SPS and PPS, Annex B; empty until both are known."""
        if not (self._sps and self._pps):
            return b""
        return b"".join(_START + nal for nal in (self._sps, *self._pps.values()))

    @property
    def confirmed(self) -> bool:
        """Whether the sender itself has sent both."""
        return {_SPS, _PPS} <= self._heard


@dataclass(slots=True)
class _Open:
    """The access unit in the making."""

    ticks90k: int
    rtp90k: int
    arrival_utc_s: float
    lost: int
    damaged: bool
    nals: list[bytes] = field(default_factory=list)
    size: int = 0
    fragment: bytearray | None = None
    changed: bool = False  # brought parameter sets that differ


class UnitBuilder:
    """Puts payloads, in the order of their sequence numbers, together to access units."""

    def __init__(self, sets: ParameterSets) -> None:
        self.sets = sets
        self.malformed = 0
        self._open: _Open | None = None
        self._joining = True
        self._suspect = True  # until the first intact IDR picture
        self._carried_lost = 0

    def add(
        self, payload: bytes, *, marker: bool, rtp90k: int, ticks90k: int, arrival_utc_s: float, lost: int
    ) -> list[AccessUnit]:
        """Take the payload of one packet, ``lost`` packets after the one before; give the units that it ends."""
        done: list[AccessUnit] = []
        if self._open is not None and self._open.ticks90k != ticks90k:
            # No marker bit came. Some senders never set it; then the change of time ends the unit.
            done += self._finish(complete=not lost)
        if self._open is None:
            begins = _begins_unit(payload, after_loss=lost > 0 or self._carried_lost > 0)
            damaged = (lost > 0 or self._joining) and not begins
            self._open = _Open(ticks90k, rtp90k, arrival_utc_s, lost, damaged)
            self._joining = False
        elif lost:
            self._open.lost += lost
            self._cut(self._open)
        self._unpack(self._open, payload)
        if marker:
            done += self._finish(complete=True)
        return done

    def flush(self) -> list[AccessUnit]:
        """The unit in the making, as it is; it may lack its end."""
        return self._finish(complete=False)

    def restart(self) -> None:
        """The next payload is of another stream."""
        self._open = None
        self._joining = self._suspect = True

    def _unpack(self, unit: _Open, payload: bytes) -> None:
        kind = payload[0] & 31
        if unit.fragment is not None and kind != _FU_A:
            self._fault(unit)  # a fragmented NAL unit without an end
        if kind == _FU_A:
            self._unpack_fragment(unit, payload)
        elif kind == _STAP_A:
            self._unpack_aggregate(unit, payload)
        else:
            self._take(unit, payload)

    def _unpack_aggregate(self, unit: _Open, payload: bytes) -> None:
        at = 1
        while at < len(payload):
            size = int.from_bytes(payload[at : at + 2], "big")
            nal = payload[at + 2 : at + 2 + size]
            if len(nal) < size or not size:
                self._fault(unit)
                return
            self._take(unit, nal)
            at += 2 + size

    def _unpack_fragment(self, unit: _Open, payload: bytes) -> None:
        if len(payload) < 3:
            self._fault(unit)
            return
        first, last = payload[1] & 0x80, payload[1] & 0x40
        if first and unit.fragment is not None:
            self._fault(unit)
        fragment = bytearray([payload[0] & 0xE0 | payload[1] & 31]) if first else unit.fragment
        if fragment is None:
            unit.damaged = True  # its beginning is lost: nothing can be made of it
            return
        unit.fragment = fragment
        if unit.size + len(fragment) + len(payload) > _MAX_UNIT_BYTES:
            self._fault(unit)
            return
        fragment += payload[2:]
        if last:
            unit.fragment = None
            self._take(unit, bytes(fragment))

    def _take(self, unit: _Open, nal: bytes) -> None:
        kind = nal[0] & 31
        too_much = unit.size + len(nal) > _MAX_UNIT_BYTES
        if nal[0] & 0x80 or kind == 0 or kind >= _STAP_A or len(nal) < 2 or too_much:
            self._fault(unit)  # also STAP-B, MTAP and FU-B, of the interleaved mode that no camera was seen to use
            return
        unit.changed |= self.sets.learn(nal)
        unit.nals.append(nal)
        unit.size += len(nal) + len(_START)

    def _fault(self, unit: _Open) -> None:
        self.malformed += 1
        self._cut(unit)

    def _cut(self, unit: _Open) -> None:
        """A hole: keep what there is of a fragmented slice."""
        unit.damaged = True
        if unit.fragment is not None and unit.fragment[0] & 31 in _CODED and len(unit.fragment) > 1:
            unit.nals.append(bytes(unit.fragment))
            unit.size += len(unit.fragment) + len(_START)
        unit.fragment = None

    def _finish(self, *, complete: bool) -> list[AccessUnit]:
        unit, self._open = self._open, None
        if unit is None:
            return []
        if not complete or unit.fragment is not None:
            self._cut(unit)
        kinds = [nal[0] & 31 for nal in unit.nals]
        key = _IDR in kinds
        headers = self.sets.annexb
        lost = unit.lost + self._carried_lost
        self._carried_lost = 0
        if lost or unit.damaged or unit.changed:
            self._suspect = True
        if key and not unit.damaged and headers:
            self._suspect = False
        if not any(kind in _CODED for kind in kinds):
            self._carried_lost = lost  # parameter sets alone, or nothing usable: no picture
            return []
        if key and _SPS not in kinds and headers:
            at = 1 if kinds[0] == _DELIMITER else 0
            unit.nals.insert(at, headers[len(_START) :])
        return [
            AccessUnit(
                data=b"".join(_START + nal for nal in unit.nals),
                headers=headers,
                rtp90k=unit.rtp90k,
                ticks90k=unit.ticks90k,
                arrival_utc_s=unit.arrival_utc_s,
                key=key,
                lost=lost,
                damaged=unit.damaged,
                suspect=self._suspect or not self.sets.confirmed,
            )
        ]


def _begins_unit(payload: bytes, *, after_loss: bool) -> bool:
    """Whether nothing of the access unit can have come before this payload.

    After a loss only an access unit delimiter or an SPS proves it, for they come first (H.264, 7.4.1.2.3). When
    joining a stream, a slice that begins at macroblock 0 is enough: only headers can have gone before it.
    """
    kind = payload[0] & 31
    body = payload[1:]
    if kind == _STAP_A:
        body = payload[4:]
        kind = payload[3] & 31 if len(payload) > 3 else 0
    elif kind == _FU_A:
        if len(payload) < 3 or not payload[1] & 0x80:
            return False
        kind, body = payload[1] & 31, payload[2:]
    if kind in (_SPS, _DELIMITER):
        return True
    return not after_loss and kind in (_SLICE, _IDR) and bool(body) and _exp_golomb(body) == 0


def _exp_golomb(bits: bytes) -> int:
    """The first ue(v) of a bit string (H.264, 9.1), of at most 17 bits; -1 when there is none."""
    word = int.from_bytes(bits[:4].ljust(4, b"\0"), "big")
    zeros = 32 - word.bit_length()
    if zeros > 8:
        return -1
    return (word >> (31 - 2 * zeros)) - 1
