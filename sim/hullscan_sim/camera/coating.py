"""Paint on steel and what years do to it: generations of coats, plates and their welds, flakes down to the steel, rust.

All of it is a function of (seed, u, v) in metres, as in ``texture``. What decides (where a flake or a bleeding spot is)
lies on a ``Grid``; what only colours is made at the page's own resolution.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hullscan_sim.camera.noise import Axis, Grid, Image, fractal, hash01, value_noise

__all__ = ["Coating", "block_marks"]

Colour = tuple[float, float, float]
Whole = npt.NDArray[np.int64]
_UNDERCOATS: tuple[Colour, ...] = ((0.15, 0.16, 0.17), (0.10, 0.13, 0.15), (0.06, 0.08, 0.15), (0.17, 0.17, 0.165))
_STEEL: Colour = (0.035, 0.045, 0.055)
_RUST_DARK, _RUST, _STAIN = (0.014, 0.026, 0.055), (0.017, 0.048, 0.125), (0.030, 0.085, 0.165)
_PLATE_M, _STRAKE_M = 6.4, 2.15  # of plates as shipyards lay them: 6 to 12 m long, 2 to 3 m broad
_FRAME_M, _LONGITUDINAL_M = 0.72, 0.80  # between which the plating is hollowed a little ("hungry horse")
_RUST_GRID_M = 0.02
_RUN_M = 0.45  # over which a rust run fades


@dataclass(frozen=True, slots=True)
class Coating:
    """The painted surface of a page before anything grows on it.

    Attributes:
        albedo: (h, w, 3) linear reflectance, BGR.
        relief: (h, w) height in metres.
        broken: (rows, columns) of the grid, 0 to 1: where the coat is gone.
    """

    albedo: Image
    relief: Image
    broken: Image

    @classmethod
    def made(
        cls, us: Axis, vs: Axis, soft: Grid, grid: Grid, coat: Image, age: float, waterline_v_m: float, seed: int
    ) -> Coating:
        """Paint a page.

        Args:
            us, vs: axes of the page.
            soft: grid round it, a few pixels wide, for what varies slowly.
            grid: round it, for which ``broken`` is wanted.
            coat: (3,) reflectance of the fresh coat.
            age: 0 new to 1 long overdue.
            waterline_v_m: girth from the keel line to the waterline.
        """
        albedo, relief = _paint(us, vs, soft, coat, age, seed)
        broken = _flaking(grid.us, grid.vs, age, seed, exact=True)
        flaking = _flaking(us, vs, age, seed) if broken.any() else np.zeros((len(vs), len(us)), np.float32)
        blocks = block_marks(us, vs, waterline_v_m, age, seed)
        _flakes(us, vs, flaking, blocks, coat, albedo, relief, seed)
        _welds(us, vs, albedo, relief, age, seed)
        _rust(us, vs, flaking, albedo, relief, age, seed)
        bare = block_marks(grid.us, grid.vs, waterline_v_m, age, seed)
        return cls(albedo, relief, np.maximum(np.clip(broken * 1.4 - 0.5, 0, 1), bare))


def _paint(us: Axis, vs: Axis, soft: Grid, coat: Image, age: float, seed: int) -> tuple[Image, Image]:
    """Coats of several dockings, worn and faded unevenly, with the skin that a roller leaves."""
    tone = fractal(soft.us, soft.vs, 5.0, 5, seed + 1, gain=0.55, stretch=0.5)
    swept = fractal(soft.us, soft.vs, 0.9, 4, seed + 2, stretch=0.12)  # by the flow along the ship
    hung = fractal(soft.us, soft.vs, 0.22, 4, seed + 8, stretch=9.0)  # by what ran down
    shade = 1 + (0.05 + 0.08 * age) * tone + (0.02 + 0.05 * age) * swept + (0.02 + 0.05 * age) * hung
    faded: Image = (coat[None, None, :] * np.maximum(shade, 0.3)[..., None]).astype(np.float32)
    fade = np.clip(0.45 + 0.4 * tone - 0.2 * swept, 0, 1)[..., None] * np.float32(0.42 * age)
    grey = faded.mean(axis=2, keepdims=True) * np.float32(1.3) + np.float32(0.014)
    faded += (grey - faded) * fade
    hollow = (np.sin(np.pi * soft.vs / _LONGITUDINAL_M) ** 2)[:, None] * (np.sin(np.pi * soft.us / _FRAME_M) ** 2)
    layers = np.dstack([faded, 0.003 * hollow * (1 + 0.5 * tone), 0.010 * hung + 0.012 * tone]).astype(np.float32)
    albedo = soft.on(layers[..., :3], us, vs)
    relief, wobble = np.moveaxis(soft.on(np.ascontiguousarray(layers[..., 3:]), us, vs), 2, 0)
    grain = fractal(us, vs, 0.022, 3, seed + 3, gain=0.8)
    factor = (1 + np.float32(0.03) * grain) * _plate_tones(us, vs, 0.10 * age, seed)
    for size, share, offset in ((3.1, 0.35, 11), (1.1, 0.22, 13)):
        for rows, columns, cover, lot in _patches(us, vs, size, share * age, wobble, seed + offset):
            factor[rows, columns] *= 1 + cover * (0.62 + 0.75 * lot - 1)
    albedo *= factor[..., None]
    relief = relief + np.float32(0.00016) * grain + np.float32(0.00030) * fractal(us, vs, 0.06, 1, seed + 7)
    return albedo, np.asarray(relief, np.float32)


def _plate_tones(us: Axis, vs: Axis, spread: float, seed: int) -> Image:
    """Factor for each plate: renewed ones were painted at other times."""
    strake, plate = _plates(us, vs, seed)
    return np.asarray(1 + spread * (hash01(plate, strake + 0 * plate, seed + 23) - 0.5) * 2, np.float32)


def _plates(us: Axis, vs: Axis, seed: int) -> tuple[Whole, Whole]:
    """(h, 1) number of the strake and (h, w) of the plate in it; butts of neighbouring strakes are staggered."""
    strake = np.floor(vs / _STRAKE_M).astype(np.int64)[:, None]
    shift = hash01(strake, strake * 0, seed + 21) * _PLATE_M
    return strake, np.floor((us[None, :] + shift) / _PLATE_M).astype(np.int64)


def _patches(
    us: Axis, vs: Axis, size: float, share: float, wobble: Image, seed: int
) -> Iterator[tuple[slice, slice, Image, float]]:
    """Touched-up areas, rolled by hand, one per cell of a lattice with a probability.

    Yields:
        rows and columns of the page, cover 0 to 1 there, and a random number, of each that the page shows.
    """
    spans = [np.arange(int(np.floor(a[0] / size)), int(np.floor(a[-1] / size)) + 1) for a in (us, vs)]
    iu, iv = (axis.ravel() for axis in np.meshgrid(*spans))
    for at in np.flatnonzero(hash01(iu, iv, seed) < share):
        lots = [float(hash01(iu[at : at + 1], iv[at : at + 1], seed + k)[0]) for k in range(1, 6)]
        low_u, high_u = iu[at] + 0.06 + 0.35 * lots[0], iu[at] + 0.55 + 0.38 * lots[1]
        low_v, high_v = iv[at] + 0.06 + 0.35 * lots[2], iv[at] + 0.55 + 0.38 * lots[3]
        columns = slice(*np.searchsorted(us, [low_u * size - 0.1, high_u * size + 0.1]))
        rows = slice(*np.searchsorted(vs, [low_v * size - 0.1, high_v * size + 0.1]))
        if columns.start == columns.stop or rows.start == rows.stop:
            continue
        u, v = us[columns].astype(np.float32), vs[rows].astype(np.float32)
        in_u = np.minimum(u - np.float32(low_u * size), np.float32(high_u * size) - u)[None, :]
        in_v = np.minimum(v - np.float32(low_v * size), np.float32(high_v * size) - v)[:, None]
        inside = np.minimum(in_u, in_v) + wobble[rows, columns]
        yield rows, columns, np.clip(inside * 90 + np.float32(0.5), 0, 1), lots[4]


def block_marks(us: Axis, vs: Axis, waterline_v_m: float, age: float, seed: int) -> Image:
    """Where the ship stood on the dock's blocks she could not be painted: rectangles on the bottom, 0 to 1."""
    if age < 0.15:
        return np.zeros((len(vs), len(us)), np.float32)
    pitch_u, row_v = 2.4, max(0.22 * waterline_v_m, 1.2)
    iu, row = np.floor(us / pitch_u).astype(np.int64), np.rint(vs / row_v).astype(np.int64)
    lot = hash01(iu[None, :] + 0 * row[:, None], row[:, None] + 0 * iu[None, :], seed + 91)
    to_u = np.abs(us / pitch_u - iu - 0.5)[None, :] * pitch_u - (0.24 + 0.16 * hash01(iu, iu * 0, seed + 92))[None, :]
    to_v = np.abs(vs - row * row_v)[:, None] - 0.55
    edge = np.clip(0.5 - np.maximum(to_u, to_v) * 120, 0, 1)
    on_the_bottom = (np.abs(row) <= 1)[:, None]
    return np.asarray(edge * on_the_bottom * (lot < 0.45), np.float32)


def _flaking(us: Axis, vs: Axis, age: float, seed: int, *, exact: bool = False) -> Image:
    """How far a place has flaked: 0.33 the top coat is gone, 0.67 the next, 1 down to the steel."""
    weak = fractal(us, vs, 2.1, 3, seed + 6, gain=0.7, exact=exact)
    ragged = fractal(us, vs, 0.15, 5, seed + 5, gain=0.68, exact=exact)
    return np.asarray(np.clip((ragged + 1.1 * weak - (3.75 - 1.6 * age)) * 0.8, 0, 1), np.float32)


def _flakes(
    us: Axis, vs: Axis, flaking: Image, blocks: Image, coat: Image, albedo: Image, relief: Image, seed: int
) -> None:
    """Coats broken away in layers, each with the pale rim of its edge."""
    rows = np.flatnonzero((flaking.max(axis=1) > 0) | (blocks.max(axis=1) > 0))
    if not len(rows):
        return
    rows = slice(max(rows[0] - 1, 0), rows[-1] + 2)  # type: ignore[assignment]
    part, bare, view = flaking[rows], blocks[rows][..., None], albedo[rows]
    # an older coat of the same ship comes first, and is nearer to hers in shade than the primers under it
    first, lower = (np.array(_UNDERCOATS[(seed // by) % len(_UNDERCOATS)], np.float32) for by in (1, 7))
    undercoat = 0.45 * first + 0.55 * coat
    mottle = 1 + 0.28 * fractal(us, vs[rows], 0.06, 4, seed + 9, gain=0.7)[..., None]
    for threshold, colour in ((0.02, undercoat), (0.38, lower), (0.72, np.array(_STEEL, np.float32))):
        over = np.clip((part - threshold) * 40, 0, 1)[..., None]
        rim = np.clip(1 - np.abs(part - threshold) * 28, 0, 1)[..., None] * (part > 0)[..., None]
        view += (colour * mottle - view) * over
        view += (np.float32(0.22) - view) * np.float32(0.30) * rim
    view += (np.array(_STEEL, np.float32) * 1.25 * mottle - view) * (0.85 * bare)
    relief[rows] -= np.float32(0.0008) * np.floor(part * 2.99)


def _welds(us: Axis, vs: Axis, albedo: Image, relief: Image, age: float, seed: int) -> None:
    """Seams and butts: a ribbed bead under the paint, a shadow of dirt beside it."""
    step = float(us[1] - us[0])
    width = max(0.008, 0.7 * step)
    strake, _ = _plates(us, vs, seed)
    shift = hash01(strake, strake * 0, seed + 21) * _PLATE_M
    bend = 0.004 * np.sin(us / 0.9 + seed % 7).astype(np.float32)  # nobody welds a straight line
    to_seam = ((vs + _STRAKE_M / 2) % _STRAKE_M - _STRAKE_M / 2).astype(np.float32)[:, None] + bend[None, :]
    to_butt = ((us[None, :] + shift + _PLATE_M / 2) % _PLATE_M - _PLATE_M / 2).astype(np.float32)
    to_butt += 0.004 * np.sin(vs / 0.7).astype(np.float32)[:, None]
    for distance, along, offset in ((to_seam, us[None, :], 0), (to_butt, vs[:, None], 40)):
        rows, columns = _span(np.abs(distance) < 0.09)
        if rows is None or columns is None:
            continue
        near = distance[rows, columns]
        q = near / np.float32(width)
        bead = np.exp(-q * q)
        ripple = np.sin(along * np.float32(2 * np.pi / 0.012)) if step < 0.004 else 0 * along
        uneven = value_noise(us[columns], vs[rows], 0.05, 0.05, seed + 22 + offset)
        ripple_here = ripple[:, columns] if along.shape[0] == 1 else ripple[rows]
        height = np.float32(0.0030 * 0.008 / width) * bead * (1 + 0.10 * ripple_here + 0.30 * uneven)
        relief[rows, columns] += height.astype(np.float32)
        dirt = np.exp(-(((np.abs(near) - 1.6 * width) / (1.3 * width)) ** 2)) * (0.10 + 0.22 * age)
        albedo[rows, columns] *= (1 - dirt * (0.7 + 0.3 * uneven) + 0.10 * bead)[..., None].astype(np.float32)


def _span(mask: npt.NDArray[np.bool_]) -> tuple[slice | None, slice | None]:
    """The smallest rectangle that holds every pixel of a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None, None
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _rust(us: Axis, vs: Axis, flaking: Image, albedo: Image, relief: Image, age: float, seed: int) -> None:
    """Steel laid bare rusts; from there, and from pinholes along the welds, it bleeds down the side."""
    grid = Grid.round(us, vs, max(_RUST_GRID_M, 1.5 * float(us[1] - us[0])), 2.2 * _RUN_M)
    beside_m = 0.1 + 2 * grid.step_m  # runs go up and down only
    inner = np.flatnonzero((grid.us > us[0] - beside_m) & (grid.us < us[-1] + beside_m))
    grid = Grid(grid.us[inner], grid.vs, grid.step_m)
    pits = fractal(grid.us, grid.vs, 0.07, 2, seed + 36, exact=True)
    pits += fractal(grid.us, grid.vs, 2.6, 2, seed + 32, exact=True)
    to_seam = np.abs((grid.vs + _STRAKE_M / 2) % _STRAKE_M - _STRAKE_M / 2)[:, None]
    pinholes = np.clip(pits + 0.9 * (to_seam < 0.03) - (4.2 - 1.7 * age), 0, 1)
    steel = np.clip(_flaking(grid.us, grid.vs, age, seed, exact=True) * 3 - 2.1, 0, 1)
    drips = np.clip(0.9 * value_noise(grid.us, grid.vs, 0.05, 4.0, seed + 37, exact=True) - 0.5, 0, 1)
    source = np.maximum(0.9 * steel * drips, pinholes).astype(np.float32)
    if not source.any():
        return
    taps = int(_RUN_M * 2.2 / grid.step_m)
    fall = np.exp(-np.arange(taps) * grid.step_m / _RUN_M).astype(np.float32)
    kernel = np.zeros(2 * taps - 1, np.float32)
    kernel[taps - 1 :] = fall  # what is up lies further from the keel line
    kernel = kernel if grid.vs.mean() >= 0 else kernel[::-1]
    run = cv2.filter2D(source, -1, np.ascontiguousarray(kernel[:, None]), borderType=cv2.BORDER_CONSTANT)
    steep = np.clip(np.abs(grid.vs) / 2.0 - 0.4, 0.15, 1)[:, None]
    fields = np.dstack([np.clip(run * 0.45, 0, 1) * steep, pinholes]).astype(np.float32)
    bled, spots = cv2.split(grid.on(fields, us, vs))
    spots = np.maximum(spots * 1.4, np.clip(flaking * 3 - 2.1, 0, 1))
    rows, columns = _span(np.maximum(bled, spots) > 0.03)
    if rows is None or columns is None:
        return
    us, vs, view = us[columns], vs[rows], albedo[rows, columns]
    if min(len(us), len(vs)) < 2:
        return
    threads = fractal(us, vs, 0.05, 4, seed + 31, stretch=18.0, gain=0.75)
    blotch = fractal(us, vs, 0.05, 4, seed + 34, gain=0.7)
    stain = (np.clip(bled[rows, columns] * 1.5 + 0.60 * threads - 0.75, 0, 1) * 0.45)[..., None]
    core = np.clip(spots[rows, columns] * (0.8 + 0.45 * blotch), 0, 1)[..., None]
    mix = np.clip(0.5 + 0.4 * blotch, 0, 1)[..., None]
    view += (np.array(_STAIN, np.float32) * (0.7 + 0.3 * mix) - view) * stain
    scale = np.array(_RUST_DARK, np.float32) * (1 - mix) + np.array(_RUST, np.float32) * mix
    view += (scale - view) * core
    relief[rows, columns] += (0.0014 * core[..., 0] * np.abs(blotch)).astype(np.float32)
