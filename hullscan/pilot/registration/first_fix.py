"""The first fix: from a berth known to a few metres and degrees to a place beside the hull.

The mixture begins as a grid along the ship and over her heading. Across, the first ranges tell: each point of the
grid is set as far off the plating at its station as was measured. Without that, points that the berth's error puts
inside the ship, or far from her, would see nothing, and be given up for that. Every point then runs the same
iterated update (Gauss and Newton's method on all beams), and those that the plating's shape contradicts die out.
"""

from __future__ import annotations

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.pilot.registration import state as s
from hullscan.pilot.registration.mixture import Mixture
from hullscan.ship.surface import HullSurface

__all__ = ["beside_plating", "grid"]

_GRID_M, _GRID_RAD = 0.8, float(np.radians(9.0))
_FAR_M = 200.0


def grid(mean: Array, covariance: Array) -> Mixture:
    """Places along the ship and headings that the berth and the compass leave possible."""
    return Mixture.spread(mean, covariance, along_m=_GRID_M, heading_rad=_GRID_RAD)


def beside_plating(hull: HullSurface, states: Array, vehicle_down_m: float, range_m: float, middle_m: float) -> Array:
    """(k, 12) states with the place across so that the plating abeam is at a range; as they were where none is.

    Args:
        states: on the side where the vehicle is taken to be.
        range_m: as measured, the middle one of the beams.
    """
    side = np.where(states[:, s.ACROSS] >= 0, 1.0, -1.0)
    side = np.full(len(states), np.sign(side.sum()) or 1.0)
    depth = np.maximum(s.depth_m(states, vehicle_down_m, middle_m), 0.1)
    origins = np.column_stack([states[:, s.ALONG], side * _FAR_M, depth])
    met = hull.cast(origins, np.column_stack([np.zeros_like(side), -side, np.zeros_like(side)]), 2 * _FAR_M)
    out = states.copy()
    out[met.hit, s.ACROSS] = (met.points_m[:, 1] + side * range_m)[met.hit]
    return out
