"""Eyes for flights without a camera: fittings of the drawings that the vehicle would recognise as it passes them.

Where a camera on the vehicle's true path has a fitting of the true ship whole in its picture, near enough and facing
it, it gets a box as the detector would draw it, and everything from there on is hullscan's own: geotag, recognition,
registration. Whether a fitting is recognised at all is drawn once for each: what is overgrown stays so.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.findings.geotag import geotag
from hullscan.findings.outline import plating_axes
from hullscan.findings.sightings import Sighting
from hullscan.findings.viewpoint import Viewpoints
from hullscan.geometry.frames import Array, Pose
from hullscan.geometry.track import ShipTrack
from hullscan.mission.model import Mission
from hullscan.pilot.pilot import Pilot
from hullscan.pilot.registration import FittingWatch, fitting_landmarks
from hullscan.search.looks import EDGE, MAX_INCIDENCE_RAD, REACH_SHARE
from hullscan.ship.fittings import fitting_point
from hullscan.vehicle.ardusub import ArduSubVehicle
from hullscan_sim.as_built import mount_as_fitted, mount_error
from hullscan_sim.simulation import Simulation

__all__ = ["KINDS", "StandInEyes"]

KINDS = {"sea_chest": "grating", "anode": "anode", "outlet": "outlet"}
"""Of fittings, and what the detector calls them."""
_EVERY_S, _LAG_S = 0.5, 0.4  # between looks; until the detector has said what it saw
_EDGE_SHARE, _SCORE = 0.08, 0.6  # by which boxes are wrong at each edge, of the object; any score that counts


class StandInEyes:
    """What would be recognised.

    Args:
        recognised: chance that a fitting is recognised at all.
        rng: for that, and for the edges of boxes.
    """

    def __init__(self, mission: Mission, recognised: float, rng: np.random.Generator) -> None:
        self._mission, self._recognised, self._rng = mission, recognised, rng
        self._watch = FittingWatch(fitting_landmarks(mission.hull, mission.file.ship.fittings))
        self._things: list[tuple[str, Array, Array]] | None = None
        self._next_s = 0.0
        self._seen: deque[list[Sighting]] = deque()
        self.used = 0

    def look(self, simulation: Simulation, pilot: Pilot, vehicle: ArduSubVehicle) -> None:
        """Called after each slice of simulated time."""
        if simulation.time_s >= self._next_s:
            self._next_s = simulation.time_s + _EVERY_S
            self._seen.append(self._sightings(simulation))
        while self._seen and (not self._seen[0] or self._seen[0][0].utc_s < simulation.utc_s - _LAG_S):
            self._tell(self._seen.popleft(), pilot, vehicle)

    def _sightings(self, simulation: Simulation) -> list[Sighting]:
        if self._things is None:
            self._things = self._drawn_things(simulation)
        vehicle, world, body = self._mission.vehicle, simulation.world, simulation.body
        camera, reach_m = vehicle.camera, REACH_SHARE * self._mission.file.conditions.visibility_m
        roll, pitch, yaw = body.euler_rad
        turned = Rotation.from_euler("ZYX", [yaw - world.ship_pose.heading_rad, pitch, roll])
        options = world.scenario.vehicle
        error = mount_error(options.mount_deg, options.mount_m, world.scenario.seed)
        mount = mount_as_fitted(vehicle.camera_pose_frd(simulation.autopilot.payload.tilt_rad), *error)
        eye = Pose(np.array(world.to_ship(body.position)), turned) @ mount
        found = []
        for label, corners, normal in self._things:
            toward = corners.mean(axis=0) - eye.position_m
            distance = float(np.linalg.norm(toward))
            if distance > reach_m or -float(toward @ normal) < np.cos(MAX_INCIDENCE_RAD) * distance:
                continue
            pixels = camera.project(eye.to_body(corners))
            size = np.array([camera.width_px, camera.height_px])
            if not ((pixels > EDGE * size) & (pixels < (1 - EDGE) * size)).all():
                continue
            low, high = pixels.min(axis=0), pixels.max(axis=0)
            wrong = np.hypot(_EDGE_SHARE * (high - low).max(), 1.0) * self._rng.normal(size=4)
            box = np.concatenate([low, high]) + wrong
            found.append(
                Sighting(
                    utc_s=simulation.utc_s,
                    stream_s=simulation.time_s,
                    frame=0,
                    label=label,
                    score=_SCORE,
                    box_xyxy_px=tuple(box.tolist()),
                    track=1,
                    cut=False,
                    suspect=False,
                )
            )
        return found

    def _drawn_things(self, simulation: Simulation) -> list[tuple[str, Array, Array]]:
        """Label, (4, 3) corners and (3,) normal of what is recognised of the ship as built."""
        things = []
        for fitting in simulation.world.stated.ship.fittings:
            if fitting.kind not in KINDS or self._rng.random() > self._recognised:
                continue
            point, normal, _ = fitting_point(self._mission.hull, fitting)
            axes, half = plating_axes(normal), np.array(fitting.size_m) / 2
            corners = point + np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]]) * half @ axes
            things.append((KINDS[fitting.kind], corners, normal))
        return things

    def _tell(self, sightings: list[Sighting], pilot: Pilot, vehicle: ArduSubVehicle) -> None:
        registration = pilot.registration
        if not sightings or registration is None or not registration.updates:
            return
        profile = self._mission.vehicle
        ship = ShipTrack.constant(registration.pose, registration.covariance)
        view = Viewpoints(vehicle.telemetry, ship, profile).at(sightings[0].utc_s)
        for sighting in sightings if view is not None else ():
            fix = geotag(sighting, view, profile.camera, self._mission.hull, profile, 0.05)
            seen = None if fix is None else self._watch.take(fix, view, profile.camera)
            if seen is not None:
                self.used += registration.take_landmark(seen, vehicle.telemetry)
