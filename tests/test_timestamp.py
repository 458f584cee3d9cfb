"""Trusted time: requests that openssl reads, answers of an authority made with openssl, and what does not hold."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest
from test_evidence import KEY, folder

from hullscan.errors import InputError, RecordError
from hullscan.record.bag import write_bag
from hullscan.record.checking import check_folder
from hullscan.record.folder import MissionFolder
from hullscan.record.seal import MANIFEST, seal
from hullscan.record.timestamp import attach_response, write_request

__all__ = ["folder"]  # the fixture

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to play the authority")

_CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {room}/serial
crypto_device = builtin
signer_cert = {room}/tsa.pem
certs = {room}/ca.pem
signer_key = {room}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
[stamps]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


def openssl(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=check)


class Authority:
    """A time-stamping authority with a root of its own."""

    def __init__(self, room: Path) -> None:
        room.mkdir()
        self.room, self.root = room, room / "ca.pem"
        (room / "serial").write_text("01\n", encoding="ascii")
        (room / "tsa.cnf").write_text(_CONFIG.format(room=room), encoding="ascii")
        ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        openssl("req", "-x509", *ec, "-keyout", room / "ca.key", "-out", self.root, "-subj", "/CN=root", "-days", 30)
        openssl("req", *ec, "-keyout", room / "tsa.key", "-out", room / "tsa.csr", "-subj", "/CN=stamps")
        signed = ("-CA", self.root, "-CAkey", room / "ca.key", "-CAcreateserial", "-days", 30)
        extended = ("-extfile", room / "tsa.cnf", "-extensions", "stamps")
        openssl("x509", "-req", "-in", room / "tsa.csr", *signed, *extended, "-out", room / "tsa.pem")

    def answer(self, request: Path) -> Path:
        out = self.room / "answer.tsr"
        openssl("ts", "-reply", "-config", self.room / "tsa.cnf", "-queryfile", request, "-out", out)
        return out


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "room")


def said(path: Path, authority: Path | None = None) -> list[tuple[bool | None, str]]:
    return [(check.passed, check.message.format(**check.data)) for check in check_folder(path, None, authority)]


def test_openssl_reads_the_request_and_it_is_of_the_list(folder: MissionFolder) -> None:
    request = write_request(folder.path)
    assert request == folder.path / f"{MANIFEST}.tsq"
    text = openssl("ts", "-query", "-in", request, "-text").stdout.decode()
    assert "Hash Algorithm: sha256" in text
    assert "Certificate required: yes" in text
    made = openssl("ts", "-query", "-data", folder.path / MANIFEST, "-sha256", "-no_nonce").stdout
    digest = made[made.index(b"\x04\x20") : made.index(b"\x04\x20") + 34]
    assert digest in request.read_bytes()
    before = request.read_bytes()
    assert write_request(folder.path).read_bytes() == before, "asked again it is the same request"
    assert [words for passed, words in said(folder.path) if passed is False] == [], "it belongs beside the seal"


def test_an_answer_is_kept_and_gives_the_time(folder: MissionFolder, authority: Authority) -> None:
    answer = authority.answer(write_request(folder.path))
    kept = attach_response(folder.path, answer, authority.root)
    openssl("ts", "-verify", "-data", folder.path / MANIFEST, "-in", kept, "-CAfile", authority.root)
    checks = said(folder.path, authority.root)
    assert [words for passed, words in checks if passed is False] == []
    assert any(passed and "says that time-stamping authority" in words for passed, words in checks)
    assert any(passed is None and "was not checked" in words for passed, words in said(folder.path))


def test_a_bag_gets_a_time_of_its_own(folder: MissionFolder, tmp_path: Path, authority: Authority) -> None:
    bag = write_bag(folder, tmp_path / "out", tmp_path / "key")
    attach_response(bag, authority.answer(write_request(bag)), authority.root)
    checks = said(bag, authority.root)
    assert [words for passed, words in checks if passed is False] == []
    assert any("says that time-stamping authority" in words for _, words in checks)


def test_a_seal_made_again_keeps_the_time_of_the_one_before(folder: MissionFolder, authority: Authority) -> None:
    attach_response(folder.path, authority.answer(write_request(folder.path)))
    seal(folder.path, KEY)
    assert (folder.path / "seals" / "0001" / f"{MANIFEST}.tsr").is_file()
    assert not (folder.path / f"{MANIFEST}.tsr").exists()
    assert any("no time-stamp" in words for passed, words in said(folder.path, authority.root) if passed is False)


def test_an_answer_that_does_not_hold_is_refused_in_one_line(
    folder: MissionFolder, tmp_path: Path, authority: Authority
) -> None:
    request = write_request(folder.path)
    answer = authority.answer(request)
    other = Authority(tmp_path / "other")
    with pytest.raises(InputError, match="not of that authority"):
        attach_response(folder.path, answer, other.root)
    (tmp_path / "words").write_bytes(b"hello")
    with pytest.raises(InputError, match="no answer"):
        attach_response(folder.path, tmp_path / "words")
    with pytest.raises(InputError, match="holds no certificate"):
        attach_response(folder.path, answer, tmp_path / "words")
    request.unlink()
    write_request(folder.path)
    with pytest.raises(InputError, match="answers another request"):
        attach_response(folder.path, answer)
    (folder.path / MANIFEST).write_bytes(b"another list")
    with pytest.raises(InputError, match="of another list"):
        attach_response(folder.path, answer)
    assert not (folder.path / f"{MANIFEST}.tsr").exists()


def test_a_changed_answer_is_said_by_verify(folder: MissionFolder, authority: Authority) -> None:
    kept = attach_response(folder.path, authority.answer(write_request(folder.path)))
    raw = bytearray(kept.read_bytes())
    for at in range(len(raw) - 40, len(raw) - 4, 7):  # within the authority's signature
        changed = bytearray(raw)
        changed[at] ^= 1
        kept.write_bytes(bytes(changed))
        faults = [words for passed, words in said(folder.path, authority.root) if passed is False]
        assert any("the time-stamp does not hold" in words and kept.name in words for words in faults)


def test_a_folder_without_a_seal_has_nothing_to_be_stamped(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="is not sealed"):
        write_request(tmp_path)


def test_without_its_extra_it_says_what_to_install(folder: MissionFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"hullscan\[timestamp\]"):
        write_request(folder.path)
