"""Parameters on the terminal: what a vehicle has, and what a file would change, each with its reason."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from hullscan.vehicle.parameter_changes import Change
from hullscan.vehicle.parameter_file import ParameterLine, number_text
from hullscan.words import fill, filled, mark

__all__ = ["changes_table", "needs_restart", "parameter_lines"]

Words = Callable[[str], str]


def parameter_lines(values: Mapping[str, float], patterns: Sequence[str]) -> list[str]:
    """``NAME,value`` of the parameters whose names fit one of the patterns; of all without any."""
    asked = [pattern.upper() for pattern in patterns] or ["*"]
    chosen = [name for name in values if any(fnmatch.fnmatchcase(name, pattern) for pattern in asked)]
    return [f"{name},{number_text(values[name])}" for name in chosen]


def changes_table(changes: Sequence[Change], words: Words) -> Group:
    """What differs, as a table, and how much does not."""
    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column(words(mark("parameter")), no_wrap=True)
    table.add_column(words(mark("vehicle")), justify="right", no_wrap=True)
    table.add_column(words(mark("file")), justify="right", no_wrap=True)
    table.add_column(words(mark("reason")), overflow="fold")
    for change in changes:
        if not (change.needed or change.missing):
            continue
        before = "–" if change.before is None else number_text(change.before)
        style = "red" if change.missing else "yellow"
        row = Text(change.name, style), Text(before), Text(number_text(change.wanted.value), "bold")
        table.add_row(*row, Text(_reason(change.wanted, words), "dim"))
    needed, missing = sum(change.needed for change in changes), sum(change.missing for change in changes)
    data = {"same": len(changes) - needed - missing, "needed": needed, "missing": missing}
    line = words(mark("{needed} to change, {same} as they should be, {missing} that the vehicle does not have"))
    foot = Text(fill(line, data))
    return Group(table, foot) if table.row_count else Group(foot)


def _reason(line: ParameterLine, words: Words) -> str:
    """Why the file asks for it, and which values are as good."""
    if not line.accepts:
        return words(line.why)
    values = ", ".join(map(number_text, line.accepts))
    return filled(mark("or {values}: {reason}"), {"values": values, "reason": line.why}, words)


def needs_restart(words: Words) -> str:
    """Said after a change that acts only at the autopilot's start."""
    return words(mark("restart the autopilot: some of these act only when it starts"))
