"""What the reading desk sees of a mission in flight, and how a reader's request gets to the operator.

A thread of its own leaves pictures and snapshots beside the mission folder while somebody watches, and looks whether
something was asked for (see ``record.live_link``). Nobody in the flight waits for it: a desk that is dead, slow or
hostile costs a look at two small files, and at most one request in a while, which the operator declines.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import cv2

from hullscan.clock import real_seconds
from hullscan.console.observer import Observer
from hullscan.console.snapshot import Place
from hullscan.errors import HullscanError
from hullscan.record.live_link import LiveLink
from hullscan.survey import LiveMission, Screen
from hullscan.words import mark

__all__ = ["DeskFeed", "WatchedScreen"]

_PICTURE_EVERY_S: Final = 0.08  # twelve a second at most
_STATE_EVERY_S: Final = 0.4
_WATCHED_FOR_S: Final = 4.0  # after the last sign of somebody who looks
_ASKED_EVERY_S: Final = 3.0  # a request is taken so often at most, whoever asks
_WIDTH_PX, _QUALITY = 960, 78
_NAME: Final = re.compile(r"[\w .'-]{1,40}")  # as on the desk's roster
_END_S: Final = 2.0
Tell = Callable[[str, str, dict[str, Any]], None]


class WatchedScreen:
    """The operator's screen, with those who watch at the desk beside it."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self._feed = DeskFeed(screen.event)

    def event(self, kind: str, message: str, data: dict[str, Any]) -> None:
        """To both."""
        self._feed.event(kind, message, data)
        self.screen.event(kind, message, data)

    def begin(self, live: LiveMission) -> None:
        """To both."""
        self._feed.begin(live)
        self.screen.begin(live)

    def end(self) -> None:
        """To both."""
        self.screen.end()
        self._feed.end()


class DeskFeed:
    """Feeds whoever watches a survey.

    Args:
        tell: told, for the operator, when nobody can watch any more.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell, self._observer = tell, Observer()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._picture = -1
        self._state_s = self._sign_s = self._asked_s = float("-inf")
        self._sign = 0
        self._asked: dict[str, Any] | None = None

    def event(self, kind: str, message: str, data: dict[str, Any]) -> None:
        """Remember an event; never waits."""
        self._observer.event(kind, message, data)

    def begin(self, live: LiveMission) -> None:
        """The flight begins."""
        link = LiveLink(live.folder.path)
        self._thread = threading.Thread(target=self._run, args=(live, link), name="desk", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """The flight has ended; a thread that hangs in its files is left to itself."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_END_S)

    # ---------------------------------------------------------------- the thread

    def _run(self, live: LiveMission, link: LiveLink) -> None:
        try:
            self._observer.begin(live)
            link.begin()
            while not self._stop.is_set():
                watched = self._is_watched(link)
                self._hand_out(live, link, watched=watched)
                self._take_request(live, link)
                self._stop.wait(_PICTURE_EVERY_S if watched else _STATE_EVERY_S)
        except Exception as error:  # noqa: BLE001 whatever is wrong with those who watch is no matter of the flight
            said = {"words": f"{type(error).__name__}: {error}"}
            self._tell("warning", mark("the reading desk sees nothing of this flight any more: {words}"), said)
        link.end()

    def _is_watched(self, link: LiveLink) -> bool:
        sign, now_s = link.watched(), real_seconds()
        if sign != self._sign:
            self._sign, self._sign_s = sign, now_s
        return now_s - self._sign_s < _WATCHED_FOR_S

    def _hand_out(self, live: LiveMission, link: LiveLink, *, watched: bool) -> None:
        """A file that is being read, on a system that then refuses to replace it, has its turn next time."""
        if watched and (frame := live.stream.glimpse(self._picture, _WIDTH_PX)) is not None:
            self._picture = frame.index
            good, jpeg = cv2.imencode(".jpg", frame.image_bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
            if good:
                with suppress(OSError):
                    link.show(jpeg.tobytes())
        now_s = real_seconds()
        if now_s - self._state_s >= (_STATE_EVERY_S if watched else _WATCHED_FOR_S):
            self._state_s = now_s
            with suppress(OSError):
                link.tell(self._observer.snapshot().to_json())

    def _take_request(self, live: LiveMission, link: LiveLink) -> None:
        if real_seconds() - self._asked_s < _ASKED_EVERY_S:
            return
        asked = link.asked()
        if asked is None or asked == self._asked:
            return
        self._asked, self._asked_s = asked, real_seconds()
        name, at = asked.get("name"), _place(asked.get("at"))
        point = None if at is None else self._observer.place_of(at)
        if isinstance(name, str) and _NAME.fullmatch(name) and point is not None:
            with suppress(HullscanError):  # a record that is full ends the survey at the pilot's next event
                live.pilot.requests.propose(name, point)


def _place(at: Any) -> Place | None:
    """A place of the picture, out of whatever was sent."""
    if not isinstance(at, list) or len(at) != 2:
        return None
    if not all(isinstance(each, (int, float)) and not isinstance(each, bool) and 0 <= each <= 1 for each in at):
        return None
    return float(at[0]), float(at[1])
