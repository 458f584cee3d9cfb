"""Training and test frames with exact labels, from the simulator's own scene.

Ships differ (form, coating, age, growth), and a split owns whole ships. Each frame draws its water, lamps, lens
and place anew. About half of the frames show a parcel, more than half something that may be taken for one; at least a
quarter show open water, the ship's edges or holes. A box comes from the visible pixels of the object; where it can
hardly be seen it is marked ``ignore``, and the frame is left out of the training split.
"""

from __future__ import annotations

import colorsys
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import yaml
from scipy.spatial.transform import Rotation

from hullscan.errors import InputError
from hullscan.geometry.camera import Camera
from hullscan.ship.form import BulkCarrier, build_hull
from hullscan.ship.surface import HullSurface
from hullscan_sim.camera.growth import aged, edge_growth, overgrown, weathered
from hullscan_sim.camera.objects import (
    COLOURS,
    LABELS,
    LookAlike,
    Material,
    Solid,
    build_fitting,
    build_look_alike,
    build_parcel,
    on_hull,
)
from hullscan_sim.camera.pages import SinglePages
from hullscan_sim.camera.renderer import Rendered, Renderer
from hullscan_sim.camera.scene import NOTHING, Scene
from hullscan_sim.camera.sensor import Response, Sensor
from hullscan_sim.camera.texture import COATINGS, Decal, HullTexture
from hullscan_sim.camera.water import Lamp, WaterOptics
from hullscan_sim.scenario import Surface, Water
from hullscan_sim.viewpoint import looking_at

__all__ = ["Box", "DatasetRequest", "Shot", "make_dataset", "ship_shots"]

WIDTH_PX, HEIGHT_PX = 640, 360
_SHOTS_PER_SCENE = 3
_MIN_CONTRAST = 5.0  # 8-bit levels across an object's outline; below this people hardly see it either
_BAND_PX, _SECTORS, _SECTOR_PX = 9, 12, 8
_MIN_PIXELS = 110
_SPLIT_SEEDS = {"train": 1_000_000, "val": 2_000_000, "test": 3_000_000}
_COATINGS = {
    "train": ("red", "red", "black", "blue", "grey"),
    "val": ("red", "green"),
    "test": ("red", "green", "grey", "blue"),
}


@dataclass(frozen=True, slots=True)
class DatasetRequest:
    """What to make.

    Attributes:
        counts: frames by split (train, val, test).
        seed: everything follows from it.
        shots_per_ship: frames of each ship.
        parcel_share: share of the places with parcels; some do not come out in the picture, so fewer frames show one.
        processes: worker processes.
    """

    counts: dict[str, int]
    seed: int = 1
    shots_per_ship: int = 36
    parcel_share: float = 0.6
    processes: int = 2


@dataclass(frozen=True, slots=True)
class Box:
    """One labelled object in a frame."""

    label: str
    box_xyxy_px: tuple[int, int, int, int]
    pixels: int
    contrast: float
    size_m: float
    ignore: bool


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame: picture, boxes, and what is known about how it was taken."""

    name: str
    image: npt.NDArray[np.uint8]
    boxes: tuple[Box, ...]
    facts: dict[str, Any]


# ------------------------------------------------------------------------------------------------ a ship


def ship_shots(split: str, ship: int, seed: int, count: int, parcel_share: float) -> Iterator[Shot]:
    """Frames of one ship; a pure function of its arguments."""
    rng = np.random.default_rng([_SPLIT_SEEDS[split], seed, ship])
    length = float(np.exp(rng.uniform(np.log(28), np.log(230))))
    beam, draught = length / rng.uniform(4.6, 6.6), length / rng.uniform(10, 17)
    draught = float(np.clip(draught, 2.2, 13))
    form = BulkCarrier(
        length_m=length, beam_m=beam, draught_fwd_m=draught, draught_aft_m=draught * rng.uniform(1.0, 1.15)
    )
    hull = build_hull(form)
    coating = str(rng.choice(_COATINGS[split]))
    surface = Surface(coating=coating, fouling=float(rng.beta(1.2, 1.8)), age=float(rng.uniform(0.05, 1)))  # type: ignore[arg-type]
    made = 0
    attempt = 0
    while made < count and attempt < 20 * count:
        attempt += 1
        with_parcel = bool(rng.random() < parcel_share)
        kind = str(rng.choice(["plating", "edge"], p=[0.62, 0.38]))
        scene, texture, focus, sources = _scene(
            rng, hull, form, surface, with_parcel, kind, _SPLIT_SEEDS[split] + seed * 100_003 + ship
        )
        for _ in range(_SHOTS_PER_SCENE):
            if made >= count:
                return
            shot = _shot(rng, scene, texture, hull, focus, sources, with_parcel, kind)
            if shot is None:
                continue
            image, boxes, facts = shot
            if split == "train" and any(box.ignore and box.label == "parcel" for box in boxes):
                continue
            name = f"{split}-{ship:04d}-{made:03d}"
            made += 1
            yield Shot(
                name,
                image,
                boxes,
                {"ship": ship, "length_m": round(length, 1), "coating": coating, "view": kind, **facts},
            )


def _scene(
    rng: np.random.Generator,
    hull: HullSurface,
    form: BulkCarrier,
    surface: Surface,
    with_parcel: bool,
    kind: str,
    seed: int,
) -> tuple[Scene, HullTexture, tuple[int, float, float], list[int]]:
    """A place on the ship with what stands there; (scene, texture, (side, station, girth), numbers of its parcels)."""
    length = form.length_m
    side = int(rng.choice([-1, 1]))
    if kind == "edge":  # bow, stern, keel line, waterline: where plating ends
        station = float(rng.choice([rng.uniform(0.02, 0.12), rng.uniform(0.9, 0.995), rng.uniform(0.1, 0.9)])) * length
        girth_share = float(rng.choice([rng.uniform(0, 0.12), rng.uniform(0.3, 0.6), rng.uniform(0.85, 1.0)]))
    else:
        station, girth_share = float(rng.uniform(0.08, 0.92)) * length, float(rng.uniform(0.05, 0.97))
    total = float(hull.total_girth(np.array([station]))[0])
    girth = girth_share * total
    coat = COATINGS[surface.coating]
    # growth and wear differ from place to place on one ship
    surface = replace(
        surface,
        fouling=float(np.clip(surface.fouling * rng.uniform(0.5, 1.6), 0, 1)),
        age=float(np.clip(surface.age * rng.uniform(0.6, 1.4), 0, 1)),
    )
    fouled = 0.7 * surface.fouling
    solids: list[Solid] = []
    taken: list[tuple[float, float, float]] = []

    def spot(reach: float, spread: float) -> tuple[float, float] | None:
        for _ in range(12):
            s, g = (
                station + rng.normal() * spread,
                float(np.clip(girth + rng.normal() * spread * 0.7, 0.1, total - 0.05)),
            )
            s = float(np.clip(s, hull.stations_m[0] + 0.5, hull.stations_m[-1] - 0.5))
            if all((s - a) ** 2 + (g - b) ** 2 > (reach + c) ** 2 for a, b, c in taken):
                taken.append((s, g, reach))
                return s, g
        return None

    parcels: list[int] = []
    if with_parcel:
        for index in range(int(rng.choice([1, 2, 3], p=[0.66, 0.24, 0.10]))):
            spread = 0.15 if index == 0 else 0.9
            parcel = _random_parcel(rng, hull, side, coat, fouled, partial(spot, spread=spread))
            if parcel:
                parcels.append(len(solids) + 1)
                if rng.random() < 0.5:  # weeks in the water: its outline is no longer its own
                    amount = float(rng.uniform(0, 0.9) ** 1.5)
                    own = np.random.default_rng(int(rng.integers(1 << 30)))  # what grows changes nothing else
                    parcel = [weathered(solid, amount, own) for solid in parcel]
                    parcel += overgrown(parcel[0], amount, own)
                solids += parcel
    decals = []
    for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.3, 0.3, 0.25, 0.15]))):
        fitting = str(rng.choice(["anode", "anode", "anode", "sea_chest", "outlet", "bilge_keel"]))
        size = {
            "anode": (float(rng.uniform(0.25, 0.8)), float(rng.uniform(0.08, 0.2))),
            "sea_chest": (float(rng.uniform(0.4, 1.4)), float(rng.uniform(0.3, 1.0))),
            "outlet": (float(rng.uniform(0.1, 0.5)),) * 2,
            "bilge_keel": (float(rng.uniform(2, 6)), float(rng.uniform(0.15, 0.4))),
        }[fitting]
        place = spot(max(size) / 2 if fitting != "bilge_keel" else 0.15, 1.0)
        if place is not None:
            turn = float(rng.choice([0.0, np.pi / 2])) if fitting == "anode" and rng.random() < 0.2 else 0.0
            solids.append(build_fitting(fitting, size, coat, fouled, *on_hull(hull, side, *place, turn), rng, fitting))
    kinds: list[LookAlike] = ["plate", "disc", "mussels", "weed", "rope", "bolts", "rail", "bracket", "fish", "net"]
    for _ in range(int(rng.choice([0, 1, 2, 3, 4], p=[0.15, 0.25, 0.3, 0.2, 0.1]))):
        place = spot(0.2, 1.0)
        if place is not None:
            spin = float(rng.uniform(0, 2 * np.pi))
            solids.append(
                build_look_alike(kinds[int(rng.integers(len(kinds)))], coat, *on_hull(hull, side, *place, spin), rng)
            )
    for _ in range(int(rng.choice([0, 1, 2], p=[0.55, 0.3, 0.15]))):
        decals.append(_random_decal(rng, side, station, total - girth))
    ends = (max(station - 3.0, float(hull.stations_m[0])), min(station + 3.0, float(hull.stations_m[-1])))
    if ends[1] > ends[0] + 1.0:
        solids += edge_growth(hull, surface.fouling, ends, np.random.default_rng(int(rng.integers(1 << 30))))
    texture = HullTexture(surface, seed, total, tuple(decals))
    keel = float(hull.keel_depth(np.array([station]))[0])
    scene = Scene(
        hull,
        solids,
        sea_bed_depth_m=keel + float(rng.uniform(0.8, 12)),
        quay_y_m=side * (form.beam_m / 2 + float(rng.uniform(2.5, 6))) if rng.random() < 0.15 else None,
        stations_m=(station - 16, station + 16),
    )
    return scene, texture, (side, station, girth), parcels


def _random_parcel(
    rng: np.random.Generator,
    hull: HullSurface,
    side: int,
    coat: tuple[float, float, float],
    fouled: float,
    spot: Callable[[float], tuple[float, float] | None],
) -> list[Solid]:
    kind = str(rng.choice(["box", "bag", "cylinder", "torpedo"], p=[0.3, 0.28, 0.22, 0.2]))
    length = float(np.exp(rng.uniform(np.log(0.18), np.log(1.5 if kind == "torpedo" else 1.1))))
    slender = {"box": (0.45, 1.0), "bag": (0.45, 0.95), "cylinder": (0.18, 0.5), "torpedo": (0.13, 0.3)}[kind]
    width = length * float(rng.uniform(*slender))
    height = min(width, length) * float(rng.uniform(0.35, 1.0)) if kind in ("box", "bag") else width
    roll = rng.random()
    if roll < 0.2:  # painted like the hull
        scale = rng.uniform(0.75, 1.3)
        colour = (coat[0] * scale, coat[1] * scale, coat[2] * scale)
    elif roll < 0.5:
        colour = COLOURS[str(rng.choice(["black", "grey", "white", "green", "blue", "orange", "yellow", "brown"]))]
    else:
        value = float(rng.choice([0.03, 0.07, 0.15, 0.3, 0.5])) * float(rng.uniform(0.6, 1.4))
        r, g, b = colorsys.hsv_to_rgb(float(rng.random()), float(rng.random() ** 1.4), min(value, 0.8))
        colour = (b, g, r)
    body = Material(
        colour,
        shine=float(rng.uniform(0, 0.8)),
        mottle=float(rng.uniform(0.1, 0.8)),
        pattern=str(rng.choice(["plain", "plain", "wrapped", "woven", "ribbed"])),  # type: ignore[arg-type]
        fouled=0.0 if rng.random() < 0.55 else float(rng.uniform(0.05, 0.75)) * (0.4 + fouled),
    )
    body = aged(body, float(rng.uniform(0, 0.7)), rng) if rng.random() < 0.4 else body
    place = spot(length * 0.55)
    if place is None:
        return []
    turn = (
        float(rng.normal() * 0.2 + rng.choice([0, np.pi / 2]))
        if rng.random() < 0.6
        else float(rng.uniform(0, 2 * np.pi))
    )
    attach = str(rng.choice(["magnet", "rope", "strap"]))
    return build_parcel(kind, (length, width, height), attach, body, *on_hull(hull, side, *place, turn), rng)


def _random_decal(rng: np.random.Generator, side: int, station: float, from_keel: float) -> Decal:
    u = station + float(rng.normal() * 0.8)
    v = side * max(from_keel + float(rng.normal() * 0.6), 0.2)
    white = tuple(float(x) for x in np.array([0.5, 0.55, 0.55]) * rng.uniform(0.4, 1.1))
    roll = rng.random()
    if roll < 0.45:
        text = str(rng.choice(["1M", "2M", "4", "6", "8", "5M", "84", "62", "ICCP", "BT", "III"]))
        size = float(rng.uniform(0.1, 0.3))
        return Decal("text", u, v, size * 0.75 * len(text), size, white, text)  # type: ignore[arg-type]
    coat = tuple(COATINGS[str(rng.choice(list(COATINGS)))])
    if roll < 0.8:  # dock block mark or a repair in another coat
        return Decal("paint", u, v, float(rng.uniform(0.3, 1.6)), float(rng.uniform(0.2, 1.2)), coat)  # type: ignore[arg-type]
    return Decal("hole", u, v, float(rng.uniform(0.05, 0.5)), float(rng.uniform(0.05, 0.5)), (0.006, 0.006, 0.006))


# ------------------------------------------------------------------------------------------------ a frame


def _shot(
    rng: np.random.Generator,
    scene: Scene,
    texture: HullTexture,
    hull: HullSurface,
    focus: tuple[int, float, float],
    parcels: list[int],
    with_parcel: bool,
    kind: str,
) -> tuple[npt.NDArray[np.uint8], tuple[Box, ...], dict[str, Any]] | None:
    side, station, girth = focus
    camera = _random_camera(rng)
    visibility = float(np.exp(rng.uniform(np.log(1.6), np.log(12))))
    water = Water(
        visibility_m=visibility,
        type=str(rng.choice(["clear", "coastal_1C", "coastal_3C", "coastal_5C", "coastal_7C"])),  # type: ignore[arg-type]
    )
    optics = _jittered(rng, WaterOptics.from_water(water))
    stand_off = float(np.clip(visibility * rng.uniform(0.15, 0.46), 0.45, 3.0))
    sides, stations = np.array([side], dtype=np.int8), np.array([station + float(rng.normal() * 0.45 * stand_off)])
    girths = np.array([girth + float(rng.normal() * 0.28 * stand_off)])
    girths = np.clip(girths, 0.02, hull.total_girth(stations))
    point, normal = hull.point(sides, stations, girths)[0], hull.normal(sides, stations, girths)[0]
    if parcels and rng.random() < 0.9:  # on a survey a parcel is whole in the picture for most of its looks
        target = scene.solids[parcels[int(rng.integers(len(parcels)))] - 1]
        stand_off = max(stand_off, target.size_m * float(rng.uniform(0.8, 1.8)))
        point = target.parts[0].mesh.vertices_m.mean(axis=0)
        normal = hull.nearest(point[None])[2][0]
    reach = (0.0, 0.0) if kind == "plating" else (0.5, 0.4)
    yaw = float(np.clip(rng.normal() * (0.28 + reach[0]), -1.1, 1.1))
    pitch = float(np.clip(rng.normal() * (0.22 + reach[1]), -0.9, 0.9))
    _, rotation = looking_at(point, normal, stand_off, yaw, pitch, float(rng.normal() * 0.07))
    # the point stands anywhere in the picture, now and then beyond its edge
    spread = 0.8 if rng.random() < 0.8 else 1.2
    across = rng.uniform(-spread, spread) * WIDTH_PX / 2 / camera.fx_px
    down = rng.uniform(-spread, spread) * HEIGHT_PX / 2 / camera.fy_px
    position = point - stand_off * rotation @ np.array([across, down, 1.0])
    if position[2] < 0.15 or position[2] > scene.sea_bed_depth_m - 0.3:
        return None
    if float(hull.nearest(position[None])[1][0]) < 0.25:
        return None
    lamps = _random_lamps(rng)
    daylight = float(rng.choice([rng.uniform(0, 0.3), rng.uniform(0.2, 1.2), rng.uniform(1.0, 3.0)], p=[0.5, 0.3, 0.2]))
    if not lamps:
        daylight = float(rng.uniform(0.8, 3.0))
    renderer = Renderer(
        scene,
        SinglePages(texture),
        camera,
        lamps,
        optics,
        daylight=daylight,
        seed=int(rng.integers(1 << 20)),
        shadows=bool(rng.random() < 0.8),
    )
    frame = renderer.render(position, rotation)
    if (frame.object == NOTHING).mean() > 0.85:
        return None
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
    boxes = _boxes(scene, frame, image)
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
        "fouling": round(texture.surface.fouling, 2),
        "others": _others(scene, frame),
    }
    return image, boxes, facts


def _others(scene: Scene, frame: Rendered) -> int:
    """How many things that are no parcel can be seen."""
    numbers, counts = np.unique(frame.object[frame.object > 0], return_counts=True)
    return sum(scene.solids[number - 1].label != "parcel" for number in numbers[counts >= _MIN_PIXELS])


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


def _boxes(scene: Scene, frame: Rendered, image: npt.NDArray[np.uint8]) -> tuple[Box, ...]:
    """Boxes of the visible pixels of labelled solids, with the contrast of each against its surroundings."""
    boxes = []
    soft = cv2.GaussianBlur(image, (0, 0), 1.2).astype(np.float32)  # a single pixel's noise shows nobody anything
    for number in np.unique(frame.object):
        if number <= 0 or (label := scene.solids[number - 1].label) is None:
            continue
        mask = (frame.object == number).astype(np.uint8)
        count = int(mask.sum())
        if count < 12:
            continue
        x, y, w, h = cv2.boundingRect(mask)
        contrast = _outline_contrast(soft, mask, frame.object <= 0)
        small = count < _MIN_PIXELS or max(w, h) < 12
        ignore = small or contrast < _MIN_CONTRAST
        boxes.append(
            Box(
                label,
                (x, y, x + w, y + h),
                count,
                round(contrast, 1),
                round(scene.solids[number - 1].size_m, 2),
                bool(ignore),
            )
        )
    return tuple(boxes)


def _outline_contrast(soft: npt.NDArray[np.float32], mask: npt.NDArray[np.uint8], free: npt.NDArray[np.bool_]) -> float:
    """How far an object stands out where it ends: the step of colour across its outline.

    Measured in sectors around its middle and averaged as squares, so that neither the lamps' falloff over the picture
    counts nor does an outline that is bright on one side and dark on the other cancel out. 0 where no outline shows.

    Args:
        soft: (h, w, 3) picture.
        mask: (h, w) the object's visible pixels.
        free: (h, w) pixels of no object, which alone are its surroundings.
    """
    x, y, w, h = cv2.boundingRect(mask)
    rows = slice(max(y - _BAND_PX, 0), y + h + _BAND_PX)
    columns = slice(max(x - _BAND_PX, 0), x + w + _BAND_PX)
    mask, free, soft = mask[rows, columns], free[rows, columns], soft[rows, columns]
    kernel = np.ones((_BAND_PX, _BAND_PX), np.uint8)
    inner = (mask > 0) & (cv2.erode(mask, kernel, borderValue=1) == 0)
    outer = (cv2.dilate(mask, kernel) > 0) & free
    away_y, away_x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    middle_y, middle_x = (axis[mask > 0].mean() for axis in (away_y, away_x))
    turn = np.arctan2(away_y - middle_y, away_x - middle_x) / (2 * np.pi) + 0.5
    sector = np.minimum((turn * _SECTORS).astype(np.intp), _SECTORS - 1)

    def means(band: npt.NDArray[np.bool_]) -> tuple[Any, Any]:
        counts = np.bincount(sector[band], minlength=_SECTORS)
        sums = [np.bincount(sector[band], soft[band, channel], minlength=_SECTORS) for channel in range(3)]
        return counts, np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None]

    (inside, mean_inside), (outside, mean_outside) = means(inner), means(outer)
    both = (inside >= _SECTOR_PX) & (outside >= _SECTOR_PX)
    if not both.any():
        return 0.0
    step = np.abs(mean_inside - mean_outside).max(axis=1)[both]
    return float(np.sqrt(np.average(step**2, weights=inside[both])))


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


# ------------------------------------------------------------------------------------------------ the set


def make_dataset(folder: Path, request: DatasetRequest, progress: Any = None) -> dict[str, Any]:
    """Write a data set: YOLO folders, COCO JSON for each split, and a data card. A run that was cut off goes on.

    Args:
        folder: made if it does not exist.
        request: counts and seeds.
        progress: called with the number of frames done, or None.

    Returns:
        The data card, as written to ``data_card.json``.

    Raises:
        InputError: the folder holds frames of another seed or share, which this run would mix with its own.
    """
    _claim(folder, request)
    jobs = []
    for split, count in request.counts.items():
        (folder / "images" / split).mkdir(parents=True, exist_ok=True)
        (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
        for ship in range(-(-count // request.shots_per_ship)):
            jobs.append(
                (
                    folder,
                    split,
                    ship,
                    request.seed,
                    min(request.shots_per_ship, count - ship * request.shots_per_ship),
                    request.parcel_share,
                )
            )
    records: dict[str, list[dict[str, Any]]] = {split: [] for split in request.counts}
    done = 0
    if request.processes > 1:
        with ProcessPoolExecutor(request.processes) as pool:
            for split, rows in pool.map(_write_ship, jobs):
                records[split] += rows
                done += len(rows)
                if progress is not None:
                    progress(done)
    else:
        for job in jobs:
            split, rows = _write_ship(job)
            records[split] += rows
            done += len(rows)
            if progress is not None:
                progress(done)
    (folder / "annotations").mkdir(exist_ok=True)
    for split, rows in records.items():
        (folder / "annotations" / f"{split}.json").write_text(json.dumps(_coco(rows)), encoding="utf-8")
    names = dict(enumerate(LABELS))
    data = {**{split: f"images/{split}" for split in request.counts}, "names": names}
    (folder / "data.yaml").write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    card = {
        "request": asdict(request),
        "labels": list(LABELS),
        "splits": {split: _summary(rows) for split, rows in records.items()},
    }
    (folder / "data_card.json").write_text(json.dumps(card, indent=1), encoding="utf-8")
    return card


def _claim(folder: Path, request: DatasetRequest) -> None:
    """Write down what the folder's frames follow from, or see that they follow from the same."""
    stamp = folder / "parts" / "request.json"
    mine = {"seed": request.seed, "shots_per_ship": request.shots_per_ship, "parcel_share": request.parcel_share}
    if stamp.is_file():
        theirs = json.loads(stamp.read_text(encoding="utf-8"))
        if theirs != mine:
            raise InputError(f"{folder} holds frames made with {theirs}, not {mine}", todo="give another folder")
        return
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(json.dumps(mine), encoding="utf-8")


def _finished(part: Path, count: int) -> list[dict[str, Any]] | None:
    """What an earlier run, which was cut off, finished of a ship; None where it did not, or did not come to the end."""
    try:
        rows: list[dict[str, Any]] = json.loads(part.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return rows if len(rows) == count else None


def _write_ship(job: tuple[Path, str, int, int, int, float]) -> tuple[str, list[dict[str, Any]]]:
    folder, split, ship, seed, count, parcel_share = job
    part = folder / "parts" / f"{split}-{ship:04d}.json"
    if (finished := _finished(part, count)) is not None:  # as good as new
        return split, finished
    cv2.setNumThreads(1)
    rows: list[dict[str, Any]] = []
    for shot in ship_shots(split, ship, seed, count, parcel_share):
        cv2.imwrite(str(folder / "images" / split / f"{shot.name}.jpg"), shot.image, [cv2.IMWRITE_JPEG_QUALITY, 92])
        lines = []
        for box in shot.boxes:
            if box.ignore:
                continue
            x0, y0, x1, y1 = box.box_xyxy_px
            centre = (
                (x0 + x1) / 2 / WIDTH_PX,
                (y0 + y1) / 2 / HEIGHT_PX,
                (x1 - x0) / WIDTH_PX,
                (y1 - y0) / HEIGHT_PX,
            )
            lines.append(f"{LABELS.index(box.label)} " + " ".join(f"{value:.6f}" for value in centre))
        (folder / "labels" / split / f"{shot.name}.txt").write_text(
            "\n".join(lines) + ("\n" if lines else ""), encoding="ascii"
        )
        rows.append({"file": f"{shot.name}.jpg", "boxes": [asdict(box) for box in shot.boxes], **shot.facts})
    part.parent.mkdir(exist_ok=True)
    part.write_text(json.dumps(rows), encoding="utf-8")
    return split, rows


def _coco(rows: list[dict[str, Any]]) -> dict[str, Any]:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index, row in enumerate(rows, start=1):
        facts = {key: value for key, value in row.items() if key not in ("file", "boxes")}
        images.append({"id": index, "file_name": row["file"], "width": WIDTH_PX, "height": HEIGHT_PX, "facts": facts})
        for box in row["boxes"]:
            x0, y0, x1, y1 = box["box_xyxy_px"]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": index,
                    "category_id": LABELS.index(box["label"]) + 1,
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": box["pixels"],
                    "iscrowd": int(box["ignore"]),
                    "contrast": box["contrast"],
                    "size_m": box["size_m"],
                }
            )
    categories = [{"id": index + 1, "name": label} for index, label in enumerate(LABELS)]
    return {"images": images, "annotations": annotations, "categories": categories}


def _summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    boxes = [box for row in rows for box in row["boxes"]]
    return {
        "frames": len(rows),
        "ships": len({row["ship"] for row in rows}),
        "frames_with_parcel": sum(any(box["label"] == "parcel" for box in row["boxes"]) for row in rows),
        "frames_with_open_water": sum(row["open_water"] > 0.03 for row in rows),
        "boxes": {label: sum(box["label"] == label and not box["ignore"] for box in boxes) for label in LABELS},
        "ignored": sum(box["ignore"] for box in boxes),
    }
