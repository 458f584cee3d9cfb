"""Registration beside the ship, on ranges made by ray casting: errors small, and as large as it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Pose, ShipPose
from hullscan.mission.vehicle import BLUEROV2_HEAVY
from hullscan.pilot.registration import HullRegistration
from hullscan.ship.form import BulkCarrier, build_hull
from hullscan.ship.surface import HullSurface
from hullscan.vehicle.dvl_mount import BEAMS_DVL
from hullscan.vehicle.protocol import RangeReport

HULL = build_hull(BulkCarrier(length_m=52, beam_m=10.5, draught_fwd_m=4.6, draught_aft_m=4.8))
MOUNT = BLUEROV2_HEAVY.dvl_mount
BEAMS = np.asarray(MOUNT.rotation.apply(BEAMS_DVL))


@dataclass(frozen=True)
class Flight:
    """A way past the hull as the vehicle's estimator believes it, with what really was."""

    reports: list[RangeReport]
    believed: list[Pose]
    turned: list[float | None]
    true_ship: np.ndarray  # (n, 3) of the vehicle in the ship frame
    expected: ShipPose


def fly(
    stations: np.ndarray, *, seed: int, depth: float = 2.0, compass_deg: float = 0.0, steel_deg: float = 0.0,
    drift_mps: float = 0.0, depth_error_m: float = 0.0, berth: tuple[float, float, float] = (0.0, 0.0, 0.0),
    outliers: float = 0.0, hull: HullSurface = HULL,
) -> Flight:  # fmt: skip
    rng = np.random.default_rng(seed)
    side = np.ones(len(stations), dtype=np.int8)
    girths = hull.girth_to_depth(stations, np.full(len(stations), depth))
    points, normals = hull.point(side, stations, girths), hull.normal(side, stations, girths)
    flat = normals[:, :2] / np.linalg.norm(normals[:, :2], axis=1, keepdims=True)
    place = np.column_stack([points[:, :2] + 1.7 * flat, points[:, 2]])
    yaw = np.unwrap(np.arctan2(-flat[:, 1], -flat[:, 0])) + np.radians(rng.normal(size=len(stations)) * 1.0)
    true_ship = ShipPose(berth[0], berth[1], np.radians(30 + berth[2]))
    bias = np.radians(compass_deg + steel_deg * np.sin(stations / 3.0))
    reports, believed, turned = [], [], []
    position, before = np.zeros(3), None
    for index, (at, heading) in enumerate(zip(place, yaw, strict=True)):
        body = Pose(at, Rotation.from_euler("z", heading))
        met = hull.cast(body.to_parent(MOUNT.position_m), body.directions_to_parent(BEAMS))
        ranges = np.where(met.hit, met.distance_m, np.nan) + rng.normal(size=4) * 0.01
        bad = rng.random(4) < outliers
        ranges[bad] = rng.uniform(0.1, 1.0, bad.sum())
        utc_s = 100.0 + 0.2 * index
        valid = np.isfinite(ranges)
        reports.append(RangeReport(utc_s, BEAMS, ranges, valid, np.zeros(4, bool)))
        ned = true_ship.pose_in_ned(body)
        turn = Rotation.from_euler("z", bias[index])
        if before is None:
            position = ned.position_m.copy()
        else:  # dead reckoning in a frame that the compass turns
            step = ned.position_m - before.position_m
            position = position + turn.apply(step) + np.append(rng.normal(size=2) * drift_mps * np.sqrt(0.2), 0)
        before = ned
        believed.append(Pose(np.append(position[:2], ned.position_m[2] - depth_error_m), turn * ned.rotation))
        turned.append(None if index == 0 else float(yaw[index] - yaw[index - 1]) + float(rng.normal() * 2e-4))
    return Flight(reports, believed, turned, place, ShipPose(0.0, 0.0, np.radians(30)))


def errors(
    flight: Flight, *, smoothed: bool = True, hull: HullSurface = HULL
) -> tuple[np.ndarray, np.ndarray, HullRegistration]:
    """(n, 3) error and (n, 2) stated sigma of the vehicle's place in the ship frame, and the filter."""
    registration = HullRegistration(hull, flight.expected, MOUNT, flight.believed[0].position_m)
    for report, pose, turned in zip(flight.reports, flight.believed, flight.turned, strict=True):
        registration.update(report, pose, turned)
    track = registration.smoothed() if smoothed else registration.track()
    found, stated = [], []
    for report, pose, truth in zip(flight.reports, flight.believed, flight.true_ship, strict=True):
        ship, covariance = track.at(report.utc_s)
        here = ship.to_ship(pose.position_m)
        c, s = np.cos(ship.heading_rad), np.sin(ship.heading_rad)
        jacobian = np.array([[c, s, -here[1], 0], [-s, c, here[0], 0]])
        found.append(here - truth)
        stated.append(np.sqrt(np.diag(jacobian @ covariance @ jacobian.T)))
    return np.array(found), np.array(stated), registration


PASS = np.concatenate([np.linspace(44, 30, 260), np.linspace(30, 44, 260)])

CASES = [
    pytest.param({"berth": (0.8, -0.5, 1.0)}, id="she lies a metre and a degree from where the mission says"),
    pytest.param({"compass_deg": 10.0}, id="the compass is ten degrees off"),
    pytest.param({"steel_deg": 4.0}, id="steel turns the compass along the hull"),
    pytest.param({"drift_mps": 0.015}, id="dead reckoning drifts"),
    pytest.param({"depth_error_m": 0.12}, id="the depth is a decimetre off"),
    pytest.param({"outliers": 0.08}, id="one beam in twelve is wrong"),
    pytest.param(
        {"berth": (-0.7, 0.6, -1.0), "compass_deg": -8.0, "steel_deg": 3.0, "drift_mps": 0.01, "depth_error_m": -0.1,
         "outliers": 0.03}, id="everything at once",
    ),
]  # fmt: skip


@pytest.mark.parametrize("trouble", CASES)
def test_a_pass_round_the_shoulder_of_the_bow_finds_the_place(trouble: dict[str, object]) -> None:
    error, sigma, _ = errors(fly(PASS, seed=3, **trouble))  # type: ignore[arg-type]
    assert np.sqrt((error[:, 1] ** 2).mean()) < 0.06  # across: the ranges measure it
    assert np.abs(error[:, 0]).max() < 0.5  # along: only the curvature tells
    assert np.abs(error[:, 0]).max() < 4 * sigma[:, 0].max() + 0.1


def test_along_a_parallel_midbody_it_says_that_it_does_not_know() -> None:
    error, sigma, _ = errors(fly(np.linspace(32, 22, 250), seed=1, drift_mps=0.01, berth=(0.5, 0.4, 0.5)))
    assert np.sqrt((error[:, 1] ** 2).mean()) < 0.05
    assert sigma[:, 0].min() > 0.5
    assert np.abs(error[:, 0]).max() < 3 * sigma[:, 0].max()


def test_its_covariance_is_honest_over_many_flights() -> None:
    inside = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        trouble = {"berth": tuple(rng.normal(size=3) * [0.5, 0.5, 0.5]), "drift_mps": 0.012, "steel_deg": 1.5,
                   "compass_deg": float(rng.normal() * 5), "depth_error_m": float(rng.normal() * 0.08)}  # fmt: skip
        error, sigma, _ = errors(fly(PASS[::2], seed=seed, **trouble))
        inside += list(np.abs(error[::20, 0]) < 1.96 * sigma[::20, 0])
    assert 0.85 < np.mean(inside) <= 1.0


def test_beams_by_way_of_the_surface_are_left_out() -> None:
    flight = fly(np.full(40, 40.0), seed=2, depth=0.3)
    _, _, registration = errors(flight)
    assert registration.used_beams <= 2 * len(flight.reports)


def test_without_any_range_the_expected_pose_stands() -> None:
    registration = HullRegistration(HULL, ShipPose(3.0, 4.0, 0.5), MOUNT, np.zeros(3))
    pose, covariance = registration.smoothed().at(0.0)
    assert (pose.north_m, pose.east_m, pose.heading_rad) == pytest.approx((3.0, 4.0, 0.5))
    assert covariance[0, 0] > 0.5
    silent = RangeReport(1.0, BEAMS, np.full(4, np.nan), np.zeros(4, bool), np.zeros(4, bool))
    assert not registration.update(silent, Pose(np.zeros(3), Rotation.identity()))


def test_the_filter_alone_is_good_enough_to_fly_by() -> None:
    error, _, _ = errors(fly(PASS, seed=5, berth=(0.8, -0.5, 1.0), compass_deg=5), smoothed=False)
    assert np.abs(error[60:, 1]).max() < 0.15
