"""What is one object and what is two, how large it is and where it lies: from boxes of whole things and of parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_findings import BOX, CAMERA, view

from hullscan.findings.geotag import HullFix, geotag
from hullscan.findings.merge import Finding, FindingRules, merge_fixes
from hullscan.findings.outline import outline_of_box, plating_axes
from hullscan.findings.sightings import Sighting
from hullscan.findings.viewpoint import Viewpoint
from hullscan.geometry.frames import Pose
from hullscan.mission.vehicle import BLUEROV2_HEAVY

HEIGHT_M = 0.24
RULES = FindingRules(min_score=0.4, min_views=3)


@dataclass(frozen=True)
class Thing:
    """A block on the plating of the box ship; parts are shares of its length that a detector boxes by themselves."""

    x: float
    z: float
    length: float
    width: float = 0.25

    def part(self, begin: float, end: float) -> Thing:
        return replace(self, x=self.x + ((begin + end) / 2 - 0.5) * self.length, length=(end - begin) * self.length)

    def box(self, seen_from: Viewpoint) -> tuple[float, float, float, float] | None:
        """Of its picture, cut off where that ends; None when too little is left."""
        corners = np.array(
            [
                [self.x + i * self.length / 2, 4.0 + off, self.z + j * self.width / 2]
                for i in (-1, 1)
                for j in (-1, 1)
                for off in (0.0, HEIGHT_M)
            ]
        )
        pixels = CAMERA.project(seen_from.camera_ship.to_body(corners))
        low = np.clip(pixels.min(axis=0), 0, [CAMERA.width_px, CAMERA.height_px])
        high = np.clip(pixels.max(axis=0), 0, [CAMERA.width_px, CAMERA.height_px])
        return None if (high - low).min() < 12 else (low[0], low[1], high[0], high[1])


def lane(
    z: float,
    *boxed: tuple[Thing, float],
    x: tuple[float, float] = (17.5, 22.5),
    t0: float = 0.0,
    away: float = 1.5,
    off: tuple[float, float] = (0.0, 0.0),
    each: int = 1,
) -> list[HullFix]:
    """One pass at a depth: a look each 0.1 m, each of ``boxed`` in every look that shows it, with its score.

    Args:
        off: how far along and down the ship is believed to be beside where she is.
        each: the last one only in one look in so many.
    """
    rng = np.random.default_rng(round(100 * z + t0))
    fixes = []
    for number, station in enumerate(np.arange(*x, 0.1)):
        true = view(float(station), z, away)
        for track, (thing, score) in enumerate(boxed, start=1):
            box = thing.box(true)
            if box is None or (track == len(boxed) and number % each):
                continue
            noisy = tuple(float(edge) for edge in np.array(box) + rng.normal(size=4))
            shift = np.array([off[0], 0.0, off[1]])
            believed = replace(true, camera_ship=Pose(true.camera_ship.position_m + shift, true.camera_ship.rotation))
            seen = Sighting(
                utc_s=t0 + number * 0.4, stream_s=0.0, frame=number, label="parcel", score=score,
                box_xyxy_px=noisy, track=track + round(10 * t0), cut=False, suspect=False,
            )  # fmt: skip
            fix = geotag(seen, believed, CAMERA, BOX, BLUEROV2_HEAVY, 0.05)
            if fix is not None:
                fixes.append(fix)
    return fixes


def found(*passes: list[HullFix]) -> list[Finding]:
    return merge_fixes([fix for each in passes for fix in each], RULES)


TORPEDO = Thing(20.0, 2.5, 1.1)
FIN, NOSE = TORPEDO.part(0.0, 0.2), TORPEDO.part(0.75, 1.0)
ONE = [
    pytest.param([lane(2.5, (TORPEDO, 0.8))], id="a long thing that is boxed whole"),
    pytest.param([lane(2.5, (TORPEDO, 0.8), away=0.75)], id="a thing that no picture shows from end to end"),
    pytest.param([lane(2.5, (TORPEDO, 0.4), (NOSE, 0.8))], id="a thing that is boxed whole, and better by its nose"),
    pytest.param(
        [lane(2.0, (TORPEDO, 0.6)), lane(3.2, (FIN, 0.7), t0=90, off=(0.15, 0.05))],
        id="a thing boxed whole from one lane and by its fin from the next",
    ),
    pytest.param(
        [lane(2.0, (TORPEDO, 0.6)), lane(3.2, (FIN, 0.5), (NOSE, 0.5), t0=90, off=(-0.15, 0.05), each=3)],
        id="a thing boxed whole from one lane, by fin and nose side by side from the next",
    ),
]


@pytest.mark.parametrize("passes", ONE)
def test_one_thing_is_one_finding_of_its_true_size(passes: list[list[HullFix]]) -> None:
    (finding,) = found(*passes)
    assert finding.size_m == pytest.approx(TORPEDO.length, rel=0.12)
    assert np.linalg.norm(finding.position_ship_m - [20.0, 4.0, 2.5]) < 0.15


LEFT, RIGHT = Thing(19.7, 2.5, 0.3), Thing(20.3, 2.5, 0.3)
NEAR_LEFT, NEAR_RIGHT = Thing(19.8, 2.5, 0.3), Thing(20.2, 2.5, 0.3)
BOTH = Thing(20.0, 2.5, 0.9)
ABOVE, BELOW = Thing(20.0, 2.2, 1.0), Thing(20.0, 2.8, 1.0)
TWO = [
    pytest.param([lane(2.5, (LEFT, 0.7), (RIGHT, 0.7))], id="0.6 m apart, in one picture"),
    pytest.param([lane(2.5, (NEAR_LEFT, 0.7), (NEAR_RIGHT, 0.7))], id="0.4 m apart, in one picture"),
    pytest.param(
        [lane(2.0, (LEFT, 0.7)), lane(3.0, (RIGHT, 0.7), t0=90, off=(-0.1, 0.0))],
        id="0.6 m apart, each seen from another lane",
    ),
    pytest.param(
        [lane(2.5, (LEFT, 0.7), (RIGHT, 0.7), (BOTH, 0.3), each=3)], id="0.6 m apart, now and then in one box"
    ),
    pytest.param(
        [lane(2.0, (ABOVE, 0.7)), lane(3.0, (BELOW, 0.7), t0=90)],
        id="long ones 0.6 m below each other, each seen from another lane",
    ),
]


@pytest.mark.parametrize("passes", TWO)
def test_two_things_are_two_findings(passes: list[list[HullFix]]) -> None:
    one, other = found(*passes)
    assert np.linalg.norm(one.position_ship_m - other.position_ship_m) > 0.35
    assert one.size_m == pytest.approx(other.size_m, rel=0.12)


BROAD = Thing(20.0, 2.5, 1.0, 0.9)
UPPER, LOWER = Thing(20.0, 2.1, 1.0, 0.3), Thing(20.0, 2.9, 1.0, 0.3)


def test_what_two_lanes_show_a_half_of_each_is_one_finding() -> None:
    """No picture holds it from top to bottom: each lane's is cut off where the other's goes on."""
    upper, lower = lane(1.95, (BROAD, 0.8), away=0.9), lane(3.05, (BROAD, 0.7), t0=90, away=0.9)
    halves = [found(each)[0] for each in (upper, lower)]
    assert abs(halves[1].position_ship_m[2] - halves[0].position_ship_m[2]) > RULES.join_m
    (finding,) = found(upper, lower)
    assert np.linalg.norm(finding.position_ship_m - [20.0, 4.0, 2.5]) < 0.2


def test_what_is_cut_off_only_away_from_another_thing_is_not_a_part_of_it() -> None:
    pair = found(lane(2.35, (UPPER, 0.8), away=0.9), lane(2.65, (LOWER, 0.7), t0=90, away=0.9))
    assert [bool(each.outline.whole.all()) for each in pair] == [False, False]
    assert len(pair) == 2


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(-0.6, 0.6),
    z=st.floats(-0.3, 0.3),
    length=st.floats(0.2, 1.0),
    width=st.floats(0.15, 0.4),
    away=st.floats(1.2, 2.2),
    side=st.sampled_from([-1, 1]),
)
def test_the_outline_of_a_block_is_that_of_its_foot(
    x: float, z: float, length: float, width: float, away: float, side: int
) -> None:
    """Whatever of its sides the camera sees besides: of a block of the usual height the outline is exact."""
    seen_from = view(20.0, 2.5, away, side=side)
    corners = np.array(
        [
            [20.0 + x + i * length / 2, side * (4.0 + off), 2.5 + z + j * width / 2]
            for i in (-1, 1)
            for j in (-1, 1)
            for off in (0.0, HEIGHT_M)
        ]
    )
    pixels = CAMERA.project(seen_from.camera_ship.to_body(corners))
    (x0, y0), (x1, y1) = pixels.min(axis=0), pixels.max(axis=0)
    normal = np.array([0.0, side, 0.0])
    foot = np.array([20.0 + x, side * 4.0, 2.5 + z])
    outline = outline_of_box((x0, y0, x1, y1), CAMERA, seen_from.camera_ship, foot, normal, HEIGHT_M)
    assert outline.extent_m == pytest.approx([length, width], abs=1e-6)
    assert outline.centre_m == pytest.approx([0.0, 0.0], abs=1e-6)
    inside = (x0 > 13) & (x1 < 627), (y0 > 8) & (y1 < 352)
    assert not inside[0] or outline.whole[0]
    assert not inside[1] or outline.whole[1]
    assert (x0 > 0) & (x1 < 640) or not outline.whole[0]


def test_a_flat_thing_seen_from_the_side_keeps_an_extent() -> None:
    """It is taken for a parcel, and a parcel of its box would be thinner than nothing."""
    seen_from = view(20.0, 2.5, 1.5)
    point = np.array([21.1, 4.0, 2.5])
    x, y = CAMERA.project(seen_from.camera_ship.to_body(point[None]))[0]
    outline = outline_of_box(
        (x - 8, y - 8, x + 8, y + 8), CAMERA, seen_from.camera_ship, point, np.array([0, 1.0, 0]), 0.24
    )
    assert (outline.extent_m > 0).all()


@pytest.mark.parametrize(
    ("normal", "along"),
    [
        pytest.param([0.0, 1.0, 0.0], [1, 0, 0], id="a side"),
        pytest.param([0.0, 0.0, 1.0], [1, 0, 0], id="the bottom"),
        pytest.param([-1.0, 0.0, 0.0], [0, 1, 0], id="a transom, along which is across the ship"),
    ],
)
def test_axes_lie_in_the_plating(normal: list[float], along: list[float]) -> None:
    axes = plating_axes(np.array(normal))
    assert axes[0] == pytest.approx(along)
    assert axes @ np.array(normal) == pytest.approx([0, 0])
    assert axes @ axes.T == pytest.approx(np.eye(2))
