"""Shapes of what stands out of the plating: rudder with stock and sole piece, propeller with its boss, bilge keels.

The same meshes are drawn by the camera, met by the beams of DVL and sounder, and touched by the vehicle.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.ship.fittings import Fitting
from hullscan.ship.gear import Gear
from hullscan.ship.surface import HullSurface, side_sign
from hullscan_sim.camera.shapes import Mesh, block, joined, lofted, revolved

__all__ = ["BLADES", "bilge_keel", "propeller", "rudder", "shaft_boss", "sole_piece", "stock"]

BLADES = 4
_HUB, _PITCH, _AREA = 0.18, 0.8, 0.55  # shares of radius, of diameter, of the disc: usual merchant propellers
_SKEW_RAD = 0.42  # of the tip against the root
_THICKNESS = 0.17  # of a rudder, as a share of its chord: NACA 0017
_STOCK_CHORD, _STOCK_RADIUS = 0.28, 0.05  # where the stock enters the blade from its leading edge; of the chord
_KEEL_STEP_M, _KEEL_PIECE_M, _KEEL_TAPER_M = 0.4, 2.4, 0.7
_KEEL_HALF_M, _KEEL_BULB_M = 0.012, 0.022  # half thickness of the flat bar, and of the round bar along its edge


def rudder(gear: Gear) -> Mesh:
    """The blade: a symmetric foil, a little shorter at the heel."""
    aft, fore = gear.rudder_m
    head, heel = gear.depths_m
    chord = fore - aft
    share = 0.5 * (1 - np.cos(np.linspace(0, np.pi, 15)))
    half = 5 * _THICKNESS * (
        0.2969 * np.sqrt(share) - 0.126 * share - 0.3516 * share**2 + 0.2843 * share**3 - 0.1036 * share**4
    )  # fmt: skip
    along = np.concatenate([share, share[-2::-1]])  # from the leading edge aft, and back on the other side
    off = np.concatenate([half, -half[-2::-1]])
    down = np.concatenate([[0.0, 0.0], np.linspace(0.004, 0.996, 17), [1.0, 1.0]])
    full = np.concatenate([[1e-3, 0.94], np.ones(17), [0.94, 1e-3]])
    taper = chord * (1 - 0.12 * down)
    sections = np.stack(
        [
            fore - taper[:, None] * along,
            chord * full[:, None] * off * (1 - 0.12 * down[:, None]),
            np.broadcast_to((head + (heel - head) * down)[:, None], (len(down), len(along))),
        ],
        axis=-1,
    )
    return lofted(sections)


def stock(gear: Gear, hull: HullSurface) -> Mesh:
    """The shaft that carries the rudder, up into the hull, with the collar where it enters."""
    aft, fore = gear.rudder_m
    station, radius = fore - _STOCK_CHORD * (fore - aft), _STOCK_RADIUS * (fore - aft)
    top = _underside(hull, station)
    head = gear.depths_m[0] + 0.02
    bar = revolved(np.array([-0.5, -0.5, 0.5, 0.5]) * (head - top + 0.3), radius * np.array([1e-3, 1, 1, 1e-3]), 24)
    collar = revolved(np.array([-0.5, -0.5, 0.4, 0.5]) * 0.16, radius * np.array([1e-3, 1.9, 1.7, 1e-3]), 24)
    upright = np.pi / 2  # tilted about y: x becomes -z
    return joined(
        [
            bar.placed((station, 0, (head + top - 0.3) / 2), tilt_rad=upright),
            collar.placed((station, 0, top + 0.05), tilt_rad=-upright),
        ]
    )


def sole_piece(gear: Gear) -> Mesh:
    """The bar from the skeg under the propeller to the rudder's heel, which it carries."""
    aft, fore = gear.rudder_m
    end = fore - 0.45 * (fore - aft)
    begin = gear.sternpost_m + 0.15 * gear.radius_m
    thick = 0.07 * gear.radius_m
    depth = max(gear.depths_m[1] + 0.6 * thick + 0.01, gear.shaft_depth_m + gear.radius_m + 0.6 * thick + 0.02)
    return block(((begin - end) / 2, 0.8 * thick, thick / 2), 0.25).placed(((begin + end) / 2, 0, depth))


def shaft_boss(gear: Gear) -> Mesh:
    """The swelling of the skeg that the shaft comes out of."""
    radius, fore = _HUB * gear.radius_m, gear.sternpost_m + 0.5 * gear.radius_m
    aft = gear.propeller_m + 0.62 * radius
    stations = np.array([fore, gear.sternpost_m, aft + 0.03, aft, aft])
    return revolved(stations, radius * np.array([0.7, 1.15, 1.02, 1.0, 1e-3])).placed((0, 0, gear.shaft_depth_m))


def propeller(gear: Gear, turned_rad: float = 0.0) -> Mesh:
    """A right-handed propeller of fixed pitch: hub with its cap, and blades."""
    radius = gear.radius_m
    hub_m = _HUB * radius
    stations = np.array([0.6, 0.6, 0.3, -0.3, -0.6, -0.62, -1.0, -1.3, -1.42, -1.45]) * hub_m
    radii = np.array([1e-3, 0.97, 1.0, 1.0, 0.95, 0.86, 0.74, 0.5, 0.25, 1e-3]) * hub_m
    parts = [revolved(stations, radii)]
    for number in range(BLADES):
        parts.append(_turned(_blade(radius), turned_rad + 2 * np.pi * number / BLADES))
    return joined(parts).placed((gear.propeller_m, 0, gear.shaft_depth_m))


def _blade(radius_m: float) -> Mesh:
    """One blade, upright on its shaft; sections on cylinders, thick at the root and thin at the tip."""
    out = np.concatenate([np.linspace(0.15, 0.9, 16), 0.9 + 0.1 * np.sin(np.linspace(0.15, np.pi / 2, 9))])
    widest = 2 * np.pi * _AREA / BLADES * 0.62  # of the expanded blade, in radii
    shape = np.clip(out - 0.05, 0, None) ** 0.42 * np.sqrt(np.maximum(1 - (out / 1.003) ** 6, 1e-4))
    chord = widest * shape / shape.max() * radius_m
    thick = radius_m * (0.055 * (1 - out) + 0.0055)
    angle = np.linspace(0, 2 * np.pi, 29)
    across = 0.5 * np.cos(angle)[None, :] * chord[:, None]
    off = 0.5 * np.sin(angle)[None, :] * thick[:, None]
    camber = 0.035 * chord[:, None] * (1 - np.cos(angle)[None, :] ** 2)
    off = off - camber  # the pressure side, aft, is hollow
    r = out[:, None] * radius_m
    pitch = np.arctan(_PITCH / (np.pi * out))[:, None]
    skew = -_SKEW_RAD * np.clip((out - 0.2) / 0.8, 0, None)[:, None] ** 1.7
    turn = skew + (across * np.cos(pitch) - off * np.sin(pitch)) / r
    x = across * np.sin(pitch) + off * np.cos(pitch) - 0.06 * (r - _HUB * radius_m)
    blade = lofted(np.stack([x, r * np.sin(turn), -r * np.cos(turn)], axis=-1))
    return replace(blade, uv_m=blade.vertices_m[:, 1:] + 0.3 * blade.vertices_m[:, :1])


def _turned(mesh: Mesh, angle_rad: float) -> Mesh:
    """Turned about x."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    turn = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return replace(mesh, vertices_m=mesh.vertices_m @ turn.T, normals=mesh.normals @ turn.T, uv_m=mesh.uv_m + angle_rad)


def bilge_keel(hull: HullSurface, keel: Fitting) -> list[Mesh]:
    """A flat bar on edge with a round bar along it, in pieces, square to the plating along a line of one depth."""
    first, last = keel.station_m - keel.size_m[0] / 2, keel.station_m + keel.size_m[0] / 2
    first, last = max(first, float(hull.stations_m[0]) + 0.5), min(last, float(hull.stations_m[-1]) - 0.5)
    if last - first < 2 * _KEEL_TAPER_M:
        return []
    stations = np.linspace(first, last, 2 + int((last - first) / _KEEL_STEP_M))
    girths = hull.girth_to_depth(stations, np.full(len(stations), keel.depth_m), keel.side)
    sides = np.full(len(stations), side_sign(keel.side), dtype=np.int8)
    roots, outward = hull.point(sides, stations, girths), hull.normal(sides, stations, girths)
    across = np.cross(np.gradient(roots, axis=0), outward)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    ends = np.minimum(stations - first, last - stations)
    height = keel.size_m[1] * np.clip(0.15 + 0.85 * ends / _KEEL_TAPER_M, 0, 1)
    bulb = np.linspace(-0.5 * np.pi, 1.5 * np.pi, 9)[1:-1]
    profile_off = np.concatenate([[_KEEL_HALF_M, _KEEL_HALF_M], _KEEL_BULB_M * np.cos(bulb), [-_KEEL_HALF_M] * 2])
    profile_up = np.concatenate([[0.0, 1.0], 1 + 0 * bulb, [1.0, 0.0]])
    extra = np.concatenate([[-0.03, 0.0], _KEEL_BULB_M * np.sin(bulb) + _KEEL_BULB_M, [0.0, -0.03]])
    off = np.append(profile_off, profile_off[0])
    up, more = np.append(profile_up, profile_up[0]), np.append(extra, extra[0])
    sections: Array = (
        roots[:, None]
        + across[:, None] * off[None, :, None]
        + outward[:, None] * (height[:, None] * up + more)[..., None]
    )
    per_piece = max(int(_KEEL_PIECE_M / _KEEL_STEP_M), 1)
    pieces = []
    for start in range(0, len(stations) - 1, per_piece):
        pieces.append(lofted(sections[start : start + per_piece + 1]))
    return [piece for piece in pieces if len(piece.faces)]


def _underside(hull: HullSurface, station_m: float) -> float:
    """Depth of the hull over a place on the centre line; above the water where she has no plating there."""
    inside = hull.stations_m[0] <= station_m <= hull.stations_m[-1]
    return float(hull.keel_depth(np.array([station_m]))[0]) if inside else -0.3
