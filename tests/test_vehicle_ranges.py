import math

import pytest
from scipy.spatial.transform import Rotation

from hullscan.clock import SimulatedClock
from hullscan.record.replay import hull_ranges
from hullscan.vehicle import messages as m
from hullscan.vehicle.mavlink_range import MavlinkRange
from hullscan.vehicle.protocol import RangeSensor
from hullscan.vehicle.telemetry import Telemetry

NOW = 1_795_000_000.0
AUTOPILOT, BLUEOS = m.Source(1, 1), m.Source(1, 194)


def distance(orientation, distance_m, quality=0):
    return m.DistanceSensor(0.0, 1, orientation, distance_m, 0.2, 50.0, 1, quality)


def heard(*readings, source=AUTOPILOT):
    telemetry = Telemetry(SimulatedClock(NOW))
    for offset_s, orientation, distance_m in readings:
        telemetry.observe(source, distance(orientation, distance_m), NOW + offset_s)
    return telemetry


def test_a_forward_echo_sounder_is_one_beam_along_frd_x():
    sensor: RangeSensor = MavlinkRange(heard((0.0, 0, 1.2), (0.1, 0, 1.1), (0.1, 25, 5.0)))
    made = sensor.latest()
    assert made.directions_frd.tolist() == [[1.0, 0.0, 0.0]]
    assert made.distances_m == pytest.approx([1.1])
    assert made.velocity_frd_mps is None
    assert sensor.counts.reports == 2
    assert sensor.age_s(NOW + 1.1) == pytest.approx(1.0)


def test_a_recording_without_a_dvl_has_the_ranges_of_the_echo_sounder_ahead(tmp_path):
    telemetry = heard((0.0, 0, 1.2), (0.1, 25, 5.0), (0.2, 0, 1.1))
    (tmp_path / "dvl.jsonl").write_text('{"utc_s": 1.0, "line": "{\\"type\\": \\"no DVL\\"}"}\n', encoding="utf-8")
    reports = hull_ranges(tmp_path / "dvl.jsonl", Rotation.identity(), telemetry)
    assert [report.distances_m.tolist() for report in reports] == [[pytest.approx(1.2)], [pytest.approx(1.1)]]


TRAP = {
    "believed as labelled, it looks down": (False, (25,), [0.0, 0.0, 1.0]),
    "known as a DVL that looks forward, it looks forward": (True, (0,), [1.0, 0.0, 0.0]),
}


@pytest.mark.parametrize(("forward", "orientations", "direction"), TRAP.values(), ids=TRAP.keys())
def test_orientation_25_from_blueos_is_what_the_setting_says(forward, orientations, direction):
    telemetry = heard((0.0, 25, 1.2), source=BLUEOS)
    sensor = MavlinkRange(telemetry, orientations=orientations, orientation_25_is_forward=forward)
    assert sensor.latest().directions_frd.tolist() == [direction]


LIMITS = {
    "at its shortest it says nothing": (0.2, False),
    "at its longest it says nothing": (50.0, False),
    "zero is nothing": (0.0, False),
    "between the two it measures": (1.0, True),
}


@pytest.mark.parametrize(("distance_m", "valid"), LIMITS.values(), ids=LIMITS.keys())
def test_a_reading_counts_only_inside_the_sensors_own_limits(distance_m, valid):
    sensor = MavlinkRange(heard((0.0, 0, distance_m)))
    made = sensor.latest()
    assert made.valid.tolist() == [valid]
    assert math.isnan(made.distances_m[0]) is not valid
    assert sensor.counts.invalid == (not valid)
    assert (sensor.age_s(NOW) == math.inf) is not valid


def test_a_wrong_short_echo_is_flagged_and_counted_once():
    sensor = MavlinkRange(heard(*[(0.1 * i, 0, 0.5 if i == 20 else 2.0) for i in range(40)]))
    assert [made.suspect[0] for made in sensor.since(NOW + 1.85)][:3] == [False, True, False]
    assert (sensor.counts.suspect, sensor.counts.reports) == (1, 40)
    assert (sensor.counts.suspect, sensor.counts.reports) == (1, 40)


def test_several_orientations_are_told_in_the_order_of_time():
    sensor = MavlinkRange(heard((0.0, 0, 1.0), (0.05, 2, 2.0), (0.1, 0, 1.1)), orientations=(0, 2))
    assert [made.directions_frd[0].tolist() for made in sensor.since(0.0)] == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]


def test_before_the_first_reading_there_is_nothing():
    sensor = MavlinkRange(heard())
    sensor.start()
    assert (sensor.latest(), sensor.since(0.0), sensor.age_s(NOW)) == (None, [], math.inf)
    sensor.check()
    sensor.close()


def test_an_orientation_without_one_axis_is_a_mistake_of_the_program():
    with pytest.raises(ValueError, match=r"expected orientations .* got \[100\]"):
        MavlinkRange(heard(), orientations=(100,))
