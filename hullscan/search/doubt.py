"""Where the camera may have been: how sure it is that a cell was in a picture.

The place of the camera on the hull is known to some centimetres beside a stem and to a metre under a flat bottom, and
what is wrong with it is nearly the same for all looks of a lane. So each look is asked with the camera at ``PLACES``
places drawn from its covariance, the same draws for every look: what one place of a lane's beginning shows, the same
place goes on showing. A cell was seen for certain if, wherever the camera was, some look showed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation
from scipy.special import ndtri
from scipy.stats import qmc

from hullscan.geometry.frames import Array

__all__ = ["EVERYWHERE", "PLACES", "CameraDoubt", "share_of_places"]

PLACES: Final = 64
"""One for each bit of an integer, so that what was seen from where is one number for a cell."""
EVERYWHERE: Final = np.uint64(2**64 - 1)


@dataclass(frozen=True, slots=True)
class CameraDoubt:
    """How far the camera may be elsewhere, and look elsewhere.

    Attributes:
        place_m2: (3, 3) covariance of its place, ship frame.
        turn_rad: one sigma of its direction about each of its axes.
    """

    place_m2: Array
    turn_rad: float

    @property
    def sigma_m(self) -> float:
        """Of its place, in the worst direction."""
        return float(np.sqrt(np.linalg.eigvalsh(self.place_m2)[-1]))

    def shifts_m(self) -> Array:
        """(PLACES, 3) from where it is believed to be, ship frame."""
        # the symmetric root: it turns and grows with the covariance and so keeps each draw the same draw
        value, axes = np.linalg.eigh(self.place_m2)
        root = (axes * np.sqrt(np.maximum(value, 0.0))) @ axes.T
        return np.asarray(_draws()[:, :3] @ root, dtype=np.float64)

    def turns(self) -> Array:
        """(PLACES, 3, 3) rotations of the camera frame, from believed to drawn."""
        return np.asarray(Rotation.from_rotvec(self.turn_rad * _draws()[:, 3:]).as_matrix(), dtype=np.float64)


def share_of_places(bits: npt.NDArray[np.uint64]) -> Array:
    """Share of the places, 0 to 1, that are set in each number."""
    return np.asarray(np.bitwise_count(bits) / PLACES, dtype=np.float64)


@cache
def _draws() -> Array:
    """(PLACES, 6) of the standard normal distribution, spread evenly (Sobol's sequence, half a step off zero)."""
    even = qmc.Sobol(6, scramble=False).random(PLACES)
    return np.asarray(ndtri(even + 0.5 / PLACES), dtype=np.float64)
