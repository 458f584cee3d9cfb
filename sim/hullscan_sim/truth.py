"""The record of truth: where the vehicle really was, what lies on the hull, what was touched.

``truth.csv`` has ten lines a second; ``truth.json`` is written anew every half second, by replacing the file, so
that a killed simulator leaves a whole one. Of the product only ``hullscan evaluate`` reads the latter, to count.
"""

from __future__ import annotations

import csv
import json
from math import degrees, inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np

from hullscan.errors import RecordError
from hullscan_sim.as_built import mount_error
from hullscan_sim.camera.ship_scene import hidden_shares
from hullscan_sim.contact import Contacts
from hullscan_sim.dynamics import RigidBody
from hullscan_sim.world import World

__all__ = ["COLUMNS", "TruthRecorder", "parcel_places"]

COLUMNS = (
    "t_s", "utc_s", "north_m", "east_m", "down_m", "ship_x_m", "ship_y_m", "ship_z_m", "roll_deg", "pitch_deg",
    "yaw_deg", "clearance_m", "contacts", "thrust_n", "ship_north_m", "ship_east_m", "ship_heading_deg",
)  # fmt: skip


def parcel_places(world: World) -> list[dict[str, Any]]:
    """Each parcel with its hull coordinates and the point of the hull under its centre.

    Of one inside a sea chest that is the point of the opening before it. ``hidden_share`` is the share of its outline,
    seen from straight ahead at 1.5 m, that bars, plating or anything else of the ship hides.
    """
    places = []
    hidden = hidden_shares(world.scenario, world.stated, world.hull)
    for index, (parcel, place) in enumerate(zip(world.scenario.parcels, world.parcel_places, strict=True)):
        sides, station = np.array([place.side], dtype=np.int8), np.array([place.station_m])
        point = world.hull.point(sides, station, np.array([place.girth_m]))[0]
        places.append(
            {
                "id": f"parcel-{index + 1}",
                "kind": parcel.kind,
                "size_m": list(parcel.size_m),
                "side": parcel.side,
                "inside": parcel.inside,
                "station_m": round(place.station_m, 4),
                "girth_m": round(place.girth_m, 4),
                "depth_m": round(float(point[2]), 4),
                "position_ship_m": [round(float(part), 4) for part in point],
                "hidden_share": hidden[index],
                "seen_cells_m2": None,
            }
        )
    return places


class TruthRecorder:
    """Writes both files into a folder.

    Args:
        folder: created when it is not there.
        world: ship and parcels.
        start_utc_s: UTC of simulated time zero.

    Raises:
        RecordError: the folder cannot be written.
    """

    PERIOD_S = 0.1
    FLUSH_S = 0.5

    def __init__(self, folder: Path, world: World, start_utc_s: float) -> None:
        self._folder, self._world, self._start_utc_s = folder, world, start_utc_s
        self.parcels = parcel_places(world)
        self._next_s = self._flush_s = 0.0
        self._to_propeller_m = inf
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / "truth.csv").open("w", newline="", encoding="utf-8")
        except OSError as error:
            raise RecordError(f"cannot write {folder}: {error.strerror}", todo="choose another folder") from error
        self._rows = csv.writer(self._file)
        self._rows.writerow(COLUMNS)

    def step(self, time_s: float, body: RigidBody, contacts: Contacts, thrust_n: float) -> None:
        """Write a line when it is due."""
        if time_s < self._next_s - 1e-9:
            return
        self._next_s += self.PERIOD_S
        x, y, z = self._world.to_ship(body.position)
        self._to_propeller_m = min(self._to_propeller_m, self._world.fitted.to_propeller_m(x, y, z))
        angles = [round(degrees(angle), 3) for angle in body.euler_rad]
        places = [round(part, 4) for part in (*body.position, x, y, z)]
        utc_s = round(self._start_utc_s + time_s, 3)
        touch = (round(contacts.clearance_m, 4), contacts.count, round(thrust_n, 2))
        pose = self._world.ship_pose
        ship = (round(pose.north_m, 4), round(pose.east_m, 4), round(degrees(pose.heading_rad) % 360, 4))
        self._rows.writerow([round(time_s, 3), utc_s, *places, *angles, *touch, *ship])
        if time_s >= self._flush_s - 1e-9:
            self._flush_s += self.FLUSH_S
            self.flush(contacts)

    def flush(self, contacts: Contacts) -> None:
        """Bring both files up to date on disk."""
        pose, motion = self._world.motion.rest, self._world.motion
        scenario = self._world.scenario
        turned_rad, moved_m = mount_error(scenario.vehicle.mount_deg, scenario.vehicle.mount_m, scenario.seed)
        least = contacts.min_clearance_m
        truth = {
            "schema": "hullscan.truth/1",
            "ship_pose_ned": {
                "north_m": pose.north_m,
                "east_m": pose.east_m,
                "heading_deg": degrees(pose.heading_rad) % 360,
                "down_m": pose.down_m,
                "origin_lat_deg": self._world.origin.lat_deg,
                "origin_lon_deg": self._world.origin.lon_deg,
            },
            "camera_mount_error": {"turned_rad": turned_rad.tolist(), "moved_m": moved_m.tolist()},
            "ship_moves": not motion.still,
            "parcels": self.parcels,
            "contacts": contacts.count,
            "min_clearance_m": round(least, 4) if np.isfinite(least) else None,
            "min_to_propeller_m": round(self._to_propeller_m, 3) if isfinite(self._to_propeller_m) else None,
            "trajectory": "truth.csv",
        }
        try:
            self._file.flush()
            fresh = self._folder / "truth.json.new"
            fresh.write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
            fresh.replace(self._folder / "truth.json")
        except OSError as error:
            raise RecordError(f"cannot write {self._folder}: {error.strerror}", todo="free some space") from error

    def close(self, contacts: Contacts) -> None:
        """Last flush."""
        self.flush(contacts)
        self._file.close()
