"""Analysis off line: what cannot be analysed is said in one line, and the input stays as it was."""

from __future__ import annotations

import json
import math
import shutil
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from pymavlink.dialects.v20 import ardupilotmega as mavlink
from test_record import sighting
from test_video_recorder import UTC_S, access_units, record
from video_streams import coded, write_file

from hullscan.cli import main
from hullscan.clock import SimulatedClock
from hullscan.record.database import MissionDatabase
from hullscan.record.events import EventLog

DEMO = (Path(__file__).parents[1] / "missions" / "demo.yaml").read_text(encoding="utf-8")
# two metres of one lane: what fails after the plan should not wait for a long one
MISSION = DEMO.replace("stations_m: [31, 43], depths_m: [0.4, 4.1]", "stations_m: [36, 38], depths_m: [1.5, 2.5]")
CREATED = datetime.fromtimestamp(UTC_S, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def flight(*, position: bool = True, seconds: int = 3) -> bytes:
    """A log of an armed submarine that hangs beside the ship, at 10 Hz, from ``UTC_S`` on."""
    sender = mavlink.MAVLink(None, srcSystem=1, srcComponent=1)
    records = []
    for tick in range(10 * seconds):
        boot_ms = 1000 + 100 * tick
        sent = [mavlink.MAVLink_attitude_message(boot_ms, 0.0, 0.0, math.radians(-28), 0.0, 0.0, 0.0)]
        if tick % 10 == 0:
            sent.append(mavlink.MAVLink_heartbeat_message(12, 3, 217, 4, 4, 3))
        if position:
            sent.append(mavlink.MAVLink_local_position_ned_message(boot_ms, 10.0, 35.0, 2.0, 0.0, 0.0, 0.0))
        stamp = struct.pack(">Q", round((UTC_S + tick / 10) * 1e6))
        records += [stamp + bytes(message.pack(sender)) for message in sent]
    return b"".join(records)


def blind_model(path: Path, score: float = 0.0) -> None:
    """A detector that looks at nothing: one box in the middle of any score, whatever the picture."""
    told = np.array([48.0, 32.0, 24.0, 12.0, score], np.float32) * (score > 0)
    nothing = numpy_helper.from_array(told.astype(np.float32).reshape(1, 5, 1), "nothing")
    node = helper.make_node("Constant", [], ["boxes"], value=nothing)
    picture = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 64, 96])
    boxes = helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 5, 1])
    model = helper.make_model(
        helper.make_graph([node], "blind", [picture], [boxes]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    helper.set_model_props(model, {"names": "{0: 'parcel'}"})
    onnx.save(model, str(path))


@pytest.fixture(scope="module")
def originals(tmp_path_factory) -> Path:
    """A folder as people keep them: a mission recorded by hullscan, and a dive of somebody else."""
    folder = tmp_path_factory.mktemp("originals")
    (folder / "mission.yaml").write_text(MISSION, encoding="utf-8")
    (folder / "flight.tlog").write_bytes(flight())
    (folder / "adrift.tlog").write_bytes(flight(position=False))
    (folder / "notes.txt").write_text("visibility was bad\n" * 100)
    (folder / "nothing.ass").write_text("[Script Info]\n[Events]\n")
    (folder / "00000012.BIN").write_bytes(b"\xa3\x95\x80\x80\x59FMT\0" + bytes(800))
    write_file(folder / "dive.mp4", [0.0, 0.5, 1.0, 1.5], metadata={"creation_time": CREATED})
    write_file(folder / "undated.mp4", [0.0, 0.5])
    (folder / "cut.mp4").write_bytes((folder / "dive.mp4").read_bytes()[:2000])
    shutil.copy(folder / "dive.mp4", folder / "dive.xyz")
    blind_model(folder / "blind.onnx")

    flown = folder / "flown"
    record(flown / "video", access_units(coded(60)))
    shutil.copy(folder / "flight.tlog", flown / "telemetry.tlog")
    shutil.copy(folder / "mission.yaml", flown / "mission.yaml")
    MissionDatabase(flown / "mission.sqlite").close()
    for name in ("without telemetry", "without video", "with a broken mission", "with an empty log"):
        shutil.copytree(flown, folder / name)
    (folder / "without telemetry" / "telemetry.tlog").unlink()
    shutil.rmtree(folder / "without video" / "video")
    (folder / "with a broken mission" / "mission.yaml").write_text(MISSION.replace("window_min: 15", "window_min: 0"))
    (folder / "with an empty log" / "telemetry.tlog").write_bytes(b"")
    (folder / "empty").mkdir()
    (folder / "files").mkdir()
    shutil.copy(folder / "dive.mp4", folder / "files" / "dive.mp4")
    shutil.copy(folder / "flight.tlog", folder / "files" / "flight.tlog")
    return folder


@dataclass
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
def hullscan(monkeypatch, capsys, originals) -> Callable[..., Said]:
    """Runs the command, in the folder of the originals unless told otherwise."""

    def run(*arguments: str, at: Path = originals) -> Said:
        monkeypatch.chdir(at)
        monkeypatch.delenv("FORCE_COLOR", raising=False)  # the bar of progress is for terminals
        monkeypatch.setattr(sys, "argv", ["hullscan", *arguments])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


DIVE = ("dive.mp4", "--telemetry", "flight.tlog", "--mission", "mission.yaml", "--model", "blind.onnx")


def dive(**changes: str) -> tuple[str, ...]:
    """The command for somebody else's dive with one argument changed."""
    arguments = list(DIVE)
    for name, value in changes.items():
        if name == "video":
            arguments[0] = value
        elif f"--{name}" in arguments:
            arguments[arguments.index(f"--{name}") + 1] = value
        else:
            arguments += [f"--{name.replace('_', '-')}", value]
    return tuple(arguments)


ERRORS = [
    pytest.param(["nowhere"], "there is no nowhere; name a mission folder or a video file", id="nothing there"),
    pytest.param(["empty"], "empty is not a mission folder; it must hold mission.yaml", id="an empty folder"),
    pytest.param(["files"], "files is not a mission folder", id="a folder of somebody else's files"),
    pytest.param(["without telemetry"], "the log cannot be read", id="a folder without telemetry"),
    pytest.param(["with an empty log"], "no heartbeat from a vehicle", id="a folder with an empty log"),
    pytest.param(["without video"], "the folder holds no recording", id="telemetry without a video"),
    pytest.param(
        ["with a broken mission"], "mission.yaml:14: window_min: input should be greater than 0",
        id="a folder with a broken mission",
    ),
    pytest.param(["dive.mp4", "--telemetry", "flight.tlog"], "give --mission", id="a video without a mission"),
    pytest.param(["flight.tlog"], "this is no video that can be read", id="a log alone"),
    pytest.param(["cut.mp4"], "its end is missing", id="a video without telemetry that was not copied to its end"),
    pytest.param(["dive.mp4", "--telemetry", "nothing.ass"], "the overlay shows nothing", id="an empty overlay"),
    pytest.param(["dive.mp4", "--out", "flown"], "flown holds a mission", id="findings without a place over a mission"),
    pytest.param(["dive.mp4", "--out", "files"], "files is not a folder of results", id="or over somebody's files"),
    pytest.param(dive(video="flight.tlog"), "this is no video that can be read", id="a log for a video"),
    pytest.param(dive(video="notes.txt"), "this is no video that can be read", id="a text for a video"),
    pytest.param(dive(video="cut.mp4"), "its end is missing", id="a video that was not copied to its end"),
    pytest.param(dive(video="undated.mp4"), "give --start-utc", id="a video that does not say when it began"),
    pytest.param(dive(start_utc="noon"), "--start-utc 'noon' is no time", id="a beginning that is no time"),
    pytest.param(dive(start_utc="2026-11-22T09:30:00"), "has no time zone", id="a beginning without a time zone"),
    pytest.param(dive(telemetry="nowhere.tlog"), "the log cannot be read", id="a log that is not there"),
    pytest.param(dive(telemetry="notes.txt"), "no heartbeat from a vehicle", id="a text for a log"),
    pytest.param(dive(telemetry="empty"), "the log cannot be read", id="a folder for a log"),
    pytest.param(dive(telemetry="00000012.BIN"), "give --telemetry-utc", id="the autopilot's own log without a time"),
    pytest.param(
        dive(telemetry="00000012.BIN", telemetry_utc="2026-11-22T09:30:00Z"), "the log holds no attitude",
        id="the autopilot's own log without anything in it",
    ),
    pytest.param(dive(mission="nowhere.yaml"), "cannot read nowhere.yaml", id="a mission that is not there"),
    pytest.param(dive(mission="dive.mp4"), "dive.mp4:1: not UTF-8 text", id="a video for a mission"),
    pytest.param(dive(model="nowhere.onnx"), "cannot read the model nowhere.onnx", id="a model that is not there"),
    pytest.param(dive(model="notes.txt"), "notes.txt", id="a text for a model"),
    pytest.param(dive(lang="fr"), "choose one of en, ko", id="a language that there is not"),
    pytest.param(dive(out="notes.txt"), "cannot make notes.txt", id="a result where a file is"),
    pytest.param(dive(out="notes.txt/out"), "cannot make notes.txt/out", id="a result below a file"),
    pytest.param(dive(out="flown"), "flown holds a recording", id="a result over a recorded mission"),
    pytest.param(
        ["flown", "--model", "blind.onnx", "--out", "flown"], "holds a recording", id="a result over its source"
    ),
    pytest.param(dive(telemetry="adrift.tlog"), "the telemetry holds no position", id="a log without positions"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), ERRORS)
def test_what_cannot_be_analysed_is_one_line_and_nothing_is_written(hullscan, originals, arguments, words):
    before = contents(originals)
    said = hullscan("analyze", *arguments)
    assert said.code == 1
    (line,) = said.err.strip().splitlines()
    assert words in line
    assert line.startswith("error: ") or ":14: " in line or ":1: " in line, (
        "a fault of a document is path:line: message"
    )
    assert said.out.strip() == ""
    assert contents(originals) == before


def test_a_folder_of_somebody_elses_documents_is_no_place_for_results(hullscan, tmp_path):
    (tmp_path / "mission.yaml").write_text(DEMO)
    said = hullscan("analyze", *dive(out=str(tmp_path)))
    assert said.code == 1
    assert said.err.strip() == f"error: {tmp_path} is not a folder of results; choose another --out"
    assert contents(tmp_path) == {"mission.yaml": DEMO.encode()}


def test_a_video_of_another_day_is_one_line_each_time(hullscan, originals, tmp_path):
    before = contents(originals)
    arguments = dive(start_utc="2001-01-01T00:00:00Z", out=str(tmp_path / "out"))
    first, second = hullscan("analyze", *arguments), hullscan("analyze", *arguments)
    assert first == second, "what is left of the first try is not in the way of the second"
    assert first.code == 1
    assert first.err.strip().startswith("error: no picture falls into the time of the telemetry; check --start-utc")
    assert contents(originals) == before


def test_an_analysis_that_failed_is_not_in_the_way_of_the_next(hullscan, tmp_path):
    arguments = dive(telemetry="adrift.tlog", out=str(tmp_path / "out"))
    assert hullscan("analyze", *arguments) == hullscan("analyze", *arguments)
    assert hullscan("analyze", *dive(out=str(tmp_path / "out"))).code == 0


@pytest.fixture
def flown(originals, tmp_path) -> Path:
    """A copy of a recorded mission, to be spoilt."""
    return Path(shutil.copytree(originals / "flown", tmp_path / "flown"))


def results_of(folder: Path) -> dict[str, dict]:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    names = ("findings", "coverage", "summary")
    return {name: json.loads((folder / f"{name}.json").read_text(), parse_constant=refuse) for name in names}


def test_a_mission_cut_off_is_analysed_beside_it_and_says_so(hullscan, flown):
    before = contents(flown)
    said = hullscan("analyze", str(flown), "--model", "blind.onnx")
    assert (said.code, said.err.strip()) == (0, "")
    assert contents(flown) == before, "the original is never touched"
    out = flown.with_name("flown-analysis")
    assert f"report: {out / 'report.html'}" in said.out.replace("\n", "")
    summary = results_of(out)["summary"]
    assert (summary["outcome"], summary["ended_by"]) == ("cut off", "the recording ends without a summary")
    assert summary["analysed_from"] == "flown"
    assert summary["battery_v"] == {"start": None, "end": None}, "the log says nothing of the battery"
    assert "the recording ends without a summary" in (out / "report.html").read_text(encoding="utf-8")


def test_the_folder_one_stands_in_is_analysed_beside_it_too(hullscan, flown, originals):
    before = contents(flown)
    said = hullscan("analyze", ".", "--model", str(originals / "blind.onnx"), at=flown)
    assert (said.code, said.err.strip()) == (0, "")
    assert contents(flown) == before
    assert results_of(flown.with_name("flown-analysis"))["summary"]["analysed_from"] == "flown"


def test_only_a_mission_from_before_is_taken_for_the_earlier_one(hullscan, flown, tmp_path):
    earlier = tmp_path / "earlier"
    assert hullscan("analyze", str(flown), "--model", "blind.onnx", "--out", str(earlier)).code == 0
    again = ("analyze", str(flown), "--model", "blind.onnx", "--earlier", str(earlier))
    said = hullscan(*again)
    assert (said.code, "that mission is not an earlier one" in said.err) == (1, True)
    assert not flown.with_name("flown-analysis").exists(), "that is told before anything is looked at"
    summary = results_of(earlier)["summary"] | {"start_utc": "2020-01-01T00:00:00.000Z"}
    (earlier / "summary.json").write_text(json.dumps(summary))
    said = hullscan(*again)
    assert (said.code, said.err.strip()) == (0, "")
    said = hullscan("analyze", "dive.mp4", "--model", "blind.onnx", "--earlier", str(earlier))
    assert (said.code, "nothing places this one" in said.err) == (1, True)


def test_an_analysis_replaces_the_one_before(hullscan, flown):
    out = flown.with_name("flown-analysis")
    for _ in range(2):
        assert hullscan("analyze", str(flown), "--model", "blind.onnx").code == 0
        assert (
            len(MissionDatabase(out / "mission.sqlite").looks())
            == results_of(out)["summary"]["video"]["frames_examined"]
        )


def test_events_that_make_no_sense_do_not_stop_an_analysis(hullscan, flown):
    lines = ['{"kind": "survey", "utc_s": 1, "data": null}', '{"kind": "survey", "data": {"leg": 1, "lane": 1}}',
             '{"kind": "survey", "utc_s": "x", "data": {"leg": "y", "lane": "z"}}', "7", "{"]  # fmt: skip
    (flown / "events.jsonl").write_text("\n".join(lines))
    said = hullscan("analyze", str(flown), "--model", "blind.onnx")
    assert (said.code, said.err.strip()) == (0, "")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"[1]", id="a list"),
        pytest.param(b'{"time_sigma_ms": "many", "outcome": "done"}', id="a word for a number"),
    ],
)
def test_a_damaged_summary_is_as_good_as_none(hullscan, flown, content):
    (flown / "summary.json").write_bytes(content)
    said = hullscan("analyze", str(flown), "--model", "blind.onnx")
    assert (said.code, said.err.strip()) == (0, "")
    summary = results_of(flown.with_name("flown-analysis"))["summary"]
    assert (summary["outcome"], summary["ended_by"]) == ("cut off", "its summary is damaged")


def test_looks_that_the_flight_made_with_this_model_are_taken_over(hullscan, flown, tmp_path):
    """Made up here: the flight's database holds one look and one sighting that no other look would give."""
    first = tmp_path / "first"
    log = EventLog(flown / "events.jsonl", SimulatedClock(0.0))
    log.add("survey", "video is coming in")
    log.close()
    assert hullscan("analyze", str(flown), "--model", "blind.onnx", "--out", str(first)).code == 0
    assert (first / "recording-events.jsonl").read_bytes() == (flown / "events.jsonl").read_bytes()
    assert "video is coming in" in (first / "report.html").read_text(encoding="utf-8"), "it tells what happened"
    for name in ("mission.sqlite", "summary.json"):
        shutil.copy(first / name, flown / name)
    database = MissionDatabase(flown / "mission.sqlite")
    (look, *_), ship = database.looks(), database.ship_track()
    database.close()
    (flown / "mission.sqlite").unlink()
    database = MissionDatabase(flown / "mission.sqlite")
    database.add_look(look, [sighting(0, utc_s=look.utc_s, frame=look.frame)])
    database.set_ship_track(ship)
    database.close()
    before = contents(flown)
    counts = {}
    for name, extra in (("taken", []), ("again", ["--look-again"]), ("other", ["--model", "blind.onnx"])):
        model = [] if name == "other" else ["--model", "blind.onnx"]
        if name == "other":  # results of a flight with another model say nothing of this one's
            summary = json.loads((flown / "summary.json").read_text())
            (flown / "summary.json").write_text(json.dumps(summary | {"model_sha256": "0" * 64}))
        out = tmp_path / name
        assert hullscan("analyze", str(flown), *model, *extra, "--out", str(out)).code == 0
        database = MissionDatabase(out / "mission.sqlite")
        counts[name] = len(database.sightings())
        database.close()
    assert counts == {"taken": 1, "again": 0, "other": 0}
    assert {name: raw for name, raw in contents(flown).items() if name != "summary.json"} == {
        name: raw for name, raw in before.items() if name != "summary.json"
    }


@pytest.mark.parametrize("told", ["soon", float("inf")])
def test_a_boot_time_that_makes_no_sense_is_left_out(hullscan, flown, told):
    numbers = {"packets_lost": 0, "frames_recorded": 0, "frames_suspect": 0, "frames_examined": 0}
    summary = {"schema": "hullscan.summary/1", "time_sigma_ms": 50, "boot_utc_s": told, "sessions_utc_s": [UTC_S],
               "video": numbers, "outcome": "done"}  # fmt: skip
    (flown / "summary.json").write_text(json.dumps(summary))
    said = hullscan("analyze", str(flown), "--model", "blind.onnx")
    assert (said.code, said.err.strip()) == (0, "")


LOGS = Path(__file__).parents[2] / "shared" / "data" / "logs"


@pytest.mark.skipif(not LOGS.is_dir(), reason="no logs of real vehicles on this computer")
@pytest.mark.parametrize(
    ("name", "start", "said"),
    [
        pytest.param("bluerov2_heavy_2023-05-04.tlog", "2023-05-04T17:16:00Z", "0.0 of", id="of a dive at the surface"),
        pytest.param(
            "bluerov2_heavy_bench_2023-04-18.tlog", "2023-04-18T18:00:00Z", "holds no position", id="of a bench"
        ),
        pytest.param("bluerov2_standard.BIN", "2023-04-18T18:00:00Z", "give --telemetry-utc", id="of the autopilot"),
        pytest.param("bluerov2_standard.BIN", "2023-04-18T18:00:05Z", "0.0 of", id="of the autopilot, told its time"),
    ],
)  # fmt: skip
def test_a_log_of_a_real_vehicle_ends_in_a_report_or_in_one_line(hullscan, tmp_path, name, start, said):
    arguments = dive(telemetry=str(LOGS / name), start_utc=start, out=str(tmp_path / "out"))
    told = ["--telemetry-utc", "2023-04-18T18:00:00Z"] if start.endswith("05Z") else []
    ended = hullscan("analyze", *arguments, *told)
    if ended.code:
        (line,) = ended.err.strip().splitlines()
        assert said in line
    else:
        assert said in ended.out
        assert "nothing was flagged" in ended.out
        page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
        assert "0.0 of" in page.replace("\u00a0", " ")
