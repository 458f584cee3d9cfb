"""The whole recording at once: a smoother that goes forward and back until nothing changes any more.

``backward`` takes the results of the flight as they were and carries later knowledge back (Rauch, Tung & Striebel,
AIAA J. 3, 1965). ``again`` linearises everything anew about that track, ranges of all times in one cast, filters
and smooths, and repeats: Gauss and Newton's method for the whole recording (Bell, SIAM J. Optim. 4, 1994). Where
the vehicle was lost for a while during the flight, its ranges then count with what became known later.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

import numpy as np

from hullscan.geometry.frames import Array, Pose
from hullscan.geometry.track import ShipTrack
from hullscan.pilot.registration import state as s
from hullscan.pilot.registration.beams import Beams, predicted
from hullscan.pilot.registration.mixture import Predictor, robust_weight
from hullscan.pilot.registration.motion import Motion, moved_on, together
from hullscan.ship.surface import HullSurface

__all__ = ["WINDOW", "Moment", "Window", "again", "as_track", "backward"]

_GATE = 4.0
_SETTLED_M = 0.005
_ROUNDS_LIVE = 3
_PIECE = 25  # moments that are worked on at a time: three milliseconds
WINDOW = 300
"""Reports: a minute, fifteen metres of way; less than a tenth of a second to linearise anew."""

R = TypeVar("R")
Refining = Generator[None, None, tuple[Array, Array]]


@dataclass(slots=True, eq=False)
class Moment:
    """One report: the estimator's pose then, how the vehicle came there, its beams, and the filter's result.

    Attributes:
        bearings: of landmarks that were seen about then.
        state: (12,) after the report.
        covariance: (12, 12) of it.
    """

    utc_s: float
    vehicle_ned: Pose
    motion: Motion
    beams: Beams | None
    state: Array
    covariance: Array
    bearings: list[Predictor] = field(default_factory=list)


def backward(moments: Sequence[Moment]) -> tuple[Array, Array]:
    """(n, 12) states and (n, 12, 12) covariances with what came later."""
    states = np.array([moment.state for moment in moments])
    covariances = np.array([moment.covariance for moment in moments])
    motions = together([moment.motion for moment in moments[1:]])
    return _back(states, covariances, *moved_on(states[:-1], motions), motions.noise)


def _back(states: Array, covariances: Array, ahead: Array, transitions: Array, noise: Array) -> tuple[Array, Array]:
    """Rauch, Tung and Striebel's pass.

    Args:
        ahead: (n - 1, 12) the states but the last, moved on.
        transitions: (n - 1, 12, 12), and ``noise`` (n - 1, 12), of the same.
    """
    states, covariances = states.copy(), covariances.copy()
    through = transitions @ covariances[:-1]
    before = through @ transitions.swapaxes(1, 2)
    index = np.arange(s.SIZE)
    before[:, index, index] += noise + 1e-12
    gains = np.linalg.solve(before, through).swapaxes(1, 2)
    for k in range(len(states) - 2, -1, -1):
        states[k] += gains[k] @ (states[k + 1] - ahead[k])
        covariance = covariances[k] + gains[k] @ (covariances[k + 1] - before[k]) @ gains[k].T
        covariances[k] = (covariance + covariance.T) / 2
    return states, covariances


def again(
    hull: HullSurface,
    moments: Sequence[Moment],
    prior: tuple[Array, Array],
    bearings: Mapping[int, Sequence[Predictor]],
    middle_m: float,
    *,
    rounds: int = 4,
) -> tuple[Array, Array]:
    """(n, 12) states and (n, 12, 12) covariances of the whole recording.

    Args:
        prior: (12,) and (12, 12) before the first moment.
        bearings: landmarks seen, by the number of the moment that they are related to.
    """
    track, covariances = backward(moments)
    for _ in range(rounds):
        before = track
        work = _one_round(hull, moments, (track, covariances), prior, bearings, middle_m, len(moments))
        track, covariances = _to_the_end(work).smoothed
        if np.abs(track - before)[:, :2].max() < _SETTLED_M:
            break
    return track, covariances


def _to_the_end(work: Generator[None, None, R]) -> R:
    """What it returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return cast(R, end.value)


@dataclass(slots=True, eq=False)
class Window:
    """The newest stretch of a flight, which is linearised anew while the flight goes on.

    An extended filter counts each range with the slope at the place that it believed in then; with the compass off
    by twenty degrees that is the slope of other plating, and what is learnt from it stays wrong with a small
    covariance. Here the ranges of the last minutes count again, with the slopes where they are known to belong now.

    Attributes:
        first: number of the moment at which it begins.
        prior: (12,) and (12, 12) before the range of that moment.
    """

    prior: tuple[Array, Array]
    first: int = 0

    def refining(self, hull: HullSurface, moments: Sequence[Moment], middle_m: float) -> Refining:
        """Work on it a little at a time, so that no command waits; the window follows the moments.

        Args:
            moments: all of them; the list may grow meanwhile, and what has come counts at the end.

        Returns:
            What each step gives is None; the work returns (12,) and (12, 12) at the newest of all moments.
        """
        mine = moments[self.first : -1]  # the newest may still be told of landmarks
        track, spread = backward(mine)
        yield
        for _ in range(_ROUNDS_LIVE):
            before = track
            found = yield from _one_round(hull, mine, (track, spread), self.prior, {}, middle_m, _PIECE)
            track, spread = found.smoothed
            if np.abs(track - before)[:, :2].max() < _SETTLED_M:
                break
        newer = [mine[-1], *moments[self.first + len(mine) :]]
        result = _onward(hull, newer, found.end, middle_m)
        later = len(mine) - WINDOW
        if later > 0:
            self.first += later
            self.prior = found.ahead[0][later], found.ahead[1][later]
        return result


def _onward(
    hull: HullSurface, moments: Sequence[Moment], begin: tuple[Array, Array], middle_m: float
) -> tuple[Array, Array]:
    """(12,) and (12, 12) at the last moment, from those after the first; linearised where the filter goes along."""
    state, covariance = begin
    for moment in moments[1:]:
        ahead, transition = moved_on(state[None], moment.motion)
        state = ahead[0]
        covariance = transition[0] @ covariance @ transition[0].T + np.diag(moment.motion.noise)
        residuals, slopes, variances = _linearised(hull, [moment], state[None], covariance[None], middle_m)
        state, covariance = _update(state, covariance, state, residuals[0], slopes[0], variances[0])
        state, covariance = _sighted(state, covariance, state, moment.bearings)
    return state, covariance


@dataclass(frozen=True, slots=True, eq=False)
class _Round:
    """Of one round: each moment's result with all others, before its own range, and how the filter ended."""

    smoothed: tuple[Array, Array]
    ahead: tuple[Array, Array]
    end: tuple[Array, Array]


def _one_round(
    hull: HullSurface,
    moments: Sequence[Moment],
    about: tuple[Array, Array],
    prior: tuple[Array, Array],
    bearings: Mapping[int, Sequence[Predictor]],
    middle_m: float,
    piece: int,
) -> Generator[None, None, _Round]:
    """Filter and smooth with everything linearised about a track and its covariance, a piece of it at each step."""
    track, spread = about
    motions = together([moment.motion for moment in moments[1:]])
    moved, transitions = moved_on(track[:-1], motions)
    states, covariances = np.empty_like(track), np.empty_like(spread)
    ahead, spreads_ahead = np.empty_like(track), np.empty_like(spread)
    state, covariance = prior
    for begin in range(0, len(moments), piece):
        part = slice(begin, begin + piece)
        residuals, slopes, variances = _linearised(hull, moments[part], track[part], spread[part], middle_m)
        for k, moment in enumerate(moments[part], begin):
            if k:
                state = moved[k - 1] + transitions[k - 1] @ (state - track[k - 1])
                covariance = transitions[k - 1] @ covariance @ transitions[k - 1].T + np.diag(moment.motion.noise)
            ahead[k], spreads_ahead[k] = state, covariance
            row = k - begin
            state, covariance = _update(state, covariance, track[k], residuals[row], slopes[row], variances[row])
            state, covariance = _sighted(state, covariance, track[k], (*moment.bearings, *bearings.get(k, ())))
            states[k], covariances[k] = state, covariance
        yield
    smoothed = _back(states, covariances, ahead[1:], transitions, motions.noise)
    yield
    return _Round(smoothed, (ahead, spreads_ahead), (state, covariance))


def _sighted(state: Array, covariance: Array, about: Array, bearings: Iterable[Predictor]) -> tuple[Array, Array]:
    """Landmarks that were seen, linear about a state."""
    for bearing in bearings:
        seen, slope, _ = bearing(about[None])
        if np.isfinite(seen).all():
            weight = robust_weight(-seen[0], np.ones(2))
            state, covariance = _update(state, covariance, about, -seen[0], slope[0], 1 / weight**2)
    return state, covariance


def _linearised(
    hull: HullSurface, moments: Sequence[Moment], track: Array, spread: Array, middle_m: float
) -> tuple[Array, Array, Array]:
    """(n, 4) residuals, (n, 4, 12) derivatives, zero where nothing counts, and (n, 4) variances."""
    n = len(moments)
    residuals, slopes = np.zeros((n, s.MAX_BEAMS)), np.zeros((n, s.MAX_BEAMS, s.SIZE))
    variances = np.ones((n, s.MAX_BEAMS))
    by_rays: dict[int, list[int]] = {}
    for k, moment in enumerate(moments):
        if moment.beams is not None:
            by_rays.setdefault(len(moment.beams.directions_ned), []).append(k)
    for index in by_rays.values():
        beams = [b for k in index if (b := moments[k].beams) is not None]
        down = np.array([moments[k].vehicle_ned.position_m[2] for k in index])
        sensors, directions = np.array([b.sensor_ned_m for b in beams]), np.array([b.directions_ned for b in beams])
        expected, slope, doubt = predicted(hull, track[index], down, sensors, directions, middle_m)
        noise = np.hypot(np.array([b.sigma_m for b in beams]), doubt)
        residual = np.array([b.measured_m for b in beams]) - expected - track[index][:, s.SKIN]
        sigma = np.sqrt(np.einsum("kmi,kij,kmj->km", slope, spread[index], slope) + noise**2)
        fits = np.isfinite(residual) & np.isfinite(slope).all(axis=2)
        fits &= np.abs(np.where(fits, residual, np.inf)) < _GATE * sigma
        residuals[index] = np.where(fits, residual, 0.0)
        slopes[index] = np.where(fits[..., None], slope, 0.0)
        variances[index] = np.where(fits, noise**2 / np.where(fits, robust_weight(residual, noise), 1.0), 1.0)
    return residuals, slopes, variances


def _update(
    state: Array, covariance: Array, about: Array, residual: Array, slope: Array, variance: Array
) -> tuple[Array, Array]:
    """One measurement that is linear about a state; Joseph's form keeps the covariance positive."""
    cross = covariance @ slope.T
    gain = np.linalg.solve(slope @ cross + np.diag(variance), cross.T).T
    keep = np.eye(s.SIZE) - gain @ slope
    after = keep @ covariance @ keep.T + (gain * variance) @ gain.T
    return state + gain @ (residual - slope @ (state - about)), (after + after.T) / 2


def as_track(moments: Sequence[Moment], states: Array, covariances: Array, middle_m: float) -> ShipTrack:
    """Where the ship lay at the vehicle, at each moment."""
    pairs = zip(states, moments, strict=True)
    poses = [s.ship_pose(state, moment.vehicle_ned.position_m, middle_m) for state, moment in pairs]
    spreads = [s.ship_covariance(state, spread, middle_m) for state, spread in zip(states, covariances, strict=True)]
    return ShipTrack(np.array([moment.utc_s for moment in moments]), np.array(poses), np.array(spreads))
