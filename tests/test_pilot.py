"""Guidance and the safety supervisor, as pure functions."""

from __future__ import annotations

from dataclasses import replace
from math import inf, radians
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Pose, ShipPose
from hullscan.mission.model import Limits
from hullscan.mission.patterns import Leg
from hullscan.mission.vehicle import BLUEROV2_HEAVY
from hullscan.pilot.guidance import LegFollower
from hullscan.pilot.supervisor import RULES as TABLE
from hullscan.pilot.supervisor import Act, Situation, judge

CALM = Situation(
    link_age_s=0.1, in_control=True, control_reason="", position_known=True, position_unknown_s=0.0, range_m=1.6,
    range_age_s=0.2, battery_v=16.0, battery_low_s=0.0, depth_m=2.0, tilt_rad=0.05, tether_m=12.0, leak=False,
    video_age_s=0.2, searching=True,
)  # fmt: skip

RULES = [
    pytest.param({}, Act.GO_ON, "", id="all is well"),
    pytest.param(
        {"in_control": False, "control_reason": "stick moved"}, Act.LET_GO, "control", id="the operator takes over"
    ),
    pytest.param({"link_age_s": 3.2}, Act.LISTEN, "link", id="the link is silent"),
    pytest.param({"link_age_s": 2.5}, Act.HOLD, "telemetry", id="telemetry is stale"),
    pytest.param({"in_control": False, "failsafe": True}, Act.LISTEN, "failsafe", id="the firmware's failsafe acts"),
    pytest.param({"battery_home_v": 13.5}, Act.RETURN, "battery home", id="the battery lasts for the way back only"),
    pytest.param({"tilt_s": 7.0, "tilt_rad": 0.7}, Act.RETREAT, "tilt", id="it does not come upright"),
    pytest.param({"depth_m": -0.5}, Act.RETREAT, "depth", id="the depth reads above the surface"),
    pytest.param({"depth_error": True}, Act.RETREAT, "depth sensor", id="the depth sensor fails"),
    pytest.param({"range_age_s": inf, "hull_in_sight": False}, Act.GO_ON, "", id="no range where none can be"),
    pytest.param({"runaway_s": 1.5, "speed_mps": 1.1}, Act.HOLD, "runaway", id="it runs away"),
    pytest.param({"runaway_s": 3.5, "speed_mps": 1.1}, Act.RETREAT, "runaway", id="it goes on running away"),
    pytest.param({"off_target_s": 11.0, "off_target_m": 1.2}, Act.HOLD, "stuck", id="it does not get on"),
    pytest.param({"stuck_times": 3}, Act.RETURN, "stuck", id="it was stopped three times"),
    pytest.param({"limited_s": 16.0}, Act.RETURN, "current", id="a thruster has nothing left"),
    pytest.param({"drift_s": 6.0}, Act.RETURN, "current", id="the current takes it away from where it holds"),
    pytest.param({"detector_lag_s": 12.0}, Act.TELL, "detector", id="the detector is behind"),
    pytest.param({"disk_free_mb": 1500.0}, Act.TELL, "disk", id="the disk fills"),
    pytest.param({"disk_free_mb": 200.0}, Act.RETURN, "disk", id="the disk is full"),
    pytest.param({"record_error": "disk"}, Act.RETURN, "recording", id="the recording fails"),
    pytest.param({"other_station": "254:190"}, Act.TELL, "station", id="another station is heard"),
    pytest.param({"slowed": "ATTITUDE"}, Act.TELL, "streams", id="another station has slowed the streams"),
    pytest.param({"window_left_s": -1.0}, Act.RETURN, "window", id="the window is over"),
    pytest.param({"leak": True}, Act.RETURN, "leak", id="a leak"),
    pytest.param({"battery_v": 13.5, "battery_low_s": 2.0}, Act.GO_ON, "", id="the battery sags for a moment"),
    pytest.param({"battery_v": 13.5, "battery_low_s": 6.0}, Act.RETURN, "battery", id="the battery is low"),
    pytest.param({"battery_age_s": 12.0}, Act.TELL, "battery", id="the battery is not told"),
    pytest.param({"battery_age_s": 61.0}, Act.RETURN, "battery", id="the battery is not told any more"),
    pytest.param(
        {"position_known": False, "position_unknown_s": 1.0}, Act.HOLD, "position", id="the position is unsure"
    ),
    pytest.param(
        {"position_known": False, "position_unknown_s": 5.0}, Act.RETREAT, "position", id="the position is lost"
    ),
    pytest.param({"tilt_rad": 0.7}, Act.HOLD, "tilt", id="it tilts"),
    pytest.param({"depth_m": 101.0}, Act.RETURN, "depth", id="it is too deep"),
    pytest.param({"tether_m": 151.0}, Act.RETURN, "tether", id="the tether is out"),
    pytest.param({"range_m": 0.4}, Act.RETREAT, "clearance", id="it is too near the hull"),
    pytest.param({"range_m": 0.4, "range_age_s": 2.0}, Act.GO_ON, "", id="an old short range counts for nothing"),
    pytest.param({"range_age_s": 5.0}, Act.HOLD, "range", id="no range for five seconds"),
    pytest.param({"range_age_s": inf}, Act.RETURN, "range", id="no range at all"),
    pytest.param({"range_age_s": inf, "searching": False}, Act.GO_ON, "", id="no range in open water"),
    pytest.param({"video_age_s": 4.0}, Act.HOLD, "video", id="the video stops"),
    pytest.param({"video_age_s": 31.0}, Act.RETURN, "video", id="the video does not come back"),
    pytest.param({"video_still_s": 5.0}, Act.HOLD, "video", id="the picture stands still"),
    pytest.param({"video_still_s": 31.0}, Act.RETURN, "video", id="the picture does not move again"),
    pytest.param({"video_still_s": 31.0, "searching": False}, Act.GO_ON, "", id="a still picture in open water"),
    pytest.param({"leak": True, "link_age_s": 9.0}, Act.LISTEN, "link", id="the strongest demand wins"),
    pytest.param({"in_control": False, "link_age_s": 9.0}, Act.LET_GO, "control", id="the operator wins over all"),
]


@pytest.mark.parametrize(("changes", "act", "rule"), RULES)
def test_each_rule_detects_and_demands(changes: dict[str, object], act: Act, rule: str) -> None:
    verdict = judge(replace(CALM, **changes), Limits(), BLUEROV2_HEAVY)  # type: ignore[arg-type]
    assert (verdict.act, verdict.rule) == (act, rule)
    assert bool(verdict.words) == bool(rule)


def test_every_line_of_the_table_has_a_case() -> None:
    shown = {(case.values[1], case.values[2]) for case in RULES}
    assert {(rule.act, rule.key) for rule in TABLE} <= shown


def straight(length: float = 4.0, speed: float = 0.25) -> Leg:
    along = np.linspace(0, length, 17)
    poses = np.zeros((17, 7))
    poses[:, 0], poses[:, 1], poses[:, 2], poses[:, 3] = along / speed, 30 - along, 7.0, 2.0
    poses[:, 4] = -np.pi / 2
    return Leg("starboard side", "longitudinal", poses, speed, surveys=True)


SHIP = ShipPose(5.0, -3.0, radians(62), 0.1)


def fly(follower: LegFollower, *, lag: float = 0.0, ticks: int = 400) -> list[tuple[np.ndarray, np.ndarray, bool]]:
    """A vehicle that stands where it is told, or hangs behind by ``lag``: (target, velocity, done)."""
    out = []
    place = np.array([30.0 + lag, 7.0, 2.0])
    for _ in range(ticks):
        pose = SHIP.pose_in_ned(Pose(place, Rotation.from_euler("z", -np.pi / 2)))
        command, _, progress = follower.target(pose, SHIP, 0.1)
        target = SHIP.to_ship(np.array(command.position_ned_m))
        velocity = SHIP.as_pose.rotation.apply(np.array(command.velocity_ned_mps), inverse=True)
        out.append((target, velocity, progress.done))
        if progress.done:
            break
        place = target + np.array([lag, 0.0, 0.0])
    return out


def test_the_target_moves_at_the_speed_of_the_leg_and_the_leg_ends() -> None:
    steps = fly(LegFollower(straight()))
    assert steps[-1][2]
    assert len(steps) == pytest.approx(4.0 / 0.25 / 0.1 + 10, abs=6)
    assert steps[50][1] == pytest.approx([-0.25, 0, 0], abs=1e-6)
    assert np.array([target[1] for target, _, _ in steps]) == pytest.approx(7.0)


def test_the_commanded_yaw_faces_the_registered_hull() -> None:
    command, _, _ = LegFollower(straight()).target(
        SHIP.pose_in_ned(Pose(np.array([30, 7, 2.0]), Rotation.identity())), SHIP, 0.1
    )
    assert command.yaw_rad == pytest.approx(radians(62 - 90))
    assert command.position_ned_m[2] == pytest.approx(2.1)  # the waterline lies 0.1 m below the vehicle's zero


def test_a_vehicle_that_lags_is_waited_for() -> None:
    follower = LegFollower(straight())
    far = fly(follower, lag=0.9, ticks=100)
    assert far[-1][0][0] == pytest.approx(30.0, abs=0.05)
    half = fly(LegFollower(straight()), lag=0.55, ticks=100)
    assert 27.9 < half[-1][0][0] < 29.5


def test_velocity_never_points_at_the_hull() -> None:
    leg = straight()
    leg.poses[:, 2] = np.linspace(8.5, 6.5, 17)  # the way leads towards her
    for _, velocity, _ in fly(LegFollower(leg), ticks=60):
        assert velocity[1] >= -1e-9


def test_half_speed_is_half_speed() -> None:
    follower = LegFollower(straight())
    follower.factor = 0.5
    assert fly(follower, ticks=40)[-1][1] == pytest.approx([-0.125, 0, 0], abs=1e-6)


def test_a_current_that_keeps_the_vehicle_off_the_end_does_not_hold_the_mission() -> None:
    steps = fly(LegFollower(straight()), lag=0.25, ticks=600)
    assert steps[-1][2]


def test_the_document_names_every_rule_and_act() -> None:
    text = (Path(__file__).parent.parent / "docs" / "safety.md").read_text(encoding="utf-8")
    assert all(rule.key in text for rule in TABLE)
    assert all(act.name.lower().replace("_", " ") in text for act in Act if act is not Act.GO_ON)
