"""Where the vehicle does not come without lock-out: near rudder and propeller, and near the mouths of thrusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.patterns.gear import KEEP_OUT_M, keep_out
from hullscan.search.cells import HullCells
from hullscan.search.zones import HullZones

__all__ = ["KeepOut"]


@dataclass(frozen=True, slots=True)
class KeepOut:
    """Of a mission; with a complete lock-out only what the clearance asks is left.

    Attributes:
        mouths_m: (k, 3) middles of thruster tunnels that may turn, ship frame.
        reach_m: of the vehicle's middle from them.
    """

    mission: Mission
    mouths_m: Array
    reach_m: float

    @classmethod
    def of(cls, mission: Mission, zones: HullZones, cells: HullCells) -> KeepOut:
        """With the thrusters among a ship's zones."""
        locked = mission.file.lock_out is not None and mission.file.lock_out.complete
        tunnels = [index for index, zone in enumerate(zones.zones) if zone.kind == "thruster_tunnel" and not locked]
        mouths = np.array([cells.points_m[zones.of_cell == index].mean(axis=0) for index in tunnels])
        reach_m = KEEP_OUT_M + float(np.linalg.norm(mission.vehicle.half_size_m))
        return cls(mission, mouths.reshape(-1, 3), reach_m)

    def __call__(self, poses: Array) -> npt.NDArray[np.bool_]:
        """(n,) whether (n, 6) poses come too near."""
        apart = np.linalg.norm(poses[:, None, :3] - self.mouths_m, axis=2)
        return np.asarray(keep_out(self.mission, poses) | (apart < self.reach_m).any(axis=1), dtype=bool)
