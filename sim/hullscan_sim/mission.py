"""A mission as ArduPilot keeps and runs it: items, the one being flown, the one being done.

Navigation items are flown one after the other; between two of them the "do" items are done, one in each step.
An item that the vehicle refuses to start is skipped. Rules and words are those of AP_Mission in 4.5.3.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from hullscan_sim.messages import INFO, Outbox

__all__ = ["NAMES", "Item", "Mission", "State"]

NAMES: dict[int, str] = {
    16: "WP", 17: "LoitUnlim", 18: "LoitTurns", 19: "LoitTime", 20: "RTL", 21: "Land", 22: "Takeoff", 82: "SplineWP",
    92: "GuidedEnable", 93: "Delay", 112: "CondDelay", 114: "CondDist", 115: "CondYaw", 177: "Jump",
    178: "ChangeSpeed", 179: "SetHome", 183: "SetServo", 201: "SetROI", 203: "DigiCamCtrl", 205: "MountControl",
    206: "SetCamTrigDst", 211: "Gripper", 222: "GuidedLimits", 1000: "GimbalPitchYaw", 2000: "ImageStartCapture",
    2001: "ImageStopCapture",
}  # fmt: skip
"""Commands that an upload takes, and what they are called when their turn comes."""

_PLACES = frozenset({16, 17, 18, 19, 21, 22, 82, 179, 201})
_LAST_NAVIGATION = 95
_FRAMES = {0: 0, 3: 1, 5: 0, 6: 1, 10: 5, 11: 5}  # flag bits: 1 above home, 4 above terrain
_JUMP, _FOR_EVER = 177, -1
_NOBODY = -1


class State(IntEnum):
    """MISSION_STATE as MISSION_CURRENT tells it."""

    NONE = 1
    STOPPED = 2
    RUNNING = 3
    COMPLETE = 5


@dataclass(frozen=True, slots=True)
class Item:
    """One item; ``x`` and ``y`` are 1e-7 degrees, ``z`` is m of the frame."""

    command: int
    frame: int
    params: tuple[float, float, float, float]
    x: int = 0
    y: int = 0
    z: float = 0.0

    @property
    def has_place(self) -> bool:
        """Whether latitude, longitude and altitude are kept."""
        return self.command in _PLACES

    @property
    def is_navigation(self) -> bool:
        """Flown, and not just done on the way."""
        return self.command <= _LAST_NAVIGATION

    @property
    def altitude(self) -> tuple[int, int]:
        """Flag bits (1 above home, 4 above terrain) and altitude in cm, as the autopilot reads them.

        It reads them from every item as if it had a place: of another item they are the bytes that happen to lie
        there, flags in the first and altitude in the fifth to the eighth. That is why most such items are refused.
        """
        if self.has_place:
            return _FRAMES[self.frame], round(self.z * 100)
        content = self._content.ljust(12, b"\0")
        return content[0], int.from_bytes(content[4:8], "little", signed=True)

    @property
    def _content(self) -> bytes:
        """Parameters as AP_Mission packs them."""
        a, b, c, d = self.params
        match self.command:
            case 178:
                return struct.pack("<Bff", int(a) & 0xFF, b, c)
            case 115:
                return struct.pack("<ffBB", a, b, int(c) & 0xFF, int(d) & 0xFF)
            case 93:
                return struct.pack("<fBBB", a, int(b) & 0xFF, int(c) & 0xFF, int(d) & 0xFF)
            case 205:
                return struct.pack("<fff", a, b, c)
            case 112 | 114:
                return struct.pack("<f", a)
        return b""


@dataclass
class Mission:
    """Items and where the vehicle is in them.

    Attributes:
        items: item 0 is home, kept up to date by whoever reads it.
        state: stopped, running or complete.
        nav: number of the item that is flown, or -1.
        start: begins an item; False refuses it.
        verify: whether an item is finished.
        completed: called at the end.
        reached: told of an item that is finished.
    """

    outbox: Outbox
    items: list[Item] = field(default_factory=list)
    state: State = State.STOPPED
    nav: int = _NOBODY
    start: Callable[[int, Item], bool] = lambda index, item: False
    verify: Callable[[int, Item], bool] = lambda index, item: True
    completed: Callable[[], None] = lambda: None
    reached: Callable[[int], None] = lambda index: None
    _flying: bool = False
    _do: int = _NOBODY
    _all_done: bool = False
    _jumps: dict[int, int] = field(default_factory=dict)

    # ---------------------------------------------------------------- state

    @property
    def told_state(self) -> State:
        """For MISSION_CURRENT."""
        return State.NONE if len(self.items) < 2 else self.state

    @property
    def current(self) -> int:
        """Number of the item that is flown, 0 without one."""
        return max(self.nav, 0)

    def clear(self) -> bool:
        """Forget the items; not while it runs."""
        if self.state is State.RUNNING:
            return False
        self.items = []
        self.reset()
        return True

    def reset(self) -> None:
        """Back to before the first item."""
        self.nav, self._do, self._flying, self._all_done = _NOBODY, _NOBODY, False, False
        self._jumps = {}

    def start_or_resume(self) -> None:
        """The mode was entered: go on with the item that was being flown, or begin.

        Leaving the mode does not stop the mission in 4.5.3: it goes on to be told as running, and cannot be cleared.
        """
        if self.state is State.COMPLETE or self.nav == _NOBODY or not self.nav < len(self.items):
            self._begin()
            return
        self.state = State.RUNNING
        if self._do != _NOBODY:
            self.go_to(self._do)
        elif self._flying:
            self.go_to(self.nav)

    def _begin(self) -> None:
        self.state = State.RUNNING
        self.reset()
        if not self._advance():
            self._complete()

    def go_to(self, index: int) -> bool:
        """DO_SET_MISSION_CURRENT: fly this item next, now or when the mode is entered."""
        if not 0 <= index < len(self.items) or len(self.items) == 1:
            return False
        self._do, self._all_done, self._flying = _NOBODY, False, False
        index = max(index, 1)
        if self.state is State.RUNNING:
            if not self._advance(index):
                self._complete()
                return False
            return True
        while not self._flying:
            following = self._next(index)
            if following is None:
                self.nav = _NOBODY
                return False
            if self.items[following].is_navigation:
                self.nav, self._flying = following, True
            elif self._do == _NOBODY:
                self._do = following
            index = following + 1
        self._all_done = self._do == _NOBODY
        self.state = State.STOPPED
        return True

    # ---------------------------------------------------------------- running

    def update(self) -> None:
        """One step, while the mode is flown."""
        if self.state is not State.RUNNING or not self.items:
            return
        if not self._flying or self.nav == _NOBODY:
            if not self._advance():
                self._complete()
                return
        elif self._finished(self.nav):
            self._flying = False
            if not self._advance():
                self._complete()
                return
        if self._do == _NOBODY:
            self._advance_do()
        elif self._finished(self._do):
            self._next_do(self._do + 1)

    def _finished(self, index: int) -> bool:
        done = index >= len(self.items) or self.verify(index, self.items[index])
        if done:
            self.reached(index)
        return done

    def _advance(self, index: int | None = None) -> bool:
        """Find and begin the next item that is flown, and the first that is done on the way."""
        if self._flying:
            return False
        self._do, self._all_done = _NOBODY, False
        index = index if index is not None else self.nav + 1 if self.nav != _NOBODY else 1
        for _ in range(256):
            following = self._next(index)
            if following is None:
                return False
            item = self.items[following]
            if item.is_navigation:
                self.nav = following
                if self._say_and_start(following, item):
                    self._flying = True
                    self._all_done = self._do == _NOBODY
                    return True
            elif self._do == _NOBODY:
                self._do = following
                self._say_and_start(following, item)
            index = following + 1
        return False

    def _advance_do(self) -> None:
        if not self._all_done:
            self._next_do(1)

    def _next_do(self, index: int) -> None:
        """The next one to be done before the item that is flown."""
        self._do = _NOBODY
        following = self._next(index)
        if following is None or self.items[following].is_navigation:
            self._all_done = True
            return
        self._do = following
        self._say_and_start(following, self.items[following])

    def _next(self, index: int) -> int | None:
        """The item at a number, through the jumps; None at the end."""
        for _ in range(65):
            if not 0 < index < len(self.items):
                return None
            item = self.items[index]
            if item.command != _JUMP:
                return index
            target, times = int(item.params[0]), int(item.params[1])
            done = self._jumps.get(index, 0)
            if times == _FOR_EVER or done < times:
                self._jumps[index] = done + 1
                index = target
            else:
                index += 1
        return None

    def _say_and_start(self, index: int, item: Item) -> bool:
        self.outbox.text(INFO, f"Mission: {index} {NAMES.get(item.command, '?')}")
        return self.start(index, item)

    def _complete(self) -> None:
        self.state = State.COMPLETE
        self.completed()
