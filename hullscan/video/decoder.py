"""Decodes a live stream in its own thread and keeps the newest picture.

All coded pictures are decoded, because each refers to those before it: leaving one out damages the rest like a lost
packet. What a slow reader costs is decoded pictures only (``replaced``). A decoder that falls seconds behind skips,
without damage, to the next intact key picture (``skipped``).
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import Any

import av
from av.video.reformatter import VideoReformatter

from hullscan.errors import VideoError
from hullscan.video.frames import Frame
from hullscan.video.h264 import AccessUnit

__all__ = ["DECODER_LIMITS", "LiveDecoder"]

DECODER_LIMITS = {"max_pixels": str(8192 * 8192)}
"""What a header may ask for at most: a forged one must not take all memory."""


_MAX_BACKLOG = 150  # coded pictures; 5 s at 30 Hz, after which a live picture is none
_MAX_PENDING = 64  # more than any decoder reorders (H.264: 16 pictures)


@dataclass(frozen=True, slots=True)
class _Coded:
    unit: AccessUnit
    utc_s: float
    number: int


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A picture as the decoder gives it; turned into BGR only when somebody takes it."""

    picture: Any
    coded: _Coded
    suspect: bool


class LiveDecoder:
    """``put`` is for the receiving thread, ``take`` for one reader.

    Attributes:
        decoded: pictures decoded.
        suspect: those of them that are suspect.
        replaced: those that a newer one replaced before anybody took them.
        skipped: coded pictures left out because the decoder was seconds behind.
        errors: coded pictures that the decoder refused.
        last_frame_utc_s: capture time of the newest decoded picture.
    """

    def __init__(self) -> None:
        self.decoded = self.suspect = self.replaced = self.skipped = self.errors = 0
        self.last_frame_utc_s: float | None = None
        self._context = _new_context()
        self._started = False
        self._skipping = False
        self._tainted = False  # it met damage since the last intact key picture
        self._pending: dict[int, _Coded] = {}
        self._newest: _Decoded | None = None
        self._last: _Decoded | None = None
        self._small = VideoReformatter()
        self._ready = threading.Condition()
        self._ended = False
        self._waiting: queue.SimpleQueue[_Coded | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._decode_all, name="video-decoder", daemon=True)
        self._thread.start()

    def put(self, unit: AccessUnit, utc_s: float, number: int) -> None:
        """Decode a unit that the camera took at ``utc_s``. Returns at once."""
        if not self._started:
            if not (unit.key and unit.headers):
                return  # nothing can be decoded yet: only errors would come of it
            self._started = True
        intact = unit.key and not unit.damaged
        if self._waiting.qsize() >= _MAX_BACKLOG and not self._skipping:
            self._skipping = True
        elif self._skipping and intact and self._waiting.qsize() < _MAX_BACKLOG // 2:
            self._skipping = False
        if self._skipping:
            self.skipped += 1
            return
        self._waiting.put(_Coded(unit, utc_s, number))

    def take(self, timeout_s: float) -> Frame | None:
        """The newest picture that was not taken yet, waiting for one at most ``timeout_s`` of real time.

        Raises:
            VideoError: the decoder is dead.
        """
        with self._ready:
            self._ready.wait_for(lambda: self._newest is not None or self._ended, max(timeout_s, 0.0))
            newest, self._newest = self._newest, None
        if newest is not None:
            return Frame(
                image_bgr=newest.picture.to_ndarray(format="bgr24"),
                utc_s=newest.coded.utc_s,
                stream_s=newest.coded.unit.stamp_s,
                index=newest.coded.number,
                suspect=newest.suspect,
            )
        if self._ended:
            raise VideoError("the video decoder has stopped", todo="open the stream again")
        return None

    def glimpse(self, after: int, width_px: int) -> Frame | None:
        """The newest picture if its number is not ``after``, at most so wide; takes nothing from ``take``.

        For one thread beside the reader's: it has a converter of its own.
        """
        last = self._last
        if last is None or last.coded.number == after:
            return None
        picture, coded = last.picture, last.coded
        width = min(width_px, picture.width)
        height = max(round(picture.height * width / picture.width), 1)
        small: Any = self._small.reformat(picture, width, height, "bgr24")
        return Frame(
            image_bgr=small.to_ndarray(),
            utc_s=coded.utc_s,
            stream_s=coded.unit.stamp_s,
            index=coded.number,
            suspect=last.suspect,
        )

    def close(self) -> None:
        """End the thread; what waits is not decoded any more."""
        self._ended = True
        self._waiting.put(None)
        self._thread.join()

    def _decode_all(self) -> None:
        try:
            while (coded := self._waiting.get()) is not None and not self._ended:
                self._decode(coded)
        finally:
            with self._ready:
                self._ended = True
                self._ready.notify_all()

    def _decode(self, coded: _Coded) -> None:
        unit = coded.unit
        if unit.key and not unit.damaged:
            if self._tainted:
                self._context = _new_context()
            self._tainted = False
        self._tainted |= unit.suspect
        packet = av.Packet(unit.data)
        packet.pts = unit.ticks90k
        self._pending[unit.ticks90k] = coded
        while len(self._pending) > _MAX_PENDING:
            self._pending.pop(next(iter(self._pending)))
        try:
            pictures = self._context.decode(packet)
        except av.FFmpegError:
            self.errors += 1
            self._tainted = True
            return
        for picture in pictures:
            # A picture without a known time stamp would have no place on the hull; the current one is nearest.
            origin = self._pending.pop(picture.pts, coded)
            self._tainted |= bool(picture.is_corrupt)
            self._show(_Decoded(picture, origin, self._tainted))

    def _show(self, decoded: _Decoded) -> None:
        with self._ready:
            self.decoded += 1
            self.suspect += decoded.suspect
            self.replaced += self._newest is not None
            self.last_frame_utc_s = decoded.coded.utc_s
            self._newest = self._last = decoded
            self._ready.notify_all()


def _new_context() -> Any:
    """A decoder without a past.

    One that met a cut-off slice spoils some blocks (0.3 % of the pixels) of the intact key picture after it, and of
    those that refer to it, unflagged; emptying its buffers does not help. So each recovery begins with a new one.
    """
    context = av.CodecContext.create("h264", "r")
    context.thread_count = 1  # each further thread would delay by a picture
    context.options = {"flags": "low_delay", **DECODER_LIMITS}
    return context
