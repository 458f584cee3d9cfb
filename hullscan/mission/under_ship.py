"""Passes under the ship for the planner: the keel line, and lanes along the flat bottom on either side of it.

The vehicle looks up at the bottom ahead of it, as far as its camera tilts and its frame is pitched. Each lane belongs
to the half of the ship in which it lies: it is reached and left from that side, so that no tether is laid across under
her.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Array
from hullscan.mission.candidates import SIDE_OVERLAP, Candidate, runs_of, split_track
from hullscan.mission.hull_lines import HullLines

__all__ = ["bottom_pieces"]

_SLANT_LIMIT_RAD = float(np.radians(50))  # incidence in the middle of the picture, as the patterns have it


def bottom_pieces(
    lines: HullLines,
    halves: Sequence[int],
    speed_mps: float,
    piece_m: float,
    reached: npt.NDArray[np.bool_],
) -> list[Candidate]:
    """The keel line and lanes beside it, as far as the plating faces down too much to be seen from outside.

    Args:
        halves: 0 starboard, 1 port, from which she may be approached; the keel line is reached from the first.
        reached: (2, c) columns that the vehicle can reach.
    """
    if np.pi / 2 - lines.vehicle.look_up_rad > _SLANT_LIMIT_RAD:
        return []
    width = 2 * lines.stand_off_m * float(np.tan(lines.vehicle.camera.hfov_rad / 2))
    found = []
    for half in halves:
        columns = np.flatnonzero(reached[half])
        breaks = np.flatnonzero(np.diff(columns) > 1) + 1
        flat = np.maximum(lines.cells.sections[half].total_m - lines.limit_m[half], 0.0)[columns]
        offsets = np.arange(
            0.0 if half == halves[0] else 1.0, flat.max(initial=0.0) / (width * (1 - SIDE_OVERLAP)) + 0.5
        )
        for number, offset in enumerate(offsets * width * (1 - SIDE_OVERLAP)):
            poses, flyable = _poses(lines, half, columns, float(offset))
            name = ("starboard", "port")[half]
            keel = offset == 0
            zone = "keel line" if keel else f"flat bottom, {name}, lane {number + (half != halves[0])}"
            for run in runs_of(flyable & (flat > max(float(offset) - width / 2, 0.0)), breaks=breaks):
                for piece in split_track(poses[run], piece_m):
                    found.append(
                        Candidate(
                            track=piece[np.unique(np.append(np.arange(0, len(piece), 2), len(piece) - 1))],
                            speed_mps=speed_mps,
                            zone=zone,
                            side=(1, -1)[half],
                            pattern="keel_line" if keel else "flat_bottom",
                            under=True,
                        )
                    )
    return found


def _poses(
    lines: HullLines, half: int, columns: npt.NDArray[np.intp], offset_m: float
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """(n, 6) poses of the vehicle under (n,) columns, so far from the keel line, and whether it can be flown there."""
    section, vehicle = lines.cells.sections[half], lines.vehicle
    total = section.total_m[columns]
    points, _ = section.at(columns, np.maximum(total - offset_m, 0.0))
    up, pitch = vehicle.look_up_rad, vehicle.lane_pitch_rad
    mount = Rotation.from_euler("y", pitch).apply(vehicle.camera_mount.position_m)
    camera = points + lines.stand_off_m * np.array([-np.cos(up), 0.0, np.sin(up)])
    body = camera - mount
    flyable = (body[:, 2] <= lines.deepest_m) & (total > offset_m)
    angles = np.tile([0.0, pitch, up - pitch], (len(columns), 1))
    return np.column_stack([body, angles]), flyable
