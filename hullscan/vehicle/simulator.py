"""Starts the simulator as a separate program; from there on it is reached only over the vehicle's own protocols."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hullscan.errors import LinkError

__all__ = ["SimulatorProcess"]

_READY_S = 60.0


@dataclass(frozen=True, slots=True)
class _Ports:
    mavlink: int
    dvl: int
    video: int


def _free_ports() -> _Ports:
    """Three ports that nobody uses now. The RTP sender also takes the port after its target's for RTCP."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mavlink,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as dvl,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as video,
        ):
            for each in (mavlink, dvl, video):
                each.bind(("127.0.0.1", 0))
            ports = _Ports(*(each.getsockname()[1] for each in (mavlink, dvl, video)))
        if abs(ports.mavlink - ports.video) > 1:
            return ports


class SimulatorProcess:
    """The simulator, running; a context manager that ends it.

    Args:
        scenario: its world.
        mission: the mission whose ship lies in it.
        speedup: simulated seconds for each real second, at most.
        truth: folder for ``truth.json`` and ``truth.csv``, which hullscan itself never reads.
        log: file for what it prints.
        start_utc_s: not to begin before: with a speed-up simulated time runs ahead of the computer's.
    """

    def __init__(
        self, scenario: Path, mission: Path, speedup: float, truth: Path, log: Path, start_utc_s: float = 0.0
    ) -> None:
        ports = _free_ports()
        self.mavlink = f"udpin:127.0.0.1:{ports.mavlink}"
        self.dvl_host, self.dvl_port = "127.0.0.1", ports.dvl
        self.video_port = ports.video
        self._command = [
            sys.executable, "-m", "hullscan_sim", "run", str(scenario), "--mission", str(mission),
            "--mavlink", f"udpout:127.0.0.1:{ports.mavlink}", "--dvl", f"127.0.0.1:{ports.dvl}",
            "--video", f"rtp://127.0.0.1:{ports.video}", "--speedup", f"{speedup:g}", "--truth", str(truth),
            "--start-utc-s", f"{start_utc_s:.3f}",
        ]  # fmt: skip
        self._log = log
        self._process: subprocess.Popen[str] | None = None
        self._last: deque[str] = deque(maxlen=5)
        self._readers: list[threading.Thread] = []

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            LinkError: it could not be started; with its own last words.
        """
        # a group of its own: Ctrl-C is for hullscan, which brings the vehicle home before it ends the simulator
        group: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            **group,
        )
        ready = threading.Event()
        self._readers = [
            threading.Thread(target=self._read_out, args=(ready,), name="simulator-out", daemon=True),
            threading.Thread(target=self._read_err, name="simulator-err", daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        if not ready.wait(_READY_S) or self._process.poll() is not None:
            self.close()
            words = self._last[-1] if self._last else f"it did not listen within {_READY_S:.0f} s"
            raise LinkError(f"the simulator did not start: {words.removeprefix('error: ')}")

    def _read_out(self, ready: threading.Event) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with self._process.stdout as out:
            for line in out:
                if line.startswith("ready"):
                    ready.set()
        ready.set()

    def _read_err(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        with self._process.stderr as err, self._log.open("a", encoding="utf-8") as log:
            for line in err:
                self._last.append(line.strip())
                log.write(line)
                log.flush()

    def close(self) -> None:
        """End it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for reader in self._readers:
            reader.join(timeout=5.0)

    def __enter__(self) -> SimulatorProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
