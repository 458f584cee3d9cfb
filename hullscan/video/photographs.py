"""A folder of photographs, one after the other, with what the camera wrote into them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from PIL import ExifTags, Image

from hullscan.errors import VideoError
from hullscan.video.frames import Frame

__all__ = ["Photographs", "photographs_in"]

_KINDS: Final = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
_WIDEST_PX: Final = 1920  # what is larger is looked at smaller: the detector takes a picture as a whole
_TAGS, _PLACE = ExifTags.Base, ExifTags.GPS


def photographs_in(folder: Path) -> list[Path]:
    """Its photographs, in the order of their names."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _KINDS and path.is_file())


@dataclass(frozen=True, slots=True)
class Photographs:
    """Photographs as frames: each one's number is its place in the stream.

    Attributes:
        paths: of the pictures.
    """

    paths: tuple[Path, ...]

    def __iter__(self) -> Iterator[Frame]:
        """Every picture that can be read; the others are left out."""
        for number in range(len(self.paths)):
            try:
                yield self.at(number)
            except VideoError:
                continue

    def at(self, number: int) -> Frame:
        """One picture.

        Raises:
            VideoError: it cannot be read.
        """
        path = self.paths[number]
        try:
            image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        except (OSError, cv2.error):
            image = None
        if image is None:
            raise VideoError("the picture cannot be read", where=str(path))
        if image.shape[1] > _WIDEST_PX:
            size = (_WIDEST_PX, max(round(image.shape[0] * _WIDEST_PX / image.shape[1]), 1))
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        return Frame(
            image_bgr=np.asarray(image, np.uint8),
            utc_s=float(number),  # when it was taken is often unknown: ``utc_s`` tells
            stream_s=float(number),
            index=number,
            suspect=False,
        )

    def utc_s(self, number: int) -> float | None:
        """When it was taken; None where it does not say, or not in which time zone."""
        exif = _exif(self.paths[number])
        details = exif.get_ifd(ExifTags.IFD.Exif)
        taken, zone = details.get(_TAGS.DateTimeOriginal), details.get(_TAGS.OffsetTimeOriginal)
        try:
            if zone is None and (place := exif.get_ifd(ExifTags.IFD.GPSInfo)).get(_PLACE.GPSDateStamp):
                hours, minutes, seconds = (float(part) for part in place[_PLACE.GPSTimeStamp])
                day = datetime.strptime(str(place[_PLACE.GPSDateStamp]), "%Y:%m:%d").replace(tzinfo=UTC)
                return day.timestamp() + hours * 3600 + minutes * 60 + seconds
            return datetime.strptime(f"{taken} {zone}", "%Y:%m:%d %H:%M:%S %z").timestamp()
        except (ValueError, LookupError, TypeError, ZeroDivisionError):
            return None

    def said(self, number: int) -> list[tuple[str, str]]:
        """Name of the file, and where the camera says that it was: under a hull that is no fix."""
        words = [("", self.paths[number].name)]
        place = _exif(self.paths[number]).get_ifd(ExifTags.IFD.GPSInfo)
        try:
            lat = _degrees(place[_PLACE.GPSLatitude]) * (-1 if place[_PLACE.GPSLatitudeRef] == "S" else 1)
            lon = _degrees(place[_PLACE.GPSLongitude]) * (-1 if place[_PLACE.GPSLongitudeRef] == "W" else 1)
        except (LookupError, ValueError, TypeError, ZeroDivisionError):
            return words
        return [*words, ("GPS", f"{lat:.6f}°, {lon:.6f}°")]


def _exif(path: Path) -> Image.Exif:
    try:
        with Image.open(path) as picture:
            return picture.getexif()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return Image.Exif()


def _degrees(parts: Any) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600
