"""One frame of a place: water, lamps, lens, view and processing drawn anew, the boxes with it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array
from hullscan_sim.camera.pages import SinglePages
from hullscan_sim.camera.renderer import Renderer
from hullscan_sim.camera.scene import NOTHING, TETHER
from hullscan_sim.camera.sensor import Response, Sensor
from hullscan_sim.camera.tether import draw_tether, random_tether
from hullscan_sim.camera.water import Lamp, WaterOptics
from hullscan_sim.dataset.boxes import Box, boxes_of, others_in
from hullscan_sim.dataset.places import Place
from hullscan_sim.scenario import Water
from hullscan_sim.viewpoint import looking_at

__all__ = ["HEIGHT_PX", "WIDTH_PX", "random_frame"]

WIDTH_PX, HEIGHT_PX = 640, 360
_LEAST_CLEARANCE_M, _LEAST_DEPTH_M = 0.25, 0.15


def random_frame(
    rng: np.random.Generator, place: Place, with_parcel: bool, tether: np.random.Generator | None = None
) -> tuple[npt.NDArray[np.uint8], tuple[Box, ...], dict[str, Any]] | None:
    """Picture, boxes and facts; None where the view drawn shows too little, or not what was asked for.

    Args:
        tether: draws the vehicle's own before the camera; nothing else of the frame follows from it.
    """
    scene, hull = place.scene, place.hull
    camera = _random_camera(rng)
    visibility = float(np.exp(rng.uniform(np.log(1.6), np.log(12))))
    water = Water(
        visibility_m=visibility,
        type=str(rng.choice(["clear", "coastal_1C", "coastal_3C", "coastal_5C", "coastal_7C"])),  # type: ignore[arg-type]
    )
    optics = _jittered(rng, WaterOptics.from_water(water))
    stand_off = float(np.clip(visibility * rng.uniform(0.15, 0.46), 0.45, 3.0))
    point, normal = _aim(rng, place, stand_off)
    if place.parcels and rng.random() < 0.9:  # on a survey a parcel is whole in the picture for most of its looks
        target = scene.solids[place.parcels[int(rng.integers(len(place.parcels)))] - 1]
        stand_off = max(stand_off, target.size_m * float(rng.uniform(0.8, 1.8)))
        point = target.parts[0].mesh.vertices_m.mean(axis=0)
        normal = place.aims[0][1] if place.aims else hull.nearest(point[None])[2][0]
    elif place.look_alikes and not place.aims and rng.random() < 0.6:  # what is no parcel must be learnt from near too
        alike = scene.solids[place.look_alikes[int(rng.integers(len(place.look_alikes)))] - 1]
        point = alike.parts[0].mesh.vertices_m.mean(axis=0)
        normal = hull.nearest(point[None])[2][0]
    reach = (0.0, 0.0) if place.view == "plating" else (0.5, 0.4)
    yaw = float(np.clip(rng.normal() * (0.28 + reach[0]), -1.1, 1.1))
    pitch = float(np.clip(rng.normal() * (0.22 + reach[1]), -0.9, 0.9))
    _, rotation = looking_at(point, normal, stand_off, yaw, pitch, float(rng.normal() * 0.07))
    # the point stands anywhere in the picture, now and then beyond its edge
    spread = 0.8 if rng.random() < 0.8 else 1.2
    across = rng.uniform(-spread, spread) * WIDTH_PX / 2 / camera.fx_px
    down = rng.uniform(-spread, spread) * HEIGHT_PX / 2 / camera.fy_px
    position = point - stand_off * rotation @ np.array([across, down, 1.0])
    if position[2] < _LEAST_DEPTH_M or position[2] > scene.sea_bed_depth_m - 0.3:
        return None
    if float(hull.nearest(position[None])[1][0]) < _LEAST_CLEARANCE_M:
        return None
    lamps = _random_lamps(rng)
    daylight = float(rng.choice([rng.uniform(0, 0.3), rng.uniform(0.2, 1.2), rng.uniform(1.0, 3.0)], p=[0.5, 0.3, 0.2]))
    if not lamps:
        daylight = float(rng.uniform(0.8, 3.0))
    renderer = Renderer(
        scene,
        SinglePages(place.texture),
        camera,
        lamps,
        optics,
        daylight=daylight,
        seed=int(rng.integers(1 << 20)),
        shadows=bool(rng.random() < 0.8),
    )
    frame = renderer.render(position, rotation)
    if (frame.object == NOTHING).mean() > 0.85 or float(frame.depth_m.min()) < 0.6 * _LEAST_CLEARANCE_M:
        return None
    if tether is not None:
        frame = draw_tether(renderer, frame, random_tether(tether, frame, camera), position, rotation)
    particles = float(rng.choice([0.0, rng.uniform(0, 0.3), rng.uniform(0.3, 1.0)]))
    response = Response(
        target=float(rng.uniform(0.10, 0.34)),
        white_balance=float(rng.uniform(0.2, 1.0)),
        settle_s=0.0,
        noise=float(np.exp(rng.uniform(np.log(0.4), np.log(2.2)))),
        shutter_s=float(np.exp(rng.uniform(np.log(1 / 200), np.log(1 / 12)))),
        haze=float(rng.choice([0.0, rng.uniform(0, 0.7)], p=[0.3, 0.7])),
        contrast=float(rng.choice([0.0, rng.uniform(0, 0.6)], p=[0.3, 0.7])),
    )
    sensor = Sensor(camera, optics, response, particles, int(rng.integers(1 << 30)))
    if rng.random() < 0.6:  # moving as on a survey, and a little as in a swell
        speed = rng.normal(size=3) * [0.22, 0.08, 0.08]
        turn = Rotation.from_rotvec(-0.1 * rng.normal(size=3) * 0.06)
        sensor.was_at(-0.1, position - 0.1 * speed, rotation @ turn.as_matrix())
    image = sensor.expose(frame, 0.0, position, rotation)
    image = _processed(rng, image)
    boxes = boxes_of(scene, frame, image, position)
    if with_parcel and not any(box.label == "parcel" for box in boxes):
        return None
    facts = {
        "visibility_m": round(visibility, 2),
        "water": water.type,
        "stand_off_m": round(stand_off, 2),
        "lamps": len(lamps),
        "daylight": round(daylight, 2),
        "hfov_deg": round(float(np.degrees(camera.hfov_rad)), 1),
        "open_water": round(float((frame.object == NOTHING).mean()), 3),
        "fouling": round(place.texture.surface.fouling, 2),
        "others": others_in(scene, frame),
        **({} if tether is None else {"tether": bool((frame.object == TETHER).any())}),
    }
    return image, boxes, facts


def _aim(rng: np.random.Generator, place: Place, stand_off: float) -> tuple[Array, Array]:
    """What to look at, and its outward normal."""
    if place.aims:
        point, normal = place.aims[0]
        turned = normal + rng.normal(size=3) * 0.15
        return point + rng.normal(size=3) * 0.2 * stand_off, turned / np.linalg.norm(turned)
    hull = place.hull
    sides = np.array([place.side], dtype=np.int8)
    stations = np.array([place.station_m + float(rng.normal() * 0.45 * stand_off)])
    girths = np.array([place.girth_m + float(rng.normal() * 0.28 * stand_off)])
    girths = np.clip(girths, 0.02, hull.total_girth(stations))
    return hull.point(sides, stations, girths)[0], hull.normal(sides, stations, girths)[0]


def _random_camera(rng: np.random.Generator) -> Camera:
    camera = Camera.from_hfov(WIDTH_PX, HEIGHT_PX, float(np.radians(rng.uniform(60, 95))))
    if rng.random() < 0.4:
        bend = float(rng.uniform(-0.12, 0.05))
        camera = Camera(
            width_px=WIDTH_PX, height_px=HEIGHT_PX, fx_px=camera.fx_px, fy_px=camera.fy_px,
            cx_px=WIDTH_PX / 2 + float(rng.normal() * 6), cy_px=HEIGHT_PX / 2 + float(rng.normal() * 6),
            distortion=(bend, 0.0, 0.0, 0.0, 0.0),
        )  # fmt: skip
    return camera


def _jittered(rng: np.random.Generator, optics: WaterOptics) -> WaterOptics:
    colour = np.exp(rng.normal(size=3) * 0.15).astype(np.float32)
    cloud = np.float32(np.exp(rng.normal() * 0.25))
    return WaterOptics(optics.attenuation * colour, optics.scattering * cloud * colour, optics.diffuse * colour)


def _random_lamps(rng: np.random.Generator) -> list[Lamp]:
    count = int(rng.choice([0, 1, 2, 2, 2, 3, 4], p=[0.1, 0.1, 0.2, 0.2, 0.2, 0.1, 0.1]))
    power = float(np.exp(rng.uniform(np.log(0.5), np.log(3.5))))
    warmth = float(rng.uniform(0.75, 1.15))
    lamps = []
    for index in range(count):
        axis = np.array([rng.normal() * 0.12, 0.05 + rng.normal() * 0.12, 1.0])
        lamps.append(
            Lamp(
                np.array([rng.uniform(0.06, 0.4) * (-1) ** index, rng.uniform(-0.3, 0.25), -0.03]),
                axis / np.linalg.norm(axis),
                power * float(rng.uniform(0.4, 1.2)),
                float(np.radians(rng.uniform(32, 65))),
                np.array([warmth, 1.0, 2 - warmth]),
            )
        )
    return lamps


def _processed(rng: np.random.Generator, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """What cameras and links do to a picture: tone, colour, grey, sharpening, motion, compression."""
    out: Any = image
    if rng.random() < 0.3:
        size = int(rng.integers(3, 9))
        kernel = np.zeros((size, size), np.float32)
        cv2.line(kernel, (0, int(rng.integers(size))), (size - 1, int(rng.integers(size))), 1.0)
        kernel = kernel if rng.random() < 0.65 else kernel.T
        out = cv2.filter2D(out, -1, kernel / kernel.sum())
    if rng.random() < 0.5:
        x = np.linspace(0, 1, 256)
        curve = (x ** rng.uniform(0.75, 1.35) - 0.4) * rng.uniform(0.8, 1.5) + 0.4 + rng.normal() * 0.03
        out = cv2.LUT(out, np.clip(curve * 255, 0, 255).astype(np.uint8))
    if rng.random() < 0.35:  # colour cast of another camera's white balance
        out = np.clip(out * np.exp(rng.normal(size=3) * 0.15), 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        out = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if rng.random() < 0.25:
        soft = cv2.GaussianBlur(out, (0, 0), 1.5)
        out = cv2.addWeighted(out, 1.6, soft, -0.6, 0)
    if rng.random() < 0.7:
        quality = int(rng.integers(18, 70))
        out = cv2.imdecode(cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
        if rng.random() < 0.5:  # deblocked video
            out = cv2.bilateralFilter(out, 5, 18, 3)
    return np.asarray(out, dtype=np.uint8)
