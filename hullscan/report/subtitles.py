"""Subtitles beside the video files: SRT says where findings are, ASS also frames them and tells time and place.

A player shows ``000.ass`` or ``000.srt`` by itself when it lies beside ``000.mkv`` under the same name. They are for
people to look at: places for reckoning stand in ``findings.json`` and ``track.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from hullscan.clock import utc_text
from hullscan.errors import RecordError
from hullscan.geometry.frames import Array
from hullscan.record.database import MissionDatabase
from hullscan.record.results import read_result
from hullscan.report.source import Source, written
from hullscan.ship.surface import side_name
from hullscan.video.container import picture_size
from hullscan.words import fill, mark

__all__ = ["write_ass", "write_srt"]

_SHOWN_S: Final = 2.0  # a subtitle stays this long around the moment of a picture
_BOX_S: Final = 0.5  # a box stays at most so long: the next look is rarely later
_HEAD: Final = """[Script Info]
; hullscan
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Place,Noto Sans CJK KR,{small},&H00FFFFFF,&H00FFFFFF,&H90000000,&H90000000,0,0,0,0,100,100,0,0,1,2,0,1,8,8,6,1
Style: Finding,Noto Sans CJK KR,{large},&H001FD2FF,&H001FD2FF,&H90000000,&H90000000,1,0,0,0,100,100,0,0,1,2,0,8,8,8,6,1
Style: Box,Noto Sans CJK KR,{small},&HFF000000,&HFF000000,&H001FD2FF,&HFF000000,0,0,0,0,100,100,0,0,1,2,0,7,0,0,0,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


@dataclass(frozen=True, slots=True)
class _Video:
    """One file of the recording; ``frames`` is (n, 2): mission time, milliseconds in the file."""

    path: Path
    frames: Array

    def holds(self, utc_s: float) -> bool:
        return bool(self.frames[0, 0] <= utc_s <= self.frames[-1, 0])

    def milliseconds(self, utc_s: float) -> float:
        return float(np.interp(utc_s, self.frames[:, 0], self.frames[:, 1]))


def write_srt(source: Source, out: Path) -> list[Path]:
    """SubRip for each video file: which finding is in the picture, and where it is on the hull.

    Raises:
        RecordError: there is no video.
    """
    return [
        written(
            out / f"{video.path.stem}.srt",
            "".join(
                f"{number}\n{_srt_time(begin_ms)} --> {_srt_time(end_ms)}\n{said}\n\n"
                for number, (begin_ms, end_ms, said) in enumerate(_cues(source, video), start=1)
            ),
        )
        for video in _videos(source)
    ]


def write_ass(source: Source, out: Path) -> list[Path]:
    """Advanced SubStation Alpha for each video file: the same, the detector's boxes, and time and place each second.

    Raises:
        RecordError: there is no video, or a file of it or the track cannot be read.
    """
    track = [point[:4] for point in read_result(source.folder.path / "track.json")["points"]]
    database = MissionDatabase(source.folder.database, read_only=True)
    try:
        labels = {str(finding["label"]) for finding in source.all}
        sightings = [each for each in database.sightings() if each.label in labels and each.track]
    finally:
        database.close()
    files = []
    for video in _videos(source):
        width, height = picture_size(video.path)
        lines = [_HEAD.format(width=width, height=height, small=round(height / 22), large=round(height / 18))]
        for point in track:
            if video.holds(point[0]):
                lines.append(_ass_line(video, point[0], point[0] + 1, "Place", _place(source, point)))
        for begin_ms, end_ms, said in _cues(source, video):
            lines.append(_dialogue(begin_ms, end_ms, "Finding", _plain(said)))
        looks = sorted({each.utc_s for each in sightings})
        until = dict(zip(looks, [*looks[1:], float("inf")], strict=True))
        for each in sightings:
            if video.holds(each.utc_s):
                end_s = min(until[each.utc_s], each.utc_s + _BOX_S)
                lines.append(_ass_line(video, each.utc_s, end_s, "Box", _drawn(each.box_xyxy_px)))
        files.append(written(out / f"{video.path.stem}.ass", "".join(lines)))
    return files


def _videos(source: Source) -> Iterator[_Video]:
    found = False
    for index in sorted(source.folder.video.glob("*.jsonl")):
        frames = _index_times(index)
        if len(frames):
            found = True
            yield _Video(index.with_suffix(".mkv"), frames)
    if not found:
        raise RecordError("there is no video to write subtitles for", where=str(source.folder.path))


def _index_times(index: Path) -> Array:
    """(utc_s, milliseconds in the file) of each frame, (n, 2); a last line that was cut off is left out."""
    rows = []
    for line in index.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            frame = json.loads(line)
            rows.append((float(frame["utc_s"]), float(frame["pts_ms"])))
        except (ValueError, LookupError, TypeError):
            continue
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def _cues(source: Source, video: _Video) -> list[tuple[float, float, str]]:
    """(begin, end, words) in milliseconds of a file for every time at which a finding is pictured."""
    cues = []
    for finding in source.all:
        moments = [float(frame["utc_s"]) for frame in finding["frames"]]
        for first_s, last_s in _spans([moment for moment in moments if video.holds(moment)]):
            begin_ms, end_ms = (video.milliseconds(at) for at in (first_s - _SHOWN_S / 2, last_s + _SHOWN_S / 2))
            cues.append((begin_ms, end_ms, f"{source.title(finding)}\n{source.place(finding)}"))
    return sorted(cues)


def _spans(moments: list[float]) -> list[tuple[float, float]]:
    """Moments closer than a subtitle's length are one span."""
    spans: list[tuple[float, float]] = []
    for moment in sorted(moments):
        if spans and moment - spans[-1][1] <= _SHOWN_S:
            spans[-1] = (spans[-1][0], moment)
        else:
            spans.append((moment, moment))
    return spans


def _srt_time(milliseconds: float) -> str:
    seconds, ms = divmod(max(round(milliseconds), 0), 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{ms:03d}"


def _place(source: Source, point: Any) -> str:
    message = mark("{utc} UTC · {side} · station {station:.1f} m · depth {depth:.1f} m")
    data = {
        "utc": utc_text(point[0])[:19].replace("T", " "),
        "side": source.words(side_name(point[2])),
        "station": float(point[1]),
        "depth": float(point[3]),
    }
    return _plain(fill(source.words(message), data))


def _plain(words: str) -> str:
    """Words that a player shows as they are: braces would be orders to it, and so would a backslash."""
    return words.replace("\\", "\u2216").replace("{", "(").replace("}", ")").replace("\n", "\\N")


def _drawn(box_xyxy_px: tuple[float, float, float, float]) -> str:
    x0, y0, x1, y1 = (round(value) for value in box_xyxy_px)
    return f"{{\\pos(0,0)\\p1}}m {x0} {y0} l {x1} {y0} {x1} {y1} {x0} {y1}{{\\p0}}"


def _ass_line(video: _Video, begin_s: float, end_s: float, style: str, text: str) -> str:
    return _dialogue(video.milliseconds(begin_s), video.milliseconds(end_s), style, text)


def _dialogue(begin_ms: float, end_ms: float, style: str, text: str) -> str:
    return f"Dialogue: 0,{_ass_time(begin_ms)},{_ass_time(end_ms)},{style},,0,0,0,,{text}\n"


def _ass_time(milliseconds: float) -> str:
    seconds, hundredths = divmod(max(round(milliseconds / 10), 0), 100)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{hundredths:02d}"
