"""Where she should lie in the vehicle's frame: by its origin where that can be true, else by the launch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hullscan.clock import SimulatedClock
from hullscan.geometry.frames import GeoOrigin
from hullscan.mission.model import load_mission
from hullscan.mission.patterns.route import launch_pose
from hullscan.mission.plan import plan_mission
from hullscan.pilot.berth import expected_ship
from hullscan.pilot.recorded import sessions_of
from hullscan.vehicle.samples import PositionSample
from hullscan.vehicle.telemetry import Telemetry

MISSION = load_mission(Path(__file__).parent.parent / "missions" / "demo.yaml")
LAUNCH = launch_pose(MISSION)[:3]
BERTH = MISSION.file.berth
AT_LAUNCH = np.array(BERTH.ship_pose.to_ned(LAUNCH))


def origin_at(north_m: float, east_m: float) -> GeoOrigin:
    return GeoOrigin(*BERTH.origin.to_geodetic(north_m, east_m))


@pytest.mark.parametrize(
    ("origin", "start", "vehicle_at"),
    [
        pytest.param(None, [0, 0, 0.3], AT_LAUNCH, id="no origin: the vehicle is at the launch"),
        pytest.param(origin_at(*AT_LAUNCH[:2]), [0, 0, 0.3], AT_LAUNCH, id="the origin is the launch"),
        pytest.param(
            origin_at(*AT_LAUNCH[:2]), [3, -20, 0.3], np.add(AT_LAUNCH, [3, -20, 0]),
            id="a second flight begins elsewhere in a frame that began at the launch",
        ),
        pytest.param(origin_at(0, 0), [0, 0, 0.3], AT_LAUNCH, id="the aft perpendicular was typed in as the origin"),
        pytest.param(GeoOrigin(0.0, 0.0), [0, 0, 0.3], AT_LAUNCH, id="the origin is the Gulf of Guinea"),
        pytest.param(
            origin_at(*(AT_LAUNCH[:2] - [40, 10])), [40, 12, 0.3], np.add(AT_LAUNCH, [0, 2, 0]),
            id="by GPS the frame began on the quay, and the vehicle is near the launch",
        ),
    ],
)  # fmt: skip
def test_where_the_vehicle_is_taken_to_be_beside_her(
    origin: GeoOrigin | None, start: list[float], vehicle_at: np.ndarray
) -> None:
    ship = expected_ship(MISSION, LAUNCH, origin, np.array(start))
    found = ship.to_ship(np.array(start))
    assert found[:2] == pytest.approx(BERTH.ship_pose.to_ship(vehicle_at)[:2], abs=0.05)
    assert np.degrees(ship.heading_rad) == pytest.approx(BERTH.heading_deg)


def test_a_session_begins_where_the_vehicle_is_heard_again_and_the_one_before_ends_where_it_fell_silent() -> None:
    telemetry = Telemetry(SimulatedClock())
    heard = [*np.arange(0.0, 120.0, 0.2), *np.arange(500.0, 560.0, 0.2)]  # the preflight of the second from 500
    for time_s in heard:
        telemetry.position.append(PositionSample(time_s, time_s, 1.0, 2.0, 0.5, 0.0, 0.0, 0.0))
    plan = plan_mission(MISSION, effort=1)
    first, second = sessions_of(MISSION, plan, telemetry, [], begins=[3.0, 506.0])
    assert first.begin_s == float("-inf")
    assert 119.7 < first.end_s < 120.5
    assert second.begin_s == 500.0
    assert second.end_s == float("inf")
    (whole,) = sessions_of(MISSION, plan, telemetry, [], begins=[3.0])
    assert (whole.begin_s, whole.end_s) == (float("-inf"), float("inf"))
