"""What the thrusters say of the current, and what it leaves of a speed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from test_pilot import SHIP, straight

from hullscan.clock import SimulatedClock
from hullscan.errors import LinkError
from hullscan.geometry.frames import Pose
from hullscan.mission.currents import WATER_SHARE, fastest_against_mps, speed_in_current, water_speed_mps
from hullscan.mission.legs_in_current import in_current
from hullscan.mission.model import load_mission
from hullscan.mission.plan import plan_mission
from hullscan.pilot.guidance import LegFollower
from hullscan.pilot.water import Water
from hullscan.vehicle import messages as m
from hullscan.vehicle.sources import AUTOPILOT
from hullscan.vehicle.telemetry import Telemetry

DEMO = Path(__file__).parents[1] / "missions" / "demo.yaml"
MISSION = load_mission(DEMO)


ANGLES = st.floats(0, 2 * np.pi)


@given(st.floats(0.05, 0.5), ANGLES, ANGLES, st.floats(0.0, 1.2), ANGLES, st.floats(0.5, 1.5))
def test_a_speed_in_a_current_is_within_what_the_vehicle_can_do(
    wanted: float, way_rad: float, yaw: float, strength: float, towards_rad: float, water: float
) -> None:
    way = np.array([np.cos(way_rad), np.sin(way_rad), 0.0])
    current = strength * np.array([np.cos(towards_rad), np.sin(towards_rad), 0.0])
    speed = float(speed_in_current(wanted, way[None], np.array([yaw]), current, water)[0])
    assert 0.19 * wanted < speed <= wanted

    def cost(speed: float) -> float:
        return float(water_speed_mps(speed * way - current, np.array(yaw)))

    choices = np.linspace(0.2, 1.0, 33) * wanted
    if any(cost(each) <= WATER_SHARE * water for each in choices):
        assert cost(speed) <= WATER_SHARE * water + 1e-6
        # and all of that is used: nothing a little faster would do as well
        assert all(cost(each) > WATER_SHARE * water for each in choices if each > speed + 0.011 * wanted)


def test_a_way_askew_costs_as_much_as_two() -> None:
    moved = np.array([[0.5, 0.0, 0.0], [0.0, 0.5, 0.3], [0.5, 0.5, 0.0]])
    assert water_speed_mps(moved, np.zeros(3)) == pytest.approx([0.5, 0.5, 0.5 * 2**0.75])
    assert water_speed_mps(moved[2:], np.array([np.pi / 4])) == pytest.approx([0.5 * 2**0.5])


class Thrusting:
    """A vehicle that stands or moves, heading ``yaw_rad``, while its thrusters push."""

    def __init__(self, signs: tuple[int, int, int, int] = (1, 1, 1, 1)) -> None:
        self.clock = SimulatedClock()
        self.telemetry = Telemetry(self.clock)
        self.water = Water(self.telemetry, 1.0)
        self.signs = signs
        self.water.learn_directions(lambda name: float(signs[int(name[4]) - 1]))

    def push(
        self, ahead: float, aside: float, velocity: tuple[float, float] = (0, 0), yaw: float = 0.0, seconds: float = 30
    ) -> None:
        """Pulses as ArduSub mixes them, each demand as a share."""
        way = (aside - ahead, -aside - ahead, ahead - aside, aside + ahead)
        pulses = tuple(1500.0 + 400 * sign * x for sign, x in zip(self.signs, way, strict=True))
        begin_s = self.clock.now()
        while self.clock.now() - begin_s < seconds:
            self.clock.sleep(0.2)
            boot_s = self.clock.now() - 1_699_999_990.0
            for message in (
                m.Attitude(boot_s, 0.0, 0.0, yaw, (0.0, 0.0, 0.0)),
                m.LocalPosition(boot_s, (0.0, 0.0, 2.0), (*velocity, 0.0)),
                m.MotorOutputs((*pulses, 1500.0, 1500.0, 1500.0, 1500.0)),
            ):
                self.telemetry.observe(AUTOPILOT, message, self.clock.now())
            self.water.step(self.clock.now())


@pytest.mark.parametrize("signs", [(1, 1, 1, 1), (-1, -1, 1, 1)], ids=["delivered", "propellers the other way round"])
def test_a_vehicle_that_stands_and_pushes_is_in_a_current(signs: tuple[int, int, int, int]) -> None:
    rov = Thrusting(signs)
    rov.push(0.5, 0.0, yaw=np.pi / 2)  # east, with 17.9 N and 14.1 N of two thrusters each
    share = np.sqrt((17.9 + 14.1) / (51.4 + 39.9))
    assert rov.water.current_ned_mps == pytest.approx([0.0, -share, 0.0], abs=0.03)
    rov.push(0.0, 0.0, velocity=(0.2, 0.0), seconds=60)  # and one that is carried along is, too
    assert rov.water.current_ned_mps == pytest.approx([0.2, 0.0, 0.0], abs=0.01)


def test_thrusters_at_their_limit_are_counted_in_seconds() -> None:
    rov = Thrusting()
    rov.push(1.0, 0.0, seconds=16)
    assert rov.water.limited_s == pytest.approx(16, abs=0.5)
    rov.push(0.3, 0.0, seconds=20)
    assert rov.water.limited_s == 0


def test_a_vehicle_that_does_not_tell_how_its_motors_turn_has_no_current() -> None:
    def silent(name: str) -> float:
        raise LinkError(f"no {name}")

    rov = Thrusting()
    rov.water = Water(rov.telemetry, 1.0)
    rov.water.learn_directions(silent)
    rov.push(0.8, 0.0)
    assert not rov.water.current_ned_mps.any()


@pytest.mark.parametrize(
    ("along", "across", "speed"),
    [
        pytest.param(0.0, 0.0, 0.25, id="still water changes nothing"),
        pytest.param(0.6, 0.0, 0.25, id="with it, it is no faster than what is to be seen allows"),
        pytest.param(-0.65, 0.0, 0.15, id="against it, what is left is flown"),
        pytest.param(0.0, 0.7, 0.183, id="from abeam, what keeping the distance leaves"),
        pytest.param(-1.2, 0.0, 0.05, id="against too much of it, it creeps until the supervisor ends it"),
    ],
)
def test_a_leg_is_flown_at_what_the_current_leaves(along: float, across: float, speed: float) -> None:
    follower = LegFollower(straight())
    follower.water_mps = 1.0
    follower.current_ned_mps = SHIP.as_pose.rotation.apply([-along, across, 0.0])
    pose = SHIP.pose_in_ned(Pose(np.array([30.0, 7.0, 2.0]), Rotation.from_euler("z", -np.pi / 2)))
    command, _, _ = follower.target(pose, SHIP, 0.1)
    assert np.linalg.norm(command.velocity_ned_mps) == pytest.approx(speed, abs=0.004)


def test_an_operator_is_not_faster_than_what_is_to_be_seen_allows() -> None:
    follower = LegFollower(straight())
    follower.factor, follower.most_mps = 1.5, 0.3
    pose = SHIP.pose_in_ned(Pose(np.array([30.0, 7.0, 2.0]), Rotation.from_euler("z", -np.pi / 2)))
    assert np.linalg.norm(follower.target(pose, SHIP, 0.1)[0].velocity_ned_mps) == pytest.approx(0.3)


def test_a_plan_takes_longer_against_a_current() -> None:
    plan = plan_mission(MISSION)
    conditions = replace(MISSION.file.conditions, current_mps=0.65, current_towards_deg=62.0)
    racing = replace(MISSION, file=replace(MISSION.file, conditions=conditions))
    slowed = in_current(racing, plan.legs)
    for still, leg in zip(plan.legs, slowed, strict=True):
        against = leg.surveys and leg.poses[-1, 1] < leg.poses[0, 1]
        longer = (leg.end_s - leg.start_s) / (still.end_s - still.start_s)
        # 0.3 to 0.15 m/s, and a little slower where the ship's shoulder turns the vehicle askew
        assert 1.95 < longer < 2.6 if against else longer >= 1 - 1e-9
    assert plan_mission(racing).duration_s == pytest.approx(slowed[-1].end_s)
    assert fastest_against_mps(racing, 0.5) == pytest.approx(0.15, abs=0.006)
