"""The reading desk over a mission of three hours: how long a page and the next place take, how exact, how much memory.

    python benchmarks/desk.py FOLDER [--findings 500] [--cells 20000] [--hours 3]

makes the mission in FOLDER (once), serves it as ``hullscan review`` does, and asks as a reader's browser would.
Times are of the wall clock: run it on a computer that does nothing else.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import statistics
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from hullscan.clock import utc_text
from hullscan.mission.model import load_mission
from hullscan.search.cells import HullCells
from hullscan.ship.surface import side_name
from hullscan.video.index import IndexEntry, format_entry
from hullscan.video.recorded import RecordedVideo

UTC_S = 1_795_339_800.0
WIDTH, HEIGHT, FPS, SEGMENT_S = 640, 360, 10, 300
MISSION = Path(__file__).parents[1] / "missions" / "coaster-full.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--findings", type=int, default=500)
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--hours", type=float, default=3.0)
    asked = parser.parse_args()
    mission = asked.folder / "20261122T093000Z-mv-big"
    if not mission.exists():
        make(mission, asked.findings, asked.cells, round(asked.hours * 3600))
    check_seeking(mission, round(asked.hours * 3600))
    check_serving(mission)


# --- the mission ---


def make(path: Path, findings: int, cells: int, seconds: int) -> None:
    for part in (path / "frames", path / "video"):
        part.mkdir(parents=True)
    longer = {"length_m: 60": "length_m: 82", "beam_m: 10.5": "beam_m: 12.5"}
    source = MISSION.read_text(encoding="utf-8")
    for before, after in longer.items():
        source = source.replace(before, after)
    (path / "mission.yaml").write_text(source, encoding="utf-8")
    mission = load_mission(path / "mission.yaml")
    hull_cells = HullCells(mission.hull)
    chosen = np.arange(len(hull_cells))[:cells]
    print(f"{len(chosen)} cells of {len(hull_cells)}")
    order = chosen[
        np.lexsort((hull_cells.station_m[chosen], np.round(hull_cells.girth_m[chosen] / 1.5), hull_cells.side[chosen]))
    ]
    at = order[np.linspace(0, len(order) - 1, seconds).astype(int)]
    eyes = hull_cells.points_m[at] + 1.5 * hull_cells.normals[at]
    yaw = np.degrees(np.arctan2(-hull_cells.normals[at, 1], -hull_cells.normals[at, 0]))
    points = [[UTC_S + s, *map(float, eye), float(turn)] for s, (eye, turn) in enumerate(zip(eyes, yaw, strict=True))]
    record(path / "video", seconds)
    rng = np.random.default_rng(0)
    moments = sorted(rng.choice(seconds - 20, findings, replace=False) + 10)
    found = [finding(path, number, hull_cells, at, int(s)) for number, s in enumerate(moments, start=1)]
    table = {
        "side": [side_name(float(s)) for s in hull_cells.side[chosen]],
        "station_m": hull_cells.station_m[chosen].tolist(), "girth_m": hull_cells.girth_m[chosen].tolist(),
        "planned": [True] * len(chosen), "looks": [4] * len(chosen), "best_gsd_mm": [3.0] * len(chosen),
        "best_incidence_deg": [8.0] * len(chosen), "contrast": [30.0] * len(chosen),
        "pod": rng.uniform(0.2, 0.95, len(chosen)).round(3).tolist(),
    }  # fmt: skip
    results: dict[str, dict[str, Any]] = {
        "findings": {"mission": "big", "ship": "x", "findings": found},
        "coverage": {"planned_area_m2": 1250.0, "seen_area_m2": 1250.0, "gaps": [], "cells": table},
        "track": {"columns": [], "points": points},
        "summary": {"start_utc": utc_text(UTC_S)},
    }
    for name, content in results.items():
        (path / f"{name}.json").write_text(json.dumps({"schema": f"hullscan.{name}/1", **content}), encoding="utf-8")


def record(folder: Path, seconds: int) -> None:
    """Files of five minutes; the same pictures in each, as coded pictures with other times."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(60, 140, (90, 400, 3)).astype(np.uint8)
    plating = cv2.resize(coarse, (3200, 720), interpolation=cv2.INTER_CUBIC)
    first = folder / "000.mkv"
    with av.open(str(first), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "g": "10", "crf": "23"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(SEGMENT_S * FPS):
            left = round(1200 + 1100 * np.sin(number / 700))
            shown = np.ascontiguousarray(plating[:HEIGHT, left : left + WIDTH])
            frame = av.VideoFrame.from_ndarray(shown, format="bgr24")
            frame.pts, frame.time_base = number * 1000 // FPS, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    for segment in range(-(-seconds // SEGMENT_S)):
        path = folder / f"{segment:03d}.mkv"
        if segment:
            path.write_bytes(first.read_bytes())
        with path.with_suffix(".jsonl").open("wb") as index:
            for n in range(SEGMENT_S * FPS):
                utc_s = UTC_S + segment * SEGMENT_S + n / FPS
                entry = IndexEntry(
                    n=n, pts_ms=n * 1000 // FPS, rtp90k=0, utc_s=utc_s, key=n % 10 == 0, lost=0, suspect=False
                )
                index.write(format_entry(entry))


def finding(path: Path, number: int, cells: HullCells, at: Any, second: int) -> dict[str, Any]:
    cell, frames = at[second], []
    for picture in range(3):
        utc_s, name = UTC_S + second + 1.1 * picture, f"frames/F{number:03d}-{picture + 1}.jpg"
        if number == 1 or not (path / name).exists():
            image = np.random.default_rng(number % 7).integers(60, 140, (45, 80, 3)).astype(np.uint8)
            cv2.imwrite(str(path / name), cv2.resize(image, (WIDTH, HEIGHT)), [cv2.IMWRITE_JPEG_QUALITY, 95])
        frames.append({"file": name, "utc": utc_text(utc_s), "utc_s": utc_s, "stream_s": utc_s - UTC_S, "score": 0.7,
                       "box_xyxy_px": [280.0, 140.0, 360.0, 220.0], "range_m": 1.5})  # fmt: skip
    point = [float(v) for v in cells.points_m[cell]]
    return {
        "id": f"F{number:03d}", "label": "parcel", "score": 0.7, "side": side_name(float(cells.side[cell])),
        "station_m": float(cells.station_m[cell]), "frame_number": None, "girth_m": float(cells.girth_m[cell]),
        "depth_m": point[2], "position_ship_m": point, "cov_ship_m2": np.eye(3).tolist(), "radius95_m": 0.4,
        "lat_deg": 35.0, "lon_deg": 129.0, "size_m": 0.45, "first_utc": frames[0]["utc"], "last_utc": frames[2]["utc"],
        "views": 9, "frames": frames, "status": "flagged", "model_sha256": "0" * 64,
    }  # fmt: skip


# --- what is measured ---


def check_seeking(path: Path, seconds: int) -> None:
    wrong, took = 0, []
    with RecordedVideo(path / "video") as video:
        for number in np.random.default_rng(2).integers(0, seconds * FPS, 60):
            began = time.process_time()
            frame = video.picture_of(UTC_S + int(number) / FPS)
            took.append(time.process_time() - began)
            wrong += frame.index != number
    print(f"seeking: {wrong} of 60 pictures wrong, {1000 * statistics.median(took):.0f} ms CPU each")


def check_serving(path: Path) -> None:
    began = time.monotonic()
    command = [sys.executable, "-c", "from hullscan.cli import main; main()", "review", str(path), "--port", "0"]
    command += ["--no-browser", "--seal-key", str(path.parent / "key"), "--reader", "Kim", "--reader", "Lee"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = re.search(r"http://([\d.:]+)/login\?token=(\S+)", server.stdout.readline())
        assert address is not None
        print(f"opened after {time.monotonic() - began:.1f} s")
        browser = Browser(address[1], address[2])
        of = path.name
        parts = ("/", "/static/desk.js", "/static/desk.css", "/api/inbox")
        parts += (f"/api/queue/{of}", f"/map/{of}", f"/cells/{of}")
        before_s = cpu_s(server.pid)
        page = [browser.took(part) for part in parts]
        page_cpu_s = cpu_s(server.pid) - before_s
        print(f"first page: {sum(page):.3f} s, of it the queue {page[4]:.3f} s and the map {page[5] + page[6]:.3f} s")
        names = [place["id"] for place in json.loads(browser.get(f"/api/queue/{path.name}"))["places"]]
        print(f"{len(names)} places")
        nexts, before_s = [], cpu_s(server.pid)
        for name in np.random.default_rng(3).choice(names, 60):
            one = browser.took(f"/api/place/{path.name}/{name}")
            nexts.append(one + browser.took(f"/picture/{path.name}/{name}/0"))
        print(f"next place: median {1000 * statistics.median(nexts):.0f} ms, longest {1000 * max(nexts):.0f} ms")
        next_ms = (cpu_s(server.pid) - before_s) / len(nexts) * 1000
        print(f"CPU of the server: first page {page_cpu_s:.2f} s, next place {next_ms:.0f} ms")
        before_s = cpu_s(server.pid)
        clips = [browser.took(f"/clip/{path.name}/{name}") for name in names[:4]]
        print(f"clip: median {statistics.median(clips):.2f} s")
        each_s = (cpu_s(server.pid) - before_s) / len(clips)
        print(f"CPU of the server: {each_s:.2f} s for each clip, the next one made ahead with it")
        status = Path(f"/proc/{server.pid}/status")
        if status.exists():
            held = dict(re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", status.read_text(encoding="ascii")))
            print(f"memory: {int(held['VmRSS']) / 1000:.0f} MB, at most {int(held['VmHWM']) / 1000:.0f} MB")
    finally:
        server.kill()
        server.wait()


def cpu_s(process: int) -> float:
    """CPU seconds of a process so far, where the system tells; what counts on a computer that is busy."""
    stat = Path(f"/proc/{process}/stat")
    if not stat.exists():
        return float("nan")
    fields = stat.read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


class Browser:
    def __init__(self, host: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(host, timeout=300)
        self._headers = {"Cookie": f"hullscan_desk={token}"}

    def get(self, address: str) -> bytes:
        self._connection.request("GET", address, headers=self._headers)
        answer = self._connection.getresponse()
        raw = answer.read()
        assert answer.status == 200, (address, raw[:200])
        return raw

    def took(self, address: str) -> float:
        began = time.monotonic()
        self.get(address)
        return time.monotonic() - began


if __name__ == "__main__":
    main()
