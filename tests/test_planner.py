"""The time-boxed planner: tours, ``survey: auto``, tides, go or no-go, exports read back by other readers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from pymavlink import mavwp
from qgc_rules import load_qgc_plan
from scipy.sparse import csr_array

from hullscan.errors import InputError
from hullscan.mission.circumstances import gather_facts
from hullscan.mission.feasibility import Facts, check_feasibility, overall
from hullscan.mission.keep_out import KeepOut
from hullscan.mission.launching import launch_places
from hullscan.mission.lawnmower import lawnmower_legs
from hullscan.mission.model import Mission, load_mission
from hullscan.mission.patterns import require_clear
from hullscan.mission.plan import Plan, plan_mission, save_plan
from hullscan.mission.pricing import price_legs
from hullscan.mission.stand_off import search_speed_mps, stand_off_m
from hullscan.mission.tide import load_tide, slack_windows, utc_seconds
from hullscan.mission.tour import Passes, Travel, best_tour, tour_curve
from hullscan.record.folder import MissionFolder
from hullscan.report.plan_export import export_plan
from hullscan.search.cells import HullCells
from hullscan.search.risk import risk_share
from hullscan.search.zones import HullZones

ROOT = Path(__file__).parents[1]
TRAVEL = Travel(np.zeros(3), 0.35, 4.0, 15.0, 35.0)


def _passes(seed: int, count: int) -> Passes:
    rng = np.random.default_rng(seed)
    pod = rng.uniform(0, 0.9, (count, 12)) * (rng.random((count, 12)) < 0.3)
    share = rng.dirichlet(np.full(12, 0.5))
    ends = rng.uniform(-40, 40, (count, 1, 3)) * [1, 0.1, 0.1] + rng.uniform(-4, 4, (count, 2, 3))
    return Passes(csr_array(pod), share, 0.95, ends, rng.uniform(2, 40, count))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 25), budget_s=st.floats(0, 900))
def test_a_tour_keeps_the_budget_and_is_no_worse_than_its_greedy_seed(seed: int, count: int, budget_s: float) -> None:
    passes = _passes(seed, count)
    tour = best_tour(passes, TRAVEL, budget_s, effort=8, seed=seed)
    assert tour.duration_s <= budget_s + 1e-5
    assert tour.pod >= tour.seed_pod - 1e-12
    assert 0 <= tour.pod <= 0.95 + 1e-9
    assert len({index for index, _ in tour.order}) == len(tour.order)
    assert tour == best_tour(passes, TRAVEL, budget_s, effort=8, seed=seed)


def test_time_and_reward_of_a_tour_are_those_of_its_passes_one_by_one() -> None:
    passes = _passes(5, 15)
    tour = best_tour(passes, TRAVEL, 500, effort=20)
    here, clock, missed, found = TRAVEL.launch_m, TRAVEL.out_s, np.ones(12), 0.0
    curve = tour_curve(passes, TRAVEL, tour.order)
    for number, (index, back) in enumerate(tour.order, start=1):
        start, end = passes.ends_m[index][::-1] if back else passes.ends_m[index]
        apart = np.linalg.norm(start - here)
        clock += apart / 0.35 + (8.0 if apart > 0.3 else 0.0) + passes.duration_s[index]
        pod = passes.pod[[index]].toarray()[0]
        found += (passes.share * missed * pod).sum()
        missed *= 1 - pod / 0.95
        here = end
        assert curve[number] == pytest.approx([clock, found])
    home = np.linalg.norm(here - TRAVEL.launch_m) / 0.35 + 8.0 + TRAVEL.home_s
    assert tour.duration_s == pytest.approx(clock + home)
    assert tour.pod == pytest.approx(found)
    assert len(tour.order) > 3


def test_small_tours_are_the_best_of_all_orders_and_choices() -> None:
    from itertools import permutations, product

    for seed in range(6):
        passes = _passes(seed, 4)
        tour = best_tour(passes, TRAVEL, 230, effort=60)
        best = 0.0
        for size in range(1, 5):
            for order, turns in product(permutations(range(4), size), product((False, True), repeat=size)):
                trial = tuple(zip(order, turns, strict=True))
                curve = tour_curve(passes, TRAVEL, trial)
                index, back = trial[-1]
                last = passes.ends_m[index][0 if back else 1]
                home = float(TRAVEL.time_s(last, TRAVEL.launch_m)) + TRAVEL.home_s
                if curve[-1, 0] + home <= 230:
                    best = max(best, curve[-1, 1])
        # worth is POD with a little for earliness, so the best POD may be given up for very little of it
        assert tour.pod >= best - 0.02


@pytest.mark.parametrize("seed", range(4))
def test_a_tour_is_not_behind_what_is_asked_of_it_at_some_time_if_it_can_be_ahead(seed: int) -> None:
    passes = _passes(seed, 16)
    late = best_tour(passes, TRAVEL, 400, effort=20, seed=seed)
    soonest = max(  # the most that one pass alone finds in the first two minutes
        (curve[1, 1] for index in range(16) for back in (False, True)
         if (curve := tour_curve(passes, TRAVEL, ((index, back),)))[1, 0] <= 120),
    )  # fmt: skip
    tour = best_tour(passes, TRAVEL, 400, effort=60, seed=seed, floor=np.array([[120.0, 0.999 * soonest]]))
    curve = tour_curve(passes, TRAVEL, tour.order)
    assert np.interp(120.0, curve[:, 0], curve[:, 1]) >= 0.999 * soonest
    assert tour.duration_s <= 400 + 1e-5
    assert tour.pod > 0.8 * late.pod


# ---------------------------------------------------------------- survey: auto


@pytest.fixture(scope="module")
def mission(tmp_path_factory: pytest.TempPathFactory) -> Mission:
    text = (ROOT / "missions" / "demo.yaml").read_text(encoding="utf-8")
    start = text.index("survey:")
    text = text[:start] + "survey: auto\n" + text[text.index("limits:") :]
    path = tmp_path_factory.mktemp("auto") / "auto.yaml"
    path.write_text(text, encoding="utf-8")
    return load_mission(path)


@pytest.fixture(scope="module")
def plan(mission: Mission) -> Plan:
    return plan_mission(mission, effort=24)


def test_an_automatic_plan_fits_its_window_and_keeps_its_distance(mission: Mission, plan: Plan) -> None:
    assert plan.duration_s <= mission.file.window_min * 60
    assert plan.min_clearance_m >= mission.file.limits.min_clearance_m
    poses = np.concatenate([leg.poses for leg in plan.legs])
    assert (np.diff(poses[:, 0]) >= -1e-9).all()
    assert (np.linalg.norm(np.diff(poses[:, 1:4], axis=0), axis=1) < 0.5).all()
    assert poses[:, 3].min() >= 0.45
    assert poses[:, 2].min() >= 0  # the quay is on the port side: not beyond the keel line


def test_an_automatic_plan_buys_the_likeliest_first_and_names_what_it_leaves_out(plan: Plan) -> None:
    chests = [zone for zone in plan.zones if zone.zone.kind == "sea_chest" and zone.zone.side == "starboard"]
    assert all(zone.pod > 0.75 and zone.minutes_more == 0 for zone in chests)
    port = [zone for zone in plan.zones if zone.zone.kind == "sea_chest" and zone.zone.side == "port"]
    assert all(zone.pod == 0 and zone.minutes_more is None for zone in port)
    assert {zone.zone.name for zone in port} <= set(plan.left_out())
    assert sum(zone.prior for zone in plan.zones) == pytest.approx(1)
    assert plan.ship_pod == pytest.approx(sum(zone.prior * zone.pod for zone in plan.zones))
    assert plan.expected_pod == pytest.approx(plan.ship_pod, abs=1e-9)
    assert plan.pod_source == ("fitted to parcels planted in the simulator", True)
    assert [pod for _, pod in plan.curve] == sorted(pod for _, pod in plan.curve)


def test_an_automatic_plan_finds_more_than_the_lawnmower_at_every_minute(mission: Mission, plan: Plan) -> None:
    cells = HullCells(mission.hull)
    share = risk_share(cells, HullZones.of_hull(cells, mission.file.ship.fittings))
    speed = search_speed_mps(mission, plan.stand_off_m, mission.pod_model)
    minutes = np.arange(1, mission.file.window_min + 1)
    curves = []
    for legs in (list(plan.legs), lawnmower_legs(mission, cells, plan.areas, speed)):
        priced = price_legs(
            legs, cells, mission.vehicle, share,
            visibility_m=mission.file.conditions.visibility_m, model=mission.pod_model,
        )  # fmt: skip
        curves.append(np.interp(minutes * 60, priced.growth[:, 0], priced.growth[:, 1]))
    assert curves[1][-1] > 0.05
    assert (curves[0] > curves[1]).all()
    assert curves[0].mean() > 1.15 * curves[1].mean()
    assert curves[0][-1] > curves[1][-1]


def test_neighbouring_passes_of_a_kind_are_one_leg_and_every_leg_has_time_to_settle(plan: Plan) -> None:
    gaps = [b.start_s - a.end_s for a, b in pairwise(plan.legs)]
    assert min(gaps) == pytest.approx(max(gaps)) == pytest.approx(4.0)
    lanes = [(a, b) for a, b in pairwise(plan.legs) if a.lane[0] and b.lane[0]]
    assert all((a.pattern, a.speed_mps) != (b.pattern, b.speed_mps) for a, b in lanes)
    assert sum(leg.lane[0] > 0 for leg in plan.legs) < plan.chosen["passes"]


def test_a_way_that_is_not_clear_is_not_taken() -> None:
    passes = _passes(5, 8)
    free = best_tour(passes, TRAVEL, 500, effort=8)
    (first, back), (second, turned) = free.order[:2]
    pair = 2 * first + (not back), 2 * second + turned
    barred = best_tour(passes, replace(TRAVEL, barred=frozenset({pair})), 500, effort=8)
    ways = pairwise(barred.order)
    assert pair not in [(2 * a + (not x), 2 * b + y) for (a, x), (b, y) in ways]
    assert barred.duration_s <= 500


def test_the_same_seed_gives_the_same_plan(mission: Mission, plan: Plan) -> None:
    assert plan_mission(mission, effort=24).as_dict() == plan.as_dict()


def test_a_longer_window_finds_more(mission: Mission, plan: Plan) -> None:
    # fifteen minutes hold nearly all of the side that can be searched here: more of them would only look again
    shorter = replace(mission, file=replace(mission.file, window_min=8))
    assert plan_mission(shorter, effort=2).ship_pod < plan.ship_pod


def test_an_automatic_plan_keeps_its_distance_from_a_near_sea_bed_and_round_a_square_stern(tmp_path: Path) -> None:
    text = (ROOT / "missions" / "demo.yaml").read_text(encoding="utf-8")
    form = "form: {type: barge, length_m: 40, beam_m: 11, draught_fwd_m: 2.5, draught_aft_m: 2.5}\n"
    head, end = text.index("form:"), text.index("berth:")
    text = text[:head] + form + text[end:]
    text = text.replace("quay_gap_m: 1.5, water_depth_m: 9.5", "quay_gap_m: 3, water_depth_m: 3.4")
    text = text.replace("station_m: 44", "station_m: 30")
    text = text[: text.index("survey:")] + "survey: auto\n" + text[text.index("limits:") :]
    path = tmp_path / "mission.yaml"
    path.write_text(text, encoding="utf-8")
    mission = load_mission(path)
    plan = plan_mission(mission, effort=2)
    assert plan.min_clearance_m >= mission.file.limits.min_clearance_m
    assert require_clear(mission, list(plan.legs)) == plan.min_clearance_m
    deepest = max(leg.poses[:, 3].max() for leg in plan.legs)
    assert deepest + mission.vehicle.half_size_m[2] <= 3.4 - mission.file.limits.min_clearance_m
    assert plan.ship_pod > 0.3


@pytest.mark.parametrize(
    ("visibility_m", "parcel_m", "nearest_m", "farthest_m"),
    [
        pytest.param(2.0, 0.4, 0.84, 0.84, id="murky water: a share of the visibility"),
        pytest.param(8.0, 0.4, 1.2, 1.7, id="clear water: as far as a parcel has pixels enough"),
        pytest.param(8.0, 1.0, 2.5, 2.5, id="a large parcel has them from farther away"),
        pytest.param(0.5, 0.4, 0.75, 0.75, id="black water: never nearer than is safe"),
    ],
)
def test_a_plan_keeps_the_distance_from_which_most_is_found(
    mission: Mission, visibility_m: float, parcel_m: float, nearest_m: float, farthest_m: float
) -> None:
    conditions = replace(mission.file.conditions, visibility_m=visibility_m)
    asked = replace(
        mission,
        file=replace(mission.file, conditions=conditions),
        pod_model=replace(mission.pod_model, parcel_m=parcel_m),
    )
    assert nearest_m - 1e-6 <= stand_off_m(asked) <= farthest_m + 1e-6


def test_places_to_launch_from_are_compared_on_the_free_side_and_the_best_comes_first(mission: Mission) -> None:
    told: list[tuple[int, int]] = []
    short = replace(mission, file=replace(mission.file, window_min=8))
    places = launch_places(short, effort=1, told=lambda done, of: told.append((done, of)))
    assert [each.stated for each in places].count(True) == 1
    assert {each.launch.side for each in places} == {"starboard"}  # the quay is nearer on the other side
    pods = [each.ship_pod for each in places if not each.refused]
    assert pods == sorted(pods, reverse=True)
    assert pods[0] > pods[-1] + 0.005  # where one launches matters
    assert told == [(done, len(places)) for done in range(1, len(places) + 1)]
    again = plan_mission(replace(short, file=replace(short.file, launch=places[0].launch)), effort=1)
    assert again.ship_pod == places[0].ship_pod
    assert again.prior_seen == places[0].prior_seen


def test_places_to_launch_from_are_not_compared_for_a_list_of_patterns() -> None:
    with pytest.raises(InputError, match="survey: auto"):
        launch_places(load_mission(ROOT / "missions" / "demo.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["coaster-full", "container-bow", "sea-chests", "ship-from-offsets"])
def test_without_lock_out_a_plan_goes_round_what_may_turn_and_finds_more_than_the_lawnmower(name: str) -> None:
    stated = load_mission(ROOT / "missions" / f"{name}.yaml")
    mission = replace(stated, file=replace(stated.file, survey="auto", lock_out=None))
    plan = plan_mission(mission, effort=12)
    cells = HullCells(mission.hull)
    zones = HullZones.of_hull(cells, mission.file.ship.fittings)
    keep_out = KeepOut.of(mission, zones, cells)
    assert not keep_out(np.concatenate([leg.poses[:, 1:] for leg in plan.legs])).any()
    speed = search_speed_mps(mission, plan.stand_off_m, mission.pod_model)
    mower = price_legs(
        lawnmower_legs(mission, cells, plan.areas, speed), cells, mission.vehicle,
        risk_share(cells, zones, mission.risk),
        visibility_m=mission.file.conditions.visibility_m, model=mission.pod_model,
    )  # fmt: skip
    assert plan.ship_pod > 1.05 * mower.growth[-1, 1]


def test_a_window_that_holds_not_even_the_way_is_refused(mission: Mission) -> None:
    with pytest.raises(InputError, match="nothing can be searched"):
        plan_mission(replace(mission, file=replace(mission.file, window_min=0.8)))


_NAMED = {
    "risk": "schema: hullscan.risk/1\nzones:\n  - {zone: bow, weight: 40, reason: a tip}\n",
    "pod_model": "schema: hullscan.pod/1\nsource: trial\ntrials: 40\nasymptote: 0.9\nhalf_contrast: 0.05\n"
    "contrast_slope: 2.6\nhalf_pixels: 14\npixel_slope: 3.1\n",
    "tide": "utc,height_m,current_mps,current_towards_deg\n2026-11-22T00:00:00Z,1,0.1,62\n"
    "2026-11-22T06:00:00Z,2,0.2,62\n",
}


def _naming(folder: Path, names: dict[str, str]) -> Path:
    text = (ROOT / "missions" / "demo.yaml").read_text(encoding="utf-8")
    text = text.replace("current_towards_deg: 80}", f"current_towards_deg: 80, tide: {names['tide']}}}")
    text += f"risk: {names['risk']}\npod_model: {names['pod_model']}\nstart_utc: 2026-11-22T01:00:00Z\n"
    for key, name in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(_NAMED[key], encoding="utf-8")
    path = folder / "mission.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_files_that_a_mission_names_are_kept_with_its_record(tmp_path: Path) -> None:
    path = _naming(tmp_path / "here", {"risk": "a/risk.yaml", "pod_model": "a/pod.yaml", "tide": "b/tide.csv"})
    mission = load_mission(path)
    folder = MissionFolder.create(tmp_path / "flown", "named", 0.0, least_free_bytes=0)
    folder.keep_mission(mission.source, mission.named_files)
    for name in mission.named_files:
        name.unlink()
    again = load_mission(folder.mission_file)
    assert (again.risk, again.pod_model) == (mission.risk, mission.pod_model)
    assert again.pod_model.measured
    assert again.tide is not None
    with pytest.raises(InputError, match=r"cannot find .*risk\.yaml"):
        load_mission(path)


def test_two_named_files_of_one_name_are_refused(tmp_path: Path) -> None:
    path = _naming(tmp_path, {"risk": "a/same.yaml", "pod_model": "b/same.yaml", "tide": "tide.csv"})
    with pytest.raises(InputError, match="the same name"):
        load_mission(path)


# ---------------------------------------------------------------- exports


def test_plan_json_carries_zones_and_go_or_no_go(plan: Plan, tmp_path: Path) -> None:
    content = json.loads(save_plan(plan, tmp_path).read_text(encoding="utf-8"))
    keys = {"length_m", "duration_s", "lower_bound_m", "planned_area_m2", "plannable_area_m2", "expected_pod"}
    assert keys | {"curve", "left_out", "min_clearance_m", "legs", "zones", "feasibility", "pod_model"} <= set(content)
    assert content["pod_model"]["measured"] is True
    assert content["feasibility"]["verdict"] in ("go", "caution", "no-go")
    assert content["lower_bound_m"] <= content["length_m"]


def test_exports_are_read_back_by_other_readers(mission: Mission, plan: Plan, tmp_path: Path) -> None:
    paths = {path.name: path for path in export_plan(plan, mission, tmp_path)}
    load_qgc_plan(paths["mission.plan"])
    items = json.loads(paths["mission.plan"].read_text(encoding="utf-8"))["mission"]["items"]
    assert [item["doJumpId"] for item in items] == list(range(1, len(items) + 1))
    flown = [item for item in items if item["command"] == 16]
    assert all(item["Altitude"] == item["params"][6] < 0 and item["frame"] == 3 for item in flown)

    loader = mavwp.MAVWPLoader()
    assert loader.load(str(paths["mission.waypoints"])) == len(items) + 1
    read = [loader.wp(index) for index in range(1, loader.count())]
    waypoints = [each for each in read if each.command == 16]
    assert [each.x for each in waypoints] == pytest.approx([item["params"][4] for item in flown], abs=1e-7)
    assert [each.z for each in waypoints] == pytest.approx([item["params"][6] for item in flown], abs=0.006)

    geo = json.loads(paths["plan.geojson"].read_text(encoding="utf-8"))
    lines = [feature["geometry"]["coordinates"] for feature in geo["features"]]
    assert len(lines) == len(plan.legs)
    points = np.array([point for line in lines for point in line])
    assert len(points) == len(flown)
    assert points[:, 0] == pytest.approx([item["params"][5] for item in flown], abs=1e-7)

    space = {"k": "http://www.opengis.net/kml/2.2"}
    kml = etree.parse(str(paths["plan.kml"]))
    texts = kml.xpath("//k:Placemark/k:LineString/k:coordinates/text()", namespaces=space)
    assert [len(text.split()) for text in texts] == [len(line) for line in lines]
    first = [float(number) for number in texts[0].split()[0].split(",")]
    assert first == pytest.approx(lines[0][0], abs=0.01)


def test_exported_places_lie_where_the_berth_says(mission: Mission, plan: Plan, tmp_path: Path) -> None:
    export_plan(plan, mission, tmp_path)
    geo = json.loads((tmp_path / "plan.geojson").read_text(encoding="utf-8"))
    berth = mission.file.berth
    lon, lat, height = geo["features"][0]["geometry"]["coordinates"][0]
    north = (lat - berth.lat_deg) * 110_940  # metres in a degree at 35 north, WGS 84
    east = (lon - berth.lon_deg) * 91_290
    heading = np.radians(berth.heading_deg)
    ahead, right = north * np.cos(heading) + east * np.sin(heading), east * np.cos(heading) - north * np.sin(heading)
    assert [ahead, right, -height] == pytest.approx(plan.legs[0].poses[0, 1:4], abs=0.1)


# ---------------------------------------------------------------- tides


def test_a_tide_table_gives_slack_water(tmp_path: Path) -> None:
    rows = ["utc,height_m,current_mps,current_towards_deg"]
    rows += [f"2026-11-22T{hour:02d}:00:00Z,{hour},{abs(6 - hour) * 0.3:.1f},90" for hour in range(13)]
    path = tmp_path / "tide.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    tide = load_tide(path)
    start = utc_seconds("2026-11-22T00:00:00Z", where="")
    assert tide.height_m(np.array([start + 1800])) == pytest.approx([0.5])
    assert tide.current_ne_mps(np.array([start + 3 * 3600]))[0] == pytest.approx([0, 0.9])
    (span,) = slack_windows(tide, start, start + 12 * 3600, 0.6)
    assert [(each - start) / 3600 for each in span] == pytest.approx([4, 8], abs=0.05)
    assert np.isnan(tide.height_m(np.array([start - 60]))).all()


def test_harmonic_constants_have_the_published_speeds_and_phases(tmp_path: Path) -> None:
    path = tmp_path / "m2.yaml"
    speeds = {"M2": 28.9841042, "S2": 30.0, "N2": 28.4397295, "K1": 15.0410686, "O1": 13.9430356, "M4": 57.9682084}
    start = utc_seconds("2026-03-20T00:00:00Z", where="")
    for name, speed in speeds.items():
        path.write_text(
            f"schema: hullscan.tide/1\nheight: [{{constituent: {name}, amplitude: 2, phase_lag_deg: 0}}]\n",
            encoding="utf-8",
        )
        tide = load_tide(path)
        hours = np.arange(0, 24 * 40, 0.05)
        height = tide.height_m(start + hours * 3600)
        assert np.abs(height).max() == pytest.approx(2, abs=0.001)
        period = 360 / speed
        again = tide.height_m(start + (hours[:200] + 50 * period) * 3600)
        assert again == pytest.approx(height[:200], abs=0.01)
    # the sun's tide is high when the mean sun stands over the meridian: at noon in Greenwich
    path.write_text(path.read_text(encoding="utf-8").replace("M4", "S2"), encoding="utf-8")
    noon = utc_seconds("2026-03-20T12:00:00Z", where="")
    assert load_tide(path).height_m(np.array([noon])) == pytest.approx([2.0], abs=0.001)
    # and the moon's coincides with it at new moon: 2026-03-19 01:23 UTC, within the moon's mean anomaly
    new = datetime(2026, 3, 19, 1, 23, tzinfo=UTC).timestamp()
    path.write_text(path.read_text(encoding="utf-8").replace("S2", "M2"), encoding="utf-8")
    around = new + np.arange(-7 * 3600, 7 * 3600, 60.0)
    high = around[load_tide(path).height_m(around).argmax()]
    to_noon = ((high / 3600) % 12 + 6) % 12 - 6
    assert abs(to_noon) < 0.6


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("utc,height_m\n2026-11-22T00:00:00,1\n", "does not say in which zone", id="a time needs its zone"),
        pytest.param("utc,height_m\nx,1\n", "tide.csv:2", id="a fault is named with its line"),
        pytest.param("time,height\n1,2\n", "columns", id="unknown columns are refused"),
        pytest.param("utc,height_m\n2026-11-22T00:00:00Z,1\n", "at least two rows", id="one row is no tide"),
        pytest.param("utc,height_m\n2026-11-22T00:00:00Z,\n", "no number", id="an empty height is refused"),
    ],
)
def test_faults_of_a_tide_table_are_named(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "tide.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=fault):
        load_tide(path)


def test_a_mission_with_a_tide_uses_the_current_of_its_hour(mission: Mission, plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "tide.csv"
    path.write_text(
        "utc,current_mps,current_towards_deg\n2026-11-22T00:00:00Z,2.0,62\n2026-11-22T06:00:00Z,0.0,62\n"
        "2026-11-22T12:00:00Z,2.0,62\n",
        encoding="utf-8",
    )
    flood = replace(mission, tide=load_tide(path), file=replace(mission.file, start_utc="2026-11-22T01:00:00Z"))
    slack = replace(flood, file=replace(mission.file, start_utc="2026-11-22T05:50:00Z"))
    verdicts = [
        check_feasibility(gather_facts(each, plan.legs, plan.stand_off_m, each.pod_model)) for each in (flood, slack)
    ]
    assert overall(verdicts[0]) == "no-go"
    assert any("slack water from" in check.text for check in verdicts[0])
    assert overall(verdicts[1]) != "no-go"


# ---------------------------------------------------------------- go or no-go

FAIR = Facts(
    visibility_m=3,
    stand_off_m=1.2,
    look_pod=0.86,
    water_mps=0.4,
    water_limit_mps=1.0,
    current_mps=0.1,
    current_along_mps=0.1,
    window_min=30,
    duration_min=25,
    endurance_min=100,
    return_margin_s=200,
    tether_m=60,
    tether_limit_m=150,
    sides=frozenset({"starboard"}),
    under_keel_m=5,
)


@pytest.mark.parametrize(
    ("change", "verdict", "words"),
    [
        pytest.param({}, "go", "", id="fair water and a wide berth are a go"),
        pytest.param({"look_pod": 0.3}, "caution", "visibility 3.0 m", id="a poor look is a caution"),
        pytest.param({"look_pod": 0.05}, "no-go", "POD of 0.05", id="water that shows nothing is a no-go"),
        pytest.param(
            {"water_mps": 0.7, "current_mps": 0.4},
            "caution",
            "0.70 m/s",
            id="a current is a caution",
        ),
        pytest.param({"water_mps": 1.2, "current_mps": 0.9}, "no-go", "1.20 m/s", id="a race is a no-go"),
        pytest.param({"current_mps": 1.5}, "no-go", "up to 1.50 m/s", id="so is one across the hull"),
        pytest.param({"current_known": False}, "caution", "no tide table", id="an unknown current is a caution"),
        pytest.param({"duration_min": 31.0}, "no-go", "31.0 min", id="a plan longer than the window is a no-go"),
        pytest.param({"return_margin_s": 10.0}, "caution", "at least 10 s", id="a thin return margin is a caution"),
        pytest.param({"return_margin_s": -5.0}, "no-go", "at least -5 s", id="no way back in time is a no-go"),
        pytest.param({"endurance_min": 30.0}, "no-go", "83 %", id="a battery that is too small is a no-go"),
        pytest.param({"tether_m": 140.0}, "caution", "140 m of tether", id="a tether nearly out is a caution"),
        pytest.param({"tether_m": 160.0}, "no-go", "160 m of tether", id="a tether too short is a no-go"),
        pytest.param(
            {"quay_side": "port", "quay_gap_m": 1.5}, "caution", "port side is not", id="a quay opposite is a caution"
        ),
        pytest.param(
            {"quay_side": "starboard", "quay_gap_m": 1.5}, "no-go", "needs 3 m", id="a quay on the side is a no-go"
        ),
        pytest.param({"quay_side": "starboard", "quay_gap_m": 4.0}, "go", "", id="a quay with room is a go"),
        pytest.param({"under_keel_m": 0.8}, "caution", "0.8 m of water", id="little water under her is a caution"),
    ],
)
def test_go_or_no_go(change: dict[str, object], verdict: str, words: str) -> None:
    checks = check_feasibility(replace(FAIR, **change))
    assert overall(checks) == verdict
    assert not words or any(words in check.text for check in checks if check.level == verdict)
