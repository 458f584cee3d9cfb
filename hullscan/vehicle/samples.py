"""What telemetry keeps of each quantity: one small value per message, every field a float.

``utc_s`` is mission time. ``boot_s`` is the vehicle's own time, kept where the message carries it, so that the
mapping between the two can be checked afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from hullscan.geometry.frames import Array
from hullscan.vehicle.modes import mode_name

__all__ = [
    "AttitudeSample",
    "BatterySample",
    "DepthSample",
    "EkfSample",
    "HeartbeatSample",
    "MotorSample",
    "PositionSample",
    "PressureSample",
    "RangeSample",
    "TimedText",
    "ValueSample",
    "blend_attitude",
    "move_on",
    "turn_on",
]


@dataclass(frozen=True, slots=True)
class AttitudeSample:
    """Ned from frd as Euler angles (yaw, then pitch, then roll), and body rates."""

    utc_s: float
    boot_s: float
    roll_rad: float
    pitch_rad: float
    yaw_rad: float
    roll_radps: float
    pitch_radps: float
    yaw_radps: float

    @property
    def r_ned_frd(self) -> Rotation:
        """The same as a rotation."""
        return Rotation.from_euler("ZYX", [self.yaw_rad, self.pitch_rad, self.roll_rad])


def blend_attitude(earlier: AttitudeSample, later: AttitudeSample, share: float) -> AttitudeSample:
    """Attitude between two samples along the shortest turn; time and rates linearly."""
    ends = Rotation.concatenate([earlier.r_ned_frd, later.r_ned_frd])
    yaw, pitch, roll = (float(angle) for angle in Slerp([0.0, 1.0], ends)(share).as_euler("ZYX"))

    def between(name: str) -> float:
        a, b = float(getattr(earlier, name)), float(getattr(later, name))
        return a + share * (b - a)

    rates = between("roll_radps"), between("pitch_radps"), between("yaw_radps")
    return AttitudeSample(between("utc_s"), between("boot_s"), roll, pitch, yaw, *rates)


def turn_on(last: AttitudeSample, ahead_s: float) -> AttitudeSample:
    """Attitude a moment after the last sample, turning on at its body rates."""
    rates = np.array([last.roll_radps, last.pitch_radps, last.yaw_radps])
    turned = last.r_ned_frd * Rotation.from_rotvec(rates * ahead_s)
    yaw, pitch, roll = (float(angle) for angle in turned.as_euler("ZYX"))
    stamps = {"utc_s": last.utc_s + ahead_s, "boot_s": last.boot_s + ahead_s}
    return replace(last, **stamps, roll_rad=roll, pitch_rad=pitch, yaw_rad=yaw)


@dataclass(frozen=True, slots=True)
class PositionSample:
    """Position and velocity at the origin of the vehicle's estimator, ned."""

    utc_s: float
    boot_s: float
    north_m: float
    east_m: float
    down_m: float
    north_mps: float
    east_mps: float
    down_mps: float

    @property
    def position_ned_m(self) -> Array:
        """(3,) metres."""
        return np.array([self.north_m, self.east_m, self.down_m])

    @property
    def velocity_ned_mps(self) -> Array:
        """(3,) metres per second."""
        return np.array([self.north_mps, self.east_mps, self.down_mps])


def move_on(last: PositionSample, ahead_s: float) -> PositionSample:
    """Position a moment after the last sample, moving on at its velocity."""
    return replace(
        last,
        utc_s=last.utc_s + ahead_s,
        boot_s=last.boot_s + ahead_s,
        north_m=last.north_m + ahead_s * last.north_mps,
        east_m=last.east_m + ahead_s * last.east_mps,
        down_m=last.down_m + ahead_s * last.down_mps,
    )


@dataclass(frozen=True, slots=True)
class DepthSample:
    """Depth below the surface, positive down: the estimator's altitude of VFR_HUD with the sign turned.

    VFR_HUD carries no stamp of its own, so ``utc_s`` is the arrival.
    """

    utc_s: float
    depth_m: float


@dataclass(frozen=True, slots=True)
class PressureSample:
    """Of the sensor in the water: absolute pressure and water temperature."""

    utc_s: float
    boot_s: float
    absolute_pa: float
    temperature_c: float


@dataclass(frozen=True, slots=True)
class BatterySample:
    """SYS_STATUS: voltage, current, remaining share; NaN where it is not measured."""

    utc_s: float
    voltage_v: float
    current_a: float
    remaining: float


@dataclass(frozen=True, slots=True)
class MotorSample:
    """Pulses of the four motors that push level, microseconds; 0 is none."""

    utc_s: float
    pulse_1_us: float
    pulse_2_us: float
    pulse_3_us: float
    pulse_4_us: float


@dataclass(frozen=True, slots=True)
class RangeSample:
    """One DISTANCE_SENSOR reading of one orientation."""

    utc_s: float
    distance_m: float
    min_m: float
    max_m: float
    sensor_id: float
    signal_quality: float

    @property
    def valid(self) -> bool:
        """Inside the sensor's own limits: at a limit it says "nothing", not "there"."""
        return self.min_m < self.distance_m < self.max_m


@dataclass(frozen=True, slots=True)
class EkfSample:
    """EKF_STATUS_REPORT: flags and test ratios."""

    utc_s: float
    flags: float
    velocity_variance: float
    position_variance: float
    height_variance: float
    compass_variance: float


@dataclass(frozen=True, slots=True)
class HeartbeatSample:
    """What the autopilot's heartbeat says."""

    utc_s: float
    custom_mode: float
    base_mode: float
    system_status: float

    @property
    def mode(self) -> str:
        """Name of the flight mode."""
        return mode_name(int(self.custom_mode))

    @property
    def armed(self) -> bool:
        """MAV_MODE_FLAG_SAFETY_ARMED."""
        return bool(int(self.base_mode) & 128)


@dataclass(frozen=True, slots=True)
class ValueSample:
    """A value by itself: Lights1, CamTilt, PilotGain."""

    utc_s: float
    value: float


@dataclass(frozen=True, slots=True)
class TimedText:
    """A STATUSTEXT with its chunks joined; severity 0 emergency .. 7 debug."""

    utc_s: float
    severity: int
    text: str
