"""A picture with its time, and what every source of pictures can do.

Sources differ in one thing that a caller must know: a live stream gives the newest picture and counts the ones
that nobody took, a file gives all of them in order. Both say which pictures are not to be trusted (``suspect``):
at 1 % packet loss two thirds of the pictures are damaged and the decoder itself flags a quarter of them, so the
mark comes from the transport, from the first lost packet to the next intact IDR picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

__all__ = ["Frame", "FrameSource", "Image", "VideoStats"]

Image = npt.NDArray[np.uint8]
"""(height, width, 3), blue-green-red, as OpenCV has it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One decoded picture.

    Attributes:
        image_bgr: (height, width, 3) uint8.
        utc_s: when the camera took it, on the mission clock.
        stream_s: position in its stream or file, by presentation time; never derived from a frame count.
        index: number of the picture in its stream or file from 0; -1 when it was sought by time in a file
            that has no index beside it.
        suspect: decoded from data with a hole in it, or in what it refers to. Never counts as coverage.
    """

    image_bgr: Image
    utc_s: float
    stream_s: float
    index: int
    suspect: bool

    def __post_init__(self) -> None:
        if self.image_bgr.ndim != 3 or self.image_bgr.shape[2] != 3 or self.image_bgr.dtype != np.uint8:
            raise ValueError(f"a picture is (h, w, 3) uint8, not {self.image_bgr.shape} {self.image_bgr.dtype}")


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoStats:
    """What has come through a source so far; nothing that was lost or left out goes uncounted.

    Attributes:
        packets: network or container packets taken.
        lost_packets: missing by their sequence numbers (live only).
        reordered: came out of order and were put back (live only).
        late: came twice, or after their place had been given up (live only).
        malformed: cannot be read as RTP with H.264 (live only).
        ignored: of another sender or another kind, such as RTCP (live only).
        restarts: the sender began anew, with another identity, numbering or time base (live only).
        access_units: coded pictures put together.
        recorded: coded pictures written to disk.
        unrecorded: coded pictures that no file holds: before the first key picture, or after the disk failed.
        decoded: pictures decoded.
        suspect: decoded pictures that are suspect.
        replaced: decoded pictures that a newer one replaced before anybody took them (live only).
        skipped: coded pictures left undecoded, up to a key picture, because the decoder was too slow (live only).
        decode_errors: coded pictures that the decoder refused.
        last_frame_utc_s: capture time of the newest decoded picture; None before the first.
    """

    packets: int = 0
    lost_packets: int = 0
    reordered: int = 0
    late: int = 0
    malformed: int = 0
    ignored: int = 0
    restarts: int = 0
    access_units: int = 0
    recorded: int = 0
    unrecorded: int = 0
    decoded: int = 0
    suspect: int = 0
    replaced: int = 0
    skipped: int = 0
    decode_errors: int = 0
    last_frame_utc_s: float | None = None


class FrameSource(Protocol):
    """Gives pictures until it has ended. Used by one reader; ``stats`` may be asked from anywhere."""

    def read(self, timeout_s: float) -> Frame | None:
        """The next picture, waiting for it at most ``timeout_s`` seconds of real time.

        None when none came in that time, or at the end: ask ``ended``.

        Raises:
            VideoError: the stream or the file is broken; a later call goes on with what is left, if anything.
            RecordError: the recording that hangs on this source failed; told once, the pictures go on.
        """
        ...

    @property
    def ended(self) -> bool:
        """No picture will come any more."""
        ...

    def stats(self) -> VideoStats:
        """Counts so far."""
        ...

    def close(self) -> None:
        """Let go of the socket or file. May be called twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
