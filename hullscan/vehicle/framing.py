"""A stream of bytes into frames: whatever is not an intact frame is skipped and counted, never fatal.

ArduSub prints plain text into its link at boot, serial lines lose bytes, and anybody can send to a UDP port.
After a bad frame the search goes on at the next byte, so that garbage costs no intact frame behind it.
"""

from __future__ import annotations

from hullscan.vehicle.codec import MAX_FRAME, BadFrameError, Codec, frame_length
from hullscan.vehicle.messages import Frame

__all__ = ["StreamParser"]

_MARKERS = (0xFD, 0xFE)


class StreamParser:
    """Splits the bytes of one peer into frames.

    Attributes:
        skipped_bytes: bytes that belonged to no intact frame.
        bad_runs: how many times the stream went bad.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._buffer = bytearray()
        self._in_bad_run = False
        self.skipped_bytes = 0
        self.bad_runs = 0

    def feed(self, data: bytes) -> list[Frame]:
        """Take received bytes; the frames that they complete, in order."""
        self._buffer += data
        frames: list[Frame] = []
        at = 0
        while at < len(self._buffer):
            if self._buffer[at] not in _MARKERS:
                at += self._skip(self._next_marker(at) - at)
                continue
            try:
                length = frame_length(self._buffer, at)
                if length is None or at + length > len(self._buffer):
                    break  # the rest is still to come
                frames.append(self._decode(at, length))
                at += length
                self._in_bad_run = False
            except BadFrameError:
                at += self._skip(1)
        del self._buffer[:at]
        return frames

    def _decode(self, at: int, length: int) -> Frame:
        frame = self._codec.decode(bytes(self._buffer[at : at + length]))
        behind = at + length
        if frame.name.startswith("UNKNOWN") and behind < len(self._buffer) and self._buffer[behind] not in _MARKERS:
            raise BadFrameError("an unknown message cannot be checked, and no frame follows it")
        return frame

    def _next_marker(self, at: int) -> int:
        found = [place for marker in _MARKERS if (place := self._buffer.find(marker, at)) >= 0]
        return min(found, default=len(self._buffer))

    def _skip(self, count: int) -> int:
        if not self._in_bad_run:
            self._in_bad_run = True
            self.bad_runs += 1
        self.skipped_bytes += count
        return count

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame that is still incomplete; at most one frame's worth."""
        return min(len(self._buffer), MAX_FRAME)
