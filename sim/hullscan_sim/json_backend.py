"""The JSON physics backend of ArduPilot's SITL: servo packets in, one line of JSON out, over UDP.

SITL is the client. It sends the servos' pulses and stands still until a line comes back: that is the lock-step,
and why a slow computer slows simulated time down and distorts nothing. A packet that was not answered within a
second is sent again; answering both would put SITL a step ahead of the physics for good. Layouts and behaviour
are those of ArduSub 4.5.3 (SIM_JSON.cpp).
"""

from __future__ import annotations

import contextlib
import socket
import struct
from dataclasses import dataclass
from enum import Enum

from hullscan.errors import LinkError
from hullscan_sim.dynamics import GRAVITY_MPS2, RigidBody

__all__ = ["Arrival", "JsonPort", "ServoPacket", "parse_servos", "sensor_line"]

_HEAD = struct.Struct("<HHI")
_CHANNELS = {18458: 16, 29569: 32}
"""Magic number to channels: the second with SERVO_32_ENABLE."""
_DATAGRAM = 256
_LEAST_RATE_HZ = 50
_SLICE_S = 0.2
"""Longest wait without looking whether to stop: shorter than the second after which SITL repeats itself."""


@dataclass(frozen=True, slots=True)
class ServoPacket:
    """What SITL sends in each step.

    Attributes:
        frame_rate_hz: its step rate; starts at 1200 and falls by one a frame to that of ``--rate``.
        frame_count: counts the answers that it took; starts again when it reboots.
        pulses_us: 16 or 32 pulse widths, 0 without a signal.
    """

    frame_rate_hz: int
    frame_count: int
    pulses_us: tuple[int, ...]

    @property
    def step_s(self) -> float:
        """How much simulated time the next answer advances."""
        return 1.0 / max(self.frame_rate_hz, _LEAST_RATE_HZ)


def parse_servos(datagram: bytes) -> ServoPacket | None:
    """A servo packet; None when the datagram is none."""
    if len(datagram) < _HEAD.size:
        return None
    magic, rate_hz, count = _HEAD.unpack_from(datagram)
    channels = _CHANNELS.get(magic, 0)
    if not channels or len(datagram) != _HEAD.size + 2 * channels:
        return None
    return ServoPacket(rate_hz, count, struct.unpack_from(f"<{channels}H", datagram, _HEAD.size))


def sensor_line(
    time_s: float, body: RigidBody, home_ned_m: tuple[float, float], down_m: float, forward_m: float
) -> bytes:
    """The answer: what accelerometers, gyro and sounders feel, and the truth that SITL derives the rest from.

    SITL finds values by looking for the bare names and skips one character after the quote, so there is no space
    behind a colon.

    Args:
        time_s: since SITL's start.
        body: the truth.
        home_ned_m: north and east of SITL's home in the body's frame; its height is the water's surface.
        down_m, forward_m: of the sounders: rangefinders 1 and 2.
    """
    n, e, d = body.acceleration
    x, y, z = body.to_body((n, e, d - GRAVITY_MPS2))
    vn, ve, vd = body.velocity
    q = ",".join(f"{part:.8f}" for part in body.quaternion)
    text = (
        f'{{"timestamp":{time_s:.6f},'
        f'"imu":{{"gyro":[{body.roll_rate:.7f},{body.pitch_rate:.7f},{body.yaw_rate:.7f}],'
        f'"accel_body":[{x:.6f},{y:.6f},{z:.6f}]}},'
        f'"position":[{body.north_m - home_ned_m[0]:.6f},{body.east_m - home_ned_m[1]:.6f},{body.down_m:.6f}],'
        f'"quaternion":[{q}],'
        f'"velocity":[{vn:.6f},{ve:.6f},{vd:.6f}],'
        f'"rng_1":{down_m:.3f},"rng_2":{forward_m:.3f}}}'
    )
    return b"\n" + text.encode("ascii") + b"\n"


class Arrival(Enum):
    """What came of waiting for a packet."""

    STEP = "a new step"
    REBOOT = "the first step after a reboot"
    AGAIN = "a packet that was answered already, and nothing after it: the answer was lost"
    NOTHING = "nothing within the time"


class JsonPort:
    """The server's socket.

    Args:
        port: of 127.0.0.1; 0 takes a free one.

    Attributes:
        packet: the last one.
        strange: datagrams that were no servo packets.

    Raises:
        LinkError: the port is taken.
    """

    def __init__(self, port: int = 0) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind(("127.0.0.1", port))
        except OSError as error:
            self._socket.close()
            raise LinkError(
                f"cannot serve ArduSub's physics at 127.0.0.1:{port}: {error.strerror}", todo="choose another port"
            ) from error
        self._socket.settimeout(_SLICE_S)
        self._peer: tuple[str, int] | None = None
        self.packet: ServoPacket | None = None
        self.strange = 0

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    def wait(self) -> Arrival:
        """Wait up to 0.2 s of real time for the next packet."""
        repeated = False
        while True:
            try:
                datagram, peer = self._socket.recvfrom(_DATAGRAM)
            except TimeoutError:
                return Arrival.AGAIN if repeated else Arrival.NOTHING
            except OSError:
                continue  # the other end of an earlier answer went away (ICMP, on Windows)
            packet, before = parse_servos(datagram), self.packet
            if packet is None:
                self.strange += 1
            elif before is not None and packet.frame_count == before.frame_count:
                repeated, self._peer = True, peer
            else:
                self.packet, self._peer = packet, peer
                rebooted = before is not None and packet.frame_count < before.frame_count
                return Arrival.REBOOT if rebooted else Arrival.STEP

    def answer(self, line: bytes) -> None:
        """Answer whoever sent the last packet."""
        if self._peer is not None:
            with contextlib.suppress(OSError):  # it has gone: the next wait says so
                self._socket.sendto(line, self._peer)

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()
