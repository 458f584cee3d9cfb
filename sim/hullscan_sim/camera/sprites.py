"""Drawings of single organisms, a few dozen of each kind, as strips that pages stamp from at any size and turn.

A strip holds its drawings side by side at 64 px and at halves of that, so that a small one is averaged, not skipped.
Channels: height (in units of half the drawing's side), tone (factor on the colour), cover (0 to 1), and what is left
of the light of the ground round it. They are the same for every ship: what differs is which stands where.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from hullscan_sim.camera.noise import Image

__all__ = ["KINDS", "SIDE_PX", "VARIANTS", "Kind", "strips"]

Kind = Literal["barnacle", "worm", "lobes", "mussels", "weed"]
SIDE_PX, VARIANTS = 64, 16
_FINE = 4  # lines are drawn this much larger, then averaged


@lru_cache(maxsize=8)
def strips(kind: Kind) -> tuple[Image, ...]:
    """Strips (side, VARIANTS * side, 4) for sides of 64, 32, 16, 8 and 4 px."""
    rng = np.random.default_rng([9, KINDS.index(kind)])
    drawings = np.stack([_DRAW[kind](rng) for _ in range(VARIANTS)])
    out = []
    for side in (64, 32, 16, 8, 4):
        small = [cv2.resize(drawing, (side, side), interpolation=cv2.INTER_AREA) for drawing in drawings]
        out.append(np.ascontiguousarray(np.concatenate(small, axis=1), np.float32))
    return tuple(out)


def _polar() -> tuple[Image, Image]:
    axis = (np.arange(SIDE_PX, dtype=np.float32) + 0.5) / (SIDE_PX / 2) - 1
    x, y = np.meshgrid(axis, axis)
    return np.hypot(x, y), np.arctan2(y, x)


def _stacked(height: Image, tone: Image, cover: Image, light: Image) -> Image:
    """Channels of a drawing, with a border of nothing, so that neighbours on the strip do not bleed."""
    drawing = np.stack([height * cover, tone, cover, light], axis=-1).astype(np.float32)
    border = np.zeros((SIDE_PX, SIDE_PX), bool)
    border[[0, 1, -1, -2], :] = border[:, [0, 1, -1, -2]] = True
    drawing[border] = (0, 1, 0, 1)
    return drawing


def _contact_shadow(cover: Image, reach_px: float, depth: float) -> Image:
    """Light that is left beside something that stands up."""
    return np.asarray(1 - depth * cv2.GaussianBlur(cover, (0, 0), reach_px), np.float32)


def _barnacle(rng: np.random.Generator) -> Image:
    """An acorn barnacle: a ribbed cone of six plates with its opening; now and then an empty one, or only its base."""
    r, angle = _polar()
    turn, rib_turn = rng.uniform(0, 2 * np.pi, 2)
    outline = 0.70 * (1 + 0.10 * np.cos(2 * (angle - turn)) + 0.05 * np.cos(5 * angle + rib_turn))
    q = r / outline
    opening = float(rng.uniform(0.24, 0.42)) * (1 + 0.25 * np.cos(2 * (angle - turn)))
    ribs = np.cos(6 * angle + rib_turn) + 0.5 * np.cos(13 * angle + turn)
    wall = np.clip((1 - q) / (1 - opening), 0, 1) ** 0.75
    inside = np.clip((opening - q) / 0.10, 0, 1)
    cover = np.clip((1 - q) * 9, 0, 1)
    state = rng.random()
    if state < 0.12:  # broken off: the white disc of its base stays
        return _stacked(0.03 * cover, 1.15 - 0.25 * q + 0.05 * ribs, cover * np.clip(0.5 + 0.5 * q, 0, 1), 1 + 0 * q)
    steep = float(rng.uniform(0.45, 0.8))
    height = steep * (wall * (1 + 0.10 * ribs * (1 - wall)) - 0.55 * inside)
    lids = 0.15 if state < 0.4 else 0.62 + 0.3 * np.cos(angle - turn) ** 2
    tone = (0.72 + 0.36 * wall + 0.09 * ribs * (1 - inside)) * (1 - inside) + lids * inside
    return _stacked(height.astype(np.float32), tone.astype(np.float32), cover, _contact_shadow(cover, 4.0, 0.5))


def _line(points: npt.NDArray[np.floating], width: float, canvas: Image) -> None:
    """A polyline; points in [-1, 1], width in the same unit."""
    big = SIDE_PX * _FINE
    pixels = np.round((points + 1) / 2 * big * 16).astype(np.int32)
    cv2.polylines(canvas, [pixels], False, 1.0, max(round(width / 2 * big), 1), cv2.LINE_8, 4)


def _averaged(canvas: Image) -> Image:
    return np.asarray(cv2.resize(canvas, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), np.float32)


def _worm(rng: np.random.Generator) -> Image:
    """Two or three limy tubes of worms, each with a bend or a coil."""
    big = np.zeros((SIDE_PX * _FINE,) * 2, np.float32)
    for _ in range(int(rng.integers(2, 4))):
        steps = 26
        bend = float(rng.normal() * 0.16) + 0.20 * np.sin(np.linspace(0, rng.uniform(2, 7), steps) + rng.uniform(0, 6))
        heading = rng.uniform(0, 2 * np.pi) + np.cumsum(bend)
        step = float(rng.uniform(0.03, 0.06))
        line = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], axis=1) * step, axis=0)
        line += rng.uniform(-0.3, 0.3, 2) - line.mean(axis=0)
        _line(np.clip(line, -0.9, 0.9), float(rng.uniform(0.05, 0.085)), big)
    cover = _averaged(big)
    round_top = cv2.GaussianBlur(cover, (0, 0), 1.0)
    tone = 0.75 + 0.45 * round_top
    return _stacked(0.10 * round_top, tone, np.clip(cover * 1.2, 0, 1), _contact_shadow(cover, 2.0, 0.45))


def _lobes(rng: np.random.Generator) -> Image:
    """A colony of rounded lobes: sea squirts, sponges."""
    axis = (np.arange(SIDE_PX, dtype=np.float32) + 0.5) / (SIDE_PX / 2) - 1
    x, y = np.meshgrid(axis, axis)
    height, tone = np.zeros_like(x), np.ones_like(x)
    for _ in range(int(rng.integers(7, 20))):
        size = float(0.09 + 0.22 * rng.random() ** 2)
        away, angle = 0.62 * float(rng.random()) ** 0.7 * (1 - size), float(rng.uniform(0, 2 * np.pi))
        d2 = ((x - away * np.cos(angle)) ** 2 + (y - away * np.sin(angle)) ** 2) / size**2
        dome = size * np.sqrt(np.clip(1 - d2, 0, 1)) * 1.1
        own = 0.78 + 0.28 * float(rng.random()) - 0.45 * np.exp(-d2 * 14)  # each has its dark pore
        tone = np.where(dome > height, own * (0.75 + 0.4 * dome / (size * 1.1)), tone)
        height = np.maximum(height, dome)
    cover = np.clip(height * 14, 0, 1)
    return _stacked(height, tone.astype(np.float32), cover, _contact_shadow(cover, 4.5, 0.5))


def _mussels(rng: np.random.Generator) -> Image:
    """A handful of mussels, side by side on their byssus."""
    axis = (np.arange(SIDE_PX, dtype=np.float32) + 0.5) / (SIDE_PX / 2) - 1
    x, y = np.meshgrid(axis, axis)
    height, tone = np.zeros_like(x), np.ones_like(x)
    leading = float(rng.uniform(0, 2 * np.pi))
    for _ in range(int(rng.integers(7, 14))):
        angle = leading + float(rng.normal() * 0.5)
        centre = rng.uniform(-0.42, 0.42, 2)
        length = float(rng.uniform(0.24, 0.42))
        along = ((x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)) / length
        across = (-(x - centre[0]) * np.sin(angle) + (y - centre[1]) * np.cos(angle)) / length
        half_width = 0.5 * np.clip(0.7 + 0.45 * along, 0.2, 1)
        d2 = along**2 + (across / half_width) ** 2
        dome = length * 0.75 * np.sqrt(np.clip(1 - d2, 0, 1))
        rings = 0.8 + 0.22 * np.sin(d2 * 14) + 0.9 * np.exp(-((across + 0.1) ** 2) * 60) * (along > -0.2)
        tone = np.where(dome > height, rings * float(rng.uniform(0.6, 1.3)), tone)
        height = np.maximum(height, dome)
    cover = np.clip(height * 14, 0, 1)
    return _stacked(height, tone.astype(np.float32), cover, _contact_shadow(cover, 4.0, 0.6))


def _weed(rng: np.random.Generator) -> Image:
    """A tuft of filaments that hangs from its roots at the upper edge of the drawing, each bent its own way."""
    side = SIDE_PX * _FINE
    cover, tone = np.zeros((side, side), np.float32), np.full((side, side), 0.8, np.float32)
    lean, share = float(rng.normal() * 0.3), np.linspace(0, 1, 14)
    for _ in range(int(rng.integers(12, 44))):
        reach = float(rng.uniform(0.3, 1.6))
        sway = lean + float(rng.normal() * 0.22)
        wave = float(rng.normal() * 0.10) * np.sin(share * rng.uniform(2, 9) + rng.uniform(0, 6))
        x = rng.normal() * 0.26 + reach * (sway * share**1.3 + wave)
        y = -0.85 + abs(rng.normal()) * 0.22 + reach * share
        line = np.stack([np.clip(x, -0.9, 0.9), np.clip(y, -0.9, 0.9)], axis=1)
        own = np.zeros_like(cover)
        _line(line, float(rng.uniform(0.012, 0.03)), own)
        tone = np.where(own > 0, float(rng.uniform(0.45, 1.6)), tone).astype(np.float32)
        cover = np.maximum(cover, own * float(rng.uniform(0.35, 0.9)))
    cover, tone = _averaged(cover), _averaged(tone)
    return _stacked(0.06 * cv2.GaussianBlur(cover, (0, 0), 1.2), tone, cover, _contact_shadow(cover, 3.0, 0.4))


_DRAW: dict[Kind, Callable[[np.random.Generator], Image]] = {
    "barnacle": _barnacle,
    "worm": _worm,
    "lobes": _lobes,
    "mussels": _mussels,
    "weed": _weed,
}
KINDS: tuple[Kind, ...] = tuple(_DRAW)
