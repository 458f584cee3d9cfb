"""Sensors against closed forms, and the errors that a real DVL has."""

from __future__ import annotations

from dataclasses import replace
from math import cos, degrees, pi, radians, sin

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_sim_world import beside, world

from hullscan_sim.dvl import BEAM_TILT_RAD, MOUNT_M, Dvl, DvlReport, range_modes
from hullscan_sim.dynamics import MODELS, RigidBody
from hullscan_sim.sensors import Barometer, Compass, EchoSounders


def generator(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def turned(vehicle: RigidBody, roll: float = 0.0, pitch: float = 0.0, yaw: float = 0.0) -> RigidBody:
    """The same place, turned by angles in degrees on top of its heading."""
    fresh = RigidBody(MODELS["nominal"], vehicle.position, 0.0)
    total = Rotation.from_euler("ZYX", [vehicle.euler_rad[2] + radians(yaw), radians(pitch), radians(roll)])
    x, y, z, w = total.as_quat()
    fresh._q = (w, x, y, z)
    fresh.matrix = tuple(total.as_matrix().ravel().tolist())
    return fresh


# ---------------------------------------------------------------- pressure


@pytest.mark.parametrize(
    ("depth", "hpa"), [(0.0, 1013.25), (1.0, 1113.6), (4.04, 1418.8), (10.0, 2017.0), (-0.5, 1013.25)]
)
def test_pressure_at_a_depth(depth, hpa):
    barometer = Barometer(generator(), 0.0)
    readings = []
    for count in range(200):
        assert barometer.sample(count * 0.02, depth)
        readings.append(barometer.pressure_hpa)
    assert np.mean(readings) == pytest.approx(hpa, abs=1.5)
    if depth > 0.1:
        assert np.std(readings) / Barometer.HPA_PER_M == pytest.approx(0.02, rel=0.15)


def test_depth_counts_from_the_pressure_at_the_start_and_reads_sea_water_as_fresh():
    barometer = Barometer(generator(), 0.125)
    depths = []
    for count in range(400):
        barometer.sample(count * 0.02, 4.0)
        depths.append(barometer.depth_m(1.0))
    assert np.mean(depths) == pytest.approx((4.0 - 0.125) * 100.38 / 98.0, abs=0.01)
    assert barometer.depth_m(1.0243) == pytest.approx(barometer.depth_m(1.0) / 1.0243)


def test_rising_above_the_zero_shifts_every_later_depth():
    barometer = Barometer(generator(), 0.125)
    for count in range(100):
        barometer.sample(count * 0.02, 0.125)
    bias_m = barometer.depth_m(1.0)
    assert -0.06 < bias_m < 0.12
    for count in range(100, 200):
        barometer.sample(count * 0.02, -0.3)
    for count in range(200, 300):
        barometer.sample(count * 0.02, 2.0)
    assert barometer.depth_m(1.0243) == pytest.approx(2.0, abs=0.08)


# ---------------------------------------------------------------- compass


def test_a_perfect_compass_is_perfect():
    assert Compass("perfect", generator()).error_rad((30, 6, 2), 0.1, 1.0) == 0.0


def test_steel_disturbs_the_compass_smoothly_by_up_to_12_degrees_and_less_with_distance():
    worst_near, worst_far, jumps = 0.0, 0.0, []
    for seed in range(20):
        compass = Compass("near_steel", generator(seed))
        compass._noise_rad = 0.0
        near = [degrees(compass.error_rad((x, 6.0, 2.0), 0.0, 0.5)) for x in np.arange(0, 60, 0.1)]
        far = [degrees(compass.error_rad((x, 16.0, 2.0), 10.0, 0.5)) for x in np.arange(0, 60, 0.1)]
        jumps.append(np.abs(np.diff(near)).max())
        worst_near, worst_far = max(worst_near, *np.abs(near)), max(worst_far, *np.abs(far))
    assert 6.0 < worst_near <= 12.0
    assert worst_far < 0.01
    assert max(jumps) < 0.6, "degrees over 10 cm"


# ---------------------------------------------------------------- echo sounders


@pytest.mark.parametrize("distance", [0.8, 2.0, 6.0])
def test_the_forward_sounder_measures_to_the_plating(distance):
    place = world()
    sounders = EchoSounders(generator())
    vehicle = beside(place, distance)
    readings = []
    for count in range(60):
        sounders.sample(count * 0.125, vehicle, place)
        readings.append(sounders.forward.distance_m)
    assert np.mean(readings) == pytest.approx(distance - EchoSounders.MOUNT_M[0], abs=0.01)
    assert np.std(readings) < 0.02 + 0.01 * distance


def test_a_cone_that_looks_aslant_reports_its_nearest_edge():
    place = world()
    sounders = EchoSounders(generator())
    vehicle = turned(beside(place, 3.0), yaw=25)
    sounders.sample(0.0, vehicle, place)
    straight = (3.0 - 0.2 * cos(radians(25))) / cos(radians(25))
    edge = (3.0 - 0.2 * cos(radians(25))) / cos(radians(15))
    assert sounders.forward.distance_m == pytest.approx(edge, abs=0.08)
    assert sounders.forward.distance_m < straight - 0.1


def test_the_downward_sounder_finds_the_sea_bed_and_nothing_is_the_greatest_range():
    place = world()
    sounders = EchoSounders(generator())
    sounders.sample(0.0, turned(beside(place, 5.0, 2.0), yaw=180), place)
    assert sounders.down.distance_m == pytest.approx(9.5 - 2.0, abs=0.2)
    assert sounders.forward.distance_m == EchoSounders.RANGE_M[1]


# ---------------------------------------------------------------- DVL geometry


@pytest.mark.parametrize(
    ("roll", "pitch", "yaw"),
    [
        pytest.param(0, 0, 0, id="square to the wall"),
        pytest.param(0, 0, 15, id="turned to the right"),
        pytest.param(0, 10, 0, id="nose up"),
        pytest.param(12, -8, -20, id="every which way"),
    ],
)
def test_four_beams_measure_a_plane_wall_in_closed_form(roll, pitch, yaw):
    """The side of the parallel midbody is the plane y = 5.5 m; a beam is as long as its share of -y says."""
    place = world()
    vehicle = turned(beside(place, 1.6, 1.1), roll, pitch, yaw)
    report = Dvl("perfect", generator()).sample(1.0, vehicle, place)
    assert report is not None
    in_ship = place.ship_pose.pose_in_ship(vehicle.pose_ned)
    mount = in_ship.to_parent(np.array(MOUNT_M))
    tilt = BEAM_TILT_RAD
    for beam, azimuth in zip(report.beams, np.radians([135, 225, 315, 45]), strict=True):
        own = (sin(tilt) * cos(azimuth), sin(tilt) * sin(azimuth), cos(tilt))
        frd = np.array([own[2], own[1], -own[0]])  # x of the DVL is up, its z ahead
        direction = in_ship.rotation.apply(frd)
        assert beam.valid
        assert beam.distance_m == pytest.approx((mount[1] - place.half_beam_m) / -direction[1], abs=2e-3)
    if (roll, pitch, yaw) == (0, 0, 0):
        assert report.altitude_m == pytest.approx(1.6 - MOUNT_M[0], abs=2e-3)


def test_turned_to_the_right_the_left_beams_are_the_shorter_ones():
    """Transducers 1 and 2 look to the left (y negative), 0 and 3 to the right; facing right of the normal of a
    wall, the left beams meet it more squarely."""
    place = world()
    report = Dvl("perfect", generator()).sample(1.0, turned(beside(place, 1.5), yaw=15), place)
    assert report is not None
    ranges = [beam.distance_m for beam in report.beams]
    assert ranges[1] == pytest.approx(ranges[2], abs=0.02)
    assert ranges[1] < ranges[0] - 0.2


@pytest.mark.parametrize(
    ("body_velocity", "dvl_velocity"),
    [
        pytest.param((0.3, 0, 0), (0, 0, 0.3), id="ahead is z"),
        pytest.param((0, 0.3, 0), (0, 0.3, 0), id="right is y"),
        pytest.param((0, 0, 0.3), (-0.3, 0, 0), id="down is minus x"),
    ],
)
def test_velocity_comes_in_the_axes_of_the_dvl(body_velocity, dvl_velocity):
    place = world()
    vehicle = beside(place, 1.5)
    vehicle.velocity = vehicle.to_ned(body_velocity)
    report = Dvl("perfect", generator()).sample(1.0, vehicle, place)
    assert report is not None
    assert report.velocity == pytest.approx(dvl_velocity, abs=1e-9)
    assert report.velocity_frd == pytest.approx(body_velocity, abs=1e-9)


def test_turning_on_the_spot_moves_the_dvl_sideways():
    place = world()
    vehicle = beside(place, 1.5)
    vehicle.yaw_rate = 0.5
    report = Dvl("perfect", generator()).sample(1.0, vehicle, place)
    assert report is not None
    assert report.velocity_frd == pytest.approx((0.0, 0.5 * MOUNT_M[0], 0.0), abs=1e-9)


# ---------------------------------------------------------------- DVL errors


def reports(distance: float = 1.5, seconds: float = 600.0, seed: int = 5, **settings) -> list[DvlReport]:
    """What an A50 reports at rest for a while, without moving the vehicle."""
    place, dvl = world(), Dvl("a50", generator(seed))
    for name, value in settings.items():
        setattr(dvl, name, value)
    vehicle, found = beside(place, distance + MOUNT_M[0]), []
    time_s = 0.0
    while time_s < seconds:
        report = dvl.sample(time_s, vehicle, place)
        if report is not None:
            found.append(report)
        time_s += 0.01
    return found


def test_a_real_dvl_has_gaps_invalid_short_and_repeated_reports():
    found = reports(1.5, 500.0)
    gaps = np.diff([report.time_s for report in found])
    rate = 1 / np.median(gaps)
    assert rate == pytest.approx(8.7, abs=0.6)
    assert 0.3 < gaps.max() < 0.6
    assert (gaps > 0.22).mean() < 0.02
    invalid = np.mean([not report.valid for report in found])
    assert 0.002 < invalid < 0.12
    short = [report for report in found if report.valid and report.altitude_m < 0.2]
    assert 0 < len(short) < 0.006 * len(found)
    assert 0 < sum(report.repeats == 2 for report in found) < 0.02 * len(found)
    good = [report for report in found if report.valid and report.altitude_m > 0.2]
    assert np.mean([report.altitude_m for report in good]) == pytest.approx(1.5, abs=0.01)
    foms = [report.fom for report in good]
    assert 0.0003 < np.median(foms) < 0.001
    assert max(foms) <= 0.01


def test_invalid_reports_carry_no_altitude_or_the_last_one():
    altitudes = {
        "none" if report.altitude_m == -1 else "last" for report in reports(1.5, 300.0, seed=8) if not report.valid
    }
    assert altitudes == {"none", "last"}


def test_the_scale_error_is_fixed_for_a_run_and_within_half_a_percent():
    scales = [Dvl("a50", generator(seed)).scale for seed in range(40)]
    errors = np.abs(np.array(scales) - 1)
    assert errors.min() >= 0.001
    assert errors.max() <= 0.005
    assert min(scales) < 1 < max(scales)
    assert Dvl("perfect", generator()).scale == 1.0


@pytest.mark.parametrize(
    ("distance", "setting", "share_valid"),
    [
        pytest.param(1.5, "auto", (0.85, 1.0), id="auto finds 1.5 m"),
        pytest.param(5.0, "auto", (0.8, 1.0), id="auto finds 5 m"),
        pytest.param(1.5, "=1", (0.85, 1.0), id="mode 1 reaches 1.5 m"),
        pytest.param(5.0, "=1", (0.0, 0.0), id="mode 1 does not reach 5 m"),
        pytest.param(0.5, "=2", (0.0, 0.0), id="mode 2 is blind at 0.5 m"),
        pytest.param(2.0, "0<=1", (0.8, 1.0), id="a span of modes"),
    ],
)
def test_range_modes_decide_what_is_heard(distance, setting, share_valid):
    found = reports(distance, 40.0, range_mode=setting)[8:]
    share = np.mean([report.valid for report in found])
    assert share_valid[0] <= share <= share_valid[1]


@pytest.mark.parametrize(
    ("setting", "modes"),
    [
        ("auto", ("0", "1", "2", "3", "4")), ("=a", ("0", "1", "2", "3", "4")), ("=1", ("1",)), ("wt", ("wt",)),
        ("1<=3", ("1", "2", "3")), ("3<=1", ()), ("=5", ()), ("1", ()), ("", ()), ("=1x", ()),
    ],
)  # fmt: skip
def test_a_range_mode_setting_is_read_strictly(setting, modes):
    assert range_modes(setting) == modes


def test_a_dropout_leaves_only_invalid_reports():
    found = reports(1.5, 20.0, dropout=True)
    assert found
    assert not any(report.valid for report in found)


def test_looking_away_from_everything_there_is_no_lock():
    place, dvl = world(), Dvl("a50", generator())
    vehicle = turned(beside(place, 5.0), yaw=180, pitch=25)
    seen = [report for t in np.arange(0, 10, 0.01) if (report := dvl.sample(float(t), vehicle, place))]
    assert seen
    assert not any(report.valid for report in seen)


def test_no_dvl_never_reports():
    place = world()
    assert Dvl("none", generator()).sample(5.0, beside(place, 1.5), place) is None


def test_one_seed_gives_one_run():
    first, again, other = reports(1.5, 20.0), reports(1.5, 20.0), reports(1.5, 20.0, seed=6)
    assert first == again
    assert [replace(report, time_s=0.0) for report in first] != [replace(report, time_s=0.0) for report in other]


def test_the_beams_stand_as_the_maker_draws_them():
    assert degrees(BEAM_TILT_RAD) == pytest.approx(22.5)
    directions = Dvl("perfect", generator())._beams_dvl
    assert np.degrees(np.arctan2(directions[:, 1], directions[:, 0])) % 360 == pytest.approx([135, 225, 315, 45])
    assert np.arccos(directions[:, 2]) == pytest.approx([BEAM_TILT_RAD] * 4)
    assert pi / 2 > BEAM_TILT_RAD
