"""One and the same place on a ship that floats otherwise: deeper, trimmed, or with a list."""

from __future__ import annotations

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.ship.surface import Dimensions

__all__ = ["as_floating"]


def as_floating(points_ship_m: Array, before: Dimensions, after: Dimensions) -> Array:
    """(n, 3) of the ship frame as she floats after, of places that are (n, 3) of it as she floated before.

    The ship frame counts depth from the waterline, so a thing on the plating has other coordinates when she is loaded.
    Trim is taken as a shear, as forms are lofted: at one in two hundred a place moves along by 5 mm for each metre.
    """
    x, y, z = np.asarray(points_ship_m, dtype=np.float64).reshape(-1, 3).T
    c, s = np.cos(np.radians(before.list_deg)), np.sin(np.radians(before.list_deg))
    across, height = y * c + z * s, before.draught_at(x) - (z * c - y * s)
    depth = after.draught_at(x) - height
    c, s = np.cos(np.radians(after.list_deg)), np.sin(np.radians(after.list_deg))
    return np.column_stack([x, across * c - depth * s, depth * c + across * s])
