"""The simulated camera against geometry and optics: what it draws, what it calls it, and how far away that is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array
from hullscan.ship.surface import HullSurface, side_sign
from hullscan_sim.camera.look_alikes import build_look_alike
from hullscan_sim.camera.noise import fractal, value_noise
from hullscan_sim.camera.objects import Material, Part, Solid, build_parcel, on_hull
from hullscan_sim.camera.pages import PageCache, PageSource, SinglePages
from hullscan_sim.camera.renderer import Radiance, Renderer
from hullscan_sim.camera.scene import HULL, NOTHING, QUAY, SEA_BED, Scene
from hullscan_sim.camera.sensor import Response, Sensor
from hullscan_sim.camera.shapes import Mesh, cylinder, ellipsoid, rod, superbox, torpedo
from hullscan_sim.camera.ship_scene import build_scene
from hullscan_sim.camera.texture import Decal, HullTexture, Page
from hullscan_sim.camera.water import Lamp, Veil, WaterOptics, rov_lamps
from hullscan_sim.scenario import Surface, Water, load_scenario, load_ship
from hullscan_sim.viewpoint import looking_at

DEMO = Path(__file__).parents[1] / "sim" / "scenarios" / "demo.yaml"
CAMERA = Camera.from_hfov(320, 180, np.radians(80))
CLEAR = WaterOptics.from_water(Water(visibility_m=8, type="clear"))
GIRTH_M = 9.0  # of each side of the box: 5 m down, 4 m to the keel line
SURFACE = Surface(fouling=0.4, age=0.6)
BARE = Surface(coating="black", fouling=0.0, age=0.0)
GREY = Material((0.3, 0.3, 0.3))


def box_hull() -> HullSurface:
    section = np.array([[4.0, -1.0], [4.0, 5.0], [0.0, 5.0]])
    return HullSurface.from_sections(np.linspace(0, 40, 41), lambda _: section, wet_rows=61)


def round_hull() -> HullSurface:
    angle = np.linspace(0, np.pi / 2, 200)
    section = 4 * np.column_stack([np.cos(angle), np.sin(angle)])
    return HullSurface.from_sections(np.linspace(0, 30, 31), lambda _: section, wet_rows=181)


BOX, ROUND = box_hull(), round_hull()


def beside(station_m: float, depth_m: float, away_m: float, side: int = 1, **turns: float) -> tuple[Array, Array]:
    """Place and rotation of a camera off the side of the box."""
    point = np.array([station_m, side * 4.0, depth_m])
    return looking_at(point, np.array([0.0, float(side), 0.0]), away_m, **turns)


def solid(mesh: Mesh, place: tuple[Array, Array], material: Material = GREY) -> Solid:
    """One mesh on the hull."""
    point, rotation = place
    moved = replace(mesh, vertices_m=mesh.vertices_m @ rotation.T + point, normals=mesh.normals @ rotation.T)
    return Solid(None, "test", (Part(moved, material),), float(np.ptp(moved.vertices_m, axis=0).max()))


def renderer(
    solids: list[Solid] | None = None,
    *,
    hull: HullSurface = BOX,
    pages: PageSource | None = None,
    surface: Surface = SURFACE,
    texture_seed: int = 1,
    camera: Camera = CAMERA,
    lamps: list[Lamp] | None = None,
    optics: WaterOptics = CLEAR,
    daylight: float = 0.3,
    seed: int = 0,
    shadows: bool = True,
    **scene: float,
) -> Renderer:
    place = Scene(hull, solids or [], **{"sea_bed_depth_m": 9.0, **scene})
    source = pages or SinglePages(HullTexture(surface, texture_seed, GIRTH_M))
    lit = rov_lamps() if lamps is None else lamps
    return Renderer(place, source, camera, lit, optics, daylight=daylight, seed=seed, shadows=shadows)


def pixel_rays(camera: Camera, rotation: Array) -> Array:
    """(h * w, 3) rays through the centre of each pixel, ship frame."""
    grid = np.stack(np.meshgrid(np.arange(camera.width_px) + 0.5, np.arange(camera.height_px) + 0.5), -1)
    return camera.rays_cam(grid.reshape(-1, 2)) @ rotation.T


def extent(mask: Array) -> Array:
    """Left, top, right, bottom edges of the pixels that are set."""
    rows, columns = np.nonzero(mask)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


def silhouette(seen: Solid, camera: Camera, position: Array, rotation: Array) -> Array:
    """Left, top, right, bottom of all vertices in the picture, clipped to it."""
    vertices = np.concatenate([part.mesh.vertices_m for part in seen.parts])
    pixels = camera.project((vertices - position) @ rotation)
    size = [camera.width_px, camera.height_px]
    return np.concatenate([np.clip(pixels.min(axis=0), 0, size), np.clip(pixels.max(axis=0), 0, size)])


# ---------------------------------------------------------------- the same again


def picture(*, texture: int = 1, pattern: int = 1, noise: int = 1) -> list[Array]:
    """Everything that comes out for one view, with the seed of each of its parts."""
    body = Material((0.3, 0.2, 0.1), mottle=0.6, pattern="wrapped", fouled=0.4)
    place = on_hull(BOX, 1, 20.0, 2.0, 0.3)
    parcel = build_parcel("bag", (0.6, 0.4, 0.3), "rope", body, *place, np.random.default_rng(5))
    drawing = renderer(parcel, texture_seed=texture, seed=pattern)
    view = beside(20.1, 2.0, 1.3, yaw_rad=0.2)
    frame = drawing.render(*view)
    sensor = Sensor(CAMERA, CLEAR, Response(), particles=0.5, seed=noise)
    return [frame.linear, frame.depth_m, frame.object, sensor.expose(frame, 0.0, *view)]


@pytest.fixture(scope="module")
def reference() -> list[Array]:
    return picture()


def test_the_same_seeds_give_the_same_frame_bit_for_bit(reference):
    for first, second in zip(reference, picture(), strict=True):
        assert first.dtype == second.dtype
        assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("seeds", "linear_differs"),
    [
        pytest.param({"texture": 2}, True, id="another hull has other plating"),
        pytest.param({"pattern": 2}, True, id="another pattern on the parcel"),
        pytest.param({"noise": 2}, False, id="other noise leaves the light as it was"),
    ],
)
def test_another_seed_gives_another_picture_of_the_same_things(reference, seeds, linear_differs):
    linear, depth, numbers, image = picture(**seeds)
    assert np.array_equal(linear, reference[0]) != linear_differs
    assert not np.array_equal(image, reference[3])
    assert np.array_equal(depth, reference[1])
    assert np.array_equal(numbers, reference[2])


# ---------------------------------------------------------------- object numbers and distances


@pytest.mark.parametrize("kind", ["box", "bag", "cylinder", "torpedo"])
@pytest.mark.parametrize(
    ("attach", "turns"),
    [
        pytest.param("strap", {}, id="strapped on, seen square"),
        pytest.param("rope", {"yaw_rad": 0.35, "pitch_rad": -0.2, "roll_rad": 0.3}, id="on a rope, seen aslant"),
    ],
)
def test_object_numbers_fill_exactly_the_outline_of_the_solid(kind, attach, turns):
    place = on_hull(BOX, 1, 20.0, 2.0, 0.5)
    solids = build_parcel(kind, (0.5, 0.22, 0.2), attach, GREY, *place, np.random.default_rng(7))
    position, rotation = beside(20.0, 2.0, 1.4, **turns)
    drawing = renderer(solids)
    frame = drawing.render(position, rotation)
    truth = drawing.scene.cast(position, pixel_rays(CAMERA, rotation)).object.reshape(frame.object.shape)
    # a corner may pass between two rays of the coarse grid: of thousands of pixels, hardly one
    assert (frame.object != truth).sum() <= 3
    assert set(np.unique(frame.object)) <= {NOTHING, HULL, SEA_BED, *range(1, len(solids) + 1)}
    parcel = frame.object == 1
    assert parcel.sum() > 500
    assert extent(parcel) == pytest.approx(silhouette(solids[0], CAMERA, position, rotation), abs=2)


@pytest.mark.parametrize("look_alike", ["bolts", "net", "weed", "rope"])
def test_things_thinner_than_the_grid_of_rays_are_drawn_whole(look_alike):
    thing = build_look_alike(look_alike, (0.2, 0.2, 0.2), *on_hull(BOX, 1, 20.0, 2.0, 0.4), np.random.default_rng(2))
    drawing = renderer([thing])
    position, rotation = beside(20.0, 2.0, 2.2, yaw_rad=0.1)
    frame = drawing.render(position, rotation)
    truth = drawing.scene.cast(position, pixel_rays(CAMERA, rotation)).object.reshape(frame.object.shape)
    assert (truth == 1).sum() > 20
    assert ((frame.object == 1) == (truth == 1)).mean() > 1 - 3 / truth.size


def test_what_is_nearer_hides_what_is_behind():
    place = on_hull(BOX, 1, 20.0, 2.0)
    behind = solid(superbox((0.4, 0.4, 0.05)).placed((0, 0, 0.06)), place)
    front = solid(superbox((0.15, 0.15, 0.05)).placed((0, 0, 0.5)), place)
    frame = renderer([behind, front]).render(*beside(20.0, 2.0, 1.5))
    middle = (CAMERA.height_px // 2, CAMERA.width_px // 2)
    assert frame.object[middle] == 2
    assert frame.depth_m[middle] == pytest.approx(1.5 - 0.55, abs=0.01)
    assert set(np.unique(frame.object)) == {HULL, 1, 2}


@pytest.mark.parametrize(
    ("hull", "station_m", "girth_m", "turns"),
    [
        pytest.param(BOX, 20.0, 2.0, {}, id="flat side, seen square"),
        pytest.param(BOX, 20.0, 2.0, {"yaw_rad": 0.7, "roll_rad": 0.4}, id="flat side, seen aslant"),
        pytest.param(BOX, 20.0, 4.9, {"pitch_rad": 0.2}, id="the edge of the bottom"),
        pytest.param(BOX, 0.6, 2.0, {"yaw_rad": -0.3}, id="the end of the ship"),
        pytest.param(ROUND, 15.0, 3.5, {"pitch_rad": 0.2, "roll_rad": -0.2}, id="round bilge"),
    ],
)
def test_the_depth_image_is_the_way_along_each_ray_to_the_hull(hull, station_m, girth_m, turns):
    sides, stations = np.array([1], dtype=np.int8), np.array([station_m])
    point = hull.point(sides, stations, np.array([girth_m]))[0]
    normal = hull.normal(sides, stations, np.array([girth_m]))[0]
    position, rotation = looking_at(point, normal, 1.5, **turns)
    frame = renderer(hull=hull).render(position, rotation)
    sample = np.random.default_rng(1).permutation(frame.depth_m.size)[:1500]
    met = hull.cast(np.broadcast_to(position, (len(sample), 3)), pixel_rays(CAMERA, rotation)[sample], 30.0)
    drawn, numbers = frame.depth_m.ravel()[sample], frame.object.ravel()[sample]
    # where plating ends, the two may differ about the last pixel
    assert ((numbers == HULL) == met.hit).mean() > 0.995
    both = (numbers == HULL) & met.hit
    assert both.sum() > 500
    error = np.abs(drawn[both] / met.distance_m[both] - 1)
    # between the rays of the grid it is interpolated, which cuts a knuckle short by a centimetre or two
    assert np.median(error) < 0.001
    assert np.quantile(error, 0.95) < 0.01
    assert np.quantile(error, 0.995) < 0.03


def test_bed_and_quay_lie_where_the_berth_says():
    drawing = renderer(quay_y_m=6.5)
    position, rotation = beside(20.0, 2.0, 1.5)
    down = looking_at(np.array([20.0, 5.5, 9.0]), np.array([0.0, 0.0, -1.0]), 2.0)
    middle = (CAMERA.height_px // 2, CAMERA.width_px // 2)
    bed = drawing.render(*down)
    assert bed.object[middle] == SEA_BED
    assert bed.depth_m[middle] == pytest.approx(2.0, abs=0.01)
    quay = drawing.render(position, rotation @ np.diag([-1.0, 1.0, -1.0]))  # turned round
    assert quay.object[middle] == QUAY
    assert quay.depth_m[middle] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("bend", [-0.12, 0.05], ids=["barrel", "pincushion"])
def test_a_known_point_is_drawn_where_the_bent_lens_puts_it(bend):
    lens = replace(CAMERA, distortion=(bend, 0.0, 0.0, 0.0, 0.0), cx_px=166.0, cy_px=86.0)
    ball = ellipsoid((0.035, 0.035, 0.035)).placed((0, 0, 0.1))
    corners = [(19.1, 1.45), (20.9, 1.5), (19.15, 2.5), (20.85, 2.45)]
    solids = [solid(ball, on_hull(BOX, 1, station, girth)) for station, girth in corners]
    position, rotation = beside(20.0, 2.0, 1.5)
    numbers = renderer(solids, camera=lens).render(position, rotation).object
    for number, (station, girth) in enumerate(corners, start=1):
        local = (np.array([[station, 4.1, girth]]) - position) @ rotation
        rows, columns = np.nonzero(numbers == number)
        centre = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
        assert centre == pytest.approx(lens.project(local)[0], abs=1.0)
        straight = replace(lens, distortion=(0.0,) * 5).project(local)[0]
        assert np.linalg.norm(centre - straight) > 2  # or the lens would not have been put to the test


# ---------------------------------------------------------------- texture


def tiles(texture: HullTexture, per_call: int = 1000) -> PageCache:
    """Tiles of 160 pixels over a few metres of hull: baked at once, unless told to take their time."""
    return PageCache(texture, (18.5, 22.0), (4.0, 8.5), tile_m=0.4, per_call=per_call)


WINDOW = (20.1, 21.1), (4.9, 5.5), 0.0025  # three tiles by two


def test_pages_baked_in_tiles_and_in_one_piece_give_the_same_picture():
    texture = HullTexture(SURFACE, 3, GIRTH_M)
    view = beside(20.0, 2.0, 1.2, yaw_rad=0.15)
    tiled, whole = (
        cv2.GaussianBlur(renderer(pages=pages).render(*view).linear, (0, 0), 2.0)
        for pages in (tiles(texture), SinglePages(texture))
    )
    spread = whole.std(axis=(0, 1))
    assert (np.abs(tiled - whole).mean(axis=(0, 1)) < 0.1 * spread).all()
    shift, _ = cv2.phaseCorrelate(tiled[..., 1].astype(np.float64), whole[..., 1].astype(np.float64))
    assert shift == pytest.approx((0, 0), abs=0.3)


@pytest.fixture(scope="module")
def tiled() -> tuple[HullTexture, Page]:
    texture = HullTexture(Surface(fouling=0.3, age=0.8), 4, GIRTH_M)
    return texture, tiles(texture).page(*WINDOW)


@pytest.mark.parametrize("layer", ["albedo", "slope"])
@pytest.mark.parametrize(("axis", "borders"), [(0, [159]), (1, [159, 319])], ids=["rows", "columns"])
def test_nothing_jumps_where_two_tiles_meet(tiled, layer, axis, borders):
    values = getattr(tiled[1], layer)
    assert values.shape[:2] == (320, 480)
    across = np.abs(np.diff(values, axis=axis)).mean(axis=(1 - axis, 2))
    assert across[borders].max() < 1.3 * np.quantile(np.delete(across, borders), 0.95)


def test_a_page_of_tiles_is_the_page_in_one_piece(tiled):
    texture, page = tiled
    assert (page.u0_m, page.v0_m) == pytest.approx((20.0 + 0.00125, 4.8 + 0.00125))
    one = texture.page(page.u0_m, page.v0_m, 480, 320, page.step_m)
    error = np.abs(page.albedo - one.albedo).mean()
    shifted = np.abs(page.albedo[:, 1:] - one.albedo[:, :-1]).mean()  # what tiles a pixel off would differ by
    assert error < 0.3 * shifted


def test_slopes_at_the_border_of_a_tile_know_the_next_one():
    # clean plating: whether a shell stands at a place is a matter of a hair, and would drown what is looked for
    texture = HullTexture(Surface(fouling=0.0, age=0.8), 4, GIRTH_M)
    page = tiles(texture).page(*WINDOW)
    one = texture.page(page.u0_m, page.v0_m, 480, 320, page.step_m)
    for axis, borders in ((0, [159, 160]), (1, [159, 160, 319, 320])):
        wrong = np.abs(page.slope - one.slope).mean(axis=(1 - axis, 2))
        assert wrong[borders].max() < 3 * np.median(wrong)


def test_until_a_tile_is_baked_the_coarse_page_stands_in_for_it(tiled):
    texture, final = tiled
    slow = tiles(texture, per_call=2)
    pages = [slow.page(*WINDOW).albedo for _ in range(4)]
    assert [np.array_equal(page, final.albedo) for page in pages] == [False, False, True, True]
    sharp, coarse = (cv2.GaussianBlur(each, (0, 0), 16)[..., 1].ravel() for each in (final.albedo, pages[0]))
    assert np.corrcoef(sharp, coarse)[0, 1] > 0.8


def test_noise_is_the_same_at_any_resolution():
    fine, coarse = np.arange(0, 4, 0.005), np.arange(0, 4, 0.02)
    assert fractal(fine, fine, 1.0, 3, 9)[::4, ::4] == pytest.approx(fractal(coarse, coarse, 1.0, 3, 9), abs=0.1)
    wide = np.arange(0, 60, 0.1)
    field = fractal(wide, wide, 1.0, 3, 9)
    assert field.mean() == pytest.approx(0, abs=0.1)
    assert field.std() == pytest.approx(1, abs=0.1)


def test_noise_of_a_single_row_is_noise_too():
    us = np.arange(0, 4, 0.005)
    row = value_noise(us, np.array([0.5]), 1.0, 1.0, 9)
    assert row.shape == (1, len(us))
    assert row == pytest.approx(value_noise(us, np.array([0.5, 0.505]), 1.0, 1.0, 9)[:1], abs=0.05)


@pytest.mark.parametrize("side", [1, -1], ids=["starboard", "port"])
def test_numerals_stand_upright_and_read_from_outside(side):
    letter = Decal("text", 20.0, side * (GIRTH_M - 2.0), 0.3, 0.4, (0.6, 0.6, 0.6), "L")
    pages = SinglePages(HullTexture(BARE, 1, GIRTH_M, (letter,)))
    view = beside(20.0, 2.0, 0.6, side)
    green = renderer(pages=pages).render(*view).linear[..., 1]
    bright = green > 0.5 * green.max()
    left, top, right, bottom = extent(bright)
    glyph = bright[top:bottom, left:right]
    height, width = glyph.shape
    assert height > width
    # an L has its upright at the left and its foot at the bottom
    assert glyph[:, : width // 4].mean() > 0.6
    assert glyph[-height // 5 :].mean() > 0.5
    assert glyph[: height // 2, width // 2 :].mean() < 0.1


# ---------------------------------------------------------------- light and water


PLATE = superbox((0.2, 0.2, 0.003), 0.1).placed((0, 0, 0.004))


def contrast(away_m: float, optics: WaterOptics, **light: object) -> Array:
    """(3,) radiance of a white plate less that of the black hull round it."""
    white = Material((0.6, 0.6, 0.6), shine=0.0, mottle=0.0)
    plate = solid(PLATE, on_hull(BOX, 1, 20.0, 3.5), white)
    drawing = renderer([plate], surface=BARE, optics=optics, shadows=False, **light)
    frame = drawing.render(*beside(20.0, 3.5, away_m))
    on = cv2.erode((frame.object == 1).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    near = cv2.dilate((frame.object == 1).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    around = near & (frame.object == HULL)
    assert min(on.sum(), around.sum()) > 50
    return frame.linear[on].mean(axis=0) - frame.linear[around].mean(axis=0)


@pytest.mark.parametrize(
    "water",
    [
        pytest.param(Water(visibility_m=6, type="clear"), id="clear water"),
        pytest.param(Water(visibility_m=3, type="coastal_7C"), id="turbid coastal water"),
    ],
)
def test_in_daylight_contrast_falls_with_the_way_as_beer_and_lambert_say(water):
    optics = WaterOptics.from_water(water)
    near, far = (contrast(away, optics, lamps=[], daylight=1.0) for away in (0.9, 2.1))
    assert far / near == pytest.approx(np.exp(-optics.attenuation * 1.2), rel=0.04)


def test_by_the_lamps_of_the_vehicle_light_goes_both_ways():
    optics = WaterOptics.from_water(Water(visibility_m=4))
    ways = (1.2, 2.2)
    near, far = (contrast(away, optics, daylight=0.0) for away in ways)
    expected = []
    for away in ways:
        ahead = away + 0.05  # lamps stand a little behind the camera, 0.22 m beside and 0.12 m above it
        lamp = np.sqrt(0.22**2 + 0.12**2 + ahead**2)
        expected.append(ahead / lamp**3 * np.exp(-optics.attenuation * (lamp + away)))
    assert far / near == pytest.approx(expected[1] / expected[0], rel=0.05)


@pytest.mark.parametrize("kind", ["clear", "coastal_1C", "coastal_3C", "coastal_5C", "coastal_7C"])
@pytest.mark.parametrize("visibility_m", [0.5, 3.0, 30.0])
def test_every_water_is_as_clear_as_its_visibility_says(kind, visibility_m):
    optics = WaterOptics.from_water(Water(visibility_m=visibility_m, type=kind))
    absorption = optics.attenuation - 0.3 * optics.scattering  # attenuation keeps 70 % of what is scattered
    assert (absorption > 0).all()
    assert (optics.scattering > 0).all()
    assert (absorption + optics.scattering)[1] == pytest.approx(4.8 / visibility_m, rel=1e-4)
    assert absorption[2] > absorption[1]  # water is never redder than green


def test_lamps_raise_a_veil_that_grows_with_the_way_and_with_the_turbidity():
    pixels = np.tile(np.array([[CAMERA.cx_px, CAMERA.cy_px]], np.float32), (40, 1))
    ways = np.linspace(0, 8, 40).astype(np.float32)
    murky, clear = (
        Veil(CAMERA, rov_lamps(), WaterOptics.from_water(Water(visibility_m=visibility_m))).at(pixels, ways)
        for visibility_m in (2.0, 10.0)
    )
    for veil in (murky, clear):
        assert veil[0] == pytest.approx(np.zeros(3), abs=1e-6)
        assert (np.diff(veil, axis=0) >= -1e-7).all()
    green = 1
    assert murky[-1, green] > 2 * clear[-1, green]
    # behind turbid water nothing is added from far away, where no lamp reaches
    assert murky[-1, green] < 1.01 * murky[20, green]


def test_without_lamps_and_daylight_there_is_no_light():
    night = renderer(daylight=0.0)
    lit = night.render(*beside(20.0, 2.0, 1.2)).linear
    night.set_lamps(0.0, 0.0)
    assert lit.mean() > 1e-3
    assert night.render(*beside(20.0, 2.0, 1.2)).linear.max() < 1e-6
    assert renderer(daylight=0.0, lamps=[]).render(*beside(20.0, 2.0, 1.2)).linear.max() < 1e-6


def test_lamps_stay_where_they_are_when_the_camera_tilts_up():
    drawing = renderer(surface=BARE, daylight=0.0, lamps=[Lamp(np.zeros(3), np.array([0, 0, 1.0]), 1, 0.4, np.ones(3))])
    heights = []
    for tilt in (0.0, 0.35):
        drawing.set_lamps(tilt, 1.0)
        green = drawing.render(*beside(20.0, 2.5, 1.2)).linear[..., 1].astype(np.float64)
        heights.append((green.sum(axis=1) * np.arange(len(green))).sum() / green.sum())
    assert heights[1] > heights[0] + 15  # the lit spot sinks in the picture


def test_a_solid_casts_a_shadow_and_brightens_nothing():
    block = solid(superbox((0.12, 0.12, 0.12)).placed((0, 0, 0.2)), on_hull(BOX, 1, 20.0, 2.0))
    lamp = [Lamp(np.array([-0.6, 0.0, 0.0]), np.array([0.35, 0.0, 0.937]), 1.6, 0.9, np.ones(3))]
    view = beside(20.0, 2.0, 1.4)
    shaded, plain = (
        renderer([block], lamps=lamp, shadows=shadows, daylight=0.05).render(*view) for shadows in (True, False)
    )
    assert np.array_equal(shaded.object, plain.object)
    ratio = (shaded.linear[..., 1] / plain.linear[..., 1])[plain.object == HULL]
    assert ratio.max() < 1.05
    assert (ratio < 0.6).sum() > 100
    dark = (shaded.linear[..., 1] < 0.6 * plain.linear[..., 1]) & (plain.object == HULL)
    assert np.nonzero(dark)[1].mean() > CAMERA.width_px / 2  # the lamp stands left, the shadow falls right


# ---------------------------------------------------------------- the sensor


def flat(level: float = 0.05, pattern: float = 0.0) -> Radiance:
    """An even frame, with upright stripes if wanted."""
    stripes = 1 + pattern * np.sign(np.sin(np.arange(320) * np.pi / 4 + 0.1))
    linear = np.float32(level) * np.broadcast_to(stripes[None, :, None], (180, 320, 3)).astype(np.float32)
    return Radiance(linear.copy(), 1.5)


VIEW = (np.array([20.0, 5.5, 2.0]), beside(20.0, 2.0, 1.5)[1])


def exposures(seed: int, count: int = 3, particles: float = 0.0) -> list[Array]:
    sensor = Sensor(CAMERA, CLEAR, Response(), particles, seed)
    return [sensor.expose(flat(), index / 30, *VIEW) for index in range(count)]


def test_noise_follows_from_the_seed_and_changes_from_frame_to_frame():
    first, again, other = exposures(4), exposures(4), exposures(5)
    assert np.array_equal(first, again)
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[0], first[1])
    residue = (first[0].astype(float) - first[1].astype(float)).ravel()
    assert 0.5 < residue.std() < 20
    assert np.corrcoef(first[0].ravel() - first[0].mean(), first[2].ravel() - first[2].mean())[0, 1] < 0.9


def test_a_still_sensor_without_noise_gives_the_same_picture_again():
    sensor = Sensor(CAMERA, CLEAR, Response(noise=0), 0.0, 1)
    assert np.array_equal(sensor.expose(flat(), 0.0, *VIEW), sensor.expose(flat(), 1 / 30, *VIEW))


@pytest.mark.parametrize("level", [0.006, 0.05, 3.0], ids=["dark", "lit", "glaring"])
def test_exposure_brings_any_light_to_its_target(level):
    response = Response(target=0.2, settle_s=0.0, noise=0.0)
    image = Sensor(CAMERA, CLEAR, response, 0.0, 1).expose(flat(level), 0.0, *VIEW) / 255
    linear = np.where(image < 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4)
    assert linear.mean() == pytest.approx(0.2, rel=0.05)


def test_a_scene_without_light_stays_dark():
    response = Response(target=0.2, settle_s=0.0, noise=0.0, max_gain=40.0)
    assert Sensor(CAMERA, CLEAR, response, 0.0, 1).expose(flat(1e-5), 0.0, *VIEW).mean() < 3


def test_exposure_takes_its_time_after_the_light_has_changed():
    sensor = Sensor(CAMERA, CLEAR, Response(settle_s=0.5, noise=0.0, haze=0.0), 0.0, 1)
    levels = [0.1] * 3 + [0.02] * 90
    means = [sensor.expose(flat(level), index / 30, *VIEW).mean() for index, level in enumerate(levels)]
    assert means[3] < 0.65 * means[2]
    assert np.diff(means[3:]).min() > -0.01
    assert means[-1] == pytest.approx(means[2], rel=0.02)


def test_white_balance_takes_the_colour_of_the_water_away():
    green = flat()
    green.linear[...] *= np.array([0.7, 1.0, 0.5], np.float32)
    spreads = []
    for strength in (0.0, 0.5, 1.0):
        response = Response(white_balance=strength, settle_s=0.0, noise=0.0)
        copy = replace(green, linear=green.linear.copy())
        spreads.append(np.ptp(Sensor(CAMERA, CLEAR, response, 0.0, 1).expose(copy, 0.0, *VIEW).mean(axis=(0, 1))))
    assert spreads[0] > spreads[1] + 5 > spreads[2] + 10
    assert spreads[2] < 3


def test_snow_is_carried_by_the_water_and_stands_still_in_it():
    def snow(moved: Array, drift: Array) -> Array:
        sensor = Sensor(CAMERA, CLEAR, Response(noise=0.0), 0.6, 3)
        return sensor.expose(flat(), 0.0, VIEW[0] + moved, VIEW[1], drift).astype(int)

    way = np.array([0.11, -0.05, 0.02])
    still = snow(np.zeros(3), np.zeros(3))
    assert np.ptp(still) > 10  # there is snow

    def change(moved: Array, drift: Array) -> float:
        return float(np.abs(snow(moved, drift) - still).mean())

    assert change(way, way) < 0.01  # with the water
    assert change(way, np.zeros(3)) > 0.1  # through the water
    assert change(np.zeros(3), way) > 0.1  # past a camera that stands still


@pytest.mark.parametrize(
    ("speed_mps", "blurs"),
    [
        pytest.param((1.5, 0.0, 0.0), True, id="across the stripes"),
        pytest.param((0.0, 0.0, 1.5), False, id="along the stripes"),
    ],
)
def test_moving_blurs_along_the_way(speed_mps, blurs):
    sensor = Sensor(CAMERA, CLEAR, Response(noise=0.0, settle_s=0.0), 0.0, 1)
    frame = flat(pattern=0.5)
    sharp = sensor.expose(frame, 0.0, *VIEW)
    moved = sensor.expose(frame, 1 / 30, VIEW[0] + np.array(speed_mps) / 30, VIEW[1])
    middle = slice(40, 280)  # the border is blurred against what lies outside
    spread = moved[90, middle, 1].std() / sharp[90, middle, 1].std()
    assert (spread < 0.8) == blurs


# ---------------------------------------------------------------- shapes, and the ship of a scenario


@pytest.mark.parametrize(
    ("mesh", "size_m", "volume_m3"),
    [
        pytest.param(ellipsoid((0.3, 0.2, 0.1), 48), (0.6, 0.4, 0.2), 4 / 3 * np.pi * 0.006, id="ellipsoid"),
        pytest.param(superbox((0.3, 0.2, 0.1), 0.05, detail=80), (0.6, 0.4, 0.2), 0.048, id="box"),
        pytest.param(cylinder(0.1, 0.8), (0.8, 0.2, 0.2), np.pi * 0.01 * 0.8, id="cylinder"),
        pytest.param(torpedo(0.1, 1.0), (1.0, 0.2, 0.2), None, id="torpedo"),
        pytest.param(rod((0, 0, 0), (0.5, 0, 0), 0.02, 24), (0.5, 0.04, 0.04), None, id="bar"),
    ],
)
def test_shapes_have_their_size_and_look_outward(mesh, size_m, volume_m3):
    assert np.ptp(mesh.vertices_m, axis=0) == pytest.approx(size_m, rel=0.03)
    assert np.linalg.norm(mesh.normals, axis=1) == pytest.approx(np.ones(len(mesh.normals)), abs=1e-6)
    middle = (mesh.vertices_m.max(axis=0) + mesh.vertices_m.min(axis=0)) / 2
    assert ((mesh.vertices_m - middle) * mesh.normals).sum(axis=1).min() > -1e-3
    if volume_m3 is not None:
        a, b, c = (mesh.vertices_m[mesh.faces[:, index]] for index in range(3))
        assert abs((np.cross(a, b) * c).sum() / 6) == pytest.approx(volume_m3, rel=0.06)


@pytest.fixture(scope="module")
def demo():
    scenario = load_scenario(DEMO)
    stated, hull = load_ship(DEMO.parent / scenario.mission, scenario)
    return scenario, stated, hull, *build_scene(scenario, stated, hull)


def test_the_scene_of_a_scenario_is_a_pure_function_of_it(demo):
    scenario, stated, hull, scene, texture = demo
    again, other = (build_scene(each, stated, hull)[0] for each in (scenario, replace(scenario, seed=99)))
    assert [each.source for each in again.solids] == [each.source for each in scene.solids]
    assert np.array_equal(again.solid_corners_m, scene.solid_corners_m)
    assert not np.array_equal(other.solid_corners_m[-1], scene.solid_corners_m[-1])
    assert texture.surface == scenario.surface


def test_each_parcel_of_a_scenario_is_where_it_says_and_can_be_seen(demo):
    scenario, _, hull, scene, texture = demo
    pages = SinglePages(texture)
    drawing = Renderer(scene, pages, CAMERA, rov_lamps(), CLEAR, daylight=0.3)
    assert scenario.parcels
    for index, parcel in enumerate(scenario.parcels):
        number = next(n for n, each in enumerate(scene.solids, start=1) if each.source == f"parcel {index}")
        assert scene.solids[number - 1].label == "parcel"
        sides = np.array([side_sign(parcel.side)], dtype=np.int8)
        stations = np.array([parcel.station_m])
        girths = hull.girth_to_depth(stations, np.array([parcel.depth_m]))
        point, normal = hull.point(sides, stations, girths)[0], hull.normal(sides, stations, girths)[0]
        numbers = drawing.render(*looking_at(point, normal, 1.5)).object
        middle = numbers[80:100, 150:170]
        assert (middle == number).mean() > 0.5
