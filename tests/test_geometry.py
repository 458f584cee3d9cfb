"""Frames, poses, the camera, clocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hullscan.clock import ClockMap, PacedClock, SimulatedClock, SystemClock, Ticker, utc_text
from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import R_FRD_CAM, GeoOrigin, Pose, ShipPose, wrap_pi
from hullscan.geometry.track import ShipTrack
from hullscan.pilot.recorded import joined

metres = st.floats(-400, 400)
angles = st.floats(-np.pi, np.pi)


@given(north=metres, east=metres, heading=angles, x=metres, y=metres, z=st.floats(0, 30))
def test_ship_frame_round_trip(north: float, east: float, heading: float, x: float, y: float, z: float) -> None:
    pose = ShipPose(north, east, heading)
    point = np.array([x, y, z])
    assert pose.to_ship(pose.to_ned(point)) == pytest.approx(point, abs=1e-9)


def test_starboard_of_a_ship_heading_east_is_south() -> None:
    assert ShipPose(0, 0, np.pi / 2).to_ned(np.array([0.0, 1.0, 0.0])) == pytest.approx([-1, 0, 0], abs=1e-12)


@given(yaw=angles, pitch=st.floats(-1.4, 1.4), roll=angles, heading=angles)
def test_a_pose_seen_from_the_ship_and_back_is_the_same(yaw: float, pitch: float, roll: float, heading: float) -> None:
    pose = Pose(np.array([3.0, -2.0, 1.0]), Rotation.from_euler("ZYX", [yaw, pitch, roll]))
    ship = ShipPose(10.0, 5.0, heading)
    back = ship.pose_in_ned(ship.pose_in_ship(pose))
    assert back.position_m == pytest.approx(pose.position_m, abs=1e-9)
    assert (back.rotation * pose.rotation.inv()).magnitude() < 1e-9


def test_the_camera_looks_forward_and_its_right_is_starboard() -> None:
    assert R_FRD_CAM.apply([0, 0, 1]) == pytest.approx([1, 0, 0])
    assert R_FRD_CAM.apply([1, 0, 0]) == pytest.approx([0, 1, 0])
    assert R_FRD_CAM.apply([0, 1, 0]) == pytest.approx([0, 0, 1])


@given(angle=st.floats(-20, 20))
def test_wrapped_angles_point_the_same_way(angle: float) -> None:
    assert -np.pi <= wrap_pi(angle) < np.pi
    assert np.cos(wrap_pi(angle)) == pytest.approx(np.cos(angle), abs=1e-9)


@given(north=st.floats(-900, 900), east=st.floats(-900, 900))
def test_geodetic_round_trip_is_a_millimetre(north: float, east: float) -> None:
    origin = GeoOrigin(35.0767, 129.08)
    assert origin.to_ned(*origin.to_geodetic(north, east)) == pytest.approx((north, east), abs=0.15)


CAMERAS = [
    pytest.param(Camera.from_hfov(640, 360, np.radians(80)), id="a pinhole"),
    pytest.param(
        Camera(
            width_px=1920,
            height_px=1080,
            fx_px=1078,
            fy_px=1076,
            cx_px=1010,
            cy_px=463,
            distortion=(0.0196, 0.0073, -0.004, -0.0016, 0),
        ),
        id="a calibrated BlueROV2 camera",
    ),
]


@pytest.mark.parametrize("camera", CAMERAS)
@given(u=st.floats(0.05, 0.95), v=st.floats(0.05, 0.95), range_m=st.floats(0.3, 10))
def test_a_ray_through_a_pixel_projects_onto_it(camera: Camera, u: float, v: float, range_m: float) -> None:
    pixel = np.array([[u * camera.width_px, v * camera.height_px]])
    assert camera.project(camera.rays_cam(pixel) * range_m) == pytest.approx(pixel, abs=0.2)


def test_field_of_view_survives_resizing() -> None:
    camera = Camera.from_hfov(1920, 1080, np.radians(80))
    assert camera.resized(640, 360).hfov_rad == pytest.approx(np.radians(80))
    assert camera.vfov_rad == pytest.approx(2 * np.arctan(np.tan(np.radians(40)) * 9 / 16))


def test_points_behind_the_camera_have_no_pixel() -> None:
    camera = Camera.from_hfov(640, 360, 1.4)
    assert np.isnan(camera.project(np.array([[0.0, 0.0, -1.0]]))).all()
    assert camera.project(np.zeros((0, 3))).shape == (0, 2)


def test_a_ship_track_interpolates_and_holds_its_ends() -> None:
    track = ShipTrack(
        np.array([10.0, 20.0]), np.array([[0, 0, 0, 0], [2, 4, 0.2, 0.1]]), np.stack([np.eye(4), 3 * np.eye(4)])
    )
    pose, covariance = track.at(15.0)
    assert (pose.north_m, pose.east_m, pose.heading_rad, pose.down_m) == pytest.approx((1, 2, 0.1, 0.05))
    assert covariance == pytest.approx(2 * np.eye(4))
    assert track.at(0.0)[0].north_m == 0
    assert track.at(99.0)[0].north_m == 2


def test_what_one_session_knew_of_the_ship_holds_until_the_next_finds_her_anew() -> None:
    first = ShipTrack(np.array([10.0, 20.0]), np.zeros((2, 4)), np.stack([np.eye(4)] * 2))
    # the first moments of the second know the stated berth alone
    second = ShipTrack(np.array([500.0, 510.0]), np.full((2, 4), 9.0), np.stack([100 * np.eye(4), np.eye(4)]))
    track = joined([first, second])
    for time_s in (21.0, 300.0, 499.9):
        pose, covariance = track.at(time_s)
        assert pose.north_m == 0
        assert covariance == pytest.approx(np.eye(4))
        assert track.alone_s(time_s) == pytest.approx(time_s - 20.0)  # what is held is not measured anew
    assert track.alone_s(498.0) == pytest.approx(478.0)
    assert track.alone_s(504.0) == pytest.approx(4.0)
    assert track.at(500.0)[0].north_m == pytest.approx(9.0)
    assert (np.diff(track.utc_s) > 0).all()


def test_a_simulated_clock_moves_only_when_somebody_sleeps() -> None:
    clock = SimulatedClock(100.0)
    ticker = Ticker(clock, 10.0)
    assert [round(ticker.wait(), 3) for _ in range(3)] == [100.1, 100.2, 100.3]


def test_a_paced_clock_follows_the_vehicle_and_never_goes_back() -> None:
    clock = PacedClock(rate=5.0)
    clock.observe(1000.0)
    first = clock.now()
    assert 1000.0 <= first < 1001.0
    clock.observe(1000.2)
    clock.observe(1000.1)
    assert clock.now() >= first
    assert clock.now() < 1000.2 + PacedClock.LEAD_S + 0.01


def test_a_paced_clock_goes_on_when_the_vehicle_died() -> None:
    real = [10.0]
    clock = PacedClock(rate=4.0, monotonic=lambda: real[0])
    clock.observe(50.0)
    real[0] = 11.0
    assert clock.now() == pytest.approx(50.5)
    real[0] = 13.0
    assert clock.now() == pytest.approx(51.5)


def test_clock_maps_take_the_fastest_message() -> None:
    rng = np.random.default_rng(1)
    mapping = ClockMap(latency_s=0.1, latency_uncertainty_s=0.02)
    for stamp in np.arange(0, 60, 0.1):
        mapping.observe(float(stamp), float(stamp) + 500.0 + 0.1 + float(rng.exponential(0.03)))
    assert mapping.to_utc(7.0) == pytest.approx(507.0, abs=0.003)
    assert 0.02 <= mapping.uncertainty_s < 0.05


def test_time_is_written_in_utc() -> None:
    assert utc_text(0.0) == "1970-01-01T00:00:00.000Z"
    assert utc_text(1_763_800_000.25, compact=True) == "20251122T082640Z"
    assert abs(SystemClock().now() - SystemClock().now()) < 1
