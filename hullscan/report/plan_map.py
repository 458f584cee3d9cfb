"""The plan on the unrolled hull as SVG: what will be seen and how well, by which lanes and when, and what is left out.

Port is drawn above the keel line, starboard below it, the bow to the right. Colours come from the page's style by
class, so that the same drawing serves a light and a dark screen and a print; whatever is told by a colour is also told
by a hatch, a dash or a number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape

from hullscan.geometry.frames import Array
from hullscan.mission.model import Mission
from hullscan.mission.patterns import Leg
from hullscan.mission.pricing import Priced
from hullscan.report.hullmap import POD_CLASSES
from hullscan.report.plan_track import PlanTrack
from hullscan.report.shell_raster import ShellRaster
from hullscan.search.zones import HullZones
from hullscan.ship.fittings import fitting_point
from hullscan.ship.frames import frame_at
from hullscan.ship.surface import Side, side_sign
from hullscan.words import fill, mark

__all__ = ["WIDTH_PX", "PlanMap"]

WIDTH_PX = 1400.0
"""Of the hull in the drawing."""
_LEFT, _TOP, _RIGHT, _BOTTOM = 46.0, 48.0, 52.0, 64.0
_LITTLE_PX = 10.0
_AXIS_PX = 24.0  # from the hull to the axes: the launch is drawn between
_TIME_STEPS = 40  # in which the coverage grows when the plan is played
_STEPS_M = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
Words = Callable[[str], str]


@dataclass
class _Labels:
    """Boxes of the labels that are set, so that none falls on another."""

    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)

    def room(self, x: float, y: float, width: float, height: float) -> bool:
        """Whether a box about a place is free; it is taken if so."""
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        if any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in self.boxes):
            return False
        self.boxes.append(box)
        return True


@dataclass(frozen=True)
class PlanMap:
    """Draws one plan.

    Attributes:
        asked: (n,) cells that the mission asks for.
    """

    mission: Mission
    legs: tuple[Leg, ...]
    raster: ShellRaster
    zones: HullZones
    priced: Priced
    asked: npt.NDArray[np.bool_]
    track: PlanTrack
    words: Words

    @property
    def scale(self) -> float:
        """Pixels of the drawing for one of the raster."""
        return WIDTH_PX / self.raster.shape[1]

    def places(self, unrolled_m: Array) -> Array:
        """(n, 2) x, y in the drawing of unrolled places."""
        return self.raster.pixels(unrolled_m) * self.scale

    def draw(self) -> Markup:
        """The drawing."""
        labels = _Labels()
        height = self.raster.shape[0] * self.scale
        lanes = self._lanes(labels)  # numbers of lanes first: other labels give way
        parts = [
            self._hatch(),
            f'<g transform="scale({self.scale:.4f})" shape-rendering="crispEdges">{self._cells()}</g>',
            self._depth_lines(labels),
            f'<g transform="scale({self.scale:.4f})">{self._borders()}</g>',
            f'<line x1="0" x2="{WIDTH_PX:.0f}" y1="{height / 2:.1f}" y2="{height / 2:.1f}" class="keel"/>',
            lanes,
            self._fittings(labels),
            self._zone_names(labels),
            self._launch(labels),
            '<g id="map-now" visibility="hidden"><path id="map-view" class="view"/><circle id="map-dot" r="7"/></g>',
            self._axes(height),
        ]
        above = self.mission.file.ship.frames is not None or self.mission.file.launch.side == "port"
        top = _TOP if above else _LITTLE_PX
        view = f"{-_LEFT:.0f} {-top:.0f} {WIDTH_PX + _LEFT + _RIGHT:.0f} {height + top + _BOTTOM:.0f}"
        title = escape(self.words(mark("Plan on the unrolled hull")))
        return Markup(
            f'<svg class="planmap" id="planmap" viewBox="{view}" role="img" aria-label="{title}">{"".join(parts)}</svg>'
        )

    # ---------------------------------------------------------------- the hull

    def _hatch(self) -> str:
        size = 8 / self.scale
        return (
            f'<defs><pattern id="out" width="{size:.3f}" height="{size:.3f}" patternUnits="userSpaceOnUse" '
            f'patternTransform="rotate(45)"><rect width="{size:.3f}" height="{size:.3f}" class="outback"/>'
            f'<rect width="{size / 7:.3f}" height="{size:.3f}" class="outline"/></pattern></defs>'
        )

    def _cells(self) -> str:
        """Shell, what is left out, and classes of POD; each class in steps of time."""
        raster, priced = self.raster, self.priced
        inside = raster.cell >= 0
        asked = raster.of(self.asked) > 0
        seen = raster.of(priced.seen) > 0
        out = [f'<path d="{raster.runs(inside)}" class="shell"/>']
        out.append(f'<path d="{raster.runs(asked & ~seen)}" fill="url(#out)" class="leftout"/>')
        kind = np.full(raster.shape, len(POD_CLASSES) - 1)
        pod = raster.of(priced.pod)
        for index in range(len(POD_CLASSES) - 1, -1, -1):
            kind[pod >= POD_CLASSES[index][0]] = index
        last_s = max(self.legs[-1].end_s, 1e-6)
        first = raster.of(np.minimum(priced.first_look_s, last_s))
        step = np.ceil(first / last_s * _TIME_STEPS).astype(int)
        for number in np.unique(step[seen]).tolist():
            for index in range(len(POD_CLASSES)):
                path = raster.runs(seen & (step == number) & (kind == index))
                if path:
                    at_s = number / _TIME_STEPS * last_s
                    out.append(f'<path d="{path}" class="pod{index} timed" data-t="{at_s:.0f}"/>')
        return "".join(out)

    def _borders(self) -> str:
        number = np.where(self.raster.cell >= 0, self.zones.of_cell[self.raster.cell], -1)
        hull = np.pad(np.where(self.raster.cell >= 0, 0, 1), 1, constant_values=1)  # what is not hull is a zone too
        return (
            f'<path d="{self.raster.borders(number)}" class="zone"/>'
            f'<path d="{self.raster.borders(hull)}" transform="translate(-1 -1)" class="waterline"/>'
        )

    def _depth_lines(self, labels: _Labels) -> str:
        hull = self.mission.hull
        deepest = float(hull.keel_depth(hull.stations_m).max())
        step = next((each for each in _STEPS_M if deepest / each <= 6), _STEPS_M[-1])
        stations: Array = self.raster.first_m + (np.arange(0.0, self.raster.shape[1], 4) + 0.5) * self.raster.step_m
        sides: tuple[Side, Side] = ("port", "starboard")
        keel = hull.keel_depth(stations)
        out = []
        for depth in np.arange(step, deepest, step).tolist():
            keep = keel > depth + 0.05
            if not keep.any():
                break
            for side in sides:
                girth = hull.girth_to_depth(stations, np.full(len(stations), depth), side)
                sign = np.full(len(stations), side_sign(side), np.int8)
                places = self.places(hull.unroll(sign, stations, girth))
                out += [f'<path d="{_path(run)}" class="depth"/>' for run in _pieces(places, keep)]
                x, y = places[np.flatnonzero(keep)[-1]]
                if labels.room(x + 18, y, 34, 12):
                    out.append(f'<text x="{x + 4:.1f}" y="{y + 4:.1f}" class="tick">{depth:g} m</text>')
        return "".join(out)

    # ---------------------------------------------------------------- the way

    def _lanes(self, labels: _Labels) -> str:
        """The legs; lanes that search are drawn through, ways between them dashed, with number and time of each."""
        places = self.places(self.track.unrolled_m)
        out, badges = [], []
        for number, leg in enumerate(self.legs, start=1):
            mine = places[self.track.leg == number - 1]
            name = escape(self.title(number))
            kind = "lane" if leg.lane[0] else "way"
            # round the ends of the ship and across the keel line the drawing is cut open
            jumps = np.abs(np.diff(mine, axis=0)).max(axis=1, initial=0.0) > 60.0
            for piece in np.split(mine, np.flatnonzero(jumps) + 1):
                if len(piece) > 1:
                    line = f'<path d="{_path(piece)}" class="{kind}" data-leg="{number}">'
                    out.append(f"{line}<title>{name}</title></path>")
            if leg.lane[0] and len(mine):
                badges.append((number, leg, mine))
        heads = []
        for number, leg, mine in badges:
            x, y = mine[0]
            if not labels.room(x, y, 22, 18):
                continue
            heads.append(f'<g class="badge" data-leg="{number}"><title>{escape(self.title(number))}</title>')
            heads.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9"/>')
            heads.append(f'<text x="{x:.1f}" y="{y + 3.8:.1f}">{number}</text></g>')
            ahead = 1 if mine[-1][0] >= x else -1
            if labels.room(x + ahead * 28, y - 9, 32, 11):
                heads.append(
                    f'<text x="{x + ahead * 28:.1f}" y="{y - 5:.1f}" class="time">{_clock(leg.start_s)}</text>'
                )
        return f"<g>{''.join(out)}</g><g>{''.join(heads)}</g>"

    def name(self, number: int) -> str:
        """What a leg is."""
        leg = self.legs[number - 1]
        return fill(self.words(leg.words), {**leg.words_data, "number": number, "count": len(self.legs)})

    def title(self, number: int) -> str:
        """What a leg is and when."""
        leg = self.legs[number - 1]
        return f"{self.name(number)}, {_clock(leg.start_s)}–{_clock(leg.end_s)}"

    def _launch(self, labels: _Labels) -> str:
        launch, hull = self.mission.file.launch, self.mission.hull
        station = np.clip(launch.station_m, hull.stations_m[0], hull.stations_m[-1])
        sign = np.array([side_sign(launch.side)], np.int8)
        x, y = self.places(hull.unroll(sign, np.array([station]), np.zeros(1)))[0]
        away = 1 if launch.side == "starboard" else -1
        tip, base = y + away * 3, y + away * 15
        name = escape(self.words(mark("launch")))
        out = f'<path d="M{x:.1f} {tip:.1f}l-7 {base - tip:.1f}h14z" class="launch"/>'
        if labels.room(x, base + away * 9, 46, 12):
            out += f'<text x="{x:.1f}" y="{base + away * 9 + 4:.1f}" class="small strong">{name}</text>'
        return out

    # ---------------------------------------------------------------- names

    def _fittings(self, labels: _Labels) -> str:
        hull, pixel = self.mission.hull, self.scale / self.raster.step_m
        out = []
        for fitting in self.mission.file.ship.fittings:
            _, _, girth = fitting_point(hull, fitting)
            sign = np.array([side_sign(fitting.side)], np.int8)
            x, y = self.places(hull.unroll(sign, np.array([fitting.station_m]), np.array([girth])))[0]
            width, height = max(fitting.size_m[0] * pixel, 5), max(fitting.size_m[1] * pixel, 5)
            name = escape(self.words(fitting.kind.replace("_", " ")))
            out.append(
                f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}" '
                f'class="fitting"><title>{name}</title></rect>'
            )
            for dy in (height / 2 + 9, -height / 2 - 7):
                if labels.room(x, y + dy, 7.0 * len(name), 12):
                    out.append(f'<text x="{x:.1f}" y="{y + dy + 4:.1f}" class="small">{name}</text>')
                    break
        return "".join(out)

    def _zone_names(self, labels: _Labels) -> str:
        """Names of the zones where there is room, those of the likeliest first."""
        rows, columns = np.indices(self.raster.shape)
        number = np.where(self.raster.cell >= 0, self.zones.of_cell[self.raster.cell], -1)
        inside, seen = number >= 0, self.raster.of(self.priced.seen) > 0
        count = np.maximum(np.bincount(number[inside], minlength=len(self.zones.zones)), 1)
        x = np.bincount(number[inside], columns[inside] + 0.5, len(self.zones.zones)) / count * self.scale
        y = np.bincount(number[inside], rows[inside] + 0.5, len(self.zones.zones)) / count * self.scale
        out = []
        for index in np.argsort(count, kind="stable").tolist():
            zone = self.zones.zones[index]
            data = {key: self.words(each) if isinstance(each, str) else each for key, each in zone.words_data.items()}
            name = fill(self.words(zone.words), data)
            width = sum(6.4 if ord(letter) < 0x2000 else 11.5 for letter in name) + 6
            for dy in (0.0, -14.0, 14.0, -28.0, 28.0, 42.0, -42.0):
                cx = float(np.clip(x[index], width / 2, WIDTH_PX - width / 2))
                row = int(np.clip((y[index] + dy) / self.scale, 0, rows.shape[0] - 1))
                along = slice(int((cx - width / 2) / self.scale), int((cx + width / 2) / self.scale) + 1)
                if seen[row, along].any():  # what is seen shows its lanes; the name can be read off the table
                    continue
                if labels.room(cx, y[index] + dy, width, 13):
                    out.append(f'<text x="{cx:.1f}" y="{y[index] + dy + 4:.1f}" class="zonename">{escape(name)}</text>')
                    break
        return "".join(out)

    def _axes(self, height: float) -> str:
        words, raster, base = self.words, self.raster, height + _AXIS_PX
        length = raster.shape[1] * raster.step_m
        step = next((each for each in _STEPS_M if length / each <= 24), _STEPS_M[-1])
        out = []
        for station in np.arange(np.ceil(raster.first_m / step), (raster.first_m + length) / step) * step + 0.0:
            x = (station - raster.first_m) / raster.step_m * self.scale
            out.append(f'<path d="M{x:.1f} {base:.0f}v5" class="axis"/>')
            out.append(f'<text x="{x:.1f}" y="{base + 18:.0f}" class="tick mid">{station:g}</text>')
        out.append(self._frame_axis(raster.first_m, raster.first_m + length))
        text = escape(words(mark("station, metres forward of the aft perpendicular; bow to the right")))
        out.append(f'<text x="{WIDTH_PX / 2:.0f}" y="{base + 34:.0f}" class="tick mid">{text}</text>')
        for name, y in ((mark("port"), 0.25), (mark("starboard"), 0.75)):
            at = f"{-_LEFT + 14:.0f} {height * y:.0f}"
            out.append(
                f'<text transform="translate({at}) rotate(-90)" class="sidename">{escape(words(name).upper())}</text>'
            )
        return "".join(out)

    def _frame_axis(self, first_m: float, last_m: float) -> str:
        """Numbers of the ship's own frames, where they are known."""
        frames = self.mission.file.ship.frames
        first, last = frame_at(frames, first_m), frame_at(frames, last_m)
        if first is None or last is None:
            return ""
        stations = np.linspace(first_m, last_m, 2000)
        numbers = np.array([frame_at(frames, station) for station in stations.tolist()], np.float64)
        low, high = min(first, last), max(first, last)
        step = next((each for each in _STEPS_M if (high - low) / each <= 24), _STEPS_M[-1])
        name = escape(self.words(mark("frame")))
        out = [f'<text x="{-_LEFT + 4:.0f}" y="{-_AXIS_PX - 9:.0f}" class="tick">{name}</text>']
        order = np.argsort(numbers)
        for number in np.arange(np.ceil(low / step), high / step) * step:
            station = float(np.interp(number, numbers[order], stations[order]))
            x = (station - first_m) / self.raster.step_m * self.scale
            out.append(f'<text x="{x:.1f}" y="{-_AXIS_PX - 9:.0f}" class="tick mid">{number + 0.0:g}</text>')
            out.append(f'<path d="M{x:.1f} {-_AXIS_PX - 5:.0f}v5" class="axis"/>')
        return "".join(out)


def _clock(seconds: float) -> str:
    """Minutes and seconds of the plan."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _pieces(places: Array, keep: npt.NDArray[np.bool_]) -> list[Array]:
    """Runs of (n, 2) places that are kept."""
    cuts = np.flatnonzero(np.diff(keep)) + 1
    runs = zip(np.split(places, cuts), np.split(keep, cuts), strict=True)
    return [run for run, kept in runs if kept[0] and len(run) > 1]


def _path(places: Array) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places.tolist())
