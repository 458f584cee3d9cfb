"""Pressure, inertial sensors, compass and echo sounders of the vehicle.

Each takes the truth and gives what the autopilot would read. The DVL has a module of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp, pi, sin
from typing import Literal

import numpy as np

from hullscan.geometry.frames import Array
from hullscan_sim.dynamics import RigidBody, Vector
from hullscan_sim.sensor_options import Sensors
from hullscan_sim.world import World

__all__ = ["Barometer", "Compass", "EchoSounders", "Gyro", "Sounding"]

_PULSE_M = 0.05  # range resolution of the sounder's pulse
_LAMBERT = 2.0


class Barometer:
    """Depth sensor. The autopilot takes the pressure at its start for depth zero, and takes a new zero whenever
    it reads a height above the old one: so noise and bobbing at the surface leave a bias of 0.1 to 0.2 m, and a
    flight out of the water shifts every later depth.

    Attributes:
        pressure_hpa: last reading: 1013.25 in air, 100.38 hPa for each metre of sea water (1.0236 kg/l).
        zero_hpa: pressure taken for depth zero.
        glitch_m: depth that it reads too much, from a fault.
        lost: it has stopped to answer, by a fault.
        silent: there has been no reading for half a second.
    """

    SURFACE_HPA = 1013.25
    HPA_PER_M = 100.38
    NOISE_M = 0.02
    PERIOD_S = 0.02
    SILENT_S = 0.5
    FRESH_HPA_PER_M = 98.0  # what the autopilot divides by, times BARO_SPEC_GRAV (stock 1.0: depths read 2.4 % deep)

    def __init__(self, generator: np.random.Generator, depth_m: float, options: Sensors | None = None) -> None:
        self._generator, options = generator, options or Sensors()
        self.pressure_hpa = self._smooth_hpa = self.SURFACE_HPA + self.HPA_PER_M * depth_m
        self.zero_hpa = self.pressure_hpa - self.HPA_PER_M * options.pressure_bias_m
        self._drift_hpa_per_s = self.HPA_PER_M * options.pressure_drift_m_per_h / 3600
        self.glitch_m = 0.0
        self._next_s = 0.0
        self._read_s = 0.0
        self.lost = self.silent = False

    def sample(self, time_s: float, depth_m: float) -> bool:
        """Read anew when it is time; True when there is a new reading."""
        if time_s < self._next_s:
            return False
        self._next_s = time_s + self.PERIOD_S - 1e-9
        if self.lost:
            self.silent = time_s - self._read_s > self.SILENT_S
            return False
        self._read_s, self.silent = time_s, False
        noise_m = self.NOISE_M * self._generator.standard_normal()
        self.pressure_hpa = self.SURFACE_HPA + self.HPA_PER_M * max(depth_m + noise_m + self.glitch_m, 0.0)
        self.pressure_hpa += self._drift_hpa_per_s * time_s
        self._smooth_hpa += 0.2 * (self.pressure_hpa - self._smooth_hpa)
        self.zero_hpa = min(self.zero_hpa, self._smooth_hpa)
        return True

    def calibrate(self) -> None:
        """Take the present pressure for depth zero."""
        self.zero_hpa = self._smooth_hpa

    def depth_m(self, specific_gravity: float) -> float:
        """Depth below the zero as the autopilot computes it."""
        return (self.pressure_hpa - self.zero_hpa) / (self.FRESH_HPA_PER_M * specific_gravity)


class Gyro:
    """Body rates with noise and a constant bias."""

    NOISE = 0.0015  # rad/s at 100 Hz
    BIAS = 0.0002  # rad/s, one standard deviation after the autopilot's own calibration

    def __init__(self, generator: np.random.Generator) -> None:
        x, y, z = (self.BIAS * generator.standard_normal(3)).tolist()
        self.bias: Vector = (x, y, z)

    def rates(self, body: RigidBody, noise: list[float]) -> Vector:
        """Measured roll, pitch and yaw rate, rad/s; ``noise`` are three standard normal numbers."""
        (x, y, z), size = self.bias, self.NOISE
        a, b, c = noise
        return body.roll_rate + size * a + x, body.pitch_rate + size * b + y, body.yaw_rate + size * c + z


class Compass:
    """Magnetic heading. Near a steel hull it is wrong by an amount that depends smoothly on the place.

    Reports from hulls and sheet-pile walls tell of 15 to 40 degrees. Here it is at most 12 degrees at the plating
    and fades with distance (by 1/e in 1.2 m): enough to spoil a plan that believes the compass, and small enough
    that a vehicle which ignores it is not lost at once; a scenario may set another. The pattern runs along the ship
    with two wave lengths (about 17 and 7 m), with a part that depends on the heading; phases differ with the seed.

    Attributes:
        jump_rad: what it reads too much anywhere, from a fault.
    """

    GREATEST_RAD = 12 * pi / 180
    FADE_M = 1.2

    def __init__(
        self,
        kind: Literal["perfect", "near_steel"],
        generator: np.random.Generator,
        greatest_rad: float = GREATEST_RAD,
    ) -> None:
        self._steel, self._greatest_rad, self.jump_rad = kind == "near_steel", greatest_rad, 0.0
        self._phases: list[float] = generator.uniform(0, 2 * pi, 4).tolist()
        self._noise_rad = 0.004 if self._steel else 0.0
        self._generator = generator

    def error_rad(self, place_ship: Vector, clearance_m: float, heading_rad: float) -> float:
        """How much the compass reads beyond the true heading."""
        if not self._steel:
            return self.jump_rad
        a, b, c, d = self._phases
        x, _, z = place_ship
        pattern = (
            0.45 * sin(2 * pi * x / 17.0 + a)
            + 0.30 * sin(2 * pi * x / 7.3 + 0.8 * z + b)
            + 0.25 * cos(heading_rad + c) * cos(0.5 * z + d)
        )
        near = exp(-max(clearance_m, 0.0) / self.FADE_M)
        error = self._greatest_rad * near * pattern + self._noise_rad * self._generator.standard_normal()
        return error + self.jump_rad


@dataclass(frozen=True, slots=True)
class Sounding:
    """One reading of an echo sounder.

    Attributes:
        distance_m: to the nearest target in the cone; the greatest range where there is none.
    """

    distance_m: float
    time_s: float


class EchoSounders:
    """Two single-beam sounders with a wide cone: forward (onto the hull) and down (onto the sea bed).

    A cone reports its nearest good target, so along a curved hull it reads short; or, as an option, its strongest
    echo. Noise is 1 cm and 0.5 %; readings are whole centimetres between 0.2 and 50 m.

    Attributes:
        forward, down: last readings.
        down_taken: the reading downwards comes from elsewhere (a DVL's driver), not from a sounder.
    """

    MOUNT_M: Vector = (0.20, 0.0, 0.0)
    RANGE_M = (0.2, 50.0)
    PERIOD_S = 0.2  # the log of a real vehicle has 2.9 a second

    def __init__(self, generator: np.random.Generator, start_s: float = 0.0, options: Sensors | None = None) -> None:
        self._generator, options = generator, options or Sensors()
        self._next_s = start_s
        half_rad = options.sounder_cone_deg / 2 * pi / 180
        self._strongest = options.sounder == "strongest"
        ahead, self._weights = _cone(half_rad) if self._strongest else _edges(half_rad)
        self._rays: Array = np.concatenate([ahead, ahead[:, [2, 1, 0]]])
        self.forward = self.down = Sounding(self.RANGE_M[1], 0.0)
        self.down_taken = False

    def sample(self, time_s: float, body: RigidBody, world: World) -> bool:
        """Read anew when it is time; True when there are new readings."""
        if time_s < self._next_s:
            return False
        self._next_s += self.PERIOD_S
        matrix = np.array(body.matrix).reshape(3, 3)
        x, y, z = body.to_ned(self.MOUNT_M)
        origin = (body.north_m + x, body.east_m + y, body.down_m + z)
        hits = world.cast(origin, self._rays @ matrix.T, self.RANGE_M[1], mirror=True)
        half = len(self._weights)
        ahead, below = (self._target(hits.distance_m[part], hits.incidence[part]) for part in
                        (slice(0, half), slice(half, None)))  # fmt: skip
        self.forward = Sounding(self._read(ahead), time_s)
        down = self._read(below)
        if not self.down_taken:
            self.down = Sounding(down, time_s)
        return True

    def _target(self, distance_m: Array, incidence: Array) -> float:
        """True distance of what a cone's (n,) rays report; inf for nothing."""
        if not self._strongest:
            return float(np.where(incidence > 0.5, distance_m, np.inf).min())
        met = np.isfinite(distance_m)
        if not met.any():
            return float("inf")
        # Lambert's law there and back, spreading both ways; echoes within a pulse's length add up
        echo = self._weights[met] * incidence[met] ** _LAMBERT / np.maximum(distance_m[met], 0.1) ** 2
        bins = (distance_m[met] / _PULSE_M).astype(np.intp)
        total = np.bincount(bins, echo)
        best = int(np.argmax(total))
        chosen = bins == best
        return float(np.average(distance_m[met][chosen], weights=echo[chosen] + 1e-12))

    def _read(self, true_m: float) -> float:
        low, high = self.RANGE_M
        if true_m >= high:
            return high
        a, b = self._generator.standard_normal(2).tolist()
        return float(round(min(max(true_m + 0.01 * a + 0.005 * true_m * b, low), high), 2))


def _edges(half_rad: float) -> tuple[Array, Array]:
    """Axis and four edge rays, at 80 % of the half width, where the lobe is still strong; equal weights."""
    edge = 0.8 * half_rad
    ring = [(cos(edge), sin(edge) * cos(turn), sin(edge) * sin(turn)) for turn in (0, pi / 2, pi, 3 * pi / 2)]
    return np.array([(1.0, 0.0, 0.0), *ring]), np.ones(5)


def _cone(half_rad: float) -> tuple[Array, Array]:
    """61 rays of about equal solid angle, weighted by a Gaussian lobe there and back, half the power at its edge."""
    rays, weights = [(1.0, 0.0, 0.0)], [1.0]
    for ring in range(1, 5):
        off = half_rad * ring / 4
        lobe = 0.5 ** (2 * (off / half_rad) ** 2)
        for step in range(6 * ring):
            turn = 2 * pi * step / (6 * ring)
            rays.append((cos(off), sin(off) * cos(turn), sin(off) * sin(turn)))
            weights.append(lobe)
    return np.array(rays), np.array(weights)
