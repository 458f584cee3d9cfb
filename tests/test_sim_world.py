"""Where things are: frames, rays, clearance, contact."""

from __future__ import annotations

from math import cos, pi, radians, sin, tan

import numpy as np
import pytest
from test_sim_station import FORM, HULL, stated_ship

from hullscan.errors import InputError
from hullscan.ship.form import BulkCarrier, build_hull
from hullscan.ship.spec import Berth, Ship
from hullscan_sim.contact import Contacts, HullDistance
from hullscan_sim.dynamics import MODELS, SIZE_M, STEP_S, RigidBody
from hullscan_sim.scenario import Scenario, ShipAtBerth, ShipError, Surface, Water
from hullscan_sim.thrusters import Thrusters
from hullscan_sim.world import HULL as HIT_HULL
from hullscan_sim.world import NOTHING, QUAY, SEA_BED, World

STILL = (0.0, 0.0, 0.0)
AS_DRAWN = Surface(uneven_m=0.0)


def world(*, error: ShipError | None = None, water: Water | None = None, **launch) -> World:
    scenario = Scenario(ship_error=error or ShipError(), water=water or Water(), surface=AS_DRAWN)
    return World(stated_ship(**launch), HULL, scenario, np.random.default_rng(1))


def beside(place: World, distance_m: float, depth_m: float = 1.5, model: str = "nominal") -> RigidBody:
    """A vehicle off the starboard midbody, looking at it; distance from its centre to the plating."""
    north, east, _ = place.ship_pose.to_ned(np.array([30.0, place.half_beam_m + distance_m, 0.0])).tolist()
    return RigidBody(MODELS[model], (north, east, depth_m), place.ship_pose.heading_rad - pi / 2)


# ---------------------------------------------------------------- frames


def test_the_ship_lies_where_the_scenario_says_and_not_where_the_mission_does():
    place = world(error=ShipError(north_m=0.8, east_m=-0.5, heading_deg=1.0))
    assert place.to_ship((0.8, -0.5, 0.0)) == pytest.approx((0, 0, 0))
    ahead = (0.8 + 10 * cos(radians(63)), -0.5 + 10 * sin(radians(63)), 2.0)
    assert place.to_ship(ahead) == pytest.approx((10, 0, 2))


def test_the_launch_place_is_counted_from_the_stated_berth():
    """4 m off the starboard side of the ship as stated, whatever the error, heading towards her."""
    straight, moved = world(), world(error=ShipError(north_m=2.0, heading_deg=5.0))
    assert straight.launch == moved.launch
    place, heading = straight.launch
    x, y, z = straight.to_ship(place)
    assert (x, y) == pytest.approx((30.0, straight.half_beam_m + 4.0), abs=1e-3)
    assert 0 < z < 0.2
    assert heading == pytest.approx(radians(62 - 90))


def test_a_port_launch_heads_to_starboard():
    place = world(side="port")
    assert place.launch[1] == pytest.approx(radians(62 + 90))
    assert place.to_ship(place.launch[0])[1] < -place.half_beam_m


def test_a_ship_aground_is_an_error():
    shallow = Berth(lat_deg=35, lon_deg=129, heading_deg=0, water_depth_m=3.0)
    stated = ShipAtBerth(ship=Ship(name="x", form=FORM), berth=shallow, launch=stated_ship().launch)
    with pytest.raises(InputError, match="aground"):
        World(stated, HULL, Scenario(), np.random.default_rng(1))


# ---------------------------------------------------------------- rays


@pytest.mark.parametrize(
    ("direction_ship", "what", "distance"),
    [
        pytest.param((0, -1, 0), HIT_HULL, 3.0, id="square onto the midbody"),
        pytest.param((0.6, -0.8, 0), HIT_HULL, 3.0 / 0.8, id="slanting onto the midbody"),
        pytest.param((0, 0, 1), SEA_BED, 9.5 - 1.5, id="down to the sea bed"),
        pytest.param((0, 1, 0), NOTHING, np.inf, id="away from the ship"),
        pytest.param((0, 0, -1), NOTHING, np.inf, id="up out of the water"),
        pytest.param((0, -cos(0.6), sin(0.6)), QUAY, (3 + 11 + 1.5) / cos(0.6), id="under the keel onto the quay"),
    ],
)
def test_a_ray_ends_at_what_it_meets_first(direction_ship, what, distance):
    deep = Berth(lat_deg=35.0, lon_deg=129.0, heading_deg=62, quay_side="port", water_depth_m=9.5)
    berth = deep if what is not QUAY else Berth(
        lat_deg=35.0, lon_deg=129.0, heading_deg=62, quay_side="port", water_depth_m=30
    )  # fmt: skip
    place = World(
        ShipAtBerth(ship=Ship(name="x", form=FORM), berth=berth, launch=stated_ship().launch),
        HULL,
        Scenario(surface=AS_DRAWN),
        np.random.default_rng(1),
    )
    origin = tuple(place.ship_pose.to_ned(np.array([30.0, place.half_beam_m + 3.0, 1.5])).tolist())
    hits = place.cast(origin, np.array([place.direction_to_ned(direction_ship)]), 50.0)
    assert hits.kind[0] == what
    assert hits.distance_m[0] == pytest.approx(distance, abs=0.01)


def test_sound_that_reaches_the_surface_comes_back_down_to_the_hull():
    """Mirrored at the surface, the ray is as long as to the hull's mirror image: 3 m over the cosine."""
    place = world()
    origin = tuple(place.ship_pose.to_ned(np.array([30.0, place.half_beam_m + 3.0, 0.3])).tolist())
    ray = np.array([place.direction_to_ned((0, -cos(0.3), -sin(0.3)))])
    assert place.cast(origin, ray, 50.0).kind[0] == NOTHING
    hits = place.cast(origin, ray, 50.0, mirror=True)
    assert hits.kind[0] == HIT_HULL
    assert hits.mirrored[0]
    assert hits.distance_m[0] == pytest.approx(3.0 / cos(0.3), abs=0.01)


def test_incidence_is_the_cosine_to_the_plate():
    place = world()
    origin = tuple(place.ship_pose.to_ned(np.array([30.0, place.half_beam_m + 2.0, 1.5])).tolist())
    rays = np.array([place.direction_to_ned((sin(a), -cos(a), 0)) for a in (0.0, 0.5, 1.0)])
    assert place.cast(origin, rays, 50.0).incidence == pytest.approx([1.0, cos(0.5), cos(1.0)], abs=1e-3)


# ---------------------------------------------------------------- water


def test_without_waves_the_water_moves_as_the_current_says():
    place = world(water=Water(current_mps=0.2, current_towards_deg=90))
    assert place.water.at((3, 4, 5), 17.0) == pytest.approx((0, 0.2, 0))
    assert place.water.surface_m((3, 4, 5), 17.0) == 0.0


def test_waves_have_their_significant_height_and_fade_with_depth():
    place = world(water=Water(waves_m=0.4))
    times = np.arange(0, 600, 0.25)
    heights = [place.water.surface_m((0, 0, 0), float(t)) for t in times]
    assert 4 * np.std(heights) == pytest.approx(0.4, rel=0.05)
    top = max(abs(place.water.at((0, 0, 0.0), float(t))[2]) for t in times)
    deep = max(abs(place.water.at((0, 0, 4.0), float(t))[2]) for t in times)
    assert deep < 0.3 * top


# ---------------------------------------------------------------- clearance


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(FORM, id="a small bulk carrier"),
        pytest.param(BulkCarrier(length_m=230, beam_m=32, draught_fwd_m=12, draught_aft_m=13), id="a large one"),
    ],
)
def test_distance_to_the_hull_agrees_with_the_surface_itself(form):
    hull = build_hull(form)
    measure = HullDistance(hull)
    rng = np.random.default_rng(2)
    beam, deep = form.beam_m / 2, form.draught_aft_m
    points = np.column_stack(
        [rng.uniform(1, form.length_m, 300), rng.uniform(0, beam + 3, 300), rng.uniform(0, deep + 2, 300)]
    )
    exact = hull.nearest(points)[1]
    ours, normals = measure.nearest(points)
    near = exact < 2.0
    assert near.sum() > 60
    assert np.abs(np.abs(ours) - exact)[near].max() < 0.03
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("distance", "depth", "yaw_deg"),
    [
        pytest.param(1.0, 1.5, 0.0, id="square to the side"),
        pytest.param(1.2, 2.0, 30.0, id="turned away"),
        pytest.param(0.6, 1.0, -90.0, id="alongside"),
    ],
)
def test_clearance_is_from_the_nearest_corner_of_the_box(distance, depth, yaw_deg):
    place = world()
    vehicle = beside(place, distance, depth)
    turned = RigidBody(MODELS["nominal"], vehicle.position, place.ship_pose.heading_rad - pi / 2 + radians(yaw_deg))
    contacts = Contacts(place)
    contacts.look(turned, 0.0)
    c, s = abs(cos(radians(yaw_deg))), abs(sin(radians(yaw_deg)))
    assert contacts.clearance_m == pytest.approx(distance - (c * SIZE_M[0] + s * SIZE_M[1]) / 2, abs=0.01)


# ---------------------------------------------------------------- contact


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("throttle", [pytest.param(1.0, id="at full thrust"), pytest.param(0.3, id="gently")])
def test_a_vehicle_driven_into_the_hull_stops_there(model, throttle):
    place = world()
    vehicle, thrusters, contacts = beside(place, 3.0, 1.8, model), Thrusters(), Contacts(place)
    start_yaw = vehicle.euler_rad[2]
    least = 9.0
    for step in range(2400):
        offset = round(400 * throttle)
        pulses = [1500 - offset] * 2 + [1500 + offset] * 2 + [1500] * 4
        (fx, fy, fz), _ = thrusters.step(pulses, 16, 1.0, STEP_S)
        pushed, turned = contacts.step(vehicle, step * STEP_S)
        roll, pitch, yaw = vehicle.euler_rad
        steady = (
            -60 * vehicle.roll_rate - 200 * roll,
            -60 * vehicle.pitch_rate - 200 * pitch,
            -60 * vehicle.yaw_rate - 200 * (yaw - start_yaw),
        )
        force = (fx + pushed[0], fy + pushed[1], fz + pushed[2])
        torque = (steady[0] + turned[0], steady[1] + turned[1], steady[2] + turned[2])
        vehicle.step(force, torque, STILL)
        least = min(least, contacts.clearance_m)
    assert contacts.count >= 1
    assert contacts.min_clearance_m == pytest.approx(least)
    assert -0.05 < least <= 0.0, "it dents by centimetres at most"
    assert abs(contacts.clearance_m) < 0.02
    assert place.to_ship(vehicle.position)[1] == pytest.approx(place.half_beam_m + SIZE_M[0] / 2, abs=0.05)


def test_pressed_against_the_hull_is_one_contact_and_coming_back_is_another():
    place = world()
    vehicle, thrusters, contacts = beside(place, 0.8, 1.8), Thrusters(), Contacts(place)
    counts = []
    for step in range(5000):
        time_s = step * STEP_S
        offset = 90 if time_s % 10 < 6 else -60
        pulses = [1500 - offset] * 2 + [1500 + offset] * 2 + [1500] * 4
        (fx, fy, fz), _ = thrusters.step(pulses, 16, 1.0, STEP_S)
        pushed, turned = contacts.step(vehicle, time_s)
        pitch = -60 * vehicle.pitch_rate - 200 * vehicle.euler_rad[1]
        vehicle.step((fx + pushed[0], fy + pushed[1], fz + pushed[2]), (turned[0], pitch + turned[1], turned[2]), STILL)
        counts.append(contacts.count)
    assert counts[0] == 0
    assert contacts.count >= 2
    assert contacts.count <= 4


@pytest.mark.parametrize(
    ("start_ship", "heading_offset", "pulses", "limit"),
    [
        pytest.param((30.0, 9.0, 8.0), 0.0, [1500] * 4 + [1900] * 4, ("down", 9.5), id="the sea bed"),
        pytest.param((30.0, -6.2, 2.0), pi, [1500] * 8, ("port", -7.0), id="the quay"),
    ],
)
def test_sea_bed_and_quay_stop_it_without_counting_as_contact(start_ship, heading_offset, pulses, limit):
    place = world(water=Water(current_mps=0.5, current_towards_deg=62 - 90) if limit[0] == "port" else None)
    position = tuple(place.ship_pose.to_ned(np.array(start_ship)).tolist())
    vehicle = RigidBody(MODELS["nominal"], position, place.ship_pose.heading_rad + heading_offset)
    thrusters, contacts = Thrusters(), Contacts(place)
    before = contacts.count
    for step in range(2000):
        force, _ = thrusters.step(pulses, 16, 1.0, STEP_S)
        pushed, turned = contacts.step(vehicle, step * STEP_S)
        total = tuple(a + b for a, b in zip(force, pushed, strict=True))
        steady = (turned[0] - 20 * vehicle.roll_rate, turned[1] - 20 * vehicle.pitch_rate, turned[2])
        vehicle.step(total, steady, place.water.at(vehicle.position, 0.0))
    assert contacts.count == before
    if limit[0] == "down":
        assert vehicle.down_m == pytest.approx(limit[1] - SIZE_M[2] / 2, abs=0.03)
    else:
        assert place.to_ship(vehicle.position)[1] > limit[1] + 0.1


def test_a_beam_that_points_low_passes_under_the_keel():
    """From 3 m depth and 4 m off, a beam 15.7 degrees down passes under a draught of 3.75 m."""
    place = world()
    origin = tuple(place.ship_pose.to_ned(np.array([30.0, place.half_beam_m + 4.0, 3.0])).tolist())
    down = radians(15.7)
    assert 3.0 + 4.0 * tan(down) > 3.75
    hits = place.cast(origin, np.array([place.direction_to_ned((0, -cos(down), sin(down)))]), 50.0)
    assert hits.kind[0] != HIT_HULL


# ---------------------------------------------------------------- plating


def test_plating_stands_off_the_lines_and_every_sensor_meets_it_there():
    fair, uneven = world(), World(stated_ship(), HULL, Scenario(), np.random.default_rng(1))
    again = World(stated_ship(), HULL, Scenario(), np.random.default_rng(2))
    off = []
    for station in np.arange(15.0, 30.0, 0.25):
        aim = uneven.ship_pose.to_ned(np.array([station, 8.0, 2.0]))
        straight = uneven.ship_pose.as_pose.directions_to_parent(np.array([[0.0, -1.0, 0.0]]))
        ranges = [place.cast(tuple(aim), straight, 50.0).distance_m[0] for place in (fair, uneven, again)]
        assert ranges[1] == ranges[2]  # not noise: it stays where it is
        off.append(ranges[0] - ranges[1])
    steps = np.abs(np.diff(off))
    assert 0.01 < np.std(off) < 0.035
    assert steps.max() < 0.04  # smooth: a beam that moves on meets nearly the same
