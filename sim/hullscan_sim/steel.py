"""A steel hull for ArduSub's simulated compass: our pattern of heading errors as an offset of its first compass.

SITL makes the magnetic field of position and attitude and takes an offset off it that can be set while it flies
(SIM_MAG1_OFS). Turning the earth's horizontal field by the error of this place makes the compass read wrong by
just that error, and what the estimator makes of it is its own affair. The other compasses are switched off: on a
vehicle they would all be wrong together.
"""

from __future__ import annotations

from math import cos, radians, sin

from pymavlink.mavextra import get_mag_field_ef

from hullscan.geometry.frames import GeoOrigin
from hullscan_sim.dynamics import Vector
from hullscan_sim.plant import Plant
from hullscan_sim.sensors import Compass

__all__ = ["LEAST_CHANGE_MGAUSS", "OWN_OFFSET_MGAUSS", "PERIOD_S", "SteelCompass", "horizontal_field_mgauss"]

OWN_OFFSET_MGAUSS: Vector = (5.0, 13.0, -18.0)
"""Default of SIM_MAG1_OFS; calibrated away by COMPASS_OFS."""

PERIOD_S = 0.5
"""At 0.3 m/s 15 cm of way; the pattern's shortest wave is 7 m."""

LEAST_CHANGE_MGAUSS = 2.0
"""0.4 degrees in a horizontal field of 0.31 gauss (Busan)."""


def horizontal_field_mgauss(place: GeoOrigin) -> tuple[float, float]:
    """North and east part of the earth's field, by the table that ArduPilot itself carries."""
    declination_deg, inclination_deg, gauss = get_mag_field_ef(place.lat_deg, place.lon_deg)
    level = 1000 * gauss * cos(radians(inclination_deg))
    return level * cos(radians(declination_deg)), level * sin(radians(declination_deg))


class SteelCompass:
    """Offsets for the place and attitude of a plant.

    Args:
        plant: its place, attitude and clearance count.
        compass: the pattern of errors.
    """

    def __init__(self, plant: Plant, compass: Compass) -> None:
        self._plant, self._compass = plant, compass
        self._field = horizontal_field_mgauss(plant.launch_origin)

    def offset_mgauss(self) -> Vector:
        """What SIM_MAG1_OFS has to be here and now, body axes."""
        body, world = self._plant.body, self._plant.world
        heading = body.euler_rad[2] - world.ship_pose.heading_rad
        error = self._compass.error_rad(world.to_ship(body.position), self._plant.contacts.clearance_m, heading)
        north, east = self._field
        c, s = cos(error), sin(error)
        # the field turned back by the error; the compass reads the field less its offset
        turned = body.to_body((c * north + s * east - north, c * east - s * north - east, 0.0))
        x, y, z = (own - part for own, part in zip(OWN_OFFSET_MGAUSS, turned, strict=True))
        return x, y, z
