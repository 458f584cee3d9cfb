"""The hull surface against closed forms, and its coordinates both ways."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullscan.errors import InputError
from hullscan.ship.fittings import Fitting, assumed_dock_blocks, assumed_fittings, fitting_point
from hullscan.ship.form import BulkCarrier, build_hull
from hullscan.ship.surface import HullSurface, side_name, side_sign

BOX_L, BOX_B, BOX_T = 40.0, 8.0, 3.0
RADIUS = 4.0
WIGLEY_L, WIGLEY_B, WIGLEY_T = 20.0, 2.0, 1.25


def box() -> HullSurface:
    section = np.array([[BOX_B / 2, -1.0], [BOX_B / 2, BOX_T], [0.0, BOX_T]])
    return HullSurface.from_sections(np.linspace(0, BOX_L, 41), lambda _: section, wet_rows=141)


def cylinder() -> HullSurface:
    angle = np.linspace(0, np.pi / 2, 400)
    section = np.column_stack([RADIUS * np.cos(angle), RADIUS * np.sin(angle)])
    return HullSurface.from_sections(np.linspace(0, 30, 31), lambda _: section, wet_rows=200)


def wigley() -> HullSurface:
    def section(station_m: float) -> np.ndarray:
        z = np.linspace(0, WIGLEY_T, 200)
        xi = 2 * station_m / WIGLEY_L - 1
        y = WIGLEY_B / 2 * (1 - xi**2) * (1 - (z / WIGLEY_T) ** 2)
        return np.column_stack([y, z])

    return HullSurface.from_sections(np.linspace(0, WIGLEY_L, 401), section, wet_rows=200)


def bulk() -> HullSurface:
    return build_hull(BulkCarrier(length_m=52, beam_m=10.5, draught_fwd_m=4.6, draught_aft_m=4.8))


HULLS = {"box": box(), "half cylinder": cylinder(), "Wigley hull": wigley(), "bulk carrier": bulk()}


@pytest.mark.parametrize(
    ("hull", "volume", "area"),
    [
        pytest.param(
            "box", BOX_L * BOX_B * BOX_T, BOX_L * (BOX_B + 2 * BOX_T), id="a box displaces length x beam x draught"
        ),
        pytest.param(
            "half cylinder",
            np.pi * RADIUS**2 / 2 * 30,
            np.pi * RADIUS * 30,
            id="a half cylinder displaces half a circle",
        ),
        # 4/9 L B T: integral of Wigley's parabolas
        pytest.param(
            "Wigley hull", 4 / 9 * WIGLEY_L * WIGLEY_B * WIGLEY_T, None, id="a Wigley hull displaces 4/9 L B T"
        ),
    ],
)
def test_volume_and_area_match_the_closed_form(hull: str, volume: float, area: float | None) -> None:
    assert HULLS[hull].volume_m3 == pytest.approx(volume, rel=2e-3)
    if area is not None:
        assert HULLS[hull].wetted_area_m2 == pytest.approx(area, rel=2e-3)


def test_a_bulk_carrier_is_full() -> None:
    block = HULLS["bulk carrier"].volume_m3 / (52 * 10.5 * 4.7)
    assert 0.72 < block < 0.86


@pytest.mark.parametrize("name", HULLS)
@settings(max_examples=40, deadline=None)
@given(share=st.floats(0.03, 0.97), down=st.floats(0.0, 1.0), side=st.sampled_from([-1, 1]))
def test_coordinates_survive_the_round_trip(name: str, share: float, down: float, side: int) -> None:
    hull = HULLS[name]
    station = np.array([hull.stations_m[0] + share * hull.length_m])
    girth = down * hull.total_girth(station)
    sides = np.array([side], dtype=np.int8)
    point = hull.point(sides, station, girth)
    located = hull.locate(point)
    back = hull.point(located.side, located.station_m, located.girth_m)
    assert np.linalg.norm(back - point) < 1e-6
    if abs(point[0, 1]) > 1e-9:
        assert located.side[0] == side
        assert located.girth_m[0] == pytest.approx(girth[0], abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(x=st.floats(2, 38), z=st.floats(0.2, 2.5), away=st.floats(0.05, 3.0), side=st.sampled_from([-1, 1]))
def test_nearest_point_and_ray_agree_beside_a_box(x: float, z: float, away: float, side: int) -> None:
    hull = HULLS["box"]
    eye = np.array([[x, side * (BOX_B / 2 + away), z]])
    point, distance, normal = hull.nearest(eye)
    assert distance[0] == pytest.approx(away, abs=2e-3)
    assert normal[0] == pytest.approx([0, side, 0], abs=1e-6)
    met = hull.cast(eye, np.array([[0.0, -side, 0.0]]))
    assert met.hit[0]
    assert met.distance_m[0] == pytest.approx(away, abs=1e-3)
    assert point[0] == pytest.approx(met.points_m[0], abs=5e-3)


@settings(max_examples=60, deadline=None)
@given(x=st.floats(2, 28), angle=st.floats(0.05, 1.5), away=st.floats(0.1, 5.0), side=st.sampled_from([-1, 1]))
def test_normals_of_a_cylinder_point_from_its_axis(x: float, angle: float, away: float, side: int) -> None:
    hull = HULLS["half cylinder"]
    outward = np.array([0.0, side * np.cos(angle), np.sin(angle)])
    eye = np.array([[x, 0, 0]]) + outward * (RADIUS + away)
    point, distance, normal = hull.nearest(eye)
    assert distance[0] == pytest.approx(away, abs=5e-3)
    assert np.linalg.norm(normal[0] - outward) < 0.02
    met = hull.cast(eye, -outward[None])
    assert met.distance_m[0] == pytest.approx(away, abs=5e-3)
    girth = hull.locate(point).girth_m[0]
    assert girth == pytest.approx(RADIUS * angle, abs=0.02)


def test_rays_that_miss_say_so() -> None:
    hull = HULLS["box"]
    met = hull.cast(
        np.array([[20.0, 10.0, 1.0], [20.0, 10.0, 1.0]]), np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]]), 3.0
    )
    assert not met.hit.any()
    assert np.isinf(met.distance_m).all()
    assert np.isnan(met.points_m).all()


@pytest.mark.parametrize("name", ["box", "half cylinder"])
def test_unrolled_hull_keeps_its_area(name: str) -> None:
    hull = HULLS[name]
    station = np.linspace(hull.stations_m[0], hull.stations_m[-1], 200)
    girth = hull.total_girth(station)
    starboard = np.ones(200, dtype=np.int8)
    unrolled = hull.unroll(starboard, station, np.zeros(200))
    area = 2 * np.trapezoid(-unrolled[:, 1], unrolled[:, 0])
    assert area == pytest.approx(hull.wetted_area_m2, rel=5e-3)
    assert -unrolled[:, 1] == pytest.approx(girth)


def test_port_is_drawn_above_the_keel_line() -> None:
    hull = HULLS["box"]
    drawn = hull.unroll(np.array([1, -1], dtype=np.int8), np.array([10.0, 10.0]), np.array([0.0, 0.0]))
    assert drawn[0, 1] < 0 < drawn[1, 1]


def test_depth_on_the_side_of_a_box_is_its_girth() -> None:
    hull = HULLS["box"]
    assert hull.girth_to_depth(np.array([5.0, 9.0]), np.array([1.0, 2.5])) == pytest.approx([1.0, 2.5], abs=1e-6)
    assert hull.keel_depth(np.array([5.0])) == pytest.approx([BOX_T])


@pytest.mark.parametrize("side", ["port", "starboard"])
def test_sides_have_a_sign_and_a_name(side: str) -> None:
    assert side_name(side_sign(side)) == side  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        pytest.param({"depth_m": 3.0}, "must exceed the draught", id="a deck under water is refused"),
        pytest.param(
            {"bilge_radius_m": 4.9, "beam_m": 8.0},
            "larger than the half beam",
            id="a bilge larger than the half beam is refused",
        ),
    ],
)
def test_impossible_forms_are_refused(form: dict[str, float], message: str) -> None:
    base = {"length_m": 52.0, "beam_m": 10.5, "draught_fwd_m": 4.6, "draught_aft_m": 4.8}
    with pytest.raises(InputError, match=message):
        build_hull(BulkCarrier(**{**base, **form}))


def test_a_surface_needs_increasing_stations() -> None:
    grid = np.zeros((2, 5, 3))
    with pytest.raises(InputError):
        HullSurface(np.array([1.0, 1.0]), grid, 1)
    with pytest.raises(ValueError, match="expected grid"):
        HullSurface(np.array([1.0, 2.0, 3.0]), grid, 1)


def test_assumed_fittings_lie_on_both_sides_and_say_that_they_are_assumed() -> None:
    hull = HULLS["bulk carrier"]
    fittings = assumed_fittings(hull, 52.0)
    assert {fitting.side for fitting in fittings} == {"port", "starboard"}
    assert {"sea_chest", "anode", "outlet", "bilge_keel"} == {fitting.kind for fitting in fittings}
    assert all(fitting.assumed for fitting in fittings)
    for fitting in fittings:
        point, normal, girth = fitting_point(hull, fitting)
        assert point[2] == pytest.approx(fitting.depth_m, abs=0.02)
        assert np.sign(point[1]) == side_sign(fitting.side)
        assert np.linalg.norm(normal) == pytest.approx(1.0)
        assert girth > 0


def test_marks_of_dock_blocks_lie_on_the_flat_bottom_on_both_sides_in_rows() -> None:
    hull = HULLS["bulk carrier"]
    blocks = assumed_dock_blocks(hull)
    assert {(block.kind, block.assumed) for block in blocks} == {("dock_block", True)}
    assert sum(block.side == "port" for block in blocks) == len(blocks) / 2 > 4
    assert len({block.from_keel_m for block in blocks}) == 2
    for block in blocks:
        point, normal, _ = fitting_point(hull, block)
        assert normal[2] > 0.98
        assert abs(point[1]) == pytest.approx(block.from_keel_m, abs=0.02)
        assert point[1] * side_sign(block.side) > 0
        assert point[2] == pytest.approx(block.depth_m, abs=0.02)


def test_a_fitting_on_the_bottom_is_placed_from_the_centre_line() -> None:
    hull = HULLS["bulk carrier"]
    stated = Fitting(kind="dock_block", side="port", station_m=26.0, depth_m=4.0, size_m=(0.4, 1.2), from_keel_m=1.5)
    point, normal, _ = fitting_point(hull, stated)
    assert point[:2] == pytest.approx([26.0, -1.5], abs=0.02)
    assert normal[2] > 0.98
