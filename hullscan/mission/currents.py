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
    "water_speed_mps",
]

WATER_SHARE = 0.8
"""Of a vehicle's speed through the water that a leg may use: drag is quadratic, so a third of the thrust is left."""
_CHOICES = 81
_LEAST_SHARE = 0.2  # of the wanted speed: a leg that stood still would never end, and who holds it must say so


def water_speed_mps(moved_mps: Array, yaws_rad: Array) -> Array:
    """(...,) what (..., 3) velocities through the water cost, as the speed straight ahead that costs as much.

    Four level thrusters stand at 45 degrees to the vehicle's axes: what pushes ahead and what pushes aside add up in
    two of them, so a way askew is the dearest, by the fourth root of two.
    """
    c, s = np.cos(yaws_rad), np.sin(yaws_rad)
    ahead, aside = c * moved_mps[..., 0] + s * moved_mps[..., 1], c * moved_mps[..., 1] - s * moved_mps[..., 0]
    return np.asarray(np.sqrt(np.hypot(ahead, aside) * (np.abs(ahead) + np.abs(aside))), dtype=np.float64)


def speed_in_current(wanted_mps: float, ways: Array, yaws_rad: Array, current_mps: Array, water_mps: float) -> Array:
    """(n,) speed over ground along (n, 3) unit vectors, up to the wanted one, in a (3,) current of the same frame.

    Args:
        yaws_rad: (n,) of the vehicle.
        water_mps: greatest speed through the water, all of it.
    """
    speeds = np.linspace(_LEAST_SHARE, 1.0, _CHOICES) * wanted_mps
    moved = speeds[:, None] * np.asarray(ways, dtype=np.float64)[:, None, :] - current_mps
    costs = water_speed_mps(moved, np.asarray(yaws_rad, dtype=np.float64)[:, None])
    within = costs <= WATER_SHARE * water_mps
    fastest = np.where(within, speeds, 0.0).argmax(axis=1)
    return np.asarray(speeds[np.where(within.any(axis=1), fastest, costs.argmin(axis=1))], dtype=np.float64)


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
    way, beside, against = np.array([[1.0, 0.0, 0.0]]), np.array([np.pi / 2]), np.array([-along, 0.0, 0.0])
    return float(speed_in_current(wanted_mps, way, beside, against, mission.vehicle.water_speed_mps)[0])
