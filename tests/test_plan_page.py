"""The plan's page: loads nothing, says what plan.json says, draws what was planned; read by html.parser."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial import cKDTree
from test_report import Element, read

from hullscan.errors import InputError
from hullscan.mission.lawnmower import lawnmower_legs
from hullscan.mission.model import Mission, load_mission
from hullscan.mission.patterns import Area
from hullscan.mission.place_words import pattern_in_words, place_in_words
from hullscan.mission.plan import Plan, plan_mission
from hullscan.mission.pricing import price_legs
from hullscan.report.plan_page import plan_page, write_plan_page
from hullscan.report.shell_raster import ShellRaster
from hullscan.search.cells import HullCells
from hullscan.words import translator

MISSIONS = Path(__file__).parent.parent / "missions"
KO = translator("ko")


@pytest.fixture(scope="module")
def listed() -> tuple[Mission, Plan]:
    """An explicit list of patterns."""
    mission = load_mission(MISSIONS / "demo.yaml")
    return mission, plan_mission(mission)


@pytest.fixture(scope="module")
def chosen() -> tuple[Mission, Plan]:
    """A plan that chooses, in a window too short for the ship; her name is an attempt at an injection."""
    mission = load_mission(MISSIONS / "demo.yaml")
    ship = replace(mission.file.ship, name="</script><script>alert(1)</script>", fittings=())
    mission = replace(mission, file=replace(mission.file, survey="auto", window_min=5, ship=ship))
    return mission, plan_mission(mission, effort=2)


@pytest.fixture(scope="module", params=["listed", "chosen"])
def planned(request: pytest.FixtureRequest) -> tuple[Mission, Plan, str]:
    mission, plan = request.getfixturevalue(request.param)
    return mission, plan, plan_page(plan, mission)


def rows(page: Element, table: Element) -> list[list[str]]:
    return [[cell.text for cell in row.all("td")] for row in table.all("tr") if row.all("td")]


def by_id(page: Element, name: str) -> Element:
    (element,) = [each for each in page.all() if each.attributes.get("id") == name]
    return element


def scene_of(page: str) -> dict:
    return json.loads("".join(by_id(read(page), "scene").texts))


def array(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


# --- it loads nothing ---


def test_the_page_refers_to_nothing_outside_itself(planned: tuple[Mission, Plan, str]) -> None:
    page = read(planned[2])
    for element in page.all():
        assert element.tag not in {"iframe", "object", "embed", "link", "base", "form", "a", "img"}
        for name, value in element.attributes.items():
            assert not name.startswith("on"), f"{element.tag} {name}"
            assert name not in {"src", "href", "srcset", "action", "poster", "background", "ping"}, value
            assert not re.search(r"(?i)\b[a-z]+://|url\((?!#)", value) or element.tag == "meta", value
    css, (data, program) = page.one("style").text, page.all("script")
    assert not re.search(r"(?i)@import|@font-face|url\(", css)
    reaching = r"(?i)\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|\bimport\b|importScripts|[a-z]+://"
    assert not re.search(reaching, "".join(program.texts))
    assert not re.search(r"[a-z]+://", "".join(data.texts))
    policy = [e.attributes["content"] for e in page.all("meta") if e.attributes.get("http-equiv")]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"]


def test_a_ships_name_cannot_end_the_script(chosen: tuple[Mission, Plan]) -> None:
    page = read(plan_page(chosen[1], chosen[0]))
    assert len(page.all("script")) == 2
    assert page.one("h1").text == "</script><script>alert(1)</script>"


def test_the_page_is_small(planned: tuple[Mission, Plan, str]) -> None:
    assert len(planned[2].encode()) < 3_000_000


# --- it says what plan.json says ---


def test_the_tiles_are_the_numbers_of_plan_json(planned: tuple[Mission, Plan, str]) -> None:
    mission, plan, text = planned
    content = json.loads(json.dumps(plan.as_dict()))
    tiles = {tile.one("span").text: tile.one("b").text for tile in read(text).all("div", "tile")}
    whole = "over what is asked for" if content["chosen"] is None else "over the whole ship, by risk"
    assert tiles[f"expected POD {whole}"] == f"{100 * content['expected_pod']:.0f} %"
    assert tiles["of the risk is in view at least once"] == f"{100 * content['prior_seen']:.0f} %"
    area, asked = content["planned_area_m2"], content["plannable_area_m2"]
    assert tiles["of the hull that is asked for is seen"] == f"{area:.0f} / {asked:.0f} m²"
    assert tiles[f"of way, in {len(content['legs'])} legs"] == f"{content['length_m']:.0f} m"
    minutes, seconds = divmod(int(content["duration_s"]), 60)
    assert tiles["of the window"] == f"{minutes}:{seconds:02d} / {mission.file.window_min:g} min"
    assert tiles["stand-off of the camera"] == f"{content['stand_off_m']:.2f} m"
    limit = mission.file.limits.min_clearance_m
    assert tiles[f"least clearance, {limit:.2f} m is the limit"] == f"{content['min_clearance_m']:.2f} m"


def test_the_table_of_legs_is_that_of_plan_json(planned: tuple[Mission, Plan, str]) -> None:
    _, plan, text = planned
    page, content = read(text), plan.as_dict()
    table = rows(page, by_id(page, "legs"))
    assert len(table) == len(content["legs"])
    zones = {zone["name"] for zone in content["zones"]}
    for number, (row, leg) in enumerate(zip(table, content["legs"], strict=True), start=1):
        poses = np.array(leg["poses"])
        assert int(row[0]) == number
        assert row[2] == leg["zone"] or leg["zone"] in zones
        times = [f"{int(leg[key]) // 60}:{int(leg[key]) % 60:02d}" for key in ("start_s", "end_s")]
        assert row[3:5] == times
        length = np.linalg.norm(np.diff(poses[:, 1:4], axis=0), axis=1).sum()
        assert float(row[5].removesuffix(" m")) == pytest.approx(length, abs=0.1)
        assert row[6] == f"{leg['speed_mps']:.2f} m/s"


def test_the_verdict_and_every_reason_stand_on_the_page(planned: tuple[Mission, Plan, str]) -> None:
    _, plan, text = planned
    verdict = plan.as_dict()["feasibility"]
    block = read(text).one("div", "verdict")
    assert verdict["verdict"] in block.attributes["class"].split()
    said = [item.all("span")[1].text for item in block.all("li")]
    assert sorted(said) == sorted(check["text"] for check in verdict["checks"])


def test_what_is_left_out_is_named_with_the_minutes_that_bring_it_in(chosen: tuple[Mission, Plan]) -> None:
    mission, plan = chosen
    table = read(plan_page(plan, mission)).one("table", "outtable")
    said = {row[0].removesuffix(" (assumed)"): row[2] for row in rows(table, table)}
    assert list(said) == plan.as_dict()["left_out"]
    for zone in plan.as_dict()["zones"]:
        if zone["minutes_more"] != 0:
            more = zone["minutes_more"]
            assert said[zone["name"]] == ("no pass sees it" if more is None else f"+{more:.1f}")


def test_the_curve_goes_through_the_points_of_plan_json(planned: tuple[Mission, Plan, str]) -> None:
    _, plan, text = planned
    chart = by_id(read(text), "chart")
    dots = [(float(d.attributes["cx"]), float(d.attributes["cy"])) for d in chart.all("circle", "curvedot")]
    ticks = [t for t in chart.all("text", "tick") if t.text.endswith("%")]
    percent = np.array([float(t.text.removesuffix(" %")) for t in ticks])
    heights = np.array([float(t.attributes["y"]) - 4 for t in ticks])
    scale = np.polyfit(heights, percent / 100, 1)
    per_px = float(chart.attributes["data-minutes"]) / float(chart.attributes["data-width"])
    for (x, y), (minutes, pod) in zip(dots, plan.as_dict()["curve"], strict=True):
        assert x * per_px == pytest.approx(minutes, abs=0.02)
        assert np.polyval(scale, y) == pytest.approx(pod, abs=0.005)


# --- it draws what was planned ---


def test_the_scene_holds_the_way_of_the_plan(planned: tuple[Mission, Plan, str]) -> None:
    mission, plan, text = planned
    scene = scene_of(text)
    times, legs = array(scene["times"], "<f4"), array(scene["legs"], "<u4")
    places = array(scene["positions"], "<f4").reshape(-1, 3)
    views = array(scene["views"], "<f4").reshape(-1, 4, 3)
    assert len(times) == len(legs) == len(places) == len(views) == len(scene["map"])
    assert set(legs.tolist()) == set(range(len(plan.legs)))
    assert (np.diff(times) >= -1e-3).all()
    for number, leg in enumerate(plan.legs):
        mine = legs == number
        there = np.column_stack([np.interp(times[mine], leg.poses[:, 0], leg.poses[:, k]) for k in (1, 2, 3)])
        assert np.abs(there - places[mine]).max() < 0.02
        assert places[mine][[0, -1]] == pytest.approx(leg.poses[[0, -1], 1:4], abs=1e-3)
    reach = np.linalg.norm(views - places[:, None], axis=2)
    assert reach.max() < 0.8 * mission.file.conditions.visibility_m + 0.3
    on_hull = mission.hull.nearest(views[plan.legs[1].surveys * (legs == 1)].reshape(-1, 3))[1]
    assert np.median(on_hull) < 0.02


def test_the_skin_of_the_scene_is_the_hull(planned: tuple[Mission, Plan, str]) -> None:
    mission, _, text = planned
    scene = scene_of(text)
    vertices = array(scene["vertices"], "<f4").reshape(-1, 3)
    faces = array(scene["faces"], "<u2").reshape(-1, 3)
    assert len(vertices) < 2**16
    assert faces.max() < len(vertices)
    corners = vertices[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    assert cKDTree(mission.hull.vertices_m).query(vertices)[0].max() < 1e-4
    wet = corners[:, :, 2].mean(axis=1) > 0
    assert area[wet].sum() == pytest.approx(mission.hull.wetted_area_m2, rel=0.02)
    out = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    middle = corners.mean(axis=1)
    outward = mission.hull.nearest(middle[::53])[2]
    assert ((out[::53] * outward).sum(axis=1) > -1e-6).mean() > 0.97


def test_the_texture_shows_as_much_hull_as_is_seen(planned: tuple[Mission, Plan, str]) -> None:
    mission, plan, text = planned
    data = base64.b64decode(scene_of(text)["texture"].split(",")[1])
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    cells = HullCells(mission.hull)
    raster = ShellRaster.of_cells(cells)
    assert picture.shape[:2] == raster.shape
    asked = plan.asked(cells)
    seen = (picture[:, :, 1] == 255) & (raster.cell >= 0)
    shown = cells.area_m2[np.unique(raster.cell[seen])]
    both = seen & asked[raster.cell]
    assert cells.area_m2[np.unique(raster.cell[both])].sum() == pytest.approx(plan.planned_area_m2, rel=0.02)
    assert shown.sum() >= plan.planned_area_m2 * 0.98
    left_out = (picture[:, :, 1] == 170) & (raster.cell >= 0)
    out = float(cells.area_m2[np.unique(raster.cell[left_out])].sum())
    assert out == pytest.approx(plan.plannable_area_m2 - plan.planned_area_m2, abs=0.02 * plan.plannable_area_m2 + 1)
    assert picture[:, :, 0][seen].max() <= 254  # each is seen before the end


def test_the_map_shows_lanes_in_their_order_with_number_and_time(listed: tuple[Mission, Plan]) -> None:
    mission, plan = listed
    drawing = by_id(read(plan_page(plan, mission)), "planmap")
    badges = drawing.all("g", "badge")
    lanes = [number for number, leg in enumerate(plan.legs, start=1) if leg.lane[0]]
    assert [int(badge.one("text").text) for badge in badges] == lanes
    for badge, number in zip(badges, lanes, strict=True):
        start = int(plan.legs[number - 1].start_s)
        assert f"{start // 60}:{start % 60:02d}" in badge.one("title").text
    names = {text.text for text in drawing.all("text", "small")}
    assert {"anode", "outlet", "launch"} <= names


def test_the_raster_finds_every_cell_where_it_lies_on_the_unrolled_hull() -> None:
    mission = load_mission(MISSIONS / "ship-from-offsets.yaml")
    cells = HullCells(mission.hull)
    raster = ShellRaster.of_cells(cells)
    pixel = np.floor(raster.pixels(mission.hull.unroll(cells.side, cells.station_m, cells.girth_m))).astype(int)
    found = raster.cell[pixel[:, 1], pixel[:, 0]]
    assert (np.abs(cells.girth_m[found] - cells.girth_m) <= 0.26).mean() > 0.99
    assert (cells.side[found] == cells.side).mean() > 0.99
    assert (np.abs(cells.station_m[found] - cells.station_m) < 0.01).all()


def test_runs_and_borders_draw_a_mask_exactly() -> None:
    raster = ShellRaster(np.zeros((3, 5), np.intp), 0.0, 1.0, 1.0)
    mask = np.array([[0, 1, 1, 0, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
    assert raster.runs(mask) == "M1 0h2v1h-2zM4 0h1v1h-1zM0 2h5v1h-5z"
    number = np.array([[0, 0, 1, 1, -1], [0, 0, 1, 1, -1], [2, 2, 2, 2, 2]])
    assert raster.borders(number) == "M0 2h4M2 0v2"


# --- in Korean ---


def test_the_korean_page_is_korean(chosen: tuple[Mission, Plan]) -> None:
    mission, plan = chosen
    page = read(plan_page(plan, mission, "ko"))
    assert page.one("html").attributes["lang"] == "ko"
    for cell in [cell for table in page.all("table") for row in rows(page, table) for cell in row]:
        assert not re.search(r"[A-Za-z]{3,}", cell), cell
    for text in [element.text for element in by_id(page, "planmap").all("text")]:
        assert not re.search(r"[A-Za-z]{3,}", text), text


PLACES = [
    "water", "keel line", "rudder and propeller", "bottom, lane 3 of 9", "port side, lane 2 of 12",
    "starboard side, on the way", "port side, girth line at station 12.5", "port bottom, girth line at station 3.0",
    "port side, girth lines at stations 8 to 10",
    "starboard side, stations 3.8 to 14.8, 1.2 to 3.6 m deep", "port bilge keel, above the plate",
    "starboard spot at station 62.0, 2.8 m deep", "starboard sea chest at station 26.0",
]  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_every_place_of_a_leg_has_a_korean_name(name: str) -> None:
    korean = place_in_words(name, KO)
    assert re.search("[가-힣]", korean)
    assert not re.search("[A-Za-z]{2,}", korean)
    assert re.findall(r"[\d.]+", korean.replace("/", " ")) == re.findall(r"\d[\d.]*", name)
    assert place_in_words(name, translator("en")) == name


def test_a_place_that_no_message_fits_stays_as_it_is() -> None:
    assert place_in_words("somewhere else", KO) == "somewhere else"
    assert pattern_in_words("a_new_pattern", KO) == "a new pattern"


def test_an_unknown_language_writes_no_page(listed: tuple[Mission, Plan], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="en, ko"):
        write_plan_page(listed[1], listed[0], tmp_path, "xx")
    assert not (tmp_path / "plan.html").exists()


# --- what it is compared with ---


def test_the_lawnmower_stays_over_what_is_asked_for_and_begins_on_the_launchs_side(
    listed: tuple[Mission, Plan],
) -> None:
    mission = replace(listed[0], file=replace(listed[0].file, berth=replace(listed[0].file.berth, quay_side=None)))
    cells = HullCells(mission.hull)
    areas = (Area("port", (10.0, 20.0), (0.0, 4.0)), Area("starboard", (30.0, 42.0), (0.0, 4.0)))
    legs = [leg for leg in lawnmower_legs(mission, cells, areas) if leg.lane[0]]
    sides = [np.sign(leg.poses[:, 2].mean()) for leg in legs]
    assert sides == sorted(sides, reverse=True)
    assert set(sides) == {1.0, -1.0}
    for leg in legs:
        low, high = (30.0, 42.0) if leg.poses[0, 2] > 0 else (10.0, 20.0)
        assert low - 0.3 <= leg.poses[:, 1].min() <= leg.poses[:, 1].max() <= high + 0.3
    depths = [leg.poses[:, 3].mean() for leg in legs if leg.poses[0, 2] > 0]
    assert depths == sorted(depths)


def test_no_lawnmower_is_flown_between_ship_and_quay(listed: tuple[Mission, Plan]) -> None:
    cells = HullCells(listed[0].hull)
    assert lawnmower_legs(listed[0], cells, [Area("port", (10.0, 20.0), (0.0, 4.0))]) == []


def test_each_cell_that_is_seen_has_a_first_look_within_the_plan(listed: tuple[Mission, Plan]) -> None:
    mission, plan = listed
    cells = HullCells(mission.hull)
    share = np.full(len(cells), 1 / len(cells))
    priced = price_legs(plan.legs, cells, mission.vehicle, share, visibility_m=4.0, model=mission.pod_model)
    assert (np.isfinite(priced.first_look_s) == priced.seen).all()
    first = priced.first_look_s[priced.seen]
    searching = [leg for leg in plan.legs if leg.surveys]
    assert searching[0].start_s <= first.min()
    assert first.max() <= searching[-1].end_s
    lane = cells.within(1, (33.0, 40.0), (0.4, 1.0)) & priced.seen  # the upper edge is seen by the first lane
    assert np.median(priced.first_look_s[lane]) < plan.legs[3].start_s
