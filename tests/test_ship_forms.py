"""Parametric forms: coordinates both ways, areas, normals, closed forms, over the whole range of dimensions."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy import integrate

from hullscan.errors import InputError
from hullscan.search.cells import HullCells
from hullscan.ship.form import (
    Barge,
    BulkCarrier,
    Coaster,
    ContainerShip,
    FishingVessel,
    RoRo,
    Tanker,
    Wigley,
    build_hull,
    form_kind,
)
from hullscan.ship.frames import FrameAt, FrameSpacing, frame_at, frames_fault
from hullscan.ship.hydrostatics import USUAL_BLOCK, hydrostatics
from hullscan.ship.marks import DraughtMark, mark_point, read_draughts
from hullscan.ship.surface import HullSurface

FORMS: dict[str, Any] = {
    "tanker": Tanker(type="tanker", length_m=110, beam_m=18, draught_fwd_m=6.5, draught_aft_m=6.9),
    "tanker with a bulb": Tanker(
        type="tanker", length_m=110, beam_m=18, draught_fwd_m=6.5, draught_aft_m=6.9, bulb=True
    ),
    "container ship": ContainerShip(type="container_ship", length_m=150, beam_m=23, draught_fwd_m=8, draught_aft_m=8.4),
    "container ship in ballast, bulb half out": ContainerShip(
        type="container_ship", length_m=140, beam_m=22, draught_fwd_m=4, draught_aft_m=5.5, design_draught_m=8
    ),
    "container ship with a list": ContainerShip(
        type="container_ship", length_m=140, beam_m=22, draught_fwd_m=7.5, draught_aft_m=8, list_deg=2
    ),
    "ro-ro": RoRo(type="ro_ro", length_m=120, beam_m=20, draught_fwd_m=5, draught_aft_m=5.2),
    "coaster": Coaster(type="coaster", length_m=80, beam_m=12.5, draught_fwd_m=5, draught_aft_m=5.2),
    "fishing vessel": FishingVessel(type="fishing_vessel", length_m=28, beam_m=8, draught_fwd_m=2.8, draught_aft_m=3.4),
    "barge": Barge(type="barge", length_m=60, beam_m=12, draught_fwd_m=2, draught_aft_m=2.2),
    "Wigley hull": Wigley(type="wigley", length_m=100, beam_m=10, draught_fwd_m=6.25, draught_aft_m=6.25),
    "bulk carrier with a list": BulkCarrier(length_m=60, beam_m=11, draught_fwd_m=3.6, draught_aft_m=3.9, list_deg=-3),
}


# taken from the surface as it was when the demo was flown and the detector trained
BULK_SHAPE = (356, 109, 3)
BULK_SUM = 1177269.7412775103
BULK_POINTS = {
    (10, 40): (-1.174577, 0.09620177865749821, 0.002239122833494811),
    (178, 90): (26.173333, 1.74717147413077, 4.6993333346153845),
    (326, 60): (51.925671, 0.22464819408738765, 0.38615172115549007),
}


LARGE = {
    "container ship of 366 m": ContainerShip(
        type="container_ship", length_m=366, beam_m=51, draught_fwd_m=14, draught_aft_m=14.5
    ),
    "tanker of 330 m": Tanker(type="tanker", length_m=330, beam_m=60, draught_fwd_m=21, draught_aft_m=21, bulb=True),
}


@cache
def hull_of(name: str) -> HullSurface:
    return build_hull((FORMS | LARGE)[name])


def wet_points(hull: HullSurface, count: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """Points of the triangles that rays meet, evenly by area, and the normals of the triangles."""
    corners = hull.vertices_m[hull.faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(cross, axis=1) * (corners[:, :, 2].mean(axis=1) > 0)
    rng = np.random.default_rng(3)
    face = rng.choice(len(area), count, p=area / area.sum())
    points = (corners[face] * rng.dirichlet((1, 1, 1), count)[:, :, None]).sum(axis=1)
    wet = points[:, 2] > 0
    return points[wet], (cross[face] / np.linalg.norm(cross[face], axis=1, keepdims=True))[wet]


@pytest.mark.parametrize("name", [*FORMS, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)])
def test_a_point_and_its_coordinates_are_one(name: str) -> None:
    hull = hull_of(name)
    points, flat = wet_points(hull)
    found = hull.locate(points)
    back = hull.point(found.side, found.station_m, found.girth_m)
    assert np.quantile(np.linalg.norm(back - points, axis=1), 0.999) < 0.01
    normals = hull.normal(found.side, found.station_m, found.girth_m)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(np.ones(len(normals)))
    assert ((normals * flat).sum(axis=1) > 0).mean() > 0.999


@pytest.mark.parametrize("name", FORMS)
def test_cells_of_the_unrolled_hull_add_up_to_the_wetted_area(name: str) -> None:
    hull = hull_of(name)
    cells = HullCells(hull)
    assert float(cells.area_m2.sum()) == pytest.approx(hull.wetted_area_m2, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "within_m"),
    [
        pytest.param("barge", 0.01, id="the flat end of a barge"),
        # where the edge runs out flat, a step of girth is a long way across: 3 cm at most, on a fifth of a square metre
        pytest.param("container ship with a list", 0.03, id="the sliver that a list dips"),
        pytest.param("fishing vessel", 0.03, id="the rounded stern of a fishing vessel"),
    ],
)
def test_a_transom_is_cut_into_cells_that_lie_on_it(name: str, within_m: float) -> None:
    hull = hull_of(name)
    cells = HullCells(hull)
    on = cells.across_end
    assert float(cells.area_m2[on].sum()) == pytest.approx(hull.flat_end_area_m2)
    back = hull.locate(cells.points_m[on])
    assert (back.side == cells.side[on]).all()
    placed = hull.point(back.side, back.station_m, back.girth_m)
    assert np.linalg.norm(placed - cells.points_m[on], axis=1).max() < within_m
    assert np.abs(cells.normals[on][:, 0]).min() == 1.0
    sides = {side: cells.within(side, (-1e3, 1e3), (-1.0, 1e3)) for side in (1, -1)}
    assert not (sides[1] | sides[-1])[on].any()  # it is no part of a side
    assert ((sides[1] | sides[-1]) == ~on).all()


@pytest.mark.parametrize("name", [name for name in FORMS if "list" not in name and "ballast" not in name])
def test_the_block_coefficient_is_usual_for_the_class(name: str) -> None:
    low, high = USUAL_BLOCK[form_kind(FORMS[name])]
    figures = hydrostatics(hull_of(name))
    assert low <= figures.block <= high
    assert figures.block < figures.midship
    assert 0.3 * figures.length_m < figures.centre_m < 0.7 * figures.length_m


def test_the_bulk_carrier_is_the_one_that_was_flown_and_trained_with() -> None:
    hull = build_hull(BulkCarrier(length_m=52, beam_m=10.5, draught_fwd_m=4.6, draught_aft_m=4.8))
    assert hull.grid_m.shape == BULK_SHAPE
    for (row, column), point in BULK_POINTS.items():
        assert hull.grid_m[row, column] == pytest.approx(point, abs=1e-9)
    assert float(hull.grid_m.sum()) == pytest.approx(BULK_SUM, abs=1e-6)


def test_the_bulb_reaches_ahead_of_the_forward_perpendicular_and_stands_free() -> None:
    hull = hull_of("container ship")
    length = FORMS["container ship"].length_m
    ahead = np.array([length + 2.0])
    girth = float(hull.total_girth(ahead)[0])
    assert girth > 4
    around = hull.point(np.ones(50, np.int8), np.repeat(ahead, 50), np.linspace(0, girth, 50))
    assert around[0, 1] == pytest.approx(0, abs=1e-6)
    assert around[-1, 1] == pytest.approx(0, abs=1e-6)
    assert 0 < around[0, 2] < around[-1, 2]
    # between the bulb and the stem above it there is water: a ray across passes
    just_above = np.array([[length + 0.5, 30.0, around[0, 2] / 3]])
    assert not hull.cast(just_above, np.array([[0.0, -1.0, 0.0]])).hit[0]
    through = np.array([[length + 2.0, 30.0, around[25, 2]]])
    met = hull.cast(through, np.array([[0.0, -1.0, 0.0]]))
    assert met.hit[0]
    assert met.points_m[0, 1] == pytest.approx(around[:, 1].max(), abs=0.05)


def test_a_box_barge_is_a_box() -> None:
    form = Barge(
        type="barge", length_m=60, beam_m=12, draught_fwd_m=2, draught_aft_m=2,
        bow_rake_m=0, stern_rake_m=0, bilge_radius_m=0,
    )  # fmt: skip
    hull = build_hull(form)
    assert hull.volume_m3 == pytest.approx(60 * 12 * 2, rel=1e-3)
    assert hull.wetted_area_m2 == pytest.approx(60 * (12 + 4) + 2 * 12 * 2, rel=1e-3)
    assert hull.flat_end_area_m2 == pytest.approx(2 * 12 * 2, rel=2e-3)
    transom = hull.locate(np.array([[0.0, 3.0, 1.0], [-0.3, -4.0, 0.5]]))
    back = hull.point(transom.side, transom.station_m, transom.girth_m)
    assert back == pytest.approx(np.array([[0.0, 3.0, 1.0], [0.0, -4.0, 0.5]]), abs=0.01)
    assert hull.normal(transom.side, transom.station_m, transom.girth_m)[:, 0] == pytest.approx([-1, -1], abs=1e-3)
    astern = hull.cast(np.array([[-5.0, 2.0, 1.0]]), np.array([[1.0, 0.0, 0.0]]))
    assert astern.distance_m[0] == pytest.approx(5.0, abs=0.01)


@settings(max_examples=8, deadline=None)
@given(length=st.floats(10, 300), to_beam=st.floats(5, 12), to_draught=st.floats(1.2, 3))
def test_a_wigley_hull_is_known_in_closed_form(length: float, to_beam: float, to_draught: float) -> None:
    beam = length / to_beam
    draught = beam / to_draught
    assume(0.1 < draught < 30)
    hull = build_hull(Wigley(type="wigley", length_m=length, beam_m=beam, draught_fwd_m=draught, draught_aft_m=draught))
    assert hull.volume_m3 == pytest.approx(4 / 9 * length * beam * draught, rel=2e-3)
    a, b = beam / length, beam / draught

    def slope(down: float, along: float) -> float:  # of the surface, both over -1..1 and 0..1
        dx, dz = -2 * along * (1 - down**2) * a, -2 * down * (1 - along**2) * b / 2
        return float(np.sqrt(1 + dx**2 + dz**2))

    area, _ = integrate.dblquad(slope, -1, 1, 0, 1, epsabs=1e-4)
    assert hull.wetted_area_m2 == pytest.approx(2 * area * length / 2 * draught, rel=3e-3)


def test_a_list_turns_her_about_the_waterline() -> None:
    upright = build_hull(Barge(type="barge", length_m=60, beam_m=12, draught_fwd_m=2, draught_aft_m=2))
    listed = build_hull(Barge(type="barge", length_m=60, beam_m=12, draught_fwd_m=2, draught_aft_m=2, list_deg=3))
    # wall-sided, so that what sinks on one side rises on the other
    assert listed.volume_m3 == pytest.approx(upright.volume_m3, rel=3e-3)
    lift = 6 * np.sin(np.radians(3))
    middle = np.array([30.0])
    assert float(listed.total_girth(middle, "starboard")[0]) > float(listed.total_girth(middle, "port")[0]) + lift
    keel = listed.point(np.array([1, -1], np.int8), np.repeat(middle, 2), np.array([99.0, 99.0]))
    assert keel[0] == pytest.approx(keel[1], abs=1e-6)
    assert keel[0, 1] == pytest.approx(-2 * np.sin(np.radians(3)), abs=1e-6)
    point, distance, normal = listed.nearest(np.array([[30.0, 9.0, 1.0], [30.0, -9.0, 1.0], [30.0, -0.05, 4.0]]))
    assert (np.sign(normal[:2, 1]) == [1, -1]).all()
    assert normal[2, 2] > 0.99
    assert distance[2] == pytest.approx(4 - point[2, 2], abs=0.1)


def wide(kind: type[Any], name: str, beam: tuple[float, float], draught: tuple[float, float], **more: Any) -> Any:
    return pytest.param(kind, name, beam, draught, more, id=f"any {name.replace('_', ' ')}")


ANY = [
    wide(Tanker, "tanker", (5, 80), (0.51, 30), length=(30, 450)),
    wide(ContainerShip, "container_ship", (10, 80), (0.51, 30), length=(60, 450)),
    wide(RoRo, "ro_ro", (8, 50), (0.51, 15), length=(40, 300)),
    wide(Coaster, "coaster", (4, 25), (0.31, 12), length=(20, 140)),
    wide(FishingVessel, "fishing_vessel", (2.5, 22), (0.31, 12), length=(8, 120)),
    wide(Barge, "barge", (3, 60), (0.31, 12), length=(8, 200)),
    wide(Wigley, "wigley", (0.2, 80), (0.11, 30), length=(2, 450)),
]


@pytest.mark.parametrize(("kind", "name", "beam", "draught", "more"), ANY)
@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data())
def test_any_dimensions_give_a_hull_or_a_reason(
    kind: type[Any], name: str, beam: tuple[float, float], draught: tuple[float, float], more: Any, data: Any
) -> None:
    aft = data.draw(st.floats(*draught))
    stated = {
        "type": name,
        "length_m": data.draw(st.floats(*more["length"])),
        "beam_m": data.draw(st.floats(*beam)),
        "draught_aft_m": aft,
        "draught_fwd_m": min(max(aft * data.draw(st.floats(0.7, 1.3)), draught[0]), draught[1]),
        "list_deg": data.draw(st.sampled_from([0.0, 0.0, -5.0, 12.0])),
    }
    try:
        hull = build_hull(kind(**stated), station_step_m=stated["length_m"] / 50)
    except InputError as error:
        assert error.where == "ship.form"  # noqa: PT017  proportions that no ship has
        return
    assert np.isfinite(hull.vertices_m).all()
    assert np.linalg.norm(hull.vertex_normals, axis=1) == pytest.approx(np.ones(len(hull.vertex_normals)))
    assert hull.wetted_area_m2 > 0
    assert hull.volume_m3 > 0
    points, flat = wet_points(hull, 1500)
    found = hull.locate(points)
    back = hull.point(found.side, found.station_m, found.girth_m)
    assert np.quantile(np.linalg.norm(back - points, axis=1), 0.99) < 1e-3 * hull.length_m  # coarse
    normals = hull.normal(found.side, found.station_m, found.girth_m)
    assert np.isfinite(normals).all()
    assert ((normals * flat).sum(axis=1) > 0).mean() > 0.99
    # outward: the triangles enclose the displaced volume
    assert (points * flat).sum() > 0


@pytest.mark.parametrize(
    ("form", "message"),
    [
        pytest.param(
            Tanker(type="tanker", length_m=30, beam_m=30, draught_fwd_m=5, draught_aft_m=5),
            "times the beam",
            id="a tanker as broad as long",
        ),
        pytest.param(
            Coaster(type="coaster", length_m=80, beam_m=12, draught_fwd_m=5, draught_aft_m=5, depth_m=4),
            "must exceed the draught",
            id="a deck under water",
        ),
        pytest.param(
            Barge(type="barge", length_m=60, beam_m=12, draught_fwd_m=1, draught_aft_m=9),
            "0.09 of the length",
            id="a barge standing on end",
        ),
        pytest.param(
            ContainerShip(
                type="container_ship", length_m=200, beam_m=30, draught_fwd_m=10, draught_aft_m=10, bulb_height_m=11
            ),
            "bulb_height_m",
            id="a bulb as high as the waterline",
        ),
    ],
)
def test_forms_that_contradict_themselves_are_refused(form: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_hull(form)


def test_frames_have_numbers_by_rule_and_by_table() -> None:
    assert frame_at(None, 12.0) is None
    rule = FrameSpacing(spacing_m=0.6, first_number=-3, first_station_m=-1.8)
    assert frame_at(rule, 6.0) == pytest.approx(10)
    aft = FrameSpacing(spacing_m=0.6, first_number=0, first_station_m=60.0, forward=False)
    assert frame_at(aft, 54.0) == pytest.approx(10)
    table = (FrameAt(number=10, station_m=6.0), FrameAt(number=0, station_m=0.0), FrameAt(number=20, station_m=14.0))
    assert frame_at(table, 3.0) == pytest.approx(5)
    assert frame_at(table, 10.0) == pytest.approx(15)
    assert frame_at(table, 18.0) == pytest.approx(25)
    assert frames_fault(table) == ""
    assert "two frames" in frames_fault(table[:1])
    assert "steadily" in frames_fault((*table, FrameAt(number=3, station_m=20.0)))


def test_draught_marks_stand_where_their_height_is_and_tell_the_draught() -> None:
    hull = hull_of("coaster")
    place = mark_point(hull, DraughtMark(side="port", station_m=40.0), 2.0)
    assert place[2] == pytest.approx(float(hull.dimensions.draught_at(np.array([40.0]))[0]) - 2.0, abs=1e-3)
    assert place[1] < 0
    read = read_draughts(
        (
            DraughtMark(side="port", station_m=0.0, read_m=5.3),
            DraughtMark(side="starboard", station_m=0.0, read_m=5.1),
            DraughtMark(side="port", station_m=80.0, read_m=5.0),
        ),
        80.0,
    )
    assert read == pytest.approx((5.0, 5.2))
    assert read_draughts((DraughtMark(side="port", station_m=0.0, read_m=5.3),), 80.0) is None
