"""From a mesh to the hull surface: sections where they are needed, rays on the mesh itself.

Stations begin evenly, closer towards the ends; where the loft between two of them strays from the mesh by more than
5 mm, more are put between. What is left of the difference is measured on points of the wetted mesh and told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hullscan.errors import InputError
from hullscan.geometry.frames import Array
from hullscan.ship.files import named_file
from hullscan.ship.form import MeshForm
from hullscan.ship.loft import afloat, clear_of_ends, closed_end
from hullscan.ship.mesh_file import Faces, TriangleSoup, read_mesh
from hullscan.ship.mesh_repair import Note, repaired
from hullscan.ship.mesh_sections import MeshCutter
from hullscan.ship.piece_rows import PieceRows, piece_rows
from hullscan.ship.ray_mesh import RayMesh, creased_normals
from hullscan.ship.surface import Dimensions, HullSurface
from hullscan.words import mark

__all__ = ["mesh_hull"]

_CLOSE_M = 0.005  # the loft may stray from the mesh by this
_ROUNDS = 4
_MOST_STATIONS = 1200
_SAMPLES = 6000
_DRY_SHARE = 0.3  # height above water that is kept, as a share of the draught
_LARGEST_M = 600.0


def mesh_hull(form: MeshForm, folder: Path) -> HullSurface:
    """The surface of a mesh, as she floats.

    Raises:
        InputError: the file is no mesh, the mesh is no hull, or it does not float as stated.
    """
    path = named_file(form.mesh, folder)
    soup = _in_ship_axes(form, read_mesh(path))
    fwd, aft = _draughts(form)
    height = float(np.ptp(soup.vertices[:, 2]))
    _check_size(soup, height, max(fwd, aft), str(path))
    skin = repaired(soup, min(max(fwd, aft) / max(height, 1e-9), 1.0), str(path))
    vertices = skin.vertices - [0, 0, skin.vertices[:, 2].min()]
    if max(fwd, aft) >= vertices[:, 2].max():
        raise _under_water(max(fwd, aft), float(vertices[:, 2].max()), str(path))
    dimensions, aft_m = _dimensions(form, vertices, skin.faces, fwd, aft, str(path))
    vertices = vertices - [aft_m, 0, 0]
    mesh = _Mesh(vertices, skin.faces, dimensions)
    return mesh.surface(list(skin.notes), str(path))


def _in_ship_axes(form: MeshForm, soup: TriangleSoup) -> TriangleSoup:
    """Forward, starboard, up, in metres."""
    names = [axis.lstrip("-") for axis in form.axes]
    if sorted(names) != ["x", "y", "z"]:
        raise InputError("axes must name x, y and z once each", where="ship.form.axes")
    matrix = np.zeros((3, 3))
    for row, axis in enumerate(form.axes):
        matrix[row, "xyz".index(axis[-1])] = -1.0 if axis.startswith("-") else 1.0
    matrix[2] *= -1  # down is stated, heights are wanted
    # forward, starboard, up is left-handed: a file in right-handed axes has its triangles turned by the change
    turned = np.linalg.det(matrix) < 0
    return TriangleSoup(soup.vertices @ matrix.T * form.scale, soup.faces[:, ::-1] if turned else soup.faces)


def _draughts(form: MeshForm) -> tuple[float, float]:
    if form.waterline_m is not None and form.draught_fwd_m is None and form.draught_aft_m is None:
        return form.waterline_m, form.waterline_m
    if form.waterline_m is None and form.draught_fwd_m is not None and form.draught_aft_m is not None:
        return form.draught_fwd_m, form.draught_aft_m
    raise InputError("a mesh needs waterline_m, or draught_fwd_m and draught_aft_m", where="ship.form")


def _check_size(soup: TriangleSoup, height_m: float, draught_m: float, where: str) -> None:
    length = float(np.ptp(soup.vertices[:, 0]))
    if length > _LARGEST_M:
        raise InputError(f"the mesh is {length:.4g} m long", where=where, todo="check scale and axes")
    if draught_m >= height_m > 0:
        raise _under_water(draught_m, height_m, where)


def _under_water(draught_m: float, height_m: float, where: str) -> InputError:
    what = f"a draught of {draught_m:g} m puts the whole mesh under water; it is {height_m:.4g} m high"
    return InputError(what, where=where, todo="check waterline_m, scale and axes")


def _dimensions(
    form: MeshForm, vertices: Array, faces: Faces, fwd: float, aft: float, where: str
) -> tuple[Dimensions, float]:
    """How she floats, and where the aft perpendicular is along the mesh."""
    level = (fwd + aft) / 2
    corners = vertices[faces]
    above = corners[:, :, 2] > level
    crossing = corners[above.any(axis=1) & ~above.all(axis=1)]
    if not len(crossing):
        raise InputError("the waterline does not cut the mesh", where=where)
    a, b = crossing, np.roll(crossing, -1, axis=1)
    cut = (a[:, :, 2] > level) != (b[:, :, 2] > level)
    share = (level - a[cut][:, 2]) / (b[cut][:, 2] - a[cut][:, 2])
    along = a[cut][:, 0] + share * (b[cut][:, 0] - a[cut][:, 0])
    aft_m = form.aft_perpendicular_m if form.aft_perpendicular_m is not None else float(along.min())
    length = form.length_m or float(along.max() - aft_m)
    beam = float(2 * np.abs(corners[~above.all(axis=1)][:, :, 1]).max())
    if not 0.2 * np.ptp(vertices[:, 0]) < length < 2 * np.ptp(vertices[:, 0]):
        raise InputError(f"the length between perpendiculars would be {length:.4g} m", where="ship.form")
    dimensions = Dimensions(length_m=length, beam_m=beam, draught_fwd_m=fwd, draught_aft_m=aft, list_deg=form.list_deg)
    return dimensions, aft_m


@dataclass(slots=True)
class _Side:
    """One side of a mesh while its sections are cut, as if it were the starboard side.

    Attributes:
        pieces: of each station cut so far.
        rows: of each station laid so far.
        points: on the wetted skin, (n, 3) ship frame with y outward, to measure how far the loft strays.
    """

    cutter: MeshCutter
    points: Array
    list_rad: float
    pieces: dict[float, list[Array]] = field(default_factory=dict)
    rows: dict[float, tuple[Array, npt.NDArray[np.bool_]]] = field(default_factory=dict)
    closed: int = 0

    def cut(self, stations: Array) -> None:
        outlines = self.cutter.outlines(stations)
        self.pieces |= dict(zip(stations.tolist(), outlines.pieces, strict=True))
        self.closed += outlines.closed


@dataclass(frozen=True, slots=True)
class _Mesh:
    """A skin in place: x from the aft perpendicular, heights above the base line."""

    vertices: Array
    faces: Faces
    dimensions: Dimensions

    def surface(self, notes: list[Note], where: str) -> HullSurface:
        """Loft with as many stations as it takes; with a side of its own to port where the two differ."""
        list_rad = float(np.radians(self.dimensions.list_deg))
        skin = self._skin()
        cutter = MeshCutter(self.vertices, self.faces)
        stations, flat = self._first_stations(cutter)
        sides = [_Side(cutter, _wet_points(skin, 1), list_rad)]
        sides[0].cut(stations)
        port = _wet_points(skin, -1)
        hull, off = self._refined(sides, flat, where)
        if list_rad or float(np.quantile(hull.starboard.locate(port)[2], 0.999)) > 2 * _CLOSE_M:
            sides.append(_Side(cutter.mirrored(), port, -list_rad))
            sides[1].cut(np.array(sorted(sides[0].pieces)))
            hull, off = self._refined(sides, flat, where)
            notes = [*notes, (mark("the two sides are taken each by itself"), {})]
        if closed := sum(side.closed for side in sides):
            message = mark("at {count} stations a part beside the centre line is left out of the sections")
            notes = [*notes, (message, {"count": closed})]
        strays: dict[str, float | str] = {"far": float(np.quantile(off, 0.999)) * 1000, "count": len(hull.stations_m)}
        notes = [*notes, (mark("{count} sections stray from the mesh by at most {far:.1f} mm on 99.9 % of it"), strays)]
        return HullSurface(
            hull.stations_m,
            hull.grid_m,
            hull.waterline_row,
            port_grid_m=None if hull.symmetric else hull.port.grid_m * [1, -1, 1],
            gaps=hull.starboard.gaps,
            flat_ends=flat,
            dimensions=self.dimensions,
            skin=skin,
            notes=tuple(notes),
        )

    def _refined(self, sides: list[_Side], flat: tuple[bool, bool], where: str) -> tuple[HullSurface, Array]:
        """The loft after stations were put where it strayed, and (n,) how far points are from it."""
        for round_ in range(_ROUNDS + 1):
            hull = self._lofted(sides, flat, where)
            halves = (hull.starboard, hull.port)
            found = [half.locate(side.points) for half, side in zip(halves, sides, strict=False)]
            off = np.concatenate([each[2] for each in found])
            strayed = np.concatenate([each[0] for each in found])[off > _CLOSE_M]
            more = self._between(hull, strayed)
            if round_ == _ROUNDS or not len(more) or len(sides[0].pieces) + len(more) > _MOST_STATIONS:
                break
            for side in sides:
                side.cut(more)
        return hull, off

    def _first_stations(self, cutter: MeshCutter) -> tuple[Array, tuple[bool, bool]]:
        """Even stations, closer towards the ends, and whether the ends are plates across."""
        wet = self.vertices[self.faces][(self._depths(self.vertices)[self.faces] > -self._dry_m).any(axis=1)]
        low, high = float(wet[:, :, 0].min()), float(wet[:, :, 0].max())
        length = high - low
        eased = 1 - np.cos(np.linspace(0, np.pi / 2, 90))
        ends = np.array([low + 1e-6 * length, high - 1e-6 * length])
        inside = np.concatenate(
            [np.linspace(low, high, 240), low + 0.12 * length * eased, high - 0.12 * length * eased]
        )
        inside = inside[(inside > ends[0] + 1e-4 * length) & (inside < ends[1] - 1e-4 * length)]
        stations = np.unique(np.round(np.concatenate([ends, inside]), 9))
        stations = stations[np.concatenate([[True], np.diff(stations) > 2e-5 * length])]
        across = [
            max((float(piece[:, 0].max()) for piece in pieces), default=0.0) > 0.02 * self.dimensions.beam_m
            for pieces in cutter.outlines(ends).pieces
        ]
        return stations, (across[0], across[1])

    @property
    def _dry_m(self) -> float:
        return _DRY_SHARE * self.dimensions.draught_m

    def _depths(self, points: Array) -> Array:
        """(v,) depth of points on the centre line's trim; list left aside."""
        return np.asarray(self.dimensions.draught_at(points[:, 0]) - points[:, 2], dtype=np.float64)

    def _floating(self) -> Array:
        """(v, 3) vertices in the ship frame."""
        list_rad = float(np.radians(self.dimensions.list_deg))
        z, y = self._depths(self.vertices), self.vertices[:, 1]
        c, s = np.cos(list_rad), np.sin(list_rad)
        return np.column_stack([self.vertices[:, 0], y * c - z * s, z * c + y * s])

    def _skin(self) -> RayMesh:
        """The mesh that rays meet; depth downward turns its triangles round once more."""
        floating, faces = self._floating(), self.faces[:, ::-1].astype(np.int32)
        return RayMesh(floating, faces, creased_normals(floating, faces))

    def _lofted(self, sides: list[_Side], flat: tuple[bool, bool], where: str) -> HullSurface:
        stations = np.array(sorted(x for x in sides[0].pieces if all(side.pieces[x] for side in sides)))
        if len(stations) < 8:
            raise InputError("the mesh has no outline that can be followed", where=where, todo="check its axes")
        stations = clear_of_ends(stations, flat)
        draughts = dict(zip(stations.tolist(), self.dimensions.draught_at(stations).tolist(), strict=True))
        rows = PieceRows()
        grids, gaps = [], np.zeros((len(stations), rows.dry + rows.wet - 1), dtype=bool)
        for side in sides:
            for station in stations.tolist():
                if station not in side.rows:
                    floating = [afloat(piece, draughts[station], side.list_rad) for piece in side.pieces[station]]
                    side.rows[station] = piece_rows(floating, rows, self._dry_m)
            laid = [side.rows[station] for station in stations.tolist()]
            plane = np.stack([points for points, _ in laid])
            grids.append(
                np.concatenate([np.broadcast_to(stations[:, None, None], (*plane.shape[:2], 1)), plane], axis=2)
            )
            gaps |= np.stack([own for _, own in laid])
        for end, closed in zip((0, -1), flat, strict=True):
            if closed:
                both = [closed_end(stations, grid, end, side.list_rad) for grid, side in zip(grids, sides, strict=True)]
                stations, grids = both[0][0], [grid for _, grid in both]
                repeat = np.repeat(gaps[[end]], 2, axis=0)
                gaps = np.concatenate([repeat, gaps] if end == 0 else [gaps, repeat])
        return HullSurface(
            stations,
            grids[0],
            rows.dry,
            port_grid_m=grids[1] * [1, -1, 1] if len(sides) > 1 else None,
            gaps=gaps,
            flat_ends=flat,
            dimensions=self.dimensions,
        )

    def _between(self, hull: HullSurface, strayed: Array) -> Array:
        """Middles of the steps between stations in which points strayed, where there is room for them."""
        stations = hull.stations_m[1 if hull.flat_ends[0] else 0 : -1 if hull.flat_ends[1] else None]
        index = np.unique(np.clip(np.searchsorted(stations, strayed) - 1, 0, len(stations) - 2))
        wide = np.diff(stations)[index] > 5e-5 * self.dimensions.length_m
        return np.asarray((stations[index] + stations[index + 1])[wide] / 2, dtype=np.float64)


def _wet_points(skin: RayMesh, sign: int) -> Array:
    """Points of one side below water, evenly by area, y outward."""
    corners = skin.vertices_m[skin.faces] * [1, sign, 1]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    area = np.where((corners[:, :, 2].max(axis=1) > 0) & (corners[:, :, 1].max(axis=1) > 0), area, 0.0)
    rng = np.random.default_rng(0)
    face = rng.choice(len(area), _SAMPLES, p=area / area.sum())
    points = np.asarray((corners[face] * rng.dirichlet((1, 1, 1), _SAMPLES)[:, :, None]).sum(axis=1), dtype=np.float64)
    return points[(points[:, 2] > 0) & (points[:, 1] > 0)]
