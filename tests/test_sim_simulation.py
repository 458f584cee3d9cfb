"""The whole: determinism, truth, faults' notes, camera hook, pacing, the command line."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_sim_station import FORM, HULL, Station, stated_ship, station

from hullscan.errors import InputError, RecordError
from hullscan.geometry.frames import Pose
from hullscan_sim.cli import main
from hullscan_sim.faults.kinds import DvlDropout
from hullscan_sim.mavlink_server import MemoryLink, parse
from hullscan_sim.pacing import Pacer
from hullscan_sim.scenario import Parcel, Scenario, ShipError, VehicleOptions, Water
from hullscan_sim.simulation import Simulation
from hullscan_sim.truth import COLUMNS, TruthRecorder

PARCELS = (
    Parcel(kind="box", size_m=(0.6, 0.4, 0.3), side="starboard", station_m=22.0, depth_m=1.5),
    Parcel(kind="bag", size_m=(0.5, 0.4, 0.2), side="port", station_m=40.0, depth_m=3.2),
)


# ---------------------------------------------------------------- determinism


def flight(seed: int, *, late_s: float = 0.0) -> str:
    """A short flight in waves and current near the hull; a hash over its trajectory and everything it sent."""
    scenario = Scenario(
        seed=seed,
        water=Water(current_mps=0.1, current_towards_deg=80, waves_m=0.2),
        vehicle=VehicleOptions(start_up=0.02),
    )
    link = station(scenario, launch={"distance_m": 2.0})
    seen = hashlib.sha256()
    link.run(3.5 + late_s)
    link.set_mode(4)
    link.arm()
    link.fly(4.0, lambda t: link.setpoint((0.1 * t, 0, 1.2), (0.1, 0, 0), yaw=-0.4887, mask=0x09C0))
    for at, message in link.received:
        seen.update(f"{at:.3f}".encode() + bytes(message.get_msgbuf()))
    body = link.simulation.body
    seen.update(repr((body.position, body.euler_rad, body.velocity)).encode())
    return seen.hexdigest()


def test_one_seed_and_the_same_messages_give_the_same_flight_and_others_give_another():
    first = flight(7)
    assert flight(7) == first
    assert flight(8) != first
    assert flight(7, late_s=0.01) != first


def test_it_is_held_at_the_launch_place_until_it_is_armed_and_drifts_with_the_current_from_then_on():
    water = Water(current_mps=0.2, current_towards_deg=90, waves_m=0.1)
    scenario = Scenario(seed=3, water=water, vehicle=VehicleOptions(position="gps", start_up=0.0))
    link = station(scenario)
    place, heading = link.simulation.world.launch
    link.run(15)
    body = link.simulation.body
    assert np.hypot(body.north_m - place[0], body.east_m - place[1]) < 0.1
    assert abs(body.euler_rad[2] - heading) < 0.15
    assert body.down_m == pytest.approx(place[2], abs=0.15)
    link.arm()
    link.command(400, 0)
    link.run(12)
    assert body.velocity[1] == pytest.approx(0.2, abs=0.06)


# ---------------------------------------------------------------- truth


def recorded(folder: Path, seconds: float, **more: Any) -> Station:
    scenario = Scenario(
        seed=7,
        ship_error=ShipError(north_m=0.8, east_m=-0.5, heading_deg=1.0),
        vehicle=VehicleOptions(position="gps", compass="perfect", start_up=0),
        parcels=PARCELS,
        **more,
    )
    link = MemoryLink()
    simulation = Simulation(
        scenario,
        stated_ship(distance_m=2.5),
        HULL,
        link=link,
        truth=lambda world: TruthRecorder(folder, world, 1.7e9),
        start_utc_s=1.7e9,
    )
    found = Station(simulation, link)
    found.run(seconds)
    return found


def test_truth_is_on_disk_while_the_simulation_still_runs(tmp_path):
    link = recorded(tmp_path / "truth", 3.0)
    truth = json.loads((tmp_path / "truth" / "truth.json").read_text())
    assert truth["ship_pose_ned"]["north_m"] == 0.8
    assert truth["ship_pose_ned"]["heading_deg"] == pytest.approx(63.0)
    assert truth["contacts"] == 0
    assert 1.0 < truth["min_clearance_m"] < 3.0
    assert truth["trajectory"] == "truth.csv"
    with (tmp_path / "truth" / "truth.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert 25 <= len(rows) <= 31
    assert np.diff([float(row["t_s"]) for row in rows]) == pytest.approx(0.1)
    assert float(rows[-1]["utc_s"]) == pytest.approx(1.7e9 + float(rows[-1]["t_s"]))
    body, world = link.simulation.body, link.simulation.world
    row = rows[-1]
    assert float(row["north_m"]) == pytest.approx(body.north_m, abs=0.1)
    in_ship = world.to_ship(tuple(float(row[name]) for name in ("north_m", "east_m", "down_m")))
    assert in_ship == pytest.approx(tuple(float(row[f"ship_{axis}_m"]) for axis in "xyz"), abs=2e-4)
    link.simulation.close()


def test_parcels_are_recorded_at_the_point_of_the_hull_under_them(tmp_path):
    link = recorded(tmp_path, 0.1)
    link.simulation.close()
    first, second = json.loads((tmp_path / "truth.json").read_text())["parcels"]
    assert {"id", "kind", "size_m", "side", "station_m", "girth_m", "depth_m", "position_ship_m"} <= set(first)
    assert first["hidden_share"] < 0.02  # it sits on the plating, for all to see
    assert first["seen_cells_m2"] is None
    assert first["position_ship_m"] == pytest.approx([22.0, FORM.beam_m / 2, 1.5], abs=0.02)
    assert first["girth_m"] == pytest.approx(1.5, abs=0.02)
    assert second["position_ship_m"][1] < 0
    assert second["depth_m"] == pytest.approx(3.2, abs=0.02)
    point = np.array([second["position_ship_m"]])
    assert HULL.locate(point).girth_m[0] == pytest.approx(second["girth_m"], abs=0.01)


def test_a_collision_is_counted_and_told(tmp_path):
    notes: list[str] = []
    scenario = Scenario(seed=7, vehicle=VehicleOptions(position="gps", compass="perfect", start_up=0))
    link = MemoryLink()
    simulation = Simulation(
        scenario,
        stated_ship(distance_m=2.0),
        HULL,
        link=link,
        truth=lambda world: TruthRecorder(tmp_path, world, 0.0),
        note=notes.append,
    )
    simulation.body.down_m = 1.5
    pilot = Station(simulation, link)
    pilot.ready()
    pilot.set_mode(2)
    pilot.fly(8.0, lambda t: pilot.sticks(x=600))
    simulation.close()
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert truth["contacts"] >= 1
    assert -0.05 < truth["min_clearance_m"] <= 0.0
    assert any("contact 1 with the hull" in note for note in notes)
    assert any("mode GUIDED" in note for note in notes)
    assert any(note.endswith(": armed") for note in notes)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(RecordError, match="cannot write"):
        recorded(tmp_path / "file" / "truth", 0.1)


def test_a_launch_inside_the_ship_as_she_truly_lies_is_an_error():
    scenario = Scenario(ship_error=ShipError(north_m=5.0, east_m=-4.0))
    with pytest.raises(InputError, match="inside the ship"):
        Simulation(scenario, stated_ship(side="port", distance_m=1.0), HULL)


def test_faults_are_told_when_they_begin_and_end():
    notes: list[str] = []
    scenario = Scenario(faults=(DvlDropout(at_s=0.5, for_s=1.0),))
    simulation = Simulation(scenario, stated_ship(), HULL, note=notes.append)
    simulation.run_until(2.0)
    assert notes == ["0.5 s: fault dvl_dropout begins", "1.5 s: fault dvl_dropout ends"]


# ---------------------------------------------------------------- camera and pace


class FakeCamera:
    """Counts, and remembers in which order it was asked."""

    def __init__(self, period_s: float) -> None:
        self.period_s, self.next_s = period_s, 0.0
        self.captured: list[tuple[float, Pose, float, float]] = []
        self.waits: list[tuple[float, float]] = []
        self.clock: Any = None

    def due(self, sim_time_s: float) -> bool:
        return sim_time_s >= self.next_s - 1e-9

    def capture(self, sim_time_s: float, pose_ned: Pose, lights: float, tilt_rad: float) -> None:
        self.next_s += self.period_s
        self.captured.append((sim_time_s, pose_ned, lights, tilt_rad))

    def wait_sent(self, sim_time_s: float) -> None:
        self.waits.append((sim_time_s, self.clock()))


def test_every_picture_is_waited_for_a_tenth_of_a_second_after_it_was_taken():
    camera = FakeCamera(0.04)
    simulation = Simulation(Scenario(), stated_ship(), HULL, camera=camera)
    camera.clock = lambda: simulation.time_s
    simulation.run_until(1.0)
    assert len(camera.captured) == 25
    assert [at for at, _ in camera.waits] == [at for at, *_ in camera.captured[: len(camera.waits)]]
    assert [now - at for at, now in camera.waits] == pytest.approx([0.1] * len(camera.waits), abs=0.006)
    pose = camera.captured[0][1]
    assert pose.position_m == pytest.approx(simulation.world.launch[0], abs=0.01)
    assert camera.captured[0][2:] == (0.0, 0.0)


@pytest.mark.parametrize("speedup", [2.0, 10.0])
def test_simulated_time_keeps_to_real_time(speedup):
    pacer, began = Pacer(speedup), time.perf_counter()
    for step in range(201):
        pacer.wait(step * 0.005 * speedup / 2)
    took = time.perf_counter() - began
    assert 0.48 < took < 2.0


def test_time_that_was_lost_is_not_made_up_in_a_rush():
    pacer = Pacer(1.0)
    pacer.wait(0.0)
    time.sleep(0.4)
    began = time.perf_counter()
    for step in range(61):
        pacer.wait(step * 0.005)
    assert time.perf_counter() - began > 0.15
    assert pacer.given_up_s > 0.2


def test_without_a_limit_nothing_is_waited_for():
    pacer, began = Pacer(float("inf")), time.perf_counter()
    for step in range(1000):
        pacer.wait(float(step))
    assert time.perf_counter() - began < 0.5


# ---------------------------------------------------------------- command line

SCENARIO = "seed: 7\nvehicle: {start_up: 0.0, compass: perfect}\n"
MISSION = """mission: test
ship:
  {name: MV Haneul, form: {type: bulk_carrier, length_m: 60, beam_m: 11, draught_fwd_m: 3.6, draught_aft_m: 3.9}}
berth: {lat_deg: 35.0767, lon_deg: 129.08, heading_deg: 62, quay_side: port, quay_gap_m: 1.5, water_depth_m: 9.5}
launch: {side: starboard, station_m: 30, distance_m: 2}
"""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from hullscan_sim.cli import main; main()", *arguments]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["run", "nowhere.yaml"], 1, "error: cannot read nowhere.yaml", id="no such file"),
        pytest.param(["run", "scenario.yaml"], 1, "error: no mission file", id="no mission"),
        pytest.param(["run"], 2, "error: Missing argument", id="no scenario"),
        pytest.param(["run", "scenario.yaml", "--colour"], 2, "error: No such option", id="an unknown option"),
        pytest.param(
            ["run", "scenario.yaml", "--mission", "mission.yaml", "--mavlink", "x"], 1, "error: 'x' is not an address",
            id="an address that is none",
        ),
        pytest.param(
            ["run", "bad.yaml", "--mission", "mission.yaml"], 1, "error: bad.yaml:1: sea: unknown key",
            id="a fault in the scenario",
        ),
    ],
)  # fmt: skip
def test_an_error_is_one_line_with_its_exit_code(tmp_path, monkeypatch, capsys, arguments, code, words):
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "bad.yaml").write_text("sea: rough\n")
    (tmp_path / "mission.yaml").write_text(MISSION)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["hullscan-sim", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    out, err = capsys.readouterr()
    assert words in err
    assert len(err.splitlines()) == 1
    assert out == ""


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="interrupted"),
        pytest.param(signal.SIGTERM, 0, id="asked to end"),
        pytest.param(signal.SIGKILL, -9, id="killed"),
    ],
)
def test_it_says_ready_talks_and_leaves_a_whole_truth_behind(tmp_path, number, code):
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "mission.yaml").write_text(MISSION)
    station = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    station.bind(("127.0.0.1", 0))
    station.settimeout(20)
    address = f"udpout:127.0.0.1:{station.getsockname()[1]}"
    process = subprocess.Popen(
        command(
            "run", "scenario.yaml", "--mission", "mission.yaml", "--mavlink", address, "--dvl", "127.0.0.1:0",
            "--speedup", "5", "--truth", "truth",
        ),
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        ready = process.stdout.readline()
        found = re.fullmatch(r"ready mavlink=(\S+) dvl=127\.0\.0\.1:(\d+) video=none\n", ready)
        assert found, ready
        socket.create_connection(("127.0.0.1", int(found[2])), timeout=5).close()
        flown_ms, until = 0, time.monotonic() + 30
        while flown_ms < 1500 and time.monotonic() < until:
            for message in parse(station.recv(2048)):
                if message.get_type() == "ATTITUDE":
                    flown_ms = message.time_boot_ms
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        station.close()
    assert process.returncode == code
    assert out == ""
    assert "Traceback" not in err
    assert flown_ms >= 1500
    truth = json.loads((tmp_path / "truth" / "truth.json").read_text())
    assert truth["contacts"] == 0
    assert (tmp_path / "truth" / "truth.csv").read_text().count("\n") > 5
