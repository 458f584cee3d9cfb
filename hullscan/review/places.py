"""What is to be read: the findings of the missions on the desk, with their pictures and clips."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from hullscan.clock import Clock
from hullscan.errors import InputError, RecordError
from hullscan.mission.model import load_mission
from hullscan.record.folder import MissionFolder
from hullscan.report.content import Picture, ReportContent, read_content
from hullscan.review.readings import ReadingsStore
from hullscan.video.clip import cut_clip
from hullscan.video.index import load_index

__all__ = ["DeskMission", "Place", "open_missions"]

_CLIP_S = 4.0  # before and after the moment of the picture
_IDENTITY = re.compile(r"[A-Za-z0-9_-]{1,32}")
_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """One place to read: a finding with its pictures."""

    identity: str
    finding: dict[str, Any]
    pictures: list[Picture]


@dataclass(frozen=True, slots=True)
class DeskMission:
    """A mission on the desk.

    Attributes:
        name: of the folder, as it stands in addresses.
        content: by language, as the report has it.
    """

    name: str
    folder: MissionFolder
    content: dict[str, ReportContent]
    places: dict[str, Place]
    store: ReadingsStore

    @property
    def ship(self) -> str:
        """Name of the ship."""
        return self.content["en"].mission.file.ship.name

    def overview(self, language: str) -> Markup:
        """The whole shell with coverage and findings."""
        return self.content[language].overview

    def clip(self, place: Place, cache: Path) -> Path:
        """The seconds around the best picture as an MP4; cut once.

        Raises:
            InputError: the finding has no picture, or the recording does not hold its moment.
            VideoError: the recording cannot be read.
            RecordError: the clip cannot be written.
        """
        target = cache / f"{self.name}-{place.identity}.mp4"
        if target.exists():
            return target
        if not place.pictures:
            raise InputError(f"{place.identity} has no picture")
        utc_s = float(place.pictures[0].frame["utc_s"])
        for source in sorted(self.folder.video.glob("*.mkv")):
            index = load_index(source)
            if index is None:
                continue
            if index.holds(utc_s):
                at_s = index.pts_ms(utc_s) / 1000
                return cut_clip(source, target, begin_s=max(at_s - _CLIP_S, 0.0), end_s=at_s + _CLIP_S)
        raise InputError(f"the recording does not hold {place.identity}")


def open_missions(paths: list[Path], clock: Clock, languages: tuple[str, ...]) -> dict[str, DeskMission]:
    """Open mission folders, by their names.

    Raises:
        HullscanError: one is no mission folder, is damaged, or has a name that another one has.
    """
    missions: dict[str, DeskMission] = {}
    for path in paths:
        folder = MissionFolder.open(path)
        name = _NAME.sub("-", path.resolve().name)
        if name in missions:
            raise InputError(f"two folders are named {name}", todo="rename one")
        mission = load_mission(folder.mission_file)
        content = {language: read_content(folder, language, mission) for language in languages}
        first = content[languages[0]]
        for finding in first.findings:
            if not _IDENTITY.fullmatch(str(finding["id"])):
                raise RecordError(f"{finding['id']!r} is no identity of a finding", where=str(path))
        places = {
            str(finding["id"]): Place(str(finding["id"]), finding, pictures)
            for finding, pictures in zip(first.findings, first.pictures, strict=True)
        }
        missions[name] = DeskMission(name, folder, content, places, ReadingsStore(folder, list(places), clock))
    return missions
