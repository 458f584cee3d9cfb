"""Live mode: what the desk shows of a flight and to whom, what a reader may ask, and that no desk harms a flight."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from console_fakes import DEMO, FakeClock, watched
from starlette.testclient import TestClient
from test_desk import KEY, OWN
from test_report import UTC_S, Parts, finding, hull, made

from hullscan.clock import SimulatedClock
from hullscan.console.desk_feed import DeskFeed
from hullscan.errors import RecordError
from hullscan.pilot.requests import CloseUpRequests, RequestState
from hullscan.pilot.states import PilotState, PilotStatus
from hullscan.record.folder import MissionFolder
from hullscan.record.live_link import LiveLink
from hullscan.record.seal import seal
from hullscan.review.desk import DeskOptions, make_desk
from hullscan.review.flights import FollowedFlight, Phase, follow_flights
from hullscan.review.places import DeskMission, open_missions
from hullscan.review.readers import Roster
from hullscan.review.worklist import Mixture
from hullscan.words import LANGUAGES, translator

__all__ = ["hull"]  # the fixture
PLACE = np.array([36.0, 5.2, 2.0])
needs_chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")


def until(reached: Callable[[], Any], limit_s: float = 30.0) -> Any:
    end_s = time.monotonic() + limit_s
    while time.monotonic() < end_s:
        if found := reached():
            return found
        time.sleep(0.01)
    return reached()


# --- requests: who asks, who answers, what becomes of it ---


@dataclass
class Asked:
    clock: FakeClock = field(default_factory=FakeClock)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        def note(kind: str, message: str, data: dict[str, Any]) -> None:
            self.told.append(message.format(**data))

        self.requests = CloseUpRequests(self.clock, note)  # type: ignore[arg-type]

    def states(self) -> list[str]:
        return [each.state.value for each in self.requests.all()]


ANSWERS: list[Any] = [
    pytest.param(lambda r: r.answer(1, accept=False), "declined", "declined by the operator", id="declined"),
    pytest.param(lambda r: r.answer(1, accept=True), "accepted", "accepted by the operator", id="the operator accepts"),
    pytest.param(lambda r: r.answer(2, accept=True), "waiting", "asks for", id="an answer to another is none"),
    pytest.param(lambda r: (r.answer(1, accept=True), r.done(1, 3)), "flown", "3 views", id="accepted and flown"),
    pytest.param(
        lambda r: (r.answer(1, accept=True), r.refuse(1, "there is too little room for it")), "refused",
        "there is too little room for it",
        id="accepted, and refused by the pilot's rules",
    ),
    pytest.param(lambda r: r.close(), "refused", "nothing is searched any more", id="the search is over"),
    pytest.param(
        lambda r: (r.answer(1, accept=False), r.answer(1, accept=True)), "declined", "declined",
        id="an answer is given once",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("act", "state", "words"), ANSWERS)
def test_what_becomes_of_a_request_is_known_and_recorded(act, state, words):
    asked = Asked()
    asked.requests.propose("Kim", PLACE)
    act(asked.requests)
    assert asked.states() == [state]
    assert words in asked.told[-1]
    assert asked.told[0] == "Kim asks for a close-up: starboard, station 36.0 m, 2.0 m deep"
    assert bool(asked.requests.accepted()) is (state == "accepted")


def test_one_request_waits_at_a_time_and_one_that_nobody_answers_lapses():
    asked = Asked()
    asked.requests.propose("Kim", PLACE)
    assert asked.requests.propose("Lee", PLACE).state is RequestState.REFUSED
    asked.clock.now_s += 61
    assert asked.requests.waiting() is None
    assert asked.requests.propose("Lee", PLACE).state is RequestState.WAITING
    assert asked.states() == ["unanswered", "refused", "waiting"]
    asked.requests.close()
    assert asked.requests.propose("Kim", PLACE).reason == "nothing is searched any more"


def test_a_request_that_cannot_be_recorded_is_none():
    def full(kind: str, message: str, data: dict[str, Any]) -> None:
        raise RecordError("the disk is full")

    requests = CloseUpRequests(FakeClock(), full)  # type: ignore[arg-type]
    with pytest.raises(RecordError):
        requests.propose("Kim", PLACE)
    assert requests.all() == ()


# --- the files between the two ---


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Any]:
    """A flight that is watched, as far as the desk's thread sees it."""
    folder = tmp_path / "20261122T093000Z-mv-haneul"
    folder.mkdir()
    shutil.copyfile(DEMO, folder / "mission.yaml")
    flown = watched(folder)
    flown.warnings = []
    feed = DeskFeed(lambda kind, message, data: flown.warnings.append(message.format(**data)))
    feed.begin(flown)
    flown.link, flown.feed = LiveLink(folder), feed
    assert until(flown.link.state)
    yield flown
    feed.end()
    assert not flown.link.path.exists()  # no flight, no files


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link_to(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def _text(content: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.with_suffix(".x").write_text(content, encoding="utf-8")
        path.with_suffix(".x").replace(path)

    return write


POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX")
HOSTILE_FILES: list[Any] = [
    pytest.param(_pipe, id="a pipe that nobody writes to", marks=POSIX),
    pytest.param(_link_to("/dev/zero"), id="a link to a file without an end", marks=POSIX),
    pytest.param(lambda path: path.mkdir(), id="a folder"),
    pytest.param(_text("[" * 1_900), id="brackets without an end"),
    pytest.param(_text('{"name": "' + "x" * 3_000 + '"}'), id="more than a request has"),
    pytest.param(_text('{"name": "Kim", "at": [NaN, 0.5]}'), id="a place that is no number"),
    pytest.param(_text('{"name": "Kim", "at": [1e400, 0.5]}'), id="a place that is infinite"),
    pytest.param(_text('{"name": "Kim", "at": [true, 0.5]}'), id="a place that is true"),
    pytest.param(_text('{"name": "Kim", "at": [-0.1, 0.5]}'), id="a place beside the map"),
    pytest.param(_text('{"name": "Kim", "at": [0.5]}'), id="half a place"),
    pytest.param(_text('{"name": "<b>Kim", "at": [0.5, 0.5]}'), id="a tag for a name"),
    pytest.param(_text('{"name": "\\u001b[2J", "at": [0.5, 0.5]}'), id="an order to the terminal for a name"),
    pytest.param(_text('{"name": 7, "at": [0.5, 0.5]}'), id="a number for a name"),
    pytest.param(_text("\ud800".encode("utf-8", "surrogatepass").decode("latin-1")), id="no JSON"),
]


@pytest.mark.parametrize("harm", HOSTILE_FILES)
def test_a_hostile_desk_proposes_nothing_and_the_flight_goes_on_to_tell(live, harm):
    harm(live.link.path / "ask.json")
    live.link.watch()
    version = live.link.version("picture.jpg")
    assert until(lambda: live.link.version("picture.jpg") not in (0, version))
    time.sleep(0.2)  # time in which it would have been taken
    assert live.pilot.requests.all() == ()
    assert live.warnings == []
    assert threading.active_count() < 100


def test_only_a_flight_that_is_watched_shows_pictures(live):
    time.sleep(0.5)
    assert live.stream.shown == 0
    live.link.watch()
    assert until(live.link.picture)


def test_a_flood_of_requests_becomes_one(live):
    for number in range(50):
        live.link.ask({"name": "Kim", "at": [0.5, 0.5], "utc_s": float(number)})
        time.sleep(0.005)
    assert until(live.pilot.requests.all)
    time.sleep(0.3)
    assert len(live.pilot.requests.all()) == 1


def test_files_that_cannot_be_made_cost_the_desk_and_not_the_flight(tmp_path):
    (tmp_path / "m-live").write_text("a file", encoding="utf-8")
    folder, told = tmp_path / "m", []
    folder.mkdir()
    feed = DeskFeed(lambda kind, message, data: told.append(message.format(**data)))
    feed.begin(watched(folder))
    assert until(lambda: told)
    assert "the reading desk sees nothing" in told[0]
    feed.end()


def test_whatever_is_wrong_with_the_view_of_a_flight_is_told_and_the_flight_goes_on(tmp_path):
    flown, told = watched(tmp_path), []
    flown.plan = None  # from which no picture of the hull can be made
    feed = DeskFeed(lambda kind, message, data: told.append(message.format(**data)))
    feed.begin(flown)
    feed.event("survey", "armed", {})
    assert until(lambda: told)
    assert "AttributeError" in told[0]
    feed.end()


def test_a_desk_that_takes_the_folder_away_costs_nothing_but_its_own_view(live):
    shutil.rmtree(live.link.path)
    time.sleep(0.6)
    live.feed.event("survey", "armed", {})
    assert live.feed._thread.is_alive()


# --- the desk ---


@dataclass
class LiveDesk:
    client: TestClient
    tokens: dict[str, str]
    flight: FollowedFlight
    missions: dict[str, DeskMission]
    live: Any

    def get(self, name: str, address: str) -> Any:
        return self.client.get(address, headers={"Cookie": f"hullscan_desk={self.tokens[name]}"})

    def post(self, name: str, address: str, **body: Any) -> Any:
        headers = {"Cookie": f"hullscan_desk={self.tokens[name]}"} | OWN
        return self.client.post(address, headers=headers, json={"flight": self.flight.name, **body})

    def told(self, name: str) -> dict[str, Any]:
        answer = self.get(name, f"/api/live/{self.flight.name}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def desk_beside(live: Any, cache: Path, *, blind: bool = True) -> LiveDesk:
    clock, missions = SimulatedClock(UTC_S), dict[str, DeskMission]()

    def arrived(path: Path) -> None:
        missions.update(open_missions([path], clock, LANGUAGES, mixture=Mixture(planted=0), seed=lambda: 1))

    flights, _ = follow_flights([live.folder.path], clock, time.monotonic, arrived)
    (flight,) = flights.values()
    roster = Roster(["Kim", "Lee", "Park"], ["Choi"], ["Han"])
    options = DeskOptions(cache=cache, hosts=frozenset({"testserver", "127.0.0.1"}), blind=blind)
    client = TestClient(make_desk(missions, roster, KEY, clock, time.monotonic, options, flights))
    return LiveDesk(client, {p.name: t for p, t in roster.tokens()}, flight, missions, live)


@pytest.fixture
def desk(live: Any, tmp_path: Path) -> Iterator[LiveDesk]:
    """With one thing flagged, of which a small picture was kept, while the vehicle looks at it from close."""
    found = type("Found", (), {})()
    found.position_ship_m, found.label, found.score, found.radius95_m, found.views = PLACE, "parcel", 0.8173, 0.4, 9
    live.seeing.findings = [found]
    live.seeing.picture_of = lambda finding: str(live.folder.path / "live" / "track-1.jpg")
    live.pilot.status = PilotStatus(PilotState.CLOSE_UP, leg=1)
    (live.folder.path / "live").mkdir()
    (live.folder.path / "live" / "track-1.jpg").write_bytes(b"a small picture")
    live.feed.event("close-up", "close-up on a {label} at station {station:.1f}", {"label": "parcel", "station": 36.0})
    made = desk_beside(live, tmp_path)
    live.link.watch()
    assert until(lambda: (made.flight.state() or {}).get("findings"))
    yield made
    made.flight.close()


LIVE_ADDRESSES = ("/", "/api/inbox", "/api/live/{f}", "/live-picture/{f}", "/live-thumbnail/{f}/1")


def test_everybody_sees_where_the_flight_stands_what_was_seen_and_the_picture(desk):
    for name in ("Kim", "Choi", "Han"):
        now = desk.told(name)["now"]
        assert (now["leg"], now["asked_m2"] > 40, now["map"]["columns"]) == (2, True, 308)
        assert now["range_m"] is None  # unknown is not a number
        picture = desk.get(name, f"/live-picture/{desk.flight.name}?after=1")
        assert picture.content.startswith(b"\xff\xd8")
        again = desk.get(name, f"/live-picture/{desk.flight.name}?after={picture.headers['x-picture']}")
        assert again.headers["x-picture"] != picture.headers["x-picture"]
        assert desk.get(name, "/api/inbox").json()["flights"][0]["phase"] == "flying"
    log = (desk.flight.store.path / "audit.jsonl").read_text(encoding="utf-8")
    assert log.count('"kind": "watched the flight"') == 3  # once for each


def test_pictures_come_faster_than_five_a_second(desk):
    address, versions = f"/live-picture/{desk.flight.name}?after=", ["0"]
    began_s = time.process_time()
    for _ in range(20):
        versions.append(desk.get("Kim", address + versions[-1]).headers["x-picture"])
    assert len(set(versions)) == 21
    assert time.process_time() - began_s < 20 / 5  # CPU of both sides, the test's own client with it


@pytest.mark.parametrize(
    ("name", "blind", "flags", "score"),
    [
        pytest.param("Kim", True, False, False, id="a blind reader sees no flag"),
        pytest.param("Kim", False, True, True, id="a reader who is not blind sees flags and scores"),
        pytest.param("Choi", True, True, True, id="a supervisor sees flags and scores"),
        pytest.param("Han", True, False, False, id="a guest sees no flag"),
    ],
)
def test_who_sees_what_the_detector_flags(live, desk, tmp_path, name, blind, flags, score):
    desk = desk_beside(live, tmp_path, blind=blind)
    until(desk.flight.state)
    everything = "".join(desk.get(name, address.format(f=desk.flight.name)).text for address in LIVE_ADDRESSES)
    assert ("a small picture" in everything) is flags
    assert ("0.8173" in everything) is score
    assert ("close-up on" in everything) is (name == "Choi")
    assert (desk.told(name)["now"]["state"] == "close-up") is flags
    desk.flight.close()


def test_a_reader_who_looks_at_the_flags_does_not_read_the_mission(desk):
    assert desk.told("Kim")["may_show_flags"]
    for name, status in (("Han", 403), ("Choi", 403), ("Kim", 200)):
        assert desk.post(name, "/api/show-flags").status_code == status
    told = desk.told("Kim")
    assert told["flags"]
    assert [each["score"] for each in told["findings"]] == [None]  # the score stays hidden
    assert not desk.told("Lee")["flags"]
    assert desk.flight.store.barred() == {"kim": ("Kim", "saw during the flight what the detector flagged")}


def test_a_request_goes_to_the_operator_and_its_answer_to_the_one_who_asked_and_to_nobody_else(desk):
    at = desk.told("Choi")["findings"][0]["at"]
    assert desk.post("Kim", "/api/ask-close-up", at=at).status_code == 200
    (asked,) = until(desk.live.pilot.requests.all)
    assert asked.asked_by == "Kim"
    assert np.linalg.norm(asked.place_ship_m - PLACE) < 1e-6  # the flag there, not the middle of a pixel
    told = until(lambda: desk.told("Kim").get("requests"))
    assert [each["words"] for each in told] == ["waiting for the operator"]
    assert desk.post("Lee", "/api/ask-close-up", at=[0.4, 0.5]).status_code == 409  # one at a time
    desk.live.pilot.requests.answer(asked.number, accept=True)
    desk.live.pilot.requests.refuse(asked.number, "there is too little room for it")
    assert until(lambda: desk.told("Kim")["requests"][0]["state"] == "refused")
    assert desk.told("Kim")["requests"][0]["words"] == "refused: there is too little room for it"
    korean = desk.get("Kim", f"/api/live/{desk.flight.name}?lang=ko").json()["requests"][0]["words"]
    assert translator("ko")("there is too little room for it") in korean
    for name in ("Lee", "Han"):
        for address in LIVE_ADDRESSES:
            assert "Kim" not in desk.get(name, address.format(f=desk.flight.name)).text
    assert desk.told("Choi")["requests"][0]["asked_by"] == "Kim"


HOSTILE_REQUESTS: list[tuple[str, str, str, str, dict[str, str], Any]] = [
    ("a guest asks", "Han", "POST", "/api/ask-close-up", {}, {"at": [0.5, 0.5]}),
    ("a supervisor asks", "Choi", "POST", "/api/ask-close-up", {}, {"at": [0.5, 0.5]}),
    ("nobody asks", "Kim", "POST", "/api/ask-close-up", {"Cookie": ""}, {"at": [0.5, 0.5]}),
    ("another site asks", "Kim", "POST", "/api/ask-close-up", {"Sec-Fetch-Site": "cross-site"}, {"at": [0.5, 0.5]}),
    ("a form asks", "Kim", "POST", "/api/ask-close-up", {"X-Hullscan-Desk": ""}, {"at": [0.5, 0.5]}),
    ("another host is asked", "Kim", "POST", "/api/ask-close-up", {"Host": "evil.example"}, {"at": [0.5, 0.5]}),
    ("asked by GET", "Kim", "GET", "/api/ask-close-up?at=0.5", {}, None),
    ("of another flight", "Kim", "POST", "/api/ask-close-up", {}, {"flight": "../x", "at": [0.5, 0.5]}),
    ("no place", "Kim", "POST", "/api/ask-close-up", {}, {}),
    ("a place beside the map", "Kim", "POST", "/api/ask-close-up", {}, {"at": [1.5, 0.5]}),
    ("a place of three", "Kim", "POST", "/api/ask-close-up", {}, {"at": [0.5, 0.5, 0.5]}),
    ("a place that is true", "Kim", "POST", "/api/ask-close-up", {}, {"at": [True, False]}),
    ("a place that is text", "Kim", "POST", "/api/ask-close-up", {}, {"at": "0.5"}),
    ("a place that is not a number", "Kim", "POST", "/api/ask-close-up", {}, '{"at": [NaN, 0.5], "flight": "F"}'),
    ("too much", "Kim", "POST", "/api/ask-close-up", {}, {"at": [0.5, 0.5], "x": "x" * 20_000}),
    ("a list for a body", "Kim", "POST", "/api/ask-close-up", {}, "[1]"),
    ("flags for a guest", "Han", "POST", "/api/show-flags", {}, {}),
    ("flags of no flight", "Kim", "POST", "/api/show-flags", {}, {"flight": "none"}),
    ("a picture of no flight", "Kim", "GET", "/live-picture/..%2F..%2Fetc", {}, None),
    ("a picture for a stranger", "Kim", "GET", "/live-picture/{f}", {"Cookie": ""}, None),
    ("telemetry for a stranger", "Kim", "GET", "/api/live/{f}", {"Cookie": "hullscan_desk=stale"}, None),
    ("a flag's picture for a blind reader", "Kim", "GET", "/live-thumbnail/{f}/1", {}, None),
    ("a flag's picture for a guest", "Han", "GET", "/live-thumbnail/{f}/1", {}, None),
    ("a flag's picture upward", "Choi", "GET", "/live-thumbnail/{f}/..%2F..%2Fmission.yaml", {}, None),
    ("a flag's picture that is not there", "Choi", "GET", "/live-thumbnail/{f}/99", {}, None),
    ("the flight's own file", "Choi", "GET", "/{f}-live/state.json", {}, None),
    ("the flight deleted", "Choi", "DELETE", "/api/live/{f}", {}, None),
]


def test_hostile_requests_are_refused_and_nothing_gets_to_the_flight(desk):
    for what, who, method, address, headers, body in HOSTILE_REQUESTS:
        sent = {"Cookie": f"hullscan_desk={desk.tokens[who]}", "Content-Type": "application/json"} | OWN | headers
        content = body.replace("F", desk.flight.name) if isinstance(body, str) else None
        if isinstance(body, dict):
            content = json.dumps({"flight": desk.flight.name, **body})
        target = address.format(f=desk.flight.name)
        answer = desk.client.request(method, target, headers=sent, content=content)
        assert 400 <= answer.status_code < 500, (what, answer.text)
        assert not re.search(r"Traceback|hullscan/|" + re.escape(str(desk.flight.folder.path.parent)), answer.text), (
            what
        )
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    time.sleep(0.3)
    assert desk.live.pilot.requests.all() == ()
    assert desk.flight.store.barred() == {}
    assert desk.told("Kim")["phase"] == "flying"


def test_a_survey_that_tells_nonsense_is_told_in_one_line(desk):
    desk.live.feed.end()
    desk.live.link.path.mkdir()
    desk.live.link.tell(b'{"state": 7, "image": {}}')
    answer = desk.get("Kim", f"/api/live/{desk.flight.name}")
    assert answer.status_code == 502
    shutil.rmtree(desk.live.link.path)


# --- before and after the flight ---


def unrecorded(path: Path, hull: Any) -> Path:
    return made(path, Parts([finding(hull, number, 20.0 + 4 * number, 2.0) for number in (1, 2, 3)])).path


def test_from_waiting_to_a_mission_that_is_read_by_those_who_may(tmp_path, hull):
    finished = unrecorded(tmp_path / "finished", hull)
    path = tmp_path / "20261122T093000Z-mv-haneul"
    path.mkdir()
    shutil.copyfile(finished / "mission.yaml", path / "mission.yaml")
    live = watched(path)
    desk = desk_beside(live, tmp_path)
    feed = DeskFeed(lambda *event: None)
    assert desk.told("Kim")["phase"] == "waiting"
    assert 'data-view="live"' in desk.get("Kim", "/").text
    assert desk.post("Kim", "/api/ask-close-up", at=[0.5, 0.5]).status_code == 409
    feed.begin(live)
    assert until(lambda: desk.told("Kim")["phase"] == "flying")
    assert desk.post("Kim", "/api/show-flags").status_code == 200
    feed.end()
    assert until(lambda: desk.told("Kim")["phase"] == "over")
    shutil.copytree(finished, path, dirs_exist_ok=True)
    summary = json.loads((path / "summary.json").read_text(encoding="utf-8"))
    (path / "summary.json").write_text(json.dumps({**summary, "pilot": "Lee"}), encoding="utf-8")
    seal(path, KEY)
    assert until(lambda: desk.told("Kim")["phase"] == "ready")
    try:
        inbox = {name: desk.get(name, "/api/inbox").json() for name in ("Kim", "Lee", "Park", "Choi")}
        assert inbox["Kim"]["flights"] == []
        assert 'data-view="live"' not in desk.get("Kim", "/").text
        assert {name: told["missions"][0]["mine"] for name, told in inbox.items()} == {
            "Kim": 0, "Lee": 0, "Park": len(desk.missions[path.name].places), "Choi": 0,
        }  # fmt: skip
        assert "Lee does not read this mission: flew it" in inbox["Lee"]["missions"][0]["notices"]
        assert len(inbox["Choi"]["missions"][0]["notices"]) == 3  # the third: there is no recording
        assert len(inbox["Park"]["missions"][0]["notices"]) == 1
    finally:
        desk.missions[path.name].store.close()


@pytest.mark.parametrize("why", ["the pilot", "who saw the flags"])
def test_who_knows_too_much_gives_no_verdict(tmp_path, hull, why):
    folder = unrecorded(tmp_path / "m", hull)
    clock = SimulatedClock(UTC_S)
    pilots = ["KIM"] if why == "the pilot" else []
    missions = open_missions([folder], clock, LANGUAGES, mixture=Mixture(planted=0), seed=lambda: 1, pilots=pilots)
    store = missions["m"].store
    try:
        if not pilots:
            store.bar("Kim", why)
        roster = Roster(["Kim", "Lee"], ["Choi"])
        options = DeskOptions(cache=tmp_path, hosts=frozenset({"testserver"}), least_s=0.0)
        client = TestClient(make_desk(missions, roster, KEY, clock, time.monotonic, options))
        for (person, token), status in zip(roster.tokens()[:2], (409, 200), strict=True):
            headers = {"Cookie": f"hullscan_desk={token}"} | OWN
            body = {"mission": "m", "place": "P01", "verdict": "parcel", "confidence": 3}
            client.post("/api/open", headers=headers, json=body)
            answer = client.post("/api/verdict", headers=headers, json=body)
            assert answer.status_code == status, (person, answer.text)
    finally:
        store.close()


def test_a_survey_that_falls_silent_is_said_to_be_silent_and_one_that_was_left_unfinished_is_no_flight(tmp_path):
    path, now_s = tmp_path / "m", [0.0]
    path.mkdir()
    shutil.copyfile(DEMO, path / "mission.yaml")
    link = LiveLink(path)
    link.begin()
    link.tell(b'{"ship": "x"}')
    flights, finished = follow_flights([path], SimulatedClock(UTC_S), lambda: now_s[0], lambda path: None)
    assert finished == []
    flight = flights["m"]
    assert flight.phase() is Phase.FLYING
    now_s[0] = 11.0
    assert flight.phase() is Phase.SILENT
    link.end()
    assert flight.phase() is Phase.OVER
    flight.close()
    (path / "findings.json").write_text("{}", encoding="utf-8")
    assert follow_flights([path], SimulatedClock(UTC_S), lambda: 0.0, lambda path: None) == ({}, [path])
    assert MissionFolder.open(path)


# --- in a browser ---


def _rate(page: Any) -> float:
    """Pictures a second, as the page counts what it has drawn; after a while in which it drew on."""
    page.wait_for_timeout(250)
    return float(page.get_attribute("#live-rate", "data-rate") or 0)


@pytest.mark.slow
@needs_chromium
def test_in_a_browser_five_pictures_a_second_and_a_request_by_keyboard_alone(desk):
    sync_api = pytest.importorskip("playwright.sync_api")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(desk.client.app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert until(lambda: server.started)
        address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        with sync_api.sync_playwright() as play:
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            for who, language in (("Choi", "ko"), ("Kim", "en")):
                page, asked, errors = browser.new_page(), [], []
                page.on("request", lambda request, asked=asked: asked.append(request.url))
                page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
                page.goto(f"{address}/login?token={desk.tokens[who]}")
                page.goto(f"{address}/?lang={language}")
                page.wait_for_selector("#live-now:not([hidden])")
                found = axe.run(page).response["violations"]
                assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
                assert any(_rate(page) >= 5 for _ in range(160)), _rate(page)
                assert (page.locator("#live-findings li").count() == 1) is (who == "Choi")
                assert all(each.startswith(address) for each in asked)
                assert errors == []
                if who == "Kim":
                    for key in ("ArrowLeft", "ArrowDown", "e"):
                        page.keyboard.press(key)
                    page.wait_for_selector("#live-requests .is-waiting")
                page.close()
            browser.close()
    finally:
        server.should_exit = True
        thread.join(20)
    (asked,) = desk.live.pilot.requests.all()
    assert asked.asked_by == "Kim"
