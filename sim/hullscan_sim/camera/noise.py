"""Noise that is a pure function of (seed, place), so that any piece of hull looks the same whenever it is drawn.

Lattice values come from an integer hash; a page of pixels is two small matrix products (cubic B-spline weights
along each axis), which is exact at every resolution and needs no loop over pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Axis", "Grid", "Image", "cells", "fractal", "hash01", "value_noise"]

Image = npt.NDArray[np.float32]
Axis = npt.NDArray[np.floating[Any]]
"""Evenly spaced places in metres."""
_BSPLINE_STD = 0.277  # of cubic B-spline value noise over uniform [-1, 1] lattice values


def hash01(ix: npt.NDArray[np.int64], iy: npt.NDArray[np.int64], seed: int) -> Image:
    """Uniform [0, 1) from integer coordinates; a 32-bit finaliser after multiplicative mixing."""
    with np.errstate(over="ignore"):
        mixed = ix.astype(np.uint32) * np.uint32(0x9E3779B1) ^ iy.astype(np.uint32) * np.uint32(0x85EBCA77)
        mixed ^= np.uint32((seed * 0xC2B2AE3D + 0x27D4EB2F) & 0xFFFFFFFF)
        mixed ^= mixed >> np.uint32(15)
        mixed *= np.uint32(0x2C1B3C6D)
        mixed ^= mixed >> np.uint32(12)
        mixed *= np.uint32(0x297A2D39)
        mixed ^= mixed >> np.uint32(15)
    return (mixed >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)


@dataclass(frozen=True, slots=True)
class Grid:
    """A lattice of places that are multiples of a step, the same whatever page asks: fields that decide live on it.

    Attributes:
        us, vs: axes in metres.
        step_m: distance of its points.
    """

    us: Axis
    vs: Axis
    step_m: float

    @classmethod
    def round(cls, us: Axis, vs: Axis, step_m: float, margin_m: float) -> Grid:
        """The lattice round a page, with a margin."""
        first_u, last_u = int(np.floor((us[0] - margin_m) / step_m)), int(np.ceil((us[-1] + margin_m) / step_m))
        first_v, last_v = int(np.floor((vs[0] - margin_m) / step_m)), int(np.ceil((vs[-1] + margin_m) / step_m))
        along = np.arange(first_u, max(last_u, first_u + 1) + 1)
        across = np.arange(first_v, max(last_v, first_v + 1) + 1)
        return cls(along * step_m, across * step_m, step_m)

    def at(self, field: Image, u: Axis, v: Axis) -> Image:
        """(n,) values between the points of a field."""
        x = np.clip((u - self.us[0]) / self.step_m, 0, len(self.us) - 1.001)
        y = np.clip((v - self.vs[0]) / self.step_m, 0, len(self.vs) - 1.001)
        i, j = x.astype(np.intp), y.astype(np.intp)
        x, y = x - i, y - j
        upper = field[j, i] * (1 - x) + field[j, i + 1] * x
        lower = field[j + 1, i] * (1 - x) + field[j + 1, i + 1] * x
        return np.asarray(upper * (1 - y) + lower * y, dtype=np.float32)

    def on(self, field: Image, us: Axis, vs: Axis) -> Image:
        """(v, u) or (v, u, c) values on a page, of a field of as many channels."""
        scale = float(us[1] - us[0]) / self.step_m
        shift = np.array(
            [[scale, 0, (us[0] - self.us[0]) / self.step_m], [0, scale, (vs[0] - self.vs[0]) / self.step_m]]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (len(us), len(vs))
        return np.asarray(cv2.warpAffine(field, shift, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _weights(axis: Axis, period: float) -> tuple[npt.NDArray[np.int64], Image]:
    """Lattice indices and the (n, lattice) cubic B-spline weights of an axis."""
    place = axis / period
    base = np.floor(place).astype(np.int64)
    t = (place - base).astype(np.float32)
    first = int(base.min()) - 1
    lattice = np.arange(first, int(base.max()) + 3)
    taps = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
    weights = np.zeros((len(axis), len(lattice)), np.float32)
    columns = (base - first)[:, None] + np.arange(-1, 3)[None, :]
    np.put_along_axis(weights, columns, taps, axis=1)
    return lattice, weights


def value_noise(us: Axis, vs: Axis, period_u: float, period_v: float, seed: int, *, exact: bool = False) -> Image:
    """(v, u) smooth noise of zero mean and unit standard deviation; features are about one period wide.

    Axes are evenly spaced. Where a period spans many pixels it is made on fewer and enlarged (error under 2 %), unless
    it must be exact: then it is the same to the last digits wherever the axes begin.
    """
    skip_u, skip_v = (
        1 if exact or len(axis) < 2 else int(np.clip(period / (axis[1] - axis[0]) / 9, 1, 32))
        for period, axis in ((period_u, us), (period_v, vs))
    )
    lattice_u, weights_u = _weights(_thinned(us, skip_u), period_u)
    lattice_v, weights_v = _weights(_thinned(vs, skip_v), period_v)
    values = hash01(*np.meshgrid(lattice_u, lattice_v), seed) * 2 - 1
    noise: Any = (weights_v @ values @ weights_u.T) / np.float32(_BSPLINE_STD)
    if skip_u > 1 or skip_v > 1:
        rows, columns = noise.shape
        noise = cv2.resize(noise, (columns * skip_u, rows * skip_v), interpolation=cv2.INTER_LINEAR)
        first_u, first_v = (skip if skip > 1 else 0 for skip in (skip_u, skip_v))
        noise = noise[first_v : first_v + len(vs), first_u : first_u + len(us)]
    return np.asarray(noise, dtype=np.float32)


def _thinned(axis: Axis, skip: int) -> Axis:
    """Middles of blocks of ``skip`` pixels, from one block before the axis to one beyond it."""
    if skip == 1:
        return axis
    step = float(axis[1] - axis[0])
    blocks = np.arange(-1, -(-len(axis) // skip) + 1)
    return np.asarray(axis[0] + step * ((skip - 1) / 2 + skip * blocks), dtype=np.float64)


def fractal(
    us: Axis,
    vs: Axis,
    period: float,
    octaves: int,
    seed: int,
    *,
    gain: float = 0.5,
    stretch: float = 1.0,
    exact: bool = False,
) -> Image:
    """Octaves of noise, unit standard deviation; octaves finer than two pixels are left out (they would alias).

    Args:
        us, vs: axes in metres, evenly spaced.
        period: of the coarsest octave along u, metres.
        stretch: factor of the period along v (above 1: streaks along v).
        exact: as of ``value_noise``.
    """
    step = max(float(us[1] - us[0]), float(vs[1] - vs[0]))
    total = np.zeros((len(vs), len(us)), np.float32)
    power = 0.0
    for octave in range(octaves):
        amplitude = gain**octave
        power += amplitude**2
        size = period / 2**octave
        if min(size, size * stretch) < 1.5 * step:
            continue
        total += np.float32(amplitude) * value_noise(us, vs, size, size * stretch, seed * 31 + octave, exact=exact)
    return total / np.float32(np.sqrt(power))


def cells(us: Axis, vs: Axis, size: float, seed: int) -> tuple[Image, Image]:
    """Nearest of one jittered point per cell of a lattice, for the places of two axes.

    Returns:
        (v, u) distance to it in metres, and its random number in [0, 1).
    """
    cu, cv = np.floor(us / size).astype(np.int64), np.floor(vs / size).astype(np.int64)
    iu, iv = np.meshgrid(np.arange(cu[0] - 1, cu[-1] + 2), np.arange(cv[0] - 1, cv[-1] + 2))
    point_u = ((iu + hash01(iu, iv, seed)) * size).astype(np.float32)
    point_v = ((iv + hash01(iu, iv, seed + 1)) * size).astype(np.float32)
    lots = hash01(iu, iv, seed + 2)
    best = np.full((len(vs), len(us)), np.inf, np.float32)
    number = np.zeros_like(best)
    u, v = us.astype(np.float32)[None, :], vs.astype(np.float32)[:, None]
    for row in (0, 1, 2):
        for column in (0, 1, 2):
            at = np.ix_(cv - cv[0] + row, cu - cu[0] + column)
            square = (point_u[at] - u) ** 2 + (point_v[at] - v) ** 2
            closer = square < best
            best = np.where(closer, square, best)
            number = np.where(closer, lots[at], number)
    return np.sqrt(best), number
