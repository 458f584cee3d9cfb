"""Every place of a plan has a way home: clear of everything, out from under the ship, open above at its end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from hullscan.errors import InputError
from hullscan.mission.hearing import BLIND_S, deaf_s, hears, turned_to_hear
from hullscan.mission.model import Mission, load_mission
from hullscan.mission.patterns.clearance import nearest_approach
from hullscan.mission.patterns.leg import timed
from hullscan.mission.plan import Plan, plan_mission
from hullscan.mission.vehicle import BLUEROV2_HEAVY_TWO_DVLS
from hullscan.mission.ways_home import (
    flown_poses,
    legs_under_ship,
    legs_without_position,
    require_ways_home,
    under_ship,
    way_along,
    way_back,
)

MISSION = Path(__file__).parent.parent / "missions" / "demo.yaml"
PATTERNS = {
    "the side": [{"pattern": "longitudinal", "area": "starboard_side", "stations_m": [31, 43], "depths_m": [0.4, 4.1]}],
    "the far side": [{"pattern": "longitudinal", "area": "port_side", "stations_m": [20, 30], "depths_m": [0.4, 3.0]}],
    "the flat bottom": [{"pattern": "flat_bottom", "stations_m": [24, 36]}],
    "the keel line": [{"pattern": "keel_line"}],
    "the bow": [{"pattern": "bow"}],
}


def mission_with(tmp_path: Path, survey: object, **changes: object) -> Mission:
    stated = yaml.safe_load(MISSION.read_text(encoding="utf-8"))
    stated |= {"survey": survey, "window_min": 240, "launch": {"side": "starboard", "station_m": 30, "distance_m": 4}}
    stated["berth"] |= {"water_depth_m": 14, "quay_gap_m": 30}
    stated |= changes
    file = tmp_path / "mission.yaml"
    file.write_text(yaml.safe_dump(stated), encoding="utf-8")
    return load_mission(file)


def places(plan: Plan, count: int) -> list[tuple[int, float]]:
    rng = np.random.default_rng(3)
    return [(int(rng.integers(len(plan.legs))), float(rng.random())) for _ in range(count)]


@pytest.mark.parametrize("survey", PATTERNS.values(), ids=PATTERNS)
def test_the_way_home_is_clear_comes_out_from_under_her_once_and_ends_in_the_open(
    tmp_path: Path, survey: object
) -> None:
    mission = mission_with(tmp_path, survey)
    plan = plan_mission(mission)
    launch = plan.legs[0].poses[0, 1:4]
    for number, share in places(plan, 25):
        flown = flown_poses(plan.legs, number, share)
        leg = way_back(mission, flown, flown[-1], launch)
        assert leg.poses[0, 1:4] == pytest.approx(flown[-1, :3])
        assert leg.poses[-1, 1:4] == pytest.approx(launch)
        assert nearest_approach(mission, leg.poses[:, 1:]).distance_m >= mission.file.limits.min_clearance_m - 0.02
        under = under_ship(mission, leg.poses[:, 1:4])
        assert not under[-1]
        came = under_ship(mission, flown[:, :3])
        crossings = int((np.diff(came.astype(int)) > 0).sum())
        assert int((np.diff(under.astype(int)) > 0).sum()) <= crossings  # never under her anew


def test_a_launch_that_cannot_be_reached_from_the_route_is_left_out(tmp_path: Path) -> None:
    """Flown: steel had turned the local frame, the launch lay within the ship by it, and the vehicle went there."""
    mission = mission_with(tmp_path, PATTERNS["the side"])
    plan = plan_mission(mission)
    flown = flown_poses(plan.legs, 1, 0.5)
    within = flown[0, :3] * [1.0, 0.0, 1.0]
    leg = way_back(mission, flown, flown[-1], within)
    assert leg.poses[-1, 1:4] == pytest.approx(flown[0, :3])
    assert nearest_approach(mission, leg.poses[:, 1:]).distance_m >= mission.file.limits.min_clearance_m - 0.02


def test_from_under_her_it_leaves_on_the_side_it_came_from(tmp_path: Path) -> None:
    mission = mission_with(tmp_path, PATTERNS["the flat bottom"])
    plan = plan_mission(mission)
    launch = plan.legs[0].poses[0, 1:4]
    deep = [n for n, leg in enumerate(plan.legs) if leg.surveys and under_ship(mission, leg.poses[:, 1:4]).all()]
    for number in deep:
        flown = flown_poses(plan.legs, number, 0.5)
        leg = way_back(mission, flown, flown[-1], launch)
        under = under_ship(mission, leg.poses[:, 1:4])
        out = int(np.flatnonzero(~under)[0])
        assert leg.poses[out, 2] > 0  # starboard, where the launch is
        assert abs(leg.poses[out, 1] - flown[-1, 0]) < 1.0  # athwart: the shortest way under plating
        assert leg.poses[: out + 1, 3] == pytest.approx(flown[-1, 2], abs=0.3)  # no rising before


def test_a_short_cut_along_the_route_ends_where_the_route_does(tmp_path: Path) -> None:
    mission = mission_with(tmp_path, PATTERNS["the side"])
    plan = plan_mission(mission)
    flown = flown_poses(plan.legs, 3, 0.5)
    leg = way_along(mission, flown[0], flown)
    assert leg.poses[-1, 1:4] == pytest.approx(flown[-1, :3])
    assert leg.length_m < 0.7 * np.linalg.norm(np.diff(flown[:, :3], axis=0), axis=1).sum()


def test_the_far_side_is_flown_now(tmp_path: Path) -> None:
    mission = mission_with(tmp_path, PATTERNS["the far side"])
    require_ways_home(mission, plan_mission(mission).legs)


def test_under_the_flat_bottom_a_forward_dvl_hears_nothing_and_a_second_one_is_asked_for(tmp_path: Path) -> None:
    mission = mission_with(tmp_path, PATTERNS["the flat bottom"])
    legs = plan_mission(mission).legs
    deaf = legs_without_position(mission, legs)
    assert {n for n, leg in enumerate(legs, start=1) if leg.surveys and abs(leg.poses[0, 2]) < 3} <= set(deaf)
    assert set(deaf) <= set(legs_under_ship(mission, legs))
    with pytest.raises(InputError, match="second DVL"):
        require_ways_home(mission, legs)
    require_ways_home(replace(mission, vehicle=BLUEROV2_HEAVY_TWO_DVLS), legs)


def test_an_automatic_plan_keeps_to_where_a_dvl_that_faces_forward_hears_enough(tmp_path: Path) -> None:
    stated = yaml.safe_load((MISSION.parent / "customs-window.yaml").read_text(encoding="utf-8"))
    file = tmp_path / "mission.yaml"
    file.write_text(yaml.safe_dump(stated | {"window_min": 9}), encoding="utf-8")
    mission = load_mission(file)
    plan = plan_mission(mission, under_ship=False)
    assert any(leg.surveys for leg in plan.legs)
    assert max(deaf_s(mission, leg.poses) for leg in plan.legs) <= BLIND_S
    assert plan.min_clearance_m >= mission.file.limits.min_clearance_m


@pytest.mark.parametrize(
    ("where", "pitch_deg", "heard"),
    [
        pytest.param((34.0, 7.2, 2.0, -np.pi / 2), 0.0, True, id="beside her, level"),
        pytest.param((34.0, 7.2, 2.0, -np.pi / 2), 13.0, True, id="beside her, pitched"),
        pytest.param((34.0, 0.5, 6.0, 0.0), 0.0, False, id="under the bottom, level"),
        pytest.param((34.0, 0.5, 6.0, 0.0), 50.0, False, id="under the bottom, heard only as long as it is pitched"),
    ],
)
def test_what_is_heard_only_as_long_as_the_frame_is_pitched_is_not_relied_upon(
    where: tuple[float, float, float, float], pitch_deg: float, heard: bool
) -> None:
    mission = load_mission(MISSION)
    pose = np.array([[*where, np.radians(pitch_deg), 0.0]])
    assert hears(mission, pose)[0] == heard


def test_between_lanes_the_vehicle_turns_to_the_plating_that_it_hears() -> None:
    mission = load_mission(MISSION.parent / "customs-window.yaml")
    # low below the overhang of the stern, as lanes there are joined; square to her side nothing comes back
    way = np.array([[13.6, 8.0, 1.7, -1.33, 0, 0], [8.6, 7.6, 0.9, -1.33, 0, 0]])
    leg, _ = timed("water", "transfer", way, 0.3, 0.0, surveys=False)
    assert deaf_s(mission, leg.poses) > BLIND_S
    (turned,) = turned_to_hear(mission, [leg])
    assert deaf_s(mission, turned.poses) <= BLIND_S
    assert turned.poses[:, 0] == pytest.approx(leg.poses[:, 0])
    assert turned.poses[[0, -1], 4] == pytest.approx(leg.poses[[0, -1], 4])
    assert np.abs(np.diff(turned.poses[:, 4]) / np.diff(leg.poses[:, 0])).max() <= np.radians(20)
    two = replace(mission, vehicle=BLUEROV2_HEAVY_TWO_DVLS)
    assert turned_to_hear(two, [leg]) == [leg]


def test_the_demos_lanes_lie_in_the_open(tmp_path: Path) -> None:
    mission = load_mission(MISSION)
    legs = plan_mission(mission).legs
    assert legs_under_ship(mission, legs) == []
    require_ways_home(mission, legs)
