"""Planted parcels: worlds drawn from a seed, what surveys made of them, and bounds as statistics tables give them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from rich.console import Console

from hullscan.errors import InputError
from hullscan.mission.model import load_mission
from hullscan.mission.plan import plan_mission
from hullscan_sim.campaign import CampaignRequest, write_campaign
from hullscan_sim.scenario import load_scenario
from hullscan_sim.trials import lower_bound, read_survey, score_surveys, upper_bound
from hullscan_sim.trials_table import trials_table

MISSION = Path(__file__).parent.parent / "missions" / "demo.yaml"
PLANTED = {
    "a": ("box", [0.6, 0.4, 0.3], [33.0, 5.0, 1.5]),
    "b": ("bag", [0.4, 0.3, 0.2], [36.0, 5.0, 2.5]),
    "c": ("torpedo", [1.1, 0.2, 0.2], [20.0, 5.0, 2.5]),  # where nothing was to be searched
}


def finding(place: list[float], score: float = 0.8, label: str = "parcel") -> dict[str, object]:
    return {"label": label, "score": score, "position_ship_m": place, "radius95_m": 0.2, "size_m": 0.5}


def survey_folder(tmp_path: Path, findings: list[dict[str, object]], planted: dict[str, object] = PLANTED) -> Path:
    folder = tmp_path / "flown" / "20260101T000000Z-ship"
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


@pytest.mark.parametrize("name", ["truth.json", "findings.json", "coverage.json"])
def test_a_missing_or_broken_file_is_one_clear_error(tmp_path: Path, name: str) -> None:
    folder = survey_folder(tmp_path, [])
    path = folder.parent / name if name == "truth.json" else folder / name
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=f"{name} is no JSON"):
        read_survey(folder)
    path.unlink()
    with pytest.raises(InputError, match=f"no {name}"):
        read_survey(folder)


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
