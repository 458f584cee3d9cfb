"""Maps of the hull as SVG: the side that was searched, unrolled, and the whole shell expansion beside it.

Coordinates of the drawing are metres on the hull: station to the right (bow right), girth downward from the
waterline. Colours are of one hue, so that they tell apart for the colour-blind and in a grey print; what was not
searched is hatched, findings are the only thing in a warm colour. What was planned, seen, flown and found are four
layers of one drawing, each in a group of its own (``planned``, ``seen``, ``flown``, ``found``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.ship.fittings import fitting_point
from hullscan.ship.surface import HullSurface, side_sign
from hullscan.words import mark

__all__ = ["POD_CLASSES", "overview_map", "side_map"]

POD_CLASSES: tuple[tuple[float, str], ...] = ((0.8, "#74aec6"), (0.5, "#aed0dd"), (0.0, "#dcebf1"))
"""Least POD and colour of each class of seen cells, best first."""
_CELL_M = 0.25
_LEAST_WINDOW_M = 6.0  # along the ship: a finding by itself is shown with what is around it, and with a scale
_FINDING = "#c8401e"


@dataclass(frozen=True, slots=True)
class _Frame:
    """A window of hull, in metres."""

    x0: float
    x1: float
    y0: float
    y1: float
    scale: float

    def x(self, station_m: float) -> float:
        return round((station_m - self.x0) * self.scale, 1)

    def y(self, girth_m: float) -> float:
        return round((girth_m - self.y0) * self.scale, 1)

    @property
    def width(self) -> float:
        return (self.x1 - self.x0) * self.scale

    @property
    def height(self) -> float:
        return (self.y1 - self.y0) * self.scale


def side_map(
    mission: Mission, side: str, coverage: dict[str, Any], findings: list[dict[str, Any]], track: Array, words: Any
) -> Markup:
    """The searched part of one side with coverage, track, fittings and findings.

    Args:
        track: (n, 3) of the vehicle, ship frame.
        words: translator.
    """
    hull = mission.hull
    cells = _cells_of(coverage, side)
    frame = _window(hull, cells, findings, side)
    parts = [
        _hatch(),
        _layer("seen", _cells(frame, cells)),
        _layer("planned", _outline(frame, cells)),
        _depth_lines(frame, hull, side),
        _fittings(frame, mission, side, words),
        _layer("flown", _track(frame, hull, track, side)),
        _layer("found", _findings(frame, [f for f in findings if f["side"] == side])),
        _axes(frame, words),
    ]
    left, top, right, bottom = 46, 14, 74, 40
    view = f"{-left} {-top} {frame.width + left + right:.0f} {frame.height + top + bottom:.0f}"
    title = escape(words(mark("Hull map, {side} side")).format(side=words(side)))
    return Markup(f'<svg class="map" viewBox="{view}" role="img" aria-label="{title}">{"".join(parts)}</svg>')


def _cells_of(coverage: dict[str, Any], side: str) -> dict[str, Array]:
    table = coverage["cells"]
    here = np.array([value == side for value in table["side"]], dtype=bool)
    keys = ("station_m", "girth_m", "planned", "looks", "pod")
    return {key: np.array(table[key], dtype=np.float64)[here] if here.any() else np.zeros(0) for key in keys}


def _window(hull: HullSurface, cells: dict[str, Array], findings: list[dict[str, Any]], side: str) -> _Frame:
    stations = [*cells["station_m"], *(f["station_m"] for f in findings if f["side"] == side)]
    girths = [*cells["girth_m"], *(f["girth_m"] for f in findings if f["side"] == side)]
    if not stations:
        stations, girths = [float(hull.stations_m[0]), float(hull.stations_m[-1])], [0.0, 2.0]
    margin = max(0.6, (_LEAST_WINDOW_M - max(stations) + min(stations)) / 2)
    x0, x1 = min(stations) - margin, max(stations) + margin
    y1 = max(girths) + 0.5
    return _Frame(x0, x1, -0.35, y1, 1000 / (x1 - x0))


def _hatch() -> str:
    return (
        '<defs><pattern id="gap" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="7" height="7" fill="#f4efe6"/><line x1="0" y1="0" x2="0" y2="7" stroke="#8d7f66" '
        'stroke-width="2"/></pattern></defs>'
    )


def _layer(name: str, drawn: str) -> str:
    return f'<g class="layer-{name}">{drawn}</g>'


def _outline(frame: _Frame, cells: dict[str, Array]) -> str:
    """The edge of what was planned: sides of planned cells beyond which nothing was planned."""
    column, row = (np.round(cells[key] / _CELL_M - 0.5).astype(int) for key in ("station_m", "girth_m"))
    planned = {(int(c), int(r)) for c, r, asked in zip(column, row, cells["planned"], strict=True) if asked}
    parts = []
    for c, r in sorted(planned):
        left, right, top, bottom = (frame.x(c * _CELL_M), frame.x((c + 1) * _CELL_M),
                                    frame.y(r * _CELL_M), frame.y((r + 1) * _CELL_M))  # fmt: skip
        parts += [f"M{left} {y}H{right}" for y, beyond in ((top, r - 1), (bottom, r + 1)) if (c, beyond) not in planned]
        parts += [f"M{x} {top}V{bottom}" for x, beyond in ((left, c - 1), (right, c + 1)) if (beyond, r) not in planned]
    return f'<path d="{"".join(parts)}" class="asked"/>' if parts else ""


def _cells(frame: _Frame, cells: dict[str, Array]) -> str:
    """Runs of neighbouring cells of one class as one rectangle each."""
    kind = np.full(len(cells["station_m"]), len(POD_CLASSES) - 1)
    for index in range(len(POD_CLASSES) - 1, -1, -1):
        kind[cells["pod"] >= POD_CLASSES[index][0]] = index
    kind[cells["looks"] == 0] = len(POD_CLASSES)
    kind[(cells["looks"] == 0) & (cells["planned"] == 0)] = -1
    order = np.lexsort((cells["station_m"], cells["girth_m"]))
    runs: list[tuple[tuple[float, int, bool], float, float]] = []
    for index in order:
        station, girth = float(cells["station_m"][index]), float(cells["girth_m"][index])
        key = (girth, int(kind[index]), bool(cells["planned"][index]))
        if runs and runs[-1][0] == key and station - runs[-1][2] < 1.5 * _CELL_M:
            runs[-1] = (key, runs[-1][1], station)
        else:
            runs.append((key, station, station))
    return "".join(_run(frame, *run) for run in runs)


def _run(frame: _Frame, key: tuple[float, int, bool], first: float, last: float) -> str:
    girth, kind, planned = key
    if kind < 0:
        return ""
    fill = "url(#gap)" if kind == len(POD_CLASSES) else POD_CLASSES[kind][1]
    half = _CELL_M / 2
    # half a pixel of overlap: neighbouring rectangles must not show a seam
    width, height = (last - first + _CELL_M) * frame.scale + 0.5, _CELL_M * frame.scale + 0.5
    faint = "" if planned else ' opacity="0.35"'
    return (
        f'<rect x="{frame.x(first - half)}" y="{frame.y(girth - half)}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="{fill}"{faint}/>'
    )


def _depth_lines(frame: _Frame, hull: HullSurface, side: str) -> str:
    stations = np.linspace(frame.x0, frame.x1, 60)
    inside = stations[(stations > hull.stations_m[0]) & (stations < hull.stations_m[-1])]
    out = []
    for depth in range(30):
        girths = hull.girth_to_depth(
            inside, np.full(len(inside), float(depth)), "starboard" if side == "starboard" else "port"
        )
        keel = hull.keel_depth(inside)
        keep = (keel > depth + 0.05) & (girths <= frame.y1)
        if not keep.any():
            break
        line = _path(frame, inside[keep], girths[keep])
        heavy = ' stroke-width="2" stroke="#20323a"' if depth == 0 else ""
        out.append(f'<path d="{line}" class="depth"{heavy}/>')
        label = f"{depth} m"
        out.append(
            f'<text x="{frame.width + 6:.0f}" y="{frame.y(float(girths[keep][-1])) + 4}" class="tick">{label}</text>'
        )
    return "".join(out)


def _fittings(frame: _Frame, mission: Mission, side: str, words: Any) -> str:
    out = []
    for fitting in mission.file.ship.fittings:
        if fitting.side != side:
            continue
        _, _, girth = fitting_point(mission.hull, fitting)
        if not (frame.x0 < fitting.station_m < frame.x1 and girth < frame.y1):
            continue
        width, height = fitting.size_m[0] * frame.scale, max(fitting.size_m[1] * frame.scale, 4)
        x, y = frame.x(fitting.station_m) - width / 2, frame.y(girth) - height / 2
        out.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" class="fitting"/>')
        name = words(fitting.kind.replace("_", " "))
        out.append(f'<text x="{x + width / 2:.1f}" y="{y - 4:.1f}" class="small">{name}</text>')
    return "".join(out)


def _track(frame: _Frame, hull: HullSurface, track: Array, side: str) -> str:
    """The vehicle's way, set down on the plating; only where it was beside this part of the hull."""
    if not len(track):
        return ""
    point, distance, _ = hull.nearest(track)
    located = hull.locate(point)
    near = (distance < 3.0) & (located.side == side_sign("starboard" if side == "starboard" else "port"))
    near &= (located.station_m > frame.x0) & (located.station_m < frame.x1)
    out, start = [], None
    for index, inside in enumerate([*near, False]):
        if inside and start is None:
            start = index
        if not inside and start is not None:
            if index - start > 1:
                piece = slice(start, index)
                out.append(
                    f'<path d="{_path(frame, located.station_m[piece], located.girth_m[piece])}" class="track"/>'
                )
            start = None
    return "".join(out)


def _findings(frame: _Frame, findings: list[dict[str, Any]]) -> str:
    out = []
    for finding in findings:
        x, y = frame.x(finding["station_m"]), frame.y(finding["girth_m"])
        radius = max(finding["radius95_m"] * frame.scale, 9)
        number = escape(str(finding["id"]).lstrip("F").lstrip("0"))
        out.append(
            f'<circle cx="{x}" cy="{y}" r="{radius:.1f}" fill="{_FINDING}" fill-opacity="0.22" stroke="{_FINDING}"/>'
        )
        out.append(f'<circle cx="{x}" cy="{y}" r="9" fill="{_FINDING}"/>')
        out.append(f'<text x="{x}" y="{y + 4}" class="number">{number}</text>')
    return "".join(out)


def _axes(frame: _Frame, words: Any) -> str:
    out = []
    step = 1 if frame.x1 - frame.x0 < 22 else 5 if frame.x1 - frame.x0 < 120 else 20
    for station in range(int(np.ceil(frame.x0 / step)) * step, int(frame.x1) + 1, step):
        x = frame.x(station)
        out.append(f'<line x1="{x}" x2="{x}" y1="{frame.height:.0f}" y2="{frame.height + 5:.0f}" class="axis"/>')
        out.append(f'<text x="{x}" y="{frame.height + 18:.0f}" class="tick mid">{station}</text>')
    text = words(mark("station, metres forward of the aft perpendicular; bow to the right"))
    out.append(f'<text x="{frame.width / 2:.0f}" y="{frame.height + 34:.0f}" class="tick mid">{text}</text>')
    name = words(mark("depth"))
    out.append(f'<text x="{frame.width + 6:.0f}" y="{frame.y(frame.y0) + 2}" class="tick">{name}</text>')
    return "".join(out)


def _path(frame: _Frame, stations: Array, girths: Array) -> str:
    points = [f"{frame.x(float(s))},{frame.y(float(g))}" for s, g in zip(stations, girths, strict=True)]
    return "M" + " L".join(points)


def overview_map(mission: Mission, coverage: dict[str, Any], findings: list[dict[str, Any]], words: Any) -> Markup:
    """The whole shell expansion, port above and starboard below the keel line, with what was searched and found."""
    hull = mission.hull
    stations = np.linspace(float(hull.stations_m[0]) + 0.05, float(hull.stations_m[-1]) - 0.05, 160)
    girths = hull.total_girth(stations)
    scale = 1000 / float(stations[-1] - stations[0])
    top = float(girths.max()) * scale + 4

    def x(station: float) -> float:
        return round((station - float(stations[0])) * scale, 1)

    def y(side: str, station: float, girth: float) -> float:
        total = float(hull.total_girth(np.array([station]))[0])
        away = (total - girth) * scale
        return round(top - away if side == "port" else top + away, 1)

    upper = [f"{x(s)},{round(top - g * scale, 1)}" for s, g in zip(stations, girths, strict=True)]
    lower = [f"{x(s)},{round(top + g * scale, 1)}" for s, g in zip(stations[::-1], girths[::-1], strict=True)]
    out = [f'<path d="M{" L".join(upper + lower)} Z" class="shell"/>']
    table = coverage["cells"]
    size = max(_CELL_M * scale, 1.2) + 0.4
    for side, station, girth, looks, planned in zip(
        table["side"], table["station_m"], table["girth_m"], table["looks"], table["planned"], strict=True
    ):
        if not planned:
            continue
        fill = POD_CLASSES[0][1] if looks else "#8d7f66"
        place = f'x="{x(station) - size / 2:.1f}" y="{y(side, station, girth) - size / 2:.1f}"'
        out.append(f'<rect {place} width="{size:.1f}" height="{size:.1f}" fill="{fill}"/>')
    out.append(f'<line x1="0" x2="1000" y1="{top:.1f}" y2="{top:.1f}" class="keel"/>')
    for finding in findings:
        cx, cy = x(finding["station_m"]), y(finding["side"], finding["station_m"], finding["girth_m"])
        out.append(f'<circle cx="{cx}" cy="{cy}" r="6" fill="{_FINDING}" stroke="white" stroke-width="1.5"/>')
    out.append(f'<text x="4" y="14" class="small left">{words(mark("port"))}</text>')
    out.append(f'<text x="4" y="{2 * top - 4:.0f}" class="small left">{words(mark("starboard"))}</text>')
    out.append(f'<text x="1004" y="14" class="small right">{words(mark("bow"))} →</text>')
    title = words(mark("Whole hull, unrolled"))
    return Markup(
        f'<svg class="overview" viewBox="-4 0 1012 {2 * top:.0f}" role="img" aria-label="{title}">{"".join(out)}</svg>'
    )
