"""The archive, and what changed between two missions on one ship."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from test_report import DEMO, Parts, coverage, finding, hull, made, reaches_out, read

from hullscan.console.archive_tables import change_table
from hullscan.console.tables import what_if_lines
from hullscan.errors import InputError, RecordError
from hullscan.mission.model import load_mission
from hullscan.record.archive import add_to_archive, archived
from hullscan.record.checking import check_folder
from hullscan.report.compare import Change, compare_missions, what_changed
from hullscan.report.comparison import write_comparison
from hullscan.ship.floating import as_floating
from hullscan.words import translator

__all__ = ["hull"]  # the fixture


def seen(stations_m: tuple[float, float], pod: float = 0.8) -> dict[str, Any]:
    """A coverage map that looked at a stretch of the starboard side, all depths."""
    stations, girths = np.meshgrid(np.arange(*stations_m, 0.25) + 0.125, np.arange(0, 6, 0.25) + 0.125)
    count = stations.size
    return coverage() | {
        "seen_area_m2": count * 0.25**2,
        "cells": {
            "side": ["starboard"] * count, "station_m": stations.ravel().tolist(), "girth_m": girths.ravel().tolist(),
            "planned": [True] * count, "looks": [3] * count, "best_gsd_mm": [1.0] * count,
            "best_incidence_deg": [5.0] * count, "contrast": [20.0] * count, "pod": [pod] * count,
        }
    }  # fmt: skip


def compared(tmp_path: Path, olds: list[dict[str, Any]], news: list[dict[str, Any]], **maps: Any) -> list[Change]:
    one = made(tmp_path / "before", Parts(olds, coverage=maps.get("before", seen((20, 50)))))
    two = made(tmp_path / "after", Parts(news, coverage=maps.get("after", seen((20, 50)))))
    return compare_missions(one, two)


def kinds(changes: list[Change]) -> list[tuple[str, str | None, str | None]]:
    return [
        (each.kind, each.before and each.before["id"], each.after and each.after["id"])  # type: ignore[misc]
        for each in changes
    ]


def test_what_stayed_went_and_came_is_told_apart(tmp_path, hull):
    before = [finding(hull, 1, 25.0, 2.0), finding(hull, 2, 30.0, 2.0)]
    after = [finding(hull, 1, 40.0, 2.0), finding(hull, 2, 25.1, 2.05)]
    changes = compared(tmp_path, before, after)
    assert kinds(changes) == [("added", None, "F01"), ("gone", "F02", None), ("same", "F01", "F02")]
    assert changes[1].probability == 0.8
    assert changes[2].distance_m == pytest.approx(0.11, abs=0.02)


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        pytest.param({"size_m": 0.5}, "same", id="a little larger: sizes are not known better"),
        pytest.param({"size_m": 1.0}, "changed", id="more than twice as large"),
        pytest.param({"size_m": 0.2}, "changed", id="less than half as large"),
        pytest.param({"label": "rope"}, "changed", id="a rope where a parcel was"),
    ],
)
def test_what_lies_in_its_place_but_is_another_thing_has_changed(tmp_path, hull, changed, kind):
    one = finding(hull, 1, 25.0, 2.0)
    assert one["size_m"] == 0.44
    (change,) = compared(tmp_path, [one], [{**one, **changed}])
    assert change.kind == kind
    assert change.probability == pytest.approx(0.78**2) if "label" in changed else change.probability > 0.95


def test_what_lies_where_nobody_looked_before_is_not_called_new(tmp_path, hull):
    changes = compared(tmp_path, [], [finding(hull, 1, 25.0, 2.0)], before=seen((30, 50)))
    assert kinds(changes) == [("not searched before", None, "F01")]
    table = Console(file=(said := io.StringIO()), width=200)
    table.print(change_table(changes, translator("ko")))
    assert "이전에 수색하지 않음" in said.getvalue()


def test_what_nobody_looked_at_again_is_not_called_gone(tmp_path, hull):
    changes = compared(tmp_path, [finding(hull, 1, 25.0, 2.0)], [], after=seen((30, 50)))
    assert kinds(changes) == [("not searched again", "F01", None)]


def test_a_thing_on_the_other_side_is_another_thing(tmp_path, hull):
    changes = compared(tmp_path, [finding(hull, 1, 25.0, 2.0, "port")], [finding(hull, 1, 25.0, 2.0)])
    assert {change.kind for change in changes} == {"added", "not searched again"}


def test_two_parcels_side_by_side_keep_their_own_partners(tmp_path, hull):
    before = [finding(hull, 1, 25.0, 2.0), finding(hull, 2, 25.6, 2.0)]
    after = [finding(hull, 1, 25.65, 2.0), finding(hull, 2, 25.05, 2.0)]
    assert sorted(kinds(compared(tmp_path, before, after))) == [("same", "F01", "F02"), ("same", "F02", "F01")]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(21, 49), max_size=5), st.lists(st.floats(21, 49), max_size=5))
def test_every_finding_is_told_once(tmp_path_factory, hull, before, after):
    olds = [finding(hull, n, station, 2.0) for n, station in enumerate(before, start=1)]
    news = [finding(hull, n, station, 2.0) for n, station in enumerate(after, start=1)]
    changes = compared(tmp_path_factory.mktemp("m"), olds, news)
    assert sorted(change.before["id"] for change in changes if change.before) == [old["id"] for old in olds]
    assert sorted(change.after["id"] for change in changes if change.after) == [new["id"] for new in news]


def floating(fore_m: float, aft_m: float, list_deg: float = 0.0) -> str:
    """The demo's mission with the ship afloat otherwise; her form is that of a drawing, so it stays the same."""
    text = DEMO.replace(
        "{type: bulk_carrier, length_m: 52, beam_m: 10.5, draught_fwd_m: 4.6, draught_aft_m: 4.8}",
        "{type: tanker, length_m: 52, beam_m: 10.5, design_draught_m: 4.7, depth_m: 7.0, "
        f"draught_fwd_m: {fore_m}, draught_aft_m: {aft_m}, list_deg: {list_deg}}}",
    )
    assert "tanker" in text
    return text


@pytest.mark.parametrize(
    ("fore_m", "aft_m", "list_deg"),
    [
        pytest.param(5.4, 5.6, 0.0, id="she was loaded: deeper by 0.8 m"),
        pytest.param(4.2, 5.4, 0.0, id="she was trimmed by the stern"),
        pytest.param(4.6, 4.8, 2.0, id="she took a list of two degrees"),
    ],
)
def test_a_thing_stays_in_its_place_when_the_ship_floats_otherwise(tmp_path, fore_m, aft_m, list_deg):
    texts = [floating(4.6, 4.8), floating(fore_m, aft_m, list_deg)]
    missions = []
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text, encoding="utf-8")
        missions.append(load_mission(path))
    upright, other = (mission.hull for mission in missions)
    one = finding(upright, 1, 25.0, 3.0)
    place = upright.nearest(np.array([[25.0, 5.25, 3.0]]))[0]
    one["position_ship_m"] = place[0].tolist()
    again = as_floating(place, upright.dimensions, other.dimensions)
    assert other.nearest(again)[1][0] == pytest.approx(0, abs=0.02), "it still lies on the plating"
    assert as_floating(again, other.dimensions, upright.dimensions) == pytest.approx(place)
    two = {**one, "position_ship_m": again[0].tolist(), "depth_m": float(again[0, 2])}
    before = made(tmp_path / "before", Parts([one], mission=texts[0], coverage=seen((20, 50))))
    after = made(tmp_path / "after", Parts([two], mission=texts[1], coverage=seen((20, 50))))
    (change,) = compare_missions(before, after)
    assert change.kind == "same"
    assert change.distance_m == pytest.approx(0, abs=1e-6)
    assert change.probability > 0.99


def test_the_farther_apart_two_looks_lie_the_less_they_are_one_thing(tmp_path, hull):
    chances = []
    for number, apart_m in enumerate((0.0, 0.3, 0.6)):
        here = tmp_path / str(number)
        (change,) = compared(here, [finding(hull, 1, 25.0, 2.0)], [finding(hull, 1, 25.0 + apart_m, 2.0)])
        assert change.kind == "same"
        chances.append(change.probability)
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 0.95


def test_a_comparison_is_written_for_people_and_for_programs(tmp_path, hull):
    olds = [finding(hull, 1, 25.0, 2.0), finding(hull, 2, 30.0, 2.0)]
    news = [finding(hull, 1, 25.1, 2.05), finding(hull, 2, 40.0, 2.0)]
    before = made(tmp_path / "a", Parts(olds, coverage=seen((20, 50))))
    after = made(tmp_path / "b", Parts(news, coverage=seen((20, 50))))
    changes = compare_missions(before, after)
    page, data = write_comparison(before, after, changes, tmp_path / "out", "ko")
    told = json.loads(data.read_text(encoding="utf-8"))
    assert [each["kind"] for each in told["things"]] == ["added", "gone", "same"]
    one = told["things"][-1]
    assert (one["before"], one["after"]) == ("F01", "F01")
    assert one["radius95_m"] < 0.42, "both looks together know the place of the one thing better"
    assert one["station_m"] == 25.1
    assert len(told["missions"][0]["findings_sha256"]) == 64
    root = read(page.read_text(encoding="utf-8"))
    assert reaches_out(page.read_text(encoding="utf-8")) == []
    assert len(root.all("article")) == 3
    assert len(root.all("img")) == 4
    assert "새로 나타남" in root.text


def test_the_same_imo_number_is_the_same_ship_under_another_name(tmp_path, hull):
    one = made(tmp_path / "a", Parts([], mission=DEMO))
    two = made(tmp_path / "b", Parts([], mission=DEMO.replace("MV Haneul", "MV Bada")))
    content = json.loads((two.path / "findings.json").read_text(encoding="utf-8"))
    (two.path / "findings.json").write_text(json.dumps(content | {"ship": "MV Bada"}), encoding="utf-8")
    assert compare_missions(one, two) == []
    (two.path / "mission.yaml").write_text(DEMO.replace("9876543", "9876555"), encoding="utf-8")
    with pytest.raises(InputError, match="two ships"):
        compare_missions(one, two)


def test_two_ships_are_not_compared(tmp_path, hull):
    one, two = made(tmp_path / "a", Parts([])), made(tmp_path / "b", Parts([]))
    content = json.loads((two.path / "findings.json").read_text(encoding="utf-8"))
    (two.path / "findings.json").write_text(json.dumps(content | {"ship": "another"}), encoding="utf-8")
    with pytest.raises(InputError, match="two ships"):
        compare_missions(one, two)


def test_an_archive_holds_signed_bags_and_lists_what_is_damaged(tmp_path, hull):
    archive, key = tmp_path / "archive", tmp_path / "key"
    good = made(tmp_path / "good", Parts([finding(hull, 1, 25.0, 2.0)]))
    harmed = made(tmp_path / "harmed", Parts([]))
    bags = [add_to_archive(archive, folder, key) for folder in (good, harmed)]
    (bags[1] / "data" / "summary.json").write_text("{", encoding="utf-8")
    first, second = archived(archive)
    assert (first.findings, first.damage) == (1, "")
    assert "summary.json is damaged" in second.damage
    assert any(check.passed for check in check_folder(bags[0]))
    with pytest.raises(RecordError, match="is there already"):
        add_to_archive(archive, good, key)
    with pytest.raises(InputError, match="there is no archive"):
        list(archived(tmp_path / "nowhere"))


# --- one recording, read twice ---


def test_a_new_reading_tells_what_it_gained_lost_and_moved(tmp_path, hull):
    old = [finding(hull, 1, 25.0, 2.0), finding(hull, 2, 30.0, 2.0), finding(hull, 3, 35.0, 2.0)]
    new = [finding(hull, 1, 40.0, 2.0), finding(hull, 2, 25.0, 2.0), finding(hull, 3, 30.2, 2.0)]
    one = made(tmp_path / "before", Parts(old, coverage=seen((20, 50), 0.8) | {"pod": 0.8, "seen_area_m2": 40.0}))
    two = made(tmp_path / "after", Parts(new, coverage=seen((20, 50), 0.6) | {"pod": None, "seen_area_m2": 30.0}))
    changed = what_changed(one, two)
    assert [each["id"] for each in changed.gained] == ["F01"]
    assert [each["id"] for each in changed.lost] == ["F03"]
    ((before, after, distance_m),) = changed.moved
    assert (before["id"], after["id"], distance_m) == ("F02", "F03", pytest.approx(0.2))
    assert (changed.same, changed.pod) == (2, (0.8, None))
    lines = what_if_lines(changed, translator("en"))
    assert "2 findings are there still, 1 gained, 1 lost" in lines[0]
    assert lines[1].startswith("gained F01: starboard, station 40.0 m")
    assert lines[2].startswith("lost F03: ")
    assert lines[3].startswith("moved F02 → F03: by 0.20 m")
    assert lines[4] == "POD 0.80 → –, seen 40.0 → 30.0 m²"
    assert all(any("가" <= letter <= "힣" for letter in line) for line in what_if_lines(changed, translator("ko")))


def test_a_reading_that_is_the_same_changes_nothing(tmp_path, hull):
    folders = [made(tmp_path / name, Parts([finding(hull, 1, 25.0, 2.0)])) for name in ("before", "after")]
    changed = what_changed(*folders)
    assert (changed.gained, changed.lost, changed.moved, changed.same) == ([], [], [], 1)
