"""The report: one file that needs nothing else, says what was found and what was not searched, escapes all words."""

from __future__ import annotations

import base64
import copy
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hullscan.clock import SimulatedClock
from hullscan.errors import HullscanError, InputError, RecordError
from hullscan.mission.model import load_mission
from hullscan.record.events import EventLog
from hullscan.record.folder import MissionFolder
from hullscan.report.html import write_report
from hullscan.report.pictures import pictures_of

DEMO = (Path(__file__).parents[1] / "missions" / "demo.yaml").read_text(encoding="utf-8")
UTC_S = 1_795_339_800.0  # 2026-11-22 09:30:00
VOID = {"meta", "br", "img", "link", "base", "input", "source", "embed"}


# --- a page, read by the standard library's parser alone ---


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    children: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its own text and that below it, in one line; a fixed space counts as a space."""
        return " ".join("".join(self._pieces()).replace("\u00a0", " ").split())

    def _pieces(self) -> list[str]:
        pieces = []
        for text, child in zip(self.texts, [*self.children, None], strict=True):
            pieces += [text, *(child._pieces() if child else [])]
        return pieces

    def all(self, tag: str = "", kind: str = "") -> list[Element]:
        """Elements below it, of a tag and of a class."""
        found = []
        for child in self.children:
            kinds = child.attributes.get("class", "").split()
            if tag in ("", child.tag) and (not kind or kind in kinds):
                found.append(child)
            found += child.all(tag, kind)
        return found

    def one(self, tag: str = "", kind: str = "") -> Element:
        (element,) = self.all(tag, kind)
        return element


class Tree(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.root = Element("", {}, texts=[""])
        self._open = [self.root]
        self.feed(page)
        self.close()
        assert self._open == [self.root], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, texts=[""])
        self._open[-1].children.append(element)
        self._open[-1].texts.append("")
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self._open[-1].texts[-1] += data


def read(page: str) -> Element:
    return Tree(page).root


def reaches_out(page: str) -> list[str]:
    """Whatever in a page would load, run or follow something that is not in the page."""
    found = []
    for element in read(page).all():
        if element.tag in {"script", "iframe", "object", "embed", "link", "base", "form", "frame", "applet"}:
            found.append(f"<{element.tag}>")
        css = [element.text] if element.tag == "style" else []
        for name, value in element.attributes.items():
            if name.startswith("on") or (name == "http-equiv"):
                found.append(f"{element.tag} {name}")
            if name in {"src", "href", "xlink:href", "srcset", "data", "action", "poster", "background", "ping"}:
                if not value.startswith(("data:image/", "#")):
                    found.append(f"{element.tag} {name}={value}")
            elif re.search(r"(?i)\b[a-z]+://|//\w", value) and not name.startswith("xmlns"):
                found.append(f"{element.tag} {name}={value}")
            css.append(value if name in {"style", "fill", "stroke", "filter", "clip-path", "mask"} else "")
        for text in css:
            found += [f"@{rule}" for rule in re.findall(r"(?i)@(import|font-face)", text)]
            found += [
                url
                for url in re.findall(r"(?i)url\(\s*['\"]?([^)'\"]*)", text)
                if url[:1] != "#" and url[:5] != "data:"
            ]
    return found


@pytest.mark.parametrize(
    "page",
    [
        pytest.param('<script src="a.js"></script>', id="a script"),
        pytest.param('<img src="frames/F01-1.jpg">', id="a picture beside the file"),
        pytest.param('<a href="https://example.org">x</a>', id="a link"),
        pytest.param("<style>@import 'a.css';</style>", id="an import of a style"),
        pytest.param("<p style=\"background: URL( '//a/b.png')\">x</p>", id="a picture in a style"),
        pytest.param('<rect fill="url(a.svg#x)"/>', id="a pattern in another file"),
        pytest.param('<p onclick="alert(1)">x</p>', id="a handler"),
    ],
)
def test_the_search_for_what_reaches_out_finds_it(page):
    assert len(reaches_out(page)) >= 1


# --- a small mission ---


@pytest.fixture(scope="module")
def hull():
    path = Path(__file__).parents[1] / "missions" / "demo.yaml"
    return load_mission(path).hull


def jpeg(number: int) -> bytes:
    image = np.random.default_rng(number).integers(0, 80, (36, 64, 3)).astype(np.uint8)
    done, raw = cv2.imencode(".jpg", image)
    assert done
    return raw.tobytes()


def finding(hull: Any, number: int, station_m: float, depth_m: float, side: str = "starboard") -> dict[str, Any]:
    girth = float(hull.girth_to_depth(np.array([station_m]), np.array([depth_m]))[0])
    frames = [
        {"file": f"frames/F{number:02d}-{index}.jpg", "utc": f"2026-11-22T09:31:0{index}.250Z",
         "utc_s": UTC_S + 60 + index, "stream_s": 60.0 + index,
         "box_xyxy_px": [10.0, 8.0, 30.0, 24.0], "score": 0.81, "range_m": 1.4}
        for index in (1, 2)
    ]  # fmt: skip
    return {
        "id": f"F{number:02d}", "label": "parcel", "score": 0.78, "side": side, "station_m": station_m,
        "girth_m": round(girth, 2), "depth_m": depth_m, "position_ship_m": [station_m, 5.2, depth_m],
        "cov_ship_m2": np.diag([0.03, 0.0, 0.03]).tolist(), "radius95_m": 0.42, "lat_deg": 35.0767123,
        "lon_deg": 129.0800341, "size_m": 0.44, "first_utc": "2026-11-22T09:31:01.250Z",
        "last_utc": "2026-11-22T09:31:40.000Z", "views": 17, "frames": frames, "status": "flagged",
        "model_sha256": "ab" * 32,
    }  # fmt: skip


def coverage() -> dict[str, Any]:
    """Cells of starboard, stations 32 to 34, girths 0 to 1: the aft half seen well, the rest planned only."""
    cells = [(32.125 + 0.25 * column, 0.125 + 0.25 * row) for row in range(4) for column in range(8)]
    seen = [station < 33 for station, _ in cells]
    return {
        "schema": "hullscan.coverage/1", "cell_m": 0.25, "planned_area_m2": 2.0, "seen_area_m2": 1.0, "seen_share": 0.5,
        "wetted_area_m2": 700.0, "pod": 0.42, "pod_model": {"measured": False, "parcel_m": 0.4},
        "looks_without_telemetry": 3, "looks_without_contrast": 0, "sightings_not_placed": 2,
        "zones": {"starboard_side": {"planned_m2": 2.0, "seen_m2": 1.0}},
        "gaps": [
            {"name": "starboard side, stations 33.0 to 34.0, 0.0 to 1.0 m deep", "side": "starboard",
             "stations_m": [33.0, 34.0], "depths_m": [0.0, 1.0], "area_m2": 1.0}
        ],
        "cells": {
            "side": ["starboard"] * 32, "station_m": [station for station, _ in cells],
            "girth_m": [girth for _, girth in cells], "planned": [True] * 32, "looks": [4 * each for each in seen],
            "best_gsd_mm": [2.9 if each else None for each in seen],
            "best_incidence_deg": [8.0 if each else None for each in seen],
            "contrast": [30.0 * each for each in seen], "pod": [0.85 * each for each in seen],
        },
    }  # fmt: skip


def summary() -> dict[str, Any]:
    return {
        "schema": "hullscan.summary/1", "mission": "demo", "ship": "MV Haneul", "findings": 1,
        "model_sha256": "ab" * 32, "rules": {"min_score": 0.45, "min_views": 3},
        "time_sigma_ms": 31.6, "pictures_missing": 0, "min_clearance_m": 1.1,
        "outcome": "done", "ended_by": None, "start_utc": "2026-11-22T09:30:00.000Z",
        "end_utc": "2026-11-22T09:36:05.000Z", "duration_s": 365.0, "distance_m": 71.3,
        "battery_v": {"start": 16.4, "end": 15.2}, "vehicle": {"profile": "bluerov2-heavy", "firmware": "4.5.3"},
        "video": {"packets_lost": 12, "frames_recorded": 10950, "frames_suspect": 40, "frames_examined": 512},
        "dvl": {"reports": 3100, "invalid": 21},
    }  # fmt: skip


@dataclass
class Parts:
    """Everything a report is made from, to be changed before it is made."""

    findings: list[dict[str, Any]]
    coverage: dict[str, Any] = field(default_factory=coverage)
    summary: dict[str, Any] = field(default_factory=summary)
    mission: str = DEMO
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    track: list[list[float]] = field(default_factory=list)


def made(path: Path, parts: Parts) -> MissionFolder:
    folder = MissionFolder(path)
    folder.frames.mkdir(parents=True)
    folder.mission_file.write_text(parts.mission, encoding="utf-8")
    results = {
        "findings": {"schema": "hullscan.findings/1", "mission": "demo", "ship": "x", "findings": parts.findings},
        "coverage": parts.coverage,
        "track": {"schema": "hullscan.track/1", "columns": [], "points": parts.track},
        "summary": parts.summary,
    }
    for name, content in results.items():
        (path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    for number, frame in enumerate(frame for each in parts.findings for frame in each["frames"]):
        (path / frame["file"]).write_bytes(jpeg(number))
    log = EventLog(folder.events, SimulatedClock(UTC_S))
    for message, data in parts.events:
        log.add("survey", message, data)
    log.close()
    return folder


def report(path: Path, parts: Parts, language: str = "en") -> Element:
    return read(write_report(made(path, parts), language).read_text(encoding="utf-8"))


PLACES = [(32.6, 2.0, "starboard"), (35.25, 3.0, "starboard"), (33.0, 1.0, "port")]


@pytest.fixture(scope="module", params=["en", "ko"])
def page(request, tmp_path_factory, hull) -> tuple[str, str]:
    """(language, HTML) of a mission with three findings, its track and its events."""
    findings = [finding(hull, number, *place) for number, place in enumerate(PLACES, start=1)]
    track = [[UTC_S + second, 31 + 0.25 * second, 7.0, 2.0, -90.0] for second in range(20)]
    events = [("connected: ArduSub {firmware}", {"firmware": "4.5.3"}), ("video is coming in", {})]
    folder = made(tmp_path_factory.mktemp("report"), Parts(findings, track=track, events=events))
    return request.param, write_report(folder, request.param).read_text(encoding="utf-8")


# --- one file ---


def test_nothing_in_it_reaches_out(page):
    assert reaches_out(page[1]) == []


def test_pictures_are_in_it(page, tmp_path):
    images = [element.attributes["src"] for element in read(page[1]).all("img")]
    assert len(images) == 9
    head = "data:image/jpeg;base64,"
    assert all(image.startswith(head) for image in images)
    best = images[::3]  # of each finding the best frame whole, then both close up
    assert [base64.b64decode(image.removeprefix(head)) for image in best] == [jpeg(number) for number in (0, 2, 4)]


def test_a_close_up_shows_what_the_box_holds_and_some_of_what_is_round_it(tmp_path):
    scene = np.zeros((360, 640, 3), np.uint8)
    scene[20:60, 560:620] = 255
    path = tmp_path / "frames" / "F01-1.jpg"
    path.parent.mkdir()
    assert cv2.imwrite(str(path), scene)
    frame = {"file": "frames/F01-1.jpg", "box_xyxy_px": [560.0, 20.0, 620.0, 60.0]}
    (picture,) = pictures_of(MissionFolder(tmp_path), {"frames": [frame]})
    near = cv2.imdecode(np.frombuffer(picture.close_up, np.uint8), cv2.IMREAD_COLOR)
    assert near.shape == (240, 320, 3)
    assert (near > 128).mean() == pytest.approx(60 * 40 / (102 * 76.5), abs=0.05)


def test_what_was_planned_seen_flown_and_found_are_four_layers_of_one_map(page):
    drawn = next(each for each in read(page[1]).all("svg", "map") if each.all("path", "asked"))
    assert drawn.one("g", "layer-planned").one("path", "asked").attributes["d"].count("M") == 24
    assert drawn.one("g", "layer-seen").all("rect")
    assert drawn.one("g", "layer-flown").all("path", "track")
    assert drawn.one("g", "layer-found").all("circle")


@pytest.mark.parametrize(
    ("registration", "words"),
    [
        pytest.param({"updates": 7, "beams_used": 20, "beams_rejected": 3}, "measured 7 times by 20", id="by ranges"),
        pytest.param(
            {"updates": 7, "beams_used": 20, "beams_rejected": 3, "fittings_known": 4, "fittings_used": 9},
            "(4 are known), recognised in the pictures 9 times",
            id="by ranges and fittings",
        ),
        pytest.param({"updates": 0, "beams_used": 0, "beams_rejected": 0}, "at the berth as stated", id="as stated"),
    ],
)
def test_the_method_names_its_thresholds_and_what_told_where_the_ship_lay(tmp_path, registration, words):
    told = summary() | {"registration": registration, "software": "hullscan 9.9", "software_sha256": "cd" * 32}
    text = report(tmp_path / "m", Parts([], summary=told)).one("main").text
    assert words in text
    assert "at least 3 pictures and the five best scores average at least 0.45" in text
    assert "hullscan 9.9, SHA-256: " + "cd" * 32 in text
    assert "Model, SHA-256: " + "ab" * 32 in text


def test_no_gap_in_a_sentence_is_left_unfilled(page):
    text = read(page[1]).one("main").text
    assert not re.findall(r"[{}]|%\(|\bNone\b(?! of them)|\bnan\b|\binf\b|Undefined", text)


def test_the_page_is_in_its_language(page):
    language, html = page
    root = read(html)
    assert root.one("html").attributes["lang"] == language
    words = [element.text for tag in ("th", "h2", "h3", "figcaption") for element in root.all(tag)]
    words += [element.text for element in root.one(kind="legend").all("span")]
    words += [element.text for element in root.one(kind="tiles").all("span")]
    words += [element.attributes["aria-label"] for element in root.all("svg") if "aria-label" in element.attributes]
    assert len(words) > 40
    hangul = [bool(re.search("[가-힣]", text)) for text in words]
    numbers_only = [re.fullmatch(r"[\d.~ ]+", text) is not None for text in words]
    assert all(a or b for a, b in zip(hangul, numbers_only, strict=True)) if language == "ko" else not any(hangul)


def test_events_are_told_in_the_language_of_the_page(page):
    language, html = page
    told = [element.text for element in read(html).one("ul").all("li")]
    assert told[0] == ("09:30:00connected: ArduSub 4.5.3" if language == "en" else "09:30:00연결됨: ArduSub 4.5.3")


def test_a_video_recorded_elsewhere_is_not_called_recorded_here(tmp_path):
    told = summary() | {"telemetry_from": "dive.tlog", "analysed_from": "dive.mp4", "time_sigma_ms": 500.0}
    text = report(tmp_path / "m", Parts([], summary=told)).one("main").text
    assert "The video dive.mp4 and the log dive.tlog were recorded elsewhere" in text
    assert "were recorded as they arrived" not in text


def test_what_saw_nothing_has_no_bound(tmp_path):
    tried = {"measured": True, "parcel_m": 0.4, "trials": {"shown": 90, "found": 82}}
    told = coverage() | {"pod": 0.0, "pod_lower": 0.0, "pod_model": tried}
    text = report(tmp_path / "m", Parts([], coverage=told)).one(kind="statement").text
    assert "is put at 0 %." in text.replace("\u00a0", " ")
    assert "confidence" not in text


def test_events_beyond_what_a_report_holds_are_counted(tmp_path):
    events = [("leg {leg} of {count}", {"leg": number, "count": 403}) for number in range(403)]
    told = report(tmp_path / "m", Parts([], events=events)).one("ul", "events").all("li")
    assert len(told) == 401
    assert told[-1].text == "3 more events stand in events.jsonl"


def test_words_within_an_event_are_told_in_the_language_of_the_page(tmp_path, hull):
    what = {"message": "{count} invalid", "data": {"count": 3}}
    events = [
        ("flash alert {name}: {side}, station {station:.1f} m, {depth:.1f} m deep",
         {"name": "A01", "side": "starboard", "station": 33.4, "depth": 1.2}),
        ("{level}: {what}: {measured}", {"level": "caution", "what": what, "measured": {"message": "", "data": {}}}),
    ]  # fmt: skip
    korean = report(tmp_path / "ko", Parts([], events=events), "ko").one("main").text
    assert "우현, 위치 33.4 m" in korean
    assert "주의: 무효 3" in korean
    assert "caution: 3 invalid" in report(tmp_path / "en", Parts([], events=events)).one("main").text


def test_an_unknown_language_is_refused(tmp_path, hull):
    with pytest.raises(InputError, match="choose one of en, ko"):
        write_report(made(tmp_path / "m", Parts([])), "fr")


# --- what it says ---


@pytest.mark.parametrize(
    ("count", "statement"),
    [
        pytest.param(0, "The detector flagged no place on the hull.", id="nothing found"),
        pytest.param(1, "The detector flagged one place on the hull for a person to look at.", id="one finding"),
        pytest.param(12, "The detector flagged 12 places on the hull for a person to look at.", id="twelve findings"),
    ],
)
def test_there_is_a_card_for_each_finding_and_a_sentence_for_all(tmp_path, hull, count, statement):
    findings = [finding(hull, number, 20 + number, 2.0) for number in range(1, count + 1)]
    root = report(tmp_path / "m", Parts(findings))
    assert len(root.all("article", "finding")) == count
    assert root.one(kind="count").one("b").text == str(count)
    assert statement in root.one(kind="statement").text
    assert [element.text for element in root.all(kind="badge")] == [str(number) for number in range(1, count + 1)]
    listed = [link.attributes["href"] for each in root.all("ol", "list") for link in each.all("a")]
    assert listed == (["#" + card.attributes["id"] for card in root.all("article", "finding")] if count > 3 else [])


def test_a_card_says_where_how_sure_and_when(tmp_path, hull):
    root = report(tmp_path / "m", Parts([finding(hull, 1, 32.6, 2.1)]))
    card = root.one("article", "finding")
    rows = {row.all("th")[0].text: row.all("td")[0].text for row in card.all("tr")}
    girth = float(hull.girth_to_depth(np.array([32.6]), np.array([2.1]))[0])
    assert rows == {
        "side": "starboard",
        "station": "32.6 m from the aft perpendicular",
        "depth": "2.1 m below the waterline",
        "along the girth": f"{girth:.1f} m",
        "position": "35.076712°, 129.080034°",
        "95 % radius": "0.42 m",
        "size": "about 0.4 m",
        "score": "0.78, seen in 17 looks",
        "first and last seen": "09:31:01–09:31:40 UTC",
        "status": "flagged",
    }
    assert [each.text for each in card.all("p", "caption")][:3] == [
        "09:31:01.250 UTC · score 0.81 · from 1.4 m",
        "09:31:01.250 UTC · 0.81",
        "09:31:02.250 UTC · 0.81",
    ]
    box = card.all("svg")[0]
    assert box.attributes["viewbox"] == "0 0 64 36", "the box is drawn in pixels of its picture"
    assert {name: box.one("rect").attributes[name] for name in ("x", "y", "width", "height")} == {
        "x": "10.0", "y": "8.0", "width": "20.0", "height": "16.0",
    }  # fmt: skip


def test_unsearched_areas_are_named(tmp_path, hull):
    root = report(tmp_path / "m", Parts([]))
    assert "starboard side, stations 33.0 to 34.0 m, 0.0 to 1.0 m deep1.0 m²" in root.one("main").text
    assert "698 m² of the wetted hull (100 %) were not part of this plan" in root.one("main").text
    assert "1.0 of 2.0 m² that were planned have been seen (50 %)." in root.one(kind="statement").text
    whole = coverage() | {"gaps": [], "seen_area_m2": 2.0, "seen_share": 1.0}
    root = report(tmp_path / "whole", Parts([], coverage=whole))
    assert "Everything that was planned has been seen at least once." in root.one("main").text


def test_patches_too_small_for_a_name_are_not_called_seen(tmp_path, hull):
    small = coverage() | {"gaps": [], "seen_area_m2": 1.8, "seen_share": 0.9}
    text = report(tmp_path / "m", Parts([], coverage=small)).one("main").text
    assert "Everything that was planned" not in text
    assert "Small patches that are not named here were not seen either, 0.2 m² together." in text


def test_a_figure_that_was_not_measured_is_called_an_assumption(tmp_path):
    text = report(tmp_path / "m", Parts([])).one(kind="statement").text
    assert "the chance to flag it is put at 42 %. This figure is an assumption, not a measurement." in text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        pytest.param("en", "of 0.6 m lain there, the chance to flag it is put at 42 %, and with 95 % confidence at no "
                           "less than 39 %: of 90 parcels planted in the simulator in such water 82 were flagged",
                     id="English"),
        pytest.param("ko", "42 %이며, 95 % 신뢰수준에서 39 % 이상", id="Korean"),
    ],
)  # fmt: skip
def test_a_measured_figure_is_told_with_its_bound(tmp_path, language, words):
    tried = {"measured": True, "parcel_m": 0.6, "trials": {"shown": 90, "found": 82}}
    told = coverage() | {"pod_lower": 0.39, "pod_model": tried}
    text = report(tmp_path / "m", Parts([], coverage=told), language).one(kind="statement").text
    assert words in text.replace("\u00a0", " ")
    assert "assumption" not in text


@pytest.mark.parametrize(
    ("outcome", "ended_by", "language", "words"),
    [
        pytest.param("aborted", None, "en", "aborted", id="the operator aborted"),
        pytest.param("aborted", None, "ko", "중단됨", id="the operator aborted, in Korean"),
        pytest.param("ended by a safety rule", "leak: water in the hull", "en", "leak: water in the hull", id="a leak"),
        pytest.param("ended by a safety rule", "leak", "ko", "안전 규칙으로 종료", id="a leak, in Korean"),
        pytest.param("cut off", "the recording ends without a summary", "en", "cut off", id="a recording cut off"),
    ],
)
def test_a_mission_that_did_not_end_as_planned_says_so(tmp_path, outcome, ended_by, language, words):
    changed = {**summary(), "outcome": outcome, "ended_by": ended_by}
    root = report(tmp_path / "m", Parts([], summary=changed), language)
    assert words in root.one("main").text
    assert bool(root.one(kind="statement").all(kind="note")) == (ended_by is not None)
    assert "done" not in [element.text for element in root.all("td")]


@pytest.mark.parametrize(("language", "words"), [("en", "(contrast, colour)"), ("ko", "적용되지 않습니다")])
def test_pictures_unlike_those_measured_are_told_beside_the_chance(tmp_path, language, words):
    drifted = {"looks": 90, "outside": {}, "unlike": ["contrast", "green_to_red", "blue_to_yellow"], "applies": False}
    tried = {"measured": True, "parcel_m": 0.6, "trials": {"shown": 90, "found": 82}}
    bounded = coverage() | {"pod_lower": 0.39, "pod_model": tried}
    told = Parts([], summary={**summary(), "detector_inputs": drifted}, coverage=bounded)
    text = report(tmp_path / "m", told, language).one(kind="statement").text.replace("\u00a0", " ")
    assert words in text
    assert "39 %" not in text, "no bound stands for them"


def test_sea_chests_are_counted_until_somebody_has_signed_for_them(tmp_path):
    chest = "    - {kind: sea_chest, side: starboard, station_m: 35.0, depth_m: 3.0, size_m: [0.9, 0.7]}\n"
    mission = re.sub(r"(  fittings:.*\n)", lambda found: found[1] + chest, DEMO, count=1)
    text = report(tmp_path / "m", Parts([], mission=mission)).one(kind="statement").text
    assert "Sea chests that somebody has looked into and signed for: 0 of 1." in text
    assert "Sea chests" not in report(tmp_path / "none", Parts([])).one(kind="statement").text


def test_clocks_are_told_as_far_as_they_were_measured(tmp_path):
    offsets = {"dvl": {"uncertainty": 3.6}, "preflight": {"vehicle_utc_minus_computer": -0.2}}
    text = report(tmp_path / "m", Parts([], summary=summary() | {"clock_offsets_ms": offsets})).one("main").text
    assert "time of range reports, uncertainty4 ms" in text
    assert "vehicle's clock against the computer's-0.2 ms" in text
    assert "time of range reports" not in report(tmp_path / "none", Parts([])).one("main").text


def test_what_is_not_known_is_a_dash(tmp_path):
    unknown = {
        **summary(), "min_clearance_m": None, "duration_s": None, "distance_m": None,
        "battery_v": {"start": None, "end": None},
    }  # fmt: skip
    nowhere = {**coverage(), "pod": None, "seen_share": None, "seen_area_m2": 0.0}
    root = report(tmp_path / "m", Parts([], summary=unknown, coverage=nowhere))
    cells = [cell.text for cell in root.all("td")]
    assert not [text for text in cells if re.search(r"\bNone\b|\bnan\b", text)]
    assert "– V, – V" in cells
    assert [tile.one("b").text for tile in root.all(kind="tile")][2:] == ["–", "–"]


@pytest.mark.parametrize(
    ("lat", "lon", "words"),
    [
        pytest.param("35.0767", "129.0800", "35.0767° N 129.0800° E", id="Busan"),
        pytest.param("-23.9608", "-46.3336", "23.9608° S 46.3336° W", id="Santos"),
    ],
)
def test_the_berth_is_named_by_hemisphere(tmp_path, lat, lon, words):
    mission = DEMO.replace("35.0767", lat).replace("129.0800", lon)
    assert words in report(tmp_path / "m", Parts([], mission=mission)).one("header").text


# --- untrusted words ---

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"&'</style>]]>--><!-- {{7*7}} {a.b[0]} %s"


def spoken_by(words: str, hull: Any) -> Parts:
    """A mission in which every text that comes from outside is ``words``."""
    parts = Parts([finding(hull, 1, 32.6, 2.0), finding(hull, 2, 33.6, 2.0)], events=[("{words}", {"words": words})])
    parts.mission = DEMO.replace("MV Haneul", json.dumps(words[:80])).replace(
        "mission: demo", f"mission: {json.dumps(words[:80])}"
    )
    for key in ("id", "label", "side", "status", "first_utc", "last_utc"):
        parts.findings[1][key] = words
    for key in ("utc",):
        parts.findings[1]["frames"][0][key] = words
    parts.coverage["gaps"][0] |= {"side": words, "name": words}
    parts.coverage["cells"]["side"][0] = words
    for key in ("outcome", "ended_by", "start_utc", "end_utc", "model_sha256"):
        parts.summary[key] = words
    parts.summary["vehicle"] = {"firmware": words}
    parts.summary["battery_v"] = {"start": words, "end": words}
    parts.summary["video"] |= {"frames_recorded": words, "packets_lost": words, "frames_suspect": words}
    parts.summary["dvl"] = {"reports": words, "invalid": words}
    return parts


@pytest.mark.parametrize("language", ["en", "ko"])
def test_hostile_words_stay_words_everywhere(tmp_path, hull, language):
    hostile = report(tmp_path / "hostile", spoken_by(HOSTILE, hull), language)
    harmless = report(tmp_path / "harmless", spoken_by("a" * len(HOSTILE), hull), language)
    tags = [[(element.tag, sorted(element.attributes)) for element in root.all()] for root in (hostile, harmless)]
    assert tags[0] == tags[1], "words that become elements or attributes are not escaped"
    assert hostile.one("h1").text == HOSTILE[:80]
    assert HOSTILE in hostile.one("ul").text
    assert hostile.one(kind="hash").text == HOSTILE
    assert HOSTILE in hostile.all("article")[1].text
    assert reaches_out((tmp_path / "hostile" / "report.html").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("message", "data"),
    [
        pytest.param("{a.b}", {"a": "x"}, id="an attribute that is not there"),
        pytest.param("{a[0]}", {"a": 1}, id="an index into a number"),
        pytest.param("{volts:.1f} V", {"volts": "x"}, id="a text where a number belongs"),
        pytest.param("{volts:.1f} V", {"volts": None}, id="nothing where a number belongs"),
        pytest.param("{missing}", {"a": 1}, id="a gap without its word"),
        pytest.param("{", {"a": 1}, id="a brace alone"),
        pytest.param("fine", None, id="no data"),
        pytest.param("fine", [1], id="a list for data"),
    ],
)
def test_an_event_that_cannot_be_filled_in_is_shown_as_it_was_written(tmp_path, message, data):
    folder = made(tmp_path / "m", Parts([]))
    event = {"utc": "2026-11-22T09:30:00.000Z", "kind": "note", "message": message, "data": data, "words": "fine"}
    folder.events.write_text(json.dumps(event) + "\n[]\n{}\n", encoding="utf-8")
    shown = read(write_report(folder).read_text(encoding="utf-8")).one("ul").all("li")
    assert [element.text for element in shown] == ["09:30:00fine", ""]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("../outside.jpg", id="a picture outside of the folder"),
        pytest.param("frames/gone.jpg", id="a picture that is gone"),
        pytest.param("frames/empty.jpg", id="an empty picture"),
        pytest.param("frames/text.jpg", id="a text under the name of a picture"),
    ],
)
def test_a_picture_that_is_none_is_not_put_in(tmp_path, hull, name):
    folder = made(tmp_path / "m", Parts([finding(hull, 1, 32.6, 2.0)]))
    (tmp_path / "outside.jpg").write_bytes(jpeg(1))
    (folder.frames / "empty.jpg").touch()
    (folder.frames / "text.jpg").write_text("<svg onload='alert(1)'/>")
    content = json.loads((folder.path / "findings.json").read_text())
    for frame in content["findings"][0]["frames"]:
        frame["file"] = name
    (folder.path / "findings.json").write_text(json.dumps(content))
    card = read(write_report(folder).read_text(encoding="utf-8")).one("article")
    assert card.all("img") == []
    assert card.one("p", "note").text == "No picture could be cut from the recording."


def rewritten(name: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        path = folder / f"{name}.json"
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return harm


def without(name: str, key: str) -> Callable[[Path], None]:
    return rewritten(name, lambda content: {each: content[each] for each in content if each != key})


HARM = [
    pytest.param(lambda folder: (folder / "summary.json").unlink(), "summary.json is missing", id="a file is missing"),
    pytest.param(
        lambda folder: (folder / "findings.json").write_text('{"schema": '),
        "findings.json is damaged", id="a file cut off",
    ),
    pytest.param(
        lambda folder: (folder / "track.json").write_bytes(b"\xff\xfe"),
        "track.json is damaged", id="a file that is no text",
    ),
    pytest.param(rewritten("coverage", lambda _: [1, 2]), "coverage.json is damaged", id="a list"),
    pytest.param(
        rewritten("findings", lambda content: {**content, "schema": "hullscan.findings/2"}),
        "findings.json is of 'hullscan.findings/2', this program reads 'hullscan.findings/1'", id="a newer format",
    ),
    pytest.param(without("findings", "schema"), "findings.json is of None", id="a format that is not named"),
    pytest.param(without("findings", "findings"), "incomplete", id="findings without findings"),
    pytest.param(without("summary", "outcome"), "incomplete", id="a summary without outcome"),
    pytest.param(without("coverage", "cells"), "incomplete", id="a coverage without cells"),
    pytest.param(
        rewritten("summary", lambda content: {**content, "duration_s": "x"}), "incomplete", id="a text for a number"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("harm", "words"), HARM)
def test_results_that_cannot_be_read_are_said_in_one_line(tmp_path, hull, harm, words):
    folder = made(tmp_path / "m", Parts([]))
    harm(folder.path)
    with pytest.raises(RecordError) as told:
        write_report(folder)
    assert words in str(told.value)
    assert "hullscan analyze" in told.value.todo
    assert "\n" not in str(told.value)
    assert not folder.report.exists()


def test_a_report_that_cannot_be_written_is_one_line(tmp_path):
    folder = made(tmp_path / "m", Parts([]))
    folder.report.mkdir()
    with pytest.raises(HullscanError, match=r"cannot write .*report\.html: Is a directory"):
        write_report(folder)


# --- the maps ---


@dataclass
class Scale:
    """A hull map's scale, read off its own ticks and depth lines as a person would."""

    svg: Element

    def station_m(self, x: float) -> float:
        ticks = [each for each in self.svg.all("text", "mid") if re.fullmatch(r"\d+", each.text)]
        places = [(float(each.attributes["x"]), float(each.text)) for each in ticks]
        assert len(places) >= 2
        (x0, first), (x1, last) = places[0], places[-1]
        return first + (x - x0) / (x1 - x0) * (last - first)

    def depth_line_y(self, depth_m: int, x: float) -> float:
        """Height of a depth line, which its label follows in the drawing."""
        drawn = self.svg.children
        for line, label in pairwise(drawn):
            if line.attributes.get("class") == "depth" and label.text == f"{depth_m} m":
                points = [tuple(map(float, pair.split(","))) for pair in line.attributes["d"][1:].split(" L")]
                return float(np.interp(x, *zip(*points, strict=True)))
        raise AssertionError(f"no line of {depth_m} m")

    def findings(self) -> list[tuple[float, float]]:
        circles = [each.attributes for each in self.svg.all("circle") if each.attributes["r"] == "9"]
        return [(float(each["cx"]), float(each["cy"])) for each in circles]


def test_a_finding_lies_on_the_map_where_its_coordinates_say(page):
    starboard, port = None, None
    for svg in read(page[1]).all("svg", "map"):
        scale = Scale(svg)
        places = [(scale.station_m(x), x, y) for x, y in scale.findings()]
        if len(places) == 2:
            starboard = places, scale
        else:
            port = places, scale
    assert starboard is not None
    assert port is not None
    for (places, scale), side in ((starboard, "starboard"), (port, "port")):
        expected = [(station, depth) for station, depth, where in PLACES if where == side]
        for (station, x, y), (station_m, depth_m) in zip(places, expected, strict=True):
            assert station == pytest.approx(station_m, abs=0.02)
            assert y == pytest.approx(scale.depth_line_y(int(depth_m), x), abs=3.0), "on the line of its depth"


def test_one_metre_is_as_long_along_the_ship_as_along_the_girth(page):
    svg = next(each for each in read(page[1]).all("svg", "map") if len(Scale(each).findings()) == 2)
    radius = float(next(each for each in svg.all("circle") if each.attributes["r"] != "9").attributes["r"])
    scale = Scale(svg)
    per_station = 1.0 / (scale.station_m(1.0) - scale.station_m(0.0))
    assert radius == pytest.approx(0.42 * per_station, rel=0.01), "the 95 % circle is to scale"
    surface, deep = scale.depth_line_y(0, 300.0), scale.depth_line_y(1, 300.0)
    assert deep - surface > 0.99 * per_station, "the girth to one metre of depth is at least one metre"


def test_what_was_not_seen_is_hatched_and_what_was_seen_is_not(page):
    svg = next(each for each in read(page[1]).all("svg", "map") if len(Scale(each).findings()) == 2)
    scale, spans = Scale(svg), {"url(#gap)": [], "#74aec6": []}
    for rect in svg.all("rect"):
        fill = rect.attributes.get("fill", "")
        if fill in spans:
            x, width = float(rect.attributes["x"]), float(rect.attributes["width"])
            spans[fill].append((scale.station_m(x), scale.station_m(x + width - 0.5)))
    for fill, expected in (("#74aec6", (32.0, 33.0)), ("url(#gap)", (33.0, 34.0))):
        assert len(spans[fill]) == 4, "one run in each of four rows"
        assert np.array(spans[fill]) == pytest.approx(np.array([expected] * 4), abs=0.02)


def test_on_the_whole_hull_port_is_above_the_keel_and_the_bow_is_right(page):
    svg = read(page[1]).one("svg", "overview")
    keel_y = float(svg.one("line", "keel").attributes["y1"])
    circles = [(float(each.attributes["cx"]), float(each.attributes["cy"])) for each in svg.all("circle")]
    assert [y < keel_y for _, y in circles] == [side == "port" for _, _, side in PLACES]
    assert np.argsort([x for x, _ in circles]).tolist() == np.argsort([station for station, _, _ in PLACES]).tolist()
    metre = (circles[1][0] - circles[0][0]) / (PLACES[1][0] - PLACES[0][0])
    assert keel_y / metre == pytest.approx(10.5 / 2 + 4.7, rel=0.2), "half the breadth and the draught, about"


def test_the_track_is_drawn_on_the_side_where_it_was_flown(page):
    drawn = {len(Scale(svg).findings()): svg.all("path", "track") for svg in read(page[1]).all("svg", "map")}
    assert len(drawn[2]) == 1
    assert drawn[1] == []


def test_a_mission_that_saw_nothing_still_has_its_whole_map(tmp_path):
    empty = copy.deepcopy(coverage())
    empty["cells"] = {key: [] for key in empty["cells"]}
    empty |= {"planned_area_m2": 0.0, "seen_area_m2": 0.0, "seen_share": None, "pod": None, "gaps": []}
    root = report(tmp_path / "m", Parts([], coverage=empty))
    assert root.all("svg", "map") == []
    assert root.one("svg", "overview").one("path", "shell").attributes["d"].startswith("M")


# --- as a browser shows it ---


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_a_browser_shows_every_card(tmp_path, hull):
    findings = [finding(hull, number, *place) for number, place in enumerate(PLACES, start=1)]
    path = write_report(made(tmp_path / "m", Parts(findings)), "ko")
    command = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.resolve().as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    dom, source = read(done.stdout), read(path.read_text(encoding="utf-8"))
    assert [card.text for card in dom.all("article", "finding")] == [card.text for card in source.all("article")]
    assert len(dom.all("article", "finding")) == 3
    assert len(dom.all("img")) == 9
    shown = [each.tag for each in dom.one("main").all() if each.tag != "tbody"]  # which a browser adds to tables
    assert shown == [each.tag for each in source.one("main").all()]
