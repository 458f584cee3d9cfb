"""What may be asked of a vehicle, and the limits that every command passes before it is sent.

``send`` returns the command as it was really sent: log that, not the wish.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from hullscan.errors import RefusedError
from hullscan.geometry.frames import Array, wrap_pi
from hullscan.vehicle.messages import Vector3

__all__ = [
    "Command",
    "CommandLimits",
    "HoldPosition",
    "ManualControl",
    "PositionVelocityYaw",
    "SetLights",
    "SetTilt",
    "clip",
    "vector",
]

RUN_ON_S = 3.0
"""ArduSub keeps moving a position+velocity target this long after the last message (ardusub.md 2.4)."""


def vector(array: Array) -> Vector3:
    """The three numbers of a (3,) array as a command carries them."""
    x, y, z = (float(value) for value in array)
    return x, y, z


@dataclass(frozen=True, slots=True)
class PositionVelocityYaw:
    """Follow a moving target: send at 10 Hz, the best survey primitive of ArduSub (ardusub.md 5b).

    Keep the velocity tangential to the hull and the approach to it in the position: if we stall, ArduSub runs
    on along the velocity for 3 s.

    Attributes:
        position_ned_m: where the target is now; z is depth below the estimator's origin.
        velocity_ned_mps: how it moves.
        yaw_rad: heading to face, clockwise from north. Always given: "ignored" turns back to an old heading.
    """

    position_ned_m: Vector3
    velocity_ned_mps: Vector3
    yaw_rad: float


@dataclass(frozen=True, slots=True)
class HoldPosition:
    """Stop and stay: send once. Streaming it makes ArduSub plan anew from rest each time and stall."""

    position_ned_m: Vector3
    yaw_rad: float


@dataclass(frozen=True, slots=True)
class ManualControl:
    """Sticks, in MAVLink's own units: for ALT_HOLD without a position estimate; in GUIDED they pitch the frame.

    Once sent, it has to be sent on at 10 Hz: 3 s of silence is a lost pilot, and ArduSub disarms by default.
    ArduSub takes it as a ground station's heartbeat too.

    Attributes:
        x: forward, -1000 to 1000.
        y: right, -1000 to 1000.
        z: 0 full down, 500 neutral, 1000 full up.
        r: turn clockwise, -1000 to 1000.
        s: pitch up, -400 to 400: microseconds off the neutral of its channel, not scaled by the gain of the sticks.
    """

    x: float = 0.0
    y: float = 0.0
    z: float = 500.0
    r: float = 0.0
    s: float = 0.0


@dataclass(frozen=True, slots=True)
class SetLights:
    """Brightness of the lamps, 0 off to 1 full."""

    level: float


@dataclass(frozen=True, slots=True)
class SetTilt:
    """Camera tilt, radians, positive up."""

    tilt_rad: float


Command = PositionVelocityYaw | HoldPosition | ManualControl | SetLights | SetTilt


@dataclass(frozen=True, slots=True)
class CommandLimits:
    """What no command may exceed.

    Attributes:
        min_depth_m: targets are never shallower. ArduSub accepts a target above the surface, flies out of the
            water and re-zeroes its barometer, so that all later depths are wrong (ardusub.md 1.6).
        max_speed_mps: of a commanded velocity; a survey flies 0.15 to 0.3 m/s, ArduSub's legs reach 0.75.
        max_tilt_rad: BlueOS sets MNT1_PITCH_MIN and _MAX to 45 degrees (vehicle.md 3b).
    """

    min_depth_m: float = 0.3
    max_speed_mps: float = 0.5
    max_tilt_rad: float = math.radians(45.0)


def _refuse_unless_finite(command: Command, numbers: tuple[float, ...]) -> None:
    if not all(math.isfinite(number) for number in numbers):
        raise RefusedError(f"a {type(command).__name__} with a number that is not finite was not sent")


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def _deep_enough(position: Vector3, limits: CommandLimits) -> Vector3:
    return position[0], position[1], max(position[2], limits.min_depth_m)


def _slow_enough(velocity: Vector3, depth_m: float, limits: CommandLimits) -> Vector3:
    """Within the speed limit, and not rising above the least depth while ArduSub runs on by itself."""
    speed = math.hypot(*velocity)
    share = min(1.0, limits.max_speed_mps / speed) if speed > 0 else 1.0
    north, east, down = (component * share for component in velocity)
    return north, east, max(down, (limits.min_depth_m - depth_m) / RUN_ON_S)


def clip(command: Command, limits: CommandLimits) -> Command:
    """The nearest command that keeps the limits.

    Raises:
        RefusedError: a number is not finite; there is no nearest command.
    """
    match command:
        case PositionVelocityYaw(position, velocity, yaw):
            _refuse_unless_finite(command, (*position, *velocity, yaw))
            position = _deep_enough(position, limits)
            return PositionVelocityYaw(position, _slow_enough(velocity, position[2], limits), wrap_pi(yaw))
        case HoldPosition(position, yaw):
            _refuse_unless_finite(command, (*position, yaw))
            return HoldPosition(_deep_enough(position, limits), wrap_pi(yaw))
        case ManualControl(x, y, z, r, s):
            _refuse_unless_finite(command, (x, y, z, r, s))
            x, y, r = (_within(stick, -1000.0, 1000.0) for stick in (x, y, r))
            return ManualControl(x, y, _within(z, 0.0, 1000.0), r, _within(s, -400.0, 400.0))
        case SetLights(level):
            _refuse_unless_finite(command, (level,))
            return replace(command, level=_within(level, 0.0, 1.0))
        case SetTilt(tilt):
            _refuse_unless_finite(command, (tilt,))
            return replace(command, tilt_rad=_within(tilt, -limits.max_tilt_rad, limits.max_tilt_rad))
