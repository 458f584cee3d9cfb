"""Lines of the parametric forms: half-breadths from a shape class and principal dimensions.

Every form is y(x, h) = half beam x midship section(h) x entrance(x, h) x run(x, h), h above the base line. The
profile of stem and stern closes it: at a station the section begins at the height at which the profile passes
there, exactly. A bulb is a body of its own: elliptic sections about an axis in the centre plane, a half ellipsoid
ahead of the point where stem and bulb meet, a cylinder that fades into the hull abaft it.

These are approximations that are honest about being ones: dimensions, fullness and features are those of the class,
the yard's own lines are not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import PchipInterpolator

from hullscan.geometry.frames import Array

__all__ = ["Bulb", "Lines", "Shape"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Shape constants of a class.

    Attributes:
        midbody_aft, midbody_fwd: where run and entrance begin, at the base line and at the waterline; share of length.
        skeg_end: sternpost at the base line; share of length.
        transom: aft end of the deck; share of length, negative abaft the perpendicular.
        waterline_end: aft end of the design waterline; share of length.
        hollow: exponent of the run at the base line, at half the draught, at the waterline and above.
        entrance: exponents of the waterline's entrance.
        stem_rake: metres forward for each metre up, above the waterline.
        forefoot: how far the stem goes back at the base line, as a share of the draught.
        floor: exponent of the midship section (y/b)^n + (1 - h/T)^n = 1 where she has no flat bottom; None for a flat
            bottom with a circular bilge.
        bilge: default radius as a share of the beam.
        sternpost: height up to which the sternpost stands, as a share of the draught.
    """

    midbody_aft: tuple[float, float]
    midbody_fwd: tuple[float, float]
    skeg_end: float
    transom: float
    waterline_end: float
    hollow: tuple[float, float, float, float]
    entrance: tuple[float, float]
    stem_rake: float
    forefoot: float
    floor: float | None = None
    bilge: float = 0.14
    sternpost: float = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulb:
    """A bulbous bow.

    Attributes:
        length_m: ahead of the forward perpendicular.
        half_breadth_m: at the forward perpendicular.
        top_m, bottom_m: heights above the base line.
        tip_m: height of its foremost point.
        meets_m: station at which the stem, coming down, meets its top.
    """

    length_m: float
    half_breadth_m: float
    top_m: float
    bottom_m: float
    tip_m: float
    meets_m: float


@dataclass(frozen=True)
class Lines:
    """The lines of one ship.

    Attributes:
        draught_m: the draught that she is drawn for.
        depth_m: base line to deck at the side.
        radius_m: of the bilge.
    """

    shape: Shape
    length_m: float
    beam_m: float
    draught_m: float
    depth_m: float
    radius_m: float
    bulb: Bulb | None = None

    @property
    def aftmost_m(self) -> float:
        """Aft end of the deck."""
        return self.shape.transom * self.length_m

    @cached_property
    def foremost_m(self) -> float:
        """Station of the stem at deck height, or of the tip of the bulb."""
        stem = float(self.stem(np.array([self.depth_m]))[0])
        return stem if self.bulb is None else max(stem, self.length_m + self.bulb.length_m)

    @property
    def parted(self) -> bool:
        """Whether sections have a lower part of their own."""
        return self.bulb is not None

    def stations(self, step_m: float) -> Array:
        """Stations closer to each other where waterlines turn: towards both ends, and along the bulb."""
        span = 0.15 * self.length_m
        least = 100 if step_m < self.length_m / 100 else 30  # a coarse step is meant
        count = int(np.clip(np.ceil(span / step_m) * 3, least, 200))
        eased = 1 - np.cos(np.linspace(0, np.pi / 2, count))
        ends = [self.aftmost_m + (span - self.aftmost_m) * eased]
        fore = self.length_m - span
        stem = float(self.stem(np.array([self.depth_m]))[0])
        ends.append(stem - (stem - fore) * eased[::-1])
        if self.bulb is not None:
            tip, meets = self.length_m + self.bulb.length_m, self.bulb.meets_m
            ends += [tip - (tip - meets) * eased, meets - (meets - fore) * eased]
        middle = np.arange(span, fore, step_m)
        stations = np.unique(np.round(np.concatenate([*ends, middle]), 6))
        return np.asarray(stations[np.concatenate([[True], np.diff(stations) > 1e-5])], dtype=np.float64)

    def section(self, station_m: float) -> tuple[Array, Array | None]:
        """Upper and lower part at a station, (k, 2) (y, height) each, from the deck to the centre line."""
        if self.bulb is None:
            return self._hull_part(station_m, 0.0), None
        waist = self.bulb.top_m
        upper = self._hull_part(station_m, waist)
        if self.bulb.meets_m < station_m <= self.length_m + self.bulb.length_m:
            return upper, self._bulb_part(station_m)
        if station_m > self.bulb.meets_m or self.lowest(station_m) >= waist:
            return upper, upper[-1:]  # beyond the bulb, or under the overhang of the stern: nothing hangs below
        return upper, self._lower_part(station_m, float(upper[-1, 0]))

    # ---------------------------------------------------------------- hull

    def _hull_part(self, station_m: float, down_to_m: float) -> Array:
        """The hull's own half-section from the deck down to its lowest point, or to a height."""
        lowest = max(self.lowest(station_m), down_to_m)
        if lowest >= self.depth_m:
            return np.array([[0.0, self.depth_m]])
        heights = lowest + (self.depth_m - lowest) * self._spacing()
        bilge = self._bilge_heights()
        heights = np.unique(np.concatenate([heights, bilge[bilge > lowest]]))
        curve = np.column_stack([self.half_breadth(station_m, heights), heights])[::-1]
        closed_by_profile = lowest > down_to_m or down_to_m > 0
        if closed_by_profile and lowest > down_to_m:
            curve[-1, 0] = 0.0
        elif down_to_m == 0.0:
            curve = np.vstack([curve, [0.0, lowest]])
        return curve

    def _lower_part(self, station_m: float, waist_breadth_m: float) -> Array:
        """Hull and bulb below the waist, in one piece."""
        bulb = self.bulb
        assert bulb is not None  # callers ask first
        lowest = min(self.lowest(station_m), self._bulb_bottom(station_m))
        bulb_heights = bulb.bottom_m + (bulb.top_m - bulb.bottom_m) * (1 - np.cos(np.linspace(0, np.pi, 60))) / 2
        heights = lowest + (bulb.top_m - lowest) * (1 - np.cos(np.linspace(0, np.pi, 60))) / 2
        bilge = self._bilge_heights()
        heights = np.unique(np.concatenate([heights, bulb_heights, bilge]))
        heights = heights[(heights >= lowest) & (heights <= bulb.top_m)]
        own = np.where(heights > self.lowest(station_m), self.half_breadth(station_m, heights), 0.0)
        breadth = np.maximum(own, self._bulb_breadth(station_m, heights))
        curve = np.column_stack([breadth, heights])[::-1]
        curve[0] = [waist_breadth_m, bulb.top_m]
        return np.vstack([curve, [0.0, lowest]])

    def half_breadth(self, station_m: float, height_m: Array) -> Array:
        """(k,) half-breadths of the hull without its bulb."""
        rise = np.clip(height_m / self.draught_m, 0, 1.3)
        return (
            self.beam_m
            / 2
            * self._midship(height_m)
            * self._entrance(station_m, height_m, rise)
            * self._run(station_m, rise)
        )

    def _midship(self, height_m: Array) -> Array:
        """Midship half-breadth as a share of half the beam."""
        floor = self.shape.floor
        if floor is not None:
            below = np.clip(1 - height_m / self.draught_m, 0, 1)
            return np.asarray((1 - below**floor) ** (1 / floor), dtype=np.float64)
        lift = np.clip(self.radius_m - height_m, 0, self.radius_m)
        inset = self.radius_m - np.sqrt(self.radius_m**2 - lift**2)
        return np.asarray(1 - inset / (self.beam_m / 2), dtype=np.float64)

    def _entrance(self, station_m: float, height_m: Array, rise: Array) -> Array:
        base, top = self.shape.midbody_fwd
        begin = self.length_m * (base + (top - base) * np.minimum(rise, 1.0))
        share = np.clip((station_m - begin) / np.maximum(self.stem(height_m) - begin, 1e-6), 0, 1)
        power, root = self.shape.entrance
        return np.asarray((1 - share**power) ** (1 / root), dtype=np.float64)

    def _run(self, station_m: float, rise: Array) -> Array:
        base, top = self.shape.midbody_aft
        begin = self.length_m * (base + (top - base) * np.minimum(rise, 1.0))
        end = self._waterline_end(rise)
        share = np.clip((begin - station_m) / (begin - end), 0, 1)
        return np.asarray((1 - share**2) ** self._hollow(rise), dtype=np.float64)

    # ---------------------------------------------------------------- profile

    def stem(self, height_m: Array) -> Array:
        """(k,) station of the stem at heights: raked above the waterline, rounded to the forefoot below."""
        above = np.maximum(height_m - self.draught_m, 0) * self.shape.stem_rake
        if self.bulb is None:
            below = np.clip(1 - height_m / self.draught_m, 0, 1) ** 2.2 * self.shape.forefoot * self.draught_m
            return self.length_m + above - below
        top, meets = self.bulb.top_m, self.bulb.meets_m
        to_bulb = np.clip((self.draught_m - height_m) / max(self.draught_m - top, 1e-6), 0, 1) ** 2
        below = np.clip(1 - height_m / top, 0, 1) ** 2.2 * self.shape.forefoot * self.draught_m
        return self.length_m + above - to_bulb * (self.length_m - meets) - below

    def _waterline_end(self, rise: Array) -> Array:
        """(k,) station at which the waterline ends aft, falling with height."""
        return np.asarray(self.length_m * self._ends(rise), dtype=np.float64)

    @cached_property
    def _ends(self) -> PchipInterpolator:
        shape = self.shape
        post = shape.sternpost
        return PchipInterpolator(
            [0.0, post, 1.0, 1.3], [shape.skeg_end, 0.85 * shape.skeg_end, shape.waterline_end, 2.5 * shape.transom]
        )

    @cached_property
    def _hollow(self) -> PchipInterpolator:
        return PchipInterpolator([0.0, 0.5, 1.0, 1.3], self.shape.hollow)

    @cached_property
    def _profile(self) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """Stern and stem as (stations, heights), stations increasing, for looking heights up."""
        heights = np.linspace(0, self.depth_m, 4000)
        stern = self._waterline_end(np.clip(heights / self.draught_m, 0, 1.3))
        stem = np.maximum.accumulate(self.stem(heights))
        aft = np.minimum.accumulate(stern)
        return (aft[::-1], heights[::-1]), (stem, heights)

    def lowest(self, station_m: float) -> float:
        """Height of the profile at a station: zero between stern post and forefoot, the depth beyond the ends."""
        (aft, aft_heights), (stem, stem_heights) = self._profile
        stern_rise = float(np.interp(station_m, aft, aft_heights)) if station_m < aft[-1] else 0.0
        stem_rise = float(np.interp(station_m, stem, stem_heights)) if station_m > stem[0] else 0.0
        return max(stern_rise, stem_rise)

    def _spacing(self) -> Array:
        """Shares of the height of a section at which it is sampled: dense near its lowest point."""
        return np.linspace(0, 1, 110) ** 2

    def _bilge_heights(self) -> Array:
        reach = self.radius_m if self.shape.floor is None else 0.7 * self.draught_m
        return reach * (1 - np.cos(np.linspace(0, np.pi / 2, 50)))

    # ---------------------------------------------------------------- bulb

    def _bulb_axes(self, station_m: float) -> tuple[float, float, float]:
        """Half-breadth, half-height and height of the middle of the bulb's section."""
        bulb = self.bulb
        assert bulb is not None  # callers ask first
        middle, half_height = (bulb.top_m + bulb.bottom_m) / 2, (bulb.top_m - bulb.bottom_m) / 2
        if station_m > bulb.meets_m:
            ahead = (station_m - bulb.meets_m) / (self.length_m + bulb.length_m - bulb.meets_m)
            scale = float(np.sqrt(max(1 - ahead**2, 0.0)))
            return bulb.half_breadth_m * scale, half_height * scale, middle + (bulb.tip_m - middle) * ahead**2
        fade = np.clip((bulb.meets_m - station_m) / (0.10 * self.length_m), 0, 1)
        return bulb.half_breadth_m * float(1 - fade**2), half_height, middle

    def _bulb_bottom(self, station_m: float) -> float:
        bulb = self.bulb
        assert bulb is not None  # callers ask first
        return bulb.bottom_m if self._bulb_axes(station_m)[0] > 0 else bulb.top_m

    def _bulb_breadth(self, station_m: float, height_m: Array) -> Array:
        half_breadth, half_height, middle = self._bulb_axes(station_m)
        inside = np.clip(1 - ((height_m - middle) / half_height) ** 2, 0, 1)
        return np.asarray(half_breadth * np.sqrt(inside), dtype=np.float64)

    def _bulb_part(self, station_m: float) -> Array:
        """The free bulb's half-section, from its top round to its bottom."""
        half_breadth, half_height, middle = self._bulb_axes(station_m)
        angle = np.linspace(0, np.pi, 90)
        return np.column_stack([half_breadth * np.sin(angle), middle + half_height * np.cos(angle)])
