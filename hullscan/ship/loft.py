"""From sections as drawn, above the base line, to the surface of the ship as she floats: trim, list, pieces, ends.

A section is drawn in two parts, one above the other. They meet (the waist of a bow above its bulb) or stand apart
(ahead of the stem, where the bulb is free): between them runs a fixed row of gaps. Where the water cuts through the
lower part, the upper one is dry; what a bulb shows above water ahead of the stem is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.ship.curves import resample, split_at_waterline
from hullscan.ship.surface import Dimensions, HullSurface

__all__ = ["FLAT_END_M", "Rows", "afloat", "clear_of_ends", "closed_end", "loft"]

FLAT_END_M = 0.005
"""Between the edge of a transom and its centre line: enough for stations to tell its points apart."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the grid: above the waterline, of the upper wet part, of the lower."""

    dry: int = 12
    wet: int = 97
    lower: int = 0


def clear_of_ends(stations_m: Array, flat_ends: tuple[bool, bool]) -> Array:
    """Stations with room beside flat ends for the section just inside."""
    for end, flat in zip((0, -1), flat_ends, strict=True):
        if flat:
            away = np.abs(stations_m - stations_m[end])
            stations_m = stations_m[(away == 0) | (away > 2 * FLAT_END_M)]
    return stations_m


def afloat(section: Array, draught_m: float, list_rad: float) -> Array:
    """(k, 2) (y outward, depth) of a half-section drawn as (y, height above the base line).

    Args:
        list_rad: positive when this side is down.
    """
    y, z = section[:, 0], draught_m - section[:, 1]
    c, s = np.cos(list_rad), np.sin(list_rad)
    return np.column_stack([y * c - z * s, z * c + y * s])


def loft(
    stations_m: Array,
    section: Callable[[float], tuple[Array, Array | None]],
    dimensions: Dimensions,
    *,
    rows: Rows | None = None,
    flat_ends: tuple[bool, bool] = (False, False),
) -> HullSurface:
    """The surface through sections.

    Args:
        stations_m: (n,) increasing.
        section: station -> upper and lower part, (k, 2) (y, height above the base line) each, from the top edge to
            the centre line; the lower one is None in a form without a bulb.
        dimensions: how she floats.
        flat_ends: close the aft, the fore end with a plate across.
    """
    rows = rows or Rows()
    list_rad = float(np.radians(dimensions.list_deg))
    stations_m = clear_of_ends(stations_m, flat_ends)
    draughts = dimensions.draught_at(stations_m)
    sides = (1.0, -1.0) if list_rad else (1.0,)
    grids = [np.empty((len(stations_m), rows.dry + rows.wet + rows.lower, 3)) for _ in sides]
    for index, (station, draught) in enumerate(zip(stations_m.tolist(), draughts.tolist(), strict=True)):
        upper, lower = section(station)
        for grid, sign in zip(grids, sides, strict=True):
            grid[index, :, 0] = station
            floating = afloat(upper, draught, sign * list_rad)
            below = None if lower is None else afloat(lower, draught, sign * list_rad)
            grid[index, :, 1:] = _rows(floating, below, rows)
    stations = stations_m
    for end, flat in zip((0, -1), flat_ends, strict=True):
        if flat:
            closed = [closed_end(stations, grid, end, sign * list_rad) for grid, sign in zip(grids, sides, strict=True)]
            stations, grids = closed[0][0], [grid for _, grid in closed]
    gaps = None
    if rows.lower:
        gaps = np.zeros((len(stations), grids[0].shape[1] - 1), dtype=bool)
        gaps[:, rows.dry + rows.wet - 1] = True
    port = grids[1] * [1, -1, 1] if list_rad else None
    return HullSurface(
        stations, grids[0], rows.dry, port_grid_m=port, gaps=gaps, flat_ends=flat_ends, dimensions=dimensions
    )


def _rows(upper: Array, lower: Array | None, rows: Rows) -> Array:
    """(m, 2) rows of one floating half-section."""
    wet, dry = split_at_waterline(upper)
    if lower is None:
        return np.concatenate([resample(dry, rows.dry + 1)[:-1], resample(wet, rows.wet)])
    lower_wet, lower_dry = split_at_waterline(lower)
    if upper[-1, 1] < 0:
        # the upper part is dry as a whole; what is dry of the lower one belongs to it where they hang together
        joined = np.linalg.norm(upper[-1] - lower[0]) < 1e-9
        dry = np.concatenate([upper, lower_dry]) if joined and lower[0, 1] < 0 else upper
        wet = dry[-1:]
    return np.concatenate([resample(dry, rows.dry + 1)[:-1], resample(wet, rows.wet), resample(lower_wet, rows.lower)])


def closed_end(stations: Array, grid: Array, end: int, list_rad: float) -> tuple[Array, Array]:
    """Stations and grid with a plate across one end: from its edge to the centre line, a few millimetres out."""
    edge, inner = (0, 1) if end == 0 else (len(stations) - 1, len(stations) - 2)
    out = FLAT_END_M if end else -FLAT_END_M
    c, s = np.cos(list_rad), np.sin(list_rad)
    upright_z = grid[edge, :, 2] * c - grid[edge, :, 1] * s
    plate = np.column_stack([np.full(len(upright_z), stations[edge] + out), -upright_z * s, upright_z * c])
    # a section just inside keeps the normals of the side apart from those of the plate
    share = FLAT_END_M / abs(stations[inner] - stations[edge])
    beside = grid[edge] + (grid[inner] - grid[edge]) * share
    if end == 0:
        return (
            np.concatenate([[stations[0] + out, stations[0], stations[0] - out], stations[1:]]),
            np.concatenate([plate[None], grid[:1], beside[None], grid[1:]]),
        )
    return (
        np.concatenate([stations[:-1], [stations[-1] - out, stations[-1], stations[-1] + out]]),
        np.concatenate([grid[:-1], beside[None], grid[-1:], plate[None]]),
    )
