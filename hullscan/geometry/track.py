"""Where the ship lay in the vehicle's local frame, over time: the result of hull registration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hullscan.geometry.frames import Array, ShipPose

__all__ = ["ShipTrack"]


@dataclass(frozen=True, slots=True)
class ShipTrack:
    """Ship poses in ned at increasing times.

    Attributes:
        utc_s: (n,).
        poses: (n, 4) north_m, east_m, heading_rad (unwrapped), down_m.
        covariances: (n, 4, 4) of the same.
    """

    utc_s: Array
    poses: Array
    covariances: Array

    def __post_init__(self) -> None:
        count = len(self.utc_s)
        if not count or self.poses.shape != (count, 4) or self.covariances.shape != (count, 4, 4):
            raise ValueError(f"expected poses ({count}, 4) and covariances ({count}, 4, 4), at least one")

    @classmethod
    def constant(cls, pose: ShipPose, covariance: Array) -> ShipTrack:
        """One pose for all times."""
        values = np.array([[pose.north_m, pose.east_m, pose.heading_rad, pose.down_m]])
        return cls(np.zeros(1), values, np.asarray(covariance, dtype=np.float64)[None])

    def at(self, utc_s: float) -> tuple[ShipPose, Array]:
        """Pose and (4, 4) covariance at a time; held beyond both ends."""
        index = int(np.clip(np.searchsorted(self.utc_s, utc_s) - 1, 0, max(len(self.utc_s) - 2, 0)))
        after = min(index + 1, len(self.utc_s) - 1)
        span = self.utc_s[after] - self.utc_s[index]
        share = float(np.clip((utc_s - self.utc_s[index]) / span, 0, 1)) if span > 0 else 0.0
        north, east, heading, down = self.poses[index] * (1 - share) + self.poses[after] * share
        covariance = self.covariances[index] * (1 - share) + self.covariances[after] * share
        return ShipPose(float(north), float(east), float(heading), float(down)), covariance
