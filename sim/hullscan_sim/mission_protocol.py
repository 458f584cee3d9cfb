"""The mission protocol: upload with MISSION_REQUEST (not _INT, whatever the sender speaks), and reading back."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

from hullscan_sim.messages import INFO, WARNING, Message, Outbox, mavlink
from hullscan_sim.mission import NAMES, Item, Mission

__all__ = ["MissionProtocol"]

_ACCEPTED, _ERROR, _FRAME, _UNSUPPORTED, _NO_SPACE, _SEQUENCE, _DENIED, _CANCELLED = 0, 1, 2, 3, 4, 13, 14, 15
_INVALID_PARAM1 = 6
_MOST = 724  # what 4.5.3's storage holds on a vehicle of this kind
_ASK_AGAIN_S, _GIVE_UP_S = 1.0, 8.0
_FRAMES_OF_PLACES = frozenset({0, 3, 5, 6, 10, 11})
_TYPE_MISSION = 0


class MissionProtocol:
    """Answers mission messages of one ground station at a time.

    Args:
        mission: what is read and written.
        home: latitude and longitude (1e-7 degrees) and altitude (mm), once set.
    """

    def __init__(self, mission: Mission, outbox: Outbox, home: Callable[[], tuple[int, int, int] | None]) -> None:
        self._mission, self._outbox, self._home = mission, outbox, home
        self._sender: tuple[int, int] | None = None
        self._wanted = self._last = 0
        self._asked_s = self._heard_s = 0.0
        self._warned: set[str] = set()

    # ---------------------------------------------------------------- reading

    def request_list(self, message: Message, time_s: float) -> None:
        """MISSION_REQUEST_LIST."""
        if self._sender is not None:
            self._acknowledge(message, _DENIED)
        elif _type(message) == _TYPE_MISSION:
            self._count(message)

    def request_item(self, message: Message, time_s: float) -> None:
        """MISSION_REQUEST_INT, and the older MISSION_REQUEST that is answered with floats."""
        if self._sender is not None:
            self._acknowledge(message, _DENIED)
            return
        if message.seq and message.seq >= len(self._mission.items):
            self._count(message)
            self._acknowledge(message, _ERROR)
            return
        fields = self._fields(message.seq)
        head = (*_sender(message), message.seq)
        if message.get_type() == "MISSION_REQUEST_INT":
            self._outbox.send(mavlink.MAVLink_mission_item_int_message(*head, *fields))
            return
        if "request" not in self._warned:
            self._warned.add("request")
            self._outbox.text(WARNING, "got MISSION_REQUEST; use MISSION_REQUEST_INT!")
        *before, x, y, z = fields
        self._outbox.send(mavlink.MAVLink_mission_item_message(*head, *before, x / 1e7, y / 1e7, z))

    def _fields(self, index: int) -> tuple[float, ...]:
        """Frame, command, current, autocontinue, four parameters, x, y, z."""
        home = self._home()
        if index == 0:
            x, y, z = home or (0, 0, 0)
            return 0, 16, 0, 1, 0.0, 0.0, 0.0, 0.0, x, y, z / 1000
        item = self._mission.items[index]
        place = (item.x, item.y, item.z) if item.has_place else (0, 0, 0.0)
        return item.frame if item.has_place else 0, item.command, 0, 1, *item.params, *place

    def _count(self, message: Message) -> None:
        self._outbox.send(mavlink.MAVLink_mission_count_message(*_sender(message), len(self._mission.items)))

    # ---------------------------------------------------------------- writing

    def count(self, message: Message, time_s: float) -> None:
        """MISSION_COUNT: an upload begins."""
        if _type(message) != _TYPE_MISSION:
            return
        if self._sender is not None and self._sender != _sender(message):
            self._acknowledge(message, _DENIED)
            return
        if message.count > _MOST:
            self._acknowledge(message, _NO_SPACE)
            self._outbox.text(WARNING, f"Only {_MOST} items are supported")
            return
        del self._mission.items[message.count :]
        if message.count == 0:
            self._finish(message)
            return
        self._sender, self._wanted, self._last = _sender(message), 0, message.count - 1
        self._heard_s = time_s
        self._warned.clear()
        self._ask(time_s)

    def item(self, message: Message, time_s: float) -> None:
        """MISSION_ITEM_INT or MISSION_ITEM: one of the items asked for."""
        if message.get_type() == "MISSION_ITEM" and "item" not in self._warned:
            self._warned.add("item")
            self._outbox.text(WARNING, "got MISSION_ITEM; GCS should send MISSION_ITEM_INT")
        if self._sender is None:
            self._acknowledge(message, _ERROR)
            return
        if message.seq != self._wanted:
            self._acknowledge(message, _SEQUENCE)
            return
        if self._sender != _sender(message):
            self._acknowledge(message, _DENIED)
            return
        result = self._store(message)
        if result != _ACCEPTED:
            self._acknowledge(message, result)
            self._sender = None
            return
        self._heard_s = time_s
        self._wanted += 1
        if self._wanted > self._last:
            self._finish(message)
        else:
            self._ask(time_s)

    def _store(self, message: Message) -> int:
        if message.command not in NAMES:
            return _UNSUPPORTED
        scale = 1 if message.get_type() == "MISSION_ITEM_INT" else 1e7
        params = (message.param1, message.param2, message.param3, message.param4)
        wrong = [number for number, value in enumerate(params) if not isfinite(value)]
        if wrong and message.command != 1000:
            return _INVALID_PARAM1 + wrong[0]
        x, y, z = message.x * scale, message.y * scale, message.z
        if not all(map(isfinite, (x, y, z))) or abs(x) > 90e7 or abs(y) > 180e7 or abs(z) > 80000:
            return _INVALID_PARAM1 + 4
        item = Item(message.command, message.frame, params, round(x), round(y), z)
        if item.has_place and message.frame not in _FRAMES_OF_PLACES:
            return _FRAME
        items = self._mission.items
        items[message.seq : message.seq + 1] = [item]
        return _ACCEPTED

    def _finish(self, message: Message) -> None:
        self._sender = None
        self._outbox.text(INFO, "Flight plan received")
        self._acknowledge(message, _ACCEPTED)

    def clear_all(self, message: Message, time_s: float) -> None:
        """MISSION_CLEAR_ALL: refused while a mission is flown or uploaded."""
        done = self._sender is None and self._mission.clear()
        self._acknowledge(message, _ACCEPTED if done else _ERROR)

    def update(self, time_s: float) -> None:
        """Ask again, or give up."""
        if self._sender is None:
            return
        if time_s - self._heard_s > _GIVE_UP_S:
            self._outbox.text(WARNING, "Mission upload timeout")
            self._outbox.send(mavlink.MAVLink_mission_ack_message(*self._sender, _CANCELLED))
            self._sender = None
        elif time_s - self._asked_s > _ASK_AGAIN_S:
            self._ask(time_s)

    def _ask(self, time_s: float) -> None:
        assert self._sender is not None
        self._asked_s = time_s
        self._outbox.send(mavlink.MAVLink_mission_request_message(*self._sender, self._wanted))

    def _acknowledge(self, message: Message, result: int) -> None:
        self._outbox.send(mavlink.MAVLink_mission_ack_message(*_sender(message), result))


def _sender(message: Message) -> tuple[int, int]:
    return message.get_srcSystem(), message.get_srcComponent()


def _type(message: Message) -> int:
    return int(getattr(message, "mission_type", _TYPE_MISSION))
