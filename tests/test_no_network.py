"""No command looks anything up on a network: each runs in a process that reports every name and address it asks for.

Python tells of each look-up and connection by an audit event (PEP 578), which OpenVINO's and ultralytics' telemetry and
downloads raise. Native code, such as ONNX Runtime's telemetry, raises none: where strace is installed the system is
asked, elsewhere what that telemetry leaves in the home folder tells of it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import yaml

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
STRACE = (
    ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmmsg", "-o", "trace.txt"] if shutil.which("strace") else []
)
COMMAND = WATCHED + "sys.argv = ['hullscan', *sys.argv[1:]]\nfrom hullscan.cli import main\nmain()\n"


def asked_for(tmp_path: Path, program: str, *arguments: str) -> tuple[int, list[str], str]:
    """Exit code, what was asked for, and everything said; in a home of its own, where no consent was ever stored."""
    # as a user's machine is: without what this machine may have set to keep libraries quiet
    quiet = ("YOLO_", "ULTRALYTICS_", "XDG_", "ORT_")
    home = {key: value for key, value in os.environ.items() if not key.startswith(quiet)}
    home |= {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "YOLO_CONFIG_DIR": str(tmp_path)}
    ended = subprocess.run(
        [*STRACE, sys.executable, "-c", program, *arguments],
        cwd=tmp_path, env=home, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = ended.stdout + ended.stderr
    asked = [line for line in said.splitlines() if line.startswith("ASKED FOR")]
    if STRACE:
        addresses = set(re.findall(r'inet_(?:addr\(|pton\(AF_INET6, )"([^"]+)"', (tmp_path / "trace.txt").read_text()))
        asked += [f"ASKED FOR {each} by the system" for each in addresses if each not in ("127.0.0.1", "::1")]
    return ended.returncode, asked, said


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "hull.png"
    cv2.imwrite(str(path), np.random.default_rng(1).integers(0, 255, (90, 160, 3)).astype(np.uint8))
    return path


def test_the_watch_sees_a_look_up(tmp_path: Path) -> None:
    code = WATCHED + "import socket\ntry: socket.getaddrinfo('looked-up.invalid', 80)\nexcept OSError: pass\n"
    assert "ASKED FOR looked-up.invalid socket.getaddrinfo" in asked_for(tmp_path, code)[1]


@pytest.mark.skipif(not STRACE, reason="no strace")
def test_the_watch_sees_native_code(tmp_path: Path) -> None:
    code = "import ctypes as c\nc.CDLL(None).getaddrinfo(b'looked-up.invalid', b'80', None, c.byref(c.c_void_p()))"
    assert asked_for(tmp_path, code)[1]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--help"], id="the help"),
        pytest.param(["plan", str(DEMO), "--out", "plan"], id="a plan"),
        pytest.param(["detect", "hull.png", "--json", "found.json"], id="a detection"),
        pytest.param(["plan", str(DEMO), "--ship-only"], id="the ship as built"),
        pytest.param(["analyze", "hull.mkv", "--out", "seen"], id="an analysis of a video"),
        pytest.param(
            ["train", "--data", "data/data.yaml", "--epochs", "1", "--imgsz", "64", "--out", "trained"],
            id="a training",
            marks=pytest.mark.slow,
        ),
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
    if "hull.mkv" in arguments:
        _video(tmp_path / "hull.mkv")
    if "train" in arguments:
        _data(tmp_path / "data")
    code, asked, said = asked_for(tmp_path, COMMAND, *arguments)
    assert code == 0, said
    assert asked == []
    assert not (tmp_path / ".cache" / "Microsoft").exists(), "ONNX Runtime keeps a number of the device to report with"


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


def _video(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        noise = np.random.default_rng(2).integers(0, 255, (5, 96, 160, 3)).astype(np.uint8)
        for image in noise:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())


def _data(place: Path) -> None:
    rng = np.random.default_rng(3)
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (place / kind / split).mkdir(parents=True)
        for index in range(4):
            image = rng.integers(0, 90, (64, 96, 3)).astype(np.uint8)
            cv2.rectangle(image, (20, 20), (50, 44), (20, 60, 200), -1)
            cv2.imwrite(str(place / "images" / split / f"{index}.png"), image)
            (place / "labels" / split / f"{index}.txt").write_text("0 0.36 0.5 0.31 0.38\n", encoding="ascii")
    data = {"train": "images/train", "val": "images/val", "names": {0: "parcel"}}
    (place / "data.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
