"""Moves that better a tour: a run of passes taken to another place of it, or turned round where it is.

All moves of a kind are weighed at once, by what they cost in seconds and by what is found sooner or later for them
(2-opt and or-opt, with the weighted sum of finishing times as in the travelling repairman problem).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array

__all__ = ["RUNS", "Move", "best_move"]

Pass = tuple[int, bool]
Index = npt.NDArray[np.intp]

RUNS = (1, 2, 4, 8, 16, 32)  # lengths that are taken elsewhere
_LEAST = 1e-2  # seconds, or as much as they are worth


@dataclass(frozen=True, slots=True)
class Move:
    """Passes ``first`` to before ``last`` go to before pass ``to``, or stay where they are; either way round."""

    first: int
    last: int
    to: int
    turned: bool

    def applied(self, order: list[Pass]) -> list[Pass]:
        """The tour after the move."""
        run = order[self.first : self.last]
        if self.turned:
            run = [(index, not back) for index, back in reversed(run)]
        if self.to > self.last:
            return [*order[: self.first], *order[self.last : self.to], *run, *order[self.to :]]
        return [*order[: self.to], *run, *order[self.to : self.first], *order[self.last :]]


@dataclass(frozen=True, slots=True)
class _Tour:
    """Times and sums of a tour of n passes; gap k lies before pass k, the last one before the launch.

    Attributes:
        across: (n + 1, n + 1) seconds from where one gap is left to where another is left for.
        lefts, reacheds: (n + 1, n + 1) the same between places that gaps are left from, and that they lead to.
        link: (n + 1,) seconds of each gap.
        leaves: (n + 1,) when each gap is left.
        weight, at_start, at_finish: (n + 1,) what is found before each gap; the same times when its pass starts, ends.
    """

    across: Array
    lefts: Array
    reacheds: Array
    link: Array
    start: Array
    finish: Array
    leaves: Array
    weight: Array
    at_start: Array
    at_finish: Array


def best_move(
    way_s: Array,
    left: Index,
    reached: Index,
    flown: Array,
    gains: Array,
    *,
    early: float,
    second: float,
    lengths: tuple[int, ...] = RUNS,
) -> Move | None:
    """The move of a kind that is worth most, of the first kind that is worth anything; none if none is.

    Args:
        way_s: (p, p) seconds between places.
        left, reached: (n + 1,) places that the ways of the tour lead from and to, the launch at both ends.
        flown: (n,) seconds of each pass.
        gains: (n,) what each pass finds.
        early: worth of finding one a second earlier.
        second: worth of a second saved.
        lengths: of runs that are taken elsewhere.
    """
    count = len(flown)
    if not count:
        return None
    from_left, from_reached = way_s[left], way_s[reached]
    across = from_left[:, reached]
    link = across.diagonal()
    finish = np.cumsum(link[:-1] + flown)
    start = finish - flown

    def before(values: Array) -> Array:
        return np.concatenate([[0.0], np.cumsum(values)])

    tour = _Tour(
        across, from_left[:, left], from_reached[:, reached], link, start, finish, np.append(0.0, finish),
        before(gains), before(gains * start), before(gains * finish),
    )  # fmt: skip
    for length in (0, *lengths):
        if length < count:
            worth, move = _taken(tour, length, early, second) if length else _turned(tour, early, second)
            if worth > _LEAST * second:
                return move
    return None


def _turned(tour: _Tour, early: float, second: float) -> tuple[float, Move]:
    """The run that is best turned round where it is."""
    count = len(tour.finish)
    i, j = np.arange(count)[:, None], np.arange(1, count + 1)[None]
    into = tour.lefts[:-1, 1:]
    more = into + tour.reacheds[:-1, 1:]
    more -= tour.link[:-1, None]
    more -= tour.link[1:]
    worth = -second * more
    if early:
        later = _run_later(tour, i, j, tour.leaves[i] + into, turned=True)
        worth -= early * (later + (tour.weight[-1] - tour.weight[j]) * more)
    worth[np.tril_indices(count, -1)] = -np.inf
    a, b = np.unravel_index(int(worth.argmax()), worth.shape)
    return float(worth[a, b]), Move(int(a), int(b) + 1, int(a), True)


def _taken(tour: _Tour, length: int, early: float, second: float) -> tuple[float, Move]:
    """The run of a length that is best taken elsewhere."""
    count = len(tour.finish)
    runs = count - length + 1
    i, g = np.arange(runs)[:, None], np.arange(count + 1)[None]
    j = i + length
    run_s = tour.finish[j - 1] - tour.start[i]
    closed = tour.across.diagonal(length)[:, None] - tour.link[:runs, None] - tour.link[length:, None]
    ahead = g > i
    best, found = -np.inf, Move(0, 0, 0, False)
    for turned in (False, True):
        if turned:
            into, onto = tour.lefts[length:], tour.reacheds[:runs] - tour.link
        else:
            into, onto = tour.across[:, :runs].T, tour.across[length:] - tour.link
        more = into + onto
        more += closed
        worth = -second * more
        if early:
            begins = tour.leaves[g] + into + np.where(ahead, closed - run_s, 0.0)
            # what lies between the old place and the new one, and what comes after both
            between = np.where(
                ahead,
                (tour.weight[g] - tour.weight[j]) * (closed - run_s),
                (tour.weight[i] - tour.weight[g]) * (into + onto + run_s),
            )
            after = (tour.weight[-1] - np.where(ahead, tour.weight[g], tour.weight[j])) * more
            worth -= early * (_run_later(tour, i, j, begins, turned=turned) + between + after)
        for own in range(length + 1):  # its own gaps
            worth[np.arange(runs), np.arange(runs) + own] = -np.inf
        a, b = np.unravel_index(int(worth.argmax()), worth.shape)
        if worth[a, b] > best:
            best, found = float(worth[a, b]), Move(int(a), int(a) + length, int(b), turned)
    return best, found


def _run_later(tour: _Tour, i: Index, j: Index, begins: Array, *, turned: bool) -> Array:
    """How much later a run finds what it finds, weighted by it, when it begins at a time."""
    mine = tour.weight[j] - tour.weight[i]
    if not turned:
        return np.asarray(mine * (begins - tour.start[i]))
    # from behind, each pass ends as long after the beginning as it started before the end
    last = tour.start[i] + tour.finish[j - 1] - tour.start[i]
    found = tour.at_start[j] - tour.at_start[i] + tour.at_finish[j] - tour.at_finish[i]
    return np.asarray(mine * (begins + last) - found)
