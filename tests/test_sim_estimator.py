"""What the autopilot believes: start-up, loss of the DVL or GPS, drift, compass."""

from __future__ import annotations

from math import degrees, hypot, radians

import numpy as np
import pytest
from test_sim_station import Station, station

from hullscan_sim.faults.kinds import DvlDropout, PositionLoss, PressureGlitch
from hullscan_sim.modes import Mode
from hullscan_sim.scenario import Scenario, VehicleOptions, Water

NEAR = {"distance_m": 1.6}


def times_of(link: Station) -> dict[str, float]:
    """When each text came for the first time."""
    found: dict[str, float] = {}
    for at, message in link.received:
        if message.get_type() == "STATUSTEXT":
            found.setdefault(message.text, at)
    return found


GPS_LINE = {
    "Barometer 1 calibration complete": 0.0,
    "ArduPilot Ready": 1.74,
    "AHRS: DCM active": 1.74,
    "EKF3 IMU0 initialised": 3.73,
    "AHRS: EKF3 active": 3.73,
    "EKF3 IMU0 tilt alignment complete": 5.23,
    "EKF3 IMU1 MAG0 initial yaw alignment complete": 5.36,
    "GPS 1: detected as u-blox at 230400 baud": 7.83,
    "EKF3 IMU0 origin set": 18.04,
    "EKF3 IMU0 is using GPS": 41.0,
}
DVL_LINE = {
    "EKF3 IMU0 initialised": 3.75,
    "EKF3 IMU0 origin set": 9.05,
    "EKF3 IMU0 fusing odometry": 11.25,
    "EKF3 IMU0 started relative aiding": 47.25,
}


@pytest.mark.parametrize(
    ("position", "share", "line", "flags"),
    [
        pytest.param("gps", 1.0, GPS_LINE, 895, id="GPS, in full"),
        pytest.param("gps", 0.2, GPS_LINE, 895, id="GPS, five times as fast"),
        pytest.param("dvl", 0.4, DVL_LINE, 367, id="DVL, two and a half times as fast"),
        pytest.param("dvl", 0.1, DVL_LINE, 367, id="DVL, ten times as fast"),
    ],
)
def test_start_up_follows_the_recorded_time_line(position, share, line, flags):
    link = station(launch=NEAR, position=position, start_up=share)
    link.run(52 * share + 2)
    times = times_of(link)
    for text, real_s in line.items():
        assert times[text] == pytest.approx(real_s * share, abs=0.3 + 0.05 * real_s * share), text
    assert link.flags == flags
    assert link.last["GPS_GLOBAL_ORIGIN"].latitude != 0
    assert link.last["HOME_POSITION"].latitude != 0


def test_flags_go_through_uninitialised_and_no_position():
    link = station(start_up=1.0)
    link.run(20)
    flags = [message.flags for message in link.messages("EKF_STATUS_REPORT")]
    assert list(dict.fromkeys(flags)) == [1024, 0, 231]
    assert not link.messages("LOCAL_POSITION_NED")[:-8], "no local position before there is an origin"


def test_the_origin_is_the_launch_place_of_the_stated_berth():
    link = station(launch=NEAR)
    link.run(1)
    origin, simulation = link.last["GPS_GLOBAL_ORIGIN"], link.simulation
    north, east = simulation.world.origin.to_ned(origin.latitude / 1e7, origin.longitude / 1e7)
    assert (north, east) == pytest.approx(simulation.world.launch[0][:2], abs=0.02)
    assert link.last["LOCAL_POSITION_NED"].x == pytest.approx(0, abs=0.1)


def at_the_hull(scenario: Scenario | None = None, **options: object) -> Station:
    """GUIDED on the DVL, 1.6 m off the plating at 1.5 m depth."""
    if scenario is None:
        scenario = Scenario(seed=7, vehicle=VehicleOptions(compass="perfect", start_up=0.0, **options))
    link = station(scenario, launch=NEAR)
    link.simulation.body.down_m = 1.5
    return link.ready()


def test_dead_reckoning_by_the_dvl_holds_a_place_within_centimetres():
    link = at_the_hull()
    link.run(5)
    before = link.simulation.body.position
    link.run(25)
    now = link.simulation.body.position
    assert hypot(now[0] - before[0], now[1] - before[1]) < 0.25
    assert link.flags == 367


def test_a_leg_along_the_hull_comes_out_as_long_as_the_scale_error_says():
    link = at_the_hull()
    heading = radians(62)
    start, yaw = link.simulation.body.position, radians(62 - 90)
    x0, y0, z0 = link.position
    way = (np.cos(heading), np.sin(heading))

    def follow(t: float) -> None:
        place = (x0 + way[0] * 0.2 * t, y0 + way[1] * 0.2 * t, z0)
        link.setpoint(place, (way[0] * 0.2, way[1] * 0.2, 0), yaw=yaw, mask=0x09C0)

    link.fly(20, follow)
    flown = np.subtract(link.simulation.body.position, start)[:2]
    believed = np.subtract(link.position, (x0, y0, z0))[:2]
    assert np.linalg.norm(believed) == pytest.approx(4.0, abs=0.3)
    assert np.linalg.norm(flown - believed) < 0.03 * 4.0 + 0.12
    assert 0.9 < link.simulation.contacts.clearance_m < 1.9


@pytest.mark.parametrize("kind", [DvlDropout, PositionLoss])
def test_losing_the_dvl_freezes_the_position_after_five_seconds_and_changes_no_mode(kind):
    scenario = Scenario(
        seed=7,
        water=Water(current_mps=0.1, current_towards_deg=62),
        vehicle=VehicleOptions(compass="perfect", start_up=0.0),
        faults=(kind(at_s=8.0, for_s=12.0),),
    )
    link = at_the_hull(scenario)
    link.run(8.0 + 4.4 - link.now)
    assert link.flags == 367
    link.run(1.6)
    assert link.flags == 231
    assert (4, "EKF3 IMU0 stopped aiding") in link.texts()
    assert times_of(link)["EKF3 IMU0 stopped aiding"] == pytest.approx(13.0, abs=0.4)
    frozen, true = link.position, link.simulation.body.position
    told = link.last["VFR_HUD"].alt, link.last["LOCAL_POSITION_NED"].z
    link.run(4.0)
    assert link.position[:2] == frozen[:2]
    assert (link.last["VFR_HUD"].alt, link.last["LOCAL_POSITION_NED"].z) == told, "the told height stands still too"
    assert link.position[2] != frozen[2], "while control goes on by the barometer"
    assert link.mode is Mode.GUIDED
    drifted = np.linalg.norm(np.subtract(link.simulation.body.position, true)[:2])
    assert 0.05 < drifted < 2.0
    assert link.set_mode(Mode.POSHOLD) == 4
    assert link.set_mode(Mode.GUIDED) == 0, "it is in GUIDED already"
    believed = link.position
    link.run(21.5 - link.now)
    assert link.flags == 367, "the feed is back: aiding resumes within 6 s"
    assert "EKF3 IMU0 started relative aiding" in times_of(link)
    assert np.linalg.norm(np.subtract(link.position, believed)[:2]) < 0.5, "and the estimate does not jump"


def test_losing_the_gps_is_doubt_after_seven_seconds_and_loss_after_fifteen():
    scenario = Scenario(
        seed=7,
        vehicle=VehicleOptions(position="gps", compass="perfect", start_up=0.0),
        faults=(PositionLoss(at_s=5.0),),
    )
    link = station(scenario)
    link.run(11.5)
    assert link.flags == 895
    link.run(1.5)
    assert link.flags == 103
    assert link.set_mode(Mode.GUIDED) == 4, "what needs a position is refused already"
    link.run(6.5)
    assert link.flags == 103
    assert (4, "EKF3 IMU0 stopped aiding") not in link.texts()
    link.run(1.5)
    assert link.flags == 231
    assert (4, "EKF3 IMU0 stopped aiding") in link.texts()


def test_gps_that_comes_back_within_fifteen_seconds_is_believed_again_without_a_word():
    scenario = Scenario(
        seed=7,
        vehicle=VehicleOptions(position="gps", compass="perfect", start_up=0.0),
        faults=(PositionLoss(at_s=5.0, for_s=9.0),),
    )
    link = station(scenario)
    link.run(13.5)
    assert link.flags == 103
    link.run(1.5)
    assert link.flags == 895
    assert [text for _, text in link.texts() if "IMU0 is using GPS" in text] == ["EKF3 IMU0 is using GPS"]


def test_without_a_range_to_the_ground_the_flags_have_64_less():
    link = station(position="gps")
    link.simulation.sounders.down_taken = True  # nothing reads downwards any more: the last reading is the greatest
    link.run(6.0)
    assert link.flags == 831


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param({"dvl": "none"}, "without a DVL there is no position", id="no DVL"),
        pytest.param({"dvl": "a50", "far": True}, "and none without lock on a hull", id="out of reach"),
    ],
)
def test_navigation_by_dvl_needs_a_dvl_with_lock(options, reason):
    far = options.pop("far", False)
    link = station(launch={"distance_m": 90.0} if far else NEAR, position="dvl", **options)
    link.run(12)
    assert link.flags == 231, reason
    assert link.set_mode(Mode.GUIDED) == 4


def test_near_steel_the_heading_is_wrong_by_degrees_and_by_less_far_off():
    errors = {}
    for distance in (1.6, 30.0):
        worst = 0.0
        for seed in (1, 2):
            scenario = Scenario(seed=seed, vehicle=VehicleOptions(position="gps", start_up=0.0))
            link = station(scenario, launch={"distance_m": distance})
            link.run(9)
            off = degrees(link.simulation.autopilot.nav.attitude[2] - link.simulation.body.euler_rad[2])
            worst = max(worst, abs((off + 180) % 360 - 180))
        errors[distance] = worst
    assert 0.8 < errors[1.6] < 12.5
    assert errors[30.0] < 1.0


def test_depth_follows_the_barometer_without_its_noise():
    link = at_the_hull()
    link.run(4)
    depths = []
    for _ in range(100):
        link.run(0.05)
        depths.append(link.position[2] - link.simulation.body.down_m)
    assert np.std(depths) < 0.012
    assert -0.2 < np.mean(depths) < 0.1


@pytest.mark.parametrize("step_m", [-1.0, 1.5])
def test_a_step_of_the_barometer_is_left_out_for_five_seconds_and_then_taken_at_once(step_m: float):
    link = at_the_hull()
    link.run(4)
    nav, body = link.simulation.autopilot.nav, link.simulation.body
    link.simulation.add_fault(PressureGlitch(at_s=link.simulation.time_s, offset_m=step_m))
    before = nav.position[2] - body.down_m
    link.run(4.5)
    assert nav.position[2] - body.down_m == pytest.approx(before, abs=0.1)
    link.run(0.6)
    assert nav.position[2] - body.down_m == pytest.approx(before + step_m, abs=0.2)
