"""Fittings as solids: sea chests behind gratings, pipes, thruster tunnels, anodes, bilge keels, rudder, propeller."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.ship.fittings import Fitting
from hullscan.ship.gear import Gear
from hullscan.ship.surface import HullSurface, side_name
from hullscan_sim import appendages
from hullscan_sim.camera.objects import COLOURS, Colour, Material, Part, Solid, bent_on_hull, scaled
from hullscan_sim.camera.openings import plate_hole, tunnel_mouth
from hullscan_sim.camera.shapes import Mesh, block, cylinder, superbox, tube
from hullscan_sim.fitted import BARS_M

__all__ = ["build_anode", "build_gear", "build_keel", "build_outlet", "build_sea_chest", "build_tunnel"]

_BEND_M = 0.08  # how finely what follows the plating is cut
_DARK = Material((0.006, 0.006, 0.006), 0.0, 0.0)
_BRONZE: Colour = (0.045, 0.105, 0.18)
_FRAME_M = 0.012  # half thickness of the frame round a grating


def build_sea_chest(
    hull: HullSurface,
    side: int,
    station_m: float,
    girth_m: float,
    size_m: tuple[float, float],
    recess_m: float,
    coat: Colour,
    fouled: float,
    rng: np.random.Generator,
    source: str,
) -> list[Solid]:
    """A grating with its frame, and the box behind it, open towards the sea."""
    along, across = size_m
    paint = Material(scaled(coat, rng.uniform(0.8, 1.2)), 0.15, 0.3, fouled=fouled)
    grating = _grating(along, across, paint, rng)
    inside = rng.spawn(1)[0]
    rusty = scaled(_mixed(coat, (0.03, 0.06, 0.11), float(inside.uniform(0.3, 0.8))), float(inside.uniform(0.7, 1.1)))
    wall = Material(rusty, 0.05, 0.7, "broad", fouled=min(1.4 * fouled + 0.1, 0.9))
    box = block((along / 2, across / 2, recess_m / 2), _BEND_M, inward=True, lid=False)
    parts = [Part(box.placed((0, 0, -recess_m / 2)), wall), *_suction(along, across, recess_m, wall, inside)]
    where = (hull, side, station_m, girth_m)
    opening = plate_hole(*where, size_m)
    reach = max(along, across)
    return [
        Solid("grating", source, bent_on_hull(grating, *where), reach, behind=True, fine=True),
        Solid(None, f"{source} box", bent_on_hull(parts, *where), reach, opening, behind=True, fine=True),
    ]


def _grating(along: float, across: float, paint: Material, rng: np.random.Generator) -> list[Part]:
    """Flat bars on edge in a bolted frame, with two ties across them."""
    edge = float(rng.uniform(0.03, 0.05))
    parts = []
    for y in (-across / 2 - edge / 2, across / 2 + edge / 2):
        parts.append(Part(block((along / 2 + edge, edge / 2, _FRAME_M), _BEND_M).placed((0, y, _FRAME_M)), paint))
    for x in (-along / 2 - edge / 2, along / 2 + edge / 2):
        parts.append(Part(block((edge / 2, across / 2, _FRAME_M), _BEND_M).placed((x, 0, _FRAME_M)), paint))
    pitch = float(rng.uniform(0.05, 0.09))
    upright = rng.random() < 0.7
    span, length = (along, across) if upright else (across, along)
    count = max(round(span / pitch), 2)
    turn = 0.0 if upright else np.pi / 2
    half = (0.0075, length / 2, (BARS_M + 0.008) / 2)
    for where in (np.arange(1, count) / count - 0.5) * span:
        bar = block(half, _BEND_M).placed((float(where), 0, 0.008 - half[2]))
        parts.append(Part(bar.placed(turn_rad=turn), paint))
    for where in (-length / 5, length / 5):
        tie = block((span / 2, 0.006, 0.011), _BEND_M).placed((0, where, -0.6 * BARS_M))
        parts.append(Part(tie.placed(turn_rad=turn), paint))
    steel = Material(scaled(COLOURS["grey"], rng.uniform(0.3, 0.9)), 0.4)
    for x in (-along / 2 - edge / 2, 0.0, along / 2 + edge / 2):
        for y in (-across / 2 - edge / 2, across / 2 + edge / 2):
            bolt = cylinder(0.015, 0.016, 7).placed(tilt_rad=np.pi / 2)
            parts.append(Part(bolt.placed((x, y, 2 * _FRAME_M + 0.006)), steel))
    return parts


def _suction(along: float, across: float, recess_m: float, wall: Material, rng: np.random.Generator) -> list[Part]:
    """At the back of the box: the mouth of the suction pipe with its flange, and an anode."""
    radius = float(rng.uniform(0.14, 0.24)) * min(along, across)
    x, y = (float(rng.uniform(-0.18, 0.18)) * size for size in (along, across))
    back = -recess_m + 0.004
    ring = np.linspace(0, 2 * np.pi, 33)
    line = np.stack([x + radius * np.cos(ring), y + radius * np.sin(ring), np.full(33, back + 0.01)], axis=1)
    disc = cylinder(radius, 0.006).placed(tilt_rad=np.pi / 2).placed((x, y, back))
    parts = [Part(disc, _DARK), Part(replace(tube(line, 0.02), thin=False), wall)]
    if recess_m > 0.3:
        zinc = Material(scaled((0.27, 0.28, 0.28), rng.uniform(0.4, 1.0)), 0.1, 0.6, fouled=0.5 * wall.fouled)
        bar = superbox((0.3 * along, 0.04, 0.02), 0.3, 0.05, int(rng.integers(1 << 30)), 24)
        parts.append(Part(bar.placed((0, across / 2 - 0.06, back + 0.025)), zinc))
    return parts


def build_anode(
    hull: HullSurface,
    side: int,
    station_m: float,
    girth_m: float,
    size_m: tuple[float, float],
    fouled: float,
    rng: np.random.Generator,
    source: str,
    turn_rad: float = 0.0,
) -> Solid:
    """A zinc block, wasted by use, on a steel strap that is welded to the plating."""
    along, across = size_m
    rng.uniform(0.8, 1.2)  # the paint that other fittings have: places of what follows depend on the sequence
    zinc = Material(scaled((0.27, 0.28, 0.28), rng.uniform(0.4, 1.2)), 0.1, 0.6, fouled=fouled * 0.6)
    thick = float(rng.uniform(0.03, 0.06))
    wasted = float(rng.uniform(0.0, 0.06))
    body = superbox(
        (along / 2, across / 2, thick / 2), float(rng.uniform(0.15, 0.6)), wasted, int(rng.integers(1 << 30)), 32
    )
    steel = Material(scaled(COLOURS["grey"], rng.uniform(0.2, 0.7)), 0.3)
    strap = superbox((along * 0.68, 0.018, 0.005), 0.2, detail=16)
    parts = [Part(body.placed((0, 0, thick / 2 + 0.01)), zinc), Part(strap.placed((0, 0, 0.008)), steel)]
    laid_parts = bent_on_hull(parts, hull, side, station_m, girth_m, turn_rad)
    return Solid("anode", source, laid_parts, max(along, across))


def build_outlet(
    hull: HullSurface,
    side: int,
    station_m: float,
    girth_m: float,
    diameter_m: float,
    coat: Colour,
    fouled: float,
    rng: np.random.Generator,
    source: str,
) -> Solid:
    """An overboard pipe: a ring welded round its mouth, and the pipe going in."""
    paint = Material(scaled(coat, rng.uniform(0.8, 1.2)), 0.15, 0.3, fouled=fouled)
    ring = np.linspace(0, 2 * np.pi, 49)
    line = np.stack([diameter_m / 2 * np.cos(ring), diameter_m / 2 * np.sin(ring), np.full(49, 0.008)], axis=1)
    rusty = Material(scaled(_mixed(coat, (0.02, 0.05, 0.10), 0.7), 0.12), 0.0, 0.4)
    depth = min(3.0 * diameter_m, 0.8)
    parts = [
        Part(replace(tube(line, 0.018), thin=False), paint),
        Part(_bore(diameter_m / 2, depth), rusty),
        Part(cylinder(diameter_m / 2, 0.006).placed(tilt_rad=np.pi / 2).placed((0, 0, -depth)), _DARK),
    ]
    where = (hull, side, station_m, girth_m)
    opening = plate_hole(*where, (diameter_m, diameter_m), round=True)
    return Solid("outlet", source, bent_on_hull(parts, *where), diameter_m, opening, behind=True, fine=True)


def _bore(radius_m: float, depth_m: float) -> Mesh:
    """The inside of a pipe, from the plating inwards."""
    angle, down = np.linspace(0, 2 * np.pi, 41), np.linspace(0.0, -depth_m, 6)
    points = np.empty((len(down), len(angle), 3))
    points[..., 0], points[..., 1] = radius_m * np.cos(angle), radius_m * np.sin(angle)
    points[..., 2] = down[:, None]
    normals = points * [-1 / radius_m, -1 / radius_m, 0]
    return _skin(points, normals)


def _skin(points: Array, normals: Array) -> Mesh:
    """A mesh over an (a, b, 3) grid with given normals; its pattern runs along the grid."""
    rows = np.linalg.norm(np.diff(points, axis=0, prepend=points[:1]), axis=2).cumsum(axis=0)
    columns = np.linalg.norm(np.diff(points, axis=1, prepend=points[:, :1]), axis=2).cumsum(axis=1)
    a, b, _ = points.shape
    index = np.arange(a * b, dtype=np.int32).reshape(a, b)
    q = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], -1).reshape(-1, 4)
    faces = np.concatenate([q[:, [0, 1, 2]], q[:, [0, 2, 3]]])
    uv = np.stack([columns, rows], axis=-1).reshape(-1, 2)
    return Mesh(points.reshape(-1, 3), faces, normals.reshape(-1, 3), uv)


def build_tunnel(
    hull: HullSurface, tunnel: Fitting, coat: Colour, fouled: float, rng: np.random.Generator, source: str
) -> list[Solid]:
    """A bow thruster's tunnel right through the ship: bars at both mouths, the propeller on its pod amidships."""
    radius, station, depth = tunnel.size_m[0] / 2, tunnel.station_m, tunnel.depth_m
    paint = Material(scaled(coat, rng.uniform(0.7, 1.1)), 0.15, 0.35, fouled=fouled)
    wall = Material(
        scaled(_mixed(coat, (0.05, 0.06, 0.08), 0.5), 0.8), 0.08, 0.6, "broad", fouled=min(fouled + 0.15, 0.9)
    )
    angle = np.linspace(0, 2 * np.pi, 49)
    ring = np.column_stack([station + radius * np.cos(angle), depth + radius * np.sin(angle)])
    edges = {side: _edge(hull, side, ring) for side in (1, -1)}
    share = np.linspace(0, 1, 13)[:, None]
    points = edges[-1][None] * (1 - share[..., None]) + edges[1][None] * share[..., None]
    normals = np.zeros_like(points)
    normals[..., 0], normals[..., 2] = -np.cos(angle), -np.sin(angle)
    bore = [Part(_skin(points, normals), wall), *_thruster(radius, station, depth, rng)]
    solids = [Solid(None, f"{source} bore", tuple(bore), 2 * radius, behind=True, fine=True)]
    for side, edge in edges.items():
        lip = np.column_stack([edge[:, 0], edge[:, 1] + 0.004 * side, edge[:, 2]])
        parts = [Part(replace(tube(lip, 0.02), thin=False), paint)]
        for across in (-0.6, -0.2, 0.2, 0.6):
            reach = radius * float(np.sqrt(1 - across**2))
            down = np.linspace(-reach, reach, 12)
            bar = _edge(hull, side, np.column_stack([np.full(12, station + across * radius), depth + down]))
            parts.append(Part(tube(bar - [0, 0.012 * side, 0], min(0.012 + 0.01 * radius, 0.03), 10), paint))
        opening = tunnel_mouth(hull, side, station, depth, radius)
        name = f"{source} {side_name(side)}"
        solids.append(Solid("grating", name, tuple(parts), 2 * radius, opening, behind=True, fine=True))
    return solids


def _edge(hull: HullSurface, side: int, places: Array) -> Array:
    """(n, 3) points of the plating at (n, 2) stations and depths."""
    girths = hull.girth_to_depth(places[:, 0], places[:, 1], side_name(side))
    points = hull.point(np.full(len(places), side, dtype=np.int8), places[:, 0], girths)
    return np.column_stack([places[:, 0], points[:, 1], places[:, 1]])


def _thruster(radius: float, station: float, depth: float, rng: np.random.Generator) -> list[Part]:
    gear = Gear(0.0, 0.0, (0.0, 0.0), 0.0, 0.94 * radius, (0.0, 0.0))
    screw = appendages.propeller(gear, float(rng.uniform(0, 2 * np.pi)))
    bronze = Material(scaled(_BRONZE, rng.uniform(0.6, 1.0)), 0.4, 0.5, fouled=float(rng.uniform(0.1, 0.4)))
    pod = cylinder(0.16 * radius, 1.1 * radius).placed((0.75 * radius, 0, 0))
    leg = superbox((0.14 * radius, 0.05 * radius, 0.5 * radius), 0.4).placed((0.8 * radius, 0, -0.5 * radius))
    steel = Material((0.06, 0.07, 0.08), 0.1, 0.6, fouled=float(rng.uniform(0.2, 0.5)))
    parts = [Part(screw, bronze), Part(pod, steel), Part(leg, steel)]
    return [Part(part.mesh.placed((0, 0, 0), np.pi / 2).placed((station, 0, depth)), part.material) for part in parts]


def build_keel(
    hull: HullSurface, keel: Fitting, coat: Colour, fouled: float, rng: np.random.Generator, source: str
) -> list[Solid]:
    """A bilge keel, a solid for each piece: of a long one, only what is in view is looked at closely."""
    paint = Material(scaled(coat, rng.uniform(0.8, 1.2)), 0.15, 0.35, "broad", fouled=fouled)
    return [
        Solid(None, source, (Part(piece, paint),), float(np.ptp(piece.vertices_m[:, 0])))
        for piece in appendages.bilge_keel(hull, keel)
    ]


def build_gear(
    hull: HullSurface, gear: Gear, blades_rad: float, coat: Colour, fouled: float, rng: np.random.Generator
) -> list[Solid]:
    """Rudder, what carries it, and the propeller."""
    paint = Material(scaled(coat, rng.uniform(0.85, 1.1)), 0.12, 0.4, "broad", fouled=fouled)
    steel = Material(scaled((0.10, 0.11, 0.12), rng.uniform(0.7, 1.2)), 0.3, 0.5, fouled=0.7 * fouled)
    bronze = Material(scaled(_BRONZE, rng.uniform(0.7, 1.2)), 0.5, 0.5, "broad", fouled=0.8 * fouled)
    zinc = Material(scaled((0.27, 0.28, 0.28), rng.uniform(0.5, 1.0)), 0.1, 0.6, fouled=0.5 * fouled)
    chord, height = gear.rudder_m[1] - gear.rudder_m[0], gear.depths_m[1] - gear.depths_m[0]
    solids = [
        _solid("rudder", [Part(appendages.rudder(gear), paint)], height),
        _solid("rudder stock", [Part(appendages.stock(gear, hull), steel)], 0.5),
        _solid("sole piece", [Part(appendages.sole_piece(gear), paint)], 1.0),
        _solid("shaft boss", [Part(appendages.shaft_boss(gear), paint)], gear.radius_m),
        _solid("propeller", [Part(appendages.propeller(gear, blades_rad), bronze)], 2 * gear.radius_m),
    ]
    block_m = (min(0.3, 0.12 * chord), 0.03, 0.05)
    half_thick = 0.085 * chord * 0.85
    for number, (down, along) in enumerate(((0.3, 0.55), (0.6, 0.55))):
        for sign in (1, -1):
            place = (gear.rudder_m[0] + along * chord, sign * half_thick, gear.depths_m[0] + down * height)
            body = superbox(block_m, 0.3, 0.03, int(rng.integers(1 << 30)), 24).placed(place)
            solids.append(Solid("anode", f"rudder anode {number}", (Part(body, zinc),), 2 * block_m[0]))
    return solids


def _solid(source: str, parts: list[Part], size_m: float) -> Solid:
    return Solid(None, source, tuple(parts), size_m)


def _mixed(first: Colour, second: Colour, share: float) -> Colour:
    b, g, r = (a * (1 - share) + c * share for a, c in zip(first, second, strict=True))
    return b, g, r
