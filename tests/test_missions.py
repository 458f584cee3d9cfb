"""The example missions: each can be read and planned, and each says truly whether this version flies it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hullscan.errors import InputError
from hullscan.mission.feasibility import overall
from hullscan.mission.model import load_mission
from hullscan.mission.plan import plan_mission
from hullscan.mission.vehicle import BLUEROV2_HEAVY_TWO_DVLS
from hullscan.mission.ways_home import require_ways_home

FOLDER = Path(__file__).parent.parent / "missions"
NOT_FLOWN = {"coaster-full", "container-bow", "customs-window", "running-gear"}


@pytest.mark.slow  # the larger ships take some seconds each
@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.yaml")))
def test_an_example_mission_is_commented_planned_feasible_and_flown_or_not_as_it_says(name: str) -> None:
    file = FOLDER / f"{name}.yaml"
    comment = [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert comment
    mission = load_mission(file)
    plan = plan_mission(mission)
    assert overall(plan.checks) != "no-go"
    if mission.file.survey != "auto":  # which leaves out what the window does not hold
        assert plan.planned_area_m2 >= 0.8 * plan.plannable_area_m2
    if name in NOT_FLOWN:
        assert "does not fly" in " ".join(comment)
        with pytest.raises(InputError, match="would lose its position"):
            require_ways_home(mission, plan.legs)
        require_ways_home(replace(mission, vehicle=BLUEROV2_HEAVY_TWO_DVLS), plan.legs)
    else:
        require_ways_home(mission, plan.legs)
