"""Who asks, for what: shared by all routes of the desk."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.requests import Request

from hullscan.clock import Clock
from hullscan.review.attention import Attention
from hullscan.review.flights import FollowedFlight
from hullscan.review.places import DeskMission
from hullscan.review.readers import Person, Role, Roster
from hullscan.review.worklist import Place
from hullscan.words import LANGUAGES

__all__ = ["DeskOptions", "Refused", "Shared", "json_body", "may_see", "person_of", "reader_of", "supervisor_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskOptions:
    """How the desk works.

    Attributes:
        least_s: a verdict is taken after the page was in front of the reader for so long.
        blind: the detector's score is not shown before the mission is signed off.
        hosts: names under which the desk may be called.
        secure: the desk is reached over TLS: cookies go no other way.
        cache: folder for clips; not part of any mission.
        seal_key: file of the key that signs what is handed over; without one no package is made.
    """

    least_s: float = 7.0
    blind: bool = True
    language: str = "en"
    hosts: frozenset[str] = field(default_factory=lambda: frozenset({"127.0.0.1", "localhost"}))
    secure: bool = False
    cache: Path
    seal_key: Path | None = None


class Refused(Exception):
    """Answered with a status and one line."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


@dataclass(frozen=True, slots=True)
class Shared:
    """What all routes work with.

    Attributes:
        key: signs the readings.
        clock: gives the times of verdicts.
        seconds: monotonic time, for the minimum reading time.
        flights: missions in flight, by name.
    """

    missions: dict[str, DeskMission]
    roster: Roster
    key: Ed25519PrivateKey
    clock: Clock
    seconds: Callable[[], float]
    options: DeskOptions
    attention: Attention
    flights: dict[str, FollowedFlight]

    def language(self, request: Request) -> str:
        """Of the page."""
        wanted = request.query_params.get("lang", self.options.language)
        return wanted if wanted in LANGUAGES else self.options.language

    def mission(self, name: str, person: Person) -> DeskMission:
        """A mission that this person may look into.

        Raises:
            Refused: there is none.
        """
        found = self.missions.get(name)
        if found is None or not may_see(person, found):
            raise Refused(404, "there is no such mission")
        return found

    def place(self, mission_name: str, place_name: str, person: Person) -> tuple[DeskMission, Place]:
        """A place that this person may look at.

        Raises:
            Refused: there is none.
        """
        mission = self.mission(mission_name, person)
        place = mission.places.get(place_name)
        if place is None:
            raise Refused(404, "there is no such place")
        return mission, place


def may_see(person: Person, mission: DeskMission) -> bool:
    """Whether somebody may look into a mission: a guest when it is signed off, the others at any time."""
    return person.role is not Role.GUEST or mission.store.signed_off() is not None


def person_of(request: Request) -> Person:
    """Who asks."""
    person: Person | None = request.state.person
    if person is None:
        raise Refused(401, "who are you?")
    return person


def reader_of(request: Request) -> Person:
    """A reader who asks."""
    person = person_of(request)
    if person.role is not Role.READER:
        raise Refused(403, "only readers give verdicts")
    return person


def supervisor_of(request: Request) -> Person:
    """A supervisor who asks."""
    person = person_of(request)
    if person.role is not Role.SUPERVISOR:
        raise Refused(403, "this is a supervisor's")
    return person


async def json_body(request: Request) -> dict[str, Any]:
    """What was posted."""
    try:
        body: Any = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise Refused(400, "that is no JSON") from error
    if not isinstance(body, dict):
        raise Refused(400, "an object is wanted")
    return body
