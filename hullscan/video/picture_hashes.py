"""The hash of each coded picture, taken as it is recorded: it holds before the file is closed, and for every picture.

It is over the picture as the file stores it, each NAL unit behind its length in four bytes (ISO/IEC 14496-15), so that
``ffmpeg -i 000.mkv -map 0:v -c copy -f framehash -hash sha256 -`` prints the same ones.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av

from hullscan.errors import VideoError
from hullscan.video.index import load_index

__all__ = ["PictureCheck", "check_pictures", "picture_sha256"]

_START_CODE: Final = re.compile(rb"\x00\x00\x01")  # never within a NAL unit, which escapes it (ITU-T H.264, 7.4.1)


@dataclass(frozen=True, slots=True)
class PictureCheck:
    """A file's pictures against its index.

    Attributes:
        good: that are as they were recorded.
        changed: numbers, from 0, of those that are not.
        missing: of how many the index holds the hash, and the file no picture.
    """

    good: int
    changed: tuple[int, ...]
    missing: int


def picture_sha256(annexb: bytes) -> str:
    """SHA-256, hexadecimal, of an access unit with start codes."""
    hashed = hashlib.sha256()
    _, *before, last = _START_CODE.split(annexb) if _START_CODE.search(annexb) else (b"", annexb)
    # the muxer takes one zero for the fourth byte of the next start code, and keeps what padding there is before it
    for nal in (*(each.removesuffix(b"\x00") for each in before), last):
        if nal:
            hashed.update(len(nal).to_bytes(4, "big") + nal)
    return hashed.hexdigest()


def check_pictures(video: Path) -> PictureCheck | None:
    """Every picture of a recording against the hash that was taken of it; None where none was taken.

    Raises:
        VideoError: the index is damaged, or the file is no video.
    """
    index = load_index(video)
    wanted = {entry.pts_ms: entry for entry in index.entries if entry.sha256} if index is not None else {}
    if not wanted:
        return None
    good, changed = 0, []
    try:
        with av.open(str(video)) as container:
            for packet in container.demux(video=0):
                entry = wanted.pop(round(float((packet.pts or 0) * packet.time_base) * 1000), None)
                if entry is None or not packet.size:
                    continue
                if hashlib.sha256(bytes(packet)).hexdigest() == entry.sha256:
                    good += 1
                else:
                    changed.append(entry.n)
    except (av.FFmpegError, IndexError) as error:
        raise VideoError(f"no video can be read from it: {error}", where=str(video)) from error
    return PictureCheck(good, tuple(changed), len(wanted))
