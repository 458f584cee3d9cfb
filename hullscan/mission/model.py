"""The mission file: what to search, where she lies, in what water, within which limits.

Plain frozen dataclasses; ranges and units stand in the types, checks across fields in ``load_mission``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, Len

from hullscan.documents import OneOf, read_document
from hullscan.errors import HullscanError, InputError
from hullscan.mission.camera import StatedCamera
from hullscan.mission.orders import LockOut, Longitudinal, RunningGear, SpotCheck, SurveyOrder, sides_of
from hullscan.mission.tide import Tide, load_tide
from hullscan.mission.vehicle import VehicleProfile, vehicle_profile
from hullscan.search.pod import LABEL_SIZES_M, PRIOR_MODEL, LookModel
from hullscan.search.pod_file import load_pod_model, shipped_pod_model
from hullscan.search.risk import DEFAULT_RISK, RiskFile, load_risk
from hullscan.ship.files import named_file
from hullscan.ship.form import build_hull, stated_file
from hullscan.ship.frames import frames_fault
from hullscan.ship.spec import Berth, Launch, Ship
from hullscan.ship.surface import HullSurface
from hullscan.units import Share

__all__ = ["Conditions", "Inspect", "Limits", "Longitudinal", "Mission", "MissionFile", "load_mission"]

Slug = Annotated[str, Len(1, 80)]
_Patterns = Annotated[tuple[SurveyOrder, ...], Len(1, 50)]


def _auto_or_patterns(given: Any) -> str:
    return "auto" if isinstance(given, str) else "patterns"


Survey = Annotated[
    Literal["auto"] | tuple[SurveyOrder, ...],
    OneOf({"auto": Literal["auto"], "patterns": _Patterns}, _auto_or_patterns, "survey"),
]
_LEAST_GAP_M = 3.0  # between ship and quay, for a vehicle at its stand-off


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The water on the day.

    Attributes:
        visibility_m: horizontal range at which a black target vanishes.
        current_towards_deg: where the water goes, true.
        tide_m: height of the tide above datum, constant for the window.
        tide: file of heights, currents or constituents, see ``tide``; instead of the constant current.
    """

    visibility_m: Annotated[float, Ge(0.3), Le(40)]
    current_mps: Annotated[float, Ge(0), Le(3)] = 0.0
    current_towards_deg: Annotated[float, Ge(0), Le(360)] = 0.0
    tide_m: Annotated[float, Ge(-10), Le(15)] = 0.0
    tide: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect:
    """When and how a strong sighting is looked at again from closer."""

    min_score: Share = 0.5
    views: Annotated[int, Ge(1), Le(10)] = 3
    max_s: Annotated[float, Ge(5), Le(600)] = 45.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Beyond these the mission is ended or not begun."""

    min_clearance_m: Annotated[float, Ge(0.2), Le(5)] = 0.4
    min_battery_v: Annotated[float, Ge(9), Le(30)] = 14.0
    max_tether_m: Annotated[float, Gt(5), Le(2000)] = 150.0
    link_timeout_s: Annotated[float, Ge(1), Le(30)] = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MissionFile:
    """A mission file as written.

    Attributes:
        survey: patterns, flown as written, or ``auto``: what finds most in the window.
        camera: instead of the vehicle profile's.
        video_latency_s: from light to arrival, instead of the vehicle profile's; preflight and the look about before
            the first lane measure it.
        risk: file of zone weights and cues, see ``search.risk``; relative to the mission file.
        pod_model: file that an evaluation wrote, see ``search.pod_file``; relative to the mission file.
        parcel_m: length of the parcel that probabilities of detection are stated for.
        start_utc: when the window begins, ISO 8601; needed with a tide file.
        signing_key: file with the key of MAVLink 2 signing, relative to the mission file; never copied into a record.
    """

    mission: Slug
    ship: Ship
    berth: Berth
    conditions: Conditions
    window_min: Annotated[float, Gt(0), Le(1440)]
    vehicle: str = "bluerov2-heavy"
    camera: StatedCamera | None = None
    video_latency_s: Annotated[float, Ge(0), Le(2)] | None = None
    launch: Launch
    survey: Survey
    lock_out: LockOut | None = None
    risk: str | None = None
    pod_model: str | None = None
    parcel_m: Annotated[float, Ge(0.05), Le(5)] = LABEL_SIZES_M["parcel"]
    inspect: Inspect | None = None
    limits: Limits = field(default_factory=Limits)
    start_utc: str | None = None
    signing_key: str | None = None

    @property
    def orders(self) -> tuple[SurveyOrder, ...]:
        """The patterns that are asked for; none when the plan chooses."""
        return () if isinstance(self.survey, str) else self.survey


@dataclass(frozen=True, slots=True)
class Mission:
    """A mission ready to be planned: the file, the ship's hull surface and the vehicle's profile."""

    file: MissionFile
    hull: HullSurface
    vehicle: VehicleProfile
    source: bytes
    """The file as it was read, for the record."""
    named_files: tuple[Path, ...] = ()
    """The files that it names, for the ship's form and otherwise; the record keeps copies."""
    risk: RiskFile = DEFAULT_RISK
    pod_model: LookModel = PRIOR_MODEL
    tide: Tide | None = None


def load_mission(path: Path) -> Mission:
    """Read a mission file, build the ship, and check all that can be checked ashore.

    Raises:
        InputError, MissionFileError: with every fault found, as ``path:line: key: message``.
    """
    file = read_document(path, MissionFile, _check_orders, _check_names)
    try:
        hull = build_hull(file.ship.form, path.parent)
        form = stated_file(file.ship.form, path.parent)
        named = {
            key: named_file(name, path.parent, key)
            for key, name in (("risk", file.risk), ("pod_model", file.pod_model), ("tide", file.conditions.tide))
            if name
        }
    except HullscanError as error:
        raise InputError(error.what, where=f"{path}, {error.where}", todo=error.todo) from error
    pod_model = load_pod_model(named["pod_model"]) if "pod_model" in named else shipped_pod_model()
    files = (*([] if form is None else [form]), *named.values())
    if len({each.name for each in files}) < len({each.resolve() for each in files}):
        raise InputError("two files that the mission names have the same name", where=str(path), todo="rename one")
    read_document(path, MissionFile, lambda built: _check_against_hull(built, hull))
    return Mission(
        file,
        hull,
        _vehicle(file, path),
        path.read_bytes(),
        named_files=files,
        risk=load_risk(named["risk"]) if "risk" in named else DEFAULT_RISK,
        pod_model=replace(pod_model, parcel_m=file.parcel_m),
        tide=load_tide(named["tide"]) if "tide" in named else None,
    )


def _vehicle(file: MissionFile, path: Path) -> VehicleProfile:
    """The profile, with the camera and the latency of its pictures that the mission states."""
    profile = vehicle_profile(file.vehicle)
    if file.video_latency_s is not None:
        profile = replace(profile, video_latency_s=file.video_latency_s)
    if file.camera is None:
        return profile
    try:
        return replace(profile, camera=file.camera.in_water())
    except InputError as error:
        raise InputError(error.what, where=f"{path}, camera", todo=error.todo) from error


def _check_orders(file: MissionFile) -> list[tuple[tuple[str | int, ...], str]]:
    faults: list[tuple[tuple[str | int, ...], str]] = []
    for index, leg in enumerate(file.orders):
        for key in ("stations_m", "depths_m"):
            span = getattr(leg, key, None)
            if span is not None and span[0] >= span[1]:
                faults.append((("survey", index, key), f"must run from the smaller to the larger (got {list(span)})"))
    if fault := frames_fault(file.ship.frames):
        faults.append((("ship", "frames"), fault))
    return faults


def _check_names(file: MissionFile) -> list[tuple[tuple[str | int, ...], str]]:
    try:
        vehicle_profile(file.vehicle)
    except InputError as error:
        return [(("vehicle",), f"{error.what}; {error.todo}")]
    return [] if file.camera is None else [(("camera", key), fault) for key, fault in file.camera.faults()]


def _check_against_hull(file: MissionFile, hull: HullSurface) -> list[tuple[tuple[str | int, ...], str]]:
    faults: list[tuple[tuple[str | int, ...], str]] = []
    first, last = float(hull.stations_m[0]), float(hull.stations_m[-1])
    if file.berth.water_depth_m <= float(hull.keel_depth(hull.stations_m).max()):
        faults.append((("berth", "water_depth_m"), "is less than the ship draws"))
    for index, column in enumerate(file.ship.draught_marks):
        if not first < column.station_m < last:
            faults.append((("ship", "draught_marks", index, "station_m"), _beyond("the ship", first, last)))
    for index, fitting in enumerate(file.ship.fittings):
        if not first < fitting.station_m < last:
            faults.append((("ship", "fittings", index, "station_m"), _beyond("the ship", first, last)))
        elif fitting.depth_m > (keel := float(hull.keel_depth(np.array([fitting.station_m]))[0])):
            faults.append((("ship", "fittings", index, "depth_m"), f"the keel is at {keel:.1f} m there"))
    for index, order in enumerate(file.orders):
        faults += _check_order(file, hull, order, ("survey", index))
    if not first - 30 < file.launch.station_m < last + 30:
        faults.append((("launch", "station_m"), _beyond("the ship and 30 m beyond", first - 30, last + 30)))
    if file.berth.quay_side == file.launch.side and file.berth.quay_gap_m <= file.launch.distance_m:
        faults.append((("launch", "distance_m"), "is beyond the quay wall on that side"))
    return faults


def _check_order(
    file: MissionFile, hull: HullSurface, order: SurveyOrder, at: tuple[str | int, ...]
) -> list[tuple[tuple[str | int, ...], str]]:
    faults: list[tuple[tuple[str | int, ...], str]] = []
    first, last = float(hull.stations_m[0]), float(hull.stations_m[-1])
    stations = getattr(order, "stations_m", None)
    if stations is not None and not (first < stations[0] and stations[1] < last):
        return [((*at, "stations_m"), _beyond("the ship", first, last))]
    if isinstance(order, Longitudinal) and order.depths_m is not None:
        keel = float(hull.keel_depth(np.array(stations or (0.2 * last, 0.8 * last))).min())
        if order.depths_m[1] > keel:
            faults.append(((*at, "depths_m"), f"the keel is at {keel:.1f} m there"))
    if isinstance(order, SpotCheck):
        if not first < order.station_m < last:
            faults.append(((*at, "station_m"), _beyond("the ship", first, last)))
        elif order.depth_m > (keel := float(hull.keel_depth(np.array([order.station_m]))[0])):
            faults.append(((*at, "depth_m"), f"the keel is at {keel:.1f} m there"))
    if isinstance(order, RunningGear) and not (file.lock_out and file.lock_out.complete):
        needs = (
            "propeller and thrusters may turn; the mission needs lock_out: {propeller: true, thrusters: true, by: NAME}"
        )
        faults.append(((*at, "pattern"), needs))
    quay = file.berth.quay_side
    if file.berth.quay_gap_m < _LEAST_GAP_M:
        gap = f"only {file.berth.quay_gap_m:g} m of water between ship and quay on that side"
        if quay in sides_of(order):
            key = "area" if hasattr(order, "area") else "side"
            todo = "" if getattr(order, key) else f"; say side: {'port' if quay == 'starboard' else 'starboard'}"
            faults.append(((*at, key), f"{gap}; the vehicle needs {_LEAST_GAP_M:g} m{todo}"))
        if quay is not None and getattr(order, "access", None) == quay:
            faults.append(((*at, "access"), f"{gap}; the vehicle needs {_LEAST_GAP_M:g} m"))
    return faults


def _beyond(what: str, low: float, high: float) -> str:
    return f"must lie within {what}, {low:.1f} to {high:.1f} m"
