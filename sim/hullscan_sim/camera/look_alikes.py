"""Things on the hull that are no parcels and no fittings: repairs, transducers, growth, loose rope, fish, tags."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from hullscan.geometry.frames import Array
from hullscan_sim.camera.objects import COLOURS, Colour, Label, Material, Part, Solid, laid, rope, scaled
from hullscan_sim.camera.shapes import cylinder, ellipsoid, superbox, tube

__all__ = ["LookAlike", "build_look_alike"]

LookAlike = Literal["plate", "disc", "mussels", "weed", "rope", "bolts", "rail", "bracket", "fish", "net", "tag"]


def build_look_alike(kind: LookAlike, coat: Colour, point: Array, rotation: Array, rng: np.random.Generator) -> Solid:
    """Something that is not a parcel: repairs, transducers, growth, rope, fish, tags. Ropes have their own label."""
    paint = Material(scaled(coat, rng.uniform(0.6, 1.5)), 0.2, 0.35, fouled=float(rng.uniform(0, 0.5)))
    label: Label | None = "rope" if kind == "rope" else None
    parts = _LOOK_ALIKES[kind](paint, rng)
    reach = max(float(np.abs(part.mesh.vertices_m[:, :2]).max()) for part in parts)
    return Solid(label, kind, laid(parts, point, rotation), 2 * reach)


def _plate(paint: Material, rng: np.random.Generator) -> list[Part]:
    half = (float(rng.uniform(0.12, 0.5)), float(rng.uniform(0.1, 0.4)), 0.008)
    return [Part(superbox(half, 0.1, detail=20).placed((0, 0, 0.006)), paint)]


def _disc(paint: Material, rng: np.random.Generator) -> list[Part]:
    radius, thick = float(rng.uniform(0.06, 0.3)), float(rng.uniform(0.02, 0.07))
    grey = replace(paint, colour=scaled(COLOURS["grey"], rng.uniform(0.1, 1.2))) if rng.random() < 0.6 else paint
    parts = [Part(cylinder(radius, thick).placed(tilt_rad=np.pi / 2).placed((0, 0, thick / 2)), grey)]
    for angle in np.linspace(0, 2 * np.pi, int(rng.integers(5, 9)), endpoint=False):
        stud = cylinder(0.012, 0.02, 10).placed(tilt_rad=np.pi / 2)
        parts.append(Part(stud.placed((0.8 * radius * np.cos(angle), 0.8 * radius * np.sin(angle), thick)), paint))
    return parts


def _mussels(paint: Material, rng: np.random.Generator) -> list[Part]:
    shell = Material(scaled((0.055, 0.05, 0.045), rng.uniform(0.5, 2.2)), 0.15, 0.8, fouled=0.4)
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
    green = Material(scaled((0.02, 0.07, 0.045), rng.uniform(0.5, 1.8)), 0.1, 0.6)
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
    return [Part(turned, rope(rng))]


def _bolts(paint: Material, rng: np.random.Generator) -> list[Part]:
    steel = Material(scaled(COLOURS["grey"], rng.uniform(0.3, 1.0)), 0.4)
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
    silver = Material(scaled((0.3, 0.32, 0.3), rng.uniform(0.3, 1.2)), 0.5, 0.4)
    size, off = float(rng.uniform(0.05, 0.18)), float(rng.uniform(0.2, 0.5))
    return [
        Part(ellipsoid((size, size * 0.28, size * 0.13), 20).placed((0, 0, off)), silver),
        Part(superbox((size * 0.2, size * 0.2, size * 0.02), 0.7, detail=12).placed((-size * 1.1, 0, off)), silver),
    ]


def _net(paint: Material, rng: np.random.Generator) -> list[Part]:
    line_of, span = rope(rng), float(rng.uniform(0.2, 0.5))
    parts = []
    for k in np.linspace(-span, span, int(rng.integers(4, 8))):
        for flip in (False, True):
            share = np.linspace(-span, span, 10)
            line = np.stack([share, k + 0.02 * np.sin(share * 9), 0.02 + 0.01 * np.cos(share * 7)], axis=1)
            parts.append(Part(tube(line[:, [1, 0, 2]] if flip else line, 0.0025, 5), line_of))
    return parts


def _tag(paint: Material, rng: np.random.Generator) -> list[Part]:
    """A written label as divers and surveyors hang them: flat, in a strong colour, off the plating."""
    long, wide = float(rng.uniform(0.06, 0.2)), float(rng.uniform(0.03, 0.09))
    blue_green_red = COLOURS[str(rng.choice(["yellow", "yellow", "orange", "white", "green", "blue"]))]
    plastic = Material(scaled(blue_green_red, rng.uniform(0.7, 1.5)), float(rng.uniform(0, 0.5)), 0.05)
    ink = Material(COLOURS["black"], 0.0, 0.0)
    off = float(rng.uniform(0.01, 0.15))
    tilt = float(rng.normal() * 0.25)
    parts = [
        Part(superbox((long / 2, wide / 2, 0.0015), 0.1, detail=16).placed((0, 0, off)), plastic),
        Part(superbox((0.16 * long, wide / 5, 0.002), 0.4, detail=12).placed((-0.6 * long, 0, off)), plastic),
    ]
    letters = int(rng.integers(0, 6))
    for x in np.linspace(-0.3, 0.38, letters) * long if letters else ():
        for _ in range(2):  # strokes
            stroke = superbox((0.03 * long, 0.005, 0.0008), 0.1, detail=8)
            at = (float(x), float(rng.normal() * 0.1 * wide), off + 0.002)
            parts.append(Part(stroke.placed(at, float(rng.uniform(0, np.pi))), ink))
    return [Part(part.mesh.placed(tilt_rad=tilt), part.material) for part in parts]


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
    "tag": _tag,
}
