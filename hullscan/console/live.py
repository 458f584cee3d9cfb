"""What the operator sees while a mission flies: a screen in a process of its own, or lines where there is no terminal.

The screen can neither stall the survey nor end it. Snapshots are taken and sent by a thread that nobody waits for; if
the screen's process dies or hangs, plain lines go on, and Ctrl-C reaches the survey as a signal in every case.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, Listener
from typing import Any

import numpy as np
from rich.console import Console

from hullscan.console.observer import Observer
from hullscan.console.snapshot import ACCEPT, DECLINE
from hullscan.errors import HullscanError
from hullscan.pilot.orders_of_operator import OperatorOrder
from hullscan.survey import LiveMission
from hullscan.words import mark, said

__all__ = ["ConsoleScreen", "LineScreen", "make_screen"]

_SNAPSHOT_EVERY_S = 0.25  # of this computer's time
_LINE_EVERY_S = 10.0
_START_S, _END_S = 15.0, 3.0  # that the screen's process may take
Words = Callable[[str], str]


def make_screen(words: Words, language: str, *, plain: bool) -> ConsoleScreen | LineScreen:
    """A screen on a terminal, lines elsewhere or when asked for."""
    if plain or not (sys.stdout.isatty() and sys.stdin.isatty()):
        return LineScreen(words)
    return ConsoleScreen(words, language)


def _progress(live: LiveMission) -> dict[str, Any]:
    """The numbers of a progress line."""
    battery, record = live.vehicle.telemetry.battery.latest, live.seeing.record
    asked = live.plan.asked(record.cells)
    return {
        "share": live.pilot.status.survey_share,
        "seen": record.area_m2(asked & record.seen()),
        "planned": live.plan.plannable_area_m2,
        "volts": battery.voltage_v if battery is not None else np.nan,
        "count": len(live.seeing.findings),
    }


class LineScreen:
    """One line for each event, and a line of progress every ten seconds of mission time."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._console = Console(highlight=False, soft_wrap=True)
        self._live: LiveMission | None = None
        self._stop = threading.Event()

    def event(self, kind: str, message: str, data: dict[str, Any]) -> None:
        """Print an event."""
        self._print(f"{kind:<12} {said(message, data, self._words)}")

    def _print(self, line: str) -> None:
        """To a terminal that may have been closed, or know no Korean: neither may cost the flight anything."""
        with suppress(OSError, ValueError):
            self._console.print(line, markup=False)

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
            text = self._words(
                mark("{share:.0%} flown, {seen:.1f} of {planned:.1f} m² seen, {volts:.1f} V, {count} findings")
            ).format(**_progress(live))
            self._print(f"{'progress':<12} {text}")

    def end(self) -> None:
        """No more progress."""
        self._stop.set()


class ConsoleScreen:
    """The screen's process and the threads that serve it; lines before, after, and instead of it.

    Args:
        command: that starts the process; address and language are added to it.
    """

    def __init__(self, words: Words, language: str, command: tuple[str, ...] = ()) -> None:
        self._words, self._language = words, language
        self._command = command or (sys.executable, "-m", "hullscan.console.screen_process")
        self._lines, self._observer = LineScreen(words), Observer()
        self._stop = threading.Event()
        self._shown = threading.Event()
        """The screen has the terminal: nobody else may print."""
        self._process: subprocess.Popen[bytes] | None = None
        self._terminal = _Terminal()
        self._thread: threading.Thread | None = None

    def event(self, kind: str, message: str, data: dict[str, Any]) -> None:
        """Show an event on the screen, or print it when there is none."""
        self._observer.event(kind, message, data)
        if not self._shown.is_set():
            self._lines.event(kind, message, data)

    def begin(self, live: LiveMission) -> None:
        """Start the screen."""
        self._observer.begin(live)
        self._terminal.keep()
        self._shown.set()
        self._thread = threading.Thread(target=self._serve, args=(live,), name="screen", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Give the terminal back."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_START_S + 2 * _END_S)
        self._lines.end()
        self._terminal.give_back()

    # ---------------------------------------------------------------- the thread that serves it

    def _serve(self, live: LiveMission) -> None:
        """Feed the screen until the flight or the screen ends; lines go on where the flight does."""
        try:
            with self._connected() as connection:
                threading.Thread(target=self._obey, args=(connection, live), name="orders", daemon=True).start()
                while not self._stop.wait(_SNAPSHOT_EVERY_S):
                    connection.send_bytes(self._observer.snapshot().to_json())
        except (OSError, EOFError, HullscanError):
            pass  # it has gone, or the operator wants lines
        except Exception as error:  # noqa: BLE001 whatever is wrong with a picture must not cost the operator his lines
            self._lines.event("warning", mark("warning: {words}"), {"words": f"{type(error).__name__}: {error}"})
        self._close()
        if not self._stop.is_set():
            self._lines.event("screen", mark("the screen is closed; lines go on, Ctrl-C asks for the way home"), {})
            self._lines.begin(live)

    def _connected(self) -> Connection:
        """Start the process and wait until it calls.

        Raises:
            OSError: it does not.
        """
        key = secrets.token_bytes(32)
        listener = Listener(authkey=key)
        environment = {**os.environ, "HULLSCAN_CONSOLE_KEY": key.hex(), "TEXTUAL_ALLOW_SIGNALS": "1"}
        self._process = subprocess.Popen(
            [*self._command, str(listener.address), self._language],
            env=environment,
            stderr=sys.stdout.fileno(),  # the screen draws on its error stream, and that must be the terminal
        )
        answers: list[Connection] = []

        def accept() -> None:
            with suppress(OSError, EOFError):
                answers.append(listener.accept())

        waiting = threading.Thread(target=accept, name="accept", daemon=True)
        waiting.start()
        for _ in range(int(_START_S / 0.1)):
            waiting.join(0.1)
            if answers or self._process.poll() is not None or self._stop.is_set():
                break
        listener.close()
        if not answers:
            raise OSError("the screen did not start")
        return answers[0]

    def _obey(self, connection: Connection, live: LiveMission) -> None:
        """Orders from the screen."""
        with suppress(OSError, EOFError):
            while True:
                name = connection.recv_bytes().decode("ascii", "replace")
                if name == "lines":
                    connection.close()
                elif name == "flag":
                    with suppress(HullscanError):  # a record that is full ends the survey at the pilot's next event
                        place = live.flag()
                        if place is not None:
                            self._observer.flagged(place)
                elif name.startswith((ACCEPT, DECLINE)):
                    with suppress(HullscanError, ValueError):
                        word, _, number = name.partition(" ")
                        live.pilot.requests.answer(int(number), accept=word == ACCEPT)
                elif name in {order.value for order in OperatorOrder}:
                    live.pilot.desk.put(OperatorOrder(name))

    def _close(self) -> None:
        """The process ends by itself when the connection does; else it is ended. Then the terminal is ours."""
        if self._process is not None:
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._terminal.mend()
        self._shown.clear()


class _Terminal:
    """The terminal's settings as they were, and Ctrl-Z, which must not stop a survey."""

    def __init__(self) -> None:
        self._settings: list[Any] | None = None
        self._on_stop: Any = None

    def keep(self) -> None:
        """Remember the settings; from now on Ctrl-Z does nothing."""
        with suppress(ImportError, OSError, ValueError):
            import termios

            with suppress(termios.error):
                self._settings = termios.tcgetattr(sys.stdin.fileno())
        if hasattr(signal, "SIGTSTP") and threading.current_thread() is threading.main_thread():
            self._on_stop = signal.signal(signal.SIGTSTP, signal.SIG_IGN)

    def mend(self) -> None:
        """Put back what a screen that was killed has left: settings, the other page, the hidden cursor, the mouse."""
        if self._settings is None:
            return
        import termios

        with suppress(termios.error, OSError, ValueError):
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, self._settings)
            sys.stdout.write(
                "\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[<u\x1b[?7h\x1b[?1049l\x1b[?25h\x1b[?1004l"
            )
            sys.stdout.flush()

    def give_back(self) -> None:
        """Ctrl-Z as before."""
        if self._on_stop is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTSTP, self._on_stop)
