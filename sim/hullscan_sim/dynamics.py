"""Rigid-body motion of a BlueROV2 Heavy in water that moves.

The equations are those of Fossen, Handbook of Marine Craft Hydrodynamics (2nd ed., ch. 6 to 8), with the origin
in the centre of gravity and diagonal added mass. The linear state is the velocity *relative to the water*, in
body axes: for a nearly neutral body this makes a current act through drag and added mass alone, and lets it
follow the water's own acceleration (Froude-Krylov), as it does in waves.

Coefficients come from three published sets, which bracket the truth by nearly three in speed:

* ``nominal``: drag of the blue Gazebo Heavy (Robotic-Decision-Making-Lab/blue), added mass of von Benzon;
* ``draggy``: von Benzon et al. 2022, "An open-source benchmark simulator: control of a BlueROV2";
* ``slippery``: Wu 2018 (thesis, Flinders University; tank tests).

Steps are semi-implicit Euler at 200 Hz. The fastest mode is a damped one: draggy surge at 1 m/s decays with
2 x 141 / 19.9 = 14 per second, 0.07 per step, far inside the stability limit of 2; the thrusters' lag (0.15 s)
and contact with the hull (``contact``: 0.16 per step) are as far inside. Plain floats beat numpy here.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, atan2, cos, sin, sqrt
from typing import Literal

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Pose

__all__ = ["FLOATING_DEPTH_M", "GRAVITY_MPS2", "MODELS", "SIZE_M", "STEP_S", "BodyModel", "RigidBody", "Vector"]

Vector = tuple[float, float, float]

STEP_S = 0.005
GRAVITY_MPS2 = 9.80665
SIZE_M: Vector = (0.457, 0.575, 0.254)
"""Length, breadth, height of the vehicle's box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyModel:
    """Coefficients, SI, magnitudes; triples are surge, sway, heave or roll, pitch, yaw.

    Attributes:
        buoyancy_excess_n: buoyancy minus weight when fully submerged.
        righting_arm_m: height of the centre of buoyancy over the centre of gravity.
    """

    mass_kg: float
    buoyancy_excess_n: float
    righting_arm_m: float
    inertia_kgm2: Vector
    added_mass_kg: Vector
    added_inertia_kgm2: Vector
    linear_drag: Vector
    quadratic_drag: Vector
    linear_turn_drag: Vector
    quadratic_turn_drag: Vector

    @property
    def weight_n(self) -> float:
        """Weight in air."""
        return self.mass_kg * GRAVITY_MPS2


MODELS: dict[Literal["nominal", "draggy", "slippery"], BodyModel] = {
    "nominal": BodyModel(
        mass_kg=13.5,
        buoyancy_excess_n=1.0,  # as ArduSub's own model (SIM_BUOYANCY): 1 m in about 10 s when disarmed
        righting_arm_m=0.011,
        inertia_kgm2=(0.26, 0.23, 0.37),
        added_mass_kg=(6.357, 7.121, 18.686),
        added_inertia_kgm2=(0.1858, 0.1348, 0.2215),
        linear_drag=(0.0, 0.0, 0.0),
        quadratic_drag=(58.42, 55.14, 124.82),
        linear_turn_drag=(0.0, 0.0, 0.0),
        quadratic_turn_drag=(4.0, 4.0, 4.0),
    ),
    "draggy": BodyModel(
        mass_kg=13.5,
        buoyancy_excess_n=1.0,
        righting_arm_m=0.010,
        inertia_kgm2=(0.26, 0.23, 0.37),
        added_mass_kg=(6.357, 7.121, 18.686),
        added_inertia_kgm2=(0.1858, 0.1348, 0.2215),
        linear_drag=(13.7, 0.0, 33.0),
        quadratic_drag=(141.0, 217.0, 190.0),
        linear_turn_drag=(0.0, 0.8, 0.0),
        quadratic_turn_drag=(1.192, 0.470, 1.5),
    ),
    "slippery": BodyModel(
        mass_kg=11.5,
        buoyancy_excess_n=2.0,  # thesis: 114.8 N against 112.8 N
        righting_arm_m=0.020,
        inertia_kgm2=(0.16, 0.16, 0.16),
        added_mass_kg=(5.50, 12.70, 14.60),
        added_inertia_kgm2=(0.12, 0.12, 0.12),
        linear_drag=(4.03, 6.22, 5.18),
        quadratic_drag=(18.18, 21.66, 36.99),
        linear_turn_drag=(0.07, 0.07, 0.07),
        quadratic_turn_drag=(1.55, 1.55, 1.55),
    ),
}

FLOATING_DEPTH_M = 0.125
"""Depth of the centre when it floats at the surface: all but a hair of the box is submerged."""


class RigidBody:
    """State of the vehicle and one step of it.

    Attributes:
        north_m, east_m, down_m: of the centre of gravity.
        surge_mps, sway_mps, heave_mps: relative to the water, body axes.
        roll_rate, pitch_rate, yaw_rate: rad/s, body axes.
        velocity: over ground, ned, m/s.
        acceleration: over ground, ned, m/s2, mean over the last step.
        matrix: the nine elements of "ned from body", by rows.
        submerged: share of the box under water.
    """

    __slots__ = (
        "_coefficients", "_q", "acceleration", "down_m", "east_m", "heave_mps", "matrix", "model", "north_m",
        "pitch_rate", "roll_rate", "submerged", "surge_mps", "sway_mps", "velocity", "water", "yaw_rate",
    )  # fmt: skip

    def __init__(self, model: BodyModel, position_ned_m: Vector, heading_rad: float, water: Vector = (0, 0, 0)) -> None:
        self.model = model
        self.north_m, self.east_m, self.down_m = position_ned_m
        self.surge_mps = self.sway_mps = self.heave_mps = 0.0
        self.roll_rate = self.pitch_rate = self.yaw_rate = 0.0
        self.water: Vector = water
        self.velocity: Vector = water
        self.acceleration: Vector = (0.0, 0.0, 0.0)
        self.submerged = 1.0
        self._q = (cos(heading_rad / 2), 0.0, 0.0, sin(heading_rad / 2))
        self.matrix = _matrix(*self._q)
        self._coefficients = (
            *(model.mass_kg + added for added in model.added_mass_kg),
            *(own + added for own, added in zip(model.inertia_kgm2, model.added_inertia_kgm2, strict=True)),
            *model.linear_drag,
            *model.quadratic_drag,
            *model.linear_turn_drag,
            *model.quadratic_turn_drag,
            model.weight_n,
            model.weight_n + model.buoyancy_excess_n,
            model.righting_arm_m,
        )

    def step(
        self, force: Vector, torque: Vector, water: Vector, *, surface_m: float = 0.0, dt_s: float = STEP_S
    ) -> None:
        """Advance by one step.

        Args:
            force: thrust and contact, body axes, N.
            torque: about the centre of gravity, body axes, N m.
            water: velocity of the water here, ned, m/s.
            surface_m: height of the water's surface over its mean, for a vehicle that floats in waves.
            dt_s: length of the step.
        """
        (
            m1, m2, m3, i1, i2, i3, d1, d2, d3, e1, e2, e3, g1, g2, g3, h1, h2, h3, weight, buoyancy, arm,
        ) = self._coefficients  # fmt: skip
        u, v, w = self.surge_mps, self.sway_mps, self.heave_mps
        p, q, r = self.roll_rate, self.pitch_rate, self.yaw_rate
        _, _, _, _, _, _, k1, k2, k3 = self.matrix  # third row: "down" in body axes
        half = SIZE_M[2] / 2
        share = min(max((self.down_m + surface_m + half) / (2 * half), 0.0), 1.0)
        self.submerged = share
        lift = buoyancy * share
        sink = weight - lift
        # drag and the Coriolis terms of rigid body and added mass together, as they share the diagonal
        mu, mv, mw = m1 * u, m2 * v, m3 * w
        lp, lq, lr = i1 * p, i2 * q, i3 * r
        fx = force[0] + sink * k1 - share * (d1 + e1 * abs(u)) * u - (q * mw - r * mv)
        fy = force[1] + sink * k2 - share * (d2 + e2 * abs(v)) * v - (r * mu - p * mw)
        fz = force[2] + sink * k3 - share * (d3 + e3 * abs(w)) * w - (p * mv - q * mu)
        tx = torque[0] - arm * lift * k2 - share * (g1 + h1 * abs(p)) * p - (q * lr - r * lq) - (v * mw - w * mv)
        ty = torque[1] + arm * lift * k1 - share * (g2 + h2 * abs(q)) * q - (r * lp - p * lr) - (w * mu - u * mw)
        tz = torque[2] - share * (g3 + h3 * abs(r)) * r - (p * lq - q * lp) - (u * mv - v * mu)
        self.surge_mps = u = u + fx / m1 * dt_s
        self.sway_mps = v = v + fy / m2 * dt_s
        self.heave_mps = w = w + fz / m3 * dt_s
        self.roll_rate = p = p + tx / i1 * dt_s
        self.pitch_rate = q = q + ty / i2 * dt_s
        self.yaw_rate = r = r + tz / i3 * dt_s
        self._turn(p, q, r, dt_s)
        self._move(u, v, w, water, dt_s)

    def _turn(self, p: float, q: float, r: float, dt_s: float) -> None:
        a, b, c, d = self._q
        h = 0.5 * dt_s
        a1 = a - h * (b * p + c * q + d * r)
        b1 = b + h * (a * p + c * r - d * q)
        c1 = c + h * (a * q - b * r + d * p)
        d1 = d + h * (a * r + b * q - c * p)
        scale = 1.0 / sqrt(a1 * a1 + b1 * b1 + c1 * c1 + d1 * d1)
        self._q = (a1 * scale, b1 * scale, c1 * scale, d1 * scale)
        self.matrix = _matrix(*self._q)

    def _move(self, u: float, v: float, w: float, water: Vector, dt_s: float) -> None:
        r11, r12, r13, r21, r22, r23, r31, r32, r33 = self.matrix
        before = self.velocity
        north = r11 * u + r12 * v + r13 * w + water[0]
        east = r21 * u + r22 * v + r23 * w + water[1]
        down = r31 * u + r32 * v + r33 * w + water[2]
        self.velocity, self.water = (north, east, down), water
        self.acceleration = ((north - before[0]) / dt_s, (east - before[1]) / dt_s, (down - before[2]) / dt_s)
        self.north_m += north * dt_s
        self.east_m += east * dt_s
        self.down_m += down * dt_s

    @property
    def position(self) -> Vector:
        """North, east, down in metres."""
        return self.north_m, self.east_m, self.down_m

    @property
    def euler_rad(self) -> Vector:
        """Roll, pitch, yaw (z-y-x)."""
        r11, _, _, r21, _, _, r31, r32, r33 = self.matrix
        return atan2(r32, r33), asin(min(max(-r31, -1.0), 1.0)), atan2(r21, r11)

    @property
    def quaternion(self) -> tuple[float, float, float, float]:
        """Ned from body, scalar first."""
        return self._q

    @property
    def pose_ned(self) -> Pose:
        """The same as a pose: ned from body."""
        a, b, c, d = self._q
        return Pose(np.array(self.position), Rotation.from_quat([b, c, d, a]))

    def to_body(self, vector_ned: Vector) -> Vector:
        """A vector of ned in body axes."""
        r11, r12, r13, r21, r22, r23, r31, r32, r33 = self.matrix
        n, e, d = vector_ned
        return r11 * n + r21 * e + r31 * d, r12 * n + r22 * e + r32 * d, r13 * n + r23 * e + r33 * d

    def to_ned(self, vector_body: Vector) -> Vector:
        """A vector of body axes in ned."""
        r11, r12, r13, r21, r22, r23, r31, r32, r33 = self.matrix
        x, y, z = vector_body
        return r11 * x + r12 * y + r13 * z, r21 * x + r22 * y + r23 * z, r31 * x + r32 * y + r33 * z

    @property
    def energy_j(self) -> float:
        """Kinetic energy relative to the water plus the potential of weight and buoyancy (fully submerged)."""
        m1, m2, m3, i1, i2, i3 = self._coefficients[:6]
        linear = m1 * self.surge_mps**2 + m2 * self.sway_mps**2 + m3 * self.heave_mps**2
        turning = i1 * self.roll_rate**2 + i2 * self.pitch_rate**2 + i3 * self.yaw_rate**2
        lift = self.model.weight_n + self.model.buoyancy_excess_n
        height = self.model.buoyancy_excess_n * self.down_m
        return 0.5 * (linear + turning) + height - lift * self.model.righting_arm_m * self.matrix[8]


def _matrix(a: float, b: float, c: float, d: float) -> tuple[float, ...]:
    """Nine elements, by rows, of the rotation of a unit quaternion (scalar first)."""
    bb, cc, dd = b * b, c * c, d * d
    return (
        1 - 2 * (cc + dd), 2 * (b * c - a * d), 2 * (b * d + a * c),
        2 * (b * c + a * d), 1 - 2 * (bb + dd), 2 * (c * d - a * b),
        2 * (b * d - a * c), 2 * (c * d + a * b), 1 - 2 * (bb + cc),
    )  # fmt: skip
