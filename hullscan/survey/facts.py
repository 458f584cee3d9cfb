"""How a flight went, in numbers, for the summary."""

from __future__ import annotations

from typing import Any

import numpy as np

from hullscan import __version__
from hullscan.clock import utc_text
from hullscan.errors import HullscanError, SafetyStop
from hullscan.survey.flight import Flight
from hullscan.vehicle.dvl import WaterLinkedDvl
from hullscan.vehicle.protocol import RangeSensor

__all__ = ["flight_facts"]


def flight_facts(flight: Flight) -> dict[str, Any]:
    """For the summary: how it went, in numbers."""
    live = flight.live
    assert live is not None
    stored = flight.database.facts()
    start_s, end_s = float(stored["start_utc_s"]), float(stored["end_utc_s"])
    video, battery = live.stream.stats(), live.vehicle.telemetry.battery
    volts = battery.all()["voltage_v"] if len(battery) else np.array([np.nan])
    registration = live.pilot.registration
    outcome = "aborted" if live.pilot.aborted else "done"
    return {
        "outcome": outcome if flight.ended_by is None else "ended by a safety rule",
        "ended_by": None if flight.ended_by is None else str(flight.ended_by),
        "ended_by_words": _words_of(flight.ended_by),
        "sessions_utc_s": [round(each, 3) for each in stored["sessions_utc_s"]],
        "start_utc": utc_text(start_s),
        "end_utc": utc_text(end_s),
        "duration_s": round(end_s - start_s, 1),
        "planned_duration_s": round(flight.plan.duration_s, 1),
        "distance_m": round(live.pilot.distance_m, 1),
        "min_range_m": _rounded(live.pilot.min_range_m),
        "battery_v": {"start": _rounded(float(volts[0])), "end": _rounded(float(volts[-1]))},
        "pilot": flight.options.pilot or None,
        "vehicle": {"profile": flight.mission.vehicle.name, **flight.identity},
        "registration": {
            "updates": registration.updates if registration is not None else 0,
            "beams_used": registration.used_beams if registration is not None else 0,
            "beams_rejected": registration.rejected_beams if registration is not None else 0,
            "fittings_used_live": registration.landmarks_used if registration is not None else 0,
        },
        "video": {
            "packets_lost": video.lost_packets,
            "frames_in": video.access_units,
            "frames_recorded": video.recorded,
            "frames_unrecorded": video.unrecorded,
            "frames_decoded": video.decoded,
            "frames_suspect": video.suspect,
            "frames_examined": live.seeing.looks,
        },
        "dvl": {
            "reports": live.ranges.counts.reports,
            "invalid": live.ranges.counts.invalid,
            "suspect": live.ranges.counts.suspect,
            "repeated": live.ranges.counts.repeated,
            "reconnects": live.ranges.counts.reconnects,
        },
        "boot_utc_s": round(live.vehicle.telemetry.time.offset_s, 4),
        "clock_offsets_ms": {
            "video": {
                "uncertainty": round(flight.video_map.uncertainty_s * 1000, 1),
                **(flight.picture_time.facts if flight.picture_time is not None else {}),
            },
            **_dvl_clock(live.ranges),
            "preflight": flight.preflight.clocks_ms if flight.preflight is not None else {},
        },
        "detector_inputs": flight.detector.drift(),
        "detector_runs_on": flight.detector.runs_on,
        "software": f"hullscan {__version__}",
    }


def _dvl_clock(ranges: RangeSensor) -> dict[str, Any]:
    """What comes over MAVLink is stamped by the vehicle."""
    if not isinstance(ranges, WaterLinkedDvl):
        return {}
    return {"dvl": {"uncertainty": round(ranges.clock_uncertainty_s * 1000, 1)}}


def _words_of(error: HullscanError | None) -> dict[str, Any] | None:
    """The message and data behind an error, where it has words for people in their language."""
    return {"message": error.message, "data": error.data} if isinstance(error, SafetyStop) and error.message else None


def _rounded(value: float) -> float | None:
    return round(value, 2) if np.isfinite(value) else None
