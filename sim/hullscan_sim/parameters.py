"""The autopilot's parameters: the ones that act in this simulator, with the defaults of ArduSub 4.5.3.

Values and types are those a 4.5.3 reports for a VECTORED_6DOF frame; where the vehicle is set up for hull work,
the set is what its companion computer writes (BlueOS: DVL for position, MAVLink rangefinders, camera tilt and
lights on the servo rail). Integers are rounded and every value is stored in the precision of its type.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["INT8", "INT16", "INT32", "REAL32", "Parameters"]

INT8, INT16, INT32, REAL32 = 2, 4, 6, 9
"""MAV_PARAM_TYPE of what is stored; on the wire every value is a float."""

_RANGE = {INT8: (-128, 127), INT16: (-32768, 32767), INT32: (-(2**31), 2**31 - 1)}

_TABLE: dict[int, dict[str, float]] = {
    REAL32: {
        "ACRO_YAW_P": 3.375,
        "ATC_ACCEL_P_MAX": 110000.0, "ATC_ACCEL_R_MAX": 110000.0, "ATC_ACCEL_Y_MAX": 110000.0,
        "ATC_ANG_PIT_P": 6.0, "ATC_ANG_RLL_P": 6.0, "ATC_ANG_YAW_P": 6.0, "ATC_INPUT_TC": 0.15,
        "ATC_RAT_PIT_D": 0.0036, "ATC_RAT_PIT_FLTD": 30.0, "ATC_RAT_PIT_I": 0.09, "ATC_RAT_PIT_IMAX": 0.444,
        "ATC_RAT_PIT_P": 0.135, "ATC_RAT_RLL_D": 0.0036, "ATC_RAT_RLL_FLTD": 30.0, "ATC_RAT_RLL_I": 0.09,
        "ATC_RAT_RLL_IMAX": 0.444, "ATC_RAT_RLL_P": 0.135, "ATC_RAT_YAW_D": 0.0, "ATC_RAT_YAW_FLTT": 5.0,
        "ATC_RAT_YAW_I": 0.018, "ATC_RAT_YAW_IMAX": 0.222, "ATC_RAT_YAW_P": 0.18, "ATC_SLEW_YAW": 6000.0,
        "BARO_SPEC_GRAV": 1.0, "BATT_CRT_VOLT": 0.0, "BATT_LOW_VOLT": 0.0, "CIRCLE_RADIUS": 1000.0,
        "CIRCLE_RATE": 2.0, "FS_PILOT_TIMEOUT": 3.0,
        "JS_GAIN_DEFAULT": 0.5, "JS_GAIN_MAX": 1.0, "JS_GAIN_MIN": 0.25, "JS_THR_GAIN": 1.0,
        "MNT1_PITCH_MAX": 45.0, "MNT1_PITCH_MIN": -45.0, "ORIGIN_LAT": 0.0, "ORIGIN_LON": 0.0,
        "PSC_ACCZ_FLTE": 20.0, "PSC_ACCZ_I": 0.1, "PSC_ACCZ_IMAX": 100.0, "PSC_ACCZ_P": 0.5,
        "PSC_JERK_XY": 5.0, "PSC_JERK_Z": 50.0, "PSC_POSXY_P": 1.0, "PSC_POSZ_P": 3.0,
        "PSC_VELXY_D": 0.0, "PSC_VELXY_FF": 0.0, "PSC_VELXY_FLTE": 5.0, "PSC_VELXY_I": 0.5,
        "PSC_VELXY_IMAX": 1000.0, "PSC_VELXY_P": 6.0, "PSC_VELZ_P": 8.0, "RC_OVERRIDE_TIME": 3.0,
        "WPNAV_ACCEL": 250.0, "WPNAV_ACCEL_Z": 100.0, "WPNAV_JERK": 1.0, "WPNAV_RADIUS": 200.0,
        "WPNAV_SPEED": 100.0, "WPNAV_SPEED_DN": 150.0, "WPNAV_SPEED_UP": 250.0,
    },
    INT32: {"ARMING_CHECK": 448, "BATT_CAPACITY": 18000, "BATT_SERIAL_NUM": -1, "STAT_RUNTIME": 30},
    INT16: {
        "ANGLE_MAX": 4500, "EK3_SRC_OPTIONS": 1, "FORMAT_VERSION": 1, "PILOT_ACCEL_Z": 100, "PILOT_SPEED_DN": 0,
        "PILOT_SPEED_UP": 100, "RC4_DZ": 40, "RNGFND1_MAX_CM": 5000, "RNGFND1_MIN_CM": 20, "RNGFND2_MAX_CM": 5000,
        "RNGFND2_MIN_CM": 20, "SR0_EXTRA1": 10, "SR0_EXTRA2": 10, "SR0_EXTRA3": 3, "SR0_EXT_STAT": 2,
        "SR0_PARAMS": 0, "SR0_POSITION": 3, "SR0_RAW_SENS": 2, "SR0_RC_CHAN": 2, "STAT_BOOTCNT": 1,
        "SURFACE_DEPTH": -10, "SURFTRAK_DEPTH": -50, "SYSID_MYGCS": 255, "SYSID_THISMAV": 1, "THR_DZ": 100,
        "SERVO9_FUNCTION": 59, "SERVO10_FUNCTION": 7, "SERVO11_FUNCTION": 0, "XTRACK_ANG_LIM": 45,
    },
    INT8: {
        "AHRS_EKF_TYPE": 3, "AHRS_ORIENTATION": 0, "BATT_FS_CRT_ACT": 0, "BATT_FS_LOW_ACT": 0, "BATT_LOW_TIMER": 10,
        "BATT_MONITOR": 4, "CAM1_TYPE": 0, "COMPASS_USE": 1, "EK3_ENABLE": 1, "EK3_SRC1_POSXY": 3,
        "EK3_SRC1_POSZ": 1, "EK3_SRC1_VELXY": 3, "EK3_SRC1_VELZ": 0, "EK3_SRC1_YAW": 1, "FRAME_CONFIG": 2,
        "FS_CRASH_CHECK": 0, "FS_EKF_ACTION": 0, "FS_GCS_ENABLE": 2, "FS_LEAK_ENABLE": 1, "FS_PILOT_INPUT": 2,
        "FS_PRESS_ENABLE": 0, "FS_TEMP_ENABLE": 0, "GPS_TYPE": 1, "GRIP_ENABLE": 0, "GRIP_TYPE": 0, "JS_GAIN_STEPS": 4,
        "JS_LIGHTS_STEPS": 8, "MNT1_TYPE": 1, "RNGFND1_ORIENT": 25, "RNGFND1_TYPE": 10, "RNGFND2_ORIENT": 0,
        "RNGFND2_TYPE": 10, "VISO_TYPE": 0, "WP_YAW_BEHAVIOR": 4,
        **{f"MOT_{motor}_DIRECTION": 1 for motor in range(1, 9)},
        **{f"BTN{button}_FUNCTION": 0 for button in range(16)},
        **{f"BTN{button}_SFUNCTION": 0 for button in range(16)},
    },
}  # fmt: skip

_BUTTONS: dict[str, float] = {
    "BTN1_FUNCTION": 6, "BTN2_FUNCTION": 8, "BTN3_FUNCTION": 7, "BTN4_FUNCTION": 4, "BTN5_FUNCTION": 1,
    "BTN6_FUNCTION": 3, "BTN7_FUNCTION": 21, "BTN8_FUNCTION": 48, "BTN9_FUNCTION": 23, "BTN10_FUNCTION": 22,
    "BTN11_FUNCTION": 42, "BTN12_FUNCTION": 43, "BTN13_FUNCTION": 33, "BTN14_FUNCTION": 32,
    "BTN11_SFUNCTION": 47, "BTN12_SFUNCTION": 46, "BTN13_SFUNCTION": 45, "BTN14_SFUNCTION": 44,
}  # fmt: skip

_DVL_SET: dict[str, float] = {"GPS_TYPE": 0, "VISO_TYPE": 1, "EK3_SRC1_POSXY": 6, "EK3_SRC1_VELXY": 6}
"""What BlueOS writes for a vehicle that navigates by its DVL."""


class Parameters:
    """Names, types and values, in the alphabetical order in which they are numbered.

    ``version`` counts changes, so that whoever derives something from parameters knows when to do it again.
    """

    def __init__(self, *, dvl_navigation: bool = False) -> None:
        self._types = {name: kind for kind, group in _TABLE.items() for name in group}
        self._names = sorted(self._types)
        self._index = {name: index for index, name in enumerate(self._names)}
        self._values: dict[str, float] = {}
        self.version = 0
        groups: list[dict[str, float]] = [*_TABLE.values(), _BUTTONS]
        for group in [*groups, _DVL_SET] if dvl_navigation else groups:
            for name, value in group.items():
                self.set(name, value)

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, name: str) -> bool:
        return name in self._index

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def set(self, name: str, value: float) -> float:
        """Store a value in the precision and range of its type; returns what is stored."""
        kind = self._types[name]
        if kind == REAL32:
            stored = float(struct.unpack("<f", struct.pack("<f", min(max(value, -3.4e38), 3.4e38)))[0])
        else:
            low, high = _RANGE[kind]
            stored = float(min(max(round(value), low), high))
        self._values[name] = stored
        self.version += 1
        return stored

    def type_of(self, name: str) -> int:
        """MAV_PARAM_TYPE of a parameter."""
        return self._types[name]

    def name_at(self, index: int) -> str | None:
        """The parameter with this number, if there is one."""
        return self._names[index] if 0 <= index < len(self._names) else None

    def index_of(self, name: str) -> int:
        """Number of a parameter."""
        return self._index[name]
