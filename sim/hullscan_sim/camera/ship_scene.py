"""The scene of a scenario: the mission's ship as built, with what the scenario put on her."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hullscan.ship.fittings import Fitting, assumed_dock_blocks, assumed_fittings, fitting_point
from hullscan.ship.marks import DraughtMark
from hullscan.ship.surface import HullSurface, Side, side_sign
from hullscan_sim.camera.fittings import (
    build_anode,
    build_gear,
    build_keel,
    build_outlet,
    build_sea_chest,
    build_tunnel,
)
from hullscan_sim.camera.growth import edge_growth, overgrown, weathered
from hullscan_sim.camera.hidden import hidden_share
from hullscan_sim.camera.look_alikes import LookAlike, build_look_alike
from hullscan_sim.camera.objects import COLOURS, Colour, Material, Solid, build_parcel, on_hull, scaled
from hullscan_sim.camera.scene import SIDES, Scene
from hullscan_sim.camera.texture import COATINGS, Decal, HullTexture
from hullscan_sim.fitted import FittedShip, ParcelPlace, fit_out, one_of_each_pair, parcel_place
from hullscan_sim.scenario import Parcel, Scenario, ShipAtBerth

__all__ = ["build_scene", "dock_block_marks", "draught_marks", "hidden_shares"]

_LOOK_ALIKES: tuple[LookAlike, ...] = ("plate", "mussels", "weed", "bolts", "disc", "bracket", "plate", "mussels")
_LOOK_ALIKE_PER_M2 = 1 / 30
_LOOKED_AT_FROM_M = 1.5  # usual stand-off of a survey
_OLDER_COAT = 0.55  # of the reflectance of the last coat
_CLEAR_M = 1.0  # nothing else is placed within this of a parcel or a stated fitting


def build_scene(scenario: Scenario, stated: ShipAtBerth, hull: HullSurface) -> tuple[Scene, HullTexture]:
    """Everything that the camera sees on this ship; a pure function of its arguments."""
    rng = np.random.default_rng([scenario.seed, 11])
    coat = COATINGS[scenario.surface.coating]
    solids, taken = _things(scenario, stated, hull, rng)
    solids += _look_alikes(hull, coat, taken, rng)
    ends = (float(hull.stations_m[0]), float(hull.stations_m[-1]))
    solids += edge_growth(hull, scenario.surface.fouling, ends, np.random.default_rng([scenario.seed, 13]))
    waterline = float(hull.total_girth(np.array([hull.dimensions.length_m / 2]))[0])
    marks = draught_marks(hull, stated.ship.draught_marks) + dock_block_marks(hull, stated.ship.fittings, coat)
    texture = HullTexture(scenario.surface, scenario.seed, waterline, marks)
    return _around(scenario, stated, hull, solids), texture


def hidden_shares(scenario: Scenario, stated: ShipAtBerth, hull: HullSurface) -> list[float]:
    """Of each parcel, how much of it the ship and her fittings hide from who looks at it from straight ahead."""
    solids, _ = _things(scenario, stated, hull, np.random.default_rng([scenario.seed, 11]))
    scene = _around(scenario, stated, hull, solids)
    fitted = fit_out(stated, hull, scenario.seed)
    shares = []
    for index, parcel in enumerate(scenario.parcels):
        place = parcel_place(fitted, hull, parcel, index)
        point, frame = on_hull(hull, place.side, place.station_m, place.girth_m)
        number = next(n for n, each in enumerate(solids, start=1) if each.source == f"parcel {index}")
        shares.append(round(hidden_share(scene, number, point + _LOOKED_AT_FROM_M * frame[:, 2]), 3))
    return shares


def _around(scenario: Scenario, stated: ShipAtBerth, hull: HullSurface, solids: list[Solid]) -> Scene:
    """The scene at the ship's berth."""
    quay = stated.berth.quay_side
    quay_y = None if quay is None else side_sign(quay) * (hull.dimensions.beam_m / 2 + stated.berth.quay_gap_m)
    bed_m = stated.berth.water_depth_m + scenario.water.tide_m - scenario.ship_error.down_m  # ship frame
    return Scene(hull, solids, sea_bed_depth_m=bed_m, quay_y_m=quay_y)


def _things(
    scenario: Scenario, stated: ShipAtBerth, hull: HullSurface, rng: np.random.Generator
) -> tuple[list[Solid], list[tuple[int, float, float]]]:
    """Parcels and fittings, and places (side, station, girth) near which nothing else is put.

    Parcels come from the scenario, fittings from the mission's drawings and, where those are silent, from the
    rule for the ship type with random offsets: a ship is never quite as drawn.
    """
    coat = COATINGS[scenario.surface.coating]
    fouled = 0.6 * scenario.surface.fouling
    fitted = fit_out(stated, hull, scenario.seed)
    solids: list[Solid] = []
    taken: list[tuple[int, float, float]] = []
    for index, parcel in enumerate(scenario.parcels):
        place = parcel_place(fitted, hull, parcel, index)
        if place.chest is None:
            taken.append((place.side, place.station_m, place.girth_m))
        body = _body(parcel, coat, fouled, rng)
        built = _parcel(hull, parcel, place, body, rng, f"parcel {index}")
        worn = np.random.default_rng([scenario.seed, 12, index])
        if parcel.aged > 0:
            built = [weathered(solid, 0.8 * parcel.aged, worn) for solid in built]
        solids += built
        if place.chest is None:
            solids += overgrown(built[0], max(0.5 * body.fouled, 0.8 * parcel.aged), worn)
    for index, fitting in enumerate(stated.ship.fittings):
        if fitting.kind == "dock_block":  # paint, not a thing
            continue
        side, girth = _place(hull, fitting.side, fitting.station_m, fitting.depth_m)
        taken.append((side, fitting.station_m, girth))
        solids += _fitted(hull, fitting, fitted, coat, fouled, rng, f"fitting {index}")
    for index, fitting in enumerate(assumed_fittings(hull, hull.dimensions.length_m)):
        name, moved = f"unknown fitting {index}", _moved(fitting, rng)
        side, girth = _place(hull, moved.side, moved.station_m, moved.depth_m)
        chest = next((each.fitting for each in fitted.chests if each.source == name), None)
        # chests and keels are where rays and contact find them too
        if fitting.kind in ("sea_chest", "bilge_keel") or _is_clear(side, moved.station_m, girth, taken):
            solids += _fitted(hull, chest or moved, fitted, coat, fouled, rng, name)
    # what follows has a sequence of its own: it leaves the rest of the ship as it is
    own = np.random.default_rng([scenario.seed, 17])
    for index, tunnel in enumerate(one_of_each_pair(fitted.tunnels)):
        solids += build_tunnel(hull, tunnel, coat, fouled, own, f"tunnel {index}")
    if fitted.gear is not None:
        solids += build_gear(hull, fitted.gear, fitted.blades_rad, coat, fouled, own)
    return solids, taken


def _parcel(
    hull: HullSurface, parcel: Parcel, place: ParcelPlace, body: Material, rng: np.random.Generator, name: str
) -> list[Solid]:
    """On the plating; or inside a sea chest, tied behind the bars or standing on the floor of the box."""
    turn = float(np.radians(parcel.turn_deg)) if place.chest is None else 0.0
    point, frame = on_hull(hull, place.side, place.station_m, place.girth_m, turn)
    _, width, height = parcel.size_m
    if place.standing:
        along, down, off = frame.T
        point = point + down * height / 2 - off * (place.behind_m + width / 2)
        frame = np.stack([along, off, -down], axis=1)
    elif place.chest is not None:
        point = point - frame[:, 2] * (place.behind_m + height)
    solids = build_parcel(parcel.kind, parcel.size_m, parcel.attach, body, point, frame, rng, name)
    return [replace(each, behind=True) for each in solids] if place.chest is not None else solids


def _place(hull: HullSurface, side: Side, station_m: float, depth_m: float) -> tuple[int, float]:
    girth = hull.girth_to_depth(np.array([station_m]), np.array([depth_m]), side)
    return (1 if side == "starboard" else -1), float(girth[0])


def _body(parcel: Parcel, coat: Colour, fouled: float, rng: np.random.Generator) -> Material:
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
    fitted: FittedShip,
    coat: Colour,
    fouled: float,
    rng: np.random.Generator,
    name: str,
) -> list[Solid]:
    """A fitting of the shell: what goes through the ship, or stands behind her, is built apart from these."""
    side, girth = _place(hull, fitting.side, fitting.station_m, fitting.depth_m)
    where = (hull, side, fitting.station_m, girth)
    if fitting.kind == "sea_chest":
        chest = next((each for each in fitted.chests if each.source == name), None)
        if chest is None:  # by rule, where one is stated: that is the one
            return []
        return build_sea_chest(*where, fitting.size_m, chest.recess_m, coat, fouled, rng, name)
    if fitting.kind == "anode":
        return [build_anode(*where, fitting.size_m, fouled, rng, name)]
    if fitting.kind == "outlet":
        return [build_outlet(*where, max(fitting.size_m), coat, fouled, rng, name)]
    keel = next((each.fitting for each in fitted.keels if each.source == name), None)
    return [] if keel is None else build_keel(hull, keel, coat, fouled, rng, name)


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
    hull: HullSurface, coat: Colour, taken: list[tuple[int, float, float]], rng: np.random.Generator
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


def dock_block_marks(hull: HullSurface, stated: Sequence[Fitting], coat: Colour) -> tuple[Decal, ...]:
    """Where blocks stood when she was last painted: the coat of the docking before, by rule where none are stated."""
    blocks = [each for each in stated if each.kind == "dock_block"] or assumed_dock_blocks(hull)
    older, marks = scaled(coat, _OLDER_COAT), []
    for each in blocks:
        total = float(hull.total_girth(np.array([each.station_m]), each.side)[0])
        place = side_sign(each.side) * (total - fitting_point(hull, each)[2])
        marks.append(Decal("paint", each.station_m, place, *each.size_m, older))
    return tuple(marks)


def draught_marks(hull: HullSurface, stated: tuple[DraughtMark, ...] = ()) -> tuple[Decal, ...]:
    """Numerals 0.1 m high each 0.2 m of height above the keel, as far as they are painted under water.

    Args:
        stated: columns of the drawings; without any, by rule at bow, midship and stern on both sides.
    """
    length = hull.dimensions.length_m
    columns = [(each.side, each.station_m) for each in stated]
    columns = columns or [(side, share * length) for share in (0.06, 0.5, 0.93) for side in SIDES]
    white = (0.42, 0.45, 0.45)
    marks = []
    for side, station in columns:
        at = np.array([station])
        total = float(hull.total_girth(at, side)[0])
        draught = float(hull.dimensions.draught_at(at)[0])
        for height in np.arange(0.4, draught - 0.05, 0.2):
            girth = float(hull.girth_to_depth(at, np.array([draught - height - 0.05]), side)[0])  # feet on the height
            text = f"{int(height + 0.05)}M" if abs(height - round(height)) < 0.05 else str(round(height * 10) % 10)
            place = side_sign(side) * (total - girth)
            marks.append(Decal("text", station, place, 0.075 * len(text), 0.1, white, text))
    return tuple(marks)
