"""The way that was flown, as a plan file: QGroundControl draws it on its map."""

from __future__ import annotations

from typing import Any

import numpy as np

from hullscan.errors import RecordError
from hullscan.report.plan_export import qgc_file, qgc_waypoint

__all__ = ["track_qgc"]

_APART_M, _TURN_DEG = 1.0, 10.0  # between waypoints: where the way bends more they lie closer


def track_qgc(track: dict[str, Any]) -> dict[str, Any]:
    """Content of a ``.plan`` from that of ``track.json``: waypoints where the vehicle was, as it headed.

    It is for looking at. Places are reckoned from where the ship lay.

    Raises:
        RecordError: the track is empty, or older than its latitudes and longitudes.
    """
    if not track["points"] or "lat_deg" not in track["columns"]:
        raise RecordError("there is no track with latitudes and longitudes", todo="run hullscan analyze on the folder")
    points = np.array(track["points"], dtype=np.float64)
    place = {name: points[:, number] for number, name in enumerate(track["columns"])}
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points[:, 1:4], axis=0), axis=1))])
    kept = [0]
    for index in range(1, len(points) - 1):
        turned = abs((place["yaw_deg"][index] - place["yaw_deg"][kept[-1]] + 180) % 360 - 180)
        if along[index] - along[kept[-1]] >= _APART_M or turned >= _TURN_DEG:
            kept.append(index)
    if len(points) > 1:
        kept.append(len(points) - 1)
    items = [
        qgc_waypoint(number, place["lat_deg"][index], place["lon_deg"][index], place["z_m"][index])
        for number, index in enumerate(kept, start=1)
    ]
    seconds = max(points[-1, 0] - points[0, 0], 1.0)
    return qgc_file(items, (place["lat_deg"][0], place["lon_deg"][0]), round(float(along[-1] / seconds), 2))
