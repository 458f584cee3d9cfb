"""Pages of hull texture for what the camera sees: baked in tiles as the vehicle moves, kept while they are near."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

import numpy as np

from hullscan_sim.camera.texture import HullTexture, Page

__all__ = ["PageCache", "PageSource", "SinglePages"]

_FINEST_STEP_M = 0.0025
_COARSEST_LEVEL = 4
_MARGIN_PX = 2  # tiles are baked a little larger, so that slopes have no seam at their edges


class PageSource(Protocol):
    """Gives a page of texture for a rectangle of hull."""

    def page(self, u_m: tuple[float, float], v_m: tuple[float, float], pixel_m: float) -> Page:
        """A page that covers the rectangle at about the resolution of a pixel."""
        ...


class SinglePages:
    """A page for each frame, of just what is in view: for frames of unrelated places."""

    MAX_PX = 820

    def __init__(self, texture: HullTexture) -> None:
        self._texture = texture

    def page(self, u_m: tuple[float, float], v_m: tuple[float, float], pixel_m: float) -> Page:
        """A page that covers the rectangle, coarser where it is large."""
        step = max(1.1 * pixel_m, 0.0018, (u_m[1] - u_m[0]) / self.MAX_PX, (v_m[1] - v_m[0]) / self.MAX_PX)
        width, height = (int((high - low) / step) + 4 for low, high in (u_m, v_m))
        return self._texture.page(u_m[0], v_m[0], width, height, step)


class PageCache:
    """Texture pages in levels of detail.

    Args:
        texture: of the hull.
        tile_m: side of a tile at the finest level; coarser levels have larger tiles of as many pixels.
        keep: tiles kept in memory (about 3 MB each).
    """

    def __init__(self, texture: HullTexture, tile_m: float = 1.0, keep: int = 80) -> None:
        self._texture, self._tile_m, self._keep = texture, tile_m, keep
        self._tiles: OrderedDict[tuple[int, int, int], Page] = OrderedDict()
        self._page: tuple[tuple[int, int, int, int, int], Page] | None = None

    def page(self, u_m: tuple[float, float], v_m: tuple[float, float], pixel_m: float) -> Page:
        """A page that covers a rectangle of hull at about the resolution of a pixel."""
        level = int(np.clip(np.floor(np.log2(max(pixel_m, 1e-4) / _FINEST_STEP_M) + 0.35), 0, _COARSEST_LEVEL))
        side = self._tile_m * 2**level
        span = (
            int(np.floor(u_m[0] / side)),
            int(np.floor(u_m[1] / side)),
            int(np.floor(v_m[0] / side)),
            int(np.floor(v_m[1] / side)),
        )
        span = (span[0], min(span[1], span[0] + 8), span[2], min(span[3], span[2] + 8))
        key = (level, *span)
        if self._page is None or self._page[0] != key:
            self._page = (key, self._assemble(level, span))
        return self._page[1]

    def _assemble(self, level: int, span: tuple[int, int, int, int]) -> Page:
        rows = []
        for iv in range(span[2], span[3] + 1):
            rows.append([self._tile(level, iu, iv) for iu in range(span[0], span[1] + 1)])
        albedo = np.vstack([np.hstack([tile.albedo for tile in row]) for row in rows])
        slope = np.vstack([np.hstack([tile.slope for tile in row]) for row in rows])
        first = rows[0][0]
        return Page(first.u0_m, first.v0_m, first.step_m, albedo, slope)

    def _tile(self, level: int, iu: int, iv: int) -> Page:
        key = (level, iu, iv)
        if key in self._tiles:
            self._tiles.move_to_end(key)
            return self._tiles[key]
        step, side = _FINEST_STEP_M * 2**level, self._tile_m * 2**level
        pixels = round(side / step)
        u0, v0 = iu * side + step / 2, iv * side + step / 2
        wide = pixels + 2 * _MARGIN_PX
        page = self._texture.page(u0 - _MARGIN_PX * step, v0 - _MARGIN_PX * step, wide, wide, step)
        inner = slice(_MARGIN_PX, -_MARGIN_PX)
        tile = Page(u0, v0, step, page.albedo[inner, inner], page.slope[inner, inner])
        self._tiles[key] = tile
        while len(self._tiles) > self._keep:
            self._tiles.popitem(last=False)
        return tile
