"""Setpoint messages: which mode takes which, and what of them is used. Nothing is ever refused aloud."""

from __future__ import annotations

from math import asin, atan2, pi

from hullscan_sim.dynamics import Vector
from hullscan_sim.flight import Flight
from hullscan_sim.messages import Message
from hullscan_sim.modes import Mode
from hullscan_sim.parameters import Parameters
from hullscan_sim.telemetry import Telemetry

__all__ = ["Setpoints"]

_Z, _POSITION, _VELOCITY, _ACCELERATION = 0x004, 0x007, 0x038, 0x1C0
_THRUST, _ATTITUDE = 0x40, 0x80  # ignore bits of SET_ATTITUDE_TARGET
_GLOBAL_FRAMES = (0, 3, 5, 6)
_FARTHEST = 1e6


class Setpoints:
    """Passes setpoints on to the mode that is flying."""

    def __init__(self, parameters: Parameters, flight: Flight, telemetry: Telemetry) -> None:
        self._parameters, self._flight, self._telemetry = parameters, flight, telemetry

    def local(self, message: Message) -> None:
        """SET_POSITION_TARGET_LOCAL_NED: only in GUIDED."""
        if self._flight.mode is Mode.GUIDED:
            self._flight.guided.take_local(message, self._telemetry.time_s)

    def world(self, message: Message) -> None:
        """SET_POSITION_TARGET_GLOBAL_INT: in GUIDED without its yaw, in ALT_HOLD its altitude alone."""
        mask, flight = message.type_mask, self._flight
        if flight.mode is Mode.ALT_HOLD and not mask & _Z and _sane(message.alt):
            flight.position.set_depth(-message.alt)
        if flight.mode is not Mode.GUIDED or mask & _ACCELERATION != _ACCELERATION:
            return
        place: Vector | None = None
        if not mask & _POSITION:
            local = self._telemetry.local_from(message.lat_int, message.lon_int)
            if local is None or message.coordinate_frame not in _GLOBAL_FRAMES:
                return
            place = (*local, -message.alt)
        velocity = None if mask & _VELOCITY else (message.vx, message.vy, message.vz)
        if _sane(*(place or ()), *(velocity or ())):
            flight.guided.take_global(place, velocity, self._telemetry.time_s)

    def attitude(self, message: Message) -> None:
        """SET_ATTITUDE_TARGET: with thrust in GUIDED, without in ALT_HOLD."""
        w, x, y, z = message.q
        if not 0.25 < w * w + x * x + y * y + z * z < 4 or not _sane(message.thrust):
            return
        attitude = _euler(w, x, y, z)
        if message.type_mask & _THRUST:
            self._flight.hold_attitude(attitude, self._telemetry.time_s)
        elif not message.type_mask & _ATTITUDE and self._flight.mode is Mode.GUIDED:
            offset = 2 * (min(max(message.thrust, 0.0), 1.0) - 0.5)
            speed = self._parameters["WPNAV_SPEED_UP" if offset > 0 else "WPNAV_SPEED_DN"] / 100
            self._flight.guided.lean(attitude, -offset * speed, self._telemetry.time_s)


def _sane(*values: float) -> bool:
    """Numbers, and not beyond all bounds."""
    return all(-_FARTHEST < value < _FARTHEST for value in values)


def _euler(w: float, x: float, y: float, z: float) -> Vector:
    """Roll, pitch, yaw of a quaternion that need not be normal."""
    scale = w * w + x * x + y * y + z * z
    roll = atan2(2 * (w * x + y * z), w * w - x * x - y * y + z * z)
    pitch = asin(min(max(2 * (w * y - z * x) / scale, -1.0), 1.0))
    yaw = atan2(2 * (w * z + x * y), w * w + x * x - y * y - z * z)
    return roll, pitch, (yaw + pi) % (2 * pi) - pi
