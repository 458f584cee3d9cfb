"""The parts of the registration: what a sensor should see, first fix, anchors, wrong sensors, the smoother."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hull_passes import BEAMS, CAMERA, MOUNT, HullPass, Troubles, fly_pass
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hullscan.findings.geotag import HullFix
from hullscan.findings.outline import Outline
from hullscan.findings.sightings import Sighting
from hullscan.findings.viewpoint import Viewpoint
from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Pose, ShipPose
from hullscan.pilot.registration import (
    WIDE_BERTH,
    FittingWatch,
    HullRegistration,
    LandmarkSighting,
    RegistrationNoise,
    fitting_landmarks,
)
from hullscan.pilot.registration import state as s
from hullscan.pilot.registration.beams import RangeWatch, predicted, usable_beams
from hullscan.pilot.registration.first_fix import beside_plating, grid
from hullscan.pilot.registration.landmarks import Landmark, _match
from hullscan.pilot.registration.mixture import Mixture
from hullscan.pilot.registration.motion import between, moved_on
from hullscan.ship.fittings import Fitting
from hullscan.ship.form import BulkCarrier, build_hull
from hullscan.vehicle.protocol import RangeReport

HULL = build_hull(BulkCarrier(length_m=60, beam_m=11, draught_fwd_m=4.6, draught_aft_m=4.8))
MIDDLE = 30.0
NOISE = RegistrationNoise()
BOW = [(50.0, 1.8), (42.0, 1.8), (42.0, 2.8), (56.0, 2.8)]


def state(along: float = 50.0, across: float = 7.0, heading: float = 0.4, **more: float) -> np.ndarray:
    values = np.zeros(s.SIZE)
    values[:4] = along, across, heading, 0.1
    for name, value in more.items():
        values[getattr(s, name.upper())] = value
    return values


def facing(at: np.ndarray, off_deg: float = 0.0) -> Rotation:
    """A vehicle that looks at the starboard side, in ned."""
    return Rotation.from_euler("ZYX", [at[s.HEADING] - np.pi / 2 + np.radians(off_deg), 0.03, -0.02])


def report(utc_s: float, ranges: list[float], velocity: tuple[float, float, float] | None = (0.0, 0.0, 0.0)):
    distances = np.array(ranges)
    good = np.isfinite(distances)
    directions = BEAMS if len(ranges) == 4 else np.array([[1.0, 0.0, 0.0]])
    moving = None if velocity is None else np.array(velocity)
    return RangeReport(utc_s, directions, distances, good, np.zeros(len(ranges), bool), velocity_frd_mps=moving)


def run(
    flown: HullPass, noise: RegistrationNoise | None = None, *, landmarks: bool = True, kept: int | None = None
) -> HullRegistration:
    registration = HullRegistration(HULL, flown.expected, MOUNT, flown.believed[0].position_m, noise, kept=kept)
    since = 0.0
    for k, (each, pose) in enumerate(zip(flown.reports, flown.believed, strict=True)):
        since += flown.turned_rad[k]
        before = registration.last_s
        registration.update(each, pose, since)
        since = since if registration.last_s == before else 0.0
        if landmarks and k in flown.sightings:
            registration.observe_landmark(flown.sightings[k], pose, since)
    return registration


def off(registration: HullRegistration, flown: HullPass) -> np.ndarray:
    """Error of the place along and across at the end."""
    return (registration.pose.to_ship(flown.believed[-1].position_m) - flown.place_ship_m[-1])[:2]


# ---------------------------------------------------------------- what a sensor should see


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    along=st.floats(12, 55), off_deg=st.floats(-20, 20), trim=st.floats(-0.01, 0.01), list_=st.floats(-0.02, 0.02),
    down=st.floats(1.2, 3.0),
)  # fmt: skip
def test_slopes_are_those_of_the_ranges(along: float, off_deg: float, trim: float, list_: float, down: float) -> None:
    here = beside_plating(HULL, state(along, trim=trim, list=list_)[None], down, 1.6, MIDDLE)
    rotation = facing(here[0], off_deg)
    rays, sensor = np.asarray(rotation.apply(BEAMS)), np.asarray(rotation.apply(MOUNT.position_m))
    ranges, slopes, _ = predicted(HULL, here, down, sensor, rays, MIDDLE)
    for axis in (s.ALONG, s.ACROSS, s.HEADING, s.WATERLINE, s.TRIM, s.LIST):
        step = np.zeros(s.SIZE)
        # wide enough to reach over the facets of the mesh, whose normals are smoothed
        step[axis] = {s.ALONG: 0.4, s.WATERLINE: 0.3, s.HEADING: 0.02, s.TRIM: 0.005, s.LIST: 0.02}.get(axis, 0.05)
        more, _, _ = predicted(HULL, here + step, down, sensor, rays, MIDDLE)
        less, _, _ = predicted(HULL, here - step, down, sensor, rays, MIDDLE)
        numeric = (more - less)[0] / (2 * step[axis])
        known = np.isfinite(numeric) & np.isfinite(ranges[0])
        scale = np.maximum(np.abs(slopes[0, :, axis]), 1.0)
        assert np.all(np.abs(numeric - slopes[0, :, axis])[known] < 0.12 * scale[known])


def test_trim_and_list_turn_the_ship_as_a_rotation_does() -> None:
    here = state(trim=0.004, list=0.008)
    attitude = Rotation.from_euler("YX", [0.004, 0.008])
    place = np.array([here[s.ALONG], here[s.ACROSS], s.depth_m(here, 2.0, MIDDLE)])
    middle = np.array([MIDDLE, 0.0, 0.0])
    in_level = middle + attitude.apply(place - middle)
    assert in_level[2] == pytest.approx(2.0 - 0.1, abs=2e-3)  # as deep below the waterline as it says
    vector = np.array([0.3, -1.2, 0.5])
    turned = s.tilted(np.array(0.004), np.array(0.008), vector)
    assert turned == pytest.approx(attitude.inv().apply(vector), abs=2e-4)


def test_the_ships_pose_puts_the_vehicle_where_the_state_has_it() -> None:
    here, vehicle = state(trim=0.003, list=-0.006), np.array([12.0, -7.0, 2.2])
    pose = ShipPose(*(float(value) for value in s.ship_pose(here, vehicle, MIDDLE)))
    depth = float(s.depth_m(here, 2.2, MIDDLE))
    assert pose.to_ship(vehicle) == pytest.approx([here[s.ALONG], here[s.ACROSS], depth])


def test_the_covariance_of_the_ships_pose_is_that_of_its_derivatives() -> None:
    here, vehicle = state(trim=0.003, list=-0.006), np.array([12.0, -7.0, 2.2])
    spread = np.diag(np.arange(1.0, s.SIZE + 1)) * 1e-4
    numeric = np.empty((4, s.SIZE))
    for axis in range(s.SIZE):
        step = np.zeros(s.SIZE)
        step[axis] = 1e-6
        numeric[:, axis] = s.ship_pose(here + step, vehicle, MIDDLE) - s.ship_pose(here - step, vehicle, MIDDLE)
    numeric /= 2e-6
    assert s.ship_covariance(here, spread, MIDDLE) == pytest.approx(numeric @ spread @ numeric.T, rel=1e-5, abs=1e-9)


def test_an_echo_sounder_sees_the_nearest_plating_in_its_cone_and_doubts_it() -> None:
    here = beside_plating(HULL, state(30.0)[None], 2.0, 2.0, MIDDLE)
    rotation = Rotation.from_euler("z", here[0, s.HEADING] - np.pi / 2 + np.radians(10))
    beams = usable_beams(
        report(1.0, [2.0], None), np.array([True]), Pose(np.array([0, 0, 2.0]), rotation), np.zeros(3), 2.0, 5.0, NOISE
    )
    assert beams is not None
    ranges, slopes, doubt = predicted(HULL, here, 2.0, beams.sensor_ned_m, beams.directions_ned, MIDDLE)
    assert ranges[0, 0] == pytest.approx(2.0, abs=0.01)  # not 2.0 / cos(10 degrees)
    assert doubt[0, 0] > 0.005
    assert abs(slopes[0, 0, s.HEADING]) < 0.3
    assert np.isnan(ranges[0, 1:]).all()


@pytest.mark.parametrize(
    ("across", "down", "yaw_rad", "pitch_deg", "heard", "doubt_m"),
    [
        pytest.param(7.0, 2.0, -np.pi / 2, 0.0, 4, (0.0, 0.0), id="beside her: a matter of list and trim"),
        pytest.param(1.5, 6.3, 0.0, 0.0, 0, (0.0, 0.0), id="level under the bottom: nothing is heard"),
        pytest.param(1.5, 6.3, 0.0, 13.0, 2, (0.3, 2.0), id="pitched under the bottom: met at 61 degrees"),
        pytest.param(1.5, 6.3, 0.0, 25.0, 2, (0.1, 0.9), id="pitched more: met at 49 degrees"),
    ],
)
def test_ranges_of_plating_overhead_are_doubted_by_the_attitude_of_the_vehicle(
    across: float, down: float, yaw_rad: float, pitch_deg: float, heard: int, doubt_m: tuple[float, float]
) -> None:
    here = state(30.0, across)[None]
    rotation = Rotation.from_euler("ZY", [here[0, s.HEADING] + yaw_rad, np.radians(pitch_deg)])
    rays, sensor = np.asarray(rotation.apply(BEAMS)), np.asarray(rotation.apply(MOUNT.position_m))
    ranges, _, doubt = predicted(HULL, here, down, sensor, rays, MIDDLE)
    found = np.isfinite(ranges[0])
    assert found.sum() == heard
    assert ((doubt[0, found] >= doubt_m[0]) & (doubt[0, found] <= doubt_m[1])).all()


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0], ids=["a line", "an ellipse", "a circle"])
def test_the_radius_holds_95_percent_of(share: float) -> None:
    rng = np.random.default_rng(4)
    points = rng.normal(size=(200_000, 2)) * [1.0, share]
    radius = s.radius95_m(np.diag([1.0, share**2]))
    assert (np.hypot(*points.T) < radius).mean() == pytest.approx(0.95, abs=0.003)


# ---------------------------------------------------------------- wrong sensors


def test_single_wrong_ranges_are_seen_before_the_filter_knows_anything() -> None:
    watch = RangeWatch()
    assert watch.steady(report(0.0, [1.5, 1.5, 1.4, 1.4])) is None
    assert watch.steady(report(0.2, [1.5, 0.1, 1.4, 1.4])) is None
    assert watch.steady(report(0.4, [1.5, 1.5, 3.9, np.nan])).tolist() == [True, True, False, False]  # type: ignore[union-attr]
    assert watch.steady(report(0.6, [1.6, 1.6, 1.5, 1.5])).tolist() == [True, True, True, True]  # type: ignore[union-attr]
    assert watch.steady(report(9.0, [1.6, 1.6, 1.5, 1.5])) is None  # what was before the gap says nothing


def test_a_line_that_comes_twice_counts_once() -> None:
    registration = HullRegistration(HULL, ShipPose(0, 0, 0), MOUNT, np.array([30.0, 7.2, 2.0]))
    pose = Pose(np.array([30.0, 7.2, 2.0]), Rotation.from_euler("z", -np.pi / 2))
    for k in range(6):
        registration.update(report(1.0 + 0.2 * k, [1.63 + k / 1024, 1.63, 1.62, 1.62]), pose, 0.0)
    before = registration.updates
    assert not registration.update(report(2.2, [1.63 + 5 / 1024, 1.63, 1.62, 1.62]), pose, 0.0)
    assert registration.updates == before
    assert registration.repeated == 1


def test_a_jump_of_the_estimator_is_not_a_way_flown() -> None:
    before, after = Pose(np.zeros(3), Rotation.identity()), Pose(np.array([3.0, 0.0, 0.1]), Rotation.identity())
    first, second = report(1.0, [1.5] * 4, (0.2, 0.0, 0.0)), report(1.2, [1.5] * 4, (0.2, 0.0, 0.0))
    motion = between((before, first), (after, second), 0.0, NOISE)
    assert motion.step_ned_m == pytest.approx([0.04, 0.0, 0.1])
    calm = between((before, first), (Pose(np.array([0.05, 0.0, 0.0]), Rotation.identity()), second), 0.0, NOISE)
    assert calm.step_ned_m == pytest.approx([0.05, 0.0, 0.0])
    assert calm.noise[s.ALONG] < motion.noise[s.ALONG]


def test_without_velocities_the_place_is_lost_as_fast_as_the_water_moves() -> None:
    still = Pose(np.zeros(3), Rotation.identity())
    motion = between((still, report(1.0, [1.5] * 4, None)), (still, report(11.0, [1.5] * 4, None)), 0.0, NOISE)
    assert np.sqrt(motion.noise[s.ALONG]) == pytest.approx(10 * NOISE.reckoning.coast_mps, rel=0.05)


def test_a_gap_in_the_velocities_counts_as_one_however_many_reports_come_meanwhile() -> None:
    """Flown: six seconds without a velocity took a vehicle 0.7 m off, and six single seconds were allowed for 0.2 m."""

    def along_m2(reports: int) -> float:
        still, added, astray_m = Pose(np.zeros(3), Rotation.identity()), 0.0, 0.0
        for k in range(reports):
            ends = (report(1.0 + (k + at) * 6.0 / reports, [1.5] * 4, None) for at in range(2))
            before, now = ((still, each) for each in ends)
            motion = between(before, now, 0.0, NOISE, astray_m=astray_m)
            added, astray_m = added + motion.noise[s.ALONG] - NOISE.drift_mps**2 * 6.0 / reports, motion.astray_m
        return float(added)

    assert along_m2(1) == pytest.approx((6.0 * NOISE.reckoning.coast_mps) ** 2)
    assert along_m2(6) == pytest.approx(along_m2(1))
    assert along_m2(30) == pytest.approx(along_m2(1))


def test_a_vehicle_that_has_given_up_its_place_may_drift_faster_until_a_velocity_is_measured() -> None:
    still = Pose(np.zeros(3), Rotation.identity())
    silent = (still, report(1.0, [1.5] * 4, None)), (still, report(2.0, [1.5] * 4, None))
    coasting, lost = (between(*silent, 0.0, NOISE, adrift) for adrift in (False, True))
    assert lost.noise[s.ALONG] > 10 * coasting.noise[s.ALONG]
    heard = (still, report(1.0, [1.5] * 4, (0.0, 0.0, 0.0))), (still, report(2.0, [1.5] * 4, (0.0, 0.0, 0.0)))
    assert between(*heard, 0.0, NOISE, True).noise[s.ALONG] < coasting.noise[s.ALONG]


def test_what_the_estimator_coasts_with_after_it_was_lost_is_not_believed() -> None:
    def doubt(*lost: bool) -> float:
        registration = HullRegistration(HULL, ShipPose(0, 0, 0), MOUNT, np.array([30.0, 7.2, 2.0]))
        pose = Pose(np.array([30.0, 7.2, 2.0]), Rotation.from_euler("z", -np.pi / 2))
        for k, each in enumerate(lost):
            registration.update(report(1.0 + k, [1.63 + k / 1024, 1.63, 1.62, 1.62], None), pose, 0.0, lost=each)
        return registration.sigma_m[0]

    never, once, always = doubt(*[False] * 9), doubt(*[False] * 4, True, *[False] * 4), doubt(*[True] * 9)
    assert never < once < always
    assert once**2 - never**2 > 0.4 * (always**2 - never**2)


def test_where_no_beam_is_heard_each_piece_of_the_way_counts_with_its_own_heading() -> None:
    """Below a flat bottom the steel turns the estimator's frame by 30 degrees while nothing hears the hull."""
    registration = HullRegistration(HULL, ShipPose(0, 0, 0), MOUNT, np.array([30.0, 7.2, 2.0]))
    facing = Rotation.from_euler("z", -np.pi / 2)
    for k in range(10):
        beside = report(0.2 * k, [1.63 + k / 1024, 1.63, 1.62, 1.62])
        registration.update(beside, Pose(np.array([30.0, 7.2, 2.0]), facing), 0.0)
    start, used = registration.pose.to_ship(np.array([30.0, 7.2, 2.0])), registration.updates
    place_ned, step_s, speed_mps = np.array([30.0, 7.2, 2.0]), 0.2, np.array([0.0, 0.25, 0.0])
    for k in range(200):
        steel = Rotation.from_euler("z", np.radians(30.0) * k / 200)
        place_ned = place_ned + steel.apply(speed_mps * step_s)
        silent = report(2.0 + step_s * k, [np.nan] * 4, None)
        assert not registration.update(silent, Pose(place_ned, steel * facing), 0.0)
    assert registration.pose.to_ship(place_ned) - start == pytest.approx([0.0, 10.0, 0.0], abs=0.15)
    assert registration.updates == used  # nothing was measured
    assert registration.sigma_m[1] > 0.3  # and that is said
    assert len(registration.smoothed().utc_s) > 40


def test_a_compass_that_turns_is_not_a_vehicle_that_turns() -> None:
    poses = [Pose(np.zeros(3), Rotation.from_euler("z", yaw)) for yaw in (0.0, 0.3)]
    motion = between((poses[0], report(1.0, [1.5] * 4)), (poses[1], report(1.2, [1.5] * 4)), 0.0, NOISE)
    after, _ = moved_on(state()[None], motion)
    assert after[0, s.HEADING] == pytest.approx(0.4 + 0.3)


@pytest.mark.parametrize(
    ("by_s", "unsure_deg"),
    [
        pytest.param(12.0, 12 * 0.4, id="in one direction over a gap"),
        pytest.param(0.25, 12**0.5 * 0.4, id="to and fro from message to message"),
    ],
)
def test_without_a_gyro_the_heading_grows_unsure(by_s: float, unsure_deg: float) -> None:
    still = Pose(np.zeros(3), Rotation.identity())
    reports = [(still, report(1.0 + at_s, [1.5] * 4)) for at_s in np.arange(0.0, 12.0 + by_s / 2, by_s)]
    noise = sum(between(before, now, None, NOISE).noise[s.HEADING] for before, now in pairwise(reports))
    assert np.degrees(np.sqrt(noise)) == pytest.approx(unsure_deg)


def test_waiting_does_not_average_the_plating_away() -> None:
    still = Pose(np.zeros(3), Rotation.identity())
    motion = between((still, report(1.0, [1.5] * 4)), (still, report(61.0, [1.5] * 4)), 0.0, NOISE)
    assert motion.keeps_skin == pytest.approx(1.0)
    assert motion.noise[s.SKIN] == pytest.approx(np.zeros(4))


# ---------------------------------------------------------------- several places


def test_a_grid_keeps_the_mean_and_the_spread_of_what_it_replaces() -> None:
    mean, covariance = state(), s.initial_covariance(WIDE_BERTH, 60.0)
    whole_mean, whole = grid(mean, covariance).moments
    assert whole_mean == pytest.approx(mean)
    assert np.sqrt(np.diag(whole)) == pytest.approx(np.sqrt(np.diag(covariance)), rel=0.08)


def test_a_wide_component_is_split_without_a_change_of_the_whole() -> None:
    mean, covariance = state(), s.initial_covariance(WIDE_BERTH, 60.0)
    covariance[s.ALONG, s.HEADING] = covariance[s.HEADING, s.ALONG] = 0.3
    mixture = Mixture(mean[None], covariance[None], np.ones(1))
    mixture.tidy()
    assert len(mixture) == 3
    after_mean, after = mixture.moments
    assert after_mean == pytest.approx(mean)
    assert after[:3, :3] == pytest.approx(covariance[:3, :3], rel=0.01, abs=1e-3)
    assert (np.linalg.eigvalsh(mixture.covariances) > 0).all()


def test_no_single_report_gives_a_place_up() -> None:
    mean = np.stack([state(50.0), state(53.0)])
    mixture = Mixture(mean, np.stack([np.eye(s.SIZE) * 1e-4] * 2), np.ones(2))

    def predict(states: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        slopes = np.zeros((len(states), 1, s.SIZE))
        slopes[:, 0, s.ALONG] = 1.0
        return states[:, :1], slopes, np.zeros((len(states), 1))

    mixture.correct(predict, np.array([50.0]), np.array([0.01]), np.array([True]))
    assert 0.01 < mixture.shares[1] < 0.1


@pytest.mark.parametrize("seed", [0, 5, 7])
def test_a_berth_known_to_five_metres_and_a_compass_off_by_forty_degrees_end_in_one_place(seed: int) -> None:
    flown = fly_pass(HULL, BOW, seed, Troubles(berth_m=5.0, berth_deg=5.0))
    registration = run(flown, WIDE_BERTH)
    error = off(registration, flown)
    assert np.hypot(*error) < 1.2
    assert np.hypot(*error) < 1.5 * registration.radius95_m
    assert registration.radius95_m < 1.3


# ---------------------------------------------------------------- anchors


def test_along_a_midbody_it_grows_unsure_and_a_fitting_makes_it_sure() -> None:
    way = [(36.0, 2.0), (22.0, 2.0)]
    place = HULL.point(np.array([1], np.int8), np.array([26.0]), HULL.girth_to_depth(np.array([26.0]), np.array([2.1])))
    flown = fly_pass(HULL, way, 3, Troubles(berth_m=1.0, compass_deg=20.0), place)
    assert flown.sightings
    without, sure = run(flown, landmarks=False), run(flown)
    assert without.sigma_m[0] > 0.5
    assert without.sigma_m[1] < 0.1
    assert sure.landmarks_used >= 1
    assert sure.sigma_m[0] < 0.35
    assert abs(off(sure, flown)[0]) < 2 * sure.sigma_m[0]
    again, _ = sure.smoothed_again().at(float(flown.utc_s[30]))  # carried back to the beginning
    assert abs((again.to_ship(flown.believed[30].position_m) - flown.place_ship_m[30])[0]) < 0.6


def test_a_fitting_that_is_elsewhere_changes_nothing() -> None:
    flown = fly_pass(HULL, [(36.0, 2.0), (32.0, 2.0)], 3, Troubles())
    registration = run(flown)
    before = registration.pose
    wrong = LandmarkSighting(
        utc_s=float(flown.utc_s[-1]), bearing_frd=np.array([1.0, 0.0, 0.0]), camera_frd_m=CAMERA,
        place_ship_m=np.array([8.0, 5.5, 2.0]), covariance_rad2=np.eye(2) * 1e-3,
    )  # fmt: skip
    assert not registration.observe_landmark(wrong, flown.believed[-1], 0.0)
    assert registration.pose.north_m == pytest.approx(before.north_m, abs=1e-6)
    late = replace(wrong, utc_s=wrong.utc_s - 60)
    assert not registration.observe_landmark(late, flown.believed[-1], 0.0)


def fix(label: str, at: np.ndarray, sigma_m: float) -> HullFix:
    seen = Sighting(
        utc_s=1.0, stream_s=1.0, frame=1, label=label, score=0.9, box_xyxy_px=(0, 0, 9, 9), track=1, cut=False,
        suspect=False,
    )  # fmt: skip
    outward = np.array([0.0, 1.0, 0.0])
    outline = Outline.square(0.4, outward)
    return HullFix(seen, at, outward, np.eye(3) * 1e-3, np.eye(3) * sigma_m**2, 1.5, outline)


def test_a_sighting_is_matched_only_where_one_fitting_alone_fits() -> None:
    known = (Landmark("anode", np.array([20.0, 5, 2])), Landmark("anode", np.array([26.0, 5, 2])),
             Landmark("outlet", np.array([21.0, 5, 2])))  # fmt: skip
    assert _match(fix("anode", np.array([20.5, 5, 2]), 0.5), known) == 0
    assert _match(fix("anode", np.array([23.0, 5, 2]), 2.0), known) is None  # either
    assert _match(fix("outlet", np.array([21.3, 5, 2]), 2.0), known) == 2
    assert _match(fix("anode", np.array([40.0, 5, 2]), 0.5), known) is None  # none near
    assert _match(fix("parcel", np.array([20.0, 5, 2]), 0.5), known) is None


def test_however_often_a_fitting_is_seen_it_tells_no_more_than_its_drawing_knows() -> None:
    at = Pose(np.array([20.0, 7.0, 2.0]), Rotation.from_euler("z", -90, degrees=True))
    view = Viewpoint(0.0, at, at, np.zeros(3), ShipPose(0.0, 0.0, 0.0), np.zeros((4, 4)))
    camera, known = Camera.from_hfov(640, 360, 1.4), (Landmark("anode", np.array([20.0, 5, 2])),)
    seen = fix("anode", np.array([20.1, 5, 2]), 0.3)
    times = np.arange(0.0, 200.0, 2.0)
    fixes = [replace(seen, sighting=replace(seen.sighting, utc_s=float(utc_s))) for utc_s in times]
    watch = FittingWatch(known)
    sigmas = [one.place_sigma_m for each in fixes if (one := watch.take(each, view, camera)) is not None]
    assert len(sigmas) == len(times) // 2  # pictures in quick succession are one
    first, whole = sigmas[0] / np.sqrt(2), np.sum(np.power(sigmas, -2.0)) ** -0.5
    assert first < whole < 1.02 * first


def test_where_little_is_known_of_the_place_no_fitting_is_recognised() -> None:
    at = Pose(np.array([20.0, 7.0, 2.0]), Rotation.from_euler("z", -90, degrees=True))
    view = Viewpoint(0.0, at, at, np.zeros(3), ShipPose(0.0, 0.0, 0.0), np.zeros((4, 4)))
    camera, known = Camera.from_hfov(640, 360, 1.4), (Landmark("anode", np.array([20.0, 5.0, 2.0])),)
    undrawn = np.array([22.4, 5.0, 2.0])  # an anode that no drawing shows
    assert FittingWatch(known).take(fix("anode", np.array([20.4, 5.0, 2.0]), 0.4), view, camera) is not None
    assert FittingWatch(known).take(fix("anode", undrawn, 0.4), view, camera) is None
    assert FittingWatch(known).take(fix("anode", undrawn, 0.9), view, camera) is None


def test_fittings_placed_by_rule_are_no_landmarks() -> None:
    real = Fitting(kind="sea_chest", side="starboard", station_m=20.0, depth_m=2.0, size_m=(0.9, 0.7))
    found = fitting_landmarks(HULL, [real, replace(real, assumed=True), replace(real, kind="bilge_keel")])
    assert [landmark.label for landmark in found] == ["grating"]
    assert found[0].place_ship_m[0] == pytest.approx(20.0)


# ---------------------------------------------------------------- afterwards


def test_a_registration_that_forgets_knows_as_much_as_one_that_does_not() -> None:
    flown = fly_pass(HULL, [(50.0, 1.5), (36.0, 1.5), (36.0, 2.6), (56.0, 2.6), (14.0, 2.6)], 4)
    all_of_it, some = run(flown), run(flown, kept=1_100)
    assert all_of_it.forgotten == 0
    assert some.forgotten > 0
    assert some.updates == all_of_it.updates
    assert some.sigma_m == pytest.approx(all_of_it.sigma_m, rel=1e-6)
    end_s = float(flown.utc_s[-1])
    ends = [each.smoothed().at(end_s)[0] for each in (some, all_of_it)]
    assert ends[0].north_m == pytest.approx(ends[1].north_m, abs=0.05)
    with pytest.raises(ValueError, match="at least"):
        run(flown, kept=100)


def test_what_became_known_later_counts_for_the_beginning() -> None:
    flown = fly_pass(HULL, BOW, 5, Troubles(berth_m=5.0, berth_deg=5.0))
    registration = run(flown, WIDE_BERTH)
    early = slice(20, 120, 10)
    errors = []
    for track in (registration.track(), registration.smoothed(), registration.smoothed_again()):
        poses = [track.at(float(t))[0] for t in flown.utc_s[early]]
        places = np.array([p.to_ship(b.position_m) for p, b in zip(poses, flown.believed[early], strict=True)])
        errors.append(float(np.abs((places - flown.place_ship_m[early])[:, 0]).max()))
    live, back, again = errors
    assert back < live
    assert again < 0.6
