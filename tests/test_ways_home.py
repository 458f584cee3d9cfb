"""A survey is flown only where the pilot's way home, straight to the launch and up, leads home."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hullscan.errors import InputError
from hullscan.mission.model import Mission, load_mission
from hullscan.mission.plan import plan_mission
from hullscan.mission.ways_home import legs_behind_ship, legs_under_ship, require_ways_home

MISSION = Path(__file__).parent.parent / "missions" / "demo.yaml"


def mission_with(tmp_path: Path, survey: object) -> Mission:
    stated = yaml.safe_load(MISSION.read_text(encoding="utf-8"))
    stated |= {"survey": survey, "window_min": 240, "launch": {"side": "starboard", "station_m": 30, "distance_m": 4}}
    stated["berth"] |= {"water_depth_m": 14, "quay_gap_m": 30}
    file = tmp_path / "mission.yaml"
    file.write_text(yaml.safe_dump(stated), encoding="utf-8")
    return load_mission(file)


def test_the_demos_lanes_have_nothing_above_them_and_nothing_between_them_and_the_launch() -> None:
    mission = load_mission(MISSION)
    legs = plan_mission(mission).legs
    assert legs_under_ship(mission, legs) == []
    assert legs_behind_ship(mission, legs) == []
    require_ways_home(mission, legs)


@pytest.mark.parametrize("pattern", ["flat_bottom", "keel_line"])
def test_passes_under_the_ship_are_planned_but_not_flown(tmp_path: Path, pattern: str) -> None:
    mission = mission_with(tmp_path, [{"pattern": pattern}])
    legs = plan_mission(mission).legs
    under = legs_under_ship(mission, legs)
    assert {number for number, leg in enumerate(legs, start=1) if leg.surveys} <= set(under)
    with pytest.raises(InputError, match="lie under the ship"):
        require_ways_home(mission, legs)


def test_the_far_side_is_planned_but_not_flown(tmp_path: Path) -> None:
    order = {"pattern": "longitudinal", "area": "port_side", "stations_m": [20, 30], "depths_m": [0.4, 3.0]}
    mission = mission_with(tmp_path, [order])
    legs = plan_mission(mission).legs
    assert legs_under_ship(mission, legs) == []
    assert legs_behind_ship(mission, legs)
    with pytest.raises(InputError, match="lie behind the ship"):
        require_ways_home(mission, legs)
