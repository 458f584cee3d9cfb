"""What is shipped: the wheel, its licences, and a README whose commands are there to be run."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_holds_two_packages_and_nothing_else(wheel_names: set[str]):
    tops = {name.partition("/")[0] for name in wheel_names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"hullscan", "hullscan_sim"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("hullscan/locale/ko.po", id="the Korean catalogue"),
        pytest.param("hullscan/report/report.html.j2", id="the report's template"),
        pytest.param("hullscan/vision/models/parcel.onnx", id="the detector"),
        pytest.param("hullscan/vision/models/parcel.yaml", id="the detector's card"),
        pytest.param("hullscan/_shipped/missions/demo.yaml", id="an example mission"),
        pytest.param("hullscan/_shipped/firmware_params/bluerov2-heavy-dvl-4.5.param", id="the parameters"),
        pytest.param("hullscan_sim/_shipped/scenarios/demo.yaml", id="an example scenario"),
    ],
)
def test_the_wheel_holds(name: str, wheel_names: set[str]):
    assert name in wheel_names


def test_the_core_needs_no_torch():
    core = {re.split(r"[<>=\[ ]", each)[0] for each in PROJECT["dependencies"]}
    assert not core & {"torch", "ultralytics", "openvino"}


def test_the_licence_of_every_dependency_is_listed():
    listed = set(re.findall(r"^\| ([\w.-]+) \|", (ROOT / "docs/dependencies.md").read_text(encoding="utf-8"), re.M))
    wanted = chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    needed = {re.split(r"[<>=\[ ]", each)[0] for each in wanted} - {"hullscan"}
    assert needed - listed == set()


@pytest.mark.parametrize("name", ["demo", "tests"])
def test_the_readme_has_the_command_that_ci_runs(name: str):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"<!-- run: {name} -->\n```sh\n(.+?)```", readme, re.S)
    assert len(block.strip().splitlines()) == 1  # two commands, each one line
