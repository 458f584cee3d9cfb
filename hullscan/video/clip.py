"""A short clip out of a recording: as it was recorded, or of pictures that are encoded anew."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from hullscan.clock import utc_text
from hullscan.errors import RecordError, VideoError
from hullscan.video.container import open_container
from hullscan.video.frames import Image
from hullscan.video.index import load_index

__all__ = ["cut_clip", "encode_clip"]

_TICKS_PER_S = 1000


def cut_clip(source: Path, target: Path, *, begin_s: float, end_s: float) -> Path:
    """Cut a time span out of a video file into an MP4 that plays in a browser while it loads.

    The clip begins with the key picture before ``begin_s``, because a picture cannot be played without it. If our
    index lies beside the source, the clip carries the mission time of its beginning as its date.

    Args:
        source: MKV, MP4, MOV or AVI with pictures that an MP4 can hold.
        target: the MP4; replaced when it is there, whole or not at all.
        begin_s: presentation time in the source.
        end_s: the same; with reordered pictures a few more follow.

    Returns:
        ``target``.

    Raises:
        VideoError: the source cannot be read, or has no picture in that span.
        RecordError: the clip cannot be written.
    """
    fresh = target.with_name(target.name + ".part")
    try:
        _copy(source, fresh, begin_s, end_s)
        fresh.replace(target)
    except OSError as error:
        raise RecordError(
            f"the clip cannot be written: {error.strerror or error}", where=str(target), todo="free space on the disk"
        ) from error
    except (av.FFmpegError, ValueError) as error:
        raise VideoError(
            f"no clip can be cut from this video: {error}", where=str(source), todo="use the recorded file itself"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
    return target


def encode_clip(pictures: Iterable[tuple[float, Image]], target: Path) -> Path:
    """Encode pictures as an H.264 MP4 that plays in a browser while it loads.

    Nothing in the file says when or from what it was made: two clips differ in their pictures alone.

    Args:
        pictures: (seconds, (height, width, 3) BGR) in order, all of one size; at least one.
        target: the MP4; replaced when it is there, whole or not at all.

    Raises:
        VideoError: there is no picture, or this PyAV has no H.264 encoder.
        RecordError: the clip cannot be written.
    """
    fresh = target.with_name(target.name + ".part")
    try:
        _encode(pictures, fresh)
        fresh.replace(target)
    except OSError as error:
        raise RecordError(
            f"the clip cannot be written: {error.strerror or error}", where=str(target), todo="free space on the disk"
        ) from error
    except (av.FFmpegError, ValueError) as error:
        raise VideoError(f"no clip can be encoded: {error}", todo="install PyAV with x264, as on PyPI") from error
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
    return target


def _encode(pictures: Iterable[tuple[float, Image]], target: Path) -> None:
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(f"file:{target}", "w", format="mp4", options=options) as clip:
        track: Any = None
        begin_s = 0.0
        for at_s, image in pictures:
            height, width = (size // 2 * 2 for size in image.shape[:2])  # H.264 halves the colour
            if track is None:
                begin_s = at_s
                track = clip.add_stream("libx264", options={"crf": "20", "preset": "ultrafast", "threads": "1"})
                track.width, track.height, track.pix_fmt = width, height, "yuv420p"
                track.time_base = track.codec_context.time_base = Fraction(1, _TICKS_PER_S)
            raw = av.VideoFrame.from_ndarray(image[:height, :width], format="bgr24")
            raw.pts, raw.time_base = round((at_s - begin_s) * _TICKS_PER_S), Fraction(1, _TICKS_PER_S)
            clip.mux(track.encode(raw))
        if track is None:
            raise VideoError("a clip needs a picture", where=str(target))
        clip.mux(track.encode(None))


def _copy(source: Path, target: Path, begin_s: float, end_s: float) -> None:
    container, stream = open_container(source)
    with container:
        packets = _span(container, stream, begin_s, end_s)
        if not packets:
            raise VideoError(
                f"the video has no picture between {begin_s:.3f} and {end_s:.3f} s",
                where=str(source),
                todo="choose a time before its end",
            )
        _fill_dts(packets)
        base = packets[0].pts
        index = load_index(source)
        with av.open(f"file:{target}", "w", format="mp4", options={"movflags": "+faststart"}) as clip:
            if index is not None:
                clip.metadata["creation_time"] = utc_text(index.utc_s(round(base * stream.time_base * 1000)))
            track = clip.add_stream_from_template(stream)
            for packet in packets:
                packet.pts, packet.dts = packet.pts - base, packet.dts - base
                packet.stream = track
                clip.mux(packet)


def _span(container: Any, stream: Any, begin_s: float, end_s: float) -> list[Any]:
    """The packets from the key picture at or before ``begin_s`` to ``end_s``; empty if the file ends before."""
    exact_s = 0.0005
    # Where pictures are reordered the first try may land on a key picture that is shown after the time sought.
    for back_s in (0.0, 2.0, 20.0, None):
        at_s = 0.0 if back_s is None else max(begin_s - back_s, 0.0)
        container.seek(int(at_s / stream.time_base), stream=stream, backward=True)
        packets: list[Any] = []
        reached = False
        for packet in container.demux(stream):
            if packet.pts is None:
                continue  # the end, or a picture without a time
            shown_s = float(packet.pts * stream.time_base)
            if packet.is_keyframe and shown_s <= begin_s + exact_s:
                packets.clear()
            if (packet.pts if packet.dts is None else packet.dts) * stream.time_base > end_s + exact_s:
                break
            reached |= shown_s >= begin_s - exact_s
            if packets or packet.is_keyframe:
                packets.append(packet)
        if packets and (packets[0].pts * stream.time_base <= begin_s + exact_s or back_s is None):
            return packets if reached else []
    return []


def _fill_dts(packets: list[Any]) -> None:
    """Matroska keeps no decoding times and FFmpeg cannot guess the first ones; an MP4 needs all of them."""
    following = None
    for packet in reversed(packets):
        if packet.dts is None:
            packet.dts = packet.pts if following is None else following - 1
        following = packet.dts
