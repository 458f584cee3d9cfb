"""The operator's screen while a mission flies: one table, one progress, the last events. Lines when not a terminal."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hullscan.survey import LiveMission
from hullscan.words import fill, mark

__all__ = ["LineScreen", "LiveScreen", "make_screen"]

_REFRESH_S = 0.25
_LINE_EVERY_S = 10.0
_WARNINGS = {
    "battery", "position", "tilt", "range", "video", "clearance", "link", "control", "leak", "ended", "seeing",
    "warning",
}  # fmt: skip
Words = Callable[[str], str]


def make_screen(words: Words, *, plain: bool) -> LiveScreen | LineScreen:
    """A live screen on a terminal, lines elsewhere or when asked for."""
    if plain or not sys.stdout.isatty():
        return LineScreen(words)
    return LiveScreen(words)


def _state(live: LiveMission) -> dict[str, Any]:
    """The numbers that an operator watches."""
    status, telemetry = live.pilot.status, live.vehicle.telemetry
    battery, video = telemetry.battery.latest, live.stream.stats()
    asked = live.plan.asked(live.seeing.record.cells)
    seen = live.seeing.record.area_m2(asked & live.seeing.record.seen())
    return {
        "share": status.survey_share,
        "leg": status.leg_name or status.state.value,
        "holding": status.holding,
        "seen": seen,
        "planned": live.plan.plannable_area_m2,
        "depth": telemetry.depth_m,
        "range": status.range_m,
        "volts": battery.voltage_v if battery is not None else float("nan"),
        "along": status.sigma_along_m,
        "across": status.sigma_across_m,
        "frames": video.recorded,
        "lost": video.lost_packets,
        "looks": live.seeing.looks,
        "findings": list(live.seeing.findings),
    }


def _number(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "–"


class LineScreen:
    """One line for each event, and a line of progress every ten seconds of mission time."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._console = Console(highlight=False, soft_wrap=True)
        self._live: LiveMission | None = None
        self._stop = threading.Event()

    def event(self, kind: str, message: str, data: dict[str, Any]) -> None:
        """Print an event."""
        self._console.print(f"{kind:<12} {fill(self._words(message), data)}", markup=False)

    def begin(self, live: LiveMission) -> None:
        """Print progress from now on."""
        self._live = live
        threading.Thread(target=self._run, name="progress", daemon=True).start()

    def _run(self) -> None:
        last_s = float("-inf")
        while not self._stop.wait(0.5):
            live = self._live
            if live is None or live.clock.now() - last_s < _LINE_EVERY_S:
                continue
            last_s = live.clock.now()
            state = _state(live)
            text = self._words(
                mark("{share:.0%} flown, {seen:.1f} of {planned:.1f} m² seen, {volts:.1f} V, {count} findings")
            ).format(**state, count=len(state["findings"]))
            self._console.print(f"{'progress':<12} {text}", markup=False)

    def end(self) -> None:
        """No more progress."""
        self._stop.set()


class LiveScreen:
    """A screen that redraws itself."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._console = Console(highlight=False)
        self._events: deque[tuple[str, str]] = deque(maxlen=8)
        self._mission: LiveMission | None = None
        self._live: Live | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def event(self, kind: str, message: str, data: dict[str, Any]) -> None:
        """Show an event among the last ones; before the flight, print it."""
        text = fill(self._words(message), data)
        with self._lock:
            self._events.append((kind, text))
        if self._live is None:
            self._console.print(f"[dim]{kind:<12}[/] {text}")

    def begin(self, live: LiveMission) -> None:
        """Take over the screen."""
        self._mission = live
        self._live = Live(self._draw(), console=self._console, auto_refresh=False, transient=True)
        self._live.start()
        threading.Thread(target=self._run, name="screen", daemon=True).start()

    def _run(self) -> None:
        while not self._stop.wait(_REFRESH_S):
            if self._live is not None:
                self._live.update(self._draw(), refresh=True)

    def end(self) -> None:
        """Give the screen back."""
        self._stop.set()
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _draw(self) -> Group:
        assert self._mission is not None
        words, state = self._words, _state(self._mission)
        head = Text.assemble(
            ("hullscan ", "bold"),
            f"{self._mission.mission.file.ship.name}   ",
            (str(self._mission.folder.path), "dim"),
        )
        bars = Table.grid(padding=(0, 2))
        bars.add_column(min_width=14)
        bars.add_column()
        bars.add_column(justify="right")
        bars.add_row(words(mark("lanes")), ProgressBar(1.0, state["share"], width=40), f"{state['share']:.0%}")
        share = state["seen"] / max(state["planned"], 1e-6)
        bars.add_row(
            words(mark("hull seen")),
            ProgressBar(1.0, share, width=40),
            f"{state['seen']:.1f} / {state['planned']:.1f} m²",
        )
        numbers = Table.grid(padding=(0, 3))
        for _ in range(4):
            numbers.add_column()
        place = f"±{_number(state['along'], 2)} / ±{_number(state['across'], 2)} m"
        shown = [
            (mark("depth"), f"{_number(state['depth'])} m"),
            (mark("range to hull"), f"{_number(state['range'], 2)} m"),
            (mark("battery"), f"{_number(state['volts'])} V"),
            (mark("place along / across"), place),
            (mark("frames"), str(state["frames"])),
            (mark("packets lost"), str(state["lost"])),
            (mark("looks"), str(state["looks"])),
            (mark("findings"), str(len(state["findings"]))),
        ]
        cells = [f"{words(name)} [b]{value}[/]" for name, value in shown]
        numbers.add_row(*cells[:4])
        numbers.add_row(*cells[4:])
        leg = Text(state["leg"], "bold")
        if state["holding"]:
            leg.append(f"   {words(mark('holding'))}: {state['holding']}", "bold yellow")
        parts: list[Any] = [head, Text(), leg, bars, Text(), numbers]
        if state["findings"]:
            parts += [Text(), self._findings(state["findings"])]
        with self._lock:
            lines = [
                Text.assemble((f"{kind:<12} ", "yellow" if kind in _WARNINGS else "dim"), text)
                for kind, text in self._events
            ]
        foot = Text(words(mark("Ctrl-C: stop searching, go back and surface")), "dim")
        return Group(Panel(Group(*parts), border_style="cyan"), *lines, foot)

    def _findings(self, findings: list[Any]) -> Table:
        words = self._words
        table = Table(box=None, padding=(0, 2), header_style="dim")
        for name in (mark("finding"), mark("score"), mark("station"), mark("depth"), mark("95 % radius")):
            table.add_column(words(name))
        for number, finding in enumerate(findings[:6], start=1):
            x, _, z = finding.position_ship_m
            table.add_row(
                f"[red]{number}[/] {words(finding.label)}",
                f"{finding.score:.2f}",
                f"{x:.1f} m",
                f"{z:.1f} m",
                f"{finding.radius95_m:.2f} m",
            )
        return table
