"""The main job over real protocols: the demo mission flown in the simulator, its folder read by other people's tools.

One flight serves most of the tests; others end it early, or never let it begin.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
MISSION, SCENARIO = ROOT / "missions" / "demo.yaml", ROOT / "sim" / "scenarios" / "demo.yaml"
HULLSCAN = [sys.executable, "-c", "from hullscan.cli import main; main()"]

pytestmark = pytest.mark.slow
# clear of the threshold of 0.5: a patch of paint scored 0.58 in a flight and less than 0.5 by other frames of it
CLEAR_SCORE = 0.65
NEAR_M = 0.6  # half a metre is what a result is held to; a single flight is granted a tenth more


def run(*arguments: object, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
    command = [*HULLSCAN, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False, encoding="utf-8")


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Flown:
    """A flight that has ended."""

    code: int
    output: str
    errors: str
    out: Path

    @property
    def folder(self) -> Path:
        (folder,) = (path.parent for path in self.out.glob("*/mission.sqlite"))
        return folder

    @property
    def truth(self) -> Any:
        return read(self.out, "truth.json")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Flown:
    """The demo survey as the README has it."""
    out = tmp_path_factory.mktemp("demo")
    ended = run("survey", MISSION, "--sim", SCENARIO, "--out", out)
    return Flown(ended.returncode, ended.stdout, ended.stderr, out)


def matched(findings: list[Any], truth: Any, within_m: float) -> tuple[set[str], list[Any]]:
    """Parcels that have a finding within a distance, and findings that have no parcel."""
    found, false = set(), []
    for finding in findings:
        place = np.array(finding["position_ship_m"])
        near = [
            parcel["id"]
            for parcel in truth["parcels"]
            if np.linalg.norm(place - parcel["position_ship_m"]) <= max(within_m, 0.0)
        ]
        found.update(near)
        if not near:
            false.append(finding)
    return found, false


# ------------------------------------------------------------------------------------------------ the demo


def test_the_demo_survey_ends_well_and_touches_nothing(demo: Flown):
    assert demo.code == 0, demo.errors
    assert read(demo.folder, "summary.json")["outcome"] == "done"
    assert demo.truth["contacts"] == 0
    assert demo.truth["min_clearance_m"] > 0.4  # the mission's limit


def test_every_parcel_is_found_in_its_place_and_at_most_two_findings_are_false(demo: Flown):
    findings = read(demo.folder, "findings.json")["findings"]
    found, false = matched(findings, demo.truth, NEAR_M)
    assert found == {"parcel-1", "parcel-2", "parcel-3"}
    assert len(false) <= 2, "a doubler plate with growth, and a patch of new paint"


def test_fittings_of_the_drawings_told_the_place_along_the_ship_while_it_flew(demo: Flown):
    registration = read(demo.folder, "summary.json")["registration"]
    assert registration["fittings_used_live"] > 0
    assert registration["fittings_used"] >= registration["fittings_used_live"]
    assert registration["fittings_known"] == 3


def test_what_was_planned_was_seen(demo: Flown):
    coverage = read(demo.folder, "coverage.json")
    assert coverage["seen_area_m2"] > 0.9 * coverage["planned_area_m2"]


def test_without_a_terminal_it_prints_plain_lines_of_what_happens(demo: Flown):
    said = demo.output + demo.errors
    assert "\x1b" not in said
    assert len(re.findall(r"lane \d of \d", said)) >= 3
    assert re.search(r"report: .*report\.html", demo.output)


def test_the_folder_is_sealed_and_every_check_of_it_passes(demo: Flown):
    verified = run("verify", demo.folder)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "✗" not in verified.stdout
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--quiet", "manifest-sha256.txt"], cwd=demo.folder, check=True)


def test_no_frame_was_lost_from_the_recording(demo: Flown):
    video = read(demo.folder, "summary.json")["video"]
    assert video["frames_recorded"] + video["frames_unrecorded"] == video["frames_in"] > 500
    assert video["frames_unrecorded"] < 10  # those before the first key picture: one comes each second


def test_the_database_opens_without_hullscan(demo: Flown):
    with sqlite3.connect(demo.folder / "mission.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    database.close()


def test_mavlogdump_reads_the_tlog_and_counts_what_we_count(demo: Flown):
    from hullscan.vehicle.tlog import read_recording

    script = Path(sys.executable).parent / "mavlogdump.py"
    if not script.exists():
        pytest.skip("pymavlink's scripts are not installed")
    kinds = "LOCAL_POSITION_NED,ATTITUDE"
    dump = subprocess.run(
        [sys.executable, "-W", "ignore", script, "--types", kinds, demo.folder / "telemetry.tlog"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    theirs = Counter(re.findall(r": (LOCAL_POSITION_NED|ATTITUDE) \{", dump.stdout))
    telemetry = read_recording(demo.folder / "telemetry.tlog").telemetry
    assert theirs["ATTITUDE"] == len(telemetry.attitude.all()) > 1000
    assert theirs["LOCAL_POSITION_NED"] == len(telemetry.position.all()) > 500


def test_ffprobe_reads_every_recorded_frame(demo: Flown):
    packets = 0
    for video in sorted((demo.folder / "video").glob("*.mkv")):  # a new file each five minutes
        probe = subprocess.run(
            [tool("ffprobe"), "-v", "error", "-count_packets", "-select_streams", "v", "-of", "json",
             "-show_entries", "stream=codec_name,width,height,nb_read_packets", video],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        (stream,) = json.loads(probe.stdout)["streams"]
        assert (stream["codec_name"], stream["width"], stream["height"]) == ("h264", 640, 360)
        assert probe.stderr == ""
        packets += int(stream["nb_read_packets"])
    assert packets == read(demo.folder, "summary.json")["video"]["frames_recorded"]


class _References(HTMLParser):
    """Everything that a page would load or lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "poster", "action")]


def test_the_report_is_one_file_that_loads_nothing(demo: Flown):
    page = (demo.folder / "report.html").read_text(encoding="utf-8")
    references = _References()
    references.feed(page)
    assert references.found
    assert [each[:60] for each in references.found if not each.startswith(("data:", "#"))] == []
    assert "@import" not in page
    assert re.findall(r"url\((?!['\"]?(?:data:|#))", page) == []


# ------------------------------------------------------------------------------------------------ again, off line


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def test_the_recording_gives_the_same_findings_and_stays_as_it_was(demo: Flown, tmp_path: Path):
    before = fingerprint(demo.folder)
    ended = run("analyze", demo.folder, "--out", tmp_path / "again", "--look-again")
    assert ended.returncode == 0, ended.stderr
    assert fingerprint(demo.folder) == before
    live, again = (read(folder, "findings.json")["findings"] for folder in (demo.folder, tmp_path / "again"))
    assert matched(again, demo.truth, NEAR_M)[0] == {"parcel-1", "parcel-2", "parcel-3"}
    # it looks at other frames, so that ranks, and what scores just about the threshold, may differ
    for ours, theirs in ((live, again), (again, live)):
        for one in (finding for finding in ours if finding["score"] >= CLEAR_SCORE):
            gaps = [
                np.linalg.norm(np.subtract(one["position_ship_m"], other["position_ship_m"]))
                for other in theirs
                if other["label"] == one["label"]
            ]
            assert min(gaps) < 0.2


def test_the_flights_own_looks_give_its_own_findings_and_another_threshold_says_what_it_changes(
    demo: Flown, tmp_path: Path
):
    ended = run("analyze", demo.folder, "--out", tmp_path / "same")
    assert ended.returncode == 0, ended.stderr
    for name in ("findings", "coverage", "track"):  # made from the recording alone, then as now
        assert read(demo.folder, f"{name}.json") == read(tmp_path / "same", f"{name}.json"), name
    live = read(demo.folder, "findings.json")["findings"]
    assert f"{len(live)} findings are there still, 0 gained, 0 lost" in ended.stdout
    strict = run("analyze", demo.folder, "--out", tmp_path / "strict", "--min-score", "0.99")
    assert f"0 findings are there still, 0 gained, {len(live)} lost" in strict.stdout


def test_a_video_and_a_tlog_from_elsewhere_are_placed_too(demo: Flown, tmp_path: Path):
    """As another program would leave them: another container, no index, no DVL log; when it began is told."""
    recorded, index = (sorted((demo.folder / "video").glob(f"*.{kind}"))[0] for kind in ("mkv", "jsonl"))
    begin = next(
        row["utc_s"] for row in map(json.loads, index.read_text(encoding="utf-8").splitlines()) if "utc_s" in row
    )
    video, tlog = tmp_path / "dive.mp4", tmp_path / "dive.tlog"
    subprocess.run([tool("ffmpeg"), "-v", "error", "-i", recorded, "-c", "copy", video], check=True)
    shutil.copy(demo.folder / "telemetry.tlog", tlog)
    stamp = np.datetime64(round(begin * 1e6), "us")
    ended = run("analyze", video, "--telemetry", tlog, "--mission", MISSION, "--start-utc", f"{stamp}Z",
                "--out", tmp_path / "foreign")  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    findings = read(tmp_path / "foreign", "findings.json")["findings"]
    # an echo sounder's single beam registers the ship less well than a DVL's four: it says so in its radius
    assert matched(findings, demo.truth, 1.5)[0] == {"parcel-1", "parcel-2", "parcel-3"}


# ------------------------------------------------------------------------------------------------ ended early


@contextmanager
def surveying(out: Path, until: str) -> Iterator[subprocess.Popen[str]]:
    """A demo survey that has come as far as printing ``until``; what it prints is read on in the background."""
    command = [*HULLSCAN, "survey", str(MISSION), "--sim", str(SCENARIO), "--out", str(out)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", bufsize=1
    )
    assert process.stdout is not None
    come, lines = threading.Event(), []

    def listen() -> None:
        for line in process.stdout or ():
            lines.append(line)
            if until in line:
                come.set()
        come.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    assert come.wait(240)
    assert process.poll() is None, "".join(lines)
    process.said = lines  # type: ignore[attr-defined]
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        listener.join(10)
        process.stdout.close()
        if process.stderr is not None:
            process.stderr.close()


def children(pid: int) -> list[int]:
    """Direct children of a process, from /proc."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[1]) == pid:
            found.append(int(status.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the simulator's process in /proc")
def test_when_the_vehicle_vanishes_the_report_is_written_from_what_there_is(tmp_path: Path):
    with surveying(tmp_path, "lane 1 of") as process:
        time.sleep(8)  # some of the lane is flown
        (simulator,) = children(process.pid)
        os.kill(simulator, signal.SIGKILL)
        code = process.wait(300)  # two minutes it listens for the vehicle
        errors = process.stderr.read() if process.stderr is not None else ""
    assert code == 3
    assert len(errors.strip().splitlines()) == 1, errors
    folder = Flown(code, "", errors, tmp_path).folder
    assert read(folder, "summary.json")["ended_by"]
    assert read(folder, "coverage.json")["gaps"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.rstrip().endswith("</html>")


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_an_interrupt_brings_the_vehicle_out_and_up_and_still_reports(tmp_path: Path):
    with surveying(tmp_path, "lane 1 of") as process:
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        code = process.wait(240)
    assert code == 130
    flown = Flown(code, "", "", tmp_path)
    assert read(flown.folder, "summary.json")["outcome"] == "aborted"
    assert (flown.folder / "report.html").is_file()
    trajectory = np.genfromtxt(tmp_path / "truth.csv", delimiter=",", names=True)
    assert trajectory["down_m"][-1] < 0.7  # at the surface
    assert flown.truth["contacts"] == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_a_second_interrupt_lets_go_of_the_vehicle_where_it_is_and_still_reports(tmp_path: Path):
    with surveying(tmp_path, "lane 1 of") as process:
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        code = process.wait(240)
        errors = process.stderr.read() if process.stderr is not None else ""
    assert (code, "Traceback" in errors) == (130, False)
    flown = Flown(code, "", "", tmp_path)
    assert read(flown.folder, "summary.json")["outcome"] == "aborted"
    assert (flown.folder / "report.html").is_file()
    words = (flown.folder / "events.jsonl").read_text(encoding="utf-8")
    assert "a second Ctrl-C would let go" in words
    assert "take it over by joystick" in words
    trajectory = np.genfromtxt(tmp_path / "truth.csv", delimiter=",", names=True)
    assert trajectory["down_m"][-1] > 0.4  # it has not come up
    assert flown.truth["contacts"] == 0


# ------------------------------------------------------------------------------------------------ never begun


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def vehicle(*, dvl: int, mavlink: int) -> Iterator[None]:
    """A simulated vehicle that sends no video, its DVL at a port."""
    command = [sys.executable, "-m", "hullscan_sim", "run", str(SCENARIO), "--mavlink", f"udpout:127.0.0.1:{mavlink}",
               "--dvl", f"127.0.0.1:{dvl}"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert any(line.startswith("ready") for line in process.stdout)
        try:
            yield
        finally:
            process.kill()


def survey_of(port: int, dvl: int, out: Path) -> subprocess.CompletedProcess[str]:
    return run("survey", MISSION, "--connect", f"udpin:127.0.0.1:{port}", "--dvl", f"127.0.0.1:{dvl}",
               "--video-port", free_port(socket.SOCK_DGRAM), "--out", out, timeout_s=120)  # fmt: skip


def assert_one_clear_error(ended: subprocess.CompletedProcess[str], what: str) -> None:
    assert ended.returncode == 1
    (line,) = ended.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert what in line


def test_no_heartbeat_is_one_clear_error(tmp_path: Path):
    ended = survey_of(free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM), tmp_path)
    assert_one_clear_error(ended, "no heartbeat")


def test_a_dvl_that_refuses_is_one_clear_error(tmp_path: Path):
    mavlink, dvl = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
    with vehicle(dvl=dvl, mavlink=mavlink):
        ended = survey_of(mavlink, free_port(socket.SOCK_STREAM), tmp_path)
    assert_one_clear_error(ended, "DVL")


def test_no_video_is_one_clear_error(tmp_path: Path):
    mavlink, dvl = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
    with vehicle(dvl=dvl, mavlink=mavlink):
        ended = survey_of(mavlink, dvl, tmp_path)
    assert_one_clear_error(ended, "no video")


def test_a_scenario_that_is_broken_is_one_clear_error(tmp_path: Path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("mission: nowhere.yaml\nseed: high\n", encoding="utf-8")
    ended = run("survey", MISSION, "--sim", broken, "--out", tmp_path)
    assert ended.returncode == 1
    assert "seed" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_ffmpeg_receives_the_simulators_video(tmp_path: Path):
    """An independent receiver: the stream is what an SDP file says it is, and its pictures are not blank."""
    ffmpeg = tool("ffmpeg")
    port = free_port(socket.SOCK_DGRAM)
    sdp = tmp_path / "camera.sdp"
    sdp.write_text(
        f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=camera\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1\n",
        encoding="ascii",
    )
    command = [sys.executable, "-m", "hullscan_sim", "run", str(SCENARIO), "--mavlink",
               f"udpout:127.0.0.1:{free_port(socket.SOCK_DGRAM)}", "--dvl",
               f"127.0.0.1:{free_port(socket.SOCK_STREAM)}", "--video", f"rtp://127.0.0.1:{port}"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert any(line.startswith("ready") for line in process.stdout)
        received = subprocess.run(
            [ffmpeg, "-v", "error", "-protocol_whitelist", "file,udp,rtp", "-i", sdp, "-frames:v", "20",
             tmp_path / "%02d.png"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        process.kill()
    assert received.returncode == 0, received.stderr
    import cv2

    pictures = [cv2.imread(str(path)) for path in sorted(tmp_path.glob("*.png"))]
    assert len(pictures) == 20
    assert pictures[-1].shape == (360, 640, 3)
    assert pictures[-1].std() > 8
