"""Minutes and expected POD as SVG: the plan against the plain lawnmower."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from markupsafe import Markup, escape

from hullscan.geometry.frames import Array
from hullscan.words import mark

__all__ = ["plan_curve"]

_WIDTH, _HEIGHT = 560.0, 330.0
_LEFT, _TOP, _RIGHT, _BOTTOM = 52.0, 14.0, 18.0, 46.0
_TICKS_MIN = (1, 2, 5, 10, 15, 20, 30, 60, 120, 240)


def plan_curve(
    growth: Array, mower: Array, points: list[list[float]], window_min: float, words: Callable[[str], str]
) -> Markup:
    """The drawing.

    Args:
        growth: (n, 2) seconds and expected POD of the plan.
        mower: (m, 2) the same of the lawnmower; empty where there is none.
        points: minutes and POD at the end of each search leg, as they stand in ``plan.json``.
    """
    last_min = max(window_min, float(growth[-1, 0]) / 60)
    best = max(float(growth[:, 1].max()), float(mower[:, 1].max(initial=0.0)), 0.05)
    step = next(each for each in (0.02, 0.05, 0.1, 0.2, 0.25) if best / each <= 5.5 or each == 0.25)
    top = min(1.0, float(np.ceil(best / step + 0.15) * step))

    def x(minutes: float) -> float:
        return round(minutes / last_min * _WIDTH, 1)

    def y(pod: float) -> float:
        return round(_HEIGHT * (1 - pod / top), 1)

    def line(curve: Array) -> str:
        inside = curve[curve[:, 0] <= last_min * 60]
        held = np.append(inside, [[last_min * 60, inside[-1, 1]]], axis=0)
        return "M" + "L".join(f"{x(seconds / 60)} {y(pod)}" for seconds, pod in held.tolist())

    out = []
    for pod in np.arange(0, top + 1e-9, step).tolist():
        out.append(f'<line x1="0" x2="{_WIDTH}" y1="{y(pod)}" y2="{y(pod)}" class="grid"/>')
        out.append(f'<text x="-8" y="{y(pod) + 4}" class="tick right">{100 * pod:.0f} %</text>')
    every = next((each for each in _TICKS_MIN if last_min / each <= 9), _TICKS_MIN[-1])
    for minute in range(0, int(last_min) + 1, every):
        out.append(f'<line x1="{x(minute)}" x2="{x(minute)}" y1="{_HEIGHT}" y2="{_HEIGHT + 5}" class="axis"/>')
        out.append(f'<text x="{x(minute)}" y="{_HEIGHT + 19}" class="tick mid">{minute}</text>')
    out.append(f'<line x1="0" x2="{_WIDTH}" y1="{_HEIGHT}" y2="{_HEIGHT}" class="axis"/>')
    below = escape(words(mark("minutes from the start")))
    out.append(f'<text x="{_WIDTH / 2}" y="{_HEIGHT + 38}" class="tick mid">{below}</text>')
    out.append(f'<path d="{line(growth)}L{_WIDTH} {_HEIGHT}L0 {_HEIGHT}z" class="curvefill"/>')
    if len(mower):
        out.append(f'<path d="{line(mower)}" class="mower"/>')
    out.append(f'<path d="{line(growth)}" class="curve"/>')
    out += [f'<circle cx="{x(m)}" cy="{y(p)}" r="2" class="curvedot"/>' for m, p in points]
    out.append(f'<line id="curve-now" x1="0" x2="0" y1="0" y2="{_HEIGHT}" class="now" visibility="hidden"/>')
    view = f"{-_LEFT} {-_TOP} {_WIDTH + _LEFT + _RIGHT} {_HEIGHT + _TOP + _BOTTOM}"
    title = escape(words(mark("Expected POD by minutes")))
    place = f'data-width="{_WIDTH:.0f}" data-minutes="{last_min:.4f}"'
    return Markup(
        f'<svg class="chart" id="chart" viewBox="{view}" {place} role="img" aria-label="{title}">{"".join(out)}</svg>'
    )
