"""The checklist of sea chests: where parcels hide best, and no detector sees in. A person signs for each.

A chest counts as looked at when the camera dwelt on it and came near; both are taken from the vehicle's track. Without
a signature for every chest nobody may call the ship clear.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from hullscan.mission.model import Mission
from hullscan.review.camera_track import CameraTrack, dwell_s
from hullscan.search.looks import REACH_SHARE
from hullscan.ship.fittings import fitting_point
from hullscan.words import mark

__all__ = ["LEAST_DWELL_S", "Chest", "ChestSignature", "chests_of", "missing_for"]

LEAST_DWELL_S: Final = 5.0
"""In the picture for so long at least: time to look through a grating from more than one angle at 0.2 m/s."""
_CLOSE_SHARE: Final = 0.5  # of the visibility: from nearer a quarter of the contrast and more is left (Koschmieder)
_PICTURES: Final = 3
_APART_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class ChestSignature:
    """Somebody's word for a sea chest: clear, or not."""

    reader: str
    clear: bool
    note: str
    looked_s: float
    utc_s: float


@dataclass(frozen=True, slots=True)
class Chest:
    """A sea chest and how it was looked at.

    Attributes:
        identity: C01 and on, from aft.
        assumed: placed by rule, not known from a drawing.
        dwell_s: for so long it was in the picture.
        nearest_m: from so near; None if never.
        least_m: from farther it is no close-up.
        moments_utc_s: of the pictures to be looked at, the nearest first.
        boxes: of the chest in these, x0 y0 x1 y1.
    """

    identity: str
    side: str
    station_m: float
    depth_m: float
    assumed: bool
    dwell_s: float
    nearest_m: float | None
    least_m: float
    moments_utc_s: tuple[float, ...]
    boxes: tuple[tuple[float, float, float, float], ...]

    @property
    def dwelt(self) -> bool:
        """The camera stayed long enough."""
        return self.dwell_s >= LEAST_DWELL_S

    @property
    def close_up(self) -> bool:
        """The camera came near enough."""
        return self.nearest_m is not None and self.nearest_m <= self.least_m


def chests_of(mission: Mission, track: CameraTrack | None) -> dict[str, Chest]:
    """The ship's sea chests from aft, as far as they are known, by identity."""
    fittings = sorted(
        (each for each in mission.file.ship.fittings if each.kind == "sea_chest"),
        key=lambda each: (each.station_m, each.side),
    )
    least_m = _CLOSE_SHARE * mission.file.conditions.visibility_m
    chests = {}
    for number, fitting in enumerate(fittings, start=1):
        point, normal, _ = fitting_point(mission.hull, fitting)
        dwell, nearest, moments, boxes = 0.0, None, [], []
        if track is not None:
            views = track.views_of(point, normal, REACH_SHARE * mission.file.conditions.visibility_m)
            dwell = dwell_s(views)
            nearest = float(views.range_m.min()) if len(views.range_m) else None
            for best in views.best(_PICTURES, _APART_S):
                half = np.array(fitting.size_m) / 2 / views.range_m[best] * track.camera.fx_px
                x, y = views.pixels[best]
                moments.append(float(views.utc_s[best]))
                boxes.append((float(x - half[0]), float(y - half[1]), float(x + half[0]), float(y + half[1])))
        identity = f"C{number:02d}"
        chests[identity] = Chest(
            identity, fitting.side, fitting.station_m, fitting.depth_m, fitting.assumed, dwell, nearest, least_m,
            tuple(moments), tuple(boxes),
        )  # fmt: skip
    return chests


def missing_for(chest: Chest, signature: ChestSignature | None) -> list[str]:
    """What is missing before a chest counts as clear: words for people."""
    missing = []
    if not chest.dwelt:
        missing.append(mark("the camera did not stay long enough"))
    if not chest.close_up:
        missing.append(mark("no close-up"))
    if signature is None:
        missing.append(mark("no signature"))
    elif not signature.clear:
        missing.append(mark("signed as not clear"))
    return missing
