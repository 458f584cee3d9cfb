"""What an earlier search of the same ship says of each finding of a later one: what came since goes first.

A thing that was there then would have been flagged with the POD of the earlier look at its place. Nothing flagged
there makes it ``1 / (1 - POD)`` times likelier that it came since than that it was missed: a likelihood ratio, by
which the odds of the score are raised. What was there already has come since only if the earlier search flagged
another thing in just its place; its odds fall by that ratio, unless readers called it suspicious. Nothing is left
out: ratios change the order in which findings are told, not which they are, nor their scores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from hullscan.errors import InputError
from hullscan.mission.model import Mission, load_mission
from hullscan.record.database import MissionDatabase
from hullscan.record.folder import MissionFolder
from hullscan.record.results import read_result, write_results
from hullscan.record.verdicts import read_findings
from hullscan.report.compare import Change, check_one_ship, compare_missions
from hullscan.words import mark

__all__ = ["earlier_mission", "earlier_words", "likelihood_ratio", "pod_is_measured", "priority", "weigh_by_earlier"]

_MOST_RATIO: Final = 20.0  # either way: forms, drawn POD curves and pairs are not surer than that
_SUSPICIOUS: Final = ("confirmed", "escalated")


def likelihood_ratio(change: Change, measured: bool = True) -> float:
    """Of what the earlier search flagged at a thing's place, if it came since, to that if it was there already.

    Args:
        change: of a thing that the later search flagged.
        measured: whether the earlier search's POD is a measurement; an assumption raises nothing.
    """
    likely = change.probability
    if change.kind == "added" and measured:
        return min(1 / max(1 - likely, 1e-9), _MOST_RATIO)
    if change.kind == "same" and (change.before or {}).get("status") not in _SUSPICIOUS:
        return min(max((1 - likely) / max(likely, 1e-9), 1 / _MOST_RATIO), 1.0)
    return 1.0


def pod_is_measured(coverage: dict[str, Any]) -> bool:
    """Whether the POD of a mission's coverage is a measurement, not an assumption."""
    return bool((coverage.get("pod_model") or {}).get("measured"))


def priority(score: float, ratio: float) -> float:
    """A score whose odds are multiplied by a likelihood ratio."""
    return score * ratio / (score * ratio + 1 - score) if 0 < score < 1 else score


def earlier_mission(path: Path, mission: Mission, start_utc: str | None) -> MissionFolder:
    """The folder of an earlier mission of the same ship; a bag's too.

    Args:
        start_utc: when the later one began.

    Raises:
        InputError: it is of another ship, or not earlier.
        RecordError: it has no results.
    """
    folder = MissionFolder.open(MissionFolder.inside(path))
    ships = [each.file.ship for each in (load_mission(folder.mission_file), mission)]
    check_one_ship(*((ship.name, ship.imo) for ship in ships))
    began = read_result(folder.path / "summary.json").get("start_utc")
    if began and start_utc and str(began) >= start_utc:
        raise InputError(
            f"that mission is not an earlier one: it began {began}", where=str(path), todo="name one from before"
        )
    return folder


def weigh_by_earlier(folder: MissionFolder, earlier: MissionFolder, database: MissionDatabase) -> None:
    """Write into ``findings.json`` what an earlier mission says of each finding, those that come first first.

    Each finding gets ``earlier`` (mission, start_utc, kind, id, status, apart_m, pod, likelihood_ratio) and
    ``priority``, its score with that ratio.

    Raises:
        InputError: they are missions on two ships.
        RecordError: results are missing or damaged, or a file cannot be written.
    """
    content = read_result(folder.path / "findings.json")
    summary, coverage = (read_result(earlier.path / f"{name}.json") for name in ("summary", "coverage"))
    measured, home = pod_is_measured(coverage), earlier.path.resolve()
    judged = {each["id"]: each for each in read_findings(earlier)["findings"]}
    told: dict[str, dict[str, Any]] = {}
    for change in compare_missions(earlier, folder):
        after, before = change.after, change.before
        if after is not None:
            before = None if before is None else judged[before["id"]]
            ratio = likelihood_ratio(replace(change, before=before), measured)
            told[after["id"]] = {
                "priority": round(priority(float(after["score"]), ratio), 3),
                "earlier": {
                    "mission": home.parent.name if home.name == "data" else home.name,  # of a bag
                    "start_utc": summary.get("start_utc"),
                    "kind": change.kind,
                    "id": None if before is None else before["id"],
                    "status": None if before is None else before["status"],
                    "apart_m": None if change.distance_m is None else round(change.distance_m, 2),
                    "pod": round(change.probability, 3) if change.kind == "added" else None,
                    "pod_measured": measured,
                    "likelihood_ratio": round(ratio, 2),
                },
            }
    weighed = [{**each, **told[each["id"]]} for each in content["findings"]]
    ordered = sorted(weighed, key=lambda each: -each["priority"])
    write_results(folder, database, {"findings": {**content, "findings": ordered}})


def earlier_words(finding: dict[str, Any], words: Callable[[str], str]) -> str:
    """What an earlier search says of a finding, as a sentence; empty where none was compared with."""
    earlier = finding.get("earlier")
    if not earlier:
        return ""
    kind, ratio = earlier["kind"], earlier["likelihood_ratio"]
    day = str(earlier.get("start_utc") or earlier["mission"])[:10]
    if kind == "added" and earlier["pod_measured"]:
        message = mark(
            "New since {day}: that search would have flagged it with {pod:.0f} %, and flagged nothing there. That makes it {ratio:.1f} times likelier that it came since; it is told earlier for that."  # noqa: E501
        )
        return words(message).format(day=day, pod=100 * earlier["pod"], ratio=ratio)
    sentences = {
        "added": mark("On {day} nothing was flagged there; how likely that search was to flag it is an assumption."),
        "changed": mark("On {day} something else lay there ({id}): of another size or kind."),
        "not searched before": mark("Not searched on {day}."),
    }
    if kind == "same":
        suspicious = earlier["status"] in _SUSPICIOUS
        stays = mark("There already on {day} ({id}), and called suspicious by readers then: it stays where it was.")
        later = mark("There already on {day} ({id}): told later for that, not left out.")
        return words(stays if suspicious else later).format(day=day, id=earlier["id"])
    return words(sentences[kind]).format(day=day, id=earlier["id"])
