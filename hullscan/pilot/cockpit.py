"""What every part of a flight has in hand: vehicle, ranges, registration, watch, and one tick of it all.

A tick takes the ranges that have come, takes the operator's orders, asks the supervisor, and only then lets its caller
send a command. What ends the flight is raised as ``Ends`` with its verdict; ``endings`` knows what to do with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from hullscan.clock import Clock, Ticker
from hullscan.errors import HullscanError, RefusedError
from hullscan.geometry.frames import Array, Pose
from hullscan.mission.model import Mission
from hullscan.mission.plan import Plan
from hullscan.mission.stand_off import search_speed_mps
from hullscan.mission.ways_home import under_ship, way_back
from hullscan.pilot.depth_zero import DepthZero
from hullscan.pilot.orders_of_operator import OperatorOrder, OrderDesk
from hullscan.pilot.pitch import PitchLoop
from hullscan.pilot.registration import HullRegistration
from hullscan.pilot.states import PilotState, PilotStatus, may_follow
from hullscan.pilot.supervisor import Act, Verdict, demands
from hullscan.pilot.watch import Signals, Watch
from hullscan.vehicle.commands import HoldPosition, ManualControl, PositionVelocityYaw, SetTilt, vector
from hullscan.vehicle.modes import Mode
from hullscan.vehicle.protocol import RangeReport, RangeSensor, Vehicle
from hullscan.words import mark

__all__ = ["RATE_HZ", "Cockpit", "Ends", "Event"]

RATE_HZ = 10.0
_SLOWER, _SLOWEST, _FASTEST = 0.75, 0.3, 1.5
_TOLD_AGAIN_S = 60.0
_SLOWED_SHARE, _SLOWED_S = 0.9, 3.0  # of the planned speed, for so long: then it is said
_GAIN = 0.5  # of the sticks, as delivered: what STICK_MPS was measured at; buttons of a joystick change it
_NEUTRAL_S = 1.0  # neutral sticks: 3 s of silence after sticks were used is a lost pilot (ardusub.md 2.6)
# a pitch is refreshed well within the 3 s that sticks live, and no oftener: a joystick of another station, which sends
# ten times a second and more, must show between ours in RC_CHANNELS
_PITCH_S, _PITCH_SOONEST_S, _PITCH_STEP_US = 0.5, 0.2, 10.0
_HOME_EVERY_S = 10.0  # the length of the way home is measured anew so often
_UNSURE_M = 0.3  # of plating overhead, besides twice the uncertainty of the place

Event = Callable[[str, str, dict[str, Any]], None]
"""(kind, message, data): a key for the record, and words for people (``hullscan.words``) with their data."""


class Ends(Exception):
    """The survey ends: the verdict says how."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.words)
        self.verdict = verdict


class Cockpit:
    """State of one flight.

    Args:
        vehicle: connected.
        ranges: the sensor that faces the hull.
        signals: of video, detector and recording.
        desk: where the operator's orders are put.
        on_event: told of everything that belongs into the record.
        known: gives the (n, 6) poses of the known route up to now, from the launch on.
    """

    def __init__(
        self,
        vehicle: Vehicle,
        ranges: RangeSensor,
        mission: Mission,
        plan: Plan,
        clock: Clock,
        signals: Signals,
        desk: OrderDesk,
        on_event: Event,
        known: Callable[[], Array],
    ) -> None:
        self.vehicle, self.ranges, self.mission, self.plan, self.clock = vehicle, ranges, mission, plan, clock
        self.desk, self._on_event, self._known = desk, on_event, known
        self.watch = Watch(vehicle, ranges, mission, clock, signals)
        self._zero = DepthZero(vehicle.telemetry)
        self.water = self.watch.water
        self.look_speed_mps = search_speed_mps(mission, plan.stand_off_m, mission.pod_model)
        self._slowed_utc_s: float | None = None
        self._told_of_current = False
        self.registration: HullRegistration | None = None
        self.status = PilotStatus(PilotState.PREFLIGHT)
        self.min_range_m, self.distance_m = float("inf"), 0.0
        # ship frame: steel turns the vehicle's local frame about wherever it is, and with it all places far off
        self.launch_ship_m: Array | None = None
        self._wish: OperatorOrder | None = None
        self.held_by_operator = False
        self._ranges_until_s = float("-inf")
        self._tilt_rad = 0.0
        self._home_utc_s = float("-inf")
        self._last_place: Pose | None = None
        self._held: Verdict | None = None
        self._told: dict[str, float] = {}
        self._sticks_used = False
        self._sticks_utc_s = float("-inf")
        self._pitch, self._pitch_us, self._lean_utc_s = PitchLoop(), 0.0, clock.now()

    # ---------------------------------------------------------------- states and words

    def enter(self, state: PilotState, message: str, data: dict[str, Any] | None = None) -> None:
        """Go over to a state.

        Raises:
            AssertionError: the table does not have the step.
        """
        before = self.status.state
        assert may_follow(before, state), f"{before.value} is not followed by {state.value}"
        leg = (data or {}).get("leg", -1)
        self.status = replace(self.status, state=state, leg=leg, leg_share=0.0, holding=None)
        self._held = None
        self.on_event(state.value, message, data or {})

    def on_event(self, kind: str, message: str, data: dict[str, Any]) -> None:
        """Record an event; a record that does not take it ends the survey, not the flight."""
        try:
            self._on_event(kind, message, data)
        except HullscanError as error:
            self.watch.note_record_error(str(error))

    def set_leg(self, name: str, share: float) -> None:
        """What the screen says of the leg that goes on."""
        self.status = replace(self.status, leg_name=name, leg_share=share)

    def tell(self, verdict: Verdict) -> None:
        """Say and record a verdict."""
        self.on_event(verdict.rule, verdict.message, verdict.data)

    # ---------------------------------------------------------------- one tick

    def ticks(self, limit_s: float = float("inf")) -> Iterator[float]:
        """Mission time, ten times a second, up to a limit."""
        ticker, end_s = Ticker(self.clock, RATE_HZ), self.clock.now() + limit_s
        while self.clock.now() < end_s:
            yield ticker.wait()

    def tick(self, *, searching: bool = False, ending: bool = False) -> Verdict:
        """Take ranges and orders, ask the supervisor.

        Args:
            ending: on the way home already: what would only end the survey counts for nothing.

        Returns:
            A verdict up to HOLD.

        Raises:
            Ends: a stronger one.
        """
        self._follow_zero()
        self.take_ranges()
        self._take_orders()
        self.watch.course.searching = searching
        verdict = self._verdict(ending=ending)
        if verdict.act >= Act.RETURN:
            raise Ends(verdict)
        if verdict.act < Act.HOLD and self.held_by_operator and not ending:
            verdict = Verdict(Act.HOLD, "operator", mark("the operator has stopped it"))
        if verdict.act < Act.HOLD:
            self._held = None
            self._keep_sticks()
        return verdict

    def _verdict(self, *, ending: bool) -> Verdict:
        place = self.place_or_none()
        now = self.watch.situation(place)
        found = demands(now, self.mission.file.limits, self.mission.vehicle)
        for told in found:
            if told.act is Act.TELL and self.clock.now() - self._told.get(told.rule, float("-inf")) > _TOLD_AGAIN_S:
                self._told[told.rule] = self.clock.now()
                self.tell(told)
        if ending:
            found = [each for each in found if each.act is not Act.RETURN]
        elif self.desk.aborted:
            abort = Verdict(
                Act.RETURN, "abort", mark("asked to come home; a second Ctrl-C would let go of the vehicle where it is")
            )
            found = sorted([abort, *found], key=lambda each: -each.act)
        return found[0] if found else Verdict(Act.GO_ON)

    def _take_orders(self) -> None:
        order = self.desk.take()
        if order is None or order is OperatorOrder.ABORT:
            return
        share = self.status.speed_share
        if order is OperatorOrder.HOLD:
            self.held_by_operator = True
        elif order is OperatorOrder.RESUME:
            self.held_by_operator = False
        elif order is OperatorOrder.SLOWER:
            share = max(share * _SLOWER, _SLOWEST)
        elif order is OperatorOrder.FASTER:
            share = min(share / _SLOWER, _FASTEST)
        else:
            self._wish, self.held_by_operator = order, False
        self.status = replace(self.status, speed_share=share)
        self.on_event("order", mark("the operator orders: {order}"), {"order": order.value})

    def tell_current(self, share: float, speed_mps: float) -> None:
        """Say once that the current leaves less than the planned speed, when it has done so for a while."""
        if share > _SLOWED_SHARE or self._told_of_current:
            self._slowed_utc_s = None
            return
        now_s = self.clock.now()
        since_s = self._slowed_utc_s = now_s if self._slowed_utc_s is None else self._slowed_utc_s
        if now_s - since_s >= _SLOWED_S:
            self._told_of_current = True
            message = mark(
                "the current leaves {left:.2f} of {speed:.2f} m/s: slower, so that it keeps its distance to the hull"
            )
            self.on_event("current", message, {"left": share * speed_mps, "speed": speed_mps})

    def take_wish(self) -> OperatorOrder | None:
        """SKIP or BACK, once, for whoever flies the legs."""
        wish, self._wish = self._wish, None
        return wish

    # ---------------------------------------------------------------- ranges and places

    def take_ranges(self) -> None:
        """Feed the registration with what has come."""
        registration = self.registration
        if registration is None:
            return
        for report in self.ranges.since(self._ranges_until_s):
            newest = self.vehicle.telemetry.attitude.latest
            if newest is None or report.utc_s > newest.utc_s:
                break  # telemetry has not come that far: next tick
            self._ranges_until_s = report.utc_s
            self._take_range(report, registration)
        sigma = registration.sigma_m
        gap = self.watch.course.target_ned
        off = float("nan") if gap is None else float(np.linalg.norm(self.place().position_m - gap))
        self.status = replace(
            self.status,
            sigma_along_m=sigma[0],
            sigma_across_m=sigma[1],
            range_m=self.watch.range_m,
            off_target_m=off,
            overhead=registration.updates > 0 and self.overhead(self.pose_in_ship()[:3]),
        )

    def _take_range(self, report: RangeReport, registration: HullRegistration) -> None:
        registration.take(report, self.vehicle.telemetry)
        place = self.place()
        if self._last_place is not None:
            self.distance_m += float(np.linalg.norm(place.position_m - self._last_place.position_m))
        self._last_place = place
        if report.good.any():
            self.min_range_m = min(self.min_range_m, float(report.distances_m[report.good].min()))

    def begin_ranges(self, registration: HullRegistration) -> None:
        """Use a registration from now on; what came before the estimator was ready would mislead."""
        self.registration, self._ranges_until_s = registration, self.clock.now()

    def place(self) -> Pose:
        """Where the vehicle is by its newest telemetry, ned.

        Raises:
            RefusedError: it has never said.
        """
        place = self.place_or_none()
        if place is None:
            raise RefusedError("the vehicle sends no position", todo="check its estimator")
        return place

    def place_or_none(self) -> Pose | None:
        """The same, None when it has never said."""
        telemetry = self.vehicle.telemetry
        position, attitude = telemetry.position.latest, telemetry.attitude.latest
        if position is None or attitude is None:
            return None
        shift = np.array([0.0, 0.0, self._zero.offset_m])
        return Pose(np.asarray(position.position_ned_m, dtype=np.float64) - shift, attitude.r_ned_frd)

    @property
    def depth_m(self) -> float:
        """Of the vehicle, without what jumps of its zero have put on it."""
        return self.vehicle.telemetry.depth_m - self._zero.offset_m

    @property
    def blind_m(self) -> float:
        """How far below the surface the vehicle believes to be at it, since its zero has jumped: it goes no higher."""
        return max(-self._zero.offset_m, 0.0)

    def send(self, command: PositionVelocityYaw | HoldPosition) -> None:
        """Send a target, where the vehicle's own depth counts from now."""
        north, east, down = command.position_ned_m
        self.vehicle.send(replace(command, position_ned_m=(north, east, down + self._zero.offset_m)))

    def _follow_zero(self) -> None:
        jump_m = self._zero.step(self.clock.now())
        self.watch.depth_offset_m = self._zero.offset_m
        if jump_m:
            message = mark("the depth jumped by {jump:+.1f} m: taken for its zero, not flown")
            self.on_event("depth zero", message, {"jump": jump_m})

    def pose_in_ship(self, place: Pose | None = None) -> Array:
        """(6,) x, y, z, yaw, pitch of the vehicle in the ship frame, and the tilt of its camera as last asked for."""
        assert self.registration is not None
        here = self.registration.pose.pose_in_ship(place or self.place())
        yaw, pitch, _ = here.rotation.as_euler("ZYX")
        return np.array([*here.position_m, yaw, pitch, self._tilt_rad])

    def overhead(self, place_ship_m: Array, aside_m: float = 0.0) -> bool:
        """Whether plating is, or may be, above a place: twice the uncertainty of the place counts."""
        assert self.registration is not None
        sigma = float(max(self.registration.sigma_m))
        margin = _UNSURE_M + min(2 * sigma, 2.0) + aside_m
        return bool(under_ship(self.mission, place_ship_m, margin)[0])

    def measure_home(self) -> None:
        """How far it is home along the known way, and how much tether is out; now and then."""
        now_s = self.clock.now()
        if now_s - self._home_utc_s < _HOME_EVERY_S:
            return
        self._home_utc_s = now_s
        assert self.launch_ship_m is not None
        launch, here = self.launch_ship_m, self.pose_in_ship()
        course, legs, number = self.watch.course, self.plan.legs, self.status.leg
        course.home_m = way_back(self.mission, self._known(), here, launch).length_m
        planned_m = legs[number].tether_m if number >= 0 else max(leg.tether_m for leg in legs)
        course.tether_m = max(float(np.linalg.norm(here[:3] - launch)), min(planned_m, course.home_m))

    # ---------------------------------------------------------------- holding

    def hold(self, verdict: Verdict) -> None:
        """Stay where the vehicle is; the command is sent once for each cause."""
        if self._held is None or self._held.rule != verdict.rule:
            self.tell(verdict)
            if verdict.rule == "stuck":
                self.watch.note_stuck()
            self.stand()
        self._held = verdict
        self._keep_sticks()
        self.status = replace(self.status, holding=verdict)

    def stand(self) -> None:
        """Hold the present place by position."""
        pose = self.place()
        yaw = float(pose.rotation.as_euler("ZYX")[0])
        self.watch.course.target_ned, self.watch.course.stands = np.array(pose.position_m), True
        self.level()
        if self.vehicle.telemetry.mode != Mode.GUIDED.name:
            self.vehicle.set_mode(Mode.GUIDED)
        self.send(HoldPosition(vector(pose.position_m), yaw))

    # ---------------------------------------------------------------- sticks and camera

    def sticks(self, command: ManualControl) -> None:
        """Send sticks; from then on they are sent at least once a second, neutral when nobody steers by them.

        Args:
            command: at the delivered gain; what the operator's buttons have made of it is allowed for.
        """
        self._sticks_used, self._sticks_utc_s, self._pitch_us = True, self.clock.now(), command.s
        if not command.s:
            self._pitch.release()
            self.watch.course.pitch_rad = 0.0
        told = self.vehicle.telemetry.values.get("PilotGain")
        gain = told.latest if told is not None else None
        share = _GAIN / float(np.clip(gain.value, 0.1, 1.0)) if gain is not None and np.isfinite(gain.value) else 1.0
        x, y, r = share * command.x, share * command.y, share * command.r
        self.vehicle.send(ManualControl(x, y, 500.0 + share * (command.z - 500.0), r, command.s))

    def _keep_sticks(self) -> None:
        if self._sticks_used and self.clock.now() - self._sticks_utc_s >= _NEUTRAL_S:
            self.sticks(ManualControl())

    def lean(self, pitch_rad: float) -> None:
        """Pitch the frame while it is flown by position; asked for at each tick, else it levels itself."""
        now_s, attitude = self.clock.now(), self.vehicle.telemetry.attitude.latest
        elapsed_s, self._lean_utc_s = min(now_s - self._lean_utc_s, 0.5), now_s
        tries = not self._pitch.given_up
        pulse_us = self._pitch.step(pitch_rad, 0.0 if attitude is None else attitude.pitch_rad, elapsed_s)
        if tries and self._pitch.given_up:
            message = mark("the frame does not take the pitch of {pitch:.0f} degrees: flown level, seen more slantwise")
            self.on_event("degraded", message, {"pitch": float(np.degrees(pitch_rad))})
        self.watch.course.pitch_rad = self._pitch.asked_rad
        changed = abs(pulse_us - self._pitch_us) > _PITCH_STEP_US or not pulse_us
        wait_s = _PITCH_SOONEST_S if changed else _PITCH_S
        if (pulse_us or self._pitch_us) and now_s - self._sticks_utc_s >= wait_s:
            self.sticks(ManualControl(s=pulse_us))

    @property
    def pitch_limit_rad(self) -> float:
        """As far as the frame can be pitched now: not at all where it has just not taken it."""
        return 0.0 if self._pitch.given_up else self.mission.vehicle.pitch_limit_rad

    def level(self) -> None:
        """End a pitch now."""
        if self._pitch_us:
            self.sticks(ManualControl())

    def aim(self, tilt_rad: float) -> None:
        """Tilt the camera, when that changes anything to speak of."""
        if abs(tilt_rad - self._tilt_rad) > np.radians(1.5):
            self.vehicle.send(SetTilt(tilt_rad))
            self._tilt_rad = tilt_rad
