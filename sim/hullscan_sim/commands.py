"""COMMAND_LONG and COMMAND_INT: what each command does and how it is acknowledged.

Numbers and results are those measured on ArduSub 4.5.3; a command that is not in the table is UNSUPPORTED.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

from hullscan_sim.failsafe import Failsafes
from hullscan_sim.flight import Flight
from hullscan_sim.messages import (
    ACCEPTED,
    CRITICAL,
    DENIED,
    FAILED,
    INFO,
    NOTICE,
    UNSUPPORTED,
    WARNING,
    Outbox,
    mavlink,
)
from hullscan_sim.modes import Mode
from hullscan_sim.parameters import Parameters
from hullscan_sim.payload import Payload
from hullscan_sim.streams import Streams
from hullscan_sim.telemetry import Telemetry

__all__ = ["Commands"]

Params = tuple[float, float, float, float, float, float, float]
_DISARM_BUTTONS = (2, 4)  # arm toggle, disarm
_BAROMETER_S = 1.4


class Commands:
    """Runs commands; ``run`` returns a MAV_RESULT, or None when the answer comes later.

    Attributes:
        blocked_until_s: the link is deaf and mute until then (barometer calibration).
        reboot: a reboot was asked for and accepted.
        on_calibrated: called when the barometer has been calibrated.
    """

    def __init__(
        self,
        parameters: Parameters,
        flight: Flight,
        failsafes: Failsafes,
        payload: Payload,
        streams: Streams,
        telemetry: Telemetry,
        outbox: Outbox,
    ) -> None:
        self._parameters, self._flight, self._failsafes = parameters, flight, failsafes
        self._payload, self._streams, self._telemetry, self._outbox = payload, streams, telemetry, outbox
        self.blocked_until_s = 0.0
        self.reboot = False
        self._table: dict[int, Callable[[Params], int | None]] = {
            17: lambda p: self._mode(Mode.POSHOLD),
            21: lambda p: self._mode(Mode.SURFACE),
            115: self._condition_yaw,
            176: self._set_mode,
            178: self._change_speed,
            179: self._set_home,
            183: lambda p: self._payload.set_servo(int(p[0]), int(p[1])),
            185: self._terminate,
            205: lambda p: self._payload.point(p[0]) if p[6] == 2 else FAILED,
            209: self._motor_test,
            203: self._digicam,
            211: self._grip,
            224: self._set_mission_current,
            241: self._calibrate,
            246: self._reboot,
            300: self._mission_start,
            400: self._arm,
            510: self._get_interval,
            511: lambda p: self._streams.set_interval(int(p[0]), p[1], self._telemetry.time_s),
            512: lambda p: self._streams.request(int(p[0])),
            520: lambda p: self._streams.request(148),
            1000: self._gimbal,
            2000: lambda p: self._payload.trigger(),
        }

    def run(self, command: int, params: Params) -> int | None:
        """Run one command."""
        handler = self._table.get(command)
        if handler is None:
            return UNSUPPORTED
        used = tuple(value if isfinite(value) else 0.0 for value in params)
        return handler((used[0], used[1], used[2], used[3], used[4], used[5], used[6]))

    # ---------------------------------------------------------------- mode and arming

    def _mode(self, mode: int) -> int:
        return ACCEPTED if self._flight.set_mode(mode) else FAILED

    def _set_mode(self, params: Params) -> int:
        if not int(params[0]) & 1:
            return DENIED
        return self._mode(int(params[1]))

    def _arm(self, params: Params) -> int:
        if params[0] == 0:
            self._flight.disarm()
            return ACCEPTED
        if params[0] != 1:
            return UNSUPPORTED
        return ACCEPTED if self.arm() else FAILED

    def arm(self) -> bool:
        """Arm after the checks that ArduSub has on by default."""
        if self._flight.armed:
            return True
        buttons = range(16)
        if not any(self._parameters[f"BTN{button}_FUNCTION"] in _DISARM_BUTTONS for button in buttons):
            self._outbox.text(CRITICAL, "Arm: Must assign a disarm or arm_toggle button")
            return False
        if self._failsafes.battery_low:
            self._failsafes.say_battery(asked=True)
            return False
        self._flight.arm()
        if not self._telemetry.global_origin():
            self._outbox.text(WARNING, "Backup location parameters are missing or zero")
            self._outbox.text(WARNING, "Compass performance degraded")
        self._telemetry.set_home_here()
        for message in (*self._telemetry.global_origin(), *self._telemetry.home_position()):
            self._outbox.send(message)
        return True

    def _terminate(self, params: Params) -> int:
        if params[0] <= 0.5:
            return FAILED
        self._flight.disarm()
        return ACCEPTED

    def _mission_start(self, params: Params) -> int:
        return self._mode(Mode.AUTO) if self._flight.armed else FAILED

    def _set_mission_current(self, params: Params) -> int:
        mission, index = self._flight.auto.mission, int(params[0])
        if not 0 <= index < len(mission.items):
            return DENIED
        if params[1] == 1:
            mission.reset()
        if not mission.go_to(index):
            return FAILED
        if params[1] == 1:
            mission.start_or_resume()
        self._outbox.waiting += self._telemetry.mission_current()
        return ACCEPTED

    def _digicam(self, params: Params) -> int:
        """Accepted whether there is a camera or not."""
        if params[4] == 1:
            self._payload.trigger()
        return ACCEPTED

    def _grip(self, params: Params) -> int:
        if int(params[1]) not in (0, 1):
            return FAILED
        return self._payload.grip(closed=int(params[1]) == 1)

    # ---------------------------------------------------------------- motion

    def _condition_yaw(self, params: Params) -> int:
        angle, rate, way, relative = params[:4]
        if not 0 <= angle <= 360 or relative not in (0, 1):
            return DENIED
        self._flight.guided.set_heading(angle, rate, relative=bool(relative), way=int(way))
        return ACCEPTED

    def _change_speed(self, params: Params) -> int:
        if params[1] <= 0:
            return FAILED
        self._flight.position.speed_mps = params[1]
        return ACCEPTED

    def _motor_test(self, params: Params) -> int:
        if not self._flight.armed:
            self._outbox.text(WARNING, "Arm motors before testing motors.")
        return FAILED

    def _gimbal(self, params: Params) -> int:
        """Pitch, yaw, their rates; what is not given is not a number and was made zero, as a rate it keeps still."""
        pitch, rate = params[0], params[2]
        return self._payload.point(None if rate else pitch, rate)

    # ---------------------------------------------------------------- system

    def _set_home(self, params: Params) -> int:
        if params[0] != 1 or not self._telemetry.global_origin():
            return FAILED
        self._telemetry.set_home_here()
        return ACCEPTED

    def _calibrate(self, params: Params) -> int | None:
        if params[2] != 1:
            return FAILED
        if self._flight.armed:
            self._outbox.text(NOTICE, "Disarm to allow calibration")
            return FAILED
        self._outbox.text(INFO, "Calibrating barometer")
        self.blocked_until_s = self._telemetry.time_s + _BAROMETER_S
        return None

    def _reboot(self, params: Params) -> int:
        if params[0] not in (1, 3) or self._flight.armed:
            return FAILED
        self.reboot = True
        return ACCEPTED

    def _get_interval(self, params: Params) -> int:
        number = int(params[0])
        interval_us = self._streams.interval_us(number)
        if interval_us is None:
            return FAILED
        self._outbox.send(mavlink.MAVLink_message_interval_message(number, interval_us))
        return ACCEPTED
