"""The desk as it is served: over TLS or on this computer alone, killed between verdicts, and read by everybody."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import json
import re
import shutil
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from recorded_mission import recorded
from test_desk import KEY
from test_report import UTC_S, Parts, finding, hull, made

from hullscan.clock import SimulatedClock
from hullscan.errors import InputError
from hullscan.review.desk import DeskOptions, make_desk
from hullscan.review.places import open_missions
from hullscan.review.readers import Roster
from hullscan.review.serve import ServeOptions
from hullscan.review.worklist import Mixture
from hullscan.words import LANGUAGES

__all__ = ["hull"]  # the fixture
PLAIN = ServeOptions(
    port=0, readers=["Kim", "Lee"], supervisors=["Choi"], least_s=0.0, blind=True, language="en", browser=False,
    seal_key=Path("key"),
)  # fmt: skip
needs_chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")


# --- where it listens ---


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.2.1", "desk.example", "::"])
def test_no_address_but_this_computer_s_is_served_without_tls(host):
    with pytest.raises(InputError, match="do not travel unencrypted"):
        replace(PLAIN, host=host)


def test_a_certificate_without_its_key_is_refused():
    with pytest.raises(InputError, match="belong together"):
        replace(PLAIN, certificate=Path("cert.pem"))


def test_over_tls_only_the_names_that_were_given_are_answered():
    options = replace(PLAIN, host="0.0.0.0", names=["desk.port"], certificate=Path("c"), certificate_key=Path("k"))
    assert options.hosts == {"0.0.0.0", "desk.port"}
    assert PLAIN.hosts == {"127.0.0.1", "localhost"}


def certificate(folder: Path) -> tuple[Path, Path]:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "desk")])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(begin).not_valid_after(begin + datetime.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
    return paths


class Served:
    """``hullscan review`` in a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [sys.executable, "-c", "from hullscan.cli import main; main()", "review", str(folder), "--port", "0",
                   "--no-browser", "--reader", "Kim", "--reader", "Lee", "--least-s", "0",
                   "--seal-key", str(folder.parent / "key"), *options]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.tokens: dict[str, str] = {}
        self.address = ""
        assert self.process.stdout is not None
        for _ in range(3):
            line = self.process.stdout.readline()
            found = re.match(r"(.+) \(\w+\): (https?://[\d.]+:\d+)/login\?token=(\S+)", line)
            assert found, line + (self.process.communicate(timeout=10)[1] if not line else "")
            self.tokens[found[1]], self.address = found[3], found[2]

    def ask(self, name: str, path: str, trusted: Path | None = None, **body: Any) -> tuple[int, Any]:
        host = self.address.split("//")[1]
        if self.address.startswith("https"):
            context = ssl.create_default_context(cafile=trusted)
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(host, context=context, timeout=20)
        else:
            connection = http.client.HTTPConnection(host, timeout=20)
        headers = {"Cookie": f"hullscan_desk={self.tokens[name]}", "X-Hullscan-Desk": "1",
                   "Content-Type": "application/json"}  # fmt: skip
        with closing(connection):
            connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=20)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_between_verdicts_over_tls_nothing_that_was_taken_is_lost_and_the_reader_goes_on(tmp_path, hull):
    folder = made(tmp_path / "m", Parts([finding(hull, n, 20.0 + 4 * n, 2.0) for n in (1, 2, 3)])).path
    cert, key = certificate(tmp_path)
    for number in (1, 2):
        desk = Served(folder, "--tls-cert", str(cert), "--tls-key", str(key))
        try:
            assert desk.address.startswith("https://127.0.0.1:")
            place = {"mission": "m", "place": f"P0{number}"}
            assert desk.ask("Kim", "/api/open", cert, **place)[0] == 200
            verdict = desk.ask("Kim", "/api/verdict", cert, **place, verdict="parcel", confidence=3, note=str(number))
            assert verdict == (200, {"taken": True})
        finally:
            desk.kill()
    desk = Served(folder)
    try:
        status, queue = desk.ask("Kim", "/api/queue/m")
        assert status == 200
        assert [row["id"] for row in queue["places"] if row["mine"]] == ["P03"]
        assert desk.ask("Kim", "/api/place/m/P02")[1]["readings"][0]["note"] == "2"
    finally:
        desk.kill()
    assert (tmp_path / "m-readings" / "audit.jsonl").read_text(encoding="utf-8").count('"kind": "verdict"') == 2


# --- in a browser ---


@contextmanager
def browsed(folder: Path, cache: Path, least_s: float = 7.0) -> Iterator[tuple[Any, str, dict[str, str]]]:
    """A browser, and a desk in this process with its address and tokens."""
    sync_api = pytest.importorskip("playwright.sync_api")
    import uvicorn

    clock, now_s = SimulatedClock(UTC_S), [0.0]

    def seconds() -> float:
        now_s[0] += 0.05
        return now_s[0]

    roster = Roster(["Kim", "Lee", "Park"], ["Choi"], ["Gast"])
    missions = open_missions([folder], clock, LANGUAGES, mixture=Mixture(planted=1), seed=lambda: 2)
    app = make_desk(missions, roster, KEY, clock, seconds, DeskOptions(cache=cache, least_s=least_s))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.05)
        address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        with sync_api.sync_playwright() as play:
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            yield browser, address, {person.name: token for person, token in roster.tokens()}
            browser.close()
    finally:
        server.should_exit = True
        thread.join(20)
        for mission in missions.values():
            mission.store.close()


VIEWS = {"i": "inbox", "r": "read", "c": "chests", "m": "measures"}
PEOPLE = [
    ("Kim", "ko", "dark", "ircm"),
    ("Choi", "en", "light", "ircm"),
    ("Gast", "ko", "light", "i"),
]


@pytest.mark.slow
@needs_chromium
def test_every_page_is_accessible_and_a_hidden_page_earns_no_time(tmp_path, hull):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    folder = recorded(tmp_path / "m", hull, findings=2, chests=True).path
    faults = []
    with browsed(folder, tmp_path) as (browser, address, tokens):
        for who, language, scheme, keys in PEOPLE:
            page = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 720}).new_page()
            errors: list[str] = []
            page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
            page.goto(f"{address}/login?token={tokens[who]}")
            page.goto(f"{address}/?lang={language}")
            page.wait_for_selector("#missions tbody tr" if who == "Gast" else "button.place", state="attached")
            for key in keys:
                page.keyboard.press(key)
                page.wait_for_selector(f'[data-page="{VIEWS[key]}"]:not([hidden])')
                page.wait_for_timeout(150)
                scanned = axe.run(page).response
                assert len(scanned["passes"]) > 10  # it did look
                found = scanned["violations"]
                faults += [(who, key, each["id"], each["nodes"][0]["html"][:200]) for each in found
                           if each["impact"] in ("serious", "critical")]  # fmt: skip
            assert errors == []
            if who == "Kim":
                page.keyboard.press("r")
                _hidden_earns_nothing(page)
            page.close()
    assert faults == []


READ = [  # who reads, and the keys that they press for each place that is theirs
    ("Kim", {"P01": "p4", "P02": "t3", "P03": "h5"}),
    ("Lee", {"P01": "p5", "P02": "g2", "P03": "f4"}),
    ("Park", {"P02": "u1"}),
]


@pytest.mark.slow
@needs_chromium
def test_two_readers_a_third_and_a_supervisor_by_keyboard_alone(tmp_path, hull):
    folder = made(tmp_path / "m", Parts([finding(hull, n, 20.0 + 4 * n, 2.0) for n in (1, 2, 3)])).path
    asked: list[str] = []
    with browsed(folder, tmp_path, least_s=1.0) as (browser, address, tokens):

        def opened(who: str) -> Any:
            page = browser.new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.goto(f"{address}/login?token={tokens[who]}")
            page.wait_for_selector("button.place")
            return page

        for who, keys in READ:
            page = opened(who)
            for place, pressed in keys.items():
                page.wait_for_selector(f"#facts h2:has-text('{place} ')")
                page.wait_for_selector("#form:not([hidden])")
                for key in pressed:
                    page.keyboard.press(key)
                assert page.is_disabled("#take")  # nobody has looked for long enough
                page.keyboard.press("n")
                page.keyboard.type(f"note of {who}")
                page.keyboard.press("Escape")
                page.wait_for_selector("#take:enabled")
                assert not any(f"note of {other}" in page.content() for other, _ in READ if other != who)
                page.keyboard.press("Enter")
                page.wait_for_selector(f"#rows button:has-text('{place}') em:not(.mine)")
            page.close()
        page = opened("Choi")
        assert "escalated" in page.inner_text("#rows")
        _tab_to(page, "Sign off and seal")
        page.keyboard.press("Enter")
        page.wait_for_selector("#said:has-text('m-readings')")
    assert all(each.startswith(address) for each in asked)
    signed = json.loads((tmp_path / "m-readings" / "signed" / "readings.json").read_text(encoding="utf-8"))
    assert [each["standing"] for each in signed["places"]] == ["confirmed", "escalated", "rejected"]
    assert [each["reader"] for each in signed["places"][1]["readings"]] == ["Kim", "Lee", "Park"]
    assert {each["note"] for each in signed["places"][0]["readings"]} == {"note of Kim", "note of Lee"}


def _tab_to(page: Any, name: str) -> None:
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").strip() == name:
            return
    raise AssertionError(f"no key leads to {name}")


def _hidden_earns_nothing(page: Any) -> None:
    ticks: list[str] = []
    page.on("request", lambda request: ticks.append(request.url) if "/api/tick" in request.url else None)
    page.wait_for_timeout(1500)
    assert ticks
    page.evaluate("Object.defineProperty(document, 'visibilityState', {get: () => 'hidden', configurable: true})")
    page.wait_for_timeout(200)
    ticks.clear()
    page.wait_for_timeout(1500)
    assert ticks == []
