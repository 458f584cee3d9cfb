"""The messages that hullscan understands, as values in SI units; what it tells a vehicle to do is in ``orders``.

Nothing outside ``codec.py`` sees a pymavlink object. Field meanings follow the MAVLink "ardupilotmega"
dialect; units are converted here once (centimetres, millivolts and 1e-7 degrees stop at the codec).
``boot_s`` is the sender's own clock, seconds since it started.
"""

from __future__ import annotations

from dataclasses import dataclass

from hullscan.vehicle.orders import (
    CommandLong,
    Order,
    ParamList,
    ParamRead,
    ParamSet,
    PilotInput,
    PositionTarget,
    RcOverride,
    SetGpsOrigin,
    SetupSigning,
    Source,
    Vector3,
)

__all__ = [
    "Attitude",
    "AutopilotVersion",
    "BatteryStatus",
    "CommandAck",
    "CommandLong",
    "DistanceSensor",
    "EkfStatus",
    "Frame",
    "GpsOrigin",
    "Heartbeat",
    "LocalPosition",
    "Message",
    "MotorOutputs",
    "NamedValue",
    "Order",
    "ParamList",
    "ParamRead",
    "ParamSet",
    "ParamValue",
    "PilotInput",
    "PositionTarget",
    "Pressure",
    "RcChannels",
    "RcOverride",
    "SetGpsOrigin",
    "SetupSigning",
    "Source",
    "StatusText",
    "SysStatus",
    "SystemTime",
    "TimeSync",
    "Vector3",
    "VfrHud",
]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """HEARTBEAT (0)."""

    vehicle_type: int
    autopilot: int
    base_mode: int
    custom_mode: int
    system_status: int

    @property
    def armed(self) -> bool:
        """Bit 128 of base_mode, MAV_MODE_FLAG_SAFETY_ARMED."""
        return bool(self.base_mode & 128)


@dataclass(frozen=True, slots=True)
class Attitude:
    """ATTITUDE (30): ned from frd as Euler angles (yaw, then pitch, then roll), and body rates."""

    boot_s: float
    roll_rad: float
    pitch_rad: float
    yaw_rad: float
    rates_frd_radps: Vector3


@dataclass(frozen=True, slots=True)
class LocalPosition:
    """LOCAL_POSITION_NED (32), at the origin of the vehicle's estimator."""

    boot_s: float
    position_ned_m: Vector3
    velocity_ned_mps: Vector3


@dataclass(frozen=True, slots=True)
class VfrHud:
    """VFR_HUD (74). ``alt_m`` is the estimator's altitude: negative under water, so depth is its opposite."""

    alt_m: float
    heading_deg: float
    climb_mps: float


@dataclass(frozen=True, slots=True)
class Pressure:
    """SCALED_PRESSURE (29), SCALED_PRESSURE2 (137), SCALED_PRESSURE3 (143).

    On a BlueROV2 instance 2 is the sensor in the water (Bar30) and instance 1 the one in the hull.
    """

    boot_s: float
    instance: int
    absolute_pa: float
    temperature_c: float


@dataclass(frozen=True, slots=True)
class MotorOutputs:
    """SERVO_OUTPUT_RAW (36), port 0: pulses of motors 1 to 8, microseconds; 0 is none.

    Its microseconds since boot begin anew every 71 minutes, so it is placed by its arrival.
    """

    pulses_us: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SysStatus:
    """SYS_STATUS (1). NaN where the vehicle does not measure; ``remaining`` is a share of 1."""

    sensors_present: int
    sensors_enabled: int
    sensors_healthy: int
    voltage_v: float
    current_a: float
    remaining: float


@dataclass(frozen=True, slots=True)
class BatteryStatus:
    """BATTERY_STATUS (147). ``charge_state`` 1 ok, 2 low, 3 critical (MAV_BATTERY_CHARGE_STATE)."""

    battery_id: int
    voltage_v: float
    current_a: float
    consumed_ah: float
    remaining: float
    charge_state: int


@dataclass(frozen=True, slots=True)
class DistanceSensor:
    """DISTANCE_SENSOR (132). ``orientation`` is a MAV_SENSOR_ROTATION: 0 forward, 24 up, 25 down.

    ``signal_quality`` is 0 or 1, or a raw confidence, depending on the sender's version: never a threshold.
    """

    boot_s: float
    sensor_id: int
    orientation: int
    distance_m: float
    min_m: float
    max_m: float
    kind: int
    signal_quality: int


@dataclass(frozen=True, slots=True)
class EkfStatus:
    """EKF_STATUS_REPORT (193): flags of EKF_STATUS_FLAGS, and test ratios (below 0.8 is good)."""

    flags: int
    velocity_variance: float
    position_variance: float
    height_variance: float
    compass_variance: float


@dataclass(frozen=True, slots=True)
class NamedValue:
    """NAMED_VALUE_FLOAT (251): ArduSub's Lights1, CamTilt, PilotGain and others."""

    boot_s: float
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class StatusText:
    """STATUSTEXT (253): severity 0 emergency .. 7 debug; long texts come in chunks that share an id."""

    severity: int
    text: str
    chunk_id: int = 0
    chunk: int = 0
    full: bool = False
    """The text fills its 50 bytes, so another chunk may follow."""


@dataclass(frozen=True, slots=True)
class SystemTime:
    """SYSTEM_TIME (2): the vehicle's UTC, 0 as long as it does not know it, and its boot time."""

    unix_s: float
    boot_s: float


@dataclass(frozen=True, slots=True)
class TimeSync:
    """TIMESYNC (111), nanoseconds: ``tc1`` 0 asks, else it answers the question that carried ``ts1``."""

    tc1_ns: int
    ts1_ns: int


@dataclass(frozen=True, slots=True)
class GpsOrigin:
    """GPS_GLOBAL_ORIGIN (49): where the local ned frame lies."""

    lat_deg: float
    lon_deg: float
    alt_m: float


@dataclass(frozen=True, slots=True)
class CommandAck:
    """COMMAND_ACK (77): ``result`` is a MAV_RESULT; ``target`` (0, 0) when the sender does not fill it."""

    command: int
    result: int
    progress: int
    target: Source


@dataclass(frozen=True, slots=True)
class ParamValue:
    """PARAM_VALUE (22): ``index`` 65535 when it was not asked for by number."""

    name: str
    value: float
    kind: int
    count: int
    index: int


@dataclass(frozen=True, slots=True)
class AutopilotVersion:
    """AUTOPILOT_VERSION (148): ``firmware`` as "4.5.3", ``git_hash`` as the first 8 digits."""

    firmware: str
    git_hash: str
    capabilities: int
    board: int


@dataclass(frozen=True, slots=True)
class RcChannels:
    """RC_CHANNELS (65): what the autopilot takes as pilot input, microseconds; 0 or 65535 is "unused"."""

    boot_s: float
    pwm_us: tuple[int, ...]


Message = (
    Heartbeat
    | Attitude
    | LocalPosition
    | VfrHud
    | Pressure
    | SysStatus
    | BatteryStatus
    | DistanceSensor
    | EkfStatus
    | NamedValue
    | StatusText
    | SystemTime
    | TimeSync
    | GpsOrigin
    | CommandAck
    | ParamValue
    | AutopilotVersion
    | RcChannels
    | MotorOutputs
    | Order
)


@dataclass(frozen=True, slots=True)
class Frame:
    """One intact MAVLink frame.

    Attributes:
        source: who sent it.
        name: MAVLink's name, or ``UNKNOWN_<id>`` for an id that the dialect does not have.
        raw: the bytes as they came, for the log.
        message: its content, None for messages that hullscan does not use.
    """

    source: Source
    name: str
    raw: bytes
    message: Message | None
