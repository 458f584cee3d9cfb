"""Curves and triangles as arrays: what the hull surface is made of. Everything here works on many at once."""

from __future__ import annotations

import numpy as np

from hullscan.geometry.frames import Array

__all__ = ["at_length", "closest_on_triangles", "resample", "split_at_waterline"]


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


def closest_on_triangles(points: Array, corners: Array) -> Array:
    """(n, k, 3) closest points of (n, k, 3, 3) triangles to (n, 1, 3) points.

    The foot on the plane where it lies inside, else the best of the three edges.
    """
    a, b, c = corners[..., 0, :], corners[..., 1, :], corners[..., 2, :]
    ab, ac, ap = b - a, c - a, points - a
    d00, d01, d11 = (ab * ab).sum(-1), (ab * ac).sum(-1), (ac * ac).sum(-1)
    d20, d21 = (ap * ab).sum(-1), (ap * ac).sum(-1)
    scale = np.maximum(d00 * d11 - d01 * d01, 1e-30)
    v, w = (d11 * d20 - d01 * d21) / scale, (d00 * d21 - d01 * d20) / scale
    inside = (v >= 0) & (w >= 0) & (v + w <= 1)
    best = a + v[..., None] * ab + w[..., None] * ac
    distance = np.where(inside, np.linalg.norm(best - points, axis=-1), np.inf)
    for start, end in ((a, b), (b, c), (c, a)):
        step = end - start
        share = ((points - start) * step).sum(-1) / np.maximum((step * step).sum(-1), 1e-30)
        foot = start + np.clip(share, 0, 1)[..., None] * step
        foot_distance = np.linalg.norm(foot - points, axis=-1)
        closer = foot_distance < distance
        best = np.where(closer[..., None], foot, best)
        distance = np.where(closer, foot_distance, distance)
    return np.asarray(best, dtype=np.float64)
