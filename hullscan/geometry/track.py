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

    def held_until(self, utc_s: float) -> ShipTrack:
        """With the last pose held until just before a time, at which another track begins."""
        held_s = np.nextafter(utc_s, self.utc_s[-1])
        return ShipTrack(
            np.append(self.utc_s, held_s),
            np.vstack([self.poses, self.poses[-1:]]),
            np.concatenate([self.covariances, self.covariances[-1:]]),
        )

    def alone_s(self, utc_s: float) -> float:
        """How long dead reckoning alone carries a time: from the nearer of the measured poses about it, seconds.

        A pose that another track follows at once was held (``held_until``), not measured. A track of one pose tells
        nothing of when that was: 0.
        """
        if len(self.utc_s) == 1:
            return 0.0
        after = int(np.searchsorted(self.utc_s, utc_s))
        before = after - 1
        if after < len(self.utc_s) and self._held(after):
            after = len(self.utc_s)  # what comes then is another track
        elif before >= 0 and self._held(before):
            before = -1
        about = [each for each in (before, after) if 0 <= each < len(self.utc_s)]
        return float(np.abs(self.utc_s[about] - utc_s).min())

    def _held(self, index: int) -> bool:
        following = self.utc_s[index + 1 : index + 2]
        return len(following) > 0 and bool(following[0] == np.nextafter(self.utc_s[index], np.inf))

    def at(self, utc_s: float) -> tuple[ShipPose, Array]:
        """Pose and (4, 4) covariance at a time; held beyond both ends."""
        index = int(np.clip(np.searchsorted(self.utc_s, utc_s) - 1, 0, max(len(self.utc_s) - 2, 0)))
        after = min(index + 1, len(self.utc_s) - 1)
        span = self.utc_s[after] - self.utc_s[index]
        share = float(np.clip((utc_s - self.utc_s[index]) / span, 0, 1)) if span > 0 else 0.0
        north, east, heading, down = self.poses[index] * (1 - share) + self.poses[after] * share
        covariance = self.covariances[index] * (1 - share) + self.covariances[after] * share
        return ShipPose(float(north), float(east), float(heading), float(down)), covariance
