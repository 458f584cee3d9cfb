"""Search patterns: what they look at, what they keep clear of, how they are joined, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from full_plans import full_mission, mission_of, path_m
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ray_coverage import RayCoverage

from hullscan.errors import InputError, MissionFileError
from hullscan.geometry.frames import Pose
from hullscan.mission.model import Mission, load_mission
from hullscan.mission.patterns import Lanes, candidate_legs, lanes_of, require_clear, route
from hullscan.mission.plan import plan_mission
from hullscan.search.cells import HullCells

ROOT = Path(__file__).parents[1]

PATTERNS = {
    "longitudinal": "  - {pattern: longitudinal, area: starboard_side, stations_m: [14, 26]}",
    "transverse": "  - {pattern: transverse, area: port_side, stations_m: [14, 26]}",
    "transverse of the bottom": "  - {pattern: transverse, area: bottom, stations_m: [16, 24]}",
    "flat bottom": "  - {pattern: flat_bottom}",
    "keel line": "  - {pattern: keel_line}",
    "bilge keel": "  - {pattern: bilge_keel}",
    "bow": "  - {pattern: bow}",
    "stern": "  - {pattern: stern}",
    "running gear": "  - {pattern: running_gear}",
    "sea chest": "  - {pattern: sea_chest}",
    "landmarks": "  - {pattern: landmarks, kinds: [sea_chest, outlet]}",
    "spot check": "  - {pattern: spot_check, side: port, station_m: 20, depth_m: 1.5, radius_m: 1.2, cue: tracker}",
}


_SPOT = "{{pattern: spot_check, side: port, station_m: {}}}"


def _first(mission: Mission) -> Lanes:
    return lanes_of(mission, mission.file.orders[0])


def test_the_demo_mission_is_flown_as_ever() -> None:
    legs = plan_mission(load_mission(ROOT / "missions" / "demo.yaml")).as_dict()["legs"]
    # taken when lanes began to stand where they find most
    digest = "4f3ec3e9764cfa89cabd56407db864441ad3f7949df9441b8c06a544f1058d9d"
    assert hashlib.sha256(json.dumps(legs).encode()).hexdigest() == digest


@pytest.mark.parametrize("depths", ["[0.8, 3.0]", "[0.6, 2.3]"])
def test_edges_in_the_plating_are_seen_though_she_floats_two_decimetres_otherwise(tmp_path: Path, depths: str) -> None:
    survey = f"  - {{pattern: longitudinal, area: starboard_side, stations_m: [14, 26], depths_m: {depths}}}"
    mission = mission_of(tmp_path, 40, survey)
    plan = plan_mission(mission)
    cells = HullCells(mission.hull)
    asked = plan.asked(cells)
    for down_m in (-0.18, 0.18):
        met = RayCoverage(mission)
        for leg in plan.legs:
            if leg.surveys:
                poses = leg.camera_poses(mission.vehicle)
                met.look([Pose(pose.position_m + np.array([0.0, 0.0, down_m]), pose.rotation) for pose in poses])
        assert cells.area_m2[asked & met.of(cells)].sum() > 0.98 * cells.area_m2[asked].sum()


@pytest.mark.parametrize("survey", PATTERNS.values(), ids=PATTERNS.keys())
def test_each_pattern_is_clear_finite_and_dense(tmp_path: Path, survey: str) -> None:
    mission = mission_of(tmp_path, 40, survey)
    legs = route(mission, [_first(mission)])
    assert require_clear(mission, legs) >= mission.file.limits.min_clearance_m
    for leg in legs:
        assert np.isfinite(leg.poses).all()
        assert np.linalg.norm(np.diff(leg.poses[:, 1:4], axis=0), axis=1).max(initial=0) <= 0.2501
        assert np.abs(leg.poses[:, 6]).max() <= mission.vehicle.tilt_range_rad + 1e-9
        assert np.abs(leg.poses[:, 5]).max() <= mission.vehicle.lane_pitch_rad + 1e-9
    assert legs[-1].tether_turns == pytest.approx(0)


@pytest.mark.parametrize(
    "survey", [text for name, text in PATTERNS.items() if name != "running gear"],
    ids=[name for name in PATTERNS if name != "running gear"],
)  # fmt: skip
def test_each_pattern_sees_what_it_asks_for(tmp_path: Path, survey: str) -> None:
    mission = mission_of(tmp_path, 40, survey)
    coverage = RayCoverage(mission)
    lanes = _first(mission)
    for leg in candidate_legs(mission, lanes):
        coverage.look(list(leg.camera_poses(mission.vehicle)))
    cells = HullCells(mission.hull)
    asked = np.any([area.cells(cells) for area in lanes.areas], axis=0)
    seen = coverage.of(cells)
    assert asked.any()
    assert cells.area_m2[seen & asked].sum() > 0.96 * cells.area_m2[asked].sum()


def test_the_views_of_a_sea_chest_come_from_three_directions(tmp_path: Path) -> None:
    mission = mission_of(tmp_path, 40, PATTERNS["sea chest"])
    lanes = _first(mission)
    chest = [track for track, zone in zip(lanes.tracks, lanes.zones, strict=True) if zone == lanes.zones[0]]
    yaw = np.degrees(np.concatenate([track[:, 3] for track in chest]))
    assert np.ptp(yaw) > 50


def test_the_running_gear_is_circled_on_every_side_and_looked_at(tmp_path: Path) -> None:
    from hullscan.mission.patterns.gear import assumed_gear

    mission = mission_of(tmp_path, 120, PATTERNS["running gear"])
    gear, track = assumed_gear(mission), _first(mission).tracks[0]
    assert track[:, 1].min() < -gear.radius_m
    assert track[:, 1].max() > gear.radius_m
    assert track[:, 0].min() < gear.rudder_m[0] - 0.5
    assert (np.diff(track[:, 2]) >= -1e-9).all()  # a spiral: never up again
    assert np.ptp(track[:, 2]) > 1.5 * gear.radius_m
    ahead = np.column_stack([np.cos(track[:, 3]), np.sin(track[:, 3])])
    middle = np.array([gear.propeller_m, 0.0]) - track[:, :2]
    assert ((ahead * middle).sum(axis=1) > 0).mean() > 0.95


def test_running_gear_without_lock_out_is_refused_with_its_line(tmp_path: Path) -> None:
    mission_of(tmp_path, 40, PATTERNS["running gear"])
    path = tmp_path / "mission.yaml"
    for said in ("", "lock_out: {propeller: true, thrusters: false, by: chief engineer}\n"):
        text = path.read_text(encoding="utf-8")
        lines = [line for line in text.splitlines(keepends=True) if not line.startswith("lock_out")]
        path.write_text("".join(lines) + said, encoding="utf-8")
        with pytest.raises(MissionFileError, match="lock_out") as refused:
            load_mission(path)
        line = next(n for n, line in enumerate(path.read_text().splitlines(), 1) if "running_gear" in line)
        assert [fault.line for fault in refused.value.faults] == [line]


def test_without_lock_out_the_stern_stays_away_from_the_propeller(tmp_path: Path) -> None:
    from hullscan.mission.patterns.gear import assumed_gear

    mission = mission_of(tmp_path, 120, "  - {pattern: stern}")
    open_ = replace(mission, file=replace(mission.file, lock_out=None))
    gear = assumed_gear(mission)

    def nearest(m: Mission) -> float:
        poses = np.concatenate(_first(m).tracks)
        radial = np.maximum(np.hypot(poses[:, 1], poses[:, 2] - gear.shaft_depth_m) - gear.radius_m, 0)
        return float(np.hypot(radial, poses[:, 0] - gear.propeller_m).min())

    assert nearest(open_) >= 2.0
    assert nearest(mission) < nearest(open_)


# ---------------------------------------------------------------- looking up


def test_a_vehicle_that_cannot_look_up_is_told_so(tmp_path: Path) -> None:
    mission = mission_of(tmp_path, 40, PATTERNS["flat bottom"])
    stiff = replace(mission, vehicle=replace(mission.vehicle, tilt_range_rad=np.radians(20), lane_pitch_rad=0.0))
    with pytest.raises(InputError, match="cannot look up at the bottom: its camera tilts 20"):
        plan_mission(stiff)


@pytest.mark.parametrize(
    ("pitch_deg", "slant_deg"),
    [pytest.param(0, 45, id="level, at 45 degrees"), pytest.param(45, 0, id="pitched, along the normal")],
)
def test_the_flat_bottom_is_looked_at_as_steeply_as_the_vehicle_can(
    tmp_path: Path, pitch_deg: float, slant_deg: float
) -> None:
    mission = mission_of(tmp_path, 40, PATTERNS["flat bottom"])
    mission = replace(mission, vehicle=replace(mission.vehicle, lane_pitch_rad=np.radians(pitch_deg)))
    legs = candidate_legs(mission, _first(mission))
    pose = list(legs[len(legs) // 2].camera_poses(mission.vehicle))[20]
    axis = pose.rotation.apply([0, 0, 1])
    assert np.degrees(np.arccos(np.clip(-axis[2], -1, 1))) == pytest.approx(slant_deg, abs=1)
    met = mission.hull.cast(pose.position_m, axis[None])
    assert met.distance_m[0] == pytest.approx(1.02, abs=0.1)


# ---------------------------------------------------------------- clearance, ways, tether


def test_a_bottom_too_near_the_sea_bed_is_refused_with_how_much_and_where(tmp_path: Path) -> None:
    mission = mission_of(tmp_path, 40, PATTERNS["flat bottom"], water=4.2)
    with pytest.raises(InputError, match=r"comes within -?0\.\d+ m of the (hull|sea bed) at station .* 0\.\d+ m more"):
        plan_mission(mission)


def test_ways_between_the_sides_do_not_lead_under_the_ship(tmp_path: Path) -> None:
    survey = "\n".join(
        f"  - {{pattern: longitudinal, area: {side}_side, stations_m: [14, 26], depths_m: [0.5, 2.8]}}"
        for side in ("starboard", "port")
    )
    mission = mission_of(tmp_path, 40, survey)
    legs = route(mission, [lanes_of(mission, order) for order in mission.file.orders])
    for leg in legs:
        up = np.tile([0.0, 0.0, -1.0], (len(leg.poses), 1))
        assert not mission.hull.cast(leg.poses[:, 1:4], up).hit.any(), leg.pattern
    assert require_clear(mission, legs) >= 0.4
    crossing = [leg for leg in legs if not leg.surveys and np.ptp(np.sign(leg.poses[:, 2])) > 0]
    assert len(crossing) == 2  # over the bow, and back the same way
    assert all(leg.poses[:, 1].max() > mission.hull.stations_m[-1] for leg in crossing)


def test_the_tether_is_counted_round_the_ship_and_refused_when_too_short(tmp_path: Path) -> None:
    survey = "  - {pattern: longitudinal, area: port_side, stations_m: [14, 26], depths_m: [0.5, 2.8]}"
    mission = mission_of(tmp_path, 40, survey)
    plan = plan_mission(mission)
    lane = next(leg for leg in plan.legs if leg.surveys)
    assert 0.1 < abs(lane.tether_turns) < 0.6
    assert lane.tether_m > 20
    limits = replace(mission.file.limits, max_tether_m=15)
    short = replace(mission, file=replace(mission.file, limits=limits))
    with pytest.raises(InputError, match=r"needs \d+ m of tether on leg .*, the limit is 15 m"):
        plan_mission(short)


def test_from_under_the_far_bilge_the_way_leads_back_below_the_keel(tmp_path: Path) -> None:
    mission = mission_of(tmp_path, 40, PATTERNS["flat bottom"])
    legs = route(mission, [_first(mission)])
    assert require_clear(mission, legs) >= 0.4
    assert all(leg.tether_turns == pytest.approx(legs[0].tether_turns, abs=0.5) for leg in legs)


def test_girth_lines_alternate_so_that_turns_cancel(tmp_path: Path) -> None:
    mission = mission_of(tmp_path, 40, PATTERNS["transverse"])
    legs = [leg for leg in route(mission, [_first(mission)]) if leg.surveys]
    down = [np.sign(leg.poses[-1, 3] - leg.poses[0, 3]) for leg in legs]
    assert all(a == -b for a, b in pairwise(down))
    turned = np.concatenate([np.diff(np.unwrap(leg.poses[:, 4])) for leg in legs])
    assert abs(turned.sum()) < np.radians(90)


@pytest.mark.parametrize("pattern", ["bow", "stern", "sea_chest", "landmarks", "bilge_keel"])
def test_beside_a_quay_the_free_side_must_be_named(tmp_path: Path, pattern: str) -> None:
    mission_of(tmp_path, 40, f"  - {{pattern: {pattern}}}")
    path = tmp_path / "mission.yaml"
    text = path.read_text(encoding="utf-8").replace(
        "heading_deg: 62", "heading_deg: 62, quay_side: port, quay_gap_m: 1.5"
    )
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MissionFileError, match="say side: starboard"):
        load_mission(path)
    path.write_text(text.replace(f"pattern: {pattern}", f"pattern: {pattern}, side: starboard"), encoding="utf-8")
    assert load_mission(path).file.orders[0].pattern == pattern


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        pytest.param("{pattern: flat_botom}", "flat_bottom", id="a misspelt pattern"),
        pytest.param(_SPOT.format("20, depth_m: 1, radius: 2"), "radius_m", id="a key without unit"),
        pytest.param(_SPOT.format("99, depth_m: 1"), "within the ship", id="a cue beyond her"),
        pytest.param(_SPOT.format("20, depth_m: 9"), "the keel is at", id="a cue below her"),
        pytest.param("{pattern: keel_line, overlap: 0.9}", "less than or equal to 0.8", id="an overlap of nearly all"),
        pytest.param("{pattern: bow, stations_m: [39, 30]}", "smaller to the larger", id="stations in the wrong order"),
    ],
)  # fmt: skip
def test_wrong_entries_are_refused(tmp_path: Path, entry: str, words: str) -> None:
    with pytest.raises(MissionFileError, match=words):
        mission_of(tmp_path, 40, f"  - {entry}")


# ---------------------------------------------------------------- whole ships


_LONG = (
    pytest.mark.slow,
    pytest.mark.skipif("HULLSCAN_LONG_TESTS" not in os.environ, reason="minutes of CPU; set HULLSCAN_LONG_TESTS"),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "length",
    [
        pytest.param(length, id=f"{length} m", marks=_LONG if length > 150 else ())
        for length in (30, 60, 120, 180, 230, 300, 400)
    ],
)
def test_a_full_plan_covers_her_on_a_short_path_and_keeps_clear(tmp_path: Path, length: float) -> None:
    mission = full_mission(tmp_path, length)
    plan = plan_mission(mission)
    assert RayCoverage(mission).share(plan, HullCells(mission.hull), every=1 if length < 150 else 2) >= 0.99
    assert path_m(plan) / plan.lower_bound_m <= 1.25
    assert plan.min_clearance_m >= mission.file.limits.min_clearance_m


_ENTRIES = st.one_of(
    st.sampled_from(
        ["  - {pattern: bow}", "  - {pattern: stern}", "  - {pattern: sea_chest}", "  - {pattern: keel_line}"]
    ),
    st.builds("  - {{pattern: flat_bottom, overlap: {:.2f}}}".format, st.floats(0.05, 0.6)),
    st.builds(
        "  - {{pattern: transverse, area: starboard_side, overlap: {:.2f}, stand_off_m: {:.2f}}}".format,
        st.floats(0.05, 0.6),
        st.floats(0.9, 1.8),
    ),
    st.builds(
        "  - {{pattern: spot_check, side: port, station_m: {:.1f}, depth_m: {:.2f}, radius_m: {:.1f}}}".format,
        st.floats(5, 20),
        st.floats(0.2, 1.8),
        st.floats(0.3, 2.0),
    ),
)


@pytest.mark.slow
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.floats(26, 60), visibility=st.floats(2.2, 5.0), entry=_ENTRIES)
def test_poses_of_any_pattern_on_any_ship_are_sound(
    tmp_path: Path, length: float, visibility: float, entry: str
) -> None:
    mission = mission_of(tmp_path, length, entry, visibility)
    lanes = _first(mission)
    legs = route(mission, [lanes])
    assert require_clear(mission, legs) >= mission.file.limits.min_clearance_m
    for leg in legs:
        assert np.isfinite(leg.poses).all()
        assert np.linalg.norm(np.diff(leg.poses[:, 1:4], axis=0), axis=1).max(initial=0) <= 0.2501
        if leg.surveys:
            poses = list(leg.camera_poses(mission.vehicle))
            axes = np.array([pose.rotation.apply([0.0, 0.0, 1.0]) for pose in poses])
            met = mission.hull.cast(np.array([pose.position_m for pose in poses]), axes)
            assert met.hit.mean() > 0.9
            assert np.median(met.distance_m) < 1.5 * lanes.stand_off_m
