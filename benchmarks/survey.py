"""What a whole survey in the simulator costs: how many times real time, and where the CPU time goes.

    python benchmarks/survey.py [MISSION SCENARIO] [--speedup N] [--cores N] [--profile]

It runs ``hullscan survey`` as an operator would: simulator with its camera (640x360, ten frames for each simulated
second), video decoded, recorded and searched by the detector, report written. The wall clock depends on what else the
computer does; CPU seconds for each second of the mission do not, and tell what is possible: on two cores a survey can
be twice as fast as real time when they are at most 1.0, and no thread needs more than half of each second. CPU seconds
themselves grow by a third or more where other programs share the caches. Needs /proc (Linux).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
MISSION, SCENARIO = ROOT / "missions" / "demo.yaml", ROOT / "sim" / "scenarios" / "demo.yaml"
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAUSE_S = 0.5


def cpu_by_thread(root: int) -> dict[tuple[int, str, str], float]:
    """CPU seconds of each thread of a process and its children: (process, its program, thread's name) -> seconds."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                after = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(after[1]), []).append(int(entry.name))
    found: dict[tuple[int, str, str], float] = {}
    waiting = [root]
    while waiting:
        process = waiting.pop()
        waiting += children.get(process, [])
        try:
            words = Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
            if not words:  # it has ended
                continue
            for task in Path(f"/proc/{process}/task").iterdir():
                text = (task / "stat").read_text()
                after = text.rpartition(")")[2].split()
                name = text.partition("(")[2].rpartition(")")[0]
                key = (process, words, f"{name} {task.name}")
                found[key] = (int(after[11]) + int(after[12])) * _TICK_S
        except OSError:
            continue
    return found


def listen(process: subprocess.Popen[str], lines: list[tuple[float, str]]) -> None:
    """Keep each line that it prints, and when."""
    assert process.stdout is not None
    for line in process.stdout:
        lines.append((time.monotonic(), line.strip()))


def what(words: str) -> str:
    """A process in words."""
    if "survey" in words and "benchmarks" not in words:
        return "hullscan survey"
    if "multiprocessing" in words:
        return "simulator's camera"
    return "simulator" if "hullscan_sim" in words or "hullscan-sim" in words else words[:40]


def main() -> None:
    """Fly, account, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mission", nargs="?", type=Path, default=MISSION)
    parser.add_argument("scenario", nargs="?", type=Path, default=SCENARIO)
    parser.add_argument("--speedup", type=float, default=6.0)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--threads", action="store_true", help="print every thread besides")
    parser.add_argument("--lines", action="store_true", help="print what the survey said, and when")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        process = subprocess.Popen(
            [
                sys.executable, "-c", "from hullscan.cli import main; main()", "survey", str(options.mission), "--sim",
                str(options.scenario), "--speedup", str(options.speedup), "--no-console", "--out", folder,
            ],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        lines: list[tuple[float, str]] = []
        listener = threading.Thread(target=listen, args=(process, lines), daemon=True)
        listener.start()
        threads: dict[tuple[int, str, str], float] = {}
        while process.poll() is None:
            threads.update(cpu_by_thread(process.pid))
            time.sleep(_PAUSE_S)
        wall_s = time.monotonic() - begun
        listener.join()
        if process.returncode:
            sys.exit(f"the survey ended with {process.returncode}")
        summary = json.loads(next(Path(folder).glob("*/summary.json")).read_text(encoding="utf-8"))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime
    mission_s = float(summary["duration_s"])
    report(options, threads, mission_s, wall_s, cpu_s, summary)
    if options.lines:
        for at_s, line in lines:
            print(f"{at_s - begun:7.1f} s  {line}")


def report(
    options: argparse.Namespace,
    threads: dict[tuple[int, str, str], float],
    mission_s: float,
    wall_s: float,
    cpu_s: float,
    summary: dict[str, object],
) -> None:
    """Print the table."""
    parts: dict[str, float] = {}
    for (_, words, _), seconds in threads.items():
        parts[what(words)] = parts.get(what(words), 0.0) + seconds
    table = Table(title=f"{options.mission.name} in {options.scenario.name}, speed-up {options.speedup:g} asked")
    for heading in ("", "seconds", "for each second of the mission"):
        table.add_column(heading, justify="left" if not heading else "right")
    rows = [("mission", mission_s), ("wall clock, start and report included", wall_s), ("CPU, all processes", cpu_s)]
    for name, seconds in [*rows, *sorted(parts.items(), key=lambda part: -part[1])]:
        table.add_row(name, f"{seconds:.1f}", f"{seconds / mission_s:.3f}")
    console = Console()
    console.print(table)
    console.print(f"{mission_s / wall_s:.2f} times real time by the wall clock, with load {os.getloadavg()[0]:.1f}")
    console.print(
        f"{options.cores * mission_s / cpu_s:.2f} times real time is possible by CPU time on {options.cores} cores"
    )
    (process, words, _), busiest_s = max(threads.items(), key=lambda part: part[1])
    console.print(f"{mission_s / busiest_s:.2f} times by its busiest thread, of {what(words)}: {busiest_s:.1f} CPU s")
    console.print(f"video: {summary['video']}")
    if options.threads:
        for (process, words, name), seconds in sorted(threads.items(), key=lambda part: -part[1])[:30]:
            console.print(f"{seconds:8.2f} s  {what(words)} {process}  {name}")


if __name__ == "__main__":
    main()
