"""A Water Linked DVL A50 that faces forward, onto the hull, or down: what it measures and how it errs.

Axes of the DVL are those of its housing: z out of the transducers, x and y across. Mounted to face forward its
z is the vehicle's forward, its y the vehicle's right, its x (towards the LED) the vehicle's up. The four beams
stand 22.5 degrees off z; transducers 0 to 3 lie at 135, 225, 315 and 45 degrees from x towards y (the maker's ROS
driver lists them so). Range modes and rates are the maker's; the error
set ``a50`` reproduces a real A50 in a tank: gaps, invalid reports, wrong short reports that are marked valid,
lines that come twice, and a scale error of the velocity that stays the same for a run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import cos, exp, log10, pi, sin
from typing import Literal

import numpy as np

from hullscan.geometry.frames import Array
from hullscan_sim.dynamics import RigidBody, Vector
from hullscan_sim.sensor_options import Sensors
from hullscan_sim.world import HULL, RayHits, World

__all__ = ["BEAM_TILT_RAD", "MOUNT_M", "Beam", "Dvl", "DvlReport", "range_modes"]

BEAM_TILT_RAD = 22.5 * pi / 180
_AZIMUTHS_DEG = (135, 225, 315, 45)
MOUNT_M: Vector = (0.18, 0.0, 0.10)
"""Where the transducers are, forward-right-down from the centre of gravity."""
DOWN_MOUNT_M: Vector = (0.0, 0.0, 0.15)
"""The same of a second one, which looks down: its x points forward, its z down."""

_MODES: dict[str, tuple[float, float, float]] = {
    "0": (0.05, 0.6, 15.0),
    "1": (0.3, 3.0, 8.7),
    "2": (1.5, 14.0, 5.5),
    "3": (7.7, 36.0, 7.5),
    "4": (15.0, 50.0, 3.0),
    "wt": (1.5, 4.5, 2.0),
}
"""Shortest and longest range, m, and reports a second. Mode 1 gave 8.5 a second in the tank, against 10 stated."""
_SEARCH_HZ = 4.0
_LEAST_INCIDENCE = 0.42  # cosine: beyond 65 degrees no echo comes back
_SAME_SURFACE = 0.25  # of the range: farther apart, two rays of a beam have met different things
_RIM_RAYS = 12
_STILL: Vector = (0.0, 0.0, 0.0)
_PATTERN = re.compile(r"auto|wt|=[0-4]|=a|([0-4])<=([0-4])")


def range_modes(setting: str) -> tuple[str, ...]:
    """Modes that a ``range_mode`` setting allows; empty if it is not one.

    ``auto``, ``=a`` (the same), ``wt``, ``=1`` (locked) and ``0<=2`` (from, to).
    """
    match = _PATTERN.fullmatch(setting)
    if match is None or (match[1] and match[1] > match[2]):
        return ()
    if setting in ("auto", "=a"):
        return ("0", "1", "2", "3", "4")
    if match[1]:
        return tuple(str(mode) for mode in range(int(match[1]), int(match[2]) + 1))
    return (setting.removeprefix("="),)


@dataclass(frozen=True, slots=True)
class Beam:
    """One beam: slant range, speed along it (positive when the DVL moves towards where it points)."""

    distance_m: float
    velocity_mps: float
    valid: bool
    rssi_dbm: float
    nsd_dbm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DvlReport:
    """One velocity report, in the DVL's own axes.

    Attributes:
        time_s: simulated time of validity.
        interval_ms: since the report before.
        altitude_m: along z, -1 where there is none.
        fom: figure of merit, m/s.
        repeats: how often the line is sent; now and then twice.
        looks_down: it is the second DVL's, whose axes are the vehicle's.
    """

    time_s: float
    interval_ms: float
    velocity: Vector
    valid: bool
    altitude_m: float
    fom: float
    beams: tuple[Beam, ...]
    repeats: int = 1
    looks_down: bool = False

    @property
    def velocity_frd(self) -> Vector:
        """Velocity of the DVL in the vehicle's axes."""
        x, y, z = self.velocity
        return (x, y, z) if self.looks_down else (z, y, -x)


class Dvl:
    """Reports at the rate of its range mode.

    Args:
        kind: error set; ``none`` never reports.
        generator: for its errors.
        options: shares of the errors, and the width of a beam.
        looks_down: it is mounted to look at the sea bed.
    """

    def __init__(
        self,
        kind: Literal["a50", "perfect", "none"],
        generator: np.random.Generator,
        options: Sensors | None = None,
        *,
        looks_down: bool = False,
    ) -> None:
        self.kind, self._generator, self._looks_down = kind, generator, looks_down
        self._mount_m = DOWN_MOUNT_M if looks_down else MOUNT_M
        self._options = options = options or Sensors()
        self.range_mode = "auto"
        self.mode = "2"
        self.dropout = False
        self.enabled = True
        real = kind == "a50"
        self.scale = float(1 + generator.choice([-1, 1]) * generator.uniform(0.001, 0.005)) if real else 1.0
        self.invalid_share = float(exp(generator.uniform(np.log(0.004), np.log(0.08)))) if real else 0.0
        if real and options.dvl_invalid_share is not None:
            self.invalid_share = options.dvl_invalid_share
        tilt, azimuths = BEAM_TILT_RAD, (pi / 180 * degrees for degrees in _AZIMUTHS_DEG)
        own = [(sin(tilt) * cos(azimuth), sin(tilt) * sin(azimuth), cos(tilt)) for azimuth in azimuths]
        self._beams_dvl: Array = np.array(own)
        self._beams_frd: Array = np.array(own if looks_down else [(z, y, -x) for x, y, z in own])
        half_rad = options.dvl_beam_width_deg / 2 * pi / 180
        self._rims_frd = _rims(self._beams_frd, half_rad) if half_rad > 0 else None
        self._next_s, self._last_s, self._last_altitude_m = 0.3, 0.0, -1.0

    def sample(self, time_s: float, body: RigidBody, world: World) -> DvlReport | None:
        """A report when one is due."""
        if self.kind == "none" or not self.enabled or time_s < self._next_s:
            return None
        report = self._measure(time_s, body, world)
        self._last_s = time_s
        self._next_s = time_s + self._interval_s(report.altitude_m > 0 or report.valid)
        return report

    def _interval_s(self, locked: bool) -> float:
        rate = _MODES[self.mode][2] if locked else _SEARCH_HZ
        if self.kind == "perfect":
            return 1 / max(rate, 10.0)
        if self._generator.random() < self._options.dvl_gap_share:
            return float(self._generator.uniform(0.25, 0.55))
        return float(max(1 + 0.08 * self._generator.standard_normal(), 0.5) / rate)

    def _measure(self, time_s: float, body: RigidBody, world: World) -> DvlReport:
        x, y, z = body.to_ned(self._mount_m)
        origin = (body.north_m + x, body.east_m + y, body.down_m + z)
        matrix = np.array(body.matrix).reshape(3, 3)
        hits = world.cast(origin, self._beams_frd @ matrix.T, 50.0, mirror=True)
        shares = self._met_shares(origin, matrix, hits, world)
        velocity = self._velocity(body, self._ground_velocity(hits, body, world))
        low, high, _ = _MODES[self.mode]
        beams = tuple(self._beam(index, hits, velocity, low, high, shares[index]) for index in range(4))
        heard = [beam.distance_m for beam in beams if beam.valid]
        altitude_m = cos(BEAM_TILT_RAD) * sum(heard) / len(heard) if heard else -1.0
        self._choose_mode(hits)
        valid = len(heard) >= 3
        return self._report(time_s, velocity, beams, altitude_m if valid else -1.0, valid)

    def _met_shares(self, origin: Vector, matrix: Array, hits: RayHits, world: World) -> tuple[float, ...]:
        """How much of each beam's width meets what its axis meets; 1 for rays without a width."""
        if self._rims_frd is None:
            return (1.0,) * 4
        rims = world.cast(origin, self._rims_frd @ matrix.T, 50.0, mirror=True).distance_m.reshape(4, -1)
        axis_m = np.where(np.isfinite(hits.distance_m), hits.distance_m, 0.0)[:, None]
        same = np.abs(rims - axis_m) < _SAME_SURFACE * axis_m
        return tuple(same.mean(axis=1).tolist())

    def _ground_velocity(self, hits: RayHits, body: RigidBody, world: World) -> Vector:
        """Velocity (ned) of what the beams meet: the ship's own, where at least half of them meet her."""
        if world.motion.still or (hits.kind == HULL).sum() < 2:
            return _STILL
        return world.ship_velocity(body.position)

    def _velocity(self, body: RigidBody, ground: Vector) -> Vector:
        """True velocity at the mount over what the beams meet, with scale error and noise, DVL axes."""
        n, e, d = body.velocity
        u, v, w = body.to_body((n - ground[0], e - ground[1], d - ground[2]))
        p, q, r = body.roll_rate, body.pitch_rate, body.yaw_rate
        mx, my, mz = self._mount_m
        u, v, w = u + q * mz - r * my, v + r * mx - p * mz, w + p * my - q * mx
        x, y, z = (u, v, w) if self._looks_down else (-w, v, u)
        if self.kind == "perfect":
            return x, y, z
        a, b, c = (0.003 * self._generator.standard_normal(3)).tolist()
        return x * self.scale + a, y * self.scale + b, z * self.scale + c

    def _beam(self, index: int, hits: RayHits, velocity: Vector, low: float, high: float, share: float) -> Beam:
        true_m = float(hits.distance_m[index])
        speed = sum(a * b for a, b in zip(self._beams_dvl[index].tolist(), velocity, strict=True))
        heard = low <= true_m <= high and float(hits.incidence[index]) > _LEAST_INCIDENCE and not self.dropout
        if self.kind == "perfect":
            heard = np.isfinite(true_m) and not self.dropout
            return Beam(true_m if heard else -1.0, speed if heard else 0.0, bool(heard), -30.0, -90.0)
        draw = self._generator.standard_normal(4).tolist()
        weak = 0.1 if hits.mirrored[index] else 0.01
        heard = heard and self._generator.random() > weak
        heard = heard and (share >= 1 or self._generator.random() < share * share)
        nsd = -90 + 1.5 * draw[3]
        if not heard:
            return Beam(-1.0, 0.0, False, nsd + 2 + draw[2], nsd)
        distance_m = true_m * (1 + 0.003 * draw[0]) + 0.003 * draw[1]
        return Beam(max(distance_m, 0.05), speed + 0.004 * draw[2], True, -32 - 9 * log10(true_m + 0.1) + draw[2], nsd)

    def _choose_mode(self, hits: RayHits) -> None:
        """The allowed mode whose range suits the distance best, with some hysteresis."""
        allowed = range_modes(self.range_mode) or ("1",)
        finite = hits.distance_m[np.isfinite(hits.distance_m)]
        if not len(finite):
            self.mode = allowed[int(self._generator.integers(len(allowed)))]
            return
        distance = float(finite.mean())
        low, high, _ = _MODES[self.mode]
        if self.mode in allowed and 1.15 * low < distance < 0.85 * high:
            return
        inside = [mode for mode in allowed if _MODES[mode][0] < distance < _MODES[mode][1]]
        self.mode = inside[0] if inside else min(allowed, key=lambda mode: abs(_MODES[mode][1] - distance))

    def _report(
        self, time_s: float, velocity: Vector, beams: tuple[Beam, ...], altitude_m: float, valid: bool
    ) -> DvlReport:
        fom = 0.0002
        repeats = 1
        if self.kind == "a50":
            fom = min(0.0006 * exp(0.6 * float(self._generator.standard_normal())), 0.01)
            chance = self._generator.random(3).tolist()
            repeats = 2 if chance[0] < self._options.dvl_repeat_share else 1
            if valid and chance[1] < self.invalid_share:
                valid, altitude_m = False, self._last_altitude_m if chance[2] < 0.5 else -1.0
            elif valid and chance[1] > 1 - self._options.dvl_outlier_share:
                altitude_m, beams = self._wrong_short(beams)
        if valid:
            self._last_altitude_m = altitude_m
        else:
            velocity, fom = (0.0, 0.0, 0.0), 0.4
        return DvlReport(
            time_s=time_s,
            interval_ms=(time_s - self._last_s) * 1000,
            velocity=velocity,
            valid=valid,
            altitude_m=altitude_m,
            fom=fom,
            beams=beams,
            repeats=repeats,
            looks_down=self._looks_down,
        )

    def _wrong_short(self, beams: tuple[Beam, ...]) -> tuple[float, tuple[Beam, ...]]:
        """A report that is marked valid and lies: an echo from the water right in front of the transducers."""
        altitude_m = float(self._generator.uniform(0.05, 0.12))
        slant = altitude_m / cos(BEAM_TILT_RAD)
        return altitude_m, tuple(Beam(slant, beam.velocity_mps, True, beam.rssi_dbm, beam.nsd_dbm) for beam in beams)


def _rims(beams: Array, half_rad: float) -> Array:
    """(4 n, 3) rays round the axis of each beam: half of them on the rim of its width, half at 0.6 of that."""
    rays = []
    for axis in beams:
        across = np.cross(axis, [0.0, 0.0, 1.0])
        across /= np.linalg.norm(across)
        other = np.cross(axis, across)
        for index in range(_RIM_RAYS):
            turn, off = 4 * pi * index / _RIM_RAYS, half_rad * (1.0 if 2 * index < _RIM_RAYS else 0.6)
            rays.append(cos(off) * axis + sin(off) * (cos(turn) * across + sin(turn) * other))
    return np.array(rays)
