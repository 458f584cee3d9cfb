"""What the vehicle said, by mission time: append-only histories that any thread may ask.

The link's reader thread calls ``observe``; guidance asks for ``latest``, the geotagger asks for a pose at the
moment of a frame, the report asks for ranges of time. A tlog fills the same object.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from hullscan.clock import Clock
from hullscan.geometry.frames import GeoOrigin, Pose
from hullscan.vehicle import messages as m
from hullscan.vehicle.samples import (
    AttitudeSample,
    BatterySample,
    DepthSample,
    EkfSample,
    HeartbeatSample,
    MotorSample,
    PositionSample,
    PressureSample,
    RangeSample,
    TimedText,
    ValueSample,
    blend_attitude,
    move_on,
    turn_on,
)
from hullscan.vehicle.series import CAPACITY, MAX_GAP_S, Series
from hullscan.vehicle.sources import AUTOPILOT
from hullscan.vehicle.timing import VehicleTime

__all__ = ["Telemetry"]

_MAX_TEXTS = 10_000  # a burst is 20 a second for 3 s (ardusub.md 2.1); hours of a healthy vehicle are dozens
_MAX_NAMES = 64  # ArduSub sends nine named values; the rest would be somebody's noise
_SLOW = 36_000  # rows of a once to thrice a second quantity over three hours
_POSITION_LOST = 128  # EKF_CONST_POS_MODE
_PA_PER_M = 1025 * 9.80665  # sea water
_ZERO_SHARE = 0.05  # of each new reading: the mean of the last four seconds at 5 Hz
_WATER_SENSOR = 2  # SCALED_PRESSURE2 is the Bar30 in the water
_GYRO_GAP_S = 0.5  # ATTITUDE is asked for 20 times a second; over a longer gap a swing would count for all of it


class Telemetry:
    """Histories of one vehicle.

    Args:
        clock: the mission clock; a ``PacedClock`` is driven by the vehicle's stamps.
        vehicle: whose messages count. Ranges are taken from any component of the same system.
        capacity: samples of each quick quantity that are kept.

    Attributes:
        time: the mapping between the vehicle's time and mission time.
        origin: WGS 84 position of the local ned frame, as soon as the vehicle told it.
        left_out: messages that did not fit: not finite, or one name too many.
    """

    def __init__(
        self, clock: Clock, vehicle: m.Source = AUTOPILOT, boot_utc_s: float | None = None, capacity: int = CAPACITY
    ) -> None:
        self.vehicle = vehicle
        self.time = VehicleTime(clock, boot_utc_s)
        self.attitude = Series(AttitudeSample, "attitude", blend=blend_attitude, ahead=turn_on, capacity=capacity)
        self.position = Series(PositionSample, "position", ahead=move_on, capacity=capacity)
        self.depth = Series(DepthSample, "depth", capacity=capacity)
        self.pressure = Series(PressureSample, "water pressure", capacity=capacity)
        self.battery = Series(BatterySample, "battery", capacity=_SLOW)
        self.ekf = Series(EkfSample, "estimator status", capacity=2 * _SLOW)
        self.heartbeat = Series(HeartbeatSample, "heartbeat", capacity=_SLOW)
        self.motors = Series(MotorSample, "motors", capacity=2 * _SLOW)
        self.origin: GeoOrigin | None = None
        self.left_out = 0
        self._capacity = capacity
        self._ranges: dict[int, Series[RangeSample]] = {}
        self._values: dict[str, Series[ValueSample]] = {}
        self._texts: deque[TimedText] = deque(maxlen=_MAX_TEXTS)
        self._chunks: dict[int, list[m.StatusText]] = {}
        self._lock = threading.Lock()
        self._heard_utc_s = float("-inf")
        self._epochs = 0
        self._surface_pa: float | None = None

    # -- taking messages -----------------------------------------------------------------------------------

    def observe(self, source: m.Source, message: m.Message, arrival_utc_s: float) -> None:
        """Take one message; anything that is not this vehicle's is ignored."""
        if source.system != self.vehicle.system:
            return
        if source != self.vehicle:
            if isinstance(message, m.DistanceSensor):  # a Ping or a DVL through BlueOS: its own boot time
                self._range(message, arrival_utc_s)
            return
        utc_s = self._stamp(message, arrival_utc_s)
        self._heard_utc_s = max(self._heard_utc_s, arrival_utc_s)
        self._keep(message, utc_s)

    def _stamp(self, message: m.Message, arrival_utc_s: float) -> float:
        """Mission time of a message: mapped from its boot time if it carries one, else its arrival."""
        if isinstance(message, m.SystemTime):
            self.time.observe_utc(message.unix_s, message.boot_s, arrival_utc_s)
        boot_s = getattr(message, "boot_s", None)
        if not boot_s:
            return arrival_utc_s
        utc_s = self.time.observe(boot_s, arrival_utc_s)
        if self.time.epochs != self._epochs:
            self._epochs = self.time.epochs
            self._forget()
        return utc_s

    def _forget(self) -> None:
        """The mission clock has just taken the vehicle's time: earlier stamps mean nothing any more."""
        series: list[Series[Any]] = [self.attitude, self.position, self.depth, self.pressure, self.battery]
        series += [self.ekf, self.heartbeat, self.motors, *self._ranges.values(), *self._values.values()]
        for history in series:
            history.clear()
        self._heard_utc_s = float("-inf")

    def _keep(self, x: m.Message, utc_s: float) -> None:
        match x:
            case m.Attitude():
                angles = (x.roll_rad, x.pitch_rad, x.yaw_rad, *x.rates_frd_radps)
                if self._finite(angles):
                    self.attitude.append(AttitudeSample(utc_s, x.boot_s, *angles))
            case m.LocalPosition():
                numbers = (*x.position_ned_m, *x.velocity_ned_mps)
                if self._finite(numbers):
                    self.position.append(PositionSample(utc_s, x.boot_s, *numbers))
            case m.VfrHud():
                if self._finite((x.alt_m,)):
                    self.depth.append(DepthSample(utc_s, -x.alt_m))
            case m.Pressure(instance=instance):
                if instance == _WATER_SENSOR and self._finite((x.absolute_pa,)):
                    self.pressure.append(PressureSample(utc_s, x.boot_s, x.absolute_pa, x.temperature_c))
                    self._learn_surface(x.absolute_pa)
            case m.SysStatus():
                self.battery.append(BatterySample(utc_s, x.voltage_v, x.current_a, x.remaining))
            case m.EkfStatus():
                ratios = (x.velocity_variance, x.position_variance, x.height_variance, x.compass_variance)
                self.ekf.append(EkfSample(utc_s, float(x.flags), *ratios))
            case m.Heartbeat():
                state = (float(x.custom_mode), float(x.base_mode), float(x.system_status))
                self.heartbeat.append(HeartbeatSample(utc_s, *state))
            case m.MotorOutputs():
                self.motors.append(MotorSample(utc_s, *x.pulses_us[:4]))
            case m.DistanceSensor():
                self._range(x, utc_s)
            case m.NamedValue():
                self._value(x, utc_s)
            case m.StatusText():
                self._text(x, utc_s)
            case m.GpsOrigin():
                self.origin = GeoOrigin(x.lat_deg, x.lon_deg)
            case _:
                pass

    def _learn_surface(self, pressure_pa: float) -> None:
        """The pressure at depth zero, as long as the estimator vouches for the depth."""
        depth, flags = self.depth.latest, self.ekf_flags
        if depth is None or not flags & 1 or flags & (_POSITION_LOST | 1024):
            return
        surface_pa = pressure_pa - _PA_PER_M * depth.depth_m
        before_pa = self._surface_pa
        self._surface_pa = surface_pa if before_pa is None else before_pa + _ZERO_SHARE * (surface_pa - before_pa)

    def _finite(self, numbers: tuple[float, ...]) -> bool:
        good = all(math.isfinite(number) for number in numbers)
        self.left_out += not good
        return good

    def _range(self, x: m.DistanceSensor, utc_s: float) -> None:
        with self._lock:
            series = self._ranges.get(x.orientation)
            if series is None:
                series = self._ranges[x.orientation] = Series(
                    RangeSample, f"range (orientation {x.orientation})", capacity=self._capacity
                )
        numbers = (x.distance_m, x.min_m, x.max_m, float(x.sensor_id), float(x.signal_quality))
        series.append(RangeSample(utc_s, *numbers))

    def _value(self, x: m.NamedValue, utc_s: float) -> None:
        with self._lock:
            series = self._values.get(x.name)
            if series is None:
                if len(self._values) >= _MAX_NAMES:
                    self.left_out += 1
                    return
                series = self._values[x.name] = Series(ValueSample, x.name, capacity=_SLOW)
        if self._finite((x.value,)):
            series.append(ValueSample(utc_s, x.value))

    def _text(self, x: m.StatusText, utc_s: float) -> None:
        """Join the chunks of a long text; an unfinished one is given up when the next id begins."""
        with self._lock:
            text = x.text
            if x.chunk_id:
                parts = self._chunks.get(x.chunk_id, [])
                if len(parts) != x.chunk:
                    parts = []  # a chunk was lost: what is left stands by itself
                parts.append(x)
                self._chunks = {x.chunk_id: parts}
                if x.full:
                    return
                text = "".join(part.text for part in parts)
                self._chunks = {}
            self._texts.append(TimedText(utc_s, x.severity, text))

    # -- asking --------------------------------------------------------------------------------------------

    @property
    def ranges(self) -> Mapping[int, Series[RangeSample]]:
        """Distance histories by MAV_SENSOR_ROTATION: 0 forward, 24 up, 25 down."""
        with self._lock:
            return MappingProxyType(dict(self._ranges))

    @property
    def values(self) -> Mapping[str, Series[ValueSample]]:
        """Named values by name: Lights1, CamTilt, PilotGain, TetherTrn and others."""
        with self._lock:
            return MappingProxyType(dict(self._values))

    @property
    def forgotten(self) -> int:
        """Samples of attitude and position that are not kept any more; a recording has them all."""
        return self.attitude.forgotten + self.position.forgotten

    def texts(self, since_utc_s: float = float("-inf")) -> list[TimedText]:
        """Status texts from a time on, the oldest first."""
        with self._lock:
            return [text for text in self._texts if text.utc_s >= since_utc_s]

    def age_s(self, now_s: float) -> float:
        """How long nothing at all was heard from the vehicle; infinite before the first message."""
        return now_s - self._heard_utc_s

    @property
    def mode(self) -> str:
        """Name of the flight mode; empty before the first heartbeat."""
        beat = self.heartbeat.latest
        return beat.mode if beat else ""

    @property
    def armed(self) -> bool:
        """Whether the motors may turn, as the last heartbeat said."""
        beat = self.heartbeat.latest
        return beat is not None and beat.armed

    def position_lost_at(self, utc_s: float) -> bool:
        """Whether the estimator said at a time that it does not know where it is; False before its first report."""
        report = self.ekf.before(utc_s)
        return report is not None and bool(int(report.flags) & _POSITION_LOST)

    @property
    def ekf_flags(self) -> int:
        """EKF_STATUS_FLAGS of the last report; 0 before the first."""
        report = self.ekf.latest
        return int(report.flags) if report else 0

    @property
    def depth_m(self) -> float:
        """Depth now, positive down; NaN before it is known.

        When the estimator has lost its position, ArduSub's height stands still while the vehicle rises or sinks
        (seen with 4.5.3: VFR_HUD and LOCAL_POSITION_NED); the water's pressure then goes on from the last good depth.
        """
        sample, pressure = self.depth.latest, self.pressure.latest
        if self.ekf_flags & _POSITION_LOST and self._surface_pa is not None and pressure is not None:
            return (pressure.absolute_pa - self._surface_pa) / _PA_PER_M
        return sample.depth_m if sample else float("nan")

    def turned_rad(self, begin_utc_s: float, end_utc_s: float) -> float | None:
        """How far the vehicle turned about the vertical between two times, by its gyro; None where that was silent.

        The estimator's yaw follows the compass, which steel disturbs; its rates do not. Between two messages the rate
        is taken to change evenly, which says nothing of a gap: a swing at its ends would count for all of it.
        """
        samples = self.attitude.between(begin_utc_s - 0.2, end_utc_s + 0.2)
        if len(samples) < 2 or samples["utc_s"][0] > begin_utc_s + 0.1 or samples["utc_s"][-1] < end_utc_s - 0.1:
            return None
        if np.diff(samples["utc_s"]).max() > _GYRO_GAP_S:
            return None
        roll, pitch = samples["roll_rad"], samples["pitch_rad"]
        rate = (samples["pitch_radps"] * np.sin(roll) + samples["yaw_radps"] * np.cos(roll)) / np.cos(pitch)
        times = samples["utc_s"]
        heading = np.concatenate([[0.0], np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(times))])
        return float(np.interp(end_utc_s, times, heading) - np.interp(begin_utc_s, times, heading))

    def pose_at(self, utc_s: float, *, max_gap_s: float = MAX_GAP_S) -> Pose:
        """Ned from frd at a time; the height is the estimator's, see ``depth`` for the depth.

        For "now" too: see ``Series.at`` about the moment after the last message.

        Raises:
            LinkError: attitude or position is not known near enough to that time.
        """
        attitude = self.attitude.at(utc_s, max_gap_s=max_gap_s)
        position = self.position.at(utc_s, max_gap_s=max_gap_s)
        return Pose(np.asarray(position.position_ned_m, dtype=np.float64), attitude.r_ned_frd)
