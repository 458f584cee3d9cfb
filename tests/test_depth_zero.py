"""Depths that jump, and places that are reckoned."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hullscan.clock import SimulatedClock
from hullscan.geometry.frames import Pose
from hullscan.pilot.depth_zero import DepthZero
from hullscan.pilot.reckoning import Reckoning
from hullscan.vehicle import messages as m
from hullscan.vehicle.commands import ManualControl
from hullscan.vehicle.protocol import RangeReport
from hullscan.vehicle.sources import AUTOPILOT
from hullscan.vehicle.telemetry import Telemetry

PA_PER_M = 1025 * 9.80665


def flown(depths_m: list[float], step_s: float = 0.2) -> tuple[DepthZero, list[float]]:
    clock = SimulatedClock()
    telemetry = Telemetry(clock)
    zero, jumps = DepthZero(telemetry), []
    for count, depth_m in enumerate(depths_m):
        clock.sleep(step_s)
        pressure = m.Pressure(10 + count * step_s, 2, 101_325 + depth_m * PA_PER_M, 12.0)
        telemetry.observe(AUTOPILOT, pressure, clock.now())
        jumps.append(zero.step(clock.now()))
    return zero, jumps


def test_a_dive_at_full_speed_is_no_jump() -> None:
    zero, jumps = flown([0.2 * count for count in range(30)])
    assert zero.jumped_m == 0
    assert not any(jumps)


def test_a_jump_is_told_once_and_taken_over_as_gently_as_the_estimator_does() -> None:
    zero, jumps = flown([5.0] * 10 + [6.0] * 3)
    assert [round(jump, 2) for jump in jumps if jump] == [1.0]
    assert 0.2 < zero.offset_m < 0.7
    zero, _ = flown([5.0] * 10 + [6.0] * 30)
    assert zero.offset_m == pytest.approx(1.0, abs=0.02)


def test_a_jump_back_takes_the_offset_away() -> None:
    zero, _ = flown([5.0] * 5 + [4.0] * 20 + [5.0] * 40)
    assert zero.jumped_m == pytest.approx(0.0, abs=1e-6)
    assert zero.offset_m == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("jump_m", [-1.0, 1.5])
@pytest.mark.parametrize(
    "takes_over",
    [
        pytest.param(lambda after_s: 0.0 if after_s < 4.8 else 1.0, id="left out for five seconds, then at once"),
        pytest.param(lambda after_s: 1 - np.exp(-after_s / 0.8), id="gently"),
        pytest.param(lambda after_s: min(after_s / 6, 1.0), id="slowly"),
    ],
)
def test_as_much_counts_as_the_estimator_has_taken_over(jump_m: float, takes_over: Callable[[float], float]) -> None:
    clock, random = SimulatedClock(), np.random.default_rng(3)
    telemetry = Telemetry(clock)
    zero, begin_s, worst_m = DepthZero(telemetry), clock.now(), []
    for count in range(300):
        clock.sleep(0.05)
        after_s = clock.now() - begin_s - 5.0
        true_m = 3.0 + 0.3 * np.sin(0.7 * after_s)  # it moves meanwhile, up to 0.2 m/s
        taken_m = jump_m * takes_over(after_s) if after_s > 0 else 0.0
        height = m.LocalPosition(10 + 0.05 * count, (0.0, 0.0, true_m - 0.1 + taken_m), (0.0, 0.0, 0.0))
        telemetry.observe(AUTOPILOT, height, clock.now())
        if count % 4 == 0:
            read_m = true_m + (jump_m if after_s > 0 else 0.0) + 0.02 * random.standard_normal()
            telemetry.observe(
                AUTOPILOT, m.Pressure(10 + 0.05 * count, 2, 101_325 + read_m * PA_PER_M, 12.0), clock.now()
            )
        if count % 2 == 0:
            zero.step(clock.now())
            worst_m.append(abs(zero.offset_m - taken_m))
    assert zero.offset_m == pytest.approx(jump_m, abs=0.1)
    assert sorted(worst_m)[-4] < 0.25  # but for the moment of a step itself


def test_after_a_silence_nothing_is_taken_for_a_jump() -> None:
    zero, _ = flown([2.0, 3.5, 2.0, 4.0], step_s=1.5)
    assert zero.jumped_m == 0


class Dvl:
    """Velocities and nothing else."""

    def __init__(self) -> None:
        self.reports: list[RangeReport] = []

    def say(self, utc_s: float, velocity: tuple[float, float, float]) -> None:
        nothing = np.zeros(1, bool)
        report = RangeReport(utc_s, np.eye(3)[:1], np.ones(1), ~nothing, nothing, np.array(velocity))
        self.reports.append(report)

    def since(self, utc_s: float) -> list[RangeReport]:
        return [report for report in self.reports if report.utc_s > utc_s]


def test_a_place_is_reckoned_by_the_dvl_turned_into_ned() -> None:
    dvl, reckoning = Dvl(), Reckoning(np.array([1.0, 2.0, 5.0]), 0.0, 0.1)
    east = Pose(np.array([0.0, 0.0, 5.5]), Rotation.from_euler("z", np.pi / 2))
    for tick in range(1, 51):
        dvl.say(tick * 0.1 - 0.01, (0.3, 0.0, 0.0))
        place = reckoning.step(tick * 0.1, east, dvl, ManualControl())  # type: ignore[arg-type]
    assert place == pytest.approx([1.0, 2.0 + 0.3 * 5.0, 5.5], abs=0.02)
    assert reckoning.by_dvl
    assert reckoning.sigma_m < 0.2


def test_without_velocities_less_is_believed_than_was_steered_and_the_uncertainty_grows() -> None:
    reckoning = Reckoning(np.zeros(3), 0.0, 0.1)
    level = Pose(np.zeros(3), Rotation.identity())
    for tick in range(1, 101):
        place = reckoning.step(tick * 0.1, level, Dvl(), ManualControl(y=300.0))  # type: ignore[arg-type]
    assert 1.0 < place[1] < 3.0  # ten seconds at 0.3 m/s
    assert reckoning.sigma_m > 1.0
