"""The autopilot as a whole: messages in, messages out, pulses to the motors. Speaks as ArduSub 4.5.3 does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hullscan.geometry.frames import GeoOrigin
from hullscan_sim.battery import Battery
from hullscan_sim.commands import Commands
from hullscan_sim.dvl import DvlReport
from hullscan_sim.dynamics import GRAVITY_MPS2, RigidBody, Vector
from hullscan_sim.estimator import Estimator, StartUp
from hullscan_sim.failsafe import Failsafes
from hullscan_sim.flight import Flight
from hullscan_sim.messages import ACCEPTED, DENIED, FAILED, INFO, Message, Outbox, mavlink
from hullscan_sim.mission_protocol import MissionProtocol
from hullscan_sim.modes import Mode
from hullscan_sim.param_protocol import ParamProtocol
from hullscan_sim.parameters import Parameters
from hullscan_sim.payload import Payload
from hullscan_sim.pilot import PilotInput
from hullscan_sim.scenario import VehicleOptions
from hullscan_sim.sensors import Barometer, EchoSounders
from hullscan_sim.setpoints import Setpoints
from hullscan_sim.signing import Signing
from hullscan_sim.streams import Streams
from hullscan_sim.telemetry import Telemetry

__all__ = ["Autopilot"]

_SYSTEM, _COMPONENT = 1, 1
_SLOW = 5  # failsafes and payload are looked at in every fifth step, 20 times a second
_DEFERRED = 500  # messages kept while the link is blocked
_WATER = 0x20000000  # a sensor that SYS_STATUS has no name for
_YAW_BURST = 30  # in-flight yaw alignment texts of each IMU, 10 a second


class Autopilot:
    """Everything between the sensors and the motors.

    Args:
        options: what it navigates by and how fast it starts.
        launch_origin: where its companion computer tells it to put the local frame's origin.
        parameters: survive a reboot.
        barometer, sounders, battery: the hardware it reads.
        generator: for the errors of its estimate.
        signing: of the link; survives a reboot.
    """

    def __init__(
        self,
        options: VehicleOptions,
        launch_origin: GeoOrigin,
        parameters: Parameters,
        barometer: Barometer,
        sounders: EchoSounders,
        battery: Battery,
        generator: np.random.Generator,
        signing: Signing | None = None,
    ) -> None:
        self.parameters, self._barometer = parameters, barometer
        self.outbox = Outbox()
        start_up = StartUp(share=options.start_up)
        self.nav = Estimator(options.position, start_up, launch_origin, self.outbox.text, generator)
        self.pilot = PilotInput(parameters, self.outbox)
        self.payload = Payload(parameters)
        self.flight = Flight(parameters, self.nav, self.pilot, self.outbox)
        self._signing = signing or Signing(strict=False)
        self.failsafes = Failsafes(
            parameters, self.flight, self.pilot, battery, barometer, self.outbox,
            miss_pilot=options.pilot_failsafe == "hardware",
        )  # fmt: skip
        self.telemetry = Telemetry(
            self.nav, self.flight, self.pilot, self.payload, battery, self.failsafes, barometer, sounders
        )
        self.streams = Streams(parameters, self.outbox, self.telemetry.builders)
        self.commands = Commands(
            parameters, self.flight, self.failsafes, self.payload, self.streams, self.telemetry, self.outbox
        )
        self._setpoints = Setpoints(parameters, self.flight, self.telemetry)
        self._param_protocol = ParamProtocol(parameters, self.outbox)
        self._connect_mission(sounders)
        self._late_ack: Message | None = None
        self._deferred: list[Message] = []
        self._said_ready, self._ready_s = False, start_up.ready_s * start_up.share
        self._had_origin = False
        self._ticks = 0
        self._yaw_burst: list[float] | None = None
        self.flight.on_mode = lambda: self.outbox.waiting.extend(self.telemetry.heartbeat())
        self._handlers: dict[str, Callable[[Message], None]] = {
            "HEARTBEAT": self._heartbeat,
            "COMMAND_LONG": self._command_long,
            "COMMAND_INT": self._command_int,
            "SET_MODE": self._set_mode,
            "MANUAL_CONTROL": self._manual_control,
            "RC_CHANNELS_OVERRIDE": self._rc_override,
            "SET_POSITION_TARGET_LOCAL_NED": self._setpoints.local,
            "SET_POSITION_TARGET_GLOBAL_INT": self._setpoints.world,
            "SET_ATTITUDE_TARGET": self._setpoints.attitude,
            "PARAM_REQUEST_LIST": lambda message: self._param_protocol.request_list(),
            "PARAM_REQUEST_READ": self._param_protocol.request_read,
            "PARAM_SET": self._param_set,
            "REQUEST_DATA_STREAM": self._data_stream,
            "SET_GPS_GLOBAL_ORIGIN": self._set_origin,
            "TIMESYNC": self._timesync,
            "MISSION_REQUEST_LIST": lambda m: self._mission_protocol.request_list(m, self.telemetry.time_s),
            "MISSION_REQUEST_INT": lambda m: self._mission_protocol.request_item(m, self.telemetry.time_s),
            "MISSION_REQUEST": lambda m: self._mission_protocol.request_item(m, self.telemetry.time_s),
            "MISSION_COUNT": lambda m: self._mission_protocol.count(m, self.telemetry.time_s),
            "MISSION_ITEM_INT": lambda m: self._mission_protocol.item(m, self.telemetry.time_s),
            "MISSION_ITEM": lambda m: self._mission_protocol.item(m, self.telemetry.time_s),
            "MISSION_CLEAR_ALL": lambda m: self._mission_protocol.clear_all(m, self.telemetry.time_s),
            "MISSION_SET_CURRENT": lambda m: self._set_current(m),
            "SETUP_SIGNING": lambda m: self._signing.setup(m, self.outbox, armed=self.flight.armed),
            "SYS_STATUS": self._leak_detector,
        }
        self.outbox.text(INFO, "Barometer 1 calibration complete")
        self.outbox.text(INFO, "Barometer 2 calibration complete")

    def _connect_mission(self, sounders: EchoSounders) -> None:
        """AUTO and surface tracking, to what they read and move."""
        auto, telemetry = self.flight.auto, self.telemetry
        auto.to_local, auto.payload = telemetry.local_from, self.payload
        auto.home_down_m = lambda: -(telemetry.home[2] if telemetry.home else 0) / 1000
        self._mission_protocol = MissionProtocol(auto.mission, self.outbox, lambda: telemetry.home)
        self.payload.on_picture = lambda number: self.outbox.send(telemetry.camera_feedback(number))
        low_m, high_m = sounders.RANGE_M
        self.flight.tracking.range_m = lambda: (
            sounders.down.distance_m if low_m < sounders.down.distance_m < high_m else None
        )

    # ---------------------------------------------------------------- one step

    def update(
        self, time_s: float, utc_s: float, dt_s: float, body: RigidBody, depth_m: float, compass_error_rad: float
    ) -> list[int]:
        """Read the sensors, think, and return the pulses of motors 1 to 8.

        Args:
            time_s: since power-up.
            utc_s: the same moment.
            dt_s: since the last step.
            body: the truth, from which sensors are computed.
            depth_m: what the depth sensor is under, waves included.
            compass_error_rad: of the compass here and now.
        """
        self.telemetry.time_s, self.telemetry.utc_s = time_s, utc_s
        self.nav.update(time_s, dt_s, body, compass_error_rad)
        if self._barometer.sample(time_s, depth_m):
            self.flight.depth_m = self._barometer.depth_m(max(self.parameters["BARO_SPEC_GRAV"], 0.1))
            self.nav.feed_depth(self.flight.depth_m, Barometer.PERIOD_S)
        if self._ticks % _SLOW == 0:
            self.pilot.update(time_s)
            self.failsafes.update(time_s)
            self.payload.update(self.pilot.channels, dt_s * _SLOW)
            if self.flight.tracking.range_m() is not None:
                self.nav.feed_ground(time_s)
        self._ticks += 1
        self._grant_wishes()
        pulses = self.flight.update(time_s, dt_s)
        self._announce(time_s, body)
        if time_s >= self.commands.blocked_until_s:
            self._finish_calibration()
            self.telemetry.specific_force = _specific_force(body)
            self.streams.update(time_s)
            self._param_protocol.update(time_s)
            self._mission_protocol.update(time_s)
            if self.flight.auto.fresh_reached:
                self.flight.auto.fresh_reached = False
                self.outbox.waiting += self.telemetry.item_reached()
        return pulses

    def feed_dvl(self, time_s: float, report: DvlReport) -> None:
        """What the DVL driver on the companion computer passes on."""
        if report.valid:
            self.nav.feed_dvl(time_s, report.velocity_frd)

    def take_messages(self) -> list[Message]:
        """What is to be sent now; nothing while the link is blocked."""
        if self.telemetry.time_s < self.commands.blocked_until_s and self._late_ack is not None:
            return []
        return self.outbox.drain()

    def _grant_wishes(self) -> None:
        wishes, self.pilot.wishes = self.pilot.wishes, []
        for wish in wishes:
            if isinstance(wish, Mode):
                self.flight.set_mode(wish)
            elif wish == "centre":
                self.payload.centre()
            elif wish == "disarm" or (wish == "toggle" and self.flight.armed):
                self.flight.disarm()
            else:
                self.commands.arm()

    def _announce(self, time_s: float, body: RigidBody) -> None:
        """What is said without being asked."""
        if not self._said_ready and time_s >= self._ready_s:
            self._said_ready = True
            self.outbox.text(INFO, "ArduPilot Ready")
            self.outbox.text(INFO, "AHRS: DCM active")
        if self.nav.origin is not None and not self._had_origin:
            self._had_origin = True
            self.telemetry.set_home_here()
            self.outbox.waiting += self.telemetry.global_origin() + self.telemetry.home_position()
        if self._yaw_burst is None and self.flight.armed and self.nav.aiding and abs(body.heave_mps) > 0.1:
            self._yaw_burst = [time_s + 0.1 * count for count in range(_YAW_BURST)]
        while self._yaw_burst and time_s >= self._yaw_burst[0]:
            self._yaw_burst.pop(0)
            for lane in (0, 1):
                self.outbox.text(INFO, f"EKF3 IMU{lane} MAG0 in-flight yaw alignment complete")

    def _finish_calibration(self) -> None:
        if self._late_ack is not None:
            self._barometer.calibrate()
            self.outbox.text(INFO, "Barometer 1 calibration complete")
            self.outbox.text(INFO, "Barometer 2 calibration complete")
            self.outbox.send(self._late_ack)
            self._late_ack = None
            deferred, self._deferred = self._deferred, []
            for message in deferred:
                self.handle(message, self.telemetry.time_s)

    # ---------------------------------------------------------------- messages

    def handle(self, message: Message, time_s: float) -> None:
        """Take one message from the link; what is not for this vehicle, or not known, is ignored."""
        self.telemetry.time_s = time_s
        if self.telemetry.time_s < self.commands.blocked_until_s:
            if len(self._deferred) < _DEFERRED:
                self._deferred.append(message)
            return
        handler = self._handlers.get(message.get_type())
        target = getattr(message, "target_system", getattr(message, "target", 0))
        component = getattr(message, "target_component", 0)
        if handler is not None and target in (0, _SYSTEM) and component in (0, _COMPONENT):
            handler(message)

    def _from_gcs(self, message: Message) -> bool:
        return bool(message.get_srcSystem() == self.parameters["SYSID_MYGCS"])

    def _heartbeat(self, message: Message) -> None:
        if self._from_gcs(message):
            self.failsafes.gcs_seen_s = self.telemetry.time_s

    def _acknowledge(self, message: Message, command: int, run: Callable[[], int | None]) -> None:
        """Run and answer; the answer goes out before whatever the command itself sends."""
        mark = len(self.outbox.waiting)
        result = run()
        ack = mavlink.MAVLink_command_ack_message(
            command, ACCEPTED if result is None else result, 0, 0, message.get_srcSystem(), message.get_srcComponent()
        )
        if result is None:
            self._late_ack = ack
        else:
            self.outbox.send_before(mark, ack)

    def _command_long(self, message: Message) -> None:
        m = message
        params = (m.param1, m.param2, m.param3, m.param4, m.param5, m.param6, m.param7)
        self._acknowledge(message, m.command, lambda: self.commands.run(m.command, params))

    def _command_int(self, message: Message) -> None:
        m = message
        params = (m.param1, m.param2, m.param3, m.param4, float(m.x), float(m.y), m.z)
        self._acknowledge(message, m.command, lambda: self.commands.run(m.command, params))

    def _set_mode(self, message: Message) -> None:
        """The old message; it is acknowledged as if it were command 11."""
        if not message.base_mode & 1:
            self._acknowledge(message, 11, lambda: DENIED)
        else:
            number = message.custom_mode
            self._acknowledge(message, 11, lambda: ACCEPTED if self.flight.set_mode(number) else FAILED)

    def _manual_control(self, message: Message) -> None:
        if self._from_gcs(message) and message.target == _SYSTEM:
            self.pilot.manual_control(message, self.telemetry.time_s)
            self.payload.fresh_manual_control()
            self.failsafes.gcs_seen_s = self.telemetry.time_s

    def _rc_override(self, message: Message) -> None:
        if self._from_gcs(message):
            self.pilot.override(message, self.telemetry.time_s)
            self.failsafes.gcs_seen_s = self.telemetry.time_s

    def _param_set(self, message: Message) -> None:
        name = self._param_protocol.set(message)
        if name == "WPNAV_SPEED":
            self.flight.position.speed_mps = self.parameters[name] / 100

    def _data_stream(self, message: Message) -> None:
        self.streams.request_stream(
            message.req_stream_id,
            message.req_message_rate,
            start=bool(message.start_stop),
            time_s=self.telemetry.time_s,
        )

    def _set_origin(self, message: Message) -> None:
        lat, lon = message.latitude / 1e7, message.longitude / 1e7
        if abs(lat) <= 90 and abs(lon) <= 180 and (lat or lon):
            self.nav.set_origin(GeoOrigin(lat, lon))

    def _timesync(self, message: Message) -> None:
        if message.tc1 == 0:
            self.outbox.send(mavlink.MAVLink_timesync_message(int(self.telemetry.time_s * 1e9), message.ts1))

    def _set_current(self, message: Message) -> None:
        """The old message for DO_SET_MISSION_CURRENT; it is answered by the item's number alone."""
        if self.flight.auto.mission.go_to(message.seq):
            self.outbox.waiting += self.telemetry.mission_current()

    def _leak_detector(self, message: Message) -> None:
        """A leak detector in another enclosure: it is wet when its bit is enabled and not healthy."""
        enabled, health = message.onboard_control_sensors_enabled, message.onboard_control_sensors_health
        if enabled & _WATER and not health & _WATER:
            self.failsafes.wet()


def _specific_force(body: RigidBody) -> Vector:
    """What the accelerometers feel, body axes."""
    n, e, d = body.acceleration
    return body.to_body((n, e, d - GRAVITY_MPS2))
