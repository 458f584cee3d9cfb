"""The console's panels as text: drawn from a snapshot, for a width; nothing here knows of a screen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from hullscan.console.alarms import Level, alarm_of, level_of, said
from hullscan.console.snapshot import RequestRow, Snapshot
from hullscan.words import fill, mark

__all__ = [
    "STYLES", "alarm_panel", "events_panel", "findings_panel", "header", "numbers_panel", "progress_panel",
    "request_panel",
]  # fmt: skip

Words = Callable[[str], str]
STYLES: dict[Level, str] = {"well": "", "caution": "bold #f0b94f", "alarm": "bold #ff8e7f"}
_SIGNS: dict[Level, str] = {"well": "✔", "caution": "▲", "alarm": "✖"}
_STATES = {
    "preflight": mark("preflight"), "armed": mark("armed"), "descend": mark("descend"),
    "first fix": mark("first fix"), "survey": mark("survey"), "close-up": mark("close-up"), "re-fly": mark("re-fly"),
    "home": mark("home"), "retreat": mark("retreat"), "out from under": mark("out from under"),
    "listening": mark("listening"), "surface": mark("surface"), "disarm": mark("disarm"),
    "handed over": mark("handed over"), "ended": mark("ended"),
}  # fmt: skip


def header(now: Snapshot, width: int, words: Words) -> Text:
    """Ship, state and time in one line."""
    left = Text.assemble((" hullscan ", "bold reverse"), " ", (now.ship, "bold"))
    if width >= 150:
        left.append(f"  {now.folder}", style="dim")
    left_s = max(now.window_s - now.after_s, 0.0)
    time = words(mark("{flown} flown, {left} of the window left")).format(
        flown=_clock(now.after_s), left=_clock(left_s)
    )
    state = words(_STATES.get(now.state, now.state))
    mode = f"{now.mode}, {words(mark('armed')) if now.armed else words(mark('disarmed'))}"
    right = Text.assemble((f" {state} ", "bold reverse"), f"  {mode}  " if width >= 100 else " ", time)
    gap = width - left.cell_len - right.cell_len
    if gap < 1:
        left.truncate(max(width - right.cell_len - 1, 10))
        gap = max(width - left.cell_len - right.cell_len, 1)
    return Text.assemble(left, " " * gap, right, no_wrap=True)


def alarm_panel(now: Snapshot, width: int, words: Words) -> Text:
    """What is wrong, and what happens next: two lines."""
    alarm = alarm_of(now, words)
    style = STYLES[alarm.level] or "bold #6fd3a1"
    what = Text(f"{_SIGNS[alarm.level]} {alarm.what}", style=style, no_wrap=True)
    following = Text(f"  → {alarm.next}", no_wrap=True)
    for line in (what, following):
        line.truncate(width, overflow="ellipsis")
    return Text.assemble(what, "\n", following)


def request_panel(asked: RequestRow, width: int, words: Words) -> Text:
    """What a reader asks for, and the keys that answer it: one line."""
    data = {"name": asked.asked_by, "side": words(asked.side), "station": asked.station_m, "depth": asked.depth_m}
    what = fill(words(mark("{name} asks for a close-up: {side}, station {station:.1f} m, {depth:.1f} m deep")), data)
    keys = f"  Y {words(mark('accept'))}  N {words(mark('decline'))} "
    text = Text(f" ? {what}", style="bold", no_wrap=True)
    text.truncate(max(width - cell_len(keys), 10), overflow="ellipsis")
    return text.append(keys, style="bold reverse")


def progress_panel(now: Snapshot, width: int, words: Words) -> Text:
    """The leg, and two bars: lanes flown, hull seen."""
    name = "" if not now.leg_message else _leg(now, words)
    if now.overhead:
        name += f"   {words(mark('plating overhead'))}"
    if abs(now.speed_share - 1) > 0.01:
        name += f"   {words(mark('speed'))} {now.speed_share:.0%}"
    first = Text(name or words(_STATES.get(now.state, now.state)), style="bold", no_wrap=True)
    first.truncate(width, overflow="ellipsis")
    seen = now.seen_m2 / max(now.asked_m2, 1e-6)
    bars = (
        (words(mark("this leg")), now.leg_share, f"{now.leg_share:.0%}"),
        (words(mark("lanes")), now.survey_share, f"{now.survey_share:.0%}"),
        (words(mark("hull seen")), seen, f"{seen:.0%}  {now.seen_m2:.0f} / {now.asked_m2:.0f} m²"),
    )
    if width >= 120:
        each = width // 3
        parts = [_bar(*bar, each - 2) + Text("  ") for bar in bars]
        return Text.assemble(first, "\n", *parts, no_wrap=True)
    half = width // 2
    return Text.assemble(first, "\n", _bar(*bars[1], half - 1), " ", _bar(*bars[2], half), no_wrap=True)


def _bar(name: str, share: float, value: str, width: int) -> Text:
    room = width - cell_len(name) - cell_len(value) - 2
    full = round(min(max(share, 0.0), 1.0) * max(room, 0))
    return Text.assemble(name, " ", ("━" * full, "#5aa9c9"), ("─" * (room - full), "dim"), " ", (value, "bold"))


@dataclass(frozen=True, slots=True)
class _Number:
    name: str
    value: str
    level: Level = "well"


def numbers_panel(now: Snapshot, width: int, words: Words) -> Text:
    """All numbers in columns, those that need a look marked."""
    items = _numbers(now, words)
    columns = 6 if width >= 150 else 4 if width >= 110 else 3
    lines = -(-len(items) // columns)
    each = width // columns
    text = Text(no_wrap=True)
    for line in range(lines):
        for column in range(columns):
            index = column * lines + line
            if index < len(items):
                text.append_text(_cell(items[index], each))
        if line + 1 < lines:
            text.append("\n")
    return text


def _cell(number: _Number, width: int) -> Text:
    sign = "" if number.level == "well" else _SIGNS[number.level] + " "
    value = sign + number.value
    room = width - cell_len(value) - 3
    return Text.assemble(
        (set_cell_size(number.name, max(room, 0)), "dim"), " ", (value, STYLES[number.level] or "bold"), "  "
    )


def _numbers(now: Snapshot, words: Words) -> list[_Number]:
    near = now.range_m - 0.1 < now.least_m
    battery: Level = (
        "alarm"
        if now.battery_v < now.battery_limit_v
        else "caution"
        if now.battery_v < now.battery_limit_v + 0.4
        else "well"
    )
    across = max(now.sigma_along_m, now.sigma_across_m)
    silent: Level = "alarm" if now.link_age_s > 3 else "caution" if now.link_age_s > 1 else "well"
    dark: Level = "alarm" if now.video_age_s > 3 else "caution" if now.video_age_s > 1 else "well"
    return [
        _Number(words(mark("range to hull")), f"{_n(now.range_m, 2)} m", "alarm" if near else "well"),
        _Number(words(mark("stand-off")), f"{_n(now.stand_off_m, 2)} m"),
        _Number(words(mark("speed")), f"{_n(now.speed_mps, 2)} m/s"),
        _Number(words(mark("depth")), f"{_n(now.depth_m, 1)} m"),
        _Number(words(mark("place ± along")), f"{_n(now.sigma_along_m, 2)} m", "caution" if across > 1 else "well"),
        _Number(words(mark("place ± across")), f"{_n(now.sigma_across_m, 2)} m"),
        _Number(words(mark("battery")), f"{_n(now.battery_v, 1)} V", battery),
        _Number(words(mark("current drawn")), f"{_n(now.current_a, 1)} A"),
        _Number(
            words(mark("tether, by plan")),
            f"{_n(now.tether_m, 0)}/{_n(now.tether_limit_m, 0)} m",
            "caution" if now.tether_m > 0.9 * now.tether_limit_m else "well",
        ),
        _Number(words(mark("link")), f"{_n(now.link_age_s, 1)} s", silent),
        _Number(
            words(mark("disk free")),
            f"{_n(now.disk_free_mb / 1000, 0)} GB",
            "caution" if now.disk_free_mb < 2000 else "well",
        ),
        _Number(words(mark("packets lost")), str(now.packets_lost)),
        _Number(words(mark("video")), f"{_n(now.video_hz, 0)}/s", dark),
        _Number(words(mark("looks")), f"{_n(now.looks_hz, 1)}/s"),
        _Number(
            words(mark("detector behind")),
            f"{_n(now.detector_lag_s, 1)} s",
            "caution" if now.detector_lag_s > 5 else "well",
        ),
        _Number(words(mark("DVL")), f"{_n(now.dvl_hz, 0)}/s", "caution" if now.dvl_age_s > 2 else "well"),
        _Number(words(mark("video, age")), f"{_n(now.video_age_s, 1)} s", dark),
        _Number(words(mark("findings")), str(len(now.findings)), "caution" if now.findings else "well"),
    ]


def findings_panel(now: Snapshot, width: int, height: int, words: Words) -> Text:
    """Findings as they come, with the path of a thumbnail; on a line of its own where it would be cut off."""
    head = words(mark("findings so far, to be confirmed by a person"))
    lines = [Text(set_cell_size(head, width).rstrip(), style="dim")]
    if not now.findings:
        lines.append(Text(words(mark("nothing is flagged yet"))))
    line = words(mark("{label} {score:.2f}, {side}, station {station:.1f} m, {depth:.1f} m deep, ± {radius:.1f} m"))
    spare = height - 1 - len(now.findings)
    for number, each in enumerate(now.findings[: height - 1], start=1):
        data = {
            "label": words(each.label), "score": each.score, "side": words(each.side), "station": each.station_m,
            "depth": each.depth_m, "radius": each.radius95_m,
        }  # fmt: skip
        row = Text.assemble((f" {number} ", "bold white on #c8401e"), " ", line.format(**data))
        picture = Text("  " + each.picture.removeprefix(now.folder).lstrip("/" + chr(92)), style="dim")
        if row.cell_len + picture.cell_len > width and spare > 0:
            spare -= 1
            lines += [row, Text("  ") + picture]
        else:
            lines.append(row + picture)
    for each_line in lines:
        each_line.truncate(width, overflow="ellipsis")
    return Text("\n", no_wrap=True).join(lines)


def events_panel(now: Snapshot, width: int, height: int, words: Words) -> Text:
    """The last events, the newest below."""
    lines = []
    for event in now.events[-height:]:
        level = level_of(event)
        sign = "·" if level == "well" else _SIGNS[level]
        line = Text.assemble(
            (f"{_clock(event.after_s):>6} ", "dim"), (f"{sign} ", STYLES[level]), (said(event, words), STYLES[level])
        )
        line.truncate(width, overflow="ellipsis")
        lines.append(line)
    return Text("\n", no_wrap=True).join(lines)


def _leg(now: Snapshot, words: Words) -> str:
    try:
        return fill(words(now.leg_message), now.leg_data)
    except (LookupError, ValueError):
        return now.leg_message


def _n(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
