"""Thirty missions drawn from seeds: how well the vehicle keeps its distance, what it sees, where it takes itself to be.

    python benchmarks/missions.py [--out FOLDER] [--seeds 0-29] [--processes 1]

Ships of 40 to 230 m of six kinds; their sides at the bow, amidships and aft, the bilge, the flat bottom; current up
to 0.3 m/s; the ship up to 2 m from her berth where the vehicle goes into the water, and turned by up to 3 degrees; the
compass up to 40 degrees off beside her; the DVL's wrong, repeated, invalid and missing reports at several times their
usual share, with two gaps of seconds; drag from one end of the published bracket to the other. hullscan's own pilot
flies in the embedded simulator, see ``lockstep``. There is no camera: what counts as seen is what the rays of a camera
on the vehicle's true path meet, by the tests' own ray casting. The pilot is told of gaps as in a mission, by looks from
where it believed to be, and knows nothing of the true path. Anodes, outlets and sea chests are on the drawings, a
decimetre beside where they are, and half of them are recognised in passing, see ``stand_in_eyes``. Results are kept as
they come; a run goes on where it was cut off.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from math import cos, radians, sin
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parent))

from lockstep import Signalled, fly
from ray_coverage import RayCoverage
from stand_in_eyes import KINDS as RECOGNISED_KINDS
from stand_in_eyes import StandInEyes

from hullscan.errors import HullscanError
from hullscan.findings.in_view import cells_in_view
from hullscan.findings.viewpoint import Viewpoints
from hullscan.geometry.frames import Array, Pose, ShipPose
from hullscan.geometry.track import ShipTrack
from hullscan.mission.model import Mission, load_mission
from hullscan.mission.plan import Plan, plan_mission
from hullscan.pilot.pilot import Pilot
from hullscan.pilot.refly import Piece, pieces_of
from hullscan.pilot.registration.state import radius95_m
from hullscan.pilot.states import PilotState
from hullscan.search.cells import HullCells
from hullscan.search.looks import REACH_SHARE
from hullscan.ship.fittings import assumed_fittings
from hullscan.ship.surface import HullSurface
from hullscan.vehicle.ardusub import ArduSubVehicle
from hullscan_sim.scenario import load_scenario
from hullscan_sim.simulation import Simulation

KINDS = ("bulk_carrier", "tanker", "container_ship", "ro_ro", "coaster", "bulk_carrier")
PLACES = ("bow", "amidships", "aft", "bilge", "bottom", "bow")
LENGTHS_M = {"coaster": (40, 110), "container_ship": (90, 230), "ro_ro": (80, 200), "tanker": (60, 230)}
SAMPLE_S = 0.2
LOOK_M = 0.2  # between looks of which the pilot knows; a mission's are half as far apart
HEARD_S = 0.3  # after which telemetry of a moment has come
ANCHOR_RAD, ANCHOR_S, ANCHOR_M = radians(20), 5.0, 30.0
"""Plating turned by so much from the ship's side, faced for so long, is an anchor for so much of the way after it."""

RECOGNISED = 0.5
"""Share of the fittings: of those passed by 16 flights in front of the rendered camera the shipped detector recognised
29 of 32 anodes and 6 of 16 outlets, of the hard ones among its single test frames 18 and 50 %."""

_TEXT = """mission: drawn-{seed}
ship:
  name: MV Drawn
  form:
    {{type: {kind}, length_m: {length:.1f}, beam_m: {beam:.1f}, draught_fwd_m: {fore:.2f}, draught_aft_m: {aft:.2f}}}
  fittings: {fittings}
berth: {{lat_deg: 35.0767, lon_deg: 129.0800, heading_deg: {heading:.1f}, water_depth_m: {water:.1f}}}
conditions: {{visibility_m: {visibility:.1f}, current_mps: {current:.2f}, current_towards_deg: {towards:.0f}}}
window_min: 40
vehicle: {vehicle}
launch: {{side: starboard, station_m: {launch:.1f}, distance_m: 4}}
survey:
  - {survey}
limits: {{min_clearance_m: 0.4, min_battery_v: 14.0, max_tether_m: 150, link_timeout_s: 3}}
"""
_SCENARIO = """mission: mission.yaml
seed: {seed}
water: {{visibility_m: {visibility:.1f}, current_mps: {current:.2f}, current_towards_deg: {towards:.0f}, waves_m: 0.1}}
ship_error: {{north_m: {north:.3f}, east_m: {east:.3f}, heading_deg: {turned:.2f}, down_m: {down:.2f}}}
vehicle: {{model: {model}, compass: near_steel, position: dvl, dvl: a50, second_dvl: {two}}}
sensors: {{compass_greatest_deg: {compass:.1f}, gyro_drift_deg_per_min: {gyro:.2f}, dvl_outlier_share: {outliers:.3f},
  dvl_repeat_share: {repeats:.3f}, dvl_gap_share: {gaps:.3f}}}
faults:
  - {{at_s: {first:.0f}, kind: dvl_dropout, for_s: {first_for:.1f}}}
  - {{at_s: {second:.0f}, kind: dvl_dropout, for_s: {second_for:.1f}}}
"""


@dataclass
class Flight:
    """What one mission came to; lengths in m.

    Attributes:
        stand_off_rms_m: of the distance to the hull against the plan's, on searched legs.
        seen: share of the cells that the plan would see which the vehicle's camera faced.
        place95_m, inside: error of the place in the ship frame, live: 95 %, and share within the stated radius of 95 %.
        anchored95_m, anchored_inside, anchored: the same of samples behind an anchor, and their number.
        fittings: how often one told the place along her.
        fittings: how often one told the place along her.
    """

    seed: int
    ship: str = ""
    place: str = ""
    drawn: str = ""
    ended_by: str = ""
    minutes: float = 0.0
    stand_off_rms_m: float = float("nan")
    clearance_m: float = float("nan")
    contacts: int = 0
    seen: float = float("nan")
    place95_m: float = float("nan")
    inside: float = float("nan")
    stated_m: float = float("nan")
    anchored95_m: float = float("nan")
    anchored_inside: float = float("nan")
    anchored: int = 0
    smooth95_m: float = float("nan")
    smooth_inside: float = float("nan")
    samples: int = 0
    fittings: int = 0
    real_s: float = 0.0


def draw(seed: int) -> dict[str, Any]:
    """Everything that a seed decides."""
    rng = np.random.default_rng(1000 + seed)
    kind, place = KINDS[seed % len(KINDS)], PLACES[(seed // len(KINDS) + seed) % len(PLACES)]
    length = float(rng.uniform(*LENGTHS_M.get(kind, (40, 230))))
    beam = length / rng.uniform(5.0, 6.6)
    draught = min(beam / rng.uniform(2.3, 2.9), 13.0)
    visibility, current = rng.uniform(3.0, 4.5), rng.uniform(0.0, 0.3)
    heading, turned = rng.uniform(0, 360), rng.uniform(-3, 3)
    share = {"bow": 0.89, "amidships": 0.5, "aft": 0.3, "bilge": 0.55, "bottom": 0.55}[place]
    middle = share * length
    reach = 9.0 if place == "bow" else 6.0
    span = f"stations_m: [{middle - reach / 2:.1f}, {middle + reach / 2:.1f}]"
    if place == "bilge":
        survey = f"{{pattern: transverse, area: starboard_side, {span}}}"
    elif place == "bottom":
        survey = f"{{pattern: flat_bottom, area: starboard_bottom, {span}, access: starboard}}"
    else:
        deep = min(0.5 * draught, 3.4)
        survey = f"{{pattern: longitudinal, area: starboard_side, {span}, depths_m: [0.6, {deep:.1f}]}}"
    # she is turned about the place beside which the vehicle goes into the water, and off it by up to 2 m
    off_m, towards = 2.0 * np.sqrt(rng.uniform()), rng.uniform(0, 2 * np.pi)
    off = off_m * np.array([cos(towards), sin(towards)])
    stated, true = radians(heading), radians(heading + turned)
    launch = min(middle, 0.74 * length)  # where the DVL hears the ship's side
    north = launch * (cos(stated) - cos(true)) + off[0]
    east = launch * (sin(stated) - sin(true)) + off[1]
    below = place in ("bilge", "bottom")  # where a DVL that faces forward hears too little
    return {
        "seed": seed, "kind": kind, "place": place, "length": length, "beam": beam, "fore": draught * 0.98,
        "aft": draught * 1.02, "water": draught + rng.uniform(5.0, 9.0), "visibility": visibility, "heading": heading,
        "current": current, "towards": rng.uniform(0, 360), "launch": launch, "survey": survey,
        "vehicle": "bluerov2-heavy-two-dvls" if below else "bluerov2-heavy",
        "two": "true" if below else "false",
        "north": north, "east": east, "turned": turned, "down": rng.uniform(-0.15, 0.15),
        "model": ("draggy", "nominal", "slippery")[int(rng.integers(3))], "compass": rng.uniform(12, 40),
        "gyro": rng.uniform(-1, 1), "outliers": rng.uniform(0.002, 0.015), "repeats": rng.uniform(0.004, 0.03),
        "gaps": rng.uniform(0.004, 0.03), "first": rng.uniform(60, 120), "first_for": rng.uniform(2, 6),
        "second": rng.uniform(140, 260), "second_for": rng.uniform(2, 6),
    }  # fmt: skip


def _fittings(hull: HullSurface, length_m: float) -> str:
    """Anodes, outlets and sea chests of her drawings, where the rule has them; as YAML."""
    drawn = [
        {"kind": each.kind, "side": each.side, "station_m": each.station_m, "depth_m": each.depth_m,
         "size_m": list(each.size_m)}
        for each in assumed_fittings(hull, length_m) if each.kind in RECOGNISED_KINDS
    ]  # fmt: skip
    return json.dumps(drawn)


class Truth:
    """What really happened, five times a second."""

    def __init__(self) -> None:
        self.rows: list[list[float]] = []
        self._next_s = 0.0

    def take(self, simulation: Simulation, pilot: Pilot) -> bool:
        """Called after each slice of simulated time; whether it was time for a sample."""
        if simulation.time_s < self._next_s:
            return False
        self._next_s = simulation.time_s + SAMPLE_S
        body, world = simulation.body, simulation.world
        roll, pitch, yaw = body.euler_rad
        status = pilot.status
        leg = status.leg if status.state in (PilotState.LEGS, PilotState.REFLY) and not status.holding else -1
        tilt = simulation.autopilot.payload.tilt_rad
        angles = (yaw - world.ship_pose.heading_rad, pitch, roll, tilt)
        self.rows.append([simulation.utc_s, *world.to_ship(body.position), *angles, leg])
        return True

    @property
    def table(self) -> Array:
        """(n, 9) utc_s, place in the ship frame, yaw, pitch, roll, camera's tilt, leg."""
        return np.array(self.rows)


class Believed:
    """What was surely in a picture by what is known on board: as in a mission, were each frame a good one."""

    def __init__(self, mission: Mission, plan: Plan) -> None:
        self._mission, self._plan = mission, plan
        self._cells = HullCells(mission.hull)
        self._places = np.zeros(len(self._cells), np.uint64)
        self._last = np.full(3, np.inf)
        self._pilot: Pilot | None = None

    def take(self, pilot: Pilot, vehicle: ArduSubVehicle, utc_s: float) -> None:
        """One look, if the vehicle has moved on since the last one and searches."""
        self._pilot, status, ship = pilot, pilot.status, self._ship()
        if ship is None or status.holding or status.leg < 0 or not self._plan.legs[status.leg].surveys:
            return
        track = ShipTrack.constant(*ship)
        view = Viewpoints(vehicle.telemetry, track, self._mission.vehicle).at(utc_s)
        if view is None or np.linalg.norm(view.body_ship.position_m - self._last) < LOOK_M:
            return
        self._last = view.body_ship.position_m
        reach = REACH_SHARE * self._mission.file.conditions.visibility_m
        seen = cells_in_view(self._cells, self._mission.vehicle.camera, view, reach)
        if seen is not None:
            self._places[seen.index] |= seen.places

    def gaps(self) -> Iterator[list[Piece]]:
        """For the pilot."""
        return pieces_of(self._mission, self._plan, self._cells, self._places, self._ship())

    def _ship(self) -> tuple[ShipPose, Array] | None:
        registration = self._pilot.registration if self._pilot else None
        if registration is None or not registration.updates:
            return None
        return registration.pose, registration.covariance


def fly_one(seed: int) -> Flight:
    """Draw, plan, fly and measure one mission."""
    drawn = draw(seed)
    flight = Flight(seed, f"{drawn['kind']} {drawn['length']:.0f} m", drawn["place"])
    flight.drawn = f"{drawn['model']}, {drawn['current']:.2f} m/s, compass {drawn['compass']:.0f}"
    truth, vehicles = Truth(), []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mission.yaml"
        file.write_text(_TEXT.format(**drawn, fittings="[]"), encoding="utf-8")
        (Path(folder) / "scenario.yaml").write_text(_SCENARIO.format(**drawn), encoding="utf-8")
        try:
            fittings = _fittings(load_mission(file).hull, drawn["length"])
            file.write_text(_TEXT.format(**drawn, fittings=fittings), encoding="utf-8")
            mission = load_mission(file)
            plan = plan_mission(mission)
        except HullscanError as error:
            flight.ended_by = f"not planned: {error}"
            return flight
        scenario = load_scenario(Path(folder) / "scenario.yaml")
        believed = Believed(mission, plan)
        eyes = StandInEyes(mission, RECOGNISED, np.random.default_rng([seed, 7]))

        def each(simulation: Simulation, pilot: Pilot, signalled: Signalled) -> None:
            sampled = truth.take(simulation, pilot)
            if vehicles:
                eyes.look(simulation, pilot, vehicles[0])
                if sampled:
                    believed.take(pilot, vehicles[0], simulation.utc_s - HEARD_S)

        flown = fly(
            file, mission, plan, scenario, each=each, gaps=believed.gaps, by_processor=True,
            watch=lambda pilot, vehicle: vehicles.append(vehicle),
        )  # fmt: skip
    flight.ended_by, flight.contacts, flight.clearance_m = flown.ended_by, flown.contacts, flown.min_clearance_m
    flight.minutes, flight.real_s, flight.fittings = flown.seconds / 60, flown.real_s, eyes.used
    _measure(flight, mission, plan, truth.table, flown.pilot, vehicles[0])
    return flight


def _measure(flight: Flight, mission: Mission, plan: Plan, table: Array, pilot: Pilot, vehicle: ArduSubVehicle) -> None:
    searched = np.isin(table[:, 8], [k for k, leg in enumerate(plan.legs) if leg.surveys])
    if searched.any():
        flight.stand_off_rms_m = _stand_off_rms_m(mission.hull, plan, table[searched])
        flight.seen = _seen(mission, plan, table[searched])
    registration = pilot.registration
    if registration is None or not registration.updates:
        return
    legs = table[table[:, 8] >= 1]  # after the approach: the first fix is done, the pilot relies on it
    if not len(legs):
        return
    live, smooth = registration.track(), registration.smoothed()
    anchored = _anchored(mission.hull, table)[table[:, 8] >= 1]
    error, radius = _place_errors(live, vehicle, legs)
    flight.samples = len(error)
    flight.place95_m, flight.inside = float(np.percentile(error, 95)), float((error < radius).mean())
    flight.stated_m = float(np.median(radius))
    flight.anchored = int(anchored.sum())
    if flight.anchored:
        flight.anchored95_m = float(np.percentile(error[anchored], 95))
        flight.anchored_inside = float((error < radius)[anchored].mean())
    error, radius = _place_errors(smooth, vehicle, legs)
    flight.smooth95_m, flight.smooth_inside = float(np.percentile(error, 95)), float((error < radius).mean())


def _place_errors(track: Any, vehicle: ArduSubVehicle, table: Array) -> tuple[Array, Array]:
    """(n,) errors in the plane and (n,) stated radii, of the vehicle's place in the ship frame."""
    error, radius = np.empty(len(table)), np.empty(len(table))
    for k, (utc_s, x, y, *_) in enumerate(table):
        ship, covariance = track.at(float(utc_s))
        here = ship.to_ship(vehicle.telemetry.pose_at(float(utc_s), max_gap_s=3.0).position_m)
        c, s = cos(ship.heading_rad), sin(ship.heading_rad)
        jacobian = np.array([[c, s, -here[1], 0], [-s, c, here[0], 0]])
        error[k] = np.hypot(here[0] - x, here[1] - y)
        radius[k] = radius95_m(jacobian @ covariance @ jacobian.T)
    return error, radius


def _stand_off_rms_m(hull: HullSurface, plan: Plan, table: Array) -> float:
    """RMS of the true distance to the hull against that of the plan's nearest place on the same leg."""
    found = []
    for number in np.unique(table[:, 8].astype(int)):
        here = table[table[:, 8] == number][:, 1:4]
        places = plan.legs[number].poses[:, 1:4]
        gap = np.linalg.norm(here[:, None] - places[None], axis=2)
        wanted = hull.nearest(places)[1][gap.argmin(axis=1)]
        found.append(hull.nearest(here)[1] - wanted)
    return float(np.sqrt((np.concatenate(found) ** 2).mean()))


def _seen(mission: Mission, plan: Plan, table: Array) -> float:
    """Share of the cells that the plan's looks meet which the true ones meet."""
    cells = HullCells(mission.hull)
    planned, achieved = RayCoverage(mission), RayCoverage(mission)
    for leg in plan.legs:
        if leg.surveys:
            planned.look(list(leg.camera_poses(mission.vehicle)))
    looks = []
    for _, x, y, z, yaw, pitch, roll, tilt, _ in table:
        body = Pose(np.array([x, y, z]), Rotation.from_euler("ZYX", [yaw, pitch, roll]))
        looks.append(body @ mission.vehicle.camera_pose_frd(float(tilt)))
    achieved.look(looks)
    wanted = planned.of(cells) & plan.asked(cells)
    return float(cells.area_m2[wanted & achieved.of(cells)].sum() / cells.area_m2[wanted].sum())


def _anchored(hull: HullSurface, table: Array) -> np.ndarray:
    """(n,) samples that face turned plating for long enough, or did so not longer ago than some way."""
    _, distance, normals = hull.nearest(table[:, 1:4])
    level = np.linalg.norm(normals[:, :2], axis=1)
    turned = (np.abs(normals[:, 0]) > np.sin(ANCHOR_RAD) * level) & (level > 0.5) & (distance < 4.0)
    needed = int(ANCHOR_S / SAMPLE_S)
    on = np.convolve(turned, np.ones(needed), mode="full")[: len(table)] >= needed
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(table[:, 1:4], axis=0), axis=1))])
    last = np.maximum.accumulate(np.where(on, way, -np.inf))
    return np.asarray(way - last < ANCHOR_M)


def table_of(flights: list[Flight]) -> str:
    """For people: one line a mission, and what is asked of all of them."""
    head = (
        f"{'':>4} {'ship':<21}{'place':<11}{'water and vehicle':<38}{'min':>5}{'off RMS':>8}{'clear':>7}{'hits':>5}"
        f"{'seen %':>8}{'place 95':>9}{'in %':>6}{'anch 95':>8}{'in %':>6}{'smooth':>8}{'in %':>6}  ended by"
    )
    lines = [head]
    for f in sorted(flights, key=lambda each: each.seed):
        lines.append(
            f"{f.seed:>4} {f.ship:<21}{f.place:<11}{f.drawn:<38}{f.minutes:>5.1f}{f.stand_off_rms_m:>8.3f}"
            f"{f.clearance_m:>7.2f}{f.contacts:>5}{100 * f.seen:>8.1f}{f.place95_m:>9.2f}{100 * f.inside:>6.0f}"
            f"{f.anchored95_m:>8.2f}{100 * f.anchored_inside:>6.0f}{f.smooth95_m:>8.2f}{100 * f.smooth_inside:>6.0f}"
            f"  {f.ended_by[:60]}"
        )
    flew = [f for f in flights if f.samples]
    behind = [f for f in flew if f.anchored]
    if flew:
        inside = sum(f.inside * f.samples for f in flew) / sum(f.samples for f in flew)
        anchored = sum(f.anchored_inside * f.anchored for f in behind) / max(sum(f.anchored for f in behind), 1)
        lines += [
            f"{len(flights)} missions, {sum(not f.ended_by for f in flights)} to their end; "
            f"{sum(f.contacts > 0 for f in flights)} with contact, "
            f"{sum(f.clearance_m < 0.4 for f in flew)} with less clearance than the limit",
            f"stand-off within 0.10 m RMS: {sum(f.stand_off_rms_m <= 0.10 for f in flew)} of {len(flew)}; "
            f"98 % seen: {sum(f.seen >= 0.98 for f in flew)} of {len(flew)}",
            f"inside the stated radius: {100 * inside:.1f} % of all samples, {100 * anchored:.1f} % behind an anchor; "
            f"within 0.5 m (95 %) behind an anchor: {sum(f.anchored95_m <= 0.5 for f in behind)} of {len(behind)}",
        ]
    return "\n".join(lines)


def main() -> None:
    """Fly what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("missions-flown"))
    parser.add_argument("--seeds", default="0-29", help="first-last")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="fly also what is there")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    results = options.out / "results.json"
    kept = [Flight(**each) for each in json.loads(results.read_text())] if results.exists() else []
    flights = {} if options.again else {flight.seed: flight for flight in kept}
    first, _, last = options.seeds.partition("-")
    wanted = [seed for seed in range(int(first), int(last or first) + 1) if seed not in flights]
    with ProcessPoolExecutor(options.processes) as pool:
        for done in as_completed([pool.submit(fly_one, seed) for seed in wanted]):
            flight = done.result()
            flights[flight.seed] = flight
            results.write_text(json.dumps([asdict(each) for each in flights.values()], indent=1))
            sys.stdout.write(f"{table_of([flight]).splitlines()[1]}  ({flight.real_s:.0f} s)\n")
            sys.stdout.flush()
    text = table_of(list(flights.values()))
    (options.out / "table.txt").write_text(text + "\n")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
