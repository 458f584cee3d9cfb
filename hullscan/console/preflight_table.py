"""The preflight on the terminal: one line for each thing, what to do under it, the verdict last where the eye ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Group
from rich.table import Table
from rich.text import Text

from hullscan.errors import InputError
from hullscan.preflight.check import PreflightReport
from hullscan.vehicle.parameter_changes import Change
from hullscan.vehicle.parameter_file import number_text
from hullscan.words import fill, mark

__all__ = ["failsafe_line", "preflight_table", "save_preflight"]

Words = Callable[[str], str]
_STYLES = {"go": "green", "caution": "bold yellow", "no-go": "bold red"}
_SIGNS = {"go": "✓", "caution": "!", "no-go": "✗"}


def preflight_table(report: PreflightReport, words: Words) -> Group:
    """Every line by group, and the verdict."""
    table = Table(box=None, padding=(0, 1), show_header=True, header_style="dim", pad_edge=False)
    table.add_column("", no_wrap=True, width=1)
    table.add_column("", min_width=18)
    table.add_column(words(mark("measured")), overflow="fold", ratio=3)
    table.add_column(words(mark("wanted")), overflow="fold", ratio=2)
    group = before = ""
    for line in report.lines:
        if line.level == "go" and not line.what.words:
            continue  # of the plan: hullscan plan shows those
        if line.group != group:
            group = line.group
            table.add_row("", Text(words(group), "bold cyan"), "", "")
        style = _STYLES[line.level]
        measured = Text(line.measured.told(words), "" if line.level == "go" else style)
        todo = line.todo.told(words)
        if todo and todo != before:  # the same advice for several lines in a row is given once
            measured.append(f"\n→ {todo}", "default not bold")
        before = todo
        table.add_row(
            Text(_SIGNS[line.level], style), Text(line.what.told(words)), measured, Text(line.wanted.told(words), "dim")
        )
    counts = {level: len(report.of(level)) for level in ("no-go", "caution", "go")}
    told = ", ".join(f"{count} {words(level)}" for level, count in counts.items() if count)
    verdict = Text.assemble((words(report.verdict).upper(), f"{_STYLES[report.verdict]} reverse"), f"  {told}")
    return Group(table, Text(), verdict)


def failsafe_line(change: Change, words: Words) -> str:
    """What a failsafe was, and what it was set to."""
    before = "?" if change.before is None else number_text(change.before)
    data = {"name": change.name, "before": before, "after": number_text(change.wanted.value)}
    return fill(words(mark("{name}: {before} → {after}, written and read back")), data)


def save_preflight(report: PreflightReport, path: Path, words: Words) -> None:
    """Write ``hullscan.preflight/1``; to the screen when the path is ``-``.

    Raises:
        InputError: it cannot be written.
    """
    text = json.dumps(report.as_dict(words), indent=1, ensure_ascii=False) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write the preflight: {error.strerror}", where=str(path)) from error
