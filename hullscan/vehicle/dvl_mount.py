"""Where the beams of a Water Linked DVL point: in its own axes, and as mounted on a vehicle.

The DVL's axes are x towards its LED, y to the right of it, z out of its face. A mount is the rotation that takes
them into the body frame; a vehicle profile may give any other than the two here.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.geometry.frames import Array

__all__ = ["BEAMS_DVL", "LOOKS_DOWN", "LOOKS_FORWARD"]

_TILT = math.radians(22.5)  # of each beam against the axis (datasheet)
_AZIMUTHS = np.radians([135.0, -135.0, -45.0, 45.0])  # of transducers 0 to 3, from x towards y (maker's driver)
BEAMS_DVL: Array = np.column_stack(
    [math.sin(_TILT) * np.cos(_AZIMUTHS), math.sin(_TILT) * np.sin(_AZIMUTHS), np.full(4, math.cos(_TILT))]
)
"""(4, 3) unit vectors in the DVL's axes. (The ROS drivers that print 0.653, 0.653, 0.383 have sine and cosine
exchanged; a beam is 22.5 degrees from the axis.)"""

LOOKS_DOWN = Rotation.identity()
LOOKS_FORWARD = Rotation.from_matrix([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
"""Face ahead, LED up: frd = (z, y, -x), as BlueOS's DVL_FORWARD has it (vehicle.md 2b)."""
