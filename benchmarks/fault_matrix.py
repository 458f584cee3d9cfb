"""The fault matrix: each fault at three moments, on the approach, beside the hull, and under the flat bottom.

    python benchmarks/fault_matrix.py --out fault-matrix --processes 2
    python benchmarks/fault_matrix.py --out on-ardusub --processes 1 --firmware PATH    # the same on ArduSub's own

Flies hullscan's own pilot in the embedded simulator without a camera, see ``lockstep``. One line a flight: which rule
said what how soon, what the vehicle did, contacts with the hull, and whether the record took everything. Results are
kept in ``OUT/results.json`` as they come; a run that was cut off goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from lockstep import Flown, Signalled, fly

from hullscan.mission.model import load_mission
from hullscan.mission.plan import plan_mission
from hullscan.mission.ways_home import under_ship
from hullscan.pilot.orders_of_operator import OperatorOrder
from hullscan.pilot.pilot import Pilot, PlanPlace
from hullscan.pilot.states import PilotState
from hullscan.vehicle.tlog import read_recording
from hullscan_sim.faults import kinds as k
from hullscan_sim.scenario import load_scenario
from hullscan_sim.simulation import Simulation

FOLDER = Path(__file__).parent / "fault_matrix"
MOMENTS = {"approach": (0, 0.4), "side": (1, 0.4), "bottom": (11, 0.4)}
"""Leg of the plan, and the share of it, at which the fault begins."""
RESUMES = {"bottom": PlanPlace(9, 0.9)}
"""Where the flight goes to first: what lies before has been flown in other cells."""
GO_ON_S = 15.0
"""A flight that goes on is called home after so long."""

HOME, OVER, ON = "home", "handed over", "goes on"
Inject = Callable[[float], Any]


@dataclass(frozen=True)
class Case:
    """One fault.

    Attributes:
        inject: the simulator's fault, beginning at a time; or None.
        rules: events of which at least one must be recorded; none: nothing needs to be said.
        ends: what is right: home (by the route, or out and up), handed over, goes on.
        signal: what hullscan itself is told, instead.
        quiet: moments at which it does not matter, so that nothing needs to be said.
    """

    inject: Inject | None
    rules: tuple[str, ...]
    ends: tuple[str, ...]
    signal: Callable[[Signalled, float], None] | None = None
    quiet: tuple[str, ...] = ()
    order: OperatorOrder | None = None


def _lose_video(signalled: Signalled, now_s: float) -> None:
    signalled.video_lost_utc_s = now_s


CASES: dict[str, Case] = {
    "DVL silent 8 s": Case(lambda t: k.DvlDropout(at_s=t, for_s=8), (), (ON, HOME)),
    "DVL silent for good": Case(lambda t: k.DvlDropout(at_s=t), ("range",), (HOME, ON), quiet=("approach", "bottom")),
    "position lost for good": Case(lambda t: k.PositionLoss(at_s=t), ("position",), (HOME,)),
    "thruster 3 dead": Case(lambda t: k.ThrusterDead(at_s=t, thruster=3), (), (ON, HOME)),
    "thruster 6 dead (vertical)": Case(lambda t: k.ThrusterDead(at_s=t, thruster=6), (), (ON, HOME)),
    "two thrusters fouled": Case(lambda t: k.ThrusterFouled(at_s=t, thruster=2, thrust_left=0.4), (), (ON, HOME)),
    "leak": Case(lambda t: k.Leak(at_s=t), ("leak",), (HOME,)),
    "battery low": Case(lambda t: k.BatterySag(at_s=t, drop_v=3.0), ("battery", "battery home"), (HOME,)),
    "tether caught 25 s": Case(lambda t: k.TetherSnag(at_s=t, slack_m=0.8, for_s=25), (), (ON, HOME)),
    "tether pulls 60 N": Case(lambda t: k.TetherPull(at_s=t, towards_deg=170, pull_n=60, for_s=20), (), (ON, HOME)),
    "link lost 2 s": Case(lambda t: k.LinkLoss(at_s=t, for_s=2), (), (ON, HOME)),
    "link lost 12 s": Case(lambda t: k.LinkLoss(at_s=t, for_s=12), ("link", "failsafe"), (HOME,)),
    "link to vehicle lost 12 s": Case(
        lambda t: k.LinkLoss(at_s=t, for_s=12, direction="to_vehicle"), ("failsafe", "link"), (HOME,)
    ),
    "link from vehicle lost 12 s": Case(
        lambda t: k.LinkLoss(at_s=t, for_s=12, direction="from_vehicle"), ("link",), (HOME,)
    ),
    "link lost for good": Case(lambda t: k.LinkLoss(at_s=t), ("link",), (OVER,)),
    "link in bursts": Case(lambda t: k.LinkBurstLoss(at_s=t), (), (ON, HOME)),
    "second station heard": Case(lambda t: k.OtherStationHeartbeat(at_s=t), ("station",), (ON,)),
    "operator changes the mode": Case(lambda t: k.OperatorTakesOver(at_s=t), ("control",), (OVER,)),
    "operator moves a stick": Case(lambda t: k.OperatorTakesOver(at_s=t, mode=None, right=0.5), ("control",), (OVER,)),
    "compass jumps 40 degrees": Case(lambda t: k.CompassJump(at_s=t), (), (ON, HOME)),
    "depth reads 1 m too deep": Case(lambda t: k.PressureGlitch(at_s=t, offset_m=1.0), ("depth zero",), (ON, HOME)),
    "depth reads 1 m too shallow": Case(
        lambda t: k.PressureGlitch(at_s=t, offset_m=-1.0), ("depth zero",), (ON, HOME, OVER)
    ),
    "depth sensor lost": Case(lambda t: k.DepthSensorLoss(at_s=t), ("depth sensor", "failsafe"), (HOME, OVER)),
    "current gust 0.6 m/s": Case(
        lambda t: k.CurrentGust(at_s=t, towards_deg=80, current_mps=0.6, for_s=20), (), (ON, HOME)
    ),
    "ship moves 1.2 m": Case(lambda t: k.ShipMoves(at_s=t, north_m=0.8, east_m=0.9, over_s=20), (), (ON, HOME)),
    "propeller starts": Case(lambda t: k.PropellerStarts(at_s=t), (), (ON, HOME)),
    "lights fail": Case(lambda t: k.LightFailure(at_s=t), (), (ON,)),
    "video lost": Case(None, ("video",), (HOME, ON), _lose_video, quiet=("approach",)),
    "detector 15 s behind": Case(
        None, ("detector",), (ON,), lambda signalled, now: setattr(signalled, "detector_lag_s", 15.0)
    ),
    "disk full": Case(None, ("disk",), (HOME,), lambda signalled, now: setattr(signalled, "disk_free_mb", 100.0)),
    "recording fails": Case(
        None, ("recording",), (HOME,), lambda signalled, now: setattr(signalled, "record_error", "no space left")
    ),
    "operator aborts": Case(None, ("abort",), (HOME,), order=OperatorOrder.ABORT),
    "operator holds": Case(None, ("operator",), (ON,), order=OperatorOrder.HOLD),
}


NOT_INSIDE = ("leak", "compass jumps 40 degrees", "depth sensor lost")
"""A real firmware takes none of them from outside."""


@dataclass
class Cell:
    """What one flight came to."""

    fault: str
    moment: str
    began_s: float = 0.0
    said: list[str] = field(default_factory=list)
    after_s: float = float("nan")
    did: list[str] = field(default_factory=list)
    ends: str = ""
    contacts: int = 0
    clearance_m: float = 0.0
    under_at_end: bool = False
    disarmed_under: bool = False
    frames_lost: int = 0
    ended_by: str = ""
    right: bool = False
    wrong: str = ""
    sim_s: float = 0.0
    real_s: float = 0.0


def fly_cell(fault: str, moment: str, firmware: Path | None = None) -> Cell:
    """Fly one cell of the matrix, on the embedded autopilot or on an ArduSub SITL."""
    case, cell = CASES[fault], Cell(fault, moment)
    mission_file = FOLDER / "mission.yaml"
    mission, scenario = load_mission(mission_file), load_scenario(FOLDER / "scenario.yaml")
    plan = plan_mission(mission)
    leg, share = MOMENTS[moment]
    began: list[float] = []

    def each(simulation: Simulation, pilot: Pilot, signalled: Signalled) -> None:
        status = pilot.status
        if not began:
            if status.state is PilotState.LEGS and status.leg == leg and status.leg_share >= share:
                began.append(simulation.time_s)
                if case.inject is not None:
                    simulation.add_fault(case.inject(simulation.time_s + 0.1))
                if case.signal is not None:
                    case.signal(signalled, simulation.utc_s)
                if case.order is not None:
                    pilot.desk.put(case.order)
        elif simulation.time_s - began[0] > GO_ON_S and ON in case.ends:
            pilot.desk.put(OperatorOrder.ABORT)

    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "telemetry.tlog"
        flown = fly(
            mission_file, mission, plan, scenario, log=log, each=each, resume_at=RESUMES.get(moment), firmware=firmware,
            by_processor=True,
        )  # fmt: skip
        recording = read_recording(log)
        cell.frames_lost = int(getattr(recording, "bad_runs", 0))
    _assess(cell, case, flown, began, mission)
    return cell


def _assess(cell: Cell, case: Case, flown: Flown, began: list[float], mission: Any) -> None:
    cell.contacts, cell.clearance_m, cell.ended_by = flown.contacts, flown.min_clearance_m, flown.ended_by
    cell.sim_s, cell.real_s = flown.seconds, flown.real_s
    if not began:
        cell.wrong = f"the moment never came: {flown.ended_by}"
        return
    cell.began_s = began[0]
    states = {state.value for state in PilotState}
    after = [event for event in flown.events if event[0] >= began[0] - 0.2]
    said = [(at, kind, words) for at, kind, words in after if kind in case.rules]
    cell.said = [words for _, _, words in said[:2]]
    cell.after_s = said[0][0] - began[0] if said else float("nan")
    cell.did = [kind for _, kind, _ in after if kind in states and kind != "survey"]
    asked = [at for at, kind, _ in after if kind == "abort"]
    by_us = bool(asked) and case.order is not OperatorOrder.ABORT
    before = [kind for at, kind, _ in after if kind in states and kind != "survey" and (not by_us or at < asked[0])]
    cell.ends = OVER if "handed over" in before else HOME if before else ON if by_us else "?"
    truth = np.array([row[:4] for row in flown.truth])
    armed = np.array([row[5] for row in flown.truth])
    under = under_ship(mission, truth[:, 1:4])
    cell.under_at_end = bool(under[-1])
    disarmed = np.flatnonzero(armed[:-1] & ~armed[1:]) + 1
    cell.disarmed_under = bool(under[disarmed].any()) or bool((truth[disarmed, 3] > 0.8).any())
    faults = []
    if cell.contacts:
        faults.append(f"{cell.contacts} contacts")
    if case.rules and not said and cell.moment not in case.quiet:
        faults.append("not said")
    if cell.ends not in case.ends:
        faults.append(f"{cell.ends} instead of {' or '.join(case.ends)}")
    if cell.disarmed_under:
        faults.append("disarmed under water")
    if cell.under_at_end and cell.ends != OVER:
        faults.append("ends under the ship")
    # a depth sensor that reads too deep keeps the vehicle armed at the surface, and that is said
    if flown.armed and cell.ends != OVER and not ("not disarmed" in flown.ended_by and flown.depth_m < 0.6):
        faults.append("armed at the end")
    if cell.frames_lost:
        faults.append(f"{cell.frames_lost} damaged stretches in the log")
    cell.wrong, cell.right = "; ".join(faults), not faults


def table(cells: list[Cell]) -> str:
    """For people: one line a cell."""
    lines = [f"{'fault':<28} {'moment':<9} {'right':<6} {'after s':>7}  {'did':<58} {'clear m':>7} {'hits':>4}  says"]
    for cell in sorted(cells, key=lambda each: (list(CASES).index(each.fault), list(MOMENTS).index(each.moment))):
        mark = "yes" if cell.right else "NO"
        did = f"{cell.ends}: {' > '.join(cell.did)}"
        says = (cell.said[0] if cell.said else "-") if cell.right else f"[{cell.wrong}] {cell.ended_by}"
        lines.append(
            f"{cell.fault:<28} {cell.moment:<9} {mark:<6} {cell.after_s:>7.1f}  {did[:58]:<58} "
            f"{cell.clearance_m:>7.2f} {cell.contacts:>4}  {says}"
        )
    right = sum(cell.right for cell in cells)
    lines.append(f"{right} of {len(cells)} cells right, of {len(CASES)} faults x {len(MOMENTS)} moments")
    return "\n".join(lines)


def main() -> None:
    """Fly what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("fault-matrix"))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--faults", nargs="*", help="only these (part of the name)")
    parser.add_argument("--moments", nargs="*", choices=list(MOMENTS), default=list(MOMENTS))
    parser.add_argument("--again", action="store_true", help="fly also what is there and was right")
    parser.add_argument("--firmware", type=Path, help="an ArduSub SITL, flown instead of the embedded autopilot")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    results = options.out / "results.json"
    kept = [Cell(**each) for each in json.loads(results.read_text())] if results.exists() else []
    done = {} if options.again else {(cell.fault, cell.moment): cell for cell in kept if cell.right}
    wanted = [
        (fault, moment)
        for moment in options.moments
        for fault in CASES
        if (not options.faults or any(part in fault for part in options.faults)) and (fault, moment) not in done
    ]
    cells = {(cell.fault, cell.moment): cell for cell in kept}
    with ProcessPoolExecutor(options.processes) as pool:
        flights = [pool.submit(fly_cell, *each, options.firmware) for each in wanted]
        for flight in as_completed(flights):
            cell = flight.result()
            cells[cell.fault, cell.moment] = cell
            results.write_text(json.dumps([asdict(each) for each in cells.values()], indent=1))
            sys.stdout.write(
                f"{cell.fault}, {cell.moment}: {'right' if cell.right else 'WRONG: ' + cell.wrong} "
                f"({cell.sim_s:.0f} s in {cell.real_s:.0f} s)\n"
            )
            sys.stdout.flush()
    text = table(list(cells.values()))
    (options.out / "table.txt").write_text(text + "\n")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
