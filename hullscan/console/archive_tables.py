"""An archive and the comparison of two missions, in a few lines on the terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from rich.markup import escape
from rich.table import Table

from hullscan.record.archive import Archived
from hullscan.report.compare import KIND_WORDS, Change
from hullscan.words import mark

__all__ = ["archive_table", "change_table", "stats_table"]

Words = Callable[[str], str]


def _table(words: Words, *columns: tuple[str, bool]) -> Table:
    table = Table(box=None, padding=(0, 1))
    for name, number in columns:
        table.add_column(words(name), justify="right" if number else "left")
    return table


def archive_table(missions: Iterable[Archived], words: Words) -> Table:
    """A mission a line; one that cannot be read says why."""
    table = _table(
        words,
        (mark("start"), False), (mark("ship"), False), (mark("mission"), False), (mark("outcome"), False),
        (mark("findings"), True), (mark("m² seen"), True), (mark("folder"), False),
    )  # fmt: skip
    for each in missions:
        name = escape(each.path.name)
        if each.damage:
            table.add_row("", "", "", f"[red]{escape(each.damage)}[/]", "", "", name)
        else:
            table.add_row(
                each.start_utc[:16].replace("T", " "), escape(each.ship), escape(each.mission),
                words(each.outcome), str(each.findings), f"{each.seen_m2:.0f}", name,
            )  # fmt: skip
    return table


def stats_table(missions: Iterable[Archived], words: Words) -> Table:
    """Totals by year and month."""
    table = _table(
        words,
        (mark("month"), False), (mark("missions"), True), (mark("ships"), True), (mark("findings"), True),
        (mark("m² seen"), True), (mark("hours"), True), (mark("unreadable"), True),
    )  # fmt: skip
    months: dict[str, list[Archived]] = defaultdict(list)
    for each in missions:
        months[each.start_utc[:7] or "?"].append(each)
    for month in sorted(months):
        here = months[month]
        good = [each for each in here if not each.damage]
        table.add_row(
            month, str(len(good)), str(len({each.ship for each in good})), str(sum(each.findings for each in good)),
            f"{sum(each.seen_m2 for each in good):.0f}", f"{sum(each.duration_s for each in good) / 3600:.1f}",
            str(len(here) - len(good)),
        )  # fmt: skip
    return table


def change_table(changes: list[Change], words: Words) -> Table:
    """A thing a line, the new ones first."""
    table = _table(
        words,
        (mark("change"), False), (mark("before"), False), (mark("after"), False), (mark("side"), False),
        (mark("station"), True), (mark("depth"), True), (mark("apart"), True), (mark("size"), True),
        (mark("probability"), True),
    )  # fmt: skip
    for change in changes:
        shown = change.after or change.before or {}
        table.add_row(
            words(KIND_WORDS[change.kind]),
            str(change.before["id"]) if change.before else "–",
            str(change.after["id"]) if change.after else "–",
            words(str(shown["side"])),
            f"{shown['station_m']:.1f} m",
            f"{shown['depth_m']:.1f} m",
            f"{change.distance_m:.2f} m" if change.distance_m is not None else "",
            " → ".join(f"{each['size_m']:.1f}" for each in (change.before, change.after) if each) + " m",
            f"{change.probability:.2f}" if not change.kind.startswith("not searched") else "–",
        )
    return table
