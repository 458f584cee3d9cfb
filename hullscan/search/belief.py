"""Where the parcel is, if there is one: a prior over cells, and what a search that found nothing makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hullscan.geometry.frames import Array

__all__ = ["Belief"]


@dataclass(frozen=True, slots=True)
class Belief:
    """Probabilities that sum to one.

    Attributes:
        cells: (n,) that a parcel which can be seen lies in each cell.
        elsewhere: that there is none on the hull, or that it is hidden from every look.
    """

    cells: Array
    elsewhere: float

    @classmethod
    def from_prior(cls, share: Array, *, present: float) -> Belief:
        """Before any search.

        Args:
            share: (n,) where it lies if it is on the hull; sums to one.
            present: probability that it is on the hull and can be seen.
        """
        return cls(np.asarray(share, dtype=np.float64) * present, 1.0 - present)

    @property
    def on_hull(self) -> float:
        """Probability that a parcel which can be seen is on the hull."""
        return float(self.cells.sum())

    def after_nothing_found(self, pod: Array) -> Belief:
        """Bayes' rule after a search with (n,) POD in each cell that found nothing (Koopman).

        Searched cells lose, all else gains in proportion. If the search could not have missed, and nothing else was
        possible, nothing can be learned from what cannot happen: the belief stays.
        """
        left = self.cells * (1 - np.clip(pod, 0, 1))
        total = float(left.sum()) + self.elsewhere
        if total <= 0:
            return self
        return Belief(left / total, self.elsewhere / total)

    def expected_pod(self, pod: Array) -> float:
        """Probability that a search finds the parcel, given that it is on the hull and can be seen."""
        return float((self.cells * pod).sum() / self.on_hull) if self.on_hull > 0 else 0.0
