"""Curves and triangles as arrays: what the hull surface is made of. Everything here works on many at once."""

from __future__ import annotations

import numpy as np

from hullscan.geometry.frames import Array

__all__ = ["at_length", "resample", "split_at_waterline"]


def split_at_waterline(section: Array) -> tuple[Array, Array]:
    """The wet part of a (k, 2) half-section and the part above it; either may be a single point."""
    section = np.asarray(section, dtype=np.float64)
    wet = section[:, 1] >= 0
    if wet.all():
        return section, section[:1]
    if not wet.any():
        return section[-1:], section
    first = int(np.argmax(wet))
    if first == 0:
        return section, section[:1]
    above, below = section[first - 1], section[first]
    share = -above[1] / (below[1] - above[1])
    edge = above + share * (below - above)
    edge[1] = 0.0
    return np.vstack([edge, section[first:]]), np.vstack([section[:first], edge])


def resample(curve: Array, count: int) -> Array:
    """(count, 2) points at equal arc length along a (k, 2) polyline."""
    steps = np.linalg.norm(np.diff(curve, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    if along[-1] < 1e-12:
        return np.repeat(curve[-1:], count, axis=0)
    want = np.linspace(0, along[-1], count)
    return np.column_stack([np.interp(want, along, curve[:, 0]), np.interp(want, along, curve[:, 1])])


def at_length(curves: Array, along: Array, length: Array) -> Array:
    """(n, d) values of (n, m, d) polylines at (n,) arc lengths."""
    length = np.clip(length, along[:, 0], along[:, -1])
    index = np.clip((along <= length[:, None]).sum(axis=1) - 1, 0, along.shape[1] - 2)
    each = np.arange(len(along))
    span = along[each, index + 1] - along[each, index]
    share = np.where(span > 1e-12, (length - along[each, index]) / np.maximum(span, 1e-12), 0.0)[:, None]
    return np.asarray(curves[each, index] * (1 - share) + curves[each, index + 1] * share, dtype=np.float64)
