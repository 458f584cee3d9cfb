"""Planted parcels: worlds drawn from a seed, what surveys made of them, and bounds as statistics tables give them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from hullscan.cli import app
from hullscan.console.trials_table import trials_table
from hullscan.errors import InputError
from hullscan.mission.model import load_mission
from hullscan.mission.plan import plan_mission
from hullscan.vision.trials import lower_bound, mission_folders, read_survey, score_surveys, upper_bound
from hullscan_sim.campaign import CampaignRequest, write_campaign
from hullscan_sim.scenario import load_scenario

MISSION = Path(__file__).parent.parent / "missions" / "demo.yaml"
PLANTED = {
    "a": ("box", [0.6, 0.4, 0.3], [33.0, 5.0, 1.5]),
    "b": ("bag", [0.4, 0.3, 0.2], [36.0, 5.0, 2.5]),
    "c": ("torpedo", [1.1, 0.2, 0.2], [20.0, 5.0, 2.5]),  # where nothing was to be searched
}


def finding(place: list[float], score: float = 0.8, label: str = "parcel") -> dict[str, object]:
    return {"label": label, "score": score, "position_ship_m": place, "radius95_m": 0.2, "size_m": 0.5}


def survey_folder(
    tmp_path: Path, findings: list[dict[str, object]], planted: dict[str, object] = PLANTED, *, name: str = "flown",
    least: float = 0.5,
) -> Path:  # fmt: skip
    folder = tmp_path / name / "20260101T000000Z-ship"
    folder.mkdir(parents=True)
    parcels = [
        {"id": name, "kind": kind, "size_m": size, "side": "starboard", "station_m": place[0], "girth_m": place[2],
         "depth_m": place[2], "position_ship_m": place}
        for name, (kind, size, place) in planted.items()  # type: ignore[misc, attr-defined]
    ]  # fmt: skip
    truth = {"parcels": parcels, "contacts": 1}
    (folder.parent / "truth.json").write_text(json.dumps(truth), encoding="utf-8")
    (folder / "findings.json").write_text(json.dumps({"findings": findings}), encoding="utf-8")
    station, girth = (axis.ravel().tolist() for axis in np.meshgrid(np.arange(30, 40, 0.25), np.arange(0, 4, 0.25)))
    cells = {
        "side": ["starboard"] * len(station),
        "station_m": station,
        "girth_m": girth,
        "planned": [True] * len(girth),
    }
    (folder / "coverage.json").write_text(json.dumps({"seen_area_m2": 40.0, "cells": cells}), encoding="utf-8")
    summary = {"model_sha256": "ab" * 32, "rules": {"min_score": least, "min_views": 3}}
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    (folder / "mission.yaml").write_text("conditions: {visibility_m: 4.0}\n", encoding="utf-8")
    return folder


def test_a_parcel_is_found_by_the_finding_next_to_it_and_missed_without_one(tmp_path: Path) -> None:
    survey = read_survey(survey_folder(tmp_path, [finding([33.1, 5.0, 1.5]), finding([38.0, 5.0, 1.0], 0.5)]))
    assert [(trial.kind, trial.found) for trial in survey.trials] == [("box", True), ("bag", False)]
    assert survey.trials[0].error_m == pytest.approx(0.1)
    assert survey.false == (0.5,)
    assert (survey.contacts, survey.not_asked) == (1, 1)


def test_a_second_finding_of_one_parcel_is_false_and_a_rope_is_no_parcel(tmp_path: Path) -> None:
    near = [finding([33.1, 5.0, 1.5]), finding([33.3, 5.0, 1.5], 0.6), finding([36.0, 5.0, 2.5], 0.9, "rope")]
    survey = read_survey(survey_folder(tmp_path, near))
    assert [trial.found for trial in survey.trials] == [True, False]
    assert survey.false == (0.6,)


@pytest.mark.parametrize(
    ("found", "parcels", "bound"),
    [(29, 29, 0.9019), (59, 59, 0.9505), (0, 10, 0.0), (45, 50, 0.8011)],
    ids=["29 of 29 support 0.90", "59 of 59 support 0.95", "none found supports nothing", "five missed of fifty"],
)
def test_the_lower_bound_of_a_pod_is_that_of_the_tables(found: int, parcels: int, bound: float) -> None:
    assert lower_bound(found, parcels) == pytest.approx(bound, abs=5e-4)


@pytest.mark.parametrize(("count", "bound"), [(0, 2.996), (1, 4.744), (5, 10.513)])
def test_the_upper_bound_of_a_count_is_garwoods(count: int, bound: float) -> None:
    assert upper_bound(count) == pytest.approx(bound, abs=1e-3)


def test_too_few_parcels_make_no_claim_and_enough_do(tmp_path: Path) -> None:
    one = read_survey(survey_folder(tmp_path, [finding([33.1, 5.0, 1.5]), finding([36.0, 5.0, 2.6])]))
    few, many = score_surveys([one] * 3), score_surveys([one] * 20)
    assert (few["all"]["parcels"], few["all"]["found"], few["all"]["pod_lower"]) == (6, 6, None)
    assert many["all"]["pod_lower"] == pytest.approx(lower_bound(40, 40), abs=1e-3)
    assert many["false_per_1000_m2_upper"] == pytest.approx(1000 * upper_bound(0) / 800, abs=0.01)
    shown = Console(width=120, record=True)
    shown.print(trials_table(few))
    assert "too few to claim 0.9" in shown.export_text()


def test_nothing_planted_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no planted parcel"):
        score_surveys([read_survey(survey_folder(tmp_path, [], {}))])


@pytest.mark.parametrize("name", ["truth.json", "findings.json", "coverage.json", "summary.json"])
def test_a_missing_or_broken_file_is_one_clear_error(tmp_path: Path, name: str) -> None:
    folder = survey_folder(tmp_path, [])
    path = folder.parent / name if name == "truth.json" else folder / name
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=f"{name} is no JSON"):
        read_survey(folder)
    path.unlink()
    with pytest.raises(InputError, match=f"no {name}"):
        read_survey(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("truth.json", '{"parcels": [{"kind": "box"}]}'),
        ("findings.json", "[]"),
        ("coverage.json", '{"seen_area_m2": 3}'),
        ("mission.yaml", "conditions: {visibility_m: good}"),
        ("mission.yaml", "conditions: ["),
    ],
    ids=["a parcel without a place", "a list", "no cells", "a visibility in words", "no YAML"],
)
def test_a_file_of_another_kind_is_one_clear_error(tmp_path: Path, name: str, content: str) -> None:
    folder = survey_folder(tmp_path, [])
    (folder.parent / name if name == "truth.json" else folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="do not fit each other") as raised:
        read_survey(folder)
    assert "\n" not in str(raised.value)


def test_parcels_planted_by_hand_need_no_count_of_contacts(tmp_path: Path) -> None:
    folder = survey_folder(tmp_path, [])
    truth = json.loads((folder.parent / "truth.json").read_text(encoding="utf-8"))
    (folder / "truth.json").write_text(json.dumps({"parcels": truth["parcels"]}), encoding="utf-8")
    assert score_surveys([read_survey(folder)])["contacts"] is None


def test_what_several_detectors_found_is_no_pod_of_any(tmp_path: Path) -> None:
    surveys = [read_survey(survey_folder(tmp_path, [], name=str(least), least=least)) for least in (0.4, 0.5)]
    with pytest.raises(InputError, match=r"several detectors: abababababab from 0.4 on, abababababab from 0.5 on"):
        score_surveys(surveys)


def test_missions_of_a_campaign_are_measured_by_one_command_that_writes_numbers_and_curves(tmp_path: Path) -> None:
    for number in range(32):
        seen = [finding([33.1, 5.0, 1.5])] if number % 8 else []
        survey_folder(tmp_path / "campaign", [*seen, finding([36.0, 5.0, 2.5])], name=f"{number:03d}")
    out = tmp_path / "told.json"
    ended = CliRunner().invoke(app, ["evaluate", "--missions", str(tmp_path / "campaign"), "--json", str(out)])
    assert ended.exit_code == 0, ended.output
    told = json.loads(out.read_text(encoding="utf-8"))
    assert (told["schema"], told["surveys"], told["all"]["parcels"], told["all"]["found"]) == (
        "hullscan.trials/1", 32, 64, 60,
    )  # fmt: skip
    assert told["all"]["pod_lower"] == pytest.approx(lower_bound(60, 64), abs=1e-3)
    assert len(told["curve"]["sizes_m"]) == len(told["curve"]["pod_lower"])
    picture = cv2.imread(str(out.with_suffix(".png")))
    assert picture.std(axis=(0, 1)).min() > 10  # something is drawn
    again = [argument for folder in ("campaign", "campaign/003") for argument in ("--missions", str(tmp_path / folder))]
    ended = CliRunner().invoke(app, ["evaluate", *again])
    assert "tell of one flight" in str(ended.exception)


def test_a_folder_without_missions_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no findings\.json"):
        mission_folders([tmp_path])


def test_a_campaign_follows_from_its_seed_and_every_world_can_be_planned(tmp_path: Path) -> None:
    request = CampaignRequest(mission=MISSION, count=3, seed=5, side="starboard", stations_m=(31.5, 42.5),
                              depths_m=(0.8, 3.4), visibility_m=(3.0, 5.0))  # fmt: skip
    first, again = write_campaign(request, tmp_path / "a"), write_campaign(request, tmp_path / "b")
    texts = [[(folder / name).read_text() for folder in folders for name in ("mission.yaml", "scenario.yaml")]
             for folders in (first, again)]  # fmt: skip
    assert texts[0] == texts[1]
    worlds = [load_scenario(folder / "scenario.yaml") for folder in first]
    assert len({world.water.visibility_m for world in worlds}) == 3
    for folder, world in zip(first, worlds, strict=True):
        plan_mission(load_mission(folder / "mission.yaml"))
        stated = yaml.safe_load((folder / "mission.yaml").read_text(encoding="utf-8"))
        assert stated["conditions"]["visibility_m"] == world.water.visibility_m
        stations = np.array([parcel.station_m for parcel in world.parcels])
        assert len(stations) == 3
        assert (np.diff(stations) >= 1.6 - 0.02).all()


def test_parcels_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    request = CampaignRequest(mission=MISSION, count=1, seed=5, side="starboard", stations_m=(31.5, 33.0),
                              depths_m=(0.8, 3.4), parcels=40)  # fmt: skip
    with pytest.raises(InputError, match="do not fit"):
        write_campaign(request, tmp_path)
