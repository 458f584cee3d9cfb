"""Bytes to messages and back: the only module that imports pymavlink.

The dialect's generated classes check and unpack frames; everything leaves here as a value of ``messages``.
Nothing of ``mavutil`` is used: it prints, keeps module globals and asks the system for the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from pymavlink.dialects.v20 import ardupilotmega as dialect

from hullscan.vehicle import messages as m
from hullscan.vehicle.signing import Signing

__all__ = ["MAX_FRAME", "BadFrameError", "Codec", "frame_length"]

MAX_FRAME = 10 + 255 + 2 + 13
"""Bytes of the longest MAVLink 2 frame: header, payload, checksum, signature."""

_MARKER_V1, _MARKER_V2 = 0xFE, 0xFD
_SIGNED = 0x01
_NAN = float("nan")
_TEXT_BYTES = 50  # of one STATUSTEXT


class BadFrameError(Exception):
    """These bytes are not an intact frame; stays inside the link and the log reader, which count it."""


def frame_length(data: bytes | bytearray | memoryview, start: int) -> int | None:
    """Length in bytes of the frame that seems to begin at ``start``; None while the header is incomplete.

    Raises:
        BadFrameError: no frame can begin here.
    """
    marker = data[start]
    if marker == _MARKER_V1:
        return data[start + 1] + 8 if start + 1 < len(data) else None
    if marker != _MARKER_V2:
        raise BadFrameError("no marker")
    if start + 2 >= len(data):
        return None
    flags = data[start + 2]
    if flags & ~_SIGNED:
        raise BadFrameError("unknown incompatibility flags")
    return data[start + 1] + 12 + (13 if flags & _SIGNED else 0)


def _share(percent: int) -> float:
    return percent / 100.0 if percent >= 0 else _NAN


def _battery_voltage(x: Any) -> float:
    cells = [v for v in (*x.voltages, *x.voltages_ext) if v not in (0, 65_535)]
    return sum(cells) / 1000.0 if cells else _NAN


def _version(x: Any) -> m.AutopilotVersion:
    word = x.flight_sw_version
    digits = bytes(x.flight_custom_version).split(b"\x00")[0].decode("ascii", errors="replace")
    firmware = f"{word >> 24 & 255}.{word >> 16 & 255}.{word >> 8 & 255}"
    return m.AutopilotVersion(firmware, digits, x.capabilities, x.board_version)


def _status_text(x: Any) -> m.StatusText:
    full = len(x.text.encode("utf-8", errors="replace")) >= _TEXT_BYTES
    return m.StatusText(x.severity, x.text, x.id, x.chunk_seq, full)


def _pressure(instance: int) -> Callable[[Any], m.Pressure]:
    return lambda x: m.Pressure(x.time_boot_ms / 1e3, instance, x.press_abs * 100.0, x.temperature / 100.0)


def _target(x: Any) -> m.Source:
    return m.Source(x.target_system, x.target_component)


_DECODE: Mapping[str, Callable[[Any], m.Message | None]] = {
    "HEARTBEAT": lambda x: m.Heartbeat(x.type, x.autopilot, x.base_mode, x.custom_mode, x.system_status),
    "ATTITUDE": lambda x: m.Attitude(
        x.time_boot_ms / 1e3, x.roll, x.pitch, x.yaw, (x.rollspeed, x.pitchspeed, x.yawspeed)
    ),
    "LOCAL_POSITION_NED": lambda x: m.LocalPosition(x.time_boot_ms / 1e3, (x.x, x.y, x.z), (x.vx, x.vy, x.vz)),
    "VFR_HUD": lambda x: m.VfrHud(x.alt, float(x.heading), x.climb),
    "SCALED_PRESSURE": _pressure(1),
    "SCALED_PRESSURE2": _pressure(2),
    "SCALED_PRESSURE3": _pressure(3),
    "SYS_STATUS": lambda x: m.SysStatus(
        x.onboard_control_sensors_present,
        x.onboard_control_sensors_enabled,
        x.onboard_control_sensors_health,
        x.voltage_battery / 1e3 if x.voltage_battery != 65_535 else _NAN,
        x.current_battery / 100.0 if x.current_battery >= 0 else _NAN,
        _share(x.battery_remaining),
    ),
    "BATTERY_STATUS": lambda x: m.BatteryStatus(
        x.id,
        _battery_voltage(x),
        x.current_battery / 100.0 if x.current_battery >= 0 else _NAN,
        x.current_consumed / 1e3 if x.current_consumed >= 0 else _NAN,
        _share(x.battery_remaining),
        x.charge_state,
    ),
    "DISTANCE_SENSOR": lambda x: m.DistanceSensor(
        x.time_boot_ms / 1e3,
        x.id,
        x.orientation,
        x.current_distance / 100.0,
        x.min_distance / 100.0,
        x.max_distance / 100.0,
        x.type,
        x.signal_quality,
    ),
    "EKF_STATUS_REPORT": lambda x: m.EkfStatus(
        x.flags, x.velocity_variance, x.pos_horiz_variance, x.pos_vert_variance, x.compass_variance
    ),
    "NAMED_VALUE_FLOAT": lambda x: m.NamedValue(x.time_boot_ms / 1e3, x.name, x.value),
    "STATUSTEXT": _status_text,
    "SYSTEM_TIME": lambda x: m.SystemTime(x.time_unix_usec / 1e6, x.time_boot_ms / 1e3),
    "TIMESYNC": lambda x: m.TimeSync(x.tc1, x.ts1),
    "GPS_GLOBAL_ORIGIN": lambda x: m.GpsOrigin(x.latitude / 1e7, x.longitude / 1e7, x.altitude / 1e3),
    "COMMAND_ACK": lambda x: m.CommandAck(x.command, x.result, x.progress, _target(x)),
    "PARAM_VALUE": lambda x: m.ParamValue(x.param_id, x.param_value, x.param_type, x.param_count, x.param_index),
    "AUTOPILOT_VERSION": _version,
    "RC_CHANNELS": lambda x: m.RcChannels(
        x.time_boot_ms / 1e3, tuple(getattr(x, f"chan{n}_raw") for n in range(1, 19))
    ),
    "SERVO_OUTPUT_RAW": lambda x: (
        m.MotorOutputs(tuple(float(getattr(x, f"servo{n}_raw")) for n in range(1, 9))) if x.port == 0 else None
    ),
    "MANUAL_CONTROL": lambda x: m.PilotInput(x.target, x.x, x.y, x.z, x.r, x.buttons, x.s),
    "RC_CHANNELS_OVERRIDE": lambda x: m.RcOverride(_target(x), tuple(getattr(x, f"chan{n}_raw") for n in range(1, 9))),
    "SET_POSITION_TARGET_LOCAL_NED": lambda x: m.PositionTarget(
        _target(x), x.time_boot_ms / 1e3, x.type_mask, (x.x, x.y, x.z), (x.vx, x.vy, x.vz), x.yaw, x.yaw_rate
    ),
    "COMMAND_LONG": lambda x: m.CommandLong(
        _target(x),
        x.command,
        (x.param1, x.param2, x.param3, x.param4, x.param5, x.param6, x.param7),
        x.confirmation,
    ),
}

_LOCAL_NED = 1  # MAV_FRAME_LOCAL_NED


def _packet(x: m.Message) -> Any:
    """The dialect's object for a message that hullscan sends."""
    match x:
        case m.Heartbeat():
            return dialect.MAVLink_heartbeat_message(
                x.vehicle_type, x.autopilot, x.base_mode, x.custom_mode, x.system_status, 3
            )
        case m.CommandLong():
            return dialect.MAVLink_command_long_message(
                x.target.system, x.target.component, x.command, x.confirmation, *x.params
            )
        case m.PositionTarget():
            return dialect.MAVLink_set_position_target_local_ned_message(
                round(x.boot_s * 1e3) & 0xFFFFFFFF,
                x.target.system,
                x.target.component,
                _LOCAL_NED,
                x.type_mask,
                *x.position_ned_m,
                *x.velocity_ned_mps,
                *(0.0, 0.0, 0.0),
                x.yaw_rad,
                x.yaw_radps,
            )
        case m.PilotInput():
            # the first bit of the extensions says that s counts; 4.5.3 does not ask for it
            return dialect.MAVLink_manual_control_message(
                x.target_system, x.x, x.y, x.z, x.r, x.buttons, enabled_extensions=int(x.s != 0), s=x.s
            )
        case m.TimeSync():
            return dialect.MAVLink_timesync_message(x.tc1_ns, x.ts1_ns)
        case m.ParamRead():
            return dialect.MAVLink_param_request_read_message(
                x.target.system, x.target.component, x.name.encode("ascii"), x.index
            )
        case m.ParamList():
            return dialect.MAVLink_param_request_list_message(x.target.system, x.target.component)
        case m.ParamSet():
            return dialect.MAVLink_param_set_message(
                x.target.system, x.target.component, x.name.encode("ascii"), x.value, x.kind
            )
        case m.SetupSigning():
            return dialect.MAVLink_setup_signing_message(
                x.target.system, x.target.component, list(x.key), x.initial_time
            )
        case m.SetGpsOrigin():
            lat, lon, alt = round(x.lat_deg * 1e7), round(x.lon_deg * 1e7), round(x.alt_m * 1e3)
            return dialect.MAVLink_set_gps_global_origin_message(x.target_system, lat, lon, alt)
        case _:
            raise TypeError(f"hullscan never sends {type(x).__name__}")


class Codec:
    """Decodes frames and encodes our own as MAVLink 2; not thread-safe, its owner holds a lock for sending.

    Args:
        own: our system and component.
        signing_key: 32 bytes of MAVLink 2 signing; frames without a right signature are then bad frames.
        utc_s: now, which starts the signature's clock.

    Attributes:
        signing: what checks and times signatures; None without a key.
    """

    def __init__(self, own: m.Source, *, signing_key: bytes | None = None, utc_s: float = 0.0) -> None:
        self.own = own
        self.signing = None if signing_key is None else Signing(signing_key, utc_s)
        self._mav: Any = dialect.MAVLink(None, srcSystem=own.system, srcComponent=own.component)
        self._packer: Any = dialect.MAVLink(None, srcSystem=own.system, srcComponent=own.component)
        if signing_key is not None:
            self._packer.signing.secret_key, self._packer.signing.sign_outgoing = signing_key, True

    def decode(self, raw: bytes) -> m.Frame:
        """Check and unpack one frame.

        Raises:
            BadFrameError: wrong checksum, length or signature.
        """
        try:
            packet: Any = self._mav.decode(bytearray(raw))
        except dialect.MAVError as error:
            raise BadFrameError(str(error)) from None
        if self.signing is not None and (reason := self.signing.refusal(raw)):
            raise BadFrameError(f"signature: {reason}")
        name = cast("str", packet.get_type())
        if name.startswith("UNKNOWN"):
            return m.Frame(_source_of(raw), name, raw, None)
        source = m.Source(packet.get_srcSystem(), packet.get_srcComponent())
        read = _DECODE.get(name)
        return m.Frame(source, name, raw, read(packet) if read else None)

    def encode(self, message: m.Message) -> bytes:
        """Pack a message of ours; counts our sequence number on."""
        if self.signing is not None:
            self._packer.signing.timestamp = self.signing.next_time()
        raw = bytes(_packet(message).pack(self._packer))
        self._packer.seq = (self._packer.seq + 1) % 256
        return raw


def _source_of(raw: bytes) -> m.Source:
    """Sender of a frame whose content the dialect does not know."""
    return m.Source(raw[3], raw[4]) if raw[0] == _MARKER_V1 else m.Source(raw[5], raw[6])
