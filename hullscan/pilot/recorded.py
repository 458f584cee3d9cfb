"""Where the ship lay, from a recording: one registration for each session of flying.

A mission that was resumed has several: between them the vehicle was on deck, its estimator began anew, and so does the
search for the ship.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hullscan.errors import InputError
from hullscan.findings.geotag import geotag
from hullscan.findings.sightings import Sighting
from hullscan.findings.viewpoint import Viewpoints
from hullscan.geometry.camera import Camera
from hullscan.geometry.track import ShipTrack
from hullscan.mission.model import Mission
from hullscan.mission.plan import Plan
from hullscan.pilot.berth import expected_ship
from hullscan.pilot.registration import HullRegistration, fitting_landmarks, noise_of, sightings_of_fittings
from hullscan.vehicle.protocol import RangeReport
from hullscan.vehicle.telemetry import Telemetry

__all__ = ["Session", "joined", "registered", "sessions_of"]

_SILENCE_S = 3.0  # the vehicle tells its position several times a second


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
    breaks = [_break_before(telemetry, begin_s) for begin_s in sorted(begins)[1:]]
    starts = [float("-inf"), *(begin_s for _, begin_s in breaks)]
    ends = [*(end_s for end_s, _ in breaks), float("inf")]
    found = [
        Session(begin_s, end_s, registration)
        for begin_s, end_s in zip(starts, ends, strict=True)
        if (registration := _session(mission, plan, telemetry, ranges, begin_s, end_s)) is not None
    ]
    if not found:
        raise InputError("the telemetry holds no position of the vehicle", todo="it needs LOCAL_POSITION_NED")
    return found


def _break_before(telemetry: Telemetry, begin_s: float) -> tuple[float, float]:
    """Where one session ends and the next begins: about the last silence of the vehicle before a stated beginning.

    A session is stated to begin when its survey does. What was recorded in its preflight is not the end of the one
    before: minutes may lie between, in which nobody knows what the vehicle did.
    """
    times = telemetry.position.between(float("-inf"), begin_s + _SILENCE_S)["utc_s"]
    silent = np.flatnonzero(np.diff(times) > _SILENCE_S)
    if not len(silent):
        return begin_s, begin_s
    last, first = times[silent[-1]], times[silent[-1] + 1]
    return float(np.nextafter(last, first)), float(first)


def registered(
    sessions: Sequence[Session], mission: Mission, telemetry: Telemetry, sightings: Iterable[Sighting], camera: Camera
) -> tuple[ShipTrack, dict[str, int]]:
    """The ship's track from everything of all sessions: ranges, and fittings of the drawings that were sighted.

    Args:
        sightings: in whatever order; none where ranges alone are to tell.
        camera: for the size of the frames that they are in.

    Returns:
        The track; and for the summary, how many fittings are known and how often one told the place.
    """
    known = fitting_landmarks(mission.hull, mission.file.ship.fittings)
    labels = {landmark.label for landmark in known}
    shown = sorted((each for each in sightings if each.label in labels), key=lambda each: each.utc_s)
    tracks, used = [], 0
    for session in sessions:
        track = session.registration.smoothed()
        views, fixes = Viewpoints(telemetry, track, mission.vehicle), []
        for sighting in shown:
            view = views.at(sighting.utc_s) if session.begin_s <= sighting.utc_s < session.end_s else None
            fix = None if view is None else geotag(sighting, view, camera, mission.hull, mission.vehicle, 0.0)
            if fix is not None:
                fixes.append(fix)
        landmarks = sightings_of_fittings(fixes, views, camera, known)
        used += len(landmarks)
        tracks.append(session.registration.smoothed_again(landmarks, telemetry) if landmarks else track)
    return joined(tracks), {"fittings_known": len(known), "fittings_used": used}


def joined(tracks: Sequence[ShipTrack]) -> ShipTrack:
    """Tracks one after the other in time; a constant one counts only when it is alone.

    What one knew at its end holds until the next begins: the ship does not move from the one to the other, she is found
    anew.
    """
    moving = [track for track in tracks if len(track.utc_s) > 1] or [tracks[-1]]
    held = [track.held_until(float(after.utc_s[0])) for track, after in pairwise(moving)] + moving[-1:]
    return ShipTrack(
        np.concatenate([track.utc_s for track in held]),
        np.concatenate([track.poses for track in held]),
        np.concatenate([track.covariances for track in held]),
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
