"""The desk's map: the shell unrolled round the keel, what was seen of it, every place to read by its neutral name.

Cells are a picture of their own below the drawing: twenty thousand of them as elements of the page make it slow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from markupsafe import Markup, escape

from hullscan.errors import RecordError
from hullscan.mission.model import Mission
from hullscan.search.cells import CELL_M
from hullscan.ship.fittings import fitting_point
from hullscan.ship.surface import HullSurface
from hullscan.words import mark, translator

__all__ = ["HullPicture", "hull_picture"]

_WIDTH: Final = 1000.0  # of the drawing
_PIXELS: Final = 2  # of the picture of the cells, for each unit of the drawing
_ROUND: Final = 24.0  # of the drawing, beside the part that is asked for
_MOST_PART, _FLATTEST = 0.6, 4.2
_LEAST_POD: Final = (0.8, 0.5, 0.0)
_COLOURS_BGR: Final = ((198, 174, 116), (221, 208, 174), (241, 235, 220))  # as in the report, see report.hullmap
_UNSEEN_BGR: Final = (102, 127, 141)


@dataclass(frozen=True, slots=True)
class HullPicture:
    """The map: a drawing for each language, and the picture of the cells that lies below it, as PNG."""

    drawings: dict[str, str]
    cells_png: bytes


class _Shell:
    """From the hull to the drawing: bow to the right, port above the keel line, starboard below."""

    def __init__(self, hull: HullSurface) -> None:
        self.stations = np.linspace(float(hull.stations_m[0]) + 0.05, float(hull.stations_m[-1]) - 0.05, 160)
        self.girths = {side: hull.total_girth(self.stations, side) for side in ("port", "starboard")}
        self.scale = _WIDTH / float(self.stations[-1] - self.stations[0])
        self.keel = float(self.girths["port"].max()) * self.scale + 4
        self.height = self.keel + float(self.girths["starboard"].max()) * self.scale + 4

    def at(self, side: str, station_m: Any, girth_m: Any) -> tuple[Any, Any]:
        """x and y of places, arrays or single ones."""
        total = np.interp(station_m, self.stations, self.girths[side])
        away = (total - np.asarray(girth_m)) * self.scale
        x = (np.asarray(station_m) - self.stations[0]) * self.scale
        return x, self.keel - away if side == "port" else self.keel + away


def hull_picture(
    mission: Mission, coverage: dict[str, Any], places: dict[str, dict[str, Any]], languages: tuple[str, ...]
) -> HullPicture:
    """Draw it.

    Args:
        places: as ``findings.json`` has them, by the names that the desk gives them.

    Raises:
        RecordError: the cells cannot be drawn.
    """
    shell = _Shell(mission.hull)
    part = _part(shell, coverage["cells"])
    drawings = {language: _drawing(mission, shell, places, part, translator(language)) for language in languages}
    return HullPicture(drawings, _cells(shell, coverage["cells"]))


def _cells(shell: _Shell, table: dict[str, Any]) -> bytes:
    image = np.zeros((int(shell.height * _PIXELS) + 1, int(_WIDTH * _PIXELS) + 1, 4), np.uint8)
    sides = np.array(table["side"], dtype=str)
    columns = {name: np.array(table[name], dtype=np.float64) for name in ("station_m", "girth_m", "looks", "pod")}
    planned = np.array(table["planned"], dtype=bool)
    half = max(CELL_M * shell.scale / 2, 0.6) * _PIXELS
    for side in ("port", "starboard"):
        here = (sides == side) & planned
        x, y = shell.at(side, columns["station_m"][here], columns["girth_m"][here])
        for cx, cy, looks, pod in zip(
            x * _PIXELS, y * _PIXELS, columns["looks"][here], columns["pod"][here], strict=True
        ):
            seen = next(colour for least, colour in zip(_LEAST_POD, _COLOURS_BGR, strict=True) if pod >= least)
            colour = (*(seen if looks else _UNSEEN_BGR), 255)
            cv2.rectangle(image, (int(cx - half), int(cy - half)), (int(cx + half), int(cy + half)), colour, -1)
    done, raw = cv2.imencode(".png", image)
    if not done:
        raise RecordError("the map's cells cannot be drawn")
    return raw.tobytes()


def _stations(shell: _Shell) -> list[str]:
    """Stations below the drawing, at most a dozen and a half of them."""
    first, last = float(shell.stations[0]), float(shell.stations[-1])
    step = next(each for each in (5, 10, 20, 50) if (last - first) / each < 16)
    out = []
    for station in range(int(np.ceil(first / step)) * step, int(last) + 1, step):
        x, y = (station - first) * shell.scale, shell.height + 2
        out.append(f'<path d="M{x:.1f} {y:.1f}v5" class="ticks"/>')
        out.append(_label(x, y + 5, f"{station} m", "tick"))
    return out


def _drawing(
    mission: Mission, shell: _Shell, places: dict[str, dict[str, Any]], part: str, words: Callable[[str], str]
) -> str:
    width, height = f"{_WIDTH:.0f}", f"{shell.height:.0f}"
    outline = []
    for side, order in (("port", slice(None)), ("starboard", slice(None, None, -1))):
        x, y = shell.at(side, shell.stations[order], np.zeros(len(shell.stations)))
        outline += [f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True)]
    out = [f'<path d="M{" L".join(outline)} Z" class="shell"/>']
    # the page puts the address of the cells in: it knows the mission's name
    out.append(f'<image class="cells" x="0" y="0" width="{width}" height="{height}" preserveAspectRatio="none"/>')
    out.append(f'<path d="M{" L".join(outline)} Z" class="outline"/>')
    out.append(f'<line x1="0" x2="{width}" y1="{shell.keel:.1f}" y2="{shell.keel:.1f}" class="keel"/>')
    for fitting in mission.file.ship.fittings:
        x, y = shell.at(fitting.side, fitting.station_m, fitting_point(mission.hull, fitting)[2])
        w, h = (max(size * shell.scale, 4.0) for size in fitting.size_m)
        title = escape(words(fitting.kind.replace("_", " ")))
        kind = "fitting chest" if fitting.kind == "sea_chest" else "fitting"
        place = f'x="{x - w / 2:.1f}" y="{y - h / 2:.1f}" width="{w:.1f}" height="{h:.1f}"'
        out.append(f'<rect {place} class="{kind}"><title>{title}</title></rect>')
    for name, finding in places.items():
        x, y = shell.at(finding["side"], finding["station_m"], finding["girth_m"])
        out.append(f'<g class="place" data-place="{escape(name)}" transform="translate({x:.1f} {y:.1f})">')
        out.append(f'<circle r="7"/><text y="-11">{escape(name)}</text></g>')
    for text, x_px, y_px in (
        (mark("port"), 4.0, 14.0), (mark("starboard"), 4.0, shell.height - 4), (mark("bow"), _WIDTH - 4, 14.0),
    ):  # fmt: skip
        kind = "side right" if x_px > _WIDTH / 2 else "side"
        out.append(_label(x_px, y_px, words(text), kind))
    out += [f'<g class="scale" data-foot="{shell.height + 24:.1f}">', *_stations(shell), "</g>"]
    title = escape(words(mark("Whole hull, unrolled")))
    whole = f"-8 -8 {_WIDTH + 16:.0f} {shell.height + 32:.0f}"
    part = f' data-part="{part}"' if part else ""
    return str(Markup(f'<svg viewBox="{whole}"{part} role="img" aria-label="{title}">{"".join(out)}</svg>'))


def _label(x: float, y: float, text: str, kind: str) -> str:
    """Words at a point of the drawing, which the page keeps at one size however near the drawing is looked at."""
    return f'<g transform="translate({x:.1f} {y:.1f})"><text class="{kind}">{escape(text)}</text></g>'


def _part(shell: _Shell, table: dict[str, Any]) -> str:
    """The part of the drawing that holds what is asked for, as a view box; nothing where it is most of the ship."""
    planned = np.array(table["planned"], dtype=bool)
    if not planned.any():
        return ""
    corners = []
    for side in ("port", "starboard"):
        here = planned & (np.array(table["side"], dtype=str) == side)
        if here.any():
            x, y = shell.at(side, *(np.array(table[name], float)[here] for name in ("station_m", "girth_m")))
            corners += [(x.min(), y.min()), (x.max(), y.max())]
    (left, top), (right, bottom) = np.min(corners, axis=0), np.max(corners, axis=0)
    left, right = max(left - _ROUND, -8.0), min(right + _ROUND, _WIDTH + 8)
    if right - left > _MOST_PART * _WIDTH:
        return ""
    # as flat as the page has room for
    height = max(bottom - top + 2 * _ROUND, (right - left) / _FLATTEST)
    return f"{left:.0f} {(top + bottom - height) / 2:.0f} {right - left:.0f} {height:.0f}"
