"""The behaviour sheet of ArduSub 4.5.3 as rows that any vehicle can be held against, over MAVLink.

The same rows judge the embedded simulator (``tests/test_conformance.py``), a real ArduSub in SITL, and with care a
vehicle in a tank: they arm, dive to 6 m and fly 6 m about the place where the EKF has its origin, reboot the
autopilot and change parameters, which they set back. Run ``python -m hullscan_sim.conformance --help``.
"""

from __future__ import annotations

from hullscan_sim.conformance import (
    rows_failsafe,
    rows_guided,
    rows_mission,
    rows_modes,
    rows_payload,
    rows_pilot,
    rows_pitch,
    rows_start,
)
from hullscan_sim.conformance.bench import Bench, EmbeddedBench, Outcome, RemoteBench
from hullscan_sim.conformance.firmware import FirmwareBench
from hullscan_sim.conformance.row import Row

__all__ = ["ROWS", "Bench", "EmbeddedBench", "FirmwareBench", "Outcome", "RemoteBench", "Row"]

ROWS: tuple[Row, ...] = (
    *rows_start.ROWS, *rows_modes.ROWS, *rows_guided.ROWS, *rows_pilot.ROWS, *rows_pitch.ROWS,
    *rows_failsafe.ROWS, *rows_mission.ROWS, *rows_payload.ROWS,
)  # fmt: skip
