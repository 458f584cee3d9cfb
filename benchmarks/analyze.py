"""What the analysis of a dive costs beside ``yolo predict`` on the same file: frames a second, and the most memory.

    python benchmarks/analyze.py FOLDER [--minutes 10] [--yolo-seconds 60]

FOLDER is a recorded mission. Its video, again and again, becomes a dive of 1280 x 720 pixels at 30 frames a second,
with its telemetry beside it; needs ffmpeg, taskset and yolo (the extra ``test``). Each program runs on one core.
Speeds are by CPU time, so that other load disturbs them little; yolo is shown the beginning alone: each frame costs it
the same.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hullscan.vehicle.tlog import TlogReader
from hullscan.vision.export import weights_of
from hullscan.vision.runtime import PRECISE_MODEL

RATE_HZ, SIZE = 30, (1280, 720)
ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"}
HULLSCAN = [sys.executable, "-c", "import sys; sys.argv[0] = 'hullscan'; from hullscan.cli import main; main()"]


@dataclass(frozen=True)
class Cost:
    cpu_s: float
    peak_mb: float


def cost(command: list[str], core: int) -> Cost:
    """Run a command on one core to its end."""
    child = subprocess.Popen(
        ["taskset", "-c", str(core), *command],
        env=os.environ | ONE_CORE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    said = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{command[-8:]} ended with {status}: {said[-800:]}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1000)


def span_s(folder: Path) -> tuple[Path, float, float]:
    """The first video file of a mission, when it begins, and how long it is."""
    video = min((folder / "video").glob("*.mkv"))
    rows = map(json.loads, video.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines())
    times = [row["utc_s"] for row in rows if "utc_s" in row]
    return video, times[0], times[-1] - times[0]


def ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", *map(str, arguments)], check=True)


def dive(folder: Path, seconds: float, out: Path) -> list[str]:
    """Make the video and the log of a dive; arguments for ``hullscan analyze``."""
    video, begin_s, length_s = span_s(folder)
    rounds = int(np.ceil(seconds / length_s))
    log = TlogReader(folder / "telemetry.tlog")
    records = [(at, frame.raw) for at, frame in log if begin_s <= at < begin_s + length_s]
    with (out / "dive.tlog").open("wb") as file:
        for number in range(rounds):
            for at, raw in records:
                file.write(struct.pack(">Q", round((at + number * length_s) * 1e6)) + raw)
    picture = f"scale={SIZE[0]}:{SIZE[1]},fps={RATE_HZ}"
    source, made = ["-stream_loop", rounds - 1, "-i", video], ["-t", seconds, "-c:v", "libx264", "-preset", "ultrafast"]
    ffmpeg("-y", *source, "-vf", picture, *made, out / "dive.mp4")
    start = np.datetime64(round(begin_s * 1e6), "us")
    return [
        str(out / "dive.mp4"), "--telemetry", str(out / "dive.tlog"), "--mission", str(folder / "mission.yaml"),
        "--start-utc", f"{start}Z", "--out", str(out / "found"),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--yolo-seconds", type=float, default=60)
    parser.add_argument("--core", type=int, default=0)
    asked = parser.parse_args()
    peaks_mb, speed = [], 0.0
    with tempfile.TemporaryDirectory() as root:
        out = Path(root)
        for minutes in (asked.minutes / 4, asked.minutes):
            used = cost([*HULLSCAN, "analyze", *dive(asked.folder, 60 * minutes, out)], asked.core)
            found = json.loads((out / "found" / "summary.json").read_text(encoding="utf-8"))
            frames = found["video"]["frames_decoded"]
            speed = frames / used.cpu_s
            peaks_mb.append(used.peak_mb)
            print(
                f"hullscan analyze, {minutes:.1f} min: {frames} frames, {found['video']['frames_examined']} examined, "
                f"{found['findings']} findings, {used.cpu_s:.0f} s of CPU, {speed:.1f} frames/s, {used.peak_mb:.0f} MB",
                flush=True,
            )
        # what it takes to start does not count: the difference of two lengths
        weights = weights_of(PRECISE_MODEL, out / "parcel.pt")
        predict = ["yolo", "predict", f"model={weights}", "device=cpu", "save=False"]
        costs = []
        for seconds in (5.0, asked.yolo_seconds):
            ffmpeg("-y", "-i", out / "dive.mp4", "-t", seconds, "-c", "copy", out / "cut.mp4")
            costs.append(cost([*predict, f"source={out / 'cut.mp4'}", f"project={root}"], asked.core))
        frames = RATE_HZ * (asked.yolo_seconds - 5)
        yolo = frames / (costs[1].cpu_s - costs[0].cpu_s)
        print(f"yolo predict: {frames:.0f} frames, {yolo:.1f} frames/s, {costs[1].peak_mb:.0f} MB")
    print(f"{speed / yolo:.1f} times as fast; four times as long takes {peaks_mb[1] - peaks_mb[0]:+.0f} MB")


if __name__ == "__main__":
    main()
