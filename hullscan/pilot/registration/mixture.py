"""A sum of Gaussians over the state: several places where the vehicle may be, each with its own extended filter.

One Gaussian is enough where the place is known to a few decimetres. Where it is not (before the first fix, after a
long parallel midbody) the hull's curvature differs too much between one end of the uncertainty and the other to be
a straight line, and the sum keeps its components narrow enough that each of them may take it for one
(Alspach & Sorenson, IEEE Trans. Autom. Control 17, 1972).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan.pilot.registration import state as s
from hullscan.pilot.registration.motion import Motion, moved_on

__all__ = ["Mixture", "Predictor", "robust_weight"]

Predictor = Callable[[Array], tuple[Array, Array, Array]]
"""(k, 12) states to (k, m) expected measurements, (k, m, 12) derivatives and (k, m) additional sigma."""

_GATE = 4.0
_HUBER = 2.0  # residuals beyond so many sigma count linearly (Huber, Ann. Math. Stat. 35, 1964)
_WRONG = 0.35  # a beam that counts less than this was wrong
_ITERATIONS = 4
_OUTLIER = float(np.log(0.02 / 8.0))  # log density of a wrong beam: one in fifty, anywhere within 8 m
_OUTLIER_ALONE = -12.0  # the same of what was matched before, such as a fitting
_TEMPER = 0.5  # of the evidence between components: errors of neighbouring reports are not independent
_DOUBT = -3.0  # log: no single report rules a place out further than this, since all of it may be wrong
_WIDEST_M = 0.6  # along the ship; her shoulder turns by about 5 degrees over that
_CLOSE = 0.6  # components nearer than this, in sigma, are one
_MOST = 40
_LEAST_SHARE = 1e-4
# a Gaussian as three narrower ones (places and shares: Huber et al., IEEE MFI 2008); the whole keeps its variance
_PART_SHARE, _PART_AT = (0.2252, 0.5496, 0.2252), (-1.0576, 0.0, 1.0576)
_PART_SIGMA = float(np.sqrt(1 - 2 * 0.2252 * 1.0576**2))


class Mixture:
    """Weighted Gaussians.

    Attributes:
        means: (k, 12).
        covariances: (k, 12, 12).
        shares: (k,), sum 1.
    """

    def __init__(self, means: Array, covariances: Array, shares: Array) -> None:
        self.means, self.covariances, self.shares = means, covariances, shares / shares.sum()

    @classmethod
    def spread(cls, mean: Array, covariance: Array, *, along_m: float, heading_rad: float) -> Mixture:
        """A Gaussian as a grid of narrower ones along the ship and over her heading."""
        means, shares, narrow = mean[None], np.ones(1), covariance.copy()
        for axis, step in ((s.ALONG, along_m), (s.HEADING, heading_rad)):
            sigma = float(np.sqrt(covariance[axis, axis]))
            count = int(np.ceil(2.7 * sigma / step)) if sigma > 0.7 * step else 0
            at = np.arange(-count, count + 1) * step
            means = np.repeat(means, len(at), axis=0)
            means[:, axis] += np.tile(at, len(shares))
            shares = np.repeat(shares, len(at)) * np.tile(np.exp(-0.5 * (at / sigma) ** 2), len(shares))
            if count:
                narrow[axis, axis] = (0.7 * step) ** 2
        return cls(means, np.broadcast_to(narrow, (len(means), s.SIZE, s.SIZE)).copy(), shares)

    def copy(self) -> Mixture:
        """The same, to come back to."""
        return Mixture(self.means, self.covariances, self.shares)

    def __len__(self) -> int:
        return len(self.shares)

    @property
    def moments(self) -> tuple[Array, Array]:
        """Mean (12,) and covariance (12, 12) of the whole."""
        mean = self.shares @ self.means
        off = self.means - mean
        covariance = np.einsum("k,kij->ij", self.shares, self.covariances) + (off * self.shares[:, None]).T @ off
        return mean, covariance

    def move(self, motion: Motion) -> None:
        """Go on to the next report."""
        self.means, transition = moved_on(self.means, motion)
        self.covariances = transition @ self.covariances @ transition.swapaxes(1, 2) + np.diag(motion.noise)

    def loosen(self, variances: Array) -> None:
        """Add (12,) variances: something unexpected has happened."""
        self.covariances = self.covariances + np.diag(variances)

    def correct(
        self,
        predict: Predictor,
        measured: Array,
        sigma: Array,
        usable: npt.NDArray[np.bool_],
        about: Array | None = None,
        *,
        alone: bool = False,
    ) -> tuple[int, int]:
        """Iterated update of each component, with Huber's weights.

        Args:
            measured, sigma: (m,).
            usable: (m,) which of them count at all.
            about: (k, 12) where the first iteration is linearised; the means by default.
            alone: its errors are not those of the measurements before and after it, and it is no mistake as a whole.

        Returns:
            How many measurements fitted the likeliest component, and how many did not.
        """
        prior, covariance = self.means, self.covariances
        states = prior if about is None else about
        for iteration in range(_ITERATIONS):
            expected, slopes, doubt = predict(states)
            noise = np.hypot(sigma, doubt)
            residual = measured - expected
            innovation = residual + np.einsum("kmi,ki->km", slopes, states - prior)
            spread = np.sqrt(np.einsum("kmi,kij,kmj->km", slopes, covariance, slopes) + noise**2)
            fits = usable & np.isfinite(expected) & np.isfinite(slopes).all(axis=2)
            fits &= np.abs(np.where(fits, innovation, np.inf)) < _GATE * spread
            weight = robust_weight(residual, noise) if iteration else np.ones_like(noise)
            variance = np.where(fits, noise**2 / np.where(fits, weight, 1.0), 1.0)
            h = np.where(fits[..., None], slopes, 0.0)
            innovation = np.where(fits, innovation, 0.0)
            cross = covariance @ h.swapaxes(1, 2)
            total = h @ cross + variance[:, :, None] * np.eye(len(measured))
            gain = np.linalg.solve(total, cross.swapaxes(1, 2)).swapaxes(1, 2)
            before, states = states, prior + np.einsum("kim,km->ki", gain, innovation)
            if iteration and np.abs(states - before)[:, :3].max() < 1e-3:
                break
        keep = np.eye(s.SIZE) - gain @ h
        after = keep @ covariance @ keep.swapaxes(1, 2) + (gain * variance[:, None]) @ gain.swapaxes(1, 2)
        self.means, self.covariances = states, (after + after.swapaxes(1, 2)) / 2
        mahalanobis = np.einsum("km,km->k", innovation, np.linalg.solve(total, innovation[..., None])[..., 0])
        density = -0.5 * (np.linalg.slogdet(total)[1] + mahalanobis + np.log(2 * np.pi) * fits.sum(axis=1))
        evidence = (
            np.where(fits, 0.0, np.where(usable, _OUTLIER_ALONE if alone else _OUTLIER, 0.0)).sum(axis=1) + density
        )
        counts = evidence if alone else np.logaddexp(_TEMPER * (evidence - evidence.max()), _DOUBT)
        best = int(np.argmax(np.log(self.shares) + counts))  # before the least likely go
        self._weigh(counts)
        wrong = int((usable & ~fits[best]).sum() + (fits[best] & (weight[best] < _WRONG)).sum())
        return int(usable.sum()) - wrong, wrong

    def _weigh(self, evidence: Array) -> None:
        logs = np.log(self.shares) + evidence
        shares = np.exp(logs - logs.max())
        self.shares = shares / shares.sum()
        self._take(np.flatnonzero(self.shares > _LEAST_SHARE))
        if len(self) > _MOST:
            self._join()
            self._take(np.argsort(-self.shares)[:_MOST])

    def _take(self, index: npt.NDArray[np.int64]) -> None:
        shares = self.shares[index]
        self.means, self.covariances, self.shares = self.means[index], self.covariances[index], shares / shares.sum()

    # ---------------------------------------------------------------- keeping it small, and narrow enough

    def tidy(self) -> None:
        """Join components that lie together, split those too wide to be straight."""
        if len(self) > 1:
            self._join()
        wide = self.covariances[:, s.ALONG, s.ALONG] > _WIDEST_M**2
        if wide.any() and len(self) + 2 * wide.sum() <= _MOST:
            self._split(wide)

    def _join(self) -> None:
        means, covariances, shares = [], [], []
        left = np.argsort(-self.shares)
        look = [s.ALONG, s.HEADING]
        while len(left):
            first = left[0]
            off = (self.means[left] - self.means[first])[:, look]
            inverse = np.linalg.inv(self.covariances[first][np.ix_(look, look)])
            near = np.einsum("ki,ij,kj->k", off, inverse, off) < _CLOSE**2
            group = left[near]
            part = Mixture(self.means[group], self.covariances[group], self.shares[group])
            mean, covariance = part.moments
            means.append(mean)
            covariances.append(covariance)
            shares.append(self.shares[group].sum())
            left = left[~near]
        self.means, self.covariances, self.shares = np.array(means), np.array(covariances), np.array(shares)

    def _split(self, wide: npt.NDArray[np.bool_]) -> None:
        narrow = ~wide
        mean, covariance, share = self.means[wide], self.covariances[wide], self.shares[wide]
        sigma = np.sqrt(covariance[:, s.ALONG, s.ALONG])
        column = covariance[:, :, s.ALONG] / sigma[:, None]
        covariance = covariance - (1 - _PART_SIGMA**2) * column[:, :, None] * column[:, None, :]
        means = [self.means[narrow], *(mean + at * column for at in _PART_AT)]
        self.means = np.concatenate(means)
        self.covariances = np.concatenate([self.covariances[narrow], *[covariance] * len(_PART_AT)])
        self.shares = np.concatenate([self.shares[narrow], *(share * part for part in _PART_SHARE)])


def robust_weight(residual: Array, sigma: Array) -> Array:
    """Huber's weight of residuals; 1 where there is none."""
    off = np.nan_to_num(np.abs(residual) / sigma)
    return np.asarray(np.minimum(1.0, _HUBER / np.maximum(off, 1e-9)))
