"""Pictures, clips and the map. A clip takes the same work whatever it shows, and the next ones are made meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from hullscan.errors import HullscanError
from hullscan.review.access import Refused, Shared, person_of
from hullscan.review.inbox import told_chest
from hullscan.review.places import DeskMission
from hullscan.review.readers import Role
from hullscan.words import translator

__all__ = ["media_routes"]


def media_routes(shared: Shared) -> list[Route]:
    """Routes for what is shown."""
    media = _Media(shared)
    return [
        Route("/picture/{mission}/{place}/{number:int}", media.picture),
        Route("/clip/{mission}/{place}", media.clip),
        Route("/chest-picture/{mission}/{chest}/{number:int}", media.chest_picture),
        Route("/chest-clip/{mission}/{chest}", media.chest_clip),
        Route("/api/chests/{mission}", media.chests),
        Route("/map/{mission}", media.map),
        Route("/cells/{mission}", media.cells),
    ]


class _Media:
    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        # One clip at a time: two cores are what a port's laptop has.
        self._maker = ThreadPoolExecutor(1, "clips")
        self._ahead: set[asyncio.Task[None]] = set()

    async def picture(self, request: Request) -> Response:
        """A picture of a place."""
        mission, place = self._shared.place(
            request.path_params["mission"], request.path_params["place"], person_of(request)
        )
        shots = await run_in_threadpool(mission.shots, place)
        number = request.path_params["number"]
        if number >= len(shots):
            raise Refused(404, "there is no such picture")
        # not by its file: name and date of one would tell what it is of
        return Response(await run_in_threadpool(shots[number].path.read_bytes), media_type="image/jpeg")

    async def clip(self, request: Request) -> Response:
        """The seconds around it, never a still alone."""
        person = person_of(request)
        mission, place = self._shared.place(request.path_params["mission"], request.path_params["place"], person)
        path = await self._made(lambda: mission.clip(place, self._shared.options.cache))
        if person.role is Role.READER:
            self._look_ahead(mission, place.identity, person.name)
        return _video(path)

    def _look_ahead(self, mission: DeskMission, identity: str, reader: str) -> None:
        """Make the clip of the place that comes next, so that nobody waits for it."""
        names = list(mission.places)
        after = names[names.index(identity) + 1 :] + names[: names.index(identity)]
        readings = mission.store.all()
        coming = next((name for name in after if mission.store.asks(reader, readings.get(name, []))), None)
        if coming is None or self._ahead:
            return

        async def make() -> None:
            with contextlib.suppress(HullscanError):  # told when it is asked for
                place = mission.places[coming]
                await self._made(lambda: mission.clip(place, self._shared.options.cache))

        task = asyncio.create_task(make())
        self._ahead.add(task)
        task.add_done_callback(self._ahead.discard)

    async def _made(self, make: Callable[[], Path]) -> Path:
        return await asyncio.get_running_loop().run_in_executor(self._maker, make)

    async def chests(self, request: Request) -> Response:
        """The checklist."""
        mission = self._shared.mission(request.path_params["mission"], person_of(request))
        words = translator(self._shared.language(request))
        return JSONResponse({"chests": [told_chest(mission, identity, words) for identity in mission.chests]})

    async def chest_picture(self, request: Request) -> Response:
        """A picture of a sea chest."""
        mission = self._shared.mission(request.path_params["mission"], person_of(request))
        chest = mission.chests.get(request.path_params["chest"])
        if chest is None or request.path_params["number"] >= len(chest.moments_utc_s):
            raise Refused(404, "there is no such picture")
        raw = await run_in_threadpool(mission.chest_picture, chest, request.path_params["number"])
        return Response(raw, media_type="image/jpeg")

    async def chest_clip(self, request: Request) -> Response:
        """The seconds before a sea chest."""
        mission = self._shared.mission(request.path_params["mission"], person_of(request))
        chest = mission.chests.get(request.path_params["chest"])
        if chest is None:
            raise Refused(404, "there is no such sea chest")
        return _video(await self._made(lambda: mission.chest_clip(chest, self._shared.options.cache)))

    async def map(self, request: Request) -> Response:
        """The whole shell with what is to be read on it."""
        mission = self._shared.mission(request.path_params["mission"], person_of(request))
        return Response(mission.picture.drawings[self._shared.language(request)], media_type="image/svg+xml")

    async def cells(self, request: Request) -> Response:
        """What was seen, as the picture that lies below the map."""
        mission = self._shared.mission(request.path_params["mission"], person_of(request))
        return Response(mission.picture.cells_png, media_type="image/png")


def _video(path: Path) -> Response:
    response = FileResponse(path, media_type="video/mp4")
    # when a clip was made says what it took to make it
    for name in ("last-modified", "etag"):
        if name in response.headers:
            del response.headers[name]
    return response
