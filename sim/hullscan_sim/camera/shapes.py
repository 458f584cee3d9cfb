"""Meshes of simple solids: the stuff that parcels, ropes and fittings are made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array

__all__ = ["Mesh", "cylinder", "ellipsoid", "rod", "superbox", "torpedo", "tube"]


@dataclass(frozen=True, slots=True)
class Mesh:
    """A triangle mesh.

    Attributes:
        vertices_m: (v, 3).
        faces: (f, 3).
        normals: (v, 3) outward unit.
        uv_m: (v, 2) surface coordinates in metres, for patterns.
        thin: a line or a crumb: too narrow to be found by rays a few centimetres apart.
    """

    vertices_m: Array
    faces: npt.NDArray[np.int32]
    normals: Array
    uv_m: Array
    thin: bool = False

    def placed(
        self, offset_m: tuple[float, float, float] = (0, 0, 0), turn_rad: float = 0.0, tilt_rad: float = 0.0
    ) -> Mesh:
        """Tilted about y, turned about z, then moved."""
        ct, st, cz, sz = np.cos(tilt_rad), np.sin(tilt_rad), np.cos(turn_rad), np.sin(turn_rad)
        tilt = np.array([[ct, 0, st], [0, 1, 0], [-st, 0, ct]])
        r = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]]) @ tilt
        return replace(self, vertices_m=self.vertices_m @ r.T + np.asarray(offset_m), normals=self.normals @ r.T)


def _grid(points: Array, uv: Array, normals: Array | None = None) -> Mesh:
    """A mesh over an (a, b, 3) grid of a star-shaped solid round its centroid."""
    a, b, _ = points.shape
    index = np.arange(a * b, dtype=np.int32).reshape(a, b)
    q = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], -1).reshape(-1, 4)
    faces = np.concatenate([q[:, [0, 1, 2]], q[:, [0, 2, 3]]])
    if normals is None:
        normals = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
        radial = points - points.reshape(-1, 3).mean(axis=0)
        length = np.linalg.norm(normals, axis=2, keepdims=True)
        radial_length = np.maximum(np.linalg.norm(radial, axis=2, keepdims=True), 1e-9)
        normals = np.where(length < 1e-10, radial / radial_length, normals / np.maximum(length, 1e-12))
        normals *= np.where((normals * radial).sum(-1, keepdims=True) < 0, -1.0, 1.0)
    vertices = points.reshape(-1, 3)
    extents = np.sort(np.ptp(vertices, axis=0))
    thin = bool(extents[1] < 0.06)
    return Mesh(vertices, faces, normals.reshape(-1, 3), uv.reshape(-1, 2), thin)


def _signed_power(value: Array, exponent: float) -> Array:
    value = np.where(np.abs(value) < 1e-9, 0.0, value)  # a small power of almost nothing is a gap along the seam
    return np.asarray(np.sign(value) * np.abs(value) ** exponent, dtype=np.float64)


def superbox(
    half_m: tuple[float, float, float], roundness: float = 0.15, bumps: float = 0.0, seed: int = 0, detail: int = 40
) -> Mesh:
    """A superellipsoid: roundness 0.1 is a box with round edges, 1 an ellipsoid; bumps make it a filled bag."""
    u = np.linspace(-np.pi, np.pi, detail + 1)
    w = np.linspace(-np.pi / 2, np.pi / 2, detail // 2 + 1)
    u, w = np.meshgrid(u, w, indexing="ij")
    ring = _signed_power(np.cos(w), roundness)
    unit = np.stack(
        [
            ring * _signed_power(np.cos(u), roundness),
            ring * _signed_power(np.sin(u), roundness),
            _signed_power(np.sin(w), roundness),
        ],
        axis=-1,
    )
    points = unit * np.asarray(half_m)
    if bumps > 0:
        rng = np.random.default_rng(seed)
        waves, phases = rng.normal(size=(12, 3)) * 5.0 / max(half_m), rng.uniform(0, 2 * np.pi, 12)
        points = points * (1 + bumps / 3 * np.sin(points @ waves.T + phases).sum(-1, keepdims=True) / 2)
    uv = np.stack([points[..., 0] + 0.5 * points[..., 2], points[..., 1] + 0.35 * points[..., 2]], axis=-1)
    return _grid(points, uv)


def ellipsoid(half_m: tuple[float, float, float], detail: int = 20) -> Mesh:
    """An ellipsoid."""
    return superbox(half_m, 1.0, detail=detail)


def _revolved(stations_m: Array, radii_m: Array, detail: int) -> Mesh:
    angle = np.linspace(-np.pi, np.pi, detail + 1)
    points = np.stack(
        [
            np.repeat(stations_m[:, None], len(angle), axis=1),
            radii_m[:, None] * np.cos(angle),
            radii_m[:, None] * np.sin(angle),
        ],
        axis=-1,
    )
    uv = np.stack([points[..., 0] + 0.25 * points[..., 2], points[..., 1] + 0.6 * points[..., 2]], axis=-1)
    return _grid(points, uv)


def cylinder(radius_m: float, length_m: float, detail: int = 32) -> Mesh:
    """A closed cylinder along x with bevelled ends."""
    half, bevel = length_m / 2, min(0.08 * radius_m, 0.1 * length_m)
    stations = np.concatenate([[-half, -half], np.linspace(-half + bevel, half - bevel, 12), [half, half]])
    radii = np.concatenate([[1e-4, radius_m - bevel], np.full(12, radius_m), [radius_m - bevel, 1e-4]])
    return _revolved(stations, radii, detail)


def torpedo(radius_m: float, length_m: float, detail: int = 32) -> Mesh:
    """A round-nosed body along x that tapers aft."""
    share = np.linspace(0, 1, 48)
    nose = np.sqrt(np.clip(1 - (np.clip(0.14 - share, 0, None) / 0.14) ** 2, 0, 1))
    tail = np.clip((1 - share) / 0.32, 0, 1) ** 0.7
    return _revolved((0.5 - share) * length_m, radius_m * np.minimum(nose, tail) + 1e-4, detail)


def tube(points_m: Array, radius_m: float, detail: int = 8) -> Mesh:
    """A rope along an (n, 3) line."""
    points = np.asarray(points_m, dtype=np.float64)
    tangent = np.gradient(points, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    side = np.cross(tangent, [0.31, 0.52, 0.80])
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    up = np.cross(tangent, side)
    angle = np.linspace(0, 2 * np.pi, detail + 1)
    around = np.cos(angle)[None, :, None] * side[:, None] + np.sin(angle)[None, :, None] * up[:, None]
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    uv = np.stack(
        [np.repeat(along[:, None], len(angle), axis=1), angle[None, :] * radius_m + 0 * along[:, None]], axis=-1
    )
    return replace(_grid(points[:, None] + radius_m * around, uv, around), thin=True)


def rod(
    start_m: tuple[float, float, float], end_m: tuple[float, float, float], radius_m: float, detail: int = 8
) -> Mesh:
    """A straight bar."""
    return tube(np.linspace(start_m, end_m, 3), radius_m, detail)
