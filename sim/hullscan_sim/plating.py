"""Plating is not as drawn: between frames it bulges and dents, and what grows on it stands off it."""

from __future__ import annotations

import numpy as np

from hullscan.geometry.frames import Array

__all__ = ["Plating"]

_WAVES = 24
_WAVELENGTHS_M = (0.5, 5.0)  # from frame spacing to a few strakes


class Plating:
    """By how much the plating stands off the lines: a smooth random field, the same for all sensors and times.

    Args:
        rms_m: root mean square of it. Builders keep shell plating fair to 4 to 8 mm between frames (IACS recommendation
            47); service adds dents, and growth of some centimetres.
        generator: where it bulges.
    """

    def __init__(self, rms_m: float, generator: np.random.Generator) -> None:
        directions = generator.normal(size=(_WAVES, 3))
        lengths = np.exp(generator.uniform(np.log(_WAVELENGTHS_M[0]), np.log(_WAVELENGTHS_M[1]), _WAVES))
        self._numbers = 2 * np.pi * directions / np.linalg.norm(directions, axis=1, keepdims=True) / lengths[:, None]
        self._phases = generator.uniform(0, 2 * np.pi, _WAVES)
        self._amplitude_m = rms_m * np.sqrt(2 / _WAVES)

    def off_m(self, points_ship_m: Array) -> Array:
        """(n,) at (n, 3) places of the drawn hull, outward."""
        waves = np.cos(points_ship_m @ self._numbers.T + self._phases)
        return np.asarray(self._amplitude_m * waves.sum(axis=1), dtype=np.float64)
