"""The current: what a mission states of it, and how fast a vehicle gets along in it.

A speed over ground against a current is a greater one through the water. Of what a vehicle can do through the water a
part is kept back: for staying at its distance from the hull, whatever comes from abeam.
"""

from __future__ import annotations

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.tide import utc_seconds

__all__ = [
    "WATER_SHARE",
    "current_ship_mps",
    "fastest_against_mps",
    "speed_in_current",
    "stated_current_ne_mps",
]

WATER_SHARE = 0.8
"""Of a vehicle's speed through the water that a leg may use: drag is quadratic, so a third of the thrust is left."""
_LEAST_SHARE = 0.2  # of the wanted speed: a leg that stood still would never end, and who holds it must say so


def speed_in_current(wanted_mps: float, ways: Array, current_mps: Array, water_mps: float) -> Array:
    """(n,) speed over ground along (n, 3) unit vectors, up to the wanted one, in a (3,) current of the same frame.

    Args:
        water_mps: greatest speed through the water, all of it.
    """
    limit = WATER_SHARE * water_mps
    along = np.asarray(ways, dtype=np.float64) @ current_mps
    room = along**2 + limit**2 - float(current_mps @ current_mps)
    fastest = along + np.sqrt(np.maximum(room, 0.0))
    return np.clip(fastest, _LEAST_SHARE * wanted_mps, wanted_mps)


def stated_current_ne_mps(mission: Mission, after_s: Array) -> tuple[Array, bool]:
    """(n, 2) current, north and east, at times after the start of the window; and whether a tide table knows it.

    Else it is the constant of the mission.

    Raises:
        InputError: ``start_utc`` is no time.
    """
    if mission.tide is not None and mission.file.start_utc is not None:
        current = mission.tide.current_ne_mps(utc_seconds(mission.file.start_utc, where="start_utc") + after_s)
        if not np.isnan(current).any():
            return current, True
    conditions = mission.file.conditions
    towards = np.radians(conditions.current_towards_deg)
    constant = conditions.current_mps * np.array([np.cos(towards), np.sin(towards)])
    return np.tile(constant, (len(after_s), 1)), False


def current_ship_mps(mission: Mission, after_s: float) -> Array:
    """(3,) the stated current in the ship's axes, at a time after the start of the window."""
    north, east = stated_current_ne_mps(mission, np.array([after_s]))[0][0]
    heading = np.radians(mission.file.berth.heading_deg)
    c, s = np.cos(heading), np.sin(heading)
    return np.array([c * north + s * east, c * east - s * north, 0.0])


def fastest_against_mps(mission: Mission, wanted_mps: float) -> float:
    """Speed that the stated current leaves on lanes along the ship both ways, over the whole window."""
    along = max(
        abs(float(current_ship_mps(mission, 60.0 * minute)[0])) for minute in range(int(mission.file.window_min) + 1)
    )
    way, against = np.array([[1.0, 0.0, 0.0]]), np.array([-along, 0.0, 0.0])
    return float(speed_in_current(wanted_mps, way, against, mission.vehicle.water_speed_mps)[0])
