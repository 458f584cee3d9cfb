"""Evidence: seals, signatures, the chain of events and the bag, checked by this program and by others."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from hullscan.clock import SimulatedClock
from hullscan.errors import HullscanError, InputError
from hullscan.record.bag import write_bag
from hullscan.record.checking import Check, check_folder
from hullscan.record.database import MissionDatabase
from hullscan.record.events import EventLog, broken_links, read_events
from hullscan.record.folder import MissionFolder
from hullscan.record.seal import MANIFEST, SIGNERS, digest, files_below, seal
from hullscan.record.signature import fingerprint, machine_key, public_line, sign, signed_by

DEMO = Path(__file__).parents[1] / "missions" / "demo.yaml"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


@pytest.fixture
def folder(tmp_path: Path) -> MissionFolder:
    """A small mission folder as a flight leaves it, sealed."""
    made = MissionFolder(tmp_path / "20261122T093000Z-mv-haneul")
    for part in (made.path, made.video, made.frames):
        part.mkdir()
    shutil.copyfile(DEMO, made.mission_file)
    (made.video / "000.mkv").write_bytes(bytes(range(256)) * 40)
    (made.video / "000.jsonl").write_text('{"n":0,"pts_ms":0,"utc_s":1795339800.0}\n', encoding="utf-8")
    (made.frames / "F01-1.jpg").write_bytes(b"\xff\xd8picture\xff\xd9")
    events = EventLog(made.events, SimulatedClock(1_795_339_800.0))
    events.add("planned", "planned: {legs} legs", {"legs": 7})
    hashes = {f"video/{name}": digest(made.video / name) for name in ("000.mkv", "000.jsonl")}
    events.add("segment", "video file closed: {file}", {"file": "video/000.mkv", "sha256": hashes})
    events.add("surface", "at the surface")
    events.close()
    MissionDatabase(made.database).close()
    summary = {"schema": "hullscan.summary/1", "ship": "MV Haneul", "mission": "demo", "model_sha256": "0" * 64}
    (made.path / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    made.report.write_text("<p>English</p>", encoding="utf-8")
    seal(made.path, KEY)
    return made


def _faults(checks: list[Check]) -> list[str]:
    return [check.message.format(**check.data) for check in checks if check.passed is False]


# --- signatures ---


def test_a_signature_names_the_key_that_made_it() -> None:
    assert fingerprint(signed_by(b"list", sign(b"list", KEY))) == fingerprint(KEY.public_key())


@given(st.binary(max_size=200), st.integers(min_value=0, max_value=10_000), st.integers(min_value=0, max_value=7))
def test_a_signature_with_one_flipped_bit_is_refused_or_means_the_same(message: bytes, at: int, bit: int) -> None:
    raw = bytearray(sign(message, KEY).encode())
    raw[at % len(raw)] ^= 1 << bit
    changed = raw.decode("latin-1")
    if "".join(changed.split()) == "".join(sign(message, KEY).split()):
        return  # only white space
    try:
        found = signed_by(message, changed)
    except InputError:
        return
    # the last character of base64 has bits that nobody reads
    assert fingerprint(found) == fingerprint(KEY.public_key())


def test_a_signature_of_another_message_does_not_fit() -> None:
    with pytest.raises(InputError, match="does not fit"):
        signed_by(b"other list", sign(b"list", KEY))


def test_the_key_of_a_computer_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "config" / "seal_key"
    first = machine_key(path)
    assert fingerprint(machine_key(path).public_key()) == fingerprint(first.public_key())
    assert path.read_text(encoding="ascii").startswith("-----BEGIN OPENSSH PRIVATE KEY-----")


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"-----BEGIN OPENSSH PRIVATE KEY-----\nxxxx\n-----END OPENSSH PRIVATE KEY-----\n"],
    ids=["an empty file is no key", "words are no key", "a damaged key is no key"],
)  # fmt: skip
def test_what_is_no_key_is_said_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        machine_key(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen on this machine")
def test_openssh_verifies_the_seal_and_shows_the_fingerprint(folder: MissionFolder) -> None:
    command = ["ssh-keygen", "-Y", "verify", "-f", SIGNERS, "-I", "hullscan", "-n", "hullscan"]
    command += ["-s", f"{MANIFEST}.sig"]
    manifest = (folder.path / MANIFEST).read_bytes()
    good = subprocess.run(command, cwd=folder.path, input=manifest, capture_output=True, check=False)
    assert good.returncode == 0, good.stderr
    assert b"Good" in good.stdout
    bad = subprocess.run(command, cwd=folder.path, input=manifest + b" ", capture_output=True, check=False)
    assert bad.returncode != 0
    shown = subprocess.run(["ssh-keygen", "-l", "-f", "signer.pub"], cwd=folder.path, capture_output=True, check=True)
    assert fingerprint(KEY.public_key()).encode() in shown.stdout


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen on this machine")
def test_a_signature_of_openssh_is_read(tmp_path: Path) -> None:
    key = tmp_path / "key"
    made = machine_key(key)
    (tmp_path / "list").write_bytes(b"some list\n")
    subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", "hullscan", str(tmp_path / "list")],
        capture_output=True, check=True,
    )  # fmt: skip
    found = signed_by(b"some list\n", (tmp_path / "list.sig").read_text(encoding="ascii"))
    assert fingerprint(found) == fingerprint(made.public_key())


# --- seals ---


def test_a_sealed_folder_has_no_fault(folder: MissionFolder) -> None:
    assert _faults(check_folder(folder.path)) == []


def test_every_file_of_a_sealed_folder_is_in_the_list_that_sha256sum_reads(folder: MissionFolder) -> None:
    lines = (folder.path / MANIFEST).read_text(encoding="utf-8").splitlines()
    assert [line[66:] for line in lines] == files_below(folder.path)
    if shutil.which("sha256sum") is not None:
        subprocess.run(["sha256sum", "--check", "--quiet", MANIFEST], cwd=folder.path, check=True)


def test_one_flipped_bit_in_any_file_is_named(folder: MissionFolder) -> None:
    for name in files_below(folder.path):
        path = folder.path / name
        before = path.read_bytes()
        changed = bytearray(before)
        changed[len(changed) // 2] ^= 4
        path.write_bytes(bytes(changed))
        faults = _faults_or_error(folder.path)
        assert any(name in fault for fault in faults), (name, faults)
        path.write_bytes(before)
    assert _faults(check_folder(folder.path)) == []


def _faults_or_error(path: Path) -> list[str]:
    try:
        return _faults(check_folder(path))
    except HullscanError as error:
        return [str(error)]


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


CHANGES: dict[str, tuple[Callable[[MissionFolder], object], str]] = {
    "a file that is gone is named": (lambda f: (f.frames / "F01-1.jpg").unlink(), "missing: frames/F01-1.jpg"),
    "a file that came later is named": (
        lambda f: (f.path / "note.txt").write_text("x", encoding="utf-8"), "added since it was sealed: note.txt",
    ),
    "a list that was changed does not fit its signature": (
        lambda f: _append(f.path / MANIFEST, f"{'0' * 64}  more.txt\n"), "signature of the list is not valid",
    ),
    "a list that leads out of the folder is refused": (
        lambda f: _append(f.path / MANIFEST, f"{'0' * 64}  ../secret\n"), "this line is no hash with a name",
    ),
    "a signature that is gone is told": (lambda f: (f.path / f"{MANIFEST}.sig").unlink(), "is not signed"),
    "a seal that is gone is told": (lambda f: (f.path / MANIFEST).unlink(), "not sealed"),
    "an event that was taken out breaks the chain": (
        lambda f: f.events.write_bytes(f.events.read_bytes().split(b"\n", 1)[1]),
        "chain of events is broken in 1 lines: 1",
    ),
    "a video file that was cut off while recording is named": (
        lambda f: (f.video / "001.mkv").write_bytes(b"x"), "cut off while it was recorded: video/001.mkv",
    ),
    "a damaged database is told": (lambda f: f.database.write_bytes(b"x" * 4096), "database is damaged"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES.keys())
def test_what_was_done_to_a_folder_is_said(
    folder: MissionFolder, change: Callable[[MissionFolder], object], said: str
) -> None:
    change(folder)
    faults = _faults(check_folder(folder.path))
    assert any(said in fault for fault in faults), faults


def test_a_report_made_again_is_sealed_again_and_the_seal_before_is_kept(folder: MissionFolder) -> None:
    folder.report.write_text("<p>한국어</p>", encoding="utf-8")
    seal(folder.path, OTHER)
    checks = check_folder(folder.path)
    assert _faults(checks) == []
    assert any("0001" in str(check.data) for check in checks)


def test_a_recording_that_was_changed_between_two_seals_is_named(folder: MissionFolder) -> None:
    (folder.frames / "F01-1.jpg").write_bytes(b"another picture")
    seal(folder.path, OTHER)
    assert any("changed since seal 0001: frames/F01-1.jpg" in fault for fault in _faults(check_folder(folder.path)))


def test_the_key_that_must_have_signed_can_be_named(folder: MissionFolder, tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.pub", tmp_path / "wrong.pub"
    right.write_text(public_line(KEY.public_key()), encoding="ascii")
    wrong.write_text(public_line(OTHER.public_key()), encoding="ascii")
    assert _faults(check_folder(folder.path, right)) == []
    assert any("not the key that was asked for" in fault for fault in _faults(check_folder(folder.path, wrong)))


# --- the chain of events ---


def test_the_chain_goes_on_when_a_log_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for text in ("first", "second"):
        log = EventLog(path, SimulatedClock(0.0))
        log.add("note", text)
        log.close()
    assert broken_links(path) == (2, [])


def test_a_line_that_was_cut_off_stays_and_the_chain_goes_on_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path, SimulatedClock(0.0))
    log.add("note", "whole")
    log.close()
    with path.open("ab") as file:
        file.write(b'{"utc": "2026-11-2')
    assert broken_links(path) == (2, [])  # nothing came behind it
    log = EventLog(path, SimulatedClock(0.0))
    log.add("note", "resumed")
    log.close()
    assert broken_links(path) == (3, [2])
    assert [event["message"] for event in read_events(path)] == ["whole", "resumed"]


# --- the bag ---


def test_a_bag_is_valid_for_bagit_and_for_openssh_and_for_us(folder: MissionFolder, tmp_path: Path) -> None:
    key = tmp_path / "key"
    machine_key(key)
    bag = write_bag(folder, tmp_path / "out", key)
    bagit.Bag(str(bag)).validate()
    assert _faults(check_folder(bag)) == []
    assert (bag / "data" / "mission.yaml").read_bytes() == DEMO.read_bytes()
    if shutil.which("ssh-keygen") is not None:
        command = ["ssh-keygen", "-Y", "verify", "-f", "signers", "-I", "hullscan", "-n", "hullscan"]
        command += ["-s", "tagmanifest-sha256.txt.sig"]
        tags = (bag / "tagmanifest-sha256.txt").read_bytes()
        subprocess.run(command, cwd=bag, input=tags, capture_output=True, check=True)


def test_a_flipped_bit_in_a_bag_is_named_by_bagit_and_by_us(folder: MissionFolder, tmp_path: Path) -> None:
    bag = write_bag(folder, tmp_path / "out", tmp_path / "key")
    (bag / "data" / "frames" / "F01-1.jpg").write_bytes(b"\xff\xd8Picture\xff\xd9")
    with pytest.raises(bagit.BagValidationError, match=r"F01-1\.jpg"):
        bagit.Bag(str(bag)).validate()
    assert any("F01-1.jpg" in fault and "bag" in fault for fault in _faults(check_folder(bag)))


def test_a_bag_that_is_there_is_never_written_over(folder: MissionFolder, tmp_path: Path) -> None:
    write_bag(folder, tmp_path / "out", tmp_path / "key")
    with pytest.raises(HullscanError, match="is there already"):
        write_bag(folder, tmp_path / "out", tmp_path / "key")
