"""Search theory: POD of looks and passes, sweep width, Bayes after nothing was found, zones, risk, model files."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation
from scipy.stats import beta

from hullscan.errors import MissionFileError
from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Pose
from hullscan.mission.candidates import camera_track
from hullscan.mission.vehicle import BLUEROV2_HEAVY
from hullscan.search.belief import Belief
from hullscan.search.cells import HullCells
from hullscan.search.looks import LookRecord, seen_cells
from hullscan.search.passes import pass_pods
from hullscan.search.pod import PRIOR_MODEL, Trials, combined_pod, sample_m
from hullscan.search.pod_file import load_pod_model, shipped_pod_model
from hullscan.search.risk import DEFAULT_WEIGHTS, Cue, RiskFile, ZoneWeight, load_risk, risk_share
from hullscan.search.sweep import lateral_range, parallel_sweeps_pod, random_search_pod, sweep_width_m
from hullscan.search.zones import HullZones
from hullscan.ship.fittings import Fitting
from hullscan.ship.form import BulkCarrier, build_hull
from hullscan.vision.card import operating_threshold
from hullscan.vision.runtime import DEFAULT_MODEL, load_detector

CAMERA = BLUEROV2_HEAVY.camera
chances = st.floats(0, 1)


@pytest.fixture(scope="module")
def cells() -> HullCells:
    return HullCells(build_hull(BulkCarrier(length_m=80, beam_m=14, draught_fwd_m=5, draught_aft_m=5.4)))


@settings(max_examples=200, deadline=None)
@given(
    range_m=st.floats(0.1, 40),
    gsd_m=st.floats(1e-5, 1),
    incidence=st.floats(0, np.pi / 2),
    visibility_m=st.floats(0.3, 40),
    size_m=st.floats(0.01, 3),
    speed_mps=st.floats(0, 1),
)
def test_pod_of_a_look_is_a_probability_that_falls_with_range_and_speed(
    range_m: float, gsd_m: float, incidence: float, visibility_m: float, size_m: float, speed_mps: float
) -> None:
    looks = PRIOR_MODEL.of_look(
        np.array([range_m, range_m * 1.1, range_m]),
        np.array([gsd_m, gsd_m * 1.1, gsd_m]),
        np.full(3, incidence),
        visibility_m,
        size_m,
        np.array([speed_mps, speed_mps, speed_mps + 0.1]),
    )
    assert (looks >= 0).all()
    assert (looks <= PRIOR_MODEL.asymptote).all()
    assert looks[1] <= looks[0] + 1e-12
    assert looks[2] <= looks[0] + 1e-12


@settings(max_examples=100, deadline=None)
@given(pods=arrays(float, (4, 5), elements=st.floats(0, 0.95)))
def test_another_look_never_lowers_the_pod(pods: np.ndarray) -> None:
    growing = [combined_pod(pods[:count], 0.95) for count in range(1, 5)]
    assert all((b >= a - 1e-12).all() for a, b in pairwise(growing))
    assert (growing[-1] <= 0.95 + 1e-12).all()
    assert (growing[0] >= pods[0] - 1e-12).all()


@settings(max_examples=200, deadline=None)
@given(
    weights=arrays(float, 6, elements=st.floats(0.001, 1)),
    present=st.floats(0.001, 1),
    pod=arrays(float, 6, elements=chances),
)
def test_bayes_sums_to_one_and_raises_no_searched_cell_against_an_unsearched_one(
    weights: np.ndarray, present: float, pod: np.ndarray
) -> None:
    pod[0] = 0.0
    before = Belief.from_prior(weights / weights.sum(), present=present)
    after = before.after_nothing_found(pod)
    assert after.cells.sum() + after.elsewhere == pytest.approx(1)
    assert (after.cells / after.cells[0] <= before.cells / before.cells[0] + 1e-9).all()
    assert after.on_hull <= before.on_hull + 1e-12
    assert after.cells[0] >= before.cells[0] - 1e-12


def test_bayes_gives_the_textbook_answer() -> None:
    after = Belief(np.array([0.3, 0.2]), 0.5).after_nothing_found(np.array([0.9, 0.0]))
    assert after.cells == pytest.approx([0.03 / 0.73, 0.2 / 0.73])
    assert after.elsewhere == pytest.approx(0.5 / 0.73)


def test_sweep_width_is_the_integral_of_the_lateral_range_curve() -> None:
    edge = 0.84 * np.tan(CAMERA.vfov_rad / 2)
    offsets = np.linspace(-edge * 1.5, edge * 1.5, 3001)
    curve = lateral_range(offsets, 0.84, CAMERA, 2.0, PRIOR_MODEL)
    assert curve[np.abs(offsets) > edge].max() == 0
    assert sweep_width_m(0.84, CAMERA, 2.0, PRIOR_MODEL) == pytest.approx(np.trapezoid(curve, offsets), rel=0.01)
    assert sweep_width_m(0.84, CAMERA, 2.0, PRIOR_MODEL, speed_mps=0.5) < sweep_width_m(0.84, CAMERA, 2.0, PRIOR_MODEL)


def test_coverage_factors_give_the_published_pods() -> None:
    assert random_search_pod(np.array([0.5, 1, 1.5, 2])) == pytest.approx([0.39, 0.63, 0.78, 0.86], abs=0.006)
    assert parallel_sweeps_pod(np.array([0.5, 1, 1.5, 2])) == pytest.approx([0.47, 0.79, 0.94, 0.99], abs=0.006)


def test_many_passes_at_once_see_what_single_looks_see(cells: HullCells) -> None:
    vehicle = BLUEROV2_HEAVY
    tracks = [
        np.array([[30 + 0.3 * k, 8.2, depth, -np.pi / 2, 0.0, tilt] for k in range(8)])
        for depth, tilt in ((2.0, 0.0), (4.4, 0.6), (4.4, -0.6))
    ]
    pods = pass_pods(
        cells,
        CAMERA,
        camera_track(tracks, [0.25] * 3, vehicle),
        3,
        visibility_m=3.0,
        model=PRIOR_MODEL,
        max_range_m=2.4,
    ).toarray()
    for number, track in enumerate(tracks):
        record = LookRecord(cells, 3.0)
        for x, y, z, yaw, pitch, tilt in track:
            pose = Pose(np.array([x, y, z]), Rotation.from_euler("ZY", [yaw, pitch])) @ vehicle.camera_pose_frd(tilt)
            record.add(seen_cells(cells, CAMERA, pose, 2.4), 0, speed_mps=0.25)
        assert (pods[number] > 0).sum() > 10
        assert pods[number] == pytest.approx(record.pod, abs=1e-9)


def test_cells_agree_with_the_surface(cells: HullCells) -> None:
    some = np.random.default_rng(3).integers(0, len(cells), 400)
    at = (cells.side[some], cells.station_m[some], cells.girth_m[some])
    assert cells.points_m[some] == pytest.approx(cells.hull.point(*at), abs=1e-6)
    assert cells.normals[some] == pytest.approx(cells.hull.normal(*at), abs=1e-6)


def test_every_cell_has_a_zone_and_the_risk_sums_to_one(cells: HullCells) -> None:
    zones = HullZones.of_hull(cells)
    share = risk_share(cells, zones)
    assert share.sum() == pytest.approx(1)
    assert (share > 0).all()
    assert zones.area_m2.sum() == pytest.approx(cells.area_m2.sum())
    kinds = {zone.kind for zone in zones.zones}
    assert kinds == set(DEFAULT_WEIGHTS)
    by_kind = {
        kind: sum(s for s, zone in zip(zones.share(share), zones.zones, strict=True) if zone.kind == kind)
        for kind in kinds
    }
    assert by_kind["sea_chest"] == pytest.approx(0.50)
    assert sum(weight for weight, _ in DEFAULT_WEIGHTS.values()) == 100
    assert len({zone.identity for zone in zones.zones}) == len(zones.zones)


def test_known_sea_chests_replace_those_placed_by_rule(cells: HullCells) -> None:
    known = Fitting(kind="sea_chest", side="port", station_m=20.0, depth_m=3.0, size_m=(1.0, 1.0))
    chests = [zone for zone in HullZones.of_hull(cells, (known,)).zones if zone.kind == "sea_chest"]
    assert [(zone.side, zone.station_m, zone.assumed) for zone in chests] == [("port", 20.0, False)]
    assert chests[0].name == "sea chest, port, station 20.0 m"


def test_a_risk_file_moves_the_risk_to_zones_and_cues(cells: HullCells) -> None:
    zones = HullZones.of_hull(cells)
    before = risk_share(cells, zones)
    heavy = RiskFile(zones=(ZoneWeight(zone="bow", weight=100, reason="tip"),))
    bow = [index for index, zone in enumerate(zones.zones) if zone.kind == "bow"]
    assert zones.share(risk_share(cells, zones, heavy))[bow].sum() == pytest.approx(100 / 198)
    cue = Cue(side="port", station_m=40, depth_m=2, radius_m=3, chance=0.4, reason="sonar")
    after = risk_share(cells, zones, RiskFile(cues=(cue,)))
    near = (np.linalg.norm(cells.points_m - [40, -7.0, 2], axis=1) < 3.2) & (cells.side < 0)
    assert after.sum() == pytest.approx(1)
    assert after[near].sum() - 0.6 * before[near].sum() == pytest.approx(0.4 * 0.95, abs=0.03)


def test_faults_of_a_risk_file_are_named_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "risk.yaml"
    path.write_text(
        "schema: hullscan.risk/1\nzones:\n  - {zone: sea_chests, weight: 5, reason: x}\ncues:\n"
        "  - {side: port, station_m: 4, depth_m: 2, radius_m: 3, chance: 0.6, reason: a}\n"
        "  - {side: port, station_m: 9, depth_m: 2, radius_m: 3, chance: 0.6, reason: b}\n",
        encoding="utf-8",
    )
    with pytest.raises(MissionFileError) as caught:
        load_risk(path)
    assert "no such zone 'sea_chests'" in str(caught.value)
    assert "risk.yaml:4: cues: their chances sum to 1.20" in str(caught.value)


_POD = (
    "schema: hullscan.pod/1\nsource: trial\ntrials: {trials}\nasymptote: 0.97\nhalf_contrast: 0.05\n"
    "contrast_slope: 2.6\nhalf_pixels: 14\npixel_slope: 3.1\n"
)


@pytest.mark.parametrize(
    ("trials", "measured"),
    [
        pytest.param(29, True, id="twenty-nine trials make a model measured"),
        pytest.param(28, False, id="fewer trials do not"),
    ],
)
def test_a_pod_model_comes_from_a_file(tmp_path: Path, trials: int, measured: bool) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text(_POD.format(trials=trials), encoding="utf-8")
    model = load_pod_model(path)
    assert (model.asymptote, model.half_pixels, model.source, model.measured) == (0.97, 14.0, "trial", measured)


_TRIED = "found: {found}\nexpected: 90.0\nmin_score: 0.5\nlengths_m: [0.25, 1.2]\nmodel_sha256: " + "ab" * 32 + "\n"


@pytest.mark.parametrize(
    ("found", "share"),
    [
        # one-sided bounds of Clopper and Pearson, from a table: 100 of 100: 0.05^(1/100); 90 of 100: 0.8363
        pytest.param(87, 0.8013 / 0.90, id="fewer than the model expects"),
        pytest.param(100, 1.0, id="all of a hundred were found: no bound lies above what is stated"),
        pytest.param(90, 0.8363 / 0.90, id="as many as the model expects"),
    ],
)
def test_trials_bound_what_the_model_expects(tmp_path: Path, found: int, share: float) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text(_POD.format(trials=100) + _TRIED.format(found=found), encoding="utf-8")
    trials = load_pod_model(path).trials
    assert trials is not None
    assert trials.lower_share == pytest.approx(share, abs=2e-4)


_BANDS = (
    "bands:\n  - {visibilities_m: [1.5, 3.0], trials: 40, found: 40, expected: 34.0}\n"
    "  - {visibilities_m: [3.0, 4.0], trials: 20, found: 18, expected: 18.0}\n"
    "  - {visibilities_m: [4.0, 5.0], trials: 40, found: 32, expected: 38.0}\n"
)


@pytest.mark.parametrize(
    ("parcel_m", "visibility_m", "model", "min_score", "applies"),
    [
        pytest.param(0.4, 2.0, "ab" * 32, 0.5, True, id="the same detector and threshold"),
        pytest.param(0.4, 2.0, "ab" * 32, 0.3, True, id="a lower threshold finds no fewer"),
        pytest.param(0.4, 2.0, "ab" * 32, 0.6, False, id="a higher one may"),
        pytest.param(0.4, 2.0, "cd" * 32, 0.5, False, id="another detector"),
        pytest.param(0.2, 2.0, "ab" * 32, 0.5, False, id="smaller than any that was planted"),
        pytest.param(0.4, 0.8, "ab" * 32, 0.5, False, id="murkier water than any that was tried"),
        pytest.param(0.4, 3.5, "ab" * 32, 0.5, False, id="water in which too few were planted"),
        pytest.param(0.4, 8.0, "ab" * 32, 0.5, False, id="clearer water, looked at from farther away"),
    ],
)
def test_trials_say_nothing_of_what_was_not_tried(
    tmp_path: Path, parcel_m: float, visibility_m: float, model: str, min_score: float, applies: bool
) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text(_POD.format(trials=100) + _TRIED.format(found=90) + _BANDS, encoding="utf-8")
    trials = load_pod_model(path).trials
    assert trials is not None
    assert trials.apply_to(parcel_m, visibility_m, model, min_score) is applies
    assert (trials.lower_share_in(visibility_m) is None) is (trials.of_water(visibility_m) is None)


def test_a_band_lowers_the_bound_but_does_not_raise_it(tmp_path: Path) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text(_POD.format(trials=100) + _TRIED.format(found=90) + _BANDS, encoding="utf-8")
    trials = load_pod_model(path).trials
    assert trials is not None
    # Clopper and Pearson from a table: 90 of 100: 0.8363; 32 of 40: 0.6680
    assert trials.lower_share_in(2.0) == pytest.approx(0.8363 / 0.90, abs=2e-4)
    assert trials.lower_share_in(4.5) == pytest.approx(0.6680 * 40 / 38, abs=2e-4)


@pytest.mark.parametrize("first", [0, 1], ids=["the lesser is the nearer", "the lesser is the farther"])
def test_on_the_border_of_two_bands_the_lesser_bound_holds(first: int) -> None:
    whole = Trials(shown=200, found=170, expected=170.0, lengths_m=(0.2, 1.0), model_sha256="ab" * 32, min_score=0.5)
    spans = [(1.0, 3.0), (3.0, 5.0)]
    many = replace(whole, shown=100, found=95, expected=90.0, visibilities_m=spans[first])
    few = replace(whole, shown=100, found=75, expected=80.0, visibilities_m=spans[1 - first])
    assert replace(whole, bands=(many, few)).of_water(3.0) == few


def test_bounds_of_surveys_whose_parcels_are_alike_hold(tmp_path: Path) -> None:
    """In 19 of 20 repeats the truth lies above the bound, as long as the design effect is counted; else in fewer."""
    rng = np.random.default_rng(5)
    surveys, parcels, alike, pod = 40, 8, 0.3, 0.8
    effect = 1 + (parcels - 1) * alike
    chance = rng.beta(pod * (1 / alike - 1), (1 - pod) * (1 / alike - 1), (400, surveys))
    path = tmp_path / "pod.yaml"
    above = {}
    for counted in (1.0, effect):
        text = _POD.format(trials=surveys * parcels) + _TRIED.format(found=0) + f"design_effect: {counted}\n"
        path.write_text(text, encoding="utf-8")
        trials = load_pod_model(path).trials
        assert trials is not None
        told = replace(trials, expected=surveys * parcels * pod)
        found = rng.binomial(parcels, chance).sum(axis=1)
        above[counted] = np.mean([replace(told, found=int(each)).lower_share <= 1 - 1e-9 for each in found])
    assert above[effect] >= 0.93
    assert above[1.0] < 0.90


@pytest.mark.parametrize(
    ("bands", "fault"),
    [
        pytest.param("{visibilities_m: [3, 5], trials: 90, found: 80, expected: 85.0}", "they hold not the 100 trials",
                     id="trials are missing"),
        pytest.param("{visibilities_m: [3, 5], trials: 100, found: 101, expected: 85.0}", "more than the 100 that were",
                     id="more found than shown"),
        pytest.param("{visibilities_m: [5, 3], trials: 100, found: 90, expected: 85.0}", "the greater comes first",
                     id="the wrong way round"),
    ],
)  # fmt: skip
def test_bands_that_cannot_be_are_refused(tmp_path: Path, bands: str, fault: str) -> None:
    path = tmp_path / "pod.yaml"
    text = _POD.format(trials=100) + _TRIED.format(found=90) + f"bands:\n  - {bands}\n"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MissionFileError, match=fault):
        load_pod_model(path)


def test_more_found_than_shown_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text(_POD.format(trials=100) + _TRIED.format(found=101), encoding="utf-8")
    with pytest.raises(MissionFileError, match="more than the 100 that were shown"):
        load_pod_model(path)


def test_the_shipped_model_expects_as_many_as_the_shipped_detector_found() -> None:
    model = shipped_pod_model()
    assert model.measured
    trials = model.trials
    assert trials is not None
    told = load_detector(None).model_sha256, operating_threshold(DEFAULT_MODEL)
    assert all(trials.apply_to(0.4, visibility_m, *told) for visibility_m in (1.5, 3.0, 4.0, 5.0))
    assert not trials.apply_to(0.4, 1.0, *told)
    for each in (trials, *trials.bands):
        assert 0.85 < each.lower_share <= 1, each.visibilities_m
        # no more is expected than may well have been found: the upper bound of Clopper and Pearson
        assert each.expected / each.shown <= beta.ppf(0.95, each.found + 1, max(each.shown - each.found, 1e-9))


@pytest.mark.parametrize("width_px", [640, 1280, 1920])
def test_wider_pictures_show_a_detector_no_more(width_px: int) -> None:
    camera = Camera.from_hfov(width_px, width_px * 9 // 16, float(np.radians(80)))
    assert sample_m(np.array([2.0]), camera) == pytest.approx(2.0 * np.tan(np.radians(40)) / 320)


def test_a_narrower_picture_shows_less() -> None:
    camera = Camera.from_hfov(320, 180, float(np.radians(80)))
    assert sample_m(np.array([2.0]), camera) == pytest.approx(2.0 * np.tan(np.radians(40)) / 160)


def test_a_larger_parcel_is_likelier_found() -> None:
    looks = (np.array([2.0]), np.array([0.005]), np.zeros(1), 4.0)
    pods = [replace(PRIOR_MODEL, parcel_m=length).of_look(*looks)[0] for length in (0.2, 0.4, 0.8)]
    assert pods == sorted(pods)
    assert PRIOR_MODEL.of_look(*looks)[0] == pods[1]


def test_a_pod_file_with_an_unknown_key_or_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text(_POD.format(trials=3).replace("pod/1", "pod/2") + "asymptot: 1\n", encoding="utf-8")
    with pytest.raises(MissionFileError, match="unknown key"):
        load_pod_model(path)


# --- gaps ---


def patches(cells: HullCells, missing: np.ndarray) -> list[list[int]]:
    """Cells that touch, at corners too, gathered one by one."""
    places = zip(cells.side, np.round(cells.station_m / 0.125), np.round(cells.girth_m / 0.125), missing, strict=True)
    left = {(int(s), int(x), int(y)): n for n, (s, x, y, lacks) in enumerate(places) if lacks}
    found = []
    while left:
        start, number = left.popitem()
        patch, edge = [number], [start]
        while edge:
            s, x, y = edge.pop()
            for place in [(s, x + dx, y + dy) for dx in (-2, 0, 2) for dy in (-2, 0, 2)]:
                if place in left:
                    patch.append(left.pop(place))
                    edge.append(place)
        found.append(patch)
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_patch_that_was_not_seen_is_named_with_its_area_and_place(cells, seed):
    rng = np.random.default_rng(seed)
    missing = np.zeros(len(cells), dtype=bool)
    for _ in range(rng.integers(1, 9)):
        x, y, radius = rng.uniform(0, 80), rng.uniform(0, 9), rng.uniform(0.1, 4)
        here = cells.side == rng.choice([-1, 1])
        missing |= here & (np.hypot(cells.station_m - x, cells.girth_m - y) < radius)
    missing &= rng.random(len(cells)) < rng.choice([1.0, 0.7, 0.3])
    gaps = cells.gaps(missing)
    large = [patch for patch in patches(cells, missing) if cells.area_m2[patch].sum() >= 0.2]
    assert len(gaps) == len(large)
    for patch in large:
        area = cells.area_m2[patch].sum()
        side = "starboard" if cells.side[patch[0]] > 0 else "port"
        s, d = cells.station_m[patch], cells.depth_m[patch]
        assert [
            gap
            for gap in gaps
            if gap.side == side
            and gap.area_m2 == pytest.approx(area)
            and gap.stations_m == pytest.approx((s.min() - 0.125, s.max() + 0.125))
            and gap.depths_m == pytest.approx((max(d.min() - 0.125, 0), d.max() + 0.125))
        ], (side, area)
