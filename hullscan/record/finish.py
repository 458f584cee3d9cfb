"""Closing a mission: from what was recorded to findings, coverage, pictures and summary.

Live missions, folders analysed again and foreign videos all end here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.errors import RecordError, VideoError
from hullscan.findings.assess import Assessment, assess
from hullscan.findings.merge import FindingRules
from hullscan.findings.sightings import Sighting
from hullscan.findings.viewpoint import Viewpoints
from hullscan.geometry.camera import Camera
from hullscan.geometry.track import ShipTrack
from hullscan.mission.model import Mission
from hullscan.mission.plan import Plan
from hullscan.record.clips import Recording, save_clips
from hullscan.record.database import MissionDatabase
from hullscan.record.exif import PictureFacts, exif_of, tagged, true_direction_deg
from hullscan.record.folder import MissionFolder
from hullscan.record.results import (
    coverage_result,
    findings_result,
    georeference,
    pictured_sightings,
    track_result,
    write_results,
)
from hullscan.record.software import software_sha256
from hullscan.search.cells import HullCells
from hullscan.vehicle.telemetry import Telemetry
from hullscan.video.frames import Frame

__all__ = ["Evidence", "Pictures", "finish"]


class Pictures(Recording, Protocol):
    """Gives the frame of a moment of the recording, exactly."""

    def at(self, utc_s: float, stream_s: float) -> Frame:
        """The frame that was taken at a time.

        Raises:
            VideoError: there is none.
        """
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an assessment is made from.

    Attributes:
        camera: intrinsics for the frames' size.
        time_sigma_s: uncertainty of frame times against telemetry.
        facts: goes into the summary as it is.
    """

    mission: Mission
    plan: Plan
    telemetry: Telemetry
    ship: ShipTrack
    camera: Camera
    time_sigma_s: float
    model_sha256: str
    facts: dict[str, Any]


def finish(
    folder: MissionFolder,
    database: MissionDatabase,
    evidence: Evidence,
    pictures: Pictures | None,
    rules: FindingRules,
) -> Assessment:
    """Assess and write every result file.

    Raises:
        RecordError: a file cannot be written.
    """
    database.set_ship_track(evidence.ship)
    views = Viewpoints(evidence.telemetry, evidence.ship, evidence.mission.vehicle)
    looks, sightings = database.looks(), database.sightings()
    cells = HullCells(evidence.mission.hull)
    assessment = assess(
        evidence.mission,
        cells,
        evidence.plan.asked(cells),
        views,
        looks,
        sightings,
        evidence.camera,
        evidence.time_sigma_s,
        rules,
    )
    frames = _save_pictures(folder, assessment, pictures)
    start_s, end_s = _span(evidence.telemetry)
    track = track_result(evidence.mission, views, start_s, end_s)
    findings = findings_result(evidence.mission, assessment, views, evidence.model_sha256, frames.files)
    _tag_pictures(folder, evidence.mission, views, findings["findings"])
    clips_missing = save_clips(folder, findings["findings"], pictures)
    summary = {
        "schema": "hullscan.summary/1",
        "mission": evidence.mission.file.mission,
        "ship": evidence.mission.file.ship.name,
        "findings": len(findings["findings"]),
        "model_sha256": evidence.model_sha256,
        "software_sha256": software_sha256(),
        "rules": {"min_score": rules.min_score, "min_views": rules.min_views},
        "time_sigma_ms": round(evidence.time_sigma_s * 1000, 1),
        "pictures_missing": frames.missing,
        "clips_missing": clips_missing,
        "min_clearance_m": _min_clearance_m(evidence.mission, track),
        **evidence.facts,
    }
    unlike = bool((evidence.facts.get("detector_inputs") or {}).get("unlike"))
    results = {
        "findings": findings,
        "coverage": coverage_result(
            evidence.mission, assessment, evidence.model_sha256, rules.min_score, unlike=unlike
        ),
        "track": track,
        "summary": summary,
    }
    write_results(folder, database, results)
    return assessment


def _min_clearance_m(mission: Mission, track: dict[str, Any]) -> float | None:
    """Least distance of the vehicle's box to the hull along its registered track."""
    points = np.array([point[1:5] for point in track["points"]], dtype=np.float64).reshape(-1, 4)
    if not len(points):
        return None
    half = np.array(mission.vehicle.half_size_m)
    turn = Rotation.from_euler("z", points[:, 3:4], degrees=True)
    corners = [turn.apply(half * [x, y, z]) + points[:, :3] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    return round(float(mission.hull.nearest(np.concatenate(corners))[1].min()), 2)


def _span(telemetry: Telemetry) -> tuple[float, float]:
    times = telemetry.attitude.all()["utc_s"] if len(telemetry.attitude) else np.zeros(0)
    return (float(times[0]), float(times[-1])) if len(times) else (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Saved:
    files: dict[int, list[str | None]]
    missing: int


def _save_pictures(folder: MissionFolder, assessment: Assessment, pictures: Pictures | None) -> _Saved:
    files: dict[int, list[str | None]] = {}
    missing = 0
    for number, sightings in pictured_sightings(assessment).items():
        files[number] = []
        for index, sighting in enumerate(sightings, start=1):
            name = f"frames/F{number:02d}-{index}.jpg"
            frame = _frame_of(pictures, sighting)
            if frame is None:
                missing += 1
            else:
                _save_jpeg(folder.path / name, frame)
            files[number].append(None if frame is None else name)
    return _Saved(files, missing)


def _tag_pictures(folder: MissionFolder, mission: Mission, views: Viewpoints, findings: list[dict[str, Any]]) -> None:
    """Write into each picture where it was taken and what of."""
    for finding in findings:
        for frame in finding["frames"]:
            view = views.at(frame["utc_s"])
            assert view is not None, "what was placed has a viewpoint"
            earth, camera_m = georeference(mission, views, view.utc_s), view.camera_ship.position_m
            lat, lon = earth.of(camera_m)
            facts = PictureFacts(
                utc_s=frame["utc_s"],
                camera_lat_deg=lat,
                camera_lon_deg=lon,
                camera_depth_m=float(camera_m[2]),
                direction_deg=true_direction_deg(view, earth.ship),
                finding=finding,
                range_m=frame["range_m"],
                vehicle=mission.vehicle.name,
            )
            path = folder.path / frame["file"]
            try:
                path.write_bytes(tagged(path.read_bytes(), exif_of(facts)))
            except OSError as error:
                raise RecordError(f"cannot write {path}: {error.strerror}") from error


def _frame_of(pictures: Pictures | None, sighting: Sighting) -> Frame | None:
    if pictures is None:
        return None
    try:
        return pictures.at(sighting.utc_s, sighting.stream_s)
    except VideoError:
        return None


def _save_jpeg(path: Path, frame: Frame) -> None:
    done, raw = cv2.imencode(".jpg", frame.image_bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])
    try:
        if not done:
            raise RecordError(f"cannot encode {path.name}")
        path.write_bytes(raw.tobytes())
    except OSError as error:
        raise RecordError(f"cannot write {path}: {error.strerror}") from error
