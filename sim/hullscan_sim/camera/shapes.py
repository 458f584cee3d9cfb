"""Meshes of simple solids: the stuff that parcels, ropes and fittings are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hullscan.geometry.frames import Array

__all__ = [
    "Mesh",
    "block",
    "cylinder",
    "ellipsoid",
    "joined",
    "lofted",
    "revolved",
    "rod",
    "superbox",
    "torpedo",
    "tube",
]


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


def revolved(stations_m: Array, radii_m: Array, detail: int = 32) -> Mesh:
    """A solid of revolution about x: (n,) stations with (n,) radii."""
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
    return revolved(stations, radii, detail)


def torpedo(radius_m: float, length_m: float, detail: int = 32) -> Mesh:
    """A round-nosed body along x that tapers aft."""
    share = np.linspace(0, 1, 48)
    nose = np.sqrt(np.clip(1 - (np.clip(0.14 - share, 0, None) / 0.14) ** 2, 0, 1))
    tail = np.clip((1 - share) / 0.32, 0, 1) ** 0.7
    return revolved((0.5 - share) * length_m, radius_m * np.minimum(nose, tail) + 1e-4, detail)


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


def joined(meshes: Iterable[Mesh]) -> Mesh:
    """Several meshes as one."""
    each = list(meshes)
    first = np.cumsum([0, *(len(mesh.vertices_m) for mesh in each[:-1])])
    return Mesh(
        np.concatenate([mesh.vertices_m for mesh in each]),
        np.concatenate([mesh.faces + start for mesh, start in zip(each, first, strict=True)]).astype(np.int32),
        np.concatenate([mesh.normals for mesh in each]),
        np.concatenate([mesh.uv_m for mesh in each]),
        any(mesh.thin for mesh in each),
    )


def block(half_m: tuple[float, float, float], step_m: float = 1.0, *, inward: bool = False, lid: bool = True) -> Mesh:
    """A box with sharp edges; faces are cut into steps, so that it can be bent to follow a hull.

    Args:
        inward: the room inside it rather than the body.
        lid: False leaves the face towards +z open.
    """
    half = np.asarray(half_m, dtype=np.float64)
    faces = []
    for axis in range(3):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        a = np.linspace(-half[first], half[first], 2 + int(2 * half[first] / step_m))
        b = np.linspace(-half[second], half[second], 2 + int(2 * half[second] / step_m))
        for sign in (1.0, -1.0):
            if axis == 2 and sign > 0 and not lid:
                continue
            points, normals = np.empty((len(a), len(b), 3)), np.zeros((len(a), len(b), 3))
            points[..., axis], points[..., first], points[..., second] = sign * half[axis], a[:, None], b[None, :]
            normals[..., axis] = -sign if inward else sign
            uv = np.stack([points[..., first] + 0.37 * axis, points[..., second] + 0.61 * sign], axis=-1)
            faces.append(_grid(points, uv, normals))
    extents = np.sort(2 * half)
    return replace(joined(faces), thin=bool(extents[1] < 0.06))


def lofted(sections_m: Array) -> Mesh:
    """A skin over (a, b, 3) closed sections, each b points round a body (the last is the first again)."""
    normals = np.cross(np.gradient(sections_m, axis=0), np.gradient(sections_m, axis=1))
    outward = sections_m - sections_m[:, :-1].mean(axis=1, keepdims=True)
    length = np.linalg.norm(normals, axis=2, keepdims=True)
    away = outward / np.maximum(np.linalg.norm(outward, axis=2, keepdims=True), 1e-9)
    sign = 1.0 if (normals * outward).sum() >= 0 else -1.0
    normals = np.where(length < 1e-12, away, sign * normals / np.maximum(length, 1e-12))
    normals[:, [0, -1]] = normals[:, [0]] + normals[:, [-1]]  # the seam is smooth
    normals /= np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-9)
    along = np.cumsum(np.linalg.norm(np.diff(sections_m.mean(axis=1), axis=0, prepend=0), axis=1))
    around = np.linalg.norm(np.diff(sections_m, axis=1, prepend=sections_m[:, :1]), axis=2).cumsum(axis=1)
    uv = np.stack([np.broadcast_to(along[:, None], around.shape), around], axis=-1)
    return _grid(sections_m, uv, normals)
