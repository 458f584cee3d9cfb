"""What a row sends: small frozen verbs, run one after the other in the vehicle's time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from hullscan_sim.conformance.session import Session
from hullscan_sim.messages import Message, mavlink

__all__ = [
    "FAULTS_OF_SITL", "Command", "Each", "Fault", "Global", "Hears", "Heartbeats", "Lean", "Local", "Mark", "Override",
    "Planned", "Post", "Reads", "Send", "Sets", "Signs", "Skip", "Sticks", "Upload", "Wait", "WaitUntil",
]  # fmt: skip

Vector = tuple[float, float, float]
Planned = tuple[int, int, tuple[float, float, float, float], "tuple[float, float] | None", float]
"""An item of a mission: frame, command, parameters 1 to 4, metres north and east of the origin, z."""
_ZERO: Vector = (0.0, 0.0, 0.0)
_ANSWER_S = 2.5
FAULTS_OF_SITL = {
    "position_loss": ("SIM_GPS_DISABLE", 1.0),
    "depth_sensor_loss": ("SIM_BARO_DISABLE", 1.0),
    "dvl_dropout": ("SIM_VICON_FAIL", 1.0),
}


class Skip(Exception):
    """This row cannot be judged on this vehicle; says why."""


class Send(Protocol):
    """One thing that is done."""

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Do it; ``marks`` names moments of the vehicle's time."""
        ...


@dataclass(frozen=True, slots=True)
class Wait:
    """Listen for some seconds."""

    seconds: float

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Wait."""
        session.wait(self.seconds)


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Listen until a moment after the autopilot's start."""

    boot_s: float

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Wait."""
        session.wait(max(self.boot_s - session.now_s, 0.0))


@dataclass(frozen=True, slots=True)
class Hears:
    """Listen until a text has come, or so many seconds have gone."""

    text: str
    seconds: float

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Wait."""
        mark = len(session.heard)
        session.wait_for(
            lambda: any(
                entry.message.get_type() == "STATUSTEXT" and entry.message.text.startswith(self.text)
                for entry in session.heard[mark:]
            ),
            self.seconds,
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """Give this moment a name."""

    name: str

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Note it."""
        marks[self.name] = session.now_s


@dataclass(frozen=True, slots=True)
class Command:
    """COMMAND_LONG or COMMAND_INT, wait for the answer, and then listen for a while."""

    number: int
    params: tuple[float, ...] = ()
    listen_s: float = 0.3
    as_int: bool = False

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Send it."""
        p = [*self.params, *[0.0] * (7 - len(self.params))]
        mark = len(session.heard)
        if self.as_int:
            xyz = (int(p[4]), int(p[5]), p[6])
            session.send(mavlink.MAVLink_command_int_message(1, 1, 6, self.number, 0, 0, *p[:4], *xyz))
        else:
            session.send(mavlink.MAVLink_command_long_message(1, 1, self.number, 0, *p))
        session.wait_for(lambda: any(_answers(entry.message, self.number) for entry in session.heard[mark:]), _ANSWER_S)
        session.wait(self.listen_s)


def _answers(message: Message, command: int) -> bool:
    return message.get_type() == "COMMAND_ACK" and bool(message.command == command)


@dataclass(frozen=True, slots=True)
class Post:
    """Any message, once."""

    message: Message
    listen_s: float = 0.3

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Send it."""
        session.send(self.message)
        session.wait(self.listen_s)


@dataclass(frozen=True, slots=True)
class Sets:
    """PARAM_SET."""

    name: str
    value: float
    listen_s: float = 0.5

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Send it."""
        session.send(mavlink.MAVLink_param_set_message(1, 1, self.name.encode("ascii"), self.value, 9))
        session.wait(self.listen_s)


@dataclass(frozen=True, slots=True)
class Reads:
    """PARAM_REQUEST_READ by name, or by index."""

    name: str = ""
    index: int = -1

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Send it."""
        session.send(mavlink.MAVLink_param_request_read_message(1, 1, self.name.encode("ascii"), self.index))
        session.wait(0.5)


@dataclass(frozen=True, slots=True)
class Heartbeats:
    """Send heartbeats, or fall silent."""

    on: bool

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Switch."""
        session.heartbeat = self.on


@dataclass(frozen=True, slots=True)
class Local:
    """SET_POSITION_TARGET_LOCAL_NED; angles in radians."""

    mask: int
    place: Vector = _ZERO
    velocity: Vector = _ZERO
    yaw: float = 0.0
    rate: float = 0.0
    frame: int = 1
    acceleration: Vector = _ZERO

    def message(self) -> Message:
        """As it goes out."""
        return mavlink.MAVLink_set_position_target_local_ned_message(
            0, 1, 1, self.frame, self.mask, *self.place, *self.velocity, *self.acceleration, self.yaw, self.rate
        )

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Send it once."""
        session.send(self.message())


@dataclass(frozen=True, slots=True)
class Global:
    """SET_POSITION_TARGET_GLOBAL_INT to a place some metres from where the vehicle is now."""

    mask: int
    north_m: float
    east_m: float
    alt_m: float
    frame: int = 6

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Send it once."""
        here = session.last["GLOBAL_POSITION_INT"]
        lat = here.lat + round(self.north_m / 111_319.49 * 1e7)
        lon = here.lon + round(self.east_m / (111_319.49 * 0.8184) * 1e7)  # the cosine of 35.07 degrees
        session.send(
            mavlink.MAVLink_set_position_target_global_int_message(
                0, 1, 1, self.frame, self.mask, lat, lon, self.alt_m, 0, 0, 0, 0, 0, 0, 0, 0
            )
        )


@dataclass(frozen=True, slots=True)
class Lean:
    """SET_ATTITUDE_TARGET; ``q`` is w, x, y, z."""

    mask: int
    q: tuple[float, float, float, float]
    thrust: float = 0.5

    def message(self) -> Message:
        """As it goes out."""
        return mavlink.MAVLink_set_attitude_target_message(0, 1, 1, self.mask, list(self.q), 0, 0, 0, self.thrust)

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Send it once."""
        session.send(self.message())


@dataclass(frozen=True, slots=True)
class Sticks:
    """MANUAL_CONTROL."""

    x: int = 0
    y: int = 0
    z: int = 500
    r: int = 0
    buttons: int = 0
    s: int | None = None
    t: int | None = None
    system: int = 255
    target: int = 1

    def message(self) -> Message:
        """As it goes out."""
        extensions = (self.s is not None) + 2 * (self.t is not None)
        return mavlink.MAVLink_manual_control_message(
            self.target, self.x, self.y, self.z, self.r, self.buttons, 0, extensions, self.s or 0, self.t or 0
        )

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Send it once."""
        own = session.mav.srcSystem
        session.mav.srcSystem = self.system
        session.send(self.message())
        session.mav.srcSystem = own


@dataclass(frozen=True, slots=True)
class Override:
    """RC_CHANNELS_OVERRIDE; channels that are not named are left alone."""

    channels: tuple[tuple[int, int], ...]

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Send it once."""
        values = [65535] * 8 + [0] * 10
        for channel, pulse_us in self.channels:
            values[channel - 1] = pulse_us
        session.send(mavlink.MAVLink_rc_channels_override_message(1, 1, *values))


@dataclass(frozen=True, slots=True)
class Each:
    """The same thing again and again, or one that depends on the time since it began."""

    what: Send | Callable[[float], Send]
    for_s: float
    rate_hz: float = 10.0

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Send at the rate, in vehicle time."""
        start_s = next_s = session.now_s
        while session.now_s < start_s + self.for_s:
            if session.now_s >= next_s:
                next_s = max(next_s + 1 / self.rate_hz, session.now_s)
                send = self.what(session.now_s - start_s) if callable(self.what) else self.what
                send.run(session, marks)
            session.pump()


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that can only be made from within: by SIM_ parameters, or by the embedded simulator's scenario."""

    kind: str
    for_s: float = 1e6

    @property
    def of_sitl(self) -> bool:
        """Whether ArduPilot's own simulator has it."""
        return self.kind in FAULTS_OF_SITL

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Begin it.

        Raises:
            Skip: this vehicle cannot be made to fail so.
        """
        inject = getattr(session.wire, "fault", None)
        if inject is not None:
            inject(self.kind, self.for_s)
            return
        name, value = FAULTS_OF_SITL.get(self.kind, ("", 0.0))
        if not name or session.read_parameter(name) is None:
            raise Skip(f"nothing here can make {self.kind.replace('_', ' ')}")
        found = session.read_parameter(name) or 0.0
        session.set_parameter(name, value)
        session.later.append((session.now_s + self.for_s, partial(session.set_parameter, name, found)))


@dataclass(frozen=True, slots=True)
class Upload:
    """A mission by the mission protocol, without its item 0, which is home; a place of None is sent as 0, 0.

    Begins with a short disarming, so that AUTO starts anew and does not resume an item."""

    items: tuple[Planned, ...]
    listen_s: float = 0.5

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Answer each MISSION_REQUEST until the acknowledgement."""
        session.fresh_heartbeat()
        armed = session.armed
        origin = session.last["GPS_GLOBAL_ORIGIN"]
        packets = [
            mavlink.MAVLink_mission_item_int_message(
                1, 1, 0, 0, 16, 0, 1, 0, 0, 0, 0, origin.latitude, origin.longitude, 0
            )
        ]
        for number, (frame, command, params, place, z) in enumerate(self.items, start=1):
            x, y = 0, 0
            if place is not None:
                x = origin.latitude + round(place[0] / 111_319.49 * 1e7)
                y = origin.longitude + round(place[1] / (111_319.49 * 0.8184) * 1e7)
            packets.append(
                mavlink.MAVLink_mission_item_int_message(1, 1, number, frame, command, 0, 1, *params, x, y, z)
            )
        session.command(400, 0)  # forgets which item was being flown
        if armed:
            session.command(400, 1)
        session.wait(0.2)
        mark = len(session.heard)
        session.send(mavlink.MAVLink_mission_count_message(1, 1, len(packets)))
        answered = 0

        def finished() -> bool:
            nonlocal answered, mark
            fresh, mark = session.heard[mark:], len(session.heard)
            for entry in fresh:
                kind = entry.message.get_type()
                if kind in ("MISSION_REQUEST", "MISSION_REQUEST_INT") and entry.message.seq < len(packets):
                    session.send(packets[entry.message.seq])
                    answered += 1
                elif kind == "MISSION_ACK":
                    return True
            return False

        session.wait_for(finished, 5.0)
        session.wait(self.listen_s)


@dataclass(frozen=True, slots=True)
class Signs:
    """Sign what is sent from now on with a key of 32 bytes; None to stop signing."""

    key: bytes | None
    timestamp: int = 0

    def run(self, session: Session, marks: dict[str, float]) -> None:
        """Switch."""
        signing = session.mav.signing
        signing.secret_key, signing.sign_outgoing = self.key, self.key is not None
        signing.link_id, signing.timestamp = 7, self.timestamp
