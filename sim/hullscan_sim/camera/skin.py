"""The surface of solids: what parcels, ropes and fittings are covered with, looked up pixel by pixel.

A square of 1.28 m holds irregular shading and a crust of growth. It is continued by mirroring, which repeats only after
2.56 m, more than any parcel's length; each material starts at its own place in it and at its own turn.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from hullscan_sim.camera.fouling import GRID_M, Growth, grow
from hullscan_sim.camera.noise import Axis, Grid, Image, fractal, hash01
from hullscan_sim.camera.objects import PATTERNS, Material

__all__ = ["Skin"]

_SIDE_PX, _STEP_M = 512, 0.0025
_SQUARES = 3  # different ones; which one a scene gets follows from its seed
_ROW = 1024  # remap refuses images of more than 32767 rows
_SLIME = np.array([0.026, 0.062, 0.054], np.float32)
_GROUND_M = 30.0  # a depth of girth at which no belt of the waterline shows


class Skin:
    """Reflectance of every material of a scene.

    Args:
        materials: by number.
        seed: of the patterns.
    """

    def __init__(self, materials: list[Material], seed: int) -> None:
        number = np.arange(len(materials))
        lots = [hash01(number, number * 0 + k, seed + 77) for k in range(3)]
        self._table = np.array(
            [(*m.colour, m.mottle, m.fouled, PATTERNS.index(m.pattern)) for m in materials], np.float32
        )
        self._start = np.stack(lots[:2], axis=1) * np.float32(2 * _SIDE_PX * _STEP_M)
        self._turn = np.stack([np.cos(6.28 * lots[2]), np.sin(6.28 * lots[2])], axis=1).astype(np.float32)
        self._square, self._crust = _square(seed % _SQUARES)

    def albedo(self, material: npt.NDArray[np.int32], uv_m: Image) -> Image:
        """(n, 3) reflectance of points of solids, by material and surface coordinates."""
        table = self._table[material]
        colour, mottle, fouled, pattern = table[:, :3], table[:, 3], table[:, 4], table[:, 5]
        c, s = self._turn[material].T
        u, v = uv_m.T
        place = np.stack([c * u + s * v, c * v - s * u], axis=1) + self._start[material]
        noise = _looked_up(self._square, place)
        if len(broad := np.flatnonzero(pattern == PATTERNS.index("broad"))):
            noise[broad] = self._broad(uv_m[broad])
        shade = 1 + mottle * 0.5 * noise[:, 0] + 0.12 * noise[:, 2]
        shade += (pattern == 1) * (0.30 * noise[:, 1])
        for number, wave_m, strength in ((2, 0.013, 0.22), (3, 0.045, 0.25)):
            which = pattern == number
            shade[which] += strength * np.sin(u[which] * np.float32(2 * np.pi / wave_m))
        laid = np.flatnonzero(pattern == 4)  # strands that wind round the rope
        if len(laid):
            strand = np.sin((u[laid] + 0.9 * v[laid]) * np.float32(2 * np.pi / 0.0095))
            shade[laid] *= 0.86 + 0.30 * strand
        film = np.clip(1.3 * fouled + 0.22 * noise[:, 0] - 0.05, 0, 0.85)
        film *= fouled > 0
        crust = _looked_up(self._crust, place)
        cover = np.clip(noise[:, 0] * 1.1 - 1.5 + 3.0 * fouled, 0, 1) * crust[:, 3] * (fouled > 0)
        shade, slime = np.clip(shade, 0.2, 2.2), 1 + 0.3 * noise[:, 2]
        albedo = np.empty((len(material), 3), np.float32)
        for channel in range(3):
            painted = colour[:, channel] * shade
            painted += (_SLIME[channel] * slime - painted) * film
            painted += (crust[:, channel] - painted) * cover
            np.clip(painted, 0.004, 0.85, out=albedo[:, channel])
        return albedo

    def _broad(self, uv_m: Image) -> Image:
        """(n, 3) shading of large surfaces: scales and turns of it that do not repeat together."""
        total = np.zeros((len(uv_m), 3), np.float32)
        for scale, turn, strength in ((1.0, 0.6, 0.5), (0.29, 2.1, 0.6), (0.083, 4.4, 0.65)):
            c, s = np.float32(scale * np.cos(turn)), np.float32(scale * np.sin(turn))
            turned = np.stack([c * uv_m[:, 0] - s * uv_m[:, 1], s * uv_m[:, 0] + c * uv_m[:, 1]], axis=1)
            total += np.float32(strength) * _looked_up(self._square, turned)
        return total


def _looked_up(square: Image, place_m: Image) -> Image:
    """(n, c) values at (n, 2) places of a square that is continued by mirroring."""
    padded = np.zeros((-(-len(place_m) // _ROW) * _ROW, 2), np.float32)
    folded = padded[: len(place_m)]
    np.multiply(place_m, np.float32(0.5 / _STEP_M / _SIDE_PX), out=folded)
    folded -= np.rint(folded)  # periods of the mirrored square, from -1/2 to 1/2
    np.abs(folded, out=folded)
    folded *= np.float32(2 * _SIDE_PX)
    values = cv2.remap(square, padded.reshape(-1, _ROW, 2), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return np.asarray(values.reshape(-1, square.shape[2])[: len(place_m)], np.float32)


@lru_cache(maxsize=_SQUARES)
def _square(number: int) -> tuple[Image, Image]:
    """(512, 512, 3) irregular shading, and (512, 512, 4) a crust: reflectance as lit from above, and cover."""
    axis: Axis = np.arange(_SIDE_PX) * _STEP_M + _GROUND_M
    seed = 9001 + 31 * number
    shading = np.dstack(
        [
            fractal(axis, axis, 0.20, 6, seed + 3, gain=0.6),
            fractal(axis, axis, 0.03, 4, seed + 5, stretch=3.0),
            fractal(axis, axis, 0.06, 4, seed + 7, gain=0.75),
        ]
    ).astype(np.float32)
    grid, soft = Grid.round(axis, axis, GRID_M, 0.12), Grid.round(axis, axis, 4 * _STEP_M, 0.0)
    growth = Growth.made(grid, 0.85, np.full((len(grid.vs), len(grid.us)), 0.25, np.float32), 2 * _GROUND_M, seed)
    layers = []
    for ground in (0.0, 1.0):
        albedo = np.full((_SIDE_PX, _SIDE_PX, 3), ground, np.float32)
        relief = np.zeros((_SIDE_PX, _SIDE_PX), np.float32)
        grow(growth, grid, axis, axis, soft, albedo, relief, 0.85, seed)
        layers.append(albedo)
    cover = np.clip(1 - (layers[1] - layers[0]).mean(axis=2), 0, 1)
    slope = cv2.Sobel(relief, cv2.CV_32F, 0, 1, ksize=3, scale=1 / (8 * _STEP_M))
    lit = np.clip(1 + 0.5 * np.clip(slope, -1.2, 1.2), 0.3, 1.6)
    crust = layers[0] / np.maximum(cover, 0.15)[..., None] * lit[..., None]
    return shading, np.dstack([crust, cover]).astype(np.float32)
