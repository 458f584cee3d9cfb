"""Somebody else's pictures without telemetry: what was seen, when, and that nobody knows where; other logs."""

from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image
from test_offline import blind_model, hullscan, originals, results_of
from video_streams import write_file

from hullscan.errors import InputError
from hullscan.record.seal import MANIFEST
from hullscan.vehicle import dataflash
from hullscan.vehicle.dataflash import read_dataflash
from hullscan.video.overlay import read_overlay
from hullscan.video.photographs import Photographs, photographs_in

__all__ = ["hullscan", "originals"]  # the fixtures

OVERLAY = """[Script Info]
Title: QGroundControl Subtitle Telemetry file

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,{\\an3\\pos(295,1075)}Heading:\\NDepth:
Dialogue: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,{\\pos(305,1075)}335 deg\\N1.2 m
Dialogue: 0,0:00:01.00,0:01:00.00,Default,,0,0,0,,{\\an3\\pos(295,1075)}Heading:\\NDepth:
Dialogue: 0,0:00:01.00,0:01:00.00,Default,,0,0,0,,{\\pos(305,1075)}336 deg\\N1.3 m
Dialogue: 0,0:00:00.00,9:00:00.00,Default,,0,0,0,,dive, the second
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """Videos of each kind that show something all the time, a detector that sees it, photographs."""
    folder = tmp_path_factory.mktemp("pictures")
    for kind in ("mp4", "mkv", "mov", "avi"):
        write_file(folder / f"dive.{kind}", [number / 10 for number in range(30)])
    blind_model(folder / "seeing.onnx", 0.8)
    blind_model(folder / "blind.onnx")
    (folder / "dive.ass").write_text(OVERLAY, encoding="utf-8")
    album = folder / "album"
    album.mkdir()
    for number in range(2):
        image = Image.fromarray(np.full((96, 128, 3), 90 + 40 * number, np.uint8))
        exif = Image.Exif()
        if number:
            details = {
                ExifTags.Base.DateTimeOriginal: "2026:11:22 18:30:00",
                ExifTags.Base.OffsetTimeOriginal: "+09:00",
            }
            exif.get_ifd(ExifTags.IFD.Exif).update(details)
            minutes = (Fraction(4), Fraction(36, 1))
            exif.get_ifd(ExifTags.IFD.GPSInfo).update(
                {1: "N", 2: (Fraction(35), *minutes), 3: "E", 4: (Fraction(129), *minutes)}
            )
        image.save(album / f"{number}.jpg", exif=exif)
    (album / "2.jpg").write_bytes(b"no picture")
    (album / "notes.txt").write_text("visibility was bad")
    return folder


@pytest.mark.parametrize("kind", ["mp4", "mkv", "mov", "avi"])
def test_a_video_alone_gives_findings_that_carry_time_only(hullscan, pictures, tmp_path, kind):
    out = tmp_path / "out"
    arguments = (str(pictures / f"dive.{kind}"), "--model", str(pictures / "seeing.onnx"), "--out", str(out))
    said = hullscan("analyze", *arguments)
    assert (said.code, said.err.strip()) == (0, "")
    assert "no place on a hull is told" in said.out
    content = json.loads((out / "findings.json").read_text(encoding="utf-8"))
    (found,) = content["findings"]
    assert content["placed"] is False
    assert [found[key] for key in ("side", "station_m", "depth_m", "position_ship_m", "lat_deg")] == [None] * 5
    assert (found["views"], found["first_utc"]) == (10, None)
    assert found["first_stream_s"] == pytest.approx(0.0, abs=0.11)
    assert found["last_stream_s"] == pytest.approx(2.7, abs=0.11)
    assert all(cv2.imread(str(out / frame["file"])) is not None for frame in found["frames"])
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "This report tells no place on a hull." in page
    assert "The time of day is not known either." in page
    assert (out / MANIFEST).is_file()


def test_findings_without_a_place_are_checked_told_again_and_exported_as_far_as_they_go(hullscan, pictures, tmp_path):
    out = tmp_path / "out"
    arguments = ("--model", str(pictures / "seeing.onnx"), "--out", str(out), "--seal-key", str(tmp_path / "key"))
    assert hullscan("analyze", str(pictures / "dive.mp4"), *arguments).code == 0
    assert hullscan("verify", str(out)).code == 0
    assert hullscan("report", str(out), "--lang", "ko", "--seal-key", str(tmp_path / "key")).code == 0
    assert "이 보고서는 선체 위의 위치를 말하지 않습니다." in (out / "report.html").read_text(encoding="utf-8")
    assert hullscan("verify", str(out)).code == 0
    for form in ("csv", "coco", "yolo"):
        assert hullscan("export", str(out), "--format", form, "--out", str(tmp_path / form)).code == 0
    with (tmp_path / "csv" / "findings.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["side"], row["x_ship_m"], row["lat_deg"]) == ("", "", "")
    assert float(row["last_stream_s"]) == pytest.approx(2.7, abs=0.11)
    refused = hullscan("export", str(out), "--format", "kml", "--out", str(tmp_path / "kml"))
    assert refused.code == 1
    assert "these findings carry time only, kml tells places" in refused.err
    frame = next(iter((out / "frames").iterdir()))
    frame.write_bytes(frame.read_bytes()[:-1])
    harmed = hullscan("verify", str(out))
    assert harmed.code == 1
    assert frame.name in harmed.out


def test_what_the_ground_station_wrote_over_it_stands_with_the_finding(hullscan, pictures, tmp_path):
    out = tmp_path / "out"
    said = hullscan(
        "analyze", str(pictures / "dive.mp4"), "--telemetry", str(pictures / "dive.ass"), "--out", str(out), "--lang",
        "ko", "--start-utc", "2026-11-22T09:30:00Z", "--model", str(pictures / "seeing.onnx"),
    )  # fmt: skip
    assert (said.code, said.err.strip()) == (0, "")
    (found,) = json.loads((out / "findings.json").read_text(encoding="utf-8"))["findings"]
    assert found["first_utc"] == "2026-11-22T09:30:00.000Z"
    assert ["Depth", "1.3 m"] in found["frames"][-1]["said"] or ["Depth", "1.2 m"] in found["frames"][-1]["said"]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "이 보고서는 선체 위의 위치를 말하지 않습니다." in page
    assert "Depth 1." in page


def test_nothing_seen_proves_nothing_and_the_report_says_so(hullscan, pictures, tmp_path):
    arguments = (
        "analyze",
        str(pictures / "dive.mp4"),
        "--model",
        str(pictures / "blind.onnx"),
        "--out",
        str(tmp_path / "o"),
    )
    for _ in range(2):  # the second replaces the first
        said = hullscan(*arguments)
        assert (said.code, said.err.strip()) == (0, "")
    assert "nothing was flagged" in said.out
    assert "an empty list proves nothing" in (tmp_path / "o" / "report.html").read_text(encoding="utf-8")


def test_photographs_are_looked_at_one_by_one_with_what_the_camera_wrote(hullscan, pictures, tmp_path):
    out = tmp_path / "out"
    said = hullscan("analyze", str(pictures / "album"), "--model", str(pictures / "seeing.onnx"), "--out", str(out))
    assert (said.code, said.err.strip()) == (0, "")
    findings = json.loads((out / "findings.json").read_text(encoding="utf-8"))["findings"]
    frames = {frame["said"][0][1]: frame for each in findings for frame in each["frames"]}
    assert set(frames) == {"0.jpg", "1.jpg"}
    assert (frames["0.jpg"]["utc"], frames["1.jpg"]["utc"]) == (None, "2026-11-22T09:30:00.000Z")
    assert frames["1.jpg"]["said"][1] == ["GPS", "35.076667°, 129.076667°"]


def test_sightings_that_lie_nowhere_on_the_hull_are_told_of(hullscan, originals, pictures, tmp_path):
    """The vehicle of this log looks at the open sea, the video shows a parcel: they are not of one dive."""
    turned = (originals / "flight.tlog").read_bytes()
    (tmp_path / "flight.tlog").write_bytes(turned)
    out = tmp_path / "out"
    mission = (originals / "mission.yaml").read_text(encoding="utf-8").replace("heading_deg: 62", "heading_deg: 242")
    (tmp_path / "mission.yaml").write_text(mission, encoding="utf-8")
    said = hullscan(
        "analyze", str(originals / "dive.mp4"), "--telemetry", str(tmp_path / "flight.tlog"), "--mission",
        str(tmp_path / "mission.yaml"), "--model", str(pictures / "seeing.onnx"), "--out", str(out),
    )  # fmt: skip
    assert (said.code, said.err.strip()) == (0, "")
    coverage = results_of(out)["coverage"]
    assert coverage["sightings_not_placed"] > coverage["sightings_placed"]
    assert "lie nowhere on this hull" in said.out
    assert "lie nowhere on this hull" in (out / "report.html").read_text(encoding="utf-8")


def test_an_overlay_pairs_names_with_values_and_keeps_other_words(pictures):
    overlay = read_overlay(pictures / "dive.ass")
    assert overlay.at(0.5) == [("Heading", "335 deg"), ("Depth", "1.2 m"), ("", "dive, the second")]
    assert overlay.at(30.0)[:2] == [("Heading", "336 deg"), ("Depth", "1.3 m")]
    assert overlay.at(90.0) == [("", "dive, the second")]


def test_pictures_are_told_by_their_kind_and_read_in_order(pictures):
    paths = photographs_in(pictures / "album")
    assert [path.name for path in paths] == ["0.jpg", "1.jpg", "2.jpg"]
    assert [frame.index for frame in Photographs(tuple(paths))] == [0, 1]


# --- the autopilot's own log ---


class Record:
    def __init__(self, kind: str, time_s: float, **values: Any) -> None:
        self._kind, self.TimeUS = kind, round(time_s * 1e6)
        self.__dict__.update(values)

    def get_type(self) -> str:
        return self._kind


class Log:
    """As pymavlink's reader gives its records."""

    def __init__(self, records: list[Record]) -> None:
        self._records, self._at = records, 0

    def close(self) -> None:
        self._at = len(self._records)

    def recv_match(self, type: list[str]) -> Record | None:
        while self._at < len(self._records):
            self._at += 1
            if self._records[self._at - 1].get_type() in type:
                return self._records[self._at - 1]
        return None


def dive_log(*more: Record) -> Log:
    records = list(more)
    for tick in range(20):
        at = 100.0 + 0.1 * tick
        records += [
            Record("ATT", at, Roll=1.0, Pitch=-2.0, Yaw=332.0),
            Record("XKF1", at, C=0, PN=10.0 + tick, PE=35.0, PD=2.0, VN=0.2, VE=0.0, VD=0.0),
            Record("XKF1", at, C=1, PN=999.0, PE=0.0, PD=0.0, VN=0.0, VE=0.0, VD=0.0),
        ]
    return Log(records)


GPS = Record("GPS", 90.0, Status=3, GWk=2445, GMS=34_218_000)  # Sunday 2026-11-15 09:30:18 GPS time
TIMES = [
    pytest.param(dive_log(GPS), None, 1_794_735_000.0 + 10.0, id="by the GPS in it"),
    pytest.param(dive_log(), 1_794_735_000.0, 1_794_735_000.0, id="by what somebody says"),
]


@pytest.mark.parametrize(("log", "told", "begin_s"), TIMES)
def test_a_dataflash_log_is_telemetry_of_its_time(monkeypatch, tmp_path, log, told, begin_s):
    from pymavlink import DFReader

    monkeypatch.setattr(DFReader, "DFReader_binary", lambda _: log)
    telemetry = read_dataflash(tmp_path / "log.bin", told)
    pose = telemetry.pose_at(begin_s + 1.0)
    assert pose.position_m == pytest.approx([20.0, 35.0, 2.0], abs=0.05)
    assert np.degrees(pose.rotation.as_euler("ZYX")) == pytest.approx([-28.0, -2.0, 1.0], abs=0.01)


def test_a_dataflash_log_that_does_not_know_its_time_says_what_to_give(monkeypatch, tmp_path):
    from pymavlink import DFReader

    monkeypatch.setattr(DFReader, "DFReader_binary", lambda _: dive_log())
    with pytest.raises(InputError, match="--telemetry-utc"):
        read_dataflash(tmp_path / "log.bin")
    assert not dataflash.is_dataflash(tmp_path / "log.bin")
