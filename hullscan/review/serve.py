"""Serving the desk on this computer until it is stopped."""

from __future__ import annotations

import socket
import sys
import tempfile
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from hullscan.clock import SystemClock, real_seconds
from hullscan.errors import InputError
from hullscan.record.signature import machine_key
from hullscan.review.desk import DeskOptions, make_desk
from hullscan.review.places import open_missions
from hullscan.review.readers import Person, Roster
from hullscan.words import LANGUAGES

__all__ = ["ServeOptions", "serve"]

_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How the desk is served."""

    port: int
    readers: list[str]
    supervisors: list[str]
    least_s: float
    blind: bool
    language: str
    browser: bool
    seal_key: Path


def serve(folders: list[Path], options: ServeOptions, tell: Callable[[Person, str], None]) -> None:
    """Serve until interrupted.

    Args:
        tell: called with everybody and the address that lets them in.

    Raises:
        HullscanError: a folder cannot be opened, the names do not do, or the port is taken.
    """
    import uvicorn

    roster = Roster(options.readers, options.supervisors)
    key, clock = machine_key(options.seal_key), SystemClock()
    with ExitStack() as stack:
        missions = open_missions(folders, clock, LANGUAGES)
        for mission in missions.values():
            stack.callback(mission.store.close)
        cache = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hullscan-desk-")))
        desk_options = DeskOptions(least_s=options.least_s, blind=options.blind, language=options.language, cache=cache)
        desk = make_desk(missions, roster, key, clock, real_seconds, desk_options)
        listening = stack.enter_context(_listening(options.port))
        port = listening.getsockname()[1]
        addresses = [(person, f"http://{_HOST}:{port}/login?token={token}") for person, token in roster.tokens()]
        for person, address in addresses:
            tell(person, address)
        if options.browser:
            webbrowser.open(addresses[0][1])
        config = uvicorn.Config(desk, log_level="warning", access_log=False, server_header=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[listening])


def _listening(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform != "win32":  # there it would let a second program listen on the same port
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_HOST, port))
    except OSError as error:
        listening.close()
        raise InputError(f"port {port} cannot be used: {error.strerror}", todo="choose another --port") from error
    return listening
