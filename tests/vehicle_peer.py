"""A scripted ArduSub over a real loopback UDP socket: it answers, refuses, delays, drops and takes over.

It speaks through pymavlink itself and shares no code with hullscan, so that the two cannot agree by sharing a
mistake. Its boot time runs ``speed`` times as fast as ours.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from pymavlink.dialects.v20 import ardupilotmega as mavlink

SUBMARINE = (mavlink.MAV_TYPE_SUBMARINE, mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA)
QGROUNDCONTROL = (mavlink.MAV_TYPE_GCS, mavlink.MAV_AUTOPILOT_INVALID)
CAMERA = (mavlink.MAV_TYPE_CAMERA, mavlink.MAV_AUTOPILOT_INVALID)

DEFAULT_RATES = {"HEARTBEAT": 1.0, "SYSTEM_TIME": 3.0, "EKF_STATUS_REPORT": 3.0}
IDS = {
    30: "ATTITUDE",
    32: "LOCAL_POSITION_NED",
    74: "VFR_HUD",
    65: "RC_CHANNELS",
    193: "EKF_STATUS_REPORT",
    137: "SCALED_PRESSURE2",
    1: "SYS_STATUS",
    147: "BATTERY_STATUS",
    2: "SYSTEM_TIME",
}


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class State:
    """What the scripted vehicle is, and how it misbehaves; tests change it while it runs."""

    mode: int = 19
    armed: bool = False
    ekf_flags: int = 831
    depth_m: float = 0.1
    position: tuple[float, float, float] = (1.0, 2.0, 0.1)
    yaw: float = 0.5
    sticks: list[int] = field(default_factory=lambda: [1500] * 8)
    unix_s: float = 0.0
    parameters: dict[str, float] = field(default_factory=dict)
    refuse: dict[int, tuple[int, str]] = field(default_factory=dict)
    drop: Counter[int] = field(default_factory=Counter)
    ack_delay_s: float = 0.0
    mute_streams: set[str] = field(default_factory=set)
    ignore_intervals: bool = False
    stubborn: set[str] = field(default_factory=set)
    ack_target: tuple[int, int] | None = None
    in_progress_first: bool = False
    silent: bool = False
    origin: bool = True

    def __post_init__(self) -> None:
        self.drop = Counter(self.drop)


class VehiclePeer:
    """Sends from (system, component) to a port on the loopback; runs until closed."""

    def __init__(self, port: int, *, identity=(1, 1), kind=SUBMARINE, speed: float = 5.0, **state) -> None:
        self.state = State(**state)
        self.kind, self.speed, self.identity = kind, speed, identity
        self.received: list[tuple[float, object]] = []
        self.boots_from = time.monotonic()
        self._target = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.002)
        self._mav = mavlink.MAVLink(None, srcSystem=identity[0], srcComponent=identity[1])
        self._parser = mavlink.MAVLink(None)
        self._parser.robust_parsing = True
        self._rates = dict(DEFAULT_RATES)
        self._due: dict[str, float] = {}
        self._later: deque[tuple[float, object]] = deque()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> VehiclePeer:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()

    @property
    def boot_s(self) -> float:
        return (time.monotonic() - self.boots_from) * self.speed + 10.0

    def reboot(self) -> None:
        self.boots_from = time.monotonic() + 9.0 / self.speed  # boot time 1 s
        self._due.clear()

    def heard(self, name: str) -> list:
        with self._lock:
            return [message for _, message in self.received if message.get_type() == name]

    def times(self, name: str) -> list[float]:
        with self._lock:
            return [at for at, message in self.received if message.get_type() == name]

    def wait_for(self, name: str, count: int = 1, timeout_s: float = 5.0) -> list:
        end = time.monotonic() + timeout_s
        while len(self.heard(name)) < count and time.monotonic() < end:
            time.sleep(0.005)
        return self.heard(name)

    def send_bytes(self, data: bytes) -> None:
        self._socket.sendto(data, self._target)

    def send(self, message, identity=None) -> None:
        if self.state.silent:
            return
        with self._lock:
            if identity:
                other = mavlink.MAVLink(None, srcSystem=identity[0], srcComponent=identity[1])
                raw = message.pack(other)
            else:
                raw = message.pack(self._mav)
                self._mav.seq = (self._mav.seq + 1) % 256
        self.send_bytes(raw)

    def text(self, severity: int, text: str) -> None:
        self.send(mavlink.MAVLink_statustext_message(severity, text.encode()))

    def heartbeat(self) -> None:
        base = 81 + 128 * self.state.armed + 8 * (self.state.mode == 4)
        kind, autopilot = self.kind
        self.send(mavlink.MAVLink_heartbeat_message(kind, autopilot, base, self.state.mode, 4, 3))

    def set_mode(self, mode: int) -> None:
        """As if another station had done it."""
        self.state.mode = mode
        self.heartbeat()

    # -- its thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                data = self._socket.recv(4096)
            except TimeoutError:
                pass
            except OSError:
                return
            else:
                for message in self._parser.parse_buffer(bytearray(data)) or []:
                    with self._lock:
                        self.received.append((self.boot_s, message))
                    self._answer(message)
            while self._later and self._later[0][0] <= self.boot_s:
                self.send(self._later.popleft()[1])
            self._stream()

    def _stream(self) -> None:
        """Send what is due, in the order of its stamps; whoever was held up catches up."""
        now = self.boot_s
        while not self._stop.is_set():
            due = {
                name: max(self._due.get(name, now), now - 15.0)
                for name in list(self._rates)
                if name not in self.state.mute_streams
            }
            name = min(due, key=due.__getitem__)
            if due[name] > now:
                return
            self._emit(name, round(due[name] * 1000))
            self._due[name] = due[name] + 1.0 / self._rates[name]

    def _emit(self, name: str, boot_ms: int) -> None:
        s, m = self.state, mavlink
        if name == "HEARTBEAT":
            self.heartbeat()
        elif self.kind != SUBMARINE:
            return
        elif name == "ATTITUDE":
            self.send(m.MAVLink_attitude_message(boot_ms, 0.01, -0.02, s.yaw, 0.0, 0.0, 0.0))
        elif name == "LOCAL_POSITION_NED":
            self.send(m.MAVLink_local_position_ned_message(boot_ms, *s.position, 0.1, 0.0, 0.0))
        elif name == "VFR_HUD":
            self.send(m.MAVLink_vfr_hud_message(0.0, 0.1, 29, 0, -s.depth_m, 0.0))
        elif name == "EKF_STATUS_REPORT":
            self.send(m.MAVLink_ekf_status_report_message(s.ekf_flags, 0.1, 0.1, 0.1, 0.1, 0.0))
        elif name == "SYS_STATUS":
            self.send(m.MAVLink_sys_status_message(1, 1, 1, 0, 15_800, 250, 81, 0, 0, 0, 0, 0, 0))
        elif name == "BATTERY_STATUS":
            cells = [15_800, *[65_535] * 9]
            self.send(m.MAVLink_battery_status_message(0, 0, 1, 2000, cells, 250, 1200, -1, 81, 0, 1))
        elif name == "SCALED_PRESSURE2":
            self.send(m.MAVLink_scaled_pressure2_message(boot_ms, 1013.25 + 100.3 * s.depth_m, 0.0, 1250))
        elif name == "RC_CHANNELS":
            self.send(m.MAVLink_rc_channels_message(boot_ms, 8, *s.sticks, *[0] * 10, 255))
        elif name == "SYSTEM_TIME":
            unix_s = s.unix_s + boot_ms / 1e3 if s.unix_s else 0.0
            self.send(m.MAVLink_system_time_message(round(unix_s * 1e6), boot_ms))

    def _answer(self, message) -> None:
        kind = message.get_type()
        if kind == "COMMAND_LONG":
            self._command(message)
        elif kind == "TIMESYNC" and message.tc1 == 0:
            self.send(mavlink.MAVLink_timesync_message(round(self.boot_s * 1e9), message.ts1))
        elif kind == "PARAM_REQUEST_READ":
            names = list(self.state.parameters)
            name = message.param_id or (names[message.param_index] if message.param_index < len(names) else "")
            if name in self.state.parameters and not self._dropped(20):
                self._parameter(name, 65_535 if message.param_id else message.param_index)
        elif kind == "PARAM_REQUEST_LIST":
            for index, name in enumerate(list(self.state.parameters)):
                if not self._dropped(22):
                    self._parameter(name, index)
        elif kind == "PARAM_SET" and message.param_id in self.state.parameters and not self._dropped(23):
            if message.param_id not in self.state.stubborn:
                self.state.parameters[message.param_id] = message.param_value
            self._parameter(message.param_id, 65_535)
        elif kind == "SET_GPS_GLOBAL_ORIGIN" and self.state.origin:
            self.send(mavlink.MAVLink_gps_global_origin_message(message.latitude, message.longitude, 0))

    def _dropped(self, key: int) -> bool:
        if self.state.drop[key] > 0:
            self.state.drop[key] -= 1
            return True
        return False

    def _parameter(self, name: str, index: int) -> None:
        value, count = self.state.parameters[name], len(self.state.parameters)
        self.send(mavlink.MAVLink_param_value_message(name.encode(), value, 9, count, index))

    def _command(self, message) -> None:
        if self._dropped(message.command):
            return
        result, text = self.state.refuse.get(message.command, (0, ""))
        if text:
            self.text(4, text)
        target = self.state.ack_target or (message.get_srcSystem(), message.get_srcComponent())
        if self.state.in_progress_first:
            self.send(mavlink.MAVLink_command_ack_message(message.command, 5, 10, 0, *target))
        ack = mavlink.MAVLink_command_ack_message(message.command, result, 0, 0, *target)
        if self.state.ack_delay_s:
            self._later.append((self.boot_s + self.state.ack_delay_s, ack))
        else:
            self.send(ack)
        if result == 0:
            self._obey(message)

    def _obey(self, message) -> None:
        if message.command == 511 and not self.state.ignore_intervals:
            name = IDS.get(int(message.param1))
            if name:
                self._rates[name] = 1e6 / message.param2
        elif message.command == 512 and message.param1 == 148:
            zeros = [0] * 8
            version = mavlink.MAVLink_autopilot_version_message(
                63_975, 0x040503FF, 0, 0, 0, list(b"80e8c23a"), zeros, zeros, 0, 0, 0
            )
            self.send(version)
        elif message.command == 176 and "mode" not in self.state.stubborn:
            self.set_mode(int(message.param2))
        elif message.command == 400 and "arm" not in self.state.stubborn:
            self.state.armed = message.param1 == 1.0
            self.heartbeat()
