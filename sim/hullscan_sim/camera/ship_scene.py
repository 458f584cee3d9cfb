"""The scene of a scenario: the mission's ship as built, with what the scenario put on her."""

from __future__ import annotations

import numpy as np

from hullscan.ship.fittings import Fitting, assumed_fittings
from hullscan.ship.surface import HullSurface, Side, side_sign
from hullscan_sim.camera.growth import edge_growth, overgrown, weathered
from hullscan_sim.camera.objects import (
    COLOURS,
    LookAlike,
    Material,
    Solid,
    build_fitting,
    build_look_alike,
    build_parcel,
    on_hull,
)
from hullscan_sim.camera.scene import Scene
from hullscan_sim.camera.texture import COATINGS, Decal, HullTexture
from hullscan_sim.scenario import Parcel, Scenario, ShipAtBerth

__all__ = ["build_scene"]

_LOOK_ALIKES: tuple[LookAlike, ...] = ("plate", "mussels", "weed", "bolts", "disc", "bracket", "plate", "mussels")
_LOOK_ALIKE_PER_M2 = 1 / 30
_CLEAR_M = 1.0  # nothing else is placed within this of a parcel or a stated fitting


def build_scene(scenario: Scenario, stated: ShipAtBerth, hull: HullSurface) -> tuple[Scene, HullTexture]:
    """Everything that the camera sees on this ship; a pure function of its arguments.

    Parcels come from the scenario, fittings from the mission's drawings and, where those are silent, from the
    rule for the ship type with random offsets: a ship is never quite as drawn.
    """
    rng = np.random.default_rng([scenario.seed, 11])
    coat = COATINGS[scenario.surface.coating]
    fouled = 0.6 * scenario.surface.fouling
    solids: list[Solid] = []
    taken: list[tuple[int, float, float]] = []
    for index, parcel in enumerate(scenario.parcels):
        side, girth = _place(hull, parcel.side, parcel.station_m, parcel.depth_m)
        taken.append((side, parcel.station_m, girth))
        where = on_hull(hull, side, parcel.station_m, girth, float(np.radians(parcel.turn_deg)))
        body = _body(parcel, coat, fouled, rng)
        built = build_parcel(parcel.kind, parcel.size_m, parcel.attach, body, *where, rng, f"parcel {index}")
        own = np.random.default_rng([scenario.seed, 12, index])
        if parcel.aged > 0:
            built = [weathered(solid, 0.8 * parcel.aged, own) for solid in built]
        solids += built
        solids += overgrown(built[0], max(0.5 * body.fouled, 0.8 * parcel.aged), own)
    for index, fitting in enumerate(stated.ship.fittings):
        side, girth = _place(hull, fitting.side, fitting.station_m, fitting.depth_m)
        taken.append((side, fitting.station_m, girth))
        solids.append(_fitted(hull, fitting, coat, fouled, rng, f"fitting {index}"))
    for index, fitting in enumerate(assumed_fittings(hull, hull.dimensions.length_m)):
        moved = _moved(fitting, rng)
        side, girth = _place(hull, moved.side, moved.station_m, moved.depth_m)
        if _is_clear(side, moved.station_m, girth, taken):
            solids.append(_fitted(hull, moved, coat, fouled, rng, f"unknown fitting {index}"))
    solids += _look_alikes(hull, coat, taken, rng)
    ends = (float(hull.stations_m[0]), float(hull.stations_m[-1]))
    solids += edge_growth(hull, scenario.surface.fouling, ends, np.random.default_rng([scenario.seed, 13]))
    waterline = float(hull.total_girth(np.array([hull.dimensions.length_m / 2]))[0])
    texture = HullTexture(scenario.surface, scenario.seed, waterline, tuple(_draught_marks(hull)))
    quay = stated.berth.quay_side
    quay_y = None if quay is None else side_sign(quay) * (hull.dimensions.beam_m / 2 + stated.berth.quay_gap_m)
    bed_m = stated.berth.water_depth_m + scenario.water.tide_m - scenario.ship_error.down_m  # ship frame
    return Scene(hull, solids, sea_bed_depth_m=bed_m, quay_y_m=quay_y), texture


def _place(hull: HullSurface, side: Side, station_m: float, depth_m: float) -> tuple[int, float]:
    girth = hull.girth_to_depth(np.array([station_m]), np.array([depth_m]), side)
    return (1 if side == "starboard" else -1), float(girth[0])


def _body(parcel: Parcel, coat: tuple[float, float, float], fouled: float, rng: np.random.Generator) -> Material:
    if parcel.colour == "hull":
        colour = coat
    else:
        colour = COLOURS[parcel.colour or str(rng.choice(["black", "grey", "white", "green", "blue", "brown"]))]
    return Material(
        colour, shine=float(rng.uniform(0.1, 0.6)), mottle=float(rng.uniform(0.2, 0.5)), fouled=0.3 * fouled
    )


def _fitted(
    hull: HullSurface,
    fitting: Fitting,
    coat: tuple[float, float, float],
    fouled: float,
    rng: np.random.Generator,
    name: str,
) -> Solid:
    side, girth = _place(hull, fitting.side, fitting.station_m, fitting.depth_m)
    where = on_hull(hull, side, fitting.station_m, girth)
    return build_fitting(fitting.kind, fitting.size_m, coat, fouled, *where, rng, name)


def _moved(fitting: Fitting, rng: np.random.Generator) -> Fitting:
    station = fitting.station_m + float(rng.normal() * 0.6)
    depth = max(fitting.depth_m + float(rng.normal() * 0.15), 0.3)
    return Fitting(kind=fitting.kind, side=fitting.side, station_m=station, depth_m=depth, size_m=fitting.size_m)


def _is_clear(side: int, station_m: float, girth_m: float, taken: list[tuple[int, float, float]]) -> bool:
    return all(
        side != other or (station_m - station) ** 2 + (girth_m - girth) ** 2 > _CLEAR_M**2
        for other, station, girth in taken
    )


def _look_alikes(
    hull: HullSurface, coat: tuple[float, float, float], taken: list[tuple[int, float, float]], rng: np.random.Generator
) -> list[Solid]:
    solids = []
    for _ in range(round(hull.wetted_area_m2 * _LOOK_ALIKE_PER_M2)):
        side = int(rng.choice([-1, 1]))
        station = float(rng.uniform(hull.stations_m[0] + 2, hull.stations_m[-1] - 2))
        girth = float(rng.uniform(0.2, 0.98)) * float(hull.total_girth(np.array([station]))[0])
        kind = _LOOK_ALIKES[int(rng.integers(len(_LOOK_ALIKES)))]
        turn = float(rng.uniform(0, 2 * np.pi))
        if _is_clear(side, station, girth, taken):
            solids.append(build_look_alike(kind, coat, *on_hull(hull, side, station, girth, turn), rng))
    return solids


def _draught_marks(hull: HullSurface) -> list[Decal]:
    """Numerals 0.1 m high every 0.2 m at bow, midship and stern, both sides."""
    length = hull.dimensions.length_m
    mean = hull.dimensions.draught_m
    white = (0.42, 0.45, 0.45)
    marks = []
    for station in (0.06 * length, 0.5 * length, 0.93 * length):
        total = float(hull.total_girth(np.array([station]))[0])
        for height in np.arange(0.4, mean + 0.6, 0.2):
            girth = float(hull.girth_to_depth(np.array([station]), np.array([max(mean - height, 0.0)]))[0])
            if mean - height < 0.05:
                continue
            text = f"{int(height)}M" if abs(height - round(height)) < 0.05 else str(round(height * 10) % 10)
            for side in (-1, 1):
                marks.append(Decal("text", station, side * (total - girth), 0.075 * len(text), 0.1, white, text))
    return marks
