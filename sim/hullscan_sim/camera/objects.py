"""Things on the hull as meshes with materials: what they are made of, how they are laid on her, and the parcels.

Each object is built in a local frame (x along the ship, y down the girth, z off the plating) and then laid on
the hull. Its mesh parts carry materials; the label says what a detector should call it, None that it should not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from hullscan.geometry.frames import Array
from hullscan.ship.surface import HullSurface
from hullscan_sim.camera.openings import Opening
from hullscan_sim.camera.shapes import Mesh, cylinder, superbox, torpedo, tube
from hullscan_sim.camera.texture import COATINGS

__all__ = [
    "COLOURS",
    "LABELS",
    "PATTERNS",
    "Colour",
    "Label",
    "Material",
    "Part",
    "Solid",
    "bent_on_hull",
    "build_parcel",
    "laid",
    "on_hull",
    "rope",
    "scaled",
]

Label = Literal["parcel", "rope", "grating", "anode", "outlet"]
LABELS: tuple[Label, ...] = ("parcel", "rope", "grating", "anode", "outlet")

Colour = tuple[float, float, float]
COLOURS: dict[str, Colour] = {  # linear reflectance (B, G, R)
    "black": (0.025, 0.024, 0.024),
    "grey": (0.17, 0.17, 0.165),
    "white": (0.55, 0.57, 0.58),
    "green": (0.05, 0.14, 0.06),
    "blue": (0.28, 0.10, 0.03),
    "orange": (0.03, 0.17, 0.50),
    "yellow": (0.05, 0.42, 0.55),
    "brown": (0.04, 0.075, 0.12),
    **{f"{name} paint": colour for name, colour in COATINGS.items()},
}
PATTERNS = ("plain", "wrapped", "woven", "ribbed", "laid", "broad")


_LATTICE_M = 0.1


@dataclass(frozen=True, slots=True)
class Material:
    """How a part's surface looks.

    Attributes:
        colour: linear reflectance (B, G, R).
        shine: strength of the highlight, 0 matt to 1 wet plastic.
        mottle: strength of irregular shading.
        pattern: plain, wrapped (tape turns), woven (webbing), ribbed, laid (rope), broad (large: what is on it
            does not come again each half metre).
        fouled: share covered by what grows on the hull around it.
    """

    colour: Colour
    shine: float = 0.2
    mottle: float = 0.25
    pattern: Literal["plain", "wrapped", "woven", "ribbed", "laid", "broad"] = "plain"
    fouled: float = 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """One mesh with one material."""

    mesh: Mesh
    material: Material


@dataclass(frozen=True, slots=True)
class Solid:
    """An object in the scene: parts in the ship frame.

    Attributes:
        label: what a detector should call it; None for a look-alike.
        source: which parcel or fitting of the scenario it is, such as ``parcel 2``.
        size_m: its greatest extent along the plating.
        opening: the hole in the plating that belongs to it.
        behind: parts of it lie behind the plating, where rays come through an opening.
        fine: made of bars and holes: drawn with a ray for each pixel.
    """

    label: Label | None
    source: str
    parts: tuple[Part, ...]
    size_m: float
    opening: Opening | None = None
    behind: bool = False
    fine: bool = False


def on_hull(
    hull: HullSurface, side: int, station_m: float, girth_m: float, turn_rad: float = 0.0
) -> tuple[Array, Array]:
    """Where an object sits: (3,) point and (3, 3) ship-from-local rotation (columns: along, down the girth, off)."""
    sides, stations, girths = np.array([side], dtype=np.int8), np.array([station_m]), np.array([girth_m])
    point, normal = hull.point(sides, stations, girths)[0], hull.normal(sides, stations, girths)[0]
    along = np.array([1.0, 0.0, 0.0]) - normal * normal[0]
    along /= np.linalg.norm(along)
    down = np.cross(normal, along)
    if side < 0:
        down = -down
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    return point, np.stack([c * along + s * down, c * down - s * along, normal], axis=1)


def laid(parts: Iterable[Part], point: Array, rotation: Array) -> tuple[Part, ...]:
    """Parts of a local frame in the ship frame, as ``on_hull`` gives it."""
    return tuple(
        Part(
            replace(
                part.mesh,
                vertices_m=part.mesh.vertices_m @ rotation.T + point,
                normals=part.mesh.normals @ rotation.T,
            ),
            part.material,
        )
        for part in parts
    )


def bent_on_hull(
    parts: Iterable[Part], hull: HullSurface, side: int, station_m: float, girth_m: float, turn_rad: float = 0.0
) -> tuple[Part, ...]:
    """Parts laid on the hull so that they follow it: x and y are measured along the plating, z off it.

    What lies behind the plating goes straight in, square to it at the middle.
    """
    _, frame = on_hull(hull, side, station_m, girth_m)
    inward, c, s = frame[:, 2], np.cos(turn_rad), np.sin(turn_rad)
    stretch = float(np.sqrt(1 - inward[0] ** 2))  # of a station along plating that is not parallel to the keel
    each = list(parts)
    meshes = [part.mesh for part in each]
    x, y, z = np.concatenate([mesh.vertices_m for mesh in meshes]).T
    places = np.column_stack([station_m + (c * x - s * y) * stretch, girth_m + s * x + c * y])
    points, outward = _plating(hull, side, places)
    vertices = points + outward * np.maximum(z, 0)[:, None] + inward * np.minimum(z, 0)[:, None]
    along = np.array([1.0, 0.0, 0.0]) - outward * outward[:, :1]
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    down = side * np.cross(outward, along)
    nx, ny, nz = np.concatenate([mesh.normals for mesh in meshes]).T[..., None]
    normals = (c * along + s * down) * nx + (c * down - s * along) * ny + outward * nz
    ends = np.cumsum([len(mesh.vertices_m) for mesh in meshes])[:-1]
    bent = zip(each, np.split(vertices, ends), np.split(normals, ends), strict=True)
    return tuple(replace(part, mesh=replace(part.mesh, vertices_m=where, normals=ways)) for part, where, ways in bent)


def _plating(hull: HullSurface, side: int, places: Array) -> tuple[Array, Array]:
    """Points and normals of the hull at (n, 2) stations and girths close to each other.

    Asked for on a lattice and interpolated, as asking is what takes time: 0.1 m apart that is right to half a
    millimetre on a bilge of 3 m radius.
    """
    low, high = places.min(axis=0), places.max(axis=0)
    axes = [np.linspace(a, b + 1e-6, 2 + int((b - a) / _LATTICE_M)) for a, b in zip(low, high, strict=True)]
    stations, girths = (grid.ravel() for grid in np.meshgrid(*axes, indexing="ij"))
    sides = np.full(len(stations), side, dtype=np.int8)
    values = np.column_stack([hull.point(sides, stations, girths), hull.normal(sides, stations, girths)])
    shape = (len(axes[0]), len(axes[1]), 6)
    found = RegularGridInterpolator((axes[0], axes[1]), values.reshape(shape))(places)
    normals = found[:, 3:] / np.maximum(np.linalg.norm(found[:, 3:], axis=1, keepdims=True), 1e-9)
    return found[:, :3], normals


# ------------------------------------------------------------------------------------------------ parcels


def build_parcel(
    kind: str,
    size_m: tuple[float, float, float],
    attach: str,
    body: Material,
    point: Array,
    rotation: Array,
    rng: np.random.Generator,
    source: str = "parcel",
) -> list[Solid]:
    """A parcel of one of four kinds with straps, ropes and magnets; a rope's loose end is a solid of its own.

    Args:
        size_m: length, width, height off the plating.
        attach: magnet, rope or strap.
        body: material of its body.
        point, rotation: where it sits (``on_hull``).
    """
    length, width, height = size_m
    makers = {"box": _box, "bag": _bag, "cylinder": _cylinder, "torpedo": _torpedo}
    parts = makers[kind](length, width, height, body, rng)
    parts += _attachment(kind, length, width, height, attach, rng)
    solids = [Solid("parcel", source, laid(parts, point, rotation), max(length, width))]
    if attach == "rope":
        tail = [Part(_loose_end(length, rng), rope(rng))]
        solids.append(Solid("rope", f"{source} rope", laid(tail, point, rotation), 0.4))
    return solids


def _lift(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.0, 0.04))


def _box(length: float, width: float, height: float, body: Material, rng: np.random.Generator) -> list[Part]:
    roundness = float(rng.uniform(0.06, 0.28))
    parts = [Part(superbox((length / 2, width / 2, height / 2), roundness).placed((0, 0, height / 2 + 0.01)), body)]
    if rng.random() < 0.4:  # lid or flange
        lid = replace(body, colour=scaled(body.colour, rng.uniform(0.6, 1.5)))
        parts.append(
            Part(superbox((length * 0.51, width * 0.51, height * 0.06), 0.15).placed((0, 0, height * 0.85)), lid)
        )
    if rng.random() < 0.35:
        handle = np.array([[-0.12, 0, 0], [-0.1, 0, 0.05], [0, 0, 0.07], [0.1, 0, 0.05], [0.12, 0, 0]]) * min(
            1, length / 0.4
        )
        parts.append(Part(tube(handle + np.array([0, 0, height + 0.01]), 0.009), Material(COLOURS["black"], 0.3)))
    return parts


def _bag(length: float, width: float, height: float, body: Material, rng: np.random.Generator) -> list[Part]:
    seed = int(rng.integers(1 << 30))
    mesh = superbox(
        (length / 2, width / 2, height / 2), float(rng.uniform(0.35, 0.8)), float(rng.uniform(0.05, 0.16)), seed, 64
    )
    body = replace(body, pattern="wrapped" if rng.random() < 0.7 else body.pattern, mottle=max(body.mottle, 0.3))
    parts = [Part(mesh.placed((0, 0, height * 0.46)), body)]
    for _ in range(int(rng.integers(1, 4))):
        where = float(rng.uniform(-0.35, 0.35)) * length
        parts.append(Part(_hoop(where, width * 1.0, height * 0.98, float(rng.uniform(0.003, 0.006)), rng), rope(rng)))
    return parts


def _cylinder(length: float, width: float, height: float, body: Material, rng: np.random.Generator) -> list[Part]:
    radius = min(width, height) / 2
    lift = _lift(rng)
    parts = [Part(cylinder(radius, length).placed((0, 0, radius + lift)), body)]
    for where in (-0.5, 0.5):
        if rng.random() < 0.5:
            cap = replace(body, colour=scaled(body.colour, rng.uniform(0.5, 1.6)))
            parts.append(
                Part(cylinder(radius * 1.06, 0.06 * length).placed((where * 0.93 * length, 0, radius + lift)), cap)
            )
    return parts


def _torpedo(length: float, width: float, height: float, body: Material, rng: np.random.Generator) -> list[Part]:
    radius = min(width, height) / 2
    lift = _lift(rng)
    parts = [Part(torpedo(radius, length).placed((0, 0, radius + lift)), body)]
    if rng.random() < 0.7:
        fin = replace(body, shine=body.shine * 0.7)
        for across in (True, False):
            half = (0.07 * length, radius * 1.5, 0.006) if across else (0.07 * length, 0.006, radius * 1.3)
            parts.append(Part(superbox(half, 0.2, detail=16).placed((-0.42 * length, 0, radius + lift)), fin))
    if rng.random() < 0.5:
        parts.append(
            Part(
                cylinder(radius * 1.04, 0.03).placed((0.15 * length, 0, radius + lift)),
                Material(COLOURS["grey"], 0.4),
            )
        )
    return parts


def _attachment(
    kind: str, length: float, width: float, height: float, attach: str, rng: np.random.Generator
) -> list[Part]:
    parts: list[Part] = []
    if attach == "magnet":
        steel = Material(scaled(COLOURS["grey"], rng.uniform(0.2, 0.9)), 0.4, 0.4)
        for where in (-0.36, 0.36):
            reach = width / 2 + float(rng.uniform(0.0, 0.05))
            for side in (-1, 1):
                pot = cylinder(0.045, 0.035).placed(tilt_rad=np.pi / 2)
                parts.append(Part(pot.placed((where * length, side * reach, 0.02)), steel))
            parts.append(Part(superbox((0.02, reach, 0.006), 0.2, detail=16).placed((where * length, 0, 0.03)), steel))
    elif attach == "strap":
        for where in rng.uniform(-0.35, 0.35, int(rng.integers(1, 4))) * length:
            half_width = float(rng.uniform(0.012, 0.03))
            colour = COLOURS[str(rng.choice(["black", "orange", "yellow", "blue", "white", "grey"]))]
            band = superbox((half_width, width * 0.515, height * 0.515), 0.2 if kind == "box" else 0.8, detail=32)
            band = replace(band, thin=True)
            parts.append(Part(band.placed((float(where), 0, height / 2 + 0.008)), Material(colour, 0.15, 0.2, "woven")))
    else:
        for where in rng.uniform(-0.35, 0.35, int(rng.integers(1, 3))) * length:
            parts.append(Part(_hoop(float(where), width, height, float(rng.uniform(0.003, 0.0065)), rng), rope(rng)))
    return parts


def _loose_end(length: float, rng: np.random.Generator) -> Mesh:
    """The end of the rope, hanging down the girth from an end of the parcel."""
    steps = rng.normal(size=(14, 3)) * [0.02, 0.02, 0.004]
    line = np.cumsum(steps, axis=0) + [[0.5 * length, 0, 0.02]] + np.linspace(0, 1, 14)[:, None] * [0.1, 0.4, 0.0]
    line[:, 2] = np.abs(line[:, 2]) + 0.012
    return tube(line, float(rng.uniform(0.003, 0.0055)))


def _hoop(where_m: float, width: float, height: float, radius: float, rng: np.random.Generator) -> Mesh:
    angle = np.linspace(-0.15, np.pi + 0.15, 36)
    slack = 0.012 * np.sin(5 * angle + rng.uniform(0, 6))
    line = np.stack(
        [where_m + slack, 0.53 * width * np.cos(angle), 0.01 + height * 1.01 * np.clip(np.sin(angle), 0, 1) ** 0.7],
        axis=1,
    )
    return tube(line, radius)


def rope(rng: np.random.Generator) -> Material:
    """Rope of any colour, more or less faded and grown over."""
    colour = COLOURS[str(rng.choice(["white", "grey", "brown", "green", "blue", "orange", "black"]))]
    return Material(scaled(colour, rng.uniform(0.4, 1.0)), 0.05, 0.4, "laid", float(rng.uniform(0, 0.4)))


def scaled(colour: Sequence[float], factor: float) -> Colour:
    """A lighter or darker shade, within what surfaces reflect."""
    b, g, r = (float(np.clip(channel * factor, 0.006, 0.8)) for channel in colour)
    return b, g, r
