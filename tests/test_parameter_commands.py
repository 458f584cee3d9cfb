"""``hullscan params`` and ``hullscan signing`` against a scripted vehicle on a real socket."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from vehicle_peer import VehiclePeer, free_port

from hullscan import cli
from hullscan.vehicle.parameter_file import load_parameters

PARAMETERS = {
    "FRAME_CONFIG": 2.0,
    "FS_GCS_ENABLE": 2.0,
    "GPS1_TYPE": 1.0,
    "MAV_GCS_SYSID": 255.0,
    "ATC_RAT_YAW_P": 0.18,
}
WANTED = "FRAME_CONFIG,2\nFS_GCS_ENABLE,3  # holds its depth\nGPS_TYPE,0\nSYSID_MYGCS,255\n"


@pytest.fixture
def peer() -> Iterator[VehiclePeer]:
    with VehiclePeer(free_port(), speed=5.0, parameters=dict(PARAMETERS)) as peer:
        yield peer


@pytest.fixture
def params(monkeypatch, capsys, tmp_path, peer) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> tuple[int, str, str]:
        port = peer._target[1]
        command = ["hullscan", *map(str, arguments), "--connect", f"udpin:127.0.0.1:{port}"]
        monkeypatch.setattr(sys, "argv", command)
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def wanted(tmp_path) -> Path:
    path = tmp_path / "wanted.param"
    path.write_text(WANTED, encoding="utf-8")
    return path


def test_show_lists_what_was_asked_for(params):
    assert params("params", "show", "fs_*", "GPS*") == (0, "FS_GCS_ENABLE,2\nGPS1_TYPE,1\n", "")


def test_show_of_nothing_is_one_line(params):
    code, out, err = params("params", "show", "NOPE_*")
    assert (code, out) == (1, "")
    assert err == "error: the vehicle has no parameter like NOPE_*\n"


def test_diff_shows_the_vehicles_own_names_and_the_reason_and_changes_nothing(params, wanted, peer):
    code, out, _ = params("params", "diff", wanted)
    assert code == 0
    assert [line.split()[:3] for line in out.splitlines()[1:3]] == [
        ["FS_GCS_ENABLE", "2", "3"],
        ["GPS1_TYPE", "1", "0"],
    ]
    assert "holds its depth" in out
    assert "2 to change, 2 as they should be, 0 that the vehicle does not have" in out
    assert peer.state.parameters == PARAMETERS


def test_apply_backs_up_writes_and_reads_back(params, wanted, peer, tmp_path):
    code, out, _ = params("params", "apply", wanted, "--yes")
    assert code == 0
    assert peer.state.parameters == {**PARAMETERS, "FS_GCS_ENABLE": 3.0, "GPS1_TYPE": 0.0}
    (backup,) = (tmp_path / "params-backup").iterdir()
    assert load_parameters(backup).values == pytest.approx(PARAMETERS)
    assert "2 written and read back" in out
    assert "restart the autopilot" in out


def test_a_backup_brings_everything_back(params, wanted, peer, tmp_path):
    params("params", "apply", wanted, "--yes")
    (backup,) = (tmp_path / "params-backup").iterdir()
    assert params("params", "apply", backup, "--yes", "--backup", "second")[0] == 0
    assert peer.state.parameters == pytest.approx(PARAMETERS)


def test_a_second_apply_has_nothing_to_do_and_makes_no_backup(params, wanted, tmp_path):
    params("params", "apply", wanted, "--yes")
    code, out, _ = params("params", "apply", wanted, "--yes", "--backup", "second")
    assert (code, (tmp_path / "second").exists()) == (0, False)
    assert "0 to change, 4 as they should be" in out


REFUSED = [
    pytest.param({}, [], "nobody is there to be asked", id="nobody to be asked"),
    pytest.param({"armed": True}, ["--yes"], "while the vehicle is armed", id="an armed vehicle"),
    pytest.param(
        {"stubborn": {"GPS1_TYPE"}}, ["--yes"], "GPS1_TYPE could not be set to 0: it is 1", id="a value not kept"
    ),
]


@pytest.mark.parametrize(("state", "options", "words"), REFUSED)
def test_apply_refuses(params, wanted, peer, state, options, words):
    for name, value in state.items():
        setattr(peer.state, name, value)
    code, _, err = params("params", "apply", wanted, *options)
    assert code == 1
    assert words in err
    assert len(err.splitlines()) == 1
    assert peer.state.parameters["GPS1_TYPE"] == 1.0


def test_a_parameter_that_the_vehicle_lacks_stops_everything_before_it_begins(params, peer, tmp_path):
    path = tmp_path / "x.param"
    path.write_text("FS_GCS_ENABLE,3\nNOT_THERE,1\n", encoding="utf-8")
    code, _, err = params("params", "apply", path, "--yes")
    assert code == 1
    assert "the vehicle has no parameter NOT_THERE" in err
    assert peer.state.parameters == PARAMETERS
    assert not (tmp_path / "params-backup").exists()


def test_a_broken_file_is_told_with_its_line(params, tmp_path):
    path = tmp_path / "x.param"
    path.write_text("FS_GCS_ENABLE,3\nGPS_TYPE;0\n", encoding="utf-8")
    code, _, err = params("params", "diff", path)
    assert code == 1
    assert err == f"{path}:2: GPS_TYPE;0: expected NAME,value or NAME value or a QGroundControl row, got 1 columns\n"


def test_backup_writes_everything_once(params, tmp_path):
    path = tmp_path / "all.param"
    assert params("params", "backup", path)[1] == f"5 parameters: {path}\n"
    assert load_parameters(path).values == pytest.approx(PARAMETERS)
    assert "exists already" in params("params", "backup", path)[2]


def test_the_reasons_of_the_shipped_files_are_told_in_korean(params, peer):
    code, out, _ = params("params", "diff", "--lang", "ko")
    assert code == 0
    told = " ".join(out.split())
    assert "hullscan은 지상국 255번으로" not in told  # that one is as it should be
    assert "하트비트가 끊기면 수심을 유지합니다" in told
    assert "선체 밑에는 GPS가 없습니다" in told
    rows = out.splitlines()
    english = [row for row in rows if re.search(r"[a-z]{4,} [a-z]{3,} [a-z]{3,}", row)]
    assert not english
