"""Attitude control and mixing: angles and rates wanted, to eight pulse widths.

The structure is ArduSub's (wanted angle, shaped; proportional on the angle error; PID on the body rates), and
so are the gains, which come from the parameters. Angles are radians, rates rad/s, demands -1 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin, sqrt

from hullscan_sim.dynamics import Vector
from hullscan_sim.parameters import Parameters

__all__ = ["AttitudeControl", "Demand", "LowPass", "Pid", "clamp", "mix", "wrap"]

_SLEW_OFF_RAD = 0.0873  # MAX_YAW_ERROR of AC_AttitudeControl_Sub: 5 degrees
_LEAD_RAD = 0.5236  # the wanted heading never runs further ahead of the vehicle than 30 degrees
_FASTEST_RAD_S = pi
_ANGLE_RAD_S2 = ((0.698, 12.57), (0.698, 12.57), (0.175, 2.094))  # AC_ATTITUDE_ACCEL_RP_ and _Y_CONTROLLER_MIN, _MAX
_NEUTRAL_US = 1500


def clamp(value: float, limit: float) -> float:
    """The value within plus and minus a limit."""
    return -limit if value < -limit else limit if value > limit else value


def wrap(angle_rad: float) -> float:
    """The same angle in [-pi, pi)."""
    return (angle_rad + pi) % (2 * pi) - pi


@dataclass(slots=True)
class Demand:
    """What the motors are to do, each -1 to 1; throttle is positive up."""

    roll: float = 0.0
    pitch: float = 0.0
    yaw: float = 0.0
    throttle: float = 0.0
    forward: float = 0.0
    lateral: float = 0.0


def mix(demand: Demand, directions: tuple[int, ...] = (1,) * 8) -> list[int]:
    """Pulses of motors 1 to 8. Each half of the frame is scaled down when it would saturate.

    The factor table of ``thrusters`` written out, as this runs a hundred times a second.
    """
    a, b = demand.yaw + demand.lateral, demand.yaw - demand.lateral
    forward = demand.forward
    level = (a - forward, -a - forward, forward - b, b + forward)
    roll, pitch, throttle = demand.roll, demand.pitch, demand.throttle
    upright = (roll - pitch - throttle, -roll - pitch - throttle, roll + pitch - throttle, pitch - roll - throttle)
    share = 400.0 / max(1.0, *level, -min(level))
    pulses = [value * share for value in level]
    share = 400.0 / max(1.0, *upright, -min(upright))
    pulses += [value * share for value in upright]
    return [_NEUTRAL_US + round(way * value) for way, value in zip(directions, pulses, strict=True)]


class LowPass:
    """First-order low pass; a cut-off of zero passes everything."""

    __slots__ = ("_dt_s", "_gain", "cutoff_hz", "value")

    def __init__(self, cutoff_hz: float) -> None:
        self.cutoff_hz, self.value = cutoff_hz, 0.0
        self._dt_s, self._gain = 0.0, 1.0

    def set_cutoff(self, cutoff_hz: float) -> None:
        """Change the cut-off, keeping the state."""
        if cutoff_hz != self.cutoff_hz:
            self.cutoff_hz, self._dt_s = cutoff_hz, 0.0

    def __call__(self, sample: float, dt_s: float) -> float:
        """Filtered value after one more sample."""
        if dt_s != self._dt_s:
            turn = 2 * pi * self.cutoff_hz * dt_s
            self._dt_s, self._gain = dt_s, turn / (1 + turn) if self.cutoff_hz > 0 else 1.0
        self.value += self._gain * (sample - self.value)
        return self.value


class Pid:
    """PID on an error, with a low pass on the error and another on its derivative."""

    __slots__ = ("_derivative", "_error", "_last", "d", "i", "i_max", "integral", "p")

    def __init__(self, p: float, i: float, d: float, i_max: float, error_hz: float, derivative_hz: float) -> None:
        self.p, self.i, self.d, self.i_max = p, i, d, i_max
        self.integral = 0.0
        self._error, self._derivative, self._last = LowPass(error_hz), LowPass(derivative_hz), 0.0

    def __call__(self, error: float, dt_s: float) -> float:
        """Output for one more error."""
        error = self._error(error, dt_s)
        rate = self._derivative((error - self._last) / dt_s, dt_s) if self.d else 0.0
        self._last = error
        self.integral = clamp(self.integral + self.i * error * dt_s, self.i_max)
        return self.p * error + self.integral + self.d * rate

    def set_filter(self, error_hz: float) -> None:
        """Change the low pass on the error."""
        self._error.set_cutoff(error_hz)

    def reset(self) -> None:
        """Forget the past."""
        self.integral = self._last = self._error.value = self._derivative.value = 0.0


class AttitudeControl:
    """Angle targets to roll, pitch and yaw demands."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._version = -1
        self.roll = self.pitch = self.yaw = 0.0
        self._rates = [0.0, 0.0, 0.0]
        self._pids = [Pid(0.0, 0.0, 0.0, 0.0, 30.0, 30.0) for _ in range(3)]
        self._yaw_target = LowPass(0.0)
        self._load()

    def _load(self) -> None:
        get = self._parameters
        self._version = get.version
        axes = ("RLL", "PIT", "YAW")
        self._angle_p = [get[f"ATC_ANG_{axis}_P"] for axis in axes]
        for axis, pid in zip(axes, self._pids, strict=True):
            pid.p, pid.i, pid.d = (get[f"ATC_RAT_{axis}_{term}"] for term in "PID")
            pid.i_max = abs(get[f"ATC_RAT_{axis}_IMAX"])
        self._yaw_target.set_cutoff(get["ATC_RAT_YAW_FLTT"])
        self._shape_s = max(get["ATC_INPUT_TC"], 0.02)
        self._slew_rad_s = get["ATC_SLEW_YAW"] / 100 * pi / 180
        half = [get[f"ATC_ACCEL_{axis}_MAX"] / 200 * pi / 180 for axis in "RPY"]
        self._angle_acceleration = [min(max(a, low), high) for a, (low, high) in zip(half, _ANGLE_RAD_S2, strict=True)]
        self._acceleration = max(get["ATC_ACCEL_Y_MAX"], 100.0) / 100 * pi / 180

    def relax(self, attitude: Vector) -> None:
        """Follow the vehicle without acting: disarmed, or in a mode that passes the sticks through."""
        self.roll, self.pitch, self.yaw = 0.0, 0.0, attitude[2]
        self._rates = [0.0, 0.0, 0.0]
        for pid in self._pids:
            pid.reset()

    def update(
        self,
        attitude: Vector,
        rates: Vector,
        roll_rad: float,
        pitch_rad: float,
        dt_s: float,
        *,
        yaw_rad: float | None = None,
        yaw_rate: float = 0.0,
        slew_rad_s: float = 0.0,
    ) -> Vector:
        """One step.

        Args:
            attitude: estimated roll, pitch, yaw.
            rates: measured body rates.
            roll_rad, pitch_rad: wanted angles.
            dt_s: since the last step.
            yaw_rad: wanted heading; None to turn at ``yaw_rate`` instead.
            yaw_rate: wanted rate of turn.
            slew_rad_s: rate of turn towards the wanted heading while it is more than 5 degrees off, dropped at once
                where those begin (GUIDED); 0 for one that is shaped, up to the parameter's.

        Returns:
            Roll, pitch and yaw demand.
        """
        if self._version != self._parameters.version:
            self._load()
        ways = self._rates
        ways[0] = self._shape(wrap(roll_rad - self.roll), ways[0], _FASTEST_RAD_S, dt_s)
        ways[1] = self._shape(pitch_rad - self.pitch, ways[1], _FASTEST_RAD_S, dt_s)
        off_rad = 0.0 if yaw_rad is None else wrap(yaw_rad - attitude[2])
        if yaw_rad is None:
            ways[2] = yaw_rate
        elif slew_rad_s and abs(off_rad) > _SLEW_OFF_RAD:
            ways[2] = slew_rad_s if off_rad > 0 else -slew_rad_s
        else:
            ways[2] = self._shape(wrap(yaw_rad - self.yaw), ways[2], self._slew_rad_s, dt_s)
        self.roll += ways[0] * dt_s
        self.pitch += ways[1] * dt_s
        ahead = clamp(wrap(self.yaw + ways[2] * dt_s - attitude[2]), _LEAD_RAD)
        self.yaw = wrap(attitude[2] + ahead)
        errors = _error(attitude, (self.roll, self.pitch, self.yaw))
        feed = _body_rates(self.roll, self.pitch, ways)
        wanted = [
            rate + _towards(error, p, acceleration)
            for rate, error, p, acceleration in zip(feed, errors, self._angle_p, self._angle_acceleration, strict=True)
        ]
        wanted[2] = self._yaw_target(wanted[2], dt_s)
        roll, pitch, yaw = (
            clamp(pid(want - rate, dt_s), 1.0) for pid, want, rate in zip(self._pids, wanted, rates, strict=True)
        )
        return roll, pitch, yaw

    def _shape(self, error: float, rate: float, limit: float, dt_s: float) -> float:
        """Rate at which the target moves: exponential at the end, limited in rate and acceleration before."""
        want = clamp(error / self._shape_s, min(limit, sqrt(2 * self._acceleration * abs(error))))
        return rate + clamp(want - rate, self._acceleration * dt_s)


def _towards(error: float, p: float, acceleration: float) -> float:
    """Rate for an angle's error: proportional, by the square root where its stopping way asks for that."""
    linear = acceleration / (p * p) if p > 0 else 0.0
    if abs(error) <= linear or p <= 0:
        return p * error
    rate = sqrt(2 * acceleration * (abs(error) - linear / 2))
    return rate if error > 0 else -rate


def _error(now: Vector, wanted: Vector) -> Vector:
    """Rotation vector, body axes, from the attitude now to the wanted one."""
    a, b = _quaternion(now), _quaternion(wanted)
    w = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]
    x = a[0] * b[1] - a[1] * b[0] - a[2] * b[3] + a[3] * b[2]
    y = a[0] * b[2] + a[1] * b[3] - a[2] * b[0] - a[3] * b[1]
    z = a[0] * b[3] - a[1] * b[2] + a[2] * b[1] - a[3] * b[0]
    twice = 2.0 if w >= 0 else -2.0
    return twice * x, twice * y, twice * z


def _quaternion(euler: Vector) -> tuple[float, float, float, float]:
    cr, sr = cos(euler[0] / 2), sin(euler[0] / 2)
    cp, sp = cos(euler[1] / 2), sin(euler[1] / 2)
    cy, sy = cos(euler[2] / 2), sin(euler[2] / 2)
    return (
        cr * cp * cy + sr * sp * sy,
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
    )


def _body_rates(roll: float, pitch: float, euler_rates: list[float]) -> Vector:
    """Body rates that turn the wanted attitude at these rates of its angles."""
    sr, cr, sp, cp = sin(roll), cos(roll), sin(pitch), cos(pitch)
    dr, dp, dy = euler_rates
    return dr - dy * sp, dp * cr + dy * sr * cp, dy * cr * cp - dp * sr
