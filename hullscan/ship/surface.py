"""The hull as a surface with coordinates of its own: side, station, girth.

The surface is lofted: cross-sections at stations, each resampled to the same number of rows, ruled between
neighbours. A section stays in its plane x = station, so a point of the surface and its hull coordinates are
tied by two-dimensional geometry in that plane, exactly, both ways; a bulb that reaches ahead of the forward
perpendicular has sections there like any other part. Ray casting uses Embree on the triangulated loft. An upright
hull is symmetric, and both sides share one grid; with a list each side has its own.

Girth is measured along the section from the waterline towards the keel; it is negative above the waterline. Where
a section has no plating at the waterline (ahead of the stem, where only the bulb is wet) it begins at the top of
the wet part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.ship.curves import resample, split_at_waterline
from hullscan.ship.half import HullHalf
from hullscan.ship.ray_mesh import Hits, RayMesh

__all__ = ["Dimensions", "Hits", "HullPoints", "HullSurface", "Side", "Sides", "side_name", "side_sign"]

Side = Literal["port", "starboard"]
Sides = npt.NDArray[np.int8]
"""+1 starboard, -1 port."""
_MIRROR = np.array([1.0, -1.0, 1.0])


def side_sign(side: Side) -> int:
    """+1 for starboard, -1 for port: the sign of y in the ship frame."""
    return 1 if side == "starboard" else -1


def side_name(sign: float) -> Side:
    """The side on which y has this sign."""
    return "starboard" if sign > 0 else "port"


@dataclass(frozen=True, slots=True)
class HullPoints:
    """Hull coordinates of n points.

    Attributes:
        side: (n,) +1 starboard, -1 port.
        station_m: (n,) from the aft perpendicular, forward.
        girth_m: (n,) along the section from the waterline.
        offset_m: (n,) distance of the located point from the section curve.
    """

    side: Sides
    station_m: Array
    girth_m: Array
    offset_m: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    """Principal dimensions as she floats.

    Attributes:
        length_m: between perpendiculars.
        draught_fwd_m, draught_aft_m: at the perpendiculars, on the centre line.
        list_deg: positive with the starboard side down.
    """

    length_m: float
    beam_m: float
    draught_fwd_m: float
    draught_aft_m: float
    list_deg: float = 0.0

    @property
    def draught_m(self) -> float:
        """Mean of both."""
        return (self.draught_fwd_m + self.draught_aft_m) / 2

    def draught_at(self, station_m: Array) -> Array:
        """(n,) depth of the base line at stations."""
        slope = (self.draught_fwd_m - self.draught_aft_m) / self.length_m
        return np.asarray(self.draught_aft_m + slope * np.asarray(station_m), dtype=np.float64)


class HullSurface:
    """A ship's hull below, and somewhat above, the waterline.

    Args:
        stations_m: (n,) increasing.
        grid_m: (n, m, 3) starboard half, ship frame; rows run from the top edge down to the centre line.
        waterline_row: row that lies at the waterline.
        port_grid_m: (n, m, 3) port half, ship frame; by default the mirror image.
        gaps: (n, m - 1) steps between rows that are no plating, of both sides; see ``HullHalf``.
        flat_ends: whether the hull ends aft and forward in a plate across her (a transom).
        dimensions: by default measured on the grid.
        skin: the mesh that the sections were cut from, where there is one: rays meet it rather than the loft.
        notes: what was repaired, filled or assumed when she was read, as messages for people with their data.
    """

    def __init__(
        self,
        stations_m: Array,
        grid_m: Array,
        waterline_row: int,
        *,
        port_grid_m: Array | None = None,
        gaps: npt.NDArray[np.bool_] | None = None,
        flat_ends: tuple[bool, bool] = (False, False),
        dimensions: Dimensions | None = None,
        skin: RayMesh | None = None,
        notes: tuple[tuple[str, dict[str, float | str]], ...] = (),
    ) -> None:
        if grid_m.shape[:1] != stations_m.shape or grid_m.shape[2:] != (3,):
            raise ValueError(f"expected grid (n, m, 3) for n={len(stations_m)} stations, got {grid_m.shape}")
        finite = np.isfinite(grid_m).all() and (port_grid_m is None or np.isfinite(port_grid_m).all())
        if len(stations_m) < 2 or np.any(np.diff(stations_m) <= 0) or not finite:
            raise InputError("a hull needs at least two sections at increasing stations, without gaps")
        self.stations_m, self.grid_m, self.waterline_row = stations_m, grid_m, waterline_row
        self.starboard = HullHalf(stations_m, grid_m, waterline_row, gaps, flat_ends)
        self.port = self.starboard
        if port_grid_m is not None:
            self.port = HullHalf(stations_m, port_grid_m * _MIRROR, waterline_row, gaps, flat_ends)
        self.flat_ends = flat_ends
        self.dimensions = dimensions or _measured(stations_m, grid_m, waterline_row)
        self._skin, self.notes = skin, notes

    @classmethod
    def from_sections(
        cls,
        stations_m: Sequence[float] | Array,
        section: Callable[[float], Array],
        *,
        wet_rows: int = 97,
        dry_rows: int = 12,
    ) -> HullSurface:
        """Loft sections.

        Args:
            stations_m: (n,) increasing.
            section: station -> (k, 2) half-section (y, z), y not negative, z down from the waterline, from the
                top edge to the centre line.
            wet_rows: rows from the waterline to the centre line.
            dry_rows: rows above the waterline.
        """
        stations = np.asarray(stations_m, dtype=np.float64)
        grid = np.empty((len(stations), dry_rows + wet_rows, 3))
        for index, station in enumerate(stations):
            wet, dry = split_at_waterline(section(float(station)))
            grid[index, :dry_rows, 1:] = resample(dry, dry_rows + 1)[:-1]
            grid[index, dry_rows:, 1:] = resample(wet, wet_rows)
            grid[index, :, 0] = station
        return cls(stations, grid, dry_rows)

    @property
    def length_m(self) -> float:
        """Between the first and the last section."""
        return float(self.stations_m[-1] - self.stations_m[0])

    @property
    def symmetric(self) -> bool:
        """Whether the port side is the mirror image of the starboard side."""
        return self.port is self.starboard

    def half(self, side: Side | int) -> HullHalf:
        """One side, y positive outward."""
        return self.starboard if side in ("starboard", 1) else self.port

    # ---------------------------------------------------------------- hull coordinates

    def point(self, side: Sides, station_m: Array, girth_m: Array) -> Array:
        """(n, 3) points of the surface, ship frame. Coordinates beyond the surface are clipped to its edge."""
        points = self._each(HullHalf.point, side, station_m, girth_m)
        return np.column_stack([points[:, 0], points[:, 1] * side, points[:, 2]])

    def normal(self, side: Sides, station_m: Array, girth_m: Array) -> Array:
        """(n, 3) outward unit normals at hull coordinates, ship frame."""
        normals = self._each(HullHalf.normal, side, station_m, girth_m)
        normals = normals * np.column_stack([np.ones(len(normals)), side, np.ones(len(normals))])
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        # where normals of neighbouring sections cancel (the tip of a bulb) outward is away from the centre plane
        outward = np.column_stack([np.zeros(len(normals)), side, np.zeros(len(normals))])
        return np.asarray(np.where(length > 1e-9, normals / np.maximum(length, 1e-9), outward), dtype=np.float64)

    def locate(self, points_m: Array) -> HullPoints:
        """Hull coordinates of (n, 3) points near the surface, ship frame, each in the plane of its section."""
        points = np.reshape(points_m, (-1, 3))
        side = np.where(points[:, 1] >= 0, 1, -1).astype(np.int8)
        if self.symmetric:
            station, girth, offset = self.starboard.locate(
                np.column_stack([points[:, 0], np.abs(points[:, 1]), points[:, 2]])
            )
            return HullPoints(side, station, girth, offset)
        station, girth, offset = self.starboard.locate(points)
        other = self.port.locate(points * _MIRROR)
        port = (other[2] < offset) | ((other[2] == offset) & (side < 0))
        side = np.where(port, -1, 1).astype(np.int8)
        return HullPoints(
            side, np.where(port, other[0], station), np.where(port, other[1], girth), np.where(port, other[2], offset)
        )

    def girth_to_depth(self, station_m: Array, depth_m: Array, side: Side = "starboard") -> Array:
        """(n,) girth at which the section first reaches a depth; its end where it never does."""
        return self.half(side).girth_to_depth(station_m, depth_m)

    def total_girth(self, station_m: Array, side: Side = "starboard") -> Array:
        """(n,) girth from the waterline to the centre line."""
        return self.half(side).total_girth(station_m)

    def keel_depth(self, station_m: Array) -> Array:
        """(n,) greatest depth of the section."""
        if self.symmetric:
            return self.starboard.keel_depth(station_m)
        return np.maximum(self.starboard.keel_depth(station_m), self.port.keel_depth(station_m))

    def unroll(self, side: Sides, station_m: Array, girth_m: Array) -> Array:
        """(n, 2) shell expansion: x along the ship, y outward from the keel line, port positive (drawn above)."""
        total = self._each(lambda half, station, _: half.total_girth(station), side, station_m, girth_m)
        return np.column_stack([station_m, -side * (total - girth_m)])

    def _each(
        self, ask: Callable[[HullHalf, Array, Array], Array], side: Sides, station_m: Array, girth_m: Array
    ) -> Array:
        """Answers of the half on which each of n points lies."""
        if self.symmetric:
            return ask(self.starboard, station_m, girth_m)
        station, girth = np.broadcast_arrays(np.atleast_1d(station_m), np.atleast_1d(girth_m))
        sides = np.broadcast_to(side, station.shape)
        answers = ask(self.starboard, station, girth)
        port = sides < 0
        if port.any():
            answers[port] = ask(self.port, station[port], girth[port])
        return answers

    # ---------------------------------------------------------------- mesh

    @cached_property
    def vertices_m(self) -> Array:
        """(v, 3) of both halves, starboard first."""
        return np.concatenate([self.grid_m.reshape(-1, 3), self.port.grid_m.reshape(-1, 3) * _MIRROR])

    @cached_property
    def vertex_girth_m(self) -> Array:
        """(v,) girth of each vertex."""
        return np.concatenate([half.sections(self.stations_m)[1].ravel() for half in (self.starboard, self.port)])

    @cached_property
    def faces(self) -> npt.NDArray[np.int32]:
        """(f, 3) outward triangles of both halves, starboard first, without empty ones."""
        count = self.grid_m.shape[0] * self.grid_m.shape[1]
        return np.concatenate([self.starboard.faces, self.port.faces[:, ::-1] + count]).astype(np.int32)

    @cached_property
    def vertex_normals(self) -> Array:
        """(v, 3) outward unit normals of both halves."""
        port = self.port.vertex_normals.reshape(-1, 3) * _MIRROR
        return np.concatenate([self.starboard.vertex_normals.reshape(-1, 3), port])

    @cached_property
    def _ray_mesh(self) -> RayMesh:
        return self._skin or RayMesh(self.vertices_m, self.faces, self.vertex_normals)

    def cast(self, origins_m: Array, directions: Array, max_range_m: float = np.inf) -> Hits:
        """Where (n, 3) rays with unit directions first meet the hull, ship frame."""
        return self._ray_mesh.cast(origins_m, directions, max_range_m)

    def closest(self, points_m: Array) -> tuple[Array, Array]:
        """Closest points (n, 3) of the surface to (n, 3) points, and their distances (n,), ship frame."""
        points = np.reshape(points_m, (-1, 3)).astype(np.float64)
        if self.symmetric:
            mirror = np.column_stack([np.ones(len(points)), np.where(points[:, 1] >= 0, 1, -1), np.ones(len(points))])
            found, distance = self.starboard.nearest(points * mirror)
            return found * mirror, distance
        found, distance = self.starboard.nearest(points)
        port_found, port_distance = self.port.nearest(points * _MIRROR)
        nearer = port_distance < distance
        return np.where(nearer[:, None], port_found * _MIRROR, found), np.where(nearer, port_distance, distance)

    def nearest(self, points_m: Array) -> tuple[Array, Array, Array]:
        """Closest points of the surface: (n, 3) points, (n,) distances, (n, 3) outward normals, ship frame."""
        found, distance = self.closest(points_m)
        located = self.locate(found)
        return found, distance, self.normal(located.side, located.station_m, located.girth_m)

    # ---------------------------------------------------------------- integral quantities

    @cached_property
    def wetted_area_m2(self) -> float:
        """Area of both sides below the waterline."""
        return self.starboard.wetted_area_m2 + self.port.wetted_area_m2

    @property
    def flat_end_area_m2(self) -> float:
        """Wetted area of the plates across her ends; it is part of the whole, but has no cells of its own."""
        return self.starboard.flat_end_area_m2 + self.port.flat_end_area_m2

    @cached_property
    def volume_m3(self) -> float:
        """Displaced volume, both sides, by integrating the section areas along the ship."""
        areas = self.starboard.section_areas_m2 + self.port.section_areas_m2
        return float(np.trapezoid(areas, self.stations_m))


def _measured(stations_m: Array, grid_m: Array, waterline_row: int) -> Dimensions:
    """Dimensions of a grid: length and draughts at the ends of the waterline's plating."""
    wet = grid_m[:, waterline_row:]
    afloat = np.flatnonzero(np.ptp(wet[:, :, 2], axis=1) > 1e-6)
    first, last = (int(afloat[0]), int(afloat[-1])) if len(afloat) > 1 else (0, len(stations_m) - 1)
    deepest = float(wet[:, :, 2].max())
    return Dimensions(
        length_m=float(stations_m[last] - stations_m[first]),
        beam_m=float(2 * np.abs(wet[:, :, 1]).max()),
        draught_fwd_m=deepest,
        draught_aft_m=deepest,
    )
