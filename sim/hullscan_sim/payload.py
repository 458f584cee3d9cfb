"""Lights, camera tilt, gripper and still camera: servo outputs, and what they do.

Output 9 follows RC channel 9 (the lights), output 10 is the camera's tilt servo: 1100 to 1900 us over the
mount's range. A MAVLink gimbal command takes the mount over from the joystick until "centre" is pressed.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi

from hullscan_sim.messages import ACCEPTED, FAILED
from hullscan_sim.parameters import Parameters

__all__ = ["Payload"]

_RC_PASS_THROUGH = frozenset(range(51, 67))  # servo functions RCIN1 to RCIN16
_MOUNT_TILT, _GRIPPER = 7, 28
_BY_SERVO = 1  # GRIP_TYPE
_GRAB_US, _RELEASE_US = 1900, 1100
_JOYSTICK_DEG_S = 30.0
_SERVO_S = 0.15  # lag of the tilt servo


class Payload:
    """Servo outputs 9 to 16 and the state of lights and camera.

    Attributes:
        outputs: pulse width of outputs 9 to 16, 0 without a signal.
        tilt_rad: present camera tilt, up positive.
        light_left: share of the light that the lamps still give; outputs do not know of it.
        pictures: taken by the still camera so far.
        on_picture: told of each, by its number.
    """

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self.outputs = [0] * 8
        self.tilt_rad = 0.0
        self.light_left = 1.0
        self._wanted_deg = 0.0
        self._rate_deg_s = 0.0
        self._by_mavlink = False
        self._last_channels: list[int] = []
        self._version, self._functions = -1, [0] * 8
        self.pictures = 0
        self.on_picture: Callable[[int], None] = lambda number: None

    def update(self, channels: list[int], dt_s: float) -> None:
        """Follow RC channels and move the camera."""
        if self._version != self._parameters.version:
            self._version = self._parameters.version
            self._functions = [self._function(index + 9) for index in range(8)]
        for index, function in enumerate(self._functions):
            if function == _MOUNT_TILT and self._parameters["MNT1_TYPE"] > 0:
                self._move_mount(channels[7], index, dt_s)
            elif function in _RC_PASS_THROUGH:
                value = channels[function - 51]
                if value and (not self._last_channels or value != self._last_channels[function - 51]):
                    self.outputs[index] = value
        if channels != self._last_channels:
            self._last_channels = list(channels)
        self.tilt_rad += min(dt_s / _SERVO_S, 1.0) * (self._wanted_deg * pi / 180 - self.tilt_rad)

    def fresh_manual_control(self) -> None:
        """A MANUAL_CONTROL packet writes its own lights level over whatever was set."""
        self._last_channels = []

    def _move_mount(self, channel: int, index: int, dt_s: float) -> None:
        low, high = self._parameters["MNT1_PITCH_MIN"], self._parameters["MNT1_PITCH_MAX"]
        rate = self._rate_deg_s if self._by_mavlink else (channel - 1500) / 400 * _JOYSTICK_DEG_S
        self._wanted_deg = min(max(self._wanted_deg + rate * dt_s, low), high)
        self.outputs[index] = min(max(1500 + round(self._wanted_deg * 800 / max(high - low, 1.0)), 800), 2200)

    def _function(self, output: int) -> int:
        name = f"SERVO{output}_FUNCTION"
        return int(self._parameters[name]) if name in self._parameters else 0

    # ---------------------------------------------------------------- commands

    def set_servo(self, output: int, pulse_us: int) -> int:
        """DO_SET_SERVO: refused on motors, on the mount, and on outputs that are not there."""
        if not 9 <= output <= 16 or self._function(output) == _MOUNT_TILT:
            return FAILED
        self.outputs[output - 9] = min(max(pulse_us, 0), 2200)
        return ACCEPTED

    def point(self, pitch_deg: float | None, rate_deg_s: float | None = None) -> int:
        """DO_MOUNT_CONTROL and DO_GIMBAL_MANAGER_PITCHYAW; refused without a mount."""
        if self._parameters["MNT1_TYPE"] <= 0:
            return FAILED
        self._by_mavlink, self._rate_deg_s = True, rate_deg_s or 0.0
        if pitch_deg is not None:
            self._wanted_deg = pitch_deg
        return ACCEPTED

    def grip(self, *, closed: bool) -> int:
        """DO_GRIPPER; refused without one, and nothing moves without an output for it."""
        if not self._parameters["GRIP_ENABLE"]:
            return FAILED
        for index in range(8):
            if self._function(index + 9) == _GRIPPER and self._parameters["GRIP_TYPE"] == _BY_SERVO:
                self.outputs[index] = _GRAB_US if closed else _RELEASE_US
        return ACCEPTED

    def trigger(self) -> int:
        """DO_DIGICAM_CONTROL and IMAGE_START_CAPTURE; refused without a camera."""
        if self._parameters["CAM1_TYPE"] <= 0:
            return FAILED
        self.pictures += 1
        self.on_picture(self.pictures)
        return ACCEPTED

    def centre(self) -> None:
        """Level the camera and give it back to the joystick."""
        self._by_mavlink, self._wanted_deg, self._rate_deg_s = False, 0.0, 0.0

    # ---------------------------------------------------------------- readings

    @property
    def has_mount(self) -> bool:
        """Whether the camera's tilt is steered by the autopilot."""
        return self._parameters["MNT1_TYPE"] > 0

    @property
    def lights(self) -> float:
        """Brightness, 0 to 1."""
        return self.light_left * min(max((self.outputs[0] - 1100) / 800, 0.0), 1.0)

    @property
    def named_values(self) -> dict[str, float]:
        """What NAMED_VALUE_FLOAT tells; outputs without a signal give values far outside 0 to 1."""
        tilt = next((i for i in range(8) if self._function(i + 9) == _MOUNT_TILT), None)
        tilt_norm = _norm(self.outputs[tilt]) if tilt is not None else 0.0
        return {
            "CamTilt": 1 - (tilt_norm / 2 + 0.5),
            "CamPan": 0.5,
            "Lights1": _norm(self.outputs[0]) / 2 + 0.5,
            "Lights2": 0.5,
        }


def _norm(pulse_us: int) -> float:
    return (pulse_us - 1500) / 400
