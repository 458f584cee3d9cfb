"""The pilot's sticks and buttons, as they arrive over MAVLink.

MANUAL_CONTROL is turned into overrides of RC channels, scaled by the pilot's gain; an override holds for
RC_OVERRIDE_TIME (3 s) after the last message, then sticks fall back to neutral: until then the motors keep doing
what the last message said.
"""

from __future__ import annotations

from math import pi

from hullscan_sim.control import clamp
from hullscan_sim.messages import INFO, Message, Outbox
from hullscan_sim.modes import Mode
from hullscan_sim.parameters import Parameters

__all__ = ["NEUTRAL_US", "PilotInput"]

NEUTRAL_US = 1500
_CHANNELS = 16
_PITCH, _ROLL, _THROTTLE, _YAW, _FORWARD, _LATERAL, _TILT, _LIGHTS1, _LIGHTS2 = 0, 1, 2, 3, 4, 5, 7, 8, 9
_SHIFT = 1
_BUTTON_MODES = {
    5: Mode.MANUAL, 6: Mode.STABILIZE, 7: Mode.ALT_HOLD, 8: Mode.POSHOLD, 9: Mode.AUTO, 10: Mode.CIRCLE,
    11: Mode.GUIDED, 12: Mode.ACRO, 13: Mode.SURFTRAK,
}  # fmt: skip


class PilotInput:
    """RC channels and what the buttons ask for.

    Attributes:
        channels: pulse widths of channels 1 to 16; 0 where nothing was ever received.
        gain: of the sticks, 0.1 to 1.
        last_s: when the pilot was last heard; never at first.
        lost: pilot-input failsafe, kept by ``failsafe``.
        wishes: what buttons asked for: a Mode, ``arm``, ``disarm``, ``toggle`` or ``centre``.
    """

    def __init__(self, parameters: Parameters, outbox: Outbox) -> None:
        self._parameters, self._outbox = parameters, outbox
        self.channels = [NEUTRAL_US] * 8 + [0] * (_CHANNELS - 8)
        self._expires_s = [-1.0] * _CHANNELS
        low, high = parameters["JS_GAIN_MIN"], parameters["JS_GAIN_MAX"]
        self.gain = min(max(parameters["JS_GAIN_DEFAULT"], low, 0.1), high, 1.0)
        self.last_s = 0.0
        self.lost = False
        self.wishes: list[Mode | str] = []
        self._held = 0
        self._lights = [1100, 1100]

    # ---------------------------------------------------------------- messages

    def manual_control(self, message: Message, time_s: float) -> None:
        """Take MANUAL_CONTROL: x forward, y right, z up (500 neutral), r turn, s pitch, t roll, buttons."""
        self.last_s = time_s
        tilt = self._buttons(message.buttons | getattr(message, "buttons2", 0) << 16)
        scale, lift = 0.4 * self.gain, 0.8 * self.gain * self._parameters["JS_THR_GAIN"]
        extensions = getattr(message, "enabled_extensions", 0)
        pitch = message.s if extensions & 1 else getattr(message, "s", 0)
        roll = message.t if extensions & 2 else getattr(message, "t", 0)
        values = {
            _PITCH: NEUTRAL_US + pitch, _ROLL: NEUTRAL_US + roll,  # these two are not scaled by the gain
            _THROTTLE: NEUTRAL_US + lift * (message.z - 500), _YAW: NEUTRAL_US + scale * message.r,
            _FORWARD: NEUTRAL_US + scale * message.x, _LATERAL: NEUTRAL_US + scale * message.y,
            _TILT: tilt, _LIGHTS1: self._lights[0], _LIGHTS2: self._lights[1],
        }  # fmt: skip
        for channel, value in values.items():
            self._set(channel, int(min(max(value, 1100), 1900)), time_s)

    def override(self, message: Message, time_s: float) -> None:
        """Take RC_CHANNELS_OVERRIDE: 65535 leaves a channel alone, 0 gives it back."""
        self.last_s = time_s
        for channel in range(_CHANNELS):
            value = getattr(message, f"chan{channel + 1}_raw", 65535)
            if channel >= 8 and value == 0:
                continue  # beyond channel 8 zero means "not used"
            if value == 0:
                self._expires_s[channel] = time_s
            elif value != 65535:
                self._set(channel, value, time_s)

    def neutral(self, time_s: float) -> None:
        """Put the six stick channels to neutral."""
        for channel in range(6):
            self._set(channel, NEUTRAL_US, time_s)

    def update(self, time_s: float) -> None:
        """Let overrides expire."""
        for channel, expires_s in enumerate(self._expires_s):
            if 0.0 <= expires_s <= time_s:
                self.channels[channel] = NEUTRAL_US if channel < 8 else 0
                self._expires_s[channel] = -1.0

    def _set(self, channel: int, value: int, time_s: float) -> None:
        self.channels[channel] = value
        self._expires_s[channel] = time_s + self._parameters["RC_OVERRIDE_TIME"]

    # ---------------------------------------------------------------- sticks

    def _share(self, channel: int, dead_us: float = 0.0) -> float:
        offset, dead_us = self.channels[channel] - NEUTRAL_US, min(max(dead_us, 0.0), 390.0)
        if abs(offset) <= dead_us:
            return 0.0
        return clamp((offset - dead_us if offset > 0 else offset + dead_us) / (400 - dead_us), 1.0)

    @property
    def forward(self) -> float:
        """-1 to 1."""
        return self._share(_FORWARD)

    @property
    def lateral(self) -> float:
        """-1 to 1, right positive."""
        return self._share(_LATERAL)

    @property
    def throttle(self) -> float:
        """-1 to 1, up positive."""
        return self._share(_THROTTLE)

    @property
    def raw_turn(self) -> tuple[float, float, float]:
        """Roll, pitch and yaw sticks, -1 to 1."""
        return self._share(_ROLL, 30), self._share(_PITCH, 30), self._share(_YAW)

    @property
    def yaw_rate(self) -> float:
        """Rate of turn asked for, rad/s; zero in the dead zone."""
        dead_us = self._parameters["RC4_DZ"] * self.gain
        return self._share(_YAW, dead_us) * 45 * self._parameters["ACRO_YAW_P"] * pi / 180

    @property
    def lean_rad(self) -> tuple[float, float]:
        """Roll and pitch asked for."""
        roll, pitch, _ = self.raw_turn
        most = self._parameters["ANGLE_MAX"] / 100 * pi / 180
        return roll * most, pitch * most

    @property
    def sink_mps(self) -> float:
        """Vertical speed asked for, down positive; zero in the dead zone and without a pilot."""
        if self.lost:
            return 0.0
        stick = clamp((self.channels[_THROTTLE] - 1100) * 1.25 - 500, 500)
        dead = self._parameters["THR_DZ"] * self.gain
        if abs(stick) <= dead:
            return 0.0
        up, down = self._parameters["PILOT_SPEED_UP"], self._parameters["PILOT_SPEED_DN"]
        share = (abs(stick) - dead) / (500 - dead)
        return -share * up / 100 if stick > 0 else share * (down or up) / 100

    # ---------------------------------------------------------------- buttons

    def _buttons(self, pressed: int) -> int:
        """Act on newly pressed buttons; returns the pulse for the camera tilt channel."""
        functions = [self._function(button, shift=False) if pressed >> button & 1 else 0 for button in range(16)]
        shift = _SHIFT in functions
        tilt = NEUTRAL_US
        for button in range(16):
            if not pressed >> button & 1:
                continue
            function = self._function(button, shift=shift)
            held = bool(self._held >> button & 1)
            tilt = {22: 1900, 23: 1100}.get(function, tilt)
            if not held:
                self._press(function)
        self._held = pressed
        return tilt

    def _function(self, button: int, *, shift: bool) -> int:
        return int(self._parameters[f"BTN{button}_{'S' if shift else ''}FUNCTION"])

    def _press(self, function: int) -> None:
        wish = {2: "toggle", 3: "arm", 4: "disarm", 21: "centre"}.get(function) or _BUTTON_MODES.get(function)
        if wish is not None:
            self.wishes.append(wish)
        elif function in (32, 33, 35, 36):
            which, way = (0 if function < 34 else 1), (1 if function in (32, 35) else -1)
            step = int(800 / max(self._parameters["JS_LIGHTS_STEPS"], 1))
            self._lights[which] = min(max(self._lights[which] + way * step, 1100), 1900)
        elif function in (42, 43):
            low, high = self._parameters["JS_GAIN_MIN"], self._parameters["JS_GAIN_MAX"]
            step_share = (high - low) / max(self._parameters["JS_GAIN_STEPS"] - 1, 1)
            self.gain = min(max(self.gain + (step_share if function == 42 else -step_share), low), high)
            self._outbox.text(INFO, f"#Gain is {self.gain * 100:2.0f}%")
