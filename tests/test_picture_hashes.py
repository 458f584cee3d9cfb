"""Each picture is hashed as it is recorded: what ffmpeg prints of the file is the same, and a changed one is named."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import av
import pytest
from test_video_recorder import access_units, record
from video_streams import coded

from hullscan.clock import SimulatedClock
from hullscan.record.checking import check_folder
from hullscan.record.events import EventLog
from hullscan.video.index import index_path, load_index
from hullscan.video.picture_hashes import check_pictures


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds at 30 a second."""
    folder = tmp_path_factory.mktemp("hashed") / "video"
    (video,) = record(folder, access_units(coded(60))).segments
    return video


def copied(recording: Path, folder: Path) -> Path:
    shutil.copytree(recording.parent, folder / "video")
    return folder / "video" / recording.name


def flipped(video: Path, picture: int) -> None:
    """Change one bit in the middle of a picture."""
    with av.open(str(video)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        raw, target = video.read_bytes(), bytes(packets[picture])
    at = raw.index(target) + len(target) // 2
    video.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_ffmpeg_prints_the_hashes_of_the_index(recording: Path) -> None:
    command = ["ffmpeg", "-v", "error", "-i", str(recording), "-map", "0:v", "-c", "copy", "-f", "framehash"]
    done = subprocess.run([*command, "-hash", "sha256", "-"], capture_output=True, text=True, check=True)
    printed = [line.rsplit(",", 1)[1].strip() for line in done.stdout.splitlines() if not line.startswith("#")]
    index = load_index(recording)
    assert index is not None
    assert printed == [entry.sha256 for entry in index.entries]
    assert len(set(printed)) == 60


def test_padding_behind_a_unit_is_hashed_as_the_file_holds_it(tmp_path: Path) -> None:
    units = access_units(coded(15))
    padded = [replace(unit, data=unit.data.replace(b"\0\0\0\1", b"\0\0\0\0\0\1")) for unit in units]
    assert len(padded[0].data) > len(units[0].data)
    (video,) = record(tmp_path / "video", padded).segments
    found = check_pictures(video)
    assert found is not None
    assert (found.good, found.changed) == (15, ())


def test_every_picture_of_a_recording_is_as_it_was(recording: Path) -> None:
    found = check_pictures(recording)
    assert found is not None
    assert (found.good, found.changed, found.missing) == (60, (), 0)


def test_a_flipped_bit_names_its_picture(tmp_path: Path, recording: Path) -> None:
    video = copied(recording, tmp_path)
    flipped(video, 17)
    found = check_pictures(video)
    assert found is not None
    assert (found.good, found.changed, found.missing) == (59, (17,), 0)


def test_an_index_without_hashes_is_not_judged(tmp_path: Path, recording: Path) -> None:
    video = copied(recording, tmp_path)
    lines = [json.loads(line) for line in index_path(video).read_bytes().splitlines()]
    text = "".join(json.dumps({key: value for key, value in line.items() if key != "sha256"}) + "\n" for line in lines)
    index_path(video).write_text(text, encoding="utf-8")
    assert check_pictures(video) is None


def test_verify_names_the_changed_picture_of_a_mission_that_was_cut_off(tmp_path: Path, recording: Path) -> None:
    video = copied(recording, tmp_path)
    flipped(video, 5)
    (tmp_path / "mission.yaml").write_text("mission: cut-off\n", encoding="utf-8")
    log = EventLog(tmp_path / "events.jsonl", SimulatedClock(1.0))
    log.add("survey", "video is coming in", {})
    log.close()
    told = {check.message: check for check in check_folder(tmp_path)}
    changed = told["{file}: {count} pictures were changed, by their numbers: {pictures}"]
    assert changed.passed is False
    assert changed.data == {"file": "video/000.mkv", "count": 1, "pictures": "5"}
    kept = told["{file}: {good} pictures are as they were recorded, {lost} of the index are not in it"]
    assert (kept.data["good"], kept.data["lost"]) == (59, 0)
