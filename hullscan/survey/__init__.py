"""The main job, from a mission file to a report: plan, fly, hear, record, see, place, report.

The pilot never waits for the detector. Whatever ends the flight, what was recorded up to then becomes a report.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hullscan.errors import HullscanError, RecordError
from hullscan.mission.model import Mission, load_mission
from hullscan.mission.plan import Plan, plan_mission, save_plan
from hullscan.mission.ways_home import require_ways_home
from hullscan.record.database import MissionDatabase
from hullscan.record.events import EventLog, warnings_as_events
from hullscan.record.folder import MissionFolder
from hullscan.record.seal import seal
from hullscan.record.signature import machine_key
from hullscan.survey.closing import close
from hullscan.survey.flight import Flight
from hullscan.survey.options import LiveMission, Outcome, Screen, SurveyOptions
from hullscan.vision.drift import WatchedDetector
from hullscan.vision.runtime import DEFAULT_MODEL, load_detector
from hullscan.words import mark

__all__ = ["LiveMission", "Outcome", "Screen", "SurveyOptions", "survey"]


def survey(mission_file: Path, options: SurveyOptions, screen: Screen) -> Outcome:
    """Fly a mission and report it.

    Raises:
        HullscanError: it could not begin. What ends a flight that has begun is in the outcome.
    """
    mission = load_mission(mission_file)
    plan = plan_mission(mission, under_ship=False)
    require_ways_home(mission, plan.legs)
    model = options.model or DEFAULT_MODEL
    detector = WatchedDetector.by_its_card(load_detector(model, threads=options.threads), model)
    key = None if options.seal_key is None else machine_key(options.seal_key)
    clock = options.make_clock()
    if options.resume is None:
        folder = MissionFolder.create(options.out, mission.file.ship.name, clock.now())
        folder.keep_mission(mission.source, mission.named_files)
        save_plan(plan, folder.path)
    else:
        folder = _folder_to_resume(options.resume, mission)
    with ExitStack() as stack:
        stack.enter_context(folder.held())
        database = MissionDatabase(folder.database)
        stack.callback(database.close)
        events = EventLog(folder.events, clock, screen.event)
        stack.callback(events.close)
        stack.enter_context(warnings_as_events(events))
        events.add("planned", mark("planned: {legs} legs, {minutes:.1f} min, {area:.0f} m²"), _plan_facts(plan))
        flight = Flight(mission, plan, detector, options, clock, folder, database, events, screen)
        if options.resume is not None:
            flight.resume()
        try:
            flight.fly(mission_file)
        finally:
            flight.hang_up()
        if flight.live is None:
            raise flight.ended_by or HullscanError("the flight did not begin")
        assessment = close(flight)
        outcome = Outcome(folder, assessment, flight.ended_by, flight.live.pilot.aborted)
    seal(folder.path, key)
    return outcome


def _folder_to_resume(path: Path, mission: Mission) -> MissionFolder:
    """The folder of a mission that was broken off.

    Raises:
        RecordError: it is none, or of another mission.
    """
    folder = MissionFolder.open(path)
    if folder.mission_file.read_bytes() != mission.source:
        raise RecordError(
            "the mission file is not the one that was flown",
            where=str(folder.mission_file),
            todo=f"give {folder.mission_file} as the mission",
        )
    return folder


def _plan_facts(plan: Plan) -> dict[str, Any]:
    return {"legs": len(plan.legs), "minutes": plan.duration_s / 60, "area": plan.planned_area_m2}
