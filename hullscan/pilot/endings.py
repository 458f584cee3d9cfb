"""How a flight ends: home along the known route, out from under before rising, disarmed at the surface only.

By position as long as there is one. Without, on the sticks: away from the plating, then level and athwart into the
open by reckoning, then up, and if the vehicle does not rise something is above it after all, and it goes farther out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from traceback import format_exception

import numpy as np

from hullscan.errors import HullscanError, SafetyStop
from hullscan.geometry.frames import Array, Pose
from hullscan.mission.ways_home import under_ship, way_back, way_out
from hullscan.pilot.cockpit import Cockpit, Ends
from hullscan.pilot.legs import Followed, follow
from hullscan.pilot.reckoning import STICK_MPS, Reckoning
from hullscan.pilot.states import PilotState
from hullscan.pilot.supervisor import Act, Verdict
from hullscan.vehicle.commands import ManualControl, PositionVelocityYaw
from hullscan.vehicle.modes import Mode
from hullscan.words import mark

__all__ = ["AT_SURFACE_M", "Endings", "stop", "went_wrong"]

_log = logging.getLogger(__name__)

AT_SURFACE_M = 0.45
_SURFACE_DEPTH_M = 0.3
_BACK_AWAY_S, _BACK_AWAY_STICK = 7.0, 350.0
_CLEAR_M = 2.5  # of range: far enough from the plating
_OUT_MPS = 0.3
_BEYOND_M = 1.5  # of the edge of the plating
_OUT_AGAIN_M, _OUT_TIMES = 4.0, 3
_RISE_STICK = 750.0  # 0.2 m/s up at the delivered gain (ardusub.md 2.5)
_RISE_S, _RISES_S, _RISES_M = 60.0, 6.0, 0.2
_SINK_STICK = 480.0  # against the buoyancy of about 2 N, where no depth is held
_LISTEN_S, _HEARD_S, _TAKE_BACKS = 120.0, 1.0, 3
_FAILURES = 3
_WORDS_AFTER_S = 0.6
_RISE_BY_POSITION_S = 40.0
# where the vehicle takes itself to be at the surface already: it is steered up without a held depth, for as long as the
# rest of the way takes at this speed, which is half of what that stick gives
_BLIND_M, _BLIND_RISE_MPS, _ZERO_M = 0.2, 0.1, 0.2


def went_wrong(error: Exception) -> Verdict:
    """The vehicle refused, or this program has a fault, whose traceback is logged: the way home."""
    if isinstance(error, HullscanError):
        return Verdict(Act.RETURN, "refused", mark("the vehicle refused: {words}"), {"words": str(error)})
    _log.error("%s", "".join(format_exception(error)).strip())
    words = f"{type(error).__name__}: {error}"
    return Verdict(Act.RETURN, "program", mark("a fault of hullscan itself: {words}"), {"words": words})


def stop(verdict: Verdict, todo: str = "see events.jsonl") -> SafetyStop:
    """The error that a verdict ends a mission with."""
    return SafetyStop(verdict.words, message=verdict.message, data=verdict.data, todo=todo)


class Endings:
    """Brings the vehicle home.

    Args:
        flown: gives the (n, 6) poses of the known route up to now, from the launch on.
    """

    def __init__(self, cockpit: Cockpit, flown: Callable[[], Array]) -> None:
        self._cockpit, self._flown = cockpit, flown
        self._place: Array = np.zeros(3)  # reckoned, ned
        self._take_backs = self._failures = 0
        self.depth_held = True

    def end(self, verdict: Verdict) -> None:
        """Do what a verdict demands, and whatever stronger ones come on the way, down to the surface.

        Raises:
            SafetyStop: the vehicle was handed over, or cannot be brought to the surface.
        """
        cockpit = self._cockpit
        cockpit.tell(verdict)
        while True:
            try:
                if verdict.act < Act.RETURN:
                    return  # it is at the surface, disarmed by its own failsafe
                if verdict.act is Act.LET_GO:
                    verdict = self._whose_hand(verdict)
                    continue
                if verdict.act is Act.LISTEN:
                    verdict = self._listen(verdict)
                    continue
                if verdict.act is Act.RETREAT:
                    self._retreat()
                else:
                    self._go_home()
                    self.surface()
            except Ends as stronger:
                verdict = stronger.verdict
                cockpit.tell(verdict)
            except SafetyStop:
                raise
            except Exception as error:  # noqa: BLE001 a fault of this program must not leave a vehicle below a ship
                verdict = self._otherwise(went_wrong(error))
                cockpit.tell(verdict)
            else:
                return

    def _otherwise(self, why: Verdict) -> Verdict:
        """Something did not do as asked: what is to be done by what is known now, else another way than by position.

        Raises:
            SafetyStop: there is no way left.
        """
        now = self._now()
        if now.act >= Act.RETURN:
            return now
        self._failures += 1
        if self._failures > _FAILURES:
            self.hands_off(replace(why, act=Act.LET_GO))
        return replace(why, act=Act.RETREAT)

    def _now(self) -> Verdict:
        """The strongest verdict now that changes anything on the way home."""
        try:
            return self._cockpit.tick(ending=True)
        except Ends as ends:
            return ends.verdict
        except Exception as error:  # noqa: BLE001 as above
            return replace(went_wrong(error), act=Act.GO_ON)

    # ---------------------------------------------------------------- by position

    def _go_home(self) -> None:
        """Back along the known route to the launch."""
        cockpit = self._cockpit
        if cockpit.registration is None or cockpit.launch_ship_m is None:
            return  # it has not left the launch
        if cockpit.vehicle.telemetry.mode != Mode.GUIDED.name:
            cockpit.vehicle.set_mode(Mode.GUIDED)
        if cockpit.status.state is not PilotState.HOME:
            cockpit.enter(PilotState.HOME, mark("going home along the known route"))
        cockpit.stand()
        leg = way_back(cockpit.mission, self._flown(), cockpit.pose_in_ship(), cockpit.launch_ship_m)
        end_s = cockpit.clock.now() + 3 * leg.end_s + 60.0

        def too_long(share: float) -> bool:
            return cockpit.clock.now() > end_s

        followed = follow(cockpit, leg, searching=False, ending=True, on_progress=too_long)
        if followed is Followed.BROKEN_OFF:
            message = mark("it does not get home: the tether is caught, or the current too strong")
            cockpit.on_event("home", message, {})

    def surface(self) -> None:
        """Rise by position where nothing is overhead; out from under first where something may be."""
        cockpit = self._cockpit
        if cockpit.registration is not None and cockpit.overhead(cockpit.pose_in_ship()[:3]):
            self._out_from_under(None)
            self._rise_on_sticks()
            return
        cockpit.enter(PilotState.SURFACE, mark("rising, nothing is overhead"))
        cockpit.level()
        if cockpit.blind_m > _BLIND_M:
            self._rise_on_sticks()
            return
        pose = cockpit.place()
        yaw = float(pose.rotation.as_euler("ZYX")[0])
        target = (float(pose.position_m[0]), float(pose.position_m[1]), _SURFACE_DEPTH_M)
        cockpit.watch.course.target_ned = None
        for _ in cockpit.ticks(_RISE_BY_POSITION_S):
            if cockpit.depth_m < AT_SURFACE_M:
                return
            verdict = cockpit.tick(ending=True)
            if verdict.act is not Act.HOLD or verdict.rule in ("stuck", "tilt"):
                cockpit.send(PositionVelocityYaw(target, (0.0, 0.0, 0.0), yaw))
        # it did not come up by position: what is above it is not known
        self._rise_on_sticks()

    # ---------------------------------------------------------------- on the sticks

    def _retreat(self) -> None:
        """Off the plating; then home, if there is a position after all, else out and up."""
        cockpit = self._cockpit
        if cockpit.status.state is not PilotState.RETREAT:
            cockpit.enter(PilotState.RETREAT, mark("backing away from the hull"))
        reckoning = self._reckoning()
        self._to_sticks()
        self._place = cockpit.place().position_m
        if not self._under(reckoning):
            self._steer(lambda now_s: self._back_stick(), reckoning, _BACK_AWAY_S, self._is_clear)
        ready = cockpit.vehicle.readiness().ready and self.depth_held and cockpit.registration is not None
        if ready and self._failures < 2 and not self._trouble():  # what failed twice by position is done without one
            self._go_home()
            self.surface()
            return
        self._out_from_under(reckoning)
        self._rise_on_sticks()

    def _trouble(self) -> bool:
        """Whether something still forbids to fly by position."""
        return self._now().act is Act.RETREAT

    def _to_sticks(self) -> None:
        """A mode that obeys sticks without a position: with the depth held, if the vehicle can."""
        cockpit = self._cockpit
        cockpit.watch.course.target_ned = None
        cockpit.level()
        texts = cockpit.vehicle.telemetry.texts(cockpit.clock.now() - 600.0)
        self.depth_held = not any("Depth sensor error" in text.text for text in texts)
        cockpit.vehicle.set_mode(Mode.ALT_HOLD if self.depth_held else Mode.STABILIZE)

    def _reckoning(self) -> Reckoning:
        """Starts where the position was last vouched for: it has stood still since."""
        cockpit = self._cockpit
        sigma = 1.0 if cockpit.registration is None else float(max(cockpit.registration.sigma_m))
        return Reckoning(cockpit.place().position_m, cockpit.clock.now(), sigma)

    def _neutral(self) -> ManualControl:
        return ManualControl(z=500.0 if self.depth_held else _SINK_STICK)

    def _back_stick(self) -> ManualControl:
        """Away from the nearest beam, backwards when there is none."""
        report = self._cockpit.ranges.latest()
        away = np.array([-1.0, 0.0])
        if report is not None and report.good.any():
            nearest = int(np.argmin(np.where(report.good, report.distances_m, np.inf)))
            level = report.directions_frd[nearest, :2]
            length = float(np.linalg.norm(level))
            away = -level / length if length > 0.3 else away
        return ManualControl(x=_BACK_AWAY_STICK * away[0], y=_BACK_AWAY_STICK * away[1], z=self._neutral().z)

    def _is_clear(self) -> bool:
        return self._cockpit.watch.range_m > _CLEAR_M and np.isfinite(self._cockpit.watch.range_m)

    def _under(self, reckoning: Reckoning | None, aside_m: float = 0.0) -> bool:
        """Whether plating may be above the reckoned place."""
        cockpit = self._cockpit
        if cockpit.registration is None:
            return False
        place = cockpit.place() if reckoning is None else Pose(self._place, cockpit.place().rotation)
        here = cockpit.pose_in_ship(place)[:3]
        spread = 0.0 if reckoning is None else min(2 * reckoning.sigma_m, 3.0)
        return cockpit.overhead(here, aside_m + spread)

    def _steer(
        self,
        command: Callable[[float], ManualControl],
        reckoning: Reckoning | None,
        limit_s: float,
        reached: Callable[[], bool],
    ) -> bool:
        """Send sticks and reckon until something is reached; whether it was in time."""
        cockpit = self._cockpit
        steered = self._neutral()
        for now_s in cockpit.ticks(limit_s):
            if reckoning is not None:
                self._place = reckoning.step(now_s, cockpit.place(), cockpit.ranges, steered)
            if reached():
                return True
            self._only_hands()
            steered = command(now_s)
            cockpit.sticks(steered)
        return False

    def _only_hands(self) -> None:
        """On the sticks only two things count: somebody else flies, or nobody is heard."""
        cockpit = self._cockpit
        cockpit.take_ranges()
        try:
            cockpit.tick(ending=True)
        except Ends as ends:
            if ends.verdict.act >= Act.LISTEN:
                raise

    def _out_from_under(self, reckoning: Reckoning | None, beyond_m: float = _BEYOND_M) -> None:
        """Level and athwart on the side it came from, until nothing can be overhead."""
        cockpit = self._cockpit
        reckoning = reckoning or self._reckoning()
        self._place = reckoning.step(cockpit.clock.now(), cockpit.place(), cockpit.ranges, self._neutral())
        if cockpit.registration is None or not self._under(reckoning):
            return
        if cockpit.status.state is not PilotState.OUT_FROM_UNDER:
            cockpit.enter(PilotState.OUT_FROM_UNDER, mark("moving out from under the ship before rising"))
        if cockpit.vehicle.telemetry.mode not in (Mode.ALT_HOLD.name, Mode.STABILIZE.name):
            self._to_sticks()
        here = cockpit.pose_in_ship(Pose(self._place, cockpit.place().rotation))
        out = way_out(cockpit.mission, here, self._flown())
        sign = float(np.sign((out if out is not None else self._flown()[0])[1] - here[1])) or 1.0
        edge_m = 30.0 if out is None else abs(float(out[1] - here[1]))
        goal = np.array([here[0], here[1] + sign * (edge_m + beyond_m)])
        limit_s = 2.5 * (edge_m + beyond_m) / _OUT_MPS + 20.0

        def command(now_s: float) -> ManualControl:
            at = cockpit.pose_in_ship(Pose(self._place, cockpit.place().rotation))
            way = goal - at[:2]
            way[1] = sign * max(sign * way[1], 0.5)  # a reckoned place beyond the goal is no reason to turn back
            length = max(float(np.linalg.norm(way)), 1e-6)
            c, s = np.cos(at[3]), np.sin(at[3])
            ahead, right = c * way[0] + s * way[1], -s * way[0] + c * way[1]
            stick = 1000 * _OUT_MPS / STICK_MPS / length
            return ManualControl(x=stick * ahead, y=stick * right, z=self._neutral().z)

        self._steer(command, reckoning, limit_s, lambda: not self._under(reckoning, 0.2))

    def _rise_on_sticks(self) -> None:
        """Up, watching that it really rises.

        Raises:
            SafetyStop: it does not come up.
        """
        cockpit = self._cockpit
        for _ in range(_OUT_TIMES):
            if cockpit.status.state is not PilotState.SURFACE:
                cockpit.enter(PilotState.SURFACE, mark("rising, nothing is overhead"))
            if cockpit.vehicle.telemetry.mode not in (Mode.ALT_HOLD.name, Mode.STABILIZE.name):
                self._to_sticks()
            if cockpit.blind_m > _BLIND_M and self.depth_held:
                cockpit.vehicle.set_mode(Mode.STABILIZE)  # holding a depth, it would stay where it reads zero
            if self._rises():
                return
            if not self.depth_held:
                break
            cockpit.enter(PilotState.OUT_FROM_UNDER, mark("it does not rise: something is overhead; farther out"))
            self._farther_out()
        message = mark("the vehicle does not reach the surface, or cannot say so: bring it in by the tether")
        self.hands_off(Verdict(Act.LET_GO, "surface", message))

    def _rises(self) -> bool:
        cockpit = self._cockpit
        history: list[tuple[float, float]] = []
        stopped, blind_since_s = False, float("inf")
        blind_s = cockpit.blind_m / _BLIND_RISE_MPS if cockpit.blind_m > _BLIND_M else 0.0

        def up() -> bool:
            nonlocal blind_since_s
            if not blind_s:
                return cockpit.depth_m < AT_SURFACE_M
            if cockpit.vehicle.telemetry.depth_m < _ZERO_M:
                blind_since_s = min(blind_since_s, cockpit.clock.now())
            return cockpit.clock.now() - blind_since_s >= blind_s

        def done() -> bool:
            nonlocal stopped
            now_s, depth_m = cockpit.clock.now(), cockpit.depth_m
            if up() or blind_since_s < now_s:
                return up()
            history.append((now_s, depth_m))
            before = [depth for utc_s, depth in history if utc_s <= now_s - _RISES_S]
            stopped = bool(before) and before[-1] - depth_m < _RISES_M
            return stopped and self.depth_held

        self._steer(lambda now_s: ManualControl(z=_RISE_STICK), None, _RISE_S + blind_s, done)
        return self.depth_held and up()

    def _farther_out(self) -> None:
        """A little down, off what is above, and on in the direction away from the ship's middle line."""
        cockpit = self._cockpit
        self._steer(lambda now_s: ManualControl(z=350.0), None, 2.0, lambda: False)
        reckoning = self._reckoning()
        registration = cockpit.registration
        if registration is None:
            return
        side = float(np.sign(self._flown()[0][1])) or 1.0

        def command(now_s: float) -> ManualControl:
            yaw = cockpit.pose_in_ship()[3]
            stick = 1000 * _OUT_MPS / STICK_MPS * side
            return ManualControl(x=stick * np.sin(yaw), y=stick * np.cos(yaw))

        self._steer(command, reckoning, _OUT_AGAIN_M / _OUT_MPS, lambda: False)

    # ---------------------------------------------------------------- without control

    def hands_off(self, verdict: Verdict) -> None:
        """Send nothing more.

        Raises:
            SafetyStop: always.
        """
        cockpit = self._cockpit
        cockpit.vehicle.let_go(verdict.words)
        if cockpit.status.state is not PilotState.HANDED_OVER:
            cockpit.enter(PilotState.HANDED_OVER, mark("let go of the vehicle"))
        raise stop(verdict, todo="whoever flies it decides now, else the vehicle's own failsafe")

    def _whose_hand(self, verdict: Verdict) -> Verdict:
        """Nothing is sent any more; the vehicle's words for what its own failsafe did may come after the deed.

        Raises:
            SafetyStop: it was a person, or there is nothing else to be done.
        """
        if verdict.rule == "control":
            for _ in self._cockpit.ticks(_WORDS_AFTER_S):
                now = self._now()
                if now.act is Act.LISTEN:
                    return now
        self.hands_off(verdict)
        raise AssertionError("hands are off")

    def _listen(self, verdict: Verdict) -> Verdict:
        """Be silent until the vehicle is heard again; take it back when nobody else flies it.

        Returns:
            What to do then.
        """
        cockpit, vehicle = self._cockpit, self._cockpit.vehicle
        vehicle.let_go(verdict.words)
        if cockpit.status.state is not PilotState.LISTENING:
            cockpit.enter(PilotState.LISTENING, mark("sending nothing, so that the vehicle's own failsafe acts"))
        self._take_backs += 1
        heard_s = 0.0
        before_s = cockpit.clock.now()
        for now_s in cockpit.ticks(_LISTEN_S):
            fresh = vehicle.telemetry.age_s(now_s) < 0.5
            heard_s = heard_s + now_s - before_s if fresh else 0.0
            before_s = now_s
            if heard_s >= _HEARD_S and self._take_backs <= _TAKE_BACKS:
                return self._take_back(verdict)
        return Verdict(Act.LET_GO, verdict.rule, verdict.message, verdict.data)

    def _take_back(self, verdict: Verdict) -> Verdict:
        vehicle = self._cockpit.vehicle
        try:
            vehicle.take_control()
            if not vehicle.telemetry.armed:
                if self._at_surface():
                    return Verdict(Act.GO_ON, verdict.rule, mark("it is at the surface already"))
                vehicle.rearm()
        except HullscanError as error:
            words = mark("the vehicle could not be taken back: {words}")
            return Verdict(Act.LET_GO, "control", words, {"words": str(error)})
        ready = vehicle.readiness().ready
        data: dict[str, object] = {}
        return Verdict(
            Act.RETURN if ready else Act.RETREAT, "taken back", mark("the vehicle is heard again and taken back"), data
        )

    def _at_surface(self) -> bool:
        cockpit = self._cockpit
        return cockpit.depth_m < AT_SURFACE_M and (
            cockpit.registration is None or not bool(under_ship(cockpit.mission, cockpit.pose_in_ship()[:3])[0])
        )
