"""Tides: heights and currents over time, from a table or from harmonic constants; and the slack waters among them.

A table (CSV, UTF-8) has a header and a row for each time, at least two, in order:

    utc,height_m,current_mps,current_towards_deg
    2026-11-22T00:00:00Z,4.31,0.62,35

``height_m`` may be left out, and so may the two columns of the current; what is given is given in every row. Where
only heights are given, the current is not known, and slack water is taken to be at high and low water: true in a
harbour basin, wrong by up to three hours on an open coast.

Harmonic constants (YAML) stand in the name of constituents, of heights and of the current along one axis:

    schema: hullscan.tide/1
    mean_height_m: 4.64
    axis_towards_deg: 35            # of the flood
    height: [{constituent: M2, amplitude: 2.83, phase_lag_deg: 118}]
    current: [{constituent: M2, amplitude: 0.91, phase_lag_deg: 35}]

h(t) = mean + sum A cos(V(t) - g), V the equilibrium argument at Greenwich, g the phase lag on it
(Schureman, Manual of Harmonic Analysis and Prediction of Tides, 1958; mean longitudes after Meeus, Astronomical
Algorithms). Nodal corrections are not applied: up to 4 % of M2, 19 % of O1 and 29 % of K2
are lost. For a window of an hour that is less than the weather does; for navigation use the authority's predictions.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le, Len

from hullscan.documents import read_document
from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.units import HeadingDeg, NonNegative

__all__ = ["CONSTITUENTS", "Tide", "TideConstants", "load_tide", "slack_windows", "utc_seconds"]

# multiples of (T + h - s, s, h, p), the lunar day and the mean longitudes of moon, sun and lunar perigee (the numbers
# of Doodson), and a constant in degrees; Schureman table 2
CONSTITUENTS: Final[dict[str, tuple[int, int, int, int, int]]] = {
    "M2": (2, 0, 0, 0, 0),
    "S2": (2, 2, -2, 0, 0),
    "N2": (2, -1, 0, 1, 0),
    "K2": (2, 2, 0, 0, 0),
    "K1": (1, 1, 0, 0, -90),
    "O1": (1, -1, 0, 0, 90),
    "P1": (1, 1, -2, 0, 90),
    "Q1": (1, -2, 0, 1, 90),
    "M4": (4, 0, 0, 0, 0),
    "MS4": (4, 2, -2, 0, 0),
    "Mf": (0, 2, 0, 0, 0),
    "Mm": (0, 1, 0, -1, 0),
    "Ssa": (0, 0, 2, 0, 0),
    "Sa": (0, 0, 1, 0, 0),
}
_J2000_UTC_S = 946728000.0
_LEAST_ROWS, _MOST_ROWS = 2, 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmonicConstant:
    """Amplitude (m or m/s) and phase lag on the equilibrium tide at Greenwich of one constituent."""

    constituent: Literal["M2", "S2", "N2", "K2", "K1", "O1", "P1", "Q1", "M4", "MS4", "Mf", "Mm", "Ssa", "Sa"]
    amplitude: NonNegative
    phase_lag_deg: Annotated[float, Ge(-360), Le(360)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TideConstants:
    """A file of harmonic constants, as written."""

    schema: Literal["hullscan.tide/1"]
    mean_height_m: float = 0.0
    axis_towards_deg: HeadingDeg = 0.0
    height: Annotated[tuple[HarmonicConstant, ...], Len(0, 40)] = ()
    current: Annotated[tuple[HarmonicConstant, ...], Len(0, 40)] = ()
    mean_current_mps: Annotated[float, Gt(-5), Le(5)] = 0.0


@dataclass(frozen=True, slots=True)
class Tide:
    """Heights and currents, one of table or constants.

    Attributes:
        table: (n, 4) utc seconds, height in m, current north and east in m/s; NaN columns where not given.
    """

    table: Array | None = None
    constants: TideConstants | None = None

    def height_m(self, utc_s: Array) -> Array:
        """(n,) heights above datum; NaN where not known."""
        utc = np.asarray(utc_s, dtype=np.float64)
        if self.table is not None:
            return np.asarray(np.interp(utc, self.table[:, 0], self.table[:, 1], left=np.nan, right=np.nan))
        if self.constants is None or not self.constants.height:
            return np.full(utc.shape, np.nan)
        return np.asarray(self.constants.mean_height_m + _harmonic(self.constants.height, utc))

    def current_ne_mps(self, utc_s: Array) -> Array:
        """(n, 2) current north and east; NaN where not known."""
        utc = np.asarray(utc_s, dtype=np.float64)
        if self.table is not None:
            columns = [np.interp(utc, self.table[:, 0], self.table[:, k], left=np.nan, right=np.nan) for k in (2, 3)]
            return np.column_stack(columns)
        if self.constants is None or not self.constants.current:
            return np.full((*utc.shape, 2), np.nan)
        along = self.constants.mean_current_mps + _harmonic(self.constants.current, utc)
        axis = np.radians(self.constants.axis_towards_deg)
        return np.asarray(along[:, None] * np.array([np.cos(axis), np.sin(axis)]))


def slack_windows(tide: Tide, start_utc_s: float, end_utc_s: float, limit_mps: float) -> list[tuple[float, float]]:
    """Spans (utc seconds) in which the current stays below a limit.

    Where the tide has heights alone, those of an hour about each high and low water.
    """
    utc = np.arange(start_utc_s, end_utc_s + 1, 60.0)
    speed = np.linalg.norm(tide.current_ne_mps(utc), axis=1)
    if np.isnan(speed).all():
        height = tide.height_m(utc)
        rising = np.sign(np.diff(height))
        turn = utc[1:-1][(rising[:-1] * rising[1:] < 0)]
        return [(max(float(t) - 1800, start_utc_s), min(float(t) + 1800, end_utc_s)) for t in turn]
    calm = np.concatenate([[False], speed < limit_mps, [False]])
    edges = np.flatnonzero(np.diff(calm.astype(int)))
    return [(float(utc[a]), float(utc[b - 1])) for a, b in edges.reshape(-1, 2) if b - a > 1]


def utc_seconds(text: str, *, where: str) -> float:
    """Seconds of an ISO 8601 time with its offset from UTC.

    Raises:
        InputError: it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is no time", where=where, todo="write it as 2026-11-22T03:10:00Z") from None
    if moment.tzinfo is None:
        raise InputError(f"{text!r} does not say in which zone", where=where, todo="end it with Z or +09:00")
    return moment.timestamp()


def load_tide(path: Path) -> Tide:
    """Read a tide file: ``.csv`` is a table, everything else harmonic constants.

    Raises:
        InputError, MissionFileError: with the line.
    """
    if path.suffix.lower() != ".csv":
        return Tide(constants=read_document(path, TideConstants))
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            known = {"utc", "height_m", "current_mps", "current_towards_deg"}
            names = set(reader.fieldnames or ())
            if "utc" not in names or not names <= known or len(names & {"current_mps", "current_towards_deg"}) == 1:
                raise InputError(
                    f"columns are {', '.join(sorted(map(str, names)))}",
                    where=f"{path}:1",
                    todo="give utc, height_m, and current_mps with current_towards_deg",
                )
            rows = [_row(path, reader.line_num, row) for _, row in zip(range(_MOST_ROWS), reader, strict=False)]
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", todo="check the name and the rights") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"not a table: {error}", where=str(path), todo="save it as CSV in UTF-8") from error
    table = np.array(rows).reshape(-1, 4)
    if len(table) < _LEAST_ROWS or (np.diff(table[:, 0]) <= 0).any():
        raise InputError("a tide table needs at least two rows, each later than the one before", where=str(path))
    return Tide(table=table)


def _row(path: Path, line: int, row: dict[str, str | None]) -> tuple[float, float, float, float]:
    utc = utc_seconds((row.get("utc") or "").strip(), where=f"{path}:{line}: utc")
    numbers = {}
    for name in ("height_m", "current_mps", "current_towards_deg"):
        text = row.get(name, "nan")
        try:
            numbers[name] = float(text if text is not None else "")
        except ValueError:
            raise InputError(f"{text!r} is no number", where=f"{path}:{line}: {name}") from None
        if name in row and not np.isfinite(numbers[name]):
            raise InputError(f"{text!r} is no number", where=f"{path}:{line}: {name}")
    towards = np.radians(numbers["current_towards_deg"])
    speed = numbers["current_mps"]
    return utc, numbers["height_m"], float(speed * np.cos(towards)), float(speed * np.sin(towards))


def _harmonic(constants: tuple[HarmonicConstant, ...], utc_s: Array) -> Array:
    """(n,) sums of the constituents at (n,) times."""
    terms = np.array([CONSTITUENTS[each.constituent] for each in constants], dtype=np.float64)
    argument = terms @ np.vstack([_astronomical_deg(utc_s), np.ones(len(utc_s))])
    amplitude = np.array([each.amplitude for each in constants])
    lag = np.array([each.phase_lag_deg for each in constants])
    return np.asarray((amplitude[:, None] * np.cos(np.radians(argument - lag[:, None]))).sum(axis=0))


def _astronomical_deg(utc_s: Array) -> npt.NDArray[np.float64]:
    """(4, n) mean lunar time, mean longitudes of the moon, the sun and the lunar perigee, degrees."""
    days = (np.asarray(utc_s, dtype=np.float64) - _J2000_UTC_S) / 86400
    moon = 218.3164477 + 13.17639648 * days
    sun = 280.46646 + 0.98564736 * days
    perigee = 83.3532465 + 0.11140352 * days
    hour_angle = 360 * ((days + 0.5) % 1.0)  # of mean solar time at Greenwich, from midnight
    return np.vstack([hour_angle + 180 + sun - moon, moon, sun, perigee])
