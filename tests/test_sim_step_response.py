"""How the rigid body answers a step, comes to rest and rights itself, against closed forms, over all published drags.

A body of mass m (added mass included) under a constant push F with linear drag d and quadratic drag e follows a
Riccati equation, whose solution is written out in ``pushed``; ``coasting`` is the same without a push. Turning about
an axis is the same equation with inertia and turning drag. The righting moment makes a pendulum of the small tilts.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, exp, log, pi, radians, sin, sqrt

import pytest

from hullscan_sim.dynamics import MODELS, STEP_S, BodyModel, RigidBody, Vector
from hullscan_sim.thrusters import Thrusters

STILL = (0.0, 0.0, 0.0)
AXES = ("surge", "sway", "heave")
FULL_N = (129.2, 129.2, 159.6)  # full thrust at 16 V: ahead and sideways by four motors at 45 degrees, down by four
PUBLISHED_MPS = {  # at full thrust, from the same papers as the coefficients
    "draggy": (0.91, 0.77, 0.83),
    "slippery": (2.56, 2.30, 2.01),
    "nominal": (1.49, 1.53, 1.13),
}
_EULER = 0.03  # the greatest deceleration takes 4 % of the speed in one step, which explicit steps take a little early
NEEDED_N = {"draggy": (16.8, 19.5, 27.0), "slippery": (2.8, 3.8, 4.9)}  # to go at 0.3 m/s


@dataclass(frozen=True, slots=True)
class Motion:
    """One axis by itself: inertia (kg or kg m2), linear and quadratic drag."""

    inertia: float
    linear: float
    quadratic: float

    def terminal(self, push: float) -> float:
        """Speed at which drag is the push."""
        return (-self.linear + sqrt(self.linear**2 + 4 * self.quadratic * push)) / (2 * self.quadratic)

    def pushed(self, push: float, time_s: float) -> float:
        """Speed after a push from rest."""
        fast = self.terminal(push)
        slow = -self.linear / self.quadratic - fast  # the other root, negative
        share = fast / slow * exp(-self.quadratic * (fast - slow) * time_s / self.inertia)
        return (fast - slow * share) / (1 - share)

    def coasting(self, speed: float, time_s: float) -> float:
        """Speed that is left of an initial one."""
        if self.linear == 0:
            return speed / (1 + self.quadratic * speed * time_s / self.inertia)
        grown = exp(self.linear * time_s / self.inertia)
        return self.linear * speed / ((self.linear + self.quadratic * speed) * grown - self.quadratic * speed)

    def way(self, speed: float, time_s: float) -> float:
        """Distance coasted from an initial speed."""
        if self.linear == 0:
            return self.inertia / self.quadratic * log(1 + self.quadratic * speed * time_s / self.inertia)
        left = self.coasting(speed, time_s)
        ratio = (self.linear + self.quadratic * speed) / (self.linear + self.quadratic * left)
        return self.inertia / self.quadratic * log(ratio)


def straight(model: str, axis: int) -> Motion:
    m = MODELS[model]
    return Motion(m.mass_kg + m.added_mass_kg[axis], m.linear_drag[axis], m.quadratic_drag[axis])


def turning(model: str, axis: int) -> Motion:
    m = MODELS[model]
    inertia = m.inertia_kgm2[axis] + m.added_inertia_kgm2[axis]
    return Motion(inertia, m.linear_turn_drag[axis], m.quadratic_turn_drag[axis])


def body(model: str) -> RigidBody:
    return RigidBody(MODELS[model], (0.0, 0.0, 20.0), 0.0)


def neutral(vehicle: RigidBody) -> Vector:
    """The force that cancels what buoyancy has over weight, body axes."""
    return vehicle.to_body((0.0, 0.0, vehicle.model.buoyancy_excess_n))


def levelled(vehicle: RigidBody) -> Vector:
    """A torque that keeps it level, so that one axis moves alone."""
    roll, pitch, _ = vehicle.euler_rad
    return (-50 * vehicle.roll_rate - 300 * roll, -50 * vehicle.pitch_rate - 300 * pitch, 0.0)


def speeds(vehicle: RigidBody) -> Vector:
    return vehicle.surge_mps, vehicle.sway_mps, vehicle.heave_mps


bracket = pytest.mark.parametrize("model", MODELS)
each_axis = pytest.mark.parametrize("axis", [pytest.param(i, id=name) for i, name in enumerate(AXES)])


@bracket
@each_axis
@pytest.mark.parametrize("share", [pytest.param(0.05, id="a gentle push"), pytest.param(1.0, id="full thrust")])
def test_speed_after_a_step_of_thrust_follows_the_closed_form(model, axis, share):
    vehicle, motion, push = body(model), straight(model, axis), share * FULL_N[axis]
    for count in range(1, 1201):
        force = [*neutral(vehicle)]
        force[axis] += push
        vehicle.step((force[0], force[1], force[2]), levelled(vehicle), STILL)
        if count % 20 == 0:
            assert speeds(vehicle)[axis] == pytest.approx(motion.pushed(push, count * STEP_S), rel=0.02), count
    if share == 1.0:
        assert speeds(vehicle)[axis] == pytest.approx(PUBLISHED_MPS[model][axis], abs=0.02)


@bracket
@each_axis
def test_what_is_left_of_its_speed_when_thrust_stops_follows_the_closed_form(model, axis):
    vehicle, motion, start_mps = body(model), straight(model, axis), 0.5
    setattr(vehicle, ("surge_mps", "sway_mps", "heave_mps")[axis], start_mps)
    from_m = vehicle.position[axis]
    for count in range(1, 1201):
        vehicle.step(neutral(vehicle), levelled(vehicle), STILL)
        if count % 100 == 0:
            time_s = count * STEP_S
            assert speeds(vehicle)[axis] == pytest.approx(motion.coasting(start_mps, time_s), rel=_EULER), time_s
            assert vehicle.position[axis] - from_m == pytest.approx(motion.way(start_mps, time_s), rel=_EULER), time_s


@pytest.mark.parametrize("model", NEEDED_N)
@each_axis
def test_the_thrust_that_holds_survey_speed_is_the_published_one(model, axis):
    vehicle, push = body(model), NEEDED_N[model][axis]
    for _ in range(4000):
        force = [*neutral(vehicle)]
        force[axis] += push
        vehicle.step((force[0], force[1], force[2]), levelled(vehicle), STILL)
    assert speeds(vehicle)[axis] == pytest.approx(0.3, abs=0.005)


@bracket
@pytest.mark.parametrize("torque_nm", [pytest.param(1.0, id="a gentle turn"), pytest.param(20.0, id="a hard turn")])
def test_rate_of_turn_after_a_step_of_torque_follows_the_closed_form(model, torque_nm):
    vehicle, motion = body(model), turning(model, 2)
    for count in range(1, 1201):
        vehicle.step(neutral(vehicle), (0.0, 0.0, torque_nm), STILL)
        if count % 20 == 0:
            assert vehicle.yaw_rate == pytest.approx(motion.pushed(torque_nm, count * STEP_S), rel=0.02), count
    assert vehicle.yaw_rate == pytest.approx(motion.terminal(torque_nm), rel=0.01)


@bracket
def test_a_turn_that_is_let_go_runs_down_by_the_closed_form(model):
    vehicle, motion, start = body(model), turning(model, 2), radians(74.0)
    vehicle.yaw_rate, turned, before = start, 0.0, 0.0
    for count in range(1, 801):
        vehicle.step(neutral(vehicle), STILL, STILL)
        yaw = vehicle.euler_rad[2]
        turned += atan2(sin(yaw - before), cos(yaw - before))
        before = yaw
        if count % 100 == 0:
            assert vehicle.yaw_rate == pytest.approx(motion.coasting(start, count * STEP_S), rel=_EULER), count
            assert turned == pytest.approx(motion.way(start, count * STEP_S), rel=_EULER), count


@bracket
def test_motors_that_turn_it_bring_it_to_the_rate_at_which_drag_is_their_torque(model):
    vehicle, thrusters = body(model), Thrusters()
    pulses = [1600, 1400, 1400, 1600, 1500, 1500, 1500, 1500]  # measured with ArduSub: a turn to the right
    for _ in range(2000):
        force, torque = thrusters.step(pulses, 16, 1.0, STEP_S)
        lift = neutral(vehicle)
        vehicle.step((force[0] + lift[0], force[1] + lift[1], force[2] + lift[2]), torque, STILL)
    assert torque[2] > 1.0
    assert vehicle.yaw_rate == pytest.approx(turning(model, 2).terminal(torque[2]), rel=0.01)


# ---------------------------------------------------------------- righting


def tilted(model: str, axis: int, tilt_rad: float) -> RigidBody:
    vehicle = body(model)
    vehicle._q = (cos(tilt_rad / 2), *(sin(tilt_rad / 2) if i == axis else 0.0 for i in range(3)))
    return vehicle


def swing(model: str, axis: int, tilt_rad: float, seconds: float) -> tuple[list[float], list[float]]:
    """Times when it passes level, and the greatest tilt of each half swing, the first one it is let go from."""
    vehicle = tilted(model, axis, tilt_rad)
    crossings: list[float] = []
    peaks, peak, before = [tilt_rad], 0.0, tilt_rad
    for count in range(1, round(seconds / STEP_S)):
        vehicle.step(neutral(vehicle), STILL, STILL)
        now = vehicle.euler_rad[axis]
        if before * now < 0:
            crossings.append((count - now / (now - before)) * STEP_S)
            if len(crossings) > 1:
                peaks.append(peak)
            peak = 0.0
        peak, before = max(peak, abs(now)), now
    return crossings, peaks


def pendulum(set_: BodyModel, axis: int) -> tuple[float, float, float]:
    """Undamped angular frequency, 1/s; damping ratio of the linear drag; quadratic drag over inertia."""
    inertia = set_.inertia_kgm2[axis] + set_.added_inertia_kgm2[axis]
    stiffness = (set_.weight_n + set_.buoyancy_excess_n) * set_.righting_arm_m
    turn = sqrt(stiffness / inertia)
    return turn, set_.linear_turn_drag[axis] / (2 * inertia * turn), set_.quadratic_turn_drag[axis] / inertia


@bracket
@pytest.mark.parametrize("axis", [pytest.param(0, id="roll"), pytest.param(1, id="pitch")])
def test_a_small_tilt_swings_with_the_period_of_a_damped_pendulum(model, axis):
    turn, damping, _ = pendulum(MODELS[model], axis)
    assert damping < 1, "every published set rights itself with a swing"
    crossings, _ = swing(model, axis, radians(0.3), 10.0)
    half_s = pi / (turn * sqrt(1 - damping**2))
    assert len(crossings) >= 3
    assert crossings[2] - crossings[0] == pytest.approx(2 * half_s, rel=0.02)


@bracket
@pytest.mark.parametrize("axis", [pytest.param(0, id="roll"), pytest.param(1, id="pitch")])
def test_each_half_swing_is_smaller_by_what_drag_takes(model, axis):
    """Linear drag takes a share of each, quadratic drag adds 4 h / 3 I to the reciprocal (energy of a half swing)."""
    _, damping, quadratic = pendulum(MODELS[model], axis)
    _, peaks = swing(model, axis, radians(0.3), 10.0)
    left = exp(-pi * damping / sqrt(1 - damping**2))
    expected = radians(0.3)
    for peak in peaks[1:3]:
        expected = 1 / (1 / (expected * left) + 4 / 3 * quadratic * (1 + left) / 2)
        assert peak == pytest.approx(expected, rel=0.03)


@bracket
def test_from_upside_down_but_a_little_it_rights_itself(model):
    vehicle = tilted(model, 0, radians(175.0))
    for _ in range(round(60 / STEP_S)):
        vehicle.step(neutral(vehicle), STILL, STILL)
    assert abs(vehicle.euler_rad[0]) < radians(3.0)
    assert abs(vehicle.euler_rad[1]) < radians(1.0)
