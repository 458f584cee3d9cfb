"""Moves of a tour, weighed all at once, against tours that are timed pass by pass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullscan.mission.tour_moves import RUNS, Move, best_move


class _Case:
    """Passes at random, in a random order."""

    def __init__(self, seed: int, count: int) -> None:
        rng = np.random.default_rng(seed)
        places = rng.uniform(0, 50, (2 * count + 1, 3))
        self.way_s = np.linalg.norm(places[:, None] - places[None], axis=2)
        self.order = [(int(index), bool(rng.random() < 0.5)) for index in rng.permutation(count)]
        self.flown, self.gains = rng.uniform(1, 20, count), rng.uniform(0, 1, count)
        self.early, self.second = rng.uniform(0, 1, 2).tolist()

    def cost(self, order: list[tuple[int, bool]]) -> float:
        """What each pass gains times when it ends, and the whole time."""
        launch = here = len(self.way_s) - 1
        clock = found = 0.0
        for index, back in order:
            start, end = (2 * index + 1, 2 * index) if back else (2 * index, 2 * index + 1)
            clock += self.way_s[here, start] + self.flown[index]
            found += self.gains[index] * clock
            here = end
        return self.early * found + self.second * (clock + float(self.way_s[here, launch]))

    def best(self, lengths: tuple[int, ...]) -> Move | None:
        """By the code under test."""
        index = [each for each, _ in self.order]
        first, turned = 2 * np.array(index), np.array([back for _, back in self.order])
        launch = len(self.way_s) - 1
        left, reached = np.append(launch, first + 1 - turned), np.append(first + turned, launch)
        return best_move(
            self.way_s, left, reached, self.flown[index], self.gains[index],
            early=self.early, second=self.second, lengths=lengths,
        )  # fmt: skip

    def moves(self, length: int) -> list[Move]:
        """All that take a run of a length elsewhere; of length 0, all that turn one round where it is."""
        count = len(self.order)
        if not length:
            return [Move(i, j, i, True) for i in range(count) for j in range(i + 1, count + 1)]
        runs = [(i, i + length) for i in range(count - length + 1)]
        return [
            Move(i, j, to, turned)
            for i, j in runs
            for to in range(count + 1)
            for turned in (False, True)
            if not i <= to <= j
        ]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 8))
def test_the_best_move_of_a_kind_is_the_best_of_all_that_are_tried_one_by_one(seed: int, count: int) -> None:
    case = _Case(seed, count)
    before = case.cost(case.order)
    move = case.best((1, 2, 4))
    for length in (0, 1, 2, 4):
        costs = [case.cost(each.applied(case.order)) for each in case.moves(length)] if length < count else []
        if costs and min(costs) < before - 0.011 * case.second:
            assert move is not None
            assert case.cost(move.applied(case.order)) == pytest.approx(min(costs))
            return
    assert move is None or case.cost(move.applied(case.order)) == pytest.approx(before, abs=0.02)


def test_moves_keep_every_pass_and_end_where_nothing_is_gained() -> None:
    case = _Case(3, 30)
    for _ in range(500):
        move = case.best(RUNS)
        if move is None:
            break
        before = case.cost(case.order)
        case.order = move.applied(case.order)
        assert case.cost(case.order) < before
        assert sorted(index for index, _ in case.order) == list(range(30))
    assert case.best(RUNS) is None
