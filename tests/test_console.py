"""The operator's screen: what it shows, what its keys order, and that the survey goes on when it does not."""

from __future__ import annotations

import asyncio
import io
import os
import re
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from console_fakes import FakeClock, image, snapshot, watched
from rich.cells import cell_len

from hullscan.console.alarms import alarm_of, level_of
from hullscan.console.app import ConsoleApp
from hullscan.console.hull_picture import hull_picture
from hullscan.console.live import ConsoleScreen, LineScreen, make_screen
from hullscan.console.observer import Observer
from hullscan.console.panels import events_panel, findings_panel, header, numbers_panel, progress_panel
from hullscan.console.snapshot import EventRow, RequestRow, Snapshot
from hullscan.findings.sightings import Sighting
from hullscan.findings.thumbnails import Thumbnails
from hullscan.pilot.orders_of_operator import OperatorOrder
from hullscan.pilot.requests import RequestState
from hullscan.pilot.states import PilotState
from hullscan.pilot.supervisor import RULES, Act
from hullscan.vehicle import messages as m
from hullscan.vehicle.sources import AUTOPILOT
from hullscan.words import LANGUAGES, translator

EN, KO = translator("en"), translator("ko")
SIZES = [pytest.param(80, 24, id="80 columns"), pytest.param(160, 45, id="160 columns")]


# --- snapshots travel ---


def test_a_snapshot_arrives_as_it_was_sent():
    held = EventRow(after_s=0.0, kind="range", message="no range to the hull for {age:.0f} s", data={"age": 4.0})
    sent = snapshot(sigma_along_m=float("inf"), holding=held)
    assert Snapshot.from_json(sent.to_json()) == sent
    assert b"\n" not in sent.to_json()


def test_a_snapshot_of_a_survey_says_where_it_stands(tmp_path):
    live, observer = watched(tmp_path), Observer()
    observer.event("planned", "planned: {legs} legs, {minutes:.1f} min, {area:.0f} m²", {"legs": 7})
    observer.begin(live)
    first = observer.snapshot()
    live.clock.now_s += 2.0
    live.stats.recorded, live.seeing.looks = 60, 5
    live.vehicle.telemetry.observe(AUTOPILOT, m.SysStatus(0, 0, 0, 15.5, 10.0, 0.8), live.clock.now())
    observer.event("flag", "nothing could be flagged: no hull is in view", {})
    now = observer.snapshot()
    assert (first.state, first.leg, first.legs) == ("survey", 2, len(live.plan.legs))
    assert now.after_s == pytest.approx(2.0)
    assert now.video_hz == pytest.approx(30.0)
    assert now.looks_hz == pytest.approx(2.5)
    assert [event.kind for event in now.events] == ["planned", "flag"]
    assert now.events[1].after_s == pytest.approx(2.0)
    assert now.tether_m == live.plan.legs[1].tether_m
    assert now.packets_lost == 3
    assert (now.battery_v, now.current_a) == (15.5, 10.0)


def test_the_picture_of_a_snapshot_has_the_asked_hull_and_what_is_seen_of_it(tmp_path):
    live, observer = watched(tmp_path), Observer()
    observer.begin(live)
    before = np.array(list(observer.snapshot().image.kinds), int)
    asked = live.plan.asked(live.seeing.record.cells)
    live.seeing.seen_cells[asked & (live.seeing.record.cells.station_m < 37)] = True
    live.clock.now_s += 2.0
    now = observer.snapshot()
    after = np.array(list(now.image.kinds), int).reshape(now.image.rows, now.image.columns)
    assert {1, 2} <= set(np.unique(before)) <= {0, 1, 2}
    assert now.image.sides == ("starboard",)
    first, last = now.image.stations_m
    assert 29.5 < first < 31 < 43 < last < 44.5
    stations = first + (np.arange(after.shape[1]) + 0.5) / after.shape[1] * (last - first)
    assert (stations[(after == 3).any(axis=0)] < 37.3).all()
    assert (after == 3).sum() + (after == 2).sum() == (before == 2).sum()
    assert now.seen_m2 == pytest.approx(live.seeing.record.area_m2(live.seeing.seen_cells & asked))


# --- panels ---


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_no_panel_is_wider_or_higher_than_its_place(width, height, language):
    now, words = snapshot(overhead=True, speed_share=0.75), translator(language)
    for text in (
        header(now, width, words),
        progress_panel(now, width, words),
        numbers_panel(now, width, words),
        findings_panel(now, width, 6, words),
        events_panel(now, width, 6, words),
        hull_picture(now.image, width, 8, words),
    ):
        lines = text.plain.split("\n")
        assert len(lines) <= 9
        assert max(cell_len(line) for line in lines) <= width


def test_every_number_is_on_the_screen():
    said = " ".join(numbers_panel(snapshot(), 160, EN).plain.split())
    for part in (
        "range to hull 1.50 m", "stand-off 1.68 m", "speed 0.30 m/s", "depth 2.1 m", "place ± along 0.30 m",
        "battery 15.8 V", "13/100 m", "link 0.1 s", "video 30/s", "looks 2.5/s", "DVL 8/s", "disk free 90 GB",
    ):  # fmt: skip
        assert part in said


def test_what_is_not_known_is_a_dash_and_not_a_number():
    unknown = snapshot(battery_v=float("nan"), range_m=float("inf"), depth_m=float("nan"))
    said = " ".join(numbers_panel(unknown, 160, EN).plain.split())
    assert "battery – V" in said
    assert "range to hull – m" in said
    assert "nan" not in said
    assert "inf" not in said


@pytest.mark.parametrize(
    ("changed", "marked"),
    [
        pytest.param({"range_m": 0.45}, "✖ 0.45 m", id="too near the hull"),
        pytest.param({"battery_v": 13.9}, "✖ 13.9 V", id="battery below its limit"),
        pytest.param({"battery_v": 14.2}, "▲ 14.2 V", id="battery near its limit"),
        pytest.param({"link_age_s": 4.0}, "✖ 4.0 s", id="nothing heard"),
        pytest.param({"video_age_s": 5.0}, "✖ 5.0 s", id="no picture"),
        pytest.param({"sigma_along_m": 1.6}, "▲ 1.60 m", id="unsure of the place"),
    ],
)
def test_a_number_that_needs_a_look_is_marked_by_a_sign_and_not_by_colour_alone(changed, marked):
    assert marked in numbers_panel(snapshot(**changed), 160, EN).plain
    assert marked not in numbers_panel(snapshot(), 160, EN).plain


def test_a_finding_is_listed_with_its_place_and_the_path_of_its_picture():
    said = findings_panel(snapshot(), 160, 5, EN).plain
    assert "parcel 0.82, starboard, station 36.5 m, 1.6 m deep, ± 0.4 m" in said
    assert said.endswith("  live/track-3.jpg")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_path_that_would_be_cut_off_has_a_line_of_its_own_where_there_is_one(language):
    now = snapshot(findings=tuple(replace(snapshot().findings[0], station_m=136.5, radius95_m=10.4) for _ in range(3)))
    assert findings_panel(now, 72, 6, translator(language)).plain.count("\n    live/track-3.jpg") == 2
    assert findings_panel(now, 72, 6, translator(language)).plain.count("\n") == 5


def test_the_hull_shows_coverage_way_vehicle_findings_and_flags_by_characters():
    plain = hull_picture(image(), 44, 9, EN).plain
    assert {"·", "░", "█", "◆", "⚑", "1"} <= set(plain)
    assert any(0x2800 < ord(letter) <= 0x28FF for letter in plain)
    lines = plain.split("\n")
    middle = lines[3][2:]
    assert middle.index("█") < middle.index("░")
    assert re.search(r"30.*3\d.*m$", lines[-1])


def test_the_hull_is_all_seen_in_the_end():
    kinds = image().kinds.replace("2", "3")
    assert "░" not in hull_picture(image(kinds=kinds), 44, 9, EN).plain


# --- alarms ---


def test_when_all_is_well_it_says_so_and_what_goes_on():
    alarm = alarm_of(snapshot(), EN)
    assert (alarm.level, alarm.what, alarm.next) == ("well", "all is well", "it flies the plan")


def test_a_hold_says_why_and_what_happens_if_it_lasts():
    began = EventRow(
        after_s=60, kind="video", message="no video for {age:.0f} s: nothing is searched", data={"age": 4.0}
    )
    now = snapshot(holding=replace(began, data={"age": 7.0}), events=(began,))  # it lasts, and the words go on counting
    alarm = alarm_of(now, KO)
    assert alarm.level == "caution"
    assert re.search("7.*[가-힣]", alarm.what)
    assert not re.search("no video", alarm.what)
    assert "goes home" in alarm_of(now, EN).next


def test_an_operators_hold_says_which_keys_go_on():
    event = EventRow(after_s=60, kind="operator", message="the operator has stopped it")
    alarm = alarm_of(snapshot(holding=event, events=(event,)), EN)
    assert re.search(r"R \(go on\), S .*A ", alarm.next)


@pytest.mark.parametrize("state", [s for s in PilotState if s.value in {"home", "retreat", "out from under"}])
def test_an_ending_names_its_reason_and_the_way(state):
    events = (
        EventRow(after_s=50, kind="leak", message="the vehicle reports a leak"),
        EventRow(after_s=50, kind=state.value, message="going home along the known route"),
    )
    alarm = alarm_of(snapshot(state=state.value, events=events), EN)
    assert alarm.level == "alarm"
    assert alarm.what == "the vehicle reports a leak"
    assert re.search("up|rises|home", alarm.next)


@pytest.mark.parametrize("state", [PilotState.SURFACE, PilotState.DISARM, PilotState.ENDED])
def test_all_is_not_well_on_the_way_up_from_a_retreat(state):
    events = (
        EventRow(after_s=50, kind="position", message="the vehicle has lost its position"),
        EventRow(after_s=50, kind="retreat", message="backing away from the hull"),
        EventRow(after_s=55, kind="surface", message="rising, nothing is overhead"),
    )
    alarm = alarm_of(snapshot(state=state.value, events=events), EN)
    assert (alarm.level, alarm.what) == ("alarm", "the vehicle has lost its position")
    assert alarm_of(snapshot(state=state.value, events=events[2:]), EN).level == "well"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", PilotState)
def test_every_state_of_the_pilot_says_what_happens_next(state, language):
    assert alarm_of(snapshot(state=state.value), translator(language)).next
    assert alarm_of(snapshot(state=state.value, aborted=True), translator(language)).next


@pytest.mark.parametrize("rule", [r for r in RULES if r.act is Act.HOLD], ids=lambda r: f"a hold by {r.key}")
def test_every_rule_that_holds_has_words_for_what_comes_next(rule):
    event = EventRow(after_s=60, kind=rule.key, message=rule.message)
    assert "goes on by itself" in alarm_of(snapshot(holding=event, events=(event,)), EN).next
    assert level_of(event) == "caution"


def test_ordinary_events_of_a_watched_thing_are_not_alarms():
    assert level_of(EventRow(after_s=0, kind="video", message="video is coming in")) == "well"
    assert level_of(EventRow(after_s=0, kind="leak", message="the vehicle reports a leak")) == "alarm"


# --- keys ---


def run_app(steps, size=(80, 24), words=EN, clock=None):
    """The screen with what it ordered, after some steps of its user."""
    orders: list[str] = []
    clock = clock or FakeClock()

    async def go():
        app = ConsoleApp(words, orders.append, clock)
        async with app.run_test(size=size) as user:
            await steps(app, user, clock)

    asyncio.run(go())
    return orders


def shown(app) -> str:
    """All panels' text."""
    return "\n".join(str(each.render()) for each in app.query("Static"))


@pytest.mark.parametrize(
    ("key", "order"),
    [
        ("h", "hold"), ("r", "resume"), ("s", "skip"), ("b", "back"), ("minus", "slower"), ("plus", "faster"),
        ("f", "flag"), ("H", "hold"), ("ctrl+c", "abort"),
    ],
)  # fmt: skip
def test_a_key_is_an_order(key, order):
    async def press(app, user, clock):
        app.show(snapshot())
        await user.press(key)

    assert run_app(press) == [order]
    assert order == "flag" or OperatorOrder(order)


@pytest.mark.parametrize(("language", "yes", "no"), [("en", "Y accept", "N decline"), ("ko", "Y 수락", "N 거절")])
def test_a_reader_s_request_is_answered_with_a_key_and_without_one_the_keys_do_nothing(language, yes, no):
    asked = RequestRow(
        number=7, asked_by="Kim", side="starboard", station_m=36.5, depth_m=1.6, after_s=60.0, state="waiting",
        at=(0.2, 0.3),
    )  # fmt: skip
    assert Snapshot.from_json(snapshot(requests=(asked,)).to_json()).request == asked

    async def answer(app, user, clock):
        app.show(snapshot(requests=(replace(asked, state="flown"),)))
        await user.press("y", "n")
        assert yes not in shown(app)
        app.show(snapshot(requests=(asked,)))
        await user.press("y", "n")
        await user.pause()
        assert yes in shown(app)
        assert no in shown(app)
        assert "36.5 m" in shown(app)

    assert run_app(answer, words=translator(language)) == ["accept 7", "decline 7"]


def test_the_operator_s_answer_reaches_the_request(tmp_path):
    live = watched(tmp_path)
    live.pilot.requests.propose("Kim", np.array([36.0, 5.2, 2.0]))
    screen = screen_of(tmp_path, ["accept 9", "accept", "accept x", "decline 1", "accept 1"], STAYS)
    screen.begin(live)
    assert until(lambda: live.pilot.requests.all()[0].state is RequestState.DECLINED)
    screen.end()


def test_the_way_home_needs_the_key_twice_and_soon():
    async def slowly(app, user, clock):
        app.show(snapshot())
        await user.press("a")
        assert "press A again" in shown(app)
        clock.now_s += 10
        await user.press("a")

    async def quickly(app, user, clock):
        app.show(snapshot())
        await user.press("a", "a")

    assert run_app(slowly) == []
    assert run_app(quickly) == ["abort"]


def test_other_keys_do_nothing_and_do_not_close_it():
    async def press(app, user, clock):
        app.show(snapshot())
        await user.press("q", "ctrl+q", "escape", "x", "enter", "tab")
        assert app.is_running

    assert run_app(press) == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_screen_shows_every_panel_in_both_languages(width, height):
    async def look(app, user, clock):
        app.show(snapshot())
        await user.pause()
        said = shown(app)
        for part in ("MV Haneul", "1:02", "◆", "15.8 V", "0.82"):
            assert part in said
        for panel in app.query("Static"):
            assert (panel.size.height > 0) is (panel.id != "request"), panel.id
        bottom = max(panel.region.bottom for panel in app.query("Static"))
        assert bottom <= height
        assert app.query_one("#hull").size.height >= 4

    run_app(look, size=(width, height))
    run_app(look, size=(width, height), words=KO)


def test_a_survey_that_says_nothing_more_is_said_to_be_silent():
    async def wait(app, user, clock):
        app.show(snapshot())
        clock.now_s += 8
        app.redraw()
        await user.pause()
        assert "no news from the survey for 8 s" in shown(app)
        assert "Ctrl-C" in shown(app)

    run_app(wait)


# --- the process, and what becomes of the survey without it ---


def test_without_a_terminal_or_when_asked_for_there_are_plain_lines(monkeypatch):
    assert isinstance(make_screen(EN, "en", plain=True), LineScreen)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert isinstance(make_screen(EN, "en", plain=False), LineScreen)


class Closed(io.StringIO):
    """A terminal that was closed, or one that knows no Korean."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(OSError(5, "Input/output error"), id="the terminal was closed"),
        pytest.param(BrokenPipeError(), id="the pipe has nobody at its end"),
        pytest.param(UnicodeEncodeError("cp1252", "선체", 0, 1, "no such letter"), id="it knows no Korean"),
    ],
)
def test_lines_that_nobody_can_read_cost_the_flight_nothing(monkeypatch, error):
    monkeypatch.setattr(sys, "stdout", Closed(error))
    screen = make_screen(KO, "ko", plain=True)
    screen.event("armed", "armed", {})
    screen.event("home", "going home along the known route", {})


CHILD = """
import os, sys
from multiprocessing.connection import Client
from hullscan.console.snapshot import Snapshot
with Client(sys.argv[1], authkey=bytes.fromhex(os.environ["HULLSCAN_CONSOLE_KEY"])) as connection:
    assert Snapshot.from_json(connection.recv_bytes()).ship == "MV Haneul"
    for name in {orders!r}:
        connection.send_bytes(name.encode())
    {then}
"""


def screen_of(tmp_path: Path, orders: list[str], then: str) -> ConsoleScreen:
    script = tmp_path / "child.py"
    script.write_text(CHILD.format(orders=orders, then=then))
    return ConsoleScreen(EN, "en", (sys.executable, str(script)))


def until(reached, limit_s: float = 60.0) -> bool:
    end_s = time.monotonic() + limit_s
    while time.monotonic() < end_s:
        if reached():
            return True
        time.sleep(0.02)
    return False


STAYS = "connection.poll(120)\n    [connection.recv_bytes() for _ in range(10**9)]"


def taken(desk) -> list[OperatorOrder]:
    orders = []
    while (order := desk.take()) is not None and len(orders) < 9:
        orders.append(order)
    return orders


def test_orders_of_the_screens_process_reach_the_desk_and_flags_the_record(tmp_path, capfd):
    live = watched(tmp_path)
    screen = screen_of(tmp_path, ["hold", "flag", "nonsense", "slower"], STAYS)
    screen.begin(live)
    assert until(lambda: len(live.pilot.desk._waiting) == 2 and live.flags)
    assert taken(live.pilot.desk) == [OperatorOrder.HOLD, OperatorOrder.SLOWER]
    screen.end()
    assert "\x1b[?1049h" not in capfd.readouterr().out


@pytest.mark.parametrize(
    "then",
    [
        pytest.param("os._exit(3)", id="it dies"),
        pytest.param(
            "os.kill(os.getpid(), 9)", id="it is killed", marks=pytest.mark.skipif(os.name == "nt", reason="POSIX")
        ),
        pytest.param("raise SystemExit", id="it closes"),
    ],
)
def test_a_screen_that_dies_leaves_lines_and_a_desk_that_works(tmp_path, capfd, then):
    live = watched(tmp_path)
    screen = screen_of(tmp_path, ["abort"], then)
    screen.event("armed", "armed", {})
    screen.begin(live)
    assert until(lambda: live.pilot.aborted)
    assert until(lambda: "the screen is closed" in capfd.readouterr().out)
    screen.event("home", "going home along the known route", {})
    screen.end()
    assert "going home along the known route" in capfd.readouterr().out


def test_the_operator_can_ask_for_lines_instead(tmp_path, capfd):
    live = watched(tmp_path)
    screen = screen_of(tmp_path, ["lines"], STAYS)
    screen.begin(live)
    assert until(lambda: "the screen is closed" in capfd.readouterr().out)
    screen.end()


def test_a_screen_that_hangs_makes_nobody_wait(tmp_path):
    live = watched(tmp_path)
    screen = screen_of(tmp_path, ["hold"], "import threading; threading.Event().wait(300)")
    screen.begin(live)
    assert until(lambda: live.pilot.desk._waiting)
    for number in range(500):  # the survey's own thread never waits for the screen
        screen.event("survey", "armed", {"number": number})
    screen._process.kill()
    screen.end()


# --- small pictures ---


def sighting(track: int, score: float, label: str = "parcel") -> Sighting:
    return Sighting(
        utc_s=0.0, stream_s=0.0, frame=1, label=label, score=score, box_xyxy_px=(600.0, 20.0, 660.0, 70.0), track=track,
        cut=False, suspect=False,
    )  # fmt: skip


def test_the_best_look_of_each_track_becomes_a_small_picture(tmp_path):
    pictures = Thumbnails(tmp_path / "live", ("parcel",))
    frame = np.full((360, 640, 3), 90, np.uint8)
    pictures.take(frame, [sighting(1, 0.5), sighting(0, 0.9), sighting(2, 0.9, "anode")])
    first = (tmp_path / "live" / "track-1.jpg").read_bytes()
    pictures.take(np.zeros_like(frame), [sighting(1, 0.4)])
    assert (tmp_path / "live" / "track-1.jpg").read_bytes() == first
    pictures.take(np.zeros_like(frame), [sighting(1, 0.8)])
    assert (tmp_path / "live" / "track-1.jpg").read_bytes() != first
    assert [path.name for path in (tmp_path / "live").iterdir()] == ["track-1.jpg"]
    assert pictures.path_of(1) == tmp_path / "live" / "track-1.jpg"
    assert pictures.path_of(2) is None


def test_a_disk_that_takes_no_picture_is_counted_and_stops_nothing(tmp_path):
    (tmp_path / "live").write_bytes(b"")
    pictures = Thumbnails(tmp_path / "live", ("parcel",))
    pictures.take(np.zeros((360, 640, 3), np.uint8), [sighting(1, 0.5)])
    assert pictures.unwritten == 1
