"""From a pixel to a place on the hull, with its covariance.

The ray through the centre of a box is cast on the hull. A parcel stands off the plating, so what its box shows is
traced edge by edge (``outline``): the foot of the middle of that outline is its place.

The covariance has two parts. One is independent from look to look (pixel, vibration of the attitude, timing), and
many looks reduce it. The other is common to all looks of a pass (registration of the ship, mounting of the
camera), and no number of looks does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hullscan.findings.outline import Outline, outline_of_box
from hullscan.findings.sightings import Sighting
from hullscan.findings.viewpoint import Viewpoint
from hullscan.geometry.camera import Camera
from hullscan.geometry.frames import Array, ShipPose
from hullscan.mission.vehicle import VehicleProfile
from hullscan.search.doubt import CameraDoubt
from hullscan.ship.surface import HullSurface

__all__ = ["MOUNT_SIGMA_M", "MOUNT_SIGMA_RAD", "HullFix", "camera_doubt", "geotag"]

# Heights off the plating of what is labelled: from the seizures of the field notes (boxes, bags and cylinders 0.2 to
# 0.4 m thick); fittings lie flat.
_HEIGHT_M = {"parcel": 0.24}
_FLAT_M = 0.02

_PIXEL_SIGMA = 2.0  # px, plus a share of the box: detectors place edges to about 8 % of the object
_BOX_SHARE = 0.08
_ATTITUDE_SIGMA_RAD = np.radians(0.6)  # look to look, of ArduSub's estimator at 10 Hz
MOUNT_SIGMA_RAD, MOUNT_SIGMA_M = np.radians(1.0), 0.02
"""By which a camera sits otherwise than its profile says, about and along each axis, one standard deviation."""
_MAX_RANGE_M = 12.0
# Of depth, at least: the pressure sensor's zero, which the ranges tell only through the curve of the sections. 101
# findings of ten simulated flights were 0.07 m off in depth (rms), where the registration stated 0.03 m; so 97 % of
# them lie within their ellipse.
_DEPTH_ZERO_SIGMA_M = 0.05


@dataclass(frozen=True, slots=True)
class HullFix:
    """One sighting on the hull.

    Attributes:
        point_ship_m: (3,) on the hull surface, under the object's centre.
        normal: (3,) outward.
        independent_m2, common_m2: (3, 3) covariances, ship frame.
        range_m: from the camera.
        outline: of the object, from its point.
    """

    sighting: Sighting
    point_ship_m: Array
    normal: Array
    independent_m2: Array
    common_m2: Array
    range_m: float
    outline: Outline


def geotag(
    sighting: Sighting,
    view: Viewpoint,
    camera: Camera,
    hull: HullSurface,
    profile: VehicleProfile,
    time_sigma_s: float,
) -> HullFix | None:
    """Place one sighting on the hull; None where its ray misses the hull.

    Args:
        camera: intrinsics for the size of the frame that the box is in.
        time_sigma_s: uncertainty of the frame's time against telemetry.
    """
    ray_cam = camera.rays_cam(sighting.centre_px[None])
    ray = view.camera_ship.directions_to_parent(ray_cam)[0]
    met = hull.cast(view.camera_ship.position_m, ray[None], _MAX_RANGE_M)
    if not met.hit[0]:
        return None
    distance, normal = float(met.distance_m[0]), met.normals[0]
    cosine = max(float(-ray @ normal), 0.15)
    height = _HEIGHT_M.get(sighting.label, _FLAT_M)
    outline = outline_of_box(sighting.box_xyxy_px, camera, view.camera_ship, met.points_m[0], normal, height)
    nearest, _, normals = hull.nearest((met.points_m[0] + outline.centre_m @ outline.axes)[None])
    point, normal = nearest[0], normals[0]
    outline = Outline(outline.axes, outline.ends_m - outline.centre_m[:, None], outline.seen)

    gsd_m = distance / camera.fx_px
    pixel_sigma = (
        _PIXEL_SIGMA + _BOX_SHARE * sighting.extent_px + (0.0 if outline.seen.all() else 0.25 * sighting.extent_px)
    )
    along = view.velocity_ship_mps * time_sigma_s
    across_sigma = np.hypot(pixel_sigma * gsd_m, distance * _ATTITUDE_SIGMA_RAD)
    tangent = np.eye(3) - np.outer(normal, normal)
    stretch = np.outer(ray - normal * (ray @ normal), ray - normal * (ray @ normal)) / cosine**2
    independent = across_sigma**2 * (tangent + stretch)
    common = _of_ship_pose(view.ship_ned, view.ship_covariance, point, _DEPTH_ZERO_SIGMA_M)
    common = common + (distance * MOUNT_SIGMA_RAD) ** 2 * (tangent + stretch) + MOUNT_SIGMA_M**2 * np.eye(3)
    common = common + np.outer(along, along)
    common = tangent @ common @ tangent
    return HullFix(sighting, point, normal, tangent @ independent @ tangent, common, distance, outline)


def camera_doubt(place_ship_m: Array, ship_ned: ShipPose, ship_covariance: Array) -> CameraDoubt:
    """How far the camera may be elsewhere along the hull, and how far it may look elsewhere.

    Args:
        place_ship_m: (3,) of the camera.
        ship_covariance: (4, 4) of north_m, east_m, heading_rad, down_m.
    """
    place_m2 = _of_ship_pose(ship_ned, ship_covariance, place_ship_m, 0.0) + MOUNT_SIGMA_M**2 * np.eye(3)
    return CameraDoubt(place_m2, float(np.hypot(_ATTITUDE_SIGMA_RAD, MOUNT_SIGMA_RAD)))


def _of_ship_pose(ship_ned: ShipPose, ship_covariance: Array, point_ship_m: Array, least_depth_m: float) -> Array:
    """(3, 3) covariance in the ship frame of a point that is fixed in ned, from that of the ship's pose."""
    c, s = np.cos(ship_ned.heading_rad), np.sin(ship_ned.heading_rad)
    x, y = float(point_ship_m[0]), float(point_ship_m[1])
    jacobian = np.array([[-c, -s, y, 0.0], [s, -c, -x, 0.0], [0.0, 0.0, 0.0, -1.0]])
    covariance = np.array(ship_covariance)
    covariance[3, 3] = max(covariance[3, 3], least_depth_m**2)
    return np.asarray(jacobian @ covariance @ jacobian.T, dtype=np.float64)
