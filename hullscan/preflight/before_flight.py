"""The preflight of a survey: written into its record, and the last word before the motors may turn."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hullscan.errors import RecordError, SafetyStop
from hullscan.mission.model import Mission
from hullscan.mission.plan import Plan
from hullscan.preflight.check import Phrase, PreflightLine, PreflightReport
from hullscan.preflight.gather import Equipment, run_preflight, set_origin, write_failsafes
from hullscan.vehicle.parameter_changes import Change
from hullscan.vehicle.parameter_file import number_text
from hullscan.words import mark

__all__ = ["NOT_GO", "REPORT_NAME", "before_flight"]

REPORT_NAME = "preflight.json"
NOT_GO = mark("{level}: {what}: {measured}")
"""Said of each line that is not go."""
_LISTEN_S = 5.0  # a survey waits for its position anyway; the command listens longer, for a turn by hand

Event = Callable[[str, str, dict[str, Any]], None]


def before_flight(
    equipment: Equipment,
    mission: Mission,
    plan: Plan,
    told: Event,
    *,
    folder: Path,
    approve: Callable[[PreflightReport], bool] | None = None,
) -> PreflightReport:
    """Write the failsafes, look at everything, keep it in the record, and insist.

    Args:
        told: gets (kind, message, data) of each caution and no-go.
        folder: of the mission; gets ``preflight.json``.
        approve: asked when there are cautions and no no-go; None goes on.

    Raises:
        SafetyStop: a no-go, or cautions that nobody takes upon himself.
        RefusedError: a failsafe was not kept.
        RecordError: the disk refused the report.
    """

    def written(change: Change) -> None:
        before = "?" if change.before is None else number_text(change.before)
        data = {"name": change.name, "before": before, "after": number_text(change.wanted.value)}
        told("preflight", mark("{name}: {before} → {after}, written and read back"), data)

    write_failsafes(equipment, mission, written)
    if set_origin(equipment, mission):
        told("preflight", mark("the launch place was set as the origin of the vehicle's position"), {})
    report = run_preflight(equipment, mission, plan, listen_s=_LISTEN_S)
    try:
        text = json.dumps(report.as_dict(), indent=1, ensure_ascii=False)
        (folder / REPORT_NAME).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise RecordError(f"cannot write the preflight: {error.strerror}", where=str(folder / REPORT_NAME)) from error
    for line in (*report.of("no-go"), *report.of("caution")):
        named = line.what if line.what.words else Phrase(line.group)
        data = {"level": line.level, "what": named.as_data(), "measured": line.measured.as_data()}
        told("preflight", NOT_GO, data)
    bad = report.of("no-go")
    if bad:
        what = "; ".join(f"{_name(line)}: {line.measured.told(_english)}" for line in bad)
        todo = bad[0].todo.told(_english)
        raise SafetyStop(f"preflight says no-go: {what}", todo=todo, message=mark("preflight says no-go"))
    if report.verdict == "caution" and approve is not None and not approve(report):
        raise SafetyStop(
            "preflight has cautions that nobody takes upon himself",
            message=mark("preflight has cautions that nobody takes upon himself"),
            todo="mend them, or say --accept-cautions",
        )
    told(
        "preflight",
        mark("preflight: {level}, {count} cautions"),
        {"level": report.verdict, "count": len(report.of("caution"))},
    )
    return report


def _english(message: str) -> str:
    return message


def _name(line: PreflightLine) -> str:
    return line.what.told(_english) or line.group
