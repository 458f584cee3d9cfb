"""Missions on the desk: what is to be read of each, with its pictures and clips."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import PIL.Image

from hullscan.clock import Clock
from hullscan.errors import HullscanError, InputError, RecordError, VideoError
from hullscan.mission.model import Mission, load_mission
from hullscan.record.folder import MissionFolder
from hullscan.record.results import read_result
from hullscan.record.seal import digest
from hullscan.review.camera_track import CameraTrack, recording_camera, track_points
from hullscan.review.footage import Footage, jpeg
from hullscan.review.hull_picture import HullPicture, hull_picture
from hullscan.review.readings import ReadingsStore
from hullscan.review.sea_chests import Chest, chests_of
from hullscan.review.worklist import Kind, Mixture, Place, make_worklist
from hullscan.video.recorded import RecordedVideo
from hullscan.words import mark

__all__ = ["DeskMission", "Shot", "open_missions"]

_JPEG_END: Final = b"\xff\xd9"
_IDENTITY: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_FLEW: Final = mark("flew it")
_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of a place that is there and whole; ``frame`` is what the results say of it."""

    path: Path
    width_px: int
    height_px: int
    frame: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeskMission:
    """A mission on the desk.

    Attributes:
        name: of the folder, as it stands in addresses.
        start_utc: when it was flown, as text; empty where nobody knows.
        port: by its name, else by the berth's latitude and longitude.
        places: what is to be read, by neutral name.
        chests: the ship's sea chests by identity.
        footage: None without a recording.
        notices: what this desk cannot do for the mission; words for people.
    """

    name: str
    folder: MissionFolder
    mission: Mission
    start_utc: str
    places: dict[str, Place]
    chests: dict[str, Chest]
    store: ReadingsStore
    footage: Footage | None
    picture: HullPicture
    notices: tuple[str, ...] = field(default=())
    _shots: dict[str, list[Shot]] = field(default_factory=dict, init=False)

    @property
    def ship(self) -> str:
        """Name of the ship."""
        return self.mission.file.ship.name

    @property
    def port(self) -> str:
        """Where she lay."""
        return self.mission.file.berth.place

    def shots(self, place: Place) -> list[Shot]:
        """Pictures that are there and whole; a name that leads out of the folder is no picture. They do not change."""
        if place.identity not in self._shots:
            home = self.folder.path if place.kind is Kind.FINDING else self.store.path
            named = zip(place.pictures, place.finding["frames"], strict=True)
            found = [_shot(home, name, frame) for name, frame in named]
            self._shots[place.identity] = [each for each in found if each is not None]
        return self._shots[place.identity]

    def clip(self, place: Place, cache: Path) -> Path:
        """The seconds around the best picture as an MP4; made once.

        Raises:
            InputError: there is no picture or no recording, or it does not hold that moment.
            VideoError: the recording cannot be read.
            RecordError: the clip cannot be written.
        """
        if not place.pictures:
            raise InputError(f"{place.identity} has no picture")
        return self._clip(place.identity, float(place.finding["frames"][0]["utc_s"]), cache, place)

    def chest_clip(self, chest: Chest, cache: Path) -> Path:
        """The same for a sea chest."""
        if not chest.moments_utc_s:
            raise InputError(f"the recording does not show {chest.identity}")
        return self._clip(chest.identity, chest.moments_utc_s[0], cache, None)

    def chest_picture(self, chest: Chest, number: int) -> bytes:
        """A picture of a sea chest, as JPEG."""
        if self.footage is None or number >= len(chest.moments_utc_s):
            raise InputError(f"the recording does not show {chest.identity}")
        return jpeg(self.footage.picture(chest.moments_utc_s[number]).image_bgr)

    def _clip(self, identity: str, utc_s: float, cache: Path, place: Place | None) -> Path:
        target = cache / f"{self.name}-{identity}.mp4"
        if target.exists():
            return target
        if self.footage is None:
            raise InputError(f"the recording does not hold {identity}")
        return self.footage.clip(utc_s, None if place is None else place.planted, target)


def _shot(home: Path, name: str, frame: dict[str, Any]) -> Shot | None:
    """A picture's size by its header, which takes a hundredth of the time of decoding it; whole by its end."""
    path = home / name
    if not path.resolve().is_relative_to(home.resolve()) or not path.is_file():
        return None
    try:
        with PIL.Image.open(path, formats=("JPEG",)) as image:
            width, height = image.size
        with path.open("rb") as file:
            file.seek(-2, os.SEEK_END)
            whole = file.read(2) == _JPEG_END
    except (OSError, ValueError, PIL.Image.DecompressionBombError):
        return None
    return Shot(path, width, height, frame) if whole else None


def open_missions(
    paths: list[Path],
    clock: Clock,
    languages: tuple[str, ...],
    *,
    mixture: Mixture,
    seed: Callable[[], int],
    progress: Progress = lambda name, done, all_: None,
    pilots: Sequence[str] = (),
) -> dict[str, DeskMission]:
    """Open mission folders, by their names.

    Args:
        seed: asked for a number that nobody knows, for each mission whose worklist is made now.
        progress: told of pictures that are made: ship, done, all.
        pilots: who flew them, beside whom their records name; they do not read them.

    Raises:
        HullscanError: one is no mission folder, is damaged, or has a name that another one has.
    """
    missions: dict[str, DeskMission] = {}
    for path in paths:
        folder = MissionFolder.open(path)
        name = _NAME.sub("-", path.resolve().name)
        if name in missions:
            raise InputError(f"two folders are named {name}", todo="rename one")
        missions[name] = opened = _open(name, folder, clock, languages, mixture, seed, progress)
        flown_by = read_result(folder.path / "summary.json").get("pilot")
        for pilot in (*pilots, *([flown_by] if isinstance(flown_by, str) and flown_by else [])):
            opened.store.bar(pilot, _FLEW)
    return missions


def _open(
    name: str,
    folder: MissionFolder,
    clock: Clock,
    languages: tuple[str, ...],
    mixture: Mixture,
    seed: Callable[[], int],
    progress: Progress,
) -> DeskMission:
    mission = load_mission(folder.mission_file)
    results = {each: read_result(folder.path / f"{each}.json") for each in ("findings", "coverage", "track", "summary")}
    try:
        findings: list[dict[str, Any]] = results["findings"]["findings"]
        for finding in findings:
            if not _IDENTITY.fullmatch(str(finding["id"])):
                raise RecordError(f"{finding['id']!r} is no identity of a finding", where=str(folder.path))
        track, footage = _footage(folder, mission, results["track"])
        store = ReadingsStore(folder, clock)
        try:
            sha256 = digest(folder.path / "findings.json")
            if store.worklist(sha256) is None:
                made = make_worklist(
                    mission, findings, results["coverage"], footage, mixture, seed(), store.path,
                    lambda done, all_: progress(mission.file.ship.name, done, all_),
                )  # fmt: skip
                store.keep_worklist(made, sha256)
            places = store.worklist(sha256) or {}
            picture = hull_picture(
                mission, results["coverage"], {place.identity: place.finding for place in places.values()}, languages
            )
        except BaseException:
            store.close()
            raise
    except (LookupError, TypeError, ValueError) as error:
        raise RecordError(
            f"the results are incomplete: {error}", where=str(folder.path), todo="make them again with hullscan analyze"
        ) from error
    missing = mark("The folder holds no recording: no clips, no unflagged hull and no planted parcels are read.")
    start_utc = str(results["summary"].get("start_utc") or "")
    return DeskMission(
        name, folder, mission, start_utc, places, chests_of(mission, track), store, footage, picture,
        (missing,) if footage is None else (),
    )  # fmt: skip


def _footage(
    folder: MissionFolder, mission: Mission, track: dict[str, Any]
) -> tuple[CameraTrack | None, Footage | None]:
    """Where the camera was, and the recording; None where the folder has none."""
    points = track_points(track)
    try:
        with RecordedVideo(folder.video) as video:
            first = video.read(0.0)
    except VideoError:
        first = None
    if first is None:
        return (CameraTrack(mission, points, mission.vehicle.camera) if points else None), None
    height, width = first.image_bgr.shape[:2]
    camera_track = CameraTrack(mission, points, recording_camera(mission, width, height))
    try:
        return camera_track, Footage(folder.video, camera_track, mission.file.conditions.visibility_m)
    except HullscanError:
        return camera_track, None
