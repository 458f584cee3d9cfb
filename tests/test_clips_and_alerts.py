"""What a finding brings with it: a clip cut from the recording, and a flash alert while the survey still flies."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_record import sighting
from test_report import HOSTILE, Element, Parts, finding, jpeg, made, reaches_out, read
from test_video_recorder import UTC_S, access_units, record
from video_streams import coded, number_in, write_file

from hullscan.clock import SimulatedClock
from hullscan.errors import VideoError
from hullscan.findings.geotag import HullFix
from hullscan.findings.merge import Finding
from hullscan.findings.outline import Outline
from hullscan.mission.model import Mission, load_mission
from hullscan.record.clips import save_clips
from hullscan.record.events import EventLog
from hullscan.record.folder import MissionFolder
from hullscan.record.replay import FilePictures, FolderPictures
from hullscan.report.flash import FlashAlerts
from hullscan.report.html import write_report
from hullscan.survey.earlier import earlier_alerts
from hullscan.video.files import VideoFile

DEMO = Path(__file__).parents[1] / "missions" / "demo.yaml"


@pytest.fixture(scope="module")
def mission() -> Mission:
    return load_mission(DEMO)


# --- clips ---


def record_of(number: int, after_s: float) -> dict[str, Any]:
    return {"id": f"F{number:02d}", "frames": [{"utc_s": UTC_S + after_s, "stream_s": after_s}]}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds at 30 a second, in files of four."""
    folder = tmp_path_factory.mktemp("recorded")
    record(folder / "video", access_units(coded(300)), segment_s=4.0)
    return folder / "video"


@pytest.mark.parametrize(
    ("after_s", "first", "last"),
    [
        pytest.param(5.0, 120, 210, id="two seconds before and after, from the beginning of its file on"),
        pytest.param(0.5, 0, 75, id="at the beginning of the recording it is shorter"),
        pytest.param(6.5, 135, 239, id="at the end of a file it is shorter"),
    ],
)
def test_a_clip_holds_the_pictures_around_the_finding(
    tmp_path: Path, recording: Path, after_s: float, first: int, last: int
) -> None:
    findings = [record_of(1, after_s)]
    assert save_clips(MissionFolder(tmp_path), findings, FolderPictures(recording)) == 0
    clip = findings[0]["clip"]
    with VideoFile(tmp_path / clip["file"]) as video:
        numbers = []
        while (frame := video.read()) is not None:
            numbers.append(number_in(frame.image_bgr))
    assert numbers == list(range(first, last + 1))
    with Image.open(tmp_path / clip["preview"]) as moving:
        assert moving.format == "WEBP"
        assert moving.n_frames == pytest.approx(len(numbers) / 6, abs=1)  # five of thirty a second
        assert moving.width == 480


def test_a_foreign_video_gives_clips_by_its_own_time(tmp_path: Path) -> None:
    write_file(tmp_path / "dive.mp4", [number / 10 for number in range(60)])
    findings = [{"id": "F01", "frames": [{"utc_s": UTC_S, "stream_s": 3.0}]}]
    assert save_clips(MissionFolder(tmp_path), findings, FilePictures(tmp_path / "dive.mp4")) == 0
    assert (tmp_path / "clips" / "F01.mp4").is_file()


def test_what_no_clip_can_be_cut_of_is_counted(tmp_path: Path, recording: Path) -> None:
    findings = [record_of(1, 3.0), {"id": "F02", "frames": []}, record_of(3, 3.0)]

    class Hole(FolderPictures):
        def locate(self, utc_s: float, stream_s: float) -> tuple[Path, float]:
            if not (tmp_path / "clips").exists():
                return super().locate(utc_s, stream_s)
            raise VideoError("no picture there")

    assert save_clips(MissionFolder(tmp_path), findings, Hole(recording)) == 2
    assert [each["clip"] is None for each in findings] == [False, True, True]
    assert save_clips(MissionFolder(tmp_path), findings, None) == 3
    assert [each["clip"] for each in findings] == [None] * 3


def test_the_report_shows_the_clip_in_itself_and_names_the_file(
    tmp_path: Path, recording: Path, mission: Mission
) -> None:
    one = finding(mission.hull, 1, 32.6, 2.0)
    one["frames"][0] |= {"utc_s": UTC_S + 5, "stream_s": 5.0}
    save_clips(MissionFolder(tmp_path), [one], FolderPictures(recording))
    folder = made(tmp_path / "m", Parts([one]))
    (folder.path / "clips").mkdir()
    (tmp_path / "clips" / "F01.webp").rename(folder.path / "clips" / "F01.webp")
    page = write_report(folder).read_text(encoding="utf-8")
    assert reaches_out(page) == []
    images = [element.attributes["src"] for element in read(page).all("img")]
    assert [image.split(";")[0] for image in images] == ["data:image/jpeg"] * 3 + ["data:image/webp"]
    assert "4 s of video around it; as recorded in clips/F01.mp4" in read(page).text
    assert len(page) < 600_000  # of noise, which hardly packs


@pytest.mark.parametrize("preview", ["../../secret.webp", "clips/none.webp", "frames/F01-1.jpg", ""])
def test_a_clip_that_is_none_is_not_shown(tmp_path: Path, mission: Mission, preview: str) -> None:
    one = {**finding(mission.hull, 1, 32.6, 2.0), "clip": {"file": "x", "preview": preview, "seconds": 4.0}}
    (tmp_path / "secret.webp").write_bytes(b"RIFF0000WEBP")
    page = write_report(made(tmp_path / "a" / "m", Parts([one]))).read_text(encoding="utf-8")
    assert "image/webp" not in page


# --- flash alerts ---


def provisional(mission: Mission, station_m: float, score: float = 0.7, radius95_m: float = 0.5) -> Finding:
    hull, side, station = mission.hull, np.array([1], np.int8), np.array([station_m])
    point = hull.point(side, station, hull.girth_to_depth(station, np.array([2.0])))[0]
    normal, spread = np.array([0.0, 1.0, 0.0]), np.eye(3) * 0.01
    outline = Outline.square(0.5, normal)
    fixes = [HullFix(sighting(n, frame=n), point, normal, spread, spread, 1.5, outline) for n in range(3)]
    return Finding("parcel", score, point, spread, radius95_m, outline, tuple(fixes))


class Told(list[tuple[str, str, dict[str, Any]]]):
    def __call__(self, kind: str, message: str, data: dict[str, Any]) -> None:
        self.append((kind, message, data))


def alerts(folder: Path, mission: Mission, told: Told, picture: str = "") -> FlashAlerts:
    return FlashAlerts(folder, mission, locate=lambda point: (35.1, 129.1), picture=lambda _: picture, told=told)


def page_of(path: Path) -> Element:
    return read(path.read_text(encoding="utf-8"))


def test_a_finding_is_one_page_in_each_language_at_once(tmp_path: Path, mission: Mission) -> None:
    (tmp_path / "small.jpg").write_bytes(jpeg(1))
    told = Told()
    alerts(tmp_path / "alerts", mission, told, str(tmp_path / "small.jpg")).update(UTC_S, [provisional(mission, 32.6)])
    assert sorted(path.name for path in (tmp_path / "alerts").iterdir()) == ["A01.en.html", "A01.ko.html"]
    assert [(kind, data["name"]) for kind, _, data in told] == [("alert", "A01")]
    english, korean = (page_of(tmp_path / "alerts" / f"A01.{each}.html").one("main").text for each in ("en", "ko"))
    for words in (
        "Provisional",
        "starboard",
        "32.6 m",
        "2.0 m",
        "Do not touch",
        "2023-11-14 22:13:20 UTC",
        "35.100000°",
    ):
        assert words in english
    for words in ("잠정", "우현", "32.6 m", "만지지 마십시오", "MV Haneul"):
        assert words in korean
    assert not re.search(r"Provisional|Do not touch|starboard", korean)
    page = (tmp_path / "alerts" / "A01.en.html").read_text(encoding="utf-8")
    assert reaches_out(page) == []
    assert "data:image/jpeg" in page


def test_the_same_place_is_written_again_only_when_it_is_known_better(tmp_path: Path, mission: Mission) -> None:
    told, path = Told(), tmp_path / "alerts" / "A01.en.html"
    writer = alerts(tmp_path / "alerts", mission, told)
    steps = [
        (provisional(mission, 32.6), "2023-11-14 22:13:20"), (provisional(mission, 32.9), "2023-11-14 22:13:20"),
        (provisional(mission, 32.9, score=0.8), "2023-11-14 22:13:24"),
        (provisional(mission, 32.9, score=0.8, radius95_m=0.3), "2023-11-14 22:13:26"),
    ]  # fmt: skip
    for number, (now, as_of) in enumerate(steps):
        writer.update(UTC_S + 2 * number, [now])
        assert page_of(path).one(kind="right").text.endswith(f"{as_of} UTC")
    writer.update(UTC_S + 9, [provisional(mission, 36.0), provisional(mission, 32.9)])
    assert [data["name"] for _, _, data in told] == ["A01", "A02"]


def test_a_resumed_mission_repeats_no_alert_and_writes_over_none(tmp_path: Path, mission: Mission) -> None:
    first, told, log = alerts(tmp_path / "alerts", mission, Told()), Told(), tmp_path / "events.jsonl"
    events = EventLog(log, SimulatedClock(UTC_S))
    first._told = events.add
    first.update(UTC_S, [provisional(mission, 32.6)])
    events.close()
    before = (tmp_path / "alerts" / "A01.en.html").read_bytes()
    second = alerts(tmp_path / "alerts", mission, told)
    second.remember(earlier_alerts(MissionFolder(tmp_path)))
    second.update(UTC_S + 600, [provisional(mission, 36.0), provisional(mission, 32.7, score=0.95)])
    assert [data["name"] for _, _, data in told] == ["A02"]
    assert (tmp_path / "alerts" / "A01.en.html").read_bytes() == before


def test_two_findings_side_by_side_are_two_alerts_and_stay_so(tmp_path: Path, mission: Mission) -> None:
    told = Told()
    writer = alerts(tmp_path / "alerts", mission, told)
    writer.update(UTC_S, [provisional(mission, 32.6)])
    writer.update(UTC_S + 2, [provisional(mission, 33.2), provisional(mission, 32.6)])
    writer.update(UTC_S + 4, [provisional(mission, 32.7), provisional(mission, 33.3)])
    assert [(data["name"], data["station"]) for kind, _, data in told if kind == "alert"] == [
        ("A01", pytest.approx(32.6, abs=0.01)),
        ("A02", pytest.approx(33.2, abs=0.01)),
    ]


def test_an_alert_that_cannot_be_written_is_told_once_and_ends_nothing(tmp_path: Path, mission: Mission) -> None:
    (tmp_path / "alerts").write_text("in the way", encoding="utf-8")
    told = Told()
    writer = alerts(tmp_path / "alerts", mission, told)
    writer.update(UTC_S, [provisional(mission, 32.6), provisional(mission, 36.0)])
    assert [kind for kind, _, _ in told] == ["warning"]
    assert writer.unwritten == 2


def test_hostile_words_in_an_alert_stay_words(tmp_path: Path, mission: Mission) -> None:
    spoken = replace(mission, file=replace(mission.file, ship=replace(mission.file.ship, name=HOSTILE)))
    alerts(tmp_path / "alerts", spoken, Told()).update(UTC_S, [provisional(mission, 32.6)])
    page = (tmp_path / "alerts" / "A01.ko.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert reaches_out(page) == []
