"""The parameter file that a real ArduSub starts with: every line with its reason.

Only what the simulated vehicle is, and what the simulation's sensors need; how it flies and fails is ArduSub's
own default, so that what is tested is what a vehicle out of the box does.
"""

from __future__ import annotations

from typing import Literal

from hullscan_sim.dvl import MOUNT_M
from hullscan_sim.sensors import EchoSounders
from hullscan_sim.servo_rail import LAMPS_OUTPUT, TILT_OUTPUT, TILT_RANGE_DEG

__all__ = ["BATTERY_V", "parameter_file"]

BATTERY_V = 16.4
"""Without load: four cells, nearly full. SITL takes 0.5 V off for each motor's full thrust."""

_Line = tuple[str, float, str]
_STREAMS = ("EXTRA1", "EXTRA2", "EXTRA3", "EXT_STAT", "PARAMS", "POSITION", "RAW_SENS", "RC_CHAN")
_LOW_CM, _HIGH_CM = (round(100 * limit_m) for limit_m in EchoSounders.RANGE_M)

_VEHICLE: tuple[_Line, ...] = (
    ("FRAME_CONFIG", 2, "vectored with six degrees of freedom"),
    ("BATT_MONITOR", 4, "voltage and current"),
    ("SIM_BATT_VOLTAGE", BATTERY_V, "four cells; the default of 12.6 would end every mission at its voltage limit"),
    (f"SERVO{LAMPS_OUTPUT}_FUNCTION", 59, "lamps follow RC channel 9 (RCIN9), DO_SET_SERVO sets them"),
    (f"SERVO{TILT_OUTPUT}_FUNCTION", 7, "the camera's tilt servo"),
    ("MNT1_TYPE", 1, "a servo mount: without it DO_MOUNT_CONTROL fails"),
    ("MNT1_PITCH_MIN", -TILT_RANGE_DEG, "as BlueOS sets it"),
    ("MNT1_PITCH_MAX", TILT_RANGE_DEG, "as BlueOS sets it"),
    ("BTN4_FUNCTION", 4, "joystick: disarm; without such a button it refuses to arm"),
    ("BTN6_FUNCTION", 3, "joystick: arm"),
)
_SENSORS: tuple[_Line, ...] = (
    ("SIM_BARO_RND", 0.02, "m, as a Bar30; the default is 0.2"),
    ("SIM_BAR2_RND", 0.02, "the same for the second sensor, SCALED_PRESSURE2"),
    ("COMPASS_OFS_X", 5, "the simulated compass has an offset of its own, calibrated away"),
    ("COMPASS_OFS_Y", 13, "the same"),
    ("COMPASS_OFS_Z", -18, "the same"),
    ("COMPASS_USE2", 0, "steel acts on the first compass alone"),
    ("COMPASS_USE3", 0, "the same"),
    ("RNGFND1_TYPE", 100, "simulated: rng_1 of the physics"),
    ("RNGFND1_ORIENT", 25, "down"),
    ("RNGFND1_MIN_CM", _LOW_CM, "echo sounder"),
    ("RNGFND1_MAX_CM", _HIGH_CM, "echo sounder"),
    ("RNGFND2_TYPE", 100, "simulated: rng_2 of the physics"),
    ("RNGFND2_ORIENT", 0, "ahead"),
    ("RNGFND2_MIN_CM", _LOW_CM, "echo sounder"),
    ("RNGFND2_MAX_CM", _HIGH_CM, "echo sounder"),
)
_COMPANION: tuple[_Line, ...] = (
    ("SERIAL1_PROTOCOL", 2, "MAVLink 2 to the companion computer"),
    ("SERIAL1_OPTIONS", 1024, "what the companion sends is not passed on to the ground station, nor the reverse"),
    *((f"SR1_{group}", 0.0, "the companion asks for nothing") for group in _STREAMS),
    ("LOG_BACKEND_TYPE", 0, "no onboard log: truth and telemetry are recorded anyway"),
)
_DVL: tuple[_Line, ...] = (
    ("GPS_TYPE", 0, "there is none below a hull"),
    ("VISO_TYPE", 1, "the DVL's deltas arrive as VISION_POSITION_DELTA"),
    ("VISO_POS_X", MOUNT_M[0], "where the DVL sits, ahead of the centre"),
    ("VISO_POS_Y", MOUNT_M[1], "to its right"),
    ("VISO_POS_Z", MOUNT_M[2], "below it"),
    ("EK3_SRC1_POSXY", 6, "position from the DVL (external navigation)"),
    ("EK3_SRC1_VELXY", 6, "velocity from the DVL"),
    ("EK3_SRC1_POSZ", 1, "depth from the pressure sensor"),
    ("EK3_SRC1_VELZ", 0, "no sensor of vertical velocity"),
)


def parameter_file(position: Literal["dvl", "gps"]) -> str:
    """Text for ``--defaults``.

    Args:
        position: what it navigates by.
    """
    lines = [*_VEHICLE, *_SENSORS, *_COMPANION, *(_DVL if position == "dvl" else ())]
    return "".join(f"# {reason}\n{name} {value:g}\n" for name, value, reason in lines)
