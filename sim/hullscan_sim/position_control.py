"""Position and depth control: targets in ned to forward, lateral and throttle demands.

A cascade as in ArduSub: the target is shaped (acceleration and jerk), a proportional term on the position error
gives a velocity, a PID on the velocity error gives an acceleration, and that is scaled to the motors as if it
were a lean angle. With the stock gains there is no feed-forward of speed: velocity setpoints undershoot by 20 to
50 %, slowly less, and that is how the real one behaves.
"""

from __future__ import annotations

from math import atan, cos, pi, sin, sqrt

from hullscan_sim.control import Pid, clamp
from hullscan_sim.dynamics import GRAVITY_MPS2, Vector
from hullscan_sim.parameters import Parameters

__all__ = ["PositionControl"]


class _Shaped:
    """One axis of the target, following an input with limited acceleration and jerk."""

    __slots__ = ("acceleration", "place", "speed")

    def __init__(self) -> None:
        self.place = self.speed = self.acceleration = 0.0

    def start(self, place: float, speed: float) -> None:
        self.place, self.speed, self.acceleration = place, speed, 0.0

    def follow(self, place: float, speed: float, acceleration: float, jerk: float, dt_s: float) -> None:
        """Move towards a place that itself moves at a speed."""
        stiff = jerk / acceleration
        error = place - self.place
        near = clamp(0.5 * stiff * error, sqrt(2 * acceleration * abs(error)))
        self.slew(speed + near, acceleration, jerk, dt_s)

    def slew(self, speed: float, acceleration: float, jerk: float, dt_s: float) -> None:
        """Move towards a speed."""
        want = clamp(jerk / acceleration * (speed - self.speed), acceleration)
        self.acceleration += clamp(want - self.acceleration, jerk * dt_s)
        self.speed += self.acceleration * dt_s
        self.place += self.speed * dt_s


class PositionControl:
    """Shaped targets and the cascade, level and vertical."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._version = -1
        self.north, self.east, self.down = _Shaped(), _Shaped(), _Shaped()
        self.speed_mps = parameters["WPNAV_SPEED"] / 100
        self._pids = (Pid(0, 0, 0, 0, 0, 0), Pid(0, 0, 0, 0, 0, 0))
        self._accelerate = Pid(0, 0, 0, 0, 0, 0)
        self._load()

    def _load(self) -> None:
        get = self._parameters
        self._version = get.version
        for pid in self._pids:
            pid.p, pid.i, pid.d = get["PSC_VELXY_P"], get["PSC_VELXY_I"], get["PSC_VELXY_D"]
            pid.i_max = abs(get["PSC_VELXY_IMAX"]) / 100
            pid.set_filter(get["PSC_VELXY_FLTE"])
        # centimetres and a throttle of 0 to 1000 inside the autopilot: 0.2 makes metres and -1 to 1 of them
        self._accelerate.p, self._accelerate.i = 0.2 * get["PSC_ACCZ_P"], 0.2 * get["PSC_ACCZ_I"]
        self._accelerate.i_max = 0.002 * abs(get["PSC_ACCZ_IMAX"])
        self._accelerate.set_filter(get["PSC_ACCZ_FLTE"])
        self._place_p, self._depth_p = get["PSC_POSXY_P"], get["PSC_POSZ_P"]
        self._climb_p, self._feed = get["PSC_VELZ_P"], get["PSC_VELXY_FF"]
        jerk_level, jerk_upright = _some(get["PSC_JERK_XY"]), _some(get["PSC_JERK_Z"])
        self._level = (_some(get["WPNAV_ACCEL"] / 100), jerk_level)
        self._upright = (_some(get["WPNAV_ACCEL_Z"] / 100), jerk_upright)
        self._pilot = (_some(get["PILOT_ACCEL_Z"] / 100), jerk_upright)
        strength, climb = self._pilot[0], max(get["PILOT_SPEED_UP"] / 100, 0.05)
        p = max(self._depth_p, 0.1)
        # beyond this error the square root controller would ask for more than the greatest speed
        far = climb * climb / (2 * strength) + strength / (2 * p * p)
        self._depth_lead_m = far if climb > strength / p else climb / p
        self._lean_max = max(get["ANGLE_MAX"], 1000) / 100 * pi / 180

    def refresh(self) -> None:
        """Take over changed parameters."""
        if self._version != self._parameters.version:
            self._load()

    # ---------------------------------------------------------------- targets

    def start_level(self, position: Vector, velocity: Vector) -> None:
        """Begin where the vehicle is, with its speed and no memory."""
        self.north.start(position[0], velocity[0])
        self.east.start(position[1], velocity[1])
        for pid in self._pids:
            pid.reset()

    def start_depth(self, position: Vector, velocity: Vector) -> None:
        """Begin at the depth where the vehicle is."""
        self.down.start(position[2], velocity[2])

    def relax_depth(self, position: Vector) -> None:
        """Hold nothing and forget: disarmed."""
        self.down.start(position[2], 0.0)
        self._accelerate.reset()

    def stopping_point(self, position: Vector, velocity: Vector) -> Vector:
        """Where the vehicle would come to rest by the position gains."""
        level, upright = 1 / max(self._place_p, 0.1), 1 / max(self._depth_p, 0.1)
        n, e, d = position
        return n + velocity[0] * level, e + velocity[1] * level, d + velocity[2] * upright

    def follow_level(self, place: Vector, velocity: Vector, dt_s: float) -> None:
        """Shape the level target towards a moving place."""
        self.north.follow(place[0], velocity[0], *self._level, dt_s)
        self.east.follow(place[1], velocity[1], *self._level, dt_s)

    def set_level(self, place: Vector, velocity: Vector) -> None:
        """Put the level target on a planned leg, unshaped."""
        self.north.start(place[0], velocity[0])
        self.east.start(place[1], velocity[1])

    def follow_depth(self, place: Vector, velocity: Vector, dt_s: float) -> None:
        """Shape the depth target towards a moving place."""
        self.down.follow(place[2], velocity[2], *self._upright, dt_s)

    def set_depth(self, down_m: float, speed: float = 0.0) -> None:
        """Put the depth target somewhere, unshaped."""
        self.down.start(down_m, speed)

    def shift_depth(self, down_m: float) -> None:
        """Move the depth target without a word to the shaping."""
        self.down.place += down_m

    def sink(self, speed: float, position: Vector, dt_s: float) -> None:
        """Move the depth target at a speed, positive down; it never leads the vehicle by more than the gains allow."""
        self.down.slew(speed, *self._pilot, dt_s)
        self.down.place = position[2] + clamp(self.down.place - position[2], self._depth_lead_m)

    # ---------------------------------------------------------------- cascade

    def level(
        self, position: Vector, velocity: Vector, yaw_rad: float, dt_s: float, *, hold_place: bool = True
    ) -> tuple[float, float]:
        """Forward and lateral demand. Without ``hold_place`` only the target's speed is followed."""
        north, east = self.north, self.east
        error_n, error_e = north.place - position[0], east.place - position[1]
        if not hold_place:
            north.place, east.place, error_n, error_e = position[0], position[1], 0.0, 0.0
        close_n, close_e = self._place_p * error_n, self._place_p * error_e
        close = sqrt(close_n * close_n + close_e * close_e)
        if close > self.speed_mps:
            close_n, close_e = close_n * self.speed_mps / close, close_e * self.speed_mps / close
        want_n, want_e = north.speed + close_n, east.speed + close_e
        push_n = self._pids[0](want_n - velocity[0], dt_s) + self._feed * want_n
        push_e = self._pids[1](want_e - velocity[1], dt_s) + self._feed * want_e
        c, s = cos(yaw_rad), sin(yaw_rad)
        return self._lean(c * push_n + s * push_e), self._lean(c * push_e - s * push_n)

    def _lean(self, acceleration: float) -> float:
        """An acceleration as share of the greatest lean angle: how ArduSub scales it to its motors."""
        return clamp(atan(acceleration / GRAVITY_MPS2) / self._lean_max, 1.0)

    def depth(self, position: Vector, velocity: Vector, acceleration_down: float, dt_s: float) -> float:
        """Throttle demand, positive up."""
        down = self.down
        want = down.speed + clamp(self._depth_p * (down.place - position[2]), 2.5)
        push = self._climb_p * (want - velocity[2]) + down.acceleration
        return clamp(-self._accelerate(push - acceleration_down, dt_s), 1.0)


def _some(limit: float) -> float:
    """A limit that is set to nothing still leaves a little, and one without sense is cut off."""
    return min(max(limit, 0.05), 1000.0)
