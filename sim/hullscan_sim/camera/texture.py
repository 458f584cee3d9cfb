"""What the plating looks like: coating, age, welds, rust, slime, barnacles, painted marks.

Everything is a function of (seed, u, v): u along the ship from the aft perpendicular, v along the girth outward
from the keel line, starboard positive, both in metres. A page holds linear reflectance and the slope of the
relief; it can be made at any resolution, leaving out what is finer than its pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hullscan_sim.camera.noise import Axis, Image, cells, fractal, hash01, value_noise
from hullscan_sim.scenario import Surface

__all__ = ["COATINGS", "Decal", "HullTexture", "Page"]

# Linear reflectance (B, G, R) of coatings: antifouling red (iron oxide), black, blue, green, grey.
COATINGS: dict[str, tuple[float, float, float]] = {
    "red": (0.030, 0.038, 0.200),
    "black": (0.022, 0.020, 0.020),
    "blue": (0.130, 0.050, 0.020),
    "green": (0.050, 0.100, 0.030),
    "grey": (0.170, 0.170, 0.160),
}
_RUST = (0.016, 0.055, 0.165)
_SLIME = (0.030, 0.072, 0.062)
_BARNACLE = (0.21, 0.245, 0.26)
_PRIMER = (0.09, 0.11, 0.13)
_WELD_BUTT_M, _STRAKE_M = 2.9, 2.1  # plate length and width; usual shipyard plates are 8-12 x 2-3 m, cut by frames


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
        albedo: (h, w, 3) linear reflectance, BGR.
        slope: (h, w, 2) of the relief, along u and v.
    """

    u0_m: float
    v0_m: float
    step_m: float
    albedo: Image
    slope: Image


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
        albedo, relief = self._coating(us, vs)
        self._welds(us, vs, albedo, relief)
        self._rust(us, vs, albedo, relief)
        for decal in self.decals:
            self._decal(decal, us, vs, albedo, relief, step_m)
        self._growth(us, vs, albedo, relief, step_m)
        np.clip(albedo, 0.004, 0.9, out=albedo)
        slope = np.dstack([_gradient(relief, 1), _gradient(relief, 0)]) / np.float32(step_m)
        return Page(u0_m, v0_m, step_m, albedo, np.clip(slope, -1.6, 1.6).astype(np.float32))

    def _coating(self, us: Axis, vs: Axis) -> tuple[Image, Image]:
        seed, age = self.seed, self.surface.age
        tone = fractal(us, vs, 6.0, 5, seed + 1, gain=0.6)
        streak = fractal(us, vs, 0.25, 4, seed + 2, stretch=8.0)
        grain = fractal(us, vs, 0.03, 4, seed + 3, gain=0.8)
        shade = 1 + 0.13 * tone * (0.4 + age) + 0.08 * streak * (0.3 + age) + 0.05 * grain
        albedo = self.coat[None, None, :] * np.maximum(shade, 0.25)[..., None]
        # older coats: faded, touched up in rectangles of another shade, chipped down to the primer
        fade = np.clip(0.5 + 0.35 * fractal(us, vs, 3.0, 4, seed + 4), 0, 1)[..., None] * (0.35 * age)
        grey = albedo.mean(axis=2, keepdims=True) * 1.25 + 0.012
        albedo = albedo * (1 - fade) + grey * fade
        for size, seed_offset in ((2.3, 11), (0.9, 13)):
            patch, shade_of_patch = _rectangles(us, vs, size, 0.30 * age, seed + seed_offset)
            albedo *= (1 + patch * (shade_of_patch * 0.7 - 0.28))[..., None]
        chip = fractal(us, vs, 0.35, 6, seed + 5, gain=0.7) + 0.6 * fractal(us, vs, 4.0, 2, seed + 6)
        chip = np.clip((chip - (2.9 - 1.3 * age)) * 6, 0, 1)[..., None]
        albedo = albedo * (1 - chip) + np.array(_PRIMER, np.float32) * chip
        # relief: orange peel of the roller, dents between the frames
        relief = 0.00022 * grain + 0.0035 * fractal(us, vs, 1.4, 2, seed + 7) - 0.0004 * chip[..., 0]
        return albedo.astype(np.float32), relief.astype(np.float32)

    def _welds(self, us: Axis, vs: Axis, albedo: Image, relief: Image) -> None:
        width = max(0.007, 0.6 * float(us[1] - us[0]))
        bead = 0.6 + 0.4 * value_noise(us, vs, 0.02, 0.02, self.seed + 22)
        strake = np.floor(vs / _STRAKE_M).astype(np.int64)
        shift = hash01(strake, strake * 0, self.seed + 21) * _WELD_BUTT_M  # butts of neighbouring strakes are staggered
        us, vs = us.astype(np.float32), vs.astype(np.float32)
        to_butt = (us[None, :] + shift[:, None] + _WELD_BUTT_M / 2) % _WELD_BUTT_M - _WELD_BUTT_M / 2
        to_seam = ((vs + _STRAKE_M / 2) % _STRAKE_M - _STRAKE_M / 2)[:, None] + 0 * us[None, :]
        for distance in (to_butt, to_seam):
            ridge = np.exp(-((distance / width) ** 2)).astype(np.float32)
            relief += 0.0028 * ridge * bead * np.float32(0.007 / width)
            albedo *= (1 + (0.22 * ridge * (bead - 0.9)))[..., None]

    def _rust(self, us: Axis, vs: Axis, albedo: Image, relief: Image) -> None:
        """Runs that follow gravity, down the girth, where the coat is broken; and a few pitted patches."""
        age = self.surface.age
        run = fractal(us, vs, 0.10, 4, self.seed + 31, stretch=12.0, gain=0.6)
        where = fractal(us, vs, 1.7, 3, self.seed + 32)
        amount = np.clip(run + 0.8 * where - (3.2 - 1.3 * age), 0, 1) * 0.8
        pit = np.clip(fractal(us, vs, 0.5, 5, self.seed + 33) + 0.7 * where - (3.3 - 1.2 * age), 0, 1)
        amount = np.maximum(amount, pit)[..., None]
        colour = np.array(_RUST, np.float32) * (1 + 0.3 * fractal(us, vs, 0.05, 3, self.seed + 34))[..., None]
        albedo *= 1 - amount
        albedo += colour * amount
        relief += 0.0012 * pit * fractal(us, vs, 0.02, 2, self.seed + 35)

    def _growth(self, us: Axis, vs: Axis, albedo: Image, relief: Image, step_m: float) -> None:
        fouling = self.surface.fouling
        if fouling <= 0:
            return
        below = np.clip((self.waterline_v_m - np.abs(vs)) / max(self.waterline_v_m, 1.0), 0, 1)[:, None]
        film = np.clip(0.2 + 1.5 * fouling + 0.45 * fractal(us, vs, 1.2, 5, self.seed + 41) - 0.5 * below, 0, 1)
        wiped = np.clip(fractal(us, vs, 1.1, 2, self.seed + 42, stretch=0.15) - 1.1, 0, 1)  # lines, fenders, divers
        film = (film * (0.75 * fouling**0.6) * (1 - 0.8 * wiped))[..., None]
        slime = np.array(_SLIME, np.float32) * (1 + 0.25 * fractal(us, vs, 0.12, 4, self.seed + 43))[..., None]
        albedo *= 1 - film
        albedo += slime * film
        density = self._colonies(us, vs) * np.float32(min(1.0, 1.5 * fouling))
        self._barnacles(us, vs, albedo, relief, density, step_m)

    def _colonies(self, us: Axis, vs: Axis) -> Image:
        """Share of the surface that is crusted: round colonies of three sizes, denser where larvae settled."""
        coarse_u, coarse_v = us[::4] if len(us) > 8 else us, vs[::4] if len(vs) > 8 else vs
        grid_u, grid_v = (axis.astype(np.float32) for axis in np.meshgrid(coarse_u, coarse_v))
        ragged = 0.22 * fractal(coarse_u, coarse_v, 0.15, 3, self.seed + 51)
        favour = 0.5 + 0.5 * fractal(coarse_u, coarse_v, 5.0, 3, self.seed + 52)
        total = np.zeros(grid_u.shape, np.float32)
        for size, seed in ((1.6, 53), (0.6, 57), (0.2, 61)):
            distance, _, number = cells(grid_u, grid_v, size, self.seed + seed)
            radius = size * (0.10 + 0.42 * number**2)
            present = number < 0.25 + 0.65 * self.surface.fouling * np.clip(favour, 0.2, 1.4)
            total = np.maximum(total, np.clip((radius * (1 + ragged) - distance) / (0.35 * radius), 0, 1) * present)
        return np.asarray(cv2.resize(total, (len(us), len(vs)), interpolation=cv2.INTER_LINEAR), dtype=np.float32)

    def _barnacles(
        self,
        us: Axis,
        vs: Axis,
        albedo: Image,
        relief: Image,
        density: Image,
        step_m: float,
    ) -> None:
        shell = np.array(_BARNACLE, np.float32)
        if step_m > 0.006:  # single shells are below the pixel: their mean
            cover = (0.45 * density * (0.8 + 0.3 * fractal(us, vs, 0.08, 3, self.seed + 71)))[..., None]
            albedo *= 1 - cover
            albedo += shell * cover
            relief += 0.004 * density
            return
        rows, columns = np.nonzero(density > 0.03)
        if not len(rows):
            return
        u, v, dense = us[columns].astype(np.float32), vs[rows].astype(np.float32), density[rows, columns]
        for size, seed in ((0.022, 72), (0.010, 77)):
            distance, toward, number = cells(u, v, size, self.seed + seed)
            radius = size * (0.28 + 0.30 * number)
            present = (hash01((number * 1e6).astype(np.int64), rows * 0, 5) < dense).astype(np.float32)
            q = np.clip(distance / radius, 0, 1)
            cone = (1 - q) ** 0.6 * present
            crater = np.clip(1 - q / 0.38, 0, 1) * present
            relief[rows, columns] += radius * (0.55 * cone - 0.6 * crater)
            cover = np.clip(1.6 * cone, 0, 1)[:, None]
            shade = (0.75 + 0.4 * number - 0.55 * crater + 0.06 * toward)[:, None]
            albedo[rows, columns] = albedo[rows, columns] * (1 - cover) + shell * shade * cover

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


def _rectangles(us: Axis, vs: Axis, size: float, share: float, seed: int) -> tuple[Image, Image]:
    """Touch-up rectangles: one per cell of a lattice with a probability; (mask, random shade)."""
    iu, iv = np.floor(us / size).astype(np.int64), np.floor(vs / size).astype(np.int64)
    first_u, first_v = int(iu[0]), int(iv[0])
    grid = np.meshgrid(np.arange(first_u, int(iu[-1]) + 1), np.arange(first_v, int(iv[-1]) + 1))
    present = hash01(*grid, seed) < share
    low, high = 0.1 + 0.35 * hash01(*grid, seed + 1), 0.55 + 0.4 * hash01(*grid, seed + 2)
    low_v, high_v = 0.1 + 0.35 * hash01(*grid, seed + 3), 0.55 + 0.4 * hash01(*grid, seed + 4)
    shade = hash01(*grid, seed + 5)
    at = np.ix_(iv - first_v, iu - first_u)
    in_u, in_v = (us / size - iu)[None, :], (vs / size - iv)[:, None]
    inside = present[at] & (in_u > low[at]) & (in_u < high[at]) & (in_v > low_v[at]) & (in_v < high_v[at])
    return inside.astype(np.float32), shade[at]


def _gradient(relief: Image, axis: int) -> Image:
    kernel = np.array([[-0.5, 0, 0.5]], np.float32)
    return np.asarray(
        cv2.filter2D(relief, -1, kernel if axis else kernel.T, borderType=cv2.BORDER_REPLICATE), np.float32
    )
