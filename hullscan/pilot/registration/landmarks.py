"""Fittings seen in the video, whose places are known, as anchors along the ship.

The bearing to a fitting says along a parallel midbody what no range can. A wrong match would be worse than none:
a sighting counts only where one known fitting of its kind fits it, and no other comes near.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from hullscan.findings.geotag import HullFix
from hullscan.findings.viewpoint import Viewpoint, Viewpoints
from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array, Pose
from hullscan.pilot.registration import state as s
from hullscan.pilot.registration.mixture import Predictor
from hullscan.pilot.registration.motion import Motion, moved_on
from hullscan.ship.fittings import Fitting, fitting_point
from hullscan.ship.surface import HullSurface

__all__ = [
    "FittingWatch", "Landmark", "LandmarkSighting", "bearing_predictor", "fitting_landmarks", "sightings_of_fittings",
]  # fmt: skip

# labels of the detector (DESIGN section 8) and the fittings of a mission file that they show
_KINDS = {"grating": "sea_chest", "anode": "anode", "outlet": "outlet", "tunnel": "tunnel"}
_LEAST_SCORE = 0.5
_NEAR, _APART = 9.0, 9.0  # squared Mahalanobis distances: to the fitting, and of the next one beyond that
_PLACE_M = 0.15  # a fitting against its drawing, and the middle of its box against its own
# Of the place beforehand, one sigma; beyond, no fitting is recognised. Drawings are not complete: an anode that none
# shows stood 2.4 m beside one that is drawn, and where the place was known to 0.9 m it was taken for that one.
_MOST_M = 0.5
_EVERY_S = 4.0  # pictures of the same fitting in quick succession are wrong in the same way
_BOX_SHARE = 0.08  # detectors place edges to about this share of the object
_CAMERA_RAD = float(np.radians(1.5))  # mount and attitude
_STEP = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LandmarkSighting:
    """A known place was seen in a direction.

    Attributes:
        bearing_frd: (3,) unit vector from the camera.
        camera_frd_m: (3,) where the camera is on the vehicle.
        place_ship_m: (3,) what was seen.
        covariance_rad2: (2, 2) of the bearing, horizontal and upright.
        place_sigma_m: uncertainty of the place.
    """

    utc_s: float
    bearing_frd: Array
    camera_frd_m: Array
    place_ship_m: Array
    covariance_rad2: Array
    place_sigma_m: float = _PLACE_M


@dataclass(frozen=True, slots=True, eq=False)
class Landmark:
    """A fitting whose place is known, by the label under which it would be seen."""

    label: str
    place_ship_m: Array


def fitting_landmarks(hull: HullSurface, fittings: Iterable[Fitting]) -> tuple[Landmark, ...]:
    """What can be recognised; fittings that were placed by rule are not known well enough."""
    labels = {kind: label for label, kind in _KINDS.items()}
    return tuple(
        Landmark(labels[fitting.kind], fitting_point(hull, fitting)[0])
        for fitting in fittings
        if fitting.kind in labels and not fitting.assumed
    )


def sightings_of_fittings(
    fixes: Iterable[HullFix], views: Viewpoints, camera: Camera, landmarks: tuple[Landmark, ...]
) -> list[LandmarkSighting]:
    """Sightings of known fittings among placed sightings, in order of time.

    Args:
        fixes: in order of time; placed with a registration as good as there is, and with its covariance.
    """
    watch = FittingWatch(landmarks)
    found = [seen for fix in fixes if (seen := watch.take(fix, views.at(fix.sighting.utc_s), camera)) is not None]
    often = Counter(tuple(seen.place_ship_m) for seen in found)
    # what its drawing is wrong by is the same each time: all of them together tell the place once
    return [replace(seen, place_sigma_m=_PLACE_M * sqrt(often[tuple(seen.place_ship_m)])) for seen in found]


class FittingWatch:
    """Recognises known fittings among placed sightings, one after the other."""

    def __init__(self, landmarks: tuple[Landmark, ...]) -> None:
        self._landmarks = landmarks
        self._last_s = [float("-inf")] * len(landmarks)
        self._times = [0] * len(landmarks)

    def take(self, fix: HullFix, view: Viewpoint | None, camera: Camera) -> LandmarkSighting | None:
        """The sighting of a known fitting; None when it is of none, or too soon after another of the same.

        Each further one of the same fitting is stated to be less sure of its place, so that however many come they
        never tell more than its drawing knows.

        Args:
            fix: placed with a registration as good as there is, and with its covariance.
            view: from where it was seen.
            camera: for the size of the frame.
        """
        seen = fix.sighting
        if view is None or seen.score < _LEAST_SCORE or seen.cut or seen.suspect:
            return None
        if np.linalg.eigvalsh(fix.common_m2)[-1] > _MOST_M**2:
            return None
        index = _match(fix, self._landmarks)
        if index is None or seen.utc_s - self._last_s[index] < _EVERY_S:
            return None
        self._last_s[index] = seen.utc_s
        self._times[index] += 1
        ray = view.camera_ship.directions_to_parent(camera.rays_cam(seen.centre_px[None]))[0]
        sigma = np.hypot(_CAMERA_RAD, _BOX_SHARE * seen.extent_px / camera.fx_px)
        return LandmarkSighting(
            utc_s=seen.utc_s,
            bearing_frd=np.asarray(view.body_ship.rotation.apply(ray, inverse=True)),
            camera_frd_m=view.body_ship.to_body(view.camera_ship.position_m),
            place_ship_m=self._landmarks[index].place_ship_m,
            covariance_rad2=np.eye(2) * sigma**2,
            # 1/(1*2) + 1/(2*3) + ... is 1
            place_sigma_m=_PLACE_M * sqrt(self._times[index] * (self._times[index] + 1)),
        )


def _match(fix: HullFix, landmarks: tuple[Landmark, ...]) -> int | None:
    """The only landmark that it can be."""
    candidates = [i for i, landmark in enumerate(landmarks) if landmark.label == fix.sighting.label]
    if not candidates:
        return None
    off = np.array([landmarks[i].place_ship_m - fix.point_ship_m for i in candidates])
    covariance = fix.common_m2 + fix.independent_m2 + _PLACE_M**2 * np.eye(3)
    distance = np.einsum("ki,ij,kj->k", off, np.linalg.inv(covariance), off)
    order = np.argsort(distance)
    if distance[order[0]] > _NEAR or (len(order) > 1 and distance[order[1]] < distance[order[0]] + _APART):
        return None
    return candidates[int(order[0])]


def bearing_predictor(
    sighting: LandmarkSighting, vehicle_ned: Pose, motion: Motion, state: Array, middle_m: float
) -> Predictor:
    """How far beside its bearing a landmark would appear, in two directions, in sigma; 0 is where it was seen.

    Args:
        vehicle_ned: at the time of the sighting.
        motion: from the state's time to that of the sighting, which may lie before.
        state: (12,) for the distance, which weighs the uncertainty of the place.
    """
    bearing = np.asarray(vehicle_ned.rotation.apply(sighting.bearing_frd))
    camera = np.asarray(vehicle_ned.rotation.apply(sighting.camera_frd_m))
    aside = np.cross([0.0, 0.0, 1.0], bearing)
    aside /= max(float(np.linalg.norm(aside)), 1e-9)
    axes = np.stack([bearing, aside, np.cross(bearing, aside)])
    down_m = float(vehicle_ned.position_m[2])

    def offsets(states: Array) -> tuple[Array, Array]:
        there, _ = moved_on(states, motion)
        heading, trim, list_ = there[:, s.HEADING, None], there[:, s.TRIM, None], there[:, s.LIST, None]
        turned = s.tilted(trim, list_, s.level(heading, np.broadcast_to(axes, (len(there), 3, 3))))
        offset = s.tilted(trim[:, 0], list_[:, 0], s.level(heading[:, 0], np.broadcast_to(camera, (len(there), 3))))
        place = np.column_stack([there[:, s.ALONG], there[:, s.ACROSS], s.depth_m(there, down_m, middle_m)])
        parts = np.einsum("kai,ki->ka", turned, sighting.place_ship_m - place - offset)
        ahead = np.where(parts[:, :1] > 0.1, parts[:, :1], np.nan)  # behind the camera nothing is seen
        return parts[:, 1:] / ahead, ahead[:, 0]

    distance = float(np.nan_to_num(offsets(state[None])[1][0], nan=1.0))
    covariance = sighting.covariance_rad2 + np.eye(2) * (sighting.place_sigma_m / distance) ** 2
    whiten = np.linalg.inv(np.linalg.cholesky(covariance))

    def predict(states: Array) -> tuple[Array, Array, Array]:
        k = len(states)
        steps = np.zeros((17, s.SIZE))
        steps[1:9, :8], steps[9:, :8] = np.eye(8) * _STEP, -np.eye(8) * _STEP
        seen, _ = offsets((states[None] + steps[:, None]).reshape(-1, s.SIZE))
        seen = (seen @ whiten.T).reshape(17, k, 2)
        slopes = np.zeros((k, 2, s.SIZE))
        slopes[..., :8] = ((seen[1:9] - seen[9:]) / (2 * _STEP)).transpose(1, 2, 0)
        return seen[0], slopes, np.zeros((k, 2))

    return predict
