"""How a result came about, in whole sentences, and with which software: what an expert asks first."""

from __future__ import annotations

from hullscan.report.content import ReportContent
from hullscan.search.looks import REACH_SHARE
from hullscan.words import mark

__all__ = ["hash_rows", "method"]


def method(content: ReportContent) -> list[str]:
    """A paragraph each: what was recorded, what was searched for in it, how it was placed, what counts as seen."""
    _, summary = content.words, content.summary
    rules, registration = summary.get("rules") or {}, summary.get("registration") or {}
    recorded = mark(
        "The camera's pictures were recorded as they arrived, beside the vehicle's telemetry and its ranges to the hull, all on one clock."  # noqa: E501
    )
    elsewhere = mark(
        "The video {video} and the log {log} were recorded elsewhere, by whatever rules; they were laid together by the time at which the video is said to begin, within {sigma:.0f} ms."  # noqa: E501
    )
    examined = _(mark("Wherever the view had moved on, a picture was examined."))
    if log := summary.get("telemetry_from"):
        told = {"video": summary.get("analysed_from"), "log": log, "sigma": summary["time_sigma_ms"]}
        said = [_(elsewhere).format(**told) + " " + examined]
    else:
        said = [_(recorded) + " " + examined]
    if rules:
        flagged = mark(
            "A neural network drew boxes with a score between 0 and 1. A place is flagged when it was boxed in at least {views} pictures and the five best scores average at least {score:.2f}; the threshold was chosen on pictures that the network was not trained with."  # noqa: E501
        )
        said.append(_(flagged).format(views=rules["min_views"], score=rules["min_score"]))
    placed = mark(
        "Each box was traced through lens, camera mount and attitude onto the hull's form. Boxes of one thing, from one lane or several, were joined, and every known error goes into the 95 % radius: of the vehicle's and the ship's place, of mount, clock and pixel."  # noqa: E501
    )
    said.append(_(placed))
    if registration.get("updates"):
        ship = mark(
            "Where the ship lay was measured {updates} times by {used} sonar beams on her plating; {rejected} did not fit and were left out."  # noqa: E501
        )
        data = {"used": registration["beams_used"], "rejected": registration["beams_rejected"]}
        by_ranges = _(ship).format(updates=registration["updates"], **data)
        if registration.get("fittings_used"):
            fittings = mark(
                "Fittings of her drawings ({known} are known), recognised in the pictures {used} times, told the place along her."  # noqa: E501
            )
            numbers = {"known": registration["fittings_known"], "used": registration["fittings_used"]}
            by_ranges += " " + _(fittings).format(**numbers)
        said.append(by_ranges)
    elif registration:
        said.append(_(mark("No range told where the ship lay: she was taken to lie at the berth as stated.")))
    seen = mark(
        "A cell of {cell:.2f} m counts as seen only where some lane had it in a picture from at least 95 of 100 of the places at which the camera may have been, within {reach:.1f} m, at no more than 65 degrees from straight on, not hidden by hull or fittings, with contrast measured in the picture, and in a picture without lost data."  # noqa: E501
    )
    reach_m = REACH_SHARE * content.mission.file.conditions.visibility_m
    said.append(_(seen).format(cell=content.coverage["cell_m"], reach=reach_m))
    return said


def hash_rows(content: ReportContent) -> list[tuple[str, str]]:
    """(what, SHA-256) of the detector and of the software, as far as the record tells them."""
    _, summary = content.words, content.summary
    rows = [(_(mark("Model")), summary.get("model_sha256"))]
    software = str(summary.get("software") or "hullscan")
    rows.append((software, summary.get("software_sha256")))
    return [(name, str(value)) for name, value in rows if value]
