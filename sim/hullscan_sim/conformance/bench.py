"""Runs rows on a vehicle: brings it into the row's starting state, sends, listens, judges, and puts things back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import degrees, hypot
from statistics import median

from hullscan.errors import LinkError
from hullscan_sim.conformance.row import Row, Vehicle
from hullscan_sim.conformance.sees import Record
from hullscan_sim.conformance.sends import Local, Skip
from hullscan_sim.conformance.session import Heard, Session
from hullscan_sim.conformance.wire import EmbeddedWire, UdpWire, Wire
from hullscan_sim.messages import mavlink

__all__ = ["Bench", "Check", "EmbeddedBench", "Outcome", "RemoteBench"]

_POSITION_YAW = 0x09F8
_DEPTH_M = 3.0
_WATCHED_S = 50.0
_REBOOT_SEEN_S = 8.0  # a clock that goes back from less may not be noticed
_PILOT_MISSED_S = 4.0  # by then the pilot-input failsafe has acted for the first time
_MODES = {"guided": 4, "alt_hold": 2, "poshold": 16, "manual": 19, "stabilize": 0, "surftrak": 21}
_POSITION_FLAGS = (16, 8)  # EKF_POS_HORIZ_ABS, EKF_POS_HORIZ_REL
_LOST_FLAG = 128
_BASELINE = {"FS_PILOT_INPUT": 0.0, "FS_GCS_ENABLE": 1.0}
"""On a vehicle that runs by itself: a pause of this program must not disarm it. Rows about these set them."""
_LEFT = {"hardware": "FS_PILOT_INPUT"}
"""What such a vehicle is there for stays as delivered."""
_NEEDS: dict[Vehicle, str] = {
    "gps": "needs a vehicle that navigates by GPS",
    "dvl": "needs a vehicle that navigates by a DVL",
    "hardware": "needs a vehicle whose pilot-input failsafe acts, as a stock SITL's does not",
    "serial1": "needs a link on the autopilot's second port",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation, judged."""

    expected: str
    seen: str
    same: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row, judged: ``skipped`` says why it was not."""

    row: Row
    checks: tuple[Check, ...] = ()
    skipped: str | None = None

    @property
    def same(self) -> bool:
        """Whether the vehicle did all of it."""
        return self.skipped is None and all(check.same for check in self.checks)


class Bench:
    """What both kinds of bench have in common."""

    slack_s = 0.0

    def run(self, row: Row) -> Outcome:
        """Run one row.

        Raises:
            LinkError: the vehicle has fallen silent.
        """
        if row.start == "watched power-up":
            return self._judge(row, self._watched(), {"start": 0.0, "end": _WATCHED_S})
        try:
            session = self._session(row)
            before = {name: session.read_parameter(name) for name in row.touched}
            self._prepare(session, row)
        except Skip as reason:
            return Outcome(row, skipped=str(reason))
        marks = {"start": 0.0 if row.start == "power-up" else session.now_s}
        session.forget()
        try:
            for send in row.send:
                send.run(session, marks)
        except Skip as reason:
            return Outcome(row, skipped=str(reason))
        finally:
            marks["end"] = session.now_s
            heard = tuple(session.heard)
            if not session.heartbeat:
                session.heartbeat = True
                session.wait(1.2)
            for name, value in before.items():
                if value is not None:
                    session.set_parameter(name, value)
        if row.spoils or row.fails or row.boots:
            self._spoiled(row)
        return self._judge(row, heard, marks)

    def _judge(self, row: Row, heard: tuple[Heard, ...], marks: dict[str, float]) -> Outcome:
        record = Record(heard, marks, self.slack_s)
        return Outcome(row, tuple(Check(see.expected, *see.check(record)) for see in row.see))

    # ---------------------------------------------------------------- what differs

    def _session(self, row: Row) -> Session:
        raise NotImplementedError

    def _watched(self) -> tuple[Heard, ...]:
        raise NotImplementedError

    def _spoiled(self, row: Row) -> None:
        raise NotImplementedError

    def _take_parameters(self) -> None:
        """Reboot, where it needs that; the embedded simulator takes all of them at once."""

    def close(self) -> None:
        """Let go of the vehicle."""
        raise NotImplementedError

    # ---------------------------------------------------------------- starting states

    def _prepare(self, session: Session, row: Row) -> None:
        for name, value in row.params:
            if not session.set_parameter(name, value):
                raise Skip(f"there is no parameter {name}")
        if row.boots:
            self._take_parameters()
        if row.start == "power-up":
            return
        if row.vehicle == "hardware":
            session.wait(max(_PILOT_MISSED_S - session.now_s, 0.0))
        if row.start == "disarmed":
            self._rest(session)
        else:
            self._hover(session)
            mode = _MODES[row.start]
            if mode != session.mode:
                session.command(176, 1, mode)
                session.wait_for(lambda: session.mode == mode, 2.0)
                session.wait(1.0)

    def _rest(self, session: Session) -> None:
        """Disarmed in MANUAL, with a position."""
        session.command(400, 0)
        session.command(176, 1, 19)
        wait_for_position(session)
        session.fresh_heartbeat()

    def _hover(self, session: Session) -> None:
        """Armed in GUIDED, 3 m deep at the origin, heading north, at rest."""
        wait_for_position(session)
        for turn_rad in (0.08, 0.08, 0.2, 0.2):  # after a fast spin the real one stays some degrees off
            session.command(176, 1, 4)
            session.command(400, 1)
            Local(_POSITION_YAW, (0.0, 0.0, _DEPTH_M)).run(session, {})
            if session.wait_for(partial(_at_rest, session, turn_rad), 25.0):
                session.wait(0.5)
                if _at_rest(session, turn_rad):
                    return
        north, east, down = session.place
        raise LinkError(
            f"the vehicle does not come to rest at the origin: {north:.2f} m north, {east:.2f} m east,"
            f" {down:.2f} m deep, heading {_heading_deg(session):.0f}, mode {session.mode},"
            f" {'armed' if session.armed else 'disarmed'}",
            todo="look at its messages",
        )


def _heading_deg(session: Session) -> float:
    attitude = session.last.get("ATTITUDE")
    return 0.0 if attitude is None else degrees(attitude.yaw)


def _at_rest(session: Session, turn_rad: float) -> bool:
    place, attitude = session.last.get("LOCAL_POSITION_NED"), session.last.get("ATTITUDE")
    if place is None or attitude is None or session.flags & _LOST_FLAG:
        return False
    away = hypot(place.x, place.y, place.z - _DEPTH_M)
    return away < 0.3 and hypot(place.vx, place.vy, place.vz) < 0.1 and abs(attitude.yaw) < turn_rad


def wait_for_position(session: Session) -> None:
    """Until the EKF has a position to fly by.

    Raises:
        LinkError: it never gets one.
    """
    ready = session.wait_for(
        lambda: any(session.flags & bit for bit in _POSITION_FLAGS) and not session.flags & _LOST_FLAG, 90.0
    )
    if not ready:
        raise LinkError(f"no position after 90 s: EKF flags {session.flags}", todo="give the vehicle GPS or a DVL")


class EmbeddedBench(Bench):
    """The embedded simulator in this process: a vehicle of each kind, started when first needed."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._watched_record: tuple[Heard, ...] | None = None

    def _session(self, row: Row) -> Session:
        if row.start == "power-up":
            return Session(self._wire(row.vehicle, 1.0))
        if row.vehicle not in self._sessions:
            session = Session(self._wire(row.vehicle, 0.0))
            session.wait_for(lambda: "HEARTBEAT" in session.last, 5.0)
            session.ask_fine_telemetry()
            wait_for_position(session)
            self._sessions[row.vehicle] = session
        return self._sessions[row.vehicle]

    def _wire(self, vehicle: Vehicle, start_up: float) -> EmbeddedWire:
        return EmbeddedWire(
            position="dvl" if vehicle == "dvl" else "gps",
            start_up=start_up,
            pilot_failsafe="hardware" if vehicle == "hardware" else "stock_sitl",
            link="serial1" if vehicle == "serial1" else "serial0",
        )

    def _watched(self) -> tuple[Heard, ...]:
        if self._watched_record is None:
            session = Session(self._wire("gps", 1.0))
            session.heartbeat = False
            session.wait(_WATCHED_S)
            self._watched_record = tuple(session.heard)
        return self._watched_record

    def _spoiled(self, row: Row) -> None:
        if row.start != "power-up":  # those have a vehicle of their own
            self._sessions.pop(row.vehicle).wire.close()

    def close(self) -> None:
        """Forget the vehicles."""
        for session in self._sessions.values():
            session.wire.close()
        self._sessions.clear()


class RemoteBench(Bench):
    """Any vehicle at an address. It is rebooted for the rows that begin at power-up.

    Args:
        url: ``udpin:host:port`` or ``udpout:host:port``.
        vehicle: what kind it is: rows for other kinds are skipped.
        wire: the link, where it is open already.
    """

    def __init__(self, url: str, vehicle: Vehicle = "gps", wire: Wire | None = None) -> None:
        self.vehicle = vehicle
        self._wire: Wire = UdpWire(url) if wire is None else wire
        self._link = Session(self._wire)
        self._watched_record: tuple[Heard, ...] | None = None
        self._begin()
        self.is_sitl = self._link.read_parameter("SIM_GPS_DISABLE") is not None
        baseline = {name: value for name, value in _BASELINE.items() if name != _LEFT.get(vehicle)}
        self._found = {name: self._link.read_parameter(name) for name in baseline}
        for name, value in baseline.items():
            self._link.set_parameter(name, value)
        self.slack_s = self.measure_slack()

    def _begin(self) -> None:
        session = self._link
        session.wait_for(lambda: "HEARTBEAT" in session.last and session.now_s > 0, 30.0)
        session.ask_fine_telemetry()

    def measure_slack(self) -> float:
        """What the link and the speed-up add to an answer, vehicle time."""
        delays = []
        for _ in range(7):
            start_s = self._link.now_s
            self._link.command(512, 148)
            delays.append(self._link.now_s - start_s)
        return 2 * median(delays) + 0.04

    def _session(self, row: Row) -> Session:
        if row.vehicle != self.vehicle:
            raise Skip(_NEEDS[row.vehicle])
        if row.start == "power-up":
            self._reboot()
        return self._link

    def _watched(self) -> tuple[Heard, ...]:
        if self._watched_record is None:
            self._reboot()
            self._link.heartbeat = False
            self._link.wait(max(_WATCHED_S - self._link.now_s, 0.0))
            self._watched_record = tuple(self._link.heard)
            self._link.heartbeat = True
            self._link.ask_fine_telemetry()
        return self._watched_record

    def _reboot(self) -> None:
        session = self._link
        if session.armed:
            session.command(400, 0)
            session.wait_for(lambda: not session.armed, 3.0)
        session.wait(max(_REBOOT_SEEN_S - session.now_s, 0.0))
        before_s = session.now_s
        session.heartbeat = False
        mark = len(session.heard)
        session.send(mavlink.MAVLink_command_long_message(1, 1, 246, 0, 1, 0, 0, 0, 0, 0, 0))
        session.wait_for(lambda: session.now_s < before_s, 60.0)  # its answer may come, and may be lost
        # what came before the first message with a time came at the very start
        fresh = [entry for entry in session.heard[mark:] if entry.message.get_type() != "COMMAND_ACK"]
        session.last = {entry.message.get_type(): entry.message for entry in fresh}
        session.heard = [entry if entry.time_s < before_s else Heard(0.0, entry.message) for entry in fresh]
        session.heartbeat = True

    def _spoiled(self, row: Row) -> None:
        if row.start != "power-up":
            self._reboot()
        self._begin()

    def _take_parameters(self) -> None:
        self._reboot()
        self._begin()

    def close(self) -> None:
        """Leave the vehicle as it was found."""
        if self._link.armed:
            self._link.command(400, 0)
        for name, value in self._found.items():
            if value is not None:
                self._link.set_parameter(name, value)
        self._wire.close()
