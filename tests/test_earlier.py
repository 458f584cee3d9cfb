"""What an earlier search of the same ship says of a finding: what came since goes first, nothing is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_archive import seen
from test_report import DEMO, Parts, finding, hull, made, read, summary

from hullscan.errors import InputError
from hullscan.mission.model import load_mission
from hullscan.record.database import MissionDatabase
from hullscan.record.folder import MissionFolder
from hullscan.report.compare import Change
from hullscan.report.comparison import write_comparison
from hullscan.report.earlier import earlier_mission, earlier_words, likelihood_ratio, priority, weigh_by_earlier
from hullscan.report.html import write_report
from hullscan.words import translator

__all__ = ["hull"]  # the fixture

EARLIER = summary() | {"start_utc": "2026-10-01T08:00:00.000Z"}
MEASURED = {"measured": True, "parcel_m": 0.6}


@pytest.mark.parametrize(
    ("kind", "status", "chance", "measured", "ratio"),
    [
        pytest.param("added", None, 0.8, True, 5.0, id="missed before with one in five: five times likelier new"),
        pytest.param("added", None, 0.999, True, 20.0, id="no ratio is greater than forms and places are sure"),
        pytest.param("added", None, 0.8, False, 1.0, id="an assumed POD raises nothing"),
        pytest.param("same", "flagged", 0.9, True, 1 / 9, id="there already"),
        pytest.param("same", "flagged", 1.0, True, 0.05, id="surely there already"),
        pytest.param("same", "flagged", 0.3, True, 1.0, id="another thing in its place raises nothing either"),
        pytest.param("same", "confirmed", 0.9, True, 1.0, id="confirmed by readers then: not put back"),
        pytest.param("same", "escalated", 0.9, True, 1.0, id="passed on by readers then: not put back"),
        pytest.param("same", "rejected", 0.9, True, 1 / 9, id="rejected by readers then"),
        pytest.param("changed", "flagged", 0.9, True, 1.0, id="something else lay there"),
        pytest.param("not searched before", None, 0.0, True, 1.0, id="nobody had looked"),
    ],
)
def test_the_likelihood_ratio_is_that_of_what_the_earlier_search_flagged(kind, status, chance, measured, ratio):
    before = None if status is None else {"status": status}
    assert likelihood_ratio(Change(kind, before, {}, None, chance), measured) == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("score", "ratio", "raised"), [(0.5, 5.0, 5 / 6), (0.8, 0.25, 0.5), (0.6, 1.0, 0.6), (1, 9, 1)]
)
def test_the_odds_of_a_score_are_multiplied(score, ratio, raised):
    assert priority(score, ratio) == pytest.approx(raised)


def missions(tmp_path: Path, hull: Any) -> tuple[MissionFolder, MissionFolder]:
    """F01 was there before and scores more than F02, which is new."""
    olds = [finding(hull, 1, 25.0, 2.0)]
    news = [finding(hull, 1, 25.0, 2.0) | {"score": 0.9}, finding(hull, 2, 40.0, 2.0) | {"score": 0.6}]
    before = made(tmp_path / "before", Parts(olds, summary=EARLIER, coverage=seen((20, 50)) | {"pod_model": MEASURED}))
    return before, made(tmp_path / "after", Parts(news, coverage=seen((20, 50))))


def weighed(before: MissionFolder, after: MissionFolder) -> list[dict[str, Any]]:
    database = MissionDatabase(after.database)
    weigh_by_earlier(after, before, database)
    content = json.loads((after.path / "findings.json").read_text(encoding="utf-8"))
    assert database.result("findings") == content
    database.close()
    return content["findings"]


def test_what_came_since_goes_first_and_what_was_there_is_not_left_out(tmp_path, hull):
    new, old = weighed(*missions(tmp_path, hull))
    assert (new["id"], new["score"], new["priority"]) == ("F02", 0.6, pytest.approx(0.882, abs=1e-3))
    assert new["earlier"] == {
        "mission": "before", "start_utc": "2026-10-01T08:00:00.000Z", "kind": "added", "id": None, "status": None,
        "apart_m": None, "pod": 0.8, "pod_measured": True, "likelihood_ratio": 5.0,
    }  # fmt: skip
    assert (old["id"], old["score"], old["earlier"]["kind"], old["earlier"]["id"]) == ("F01", 0.9, "same", "F01")
    assert old["priority"] < 0.5


@pytest.mark.parametrize(
    ("language", "new", "old"),
    [
        pytest.param("en", "would have flagged it with 80 %", "There already on 2026-10-01 (F01)", id="English"),
        pytest.param("ko", "2026-10-01 이후 새로 생겼습니다", "2026-10-01에도 있던 것입니다", id="Korean"),
    ],
)
def test_the_report_says_why(tmp_path, hull, language, new, old):
    before, after = missions(tmp_path, hull)
    weighed(before, after)
    cards = read(write_report(after, language).read_text(encoding="utf-8")).all("article")
    assert [new in cards[0].text, old in cards[1].text] == [True, True]
    _, data = write_comparison(before, after, [Change("added", None, finding(hull, 2, 40.0, 2.0), None, 0.8)],
                               tmp_path / "out", language)  # fmt: skip
    assert json.loads(data.read_text(encoding="utf-8"))["things"][0]["likelihood_ratio"] == 5.0


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("kind", ["added", "same", "changed", "not searched before"])
@pytest.mark.parametrize("status", ["flagged", "confirmed"])
def test_every_kind_is_said_in_both_languages(language, kind, status):
    told = {"mission": "m", "start_utc": None, "kind": kind, "id": "F07", "status": status, "apart_m": None,
            "pod": 0.5, "pod_measured": status == "flagged", "likelihood_ratio": 2.0}  # fmt: skip
    said = earlier_words({"earlier": told}, translator(language))
    assert said
    assert (language == "ko") == any("가" <= letter <= "힣" for letter in said)
    assert earlier_words({}, translator(language)) == ""


@pytest.mark.parametrize(
    ("mission", "start_utc", "refused"),
    [
        pytest.param(DEMO.replace("9876543", "9876555"), "2026-11-22T09:30:00.000Z", "two ships", id="another ship"),
        pytest.param(DEMO, "2026-09-01T08:00:00.000Z", "not an earlier one", id="a later mission"),
    ],
)
def test_only_an_earlier_mission_of_the_same_ship_is_compared_with(tmp_path, hull, mission, start_utc, refused):
    path = tmp_path / "mission.yaml"
    path.write_text(mission, encoding="utf-8")
    made(tmp_path / "before", Parts([], summary=EARLIER))
    with pytest.raises(InputError, match=refused):
        earlier_mission(tmp_path / "before", load_mission(path), start_utc)
