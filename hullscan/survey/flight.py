"""Everything that is open while a mission flies: links, recordings, eyes and pilot."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hullscan.clock import Clock, ClockMap, Ticker
from hullscan.errors import HullscanError, RecordError, VideoError
from hullscan.findings.geotag import HullFix
from hullscan.findings.seeing import EarlierLooks, LiveSeeing
from hullscan.findings.sightings import Looker
from hullscan.findings.viewpoint import Viewpoint
from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array
from hullscan.geometry.track import ShipTrack
from hullscan.mission.model import Mission
from hullscan.mission.plan import Plan
from hullscan.pilot.closeup import Sighting
from hullscan.pilot.pilot import Pilot, PlanPlace, Signals
from hullscan.pilot.refly import Piece, pieces_of
from hullscan.pilot.registration import FittingWatch, fitting_landmarks
from hullscan.preflight.before_flight import before_flight
from hullscan.preflight.check import PreflightReport
from hullscan.preflight.equip import signing_key_of
from hullscan.preflight.gather import Equipment
from hullscan.record.database import MissionDatabase
from hullscan.record.events import EventLog
from hullscan.record.folder import MissionFolder, free_mb
from hullscan.record.replay import DvlLog
from hullscan.record.results import Georeference
from hullscan.record.seal import digest
from hullscan.report.flash import FlashAlerts
from hullscan.ship.surface import side_name
from hullscan.survey.earlier import earlier_alerts, earlier_looks
from hullscan.survey.options import LiveMission, Screen, SurveyOptions
from hullscan.survey.picture_time import PictureTime
from hullscan.vehicle.address import parse_address
from hullscan.vehicle.ardusub import ArduSubVehicle
from hullscan.vehicle.dvl import DVL_PORT, WaterLinkedDvl
from hullscan.vehicle.mavlink_range import MavlinkRange
from hullscan.vehicle.protocol import RangeSensor, VehicleIdentity
from hullscan.vehicle.simulator import SimulatorProcess
from hullscan.vehicle.sources import AUTOPILOT
from hullscan.video.recorder import Recorder
from hullscan.video.stream import RtpStream
from hullscan.vision.drift import WatchedDetector
from hullscan.vision.tracking import Tracker
from hullscan.words import mark

__all__ = ["Flight"]

_FIRST_FRAME_S = 20.0
_KEEP_PLACE_S = 1.0
_BETWEEN_SESSIONS_S = 5.0  # of simulated time
_SAME_PLACE_M = 1.0
_END_THE_FLIGHT = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
]
"""Ctrl-C, a computer that shuts down, a terminal that is closed; the last one is Windows'."""


class Flight:
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
        self.picture_time: PictureTime | None = None
        self.resume_at: PlanPlace | None = None
        self.earlier_s: list[float] = []
        self._after_utc_s, self._first_track = 0.0, 1
        self._earlier: EarlierLooks | None = None
        self._skipped: set[int] = set()
        self._place_utc_s = float("-inf")
        self._fittings = FittingWatch(fitting_landmarks(mission.hull, mission.file.ship.fittings))
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
        self._skipped = set(facts.get("skipped_legs", []))
        try:
            self._earlier = earlier_looks(self.folder, self.database, self.mission, self.plan)
        except HullscanError as error:
            self.events.add("warning", mark("warning: {words}"), {"words": str(error)})
        message = mark("going on at leg {number} of {count}, {share:.0%} of it flown")
        self.events.add(
            "resumed", message, {"number": int(leg) + 1, "count": len(self.plan.legs), "share": float(share)}
        )

    def fly(self, mission_file: Path) -> None:
        """Connect everything and fly; an error that ends the flight is kept, one before it is raised."""
        vehicle, ranges, stream, recorder = self._connect(mission_file)
        self._await_video(stream)
        self._preflight(vehicle, ranges, stream)
        timing = self.picture_time = PictureTime(
            self.mission.vehicle, vehicle.telemetry, ranges, self.clock, self.events.add
        )
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
            on_fitting=lambda fix, view, camera: self._anchor(vehicle, fix, view, camera),
            on_findings=lambda utc_s, findings: alerts.update(utc_s, findings),
            on_frame=timing.watch.take,
            earlier=self._earlier,
        )
        alerts = FlashAlerts(
            self.folder.path / "alerts",
            self.mission,
            locate=lambda point: self._located(vehicle, point),
            picture=seeing.picture_of,
            told=self.events.add,
        )
        alerts.remember(earlier_alerts(self.folder))
        pilot = Pilot(
            vehicle,
            ranges,
            self.mission,
            self.plan,
            self.clock,
            signals=replace(self._signals(stream, seeing), turning=self._turning()),
            on_event=self.events.add,
            on_place=self._keep_place,
            sighting=lambda: self._strongest(seeing),
            gaps=lambda: self._gaps(seeing),
            resume_at=self.resume_at,
        )
        self._open.callback(seeing.close)
        seeing.start()
        self.live = LiveMission(
            self.mission, self.plan, self.folder, self.clock, pilot, vehicle, ranges, stream, recorder, seeing,
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
            self._let_go(vehicle)
        finally:
            self.database.set_fact("end_utc_s", self.clock.now())
            self.screen.end()

    def _let_go(self, vehicle: ArduSubVehicle) -> None:
        """Somebody has asked a second time: nothing more is sent; the vehicle is left as it is."""
        words = mark("interrupted a second time: hullscan lets go of the vehicle")
        if vehicle.telemetry.armed:
            words = mark(
                "interrupted a second time: hullscan lets go; the vehicle is armed and holds its depth where it is, "
                "take it over by joystick"
            )
        vehicle.let_go("interrupted twice")
        self.events.add("handed over", words)

    def _turning(self) -> Callable[[bool], None] | None:
        """For the pilot, unless the vehicle was turned by hand while preflight listened."""
        measured = self.preflight is not None and self.preflight.clocks_ms.get("video_lag") is not None
        return None if measured or self.picture_time is None else self.picture_time.turning

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

    def _gaps(self, seeing: LiveSeeing) -> Iterator[list[Piece]]:
        """Pieces of lanes that were not seen; lanes of an earlier session are left when nobody knows what it saw."""
        first = 0 if self.resume_at is None or self._earlier is not None else self.resume_at.leg
        now = self._ship_now()
        ship = None if now is None else now.at(self.clock.now())
        for pieces in pieces_of(self.mission, self.plan, seeing.record.cells, seeing.places, ship):
            yield [piece for piece in pieces if (piece.leg > first or not first) and piece.leg not in self._skipped]

    def _keep_place(self, place: PlanPlace) -> None:
        """Remember once a second where in the plan the vehicle is: what a resumed mission goes on from."""
        now_s = self.clock.now()
        if now_s - self._place_utc_s >= _KEEP_PLACE_S:
            self._place_utc_s = now_s
            self.database.set_fact("plan_place", [place.leg, round(place.share, 4)])
            self.database.set_fact("last_utc_s", now_s)
            if self.live is not None and self.live.pilot.skipped:
                self.database.set_fact("skipped_legs", sorted(self._skipped | self.live.pilot.skipped))

    def _strongest(self, seeing: LiveSeeing) -> Sighting | None:
        """The strongest finding that has not been looked at from close."""
        looked_at = self.live.pilot.looked_at if self.live is not None else []
        for finding in seeing.findings:
            place = finding.position_ship_m
            if all(float(np.linalg.norm(place - before)) > _SAME_PLACE_M for before in looked_at):
                return Sighting(place, finding.score, finding.label)
        return None

    def _connect(self, mission_file: Path) -> tuple[ArduSubVehicle, RangeSensor, RtpStream, Recorder]:
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
            connect, video_port = simulator.mavlink, simulator.video_port
            if dvl_host:
                dvl_host, dvl_port = simulator.dvl_host, simulator.dvl_port
        key = signing_key_of(self.mission, mission_file, options.signing_key)
        vehicle = ArduSubVehicle(parse_address(connect), clock, log=self.folder.telemetry, signing_key=key)
        enter.callback(vehicle.close)
        self.events.add("connecting", mark("connecting to the vehicle at {address}"), {"address": connect})
        identity = self.vehicle_identity = vehicle.connect()
        self.identity = {"firmware": identity.firmware, "git_hash": identity.git_hash, "source": str(identity.source)}
        self.events.add("connected", mark("connected: ArduSub {firmware}"), {"firmware": identity.firmware or "?"})
        ranges = self._ranges(vehicle, dvl_host, dvl_port)
        recorder = Recorder(self.folder.video, on_closed=self._segment_closed)
        self._recorder_check = recorder.check
        enter.callback(recorder.close)
        stream = RtpStream(video_port, clock=clock, clock_map=self.video_map, recorder=recorder)
        enter.callback(stream.close)
        return vehicle, ranges, stream, recorder

    def _ranges(self, vehicle: ArduSubVehicle, host: str, port: int) -> RangeSensor:
        """The DVL; without one the echo sounder that looks ahead, which the vehicle's link delivers."""
        log = DvlLog(self.folder.dvl)
        self._open.callback(log.close)
        if not host:
            log(self.clock.now(), b'{"type": "no DVL"}')
            words = mark(
                "no DVL: range by the echo sounder ahead, place by what else the vehicle has; less sure of both"
            )
            self.events.add("degraded", words)
            return MavlinkRange(vehicle.telemetry)
        dvl = WaterLinkedDvl(host, self.clock, self.mission.vehicle.dvl_mount.rotation, port=port, record=log)
        self._open.callback(dvl.close)
        dvl.start()
        self.events.add("dvl", mark("DVL connected at {address}"), {"address": f"{host}:{port}"})
        return dvl

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

    def _preflight(self, vehicle: ArduSubVehicle, ranges: RangeSensor, stream: RtpStream) -> None:
        """What ``hullscan preflight`` looks at, before anything turns: a no-go ends it, cautions may be overridden."""
        equipment = Equipment(
            vehicle=vehicle, identity=self.vehicle_identity, clock=self.clock, stream=stream, video_map=self.video_map,
            dvl=ranges if isinstance(ranges, WaterLinkedDvl) else None, folder=self.folder.path,
        )  # fmt: skip
        self.preflight = before_flight(
            equipment,
            self.mission,
            self.plan,
            self.events.add,
            folder=self.folder.path,
            approve=self.options.approve,
        )

    def _ship_now(self) -> ShipTrack | None:
        registration = self.live.pilot.registration if self.live is not None else None
        if registration is None or not registration.updates:
            return None
        return ShipTrack.constant(registration.pose, registration.covariance)

    def _anchor(self, vehicle: ArduSubVehicle, fix: HullFix, view: Viewpoint, camera: Camera) -> None:
        """A fitting that is on the drawings was seen: that tells the place along a parallel midbody."""
        sighting = self._fittings.take(fix, view, camera)
        registration = self.live.pilot.registration if self.live is not None else None
        if sighting is not None and registration is not None:
            registration.take_landmark(sighting, vehicle.telemetry)

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


def _host_port(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(port) if port.isdigit() else DVL_PORT


@contextmanager
def _interrupts(first: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C asks for the way home; a second one lets go at once, wherever the vehicle is.

    A terminal that is closed, or a computer that shuts down, asks for the way home too, however often it says so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    count = 0

    def handler(number: int, frame: Any) -> None:
        nonlocal count
        count += number == signal.SIGINT
        if number == signal.SIGINT and count > 1:
            raise KeyboardInterrupt
        first()

    before = {number: signal.signal(number, handler) for number in _END_THE_FLIGHT}
    try:
        yield
    finally:
        for number, handled in before.items():
            signal.signal(number, handled)
