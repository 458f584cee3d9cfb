"""Where the camera was, seen from the ship, at the moment of a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hullscan.errors import HullscanError
from hullscan.geometry.frames import Array, GeoOrigin, Pose, ShipPose
from hullscan.geometry.track import ShipTrack
from hullscan.mission.dead_reckoning import dead_reckoning_of
from hullscan.mission.vehicle import VehicleProfile
from hullscan.vehicle.telemetry import Telemetry

__all__ = ["Viewpoint", "Viewpoints"]

_HEARD_S = 1.0  # between two poses of the registration this long nothing is lost


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """The camera at one moment.

    Attributes:
        camera_ship: ship from camera.
        body_ship: ship from frd.
        velocity_ship_mps: (3,) of the vehicle.
        ship_ned: the ship's pose in the vehicle's local frame.
        ship_covariance: (4, 4) of north_m, east_m, heading_rad, down_m.
    """

    utc_s: float
    camera_ship: Pose
    body_ship: Pose
    velocity_ship_mps: Array
    ship_ned: ShipPose
    ship_covariance: Array

    @property
    def speed_mps(self) -> float:
        """Of the camera past the hull."""
        return float(np.linalg.norm(self.velocity_ship_mps))


class Viewpoints:
    """Viewpoints from recorded telemetry and the registration of the ship.

    Args:
        telemetry: of the vehicle.
        ship: where she lay in the vehicle's local frame.
        profile: camera mount.
    """

    def __init__(self, telemetry: Telemetry, ship: ShipTrack, profile: VehicleProfile) -> None:
        self.telemetry, self.ship, self.profile = telemetry, ship, profile

    @property
    def origin(self) -> GeoOrigin | None:
        """WGS 84 place of the local frame, if the vehicle told it."""
        return self.telemetry.origin

    def at(self, utc_s: float) -> Viewpoint | None:
        """The camera at a time; None when telemetry says nothing near it."""
        try:
            body = self.telemetry.pose_at(utc_s)
            velocity = self.telemetry.position.at(utc_s).velocity_ned_mps
        except HullscanError:
            return None
        ship, covariance = self.ship.at(utc_s)
        astray_m = self._astray_m(utc_s)
        covariance = covariance + np.diag([astray_m**2, astray_m**2, 0.0, 0.0])
        body_ship = ship.pose_in_ship(body)
        mount = self.profile.camera_pose_frd(self._tilt_rad(utc_s))
        turned = ship.as_pose.rotation.apply(np.asarray(velocity), inverse=True)
        return Viewpoint(utc_s, body_ship @ mount, body_ship, np.asarray(turned), ship, covariance)

    def _astray_m(self, utc_s: float) -> float:
        """How far dead reckoning may have gone astray since the hull was last heard, or until it is heard again."""
        unheard_s = max(self.ship.alone_s(utc_s) - _HEARD_S, 0.0)
        return dead_reckoning_of(self.profile).astray_m(unheard_s, lost=self.telemetry.position_lost_at(utc_s))

    def _tilt_rad(self, utc_s: float) -> float:
        """Camera tilt, up positive, from the servo's position as ArduSub reports it: 0 is up as far as it goes, 1 down.

        ArduSub turns the servo's output round before it sends CamTilt (``1 - (norm / 2 + 0.5)`` in its GCS code).
        """
        series = self.telemetry.values.get("CamTilt")
        sample = series.before(utc_s) if series is not None else None
        if sample is None:
            return 0.0
        share = float(np.clip(sample.value, 0.0, 1.0))
        return (0.5 - share) * 2 * self.profile.tilt_range_rad
