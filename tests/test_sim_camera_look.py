"""Whether the simulated hull looks grown: sizes, places, outlines, and that nothing repeats."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array
from hullscan.ship.surface import HullSurface
from hullscan_sim.camera.fouling import GRID_M, SPECIES, Growth, _chance
from hullscan_sim.camera.growth import overgrown
from hullscan_sim.camera.noise import Grid
from hullscan_sim.camera.objects import Material, build_parcel, on_hull
from hullscan_sim.camera.pages import SinglePages
from hullscan_sim.camera.renderer import Radiance, Renderer
from hullscan_sim.camera.scene import Scene
from hullscan_sim.camera.sensor import Response, Sensor
from hullscan_sim.camera.settlement import settle
from hullscan_sim.camera.skin import Skin
from hullscan_sim.camera.sprites import KINDS, strips
from hullscan_sim.camera.texture import HullTexture, Page
from hullscan_sim.camera.water import WaterOptics, rov_lamps
from hullscan_sim.scenario import Surface, Water
from hullscan_sim.viewpoint import looking_at

GIRTH_M = 9.0
CAMERA = Camera.from_hfov(320, 180, np.radians(80))
CLEAR = WaterOptics.from_water(Water(visibility_m=8, type="clear"))


def page(surface: Surface, u0_m: float, v0_m: float, width: int, height: int, step_m: float, seed: int = 3) -> Page:
    return HullTexture(surface, seed, GIRTH_M).page(u0_m, v0_m, width, height, step_m)


def likeness(values: Array, lag: int) -> float:
    """Correlation of an (h, w) field with itself some columns further on; slow changes are taken off first."""
    sharp = values - cv2.GaussianBlur(values, (0, 0), 12)
    return float(np.corrcoef(sharp[:, :-lag].ravel(), sharp[:, lag:].ravel())[0, 1])


# ---------------------------------------------------------------- nothing repeats


@pytest.mark.parametrize("fouling", [0.0, 0.5], ids=["bare", "fouled"])
def test_no_stretch_of_plating_is_like_another(fouling):
    """The old look's tile came again after 0.5 m; flow drags streaks along, but not beyond a few decimetres."""
    field = page(Surface(fouling=fouling, age=0.5), 10.0, 3.0, 1600, 120, 0.005).albedo[..., 1]
    lags = np.arange(80, 800, 8)  # 0.4 to 4 m
    assert max(abs(likeness(field, int(lag))) for lag in lags) < 0.25


def test_the_skin_of_a_solid_does_not_come_again_on_the_longest_parcel():
    skin = Skin([Material((0.3, 0.3, 0.3), mottle=0.8, fouled=0.5)], 4)
    u, v = np.meshgrid(np.arange(600) * 0.003, np.arange(100) * 0.003)
    uv = np.stack([u.ravel(), v.ravel()], axis=1).astype(np.float32)
    field = skin.albedo(np.zeros(len(uv), np.int32), uv)[:, 1].reshape(u.shape)
    assert max(abs(likeness(field, lag)) for lag in range(100, 520, 4)) < 0.3


def test_each_material_starts_at_its_own_place_of_the_pattern():
    skin = Skin([Material((0.3, 0.3, 0.3), mottle=0.8)] * 2, 4)
    uv = np.random.default_rng(0).uniform(0, 1, (4000, 2)).astype(np.float32)
    first, second = (skin.albedo(np.full(len(uv), number, np.int32), uv)[:, 1] for number in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.3


# ---------------------------------------------------------------- the same place is the same


def test_a_page_that_begins_elsewhere_shows_the_same_individuals():
    surface = Surface(coating="blue", fouling=0.6, age=0.7)
    one = page(surface, 12.0, 4.0, 240, 240, 0.0025).albedo
    other = page(surface, 12.0 - 100 * 0.0025, 4.0 - 60 * 0.0025, 240, 240, 0.0025).albedo
    difference = np.abs(one[:180, :140] - other[60:, 100:]) / one[:180, :140]
    assert (difference > 0.1).mean() < 0.01


def test_pages_follow_from_the_seed_alone():
    surface = Surface(fouling=0.6, age=0.7)
    first, again, other = (page(surface, 5.0, 6.0, 100, 100, 0.0025, seed) for seed in (3, 3, 4))
    assert np.array_equal(first.codes, again.codes)
    assert np.array_equal(first.codes_v, again.codes_v)
    assert not np.array_equal(first.codes, other.codes)


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_drawing_covers_as_much_of_its_square_as_a_large_one(kind):
    covers = [float(strip[..., 2].mean()) for strip in strips(kind)]
    assert covers[0] > 0.02
    assert covers == pytest.approx([covers[0]] * len(covers), rel=0.02)


# ---------------------------------------------------------------- grown, not strewn


@pytest.fixture(scope="module")
def shells() -> list[tuple[Array, Array]]:
    """Half sizes, and ages of the colony at their places, of each class of barnacles on 9 m of hull."""
    us, vs = np.arange(10.0, 19.0, 0.0025), np.arange(3.0, 6.0, 0.0025)
    grid = Grid.round(us, vs, GRID_M, 0.12)
    growth = Growth.made(grid, 0.6, np.zeros((len(grid.vs), len(grid.us)), np.float32), GIRTH_M, 77)
    age, kinds, found = growth.ages["barnacles"], SPECIES["barnacles"], []
    for order, species in enumerate(kinds):
        swarm = settle(species, us, vs, grid, _chance("barnacles", order, len(kinds), age, 0.6), age, 77)
        found.append((swarm.half_m, grid.at(age, swarm.u_m, swarm.v_m)))
    return found


def test_barnacles_are_of_many_sizes_and_the_small_ones_are_many(shells):
    sizes = np.concatenate([half for half, _ in shells])
    assert len(sizes) > 2000
    assert np.quantile(sizes, 0.99) > 5 * np.quantile(sizes, 0.05)
    counts = [len(half) for half, _ in shells]
    assert counts[0] > 1.5 * counts[1] > 3 * counts[2] > 0


def test_the_large_ones_stand_in_the_middle_of_their_colony(shells):
    ages = [float(age.mean()) for _, age in shells]
    assert ages[0] < ages[1] - 0.05 < ages[2] - 0.10


def test_growth_takes_the_places_where_the_coat_is_gone():
    us, vs = np.arange(10.0, 16.0, GRID_M), np.arange(2.0, 5.0, GRID_M)
    grid = Grid.round(us, vs, GRID_M, 0.0)
    broken = np.zeros((len(grid.vs), len(grid.us)), np.float32)
    broken[:, : broken.shape[1] // 2] = 1
    worms = Growth.made(grid, 0.4, broken, GIRTH_M, 5).ages["worms"]
    half = worms.shape[1] // 2
    assert worms[:, :half].mean() > 3 * worms[:, half:].mean()


def test_growth_breaks_the_outline_of_a_parcel_and_hides_some_of_it():
    section = np.array([[4.0, -1.0], [4.0, 5.0], [0.0, 5.0]])
    hull = HullSurface.from_sections(np.linspace(0, 40, 41), lambda _: section, wet_rows=61)
    rng = np.random.default_rng(5)
    parcel = build_parcel("box", (0.6, 0.4, 0.3), "magnet", Material((0.2, 0.2, 0.2)), *on_hull(hull, 1, 20, 2), rng)
    view = looking_at(np.array([20.0, 4.0, 2.0]), np.array([0.0, 1.0, 0.0]), 1.2, 0.3)
    numbers = []
    for solids in (parcel, parcel + overgrown(parcel[0], 0.8, np.random.default_rng(1))):
        scene = Scene(hull, solids, sea_bed_depth_m=9.0)
        pages = SinglePages(HullTexture(Surface(fouling=0.0, age=0.0), 1, GIRTH_M))
        numbers.append(Renderer(scene, pages, CAMERA, rov_lamps(), CLEAR, daylight=0.3).render(*view).object)
    bare, grown = numbers
    hidden = ((bare == 1) & (grown > 1)).sum() / (bare == 1).sum()
    beyond = ((bare != 1) & (grown > 1)).sum()
    assert 0.02 < hidden < 0.6
    assert beyond > 30  # pixels where the outline is no longer the box's own
    assert ((grown == 1) <= (bare == 1)).all()


# ---------------------------------------------------------------- what the camera does


def flat(level: float, haze: float = 0.0) -> Radiance:
    stripes = (1 + np.sign(np.sin(np.arange(320) * np.pi / 8 + 0.1))) / 2
    linear = np.float32(level) * np.broadcast_to(stripes[None, :, None], (180, 320, 3)) + np.float32(haze)
    return Radiance(linear.astype(np.float32), 1.5)


def test_snow_streams_along_the_way_of_the_camera():
    even = Radiance(np.full((180, 320, 3), 0.05, np.float32), 1.5)
    place, rotation = looking_at(np.array([20.0, 4.0, 2.0]), np.array([0.0, 1.0, 0.0]), 1.5)

    def roughness(speed_mps: float) -> tuple[float, float]:
        """Mean steps across and down the picture."""
        images = []
        for particles in (0.0, 0.8):
            response = Response(noise=0.0, shutter_s=0.05, haze=0.0)
            sensor = Sensor(CAMERA, CLEAR, response, particles, 3)
            sensor.was_at(-0.1, place - 0.1 * speed_mps * rotation[:, 0], rotation)
            images.append(sensor.expose(even, 0.0, place, rotation)[..., 1].astype(float))
        snow = images[1] - images[0]
        return float(np.abs(np.diff(snow, axis=1)).mean()), float(np.abs(np.diff(snow, axis=0)).mean())

    still, moving = roughness(0.0), roughness(0.8)
    assert still[0] == pytest.approx(still[1], rel=0.25)
    assert moving[0] < 0.75 * moving[1]


def test_haze_is_taken_off_by_the_share_that_is_asked_for():
    def spread(share: float) -> float:
        response = Response(noise=0.0, settle_s=0.0, haze=share, contrast=0.0)
        image = Sensor(CAMERA, CLEAR, response, 0.0, 1).expose(flat(0.02, haze=0.05), 0.0, np.zeros(3), np.eye(3))
        return float(image[60:120, 100:220].std())

    assert spread(0.0) < 0.8 * spread(0.4) < 0.8 * spread(0.8)
