"""Where the ship lay, from a recording: one registration for each session of flying.

A mission that was resumed has several: between them the vehicle was on deck, its estimator began anew, and so does the
search for the ship.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hullscan.errors import InputError
from hullscan.geometry.track import ShipTrack
from hullscan.mission.model import Mission
from hullscan.mission.plan import Plan
from hullscan.pilot.berth import expected_ship
from hullscan.pilot.registration import HullRegistration, noise_of
from hullscan.vehicle.protocol import RangeReport
from hullscan.vehicle.telemetry import Telemetry

__all__ = ["Session", "joined", "registered", "sessions_of"]


@dataclass(frozen=True, slots=True)
class Session:
    """One session of flying: mission times of its beginning and end, and what its ranges say of the ship."""

    begin_s: float
    end_s: float
    registration: HullRegistration


def sessions_of(
    mission: Mission, plan: Plan, telemetry: Telemetry, ranges: Sequence[RangeReport], begins: Sequence[float] = ()
) -> list[Session]:
    """The registration of each session after all of its ranges; it knows the stated berth alone when there are none.

    Args:
        begins: mission times at which sessions began; without any it is one.

    Raises:
        InputError: the telemetry holds no position.
    """
    starts = sorted(begins) or [float("-inf")]
    ends = [*starts[1:], float("inf")]
    starts[0] = float("-inf")
    found = [
        Session(begin_s, end_s, registration)
        for begin_s, end_s in zip(starts, ends, strict=True)
        if (registration := _session(mission, plan, telemetry, ranges, begin_s, end_s)) is not None
    ]
    if not found:
        raise InputError("the telemetry holds no position of the vehicle", todo="it needs LOCAL_POSITION_NED")
    return found


def registered(
    mission: Mission, plan: Plan, telemetry: Telemetry, ranges: Sequence[RangeReport], begins: Sequence[float] = ()
) -> ShipTrack:
    """The ship's track from all sessions of a recording; arguments and errors as ``sessions_of``."""
    return joined([each.registration.smoothed() for each in sessions_of(mission, plan, telemetry, ranges, begins)])


def joined(tracks: Sequence[ShipTrack]) -> ShipTrack:
    """Tracks one after the other in time; a constant one counts only when it is alone."""
    moving = [track for track in tracks if len(track.utc_s) > 1] or [tracks[-1]]
    return ShipTrack(
        np.concatenate([track.utc_s for track in moving]),
        np.concatenate([track.poses for track in moving]),
        np.concatenate([track.covariances for track in moving]),
    )


def _session(
    mission: Mission, plan: Plan, telemetry: Telemetry, ranges: Sequence[RangeReport], begin_s: float, end_s: float
) -> HullRegistration | None:
    position = telemetry.position.between(begin_s, np.nextafter(end_s, begin_s))
    if not len(position):
        return None
    armed_s = _armed_since(telemetry, begin_s, end_s)
    first = position[min(int(np.searchsorted(position["utc_s"], armed_s)), len(position) - 1)]
    start = np.array([first["north_m"], first["east_m"], first["down_m"]])
    expected = expected_ship(mission, plan.legs[0].poses[0][1:4], telemetry.origin, start)
    noise = noise_of(mission.vehicle)
    registration = HullRegistration(mission.hull, expected, mission.vehicle.dvl_mount, start, noise)
    for report in ranges:
        if armed_s <= report.utc_s < end_s:
            registration.take(report, telemetry)
    return registration


def _armed_since(telemetry: Telemetry, begin_s: float, end_s: float) -> float:
    beats = telemetry.heartbeat.between(begin_s, np.nextafter(end_s, begin_s))
    armed = beats["utc_s"][(beats["base_mode"].astype(np.int64) & 128) > 0] if len(beats) else np.zeros(0)
    return float(armed[0]) if len(armed) else begin_s
