"""What is truly fitted to the ship, and where: running gear, bilge keels, sea chests, tunnels; and what lies inside.

Fittings come from the mission's drawings and, where those are silent, from the rules of the ship type with random
offsets: a ship is never quite as drawn. Camera, rays, contact and truth all take their places from here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot, inf

import numpy as np

from hullscan.errors import InputError
from hullscan.ship.fittings import Fitting, FittingKind, assumed_fittings, assumed_tunnels, fitting_point
from hullscan.ship.form import BulkCarrier, Coaster, ContainerShip, FishingVessel, RoRo, Tanker
from hullscan.ship.gear import Gear, gear_by_rule
from hullscan.ship.surface import HullSurface, side_sign
from hullscan_sim.scenario import Parcel, ShipAtBerth

__all__ = ["FittedShip", "Keel", "ParcelPlace", "SeaChest", "fit_out", "one_of_each_pair", "parcel_place"]

_SCREW_SHIPS = (BulkCarrier, Coaster, ContainerShip, FishingVessel, RoRo, Tanker)
"""Forms drawn without the propeller that such ships have; what a mesh or a table shows is all that there is."""

_APART_M = 1.5  # nearer than this to a stated fitting of its kind, one by rule is that one
_INSIDE_M = 1.5  # a parcel inside a sea chest is stated this near to the chest's centre
_ROOM_M = 0.03  # round a parcel in its chest
BARS_M = 0.045  # depth of a grating's bars behind the plating


@dataclass(frozen=True, slots=True, kw_only=True)
class SeaChest:
    """A box behind the plating with a grating before it.

    Attributes:
        fitting: where its opening truly is, and how large.
        girth_m: of the opening's centre.
        recess_m: from the plating to the back of the box.
        source: what it is called in the scene.
    """

    fitting: Fitting
    girth_m: float
    recess_m: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Keel:
    """A bilge keel, and what it is called in the scene."""

    fitting: Fitting
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedShip:
    """What stands out of the plating or goes through it.

    Attributes:
        gear: rudder and propeller; None where the form tells all that there is.
        blades_rad: how far the propeller has been turned.
        tunnels: mouths of thruster tunnels; a pair at one place is one tunnel.
    """

    gear: Gear | None
    blades_rad: float
    keels: tuple[Keel, ...]
    chests: tuple[SeaChest, ...]
    tunnels: tuple[Fitting, ...]

    def to_propeller_m(self, x_m: float, y_m: float, z_m: float) -> float:
        """From a place in the ship frame to the disc that the blades sweep; inf without a propeller."""
        if self.gear is None:
            return inf
        beyond = max(hypot(y_m, z_m - self.gear.shaft_depth_m) - self.gear.radius_m, 0.0)
        return hypot(beyond, x_m - self.gear.propeller_m)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelPlace:
    """Where a parcel is.

    Attributes:
        side: +1 starboard, -1 port.
        station_m, girth_m: of the point of the hull surface (or of the opening in it) over its centre.
        chest: that it is inside of, or None.
        behind_m: how far behind the plating the near end of it is, inside a chest.
        standing: on the floor of its chest, rather than tied behind the bars.
    """

    side: int
    station_m: float
    girth_m: float
    chest: SeaChest | None = None
    behind_m: float = 0.0
    standing: bool = False


def fit_out(stated: ShipAtBerth, hull: HullSurface, seed: int) -> FittedShip:
    """The ship as built; a pure function of its arguments."""
    rng = np.random.default_rng([seed, 13])
    known, form = stated.ship.fittings, stated.ship.form
    gear = tunnels = None
    blades_rad = 0.0
    keels = [
        Keel(fitting=each, source=f"fitting {index}") for index, each in enumerate(known) if each.kind == "bilge_keel"
    ]
    chests = [(each, f"fitting {index}") for index, each in enumerate(known) if each.kind == "sea_chest"]
    for index, fitting in enumerate(assumed_fittings(hull, hull.dimensions.length_m)):
        moved = _moved(fitting, rng)
        if fitting.kind == "bilge_keel" and not _known(known, "bilge_keel"):
            moved = replace(moved, depth_m=fitting.depth_m)  # it lies at the turn of the bilge, nowhere else
            keels.append(Keel(fitting=moved, source=f"unknown fitting {index}"))
        elif fitting.kind == "sea_chest" and _is_new(moved, chests):
            chests.append((moved, f"unknown fitting {index}"))
    if isinstance(form, _SCREW_SHIPS):
        gear, blades_rad = _as_built(gear_by_rule(hull), rng), float(rng.uniform(0, 2 * np.pi))
        if not _known(known, "thruster_tunnel"):
            shift = float(rng.normal() * 0.3)
            tunnels = tuple(
                replace(each, station_m=each.station_m + shift) for each in assumed_tunnels(hull)
            )  # both mouths are of one tunnel
    if tunnels is None:
        tunnels = tuple(each for each in known if each.kind == "thruster_tunnel")
    return FittedShip(
        gear=gear,
        blades_rad=blades_rad,
        keels=tuple(keels),
        chests=tuple(_chest(hull, *each) for each in chests),
        tunnels=tunnels,
    )


def parcel_place(fitted: FittedShip, hull: HullSurface, parcel: Parcel, index: int) -> ParcelPlace:
    """Where a parcel of the scenario is.

    Raises:
        InputError: there is no sea chest where it is said to be inside one, or it does not fit in.
    """
    girth = float(hull.girth_to_depth(np.array([parcel.station_m]), np.array([parcel.depth_m]), parcel.side)[0])
    if parcel.inside is None:
        return ParcelPlace(side=side_sign(parcel.side), station_m=parcel.station_m, girth_m=girth)
    where = f"parcels[{index}]"
    here = [each for each in fitted.chests if each.fitting.side == parcel.side]
    apart = [np.hypot(each.fitting.station_m - parcel.station_m, each.girth_m - girth) for each in here]
    if not here or min(apart) > _INSIDE_M:
        raise InputError(
            f"no sea chest on the {parcel.side} side within {_INSIDE_M:g} m of station {parcel.station_m:g}, "
            f"depth {parcel.depth_m:g}",
            where=where,
            todo="state the chest in the mission, or give the station and depth of one",
        )
    chest = here[int(np.argmin(apart))]
    standing = parcel.attach != "rope"
    length, width, height = parcel.size_m
    along, across = chest.fitting.size_m
    # one that stands has its width away from the plating and its height up the girth
    deep, high = (width, height) if standing else (height, width)
    free = chest.recess_m - BARS_M
    if length > along - _ROOM_M or high > across - _ROOM_M or deep > free - _ROOM_M:
        raise InputError(
            f"a parcel of {length:g} x {width:g} x {height:g} m does not fit into a sea chest of {along:g} x "
            f"{across:g} m that is {free:.2f} m deep",
            where=where,
            todo="make it smaller, or turn it by the order of size_m",
        )
    reach = (along - length) / 2 - _ROOM_M / 2, (across - high) / 2 - _ROOM_M / 2
    station = float(np.clip(parcel.station_m, chest.fitting.station_m - reach[0], chest.fitting.station_m + reach[0]))
    low, top = chest.girth_m - reach[1], chest.girth_m + reach[1]
    return ParcelPlace(
        side=side_sign(parcel.side),
        station_m=station,
        girth_m=top if standing else float(np.clip(girth, low, top)),
        chest=chest,
        behind_m=BARS_M + _ROOM_M / 3 if not standing else BARS_M + 0.3 * (free - deep),
        standing=standing,
    )


def one_of_each_pair(tunnels: tuple[Fitting, ...]) -> tuple[Fitting, ...]:
    """Tunnels by one of their mouths: those of two sides at one place are one tunnel's."""
    kept: list[Fitting] = []
    for each in tunnels:
        if all(abs(each.station_m - other.station_m) > 0.5 * each.size_m[0] for other in kept):
            kept.append(each)
    return tuple(kept)


def _known(fittings: tuple[Fitting, ...], kind: FittingKind) -> bool:
    return any(each.kind == kind for each in fittings)


def _moved(fitting: Fitting, rng: np.random.Generator) -> Fitting:
    station = fitting.station_m + float(rng.normal() * 0.6)
    return replace(fitting, station_m=station, depth_m=max(fitting.depth_m + float(rng.normal() * 0.15), 0.3))


def _is_new(fitting: Fitting, others: list[tuple[Fitting, str]]) -> bool:
    return all(
        fitting.side != other.side
        or np.hypot(fitting.station_m - other.station_m, fitting.depth_m - other.depth_m) > _APART_M
        for other, _ in others
    )


def _chest(hull: HullSurface, fitting: Fitting, source: str) -> SeaChest:
    """As deep as it is long, within what the ship's breadth has room for."""
    point, _, girth = fitting_point(hull, fitting)
    room = 0.6 * abs(float(point[1]))
    recess = min(float(np.clip(max(fitting.size_m), 0.4, 0.9)), max(room, 0.15))
    return SeaChest(fitting=fitting, girth_m=girth, recess_m=recess, source=source)


def _as_built(gear: Gear, rng: np.random.Generator) -> Gear:
    """A little farther aft or forward, a little larger or smaller than the rule has it."""
    shift, scale = float(rng.uniform(-0.15, 0.15)), float(rng.uniform(0.93, 1.0))
    radius = gear.radius_m * scale
    middle = (gear.depths_m[0] + gear.depths_m[1]) / 2
    half = (gear.depths_m[1] - gear.depths_m[0]) / 2 * scale
    return Gear(
        gear.sternpost_m,
        gear.propeller_m + shift,
        (gear.rudder_m[0] + shift, gear.rudder_m[1] + shift),
        gear.shaft_depth_m,
        radius,
        (middle - half, middle + half),
    )
