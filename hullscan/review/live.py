"""Live mode: a mission in flight on the desk, and close-ups that readers ask the operator for.

Everybody may look. What the detector flags is told to supervisors, and to readers who then do not read the mission:
who saw the flags would know which of the places to read are none. A request is a proposal and no more.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hullscan.pilot.states import PilotState
from hullscan.review.access import Refused, Shared, json_body, person_of, reader_of
from hullscan.review.flights import FollowedFlight, Phase
from hullscan.review.readers import Person, Role
from hullscan.words import mark, said, translator

__all__ = ["listed_flight", "live_routes"]

Words = Callable[[str], str]
_WAIT_S, _LOOK_EVERY_S = 1.5, 0.02
_SAW = mark("saw during the flight what the detector flagged")
_MOST_THUMBNAIL_BYTES: Final = 1_000_000
_PHASES: Final = {
    Phase.WAITING: mark("Waiting for the flight to begin."),
    Phase.FLYING: mark("live"),
    Phase.SILENT: mark("Nothing is heard from the survey. If it has ended, make its results with hullscan analyze."),
    Phase.OVER: mark("The flight has ended. Findings are being placed and the report is written."),
    Phase.OPENING: mark("The flight has ended. The mission is being made ready for reading."),
    Phase.READY: mark("The flight has ended. The mission is ready to be read."),
    Phase.FAILED: mark("The flight has ended, but the mission cannot be opened for reading: {words}"),
}
_REQUEST_STATES: Final = {
    "waiting": mark("waiting for the operator"),
    "accepted": mark("accepted; it is flown as soon as the lane comes near"),
    "declined": mark("the operator declined"),
    "unanswered": mark("the operator did not answer in time"),
    "refused": mark("refused: {reason}"),
    "flown": mark("done, {views} views taken"),
}
_NUMBERS: Final = (
    "after_s", "window_s", "leg", "legs", "leg_share", "survey_share", "speed_share", "seen_m2", "asked_m2",
    "stand_off_m", "range_m", "least_m", "speed_mps", "depth_m", "battery_v", "battery_limit_v", "tether_m",
    "tether_limit_m", "sigma_along_m", "link_age_s", "video_age_s", "dvl_age_s", "video_hz", "looks_hz", "packets_lost",
)  # fmt: skip


def live_routes(shared: Shared) -> list[Route]:
    """Routes for missions in flight."""
    live = _Live(shared)
    return [
        Route("/api/live/{flight}", live.told),
        Route("/live-picture/{flight}", live.picture),
        Route("/live-thumbnail/{flight}/{track:int}", live.thumbnail),
        Route("/api/show-flags", live.show_flags, methods=["POST"]),
        Route("/api/ask-close-up", live.ask, methods=["POST"]),
    ]


def listed_flight(flight: FollowedFlight, words: Words) -> dict[str, Any]:
    """A flight as the inbox shows it."""
    phase = flight.phase()
    return {
        "name": flight.name,
        "ship": flight.ship,
        "port": flight.port,
        "phase": phase.value,
        "phase_words": words(_PHASES[phase]).format(words=flight.failed),
    }


class _Live:
    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._audited: set[tuple[str, str]] = set()

    async def told(self, request: Request) -> Response:
        """Where the flight stands."""
        person, words = person_of(request), translator(self._shared.language(request))
        flight = self._flight(request.path_params["flight"])
        flight.watch()
        if (seen := (flight.name, person.name)) not in self._audited:
            self._audited.add(seen)
            flight.store.audit("watched the flight", {"who": person.name}, sync=False)
        return JSONResponse(await run_in_threadpool(self._told, flight, person, words))

    async def picture(self, request: Request) -> Response:
        """The newest picture, as soon as it is another one than the last that was sent: ``after``."""
        person_of(request)
        flight = self._flight(request.path_params["flight"])
        after = request.query_params.get("after", "0")
        flight.watch()
        for _ in range(int(_WAIT_S / _LOOK_EVERY_S)):
            version = flight.link.version("picture.jpg")
            if version and str(version) != after:
                raw = flight.link.picture()  # written a moment ago, so from memory: a thread would take longer
                if raw:
                    return Response(raw, media_type="image/jpeg", headers={"X-Picture": str(version)})
            await asyncio.sleep(_LOOK_EVERY_S)
        return Response(status_code=204)

    async def thumbnail(self, request: Request) -> Response:
        """A small picture of what was flagged."""
        flight = self._flight(request.path_params["flight"])
        if not self._sees_flags(flight, person_of(request)):
            raise Refused(403, "what the detector flags is not for you")
        path = flight.folder.path / "live" / f"track-{request.path_params['track']}.jpg"
        if not path.is_file() or path.stat().st_size > _MOST_THUMBNAIL_BYTES:
            raise Refused(404, "there is no such picture")
        return Response(await run_in_threadpool(path.read_bytes), media_type="image/jpeg")

    async def show_flags(self, request: Request) -> Response:
        """A reader wants to see what the detector flags; from now on this mission is not theirs to read."""
        person, body = reader_of(request), await json_body(request)
        flight = self._flight(str(body.get("flight")))
        if flight.phase() not in (Phase.WAITING, Phase.FLYING, Phase.SILENT):
            raise Refused(409, "the flight has ended")
        if self._shared.options.blind:
            await run_in_threadpool(flight.store.bar, person.name, _SAW)
        return JSONResponse({"taken": True})

    async def ask(self, request: Request) -> Response:
        """A reader asks for a close-up at a place of the map."""
        person, body = reader_of(request), await json_body(request)
        flight, at = self._flight(str(body.get("flight"))), body.get("at")
        if not isinstance(at, list) or len(at) != 2 or not all(_is_share(each) for each in at):
            raise Refused(422, "a place on the map is wanted")
        state = flight.state()
        if flight.phase() is not Phase.FLYING or state is None:
            raise Refused(409, "nothing is flown now")
        if any(each["state"] == "waiting" for each in state.get("requests", [])):
            raise Refused(409, "another request is open")
        flight.ask(person.name, (float(at[0]), float(at[1])), self._shared.clock.now())
        flight.store.audit("asked for a close-up", {"reader": person.name, "at": at})
        return JSONResponse({"taken": True})

    # ---------------------------------------------------------------- what is told to whom

    def _flight(self, name: str) -> FollowedFlight:
        found = self._shared.flights.get(name)
        if found is None:
            raise Refused(404, "there is no such flight")
        return found

    def _sees_flags(self, flight: FollowedFlight, person: Person) -> bool:
        if person.role is Role.READER and self._shared.options.blind:
            return person.name.casefold() in flight.store.barred()
        return person.role is not Role.GUEST

    def _told(self, flight: FollowedFlight, person: Person, words: Words) -> dict[str, Any]:
        state, phase = flight.state(), flight.phase()
        flags = phase in (Phase.FLYING, Phase.SILENT) and self._sees_flags(flight, person)
        told: dict[str, Any] = {
            **listed_flight(flight, words), "flags": flags, "may_show_flags": person.role is Role.READER and not flags,
            "silent_s": round(flight.silent_s), "now": None,
        }  # fmt: skip
        if state is None or phase not in (Phase.FLYING, Phase.SILENT):
            return told
        try:
            told["now"] = _now(state, words, flags=flags)
            told["requests"] = _requests(state, person, words)
            told["busy"] = any(each["state"] == "waiting" for each in state["requests"])
            if flags:
                scores = person.role is Role.SUPERVISOR or not self._shared.options.blind
                told["findings"] = _findings(flight, state, words, scores=scores)
            if person.role is Role.SUPERVISOR:
                told["events"] = [
                    {"after_s": each["after_s"], "words": said(each["message"], each["data"], words)}
                    for each in state["events"][-12:]
                ]
        except (LookupError, TypeError, ValueError) as error:
            raise Refused(502, "the survey tells what this desk does not understand") from error
        return told


def _is_share(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _now(state: dict[str, Any], words: Words, *, flags: bool) -> dict[str, Any]:
    """Numbers, state and map; where the flags are hidden, so is that the vehicle turns to one."""
    at, image = str(state["state"]), state["image"]
    if not flags and at == PilotState.CLOSE_UP.value:
        at = PilotState.LEGS.value
    numbers = {name: state[name] if math.isfinite(state[name]) else None for name in _NUMBERS}
    return {
        **numbers,
        "state": at,
        "state_words": words(at),
        "leg_words": said(state["leg_message"], state["leg_data"], words) if state["leg_message"] else "",
        "holding": "" if (held := state["holding"]) is None else said(held["message"], held["data"], words),
        "overhead": bool(state["overhead"]),
        "aborted": bool(state["aborted"]),
        "map": {
            "columns": image["columns"], "rows": image["rows"], "kinds": image["kinds"],
            "stations_m": image["stations_m"], "sides": image["sides"],
            "side_words": [words(side) for side in image["sides"]], "track": image["track"],
        },
    }  # fmt: skip


def _findings(flight: FollowedFlight, state: dict[str, Any], words: Words, *, scores: bool) -> list[dict[str, Any]]:
    told = []
    for finding in state["findings"]:
        track = str(finding["picture"]).rpartition("track-")[2].partition(".")[0]
        told.append(
            {
                "label": words("possible " + str(finding["label"])),
                "side": words(str(finding["side"])),
                "station_m": finding["station_m"],
                "depth_m": finding["depth_m"],
                "radius95_m": finding["radius95_m"],
                "views": finding["views"],
                "score": finding["score"] if scores else None,
                "picture": f"/live-thumbnail/{flight.name}/{track}" if track.isdigit() else "",
                "at": finding["at"],
            }
        )
    return told


def _requests(state: dict[str, Any], person: Person, words: Words) -> list[dict[str, Any]]:
    """A reader's own requests; all of them for supervisors: what one reader points at is not for the other."""
    return [
        {
            "number": each["number"],
            "asked_by": each["asked_by"],
            "side": words(str(each["side"])),
            "station_m": each["station_m"],
            "depth_m": each["depth_m"],
            "state": each["state"],
            "words": said(
                _REQUEST_STATES[each["state"]], {"reason": str(each["reason"]), "views": each["views"]}, words
            ),
            "at": each["at"],
        }
        for each in reversed(state["requests"])
        if person.role is Role.SUPERVISOR or each["asked_by"] == person.name
    ]
