"""The reading desk: the rules of reading, who learns what, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bagit
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from test_report import HOSTILE, Parts, finding, hull, made

from hullscan.clock import SimulatedClock
from hullscan.errors import HullscanError, InputError
from hullscan.record.checking import check_folder
from hullscan.record.folder import MissionFolder
from hullscan.record.seal import digest, seal
from hullscan.report.exports import export_mission
from hullscan.review.attention import Attention
from hullscan.review.desk import DeskOptions, make_desk
from hullscan.review.places import DeskMission, open_missions
from hullscan.review.procedure import Reading, Standing, Verdict, may_read, shown_verdicts, standing
from hullscan.review.readers import Role, Roster
from hullscan.review.worklist import Mixture
from hullscan.words import LANGUAGES, translator

__all__ = ["hull"]  # the fixture
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OWN = {"X-Hullscan-Desk": "1", "Sec-Fetch-Site": "same-origin"}


# --- the rules ---


def _given(*verdicts: str) -> list[Reading]:
    return [
        Reading(reader=f"reader {number}", verdict=Verdict(each), confidence=3, note="", looked_s=8.0, utc_s=number)
        for number, each in enumerate(verdicts)
    ]


@pytest.mark.parametrize(
    ("verdicts", "ends"),
    [
        pytest.param([], "unread", id="nobody has read it"),
        pytest.param(["parcel"], "read once", id="one reader is not enough"),
        pytest.param(["parcel", "tell_tale"], "confirmed", id="two call it suspicious, in other words"),
        pytest.param(["growth", "fitting"], "rejected", id="two call it harmless, in other words"),
        pytest.param(["parcel", "growth"], "disagreeing", id="two disagree and a third one is wanted"),
        pytest.param(["unclear", "unclear"], "disagreeing", id="two cannot say and a third one is wanted"),
        pytest.param(["parcel", "growth", "parcel"], "confirmed", id="the third one confirms"),
        pytest.param(["parcel", "growth", "fitting"], "rejected", id="the third one rejects"),
        pytest.param(["parcel", "growth", "unclear"], "escalated", id="the third one cannot say"),
        pytest.param(["unclear", "growth", "parcel"], "escalated", id="three readers, three answers"),
    ],
)
def test_how_a_place_stands(verdicts, ends):
    assert standing(_given(*verdicts)) == Standing(ends)


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(list(Verdict))), max_size=12))
def test_no_order_of_readings_lets_anybody_read_twice_or_see_too_early(attempts):
    accepted: list[Reading] = []
    for number, (who, verdict) in enumerate(attempts):
        name = f"reader {who}"
        if not may_read(name, accepted):
            continue
        accepted.append(Reading(reader=name, verdict=verdict, confidence=3, note="", looked_s=8.0, utc_s=float(number)))
        for other in range(5):
            shown = shown_verdicts(f"reader {other}", accepted)
            if not standing(accepted).closed:
                assert all(each.reader == f"reader {other}" for each in shown)
    assert len({each.reader for each in accepted}) == len(accepted) <= 3


@given(st.lists(st.floats(0, 20), max_size=40))
def test_no_rhythm_of_ticks_earns_more_than_the_time_that_passed(gaps):
    attention, now_s = Attention(), 100.0
    attention.open("Kim", "a", now_s)
    for gap_s in gaps:
        now_s += gap_s
        attention.tick("Kim", "a", now_s)
    assert attention.looked_s("Kim", "a") <= now_s - 100.0 + 1e-9
    assert attention.looked_s("Kim", "a") <= 1.5 * len(gaps)


def test_a_hidden_page_earns_nothing():
    attention = Attention()
    attention.open("Kim", "a", 0.0)
    attention.tick("Kim", "a", 1.0)
    attention.tick("Kim", "a", 60.0)  # it was hidden for a minute
    assert attention.looked_s("Kim", "a") == 2.5
    assert attention.looked_s("Lee", "a") == attention.looked_s("Kim", "b") == 0.0


@pytest.mark.parametrize(
    ("readers", "words"),
    [
        pytest.param(["Kim"], "two readers", id="one reader is not enough"),
        pytest.param(["Kim", "kim"], "stands twice", id="one person is not two readers"),
        pytest.param(["Kim", "<b>"], "no name", id="a tag is no name"),
    ],
)
def test_a_roster_that_does_not_do_is_refused(readers, words):
    with pytest.raises(InputError, match=words):
        Roster(readers, [])


# --- the desk ---


def opened(path: Path, clock: SimulatedClock) -> dict[str, DeskMission]:
    return open_missions([path], clock, LANGUAGES, mixture=Mixture(), seed=lambda: 7)


@dataclass
class Desk:
    """A desk in this process, with time in our hands."""

    client: TestClient
    tokens: dict[str, str]
    mission: str
    path: Path
    now_s: list[float]

    def of(self, name: str) -> dict[str, str]:
        return {"Cookie": f"hullscan_desk={self.tokens[name]}"}

    def get(self, name: str, address: str) -> Any:
        return self.client.get(address, headers=self.of(name))

    def post(self, name: str, address: str, **body: Any) -> Any:
        return self.client.post(address, headers=self.of(name) | OWN, json={"mission": self.mission, **body})

    def look(self, name: str, place: str, seconds: int = 8) -> None:
        assert self.post(name, "/api/open", place=place).status_code == 200
        for _ in range(seconds):
            self.now_s[0] += 1.0
            self.post(name, "/api/tick", place=place)

    def verdict(self, name: str, place: str, verdict: str, note: str = "", **more: Any) -> Any:
        body = {"place": place, "verdict": verdict, "confidence": 4, "note": note, **more}
        return self.post(name, "/api/verdict", **body)

    def read(self, name: str, place: str, verdict: str, note: str = "") -> None:
        self.look(name, place)
        taken = self.verdict(name, place, verdict, note)
        assert taken.status_code == 200, taken.text


def desk_over(root: Path, hull: Any, stack: ExitStack) -> Callable[[], Desk]:
    """Starts a desk over a mission with three findings; again over the same folder when called again."""
    findings = [finding(hull, number, 20.0 + 4 * number, 2.0) for number in (1, 2, 3)]
    folder = made(root / "m" / "20261122T093000Z-mv-haneul", Parts(findings))
    seal(folder.path, KEY)

    def desk() -> Desk:
        now_s, clock = [0.0], SimulatedClock(1_795_339_800.0)
        roster = Roster(["Kim", "Lee", "Park", *(f"reader {n}" for n in range(10))], ["Choi"])
        missions = opened(folder.path, clock)
        for mission in missions.values():
            stack.callback(mission.store.close)
        cache = root / "cache"
        cache.mkdir(exist_ok=True)
        options = DeskOptions(cache=cache, hosts=frozenset({"testserver"}))
        client = TestClient(make_desk(missions, roster, KEY, clock, lambda: now_s[0], options))
        tokens = {person.name: token for person, token in roster.tokens()}
        return Desk(client, tokens, next(iter(missions)), folder.path, now_s)

    return desk


@pytest.fixture
def start(tmp_path: Path, hull: Any) -> Iterator[Callable[[], Desk]]:
    with ExitStack() as stack:
        yield desk_over(tmp_path, hull, stack)


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory, hull: Any) -> Iterator[Desk]:
    """One desk for all hostile requests: it has to survive them all."""
    with ExitStack() as stack:
        yield desk_over(tmp_path_factory.mktemp("besieged"), hull, stack)()


@pytest.fixture
def desk(start: Callable[[], Desk]) -> Desk:
    return start()


ADDRESSES = (
    "/",
    "/api/inbox",
    "/api/queue/{m}",
    "/api/measures",
    "/api/chests/{m}",
    "/cells/{m}",
    "/api/place/{m}/P01",
    "/api/place/{m}/P02",
    "/map/{m}",
    "/?lang=ko",
    "/api/inbox?lang=ko",
)


def test_a_session_of_two_readers_a_third_and_a_supervisor(desk):
    for place, verdict in (("P01", "parcel"), ("P02", "parcel"), ("P03", "growth")):
        desk.read("Kim", place, verdict)
    for place, verdict in (("P01", "tell_tale"), ("P02", "growth"), ("P03", "fitting")):
        desk.read("Lee", place, verdict)
    refused = desk.post("Choi", "/api/sign-off")
    assert refused.status_code == 409
    assert "P02" in refused.json()["error"]
    desk.read("Park", "P02", "unclear")
    assert desk.post("Kim", "/api/sign-off").status_code == 403
    before = {path: path.read_bytes() for path in sorted(desk.path.rglob("*")) if path.is_file()}
    assert desk.post("Choi", "/api/sign-off").status_code == 200
    signed = desk.path.with_name(desk.path.name + "-readings") / "signed"
    result = json.loads((signed / "readings.json").read_text(encoding="utf-8"))
    assert [place["standing"] for place in result["places"]] == ["confirmed", "escalated", "rejected"]
    assert result["mission_seal_sha256"]
    checks = check_folder(signed)
    assert all(check.passed is not False for check in checks)
    assert "the readings name this mission by the hash of its list: {mission}" in [each.message for each in checks]
    assert {path: path.read_bytes() for path in sorted(desk.path.rglob("*")) if path.is_file()} == before
    assert desk.post("Choi", "/api/sign-off").status_code == 409


def test_signed_readings_go_into_a_second_bag_that_names_the_first_by_its_hash(desk, tmp_path):
    for reader in ("Kim", "Lee"):
        for place in ("P01", "P02", "P03"):
            desk.read(reader, place, "growth")
    only = export_mission(MissionFolder(desk.path), "bag", tmp_path / "before", tmp_path / "key")
    assert len(only) == 1, "nobody has signed it off yet"
    assert desk.post("Choi", "/api/sign-off").status_code == 200
    first, second = export_mission(MissionFolder(desk.path), "bag", tmp_path / "out", tmp_path / "key")
    for bag in (first, second):
        bagit.Bag(str(bag)).validate()
    assert [check.message for check in check_folder(second) if check.passed is False] == []
    assert (second / "data" / "readings.json").is_file()
    named = bagit.Bag(str(second)).info["Hullscan-Mission-Bag-Tagmanifest-SHA256"]
    assert named == digest(first / "tagmanifest-sha256.txt")
    seal_of_another = desk.path / "manifest-sha256.txt"
    seal_of_another.write_bytes(seal_of_another.read_bytes() + b"0" * 64 + b"  another\n")
    signed = desk.path.with_name(desk.path.name + "-readings") / "signed"
    faults = [check.message for check in check_folder(signed) if check.passed is False]
    assert faults == ["the readings are of another mission than the one beside them: {mission}"]


def test_a_verdict_before_the_least_time_is_refused(desk):
    desk.look("Kim", "P01", 6)
    early = desk.verdict("Kim", "P01", "parcel")
    assert early.status_code == 425
    desk.now_s[0] += 3600  # the page lay hidden
    assert desk.verdict("Kim", "P01", "parcel").status_code == 425
    desk.look("Kim", "P01", 2)
    assert desk.verdict("Kim", "P01", "parcel").status_code == 200


def test_time_before_one_place_does_not_count_for_another(desk):
    desk.look("Kim", "P01", 30)
    desk.post("Kim", "/api/open", place="P02")
    assert desk.verdict("Kim", "P02", "parcel").status_code == 425


def test_a_verdict_is_given_once(desk):
    desk.read("Kim", "P01", "parcel")
    desk.look("Kim", "P01")
    assert desk.verdict("Kim", "P01", "growth").status_code == 409


ROUTES: dict[str, list[tuple[str, dict[str, Any] | None]]] = {
    # every route of the desk, with what a reader may ask of it that bears on P01; None is a GET
    "/": [("/", None), ("/?lang=ko", None)],
    "/login": [("/login", None), ("/login?token=x", None)],
    "/api/inbox": [("/api/inbox", None), ("/api/inbox?lang=ko", None)],
    "/api/queue/{mission}": [("/api/queue/{m}", None)],
    "/api/place/{mission}/{place}": [("/api/place/{m}/P01", None), ("/api/place/{m}/P02", None)],
    "/api/open": [("/api/open", {"place": "P01"})],
    "/api/tick": [("/api/tick", {"place": "P01"})],
    "/api/verdict": [("/api/verdict", {"place": "P01", "verdict": "parcel", "confidence": 3})],
    "/api/sign-chest": [("/api/sign-chest", {"place": "P01", "clear": True})],
    "/picture/{mission}/{place}/{number:int}": [("/picture/{m}/P01/0", None)],
    "/clip/{mission}/{place}": [("/clip/{m}/P01", None)],
    "/chest-picture/{mission}/{chest}/{number:int}": [("/chest-picture/{m}/C01/0", None)],
    "/chest-clip/{mission}/{chest}": [("/chest-clip/{m}/C01", None)],
    "/api/chests/{mission}": [("/api/chests/{m}", None)],
    "/map/{mission}": [("/map/{m}", None)],
    "/cells/{mission}": [("/cells/{m}", None)],
    "/api/live/{flight}": [("/api/live/{m}", None)],
    "/live-picture/{flight}": [("/live-picture/{m}", None)],
    "/live-thumbnail/{flight}/{track:int}": [("/live-thumbnail/{m}/1", None)],
    "/api/show-flags": [("/api/show-flags", {"flight": "x"})],
    "/api/ask-close-up": [("/api/ask-close-up", {"flight": "x", "at": [0.5, 0.5]})],
    "/api/measures": [("/api/measures", None)],
    "/api/sign-off": [("/api/sign-off", {})],
    "/export/{mission}/{form}": [("/export/{m}/csv", None), ("/export/{m}/share", None)],
    "/static": [("/static/desk.js", None)],
}


@pytest.mark.parametrize("other", ["Lee", "Park"])
def test_no_route_tells_a_reader_what_another_one_said(desk, other):
    assert {route.path for route in desk.client.app.routes} == set(ROUTES)  # a new one must be asked here too
    desk.read("Kim", "P01", "parcel", "secret-of-kim")
    for address, body in (asked for every in ROUTES.values() for asked in every):
        target = address.format(m=desk.mission)
        answer = desk.get(other, target) if body is None else desk.post(other, target, **body)
        told = answer.text + str(answer.headers)
        assert "secret-of-kim" not in told, address
        assert "Kim" not in told, address
    for address in ADDRESSES:
        assert desk.get(other, address.format(m=desk.mission)).status_code == 200, address
    place = desk.get(other, f"/api/place/{desk.mission}/P01").json()
    assert place["readings"] == []
    assert not {"kind", "score", "label", "size_m", "finding"} & set(place)
    rows = {row["id"]: row for row in desk.get(other, f"/api/queue/{desk.mission}").json()["places"]}
    assert {**rows["P01"], "id": "", "station_m": 0} == {**rows["P02"], "id": "", "station_m": 0}


def test_the_verdicts_are_shown_once_both_are_in(desk):
    desk.read("Kim", "P01", "parcel", "straps")
    desk.read("Lee", "P01", "parcel")
    shown = desk.get("Lee", f"/api/place/{desk.mission}/P01").json()
    assert [each["note"] for each in shown["readings"]] == ["straps", ""]
    assert "score" not in shown  # nothing that was mixed in has one


def test_what_was_read_is_there_after_a_restart(start):
    start().read("Kim", "P01", "parcel", "before")
    again = start()
    assert again.get("Kim", f"/api/place/{again.mission}/P01").json()["readings"][0]["note"] == "before"


def test_ten_readers_at_once_lose_nothing_and_no_place_is_read_by_more_than_three(desk):
    names = [f"reader {n}" for n in range(10)]
    for name in names:
        desk.look(name, "P01")
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda name=name: answers.append(desk.verdict(name, "P01", "parcel").status_code))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] * 2 + [409] * 8
    assert len(desk.get("Choi", f"/api/place/{desk.mission}/P01").json()["readings"]) == 2


def test_the_token_leaves_the_address_and_becomes_a_cookie_that_scripts_cannot_read(desk):
    answer = desk.client.get(f"/login?token={desk.tokens['Kim']}", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        pytest.param("text/html,*/*;q=0.8", "text/html", id="a browser gets a page"),
        pytest.param("application/json", "text/plain", id="a program gets a line"),
    ],
)
@pytest.mark.parametrize("address", ["/", "/login?token=x", "/api/inbox"])
def test_a_stranger_is_told_how_to_come_in_and_nothing_else(desk, address, accept, kind):
    answer = desk.client.get(address, headers={"Accept": accept})
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith(kind)
    assert not any(each in answer.text for each in ("Kim", desk.mission, "desk.js"))
    if kind == "text/html":
        told = "This desk does not know you."
        assert all(translator(language)(told) in answer.text for language in LANGUAGES)


def test_every_answer_forbids_what_the_page_does_not_need(desk):
    for address in (*ADDRESSES, "/static/desk.js", "/nothing", "/login?token=x"):
        headers = desk.get("Kim", address.format(m=desk.mission)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_words_of_a_reader_stay_words(desk):
    desk.read("Kim", "P01", "parcel", HOSTILE)
    page = desk.get("Kim", "/").text
    assert HOSTILE not in page
    assert desk.get("Kim", f"/api/place/{desk.mission}/P01").json()["readings"][0]["note"] == HOSTILE


def test_a_clip_without_a_recording_is_one_line(desk):
    answer = desk.get("Kim", f"/clip/{desk.mission}/P01")
    assert answer.status_code == 409
    assert "does not hold P01" in answer.json()["error"]


# --- what is refused ---

VERDICT = {"place": "P01", "verdict": "parcel", "confidence": 4}
HOSTILE_REQUESTS = [
    ("a picture by a path upward", "GET", "/picture/{m}/..%2F..%2Fmission.yaml/0", {}, None),
    ("a picture by encoded dots", "GET", "/picture/%2e%2e/%2e%2e/0", {}, None),
    ("a picture by four dots", "GET", "/picture/....//....//etc/0", {}, None),
    ("a picture of a negative number", "GET", "/picture/{m}/P01/-1", {}, None),
    ("a picture of a number that is not there", "GET", "/picture/{m}/P01/99", {}, None),
    ("a picture of a huge number", "GET", f"/picture/{{m}}/P01/{'9' * 400}", {}, None),
    ("a static file upward", "GET", "/static/..%2Fdesk.html.j2", {}, None),
    ("a static file by back slashes", "GET", "/static/..\\desk.html.j2", {}, None),
    ("a static file with a zero byte", "GET", "/static/desk.js%00.css", {}, None),
    ("a clip upward", "GET", "/clip/..%2F..%2Fx/P01", {}, None),
    ("a clip of no place", "GET", "/clip/{m}/P99", {}, None),
    ("a map of no mission", "GET", "/map/none", {}, None),
    ("a place of no mission", "GET", "/api/place/none/P01", {}, None),
    ("a place with a quote for SQL", "GET", "/api/place/{m}/P01'%20OR%201=1--", {}, None),
    ("no page at all", "GET", "/admin", {}, None),
    ("the database itself", "GET", "/mission.sqlite", {}, None),
    ("a forged host", "GET", "/api/inbox", {"Host": "evil.example"}, None),
    ("a forged host with our port", "GET", "/api/inbox", {"Host": "evil.example:8765"}, None),
    ("an empty host", "GET", "/api/inbox", {"Host": ""}, None),
    ("a host that is no host", "GET", "/api/inbox", {"Host": "[::1"}, None),
    ("no token", "GET", "/api/inbox", {"Cookie": ""}, None),
    ("a stale token", "GET", "/api/inbox", {"Cookie": "hullscan_desk=stale"}, None),
    ("a token that is not ASCII", "GET", "/api/inbox", {"Cookie": "hullscan_desk=%ED%95%9C"}, None),
    ("a token in the address only", "GET", "/api/inbox?token={t}", {"Cookie": ""}, None),
    ("a login with no token", "GET", "/login", {}, None),
    ("a login with a wrong token", "GET", "/login?token=wrong", {}, None),
    ("a form of another site", "POST", "/api/verdict", {"Sec-Fetch-Site": "cross-site"}, VERDICT),
    ("a page of the same site but another origin", "POST", "/api/verdict", {"Sec-Fetch-Site": "same-site"}, VERDICT),
    ("a post without our header", "POST", "/api/verdict", {"X-Hullscan-Desk": ""}, VERDICT),
    ("a post that is a form", "POST", "/api/verdict", {"Content-Type": "text/plain"}, VERDICT),
    ("a verdict without a token", "POST", "/api/verdict", {"Cookie": ""}, VERDICT),
    ("a body that is too large", "POST", "/api/verdict", {}, {**VERDICT, "note": "x" * 20_000}),
    ("a note that is too long", "POST", "/api/verdict", {}, {**VERDICT, "note": "x" * 2_001}),
    ("a note that is no text", "POST", "/api/verdict", {}, {**VERDICT, "note": {"a": 1}}),
    ("a verdict that is none", "POST", "/api/verdict", {}, {**VERDICT, "verdict": "maybe"}),
    ("a verdict that is a list", "POST", "/api/verdict", {}, {**VERDICT, "verdict": ["parcel"]}),
    ("a confidence out of range", "POST", "/api/verdict", {}, {**VERDICT, "confidence": 6}),
    ("a confidence that is true", "POST", "/api/verdict", {}, {**VERDICT, "confidence": True}),
    ("a place that is SQL", "POST", "/api/verdict", {}, {**VERDICT, "place": "P01'; DROP TABLE readings;--"}),
    ("a list for a body", "POST", "/api/verdict", {}, [1, 2]),
    ("no body", "POST", "/api/verdict", {}, ""),
    ("a verdict in somebody else's name", "POST", "/api/verdict", {}, {**VERDICT, "reader": "Lee", "place": "P02"}),
    ("a sign-off by a reader", "POST", "/api/sign-off", {}, {}),
    ("another method", "PUT", "/api/verdict", {}, VERDICT),
    ("deleting", "DELETE", "/api/place/{m}/P01", {}, None),
    ("a verdict by GET", "GET", "/api/verdict?place=P01&verdict=parcel", {}, None),
]


@pytest.mark.parametrize(
    ("method", "address", "headers", "body"),
    [case[1:] for case in HOSTILE_REQUESTS],
    ids=[c[0] for c in HOSTILE_REQUESTS],
)
def test_a_hostile_request_is_refused_and_the_desk_goes_on(besieged, method, address, headers, body):
    desk = besieged
    desk.now_s[0] += 20.0  # the rate of requests is not what is asked here
    desk.look("Kim", "P01")  # Kim could give a verdict at once
    sent = desk.of("Kim") | OWN | {"Content-Type": "application/json"} | headers
    if isinstance(body, dict):
        body = {"mission": desk.mission, **body}
    content = None if body is None else body if isinstance(body, str) else json.dumps(body)
    address = address.format(m=desk.mission, t=desk.tokens["Kim"])
    answer = desk.client.request(method, address, headers=sent, content=content)
    assert 400 <= answer.status_code < 500, answer.text
    assert "Traceback" not in answer.text
    assert str(desk.path.parent) not in answer.text
    assert not re.search(r"hullscan/review|site-packages", answer.text)
    assert desk.get("Kim", "/api/inbox").status_code == 200
    for place in ("P01", "P02"):
        assert desk.get("Choi", f"/api/place/{desk.mission}/{place}").json()["readings"] == []


def test_a_replayed_verdict_is_refused(desk):
    desk.look("Kim", "P01")
    assert desk.verdict("Kim", "P01", "parcel").status_code == 200
    assert desk.verdict("Kim", "P01", "parcel").status_code == 425  # it would have to look again


def test_a_flood_is_turned_away_and_others_go_on(desk):
    codes = {desk.get("Kim", "/api/inbox").status_code for _ in range(450)}
    assert codes == {200, 429}
    assert desk.get("Lee", "/api/inbox").status_code == 200


def test_a_supervisor_reads_nothing(desk):
    assert desk.post("Choi", "/api/open", place="P01").status_code == 403
    assert Role.SUPERVISOR.value == "supervisor"


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        pytest.param(lambda path: (path / "findings.json").unlink(), "findings.json is missing", id="no findings"),
        pytest.param(lambda path: (path / "mission.yaml").unlink(), "not a mission folder", id="no mission"),
        pytest.param(
            lambda path: path.with_name(path.name + "-readings").write_text("x"), "cannot open the readings",
            id="no room for readings",
        ),
    ],
)  # fmt: skip
def test_a_folder_that_cannot_be_read_is_one_line(tmp_path, hull, harm, words):
    folder = made(tmp_path / "m", Parts([finding(hull, 1, 22.0, 2.0)]))
    harm(folder.path)
    with pytest.raises(HullscanError, match=words) as told:
        opened(folder.path, SimulatedClock(0.0))
    assert "\n" not in str(told.value)


# --- in a browser ---


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_two_readers_work_by_keyboard_alone_and_nothing_leaves_the_computer(tmp_path, hull):
    sync_api = pytest.importorskip("playwright.sync_api")
    import uvicorn

    folder = made(tmp_path / "m", Parts([finding(hull, n, 20.0 + 4 * n, 2.0) for n in (1, 2)]))
    clock, ticks = SimulatedClock(1_795_339_800.0), [0.0]

    def seconds() -> float:  # ten times as fast, so that nobody waits
        ticks[0] += 0.4
        return ticks[0]

    roster = Roster(["Kim", "Lee"], ["Choi"])
    missions = opened(folder.path, clock)
    options = DeskOptions(cache=tmp_path, least_s=2.0, language="ko")
    server = uvicorn.Server(
        uvicorn.Config(
            make_desk(missions, roster, KEY, clock, seconds, options), port=0, log_level="error", lifespan="off"
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        tokens = {person.name: token for person, token in roster.tokens()}
        with sync_api.sync_playwright() as play:
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            for name in ("Kim", "Lee"):
                page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
                asked: list[str] = []
                page.on("request", lambda request, asked=asked: asked.append(request.url))
                page.goto(f"http://127.0.0.1:{port}/login?token={tokens[name]}")
                page.wait_for_selector("button.place")
                page.keyboard.press("j")
                for _ in range(2):
                    page.wait_for_selector("#form:not([hidden])")
                    page.keyboard.press("p")
                    page.keyboard.press("4")
                    page.wait_for_selector("#take:not([disabled])", timeout=30_000)
                    taken = page.expect_response("**/api/verdict*")
                    with taken as answer:
                        page.keyboard.press("Enter")
                    assert answer.value.ok
                    page.wait_for_selector("#take[disabled]", state="attached")
                assert all(address.startswith(f"http://127.0.0.1:{port}/") for address in asked)
                page.close()
            browser.close()
    finally:
        server.should_exit = True
        thread.join(20)
        for mission in missions.values():
            mission.store.close()
    assert [len(given) for given in _readings_of(folder.path).values()] == [2, 2]


def _readings_of(path: Path) -> dict[str, list[str]]:
    import sqlite3

    found: dict[str, list[str]] = {}
    database = sqlite3.connect(path.with_name(path.name + "-readings") / "readings.sqlite")
    try:
        for place, reader in database.execute("SELECT place, reader FROM readings"):
            found.setdefault(place, []).append(reader)
    finally:
        database.close()
    return found
