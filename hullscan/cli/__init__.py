"""Commands: parse, call one function, print. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from hullscan import __version__
from hullscan.cli.archive import archive_app
from hullscan.cli.detector import dataset, detect, evaluate, train
from hullscan.cli.flying import plan, preflight, survey
from hullscan.cli.recorded import analyze, export_, replay, report, review, timestamp, verify
from hullscan.cli.vehicle import params_app, signing

__all__ = ["app", "main"]

app = typer.Typer(
    name="hullscan",
    help="Search a ship's hull with an underwater drone: plan, fly, detect, place, report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(archive_app)
app.add_typer(params_app)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="print the version")] = False) -> None:
    if version:
        typer.echo(f"hullscan {__version__}")
        raise typer.Exit


# in the order of a mission, which is the order of the help
_COMMANDS: tuple[Callable[..., None], ...] = (
    plan, preflight, survey, signing, analyze, report, verify, timestamp, review, replay, export_, detect, dataset,
    train, evaluate,
)  # fmt: skip
for _command in _COMMANDS:
    app.command(name=_command.__name__.rstrip("_"))(_command)


def main() -> None:
    """Entry point: errors as one line, exit codes 0, 1, 2, 3, 130."""
    from hullscan.errors import HullscanError, MissionFileError

    try:
        # typer.Exit and an interrupt do not come out as exceptions here, but as the code that they carry
        code = app(prog_name="hullscan", standalone_mode=False)
    except HullscanError as error:
        prefix = "" if isinstance(error, MissionFileError) else "error: "
        typer.echo(f"{prefix}{error}", err=True)
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(130)
    except Exception as error:
        show = getattr(error, "show", None)
        if show is None:
            raise
        show()
        sys.exit(getattr(error, "exit_code", 2))
    if code:
        sys.exit(code)
