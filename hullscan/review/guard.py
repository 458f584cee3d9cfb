"""What stands before every page of the desk: host, size, rate, origin, token, and the headers of every answer."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp

from hullscan.review.readers import Roster
from hullscan.words import LANGUAGES, translator

__all__ = ["COOKIE", "OWN_HEADER", "Guard", "turn_away"]

COOKIE: Final = "hullscan_desk"
OWN_HEADER: Final = "x-hullscan-desk"
_MOST_BODY_BYTES: Final = 16_384
_MOST_PER_10_S: Final = 400  # a page of twelve pictures, a clip in parts, and a tick each second, many times over
_MOST_STRANGERS_PER_10_S: Final = 60  # from one address, without a token that is known
_PORT: Final = re.compile(r":\d{1,5}$")
_OPEN: Final = ("/login", "/static/")
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; media-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",  # noqa: E501
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def turn_away(request: Request) -> Response:
    """What somebody without a known token is told: a page in each language where a browser opens one, else a line."""
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse("who are you? open the address that the desk printed for you", 401)
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True, undefined=StrictUndefined
    )
    page = templates.get_template("stranger.html.j2")
    return HTMLResponse(page.render(tongues=[(each, translator(each)) for each in LANGUAGES]), 401)


class Guard(BaseHTTPMiddleware):
    """Refuses what does not come from the desk's own page in the browser of somebody on the roster.

    Args:
        hosts: names under which the desk may be called: another one is a forged ``Host`` (DNS rebinding).
        seconds: monotonic time.
        secure: over TLS: browsers are told never to come without it.
    """

    def __init__(
        self, app: ASGIApp, roster: Roster, hosts: frozenset[str], seconds: Callable[[], float], *, secure: bool = False
    ) -> None:
        super().__init__(app)
        self._roster, self._hosts, self._seconds = roster, hosts, seconds
        self._headers = _HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if secure else {})
        self._recent: dict[str, deque[float]] = {}

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Refuse, or hand on and add the headers."""
        refused = self._refused(request)
        response = refused if refused is not None else await call_next(request)
        for name, value in self._headers.items():
            response.headers.setdefault(name, value)
        return response

    def _refused(self, request: Request) -> Response | None:
        host = _PORT.sub("", request.headers.get("host", ""))
        if host not in self._hosts:
            return PlainTextResponse("unknown host", 400)
        person = self._roster.person(request.cookies.get(COOKIE))
        # a stranger who sends another cookie each time is still one stranger
        stranger = request.client.host if request.client else ""
        who, most = (stranger, _MOST_STRANGERS_PER_10_S) if person is None else (f"@{person.name}", _MOST_PER_10_S)
        if not self._within_rate(who, most):
            return PlainTextResponse("too many requests", 429)
        if request.method not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("method not allowed", 405)
        if request.method == "POST" and (refused := self._refused_post(request)) is not None:
            return refused
        if person is None and not request.url.path.startswith(_OPEN):
            return turn_away(request)
        request.state.person = person
        return None

    def _refused_post(self, request: Request) -> Response | None:
        """A form or script of another site cannot set our header, nor say that it is of the same origin."""
        if (
            request.headers.get(OWN_HEADER) != "1"
            or request.headers.get("sec-fetch-site", "same-origin") != "same-origin"
        ):
            return PlainTextResponse("not from the desk's own page", 403)
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            return PlainTextResponse("JSON is wanted", 415)
        length = request.headers.get("content-length", "")
        if not length.isdigit() or int(length) > _MOST_BODY_BYTES:
            return PlainTextResponse("too large", 413)
        return None

    def _within_rate(self, who: str, most: int) -> bool:
        now_s = self._seconds()
        recent = self._recent.setdefault(who, deque())
        while recent and now_s - recent[0] > 10.0:
            recent.popleft()
        recent.append(now_s)
        if len(self._recent) > 1000:  # addresses that only ever tried
            self._recent = {who: recent}
        return len(recent) <= most
