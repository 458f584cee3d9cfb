"""Fittings as real things: where they stand, what shape they have, how they look, that they are met and touched."""

from __future__ import annotations

from dataclasses import replace
from math import pi

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_sim_camera import BOX, CAMERA, CLEAR, SURFACE, beside, pixel_rays, renderer
from test_sim_station import FORM, HULL, stated_ship

from hullscan.errors import InputError
from hullscan.geometry.frames import Array, Pose
from hullscan.ship.fittings import Fitting
from hullscan.ship.form import Barge, BulkCarrier, Coaster, build_hull
from hullscan.ship.gear import gear_by_rule
from hullscan.ship.marks import DraughtMark
from hullscan.ship.spec import Ship
from hullscan_sim import appendages
from hullscan_sim.as_built import mount_as_fitted, mount_error, ship_as_built
from hullscan_sim.camera.fittings import build_keel, build_outlet, build_sea_chest, build_tunnel
from hullscan_sim.camera.hidden import hidden_share
from hullscan_sim.camera.objects import Material, build_parcel, on_hull
from hullscan_sim.camera.renderer import Rendered, Renderer
from hullscan_sim.camera.scene import HULL as PLATING
from hullscan_sim.camera.scene import NOTHING, QUAY
from hullscan_sim.camera.ship_scene import build_scene, dock_block_marks, draught_marks, hidden_shares
from hullscan_sim.contact import Contacts
from hullscan_sim.dynamics import MODELS, SIZE_M, STEP_S, RigidBody
from hullscan_sim.fitted import FittedShip, fit_out, parcel_place
from hullscan_sim.scenario import Parcel, Scenario, ShipAtBerth
from hullscan_sim.world import HULL as HIT_SHIP
from hullscan_sim.world import World

CHEST = Fitting(kind="sea_chest", side="starboard", station_m=14.0, depth_m=2.0, size_m=(0.9, 0.7))
RED = (0.030, 0.038, 0.200)
STILL = (0.0, 0.0, 0.0)


def ship(*fittings: Fitting, form: object = FORM) -> ShipAtBerth:
    return replace(stated_ship(), ship=Ship(name="MV Test", form=form, fittings=fittings))  # type: ignore[arg-type]


def parcel(**changes: object) -> Parcel:
    stated = {"kind": "box", "size_m": (0.4, 0.3, 0.25), "side": "starboard", "station_m": 14.1, "depth_m": 2.0}
    return Parcel(**{**stated, "inside": "sea_chest", **changes})  # type: ignore[arg-type]


# ---------------------------------------------------------------- where they stand


LONG = BulkCarrier(length_m=110, beam_m=18, draught_fwd_m=5.6, draught_aft_m=6.2)
SHORT = Coaster(type="coaster", length_m=55, beam_m=10, draught_fwd_m=3.6, draught_aft_m=3.9)
BARGE = Barge(type="barge", length_m=70, beam_m=12, draught_fwd_m=3, draught_aft_m=3)
KEEL = Fitting(kind="bilge_keel", side="port", station_m=20.0, depth_m=3.0, size_m=(8.0, 0.3))
TUNNEL = Fitting(kind="thruster_tunnel", side="port", station_m=48.0, depth_m=2.2, size_m=(0.8, 0.8))


@pytest.mark.parametrize(
    ("form", "fittings", "gear", "keels", "chests", "tunnels"),
    [
        pytest.param(LONG, (), True, 2, 4, 2, id="all by rule on a long ship"),
        pytest.param(SHORT, (), True, 2, 4, 0, id="a short ship has no thruster"),
        pytest.param(SHORT, (TUNNEL,), True, 2, 4, 1, id="unless the drawings say so"),
        pytest.param(SHORT, (KEEL,), True, 1, 4, 0, id="a bilge keel that is stated is the only one"),
        pytest.param(SHORT, (CHEST,), True, 2, 4, 0, id="a stated chest near one by rule is that one"),
        pytest.param(SHORT, (replace(CHEST, station_m=22.0),), True, 2, 5, 0, id="others are not in the drawings"),
        pytest.param(BARGE, (), False, 2, 4, 0, id="a barge has neither screw nor rudder"),
    ],
)
def test_what_is_fitted_comes_from_drawings_and_from_the_ship_type(form, fittings, gear, keels, chests, tunnels):
    stated, hull = ship(*fittings, form=form), build_hull(form)
    fitted = fit_out(stated, hull, 3)
    assert (fitted.gear is not None) == gear
    assert [len(each) for each in (fitted.keels, fitted.chests, fitted.tunnels)] == [keels, chests, tunnels]
    assert fit_out(stated, hull, 3) == fitted
    assert fit_out(stated, hull, 4) != fitted


def test_a_ship_is_built_a_little_beside_her_drawings_and_her_keels_and_tunnels_are_not() -> None:
    anodes = tuple(replace(CHEST, kind="anode", station_m=float(at)) for at in range(5, 45))
    drawn = ship(CHEST, KEEL, TUNNEL, *anodes).ship
    built = ship_as_built(drawn, 0.1, 3)
    pairs = zip(built.fittings, drawn.fittings, strict=True)
    off = np.array([(one.station_m - other.station_m, one.depth_m - other.depth_m) for one, other in pairs])
    assert off[1:3].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert np.sqrt((off[3:] ** 2).mean(axis=0)) == pytest.approx(0.1, rel=0.3)
    assert built == ship_as_built(drawn, 0.1, 3) != ship_as_built(drawn, 0.1, 4)
    assert ship_as_built(drawn, 0.0, 3) == drawn


def test_a_camera_sits_a_little_beside_its_profile() -> None:
    stated = Pose(np.array([0.2, 0.0, -0.1]), Rotation.from_euler("xyz", [0.3, -0.2, 1.0]))
    turned, moved = np.array([mount_error(1.0, 0.02, seed) for seed in range(200)]).swapaxes(0, 1)
    assert np.degrees(np.sqrt((turned**2).mean())) == pytest.approx(1.0, rel=0.1)
    assert np.sqrt((moved**2).mean()) == pytest.approx(0.02, rel=0.1)
    fitted = mount_as_fitted(stated, turned[0], moved[0])
    assert fitted.position_m - stated.position_m == pytest.approx(moved[0])
    assert (fitted.rotation * stated.rotation.inv()).as_rotvec() == pytest.approx(turned[0])


def test_a_stated_chest_is_where_the_drawings_say_and_one_by_rule_a_little_off():
    fitted = fit_out(ship(CHEST), HULL, 1)
    assert fitted.chests[0].fitting == CHEST
    assert fitted.chests[0].girth_m == pytest.approx(HULL.girth_to_depth(np.array([14.0]), np.array([2.0]))[0])
    assert all(0.15 <= each.recess_m <= 0.9 for each in fitted.chests)
    rule, built = gear_by_rule(HULL), fitted.gear
    assert built is not None
    assert abs(built.propeller_m - rule.propeller_m) < 0.2
    assert 0.9 * rule.radius_m < built.radius_m <= rule.radius_m
    assert built.rudder_m[1] < built.propeller_m - 0.2  # the blades turn clear of the rudder


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"station_m": 40.0}, "no sea chest", id="no chest there"),
        pytest.param({"side": "port", "station_m": 30.0}, "no sea chest", id="none on that side"),
        pytest.param({"size_m": (1.2, 0.3, 0.25)}, "does not fit", id="longer than the chest"),
        pytest.param({"size_m": (0.4, 0.3, 0.9)}, "does not fit", id="higher than the chest"),
        pytest.param({"size_m": (0.4, 0.3, 0.9), "attach": "rope"}, "does not fit", id="deeper than the chest"),
    ],
)
def test_a_parcel_that_cannot_be_inside_is_refused(changes, words):
    with pytest.raises(InputError, match=words) as caught:
        parcel_place(fit_out(ship(CHEST), HULL, 1), HULL, parcel(**changes), 2)
    assert caught.value.where == "parcels[2]"


@pytest.mark.parametrize(
    ("attach", "station_m"), [("rope", 13.2), ("rope", 14.0), ("strap", 14.9), ("magnet", 14.0)], ids=str
)
def test_a_parcel_inside_keeps_within_the_opening(attach, station_m):
    place = parcel_place(fit_out(ship(CHEST), HULL, 1), HULL, parcel(attach=attach, station_m=station_m), 0)
    assert place.chest is not None
    assert abs(place.station_m - 14.0) <= (0.9 - 0.4) / 2
    assert abs(place.girth_m - place.chest.girth_m) <= (0.7 - 0.25) / 2
    assert 0.04 < place.behind_m < place.chest.recess_m
    assert place.standing == (attach != "rope")


def test_draught_marks_stand_on_their_height_above_the_keel_and_follow_the_drawings():
    marks = draught_marks(HULL, (DraughtMark(side="port", station_m=30.0),))
    assert {each.u_m for each in marks} == {30.0}
    assert all(each.v_m < 0 for each in marks)
    two = next(each for each in marks if each.text == "2M")
    total = HULL.total_girth(np.array([30.0]), "port")[0]
    point = HULL.point(np.array([-1], np.int8), np.array([30.0]), np.array([total + two.v_m]))[0]
    draught = HULL.dimensions.draught_at(np.array([30.0]))[0]
    assert draught - point[2] == pytest.approx(2.05, abs=0.01)  # its middle: numerals are 0.1 m high
    assert {each.v_m > 0 for each in draught_marks(HULL)} == {True, False}


def test_marks_of_dock_blocks_are_painted_where_stated_else_by_rule():
    coat = (0.1, 0.1, 0.2)
    block = Fitting(kind="dock_block", side="port", station_m=20.0, depth_m=4.0, size_m=(0.4, 1.2), from_keel_m=1.5)
    (mark,) = dock_block_marks(HULL, (block,), coat)
    assert (mark.kind, mark.u_m, mark.size_u_m, mark.size_v_m) == ("paint", 20.0, 0.4, 1.2)
    assert mark.v_m == pytest.approx(-1.5, abs=1e-6)
    assert max(mark.colour) < max(coat)
    assert len(dock_block_marks(HULL, (), coat)) > 4


# ---------------------------------------------------------------- shapes


def test_the_propeller_has_four_equal_blades_in_its_disc():
    gear = gear_by_rule(HULL)
    mesh = appendages.propeller(gear)
    off = np.hypot(mesh.vertices_m[:, 1], mesh.vertices_m[:, 2] - gear.shaft_depth_m)
    assert off.max() == pytest.approx(gear.radius_m, rel=0.02)
    blades = mesh.vertices_m[off > 0.3 * gear.radius_m] - [gear.propeller_m, 0, gear.shaft_depth_m]
    quarter = blades @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    apart = [
        np.linalg.norm(blades - each, axis=1).min()
        for each in quarter[np.hypot(*quarter[:, 1:].T) > 0.35 * gear.radius_m][::7]
    ]
    assert max(apart) < 1e-6
    # right-handed: looking forward, the half of a blade that leads clockwise is the forward one
    upper = blades[(blades[:, 2] < -0.5 * gear.radius_m) & (np.abs(blades[:, 1]) < 0.4 * gear.radius_m)]
    assert len(upper) > 20
    assert np.corrcoef(upper[:, 0], upper[:, 1])[0, 1] > 0.5


def test_the_rudder_fills_its_outline_and_looks_outward():
    gear = gear_by_rule(HULL)
    mesh = appendages.rudder(gear)
    low, high = mesh.vertices_m.min(axis=0), mesh.vertices_m.max(axis=0)
    assert (low[0], high[0]) == pytest.approx(gear.rudder_m, abs=0.01)
    assert (low[2], high[2]) == pytest.approx(gear.depths_m, abs=0.01)
    assert high[1] == pytest.approx(0.085 * (gear.rudder_m[1] - gear.rudder_m[0]), rel=0.15)
    assert high[1] == pytest.approx(-low[1])
    down = (mesh.vertices_m[:, 2] - low[2]) / (high[2] - low[2])
    thick = (np.abs(mesh.vertices_m[:, 1]) > 0.5 * high[1]) & (np.abs(down - 0.5) < 0.45)
    assert (mesh.normals[thick, 1] * np.sign(mesh.vertices_m[thick, 1])).min() > 0.7


def test_a_bilge_keel_stands_off_the_turn_of_the_bilge_by_its_height():
    keel = Fitting(kind="bilge_keel", side="starboard", station_m=30.0, depth_m=3.4, size_m=(10.0, 0.25))
    pieces = appendages.bilge_keel(HULL, keel)
    points = np.concatenate([piece.vertices_m for piece in pieces])
    assert points[:, 0].min() == pytest.approx(25.0, abs=0.01)
    assert points[:, 0].max() == pytest.approx(35.0, abs=0.01)
    middle = points[np.abs(points[:, 0] - 30) < 2]
    _, off, _ = HULL.nearest(middle)
    assert off.max() == pytest.approx(0.25, abs=0.06)
    ends = points[np.abs(points[:, 0] - 30) > 4.9]
    assert HULL.nearest(ends)[1].max() < 0.12  # it tapers off


# ---------------------------------------------------------------- how they look


def chest(recess_m: float = 0.7) -> list:
    return build_sea_chest(BOX, 1, 20.0, 2.0, (0.9, 0.7), recess_m, RED, 0.2, np.random.default_rng(4), "chest")


def tied() -> list:
    """A parcel 0.1 m behind the plating of the box."""
    point, frame = on_hull(BOX, 1, 20.0, 2.0)
    body = Material((0.4, 0.4, 0.4), 0.1, 0.1)
    built = build_parcel(
        "box", (0.5, 0.35, 0.25), "strap", body, point - 0.35 * frame[:, 2], frame, np.random.default_rng(5)
    )
    return [replace(each, behind=True) for each in built]


def drawn(solids: list, view: tuple[Array, Array], **how: object) -> tuple[Renderer, Rendered]:
    drawing = renderer(solids, surface=SURFACE, **how)  # type: ignore[arg-type]
    return drawing, drawing.render(*view)


@pytest.mark.parametrize("turns", [{}, {"yaw_rad": 0.3, "pitch_rad": -0.2}], ids=["straight", "aslant"])
def test_a_grating_is_bars_that_one_looks_through_and_every_pixel_is_right(turns):
    view = beside(20.0, 2.0, 1.1, **turns)
    drawing, frame = drawn([*chest(), *tied()], view)
    truth = drawing.scene.cast(view[0], pixel_rays(CAMERA, view[1])).object.reshape(frame.object.shape)
    assert (frame.object != truth).sum() <= 3
    row = frame.object[CAMERA.height_px // 2 + 12]
    bars, between = row == 1, (row == 2) | (row == 3)
    assert bars.sum() > 20
    assert between.sum() > 2 * bars.sum()
    assert np.count_nonzero(np.diff(bars.astype(int)) == 1) >= 8  # bar after bar
    assert (frame.object == 3).sum() > 300  # and the parcel behind them


def test_behind_the_bars_is_a_box_with_depth_and_it_is_dark():
    _, frame = drawn(chest(0.7), beside(20.0, 2.0, 1.1), optics=CLEAR, daylight=0.6)
    inside = frame.object == 2
    assert inside.sum() > 1500
    assert frame.depth_m[inside].max() == pytest.approx(1.8, abs=0.25)  # its back wall, seen a little from the side
    assert np.quantile(frame.depth_m[inside], 0.5) > 1.6
    bars, plating = frame.linear[frame.object == 1], frame.linear[frame.object == PLATING]
    red = 2
    assert np.median(frame.linear[inside][:, red]) < 0.5 * np.median(bars[:, red])
    assert np.median(frame.linear[inside][:, red]) < 0.6 * np.median(plating[:, red])


def test_a_parcel_inside_is_partly_hidden_and_its_share_is_told():
    view = beside(20.0, 2.0, 1.5)
    drawing, frame = drawn([*chest(), *tied()], view)
    rays = pixel_rays(CAMERA, view[1])
    share = hidden_share(drawing.scene, 3, view[0])
    assert 0.15 < share < 0.6
    free, _ = drawn([*chest()[1:], *tied()], view)  # no grating
    whole = (free.scene.cast(view[0], rays).object == 2).sum()
    assert 1 - (frame.object == 3).sum() / whole == pytest.approx(share, abs=0.04)
    assert hidden_share(free.scene, 2, view[0]) < 0.02


def test_what_is_inside_is_not_seen_through_the_plating():
    _, frame = drawn([*chest(), *tied()], beside(21.2, 2.0, 1.1, yaw_rad=0.0))
    beyond = frame.object[:, CAMERA.width_px // 2 :]
    assert set(np.unique(beyond)) == {PLATING}
    walled, _ = drawn(tied(), beside(20.0, 2.0, 1.1))  # no opening at all
    assert (
        walled.scene.cast(beside(20.0, 2.0, 1.1)[0], pixel_rays(CAMERA, beside(20.0, 2.0, 1.1)[1])).object == 0
    ).all()


def test_a_pipe_is_a_round_dark_hole():
    outlet = build_outlet(BOX, 1, 20.0, 2.0, 0.3, RED, 0.1, np.random.default_rng(1), "outlet")
    _, frame = drawn([outlet], beside(20.0, 2.0, 1.0))
    hole = (frame.object == 1) & (frame.depth_m > 1.1)
    radius_px = 0.15 * CAMERA.fx_px
    assert hole.sum() == pytest.approx(np.pi * radius_px**2 * 0.75, rel=0.35)  # less the near part of its wall
    assert np.median(frame.linear[hole].sum(axis=1)) < 0.6 * np.median(
        frame.linear[frame.object == PLATING].sum(axis=1)
    )


def test_through_a_tunnel_one_sees_the_water_on_the_other_side_and_the_thruster_in_between():
    tunnel = Fitting(kind="thruster_tunnel", side="starboard", station_m=20.0, depth_m=2.0, size_m=(1.6, 1.6))
    solids = build_tunnel(BOX, tunnel, RED, 0.1, np.random.default_rng(1), "tunnel")
    assert [each.label for each in solids] == [None, "grating", "grating"]
    view = beside(20.0, 2.0, 1.2)
    _, frame = drawn(solids, view)
    mouth = np.hypot(*(np.stack(np.meshgrid(np.arange(320) - 159.5, np.arange(180) - 89.5)))) < 0.7 / 1.2 * CAMERA.fx_px
    assert (frame.object[mouth] == NOTHING).sum() > 50  # right through
    assert (frame.object[mouth] == 2).mean() > 0.04  # bars
    assert (frame.object[mouth] == 1).mean() > 0.4  # bore and thruster
    assert (frame.object[mouth] == PLATING).mean() < 0.01
    with_quay, _ = drawn(solids, view, quay_y_m=-5.0)
    assert QUAY in with_quay.scene.cast(view[0], pixel_rays(CAMERA, view[1])).object


def test_a_bilge_keel_is_drawn_with_the_plating_behind_it():
    keel = Fitting(kind="bilge_keel", side="starboard", station_m=20.0, depth_m=3.0, size_m=(6.0, 0.3))
    solids = build_keel(BOX, keel, RED, 0.1, np.random.default_rng(1), "keel")
    _, frame = drawn(solids, beside(20.0, 3.0, 1.4, pitch_rad=0.3))
    middle = frame.object[:, CAMERA.width_px // 2]
    assert (middle > 0).sum() > 3
    assert {PLATING} < set(np.unique(frame.object))
    assert frame.depth_m[frame.object > 0].min() < 1.3


def test_the_scene_of_a_ship_has_all_of_it_and_truth_tells_what_hides_a_parcel():
    scenario = Scenario(parcels=(parcel(attach="rope"), parcel(inside=None, station_m=30.0, attach="magnet")))
    stated = ship(CHEST)
    scene, _ = build_scene(scenario, stated, HULL)
    sources = [each.source for each in scene.solids]
    assert {"rudder", "rudder stock", "sole piece", "shaft boss", "propeller", "fitting 0", "fitting 0 box"} <= set(
        sources
    )
    assert {each.label for each in scene.solids if each.source.endswith("box")} == {None}
    assert {each.label for each in scene.solids if each.opening and "box" not in each.source} == {"outlet", "grating"}
    assert {"tunnel 0 bore", "tunnel 0 port", "tunnel 0 starboard"} <= set(sources)
    hidden, open_ = hidden_shares(scenario, stated, HULL)
    assert 0.15 < hidden < 0.7
    assert open_ < 0.02


# ---------------------------------------------------------------- met and touched


@pytest.fixture(scope="module")
def place() -> World:
    return World(stated_ship(), HULL, Scenario(), np.random.default_rng(1))


def ned(place: World, point: Array) -> tuple[float, float, float]:
    n, e, d = place.ship_pose.to_ned(np.asarray(point, dtype=float)).tolist()
    return n, e, d


def keel_edge(fitted: FittedShip) -> tuple[Array, Array]:
    """A point of the starboard keel's outer edge at its middle, and the way off the plating there."""
    keel = next(each.fitting for each in fitted.keels if each.fitting.side == "starboard")
    at = np.array([keel.station_m])
    girth = HULL.girth_to_depth(at, np.array([keel.depth_m]))
    sides = np.array([1], dtype=np.int8)
    root, normal = HULL.point(sides, at, girth)[0], HULL.normal(sides, at, girth)[0]
    return root + keel.size_m[1] * normal, normal


def test_beams_meet_rudder_propeller_and_keel_and_pass_beside_them(place):
    gear = place.fitted.gear
    assert gear is not None
    chord = gear.rudder_m[1] - gear.rudder_m[0]
    port = np.array([place.direction_to_ned((0, -1, 0))])
    rudder = place.cast(ned(place, [gear.rudder_m[1] - 0.3 * chord, 2.0, gear.shaft_depth_m]), port, 10.0)
    assert rudder.kind[0] == HIT_SHIP
    assert rudder.distance_m[0] == pytest.approx(2 - 0.085 * chord * 0.94, abs=0.03)
    assert rudder.incidence[0] > 0.9
    hub = place.cast(ned(place, [gear.propeller_m, 2.0, gear.shaft_depth_m]), port, 10.0)
    assert 1.95 - gear.radius_m < hub.distance_m[0] < 2.05 - 0.18 * gear.radius_m  # a blade or the hub
    aft = place.cast(ned(place, [gear.rudder_m[0] - 0.5, 2.0, gear.shaft_depth_m]), port, 3.0)
    assert aft.kind[0] != HIT_SHIP
    edge, normal = keel_edge(place.fitted)
    beam = np.array([place.direction_to_ned(tuple((-normal).tolist()))])
    keel = place.cast(ned(place, edge + normal), beam, 10.0)
    assert keel.distance_m[0] == pytest.approx(1.0, abs=0.05)
    beside_it = place.cast(ned(place, edge + normal + [0, -0.1 * normal[2], 0.1 * normal[1]]), beam, 10.0)
    assert beside_it.distance_m[0] > 1.15


def pushed(
    place: World, start: Array, push_ship: tuple[float, float, float], steps: int = 1000
) -> tuple[Array, Contacts]:
    """Where a vehicle ends up that a constant force (ship frame, N) pushes; it keeps its heading."""
    heading = place.ship_pose.heading_rad - pi / 2
    vehicle = RigidBody(MODELS["nominal"], ned(place, start), heading)
    contacts = Contacts(place)
    for step in range(steps):
        force = vehicle.to_body(place.direction_to_ned(push_ship))
        held, turned = contacts.step(vehicle, step * STEP_S)
        roll, pitch, yaw = vehicle.euler_rad
        torque = (
            turned[0] - 60 * vehicle.roll_rate - 200 * roll,
            turned[1] - 60 * vehicle.pitch_rate - 200 * pitch,
            turned[2] - 60 * vehicle.yaw_rate - 200 * (yaw - heading),
        )
        total = tuple(a + b for a, b in zip(force, held, strict=True))
        vehicle.step(total, torque, STILL)
    return np.array(place.to_ship(vehicle.position)), contacts


@pytest.mark.parametrize("push_n", [15.0, 80.0], ids=["gently", "hard"])
def test_the_rudder_stops_a_vehicle_from_the_side(place, push_n):
    gear = place.fitted.gear
    assert gear is not None
    chord = gear.rudder_m[1] - gear.rudder_m[0]
    start = np.array([gear.rudder_m[1] - 0.5 * chord, 1.2, gear.shaft_depth_m])
    end, contacts = pushed(place, start, (0.0, -push_n, 0.0))
    assert contacts.count >= 1
    assert end[1] > SIZE_M[0] / 2  # not through it
    assert -0.05 < contacts.min_clearance_m <= 0.0


def test_a_bilge_keel_stops_a_vehicle_that_rises_under_it(place):
    edge, normal = keel_edge(place.fitted)
    start = edge + np.array([0.0, -0.1 * normal[1], 0.6])
    end, contacts = pushed(place, start, (0.0, 0.0, -15.0))
    assert contacts.count >= 1
    assert end[2] > edge[2] + 0.05
    bare = World(stated_ship(), HULL, Scenario(), np.random.default_rng(1))
    bare.obstacles._rays = None
    freely, _ = pushed(bare, start, (0.0, 0.0, -15.0))
    assert freely[2] < end[2] - 0.05  # without the keel it rises higher


def test_blades_are_touched(place):
    gear = place.fitted.gear
    assert gear is not None
    beside_it = np.array([gear.propeller_m, 0.8 + gear.radius_m, gear.shaft_depth_m])
    end, contacts = pushed(place, beside_it, (0.0, -20.0, 0.0))
    assert contacts.count >= 1
    assert end[1] > SIZE_M[0] / 2


@pytest.mark.parametrize(
    ("ahead_m", "out_m", "distance_m"),
    [
        pytest.param(0.0, 0.0, 0.0, id="in the middle of the disc"),
        pytest.param(2.0, 0.5, 2.0, id="ahead of it"),
        pytest.param(0.0, 1.5, 1.5, id="beside it"),
        pytest.param(-3.0, 4.0, 5.0, id="aft of it and beside"),
    ],
)
def test_the_way_to_the_propeller_is_that_to_the_disc_it_sweeps(place, ahead_m, out_m, distance_m):
    gear = place.fitted.gear
    assert gear is not None
    beyond = gear.radius_m if ahead_m != 2.0 and out_m > 0 else 0.0
    at = (gear.propeller_m + ahead_m, out_m + beyond, gear.shaft_depth_m)
    assert place.fitted.to_propeller_m(*at) == pytest.approx(distance_m)
    assert replace(place.fitted, gear=None).to_propeller_m(*at) == np.inf


def test_the_nearest_obstacle_counts_for_the_clearance(place):
    edge, normal = keel_edge(place.fitted)
    vehicle = RigidBody(
        MODELS["nominal"], ned(place, edge + np.array([0.0, 0.9, 0.0])), place.ship_pose.heading_rad - pi / 2
    )
    contacts = Contacts(place)
    contacts.look(vehicle, 0.0)
    assert contacts.clearance_m == pytest.approx(0.9 - SIZE_M[0] / 2, abs=0.1)
    assert normal[1] > 0.2
