"""Rows of the grid for a section that was cut, not drawn: any number of pieces, corners where they happen to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array
from hullscan.ship.curves import resample, split_at_waterline

__all__ = ["PieceRows", "piece_rows"]

_CORNER_RAD = float(np.radians(15))
_LEAST_PIECE = 2e-3  # of the section's girth: shorter pieces are crumbs


@dataclass(frozen=True, slots=True)
class PieceRows:
    """Rows above and below the waterline."""

    dry: int = 12
    wet: int = 161


def piece_rows(pieces: list[Array], rows: PieceRows, dry_m: float) -> tuple[Array, npt.NDArray[np.bool_]]:
    """(m, 2) rows of one floating half-section, and (m - 1,) its gaps.

    Args:
        pieces: (k, 2) (y, depth) each, from the top down, the highest first.
        dry_m: height above the waterline that is kept.
    """
    wet: list[Array] = []
    dry = pieces[-1][-1:]
    for piece in pieces:
        below, above = split_at_waterline(piece)
        if piece[:, 1].max() < 0:
            dry = piece  # the lowest that hangs wholly above water
            continue
        if (not wet and above.shape[0] > 1) or (not wet and dry is pieces[-1][-1:]):
            dry = above
        wet.append(below)
    lengths = np.array([np.linalg.norm(np.diff(piece, axis=0), axis=1).sum() for piece in wet])
    if len(wet):
        kept = lengths >= max(_LEAST_PIECE * lengths.sum(), 1e-9)
        wet, lengths = [piece for piece, keep in zip(wet, kept, strict=True) if keep], lengths[kept]
    dry_rows = resample(_kept_dry(dry, dry_m), rows.dry + 1)[:-1]
    gaps = np.zeros(rows.dry + rows.wet - 1, dtype=bool)
    if not len(wet):
        return np.concatenate([dry_rows, np.repeat(dry[-1:], rows.wet, axis=0)]), gaps
    counts = np.maximum(np.round(rows.wet * lengths / lengths.sum()).astype(int), 3)
    counts[int(np.argmax(counts))] += rows.wet - int(counts.sum())
    wet_rows = np.concatenate([_with_corners(piece, int(count)) for piece, count in zip(wet, counts, strict=True)])
    gaps[rows.dry - 1 + np.cumsum(counts)[:-1]] = True
    if np.linalg.norm(dry[-1] - wet_rows[0]) > 1e-9:
        gaps[rows.dry - 1] = True  # a free piece under a dry overhang
    return np.concatenate([dry_rows, wet_rows]), gaps


def _kept_dry(dry: Array, dry_m: float) -> Array:
    """The part of a dry curve from the last place where it comes down through a height."""
    above = np.flatnonzero(dry[:, 1] < -dry_m)
    if not len(above) or above[-1] == len(dry) - 1:
        return dry[-1:] if len(above) else dry
    last = int(above[-1])
    a, b = dry[last], dry[last + 1]
    share = (-dry_m - a[1]) / (b[1] - a[1])
    return np.vstack([a + share * (b - a), dry[last + 1 :]])


def _with_corners(curve: Array, count: int) -> Array:
    """Points at equal arc length, the nearest to each corner moved onto it."""
    points = resample(curve, count)
    steps = np.diff(curve, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    solid = lengths > 1e-9 * max(float(lengths.sum()), 1e-30)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    ends = along[1:][solid][:-1]
    ways = np.arctan2(steps[solid, 1], steps[solid, 0])
    turn = np.abs((np.diff(ways) + np.pi) % (2 * np.pi) - np.pi)
    corners = ends[turn > _CORNER_RAD]
    if not len(corners) or count < 3:
        return points
    place = np.linspace(0, along[-1], count)
    row = np.clip(np.round(corners / along[-1] * (count - 1)).astype(int), 1, count - 2)
    place[row] = corners
    place = np.maximum.accumulate(place)
    return np.column_stack([np.interp(place, along, curve[:, 0]), np.interp(place, along, curve[:, 1])])
