"""How well places and coverage of mission folders agree with the simulator's truth.

    python benchmarks/accuracy.py FOLDER... [--parts 5]

Each folder must lie beside the truth.json and truth.csv of its flight; one that ``hullscan analyze`` made lies beside
the folder that it was made from. Findings: distance to the nearest parcel within a metre, share inside the stated 95 %
ellipse, error of size, parcels that came as two findings. Coverage: for each look the true pose of the camera, and
for each cell 5 by 5 points that are projected, and tested for what hides them, one by one; a cell's exact area is the
share of its points that were in view (in range, facing, in the picture) at any look.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation
from scipy.stats import chi2

from hullscan.findings.sightings import Look, Sighting
from hullscan.findings.viewpoint import Viewpoints
from hullscan.geometry.frames import Pose
from hullscan.mission.model import load_mission
from hullscan.mission.plan import plan_mission
from hullscan.mission.vehicle import VehicleProfile
from hullscan.record.database import MissionDatabase
from hullscan.record.folder import MissionFolder
from hullscan.search.cells import CELL_M, HullCells
from hullscan.search.looks import EDGE, HIDDEN_M, MAX_INCIDENCE_RAD
from hullscan.vehicle.tlog import read_recording
from hullscan_sim.as_built import mount_as_fitted

NEAR_M, REACH_SHARE = 1.0, 0.8


def seen_from(folder: Path, vehicle: VehicleProfile) -> tuple[Viewpoints, list[Look], list[Sighting], dict[str, Any]]:
    """Where the camera of a vehicle was, what was looked at and sighted, and the summary, of a mission folder."""
    database = MissionDatabase(MissionFolder(folder).database, read_only=True)
    looks, sightings, ship = database.looks(), database.sightings(), database.ship_track()
    database.close()
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    flown = MissionFolder(folder.parent / summary.get("analysed_from", folder.name))
    telemetry = read_recording(flown.telemetry, boot_utc_s=summary.get("boot_utc_s")).telemetry
    assert ship is not None, "a flown mission has a registration"
    return Viewpoints(telemetry, ship, vehicle), looks, sightings, summary


def places(folder: Path) -> list[tuple[float, bool, float, float, float, bool]]:
    """Of each finding that has a parcel: error m, inside the ellipse, error of size, along, in depth, not the first."""
    findings = json.loads((folder / "findings.json").read_text(encoding="utf-8"))["findings"]
    truth = json.loads((folder.parent / "truth.json").read_text(encoding="utf-8"))
    found = []
    taken: set[int] = set()
    for finding in findings:
        gaps = [np.subtract(finding["position_ship_m"], parcel["position_ship_m"]) for parcel in truth["parcels"]]
        nearest = int(np.argmin([np.linalg.norm(gap) for gap in gaps]))
        gap, size_m = gaps[nearest], max(truth["parcels"][nearest]["size_m"])
        if np.linalg.norm(gap) <= NEAR_M:
            # the covariance lies in the plating: two degrees of freedom
            squared = float(gap @ np.linalg.pinv(np.array(finding["cov_ship_m2"]), rcond=1e-3) @ gap)
            inside, size = squared <= chi2.ppf(0.95, 2), finding["size_m"] / size_m - 1
            found.append((float(np.linalg.norm(gap)), inside, size, float(gap[0]), float(gap[2]), nearest in taken))
            taken.add(nearest)
    return found


class Truth:
    """Where the vehicle really was, seen from the ship where she really lay."""

    def __init__(self, path: Path) -> None:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.utc_s = np.array([float(row["utc_s"]) for row in rows])
        self.place = np.array([[float(row[f"ship_{axis}_m"]) for axis in "xyz"] for row in rows])
        angles = [[float(row[f"{name}_deg"]) for name in ("yaw", "pitch", "roll")] for row in rows]
        heading = [float(row["ship_heading_deg"]) for row in rows]
        ship = Rotation.from_euler("z", np.array(heading)[:, None], degrees=True)
        self.turn = ship.inv() * Rotation.from_euler("ZYX", np.array(angles), degrees=True)

    def at(self, utc_s: float) -> Pose:
        index = int(np.clip(np.searchsorted(self.utc_s, utc_s), 1, len(self.utc_s) - 1))
        span = self.utc_s[index] - self.utc_s[index - 1]
        share = float(np.clip((utc_s - self.utc_s[index - 1]) / span, 0, 1))
        place = (1 - share) * self.place[index - 1] + share * self.place[index]
        step = (self.turn[index - 1].inv() * self.turn[index]).as_rotvec()
        return Pose(place, self.turn[index - 1] * Rotation.from_rotvec(share * step))


def coverage(path: Path, parts: int) -> dict[str, float]:
    """Areas asked for and seen, as the folder says and as it really was, m2."""
    folder = MissionFolder(path)
    mission = load_mission(folder.mission_file)
    hull, camera, cells = mission.hull, mission.vehicle.camera, HullCells(mission.hull)
    asked = plan_mission(mission, under_ship=False).asked(cells)
    said = json.loads((path / "coverage.json").read_text(encoding="utf-8"))["cells"]
    known = {
        (side, round(station, 2), round(girth, 2)): looks > 0
        for side, station, girth, looks in zip(
            said["side"], said["station_m"], said["girth_m"], said["looks"], strict=True
        )
    }
    names = np.where(cells.side > 0, "starboard", "port")
    keys = zip(names, np.round(cells.station_m, 2), np.round(cells.girth_m, 2), strict=True)
    claimed = np.array([known.get((str(side), float(s), float(g)), False) for side, s, g in keys])
    near = np.flatnonzero(claimed | asked)
    steps = (np.arange(parts) + 0.5) / parts - 0.5
    offsets = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2) * CELL_M
    side = np.repeat(cells.side[near], len(offsets))
    station = (cells.station_m[near, None] + offsets[:, 0]).ravel()
    girth = np.maximum((cells.girth_m[near, None] + offsets[:, 1]).ravel(), 0.0)
    points, normals = hull.point(side, station, girth), hull.normal(side, station, girth)
    truth = Truth(path.parent / "truth.csv")
    error = json.loads((path.parent / "truth.json").read_text(encoding="utf-8"))["camera_mount_error"]
    views, looks, _, _ = seen_from(path, mission.vehicle)
    reach = REACH_SHARE * mission.file.conditions.visibility_m
    margin, size = np.array([camera.width_px, camera.height_px]) * EDGE, np.array([camera.width_px, camera.height_px])
    seen = np.zeros(len(points), dtype=bool)
    for look in looks:
        view = views.at(look.utc_s)
        if look.suspect or view is None:
            continue
        mount = Pose(
            view.body_ship.to_body(view.camera_ship.position_m),
            view.body_ship.rotation.inv() * view.camera_ship.rotation,
        )
        pose = truth.at(look.utc_s) @ mount_as_fitted(mount, np.array(error["turned_rad"]), np.array(error["moved_m"]))
        index = np.flatnonzero(~seen & (np.abs(points - pose.position_m) < reach).all(axis=1))
        toward = points[index] - pose.position_m
        distance = np.linalg.norm(toward, axis=1)
        cosine = -(toward * normals[index]).sum(axis=1) / distance
        keep = (distance < reach) & (cosine > np.cos(MAX_INCIDENCE_RAD))
        index, toward, distance = index[keep], toward[keep], distance[keep]
        if not len(index):
            continue
        pixels = camera.project(pose.to_body(points[index]))
        with np.errstate(invalid="ignore"):
            inside = ((pixels > margin) & (pixels < size - margin)).all(axis=1)
        index, toward, distance = index[inside], toward[inside], distance[inside]
        if len(index):
            met = hull.cast(pose.position_m, toward / distance[:, None])
            seen[index[met.distance_m > distance - HIDDEN_M]] = True
    share = seen.reshape(len(near), -1).mean(axis=1)
    area, wanted = cells.area_m2[near], asked[near]
    ours = claimed[near]
    return {
        "asked_m2": float(area[wanted].sum()),
        "claimed_asked_m2": float(area[wanted & ours].sum()),
        "exact_asked_m2": float((area * share)[wanted].sum()),
        "claimed_m2": float(area[ours].sum()),
        "exact_m2": float((area * share).sum()),
        "exact_of_claimed_m2": float((area * share)[ours].sum()),
        "never_in_view_m2": float(area[ours & (share == 0)].sum()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--parts", type=int, default=5)
    asked = parser.parse_args()
    found: list[tuple[float, bool, float, float, float, bool]] = []
    for folder in asked.folders:
        found += places(folder)
        areas = coverage(folder, asked.parts)
        said = ", ".join(f"{name} {value:.2f}" for name, value in areas.items())
        differ = areas["claimed_asked_m2"] - areas["exact_asked_m2"]
        searched = areas["claimed_m2"] / areas["exact_m2"] - 1
        of_asked = differ / areas["asked_m2"]
        print(f"{folder.name}: {said}; of what was asked {of_asked:+.2%}, of all seen {searched:+.2%}", flush=True)
    if found:
        errors, inside, sizes, along, depth, again = np.array(found, dtype=np.float64).T
        print(
            f"{len(errors)} findings: error median {np.median(errors):.3f} m, 95 % {np.quantile(errors, 0.95):.3f} m, "
            f"inside the 95 % ellipse {inside.mean():.1%}, size median {np.median(np.abs(sizes)):.1%} "
            f"({np.median(sizes):+.1%}); along {along.mean():+.3f} ± {along.std():.3f} m, "
            f"depth {depth.mean():+.3f} ± {depth.std():.3f} m; {int(again.sum())} of a parcel that has one already"
        )


if __name__ == "__main__":
    main()
