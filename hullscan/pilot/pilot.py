"""The survey from beginning to end: preflight, arm, down, first fix, legs, close-ups, gaps, home, surface, disarm.

One call, ``fly``. Every tick (10 Hz of mission time) the ranges that have come are taken, the operator's orders are
read, the supervisor is asked, and only then a command is sent. Whatever ends the survey, ``endings`` brings the vehicle
out into the open before it rises, and it is disarmed at the surface only.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from hullscan.clock import Clock, Ticker
from hullscan.errors import RefusedError, SafetyStop
from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.patterns.clearance import hull_gap
from hullscan.mission.plan import Plan
from hullscan.pilot.berth import expected_ship
from hullscan.pilot.closeup import CloseUps, Sighting
from hullscan.pilot.cockpit import Cockpit, Ends, Event
from hullscan.pilot.endings import Endings, stop, went_wrong
from hullscan.pilot.legs import LegsFlight
from hullscan.pilot.orders_of_operator import OperatorOrder, OrderDesk
from hullscan.pilot.refly import Gaps, GapsFlight, Piece
from hullscan.pilot.registration import HullRegistration, noise_of
from hullscan.pilot.requests import CloseUpRequests
from hullscan.pilot.states import PilotState, PilotStatus
from hullscan.pilot.supervisor import Act, Verdict
from hullscan.pilot.watch import Signals
from hullscan.vehicle.commands import HoldPosition, PositionVelocityYaw, SetLights, SetTilt, vector
from hullscan.vehicle.modes import Mode
from hullscan.vehicle.protocol import Disarm, RangeSensor, Vehicle
from hullscan.words import mark

__all__ = ["Pilot", "PilotState", "PilotStatus", "PlanPlace", "Signals"]

_READY_TIMEOUT_S = 120.0
_FIX_TIMEOUT_S = 40.0
_FIX_UPDATES, _FIX_SIGMA_M = 15, 0.3  # across; what the plating itself is off counts in it
_LIGHTS = 0.8
_KEPT = 6_000  # reports: twenty minutes, 20 MB; the folder has them all
_LOOK_ABOUT_S, _SWAY_S, _ASIDE_RAD = 9.0, 4.5, np.radians(12)  # no beam of a DVL loses the hull by that
_OVERLAP_M = 1.0  # of a leg that is flown again after a break


@dataclass(frozen=True, slots=True)
class PlanPlace:
    """A place in the plan: index of a leg, and the share of its length."""

    leg: int = 0
    share: float = 0.0


class Pilot:
    """Flies one plan.

    Args:
        vehicle: connected.
        ranges: the sensor that faces the hull.
        signals: of video, detector and recording.
        on_event: told of everything that belongs into the record.
        desk: where the operator's orders are put.
        on_place: told where in the plan the vehicle is, each tick of a leg, for a record that can be resumed.
        sighting: the strongest sighting that has not been looked at from close, for close-ups.
        gaps: what of the plan was not seen yet, to be flown again while the window lasts.
        resume_at: where an earlier flight of the plan stopped.
        kept: reports that the registration remembers at most; None for all of them.
    """

    def __init__(
        self,
        vehicle: Vehicle,
        ranges: RangeSensor,
        mission: Mission,
        plan: Plan,
        clock: Clock,
        *,
        signals: Signals,
        on_event: Event,
        desk: OrderDesk | None = None,
        on_place: Callable[[PlanPlace], None] = lambda place: None,
        sighting: Callable[[], Sighting | None] = lambda: None,
        gaps: Gaps = list,
        resume_at: PlanPlace | None = None,
        kept: int | None = _KEPT,
    ) -> None:
        self.desk = desk or OrderDesk()
        self._cockpit = Cockpit(vehicle, ranges, mission, plan, clock, signals, self.desk, on_event, self._known)
        self._vehicle, self._mission, self._plan, self._clock = vehicle, mission, plan, clock
        self._resume_at, self._kept, self._signals = resume_at, kept, signals
        self.requests = CloseUpRequests(clock, self._cockpit.on_event)
        self._close_ups = CloseUps(self._cockpit, sighting, self.requests)
        self._legs = LegsFlight(
            self._cockpit, lambda leg, share: on_place(PlanPlace(leg, share)), self._close_ups.interrupt
        )
        self._gaps = GapsFlight(self._cockpit, lambda: map(self._wanted, gaps()))
        self._endings = Endings(self._cockpit, self._known)

    @property
    def registration(self) -> HullRegistration | None:
        """Where the ship lies, as soon as the search for her has begun."""
        return self._cockpit.registration

    @property
    def status(self) -> PilotStatus:
        """For the operator's screen."""
        return self._cockpit.status

    @property
    def min_range_m(self) -> float:
        """Shortest good range of the flight."""
        return self._cockpit.min_range_m

    @property
    def distance_m(self) -> float:
        """Flown so far, by the estimator."""
        return self._cockpit.distance_m

    @property
    def looked_at(self) -> list[Array]:
        """Places of the hull, ship frame, that have had their close-up or been refused one."""
        return self._close_ups.looked_at

    @property
    def skipped(self) -> set[int]:
        """Legs that the operator did not want."""
        return self._legs.skipped

    def abort(self) -> None:
        """Ask for the way home; may be called from a signal handler."""
        self.desk.put(OperatorOrder.ABORT)

    @property
    def aborted(self) -> bool:
        """Whether somebody asked for the way home."""
        return self.desk.aborted

    # ---------------------------------------------------------------- the story

    def fly(self) -> None:
        """From preflight to disarmed.

        Raises:
            SafetyStop: a rule ended the mission.
            HullscanError: it could not begin.
        """
        cockpit, vehicle = self._cockpit, self._vehicle
        self._preflight()
        cockpit.water.learn_directions(vehicle.parameter)
        vehicle.take_control()
        with _no_long_collections(), vehicle.armed(leaving=Disarm.WHEN_SHALLOW):
            cockpit.enter(PilotState.ARMED, mark("armed"))
            ended = self._survey()
            self.requests.close()
            if ended is None:
                self._endings.surface()
            else:
                self._endings.end(ended)
            cockpit.enter(PilotState.DISARM, mark("disarming at the surface"))
        cockpit.enter(PilotState.ENDED, mark("the flight has ended"))
        if ended is not None and ended.rule != "abort":
            raise stop(ended)

    def _survey(self) -> Verdict | None:
        """What the flight is for; the verdict that ended it early, if one did."""
        try:
            self._vehicle.set_mode(Mode.GUIDED)
            self._descend_and_fix()
            self._cockpit.watch.course.end_utc_s = self._clock.now() + 60 * self._mission.file.window_min
            self._fly_legs()
        except Ends as ends:
            return ends.verdict
        except SafetyStop:
            raise
        except Exception as error:  # noqa: BLE001 a fault of this program must not leave a vehicle below a ship
            return went_wrong(error)
        return None

    def _fly_legs(self) -> None:
        """The planned legs but the last, the gaps that are left, then the last leg: home."""
        cockpit, last = self._cockpit, len(self._plan.legs) - 1
        number, share = 0, 0.0
        if self._resume_at is not None:
            number, share = self._resume_at.leg, self._resume_at.share
            if number > 0:
                number, share = self._legs.go_to(number, share)
            leg = self._plan.legs[min(number, last)]
            share = max(share - _OVERLAP_M / max(leg.length_m, _OVERLAP_M), 0.0)
        first = next((at for at, leg in enumerate(self._plan.legs) if leg.surveys), 0)
        if number < first:
            self._legs.fly(number, share, until=first)
            number, share = first, 0.0
        self._look_about()
        self._legs.fly(number, share, until=last)
        self._gaps.fly(self._legs.flown(), self._plan.legs[last])
        self._legs.fly(last)
        cockpit.watch.course.searching = False

    def _look_about(self) -> None:
        """Left and right on the spot, beside the hull, so that the pictures' time can be measured against the gyro."""
        turning, cockpit = self._signals.turning, self._cockpit
        if turning is None or cockpit.status.overhead:
            return
        cockpit.on_event("video", mark("looking left and right, to measure how late the pictures are"), {})
        cockpit.stand()
        place = cockpit.place()
        yaw, at = float(place.rotation.as_euler("ZYX")[0]), vector(place.position_m)
        begin_s = cockpit.clock.now()
        turning(True)
        try:
            for now_s in cockpit.ticks(_LOOK_ABOUT_S):
                verdict = cockpit.tick()
                if verdict.act is Act.HOLD:
                    return  # there is something graver; the lane takes it up
                aside = _ASIDE_RAD * float(np.sin(2 * np.pi * (now_s - begin_s) / _SWAY_S))
                cockpit.send(PositionVelocityYaw(at, (0.0, 0.0, 0.0), yaw + aside))
        finally:
            turning(False)

    def _wanted(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Those of legs that the operator did not skip."""
        return [piece for piece in pieces if piece.leg not in self._legs.skipped]

    def _known(self) -> Array:
        """(n, 6) the route that is known to be clear, from the launch to about here."""
        flown = self._legs.flown() if _has_left(self._cockpit) else self._plan.legs[0].poses[:1, 1:]
        extra = self._gaps.flown()
        return np.concatenate([flown, extra]) if len(extra) else flown

    # ---------------------------------------------------------------- before the legs

    def _preflight(self) -> None:
        cockpit = self._cockpit
        hull_gap(self._mission, self._plan.legs[0].poses[:1, 1:])  # lays out the hull's points: not between commands
        cockpit.on_event(PilotState.PREFLIGHT.value, mark("waiting until the vehicle knows its position"), {})
        end_s = self._clock.now() + _READY_TIMEOUT_S
        ticker = Ticker(self._clock, 2.0)
        while not (ready := self._vehicle.readiness()).ready:
            if self.aborted:
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
        cockpit, vehicle = self._cockpit, self._vehicle
        cockpit.enter(PilotState.DESCEND, mark("going down at the launch"))
        start = vehicle.telemetry.pose_at(self._clock.now(), max_gap_s=2.0)
        plan_start = self._plan.legs[0].poses[0]
        expected = expected_ship(self._mission, plan_start[1:4], vehicle.telemetry.origin, start.position_m)
        heading = expected.heading_rad + float(plan_start[4])
        place = (float(start.position_m[0]), float(start.position_m[1]), float(plan_start[3]))
        mount = self._mission.vehicle.dvl_mount
        noise = noise_of(self._mission.vehicle)
        registration = HullRegistration(self._mission.hull, expected, mount, start.position_m, noise, kept=self._kept)
        cockpit.begin_ranges(registration)
        vehicle.send(SetLights(_LIGHTS))
        vehicle.send(SetTilt(0.0))
        vehicle.send(HoldPosition(place, heading))
        self._wait_until(lambda: vehicle.telemetry.depth_m > place[2] - 0.25, 30.0)
        cockpit.enter(PilotState.FIRST_FIX, mark("looking for the hull"))
        if not self._wait_until(lambda: _has_fix(registration), _FIX_TIMEOUT_S):
            message = mark("the hull was not found from the launch in {seconds:.0f} s ({beams} beams used)")
            data = {"seconds": _FIX_TIMEOUT_S, "beams": registration.used_beams}
            raise Ends(Verdict(Act.RETURN, "no fix", message, data))
        cockpit.launch_ship_m = cockpit.pose_in_ship()[:3]
        pose, beside = registration.pose, plan_start[1:4]
        shift = np.linalg.norm(pose.to_ned(beside) - expected.to_ned(beside))
        cockpit.on_event(
            "first fix",
            mark("hull found; the ship lies {shift_m:.2f} m from where she was expected, seen by the vehicle"),
            {
                "shift_m": float(shift),
                "north_m": pose.north_m,
                "east_m": pose.east_m,
                "heading_deg": float(np.degrees(pose.heading_rad)),
            },
        )

    def _wait_until(self, reached: Callable[[], bool], limit_s: float) -> bool:
        """Tick until something is reached; whether it was in time."""
        told = ""
        for _ in self._cockpit.ticks(limit_s):
            if reached():
                return True
            verdict = self._cockpit.tick()
            if verdict.act is Act.HOLD and verdict.rule != told:
                self._cockpit.tell(verdict)
            told = verdict.rule
        return reached()


@contextmanager
def _no_long_collections() -> Iterator[None]:
    """Python does not look through everything that is there already for garbage, which would hold up commands."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _has_fix(registration: HullRegistration) -> bool:
    return registration.updates >= _FIX_UPDATES and registration.sigma_m[1] < _FIX_SIGMA_M


def _has_left(cockpit: Cockpit) -> bool:
    """Whether the vehicle has begun to follow the plan."""
    return cockpit.status.state not in (PilotState.ARMED, PilotState.DESCEND, PilotState.FIRST_FIX)
