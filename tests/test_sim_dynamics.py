"""The rigid body and its thrusters against closed forms."""

from __future__ import annotations

import csv
from itertools import pairwise
from math import cos, pi, radians, sin, sqrt
from pathlib import Path

import numpy as np
import pytest

from hullscan_sim.control import Demand, mix
from hullscan_sim.dynamics import FLOATING_DEPTH_M, GRAVITY_MPS2, MODELS, STEP_S, RigidBody
from hullscan_sim.thrusters import FACTORS, LAG_S, Thrusters, thrust_n

PUBLISHED = Path(__file__).parents[1].parent / "shared" / "data" / "vehicle" / "t200_16v_pwm_thrust.csv"
STILL = (0.0, 0.0, 0.0)


def body(model: str = "nominal", depth_m: float = 20.0, heading: float = 0.0, water=STILL) -> RigidBody:
    return RigidBody(MODELS[model], (0.0, 0.0, depth_m), heading, water)


def terminal_mps(model: str, axis: int, force_n: float) -> float:
    linear, quadratic = MODELS[model].linear_drag[axis], MODELS[model].quadratic_drag[axis]
    return (-linear + sqrt(linear**2 + 4 * quadratic * force_n)) / (2 * quadratic)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("axis", "force_n", "published"),
    [
        pytest.param(0, 129.2, {"draggy": 0.91, "slippery": 2.56, "nominal": 1.49}, id="ahead"),
        pytest.param(1, 129.2, {"draggy": 0.77, "slippery": 2.30, "nominal": 1.53}, id="sideways"),
        pytest.param(2, 159.6, {"draggy": 0.83, "slippery": 2.01, "nominal": 1.13}, id="down"),
    ],
)
def test_full_thrust_reaches_the_published_speed(model, axis, force_n, published):
    vehicle = body(model)
    lift = MODELS[model].buoyancy_excess_n
    for _ in range(3000):
        push = [0.0, 0.0, lift]  # cancels buoyancy, so that the closed form holds
        push[axis] += force_n
        steady = (-50 * vehicle.roll_rate, -50 * vehicle.pitch_rate - 300 * vehicle.euler_rad[1], 0.0)
        vehicle.step((push[0], push[1], push[2]), steady, STILL)
    speed = (vehicle.surge_mps, vehicle.sway_mps, vehicle.heave_mps)[axis]
    assert speed == pytest.approx(terminal_mps(model, axis, force_n), rel=0.01)
    assert speed == pytest.approx(published[model], abs=0.02)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("axis", [pytest.param(0, id="roll"), pytest.param(1, id="pitch")])
def test_a_small_tilt_swings_with_the_period_of_its_righting_moment(model, axis):
    set_ = MODELS[model]
    vehicle = body(model)
    start = radians(2.0)
    vehicle._q = (cos(start / 2), *(sin(start / 2) if i == axis else 0.0 for i in range(3)))
    crossings, before = [], start
    for step in range(8000):
        vehicle.step(vehicle.to_body((0, 0, set_.buoyancy_excess_n)), (0, 0, 0), STILL)  # neutral
        now = vehicle.euler_rad[axis]
        if before > 0 >= now:
            crossings.append(step * STEP_S)
        before = now
    inertia = set_.inertia_kgm2[axis] + set_.added_inertia_kgm2[axis]
    moment = (set_.weight_n + set_.buoyancy_excess_n) * set_.righting_arm_m
    damped = set_.linear_turn_drag[axis] / (2 * inertia)
    period_s = 2 * pi / sqrt(moment / inertia - damped**2) if moment / inertia > damped**2 else None
    if period_s is None or len(crossings) < 2:
        assert abs(before) < start
    else:
        assert crossings[1] - crossings[0] == pytest.approx(period_s, rel=0.03)


@pytest.mark.parametrize("model", MODELS)
def test_without_thrust_it_rises_at_the_speed_of_its_buoyancy(model):
    vehicle = body(model)
    for _ in range(6000):
        vehicle.step((0, 0, 0), (0, 0, 0), STILL)
    assert -vehicle.velocity[2] == pytest.approx(terminal_mps(model, 2, MODELS[model].buoyancy_excess_n), rel=0.01)


def test_it_floats_at_the_surface_with_all_but_a_hair_of_it_under_water():
    vehicle = body(depth_m=FLOATING_DEPTH_M)
    for _ in range(4000):
        vehicle.step((0, 0, 0), (0, 0, 0), STILL)
    assert vehicle.down_m == pytest.approx(FLOATING_DEPTH_M, abs=0.01)
    assert 0.98 < vehicle.submerged < 1.0


def test_in_air_it_falls_freely_but_for_its_added_mass():
    vehicle = body(depth_m=-5.0)
    for _ in range(100):
        vehicle.step((0, 0, 0), (0, 0, 0), STILL)
    set_ = MODELS["nominal"]
    expected = GRAVITY_MPS2 * set_.mass_kg / (set_.mass_kg + set_.added_mass_kg[2]) * 100 * STEP_S
    assert vehicle.velocity[2] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_energy_decays_in_still_water_whatever_the_motion(model):
    rng = np.random.default_rng(3)
    for _ in range(5):
        vehicle = body(model)
        vehicle.surge_mps, vehicle.sway_mps, vehicle.heave_mps = rng.uniform(-1.5, 1.5, 3).tolist()
        vehicle.roll_rate, vehicle.pitch_rate, vehicle.yaw_rate = rng.uniform(-2, 2, 3).tolist()
        energies = []
        for _ in range(1600):
            vehicle.step((0, 0, 0), (0, 0, 0), STILL)
            energies.append(vehicle.energy_j)
        rises = np.diff(energies)
        assert rises.max() < 2e-3, "explicit steps may add a little, never more than drag takes"
        assert energies[-1] < energies[0]


def test_a_current_carries_it_along_and_nothing_else():
    water = (0.2, -0.1, 0.0)
    vehicle = body(water=water, heading=0.7)
    for _ in range(400):
        vehicle.step((0, 0, MODELS["nominal"].buoyancy_excess_n), (0, 0, 0), water)
    assert vehicle.velocity == pytest.approx(water, abs=1e-6)
    assert vehicle.position[:2] == pytest.approx((0.4, -0.2), abs=1e-6)


def test_it_comes_to_drift_with_a_current_that_sets_in():
    vehicle = body(heading=0.7)
    water = (0.3, 0.0, 0.0)
    for _ in range(24000):
        vehicle.step((0, 0, MODELS["nominal"].buoyancy_excess_n), (0, 0, 0), water)
    assert vehicle.velocity == pytest.approx(water, abs=0.02)


def test_half_the_step_gives_the_same_flight():
    """The step is small enough: 5 ms and 2.5 ms end within 1 % of the way flown."""
    ends = []
    for dt_s in (STEP_S, STEP_S / 2):
        vehicle, thrusters = body(), Thrusters()
        for count in range(round(8.0 / dt_s)):
            turn = 1560 if count * dt_s < 4 else 1440
            force, torque = thrusters.step([1420, 1440, 1560, turn, 1530, 1540, 1530, 1520], 16, 1.0, dt_s)
            vehicle.step(force, torque, (0.1, 0, 0), dt_s=dt_s)
        ends.append(vehicle.position)
    flown = np.linalg.norm(np.array(ends[0]) - [0, 0, 20])
    assert flown > 1.0
    assert np.linalg.norm(np.subtract(*ends)) < 0.01 * flown


# ---------------------------------------------------------------- thrusters


def test_thrust_meets_the_published_curve_within_a_newton():
    if not PUBLISHED.exists():
        pytest.skip("the published curve is not beside this checkout")
    with PUBLISHED.open() as file:
        rows = [(float(a), float(b)) for a, b in csv.reader(line for line in file if line[0].isdigit())]
    assert len(rows) == 25
    for pulse, force in rows:
        assert thrust_n(pulse) == pytest.approx(force, abs=1.0), f"{pulse:.0f} us"


@pytest.mark.parametrize(
    ("pulse", "newton"),
    [
        pytest.param(1500, 0.0, id="neutral"),
        pytest.param(1528, 0.0, id="upper edge of the dead band"),
        pytest.param(1472, 0.0, id="lower edge of the dead band"),
        pytest.param(0, 0.0, id="no pulse"),
        pytest.param(1900, 51.4, id="full ahead"),
        pytest.param(1100, -39.9, id="full astern"),
        pytest.param(2200, 51.4, id="beyond full is full"),
    ],
)
def test_thrust_at_a_pulse(pulse, newton):
    assert thrust_n(pulse) == pytest.approx(newton, abs=0.6)


@pytest.mark.parametrize(
    ("voltage", "ahead", "astern"), [(12, 36.4, 28.6), (14, 44.4, 34.5), (18, 59.0, 45.0), (20, 65.9, 49.4)]
)
def test_full_thrust_scales_with_voltage_as_published(voltage, ahead, astern):
    assert thrust_n(1900, voltage) == pytest.approx(ahead, rel=0.03)
    assert thrust_n(1100, voltage) == pytest.approx(-astern, rel=0.06)


def test_thrust_never_falls_as_the_pulse_rises():
    forces = [thrust_n(pulse) for pulse in range(1100, 1901)]
    assert all(b >= a for a, b in pairwise(forces))


def test_thrust_follows_a_step_with_its_lag():
    thrusters = Thrusters()
    for _ in range(round(LAG_S / STEP_S)):
        thrusters.step([1900, *[1500] * 7], 16, 1.0, STEP_S)
    assert thrusters.thrust[0] == pytest.approx(thrust_n(1900) * (1 - np.exp(-1)), rel=0.01)


@pytest.mark.parametrize(
    ("pulses", "force_signs", "torque_signs"),
    [
        pytest.param([1400, 1400, 1600, 1600, 1500, 1500, 1500, 1500], (1, 0, 0), (0, 0, 0), id="ahead"),
        pytest.param([1600, 1400, 1600, 1400, 1500, 1500, 1500, 1500], (0, 1, 0), (0, 0, 0), id="to the right"),
        pytest.param([1600, 1400, 1400, 1600, 1500, 1500, 1500, 1500], (0, 0, 0), (0, 0, 1), id="turn right"),
        pytest.param([1500] * 4 + [1420] * 4, (0, 0, -1), (0, 0, 0), id="up"),
        pytest.param([1500] * 4 + [1579] * 4, (0, 0, 1), (0, 0, 0), id="down"),
        pytest.param([1500] * 4 + [1600, 1400, 1600, 1400], None, (1, 0, 0), id="roll right"),
        pytest.param([1500] * 4 + [1400, 1400, 1600, 1600], None, (0, 1, 0), id="pitch up"),
    ],
)
def test_measured_pulses_push_where_they_did(pulses, force_signs, torque_signs):
    thrusters = Thrusters()
    for _ in range(400):
        force, torque = thrusters.step(pulses, 16, 1.0, STEP_S)
    if force_signs is not None:
        assert tuple(np.sign(np.round(force, 6))) == force_signs
    assert tuple(np.sign(np.round(torque, 6))) == torque_signs


def test_symmetric_thrust_does_not_turn_the_vehicle():
    vehicle, thrusters = body(), Thrusters()
    for _ in range(400):
        force, torque = thrusters.step([1400, 1400, 1600, 1600, 1540, 1540, 1540, 1540], 16, 1.0, STEP_S)
        vehicle.step(force, torque, STILL)
    assert vehicle.surge_mps > 0.4
    assert vehicle.euler_rad[2] == pytest.approx(0.0, abs=1e-12)
    assert vehicle.sway_mps == pytest.approx(0.0, abs=1e-12)


def test_the_mixer_is_the_factor_table_written_out():
    rng = np.random.default_rng(4)
    for _ in range(50):
        values = rng.uniform(-0.3, 0.3, 6)
        roll, pitch, yaw, throttle, forward, lateral = values.tolist()
        want = [1500 + round(400 * float(np.dot(row, values))) for row in FACTORS]
        assert mix(Demand(roll, pitch, yaw, throttle, forward, lateral)) == want


def test_a_mixer_that_saturates_keeps_the_ratio_of_its_demands():
    pulses = mix(Demand(yaw=1.0, forward=1.0))
    assert min(pulses) >= 1100
    assert max(pulses) <= 1900
    assert pulses[:4] == [1500, 1100, 1500, 1900]


def test_motor_directions_turn_pulses_round():
    plain, turned = mix(Demand(forward=0.5)), mix(Demand(forward=0.5), (-1,) * 8)
    assert [a - 1500 for a in plain] == [1500 - b for b in turned]
