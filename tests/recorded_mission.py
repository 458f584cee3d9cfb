"""A small mission folder with a recording: the vehicle goes along the starboard side, the plating past the camera."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from test_report import DEMO, UTC_S, Parts, coverage, finding, made

from hullscan.clock import utc_text
from hullscan.record.folder import MissionFolder

FPS, SECONDS, SPEED_MPS = 5, 100, 0.18
WIDTH, HEIGHT, FOCAL_PX = 320, 180, 160 / np.tan(np.radians(40))
FIRST_M, AWAY_M, DEPTH_M = 22.0, 1.4, 2.0
CHESTS = """
    - {kind: sea_chest, side: starboard, station_m: 34.0, depth_m: 2.2, size_m: [0.6, 0.5]}
    - {kind: sea_chest, side: port, station_m: 12.0, depth_m: 2.2, size_m: [0.6, 0.5]}
"""


def recorded(path: Path, hull: Any, findings: int = 3, *, chests: bool = False) -> MissionFolder:
    """The folder; findings at 24, 31 and 38 m or some of them."""
    found = [finding(hull, n, 17.0 + 7.0 * n, DEPTH_M) for n in range(1, findings + 1)]
    for each, half_px in zip(found, (28, 40, 55), strict=False):
        for number, frame in enumerate(each["frames"]):
            frame["box_xyxy_px"] = [160.0 - half_px, 90.0 - half_px, 160.0 + half_px, 90.0 + half_px]
            at_s = round((each["station_m"] - FIRST_M) / SPEED_MPS * FPS) / FPS + 1.4 * number
            frame["utc_s"], frame["utc"] = round(UTC_S + at_s, 3), utc_text(UTC_S + at_s)
    mission = DEMO.replace("visibility_m: 4.0", "visibility_m: 3.0")
    if chests:
        head, tail = mission.split("  fittings:", 1)
        line, rest = tail.split("\n", 1)
        mission = f"{head}  fittings:{line}{CHESTS.rstrip()}\n{rest}"
    parts = Parts(found, coverage=_seen(), mission=mission, track=_track(hull))
    folder = made(path, parts)
    _record(folder.video / "000.mkv")
    for frame in (frame for each in found for frame in each["frames"]):
        shown = picture(frame["utc_s"] - UTC_S)
        cv2.imwrite(str(path / frame["file"]), shown, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return folder


def picture(second: float) -> np.ndarray:
    """The plating at a second: a texture that moves as the vehicle goes forward, under a veil, with noise."""
    left = 2500 - second * SPEED_MPS / AWAY_M * FOCAL_PX
    shift = np.array([[1, 0, -left], [0, 1, -20.0]])
    plating = cv2.warpAffine(_TEXTURE, shift, (WIDTH, HEIGHT))
    grain = np.random.default_rng(round(second * 1000)).normal(0, 1.5, plating.shape)
    return np.clip(plating + grain, 0, 255).astype(np.uint8)


def _texture() -> np.ndarray:
    rng = np.random.default_rng(5)
    made = np.zeros((260, 2900), np.float32)
    for cell, depth in ((90, 16), (24, 12), (7, 9)):
        coarse = rng.standard_normal((260 // cell + 2, 2900 // cell + 2)).astype(np.float32)
        made += depth * cv2.resize(coarse, (2900, 260), interpolation=cv2.INTER_CUBIC)
    return np.stack([made + 95, made + 100, made + 80], axis=-1)


_TEXTURE = _texture()


def _track(hull: Any) -> list[list[float]]:
    rows = []
    for second in range(SECONDS):
        station = FIRST_M + SPEED_MPS * second
        girth = hull.girth_to_depth(np.array([station]), np.array([DEPTH_M]))
        y = float(hull.point(np.array([1], np.int8), np.array([station]), girth)[0, 1])
        rows.append([UTC_S + second, station, y + AWAY_M + 0.21, DEPTH_M, -90.0, 35.0767, 129.08])
    return rows


def _seen() -> dict[str, Any]:
    cells = [(22.625 + 0.25 * column, 1.625 + 0.25 * row) for row in range(4) for column in range(68)]
    many = len(cells)
    table = {
        "side": ["starboard"] * many, "station_m": [s for s, _ in cells], "girth_m": [g for _, g in cells],
        "planned": [True] * many, "looks": [5] * many, "best_gsd_mm": [3.0] * many, "best_incidence_deg": [8.0] * many,
        "contrast": [30.0] * many, "pod": [0.3 if s > 31 else 0.9 for s, _ in cells],
    }  # fmt: skip
    return {**coverage(), "cells": table}


def _record(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        container.metadata["creation_time"] = utc_text(UTC_S)
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        stream.options = {"preset": "ultrafast", "g": "10", "crf": "18"}
        for number in range(SECONDS * FPS):
            frame = av.VideoFrame.from_ndarray(picture(number / FPS), format="bgr24")
            frame.pts, frame.time_base = number * 90_000 // FPS, Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
