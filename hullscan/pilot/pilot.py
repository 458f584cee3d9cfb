"""The survey as a state machine: ready, armed, down, first fix, legs, home, surface, disarmed.

One call, ``fly``, from beginning to end. Every tick (10 Hz of mission time) it takes the ranges that have come,
asks the supervisor, and only then sends a command. Whatever ends it, it ends in one of three ways: home along the
known route, backed away from the hull and up, or hands off.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from hullscan.clock import Clock, Ticker
from hullscan.errors import RefusedError, SafetyStop
from hullscan.geometry.frames import GeoOrigin, Pose, ShipPose
from hullscan.mission.model import Mission
from hullscan.mission.patterns import Leg, way_home
from hullscan.mission.plan import Plan
from hullscan.pilot.guidance import LegFollower
from hullscan.pilot.registration import HullRegistration
from hullscan.pilot.supervisor import Act, Situation, Verdict, judge
from hullscan.vehicle.commands import HoldPosition, ManualControl, PositionVelocityYaw, SetLights, SetTilt, vector
from hullscan.vehicle.modes import Mode
from hullscan.vehicle.protocol import Disarm, RangeReport, RangeSensor, Vehicle
from hullscan.words import fill, mark

__all__ = ["Pilot", "PilotState", "PilotStatus"]

_RATE_HZ = 10.0
_READY_TIMEOUT_S = 120.0
_FIX_TIMEOUT_S = 40.0
_FIX_UPDATES, _FIX_SIGMA_M = 15, 0.12
_SURFACE_DEPTH_M, _AT_SURFACE_M = 0.3, 0.45
_BACK_AWAY_S, _BACK_AWAY_X = 7.0, -350.0
_LIGHTS = 0.8

Event = Callable[[str, str, dict[str, Any]], None]
"""(kind, message, data): a key for the record, and words for people (``hullscan.words``) with their data."""


class PilotState(Enum):
    """Where the mission stands."""

    PREFLIGHT = "preflight"
    ARMED = "armed"
    DESCEND = "descend"
    FIRST_FIX = "first fix"
    LEGS = "survey"
    HOME = "home"
    SURFACE = "surface"
    RETREAT = "retreat"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class PilotStatus:
    """What the operator's screen shows.

    Attributes:
        leg: index into the plan's legs, -1 outside of them.
        leg_share: of its length.
        survey_share: of the length of all searched legs.
        sigma_along_m, sigma_across_m: of the vehicle's place relative to the hull.
    """

    state: PilotState
    leg: int = -1
    leg_name: str = ""
    leg_share: float = 0.0
    survey_share: float = 0.0
    holding: str = ""
    range_m: float = float("nan")
    sigma_along_m: float = float("nan")
    sigma_across_m: float = float("nan")


class Pilot:
    """Flies one plan.

    Args:
        vehicle: connected.
        ranges: the sensor that faces the hull.
        video_age_s: seconds since the last frame, asked at each tick.
        on_event: told of everything that belongs into the record.
    """

    def __init__(
        self,
        vehicle: Vehicle,
        ranges: RangeSensor,
        mission: Mission,
        plan: Plan,
        clock: Clock,
        *,
        video_age_s: Callable[[], float],
        on_event: Event,
    ) -> None:
        self._vehicle, self._ranges, self._mission, self._plan, self._clock = vehicle, ranges, mission, plan, clock
        self._video_age_s, self._on_event = video_age_s, on_event
        self.registration: HullRegistration | None = None
        self.status = PilotStatus(PilotState.PREFLIGHT)
        self.min_range_m = float("inf")
        self.distance_m = 0.0
        self._abort = threading.Event()
        self._ranges_until_s = float("-inf")
        self._tilt_rad = 0.0
        self._battery_low_since: float | None = None
        self._unknown_since: float | None = None
        self._launch_ned: Pose | None = None
        self._last_place: Pose | None = None
        self._held: Verdict | None = None
        self._followed = 0.0

    def abort(self) -> None:
        """Ask for the way home; may be called from a signal handler."""
        self._abort.set()

    @property
    def aborted(self) -> bool:
        """Whether somebody asked for the way home."""
        return self._abort.is_set()

    # ---------------------------------------------------------------- the story

    def fly(self) -> None:
        """From preflight to disarmed.

        Raises:
            SafetyStop: a rule ended the mission.
            HullscanError: it could not begin.
        """
        vehicle = self._vehicle
        self._preflight()
        vehicle.take_control()
        with vehicle.armed(leaving=Disarm.WHEN_SHALLOW):
            self._enter(PilotState.ARMED, mark("armed"))
            vehicle.set_mode(Mode.GUIDED)
            try:
                self._descend_and_fix()
                self._fly_legs()
            except _Retreat as ended:
                self._retreat(ended.verdict)
                raise _stop(ended.verdict) from None
            except _Return as ended:
                self._go_home(ended.verdict)
            self._surface()
            self._enter(PilotState.ENDED, mark("disarming at the surface"))
            if self._verdict_at_end is not None:
                raise _stop(self._verdict_at_end)

    _verdict_at_end: Verdict | None = None

    def _preflight(self) -> None:
        self._enter(PilotState.PREFLIGHT, mark("waiting until the vehicle knows its position"))
        end_s = self._clock.now() + _READY_TIMEOUT_S
        ticker = Ticker(self._clock, 2.0)
        while not (ready := self._vehicle.readiness()).ready:
            if self._abort.is_set():
                raise SafetyStop("aborted before the start")
            if self._clock.now() > end_s:
                raise RefusedError(
                    f"the vehicle is not ready after {_READY_TIMEOUT_S:.0f} s: {ready.reason}",
                    todo="check DVL and estimator",
                )
            self._vehicle.check()
            ticker.wait()
        battery = self._vehicle.telemetry.battery.latest
        limit = self._mission.file.limits.min_battery_v
        if battery is not None and battery.voltage_v < limit:
            raise RefusedError(
                f"battery {battery.voltage_v:.1f} V is below the mission's {limit:g} V", todo="charge it"
            )

    def _descend_and_fix(self) -> None:
        """Go down at the launch, look at the hull, and find where she really lies."""
        vehicle = self._vehicle
        self._enter(PilotState.DESCEND, mark("going down at the launch"))
        start = vehicle.telemetry.pose_at(self._clock.now(), max_gap_s=2.0)
        expected = self._expected_ship(start)
        plan_start = self._plan.legs[0].poses[0]
        heading = expected.heading_rad + float(plan_start[4])
        place = (float(start.position_m[0]), float(start.position_m[1]), float(plan_start[3]))
        self._launch_ned = Pose(np.array(place), start.rotation)
        self.registration = HullRegistration(
            self._mission.hull, expected, self._mission.vehicle.dvl_mount, start.position_m
        )
        self._ranges_until_s = self._clock.now()  # what came before the estimator was ready would mislead
        vehicle.send(SetLights(_LIGHTS))
        vehicle.send(SetTilt(0.0))
        vehicle.send(HoldPosition(place, heading))
        self._wait_until(lambda: vehicle.telemetry.depth_m > place[2] - 0.25, 30.0)
        self._enter(PilotState.FIRST_FIX, mark("looking for the hull"))
        fixed = self._wait_until(self._has_fix, _FIX_TIMEOUT_S)
        if not fixed:
            beams = self.registration.used_beams
            message = mark("the hull was not found from the launch in {seconds:.0f} s ({beams} beams used)")
            data = {"seconds": _FIX_TIMEOUT_S, "beams": beams}
            raise _Return(Verdict(Act.RETURN, "first fix", message, data))
        pose = self.registration.pose
        beside = plan_start[1:4]
        shift = np.linalg.norm(pose.to_ned(beside) - expected.to_ned(beside))
        self._on_event(
            "first fix",
            mark("hull found; the ship lies {shift_m:.2f} m from where she was expected, seen by the vehicle"),
            {
                "shift_m": float(shift),
                "north_m": pose.north_m,
                "east_m": pose.east_m,
                "heading_deg": float(np.degrees(pose.heading_rad)),
            },
        )

    def _has_fix(self) -> bool:
        registration = self.registration
        if registration is None or registration.updates < _FIX_UPDATES:
            return False
        return registration.sigma_m[1] < _FIX_SIGMA_M

    def _fly_legs(self) -> None:
        searched = sum(leg.length_m for leg in self._plan.legs if leg.surveys)
        for number, leg in enumerate(self._plan.legs):
            data = {"leg": number, "number": number + 1, "count": len(self._plan.legs), **leg.words_data}
            self._enter(PilotState.LEGS, leg.words, data)
            self._follow(leg, number, searched)

    def _follow(self, leg: Leg, number: int, searched: float) -> None:
        follower = LegFollower(leg)
        ticker = Ticker(self._clock, _RATE_HZ)
        before_s = self._clock.now()
        while True:
            now_s = ticker.wait()
            verdict = self._tick(leg.surveys)
            elapsed_s, before_s = min(now_s - before_s, 0.5), now_s
            if verdict.act == Act.HOLD:
                self._hold(verdict)
                continue
            self._held = None
            assert self.registration is not None
            command, tilt, progress = follower.target(self._place(), self.registration.pose, elapsed_s)
            self._vehicle.send(command)
            self._aim(tilt)
            share = (self._followed + progress.share * leg.length_m) / max(searched, 1e-6) if leg.surveys else None
            self.status = replace(
                self.status,
                leg=number,
                leg_name=fill(leg.words, {"number": number + 1, "count": len(self._plan.legs), **leg.words_data}),
                leg_share=progress.share,
                survey_share=self.status.survey_share if share is None else min(share, 1.0),
                holding="",
            )
            if progress.done:
                if leg.surveys:
                    self._followed += leg.length_m
                return

    # ---------------------------------------------------------------- endings

    def _go_home(self, verdict: Verdict) -> None:
        """Out from the hull and back to the launch, then end as usual."""
        self._verdict_at_end = None if verdict.rule == "abort" else verdict
        self._enter(PilotState.HOME, mark("going home"))
        self._on_event(verdict.rule, verdict.message, verdict.data)
        registration, launch = self.registration, self._launch_ned
        if registration is None or launch is None:
            return
        here = registration.pose.pose_in_ship(self._place())
        there = registration.pose.to_ship(launch.position_m)
        leg = way_home(here, there, self._mission)
        follower, ticker = LegFollower(leg), Ticker(self._clock, _RATE_HZ)
        before_s = self._clock.now()
        while True:
            now_s = ticker.wait()
            found = self._demand(searching=False)
            if found.act == Act.LET_GO:
                self._hands_off(found)
            if found.act == Act.RETREAT:
                self._retreat(found)
                raise _stop(found)
            self._take_ranges()
            command, tilt, progress = follower.target(self._place(), registration.pose, min(now_s - before_s, 0.5))
            before_s = now_s
            self._vehicle.send(command)
            self._aim(tilt)
            if progress.done:
                return

    def _retreat(self, verdict: Verdict) -> None:
        """Back away from the plating on the sticks, then up: works without any position."""
        self._enter(PilotState.RETREAT, mark("backing away from the hull"))
        self._on_event(verdict.rule, verdict.message, verdict.data)
        vehicle = self._vehicle
        vehicle.set_mode(Mode.ALT_HOLD)
        self._sticks(ManualControl(x=_BACK_AWAY_X), lambda: False, _BACK_AWAY_S)
        self._sticks(ManualControl(z=800), lambda: vehicle.telemetry.depth_m < _AT_SURFACE_M, 40.0)

    def _sticks(self, command: ManualControl, until: Callable[[], bool], limit_s: float) -> None:
        ticker, end_s = Ticker(self._clock, _RATE_HZ), self._clock.now() + limit_s
        while self._clock.now() < end_s and not until():
            if not self._vehicle.control.held:
                reason = {"reason": self._vehicle.control.reason}
                self._hands_off(Verdict(Act.LET_GO, "control", mark("somebody else flies: {reason}"), reason))
            if self._vehicle.telemetry.age_s(self._clock.now()) > self._mission.file.limits.link_timeout_s:
                self._hands_off(Verdict(Act.LET_GO, "link", mark("nothing heard from the vehicle any more")))
            self._vehicle.send(command)
            ticker.wait()

    def _hands_off(self, verdict: Verdict) -> None:
        self._vehicle.let_go(verdict.words)
        self._enter(PilotState.ENDED, mark("let go of the vehicle"))
        self._on_event(verdict.rule, verdict.message, verdict.data)
        raise _stop(verdict, todo="the vehicle's own failsafe decides now")

    def _surface(self) -> None:
        self._enter(PilotState.SURFACE, mark("rising at the launch"))
        pose = self._place()
        yaw = float(pose.rotation.as_euler("ZYX")[0])
        target = (float(pose.position_m[0]), float(pose.position_m[1]), _SURFACE_DEPTH_M)
        ticker, end_s = Ticker(self._clock, _RATE_HZ), self._clock.now() + 30.0
        while self._clock.now() < end_s and self._vehicle.telemetry.depth_m > _AT_SURFACE_M:
            found = self._demand(searching=False)
            if found.act == Act.LET_GO:
                self._hands_off(found)
            self._vehicle.send(PositionVelocityYaw(target, (0.0, 0.0, 0.0), yaw))
            ticker.wait()

    # ---------------------------------------------------------------- one tick

    def _tick(self, searching: bool) -> Verdict:
        """Take ranges, ask the supervisor; raises for what ends the survey."""
        self._vehicle.check()
        self._take_ranges()
        if self._abort.is_set():
            raise _Return(Verdict(Act.RETURN, "abort", mark("asked to stop")))
        verdict = self._demand(searching)
        if verdict.act == Act.LET_GO:
            self._hands_off(verdict)
        if verdict.act == Act.RETURN:
            raise _Return(verdict)
        if verdict.act == Act.RETREAT:
            raise _Retreat(verdict)
        return verdict

    def _hold(self, verdict: Verdict) -> None:
        """Stay where the vehicle stands; the command is sent once for each cause."""
        if self._held is None or self._held.rule != verdict.rule:
            self._on_event(verdict.rule, verdict.message, verdict.data)
            pose = self._place()
            yaw = float(pose.rotation.as_euler("ZYX")[0])
            self._vehicle.send(HoldPosition(vector(pose.position_m), yaw))
        self._held = verdict
        self.status = replace(self.status, holding=verdict.words)

    def _wait_until(self, reached: Callable[[], bool], limit_s: float) -> bool:
        """Tick until something is reached; whether it was in time."""
        ticker, end_s = Ticker(self._clock, _RATE_HZ), self._clock.now() + limit_s
        while not reached():
            if self._clock.now() > end_s:
                return False
            self._tick(searching=False)
            ticker.wait()
        return True

    def _take_ranges(self) -> None:
        registration = self.registration
        if registration is None:
            return
        for report in self._ranges.since(self._ranges_until_s):
            newest = self._vehicle.telemetry.attitude.latest
            if newest is None or report.utc_s > newest.utc_s:
                break  # telemetry has not come that far: next tick
            self._ranges_until_s = report.utc_s
            self._take_range(report, registration)
        sigma = registration.sigma_m
        self.status = replace(self.status, sigma_along_m=sigma[0], sigma_across_m=sigma[1], range_m=self._range_m())

    def _take_range(self, report: RangeReport, registration: HullRegistration) -> None:
        registration.take(report, self._vehicle.telemetry)
        place = self._place()
        if self._last_place is not None:
            self.distance_m += float(np.linalg.norm(place.position_m - self._last_place.position_m))
        self._last_place = place
        if report.good.any():
            self.min_range_m = min(self.min_range_m, float(report.distances_m[report.good].min()))

    def _range_m(self) -> float:
        report = self._ranges.latest()
        if report is None or not report.good.any():
            return float("inf")
        return float(report.distances_m[report.good].min())

    def _demand(self, searching: bool) -> Verdict:
        now_s = self._clock.now()
        telemetry, limits = self._vehicle.telemetry, self._mission.file.limits
        ready = self._vehicle.readiness().ready
        self._unknown_since = None if ready else (self._unknown_since if self._unknown_since is not None else now_s)
        battery = telemetry.battery.latest
        volts = battery.voltage_v if battery is not None else float("inf")
        low = volts < limits.min_battery_v
        self._battery_low_since = (self._battery_low_since or now_s) if low else None
        attitude = telemetry.attitude.latest
        control = self._vehicle.control
        launch = self._launch_ned
        tether = 0.0 if launch is None else float(np.linalg.norm(self._place().position_m - launch.position_m))
        leaks = [text for text in telemetry.texts(now_s - 30.0) if "leak" in text.text.lower()]
        return judge(
            Situation(
                link_age_s=telemetry.age_s(now_s),
                in_control=control.held,
                control_reason=control.reason,
                position_known=ready,
                position_unknown_s=0.0 if self._unknown_since is None else now_s - self._unknown_since,
                range_m=self._range_m(),
                range_age_s=self._ranges.age_s(now_s),
                battery_v=volts,
                battery_low_s=0.0 if self._battery_low_since is None else now_s - self._battery_low_since,
                depth_m=telemetry.depth_m,
                tilt_rad=0.0 if attitude is None else float(np.hypot(attitude.roll_rad, attitude.pitch_rad)),
                tether_m=tether,
                leak=bool(leaks),
                video_age_s=self._video_age_s(),
                searching=searching,
            ),
            limits,
            self._mission.vehicle,
        )

    # ---------------------------------------------------------------- small things

    def _place(self) -> Pose:
        """Where the vehicle is by its newest telemetry."""
        telemetry = self._vehicle.telemetry
        position, attitude = telemetry.position.latest, telemetry.attitude.latest
        if position is None or attitude is None:
            raise RefusedError("the vehicle sends no position", todo="check its estimator")
        return Pose(np.asarray(position.position_ned_m, dtype=np.float64), attitude.r_ned_frd)

    def _expected_ship(self, start: Pose) -> ShipPose:
        """The mission's berth in the vehicle's local frame: by its origin, else by the launch place."""
        berth = self._mission.file.berth
        origin = self._vehicle.telemetry.origin
        heading = float(np.radians(berth.heading_deg))
        if origin is not None:
            north, east = GeoOrigin(origin.lat_deg, origin.lon_deg).to_ned(berth.lat_deg, berth.lon_deg)
            return ShipPose(north, east, heading)
        launch = self._plan.legs[0].poses[0][1:4]
        turned = ShipPose(0.0, 0.0, heading).to_ned(launch)
        return ShipPose(float(start.position_m[0] - turned[0]), float(start.position_m[1] - turned[1]), heading)

    def _aim(self, tilt_rad: float) -> None:
        if abs(tilt_rad - self._tilt_rad) > np.radians(1.5):
            self._vehicle.send(SetTilt(tilt_rad))
            self._tilt_rad = tilt_rad

    def _enter(self, state: PilotState, message: str, data: dict[str, Any] | None = None) -> None:
        leg = (data or {}).get("leg", -1)
        self.status = replace(self.status, state=state, leg=leg, leg_share=0.0, holding="")
        self._on_event(state.value, message, data or {})


class _Return(Exception):
    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.words)
        self.verdict = verdict


class _Retreat(_Return):
    """The same without a position to go home by."""


def _stop(verdict: Verdict, todo: str = "see events.jsonl") -> SafetyStop:
    return SafetyStop(verdict.words, message=verdict.message, data=verdict.data, todo=todo)
