"""Exports: each read back by a reader that is not ours."""

from __future__ import annotations

import base64
import contextlib
import csv
import importlib.util
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import av
import cv2
import fastkml
import fastkml.utils
import fastkml.validator
import geojson
import lxml.etree
import numpy as np
import pytest
import yaml
from faster_coco_eval import COCO
from qgc_rules import load_qgc_plan
from test_record import look, sighting
from test_report import HOSTILE, Parts, finding, hull, jpeg, made, reaches_out, read, spoken_by, summary
from test_report_pdf import text_of
from test_video_recorder import access_units, record
from video_streams import HEIGHT, WIDTH, coded, number_in, write_file

from hullscan.clock import SimulatedClock
from hullscan.errors import InputError, RecordError
from hullscan.record.database import MissionDatabase
from hullscan.record.events import EventLog
from hullscan.record.exif import PictureFacts, exif_of, tagged
from hullscan.record.folder import MissionFolder
from hullscan.record.seal import digest
from hullscan.record.verdicts import readings_path
from hullscan.report.exports import FORMATS, export_mission
from hullscan.report.share import LEVELS

__all__ = ["hull"]  # the fixture

DEMO = Path(__file__).parents[1] / "missions" / "demo.yaml"
UTC_S = 1_795_339_800.0


def _finding(number: int, *, side: str, frames: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"F{number:02d}", "label": "parcel", "score": 0.8, "side": side, "station_m": 20.0 + number,
        "girth_m": 1.5, "depth_m": 1.4, "position_ship_m": [20.0 + number, 5.2, 1.4],
        "cov_ship_m2": [[0.01, 0, 0], [0, 0.01, 0], [0, 0, 0.01]], "radius95_m": 0.25, "lat_deg": 35.0768,
        "lon_deg": 129.0803, "size_m": 0.6, "first_utc": "2026-11-22T09:30:01.000Z",
        "last_utc": "2026-11-22T09:30:03.000Z", "views": 9, "frames": frames, "status": "flagged",
        "model_sha256": "0" * 64,
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> MissionFolder:
    made = MissionFolder(tmp_path / "mission")
    for part in (made.path, made.video, made.frames):
        part.mkdir()
    shutil.copyfile(DEMO, made.mission_file)
    rng = np.random.default_rng(3)
    pictures = []
    for index in (1, 2):
        image = rng.integers(0, 255, (90, 160, 3), dtype=np.uint8)
        cv2.imwrite(str(made.frames / f"F01-{index}.jpg"), image)
        pictures.append(
            {
                "file": f"frames/F01-{index}.jpg", "utc": "2026-11-22T09:30:02.000Z", "utc_s": UTC_S + 2 * index,
                "stream_s": 2.0 * index, "box_xyxy_px": [-3.0, 10.0, 60.0, 50.0], "score": 0.8, "range_m": 1.5,
            }
        )  # fmt: skip
    rows = [{"n": n, "pts_ms": 100 * n, "utc_s": UTC_S + 0.1 * n} for n in range(100)]
    (made.video / "000.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"n":', encoding="utf-8")
    findings = [_finding(1, side="starboard", frames=pictures), _finding(2, side="port", frames=[])]
    # places along the track: a metre of latitude is 9 millionths of a degree
    track = [[UTC_S + n, 21.0 + n, 6.5, 1.0, -90.0, 35.0768 + 9e-6 * n, 129.0803] for n in range(10)]
    columns = ["utc_s", "x_m", "y_m", "z_m", "yaw_deg", "lat_deg", "lon_deg"]
    tracked = {"schema": "hullscan.track/1", "columns": columns, "points": track}
    (made.path / "track.json").write_text(json.dumps(tracked), encoding="utf-8")
    database = MissionDatabase(made.database)
    for n in range(4):
        database.add_look(look(0, utc_s=UTC_S + n, frame=n), [sighting(0, utc_s=UTC_S + n, frame=n, track=n > 0)])
    database.close()
    content = {"schema": "hullscan.findings/1", "mission": "demo", "ship": "MV 하늘", "findings": findings}
    (made.path / "findings.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return made


def _export(folder: MissionFolder, form: str, language: str = "en") -> Path:
    out = folder.path.with_name("out")
    written = export_mission(folder, form, out, folder.path.with_name("key"), language)
    assert all(path.is_file() for path in written)
    return out


def test_geojson_is_valid_and_holds_hull_coordinates(folder: MissionFolder) -> None:
    read = geojson.loads((_export(folder, "geojson") / "findings.geojson").read_text(encoding="utf-8"))
    assert read.is_valid
    assert [feature["properties"]["station_m"] for feature in read["features"]] == [21.0, 22.0]
    assert read["features"][0]["geometry"]["coordinates"] == [129.0803, 35.0768, -1.4]


def test_kml_holds_a_placemark_for_each_finding_in_korean_too(folder: MissionFolder) -> None:
    root = ElementTree.parse(_export(folder, "kml", "ko") / "findings.kml").getroot()
    names = {"k": "http://www.opengis.net/kml/2.2"}
    places = [mark.findtext("k:description", namespaces=names) for mark in root.iterfind(".//k:Placemark", names)]
    assert len(places) == 2
    assert "우현" in str(places[0])
    assert root.findtext(".//k:coordinates", namespaces=names) == "129.0803000,35.0768000,-1.40"


def test_csv_begins_with_the_mark_that_korean_excel_needs(folder: MissionFolder) -> None:
    path = _export(folder, "csv") / "findings.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["F01", "F02"]
    assert float(rows[1]["x_ship_m"]) == 22.0


def test_kml_is_read_by_a_library_that_checks_it_against_the_standard(folder: MissionFolder) -> None:
    raw = (_export(folder, "kml") / "findings.kml").read_bytes()
    read = fastkml.KML.from_string(raw, strict=True)
    assert fastkml.validator.validate(element=lxml.etree.fromstring(raw))
    places = list(fastkml.utils.find_all(read, of_type=fastkml.Placemark))
    assert [place.name for place in places] == ["F01 parcel", "F02 parcel"]
    assert places[0].geometry.coords == ((129.0803, 35.0768, -1.4),)


def test_coco_is_read_by_an_evaluator(folder: MissionFolder) -> None:
    out = _export(folder, "coco")
    with contextlib.redirect_stdout(io.StringIO()):
        read = COCO(str(out / "annotations.json"))
    (label,) = read.loadCats(read.getCatIds())
    assert label["name"] == "parcel"
    boxes = read.loadAnns(read.getAnnIds(catIds=[label["id"]]))
    shown = {image["id"]: image["file_name"] for image in read.loadImgs(read.getImgIds())}
    assert {shown[box["image_id"]] for box in boxes} == {path.name for path in (out / "images").iterdir()}


def test_the_yolo_folder_is_read_by_ultralytics(folder: MissionFolder) -> None:
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    out = _export(folder, "yolo")
    data = check_det_dataset(str(out / "data.yaml"), autodownload=False)
    read = YOLODataset(img_path=data["val"], data=data, task="detect", imgsz=96, augment=False)
    assert data["names"] == {0: "parcel"}
    assert len(read) == len(list((out / "images").iterdir()))
    first = next(each for each in read.labels if each["im_file"].endswith("F01-1.jpg"))
    assert first["bboxes"][0] == pytest.approx([30 / 160, 30 / 90, 60 / 160, 40 / 90], abs=1e-6)
    assert first["cls"].ravel().tolist() == [0]


def test_coco_boxes_lie_inside_their_pictures(folder: MissionFolder) -> None:
    out = _export(folder, "coco")
    read = json.loads((out / "annotations.json").read_text(encoding="utf-8"))
    sizes = {image["id"]: cv2.imread(str(out / "images" / image["file_name"])).shape for image in read["images"]}
    for box in read["annotations"]:
        x, y, w, h = box["bbox"]
        assert x >= 0 <= y
        assert x + w <= sizes[box["image_id"]][1]
        assert y + h <= sizes[box["image_id"]][0]
    assert read["annotations"][0]["bbox"] == [0.0, 10.0, 60.0, 40.0]


def test_yolo_labels_are_relative_and_named(folder: MissionFolder) -> None:
    out = _export(folder, "yolo")
    assert yaml.safe_load((out / "data.yaml").read_text(encoding="utf-8"))["names"] == {0: "parcel"}
    row = [float(value) for value in (out / "labels" / "F01-1.txt").read_text(encoding="utf-8").split()]
    assert row == pytest.approx([0, 30 / 160, 30 / 90, 60 / 160, 40 / 90], abs=1e-6)
    assert (out / "images" / "F01-1.jpg").is_file()


def test_subtitles_are_read_by_ffmpeg_at_the_time_of_the_finding(folder: MissionFolder) -> None:
    path = _export(folder, "srt") / "000.srt"
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
    assert len(packets) == 1  # two pictures, two seconds apart, are one span
    assert float(packets[0].pts * packets[0].time_base) == pytest.approx(1.0, abs=0.01)
    assert "F01 parcel" in path.read_text(encoding="utf-8")


def test_ass_frames_what_was_sighted_and_is_read_by_ffmpeg(folder: MissionFolder) -> None:
    write_file(folder.video / "000.mkv", [number / 10 for number in range(100)])
    path = _export(folder, "ass", "ko") / "000.ass"
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        said = [(float(p.pts * p.time_base), bytes(p).decode()) for p in container.demux(stream) if p.size]
    assert f"PlayResX: {WIDTH}\nPlayResY: {HEIGHT}" in path.read_text(encoding="utf-8")
    places = [(at_s, text) for at_s, text in said if ",Place," in text]
    assert [at_s for at_s, _ in places] == pytest.approx(range(10), abs=0.011)
    assert places[2][1].endswith("2026-11-22 09:30:02 UTC · 우현 · 위치 23.0 m · 수심 1.0 m")
    (titled,) = ((at_s, text) for at_s, text in said if ",Finding," in text)
    assert titled[0] == pytest.approx(1.0, abs=0.011)
    assert "F01" in titled[1]
    boxes = [(at_s, text) for at_s, text in said if ",Box," in text]
    assert [at_s for at_s, _ in boxes] == pytest.approx([1, 2, 3], abs=0.011), "what has no track is no sighting"
    assert "m 2 2 l 61 2 61 42 2 42" in boxes[0][1]


def test_hostile_words_in_ass_are_no_orders_to_the_player(folder: MissionFolder) -> None:
    write_file(folder.video / "000.mkv", [number / 10 for number in range(100)])
    path = folder.path / "findings.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"F01"', '"F{\\\\p1}"'), encoding="utf-8")
    lines = (_export(folder, "ass") / "000.ass").read_text(encoding="utf-8").split("\n")
    (line,) = (line for line in lines if ",Finding," in line and line.startswith("Dialogue"))
    assert "{" not in line
    assert "\\" not in line.replace("\\N", "")


def test_the_way_flown_is_a_plan_that_qgroundcontrol_loads(folder: MissionFolder) -> None:
    path = _export(folder, "qgc") / "track.plan"
    load_qgc_plan(path)
    plan = json.loads(path.read_text(encoding="utf-8"))
    items = plan["mission"]["items"]
    assert [item["doJumpId"] for item in items] == list(range(1, 11))
    for item in items:
        assert (item["type"], item["command"], item["frame"], len(item["params"])) == ("SimpleItem", 16, 3, 7)
        assert item["params"][6] == item["Altitude"] == -1.0
    assert [item["params"][4] for item in items] == pytest.approx([35.0768 + 9e-6 * n for n in range(10)])
    assert plan["mission"]["plannedHomePosition"] == pytest.approx([35.0768, 129.0803, 0])


def test_mcap_holds_the_mission_under_foxgloves_names(folder: MissionFolder) -> None:
    """Read by what the file says of itself: its own schemas, not our types."""
    from mcap.reader import make_reader
    from mcap_protobuf.decoder import DecoderFactory

    record(folder.video, access_units(coded(30)))  # 000 is taken by an index: this is 001
    log = EventLog(folder.events, SimulatedClock(UTC_S))
    log.add("ended", "the mission was ended: {words}", {"words": "하늘"})
    log.close()
    with (_export(folder, "mcap") / "mission.mcap").open("rb") as file:
        said = list(make_reader(file, decoder_factories=[DecoderFactory()]).iter_decoded_messages())
    by_topic: dict[str, list[Any]] = {}
    for schema, channel, message, decoded in said:
        assert schema is not None
        assert (schema.encoding, channel.message_encoding) == ("protobuf", "protobuf")
        by_topic.setdefault(channel.topic, []).append((schema.name, message.log_time, decoded))
    counts = {topic: (rows[0][0], len(rows)) for topic, rows in by_topic.items()}
    assert counts == {
        "/tf": ("foxglove.FrameTransform", 20), "/vehicle/location": ("foxglove.LocationFix", 10),
        "/hull": ("foxglove.SceneUpdate", 1), "/findings": ("foxglove.SceneUpdate", 2),
        "/findings/picture": ("foxglove.CompressedImage", 2), "/findings/box": ("foxglove.ImageAnnotations", 2),
        "/events": ("foxglove.Log", 1), "/video": ("foxglove.CompressedVideo", 30),
    }  # fmt: skip
    _, time_ns, fix = by_topic["/vehicle/location"][3]
    assert (time_ns, fix.latitude) == (round((UTC_S + 3) * 1e9), pytest.approx(35.0768 + 27e-6))
    assert [row[2].child_frame_id for row in by_topic["/tf"][:2]] == ["ship", "vehicle"]
    assert (by_topic["/events"][0][2].level, by_topic["/events"][0][2].message) == (4, "the mission was ended: 하늘")
    assert by_topic["/findings/picture"][0][2].data == (folder.frames / "F01-1.jpg").read_bytes()
    decoder, numbers = av.CodecContext.create("h264", "r"), []
    for _, _, each in by_topic["/video"]:
        numbers += [number_in(picture.to_ndarray(format="bgr24")) for picture in decoder.decode(av.Packet(each.data))]
    numbers += [number_in(picture.to_ndarray(format="bgr24")) for picture in decoder.decode(None)]
    assert numbers == list(range(30))


def test_without_its_extra_mcap_says_what_to_install(folder: MissionFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"hullscan\[mcap\]"):
        _export(folder, "mcap")


def test_a_format_that_is_not_known_names_those_that_are(folder: MissionFolder) -> None:
    with pytest.raises(InputError, match="geojson"):
        _export(folder, "shapefile")


@pytest.mark.parametrize("form", ["coco", "yolo"])
def test_a_picture_that_is_missing_is_an_error_and_not_left_out(folder: MissionFolder, form: str) -> None:
    (folder.frames / "F01-2.jpg").unlink()
    with pytest.raises(RecordError, match=r"F01-2\.jpg is missing"):
        _export(folder, form)


@pytest.mark.parametrize("form", sorted({*FORMATS} - {"qgc"}))  # which has nothing of the findings
def test_damaged_results_end_in_one_line(folder: MissionFolder, form: str) -> None:
    broken = {"schema": "hullscan.findings/1", "mission": "demo", "ship": "x", "findings": [{"id": "F01"}]}
    (folder.path / "findings.json").write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(RecordError, match=r"incomplete|missing") as caught:
        _export(folder, form)
    assert "\n" not in str(caught.value)


# --- the package to hand on ---


def _package(tmp_path: Path, hull: Any, level: str) -> Path:
    one = finding(hull, 1, 32.6, 2.0)
    events = [("connecting to the vehicle at {address}", {"address": "udpin:10.1.2.3"})]
    told = summary() | {"telemetry_from": "haneul.tlog", "analysed_from": "haneul.mp4"}
    folder = made(tmp_path / "20261122T093000Z-mv-haneul", Parts([one], events=events, summary=told))
    for frame in one["frames"]:
        path = folder.path / frame["file"]
        facts = PictureFacts(
            utc_s=frame["utc_s"], camera_lat_deg=35.0767, camera_lon_deg=129.08, camera_depth_m=2.0, direction_deg=1.0,
            finding=one, range_m=1.0, vehicle="bluerov2-heavy",
        )  # fmt: skip
        path.write_bytes(tagged(path.read_bytes(), exif_of(facts)))
    (package,) = export_mission(folder, "share", tmp_path / "out", tmp_path / "key", level=level)
    return package


_SAID = {"full": (), "place": (b"35.07", b"129.08", b"Exif"),
         "identity": (b"35.07", b"129.08", b"Exif", b"Haneul", b"haneul", "하늘".encode(), b"9876543", b"2026-11-22",
                      b"09:3", b"10.1.2.3", b"4.5.3", b"bluerov2-heavy")}  # fmt: skip


@pytest.mark.parametrize("level", LEVELS)
def test_a_package_tells_in_both_languages_and_holds_nothing_that_is_withheld(
    tmp_path: Path, hull: Any, level: str
) -> None:
    package = _package(tmp_path, hull, level)
    names = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    assert {"report.en.html", "report.ko.html", "README.txt", "findings.csv", "frames/F01-1.jpg"} <= names
    assert ("findings.kml" in names) == (level == "full")
    for name in names - {"VERIFY.txt"}:
        raw = (package / name).read_bytes()
        if name.endswith(".pdf"):
            raw = text_of(package / name).encode()
        elif name.endswith(".html"):  # the pictures in it too
            raw += b"".join(base64.b64decode(each) for each in re.findall(rb"base64,([\w+/=]+)", raw))
        for word in _SAID[level]:
            assert word not in raw + package.name.encode(), (name, word)
        if level == "full" and name.endswith(".html"):
            assert all(word in raw for word in (b"35.07", b"Exif", b"Haneul", b"2026-11-22"))
    korean, english = (
        read((package / f"report.{each}.html").read_text(encoding="utf-8")).text for each in ("ko", "en")
    )
    assert "선체 수색 보고서" in korean
    assert ("이 사본에서 제외한 정보" in korean) == ("Withheld in this copy" in english) == (level != "full")
    assert "32.6 m" in english
    readme = (package / "README.txt").read_text(encoding="utf-8")
    assert "전달용 사본" in readme
    assert "a copy to hand on" in readme
    listed = (package / "manifest-sha256.txt").read_text(encoding="utf-8")
    assert {line[66:] for line in listed.splitlines()} == names - {"manifest-sha256.txt", "manifest-sha256.txt.sig"}
    image = cv2.imread(str(package / "frames" / "F01-1.jpg"))
    assert (image == cv2.imdecode(np.frombuffer(jpeg(0), np.uint8), cv2.IMREAD_COLOR)).all(), "the picture is the same"


@pytest.mark.parametrize("level", LEVELS)
def test_people_who_read_are_named_only_where_who_may_be_told(tmp_path: Path, hull: Any, level: str) -> None:
    folder = made(tmp_path / "m", Parts([finding(hull, 1, 32.6, 2.0)]))
    signed = readings_path(folder.path) / "signed"
    signed.mkdir(parents=True)
    readings = {
        "findings_sha256": digest(folder.path / "findings.json"), "signed_off_by": "Supervisor Choi",
        "signed_off_utc": "2026-11-22T12:00:00.000Z", "clear": False, "not_clear": [{"id": "F01", "why": "confirmed"}],
        "places": [{"id": "F01", "kind": "finding", "standing": "confirmed"}], "sea_chests": [],
        "readers": [{"reader": "Reader Kim"}, {"reader": "Reader Lee"}],
    }  # fmt: skip
    (signed / "readings.json").write_text(json.dumps(readings), encoding="utf-8")
    (package,) = export_mission(folder, "share", tmp_path / "out", tmp_path / "key", level=level)
    text = read((package / "report.en.html").read_text(encoding="utf-8")).text
    assert "confirmed 1, rejected 0" in text
    for name in ("Supervisor Choi", "Reader Kim", "Reader Lee"):
        assert (name in text) == (level != "identity"), name


def test_a_level_that_is_not_known_names_those_that_are(tmp_path: Path, hull: Any) -> None:
    with pytest.raises(InputError, match="full, place, identity"):
        _package(tmp_path, hull, "secret")


# --- the diver's sheet ---


def _sheet(tmp_path: Path, hull: Any, station_m: float, extra: str, language: str = "en", **changed: Any) -> str:
    """The text of a diver's sheet for one finding, of the demo mission with ``extra`` in its ship."""
    mission = DEMO.read_text(encoding="utf-8").replace("ship:\n", f"ship:\n{extra}", 1)
    assert extra in mission
    one = {**finding(hull, 1, station_m, 2.0), **changed}
    folder = made(tmp_path / "m", Parts([one], mission=mission))
    (path,) = export_mission(folder, "diver", tmp_path / "out", tmp_path / "key", language)
    return read(path.read_text(encoding="utf-8")).text


def test_a_diver_sheet_names_frame_landmark_and_danger(tmp_path: Path, hull: Any) -> None:
    text = _sheet(tmp_path, hull, 32.6, "  frames: {spacing_m: 0.65}\n")
    assert "frame 50, +0.1 m" in text
    assert "locked out" in text
    assert "Do not touch" in text
    assert re.search(r"\d\.\d m (forward|aft) of and \d\.\d m (below|above) the (anode|sea chest|outlet)", text)


def test_a_diver_sheet_at_the_stern_warns_of_the_running_gear(tmp_path: Path, hull: Any) -> None:
    assert "Rudder and propeller are near" in _sheet(tmp_path, hull, 3.0, "")


@pytest.mark.parametrize(
    ("side", "place", "words"),
    [
        pytest.param("starboard", (32.6, 5.2, 2.0), "come from the bow", id="from the bow"),
        pytest.param("starboard", (32.6, 5.2, 2.0), "Down along the plating to 2.0 m", id="down a side"),
        pytest.param("port", (32.6, -5.2, 2.0), "never down between hull and quay", id="not between hull and quay"),
        pytest.param("starboard", (3.0, 1.0, 2.0), "Come from the stern, once the lock-out", id="gear by the stern"),
        pytest.param("starboard", (30.0, 2.0, 4.7), "3.2 m inward under the bottom, at 4.7 m: up is", id="under her"),
    ],
)
def test_a_diver_sheet_tells_the_approach(
    tmp_path: Path, hull: Any, side: str, place: tuple[float, float, float], words: str
) -> None:
    one = {**finding(hull, 1, place[0], place[2], side), "position_ship_m": list(place)}
    (path,) = export_mission(made(tmp_path / "m", Parts([one])), "diver", tmp_path / "out", tmp_path / "key")
    text = read(path.read_text(encoding="utf-8")).text
    assert words in text, text


def test_a_diver_sheet_is_in_korean_too(tmp_path: Path, hull: Any) -> None:
    text = _sheet(tmp_path, hull, 32.6, "", "ko")
    assert "잠수사 인계서" in text
    assert not re.search(r"Diver sheet|locked out|Do not touch", text)


def test_hostile_words_in_a_diver_sheet_stay_words(tmp_path: Path, hull: Any) -> None:
    folder = made(tmp_path / "m", spoken_by(HOSTILE, hull))
    for one in (content := json.loads((folder.path / "findings.json").read_text(encoding="utf-8")))["findings"]:
        one["side"] = "starboard"
    (folder.path / "findings.json").write_text(json.dumps(content), encoding="utf-8")
    (path,) = export_mission(folder, "diver", tmp_path / "out", tmp_path / "key")
    page = path.read_text(encoding="utf-8")
    assert "<script>" not in page
    assert reaches_out(page) == []
