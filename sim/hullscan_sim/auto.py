"""AUTO: flies the mission, with the refusals of 4.5.3 that make it unusable along a hull.

Before an item begins its altitude frame is looked at, whatever the item is: all but waypoints above home fail
that test ("Bad alt frame") and are skipped. Splines and turns are flown as straight legs to their place.
"""

from __future__ import annotations

from collections.abc import Callable
from math import atan2, hypot

from hullscan_sim.control import AttitudeControl, Demand
from hullscan_sim.dynamics import Vector
from hullscan_sim.estimator import Estimator
from hullscan_sim.leg import Leg
from hullscan_sim.messages import INFO, WARNING, Outbox
from hullscan_sim.mission import Item, Mission
from hullscan_sim.parameters import Parameters
from hullscan_sim.payload import Payload
from hullscan_sim.pilot import PilotInput
from hullscan_sim.position_control import PositionControl

__all__ = ["Auto"]

_ABOVE_HOME, _ABOVE_TERRAIN = 1, 4
_FLOWN = frozenset({16, 17, 18, 19, 21, 82})
_ALSO_STARTED = frozenset({20, 92, 93, 112, 114, 115, 178, 179, 201, 205, 222})
_TRACK_M = 0.05
"""Shorter legs have no direction."""

ToLocal = Callable[[int, int], tuple[float, float] | None]


class Auto:
    """The mode AUTO.

    Attributes:
        mission: what is flown.
        to_local: latitude and longitude (1e-7 degrees) to metres from the origin; set by the autopilot.
        home_down_m: home's height in the local frame, down positive; set by the autopilot.
        payload: servos, gripper, camera that items move; set by the autopilot.
        reached: the item last reached, 65535 before the first.
    """

    def __init__(
        self,
        parameters: Parameters,
        nav: Estimator,
        pilot: PilotInput,
        attitude: AttitudeControl,
        position: PositionControl,
        outbox: Outbox,
    ) -> None:
        self._parameters, self._nav, self._pilot = parameters, nav, pilot
        self._attitude, self._position, self._outbox = attitude, position, outbox
        self.mission = Mission(outbox)
        self.mission.start, self.mission.verify = self._start, self._verify
        self.mission.completed, self.mission.reached = self._hold, self._note_reached
        self.to_local: ToLocal = lambda lat, lon: None
        self.home_down_m: Callable[[], float] = lambda: 0.0
        self.payload: Payload | None = None
        self.surfaced: Callable[[], bool] = lambda: False
        self.reached, self.fresh_reached = 65535, False
        self._leg: Leg | None = None
        self._follows_track = False
        self._heading = 0.0
        self._now_s = 0.0
        self._arrived_s: float | None = None
        self._wait_s = 0.0
        self._resting = False

    # ---------------------------------------------------------------- mode

    def enter(self) -> None:
        """The mode begins."""
        self._position.speed_mps = self._parameters["WPNAV_SPEED"] / 100
        self._begin_controllers()
        self._hold()
        self.mission.start_or_resume()

    def run(self, time_s: float, dt_s: float) -> Demand:
        """One step, armed."""
        self._now_s = time_s
        self.mission.update()
        if self._leg is None:
            self._hold()
        assert self._leg is not None
        nav, position = self._nav, self._position
        place, velocity = self._leg.advance(nav.position, dt_s)
        position.set_level(place, velocity)
        position.set_depth(place[2], velocity[2])
        forward, lateral = position.level(nav.position, nav.velocity, nav.attitude[2], dt_s)
        throttle = position.depth(nav.position, nav.velocity, nav.acceleration_down, dt_s)
        return Demand(*self._turn(dt_s), throttle, forward, lateral)

    def rest(self, time_s: float) -> None:
        """One step, disarmed: the mission goes on all the same, and every place counts as reached."""
        self._now_s, self._resting = time_s, True
        self.mission.update()
        self._resting = False
        self._begin_controllers()
        self._hold()

    def _turn(self, dt_s: float) -> Vector:
        nav, stick = self._nav, 0.0 if self._pilot.lost else self._pilot.yaw_rate
        roll, pitch = self._pilot.lean_rad
        if stick:
            self._follows_track, self._heading = False, nav.attitude[2]
            return self._attitude.update(nav.attitude, nav.rates, roll, pitch, dt_s, yaw_rate=stick)
        return self._attitude.update(nav.attitude, nav.rates, roll, pitch, dt_s, yaw_rad=self._heading)

    # ---------------------------------------------------------------- legs

    def _begin_controllers(self) -> None:
        self._position.start_level(self._nav.position, self._nav.velocity)
        self._position.start_depth(self._nav.position, self._nav.velocity)

    def _hold(self) -> None:
        """At the stopping point, with the heading as it is."""
        self._leg, self._follows_track = None, False
        self._fly_to(self._position.stopping_point(self._nav.position, self._nav.velocity))
        self._follows_track, self._heading = False, self._nav.attitude[2]

    def _fly_to(self, place: Vector) -> None:
        get, leg = self._parameters, self._leg
        done = leg is not None and leg.done
        start = leg.end if leg is not None and done else self._position.stopping_point(
            self._nav.position, self._nav.velocity
        )  # fmt: skip
        speeds = (
            max(self._position.speed_mps, 0.05), max(get["WPNAV_SPEED_DN"] / 100, 0.05),
            max(get["WPNAV_SPEED_UP"] / 100, 0.05),
        )  # fmt: skip
        strengths = (max(get["WPNAV_ACCEL"] / 100, 0.05), max(get["WPNAV_ACCEL_Z"] / 100, 0.05))
        self._leg = Leg(start, place, speeds, strengths, min(max(get["WPNAV_JERK"], 0.1), 100.0))
        self._arrived_s = None
        way = (place[0] - start[0], place[1] - start[1])
        self._follows_track = True
        self._heading = atan2(way[1], way[0]) if hypot(*way) > _TRACK_M else self._nav.attitude[2]

    # ---------------------------------------------------------------- items

    def _start(self, index: int, item: Item) -> bool:
        """Begin an item; False refuses it, with a word about why."""
        if item.command in (183, 203, 211, 1000, 2000, 2001, 206):
            return self._do(item)
        flags, altitude_cm = item.altitude
        if flags & _ABOVE_TERRAIN:
            if altitude_cm < 0:
                self._outbox.text(WARNING, "Alt above terrain must be positive")
                return False
        elif not flags & _ABOVE_HOME or flags & 8:
            self._outbox.text(WARNING, "Bad alt frame")
            return False
        elif altitude_cm > 0:
            self._outbox.text(WARNING, "Alt above home must be negative")
            return False
        if item.command in _FLOWN:
            self._wait_s = item.params[0] if item.command in (16, 19, 82) else 0.0
            self._fly_to(self._place(item))
            return True
        if item.command == 178 and item.params[1] > 0:
            self._position.speed_mps = item.params[1]
        if item.command not in _ALSO_STARTED:
            self._outbox.text(WARNING, f"Ignoring command {item.command}")
            return False
        return True

    def _place(self, item: Item) -> Vector:
        """Where an item is; what it leaves at zero stays as it is now."""
        north, east, down = self._nav.position
        if item.x or item.y:
            north, east = self.to_local(item.x, item.y) or (north, east)
        if item.command == 21 and not (item.x or item.y):
            down = self.home_down_m()
        elif item.z:
            down = self.home_down_m() - item.z
        return north, east, down

    def _do(self, item: Item) -> bool:
        """What moves something on the vehicle: never refused for its frame."""
        if self.payload is None:
            return False
        a, b, c, _ = item.params
        if item.command == 183:
            return self.payload.set_servo(int(a), int(b)) == 0
        if item.command == 211:
            return self.payload.grip(closed=int(b) == 1) == 0
        if item.command == 1000:
            return self.payload.point(a if c == 0 else None, c) == 0
        return self.payload.trigger() == 0

    def _verify(self, index: int, item: Item) -> bool:
        """Whether an item is finished."""
        if item.command not in _FLOWN:
            return True
        if item.command == 17 or not (self._resting or self._at_end()):
            return False
        if item.command == 21:
            return self.surfaced()
        self._arrived_s = self._now_s if self._arrived_s is None else self._arrived_s
        if self._now_s - self._arrived_s < self._wait_s:
            return False
        if item.command in (16, 82):
            self._outbox.text(INFO, f"Reached command #{index}")
        return True

    def _at_end(self) -> bool:
        """Whether the target has come to the end of the leg, and the vehicle near it."""
        if self._leg is None or not self._leg.done:
            return False
        near = hypot(*(end - now for end, now in zip(self._leg.end, self._nav.position, strict=True)))
        return near <= max(self._parameters["WPNAV_RADIUS"] / 100, 0.05)

    def _note_reached(self, index: int) -> None:
        self.reached, self.fresh_reached = index, True
