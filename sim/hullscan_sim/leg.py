"""A straight leg from rest to rest with limited jerk, acceleration and speed.

Position-only setpoints of GUIDED fly such a leg. Each new one plans it again, from rest: that is what makes a
stream of them stall, and it must here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from hullscan_sim.dynamics import Vector

__all__ = ["Leg"]

_LEAD_M = 0.6
"""The clock of the leg runs slower as the vehicle falls behind, and nearly stands still at this lag."""


@dataclass(frozen=True, slots=True)
class _Profile:
    """Distance over time of one axis along the leg; symmetric about its middle."""

    jerk: float
    jerk_s: float
    steady_s: float
    cruise_s: float
    speed: float

    @classmethod
    def fit(cls, length_m: float, speed: float, acceleration: float, jerk: float) -> _Profile:
        """The fastest profile within the limits."""
        low, high = 0.0, speed
        if 2 * _ramp(high, acceleration, jerk)[2] > length_m:
            for _ in range(40):
                middle = (low + high) / 2
                low, high = (middle, high) if 2 * _ramp(middle, acceleration, jerk)[2] <= length_m else (low, middle)
            high = low
        jerk_s, steady_s, ramp_m = _ramp(high, acceleration, jerk)
        cruise_s = (length_m - 2 * ramp_m) / high if high > 1e-9 else 0.0
        return cls(jerk, jerk_s, steady_s, max(cruise_s, 0.0), high)

    @property
    def ramp_s(self) -> float:
        return 2 * self.jerk_s + self.steady_s

    @property
    def duration_s(self) -> float:
        return 2 * self.ramp_s + self.cruise_s

    def at(self, time_s: float) -> tuple[float, float]:
        """Distance and speed."""
        ramp_s = self.ramp_s
        ramp_m = self.speed * ramp_s / 2
        if time_s <= 0:
            return 0.0, 0.0
        if time_s < ramp_s:
            return self._ramp_at(time_s)
        if time_s < ramp_s + self.cruise_s:
            return ramp_m + self.speed * (time_s - ramp_s), self.speed
        total_m = 2 * ramp_m + self.speed * self.cruise_s
        left_s = self.duration_s - time_s
        if left_s <= 0:
            return total_m, 0.0
        left_m, speed = self._ramp_at(left_s)
        return total_m - left_m, speed

    def _ramp_at(self, time_s: float) -> tuple[float, float]:
        jerk, first, steady = self.jerk, self.jerk_s, self.steady_s
        if time_s < first:
            return jerk * time_s**3 / 6, jerk * time_s**2 / 2
        distance, speed, top = jerk * first**3 / 6, jerk * first**2 / 2, jerk * first
        span = min(time_s - first, steady)
        distance, speed = distance + speed * span + top * span**2 / 2, speed + top * span
        if time_s <= first + steady:
            return distance, speed
        span = time_s - first - steady
        return (
            distance + speed * span + top * span**2 / 2 - jerk * span**3 / 6,
            speed + top * span - jerk * span**2 / 2,
        )


def _ramp(speed: float, acceleration: float, jerk: float) -> tuple[float, float, float]:
    """Duration of each jerk, duration at full acceleration, and distance, to reach a speed."""
    if speed * jerk < acceleration**2:
        jerk_s, steady_s = sqrt(speed / jerk), 0.0
    else:
        jerk_s = acceleration / jerk
        steady_s = speed / acceleration - jerk_s
    return jerk_s, steady_s, speed * (2 * jerk_s + steady_s) / 2


class Leg:
    """Where the target is on its way.

    Args:
        start, end: ned, m.
        speed: greatest level, downward and upward speed, m/s.
        acceleration: greatest level and vertical acceleration, m/s2.
        jerk: m/s3.
    """

    def __init__(
        self, start: Vector, end: Vector, speed: Vector, acceleration: tuple[float, float], jerk: float
    ) -> None:
        self.start, self.end = start, end
        step = [b - a for a, b in zip(start, end, strict=True)]
        self.length_m = sqrt(sum(part * part for part in step))
        self.direction = tuple(part / self.length_m for part in step) if self.length_m > 1e-6 else (0.0, 0.0, 0.0)
        level = sqrt(self.direction[0] ** 2 + self.direction[1] ** 2)
        upright = abs(self.direction[2])
        level = 1.0 if level + upright == 0.0 else level  # nowhere to go
        vertical = speed[1] if self.direction[2] > 0 else speed[2]
        fastest = min(_over(speed[0], level), _over(vertical, upright))
        strongest = min(_over(acceleration[0], level), _over(acceleration[1], upright))
        self._profile = _Profile.fit(self.length_m, fastest, strongest, jerk)
        self._time_s = 0.0

    def advance(self, position: Vector, dt_s: float) -> tuple[Vector, Vector]:
        """Target position and velocity after a step, given where the vehicle is."""
        distance, _ = self._profile.at(self._time_s)
        reached = sum(way * (now - begin) for way, now, begin in zip(self.direction, position, self.start, strict=True))
        lag_m = distance - reached
        self._time_s += dt_s * min(max(1.05 - lag_m / _LEAD_M, 0.05), 1.0)
        distance, speed = self._profile.at(self._time_s)
        d = self.direction
        place = tuple(begin + way * distance for begin, way in zip(self.start, d, strict=True))
        return (place[0], place[1], place[2]), (d[0] * speed, d[1] * speed, d[2] * speed)

    @property
    def done(self) -> bool:
        """Whether the target has arrived."""
        return self._time_s >= self._profile.duration_s


def _over(limit: float, share: float) -> float:
    return limit / share if share > 1e-6 else float("inf")
