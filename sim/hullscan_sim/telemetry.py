"""Telemetry: what each streamed message holds, field by field, as ArduSub 4.5.3 fills it."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, hypot, pi, radians, sin

from hullscan_sim.battery import Battery
from hullscan_sim.dynamics import GRAVITY_MPS2
from hullscan_sim.estimator import FLAGS_LOST, Estimator
from hullscan_sim.failsafe import Failsafes
from hullscan_sim.flight import Flight
from hullscan_sim.messages import Message, mavlink
from hullscan_sim.modes import GUIDED_BIT
from hullscan_sim.payload import Payload
from hullscan_sim.pilot import PilotInput
from hullscan_sim.sensors import Barometer, EchoSounders

__all__ = ["Telemetry"]

_SUBMARINE, _ARDUPILOT = 12, 3
_METRES_PER_DEG = 111_319.49  # of latitude, on the sphere that ArduPilot uses
_SENSORS_DVL, _SENSORS_GPS, _POSITION_BITS = 0x1330FD8F, 0x1330FC2F, 0x0000C000
_MOTORS_BITS = 0x00008000
_WATER_CDEG = 1250
_NAMES = (
    "CamTilt", "CamPan", "TetherTrn", "Lights1", "Lights2", "PilotGain", "InputHold", "RollPitch", "RFTarget",
)  # fmt: skip


class Telemetry:
    """Builders of messages from the parts of the autopilot.

    Attributes:
        time_s: since power-up, set before each step.
        utc_s: the same moment in UTC.
        home: latitude, longitude (1e-7 degrees) and altitude (mm) of home, once set.
    """

    def __init__(
        self,
        nav: Estimator,
        flight: Flight,
        pilot: PilotInput,
        payload: Payload,
        battery: Battery,
        failsafes: Failsafes,
        barometer: Barometer,
        sounders: EchoSounders,
    ) -> None:
        self._nav, self._flight, self._pilot, self._payload = nav, flight, pilot, payload
        self._battery, self._failsafes = battery, failsafes
        self._barometer, self._sounders = barometer, sounders
        self.time_s, self.utc_s = 0.0, 0.0
        self.home: tuple[int, int, int] | None = None
        self.specific_force = (0.0, 0.0, -GRAVITY_MPS2)
        self.builders: dict[int, Callable[[], list[Message]]] = {
            0: self.heartbeat, 1: self._sys_status, 2: self._system_time, 24: self._gps_raw, 27: self._raw_imu,
            29: self._pressure, 30: self._attitude, 32: self._local_position, 33: self._global_position,
            36: self._servos, 42: self.mission_current, 46: self.item_reached, 49: self.global_origin,
            62: self._nav_output, 65: self._rc_channels, 74: self._vfr_hud, 111: self._timesync, 116: self._imu_2,
            125: self._power, 129: self._imu_3, 132: self._distances, 137: self._pressure_2, 143: self._pressure_3,
            147: self._battery_status, 148: self.autopilot_version, 152: self._memory, 163: self._ahrs,
            173: self._rangefinder, 178: self._ahrs_2, 193: self._ekf_status, 241: self._vibration,
            242: self.home_position, 251: self._named_values, 285: self._gimbal_attitude,
        }  # fmt: skip

    @property
    def _ms(self) -> int:
        return int(self.time_s * 1000)

    @property
    def _us(self) -> int:
        return int(self.time_s * 1e6)

    def _place(self) -> tuple[int, int]:
        """Latitude and longitude, 1e-7 degrees; zero before there is an origin."""
        origin, (north, east, _) = self._nav.origin, self._nav.position
        if origin is None:
            return 0, 0
        lat = origin.lat_deg + north / _METRES_PER_DEG
        lon = origin.lon_deg + east / (_METRES_PER_DEG * cos(radians(origin.lat_deg)))
        return round(lat * 1e7), round(lon * 1e7)

    def local_from(self, lat_1e7: int, lon_1e7: int) -> tuple[float, float] | None:
        """North and east of the origin, m; None without one."""
        origin = self._nav.origin
        if origin is None:
            return None
        north = (lat_1e7 / 1e7 - origin.lat_deg) * _METRES_PER_DEG
        return north, (lon_1e7 / 1e7 - origin.lon_deg) * _METRES_PER_DEG * cos(radians(origin.lat_deg))

    def set_home_here(self) -> None:
        """Home: this place, at the height of the surface as the barometer has it."""
        if self._nav.origin is not None:
            altitude_m = -self._nav.position[2] + self._flight.depth_m
            self.home = (*self._place(), round(altitude_m * 1000))

    # ---------------------------------------------------------------- state

    def heartbeat(self) -> list[Message]:
        """HEARTBEAT of the autopilot."""
        mode, armed = self._flight.mode, self._flight.armed
        base = 81 + (128 if armed else 0) + (8 if mode in GUIDED_BIT else 0)
        status = 5 if self._failsafes.any else 4 if armed else 3
        return [mavlink.MAVLink_heartbeat_message(_SUBMARINE, _ARDUPILOT, base, int(mode), status, 3)]

    def _sys_status(self) -> list[Message]:
        nav, battery = self._nav, self._battery
        present = _SENSORS_GPS if nav.source == "gps" else _SENSORS_DVL
        health = present if nav.aiding else present & ~0x180
        enabled = present & ~0x00100000
        if not self._flight.armed:
            enabled &= ~(_POSITION_BITS | _MOTORS_BITS)
        left = round(100 * battery.share_left)
        return [
            mavlink.MAVLink_sys_status_message(
                present, enabled, health, 210, round(battery.voltage_v * 1000), _centiampere(battery),
                left, 0, 0, 0, 0, 0, 0,
            )
        ]  # fmt: skip

    def _battery_status(self) -> list[Message]:
        battery = self._battery
        cells = [round(battery.voltage_v * 1000), *[65535] * 9]
        state = 2 if self._failsafes.battery_low else 1
        return [
            mavlink.MAVLink_battery_status_message(
                0, 0, 0, 32767, cells, _centiampere(battery), round(battery.used_mah),
                round(battery.used_wh * 36), round(100 * battery.share_left), 0, state,
            )
        ]  # fmt: skip

    def _system_time(self) -> list[Message]:
        return [mavlink.MAVLink_system_time_message(int(self.utc_s * 1e6), self._ms)]

    def _timesync(self) -> list[Message]:
        return [mavlink.MAVLink_timesync_message(0, int(self.time_s * 1e9))]

    def _ekf_status(self) -> list[Message]:
        lost = self._nav.flags & FLAGS_LOST == FLAGS_LOST
        return [
            mavlink.MAVLink_ekf_status_report_message(
                self._nav.flags, 0.0 if lost else 0.01, 0.6 if lost else 0.008, 0.014, 0.005, 0.0
            )
        ]

    def autopilot_version(self) -> list[Message]:
        """AUTOPILOT_VERSION of the firmware that is imitated."""
        commit = list(b"80e8c23a")
        return [
            mavlink.MAVLink_autopilot_version_message(63975, 0x040503FF, 0, 0, 0, commit, [0] * 8, [0] * 8, 0, 0, 0)
        ]

    # ---------------------------------------------------------------- motion

    def _attitude(self) -> list[Message]:
        nav = self._nav
        return [mavlink.MAVLink_attitude_message(self._ms, *nav.attitude, *nav.rates)]

    def _local_position(self) -> list[Message]:
        nav = self._nav
        if not nav.has_had_position:
            return []
        return [mavlink.MAVLink_local_position_ned_message(self._ms, *nav.told_position, *nav.velocity)]

    def _global_position(self) -> list[Message]:
        nav = self._nav
        lat, lon = self._place()
        altitude = round(-1000 * nav.told_position[2])
        relative = altitude - (self.home[2] if self.home else 0)
        speeds = [_int16(100 * part) for part in nav.velocity]
        heading = round(nav.attitude[2] * 18000 / pi) % 36000
        return [mavlink.MAVLink_global_position_int_message(self._ms, lat, lon, altitude, relative, *speeds, heading)]

    def _vfr_hud(self) -> list[Message]:
        nav = self._nav
        speed = hypot(nav.velocity[0], nav.velocity[1])
        throttle = round(50 * (1 + self._flight.demand.throttle)) if self._flight.armed else 0
        heading = int(nav.attitude[2] * 180 / pi % 360)
        height, climb = -nav.told_position[2], -nav.velocity[2]
        return [mavlink.MAVLink_vfr_hud_message(speed, speed, heading, throttle, height, climb)]

    def _ahrs(self) -> list[Message]:
        return [mavlink.MAVLink_ahrs_message(0.0, 0.0, 0.0, 0.0, 0.0, 0.003, 0.001)]

    def _ahrs_2(self) -> list[Message]:
        return [mavlink.MAVLink_ahrs2_message(*self._nav.attitude, -self._nav.position[2], *self._place())]

    def _nav_output(self) -> list[Message]:
        flight, nav = self._flight, self._nav
        north, east, down = flight.position.north.place, flight.position.east.place, flight.position.down.place
        away = hypot(north - nav.position[0], east - nav.position[1])
        angles = [angle * 180 / pi for angle in (flight.attitude.roll, flight.attitude.pitch)]
        heading = round(flight.attitude.yaw * 180 / pi)
        return [
            mavlink.MAVLink_nav_controller_output_message(
                *angles, heading, round(flight.target_bearing_deg), min(int(away), 65535),
                nav.position[2] - down, 0.0, 0.0,
            )
        ]  # fmt: skip

    # ---------------------------------------------------------------- sensors

    def _imu(self) -> tuple[int, ...]:
        x, y, z = (_int16(part / GRAVITY_MPS2 * 1000) for part in self.specific_force)
        p, q, r = (_int16(rate * 1000) for rate in self._nav.rates)
        heading = self._nav.attitude[2]
        field = (round(300 * cos(heading)), round(-300 * cos(heading - pi / 2)), 380)
        return x, y, z, p, q, r, *field

    def _raw_imu(self) -> list[Message]:
        return [mavlink.MAVLink_raw_imu_message(self._us, *self._imu(), 0, 3100)]

    def _imu_2(self) -> list[Message]:
        return [mavlink.MAVLink_scaled_imu2_message(self._ms, *self._imu(), 3100)]

    def _imu_3(self) -> list[Message]:
        return [mavlink.MAVLink_scaled_imu3_message(self._ms, 0, 0, 0, 0, 0, 0, *self._imu()[6:], 0)]

    def _pressure(self) -> list[Message]:
        return [mavlink.MAVLink_scaled_pressure_message(self._ms, self._barometer.pressure_hpa, 0.0, _WATER_CDEG)]

    def _pressure_2(self) -> list[Message]:
        return [mavlink.MAVLink_scaled_pressure2_message(self._ms, self._barometer.pressure_hpa, 0.0, _WATER_CDEG)]

    def _pressure_3(self) -> list[Message]:
        return [mavlink.MAVLink_scaled_pressure3_message(self._ms, 0.0, 0.0, _WATER_CDEG)]

    def _gps_raw(self) -> list[Message]:
        if not self._nav.has_fix:
            return [mavlink.MAVLink_gps_raw_int_message(0, 0, 0, 0, 0, 65535, 65535, 0, 0, 0)]
        speed = round(100 * hypot(self._nav.velocity[0], self._nav.velocity[1]))
        lat, lon = self._place()
        return [mavlink.MAVLink_gps_raw_int_message(self._us, 6, lat, lon, 0, 121, 200, speed, 0, 10)]

    def _distances(self) -> list[Message]:
        low, high = (round(limit * 100) for limit in EchoSounders.RANGE_M)
        soundings = ((0, 25, self._sounders.down), (1, 0, self._sounders.forward))
        return [
            mavlink.MAVLink_distance_sensor_message(
                self._ms, low, high, round(sounding.distance_m * 100), 0, number, orientation, 0
            )
            for number, orientation, sounding in soundings
        ]

    def _rangefinder(self) -> list[Message]:
        return [mavlink.MAVLink_rangefinder_message(self._sounders.down.distance_m, 0.0)]

    # ---------------------------------------------------------------- channels and the rest

    def _servos(self) -> list[Message]:
        outputs = [*self._flight.pulses, *self._payload.outputs]
        return [mavlink.MAVLink_servo_output_raw_message(self._us & 0xFFFFFFFF, 0, *outputs)]

    def _rc_channels(self) -> list[Message]:
        return [mavlink.MAVLink_rc_channels_message(self._ms, 16, *self._pilot.channels, 0, 0, 255)]

    def _named_values(self) -> list[Message]:
        values = {
            **self._payload.named_values, "TetherTrn": 0.0, "PilotGain": self._pilot.gain, "InputHold": 0.0,
            "RollPitch": 0.0, "RFTarget": self._flight.tracking.target_m or -0.01,
        }  # fmt: skip
        return [mavlink.MAVLink_named_value_float_message(self._ms, name.encode(), values[name]) for name in _NAMES]

    def global_origin(self) -> list[Message]:
        """GPS_GLOBAL_ORIGIN, once there is one."""
        origin = self._nav.origin
        if origin is None:
            return []
        lat, lon = round(origin.lat_deg * 1e7), round(origin.lon_deg * 1e7)
        return [mavlink.MAVLink_gps_global_origin_message(lat, lon, 0, self._us)]

    def home_position(self) -> list[Message]:
        """HOME_POSITION, once set."""
        if self.home is None:
            return []
        nan = float("nan")
        lat, lon, altitude = self.home
        x, y = self.local_from(lat, lon) or (0.0, 0.0)
        place = (x, y, -altitude / 1000)
        return [mavlink.MAVLink_home_position_message(lat, lon, altitude, *place, [nan] * 4, 0.0, 0.0, 0.0, self._us)]

    def mission_current(self) -> list[Message]:
        """MISSION_CURRENT: the count leaves home out."""
        mission = self._flight.auto.mission
        total = max(len(mission.items) - 1, 0)
        return [mavlink.MAVLink_mission_current_message(mission.current, total, int(mission.told_state))]

    def item_reached(self) -> list[Message]:
        """MISSION_ITEM_REACHED: 65535 before the first."""
        return [mavlink.MAVLink_mission_item_reached_message(self._flight.auto.reached)]

    def camera_feedback(self, number: int) -> Message:
        """CAMERA_FEEDBACK of a picture taken now."""
        nav, (lat, lon) = self._nav, self._place()
        above = -nav.position[2]
        roll, pitch, yaw = (angle * 180 / pi for angle in nav.attitude)
        relative = above - (self.home[2] / 1000 if self.home else 0.0)
        return mavlink.MAVLink_camera_feedback_message(
            int(self.utc_s * 1e6), 0, 0, number, lat, lon, above, relative, roll, pitch, yaw % 360, 0.0, 0, number
        )

    def _gimbal_attitude(self) -> list[Message]:
        """GIMBAL_DEVICE_ATTITUDE_STATUS, without a mount nothing; the tilt in the earth's frame."""
        if not self._payload.has_mount:
            return []
        half = self._payload.tilt_rad / 2
        return [
            mavlink.MAVLink_gimbal_device_attitude_status_message(
                0, 0, self._ms, 12, [cos(half), 0.0, sin(half), 0.0], 0.0, 0.0, 0.0, 0
            )
        ]

    def _power(self) -> list[Message]:
        return [mavlink.MAVLink_power_status_message(5000, 0, 0)]

    def _memory(self) -> list[Message]:
        return [mavlink.MAVLink_meminfo_message(0, 65535, 131072)]

    def _vibration(self) -> list[Message]:
        return [mavlink.MAVLink_vibration_message(self._us, 0.003, 0.003, 0.003, 0, 0, 0)]


def _int16(value: float) -> int:
    """Rounded, and within what the field holds."""
    return round(max(min(value, 32767), -32767))


def _centiampere(battery: Battery) -> int:
    return _int16(battery.current_a * 100)
