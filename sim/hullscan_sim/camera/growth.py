"""Growth that stands up: on parcels, and along the edges of the ship, where it breaks the straight outline.

Mussel clumps, barnacles and tufts of weed as meshes of a few triangles each, all of one kind in one mesh. They are
solids of their own without a label: what they hide of a parcel is hidden, and its box is what one can still see.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.ship.surface import HullSurface
from hullscan_sim.camera.objects import Material, Part, Solid, on_hull
from hullscan_sim.camera.shapes import Mesh, ellipsoid

__all__ = ["aged", "edge_growth", "overgrown", "weathered"]

_SHELLS = Material((0.17, 0.20, 0.21), shine=0.1, mottle=0.8)
_MUSSELS = Material((0.045, 0.040, 0.036), shine=0.35, mottle=0.7)
_FRONDS = Material((0.016, 0.062, 0.040), shine=0.05, mottle=0.7)
_FELT = Material((0.028, 0.060, 0.070), shine=0.0, mottle=0.8)
_GRAVITY = np.array([0.0, 0.0, 1.0])


def overgrown(solid: Solid, amount: float, rng: np.random.Generator) -> list[Solid]:
    """What has grown on a solid since it was put there: 0 nothing to 1 an outline that is hardly its own."""
    body = max(solid.parts, key=lambda part: float(np.prod(np.ptp(part.mesh.vertices_m, axis=0) + 1e-3)))
    count = int(rng.poisson(170 * amount * solid.size_m))
    if count == 0:
        return []
    mesh = body.mesh
    # corners and edges stand in the flow and are settled first: there normals turn fastest
    middle = mesh.vertices_m.mean(axis=0)
    reach = np.linalg.norm(mesh.vertices_m - middle, axis=1)
    weight = (reach / reach.max()) ** 3
    clusters = rng.choice(len(mesh.vertices_m), size=max(count // 6, 1), p=weight / weight.sum())
    parent = clusters[rng.integers(len(clusters), size=count)]
    place = mesh.vertices_m[parent] + rng.normal(size=(count, 3)) * (0.015 + 0.045 * solid.size_m)
    nearest = np.argmin(((place[:, None, :] - mesh.vertices_m[None, ::2]) ** 2).sum(axis=2), axis=1)
    roots, normals = mesh.vertices_m[::2][nearest], mesh.normals[::2][nearest]
    return _stand(roots, normals, rng, f"growth on {solid.source}")


def edge_growth(
    hull: HullSurface, fouling: float, stations_m: tuple[float, float], rng: np.random.Generator
) -> list[Solid]:
    """Clumps and tufts along the keel line, the stem and the stern of a fouled ship."""
    solids: list[Solid] = []
    length = stations_m[1] - stations_m[0]
    for _ in range(int(rng.poisson(0.9 * fouling * length))):
        side, station = int(rng.choice([-1, 1])), float(rng.uniform(stations_m[0] + 0.3, stations_m[1] - 0.3))
        total = float(hull.total_girth(np.array([station]))[0])
        near_surface = rng.random() < 0.35
        girth = float(rng.uniform(0.02, 0.35)) if near_surface else total - float(rng.uniform(0.0, 0.12))
        point, rotation = on_hull(hull, side, station, max(girth, 0.02))
        count = int(rng.integers(4, 22))
        spread = np.column_stack([rng.normal(size=count) * 0.16, rng.normal(size=count) * 0.05, np.zeros(count)])
        roots = point + spread @ rotation.T
        solids += _stand(roots, np.repeat(rotation[:, 2][None], count, axis=0), rng, "growth")
    return solids


def _stand(roots: Array, normals: Array, rng: np.random.Generator, source: str) -> list[Solid]:
    """Organisms on their roots: some of each kind."""
    kinds = rng.choice(4, size=len(roots), p=rng.dirichlet([1.4, 1.0, 1.2, 0.8]))
    parts = []
    shells, mussels, fronds, felt = (np.flatnonzero(kinds == kind) for kind in range(4))
    if len(shells):
        sizes = 0.004 + 0.011 * rng.random(len(shells)) ** 2
        parts.append(Part(_domes(roots[shells], normals[shells], sizes, 0.8, rng), _SHELLS))
    if len(mussels):
        sizes = 0.012 + 0.016 * rng.random(len(mussels))
        parts.append(Part(_domes(roots[mussels], normals[mussels], sizes, 1.1, rng), _MUSSELS))
    if len(felt):
        sizes = 0.007 + 0.016 * rng.random(len(felt)) ** 2
        parts.append(Part(_domes(roots[felt], normals[felt], sizes, 0.35, rng), _FELT))
    if len(fronds):
        parts.append(Part(_ribbons(roots[fronds], normals[fronds], rng), _FRONDS))
    extent = float(np.ptp(roots, axis=0).max()) + 0.05
    return [Solid(None, source, tuple(parts), extent)]


def _domes(roots: Array, normals: Array, sizes_m: Array, tall: float, rng: np.random.Generator) -> Mesh:
    """Rough half-balls, each with its own proportions and turn."""
    ball = ellipsoid((1.0, 1.0, 1.0), 8)
    count, per = len(roots), len(ball.vertices_m)
    shape = np.column_stack([rng.uniform(0.7, 1.5, (count, 2)), tall * rng.uniform(0.7, 1.3, count)])
    local = ball.vertices_m[None] * shape[:, None, :] * (1 + 0.10 * rng.normal(size=(count, per, 1)))
    frames = _frames(normals, rng.uniform(0, 2 * np.pi, count))
    vertices = roots[:, None, :] + np.einsum("nij,nkj->nki", frames, local * sizes_m[:, None, None])
    turned = np.einsum("nij,nkj->nki", frames, ball.normals[None] / shape[:, None, :])
    turned /= np.maximum(np.linalg.norm(turned, axis=2, keepdims=True), 1e-9)
    faces = (ball.faces[None] + (np.arange(count) * per)[:, None, None]).reshape(-1, 3)
    uv = vertices[..., :2] + 0.6 * vertices[..., 2:]
    return Mesh(vertices.reshape(-1, 3), faces.astype(np.int32), turned.reshape(-1, 3), uv.reshape(-1, 2), thin=True)


def _ribbons(roots: Array, normals: Array, rng: np.random.Generator) -> Mesh:
    """Fronds: from each root a few flat blades that leave the surface and bend down and along the ship."""
    blades = rng.integers(3, 8, len(roots))
    who = np.repeat(np.arange(len(roots)), blades)
    count, nodes = len(who), 6
    share = np.linspace(0, 1, nodes)[None, :, None]
    reach = rng.uniform(0.03, 0.13, (count, 1, 1)) * (0.6 + 0.8 * rng.random((count, 1, 1)))
    out = normals[who][:, None, :]
    sway = rng.normal(size=(count, 1, 3)) * 0.35
    down = _GRAVITY * 0.8 + np.array([-0.35, 0.0, 0.0]) + sway
    line = roots[who][:, None, :] + reach * (out * (share - 0.55 * share**2) + down * share**1.6)
    side = np.cross(down / np.linalg.norm(down, axis=2, keepdims=True), out)
    side /= np.maximum(np.linalg.norm(side, axis=2, keepdims=True), 1e-9)
    width = rng.uniform(0.0015, 0.0045, (count, 1, 1)) * (1 - 0.7 * share)
    vertices = np.stack([line - side * width, line + side * width], axis=2)
    index = np.arange(count * nodes * 2).reshape(count, nodes, 2)
    a, b, c, d = index[:, :-1, 0], index[:, :-1, 1], index[:, 1:, 0], index[:, 1:, 1]
    faces = np.concatenate([np.stack([a, b, d], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)])
    facing = np.broadcast_to(out[:, :, None, :], vertices.shape)
    uv = np.stack([np.broadcast_to(reach * share, (count, nodes, 1)), width * np.ones((1, nodes, 1))], axis=-1)
    uv = np.broadcast_to(uv, (count, nodes, 2, 2)) + rng.random((count, 1, 1, 1))
    return Mesh(vertices.reshape(-1, 3), faces.astype(np.int32), facing.reshape(-1, 3), uv.reshape(-1, 2), thin=True)


def _frames(normals: Array, turns_rad: Array) -> Array:
    """(n, 3, 3) rotations whose third column is the normal."""
    helper = np.where(np.abs(normals[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    first = np.cross(helper, normals)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(normals, first)
    c, s = np.cos(turns_rad)[:, None], np.sin(turns_rad)[:, None]
    return np.stack([c * first + s * second, c * second - s * first, normals], axis=2)


def weathered(solid: Solid, amount: float, rng: np.random.Generator) -> Solid:
    """A solid whose every part has aged."""
    return replace(solid, parts=tuple(replace(p, material=aged(p.material, amount, rng)) for p in solid.parts))


def aged(material: Material, amount: float, rng: np.random.Generator) -> Material:
    """A material after weeks in the water: dulled, blotched, overgrown."""
    return replace(
        material,
        shine=material.shine * (1 - 0.8 * amount),
        mottle=min(material.mottle + 0.5 * amount, 1.0),
        fouled=max(material.fouled, amount * float(rng.uniform(0.7, 1.0))),
    )
