"""Findings in pictures of which nobody knows where they were taken: a video, or a folder of photographs, alone.

They carry the time in the video, the time of day where somebody knows it, and what the ground station or the camera
wrote into it. They carry no place on a hull, and nothing is said of what was not seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hullscan import __version__
from hullscan.clock import utc_text
from hullscan.errors import InputError, RecordError, VideoError
from hullscan.findings.merge import FindingRules
from hullscan.findings.sightings import Looker, Sighting
from hullscan.record.clips import save_clips
from hullscan.record.folder import MissionFolder
from hullscan.record.replay import FilePictures
from hullscan.record.results import FRAMES_PER_FINDING, write_result
from hullscan.record.seal import seal, unseal
from hullscan.record.software import software_sha256
from hullscan.report.unplaced import write_unplaced_report
from hullscan.video.files import VideoFile
from hullscan.video.frames import Frame
from hullscan.video.overlay import Overlay
from hullscan.video.photographs import Photographs
from hullscan.vision.drift import WatchedDetector

__all__ = ["analyze_photographs", "analyze_unplaced"]

Progress = Callable[[str, int, int], None]
_EVERY_S: Final = 0.3  # a survey at 0.3 m/s has moved on by a tenth of a metre then, as between the looks of one
_STILL: Final = np.zeros(3)  # nobody knows whether the camera moved
_PLACE: Final = ("side", "station_m", "girth_m", "depth_m", "position_ship_m", "cov_ship_m2", "radius95_m", "lat_deg",
                 "lon_deg", "size_m")  # fmt: skip


class _Footage(Protocol):
    """Pictures in their order; ``tracked`` if what one shows is seen in the next too, so closely do they follow."""

    @property
    def name(self) -> str: ...
    @property
    def tracked(self) -> bool: ...
    def frames(self) -> Iterator[Frame]: ...
    def at(self, stream_s: float) -> Frame: ...
    def utc_s(self, stream_s: float) -> float | None: ...
    def said(self, stream_s: float) -> list[tuple[str, str]]: ...


@dataclass(frozen=True, slots=True)
class _Video:
    path: Path
    begin_utc_s: float | None
    overlay: Overlay | None
    tracked: bool = True

    @property
    def name(self) -> str:
        return self.path.name

    def frames(self) -> Iterator[Frame]:
        with VideoFile(self.path, every_s=_EVERY_S) as file:
            while not file.ended:
                try:
                    frame = file.read()
                except VideoError:
                    continue  # cut off: what was there is analysed, and a video without a picture is told of below
                if frame is not None:
                    yield frame

    def at(self, stream_s: float) -> Frame:
        with VideoFile(self.path) as file:
            return file.frame_at(stream_s)

    def utc_s(self, stream_s: float) -> float | None:
        return None if self.begin_utc_s is None else self.begin_utc_s + stream_s

    def said(self, stream_s: float) -> list[tuple[str, str]]:
        return [] if self.overlay is None else self.overlay.at(stream_s)


@dataclass(frozen=True, slots=True)
class _Album:
    path: Path
    photographs: Photographs
    tracked: bool = False

    @property
    def name(self) -> str:
        return self.path.name

    def frames(self) -> Iterator[Frame]:
        return iter(self.photographs)

    def at(self, stream_s: float) -> Frame:
        return self.photographs.at(int(stream_s))

    def utc_s(self, stream_s: float) -> float | None:
        return self.photographs.utc_s(int(stream_s))

    def said(self, stream_s: float) -> list[tuple[str, str]]:
        return self.photographs.said(int(stream_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnplacedOptions:
    """How it is analysed; ``seal_key`` signs the result, ``ship`` is named in the report if somebody knows it."""

    detector: WatchedDetector
    rules: FindingRules
    language: str
    seal_key: Ed25519PrivateKey | None
    ship: str = ""


def analyze_unplaced(
    video: Path,
    begin_utc_s: float | None,
    overlay: Overlay | None,
    out: Path,
    options: UnplacedOptions,
    progress: Progress,
) -> Path:
    """Find in a video without telemetry.

    Args:
        begin_utc_s: when it begins, if anybody knows.
        overlay: what a ground station wrote over it.

    Returns:
        The folder of the result.

    Raises:
        HullscanError: the video cannot be read, or the result cannot be written.
    """
    return _analyze(_Video(video, begin_utc_s, overlay), FilePictures(video), out, options, progress)


def analyze_photographs(
    folder: Path, paths: list[Path], out: Path, options: UnplacedOptions, progress: Progress
) -> Path:
    """Find in a folder of photographs: each by itself."""
    return _analyze(_Album(folder, Photographs(tuple(paths))), None, out, options, progress)


def _analyze(
    footage: _Footage, recording: FilePictures | None, out: Path, options: UnplacedOptions, progress: Progress
) -> Path:
    if MissionFolder(out).mission_file.exists():
        raise RecordError(f"{out} holds a mission, which stays as it is", todo="choose another --out")
    if out.exists() and not (out / "findings.json").is_file() and any(out.iterdir() if out.is_dir() else [out]):
        raise RecordError(f"{out} is not a folder of results", todo="choose another --out")
    looker, seen, count, span_s, last_s = Looker(options.detector), [], 0, (np.inf, -np.inf), -1
    for frame in footage.frames():
        count += 1
        span_s = min(span_s[0], frame.stream_s), max(span_s[1], frame.stream_s)
        if int(frame.stream_s) != last_s:
            last_s = int(frame.stream_s)
            progress("examining the pictures", last_s, last_s + 1)
        seen += looker.look(frame, _STILL, 0.0)[1]
    if not count:
        raise InputError("it holds no picture that can be decoded", where=str(footage.name))
    found = _findings(footage, seen, options)
    folder = MissionFolder(out)
    try:
        folder.frames.mkdir(parents=True, exist_ok=True)
        unseal(out)
        for old in (*folder.frames.glob("F*.jpg"), *out.glob("clips/F*.*")):
            old.unlink(missing_ok=True)
        _save_pictures(out, found, footage)
    except OSError as error:
        raise RecordError(f"cannot make {out}: {error.strerror}") from error
    timed = [{**each, "frames": [{**f, "utc_s": f["utc_s"] or 0.0} for f in each["frames"]]} for each in found]
    missing = save_clips(folder, timed, recording) if recording is not None else 0
    for each, cut in zip(found, timed, strict=True):
        each["clip"] = cut.get("clip") and {key: value for key, value in cut["clip"].items() if key != "begin_utc"}
    summary = {
        "schema": "hullscan.summary/1",
        "placed": False,
        "ship": options.ship or None,
        "analysed_from": footage.name,
        "outcome": "analysed from a recording",
        "findings": len(found),
        "pictures_examined": count,
        "stream_s": [round(float(value), 3) for value in span_s],
        "photographs": not footage.tracked,
        "begin_utc": _text(footage.utc_s(span_s[0])),
        "overlay": bool(footage.tracked and footage.said(span_s[0])),
        "clips_missing": missing,
        "model_sha256": options.detector.model_sha256,
        "rules": {"min_score": options.rules.min_score, "min_views": options.rules.min_views},
        "detector_inputs": options.detector.drift(),
        "detector_runs_on": options.detector.runs_on,
        "software": f"hullscan {__version__}",
        "software_sha256": software_sha256(),
    }
    findings = {"schema": "hullscan.findings/1", "mission": None, "ship": summary["ship"], "placed": False}
    write_result(out / "findings.json", {**findings, "findings": found, "software": summary["software"]})
    write_result(out / "summary.json", summary)
    write_unplaced_report(folder, options.language)
    seal(out, options.seal_key)
    return out


def _findings(footage: _Footage, seen: list[Sighting], options: UnplacedOptions) -> list[dict[str, Any]]:
    """One for each track of a video; one for each box of photographs, which are no sequence."""
    rules, tracks = options.rules, defaultdict(list)
    for number, sighting in enumerate(each for each in seen if each.label in rules.labels):
        if sighting.track or not footage.tracked:
            tracks[sighting.track if footage.tracked else -number].append(sighting)
    least = rules.min_views if footage.tracked else 1
    scored = []
    for track in tracks.values():
        best = sorted(track, key=lambda each: -each.score)
        score = float(np.mean([each.score for each in best[:5]]))
        if len(track) >= least and score >= rules.min_score:
            scored.append((score, best))
    scored.sort(key=lambda each: -each[0])
    return [_finding(n, score, best, footage, options) for n, (score, best) in enumerate(scored, start=1)]


def _finding(
    number: int, score: float, best: list[Sighting], footage: _Footage, options: UnplacedOptions
) -> dict[str, Any]:
    times = [each.stream_s for each in best]
    shown: list[Sighting] = []
    for each in best:
        if len(shown) < FRAMES_PER_FINDING and all(abs(each.stream_s - other.stream_s) > 1.0 for other in shown):
            shown.append(each)
    frames = [
        {
            "file": f"frames/F{number:02d}-{index}.jpg",
            "stream_s": round(each.stream_s, 3),
            "utc_s": footage.utc_s(each.stream_s),
            "utc": _text(footage.utc_s(each.stream_s)),
            "box_xyxy_px": [round(value, 1) for value in each.box_xyxy_px],
            "score": round(each.score, 3),
            "said": [list(pair) for pair in footage.said(each.stream_s)],
        }
        for index, each in enumerate(shown, start=1)
    ]
    return {
        "id": f"F{number:02d}",
        "label": best[0].label,
        "score": round(score, 3),
        **dict.fromkeys(_PLACE),
        "first_stream_s": round(min(times), 3),
        "last_stream_s": round(max(times), 3),
        "first_utc": _text(footage.utc_s(min(times))),
        "last_utc": _text(footage.utc_s(max(times))),
        "views": len(set(times)),
        "frames": frames,
        "status": "flagged",
        "model_sha256": options.detector.model_sha256,
    }


def _save_pictures(out: Path, found: list[dict[str, Any]], footage: _Footage) -> None:
    for frame in (frame for each in found for frame in each["frames"]):
        good, raw = cv2.imencode(".jpg", footage.at(frame["stream_s"]).image_bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])
        if not good:
            raise RecordError(f"cannot encode {frame['file']}")
        (out / frame["file"]).write_bytes(raw.tobytes())


def _text(utc_s: float | None) -> str | None:
    return None if utc_s is None else utc_text(utc_s)
