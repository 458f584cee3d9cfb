"""Replay of a recorded mission: on the operator's screen with keys for time, or as lines where there is no terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import ClassVar

from rich.console import Console
from textual.events import Key

from hullscan.clock import Clock
from hullscan.console.app import ConsoleApp
from hullscan.console.playback import Playback
from hullscan.words import filled, mark

__all__ = ["Player", "ReplayApp", "replay"]

Words = Callable[[str], str]
_JUMP_S = 30.0
_SPEEDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_LINE_EVERY_S = 10.0  # of mission time
_REDRAW_S = 0.25


class Player:
    """Where in the mission the replay is; orders come from any thread.

    Args:
        clock: of this computer.
        speed: mission seconds a second.
    """

    def __init__(self, playback: Playback, clock: Clock, speed: float) -> None:
        self._playback, self._clock = playback, clock
        self._lock = threading.Lock()
        self._at_s, self._since_s = playback.begin_s, clock.now()
        self.speed, self.paused = speed, False

    def now(self) -> float:
        """Mission time that is shown; held at the end."""
        with self._lock:
            return self._now()

    def _now(self) -> float:
        ahead_s = 0.0 if self.paused else (self._clock.now() - self._since_s) * self.speed
        return min(self._at_s + ahead_s, self._playback.end_s)

    @property
    def ended(self) -> bool:
        """The end of the mission is shown."""
        return self.now() >= self._playback.end_s

    def order(self, name: str) -> None:
        """Hold, resume, skip, back, slower or faster, as the screen's keys name them."""
        with self._lock:
            self._at_s, self._since_s = self._now(), self._clock.now()
            if name in ("hold", "resume"):
                self.paused = name == "hold"
            elif name in ("skip", "back"):
                at_s = self._at_s + (_JUMP_S if name == "skip" else -_JUMP_S)
                self._at_s = min(max(at_s, self._playback.begin_s), self._playback.end_s)
            elif name == "faster":
                self.speed = next((each for each in _SPEEDS if each > self.speed), self.speed)
            elif name == "slower":
                self.speed = next((each for each in reversed(_SPEEDS) if each < self.speed), self.speed)


class ReplayApp(ConsoleApp):
    """The operator's screen, fed from a folder; its keys move time."""

    SHOWN: ClassVar[tuple[tuple[str, str], ...]] = (
        ("Q", mark("end")),
        ("H", mark("hold")),
        ("R", mark("go on")),
        ("S", mark("30 s on")),
        ("B", mark("30 s back")),
        ("-/+", mark("speed")),
    )
    SAYS: ClassVar[dict[str, str]] = {
        **ConsoleApp.SAYS,
        "hold": mark("held"),
        "resume": mark("going on"),
        "skip": mark("30 s on"),
        "back": mark("30 s back"),
        "slower": mark("slower"),
        "faster": mark("faster"),
        "flag": mark("a recording cannot be flagged: read it with hullscan review"),
        "abort?": mark("press A again, or Q, to end the replay"),
        "abort": mark("end"),
    }

    def __init__(self, words: Words, playback: Playback, player: Player, clock: Clock) -> None:
        super().__init__(words, self._ordered, clock)
        self._playback, self._player = playback, player

    def _ordered(self, name: str) -> None:
        if name in ("abort", "lines"):
            self.exit()
        else:
            self._player.order(name)
            self._advance()

    def on_mount(self) -> None:
        """Draw, and go on."""
        super().on_mount()
        self.set_interval(_REDRAW_S, self._advance)
        self._advance()

    def on_key(self, event: Key) -> None:
        """Q ends; the other keys are the operator's."""
        if event.key.lower() == "q":
            self.exit()
            event.stop()
        else:
            super().on_key(event)

    def _advance(self) -> None:
        player = self._player
        self.show(self._playback.snapshot(player.now(), speed=player.speed, paused=player.paused))


def replay(playback: Playback, words: Words, clock: Clock, speed: float, *, plain: bool) -> None:
    """Show a mission from its beginning to its end."""
    player = Player(playback, clock, speed)
    if plain or not (sys.stdout.isatty() and sys.stdin.isatty()):
        _lines(playback, player, words, clock)
    else:
        ReplayApp(words, playback, player, clock).run()


def _lines(playback: Playback, player: Player, words: Words, clock: Clock) -> None:
    """One line for each event at its time, and one of progress every ten seconds of mission time."""
    console = Console(highlight=False, soft_wrap=True)
    shown_s, told_s = float("-inf"), float("-inf")
    while True:
        now_s = player.now()
        for event in playback.events_between(shown_s, now_s):
            data = event.get("data")
            try:
                text = filled(str(event.get("message", "")), data if isinstance(data, dict) else {}, words)
            except (LookupError, ValueError, TypeError, AttributeError):
                text = str(event.get("words", ""))
            after_s = max(float(event["utc_s"]) - playback.begin_s, 0.0)
            console.print(f"{_clock_text(after_s)} {event.get('kind', '')!s:<12} {text}", markup=False)
        shown_s = now_s
        if now_s - told_s >= _LINE_EVERY_S or player.ended:
            told_s = now_s
            moment = playback.snapshot(now_s)
            text = words(
                mark("{share:.0%} flown, {seen:.1f} of {planned:.1f} m² seen, {volts:.1f} V, {count} findings")
            ).format(
                share=moment.survey_share, seen=moment.seen_m2, planned=moment.asked_m2, volts=moment.battery_v,
                count=len(moment.findings),
            )  # fmt: skip
            console.print(f"{_clock_text(now_s - playback.begin_s)} {'progress':<12} {text}", markup=False)
        if player.ended:
            return
        clock.sleep(min(1.0 / player.speed, _REDRAW_S))


def _clock_text(seconds: float) -> str:
    return f"{int(seconds // 60):3d}:{int(seconds % 60):02d}"
