"""Rudder and propeller by rule of thumb, for a ship whose drawings are not at hand.

A propeller of 0.65 of the draught with its shaft at 0.35 of the draught above the keel, half a metre to 0.006 of the
length behind the sternpost; a rudder behind it, as high as the propeller and 0.6 as long as high (Schneekluth &
Bertram, Ship Design for Efficiency and Economy, ch. 4 and 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.ship.surface import HullSurface

__all__ = ["Gear", "gear_by_rule"]

_DIAMETER, _SHAFT_HEIGHT, _RUDDER_LENGTH = 0.65, 0.35, 0.6
_LEAST_GIRTH_M = 0.3  # of a section that counts as wet


@dataclass(frozen=True, slots=True)
class Gear:
    """Rudder and propeller.

    Attributes:
        sternpost_m: station of the aft edge of the skeg at the shaft.
        propeller_m: station of the propeller's disc.
        rudder_m: stations of the rudder's ends, aft first.
        shaft_depth_m, radius_m: of the propeller.
        depths_m: of the rudder's head and heel.
    """

    sternpost_m: float
    propeller_m: float
    rudder_m: tuple[float, float]
    shaft_depth_m: float
    radius_m: float
    depths_m: tuple[float, float]

    @property
    def outline_m(self) -> Array:
        """(4, 2) convex outline in plan, (x, y): the disc's width and the rudder's length."""
        r = self.radius_m
        return np.array(
            [[self.propeller_m, r], [self.propeller_m, -r], [self.rudder_m[0], 0.0], [self.sternpost_m, 0.0]]
        )


@lru_cache(maxsize=8)
def gear_by_rule(hull: HullSurface) -> Gear:
    """Rudder and propeller of a single-screw ship."""
    wet = hull.stations_m[hull.total_girth(hull.stations_m) > _LEAST_GIRTH_M]
    first, last = float(wet[0]), float(wet[-1])
    stations = np.linspace(first, first + 0.15 * (last - first), 300)
    depths = hull.keel_depth(stations)
    keel = float(depths.max())
    radius = _DIAMETER / 2 * keel
    shaft = keel * (1 - _SHAFT_HEIGHT)
    post = float(stations[np.argmax(depths >= shaft)])
    gap = max(0.5, 0.006 * (last - first))
    height = 2 * radius
    fore = post - 2 * gap
    return Gear(
        post, post - gap, (fore - _RUDDER_LENGTH * height, fore), shaft, radius, (shaft - radius, shaft + radius)
    )
