"""Modes in flight: each turns sticks or setpoints into demands, and those into pulses."""

from __future__ import annotations

from collections.abc import Callable
from math import atan2, pi

from hullscan_sim.auto import Auto
from hullscan_sim.circle import Circle
from hullscan_sim.control import AttitudeControl, Demand, mix
from hullscan_sim.dynamics import Vector
from hullscan_sim.estimator import Estimator
from hullscan_sim.guided import Guided
from hullscan_sim.messages import INFO, WARNING, Outbox
from hullscan_sim.modes import Mode, refusal
from hullscan_sim.parameters import Parameters
from hullscan_sim.pilot import PilotInput
from hullscan_sim.position_control import PositionControl
from hullscan_sim.surftrak import SurfaceTracking

__all__ = ["Flight"]

_STOP_TURN_S = 0.25  # after the yaw stick is released, before the heading is held
_ATTITUDE_LIFE_S = 5.0  # of SET_ATTITUDE_TARGET in ALT_HOLD
_MOTOR_SILENT = [1500] * 8


class Flight:
    """The mode, whether the motors are armed, and their pulses.

    Attributes:
        pulses: of motors 1 to 8.
        demand: last demand, for telemetry.
        depth_m: below the barometer's zero; set by the autopilot before each step.
    """

    def __init__(self, parameters: Parameters, nav: Estimator, pilot: PilotInput, outbox: Outbox) -> None:
        self._parameters, self._nav, self._pilot, self._outbox = parameters, nav, pilot, outbox
        self.attitude = AttitudeControl(parameters)
        self.position = PositionControl(parameters)
        self.guided = Guided(parameters, nav, pilot, self.attitude, self.position)
        self.auto = Auto(parameters, nav, pilot, self.attitude, self.position, outbox)
        self.auto.surfaced = lambda: self.at_surface
        self.circle = Circle(parameters, nav, self.position)
        self.tracking = SurfaceTracking(parameters, nav, self.position, outbox)
        self.mode = Mode.MANUAL
        self.armed = False
        self.pulses = list(_MOTOR_SILENT)
        self.demand = Demand()
        self.depth_m = 0.0
        self.at_surface = False
        self._version = -1
        self._directions: tuple[int, ...] = (1,) * 8
        self._heading = 0.0
        self._turned_s = -1.0
        self._hold_attitude: tuple[float, Vector] = (-1e9, (0.0, 0.0, 0.0))
        self._run: dict[Mode, Callable[[float, float], Demand]] = {
            Mode.MANUAL: self._manual, Mode.STABILIZE: self._stabilize, Mode.ACRO: self._stabilize,
            Mode.ALT_HOLD: self._alt_hold, Mode.SURFTRAK: self._surftrak, Mode.POSHOLD: self._poshold,
            Mode.SURFACE: self._surface, Mode.GUIDED: self.guided.run, Mode.CIRCLE: self._circle,
            Mode.AUTO: self.auto.run, Mode.MOTOR_DETECT: self._manual,
        }  # fmt: skip
        self.on_mode: Callable[[], None] = lambda: None

    # ---------------------------------------------------------------- mode and arming

    def set_mode(self, number: int) -> bool:
        """Change the mode, or say why not."""
        if number == self.mode:
            return True
        reason = refusal(number, position_ok=self._nav.position_ok, mission_items=len(self.auto.mission.items))
        if reason is not None:
            self._outbox.text(WARNING, reason)
            return False
        self.mode = Mode(number)
        self._enter()
        self.on_mode()
        return True

    def _enter(self) -> None:
        nav = self._nav
        self._heading, self._turned_s = nav.attitude[2], -1.0
        if self.mode is Mode.GUIDED:
            self.guided.start()
        if self.mode is Mode.POSHOLD:
            self._hold_here()
        if self.mode not in (Mode.GUIDED, Mode.MANUAL, Mode.STABILIZE, Mode.ACRO):
            self.position.start_depth(nav.position, nav.velocity)
        if self.mode is Mode.SURFTRAK:
            self.tracking.start()
        elif self.mode is Mode.CIRCLE:
            self.circle.start()
        elif self.mode is Mode.AUTO:
            self.auto.enter()

    def arm(self) -> None:
        """Let the motors turn."""
        if not self.armed:
            self._outbox.text(INFO, "Arming motors")
            self.armed = True

    def disarm(self) -> None:
        """Stop the motors."""
        if self.armed:
            self._outbox.text(INFO, "Disarming motors")
            self.armed = False
            self.auto.mission.reset()

    def hold_attitude(self, attitude: Vector, time_s: float) -> None:
        """SET_ATTITUDE_TARGET in ALT_HOLD."""
        self._hold_attitude = (time_s, attitude)

    # ---------------------------------------------------------------- flight

    def update(self, time_s: float, dt_s: float) -> list[int]:
        """One step of the mode; the pulses."""
        self.position.refresh()
        surface_m = -self._parameters["SURFACE_DEPTH"] / 100
        self.at_surface = self.armed and self.depth_m < surface_m + (0.05 if self.at_surface else 0.0)
        if not self.armed:
            self._rest(time_s)
            return self.pulses
        self.demand = self._run[self.mode](time_s, dt_s)
        if self._version != self._parameters.version:
            self._version = self._parameters.version
            self._directions = tuple(
                -1 if self._parameters[f"MOT_{motor}_DIRECTION"] < 0 else 1 for motor in range(1, 9)
            )
        self.pulses = mix(self.demand, self._directions)
        return self.pulses

    def _rest(self, time_s: float) -> None:
        """Disarmed: nothing is stabilised, nothing remembered."""
        nav = self._nav
        self.pulses, self.demand = list(_MOTOR_SILENT), Demand()
        self.attitude.relax(nav.attitude)
        self.position.relax_depth(nav.position)
        self._heading = nav.attitude[2]
        if self.mode is Mode.GUIDED:
            self.guided.start()
        elif self.mode is Mode.AUTO:
            self.auto.rest(time_s)
        elif self.mode is Mode.CIRCLE:
            self.circle.start()
        elif self.mode is Mode.SURFTRAK:
            self.tracking.forget()
        elif self.mode is Mode.POSHOLD:
            self._hold_here()

    def _hold_here(self) -> None:
        nav = self._nav
        self.position.start_level(nav.position, nav.velocity)
        self.position.set_level(self.position.stopping_point(nav.position, nav.velocity), (0.0, 0.0, 0.0))

    def _manual(self, time_s: float, dt_s: float) -> Demand:
        self.attitude.relax(self._nav.attitude)
        self.position.relax_depth(self._nav.position)
        self._heading = self._nav.attitude[2]
        pilot = self._pilot
        return Demand(*pilot.raw_turn, pilot.throttle, pilot.forward, pilot.lateral)

    def _stabilize(self, time_s: float, dt_s: float) -> Demand:
        pilot = self._pilot
        self.position.relax_depth(self._nav.position)
        return Demand(*self._steer(time_s, dt_s), pilot.throttle, pilot.forward, pilot.lateral)

    def _alt_hold(self, time_s: float, dt_s: float) -> Demand:
        pilot, nav = self._pilot, self._nav
        set_s, attitude = self._hold_attitude
        if time_s - set_s < _ATTITUDE_LIFE_S:
            turn = self.attitude.update(nav.attitude, nav.rates, attitude[0], attitude[1], dt_s, yaw_rad=attitude[2])
        else:
            turn = self._steer(time_s, dt_s)
        return Demand(*turn, self._hold_depth(dt_s), pilot.forward, pilot.lateral)

    def _poshold(self, time_s: float, dt_s: float) -> Demand:
        pilot, nav = self._pilot, self._nav
        forward = lateral = 0.0
        if not nav.aiding or abs(pilot.forward) > 0.1 or abs(pilot.lateral) > 0.1:
            self._hold_here()
        else:
            forward, lateral = self.position.level(nav.position, nav.velocity, nav.attitude[2], dt_s)
        turn = self._steer(time_s, dt_s)
        return Demand(*turn, self._hold_depth(dt_s), forward + pilot.forward, lateral + pilot.lateral)

    def _surftrak(self, time_s: float, dt_s: float) -> Demand:
        """ALT_HOLD that follows the bed."""
        self.tracking.update(time_s, self._pilot.sink_mps, at_surface=self.at_surface)
        return self._alt_hold(time_s, dt_s)

    def _circle(self, time_s: float, dt_s: float) -> Demand:
        nav = self._nav
        forward, lateral, heading = self.circle.update(dt_s)
        roll, pitch = self._pilot.lean_rad
        turn = self.attitude.update(nav.attitude, nav.rates, roll, pitch, dt_s, yaw_rad=heading)
        return Demand(*turn, self._hold_depth(dt_s), forward, lateral)

    def _surface(self, time_s: float, dt_s: float) -> Demand:
        if self.at_surface:
            self.set_mode(Mode.ALT_HOLD)
            return self._alt_hold(time_s, dt_s)
        pilot, nav = self._pilot, self._nav
        up = min(self._parameters["WPNAV_SPEED_UP"], self._parameters["PILOT_SPEED_UP"]) / 100
        self.position.sink(-up, nav.position, dt_s)
        throttle = self.position.depth(nav.position, nav.velocity, nav.acceleration_down, dt_s)
        return Demand(*self._steer(time_s, dt_s), throttle, pilot.forward, pilot.lateral)

    def _hold_depth(self, dt_s: float) -> float:
        """Throttle that follows the stick and holds the depth otherwise; at the surface it stays just below."""
        nav, sink = self._nav, self._pilot.sink_mps
        if sink == 0.0 and self.at_surface:
            surface_m = -self._parameters["SURFACE_DEPTH"] / 100
            self.position.set_depth(max(self.position.down.place, surface_m))
        self.position.sink(sink, nav.position, dt_s)
        return self.position.depth(nav.position, nav.velocity, nav.acceleration_down, dt_s)

    def _steer(self, time_s: float, dt_s: float) -> Vector:
        """Lean with the sticks, turn with the yaw stick, hold the heading otherwise."""
        nav, (roll, pitch) = self._nav, self._pilot.lean_rad
        rate = self._pilot.yaw_rate
        if rate != 0.0:
            self._turned_s = time_s
        if rate != 0.0 or time_s < self._turned_s + _STOP_TURN_S:
            self._heading = nav.attitude[2]
            return self.attitude.update(nav.attitude, nav.rates, roll, pitch, dt_s, yaw_rate=rate)
        return self.attitude.update(nav.attitude, nav.rates, roll, pitch, dt_s, yaw_rad=self._heading)

    # ---------------------------------------------------------------- telemetry

    @property
    def target_bearing_deg(self) -> float:
        """Bearing from the vehicle to its target, 0 to 360."""
        nav, north, east = self._nav, self.position.north.place, self.position.east.place
        return atan2(east - nav.position[1], north - nav.position[0]) * 180 / pi % 360
