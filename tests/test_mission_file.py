"""The mission file: what is right is read, what is wrong is refused with its line, all faults at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullscan.documents import read_document
from hullscan.errors import HullscanError, InputError, MissionFileError
from hullscan.mission.model import MissionFile, load_mission

ROOT = Path(__file__).parents[1]
DEMO = (ROOT / "missions" / "demo.yaml").read_text(encoding="utf-8")


def _broken(tmp_path: Path, old: str, new: str) -> Path:
    assert old in DEMO
    path = tmp_path / "mission.yaml"
    path.write_text(DEMO.replace(old, new), encoding="utf-8")
    return path


def _line_of(text: str, needle: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if needle in line)


def test_the_demo_mission_is_read() -> None:
    mission = load_mission(ROOT / "missions" / "demo.yaml")
    assert mission.file.ship.name == "MV Haneul"
    assert mission.file.orders[0].side == "starboard"
    assert mission.hull.length_m > 52


BROKEN = [
    pytest.param("window_min: 15", "window_min: 0", "window_min:", "window_min: 0", id="a window of no minutes"),
    pytest.param("window_min: 15", "windw_min: 15", "did you mean window_min?", "windw_min", id="a misspelt key"),
    pytest.param(
        "window_min: 15", "window_min: 15\nwindow_min: 30", "given twice", "window_min: 30", id="a key given twice"
    ),
    pytest.param(
        "window_min: 15",
        "window_min: 12:30",
        "valid number",
        "12:30",
        id="a time where a number belongs is no sexagesimal",
    ),
    pytest.param("name: MV Haneul", "name: [a, b]", "valid string", "name:", id="a list for a name"),
    pytest.param(
        "type: bulk_carrier", "type: bulk_carier", "did you mean bulk_carrier", "bulk_carier", id="a misspelt ship type"
    ),
    pytest.param("length_m: 52", "length_m: -52", "greater than or equal to 10", "length_m", id="a negative length"),
    pytest.param("length_m: 52", "length_m: .nan", "finite", "length_m", id="a length that is no number"),
    pytest.param(
        "lat_deg: 35.0767", "lat_deg: 135.0767", "less than or equal to 90", "lat_deg", id="a latitude beyond the pole"
    ),
    pytest.param(
        "water_depth_m: 9.5", "water_depth_m: 4", "less than the ship draws", "water_depth_m", id="a ship aground"
    ),
    pytest.param(
        "visibility_m: 4.0",
        "visibility: 4.0",
        "did you mean visibility_m?",
        "visibility:",
        id="a unit left out of a key",
    ),
    pytest.param("pattern: longitudinal", "pattern: lawnmower", "longitudinal", "lawnmower", id="an unknown pattern"),
    pytest.param(
        "stations_m: [31, 43]",
        "stations_m: [43, 31]",
        "smaller to the larger",
        "stations_m",
        id="stations in the wrong order",
    ),
    pytest.param(
        "stations_m: [31, 43]",
        "stations_m: [31, 83]",
        "must lie within the ship",
        "stations_m",
        id="stations beyond the bow",
    ),
    pytest.param(
        "depths_m: [0.4, 4.1]", "depths_m: [0.4, 6.3]", "the keel is at", "depths_m", id="lanes below the keel"
    ),
    pytest.param(
        "quay_side: port", "quay_side: starboard", "between ship and quay", "survey:", id="lanes between ship and quay"
    ),
    pytest.param(
        "vehicle: bluerov2-heavy",
        "vehicle: bluerov9",
        "known: bluerov2-heavy",
        "vehicle: bluerov9",
        id="an unknown vehicle",
    ),
    pytest.param(
        "station_m: 34.0, depth_m: 2.1",
        "station_m: 134.0, depth_m: 2.1",
        "must lie within the ship",
        "134.0",
        id="a fitting beyond the bow",
    ),
    pytest.param("launch: {side", "launch: {syde", "did you mean side?", "launch:", id="a misspelt key inside braces"),
    pytest.param("limits: {", "limits: [", "", "limits:", id="brackets that do not match"),
]


@pytest.mark.parametrize(("old", "new", "words", "where"), BROKEN)
def test_a_broken_mission_file_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, words: str, where: str
) -> None:
    path = _broken(tmp_path, old, new)
    with pytest.raises(MissionFileError) as refused:
        load_mission(path)
    lines = {fault.line for fault in refused.value.faults}
    near = _line_of(path.read_text(encoding="utf-8"), where)
    assert any(abs(line - near) <= 1 for line in lines), str(refused.value)
    assert words in str(refused.value)
    assert str(path) in str(refused.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = DEMO.replace("window_min: 15", "window_min: -1").replace("lat_deg: 35.0767", "lat_deg: x")
    text = text.replace("name: MV Haneul", "name: ''")
    path = tmp_path / "mission.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MissionFileError) as refused:
        load_mission(path)
    assert [fault.key for fault in refused.value.faults] == ["ship.name", "berth.lat_deg", "window_min"]


def test_a_ship_called_no_stays_text(tmp_path: Path) -> None:
    path = _broken(tmp_path, "name: MV Haneul", "name: no")
    assert load_mission(path).file.ship.name == "no"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        pytest.param(b"", "expected keys", id="an empty file"),
        pytest.param(b"\xff\xfe\x00", "UTF-8", id="a file that is no text"),
        pytest.param(b"- a\n- b\n", "expected keys", id="a list"),
        pytest.param(b"a: &x 1\nb: *x\n", "aliases", id="aliases"),
        pytest.param(
            b"a: !!python/object/apply:os.system [x]\n",
            "could not determine a constructor",
            id="a tag that would run code",
        ),
        pytest.param(b"? [a, b]\n: 1\n", "", id="a key that is no name"),
    ],
)
def test_files_that_are_no_documents_are_refused(tmp_path: Path, raw: bytes, words: str) -> None:
    path = tmp_path / "mission.yaml"
    path.write_bytes(raw)
    with pytest.raises(MissionFileError) as refused:
        read_document(path, MissionFile)
    assert words in str(refused.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        load_mission(tmp_path / "nothing.yaml")


@settings(max_examples=150, deadline=None)
@given(raw=st.binary(max_size=300))
def test_no_bytes_crash_the_reader(raw: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "m.yaml"
    path.write_bytes(raw)
    with pytest.raises(HullscanError):
        read_document(path, MissionFile)


@settings(max_examples=150, deadline=None)
@given(position=st.integers(0, len(DEMO) - 1), put=st.sampled_from(list(":{}[],'\"#&*!|>%@`\n\t -0x")))
def test_no_slip_of_the_finger_crashes_the_reader(
    position: int, put: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("slip") / "m.yaml"
    path.write_text(DEMO[:position] + put + DEMO[position + 1 :], encoding="utf-8")
    try:
        read_document(path, MissionFile)
    except HullscanError as error:
        assert str(error)  # noqa: PT017  a slip may still be a valid file


@pytest.mark.parametrize(
    ("survey", "faults"),
    [
        pytest.param("autto", ["survey: input should be 'auto' (got 'autto'); did"], id="a slip in auto"),
        pytest.param("3", ["survey: input should be a valid list (got 3)"], id="a number"),
        pytest.param("[]", ["survey: list should have at least 1 item"], id="no pattern"),
        pytest.param("[bow]", ["survey[0]: input should be a mapping (got 'bow')"], id="a bare word"),
        pytest.param("[{area: bottom}]", ["survey[0]: says not which it is: one of longitudinal"], id="no name"),
        pytest.param("[{pattern: bo}]", ["survey[0].pattern: input should be one of"], id="a misspelt pattern"),
        pytest.param(
            "[{pattern: bow, stand_of_m: 2}]", ["unknown key; did you mean stand_off_m?"], id="a misspelt key"
        ),
    ],
)
def test_a_wrong_survey_is_told_once(tmp_path: Path, survey: str, faults: list[str]) -> None:
    head, entry = DEMO.index("survey:"), DEMO.index("limits:")
    path = tmp_path / "mission.yaml"
    path.write_text(f"{DEMO[:head]}survey: {survey}\n{DEMO[entry:]}", encoding="utf-8")
    with pytest.raises(MissionFileError) as caught:
        load_mission(path)
    said = str(caught.value).splitlines()
    assert len(said) == len(faults)
    assert all(fault in line for fault, line in zip(faults, said, strict=True))
