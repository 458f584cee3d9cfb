"""What is read: the findings, a share of the hull that nobody flagged, and planted parcels, mixed under neutral names.

A reader is not told which is which. Places are named in the order in which they lie along the ship; what each one
really is stands in the worklist beside the mission, which no page shows before the mission is signed off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np

from hullscan.clock import utc_text
from hullscan.errors import HullscanError, RecordError
from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.review.footage import Footage, Planted, jpeg
from hullscan.review.parcel import random_parcel
from hullscan.review.sampling import Candidate, HullToSample
from hullscan.search.looks import REACH_SHARE
from hullscan.ship.surface import side_name

__all__ = ["Kind", "Mixture", "Place", "make_worklist"]

_SHOWN: Final = 3  # pictures of a place, as many as of a finding
_APART_S: Final = 1.0  # pictures of a finding are so far apart
_BESIDE_S: Final = (1.0, 2.2)  # pictures of a planted parcel lie so long before and after the one it is drawn for
_TRIES: Final = 60
_OVERLAP_S: Final = 7.0  # no other clip may show a planted parcel's place without it
_BOX_SLACK: Final = 0.08  # detectors place edges to about so much of the object
_SIZES_M: Final = (0.3, 0.8)  # of what a sample's box would hold, where no finding tells how large boxes are


class Kind(StrEnum):
    """What a place really is."""

    FINDING = "finding"
    SAMPLE = "sample"
    PLANTED = "planted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """How much is mixed in.

    Attributes:
        sample_share: of the seen hull that nobody flagged.
        planted: parcels; None takes a tenth of everything else, two at least, twelve at most.
    """

    sample_share: float = 0.05
    planted: int | None = None

    def count(self, others: int) -> int:
        """Parcels beside so many other places."""
        return min(max(round(0.1 * others), 2), 12) if self.planted is None else self.planted


@dataclass(frozen=True, slots=True)
class Place:
    """One place to read.

    Attributes:
        identity: its neutral name.
        finding: as ``findings.json`` has it, also for what is none.
        pictures: files, relative to the mission folder of a finding, else to the readings beside it.
        planted: what is drawn into its pictures.
    """

    identity: str
    kind: Kind
    finding: dict[str, Any]
    pictures: tuple[str, ...]
    planted: Planted | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "identity": self.identity, "kind": self.kind.value, "finding": self.finding,
            "pictures": list(self.pictures), "planted": None if self.planted is None else self.planted.to_json(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Place:
        """As it was kept."""
        planted = None if kept["planted"] is None else Planted.from_json(kept["planted"])
        return cls(str(kept["identity"]), Kind(kept["kind"]), kept["finding"], tuple(kept["pictures"]), planted)


def make_worklist(
    mission: Mission,
    findings: list[dict[str, Any]],
    coverage: dict[str, Any],
    footage: Footage | None,
    mixture: Mixture,
    seed: int,
    home: Path,
    progress: Callable[[int, int], None] = lambda done, all_: None,
) -> list[Place]:
    """Choose what is mixed in, make its pictures, and name everything.

    Args:
        footage: without a recording nothing is mixed in.
        seed: whoever knows it knows what is planted.
        home: of the readings; pictures go into ``media/`` in it.
    """
    places = [
        Place("", Kind.FINDING, finding, tuple(str(f["file"]) for f in finding["frames"])) for finding in findings
    ]
    if footage is not None:
        mixer = _Mixer(mission, findings, footage, home / "media")
        hull = HullToSample(mission, coverage, findings)
        samples = hull.sample(mixture.sample_share, np.random.default_rng([seed, 1]))
        wanted = len(samples) + mixture.count(len(findings) + len(samples))
        for number, candidate in enumerate(samples, start=1):
            places += mixer.sample(candidate, np.random.default_rng([seed, 2, number]))
            progress(number, wanted)
        rng, planted = np.random.default_rng([seed, 3]), 0
        for tried, candidate in enumerate(hull.anywhere(rng)):
            if planted >= wanted - len(samples):
                break
            # fewer pictures than of a finding only where nothing better offers itself
            made = mixer.plant(candidate, places, rng, least=_SHOWN if tried < _TRIES else 1)
            planted += len(made)
            places += made
            progress(len(samples) + planted, wanted)
    return named(places)


def named(places: list[Place]) -> list[Place]:
    """Neutral names along the ship: what a place is called tells where it lies and nothing else."""
    ordered = sorted(
        places, key=lambda each: (each.finding["side"], each.finding["station_m"], each.finding["girth_m"])
    )
    width = max(len(str(len(places))), 2)
    return [
        Place(f"P{number:0{width}d}", each.kind, each.finding, each.pictures, each.planted)
        for number, each in enumerate(ordered, start=1)
    ]


class _Mixer:
    def __init__(self, mission: Mission, findings: list[dict[str, Any]], footage: Footage, media: Path) -> None:
        self._mission, self._footage, self._media = mission, footage, media
        self._sizes_m = [float(each["size_m"]) for each in findings]
        self._reach_m = REACH_SHARE * mission.file.conditions.visibility_m
        self._written = 0

    def sample(self, candidate: Candidate, rng: np.random.Generator) -> list[Place]:
        """A place that nobody flagged; none where the camera's track does not lead past it."""
        views = self._footage.track.views_of(candidate.point_m, candidate.normal, self._reach_m)
        size_m = float(rng.choice(self._sizes_m)) if self._sizes_m else float(rng.uniform(*_SIZES_M))
        shape = float(rng.uniform(0.65, 1.5))
        frames = []
        for number in views.best(_SHOWN, _APART_S):
            range_m = float(views.range_m[number])
            try:
                shown = self._footage.picture(float(views.utc_s[number]))
            except HullscanError:
                continue
            across_px = size_m / range_m * self._footage.track.camera.fx_px
            extent = across_px * np.array([shape**0.5, shape**-0.5])
            box = _whole(views.pixels[number], extent, shown.image_bgr.shape)
            frames.append(self._frame(shown.utc_s, box, range_m, self._save(jpeg(shown.image_bgr))))
        if not frames:
            return []
        finding = self._as_finding("S", candidate, size_m, frames)
        return [Place("", Kind.SAMPLE, finding, tuple(frame["file"] for frame in frames))]

    def plant(self, candidate: Candidate, others: list[Place], rng: np.random.Generator, *, least: int) -> list[Place]:
        """A parcel; none where so many pictures do not show it whole, or another clip shows the place bare."""
        views = self._footage.track.views_of(candidate.point_m, candidate.normal, self._reach_m)
        taken = np.array([frame["utc_s"] for each in others for frame in each.finding["frames"]])
        parcel = random_parcel(rng)
        for number in views.best(4, 5.0):
            utc_s = float(views.utc_s[number])
            if len(taken) and np.abs(taken - utc_s).min() < _OVERLAP_S:
                continue
            planted = Planted(parcel, candidate.point_m, candidate.normal, utc_s)
            beside = [0.0, -float(rng.uniform(*_BESIDE_S)), float(rng.uniform(*_BESIDE_S))]
            try:
                made = self._footage.pictures_with(planted, beside)
            except HullscanError:
                continue
            if len(made) < least:
                continue
            frames = []
            for at_s, image, exact in made:
                x0, y0, x1, y1 = exact
                slack = _BOX_SLACK * np.array([x1 - x0, y1 - y0] * 2) * rng.uniform(-1, 1, 4)
                box = _inside(tuple(np.array(exact) + slack), image.shape)
                pose = self._footage.track.at(at_s)
                eye = candidate.point_m if pose is None else pose.position_m
                range_m = float(np.linalg.norm(candidate.point_m - eye))
                frames.append(self._frame(at_s, box, range_m, self._save(jpeg(image))))
            finding = self._as_finding("X", candidate, max(parcel.size_m), frames)
            return [Place("", Kind.PLANTED, finding, tuple(frame["file"] for frame in frames), planted)]
        return []

    def _save(self, raw: bytes) -> str:
        self._written += 1
        path = self._media / f"{self._written:04d}.jpg"
        try:
            self._media.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
        except OSError as error:
            raise RecordError(f"cannot write {path}: {error.strerror}", todo="free space on the disk") from error
        return f"media/{path.name}"

    def _frame(self, utc_s: float, box: tuple[float, ...], range_m: float, file: str) -> dict[str, Any]:
        return {
            "file": file, "utc": utc_text(utc_s), "utc_s": round(utc_s, 3), "score": None,
            "box_xyxy_px": [round(float(value), 1) for value in box], "range_m": round(range_m, 2),
        }  # fmt: skip

    def _as_finding(
        self, letter: str, candidate: Candidate, size_m: float, frames: list[dict[str, Any]]
    ) -> dict[str, Any]:
        berth, point = self._mission.file.berth, candidate.point_m
        north_m, east_m, _ = berth.ship_pose.to_ned(point)
        lat_deg, lon_deg = berth.origin.to_geodetic(float(north_m), float(east_m))
        return {
            "id": f"{letter}{candidate.number:02d}", "label": "parcel", "score": None,
            "side": side_name(float(candidate.side)), "station_m": round(candidate.station_m, 2), "frame_number": None,
            "girth_m": round(candidate.girth_m, 2), "depth_m": round(float(point[2]), 2),
            "position_ship_m": [round(float(value), 3) for value in point], "radius95_m": 1.0,
            "lat_deg": round(lat_deg, 7), "lon_deg": round(lon_deg, 7), "size_m": round(size_m, 2),
            "first_utc": min(frame["utc"] for frame in frames), "last_utc": max(frame["utc"] for frame in frames),
            "views": len(frames), "frames": frames, "status": "flagged",
        }  # fmt: skip


def _whole(centre: Array, extent: Array, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """A box that lies in the picture as a whole: findings are shown in pictures that do not cut them."""
    size = np.array([shape[1], shape[0]], dtype=np.float64)
    half = np.minimum(extent, 0.9 * size) / 2
    x, y = np.clip(centre, half, size - half)
    return float(x - half[0]), float(y - half[1]), float(x + half[0]), float(y + half[1])


def _inside(box: tuple[float, ...] | Array, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(value) for value in box)
    return max(x0, 0.0), max(y0, 0.0), min(x1, float(shape[1])), min(y1, float(shape[0]))
