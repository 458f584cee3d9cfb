"""Candidate passes for the planner: pieces of lanes along the sides, and looks at what is fitted to them.

A candidate is data: the vehicle's poses along it, its speed, its name. Whatever pattern makes poses can offer them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Array
from hullscan.mission.hull_lines import HullLines
from hullscan.mission.vehicle import VehicleProfile
from hullscan.search.cells import CELL_M
from hullscan.search.passes import CameraTrack
from hullscan.search.zones import HullZones

__all__ = [
    "SIDE_OVERLAP",
    "Candidate",
    "camera_track",
    "duration_s",
    "fitting_looks",
    "runs_of",
    "side_pieces",
    "split_track",
]

_TURN_RAD_S = float(np.radians(20))
SIDE_OVERLAP = 0.15
"""Of neighbouring lanes: less than a full survey's, because what matters is hull seen per minute."""
_LOOKED_AT = ("sea_chest", "thruster_tunnel", "rudder_trunk", "bilge_keel")
_SMALL = ("sea_chest",)
_LEAST_RUN_M = 1.0
_SECOND_LOOK = 0.8  # of the stand-off: from closer, and between the rows of the first look, so that it is another look


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One pass that may be flown, from either end.

    Attributes:
        track: (n, 6) x, y, z, yaw, pitch, tilt of the vehicle, no more than half a metre apart.
        pattern: of the legs that it becomes, see ``patterns``.
        zone: what it looks at, in words.
        side: from which it is reached, +1 starboard, -1 port.
        under: whether it lies under the ship, and is reached from beside her turn of the bilge.
        lane: of a lawnmower's on that side, from the waterline down, that it is a piece of; 0 if of none.
    """

    track: Array
    speed_mps: float
    zone: str
    side: int
    pattern: str = "longitudinal"
    under: bool = False
    lane: int = 0


def duration_s(track: Array, speed_mps: float) -> float:
    """Time along (n, 6) poses: limited by the speed, or by how fast the vehicle turns."""
    steps = np.linalg.norm(np.diff(track[:, :3], axis=0), axis=1)
    turns = np.abs(np.diff(np.unwrap(track[:, 3]))) / _TURN_RAD_S
    return float(np.maximum(steps / speed_mps, turns).sum())


def split_track(track: Array, piece_m: float) -> list[Array]:
    """Pieces of about a length of (n, 6) poses; neighbours share a pose."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(track[:, :3], axis=0), axis=1))])
    count = max(1, round(float(along[-1]) / piece_m))
    cuts = np.searchsorted(along, np.linspace(0, along[-1], count + 1)[1:-1])
    return [piece for piece in _between(track, [0, *cuts.tolist(), len(track) - 1]) if len(piece) > 1]


def _between(track: Array, cuts: Sequence[int]) -> Iterable[Array]:
    return (track[a : b + 1] for a, b in pairwise(cuts))


def side_pieces(
    lines: HullLines,
    halves: Sequence[int],
    speed_mps: float,
    piece_m: float,
    reached: npt.NDArray[np.bool_] | None = None,
) -> list[Candidate]:
    """Lanes along the sides at constant girth from the waterline to the turn of the bilge, cut into pieces.

    Args:
        reached: (2, c) columns that the vehicle can reach; all when not given.
    """
    footprint = 2 * lines.stand_off_m * np.tan(lines.vehicle.camera.vfov_rad / 2)
    found = []
    for half in halves:
        columns = np.arange(len(lines.cells.columns_m)) if reached is None else np.flatnonzero(reached[half])
        limit = lines.limit_m[half, columns]
        deepest = float(limit.max(initial=0.0))
        rows = np.arange(footprint / 2, deepest + footprint / 2, footprint * (1 - SIDE_OVERLAP))
        for number, girth in enumerate(rows, start=1):
            there = limit > girth - footprint / 2
            poses, flyable = lines.poses(half, columns, np.full(len(columns), girth))
            zone = f"{('starboard', 'port')[half]} side, lane {number} of {len(rows)}"
            # columns on both sides of what is out of reach are not neighbours
            for run in runs_of(there & flyable, breaks=np.flatnonzero(np.diff(columns) > 1) + 1):
                for piece in split_track(poses[run], piece_m):
                    found.append(
                        Candidate(
                            track=piece[_sparse(len(piece))],
                            speed_mps=speed_mps,
                            zone=zone,
                            side=(1, -1)[half],
                            lane=number,
                        )
                    )
    return found


def fitting_looks(
    lines: HullLines,
    zones: HullZones,
    halves: Sequence[int],
    speeds_mps: tuple[float, float],
    piece_m: float,
    least_stand_off_m: float,
) -> list[Candidate]:
    """Rows over each fitting, one by one and all in one pass, a first look and a closer one.

    Args:
        speeds_mps: past what is small and must be seen well, and along the rest, which is cut into pieces.
    """
    cells, near = lines.cells, max(_SECOND_LOOK * lines.stand_off_m, least_stand_off_m)
    closer = HullLines(cells, lines.vehicle, near, lines.deepest_m)
    found = []
    for index, zone in enumerate(zones.zones):
        if zone.kind not in _LOOKED_AT:
            continue
        for half in halves:
            mine = (zones.of_cell == index) & (cells.side == (1, -1)[half])
            if not mine.any():
                continue
            for view, shift in ((lines, 0.0), (closer, 0.5)):
                footprint = 2 * view.stand_off_m * np.tan(view.vehicle.camera.vfov_rad / 2)
                trim = 0.25 * 2 * view.stand_off_m * np.tan(view.vehicle.camera.hfov_rad / 2)
                stations = cells.station_m[mine]
                a, b = float(stations.min()) + trim, float(stations.max()) - trim
                middle = (a + b) / 2
                a, b = min(a, middle - CELL_M), max(b, middle + CELL_M)
                columns = np.arange(view.column_of(a), view.column_of(b) + 1)
                rows: list[Array] = []
                for girth in _rows(cells.girth_m[mine], footprint, shift):
                    poses, flyable = view.poses(half, columns, np.full(len(columns), girth))
                    reached = view.limit_m[half, columns] > girth - footprint / 2
                    # single columns out of reach are passed over: what is looked at there is what can be seen
                    for run in runs_of(flyable & ndimage.binary_closing(reached), least=2):
                        pieces = split_track(poses[run], piece_m)
                        rows += pieces if len(pieces) == 1 else []
                        speed = speeds_mps[0 if zone.kind in _SMALL else 1]
                        found += [
                            Candidate(track=each, speed_mps=speed, zone=zone.name, side=(1, -1)[half])
                            for each in pieces
                        ]
                if len(rows) > 1:
                    found.append(Candidate(track=_snake(rows), speed_mps=speed, zone=zone.name, side=(1, -1)[half]))
    return found


def _snake(rows: Sequence[Array]) -> Array:
    """(n, 6) poses along all rows, to and fro: there is nothing to stop for between them."""
    track = rows[0]
    for row in rows[1:]:
        here = track[-1, :3]
        back = np.linalg.norm(row[-1, :3] - here) < np.linalg.norm(row[0, :3] - here)
        track = np.concatenate([track, row[::-1] if back else row])
    track = track.copy()
    track[:, 3] = np.unwrap(track[:, 3])
    return track


def _rows(girths_m: Array, footprint_m: float, shift: float) -> Array:
    """Girths of rows that cover a span; shifted by a share of their spacing."""
    low, high = float(girths_m.min()) - CELL_M / 2, float(girths_m.max()) + CELL_M / 2
    height = high - low
    if height <= footprint_m:
        return np.array([(low + high) / 2])
    spacing = footprint_m * (1 - SIDE_OVERLAP)
    count = int(np.ceil((height - footprint_m) / spacing)) + 1
    rows = np.linspace(low + footprint_m / 2, high - footprint_m / 2, count)
    return rows if not shift else (rows[:-1] + rows[1:]) / 2


def runs_of(
    there: npt.NDArray[np.bool_], least: int = int(_LEAST_RUN_M / CELL_M), breaks: Iterable[int] = ()
) -> list[slice]:
    """Runs of true values that are long enough; none goes on across a break, which lies before a value."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(int)))
    runs, marks = [], list(breaks)
    for a, b in edges.reshape(-1, 2).tolist():
        cuts = [a, *(int(each) for each in marks if a < each < b), b]
        runs += [slice(first, last) for first, last in pairwise(cuts) if last - first >= least]
    return runs


def _sparse(count: int) -> npt.NDArray[np.intp]:
    """Every second pose, and the last."""
    return np.unique(np.concatenate([np.arange(0, count, 2), [count - 1]]))


def camera_track(tracks: Sequence[Array], speeds_mps: Sequence[float], vehicle: VehicleProfile) -> CameraTrack:
    """Camera poses of many (n, 6) tracks, numbered in their order."""
    poses = np.concatenate(tracks)
    lengths = [len(track) for track in tracks]
    body = Rotation.from_euler("ZY", poses[:, 3:5])
    mount = vehicle.camera_mount
    rotation = body * (mount.rotation * Rotation.from_euler("x", poses[:, 5:6]))
    return CameraTrack(
        body.apply(mount.position_m) + poses[:, :3],
        rotation,
        np.repeat(np.arange(len(tracks)), lengths),
        np.repeat(np.asarray(speeds_mps, dtype=np.float64), lengths),
    )
