"""Which passes, in which order: the most probability of detection that fits into a time.

This is the orienteering problem with a submodular reward (a second look at a cell adds less than the first) and with
passes that may be flown from either end. It begins with cheapest insertion by the best gain per second; then adaptive
large neighbourhood search (Ropke & Pisinger 2006, by the library ``alns``) takes parts of the tour out, puts the rest
in a better order, and fills the time won again. What is found best so far stands at any round.

The vehicle moves along the ship's outline, opened opposite the launch: a place is its distance along the outline from
the launch, its depth, and its distance from the centre plane; no tour goes round the ship and winds up the tether.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from hullscan.geometry.frames import Array
from hullscan.mission.tour_moves import best_move

__all__ = ["Passes", "Tour", "Travel", "best_tour", "missed_by_all", "tour_curve"]

Order = list[tuple[int, bool]]
Index = npt.NDArray[np.intp]

_EARLY = 0.25  # worth of the mean POD over the window, against that at its end: windows are cut short
_EPS_S = 1e-6
_LEAST_GAIN = 1e-9
_MOST_MOVES, _MOVES_OF_A_TRIAL = 40, 8
_BARRED_S = 1e5
_MANY, _FEWEST = 90, 6  # passes above which there are fewer rounds; and how few
_MARGIN = 20.0  # percentile of the passes' gains per second that a second saved is worth
_NEAR_M = (8.0, 60.0)  # about a pass to which a tour is led: what else there is taken up with it
_WORSE = 0.02  # of the POD at the beginning, by which a tour to go on from may at first be worse than the last
# what an operator earns by a new best tour, a better one, one to go on from, and one for nothing; how long it counts
_SCORES, _DECAY = [5.0, 2.0, 1.0, 0.5], 0.8
_BELOW, _EACH_BELOW = 20.0, 0.02  # worth of the POD by which a tour is behind the floor at some time; of each such time
_SPARE = 0.15  # of the budget, at most, by which it may run over before it is cut elsewhere


@dataclass(frozen=True, slots=True)
class Passes:
    """Candidates.

    Attributes:
        pod: (k, cells) POD of each pass at each cell.
        share: (cells,) prior chance of each cell.
        asymptote: of the POD of any number of looks.
        ends_m: (k, 2, 3) start and end: distance along the outline, depth, distance outward of the centre plane.
        duration_s: (k,).
        missed: (cells,) share that what is flown anyway leaves to be found; all of it when not given.
        kind: (k,) of the pattern and speed; all of one kind when not given.
    """

    pod: csr_array
    share: Array
    asymptote: float
    ends_m: Array
    duration_s: Array
    missed: Array | None = None
    kind: Index | None = None

    def __len__(self) -> int:
        return len(self.duration_s)

    def missed_by(self, taken: list[int]) -> Array:
        """(cells,) share that some of the passes leave to be found."""
        return missed_by_all(csr_array(self.pod[taken]), self.asymptote)


def missed_by_all(pods: csr_array, asymptote: float) -> Array:
    """(cells,) share that all of (k, cells) passes, independent of each other, leave to be found."""
    logs = np.log1p(-np.minimum(pods.data / asymptote, 1 - 1e-9))
    return np.asarray(np.exp(np.bincount(pods.indices, logs, pods.shape[1])), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Travel:
    """What moving between passes costs.

    Attributes:
        launch_m: (3,) where the hull is reached from the launch, as ``Passes.ends_m``.
        speed_mps: between passes.
        settle_s: at the end of a leg, which a pass is, and a way that is longer than a hop.
        out_s, home_s: from the launch to the hull's outline, and back out of the water.
        hop_m: between passes that make one leg if they are of one kind; else without a leg of its own.
        barred: pairs of places between which no way is clear: twice a pass, one more for its end; -1 for the launch.
    """

    launch_m: Array
    speed_mps: float
    settle_s: float
    out_s: float
    home_s: float
    hop_m: float = 0.3
    barred: frozenset[tuple[int, int]] = frozenset()

    def among(self, some: Index) -> Travel:
        """The same for (k,) of all passes, which are numbered anew."""
        places = {2 * int(index) + end: 2 * number + end for number, index in enumerate(some) for end in (0, 1)}
        places[-1] = -1
        kept = {(places[a], places[b]) for a, b in self.barred if a in places and b in places}
        return replace(self, barred=frozenset(kept))

    def time_s(self, a: Array, b: Array) -> Array:
        """(...,) seconds between (..., 3) places, for passes of one kind."""
        x, z, w = (np.subtract(a[..., axis], b[..., axis]) for axis in range(3))
        apart = np.sqrt(x * x + z * z + w * w)
        return np.asarray(apart / self.speed_mps + 2 * self.settle_s * (apart > self.hop_m))


@dataclass(frozen=True, slots=True)
class Tour:
    """Passes in their order.

    Attributes:
        order: index of a candidate, and whether it is flown from its end to its start.
        duration_s: with all travel, from the launch back to it.
        pod: expected, over the prior.
        seed_pod: of the greedy seed from which the search began.
    """

    order: tuple[tuple[int, bool], ...]
    duration_s: float
    pod: float
    seed_pod: float


def best_tour(
    passes: Passes,
    travel: Travel,
    budget_s: float,
    *,
    effort: int = 60,
    seed: int = 0,
    start: Order | None = None,
    rival: Order | None = None,
    floor: Array | None = None,
    repeated: float = 1.0,
) -> Tour:
    """Choose and order passes.

    Args:
        budget_s: for everything, from the launch back to it.
        effort: rounds of improvement after the greedy seed; each costs about as much as a tenth of the seed. With none,
            a tour to begin with is only cut and filled again.
        seed: of the random choices; the same seed gives the same tour.
        start: a tour to begin with, cut to the budget, instead of an empty one.
        rival: another tour, cut to the budget too: the search begins with what is worth more.
        floor: (m, 2) seconds and the POD below which a tour should not be then, as far as that can be had.
        repeated: no place is worth more than this share of endless looks, while passes are chosen.
    """
    problem = _Problem(passes, travel, budget_s, floor, repeated)
    if effort or not start:
        order = problem.ordered(problem.filled(problem.cut(problem.ordered(list(start or ())))))
    else:
        order = problem.filled(problem.cut(list(start)))
    if rival:
        order = max(order, problem.filled(problem.cut(rival)), key=problem.worth)
    seed_pod = problem.pod(order)
    rounds = min(effort, max(_FEWEST, round(effort * (_MANY / max(len(order), 1)) ** 2)))  # each costs as its square
    if order and rounds:
        found = _searched(_State.of(problem, order, seed_pod), rounds, seed)
        order = max(found, problem.ordered(problem.filled(found)), key=problem.worth)
    return Tour(tuple(order), problem.time_s(order), problem.pod(order), seed_pod)


@dataclass(frozen=True, slots=True)
class _State:
    """A tour as the search sees it.

    Attributes:
        least_pod: less than this no tour may find, however early.
    """

    problem: _Problem
    order: Order
    least_pod: float
    worth: float

    @classmethod
    def of(cls, problem: _Problem, order: Order, least_pod: float) -> _State:
        worth = problem.worth(order)
        return cls(problem, order, least_pod, worth if problem.pod(order) >= least_pod else worth - 1.0)

    def objective(self) -> float:
        """To be made small."""
        return -self.worth


def _searched(begun: _State, rounds: int, seed: int) -> Order:
    """The best tour of some rounds."""
    from alns import ALNS  # brings a plotting library along: not for programs that plan nothing
    from alns.accept import RecordToRecordTravel
    from alns.select import RouletteWheel
    from alns.stop import MaxIterations

    def taking_out(part: Callable[[_Problem, Order, np.random.Generator], Order]) -> Callable[..., _State]:
        def operator(state: _State, rng: np.random.Generator) -> _State:
            return replace(state, order=part(state.problem, state.order, rng))

        return operator

    def filled_again(state: _State, rng: np.random.Generator) -> _State:
        problem = state.problem
        order = problem.filled(problem.ordered(problem.filled(state.order, rng), _MOVES_OF_A_TRIAL))
        return _State.of(problem, order, state.least_pod)

    search = ALNS(np.random.default_rng(seed))
    parts = (_Problem.diverted, _Problem.ruined, _Problem.thinned, _Problem.hurried, _Problem.begun)
    for part in parts:
        search.add_destroy_operator(taking_out(part), name=part.__name__)
    search.add_repair_operator(filled_again, name="filled again")
    worse = _WORSE * begun.least_pod
    accept = RecordToRecordTravel(worse, 0.0, worse / rounds, "linear", cmp_best=False)
    choose = RouletteWheel(_SCORES, _DECAY, num_destroy=len(parts), num_repair=1)
    best: _State = search.iterate(begun, choose, accept, MaxIterations(rounds)).best_state
    return best.order


def tour_curve(passes: Passes, travel: Travel, order: tuple[tuple[int, bool], ...]) -> Array:
    """(n + 1, 2) seconds and expected POD at the start and after each pass."""
    problem = _Problem(passes, travel, np.inf)
    times, gains = problem.finish_s(list(order)), problem.gains(list(order))
    return np.column_stack([np.concatenate([[0.0], times]), np.concatenate([[0.0], np.cumsum(gains)])])


class _Problem:
    """Passes, travel and budget, with the sums that every step needs."""

    def __init__(
        self, passes: Passes, travel: Travel, budget_s: float, floor: Array | None = None, repeated: float = 1.0
    ) -> None:
        seen = np.unique(passes.pod.indices)
        pod = passes.pod[:, seen] if len(seen) else passes.pod
        self.passes, self.travel, self.budget_s, self.floor = passes, travel, budget_s, floor
        # places by number: 2 i where pass i starts, 2 i + 1 where it ends, the launch last
        places = np.concatenate([passes.ends_m.reshape(-1, 3), travel.launch_m[None]])
        self.way_s = travel.time_s(places[:, None], places[None])
        self.launch = len(places) - 1
        if passes.kind is not None:
            other = passes.kind[:, None] != passes.kind[None]
            hop = self.way_s[:-1, :-1] < travel.hop_m / travel.speed_mps + 1e-9
            self.way_s[:-1, :-1] += travel.settle_s * (hop & np.kron(other, np.ones((2, 2), bool)))
        for a, b in travel.barred:
            self.way_s[a, b] = self.way_s[b, a] = _BARRED_S
        self.pods: csr_array = pod.tocsr()
        self.asymptote = repeated * passes.asymptote
        whole, most = self.pods.data, 0.999 * self.asymptote
        self.pods = csr_array((np.minimum(whole, most), self.pods.indices, self.pods.indptr), self.pods.shape)
        share = passes.share if passes.missed is None else passes.share * passes.missed
        self.share = share[seen] if len(seen) else share
        spans = list(pairwise(self.pods.indptr.tolist()))
        self.rows = [(self.pods.indices[a:b], self.pods.data[a:b]) for a, b in spans]
        self.whole_rows = [(self.pods.indices[a:b], whole[a:b]) for a, b in spans]

    # ---------------------------------------------------------------- time

    def _places(self, order: Order) -> tuple[Index, Index]:
        """(n + 1,) numbers of the places that are left and of those that are gone to, the launch at both ends."""
        pairs = np.array(order, dtype=np.intp).reshape(-1, 2)
        first, turned = 2 * pairs[:, 0], pairs[:, 1]
        return np.append(self.launch, first + 1 - turned), np.append(first + turned, self.launch)

    def time_s(self, order: Order) -> float:
        """Of the whole tour."""
        if not order:
            return 0.0
        left, reached = self._places(order)
        flown = self.passes.duration_s[[index for index, _ in order]].sum()
        moved = self.way_s[left, reached].sum()
        return float(flown + moved + self.travel.out_s + self.travel.home_s)

    def finish_s(self, order: Order) -> Array:
        """(n,) when each pass ends."""
        left, reached = self._places(order)
        moved = self.way_s[left, reached][:-1]
        flown = self.passes.duration_s[[index for index, _ in order]]
        return np.asarray(self.travel.out_s + np.cumsum(moved + flown), dtype=np.float64)

    # ---------------------------------------------------------------- reward

    def _missed(self, order: Order) -> Array:
        missed = np.ones(len(self.share))
        for index, _ in order:
            cells, pod = self.rows[index]
            missed[cells] *= 1 - pod / self.asymptote
        return missed

    def gains(self, order: Order, *, whole: bool = False) -> Array:
        """(n,) what each pass adds to those before it, as it is chosen by, or as it is."""
        rows, asymptote = (self.whole_rows, self.passes.asymptote) if whole else (self.rows, self.asymptote)
        missed, gains = np.ones(len(self.share)), np.zeros(len(order))
        for number, (index, _) in enumerate(order):
            cells, pod = rows[index]
            gains[number] = float((self.share[cells] * missed[cells]) @ pod)
            missed[cells] *= 1 - pod / asymptote
        return gains

    def pod(self, order: Order) -> float:
        """Expected POD of a tour."""
        return float(self.gains(order).sum())

    def worth(self, order: Order) -> float:
        """What is maximised: the POD at the end, a little for having it early, and not to be below the floor."""
        if not order:
            return 0.0
        gains, finish = self.gains(order), self.finish_s(order)
        early = float(gains @ np.clip(1 - finish / self.budget_s, 0, 1))
        return float(gains.sum()) + _EARLY * early - self._below_floor(order, finish)

    def _below_floor(self, order: Order, finish_s: Array) -> float:
        """What it costs a tour to be behind the floor, summed over the times; within a pass its POD grows evenly."""
        if self.floor is None:
            return 0.0
        found = np.concatenate([[0.0], np.cumsum(self.gains(order, whole=True))])
        start_s = finish_s - self.passes.duration_s[[index for index, _ in order]]
        knots_s = np.column_stack([start_s, finish_s]).ravel()
        had = np.interp(self.floor[:, 0], knots_s, np.column_stack([found[:-1], found[1:]]).ravel())
        behind = np.maximum(self.floor[:, 1] - had, 0.0)
        return _BELOW * float(behind.sum()) + _EACH_BELOW * int((behind > 0).sum())

    # ---------------------------------------------------------------- steps

    def diverted(self, order: Order, rng: np.random.Generator) -> Order:
        """The tour led past a part of the ship that it leaves out, and cut elsewhere to the budget.

        One pass far off never pays for the way to it; all that lie there together may. Where it is led is drawn by
        what a pass there would add.
        """
        gain = self.pods @ (self.share * self._missed(order))
        gain[[index for index, _ in order]] = 0.0
        if gain.sum() <= 0:
            return order
        aim = int(rng.choice(len(gain), p=gain / gain.sum()))
        apart = np.linalg.norm(self.passes.ends_m.mean(axis=1) - self.passes.ends_m[aim].mean(axis=0), axis=1)
        near = apart <= rng.uniform(_NEAR_M[0], _NEAR_M[1])
        near[[index for index, _ in order]] = False
        there = self._inserted(order, aim)
        spare = rng.uniform(0.0, _SPARE) * self.budget_s
        there = self.filled(there, rng, budget_s=max(self.time_s(there), self.budget_s) + spare, among=near)
        taken = {index for index, _ in order}
        return self.cut(self.shortened(there), spared={index for index, _ in there} - taken)

    def ruined(self, order: Order, rng: np.random.Generator) -> Order:
        """The tour without some of its passes: a run of neighbours, or single ones at random."""
        count = len(order)
        size = int(rng.integers(1, max(2, min(count, 3 + count // 4))))
        if rng.random() < 0.6:
            first = int(rng.integers(0, count))
            return order[:first] + order[first + size :]
        gone = set(rng.choice(count, size=min(size, count), replace=False).tolist())
        return [each for index, each in enumerate(order) if index not in gone]

    def thinned(self, order: Order, rng: np.random.Generator) -> Order:
        """The tour without what gains least for its time, a random share of it."""
        return self.cut(order, budget_s=self.time_s(order) * (1 - rng.uniform(0.03, 0.35)))

    def hurried(self, order: Order, rng: np.random.Generator) -> Order:
        """The tour without a little of what gains least, in an order in which more is found early."""
        early = _EARLY * rng.uniform(2.0, 20.0)
        return self.ordered(self.cut(order, budget_s=self.time_s(order) * 0.95), early=early)

    def begun(self, order: Order, rng: np.random.Generator) -> Order:
        """The tour begun with another pass, cut elsewhere to the budget; drawn by what finds much soon."""
        ends_s = self.way_s[self.launch, : self.launch].reshape(-1, 2)
        rate = (self.pods @ self.share / (ends_s.min(axis=1) + self.passes.duration_s + self.travel.out_s)) ** 2
        if rate.sum() <= 0:
            return order
        first = int(rng.choice(len(rate), p=rate / rate.sum()))
        rest = [each for each in order if each[0] != first]
        return self.cut([(first, bool(ends_s[first, 1] < ends_s[first, 0])), *rest], spared={first})

    def _inserted(self, order: Order, index: int) -> Order:
        """The tour with one more pass where it costs least, whatever that is."""
        left, reached = self._places(order)
        ahead, back = (way[:, index] for way in self._through(left, reached))
        at = int(np.minimum(ahead, back).argmin())
        return [*order[:at], (index, bool(back[at] < ahead[at])), *order[at:]]

    def filled(
        self,
        order: Order,
        rng: np.random.Generator | None = None,
        *,
        budget_s: float | None = None,
        among: npt.NDArray[np.bool_] | None = None,
    ) -> Order:
        """Insert passes, the best gain per second first, until none fits.

        Args:
            budget_s: instead of that of the problem.
            among: (k,) passes that may be inserted; all when not given.
        """
        order, missed = list(order), self._missed(order)
        used = np.zeros(len(self.passes), bool) if among is None else ~among
        used[[index for index, _ in order]] = True
        slack = (self.budget_s if budget_s is None else budget_s) - self.time_s(order)
        if not order:
            slack -= self.travel.out_s + self.travel.home_s
        noise = np.ones(len(self.passes)) if rng is None else rng.uniform(0.7, 1.3, len(self.passes))
        left, reached = self._places(order)
        ahead, back = self._through(left, reached)
        while True:
            gain = self.pods @ (self.share * missed)
            extra = np.minimum(ahead, back)
            place = extra.argmin(axis=0)
            cost = extra[place, np.arange(len(place))] + self.passes.duration_s
            able = ~used & (gain > _LEAST_GAIN) & (cost <= slack + _EPS_S)
            if not able.any():
                return order
            index = int(np.where(able, gain * noise / np.maximum(cost, 1e-3), -1.0).argmax())
            at = int(place[index])
            turned = bool(back[at, index] < ahead[at, index])
            order.insert(at, (index, turned))
            used[index] = True
            slack -= float(cost[index])
            cells, pod = self.rows[index]
            missed[cells] *= 1 - pod / self.asymptote
            # the gap into which it came has become two
            left, reached = self._places(order)
            two = self._through(left[at : at + 2], reached[at : at + 2])
            ahead, back = (
                np.concatenate([old[:at], new, old[at + 1 :]]) for old, new in zip((ahead, back), two, strict=True)
            )

    def _through(self, left: Index, reached: Index) -> tuple[Array, Array]:
        """(n, k) twice: what each pass adds to the way between two places, flown ahead and flown back."""
        starts, ends = self.way_s[:, : self.launch : 2], self.way_s[:, 1 : self.launch : 2]
        direct = self.way_s[left, reached][:, None]
        return starts[left] + ends[reached] - direct, ends[left] + starts[reached] - direct

    def cut(self, order: Order, spared: Set[int] = frozenset(), budget_s: float | None = None) -> Order:
        """The tour without the passes that gain least for their time, until it keeps the budget.

        Args:
            spared: passes that go last.
            budget_s: instead of that of the problem.
        """
        limit = self.budget_s if budget_s is None else budget_s
        while order and (over := self.time_s(order) - limit) > 0:
            saved = self._without(order) + self.passes.duration_s[[index for index, _ in order]]
            rate = self.gains(order) / np.maximum(saved, 1e-3)
            if spared and not all(index in spared for index, _ in order):
                rate[[index in spared for index, _ in order]] = np.inf
            # half of what is too much at a time: what the others gain changes with it
            worst = np.argsort(rate, kind="stable")
            count = 1 + int(np.searchsorted(np.cumsum(saved[worst]), over / 2))
            gone = set(worst[: min(count, int(np.isfinite(rate).sum()))].tolist())
            order = [each for place, each in enumerate(order) if place not in gone]
        return order

    def _without(self, order: Order) -> Array:
        """(n,) how much way leaving out each pass saves."""
        left, reached = self._places(order)
        link = self.way_s[left, reached]
        return np.asarray(link[:-1] + link[1:] - self.way_s[left[:-1], reached[1:]])

    def ordered(self, order: Order, most: int = _MOST_MOVES, early: float = _EARLY) -> Order:
        """Runs of passes moved or turned round, while what is found early and the time saved are worth it.

        What each pass finds is taken to stay the same, although it changes a little with what comes before it.

        Args:
            most: moves.
            early: worth of the mean POD over the window, against that at its end.
        """
        if not order:
            return order
        best = list(order)
        gain_of = np.zeros(len(self.passes))
        taken = [index for index, _ in best]
        gain_of[taken] = self.gains(best)
        rate = gain_of[taken] / np.maximum(self._without(best) + self.passes.duration_s[taken], 1e-3)
        second = max(float(np.percentile(rate, _MARGIN)), _LEAST_GAIN)
        for _ in range(most):
            left, reached = self._places(best)
            taken = [index for index, _ in best]
            flown, gains = self.passes.duration_s[taken], gain_of[taken]
            move = best_move(self.way_s, left, reached, flown, gains, early=early / self.budget_s, second=second)
            if move is None:
                break
            moved = move.applied(best)
            if self.time_s(moved) > max(self.budget_s, self.time_s(best)) + _EPS_S:
                break  # what is found early may be worth seconds, but not those that nobody has
            best = moved
        return best

    def shortened(self, order: Order) -> Order:
        """Runs of passes turned round, or single ones moved, while that saves time."""
        best = list(order)
        while len(best) > 1:
            left, reached = self._places(best)
            flown = self.passes.duration_s[[index for index, _ in best]]
            move = best_move(self.way_s, left, reached, flown, np.zeros(len(best)), early=0.0, second=1.0, lengths=(1,))
            if move is None:
                break
            best = move.applied(best)
        return best
