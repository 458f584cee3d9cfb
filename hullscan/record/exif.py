"""EXIF of a finding's picture: where the vehicle was, what it looked at, how sure that is, and when.

Readers know two places apart (EXIF 2.32, GPS tags): latitude and longitude are the camera's, the destination is the
subject's. Under a hull neither is a fix: both follow from where the ship lay. So hull coordinates come first, as JSON
in the user comment and in words in the description. The picture itself is not encoded again.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from hullscan import __version__
from hullscan.clock import utc_text
from hullscan.errors import RecordError
from hullscan.findings.viewpoint import Viewpoint
from hullscan.geometry.frames import ShipPose

__all__ = ["PictureFacts", "exif_of", "tagged", "true_direction_deg", "without_exif"]

_SOI, _APP1 = b"\xff\xd8", b"\xff\xe1"
_SOS: Final = 0xDA  # the picture's own data begin
_NOTES: Final = (*range(0xE1, 0xF0), 0xFE)  # APP1 to APP15, comments
_MOST_BYTES: Final = 65_533  # of a JPEG segment
_WATER_DEPTH: Final = 0x9403  # EXIF 2.32: metres under the water's surface
_BELOW_SEA_LEVEL: Final = b"\x01"  # GPSAltitudeRef
_GPS, _BASE = ExifTags.GPS, ExifTags.Base


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFacts:
    """What is written into one picture.

    Attributes:
        camera_lat_deg, camera_lon_deg, camera_depth_m: where the vehicle was.
        direction_deg: of the optical axis, clockwise from true north.
        finding: its record in ``findings.json``: the subject, with its place and its error.
        range_m: from the camera to the subject.
    """

    utc_s: float
    camera_lat_deg: float
    camera_lon_deg: float
    camera_depth_m: float
    direction_deg: float
    finding: dict[str, Any]
    range_m: float
    vehicle: str


def true_direction_deg(view: Viewpoint, ship_on_earth: ShipPose) -> float:
    """Where the camera looks, clockwise from true north."""
    axis_ship = view.camera_ship.directions_to_parent(np.array([[0.0, 0.0, 1.0]]))[0]
    north, east, _ = ship_on_earth.as_pose.rotation.apply(axis_ship)
    return float(np.degrees(np.arctan2(east, north)) % 360)


def exif_of(facts: PictureFacts) -> bytes:
    """The EXIF block of a picture, as it stands in a JPEG."""
    finding = facts.finding
    exif = Image.Exif()
    place = f"{finding['side']}, station {finding['station_m']:.2f} m, depth {finding['depth_m']:.2f} m"
    exif[_BASE.ImageDescription] = (
        f"{finding['id']} possible {finding['label']}: {place}, 95 % radius {finding['radius95_m']:.2f} m"
    )
    exif[_BASE.Software] = f"hullscan {__version__}"
    exif[_BASE.Model] = facts.vehicle
    # utc_text rounds down to the millisecond, so all of the time comes from it
    date, clock = utc_text(facts.utc_s)[:23].split("T")
    hours, minutes, seconds = clock.split(":")
    taken = f"{date.replace('-', ':')} {clock[:8]}"
    exif[_BASE.DateTime] = taken
    keys = ("id", "side", "station_m", "girth_m", "depth_m", "position_ship_m", "cov_ship_m2", "radius95_m", "score")
    subject = {"schema": "hullscan.picture/1", **{key: finding[key] for key in keys}, "range_m": facts.range_m}
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {
            _BASE.DateTimeOriginal: taken,
            _BASE.OffsetTimeOriginal: "+00:00",
            _BASE.SubsecTimeOriginal: clock[9:],
            _BASE.SubjectDistance: _ratio(facts.range_m, 100),
            _WATER_DEPTH: _ratio(facts.camera_depth_m, 100),
            _BASE.UserComment: b"ASCII\0\0\0" + json.dumps(subject, ensure_ascii=True).encode("ascii"),
        }
    )
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            _GPS.GPSVersionID: b"\x02\x03\x00\x00",
            **_degrees(_GPS.GPSLatitudeRef, facts.camera_lat_deg, "NS"),
            **_degrees(_GPS.GPSLongitudeRef, facts.camera_lon_deg, "EW"),
            _GPS.GPSAltitudeRef: _BELOW_SEA_LEVEL,
            _GPS.GPSAltitude: _ratio(max(facts.camera_depth_m, 0.0), 100),
            _GPS.GPSTimeStamp: (_ratio(int(hours), 1), _ratio(int(minutes), 1), _ratio(float(seconds), 1000)),
            _GPS.GPSDateStamp: date.replace("-", ":"),
            _GPS.GPSImgDirectionRef: "T",
            _GPS.GPSImgDirection: _ratio(facts.direction_deg, 100),
            _GPS.GPSMapDatum: "WGS-84",
            **_degrees(_GPS.GPSDestLatitudeRef, finding["lat_deg"], "NS"),
            **_degrees(_GPS.GPSDestLongitudeRef, finding["lon_deg"], "EW"),
            _GPS.GPSDestDistanceRef: "K",
            _GPS.GPSDestDistance: _ratio(facts.range_m / 1000, 100_000),
            _GPS.GPSHPositioningError: _ratio(finding["radius95_m"], 100),
            # reckoned from where the ship lay, not measured by satellites
            _GPS.GPSProcessingMethod: b"ASCII\0\0\0MANUAL",
        }
    )
    return exif.tobytes()


def tagged(jpeg: bytes, exif: bytes) -> bytes:
    """A JPEG with an EXIF block behind its first marker; the picture's own bytes stay as they are.

    Raises:
        RecordError: it is no JPEG, or the block is too long for one.
    """
    if jpeg[:2] != _SOI or len(exif) > _MOST_BYTES:
        raise RecordError("the place of a picture cannot be written into it: it is no JPEG, or the text is too long")
    return _SOI + _APP1 + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def without_exif(jpeg: bytes) -> bytes:
    """A JPEG without what programs have written into it beside the picture; what is no JPEG comes back as it is."""
    kept, at = [jpeg[:2]], 2
    while jpeg[at : at + 1] == b"\xff" and at + 4 <= len(jpeg) and jpeg[at + 1] != _SOS:
        end = at + 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
        if jpeg[at + 1] not in _NOTES:
            kept.append(jpeg[at:end])
        at = end
    return b"".join([*kept, jpeg[at:]])


def _ratio(value: float, parts: int) -> IFDRational:
    return IFDRational(Fraction(round(value * parts), parts))


def _degrees(reference: int, value_deg: float, signs: str) -> dict[int, Any]:
    """Degrees, minutes and seconds (to 1e-5 of one, 0.3 mm) under the tag that follows its reference."""
    whole = round(abs(value_deg) * 360_000_000)
    minutes, seconds = divmod(whole, 6_000_000)
    parts = (_ratio(minutes // 60, 1), _ratio(minutes % 60, 1), _ratio(seconds / 100_000, 100_000))
    return {reference: signs[value_deg < 0], reference + 1: parts}
