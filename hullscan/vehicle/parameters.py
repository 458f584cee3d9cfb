"""Parameters of the autopilot: read, set and verify, under the names of either vintage.

ArduPilot answers a question about an unknown name with silence, and repeats values on its own account
(index 65535); a value is believed only as the vehicle's own PARAM_VALUE.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable

from hullscan.errors import InputError, LinkError, RefusedError
from hullscan.vehicle.dialogue import Dialogue
from hullscan.vehicle.messages import Frame, Message, ParamList, ParamRead, ParamSet, ParamValue

__all__ = ["ALIASES", "LIGHTS_FUNCTIONS", "RANGEFINDER_TYPES", "Parameters"]

ALIASES: tuple[tuple[str, ...], ...] = (
    ("SYSID_MYGCS", "MAV_GCS_SYSID"),  # renamed in 4.7 (ardusub.md 6)
    ("SYSID_THISMAV", "MAV_SYSID"),
    ("GPS_TYPE", "GPS1_TYPE"),  # renamed in 4.6
    ("MNT_TYPE", "MNT1_TYPE"),  # 4.1 has one mount without a number (real logs), 4.5 has MNT1_
)
"""Names of one and the same parameter in different firmware vintages."""

RANGEFINDER_TYPES = {10: "MAVLink", 23: "Blue Robotics Ping"}
"""RNGFND1_TYPE on BlueOS, and on a 2023 vehicle with the Ping on its serial line (vehicle.md 3b)."""

LIGHTS_FUNCTIONS = {59: "RCIN9", 60: "RCIN10", 181: "Lights1", 182: "Lights2"}
"""SERVOn_FUNCTION of lamps: the former with ArduSub 4.1 to 4.5, the latter from 4.7 on (vehicle.md 3b)."""

_REAL32 = 9  # MAV_PARAM_TYPE_REAL32
_NO_INDEX = 65_535
_MAX_NAME = 16
_ANSWER_S = 1.0
_TRIES = 3
_QUIET_S = 1.0  # without a new value: the list has ended or was lost
_ROUNDS = 6
_BATCH = 50  # missing values asked for at once


def _float32(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def _names(name: str) -> tuple[str, ...]:
    if not 0 < len(name) <= _MAX_NAME or not name.isascii() or not name.replace("_", "A").isalnum():
        raise InputError(f"{name!r} is not a parameter's name", todo="use up to 16 letters, digits and _")
    others = next((group for group in ALIASES if name in group), (name,))
    return (name, *(other for other in others if other != name))


class Parameters:
    """The parameters of one vehicle, through its dialogue."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue

    def find(self, name: str) -> ParamValue | None:
        """The parameter as the vehicle has it, under any vintage's name; None when it has none such."""
        names = _names(name)

        def answer(message: Message) -> ParamValue | None:
            return message if isinstance(message, ParamValue) and message.name in names else None

        for _ in range(_TRIES):
            for candidate in names:
                question = self._asking(candidate)
                found = self._dialogue.ask(question, answer, timeout_s=_ANSWER_S, tries=1)
                if found:
                    return found
        return None

    def _asking(self, name: str) -> Callable[[int], Message]:
        return lambda attempt: ParamRead(self._dialogue.vehicle, name)

    def find_many(self, names: Iterable[str]) -> dict[str, float]:
        """Those of the parameters that the vehicle has, asked for all at once: a missing one costs no time-out."""
        wanted = set(names)
        found: dict[str, float] = {}

        def listener(frame: Frame) -> None:
            message = frame.message
            if isinstance(message, ParamValue) and message.name in wanted:
                found[message.name] = message.value

        def collect() -> None:
            for _ in range(_TRIES):
                before = len(found)
                for name in sorted(wanted - found.keys()):
                    self._dialogue.send(ParamRead(self._dialogue.vehicle, name))
                self._dialogue.wait_until(lambda: len(found) == len(wanted), _ANSWER_S)
                if len(found) == len(wanted) or (found and len(found) == before):
                    return  # complete, or the rest does not exist

        self._dialogue.listen(listener, collect)
        return found

    def get(self, name: str) -> float:
        """Value of a parameter.

        Raises:
            RefusedError: the vehicle does not answer to that name.
        """
        found = self.find(name)
        if found is None:
            raise RefusedError(f"the vehicle has no parameter {' or '.join(_names(name))}, or did not answer")
        return found.value

    def set(self, name: str, value: float) -> ParamValue:
        """Set a parameter and read back what the vehicle made of it.

        Raises:
            RefusedError: unknown name, or the vehicle kept another value.
            InputError: the value is not finite.
        """
        if not math.isfinite(value):
            raise InputError(f"{name} cannot be set to {value}")
        before = self.find(name)
        if before is None:
            raise RefusedError(f"the vehicle has no parameter {' or '.join(_names(name))}, or did not answer")
        wanted = _float32(value)

        def answer(message: Message) -> ParamValue | None:
            same = isinstance(message, ParamValue) and message.name == before.name
            return message if same and isinstance(message, ParamValue) and message.value == wanted else None

        def question(attempt: int) -> Message:
            return ParamSet(self._dialogue.vehicle, before.name, wanted, before.kind or _REAL32)

        after = self._dialogue.ask(question, answer, timeout_s=_ANSWER_S, tries=_TRIES)
        if after is None:
            kept = self.find(before.name)
            shown = f"{kept.value:g}" if kept else "unknown"
            raise RefusedError(f"{before.name} could not be set to {value:g}: it is {shown}")
        return after

    def read_all(self) -> dict[str, float]:
        """Every parameter, in the vehicle's order.

        Raises:
            LinkError: some did not come even when asked for one by one.
        """
        found: dict[int, ParamValue] = {}

        def listener(frame: Frame) -> None:
            message = frame.message
            if isinstance(message, ParamValue) and message.index != _NO_INDEX:
                found[message.index] = message

        def collect() -> None:
            self._dialogue.send(ParamList(self._dialogue.vehicle))
            for _ in range(_ROUNDS):
                self._until_quiet(found)
                missing = self._missing(found)
                if found and not missing:
                    return
                if not found:
                    self._dialogue.send(ParamList(self._dialogue.vehicle))
                for index in missing[:_BATCH]:
                    self._dialogue.send(ParamRead(self._dialogue.vehicle, "", index))

        self._dialogue.listen(listener, collect)
        missing = self._missing(found)
        if missing or not found:
            count = len(missing) if found else "all"
            raise LinkError(f"{count} of the vehicle's parameters did not arrive", todo="check the link")
        return {found[index].name: found[index].value for index in sorted(found)}

    def _until_quiet(self, found: dict[int, ParamValue]) -> None:
        while True:
            before = len(found)
            if not self._dialogue.wait_until(lambda before=before: len(found) > before, _QUIET_S):  # type: ignore[misc]
                return
            if found and not self._missing(found):
                return

    @staticmethod
    def _missing(found: dict[int, ParamValue]) -> list[int]:
        count = max((value.count for value in found.values()), default=0)
        return [index for index in range(count) if index not in found]
