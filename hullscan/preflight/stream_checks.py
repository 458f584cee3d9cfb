"""The camera's stream, and the clocks that everything is placed by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hullscan.mission.feasibility import Level
from hullscan.preflight.check import Phrase, PreflightLine, line, say
from hullscan.preflight.video_lag import VideoLag
from hullscan.words import mark

__all__ = ["ClockFacts", "VideoFacts", "check_clocks", "check_video", "clocks_ms", "is_late", "true_latency_s"]

_VIDEO, _CLOCKS = mark("video"), mark("clocks")
_RATE_HZ, _LEAST_HZ = 8.0, 4.0  # at 0.3 m/s and 4 Hz two pictures are 7.5 cm apart, a parcel is 30 cm
_LOST, _MANY_LOST = 0.002, 0.02  # of packets: at 1 % two thirds of the pictures are suspect (measured)
_SUSPECT, _MANY_SUSPECT = 0.05, 0.5
_ASPECT = 0.02
_ROUND_TRIP_MS, _SLOW_MS = 50.0, 300.0  # a tether answers in 1 to 12 ms; 0.3 s is 9 cm at survey speed
_STAMP_MS, _POOR_STAMP_MS = 50.0, 200.0
_UTC_S = 2.0
_LAG_MS = 30.0  # besides what its own uncertainty explains


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """What came from the camera.

    Attributes:
        state: of the stream when it has no picture, in words.
        first_s: from opening to the first picture; infinite without one.
        rate_hz: decoded pictures.
        packets, lost, decoded, suspect: counted while listening.
        sets_every_s: seconds between SPS and PPS; infinite when none came.
        size_px, expected_px: width and height, of the stream and of the profile's camera.
        simulated: by a program on this computer, whose load then is the network: no rate or loss is a no-go.
    """

    state: str = ""
    first_s: float = float("inf")
    rate_hz: float = 0.0
    packets: int = 0
    lost: int = 0
    decoded: int = 0
    suspect: int = 0
    sets_every_s: float = float("inf")
    size_px: tuple[int, int] = (0, 0)
    expected_px: tuple[int, int] = (640, 360)
    simulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockFacts:
    """How well each clock is known on the mission's; milliseconds.

    Attributes:
        round_trip_ms: of TIMESYNC, the shortest; infinite when nobody answered.
        vehicle_ms: uncertainty of the autopilot's stamps.
        utc_off_s: the vehicle's UTC minus the computer's; None when it does not know UTC.
        dvl_ms: uncertainty of the DVL's stamps; None without a DVL.
        video_ms: uncertainty of the pictures' stamps, without what ``lag`` says.
        lag: of the pictures against the gyro; None when the vehicle turned too little to tell.
        latency_s: of the pictures, as the stamps take it.
        simulated: mission time is the vehicle's own, so that UTC says nothing.
    """

    round_trip_ms: float
    vehicle_ms: float
    utc_off_s: float | None
    dvl_ms: float | None
    video_ms: float
    lag: VideoLag | None
    latency_s: float
    simulated: bool = False


def _graded(value: float, good: float, bad: float, *, simulated: bool = False) -> Level:
    """Go up to ``good``, caution up to ``bad``; what is no number is no-go. A simulator's load is never a no-go."""
    if simulated:
        return "go" if value <= good else "caution"
    return "go" if value <= good else "caution" if value <= bad else "no-go"


def check_video(facts: VideoFacts) -> list[PreflightLine]:
    """Pictures, their rate, what was lost, the parameter sets, and the size that the calibration is for."""
    if not facts.decoded:
        return [
            line(
                _VIDEO,
                "no-go",
                mark("pictures"),
                Phrase(facts.state) if facts.state else say(mark("none")),
                Phrase(f"≥ {_RATE_HZ:.0f} Hz"),
                say(mark("give the camera's stream a second receiver, this computer and port (docs/connect.md)")),
            )
        ]
    return [_rate(facts), _loss(facts), _suspect(facts), _sets(facts), _size(facts)]


def _rate(facts: VideoFacts) -> PreflightLine:
    return line(
        _VIDEO,
        _graded(-facts.rate_hz, -_RATE_HZ, -_LEAST_HZ, simulated=facts.simulated),
        mark("pictures"),
        say(mark("{rate:.1f} Hz, the first after {first:.1f} s"), rate=facts.rate_hz, first=facts.first_s),
        Phrase(f"≥ {_RATE_HZ:.0f} Hz"),
        say(mark("lower the resolution or the bit rate; close what else reads the camera")),
    )


def _loss(facts: VideoFacts) -> PreflightLine:
    share = facts.lost / max(facts.packets + facts.lost, 1)
    return line(
        _VIDEO,
        _graded(share, _LOST, _MANY_LOST, simulated=facts.simulated),
        mark("packets lost"),
        Phrase(f"{100 * share:.2f} %"),
        Phrase(f"≤ {100 * _LOST:.1f} %"),
        say(mark("check the tether and the network; lower the bit rate")),
    )


def _suspect(facts: VideoFacts) -> PreflightLine:
    share = facts.suspect / max(facts.decoded, 1)
    return line(
        _VIDEO,
        _graded(share, _SUSPECT, _MANY_SUSPECT, simulated=facts.simulated),
        mark("pictures not to be trusted"),
        Phrase(f"{100 * share:.0f} %"),
        Phrase(f"≤ {100 * _SUSPECT:.0f} %"),
        say(mark("what is seen in them does not count as searched; check the tether")),
    )


def _sets(facts: VideoFacts) -> PreflightLine:
    came = np.isfinite(facts.sets_every_s)
    return line(
        _VIDEO,
        "go" if facts.sets_every_s <= 2.0 else "caution",
        mark("SPS and PPS"),
        say(mark("every {seconds:.1f} s"), seconds=facts.sets_every_s)
        if came
        else say(mark("not repeated while listening")),
        Phrase("≤ 2 s"),
        say(mark("who joins late is blind until they come; BlueOS sends them every 10 s: start hullscan first")),
    )


def _size(facts: VideoFacts) -> PreflightLine:
    (width, height), (wide, high) = facts.size_px, facts.expected_px
    same = abs(width / max(height, 1) - wide / high) < _ASPECT
    return line(
        _VIDEO,
        "go" if same else "caution",
        mark("picture size"),
        Phrase(f"{width} × {height}"),
        Phrase(f"{wide}:{high}"),
        say(mark("the camera's calibration is for another shape of picture: findings would be misplaced")),
    )


def check_clocks(facts: ClockFacts) -> list[PreflightLine]:
    """Every mapping onto mission time, in milliseconds."""
    simulated = facts.simulated
    lines = [
        line(
            _CLOCKS,
            _graded(facts.round_trip_ms, _ROUND_TRIP_MS, _SLOW_MS, simulated=simulated),
            mark("round trip to the vehicle"),
            say(mark("no answer")) if np.isinf(facts.round_trip_ms) else Phrase(f"{facts.round_trip_ms:.1f} ms"),
            Phrase(f"≤ {_ROUND_TRIP_MS:.0f} ms"),
            say(mark("check the tether and what else uses it")),
        ),
        _stamps(mark("vehicle's stamps"), facts.vehicle_ms, simulated),
    ]
    if not facts.simulated:
        lines.append(_utc(facts.utc_off_s))
    if facts.dvl_ms is not None:
        lines.append(_stamps(mark("DVL's stamps"), facts.dvl_ms, simulated))
    return [*lines, _stamps(mark("pictures' stamps"), facts.video_ms, simulated), _lag(facts)]


def _stamps(what: str, uncertainty_ms: float, simulated: bool) -> PreflightLine:
    return line(
        _CLOCKS,
        _graded(uncertainty_ms, _STAMP_MS, _POOR_STAMP_MS, simulated=simulated),
        what,
        Phrase(f"± {uncertainty_ms:.1f} ms"),
        Phrase(f"≤ {_STAMP_MS:.0f} ms"),
        say(mark("messages come with very different delays: check the network and this computer's load")),
    )


def _utc(off_s: float | None) -> PreflightLine:
    what, wanted = mark("vehicle's UTC"), say(mark("within {limit:.0f} s of this computer, or unknown"), limit=_UTC_S)
    todo = say(mark("set this computer's clock; mission time is this computer's, the vehicle's own logs will differ"))
    if off_s is None:
        return line(_CLOCKS, "go", what, say(mark("unknown")), wanted, todo)
    return line(_CLOCKS, "go" if abs(off_s) <= _UTC_S else "caution", what, Phrase(f"{off_s:+.1f} s"), wanted, todo)


def _lag(facts: ClockFacts) -> PreflightLine:
    what = mark("pictures against the gyro")
    lag = facts.lag
    if lag is None:
        return line(
            _CLOCKS,
            "caution",
            what,
            say(mark("not measured yet, it turned too little: it is measured in flight, before the first lane")),
            Phrase(f"≤ {_LAG_MS:.0f} ms"),
            say(mark("to know it now, turn it left and right by 20 degrees while preflight listens, before texture")),
        )
    lag_ms, sigma_ms = lag.lag_s * 1e3, lag.sigma_s * 1e3
    return line(
        _CLOCKS,
        "caution" if is_late(lag) else "go",
        what,
        Phrase(f"{lag_ms:+.0f} ± {sigma_ms:.0f} ms"),
        Phrase(f"≤ {_LAG_MS:.0f} ms"),
        say(
            mark("the pictures' stamps are wrong by that much: write video_latency_s: {latency:.2f} into the mission"),
            latency=true_latency_s(facts.latency_s, lag),
        ),
    )


def is_late(lag: VideoLag) -> bool:
    """Whether pictures are more beside the gyro than the uncertainty of a picture's time explains."""
    return abs(lag.lag_s) * 1e3 > _LAG_MS + 2e3 * lag.sigma_s


def true_latency_s(taken_s: float, lag: VideoLag) -> float:
    """From light to arrival, where the stamps take it to be so much and the gyro says otherwise."""
    return max(taken_s + lag.lag_s, 0.0)


def clocks_ms(facts: ClockFacts) -> dict[str, float | None]:
    """For the record; None where it was not measured."""

    def rounded(value: float | None) -> float | None:
        return None if value is None or not np.isfinite(value) else round(value, 1)

    return {
        "round_trip": rounded(facts.round_trip_ms),
        "vehicle_uncertainty": rounded(facts.vehicle_ms),
        "vehicle_utc_minus_computer": None if facts.utc_off_s is None else rounded(facts.utc_off_s * 1e3),
        "dvl_uncertainty": rounded(facts.dvl_ms),
        "video_uncertainty": rounded(facts.video_ms),
        "video_lag": None if facts.lag is None else rounded(facts.lag.lag_s * 1e3),
        "video_lag_uncertainty": None if facts.lag is None else rounded(facts.lag.sigma_s * 1e3),
    }
