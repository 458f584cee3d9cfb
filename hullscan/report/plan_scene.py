"""What the 3-D view draws, as numbers: the hull as she floats, what is seen of her and when, and the way.

Everything is packed as little-endian 32-bit numbers in base64, because text would be several times as long. The hull's
skin is coloured by a picture of the unrolled hull (a PNG that the page's own program reads as a texture): red is the
POD, green the state of the cell, blue when it is first seen.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.pricing import Priced
from hullscan.report.hullmap import POD_CLASSES
from hullscan.report.plan_track import PlanTrack
from hullscan.report.shell_raster import ShellRaster
from hullscan.ship.half import HullHalf
from hullscan.ship.surface import HullSurface

__all__ = ["plan_scene"]

_MOST_STATIONS, _MOST_ROWS = 150, 44  # of the drawn skin, few enough for 16-bit indices; the cells are in the texture
_NONE, _NOT_ASKED, _LEFT_OUT, _SEEN = 0, 85, 170, 255


def plan_scene(
    mission: Mission, raster: ShellRaster, priced: Priced, asked: npt.NDArray[np.bool_], track: PlanTrack, end_s: float
) -> dict[str, Any]:
    """The scene as a JSON object."""
    hull, berth = mission.hull, mission.file.berth
    vertices, shell, faces = _skin(hull, raster)
    quay = None
    if berth.quay_side is not None:
        beam = float(np.abs(hull.grid_m[:, :, 1]).max())
        quay = (1 if berth.quay_side == "starboard" else -1) * (beam + berth.quay_gap_m)
    return {
        "vertices": _packed(vertices, np.float32),
        "shell": _packed(shell, np.float32),
        "faces": _packed(faces, np.uint16),  # no more vertices than two sides of stations by rows
        "texture": "data:image/png;base64," + base64.b64encode(_texture(raster, priced, asked, end_s)).decode("ascii"),
        "times": _packed(track.t_s, np.float32),
        "legs": _packed(track.leg, np.uint32),
        "positions": _packed(track.position_m, np.float32),
        "yaws": _packed(np.unwrap(track.yaw_rad), np.float32),
        "views": _packed(track.view_m, np.float32),
        "half_size_m": list(mission.vehicle.half_size_m),
        "water_depth_m": berth.water_depth_m,
        "quay_y_m": quay,
        "end_s": round(end_s, 1),
        "pod_classes": [least for least, _ in POD_CLASSES],
    }


def _packed(values: npt.NDArray[Any], kind: type[np.generic]) -> str:
    return base64.b64encode(np.ascontiguousarray(values, np.dtype(kind).newbyteorder("<")).tobytes()).decode("ascii")


def _skin(hull: HullSurface, raster: ShellRaster) -> tuple[Array, Array, npt.NDArray[np.intp]]:
    """(v, 3) vertices, (v, 2) their places in the texture, (f, 3) outward triangles, of both sides."""
    parts = [_half(hull, raster, hull.starboard, 1), _half(hull, raster, hull.port, -1)]
    count = len(parts[0][0])
    return (
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([parts[0][2], parts[1][2] + count]),
    )


def _half(
    hull: HullSurface, raster: ShellRaster, half: HullHalf, sign: int
) -> tuple[Array, Array, npt.NDArray[np.intp]]:
    stations = _some(len(half.stations_m), _MOST_STATIONS)
    wet = _some(half.grid_m.shape[1] - half.waterline_row, _MOST_ROWS) + half.waterline_row
    rows = np.unique([*_some(half.waterline_row + 1, 5), *wet])
    grid = half.grid_m[np.ix_(stations, rows)] * np.array([1.0, sign, 1.0])
    _, along, _ = half.sections(half.stations_m[stations])
    girth = along[:, rows]
    places = hull.unroll(
        np.full(girth.size, sign, np.int8), np.repeat(half.stations_m[stations], len(rows)), girth.ravel()
    )
    texture = raster.pixels(places) / np.array(raster.shape[::-1])
    index = np.arange(grid.shape[0] * grid.shape[1]).reshape(grid.shape[:2])
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    quads = np.stack([a, d, c, a, c, b], axis=-1)
    if half.gaps is not None:
        open_ = np.add.reduceat(half.gaps.astype(int), rows[:-1], axis=1)[stations] > 0
        quads = quads[~(open_[:-1] | open_[1:])]
    faces = quads.reshape(-1, 3)
    return grid.reshape(-1, 3), texture, faces if sign > 0 else faces[:, ::-1]


def _some(count: int, most: int) -> npt.NDArray[np.intp]:
    """Indices evenly over a count, both ends with them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.intp))


def _texture(raster: ShellRaster, priced: Priced, asked: npt.NDArray[np.bool_], end_s: float) -> bytes:
    """The PNG."""
    import cv2

    state = np.full(raster.shape, _NONE, np.uint8)
    state[raster.cell >= 0] = _NOT_ASKED
    state[raster.of(asked) > 0] = _LEFT_OUT
    seen = raster.of(priced.seen) > 0
    state[seen] = _SEEN
    pod = np.round(255 * np.clip(raster.of(priced.pod), 0, 1)).astype(np.uint8)
    first = np.minimum(raster.of(np.minimum(priced.first_look_s, end_s)) / max(end_s, 1e-6), 1.0)
    when = np.where(seen, np.ceil(254 * first), 255).astype(np.uint8)
    # a pixel beyond the hull's edge repeats its neighbour, so that the skin shows no seam where the raster is coarse
    kernel = np.ones((3, 3), np.uint8)
    bare = state == _NONE
    grown = [cv2.dilate(np.where(bare, 0, plane).astype(np.uint8), kernel) for plane in (pod, state, when)]
    red, green, blue = (np.where(bare, g, plane) for g, plane in zip(grown, (pod, state, when), strict=True))
    good, data = cv2.imencode(".png", np.dstack([blue, green, red]).astype(np.uint8))
    if not good:
        raise RuntimeError("OpenCV could not encode a PNG")
    return bytes(data)
