"""Where the vehicle is beside the ship: ranges to the hull matched to her surface.

State: the vehicle's place along and across the ship (ship frame, horizontal), the ship's heading and the height of
her waterline in the vehicle's local frame, and the bias of the gyro. Between reports the place moves as the
vehicle's own estimator says, and wanders a little at random: the berth is not where the mission says, and dead
reckoning drifts. Steel turns the compass, differently at each place, and with it the estimator's heading and its
whole local frame about the vehicle; the gyro does not feel steel, so the difference between the two is followed by
the heading state. In these coordinates a turned compass changes the heading alone, which keeps the problem nearly
linear. The waterline matters where the plating leans: under a flared bow a decimetre of depth looks like a third of
a metre along the ship.

An iterated extended Kalman filter takes each report of beams; ranges are predicted by ray casting. Along a
parallel midbody nothing is learnt about the place along the ship, and the covariance says so. ``smoothed`` runs
back over the whole flight (Rauch, Tung & Striebel, AIAA J. 3, 1965) for findings that are placed afterwards.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.errors import HullscanError
from hullscan.geometry.frames import Array, Pose, ShipPose, wrap_pi
from hullscan.geometry.track import ShipTrack
from hullscan.ship.surface import HullSurface
from hullscan.vehicle.protocol import RangeReport
from hullscan.vehicle.telemetry import Telemetry

__all__ = ["HullRegistration", "RegistrationNoise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationNoise:
    """Uncertainties, one standard deviation.

    Attributes:
        berth_m: of the mission's berth against the launch, along and across.
        compass_rad: of the vehicle's heading against the berth's; steel turns a compass by ten degrees and more.
        waterline_m: zero of the vehicle's depth; a pressure sensor is a decimetre off.
        waterline_walk_mps: random walk of it, per square root of a second.
        drift_mps: random walk of the vehicle's place, per square root of a second.
        gyro_radps: random walk of the heading by the gyro, per square root of a second.
        gyro_bias_radps: constant part of the gyro's error; consumer sensors turn by half a degree a minute.
        compass_walk_radps: random walk of the heading when no gyro is given, per square root of a second.
        range_m, range_share: of one beam; includes what the hull model does not know (welds, dents, growth).
    """

    berth_m: float = 0.8
    compass_rad: float = float(np.radians(10.0))
    waterline_m: float = 0.15
    waterline_walk_mps: float = 0.003
    drift_mps: float = 0.015
    gyro_radps: float = float(np.radians(0.04))
    gyro_bias_radps: float = float(np.radians(0.015))
    compass_walk_radps: float = float(np.radians(0.4))
    range_m: float = 0.04
    range_share: float = 0.01


# for the numerical derivative: larger than the facets of the hull
_STEP = np.array([0.05, 0.05, float(np.radians(0.5)), 0.05])
_GATE = 4.0
_HUBER = 2.0  # residuals beyond so many sigma count linearly (Huber, Ann. Math. Stat. 35, 1964)
_WRONG = 0.35  # a beam that counts less than this was wrong
_ITERATIONS = 5
_LOST_AFTER = 15  # reports in a row of which most beams do not fit: the filter is lost and opens up again
_MAX_RANGE_M = 8.0
_LEAST_DEPTH_M = 0.15  # of where a beam ends
_MIN_INTERVAL_S = 0.19  # reports closer than this share their errors and are skipped


@dataclass(slots=True)
class _Moment:
    """After one report: where the estimator said the vehicle was, the state, and how it came from the one before."""

    utc_s: float
    vehicle_ned_m: Array
    state: Array
    covariance: Array
    predicted_state: Array
    predicted: Array
    transition: Array


class HullRegistration:
    """The filter; one thread feeds it, any thread may ask.

    Args:
        hull: as she floats.
        expected: where the mission says that she lies, in the vehicle's local frame.
        mount: frd from the sensor's origin: only its position counts, beams come in frd.
        vehicle_ned_m: (3,) where the flight begins.
    """

    def __init__(
        self,
        hull: HullSurface,
        expected: ShipPose,
        mount: Pose,
        vehicle_ned_m: Array,
        noise: RegistrationNoise | None = None,
    ) -> None:
        self._hull, self._mount = hull, mount
        self.noise = noise or RegistrationNoise()
        beside = expected.to_ship(vehicle_ned_m)
        n = self.noise
        self._state = np.array([beside[0], beside[1], expected.heading_rad, expected.down_m, 0.0])
        self._covariance = np.diag([n.berth_m, n.berth_m, n.compass_rad, n.waterline_m, n.gyro_bias_radps]) ** 2
        self._vehicle_ned_m = np.asarray(vehicle_ned_m, dtype=np.float64)
        self._yaw_rad: float | None = None
        self._utc_s: float | None = None
        self._moments: list[_Moment] = []
        self._lock = threading.Lock()
        self.used_beams = self.rejected_beams = 0
        self._misfits = 0

    @property
    def pose(self) -> ShipPose:
        """Best estimate of the ship's pose in ned now."""
        with self._lock:
            north, east, heading, down = _ship_pose(self._state, self._vehicle_ned_m)
        return ShipPose(float(north), float(east), float(heading), float(down))

    @property
    def covariance(self) -> Array:
        """(4, 4) of the ship's north_m, east_m, heading_rad, down_m."""
        with self._lock:
            return _ship_covariance(self._state, self._covariance)

    @property
    def updates(self) -> int:
        """Reports that were used."""
        return len(self._moments)

    @property
    def sigma_m(self) -> tuple[float, float]:
        """Standard deviation of the vehicle's place along the ship and across."""
        with self._lock:
            return float(np.sqrt(self._covariance[0, 0])), float(np.sqrt(self._covariance[1, 1]))

    def take(self, report: RangeReport, telemetry: Telemetry) -> bool:
        """Take one report with what telemetry says of its moment; False when that is unknown, or it was not used."""
        try:
            pose = telemetry.pose_at(report.utc_s)
        except HullscanError:
            return False  # a gap in telemetry
        since_s = self._utc_s
        turned = None if since_s is None else telemetry.turned_rad(since_s, report.utc_s)
        return self.update(report, pose, turned)

    def update(self, report: RangeReport, vehicle_ned: Pose, turned_rad: float | None = None) -> bool:
        """Take one report of beams; whether it was used.

        Args:
            vehicle_ned: where the vehicle's estimator puts it at the time of the report.
            turned_rad: how far the vehicle has turned since the last report that was used, by its gyro.
        """
        if self._utc_s is not None and report.utc_s - self._utc_s < _MIN_INTERVAL_S:
            return False
        directions = np.asarray(vehicle_ned.rotation.apply(report.directions_frd))
        sensor = vehicle_ned.rotation.apply(self._mount.position_m)
        ends_at = (
            vehicle_ned.position_m[2]
            - self._state[3]
            + sensor[2]
            + directions[:, 2] * np.nan_to_num(report.distances_m)
        )
        # sound that reaches the surface comes back from there, by way of a mirror
        usable = report.good & (report.distances_m < _MAX_RANGE_M) & (ends_at > _LEAST_DEPTH_M)
        if not usable.any():
            return False
        yaw_rad = float(vehicle_ned.rotation.as_euler("ZYX")[0])
        prior_state, prior, transition = self._predicted_state(
            report.utc_s, vehicle_ned.position_m, yaw_rad, turned_rad
        )
        beams = _Beams(vehicle_ned.position_m, sensor, directions[usable], report.distances_m[usable])
        state, covariance, used = self._corrected(prior_state, prior, beams)
        with self._lock:
            self._state, self._covariance, self._utc_s = state, covariance, report.utc_s
            self._vehicle_ned_m, self._yaw_rad = np.array(vehicle_ned.position_m), yaw_rad
            moment = _Moment(report.utc_s, self._vehicle_ned_m, state, covariance, prior_state, prior, transition)
            self._moments.append(moment)
        return used

    def _predicted_state(
        self, utc_s: float, vehicle_ned_m: Array, yaw_rad: float, turned_rad: float | None
    ) -> tuple[Array, Array, Array]:
        """State, covariance and transition after the vehicle has moved on."""
        step = vehicle_ned_m[:2] - self._vehicle_ned_m[:2]
        c, s = np.cos(self._state[2]), np.sin(self._state[2])
        moved = np.array([c * step[0] + s * step[1], -s * step[0] + c * step[1]])
        elapsed_s = 0.0 if self._utc_s is None else max(utc_s - self._utc_s, 0.0)
        transition = np.eye(5)
        transition[:2, 2] = [moved[1], -moved[0]]
        by_compass = 0.0
        walk = self.noise.compass_walk_radps
        if turned_rad is not None and self._yaw_rad is not None:
            # what the estimator's heading turned beyond the gyro is steel, and turns the local frame
            by_compass = wrap_pi(yaw_rad - self._yaw_rad - turned_rad) + self._state[4] * elapsed_s
            transition[2, 4] = elapsed_s
            walk = self.noise.gyro_radps
        state = self._state + np.array([moved[0], moved[1], by_compass, 0.0, 0.0])
        drift = self.noise.drift_mps
        noise = np.diag([drift, drift, walk, self.noise.waterline_walk_mps, 0.0]) ** 2
        if self._misfits >= _LOST_AFTER:
            self._misfits = 0
            berth = self.noise.berth_m
            noise = noise + np.diag([berth, berth, np.radians(3.0), 0.0, 0.0]) ** 2 / max(elapsed_s, 0.1)
        return state, transition @ self._covariance @ transition.T + elapsed_s * noise, transition

    def _corrected(self, prior_state: Array, prior: Array, beams: _Beams) -> tuple[Array, Array, bool]:
        """Iterated update with Huber's weights; beams that miss the hull or do not fit are left out and counted."""
        state = prior_state
        sigma = np.hypot(self.noise.range_m, self.noise.range_share * beams.measured_m)
        weight = np.ones(len(sigma))
        for iteration in range(_ITERATIONS):
            expected, slope = self._predicted_ranges(state, beams)
            residual = beams.measured_m - expected
            spread = np.sqrt(np.einsum("ij,jk,ik->i", slope, prior[:4, :4], slope) + sigma**2)
            innovation = residual - slope @ (prior_state - state)[:4]
            fits = np.isfinite(expected) & np.isfinite(slope).all(axis=1) & (np.abs(innovation) < _GATE * spread)
            if not fits.any():
                break
            if iteration:  # one wrong beam among four must not pull the others along
                off = np.abs(residual[fits]) / sigma[fits]
                weight = np.ones(len(sigma))
                weight[fits] = np.minimum(1.0, _HUBER / np.maximum(off, 1e-9))
            noise = np.diag(sigma[fits] ** 2 / weight[fits])
            h = np.column_stack([slope[fits], np.zeros(int(fits.sum()))])
            gain = prior @ h.T @ np.linalg.inv(h @ prior @ h.T + noise)
            state = prior_state + gain @ innovation[fits]
        wrong = int(len(fits) - fits.sum() + (weight[fits] < _WRONG).sum())
        self.rejected_beams += wrong
        self._misfits = self._misfits + 1 if 2 * wrong > len(fits) else 0
        if not fits.any():
            return prior_state, prior, False
        self.used_beams += len(fits) - wrong
        keep = np.eye(5) - gain @ h
        covariance = keep @ prior @ keep.T + gain @ noise @ gain.T
        return state, (covariance + covariance.T) / 2, True

    def _predicted_ranges(self, state: Array, beams: _Beams) -> tuple[Array, Array]:
        """(n,) ranges and (n, 4) their derivatives by central differences; NaN where a beam misses."""
        shifts = np.concatenate([np.zeros((1, 4)), np.diag(_STEP), -np.diag(_STEP)])
        origins, rays = [], []
        for along, across, heading, waterline in state[:4] + shifts:
            back = Rotation.from_euler("z", -heading)
            depth = beams.vehicle_ned_m[2] - waterline
            origin = back.apply(beams.sensor_ned_m) + np.array([along, across, depth])
            origins.append(np.broadcast_to(origin, beams.directions_ned.shape))
            rays.append(back.apply(beams.directions_ned))
        met = self._hull.cast(np.concatenate(origins), np.concatenate(rays), 2 * _MAX_RANGE_M)
        ranges = np.where(met.hit, met.distance_m, np.nan).reshape(9, -1)
        return ranges[0], ((ranges[1:5] - ranges[5:9]) / (2 * _STEP[:, None])).T

    def track(self) -> ShipTrack:
        """Filtered ship poses so far; the expected pose when nothing was measured."""
        with self._lock:
            moments = list(self._moments)
        if not moments:
            return ShipTrack.constant(self.pose, self.covariance)
        return _as_track(moments, [m.state for m in moments], [m.covariance for m in moments])

    def smoothed(self) -> ShipTrack:
        """Ship poses that use the whole flight, backward too."""
        with self._lock:
            moments = list(self._moments)
        if not moments:
            return self.track()
        states, covariances = [moments[-1].state], [moments[-1].covariance]
        for now, after in zip(moments[-2::-1], moments[:0:-1], strict=True):
            back = np.linalg.solve(after.predicted, after.transition @ now.covariance).T
            states.append(now.state + back @ (states[-1] - after.predicted_state))
            covariance = now.covariance + back @ (covariances[-1] - after.predicted) @ back.T
            covariances.append((covariance + covariance.T) / 2)
        return _as_track(moments, states[::-1], covariances[::-1])


@dataclass(frozen=True, slots=True)
class _Beams:
    """One report in ned: the vehicle's place, the sensor's offset from it, (n, 3) directions, (n,) ranges."""

    vehicle_ned_m: Array
    sensor_ned_m: Array
    directions_ned: Array
    measured_m: Array


def _ship_pose(state: Array, vehicle_ned_m: Array) -> Array:
    """(4,) north, east, heading, down of the ship, from the vehicle's place beside her."""
    c, s = np.cos(state[2]), np.sin(state[2])
    north = vehicle_ned_m[0] - (c * state[0] - s * state[1])
    east = vehicle_ned_m[1] - (s * state[0] + c * state[1])
    return np.array([north, east, state[2], state[3]])


def _ship_covariance(state: Array, covariance: Array) -> Array:
    """(4, 4) of the ship's pose, from that of the vehicle's place beside her."""
    c, s = np.cos(state[2]), np.sin(state[2])
    jacobian = np.zeros((4, 5))
    jacobian[0, :3] = [-c, s, s * state[0] + c * state[1]]
    jacobian[1, :3] = [-s, -c, -c * state[0] + s * state[1]]
    jacobian[2, 2] = jacobian[3, 3] = 1.0
    return np.asarray(jacobian @ covariance @ jacobian.T, dtype=np.float64)


def _as_track(moments: list[_Moment], states: list[Array], covariances: list[Array]) -> ShipTrack:
    poses = [_ship_pose(state, m.vehicle_ned_m) for state, m in zip(states, moments, strict=True)]
    spreads = [_ship_covariance(state, covariance) for state, covariance in zip(states, covariances, strict=True)]
    return ShipTrack(np.array([m.utc_s for m in moments]), np.array(poses), np.array(spreads))
