"""Organisms one by one on a page: who settled where, how large it grew, and its drawing stamped there.

A candidate stands in each cell of a lattice; whether it settled, its size, turn and colour follow from a hash of the
cell and from the fields of growth at its place. So a page shows the same individuals at any resolution and from any
side, and every candidate of a page is worked out at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hullscan_sim.camera.noise import Axis, Grid, Image, hash01
from hullscan_sim.camera.sprites import SIDE_PX, VARIANTS, Kind, strips

__all__ = ["Species", "Swarm", "settle", "stamp"]

_ROW = 1024  # remap refuses images of more than 32767 rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Species:
    """One size class of a kind.

    Attributes:
        kind: of drawing.
        cell_m: one candidate per square of this side.
        half_m: least and greatest half side of the drawing.
        colours: (2, 3) two linear reflectances (B, G, R) between which each individual lies.
        upright: hangs down the girth instead of lying at any turn.
        seed: offset of its hashes.
    """

    kind: Kind
    cell_m: float
    half_m: tuple[float, float]
    colours: tuple[tuple[float, float, float], tuple[float, float, float]]
    upright: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Swarm:
    """n individuals.

    Attributes:
        u_m, v_m: (n,) middle.
        half_m: (n,) half side of the drawing.
        turn_rad: (n,).
        variant: (n,) which drawing.
        colour: (n, 3).
        turn_of_cell: (n,) 0 to 3; those of one number do not touch each other.
    """

    u_m: Image
    v_m: Image
    half_m: Image
    turn_rad: Image
    variant: npt.NDArray[np.int64]
    colour: Image
    turn_of_cell: npt.NDArray[np.int64]


def settle(species: Species, us: Axis, vs: Axis, grid: Grid, chance: Image, age: Image, seed: int) -> Swarm:
    """The individuals that reach into a page.

    Args:
        us, vs: axes of the page.
        grid: of the fields.
        chance: (rows, columns) of ``grid``: probability that a candidate settled.
        age: likewise, 0 to 1: older ones are larger.
    """
    cell, reach, seed = species.cell_m, species.half_m[1], seed + species.seed
    spans = [
        np.arange(int(np.floor((a[0] - reach) / cell)), int(np.floor((a[-1] + reach) / cell)) + 1) for a in (us, vs)
    ]
    iu, iv = (axis.ravel() for axis in np.meshgrid(*spans))
    lot = hash01(iu, iv, seed)
    likely = np.flatnonzero(lot < float(chance.max()))
    iu, iv, lot = iu[likely], iv[likely], lot[likely]
    u = (iu + 0.5 + 0.84 * (hash01(iu, iv, seed + 1) - 0.5)) * cell
    v = (iv + 0.5 + 0.84 * (hash01(iu, iv, seed + 2) - 0.5)) * cell
    there = np.flatnonzero(lot < grid.at(chance, u, v))
    iu, iv, u, v = iu[there], iv[there], u[there], v[there]
    grown = hash01(iu, iv, seed + 3)
    low, high = species.half_m
    room = np.float32(0.45) + np.float32(0.75) * grid.at(age, u, v)
    half = low + (high - low) * np.clip(grown ** np.float32(1.6) * room, 0, 1)
    turn = 2 * np.pi * hash01(iu, iv, seed + 4)
    if species.upright:  # hangs, v runs upward away from the keel
        turn = np.where(v > 0, np.pi, 0.0) + 0.7 * (hash01(iu, iv, seed + 4) - 0.5)
    mix = hash01(iu, iv, seed + 5)[:, None]
    first, second = np.array(species.colours, np.float32)
    bright = (0.72 + 0.5 * hash01(iu, iv, seed + 6))[:, None]
    return Swarm(
        u.astype(np.float32),
        v.astype(np.float32),
        half.astype(np.float32),
        turn.astype(np.float32),
        (hash01(iu, iv, seed + 7) * VARIANTS).astype(np.int64),
        np.asarray((first * (1 - mix) + second * mix) * bright, np.float32),
        (iu & 1) + 2 * (iv & 1),
    )


def stamp(kind: Kind, swarm: Swarm, us: Axis, vs: Axis, albedo: Image, relief: Image) -> None:
    """Draw individuals on a page, in place."""
    for number in range(4):  # four times, so that none of one time lies over another of it
        _stamp(kind, swarm, np.flatnonzero(swarm.turn_of_cell == number), us, vs, albedo, relief)


def _stamp(
    kind: Kind, swarm: Swarm, which: npt.NDArray[np.intp], us: Axis, vs: Axis, albedo: Image, relief: Image
) -> None:
    if not len(which):
        return
    step = float(us[1] - us[0])
    half, height, width = swarm.half_m[which], len(vs), len(us)
    around = np.arange(-int(np.ceil(half.max() * 1.05 / step)), int(np.ceil(half.max() * 1.05 / step)) + 1)
    column, row = ((a[which] - float(b[0])) / step for a, b in ((swarm.u_m, us), (swarm.v_m, vs)))
    columns = np.rint(column).astype(np.int32)[:, None] + around
    rows = np.rint(row).astype(np.int32)[:, None] + around
    dx = ((columns - column[:, None]) * (step / half)[:, None]).astype(np.float32)
    dy = ((rows - row[:, None]) * (step / half)[:, None]).astype(np.float32)
    c, s = np.cos(swarm.turn_rad[which]), np.sin(swarm.turn_rad[which])
    x = (c[:, None] * dx)[:, None, :] + (s[:, None] * dy)[:, :, None]
    y = (-s[:, None] * dx)[:, None, :] + (c[:, None] * dy)[:, :, None]
    on_page = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    who, i, j = np.nonzero(on_page & (np.abs(x) < 0.97) & (np.abs(y) < 0.97))
    if not len(who):
        return
    place = rows[who, i].astype(np.intp) * width + columns[who, j]
    level = int(np.clip(np.round(np.log2(SIDE_PX * step / (2 * float(half.mean())))), 0, 4))
    strip = strips(kind)[level]
    side = strip.shape[0]
    at_x = (x[who, i, j] + 1) * np.float32(side / 2) - np.float32(0.5)
    at_x = np.clip(at_x, 0, side - 1) + (swarm.variant[which][who] * side).astype(np.float32)
    at_y = (y[who, i, j] + 1) * np.float32(side / 2) - np.float32(0.5)
    drawn = _sampled(strip, at_x, at_y)
    cover = drawn[:, 2:3]
    own = swarm.colour[which][who] * drawn[:, 1:2]
    flat = albedo.reshape(-1, 3)
    flat[place] = flat[place] * ((1 - cover) * drawn[:, 3:4]) + own * cover
    relief.reshape(-1)[place] += drawn[:, 0] * half[who]


def _sampled(image: Image, x: Image, y: Image) -> Image:
    """(n, c) values of an image at (n,) places."""
    rows = -(-len(x) // _ROW)
    maps = np.zeros((2, rows * _ROW), np.float32)
    maps[0, : len(x)], maps[1, : len(y)] = x, y
    at_x, at_y = maps.reshape(2, rows, _ROW)
    drawn = cv2.remap(image, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(drawn.reshape(rows * _ROW, -1)[: len(x)], np.float32)
