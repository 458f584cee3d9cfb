"""From a parametric form to her hull surface: defaults, checks across dimensions, shape constants of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.ship.bulk_carrier import BulkCarrierLines
from hullscan.ship.form import (
    Barge,
    BulkCarrier,
    Coaster,
    ContainerShip,
    FishingVessel,
    RoRo,
    Tanker,
    Wigley,
)
from hullscan.ship.lines import Bulb, Lines, Shape
from hullscan.ship.loft import Rows, loft
from hullscan.ship.simple_lines import BargeLines, WigleyLines
from hullscan.ship.surface import Dimensions, HullSurface

__all__ = ["ParametricForm", "parametric_hull"]

ParametricForm = BulkCarrier | Tanker | ContainerShip | RoRo | Coaster | FishingVessel | Barge | Wigley


class _Sections(Protocol):
    def stations(self, step_m: float) -> Array: ...

    def section(self, station_m: float) -> tuple[Array, Array | None]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Class:
    """Shape and default proportions of a class.

    Attributes:
        depth: of the deck, times the draught.
        bulb: default length as a share of the length, height of the top as a share of the draught, half-breadth as a
            share of the beam.
    """

    shape: Shape
    depth: float
    bulb: tuple[float, float, float] = (0.0, 0.0, 0.0)


# Shares of length and draught, set so that each class has its features where they usually are and its block
# coefficient falls in its usual range (``hydrostatics.USUAL_BLOCK``) at proportions usual for it.
_CLASSES: dict[type[Any], _Class] = {
    Tanker: _Class(
        shape=Shape(
            midbody_aft=(0.33, 0.20), midbody_fwd=(0.74, 0.80), skeg_end=0.030, transom=-0.025, waterline_end=-0.018,
            hollow=(2.2, 1.4, 0.7, 0.5), entrance=(2.3, 1.8), stem_rake=0.3, forefoot=0.45, bilge=0.05, sternpost=0.75,
        ),
        depth=1.4, bulb=(0.015, 0.72, 0.09),
    ),
    ContainerShip: _Class(
        shape=Shape(
            midbody_aft=(0.50, 0.30), midbody_fwd=(0.50, 0.58), skeg_end=0.035, transom=-0.022, waterline_end=-0.020,
            hollow=(2.3, 1.55, 0.55, 0.30), entrance=(1.75, 0.97), stem_rake=0.75, forefoot=0.5, bilge=0.10,
            sternpost=0.62,
        ),
        depth=1.7, bulb=(0.024, 0.78, 0.08),
    ),
    RoRo: _Class(
        shape=Shape(
            midbody_aft=(0.55, 0.34), midbody_fwd=(0.48, 0.54), skeg_end=0.060, transom=-0.020, waterline_end=-0.018,
            hollow=(2.6, 1.7, 0.50, 0.25), entrance=(1.65, 0.90), stem_rake=0.8, forefoot=0.5, bilge=0.11,
            sternpost=0.60,
        ),
        depth=2.2, bulb=(0.024, 0.76, 0.07),
    ),
    Coaster: _Class(
        shape=Shape(
            midbody_aft=(0.38, 0.24), midbody_fwd=(0.64, 0.72), skeg_end=0.035, transom=-0.030, waterline_end=-0.022,
            hollow=(2.3, 1.6, 0.8, 0.5), entrance=(2.0, 1.45), stem_rake=0.6, forefoot=0.6, bilge=0.09, sternpost=0.65,
        ),
        depth=1.4,
    ),
    FishingVessel: _Class(
        shape=Shape(
            midbody_aft=(0.52, 0.42), midbody_fwd=(0.46, 0.52), skeg_end=0.050, transom=-0.045, waterline_end=-0.035,
            hollow=(1.9, 1.4, 0.7, 0.4), entrance=(1.8, 1.10), stem_rake=0.8, forefoot=0.9, floor=2.2, sternpost=0.62,
        ),
        depth=1.5,
    ),
}  # fmt: skip
_LEAST_LENGTH_TO_BEAM = 1.8
_BEAM_TO_DRAUGHT = (1.0, 20.0)
_STEEPEST_TRIM = 0.09  # 5 degrees: beyond it a ship is in distress, and sections at right angles to her base do not do


def parametric_hull(form: ParametricForm, station_step_m: float | None = None) -> HullSurface:
    """The surface of a parametric form.

    Raises:
        InputError: the dimensions contradict each other.
    """
    dimensions = Dimensions(
        length_m=form.length_m,
        beam_m=form.beam_m,
        draught_fwd_m=form.draught_fwd_m,
        draught_aft_m=form.draught_aft_m,
        list_deg=form.list_deg,
    )
    step = station_step_m or float(np.clip(form.length_m / 240, 0.2, 0.8))
    if isinstance(form, BulkCarrier):
        lines: _Sections = _bulk_carrier(form, dimensions)
        return loft(lines.stations(step), lines.section, dimensions)
    _check_proportions(dimensions)
    if isinstance(form, Barge):
        lines = _barge(form, dimensions)
        return loft(lines.stations(step), lines.section, dimensions, flat_ends=(True, True))
    if isinstance(form, Wigley):
        depth = form.depth_m or 1.25 * max(form.draught_fwd_m, form.draught_aft_m)
        _check_depth(depth, dimensions)
        lines = WigleyLines(form.length_m, form.beam_m, dimensions.draught_m, depth)
        return loft(lines.stations(step), lines.section, dimensions)
    drawn = _lines(form, dimensions)
    rows = Rows(wet=49, lower=57) if drawn.parted else Rows()
    return loft(drawn.stations(step), drawn.section, dimensions, rows=rows, flat_ends=(True, False))


def _bulk_carrier(form: BulkCarrier, dimensions: Dimensions) -> BulkCarrierLines:
    mean = dimensions.draught_m
    depth = form.depth_m if form.depth_m is not None else 1.35 * mean
    radius = form.bilge_radius_m
    if radius is None:
        radius = min(0.14 * form.beam_m, 0.45 * mean)
    _check_depth(depth, dimensions)
    _check_bilge(radius, form.beam_m, depth)
    return BulkCarrierLines(form.length_m, form.beam_m, mean, depth, radius)


def _lines(form: Tanker | ContainerShip | RoRo | Coaster | FishingVessel, dimensions: Dimensions) -> Lines:
    kind = _CLASSES[type(form)]
    drawn_for = form.design_draught_m or dimensions.draught_m
    depth = form.depth_m or kind.depth * max(drawn_for, form.draught_fwd_m / 1.2, form.draught_aft_m / 1.2)
    _check_depth(depth, dimensions)
    if drawn_for >= depth:
        raise _impossible(f"design_draught_m {drawn_for:g} must be less than depth_m {depth:g}")
    radius = getattr(form, "bilge_radius_m", None) or min(kind.shape.bilge * form.beam_m, 0.45 * drawn_for, 5.0)
    _check_bilge(radius, form.beam_m, depth)
    bulb = _bulb(form, kind, drawn_for) if getattr(form, "bulb", False) else None
    return Lines(kind.shape, form.length_m, form.beam_m, drawn_for, depth, radius, bulb)


def _bulb(form: Tanker | ContainerShip | RoRo | Coaster | FishingVessel, kind: _Class, draught_m: float) -> Bulb:
    length, height, half_breadth = kind.bulb
    top = getattr(form, "bulb_height_m", None) or height * draught_m
    breadth = getattr(form, "bulb_breadth_m", None) or 2 * half_breadth * form.beam_m
    ahead = getattr(form, "bulb_length_m", None) or length * form.length_m
    if top >= 0.95 * draught_m:
        raise _impossible(f"bulb_height_m {top:g} must be less than 0.95 of the design draught, {draught_m:g} m")
    if breadth > 0.6 * form.beam_m:
        raise _impossible(f"bulb_breadth_m {breadth:g} is more than 0.6 of the beam")
    if ahead > 0.1 * form.length_m:
        raise _impossible(f"bulb_length_m {ahead:g} is more than a tenth of the length")
    return Bulb(
        length_m=ahead,
        half_breadth_m=breadth / 2,
        top_m=top,
        bottom_m=0.03 * draught_m,
        tip_m=0.62 * top,
        meets_m=form.length_m - 0.35 * min(ahead, 0.5 * draught_m),
    )


def _barge(form: Barge, dimensions: Dimensions) -> BargeLines:
    greatest = max(form.draught_fwd_m, form.draught_aft_m)
    depth = form.depth_m or 1.4 * greatest
    _check_depth(depth, dimensions)
    bow = 0.08 * form.length_m if form.bow_rake_m is None else form.bow_rake_m
    stern = 0.05 * form.length_m if form.stern_rake_m is None else form.stern_rake_m
    if bow + stern > 0.8 * form.length_m:
        raise _impossible("bow_rake_m and stern_rake_m together are more than 0.8 of the length")
    radius = min(0.1 * depth, form.beam_m / 2) if form.bilge_radius_m is None else form.bilge_radius_m
    _check_bilge(radius, form.beam_m, depth)
    return BargeLines(form.length_m, form.beam_m, dimensions.draught_m, depth, radius, stern, bow)


def _check_depth(depth_m: float, dimensions: Dimensions) -> None:
    greatest = max(dimensions.draught_fwd_m, dimensions.draught_aft_m)
    if depth_m <= greatest:
        raise _impossible(f"depth_m {depth_m:g} must exceed the draught {greatest:g}")


def _check_bilge(radius_m: float, beam_m: float, depth_m: float) -> None:
    if radius_m > min(beam_m / 2, depth_m):
        raise _impossible(f"bilge_radius_m {radius_m:g} is larger than the half beam or the depth")


def _check_proportions(dimensions: Dimensions) -> None:
    d = dimensions
    if d.length_m < _LEAST_LENGTH_TO_BEAM * d.beam_m:
        raise _impossible(f"length_m {d.length_m:g} is less than {_LEAST_LENGTH_TO_BEAM:g} times the beam")
    low, high = _BEAM_TO_DRAUGHT
    if not low <= d.beam_m / d.draught_m <= high:
        raise _impossible(
            f"the beam is {d.beam_m / d.draught_m:.1f} times the draught; {low:g} to {high:g} is possible"
        )
    if abs(d.draught_fwd_m - d.draught_aft_m) > _STEEPEST_TRIM * d.length_m:
        raise _impossible("the draughts differ by more than 0.09 of the length")


def _impossible(what: str) -> InputError:
    return InputError(what, where="ship.form")
