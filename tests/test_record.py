"""The mission folder: what it is called, what it holds, and what is left of it after a kill or a full disk."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from datetime import UTC, datetime
from math import cos, radians, sin, sqrt
from pathlib import Path
from types import SimpleNamespace

import cv2
import exifread
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from video_streams import number_in, write_file

from hullscan.clock import SimulatedClock, utc_text
from hullscan.errors import RecordError, VideoError
from hullscan.findings.merge import FindingRules
from hullscan.findings.sightings import CONTRAST_GRID, Look, Sighting
from hullscan.geometry.frames import Pose, ShipPose
from hullscan.geometry.track import ShipTrack
from hullscan.mission.model import load_mission
from hullscan.mission.vehicle import BLUEROV2_HEAVY
from hullscan.record import lines as lines_module
from hullscan.record.database import MissionDatabase
from hullscan.record.events import EventLog, read_events
from hullscan.record.exif import tagged
from hullscan.record.finish import Evidence, finish
from hullscan.record.folder import MissionFolder
from hullscan.record.replay import DvlLog, FilePictures, has_recording, recorded_ranges
from hullscan.record.results import write_results
from hullscan.ship.surface import side_sign
from hullscan.vehicle import messages as m
from hullscan.vehicle.telemetry import Telemetry
from hullscan.video.frames import Frame

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "missions" / "demo.yaml"
UTC_S = 1_795_339_800.0  # 2026-11-22 09:30:00


def look(number: int, **changes: object) -> Look:
    values: dict[str, object] = {"utc_s": UTC_S + number, "stream_s": float(number), "frame": number, "suspect": False}
    contrast = np.full(CONTRAST_GRID, number % 256, np.uint8)
    return Look(**{**values, "contrast": contrast, "leg": 2, **changes})  # type: ignore[arg-type]


def sighting(number: int, **changes: object) -> Sighting:
    values = {"utc_s": UTC_S + number, "stream_s": float(number), "frame": number, "label": "parcel", "score": 0.75}
    rest = {"box_xyxy_px": (1.5, 2.5, 61.25, 42.0), "track": 4, "cut": True, "suspect": False}
    return Sighting(**{**values, **rest, **changes})  # type: ignore[arg-type]


def same(one: Look, other: Look) -> bool:
    names = ("utc_s", "stream_s", "frame", "suspect", "leg")
    return all(getattr(one, name) == getattr(other, name) for name in names) and bool(
        (one.contrast == other.contrast).all()
    )


# --- the folder ---


@pytest.mark.parametrize(
    ("ship", "name"),
    [
        pytest.param("MV Haneul", "20261122T093000Z-mv-haneul", id="a plain name"),
        pytest.param("하늘호", "20261122T093000Z-ship", id="a name without a Latin letter"),
        pytest.param("../../etc/passwd", "20261122T093000Z-etc-passwd", id="a name that would climb out"),
        pytest.param('C:\\"<Ever> Given"?*', "20261122T093000Z-c-ever-given", id="letters that Windows refuses"),
    ],
)
def test_a_folder_is_named_by_time_and_ship(tmp_path, ship, name):
    folder = MissionFolder.create(tmp_path / "out", ship, UTC_S, least_free_bytes=0)
    assert folder.path == tmp_path / "out" / name
    assert sorted(path.name for path in folder.path.iterdir()) == ["frames", "video"]


def test_two_missions_of_one_second_get_two_folders(tmp_path):
    folders = [MissionFolder.create(tmp_path, "A", UTC_S, least_free_bytes=0).path.name for _ in range(3)]
    assert folders == ["20261122T093000Z-a", "20261122T093000Z-a-2", "20261122T093000Z-a-3"]


def test_the_names_inside_are_the_ones_that_other_tools_rely_on(tmp_path):
    folder = MissionFolder(tmp_path)
    names = [folder.mission_file, folder.database, folder.telemetry, folder.dvl, folder.video, folder.frames]
    assert [path.relative_to(tmp_path).as_posix() for path in [*names, folder.events, folder.report]] == [
        "mission.yaml", "mission.sqlite", "telemetry.tlog", "dvl.jsonl", "video", "frames", "events.jsonl",
        "report.html",
    ]  # fmt: skip


def test_two_do_not_record_into_one_folder(tmp_path):
    folder = MissionFolder.create(tmp_path, "A", UTC_S, least_free_bytes=0)
    with folder.held(), pytest.raises(RecordError, match="another hullscan records"), MissionFolder(folder.path).held():
        raise AssertionError("it was held twice")
    with folder.held():
        pass
    assert list(tmp_path.iterdir()) == [folder.path], "no lock is left"


@pytest.mark.parametrize(
    ("root", "least_free_bytes", "words"),
    [
        pytest.param("file/out", 0, "cannot make the mission folder: Not a directory", id="a path below a file"),
        pytest.param("file", 0, "cannot make the mission folder: File exists", id="a file where the folder belongs"),
        pytest.param("x" * 300, 0, "cannot make the mission folder: File name too long", id="too long a name"),
        pytest.param("out", 10**18, "a mission needs 1000000000000 MB", id="a disk without room"),
    ],
)
def test_a_folder_that_cannot_be_made_is_one_line_with_what_to_do(tmp_path, root, least_free_bytes, words):
    (tmp_path / "file").touch()
    with pytest.raises(RecordError) as told:
        MissionFolder.create(tmp_path / root, "A", UTC_S, least_free_bytes)
    assert words in str(told.value)
    assert "choose another --out" in told.value.todo
    assert "\n" not in str(told.value)
    assert not list(tmp_path.glob("*/*Z-a"))


@pytest.mark.parametrize("name", ["empty", "file", "nothing"])
def test_what_is_no_mission_folder_is_refused_in_one_line(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match=r"is not a mission folder; it must hold mission\.yaml$") as told:
        MissionFolder.open(tmp_path / name)
    assert str(tmp_path / name) in str(told.value)


# --- the database ---


def test_the_database_gives_back_what_it_was_given(tmp_path):
    looks = [look(3), look(1, suspect=True, leg=-1), look(2)]
    track = ShipTrack(
        np.array([UTC_S, UTC_S + 1]), np.arange(8.0).reshape(2, 4), np.stack([np.eye(4) * 0.1, np.eye(4) * 0.2])
    )
    database = MissionDatabase(tmp_path / "m.sqlite")
    assert (database.looks(), database.sightings(), database.facts(), database.ship_track()) == ([], [], {}, None)
    for each in looks:
        database.add_look(each, [sighting(each.frame), sighting(each.frame, label="rope", track=0, suspect=True)])
    database.set_fact("start_utc_s", UTC_S)
    database.set_fact("names", {"선박": ["하늘", None]})
    database.set_result("findings", {"findings": []})
    database.set_result("findings", {"findings": [1]})
    database.set_ship_track(ShipTrack.constant(ShipPose(9, 9, 9), np.eye(4)))
    database.set_ship_track(track)
    database.close()

    again = MissionDatabase(tmp_path / "m.sqlite")
    assert [each.frame for each in again.looks()] == [1, 2, 3], "in the order of time"
    assert all(same(one, other) for one, other in zip(again.looks(), sorted(looks, key=lambda x: x.utc_s), strict=True))
    assert [(s.frame, s.label) for s in again.sightings()] == [
        (n, label) for n in (3, 1, 2) for label in ("parcel", "rope")
    ]
    assert again.sightings()[0] == sighting(3)
    assert again.sightings()[1] == sighting(3, label="rope", track=0, suspect=True)
    assert again.facts() == {"start_utc_s": UTC_S, "names": {"선박": ["하늘", None]}}
    assert again.result("findings") == {"findings": [1]}
    assert again.result("coverage") is None
    stored = again.ship_track()
    assert stored is not None
    for name in ("utc_s", "poses", "covariances"):
        assert getattr(stored, name) == pytest.approx(getattr(track, name)), "the last track replaces the first"
    again.close()


def test_anybody_can_read_the_database_with_plain_sqlite(tmp_path):
    database = MissionDatabase(tmp_path / "m.sqlite")
    database.add_look(look(7), [sighting(7)])
    database.set_fact("start_utc_s", UTC_S)
    database.close()
    assert [path.name for path in tmp_path.iterdir()] == ["m.sqlite"], "closed, it is one file"
    plain = sqlite3.connect(tmp_path / "m.sqlite")
    assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert plain.execute("PRAGMA user_version").fetchone() == (1,)
    assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert plain.execute("SELECT name, value FROM facts").fetchall() == [("start_utc_s", str(UTC_S))]
    seen = plain.execute("SELECT label, score, x0, y0, x1, y1 FROM sightings JOIN looks USING (frame)").fetchall()
    assert seen == [("parcel", 0.75, 1.5, 2.5, 61.25, 42.0)]
    plain.close()


def newer(path: Path) -> None:
    plain = sqlite3.connect(path)
    plain.execute("PRAGMA user_version = 99")
    plain.close()


def trodden_on(path: Path) -> None:
    MissionDatabase(path).close()
    path.write_bytes(path.read_bytes()[:100] + bytes(range(256)) * 16)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(newer, "the database has version 99, this program knows 1", id="of a newer program"),
        pytest.param(lambda path: path.write_text("text " * 500), "file is not a database", id="a text file"),
        pytest.param(Path.mkdir, "unable to open database file", id="a folder"),
        pytest.param(trodden_on, "the mission's database", id="a file that was overwritten in part"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused_in_one_line(tmp_path, make, words):
    path = tmp_path / "m.sqlite"
    make(path)
    with pytest.raises(RecordError) as told:
        MissionDatabase(path).looks()
    assert words in str(told.value)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


def test_what_was_committed_survives_a_power_cut(tmp_path):
    database = MissionDatabase(tmp_path / "m.sqlite")
    for number in range(20):
        database.add_look(look(number), [sighting(number)])
    # what lies on the disk at this moment: the main file and the log beside it, nobody closed anything
    (tmp_path / "after").mkdir()
    for path in tmp_path.glob("m.sqlite*"):
        shutil.copy(path, tmp_path / "after" / path.name)
    database.close()
    assert (tmp_path / "after" / "m.sqlite-wal").stat().st_size > 0
    found = MissionDatabase(tmp_path / "after" / "m.sqlite")
    assert [each.frame for each in found.looks()] == list(range(20))
    assert [each.frame for each in found.sightings()] == list(range(20))
    found.close()


def child(code: str, path: Path) -> subprocess.Popen[str]:
    """A Python program with this file's helpers; ``path`` is a name in it."""
    program = f"""
        import sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_record import look, sighting
        from hullscan.errors import RecordError
        from hullscan.record.database import MissionDatabase
        path = Path({str(path)!r})
    """
    command = [sys.executable, "-c", textwrap.dedent(program) + textwrap.dedent(code)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_kill_9_in_mid_write_loses_nothing_that_was_committed(tmp_path):
    process = child(
        """
        database = MissionDatabase(path)
        number = 0
        while True:
            database.add_look(look(number), [sighting(number), sighting(number)])
            number += 1
            print(number, flush=True)
        """,
        tmp_path / "m.sqlite",
    )
    assert process.stdout is not None
    for _ in range(60):
        assert process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    committed = 60 + process.stdout.read().count("\n")
    err = process.communicate(timeout=30)[1]
    plain = sqlite3.connect(tmp_path / "m.sqlite")
    assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    plain.close()
    database = MissionDatabase(tmp_path / "m.sqlite")
    looks, sightings = database.looks(), database.sightings()
    database.add_look(look(99_999), [])
    database.close()
    assert err == ""
    assert len(looks) in (committed, committed + 1)
    assert [each.frame for each in looks] == list(range(len(looks)))
    assert [each.frame for each in sightings] == [number for number in range(len(looks)) for _ in range(2)]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes, which Windows has not")
def test_a_full_disk_is_an_error_and_when_there_is_room_again_the_work_goes_on(tmp_path):
    process = child(
        """
        import resource
        database = MissionDatabase(path)
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
        kept = 0
        try:
            while kept < 10_000:
                database.add_look(look(kept), [sighting(kept)] * 20)
                kept += 1
        except RecordError as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        database.add_look(look(kept), [sighting(kept)] * 20)
        database.close()
        print(kept)
        """,
        tmp_path / "m.sqlite",
    )
    out, err = process.communicate(timeout=60)
    assert err == ""
    message, kept = out.splitlines()
    assert message.startswith("cannot write to the mission's database: ")
    database = MissionDatabase(tmp_path / "m.sqlite")
    assert [each.frame for each in database.looks()] == list(range(int(kept) + 1))
    assert len(database.sightings()) == 20 * (int(kept) + 1)
    database.close()


def test_a_look_and_its_sightings_are_stored_together_or_not_at_all(tmp_path):
    database = MissionDatabase(tmp_path / "m.sqlite")
    with pytest.raises(RecordError, match="NOT NULL constraint failed"):
        database.add_look(look(1), [sighting(1), sighting(1, label=None)])
    assert (database.looks(), database.sightings()) == ([], [])
    database.add_look(look(2), [sighting(2)])
    assert [each.frame for each in database.looks()] == [2], "one bad write does not stop the next"
    database.close()


def test_several_threads_may_write(tmp_path):
    database = MissionDatabase(tmp_path / "m.sqlite")

    def write(first: int) -> None:
        for number in range(first, first + 25):
            database.add_look(look(number), [sighting(number)])
            database.set_fact(f"fact {number}", number)

    threads = [threading.Thread(target=write, args=(first,)) for first in range(0, 100, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.frame for each in database.looks()] == list(range(100))
    assert sorted(each.frame for each in database.sightings()) == list(range(100))
    assert len(database.facts()) == 100
    database.close()


# --- events ---

HOSTILE_TEXTS = [
    "plain",
    "하늘호",
    'a "quoted" line',
    "two\nlines",
    "a\u2028b\u2029c\x85d\x0be",
    "<script>",
    "half a pair \udcff",
    "",
]


def test_events_are_one_json_object_a_line_and_come_back(tmp_path):
    told: list[tuple[str, str, dict[str, object]]] = []
    clock = SimulatedClock(UTC_S)
    log = EventLog(tmp_path / "events.jsonl", clock, lambda *event: told.append(event))
    for text in HOSTILE_TEXTS:
        log.add("note", "said: {text}", {"text": text})
        clock.sleep(0.25)
    log.add("surface", "surfaced at 100 %")
    log.close()
    lines = (tmp_path / "events.jsonl").read_bytes().split(b"\n")
    assert lines.pop() == b"", "the last line is whole"
    objects = [json.loads(line) for line in lines]
    keys = {"utc", "utc_s", "kind", "words", "message", "data", "prev_sha256"}
    assert [set(each) for each in objects] == [keys] * len(lines)
    assert [each["data"]["text"] for each in objects[:-1]] == HOSTILE_TEXTS
    assert [each["utc_s"] for each in objects] == [UTC_S + 0.25 * number for number in range(len(lines))]
    assert objects[1]["utc"] == "2026-11-22T09:30:00.250Z"
    assert objects[1]["words"] == "said: 하늘호"
    assert objects[-1]["words"] == objects[-1]["message"] == "surfaced at 100 %"
    assert read_events(tmp_path / "events.jsonl") == objects
    assert [kind for kind, _, _ in told] == ["note"] * len(HOSTILE_TEXTS) + ["surface"]


def test_each_event_is_on_the_disk_before_the_next_thing_happens(tmp_path, monkeypatch):
    path, at_sync = tmp_path / "events.jsonl", []

    def fsync(number: int) -> None:
        assert os.fstat(number).st_ino == path.stat().st_ino
        at_sync.append(len(read_events(path)))

    monkeypatch.setattr(lines_module, "os", SimpleNamespace(fsync=fsync))
    log = EventLog(path, SimulatedClock(UTC_S), lambda *_: at_sync.append("told"))
    for _ in range(3):
        log.add("survey", "lane")
    log.close()
    assert at_sync == [1, "told", 2, "told", 3, "told"]


@pytest.fixture(scope="module")
def event_bytes(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("events") / "events.jsonl"
    log = EventLog(path, SimulatedClock(UTC_S))
    for number in range(4):
        log.add("survey", "lane {n} 하늘", {"n": number})
    log.close()
    return path.read_bytes()


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_cut_last_line_costs_that_line_alone(event_bytes, tmp_path_factory, data):
    cut = data.draw(st.integers(0, len(event_bytes)))
    path = tmp_path_factory.mktemp("cut") / "events.jsonl"
    path.write_bytes(event_bytes[:cut])
    whole = event_bytes[: cut + 1].count(b"\n")  # an object that lacks only the end of its line is whole
    assert [event["data"]["n"] for event in read_events(path)] == list(range(whole))


def test_lines_that_are_no_events_are_left_out(tmp_path, event_bytes):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\x00\xff\n\n[1]\nnull\n7\n" + event_bytes + bytes(4096))
    assert [event["data"]["n"] for event in read_events(path)] == [0, 1, 2, 3]
    assert read_events(tmp_path / "nothing.jsonl") == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_an_event_on_a_full_disk_is_an_error():
    log = EventLog(Path("/dev/full"), SimulatedClock(UTC_S))
    with pytest.raises(RecordError, match=r"cannot write events\.jsonl: .*No space left"):
        log.add("survey", "lane")
    log.close()


def test_events_that_cannot_be_written_are_one_line(tmp_path):
    (tmp_path / "events.jsonl").mkdir()
    with pytest.raises(RecordError, match=r"cannot write .*events\.jsonl: Is a directory$"):
        EventLog(tmp_path / "events.jsonl", SimulatedClock(UTC_S))
    log = EventLog(tmp_path / "closed.jsonl", SimulatedClock(UTC_S))
    log.close()
    with pytest.raises(RecordError, match=r"cannot write events\.jsonl"):
        log.add("survey", "lane")


# --- from what was recorded to the result files ---

SHIP = ShipPose(5.0, -3.0, radians(62), 0.1)
ORIGIN = (35.0767, 129.0800)
PARCEL_STATION_M, PARCEL_DEPTH_M, AWAY_M = 26.0, 2.0, 1.5


class AskedFor:
    """A plan that asks for the plating around the parcel, and for a patch where nobody went."""

    def asked(self, cells):
        near, far = cells.within(1, (25.0, 27.0), (1.5, 2.5)), cells.within(-1, (10.0, 12.0), (1.0, 2.0))
        return near | far


class Camera:
    """Gives a grey frame for each moment but the best one, of which the recording has no picture."""

    def __init__(self, lost_utc_s: float) -> None:
        self._lost_utc_s = lost_utc_s

    def at(self, utc_s: float, stream_s: float) -> Frame:
        if utc_s == self._lost_utc_s:
            raise VideoError("no picture there")
        return Frame(
            image_bgr=np.full((360, 640, 3), 90, np.uint8), utc_s=utc_s, stream_s=stream_s, index=0, suspect=False
        )

    def locate(self, utc_s: float, stream_s: float) -> tuple[Path, float]:
        raise VideoError("this recording is made up")


@pytest.fixture(scope="module")
def mission():
    return load_mission(DEMO)


@pytest.fixture(scope="module")
def finished(mission, tmp_path_factory) -> MissionFolder:
    """A vehicle that passed a parcel on the parallel midbody at 1.5 m, looking straight at the plating."""
    hull, camera = mission.hull, BLUEROV2_HEAVY.camera
    starboard, station = np.array([1], np.int8), np.array([PARCEL_STATION_M])
    girth = hull.girth_to_depth(station, np.array([PARCEL_DEPTH_M]))
    point = hull.point(starboard, station, girth)[0]
    centre = point + 0.12 * hull.normal(starboard, station, girth)[0]  # of the box that stands on the plating
    telemetry = Telemetry(SimulatedClock(UTC_S))
    source = m.Source(1, 1)
    telemetry.observe(source, m.Heartbeat(12, 3, 217, 4, 4), UTC_S)
    telemetry.observe(source, m.GpsOrigin(*ORIGIN, 0.0), UTC_S)

    folder = MissionFolder(tmp_path_factory.mktemp("finished"))
    folder.frames.mkdir()
    folder.mission_file.write_bytes(mission.source)
    database = MissionDatabase(folder.database)
    times, best = UTC_S + 1 + 0.4 * np.arange(41), 0
    for number, utc_s in enumerate(times):
        body = ShipPose(PARCEL_STATION_M - 2 + 0.1 * number, point[1] + AWAY_M + 0.21, -radians(90)).as_pose
        body = Pose(body.position_m + np.array([0.0, 0.0, PARCEL_DEPTH_M + 0.067]), body.rotation)
        ned = SHIP.pose_in_ned(body)
        velocity = SHIP.as_pose.rotation.apply([0.25, 0, 0])
        boot_s = float(utc_s - UTC_S + 100)
        yaw = float(ned.rotation.as_euler("ZYX")[0])
        telemetry.observe(source, m.Attitude(boot_s, 0.0, 0.0, yaw, (0.0, 0.0, 0.0)), utc_s)
        telemetry.observe(source, m.LocalPosition(boot_s, tuple(ned.position_m), tuple(velocity)), utc_s)
        pixel = camera.project((body @ BLUEROV2_HEAVY.camera_pose_frd(0.0)).to_body(centre[None]))[0]
        u, v = (float(value) for value in pixel)
        inside = 60 < u < camera.width_px - 60
        score = 0.6 if abs(number - 20) > 1 else 0.9 if number == 20 else 0.85
        best = number if score == 0.9 else best
        box = (u - 40.0, v - 30.0, u + 40.0, v + 30.0)
        seen = sighting(
            0, utc_s=utc_s, stream_s=0.4 * number, frame=number, box_xyxy_px=box, track=1, cut=False, score=score
        )
        clear = np.full(CONTRAST_GRID, 40, np.uint8)
        database.add_look(
            look(0, utc_s=utc_s, stream_s=0.4 * number, frame=number, contrast=clear), [seen] if inside else []
        )
    late = times[-1] + 60
    database.add_look(look(0, utc_s=late, frame=99), [sighting(0, utc_s=late, frame=99)])  # no telemetry tells of it
    covariance = np.diag([0.1**2, 0.1**2, radians(0.1) ** 2, 0.05**2])
    evidence = Evidence(
        mission, AskedFor(), telemetry, ShipTrack.constant(SHIP, covariance), camera, 0.03, "ab" * 32,  # type: ignore[arg-type]
        {"outcome": "done", "ended_by": None, "duration_s": 16.4},
    )  # fmt: skip
    finish(folder, database, evidence, Camera(lost_utc_s=float(times[best])), FindingRules())
    database.close()
    return folder


def strictly(path: Path) -> dict:
    """JSON as other programs read it: without NaN and Infinity."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{path.name} holds {name}, which is no JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_every_result_file_names_its_schema_and_its_program(finished):
    for name in ("findings", "coverage", "track", "summary"):
        content = strictly(finished.path / f"{name}.json")
        assert content["schema"] == f"hullscan.{name}/1"
        assert content["software"].startswith("hullscan ")
    assert not list(finished.path.glob(".*")), "no draft is left"


def test_the_database_holds_what_the_files_hold(finished):
    database = MissionDatabase(finished.database)
    for name in ("findings", "coverage", "track", "summary"):
        assert database.result(name) == strictly(finished.path / f"{name}.json")
    database.close()


def test_the_parcel_is_one_finding_where_it_lies_with_every_key(finished, mission):
    content = strictly(finished.path / "findings.json")
    assert (content["mission"], content["ship"]) == ("demo", "MV Haneul")
    (finding,) = content["findings"]
    assert set(finding) == {
        "id", "label", "score", "side", "station_m", "frame_number", "girth_m", "depth_m", "position_ship_m",
        "cov_ship_m2", "radius95_m", "lat_deg", "lon_deg", "size_m", "first_utc", "last_utc", "views", "frames",
        "status", "model_sha256", "clip",
    }  # fmt: skip
    assert (finding["id"], finding["label"], finding["side"]) == ("F01", "parcel", "starboard")
    assert (finding["status"], finding["model_sha256"]) == ("flagged", "ab" * 32)
    assert finding["station_m"] == pytest.approx(PARCEL_STATION_M, abs=0.05)
    assert finding["depth_m"] == pytest.approx(PARCEL_DEPTH_M, abs=0.05)
    x, _, z = finding["position_ship_m"]
    assert (x, z) == pytest.approx((finding["station_m"], finding["depth_m"]), abs=0.01)
    girth = mission.hull.girth_to_depth(np.array([x]), np.array([z]))[0]
    assert finding["girth_m"] == pytest.approx(girth, abs=0.02)
    covariance = np.array(finding["cov_ship_m2"])
    assert covariance == pytest.approx(covariance.T)
    assert finding["radius95_m"] == pytest.approx(sqrt(5.991 * np.linalg.eigvalsh(covariance)[-1]), abs=0.02)
    assert finding["first_utc"] < finding["last_utc"]
    assert utc_text(UTC_S) < finding["first_utc"]
    assert finding["views"] > 10


def test_latitude_and_longitude_are_the_registered_ships(finished):
    (finding,) = strictly(finished.path / "findings.json")["findings"]
    x, y, _ = finding["position_ship_m"]
    north = SHIP.north_m + x * cos(SHIP.heading_rad) - y * sin(SHIP.heading_rad)
    east = SHIP.east_m + x * sin(SHIP.heading_rad) + y * cos(SHIP.heading_rad)
    # radii of curvature of WGS 84 at the origin, from its two constants
    a, e2, s = 6_378_137.0, 6.694379990e-3, sin(radians(ORIGIN[0]))
    meridian, normal = a * (1 - e2) / (1 - e2 * s * s) ** 1.5, a / sqrt(1 - e2 * s * s)
    assert finding["lat_deg"] == pytest.approx(ORIGIN[0] + np.degrees(north / meridian), abs=2e-7)
    assert finding["lon_deg"] == pytest.approx(
        ORIGIN[1] + np.degrees(east / (normal * cos(radians(ORIGIN[0])))), abs=2e-7
    )


def test_pictures_of_a_finding_are_cut_where_there_are_any_and_counted_where_not(finished):
    (finding,) = strictly(finished.path / "findings.json")["findings"]
    summary = strictly(finished.path / "summary.json")
    assert (summary["pictures_missing"], summary["clips_missing"]) == (1, 1)
    assert [frame["file"] for frame in finding["frames"]] == ["frames/F01-2.jpg", "frames/F01-3.jpg"]
    for frame in finding["frames"]:
        assert set(frame) == {"file", "utc", "utc_s", "stream_s", "box_xyxy_px", "score", "range_m"}
        image = cv2.imdecode(np.frombuffer((finished.path / frame["file"]).read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (360, 640, 3)
        assert frame["score"] < 0.9, "the box belongs to its own picture, not to the one that is missing"
        assert frame["range_m"] == pytest.approx(AWAY_M, abs=0.4)


def test_each_picture_of_a_finding_says_where_it_was_taken_and_what_of(finished, mission):
    """Read by exifread, which shares nothing with the writer."""
    (finding,) = strictly(finished.path / "findings.json")["findings"]
    for frame in finding["frames"]:
        with (finished.path / frame["file"]).open("rb") as file:
            tags = exifread.process_file(file, details=True, strict=True)

        def angle(name, tags=tags):
            d, m, s = (float(value) for value in tags[f"GPS {name}"].values)
            return (d + m / 60 + s / 3600) * (-1 if str(tags[f"GPS {name}Ref"]) in "SW" else 1)

        camera, subject = (
            np.array([angle(f"GPS{kind}Latitude"), angle(f"GPS{kind}Longitude")]) for kind in ("", "Dest")
        )
        assert subject == pytest.approx([finding["lat_deg"], finding["lon_deg"]], abs=1e-8)
        north_m, east_m = (subject - camera) * [111_000, 111_000 * cos(radians(ORIGIN[0]))]
        # the camera passes at AWAY_M on starboard, looking at the plating, the parcel up to 1.5 m to either side
        assert 0.5 * AWAY_M < np.hypot(north_m, east_m) < AWAY_M + 1.5
        direction = float(tags["GPS GPSImgDirection"].values[0])
        assert direction == pytest.approx((np.degrees(SHIP.heading_rad) - 90) % 360, abs=0.1)
        assert str(tags["GPS GPSImgDirectionRef"]) == "T"
        assert float(tags["GPS GPSAltitude"].values[0]) == pytest.approx(PARCEL_DEPTH_M, abs=0.1)
        assert tags["GPS GPSAltitudeRef"].values[0] == 1, "below the surface"
        assert float(tags["GPS Tag 0x001F"].values[0]) == pytest.approx(finding["radius95_m"], abs=0.006)
        hours, minutes, seconds = (float(value) for value in tags["GPS GPSTimeStamp"].values)
        day = datetime.strptime(str(tags["GPS GPSDate"]), "%Y:%m:%d").replace(tzinfo=UTC).timestamp()
        assert day + hours * 3600 + minutes * 60 + seconds == pytest.approx(frame["utc_s"], abs=0.0011)
        assert str(tags["EXIF SubSecTimeOriginal"]) == frame["utc"][20:23]
        assert finding["side"] in str(tags["Image ImageDescription"])
        comment = json.loads(bytes(tags["EXIF UserComment"].values[8:]))
        assert comment["position_ship_m"] == finding["position_ship_m"]


@pytest.mark.parametrize(
    ("jpeg", "exif"),
    [pytest.param(b"GIF89a", b"Exif", id="no JPEG"), pytest.param(b"\xff\xd8", bytes(70_000), id="too long a text")],
)
def test_a_picture_that_cannot_be_tagged_is_an_error(jpeg, exif):
    with pytest.raises(RecordError, match="cannot be written into it"):
        tagged(jpeg, exif)


def test_coverage_counts_what_was_seen_and_names_what_was_not(finished):
    content = strictly(finished.path / "coverage.json")
    assert content["planned_area_m2"] == pytest.approx(2.0 * 1.0 + 2.0 * 1.0, rel=0.3)
    assert 0.3 < content["seen_share"] < 0.7
    assert content["seen_area_m2"] == pytest.approx(content["seen_share"] * content["planned_area_m2"], abs=0.02)
    assert 0 < content["pod"] < content["seen_share"]
    assert content["zones"]["starboard_side"]["seen_m2"] == content["zones"]["starboard_side"]["planned_m2"] > 1.5
    assert content["zones"]["port_side"]["seen_m2"] == 0
    (gap,) = content["gaps"]
    assert set(gap) == {"name", "side", "stations_m", "depths_m", "area_m2"}
    assert gap["side"] == "port"
    assert gap["name"].startswith("port side, stations 10.0 to 12.0, ")
    assert gap["stations_m"] == pytest.approx([10.0, 12.0])
    assert (content["looks_without_telemetry"], content["sightings_not_placed"]) == (1, 1)


@pytest.mark.parametrize(
    ("unlike", "bounded"),
    [
        pytest.param([], True, id="pictures like those of the measurement have a bound"),
        pytest.param(["contrast"], False, id="pictures unlike them have none"),
    ],
)
def test_a_pod_is_bounded_only_for_pictures_like_those_of_the_measurement(mission, tmp_path, unlike, bounded):
    tried = mission.pod_model.trials
    evidence = Evidence(
        mission, AskedFor(), Telemetry(SimulatedClock(UTC_S)), ShipTrack.constant(SHIP, np.zeros((4, 4))),  # type: ignore[arg-type]
        BLUEROV2_HEAVY.camera, 0.03, tried.model_sha256, {"detector_inputs": {"unlike": unlike}},
    )  # fmt: skip
    folder = MissionFolder(tmp_path)
    database = MissionDatabase(folder.database)
    finish(folder, database, evidence, None, FindingRules(min_score=tried.min_score))
    database.close()
    content = strictly(folder.path / "coverage.json")
    assert (content["pod_lower"] is not None) is bounded
    assert (content["pod_model"]["trials"] is not None) is bounded
    assert content["pod_model"]["measured"] is bounded


def test_the_cells_of_the_coverage_are_a_table_with_equal_columns(finished):
    content = strictly(finished.path / "coverage.json")
    cells = content["cells"]
    assert content["cell_m"] == 0.25
    assert set(cells) == {
        "side", "station_m", "girth_m", "planned", "looks", "best_gsd_mm", "best_incidence_deg", "contrast", "pod",
    }  # fmt: skip
    assert {len(column) for column in cells.values()} == {len(cells["side"])}
    rows = [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
    assert all(row["planned"] or row["looks"] for row in rows)
    for row in rows:
        seen = row["looks"] > 0
        assert (row["best_gsd_mm"] is not None) == (row["best_incidence_deg"] is not None) == seen == (row["pod"] > 0)
    near = min(
        rows, key=lambda row: abs(row["station_m"] - 26) + abs(row["girth_m"] - 2) + 99 * (row["side"] == "port")
    )
    # straight ahead at 1.5 m: 1.5 m over the focal length in pixels
    assert near["best_gsd_mm"] == pytest.approx(1500 / BLUEROV2_HEAVY.camera.fx_px, rel=0.1)
    assert near["best_incidence_deg"] < 10


def test_the_summary_holds_the_facts_and_the_rules(finished):
    content = strictly(finished.path / "summary.json")
    assert (content["findings"], content["outcome"], content["duration_s"]) == (1, "done", 16.4)
    assert content["rules"] == {"min_score": 0.4, "min_views": 3}
    assert content["time_sigma_ms"] == 30.0
    # the box of the vehicle reaches 0.2285 m ahead of its centre, which stands 0.21 m behind the camera
    assert content["min_clearance_m"] == pytest.approx(AWAY_M + 0.21 - 0.2285, abs=0.05)


def test_the_track_is_the_vehicles_in_the_ship_frame(finished, mission):
    content = strictly(finished.path / "track.json")
    points = np.array(content["points"])
    assert content["columns"] == ["utc_s", "x_m", "y_m", "z_m", "yaw_deg", "lat_deg", "lon_deg"]
    assert points[:, 5:] == pytest.approx(np.tile(ORIGIN, (len(points), 1)), abs=0.001)
    assert np.diff(points[:, 0]) == pytest.approx(1.0)
    assert np.diff(points[:, 1]) == pytest.approx(0.25, abs=0.01)
    assert points[:, 4] == pytest.approx(-90.0, abs=0.01)
    assert (np.sign(points[:, 2]) == side_sign("starboard")).all()


def test_a_result_that_cannot_be_written_is_one_line(tmp_path):
    folder = MissionFolder(tmp_path)
    database = MissionDatabase(folder.database)
    (tmp_path / "summary.json" / "in the way").mkdir(parents=True)
    with pytest.raises(RecordError, match=r"^cannot write .*summary\.json: ") as told:
        write_results(folder, database, {"summary": {"schema": "hullscan.summary/1"}})
    assert "\n" not in str(told.value)
    database.close()


# --- a folder read again ---


def dvl_line(range_m: float) -> bytes:
    beams = [
        {"id": n, "velocity": 0.0, "distance": range_m, "rssi": -30, "nsd": -88, "beam_valid": True} for n in range(4)
    ]
    line = {
        "time": 100.0, "vx": 0.1, "vy": 0.0, "vz": 0.0, "fom": 0.001, "altitude": range_m, "transducers": beams,
        "covariance": [[1e-8, 0, 0], [0, 1e-8, 0], [0, 0, 1e-8]], "velocity_valid": True, "status": 0,
        "format": "json_v3.1", "type": "velocity",
    }  # fmt: skip
    return json.dumps(line).encode() + b"\r\n"


@pytest.mark.parametrize("cut", [0, 1, 30], ids=["whole", "without its end of line", "cut in its last line"])
def test_recorded_ranges_come_back_once_each_in_order(tmp_path, cut):
    log = DvlLog(tmp_path / "dvl.jsonl")
    for number in range(6):
        log(UTC_S + number / 10, dvl_line(1.5 + number / 100))
    log(UTC_S + 1, b"\xff not json \x00")
    log(UTC_S + 1.1, dvl_line(1.9))
    log.close()
    content = (tmp_path / "dvl.jsonl").read_bytes()
    assert all(set(json.loads(line)) == {"utc_s", "line"} for line in content.splitlines())
    (tmp_path / "dvl.jsonl").write_bytes(content[: len(content) - cut])
    reports = list(recorded_ranges(tmp_path / "dvl.jsonl", BLUEROV2_HEAVY.dvl_mount.rotation))
    expected = [1.5, 1.51, 1.52, 1.53, 1.54, 1.55, *([1.9] if cut < 2 else [])]
    assert [float(report.distances_m[0]) for report in reports] == pytest.approx(expected)
    assert all(np.diff([report.utc_s for report in reports]) > 0)


def test_a_mission_without_a_dvl_has_no_ranges(tmp_path):
    assert list(recorded_ranges(tmp_path / "dvl.jsonl", BLUEROV2_HEAVY.dvl_mount.rotation)) == []


def test_a_foreign_video_gives_its_pictures_by_its_own_time(tmp_path):
    write_file(tmp_path / "dive.mp4", [number / 10 for number in range(20)])
    pictures = FilePictures(tmp_path / "dive.mp4")
    assert [number_in(pictures.at(UTC_S, number / 10).image_bgr) for number in (0, 17, 5)] == [0, 17, 5]
    with pytest.raises(VideoError, match=re.escape("no picture at 5.000 s")):
        pictures.at(UTC_S, 5.0)


def test_a_folder_without_a_video_has_no_recording(tmp_path):
    assert not has_recording(tmp_path)
    assert not has_recording(tmp_path / "nothing")
