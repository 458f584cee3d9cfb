"""How well readers read, by what was mixed in: planted parcels that they saw, bare hull that they called suspicious."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist, median

from hullscan.review.procedure import Reading, Standing, standing
from hullscan.review.worklist import Kind, Place

__all__ = ["Score", "d_prime", "measure"]


@dataclass(frozen=True, slots=True)
class Score:
    """One reader's measures.

    Attributes:
        planted, hits: parcels read, and of these called suspicious.
        bare, false_calls: unflagged hull read, and of that called suspicious without another reader's agreement.
        looked_s: median time before a place.
    """

    planted: int
    hits: int
    bare: int
    false_calls: int
    places: int
    looked_s: float | None

    def __add__(self, other: Score) -> Score:
        """Both together; the time is the longer one's share of places."""
        places = self.places + other.places
        times = [(each.looked_s, each.places) for each in (self, other) if each.looked_s is not None]
        looked = (
            sum(time * count for time, count in times) / max(sum(count for _, count in times), 1) if times else None
        )
        return Score(
            self.planted + other.planted, self.hits + other.hits, self.bare + other.bare,
            self.false_calls + other.false_calls, places, looked,
        )  # fmt: skip

    @property
    def d_prime(self) -> float | None:
        """Sensitivity; None where one of the two was never shown."""
        return d_prime(self.hits, self.planted, self.false_calls, self.bare)


def d_prime(hits: int, signals: int, false_calls: int, noises: int) -> float | None:
    """Sensitivity of a yes-no reader, with the log-linear correction for rates of 0 and 1 (Hautus 1995).

    None without signals or without noise.
    """
    if not signals or not noises:
        return None
    z = NormalDist().inv_cdf
    return z((hits + 0.5) / (signals + 1)) - z((false_calls + 0.5) / (noises + 1))


def measure(reader: str, places: Iterable[Place], readings: dict[str, list[Reading]]) -> Score:
    """A reader's measures over the places of one mission.

    ``unclear`` counts as a hit on a parcel, because it sends somebody to look, and as no false call. A bare place
    that was confirmed holds something that the detector missed: it is no false call.
    """
    planted = hits = bare = false_calls = 0
    times = []
    for place in places:
        given = readings.get(place.identity, [])
        mine = next((each for each in given if each.reader == reader), None)
        if mine is None:
            continue
        times.append(mine.looked_s)
        if place.kind is Kind.PLANTED:
            planted += 1
            hits += mine.verdict.suspicious is not False
        elif place.kind is Kind.SAMPLE and standing(given) is not Standing.CONFIRMED:
            bare += 1
            false_calls += mine.verdict.suspicious is True
    return Score(planted, hits, bare, false_calls, len(times), median(times) if times else None)
