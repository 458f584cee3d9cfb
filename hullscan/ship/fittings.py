"""What is fitted to the hull below the waterline: where parcels hide, what looks like one, what marks a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le

from hullscan.geometry.frames import Array
from hullscan.ship.surface import HullSurface, Side, side_name, side_sign
from hullscan.units import Depth

__all__ = [
    "Fitting", "FittingKind", "LookedAtKind", "assumed_dock_blocks", "assumed_fittings", "assumed_tunnels",
    "fitting_point",
]  # fmt: skip

LookedAtKind = Literal["sea_chest", "bilge_keel", "anode", "outlet", "thruster_tunnel"]
"""What is looked at from beside the ship."""
FittingKind = Literal[LookedAtKind, "dock_block"]
"""A dock block is the mark that one left in the paint of the bottom: a bare or foul patch that divers know."""

# By rule where no drawing is at hand: a tunnel in the fore body of a ship long enough to carry one.
_TUNNEL_STATION, _TUNNEL_DEPTH, _TUNNEL_DIAMETER, _TUNNEL_LEAST_LENGTH_M = 0.93, 0.65, 0.011, 60.0
# Blocks stand under the keel and in rows under girders of the flat bottom, timber caps of about 1.2 m by 0.4 m laid
# athwart. Rule of thumb for the marks that stand out: fewer than blocks, since a ship is shifted between dockings.
_BLOCKS_APART_M, _BLOCK_M, _KEEL_BLOCK_M, _ROW_SHARE = (3.0, 6.0), (0.4, 1.2), 0.3, 0.25
_FACES_DOWN = 0.985  # of the normal: ten degrees


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """One fitting.

    Attributes:
        station_m: of its centre, from the aft perpendicular.
        depth_m: of its centre.
        size_m: along the ship and along the girth; of a bilge keel its length and height,
            of a thruster tunnel its diameter, twice.
        assumed: placed by rule, not known from a drawing.
        from_keel_m: of the centre from the centre line along the plating, where the depth does not tell: on the bottom.
    """

    kind: FittingKind
    side: Side
    station_m: float
    depth_m: Depth
    size_m: tuple[Annotated[float, Gt(0), Le(200)], Annotated[float, Gt(0), Le(20)]]
    assumed: bool = False
    from_keel_m: Annotated[float, Ge(0), Le(40)] | None = None


def fitting_point(hull: HullSurface, fitting: Fitting) -> tuple[Array, Array, float]:
    """Surface point (3,), outward normal (3,) and girth of a fitting's centre, ship frame."""
    side = np.array([side_sign(fitting.side)], dtype=np.int8)
    station = np.array([fitting.station_m])
    if fitting.from_keel_m is None:
        girth = hull.girth_to_depth(station, np.array([fitting.depth_m]), fitting.side)
    else:
        girth = np.maximum(hull.total_girth(station, fitting.side) - fitting.from_keel_m, 0.0)
    point, normal = hull.point(side, station, girth), hull.normal(side, station, girth)
    return point[0], normal[0], float(girth[0])


def assumed_fittings(hull: HullSurface, length_m: float) -> tuple[Fitting, ...]:
    """Fittings by rule for a ship whose drawings are not at hand, both sides.

    Two sea chests a side at the engine room, anodes in two rows (bilge and mid-depth) about 6 m apart, a bilge
    keel over the parallel midbody, overboard outlets above the sea chests. Rules of thumb, not a survey.
    """
    draught = float(hull.keel_depth(np.array([length_m / 2]))[0])
    fittings: list[Fitting] = []

    def add(kind: FittingKind, station_m: float, depth_m: float, size_m: tuple[float, float]) -> None:
        for side in ("starboard", "port"):
            fittings.append(
                Fitting(
                    kind=kind,
                    side=side,
                    station_m=round(station_m, 2),
                    depth_m=round(depth_m, 2),
                    size_m=size_m,
                    assumed=True,
                )
            )

    for share in (0.19, 0.24):
        add("sea_chest", share * length_m, 0.72 * draught, (0.9, 0.7))
    for station in np.arange(0.12 * length_m, 0.9 * length_m, 6.0):
        add("anode", float(station), 0.45 * draught, (0.5, 0.12))
        add("anode", float(station) + 3.0, 0.78 * draught, (0.5, 0.12))
    for share in (0.16, 0.21, 0.28):
        add("outlet", share * length_m, 0.18 * draught, (0.22, 0.22))
    add("bilge_keel", 0.5 * length_m, 0.93 * draught, (0.3 * length_m, 0.25))
    return tuple(fittings)


def assumed_tunnels(hull: HullSurface) -> tuple[Fitting, ...]:
    """The bow thruster's tunnel by rule, a mouth for each side; none on a ship too short to carry one."""
    last_m = float(hull.stations_m[-1])
    if last_m < _TUNNEL_LEAST_LENGTH_M:
        return ()
    station = _TUNNEL_STATION * last_m
    depth = _TUNNEL_DEPTH * float(hull.keel_depth(np.array([station]))[0])
    size = (_TUNNEL_DIAMETER * last_m, _TUNNEL_DIAMETER * last_m)
    return tuple(
        Fitting(kind="thruster_tunnel", side=side, station_m=station, depth_m=depth, size_m=size, assumed=True)
        for side in (side_name(1), side_name(-1))
    )


def assumed_dock_blocks(hull: HullSurface) -> tuple[Fitting, ...]:
    """Marks of dock blocks by rule, both sides: along the keel, and along a girder a quarter of the beam from it."""
    length, beam = hull.dimensions.length_m, hull.dimensions.beam_m
    found = []
    for from_keel, apart in zip((_KEEL_BLOCK_M, _ROW_SHARE * beam), _BLOCKS_APART_M, strict=True):
        stations = np.arange(0.1 * length, 0.9 * length, apart)
        girth = np.maximum(hull.total_girth(stations) - from_keel, 0.0)
        starboard = np.ones(len(stations), np.int8)
        flat = hull.normal(starboard, stations, girth)[:, 2] > _FACES_DOWN
        depths = hull.point(starboard, stations, girth)[:, 2]
        for station, depth in zip(stations[flat], depths[flat], strict=True):
            found += [
                Fitting(
                    kind="dock_block", side=side, station_m=float(station), depth_m=float(depth), size_m=_BLOCK_M,
                    assumed=True, from_keel_m=from_keel,
                )
                for side in (side_name(1), side_name(-1))
            ]  # fmt: skip
    return tuple(found)
