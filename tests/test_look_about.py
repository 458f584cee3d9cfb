"""Before its first lane the vehicle looks left and right, so that the pictures' time can be measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_rov import FakeRov

from hullscan.geometry.frames import ShipPose, wrap_pi
from hullscan.mission.model import load_mission
from hullscan.mission.plan import plan_mission
from hullscan.pilot.orders_of_operator import OperatorOrder
from hullscan.pilot.pilot import Pilot, PlanPlace, Signals

SHIP = ShipPose(10.2, -4.3, 1.08, 0.0)


@pytest.mark.parametrize("begin", [None, PlanPlace(2, 0.5)], ids=["at the start", "after a break"])
def test_it_looks_left_and_right_once_before_it_searches(begin: PlanPlace | None) -> None:
    mission = load_mission(Path(__file__).parents[1] / "missions" / "demo.yaml")
    plan = plan_mission(mission)
    rov = FakeRov(mission, plan.legs[0].poses[0, 1:4], SHIP)
    told: list[tuple[bool, float, float]] = []
    yaws: list[float] = []

    def turning(begins: bool) -> None:
        told.append((begins, rov.now(), rov.yaw))
        if not begins:
            pilot.desk.put(OperatorOrder.ABORT)

    pilot = Pilot(
        rov, rov, mission, plan, rov,  # type: ignore[arg-type]
        signals=Signals(video_age_s=lambda: 0.1, turning=turning), on_event=lambda kind, message, data: None,
        resume_at=begin,
    )  # fmt: skip
    step = rov._step

    def traced() -> None:
        step()
        if len(told) == 1:
            yaws.append(np.degrees(wrap_pi(rov.yaw - told[0][2])))
            assert not pilot.status.survey_share or begin is not None

    rov._step = traced  # type: ignore[method-assign]
    pilot.fly()
    assert [begins for begins, _, _ in told] == [True, False]
    assert told[1][1] - told[0][1] == pytest.approx(9.0, abs=0.3)
    assert (min(yaws), max(yaws)) == pytest.approx((-12, 12), abs=1.5)
    assert not rov.wrongs
