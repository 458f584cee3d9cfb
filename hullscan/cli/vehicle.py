"""Commands that talk with the vehicle alone: its parameters and its signing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hullscan.cli.options import LISTEN, ConnectOption, KeyOption, LangOption

__all__ = ["params_app", "signing"]

if TYPE_CHECKING:
    from hullscan.vehicle.ardusub import ArduSubVehicle
    from hullscan.vehicle.parameter_changes import Change

params_app = typer.Typer(
    name="params", help="Parameters of the autopilot: show, diff, apply, backup.", no_args_is_help=True
)
FileArg = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="parameter file, of any ground station; by default hullscan's own"),
]
DvlOption = Annotated[bool, typer.Option("--dvl/--echo-sounder", help="which of hullscan's own files")]


@params_app.command("show")
def params_show(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAMES]...", help="names, * for any letters")] = None,
    connect: ConnectOption = LISTEN,
    signing_key: KeyOption = None,
) -> None:
    """Show what the vehicle has."""
    from hullscan.console.parameter_table import parameter_lines
    from hullscan.errors import InputError

    with _met(connect, signing_key) as (vehicle, _, _):
        lines = parameter_lines(vehicle.parameters.read_all(), names or [])
    if not lines:
        raise InputError(f"the vehicle has no parameter like {' or '.join(names or [])}")
    typer.echo("\n".join(lines))


@params_app.command("diff")
def params_diff(
    file: FileArg = None,
    against: Annotated[Path | None, typer.Option("--against", help="another file instead of a vehicle")] = None,
    connect: ConnectOption = LISTEN,
    dvl: DvlOption = True,
    signing_key: KeyOption = None,
    lang: LangOption = "en",
) -> None:
    """Show what a file would change on the vehicle, and why; changes nothing."""
    from rich.console import Console

    from hullscan.console.parameter_table import changes_table
    from hullscan.vehicle.parameter_changes import compare_with_file
    from hullscan.vehicle.parameter_file import load_parameters
    from hullscan.vehicle.shipped_parameters import shipped_parameters
    from hullscan.words import translator

    words = translator(lang)
    if against is not None:
        wanted = load_parameters(file or shipped_parameters("bluerov2-heavy", "", dvl=dvl))
        changes = list(compare_with_file(wanted, load_parameters(against)))
    else:
        with _met(connect, signing_key) as (vehicle, firmware, _):
            changes = _changes(vehicle, firmware, file, dvl)
    Console(highlight=False).print(changes_table(changes, words))


@params_app.command("apply")
def params_apply(
    file: FileArg = None,
    connect: ConnectOption = LISTEN,
    backup: Annotated[Path, typer.Option("--backup", help="folder for the values before")] = Path("params-backup"),
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    dvl: DvlOption = True,
    signing_key: KeyOption = None,
    lang: LangOption = "en",
) -> None:
    """Show what a file changes, back everything up, write it, and read it back."""
    from rich.console import Console

    from hullscan.clock import utc_text
    from hullscan.console.parameter_table import changes_table, needs_restart
    from hullscan.errors import InputError
    from hullscan.vehicle.parameter_changes import apply_parameters
    from hullscan.vehicle.parameter_file import number_text
    from hullscan.words import mark, translator

    words = translator(lang)
    with _met(connect, signing_key) as (vehicle, firmware, utc_s):
        changes = _changes(vehicle, firmware, file, dvl)
        Console(highlight=False).print(changes_table(changes, words))
        if not any(change.needed or change.missing for change in changes):
            return
        if not yes and not sys.stdin.isatty():
            raise InputError("nobody is there to be asked", todo="say --yes to write these parameters")
        if not yes and not typer.confirm(words(mark("write these parameters to the vehicle?"))):
            raise typer.Exit(1)
        path = backup / f"{utc_text(utc_s, compact=True)}-before.param"
        done = apply_parameters(
            vehicle, changes, path, utc_s,
            told=lambda change: typer.echo(f"{change.name},{number_text(change.wanted.value)}"),
        )  # fmt: skip
    typer.echo(words(mark("{count} written and read back; the values before: {path}")).format(
        count=len(done.changes), path=done.backup
    ))  # fmt: skip
    if done.restart:
        typer.echo(needs_restart(words))


@params_app.command("backup")
def params_backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="new .param file")],
    connect: ConnectOption = LISTEN,
    signing_key: KeyOption = None,
) -> None:
    """Write every parameter of the vehicle to a file."""
    from hullscan.vehicle.parameter_changes import backup_parameters

    with _met(connect, signing_key) as (vehicle, firmware, utc_s):
        count = backup_parameters(vehicle, file, utc_s, f"ArduSub {firmware or '?'}")
    typer.echo(f"{count} parameters: {file}")


def signing(
    key_file: Annotated[Path, typer.Argument(metavar="KEYFILE", help="the key; made when it is not there")],
    connect: Annotated[
        str | None, typer.Option("--connect", help="give the key to this vehicle, over a link nobody else hears")
    ] = None,
) -> None:
    """Make a key of MAVLink 2 signing, and give it to a vehicle."""
    from hullscan.vehicle.signing import load_signing_key, make_signing_key

    if not key_file.exists():
        make_signing_key(key_file)
        typer.echo(f"new key: {key_file}")
    key = load_signing_key(key_file)
    if connect is None:
        return
    with _met(connect, None) as (vehicle, _, _):
        vehicle.setup_signing(key)
    with _met(connect, key_file) as (vehicle, firmware, _):
        typer.echo(f"ArduSub {firmware or '?'} signs with this key")


def _changes(vehicle: ArduSubVehicle, firmware: str, file: Path | None, dvl: bool) -> list[Change]:
    from hullscan.vehicle.parameter_changes import compare_with_vehicle
    from hullscan.vehicle.parameter_file import load_parameters
    from hullscan.vehicle.shipped_parameters import shipped_parameters

    path = file or shipped_parameters("bluerov2-heavy", firmware, dvl=dvl)
    return list(compare_with_vehicle(vehicle.parameters, load_parameters(path)))


@contextmanager
def _met(connect: str, signing_key: Path | None) -> Iterator[tuple[ArduSubVehicle, str, float]]:
    """A vehicle to talk about parameters with, its firmware, and the time; hangs up afterwards."""
    from hullscan.clock import SystemClock
    from hullscan.vehicle.address import parse_address
    from hullscan.vehicle.ardusub import ArduSubVehicle
    from hullscan.vehicle.signing import load_signing_key

    clock = SystemClock()
    key = None if signing_key is None else load_signing_key(signing_key)
    vehicle = ArduSubVehicle(parse_address(connect), clock, signing_key=key)
    try:
        yield vehicle, vehicle.meet().firmware, clock.now()
    finally:
        vehicle.close()
