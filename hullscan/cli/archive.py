"""Commands of an archive of missions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hullscan.cli.options import LangOption, SealKeyOption, seal_key_of

__all__ = ["archive_app"]

archive_app = typer.Typer(
    name="archive", help="Keep missions as signed bags, list them, compare them.", no_args_is_help=True
)


@archive_app.command(name="add")
def archive_add(
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="folder of the archive")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="mission folder")],
    seal_key: SealKeyOption = None,
) -> None:
    """Copy a mission into the archive as a signed bag."""
    from hullscan.record.archive import add_to_archive
    from hullscan.record.folder import MissionFolder

    typer.echo(str(add_to_archive(archive, MissionFolder.open(folder), seal_key_of(seal_key))))


@archive_app.command(name="list")
def archive_list(
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="folder of the archive")], lang: LangOption = "en"
) -> None:
    """The missions of an archive."""
    from rich.console import Console

    from hullscan.console.archive_tables import archive_table
    from hullscan.record.archive import archived
    from hullscan.words import translator

    Console().print(archive_table(archived(archive), translator(lang)))


@archive_app.command(name="stats")
def archive_stats(
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="folder of the archive")], lang: LangOption = "en"
) -> None:
    """Missions, ships, findings and area by month."""
    from rich.console import Console

    from hullscan.console.archive_tables import stats_table
    from hullscan.record.archive import archived
    from hullscan.words import translator

    Console().print(stats_table(archived(archive), translator(lang)))


@archive_app.command(name="compare")
def archive_compare(
    before: Annotated[Path, typer.Argument(metavar="DIR", help="the earlier mission folder or bag")],
    after: Annotated[Path, typer.Argument(metavar="DIR", help="the later one")],
    out: Annotated[
        Path | None, typer.Option("--out", help="write comparison.html, with pictures, and comparison.json here")
    ] = None,
    lang: LangOption = "en",
) -> None:
    """Two missions on the same ship: what is new, gone, changed, or there still, with a probability."""
    from rich.console import Console

    from hullscan.console.archive_tables import change_table
    from hullscan.record.folder import MissionFolder
    from hullscan.report.compare import compare_missions
    from hullscan.report.comparison import write_comparison
    from hullscan.words import translator

    folders = [
        MissionFolder.open(path / "data" if (path / "bagit.txt").is_file() else path) for path in (before, after)
    ]
    changes = compare_missions(*folders)
    Console().print(change_table(changes, translator(lang)))
    if out is not None:
        for path in write_comparison(folders[0], folders[1], changes, out, lang):
            typer.echo(str(path))
