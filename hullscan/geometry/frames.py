"""Frames and poses.

========  =================================================================  =======================
frame     axes                                                               used for
========  =================================================================  =======================
ship      x forward from the aft perpendicular, y starboard, z down from     everything on the hull
          the waterline as she floats (so z is depth); metres
ned       north, east, down at the origin of the vehicle's estimator         MAVLink positions
frd       vehicle body: forward, right, down                                 mounts, DVL
cam       x right, y down, z along the optical axis                          pixels
========  =================================================================  =======================

``r_a_b`` is a rotation that takes vectors of frame b into frame a ("a from b").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pymap3d
from scipy.spatial.transform import Rotation

__all__ = ["R_FRD_CAM", "Array", "GeoOrigin", "Pose", "ShipPose", "wrap_pi"]

Array = npt.NDArray[np.float64]

R_FRD_CAM = Rotation.from_matrix([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""Body from camera, for a camera that looks forward without tilt."""


def wrap_pi(angle_rad: float) -> float:
    """The same angle in [-pi, pi)."""
    return float((angle_rad + np.pi) % (2 * np.pi) - np.pi)


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a body is in a parent frame.

    Attributes:
        position_m: (3,) origin of the body in the parent frame.
        rotation: parent from body.
    """

    position_m: Array
    rotation: Rotation

    def __matmul__(self, other: Pose) -> Pose:
        """Chain: parent from body, then body from part."""
        return Pose(self.to_parent(other.position_m), self.rotation * other.rotation)

    def to_parent(self, points_m: Array) -> Array:
        """(..., 3) points of the body frame in the parent frame."""
        flat = self.rotation.apply(np.reshape(points_m, (-1, 3))) + self.position_m
        return np.asarray(flat.reshape(np.shape(points_m)), dtype=np.float64)

    def to_body(self, points_m: Array) -> Array:
        """(..., 3) points of the parent frame in the body frame."""
        flat = self.rotation.apply(np.reshape(points_m, (-1, 3)) - self.position_m, inverse=True)
        return np.asarray(flat.reshape(np.shape(points_m)), dtype=np.float64)

    def directions_to_parent(self, directions: Array) -> Array:
        """(n, 3) directions of the body frame in the parent frame."""
        return np.asarray(self.rotation.apply(directions), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class ShipPose:
    """Where the ship lies: her aft perpendicular at the waterline, and her heading.

    Trim and list are part of the hull surface: she is modelled as she floats.

    Attributes:
        down_m: of the waterline in the vehicle's frame, whose zero the pressure sensor sets a little wrong.
    """

    north_m: float
    east_m: float
    heading_rad: float
    down_m: float = 0.0

    @property
    def as_pose(self) -> Pose:
        """The same as a general pose: ned from ship."""
        return Pose(np.array([self.north_m, self.east_m, self.down_m]), Rotation.from_euler("z", self.heading_rad))

    def to_ned(self, points_ship_m: Array) -> Array:
        """(..., 3) ship to ned."""
        return self.as_pose.to_parent(points_ship_m)

    def to_ship(self, points_ned_m: Array) -> Array:
        """(..., 3) ned to ship."""
        return self.as_pose.to_body(points_ned_m)

    def pose_in_ship(self, pose_ned: Pose) -> Pose:
        """A body's pose in ned, seen from the ship."""
        return Pose(self.to_ship(pose_ned.position_m), self.as_pose.rotation.inv() * pose_ned.rotation)

    def pose_in_ned(self, pose_ship: Pose) -> Pose:
        """A body's pose in the ship frame, seen in ned."""
        return self.as_pose @ pose_ship


@dataclass(frozen=True, slots=True)
class GeoOrigin:
    """WGS 84 position of a local ned frame; depth counts from the surface, so height is zero."""

    lat_deg: float
    lon_deg: float

    def to_geodetic(self, north_m: float, east_m: float) -> tuple[float, float]:
        """Latitude and longitude in degrees of a point at the surface."""
        lat, lon, _ = pymap3d.ned2geodetic(north_m, east_m, 0.0, self.lat_deg, self.lon_deg, 0.0)
        return float(lat), float(lon)

    def to_ned(self, lat_deg: float, lon_deg: float) -> tuple[float, float]:
        """North and east in metres of a position at the surface."""
        north, east, _ = pymap3d.geodetic2ned(lat_deg, lon_deg, 0.0, self.lat_deg, self.lon_deg, 0.0)
        return float(north), float(east)
