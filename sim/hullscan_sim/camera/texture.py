"""What the plating looks like: coating and its age, painted marks, growth.

Everything is a function of (seed, u, v): u along the ship from the aft perpendicular, v along the girth outward
from the keel line, starboard positive, both in metres. A page holds linear reflectance and the slope of the
relief; it can be made at any resolution, leaving out what is finer than its pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hullscan_sim.camera.coating import Coating
from hullscan_sim.camera.fouling import GRID_M, Growth, grow
from hullscan_sim.camera.noise import Axis, Grid, Image, value_noise
from hullscan_sim.scenario import Surface

__all__ = ["ALBEDO_OF_CODE", "COATINGS", "SLOPE_OF_CODE", "Decal", "HullTexture", "Page"]

Codes = npt.NDArray[np.uint8]

# Linear reflectance (B, G, R) of coatings: antifouling red (iron oxide), black, blue, green, grey.
COATINGS: dict[str, tuple[float, float, float]] = {
    "red": (0.030, 0.038, 0.200),
    "black": (0.022, 0.020, 0.020),
    "blue": (0.130, 0.050, 0.020),
    "green": (0.050, 0.100, 0.030),
    "grey": (0.170, 0.170, 0.160),
}
_ALBEDO, _STEEPEST = (0.004, 0.9), 1.6  # limits of what codes can say
_PER_LOG = float(255 / np.log(_ALBEDO[1] / _ALBEDO[0]))
ALBEDO_OF_CODE: Image = (_ALBEDO[0] * np.exp(np.arange(256) / _PER_LOG)).astype(np.float32)
SLOPE_OF_CODE: Image = (_STEEPEST * np.sign(np.arange(256) - 128) * ((np.arange(256) - 128) / 127) ** 2).astype(
    np.float32
)
_REACH_M = 0.12  # from where an organism still reaches into a page
_SOFT_PX = 4  # what varies slowly is made at every fourth pixel


@dataclass(frozen=True, slots=True)
class Decal:
    """Something painted on, or cut into, the plating: a rectangle in (u, v).

    Attributes:
        kind: paint (another coat), hole (dark recess), text (numerals).
        colour: linear reflectance (B, G, R).
    """

    kind: str
    u_m: float
    v_m: float
    size_u_m: float
    size_v_m: float
    colour: tuple[float, float, float]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A rectangle of hull.

    Attributes:
        u0_m, v0_m: centre of the first pixel.
        step_m: distance of pixels.
        codes: (h, w, 4) of linear reflectance, BGR (its logarithm, so that dark coats have as many levels), and of the
            slope of the relief along u (its signed root, finest where it is flat).
        codes_v: (h, w) of the slope along v. Four channels and one are what is looked up fastest.
    """

    u0_m: float
    v0_m: float
    step_m: float
    codes: Codes
    codes_v: Codes

    @classmethod
    def of(cls, u0_m: float, v0_m: float, step_m: float, albedo: Image, relief: Image) -> Page:
        """Code a page: eight bits are enough for a surface, and are looked up three times as fast."""
        colour = (cv2.log(np.clip(albedo, *_ALBEDO)) - np.log(_ALBEDO[0])) * _PER_LOG
        slope = np.dstack([_gradient(relief, 1), _gradient(relief, 0)]) / np.float32(_STEEPEST * step_m)
        tilt = 128 + 127 * np.sign(slope) * cv2.sqrt(np.minimum(np.abs(slope), 1))
        codes = (np.dstack([colour, tilt]) + 0.5).astype(np.uint8)
        return cls(u0_m, v0_m, step_m, np.ascontiguousarray(codes[..., :4]), np.ascontiguousarray(codes[..., 4]))

    @property
    def albedo(self) -> Image:
        """(h, w, 3) linear reflectance, BGR."""
        return ALBEDO_OF_CODE[self.codes[..., :3]]

    @property
    def slope(self) -> Image:
        """(h, w, 2) of the relief, along u and v."""
        return SLOPE_OF_CODE[np.dstack([self.codes[..., 3], self.codes_v])]


class HullTexture:
    """The plating of one ship.

    Args:
        surface: coating, fouling and age of the scenario.
        seed: everything about this hull follows from it.
        waterline_v_m: distance of the waterline from the keel line along the girth (midship); growth is densest below.
        decals: painted marks and recesses.
    """

    def __init__(self, surface: Surface, seed: int, waterline_v_m: float, decals: tuple[Decal, ...] = ()) -> None:
        self.surface, self.seed, self.waterline_v_m, self.decals = surface, seed * 7919 + 17, waterline_v_m, decals
        self.coat = np.array(COATINGS[surface.coating], np.float32)

    def page(self, u0_m: float, v0_m: float, width: int, height: int, step_m: float) -> Page:
        """Make a page of ``height`` x ``width`` pixels."""
        us, vs = u0_m + np.arange(width) * step_m, v0_m + np.arange(height) * step_m
        grid = Grid.round(us, vs, max(GRID_M, 1.5 * step_m), _REACH_M)
        soft = Grid.round(us, vs, _SOFT_PX * step_m, 0.0)
        age, fouling = self.surface.age, self.surface.fouling
        coating = Coating.made(us, vs, soft, grid, self.coat, age, self.waterline_v_m, self.seed)
        albedo, relief = coating.albedo, coating.relief
        for decal in self.decals:
            self._decal(decal, us, vs, albedo, relief, step_m)
        if fouling > 0:
            growth = Growth.made(grid, fouling, coating.broken, self.waterline_v_m, self.seed)
            grow(growth, grid, us, vs, soft, albedo, relief, fouling, self.seed)
        return Page.of(u0_m, v0_m, step_m, albedo, relief)

    def _decal(
        self,
        decal: Decal,
        us: Axis,
        vs: Axis,
        albedo: Image,
        relief: Image,
        step_m: float,
    ) -> None:
        half_u, half_v = decal.size_u_m / 2, decal.size_v_m / 2
        i0, i1 = np.searchsorted(us, [decal.u_m - half_u, decal.u_m + half_u])
        j0, j1 = np.searchsorted(vs, [decal.v_m - half_v, decal.v_m + half_v])
        if i1 - i0 < 2 or j1 - j0 < 2:
            return
        if decal.text:
            # drawn over the whole decal at the page's resolution, then cut to what the page shows
            width, height = max(int(decal.size_u_m / step_m), 2), max(int(decal.size_v_m / step_m), 2)
            ink = np.zeros((height, width), np.uint8)
            scale = height / 30
            cv2.putText(
                ink,
                decal.text,
                (1, int(height * 0.88)),
                cv2.FONT_HERSHEY_SIMPLEX,
                scale,
                255,
                max(int(height / 7), 1),
            )
            # numerals stand upright (away from the keel is up) and read from outside
            ink = ink[::-1] if decal.v_m > 0 else ink[:, ::-1]
            first_u = round((us[i0] - (decal.u_m - half_u)) / step_m)
            first_v = round((vs[j0] - (decal.v_m - half_v)) / step_m)
            ink = ink[first_v : first_v + j1 - j0, first_u : first_u + i1 - i0]
            if min(ink.shape) < 2:
                return
            worn = np.clip(
                0.9 + 0.3 * value_noise(us[i0 : i0 + ink.shape[1]], vs[j0 : j0 + ink.shape[0]], 0.03, 0.03, self.seed),
                0,
                1,
            )
            mix = (ink.astype(np.float32) / 255 * worn)[..., None]
            view = albedo[j0 : j0 + ink.shape[0], i0 : i0 + ink.shape[1]]
            view *= 1 - mix
            view += np.array(decal.colour, np.float32) * mix
            return
        view = albedo[j0:j1, i0:i1]
        if decal.kind == "hole":
            view[:] = np.array(decal.colour, np.float32)
            relief[j0:j1, i0:i1] = 0
        else:
            view *= 0.15
            view += 0.85 * np.array(decal.colour, np.float32)


def _gradient(relief: Image, axis: int) -> Image:
    kernel = np.array([[-0.5, 0, 0.5]], np.float32)
    return np.asarray(
        cv2.filter2D(relief, -1, kernel if axis else kernel.T, borderType=cv2.BORDER_REPLICATE), np.float32
    )
