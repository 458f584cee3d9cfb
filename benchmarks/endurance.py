"""Two hours of survey without a break: does memory stay flat, do clocks stay together, does a command come too late.

    python benchmarks/endurance.py [--minutes 120] [--every 10] [--json FILE]

hullscan's own pilot with its record (telemetry log, DVL lines, events, database) in the embedded simulator, see
``lockstep``; no camera. The DVL's clock is 2 s off and runs 30 ppm fast. Periods of commands are those in which target
positions reach the vehicle, in its time, while it flies a leg; while the pilot computes simulated time goes on, five
times as fast as the processor time that it takes. Memory is that of the process, in which the simulator lives too.
Needs /proc (Linux).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from lockstep import START_UTC_S, Signalled, fly

from hullscan.clock import SimulatedClock
from hullscan.mission.model import load_mission
from hullscan.mission.plan import plan_mission
from hullscan.pilot.pilot import Pilot, PlanPlace
from hullscan.pilot.states import PilotState
from hullscan.record.database import MissionDatabase
from hullscan.record.events import EventLog
from hullscan.vehicle.ardusub import ArduSubVehicle
from hullscan_sim.scenario import load_scenario
from hullscan_sim.simulation import Simulation

FOLDER = Path(__file__).parent / "endurance"
NOMINAL_S = 0.1
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass
class Row:
    """One stretch of the flight.

    Attributes:
        memory_mb: resident, at its end.
        dvl_clock_ms: how far the mission time of the DVL's stamps is off, at its end.
        vehicle_clock_ms: the same of the vehicle's stamps.
        commands: target positions that reached the vehicle on a leg.
        worst_s, late: longest period between two of them, and how many were longer than twice the nominal.
        cpu_s: processor time of the whole process.
    """

    minute: float
    memory_mb: float = 0.0
    dvl_clock_ms: float = 0.0
    vehicle_clock_ms: float = 0.0
    commands: int = 0
    worst_s: float = 0.0
    late: int = 0
    median_s: float = 0.0
    cpu_s: float = 0.0
    folder_mb: float = 0.0


@dataclass
class Endurance:
    """Takes notes while the flight goes on; everything but ``heard`` in the simulator's thread, like that."""

    every_s: float
    end_s: float
    folder: Path
    rows: list[Row] = field(default_factory=list)
    vehicle: ArduSubVehicle | None = None
    on_leg: bool = False
    pilot_clock: int = field(default_factory=lambda: time.pthread_getcpuclockid(threading.get_ident()))
    _before: tuple[float, float, float] = (0.0, 0.0, 0.0)
    _last_s: float | None = None
    _periods: list[float] = field(default_factory=list)

    def heard(self, kind: str) -> None:
        """A message has reached the vehicle."""
        if kind != "SET_POSITION_TARGET_LOCAL_NED":
            return
        now = self.simulation.time_s, time.clock_gettime(self.pilot_clock), time.monotonic()
        if self._last_s is not None and self.on_leg:
            self._periods.append(now[0] - self._last_s)
            if self._periods[-1] > 2 * NOMINAL_S + 1e-6:
                period_s, computed_s, real_s = np.array(now) - np.array(self._before)
                print(
                    f"  late at {now[0]:.1f} s: {period_s:.2f} s; the pilot computed {1e3 * computed_s:.0f} ms "
                    f"and {real_s:.1f} s went by here",
                    flush=True,
                )
        self._before = now
        self._last_s = self.simulation.time_s if self.on_leg else None

    def take(self, simulation: Simulation, pilot: Pilot, signalled: Signalled) -> None:
        """Called after each slice of simulated time."""
        self.simulation = simulation
        status = pilot.status
        self.on_leg = status.state is PilotState.LEGS and not status.holding and status.leg >= 0
        if not self.on_leg:
            self._last_s = None
        if simulation.time_s < self.every_s * (len(self.rows) + 1):
            return
        assert self.vehicle is not None
        stamp_s = simulation.plant._dvl_clock.stamp_us(simulation.time_s) / 1e6
        told_s = pilot._cockpit.ranges._time.offset_s + stamp_s
        boot_s = simulation._vehicle_s(simulation.time_s)
        periods = np.array(self._periods or [np.nan])
        self._periods = []
        self.rows.append(
            Row(
                minute=simulation.time_s / 60,
                memory_mb=int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_MB,
                dvl_clock_ms=1e3 * (told_s - simulation.utc_s),
                vehicle_clock_ms=1e3 * (self.vehicle.telemetry.time.offset_s + boot_s - simulation.utc_s),
                commands=len(periods), worst_s=float(periods.max()), median_s=float(np.median(periods)),
                late=int((periods > 2 * NOMINAL_S + 1e-6).sum()), cpu_s=time.process_time(),
                folder_mb=sum(path.stat().st_size for path in self.folder.iterdir()) / 1e6,
            )
        )  # fmt: skip
        sys.stdout.write(line_of(self.rows[-1]) + "\n")
        sys.stdout.flush()
        if simulation.time_s >= self.end_s:
            pilot.abort()


HEAD = (
    f"{'minute':>7}{'memory MB':>11}{'folder MB':>11}{'DVL clock ms':>14}{'vehicle clock ms':>18}"
    f"{'commands':>10}{'median s':>10}{'worst s':>9}{'late':>6}{'CPU s':>8}"
)


def line_of(row: Row) -> str:
    """For people."""
    return (
        f"{row.minute:>7.1f}{row.memory_mb:>11.1f}{row.folder_mb:>11.1f}{row.dvl_clock_ms:>14.1f}"
        f"{row.vehicle_clock_ms:>18.2f}{row.commands:>10}{row.median_s:>10.3f}{row.worst_s:>9.2f}{row.late:>6}"
        f"{row.cpu_s:>8.0f}"
    )


def main() -> None:
    """Fly and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120.0, help="of simulated time, then it is called home")
    parser.add_argument("--every", type=float, default=10.0, help="minutes of a line of the table")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    mission_file = FOLDER / "mission.yaml"
    mission, scenario = load_mission(mission_file), load_scenario(FOLDER / "scenario.yaml")
    plan = plan_mission(mission)
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        endurance = Endurance(60 * options.every, 60 * options.minutes, folder)
        database = MissionDatabase(folder / "mission.sqlite")
        clock = SimulatedClock(START_UTC_S)
        events = EventLog(folder / "events.jsonl", clock)

        def on_place(place: PlanPlace) -> None:
            database.set_fact("plan_place", [place.leg, round(place.share, 4)])

        def watch(pilot: Pilot, vehicle: ArduSubVehicle) -> None:
            endurance.vehicle = vehicle

        def on_event(kind: str, message: str, data: dict[str, Any]) -> None:
            events.add(kind, message, data)

        flown = fly(
            mission_file, mission, plan, scenario, log=folder / "telemetry.tlog", dvl_log=folder / "dvl.jsonl",
            each=endurance.take, heard=endurance.heard, watch=watch, on_place=on_place, on_event=on_event,
            by_processor=True,
        )  # fmt: skip
        events.close()
        database.close()
    rows = endurance.rows
    print(f"ended: {flown.ended_by or 'home'} after {flown.seconds / 60:.1f} min; {flown.contacts} contacts; "
          f"{flown.seconds / flown.real_s:.1f} times real time")  # fmt: skip
    later = [row for row in rows if row.minute >= rows[-1].minute / 2]
    if len(later) > 1:
        slope = np.polyfit([row.minute / 60 for row in later], [row.memory_mb for row in later], 1)[0]
        print(f"memory in the second half: {slope:+.1f} MB an hour; DVL clock at most "
              f"{max(abs(row.dvl_clock_ms) for row in rows):.1f} ms off; "
              f"{sum(row.late for row in rows)} of {sum(row.commands for row in rows)} commands late")  # fmt: skip
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
