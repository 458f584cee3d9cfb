"""What is known of a recording besides its findings: told by its own summary, or read off the telemetry."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from hullscan.clock import utc_text
from hullscan.record.folder import MissionFolder
from hullscan.vehicle.telemetry import Telemetry

__all__ = ["boot_utc_s", "facts_of", "recorded_facts"]


def recorded_facts(folder: MissionFolder) -> tuple[dict[str, Any], float]:
    """What the mission's own summary said, as far as it got, and the uncertainty of its picture times."""
    path = folder.path / "summary.json"
    if not path.is_file():
        return {"outcome": "cut off", "ended_by": "the recording ends without a summary"}, 0.05
    try:
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        time_sigma_s = float(summary["time_sigma_ms"]) / 1000
    except (ValueError, KeyError, TypeError, RecursionError):
        return {"outcome": "cut off", "ended_by": "its summary is damaged"}, 0.05
    computed = (
        "schema",
        "software",
        "findings",
        "model_sha256",
        "software_sha256",
        "rules",
        "pictures_missing",
        "clips_missing",
        "min_clearance_m",
    )
    return {key: value for key, value in summary.items() if key not in computed}, time_sigma_s


def boot_utc_s(facts: dict[str, Any]) -> float | None:
    """When the vehicle booted, as the flight's clock knew it; of a mission in one session it holds for all of it."""
    told, sessions = facts.get("boot_utc_s"), facts.get("sessions_utc_s")
    single = isinstance(sessions, list) and len(sessions) == 1
    return float(told) if single and isinstance(told, (int, float)) and np.isfinite(told) else None


def facts_of(telemetry: Telemetry) -> dict[str, Any]:
    """Facts for the summary from telemetry alone."""
    times = telemetry.attitude.all()["utc_s"]
    begin_s, end_s = (float(times[0]), float(times[-1])) if len(times) else (0.0, 0.0)
    volts = telemetry.battery.all()["voltage_v"] if len(telemetry.battery) else np.array([np.nan])
    start_v, end_v = (round(float(value), 2) if np.isfinite(value) else None for value in (volts[0], volts[-1]))
    way = telemetry.position.all()
    steps = np.hypot(np.diff(way["north_m"]), np.diff(way["east_m"])) if len(way) > 1 else np.zeros(1)
    return {
        "outcome": "analysed from a recording",
        "ended_by": None,
        "start_utc": utc_text(begin_s),
        "end_utc": utc_text(end_s),
        "duration_s": round(end_s - begin_s, 1),
        "distance_m": round(float(steps.sum()), 1),
        "battery_v": {"start": start_v, "end": end_v},
        "vehicle": {"firmware": ""},
        "video": {"packets_lost": 0, "frames_recorded": 0, "frames_suspect": 0, "frames_examined": 0},
        "dvl": {"reports": 0, "invalid": 0},
    }
