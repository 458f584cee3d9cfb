"""What the desk tells of missions and places: as much as somebody may know of them, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hullscan.report.landmarks import frame_words, nearest_landmark
from hullscan.review.access import may_see
from hullscan.review.places import DeskMission
from hullscan.review.procedure import Reading, Standing, shown_verdicts, standing
from hullscan.review.readers import Person, Role
from hullscan.review.sea_chests import missing_for
from hullscan.review.signing import not_clear
from hullscan.review.worklist import Place
from hullscan.words import mark

__all__ = ["listed_mission", "listed_place", "told_chest", "told_place"]

Words = Callable[[str], str]


def listed_mission(mission: DeskMission, person: Person, words: Words, open_now: dict[str, str]) -> dict[str, Any]:
    """A mission as the inbox shows it.

    Args:
        open_now: place by reader, as ``mission/place``; who reads what is told to supervisors alone.
    """
    readings = mission.store.all()
    standings = [standing(readings.get(identity, [])) for identity in mission.places]
    signed = mission.store.signed_off()
    listed: dict[str, Any] = {
        "name": mission.name,
        "ship": mission.ship,
        "port": mission.port,
        "date": mission.start_utc[:10],
        "all": len(standings),
        "closed": sum(each.closed for each in standings),
        "mine": sum(
            person.role is Role.READER and mission.store.asks(person.name, readings.get(identity, []))
            for identity in mission.places
        ) if signed is None else 0,
        "signed_off_by": None if signed is None else signed[0],
        "chests": len(mission.chests),
        "chests_signed": len(mission.store.chest_signatures()),
        "notices": [words(notice) for notice in mission.notices] + _barred(mission, person, words),
        "open": may_see(person, mission),
    }  # fmt: skip
    if person.role is Role.SUPERVISOR or signed is not None:
        listed |= {
            "counts": {each.value: sum(at is each for at in standings) for each in Standing},
            "not_clear": [[identity, words(why)] for identity, why in not_clear(mission, readings)],
        }
    if person.role is Role.SUPERVISOR:
        here = {name: at.split("/", 1)[1] for name, at in open_now.items() if at.split("/", 1)[0] == mission.name}
        listed["reading"] = [f"{name} {at}" for name, at in sorted(here.items())]
        by = sorted({each.reader for given in readings.values() for each in given})
        listed["readers"] = {
            name: sum(any(e.reader == name for e in given) for given in readings.values()) for name in by
        }
    return listed


def _barred(mission: DeskMission, person: Person, words: Words) -> list[str]:
    """Who does not read, and why: told to themselves and to supervisors."""
    return [
        words(mark("{name} does not read this mission: {why}")).format(name=name, why=words(why))
        for key, (name, why) in mission.store.barred().items()
        if person.role is Role.SUPERVISOR or key == person.name.casefold()
    ]


def listed_place(
    mission: DeskMission, place: Place, given: list[Reading], person: Person, words: Words, open_now: dict[str, str]
) -> dict[str, Any]:
    """A place as the queue shows it."""
    at, open_ = standing(given), mission.store.signed_off() is None
    # before a place is closed a reader learns nothing of how others stand to it
    told = at.closed or person.role is Role.SUPERVISOR
    row = {
        "id": place.identity,
        "side": words(str(place.finding["side"])),
        "station_m": place.finding["station_m"],
        "depth_m": place.finding["depth_m"],
        "mine": person.role is Role.READER and mission.store.asks(person.name, given) and open_,
        "read": any(each.reader == person.name for each in given),
        "standing": at.value if told else None,
        "standing_words": words(at.value) if told else "",
    }
    if person.role is Role.SUPERVISOR:
        row["readers"] = [each.reader for each in given]
        key = f"{mission.name}/{place.identity}"
        row["open"] = [name for name, open_place in open_now.items() if open_place == key]
    return row


def told_place(
    mission: DeskMission, place: Place, given: list[Reading], person: Person, words: Words, *, blind: bool
) -> dict[str, Any]:
    """One place in full.

    Args:
        blind: a reader is not told what the detector made of it before the mission is signed off.
    """
    finding, signed = place.finding, mission.store.signed_off() is not None
    mine = person.role is Role.READER and mission.store.asks(person.name, given) and not signed
    shown = given if person.role is Role.SUPERVISOR or signed else shown_verdicts(person.name, given)
    # what was planted or sampled has no score: to show the others' would tell them apart
    open_ = signed or not blind or person.role is Role.SUPERVISOR
    file = mission.mission
    told: dict[str, Any] = {
        "id": place.identity,
        "mission": mission.name,
        "ship": mission.ship,
        "side": words(str(finding["side"])),
        "station_m": finding["station_m"],
        "frame": frame_words(file, float(finding["station_m"]), words),
        "depth_m": finding["depth_m"],
        "landmark": nearest_landmark(file, finding, words),
        "pictures": [
            {
                "address": f"/picture/{mission.name}/{place.identity}/{number}",
                "width": shot.width_px,
                "height": shot.height_px,
                "box": shot.frame["box_xyxy_px"],
                "utc": str(shot.frame["utc"])[11:23],
                "range_m": shot.frame["range_m"],
            }
            for number, shot in enumerate(mission.shots(place))
        ],
        "clip": f"/clip/{mission.name}/{place.identity}" if mission.footage is not None else "",
        "mine": mine,
        "readings": [
            {"reader": each.reader, "verdict": each.verdict.value, "confidence": each.confidence, "note": each.note}
            for each in shown
        ],
    }
    if open_:
        told |= {
            "kind": place.kind.value,
            "kind_words": words(place.kind.value),
            "finding": finding["id"],
            "label": words("possible " + str(finding["label"])),
            "score": finding["score"],
            "size_m": finding["size_m"],
            "radius95_m": finding["radius95_m"],
            "views": finding["views"],
        }
    return told


def told_chest(mission: DeskMission, identity: str, words: Words) -> dict[str, Any]:
    """A sea chest with what is known of the looks at it, and what is missing."""
    chest = mission.chests[identity]
    signature = mission.store.chest_signatures().get(identity)
    return {
        "id": identity,
        "mission": mission.name,
        "side": words(chest.side),
        "station_m": chest.station_m,
        "depth_m": chest.depth_m,
        "dwell_s": chest.dwell_s,
        "dwelt": chest.dwelt,
        "nearest_m": chest.nearest_m,
        "close_up": chest.close_up,
        "least_m": chest.least_m,
        "pictures": [
            {"address": f"/chest-picture/{mission.name}/{identity}/{number}", "box": box}
            for number, box in enumerate(chest.boxes)
        ] if mission.footage is not None else [],
        "clip": f"/chest-clip/{mission.name}/{identity}",
        "signed_by": None if signature is None else signature.reader,
        "clear": None if signature is None else signature.clear,
        "note": "" if signature is None else signature.note,
        "missing": [words(each) for each in missing_for(chest, signature)],
    }  # fmt: skip
