"""A plan in the formats of other programs: QGroundControl's .plan, .waypoints, GeoJSON, KML, placed by the berth.

They are for looking at and for handing over. The route is relative to a hull that lies where the mission file says,
on heights below the surface; hullscan itself flies by the hull that it measures. Altitudes are negative depths,
relative to home at the surface (MAV_FRAME_GLOBAL_RELATIVE_ALT), because that is what ArduSub reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import numpy as np

from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.patterns import Leg
from hullscan.mission.plan import Plan

__all__ = ["export_plan", "plan_geojson", "plan_kml", "plan_qgc", "plan_waypoints", "qgc_file", "qgc_waypoint"]

_APART_M, _TURN_RAD = 4.0, float(np.radians(10))  # between waypoints: where the way bends more they lie closer
_RELATIVE_ALTITUDE, _WAYPOINT, _CHANGE_SPEED = 3, 16, 178  # MAV_FRAME and MAV_CMD
_ARDUPILOT, _SUBMARINE = 3, 12  # MAV_AUTOPILOT and MAV_TYPE
_KML: Final = "http://www.opengis.net/kml/2.2"


@dataclass(frozen=True, slots=True)
class _Waypoint:
    lat_deg: float
    lon_deg: float
    depth_m: float
    heading_deg: float


def export_plan(plan: Plan, mission: Mission, folder: Path) -> list[Path]:
    """Write all formats beside ``plan.json``.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "mission.plan": json.dumps(plan_qgc(plan, mission), indent=1),
        "mission.waypoints": plan_waypoints(plan, mission),
        "plan.geojson": json.dumps(plan_geojson(plan, mission), indent=1, ensure_ascii=False),
        "plan.kml": plan_kml(plan, mission),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return [folder / name for name in texts]


def plan_qgc(plan: Plan, mission: Mission) -> dict[str, Any]:
    """QGroundControl's plan file, version 1 with mission version 2 (its developer guide, "Plan File Format")."""
    items: list[dict[str, Any]] = []
    for leg in plan.legs:
        items.append(_item(_CHANGE_SPEED, [1, leg.speed_mps, -1, 0, 0, 0, 0], len(items) + 1, 2))
        for at in _waypoints(leg, mission):
            params = [0, 0, 0, round(at.heading_deg, 1), at.lat_deg, at.lon_deg, round(-at.depth_m, 2)]
            items.append(_item(_WAYPOINT, params, len(items) + 1, _RELATIVE_ALTITUDE))
    home = _home(plan, mission)
    return qgc_file(items, (home.lat_deg, home.lon_deg), mission.vehicle.survey_speed_mps)


def qgc_file(items: list[dict[str, Any]], home_deg: tuple[float, float], speed_mps: float) -> dict[str, Any]:
    """The plan file around its items; ``home_deg`` is latitude and longitude."""
    return {
        "fileType": "Plan",
        "groundStation": "QGroundControl",
        "version": 1,
        "geoFence": {"circles": [], "polygons": [], "version": 2},
        "rallyPoints": {"points": [], "version": 2},
        "mission": {
            "version": 2,
            "firmwareType": _ARDUPILOT,
            "vehicleType": _SUBMARINE,
            "cruiseSpeed": speed_mps,
            "hoverSpeed": speed_mps,
            "globalPlanAltitudeMode": 1,
            "plannedHomePosition": [*map(float, home_deg), 0],
            "items": items,
        },
    }


def qgc_waypoint(number: int, lat_deg: float, lon_deg: float, depth_m: float) -> dict[str, Any]:
    """A waypoint of a plan file; the heading is left as it is."""
    params: list[Any] = [0, 0, 0, None, float(lat_deg), float(lon_deg), round(-float(depth_m), 2)]
    return _item(_WAYPOINT, params, number, _RELATIVE_ALTITUDE)


def _item(command: int, params: list[Any], number: int, frame: int) -> dict[str, Any]:
    item: dict[str, Any] = {
        "type": "SimpleItem",
        "autoContinue": True,
        "command": command,
        "doJumpId": number,
        "frame": frame,
        "params": params,
    }
    if command == _WAYPOINT:
        item |= {"Altitude": params[6], "AltitudeMode": 1, "AMSLAltAboveTerrain": None}
    return item


def plan_waypoints(plan: Plan, mission: Mission) -> str:
    """Waypoints as Mission Planner and MAVProxy read them: ``QGC WPL 110``, home first."""
    home = _home(plan, mission)
    rows: list[tuple[Any, ...]] = [(1, 0, _WAYPOINT, 0, 0, 0, 0, home.lat_deg, home.lon_deg, 0.0)]
    for leg in plan.legs:
        rows.append((0, 2, _CHANGE_SPEED, 1, leg.speed_mps, -1, 0, 0.0, 0.0, 0.0))
        for at in _waypoints(leg, mission):
            rows.append(
                (0, _RELATIVE_ALTITUDE, _WAYPOINT, 0, 0, 0, at.heading_deg, at.lat_deg, at.lon_deg, -at.depth_m)
            )
    lines = ["QGC WPL 110"]
    for number, (current, frame, command, *params) in enumerate(rows):
        numbers = [f"{value:.8f}" for value in params]
        lines.append("\t".join([str(number), str(current), str(frame), str(command), *numbers, "1"]))
    return "\n".join(lines) + "\n"


def plan_geojson(plan: Plan, mission: Mission) -> dict[str, Any]:
    """A line for each leg; coordinates are longitude, latitude and height (RFC 7946), height being minus the depth."""
    features = []
    for number, leg in enumerate(plan.legs, start=1):
        line = [[at.lon_deg, at.lat_deg, round(-at.depth_m, 2)] for at in _waypoints(leg, mission)]
        properties = {
            "leg": number,
            "zone": leg.zone,
            "pattern": leg.pattern,
            "surveys": leg.surveys,
            "start_s": round(leg.start_s, 1),
            "end_s": round(leg.end_s, 1),
            "speed_mps": leg.speed_mps,
        }
        geometry = {"type": "LineString", "coordinates": line}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return {"type": "FeatureCollection", "features": features}


def plan_kml(plan: Plan, mission: Mission) -> str:
    """A placemark for each leg, KML 2.2; heights are above the sea, so negative."""
    ElementTree.register_namespace("", _KML)
    root = ElementTree.Element(f"{{{_KML}}}kml")
    document = ElementTree.SubElement(root, f"{{{_KML}}}Document")
    ElementTree.SubElement(document, f"{{{_KML}}}name").text = mission.file.mission
    for number, leg in enumerate(plan.legs, start=1):
        placemark = ElementTree.SubElement(document, f"{{{_KML}}}Placemark")
        ElementTree.SubElement(placemark, f"{{{_KML}}}name").text = f"{number}: {leg.zone}, {leg.pattern}"
        line = ElementTree.SubElement(placemark, f"{{{_KML}}}LineString")
        ElementTree.SubElement(line, f"{{{_KML}}}altitudeMode").text = "absolute"
        ElementTree.SubElement(line, f"{{{_KML}}}coordinates").text = " ".join(
            f"{at.lon_deg:.8f},{at.lat_deg:.8f},{-at.depth_m:.2f}" for at in _waypoints(leg, mission)
        )
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _home(plan: Plan, mission: Mission) -> _Waypoint:
    """Where the vehicle goes down."""
    return next(_placed(plan.legs[0].poses[:1], mission))


def _waypoints(leg: Leg, mission: Mission) -> list[_Waypoint]:
    """Poses of a leg, thinned: its ends, and between them where it has gone on or turned enough."""
    poses, keep = leg.poses, [0]
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(poses[:, 1:4], axis=0), axis=1))])
    for index in range(1, len(poses) - 1):
        if along[index] - along[keep[-1]] >= _APART_M or abs(poses[index, 4] - poses[keep[-1], 4]) >= _TURN_RAD:
            keep.append(index)
    return list(_placed(poses[[*keep, len(poses) - 1]], mission))


def _placed(poses: Array, mission: Mission) -> Iterator[_Waypoint]:
    """Poses (n, 7) of the ship frame on the earth, by the berth."""
    berth = mission.file.berth
    for (north, east, _), pose in zip(berth.ship_pose.to_ned(poses[:, 1:4]), poses, strict=True):
        lat, lon = berth.origin.to_geodetic(float(north), float(east))
        heading = (np.degrees(pose[4]) + berth.heading_deg) % 360
        yield _Waypoint(round(lat, 8), round(lon, 8), float(pose[3]), float(heading))
