"""Where the vehicle's DVL hears enough for a velocity: of the hull, or of the sea bed below it.

Without one the vehicle's estimator keeps its position for five seconds, and no longer. Along lanes the heading is the
camera's; on the way between them it is free, and the vehicle turns to where it hears the plating.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.patterns import Leg
from hullscan.mission.patterns.clearance import hull_gap, sea_bed_depth_m

__all__ = ["BLIND_S", "deaf_s", "hears", "hears_about", "turned_to_hear"]

BLIND_S = 4.0
"""Without a velocity; the estimator gives up 5 s after the last (ardusub.md 4)."""
_HEARD_COS = 0.42  # a beam that meets the plating flatter than 65 degrees does not come back (A50, measured)
_HEARD_M = 14.0  # range modes up to 14 m lock within a second
_FEWEST_BEAMS = 3  # a velocity needs three
_FREE = ("approach", "transfer", "return")  # patterns between the lanes
_OFFSETS_RAD = np.radians([0, 10, -10, 20, -20, 30, -30, 40, -40, 50, -50, 60, -60])
_LEVEL_RAD = np.radians(1.0)
_TURN_RADPS = np.radians(15.0)  # slower than legs turn
_BEAM_TILT, _BEAM_AZIMUTHS = np.radians(22.5), np.radians([135.0, 225.0, 315.0, 45.0])


def hears(mission: Mission, poses: Array) -> npt.NDArray[np.bool_]:
    """(n,) whether enough beams come back at (n, 5) or longer poses: x, y, z, yaw, pitch, ship frame.

    Also with the frame level: it is, when the vehicle holds, and when it does not take the pitch.
    """
    pitched = np.abs(poses[:, 4]) > _LEVEL_RAD
    heard = _hears(mission, poses)
    if pitched.any():
        level = poses[pitched].copy()
        level[:, 4] = 0.0
        heard[pitched] &= _hears(mission, level)
    return heard


def _hears(mission: Mission, poses: Array) -> npt.NDArray[np.bool_]:
    mount = mission.vehicle.dvl_mount
    sin = np.sin(_BEAM_TILT)
    own = np.column_stack([sin * np.cos(_BEAM_AZIMUTHS), sin * np.sin(_BEAM_AZIMUTHS), np.full(4, np.cos(_BEAM_TILT))])
    beams = mount.rotation.apply(own)
    body = Rotation.from_euler("ZY", poses[:, 3:5])
    rays = np.stack([body.apply(beam) for beam in beams], axis=1).reshape(-1, 3)
    origins = np.repeat(poses[:, :3] + body.apply(mount.position_m), 4, axis=0)
    met = mission.hull.cast(origins, rays, _HEARD_M)
    hull_m = np.where(met.hit, met.distance_m, np.inf)
    facing = -(rays * np.nan_to_num(met.normals)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        bed_m = np.where(rays[:, 2] > 1e-6, (sea_bed_depth_m(mission) - origins[:, 2]) / rays[:, 2], np.inf)
    hull_first = hull_m < bed_m
    heard = np.where(hull_first, facing > _HEARD_COS, rays[:, 2] > _HEARD_COS)
    heard &= np.minimum(hull_m, bed_m) < _HEARD_M
    return np.asarray(heard.reshape(-1, 4).sum(axis=1) >= _FEWEST_BEAMS)


def hears_about(mission: Mission, track: Array) -> npt.NDArray[np.bool_]:
    """(n,) the same along a pass, whose poses are about half a metre apart: a single deaf one is flown past.

    Everywhere, when a second DVL looks at the sea bed.
    """
    if mission.vehicle.bottom_lock:
        return np.ones(len(track), dtype=np.bool_)
    heard = hears(mission, track)
    alone = ndimage.binary_closing(np.pad(heard, 1, mode="edge"), np.ones(2, dtype=np.bool_))[1:-1]
    return np.asarray(heard | alone)


def deaf_s(mission: Mission, poses: Array) -> float:
    """Longest time on (n, 7) timed poses without enough beams for a velocity."""
    longest = since = 0.0
    steps_s = np.diff(poses[:, 0], prepend=poses[0, 0]).tolist()
    for step_s, good in zip(steps_s, hears(mission, poses[:, 1:]).tolist(), strict=True):
        since = 0.0 if good else since + step_s
        longest = max(longest, since)
    return longest


def turned_to_hear(mission: Mission, legs: Sequence[Leg]) -> list[Leg]:
    """The legs, with the heading on the way between lanes turned where the DVL would hear too little for too long.

    Times stay as they are. What cannot be heard from anywhere, or not with clearance, stays as it was.
    """
    if mission.vehicle.bottom_lock:
        return list(legs)
    return [_turned(mission, leg) if leg.pattern in _FREE else leg for leg in legs]


def _turned(mission: Mission, leg: Leg) -> Leg:
    before_s = deaf_s(mission, leg.poses)
    if before_s <= BLIND_S:
        return leg
    poses, count = leg.poses.copy(), len(leg.poses)
    heard = np.stack([hears(mission, _with_yaw(poses, offset)[:, 1:]) for offset in _OFFSETS_RAD])
    wanted = np.zeros(count)
    deaf, number = ndimage.label(~heard[0])
    for run in range(1, number + 1):
        here = deaf == run
        wanted[here] = _OFFSETS_RAD[np.argmax(heard[:, here].sum(axis=1))]
    # no faster than the vehicle turns: each pose as far as its neighbours on both sides need it to be
    along_s = poses[:, 0]
    reach = np.abs(wanted)[None] - _TURN_RADPS * np.abs(along_s[:, None] - along_s[None])
    best = np.argmax(reach, axis=1)
    from_ends = _TURN_RADPS * np.minimum(along_s - along_s[0], along_s[-1] - along_s)  # which have the lanes' headings
    offset = np.sign(wanted[best]) * np.clip(reach[np.arange(count), best], 0.0, from_ends)
    turned = _with_yaw(poses, offset)
    least = mission.file.limits.min_clearance_m
    gap_before, gap = hull_gap(mission, poses[:, 1:])[0], hull_gap(mission, turned[:, 1:])[0]
    if deaf_s(mission, turned) >= before_s or (gap < np.minimum(gap_before, least)).any():
        return leg
    return replace(leg, poses=turned)


def _with_yaw(poses: Array, offset_rad: Array | float) -> Array:
    """(n, 7) timed poses turned by an angle, one or (n,)."""
    turned = poses.copy()
    turned[:, 4] += offset_rad
    return turned
