"""``python -m hullscan_sim.conformance``: hold a vehicle against the behaviour sheet of ArduSub 4.5.3."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from hullscan.errors import HullscanError, InputError
from hullscan_sim.ardusub_process import check_binary
from hullscan_sim.conformance import ROWS, Bench, EmbeddedBench, FirmwareBench, Outcome, RemoteBench, Row

__all__ = ["main"]

_WIDE = 170  # columns, where it is not a terminal that says how many it has


def _mark(outcome: Outcome) -> str:
    if outcome.skipped is not None:
        return "skipped"
    return "same" if outcome.same else "differs"


Seen = dict[str, list[str]]
"""What another vehicle did: by the row's id, in the order of its expectations."""


def _show(table: Table, outcome: Outcome, beside: Seen | None) -> None:
    """One line for each expectation; a row that was skipped says why."""
    row = outcome.row
    colour = {"same": "green", "differs": "red", "skipped": "yellow"}[_mark(outcome)]
    if outcome.skipped is not None:
        table.add_row(row.section, row.id, "", outcome.skipped, f"[{colour}]skipped")
        return
    there = [] if beside is None else beside.get(row.id, [])
    for index, check in enumerate(outcome.checks):
        named = (row.section, row.id) if index == 0 else ("", "")
        other = () if beside is None else (there[index] if index < len(there) else "",)
        table.add_row(*named, check.expected, check.seen, "[green]same" if check.same else "[red]differs", *other)


def _read(path: Path | None) -> Seen | None:
    if path is None:
        return None
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        return {row["id"]: [check["seen"] for check in row["checks"]] for row in rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not what --save writes", where="--beside", todo="run with --save first") from error


def _save(path: Path, name: str, outcomes: list[Outcome]) -> None:
    rows = [
        {
            "section": outcome.row.section,
            "id": outcome.row.id,
            "verdict": _mark(outcome),
            "skipped": outcome.skipped,
            "checks": [{"expected": c.expected, "seen": c.seen, "same": c.same} for c in outcome.checks],
        }
        for outcome in outcomes
    ]
    text = json.dumps({"schema": "hullscan.conformance/1", "vehicle": name, "rows": rows}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def _chosen(section: str, words: str, *, quick: bool) -> list[Row]:
    rows = [
        row
        for row in ROWS
        if (not section or row.section == section) and words.lower() in row.id.lower() and not (quick and row.slow)
    ]
    if not rows:
        raise InputError("no row is left", where="--section, --match", todo="ask for less")
    return rows


def _bench(
    connect: str, binary: Path | None, pilot_binary: Path | None, defaults: Path | None, speedup: float
) -> tuple[str, Bench]:
    """The vehicle that is asked, and what it is called."""
    if binary is not None:
        if connect:
            raise InputError("a vehicle is either called or started", where="--connect, --binary", todo="give one")
        for each in (binary, pilot_binary):
            if each is not None:
                check_binary(each)
        bench = FirmwareBench(binary, pilot_binary=pilot_binary, defaults=defaults, speedup=speedup)
        return "ArduSub SITL", bench
    return (connect, RemoteBench(connect)) if connect else ("embedded simulator", EmbeddedBench())


def run(
    connect: Annotated[
        str, typer.Option(help="A vehicle at udpin:host:port or udpout:host:port; else the embedded simulator.")
    ] = "",
    binary: Annotated[
        Path | None,
        typer.Option(
            help="ArduSub's SITL: started anew for each kind of vehicle, and for rows after one that spoils it."
        ),
    ] = None,
    pilot_binary: Annotated[
        Path | None, typer.Option(help="The same, built with the pilot-input failsafe, which a stock SITL leaves out.")
    ] = None,
    defaults: Annotated[
        Path | None, typer.Option(help="Parameter file for --binary instead of the built-in one.")
    ] = None,
    speedup: Annotated[float, typer.Option(help="Vehicle seconds for each real one, with --binary.")] = 4.0,
    again: Annotated[
        int, typer.Option(help="Ask a row that differs that many times more: a slow computer makes answers late.")
    ] = 0,
    section: Annotated[str, typer.Option(help="Only this section of the sheet, as 2.4.")] = "",
    match: Annotated[str, typer.Option(help="Only rows with these words.")] = "",
    quick: Annotated[bool, typer.Option(help="Leave out the rows that take long.")] = False,
    save: Annotated[Path | None, typer.Option(help="Write what was seen to this file (JSON), row by row.")] = None,
    beside: Annotated[
        Path | None, typer.Option(help="Show beside it what another vehicle did, from its --save.")
    ] = None,
    differences: Annotated[bool, typer.Option(help="Show only what differs or was skipped.")] = False,
) -> None:
    """Hold a vehicle against the behaviour sheet of ArduSub 4.5.3.

    It arms, dives to 6 m, flies about, reboots the autopilot: for simulators, or a vehicle alone in a deep tank.
    """
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    rows = _chosen(section, match, quick=quick)
    other = _read(beside)
    name, bench = _bench(connect, binary, pilot_binary, defaults, speedup)
    columns = ("section", "row", "expected", "seen", "", *(() if other is None else ("beside it",)))
    table = Table(*columns, title=f"{name} against ArduSub 4.5.3")
    counts, repeated = Counter[str](), 0
    outcomes: list[Outcome] = []
    try:
        for row in rows:
            with console.status(f"{row.section} {row.id}"):
                outcome = bench.run(row)
                for _ in range(again):
                    if outcome.same or outcome.skipped is not None:
                        break
                    repeated += 1
                    outcome = bench.run(row)
            counts[_mark(outcome)] += 1
            outcomes.append(outcome)
            if not differences or not outcome.same:
                _show(table, outcome, other)
    finally:
        bench.close()
        if save is not None:
            _save(save, name, outcomes)
        console.print(table)
        console.print(", ".join(f"{counts[word]} {word}" for word in ("same", "differs", "skipped")))
        if repeated:
            console.print(f"asked again {repeated} times")
    if counts["differs"]:
        raise typer.Exit(1)


def main() -> None:
    """Entry point: an error is one line, never a traceback."""
    application = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    application.command()(run)
    try:
        application()
    except HullscanError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
