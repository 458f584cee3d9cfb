"""What a station tells a vehicle to do, as values in SI units: our own orders, and those of others that we hear.

Field meanings follow the MAVLink "ardupilotmega" dialect; numbers in brackets are message ids.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "CommandLong",
    "Order",
    "ParamList",
    "ParamRead",
    "ParamSet",
    "PilotInput",
    "PositionTarget",
    "RcOverride",
    "SetGpsOrigin",
    "SetupSigning",
    "Source",
    "Vector3",
]

Vector3 = tuple[float, float, float]


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """Who sent a message, or whom it is for: MAVLink system and component."""

    system: int
    component: int

    def __str__(self) -> str:
        return f"system {self.system} component {self.component}"


@dataclass(frozen=True, slots=True)
class PilotInput:
    """MANUAL_CONTROL (69): x forward, y right, r clockwise -1000..1000; z 0..1000, 500 neutral, more is up; s pitch."""

    target_system: int
    x: int
    y: int
    z: int
    r: int
    buttons: int = 0
    s: int = 0


@dataclass(frozen=True, slots=True)
class RcOverride:
    """RC_CHANNELS_OVERRIDE (70), channels 1 to 8 in microseconds; 0 and 65535 change nothing."""

    target: Source
    pwm_us: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CommandLong:
    """COMMAND_LONG (76); ``params`` are the seven of the command."""

    target: Source
    command: int
    params: tuple[float, float, float, float, float, float, float]
    confirmation: int = 0


@dataclass(frozen=True, slots=True)
class PositionTarget:
    """SET_POSITION_TARGET_LOCAL_NED (84) in frame 1, LOCAL_NED; a set bit of ``type_mask`` ignores a field."""

    target: Source
    boot_s: float
    type_mask: int
    position_ned_m: Vector3
    velocity_ned_mps: Vector3
    yaw_rad: float
    yaw_radps: float = 0.0


@dataclass(frozen=True, slots=True)
class ParamRead:
    """PARAM_REQUEST_READ (20): by name, or by number when ``name`` is empty."""

    target: Source
    name: str
    index: int = -1


@dataclass(frozen=True, slots=True)
class ParamList:
    """PARAM_REQUEST_LIST (21)."""

    target: Source


@dataclass(frozen=True, slots=True)
class ParamSet:
    """PARAM_SET (23)."""

    target: Source
    name: str
    value: float
    kind: int


@dataclass(frozen=True, slots=True)
class SetGpsOrigin:
    """SET_GPS_GLOBAL_ORIGIN (48): without it ArduSub has no local position when there is no GPS."""

    target_system: int
    lat_deg: float
    lon_deg: float
    alt_m: float = 0.0


@dataclass(frozen=True, slots=True)
class SetupSigning:
    """SETUP_SIGNING (256): the key from which on everything is signed; never over a link that others can hear."""

    target: Source
    key: bytes
    initial_time: int
    """In units of 10 us since 2015."""


Order = (
    PilotInput
    | RcOverride
    | CommandLong
    | PositionTarget
    | ParamRead
    | ParamList
    | ParamSet
    | SetGpsOrigin
    | SetupSigning
)
