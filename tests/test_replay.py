"""Replay: any moment of a recorded mission on the operator's screen, at any speed, and nothing is written."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from console_fakes import FakeClock
from test_offline import MISSION, flight
from test_record import dvl_line, look
from test_video_recorder import UTC_S, access_units, record
from video_streams import coded

from hullscan.clock import SimulatedClock
from hullscan.console.playback import Playback
from hullscan.console.replay import Player, ReplayApp, replay
from hullscan.errors import HullscanError, InputError
from hullscan.geometry.frames import ShipPose
from hullscan.geometry.track import ShipTrack
from hullscan.record.database import MissionDatabase
from hullscan.record.events import EventLog
from hullscan.record.folder import MissionFolder
from hullscan.record.replay import DvlLog
from hullscan.words import translator

EN, KO = translator("en"), translator("ko")
LEG = "leg {number} of {count}: lane {lane} of {lanes} along the side"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> MissionFolder:
    """Three seconds beside the plating: two lanes, looks each half second, a finding after one second."""
    made = MissionFolder(tmp_path_factory.mktemp("flown"))
    made.mission_file.write_text(MISSION, encoding="utf-8")
    made.telemetry.write_bytes(flight())
    record(made.video, access_units(coded(60)))
    clock = SimulatedClock(UTC_S)
    events, dvl = EventLog(made.events, clock), DvlLog(made.dvl)
    events.add("preflight", "preflight: {level}, {count} cautions", {"level": "go", "count": 0})
    database = MissionDatabase(made.database)
    for number in range(6):
        if number in (1, 4):
            lane = 1 + number // 4
            data = {"leg": lane - 1, "number": lane, "count": 2, "lane": lane, "lanes": 2}
            events.add("survey", LEG, data)
        dvl(UTC_S + number / 2, dvl_line(1.5 + number / 10))
        database.add_look(look(0, utc_s=UTC_S + number / 2, frame=number), [])
        clock.sleep(0.5)
    # she lies so that the vehicle, at (10, 35) in its own frame, looks at her starboard side from about 1.6 m
    heading = np.radians(62.0)
    aft = np.array([10.0, 35.0]) - ShipPose(0, 0, heading).to_ned(np.array([37.0, 6.9, 2.0]))[:2]
    pose = ShipPose(float(aft[0]), float(aft[1]), heading)
    database.set_ship_track(ShipTrack.constant(pose, np.eye(4) * 1e-4))
    database.close()
    events.add("ended", "the flight has ended")
    events.close()
    dvl.close()
    found = {
        "id": "F01", "label": "parcel", "score": 0.8, "side": "starboard", "station_m": 37.0, "depth_m": 2.0,
        "girth_m": 2.0, "radius95_m": 0.3, "views": 5, "position_ship_m": [37.0, 5.2, 2.0],
        "frames": [{"utc_s": UTC_S + 1.0, "file": "frames/F01-1.jpg"}],
    }  # fmt: skip
    content = {"schema": "hullscan.findings/1", "mission": "demo", "ship": "x", "findings": [found]}
    (made.path / "findings.json").write_text(json.dumps(content), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def playback(folder: MissionFolder) -> Playback:
    return Playback(folder)


@pytest.mark.parametrize(
    ("after_s", "shown"),
    [
        pytest.param(0.2, {"state": "preflight", "leg": 0, "findings": 0, "range_m": 1.5}, id="before the first leg"),
        pytest.param(0.9, {"state": "survey", "leg": 1, "findings": 0, "range_m": 1.6}, id="on the first leg"),
        pytest.param(1.1, {"state": "survey", "leg": 1, "findings": 1, "range_m": 1.7}, id="after the finding"),
        pytest.param(2.2, {"state": "survey", "leg": 2, "findings": 1, "range_m": 1.9}, id="on the second leg"),
        pytest.param(3.0, {"state": "ended", "leg": 0, "findings": 1, "range_m": 2.0}, id="at the end"),
    ],
)
def test_a_moment_is_shown_as_it_was(playback: Playback, after_s: float, shown: dict[str, Any]) -> None:
    moment = playback.snapshot(UTC_S + after_s)
    said = {"state": moment.state, "leg": moment.leg, "findings": len(moment.findings), "range_m": moment.range_m}
    assert said == {**shown, "range_m": pytest.approx(shown["range_m"])}
    assert moment.mode != ""
    assert all(row.after_s <= max(after_s, playback.begin_s - UTC_S) + 1e-6 for row in moment.events)


def test_coverage_grows_with_time_and_shrinks_when_time_goes_back(playback: Playback) -> None:
    areas = [playback.snapshot(UTC_S + after_s).seen_m2 for after_s in (0.6, 2.9, 0.6)]
    assert 0 < areas[0] <= areas[1]
    assert areas[2] == areas[0]
    kinds = playback.snapshot(UTC_S + 2.9).image.kinds
    assert "3" in kinds


def test_orders_move_time(playback: Playback) -> None:
    clock = FakeClock()
    player = Player(playback, clock, 1.0)
    at_s = []
    for order, after_s in (("", 0.5), ("hold", 0.5), ("resume", 0.2), ("faster", 0.2), ("back", 0.1), ("slower", 0.0)):
        player.order(order)
        clock.now_s += after_s
        at_s.append(round(player.now() - playback.begin_s, 3))
    assert at_s == [0.5, 0.5, 0.7, 1.1, 0.2, 0.2]
    assert player.speed == 1.0
    player.order("skip")
    assert player.ended


def test_lines_are_printed_in_order_at_the_speed_asked_for(playback: Playback, capsys: pytest.CaptureFixture) -> None:
    clock = SimulatedClock(0.0)
    replay(playback, KO, clock, 2.0, plain=True)
    lines = capsys.readouterr().out.splitlines()
    assert clock.now() == pytest.approx((playback.end_s - playback.begin_s) / 2, abs=0.3)
    kinds = [line.split()[1] for line in lines]
    assert kinds == ["preflight", "survey", "progress", "survey", "ended", "progress"]
    assert "선측 탐색선 1/2" in lines[1]
    assert re.search(r"발견 1", lines[-1])


def test_the_screen_shows_it_and_its_keys_move_time(playback: Playback) -> None:
    clock = FakeClock()

    async def run() -> list[str]:
        player = Player(playback, clock, 1.0)
        app = ReplayApp(EN, playback, player, clock)
        said = []
        async with app.run_test(size=(140, 45)) as pilot:
            for key in ("", "s", "h", "f", "q"):
                if key:
                    await pilot.press(key)
                await pilot.pause()
                if key != "q":
                    said.append("\n".join(str(each.render()) for each in app.query("Static")))
        return said

    begun, skipped, held, flagged = asyncio.run(run())
    assert "MV Haneul" in begun
    assert "30 s back" in begun
    assert "parcel 0.80" in skipped
    assert "the replay is held" in held
    assert "hullscan review" in flagged


def test_nothing_is_written(folder: MissionFolder) -> None:
    before = contents(folder.path)
    Playback(folder).snapshot(UTC_S + 1.0)
    assert contents(folder.path) == before


def test_a_mission_that_was_cut_off_is_replayed_without_places(folder: MissionFolder, tmp_path: Path) -> None:
    cut = MissionFolder(Path(shutil.copytree(folder.path, tmp_path / "cut")))
    (cut.path / "findings.json").unlink()
    cut.database.unlink()
    database = MissionDatabase(cut.database)
    database.add_look(look(0, utc_s=UTC_S + 1), [])
    database.close()
    moment = Playback(cut).snapshot(UTC_S + 2.9)
    assert (moment.seen_m2, moment.findings, moment.image.track) == (0.0, (), ())


@pytest.mark.parametrize("name", ["mission.yaml", "telemetry.tlog", "mission.sqlite"])
def test_what_cannot_be_replayed_is_one_line(folder: MissionFolder, tmp_path: Path, name: str) -> None:
    spoilt = Path(shutil.copytree(folder.path, tmp_path / "spoilt"))
    (spoilt / name).unlink()
    with pytest.raises(HullscanError) as told:
        Playback(MissionFolder(spoilt))
    assert "\n" not in str(told.value)


def test_a_folder_in_which_nothing_was_recorded_says_so(folder: MissionFolder, tmp_path: Path) -> None:
    bare = MissionFolder(Path(shutil.copytree(folder.path, tmp_path / "bare")))
    for path in (bare.events, bare.dvl, bare.database):
        path.unlink()
    MissionDatabase(bare.database).close()
    with pytest.raises(InputError, match="nothing was recorded"):
        Playback(bare)
