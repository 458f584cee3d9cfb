"""What a range sensor would measure at a place beside the hull, and how that changes with the state.

A DVL's beam is a ray. An echo sounder's beam is a cone 25 degrees wide, and what comes back first and strongest
comes from where the plating is nearest and faces it, not from where the cone's axis points; it is predicted as the
shortest of the rays of a bundle, and what the bundle leaves open is part of its uncertainty.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import cos, pi, radians, sin

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array, Pose
from hullscan.pilot.registration import state as s
from hullscan.pilot.registration.noise import RegistrationNoise
from hullscan.ship.surface import HullSurface
from hullscan.vehicle.protocol import RangeReport

__all__ = ["Beams", "RangeWatch", "predicted", "usable_beams"]

_MAX_RANGE_M = 8.0
_LEAST_DEPTH_M = 0.15  # of where a beam ends
_BELOW_KEEL_M = 0.6  # what comes back from deeper is the sea bed: waterline, trim and list are off by less
_LEAST_COSINE = 0.35  # plating that is hit at a flatter angle sends nothing back, or an edge does
_CONE_RAD = radians(25.0)  # width of a Ping's beam (Blue Robotics, Ping manual)
_WATCH_S, _WATCHED = 2.5, 5  # reports that a new one is compared with
_ODD_M, _ODD_SHARE = 0.4, 0.3  # off the median of those; guidance keeps the range steadier than that
# an attitude that is half a degree off turns a beam, and stays so for some 300 reports, which count as independent: by
# so much more must each be doubted, where it moves a beam's end along plating that faces down
_TILT_RAD, _OVERHEAD = radians(0.5) * 300**0.5, 0.7
_CONE_DOUBT = 0.4  # share of the difference between axis and nearest ray that is uncertain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beams:
    """One report in ned.

    Attributes:
        sensor_ned_m: (3,) from the vehicle.
        directions_ned: (4, 3), or (13, 3) of a cone; rows of a beam that is not there are anything.
        measured_m: (4,), NaN where a beam cannot be used.
        sigma_m: (4,).
    """

    sensor_ned_m: Array
    directions_ned: Array
    measured_m: Array
    sigma_m: Array

    @property
    def usable(self) -> npt.NDArray[np.bool_]:
        """(4,) beams that tell something."""
        return np.isfinite(self.measured_m)


class RangeWatch:
    """Leaves out single wrong ranges: compares each with the same beam's median of the last two seconds.

    The filter cannot do that before its first fix, when it does not yet know what to expect, and one wrong report
    would lead it astray.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, Array]] = deque(maxlen=_WATCHED)

    def steady(self, report: RangeReport) -> npt.NDArray[np.bool_] | None:
        """(n,) good beams that agree with those before; None while too few were seen to tell."""
        if self._seen and report.utc_s < self._seen[-1][0]:
            self._seen.clear()
        self._seen.append((report.utc_s, np.where(report.good, report.distances_m, np.nan)))
        recent = [ranges for utc_s, ranges in self._seen if report.utc_s - utc_s < _WATCH_S]
        if len(recent) < min(3, _WATCHED) or len({len(ranges) for ranges in recent}) > 1:
            return None
        ranges = np.array(recent)
        known = np.isfinite(ranges).sum(axis=0) >= 2
        median = np.full(ranges.shape[1], np.nan)
        median[known] = np.nanmedian(ranges[:, known], axis=0)
        off = np.abs(np.nan_to_num(report.distances_m, nan=np.inf) - median)
        return np.asarray(report.good & known & (off < np.maximum(_ODD_M, _ODD_SHARE * median)))


def usable_beams(
    report: RangeReport,
    steady: npt.NDArray[np.bool_],
    vehicle_ned: Pose,
    mount_frd_m: Array,
    depth_m: float,
    keel_m: float,
    noise: RegistrationNoise,
) -> Beams | None:
    """The beams of a report that can be used; None without any.

    Args:
        steady: (n,) beams that count at all.
        mount_frd_m: (3,) of the sensor.
        depth_m: of the vehicle, as well as it is known.
        keel_m: greatest depth of the ship's keel.
    """
    count = len(report.distances_m)
    if count > s.MAX_BEAMS:
        raise ValueError(f"expected at most {s.MAX_BEAMS} beams, got {count}")
    directions = np.asarray(vehicle_ned.rotation.apply(report.directions_frd))
    sensor = np.asarray(vehicle_ned.rotation.apply(mount_frd_m))
    ends_at = depth_m + sensor[2] + directions[:, 2] * np.nan_to_num(report.distances_m)
    # sound that reaches the surface comes back from there, by way of a mirror
    usable = steady & (report.distances_m < _MAX_RANGE_M)
    usable &= (ends_at > _LEAST_DEPTH_M) & (ends_at < keel_m + _BELOW_KEEL_M)
    if not usable.any():
        return None
    measured = np.full(s.MAX_BEAMS, np.nan)
    measured[:count] = np.where(usable, report.distances_m, np.nan)
    if count == 1:
        sigma = np.hypot(noise.echo_m, noise.echo_share * measured)
        return Beams(
            sensor_ned_m=sensor,
            directions_ned=_bundle(directions[0]),
            measured_m=measured,
            sigma_m=np.nan_to_num(sigma, nan=1.0),
        )
    padded = np.tile([1.0, 0.0, 0.0], (s.MAX_BEAMS, 1))
    padded[:count] = directions
    sigma = np.hypot(noise.range_m, noise.range_share * measured)
    return Beams(sensor_ned_m=sensor, directions_ned=padded, measured_m=measured, sigma_m=np.nan_to_num(sigma, nan=1.0))


def _bundle(axis: Array) -> Array:
    """(13, 3) rays of a cone: its axis, six half way out and six on its edge."""
    across = np.cross(axis, [0.0, 0.0, 1.0] if abs(axis[2]) < 0.9 else [1.0, 0.0, 0.0])
    across /= np.linalg.norm(across)
    other = np.cross(axis, across)
    rays = [axis]
    for share in (0.5, 1.0):
        off = share * _CONE_RAD / 2
        for turn in np.arange(6) * pi / 3 + share:
            rays.append(cos(off) * axis + sin(off) * (cos(turn) * across + sin(turn) * other))
    return np.array(rays)


def predicted(
    hull: HullSurface,
    states: Array,
    vehicle_down_m: Array | float,
    sensor_ned_m: Array,
    directions_ned: Array,
    middle_m: float,
) -> tuple[Array, Array, Array]:
    """Ranges that a sensor would measure, in k states.

    Args:
        states: (k, 12).
        vehicle_down_m: of the vehicle, one or (k,).
        sensor_ned_m: (3,) or (k, 3).
        directions_ned: (4, 3) or (k, 4, 3); with 13 rays the sensor is an echo sounder.
        middle_m: station about which the ship trims.

    Returns:
        (k, 4) ranges, NaN where a beam misses or cannot come back, (k, 4, 12) their derivatives, and (k, 4) what the
        width of a cone, or the vehicle's attitude under plating that is met aslant, adds to their uncertainty.
    """
    k, m = len(states), directions_ned.shape[-2]
    heading, trim, list_ = states[:, s.HEADING], states[:, s.TRIM], states[:, s.LIST]
    sensor = s.level(heading, np.broadcast_to(sensor_ned_m, (k, 3)))
    rays = s.level(heading[:, None], np.broadcast_to(directions_ned, (k, m, 3)))
    place = np.column_stack([states[:, s.ALONG], states[:, s.ACROSS], s.depth_m(states, vehicle_down_m, middle_m)])
    origins = place + s.tilted(trim, list_, sensor)
    turned = s.tilted(trim[:, None], list_[:, None], rays)
    met = hull.cast(np.repeat(origins, m, axis=0), turned.reshape(-1, 3), 2 * _MAX_RANGE_M)
    ranges, normals = met.distance_m.reshape(k, m), met.normals.reshape(k, m, 3)
    cosine = np.einsum("kmi,kmi->km", normals, turned)
    good = met.hit.reshape(k, m) & (cosine < -_LEAST_COSINE)

    # the plane n (p - o - r d) = 0 gives dr = -n (do + r dd) / n d
    lever = sensor[:, None] + ranges[..., None] * rays
    x, y, z = lever[..., 0], lever[..., 1], lever[..., 2]
    moves = np.zeros((k, m, 3, 8))
    moves[..., 0, s.ALONG] = moves[..., 1, s.ACROSS] = 1.0
    moves[..., 2, s.ALONG], moves[..., 2, s.ACROSS] = trim[:, None], -list_[:, None]
    moves[..., 0, s.HEADING], moves[..., 1, s.HEADING] = y, -x
    moves[..., 2, s.WATERLINE] = -1.0
    moves[..., 0, s.TRIM], moves[..., 2, s.TRIM] = -z, x + states[:, None, s.ALONG] - middle_m
    moves[..., 1, s.LIST], moves[..., 2, s.LIST] = z, -y - states[:, None, s.ACROSS]
    slopes = -np.einsum("kmi,kmij->kmj", normals, moves) / cosine[..., None]
    ranges = np.where(good, ranges, np.nan)
    # a tilt turns about a level axis: on a wall what it does to a range is a matter of list and trim
    tilting = np.cross(turned, normals)[..., :2]
    lever = np.hypot(tilting[..., 0], tilting[..., 1]) / np.abs(cosine)
    doubt = np.where(good & (normals[..., 2] > _OVERHEAD), _TILT_RAD * ranges * lever, 0.0)
    return _as_beams(ranges, slopes, doubt)


def _as_beams(ranges: Array, slopes: Array, tilt_doubt: Array) -> tuple[Array, Array, Array]:
    """Beams from rays: one each, or the nearest of a cone's."""
    k, m = ranges.shape
    derivative = np.zeros((k, s.MAX_BEAMS, s.SIZE))
    index = np.arange(s.MAX_BEAMS)
    derivative[:, index, s.SKIN.start + index] = 1.0
    if m == s.MAX_BEAMS:
        derivative[..., :8] = slopes
        return ranges, derivative, tilt_doubt
    rows = np.arange(k)
    nearest = np.argmin(np.where(np.isfinite(ranges), ranges, np.inf), axis=1)
    out, doubt = np.full((k, s.MAX_BEAMS), np.nan), np.zeros((k, s.MAX_BEAMS))
    out[:, 0] = ranges[rows, nearest]
    derivative[:, 0, :8] = slopes[rows, nearest]
    doubt[:, 0] = np.nan_to_num(_CONE_DOUBT * (ranges[:, 0] - out[:, 0]))
    return out, derivative, doubt
