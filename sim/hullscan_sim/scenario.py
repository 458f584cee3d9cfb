"""The scenario file: water, ship's surface, where she really lies, the vehicle, parcels, faults."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Len

from hullscan.documents import read_document
from hullscan.errors import Fault, MissionFileError
from hullscan.ship.form import build_hull
from hullscan.ship.spec import Berth, Launch, Ship
from hullscan.ship.surface import HullSurface, Side
from hullscan.units import Depth, Positive, Share, SignedDeg
from hullscan_sim.as_built import ship_as_built
from hullscan_sim.faults.kinds import Fault as FaultEntry
from hullscan_sim.sensor_options import Clocks, Sensors, VideoLink
from hullscan_sim.thrusters import LAG_S

__all__ = [
    "Mooring", "Parcel", "Scenario", "ShipAtBerth", "ShipError", "Surface", "VehicleOptions", "Water",
    "load_scenario", "load_ship",
]  # fmt: skip

WaterType = Literal["clear", "coastal_1C", "coastal_3C", "coastal_5C", "coastal_7C"]
ParcelKind = Literal["box", "bag", "cylinder", "torpedo"]
Visibility = Annotated[float, Ge(0.5), Le(30)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Water:
    """The water.

    Attributes:
        visibility_m: horizontal black-target range, 4.8 / c.
        visibility_along: pairs of station_m and visibility_m, by station, linear between them and constant beyond;
            empty for the same everywhere. Its values stand instead of ``visibility_m``.
        type: colour of the water; visibility scales it.
        particles: amount of marine snow, 0 to 1.
        current_towards_deg: where the water goes, true.
        waves_m: significant height at the surface.
        tide_m: height of the water over the level for which the berth's water depth is stated; she floats with it,
            the sea bed stays.
        daylight: 0 night to 1 full day at the surface.
    """

    visibility_m: Visibility = 3.0
    visibility_along: tuple[tuple[float, Visibility], ...] = ()
    type: WaterType = "coastal_5C"
    particles: Share = 0.4
    current_mps: Annotated[float, Ge(0), Le(3)] = 0.0
    current_towards_deg: Annotated[float, Ge(0), Le(360)] = 0.0
    waves_m: Annotated[float, Ge(0), Le(3)] = 0.0
    tide_m: Annotated[float, Ge(-10), Le(10)] = 0.0
    daylight: Share = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """The ship's coating, what grows on it, and how fair the plating is.

    Attributes:
        uneven_m: root mean square by which what the ranges meet stands off the hull as drawn.
    """

    coating: Literal["red", "black", "blue", "green", "grey"] = "red"
    fouling: Share = 0.3
    age: Share = 0.4
    uneven_m: Annotated[float, Ge(0), Le(0.2)] = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipError:
    """Where she really lies, against the mission's berth.

    Attributes:
        down_m: how much deeper she floats than stated: her waterline as drawn lies that far below the surface from
            which the pressure sensor counts.
        fittings_m: root mean square by which each anode, outlet and sea chest of the mission's drawings sits beside its
            drawn place, along her and up and down.
    """

    north_m: Annotated[float, Ge(-20), Le(20)] = 0.0
    east_m: Annotated[float, Ge(-20), Le(20)] = 0.0
    heading_deg: SignedDeg = 0.0
    down_m: Annotated[float, Ge(-1.5), Le(1.5)] = 0.0
    fittings_m: Annotated[float, Ge(0), Le(2)] = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Mooring:
    """How she moves at her moorings: slow sines, as swell and passing ships set her going.

    Attributes:
        surge_m: amplitude along her length.
        yaw_deg: amplitude about her middle.
    """

    surge_m: Annotated[float, Ge(0), Le(3)] = 0.0
    surge_period_s: Annotated[float, Ge(10), Le(600)] = 60.0
    yaw_deg: Annotated[float, Ge(0), Le(5)] = 0.0
    yaw_period_s: Annotated[float, Ge(10), Le(600)] = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleOptions:
    """The vehicle and its sensors.

    Attributes:
        model: drag set of the published bracket: nominal, or one of its two ends.
        thruster_lag_s: of the thrust behind its pulse.
        compass: true heading, or disturbed by the steel hull.
        position: what the autopilot's estimator uses: a DVL (as under a hull) or a GPS (as a bench simulator).
        dvl: the DVL's error set, or none.
        second_dvl: looks down at the sea bed; the autopilot's estimator goes by it, and by the first where it hears too
            little.
        dvl_as_rangefinder: what the companion computer makes of the DVL's range: nothing, or, as BlueOS does, the
            range *downwards* (DISTANCE_SENSOR with orientation 25) although the DVL faces forward.
        start_up: share of the real start-up time (41 s to a position) that the autopilot takes.
        mount_deg, mount_m: by which the camera sits otherwise than its profile says, about and along each axis of the
            vehicle, root mean square.
        pilot_failsafe: the pilot-input failsafe acts as on hardware, or is inert as in a stock SITL.
        link: the autopilot's port that MAVLink is on: the first takes unsigned packets even when it has a key.
    """

    model: Literal["nominal", "draggy", "slippery"] = "nominal"
    thruster_lag_s: Annotated[float, Ge(0.01), Le(0.3)] = LAG_S
    compass: Literal["perfect", "near_steel"] = "near_steel"
    position: Literal["dvl", "gps"] = "dvl"
    dvl: Literal["a50", "perfect", "none"] = "a50"
    second_dvl: bool = False
    dvl_as_rangefinder: Literal["off", "orientation_25"] = "off"
    battery_wh: Positive = 266.0
    mount_deg: Annotated[float, Ge(0), Le(20)] = 1.0
    mount_m: Annotated[float, Ge(0), Le(0.3)] = 0.02
    start_up: Share = 0.2
    pilot_failsafe: Literal["hardware", "stock_sitl"] = "hardware"
    link: Literal["serial0", "serial1"] = "serial0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A parcel on the hull; ``size_m`` is length along the ship, width along the girth, height off the plating.

    Attributes:
        aged: what its time in the water has made of it: 0 as it was put there, 1 dulled and overgrown.
        inside: a sea chest: the parcel is in the chest nearest to the place stated, behind its grating: tied to the
            bars from within (``attach: rope``), else standing on the floor of the box.
    """

    kind: ParcelKind
    size_m: tuple[
        Annotated[float, Gt(0.02), Le(5)], Annotated[float, Gt(0.02), Le(5)], Annotated[float, Gt(0.02), Le(3)]
    ]
    side: Side
    station_m: float
    depth_m: Depth
    attach: Literal["magnet", "rope", "strap"] = "magnet"
    turn_deg: SignedDeg = 0.0
    colour: Literal["black", "grey", "white", "green", "blue", "orange", "yellow", "brown", "hull"] | None = None
    aged: Share = 0.0
    inside: Literal["sea_chest"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything of the simulated world that the mission does not state."""

    mission: Annotated[str, Len(1)] | None = None
    seed: Annotated[int, Ge(0)] = 0
    water: Water = field(default_factory=Water)
    surface: Surface = field(default_factory=Surface)
    ship_error: ShipError = field(default_factory=ShipError)
    mooring: Mooring = field(default_factory=Mooring)
    vehicle: VehicleOptions = field(default_factory=VehicleOptions)
    sensors: Sensors = field(default_factory=Sensors)
    clocks: Clocks = field(default_factory=Clocks)
    video: VideoLink = field(default_factory=VideoLink)
    parcels: tuple[Parcel, ...] = ()
    faults: tuple[FaultEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipAtBerth:
    """The part of a mission file that the world is built from."""

    ship: Ship
    berth: Berth
    launch: Launch


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file, strictly."""
    return read_document(path, Scenario)


def load_ship(path: Path, scenario: Scenario) -> tuple[ShipAtBerth, HullSurface]:
    """Read ship, berth and launch of a mission file, the ship as built, and check the parcels against the hull."""
    stated = read_document(path, ShipAtBerth, part=True)
    hull = build_hull(stated.ship.form, path.parent)
    faults = []
    for index, parcel in enumerate(scenario.parcels):
        if not hull.stations_m[0] < parcel.station_m < hull.stations_m[-1]:
            message = f"the ship reaches from {hull.stations_m[0]:.1f} to {hull.stations_m[-1]:.1f}"
            faults.append(Fault(str(path), 1, f"parcels[{index}].station_m", message))
    if faults:
        raise MissionFileError(faults)
    built = ship_as_built(stated.ship, scenario.ship_error.fittings_m, scenario.seed)
    return replace(stated, ship=built), hull
