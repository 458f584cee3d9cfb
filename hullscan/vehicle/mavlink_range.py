"""Distances that the vehicle reports over MAVLink: an echo sounder, or a DVL through BlueOS.

Two traps (vehicle.md 2b, 2c). BlueOS labels a DVL's range "down" (orientation 25) even when the DVL looks ahead
at the hull: ``orientation_25_is_forward`` says so. And ``signal_quality`` means different things in different
versions, so nothing is judged by it.
"""

from __future__ import annotations

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.vehicle.echoes import ShortEchoes
from hullscan.vehicle.protocol import RangeCounts, RangeReport
from hullscan.vehicle.samples import RangeSample
from hullscan.vehicle.series import Samples, Series
from hullscan.vehicle.telemetry import Telemetry

__all__ = ["DIRECTIONS_FRD", "MavlinkRange"]

_DIAGONAL = float(np.sqrt(0.5))
DIRECTIONS_FRD: dict[int, tuple[float, float, float]] = {  # MAV_SENSOR_ROTATION, those of one axis
    0: (1.0, 0.0, 0.0),
    1: (_DIAGONAL, _DIAGONAL, 0.0),
    2: (0.0, 1.0, 0.0),
    3: (-_DIAGONAL, _DIAGONAL, 0.0),
    4: (-1.0, 0.0, 0.0),
    5: (-_DIAGONAL, -_DIAGONAL, 0.0),
    6: (0.0, -1.0, 0.0),
    7: (_DIAGONAL, -_DIAGONAL, 0.0),
    24: (0.0, 0.0, -1.0),
    25: (0.0, 0.0, 1.0),
}
_FORWARD, _DOWN = 0, 25
_MINUTE_S = 60.0
_LEAD_IN_S = 3.0  # what the short echo rule wants to have seen


class MavlinkRange:
    """DISTANCE_SENSOR of the vehicle as a ``RangeSensor``; one beam for each orientation.

    Args:
        telemetry: where the readings are kept.
        orientations: which to use, as MAV_SENSOR_ROTATION; forward unless given.
        orientation_25_is_forward: what is labelled "down" really looks ahead.

    Raises:
        ValueError: an orientation without a single axis.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        *,
        orientations: tuple[int, ...] = (_FORWARD,),
        orientation_25_is_forward: bool = False,
    ) -> None:
        unknown = [number for number in orientations if number not in DIRECTIONS_FRD]
        if unknown:
            raise ValueError(f"expected orientations {sorted(DIRECTIONS_FRD)}, got {unknown}")
        self._telemetry = telemetry
        self._directions = {number: DIRECTIONS_FRD[number] for number in orientations}
        self._counts = RangeCounts()
        self._counted: dict[int, tuple[float, ShortEchoes]] = {}
        if orientation_25_is_forward:
            self._directions.pop(_FORWARD, None)
            self._directions[_DOWN] = DIRECTIONS_FRD[_FORWARD]

    def start(self) -> None:
        """Nothing to do: the vehicle's link delivers."""

    def close(self) -> None:
        """Nothing to do."""

    def check(self) -> None:
        """Nothing of its own can go wrong."""

    def _series(self) -> list[tuple[int, Array, Series[RangeSample]]]:
        ranges = self._telemetry.ranges
        chosen = [(number, direction) for number, direction in self._directions.items() if number in ranges]
        return [(number, np.array([direction]), ranges[number]) for number, direction in chosen]

    @property
    def counts(self) -> RangeCounts:
        """What came so far."""
        for number, direction, series in self._series():
            counted_utc_s, echoes = self._counted.get(number, (float("-inf"), ShortEchoes(1)))
            rows = series.between(np.nextafter(counted_utc_s, np.inf), float("inf"))
            for report in _reports(direction, rows, echoes):
                counted_utc_s = report.utc_s
                self._counts.reports += 1
                self._counts.invalid += not report.valid[0]
                self._counts.suspect += bool(report.suspect[0])
            self._counted[number] = counted_utc_s, echoes
        return self._counts

    def latest(self) -> RangeReport | None:
        """The last reading, valid or not; None before the first."""
        newest = max((series.latest.utc_s for _, _, series in self._series() if series.latest), default=None)
        return self.since(newest - 1e-6)[-1] if newest is not None else None

    def since(self, utc_s: float) -> list[RangeReport]:
        """Readings later than a time, the oldest first."""
        found: list[RangeReport] = []
        for _, direction, series in self._series():
            rows = series.between(utc_s - _LEAD_IN_S, float("inf"))
            found += [report for report in _reports(direction, rows, ShortEchoes(1)) if report.utc_s > utc_s]
        return sorted(found, key=lambda report: report.utc_s)

    def age_s(self, now_s: float) -> float:
        """How old the last good reading is; looks back a minute, infinite beyond."""
        good = [report.utc_s for report in self.since(now_s - _MINUTE_S) if report.good.any()]
        return now_s - good[-1] if good else float("inf")


def _reports(direction: Array, rows: Samples, echoes: ShortEchoes) -> list[RangeReport]:
    found = []
    for row in rows:
        utc_s, distance = float(row["utc_s"]), float(row["distance_m"])
        # at one of its limits a sensor says "nothing", not "there"
        valid = np.array([float(row["min_m"]) < distance < float(row["max_m"])])
        distance_m = np.where(valid, distance, np.nan)
        found.append(RangeReport(utc_s, direction, distance_m, valid, echoes.flag(utc_s, distance_m, valid)))
    return found
