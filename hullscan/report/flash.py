"""Flash alerts: one page in each language for a finding, written while the survey still flies.

A place becomes an alert when it meets the rules of a finding: seen in several pictures, with a score above the
threshold. It is written again when the detector becomes surer or the place better known. It is provisional, and says
so: the report that follows is made from the smoothed track.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from hullscan.clock import utc_text
from hullscan.findings.merge import Finding
from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.report.html import page_templates
from hullscan.report.landmarks import frame_words, hazards, nearest_landmark
from hullscan.ship.surface import side_name
from hullscan.words import LANGUAGES, mark, translator

__all__ = ["FlashAlerts"]

_SAME_PLACE_M: Final = 1.0  # places of a running survey move by so much until the ship is registered well
_SURER: Final = 0.05  # of the score, or this share of the radius: worth another page


@dataclass(slots=True)
class _Alert:
    number: int
    place_ship_m: Array
    score: float
    radius95_m: float
    first_utc_s: float


class FlashAlerts:
    """Writes ``A01.ko.html`` and ``A01.en.html`` and so on.

    Args:
        folder: made with the first alert.
        mission: whose ship it is.
        locate: latitude and longitude of a (3,) point of the ship frame as she lies now.
        picture: path of a finding's best small picture; empty when there is none.
        told: an event for each new alert, and for one that could not be written.
    """

    def __init__(
        self,
        folder: Path,
        mission: Mission,
        *,
        locate: Callable[[Array], tuple[float, float]],
        picture: Callable[[Finding], str],
        told: Callable[[str, str, dict[str, Any]], None],
    ) -> None:
        self._folder, self._mission, self._locate, self._picture, self._told = folder, mission, locate, picture, told
        self._alerts: list[_Alert] = []
        self.unwritten = 0
        """Pages that the disk did not take."""

    def remember(self, earlier: Iterable[tuple[int, Array]]) -> None:
        """Alerts of an earlier session of the mission, as (number, (3,) place): their pages stay as they are."""
        self._alerts += [_Alert(number, place, np.inf, 0.0, 0.0) for number, place in earlier]

    def update(self, utc_s: float, findings: Iterable[Finding]) -> None:
        """Take the findings as they stand; never raises for want of disk."""
        standing = list(findings)
        for finding, known in zip(standing, self._known(standing), strict=True):
            new = known is None
            if known is None:
                place = np.array(finding.position_ship_m)
                number = 1 + max((each.number for each in self._alerts), default=0)
                known = _Alert(number, place, finding.score, finding.radius95_m, utc_s)
                self._alerts.append(known)
            elif finding.score < known.score + _SURER and finding.radius95_m > known.radius95_m * (1 - _SURER):
                continue
            known.score, known.radius95_m = finding.score, finding.radius95_m
            known.place_ship_m = np.array(finding.position_ship_m)
            self._write(known, utc_s, finding, new=new)

    def _known(self, findings: list[Finding]) -> list[_Alert | None]:
        """The alert of each finding; an alert is of one finding, so that two which lie near each other have two."""
        gaps = np.array(
            [[np.linalg.norm(each.place_ship_m - one.position_ship_m) for each in self._alerts] for one in findings]
        ).reshape(len(findings), len(self._alerts))
        known: list[_Alert | None] = [None] * len(findings)
        far = 1e3  # rather any other pairing than one that is too far
        for row, column in zip(*linear_sum_assignment(np.where(gaps <= _SAME_PLACE_M, gaps, far)), strict=True):
            if gaps[row, column] <= _SAME_PLACE_M:
                known[row] = self._alerts[column]
        return known

    def _write(self, alert: _Alert, utc_s: float, finding: Finding, *, new: bool) -> None:
        name = f"A{alert.number:02d}"
        x, y, z = (float(value) for value in finding.position_ship_m)
        data = {"name": name, "side": side_name(y), "station": x, "depth": z, "position_ship_m": [x, y, z]}
        try:
            self._folder.mkdir(exist_ok=True)
            for language in LANGUAGES:
                path, draft = self._folder / f"{name}.{language}.html", self._folder / f".{name}.html"
                draft.write_text(self._page(alert, utc_s, finding, language), encoding="utf-8", errors="replace")
                draft.replace(path)
        except OSError:
            self.unwritten += 1
            if self.unwritten == 1:
                self._told("warning", mark("the flash alert {name} could not be written"), {"name": name})
            return
        if new:
            message = mark("flash alert {name}: {side}, station {station:.1f} m, {depth:.1f} m deep")
            self._told("alert", message, data)

    def _page(self, alert: _Alert, utc_s: float, finding: Finding, language: str) -> str:
        _, mission = translator(language), self._mission
        x, y, z = (float(value) for value in finding.position_ship_m)
        side, (lat, lon) = side_name(y), self._locate(np.asarray(finding.position_ship_m))
        place = {"side": side, "position_ship_m": [x, y, z]}
        return (
            page_templates(_)
            .get_template("flash.html.j2")
            .render(
                language=language,
                number=f"A{alert.number:02d}",
                title=_("possible " + finding.label),
                ship=mission.file.ship.name,
                imo=mission.file.ship.imo,
                mission=mission.file.mission,
                first=utc_text(alert.first_utc_s)[:19].replace("T", " "),
                now=utc_text(utc_s)[:19].replace("T", " "),
                side=_(side),
                station=f"{x:.1f} m",
                frame=frame_words(mission, x, _),
                depth=f"{z:.1f} m",
                landmark=nearest_landmark(mission, place, _),
                radius=_(mark("{radius:.1f} m around it (95 %)")).format(radius=max(finding.radius95_m, 0.1)),
                size=_(mark("about {size:.1f} m")).format(size=finding.size_m),
                seen=_(mark("seen in {views} looks")).format(views=finding.views),
                score=f"{finding.score:.2f}",
                place=f"{lat:.6f}°, {lon:.6f}°",
                hazards=hazards(mission, place, _),
                picture=_inside(self._picture(finding)),
            )
        )


def _inside(path: str) -> str:
    """A picture as a page holds it."""
    raw = Path(path).read_bytes() if path and Path(path).is_file() else b""
    return "data:image/jpeg;base64," + base64.b64encode(raw).decode("ascii") if raw else ""
