"""Exports: each read back by a reader that is not ours."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import av
import cv2
import geojson
import numpy as np
import pytest
import yaml
from test_report import HOSTILE, Parts, finding, hull, made, reaches_out, read, spoken_by

from hullscan.errors import InputError, RecordError
from hullscan.record.folder import MissionFolder
from hullscan.report.exports import FORMATS, export_mission

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


def test_a_format_that_is_not_known_names_those_that_are(folder: MissionFolder) -> None:
    with pytest.raises(InputError, match="geojson"):
        _export(folder, "shapefile")


@pytest.mark.parametrize("form", ["coco", "yolo"])
def test_a_picture_that_is_missing_is_an_error_and_not_left_out(folder: MissionFolder, form: str) -> None:
    (folder.frames / "F01-2.jpg").unlink()
    with pytest.raises(RecordError, match=r"F01-2\.jpg is missing"):
        _export(folder, form)


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_damaged_results_end_in_one_line(folder: MissionFolder, form: str) -> None:
    broken = {"schema": "hullscan.findings/1", "mission": "demo", "ship": "x", "findings": [{"id": "F01"}]}
    (folder.path / "findings.json").write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(RecordError, match=r"incomplete|missing") as caught:
        _export(folder, form)
    assert "\n" not in str(caught.value)


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
