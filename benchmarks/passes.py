"""What a detector finds along whole lanes, over many worlds: frames drawn once, models compared on the same ones.

    python benchmarks/passes.py draw OUT --count 10 --seed 31 [--visibility 3 5] [--ships]
    python benchmarks/passes.py score OUT [--model PATH] [--json FILE]
    python benchmarks/passes.py label OUT --into DATA      (the frames join a data set's training split)

A world is the demo's stretch of hull with a coating, growth, water and three parcels of its own, as
``benchmarks/campaign.py`` flies them. Here nobody flies: the camera is led along the planned lanes with a wander of
its own, its poses are known, so what is measured is the detector with tracking and merging, not the navigation. It
takes a tenth of a survey's time. Worlds that choose a threshold and worlds that are reported need different seeds.
With ``--ships`` each world is twelve metres of another ship's side: of several types, of 35 to 200 m.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import yaml
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation

from hullscan.findings.geotag import HullFix, geotag
from hullscan.findings.merge import FindingRules, merge_fixes
from hullscan.findings.sightings import Looker
from hullscan.findings.viewpoint import Viewpoint
from hullscan.geometry.frames import Array, Pose, ShipPose
from hullscan.mission.model import Mission, load_mission
from hullscan.mission.plan import plan_mission
from hullscan.search.cells import HullCells
from hullscan.search.looks import LookRecord, seen_cells
from hullscan.video.frames import Frame
from hullscan.vision.detections import Detector
from hullscan.vision.runtime import load_detector
from hullscan.vision.trials import FOUND_WITHIN_M, lower_bound, upper_bound
from hullscan_sim.camera.objects import LABELS
from hullscan_sim.camera.stream import SimulatedCamera
from hullscan_sim.campaign import CampaignRequest, write_campaign
from hullscan_sim.dataset import HEIGHT_PX, WIDTH_PX
from hullscan_sim.dataset.boxes import boxes_of
from hullscan_sim.mooring import ShipMotion
from hullscan_sim.scenario import load_scenario, load_ship
from hullscan_sim.truth import parcel_places
from hullscan_sim.world import World

MISSION = Path(__file__).parent.parent / "missions" / "demo.yaml"
STATIONS_M, DEPTHS_M = (31.5, 42.5), (0.8, 3.4)
LOOK_EACH_M, SPEED_MPS = 0.1, 0.3
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(4, 17))
# slow wander about the lane, as surveys in the simulator show it: m and rad, standard deviations, seconds
PLACE_M, TURN_RAD, WANDER_S = 0.05, np.radians(2.0), 4.0
JPEG_QUALITY = 88
FAINTEST, SMALLEST_PX = 2.5, 110  # contrast in 8-bit levels, pixels
AREA_EACH = 5  # looks; a cell stays in view for more


SHIPS = (
    # type, length, beam, draught, m
    ("coaster", 90, 13.6, 5.6),
    ("tanker", 180, 30.0, 10.5),
    ("ro_ro", 140, 23.0, 6.2),
    ("container_ship", 200, 31.0, 10.8),
    ("fishing_vessel", 35, 8.6, 3.8),
    ("bulk_carrier", 120, 19.5, 7.4),
    ("bulk_carrier", 75, 13.0, 5.6),
    ("tanker", 110, 18.0, 7.0),
)
STRETCH_M = 12.0


@dataclass(frozen=True)
class Score:
    """What one threshold gives over all worlds.

    Attributes:
        pod_lower: one-sided 95 % bound (Clopper and Pearson).
        false_per_1000_m2_upper: one-sided 95 % bound (Garwood).
    """

    threshold: float
    found: int
    parcels: int
    pod_lower: float
    false_findings: int
    false_per_1000_m2: float
    false_per_1000_m2_upper: float


def another_ship(out: Path, number: int, seed: int) -> CampaignRequest:
    """A mission along the side of another ship, and where parcels are planted on her; her folder has no more worlds."""
    rng = np.random.default_rng([seed, number, 67])
    kind, length, beam, draught = SHIPS[number % len(SHIPS)]
    scale = float(rng.uniform(0.9, 1.1))
    length, beam, draught = (round(part * scale, 1) for part in (length, beam, draught))
    first = round(float(rng.uniform(0.35, 0.65)) * length - STRETCH_M / 2, 1)
    stated = yaml.safe_load(MISSION.read_text(encoding="utf-8"))
    stated["ship"] |= {
        "form": {"type": kind, "length_m": length, "beam_m": beam, "draught_fwd_m": draught, "draught_aft_m": draught},
        "fittings": [],
    }
    stated["berth"]["water_depth_m"] = round(draught + 5.0, 1)
    stated["launch"]["station_m"] = first + STRETCH_M + 1.0
    stated["survey"][0]["stations_m"] = [first, first + STRETCH_M]
    deepest = min(4.1, draught - 0.6)
    stated["survey"][0]["depths_m"] = [0.4, round(deepest, 1)]
    place = out / "missions" / f"{number:03d}.yaml"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(yaml.safe_dump(stated, sort_keys=False), encoding="utf-8")
    return CampaignRequest(
        mission=place, count=1, seed=seed + number, side="starboard", depths_m=(0.8, deepest - 0.7),
        stations_m=(first + 0.5, first + STRETCH_M - 0.5),
    )  # fmt: skip


def way(mission: Mission, rng: np.random.Generator) -> tuple[Array, list[Pose]]:
    """Times (n,) and ship from frd of the vehicle along the lanes, a look each ``LOOK_EACH_M``."""
    times, poses = [], []
    for leg in plan_mission(mission).legs:
        if leg.surveys:
            steps = np.arange(leg.start_s, leg.end_s, LOOK_EACH_M / SPEED_MPS)
            times.append(steps)
            poses.append(np.array([np.interp(steps, leg.poses[:, 0], leg.poses[:, i]) for i in range(1, 6)]).T)
    at, led = np.concatenate(times), np.concatenate(poses)
    kept = np.exp(-LOOK_EACH_M / SPEED_MPS / WANDER_S)
    noise = rng.normal(size=(len(at), 6)) * np.sqrt(1 - kept**2)
    wander = np.zeros((len(at), 6))
    for k in range(1, len(at)):
        wander[k] = kept * wander[k - 1] + noise[k]
    place = led[:, :3] + PLACE_M * wander[:, :3]
    yaw_pitch_roll = np.column_stack([led[:, 3:5], np.zeros(len(at))]) + TURN_RAD * wander[:, 3:]
    return at, [Pose(p, Rotation.from_euler("ZYX", a)) for p, a in zip(place, yaw_pitch_roll, strict=True)]


def draw(world: Path, every: int) -> None:
    """The frames of a world, one look in so many, and what is true of them."""
    scenario = load_scenario(world / "scenario.yaml")
    stated, hull = load_ship(world / "mission.yaml", scenario)
    truth = parcel_places(World(stated, hull, scenario, np.random.default_rng(scenario.seed)))
    for parcel, planted in zip(truth, scenario.parcels, strict=True):
        parcel["colour"] = planted.colour
    mission = load_mission(world / "mission.yaml")
    times, poses = way(mission, np.random.default_rng([scenario.seed, 61]))
    camera = SimulatedCamera(scenario, world / "mission.yaml")
    motion = ShipMotion(scenario, stated, hull.dimensions.length_m)
    frames = world / "frames"
    frames.mkdir(exist_ok=True)
    rows, boxes = [], []
    for number, (time_s, pose) in enumerate(zip(times[::every], poses[::every], strict=True)):
        in_ned = motion.pose(float(time_s)).as_pose @ pose
        image = camera.picture(float(time_s), in_ned, lights=1.0, tilt_rad=0.0)
        if camera.rendered is not None:
            eye_m = (pose @ mission.vehicle.camera_pose_frd(0.0)).position_m
            boxes.append([asdict(box) for box in boxes_of(camera.scene, camera.rendered, image, eye_m)])
        cv2.imwrite(str(frames / f"{number:04d}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        rows.append([float(time_s), *pose.position_m, *pose.rotation.as_quat()])
    (world / "passes.json").write_text(json.dumps({"poses": rows, "boxes": boxes, "parcels": truth}), encoding="utf-8")


def label(world: Path, data: Path) -> int:
    """Put a world's frames into the training split of a YOLO data set; returns how many.

    Of a parcel that is passed, a lower contrast can be seen than in a single frame, so fainter ones are labelled. A
    frame with a parcel that is fainter or smaller still is left out: nobody could say whether it is to be found.
    """
    boxes = json.loads((world / "passes.json").read_text(encoding="utf-8"))["boxes"]
    taken = 0
    for number, found in enumerate(boxes):
        shown = [box for box in found if box["contrast"] >= FAINTEST and box["pixels"] >= SMALLEST_PX]
        if any(box["label"] == "parcel" and box not in shown for box in found):
            continue
        name = f"pass-{world.parent.name}-{world.name}-{number:04d}"
        shutil.copyfile(world / "frames" / f"{number:04d}.jpg", data / "images" / "train" / f"{name}.jpg")
        lines = []
        for box in shown:
            x0, y0, x1, y1 = np.array(box["box_xyxy_px"]) / [WIDTH_PX, HEIGHT_PX, WIDTH_PX, HEIGHT_PX]
            centre_size = ((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0)
            lines.append(f"{LABELS.index(box['label'])} " + " ".join(f"{part:.6f}" for part in centre_size) + "\n")
        (data / "labels" / "train" / f"{name}.txt").write_text("".join(lines), encoding="ascii")
        taken += 1
    return taken


def view(mission: Mission, row: list[float]) -> Viewpoint:
    """From a known place on a known ship."""
    body = Pose(np.array(row[1:4]), Rotation.from_quat(row[4:]))
    camera = body @ mission.vehicle.camera_pose_frd(0.0)
    return Viewpoint(row[0], camera, body, np.array([SPEED_MPS, 0.0, 0.0]), ShipPose(0.0, 0.0, 0.0), np.zeros((4, 4)))


def fixes_of(world: Path, detector: Detector) -> tuple[list[HullFix], float]:
    """Sightings placed on the hull, and the area seen, m2."""
    mission = load_mission(world / "mission.yaml")
    looker, record = Looker(detector), LookRecord(HullCells(mission.hull), mission.file.conditions.visibility_m)
    fixes = []
    for number, row in enumerate(json.loads((world / "passes.json").read_text(encoding="utf-8"))["poses"]):
        image = np.asarray(cv2.imread(str(world / "frames" / f"{number:04d}.jpg")), dtype=np.uint8)
        camera = mission.vehicle.camera.resized(image.shape[1], image.shape[0])
        seen_from = view(mission, row)
        frame = Frame(image_bgr=image, utc_s=row[0], stream_s=row[0], index=number, suspect=False)
        for sighting in looker.look(frame, seen_from.body_ship.position_m, 0.0)[1]:
            fix = geotag(sighting, seen_from, camera, mission.hull, mission.vehicle, time_sigma_s=0.0)
            if fix is not None:
                fixes.append(fix)
        if number % AREA_EACH == 0:
            reach = 0.8 * mission.file.conditions.visibility_m
            record.add(seen_cells(record.cells, camera, seen_from.camera_ship, reach), 0, speed_mps=SPEED_MPS)
    return fixes, record.area_m2(record.seen())


def found_and_false(world: Path, fixes: list[HullFix], threshold: float) -> tuple[list[bool], int]:
    """Whether each parcel is found, and how many findings are of none; a finding serves one parcel."""
    parcels = json.loads((world / "passes.json").read_text(encoding="utf-8"))["parcels"]
    rules = FindingRules(min_score=threshold, labels=("parcel",))
    place = np.array([each.position_ship_m for each in merge_fixes(fixes, rules)]).reshape(-1, 3)
    goal = np.array([each["position_ship_m"] for each in parcels]).reshape(-1, 3)
    gap = np.linalg.norm(place[:, None] - goal[None], axis=2)
    rows, columns = linear_sum_assignment(np.where(gap <= FOUND_WITHIN_M, gap, 1e3))
    hit = {int(c) for r, c in zip(rows, columns, strict=True) if gap[r, c] <= FOUND_WITHIN_M}
    return [index in hit for index in range(len(parcels))], len(place) - len(hit)


def score(worlds: list[Path], model: Path | None) -> tuple[list[Score], dict[str, list[list[float]]]]:
    """Every threshold over all worlds, and the best threshold at which each parcel is still found."""
    fixed = {}
    for world in worlds:
        fixed[world] = fixes_of(world, load_detector(model))
        print(f"{world.name}: {len(fixed[world][0])} sightings", file=sys.stderr, flush=True)
    area = sum(seen for _, seen in fixed.values())
    scores = []
    still: dict[str, list[list[float]]] = {world.name: [] for world in worlds}
    for threshold in THRESHOLDS:
        each = [found_and_false(world, fixes, threshold) for world, (fixes, _) in fixed.items()]
        found = [hit for hits, _ in each for hit in hits]
        false = sum(count for _, count in each)
        for world, (hits, count) in zip(worlds, each, strict=True):
            still[world.name].append([threshold, *map(int, hits), count])
        scores.append(
            Score(threshold, sum(found), len(found), round(lower_bound(sum(found), len(found)), 3), false,
                  round(1000 * false / area, 2), round(1000 * upper_bound(false) / area, 2))
        )  # fmt: skip
    return scores, still


def main() -> None:
    """Draw, or score what is drawn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", choices=("draw", "score", "label"))
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--visibility", type=float, nargs=2, default=(3.0, 5.0))
    parser.add_argument("--parcels", type=int, default=3)
    parser.add_argument("--every", type=int, default=1, help="draw each nth look only: frames to train with")
    parser.add_argument("--ships", action="store_true", help="each world on another ship")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--into", type=Path, help="folder of a data set")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    if asked.work == "draw":
        request = CampaignRequest(
            mission=MISSION, count=asked.count, seed=asked.seed, side="starboard", stations_m=STATIONS_M,
            depths_m=DEPTHS_M, visibility_m=tuple(asked.visibility), parcels=asked.parcels,
        )  # fmt: skip
        if not asked.ships:
            write_campaign(request, asked.out)
        for number in range(asked.count if asked.ships else 0):
            ship = another_ship(asked.out, number, asked.seed)
            told = replace(ship, visibility_m=request.visibility_m, parcels=request.parcels)
            (written,) = write_campaign(told, asked.out / "missions" / f"{number:03d}")
            target = asked.out / f"{number:03d}"
            if not target.is_dir():
                written.rename(target)
    worlds = sorted(asked.out.glob("[0-9][0-9][0-9]"))[: asked.count]
    if asked.work == "draw":
        for world in worlds:
            if not (world / "passes.json").is_file():
                draw(world, asked.every)
                print(world, flush=True)
        return
    if asked.work == "label":
        print(sum(label(world, asked.into) for world in worlds if (world / "passes.json").is_file()), "frames")
        return
    scores, still = score([world for world in worlds if (world / "passes.json").is_file()], asked.model)
    for row in scores:
        print(f"{row.threshold:.2f}: {row.found} of {row.parcels} found (POD at least {row.pod_lower:.2f}), "
              f"{row.false_findings} false, {row.false_per_1000_m2:.1f} in 1,000 m2 "
              f"(at most {row.false_per_1000_m2_upper:.1f})")  # fmt: skip
    if asked.json:
        content = {"scores": [asdict(row) for row in scores], "worlds": still}
        asked.json.write_text(json.dumps(content, indent=1), encoding="utf-8")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
