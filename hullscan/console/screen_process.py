"""The process of the operator's screen: snapshots come in over a connection, names of keys go out.

Started by ``live.ConsoleScreen`` as ``python -m hullscan.console.screen_process ADDRESS LANGUAGE``. An interrupt is
not for it: the survey gets the same one, and the terminal goes on sending it, because textual is told to leave signals
on. When the connection closes the screen gives the terminal back.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from multiprocessing.connection import Client, Connection

from hullscan.console.app import ConsoleApp
from hullscan.console.snapshot import Snapshot
from hullscan.words import translator

__all__ = ["KEY_VARIABLE", "main"]

KEY_VARIABLE = "HULLSCAN_CONSOLE_KEY"


def main(address: str, language: str) -> None:
    """Show what comes until nothing comes any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Client(address, authkey=bytes.fromhex(os.environ.pop(KEY_VARIABLE))) as connection:
        lock = threading.Lock()

        def order(name: str) -> None:
            with lock:
                connection.send_bytes(name.encode("ascii"))

        app = ConsoleApp(translator(language), order)
        threading.Thread(target=_feed, args=(connection, app), name="snapshots", daemon=True).start()
        app.run()


def _feed(connection: Connection, app: ConsoleApp) -> None:
    """Give the newest snapshot to the screen, again and again."""
    try:
        while True:
            line = connection.recv_bytes()
            while connection.poll():  # a slow terminal sees the newest only
                line = connection.recv_bytes()
            if app.is_running:
                app.call_from_thread(app.show, Snapshot.from_json(line))
    except (EOFError, OSError):
        if app.is_running:
            app.call_from_thread(app.exit)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
