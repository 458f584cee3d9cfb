"""Which of the many talkers on a link is the vehicle.

A BlueROV2's link carries heartbeats of the autopilot (1, 1), the camera (1, 100), BlueOS (1, 194), and of
every ground station (255, 190): the first heartbeat that arrives says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hullscan.errors import LinkError
from hullscan.vehicle.messages import Heartbeat, Source

__all__ = ["AUTOPILOT", "GROUND_STATION", "SUBMARINE", "Station", "choose_vehicle", "describe", "is_submarine"]

SUBMARINE = 12
"""MAV_TYPE_SUBMARINE."""
GROUND_STATION = 6
"""MAV_TYPE_GCS."""
ARDUPILOT = 3
"""MAV_AUTOPILOT_ARDUPILOTMEGA."""
AUTOPILOT = Source(1, 1)
"""The autopilot of a vehicle that keeps its factory system number."""

_TYPES = {  # MAV_TYPE
    0: "generic vehicle",
    1: "aeroplane",
    2: "quadrotor",
    4: "helicopter",
    5: "antenna tracker",
    6: "ground station",
    10: "rover",
    11: "boat",
    12: "submarine",
    13: "hexarotor",
    18: "on-board computer",
    26: "gimbal",
    27: "ADS-B receiver",
    30: "camera",
}
_AUTOPILOTS = {0: "generic autopilot", 3: "ArduPilot", 8: "no autopilot", 12: "PX4"}  # MAV_AUTOPILOT


@dataclass(frozen=True, slots=True)
class Station:
    """A ground station other than hullscan, and how long ago its heartbeat was heard."""

    source: Source
    age_s: float


def is_submarine(heartbeat: Heartbeat) -> bool:
    """Whether an ArduSub vehicle sent this heartbeat."""
    return heartbeat.vehicle_type == SUBMARINE and heartbeat.autopilot == ARDUPILOT


def describe(source: Source, heartbeat: Heartbeat) -> str:
    """A talker in words: "system 255 component 190 (ground station)"."""
    name = _TYPES.get(heartbeat.vehicle_type, f"type {heartbeat.vehicle_type}")
    if heartbeat.vehicle_type != GROUND_STATION and heartbeat.autopilot != 8:  # 8: none
        name += ", " + _AUTOPILOTS.get(heartbeat.autopilot, f"autopilot {heartbeat.autopilot}")
    return f"{source} ({name})"


def choose_vehicle(
    heartbeats: Mapping[Source, Heartbeat], *, system: int | None = AUTOPILOT.system, where: str = ""
) -> Source:
    """The submarine among the talkers.

    Args:
        heartbeats: the latest heartbeat of each.
        system: the MAVLink system number wanted; None takes any, the lowest first (for recorded files).
        where: the address or file, for the error.

    Raises:
        LinkError: no such vehicle; names what was heard instead.
    """
    found = sorted(source for source, beat in heartbeats.items() if is_submarine(beat))
    wanted = [source for source in found if system is None or source.system == system]
    if AUTOPILOT in wanted:
        return AUTOPILOT
    if wanted:
        return wanted[0]
    if found:
        heard = " and ".join(str(source) for source in found)
        raise LinkError(
            f"the only submarine heard is {heard}, not system {system}",
            where=where,
            todo=f"connect to it by its number, or set SYSID_THISMAV to {system}",
        )
    if not heartbeats:
        raise LinkError(
            "no heartbeat from a vehicle", where=where, todo="check power, tether and the address that it sends to"
        )
    heard = ", ".join(describe(source, heartbeats[source]) for source in sorted(heartbeats))
    raise LinkError(
        f"no heartbeat from an ArduSub vehicle, only from {heard}",
        where=where,
        todo="check that the autopilot runs and is routed to this address",
    )
