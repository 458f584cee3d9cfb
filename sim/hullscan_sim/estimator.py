"""What the autopilot believes: attitude, position and depth, and whether it may navigate by them.

The errors of a real filter are carried as states instead of being computed from raw samples, which is the same
for small errors and much cheaper: heading is the gyro's, pulled to the compass within seconds; velocity is the
accelerometers' (with the tilt error of the attitude in them), pulled to the DVL or GPS; depth is pulled to the
barometer. Position is dead-reckoned from that velocity and starts at zero, wherever the vehicle really is then.

When the DVL has been silent for 5 s (GPS: 15 s), aiding stops: flags 167, position frozen, velocity zero, mode
unchanged. GPS that has been silent for 7 s already is not believed any more: flags 39, modes that need a position are
refused, the estimate runs on. Aiding resumes at once when the sensor does, without a jump: the error stays.
All of these flags have 64 more while the echo sounder sees the ground.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, sin
from typing import Literal

import numpy as np

from hullscan.geometry.frames import GeoOrigin
from hullscan_sim.dynamics import GRAVITY_MPS2, RigidBody, Vector
from hullscan_sim.sensors import Gyro

__all__ = ["FLAGS_DOUBTED", "FLAGS_DVL", "FLAGS_GPS", "FLAGS_LOST", "FLAG_GROUND", "Estimator", "StartUp"]

FLAGS_GPS, FLAGS_DVL, FLAGS_DOUBTED, FLAGS_LOST, FLAGS_UNINITIALISED = 831, 303, 39, 167, 1024
FLAG_GROUND = 64
"""EKF_POS_VERT_AGL: a range to the ground came within the last seconds."""

INFO, WARNING = 6, 4
Say = Callable[[int, str], None]

_HEADING_S = 5.0
_TILT_RAD, _TILT_S = 0.0017, 20.0
_DVL_GAIN, _GPS_GAIN = 0.3, 0.25
_BIAS_GAIN = 0.06  # 1/s: the filter learns what tilt and bias do to the accelerometers
_DEPTH_TURN = 1.2  # rad/s, of the complementary filter between accelerometer and barometer
# EK3_HGT_I_GATE 500 of EK3_ALT_M_NSE 0.1; seen with 4.5.3: a step of 1 m is left out for 4.8 s and then taken at once
_DEPTH_GATE_M, _DEPTH_PATIENCE_S = 0.5, 4.8
_RESUME_S = {"dvl": 0.1, "gps": 0.3}  # from the sensor's return to aiding, as measured with 4.5.3
_PATIENCE_S = {"dvl": 5.0, "gps": 15.0}
_DOUBT_S = 7.0
_GROUND_S = 5.0


@dataclass(frozen=True, slots=True)
class StartUp:
    """When things happen after power-up, s; ``share`` shrinks the real times (41 s to a GPS position)."""

    share: float = 1.0
    ready_s: float = 1.74
    initialised_s: float = 3.73
    tilt_s: float = 5.23
    yaw_s: float = 5.36
    gps_found_s: float = 7.83
    gps_origin_s: float = 18.04
    gps_aiding_s: float = 40.9
    dvl_origin_s: float = 9.05
    dvl_fusing_s: float = 11.25
    dvl_aiding_s: float = 47.25


class Estimator:
    """State estimate, advanced at the autopilot's rate.

    Attributes:
        attitude: roll, pitch, yaw, rad.
        rates: body rates, rad/s.
        position: north, east, down from the origin, m.
        velocity: ned, m/s.
        acceleration_down: m/s2, gravity removed.
        origin: latitude and longitude of the local frame, once set.
        source: what it navigates by.
        fault: the navigation sensor's data no longer reach the autopilot.
    """

    def __init__(
        self,
        source: Literal["dvl", "gps"],
        start_up: StartUp,
        launch_origin: GeoOrigin,
        say: Say,
        generator: np.random.Generator,
    ) -> None:
        self.source: Literal["dvl", "gps"] = source
        self._start_up, self._say, self._generator = start_up, say, generator
        self._launch_origin = launch_origin
        self._gyro = Gyro(generator)
        self.attitude: Vector = (0.0, 0.0, 0.0)
        self.rates: Vector = (0.0, 0.0, 0.0)
        self.position: Vector = (0.0, 0.0, 0.0)
        self.velocity: Vector = (0.0, 0.0, 0.0)
        self.acceleration_down = 0.0
        self._flags = FLAGS_UNINITIALISED
        self._time_s, self._ground_s = 0.0, -1e9
        self.origin: GeoOrigin | None = None
        self.fault = False
        self._tilt = [0.0, 0.0]
        self._correction = [0.0, 0.0]
        self._heading_error = 0.0
        self._truth_velocity: Vector = (0.0, 0.0, 0.0)
        self._aiding = False
        self._lost_at: Vector | None = None
        self._last_fix_s = self._first_fix_s = -1e9
        self._said: set[str] = set()
        self._left_out_s = _DEPTH_PATIENCE_S  # before the first reading it knows nothing
        self._accelerometer_bias = tuple((0.004 * generator.standard_normal(3)).tolist())

    # ---------------------------------------------------------------- state

    @property
    def has_had_position(self) -> bool:
        """Whether there ever was one."""
        return "aiding" in self._said

    @property
    def told_position(self) -> Vector:
        """Position as telemetry tells it, ned, m: while one is lost its height stands still too, as seen with 4.5.3."""
        return self.position if self._lost_at is None else self._lost_at

    @property
    def aiding(self) -> bool:
        """Whether the estimate follows a sensor, or did so a moment ago."""
        return self._aiding

    @property
    def position_ok(self) -> bool:
        """Whether modes that need a position may be entered."""
        return self._flags in (FLAGS_GPS, FLAGS_DVL)

    @property
    def has_fix(self) -> bool:
        """Whether GPS gives a position."""
        return self._flags == FLAGS_GPS

    @property
    def flags(self) -> int:
        """EKF_STATUS_REPORT.flags."""
        settled = self._flags not in (FLAGS_UNINITIALISED, 0)
        return self._flags | FLAG_GROUND if settled and self._time_s - self._ground_s < _GROUND_S else self._flags

    def update(self, time_s: float, dt_s: float, body: RigidBody, compass_error_rad: float) -> None:
        """Propagate with gyro and accelerometers, and follow the time line of the start-up."""
        roll, pitch, yaw = body.euler_rad
        tilt = self._tilt
        a, b, c, d, e, *shake = self._generator.standard_normal(8).tolist()
        self.rates = self._gyro.rates(body, shake)
        drift = (2 * dt_s / _TILT_S) ** 0.5 * _TILT_RAD
        tilt[0] += drift * a - tilt[0] * dt_s / _TILT_S
        tilt[1] += drift * b - tilt[1] * dt_s / _TILT_S
        pulled = (compass_error_rad - self._heading_error) / _HEADING_S
        self._heading_error += (pulled + self._gyro.bias[2]) * dt_s
        self.attitude = (roll + tilt[0], pitch + tilt[1], _wrap(yaw + self._heading_error))
        self._propagate(dt_s, body, (c, d, e))
        self._time_s = time_s
        self._follow_time_line(time_s)
        if self._aiding:
            silent_s = time_s - self._last_fix_s
            if silent_s > _PATIENCE_S[self.source]:
                self._stop()
            elif self.source == "gps":
                self._flags = FLAGS_DOUBTED if silent_s > _DOUBT_S else FLAGS_GPS

    def _propagate(self, dt_s: float, body: RigidBody, noise: Vector) -> None:
        before, now = self._truth_velocity, body.velocity
        self._truth_velocity = now
        n, e = (now[0] - before[0]) / dt_s, (now[1] - before[1]) / dt_s
        down = (now[2] - before[2]) / dt_s
        c, s = cos(self._heading_error), sin(self._heading_error)  # the truth turned by the heading's error
        cy, sy = cos(self.attitude[2]), sin(self.attitude[2])
        roll, pitch = GRAVITY_MPS2 * self._tilt[0], -GRAVITY_MPS2 * self._tilt[1]  # gravity seen as acceleration
        bias = self._accelerometer_bias
        x, y = pitch + bias[0] + 0.02 * noise[0], roll + bias[1] + 0.02 * noise[1]
        north = c * n - s * e + cy * x - sy * y + self._correction[0]
        east = s * n + c * e + sy * x + cy * y + self._correction[1]
        self.acceleration_down = down + bias[2] + 0.02 * noise[2]
        vn, ve, vd = self.velocity
        vd += self.acceleration_down * dt_s
        vn, ve = (vn + north * dt_s, ve + east * dt_s) if self._aiding else (0.0, 0.0)
        self.velocity = (vn, ve, vd)
        pn, pe, pd = self.position
        self.position = (pn + vn * dt_s, pe + ve * dt_s, pd + vd * dt_s)

    # ---------------------------------------------------------------- measurements

    def feed_depth(self, depth_m: float, dt_s: float) -> None:
        """One reading of the barometer."""
        n, e, d = self.position
        error = depth_m - d
        if abs(error) > _DEPTH_GATE_M:
            self._left_out_s += dt_s
            if self._left_out_s >= _DEPTH_PATIENCE_S:
                self.position, self.velocity = (n, e, depth_m), (self.velocity[0], self.velocity[1], 0.0)
            return
        self._left_out_s = 0.0
        self.position = (n, e, d + 1.6 * _DEPTH_TURN * error * dt_s)
        vn, ve, vd = self.velocity
        self.velocity = (vn, ve, vd + _DEPTH_TURN**2 * error * dt_s)

    def feed_ground(self, time_s: float) -> None:
        """One good reading of the sounder that looks down."""
        self._ground_s = time_s

    def feed_dvl(self, time_s: float, velocity_frd: Vector) -> None:
        """One valid velocity over ground of the DVL."""
        if self.source != "dvl" or self.fault:
            return
        self._fix(time_s)
        if self._aiding:
            n, e, d = _to_ned(self.attitude, velocity_frd)
            self._pull((n, e), _DVL_GAIN)
            vn, ve, vd = self.velocity
            self.velocity = (vn, ve, vd + 0.05 * (d - vd))

    def feed_gps(self, time_s: float, north_m: float, east_m: float, velocity: Vector) -> None:
        """One fix, in metres from the origin, and velocity."""
        if self.source != "gps" or self.fault:
            return
        self._fix(time_s)
        if self._aiding:
            n, e, d = self.position
            self.position = (n + _GPS_GAIN * (north_m - n), e + _GPS_GAIN * (east_m - e), d)
            self._pull((velocity[0], velocity[1]), _GPS_GAIN)

    def _pull(self, level: tuple[float, float], gain: float) -> None:
        vn, ve, vd = self.velocity
        off_n, off_e = level[0] - vn, level[1] - ve
        self.velocity = (vn + gain * off_n, ve + gain * off_e, vd)
        self._correction[0] += _BIAS_GAIN * off_n
        self._correction[1] += _BIAS_GAIN * off_e

    def _fix(self, time_s: float) -> None:
        if time_s - self._last_fix_s > 1.0:
            self._first_fix_s = time_s
        self._last_fix_s = time_s

    # ---------------------------------------------------------------- time line

    def drift_gyro(self, deg_per_min: float) -> None:
        """Let the yaw gyro read that much too much, besides its bias."""
        x, y, z = self._gyro.bias
        self._gyro.bias = (x, y, z + deg_per_min * pi / 180 / 60)

    def set_origin(self, origin: GeoOrigin) -> bool:
        """Take a place for the local frame's origin, once; False when there already is one."""
        if self.origin is not None:
            return False
        self.origin = origin
        self._both("origin set")
        return True

    def _follow_time_line(self, time_s: float) -> None:
        plan = self._start_up
        at = plan.share
        if self._once("initialised", time_s >= plan.initialised_s * at):
            self._flags = 0
            self._both("initialised")
            self._say(INFO, "AHRS: EKF3 active")
        if self._once("tilt", time_s >= plan.tilt_s * at):
            self._both("tilt alignment complete")
        if self._once("yaw", time_s >= plan.yaw_s * at):
            self._both("MAG0 initial yaw alignment complete")
            self._flags = FLAGS_LOST
        if self.source == "gps":
            if self._once("found", time_s >= plan.gps_found_s * at):
                self._say(INFO, "GPS 1: detected as u-blox at 230400 baud")
            if self.origin is None and time_s >= plan.gps_origin_s * at:
                self.set_origin(self._launch_origin)
            self._start(time_s, plan.gps_aiding_s * at)
            return
        if self.origin is None and time_s >= plan.dvl_origin_s * at:
            self.set_origin(self._launch_origin)
        heard = time_s - self._last_fix_s < 1.0
        if self._once("fusing", heard and self.origin is not None and time_s >= plan.dvl_fusing_s * at):
            self._both("fusing odometry")
        self._start(time_s, plan.dvl_aiding_s * at)

    def _start(self, time_s: float, earliest_s: float) -> None:
        """Begin aiding when it is time and the sensor has been heard for a while."""
        again = "aiding" in self._said
        settle_s = _RESUME_S[self.source]
        heard = time_s - self._last_fix_s < 1.0 and time_s - self._first_fix_s >= settle_s
        if self._aiding or self.origin is None or time_s < earliest_s or not heard or self._flags == 0:
            return
        self._aiding, self._lost_at = True, None
        self._said.add("aiding")
        if self.source == "gps":
            self._both("is using GPS")
            self._flags = FLAGS_GPS
        else:
            self._both("started relative aiding")
            if again:
                self._both("fusing odometry")
            self._flags = FLAGS_DVL

    def _stop(self) -> None:
        self._aiding, self._lost_at = False, self.position
        self._flags = FLAGS_LOST
        self.velocity = (0.0, 0.0, self.velocity[2])
        self._both("stopped aiding", WARNING)

    def _both(self, what: str, severity: int = INFO) -> None:
        for lane in (0, 1):
            self._say(severity, f"EKF3 IMU{lane} {what}")

    def _once(self, name: str, now: bool) -> bool:
        if not now or name in self._said:
            return False
        self._said.add(name)
        return True


def _wrap(angle: float) -> float:
    return (angle + pi) % (2 * pi) - pi


def _to_ned(attitude: Vector, vector: Vector) -> Vector:
    """A vector of body axes in ned, by roll, pitch and yaw."""
    roll, pitch, yaw = attitude
    x, y, z = vector
    y, z = cos(roll) * y - sin(roll) * z, sin(roll) * y + cos(roll) * z
    x, z = cos(pitch) * x + sin(pitch) * z, cos(pitch) * z - sin(pitch) * x
    return cos(yaw) * x - sin(yaw) * y, sin(yaw) * x + cos(yaw) * y, z
