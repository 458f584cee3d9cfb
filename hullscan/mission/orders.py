"""What a mission may ask for under ``survey:``: the search patterns, named as the field names them.

Each entry is one class; the key ``pattern`` says which. What all of them share stands in ``Order``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, Gt, Le, Len

from hullscan.documents import OneOf
from hullscan.ship.fittings import LookedAtKind
from hullscan.ship.surface import Side
from hullscan.units import Depth

__all__ = [
    "BilgeKeel",
    "Bow",
    "FlatBottom",
    "KeelLine",
    "Landmarks",
    "LockOut",
    "Longitudinal",
    "Order",
    "RunningGear",
    "SeaChest",
    "SpotCheck",
    "Stern",
    "SurveyOrder",
    "Transverse",
    "sides_of",
]

Stations: TypeAlias = tuple[float, float]
BOTH: tuple[Side, Side] = ("starboard", "port")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What every pattern may say.

    Attributes:
        overlap: share of a lane's picture that the next lane sees again.
        stand_off_m: from camera to hull; that from which most is found in the window when not given (``ordered``).
        speed_mps: along the lanes; the profile's survey speed when not given.
    """

    overlap: Annotated[float, Ge(0), Le(0.8)] = 0.25
    stand_off_m: Annotated[float, Ge(0.5), Le(5)] | None = None
    speed_mps: Annotated[float, Ge(0.05), Le(0.5)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Longitudinal(Order):
    """Lanes along the ship at constant depth, on one side.

    Attributes:
        stations_m: from and to, from the aft perpendicular; the whole side when not given.
        depths_m: from and to; the side down to the turn of the bilge when not given.
    """

    pattern: Literal["longitudinal"]
    area: Literal["starboard_side", "port_side"]
    stations_m: Stations | None = None
    depths_m: tuple[Depth, Depth] | None = None

    @property
    def side(self) -> Side:
        """The ship's side."""
        return "starboard" if self.area == "starboard_side" else "port"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transverse(Order):
    """Girth lines: down along the sections, one beside the other.

    Attributes:
        area: one side from the waterline to the keel line, or the bottom between the turns of the bilge.
        stations_m: the whole ship when not given.
    """

    pattern: Literal["transverse"]
    area: Literal["starboard_side", "port_side", "bottom"]
    stations_m: Stations | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatBottom(Order):
    """Lanes along the ship under her, looking up, from one turn of the bilge to the other.

    Attributes:
        area: the whole bottom or the half that belongs to a side.
        stations_m: the parallel midbody when not given.
        access: side from which the vehicle goes under; that of the launch when not given.
    """

    pattern: Literal["flat_bottom"]
    area: Literal["bottom", "starboard_bottom", "port_bottom"] = "bottom"
    stations_m: Stations | None = None
    access: Side | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeelLine(Order):
    """One lane along the keel line, looking up.

    Attributes:
        stations_m: from the sternpost to the forefoot when not given.
    """

    pattern: Literal["keel_line"]
    stations_m: Stations | None = None
    access: Side | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BilgeKeel(Order):
    """Along the bilge keel, above its plate and below it. Its place is that of the fitting, known or assumed.

    Attributes:
        side: both when not given.
    """

    pattern: Literal["bilge_keel"]
    side: Side | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bow(Order):
    """Girth lines on both sides of the entrance, and one line round the stem and the bulb.

    Attributes:
        side: both when not given.
        stations_m: from the fore end of the parallel midbody to the stem when not given.
    """

    pattern: Literal["bow"]
    side: Side | None = None
    stations_m: Stations | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stern(Order):
    """Girth lines on both sides of the run, from the transom to the aft end of the parallel midbody.

    Without the lock-out what lies near the propeller is left out.

    Attributes:
        side: both when not given.
    """

    pattern: Literal["stern"]
    side: Side | None = None
    stations_m: Stations | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningGear(Order):
    """A spiral round rudder and propeller, down on one turn after the other; flown under lock-out only."""

    pattern: Literal["running_gear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeaChest(Order):
    """Each sea chest from close: over the whole grating, and slantwise from both sides.

    Attributes:
        side: both when not given.
        slant_deg: of the slanting views from the normal.
    """

    pattern: Literal["sea_chest"]
    side: Side | None = None
    slant_deg: Annotated[float, Ge(10), Le(50)] = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmarks(Order):
    """A close look at each fitting, known or, where none are stated, assumed by rule.

    Attributes:
        kinds: of fittings; bilge keels have a pattern of their own.
        side: both when not given.
    """

    pattern: Literal["landmarks"]
    kinds: Annotated[tuple[LookedAtKind, ...], Len(1, 20)] = ("sea_chest", "outlet", "anode")
    side: Side | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotCheck(Order):
    """The place of a cue, a point and a radius on the hull: from a tracker, a sonar, a tip-off.

    Attributes:
        cue: where it came from, for people.
    """

    pattern: Literal["spot_check"]
    side: Side
    station_m: float
    depth_m: Depth
    radius_m: Annotated[float, Gt(0), Le(30)] = 1.0
    cue: Annotated[str, Len(1, 80)] | None = None


_PATTERNS: dict[str, type[Order]] = {
    "longitudinal": Longitudinal,
    "transverse": Transverse,
    "flat_bottom": FlatBottom,
    "keel_line": KeelLine,
    "bilge_keel": BilgeKeel,
    "bow": Bow,
    "stern": Stern,
    "running_gear": RunningGear,
    "sea_chest": SeaChest,
    "landmarks": Landmarks,
    "spot_check": SpotCheck,
}


def _pattern_of(given: Any) -> str:
    """Which pattern an entry asks for."""
    return str(given.get("pattern", "")) if isinstance(given, dict) else str(getattr(given, "pattern", ""))


SurveyOrder = Annotated[
    Longitudinal
    | Transverse
    | FlatBottom
    | KeelLine
    | BilgeKeel
    | Bow
    | Stern
    | RunningGear
    | SeaChest
    | Landmarks
    | SpotCheck,
    OneOf(_PATTERNS, _pattern_of, "pattern"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOut:
    """Who has confirmed that nothing under the ship can start to turn.

    Attributes:
        propeller: locked, turning gear engaged, tagged.
        thrusters: locked, all of them.
        sea_suctions: pumps of the sea chests stopped, or at least throttled: they hold a vehicle fast.
        iccp: the impressed current of the cathodic protection is off: its anodes are live, and bend the compass.
        by: name and office of who says so.
    """

    propeller: bool
    thrusters: bool
    by: Annotated[str, Len(1, 80)]
    sea_suctions: bool = False
    iccp: bool = False

    @property
    def complete(self) -> bool:
        """Whether the vehicle may go near the running gear."""
        return self.propeller and self.thrusters


def sides_of(order: Order) -> tuple[Side, ...]:
    """The sides of the ship beside which an order is flown; none for what is flown under her alone."""
    if isinstance(order, FlatBottom | KeelLine | RunningGear):
        return ()
    if isinstance(order, Longitudinal):
        return (order.side,)
    if isinstance(order, Transverse):
        return {"starboard_side": BOTH[:1], "port_side": BOTH[1:], "bottom": ()}[order.area]
    side: Side | None = getattr(order, "side", None)
    return BOTH if side is None else (side,)
