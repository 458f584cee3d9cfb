"""A camera behind a port: what the mission states, and where a ray goes that Snell's law bends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hullscan.errors import InputError, MissionFileError
from hullscan.geometry.camera import Camera
from hullscan.geometry.port import REFRACTION, behind_flat_port
from hullscan.mission.model import load_mission

DEMO = (Path(__file__).parents[1] / "missions" / "demo.yaml").read_text(encoding="utf-8")


def seen_in_water(air: Camera, target_m: np.ndarray) -> np.ndarray:
    """Pixel of a point in water through a flat port at the lens: Snell's law for each ray, and the lens as in air."""
    across = np.hypot(*target_m[:2])
    in_water = np.arctan2(across, target_m[2])
    in_air = np.arcsin(REFRACTION * np.sin(in_water))
    return air.project(np.array([[*(target_m[:2] / across * np.tan(in_air)), 1.0]]))[0]


@pytest.mark.parametrize(
    ("hfov_deg", "distortion"),
    [
        pytest.param(60, (0.0,) * 5, id="a narrow lens"),
        pytest.param(90, (0.0,) * 5, id="a wide lens"),
        pytest.param(80, (-0.12, 0.03, 0.001, -0.0005, 0.0), id="a lens with a barrel of its own"),
    ],
)
def test_through_a_flat_port_a_point_in_water_is_seen_where_snell_says(
    hfov_deg: float, distortion: tuple[float, float, float, float, float]
) -> None:
    straight = Camera.from_hfov(1280, 720, np.radians(hfov_deg))
    air = Camera(
        width_px=1280, height_px=720, fx_px=straight.fx_px, fy_px=straight.fy_px, cx_px=650.0, cy_px=352.0,
        distortion=distortion,
    )  # fmt: skip
    water = behind_flat_port(air)
    for x, y in ((0.05, 0.0), (0.3, 0.15), (-0.35, 0.2), (0.0, -0.22)):
        target = np.array([x, y, 1.0]) * 2.0
        pixel = seen_in_water(air, target)
        assert water.project(target[None])[0] == pytest.approx(pixel, abs=0.3)
        assert water.rays_cam(pixel[None])[0] == pytest.approx(target / np.linalg.norm(target), abs=5e-4)
    assert water.hfov_rad < 0.8 * air.hfov_rad


def test_a_lens_too_wide_for_a_flat_port_is_refused() -> None:
    with pytest.raises(InputError, match="calibrate the camera in water"):
        behind_flat_port(Camera.from_hfov(1280, 720, np.radians(130)))


def test_rays_at_the_corners_of_a_wide_lens_project_back_onto_their_pixels() -> None:
    lens = Camera(
        width_px=1280, height_px=720, fx_px=700, fy_px=700, cx_px=640, cy_px=360,
        distortion=(0.4, 0.19, 0.001, -0.001, 0.3),
    )  # fmt: skip
    pixels = np.array([[0.0, 0.0], [1280.0, 0.0], [0.0, 720.0], [1280.0, 720.0]])
    assert lens.project(lens.rays_cam(pixels)) == pytest.approx(pixels, abs=1e-3)


def stated(tmp_path: Path, camera: str) -> Path:
    path = tmp_path / "mission.yaml"
    path.write_text(f"{DEMO}camera: {camera}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("camera", "hfov_deg"),
    [
        pytest.param("{size_px: [1920, 1080], hfov_deg: 70}", 70.0, id="by its field of view in water"),
        pytest.param("{size_px: [1920, 1080], focal_px: [1000, 1000]}", 87.66, id="calibrated in water"),
        pytest.param(
            "{size_px: [1920, 1080], focal_px: [1000, 1000], calibrated_in: air, port: dome}", 87.66,
            id="a dome leaves the rays as they are",
        ),
        pytest.param(
            "{size_px: [1920, 1080], focal_px: [1000, 1000], calibrated_in: air, port: flat}",
            2 * np.degrees(np.arcsin(np.sin(np.radians(87.66 / 2)) / REFRACTION)), id="a flat port narrows the view",
        ),
    ],
)  # fmt: skip
def test_the_camera_that_a_mission_states_is_the_vehicles(tmp_path: Path, camera: str, hfov_deg: float) -> None:
    mission = load_mission(stated(tmp_path, camera))
    assert np.degrees(mission.vehicle.camera.hfov_rad) == pytest.approx(hfov_deg, abs=0.05)
    assert mission.vehicle.camera.resized(1280, 720).width_px == 1280
    assert mission.vehicle.name == "bluerov2-heavy"


@pytest.mark.parametrize(
    ("camera", "words"),
    [
        pytest.param("{size_px: [640, 360]}", "hfov_deg: give either hfov_deg or focal_px", id="no lens"),
        pytest.param(
            "{size_px: [640, 360], focal_px: [400, 400], calibrated_in: air}", "port: a calibration in air",
            id="no port",
        ),
        pytest.param(
            "{size_px: [640, 360], hfov_deg: 80, calibrated_in: air, port: flat}", "calibrated_in: hfov_deg is that in",
            id="a field of view in air",
        ),
    ],
)  # fmt: skip
def test_a_camera_that_is_half_stated_is_refused_with_its_key(tmp_path: Path, camera: str, words: str) -> None:
    with pytest.raises(MissionFileError) as caught:
        load_mission(stated(tmp_path, camera))
    assert f"camera.{words}" in str(caught.value)
