"""Pages of hull texture for what the camera sees: baked in tiles as the vehicle moves, kept while they are near."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

import cv2
import numpy as np

from hullscan_sim.camera.texture import HullTexture, Page

__all__ = ["PageCache", "PageSource", "SinglePages"]

_FINEST_STEP_M = 0.0025
_COARSEST_LEVEL = 4
_STAND_IN_PX = 500_000
_MOST_TILES = 8
_MARGIN_PX = 2  # tiles are baked a little larger, so that slopes have no seam at their edges


class PageSource(Protocol):
    """Gives a page of texture for a rectangle of hull."""

    def page(self, u_m: tuple[float, float], v_m: tuple[float, float], pixel_m: float) -> Page:
        """A page that covers the rectangle at about the resolution of a pixel."""
        ...


class SinglePages:
    """A page for each frame, of just what is in view: for frames of unrelated places.

    Args:
        texture: of the hull.
        most_px: sides of the largest page; what needs more is drawn coarser.
        finest_m: least distance of its pixels.
    """

    def __init__(self, texture: HullTexture, most_px: int = 820, finest_m: float = 0.0018) -> None:
        self._texture, self._most_px, self._finest_m = texture, most_px, finest_m

    def page(self, u_m: tuple[float, float], v_m: tuple[float, float], pixel_m: float) -> Page:
        """A page that covers the rectangle, coarser where it is large."""
        span = max(u_m[1] - u_m[0], v_m[1] - v_m[0])
        step = max(1.1 * pixel_m, self._finest_m, span / self._most_px)
        width, height = (int((high - low) / step) + 4 for low, high in (u_m, v_m))
        return self._texture.page(u_m[0], v_m[0], width, height, step)


class PageCache:
    """Texture pages in levels of detail, baked in tiles as the vehicle moves.

    A tile costs about 0.05 s, so at most ``per_call`` are baked for one frame; until a tile is there, a coarse page
    of the whole hull stands in for it. What a frame shows depends on the frames before it, never on the machine.

    Args:
        texture: of the hull.
        u_m, v_m: extent of the hull in page coordinates.
        tile_m: side of a tile at the finest level; coarser levels have larger tiles of as many pixels.
        keep: tiles kept in memory (under 1 MB each).
        per_call: tiles baked for one page.
    """

    def __init__(
        self,
        texture: HullTexture,
        u_m: tuple[float, float],
        v_m: tuple[float, float],
        tile_m: float = 1.0,
        keep: int = 160,
        per_call: int = 2,
    ) -> None:
        self._texture, self._tile_m, self._keep, self._per_call = texture, tile_m, keep, per_call
        self._tiles: OrderedDict[tuple[int, int, int], Page] = OrderedDict()
        self._page: tuple[tuple[int, ...], Page] | None = None
        step = max(0.02, float(np.sqrt((u_m[1] - u_m[0]) * (v_m[1] - v_m[0]) / _STAND_IN_PX)))
        width, height = (int((high - low) / step) + 2 for low, high in (u_m, v_m))
        self._stand_in = texture.page(u_m[0], v_m[0], width, height, step)

    def page(self, u_m: tuple[float, float], v_m: tuple[float, float], pixel_m: float) -> Page:
        """A page that covers the rectangle at about the resolution of a pixel."""
        level = int(np.clip(np.floor(np.log2(max(pixel_m, 1e-4) / _FINEST_STEP_M) + 0.35), 0, _COARSEST_LEVEL))
        side = self._tile_m * 2**level
        first_u, last_u, first_v, last_v = (int(np.floor(edge / side)) for edge in (*u_m, *v_m))
        columns = range(first_u, min(last_u, first_u + _MOST_TILES) + 1)
        rows = range(first_v, min(last_v, first_v + _MOST_TILES) + 1)
        missing = [(iu, iv) for iv in rows for iu in columns if (level, iu, iv) not in self._tiles]
        middle_u, middle_v = sum(u_m) / 2 / side - 0.5, sum(v_m) / 2 / side - 0.5
        missing.sort(key=lambda at: (at[0] - middle_u) ** 2 + (at[1] - middle_v) ** 2)
        for iu, iv in missing[: self._per_call]:
            self._bake(level, iu, iv)
        key = (level, columns.start, columns.stop, rows.start, rows.stop, max(len(missing) - self._per_call, 0))
        if self._page is None or self._page[0] != key:
            self._page = (key, self._assemble(level, columns, rows))
        return self._page[1]

    def _assemble(self, level: int, columns: range, rows: range) -> Page:
        tiles = [[self._tile(level, iu, iv) for iu in columns] for iv in rows]
        codes = np.vstack([np.hstack([tile.codes for tile in row]) for row in tiles])
        codes_v = np.vstack([np.hstack([tile.codes_v for tile in row]) for row in tiles])
        first = tiles[0][0]
        return Page(first.u0_m, first.v0_m, first.step_m, codes, codes_v)

    def _tile(self, level: int, iu: int, iv: int) -> Page:
        """A baked tile, else its part of the coarse page, enlarged."""
        key = (level, iu, iv)
        if key in self._tiles:
            self._tiles.move_to_end(key)
            return self._tiles[key]
        u0, v0, step, pixels = self._place(level, iu, iv)
        coarse = self._stand_in
        scale = step / coarse.step_m
        shift = np.array(
            [[scale, 0, (u0 - coarse.u0_m) / coarse.step_m], [0, scale, (v0 - coarse.v0_m) / coarse.step_m]]
        )
        size, how, edge = (pixels, pixels), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE
        codes = cv2.warpAffine(coarse.codes, shift, size, flags=how, borderMode=edge)
        codes_v = cv2.warpAffine(coarse.codes_v, shift, size, flags=how, borderMode=edge)
        return Page(u0, v0, step, np.asarray(codes, np.uint8), np.asarray(codes_v, np.uint8))

    def _bake(self, level: int, iu: int, iv: int) -> None:
        u0, v0, step, pixels = self._place(level, iu, iv)
        wide = pixels + 2 * _MARGIN_PX
        page = self._texture.page(u0 - _MARGIN_PX * step, v0 - _MARGIN_PX * step, wide, wide, step)
        inner = slice(_MARGIN_PX, -_MARGIN_PX)
        codes, codes_v = (np.ascontiguousarray(layer[inner, inner]) for layer in (page.codes, page.codes_v))
        self._tiles[level, iu, iv] = Page(u0, v0, step, codes, codes_v)
        while len(self._tiles) > self._keep:
            self._tiles.popitem(last=False)

    def _place(self, level: int, iu: int, iv: int) -> tuple[float, float, float, int]:
        """Centre of a tile's first pixel, its step, and its size in pixels."""
        step, side = _FINEST_STEP_M * 2**level, self._tile_m * 2**level
        return iu * side + step / 2, iv * side + step / 2, step, round(side / step)
