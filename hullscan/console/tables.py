"""Results in a few lines on the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from hullscan.mission.feasibility import overall
from hullscan.mission.place_words import pattern_in_words, place_in_words
from hullscan.mission.plan import Plan
from hullscan.record.checking import Check
from hullscan.record.folder import MissionFolder
from hullscan.report.compare import WhatIf
from hullscan.survey import Outcome
from hullscan.vision.evaluation import THRESHOLDS, ScoredFrames
from hullscan.words import fill, mark

__all__ = ["check_table", "evaluation_table", "outcome_lines", "plan_table", "result_lines", "what_if_lines"]

Words = Callable[[str], str]
_SIZES = (("< 32 px", (0.0, 32.0)), ("32 to 96 px", (32.0, 96.0)), ("> 96 px", (96.0, float("inf"))))
"""Shorter side of a parcel's box; COCO's limits of small, medium and large."""
_CURVE_POINTS = 12


def plan_table(plan: Plan, words: Words) -> Group:
    """A plan as a table of legs, its totals, what it leaves out, and go or no-go."""
    table = Table(title=words(mark("plan")), title_justify="left", box=None, padding=(0, 1))
    columns = (mark("leg"), mark("what"), mark("place"), mark("start"), mark("way"))
    for name, justify in zip(columns, ("right", "left", "left", "right", "right"), strict=True):
        table.add_column(words(name), justify=justify)  # type: ignore[arg-type]
    zones = {each.zone.name: _filled(each.zone.words, each.zone.words_data, words) for each in plan.zones}
    for number, leg in enumerate(plan.legs, start=1):
        minutes, seconds = divmod(int(leg.start_s), 60)
        table.add_row(
            str(number),
            pattern_in_words(leg.pattern, words),
            zones.get(leg.zone) or place_in_words(leg.zone, words),
            f"{minutes}:{seconds:02d}",
            f"{leg.length_m:.1f} m",
            style="" if leg.surveys else "dim",
        )
    source, measured = plan.pod_source
    model = mark("POD model: {source}, measured") if measured else mark("POD model: {source}, not measured")
    curve = ", ".join(f"{minutes:.1f} → {100 * pod:.0f} %" for minutes, pod in _thinned(plan.curve))
    lines = [
        words(
            mark("{minutes:.1f} min, {length:.0f} m of way, stand-off {stand_off:.2f} m, least clearance {gap:.2f} m")
        ).format(
            minutes=plan.duration_s / 60, length=plan.length_m, stand_off=plan.stand_off_m, gap=plan.min_clearance_m
        ),
        words(mark("{seen:.1f} of {asked:.1f} m² seen, expected POD {pod:.2f}")).format(
            seen=plan.planned_area_m2, asked=plan.plannable_area_m2, pod=plan.expected_pod
        ),
        words(mark("over the whole ship by risk: {seen:.0f} % in view, POD {pod:.2f}")).format(
            seen=100 * plan.prior_seen, pod=plan.ship_pod
        ),
        words(model).format(source=words(source)),
        words(mark("minutes → POD: {curve}")).format(curve=curve),
        *_left_out(plan, words),
    ]
    lines.append(words(mark("feasibility: {verdict}")).format(verdict=words(overall(plan.checks))))
    lines += [f"  {words(check.level)}: {_filled(check.words, check.data, words)}" for check in plan.checks]
    return Group(table, *(Text(line) for line in lines))


def _thinned(curve: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Few enough points of a curve for a line or two, its ends among them."""
    every = max(1, -(-len(curve) // _CURVE_POINTS))
    return [*curve[:-1:every], curve[-1]]


def _left_out(plan: Plan, words: Words) -> list[str]:
    """What is not searched, by name; for zones also the minutes that would bring each in."""
    lines = [words(mark("left out: {name}")).format(name=place_in_words(name, words)) for name in plan.omitted]
    if plan.chosen is None:
        gaps = [words(mark("left out: {name}")).format(name=place_in_words(gap.name, words)) for gap in plan.gaps]
        return gaps + lines
    for outcome in plan.zones:
        data = {"name": _filled(outcome.zone.words, outcome.zone.words_data, words), "share": 100 * outcome.prior}
        if outcome.minutes_more is None:
            line = words(mark("left out: {name}, {share:.1f} % of the risk; no pass in reach sees it"))
            lines.append(line.format(**data))
        elif outcome.minutes_more > 0:
            line = words(mark("left out: {name}, {share:.1f} % of the risk; {minutes:.1f} min more would bring it in"))
            lines.append(line.format(**data, minutes=outcome.minutes_more))
    return lines


def _filled(message: str, data: dict[str, Any], words: Words) -> str:
    """A message in the language of ``words``, with those of its data that are words too."""
    return fill(words(message), {key: words(each) if isinstance(each, str) else each for key, each in data.items()})


def evaluation_table(scored: ScoredFrames, split: str) -> Table:
    """Recall by size and false boxes, a row for each threshold."""
    title = f"{split}: {scored.frames} frames, {len(scored.found)} parcels"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2))
    for name in ("threshold", "found", *(name for name, _ in _SIZES), "false boxes/frame", "frames with one"):
        table.add_column(name, justify="right")
    for threshold in THRESHOLDS:
        point = scored.at(threshold)
        chosen = [scored.between("shorter_side_px", *limits) for _, limits in _SIZES]
        sizes = [f"{scored.at(threshold, some).recall:.2f}" for some in chosen]
        table.add_row(
            f"{threshold:.2f}",
            f"{point.recall:.2f}",
            *sizes,
            f"{point.false_per_frame:.3f}",
            f"{point.false_frames:.3f}",
        )
    return table


def check_table(checks: list[Check], words: Words) -> Table:
    """What a check of a folder found, one thing a line."""
    table = Table(box=None, show_header=False, padding=(0, 1))
    signs = {True: "[green]✓[/]", False: "[bold red]✗[/]", None: "[yellow]·[/]"}
    for check in checks:
        table.add_row(signs[check.passed], escape(fill(words(check.message), check.data)))
    return table


def outcome_lines(outcome: Outcome, words: Words) -> list[str]:
    """What a survey found, and where the report lies."""
    return result_lines(outcome.folder.path, words)


def result_lines(path: Path, words: Words) -> list[str]:
    """Findings of a mission folder, one a line, the area seen, and where the report lies."""
    folder = MissionFolder(path)
    findings = json.loads((path / "findings.json").read_text(encoding="utf-8"))["findings"]
    coverage = json.loads((path / "coverage.json").read_text(encoding="utf-8"))
    line = words(
        mark("{id} {label}: {side}, station {station:.1f} m, depth {depth:.1f} m, ± {radius:.2f} m, score {score:.2f}")
    )
    lines = [
        line.format(
            id=f["id"],
            label=words(f["label"]),
            side=words(f["side"]),
            station=f["station_m"],
            depth=f["depth_m"],
            radius=f["radius95_m"],
            score=f["score"],
        )
        for f in findings
    ]
    if not findings:
        lines.append(words(mark("nothing was flagged")))
    lost = coverage.get("sightings_not_placed", 0)  # results of an earlier version do not tell
    if lost > coverage.get("sightings_placed", float("inf")):
        nowhere = words(mark("{lost} of {count} sightings lie nowhere on this hull: is the telemetry of this dive?"))
        lines.append(nowhere.format(lost=lost, count=lost + coverage["sightings_placed"]))
    seen = words(mark("{seen:.1f} of {planned:.1f} m² seen"))
    lines.append(seen.format(seen=coverage["seen_area_m2"], planned=coverage["planned_area_m2"]))
    lines.append(words(mark("report: {path}")).format(path=folder.report))
    return lines


def unplaced_lines(path: Path, words: Words) -> list[str]:
    """Findings that carry time only, one a line, and where the report lies."""
    findings = json.loads((path / "findings.json").read_text(encoding="utf-8"))["findings"]
    line = words(mark("{id} {label}: {when}, score {score:.2f}"))
    lines = []
    for each in findings:
        best = each["frames"][0]
        named = [value for name, value in best["said"] if not name]
        when = words(mark("{when} in the video")).format(when=f"{best['stream_s']:.1f} s")
        if each["views"] == 1 and named and not each["clip"]:
            when = words(mark("photograph {name}")).format(name=named[0])
        lines.append(line.format(id=each["id"], label=words(each["label"]), when=when, score=each["score"]))
    if not findings:
        lines.append(words(mark("nothing was flagged")))
    lines.append(words(mark("no place on a hull is told: there is no telemetry")))
    lines.append(words(mark("report: {path}")).format(path=MissionFolder(path).report))
    return lines


def what_if_lines(changed: WhatIf, words: Words) -> list[str]:
    """What a new reading of a recording changed, one thing a line."""
    place = words(mark("{side}, station {station:.1f} m, depth {depth:.1f} m, score {score:.2f}"))

    def where(finding: dict[str, Any]) -> str:
        return place.format(
            side=words(str(finding["side"])), station=finding["station_m"], depth=finding["depth_m"],
            score=finding["score"],
        )  # fmt: skip

    count = mark("against the recording's own results: {same} findings are there still, {gained} gained, {lost} lost")
    lines = [words(count).format(same=changed.same, gained=len(changed.gained), lost=len(changed.lost))]
    lines += [words(mark("gained {id}: {where}")).format(id=f["id"], where=where(f)) for f in changed.gained]
    lines += [words(mark("lost {id}: {where}")).format(id=f["id"], where=where(f)) for f in changed.lost]
    moved = words(mark("moved {before} → {after}: by {distance:.2f} m, {where}"))
    lines += [
        moved.format(before=old["id"], after=new["id"], distance=distance_m, where=where(new))
        for old, new, distance_m in changed.moved
    ]
    numbers = words(mark("POD {pod0} → {pod1}, seen {seen0:.1f} → {seen1:.1f} m²"))
    pods = ["–" if pod is None else f"{pod:.2f}" for pod in changed.pod]
    seen = changed.seen_m2
    return [*lines, numbers.format(pod0=pods[0], pod1=pods[1], seen0=seen[0], seen1=seen[1])]
