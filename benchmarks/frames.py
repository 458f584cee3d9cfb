"""Twelve frames of the simulated camera at 1280x720, as shown in docs/rendered-frames.md.

    python benchmarks/frames.py [--out docs/frames] [--only NUMBER ...]

Each is a pure function of its row in the table below: the demo ship with another coat, age, growth or water. The
camera moves as on a survey while it exposes, so snow streams and edges blur as they would.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array
from hullscan.ship.surface import HullSurface
from hullscan_sim.camera.pages import SinglePages
from hullscan_sim.camera.renderer import Renderer
from hullscan_sim.camera.scene import Scene
from hullscan_sim.camera.sensor import Response, Sensor
from hullscan_sim.camera.ship_scene import build_scene
from hullscan_sim.camera.water import WaterOptics, rov_lamps
from hullscan_sim.scenario import Scenario, load_scenario, load_ship
from hullscan_sim.viewpoint import looking_at

ROOT = Path(__file__).parent.parent
MISSION, SCENARIO = ROOT / "missions" / "demo.yaml", ROOT / "sim" / "scenarios" / "demo.yaml"
CAMERA = Camera.from_hfov(1280, 720, float(np.radians(80.0)))
GOOD = {"visibility_m": 7.0, "type": "coastal_1C"}
HARBOUR = {"visibility_m": 4.0, "type": "coastal_5C"}
MURKY = {"visibility_m": 2.2, "type": "coastal_7C", "particles": 0.9}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One frame.

    Attributes:
        name: of its file.
        look: ``parcel N``, the label of a fitting, or (station_m, girth_m) of a place on the starboard side.
        away_m: from there, along the normal of the hull.
        turns: yaw and pitch from the normal, degrees.
        surface, water, parcel: what differs from the demo scenario; ``parcel`` changes every parcel.
        level: of the lamps.
        speed_mps: along the ship.
    """

    name: str
    look: str | tuple[float, float]
    away_m: float
    turns: tuple[float, float] = (0.0, 0.0)
    surface: dict[str, Any] = field(default_factory=dict)
    water: dict[str, Any] = field(default_factory=dict)
    parcel: dict[str, Any] = field(default_factory=dict)
    level: float = 0.9
    speed_mps: float = 0.3
    seed: int = 7


OLD = {"fouling": 0.75, "age": 0.9}
VIEWS = (
    View(name="01-sound-coating", look=(24.0, 1.6), away_m=1.3, turns=(8, -4), water=GOOD),
    View(name="02-strapped-box", look="parcel 0", away_m=1.25, turns=(14, 6), water=HARBOUR),
    View(name="03-roped-bag", look="parcel 1", away_m=1.2, turns=(-12, 8), water=HARBOUR),
    View(name="04-torpedo", look="parcel 2", away_m=1.5, turns=(10, -6), water=HARBOUR),
    View(name="05-barnacles", look=(33.7, 2.5), away_m=0.8, turns=(18, 4), water=GOOD,
         surface={"coating": "blue", "fouling": 0.7, "age": 0.7}, seed=3),
    View(name="06-block-mark", look=(27.5, 7.3), away_m=1.0, turns=(12, 10), water=GOOD,
         surface={"coating": "red", "fouling": 0.45, "age": 0.6}, seed=9),
    View(name="07-waterline-by-day", look=(28.2, 0.35), away_m=1.0, turns=(6, 8),
         surface={"coating": "black", "fouling": 0.6, "age": 0.5}, water={**GOOD, "daylight": 1.0}, level=0.5),
    View(name="08-sea-chest", look="grating", away_m=1.1, turns=(12, 5), water=GOOD,
         surface={"coating": "red", "fouling": 0.5, "age": 0.6}),
    View(name="09-overgrown-parcel", look="parcel 0", away_m=1.05, turns=(-16, 4), water=GOOD, surface=OLD,
         parcel={"colour": "hull", "aged": 0.8}),
    View(name="10-murky-and-fast", look="parcel 1", away_m=0.9, turns=(8, 0), water=MURKY, speed_mps=0.6),
    View(name="11-keel-line", look=(8.0, 6.9), away_m=1.1, turns=(38, 10), water=GOOD,
         surface={"coating": "red", "fouling": 0.8, "age": 0.7}, seed=5),
    View(name="12-flakes-and-rust", look=(14.0, 2.6), away_m=1.0, turns=(-10, 0), water=GOOD,
         surface={"coating": "grey", "fouling": 0.3, "age": 1.0}, seed=11),
)  # fmt: skip


def scenario_of(view: View) -> Scenario:
    plain = load_scenario(SCENARIO)
    return replace(
        plain,
        seed=view.seed,
        surface=replace(plain.surface, **view.surface),
        water=replace(plain.water, **view.water),
        parcels=tuple(replace(parcel, **view.parcel) for parcel in plain.parcels),
    )


def aim(view: View, scene: Scene, hull: HullSurface) -> tuple[Array, Array]:
    """The point to look at and the hull's normal there."""
    if isinstance(view.look, tuple):
        side, station, girth = np.array([1], dtype=np.int8), np.array([view.look[0]]), np.array([view.look[1]])
        girth = np.minimum(girth, hull.total_girth(station))
        return hull.point(side, station, girth)[0], hull.normal(side, station, girth)[0]
    for solid in scene.solids:
        middle = np.concatenate([part.mesh.vertices_m for part in solid.parts]).mean(axis=0)
        if view.look in (solid.source, solid.label) and middle[1] > 0:
            return middle, hull.nearest(middle[None])[2][0]
    raise SystemExit(f"nothing on the starboard side is called {view.look}")


def frame(view: View) -> npt.NDArray[np.uint8]:
    """Draw a view: the camera has watched for a second, so exposure and white balance have settled."""
    scenario = scenario_of(view)
    stated, hull = load_ship(MISSION, scenario)
    scene, texture = build_scene(scenario, stated, hull)
    optics = WaterOptics.from_water(scenario.water)
    pages = SinglePages(texture, most_px=1800, finest_m=0.0009)
    daylight = 1.5 * scenario.water.daylight
    renderer = Renderer(scene, pages, CAMERA, rov_lamps(), optics, daylight=daylight, seed=view.seed)
    renderer.set_lamps(0.0, view.level)
    sensor = Sensor(CAMERA, optics, Response(), scenario.water.particles, view.seed)
    point, normal = aim(view, scene, hull)
    yaw, pitch = np.radians(view.turns)
    position, rotation = looking_at(point, normal, view.away_m, yaw, pitch)
    sensor.was_at(-0.1, position - np.array([0.1 * view.speed_mps, 0.0, 0.01]), rotation)
    return sensor.expose(renderer.render(position, rotation), 0.0, position, rotation)


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "frames")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the frames, 1 to 12")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    for number, view in enumerate(VIEWS, start=1):
        if not options.only or number in options.only:
            path = options.out / f"{view.name}.jpg"
            cv2.imwrite(str(path), frame(view), [cv2.IMWRITE_JPEG_QUALITY, 88])
            print(path)


if __name__ == "__main__":
    main()
