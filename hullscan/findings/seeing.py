"""Seeing while flying: a thread that examines the newest frame whenever the view has moved on.

It never makes anybody wait: the stream keeps the newest frame only, the recorder has all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hullscan.clock import Clock
from hullscan.errors import HullscanError
from hullscan.findings.assess import clear_cells
from hullscan.findings.geotag import HullFix, geotag
from hullscan.findings.in_view import cells_in_view
from hullscan.findings.merge import Finding, FindingRules, merge_fixes
from hullscan.findings.sightings import Look, Looker, Sighting
from hullscan.findings.thumbnails import Thumbnails
from hullscan.findings.viewpoint import Viewpoint, Viewpoints
from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array, Pose
from hullscan.geometry.track import ShipTrack
from hullscan.mission.model import Mission
from hullscan.search.cells import HullCells
from hullscan.search.looks import REACH_SHARE, LookRecord, seen_cells
from hullscan.vehicle.telemetry import Telemetry
from hullscan.video.frames import Frame, FrameSource
from hullscan.video.still import StillPicture

__all__ = ["EarlierLooks", "LiveSeeing"]

_MERGE_EVERY_S = 2.0
_IN_VIEW_M = 12.0  # no hull is seen from farther


@dataclass(frozen=True, slots=True)
class EarlierLooks:
    """What earlier sessions of a mission have looked at and sighted, and from where."""

    views: Viewpoints
    looks: list[Look]
    sightings: list[Sighting]


class LiveSeeing:
    """Looks, sightings, provisional findings and coverage during a flight.

    Args:
        ship: asked for where she lies now; None before the first fix.
        leg: asked for the number of the leg that is searched now, -1 outside of one.
        store: gets each look with its sightings.
        on_error: told once when seeing had to stop; the flight goes on, nothing is searched.
        pictures: folder for small pictures of what is sighted; None writes none.
        on_fitting: told of each sighting of anything else than a finding: placed, from where, and with what camera.
        on_frame: gets each picture that is read, before anything else.
        on_findings: told of the provisional findings each time they were put together, with the time of the look.
        earlier: what other sessions of the mission have seen; this one goes on from there.

    Attributes:
        record: looks as if the camera had been just where it was believed to be, for the screen.
        places: (n,) for each cell the places of the camera (``CameraDoubt``) from which some look showed it: by these
            it is known what was surely seen.
    """

    def __init__(
        self,
        source: FrameSource,
        looker: Looker,
        telemetry: Telemetry,
        mission: Mission,
        clock: Clock,
        *,
        ship: Callable[[], ShipTrack | None],
        leg: Callable[[], int],
        store: Callable[[Look, list[Sighting]], None],
        on_error: Callable[[HullscanError], None],
        rules: FindingRules,
        pictures: Path | None = None,
        on_fitting: Callable[[HullFix, Viewpoint, Camera], None] = lambda fix, view, camera: None,
        on_findings: Callable[[float, list[Finding]], None] = lambda utc_s, findings: None,
        on_frame: Callable[[Frame], None] = lambda frame: None,
        earlier: EarlierLooks | None = None,
    ) -> None:
        self._on_frame = on_frame
        self._on_findings, self._on_fitting = on_findings, on_fitting
        self._source, self._looker, self._telemetry, self._mission = source, looker, telemetry, mission
        self._clock, self._ship, self._leg, self._store, self._on_error = clock, ship, leg, store, on_error
        self._rules = rules
        self._thumbnails = Thumbnails(pictures, rules.labels)
        self.looks = 0
        self.frames = 0
        self.camera: Camera | None = None
        self.findings: list[Finding] = []
        self.record = LookRecord(HullCells(mission.hull), mission.file.conditions.visibility_m, mission.pod_model)
        self.places = np.zeros(len(self.record.cells), np.uint64)
        self._fixes: list[HullFix] = []
        self._earlier = earlier
        self._merged_s = float("-inf")
        self._frame_utc_s = float("-inf")
        self._still = StillPicture()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="seeing", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Finish the look in progress and stop."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def frame_age_s(self) -> float:
        """Seconds of mission time since the newest frame was taken."""
        return self._clock.now() - self._frame_utc_s

    @property
    def still_s(self) -> float:
        """For how long the pictures have been one and the same."""
        return self._still.still_s

    def picture_of(self, finding: Finding) -> str:
        """Path of a small picture of a finding; empty when there is none."""
        found = (self._thumbnails.path_of(fix.sighting.track) for fix in finding.fixes)
        return next((str(path) for path in found if path is not None), "")

    def looked_at(self) -> Array | None:
        """(3,) place of the hull in the middle of the picture now, ship frame; None when no hull is in view."""
        ship = self._ship()
        view = None if ship is None else Viewpoints(self._telemetry, ship, self._mission.vehicle).at(self._clock.now())
        if view is None:
            return None
        ahead = view.camera_ship.directions_to_parent(np.array([[0.0, 0.0, 1.0]]))
        hits = self._mission.hull.cast(view.camera_ship.position_m[None], ahead, _IN_VIEW_M)
        return hits.points_m[0] if hits.hit[0] else None

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                frame = self._source.read(0.2)
                if frame is not None:
                    self._take(frame)
            except HullscanError as error:
                self._on_error(error)
                if self._source.ended:
                    return

    def _take(self, frame: Frame) -> None:
        self.frames += 1
        self._frame_utc_s = frame.utc_s
        self._on_frame(frame)
        self._still.take(frame.image_bgr, frame.utc_s)
        if self.camera is None:
            height, width = frame.image_bgr.shape[:2]
            self.camera = self._mission.vehicle.camera.resized(width, height)
            self._recall()
        pose = self._pose(frame.utc_s)
        if pose is None:
            return
        yaw = float(pose.rotation.as_euler("ZYX")[0])
        if not self._looker.wants(frame.utc_s, pose.position_m, yaw):
            return
        look, sightings = self._looker.look(frame, pose.position_m, yaw, self._leg())
        self.looks += 1
        self._store(look, sightings)
        self._thumbnails.take(frame.image_bgr, sightings)
        self._place(look, sightings)

    def _recall(self) -> None:
        """Go on from what earlier sessions have seen."""
        earlier = self._earlier
        if earlier is None:
            return
        for look in earlier.looks:
            self._count(look, earlier.views.at(look.utc_s))
        for sighting in earlier.sightings:
            self._fix(sighting, earlier.views.at(sighting.utc_s), earlier=True)
        self.findings = merge_fixes(self._fixes, self._rules)

    def _pose(self, utc_s: float) -> Pose | None:
        """Where the vehicle was; the newest that is known when telemetry is behind the picture."""
        try:
            return self._telemetry.pose_at(utc_s)
        except HullscanError:
            position, attitude = self._telemetry.position.latest, self._telemetry.attitude.latest
            if position is None or attitude is None:
                return None
            return Pose(np.asarray(position.position_ned_m, dtype=np.float64), attitude.r_ned_frd)

    def _place(self, look: Look, sightings: list[Sighting]) -> None:
        """Provisional places, for the screen; the report is made from smoothed poses later."""
        ship = self._ship()
        if ship is None:
            return
        view = Viewpoints(self._telemetry, ship, self._mission.vehicle).at(look.utc_s)
        self._count(look, view)
        for sighting in sightings:
            self._fix(sighting, view)
        if look.utc_s - self._merged_s > _MERGE_EVERY_S:
            self._merged_s = look.utc_s
            self.findings = merge_fixes(self._fixes, self._rules)
            self._on_findings(look.utc_s, self.findings)

    def _count(self, look: Look, view: Viewpoint | None) -> None:
        """Cells that were in view."""
        if view is None or self.camera is None or look.suspect or look.leg < 0:
            return
        reach = REACH_SHARE * self._mission.file.conditions.visibility_m
        seen = seen_cells(self.record.cells, self.camera, view.camera_ship, reach)
        clear, contrast = clear_cells(look, self.camera, seen)
        self.record.add(clear, look.leg, contrast, speed_mps=view.speed_mps)
        unsure = cells_in_view(self.record.cells, self.camera, view, reach)
        if unsure is not None:
            unsure, _ = clear_cells(look, self.camera, unsure)
            self.places[unsure.index] |= unsure.places

    def _fix(self, sighting: Sighting, view: Viewpoint | None, *, earlier: bool = False) -> None:
        """A place for a sighting: of what is searched for, or of a fitting."""
        if view is None or self.camera is None:
            return
        fix = geotag(sighting, view, self.camera, self._mission.hull, self._mission.vehicle, 0.05)
        if fix is None:
            return
        if sighting.label not in self._rules.labels:
            if not earlier:
                self._on_fitting(fix, view, self.camera)
        elif sighting.track:
            self._fixes.append(fix)
