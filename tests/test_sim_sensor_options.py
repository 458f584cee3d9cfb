"""What a scenario asks of sensors, clocks and the video's way: each fault has the size that it states."""

from __future__ import annotations

import socket
from itertools import pairwise
from math import degrees, pi, radians

import numpy as np
import pytest
from test_sim_sensors import generator, turned
from test_sim_station import HULL, Station, stated_ship
from test_sim_world import beside, world

from hullscan_sim.camera.rtp_link import ParameterSets, RtpRelay
from hullscan_sim.dvl import Dvl, DvlReport
from hullscan_sim.dvl_server import DvlClock
from hullscan_sim.dynamics import RigidBody
from hullscan_sim.mavlink_server import MemoryLink
from hullscan_sim.scenario import Scenario, VehicleOptions
from hullscan_sim.sensor_options import Clocks, Sensors, VideoLink
from hullscan_sim.sensors import Barometer, Compass, EchoSounders
from hullscan_sim.simulation import Simulation
from hullscan_sim.world import NOTHING, World


def vehicle(sensors: Sensors | None = None, clocks: Clocks | None = None, **options) -> Station:
    merged = {"position": "gps", "compass": "perfect", "dvl": "perfect", "start_up": 0.0, **options}
    scenario = Scenario(
        seed=7, vehicle=VehicleOptions(**merged), sensors=sensors or Sensors(), clocks=clocks or Clocks()
    )
    link = MemoryLink()
    return Station(Simulation(scenario, stated_ship(distance_m=3.0), HULL, link=link, start_utc_s=1.7e9), link)


# ---------------------------------------------------------------- compass, gyro, pressure


def test_the_compass_errs_by_up_to_the_angle_that_is_stated():
    def worst(greatest_deg: float) -> float:
        compass = Compass("near_steel", generator(), radians(greatest_deg))
        headings = np.linspace(0, 2 * pi, 7)
        return max(abs(compass.error_rad((x, 6, 2), 0.0, h)) for x in np.arange(0, 60, 0.5) for h in headings)

    assert degrees(worst(12)) == pytest.approx(11, abs=2)
    assert worst(36) == pytest.approx(3 * worst(12), rel=0.15)


def test_a_gyro_that_drifts_turns_the_heading_as_far_as_the_compass_lets_it():
    """30 degrees a minute against a compass that pulls with 5 s: 2.5 degrees in the end."""
    still, drifting = vehicle(), vehicle(Sensors(gyro_drift_deg_per_min=30.0))
    errors = []
    for link in (still, drifting):
        link.run(20.0)
        nav, body = link.simulation.autopilot.nav, link.simulation.body
        errors.append(degrees(nav.attitude[2] - body.euler_rad[2]))
    assert errors[1] - errors[0] == pytest.approx(2.5, abs=0.3)


def test_a_depth_zero_that_was_taken_wrong_reads_deeper_by_the_stated_bias_and_drifts_on():
    def depth(options: Sensors, time_s: float) -> float:
        barometer = Barometer(generator(), 0.125, options)
        found = []
        for count in range(200):
            barometer.sample(time_s + count * 0.02, 2.0)
            found.append(barometer.depth_m(Barometer.HPA_PER_M / Barometer.FRESH_HPA_PER_M))
        return float(np.mean(found))

    right = depth(Sensors(), 0.0)
    assert depth(Sensors(pressure_bias_m=0.4), 0.0) - right == pytest.approx(0.4, abs=1e-6)
    assert depth(Sensors(pressure_drift_m_per_h=0.6), 1800.0) - right == pytest.approx(0.3, abs=1e-3)


# ---------------------------------------------------------------- echo sounder


def test_the_strongest_echo_of_a_wide_cone_is_the_plate_that_it_meets_squarely():
    """At 30 degrees to the side: the nearest edge of the cone reads short, the strongest echo shorter than the axis."""
    place = world()
    skewed = turned(beside(place, 3.0), yaw=30.0)
    found = {}
    for kind in ("nearest", "strongest"):
        sounders = EchoSounders(generator(), options=Sensors(sounder=kind))
        assert sounders.sample(0.1, skewed, place)
        found[kind] = sounders.forward.distance_m
    axis_m = (3.0 - 0.20 * np.cos(radians(30))) / np.cos(radians(30))
    assert found["nearest"] < found["strongest"] < axis_m
    assert axis_m - found["strongest"] > 0.05, "the bias is there"


def test_straight_ahead_the_strongest_echo_is_the_plating():
    place = world()
    sounders = EchoSounders(generator(), options=Sensors(sounder="strongest"))
    sounders.sample(0.1, beside(place, 2.0), place)
    assert sounders.forward.distance_m == pytest.approx(1.8, abs=0.06)


def test_the_cone_is_as_wide_as_stated():
    """Looking along a corner: a wide cone finds the hull beside, a narrow one does not."""
    place = world()
    aside = turned(beside(place, 2.0), yaw=72.0)
    readings = []
    for cone in (10.0, 50.0):
        sounders = EchoSounders(generator(), options=Sensors(sounder_cone_deg=cone))
        sounders.sample(0.1, aside, place)
        readings.append(sounders.forward.distance_m)
    assert readings[1] < 0.6 * readings[0]


# ---------------------------------------------------------------- DVL


def reports(options: Sensors, body: RigidBody, place: World, seconds: float, seed: int = 5) -> list[DvlReport]:
    dvl, found = Dvl("a50", generator(seed), options), []
    for step in range(round(seconds / 0.005)):
        report = dvl.sample(step * 0.005, body, place)
        if report is not None:
            found.append(report)
    return found


def test_the_dvl_errs_in_the_shares_that_are_stated():
    place = world()
    body = beside(place, 1.5)
    found = reports(
        Sensors(dvl_invalid_share=0.2, dvl_outlier_share=0.1, dvl_repeat_share=0.15, dvl_gap_share=0.0),
        body, place, 120.0,
    )  # fmt: skip
    gaps = reports(Sensors(dvl_invalid_share=0.0, dvl_gap_share=0.1), body, place, 120.0)
    shares = {
        "invalid": np.mean([not report.valid for report in found]),
        "outlier": np.mean([report.valid and report.altitude_m < 0.2 for report in found]),
        "repeat": np.mean([report.repeats == 2 for report in found]),
        "gap": np.mean([report.interval_ms > 249 for report in gaps]),
    }
    assert shares == pytest.approx({"invalid": 0.2, "outlier": 0.1, "repeat": 0.15, "gap": 0.1}, abs=0.04)


class PlateThatEnds(World):
    """Plating up to a station, and nothing beyond."""

    end_m = 0.0

    def cast(self, origin, directions_ned, max_range_m, *, mirror=False):
        hits = super().cast(origin, directions_ned, max_range_m, mirror=mirror)
        met = np.isfinite(hits.distance_m)
        points = np.array(origin) + np.where(met, hits.distance_m, 0.0)[:, None] * directions_ned
        beyond = met & (self.ship_pose.to_ship(points)[:, 0] > self.end_m)
        hits.distance_m[beyond], hits.incidence[beyond], hits.kind[beyond] = np.inf, 0.0, NOTHING
        return hits


def test_a_beam_with_a_width_is_lost_at_an_edge_the_more_often_the_less_of_it_meets_the_hull():
    """Beams of 1.1 m meet the plating 0.3 m ahead of the vehicle, in spots of 9 cm; the plating ends near there."""
    place = PlateThatEnds(stated_ship(), HULL, Scenario(), np.random.default_rng(1))
    body = beside(place, 1.2)
    spot_m = 30.0 + (1.2 - 0.18) * np.tan(radians(22.5)) * np.cos(radians(45))

    def heard(width_deg: float, beyond_m: float) -> float:
        place.end_m = spot_m + beyond_m
        found = reports(Sensors(dvl_beam_width_deg=width_deg, dvl_invalid_share=0.0), body, place, 30.0)
        return float(np.mean([[beam.valid for beam in report.beams] for report in found]))

    rays = [heard(0.0, beyond_m) for beyond_m in (0.2, 0.015, -0.015, -0.2)]
    assert rays == pytest.approx([0.99, 0.99, 0.495, 0.495], abs=0.02), "a ray meets it or does not"
    wide = [heard(4.4, beyond_m) for beyond_m in (0.2, 0.015, -0.2)]
    assert wide[0] == pytest.approx(0.99, abs=0.02)
    assert 0.55 < wide[1] < 0.93
    assert wide[2] == pytest.approx(0.495, abs=0.02)


def test_blueos_tells_the_range_of_a_forward_dvl_as_height_above_the_ground():
    def told(**options: str) -> tuple[float, float]:
        link = vehicle(**options)
        link.run(3.0)
        down, ahead = (
            [m.current_distance / 100 for m in link.messages("DISTANCE_SENSOR") if m.orientation == way][-1]
            for way in (25, 0)
        )
        return down, ahead

    sea_bed_m, hull_m = told()
    assert sea_bed_m == pytest.approx(9.3, abs=0.4)
    wrong_m, hull_again_m = told(dvl_as_rangefinder="orientation_25")
    assert wrong_m == pytest.approx(hull_m, abs=0.2)
    assert hull_again_m == pytest.approx(hull_m, abs=0.1)


# ---------------------------------------------------------------- clocks


def test_the_vehicles_clock_is_off_and_drifts_as_stated():
    link = vehicle(clocks=Clocks(vehicle_offset_s=-12.5, vehicle_drift_ppm=1000.0))
    link.run(20.0)
    errors = []
    for at, message in link.received:
        if message.get_type() == "SYSTEM_TIME":
            errors.append((at, message.time_unix_usec / 1e6 - 1.7e9 - at, message.time_boot_ms / 1e3 - at))
    at, utc, boot = errors[-1]
    assert utc == pytest.approx(-12.5 + 1e-3 * at, abs=0.012)
    assert boot == pytest.approx(1e-3 * at, abs=0.012)


def test_the_dvls_clock_is_off_and_drifts_as_stated():
    clocks = Clocks(dvl_offset_s=2.0, dvl_drift_ppm=-500.0)
    clock = DvlClock(1.7e9, generator(), perfect=False, clocks=clocks)
    assert clock.stamp_us(0.0) / 1e6 - 1.7e9 == pytest.approx(2.0, abs=1e-5)
    assert clock.stamp_us(1000.0) / 1e6 - 1.7e9 - 1000.0 == pytest.approx(1.5, abs=1e-5)
    drawn = DvlClock(1.7e9, generator(), perfect=False)
    assert DvlClock(1.7e9, generator(), perfect=False, clocks=Clocks()).stamp_us(50.0) == drawn.stamp_us(50.0)


# ---------------------------------------------------------------- video's way


def through(options: VideoLink, count: int) -> tuple[list[int], RtpRelay]:
    """Numbers of the packets that arrive, of ``count`` that are sent."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as laptop,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as camera,
    ):
        laptop.bind(("127.0.0.1", 0))
        laptop.settimeout(2.0)
        relay = RtpRelay("127.0.0.1", laptop.getsockname()[1], options, generator())
        arrived: list[int] = []
        for number in range(count):
            camera.sendto(number.to_bytes(4, "big"), ("127.0.0.1", relay.port))
            before = relay.sent
            relay.forward()  # loopback has it by then
            arrived += [int.from_bytes(laptop.recv(16), "big") for _ in range(relay.sent - before)]
        relay.close()
    return arrived, relay


def test_packets_are_lost_in_the_share_that_is_stated():
    arrived, relay = through(VideoLink(loss_share=0.1), 2000)
    assert len(arrived) == 2000 - relay.lost
    assert relay.lost / 2000 == pytest.approx(0.1, abs=0.02)
    assert arrived == sorted(arrived)


def test_packets_come_after_the_one_that_follows_them_in_the_share_that_is_stated():
    arrived, relay = through(VideoLink(reorder_share=0.2), 2000)
    late = sum(later < earlier for earlier, later in pairwise(arrived))
    assert late == pytest.approx(relay.reordered, abs=1)
    assert late / 2000 == pytest.approx(0.2 / 1.2, abs=0.03), "of two in a row only one can be late"
    assert sorted(arrived) == list(range(len(arrived)))


def test_the_same_seed_loses_the_same_packets():
    assert through(VideoLink(loss_share=0.3), 300)[0] == through(VideoLink(loss_share=0.3), 300)[0]


SPS, PPS, IDR = b"\x00\x00\x00\x01\x67sps", b"\x00\x00\x00\x01\x68pps", b"\x00\x00\x01\x65picture"


def test_parameter_sets_come_first_after_the_stated_time_and_then_as_often():
    sets, sent = ParameterSets(10.0), []
    for second in range(25):
        sent.append(sets.thin(SPS + PPS + IDR, float(second)))
    assert [at for at, unit in enumerate(sent) if unit == SPS + PPS + IDR] == [10, 20]
    assert {unit for at, unit in enumerate(sent) if at not in (10, 20)} == {IDR}
    assert ParameterSets(0.0).thin(SPS + PPS + IDR, 0.0) == SPS + PPS + IDR


def test_options_that_are_not_asked_for_change_nothing():
    """The draws of every sensor stay what they were."""
    place = world()
    body = beside(place, 1.5)
    plain, default = Dvl("a50", generator()), Dvl("a50", generator(), Sensors())
    for step in range(2000):
        assert plain.sample(step * 0.005, body, place) == default.sample(step * 0.005, body, place)
