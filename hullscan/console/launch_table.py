"""Places to launch from, as a table on the terminal: what the window buys from each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from hullscan.mission.launching import LaunchPlace
from hullscan.words import mark

__all__ = ["launch_table"]


def launch_table(places: Sequence[LaunchPlace], words: Callable[[str], str]) -> Group:
    """The best first, and the line of the mission file that chooses it."""
    table = Table(title=words(mark("places to launch from")), title_justify="left", box=None, padding=(0, 1))
    columns = (
        (mark("side"), "left"), (mark("station"), "right"), (mark("in view, by risk"), "right"), (mark("POD"), "right"),
        (mark("minutes"), "right"), ("", "left"),
    )  # fmt: skip
    for name, justify in columns:
        table.add_column(words(name), justify=justify)  # type: ignore[arg-type]
    for each in places:
        result = ("–", "–", "–") if each.refused else (
            f"{100 * each.prior_seen:.1f} %", f"{100 * each.ship_pod:.1f} %", f"{each.duration_s / 60:.1f}"
        )  # fmt: skip
        remark = each.refused or (words(mark("as the mission file states")) if each.stated else "")
        table.add_row(words(each.launch.side), f"{each.launch.station_m:.1f} m", *result, Text(remark))
    best = places[0].launch
    line = f"launch: {{side: {best.side}, station_m: {best.station_m:g}, distance_m: {best.distance_m:g}}}"
    return Group(table, Text(words(mark("best of these; in the mission file:"))), Text(line, no_wrap=True))
