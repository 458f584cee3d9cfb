import math
import threading
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hullscan.clock import PacedClock, SimulatedClock
from hullscan.errors import LinkError
from hullscan.vehicle import messages as m
from hullscan.vehicle.series import Series
from hullscan.vehicle.telemetry import Telemetry
from hullscan.vehicle.timing import Patience, SensorTime, VehicleTime

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

NOW = 1_795_000_000.0
AUTOPILOT, BLUEOS, STATION = m.Source(1, 1), m.Source(1, 194), m.Source(255, 190)


@dataclass(frozen=True, slots=True)
class Number:
    utc_s: float
    value: float


def attitude(boot_s, yaw_rad, roll_rad=0.0):
    return m.Attitude(boot_s, roll_rad, 0.0, yaw_rad, (0.0, 0.0, 0.0))


def told(*messages, clock=None):
    """Telemetry of (boot or arrival offset, message), arriving 5 ms after their stamp."""
    telemetry = Telemetry(clock or SimulatedClock(NOW))
    for offset_s, message in messages:
        telemetry.observe(AUTOPILOT, message, NOW + offset_s + 0.005)
    return telemetry


# -- series ------------------------------------------------------------------------------------------------


def test_a_series_interpolates_linearly_and_knows_its_age():
    series = Series(Number, "number")
    assert series.latest is None
    assert series.age_s(NOW) == math.inf
    for second in range(5):
        series.append(Number(NOW + second, 10.0 * second))
    assert series.at(NOW + 2.25, max_gap_s=1.5).value == pytest.approx(22.5)
    assert series.at(NOW + 4.0).value == 40.0
    assert series.age_s(NOW + 4.5) == 0.5
    assert series.before(NOW + 3.9) == Number(NOW + 3, 30.0)
    assert series.before(NOW - 1) is None


@pytest.mark.parametrize("at", [-0.1, 4.6, 2.5], ids=["before the first", "long after the last", "inside a gap"])
def test_nothing_is_invented_where_nothing_was_heard(at):
    series = Series(Number, "depth")
    for second in (0.0, 1.0, 2.0, 3.5, 4.0):
        series.append(Number(NOW + second, second))
    with pytest.raises(LinkError, match="no depth from the vehicle at that time"):
        series.at(NOW + at)


def test_now_is_carried_on_from_the_last_message():
    telemetry = Telemetry(SimulatedClock(NOW))
    telemetry.observe(AUTOPILOT, m.LocalPosition(1.0, (1.0, 2.0, 3.0), (0.2, 0.0, -0.1)), NOW + 1.0)
    telemetry.observe(AUTOPILOT, m.Attitude(1.0, 0.0, 0.0, math.pi - 0.01, (0.0, 0.0, 0.2)), NOW + 1.0)
    telemetry.observe(AUTOPILOT, m.VfrHud(-3.0, 0.0, 0.0), NOW + 1.0)
    pose = telemetry.pose_at(NOW + 1.1)
    assert pose.position_m == pytest.approx([1.02, 2.0, 2.99])
    assert telemetry.attitude.at(NOW + 1.1).yaw_rad == pytest.approx(-math.pi + 0.01)
    assert telemetry.depth.at(NOW + 1.1).depth_m == 3.0
    assert telemetry.pose_at(NOW + 1.9, max_gap_s=2.0).position_m[0] == pytest.approx(1.18)
    with pytest.raises(LinkError):
        telemetry.pose_at(NOW + 1.6)


@pytest.mark.parametrize(
    ("times_s", "told"),
    [
        pytest.param(np.arange(0.0, 12.05, 0.05), True, id="a message every 0.05 s"),
        pytest.param(np.arange(0.0, 12.05, 0.25), True, id="from a vehicle that sends four a second"),
        pytest.param(np.array([0.0, 0.05, 11.95, 12.0]), False, id="a link that was lost while it swung"),
    ],
)
def test_how_far_it_turned_is_told_by_the_gyro_and_not_over_a_gap(times_s, told):
    telemetry, swing_radps = Telemetry(SimulatedClock(NOW)), 0.1
    for time_s in times_s.tolist():
        telemetry.observe(
            AUTOPILOT, m.Attitude(time_s, 0.0, 0.0, 0.0, (0.0, 0.0, swing_radps * math.cos(time_s))), NOW + time_s
        )
    turned = telemetry.turned_rad(NOW, NOW + 12.0)
    assert (turned is not None) == told
    if turned is not None:
        assert turned == pytest.approx(swing_radps * math.sin(12.0), abs=2e-3)


def test_ranges_of_time_are_arrays_with_named_columns():
    series = Series(Number, "number")
    for second in range(10):
        series.append(Number(NOW + second, second**2))
    rows = series.between(NOW + 2, NOW + 4)
    assert rows.dtype.names == ("utc_s", "value")
    assert rows["value"].tolist() == [4.0, 9.0, 16.0]
    assert len(series.between(NOW + 20, NOW + 30)) == 0
    assert len(series.all()) == 10


def test_a_late_sample_is_left_out_and_counted():
    series = Series(Number, "number")
    assert series.append(Number(NOW + 1, 1.0))
    assert not series.append(Number(NOW, 0.0))
    assert (len(series), series.late) == (1, 1)


def test_memory_is_bounded_and_the_newest_stays():
    series = Series(Number, "number", capacity=1_000)
    for second in range(2_600):
        series.append(Number(NOW + second, second))
    assert len(series) <= 1_000
    assert series.forgotten + len(series) == 2_600
    assert np.all(np.diff(series.all()["utc_s"]) == 1.0)
    assert series.at(NOW + 2_599).value == 2_599


def test_one_thread_may_append_while_others_ask():
    series, errors = Series(Number, "number", capacity=5_000), []

    def ask():
        for _ in range(300):
            latest = series.latest
            if latest is None:
                continue
            rows = series.between(latest.utc_s - 5, latest.utc_s)
            if not np.array_equal(rows["value"], rows["utc_s"] - NOW):
                errors.append(rows)

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    for second in range(20_000):
        series.append(Number(NOW + second, second))
    for asker in askers:
        asker.join()
    assert not errors


# -- attitude and pose ---------------------------------------------------------------------------------------


TURNS = {
    "across north": (math.radians(350), math.radians(10), math.radians(0)),
    "across south": (math.radians(170), math.radians(-170), math.radians(180)),
    "a plain turn": (math.radians(20), math.radians(40), math.radians(30)),
}


@pytest.mark.parametrize(("start", "end", "middle"), TURNS.values(), ids=TURNS.keys())
def test_headings_are_interpolated_the_short_way_round(start, end, middle):
    telemetry = told((1.0, attitude(1.0, start)), (1.1, attitude(1.1, end)))
    offset = telemetry.time.offset_s
    found = telemetry.attitude.at(offset + 1.05)
    assert math.cos(found.yaw_rad - middle) == pytest.approx(1.0)


@PATIENT
@given(
    st.tuples(*[st.floats(-3.1, 3.1)] * 2, st.floats(-1.5, 1.5)),
    st.tuples(*[st.floats(-3.1, 3.1)] * 2, st.floats(-1.5, 1.5)),
    st.floats(0.0, 1.0),
)
def test_attitude_follows_the_shortest_rotation(first, second, share):
    telemetry = Telemetry(SimulatedClock(NOW))
    for boot_s, (roll, yaw, pitch) in ((1.0, first), (2.0, second)):
        telemetry.observe(AUTOPILOT, m.Attitude(boot_s, roll, pitch, yaw, (0.0, 0.0, 0.0)), NOW + boot_s)
    a, b = (telemetry.attitude.at(NOW + 1.0).r_ned_frd, telemetry.attitude.at(NOW + 2.0).r_ned_frd)
    whole = (a.inv() * b).magnitude()
    part = (a.inv() * telemetry.attitude.at(NOW + 1.0 + share).r_ned_frd).magnitude()
    assert part == pytest.approx(share * whole, abs=2e-5)


def test_a_pose_is_ned_from_frd():
    telemetry = told(
        (1.0, m.LocalPosition(1.0, (1.0, 2.0, 3.0), (0.0, 0.0, 0.0))),
        (1.0, attitude(1.0, math.pi / 2)),
        (1.2, m.LocalPosition(1.2, (1.2, 2.0, 3.0), (0.0, 0.0, 0.0))),
        (1.2, attitude(1.2, math.pi / 2)),
    )
    pose = telemetry.pose_at(telemetry.time.offset_s + 1.1)
    assert pose.to_parent(np.array([1.0, 0.0, 0.0])) == pytest.approx([1.1, 3.0, 3.0])


# -- messages --------------------------------------------------------------------------------------------------


def test_what_the_vehicle_said_is_kept_by_quantity():
    telemetry = told(
        (0.0, m.Heartbeat(12, 3, 217, 4, 4)),
        (0.1, m.VfrHud(-2.5, 90.0, 0.0)),
        (0.2, m.SysStatus(0, 0, 0, 15.8, 2.5, 0.81)),
        (0.3, m.EkfStatus(831, 0.1, 0.1, 0.1, 0.1)),
        (0.4, m.NamedValue(0.4, "Lights1", 0.75)),
        (0.5, m.Pressure(0.5, 2, 141_900.0, 12.5)),
        (0.6, m.Pressure(0.6, 1, 101_325.0, 30.0)),
        (0.7, m.GpsOrigin(35.0767, 129.08, 0.0)),
        (0.8, m.StatusText(4, "MYGCS: 255, heartbeat lost")),
    )
    assert (telemetry.mode, telemetry.armed, telemetry.depth_m, telemetry.ekf_flags) == ("GUIDED", True, 2.5, 831)
    assert telemetry.battery.latest.voltage_v == 15.8
    assert telemetry.values["Lights1"].latest.value == 0.75
    assert telemetry.pressure.latest.temperature_c == 12.5
    assert telemetry.origin.lat_deg == 35.0767
    assert [text.text for text in telemetry.texts()] == ["MYGCS: 255, heartbeat lost"]
    assert telemetry.age_s(NOW + 1.805) == pytest.approx(1.0)


def test_only_the_vehicle_counts_and_a_companion_computer_only_for_ranges():
    telemetry = Telemetry(SimulatedClock(NOW))
    telemetry.observe(STATION, m.Heartbeat(6, 8, 0, 0, 4), NOW)
    telemetry.observe(m.Source(2, 1), m.VfrHud(-9.0, 0.0, 0.0), NOW)
    telemetry.observe(BLUEOS, m.Heartbeat(18, 8, 0, 0, 4), NOW)
    telemetry.observe(BLUEOS, m.DistanceSensor(77_777.0, 1, 25, 1.2, 0.2, 50.0, 1, 1), NOW + 3)
    assert (telemetry.mode, telemetry.armed) == ("", False)
    assert math.isnan(telemetry.depth_m)
    assert telemetry.age_s(NOW) == math.inf
    assert telemetry.ranges[25].latest.utc_s == NOW + 3  # BlueOS counts from its own start
    assert not telemetry.time.known


def test_long_texts_are_joined_from_their_chunks():
    half = "x" * 50
    telemetry = told(
        (0.0, m.StatusText(6, half, 7, 0, full=True)),
        (0.1, m.StatusText(6, "end", 7, 1)),
        (0.2, m.StatusText(4, "short")),
        (0.3, m.StatusText(6, half, 8, 0, full=True)),
        (0.4, m.StatusText(6, "alone", 9, 1)),
    )
    assert [text.text for text in telemetry.texts()] == [half + "end", "short", "alone"]


def test_numbers_that_are_not_finite_and_names_without_end_are_left_out():
    telemetry = told((1.0, attitude(1.0, math.nan)), (1.0, m.VfrHud(math.inf, 0.0, 0.0)))
    for number in range(100):
        telemetry.observe(AUTOPILOT, m.NamedValue(1.0, f"noise{number}", 0.0), NOW)
    assert (len(telemetry.attitude), len(telemetry.depth)) == (0, 0)
    assert len(telemetry.values) == 64
    assert telemetry.left_out == 2 + 36


# -- the vehicle's time ------------------------------------------------------------------------------------------


def test_boot_time_is_placed_by_the_fastest_messages():
    time = VehicleTime(SimulatedClock(NOW))
    for index in range(200):
        late_s = 0.004 if index % 7 == 0 else 0.080
        time.observe(index * 0.05, NOW + index * 0.05 + late_s)
    assert time.offset_s == pytest.approx(NOW + 0.004)
    time.note_round_trip(0.008)
    assert time.offset_s == pytest.approx(NOW)


def test_samples_keep_their_order_while_the_mapping_improves():
    telemetry = Telemetry(SimulatedClock(NOW))
    for boot_s, late_s in ((1.00, 0.200), (1.02, 0.150), (1.04, 0.001), (1.06, 0.100)):
        telemetry.observe(AUTOPILOT, attitude(boot_s, 0.0), NOW + boot_s + late_s)
    times = telemetry.attitude.all()["utc_s"]
    assert len(times) == 4
    assert np.all(np.diff(times) >= 0)


def test_a_reboot_starts_the_mapping_anew():
    time = VehicleTime(SimulatedClock(NOW))
    time.observe(100.0, NOW)
    assert time.observe(99.9, NOW + 0.05) < NOW + 0.05  # one that UDP brought out of order
    assert time.reboots == 0
    assert time.observe(1.0, NOW + 20.0) == pytest.approx(NOW + 20.0)
    assert time.reboots == 1


def test_a_paced_clock_follows_the_vehicle_from_its_own_utc():
    clock = PacedClock(rate=10.0)
    telemetry = Telemetry(clock)
    telemetry.observe(AUTOPILOT, attitude(5.0, 0.0), clock.now())
    telemetry.observe(AUTOPILOT, m.SystemTime(NOW + 5.1, 5.1), clock.now())
    assert clock.now() == pytest.approx(NOW + 5.1, abs=0.2)
    assert len(telemetry.attitude) == 0  # stamps from before the clock took the vehicle's time mean nothing
    telemetry.observe(AUTOPILOT, attitude(5.2, 0.0), clock.now())
    assert telemetry.attitude.latest.utc_s == pytest.approx(NOW + 5.2)
    assert telemetry.time.uncertainty_s == 0.0


def test_a_paced_clock_starts_at_the_present_when_the_vehicle_knows_no_utc():
    clock = PacedClock(rate=10.0)
    telemetry, before_s = Telemetry(clock), clock.now()
    for index in range(40):
        telemetry.observe(AUTOPILOT, m.SystemTime(0.0, 5.0 + 0.1 * index), clock.now())
    assert telemetry.time.known
    assert before_s <= clock.now() < before_s + 10.0
    assert telemetry.time.epochs == 0


def test_a_sensors_time_on_a_paced_clock_is_the_middle_of_its_arrivals():
    generator = np.random.default_rng(7)
    plain, paced = (SensorTime(clock, 0.0, 0.002) for clock in (SimulatedClock(NOW), PacedClock(5.0)))
    for index in range(300):
        stamp_s = 0.1 * index
        early_or_late_s = float(generator.normal(0.0, 0.05))
        plain.observe(stamp_s, NOW + stamp_s + abs(early_or_late_s))
        paced.observe(stamp_s, NOW + stamp_s + early_or_late_s)
    assert plain.to_utc(1.0) == pytest.approx(NOW + 1.0, abs=0.003)
    assert paced.to_utc(1.0) == pytest.approx(NOW + 1.0, abs=0.012)
    assert paced.uncertainty_s < 0.02


def test_patience_survives_the_jump_of_a_paced_clock():
    clock = PacedClock()
    patience = Patience(clock, 10.0)
    clock.observe(NOW - 1e6)
    assert not patience.over
    clock.observe(NOW + 1e6)
    assert not patience.over


# -- depth -------------------------------------------------------------------------------------------------


def test_when_the_position_is_lost_the_depth_goes_on_by_pressure_because_ardusubs_height_stands_still():
    telemetry = told((0.0, m.EkfStatus(367, 0.1, 0.1, 0.1, 0.1)), (0.1, m.VfrHud(-1.33, 0.0, 0.0)))
    for tick in range(50):
        telemetry.observe(AUTOPILOT, m.Pressure(1 + tick / 5, 2, 114_700.0, 12.0), NOW + 1 + tick / 5)
    assert telemetry.depth_m == 1.33
    telemetry.observe(AUTOPILOT, m.EkfStatus(231, 0.1, 0.1, 0.1, 0.1), NOW + 12)
    telemetry.observe(AUTOPILOT, m.VfrHud(-1.33, 0.0, 0.0), NOW + 20)
    telemetry.observe(AUTOPILOT, m.Pressure(20.0, 2, 102_640.0, 12.0), NOW + 20)
    assert telemetry.depth_m == pytest.approx(0.13, abs=0.02)
    telemetry.observe(AUTOPILOT, m.EkfStatus(367, 0.1, 0.1, 0.1, 0.1), NOW + 21)
    assert telemetry.depth_m == 1.33


def test_without_a_pressure_from_better_times_the_last_depth_stays():
    telemetry = told((0.0, m.EkfStatus(167, 0.1, 0.1, 0.1, 0.1)), (0.1, m.VfrHud(-2.0, 0.0, 0.0)))
    telemetry.observe(AUTOPILOT, m.Pressure(1.0, 2, 114_700.0, 12.0), NOW + 1)
    assert telemetry.depth_m == 2.0
