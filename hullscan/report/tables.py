"""Findings as points and rows: GeoJSON, KML, CSV."""

from __future__ import annotations

import csv
import io
from typing import Any, Final
from xml.etree import ElementTree

from hullscan.report.source import Source

__all__ = ["findings_csv", "findings_geojson", "findings_kml"]

_KML: Final = "http://www.opengis.net/kml/2.2"
_COLUMNS: Final = (
    "id", "label", "status", "score", "side", "station_m", "girth_m", "depth_m", "radius95_m", "size_m", "views",
    "lat_deg", "lon_deg", "first_utc", "last_utc",
)  # fmt: skip
_SHIP: Final = ("x_ship_m", "y_ship_m", "z_ship_m")
_IN_VIDEO: Final = ("first_stream_s", "last_stream_s")


def findings_geojson(findings: dict[str, Any]) -> dict[str, Any]:
    """A point for each finding (RFC 7946): longitude, latitude, and height, which is minus the depth."""
    features = []
    for finding in findings["findings"]:
        point = [finding["lon_deg"], finding["lat_deg"], -finding["depth_m"]]
        properties = {name: finding[name] for name in _COLUMNS} | {"position_ship_m": finding["position_ship_m"]}
        geometry = {"type": "Point", "coordinates": point}
        features.append({"type": "Feature", "id": finding["id"], "properties": properties, "geometry": geometry})
    return {"type": "FeatureCollection", "features": features}


def findings_csv(findings: dict[str, Any]) -> str:
    """A row for each finding; begins with a byte order mark, without which Korean Excel reads another encoding.

    What nobody knows is an empty cell. Findings without a place have their time in the video beside.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    in_video = _IN_VIDEO if findings.get("placed") is False else ()
    writer.writerow([*_COLUMNS, *_SHIP, *in_video])
    for finding in findings["findings"]:
        place = finding["position_ship_m"] or [None] * len(_SHIP)
        writer.writerow([*(finding[name] for name in _COLUMNS), *place, *(finding[name] for name in in_video)])
    return "\ufeff" + text.getvalue()


def findings_kml(source: Source) -> str:
    """A placemark for each finding, KML 2.2; heights are above the sea, so negative."""
    ElementTree.register_namespace("", _KML)
    root = ElementTree.Element(f"{{{_KML}}}kml")
    document = ElementTree.SubElement(root, f"{{{_KML}}}Document")
    ElementTree.SubElement(
        document, f"{{{_KML}}}name"
    ).text = f"{source.findings['ship']}, {source.findings['mission']}"
    for finding in source.all:
        placemark = ElementTree.SubElement(document, f"{{{_KML}}}Placemark")
        ElementTree.SubElement(placemark, f"{{{_KML}}}name").text = source.title(finding)
        ElementTree.SubElement(placemark, f"{{{_KML}}}description").text = source.place(finding)
        point = ElementTree.SubElement(placemark, f"{{{_KML}}}Point")
        ElementTree.SubElement(point, f"{{{_KML}}}altitudeMode").text = "absolute"
        place = f"{finding['lon_deg']:.7f},{finding['lat_deg']:.7f},{-finding['depth_m']:.2f}"
        ElementTree.SubElement(point, f"{{{_KML}}}coordinates").text = place
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
