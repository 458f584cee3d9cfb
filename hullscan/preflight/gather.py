"""Listens to the vehicle, its sensors and its camera for a while, and turns what came into lines."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hullscan.clock import Clock, ClockMap, PacedClock
from hullscan.errors import InputError, LinkError, RefusedError
from hullscan.geometry.frames import GeoOrigin
from hullscan.mission.model import Mission
from hullscan.mission.patterns.route import launch_pose
from hullscan.mission.plan import Plan
from hullscan.mission.tide import utc_seconds
from hullscan.preflight.check import PreflightLine, PreflightReport, ordered
from hullscan.preflight.range_checks import RangeFacts, check_ranges, range_facts
from hullscan.preflight.stream_checks import ClockFacts, VideoFacts, check_clocks, check_video, clocks_ms
from hullscan.preflight.supply_checks import SupplyFacts, check_lock_out, check_plan, check_supplies
from hullscan.preflight.vehicle_checks import FAILSAFES, VehicleFacts, check_parameters, check_vehicle
from hullscan.preflight.video_lag import PictureMotion, measure_lag
from hullscan.vehicle.ardusub import ArduSubVehicle
from hullscan.vehicle.dvl import WaterLinkedDvl
from hullscan.vehicle.messages import Frame, SystemTime
from hullscan.vehicle.parameter_changes import Change, compare_with_vehicle
from hullscan.vehicle.parameter_file import load_parameters, number_text
from hullscan.vehicle.protocol import VehicleIdentity
from hullscan.vehicle.shipped_parameters import shipped_parameters
from hullscan.video.stream import RtpStream, StreamState
from hullscan.words import mark

__all__ = ["LISTEN_S", "Equipment", "run_preflight", "set_origin", "write_failsafes"]

LISTEN_S = 8.0
"""Time to listen: 60 reports of a DVL, 100 pictures, and a turn to the left and back."""
_FIRST_PICTURE_S = 20.0  # BlueOS sends SPS and PPS every 10 s
_UTC_SANE_S = 1_420_070_400.0  # an autopilot that does not know UTC says 0 or 1970
_GRAVE = 3  # MAV_SEVERITY_ERROR and worse
_HARMLESS = re.compile(
    r"Lost manual control|heartbeat lost", re.I
)  # nobody has flown yet: ArduSub says so at every start
_STATES = {
    StreamState.NOTHING_RECEIVED: mark("nothing comes in at the port"),
    StreamState.WAITING_FOR_PARAMETER_SETS: mark("packets, but no SPS and PPS"),
    StreamState.WAITING_FOR_KEY_FRAME: mark("packets, but no key picture"),
    StreamState.RUNNING: mark("no picture while listening"),
    StreamState.SILENT: mark("the stream has fallen silent"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What is connected.

    Attributes:
        dvl, stream: None where there is none.
        folder: where the mission will be recorded.
        video_fault: why there is no stream.
    """

    vehicle: ArduSubVehicle
    identity: VehicleIdentity
    clock: Clock
    dvl: WaterLinkedDvl | None
    stream: RtpStream | None
    video_map: ClockMap
    folder: Path
    video_fault: str = ""


@dataclass(slots=True)
class _Heard:
    """What came while preflight listened."""

    begin_s: float
    end_s: float
    motion: PictureMotion
    pictures: int = 0
    suspect: int = 0
    packets: int = 0
    lost: int = 0
    sets: int = 0
    first_s: float = float("inf")
    size_px: tuple[int, int] = (0, 0)
    utc_off_s: list[float] = field(default_factory=list)

    @property
    def listened_s(self) -> float:
        return max(self.end_s - self.begin_s, 1e-3)


def write_failsafes(
    equipment: Equipment, mission: Mission, told: Callable[[Change], None] = lambda change: None
) -> tuple[Change, ...]:
    """Set what the firmware does when hullscan dies, as the vehicle's parameter file has it; what was changed.

    Nothing is written to a vehicle that is armed: somebody flies it.

    Raises:
        RefusedError: a value was not kept.
    """
    if equipment.vehicle.telemetry.armed:
        return ()
    changes = [change for change in _wanted(equipment, mission)[0] if change.wanted.name in FAILSAFES and change.needed]
    for change in changes:
        equipment.vehicle.parameters.set(change.name, change.wanted.value)
        told(change)
    return tuple(changes)


def set_origin(equipment: Equipment, mission: Mission) -> bool:
    """Give the estimator the launch as its origin if it has none: without one ArduSub has no local position.

    Whether it was set; that the vehicle did not take it shows in the preflight.
    """
    vehicle = equipment.vehicle
    if vehicle.telemetry.origin is not None or vehicle.telemetry.armed:
        return False
    try:
        berth = mission.file.berth
        north, east, _ = berth.ship_pose.to_ned(launch_pose(mission)[:3])
        vehicle.set_origin(GeoOrigin(*berth.origin.to_geodetic(float(north), float(east))))
    except (LinkError, RefusedError):  # it is silent about it, or had one and has told it now
        return False
    return True


def _wanted(equipment: Equipment, mission: Mission) -> tuple[tuple[Change, ...], str]:
    try:
        firmware = equipment.identity.firmware
        path = shipped_parameters(mission.vehicle.parameters, firmware, dvl=equipment.dvl is not None)
    except InputError:
        return (), ""
    return compare_with_vehicle(equipment.vehicle.parameters, load_parameters(path)), path.name


def run_preflight(
    equipment: Equipment,
    mission: Mission,
    plan: Plan,
    *,
    listen_s: float = LISTEN_S,
    begun: Callable[[float], None] = lambda seconds: None,
) -> PreflightReport:
    """Look at everything, once.

    Args:
        listen_s: of mission time.
        begun: told how long it listens, when it begins to; the moment to turn the vehicle.

    Raises:
        LinkError, VideoError, RecordError: something broke while it listened.
    """
    changes, file = _wanted(equipment, mission)
    height = _height_source(equipment.vehicle)
    begun(listen_s)
    heard = _listen(equipment, mission, listen_s)
    clocks = _clocks(equipment, heard, mission.vehicle.video_latency_s)
    lines: list[PreflightLine] = [
        *check_vehicle(_vehicle(equipment)),
        *check_parameters(changes, file),
        *check_ranges(_ranges(equipment, mission, heard, height)),
        *check_video(_video(equipment, mission, heard)),
        *check_clocks(clocks),
        *check_supplies(_supplies(equipment, mission, plan)),
        *check_plan(plan.checks),
        *check_lock_out(mission.file.lock_out),
    ]
    return PreflightReport(
        mission=mission.file.mission, utc_s=equipment.clock.now(), lines=ordered(lines), clocks_ms=clocks_ms(clocks)
    )


def _height_source(vehicle: ArduSubVehicle) -> str:
    """The parameter that makes ArduSub use a rangefinder as height; empty when none does."""
    has = vehicle.parameters.find_many(["EK3_RNG_USE_HGT", "EK3_SRC1_POSZ"])
    if has.get("EK3_RNG_USE_HGT", -1.0) > 0:
        return f"EK3_RNG_USE_HGT {number_text(has['EK3_RNG_USE_HGT'])}"
    return "EK3_SRC1_POSZ 2" if has.get("EK3_SRC1_POSZ") == 2.0 else ""


def _listen(equipment: Equipment, mission: Mission, listen_s: float) -> _Heard:
    """Take every picture for a while; the time runs from the first one, if one comes."""
    clock, stream = equipment.clock, equipment.stream
    heard = _Heard(clock.now(), clock.now(), PictureMotion(mission.vehicle.camera))
    listening = True

    def take_time(frame: Frame, utc_s: float) -> None:
        message = frame.message
        from_vehicle = frame.source == equipment.identity.source
        if listening and from_vehicle and isinstance(message, SystemTime) and message.unix_s > _UTC_SANE_S:
            heard.utc_off_s.append(message.unix_s - utc_s)

    equipment.vehicle.link.subscribe(take_time)
    if stream is None:
        clock.sleep(listen_s)
    else:
        opened_s = clock.now() - stream.silent_s if stream.state is StreamState.NOTHING_RECEIVED else clock.now()
        before = stream.stats()
        sets_before = stream.parameter_sets_sent
        if before.decoded:
            heard.first_s = 0.0
        while clock.now() < heard.begin_s + (listen_s if heard.pictures else _FIRST_PICTURE_S):
            picture = stream.read(0.1)
            equipment.vehicle.check()
            if picture is None:
                continue
            if not heard.pictures:
                heard.first_s = min(heard.first_s, clock.now() - opened_s)
                heard.begin_s = clock.now()
                before, sets_before = stream.stats(), stream.parameter_sets_sent
            heard.pictures += 1
            heard.size_px = picture.image_bgr.shape[1], picture.image_bgr.shape[0]
            heard.motion.take(picture)
        after = stream.stats()
        heard.suspect = after.suspect - before.suspect
        heard.packets, heard.lost = after.packets - before.packets, after.lost_packets - before.lost_packets
        heard.pictures = max(after.decoded - before.decoded, heard.pictures)
        heard.sets = stream.parameter_sets_sent - sets_before
    listening = False
    heard.end_s = clock.now()
    return heard


def _vehicle(equipment: Equipment) -> VehicleFacts:
    vehicle, identity = equipment.vehicle, equipment.identity
    telemetry, readiness = vehicle.telemetry, vehicle.readiness()
    grave = [text.text for text in telemetry.texts() if text.severity <= _GRAVE and not _HARMLESS.search(text.text)]
    prearm = [text.text for text in telemetry.texts() if text.text.startswith("PreArm")]
    thin = [rate for rate in vehicle.rates if rate.stream.needed and not rate.enough]
    return VehicleFacts(
        source=str(identity.source),
        firmware=identity.firmware,
        armed=telemetry.armed,
        mode=telemetry.mode,
        ready=readiness.ready,
        readiness=readiness.reason,
        depth_m=telemetry.depth_m,
        origin=telemetry.origin is not None,
        stations=tuple(str(station.source) for station in vehicle.stations()),
        alarms=tuple(dict.fromkeys([*grave, *prearm])),
        thin=tuple(f"{rate.stream.name} {rate.heard_hz:.1f} Hz" for rate in thin),
        signed=vehicle.link.signed,
        refused=vehicle.link.refused,
    )


def _ranges(equipment: Equipment, mission: Mission, heard: _Heard, height_source: str) -> RangeFacts:
    telemetry, berth = equipment.vehicle.telemetry, mission.file.berth
    labelled = {}
    for orientation, series in telemetry.ranges.items():
        rows = series.between(heard.begin_s, heard.end_s)
        valid = [row["distance_m"] for row in rows if row["min_m"] < row["distance_m"] < row["max_m"]]
        if valid:
            labelled[orientation] = float(np.median(valid))
    expected_m = mission.file.launch.distance_m
    bottom_m = berth.water_depth_m - (telemetry.depth_m if np.isfinite(telemetry.depth_m) else 0.0)
    if equipment.dvl is None:
        return RangeFacts(
            dvl=False, labelled_m=labelled, height_source=height_source, expected_m=expected_m, bottom_m=bottom_m
        )
    reports = [report for report in equipment.dvl.since(heard.begin_s) if report.utc_s <= heard.end_s]
    return range_facts(
        reports,
        heard.listened_s,
        expected_m=expected_m,
        bottom_m=bottom_m,
        labelled_m=labelled,
        hot=equipment.dvl.hot,
        height_source=height_source,
    )


def _video(equipment: Equipment, mission: Mission, heard: _Heard) -> VideoFacts:
    camera = mission.vehicle.camera
    expected = camera.width_px, camera.height_px
    if equipment.stream is None or not heard.pictures:
        state = _STATES[equipment.stream.state] if equipment.stream is not None else equipment.video_fault
        return VideoFacts(state=state, expected_px=expected)
    return VideoFacts(
        first_s=heard.first_s,
        rate_hz=heard.pictures / heard.listened_s,
        packets=heard.packets,
        lost=heard.lost,
        decoded=heard.pictures,
        suspect=heard.suspect,
        sets_every_s=heard.listened_s / heard.sets if heard.sets else float("inf"),
        size_px=heard.size_px,
        expected_px=expected,
        simulated=isinstance(equipment.clock, PacedClock),
    )


def _clocks(equipment: Equipment, heard: _Heard, latency_s: float) -> ClockFacts:
    vehicle = equipment.vehicle
    rows = vehicle.telemetry.attitude.between(heard.begin_s - 1.0, heard.end_s)
    gyro = np.column_stack([rows["utc_s"], rows["yaw_radps"]]) if len(rows) else np.empty((0, 2))
    return ClockFacts(
        round_trip_ms=vehicle.link.round_trip_s * 1e3,
        vehicle_ms=vehicle.telemetry.time.uncertainty_s * 1e3,
        utc_off_s=float(np.median(heard.utc_off_s)) if heard.utc_off_s else None,
        dvl_ms=equipment.dvl.clock_uncertainty_s * 1e3 if equipment.dvl is not None else None,
        video_ms=equipment.video_map.uncertainty_s * 1e3,
        lag=measure_lag(heard.motion.rates, gyro),
        latency_s=latency_s,
        simulated=isinstance(equipment.clock, PacedClock),
    )


def _supplies(equipment: Equipment, mission: Mission, plan: Plan) -> SupplyFacts:
    telemetry, profile = equipment.vehicle.telemetry, mission.vehicle
    battery, turns = telemetry.battery.latest, telemetry.values.get("TetherTrn")
    latest_turns = turns.latest if turns is not None else None
    begins_min = left_min = None
    if mission.file.start_utc is not None and not isinstance(equipment.clock, PacedClock):
        begins_min = (utc_seconds(mission.file.start_utc, where="start_utc") - equipment.clock.now()) / 60
        left_min = mission.file.window_min + min(begins_min, 0.0)
    return SupplyFacts(
        volts=battery.voltage_v if battery is not None else float("nan"),
        least_v=mission.file.limits.min_battery_v,
        empty_v=profile.battery_empty_v,
        full_v=profile.battery_full_v,
        plan_min=plan.duration_s / 60,
        endurance_min=profile.endurance_min,
        turns=latest_turns.value if latest_turns is not None else None,
        disk_free=_free_bytes(equipment.folder),
        window_left_min=left_min,
        begins_in_min=begins_min or 0.0,
    )


def _free_bytes(folder: Path) -> int:
    """Of the disk that a folder will be on; the folder itself need not exist yet."""
    place = folder.resolve()
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free
