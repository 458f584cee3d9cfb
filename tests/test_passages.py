"""Ways beside the plan: to a leg far off, on the operator's wish or after a break. Home from their middle is clear."""

from __future__ import annotations

import numpy as np
import pytest
from fake_rov import FakeRov

from hullscan.geometry.frames import Array, ShipPose
from hullscan.mission.model import Mission, load_mission
from hullscan.mission.patterns.clearance import crosses_hull, hull_gap
from hullscan.mission.plan import Plan, plan_mission
from hullscan.pilot.orders_of_operator import OperatorOrder
from hullscan.pilot.pilot import Pilot, PlanPlace, Signals

SHIP = ShipPose(10.2, -4.3, 1.08, 0.0)
BOTH_SIDES = """
mission: both-sides
ship:
  name: MV Haneul
  form: {type: bulk_carrier, length_m: 52, beam_m: 10.5, draught_fwd_m: 4.6, draught_aft_m: 4.8}
berth: {lat_deg: 35.0767, lon_deg: 129.0800, heading_deg: 62, water_depth_m: 12.0}
conditions: {visibility_m: 4.0, current_mps: 0.1, current_towards_deg: 80}
window_min: 60
launch: {side: starboard, station_m: 40, distance_m: 4}
survey:
  - {pattern: longitudinal, area: starboard_side, stations_m: [36, 42], depths_m: [1.5, 3.0], stand_off_m: 1.6}
  - {pattern: longitudinal, area: port_side, stations_m: [36, 42], depths_m: [1.5, 3.0], stand_off_m: 1.6}
limits: {min_clearance_m: 0.4, max_tether_m: 100}
"""
STARBOARD, PORT = PlanPlace(1, 0.5), PlanPlace(3, 0.5)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Mission, Plan]:
    path = tmp_path_factory.mktemp("both") / "mission.yaml"
    path.write_text(BOTH_SIDES, encoding="utf-8")
    mission = load_mission(path)
    plan = plan_mission(mission)
    assert [leg.surveys for leg in plan.legs] == [False, True, False, True, False], "approach, lane, way, lane, home"
    return mission, plan


@pytest.mark.slow
@pytest.mark.parametrize(
    ("begin", "script"),
    [
        pytest.param(PORT, [(80.0, "abort")], id="called home on the way to where a break was"),
        pytest.param(PORT, [(80.0, "skip")], id="that leg is skipped while it is on the way there"),
        pytest.param(STARBOARD, [(40.0, "skip"), (90.0, "abort")], id="called home on the way to the next leg"),
        pytest.param(STARBOARD, [(40.0, "skip"), (60.0, "skip")], id="the next leg is skipped on the way there"),
    ],
)
def test_round_the_bow_nothing_leads_through_the_ship(
    planned: tuple[Mission, Plan], begin: PlanPlace, script: list[tuple[float, str]]
) -> None:
    mission, plan = planned
    rov = FakeRov(mission, plan.legs[0].poses[0, 1:4], SHIP)
    pilot = Pilot(
        rov, rov, mission, plan, rov,  # type: ignore[arg-type]
        signals=Signals(video_age_s=lambda: 0.1), on_event=lambda kind, message, data: None, resume_at=begin,
    )  # fmt: skip
    rov.script = [(at_s, lambda order=order: pilot.desk.put(OperatorOrder(order))) for at_s, order in script]
    trace, step = list[Array](), rov._step

    def traced() -> None:
        step()
        trace.append(np.array([*rov.place_ship, rov.yaw - SHIP.heading_rad, 0.0, 0.0]))

    rov._step = traced  # type: ignore[method-assign]
    pilot.fly()
    way = np.array([pose for pose in trace[::3] if pose[2] > 0.4])
    assert way[:, 1].min() < -2.0, "it was on the other side"
    assert not crosses_hull(mission, way).any()
    assert hull_gap(mission, way)[0].min() > mission.file.limits.min_clearance_m
    assert not rov.wrongs
    assert not rov.is_armed
