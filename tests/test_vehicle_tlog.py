import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymavlink import mavutil
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from hullscan.errors import HullscanError, InputError, LinkError, RecordError
from hullscan.vehicle.messages import Source
from hullscan.vehicle.tlog import TlogReader, read_recording
from hullscan.vehicle.tlog_writer import TlogWriter

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
START_US = 1_795_000_000_000_000
SUBMARINE = mavlink.MAVLink_heartbeat_message(12, 3, 217, 4, 4, 3)
STATION = mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3)


def record(index, message, source=(1, 1), every_us=50_000):
    sender = mavlink.MAVLink(None, srcSystem=source[0], srcComponent=source[1])
    return struct.pack(">Q", START_US + index * every_us) + bytes(message.pack(sender))


def attitude(index):
    return mavlink.MAVLink_attitude_message(50 * index, 0.0, 0.0, 0.01 * index, 0.0, 0.0, 0.0)


def flight(count=100):
    """A submarine at 20 Hz with a ground station's heartbeat in front."""
    return [record(0, STATION, (255, 190)), record(0, SUBMARINE), *(record(i, attitude(i)) for i in range(1, count))]


def written(tmp_path, data):
    path = tmp_path / "telemetry.tlog"
    path.write_bytes(data)
    return path


def test_counts_are_by_source_and_name_and_stamps_are_utc(tmp_path):
    summary = TlogReader(written(tmp_path, b"".join(flight()))).summary()
    assert summary.counts == {
        Source(255, 190): Counter(HEARTBEAT=1),
        Source(1, 1): Counter(HEARTBEAT=1, ATTITUDE=99),
    }
    assert (summary.total, summary.of("HEARTBEAT"), summary.bad_runs) == (101, 2, 0)
    assert summary.last_utc_s - summary.first_utc_s == pytest.approx(99 * 0.05)


def test_a_recording_is_the_submarines_telemetry_and_nobody_elses(tmp_path):
    recording = read_recording(written(tmp_path, b"".join(flight())))
    assert recording.vehicle == Source(1, 1)
    assert (recording.telemetry.mode, recording.telemetry.armed) == ("GUIDED", True)
    middle = recording.telemetry.attitude.at(START_US / 1e6 + 1.025)
    assert middle.yaw_rad == pytest.approx(0.205)


def test_after_a_silence_the_vehicles_clock_is_placed_anew(tmp_path):
    """A mission that was resumed: the vehicle's clock, a simulator's perhaps, stood still for 90 of 100 seconds."""
    resumed = [
        struct.pack(">Q", START_US + round((index + 2000) * 50_000)) + record(index, attitude(index + 200))[8:]
        for index in range(100)
    ]
    told = read_recording(written(tmp_path, b"".join(flight() + resumed))).telemetry.attitude.all()
    late = told["boot_s"] >= 10
    assert late.sum() == 100
    assert told["utc_s"][late] - START_US / 1e6 - 0.05 * (2000 + np.arange(100)) == pytest.approx(0, abs=0.01)
    assert told["utc_s"][~late] - told["boot_s"][~late] == pytest.approx(START_US / 1e6, abs=0.01)


def test_a_cut_off_end_is_left_and_counted(tmp_path):
    whole = b"".join(flight())
    reader = TlogReader(written(tmp_path, whole[:-5]))
    assert reader.summary().of("ATTITUDE") == 98
    assert reader.bad_runs == 1


DAMAGE = {
    "a broken checksum": lambda data: data[:-10] + b"\x00\x01" + data[-8:],
    "a line of text": lambda data: b"AP_Logger_File: buffer size=204800\n" + data,
    "a stamp that lost four bytes": lambda data: data[4:],
    "a hole of zeros as a power cut leaves it": lambda data: bytes(4096) + data,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_costs_one_message_at_most(tmp_path, damage):
    records = flight()
    records[50] = damage(records[50])
    reader = TlogReader(written(tmp_path, b"".join(records)))
    assert reader.summary().of("ATTITUDE") >= 98
    assert reader.bad_runs == 1


def test_a_log_without_a_submarine_says_who_is_in_it(tmp_path):
    with pytest.raises(LinkError, match=r"only from system 255 component 190 \(ground station\)"):
        read_recording(written(tmp_path, record(0, STATION, (255, 190))))


@pytest.mark.parametrize("data", [b"", b"this is a text file, not a log\n" * 50], ids=["an empty file", "a text file"])
def test_what_is_no_log_is_a_clear_error(tmp_path, data):
    with pytest.raises(LinkError, match="no heartbeat"):
        read_recording(written(tmp_path, data))


def test_a_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_recording(tmp_path / "nothing.tlog")


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_is_skipped_and_counted(tmp_path, data):
    whole = bytearray(b"".join(flight(30)))
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(whole) - 1))
        junk = data.draw(st.binary(max_size=30))
        whole[at : at + data.draw(st.integers(0, 30))] = junk
    path = written(tmp_path, bytes(whole))
    summary = TlogReader(path).summary()
    assert summary.total <= 60
    assert summary.total + summary.bad_runs >= 1
    try:
        read_recording(path)
    except HullscanError:
        return


# -- the real logs ---------------------------------------------------------------------------------------------

LOGS = {
    "a real BlueROV2 Heavy at the surface": ("logs/bluerov2_heavy_2023-05-04.tlog", 0),
    "a real BlueROV2 Heavy on the bench, with 1,967 bad frames": ("logs/bluerov2_heavy_bench_2023-04-18.tlog", 919),
    "ArduSub flying a guided square": ("ardusub/sitl_guided_square.tlog", 0),
    "ArduSub without GPS, with a DVL and two rangefinders": ("ardusub/sitl_dvl_no_gps.tlog", 1_642),
}


def by_pymavlink(path):
    reader, counts = mavutil.mavlink_connection(str(path)), Counter()
    while (message := reader.recv_msg()) is not None:
        counts[message.get_srcSystem(), message.get_srcComponent(), message.get_type()] += 1
    reader.close()
    for key in [key for key in counts if key[2] == "BAD_DATA"]:
        del counts[key]
    return counts


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("name", "distances"), LOGS.values(), ids=LOGS.keys())
def test_every_count_is_what_pymavlinks_own_reader_finds(name, distances):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the recorded log {name} is not beside this checkout")
    summary = TlogReader(path).summary()
    ours = {(s.system, s.component, name): n for s, counter in summary.counts.items() for name, n in counter.items()}
    assert ours == by_pymavlink(path)
    assert summary.of("DISTANCE_SENSOR") == distances
    assert summary.of("VFR_HUD") > 900
    assert summary.of("ATTITUDE") > 1_800


def test_the_guided_square_is_flown_again_from_its_log():
    path = DATA / "ardusub/sitl_guided_square.tlog"
    if not path.exists():
        pytest.skip("the recorded guided square is not beside this checkout")
    told = read_recording(path).telemetry
    rows = told.position.all()
    assert rows["down_m"].max() == pytest.approx(3.14, abs=0.01)
    assert np.ptp(rows["north_m"]) > 3.5
    beats = told.heartbeat.all()
    armed = beats["utc_s"][beats["base_mode"].astype(int) & 128 > 0]
    assert armed[-1] - armed[0] == pytest.approx(76.0, abs=2.0)
    assert told.attitude.late == told.position.late == 0
    assert told.time.uncertainty_s < 0.05


# -- writing ---------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_back_and_an_existing_log_is_continued(tmp_path):
    path, raw = tmp_path / "telemetry.tlog", flight()[1][8:]
    for start_s in (1_795_000_000.25, 1_795_000_100.25):
        writer = TlogWriter(path)
        writer.write(start_s, raw)
        writer.close()
    assert [utc_s for utc_s, _ in TlogReader(path)] == [1_795_000_000.25, 1_795_000_100.25]


def test_a_full_disk_surfaces_as_a_record_error_and_never_blocks():
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    writer = TlogWriter(Path("/dev/full"))
    writer.write(1.0, b"x" * 100)
    with pytest.raises(RecordError, match="cannot be written"):
        writer.sync()
    writer.write(2.0, b"x" * 100)
    with pytest.raises(RecordError, match="free or change the disk"):
        writer.close()
    assert writer.lost_frames == 2


def test_a_folder_that_is_not_there_is_a_record_error(tmp_path):
    with pytest.raises(RecordError, match="No such file"):
        TlogWriter(tmp_path / "missing" / "telemetry.tlog")


def test_a_flight_that_knew_when_the_vehicle_booted_is_read_on_its_clock(tmp_path):
    """What came late on a busy computer is dated by the vehicle's own stamps, until it boots again."""
    sender = mavlink.MAVLink(None, srcSystem=1, srcComponent=1)
    records: list = [(1000.0, mavlink.MAVLink_heartbeat_message(12, 3, 217, 4, 4, 3))]
    for boot_s, late_s in ((10.0, 0.4), (10.1, 0.05), (10.2, 0.3), (1.0, 0.2)):
        attitude = mavlink.MAVLink_attitude_message(round(boot_s * 1000), 0, 0, 0, 0, 0, 0)
        records.append((1000.0 + boot_s % 9 + late_s, attitude))
    raw = b"".join(struct.pack(">Q", round(utc_s * 1e6)) + bytes(each.pack(sender)) for utc_s, each in records)
    path = tmp_path / "flight.tlog"
    path.write_bytes(raw)
    told = read_recording(path, boot_utc_s=991.0).telemetry.attitude.all()["utc_s"]
    assert told[:3] == pytest.approx([1001.0, 1001.1, 1001.2])
    assert told[3:] == pytest.approx([1001.2]), "after another boot the arrivals count again"
