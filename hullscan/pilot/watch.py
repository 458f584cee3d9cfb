"""What the supervisor is told: one situation a tick, gathered from vehicle, sensors, recording and time.

Nothing is decided here. Rules that need "for how long" get their clocks here, so that the rules themselves stay pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from hullscan.clock import Clock
from hullscan.errors import HullscanError
from hullscan.geometry.frames import Array, Pose
from hullscan.mission.model import Mission
from hullscan.pilot.supervisor import RUNAWAY_MPS, TILT_LIMIT_RAD, Situation
from hullscan.pilot.water import Water
from hullscan.vehicle.protocol import RangeSensor, Vehicle

__all__ = ["FAILSAFE_WORDS", "Signals", "Watch"]

FAILSAFE_WORDS = ("heartbeat lost", "Depth sensor error", "Lost manual control")
"""What ArduSub says when one of its own failsafes has taken the vehicle from us (ardusub.md 2.6). Those that a person
might choose as well, such as SURFACE after a leak, are left to the person."""

_OFF_TARGET_M, _DRIFT_M = 0.8, 0.6
_STUCK_FORGOTTEN_S = 180.0
_SAG_WINDOW_S = 300.0
_SAG_LEAST_S = 60.0  # less history says nothing about how the voltage falls
_LEAK_S, _DEPTH_ERROR_S = 30.0, 600.0
_STATION_S = 5.0
_POSE_STALE_S = 2.0  # it comes twenty times a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What is asked at each tick besides vehicle and ranges; the defaults know of no trouble.

    Attributes:
        video_age_s: seconds since the last frame.
        video_still_s: for how long the frames have been one and the same picture.
        detector_lag_s: how far the detector is behind the video.
        disk_free_mb: on the disk of the mission folder.
        record_error: what went wrong with the recording, empty if nothing.
        turning: told when the vehicle begins (True) and ends (False) to look left and right, by which the pictures'
            time is measured; None when nobody wants to know.
    """

    video_age_s: Callable[[], float]
    video_still_s: Callable[[], float] = lambda: 0.0
    detector_lag_s: Callable[[], float] = lambda: 0.0
    disk_free_mb: Callable[[], float] = lambda: float("inf")
    record_error: Callable[[], str] = lambda: ""
    turning: Callable[[bool], None] | None = None


class _For:
    """For how long something has been so."""

    def __init__(self) -> None:
        self._since_s: float | None = None

    def __call__(self, so: bool, now_s: float) -> float:
        self._since_s = (self._since_s if self._since_s is not None else now_s) if so else None
        return 0.0 if self._since_s is None else now_s - self._since_s


@dataclass(slots=True)
class Course:
    """What guidance says about itself, for rules about a vehicle that does not do as it is told.

    Attributes:
        target_ned: (3,) where the vehicle should be; None when nobody says.
        stands: it is to stand there, rather than on the way.
        pitch_rad: asked for.
        searching: on a leg that is searched.
        hull_in_sight: beams should meet the hull.
        home_m: length of the way back.
        tether_m: that is out, at most.
        end_utc_s: when the window closes.
    """

    target_ned: Array | None = None
    stands: bool = False
    pitch_rad: float = 0.0
    searching: bool = False
    hull_in_sight: bool = True
    home_m: float = 0.0
    tether_m: float = 0.0
    end_utc_s: float = field(default=float("inf"))


class Watch:
    """Gathers situations; one thread."""

    def __init__(self, vehicle: Vehicle, ranges: RangeSensor, mission: Mission, clock: Clock, signals: Signals) -> None:
        self._vehicle, self._ranges, self._mission, self._clock = vehicle, ranges, mission, clock
        self._signals = signals
        self.course = Course()
        self.water = Water(vehicle.telemetry, mission.vehicle.water_speed_mps)
        self.depth_offset_m = 0.0
        """What jumps of its zero have put on the depth that is told, see ``depth_zero``."""
        self._unknown, self._low, self._tilted = _For(), _For(), _For()
        self._fast, self._off, self._drifting = _For(), _For(), _For()
        self._stuck_utc_s: list[float] = []
        self._gap_before_m = 0.0
        self._record_error = ""

    @property
    def range_m(self) -> float:
        """Nearest good beam of the last report; infinite when there is none."""
        report = self._ranges.latest()
        if report is None or not report.good.any():
            return float("inf")
        return float(report.distances_m[report.good].min())

    def note_stuck(self) -> None:
        """A hold because the vehicle does not get on has begun."""
        self._stuck_utc_s.append(self._clock.now())

    def situation(self, place: Pose | None) -> Situation:
        """What is known now.

        Args:
            place: of the vehicle, in ned; None when it is not known.
        """
        now_s = self._clock.now()
        telemetry, course = self._vehicle.telemetry, self.course
        control = self._vehicle.control
        self.water.step(now_s)
        # another station that asks for streams may end ours while everything else is heard
        told = telemetry.position.age_s(now_s) < _POSE_STALE_S and telemetry.attitude.age_s(now_s) < _POSE_STALE_S
        ready = told and self._vehicle.readiness().ready
        battery = telemetry.battery.latest
        volts = battery.voltage_v if battery is not None and np.isfinite(battery.voltage_v) else float("inf")
        attitude = telemetry.attitude.latest
        tilt = 0.0 if attitude is None else float(np.hypot(attitude.roll_rad, attitude.pitch_rad - course.pitch_rad))
        moving = telemetry.position.latest
        speed = 0.0 if moving is None else float(np.linalg.norm(moving.velocity_ned_mps))
        gap = (
            0.0
            if place is None or course.target_ned is None
            else float(np.linalg.norm(place.position_m - course.target_ned))
        )
        drifts = course.stands and gap > _DRIFT_M and gap > self._gap_before_m - 0.02
        self._gap_before_m = gap
        self._stuck_utc_s = [since for since in self._stuck_utc_s if now_s - since < _STUCK_FORGOTTEN_S]
        texts = telemetry.texts(now_s - _DEPTH_ERROR_S)
        return Situation(
            link_age_s=telemetry.age_s(now_s),
            in_control=control.held,
            control_reason={"message": control.message, "data": control.data},
            failsafe=any(words in control.reason for words in FAILSAFE_WORDS),
            position_known=ready,
            position_unknown_s=self._unknown(not ready, now_s),
            range_m=self.range_m,
            range_age_s=self._ranges.age_s(now_s),
            hull_in_sight=course.hull_in_sight,
            battery_v=volts,
            battery_age_s=telemetry.battery.age_s(now_s) - telemetry.age_s(now_s) if battery is not None else 0.0,
            battery_low_s=self._low(volts < self._mission.file.limits.min_battery_v, now_s),
            battery_home_v=self._battery_home_v(volts, now_s),
            depth_m=telemetry.depth_m - self.depth_offset_m,
            depth_error=any("Depth sensor error" in text.text for text in texts),
            tilt_rad=tilt,
            tilt_s=self._tilted(tilt > TILT_LIMIT_RAD, now_s),
            tether_m=course.tether_m,
            leak=any("leak" in text.text.lower() for text in texts if text.utc_s >= now_s - _LEAK_S),
            video_age_s=self._signals.video_age_s(),
            video_still_s=self._signals.video_still_s(),
            detector_lag_s=self._signals.detector_lag_s(),
            searching=course.searching,
            speed_mps=speed,
            runaway_s=self._fast(ready and speed > RUNAWAY_MPS, now_s),
            off_target_m=gap,
            off_target_s=self._off(not course.stands and gap > _OFF_TARGET_M, now_s),
            stuck_times=len(self._stuck_utc_s),
            drift_s=self._drifting(drifts, now_s),
            limited_s=self.water.limited_s,
            disk_free_mb=self._signals.disk_free_mb(),
            record_error=self._recording(),
            slowed=", ".join(self._vehicle.slowed_streams()),
            other_station=self._stations(),
            window_left_s=course.end_utc_s - now_s,
        )

    def _battery_home_v(self, volts: float, now_s: float) -> float:
        """The voltage at the launch, if it goes on falling as in the last minutes; infinite when that is not known."""
        past = self._vehicle.telemetry.battery.between(now_s - _SAG_WINDOW_S, now_s)
        if len(past) < 20 or past["utc_s"][-1] - past["utc_s"][0] < _SAG_LEAST_S or not np.isfinite(volts):
            return float("inf")
        # medians of the halves: thrusters pull the voltage down for moments
        half = len(past) // 2
        early, late = past[:half], past[half:]
        fall = float(np.median(early["voltage_v"]) - np.median(late["voltage_v"]))
        step_s = float(np.median(late["utc_s"]) - np.median(early["utc_s"]))
        home_s = self.course.home_m / self._mission.vehicle.transit_speed_mps
        return volts - max(fall, 0.0) / max(step_s, 1.0) * home_s

    def _recording(self) -> str:
        """What goes wrong with the link's log or the recording; it stays."""
        if not self._record_error:
            try:
                self._vehicle.check()
                self._ranges.check()
            except HullscanError as error:
                self._record_error = str(error)
        self._record_error = self._record_error or self._signals.record_error()
        return self._record_error

    def note_record_error(self, words: str) -> None:
        """The record did not take something; the supervisor is told at the next tick."""
        self._record_error = self._record_error or words

    def _stations(self) -> str:
        heard = [str(station.source) for station in self._vehicle.stations() if station.age_s < _STATION_S]
        return ", ".join(sorted(heard))
