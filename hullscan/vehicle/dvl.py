"""A Water Linked DVL A50 over TCP: four beams and a velocity, wherever it looks.

It is normally mounted to look at the sea floor; hullscan turns it to the hull, where its four beams give range
and tilt. How it is mounted is the caller's to say: a rotation that takes its axes into the body frame.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections import deque
from collections.abc import Callable

import numpy as np
from scipy.spatial.transform import Rotation

from hullscan.clock import Clock, real_seconds
from hullscan.errors import HullscanError, SensorError
from hullscan.geometry.frames import Array
from hullscan.vehicle.dvl_mount import BEAMS_DVL
from hullscan.vehicle.dvl_reports import (
    MAX_LINE,
    DamagedLineError,
    Other,
    Response,
    VelocityReport,
    parse_line,
)
from hullscan.vehicle.echoes import ShortEchoes
from hullscan.vehicle.protocol import RangeCounts, RangeReport
from hullscan.vehicle.timing import Patience, SensorTime

__all__ = ["DVL_PORT", "LineRecorder", "WaterLinkedDvl"]

DVL_PORT = 16_171

LineRecorder = Callable[[float, bytes], None]
"""Gets each raw line and its time of reception, in the client's thread."""

_LATENCY_S, _LATENCY_SD_S = 0.002, 0.002  # the maker's 4 ms mean, 2 ms deviation: the fastest need about 2
_CONNECT_S = 3.0
_SILENCE_S = 5.0  # real time; it reports at least twice a second, so this connection is dead
_BACKOFF_S = (0.5, 1.0, 2.0, 5.0)
_ANSWER_S = 2.0
_KEPT = 2_000  # reports: two minutes at 15 Hz

_log = logging.getLogger(__name__)


class WaterLinkedDvl:
    """Client of one DVL; implements ``RangeSensor``.

    Args:
        host: name or number; BlueOS expects 192.168.194.95.
        clock: the mission clock.
        r_frd_dvl: body from DVL axes, such as ``LOOKS_FORWARD``.
        port: TCP port.
        range_mode: "auto", or "=1" to look between 0.3 and 3 m only, at 10 Hz; None leaves it as it is.
        record: gets every raw line.
    """

    def __init__(
        self,
        host: str,
        clock: Clock,
        r_frd_dvl: Rotation,
        *,
        port: int = DVL_PORT,
        range_mode: str | None = None,
        record: LineRecorder | None = None,
    ) -> None:
        self._place, self._clock, self._r_frd_dvl = (host, port), clock, r_frd_dvl
        self._range_mode, self._record = range_mode, record
        self._beams_frd: Array = np.asarray(r_frd_dvl.apply(BEAMS_DVL), dtype=np.float64)
        self._axis_frd: Array = np.asarray(r_frd_dvl.apply([[0.0, 0.0, 1.0]]), dtype=np.float64)
        self._time = SensorTime(clock, _LATENCY_S, _LATENCY_SD_S)
        self._echoes, self._axis_echoes = ShortEchoes(len(BEAMS_DVL)), ShortEchoes(1)
        self._reports: deque[RangeReport] = deque(maxlen=_KEPT)
        self._good_utc_s = float("-inf")
        self._changed = threading.Condition()
        self._responses: dict[str, Response] = {}
        self._rotation = Rotation.identity()
        self._last_line = b""
        self._socket: socket.socket | None = None
        self._stop = threading.Event()
        self._error: HullscanError | None = None
        self._thread = threading.Thread(target=self._run, name="dvl", daemon=True)
        self.counts = RangeCounts()
        self.hot = False

    # -- being asked ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Connect and begin to listen.

        Raises:
            SensorError: it cannot be reached, or refuses the range mode.
        """
        self._socket = self._connect()
        self._thread.start()
        self._send({"command": "get_config"})
        if self._range_mode is not None:
            self.set_range_mode(self._range_mode)

    def set_range_mode(self, mode: str) -> None:
        """Limit where it looks for echoes; a DVL that does not answer is left as it is, and that is logged.

        Raises:
            SensorError: the DVL refuses.
        """
        self._range_mode = mode
        with self._changed:
            self._responses.pop("set_config", None)
        self._send({"command": "set_config", "parameters": {"range_mode": mode}})
        patience = Patience(self._clock, _ANSWER_S)
        with self._changed:
            while "set_config" not in self._responses and not patience.over:
                self._changed.wait(0.02)
            response = self._responses.get("set_config")
        if response is None:
            _log.warning("the DVL does not say whether it took range mode %s", mode)
        elif not response.success:
            raise SensorError(f"the DVL refused range mode {mode}: {response.error}", where=self._where)

    def close(self) -> None:
        """Hang up."""
        self._stop.set()
        if self._socket is not None:
            self._socket.close()
        if self._thread.is_alive():
            self._thread.join()

    def check(self) -> None:
        """Raise what the recorder raised."""
        if self._error is not None:
            raise self._error

    def latest(self) -> RangeReport | None:
        """The last report, valid or not; None before the first."""
        with self._changed:
            return self._reports[-1] if self._reports else None

    def since(self, utc_s: float) -> list[RangeReport]:
        """Reports later than a time, the oldest first; two minutes are kept."""
        with self._changed:
            return [report for report in self._reports if report.utc_s > utc_s]

    def age_s(self, now_s: float) -> float:
        """How old the last report with a good beam is; infinite before the first."""
        return now_s - self._good_utc_s

    @property
    def clock_uncertainty_s(self) -> float:
        """One standard deviation of a report's time."""
        return self._time.uncertainty_s

    @property
    def _where(self) -> str:
        return f"DVL at {self._place[0]}:{self._place[1]}"

    # -- the client's thread -------------------------------------------------------------------------------

    def _connect(self) -> socket.socket:
        try:
            stream = socket.create_connection(self._place, timeout=_CONNECT_S)
        except (OSError, ValueError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or "no answer"
            raise SensorError(f"cannot connect: {reason}", where=self._where, todo="check its power and IP") from None
        stream.settimeout(0.2)
        return stream

    def _send(self, command: dict[str, object]) -> None:
        stream = self._socket
        if stream is not None:
            try:
                stream.sendall(json.dumps(command).encode() + b"\n")
            except OSError:
                _log.warning("the DVL did not take the command %s", command.get("command"))

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            if self._socket is not None:
                self._read_lines(self._socket)
                self._socket.close()
                self._socket = None
                failures = 0
            self._stop.wait(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
            if self._stop.is_set():
                return
            try:
                self._socket = self._connect()
            except SensorError:
                failures += 1
                continue
            self.counts.reconnects += 1
            self._send({"command": "get_config"})
            if self._range_mode is not None:
                self._send({"command": "set_config", "parameters": {"range_mode": self._range_mode}})

    def _read_lines(self, stream: socket.socket) -> None:
        """Until the connection ends or falls silent."""
        rest, heard_s = b"", real_seconds()
        while not self._stop.is_set() and real_seconds() - heard_s < _SILENCE_S:
            try:
                data = stream.recv(16_384)
            except TimeoutError:
                continue
            except OSError:
                return
            if not data:
                return
            heard_s = real_seconds()
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > MAX_LINE:
                self.counts.damaged += 1
                rest = b""
            for line in lines:
                self.take(line.strip(), self._clock.now())

    def take(self, line: bytes, arrival_utc_s: float) -> None:
        """Take one raw line; also how a recorded one is replayed."""
        if not line:
            return
        if self._record is not None:
            try:
                self._record(arrival_utc_s, line)
            except HullscanError as error:
                self._error = self._error or error
        try:
            parsed = parse_line(line)
        except DamagedLineError:
            self.counts.damaged += 1
            return
        if isinstance(parsed, Other):
            self.counts.other[parsed.kind] = self.counts.other.get(parsed.kind, 0) + 1
        elif isinstance(parsed, Response):
            self._answered(parsed)
        elif line == self._last_line:
            self.counts.repeated += 1
        else:
            self._last_line = line
            self._measured(parsed, arrival_utc_s)

    def _answered(self, response: Response) -> None:
        with self._changed:
            self._responses[response.command] = response
            if response.config is not None:
                self._rotation = Rotation.from_euler("z", -response.config.rotation_rad)
            self._changed.notify_all()

    def _measured(self, report: VelocityReport, arrival_utc_s: float) -> None:
        self.hot = report.hot
        utc_s = self._mission_time(report, arrival_utc_s)
        directions, distances_m = self._distances(report)
        valid = np.isfinite(distances_m)
        echoes = self._echoes if len(distances_m) == len(BEAMS_DVL) else self._axis_echoes
        suspect = echoes.flag(utc_s, distances_m, valid)
        velocity: Array | None = None
        if report.velocity_mps is not None:
            velocity = np.asarray((self._r_frd_dvl * self._rotation).apply(report.velocity_mps), dtype=np.float64)
        made = RangeReport(utc_s, directions, distances_m, valid, suspect, velocity, report.figure_of_merit)
        self.counts.reports += 1
        self.counts.invalid += not valid.any()
        self.counts.suspect += bool(suspect.any())
        with self._changed:
            self._reports.append(made)
            if made.good.any():
                self._good_utc_s = max(self._good_utc_s, utc_s)

    def _distances(self, report: VelocityReport) -> tuple[Array, Array]:
        """Directions and distances: of the four beams, or of the axis when the DVL lists no transducers."""
        if not report.beams:
            return self._axis_frd, np.array([report.altitude_m])
        distances_m = np.full(len(BEAMS_DVL), np.nan)
        for beam in report.beams:
            if beam.index < len(BEAMS_DVL):
                distances_m[beam.index] = beam.distance_m
        return self._beams_frd, distances_m

    def _mission_time(self, report: VelocityReport, arrival_utc_s: float) -> float:
        """When the echo was: the DVL's clock placed by when it sent, which is a few ms before the arrival."""
        validity_s = report.validity_s
        stamp_s = report.transmission_s or validity_s
        if stamp_s is None or validity_s is None:
            return arrival_utc_s
        self._time.observe(stamp_s, arrival_utc_s)
        self.counts.clock_jumps = self._time.jumps
        return min(self._time.to_utc(validity_s), arrival_utc_s)
