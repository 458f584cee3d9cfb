"""The main job, from a mission file to a report: plan, fly, hear, record, see, place, report.

The pilot never waits for the detector. Whatever ends the flight, what was recorded up to then becomes a report.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hullscan import __version__
from hullscan.clock import Clock, ClockMap, PacedClock, SystemClock, Ticker, utc_text
from hullscan.errors import HullscanError, RecordError, SafetyStop, VideoError
from hullscan.findings.assess import Assessment
from hullscan.findings.merge import FindingRules
from hullscan.findings.seeing import LiveSeeing
from hullscan.findings.sightings import Looker
from hullscan.geometry.frames import Array, ShipPose
from hullscan.geometry.track import ShipTrack
from hullscan.mission.model import Mission, load_mission
from hullscan.mission.plan import Plan, plan_mission, save_plan
from hullscan.mission.ways_home import require_ways_home
from hullscan.pilot.closeup import Sighting
from hullscan.pilot.pilot import Pilot, PlanPlace, Signals
from hullscan.pilot.recorded import registered
from hullscan.pilot.refly import Piece, pieces_of
from hullscan.preflight.before_flight import before_flight
from hullscan.preflight.check import PreflightReport
from hullscan.preflight.equip import signing_key_of
from hullscan.preflight.gather import Equipment
from hullscan.record.database import MissionDatabase
from hullscan.record.events import EventLog, warnings_as_events
from hullscan.record.finish import Evidence, finish
from hullscan.record.folder import MissionFolder, free_mb
from hullscan.record.replay import DvlLog, FolderPictures, has_recording, recorded_ranges
from hullscan.record.results import Georeference
from hullscan.record.seal import digest, seal
from hullscan.record.signature import machine_key
from hullscan.report.flash import FlashAlerts
from hullscan.report.writing import write_reports
from hullscan.ship.surface import side_name
from hullscan.vehicle.address import parse_address
from hullscan.vehicle.ardusub import ArduSubVehicle
from hullscan.vehicle.dvl import DVL_PORT, WaterLinkedDvl
from hullscan.vehicle.protocol import VehicleIdentity
from hullscan.vehicle.simulator import SimulatorProcess
from hullscan.vehicle.sources import AUTOPILOT
from hullscan.vehicle.tlog import read_recording
from hullscan.video.recorder import Recorder
from hullscan.video.stream import RtpStream
from hullscan.vision.drift import WatchedDetector
from hullscan.vision.runtime import DEFAULT_MODEL, load_detector
from hullscan.vision.tracking import Tracker
from hullscan.words import mark

__all__ = ["LiveMission", "Outcome", "Screen", "SurveyOptions", "survey"]

_FIRST_FRAME_S = 20.0
_KEEP_PLACE_S = 1.0
_BETWEEN_SESSIONS_S = 5.0  # of simulated time
_SAME_PLACE_M = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyOptions:
    """How a survey is run.

    Attributes:
        out: folder in which the mission folder is made.
        connect: MAVLink address; not used with ``scenario``.
        dvl: host or host:port of the DVL.
        video_port: UDP port of the camera's RTP stream.
        scenario: fly in the simulator, in this world.
        speedup: of the simulator, at most.
        paced: mission time is the vehicle's own; for a simulator behind ``connect`` that does not keep real time.
        model: detector; ours by default.
        threads: of the detector.
        signing_key: file with the link's key; that of the mission when None.
        approve: asked about a preflight with cautions; None goes on, and the record has them.
        resume: folder of a mission that was broken off; it goes on there.
        seal_key: signs the closed folder; made if it is not there. Without one the folder is sealed unsigned.
    """

    out: Path
    connect: str = "udpin:0.0.0.0:14550"
    dvl: str = "192.168.194.95"
    video_port: int = 5600
    scenario: Path | None = None
    speedup: float = 1.0
    paced: bool = False
    model: Path | None = None
    threads: int = 1
    resume: Path | None = None
    language: str = "en"
    rules: FindingRules = field(default_factory=FindingRules)
    signing_key: Path | None = None
    approve: Callable[[PreflightReport], bool] | None = None
    seal_key: Path | None = None

    def make_clock(self) -> Clock:
        """The mission clock: the computer's beside a real vehicle, the vehicle's own in a simulator."""
        simulated = self.paced or self.scenario is not None
        return PacedClock(self.speedup) if simulated else SystemClock()


@dataclass(frozen=True, slots=True)
class LiveMission:
    """What the screen shows while it flies."""

    mission: Mission
    plan: Plan
    folder: MissionFolder
    clock: Clock
    pilot: Pilot
    vehicle: ArduSubVehicle
    dvl: WaterLinkedDvl
    stream: RtpStream
    recorder: Recorder
    seeing: LiveSeeing
    flag: Callable[[], Array | None]
    """Write down the place of the hull that the camera looks at, because the operator asks for it; may be called from
    any thread."""


class Screen(Protocol):
    """Shows the mission to the operator."""

    def event(self, kind: str, message: str, data: dict[str, Any]) -> None:
        """Something happened; may come from any thread."""
        ...

    def begin(self, live: LiveMission) -> None:
        """The flight begins."""
        ...

    def end(self) -> None:
        """The flight has ended."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended: the folder, the assessment, and the error that ended it, if any."""

    folder: MissionFolder
    assessment: Assessment | None
    ended_by: HullscanError | None
    aborted: bool


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
        database = MissionDatabase(folder.database)
        stack.callback(database.close)
        events = EventLog(folder.events, clock, screen.event)
        stack.callback(events.close)
        stack.enter_context(warnings_as_events(events))
        events.add("planned", mark("planned: {legs} legs, {minutes:.1f} min, {area:.0f} m²"), _plan_facts(plan))
        flight = _Flight(mission, plan, detector, options, clock, folder, database, events, screen)
        if options.resume is not None:
            flight.resume()
        try:
            flight.fly(mission_file)
        finally:
            flight.hang_up()
        if flight.live is None:
            raise flight.ended_by or HullscanError("the flight did not begin")
        assessment = _close(flight)
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


class _Flight:
    """Everything that is open while a mission flies."""

    def __init__(
        self,
        mission: Mission,
        plan: Plan,
        detector: WatchedDetector,
        options: SurveyOptions,
        clock: Clock,
        folder: MissionFolder,
        database: MissionDatabase,
        events: EventLog,
        screen: Screen,
    ) -> None:
        self.mission, self.plan, self.detector, self.options = mission, plan, detector, options
        self.clock, self.folder, self.database, self.events, self.screen = clock, folder, database, events, screen
        self.live: LiveMission | None = None
        self.ended_by: HullscanError | None = None
        self.identity: dict[str, Any] = {}
        self.vehicle_identity = VehicleIdentity(AUTOPILOT)
        self.preflight: PreflightReport | None = None
        self.video_map = ClockMap(mission.vehicle.video_latency_s, mission.vehicle.video_latency_uncertainty_s)
        self.resume_at: PlanPlace | None = None
        self.earlier_s: list[float] = []
        self._after_utc_s, self._first_track = 0.0, 1
        self._place_utc_s = float("-inf")
        self._recorder_check: Callable[[], None] = lambda: None
        self._open = ExitStack()

    def resume(self) -> None:
        """Go on where the last session stopped, as far as the record tells."""
        facts = self.database.facts()
        leg, share = facts.get("plan_place", (0, 0.0))
        self.resume_at = PlanPlace(min(int(leg), len(self.plan.legs) - 1), float(share))
        self.earlier_s = list(facts.get("sessions_utc_s", []))
        self._after_utc_s = max(
            [float(facts.get("last_utc_s", 0.0)), *(look.utc_s for look in self.database.looks()[-1:])]
        )
        self._first_track = 1 + max((sighting.track for sighting in self.database.sightings()), default=0)
        message = mark("going on at leg {number} of {count}, {share:.0%} of it flown")
        self.events.add(
            "resumed", message, {"number": int(leg) + 1, "count": len(self.plan.legs), "share": float(share)}
        )

    def fly(self, mission_file: Path) -> None:
        """Connect everything and fly; an error that ends the flight is kept, one before it is raised."""
        vehicle, dvl, stream, recorder = self._connect(mission_file)
        self._await_video(stream)
        self._preflight(vehicle, dvl, stream)
        seeing = LiveSeeing(
            stream,
            Looker(self.detector, tracker=Tracker(first_id=self._first_track)),
            vehicle.telemetry,
            self.mission,
            self.clock,
            ship=self._ship_now,
            leg=self._leg_now,
            store=self.database.add_look,
            on_error=lambda error: self.events.add("seeing", mark("seeing stopped: {words}"), {"words": str(error)}),
            rules=self.options.rules,
            pictures=self.folder.path / "live",
            on_findings=lambda utc_s, findings: alerts.update(utc_s, findings),
        )
        alerts = FlashAlerts(
            self.folder.path / "alerts",
            self.mission,
            locate=lambda point: self._located(vehicle, point),
            picture=seeing.picture_of,
            told=self.events.add,
        )
        pilot = Pilot(
            vehicle,
            dvl,
            self.mission,
            self.plan,
            self.clock,
            signals=self._signals(stream, seeing),
            on_event=self.events.add,
            on_place=self._keep_place,
            sighting=lambda: self._strongest(seeing),
            gaps=lambda: self._gaps(seeing),
            resume_at=self.resume_at,
        )
        self._open.callback(seeing.close)
        seeing.start()
        self.live = LiveMission(
            self.mission, self.plan, self.folder, self.clock, pilot, vehicle, dvl, stream, recorder, seeing,
            lambda: self._flag(seeing),
        )  # fmt: skip
        self.database.set_fact("sessions_utc_s", [*self.earlier_s, self.clock.now()])
        if not self.earlier_s:
            self.database.set_fact("start_utc_s", self.clock.now())
        self.screen.begin(self.live)
        try:
            with _interrupts(pilot.abort):
                pilot.fly()
        except HullscanError as error:
            self.ended_by = error
            self.events.add("ended", mark("the mission was ended: {words}"), {"words": str(error)})
        except KeyboardInterrupt:
            self.ended_by = SafetyStop("interrupted twice")
        finally:
            self.database.set_fact("end_utc_s", self.clock.now())
            self.screen.end()

    def _flag(self, seeing: LiveSeeing) -> Array | None:
        """A place that the operator flags by hand becomes an event."""
        place = seeing.looked_at()
        if place is None:
            self.events.add("flag", mark("nothing could be flagged: no hull is in view"))
            return None
        data = {"side": side_name(float(place[1])), "station": float(place[0]), "depth": float(place[2])}
        message = mark("flagged by hand: {side}, station {station:.1f} m, {depth:.1f} m deep")
        self.events.add("flagged", message, data)
        return place

    def _signals(self, stream: RtpStream, seeing: LiveSeeing) -> Signals:
        """What the pilot is told of video, detector and disk."""

        def video_age_s() -> float:
            last_s = stream.stats().last_frame_utc_s
            return float("inf") if last_s is None else self.clock.now() - last_s

        def record_error() -> str:
            try:
                recorder_check()
            except RecordError as error:
                return str(error)
            return ""

        recorder_check = self._recorder_check
        return Signals(
            video_age_s=video_age_s,
            video_still_s=lambda: seeing.still_s,
            detector_lag_s=lambda: max(seeing.frame_age_s() - video_age_s(), 0.0),
            disk_free_mb=lambda: free_mb(self.folder.path),
            record_error=record_error,
        )

    def _gaps(self, seeing: LiveSeeing) -> list[Piece]:
        """Pieces of lanes that were not seen; what an earlier session saw is not known live, so its lanes are left."""
        first = 0 if self.resume_at is None else self.resume_at.leg
        return [piece for piece in pieces_of(self.mission, self.plan, seeing.record) if piece.leg > first or not first]

    def _keep_place(self, place: PlanPlace) -> None:
        """Remember once a second where in the plan the vehicle is: what a resumed mission goes on from."""
        now_s = self.clock.now()
        if now_s - self._place_utc_s >= _KEEP_PLACE_S:
            self._place_utc_s = now_s
            self.database.set_fact("plan_place", [place.leg, round(place.share, 4)])
            self.database.set_fact("last_utc_s", now_s)

    def _strongest(self, seeing: LiveSeeing) -> Sighting | None:
        """The strongest finding that has not been looked at from close."""
        looked_at = self.live.pilot.looked_at if self.live is not None else []
        for finding in seeing.findings:
            place = finding.position_ship_m
            if all(float(np.linalg.norm(place - before)) > _SAME_PLACE_M for before in looked_at):
                return Sighting(place, finding.score, finding.label)
        return None

    def _connect(self, mission_file: Path) -> tuple[ArduSubVehicle, WaterLinkedDvl, RtpStream, Recorder]:
        options, clock, enter = self.options, self.clock, self._open
        connect, dvl_host, dvl_port, video_port = options.connect, *_host_port(options.dvl), options.video_port
        if options.scenario is not None:
            simulator = SimulatorProcess(
                options.scenario,
                mission_file,
                options.speedup,
                options.out,
                self.folder.path / "simulator.log",
                self._after_utc_s + _BETWEEN_SESSIONS_S if self.resume_at is not None else 0.0,
            )
            self.events.add("simulator", mark("starting the simulator"))
            enter.enter_context(simulator)
            connect, dvl_host, dvl_port = simulator.mavlink, simulator.dvl_host, simulator.dvl_port
            video_port = simulator.video_port
        key = signing_key_of(self.mission, mission_file, options.signing_key)
        vehicle = ArduSubVehicle(parse_address(connect), clock, log=self.folder.telemetry, signing_key=key)
        enter.callback(vehicle.close)
        self.events.add("connecting", mark("connecting to the vehicle at {address}"), {"address": connect})
        identity = self.vehicle_identity = vehicle.connect()
        self.identity = {"firmware": identity.firmware, "git_hash": identity.git_hash, "source": str(identity.source)}
        self.events.add("connected", mark("connected: ArduSub {firmware}"), {"firmware": identity.firmware or "?"})
        log = DvlLog(self.folder.dvl)
        enter.callback(log.close)
        mount = self.mission.vehicle.dvl_mount.rotation
        dvl = WaterLinkedDvl(dvl_host, clock, mount, port=dvl_port, record=log)
        enter.callback(dvl.close)
        dvl.start()
        self.events.add("dvl", mark("DVL connected at {address}"), {"address": f"{dvl_host}:{dvl_port}"})
        recorder = Recorder(self.folder.video, on_closed=self._segment_closed)
        self._recorder_check = recorder.check
        enter.callback(recorder.close)
        stream = RtpStream(video_port, clock=clock, clock_map=self.video_map, recorder=recorder)
        enter.callback(stream.close)
        return vehicle, dvl, stream, recorder

    def _segment_closed(self, path: Path) -> None:
        """The hashes of a video file and its index as they were when it was closed."""
        files = [path, path.with_suffix(".jsonl")]
        data = {
            "file": f"video/{path.name}",
            "megabytes": path.stat().st_size / 1e6,
            "sha256": {f"video/{each.name}": digest(each) for each in files},
        }
        self.events.add("segment", mark("video file closed: {file}, {megabytes:.1f} MB"), data)

    def _await_video(self, stream: RtpStream) -> None:
        ticker, end_s = Ticker(self.clock, 5.0), self.clock.now() + _FIRST_FRAME_S
        while stream.stats().decoded == 0:
            if self.clock.now() > end_s:
                raise VideoError(
                    f"no video within {_FIRST_FRAME_S:.0f} s",
                    where=f"UDP port {self.options.video_port}" if self.options.scenario is None else "simulator",
                    todo="check the camera's stream and that no other program holds the port",
                )
            ticker.wait()
        self.events.add("video", mark("video is coming in"))

    def _preflight(self, vehicle: ArduSubVehicle, dvl: WaterLinkedDvl, stream: RtpStream) -> None:
        """What ``hullscan preflight`` looks at, before anything turns: a no-go ends it, cautions may be overridden."""
        equipment = Equipment(
            vehicle=vehicle, identity=self.vehicle_identity, clock=self.clock, dvl=dvl, stream=stream,
            video_map=self.video_map, folder=self.folder.path,
        )  # fmt: skip
        self.preflight = before_flight(
            equipment,
            self.mission,
            self.plan,
            self.events.add,
            folder=self.folder.path,
            language=self.options.language,
            approve=self.options.approve,
        )

    def _ship_now(self) -> ShipTrack | None:
        registration = self.live.pilot.registration if self.live is not None else None
        if registration is None or not registration.updates:
            return None
        return ShipTrack.constant(registration.pose, registration.covariance)

    def _located(self, vehicle: ArduSubVehicle, point_ship_m: Array) -> tuple[float, float]:
        """Latitude and longitude of a point of the ship, as she is known to lie now."""
        ship, origin = self._ship_now(), vehicle.telemetry.origin
        if ship is None or origin is None:
            berth = self.mission.file.berth
            return Georeference(berth.origin, berth.ship_pose).of(point_ship_m)
        return Georeference(origin, ship.at(self.clock.now())[0]).of(point_ship_m)

    def _leg_now(self) -> int:
        if self.live is None:
            return -1
        number = self.live.pilot.status.leg
        return number if number >= 0 and self.plan.legs[number].surveys else -1

    @property
    def sessions_s(self) -> list[float]:
        """When each session of the mission began."""
        return [float(each) for each in self.database.facts()["sessions_utc_s"]]

    def hang_up(self) -> None:
        """Close everything that is open, the last first."""
        self._open.close()

    def facts(self) -> dict[str, Any]:
        """For the summary: how it went, in numbers."""
        live = self.live
        assert live is not None
        stored = self.database.facts()
        start_s, end_s = float(stored["start_utc_s"]), float(stored["end_utc_s"])
        video, battery = live.stream.stats(), live.vehicle.telemetry.battery
        volts = battery.all()["voltage_v"] if len(battery) else np.array([np.nan])
        registration = live.pilot.registration
        outcome = "aborted" if live.pilot.aborted else "done"
        return {
            "outcome": outcome if self.ended_by is None else "ended by a safety rule",
            "ended_by": None if self.ended_by is None else str(self.ended_by),
            "ended_by_words": _words_of(self.ended_by),
            "sessions_utc_s": [round(each, 3) for each in stored["sessions_utc_s"]],
            "start_utc": utc_text(start_s),
            "end_utc": utc_text(end_s),
            "duration_s": round(end_s - start_s, 1),
            "planned_duration_s": round(self.plan.duration_s, 1),
            "distance_m": round(live.pilot.distance_m, 1),
            "min_range_m": _rounded(live.pilot.min_range_m),
            "battery_v": {"start": _rounded(float(volts[0])), "end": _rounded(float(volts[-1]))},
            "vehicle": {"profile": self.mission.vehicle.name, **self.identity},
            "registration": {
                "updates": registration.updates if registration is not None else 0,
                "beams_used": registration.used_beams if registration is not None else 0,
                "beams_rejected": registration.rejected_beams if registration is not None else 0,
            },
            "video": {
                "packets_lost": video.lost_packets,
                "frames_in": video.access_units,
                "frames_recorded": video.recorded,
                "frames_unrecorded": video.unrecorded,
                "frames_decoded": video.decoded,
                "frames_suspect": video.suspect,
                "frames_examined": live.seeing.looks,
            },
            "dvl": {
                "reports": live.dvl.counts.reports,
                "invalid": live.dvl.counts.invalid,
                "suspect": live.dvl.counts.suspect,
                "repeated": live.dvl.counts.repeated,
                "reconnects": live.dvl.counts.reconnects,
            },
            "boot_utc_s": round(live.vehicle.telemetry.time.offset_s, 4),
            "clock_offsets_ms": {
                "video": {"uncertainty": round(self.video_map.uncertainty_s * 1000, 1)},
                "dvl": {"uncertainty": round(live.dvl.clock_uncertainty_s * 1000, 1)},
                "preflight": self.preflight.clocks_ms if self.preflight is not None else {},
            },
            "detector_inputs": self.detector.drift(),
            "software": f"hullscan {__version__}",
        }


def _close(flight: _Flight) -> Assessment:
    """Assess what was recorded and write the report."""
    live = flight.live
    assert live is not None
    flight.screen.event("finishing", mark("placing findings and writing the report"), {})
    registration = live.pilot.registration
    if registration is not None:
        ship = registration.smoothed()
    else:  # it ended before the hull was found: the berth as stated, with all of its uncertainty
        spread = np.diag([1.0, 1.0, np.radians(5) ** 2, 0.04])
        ship = ShipTrack.constant(_stated_ship(flight.mission, live.vehicle), spread)
    telemetry = live.vehicle.telemetry
    if flight.earlier_s:  # what was recorded before counts as much
        telemetry = read_recording(flight.folder.telemetry).telemetry
        mount = flight.mission.vehicle.dvl_mount.rotation
        ranges = list(recorded_ranges(flight.folder.dvl, mount))
        ship = registered(flight.mission, flight.plan, telemetry, ranges, flight.sessions_s)
    camera = live.seeing.camera or flight.mission.vehicle.camera
    evidence = Evidence(
        flight.mission,
        flight.plan,
        telemetry,
        ship,
        camera,
        flight.video_map.uncertainty_s,
        flight.detector.model_sha256,
        flight.facts(),
    )
    pictures = FolderPictures(flight.folder.video) if has_recording(flight.folder.video) else None
    assessment = finish(flight.folder, flight.database, evidence, pictures, flight.options.rules)
    write_reports(flight.folder, flight.options.language)
    return assessment


def _stated_ship(mission: Mission, vehicle: ArduSubVehicle) -> ShipPose:
    berth, origin = mission.file.berth, vehicle.telemetry.origin
    north, east = origin.to_ned(berth.lat_deg, berth.lon_deg) if origin is not None else (0.0, 0.0)
    return ShipPose(north, east, float(np.radians(berth.heading_deg)))


def _host_port(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(port) if port.isdigit() else DVL_PORT


def _words_of(error: HullscanError | None) -> dict[str, Any] | None:
    """The message and data behind an error, where it has words for people in their language."""
    return {"message": error.message, "data": error.data} if isinstance(error, SafetyStop) and error.message else None


def _rounded(value: float) -> float | None:
    return round(value, 2) if np.isfinite(value) else None


@contextmanager
def _interrupts(first: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C asks for the way home; a second one ends at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    count = 0

    def handler(number: int, frame: Any) -> None:
        nonlocal count
        count += 1
        if count > 1:
            raise KeyboardInterrupt
        first()

    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
