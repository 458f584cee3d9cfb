"""Lamps and camera tilt: acknowledged commands that must not hold up the control loop.

``want`` returns at once; a thread of its own sends, verifies and retries. The newest wish wins. A refusal does
not end a mission: it is logged and kept in ``refusals`` for the console and the report.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import deque

from hullscan.errors import HullscanError, RefusedError
from hullscan.vehicle.commands import SetLights, SetTilt
from hullscan.vehicle.dialogue import Dialogue
from hullscan.vehicle.parameters import LIGHTS_FUNCTIONS, Parameters

__all__ = ["Payload"]

_DO_SET_SERVO = 183  # MAV_CMD
_DO_MOUNT_CONTROL = 205
_MOUNT_BY_MAVLINK = 2  # MAV_MOUNT_MODE_MAVLINK_TARGETING
_OFF_US, _FULL_US = 1_100, 1_900  # Blue Robotics lamps (vehicle.md 2e)
_PASS_THROUGH = (59, 60)  # DO_SET_SERVO works on functions RCIN9 and RCIN10 and keeps its value (ardusub.md 2.9)
_OUTPUTS = range(1, 17)

_log = logging.getLogger(__name__)


class Payload:
    """Carries out ``SetLights`` and ``SetTilt`` in the background.

    Attributes:
        refusals: what the vehicle would not do, the newest last.
    """

    def __init__(self, dialogue: Dialogue, parameters: Parameters) -> None:
        self._dialogue, self._parameters = dialogue, parameters
        self._wanted: dict[type[SetLights | SetTilt], SetLights | SetTilt] = {}
        self._changed = threading.Condition()
        self._stop = False
        self._outputs: tuple[int, ...] | None = None
        self.refusals: deque[str] = deque(maxlen=100)
        self._thread = threading.Thread(target=self._run, name="payload", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def want(self, command: SetLights | SetTilt) -> None:
        """Ask for a state; it replaces an earlier wish of its kind."""
        with self._changed:
            self._wanted[type(command)] = command
            self._changed.notify()

    def close(self) -> None:
        """Stop after the command that is under way."""
        with self._changed:
            self._stop = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stop or self._wanted)
                if self._stop:
                    return
                command = self._wanted.pop(next(iter(self._wanted)))
            try:
                self.carry_out(command)
            except HullscanError as error:
                self.refusals.append(str(error))
                _log.warning("%s", error)

    def carry_out(self, command: SetLights | SetTilt) -> None:
        """Do it now and wait for the vehicle's word.

        Raises:
            RefusedError: the vehicle refused.
            LinkError: no answer.
        """
        if isinstance(command, SetTilt):
            degrees = math.degrees(command.tilt_rad)
            params = (degrees, 0.0, 0.0, 0.0, 0.0, 0.0, float(_MOUNT_BY_MAVLINK))
            self._dialogue.command("the camera's tilt", _DO_MOUNT_CONTROL, *params)
            return
        pwm_us = round(_OFF_US + command.level * (_FULL_US - _OFF_US))
        for output in self._lamp_outputs():
            self._dialogue.command("the lamps", _DO_SET_SERVO, float(output), float(pwm_us))

    def _lamp_outputs(self) -> tuple[int, ...]:
        """Servo outputs of the lamps, looked up once."""
        if self._outputs is None:
            names = {f"SERVO{output}_FUNCTION": output for output in _OUTPUTS}
            functions = self._parameters.find_many(names)
            lamps = {names[name]: int(value) for name, value in functions.items() if int(value) in LIGHTS_FUNCTIONS}
            self._outputs = tuple(sorted(o for o, function in lamps.items() if function in _PASS_THROUGH))
            if lamps and not self._outputs:
                raise RefusedError(
                    "this firmware's lamps (servo functions 181 and 182) take no command over MAVLink",
                    todo="set them by joystick",
                )
        if not self._outputs:
            raise RefusedError("no servo output of this vehicle has lamps", todo="set SERVOn_FUNCTION 59")
        return self._outputs
