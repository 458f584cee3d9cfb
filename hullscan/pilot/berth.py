"""Where she should lie in the vehicle's local frame, before anything was measured.

ArduSub needs an origin for its local frame, but a vehicle without GPS does not know where it is: a DVL's driver sends
whatever place somebody typed in. The origin counts only where it puts the vehicle near the mission's launch; else the
vehicle is taken to be at the launch.
"""

from __future__ import annotations

from math import hypot, radians

from hullscan.geometry.frames import Array, GeoOrigin, ShipPose
from hullscan.mission.model import Mission

__all__ = ["expected_ship"]

_NEAR_M = 10.0


def expected_ship(mission: Mission, launch_ship_m: Array, origin: GeoOrigin | None, start_ned_m: Array) -> ShipPose:
    """Her pose as stated, in the vehicle's local frame.

    Args:
        launch_ship_m: (3,) of the plan's launch.
        origin: of the local frame, as the vehicle tells it.
        start_ned_m: (3,) of the vehicle now.
    """
    berth = mission.file.berth
    heading = radians(berth.heading_deg)
    north, east, _ = ShipPose(0.0, 0.0, heading).to_ned(launch_ship_m)
    here = ShipPose(float(start_ned_m[0] - north), float(start_ned_m[1] - east), heading)
    if origin is None:
        return here
    stated = ShipPose(*origin.to_ned(berth.lat_deg, berth.lon_deg), heading)
    # a frame that began at the launch stays good when the vehicle has gone elsewhere since
    begun = ShipPose(float(-north), float(-east), heading)
    off = min(hypot(stated.north_m - each.north_m, stated.east_m - each.east_m) for each in (here, begun))
    return stated if off < _NEAR_M else here
