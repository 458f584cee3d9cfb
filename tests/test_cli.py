"""The commands: help without waiting, one line for an error, an exit code that says how it ended."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typer.main import get_command

from hullscan import __version__, cli
from hullscan.clock import PacedClock, SystemClock
from hullscan.errors import Fault, HullscanError, InputError, MissionFileError, SafetyStop
from hullscan.preflight.check import Phrase, PreflightLine, PreflightReport
from hullscan.record.folder import MissionFolder
from hullscan.survey import SurveyOptions

ROOT = Path(__file__).parents[1]
DEMO = str(ROOT / "missions" / "demo.yaml")
COMMANDS = sorted(get_command(cli.app).commands)  # type: ignore[attr-defined]
HEAVY = {
    "numpy", "scipy", "cv2", "av", "pymavlink", "torch", "ultralytics", "onnxruntime", "openvino", "jinja2", "embreex",
    "yaml", "babel",
}  # fmt: skip


@dataclass
class Said:
    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line on stderr."""
        (line,) = self.err.strip().splitlines()
        return line


@pytest.fixture
def hullscan(monkeypatch, capsys, tmp_path) -> Callable[..., Said]:
    """Runs the command in an empty folder, in this process."""
    (tmp_path / "here").mkdir()

    def run(*arguments: object) -> Said:
        monkeypatch.chdir(tmp_path / "here")
        monkeypatch.delenv("FORCE_COLOR", raising=False)
        monkeypatch.setattr(sys, "argv", ["hullscan", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        # a continuous integration may ask for colours
        return Said(code, *(re.sub(r"\x1b\[[0-9;]*m", "", text) for text in (said.out, said.err)))

    return run


# --- help ---


def test_the_commands_that_the_design_names_are_there():
    named = {"plan", "preflight", "survey", "analyze", "detect", "report", "params", "dataset", "train"}
    assert named <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(hullscan, command):
    said = hullscan(command, "--help")
    assert (said.code, said.err) == (0, "")
    assert f"hullscan {command}" in said.out
    summary = get_command(cli.app).commands[command].help  # type: ignore[attr-defined]
    assert summary, "a command says what it does"
    assert summary.split()[0] in said.out


def test_help_lists_every_command(hullscan):
    said = hullscan("--help")
    assert (said.code, said.err) == (0, "")
    assert [command for command in COMMANDS if f" {command} " not in said.out] == []


def test_without_a_command_it_says_which_there_are(hullscan):
    said = hullscan()
    assert "Usage: hullscan" in said.out + said.err
    assert said.code in (0, 2)


def test_it_tells_its_version(hullscan):
    assert hullscan("--version") == Said(0, f"hullscan {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--help"], id="the help"),
        pytest.param(["analyze", "--help"], id="the help of a command"),
        pytest.param(["--version"], id="the version"),
        pytest.param(["plan", "--out"], id="a slip of the finger"),
    ],
)
def test_nothing_heavy_is_loaded_for_a_short_answer(arguments):
    program = f"""
import sys
from hullscan.cli import main
sys.argv = ["hullscan", *{arguments!r}]
try:
    main()
except SystemExit:
    pass
print("loaded:", *sorted({HEAVY!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "loaded:"


# --- the plan ---


def test_plan_prints_a_table_and_writes_the_plan_when_asked(hullscan, tmp_path):
    said = hullscan("plan", DEMO, "--out", tmp_path / "out" / "deep")
    path = tmp_path / "out" / "deep" / "plan.json"
    assert (said.code, said.err) == (0, "")
    assert str(path) in said.out.replace("\n", "")
    plan = json.loads(path.read_text(encoding="utf-8"))
    assert plan["schema"] == "hullscan.plan/1"
    lines = said.out.splitlines()
    head = next(number for number, line in enumerate(lines) if line.split() == ["leg", "what", "place", "start", "way"])
    rows = lines[head + 1 : head + 1 + len(plan["legs"])]
    assert [row.split()[0] for row in rows] == [str(number) for number in range(1, len(plan["legs"]) + 1)]
    assert sum("lane along the side" in row for row in rows) >= 2
    assert f"{plan['duration_s'] / 60:.1f} min, {plan['length_m']:.0f} m" in said.out
    assert not list((tmp_path / "here").iterdir()), "nothing is written where one stands"


# --- errors ---

USAGE = [
    pytest.param(["plan"], "Missing argument 'MISSION'", id="an argument is missing"),
    pytest.param(["plan", DEMO, "--speed", "2"], "No such option: --speed", id="an option that there is not"),
    pytest.param(["plan", DEMO, "twice"], "unexpected extra argument", id="an argument too many"),
    pytest.param(["fly", DEMO], "No such command 'fly'", id="a command that there is not"),
    pytest.param(["survey", DEMO, "--speedup", "0"], "'--speedup'", id="a speed-up below its range"),
    pytest.param(["survey", DEMO, "--speedup", "fast"], "'--speedup'", id="a word for a number"),
    pytest.param(["survey", DEMO, "--video-port", "1.5"], "'--video-port'", id="half a port"),
    pytest.param(["analyze", "x.mp4", "--min-score", "1.5"], "'--min-score'", id="a score above one"),
    pytest.param(["analyze", "x.mp4", "--min-score", "nan"], "'--min-score'", id="a score that is no number"),
    pytest.param(["survey", DEMO, "--speedup", "nan"], "'--speedup'", id="a speed-up that is no number"),
    pytest.param(["detect", "x.jpg", "--json", "x.json", "--conf", "nan"], "'--conf'", id="a floor that is no number"),
    pytest.param(["detect", "x.jpg"], "Missing option '--json'", id="an option is missing"),
    pytest.param(["dataset", "x", "--train", "-1"], "'--train'", id="fewer than no frames"),
]


@pytest.mark.parametrize(("arguments", "words"), USAGE)
def test_wrong_use_ends_with_2_and_says_what_is_wrong(hullscan, tmp_path, arguments, words):
    said = hullscan(*arguments)
    assert said.code == 2
    assert said.err.splitlines()[-1].startswith("Error: ")
    assert words in said.err.splitlines()[-1]
    assert "Traceback" not in said.err
    assert said.out == ""
    assert not list((tmp_path / "here").iterdir())


MENDABLE = [
    pytest.param(["plan", "nowhere.yaml"], "error: cannot read nowhere.yaml", id="a mission that is not there"),
    pytest.param(["plan", "."], "error: cannot read .", id="a folder for a mission"),
    pytest.param(["plan", DEMO, "--out", f"{DEMO}/x"], "error: cannot write the plan", id="a plan below a file"),
    pytest.param(["survey", "nowhere.yaml"], "error: cannot read nowhere.yaml", id="a survey of nothing"),
    pytest.param(["survey", DEMO, "--lang", "fr"], "choose one of en, ko", id="a survey in another language"),
    pytest.param(
        ["survey", DEMO, "--model", "nowhere.onnx"], "error: cannot read the model nowhere.onnx", id="no such model"
    ),
    pytest.param(["report", "."], "error: . is not a mission folder", id="a report of an empty folder"),
    pytest.param(["analyze", "."], "error: . is not a mission folder", id="an analysis of an empty folder"),
    pytest.param(
        ["detect", "x.jpg", "--json", "x.json", "--model", "nowhere.onnx"], "error: cannot read the model nowhere.onnx",
        id="a detector without a model",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), MENDABLE)
def test_what_one_can_mend_ends_with_1_and_one_line(hullscan, tmp_path, arguments, words):
    said = hullscan(*arguments)
    assert said.code == 1
    assert words in said.line
    assert not list((tmp_path / "here").iterdir())


def test_a_mission_file_with_faults_gives_one_line_for_each(hullscan, tmp_path):
    path = tmp_path / "broken.yaml"
    text = Path(DEMO).read_text(encoding="utf-8").replace("window_min: 15", "window_min: 0")
    path.write_text(text.replace("lat_deg: 35.0767", "lat_deg: 95"), encoding="utf-8")
    said = hullscan("plan", path)
    assert said.code == 1
    lines = said.err.splitlines()
    assert [line.startswith(f"{path}:") for line in lines] == [True, True]
    assert "berth.lat_deg" in lines[0]
    assert "window_min" in lines[1]


def families(kind: type[HullscanError]) -> list[type[HullscanError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in families(child))]


def raising(error: BaseException) -> Callable[..., None]:
    """A stand-in for the command line that ends in an error."""

    def app(**_: object) -> None:
        raise error

    return app


@pytest.mark.parametrize("kind", families(HullscanError), ids=lambda kind: kind.__name__)
def test_an_error_of_every_family_is_one_line_with_its_exit_code(hullscan, monkeypatch, kind):
    if kind is MissionFileError:
        error, line = (
            MissionFileError([Fault("a.yaml", 3, "ship.name", "is missing")]),
            "a.yaml:3: ship.name: is missing",
        )
    else:
        error = kind("the thing is gone", where="quay 3", todo="bring it back")
        line = "error: the thing is gone (quay 3); bring it back"
    monkeypatch.setattr(cli, "app", raising(error))
    said = hullscan()
    assert (said.code, said.out, said.line) == (3 if kind is SafetyStop else 1, "", line)


def test_every_family_is_drawn_in_the_tree():
    import hullscan.errors as errors

    assert {kind.__name__ for kind in families(HullscanError)} <= set(errors.__doc__.split())


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (typer.Abort(), 130)], ids=["an interrupt", "an end of input"]
)
def test_an_interrupt_ends_with_130(hullscan, monkeypatch, error, code):
    monkeypatch.setattr(cli, "app", raising(error))
    assert hullscan().code == code


def test_a_fault_of_the_program_is_not_hidden(hullscan, monkeypatch):
    monkeypatch.setattr(cli, "app", raising(ZeroDivisionError("ours")))
    with pytest.raises(ZeroDivisionError, match="ours"):
        hullscan()


# --- how a survey ended ---


class Flight:
    """Stands in for the flight: it has ended in some way, and the folder is there."""

    def __init__(self, path: Path, ended_by: BaseException | None, aborted: bool) -> None:
        self._path, self._ended_by, self._aborted = path, ended_by, aborted
        path.mkdir()
        found = {
            "id": "F01", "label": "parcel", "side": "starboard", "station_m": 33.04, "depth_m": 2.06,
            "radius95_m": 0.31, "score": 0.8,
        }  # fmt: skip
        (path / "findings.json").write_text(json.dumps({"findings": [found]}))
        (path / "coverage.json").write_text(json.dumps({"seen_area_m2": 40.0, "planned_area_m2": 50.0}))

    def __call__(self, *_: object) -> SimpleNamespace:
        if isinstance(self._ended_by, KeyboardInterrupt):
            raise self._ended_by
        return SimpleNamespace(
            folder=MissionFolder(self._path), assessment=None, ended_by=self._ended_by, aborted=self._aborted
        )


@pytest.mark.parametrize(
    ("ended_by", "aborted", "code", "line"),
    [
        pytest.param(None, False, 0, "", id="done"),
        pytest.param(None, True, 130, "", id="aborted by the operator"),
        pytest.param(SafetyStop("leak"), False, 3, "error: leak", id="ended by a safety rule"),
        pytest.param(InputError("no"), False, 1, "error: no", id="ended by another error"),
    ],
)
def test_the_exit_code_says_how_a_survey_ended_and_what_was_found_is_told_anyway(
    hullscan, monkeypatch, tmp_path, ended_by, aborted, code, line
):
    monkeypatch.setattr("hullscan.survey.survey", Flight(tmp_path / "flown", ended_by, aborted))
    said = hullscan("survey", DEMO, "--no-console")
    assert (said.code, said.err.strip()) == (code, line)
    assert said.out.splitlines() == [
        "F01 parcel: starboard, station 33.0 m, depth 2.1 m, ± 0.31 m, score 0.80",
        "40.0 of 50.0 m² seen",
        f"report: {tmp_path / 'flown' / 'report.html'}",
    ]


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        pytest.param(["--connect", "udpin:0.0.0.0:14550"], SystemClock, id="a vehicle keeps real time"),
        pytest.param(["--connect", "udpin:0.0.0.0:14550", "--paced"], PacedClock, id="a paced one its own"),
        pytest.param(["--sim", "scenario.yaml"], PacedClock, id="so does the embedded simulator"),
    ],
)
def test_whose_time_a_survey_keeps(hullscan, monkeypatch, more, kind):
    asked = []

    def fly(mission: Path, options: SurveyOptions, screen: object) -> None:
        asked.append(options)
        raise InputError("no further")

    monkeypatch.setattr("hullscan.survey.survey", fly)
    assert hullscan("survey", DEMO, *more).code == 1
    assert type(asked[0].make_clock()) is kind


CAUTION = PreflightReport(
    mission="demo",
    utc_s=0.0,
    lines=(PreflightLine(group="video", level="caution", what=Phrase("pictures"), measured=Phrase("6.0 Hz")),),
)


@pytest.mark.parametrize(
    ("more", "goes_on"),
    [
        pytest.param([], False, id="beside a real vehicle with nobody to ask: no"),
        pytest.param(["--accept-cautions"], True, id="beside a real vehicle, taken on beforehand: yes"),
        pytest.param(["--paced"], True, id="in a simulator behind an address: yes"),
        pytest.param(["--sim", "scenario.yaml"], True, id="in the embedded simulator: yes"),
    ],
)
def test_who_takes_the_cautions_of_a_preflight_upon_himself(hullscan, monkeypatch, more, goes_on):
    asked = []

    def fly(mission: Path, options: SurveyOptions, screen: object) -> None:
        asked.append(options.approve is None or options.approve(CAUTION))
        raise InputError("no further")

    monkeypatch.setattr("hullscan.survey.survey", fly)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    said = hullscan("survey", DEMO, *more)
    assert asked == [goes_on]
    assert ("6.0 Hz" in said.out) is not goes_on, "the table is shown to whom it asks"


@pytest.mark.parametrize(
    ("levels", "code"),
    [
        pytest.param(["go"], 0, id="go"),
        pytest.param(["caution", "go"], 0, id="caution"),
        pytest.param(["no-go", "caution"], 3, id="no-go"),
    ],
)
def test_the_exit_code_of_a_preflight_and_its_json(hullscan, monkeypatch, tmp_path, levels, code):
    (line,) = CAUTION.lines
    report = replace(CAUTION, lines=tuple(replace(line, level=level) for level in levels))
    monkeypatch.setattr("hullscan.preflight.equip.equipped", lambda *things: nullcontext())
    monkeypatch.setattr("hullscan.preflight.gather.run_preflight", lambda *things, **options: report)
    path = tmp_path / "preflight.json"
    said = hullscan("preflight", DEMO, "--look-only", "--json", path)
    assert (said.code, said.err) == (code, "")
    assert said.out.splitlines()[-1].startswith(levels[0].upper())
    made = json.loads(path.read_text(encoding="utf-8"))
    assert (made["schema"], made["verdict"], len(made["checks"])) == ("hullscan.preflight/1", levels[0], len(levels))
    silent = hullscan("preflight", DEMO, "--look-only", "--json", "-")
    assert json.loads(silent.out)["verdict"] == levels[0], "with - the screen holds the JSON alone"


def test_an_interrupt_before_the_flight_ends_with_130(hullscan, monkeypatch, tmp_path):
    monkeypatch.setattr("hullscan.survey.survey", Flight(tmp_path / "flown", KeyboardInterrupt(), False))
    assert hullscan("survey", DEMO).code == 130


def test_the_exit_code_of_the_generator_is_handed_on(hullscan, monkeypatch):
    commands = []

    def run(command: list[str], *, check: bool) -> SimpleNamespace:
        commands.append(command)
        return SimpleNamespace(returncode=7)

    monkeypatch.setattr(subprocess, "run", run)
    assert hullscan("dataset", "made", "--train", "3").code == 7
    assert commands[0][1:6] == ["-m", "hullscan_sim", "dataset", "made", "--train"]
