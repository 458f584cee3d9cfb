"""Close-ups and gaps: where they look, when they are refused, and that a lane goes on at the exact place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from fake_rov import FakeRov
from scipy.spatial.transform import Rotation

from hullscan.findings.geotag import camera_doubt
from hullscan.geometry.frames import Pose, ShipPose
from hullscan.mission.model import Inspect, Mission, load_mission
from hullscan.mission.orders import Transverse
from hullscan.mission.patterns.clearance import hull_gap, nearest_approach
from hullscan.mission.patterns.leg import dense
from hullscan.mission.patterns.view import footprint_m
from hullscan.mission.plan import Plan, plan_mission
from hullscan.mission.vehicle import BLUEROV2_HEAVY
from hullscan.mission.ways_home import under_ship
from hullscan.pilot.closeup import Sighting, views_of
from hullscan.pilot.legs import has_room
from hullscan.pilot.orders_of_operator import OperatorOrder
from hullscan.pilot.pilot import Pilot, PlanPlace, Signals
from hullscan.pilot.refly import Piece, pieces_of
from hullscan.pilot.states import PilotState
from hullscan.search.cells import HullCells
from hullscan.search.looks import seen_cells
from hullscan.words import fill

MISSION = Path(__file__).parent.parent / "benchmarks" / "fault_matrix" / "mission.yaml"
SHIP = ShipPose(10.2, -4.3, 1.08, 0.0)
LANE = 1


@pytest.fixture(scope="module")
def planned() -> tuple[Mission, Plan]:
    mission = load_mission(MISSION)
    mission = replace(mission, file=replace(mission.file, inspect=Inspect(min_score=0.5, views=3, max_s=60)))
    return mission, plan_mission(mission)


def on_hull(mission: Mission, station_m: float, depth_m: float) -> np.ndarray:
    girth = mission.hull.girth_to_depth(np.array([station_m]), np.array([depth_m]))
    return mission.hull.point(np.array([1], np.int8), np.array([station_m]), girth)[0]


def test_three_views_look_at_the_place_from_nearer_and_from_other_angles(planned: tuple[Mission, Plan]) -> None:
    mission, plan = planned
    place = on_hull(mission, 33.5, 2.3)
    here = plan.legs[LANE].poses[6, 1:]
    views = views_of(mission, here, place, plan.stand_off_m, 3)
    assert not views.refused
    assert len(views.poses) == 3
    cameras = [mission.vehicle.camera_pose_frd(float(pose[5])).position_m for pose in views.poses]
    assert all(abs(camera[0]) < 0.3 for camera in cameras)
    off = np.linalg.norm(views.poses[:, :3] - place, axis=1)
    assert (off < np.linalg.norm(here[:3] - place) + 0.1).all()
    assert np.ptp(views.poses[:, 3]) > np.radians(30)  # from forward and from aft
    gap, _ = hull_gap(mission, views.poses)
    assert gap.min() >= mission.file.limits.min_clearance_m


def test_in_murky_water_the_views_are_no_farther_off_than_the_lanes(planned: tuple[Mission, Plan]) -> None:
    mission, _ = planned
    place, stand_off_m = on_hull(mission, 33.5, 2.3), 0.75  # as near as its clearance allows
    hull_point, _, normals = mission.hull.nearest(place[None])
    here = np.array([*(hull_point[0] + (stand_off_m + 0.21) * normals[0]), -np.pi / 2, 0.0, 0.0])
    views = views_of(mission, here, place, stand_off_m, 3)
    assert not views.refused
    turns = Rotation.from_euler("z", views.poses[:, 3:4])
    cameras = views.poses[:, :3] + turns.apply(mission.vehicle.camera_mount.position_m)
    assert np.linalg.norm(cameras - place, axis=1) == pytest.approx(stand_off_m, abs=0.02)


def on_bottom(mission: Mission, station_m: float, from_keel_m: float) -> np.ndarray:
    station = np.array([station_m])
    return mission.hull.point(np.array([1], np.int8), station, mission.hull.total_girth(station) - from_keel_m)[0]


@pytest.mark.parametrize(
    ("pitch_rad", "slant_deg", "near_m"),
    [
        pytest.param(None, 20.0, 0.75, id="pitched by 25 degrees, from as near as is safe"),
        pytest.param(0.0, 45.0, 1.06, id="level, if it takes no pitch, from the distance of the lanes"),
    ],
)
def test_under_the_flat_bottom_three_views_look_up_from_three_headings(
    planned: tuple[Mission, Plan], pitch_rad: float | None, slant_deg: float, near_m: float
) -> None:
    mission, plan = planned
    here, place = plan.legs[7].poses[8, 1:], on_bottom(mission, 30.5, 0.8)
    views = views_of(mission, here, place, plan.stand_off_m, 3, (1.0, 0.1), pitch_rad)
    assert not views.refused
    assert under_ship(mission, views.poses[:, :3]).all()
    for pose in views.poses:
        body = Pose(pose[:3], Rotation.from_euler("ZY", pose[3:5]))
        camera = body @ mission.vehicle.camera_pose_frd(float(pose[5]))
        sight = place - camera.position_m
        length = float(np.linalg.norm(sight))
        assert length == pytest.approx(near_m, abs=0.02)
        assert camera.rotation.apply([0.0, 0.0, 1.0]) == pytest.approx(sight / length, abs=0.02)
        assert np.degrees(np.arccos(-sight[2] / length)) == pytest.approx(slant_deg, abs=1)
    assert np.degrees(np.ptp(views.poses[:, 3])) == pytest.approx(150, abs=1)
    assert nearest_approach(mission, dense(views.poses)).distance_m > mission.file.limits.min_clearance_m + 0.1


def _in_water(mission: Mission, depth_m: float) -> Mission:
    berth = replace(mission.file.berth, water_depth_m=depth_m)
    return replace(mission, file=replace(mission.file, berth=berth))


@pytest.mark.parametrize(
    ("changed", "station_m", "doubt_m", "words"),
    [
        pytest.param(lambda m: m, 30.5, (1.0, 0.1), "", id="flown in the middle, though she may lie 2 m along"),
        pytest.param(lambda m: _in_water(m, 6.3), 30.5, (0.1, 0.1), "too little room below", id="the bed is near"),
        pytest.param(lambda m: m, 6.0, (0.1, 0.1), "", id="flown near the running gear that is surely far enough"),
        pytest.param(lambda m: m, 6.0, (1.5, 0.1), "too little room below", id="the running gear may be 3 m nearer"),
        pytest.param(lambda m: m, 4.0, (0.1, 0.1), "too little room", id="the way leads past the running gear"),
        pytest.param(lambda m: m, 1.5, (0.1, 0.1), "running gear", id="the place is beside the running gear"),
        pytest.param(
            lambda m: replace(m, vehicle=BLUEROV2_HEAVY), 30.5, (0.1, 0.1), "DVL would hear too little",
            id="its only DVL hears no plating while it is level",
        ),
    ],
)  # fmt: skip
def test_a_close_up_under_the_ship_is_refused_where(
    planned: tuple[Mission, Plan],
    changed: Callable[[Mission], Mission],
    station_m: float,
    doubt_m: tuple[float, float],
    words: str,
) -> None:
    mission, plan = changed(planned[0]), planned[1]
    here = plan.legs[7].poses[8, 1:].copy()
    here[0] = station_m
    refused = views_of(mission, here, on_bottom(mission, station_m, 0.3), plan.stand_off_m, 3, doubt_m).refused
    assert words in refused
    assert bool(words) == bool(refused)


def test_what_was_not_seen_becomes_pieces_of_the_lanes(planned: tuple[Mission, Plan]) -> None:
    mission, plan = planned
    cells = HullCells(mission.hull)
    places = np.zeros(len(cells), np.uint64)
    reach = 0.8 * mission.file.conditions.visibility_m
    missed_leg = 5
    for number, leg in enumerate(plan.legs):
        if leg.surveys and number != missed_leg:
            for pose in leg.camera_poses(mission.vehicle):
                seen = seen_cells(cells, mission.vehicle.camera, pose, reach)
                places[seen.index] |= seen.places
    pieces = list(chain(*pieces_of(mission, plan, cells, places)))
    assert pieces
    assert max(pieces, key=lambda piece: piece.gain_m2).leg == missed_leg
    whole = sum(piece.gain_m2 for piece in chain(*pieces_of(mission, plan, cells, np.zeros_like(places))))
    assert whole > 3 * sum(piece.gain_m2 for piece in pieces)


def in_view(mission: Mission, plan: Plan, cells: HullCells, ship: tuple[ShipPose, np.ndarray] | None) -> np.ndarray:
    """The places of the camera from which the plan shows each cell, as a flight would find them."""
    places, reach = np.zeros(len(cells), np.uint64), 0.8 * mission.file.conditions.visibility_m
    for leg in plan.legs:
        for pose in leg.camera_poses(mission.vehicle) if leg.surveys else ():
            doubt = None if ship is None else camera_doubt(pose.position_m, *ship)
            seen = seen_cells(cells, mission.vehicle.camera, pose, reach, doubt=doubt)
            places[seen.index] |= seen.places
    return places


def test_outer_girth_lines_are_flown_again_farther_out_when_the_place_along_her_is_unsure(
    planned: tuple[Mission, Plan],
) -> None:
    order = Transverse(pattern="transverse", area="starboard_side", stations_m=(25.0, 30.0))
    mission = replace(planned[0], file=replace(planned[0].file, survey=(order,)))
    plan, cells = plan_mission(mission), HullCells(mission.hull)
    sure = ShipPose(0.0, 0.0, 0.0, 0.0), np.diag([0.03, 0.03, 0.002, 0.03]) ** 2
    assert not list(chain(*pieces_of(mission, plan, cells, in_view(mission, plan, cells, sure), sure)))
    unsure = sure[0], np.diag([1.0, 0.03, 0.002, 0.03]) ** 2
    places = in_view(mission, plan, cells, unsure)
    pieces = sorted(chain(*pieces_of(mission, plan, cells, places, unsure)), key=lambda piece: -piece.gain_m2)
    ends = {}
    for piece in pieces[:2]:
        planned_leg = plan.legs[piece.leg]
        flown = piece.poses(mission, planned_leg)
        assert flown[[0, -1], 1:] == pytest.approx(planned_leg.poses[[piece.first, piece.last], 1:])
        assert has_room(mission, dense(flown[:, 1:]))
        ends[piece.leg] = float((flown[1:-1, 1] - planned_leg.poses[piece.first : piece.last + 1, 1]).mean())
    stations = {number: plan.legs[number].poses[0, 1] for number in ends}
    aft, fore = sorted(ends, key=lambda number: stations[number])
    assert ends[aft] < -1.0
    assert ends[fore] > 1.0
    assert stations[fore] - stations[aft] > 2.0


def test_pieces_lie_as_far_beside_their_lane_as_it_may_be_off_and_leave_no_strip_between(
    planned: tuple[Mission, Plan],
) -> None:
    order = Transverse(pattern="transverse", area="starboard_side", stations_m=(25.0, 30.0))
    mission = replace(planned[0], file=replace(planned[0].file, survey=(order,)))
    plan, cells = plan_mission(mission), HullCells(mission.hull)
    unsure = ShipPose(0.0, 0.0, 0.0, 0.0), np.diag([2.0, 0.03, 0.002, 0.03]) ** 2
    pieces = chain(*pieces_of(mission, plan, cells, in_view(mission, plan, cells, unsure), unsure))
    asides = np.unique(np.abs([piece.aside_m[0] for piece in pieces]).round(3))
    assert asides[-1] == pytest.approx(1.65 * 2.0, abs=0.05)
    assert np.diff(asides, prepend=0.0).max() <= 0.85 * footprint_m(mission, plan.stand_off_m)[0] + 1e-6


class Flown:
    """A flight of the real pilot with a fake vehicle."""

    def __init__(self, planned: tuple[Mission, Plan], **options: object) -> None:
        self.mission, self.plan = planned
        self.rov = FakeRov(self.mission, self.plan.legs[0].poses[0, 1:4], SHIP)
        self.events: list[tuple[float, str, np.ndarray]] = []
        self.areas_m2: list[float] = []
        self.said: list[tuple[str, str]] = []
        self.pilot = Pilot(
            self.rov, self.rov, self.mission, self.plan, self.rov,  # type: ignore[arg-type]
            signals=Signals(video_age_s=lambda: 0.1), on_event=self._on_event, **options,  # type: ignore[arg-type]
        )  # fmt: skip

    def _on_event(self, kind: str, message: str, data: dict[str, object]) -> None:
        self.events.append((self.rov.now(), kind, self.rov.place_ship))
        self.said.append((kind, fill(message, data)))
        if kind == "re-fly" and "area" in data:
            self.areas_m2.append(float(str(data["area"])))
        lane_done = kind == "survey" and data.get("leg") == LANE + 1
        if lane_done or sum(each[1] == "re-fly" for each in self.events) > 2:
            self.pilot.desk.put(OperatorOrder.ABORT)  # the rest is shown elsewhere


@pytest.mark.slow
def test_what_a_reader_asks_for_is_flown_only_when_accepted_and_where_the_pilot_s_own_rules_allow_it(
    planned: tuple[Mission, Plan],
) -> None:
    mission, plan = planned
    mission = replace(mission, file=replace(mission.file, inspect=None))  # it looks at nothing again by itself
    side, keel = on_hull(mission, 33.5, 2.3), on_bottom(mission, 33.5, 4.2)
    flown = Flown((mission, plan))
    requests = flown.pilot.requests
    answers = iter([(side, False), (keel, True), (side, True)])

    def ask(share: object) -> None:
        if requests.waiting() is None and not requests.accepted() and (each := next(answers, None)) is not None:
            asked = requests.propose("Kim", each[0])
            requests.answer(asked.number, accept=each[1])

    on_place = flown.pilot._legs._on_place
    flown.pilot._legs._on_place = lambda leg, share: (on_place(leg, share), ask(share))  # type: ignore[func-returns-value]
    flown.pilot.fly()
    states = [(each.state.value, each.reason, each.views) for each in requests.all()]
    assert states == [("declined", "", 0), ("refused", "there is too little room for it", 0), ("flown", "", 3)]
    kinds = [kind for _, kind, _ in flown.events]
    assert kinds.count("asked") == 3
    assert kinds.count("answered") == 5  # one declined; two accepted, and what became of them
    assert not flown.rov.wrongs


@pytest.mark.slow
def test_a_lane_is_left_for_a_close_up_and_goes_on_where_it_was(planned: tuple[Mission, Plan]) -> None:
    place = on_hull(planned[0], 33.5, 2.3)
    flown = Flown(planned, sighting=lambda: Sighting(place, 0.8))
    flown.pilot.fly()
    kinds = [kind for _, kind, _ in flown.events]
    first = kinds.index("close-up")
    begin_s, _, left_at = flown.events[first]
    after = next(index for index in range(first + 1, len(kinds)) if kinds[index] == "survey")
    end_s, _, back_at = flown.events[after]
    assert kinds.count("close-up") == 2  # begun, and done: not again for the same sighting
    assert end_s - begin_s < 60 + 10
    assert back_at == pytest.approx(left_at, abs=0.25)
    assert not flown.rov.wrongs


@pytest.mark.slow
def test_under_the_bottom_a_close_up_is_flown_pitched_and_the_lane_goes_on_where_it_was(
    planned: tuple[Mission, Plan],
) -> None:
    mission, _ = planned
    flown = Flown(planned, sighting=lambda: Sighting(on_bottom(mission, 30.5, 0.8), 0.8), resume_at=PlanPlace(6, 0.95))
    pitches: list[tuple[bool, float]] = []
    step = flown.rov._step

    def watched() -> None:
        step()
        pitches.append((flown.pilot.status.state is PilotState.CLOSE_UP, flown.rov.pitch))
        if flown.pilot.status.leg > 7:
            flown.pilot.desk.put(OperatorOrder.ABORT)

    flown.rov._step = watched  # type: ignore[method-assign]
    flown.pilot.fly()
    kinds = [kind for _, kind, _ in flown.events]
    assert "3" in next(message for kind, message in flown.said if kind == "close-up" and "taken" in message)
    first = kinds.index("close-up")
    back = next(index for index in range(first + 1, len(kinds)) if kinds[index] == "survey")
    assert flown.events[back][2] == pytest.approx(flown.events[first][2], abs=0.3)
    assert np.degrees(max(pitch for close, pitch in pitches if close)) == pytest.approx(25, abs=2)
    assert np.degrees(max(pitch for close, pitch in pitches if not close)) < 20
    assert not flown.rov.wrongs


@pytest.mark.slow
@pytest.mark.parametrize("aside", [(0.0, 0.0), (0.8, 0.0)], ids=["on its lane", "beside its lane"])
def test_a_gap_is_flown_again_before_the_way_home(planned: tuple[Mission, Plan], aside: tuple[float, float]) -> None:
    pieces = [Piece(LANE, 4, 10, 2.0, aside), Piece(LANE, 0, 3, 0.3)]
    last = len(planned[1].legs) - 1
    flown = Flown(planned, gaps=lambda: [pieces], resume_at=PlanPlace(last - 1, 0.9))
    flown.pilot.fly()
    kinds = [kind for _, kind, _ in flown.events]
    assert "re-fly" in kinds
    again = [place for _, kind, place in flown.events if kind == "re-fly"]
    assert flown.areas_m2[0] == 2.0  # the better piece first
    # it comes from under the ship, where little is heard of her: its place along her is good to a metre
    start = planned[1].legs[LANE].poses[4, 1:4]
    assert min(np.linalg.norm(place - start) for place in again) < 1.0
    assert not flown.rov.wrongs
