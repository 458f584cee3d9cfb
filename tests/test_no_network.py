"""No command looks anything up on a network: each runs in a process that reports every name and address it asks for.

Python tells of each look-up and connection by an audit event (PEP 578), whoever asks; the libraries that are known for
it (OpenVINO's and ultralytics' telemetry) are written in Python there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from hullscan.vision.export import weights_of
from hullscan.vision.runtime import DEFAULT_MODEL, PRECISE_MODEL

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "missions" / "demo.yaml"

WATCHED = """
import sys
HOME = ("127.0.0.1", "::1", "localhost", "0.0.0.0", "", None)
def watch(event, args):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        asked = args[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg") and isinstance(args[1], tuple):
        asked = args[1][0]
    elif event == "socket.getnameinfo":
        asked = args[0][0]
    else:
        return
    asked = asked.decode() if isinstance(asked, bytes) else asked
    if asked not in HOME:
        print("ASKED FOR", asked, event, file=sys.stderr, flush=True)
sys.addaudithook(watch)
"""
COMMAND = WATCHED + "sys.argv = ['hullscan', *sys.argv[1:]]\nfrom hullscan.cli import main\nmain()\n"


def asked_for(tmp_path: Path, program: str, *arguments: str) -> tuple[int, list[str], str]:
    """Exit code, what was asked for, and everything said; in a home of its own, where no consent was ever stored."""
    # as a user's machine is: without what this machine may have set to keep libraries quiet
    quiet = ("YOLO_", "ULTRALYTICS_", "XDG_")
    home = {key: value for key, value in os.environ.items() if not key.startswith(quiet)}
    home |= {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "YOLO_CONFIG_DIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=tmp_path, env=home, capture_output=True, text=True, check=False
    )
    said = ended.stdout + ended.stderr
    return ended.returncode, [line for line in said.splitlines() if line.startswith("ASKED FOR")], said


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "hull.png"
    cv2.imwrite(str(path), np.random.default_rng(1).integers(0, 255, (90, 160, 3)).astype(np.uint8))
    return path


def test_the_watch_sees_a_look_up(tmp_path: Path) -> None:
    code = WATCHED + "import socket\ntry: socket.getaddrinfo('looked-up.invalid', 80)\nexcept OSError: pass\n"
    assert asked_for(tmp_path, code)[1] == ["ASKED FOR looked-up.invalid socket.getaddrinfo"]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--help"], id="the help"),
        pytest.param(["plan", str(DEMO), "--out", "plan"], id="a plan"),
        pytest.param(["detect", "hull.png", "--json", "found.json"], id="a detection"),
        pytest.param(
            ["detect", "hull.png", "--json", "found.json", "--model", "parcel.pt"],
            id="a detection with ultralytics",
            marks=pytest.mark.slow,  # torch takes its time
        ),
    ],
)
def test_a_command_asks_for_nothing(tmp_path: Path, picture: Path, arguments: list[str]) -> None:
    if "parcel.pt" in arguments:
        weights_of(PRECISE_MODEL, tmp_path / "parcel.pt")
    code, asked, said = asked_for(tmp_path, COMMAND, *arguments)
    assert code == 0, said
    assert asked == []


def test_openvino_asks_for_nothing(tmp_path: Path, picture: Path) -> None:
    pytest.importorskip("openvino")
    program = WATCHED + (
        "import cv2\nfrom pathlib import Path\nfrom hullscan.vision.runtime import ExportedDetector\n"
        "ExportedDetector(Path(sys.argv[1]), backend='openvino').detect(cv2.imread('hull.png'))\n"
        "import time; time.sleep(0.5)\n"  # telemetry sends from a thread of its own
    )
    code, asked, said = asked_for(tmp_path, program, str(DEFAULT_MODEL))
    assert code == 0, said
    assert asked == []
