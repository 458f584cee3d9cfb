"""Offset tables: half-breadths at stations and heights, from a file.

Three layouts are read:

CSV
    The first row holds a name and the heights above the base line in metres; each further row a station in metres
    from the aft perpendicular and the half-breadths there. An empty cell means that she has no plating there. Lines
    ``# length_m: 34.9`` and ``# draught_m: 2.8`` before it state what the table is drawn for.
JSON, ``{"schema": "hullscan.offsets/1", "length_m", "draught_m", "stations_m", "heights_m", "half_breadths_m"}``
    One list of half-breadths for each station; null where she has no plating.
JSON of Vessel.js
    ``structure.hull`` with ``attributes`` LOA, BOA, Depth and ``halfBreadths`` waterlines, stations, table (one row a
    waterline), as shares of Depth, LOA and half of BOA; ``designState.calculationParameters`` LWL_design, Draft_design.

Rule for cells without a value: above the highest value of a station and below its lowest she has no plating; between
two values the cell is a hole, filled straight between them. All three are counted and told. A value of zero is a point
on the centre line: of several below each other only those next to a value count, so that a bulb stands free of the
stem.
Between given points she is straight: nothing is invented.
"""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.ship.files import named_file
from hullscan.ship.form import OffsetForm
from hullscan.ship.loft import afloat, clear_of_ends, closed_end
from hullscan.ship.piece_rows import PieceRows, piece_rows
from hullscan.ship.surface import Dimensions, HullSurface
from hullscan.words import mark

__all__ = ["OffsetTable", "offsets_hull", "read_offsets"]

_MAX_BYTES = 50_000_000
_ROWS = PieceRows(wet=121)
_BLOCK_DIFFERS = 0.03
_FLAT_END = 0.02  # an end whose breadth exceeds this share of the beam is a plate across


@dataclass(frozen=True, slots=True)
class OffsetTable:
    """A table as read.

    Attributes:
        stations_m: (n,) from the aft perpendicular, increasing.
        heights_m: (k,) above the base line, increasing.
        half_breadths_m: (n, k) NaN where no value is given.
        length_m, draught_m, block: that it is drawn for, where the file says so; block is the block coefficient.
    """

    stations_m: Array
    heights_m: Array
    half_breadths_m: Array
    length_m: float | None = None
    draught_m: float | None = None
    block: float | None = None


def offsets_hull(form: OffsetForm, folder: Path) -> HullSurface:
    """The surface through a table, as she floats.

    Raises:
        InputError: the file cannot be used, or she does not float as stated.
    """
    path = named_file(form.offsets, folder)
    table = read_offsets(path)
    fwd, aft = form.draught_fwd_m or table.draught_m, form.draught_aft_m or table.draught_m
    if fwd is None or aft is None:
        raise InputError("draught_fwd_m and draught_aft_m are needed: the table states none", where="ship.form")
    top = float(table.heights_m[-1])
    if max(fwd, aft) >= top:
        what = f"a draught of {max(fwd, aft):g} m is beyond the table, which ends at a height of {top:g} m"
        raise InputError(what, where=str(path), todo="check the draughts")
    values, counts = _filled(table)
    pieces = {
        float(station): found
        for station, column in zip(table.stations_m, values, strict=True)
        if (found := _pieces(table.heights_m, column))
    }
    beam = float(2 * np.nanmax(values))
    if len(pieces) < 3 or beam <= 0:
        raise InputError("the table holds no hull: fewer than three stations have a breadth", where=str(path))
    dimensions = Dimensions(
        length_m=form.length_m or table.length_m or float(np.ptp(table.stations_m)),
        beam_m=beam,
        draught_fwd_m=fwd,
        draught_aft_m=aft,
        list_deg=form.list_deg,
    )
    hull = _lofted(pieces, dimensions, counts)
    drawn_for = table.draught_m
    if table.block is not None and drawn_for is not None and fwd == aft == drawn_for:
        measured = hull.volume_m3 / (dimensions.length_m * beam * drawn_for)
        if abs(measured - table.block) > _BLOCK_DIFFERS:
            message = mark("the file states a block coefficient of {stated:.3f}, its table has {measured:.3f}")
            hull.notes = (*hull.notes, (message, {"stated": table.block, "measured": measured}))
    return hull


def _filled(table: OffsetTable) -> tuple[Array, dict[str, float | str]]:
    """Half-breadths with their holes filled, and how many cells lacked a value, by where they are."""
    values = table.half_breadths_m.copy()
    above = below = holes = 0
    for column in values:
        given = np.flatnonzero(np.isfinite(column))
        if not len(given):
            above += len(column)
            continue
        first, last = int(given[0]), int(given[-1])
        inside = np.flatnonzero(np.isnan(column[first : last + 1])) + first
        column[inside] = np.interp(table.heights_m[inside], table.heights_m[given], column[given])
        below, above, holes = below + first, above + len(column) - 1 - last, holes + len(inside)
    return values, {"count": above + below + holes, "above": above, "below": below, "holes": holes}


def _pieces(heights_m: Array, column: Array) -> list[Array]:
    """(k, 2) (y, height) outlines of a station, from the top down, the highest first."""
    given = np.isfinite(column)
    heights, breadths = heights_m[given][::-1], column[given][::-1]
    solid = np.concatenate([[False], breadths > 0, [False]])
    begins, ends = np.flatnonzero(solid[1:] & ~solid[:-1]), np.flatnonzero(solid[:-1] & ~solid[1:])
    pieces = []
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        rows = slice(max(begin - 1, 0), min(end + 1, len(heights)))
        curve = np.column_stack([breadths[rows], heights[rows]])
        if curve[-1, 0] > 0:
            curve = np.vstack([curve, [0.0, curve[-1, 1]]])
        pieces.append(curve)
    return pieces or ([np.array([[0.0, heights[0]], [0.0, heights[-1]]])] if len(heights) else [])


def _lofted(pieces: dict[float, list[Array]], dimensions: Dimensions, counts: dict[str, float | str]) -> HullSurface:
    stations = np.array(sorted(pieces))
    across = [max(float(piece[:, 0].max()) for piece in pieces[stations[end]]) for end in (0, -1)]
    flat = (across[0] > _FLAT_END * dimensions.beam_m, across[1] > _FLAT_END * dimensions.beam_m)
    stations = clear_of_ends(stations, flat)
    list_rad = float(np.radians(dimensions.list_deg))
    signs = (1.0, -1.0) if list_rad else (1.0,)
    grids, gaps = [], np.zeros((len(stations), _ROWS.dry + _ROWS.wet - 1), dtype=bool)
    for sign in signs:
        grid = np.empty((len(stations), _ROWS.dry + _ROWS.wet, 3))
        grid[:, :, 0] = stations[:, None]
        for index, station in enumerate(stations.tolist()):
            draught = float(dimensions.draught_at(np.array(station)))
            floating = [afloat(piece, draught, sign * list_rad) for piece in pieces[station]]
            grid[index, :, 1:], own = piece_rows(floating, _ROWS, np.inf)
            gaps[index] |= own
        grids.append(grid)
    for end, closed in zip((0, -1), flat, strict=True):
        if closed:
            both = [closed_end(stations, grid, end, sign * list_rad) for grid, sign in zip(grids, signs, strict=True)]
            stations, grids = both[0][0], [grid for _, grid in both]
            repeat = np.repeat(gaps[[end]], 2, axis=0)
            gaps = np.concatenate([repeat, gaps] if end == 0 else [gaps, repeat])
    message = mark(
        "{count} cells of the offset table have no value: {above} above the plating, {below} below it, {holes} holes "
        "filled straight between their neighbours"
    )
    return HullSurface(
        stations,
        grids[0],
        _ROWS.dry,
        port_grid_m=grids[1] * [1, -1, 1] if list_rad else None,
        gaps=gaps,
        flat_ends=flat,
        dimensions=dimensions,
        notes=((message, counts),) if counts["count"] else (),
    )


# ---------------------------------------------------------------- files


def read_offsets(path: Path) -> OffsetTable:
    """Read a table in any of the layouts.

    Raises:
        InputError: it cannot be read, or is no such table; with the line where there is one.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", todo="check the name and the rights") from error
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text", todo="save it as CSV or JSON in UTF-8") from None
    if len(raw) > _MAX_BYTES:
        raise InputError(f"{path} has more than {_MAX_BYTES} bytes")
    table = _from_json(path, text) if text.lstrip()[:1] == "{" else _from_csv(path, text)
    return _checked(path, table)


def _from_csv(path: Path, text: str) -> OffsetTable:
    facts: dict[str, float] = {}
    rows: list[list[float]] = []
    heights: list[float] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        where = f"{path}:{number}"
        if stated := re.match(r"\s*#\s*(length_m|draught_m)\s*:\s*(\S+)", line):
            facts[stated[1]] = _number(stated[2], where)
            continue
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        cells = [cell.strip() for cell in next(csv.reader([line]))]
        if heights is None:
            heights = [_number(cell, where) for cell in cells[1:]]
            continue
        if len(cells) != len(heights) + 1:
            raise InputError(f"{len(cells) - 1} half-breadths, the first row has {len(heights)} heights", where=where)
        rows.append([_number(cells[0], where), *(_number(cell, where) if cell else math.nan for cell in cells[1:])])
    if not rows or not heights:
        raise InputError(f"{path} is no offset table", todo="the first row holds heights, each further one a station")
    table = np.array(rows, dtype=np.float64)
    return OffsetTable(table[:, 0], np.array(heights), table[:, 1:], facts.get("length_m"), facts.get("draught_m"))


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{text!r} is not a finite number", where=where)
    return value


def _from_json(path: Path, text: str) -> OffsetTable:
    try:
        data = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise InputError("not readable as JSON", where=f"{path}:{line}", todo="export it again") from None
    except RecursionError:
        raise InputError(f"{path} is nested too deeply") from None
    try:
        if data.get("schema") == "hullscan.offsets/1":
            return OffsetTable(
                _numbers(data["stations_m"]),
                _numbers(data["heights_m"]),
                np.stack([_numbers(row) for row in data["half_breadths_m"]]),
                _optional(data.get("length_m")),
                _optional(data.get("draught_m")),
            )
        hull = data["structure"]["hull"]
        facts, table = hull["attributes"], hull["halfBreadths"]
        design = (data.get("designState") or {}).get("calculationParameters") or {}
        return OffsetTable(
            _numbers(table["stations"]) * float(facts["LOA"]),
            _numbers(table["waterlines"]) * float(facts["Depth"]),
            np.stack([_numbers(row) for row in table["table"]]).T * float(facts["BOA"]) / 2,
            _optional(design.get("LWL_design")),
            _optional(design.get("Draft_design")),
            _optional(design.get("Cb_design")),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(
            f"{path} is no offset table: {type(error).__name__} {error}", todo="see hullscan.offsets/1, or Vessel.js"
        ) from None


def _numbers(values: Any) -> Array:
    """(n,) numbers, NaN for null; anything else is refused."""
    if not isinstance(values, list):
        raise TypeError("a list of numbers is wanted")
    out = np.array([math.nan if value is None else float(value) for value in values], dtype=np.float64)
    if np.isinf(out).any() or any(isinstance(value, bool | str) or value != value for value in values):
        raise ValueError("a value is not a finite number")
    return out


def _optional(value: Any) -> float | None:
    return None if value is None else float(value)


def _checked(path: Path, table: OffsetTable) -> OffsetTable:
    faults = {
        "half-breadths do not fit stations and heights": table.half_breadths_m.shape
        != (len(table.stations_m), len(table.heights_m)),
        "fewer than three stations or two heights": len(table.stations_m) < 3 or len(table.heights_m) < 2,
        "stations do not increase": not (np.diff(table.stations_m) > 0).all(),
        "heights do not increase": not (np.diff(table.heights_m) > 0).all(),
        "a half-breadth is negative": bool((table.half_breadths_m < 0).any()),
    }
    for what, wrong in faults.items():
        if wrong:
            raise InputError(f"{what}", where=str(path), todo="check the table")
    return table
