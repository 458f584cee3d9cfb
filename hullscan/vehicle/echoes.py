"""Wrong short echoes: a sensor now and then vouches for a distance that nothing is at.

A real DVL A50 in a tank reported 0.07 m, marked valid, in a run at 1.7 m (vehicle.md 2a). Such a reading is
flagged, not dropped: should it be true after all, it is the most important one of the flight, so it is believed
as soon as it persists.
"""

from __future__ import annotations

from collections import deque
from statistics import median

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.vehicle.protocol import Bools

__all__ = ["ShortEchoes"]

_SHARE = 0.5
"""Shorter than half of what it just was: at 1 m and 10 Hz a vehicle would have to close in at 5 m/s."""
_WINDOW_S = 3.0
_HISTORY = 9
_ENOUGH = 3  # readings that make a history
_MEMORY_S = 20.0  # what was usual before a gap still makes the first reading after it wait for a second and a third
_NEAR_M = 0.5  # with nothing known of a beam, as after minutes under a ship, so short a reading waits too
_PERSISTS = 3  # readings in a row that make a fact: 0.3 s at 10 Hz, 0.15 m at the speed limit


class ShortEchoes:
    """Remembers the last readings of each beam and says which of the next are implausibly short."""

    def __init__(self, beams: int) -> None:
        self._past: list[deque[tuple[float, float]]] = [deque(maxlen=_HISTORY) for _ in range(beams)]
        self._row = [0] * beams
        self._usual = [(float("-inf"), 0.0)] * beams

    def flag(self, utc_s: float, distances_m: Array, valid: Bools) -> Bools:
        """(n,) which beams are suspect; takes the readings into the history."""
        suspect = np.zeros(len(distances_m), dtype=np.bool_)
        for beam, (distance_m, is_valid) in enumerate(zip(distances_m.tolist(), valid.tolist(), strict=True)):
            if is_valid:
                suspect[beam] = self._is_short(beam, utc_s, distance_m)
        return suspect

    def _is_short(self, beam: int, utc_s: float, distance_m: float) -> bool:
        past = self._past[beam]
        while past and utc_s - past[0][0] > _WINDOW_S:
            past.popleft()
        if len(past) >= _ENOUGH:
            self._usual[beam] = (past[-1][0], median(value for _, value in past))
        known_s, usual_m = self._usual[beam]
        short_m = _SHARE * usual_m if utc_s - known_s < _MEMORY_S else _NEAR_M
        if distance_m < short_m:
            self._row[beam] += 1
            if self._row[beam] < _PERSISTS:
                return True
            past.clear()  # it persists: this is how far it is now
            self._usual[beam] = (utc_s, distance_m)
        self._row[beam] = 0
        past.append((utc_s, distance_m))
        return False
