"""Where the vehicle is beside the ship: ranges to the hull matched to her surface.

The berth is not where the mission says, dead reckoning drifts, steel turns the compass, and with it the vehicle's
estimator. What holds still is the hull: each report of ranges is compared with what ray casting says that it should
be. Along a parallel midbody nothing is learnt about the place along the ship, and the covariance says so; the
curvature of bow and stern, and fittings seen in the video, are anchors. The state is in ``state``, how it moves in
``motion``, what a sensor should see in ``beams``. Until the place is known to a few decimetres several places are
followed at once (``mixture``): that is the first fix, and the way back after being lost.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import radians

import numpy as np

from hullscan.errors import HullscanError
from hullscan.geometry.frames import Array, Pose, ShipPose
from hullscan.geometry.track import ShipTrack
from hullscan.pilot.registration import state as s
from hullscan.pilot.registration.beams import RangeWatch, predicted, usable_beams
from hullscan.pilot.registration.first_fix import beside_plating, grid
from hullscan.pilot.registration.landmarks import LandmarkSighting, bearing_predictor
from hullscan.pilot.registration.mixture import Mixture, Predictor
from hullscan.pilot.registration.motion import STILL, Motion, between, moved_on
from hullscan.pilot.registration.noise import RegistrationNoise
from hullscan.pilot.registration.smoother import WINDOW, Moment, Refining, Window, again, as_track
from hullscan.ship.surface import HullSurface
from hullscan.vehicle.protocol import RangeReport
from hullscan.vehicle.telemetry import Telemetry

__all__ = ["HullRegistration"]

_LOST_AFTER = 15  # reports in a row of which most beams do not fit: the filter is lost and opens up again
_LOST_M, _LOST_RAD = 1.0, radians(4.0)
_MIN_INTERVAL_S = 0.19  # reports closer than this share their errors and are skipped
_COAST_S = 1.0  # while no beam tells anything: steel turns the vehicle's local frame meanwhile, by degrees a second
_TIDY_EVERY = 5
_ONE_PLACE_M = 0.5  # a berth known less well than that begins with several places
_LANDMARK_AGE_S = 3.0
# reports after which the newest stretch is linearised anew: 25, 50, 100, 200, ...
_ANEW_FIRST, _ANEW_EVERY = 25, 125
# and sooner, but not at once again, where this share of the variance along the ship is left: beside an anchor
_LEARNT, _ANEW_LEAST = 0.6, 10
# Along the ship, one sigma. What is linearised anew is one Gaussian: done while several places are far apart it would
# keep the likeliest and drop the rest (recorded flights along nearly straight sides: 20 % inside the stated radius).
_LIKE_ONE_M = 0.7
_PIECES = 4  # of the work on it with each report: it takes some seconds, and no command waits for it
_KEPT_LEAST = 2 * (WINDOW + 2 * _ANEW_EVERY)  # so that half of them hold the window


class HullRegistration:
    """The filter; one thread feeds it, any thread may ask.

    Args:
        hull: as she floats.
        expected: where the mission says that she lies, in the vehicle's local frame.
        mount: frd from the sensor's origin: only its position counts, beams come in frd.
        vehicle_ned_m: (3,) where the flight begins.
        kept: reports that are remembered at most, for the smoother; the older half goes when there are more. All of
            them when None.

    Attributes:
        forgotten: reports that are not remembered any more.
        coasted: of all reports, those without a beam that could be used, of which the motion alone was.
    """

    def __init__(
        self,
        hull: HullSurface,
        expected: ShipPose,
        mount: Pose,
        vehicle_ned_m: Array,
        noise: RegistrationNoise | None = None,
        *,
        kept: int | None = None,
    ) -> None:
        if kept is not None and kept < _KEPT_LEAST:
            raise ValueError(f"expected at least {_KEPT_LEAST} reports to be kept, got {kept}")
        self._hull, self._mount, self._kept = hull, mount, kept
        self.forgotten = self.coasted = 0
        self.noise = noise or RegistrationNoise()
        first, last = float(hull.stations_m[0]), float(hull.stations_m[-1])
        self._middle_m = (first + last) / 2
        self._keel_m = float(hull.keel_depth(hull.stations_m).max())
        beside = expected.to_ship(vehicle_ned_m)
        mean = np.zeros(s.SIZE)
        mean[:4] = beside[0], beside[1], expected.heading_rad, expected.down_m
        self._prior = mean, s.initial_covariance(self.noise, last - first)
        # measured on a recorded flight: one Gaussian is nearer the truth than several while the berth is known well
        self._several = self.noise.berth_m > _ONE_PLACE_M
        mean, covariance = self._prior
        one = Mixture(mean[None], covariance[None], np.ones(1))
        self._mixture = grid(mean, covariance) if self._several else one
        self._state, self._covariance = self._prior
        self._vehicle_ned_m = np.asarray(vehicle_ned_m, dtype=np.float64)
        self._last: tuple[Pose, RangeReport] | None = None
        self._moments: list[Moment] = []
        self._lock = threading.RLock()
        self.used_beams = self.rejected_beams = self.repeated = self.landmarks_used = 0
        self._misfits, self._adrift = 0, False
        self._astray_m: float | None = None  # until a velocity is measured
        self._watch = RangeWatch()
        self._refining: Refining | None = None
        self._window, self._anew_at = Window(self._prior), _ANEW_FIRST
        self._anew_m2, self._anew_soonest = float(covariance[0, 0]), _ANEW_FIRST

    # ---------------------------------------------------------------- asking

    @property
    def pose(self) -> ShipPose:
        """Best estimate of the ship's pose in ned now, as she lies at the vehicle."""
        with self._lock:
            north, east, heading, down = s.ship_pose(self._state, self._vehicle_ned_m, self._middle_m)
        return ShipPose(float(north), float(east), float(heading), float(down))

    @property
    def covariance(self) -> Array:
        """(4, 4) of the ship's north_m, east_m, heading_rad, down_m."""
        with self._lock:
            return s.ship_covariance(self._state, self._covariance, self._middle_m)

    @property
    def updates(self) -> int:
        """Reports of which beams were used."""
        return self.forgotten + len(self._moments) - self.coasted

    @property
    def last_s(self) -> float | None:
        """Time of the last report that was used, or whose motion was; None before the first."""
        return None if self._last is None else self._last[1].utc_s

    @property
    def sigma_m(self) -> tuple[float, float]:
        """Standard deviation of the vehicle's place along the ship and across."""
        with self._lock:
            return float(np.sqrt(self._covariance[0, 0])), float(np.sqrt(self._covariance[1, 1]))

    @property
    def radius95_m(self) -> float:
        """Of the circle, in the plane, that holds the vehicle's place beside the ship with 95 %."""
        with self._lock:
            return s.radius95_m(self._covariance[:2, :2])

    @property
    def sigma_heading_rad(self) -> float:
        """Standard deviation of the ship's heading in the vehicle's local frame."""
        with self._lock:
            return float(np.sqrt(self._covariance[s.HEADING, s.HEADING]))

    @property
    def trim_and_list_rad(self) -> tuple[float, float]:
        """Beyond those of the hull as modelled: bow up and starboard down are positive."""
        with self._lock:
            return float(self._state[s.TRIM]), float(self._state[s.LIST])

    @property
    def places(self) -> int:
        """How many places the vehicle may be at are followed; 1 when there is no doubt."""
        with self._lock:
            return len(self._mixture)

    # ---------------------------------------------------------------- ranges

    def take(self, report: RangeReport, telemetry: Telemetry) -> bool:
        """Take one report with what telemetry says of its moment; False when that is unknown, or it was not used."""
        try:
            pose = telemetry.pose_at(report.utc_s)
        except HullscanError:
            return False  # a gap in telemetry
        turned = None if self._last is None else telemetry.turned_rad(self._last[1].utc_s, report.utc_s)
        return self.update(report, pose, turned, lost=telemetry.position_lost_at(report.utc_s))

    def update(
        self, report: RangeReport, vehicle_ned: Pose, turned_rad: float | None = None, *, lost: bool = False
    ) -> bool:
        """Take one report of beams; whether it was used.

        Args:
            vehicle_ned: where the vehicle's estimator puts it at the time of the report.
            turned_rad: how far the vehicle has turned since ``last_s``, by its gyro.
            lost: its estimator says that it does not know where it is.
        """
        # what it coasts with after it was lost is worth nothing either, until the hull's velocity is measured again
        self._adrift = report.velocity_frd_mps is None and (lost or self._adrift)
        if self._last is not None:
            if report.utc_s - self._last[1].utc_s < _MIN_INTERVAL_S:
                return False
            if _same(report, self._last[1]):
                self.repeated += 1
                return False
        steady = self._watch.steady(report)
        if steady is None:
            self._coast(report, vehicle_ned, turned_rad)
            return False
        self.rejected_beams += int((report.good & ~steady).sum())
        depth = float(s.depth_m(self._state, float(vehicle_ned.position_m[2]), self._middle_m))
        beams = usable_beams(report, steady, vehicle_ned, self._mount.position_m, depth, self._keel_m, self.noise)
        if beams is None:
            self._coast(report, vehicle_ned, turned_rad)
            return False
        motion = STILL
        if self._last is not None:
            motion = self._motion((vehicle_ned, report), turned_rad)
        down = float(vehicle_ned.position_m[2])

        def predict(states: Array) -> tuple[Array, Array, Array]:
            ranges, slopes, doubt = predicted(
                self._hull, states, down, beams.sensor_ned_m, beams.directions_ned, self._middle_m
            )
            return ranges + states[:, s.SKIN], slopes, doubt

        with self._lock:
            if self._misfits >= _LOST_AFTER:
                self._misfits = 0
                motion = _opened(motion)
            self._mixture.move(motion)
            about = self._mixture.means
            if not self._moments:
                middle_range = float(np.nanmedian(beams.measured_m))
                about = beside_plating(self._hull, about, down, middle_range, self._middle_m)
            measured = np.nan_to_num(beams.measured_m)
            right, wrong = self._mixture.correct(predict, measured, beams.sigma_m, beams.usable, about)
            if self._several and self.updates % _TIDY_EVERY == 0:
                self._mixture.tidy()
            self._state, self._covariance = self._mixture.moments
            self._vehicle_ned_m, self._last = np.array(vehicle_ned.position_m), (vehicle_ned, report)
            self.used_beams += right
            self.rejected_beams += wrong
            self._misfits = self._misfits + 1 if wrong > right else 0
            self._moments.append(Moment(report.utc_s, vehicle_ned, motion, beams, self._state, self._covariance))
            learnt = self._covariance[0, 0] < _LEARNT * self._anew_m2 and self.updates >= self._anew_soonest
            one_place = len(self._mixture) == 1 or self._covariance[0, 0] < _LIKE_ONE_M**2
            if self._refining is None and one_place and (learnt or self.updates >= self._anew_at):
                self._refining = self._window.refining(self._hull, self._moments, self._middle_m)
            self._work_on()
            if self._refining is None and self._kept is not None and len(self._moments) > self._kept:
                self._forget(len(self._moments) - self._kept // 2)
        return right > 0

    def _coast(self, report: RangeReport, vehicle_ned: Pose, turned_rad: float | None) -> None:
        """Go on by dead reckoning, a piece of the way at a time, each with the heading that it was flown with."""
        if self._last is None or report.utc_s - self._last[1].utc_s < _COAST_S:
            return
        motion = self._motion((vehicle_ned, report), turned_rad)
        with self._lock:
            self._mixture.move(motion)
            self._state, self._covariance = self._mixture.moments
            self._vehicle_ned_m, self._last = np.array(vehicle_ned.position_m), (vehicle_ned, report)
            self._moments.append(Moment(report.utc_s, vehicle_ned, motion, None, self._state, self._covariance))
            self.coasted += 1

    def _motion(self, now: tuple[Pose, RangeReport], turned_rad: float | None) -> Motion:
        """From the last report that was used to this one."""
        assert self._last is not None
        motion = between(self._last, now, turned_rad, self.noise, self._adrift, self._astray_m)
        if self._astray_m is not None or now[1].velocity_frd_mps is not None:
            self._astray_m = motion.astray_m
        return motion

    def _forget(self, count: int) -> None:
        """The oldest moments; what was known then is the prior of those that are left."""
        last, first = self._moments[count - 1 : count + 1]
        state, transition = moved_on(last.state[None], first.motion)
        spread = transition[0] @ last.covariance @ transition[0].T + np.diag(first.motion.noise)
        self._prior = state[0], spread
        del self._moments[:count]
        self._window.first -= count
        self.forgotten += count

    def _work_on(self) -> None:
        """Go on letting the ranges of the last minutes count with the slopes of where they are known to belong now."""
        for _ in range(_PIECES if self._refining is not None else 0):
            try:
                assert self._refining is not None
                next(self._refining)
            except StopIteration as end:
                self._refining = None
                self._take_over(*end.value)
                return

    def _take_over(self, state: Array, covariance: Array) -> None:
        self._anew_at = self.updates + min(self.updates, _ANEW_EVERY)
        self._mixture = Mixture(state[None], covariance[None], np.ones(1))
        self._state, self._covariance = state, covariance
        self._anew_m2, self._anew_soonest = float(covariance[0, 0]), self.updates + _ANEW_LEAST
        last = self._moments[-1]
        last.state, last.covariance = state, covariance

    # ---------------------------------------------------------------- landmarks

    def take_landmark(self, sighting: LandmarkSighting, telemetry: Telemetry) -> bool:
        """Take one sighting of a known place with what telemetry says of its moment; whether it was used."""
        try:
            pose = telemetry.pose_at(sighting.utc_s)
        except HullscanError:
            return False
        turned = None
        if self._last is not None:
            turned = _turned(telemetry, self._last[1].utc_s, sighting.utc_s)
        return self.observe_landmark(sighting, pose, turned)

    def observe_landmark(self, sighting: LandmarkSighting, vehicle_ned: Pose, turned_rad: float | None = None) -> bool:
        """Take one sighting of a known place; False when it is too old, too early, or does not fit.

        Args:
            vehicle_ned: where the vehicle's estimator puts it at the time of the sighting.
            turned_rad: how far the vehicle turned from the last report to the sighting, by its gyro; the sighting
                is usually the earlier one, and the turn then that way back, negated.
        """
        with self._lock:
            if self._last is None or abs(sighting.utc_s - self._last[1].utc_s) > _LANDMARK_AGE_S:
                return False
            motion = _there(self._last[0], self._last[1].utc_s, sighting.utc_s, vehicle_ned, turned_rad)
            predict = bearing_predictor(sighting, vehicle_ned, motion, self._state, self._middle_m)
            before = self._mixture.copy()
            two = np.ones(2)
            right, _ = self._mixture.correct(predict, np.zeros(2), two, two > 0, alone=True)
            if right < 2:
                self._mixture = before
                return False
            self._state, self._covariance = self._mixture.moments
            last = self._moments[-1]
            last.state, last.covariance = self._state, self._covariance
            last.bearings.append(predict)
            self.landmarks_used += 1
        return True

    # ---------------------------------------------------------------- afterwards

    def track(self) -> ShipTrack:
        """Filtered ship poses so far; the expected pose when nothing was measured."""
        moments = self._history()
        if not moments:
            return ShipTrack.constant(self.pose, self.covariance)
        states, covariances = np.array([m.state for m in moments]), np.array([m.covariance for m in moments])
        return as_track(moments, states, covariances, self._middle_m)

    def smoothed(self) -> ShipTrack:
        """Ship poses that use the whole flight, with every range looked at again in the light of all others.

        Takes seconds for an hour of recording: for afterwards.
        """
        return self.smoothed_again()

    def smoothed_again(
        self, landmarks: Iterable[LandmarkSighting] = (), telemetry: Telemetry | None = None
    ) -> ShipTrack:
        """The same, with known fittings besides.

        Args:
            landmarks: known places seen in the video, besides those that the filter was told of.
            telemetry: of the flight; needed for landmarks.
        """
        moments = self._history()
        if not moments:
            return self.track()
        bearings: dict[int, list[Predictor]] = {}
        times = np.array([moment.utc_s for moment in moments])
        for sighting in landmarks if telemetry is not None else ():
            number = int(np.argmin(np.abs(times - sighting.utc_s)))
            predictor = self._bearing(sighting, moments[number], telemetry)
            if predictor is not None:
                bearings.setdefault(number, []).append(predictor)
        states, covariances = again(self._hull, moments, self._prior, bearings, self._middle_m)
        return as_track(moments, states, covariances, self._middle_m)

    def _bearing(self, sighting: LandmarkSighting, moment: Moment, telemetry: Telemetry | None) -> Predictor | None:
        if telemetry is None or abs(sighting.utc_s - moment.utc_s) > _LANDMARK_AGE_S:
            return None
        try:
            pose = telemetry.pose_at(sighting.utc_s)
        except HullscanError:
            return None
        turned = _turned(telemetry, moment.utc_s, sighting.utc_s)
        motion = _there(moment.vehicle_ned, moment.utc_s, sighting.utc_s, pose, turned)
        return bearing_predictor(sighting, pose, motion, moment.state, self._middle_m)

    def _history(self) -> Sequence[Moment]:
        with self._lock:
            return list(self._moments)


def _same(report: RangeReport, before: RangeReport) -> bool:
    """Whether a sensor sent the same line again: noise alone makes two measurements differ."""
    a, b = report.distances_m, before.distances_m
    return len(a) > 1 and a.shape == b.shape and bool(np.isfinite(a).any()) and np.array_equal(a, b, equal_nan=True)


def _opened(motion: Motion) -> Motion:
    """A motion after which nothing is certain any more: the filter was lost."""
    noise = motion.noise.copy()
    noise[[s.ALONG, s.ACROSS]] += _LOST_M**2
    noise[s.HEADING] += _LOST_RAD**2
    return replace(motion, noise=noise)


def _turned(telemetry: Telemetry, begin_s: float, end_s: float) -> float | None:
    """Turn by the gyro from one time to another, which may be the earlier one."""
    if begin_s <= end_s:
        return telemetry.turned_rad(begin_s, end_s)
    back = telemetry.turned_rad(end_s, begin_s)
    return None if back is None else -back


def _there(at: Pose, at_s: float, utc_s: float, pose: Pose, turned_rad: float | None) -> Motion:
    """From a report to a sighting nearby, before or after it."""
    yaw, yaw_at = (float(p.rotation.as_euler("ZYX")[0]) for p in (pose, at))
    steel = 0.0 if turned_rad is None else float((yaw - yaw_at - turned_rad + np.pi) % (2 * np.pi) - np.pi)
    return Motion(
        step_ned_m=np.asarray(pose.position_m - at.position_m),
        elapsed_s=utc_s - at_s,
        turned_by_steel_rad=steel,
        has_gyro=turned_rad is not None,
        noise=np.zeros(s.SIZE),
        keeps_skin=1.0,
    )
