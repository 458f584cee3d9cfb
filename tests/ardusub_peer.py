"""A stand-in for an ArduSub SITL: speaks its side of the physics protocol and a little MAVLink, and flies nothing.

As a program it takes ArduSub's arguments. How it behaves is the name that it is called by (see ``main``). The
first serial line echoes what it gets, so that a test sees that bytes pass; on both it beats, armed after half a
second. Its process number goes into the file that FAKE_PID names.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import struct
import sys
import time
from pathlib import Path

from pymavlink.dialects.v20 import ardupilotmega as mavlink

SENSORS = re.compile(rb"\n(\{.*\})\n")
NEUTRAL = (1500,) * 8 + (0,) * 8


def servo_packet(count: int, rate_hz: int = 400, pulses: tuple[int, ...] = NEUTRAL) -> bytes:
    """One packet with 16 or 32 channels."""
    magic = {16: 18458, 32: 29569}[len(pulses)]
    return struct.pack(f"<HHI{len(pulses)}H", magic, rate_hz, count, *pulses)


def read_sensors(line: bytes) -> dict[str, float | list[float]]:
    """An answer as ArduSub reads it: between two line ends, by bare names, one character after the quote."""
    text = SENSORS.fullmatch(line)
    assert text is not None, line
    found: dict[str, float | list[float]] = {}
    for key in ("timestamp", "gyro", "accel_body", "position", "quaternion", "velocity", "rng_1", "rng_2"):
        start = text[1].index(key.encode()) + len(key) + 2
        value = text[1][start:].decode()
        if value.startswith("["):
            found[key] = [float(part) for part in value[1 : value.index("]")].split(",")]
        else:
            match = re.match(r"-?[0-9.]+", value)
            assert match is not None, value
            found[key] = float(match[0])
    json.loads(text[1])  # and it is JSON
    return found


def option(name: str) -> str:
    return sys.argv[sys.argv.index(name) + 1]


def line_to(serial: str) -> socket.socket:
    kind, host, port = serial.split(":")
    assert kind == "udpclient"
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.connect((host, int(port)))
    line.setblocking(False)
    return line


def main() -> None:
    behaviour = Path(sys.argv[0]).name
    if behaviour == "dies":
        sys.stdout.write("panic: cannot read the tea leaves\n")
        sys.exit(7)
    if behaviour == "silent":
        time.sleep(600)
    defaults = Path(option("--defaults"))
    assert defaults.is_absolute()
    assert defaults.read_text()
    Path(os.environ["FAKE_PID"]).write_text(str(os.getpid()))
    physics = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    physics.connect(("127.0.0.1", int(option("--sim-port-out"))))
    physics.settimeout(1.0)
    ground, companion = line_to(option("--serial0")), line_to(option("--serial1"))
    mav = mavlink.MAVLink(None, srcSystem=1, srcComponent=1)
    count, rate, beat_s = 0, 1200, 0.0
    pushing = (1600, 1600, 1400, 1400) + (1500,) * 4 + (1900, 1700) + (0,) * 6
    while True:
        physics.send(servo_packet(count, rate, pushing))
        try:
            sensors = read_sensors(physics.recv(4096))
        except TimeoutError:
            continue
        count, rate = count + 1, max(rate - 1, 400)
        now_s = float(sensors["timestamp"])  # type: ignore[arg-type]
        if now_s >= beat_s:
            beat_s += 0.2
            mode = mavlink.MAVLink_heartbeat_message(12, 3, 217 if now_s > 0.5 else 81, 4, 4, 3)
            for line in (ground, companion):
                line.send(mode.pack(mav))
        with contextlib.suppress(BlockingIOError):
            ground.send(ground.recv(4096))
        if behaviour == "collapses" and now_s > 0.3:
            sys.stdout.write("Floating point exception\n")
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGABRT)


if __name__ == "__main__":
    main()
