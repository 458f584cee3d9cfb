"""Opening somebody's video file: whatever it holds, it ends in a stream of pictures or in one line.

The file is not trusted. Only container formats that hold the pictures themselves are read, from this file alone:
a playlist under the name ``x.mp4`` must not make FFmpeg open other files or the network.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av

from hullscan.errors import VideoError
from hullscan.video.decoder import DECODER_LIMITS
from hullscan.video.index import FrameIndex, IndexEntry

__all__ = [
    "Picture",
    "Walk",
    "coded_pictures",
    "creation_utc",
    "last_picture_s",
    "open_container",
    "picture_size",
]

_FORMATS = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,mpegts,mpeg,asf,flv,ogg,mxf"
_FIRST_PLAUSIBLE_YEAR = 2000  # cameras without a set clock say 1904 or 1970


def open_container(path: Path) -> tuple[Any, Any]:
    """Open a file that has a video stream: PyAV's container and its (best) video stream.

    Raises:
        VideoError: it is missing, empty, no video, or cut off before its table of contents.
    """
    try:
        # The prefix keeps a colon in the name from being read as a protocol.
        container: Any = av.open(
            f"file:{path}",
            options={"protocol_whitelist": "file", "format_whitelist": _FORMATS},
            metadata_errors="replace",
        )
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise VideoError("there is no such video file", where=str(path), todo="check the path") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoError(
            "this is no video that can be read, or its end is missing",
            where=str(path),
            todo="give an MKV, MP4, MOV or AVI file; copy it again if it was cut off",
        ) from error
    stream = container.streams.best("video")
    if stream is None or stream.codec_context is None:
        container.close()
        raise VideoError("the file holds no video", where=str(path), todo="give the camera's file")
    return container, stream


def creation_utc(path: Path) -> float | None:
    """When the recording began, UTC seconds, as the file itself says; None when it does not.

    It is the camera's own clock, to the second in most cameras: good for a proposal, not for a geotag.

    Raises:
        VideoError: the file cannot be read.
    """
    container, stream = open_container(path)
    with container:
        # Apple writes local time with its offset; the common key comes from the container or the track.
        texts = [
            container.metadata.get("com.apple.quicktime.creationdate"),
            container.metadata.get("creation_time"),
            stream.metadata.get("creation_time"),
        ]
    for text in texts:
        try:
            moment = datetime.fromisoformat(text or "")
        except ValueError:
            continue
        if moment.year >= _FIRST_PLAUSIBLE_YEAR:
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture of a file, not yet BGR.

    Attributes:
        raw: PyAV's frame.
        stream_s: its presentation time.
        suspect: it, or what it refers to, may be damaged, by the index or by what the decoder met.
        entry: what the index beside the file says of it.
    """

    raw: Any
    stream_s: float
    suspect: bool
    entry: IndexEntry | None


class Walk:
    """Decodes a file onward from where it is put; faults are counted and gone over.

    Args:
        path: the file.
        index: of our own recordings.

    Raises:
        VideoError: see ``open_container``.
    """

    def __init__(self, path: Path, index: FrameIndex | None) -> None:
        self.packets = self.decoded = self.errors = 0
        self.last_s: float | None = None  # presentation time of the last picture
        self.end_s = 0.0  # where the last packet ends
        self._path, self._index = path, index
        self._open()

    def _open(self) -> None:
        self._container, self._stream = open_container(self._path)
        self._context: Any = self._stream.codec_context
        # With the usual slice threads FFmpeg's decoder carried damage past an intact IDR picture (6 % of its pixels),
        # unflagged. One thread is as fast as any beside a detector.
        self._context.thread_count = 1
        self._context.options = dict(DECODER_LIMITS)
        self._tainted = False

    @property
    def declared_s(self) -> float | None:
        """Where the file says that it ends; None when it says nothing, like a recording that was cut off."""
        stream, container = self._stream, self._container
        if stream.duration is not None:
            return float((stream.start_time or 0) * stream.time_base + stream.duration * stream.time_base)
        if container.duration is not None and len(container.streams) == 1:
            return float(container.duration / av.time_base)  # Matroska counts it from 0, wherever the first picture is
        return None

    def put_at(self, stream_s: float) -> None:
        """Go to the key picture before a time."""
        try:
            self._container.seek(int(stream_s / self._stream.time_base), stream=self._stream, backward=True)
        except av.FFmpegError:
            self.rewind()  # no table to seek by: the long way
        else:
            self._renew()

    def rewind(self) -> None:
        """Go to the beginning."""
        self.close()
        self._open()

    def __iter__(self) -> Iterator[Picture]:
        for packet in self._demux():
            if packet.is_keyframe and self._tainted and not self._is_suspect(packet):
                yield from self._decode(None)
                self._renew()
            self._tainted |= self._is_suspect(packet)
            yield from self._decode(packet)
        yield from self._decode(None)

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def _demux(self) -> Iterator[Any]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.FFmpegError, OSError):
                self.errors += 1
                return
            if packet.size:  # the last one is empty
                self.packets += 1
                if packet.pts is not None:
                    end = (packet.pts + (packet.duration or 0)) * self._stream.time_base
                    self.end_s = max(self.end_s, float(end))
                yield packet

    def _decode(self, packet: Any) -> Iterator[Picture]:
        try:
            raws = self._context.decode(packet)
        except av.FFmpegError:
            self.errors += 1
            self._tainted = True
            return
        for raw in raws:
            if raw.pts is None:
                self.errors += 1  # without a time a picture has no place on the hull
                continue
            self._tainted |= bool(raw.is_corrupt)
            self.decoded += 1
            self.last_s = stream_s = float(raw.pts * self._stream.time_base)
            entry = self._index.at(round(stream_s * 1000)) if self._index is not None else None
            yield Picture(raw, stream_s, self._tainted or (entry is not None and entry.suspect), entry)

    def _is_suspect(self, packet: Any) -> bool:
        if self._index is None or packet.pts is None:
            return False
        entry = self._index.at(round(float(packet.pts * self._stream.time_base) * 1000))
        return entry is None or entry.suspect  # what the index does not name, nobody knows the losses of

    def _renew(self) -> None:
        """Go on with a decoder without a past: see ``decoder.py``."""
        self._tainted = False
        if self._stream.codec_context.name == "h264":
            context = av.CodecContext.create("h264", "r")
            context.extradata = self._stream.codec_context.extradata
            context.thread_count = 1
            context.options = dict(DECODER_LIMITS)
            self._context = context
        else:
            self._context.flush_buffers()


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height of a file's pictures, pixels.

    Raises:
        VideoError: the file cannot be read.
    """
    container, stream = open_container(path)
    with container:
        return int(stream.width), int(stream.height)


def coded_pictures(path: Path) -> Iterator[tuple[float, bytes]]:
    """Presentation time and Annex B bytes of each H.264 picture, headers with every key picture; nothing is decoded.

    Raises:
        VideoError: the file cannot be read, or holds another kind of video.
    """
    container, stream = open_container(path)
    with container:
        if stream.codec_context.name != "h264":
            raise VideoError(f"the video is {stream.codec_context.name}, not H.264", where=str(path))
        rewriter: Any = av.BitStreamFilterContext("h264_mp4toannexb", stream)
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
                rewritten = rewriter.filter(packet) if packet.size else []
            except (StopIteration, av.FFmpegError, OSError):
                return  # the end, or where it was cut off
            for each in rewritten:
                if each.pts is not None:
                    yield float(each.pts * stream.time_base), bytes(each)


def last_picture_s(path: Path) -> float | None:
    """Presentation time of the last whole coded picture of a file, without decoding; None when it holds none.

    Raises:
        VideoError: the file cannot be read.
    """
    container, stream = open_container(path)
    last_s = None
    with container, contextlib.suppress(av.FFmpegError, OSError):  # where it was cut off
        for packet in container.demux(stream):
            if packet.size and packet.pts is not None and not packet.is_corrupt:
                last_s = max(last_s or 0.0, float(packet.pts * stream.time_base))
    return last_s
