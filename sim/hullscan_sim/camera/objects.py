"""Things on the hull as meshes with materials: parcels with what holds them, fittings, and look-alikes.

Each object is built in a local frame (x along the ship, y down the girth, z off the plating) and then laid on
the hull. Its mesh parts carry materials; the label says what a detector should call it, None that it should not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.ship.surface import HullSurface
from hullscan_sim.camera.shapes import Mesh, cylinder, ellipsoid, rod, superbox, torpedo, tube
from hullscan_sim.camera.texture import COATINGS

__all__ = [
    "COLOURS",
    "LABELS",
    "PATTERNS",
    "Label",
    "LookAlike",
    "Material",
    "Part",
    "Solid",
    "build_fitting",
    "build_look_alike",
    "build_parcel",
    "on_hull",
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
PATTERNS = ("plain", "wrapped", "woven", "ribbed", "laid")


@dataclass(frozen=True, slots=True)
class Material:
    """How a part's surface looks.

    Attributes:
        colour: linear reflectance (B, G, R).
        shine: strength of the highlight, 0 matt to 1 wet plastic.
        mottle: strength of irregular shading.
        pattern: plain, wrapped (tape turns), woven (webbing), ribbed, laid (rope).
        fouled: share covered by what grows on the hull around it.
    """

    colour: Colour
    shine: float = 0.2
    mottle: float = 0.25
    pattern: Literal["plain", "wrapped", "woven", "ribbed", "laid"] = "plain"
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
    """

    label: Label | None
    source: str
    parts: tuple[Part, ...]
    size_m: float


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


def _laid(parts: Iterable[Part], point: Array, rotation: Array) -> tuple[Part, ...]:
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
    solids = [Solid("parcel", source, _laid(parts, point, rotation), max(length, width))]
    if attach == "rope":
        tail = [Part(_loose_end(length, rng), _rope(rng))]
        solids.append(Solid("rope", f"{source} rope", _laid(tail, point, rotation), 0.4))
    return solids


def _lift(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.0, 0.04))


def _box(length: float, width: float, height: float, body: Material, rng: np.random.Generator) -> list[Part]:
    roundness = float(rng.uniform(0.06, 0.28))
    parts = [Part(superbox((length / 2, width / 2, height / 2), roundness).placed((0, 0, height / 2 + 0.01)), body)]
    if rng.random() < 0.4:  # lid or flange
        lid = replace(body, colour=_scaled(body.colour, rng.uniform(0.6, 1.5)))
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
        parts.append(Part(_hoop(where, width * 1.0, height * 0.98, float(rng.uniform(0.003, 0.006)), rng), _rope(rng)))
    return parts


def _cylinder(length: float, width: float, height: float, body: Material, rng: np.random.Generator) -> list[Part]:
    radius = min(width, height) / 2
    lift = _lift(rng)
    parts = [Part(cylinder(radius, length).placed((0, 0, radius + lift)), body)]
    for where in (-0.5, 0.5):
        if rng.random() < 0.5:
            cap = replace(body, colour=_scaled(body.colour, rng.uniform(0.5, 1.6)))
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
        steel = Material(_scaled(COLOURS["grey"], rng.uniform(0.2, 0.9)), 0.4, 0.4)
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
            parts.append(Part(_hoop(float(where), width, height, float(rng.uniform(0.003, 0.0065)), rng), _rope(rng)))
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


def _rope(rng: np.random.Generator) -> Material:
    colour = COLOURS[str(rng.choice(["white", "grey", "brown", "green", "blue", "orange", "black"]))]
    return Material(_scaled(colour, rng.uniform(0.4, 1.0)), 0.05, 0.4, "laid", float(rng.uniform(0, 0.4)))


def _scaled(colour: Sequence[float], factor: float) -> Colour:
    b, g, r = (float(np.clip(channel * factor, 0.006, 0.8)) for channel in colour)
    return b, g, r


# ------------------------------------------------------------------------------------------------ fittings


def build_fitting(
    kind: str,
    size_m: tuple[float, float],
    coat: Colour,
    fouled: float,
    point: Array,
    rotation: Array,
    rng: np.random.Generator,
    source: str,
) -> Solid:
    """A fitting of the ship: sea chest with its grating, anode, overboard outlet, or a length of bilge keel."""
    along, across = size_m
    paint = Material(_scaled(coat, rng.uniform(0.8, 1.2)), 0.15, 0.3, fouled=fouled)
    label: Label | None
    if kind == "sea_chest":
        label, parts = "grating", _grating(along, across, paint, rng)
    elif kind == "anode":
        zinc = Material(_scaled((0.27, 0.28, 0.28), rng.uniform(0.4, 1.2)), 0.1, 0.6, fouled=fouled * 0.6)
        label, parts = "anode", _anode(along, across, zinc, rng)
    elif kind == "outlet":
        label, parts = "outlet", _outlet(max(along, across), paint)
    elif kind == "bilge_keel":
        # it stands off the turn of the bilge; its height is the second size
        label = None
        parts = [Part(superbox((along / 2, 0.012, across / 2), 0.12, detail=24).placed((0, 0, across / 2)), paint)]
    else:
        raise ValueError(f"unknown fitting {kind}")
    return Solid(label, source, _laid(parts, point, rotation), max(along, across))


def _grating(along: float, across: float, paint: Material, rng: np.random.Generator) -> list[Part]:
    parts = [
        Part(
            superbox((along / 2, across / 2, 0.002), 0.1, detail=16).placed((0, 0, 0.003)),
            Material((0.008, 0.008, 0.008), 0, 0),
        )
    ]
    edge = float(rng.uniform(0.03, 0.05))
    for y in (-across / 2, across / 2):
        parts.append(Part(superbox((along / 2 + edge, edge / 2, 0.012), 0.15, detail=16).placed((0, y, 0.012)), paint))
    for x in (-along / 2, along / 2):
        parts.append(Part(superbox((edge / 2, across / 2, 0.012), 0.15, detail=16).placed((x, 0, 0.012)), paint))
    pitch = float(rng.uniform(0.05, 0.09))
    if rng.random() < 0.7:
        for x in np.arange(-along / 2 + pitch, along / 2 - pitch / 2, pitch):
            parts.append(Part(rod((float(x), -across / 2, 0.014), (float(x), across / 2, 0.014), 0.011), paint))
    else:
        for y in np.arange(-across / 2 + pitch, across / 2 - pitch / 2, pitch):
            parts.append(Part(rod((-along / 2, float(y), 0.014), (along / 2, float(y), 0.014), 0.011), paint))
    steel = Material(_scaled(COLOURS["grey"], rng.uniform(0.3, 0.9)), 0.4)
    for x in (-along / 2, 0.0, along / 2):
        for y in (-across / 2, across / 2):
            parts.append(Part(cylinder(0.016, 0.022, 12).placed(tilt_rad=np.pi / 2).placed((x, y, 0.028)), steel))
    return parts


def _anode(along: float, across: float, zinc: Material, rng: np.random.Generator) -> list[Part]:
    thick = float(rng.uniform(0.03, 0.06))
    wasted = float(rng.uniform(0.0, 0.06))
    body = superbox(
        (along / 2, across / 2, thick / 2), float(rng.uniform(0.15, 0.6)), wasted, int(rng.integers(1 << 30)), 32
    )
    strap = Material(_scaled(COLOURS["grey"], rng.uniform(0.2, 0.7)), 0.3)
    return [
        Part(body.placed((0, 0, thick / 2 + 0.01)), zinc),
        Part(superbox((along * 0.68, 0.018, 0.005), 0.2, detail=16).placed((0, 0, 0.008)), strap),
    ]


def _outlet(diameter: float, paint: Material) -> list[Part]:
    ring = np.linspace(0, 2 * np.pi, 33)
    line = np.stack([diameter / 2 * np.cos(ring), diameter / 2 * np.sin(ring), np.full(33, 0.008)], axis=1)
    hole = cylinder(diameter / 2, 0.006).placed(tilt_rad=np.pi / 2).placed((0, 0, 0.004))
    return [Part(hole, Material((0.006, 0.006, 0.006), 0, 0)), Part(tube(line, 0.018), paint)]


# ------------------------------------------------------------------------------------------------ look-alikes

LookAlike = Literal["plate", "disc", "mussels", "weed", "rope", "bolts", "rail", "bracket", "fish", "net"]


def build_look_alike(kind: LookAlike, coat: Colour, point: Array, rotation: Array, rng: np.random.Generator) -> Solid:
    """Something that is not a parcel: repairs, transducers, growth, loose rope, fish. Ropes have their own label."""
    paint = Material(_scaled(coat, rng.uniform(0.6, 1.5)), 0.2, 0.35, fouled=float(rng.uniform(0, 0.5)))
    label: Label | None = "rope" if kind == "rope" else None
    parts = _LOOK_ALIKES[kind](paint, rng)
    reach = max(float(np.abs(part.mesh.vertices_m[:, :2]).max()) for part in parts)
    return Solid(label, kind, _laid(parts, point, rotation), 2 * reach)


def _plate(paint: Material, rng: np.random.Generator) -> list[Part]:
    half = (float(rng.uniform(0.12, 0.5)), float(rng.uniform(0.1, 0.4)), 0.008)
    return [Part(superbox(half, 0.1, detail=20).placed((0, 0, 0.006)), paint)]


def _disc(paint: Material, rng: np.random.Generator) -> list[Part]:
    radius, thick = float(rng.uniform(0.06, 0.3)), float(rng.uniform(0.02, 0.07))
    grey = replace(paint, colour=_scaled(COLOURS["grey"], rng.uniform(0.1, 1.2))) if rng.random() < 0.6 else paint
    parts = [Part(cylinder(radius, thick).placed(tilt_rad=np.pi / 2).placed((0, 0, thick / 2)), grey)]
    for angle in np.linspace(0, 2 * np.pi, int(rng.integers(5, 9)), endpoint=False):
        stud = cylinder(0.012, 0.02, 10).placed(tilt_rad=np.pi / 2)
        parts.append(Part(stud.placed((0.8 * radius * np.cos(angle), 0.8 * radius * np.sin(angle), thick)), paint))
    return parts


def _mussels(paint: Material, rng: np.random.Generator) -> list[Part]:
    shell = Material(_scaled((0.055, 0.05, 0.045), rng.uniform(0.5, 2.2)), 0.15, 0.8, fouled=0.4)
    parts = []
    for _ in range(int(rng.integers(6, 22))):
        size = float(rng.uniform(0.02, 0.07))
        blob = superbox(
            (size, size * rng.uniform(0.5, 0.9), size * rng.uniform(0.4, 0.8)),
            1.0,
            0.1,
            int(rng.integers(1 << 30)),
            14,
        )
        parts.append(Part(blob.placed((rng.normal() * 0.12, rng.normal() * 0.1, size * 0.3), rng.uniform(0, 6)), shell))
    return parts


def _weed(paint: Material, rng: np.random.Generator) -> list[Part]:
    green = Material(_scaled((0.02, 0.07, 0.045), rng.uniform(0.5, 1.8)), 0.1, 0.6)
    parts = []
    for _ in range(int(rng.integers(6, 18))):
        reach = float(rng.uniform(0.08, 0.3))
        root = rng.normal(size=2) * 0.1
        sway = rng.normal(size=2) * 0.3
        share = np.linspace(0, 1, 8)
        line = np.stack(
            [
                root[0] + reach * share * sway[0],
                root[1] + reach * share * (0.6 + sway[1]),
                0.01 + reach * 0.5 * np.sin(share * 2),
            ],
            axis=1,
        )
        parts.append(Part(tube(line, float(rng.uniform(0.003, 0.009)), 5), green))
    return parts


def _loose_rope(paint: Material, rng: np.random.Generator) -> list[Part]:
    count = 40
    step = np.column_stack([np.full(count, rng.uniform(0.015, 0.04)), rng.normal(size=count) * 0.02, np.zeros(count)])
    line = np.cumsum(step, axis=0)
    line -= line.mean(axis=0)
    line[:, 2] = rng.uniform(0.01, 0.08) + 0.03 * np.sin(np.arange(count) / 4)
    turned = tube(line, float(rng.uniform(0.004, 0.011))).placed(turn_rad=float(rng.uniform(0, 2 * np.pi)))
    return [Part(turned, _rope(rng))]


def _bolts(paint: Material, rng: np.random.Generator) -> list[Part]:
    steel = Material(_scaled(COLOURS["grey"], rng.uniform(0.3, 1.0)), 0.4)
    pitch = float(rng.uniform(0.06, 0.15))
    return [
        Part(ellipsoid((0.018, 0.018, 0.014), 10).placed((i * pitch - 0.3, 0, 0.008)), steel)
        for i in range(int(rng.integers(3, 9)))
    ]


def _rail(paint: Material, rng: np.random.Generator) -> list[Part]:
    half = (float(rng.uniform(0.8, 2.5)), 0.012, float(rng.uniform(0.05, 0.14)))
    return [Part(superbox(half, 0.12, detail=24).placed((0, 0, half[2]), float(rng.choice([0.0, np.pi / 2]))), paint)]


def _bracket(paint: Material, rng: np.random.Generator) -> list[Part]:
    reach = float(rng.uniform(0.05, 0.15))
    return [
        Part(
            superbox((0.01, 0.06, reach / 2), 0.15, detail=16).placed((0, 0, reach / 2), float(rng.uniform(0, np.pi))),
            paint,
        ),
        Part(superbox((0.09, 0.08, 0.005), 0.15, detail=16).placed((0, 0, 0.005)), paint),
    ]


def _fish(paint: Material, rng: np.random.Generator) -> list[Part]:
    silver = Material(_scaled((0.3, 0.32, 0.3), rng.uniform(0.3, 1.2)), 0.5, 0.4)
    size, off = float(rng.uniform(0.05, 0.18)), float(rng.uniform(0.2, 0.5))
    return [
        Part(ellipsoid((size, size * 0.28, size * 0.13), 20).placed((0, 0, off)), silver),
        Part(superbox((size * 0.2, size * 0.2, size * 0.02), 0.7, detail=12).placed((-size * 1.1, 0, off)), silver),
    ]


def _net(paint: Material, rng: np.random.Generator) -> list[Part]:
    rope, span = _rope(rng), float(rng.uniform(0.2, 0.5))
    parts = []
    for k in np.linspace(-span, span, int(rng.integers(4, 8))):
        for flip in (False, True):
            share = np.linspace(-span, span, 10)
            line = np.stack([share, k + 0.02 * np.sin(share * 9), 0.02 + 0.01 * np.cos(share * 7)], axis=1)
            parts.append(Part(tube(line[:, [1, 0, 2]] if flip else line, 0.0025, 5), rope))
    return parts


_LOOK_ALIKES = {
    "plate": _plate,
    "disc": _disc,
    "mussels": _mussels,
    "weed": _weed,
    "rope": _loose_rope,
    "bolts": _bolts,
    "rail": _rail,
    "bracket": _bracket,
    "fish": _fish,
    "net": _net,
}
