"""The DVL's TCP server: newline-separated JSON as a Water Linked A50 sends it (format json_v3.3).

Sockets never block the simulation. A client that does not read is dropped when a quarter of a megabyte waits for
it. The DVL has a clock of its own, some seconds off UTC and drifting, as real ones are without a time server.
"""

from __future__ import annotations

import contextlib
import json
import socket
from math import asin, atan2, degrees, isfinite
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.errors import InputError, LinkError
from hullscan_sim.dvl import Dvl, DvlReport, range_modes
from hullscan_sim.sensor_options import Clocks

__all__ = ["DvlClock", "DvlServer", "PositionLocal", "velocity_line"]

_FORMAT = "json_v3.3"
_MOST_WAITING = 262_144
_MOST_LINE = 65_536
_MOST_CLIENTS = 8
_DVL_FROM_FRD = Rotation.from_matrix([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
"""DVL axes from vehicle axes: x up, y right, z forward."""


class DvlClock:
    """Maps simulated time to the DVL's own clock, microseconds; a scenario may state its offset and drift."""

    def __init__(
        self, start_utc_s: float, generator: np.random.Generator, *, perfect: bool, clocks: Clocks | None = None
    ) -> None:
        self._start_utc_s = start_utc_s + (0.0 if perfect else generator.uniform(-3, 3))
        self._rate = 1.0 if perfect else 1 + generator.uniform(-30e-6, 30e-6)
        self._latency_us = 4000 if perfect else int(generator.integers(3000, 7000))
        if clocks is not None and clocks.dvl_offset_s is not None:
            self._start_utc_s = start_utc_s + clocks.dvl_offset_s
        if clocks is not None and clocks.dvl_drift_ppm is not None:
            self._rate = 1 + clocks.dvl_drift_ppm * 1e-6

    def stamp_us(self, time_s: float) -> int:
        """Time stamp of a moment."""
        return round((self._start_utc_s + time_s * self._rate) * 1e6)

    @property
    def latency_us(self) -> int:
        """From validity to transmission."""
        return self._latency_us


def velocity_line(report: DvlReport, clock: DvlClock) -> dict[str, Any]:
    """The ``velocity`` message of a report."""
    x, y, z = report.velocity
    variance = report.fom**2
    stamp = clock.stamp_us(report.time_s)
    return {
        "time": round(report.interval_ms, 3),
        "vx": x,
        "vy": y,
        "vz": z,
        "fom": report.fom,
        "covariance": [[variance if i == j else 0.0 for j in range(3)] for i in range(3)],
        "altitude": report.altitude_m,
        "transducers": [
            {
                "id": index,
                "velocity": beam.velocity_mps,
                "distance": beam.distance_m,
                "rssi": float(beam.rssi_dbm),
                "nsd": float(beam.nsd_dbm),
                "beam_valid": beam.valid,
            }
            for index, beam in enumerate(report.beams)
        ],
        "velocity_valid": report.valid,
        "status": 0,
        "format": _FORMAT,
        "type": "velocity",
        "time_of_validity": stamp,
        "time_of_transmission": stamp + clock.latency_us,
    }


class PositionLocal:
    """The DVL's own dead reckoning, in a frame that starts at its last reset; 5 Hz."""

    PERIOD_S = 0.2

    def __init__(self, generator: np.random.Generator, *, perfect: bool) -> None:
        self._drift = 0.0 if perfect else float(generator.choice([-1, 1]) * generator.uniform(0.1, 0.3)) / 60
        self._next_s = 0.2
        self.reset(0.0)

    def reset(self, time_s: float) -> None:
        """Zero position and yaw."""
        self._position = np.zeros(3)
        self._std_m, self._last_s, self._reset_s = 0.0, time_s, time_s
        self._zero_yaw: float | None = None

    def feed(self, report: DvlReport, attitude: Rotation) -> None:
        """Integrate a velocity; ``attitude`` is ned from vehicle."""
        step_s, self._last_s = min(report.time_s - self._last_s, 1.0), report.time_s
        if report.valid:
            local = self._local(attitude, report.time_s)
            self._position = self._position + local.apply(report.velocity) * step_s
            self._std_m += 0.003 * step_s

    def line(self, time_s: float, attitude: Rotation, clock: DvlClock) -> dict[str, Any] | None:
        """The message when it is due."""
        if time_s < self._next_s:
            return None
        self._next_s += self.PERIOD_S
        matrix = self._local(attitude, time_s).as_matrix()
        x, y, z = self._position.tolist()
        return {
            "ts": clock.stamp_us(time_s) / 1e6,
            "x": x,
            "y": y,
            "z": z,
            "std": self._std_m,
            "roll": degrees(atan2(matrix[2, 1], matrix[2, 2])),
            "pitch": degrees(asin(min(max(-matrix[2, 0], -1.0), 1.0))),
            "yaw": degrees(atan2(matrix[1, 0], matrix[0, 0])),
            "type": "position_local",
            "status": 0,
            "format": _FORMAT,
        }

    def _local(self, attitude: Rotation, time_s: float) -> Rotation:
        """Local frame from DVL: level, yaw counted from the reset, with the drift of the DVL's gyro."""
        matrix = attitude.as_matrix()
        if self._zero_yaw is None:
            self._zero_yaw = atan2(matrix[1, 0], matrix[0, 0])
        turn = -self._zero_yaw + np.radians(self._drift * (time_s - self._reset_s))
        return Rotation.from_euler("z", turn) * attitude * _DVL_FROM_FRD.inv()


class _Client:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.waiting = bytearray()
        self.line = bytearray()


class DvlServer:
    """Serves reports and answers commands.

    Raises:
        InputError: the address cannot be read.
        LinkError: it cannot be listened on.
    """

    def __init__(self, address: str, dvl: Dvl, position: PositionLocal) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise InputError(f"{address!r} is not an address", where="--dvl", todo="write 127.0.0.1:16171")
        self._dvl, self._position = dvl, position
        self._clients: list[_Client] = []
        self._settings: dict[str, Any] = {
            "speed_of_sound": 1500, "mounting_rotation_offset": 0, "acoustic_enabled": True,
            "dark_mode_enabled": False, "periodic_cycling_enabled": True,
        }  # fmt: skip
        self.time_s = 0.0
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind((host, int(port)))
            self._listener.listen(4)
        except OSError as error:
            self._listener.close()
            raise LinkError(f"cannot listen on {address}: {error.strerror}", todo="choose another port") from error
        self._listener.setblocking(False)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._clients)

    def send(self, message: dict[str, Any], times: int = 1) -> None:
        """Queue a message for every client."""
        if not self._clients:
            return
        line = json.dumps(message).encode() + b"\r\n"
        for client in self._clients:
            client.waiting += line * times

    def poll(self, time_s: float) -> None:
        """Accept, read, answer, write; never waits."""
        self.time_s = time_s
        with contextlib.suppress(BlockingIOError, OSError):
            connection, _ = self._listener.accept()
            connection.setblocking(False)
            if len(self._clients) < _MOST_CLIENTS:
                self._clients.append(_Client(connection))
            else:
                connection.close()
        for client in list(self._clients):
            if not (self._read(client) and self._write(client)):
                client.connection.close()
                self._clients.remove(client)

    def _read(self, client: _Client) -> bool:
        try:
            data = client.connection.recv(4096)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        client.line += data
        while b"\n" in client.line:
            line, _, rest = bytes(client.line).partition(b"\n")
            client.line = bytearray(rest)
            if line.strip():
                client.waiting += json.dumps(self._answer(line)).encode() + b"\r\n"
        return len(client.line) <= _MOST_LINE

    def _write(self, client: _Client) -> bool:
        if client.waiting:
            try:
                sent = client.connection.send(bytes(client.waiting[:65536]))
            except BlockingIOError:
                sent = 0
            except OSError:
                return False
            del client.waiting[:sent]
        return len(client.waiting) <= _MOST_WAITING

    def close(self) -> None:
        """Drop all clients and stop listening."""
        for client in self._clients:
            client.connection.close()
        self._clients = []
        self._listener.close()

    # ---------------------------------------------------------------- commands

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            command = request["command"]
            parameters = request.get("parameters") or {}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return _response("", error="could not parse the message")
        if not isinstance(command, str) or not isinstance(parameters, dict):
            return _response("", error="could not parse the message")
        if command == "reset_dead_reckoning":
            self._position.reset(self.time_s)
        elif command == "get_config":
            return _response(command, {**self._settings, "range_mode": self._dvl.range_mode})
        elif command == "set_config":
            return _response(command, error=self._set_config(parameters))
        elif command == "get_version_info":
            return _response(
                command, {"chipid": "0x4f4a", "version": "2.5.2", "hardware": "DVL A50", "ip": "127.0.0.1"}
            )
        elif command not in ("calibrate_gyro", "trigger_ping"):
            return _response(command, error="unknown command")
        return _response(command)

    def _set_config(self, parameters: dict[str, Any]) -> str:
        for name, value in parameters.items():
            if name == "range_mode":
                if not isinstance(value, str) or not range_modes(value):
                    return f"invalid range_mode: {value}"
            elif name not in self._settings:
                return f"unknown parameter: {name}"
            elif isinstance(self._settings[name], bool) != isinstance(value, bool) or not _is_number(value):
                return f"invalid {name}: {value}"
        for name, value in parameters.items():
            if name == "range_mode":
                self._dvl.range_mode = value
            else:
                self._settings[name] = value
        self._dvl.enabled = bool(self._settings["acoustic_enabled"])
        return ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and isfinite(value)


def _response(command: str, result: dict[str, Any] | None = None, error: str = "") -> dict[str, Any]:
    return {
        "response_to": command,
        "success": not error,
        "error_message": error,
        "result": result,
        "format": _FORMAT,
        "type": "response",
    }
