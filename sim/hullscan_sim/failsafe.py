"""Failsafes: the pilot's sticks, the ground station's heartbeat, battery, leak, depth sensor. Modes are never given
back.

As on hardware, the pilot-input failsafe is on: it acts once per loss, and before the first input it only marks
the vehicle critical; a stock SITL leaves it out. Pressure, temperature, EKF and crash checks are off by default and
not modelled.
"""

from __future__ import annotations

from hullscan_sim.battery import Battery
from hullscan_sim.flight import Flight
from hullscan_sim.messages import CRITICAL, WARNING, Outbox
from hullscan_sim.modes import Mode
from hullscan_sim.parameters import Parameters
from hullscan_sim.pilot import PilotInput
from hullscan_sim.sensors import Barometer

__all__ = ["Failsafes"]

_GCS_SILENT_S = 2.5
_REMIND_S = 30.0
_OFF, _WARN, _DISARM = 0, 1, 2
_GCS_HOLD, _GCS_SURFACE = 3, 4
_BATTERY_DISARM, _BATTERY_SURFACE = 2, 3
_LEAK_SURFACE = 2
_LEAK_AGAIN_S, _WET_S = 20.0, 3.0  # a detector that was wet once counts for three seconds
_NEEDS_DEPTH = frozenset({Mode.ALT_HOLD, Mode.SURFACE, Mode.AUTO, Mode.GUIDED, Mode.CIRCLE})


class Failsafes:
    """Watches, warns, and acts on the flight.

    Attributes:
        gcs_seen_s: when SYSID_MYGCS was last heard; None before the first time.
        battery_low: the low-battery failsafe has triggered; it stays.
        leak, depth_lost: those are acting.

    Args:
        miss_pilot: the pilot-input failsafe is there.
    """

    def __init__(
        self,
        parameters: Parameters,
        flight: Flight,
        pilot: PilotInput,
        battery: Battery,
        barometer: Barometer,
        outbox: Outbox,
        *,
        miss_pilot: bool = True,
    ) -> None:
        self._parameters, self._flight, self._pilot = parameters, flight, pilot
        self._battery, self._barometer, self._outbox = battery, barometer, outbox
        self._miss_pilot = miss_pilot
        self.leak = self.depth_lost = False
        self._time_s = 0.0
        self._wet_s = self._leak_told_s = -1e9
        self.gcs_seen_s: float | None = None
        self.gcs_lost = False
        self.battery_low = False
        self._gcs_warned_s = -1e9
        self._low_since_s: float | None = None
        self._reminded_s = 0.0

    @property
    def any(self) -> bool:
        """Whether HEARTBEAT.system_status is CRITICAL: neither a leak nor a lost depth sensor makes it so."""
        return self._pilot.lost or self.gcs_lost or self.battery_low

    def update(self, time_s: float) -> None:
        """Check all of them."""
        self._time_s = time_s
        if self._miss_pilot:
            self._check_pilot(time_s)
        self._check_gcs(time_s)
        self._check_battery(time_s)
        self._check_leak(time_s)
        self._check_depth_sensor()

    def wet(self) -> None:
        """A leak detector is wet, now."""
        self._wet_s = self._time_s

    def _check_pilot(self, time_s: float) -> None:
        action = self._parameters["FS_PILOT_INPUT"]
        if action == _OFF or time_s < self._pilot.last_s + self._parameters["FS_PILOT_TIMEOUT"]:
            self._pilot.lost = False
            return
        if self._pilot.lost:
            return
        self._pilot.lost = True
        self._outbox.text(CRITICAL, "Lost manual control")
        self._pilot.neutral(time_s)
        if action == _DISARM:
            self._flight.disarm()

    def _check_gcs(self, time_s: float) -> None:
        action = self._parameters["FS_GCS_ENABLE"]
        if action == _OFF or self.gcs_seen_s is None:
            return
        if time_s - self.gcs_seen_s < _GCS_SILENT_S:
            self.gcs_lost = False
            return
        if time_s - self._gcs_warned_s > _REMIND_S:
            self._gcs_warned_s = time_s
            self._outbox.text(WARNING, f"MYGCS: {self._parameters['SYSID_MYGCS']:.0f}, heartbeat lost")
        if self.gcs_lost or not self._flight.armed:
            return
        self.gcs_lost = True
        mode = {_GCS_HOLD: Mode.ALT_HOLD, _GCS_SURFACE: Mode.SURFACE}.get(int(action))
        if action == _DISARM or (mode is not None and not self._flight.set_mode(mode)):
            self._flight.disarm()

    def _check_battery(self, time_s: float) -> None:
        limit_v = self._parameters["BATT_LOW_VOLT"]
        voltage_v = self._battery.voltage_v
        if not self.battery_low:
            if limit_v <= 0 or voltage_v >= limit_v:
                self._low_since_s = None
                return
            self._low_since_s = time_s if self._low_since_s is None else self._low_since_s
            if time_s - self._low_since_s < self._parameters["BATT_LOW_TIMER"]:
                return
            self.battery_low = True
            self._outbox.text(WARNING, f"Battery 1 is low {voltage_v:.2f}V used {self._battery.used_mah:.0f} mAh")
            action = self._parameters["BATT_FS_LOW_ACT"]
            if action == _BATTERY_DISARM:
                self._flight.disarm()
            elif action == _BATTERY_SURFACE:
                self._flight.set_mode(Mode.SURFACE)
            self._reminded_s = time_s
        elif not self._flight.armed and time_s - self._reminded_s > _REMIND_S:
            self._reminded_s = time_s
            self.say_battery()

    def _check_leak(self, time_s: float) -> None:
        action = self._parameters["FS_LEAK_ENABLE"]
        if action == _OFF or time_s - self._wet_s > _WET_S:
            self.leak = False
            return
        if time_s - self._leak_told_s > _LEAK_AGAIN_S:
            self._leak_told_s = time_s
            self._outbox.text(CRITICAL, "Leak Detected")
        if not self.leak:
            self.leak = True
            if action == _LEAK_SURFACE and self._flight.armed:
                self._flight.set_mode(Mode.SURFACE)

    def _check_depth_sensor(self) -> None:
        """Without one no mode that holds a depth can go on: buoyancy is to lift the vehicle."""
        if not self._barometer.silent:
            self.depth_lost = False
            return
        if self.depth_lost:
            return
        self.depth_lost = True
        self._outbox.text(CRITICAL, "Depth sensor error!")
        if self._flight.mode in _NEEDS_DEPTH:
            self._flight.set_mode(Mode.MANUAL)

    def say_battery(self, *, asked: bool = False) -> None:
        """Why it will not arm, when asked to or by itself."""
        self._outbox.text(CRITICAL, f"{'Arm' if asked else 'PreArm'}: Battery 1 low voltage failsafe")
