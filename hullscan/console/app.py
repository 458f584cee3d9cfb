"""The operator's screen (textual): panels drawn from snapshots, keys that become orders.

It runs in a process of its own, see ``screen_process``; all that it is given are snapshots and the function ``order``.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar, Final

from rich.cells import cell_len
from rich.text import Text
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.events import Key, Resize
from textual.widgets import Static

from hullscan.clock import Clock, SystemClock
from hullscan.console.hull_picture import hull_picture
from hullscan.console.panels import (
    STYLES,
    alarm_panel,
    events_panel,
    findings_panel,
    header,
    numbers_panel,
    progress_panel,
    request_panel,
)
from hullscan.console.snapshot import ACCEPT, DECLINE, Snapshot
from hullscan.words import mark

__all__ = ["FLAG", "LINES", "ConsoleApp"]

Words = Callable[[str], str]
FLAG: Final = "flag"
LINES: Final = "lines"
_KEYS: Final = {
    "h": "hold", "r": "resume", "s": "skip", "b": "back", "minus": "slower", "plus": "faster", "f": FLAG, "l": LINES,
}  # fmt: skip
_ABORT_WITHIN_S, _SAID_FOR_S, _SILENT_S = 4.0, 3.0, 3.0
_WIDE = 120


class ConsoleApp(App[None], inherit_bindings=False):
    """The screen.

    Args:
        words: translator.
        order: called with hold, resume, skip, back, slower, faster, abort, flag or lines, or with accept or decline
            and the number of a reader's request.
        clock: of this computer, for how long ago something was pressed.
    """

    ENABLE_COMMAND_PALETTE = False
    SHOWN: ClassVar[tuple[tuple[str, str], ...]] = (
        ("A A", mark("home and up")),
        ("H", mark("hold")),
        ("R", mark("go on")),
        ("S", mark("skip leg")),
        ("B", mark("back")),
        ("-/+", mark("speed")),
        ("F", mark("flag")),
        ("L", mark("lines")),
    )
    """Keys and what they do, along the lower edge."""
    SAYS: ClassVar[dict[str, str]] = {
        "hold": mark("sent: hold"),
        "resume": mark("sent: go on"),
        "skip": mark("sent: skip this leg"),
        "back": mark("sent: back to the leg before"),
        "slower": mark("sent: slower"),
        "faster": mark("sent: faster"),
        FLAG: mark("sent: flag this place"),
        ACCEPT: mark("sent: the close-up is accepted"),
        DECLINE: mark("sent: the close-up is declined"),
        "abort?": mark("press A again to end the survey: home, then up"),
        "abort": mark("the end is asked for: home, then up"),
    }
    """What is said when an order was given."""
    CSS: ClassVar[str] = """
    Screen { background: #0b1318; color: #e3ebef; layers: base; }
    Static { width: 100%; text-wrap: nowrap; text-overflow: clip; }
    #header { height: 1; background: #1b2930; }
    #alarm, #progress { height: 2; }
    #request { height: 1; background: #ffd21f; color: #10191e; display: none; }
    #request.open { display: block; }
    #keys { height: 1; dock: bottom; background: #1b2930; }
    #below { height: auto; }
    .ruled { border-top: solid #2d3d46; }
    """

    def __init__(self, words: Words, order: Callable[[str], None], clock: Clock | None = None) -> None:
        super().__init__()
        self.words, self._order, self._clock = words, order, clock or SystemClock()
        self._now: Snapshot | None = None
        self._heard_s = self._clock.now()
        self._said, self._said_s = "", float("-inf")
        self._abort_s = float("-inf")

    def compose(self) -> ComposeResult:
        """Panels from above."""
        yield Static(id="header")
        yield Static(id="alarm")
        yield Static(id="request")
        yield Static(id="hull")
        yield Static(id="progress")
        yield Static(id="numbers")
        with Horizontal(id="below"):
            yield Static(id="findings")
            yield Static(id="events")
        yield Static(id="keys")

    def on_mount(self) -> None:
        """Draw, and go on drawing: time passes without news too."""
        if hasattr(signal, "SIGTSTP"):  # Ctrl-Z must not stop the screen under a flying vehicle
            with suppress(ValueError):  # not the main thread: a test
                signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        self.set_interval(0.5, self.redraw)
        self.redraw()

    def show(self, snapshot: Snapshot) -> None:
        """Take a new moment."""
        self._now, self._heard_s = snapshot, self._clock.now()
        self.redraw()

    def on_resize(self, event: Resize) -> None:
        """Lay out anew."""
        self.redraw()

    def on_key(self, event: Key) -> None:
        """A key becomes an order."""
        key = event.key.lower()
        if key == "ctrl+c":  # where the terminal gives it as a key; else it is a signal and never comes here
            self._abort()
        elif key == "a":
            if self._clock.now() - self._abort_s <= _ABORT_WITHIN_S:
                self._abort()
            else:
                self._abort_s = self._clock.now()
                self._say(self.SAYS["abort?"])
        elif key in ("y", "n") and self._now is not None and (asked := self._now.request) is not None:
            word = ACCEPT if key == "y" else DECLINE
            self._order(f"{word} {asked.number}")
            self._say(self.SAYS[word])
        elif key in _KEYS:
            name = _KEYS[key]
            self._order(name)
            if name in self.SAYS:
                self._say(self.SAYS[name])
        else:
            return
        event.stop()
        self.redraw()

    def _abort(self) -> None:
        self._abort_s = float("-inf")
        self._order("abort")
        self._say(self.SAYS["abort"])

    def _say(self, message: str) -> None:
        self._said, self._said_s = self.words(message), self._clock.now()

    # ---------------------------------------------------------------- drawing

    def redraw(self) -> None:
        """All panels, for the size of the screen."""
        if not self.is_running or self.size.width < 10 or not self.query("#keys"):
            return
        width, height, words = self.size.width, self.size.height, self.words
        self._put("keys", self._keys(width))
        now = self._now
        if now is None:
            self._put("header", Text(words(mark("waiting for the survey"))))
            return
        wide = width >= _WIDE
        ruled = height >= 34
        for panel in ("hull", "progress", "numbers", "below"):
            self.query_one(f"#{panel}").set_class(ruled, "ruled")
        numbers = numbers_panel(now, width, words)
        lines = numbers.plain.count("\n") + 1
        asked = now.request
        self.query_one("#request").set_class(asked is not None, "open")
        if asked is not None:
            self._put("request", request_panel(asked, width, words))
        left = height - 1 - 2 - 2 - lines - 1 - (4 if ruled else 0) - (asked is not None)
        below = min(14, max(left * 2 // 5, 4)) if wide else min(16, max(left // 2, 4))
        picture = max(left - below, 3)
        self._put("header", header(now, width, words))
        self._put("alarm", self._alarm(now, width))
        self._put("hull", hull_picture(now.image, width, picture, words), picture + ruled)
        self._put("progress", progress_panel(now, width, words), 2 + ruled)
        self._put("numbers", numbers, lines + ruled)
        self.query_one("#below").styles.height = below + ruled
        if wide:
            half = width // 2
            self._place_below(half, width - half, below, below)
            self._put("findings", findings_panel(now, half - 2, below, words))
            self._put("events", events_panel(now, width - half, below, words))
        else:
            upper = min(1 + max(2 * len(now.findings), 1), below // 2)  # a finding and its picture's path
            self._place_below(width, width, upper, below - upper)
            self._put("findings", findings_panel(now, width, upper, words))
            self._put("events", events_panel(now, width, below - upper, words))

    def _place_below(self, left: int, right: int, upper: int, lower: int) -> None:
        box = self.query_one("#below", Horizontal)
        box.styles.layout = "horizontal" if left != right or self.size.width >= _WIDE else "vertical"
        for name, wide, high in (("findings", left, upper), ("events", right, lower)):
            panel = self.query_one(f"#{name}", Static)
            panel.styles.width, panel.styles.height = wide, high

    def _put(self, name: str, text: Text, height: int | None = None) -> None:
        panel = self.query_one(f"#{name}", Static)
        panel.update(text)
        if height is not None:
            panel.styles.height = height

    def _alarm(self, now: Snapshot, width: int) -> Text:
        silent_s = self._clock.now() - self._heard_s
        if silent_s < _SILENT_S:
            return alarm_panel(now, width, self.words)
        what = self.words(mark("no news from the survey for {seconds:.0f} s")).format(seconds=silent_s)
        then = self.words(mark("Ctrl-C asks for the way home whatever this screen shows"))
        return Text.assemble((f"✖ {what}", STYLES["alarm"]), f"\n  → {then}")

    def _keys(self, width: int) -> Text:
        if self._clock.now() - self._said_s < _SAID_FOR_S:
            return Text(f" {self._said}", style="bold #ffd21f", no_wrap=True)
        text = Text(" ", no_wrap=True)
        for key, name in self.SHOWN:
            said = self.words(name)
            if text.cell_len + len(key) + cell_len(said) + 1 > width:
                break
            text.append(key, style="bold #7cc6e2").append(f" {said}  ")
        return text
