"""The same pipeline off line: a mission folder again, or somebody else's video, with or without a log of the dive.

The original is never touched: results go into a folder of their own.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from hullscan.errors import HullscanError, InputError, RecordError, VideoError
from hullscan.findings.merge import FindingRules
from hullscan.findings.sightings import Looker, Sighting
from hullscan.geometry.camera import Camera
from hullscan.geometry.track import ShipTrack
from hullscan.mission.model import Mission, load_mission
from hullscan.mission.plan import Plan, plan_mission, save_plan
from hullscan.pilot.recorded import Session, registered, sessions_of
from hullscan.pilot.states import PilotState
from hullscan.record.database import MissionDatabase
from hullscan.record.events import read_events
from hullscan.record.facts import boot_utc_s, facts_of, recorded_facts
from hullscan.record.finish import Evidence, Pictures, finish
from hullscan.record.folder import MissionFolder
from hullscan.record.replay import FilePictures, FolderPictures, hull_ranges
from hullscan.record.results import read_result
from hullscan.record.seal import seal, unseal
from hullscan.record.signature import machine_key
from hullscan.report.earlier import earlier_mission, weigh_by_earlier
from hullscan.report.writing import write_reports
from hullscan.unplaced import UnplacedOptions, analyze_photographs, analyze_unplaced
from hullscan.vehicle.dataflash import is_dataflash, read_dataflash
from hullscan.vehicle.protocol import RangeReport
from hullscan.vehicle.telemetry import Telemetry
from hullscan.vehicle.tlog import read_recording
from hullscan.video.container import picture_size
from hullscan.video.files import VideoFile, creation_utc
from hullscan.video.frames import Frame, FrameSource
from hullscan.video.overlay import read_overlay
from hullscan.video.photographs import photographs_in
from hullscan.video.recorded import RecordedVideo
from hullscan.vision.drift import WatchedDetector
from hullscan.vision.runtime import DEFAULT_MODEL, load_detector
from hullscan.words import translator

__all__ = ["AnalyzeOptions", "analyze_folder", "analyze_video"]

Progress = Callable[[str, int, int], None]
_FOREIGN_TIME_SIGMA_S = 0.5  # a container's creation time has a resolution of one second
_FORWARD = 0  # MAV_SENSOR_ROTATION of an echo sounder that looks ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeOptions:
    """How a recording is analysed.

    Attributes:
        out: defaults to a folder beside the source.
        seal_key: signs it.
        ranges_only: place by ranges alone, without what fittings of the drawings tell.
        look_again: at the video also where the flight looked at it with this very model; else its looks are taken.
        earlier: folder of an earlier mission of this ship: what came since goes first.
    """

    out: Path | None = None
    model: Path | None = None
    threads: int = 2
    language: str = "en"
    rules: FindingRules = field(default_factory=FindingRules)
    seal_key: Path | None = None
    ranges_only: bool = False
    look_again: bool = False
    earlier: Path | None = None


def analyze_folder(source: Path, options: AnalyzeOptions, progress: Progress) -> Path:
    """Find again in a mission folder that hullscan recorded.

    Returns:
        The folder with the new results.

    Raises:
        HullscanError: the folder lacks what is needed.
    """
    recorded = MissionFolder.open(source)
    mission = load_mission(recorded.mission_file)
    facts, time_sigma_s = recorded_facts(recorded)
    telemetry = read_recording(recorded.telemetry, boot_utc_s=boot_utc_s(facts)).telemetry
    ranges = hull_ranges(recorded.dvl, mission.vehicle.dvl_mount.rotation, telemetry)
    home = source.resolve()  # "." has no name to put the results beside
    with RecordedVideo(recorded.video) as video:
        return _analyze(
            mission,
            telemetry,
            ranges,
            video,
            FolderPictures(recorded.video),
            _legs(recorded),
            options,
            options.out or home.with_name(home.name + "-analysis"),
            {**facts_of(telemetry), **facts, "analysed_from": home.name},
            time_sigma_s,
            progress,
            recorded,
        )


def analyze_video(
    video: Path,
    log: Path | None,
    mission_file: Path | None,
    start_utc: str | None,
    options: AnalyzeOptions,
    progress: Progress,
    log_utc: str | None = None,
) -> Path:
    """Find in a video that hullscan did not record.

    Args:
        video: MP4, MKV, MOV, AVI; or a folder of photographs.
        log: a tlog or a dataflash log of the same dive places what is found; without one, or with an overlay
            (``.ass``), findings carry time only.
        mission_file: of the ship; needed to place anything.
        start_utc: when the video begins; else as the file says.
        options: how it is analysed.
        progress: is told how far it is.
        log_utc: when a dataflash log without GPS time begins.

    Raises:
        HullscanError: something is missing or cannot be read; says what to give.
    """
    if not video.exists():
        raise InputError(f"there is no {video}", todo="name a mission folder or a video file")
    if log is None or log.suffix.lower() == ".ass" or video.is_dir():
        return _unplaced(video, log, mission_file, start_utc, options, progress)
    if mission_file is None:
        raise InputError("the log alone tells no place on a hull", where=str(video), todo="give --mission too")
    mission = load_mission(mission_file)
    telemetry = _telemetry(log, log_utc)
    begin_s = _begin(video, start_utc)
    facts = {**facts_of(telemetry), "analysed_from": video.name, "telemetry_from": log.name}
    with VideoFile(video, start_utc_s=begin_s) as source:
        return _analyze(
            mission,
            telemetry,
            _echo_ranges(telemetry),
            source,
            FilePictures(video),
            lambda _: -1,
            options,
            options.out or video.with_name(video.stem + "-analysis"),
            facts,
            _FOREIGN_TIME_SIGMA_S,
            progress,
        )


def _telemetry(log: Path, log_utc: str | None) -> Telemetry:
    if not is_dataflash(log):
        return read_recording(log).telemetry
    return read_dataflash(log, None if log_utc is None else _told_utc_s(log_utc, "--telemetry-utc"))


def _unplaced(
    source: Path,
    overlay: Path | None,
    mission_file: Path | None,
    start_utc: str | None,
    options: AnalyzeOptions,
    progress: Progress,
) -> Path:
    """What nothing places: findings carry time only."""
    translator(options.language)
    if options.earlier is not None:
        raise InputError(
            "an earlier mission is compared with by places on the hull, and nothing places this one",
            where=str(source),
            todo="give --telemetry and --mission too, or leave --earlier out",
        )
    ship = load_mission(mission_file).file.ship.name if mission_file is not None else ""
    model = options.model or DEFAULT_MODEL
    out = options.out or source.resolve().with_name(source.resolve().stem + "-analysis")
    without = UnplacedOptions(
        detector=WatchedDetector.by_its_card(load_detector(model, threads=options.threads), model),
        rules=options.rules,
        language=options.language,
        seal_key=None if options.seal_key is None else machine_key(options.seal_key),
        ship=ship,
    )
    if source.is_dir():
        return analyze_photographs(source, photographs_in(source), out, without, progress)
    begin_s = creation_utc(source) if start_utc is None else _told_utc_s(start_utc, "--start-utc")
    said = None if overlay is None else read_overlay(overlay)
    return analyze_unplaced(source, begin_s, said, out, without, progress)


def _analyze(
    mission: Mission,
    telemetry: Telemetry,
    ranges: list[RangeReport],
    video: FrameSource,
    pictures: Pictures,
    leg_at: Callable[[float], int],
    options: AnalyzeOptions,
    out: Path,
    facts: dict[str, Any],
    time_sigma_s: float,
    progress: Progress,
    recorded: MissionFolder | None = None,
) -> Path:
    model = options.model or DEFAULT_MODEL
    detector = WatchedDetector.by_its_card(load_detector(model, threads=options.threads), model)
    plan = plan_mission(mission, under_ship=False)
    sessions = sessions_of(mission, plan, telemetry, ranges, facts.get("sessions_utc_s", ()))
    facts = {"registration": _registered(sessions), **facts}
    earlier = None if options.earlier is None else earlier_mission(options.earlier, mission, facts.get("start_utc"))
    folder = _new_folder(out, mission, plan)
    database = MissionDatabase(folder.database)
    try:
        flown = None if recorded is None or options.look_again else _flown(recorded, detector.model_sha256, database)
        if flown is not None:
            camera = mission.vehicle.camera.resized(*flown.size_px)
        else:
            camera, counts = _examine(mission, telemetry, video, Looker(detector), database, leg_at, progress)
            facts = {**facts, "video": {**facts["video"], **counts}, "detector_inputs": detector.drift()}
            facts |= {"detector_runs_on": detector.runs_on}
        if flown is not None and not options.ranges_only:
            ship = flown.ship
        else:
            sightings = () if options.ranges_only else database.sightings()
            ship, fittings = registered(sessions, mission, telemetry, sightings, camera)
            facts = {**facts, "registration": {**facts["registration"], **fittings}}
        evidence = Evidence(mission, plan, telemetry, ship, camera, time_sigma_s, detector.model_sha256, facts)
        finish(folder, database, evidence, pictures, options.rules)
        if recorded is not None:
            folder.keep_events_of(recorded)
        if earlier is not None:
            weigh_by_earlier(folder, earlier, database)
    finally:
        database.close()
    write_reports(folder, options.language)
    seal(folder.path, None if options.seal_key is None else machine_key(options.seal_key))
    return folder.path


def _registered(sessions: list[Session]) -> dict[str, int]:
    """How often ranges told where the ship lay, for the summary of a recording that does not tell it itself."""
    filters = [session.registration for session in sessions]
    return {
        "updates": sum(each.updates for each in filters),
        "beams_used": sum(each.used_beams for each in filters),
        "beams_rejected": sum(each.rejected_beams for each in filters),
    }


@dataclass(frozen=True, slots=True)
class _Flown:
    """What a finished mission already holds: the size of the pictures looked at, and where the ship lay."""

    size_px: tuple[int, int]
    ship: ShipTrack


def _flown(recorded: MissionFolder, model_sha256: str, database: MissionDatabase) -> _Flown | None:
    """Take over the looks of a finished mission, if they were made with this model; None if there are none such.

    All scores above a low floor are stored, so that another threshold needs no other look.
    """
    try:
        same = read_result(recorded.path / "summary.json").get("model_sha256") == model_sha256
        size_px = picture_size(RecordedVideo(recorded.video).segments[0])
        source = MissionDatabase(recorded.database, read_only=True)
    except (RecordError, VideoError):
        return None
    try:
        looks, ship = source.looks(), source.ship_track()
        if not same or not looks or ship is None:
            return None
        seen: dict[float, list[Sighting]] = defaultdict(list)
        for sighting in source.sightings():
            seen[sighting.utc_s].append(sighting)
        for look in looks:
            database.add_look(look, seen[look.utc_s])
    finally:
        source.close()
    return _Flown(size_px, ship)


def _new_folder(out: Path, mission: Mission, plan: Plan) -> MissionFolder:
    folder = MissionFolder(out)
    if folder.telemetry.exists() or folder.video.exists():
        raise RecordError(f"{out} holds a recording, which stays as it is", todo="choose another --out")
    if folder.mission_file.exists() and not folder.database.exists():
        raise RecordError(f"{out} is not a folder of results", todo="choose another --out")
    try:
        for part in (out, folder.frames):
            part.mkdir(parents=True, exist_ok=True)
        unseal(out)
        made = (*out.glob("mission.sqlite-*"), *folder.frames.glob("F*.jpg"), *out.glob("clips/F*.*"))
        for old in (folder.database, folder.events_of_recording, *made):
            old.unlink(missing_ok=True)
        folder.keep_mission(mission.source, mission.named_files)
    except OSError as error:
        raise RecordError(f"cannot make {out}: {error.strerror}") from error
    save_plan(plan, out)
    return folder


def _examine(
    mission: Mission,
    telemetry: Telemetry,
    video: FrameSource,
    looker: Looker,
    database: MissionDatabase,
    leg_at: Callable[[float], int],
    progress: Progress,
) -> tuple[Camera, dict[str, int]]:
    """Look at every frame for which the view has moved on; (camera at the frames' size, counts)."""
    camera = mission.vehicle.camera
    counts = {"frames_decoded": 0, "frames_suspect": 0, "frames_examined": 0, "files_cut_off": 0}
    span = telemetry.attitude.all()["utc_s"]
    for frame in _frames(video, counts):
        counts["frames_decoded"] += 1
        counts["frames_suspect"] += frame.suspect
        if counts["frames_decoded"] == 1:
            camera = camera.resized(frame.image_bgr.shape[1], frame.image_bgr.shape[0])
        if len(span):
            done = int(np.clip(frame.utc_s - span[0], 0, span[-1] - span[0]))
            progress("examining the video", done, int(span[-1] - span[0]) + 1)
        try:
            pose = telemetry.pose_at(frame.utc_s)
        except HullscanError:
            continue
        yaw = float(pose.rotation.as_euler("ZYX")[0])
        if looker.wants(frame.utc_s, pose.position_m, yaw):
            look, sightings = looker.look(frame, pose.position_m, yaw, leg_at(frame.utc_s))
            database.add_look(look, sightings)
            counts["frames_examined"] += 1
    if not counts["frames_decoded"]:
        raise InputError("the video holds no picture that can be decoded")
    if not counts["frames_examined"]:
        raise InputError(
            "no picture falls into the time of the telemetry", todo="check --start-utc against the tlog's times"
        )
    return camera, counts


def _frames(video: FrameSource, counts: dict[str, int]) -> Iterator[Frame]:
    """Every picture that can be decoded; a file that is cut off ends there, and that is counted."""
    while not video.ended:
        try:
            frame = video.read(0.0)
        except VideoError:
            counts["files_cut_off"] += 1
            continue
        if frame is not None:
            yield frame


def _echo_ranges(telemetry: Telemetry) -> list[RangeReport]:
    """Reports of a forward echo sounder in the telemetry: one beam each."""
    series = telemetry.ranges.get(_FORWARD)
    if series is None:
        return []
    forward = np.array([[1.0, 0.0, 0.0]])
    reports = []
    for sample in series.all():
        distance = float(sample["distance_m"])
        valid = np.array([float(sample["min_m"]) < distance < float(sample["max_m"])])
        reports.append(RangeReport(float(sample["utc_s"]), forward, np.array([distance]), valid, np.array([False])))
    return reports


def _legs(folder: MissionFolder) -> Callable[[float], int]:
    """Which searched leg was flown at a time, from the events of the mission."""
    times, legs = [float("-inf")], [-1]
    states = {state.value for state in PilotState}
    for event in read_events(folder.events):
        if event.get("kind") not in states:
            continue
        try:
            utc_s, data = float(event["utc_s"]), event["data"]
            leg = int(data["leg"]) if "leg" in data and data.get("lane", 0) > 0 else -1
        except (KeyError, TypeError, ValueError, AttributeError):
            continue  # not an event of ours
        times.append(utc_s)
        legs.append(leg)
    return lambda utc_s: legs[bisect.bisect_right(times, utc_s) - 1]


def _begin(video: Path, start_utc: str | None) -> float:
    """When the video begins: as told, else as the file says."""
    if start_utc is not None:
        return _told_utc_s(start_utc, "--start-utc")
    begin_s = creation_utc(video)
    if begin_s is None:
        raise InputError("the video does not say when it begins", where=str(video), todo="give --start-utc")
    return begin_s


def _told_utc_s(text: str, option: str) -> float:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise InputError(f"{option} {text!r} is no time", todo="write 2026-11-22T09:30:00Z") from error
    if moment.tzinfo is None:
        raise InputError(f"{option} {text!r} has no time zone", todo="end it with Z for UTC")
    return moment.timestamp()
