"""The result files: findings, coverage, track and summary, each with its schema's name, written from the database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hullscan import __version__
from hullscan.clock import utc_text
from hullscan.errors import RecordError
from hullscan.geometry.frames import GeoOrigin, ShipPose
from hullscan.mission.model import Mission
from hullscan.record.folder import MissionFolder
from hullscan.ship.frames import frame_at
from hullscan.ship.surface import side_name

if TYPE_CHECKING:  # who only reads results does without what makes them: the desk is 40 MB smaller
    from hullscan.findings.assess import Assessment
    from hullscan.findings.merge import Finding
    from hullscan.findings.viewpoint import Viewpoints
    from hullscan.record.database import MissionDatabase

__all__ = [
    "FRAMES_PER_FINDING",
    "Georeference",
    "coverage_result",
    "findings_result",
    "georeference",
    "pictured_sightings",
    "read_result",
    "track_result",
    "write_result",
    "write_results",
]

FRAMES_PER_FINDING = 3
_SHOWN_SHARE = 0.5
_TRACK_STEP_S = 1.0


@dataclass(frozen=True, slots=True)
class Georeference:
    """Ship frame to latitude and longitude; ``ship`` is her pose in the local frame of ``origin``."""

    origin: GeoOrigin
    ship: ShipPose

    def of(self, point_ship_m: Any) -> tuple[float, float]:
        """Latitude and longitude, degrees, of a (3,) point."""
        north, east, _ = self.ship.to_ned(np.asarray(point_ship_m, dtype=np.float64))
        return self.origin.to_geodetic(float(north), float(east))


def georeference(mission: Mission, views: Viewpoints, utc_s: float) -> Georeference:
    """By the vehicle's origin and the registered ship where there is one, else by the berth as stated."""
    if views.origin is not None:
        return Georeference(views.origin, views.ship.at(utc_s)[0])
    return Georeference(mission.file.berth.origin, mission.file.berth.ship_pose)


def findings_result(
    mission: Mission, assessment: Assessment, views: Viewpoints, model_sha256: str, frames: dict[int, list[str | None]]
) -> dict[str, Any]:
    """Content of ``findings.json``; ``frames`` gives the picture files of each finding by its number."""
    return {
        "schema": "hullscan.findings/1",
        "mission": mission.file.mission,
        "ship": mission.file.ship.name,
        "findings": [
            _finding(number, finding, mission, views, model_sha256, frames.get(number, []))
            for number, finding in enumerate(assessment.findings, start=1)
        ],
    }


def _finding(
    number: int, finding: Finding, mission: Mission, views: Viewpoints, model_sha256: str, frames: list[str | None]
) -> dict[str, Any]:
    located = mission.hull.locate(finding.position_ship_m[None])
    station_m = float(located.station_m[0])
    frame = frame_at(mission.file.ship.frames, station_m)
    times = [fix.sighting.utc_s for fix in finding.fixes]
    lat, lon = georeference(mission, views, float(np.median(times))).of(finding.position_ship_m)
    pictures = []
    for name, fix in zip(frames, _pictured(finding), strict=False):
        if name is None:
            continue
        sighting = fix.sighting
        pictures.append(
            {
                "file": name,
                "utc": utc_text(sighting.utc_s),
                "utc_s": round(sighting.utc_s, 3),
                "stream_s": round(sighting.stream_s, 3),
                "box_xyxy_px": [round(value, 1) for value in sighting.box_xyxy_px],
                "score": round(sighting.score, 3),
                "range_m": round(fix.range_m, 2),
            }
        )
    return {
        "id": f"F{number:02d}",
        "label": finding.label,
        "score": round(finding.score, 3),
        "side": side_name(float(located.side[0])),
        "station_m": round(station_m, 2),
        "frame_number": None if frame is None else round(frame, 2),
        "girth_m": round(float(located.girth_m[0]), 2),
        "depth_m": round(float(finding.position_ship_m[2]), 2),
        "position_ship_m": [round(float(value), 3) for value in finding.position_ship_m],
        "cov_ship_m2": np.round(finding.covariance_m2, 5).tolist(),
        "radius95_m": round(finding.radius95_m, 2),
        "lat_deg": round(lat, 7),
        "lon_deg": round(lon, 7),
        "size_m": round(finding.size_m, 2),
        "first_utc": utc_text(min(times)),
        "last_utc": utc_text(max(times)),
        "views": finding.views,
        "frames": pictures,
        "status": "flagged",
        "model_sha256": model_sha256,
    }


def _pictured(finding: Finding) -> list[Any]:
    """Sightings that are shown: whole in the picture, sharp, the best first, not all from one moment.

    Of what no picture holds whole, boxes that are whole are of a part of it, with scores far below the finding's.
    """
    chosen: list[Any] = []
    least = _SHOWN_SHARE * finding.score
    clear = [fix for fix in finding.fixes if not fix.sighting.suspect and fix.sighting.score >= least]
    whole = [fix for fix in clear if not fix.sighting.cut] or clear or list(finding.fixes)
    for fix in whole:
        if all(abs(fix.sighting.utc_s - other.sighting.utc_s) > 1.0 for other in chosen):
            chosen.append(fix)
        if len(chosen) == FRAMES_PER_FINDING:
            break
    return chosen


def pictured_sightings(assessment: Assessment) -> dict[int, list[Any]]:
    """Sightings to cut pictures of, by the finding's number."""
    return {number: [fix.sighting for fix in _pictured(f)] for number, f in enumerate(assessment.findings, start=1)}


def coverage_result(
    mission: Mission, assessment: Assessment, model_sha256: str, min_score: float, *, unlike: bool = False
) -> dict[str, Any]:
    """Content of ``coverage.json``; only cells that were asked for or seen are listed.

    Args:
        model_sha256, min_score: of the detector, and of a finding: what was measured of others says nothing here.
        unlike: the pictures are unlike those that the detector was measured on: then nothing is measured of them.
    """
    record, asked = assessment.looks, assessment.asked
    cells, seen, pod = record.cells, record.seen(), record.pod
    shown = np.flatnonzero(asked | seen)
    both = asked & seen
    asked_area, seen_area = record.area_m2(asked), record.area_m2(both)
    gaps = cells.gaps(asked & ~seen)
    weight = cells.area_m2[asked]
    mission_pod = round(float((pod[asked] * weight).sum() / weight.sum()), 4) if asked.any() else None
    model, visibility_m = record.model, mission.file.conditions.visibility_m
    trials = model.trials
    applies = trials is not None and trials.apply_to(model.parcel_m, visibility_m, model_sha256, min_score)
    if unlike or not applies:
        trials = None
    share = None if trials is None else trials.lower_share_in(visibility_m)
    tried = None if trials is None else trials.of_water(visibility_m)
    return {
        "schema": "hullscan.coverage/1",
        "cell_m": 0.25,
        "planned_area_m2": round(asked_area, 2),
        "seen_area_m2": round(seen_area, 2),
        "seen_share": round(seen_area / asked_area, 4) if asked_area > 0 else None,
        "wetted_area_m2": round(mission.hull.wetted_area_m2, 1),
        "pod": mission_pod,
        "pod_lower": None if share is None or mission_pod is None else round(mission_pod * share, 4),
        "pod_model": {
            "source": model.source,
            "measured": model.measured and not unlike and (trials is not None or model.trials is None),
            "parcel_m": model.parcel_m,
            "trials": None if tried is None else {"shown": tried.shown, "found": tried.found},
        },
        "looks_without_telemetry": assessment.untagged_looks,
        "looks_without_place": assessment.unsure_looks,
        "looks_without_contrast": assessment.veiled_cells,
        "sightings_placed": len(assessment.fixes),
        "sightings_not_placed": assessment.unplaced,
        "zones": _zones(assessment),
        "gaps": [
            {
                "name": gap.name,
                "side": gap.side,
                "stations_m": [round(value, 2) for value in gap.stations_m],
                "depths_m": [round(value, 2) for value in gap.depths_m],
                "area_m2": round(gap.area_m2, 2),
            }
            for gap in gaps
        ],
        "cells": {
            "side": [side_name(float(value)) for value in cells.side[shown]],
            "station_m": np.round(cells.station_m[shown], 5).tolist(),  # cells of a transom differ by 0.1 mm
            "girth_m": np.round(cells.girth_m[shown], 3).tolist(),
            "planned": asked[shown].tolist(),
            "looks": np.where(seen, record.looks, 0)[shown].tolist(),  # none of what may not have been seen
            "best_gsd_mm": _finite(record.best_gsd_m[shown] * 1000),
            "best_incidence_deg": _finite(np.degrees(record.best_incidence_rad[shown])),
            "contrast": np.round(record.contrast[shown], 1).tolist(),
            "pod": np.round(pod[shown], 3).tolist(),
        },
    }


def _zones(assessment: Assessment) -> dict[str, Any]:
    record, asked, seen = assessment.looks, assessment.asked, assessment.looks.seen()
    zones = {}
    for sign, name in ((1, "starboard_side"), (-1, "port_side")):
        here = record.cells.side == sign
        if (asked & here).any():
            planned, done = record.area_m2(asked & here), record.area_m2(asked & seen & here)
            zones[name] = {"planned_m2": round(planned, 2), "seen_m2": round(done, 2)}
    return zones


def _finite(values: Any) -> list[float | None]:
    return [round(float(value), 2) if np.isfinite(value) else None for value in values]


def track_result(mission: Mission, views: Viewpoints, start_s: float, end_s: float) -> dict[str, Any]:
    """Content of ``track.json``: the vehicle in the ship frame and on the earth, each second."""
    points = []
    for utc_s in np.arange(start_s, end_s, _TRACK_STEP_S):
        view = views.at(float(utc_s))
        if view is not None:
            yaw = float(view.body_ship.rotation.as_euler("ZYX", degrees=True)[0])
            lat, lon = georeference(mission, views, float(utc_s)).of(view.body_ship.position_m)
            place = [*(round(float(value), 3) for value in (*view.body_ship.position_m, yaw))]
            points.append([round(float(utc_s), 2), *place, round(lat, 7), round(lon, 7)])
    columns = ["utc_s", "x_m", "y_m", "z_m", "yaw_deg", "lat_deg", "lon_deg"]
    return {"schema": "hullscan.track/1", "columns": columns, "points": points}


def write_results(folder: MissionFolder, database: MissionDatabase, results: dict[str, dict[str, Any]]) -> None:
    """Store results in the database and write each as ``NAME.json``, whole or not at all.

    Raises:
        RecordError: a file cannot be written.
    """
    for name, content in results.items():
        content = {**content, "software": f"hullscan {__version__}"}
        database.set_result(name, content)
        write_result(folder.path / f"{name}.json", content)


def write_result(target: Path, content: dict[str, Any]) -> None:
    """Write one result file, whole or not at all.

    Raises:
        RecordError: it cannot be written.
    """
    draft = target.with_name(f".{target.name}")
    try:
        text = json.dumps(content, indent=1, ensure_ascii=False)
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")
        draft.replace(target)
    except OSError as error:
        raise RecordError(f"cannot write {target}: {error.strerror}") from error


def read_result(path: Path) -> dict[str, Any]:
    """Content of a result file.

    Raises:
        RecordError: it is missing, damaged, or of another kind or version.
    """
    todo = "make the results again with hullscan analyze"
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordError(f"{path} is missing", todo=todo) from error
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path} is damaged: {error}", todo=todo) from error
    if not isinstance(content, dict):
        raise RecordError(f"{path} is damaged: it holds no object", todo=todo)
    schema, known = content.get("schema"), f"hullscan.{path.stem}/1"
    if schema != known:
        raise RecordError(f"{path} is of {schema!r}, this program reads {known!r}", todo=todo)
    return content
