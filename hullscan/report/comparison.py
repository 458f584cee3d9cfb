"""The comparison of two missions as files: a page for people, with pictures, and JSON for other programs."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Final

import numpy as np
from jinja2 import UndefinedError
from scipy.stats import chi2

from hullscan import __version__
from hullscan.errors import RecordError
from hullscan.record.folder import MissionFolder
from hullscan.record.results import read_result, write_result
from hullscan.record.seal import digest
from hullscan.report.compare import KIND_WORDS, Change
from hullscan.report.content import incomplete
from hullscan.report.earlier import likelihood_ratio, pod_is_measured
from hullscan.report.html import page_templates
from hullscan.report.pictures import pictures_of
from hullscan.words import mark, translator

__all__ = ["write_comparison"]

_WHAT: Final = {
    "added": mark("the earlier search would have flagged it, had it been there"),
    "gone": mark("the later search would have flagged it, were it still there"),
    "changed": mark("two looks at one and the same thing differ less"),
    "same": mark("both searches saw one thing, not two near each other"),
}
"""What the probability of each kind is of."""


def write_comparison(
    before: MissionFolder, after: MissionFolder, changes: list[Change], out: Path, language: str
) -> list[Path]:
    """Write ``comparison.json`` and ``comparison.html``.

    Raises:
        RecordError: results are missing or damaged, or a file cannot be written.
    """
    missions = [_mission(folder) for folder in (before, after)]
    measured = pod_is_measured(read_result(before.path / "coverage.json"))
    things = [_thing(number, change, measured) for number, change in enumerate(changes, start=1)]
    content = {"schema": "hullscan.comparison/1", "missions": missions, "things": things,
               "software": f"hullscan {__version__}"}  # fmt: skip
    _ = translator(language)
    shown = [
        {
            **thing,
            "words": _(KIND_WORDS[change.kind]),
            "meaning": _(_WHAT[change.kind]) if change.kind in _WHAT else "",
            "found": change.after or change.before,
            "near": [_near(folder, each) for folder, each in ((before, change.before), (after, change.after))],
        }
        for thing, change in zip(things, changes, strict=True)
    ]
    try:
        page = page_templates(_).get_template("comparison.html.j2").render(
            language=language, version=__version__, missions=missions, things=shown
        )  # fmt: skip
        out.mkdir(parents=True, exist_ok=True)
        path = out / "comparison.html"
        path.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise RecordError(f"the comparison cannot be written: {error.strerror}", where=str(out)) from error
    except (LookupError, TypeError, ValueError, UndefinedError) as error:
        raise incomplete(after, error) from error
    write_result(out / "comparison.json", content)
    return [path, out / "comparison.json"]


def _mission(folder: MissionFolder) -> dict[str, Any]:
    """Which mission it was, named by the hash of its findings too."""
    summary, coverage = read_result(folder.path / "summary.json"), read_result(folder.path / "coverage.json")
    return {
        "folder": folder.path.resolve().name,
        "ship": summary.get("ship"),
        "mission": summary.get("mission"),
        "start_utc": summary.get("start_utc"),
        "seen_area_m2": coverage["seen_area_m2"],
        "pod": coverage["pod"],
        "findings": summary.get("findings"),
        "findings_sha256": digest(folder.path / "findings.json"),
    }


def _thing(number: int, change: Change, measured: bool) -> dict[str, Any]:
    """One thing on the hull, whichever of the missions saw it; where both did, its place is that of both together.

    Args:
        measured: whether the POD of the earlier mission is a measurement.
    """
    found = [each for each in (change.before, change.after) if each is not None]
    latest = found[-1]
    covariance = np.array(latest["cov_ship_m2"], dtype=np.float64)
    if change.kind == "same":
        floor = 0.02**2 * np.eye(3)
        sure = [np.linalg.inv(np.array(each["cov_ship_m2"], dtype=np.float64) + floor) for each in found]
        covariance = np.linalg.inv(np.sum(sure, axis=0))
    radius_m = float(np.sqrt(chi2.ppf(0.95, 2) * np.linalg.eigvalsh(covariance)[-1]))
    return {
        "number": number,
        "kind": change.kind,
        "probability": None if change.kind.startswith("not searched") else round(change.probability, 3),
        "likelihood_ratio": None if change.after is None else round(likelihood_ratio(change, measured), 2),
        "apart_m": None if change.distance_m is None else round(change.distance_m, 3),
        "before": None if change.before is None else change.before["id"],
        "after": None if change.after is None else change.after["id"],
        "side": latest["side"],
        "station_m": latest["station_m"],
        "depth_m": latest["depth_m"],
        "radius95_m": round(radius_m, 2),
        "size_m": [each and each["size_m"] for each in (change.before, change.after)],
    }


def _near(folder: MissionFolder, finding: dict[str, Any] | None) -> str:
    pictures = [] if finding is None else pictures_of(folder, finding)
    return "data:image/jpeg;base64," + base64.b64encode(pictures[0].close_up).decode("ascii") if pictures else ""
