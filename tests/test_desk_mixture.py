"""What the desk mixes among the findings: unflagged hull and planted parcels, which nobody can tell from the rest."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_mission import FPS, HEIGHT, WIDTH, picture, recorded
from starlette.testclient import TestClient
from test_desk import KEY, Desk
from test_report import UTC_S, hull

from hullscan.clock import SimulatedClock
from hullscan.errors import InputError, RecordError
from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import R_FRD_CAM, Pose
from hullscan.mission.model import load_mission
from hullscan.record.checking import check_folder
from hullscan.record.folder import MissionFolder
from hullscan.record.results import read_result
from hullscan.record.seal import seal
from hullscan.record.training_set import write_training_set
from hullscan.record.verdicts import judged_findings, read_verdicts, readings_path
from hullscan.report.exports import export_mission
from hullscan.report.html import write_report
from hullscan.review import footage as footage_module
from hullscan.review.camera_track import CameraTrack, track_points
from hullscan.review.desk import DeskOptions, make_desk
from hullscan.review.footage import Footage
from hullscan.review.measures import Score, d_prime, measure
from hullscan.review.parcel import Parcel, draw_parcel, random_parcel
from hullscan.review.places import DeskMission, open_missions
from hullscan.review.planting import movements, plant
from hullscan.review.procedure import Reading, Verdict
from hullscan.review.readers import Roster
from hullscan.review.sampling import HullToSample
from hullscan.review.sea_chests import ChestSignature, chests_of, missing_for
from hullscan.review.signing import not_clear
from hullscan.review.water import PATCHES, Water, measure_water
from hullscan.review.worklist import Kind, Mixture, Place, make_worklist
from hullscan.vision.training import _labels_of
from hullscan.words import LANGUAGES

__all__ = ["hull"]  # the fixture


def hashes(path: Path) -> dict[str, str]:
    return {
        str(each.relative_to(path)): hashlib.sha256(each.read_bytes()).hexdigest()
        for each in sorted(path.rglob("*"))
        if each.is_file()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, hull: Any) -> Path:
    made = recorded(tmp_path_factory.mktemp("mixed") / "20261122T093000Z-mv-haneul", hull, chests=True)
    seal(made.path, KEY)
    return made.path


@pytest.fixture(scope="module")
def mission(folder: Path) -> Any:
    """One mission on the desk, opened once; no test here writes to it."""
    before = hashes(folder)
    opened = open_missions([folder], SimulatedClock(UTC_S), LANGUAGES, mixture=Mixture(planted=3), seed=lambda: 11)
    (found,) = opened.values()
    yield found
    found.store.close()
    assert hashes(folder) == before, "the mission itself was touched"


def worklist(folder: Path, home: Path, mixture: Mixture, seed: int) -> list[Place]:
    loaded = load_mission(folder / "mission.yaml")
    track = CameraTrack(
        loaded, track_points(read_result(folder / "track.json")), loaded.vehicle.camera.resized(WIDTH, HEIGHT)
    )
    findings = read_result(folder / "findings.json")["findings"]
    coverage = read_result(folder / "coverage.json")
    with_video = Footage(folder / "video", track, loaded.file.conditions.visibility_m)
    return make_worklist(loaded, findings, coverage, with_video, mixture, seed, home)


def told(places: list[Place]) -> list[Any]:
    return [(place.kind, place.finding["station_m"], place.finding["girth_m"]) for place in places]


# --- unflagged hull ---


def test_the_share_of_unflagged_hull_is_read_away_from_findings_and_more_of_it_where_the_pod_is_low(folder):
    loaded, findings = load_mission(folder / "mission.yaml"), read_result(folder / "findings.json")["findings"]
    coverage = read_result(folder / "coverage.json")
    stations = []
    for seed in range(40):
        free = HullToSample(loaded, coverage, findings)
        chosen = free.sample(0.2, np.random.default_rng(seed))
        assert len(chosen) >= 0.2 * free.area_m2  # a patch has a square metre at most
        for each in chosen:
            for flagged in findings:
                away = np.hypot(each.station_m - flagged["station_m"], each.girth_m - flagged["girth_m"])
                assert away > 1.0
        stations += [each.station_m for each in chosen]
    assert np.mean(np.array(stations) > 31) > 0.6  # half of the free hull lies there, with a POD of 0.3 against 0.9


def test_the_same_seed_chooses_the_same_and_another_one_something_else(folder, tmp_path):
    mixture = Mixture(sample_share=0.1, planted=1)
    first, again = (worklist(folder, tmp_path / name, mixture, 3) for name in ("a", "b"))
    other = worklist(folder, tmp_path / "c", mixture, 4)
    assert told(first) == told(again) != told(other)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


def test_a_mission_without_a_recording_is_read_without_a_mixture_and_says_so(tmp_path, hull):
    made = recorded(tmp_path / "m", hull)
    (made.video / "000.mkv").unlink()
    opened = open_missions([made.path], SimulatedClock(UTC_S), LANGUAGES, mixture=Mixture(), seed=lambda: 1)
    try:
        assert {place.kind for place in opened["m"].places.values()} == {Kind.FINDING}
        assert "no recording" in opened["m"].notices[0]
    finally:
        opened["m"].store.close()


# --- planted parcels ---


def test_parcels_are_planted_and_taking_them_out_leaves_exactly_the_mission(folder, mission, tmp_path):
    places = list(mission.places.values())
    assert sum(place.kind is Kind.PLANTED for place in places) == 3
    assert sum(place.kind is Kind.SAMPLE for place in places) >= 1
    without = worklist(folder, tmp_path, Mixture(planted=0), 11)
    rest = [place for place in places if place.kind is not Kind.PLANTED]
    assert told(rest) == told(without)
    for one, other in zip(rest, without, strict=True):
        if one.kind is Kind.SAMPLE:
            pictures = [(mission.store.path / file).read_bytes() for file in one.pictures]
            assert pictures == [(tmp_path / file).read_bytes() for file in other.pictures]


def test_a_planted_parcel_is_seen_in_its_box_and_nothing_else_is_changed(mission):
    place = next(place for place in mission.places.values() if place.kind is Kind.PLANTED)
    frame = place.finding["frames"][0]
    shown = cv2.imread(str(mission.store.path / place.pictures[0])).astype(float)
    original = mission.footage.picture(frame["utc_s"]).image_bgr.astype(float)
    changed = np.abs(shown - original).max(axis=2)
    x0, y0, x1, y1 = (round(value) for value in frame["box_xyxy_px"])
    inside = changed[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2]
    outside = changed.copy()
    outside[max(y0 - 30, 0) : y1 + 30, max(x0 - 30, 0) : x1 + 30] = 0
    assert inside.mean() > 8
    assert outside.max() < 12  # what JPEG does


def test_a_parcel_stays_where_it_is_on_the_plating_while_the_camera_moves_on():
    images = [cv2.cvtColor(picture(20 + number / 5), cv2.COLOR_BGR2GRAY) for number in range(21)]
    maps = movements(images, 10)
    pixels_per_picture = 0.18 / 1.4 * 160 / np.tan(np.radians(40)) / 5
    for number, movement in enumerate(maps):
        assert movement is not None
        assert movement[0, 2] == pytest.approx(pixels_per_picture * (number - 10), abs=1.0)
        assert abs(movement[1, 2]) < 1.0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_every_parcel_is_drawn_where_it_lies_and_as_large_as_it_is(seed):
    parcel = random_parcel(np.random.default_rng(seed))
    camera = Camera.from_hfov(640, 360, np.radians(80))
    eye = Pose(np.array([0.0, 2.0, 1.0]), R_FRD_CAM)  # the camera looks forward: so the plating is ahead
    sprite = draw_parcel(parcel, np.array([2.0, 2.0, 1.0]), np.array([-1.0, 0.0, 0.0]), camera, eye)
    assert sprite is not None
    x0, y0, x1, y1 = sprite.box_xyxy_px
    assert abs((x0 + x1) / 2 - 320) < 40
    assert abs((y0 + y1) / 2 - 180) < 40
    diagonal_m = float(np.hypot(*parcel.size_m[:2]))
    nearest_m = 2.0 - parcel.size_m[2]
    assert max(x1 - x0, y1 - y0) <= diagonal_m * 1.2 / nearest_m * camera.fx_px + 4
    assert max(x1 - x0, y1 - y0) >= max(parcel.size_m[:2]) * 0.6 / 2.0 * camera.fx_px
    assert Parcel.from_json(json.loads(json.dumps(parcel.to_json()))) == parcel


@pytest.mark.parametrize(
    ("attenuation", "least", "most"),
    [
        pytest.param(0.4, 30, 255, id="clear water shows a bright parcel brightly"),
        pytest.param(3.0, 0, 6, id="in murky water it is hardly seen"),
    ],
)
def test_the_water_hides_a_planted_parcel_as_it_hides_the_plating(attenuation, least, most):
    camera = Camera.from_hfov(WIDTH, HEIGHT, np.radians(80))
    parcel = Parcel("box", (0.5, 0.4, 0.2), 0.3, 2.2, (1.0, 1.0, 1.0), 4)
    eye = Pose(np.array([0.0, 0.0, 1.0]), R_FRD_CAM)
    sprite = draw_parcel(parcel, np.array([1.6, 0.0, 1.0]), np.array([-1.0, 0.0, 0.0]), camera, eye)
    assert sprite is not None
    veil = np.full((*PATCHES, 3), 90.0)
    transmission = np.exp(-attenuation * 1.6)
    image = (
        np.full((HEIGHT, WIDTH, 3), 90 * (1 - transmission) + 100 * transmission, np.float64).round().astype(np.uint8)
    )
    made = plant(image, sprite, np.eye(2, 3), Water(veil, attenuation, 0.0), np.random.default_rng(0))
    difference = np.abs(made.astype(float) - image)[HEIGHT // 2 - 5 : HEIGHT // 2 + 5, WIDTH // 2 - 5 : WIDTH // 2 + 5]
    assert least <= difference.mean() <= most


def test_the_attenuation_is_measured_from_how_contrast_falls_with_the_range():
    rng, pictures = np.random.default_rng(3), []
    plating = cv2.GaussianBlur(rng.normal(0, 160, (360, 640)).astype(np.float32), (0, 0), 2.0)
    for range_m in (0.8, 1.2, 1.6, 2.0):
        transmission = np.exp(-0.9 * range_m)
        grey = 90 + transmission * plating + rng.normal(0, 0.6, plating.shape)
        image = np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
        pictures.append((image, np.full(PATCHES[0] * PATCHES[1], range_m)))
    water = measure_water(pictures, [], visibility_m=4.0)
    assert water.attenuation_per_m == pytest.approx(0.9, rel=0.15)


# --- nobody can tell ---


@pytest.fixture(scope="module")
def desk(folder: Path, mission: DeskMission, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    roster, now_s = Roster(["Kim", "Lee"], ["Choi"], ["Gast"]), [0.0]
    options = DeskOptions(cache=tmp_path_factory.mktemp("cache"), hosts=frozenset({"testserver"}))
    app = make_desk({mission.name: mission}, roster, KEY, SimulatedClock(UTC_S), lambda: now_s[0], options)
    tokens = {person.name: token for person, token in roster.tokens()}
    return Desk(TestClient(app), tokens, mission.name, folder, now_s)


def jpeg_head(raw: bytes) -> bytes:
    """Everything before the picture itself: sizes, tables of quantisation, comments, EXIF."""
    return raw[: raw.index(b"\xff\xda")]


def mp4_facts(raw: bytes) -> dict[str, Any]:
    with av.open(io.BytesIO(raw)) as clip:
        stream = clip.streams.video[0]
        return {
            "container": dict(clip.metadata), "track": dict(stream.metadata), "rate": stream.average_rate,
            "codec": stream.codec_context.name, "extradata": stream.codec_context.extradata,
            "size": (stream.width, stream.height), "time_base": stream.time_base,
        }  # fmt: skip


def what_a_reader_gets(desk: Desk, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what must be the same for all places, numbers that may differ)."""
    place = desk.get("Kim", f"/api/place/{desk.mission}/{name}")
    told = place.json()
    pictures = [desk.get("Kim", each["address"]) for each in told["pictures"]]
    clip = desk.get("Kim", told["clip"])
    assert clip.status_code == 200, clip.text
    digits = re.compile(r"\d")
    same = {
        "keys": sorted(told), "picture keys": sorted(told["pictures"][0]),
        "address": digits.sub("0", told["pictures"][0]["address"]), "clip address": digits.sub("0", told["clip"]),
        "headers": [sorted(set(each.headers) - {"content-length"}) for each in (place, *pictures[:1], clip)],
        "types": [each.headers["content-type"] for each in (*pictures[:1], clip)],
        "jpeg": {jpeg_head(each.content) for each in pictures}, "mp4": mp4_facts(clip.content),
        "form of times": digits.sub("0", told["pictures"][0]["utc"]),
    }  # fmt: skip
    box = told["pictures"][0]["box"]
    numbers = {
        "picture bytes": float(np.mean([len(each.content) for each in pictures])),
        "clip bytes": float(len(clip.content)),
        "answer bytes": float(len(place.content)), "box": (box[2] - box[0]) * (box[3] - box[1]),
        "pictures": float(len(pictures)), "range": told["pictures"][0]["range_m"],
    }  # fmt: skip
    return same, numbers


def test_nothing_but_the_picture_tells_a_planted_parcel_or_a_sample_from_a_finding(desk, mission):
    got = {name: what_a_reader_gets(desk, name) for name in mission.places}
    kinds = {name: place.kind for name, place in mission.places.items()}
    for what in next(iter(got.values()))[0]:
        told = {f"{name} {kinds[name]}": same[what] for name, (same, _) in got.items()}
        assert len({repr(value) for value in told.values()}) == 1, (what, told)
    for number in next(iter(got.values()))[1]:
        by_kind = {kind: [got[name][1][number] for name in got if kinds[name] is kind] for kind in Kind}
        for kind in (Kind.PLANTED, Kind.SAMPLE):
            others = [value for other in Kind if other is not kind for value in by_kind[other]]
            # a rule "larger than" or "smaller than" does not find the kind
            slack = 0.35 * max(others)
            assert min(others) - slack <= np.median(by_kind[kind]) <= max(others) + slack, (number, by_kind)


def test_no_order_and_no_time_of_day_tells_them_apart(mission):
    stations = [place.finding["station_m"] for place in mission.places.values()]
    assert stations == sorted(stations)
    for place in mission.places.values():
        for frame in place.finding["frames"]:
            number = (frame["utc_s"] - UTC_S) * FPS
            assert number == pytest.approx(round(number), abs=0.02), "the time is that of a picture of the recording"


def test_a_clip_takes_the_same_work_whatever_is_planted_in_it(mission, tmp_path, monkeypatch):
    drawn: list[int] = []
    real = footage_module.plant

    def counted(*arguments: Any) -> Any:
        drawn.append(1)
        return real(*arguments)

    monkeypatch.setattr(footage_module, "plant", counted)
    work = {}
    for kind in Kind:
        place = next(place for place in mission.places.values() if place.kind is kind)
        drawn.clear()
        raw = mission.clip(place, tmp_path).read_bytes()
        with av.open(io.BytesIO(raw)) as clip:
            work[kind] = len(drawn) / sum(1 for _ in clip.decode(video=0))
    assert work == dict.fromkeys(Kind, 1.0)


def test_readers_and_guests_are_not_told_what_is_planted_by_any_route(desk, mission):
    secrets = {place.finding["id"] for place in mission.places.values()} | {"planted", "sample", "media/"}
    for who in ("Kim", "Gast"):
        for address in ("/api/inbox", f"/api/queue/{desk.mission}", f"/map/{desk.mission}", "/api/measures", "/",
                        *(f"/api/place/{desk.mission}/{name}" for name in mission.places)):  # fmt: skip
            text = re.sub(r'data-facts="[^"]*"', "", desk.get(who, address).text)
            assert not [secret for secret in secrets if f'"{secret}"' in text], (who, address)
    assert desk.get("Kim", f"/export/{desk.mission}/csv").status_code == 403
    assert desk.get("Gast", f"/api/queue/{desk.mission}").status_code == 404
    told = desk.get("Choi", f"/api/place/{desk.mission}/P01").json()
    assert told["kind"] in {kind.value for kind in Kind}


# --- how readers read ---


def test_d_prime_is_zero_for_a_guess_and_grows_with_what_is_told_apart():
    assert d_prime(5, 10, 5, 10) == 0.0
    assert d_prime(0, 0, 1, 3) is d_prime(1, 3, 0, 0) is None
    assert d_prime(10, 10, 0, 10) == pytest.approx(3.38, abs=0.01)  # z(10.5/11) - z(0.5/11)
    assert d_prime(9, 10, 1, 10) < d_prime(10, 10, 0, 10)


def place_of(kind: Kind, name: str) -> Place:
    return Place(name, kind, {}, ())


def reading(reader: str, verdict: str, looked_s: float = 8.0) -> Reading:
    return Reading(reader=reader, verdict=Verdict(verdict), confidence=3, note="", looked_s=looked_s, utc_s=0.0)


def test_hits_and_false_calls_are_counted_and_a_true_find_on_unflagged_hull_is_no_false_call():
    places = [place_of(Kind.PLANTED, "a"), place_of(Kind.PLANTED, "b"), place_of(Kind.SAMPLE, "c"),
              place_of(Kind.SAMPLE, "d"), place_of(Kind.SAMPLE, "e"), place_of(Kind.FINDING, "f")]  # fmt: skip
    readings = {
        "a": [reading("Kim", "unclear")], "b": [reading("Lee", "parcel"), reading("Kim", "growth", 10.0)],
        "c": [reading("Kim", "parcel"), reading("Lee", "parcel")], "d": [reading("Kim", "tell_tale")],
        "e": [reading("Kim", "plating")], "f": [reading("Kim", "parcel")],
    }  # fmt: skip
    score = measure("Kim", places, readings)
    assert score == Score(planted=2, hits=1, bare=2, false_calls=1, places=6, looked_s=8.0)
    assert (score + measure("Lee", places, readings)).hits == 2
    assert measure("Nobody", places, readings).looked_s is None


# --- sea chests ---


def test_a_sea_chest_needs_a_dwell_a_close_up_and_a_signature(mission):
    near, far = sorted(mission.chests.values(), key=lambda chest: -chest.dwell_s)
    assert (near.side, far.side) == ("starboard", "port")
    assert near.dwelt
    assert near.close_up
    assert near.nearest_m == pytest.approx(1.45, abs=0.15)
    assert (far.dwelt, far.close_up, far.nearest_m) == (False, False, None)
    signature = ChestSignature("Kim", True, "", 9.0, 0.0)
    assert missing_for(near, signature) == []
    assert missing_for(near, None) == ["no signature"]
    assert missing_for(near, replace(signature, clear=False)) == ["signed as not clear"]
    assert missing_for(far, signature) == ["the camera did not stay long enough", "no close-up"]
    assert (far.identity, "no close-up") in not_clear(mission, {})
    assert chests_of(mission.mission, None)[near.identity].dwell_s == 0.0


def test_a_whole_reading_ends_in_a_seal_that_keeps_what_was_planted_apart(tmp_path, hull):
    folder = recorded(tmp_path / "20261122T093000Z-mv-haneul", hull, findings=2, chests=True)
    with ExitStack() as stack:
        (mission,) = open_missions(
            [folder.path], SimulatedClock(UTC_S), LANGUAGES, mixture=Mixture(planted=1), seed=lambda: 5
        ).values()
        stack.callback(mission.store.close)
        roster, now_s = Roster(["Kim", "Lee"], ["Choi"], ["Gast"]), [0.0]
        options = DeskOptions(cache=tmp_path, hosts=frozenset({"testserver"}), seal_key=tmp_path / "key")
        app = make_desk({mission.name: mission}, roster, KEY, SimulatedClock(UTC_S), lambda: now_s[0], options)
        tokens = {person.name: token for person, token in roster.tokens()}
        desk = Desk(TestClient(app), tokens, mission.name, folder.path, now_s)
        sample = next(name for name, place in mission.places.items() if place.kind is Kind.SAMPLE)
        for name, place in mission.places.items():
            verdict = "parcel" if place.kind is Kind.PLANTED or name == sample else "plating"
            assert desk.get("Lee", "/api/measures").json()["rows"] == []  # not before nothing is left
            for reader in ("Kim", "Lee"):
                desk.read(reader, name, verdict)
        assert [row["hits"] for row in desk.get("Lee", "/api/measures").json()["rows"]] == [1]
        early = desk.post("Kim", "/api/sign-chest", place="C02", clear=True)
        assert early.status_code == 425
        for chest in mission.chests:
            desk.look("Kim", chest)
            assert desk.post("Kim", "/api/sign-chest", place=chest, clear=True, note="seen").status_code == 200
        desk.look("Lee", "C02")
        assert desk.post("Lee", "/api/sign-chest", place="C02", clear=False).status_code == 409
        assert desk.post("Choi", "/api/sign-off").status_code == 200
        (folder.path / "alerts").mkdir()
        (folder.path / "alerts" / "A01.en.html").write_text("alert", encoding="utf-8")
        for form, kind in (("diver", "text/html"), ("flash", "text/html"), ("share", "application/octet-stream")):
            taken = desk.get("Choi", f"/export/{desk.mission}/{form}")
            assert (taken.status_code, taken.headers["content-type"].split(";")[0]) == (200, kind)
            assert taken.headers["content-disposition"].startswith("attachment")
        assert "rejected" in zipfile.ZipFile(io.BytesIO(taken.content)).read(_csv_in(taken.content)).decode("utf-8")
        assert desk.get("Choi", f"/export/{desk.mission}/sqlite").status_code == 404
        assert desk.get("Gast", f"/api/place/{desk.mission}/{sample}").json()["kind"] == "sample"
        names = {place.kind: place.finding["id"] for place in mission.places.values()}
    signed = mission.store.path / "signed"
    assert all(check.passed is not False for check in check_folder(signed))
    result = json.loads((signed / "readings.json").read_text(encoding="utf-8"))
    assert [each["id"] for each in result["planted"]] == [names[Kind.PLANTED]]
    assert result["clear"] is False  # a parcel was found, and the camera never went to the port side
    assert {each["reader"]: each["hits"] for each in result["readers"]} == {"Kim": 1, "Lee": 1}
    verdicts = read_verdicts(folder)
    assert verdicts is not None
    assert [each["status"] for each in verdicts.found_by_readers] == ["confirmed"]
    assert names[Kind.PLANTED] not in verdicts.standing
    findings = judged_findings(read_result(folder.path / "findings.json")["findings"], verdicts)
    assert [each["status"] for each in findings] == ["rejected", "rejected"]
    _flows_on(folder.path, tmp_path / "after")


def _csv_in(raw: bytes) -> str:
    return next(name for name in zipfile.ZipFile(io.BytesIO(raw)).namelist() if name.endswith("findings.csv"))


def _flows_on(folder: Path, out: Path) -> None:
    """What readers said is in the report, in exports and in what is trained with."""
    report = write_report(MissionFolder.open(folder)).read_text(encoding="utf-8")
    assert "confirmed 0, rejected 2 and passed 0 on" in report
    assert "What it had not flagged readers called suspicious too: starboard" in report
    assert "The ship is not called clear." in report
    assert "Read by " in report
    (table,) = export_mission(MissionFolder.open(folder), "csv", out, out / "key")
    assert table.read_text(encoding="utf-8").count("rejected") == 2
    data = yaml.safe_load(write_training_set([folder], None, out / "set").read_text(encoding="utf-8"))
    frames = [Path(line) for line in Path(data["train"]).read_text(encoding="utf-8").split()]
    signed = readings_path(folder) / "signed" / "readings.json"
    told = signed.read_text(encoding="utf-8")
    content = json.loads(told)
    bare = [f for place in content["places"] if (place["kind"], place["standing"]) == ("sample", "rejected")
            for f in place["finding"]["frames"]]  # fmt: skip
    assert len(bare) >= 1
    assert len(frames) == 4 + len(bare)  # both pictures of both findings and bare hull, none of a planted parcel
    assert {_labels_of(frame).read_text(encoding="ascii") for frame in frames} == {""}
    next(place for place in content["places"] if place["id"] == "F01")["standing"] = "confirmed"
    signed.write_text(json.dumps(content), encoding="utf-8")
    write_training_set([folder], None, out / "again")
    boxes = {path.stem: path.read_text(encoding="ascii") for path in (out / "again" / "labels" / "train").iterdir()}
    assert {name[-5:]: box[:2] for name, box in boxes.items() if box} == {"F01-1": "0 ", "F01-2": "0 "}
    for harm, words in (
        (told.replace('"findings_sha256": "', '"findings_sha256": "0'), "of other findings"),
        (told[:200], "damaged"),
        (told.replace('"clear": false', '"open": false'), "incomplete"),
    ):
        signed.write_text(harm, encoding="utf-8")
        with pytest.raises(RecordError, match=words):
            read_verdicts(MissionFolder.open(folder))


def test_nobody_trains_with_what_nobody_has_signed(folder, tmp_path):
    with pytest.raises(InputError, match="no signed readings"):
        write_training_set([folder], None, tmp_path)
