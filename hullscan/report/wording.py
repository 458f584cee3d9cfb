"""What a report says in whole sentences: the same words on the screen and on paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hullscan.report.content import ReportContent
from hullscan.words import mark

__all__ = ["HOW_TO_READ", "berth_words", "clock_rows", "gap_words", "gaps_words", "position_words", "statement"]

_ENDS: Final = ("confirmed", "rejected", "escalated")
HOW_TO_READ: Final = (
    mark(
        "A finding is a place where the detector saw something like a parcel in several pictures. It is not proof of one: a person must look, and divers confirm."  # noqa: E501
    ),
    mark(
        "Places count on the ship: metres forward of the aft perpendicular, depth below the waterline as she floats. Latitude and longitude are derived from them. The 95 % circle holds the object in 19 of 20 cases if the ship's form is as stated."  # noqa: E501
    ),
    mark(
        "POD is the probability of detection of one parcel of the stated size that lies in the open on the plating. Parcels inside sea chests or behind gratings are not covered by it. The detector was trained on rendered pictures only."  # noqa: E501
    ),
)
"""How to read a report, a paragraph each."""

_STATISTICS: Final = {
    "brightness": mark("brightness"),
    "contrast": mark("contrast"),
    "sharpness": mark("sharpness"),
    "green_to_red": mark("colour"),
    "blue_to_yellow": mark("colour"),
    "score": mark("scores"),
}
"""Of pictures, as the drift watch names them."""
_NOTHING_M2: Final = 0.05  # areas are rounded


def statement(content: ReportContent) -> list[str]:
    """The result in two paragraphs: what was flagged; what was seen, and with which chance to flag a parcel."""
    _, coverage, count = content.words, content.coverage, len(content.findings)
    if content.verdicts is not None:
        flagged = _read(content)
    elif count == 1:
        flagged = _(
            mark("The detector flagged one place on the hull for a person to look at. It has not been confirmed yet.")
        )
    elif count:
        many = mark(
            "The detector flagged {count} places on the hull for a person to look at. None of them has been confirmed yet."  # noqa: E501
        )
        flagged = _(many).format(count=count)
    else:
        flagged = _(mark("The detector flagged no place on the hull."))
    placed, lost = coverage.get("sightings_placed", 0), coverage["sightings_not_placed"]
    if "sightings_placed" in coverage and lost > placed:
        nowhere = mark(
            "Of {count} sightings {lost} lie nowhere on this hull: telemetry, ship and times may not belong to these pictures. Analysed without telemetry they show what was seen."  # noqa: E501
        )
        flagged += " " + _(nowhere).format(count=placed + lost, lost=lost)
    seen = _(mark("{seen:.1f} of {planned:.1f} m² that were planned have been seen ({share:.0f} %).")).format(
        seen=coverage["seen_area_m2"],
        planned=coverage["planned_area_m2"],
        share=100 * (coverage["seen_share"] or 0),
    )
    seen += " " + " ".join(_chance(content))
    chests = sum(each.kind == "sea_chest" for each in content.mission.file.ship.fittings)
    if chests:
        verified = 0 if content.verdicts is None else content.verdicts.chests_clear
        looked_into = mark("Sea chests that somebody has looked into and signed for: {verified} of {count}.")
        seen += " " + _(looked_into).format(verified=verified, count=chests)
    unlike = (content.summary.get("detector_inputs") or {}).get("unlike", ())
    if unlike:
        differ = mark(
            "The pictures of this mission are unlike those that the detector was measured on ({what}): what is stated of its chances does not apply to them."  # noqa: E501
        )
        what = dict.fromkeys(_(_STATISTICS[name]) for name in unlike if name in _STATISTICS)
        seen += " " + _(differ).format(what=", ".join(what))
    return [flagged, seen]


def _chance(content: ReportContent) -> list[str]:
    """The chance that a parcel would have been flagged, how low it may be, and what that is taken from.

    No bound stands for pictures unlike those that it was measured on.
    """
    _, coverage = content.words, content.coverage
    model, said = coverage["pod_model"], []
    trials, lower = model.get("trials"), coverage.get("pod_lower")
    unlike = (content.summary.get("detector_inputs") or {}).get("unlike", ())
    if not unlike and coverage["pod"] and trials is not None and lower is not None:
        bounded = mark(
            "Had a parcel of {size:g} m lain there, the chance to flag it is put at {pod:.0f} %, and with 95 % confidence at no less than {lower:.0f} %: of {shown} parcels planted in the simulator in such water {found} were flagged."  # noqa: E501
        )
        data = {"size": model["parcel_m"], "pod": 100 * coverage["pod"], "lower": 100 * lower}
        said.append(_(bounded).format(**data, **trials))
    elif coverage["pod"] is not None:
        chance = mark("Had a parcel of {size:g} m lain there, the chance to flag it is put at {pod:.0f} %.")
        said.append(_(chance).format(size=model["parcel_m"], pod=100 * coverage["pod"]))
    if not model["measured"]:
        said.append(_(mark("This figure is an assumption, not a measurement.")))
    return said


def _read(content: ReportContent) -> str:
    """What two readers, or three, made of what the detector flagged, and of hull that it did not flag."""
    _, verdicts = content.words, content.verdicts
    assert verdicts is not None
    ends = {end: sum(finding["status"] == end for finding in content.findings) for end in _ENDS}
    message = mark(
        "The detector flagged {count} places. Readers, independent of each other, confirmed {confirmed}, rejected {rejected} and passed {escalated} on, because they could not agree. Signed off by {name}."  # noqa: E501
    )
    said = [_(message).format(count=len(content.findings), name=verdicts.signed_off_by, **ends)]
    if verdicts.readers:
        said.append(_(mark("Read by {names}.")).format(names=", ".join(verdicts.readers)))
    for finding in verdicts.found_by_readers:
        also = mark(
            "What it had not flagged readers called suspicious too: {side}, station {station:.1f} m, depth {depth:.1f} m."  # noqa: E501
        )
        where = {"side": _(finding["side"]), "station": finding["station_m"], "depth": finding["depth_m"]}
        said.append(_(also).format(**where))
    clear = mark("The ship is called clear: nothing suspicious is left, and every sea chest is signed for.")
    said.append(_(clear if verdicts.clear else mark("The ship is not called clear.")))
    return " ".join(said)


def gaps_words(content: ReportContent) -> list[str]:
    """What was not searched, in general; the gaps themselves are listed apart."""
    _, coverage, wetted_m2 = content.words, content.coverage, content.coverage["wetted_area_m2"]
    missed_m2 = coverage["planned_area_m2"] - coverage["seen_area_m2"]
    unnamed_m2 = missed_m2 - sum(gap["area_m2"] for gap in coverage["gaps"])
    said = []
    if missed_m2 < _NOTHING_M2:
        said.append(_(mark("Everything that was planned has been seen at least once.")))
    elif unnamed_m2 >= _NOTHING_M2:  # single cells, which are too small for a name
        small = mark("Small patches that are not named here were not seen either, {area:.1f} m² together.")
        said.append(_(small).format(area=unnamed_m2))
    rest = mark(
        "{area:.0f} m² of the wetted hull ({share:.0f} %) were not part of this plan: nothing is said about them."
    )
    return [*said, _(rest).format(area=content.not_planned_m2, share=100 * content.not_planned_m2 / wetted_m2)]


def gap_words(gap: dict[str, Any], words: Callable[[str], str]) -> str:
    """Where a gap is."""
    message = mark("{side} side, stations {s0:.1f} to {s1:.1f} m, {d0:.1f} to {d1:.1f} m deep")
    (s0, s1), (d0, d1) = gap["stations_m"], gap["depths_m"]
    return words(message).format(side=words(gap["side"]), s0=s0, s1=s1, d0=d0, d1=d1)


def clock_rows(content: ReportContent) -> list[tuple[str, str]]:
    """(what, milliseconds) of the clocks that were measured beside that of the pictures."""
    _, offsets = content.words, content.summary.get("clock_offsets_ms") or {}
    dvl = (offsets.get("dvl") or {}).get("uncertainty")
    vehicle = (offsets.get("preflight") or {}).get("vehicle_utc_minus_computer")
    rows = [(_(mark("time of range reports, uncertainty")), None if dvl is None else f"{dvl:.0f} ms")]
    video, by_hand = offsets.get("video") or {}, offsets.get("preflight") or {}
    late = video.get("late_by", by_hand.get("video_lag"))
    sigma = video.get("late_by_uncertainty", by_hand.get("video_lag_uncertainty"))
    told = None if late is None or sigma is None else f"{late:+.0f} ± {sigma:.0f} ms"
    rows.append((_(mark("pictures against the gyro")), told))
    rows.append((_(mark("vehicle's clock against the computer's")), None if vehicle is None else f"{vehicle:+.1f} ms"))
    return [(name, text) for name, text in rows if text is not None]


def berth_words(content: ReportContent) -> str:
    """Where she lies; that it is withheld where it is."""
    if not content.located:
        return content.words(mark("place withheld"))
    berth = content.mission.file.berth
    north, east = "N" if berth.lat_deg >= 0 else "S", "E" if berth.lon_deg >= 0 else "W"
    return f"{abs(berth.lat_deg):.4f}° {north} {abs(berth.lon_deg):.4f}° {east}"


def position_words(finding: dict[str, Any], words: Callable[[str], str]) -> str:
    """Latitude and longitude of a finding, where they may be told."""
    if finding["lat_deg"] is None:
        return words(mark("place withheld"))
    return f"{finding['lat_deg']:.6f}°, {finding['lon_deg']:.6f}°"
