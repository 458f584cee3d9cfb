"""``python -m hullscan_sim.conformance``: hold a vehicle against the behaviour sheet of ArduSub 4.5.3."""

from __future__ import annotations

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


def _show(table: Table, outcome: Outcome) -> None:
    """One line for each expectation; a row that was skipped says why."""
    colour = {"same": "green", "differs": "red", "skipped": "yellow"}[_mark(outcome)]
    if outcome.skipped is not None:
        table.add_row(outcome.row.section, outcome.row.id, "", outcome.skipped, f"[{colour}]skipped")
        return
    for index, check in enumerate(outcome.checks):
        first = index == 0
        verdict = "[green]same" if check.same else "[red]differs"
        table.add_row(
            outcome.row.section if first else "", outcome.row.id if first else "", check.expected, check.seen, verdict
        )


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
    differences: Annotated[bool, typer.Option(help="Show only what differs or was skipped.")] = False,
) -> None:
    """Hold a vehicle against the behaviour sheet of ArduSub 4.5.3.

    It arms, dives to 6 m, flies about, reboots the autopilot: for simulators, or a vehicle alone in a deep tank.
    """
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    rows = _chosen(section, match, quick=quick)
    name, bench = _bench(connect, binary, pilot_binary, defaults, speedup)
    table = Table("section", "row", "expected", "seen", "", title=f"{name} against ArduSub 4.5.3")
    counts, repeated = Counter[str](), 0
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
            if not differences or not outcome.same:
                _show(table, outcome)
    finally:
        bench.close()
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
