"""The desk's web application: pages and their data, for the browser of somebody on the roster."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from hullscan.clock import Clock
from hullscan.errors import HullscanError, InputError
from hullscan.review.access import DeskOptions, Refused, Shared, json_body, person_of, reader_of
from hullscan.review.attention import Attention
from hullscan.review.flights import FollowedFlight, Phase
from hullscan.review.guard import COOKIE, Guard, turn_away
from hullscan.review.inbox import listed_mission, listed_place, told_place
from hullscan.review.live import listed_flight, live_routes
from hullscan.review.media import media_routes
from hullscan.review.oversight import handed_over, oversight_routes
from hullscan.review.page_words import page_words
from hullscan.review.places import DeskMission
from hullscan.review.procedure import Reading, Verdict
from hullscan.review.readers import Person, Role, Roster
from hullscan.review.sea_chests import ChestSignature
from hullscan.words import LANGUAGES, translator

__all__ = ["DeskOptions", "make_desk"]

_PAGES: Final = Path(__file__).parent / "pages"
_MOST_NOTE: Final = 2000


def make_desk(
    missions: dict[str, DeskMission],
    roster: Roster,
    key: Ed25519PrivateKey,
    clock: Clock,
    seconds: Callable[[], float],
    options: DeskOptions,
    flights: dict[str, FollowedFlight] | None = None,
) -> Starlette:
    """The application.

    Args:
        key: signs the readings.
        clock: gives the times of verdicts.
        seconds: monotonic time, for the minimum reading time.
        flights: missions in flight, by name.
    """
    shared = Shared(missions, roster, key, clock, seconds, options, Attention(), flights or {})
    desk = _Desk(shared)
    routes = [
        Route("/", desk.page),
        Route("/login", desk.login),
        Route("/api/inbox", desk.inbox),
        Route("/api/queue/{mission}", desk.queue),
        Route("/api/place/{mission}/{place}", desk.place),
        Route("/api/open", desk.open, methods=["POST"]),
        Route("/api/tick", desk.tick, methods=["POST"]),
        Route("/api/verdict", desk.verdict, methods=["POST"]),
        Route("/api/sign-chest", desk.sign_chest, methods=["POST"]),
        *media_routes(shared),
        *live_routes(shared),
        *oversight_routes(shared),
        Mount("/static", StaticFiles(directory=_PAGES / "static")),
    ]
    guard = Middleware(Guard, roster=roster, hosts=options.hosts, seconds=seconds, secure=options.secure)
    handlers: dict[Any, Any] = {Refused: _told, HullscanError: _told_error}
    return Starlette(routes=routes, middleware=[guard], exception_handlers=handlers)


async def _told(request: Request, error: Refused) -> Response:
    return JSONResponse({"error": error.words}, error.status)


async def _told_error(request: Request, error: HullscanError) -> Response:
    # the place of an error is a path of this computer, which is nobody's business but the operator's
    return JSONResponse({"error": error.what}, 409 if isinstance(error, InputError) else 500)


class _Desk:
    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._templates = Environment(
            loader=FileSystemLoader(_PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )

    # ---------------------------------------------------------------- pages

    async def login(self, request: Request) -> Response:
        """The address that the desk printed: the token becomes a cookie and leaves the address."""
        token = request.query_params.get("token", "")
        person = self._shared.roster.person(token)
        if person is None:
            return turn_away(request)
        response = RedirectResponse("/", status_code=303)
        secure = self._shared.options.secure
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict", path="/", secure=secure)
        return response

    async def page(self, request: Request) -> Response:
        """The one page; everything else on it comes by ``/api``."""
        person, language = person_of(request), self._shared.language(request)
        words, flights = translator(language), any(self._flights(str))
        facts = {
            "person": person.name,
            "role": person.role.value,
            "least_s": self._shared.options.least_s,
            "language": language,
            "verdicts": [verdict.value for verdict in Verdict],
            "flights": flights,
            "words": page_words(words),
        }
        self._templates.globals["_"] = words
        page = self._templates.get_template("desk.html.j2").render(
            language=language, languages=LANGUAGES, person=person, flights=flights,
            facts=json.dumps(facts, ensure_ascii=False),
        )  # fmt: skip
        return HTMLResponse(page)

    def _flights(self, words: Callable[[str], str]) -> list[dict[str, Any]]:
        """Missions that are not yet there to be read."""
        listed = [listed_flight(each, words) for each in self._shared.flights.values()]
        return [each for each in listed if each["phase"] != Phase.READY.value]

    # ---------------------------------------------------------------- reading

    async def inbox(self, request: Request) -> Response:
        """All missions."""
        person, words = person_of(request), translator(self._shared.language(request))
        open_now = self._shared.attention.open_now()
        missions = list(self._shared.missions.values())
        listed = [listed_mission(each, person, words, open_now) for each in missions]
        return JSONResponse({"missions": listed, "flights": self._flights(words)})

    async def queue(self, request: Request) -> Response:
        """The places of a mission, as far as this person may know of them."""
        person, words = person_of(request), translator(self._shared.language(request))
        mission = self._shared.mission(request.path_params["mission"], person)
        readings, open_now = mission.store.all(), self._shared.attention.open_now()
        places = [
            listed_place(mission, place, readings.get(place.identity, []), person, words, open_now)
            for place in mission.places.values()
        ]
        listed = listed_mission(mission, person, words, open_now)
        if person.role is Role.SUPERVISOR:
            listed["forms"] = handed_over(mission, self._shared.options.seal_key)
        return JSONResponse({"mission": listed, "places": places})

    async def place(self, request: Request) -> Response:
        """One place in full."""
        person, words = person_of(request), translator(self._shared.language(request))
        mission, place = self._shared.place(request.path_params["mission"], request.path_params["place"], person)
        given = mission.store.of(place.identity)
        mission.store.audit("viewed", {"reader": person.name, "place": place.identity}, sync=False)
        told = await run_in_threadpool(
            told_place, mission, place, given, person, words, blind=self._shared.options.blind
        )
        looked_s = self._shared.attention.looked_s(person.name, f"{mission.name}/{place.identity}")
        return JSONResponse({**told, "looked_s": looked_s})

    async def open(self, request: Request) -> Response:
        """A reader opens a place or a sea chest; from now on its time counts."""
        person = reader_of(request)
        mission, key = await self._named(request, person)
        if (chest := key.rpartition("/")[2]) in mission.chests:  # of a place it is noted when it is shown
            mission.store.audit("viewed", {"reader": person.name, "chest": chest}, sync=False)
        self._shared.attention.open(person.name, key, self._shared.seconds())
        return JSONResponse({"looked_s": self._shared.attention.looked_s(person.name, key)})

    async def tick(self, request: Request) -> Response:
        """The page is visible and has the focus."""
        person = reader_of(request)
        _, key = await self._named(request, person)
        return JSONResponse({"looked_s": self._shared.attention.tick(person.name, key, self._shared.seconds())})

    async def verdict(self, request: Request) -> Response:
        """A reader's verdict, once and for all."""
        person, body = reader_of(request), await json_body(request)
        mission, place = self._shared.place(str(body.get("mission")), str(body.get("place")), person)
        looked_s = self._long_enough(person, f"{mission.name}/{place.identity}")
        confidence = body.get("confidence")
        if body.get("verdict") not in [verdict.value for verdict in Verdict]:
            raise Refused(422, "there is no such verdict")
        if not isinstance(confidence, int) or isinstance(confidence, bool) or not 1 <= confidence <= 5:
            raise Refused(422, "confidence is 1 to 5")
        reading = Reading(
            reader=person.name,
            verdict=Verdict(body["verdict"]),
            confidence=confidence,
            note=_note(body),
            looked_s=looked_s,
            utc_s=self._shared.clock.now(),
        )
        await run_in_threadpool(mission.store.add, place.identity, reading)
        self._shared.attention.close(person.name)
        return JSONResponse({"taken": True})

    async def sign_chest(self, request: Request) -> Response:
        """A reader's word for a sea chest."""
        person, body = reader_of(request), await json_body(request)
        mission, key = await self._named(request, person)
        chest = str(body.get("place"))
        if chest not in mission.chests:
            raise Refused(404, "there is no such sea chest")
        looked_s = self._long_enough(person, key)
        if not isinstance(body.get("clear"), bool):
            raise Refused(422, "a sea chest is clear or not")
        if body["clear"] and mission.footage is None:
            raise Refused(409, "without a recording nobody can say that a sea chest is clear")
        signature = ChestSignature(person.name, body["clear"], _note(body), looked_s, self._shared.clock.now())
        await run_in_threadpool(mission.store.sign_chest, chest, signature)
        self._shared.attention.close(person.name)
        return JSONResponse({"taken": True})

    def _long_enough(self, person: Person, key: str) -> float:
        looked_s, least_s = self._shared.attention.looked_s(person.name, key), self._shared.options.least_s
        if looked_s < least_s:
            raise Refused(425, f"{least_s - looked_s:.1f} s of looking are missing")
        return looked_s

    async def _named(self, request: Request, person: Person) -> tuple[DeskMission, str]:
        """The mission, and the key of the place or sea chest in it, that was posted."""
        body = await json_body(request)
        mission, name = self._shared.mission(str(body.get("mission")), person), str(body.get("place"))
        if name not in mission.places and name not in mission.chests:
            raise Refused(404, "there is no such place")
        return mission, f"{mission.name}/{name}"


def _note(body: dict[str, Any]) -> str:
    note = body.get("note", "")
    if not isinstance(note, str) or len(note) > _MOST_NOTE:
        raise Refused(422, f"a note has at most {_MOST_NOTE} characters")
    return note
