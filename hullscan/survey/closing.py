"""What was recorded becomes an assessment and a report."""

from __future__ import annotations

import numpy as np

from hullscan.errors import HullscanError
from hullscan.findings.assess import Assessment
from hullscan.geometry.frames import ShipPose
from hullscan.geometry.track import ShipTrack
from hullscan.mission.model import Mission
from hullscan.pilot.recorded import registered, sessions_of
from hullscan.record.facts import boot_utc_s
from hullscan.record.finish import Evidence, finish
from hullscan.record.replay import FolderPictures, has_recording, hull_ranges
from hullscan.report.writing import write_reports
from hullscan.survey.facts import flight_facts
from hullscan.survey.flight import Flight
from hullscan.survey.options import LiveMission
from hullscan.vehicle.ardusub import ArduSubVehicle
from hullscan.vehicle.telemetry import Telemetry
from hullscan.vehicle.tlog import read_recording
from hullscan.words import mark

__all__ = ["close"]


def close(flight: Flight) -> Assessment:
    """Assess what was recorded and write the report."""
    live = flight.live
    assert live is not None
    flight.screen.event("finishing", mark("placing findings and writing the report"), {})
    facts = flight_facts(flight)
    camera = live.seeing.camera or flight.mission.vehicle.camera
    telemetry = _recorded_telemetry(flight, live, boot_utc_s(facts))
    if live.pilot.registration is not None or flight.earlier_s:
        # from the recording: while it flew, the vehicle's pose at a range was often not yet known, but reckoned on
        mount = flight.mission.vehicle.dvl_mount.rotation
        ranges = hull_ranges(flight.folder.dvl, mount, telemetry)
        sessions = sessions_of(flight.mission, flight.plan, telemetry, ranges, flight.sessions_s)
        ship, fittings = registered(sessions, flight.mission, telemetry, flight.database.sightings(), camera)
        facts = {**facts, "registration": {**facts["registration"], **fittings}}
    else:  # it ended before the hull was found: the berth as stated, with all of its uncertainty
        spread = np.diag([1.0, 1.0, np.radians(5) ** 2, 0.04])
        ship = ShipTrack.constant(_stated_ship(flight.mission, live.vehicle), spread)
    evidence = Evidence(
        flight.mission,
        flight.plan,
        telemetry,
        ship,
        camera,
        round(_time_sigma_s(flight), 4),  # as the summary tells it to who reads the folder again
        flight.detector.model_sha256,
        facts,
    )
    pictures = FolderPictures(flight.folder.video) if has_recording(flight.folder.video) else None
    assessment = finish(flight.folder, flight.database, evidence, pictures, flight.options.rules)
    write_reports(flight.folder, flight.options.language)
    return assessment


def _time_sigma_s(flight: Flight) -> float:
    stamps_s, timing = flight.video_map.uncertainty_s, flight.picture_time
    return stamps_s if timing is None else timing.sigma_s(stamps_s)


def _recorded_telemetry(flight: Flight, live: LiveMission, boot_s: float | None) -> Telemetry:
    """What the log has, so that who reads it again gets the same; without a log, what was heard."""
    try:
        return read_recording(flight.folder.telemetry, boot_utc_s=boot_s).telemetry
    except HullscanError as error:
        message = mark("the log cannot be used: {words}; the report is made from what was heard")
        flight.events.add("log", message, {"words": str(error)})
        return live.vehicle.telemetry


def _stated_ship(mission: Mission, vehicle: ArduSubVehicle) -> ShipPose:
    berth, origin = mission.file.berth, vehicle.telemetry.origin
    north, east = origin.to_ned(berth.lat_deg, berth.lon_deg) if origin is not None else (0.0, 0.0)
    return ShipPose(north, east, float(np.radians(berth.heading_deg)))
