"""A real ArduSub (SITL) as a child process: started in a folder of its own, and never left behind.

It stands still without our physics, but it does not end: an orphan would wait for ever. So it is killed when the
simulation ends in whatever way, and on Linux by the kernel when the simulation itself is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hullscan.errors import InputError, LinkError

__all__ = ["ArduSubProcess", "Ports", "arguments", "check_binary"]

_RATE_HZ = 400  # steps a second: that of ArduSub's main loop
_UNPACED = 1000  # the physics sets the pace; SITL must not wait on top of it
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_END_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """UDP ports of 127.0.0.1.

    Attributes:
        physics: where the physics listens.
        ground: where the first serial line goes.
        companion: where the second one goes.
    """

    physics: int
    ground: int
    companion: int


def _spare_ports(count: int) -> list[int]:
    """Ports that nobody uses now: SITL binds them without need (RC input, IR lock)."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def arguments(
    home_deg: tuple[float, float], heading_deg: float, ports: Ports, defaults: Path, start_utc_s: float
) -> list[str]:
    """The command line behind the binary's name.

    Args:
        home_deg: latitude and longitude; its height is zero, the water's surface.
        heading_deg: at the start.
        defaults: parameter file; the path has to be absolute.
        start_utc_s: what its clock says at the start.
    """
    rc_port, lock_port = _spare_ports(2)
    lat_deg, lon_deg = home_deg
    return [
        "-w", "--model", "JSON:127.0.0.1", "--home", f"{lat_deg:.8f},{lon_deg:.8f},0,{heading_deg:.2f}",
        "--speedup", str(_UNPACED), "--rate", str(_RATE_HZ), "--defaults", str(defaults),
        "--serial0", f"udpclient:127.0.0.1:{ports.ground}", "--serial1", f"udpclient:127.0.0.1:{ports.companion}",
        "--serial2", "none:x", "--sim-address", "127.0.0.1", "--sim-port-out", str(ports.physics),
        "--rc-in-port", str(rc_port), "--irlock-port", str(lock_port), "--start-time", str(int(start_utc_s)),
    ]  # fmt: skip


def check_binary(binary: Path) -> None:
    """Ask whether there is such a program, before anything expensive is begun.

    Raises:
        InputError: there is none.
    """
    if not binary.is_file():
        raise InputError(f"there is no {binary}", where="--binary", todo="give the path of an ArduSub SITL")
    if not os.access(binary, os.X_OK):
        raise InputError(f"{binary} is not a program", where="--binary", todo="give the path of an ArduSub SITL")


class ArduSubProcess:
    """The running binary; a context manager that ends it.

    Args:
        binary: an ArduSub SITL.
        parameters: text of its parameter file.
        command: the arguments, given the path of that file.

    Raises:
        InputError: there is no such program.
        LinkError: it could not be started.
    """

    def __init__(self, binary: Path, parameters: str, command: Callable[[Path], list[str]]) -> None:
        check_binary(binary)
        self._folder = tempfile.TemporaryDirectory(prefix="hullscan-ardusub-")
        folder = Path(self._folder.name)
        defaults = folder / "defaults.parm"
        defaults.write_text(parameters, encoding="ascii")
        self._log = folder / "output.txt"
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [str(binary.resolve()), *command(defaults)],
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    **_ending_with_us(),
                )
        except OSError as error:
            self._folder.cleanup()
            raise LinkError(
                f"{binary} could not be started: {error.strerror}", todo="give an ArduSub SITL built for this computer"
            ) from error

    @property
    def pid(self) -> int:
        """Of the child."""
        return self._process.pid

    @property
    def folder(self) -> Path:
        """Where it runs: its parameter file, its storage and what it prints; removed when it ends."""
        return Path(self._folder.name)

    def check(self) -> None:
        """Ask whether it still runs.

        Raises:
            LinkError: it has ended by itself; with its last words.
        """
        code = self._process.poll()
        if code is not None:
            how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
            raise LinkError(f"ArduSub {how}{self._last_words()}", where="--binary", todo="run the binary by hand")

    def _last_words(self) -> str:
        text = self._log.read_bytes()[-4096:].decode("utf-8", "replace")
        lines = ["".join(c for c in line if c.isprintable()).strip() for line in text.splitlines()]
        said = [line for line in lines if line]
        return f": {said[-1][:200]}" if said else ""

    def close(self) -> None:
        """End it and remove its folder."""
        if self._process.poll() is None:
            self._process.kill()  # nothing of it is worth saving, and while it waits for physics it hears no signal
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_END_S)
        self._folder.cleanup()

    def __enter__(self) -> ArduSubProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _ending_with_us() -> dict[str, Any]:
    """A group of its own, so that Ctrl-C reaches us alone; and on Linux, death with the parent."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    group: dict[str, Any] = {"start_new_session": True}
    if sys.platform.startswith("linux"):
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        parent = os.getpid()

        def before() -> None:  # in the child, between fork and exec: nothing that allocates much or takes a lock
            prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
            if os.getppid() != parent:  # the parent died before the kernel was told
                os._exit(1)

        group["preexec_fn"] = before
    return group
