"""The desk's web application: pages and their data, for the browser of somebody on the roster, on this computer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from hullscan.clock import Clock
from hullscan.errors import HullscanError, InputError
from hullscan.report.landmarks import frame_words, nearest_landmark
from hullscan.review.attention import Attention
from hullscan.review.guard import COOKIE, Guard
from hullscan.review.page_words import page_words
from hullscan.review.places import DeskMission, Place
from hullscan.review.procedure import Reading, Verdict, may_read, shown_verdicts, standing
from hullscan.review.readers import Person, Role, Roster
from hullscan.words import LANGUAGES, translator

__all__ = ["DeskOptions", "make_desk"]

_PAGES: Final = Path(__file__).parent / "pages"
_MOST_NOTE: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskOptions:
    """How the desk works.

    Attributes:
        least_s: a verdict is taken after the page was in front of the reader for so long.
        blind: the detector's score is not shown before the verdict.
        hosts: names under which the desk may be called.
        cache: folder for clips; not part of any mission.
    """

    least_s: float = 7.0
    blind: bool = True
    language: str = "en"
    hosts: frozenset[str] = field(default_factory=lambda: frozenset({"127.0.0.1", "localhost"}))
    cache: Path


class _Refused(Exception):
    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


def make_desk(
    missions: dict[str, DeskMission],
    roster: Roster,
    key: Ed25519PrivateKey,
    clock: Clock,
    seconds: Callable[[], float],
    options: DeskOptions,
) -> Starlette:
    """The application.

    Args:
        key: signs the readings.
        clock: gives the times of verdicts.
        seconds: monotonic time, for the minimum reading time.
    """
    desk = _Desk(missions, roster, key, clock, seconds, options)
    routes = [
        Route("/", desk.page),
        Route("/login", desk.login),
        Route("/api/queue", desk.queue),
        Route("/api/place/{mission}/{place}", desk.place),
        Route("/api/open", desk.open, methods=["POST"]),
        Route("/api/tick", desk.tick, methods=["POST"]),
        Route("/api/verdict", desk.verdict, methods=["POST"]),
        Route("/api/sign-off", desk.sign_off, methods=["POST"]),
        Route("/picture/{mission}/{place}/{number:int}", desk.picture),
        Route("/clip/{mission}/{place}", desk.clip),
        Route("/map/{mission}", desk.map),
        Mount("/static", StaticFiles(directory=_PAGES / "static")),
    ]
    guard = Middleware(Guard, roster=roster, hosts=options.hosts, seconds=seconds)
    handlers: dict[Any, Any] = {_Refused: _told, HullscanError: _told_error}
    return Starlette(routes=routes, middleware=[guard], exception_handlers=handlers)


async def _told(request: Request, error: _Refused) -> Response:
    return JSONResponse({"error": error.words}, error.status)


async def _told_error(request: Request, error: HullscanError) -> Response:
    return JSONResponse({"error": str(error)}, 409 if isinstance(error, InputError) else 500)


class _Desk:
    def __init__(
        self,
        missions: dict[str, DeskMission],
        roster: Roster,
        key: Ed25519PrivateKey,
        clock: Clock,
        seconds: Callable[[], float],
        options: DeskOptions,
    ) -> None:
        self._missions, self._roster, self._key = missions, roster, key
        self._clock, self._seconds, self._options = clock, seconds, options
        self._attention = Attention()
        self._cutting = asyncio.Lock()
        self._templates = Environment(
            loader=FileSystemLoader(_PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )

    # ---------------------------------------------------------------- pages

    async def login(self, request: Request) -> Response:
        """The address that the desk printed: the token becomes a cookie and leaves the address."""
        token = request.query_params.get("token", "")
        person = self._roster.person(token)
        if person is None:
            return PlainTextResponse("this token is not known; open the address that the desk printed for you", 401)
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict", path="/")
        return response

    async def page(self, request: Request) -> Response:
        """The one page; everything else on it comes by ``/api``."""
        person, language = self._person(request), self._language(request)
        words = translator(language)
        facts = {
            "person": person.name,
            "role": person.role.value,
            "least_s": self._options.least_s,
            "language": language,
            "verdicts": [verdict.value for verdict in Verdict],
            "words": page_words(words),
        }
        self._templates.globals["_"] = words
        page = self._templates.get_template("desk.html.j2").render(
            language=language, languages=LANGUAGES, person=person, facts=json.dumps(facts, ensure_ascii=False)
        )
        return HTMLResponse(page)

    # ---------------------------------------------------------------- reading

    async def queue(self, request: Request) -> Response:
        """Missions and their places, as far as this person may know of them."""
        person, words = self._person(request), translator(self._language(request))
        open_now = self._attention.open_now() if person.role is Role.SUPERVISOR else {}
        return JSONResponse(
            {"missions": [self._listed(mission, person, words, open_now) for mission in self._missions.values()]}
        )

    def _listed(
        self, mission: DeskMission, person: Person, words: Callable[[str], str], open_now: dict[str, str]
    ) -> dict[str, Any]:
        readings = mission.store.all()
        rows = []
        for place in mission.places.values():
            given = readings.get(place.identity, [])
            at = standing(given)
            mine = may_read(person.name, given) and person.role is Role.READER
            row = {
                "id": place.identity,
                "side": words(str(place.finding["side"])),
                "station_m": place.finding["station_m"],
                "depth_m": place.finding["depth_m"],
                "mine": mine,
                # before a place is closed a reader learns nothing of how others stand to it
                "standing": at.value if at.closed or person.role is Role.SUPERVISOR else None,
                "standing_words": words(at.value) if at.closed or person.role is Role.SUPERVISOR else "",
            }
            if person.role is Role.SUPERVISOR:
                row["readers"] = [each.reader for each in given]
                row["open"] = [name for name, at_place in open_now.items() if at_place == _key(mission, place)]
            rows.append(row)
        signed = mission.store.signed_off()
        return {
            "name": mission.name,
            "ship": mission.ship,
            "date": str(mission.content["en"].summary.get("start_utc") or "")[:10],
            "places": rows,
            "closed": sum(standing(readings.get(each, [])).closed for each in mission.places),
            "signed_off_by": None if signed is None else signed[0],
        }

    async def place(self, request: Request) -> Response:
        """One place in full."""
        person, language = self._person(request), self._language(request)
        mission, place = self._found(request.path_params["mission"], request.path_params["place"])
        words, finding = translator(language), place.finding
        given = mission.store.of(place.identity)
        done = not may_read(person.name, given)
        shown = given if person.role is Role.SUPERVISOR else shown_verdicts(person.name, given)
        blind = self._options.blind and person.role is Role.READER and not done
        mission.store.audit("viewed", {"reader": person.name, "place": place.identity})
        return JSONResponse(
            {
                "id": place.identity,
                "mission": mission.name,
                "ship": mission.ship,
                "label": None if blind else words("possible " + str(finding["label"])),
                "score": None if blind else finding["score"],
                "side": words(str(finding["side"])),
                "station_m": finding["station_m"],
                "frame": frame_words(mission.content["en"].mission, float(finding["station_m"]), words),
                "depth_m": finding["depth_m"],
                "radius95_m": finding["radius95_m"],
                "size_m": finding["size_m"],
                "views": finding["views"],
                "landmark": nearest_landmark(mission.content["en"].mission, finding, words),
                "pictures": [
                    {
                        "address": f"/picture/{mission.name}/{place.identity}/{number}",
                        "width": picture.width_px,
                        "height": picture.height_px,
                        "box": picture.frame["box_xyxy_px"],
                        "utc": str(picture.frame["utc"])[11:23],
                        "range_m": picture.frame["range_m"],
                    }
                    for number, picture in enumerate(place.pictures)
                ],
                "clip": f"/clip/{mission.name}/{place.identity}",
                "mine": not done and person.role is Role.READER,
                "looked_s": self._attention.looked_s(person.name, _key(mission, place)),
                "readings": [
                    {
                        "reader": each.reader,
                        "verdict": each.verdict.value,
                        "confidence": each.confidence,
                        "note": each.note,
                    }
                    for each in shown
                ],
            }
        )

    async def open(self, request: Request) -> Response:
        """A reader opens a place; from now on its time counts."""
        person = self._reader(request)
        mission, place = await self._named(request)
        self._attention.open(person.name, _key(mission, place), self._seconds())
        return JSONResponse({"looked_s": self._attention.looked_s(person.name, _key(mission, place))})

    async def tick(self, request: Request) -> Response:
        """The page is visible and has the focus."""
        person = self._reader(request)
        mission, place = await self._named(request)
        return JSONResponse({"looked_s": self._attention.tick(person.name, _key(mission, place), self._seconds())})

    async def verdict(self, request: Request) -> Response:
        """A reader's verdict, once and for all."""
        person = self._reader(request)
        mission, place = await self._named(request)
        body = await _body(request)
        looked_s = self._attention.looked_s(person.name, _key(mission, place))
        if looked_s < self._options.least_s:
            raise _Refused(425, f"{self._options.least_s - looked_s:.1f} s of looking are missing")
        confidence, note = body.get("confidence"), body.get("note", "")
        if body.get("verdict") not in [verdict.value for verdict in Verdict]:
            raise _Refused(422, "there is no such verdict")
        if not isinstance(confidence, int) or isinstance(confidence, bool) or not 1 <= confidence <= 5:
            raise _Refused(422, "confidence is 1 to 5")
        if not isinstance(note, str) or len(note) > _MOST_NOTE:
            raise _Refused(422, f"a note has at most {_MOST_NOTE} characters")
        reading = Reading(
            reader=person.name,
            verdict=Verdict(body["verdict"]),
            confidence=confidence,
            note=note,
            looked_s=looked_s,
            utc_s=self._clock.now(),
        )
        await run_in_threadpool(mission.store.add, place.identity, reading)
        self._attention.close(person.name)
        return JSONResponse({"taken": True})

    async def sign_off(self, request: Request) -> Response:
        """A supervisor closes a mission; its readings are written and sealed."""
        person = self._person(request)
        if person.role is not Role.SUPERVISOR:
            raise _Refused(403, "a supervisor signs off")
        mission = self._missions.get(str((await _body(request)).get("mission")))
        if mission is None:
            raise _Refused(404, "there is no such mission")
        path = await run_in_threadpool(mission.store.sign_off, person.name, self._key)
        return JSONResponse({"sealed": path.parent.name})

    # ---------------------------------------------------------------- media

    async def picture(self, request: Request) -> Response:
        """A picture as it was cut from the recording."""
        self._person(request)
        _, place = self._found(request.path_params["mission"], request.path_params["place"])
        number = request.path_params["number"]
        if number >= len(place.pictures):
            raise _Refused(404, "there is no such picture")
        return Response(place.pictures[number].raw, media_type="image/jpeg")

    async def clip(self, request: Request) -> Response:
        """The seconds around it, never a still alone."""
        self._person(request)
        mission, place = self._found(request.path_params["mission"], request.path_params["place"])
        async with self._cutting:
            path = await run_in_threadpool(mission.clip, place, self._options.cache)
        return FileResponse(path, media_type="video/mp4")

    async def map(self, request: Request) -> Response:
        """The whole shell with coverage and findings."""
        language = self._language(request)
        self._person(request)
        mission = self._missions.get(request.path_params["mission"])
        if mission is None:
            raise _Refused(404, "there is no such mission")
        return HTMLResponse(str(mission.overview(language)))

    # ---------------------------------------------------------------- who and what

    def _person(self, request: Request) -> Person:
        person: Person | None = request.state.person
        if person is None:
            raise _Refused(401, "who are you?")
        return person

    def _reader(self, request: Request) -> Person:
        person = self._person(request)
        if person.role is not Role.READER:
            raise _Refused(403, "only readers give verdicts")
        return person

    def _language(self, request: Request) -> str:
        wanted = request.query_params.get("lang", self._options.language)
        return wanted if wanted in LANGUAGES else self._options.language

    def _found(self, mission_name: str, place_name: str) -> tuple[DeskMission, Place]:
        mission = self._missions.get(mission_name)
        place = None if mission is None else mission.places.get(place_name)
        if mission is None or place is None:
            raise _Refused(404, "there is no such place")
        return mission, place

    async def _named(self, request: Request) -> tuple[DeskMission, Place]:
        body = await _body(request)
        return self._found(str(body.get("mission")), str(body.get("place")))


def _key(mission: DeskMission, place: Place) -> str:
    return f"{mission.name}/{place.identity}"


async def _body(request: Request) -> dict[str, Any]:
    try:
        body: Any = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise _Refused(400, "that is no JSON") from error
    if not isinstance(body, dict):
        raise _Refused(400, "an object is wanted")
    return body
