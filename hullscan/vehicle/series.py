"""A history: append-only samples in the order of mission time, safe between threads, bounded in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import astuple, fields, replace
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from hullscan.clock import utc_text
from hullscan.errors import LinkError

__all__ = ["CAPACITY", "MAX_GAP_S", "Samples", "Series"]

CAPACITY = 540_000
"""Rows kept: three hours (three charges of a BlueROV2 battery) at 50 Hz, the fastest stream asked for."""

MAX_GAP_S = 1.0
"""Interpolation over more than this would invent motion: at 0.3 m/s it is a third of a frame's footprint."""

Samples = npt.NDArray[np.void]
"""Structured array with a float64 field for each field of the sample type, ``utc_s`` first."""


class _Sample(Protocol):
    """A frozen dataclass whose fields are all floats, ``utc_s`` first."""

    @property
    def utc_s(self) -> float: ...


S = TypeVar("S", bound=_Sample)
Blend = Callable[[Any, Any, float], Any]
Ahead = Callable[[Any, float], Any]


def _linear(earlier: Any, later: Any, share: float) -> Any:
    pairs = zip(astuple(earlier), astuple(later), strict=True)
    return type(earlier)(*(a + share * (b - a) for a, b in pairs))


def _held(last: Any, ahead_s: float) -> Any:
    return replace(last, utc_s=last.utc_s + ahead_s)


class Series(Generic[S]):
    """Samples of one quantity.

    Args:
        sample: the dataclass of one sample.
        name: what to call it in an error ("attitude").
        blend: interpolates between two samples; linear in every field unless given.
        ahead: carries the last sample on for a moment; holds its values unless given.
        capacity: rows kept; the oldest half goes when it is full.

    Attributes:
        late: samples that arrived behind a later one and were left out.
        forgotten: samples given up to the capacity.
    """

    def __init__(
        self,
        sample: type[S],
        name: str,
        *,
        blend: Blend = _linear,
        ahead: Ahead = _held,
        capacity: int = CAPACITY,
    ) -> None:
        self._sample, self._name, self._capacity = sample, name, capacity
        self._blend, self._ahead = blend, ahead
        self._columns = tuple(field.name for field in fields(sample))  # type: ignore[arg-type]
        self._boot = self._columns.index("boot_s") if "boot_s" in self._columns else None
        self._dtype = np.dtype([(column, np.float64) for column in self._columns])
        self._rows = np.empty((min(256, capacity), len(self._columns)))
        self._count = 0
        self._lock = threading.Lock()
        self.late = 0
        self.forgotten = 0

    def __len__(self) -> int:
        return self._count

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the fields, ``utc_s`` first."""
        return self._columns

    def append(self, sample: S) -> bool:
        """Add a sample; False when it is older than the last one and was left out.

        A sample that is later by the vehicle's own clock, but earlier on the mission clock because the mapping
        between the two has just improved, takes the time of the last one.
        """
        row = list(astuple(sample))  # type: ignore[call-overload]
        with self._lock:
            if self._count and row[0] < (last := self._rows[self._count - 1])[0]:
                if self._boot is None or row[self._boot] <= last[self._boot]:
                    self.late += 1
                    return False
                row[0] = last[0]
            if self._count == len(self._rows):
                self._make_room()
            self._rows[self._count] = row
            self._count += 1
        return True

    def _make_room(self) -> None:
        if self._count >= self._capacity:
            half = self._count // 2
            self._rows[: self._count - half] = self._rows[half : self._count].copy()
            self._count -= half
            self.forgotten += half
            return
        grown = np.empty((min(2 * len(self._rows), self._capacity), self._rows.shape[1]))
        grown[: self._count] = self._rows[: self._count]
        self._rows = grown

    def clear(self) -> None:
        """Forget everything, as when the mission clock took the vehicle's time."""
        with self._lock:
            self._count = 0

    def _at(self, index: int) -> S:
        return self._sample(*(float(value) for value in self._rows[index]))

    @property
    def latest(self) -> S | None:
        """The last sample; None before the first."""
        with self._lock:
            return self._at(self._count - 1) if self._count else None

    def age_s(self, now_s: float) -> float:
        """How old the last sample is; infinite before the first."""
        with self._lock:
            return now_s - float(self._rows[self._count - 1, 0]) if self._count else float("inf")

    def before(self, utc_s: float) -> S | None:
        """The last sample at or before a time: what held then, for values that step."""
        with self._lock:
            index = int(np.searchsorted(self._rows[: self._count, 0], utc_s, side="right"))
            return self._at(index - 1) if index else None

    def at(self, utc_s: float, *, max_gap_s: float = MAX_GAP_S) -> S:
        """The value at a time, interpolated between its two neighbours.

        Just after the last sample (up to half of ``max_gap_s``) it is carried on from there, so that "now" has a
        value although the next message is still on its way.

        Raises:
            LinkError: nothing was heard near enough: outside the history, or in a gap over ``max_gap_s``.
        """
        with self._lock:
            times = self._rows[: self._count, 0]
            after = int(np.searchsorted(times, utc_s, side="left"))
            if after < self._count and times[after] == utc_s:
                return self._at(after)
            if self._count == 0 or after == 0:
                raise self._unknown(utc_s)
            earlier = self._at(after - 1)
            later = self._at(after) if after < self._count else None
        passed_s = utc_s - earlier.utc_s
        found: S
        if later is None:
            if passed_s > max_gap_s / 2:
                raise self._unknown(utc_s)
            found = self._ahead(earlier, passed_s)
            return found
        gap_s = later.utc_s - earlier.utc_s
        if gap_s > max_gap_s:
            raise self._unknown(utc_s)
        found = self._blend(earlier, later, passed_s / gap_s)
        return found

    def _unknown(self, utc_s: float) -> LinkError:
        return LinkError(f"no {self._name} from the vehicle at that time", where=utc_text(utc_s))

    def between(self, start_utc_s: float, end_utc_s: float) -> Samples:
        """All samples from ``start`` to ``end`` inclusive, a copy; fields by name: ``samples["depth_m"]``."""
        with self._lock:
            times = self._rows[: self._count, 0]
            first = int(np.searchsorted(times, start_utc_s, side="left"))
            last = int(np.searchsorted(times, end_utc_s, side="right"))
            rows = self._rows[first : max(last, first)].copy()
        return rows.view(self._dtype).reshape(len(rows))

    def all(self) -> Samples:
        """The whole history, a copy."""
        return self.between(float("-inf"), float("inf"))
