"""Parameter files of three dialects, the shipped ones, and what they change on a vehicle."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from hullscan.errors import InputError, MissionFileError
from hullscan.mission.vehicle import vehicle_profile
from hullscan.vehicle.parameter_changes import compare_with_file
from hullscan.vehicle.parameter_file import (
    format_parameters,
    load_parameters,
    number_text,
    parse_parameters,
    save_parameters,
)
from hullscan.vehicle.parameters import ALIASES
from hullscan.vehicle.shipped_parameters import VINTAGES, shipped_folder, shipped_parameters

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
SHIPPED = sorted(shipped_folder().glob("*.param"))


def parsed(text: str) -> dict[str, float]:
    return parse_parameters(text, Path("x.param")).values


DIALECTS = [
    pytest.param("FS_GCS_ENABLE,3\nEK3_SRC1_POSXY,6\n", id="as Mission Planner writes them"),
    pytest.param("FS_GCS_ENABLE    3.000000\nEK3_SRC1_POSXY   6.000000\n", id="as MAVProxy writes them"),
    pytest.param(
        "# Onboard parameters for Vehicle 1\n#\n# Vehicle-Id Component-Id Name Value Type\n"
        "1\t1\tFS_GCS_ENABLE\t3\t2\n1\t1\tEK3_SRC1_POSXY\t6\t2\n",
        id="as QGroundControl writes them",
    ),
    pytest.param(
        "#NOTE: 1/2/2026\r\nFS_GCS_ENABLE,3\r\n\r\nEK3_SRC1_POSXY,6\r\n", id="with the ends of lines of Windows"
    ),
    pytest.param("\ufeffFS_GCS_ENABLE 3 # why\nEK3_SRC1_POSXY\t6".removeprefix("\ufeff"), id="with a reason and a tab"),
]


@pytest.mark.parametrize("text", DIALECTS)
def test_a_dialect_is_read(text: str):
    assert parsed(text) == {"FS_GCS_ENABLE": 3.0, "EK3_SRC1_POSXY": 6.0}


def test_other_components_of_qgroundcontrol_are_left_out_and_counted():
    file = parse_parameters("1\t1\tFS_GCS_ENABLE\t3\t2\n1\t154\tGMB_X\t1\t2\n", Path("x.params"))
    assert (file.values, file.left_out) == ({"FS_GCS_ENABLE": 3.0}, 1)


FAULTS = [
    pytest.param(
        "FS_GCS_ENABLE,3\nFS_GCS_ENABLE,2\n", "x.param:2: FS_GCS_ENABLE: given twice (first on line 1)", id="twice"
    ),
    pytest.param(
        "GPS_TYPE,0\nGPS1_TYPE,1\n", "x.param:2: GPS1_TYPE: given twice (first on line 1)", id="twice, under both names"
    ),
    pytest.param("FS_GCS_ENABLE,three\n", "x.param:1: FS_GCS_ENABLE: value 'three' is not a number", id="a word"),
    pytest.param("FS_GCS_ENABLE,nan\n", "x.param:1: FS_GCS_ENABLE: value 'nan' is not a number", id="not a number"),
    pytest.param("FS_GCS_ENABLE,1e39\n", "does not fit into a float32", id="too large"),
    pytest.param("FS_GCS_ENABLE,inf\n", "value 'inf' is not a number", id="infinite"),
    pytest.param("FS_GCS_ENABLE\n", "got 1 columns", id="no value"),
    pytest.param("ATC_RAT_YAW_P,0,18\n", "got 3 columns", id="a decimal comma"),
    pytest.param("fs_gcs_enable,3\n", "is not a parameter's name", id="small letters"),
    pytest.param("A_NAME_OF_17_CHARS,3\n", "is not a parameter's name", id="a name too long"),
    pytest.param("1\t1\tA\t3\t2\n2\t1\tB\t3\t2\n", "several vehicles: 1, 2", id="two vehicles in one file"),
    pytest.param("# nothing\n", "the file holds no parameter", id="nothing in it"),
]


@pytest.mark.parametrize(("text", "words"), FAULTS)
def test_a_fault_is_told_with_its_line(text: str, words: str):
    with pytest.raises(InputError) as caught:
        parsed(text)
    assert words in str(caught.value)


def test_every_fault_is_told_at_once():
    with pytest.raises(MissionFileError) as caught:
        parsed("A,x\nB,1\nb,2\nB,3\n")
    assert [fault.line for fault in caught.value.faults] == [1, 3, 4]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, "cannot read the parameter file", id="it is not there"),
        pytest.param(b"\xff\xfe\x00A,1", "is not text", id="it is not text"),
        pytest.param(b"#" * 2_000_001, "too large", id="it is too large"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, content: bytes | None, words: str):
    path = tmp_path / "x.param"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        load_parameters(path)


def test_what_is_written_is_read_again_to_the_last_bit(tmp_path: Path):
    values = {"A": 0.1, "B": 1e-5, "C": -3.0, "D": 123456.79, "E": 16777216.0, "F": 0.0}
    values = {name: struct.unpack("<f", struct.pack("<f", value))[0] for name, value in values.items()}
    path = tmp_path / "deep" / "x.param"
    save_parameters(path, values, heading=["all of it"])
    read = load_parameters(path).values
    assert {name: struct.pack("<f", value) for name, value in read.items()} == {
        name: struct.pack("<f", value) for name, value in values.items()
    }
    assert number_text(values["A"]) == "0.1"
    with pytest.raises(InputError, match="exists already"):
        save_parameters(path, values)


def test_a_reason_can_name_values_that_are_as_good():
    (line,) = parse_parameters("RNGFND1_TYPE 10 # or 23: both vintages", Path("x")).lines
    assert [line.is_met_by(value) for value in (10.0, 23.0, 11.0)] == [True, True, False]


# --- the shipped ones ---


def test_there_is_a_file_for_each_vintage_and_kind():
    names = {f"bluerov2-heavy-{kind}-{a}.{b}.param" for kind in ("dvl", "echo-sounder") for a, b in VINTAGES}
    assert {path.name for path in SHIPPED} == names


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_line_of_a_shipped_file_has_its_reason(path: Path):
    lines = load_parameters(path).lines
    assert len(lines) > 10
    assert [line.name for line in lines if len(line.reason) < 20] == []


@pytest.mark.parametrize(
    ("firmware", "name"),
    [
        pytest.param("4.1.0", "4.1", id="the oldest"),
        pytest.param("4.5.3", "4.5", id="the usual one"),
        pytest.param("4.6.1", "4.5", id="between two vintages, the older names"),
        pytest.param("4.7.0", "4.7", id="the newest"),
        pytest.param("5.0.0", "4.7", id="a later one"),
        pytest.param("3.5.1", "4.1", id="an older one"),
        pytest.param("", "4.5", id="one that does not say"),
    ],
)
def test_the_file_in_the_names_of_a_firmware(firmware: str, name: str):
    assert shipped_parameters("bluerov2-heavy", firmware).name == f"bluerov2-heavy-dvl-{name}.param"


@pytest.mark.parametrize("dvl", [True, False], ids=["with a DVL", "with an echo sounder alone"])
@pytest.mark.parametrize("vehicle", ["bluerov2-heavy", "bluerov2-heavy-two-dvls"])
def test_every_vehicle_that_can_be_flown_has_its_failsafes_in_a_file(vehicle: str, dvl: bool):
    for major, minor in VINTAGES:
        file = shipped_parameters(vehicle_profile(vehicle).parameters, f"{major}.{minor}.0", dvl=dvl)
        assert {"FS_GCS_ENABLE", "FS_PILOT_INPUT"} <= load_parameters(file).values.keys()


def test_an_unknown_vehicle_has_no_file():
    with pytest.raises(InputError, match="no parameter file"):
        shipped_parameters("raft", "4.5.3")


@pytest.mark.parametrize("kind", ["dvl", "echo-sounder"])
@pytest.mark.parametrize(("one", "other"), [("4.1", "4.5"), ("4.5", "4.7"), ("4.7", "4.1")])
def test_the_vintages_want_the_same_under_other_names(kind: str, one: str, other: str):
    files = [load_parameters(shipped_folder() / f"bluerov2-heavy-{kind}-{name}.param") for name in (one, other)]
    changes = compare_with_file(*files)
    assert [change.name for change in changes if change.needed] == []
    assert {change.name for change in changes if change.missing} <= {"FS_GCS_TIMEOUT"}  # 4.7 alone has it


REAL = [
    pytest.param("params/bluerov2_heavy_4.1.1beta5_2023-05-04.param", "4.1", id="a real Heavy with 4.1"),
    pytest.param("ardusub/params_4.5.3_vectored_6dof.parm", "4.5", id="a stock 4.5.3"),
]


@pytest.mark.parametrize(("name", "vintage"), REAL)
@pytest.mark.parametrize("other", ["4.1", "4.5", "4.7"])
def test_a_real_vehicle_knows_every_parameter_by_one_of_its_names(name: str, vintage: str, other: str):
    if not (DATA / name).is_file():
        pytest.skip("no recorded parameters here")
    wanted = load_parameters(shipped_folder() / f"bluerov2-heavy-dvl-{other}.param")
    changes = {change.wanted.name: change for change in compare_with_file(wanted, load_parameters(DATA / name))}
    assert {name for name, change in changes.items() if change.missing} <= {"FS_GCS_TIMEOUT"}
    needed = {name for name, change in changes.items() if change.needed}
    assert {"FS_GCS_ENABLE", "FS_PILOT_INPUT", "VISO_TYPE"} <= needed  # its defaults would stop the motors
    assert "FRAME_CONFIG" not in needed
    assert ("RNGFND1_TYPE" in needed) == (vintage == "4.5")  # 23, the Ping on its serial line, is as good


def test_no_name_belongs_to_two_parameters():
    names = [name for group in ALIASES for name in group]
    assert len(names) == len(set(names))


def test_the_written_form_carries_reasons():
    assert format_parameters({"A": 1.0}, heading=["why"], reasons={"A": "so"}) == "# why\nA,1  # so\n"
