"""Streams and parameters: rates against recordings of the real firmware, and the protocol's quirks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from struct import unpack_from

import pytest
from test_sim_station import Station, station

from hullscan_sim.messages import mavlink
from hullscan_sim.parameters import INT8, INT16, INT32, REAL32, Parameters

RECORDED = Path(__file__).parents[1].parent / "shared" / "data" / "ardusub"


def recorded_rates(path: Path) -> dict[int, float]:
    """Messages a second of (1, 1) in a tlog, by number; headers only."""
    data, at, counts = path.read_bytes(), 0, Counter[int]()
    first = last = 0
    while at + 18 < len(data):
        stamp, magic, length = *unpack_from(">Q", data, at), data[at + 8], data[at + 9]
        if magic != 0xFD:
            at += 1
            continue
        number = int.from_bytes(data[at + 15 : at + 18], "little")
        counts[number] += 1
        first, last = first or stamp, stamp
        at += 8 + 12 + length + (13 if data[at + 10] & 1 else 0)
    return {number: count / ((last - first) / 1e6) for number, count in counts.items()}


def rates(link: Station, seconds: float) -> dict[int, float]:
    start = link.now
    link.run(seconds)
    counts = Counter(message.get_msgId() for at, message in link.received if at > start)
    return {number: count / seconds for number, count in counts.items()}


def test_unasked_it_streams_what_a_recording_of_the_firmware_shows():
    """The recording had no interval set before its mission: the rates of a stock vehicle. Truth (SIMSTATE) is left
    out here, as on hardware; so are mission messages."""
    path = RECORDED / "sitl_auto_mission.tlog"
    if not path.exists():
        pytest.skip("the recordings are not beside this checkout")
    recorded = recorded_rates(path)
    link = station()
    link.run(2)
    ours = rates(link, 20)
    not_ours = {mavlink.MAVLINK_MSG_ID_SIMSTATE}
    on_request = {32, 62, 33}  # an interval was set for these in the recording
    for number, rate in recorded.items():
        if rate < 1.5 or number in not_ours | on_request:
            continue
        assert ours.get(number, 0.0) == pytest.approx(rate, rel=0.12, abs=0.15), f"message {number}"


def test_nothing_comes_that_a_recording_does_not_have():
    paths = [RECORDED / f"sitl_{name}.tlog" for name in ("dvl_no_gps", "guided_square")]
    if not all(path.exists() for path in paths):
        pytest.skip("the recordings are not beside this checkout")
    recorded = {number for path in paths for number in recorded_rates(path)}
    link = station()
    link.run(12)
    assert {message.get_msgId() for _, message in link.received} <= recorded


@pytest.mark.parametrize(("number", "rate_hz"), [(32, 20.0), (30, 25.0), (132, 10.0), (33, 5.0), (0, 4.0), (147, 1.0)])
def test_an_interval_is_kept_exactly(number, rate_hz):
    link = station()
    link.run(0.5)
    assert link.command(511, number, 1e6 / rate_hz) == 0
    sensors = 2 if number == 132 else 1
    assert rates(link, 6)[number] == pytest.approx(rate_hz * sensors, abs=0.35)


def test_an_interval_can_be_stopped_and_given_back():
    link = station()
    link.run(0.5)
    link.command(511, 30, -1)
    assert 30 not in rates(link, 2)
    link.command(511, 30, 0)
    assert rates(link, 3)[30] == pytest.approx(10, abs=0.5)
    start = link.now
    link.command(510, 30)
    assert link.messages("MESSAGE_INTERVAL", start)[0].interval_us == 100000


def test_a_data_stream_request_works_and_is_written_into_the_parameters():
    link = station()
    link.run(0.5)
    link.send(mavlink.MAVLink_request_data_stream_message(1, 1, 0, 4, 1))
    assert rates(link, 4)[30] == pytest.approx(4, abs=0.3)
    assert link.simulation.parameters["SR0_EXTRA1"] == 4
    link.send(mavlink.MAVLink_request_data_stream_message(1, 1, 10, 0, 0))
    assert 30 not in rates(link, 2)


def test_nine_named_values_come_twice_a_second():
    link = station()
    link.run(0.5)
    start = link.now
    link.run(4)
    names = Counter(message.name for message in link.messages("NAMED_VALUE_FLOAT", start))
    assert set(names) == {
        "CamTilt", "CamPan", "TetherTrn", "Lights1", "Lights2", "PilotGain", "InputHold", "RollPitch", "RFTarget",
    }  # fmt: skip
    assert set(names.values()) == {8}
    assert link.last["RFTarget"] == pytest.approx(-0.01)


def test_both_sounders_are_sent_and_only_the_downward_one_as_rangefinder():
    link = station(launch={"distance_m": 2.0})
    link.run(2)
    found = {message.orientation: message for message in link.messages("DISTANCE_SENSOR")}
    assert set(found) == {0, 25}
    assert (found[25].id, found[0].id) == (0, 1)
    assert found[0].current_distance == pytest.approx(180, abs=25)
    assert found[25].current_distance == pytest.approx(930, abs=25)
    assert link.last["RANGEFINDER"].distance == pytest.approx(found[25].current_distance / 100, abs=0.2)
    assert found[0].signal_quality == 0


# ---------------------------------------------------------------- parameters


def values(link: Station, since: float) -> list[object]:
    return [message for message in link.messages("PARAM_VALUE", since) if message.param_id != "STAT_RUNTIME"]


def test_the_list_is_complete_numbered_and_repeatable():
    link = station()
    link.run(0.5)
    for _ in range(2):
        start = link.now
        link.send(mavlink.MAVLink_param_request_list_message(1, 1))
        link.run(1.0)
        found = link.messages("PARAM_VALUE", start)
        count = len(link.simulation.parameters)
        assert [message.param_index for message in found] == list(range(count))
        assert {message.param_count for message in found} == {count}
        assert [message.param_id for message in found] == sorted(link.simulation.parameters)


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        pytest.param((b"WPNAV_SPEED", -1), ("WPNAV_SPEED", 100.0, 9, 65535), id="by name, with index 65535"),
        pytest.param((b"", 3), (None, None, None, 3), id="by index, with that index"),
        pytest.param((b"NO_SUCH_NAME", -1), None, id="an unknown name gets no answer"),
        pytest.param((b"", 5000), None, id="an unknown index gets no answer"),
    ],
)
def test_reading_one_parameter(message, answer):
    link = station()
    link.run(0.5)
    start = link.now
    link.send(mavlink.MAVLink_param_request_read_message(1, 1, *message))
    link.run(0.3)
    found = values(link, start)
    if answer is None:
        assert found == []
        return
    (value,) = found
    name, number, kind, index = answer
    assert value.param_index == index
    assert name is None or (value.param_id, value.param_value, value.param_type) == (name, number, kind)


@pytest.mark.parametrize(
    ("name", "given", "stored"),
    [
        pytest.param("FS_GCS_ENABLE", 3.0, 3.0, id="an 8-bit integer"),
        pytest.param("FS_GCS_ENABLE", 300.0, 127.0, id="beyond its range"),
        pytest.param("PILOT_SPEED_UP", 55.6, 56.0, id="a 16-bit integer is rounded"),
        pytest.param("PSC_VELXY_FF", 3.5, 3.5, id="a real number"),
        pytest.param("BARO_SPEC_GRAV", 1.024, 1.0240000486373901, id="a real number in single precision"),
    ],
)
def test_setting_one_parameter_is_echoed_as_stored(name, given, stored):
    link = station()
    link.run(0.5)
    start = link.now
    link.set_param(name, given)
    (value,) = values(link, start)
    assert (value.param_id, value.param_value, value.param_index) == (name, stored, 65535)


def test_setting_an_unknown_parameter_gets_no_answer_at_all():
    link = station()
    link.run(0.5)
    start = link.now
    link.set_param("NO_SUCH_NAME", 1)
    link.run(1)
    assert values(link, start) == []


def test_now_and_then_a_parameter_comes_unasked():
    link = station()
    link.run(31)
    found = [m for m in link.messages("PARAM_VALUE") if m.param_id == "STAT_RUNTIME"]
    assert [m.param_index for m in found] == [65535]


def test_defaults_are_those_of_the_firmware():
    path = RECORDED / "params_4.5.3_vectored_6dof.parm"
    if not path.exists():
        pytest.skip("the recordings are not beside this checkout")
    firmware = dict(line.split()[:2] for line in path.read_text().splitlines() if line.strip())
    ours = Parameters()
    chosen = {  # set up for hull work, or changed in the recording by a data-stream request
        "BATT_CAPACITY", "MNT1_TYPE", "RNGFND1_TYPE", "RNGFND2_TYPE",
        *(name for name in firmware if name.startswith("SR0_")),
    }  # fmt: skip
    hidden = {name for name in ours if name not in firmware}
    assert hidden == {
        "GRIP_TYPE",
        "MNT1_PITCH_MAX", "MNT1_PITCH_MIN", "RNGFND1_MAX_CM", "RNGFND1_MIN_CM", "RNGFND1_ORIENT", "RNGFND2_MAX_CM",
        "RNGFND2_MIN_CM", "RNGFND2_ORIENT",
    }, "shown by the firmware once a mount, a gripper and rangefinders are set up"  # fmt: skip
    for name in set(ours) - chosen - hidden:
        assert ours[name] == pytest.approx(float(firmware[name]), rel=1e-5, abs=1e-6), name
    assert 60 <= len(set(ours) - {name for name in ours if name.startswith("BTN")}) <= 160
    assert {ours.type_of(name) for name in ours} == {INT8, INT16, INT32, REAL32}


def test_a_vehicle_that_flies_by_its_dvl_is_set_up_for_it():
    assert Parameters(dvl_navigation=True)["VISO_TYPE"] == 1
    assert Parameters(dvl_navigation=True)["EK3_SRC1_VELXY"] == 6
    assert Parameters()["GPS_TYPE"] == 1
