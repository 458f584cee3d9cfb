"""ArduSub over MAVLink: a BlueROV2, the embedded simulator, or ArduSub's own simulator, by the same code.

How it is flown, and why, is measured on ArduSub 4.5.3 (ardusub.md): GUIDED, position + velocity + absolute yaw
at 10 Hz; one position-only message to stop and hold; nothing refuses a bad setpoint, so commands are clipped
before they are sent, and their effect is watched by the pilot.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from hullscan.clock import Clock
from hullscan.errors import LinkError, RefusedError
from hullscan.geometry.frames import GeoOrigin
from hullscan.vehicle.address import Address
from hullscan.vehicle.commands import Command, CommandLimits
from hullscan.vehicle.dialogue import Dialogue
from hullscan.vehicle.helm import CONFIRM_S, Helm
from hullscan.vehicle.link import MavlinkLink
from hullscan.vehicle.messages import AutopilotVersion, Frame, Heartbeat, SetGpsOrigin, SetupSigning, Source, TimeSync
from hullscan.vehicle.modes import Mode
from hullscan.vehicle.parameters import Parameters
from hullscan.vehicle.payload import Payload
from hullscan.vehicle.protocol import ControlState, Disarm, Readiness, VehicleIdentity
from hullscan.vehicle.signing import Signing
from hullscan.vehicle.sources import AUTOPILOT, GROUND_STATION, Station, choose_vehicle
from hullscan.vehicle.streams import StreamRate, Streams
from hullscan.vehicle.telemetry import Telemetry
from hullscan.vehicle.timing import Patience
from hullscan.words import mark

__all__ = ["ArduSubVehicle"]

_VERSION, _ORIGIN = 148, 49  # AUTOPILOT_VERSION, GPS_GLOBAL_ORIGIN
_HEARD_S = 10.0  # ten heartbeats
_SAME_PLACE_DEG = 1e-5  # a metre
_KEPT = 72_000  # samples: an hour at 20 Hz; the log has them all

_log = logging.getLogger(__name__)


class ArduSubVehicle:
    """One ArduSub vehicle on one link; implements ``Vehicle``.

    Args:
        address: where it is heard.
        clock: the mission clock. A ``PacedClock`` is driven by the vehicle's time stamps.
        log: the ``.tlog`` to write; None keeps none.
        limits: what every command is clipped to.
        system: the vehicle's MAVLink system number.
        signing_key: 32 bytes of MAVLink 2 signing.

    Attributes:
        link, dialogue, parameters, payload, streams: the parts, for whoever needs more than ``Vehicle`` offers.
        rates: what the streams delivered when they were verified.

    Raises:
        LinkError: the address cannot be opened.
        RecordError: the log cannot be written.
    """

    def __init__(
        self,
        address: Address,
        clock: Clock,
        *,
        log: Path | None = None,
        limits: CommandLimits | None = None,
        system: int = AUTOPILOT.system,
        signing_key: bytes | None = None,
    ) -> None:
        self._address, self._clock, self._system = address, clock, system
        self.link = MavlinkLink(address, clock, log=log, signing_key=signing_key)
        self._telemetry = Telemetry(clock, Source(system, AUTOPILOT.component), capacity=_KEPT)
        self.dialogue = Dialogue(self.link, clock, self._telemetry)
        self.parameters = Parameters(self.dialogue)
        self.payload = Payload(self.dialogue, self.parameters)
        self.streams = Streams(self.dialogue)
        self.rates: list[StreamRate] = []
        self._helm = Helm(self.link, clock, self._telemetry, self.dialogue, self.payload, limits or CommandLimits())
        self._beats: dict[Source, tuple[Heartbeat, float]] = {}
        self._version: AutopilotVersion | None = None
        self._reboots = 0
        self.link.subscribe(self._on_frame)

    def __enter__(self) -> ArduSubVehicle:
        try:
            self.connect()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _on_frame(self, frame: Frame, utc_s: float) -> None:
        message = frame.message
        if message is not None:
            self._telemetry.observe(frame.source, message, utc_s)
        if isinstance(message, Heartbeat):
            self._beats[frame.source] = message, utc_s
        elif isinstance(message, TimeSync):
            self._telemetry.time.note_round_trip(self.link.round_trip_s)
        elif isinstance(message, AutopilotVersion) and frame.source == self._telemetry.vehicle:
            self._version = message
        if self._telemetry.time.reboots != self._reboots:
            self._reboots = self._telemetry.time.reboots
            self._helm.lose_control(mark("the autopilot restarted"))
        self._helm.observe(frame)
        self.streams.observe(frame)
        self.dialogue.observe(frame)

    # -- being connected -----------------------------------------------------------------------------------

    @property
    def telemetry(self) -> Telemetry:
        """What the vehicle said, by mission time."""
        return self._telemetry

    def connect(self) -> VehicleIdentity:
        """Find the vehicle, start its streams and verify them.

        Raises:
            LinkError: not heard within 10 s (names who was), no answer, or too thin a stream.
            RefusedError: a stream that is needed was refused.
        """
        identity = self.meet()
        self.payload.start()
        self.streams.request()
        if not self.dialogue.wait_until(lambda: self._telemetry.time.known, _HEARD_S):
            raise LinkError("the vehicle's messages carry no time", where=str(self._address))
        self.rates = self.streams.verify()
        return identity

    def meet(self) -> VehicleIdentity:
        """Only find the vehicle and ask who it is: enough to talk about parameters. ``connect`` does it too.

        Raises:
            LinkError: not heard within 10 s (names who was).
        """
        self.link.open()
        self._find()
        return self._identify()

    def _find(self) -> None:
        heard = Patience(self._clock, _HEARD_S)
        while True:
            beats = {source: beat for source, (beat, _) in list(self._beats.items())}
            try:
                self._telemetry.vehicle = choose_vehicle(beats, system=self._system, where=str(self._address))
                self.link.vehicle, self.link.round_trip_s = self._telemetry.vehicle, float("inf")
                break
            except LinkError as error:
                if heard.over:
                    raise self._with_refused(error) from None
            self.dialogue.wait_until(lambda: False, 0.05)  # not clock.sleep: a paced clock may jump back meanwhile
        self.dialogue.wait_until(lambda: self._telemetry.heartbeat.latest is not None, CONFIRM_S)

    def _with_refused(self, error: LinkError) -> LinkError:
        """The same error; where frames came but none with a right signature, that is what went wrong."""
        refused = self.link.refused
        if not refused or self._beats:
            return error
        counts = ", ".join(f"{count} {reason}" for reason, count in sorted(refused.items()))
        return LinkError(
            f"everything heard was refused for its signature: {counts}",
            where=str(self._address),
            todo="check that the vehicle has this key (hullscan signing), or connect without a key",
        )

    def _identify(self) -> VehicleIdentity:
        source = self._telemetry.vehicle
        try:
            self.streams.request_once("AUTOPILOT_VERSION", _VERSION)
        except RefusedError as error:
            _log.warning("%s", error)
            return VehicleIdentity(source)
        self.dialogue.wait_until(lambda: self._version is not None, CONFIRM_S)
        if self._version is None:
            return VehicleIdentity(source)
        return VehicleIdentity(source, self._version.firmware, self._version.git_hash)

    def close(self) -> None:
        """Let go and hang up.

        Raises:
            RecordError: part of the log did not reach the disk.
        """
        self.let_go("hullscan ended")
        self.payload.close()
        self.link.close()

    def check(self) -> None:
        """Raise what went wrong in a thread of ours: RecordError for the log, LinkError for the link."""
        self.link.check()

    def stations(self) -> list[Station]:
        """Other ground stations: while hullscan's own heartbeat is sent, ArduSub cannot notice their loss."""
        now_s = self._clock.now()
        beats = list(self._beats.items())
        return [Station(source, now_s - at_s) for source, (beat, at_s) in beats if beat.vehicle_type == GROUND_STATION]

    def slowed_streams(self) -> tuple[str, ...]:
        """Messages that came as often as asked for, and do not now: they have been asked for again."""
        return self.streams.slowed

    def set_origin(self, origin: GeoOrigin) -> None:
        """Tell the estimator where its local frame lies; without GPS it has no local position before that.

        ArduSub takes it once; a later, different one is not taken.

        Raises:
            LinkError: the vehicle does not confirm.
            RefusedError: it keeps another origin.
        """
        self.dialogue.send(SetGpsOrigin(self._telemetry.vehicle.system, origin.lat_deg, origin.lon_deg))
        if not self.dialogue.wait_until(lambda: self._telemetry.origin is not None, CONFIRM_S):
            self.streams.request_once("the estimator's origin", _ORIGIN)
            self.dialogue.wait_until(lambda: self._telemetry.origin is not None, CONFIRM_S)
        kept = self._telemetry.origin
        if kept is None:
            raise LinkError("the vehicle does not confirm its estimator's origin")
        off_deg = max(abs(kept.lat_deg - origin.lat_deg), abs(kept.lon_deg - origin.lon_deg))
        if off_deg > _SAME_PLACE_DEG:
            raise RefusedError(f"the estimator keeps its origin at {kept.lat_deg:.6f}, {kept.lon_deg:.6f}")

    def setup_signing(self, key: bytes) -> None:
        """Give the vehicle a signing key, over a link that nobody else hears; it answers nothing.

        Raises:
            RefusedError: ArduSub takes no key while armed.
        """
        if self._telemetry.armed:
            raise RefusedError("the vehicle takes no signing key while it is armed", todo="disarm it first")
        start = Signing(key, self._clock.now()).next_time()
        self.dialogue.send(SetupSigning(self._telemetry.vehicle, key, start))

    def parameter(self, name: str) -> float:
        """Value of a parameter, under this or another vintage's name."""
        return self.parameters.get(name)

    def set_parameter(self, name: str, value: float) -> None:
        """Set a parameter and verify what the vehicle made of it."""
        self.parameters.set(name, value)

    # -- being at the helm: see ``Helm`` -------------------------------------------------------------------

    @property
    def control(self) -> ControlState:
        """Whether hullscan flies it."""
        return self._helm.control

    def readiness(self) -> Readiness:
        """Whether it can be flown by position now."""
        return self._helm.readiness()

    def take_control(self) -> None:
        """Begin to fly: our heartbeat starts, and from now on a foreign hand is noticed."""
        self._helm.take_control()

    def let_go(self, reason: str) -> None:
        """Stop heartbeat and commands at once; the vehicle is left as it is."""
        self._helm.let_go(reason)

    def armed(self, leaving: Disarm = Disarm.WHEN_SHALLOW) -> AbstractContextManager[None]:
        """Arm; on any exit disarm as ``leaving`` says, unless somebody else flies by then."""
        return self._helm.armed(leaving)

    def rearm(self) -> None:
        """Arm again what a failsafe has disarmed, inside ``armed()``."""
        self._helm.rearm()

    def set_mode(self, mode: Mode) -> None:
        """Change the flight mode and wait until the vehicle's heartbeat says so."""
        self._helm.set_mode(mode)

    def send(self, command: Command) -> Command:
        """Send a command; the command as it was really sent, after clipping."""
        return self._helm.send(command)
