"""A place on a ship with what stands there: plating, an edge of her, a sea chest, a tunnel, the running gear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.ship.fittings import Fitting
from hullscan.ship.form import BulkCarrier
from hullscan.ship.gear import gear_by_rule
from hullscan.ship.surface import HullSurface, side_name
from hullscan_sim.camera.fittings import (
    build_anode,
    build_gear,
    build_keel,
    build_outlet,
    build_sea_chest,
    build_tunnel,
)
from hullscan_sim.camera.growth import edge_growth, overgrown, weathered
from hullscan_sim.camera.look_alikes import LookAlike, build_look_alike
from hullscan_sim.camera.objects import Colour, Solid, build_parcel, on_hull
from hullscan_sim.camera.scene import Scene
from hullscan_sim.camera.texture import COATINGS, Decal, HullTexture
from hullscan_sim.dataset.parcels import RandomParcel, random_parcel
from hullscan_sim.fitted import BARS_M
from hullscan_sim.scenario import Surface

__all__ = ["Place", "View", "random_place"]

View = Literal["plating", "edge", "chest", "gear", "tunnel"]
_LOOK_ALIKES: tuple[LookAlike, ...] = (
    "plate", "plate", "disc", "disc", "mussels", "weed", "rope", "bolts", "rail", "bracket", "fish", "net", "tag",
    "tag",
)  # fmt: skip
_AGES = ("plate", "disc", "bracket", "rail", "tag")
_WINDOW_M = 16.0  # of hull on either side
_TUNNEL_LEAST_LENGTH_M = 60.0
_CLEAR_OF_BARS_M = 0.02


@dataclass(frozen=True, slots=True)
class Place:
    """Where frames are taken.

    Attributes:
        side, station_m, girth_m: of its middle, hull coordinates.
        parcels: numbers of its parcels in the scene.
        look_alikes: numbers of what is easily taken for one.
        aims: points with outward normals to look at, where the middle is not what matters.
    """

    scene: Scene
    texture: HullTexture
    hull: HullSurface
    view: View
    side: int
    station_m: float
    girth_m: float
    parcels: tuple[int, ...]
    look_alikes: tuple[int, ...] = ()
    aims: tuple[tuple[Array, Array], ...] = ()


def random_place(
    rng: np.random.Generator,
    hull: HullSurface,
    form: BulkCarrier,
    surface: Surface,
    with_parcel: bool,
    view: View,
    seed: int,
) -> Place:
    """A place with fittings, look-alikes and, if asked for, parcels."""
    return _Placing(rng, hull, form, surface, view).place(with_parcel, seed)


class _Placing:
    """Puts things on one place of the hull, none on another."""

    def __init__(
        self, rng: np.random.Generator, hull: HullSurface, form: BulkCarrier, surface: Surface, view: View
    ) -> None:
        # growth and wear differ from place to place on one ship
        surface = replace(
            surface,
            fouling=float(np.clip(surface.fouling * rng.uniform(0.5, 1.6), 0, 1)),
            age=float(np.clip(surface.age * rng.uniform(0.6, 1.4), 0, 1)),
        )
        self.rng, self.hull, self.form, self.surface = rng, hull, form, surface
        self.view: View = "edge" if view == "tunnel" and form.length_m < _TUNNEL_LEAST_LENGTH_M else view
        self.coat, self.fouled = COATINGS[surface.coating], 0.7 * surface.fouling
        self.side = int(rng.choice([-1, 1]))
        self.station, share = self._middle()
        self.total = float(hull.total_girth(np.array([self.station]))[0])
        self.girth = share * self.total
        self.solids: list[Solid] = []
        self.parcels: list[int] = []
        self.look_alikes: list[int] = []
        self.aims: list[tuple[Array, Array]] = []
        self.taken: list[tuple[float, float, float]] = []

    def _middle(self) -> tuple[float, float]:
        """Station, and girth as a share of the section's."""
        rng, length = self.rng, self.form.length_m
        if self.view == "edge":  # bow, stern, keel line, waterline: where plating ends
            station = rng.choice([rng.uniform(0.02, 0.12), rng.uniform(0.9, 0.995), rng.uniform(0.1, 0.9)]) * length
            return float(station), float(
                rng.choice([rng.uniform(0, 0.12), rng.uniform(0.3, 0.6), rng.uniform(0.85, 1.0)])
            )
        if self.view == "gear":
            gear = gear_by_rule(self.hull)
            return float(max(gear.sternpost_m, self.hull.stations_m[0] + 1.5)), float(rng.uniform(0.1, 0.5))
        if self.view == "tunnel":
            return float(rng.uniform(0.90, 0.95)) * length, float(rng.uniform(0.45, 0.6))
        if self.view == "chest":
            return float(rng.uniform(0.15, 0.75)) * length, float(rng.uniform(0.2, 0.6))
        return float(rng.uniform(0.08, 0.92)) * length, float(rng.uniform(0.05, 0.97))

    def place(self, with_parcel: bool, seed: int) -> Place:
        rng = self.rng
        special = {"chest": self._chest, "gear": self._gear, "tunnel": self._tunnel}.get(self.view)
        if special is not None:
            special(with_parcel)
        if with_parcel and not self.parcels:
            for index in range(int(rng.choice([1, 2, 3], p=[0.66, 0.24, 0.10]))):
                spread = 0.15 if index == 0 else 0.9
                self._parcel_on_plating(partial(self._spot, spread=spread))
        for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.3, 0.3, 0.25, 0.15]))):
            self._fitting()
        for _ in range(int(rng.choice([0, 1, 2, 3, 4], p=[0.15, 0.25, 0.3, 0.2, 0.1]))):
            spot = self._spot(0.2, 1.0)
            if spot is not None:
                self._look_alike(spot)
        decals = [self._decal() for _ in range(int(rng.choice([0, 1, 2], p=[0.55, 0.3, 0.15])))]
        ends = (
            max(self.station - 3.0, float(self.hull.stations_m[0])),
            min(self.station + 3.0, float(self.hull.stations_m[-1])),
        )
        if ends[1] > ends[0] + 1.0:
            own = np.random.default_rng(int(self.rng.integers(1 << 30)))
            self.solids += edge_growth(self.hull, self.surface.fouling, ends, own)
        keel = float(self.hull.keel_depth(self.hull.stations_m).max() if self.view == "gear" else self._keel_m())
        scene = Scene(
            self.hull,
            self.solids,
            sea_bed_depth_m=keel + float(rng.uniform(0.8, 12)),
            quay_y_m=self.side * (self.form.beam_m / 2 + float(rng.uniform(2.5, 6))) if rng.random() < 0.15 else None,
            stations_m=(self.station - _WINDOW_M, self.station + _WINDOW_M),
        )
        texture = HullTexture(self.surface, seed, self.total, tuple(decals))
        return Place(
            scene,
            texture,
            self.hull,
            self.view,
            self.side,
            self.station,
            self.girth,
            tuple(self.parcels),
            tuple(self.look_alikes),
            tuple(self.aims),
        )

    def _keel_m(self) -> float:
        return float(self.hull.keel_depth(np.array([self.station]))[0])

    def _spot(self, reach: float, spread: float) -> tuple[float, float] | None:
        """A free place near the middle for something that needs so much room round it: station, girth."""
        rng = self.rng
        for _ in range(12):
            station = self.station + rng.normal() * spread
            girth = float(np.clip(self.girth + rng.normal() * spread * 0.7, 0.1, self.total - 0.05))
            station = float(np.clip(station, self.hull.stations_m[0] + 0.5, self.hull.stations_m[-1] - 0.5))
            if all((station - a) ** 2 + (girth - b) ** 2 > (reach + c) ** 2 for a, b, c in self.taken):
                self.taken.append((station, girth, reach))
                return station, girth
        return None

    # ---------------------------------------------------------------- parcels

    def _add_parcel(self, parcel: RandomParcel, point: Array, frame: Array, *, behind: bool = False) -> None:
        self.parcels.append(len(self.solids) + 1)
        built = self._aged(build_parcel(parcel.kind, parcel.size_m, parcel.attach, parcel.body, point, frame, self.rng))
        self.solids += [replace(each, behind=behind) for each in built]

    def _look_alike(self, spot: tuple[float, float]) -> None:
        kind, spin = _LOOK_ALIKES[int(self.rng.integers(len(_LOOK_ALIKES)))], float(self.rng.uniform(0, 2 * np.pi))
        built = [build_look_alike(kind, self.coat, *on_hull(self.hull, self.side, *spot, spin), self.rng)]
        self.look_alikes.append(len(self.solids) + 1)
        # what has grown on a thing must not tell that it is a parcel
        self.solids += self._aged(built) if kind in _AGES else built

    def _aged(self, built: list[Solid]) -> list[Solid]:
        """Half of all things as they were put there, half after weeks in the water: the outline no longer their own."""
        if self.rng.random() >= 0.5:
            return built
        amount = float(self.rng.uniform(0, 0.9) ** 1.5)
        own = np.random.default_rng(int(self.rng.integers(1 << 30)))  # what grows changes nothing else
        built = [weathered(solid, amount, own) for solid in built]
        return built + overgrown(built[0], amount, own)

    def _parcel_on_plating(self, spot: Callable[[float], tuple[float, float] | None]) -> None:
        parcel = random_parcel(self.rng, self.coat, self.fouled)
        found = spot(parcel.size_m[0] * 0.55)
        if found is not None:
            rng = self.rng
            along = rng.normal() * 0.2 + rng.choice([0, np.pi / 2])
            turn = float(along) if rng.random() < 0.6 else float(rng.uniform(0, 2 * np.pi))
            self._add_parcel(parcel, *on_hull(self.hull, self.side, *found, turn))

    def _behind_bars(self, station: float, girth: float, room_m: tuple[float, float, float], floor_m: float) -> None:
        """A parcel behind a grating: tied to the bars, or standing on the floor.

        Args:
            room_m: along the ship, along the girth, in from the plating.
            floor_m: from the middle of the opening down to the floor.
        """
        rng = self.rng
        standing = bool(rng.random() < 0.5)
        free = room_m[2] - BARS_M - 2 * _CLEAR_OF_BARS_M
        deep_high = (free, room_m[1]) if standing else (room_m[1], free)
        parcel = random_parcel(rng, self.coat, self.fouled).fitted_into((room_m[0], *deep_high))
        if not standing:
            parcel = replace(parcel, attach="rope")
        length, width, height = parcel.size_m
        slack = max(0.45 * (room_m[0] - length), 0.0)
        point, frame = on_hull(self.hull, self.side, station + float(rng.uniform(-slack, slack)), girth)
        along, down, off = frame.T
        if standing:
            back = BARS_M + _CLEAR_OF_BARS_M + float(rng.uniform(0, max(free - width, 0.0)))
            self._add_parcel(
                parcel, point + down * floor_m - off * (back + width / 2), np.stack([along, off, -down], 1), behind=True
            )
        else:
            self._add_parcel(parcel, point - off * (BARS_M + _CLEAR_OF_BARS_M + height), frame, behind=True)

    # ---------------------------------------------------------------- what the place is about

    def _chest(self, with_parcel: bool) -> None:
        rng = self.rng
        size = float(rng.uniform(0.5, 1.3)), float(rng.uniform(0.4, 1.0))
        room = 0.6 * abs(float(on_hull(self.hull, self.side, self.station, self.girth)[0][1]))
        recess = min(float(rng.uniform(0.35, 0.9)), max(room, 0.15))
        if with_parcel and recess > 0.3 and rng.random() < 0.75:
            self._behind_bars(self.station, self.girth, (*size, recess), size[1] / 2)
        where = (self.hull, self.side, self.station, self.girth)
        self.solids += build_sea_chest(*where, size, recess, self.coat, self.fouled, rng, "sea_chest")
        self.taken.append((self.station, self.girth, max(size) / 2 + 0.1))

    def _tunnel(self, with_parcel: bool) -> None:
        rng = self.rng
        side = side_name(self.side)
        depth = float(np.clip(0.65 * self._keel_m() + rng.normal() * 0.2, 1.0, None))
        self.girth = float(self.hull.girth_to_depth(np.array([self.station]), np.array([depth]), side)[0])
        diameter = float(np.clip(0.011 * self.form.length_m * rng.uniform(0.8, 1.2), 0.6, 2.2))
        if with_parcel and rng.random() < 0.5:
            self._behind_bars(self.station, self.girth, (0.6 * diameter, 0.5 * diameter, 0.8), 0.3 * diameter)
        tunnel = Fitting(
            kind="thruster_tunnel", side=side, station_m=self.station, depth_m=depth, size_m=(diameter, diameter)
        )
        self.solids += build_tunnel(self.hull, tunnel, self.coat, self.fouled, rng, "tunnel")
        self.taken.append((self.station, self.girth, diameter / 2 + 0.1))

    def _gear(self, with_parcel: bool) -> None:
        """Rudder and propeller; a parcel on the rudder, or on the plating above them."""
        rng, gear = self.rng, gear_by_rule(self.hull)
        aft, fore = gear.rudder_m
        head, heel = gear.depths_m
        out = np.array([0.0, float(self.side), 0.0])
        disc = float(rng.uniform(0.2, 0.9)) * gear.radius_m * np.array([0, np.sin(5 * aft), np.cos(5 * aft)])
        aims = [
            (np.array([rng.uniform(aft, fore), 0.08 * (fore - aft) * self.side, rng.uniform(head, heel)]), out),
            (np.array([fore, 0.0, rng.uniform(head, heel)]), out),
            (np.array([gear.propeller_m, 0, gear.shaft_depth_m]) + disc, out - [rng.uniform(0, 0.8), 0, 0]),
            (np.array([aft, 0.0, rng.uniform(head, heel)]), out),
        ]
        if with_parcel and rng.random() < 0.6:
            parcel = random_parcel(rng, self.coat, self.fouled).fitted_into(
                (0.8 * (fore - aft), 0.6 * (heel - head), 9)
            )
            at = np.array(
                [
                    fore - 0.35 * (fore - aft),
                    0.082 * (fore - aft) * self.side,
                    rng.uniform(0.75 * head + 0.25 * heel, heel - 0.5),
                ]
            )
            frame = np.stack([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], out], axis=1)
            self._add_parcel(parcel, at, frame)
        self.solids += build_gear(self.hull, gear, float(rng.uniform(0, 2 * np.pi)), self.coat, self.fouled, rng)
        self.aims = [aims[int(rng.integers(len(aims)))]]

    # ---------------------------------------------------------------- what else stands there

    def _fitting(self) -> None:
        rng = self.rng
        kind = str(rng.choice(["anode", "anode", "anode", "sea_chest", "outlet", "bilge_keel"]))
        size = {
            "anode": (float(rng.uniform(0.25, 0.8)), float(rng.uniform(0.08, 0.2))),
            "sea_chest": (float(rng.uniform(0.4, 1.4)), float(rng.uniform(0.3, 1.0))),
            "outlet": (float(rng.uniform(0.1, 0.5)),) * 2,
            "bilge_keel": (float(rng.uniform(2, 6)), float(rng.uniform(0.15, 0.4))),
        }[kind]
        spot = self._spot(max(size) / 2 if kind != "bilge_keel" else 0.15, 1.0)
        if spot is None:
            return
        where = (self.hull, self.side, *spot)
        if kind == "anode":
            turn = float(rng.choice([0.0, np.pi / 2])) if rng.random() < 0.2 else 0.0
            self.solids.append(build_anode(*where, size, self.fouled, rng, kind, turn))
        elif kind == "outlet":
            self.solids.append(build_outlet(*where, size[0], self.coat, self.fouled, rng, kind))
        elif kind == "sea_chest":
            room = 0.6 * abs(float(on_hull(*where)[0][1]))
            recess = min(max(size), max(room, 0.15))
            self.solids += build_sea_chest(*where, size, recess, self.coat, self.fouled, rng, kind)
        else:
            depth = float(on_hull(*where)[0][2])
            keel = Fitting(
                kind="bilge_keel", side=side_name(self.side), station_m=spot[0], depth_m=max(depth, 0.1), size_m=size
            )
            self.solids += build_keel(self.hull, keel, self.coat, self.fouled, rng, kind)

    def _decal(self) -> Decal:
        rng = self.rng
        u = self.station + float(rng.normal() * 0.8)
        v = self.side * max(self.total - self.girth + float(rng.normal() * 0.6), 0.2)
        b, g, r = (float(part) for part in np.array([0.5, 0.55, 0.55]) * rng.uniform(0.4, 1.1))
        white: Colour = (b, g, r)
        roll = rng.random()
        if roll < 0.45:
            text = str(rng.choice(["1M", "2M", "4", "6", "8", "5M", "84", "62", "ICCP", "BT", "III"]))
            size = float(rng.uniform(0.1, 0.3))
            return Decal("text", u, v, size * 0.75 * len(text), size, white, text)
        coat = COATINGS[str(rng.choice(list(COATINGS)))]
        if roll < 0.8:  # dock block mark or a repair in another coat
            return Decal("paint", u, v, float(rng.uniform(0.3, 1.6)), float(rng.uniform(0.2, 1.2)), coat)
        dark: Colour = (0.006, 0.006, 0.006)
        return Decal("hole", u, v, float(rng.uniform(0.05, 0.5)), float(rng.uniform(0.05, 0.5)), dark)
