"""What earlier sessions of a mission have left: a resumed one shows it, flies their gaps, and repeats no alert."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hullscan.findings.seeing import EarlierLooks
from hullscan.findings.viewpoint import Viewpoints
from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.plan import Plan
from hullscan.pilot.recorded import registered, sessions_of
from hullscan.record.database import MissionDatabase
from hullscan.record.events import read_events
from hullscan.record.folder import MissionFolder
from hullscan.record.replay import hull_ranges
from hullscan.vehicle.tlog import read_recording

__all__ = ["earlier_alerts", "earlier_looks"]

_NOWHERE_M = 1e6


def earlier_looks(
    folder: MissionFolder, database: MissionDatabase, mission: Mission, plan: Plan
) -> EarlierLooks | None:
    """What was looked at up to now, placed from the recording; None when nothing was.

    Raises:
        HullscanError: the recording does not tell from where.
    """
    looks, vehicle = database.looks(), mission.vehicle
    if not looks:
        return None
    telemetry = read_recording(folder.telemetry).telemetry
    ranges = hull_ranges(folder.dvl, vehicle.dvl_mount.rotation, telemetry)
    begins_s = [float(each) for each in database.facts().get("sessions_utc_s", [])]
    sightings = database.sightings()
    sessions = sessions_of(mission, plan, telemetry, ranges, begins_s)
    ship, _ = registered(sessions, mission, telemetry, sightings, vehicle.camera)
    return EarlierLooks(Viewpoints(telemetry, ship, vehicle), looks, sightings)


def earlier_alerts(folder: MissionFolder) -> Iterator[tuple[int, Array]]:
    """Numbers and (3,) places of the flash alerts that were written already; far off where the event has no place."""
    for event in read_events(folder.events):
        data = event.get("data")
        if event.get("kind") != "alert" or not isinstance(data, dict):
            continue
        name, place = str(data.get("name", "")), data.get("position_ship_m")
        if name[1:].isdigit():
            known = isinstance(place, list) and len(place) == 3
            yield int(name[1:]), np.array(place, dtype=np.float64) if known else np.full(3, _NOWHERE_M)
