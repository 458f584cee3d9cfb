"""A ship that surges and yaws at her moorings: sensors, contact, truth and camera all see her where she is."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from math import pi, radians

import numpy as np
import pytest
from test_sim_station import FORM, HULL, stated_ship

from hullscan.errors import InputError
from hullscan_sim.contact import Contacts
from hullscan_sim.dvl import Dvl
from hullscan_sim.dynamics import MODELS, STEP_S, RigidBody, Vector
from hullscan_sim.mooring import ShipMotion
from hullscan_sim.scenario import Mooring, Scenario, ShipError, Surface, VehicleOptions, Water
from hullscan_sim.simulation import Simulation
from hullscan_sim.truth import TruthRecorder
from hullscan_sim.world import HULL as HIT_HULL
from hullscan_sim.world import QUAY, SEA_BED, World

MOORED = Mooring(surge_m=0.8, surge_period_s=40.0, yaw_deg=1.5, yaw_period_s=60.0)
MIDDLE = np.array([FORM.length_m / 2, 0.0, 0.0])


def world(scenario: Scenario) -> World:
    return World(stated_ship(), HULL, scenario, np.random.default_rng(1))


def beside(place: World, distance_m: float, depth_m: float = 1.5, station_m: float = 30.0) -> RigidBody:
    """Off the starboard side of the ship where she is now, looking at it."""
    point = place.ship_pose.to_ned(np.array([station_m, place.half_beam_m + distance_m, depth_m])).tolist()
    return RigidBody(MODELS["nominal"], tuple(point), place.ship_pose.heading_rad - pi / 2)


def test_she_surges_along_her_length_and_yaws_about_her_middle_with_the_stated_periods_and_amplitudes():
    motion = ShipMotion(Scenario(seed=3, mooring=MOORED), stated_ship(), FORM.length_m)
    times = np.arange(0.0, 120.0, 0.25)
    middles = np.array([motion.rest.to_ship(motion.pose(float(t)).to_ned(MIDDLE)) for t in times]) - MIDDLE
    assert middles[:, 0].max() == pytest.approx(0.8, abs=0.01)
    assert middles[:, 0].min() == pytest.approx(-0.8, abs=0.01)
    assert np.abs(middles[:, 1:]).max() < 1e-9
    turns = np.array([motion.pose(float(t)).heading_rad for t in times]) - motion.rest.heading_rad
    assert np.abs(turns).max() == pytest.approx(radians(1.5), rel=0.01)
    assert motion.pose(7.0).to_ned(MIDDLE) == pytest.approx(motion.pose(47.0).to_ned(MIDDLE))
    assert motion.pose(7.0).heading_rad == pytest.approx(motion.pose(67.0).heading_rad)


def test_her_velocity_is_what_her_plating_does():
    place = world(Scenario(seed=3, mooring=MOORED))
    corner = np.array([50.0, 5.5, 1.0])
    place.advance(10.0)
    before = place.ship_pose.to_ned(corner)
    stated = place.ship_velocity(tuple(before.tolist()))
    place.advance(10.1)
    measured = (place.ship_pose.to_ned(corner) - before) / 0.1
    assert measured == pytest.approx(np.array(stated), abs=2e-3)
    assert np.linalg.norm(stated) > 0.03


def test_a_dvl_measures_velocity_over_the_ship_and_ranges_to_where_she_is():
    place = world(Scenario(seed=3, mooring=MOORED))
    place.advance(10.0)
    body = beside(place, 1.2)
    north, east, _ = place.ship_velocity(body.position)
    report = Dvl("perfect", np.random.default_rng(1)).sample(1.0, body, place)
    assert report is not None
    u, v, w = body.to_body((-north, -east, 0.0))
    mount_turn = 0.0  # the vehicle does not turn
    assert report.velocity_frd == pytest.approx((u, v, w + mount_turn), abs=1e-9)
    assert report.altitude_m == pytest.approx(1.2 - 0.18, abs=0.03)


def test_the_quay_and_the_sea_bed_stay_where_they_are():
    place = world(Scenario(seed=3, mooring=Mooring(surge_m=0.0, yaw_deg=2.0, yaw_period_s=60.0)))
    origin: Vector = tuple(place.motion.rest.to_ned(np.array([70.0, -6.0, 2.0])).tolist())  # off her bow
    heading = place.motion.rest.heading_rad
    to_port = np.array([[np.sin(heading), -np.cos(heading), 0.0], [0.0, 0.0, 1.0]])
    found = []
    for time_s in (0.0, 15.0, 30.0, 45.0):
        place.advance(time_s)
        hits = place.cast(origin, to_port, 50.0)
        assert hits.kind.tolist() == [QUAY, SEA_BED]
        found.append(hits.distance_m.tolist())
    assert np.ptp(np.array(found), axis=0) == pytest.approx([0.0, 0.0], abs=1e-6)


def test_a_vehicle_that_lies_still_is_pushed_by_a_ship_that_comes():
    """She yaws towards it: contact is counted, and the plating does not pass through."""
    mooring = Mooring(yaw_deg=3.0, yaw_period_s=30.0)
    place = world(Scenario(seed=3, mooring=mooring))
    station_m = 55.0
    edge = HULL.point(np.array([1], dtype=np.int8), np.array([station_m]), np.array([1.0]))[0]
    start = place.motion.rest.to_ned(np.array([station_m, edge[1] + 0.35, 1.5]))
    body = RigidBody(MODELS["nominal"], tuple(start.tolist()), place.motion.rest.heading_rad - pi / 2)
    contacts = Contacts(place)
    moved = []
    for step in range(round(30.0 / STEP_S)):
        time_s = step * STEP_S
        place.advance(time_s)
        force, torque = contacts.step(body, time_s)
        body.step(force, torque, (0.0, 0.0, 0.0))
        moved.append(float(np.hypot(body.north_m - start[0], body.east_m - start[1])))
    assert contacts.count >= 1
    assert contacts.min_clearance_m > -0.05
    assert max(moved) > 0.3


def test_truth_tells_where_she_was_and_where_she_lies(tmp_path):
    scenario = Scenario(seed=3, mooring=MOORED, vehicle=VehicleOptions(dvl="none", start_up=0.0))
    simulation = Simulation(
        scenario, stated_ship(distance_m=5.0), HULL, truth=lambda place: TruthRecorder(tmp_path, place, 0.0)
    )
    simulation.run_until(3.0)
    simulation.close()
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert truth["ship_moves"] is True
    assert truth["ship_pose_ned"]["heading_deg"] == pytest.approx(62.0)
    assert truth["ship_pose_ned"]["north_m"] == 0.0
    with (tmp_path / "truth.csv").open() as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    motion = simulation.world.motion
    for row in rows[::7]:
        pose = motion.pose(row["t_s"])
        assert (row["ship_north_m"], row["ship_east_m"]) == pytest.approx((pose.north_m, pose.east_m), abs=1e-3)
        in_ship = pose.to_ship(np.array([row["north_m"], row["east_m"], row["down_m"]]))
        assert in_ship == pytest.approx([row["ship_x_m"], row["ship_y_m"], row["ship_z_m"]], abs=2e-3)
    assert len({row["ship_north_m"] for row in rows}) > 10


def test_a_ship_without_moorings_play_costs_and_changes_nothing():
    plain = ShipMotion(Scenario(seed=3), stated_ship(), FORM.length_m)
    assert plain.still
    assert plain.pose(0.0) is plain.pose(99.0)


# ---------------------------------------------------------------- height


def test_the_tide_deepens_the_water_under_a_ship_that_floats_with_it():
    low, high = world(Scenario()), world(Scenario(water=Water(tide_m=1.2)))
    down = np.array([[0.0, 0.0, 1.0]])
    for place, depth_m in ((low, 9.5), (high, 10.7)):
        body = beside(place, 3.0)
        hits = place.cast(body.position, down, 50.0)
        assert hits.distance_m[0] == pytest.approx(depth_m - 1.5)
        towards = place.cast(body.position, np.array([place.direction_to_ned((0.0, -1.0, 0.0))]), 50.0)
        assert towards.distance_m[0] == pytest.approx(3.0, abs=0.01)


def test_at_low_water_she_may_be_aground():
    with pytest.raises(InputError, match="tide included"):
        world(Scenario(water=Water(tide_m=-6.0)))


def test_a_ship_that_floats_deeper_shows_her_keel_deeper_to_every_ray_and_touch():
    """Her waterline as drawn lies 0.6 m under the surface that the pressure counts from."""
    drawn = Surface(uneven_m=0.0)
    stated, deeper = world(Scenario(surface=drawn)), world(Scenario(surface=drawn, ship_error=ShipError(down_m=0.6)))
    for place, keel_m in ((stated, FORM.draught_aft_m), (deeper, FORM.draught_aft_m + 0.6)):
        under = tuple(place.ship_pose.to_ned(np.array([20.0, 0.0, 0.0])).tolist())
        up = place.cast((under[0], under[1], 8.0), np.array([[0.0, 0.0, -1.0]]), 50.0)
        assert up.kind[0] == HIT_HULL
        assert 8.0 - up.distance_m[0] == pytest.approx(keel_m, abs=0.12)
        contacts = Contacts(place)
        contacts.look(RigidBody(MODELS["nominal"], (under[0], under[1], 6.0), 0.0), 0.0)
        assert contacts.clearance_m == pytest.approx(6.0 - 0.127 - (8.0 - up.distance_m[0]), abs=0.02)
    point: Vector = (1.0, 2.0, 3.0)
    assert deeper.to_ship(point)[2] == pytest.approx(2.4)
    assert replace(deeper.ship_pose, down_m=0.0) == stated.ship_pose
