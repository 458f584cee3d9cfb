"""Lanes, route and plan, checked independently by casting the camera's rays."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hullscan.errors import InputError
from hullscan.mission.model import Mission, load_mission
from hullscan.mission.plan import plan_mission, save_plan
from hullscan.mission.stand_off import farthest_m
from hullscan.search.cells import HullCells
from hullscan.search.pod import PRIOR_MODEL, combined_pod

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def demo() -> Mission:
    return load_mission(ROOT / "missions" / "demo.yaml")


def _changed(tmp_path: Path, old: str, new: str) -> Mission:
    text = (ROOT / "missions" / "demo.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "mission.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return load_mission(path)


def test_rays_of_the_planned_camera_cover_the_area_that_was_asked_for(demo: Mission) -> None:
    plan = plan_mission(demo)
    hit: list[np.ndarray] = []
    grid = demo.vehicle.camera.pixel_grid(30).reshape(-1, 2)
    rays = demo.vehicle.camera.rays_cam(grid)
    for leg in plan.legs:
        if leg.surveys:
            for pose in list(leg.camera_poses(demo.vehicle))[::2]:
                met = demo.hull.cast(pose.position_m, pose.directions_to_parent(rays))
                hit.append(met.points_m[met.hit])
    points = np.concatenate(hit)
    located = demo.hull.locate(points)
    cells = HullCells(demo.hull)
    seen = {(round(s / 0.25), round(g / 0.25)) for s, g in zip(located.station_m, located.girth_m, strict=True)}
    asked = plan.asked(cells)
    wanted = [
        (round(s / 0.25), round(g / 0.25)) for s, g in zip(cells.station_m[asked], cells.girth_m[asked], strict=True)
    ]
    assert sum(cell in seen for cell in wanted) / len(wanted) > 0.99


def test_the_vehicle_looks_along_the_normal_from_the_stand_off(demo: Mission) -> None:
    plan = plan_mission(demo)
    lane = next(leg for leg in plan.legs if leg.surveys)
    for pose in list(lane.camera_poses(demo.vehicle))[5:-5:7]:
        forward = pose.rotation.apply([0, 0, 1])
        met = demo.hull.cast(pose.position_m, forward[None])
        assert met.distance_m[0] == pytest.approx(plan.stand_off_m, abs=0.12)
        assert -forward @ met.normals[0] > np.cos(np.radians(12))


def test_lanes_alternate_in_direction_and_never_leave_the_water(demo: Mission) -> None:
    plan = plan_mission(demo)
    lanes = [leg for leg in plan.legs if leg.surveys]
    directions = [np.sign(leg.poses[-1, 1] - leg.poses[0, 1]) for leg in lanes]
    assert all(a == -b for a, b in pairwise(directions))
    assert min(leg.poses[:, 3].min() for leg in plan.legs) >= 0.4
    assert all(np.diff(leg.poses[:, 0]).min() >= 0 for leg in plan.legs)


def test_clearance_of_the_plan_is_measured_to_the_hull(demo: Mission) -> None:
    plan = plan_mission(demo)
    body = np.concatenate([leg.poses[:, 1:4] for leg in plan.legs])
    nearest = demo.hull.nearest(body)[1].min()
    assert 0.2 < nearest - plan.min_clearance_m < 0.45  # the box of the vehicle reaches that far


def test_plan_json_carries_what_other_tools_read(demo: Mission, tmp_path: Path) -> None:
    content = json.loads(save_plan(plan_mission(demo), tmp_path).read_text(encoding="utf-8"))
    assert content["schema"] == "hullscan.plan/1"
    keys = {"length_m", "duration_s", "lower_bound_m", "planned_area_m2", "plannable_area_m2", "expected_pod"}
    assert keys | {"curve", "left_out", "min_clearance_m", "legs"} <= set(content)
    assert content["curve"] == sorted(content["curve"])
    leg = content["legs"][1]
    assert {"zone", "pattern", "start_s", "end_s", "poses"} <= set(leg)
    assert all(len(pose) == 7 for pose in leg["poses"])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param(
            "window_min: 15", "window_min: 2", "the window is 2 min", id="a window that is too short is refused"
        ),
        pytest.param(
            "depths_m: [0.4, 4.1], speed_mps: 0.3}\nlimits: {min_clearance_m: 0.4",
            "depths_m: [0.4, 4.1], stand_off_m: 0.5}\nlimits: {min_clearance_m: 0.6",
            "comes within",
            id="a plan nearer than the clearance is refused",
        ),
    ],
)
def test_plans_that_cannot_be_flown_are_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        plan_mission(_changed(tmp_path, old, new))


def test_less_visibility_means_a_smaller_stand_off_and_more_lanes(tmp_path: Path, demo: Mission) -> None:
    clear = plan_mission(demo)
    murky = plan_mission(_changed(tmp_path, "visibility_m: 4.0", "visibility_m: 1.8"))
    assert murky.stand_off_m < clear.stand_off_m
    assert sum(leg.surveys for leg in murky.legs) > sum(leg.surveys for leg in clear.legs)


@pytest.mark.parametrize(
    ("old", "new", "from_m"),
    [
        pytest.param("mission: demo", "mission: demo", (0.95, 1.05), id="a good look is from nearer than lanes must"),
        pytest.param("window_min: 15", "window_min: 4.5", (1.3, 1.68), id="a short window means farther off"),
        pytest.param("min_clearance_m: 0.4", "min_clearance_m: 0.9", (1.25, 1.3), id="clearance keeps it off"),
        pytest.param("visibility_m: 4.0", "visibility_m: 1.5", (0.75, 0.76), id="in murk it is as near as is safe"),
        pytest.param("launch: {", "parcel_m: 1.2\nlaunch: {", (1.35, 1.68), id="a large parcel shows from afar"),
        pytest.param("speed_mps: 0.3", "speed_mps: 0.3, stand_off_m: 1.6", (1.6, 1.6), id="what is ordered is flown"),
    ],
)
def test_lanes_stand_where_they_find_most_in_the_time_there_is(
    tmp_path: Path, old: str, new: str, from_m: tuple[float, float]
) -> None:
    assert from_m[0] <= plan_mission(_changed(tmp_path, old, new)).stand_off_m <= from_m[1]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("demo", id="a wall, where nearer finds more"),
        pytest.param("ship-from-offsets", id="a hull that draws in, of which more is seen from farther off"),
    ],
)
def test_an_order_finds_no_less_than_from_a_share_of_the_visibility(name: str) -> None:
    mission = load_mission(ROOT / "missions" / f"{name}.yaml")
    chosen = plan_mission(mission)
    orders = tuple(replace(order, stand_off_m=farthest_m(mission)) for order in mission.file.orders)
    farthest = plan_mission(replace(mission, file=replace(mission.file, survey=orders)))
    assert chosen.expected_pod >= farthest.expected_pod
    assert chosen.planned_area_m2 >= farthest.planned_area_m2


def test_port_lanes_mirror_starboard_lanes(tmp_path: Path, demo: Mission) -> None:
    text = (ROOT / "missions" / "demo.yaml").read_text(encoding="utf-8")
    text = text.replace("area: starboard_side", "area: port_side").replace(
        "launch: {side: starboard", "launch: {side: port"
    )
    path = tmp_path / "port.yaml"
    path.write_text(text.replace("quay_side: port", "quay_side: starboard"), encoding="utf-8")
    port, starboard = plan_mission(load_mission(path)), plan_mission(demo)
    mine, other = (next(leg for leg in plan.legs if leg.surveys).poses for plan in (port, starboard))
    assert mine[:, 1] == pytest.approx(other[:, 1], abs=1e-6)
    assert mine[:, 2] == pytest.approx(-other[:, 2], abs=1e-6)
    assert np.cos(mine[:, 4]) == pytest.approx(np.cos(other[:, 4]), abs=1e-6)
    assert np.sin(mine[:, 4]) == pytest.approx(-np.sin(other[:, 4]), abs=1e-6)


def test_gaps_are_named_patches(demo: Mission) -> None:
    cells = HullCells(demo.hull)
    missing = cells.within(1, (20.0, 22.0), (1.0, 2.0)) | cells.within(-1, (10.0, 11.0), (0.5, 3.0))
    gaps = cells.gaps(missing)
    assert [gap.side for gap in gaps] == ["port", "starboard"] or [gap.side for gap in gaps] == ["starboard", "port"]
    starboard = next(gap for gap in gaps if gap.side == "starboard")
    assert starboard.stations_m == pytest.approx((20.0, 22.0))
    assert starboard.depths_m == pytest.approx((1.0, 2.0), abs=0.01)
    assert starboard.name == "starboard side, stations 20.0 to 22.0, 1.0 to 2.0 m deep"


def test_cells_cover_the_wetted_hull(demo: Mission) -> None:
    cells = HullCells(demo.hull)
    assert cells.area_m2.sum() == pytest.approx(demo.hull.wetted_area_m2, rel=0.04)


def test_pod_falls_with_range_and_incidence_and_never_reaches_one() -> None:
    near = PRIOR_MODEL.of_look(np.array([1.0, 2.0, 3.5]), np.array([0.003] * 3), np.zeros(3), 4.0)
    assert near[0] > near[1] > near[2]
    tilted = PRIOR_MODEL.of_look(np.array([1.0] * 3), np.array([0.003] * 3), np.radians([0.0, 55.0, 80.0]), 4.0)
    assert tilted[0] > tilted[1] > tilted[2] == 0
    many = combined_pod(np.full((50, 1), 0.9), PRIOR_MODEL.asymptote)
    assert many[0] <= PRIOR_MODEL.asymptote
