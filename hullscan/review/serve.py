"""Serving the desk until it is stopped: on this computer, or over TLS to others."""

from __future__ import annotations

import ctypes
import gc
import ipaddress
import secrets
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from hullscan.clock import SystemClock, real_seconds
from hullscan.errors import InputError
from hullscan.record.signature import machine_key
from hullscan.review.desk import DeskOptions, make_desk
from hullscan.review.flights import follow_flights
from hullscan.review.places import DeskMission, Progress, open_missions
from hullscan.review.readers import Person, Roster
from hullscan.review.worklist import Mixture
from hullscan.words import LANGUAGES

__all__ = ["ServeOptions", "serve"]

_LOCAL = frozenset({"127.0.0.1", "localhost"})
_SEED_BITS = 62
_M_ARENA_MAX = -8  # malloc.h of glibc


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How the desk is served.

    Attributes:
        host: the address to listen at; another one than this computer's own wants TLS.
        names: under which browsers may call it, beside ``host``.
        certificate, certificate_key: PEM files.
        pilots: names of those who flew the missions: they do not read them.
    """

    port: int
    readers: list[str]
    supervisors: list[str]
    guests: list[str] = field(default_factory=list)
    host: str = "127.0.0.1"
    names: list[str] = field(default_factory=list)
    certificate: Path | None = None
    certificate_key: Path | None = None
    mixture: Mixture = field(default_factory=Mixture)
    least_s: float
    blind: bool
    language: str
    browser: bool
    seal_key: Path
    pilots: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.certificate_key is None):
            raise InputError("a certificate and its key belong together", todo="give --tls-cert and --tls-key")
        if self.certificate is None and not _is_loopback(self.host):
            raise InputError(
                f"{self.host} is not this computer alone, and readings do not travel unencrypted",
                todo="give --tls-cert and --tls-key, or leave --host",
            )

    @property
    def secure(self) -> bool:
        """Over TLS."""
        return self.certificate is not None

    @property
    def hosts(self) -> frozenset[str]:
        """Names under which the desk may be called: any other is a forged ``Host``."""
        return frozenset({self.host, *self.names}) | (_LOCAL if _is_loopback(self.host) else frozenset())


def serve(
    folders: list[Path],
    options: ServeOptions,
    tell: Callable[[Person, str], None],
    working: Callable[[], AbstractContextManager[Progress]],
) -> None:
    """Serve until interrupted.

    Args:
        tell: called with everybody and the address that lets them in.
        working: shows the progress of the pictures that are made before the desk opens.

    Raises:
        HullscanError: a folder cannot be opened, the names do not do, the certificate is none, or the port is taken.
    """
    import uvicorn

    _few_arenas()
    roster = Roster(options.readers, options.supervisors, options.guests)
    key, clock = machine_key(options.seal_key), SystemClock()
    mixture = options.mixture if options.blind else Mixture(sample_share=0.0, planted=0)
    with ExitStack() as stack:
        missions: dict[str, DeskMission] = {}

        def open_folders(paths: list[Path], progress: Progress = lambda name, done, all_: None) -> None:
            opened = open_missions(
                paths, clock, LANGUAGES, mixture=mixture, seed=lambda: secrets.randbits(_SEED_BITS), progress=progress,
                pilots=options.pilots,
            )  # fmt: skip
            for mission in opened.values():
                stack.callback(mission.store.close)
            missions.update(opened)
            _give_memory_back()

        flights, finished = follow_flights(folders, clock, real_seconds, lambda path: open_folders([path]))
        for flight in flights.values():
            stack.callback(flight.close)
        with working() as progress:
            open_folders(finished, progress)
        cache = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hullscan-desk-")))
        desk_options = DeskOptions(
            least_s=options.least_s, blind=options.blind, language=options.language, cache=cache, hosts=options.hosts,
            secure=options.secure, seal_key=options.seal_key,
        )  # fmt: skip
        desk = make_desk(missions, roster, key, clock, real_seconds, desk_options, flights)
        config = uvicorn.Config(
            desk, log_level="warning", access_log=False, server_header=False, lifespan="off",
            ssl_certfile=options.certificate, ssl_keyfile=options.certificate_key,
        )  # fmt: skip
        try:
            config.load()
        except OSError as error:  # also what OpenSSL says of a file that is no certificate
            raise InputError(
                f"the certificate cannot be used: {error.strerror or error}",
                where=str(options.certificate),
                todo="give PEM files of a certificate and its key",
            ) from error
        listening = stack.enter_context(_listening(options.host, options.port))
        port = listening.getsockname()[1]
        scheme, name = "https" if options.secure else "http", options.names[0] if options.names else options.host
        addresses = [(person, f"{scheme}://{name}:{port}/login?token={token}") for person, token in roster.tokens()]
        for person, address in addresses:
            tell(person, address)
        if options.browser:
            webbrowser.open(addresses[0][1])
        uvicorn.Server(config).run(sockets=[listening])


def _few_arenas() -> None:
    """One heap for all threads, where the C library is GNU's: else each thread keeps the most that it ever needed."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _give_memory_back() -> None:
    """What making the pictures took, where the C library is GNU's."""
    if sys.platform == "linux":
        gc.collect()
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listening(host: str, port: int) -> socket.socket:
    # with its protocol named asyncio switches off Nagle's algorithm, which keeps each answer back for 40 ms
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform != "win32":  # there it would let a second program listen on the same port
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # from now on who opens the printed address waits, and is not turned away
    except OSError as error:
        listening.close()
        raise InputError(
            f"{host}, port {port} cannot be used: {error.strerror}", todo="choose another --host or --port"
        ) from error
    return listening
