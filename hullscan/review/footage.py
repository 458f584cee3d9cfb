"""Pictures and clips of the places on the desk, out of the recording, each by the same road.

A planted parcel must not show in anything but the picture. So every clip is decoded, followed, drawn into and encoded
again, whether the drawing is kept or thrown away, and every picture is a JPEG of one quality.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hullscan.errors import InputError, RecordError, VideoError
from hullscan.geometry.frames import Array
from hullscan.review.camera_track import CameraTrack
from hullscan.review.parcel import Parcel, Sprite, draw_parcel, random_parcel
from hullscan.review.planting import box_in, movements, plant
from hullscan.review.water import Water, measure_water, patch_centres
from hullscan.video.clip import encode_clip
from hullscan.video.frames import Frame, Image
from hullscan.video.recorded import RecordedVideo

__all__ = ["Footage", "Planted"]

_CLIP_S = 3.0  # before and after the moment of the picture
_SAME_MOMENT_S = 0.2
_FOLLOWED_PX = 480  # pictures are followed at this width: six seconds of a large camera at once would take gigabytes
_JPEG_QUALITY = 95  # of the pictures of findings, see record.finish
_FAR_SHARE, _FAR_PICTURES = 0.75, 4  # of the visibility: from there 5 % of the contrast are left
_WATER_SECONDS = (-20.0, -8.0, -2.0, 0.0, 2.0, 8.0, 20.0)


@dataclass(frozen=True, slots=True)
class Planted:
    """Where and how a parcel lies that is drawn in.

    Attributes:
        point_m, normal: (3,) of the hull under it, ship frame.
        utc_s: of the picture for which it is drawn.
    """

    parcel: Parcel
    point_m: Array
    normal: Array
    utc_s: float

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Planted:
        """As it was kept."""
        point, normal = (np.array(kept[name], dtype=np.float64) for name in ("point_m", "normal"))
        return cls(Parcel.from_json(kept["parcel"]), point, normal, float(kept["utc_s"]))

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "parcel": self.parcel.to_json(), "point_m": [float(v) for v in self.point_m],
            "normal": [float(v) for v in self.normal], "utc_s": self.utc_s,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Film:
    """Pictures round a moment, read twice: one after the other they take tens of megabytes less than all at once.

    Attributes:
        utc_s: of each.
        movements: from the picture in the middle to each, see ``planting.movements``.
    """

    centre_utc_s: float
    utc_s: list[float]
    movements: list[Array | None]


class Footage:
    """The recording of a mission.

    Args:
        video: ``video/`` of its folder.
        track: where the camera was.
        visibility_m: as the mission states it.

    Raises:
        VideoError: there is no recording.
    """

    def __init__(self, video: Path, track: CameraTrack, visibility_m: float) -> None:
        self._video, self.track, self._visibility_m = RecordedVideo(video), track, visibility_m
        self._far_pictures: list[Image] | None = None

    def picture(self, utc_s: float) -> Frame:
        """The picture nearest to a time.

        Raises:
            VideoError: there is none.
        """
        return self._video.picture_of(utc_s)

    def water(self, utc_s: float) -> Water:
        """The water as the pictures round a moment show it."""
        camera = self.track.camera
        centres = patch_centres(camera.width_px, camera.height_px)
        pictures = []
        for away_s in _WATER_SECONDS:
            range_m = self.track.ranges_m(utc_s + away_s, centres)
            if np.isfinite(range_m).any():
                found = next(self._video.pictures_round(utc_s + away_s, 0.0, 0.2), None)
                pictures += [] if found is None else [(found.image_bgr, range_m)]
        if not pictures:
            raise InputError("no picture round that moment shows the hull")
        return measure_water(pictures, self._far(), self._visibility_m)

    def _far(self) -> list[Image]:
        """A few pictures in which no hull is near enough to be seen; sought once."""
        if self._far_pictures is None:
            self._far_pictures = []
            times = self.track.far_s(_FAR_SHARE * self._visibility_m)
            for utc_s in times[:: max(len(times) // _FAR_PICTURES, 1)][:_FAR_PICTURES]:
                with contextlib.suppress(VideoError):  # before the recording began
                    self._far_pictures.append(self.picture(float(utc_s)).image_bgr)
        return self._far_pictures

    def sprite(self, planted: Planted) -> Sprite | None:
        """A parcel as the camera sees it at its moment."""
        pose = self.track.at(planted.utc_s)
        if pose is None:
            return None
        return draw_parcel(planted.parcel, planted.point_m, planted.normal, self.track.camera, pose)

    def pictures_with(self, planted: Planted, seconds: list[float]) -> list[tuple[float, Image, tuple[float, ...]]]:
        """(UTC, picture, box) at the parcel's moment and so many seconds beside it, where it is whole."""
        sprite = self.sprite(planted)
        if sprite is None:
            return []
        film, water = self._film(planted.utc_s), self.water(planted.utc_s)
        away_s = np.array(film.utc_s) - planted.utc_s
        nearest = [int(np.argmin(np.abs(away_s - second))) for second in seconds]
        wanted = {n for n, second in zip(nearest, seconds, strict=True) if abs(away_s[n] - second) < _SAME_MOMENT_S}
        found: dict[int, tuple[float, Image, tuple[float, ...]]] = {}
        for number, frame in enumerate(self._frames(film.centre_utc_s)):
            movement = film.movements[number]
            if number not in wanted or movement is None:
                continue
            box = box_in(movement, sprite)
            height, width = frame.image_bgr.shape[:2]
            if box[0] < 0 or box[1] < 0 or box[2] > width or box[3] > height:
                continue
            rng = np.random.default_rng([planted.parcel.seed, number])
            found[number] = (frame.utc_s, plant(frame.image_bgr, sprite, movement, water, rng), box)
        return [found[number] for number in nearest if number in found]

    def clip(self, utc_s: float, planted: Planted | None, target: Path) -> Path:
        """The seconds round a moment as an MP4.

        Raises:
            VideoError: the recording cannot be read, or does not hold that moment.
            RecordError: the clip cannot be written.
        """
        film = self._film(utc_s if planted is None else planted.utc_s)
        return encode_clip(self._shown(film, utc_s, planted), target)

    def _shown(self, film: _Film, utc_s: float, planted: Planted | None) -> Iterator[tuple[float, Image]]:
        sprite, water = self._drawn(utc_s, planted)
        seed = 0 if planted is None else planted.parcel.seed
        for number, frame in enumerate(self._frames(film.centre_utc_s)):
            made, movement = frame.image_bgr, film.movements[number]
            if sprite is not None and movement is not None:
                made = plant(made, sprite, movement, water, np.random.default_rng([seed, number]))
            yield frame.stream_s, frame.image_bgr if planted is None else made

    def _drawn(self, utc_s: float, planted: Planted | None) -> tuple[Sprite | None, Water]:
        """What is drawn in; where nothing is planted something to be thrown away, which takes as long."""
        if planted is not None:
            return self.sprite(planted), self.water(planted.utc_s)
        pose, camera = self.track.at(utc_s), self.track.camera
        water = self.water(utc_s)
        if pose is None:
            return None, water
        ahead = pose.directions_to_parent(np.array([[0.0, 0.0, 1.0]]))[0]
        range_m = float(np.median(self.track.ranges_m(utc_s, np.array([[camera.cx_px, camera.cy_px]]))))
        away_m = range_m if np.isfinite(range_m) else 1.5
        parcel = random_parcel(np.random.default_rng(0))
        return draw_parcel(parcel, pose.position_m + away_m * ahead, -ahead, camera, pose), water

    def _film(self, utc_s: float) -> _Film:
        times, greys = [], []
        share = min(1.0, _FOLLOWED_PX / self.track.camera.width_px)
        for frame in self._frames(utc_s):
            times.append(frame.utc_s)
            grey = cv2.cvtColor(frame.image_bgr, cv2.COLOR_BGR2GRAY)
            greys.append(cv2.resize(grey, None, fx=share, fy=share, interpolation=cv2.INTER_AREA))
        if not times or min(abs(each - utc_s) for each in times) > 1.0:
            raise InputError("the recording does not hold that moment")
        moved = movements(greys, int(np.argmin(np.abs(np.array(times) - utc_s))))
        whole = np.array([[1.0, 1.0, 1 / share], [1.0, 1.0, 1 / share]])  # of an affine map only the shift has a scale
        return _Film(utc_s, times, [None if each is None else each * whole for each in moved])

    def _frames(self, utc_s: float) -> Iterator[Frame]:
        return self._video.pictures_round(utc_s, _CLIP_S, _CLIP_S)


def jpeg(image: Image) -> bytes:
    """A picture as all pictures of the desk are.

    Raises:
        RecordError: it cannot be encoded.
    """
    done, raw = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        raise RecordError("a picture cannot be encoded")
    return raw.tobytes()
