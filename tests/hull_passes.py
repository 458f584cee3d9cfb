"""Passes along a hull with all that goes wrong there, for the registration: truth, and what a vehicle would hear.

Kinematic and quick: no flight, no network. Sensors and their errors are modelled here on their own, from the maker's
figures and the recordings of a real A50 in a tank, and share nothing with the filter but the hull's surface.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Array, Pose, ShipPose
from hullscan.mission.vehicle import BLUEROV2_HEAVY
from hullscan.pilot.registration import LandmarkSighting
from hullscan.ship.surface import HullSurface
from hullscan.vehicle.dvl_mount import BEAMS_DVL
from hullscan.vehicle.protocol import RangeReport

__all__ = ["MOUNT", "HullPass", "Troubles", "fly_pass"]

MOUNT = BLUEROV2_HEAVY.dvl_mount
BEAMS = np.asarray(MOUNT.rotation.apply(BEAMS_DVL))
CAMERA = BLUEROV2_HEAVY.camera_mount.position_m
DT_S, SPEED_MPS = 0.2, 0.3


@dataclass(frozen=True, kw_only=True)
class Troubles:
    """What goes wrong; each pass draws its own errors within these.

    Attributes:
        berth_m, berth_deg: greatest error of the berth, along and across, and of its heading.
        compass_deg: greatest error of the compass; half of it changes along the hull.
        trim_ends_m, list_deg: greatest, beyond the hull model's.
        surge_m, yaw_deg: of the ship at her moorings.
        skin_m: by which the plating differs from its model.
        echo: a forward echo sounder instead of a DVL.
    """

    berth_m: float = 2.0
    berth_deg: float = 3.0
    compass_deg: float = 40.0
    trim_ends_m: float = 0.2
    list_deg: float = 0.6
    surge_m: float = 0.3
    yaw_deg: float = 0.3
    skin_m: float = 0.02
    scale: float = 0.005
    drift_mps: float = 0.006
    gyro_bias_degps: float = 0.015
    depth_m: float = 0.15
    mount_deg: float = 0.5
    invalid: float = 0.04
    outliers: float = 0.01
    repeats: float = 0.02
    gaps: bool = True
    echo: bool = False


@dataclass(frozen=True)
class HullPass:
    """What a vehicle heard, and what was true.

    Attributes:
        believed: the estimator's poses.
        turned_rad: by the gyro, since the sample before.
        place_ship_m: (n, 3) of the vehicle.
        curved: (n,) whether it faced plating that is turned from the ship's side: an anchor.
        ship_heading_rad: (n,) of the ship in the local frame that the estimator's heading spans.
    """

    utc_s: Array
    reports: list[RangeReport]
    believed: list[Pose]
    turned_rad: list[float]
    place_ship_m: Array
    curved: np.ndarray
    expected: ShipPose
    trim_rad: float
    list_rad: float
    sightings: dict[int, LandmarkSighting] = field(default_factory=dict)


def way(hull: HullSurface, corners: list[tuple[float, float]], stand_off_m: float = 1.6) -> tuple[Array, Array, Array]:
    """Place (n, 3) and heading (n,) along corners of (station, depth) on starboard, and whether plating is curved."""
    points = np.array(corners, dtype=np.float64)
    legs = np.hypot(*np.diff(points, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(legs)])
    s = np.arange(0.0, at[-1], SPEED_MPS * DT_S)
    station, depth = np.interp(s, at, points[:, 0]), np.interp(s, at, points[:, 1])
    side = np.ones(len(s), dtype=np.int8)
    girth = hull.girth_to_depth(station, depth)
    foot, normal = hull.point(side, station, girth), hull.normal(side, station, girth)
    flat = normal[:, :2] / np.linalg.norm(normal[:, :2], axis=1, keepdims=True)
    smooth = np.ones(25) / 25
    flat = np.column_stack([np.convolve(np.pad(f, 12, mode="edge"), smooth, mode="valid") for f in flat.T])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    place = np.column_stack([foot[:, :2] + stand_off_m * flat, foot[:, 2]])
    heading = np.unwrap(np.arctan2(-flat[:, 1], -flat[:, 0]))
    return place, heading, np.abs(flat[:, 0]) > np.sin(np.radians(20))


def wander(rng: np.random.Generator, n: int, sigma: float, seconds: float) -> Array:
    """(n,) slow random error: first-order Gauss and Markov."""
    kept = np.exp(-DT_S / seconds)
    out = np.empty(n)
    value = rng.normal() * sigma
    for k in range(n):
        value = kept * value + np.sqrt(1 - kept**2) * sigma * rng.normal()
        out[k] = value
    return out


class Skin:
    """By how much the real plating stands proud of its model, over the hull."""

    def __init__(self, rng: np.random.Generator, sigma_m: float) -> None:
        self._waves = (
            2
            * np.pi
            / rng.uniform(1.0, 6.0, (12, 1))
            * np.column_stack([np.cos(a := rng.uniform(0, np.pi, 12)), np.sin(a)])
        )
        self._phases, self._sigma_m = rng.uniform(0, 2 * np.pi, 12), sigma_m

    def at(self, points_m: Array) -> Array:
        return self._sigma_m * np.sqrt(2 / 12) * np.sin(points_m[:, [0, 2]] @ self._waves.T + self._phases).sum(axis=1)


def fly_pass(
    hull: HullSurface,
    corners: list[tuple[float, float]],
    seed: int,
    troubles: Troubles | None = None,
    landmarks: Array | None = None,
) -> HullPass:
    """One pass.

    Args:
        corners: (station, depth) in the order flown, starboard.
        landmarks: (m, 3) known places that the camera recognises when it passes, ship frame.
    """
    t = troubles or Troubles()
    rng = np.random.default_rng(seed)
    place, heading, curved = way(hull, corners)
    n = len(place)
    place = place + np.column_stack([wander(rng, n, 0.06, 4.0), wander(rng, n, 0.08, 4.0), wander(rng, n, 0.05, 4.0)])
    utc_s = 1000.0 + DT_S * np.arange(n)
    first, last = float(hull.stations_m[0]), float(hull.stations_m[-1])
    middle = np.array([(first + last) / 2, 0.0, 0.0])
    trim = rng.uniform(-1, 1) * t.trim_ends_m / ((last - first) / 2)
    list_ = np.radians(rng.uniform(-1, 1) * t.list_deg)
    attitude = Rotation.from_euler("YX", [trim, list_])

    # the ship: berth wrong, moving at her moorings
    stated = np.radians(rng.uniform(0, 360))
    period = rng.uniform(40, 120, 2)
    phase = rng.uniform(0, 2 * np.pi, 2)
    surge = t.surge_m * np.sin(2 * np.pi * utc_s / period[0] + phase[0])
    yawing = np.radians(t.yaw_deg) * np.sin(2 * np.pi * utc_s / period[1] + phase[1])
    ship_heading = stated + np.radians(rng.uniform(-1, 1) * t.berth_deg) + yawing
    error = rng.uniform(-1, 1, 2) * t.berth_m

    # the vehicle in the ship's frame, and in ned
    roll, pitch = (np.radians(wander(rng, n, 1.2, 2.0)) for _ in range(2))
    yaw_ship = heading + np.radians(wander(rng, n, 1.5, 3.0))
    in_level = middle + attitude.apply(place - middle)
    body_level = [Rotation.from_euler("ZYX", [y, p, r]) for y, p, r in zip(yaw_ship, pitch, roll, strict=True)]
    true_ned = np.empty((n, 3))
    for k in range(n):
        about_middle = in_level[k] - middle + np.array([surge[k], 0.0, 0.0])
        true_ned[k] = Rotation.from_euler("z", ship_heading[k]).apply(about_middle)
    true_yaw = yaw_ship + ship_heading

    # compass and gyro
    greatest = np.radians(t.compass_deg) * rng.uniform(0.5, 1.0)
    a, b = rng.uniform(0, 2 * np.pi, 2)
    pattern = 0.5 * rng.choice([-1, 1]) + 0.3 * np.sin(2 * np.pi * place[:, 0] / 17 + a)
    pattern += 0.2 * np.sin(2 * np.pi * place[:, 0] / 7.3 + 0.8 * place[:, 2] + b)
    steel = greatest * pattern
    gyro_bias = np.radians(rng.normal() * t.gyro_bias_degps)
    turned = np.diff(true_yaw, prepend=true_yaw[0]) + gyro_bias * DT_S
    turned += np.radians(0.01) * rng.normal(size=n) * np.sqrt(DT_S)

    # velocity over the hull, and what the estimator makes of it
    mount = Rotation.from_euler("ZYX", np.radians(rng.normal(size=3) * t.mount_deg))
    scale = 1 + rng.normal() * t.scale
    velocity_level = np.gradient(in_level, DT_S, axis=0)
    gap = _gaps(rng, n) if t.gaps else np.zeros(n, bool)
    coasting = np.column_stack([wander(rng, n, 0.05, 5.0), wander(rng, n, 0.05, 5.0), np.zeros(n)])
    tilt_error = np.radians(rng.normal(size=2) * 0.3)
    position = true_ned[0] + np.array([*rng.normal(size=2) * 0.0, 0.0])
    depth_error = rng.uniform(-1, 1) * t.depth_m
    believed, velocities = [], []
    for k in range(n):
        over_hull = body_level[k].inv().apply(velocity_level[k])
        measured = mount.apply(over_hull) * scale + rng.normal(size=3) * 0.004
        velocities.append(measured)
        used = over_hull + coasting[k] if gap[k] or t.echo else measured
        seen = Rotation.from_euler("ZYX", [true_yaw[k] + steel[k], pitch[k] + tilt_error[0], roll[k] + tilt_error[1]])
        if k:
            walk = np.append(rng.normal(size=2) * t.drift_mps * np.sqrt(DT_S), 0.0)
            position = position + seen.apply(used) * DT_S + walk
        down = true_ned[k, 2] + depth_error + 0.01 * rng.normal()
        believed.append(Pose(np.array([position[0], position[1], down]), seen))

    reports = _reports(rng, hull, place, attitude, body_level, mount, velocities, utc_s, gap, t)
    # the berth as stated, against the launch: her true pose at the start, and the error
    at_start = Rotation.from_euler("z", stated).apply(np.append(error, 0.0)[None])[0]
    origin = true_ned[0] - Rotation.from_euler("z", ship_heading[0]).apply(in_level[0])
    about = Rotation.from_euler("z", ship_heading[0]).apply(in_level[0] * [1, 1, 0])
    turned_back = Rotation.from_euler("z", stated).apply(in_level[0] * [1, 1, 0])
    expected = ShipPose(
        float(origin[0] + about[0] - turned_back[0] + at_start[0]),
        float(origin[1] + about[1] - turned_back[1] + at_start[1]),
        float(stated),
    )
    seen = {} if landmarks is None else _sightings(rng, landmarks, place, attitude, body_level, utc_s)
    return HullPass(
        utc_s, reports, believed, [float(x) for x in turned], place, curved, expected, trim, float(list_), seen
    )


def _gaps(rng: np.random.Generator, n: int) -> np.ndarray:
    """(n,) moments without a single beam: ten seconds every two minutes or so."""
    gap = np.zeros(n, bool)
    k = int(rng.uniform(150, 500))
    while k < n:
        gap[k : k + int(rng.uniform(10, 60))] = True
        k += int(rng.uniform(400, 800))
    return gap


def _reports(
    rng: np.random.Generator,
    hull: HullSurface,
    place: Array,
    attitude: Rotation,
    body_level: list[Rotation],
    mount: Rotation,
    velocities: list[Array],
    utc_s: Array,
    gap: np.ndarray,
    t: Troubles,
) -> list[RangeReport]:
    skin = Skin(rng, t.skin_m)
    beams = np.array([[1.0, 0.0, 0.0]]) if t.echo else BEAMS
    reports: list[RangeReport] = []
    cone = _cone() if t.echo else None
    for k in range(len(place)):
        body = Pose(place[k], attitude.inv() * body_level[k])
        origin = body.to_parent(MOUNT.position_m)
        rays = body.directions_to_parent(mount.apply(beams if cone is None else cone))
        met = hull.cast(origin, rays, 30.0)
        cosine = -np.einsum("ij,ij->i", met.normals, rays)
        ranges = np.where(met.hit & (cosine > 0.42), met.distance_m, np.nan)
        if cone is not None:
            ranges = np.array([_strongest(rng, ranges, np.where(met.hit, cosine, 0.0))])
        else:
            ranges = ranges - skin.at(np.nan_to_num(met.points_m)) / np.maximum(np.nan_to_num(cosine, nan=1.0), 0.3)
            ranges = ranges * (1 + 0.003 * rng.normal(size=4)) + 0.003 * rng.normal(size=4)
        count = len(ranges)
        velocity = velocities[k]
        if rng.random() < t.outliers:  # an echo from right in front of the transducers, marked valid
            ranges = np.full(count, rng.uniform(0.05, 0.12))
        single = rng.random(count) < t.outliers
        ranges = np.where(single, rng.uniform(0.1, 4.0, count), ranges)
        valid = np.isfinite(ranges) & (rng.random(count) > 0.01) & ~gap[k]
        if rng.random() < t.invalid:
            valid[:] = False
        if rng.random() < t.repeats and reports:
            ranges, valid, velocity = reports[-1].distances_m, reports[-1].valid, reports[-1].velocity_frd_mps
        known = not t.echo and valid.sum() >= 3 and velocity is not None
        reports.append(
            RangeReport(
                float(utc_s[k]), beams, np.where(valid, ranges, np.nan), valid, np.zeros(count, bool),
                velocity_frd_mps=velocity if known else None,
            )
        )  # fmt: skip
    return reports


def _cone() -> Array:
    """(61, 3) rays of a cone 25 degrees wide."""
    rays = [[1.0, 0.0, 0.0]]
    for off in np.radians([3.1, 6.2, 9.4, 12.5]):
        for turn in np.linspace(0, 2 * np.pi, 15, endpoint=False):
            rays.append([np.cos(off), np.sin(off) * np.cos(turn), np.sin(off) * np.sin(turn)])
    return np.array(rays)


def _strongest(rng: np.random.Generator, ranges: Array, cosine: Array) -> float:
    """Range of the strongest return of a cone: from where plating faces the sensor, weaker off the axis."""
    off = np.repeat(np.radians([0.0, 3.1, 6.2, 9.4, 12.5]), [1, 15, 15, 15, 15])
    power = np.exp(-((off / np.radians(9.0)) ** 2)) * np.maximum(cosine, 0.0) ** 40
    power = np.where(np.isfinite(ranges), power, 0.0)
    if power.max() <= 1e-12:
        return float("nan")
    return float(ranges[int(np.argmax(power))] * (1 + 0.005 * rng.normal()) + 0.02 * rng.normal())


def _sightings(
    rng: np.random.Generator,
    landmarks: Array,
    place: Array,
    attitude: Rotation,
    body_level: list[Rotation],
    utc_s: Array,
) -> dict[int, LandmarkSighting]:
    """Each landmark is recognised once every four seconds while it is well in the picture."""
    found: dict[int, LandmarkSighting] = {}
    last_s = np.full(len(landmarks), -np.inf)
    off_drawing = rng.normal(size=landmarks.shape) * [0.1, 0.0, 0.1]
    for k in range(0, len(place), 5):
        body = Pose(place[k], attitude.inv() * body_level[k])
        camera = body.to_parent(CAMERA)
        for number, (known, off) in enumerate(zip(landmarks, off_drawing, strict=True)):
            ray = body.rotation.apply(known + off - camera, inverse=True)
            distance = float(np.linalg.norm(ray))
            angles = np.arctan2(ray[1:], ray[0])
            if ray[0] < 0.3 or distance > 3.0 or np.abs(angles).max() > np.radians(20) or utc_s[k] - last_s[number] < 4:
                continue
            last_s[number] = utc_s[k]
            ray = Rotation.from_euler("ZYX", [*np.radians(rng.normal(size=2) * 1.2), 0.0]).apply(ray / distance)
            found[k] = LandmarkSighting(
                utc_s=float(utc_s[k]), bearing_frd=ray, camera_frd_m=CAMERA, place_ship_m=known,
                covariance_rad2=np.eye(2) * np.radians(2.0) ** 2,
            )  # fmt: skip
    return found
