"""How late the pictures are, measured in flight: the vehicle looks left and right before its first lane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hullscan.clock import Clock
from hullscan.geometry.frames import Array
from hullscan.mission.vehicle import VehicleProfile
from hullscan.preflight.stream_checks import is_late, true_latency_s
from hullscan.preflight.video_lag import LagWatch, VideoLag
from hullscan.vehicle.protocol import RangeSensor
from hullscan.vehicle.telemetry import Telemetry
from hullscan.words import mark

__all__ = ["PictureTime"]


class PictureTime:
    """Listens to pictures and gyro while the pilot turns, and says what came of it.

    Args:
        profile: of the vehicle: its camera, and where that is mounted.
        ranges: how far away what it sees is.
        say: gets (kind, message, data) for the record.

    Attributes:
        watch: gets every picture.
        lag: as it was measured; None before, and when it could not be.
    """

    def __init__(
        self,
        profile: VehicleProfile,
        telemetry: Telemetry,
        ranges: RangeSensor,
        clock: Clock,
        say: Callable[[str, str, dict[str, Any]], None],
    ) -> None:
        self._telemetry, self._ranges, self._clock, self._say = telemetry, ranges, clock, say
        self._ahead_m = float(profile.camera_mount.position_m[0])
        self._latency_s = profile.video_latency_s
        self.watch = LagWatch(profile.camera, self._turned, self._note)
        self.lag: VideoLag | None = None

    def turning(self, begins: bool) -> None:
        """The pilot begins to look about, or has done so."""
        if begins:
            self.watch.begin()
        else:
            self.watch.end(self._clock.now())

    def sigma_s(self, stamps_s: float) -> float:
        """Uncertainty of a picture's time, from that of its stamp: what it is beside the gyro counts in it."""
        beside_s = self.lag.lag_s if self.lag is not None and is_late(self.lag) else 0.0
        return float(np.hypot(stamps_s, beside_s))

    @property
    def facts(self) -> dict[str, float]:
        """For the summary, milliseconds."""
        if self.lag is None:
            return {}
        return {
            "late_by": round(self.lag.lag_s * 1000, 1),
            "late_by_uncertainty": round(self.lag.sigma_s * 1000, 1),
        }

    def _turned(self, begin_s: float, end_s: float) -> Array:
        """(n, 2) UTC seconds and rates at which what is ahead goes past the camera, by gyro and velocity, rad/s."""
        rows = self._telemetry.attitude.between(begin_s, end_s)
        moved = self._telemetry.position.between(begin_s, end_s)
        turn = rows["yaw_radps"]
        near = [report.distances_m[report.good].mean() for report in self._ranges.since(begin_s) if report.good.any()]
        if near and len(moved) > 1:
            yaw = rows["yaw_rad"]
            north, east = (np.interp(rows["utc_s"], moved["utc_s"], moved[name]) for name in ("north_mps", "east_mps"))
            aside = np.cos(yaw) * east - np.sin(yaw) * north + self._ahead_m * turn
            turn = turn + aside / float(np.median(near))
        return np.column_stack([rows["utc_s"], turn])

    def _note(self, lag: VideoLag | None) -> None:
        self.lag = lag
        if lag is None:
            words = mark("how late the pictures are was not measured: it saw too little while it turned")
            self._say("degraded", words, {})
            return
        data = {"lag": lag.lag_s * 1e3, "sigma": lag.sigma_s * 1e3}
        if is_late(lag):
            words = mark(
                "the pictures' time stamps are {lag:+.0f} ± {sigma:.0f} ms late against the gyro: places are less sure "
                "by as much as the vehicle moves meanwhile; next time write video_latency_s: {latency:.2f} into the "
                "mission"
            )
            self._say("degraded", words, data | {"latency": true_latency_s(self._latency_s, lag)})
        else:
            self._say("video", mark("pictures against the gyro: {lag:+.0f} ± {sigma:.0f} ms"), data)
