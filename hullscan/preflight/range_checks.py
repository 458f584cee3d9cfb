"""What looks at the hull: beams, rates, plausible distances, and the range that is labelled the wrong way.

The trap (vehicle.md 2b): BlueOS's DVL extension, told to act as a rangefinder, sends the DVL's distance as
DISTANCE_SENSOR with orientation 25, "down", even when the DVL faces the hull. ArduSub then takes the hull for the
sea bed: harmless as long as it does not use that height, which is therefore looked at too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hullscan.mission.feasibility import Level
from hullscan.preflight.check import Phrase, PreflightLine, line, say
from hullscan.vehicle.protocol import RangeReport
from hullscan.words import mark

__all__ = ["RangeFacts", "check_ranges", "range_facts"]

_GROUP = mark("range to the hull")
_RATE_HZ, _LEAST_HZ = 4.0, 2.0  # an A50 reports 8.5 times a second at 1 to 2 m (measured), 5 to 6 beyond 3 m
_SEEN = 0.7  # share of reports in which a beam has an echo; a real A50 misses 0.4 to 8 %
_HEARD = 0.02  # less than that is no echo but chance
_BERTH_M = 5.0  # how well a berth is known before the first fix
_SAME = 0.1  # two ranges within this share of each other, all the time, are one and the same
_DOWN, _FORWARD = 25, 0  # MAV_SENSOR_ROTATION


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeFacts:
    """What the range sensors told while preflight listened.

    Attributes:
        dvl: the DVL answered.
        rate_hz: reports of it.
        seen: (4,) share of reports with an echo, by beam; suspect ones do not count.
        beams_m: (4,) medians; NaN without an echo.
        axis_m: median distance along its axis.
        velocity_share: of reports with a velocity.
        hot: it will soon switch itself off.
        labelled_m: medians of DISTANCE_SENSOR by orientation.
        height_source: a parameter that makes ArduSub use a range as height, such as "EK3_RNG_USE_HGT 60"; or empty.
        expected_m: to the hull from the launch, as the mission states it.
        bottom_m: from the vehicle down to the sea bed, as the mission states it.
    """

    dvl: bool
    rate_hz: float = 0.0
    seen: tuple[float, ...] = ()
    beams_m: tuple[float, ...] = ()
    axis_m: float = float("nan")
    velocity_share: float = 0.0
    hot: bool = False
    labelled_m: dict[int, float] = field(default_factory=dict)
    height_source: str = ""
    expected_m: float = 4.0
    bottom_m: float = 10.0


def range_facts(
    reports: list[RangeReport],
    listened_s: float,
    *,
    expected_m: float,
    bottom_m: float,
    labelled_m: dict[int, float],
    hot: bool = False,
    height_source: str = "",
) -> RangeFacts:
    """Sum up what a DVL reported in a time."""
    four = [report for report in reports if len(report.distances_m) == 4]
    if not four:
        return RangeFacts(
            dvl=True, rate_hz=len(reports) / listened_s, expected_m=expected_m, bottom_m=bottom_m,
            labelled_m=labelled_m, hot=hot, height_source=height_source,
        )  # fmt: skip
    good = np.array([report.good for report in four])
    distances = np.where(good, np.array([report.distances_m for report in four]), np.nan)
    along = np.array([report.directions_frd.mean(axis=0) for report in four])
    cosines = np.linalg.norm(along, axis=1)  # of the beams against their axis
    medians = tuple(float(np.median(column[~np.isnan(column)])) if (~np.isnan(column)).any() else float("nan")
                    for column in distances.T)  # fmt: skip
    with_echo = good.any(axis=1)
    axis = [
        float(np.nanmean(row) * cosine) for row, cosine in zip(distances[with_echo], cosines[with_echo], strict=True)
    ]
    return RangeFacts(
        dvl=True,
        rate_hz=len(reports) / listened_s,
        seen=tuple(float(share) for share in good.mean(axis=0)),
        beams_m=medians,
        axis_m=float(np.median(axis)) if axis else float("nan"),
        velocity_share=float(np.mean([report.velocity_frd_mps is not None for report in four])),
        hot=hot,
        labelled_m=labelled_m,
        height_source=height_source,
        expected_m=expected_m,
        bottom_m=bottom_m,
    )


def check_ranges(facts: RangeFacts) -> list[PreflightLine]:
    """DVL or echo sounder: there, quick enough, plausible, and labelled as it looks."""
    lines = _dvl(facts) if facts.dvl else [_without_dvl(facts)]
    return [*lines, *_orientation(facts)]


def _without_dvl(facts: RangeFacts) -> PreflightLine:
    ahead = facts.labelled_m.get(_FORWARD)
    level: Level = "no-go" if ahead is None else "caution"
    return line(
        _GROUP,
        level,
        mark("DVL"),
        say(mark("none; no range ahead either"))
        if ahead is None
        else say(mark("none; echo sounder ahead {m:.2f} m"), m=ahead),
        say(mark("four beams on the hull")),
        mark(
            "check its power and address; with an echo sounder alone the place comes from what else the vehicle has, "
            "and is less sure"
        ),
    )


def _dvl(facts: RangeFacts) -> list[PreflightLine]:
    level: Level = "go" if facts.rate_hz >= _RATE_HZ else "caution" if facts.rate_hz >= _LEAST_HZ else "no-go"
    lines = [
        line(
            _GROUP,
            level,
            mark("DVL reports"),
            Phrase(f"{facts.rate_hz:.1f} Hz"),
            Phrase(f"≥ {_RATE_HZ:.0f} Hz"),
            mark("lock its range mode to 0.3 to 3 m (=1), and check its network"),
        ),
        _beams(facts),
    ]
    if facts.hot:
        lines.append(
            line(
                _GROUP,
                "no-go",
                mark("DVL"),
                say(mark("too hot")),
                say(mark("cool")),
                mark("put it into the water at once"),
            )
        )
    if np.isfinite(facts.axis_m):
        lines.append(_plausible(facts))
    return lines


def _beams(facts: RangeFacts) -> PreflightLine:
    shares = facts.seen or (0.0,) * 4
    seeing = sum(share >= _SEEN for share in shares)
    level: Level = "go" if seeing == 4 else "caution"
    wanted = say(mark("all four with an echo in {share:.0f} % of reports"), share=100 * _SEEN)
    if max(shares) < _HEARD:
        # no no-go: on the quay it cannot be otherwise, and afloat it may still look away from the hull
        todo = mark(
            "in air it cannot be otherwise: look again in the water. there, turn it to the hull, and take cap and weed "
            "off its face; a survey that does not hear the hull from the launch comes back up after 40 s"
        )
        return line(_GROUP, "caution", mark("DVL beams"), say(mark("no echo in any beam")), wanted, todo)
    metres = facts.beams_m or (float("nan"),) * 4
    told = [
        f"{number}: {100 * share:.0f} %" + (f" {m:.2f} m" if np.isfinite(m) else "")
        for number, (share, m) in enumerate(zip(shares, metres, strict=True), start=1)
    ]
    measured = Phrase(", ".join(told))
    todo = mark("is it in the water, before the hull, with nothing in front of its face?")
    return line(_GROUP, level, mark("DVL beams"), measured, wanted, todo)


def _plausible(facts: RangeFacts) -> PreflightLine:
    """Near where the hull is stated; what is as far as the sea bed is likely to be the sea bed."""
    near = abs(facts.axis_m - facts.expected_m) <= _BERTH_M
    like_bottom = abs(facts.axis_m - facts.bottom_m) < _SAME * facts.bottom_m
    measured = Phrase(f"{facts.axis_m:.2f} m")
    wanted = say(mark("{m:.1f} m to the hull, the berth known to {spread:.0f} m"), m=facts.expected_m, spread=_BERTH_M)
    what = mark("DVL distance")
    if like_bottom and abs(facts.axis_m - facts.expected_m) > _SAME * facts.expected_m:
        todo = mark(
            "this is the distance to the sea bed: does the DVL look down? turn it to the hull, or correct the profile"
        )
        return line(_GROUP, "caution", what, measured, wanted, todo)
    todo = mark("is the vehicle where the mission launches it, and does it face the hull?")
    return line(_GROUP, "go" if near else "caution", what, measured, wanted, todo)


def _orientation(facts: RangeFacts) -> list[PreflightLine]:
    """What is labelled "down" must not be the hull."""
    down = facts.labelled_m.get(_DOWN)
    what = mark("range labelled down")
    wanted = say(mark("the sea bed, or nothing"))
    if down is None:
        return [line(_GROUP, "go", what, say(mark("none")), wanted, "")]
    measured = Phrase(f"{down:.2f} m")
    is_hull = np.isfinite(facts.axis_m) and abs(down - facts.axis_m) < _SAME * facts.axis_m
    is_bottom = abs(down - facts.bottom_m) < _SAME * facts.bottom_m
    if not is_hull or (is_bottom and not facts.height_source):
        return [line(_GROUP, "go", what, measured, wanted, "")]
    measured = say(mark("{m:.2f} m, the DVL's own range to the hull"), m=down)
    if facts.height_source:
        data = {"m": down, "parameter": facts.height_source}
        measured = say(mark("{m:.2f} m, the hull, and {parameter} makes it the vehicle's height"), **data)
    todo = mark("switch off 'use as rangefinder' in the DVL extension: it calls the hull the sea bed (orientation 25)")
    return [line(_GROUP, "no-go" if facts.height_source else "caution", what, measured, wanted, todo)]
