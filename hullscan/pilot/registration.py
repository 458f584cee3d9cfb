"""Where the ship lies, seen from the vehicle: ranges to the hull matched to her surface.

State: north, east and heading of the ship in the vehicle's local frame, all three moving a little at random. That
one model covers what really happens: the berth is not where the mission says, the vehicle's dead reckoning
drifts, and steel turns its compass (which turns the whole local frame about the vehicle, so the process noise of
the heading acts about the vehicle, not about the ship's origin).

An iterated extended Kalman filter takes each report of beams; ranges are predicted by ray casting. Along a
parallel midbody nothing is learnt about the place along the ship, and the covariance says so. ``smoothed`` runs
back over the whole flight (Rauch, Tung & Striebel, AIAA J. 3, 1965) for findings that are placed afterwards.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from hullscan.geometry.frames import Array, Pose, ShipPose
from hullscan.geometry.track import ShipTrack
from hullscan.ship.surface import HullSurface
from hullscan.vehicle.protocol import RangeReport

__all__ = ["HullRegistration", "RegistrationNoise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationNoise:
    """Uncertainties, one standard deviation.

    Attributes:
        berth_m, berth_rad: of the mission's berth.
        compass_rad: of the vehicle's heading when the flight begins; steel turns it by ten degrees and more.
        drift_mps: random walk of the vehicle's place, per square root of a second.
        turn_radps: random walk of its heading, per square root of a second.
        range_m, range_share: of one beam; includes what the hull model does not know (welds, dents, growth).
    """

    berth_m: float = 0.8
    berth_rad: float = float(np.radians(0.8))
    compass_rad: float = float(np.radians(8.0))
    drift_mps: float = 0.012
    turn_radps: float = float(np.radians(0.25))
    range_m: float = 0.04
    range_share: float = 0.01


_STEP = np.array([0.05, 0.05, np.radians(0.5)])  # for the numerical derivative: larger than the facets of the hull
_GATE = 4.0
_MAX_RANGE_M = 8.0
_MIN_INTERVAL_S = 0.19  # reports closer than this share their errors and are skipped


@dataclass(slots=True)
class _Moment:
    utc_s: float
    state: Array
    covariance: Array
    predicted: Array  # covariance before the measurement


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
        self._state = np.array([expected.north_m, expected.east_m, expected.heading_rad])
        berth = np.diag([self.noise.berth_m**2, self.noise.berth_m**2, self.noise.berth_rad**2])
        turn = _turn_about(self._state, vehicle_ned_m)
        self._covariance = berth + self.noise.compass_rad**2 * np.outer(turn, turn)
        self._utc_s: float | None = None
        self._moments: list[_Moment] = []
        self._lock = threading.Lock()
        self.used_beams = self.rejected_beams = 0
        self.last_residual_m = float("nan")

    @property
    def pose(self) -> ShipPose:
        """Best estimate now."""
        with self._lock:
            return ShipPose(*(float(value) for value in self._state))

    @property
    def covariance(self) -> Array:
        """(3, 3) of north_m, east_m, heading_rad."""
        with self._lock:
            return self._covariance.copy()

    @property
    def updates(self) -> int:
        """Reports that were used."""
        return len(self._moments)

    def sigma_at(self, point_ship_m: Array) -> tuple[float, float]:
        """Standard deviation along the ship and across it, of the place of a point of the ship."""
        with self._lock:
            state, covariance = self._state.copy(), self._covariance.copy()
        c, s = np.cos(state[2]), np.sin(state[2])
        x, y = float(point_ship_m[0]), float(point_ship_m[1])
        jacobian = np.array([[c, s, -y], [-s, c, x]])
        spread = jacobian @ covariance @ jacobian.T
        return float(np.sqrt(spread[0, 0])), float(np.sqrt(spread[1, 1]))

    def update(self, report: RangeReport, vehicle_ned: Pose) -> bool:
        """Take one report of beams, measured when the vehicle was at a pose; whether it was used."""
        if self._utc_s is not None and report.utc_s - self._utc_s < _MIN_INTERVAL_S:
            return False
        usable = report.good & (report.distances_m < _MAX_RANGE_M)
        if not usable.any():
            return False
        directions = vehicle_ned.rotation.apply(report.directions_frd[usable])
        origin = vehicle_ned.to_parent(self._mount.position_m)
        measured = report.distances_m[usable]
        elapsed_s = 0.0 if self._utc_s is None else max(report.utc_s - self._utc_s, 0.0)
        turn = _turn_about(self._state, vehicle_ned.position_m)
        walk = np.diag([self.noise.drift_mps**2, self.noise.drift_mps**2, 0.0])
        prior = self._covariance + elapsed_s * (walk + self.noise.turn_radps**2 * np.outer(turn, turn))
        state, covariance, used = self._corrected(self._state, prior, origin, directions, measured)
        with self._lock:
            self._state, self._covariance, self._utc_s = state, covariance, report.utc_s
            self._moments.append(_Moment(report.utc_s, state, covariance, prior))
        return used

    def _corrected(
        self, prior_state: Array, prior: Array, origin: Array, directions: Array, measured: Array
    ) -> tuple[Array, Array, bool]:
        """Iterated update; beams that miss the hull or do not fit are left out and counted."""
        state = prior_state
        sigma = np.hypot(self.noise.range_m, self.noise.range_share * measured)
        for iteration in range(3):
            expected, slope = self._predicted(state, origin, directions)
            innovation = measured - expected - slope @ (prior_state - state)
            spread = np.sqrt(np.einsum("ij,jk,ik->i", slope, prior, slope) + sigma**2)
            fits = np.isfinite(expected) & np.isfinite(slope).all(axis=1) & (np.abs(innovation) < _GATE * spread)
            if iteration == 0:
                self.rejected_beams += int((~fits).sum())
            if not fits.any():
                return prior_state, prior, False
            h = slope[fits]
            gain = prior @ h.T @ np.linalg.inv(h @ prior @ h.T + np.diag(sigma[fits] ** 2))
            state = prior_state + gain @ innovation[fits]
        self.used_beams += int(fits.sum())
        self.last_residual_m = float(np.median(np.abs((measured - expected)[fits])))
        keep = np.eye(3) - gain @ h
        covariance = keep @ prior @ keep.T + gain @ np.diag(sigma[fits] ** 2) @ gain.T
        return state, (covariance + covariance.T) / 2, True

    def _predicted(self, state: Array, origin_ned: Array, directions_ned: Array) -> tuple[Array, Array]:
        """(n,) ranges and (n, 3) their derivatives by central differences; NaN where a beam misses."""
        shifts = np.concatenate([np.zeros((1, 3)), np.diag(_STEP), -np.diag(_STEP)])
        origins, rays = [], []
        for shift in shifts:
            pose = ShipPose(*(float(value) for value in state + shift)).as_pose
            origins.append(np.broadcast_to(pose.to_body(origin_ned), directions_ned.shape))
            rays.append(pose.rotation.apply(directions_ned, inverse=True))
        met = self._hull.cast(np.concatenate(origins), np.concatenate(rays), 2 * _MAX_RANGE_M)
        ranges = np.where(met.hit, met.distance_m, np.nan).reshape(7, -1)
        return ranges[0], ((ranges[1:4] - ranges[4:7]) / (2 * _STEP[:, None])).T

    def track(self) -> ShipTrack:
        """Filtered poses so far; the expected pose when nothing was measured."""
        with self._lock:
            moments = list(self._moments)
            now = ShipPose(*(float(value) for value in self._state))
            covariance = self._covariance.copy()
        if not moments:
            return ShipTrack.constant(now, covariance)
        return _as_track(moments, [m.state for m in moments], [m.covariance for m in moments])

    def smoothed(self) -> ShipTrack:
        """Poses that use the whole flight, backward too."""
        with self._lock:
            moments = list(self._moments)
        if not moments:
            return self.track()
        states, covariances = [moments[-1].state], [moments[-1].covariance]
        for now, after in zip(moments[-2::-1], moments[:0:-1], strict=True):
            back = np.linalg.solve(after.predicted, now.covariance).T
            states.append(now.state + back @ (states[-1] - now.state))
            covariance = now.covariance + back @ (covariances[-1] - after.predicted) @ back.T
            covariances.append((covariance + covariance.T) / 2)
        return _as_track(moments, states[::-1], covariances[::-1])


def _as_track(moments: list[_Moment], states: list[Array], covariances: list[Array]) -> ShipTrack:
    return ShipTrack(np.array([m.utc_s for m in moments]), np.array(states), np.array(covariances))


def _turn_about(state: Array, vehicle_ned_m: Array) -> Array:
    """(3,) change of the ship's pose when the local frame turns about the vehicle by one radian."""
    north, east = state[0] - vehicle_ned_m[0], state[1] - vehicle_ned_m[1]
    return np.array([-east, north, 1.0])
