"""Named zones of the hull: every cell belongs to one, from the hull's shape and from what is fitted to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from hullscan.search.cells import HullCells
from hullscan.ship.fittings import Fitting, assumed_fittings, assumed_tunnels, fitting_point
from hullscan.ship.surface import Side, side_sign
from hullscan.words import fill, mark

__all__ = ["ZONE_KINDS", "HullZones", "Zone", "ZoneKind"]

ZoneKind = Literal[
    "side", "bilge", "flat_bottom", "keel", "bow", "stern", "rudder_trunk", "thruster_tunnel", "bilge_keel", "sea_chest"
]
ZONE_KINDS: Final[tuple[ZoneKind, ...]] = (
    "side", "bilge", "flat_bottom", "keel", "bow", "stern", "rudder_trunk", "thruster_tunnel", "bilge_keel", "sea_chest"
)  # fmt: skip

_WORDS: Final = {
    "side": mark("{side} side, {third}"),
    "bilge": mark("{side} bilge"),
    "flat_bottom": mark("flat bottom, {third}"),
    "keel": mark("keel"),
    "bow": mark("bow"),
    "stern": mark("stern and running gear"),
    "rudder_trunk": mark("rudder trunk"),
    "thruster_tunnel": mark("thruster tunnel, {side}, station {station:.0f} m"),
    "bilge_keel": mark("root of the bilge keel, {side}"),
    "sea_chest": mark("sea chest, {side}, station {station:.1f} m"),
}
_THIRDS: Final = (mark("aft third"), mark("middle third"), mark("fore third"))

_BILGE_FACES_DOWN = (float(np.sin(np.radians(20))), float(np.sin(np.radians(70))))
_ENDS = (0.06, 0.95)  # shares of the length between which the hull is side, bilge and bottom rather than an end
_KEEL_HALF_WIDTH_M = 0.5  # as far as a keel plate reaches
_ROOT_HALF_HEIGHT_M = 0.35
_REACH_M = 0.3  # round a fitting: a parcel hangs on its edge
# The aft perpendicular is the axis of the rudder stock. Half the width of the trunk, by rule of thumb.
_TRUNK_SHARE, _TRUNK_LEAST_M = 0.01, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A named part of the hull.

    Attributes:
        identity: by which a risk file names it, such as ``side_port_aft`` or ``sea_chest_2``.
        station_m: of a fitting's centre.
        third: 0 aft, 1 middle, 2 fore.
        assumed: placed by rule, not known from a drawing.
    """

    identity: str
    kind: ZoneKind
    side: Side | None = None
    station_m: float = 0.0
    third: int = 0
    assumed: bool = False

    @property
    def words(self) -> str:
        """Its name, as a message for people; ``words_data`` go into it."""
        return _WORDS[self.kind]

    @property
    def words_data(self) -> dict[str, Any]:
        """Data of ``words``; those that are words themselves are marked too."""
        return {"side": self.side or "", "third": _THIRDS[self.third], "station": self.station_m}

    @property
    def name(self) -> str:
        """Its name in English."""
        return fill(self.words, self.words_data)


@dataclass(frozen=True, slots=True)
class HullZones:
    """Zones of one hull.

    Attributes:
        zones: those that have cells.
        of_cell: (n,) index into the zones.
        area_m2: (k,) of each zone.
    """

    zones: tuple[Zone, ...]
    of_cell: npt.NDArray[np.intp]
    area_m2: npt.NDArray[np.float64]

    @classmethod
    def of_hull(cls, cells: HullCells, fittings: Iterable[Fitting] = ()) -> HullZones:
        """Name every cell; what is small comes before what it lies on.

        Args:
            fittings: known ones; sea chests and bilge keels are placed by rule where none of the kind is known.
        """
        naming = _Naming(cells)
        naming.shell()
        naming.fittings(tuple(fittings))
        used = np.unique(naming.of_cell)
        renumber = np.zeros(len(naming.zones), np.intp)
        renumber[used] = np.arange(len(used))
        of_cell = renumber[naming.of_cell]
        area = np.bincount(of_cell, cells.area_m2, len(used)).astype(np.float64)
        return cls(tuple(naming.zones[index] for index in used), of_cell, area)

    def share(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(k,) sums of (n,) cell values over each zone."""
        return np.bincount(self.of_cell, values, len(self.zones)).astype(np.float64)


class _Naming:
    """Gives cells to zones, one rule after the other; the last one wins."""

    def __init__(self, cells: HullCells) -> None:
        self.cells, self.hull = cells, cells.hull
        self.first_m, self.last_m = float(self.hull.stations_m[0]), float(self.hull.stations_m[-1])
        self.zones: list[Zone] = []
        self.of_cell = np.zeros(len(cells), np.intp)

    def give(self, zone: Zone, which: npt.NDArray[np.bool_]) -> None:
        self.of_cell[which] = len(self.zones)
        self.zones.append(zone)

    def shell(self) -> None:
        cells = self.cells
        along = (cells.station_m - self.first_m) / (self.last_m - self.first_m)
        third = np.clip((along * 3).astype(int), 0, 2)
        down = cells.normals[:, 2]
        bilge = (down > _BILGE_FACES_DOWN[0]) & (down < _BILGE_FACES_DOWN[1])
        sides: tuple[Side, Side] = ("starboard", "port")
        names = ("aft", "middle", "fore")
        for side in sides:
            here = cells.side == side_sign(side)
            for number, name in enumerate(names):
                zone = Zone(identity=f"side_{side}_{name}", kind="side", side=side, third=number)
                self.give(zone, here & (third == number))
            self.give(Zone(identity=f"bilge_{side}", kind="bilge", side=side), here & bilge)
        for number, name in enumerate(names):
            flat = (down >= _BILGE_FACES_DOWN[1]) & (third == number)
            self.give(Zone(identity=f"flat_bottom_{name}", kind="flat_bottom", third=number), flat)
        self.give(Zone(identity="bow", kind="bow"), along > _ENDS[1])
        self.give(Zone(identity="stern", kind="stern"), along < _ENDS[0])
        middle = (along >= _ENDS[0]) & (along <= _ENDS[1])
        self.give(
            Zone(identity="keel", kind="keel"), middle & (cells.total_girth_m - cells.girth_m < _KEEL_HALF_WIDTH_M)
        )
        trunk = np.abs(cells.station_m) < max(_TRUNK_SHARE * self.last_m, _TRUNK_LEAST_M)
        self.give(Zone(identity="rudder_trunk", kind="rudder_trunk", assumed=True), trunk & ~cells.across_end)

    def fittings(self, known: tuple[Fitting, ...]) -> None:
        assumed = assumed_fittings(self.hull, self.last_m)
        for kind, place in (("bilge_keel", self._bilge_keel), ("sea_chest", self._sea_chest)):
            mine = [each for each in known if each.kind == kind]
            mine = mine or [each for each in assumed if each.kind == kind]
            for number, fitting in enumerate(mine, start=1):
                place(replace(fitting), number)
        self._tunnels([each for each in known if each.kind == "thruster_tunnel"])

    def _bilge_keel(self, fitting: Fitting, number: int) -> None:
        cells = self.cells
        along = np.abs(cells.station_m - fitting.station_m) < fitting.size_m[0] / 2
        high = np.abs(cells.depth_m - fitting.depth_m) < _ROOT_HALF_HEIGHT_M
        steep = cells.normals[:, 2] < _BILGE_FACES_DOWN[1]
        zone = Zone(
            identity=f"bilge_keel_{number}",
            kind="bilge_keel",
            side=fitting.side,
            station_m=fitting.station_m,
            assumed=fitting.assumed,
        )
        self.give(zone, along & high & steep & (cells.side == side_sign(fitting.side)))

    def _sea_chest(self, fitting: Fitting, number: int) -> None:
        cells = self.cells
        _, _, girth = fitting_point(self.hull, fitting)
        along = np.abs(cells.station_m - fitting.station_m) <= fitting.size_m[0] / 2 + _REACH_M
        high = np.abs(cells.girth_m - girth) <= fitting.size_m[1] / 2 + _REACH_M
        zone = Zone(
            identity=f"sea_chest_{number}",
            kind="sea_chest",
            side=fitting.side,
            station_m=fitting.station_m,
            assumed=fitting.assumed,
        )
        self.give(zone, along & high & (cells.side == side_sign(fitting.side)))

    def _tunnels(self, known: list[Fitting]) -> None:
        places = [
            (each.side, each.station_m, each.depth_m, each.size_m[0], each.assumed)
            for each in known or assumed_tunnels(self.hull)
        ]
        for number, (side, station, depth, diameter, assumed) in enumerate(places, start=1):
            girth = self.hull.girth_to_depth(np.array([station]), np.array([depth]), side)[0]
            apart = np.hypot(self.cells.station_m - station, self.cells.girth_m - girth)
            zone = Zone(
                identity=f"thruster_tunnel_{number}",
                kind="thruster_tunnel",
                side=side,
                station_m=station,
                assumed=assumed,
            )
            self.give(zone, (apart < diameter / 2 + _REACH_M) & (self.cells.side == side_sign(side)))
