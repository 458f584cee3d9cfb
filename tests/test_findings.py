"""From a pixel to the hull, and from sightings to findings."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hullscan.clock import SimulatedClock
from hullscan.findings.geotag import HullFix, camera_doubt, geotag
from hullscan.findings.merge import FindingRules, merge_fixes
from hullscan.findings.outline import Outline
from hullscan.findings.seeing import EarlierLooks, LiveSeeing
from hullscan.findings.sightings import CONTRAST_GRID, Look, Looker, Sighting, contrast_map
from hullscan.findings.viewpoint import Viewpoint, Viewpoints
from hullscan.geometry.frames import Pose, ShipPose
from hullscan.geometry.track import ShipTrack
from hullscan.mission.vehicle import BLUEROV2_HEAVY
from hullscan.search.cells import HullCells
from hullscan.search.doubt import EVERYWHERE, CameraDoubt
from hullscan.search.looks import LookRecord, SeenCells, seen_cells
from hullscan.search.pod import PRIOR_MODEL
from hullscan.ship.surface import HullSurface
from hullscan.vehicle.telemetry import Telemetry
from hullscan.video.frames import Frame
from hullscan.vision.detections import Detections
from hullscan_sim.parameters import Parameters
from hullscan_sim.payload import Payload

CAMERA = BLUEROV2_HEAVY.camera
BOX = HullSurface.from_sections(
    np.linspace(0, 40, 41), lambda _: np.array([[4.0, -1.0], [4.0, 5.0], [0.0, 5.0]]), wet_rows=181
)
CELLS = HullCells(BOX)


def view(x: float, z: float, away: float = 1.5, *, side: int = 1, sigma: float = 0.1) -> Viewpoint:
    """A camera beside the box, looking straight at it."""
    body = Pose(np.array([x, side * (4.0 + away + 0.21), z + 0.067]), Rotation.from_euler("z", -side * np.pi / 2))
    covariance = np.diag([sigma**2, sigma**2, np.radians(0.1) ** 2, 0.01])
    speed = np.array([0.25, 0.0, 0.0])
    return Viewpoint(0.0, body @ BLUEROV2_HEAVY.camera_pose_frd(0.0), body, speed, ShipPose(0, 0, 0), covariance)


def sighting(centre: tuple[float, float], size: float = 60.0, **changes: object) -> Sighting:
    x, y = centre
    box = (x - size / 2, y - size / 2, x + size / 2, y + size / 2)
    values = {"utc_s": 0.0, "stream_s": 0.0, "frame": 0, "label": "anode", "score": 0.8, "track": 1}
    return Sighting(**{**values, "box_xyxy_px": box, "cut": False, "suspect": False, **changes})  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(8, 32),
    z=st.floats(1, 4),
    u=st.floats(0.15, 0.85),
    v=st.floats(0.15, 0.85),
    side=st.sampled_from([-1, 1]),
)
def test_a_pixel_meets_the_plating_where_geometry_says(x: float, z: float, u: float, v: float, side: int) -> None:
    place = view(x, z, side=side)
    pixel = (u * CAMERA.width_px, v * CAMERA.height_px)
    fix = geotag(sighting(pixel), place, CAMERA, BOX, BLUEROV2_HEAVY, 0.0)
    if fix is None or not 0 < fix.point_ship_m[2] < 4.9:
        return
    ray = (np.array(pixel) - [CAMERA.cx_px, CAMERA.cy_px]) / CAMERA.fx_px
    expected = [x + side * ray[0] * 1.5, side * 4.0, z + ray[1] * 1.5]
    assert fix.point_ship_m == pytest.approx(expected, abs=0.02)


def test_a_parcel_that_stands_off_the_plating_is_placed_under_itself() -> None:
    place = view(20.0, 2.0)
    centre_of_parcel = np.array([20.8, 4.12, 2.0])
    pixel = CAMERA.project(place.camera_ship.to_body(centre_of_parcel[None]))[0]
    fix = geotag(sighting(tuple(pixel), label="parcel"), place, CAMERA, BOX, BLUEROV2_HEAVY, 0.0)
    assert fix is not None
    assert fix.point_ship_m == pytest.approx([20.8, 4.0, 2.0], abs=0.02)


def test_a_ray_past_the_hull_is_no_fix() -> None:
    place = view(20.0, 2.0)
    away = Viewpoint(
        0.0,
        Pose(place.camera_ship.position_m, place.camera_ship.rotation * Rotation.from_euler("y", np.pi)),
        place.body_ship,
        place.velocity_ship_mps,
        place.ship_ned,
        place.ship_covariance,
    )
    assert geotag(sighting((320, 180)), away, CAMERA, BOX, BLUEROV2_HEAVY, 0.0) is None


def test_covariance_lies_in_the_plating_and_grows_with_what_is_unknown() -> None:
    def spread(**changes: float) -> np.ndarray:
        fix = geotag(
            sighting((320, 180)),
            view(20, 2, **{k: v for k, v in changes.items() if k != "time"}),
            CAMERA,
            BOX,
            BLUEROV2_HEAVY,
            changes.get("time", 0.0),
        )
        assert fix is not None
        assert fix.common_m2[1] == pytest.approx(np.zeros(3), abs=1e-9)  # nothing along the normal
        return np.sqrt(np.diag(fix.common_m2 + fix.independent_m2))

    base = spread()
    assert spread(sigma=0.5)[0] > 2 * base[0]
    assert spread(time=1.0)[0] == pytest.approx(np.hypot(base[0], 0.25), rel=0.05)
    assert spread(time=1.0)[2] == pytest.approx(base[2], rel=0.01)
    assert spread(away=3.0)[2] > base[2]


def fix_at(
    x: float,
    z: float,
    *,
    frame: int,
    track: int,
    label: str = "parcel",
    score: float = 0.8,
    t: float = 0.0,
    box: tuple[float, float, float, float] = (300, 150, 360, 210),
) -> HullFix:
    seen = Sighting(
        utc_s=t,
        stream_s=t,
        frame=frame,
        label=label,
        score=score,
        box_xyxy_px=box,
        track=track,
        cut=False,
        suspect=False,
    )
    tangent = np.diag([1.0, 0.0, 1.0])
    normal = np.array([0.0, 1.0, 0.0])
    point, outline = np.array([x, 4.0, z]), Outline.square(0.4, normal)
    return HullFix(seen, point, normal, 0.05**2 * tangent, 0.1**2 * tangent, 1.5, outline)


def lane(
    x: float,
    z: float,
    *,
    track: int,
    frame0: int,
    t0: float,
    label: str = "parcel",
    score: float = 0.8,
    count: int = 8,
    noise: float = 0.03,
    box: tuple[float, float, float, float] = (300, 150, 360, 210),
) -> list[HullFix]:
    rng = np.random.default_rng(track)
    return [
        fix_at(
            x + rng.normal() * noise,
            z + rng.normal() * noise,
            frame=frame0 + i,
            track=track,
            t=t0 + 0.3 * i,
            label=label,
            score=score,
            box=box,
        )
        for i in range(count)
    ]


RULES = FindingRules(min_score=0.4, min_views=3)


def test_looks_of_one_pass_average_out_but_keep_the_common_error() -> None:
    (finding,) = merge_fixes(lane(20.0, 2.0, track=1, frame0=0, t0=0, count=40), RULES)
    assert finding.position_ship_m == pytest.approx([20.0, 4.0, 2.0], abs=0.03)
    sigma = np.sqrt(finding.covariance_m2[0, 0])
    assert 0.1 <= sigma < 0.11
    assert finding.radius95_m == pytest.approx(2.45 * sigma, rel=0.02)


def test_the_same_parcel_from_two_lanes_is_one_finding() -> None:
    fixes = lane(20.0, 2.0, track=1, frame0=0, t0=0) + lane(20.2, 2.1, track=2, frame0=500, t0=90)
    (finding,) = merge_fixes(fixes, RULES)
    assert finding.views == 16
    assert np.sqrt(finding.covariance_m2[0, 0]) < 0.085  # two passes know more than one


def test_two_parcels_side_by_side_in_one_picture_stay_two() -> None:
    left = lane(20.0, 2.0, track=1, frame0=0, t0=0, box=(100, 100, 160, 160))
    right = lane(20.35, 2.0, track=2, frame0=0, t0=0, box=(250, 100, 310, 160))
    assert len(merge_fixes(left + right, RULES)) == 2


def test_a_resumed_session_goes_on_from_what_the_earlier_ones_have_seen() -> None:
    views = [replace(view(18.0 + 0.25 * n, 2.0), utc_s=float(n)) for n in range(8)]
    views.append(replace(view(30.0, 2.0), utc_s=8.0))  # where the picture is veil alone
    flat, veil = np.full(CONTRAST_GRID, 90, np.uint8), np.zeros(CONTRAST_GRID, np.uint8)
    looks = [
        Look(utc_s=each.utc_s, stream_s=each.utc_s, frame=n, suspect=False, contrast=flat if n < 8 else veil, leg=2)
        for n, each in enumerate(views)
    ]
    found = [sighting((320, 180), utc_s=each.utc_s, frame=n, label="parcel") for n, each in enumerate(views[:4])]
    at = SimpleNamespace(at=lambda utc_s: views[int(utc_s)])
    nobody = SimpleNamespace(hull=BOX, vehicle=BLUEROV2_HEAVY, pod_model=PRIOR_MODEL)
    nobody.file = SimpleNamespace(conditions=SimpleNamespace(visibility_m=4.0))
    seeing = LiveSeeing(
        None, None, Telemetry(SimulatedClock(99.0)), nobody, SimulatedClock(99.0),  # type: ignore[arg-type]
        ship=lambda: None, leg=lambda: -1, store=lambda look, sightings: None, on_error=lambda error: None,
        rules=FindingRules(), earlier=EarlierLooks(at, looks, found),  # type: ignore[arg-type]
    )  # fmt: skip
    assert not seeing.record.seen().any()
    first = Frame(image_bgr=np.zeros((360, 640, 3), np.uint8), utc_s=99.0, stream_s=0.0, index=9, suspect=False)
    seeing._take(first)  # it tells their size
    assert CELLS.area_m2[seeing.record.seen()].sum() > 3.0
    assert CELLS.points_m[seeing.record.seen(), 0].max() < 25.0
    assert [each.label for each in seeing.findings] == ["parcel"]


def test_frames_of_a_resumed_session_are_not_those_of_the_first_with_the_same_numbers() -> None:
    first = lane(20.0, 2.0, track=1, frame0=0, t0=0, box=(100, 100, 160, 160))
    second = lane(20.35, 2.0, track=2, frame0=0, t0=300, box=(250, 100, 310, 160))
    (finding,) = merge_fixes(first + second, RULES)
    assert finding.views == len(first) + len(second)


def test_a_parcel_that_is_boxed_whole_and_in_part_is_one_finding() -> None:
    whole = lane(20.0, 2.0, track=1, frame0=0, t0=0, box=(100, 100, 300, 200))
    part = lane(20.1, 2.0, track=2, frame0=0, t0=0, box=(290, 100, 320, 130))
    assert len(merge_fixes(whole + part, RULES)) == 1


@pytest.mark.parametrize("degrees", [-30.0, 0.0, 20.0])
def test_the_camera_is_where_the_servo_turned_it(degrees: float) -> None:
    """The simulated autopilot turns its servo and reports it as ArduSub does; the viewpoint must read that back."""
    payload = Payload(Parameters())
    payload.point(degrees)
    for _ in range(200):
        payload.update([1500] * 16, 0.01)
    reported = SimpleNamespace(value=payload.named_values["CamTilt"])
    telemetry = SimpleNamespace(values={"CamTilt": SimpleNamespace(before=lambda _: reported)})
    tilt_rad = Viewpoints(telemetry, None, BLUEROV2_HEAVY)._tilt_rad(0.0)
    assert np.degrees(tilt_rad) == pytest.approx(degrees, abs=0.2)  # a microsecond of the servo's pulse is 0.1 degrees
    assert tilt_rad == pytest.approx(payload.tilt_rad, abs=0.004)


@pytest.mark.parametrize(
    ("fixes", "count"),
    [
        pytest.param(lane(20, 2, track=1, frame0=0, t0=0, count=2), 0, id="two looks are too few"),
        pytest.param(lane(20, 2, track=1, frame0=0, t0=0, score=0.3), 0, id="weak looks are no finding"),
        pytest.param(lane(20, 2, track=0, frame0=0, t0=0), 0, id="boxes without a track are no finding"),
        pytest.param(lane(20, 2, track=1, frame0=0, t0=0, label="anode"), 0, id="fittings are no finding"),
        pytest.param(
            lane(20, 2, track=1, frame0=0, t0=0) + lane(20.6, 2.2, track=2, frame0=0, t0=0, label="rope"),
            1,
            id="a rope beside a parcel belongs to it",
        ),
        pytest.param(lane(25, 2, track=2, frame0=0, t0=0, label="rope"), 1, id="a rope alone is a finding"),
        pytest.param(
            lane(20, 2, track=1, frame0=0, t0=0) + lane(23, 2, track=2, frame0=50, t0=20),
            2,
            id="parcels three metres apart are two",
        ),
        pytest.param([], 0, id="nothing seen, nothing found"),
    ],
)
def test_what_becomes_a_finding(fixes: list[HullFix], count: int) -> None:
    assert len(merge_fixes(fixes, RULES)) == count


def test_an_outlier_does_not_drag_the_finding_away() -> None:
    fixes = [*lane(20.0, 2.0, track=1, frame0=0, t0=0), fix_at(22.0, 3.0, frame=99, track=1, t=1.0)]
    (finding,) = merge_fixes(fixes, RULES)
    assert finding.position_ship_m == pytest.approx([20.0, 4.0, 2.0], abs=0.06)


def flown(sigma_m: float, begin_m: float = 14.0, end_m: float = 26.0) -> list[Viewpoint]:
    """Looks of a lane whose place along the hull alone is open: how far away the plating is the beams tell."""
    covariance = np.diag([sigma_m**2, 0.03**2, np.radians(0.1) ** 2, 0.03**2])
    return [replace(view(x, 2.5), ship_covariance=covariance) for x in np.arange(begin_m, end_m, 0.3)]


def lane_seen_from(views: list[Viewpoint], shift_m: np.ndarray, turn: Rotation) -> set[int]:
    """Cells in a picture of a lane whose camera was elsewhere by as much at every look."""
    shown: set[int] = set()
    for each in views:
        pose = each.camera_ship
        shown |= set(
            seen_cells(CELLS, CAMERA, Pose(pose.position_m + shift_m, pose.rotation * turn), 3.0).index.tolist()
        )
    return shown


def doubt_of(view: Viewpoint) -> CameraDoubt:
    return camera_doubt(view.camera_ship.position_m, view.ship_ned, view.ship_covariance)


@pytest.mark.parametrize("sigma_m", [0.05, 0.3, 0.8], ids=lambda sigma: f"known to {sigma} m")
def test_what_a_lane_is_said_to_have_shown_it_showed_wherever_the_camera_was(sigma_m: float) -> None:
    views = flown(sigma_m)
    record = LookRecord(CELLS, 3.75)
    for each in views:
        record.add(seen_cells(CELLS, CAMERA, each.camera_ship, 3.0, doubt=doubt_of(each)), 0, speed_mps=0.25)
    claimed = set(np.flatnonzero(record.seen()).tolist())
    doubt, rng = doubt_of(views[0]), np.random.default_rng(5)
    missed = []
    for _ in range(60):
        shift = rng.multivariate_normal(np.zeros(3), doubt.place_m2)
        missed.append(claimed - lane_seen_from(views, shift, Rotation.from_rotvec(doubt.turn_rad * rng.normal(size=3))))
    wrong = sum(len(each) for each in missed) / 60 / len(claimed)
    assert wrong < 0.02  # of the lane; those at its edge alone are at risk, one in twenty
    believed = lane_seen_from(views, np.zeros(3), Rotation.identity())
    assert claimed <= believed
    assert len(claimed) > (0.62 - 0.15 * sigma_m) * len(believed)  # it is 12 m long and six cells high, all with edges


def test_each_look_of_a_lane_may_be_unsure_and_the_lane_is_not() -> None:
    """Where along the hull it was is open by more than a picture is wide; that it went by is not."""
    record = LookRecord(CELLS, 3.75)
    for each in flown(0.8, 10.0, 30.0):
        seen = seen_cells(CELLS, CAMERA, each.camera_ship, 3.0, doubt=doubt_of(each))
        assert not (seen.places == EVERYWHERE).any()
        record.add(seen, 0, speed_mps=0.25)
    middle = (CELLS.side > 0) & (np.abs(CELLS.station_m - 20) < 3) & (np.abs(CELLS.depth_m - 2.5) < 0.2)
    assert record.seen()[middle].all()
    assert (record.pod[middle] > 0.5).all()


@pytest.mark.parametrize(
    ("passes", "chance"),
    [
        pytest.param([0b0], 0.0, id="never in a picture"),
        pytest.param([2**64 - 1], 1.0, id="in a picture from all places"),
        pytest.param([2**32 - 1, 2**32 - 1], 0.5, id="the same half of the places twice is one half"),
        pytest.param([2**32 - 1, 2**64 - 2**32], 0.75, id="the one half and the other may have been missed both"),
    ],
)
def test_the_chance_that_a_cell_was_seen(passes: list[int], chance: float) -> None:
    record = LookRecord(CELLS, 3.0)
    for number, places in enumerate(passes):
        one = np.ones(1)
        seen = SeenCells(np.array([7]), one, 0.001 * one, 0 * one, np.zeros((1, 2)), np.array([places], np.uint64))
        record.add(seen, number, speed_mps=0.25)
    assert record.chance_seen[7] == pytest.approx(chance)
    assert record.seen()[7] == (chance >= 0.95)


class Lost:
    """Telemetry of a vehicle whose estimator gives up at 12 s."""

    values: ClassVar[dict[str, object]] = {}
    position = SimpleNamespace(at=lambda _: SimpleNamespace(velocity_ned_mps=(0.0, 0.0, 0.0)))

    def pose_at(self, _: float) -> Pose:
        return Pose(np.zeros(3), Rotation.identity())

    def position_lost_at(self, utc_s: float) -> bool:
        return utc_s >= 12.0


@pytest.mark.parametrize(
    ("utc_s", "sigma_m"),
    [
        pytest.param(5.0, 0.0, id="while the hull is heard"),
        pytest.param(10.9, 0.0, id="a moment after"),
        pytest.param(11.9, 0.08 * 0.9, id="coasting"),
        pytest.param(15.0, 0.3 * 4.0, id="lost"),
    ],
)
def test_the_place_is_lost_with_the_time_that_nobody_hears_the_hull(utc_s: float, sigma_m: float) -> None:
    times = np.linspace(0.0, 10.0, 51)
    track = ShipTrack(times, np.zeros((51, 4)), np.zeros((51, 4, 4)))
    seen_from = Viewpoints(Lost(), track, BLUEROV2_HEAVY).at(utc_s)  # type: ignore[arg-type]
    assert seen_from is not None
    assert np.sqrt(np.diag(seen_from.ship_covariance)) == pytest.approx([sigma_m, sigma_m, 0, 0])


class Recorded:
    """A detector that says what it was told to say."""

    names = ("parcel",)
    model_sha256 = "0" * 64

    def detect(self, image_bgr: np.ndarray) -> Detections:
        return Detections(np.array([[10.0, 10.0, 60.0, 50.0]]), np.array([0.9]), np.array([0]), self.names)


def test_frames_are_chosen_by_how_far_the_view_has_moved() -> None:
    looker = Looker(Recorded(), step_m=0.1)
    frame = Frame(image_bgr=np.zeros((360, 640, 3), np.uint8), utc_s=0.0, stream_s=0.0, index=0, suspect=False)
    here = np.zeros(3)
    assert looker.wants(0.0, here, 0.0)
    look, sightings = looker.look(frame, here, 0.0, leg=3)
    assert look.leg == 3
    assert sightings[0].label == "parcel"
    assert not sightings[0].cut
    assert not looker.wants(0.1, np.array([0.05, 0, 0]), 0.0)
    assert looker.wants(0.2, np.array([0.11, 0, 0]), 0.0)
    assert looker.wants(0.2, here, np.radians(5))
    assert looker.wants(3.0, here, 0.0)


def test_contrast_is_high_where_there_is_structure() -> None:
    image = np.full((360, 640, 3), 120, np.uint8)
    image[:, 320:] = np.where(np.indices((360, 320)).sum(0)[..., None] // 20 % 2 == 0, 60, 200)
    contrast = contrast_map(image)
    assert contrast[:, :7].max() < 2
    assert contrast[:, 9:].min() > 20
