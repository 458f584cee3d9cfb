"""Evidence under attack: killed recorders, full disks, flipped bits; the folder opens, and what is lost is named."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import bagit
import pytest
from test_evidence import KEY, folder

from hullscan.errors import HullscanError
from hullscan.record.bag import write_bag
from hullscan.record.checking import Check, check_folder
from hullscan.record.events import broken_links, read_events
from hullscan.record.folder import MissionFolder
from hullscan.record.reach import reaches
from hullscan.record.seal import MANIFEST, seal
from hullscan.video.recorded import RecordedVideo

__all__ = ["folder"]  # the fixture

TESTS = Path(__file__).parent
ATTACKS = 20
MOST_LOST_S = 1.0
UTC_S = 1_795_339_800.0
TABLES = ("looks", "sightings")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the recorders are forked, so that they start at once")


def faults(path: Path) -> list[str]:
    try:
        checks: list[Check] = check_folder(path)
    except HullscanError as error:
        return [str(error)]
    return [check.message.format(**check.data) for check in checks if check.passed is False]


# --- kill -9 and a full disk, at random moments of a mission ---


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, float]:
    """Folders whose recorders were killed, with the mission time up to which each had handed over what it heard."""
    root = tmp_path_factory.mktemp("killed")
    command = [sys.executable, str(TESTS / "mission_feed.py"), "kill", "5"]
    command += [str(root / str(number)) for number in range(ATTACKS)]
    return attacked(command)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, float]:
    """The same for recorders that ran out of disk: each had a small one of its own."""
    root, out = tmp_path_factory.mktemp("disks"), tmp_path_factory.mktemp("filled")
    sizes = random.Random(6)
    names = [str(root / str(number)) for number in range(ATTACKS)]
    mounts = [f"mkdir {name} && mount -t tmpfs -o size={sizes.randint(300, 900)}k none {name}" for name in names]
    missions = " ".join(f"{name}/m" for name in names)
    feed = f"{sys.executable} {TESTS / 'mission_feed.py'} full 6 {missions}"
    script = " && ".join([*mounts, feed, *(f"cp -r {name}/m {out}/{Path(name).name}" for name in names)])
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no small disks can be mounted here: they need unshare -rm")
    handed = attacked([unshare, "-rm", "sh", "-c", script])
    return {out / path.parent.name: utc_s for path, utc_s in handed.items()}


def attacked(command: list[str]) -> dict[Path, float]:
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return {Path(path): utc_s for path, utc_s in json.loads(ended.stdout).items()}


@pytest.fixture(params=["killed", "filled"])
def folders(request: pytest.FixtureRequest) -> dict[Path, float]:
    found: dict[Path, float] = request.getfixturevalue(request.param)
    assert len(found) == ATTACKS
    assert len({round(utc_s, 1) for utc_s in found.values()}) > ATTACKS / 4, "they ended at different moments"
    return found


def test_the_folder_opens_and_at_most_a_second_of_any_recording_is_lost(folders: dict[Path, float]) -> None:
    for path, handed_utc_s in folders.items():
        found = {reach.file: reach for reach in reaches(MissionFolder.open(path))}
        assert {"events.jsonl", "dvl.jsonl", "telemetry.tlog", "mission.sqlite"} <= set(found), path
        # of a video file that was killed before its first picture was whole nothing can be read
        assert all(not reach.damage for reach in found.values() if reach.file[:6] != "video/" or reach.closed), path
        videos = [reach.last_utc_s for reach in found.values() if reach.file[:6] == "video/" and reach.last_utc_s]
        others = [reach.last_utc_s or UTC_S for reach in found.values() if reach.file[:6] != "video/"]
        for last_utc_s in [max(videos, default=UTC_S), *others]:
            assert handed_utc_s - last_utc_s <= MOST_LOST_S, (path, found, handed_utc_s)


def test_the_database_is_whole_and_the_chain_of_events_unbroken(folders: dict[Path, float]) -> None:
    for path in folders:
        assert not [words for words in faults(path) if "database" in words or "chain" in words], path
        with closing(sqlite3.connect(path / "mission.sqlite")) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            looks, sightings = (database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in TABLES)
        assert sightings == 2 * looks, "a look is there with its sightings or not at all"
        assert broken_links(path / "events.jsonl")[1] == []


def test_verify_names_what_is_missing_and_nothing_that_is_there(folders: dict[Path, float]) -> None:
    for path in folders:
        said = faults(path)
        closed = {
            event["data"]["file"] for event in read_events(path / "events.jsonl") if event.get("kind") == "segment"
        }
        videos = {f"video/{each.name}" for each in (path / "video").glob("*.mkv")}
        assert any("not sealed" in words for words in said)
        assert any("never written: findings.json, coverage.json" in words for words in said)
        cut = {words.rpartition(": ")[2] for words in said if "cut off while it was recorded" in words}
        assert cut == videos - closed, (path, said)
        lost = [words for words in said if not words.startswith("cannot be read")]  # a file without a picture
        assert not [words for words in lost if any(name in words for name in closed)], (path, said)


def test_what_was_recorded_plays_to_its_last_whole_picture(killed: dict[Path, float]) -> None:
    for path in list(killed)[:3]:
        videos = [each for each in reaches(MissionFolder.open(path)) if each.file[:6] == "video/"]
        last_utc_s = max((each.last_utc_s for each in videos if each.last_utc_s), default=None)
        with RecordedVideo(path / "video") as video:
            times = []
            while not video.ended:
                try:
                    frame = video.read()
                except HullscanError:
                    continue  # told once for a file that is cut off
                times += [frame.utc_s] if frame is not None else []
        assert max(times, default=None) == pytest.approx(last_utc_s, abs=1e-5), path


# --- one flipped bit, in any file ---


def flip(path: Path, bits: random.Random) -> None:
    raw = bytearray(path.read_bytes())
    raw[bits.randrange(len(raw))] ^= 1 << bits.randrange(8)
    path.write_bytes(bytes(raw))


def files_of(path: Path) -> list[str]:
    return sorted(each.relative_to(path).as_posix() for each in path.rglob("*") if each.is_file())


def sha256sum(path: Path, manifest: str) -> str:
    tool = shutil.which("sha256sum")
    if tool is None:
        pytest.skip("no sha256sum on this machine")
    command = [tool, "--check", "--strict", "--quiet", manifest]
    environment = {"LC_ALL": "C", "PATH": os.environ["PATH"]}
    ended = subprocess.run(command, cwd=path, capture_output=True, env=environment, check=False)
    assert (ended.returncode != 0) == bool(ended.stdout + ended.stderr)
    return (ended.stdout + ended.stderr).decode(errors="replace")


def signature_holds(path: Path, signed: str) -> bool:
    tool = shutil.which("ssh-keygen")
    if tool is None:
        pytest.skip("no ssh-keygen on this machine")
    command = [tool, "-Y", "verify", "-f", "signers", "-I", "hullscan", "-n", "hullscan", "-s", f"{signed}.sig"]
    raw = (path / signed).read_bytes()
    return subprocess.run(command, cwd=path, input=raw, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_flipped_bit_in_any_file_of_a_folder_is_named(folder: MissionFolder, seed: int) -> None:
    """By ``verify`` always; by ``sha256sum`` in all that is listed; in the list itself by ``ssh-keygen``."""
    (folder.path / "findings.json").write_text("{}", encoding="utf-8")
    seal(folder.path, KEY)  # so that there is an earlier seal too
    bits = random.Random(seed)
    names = files_of(folder.path)
    assert {"seals/0001/manifest-sha256.txt", MANIFEST, f"{MANIFEST}.sig", "signers", "signer.pub"} <= set(names)
    assert faults(folder.path) == []
    for name in names:
        path = folder.path / name
        before = path.read_bytes()
        flip(path, bits)
        assert any(name in words for words in faults(folder.path)), (name, faults(folder.path))
        if name == MANIFEST:
            assert not signature_holds(folder.path, MANIFEST)
        elif name != f"{MANIFEST}.sig":
            assert f"{name}: FAILED" in sha256sum(folder.path, MANIFEST), name
        path.write_bytes(before)
    assert faults(folder.path) == []


BAGIT_ITSELF = {"tagmanifest-sha256.txt", "tagmanifest-sha256.txt.sig"}
"""What no list of a bag can hold: the last list, and its signature."""


@pytest.mark.parametrize("seed", range(2))
def test_a_flipped_bit_in_any_file_of_a_bag_is_named(folder: MissionFolder, tmp_path: Path, seed: int) -> None:
    bag = write_bag(folder, tmp_path / "out", tmp_path / "key")
    bits = random.Random(seed)
    assert faults(bag) == []
    for name in files_of(bag):
        path = bag / name
        before = path.read_bytes()
        flip(path, bits)
        assert any(name in words for words in faults(bag)), (name, faults(bag))
        if name not in BAGIT_ITSELF:
            with pytest.raises((bagit.BagError, UnicodeDecodeError)) as told:
                bagit.Bag(str(bag)).validate()
            assert name in str(told.value) or name in ("bagit.txt", "manifest-sha256.txt", "bag-info.txt"), name
            listed = "manifest-sha256.txt" if name.startswith("data/") else "tagmanifest-sha256.txt"
            assert f"{name}: FAILED" in sha256sum(bag, listed), name
        path.write_bytes(before)
    assert faults(bag) == []
