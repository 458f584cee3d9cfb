"""What must be seen: each names what is expected, looks at the record of a row, and says what was there.

Times are seconds of the vehicle's clock after a mark (``start`` is where the row began).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import degrees, hypot, inf
from statistics import mean, median
from typing import Any, Protocol

from hullscan_sim.conformance.session import Heard

__all__ = [
    "BY_DVL", "DOUBTED", "LOST", "WITH_GPS", "Ack", "Came", "Field", "Frequency", "Measure", "Never", "NoAck",
    "NoText", "Number", "Order", "Record", "See", "Text", "depth_at", "field_at", "heading_at", "moved", "speed_at",
    "turn_rate_at", "typical",
]  # fmt: skip

WITH_GPS, BY_DVL, DOUBTED, LOST = (831, 895), (303, 367), (39, 103), (167, 231)
"""EKF_STATUS_REPORT.flags, the second of each with a sounder that sees the ground."""
RESULTS = {0: "ACCEPTED", 1: "TEMPORARILY_REJECTED", 2: "DENIED", 3: "UNSUPPORTED", 4: "FAILED"}


@dataclass(frozen=True, slots=True)
class Record:
    """What a row heard.

    Attributes:
        heard: in order, from the row's start.
        marks: named moments; ``start`` and ``end`` are always there.
        slack_s: what the link itself adds to every delay, vehicle time.
    """

    heard: tuple[Heard, ...]
    marks: dict[str, float]
    slack_s: float = 0.0

    def of(self, kind: str, after_s: float = -inf) -> list[Heard]:
        """Messages of a type, from a moment on."""
        return [entry for entry in self.heard if entry.time_s >= after_s and entry.message.get_type() == kind]

    def at(self, kind: str, time_s: float) -> Any:
        """The first message of a type at or after a moment, else the last one before; None if there is none."""
        entries = self.of(kind)
        later = [entry.message for entry in entries if entry.time_s >= time_s - 1e-6]
        return later[0] if later else entries[-1].message if entries else None


Measure = Callable[[Record], "float | None"]
"""Reads a number out of a record; None when there is nothing to measure."""


class See(Protocol):
    """One expectation."""

    @property
    def expected(self) -> str:
        """In words."""
        ...

    def check(self, record: Record) -> tuple[str, bool]:
        """What was seen, and whether that is the same."""
        ...


@dataclass(frozen=True, slots=True)
class Ack:
    """COMMAND_ACK with a result, in time; the n-th for this command."""

    command: int
    result: int
    within_s: float = 0.1
    mark: str = "start"
    after_s: float = 0.0

    @property
    def expected(self) -> str:
        """In words."""
        return f"{self.command} {RESULTS[self.result]} within {self.within_s:g} s"

    def check(self, record: Record) -> tuple[str, bool]:
        """The first acknowledgement after the mark."""
        mark_s = record.marks[self.mark]
        for entry in record.of("COMMAND_ACK", mark_s):
            if entry.message.command == self.command:
                late_s = entry.time_s - mark_s
                seen = f"{self.command} {RESULTS.get(entry.message.result, entry.message.result)} at {late_s:.2f} s"
                in_time = self.after_s <= late_s + record.slack_s and late_s <= self.within_s + record.slack_s
                return seen, entry.message.result == self.result and in_time
        return f"{self.command} no answer", False


@dataclass(frozen=True, slots=True)
class NoAck:
    """No COMMAND_ACK for a while."""

    command: int
    for_s: float

    @property
    def expected(self) -> str:
        """In words."""
        return f"{self.command} no answer for {self.for_s:g} s"

    def check(self, record: Record) -> tuple[str, bool]:
        """Whether one came too early."""
        start_s = record.marks["start"]
        early = [
            entry.time_s - start_s
            for entry in record.of("COMMAND_ACK", start_s)
            if entry.message.command == self.command and entry.time_s - start_s < self.for_s
        ]
        return (f"answer at {early[0]:.2f} s", False) if early else ("no answer", True)


@dataclass(frozen=True, slots=True)
class Text:
    """STATUSTEXT: severity and words; a trailing ``*`` stands for anything; ``least`` counts how often."""

    severity: int
    text: str
    low_s: float = -inf
    high_s: float = inf
    mark: str = "start"
    least: int = 1
    most: int = 10_000

    @property
    def expected(self) -> str:
        """In words."""
        when = "" if self.high_s == inf else f" at {self.low_s:g} to {self.high_s:g} s"
        often = "" if self.least == 1 else f", {self.least} times or more"
        often += "" if self.most == 10_000 else f", at most {self.most} times"
        return f"({self.severity}) {self.text}{when}{often}"

    def check(self, record: Record) -> tuple[str, bool]:
        """Look for the words, then for severity and time."""
        mark_s = record.marks[self.mark]
        first_s = mark_s - 1e-6 if self.low_s == -inf else mark_s + self.low_s - record.slack_s
        found = [entry for entry in record.of("STATUSTEXT", first_s) if _fits(entry.message.text, self.text)]
        if not found:
            others = "; ".join(entry.message.text for entry in record.of("STATUSTEXT", mark_s)[:3])
            return f"not said{f' ({others})' if others else ''}", False
        entry = found[0]
        after_s = entry.time_s - mark_s
        same = (
            entry.message.severity == self.severity
            and after_s <= self.high_s + record.slack_s
            and self.least <= len(found) <= self.most
        )
        often = f", {len(found)} times" if len(found) > 1 else ""
        return f"({entry.message.severity}) {entry.message.text} at {after_s:.2f} s{often}", same


@dataclass(frozen=True, slots=True)
class NoText:
    """Nothing is said; or nothing that begins so."""

    text: str = "*"
    mark: str = "start"

    @property
    def expected(self) -> str:
        """In words."""
        return "nothing is said" if self.text == "*" else f"not said: {self.text}"

    def check(self, record: Record) -> tuple[str, bool]:
        """Whether it was."""
        entries = record.of("STATUSTEXT", record.marks[self.mark])
        found = [e.message.text for e in entries if _fits(e.message.text, self.text) and not _chatter(e.message.text)]
        return ("; ".join(found[:3]), False) if found else ("nothing", True)


@dataclass(frozen=True, slots=True)
class Order:
    """Texts in this order, and every one of them."""

    texts: tuple[str, ...]

    @property
    def expected(self) -> str:
        """In words."""
        return " > ".join(self.texts)

    def check(self, record: Record) -> tuple[str, bool]:
        """Follow the texts."""
        said = [e.message.text for e in record.of("STATUSTEXT") if not _chatter(e.message.text)]
        step = 0
        for text in said:
            if step < len(self.texts) and _fits(text, self.texts[step]):
                step += 1
        return " > ".join(said), step == len(self.texts)


@dataclass(frozen=True, slots=True)
class Came:
    """A message came, with these fields."""

    kind: str
    fields: tuple[tuple[str, object], ...] = ()
    least: int = 1

    @property
    def expected(self) -> str:
        """In words."""
        told = ", ".join(f"{name} {value}" for name, value in self.fields)
        return f"{self.kind} {told}" + (f", {self.least} or more" if self.least > 1 else "")

    def check(self, record: Record) -> tuple[str, bool]:
        """Look for one that has all of them."""
        entries = record.of(self.kind)
        fitting = [e for e in entries if all(getattr(e.message, name) == value for name, value in self.fields)]
        if not entries:
            return f"no {self.kind}", False
        shown = (fitting or entries)[-1].message
        told = ", ".join(f"{name} {getattr(shown, name)}" for name, _ in self.fields)
        return f"{len(fitting)} of {len(entries)} {self.kind} {told}", len(fitting) >= self.least


@dataclass(frozen=True, slots=True)
class Never:
    """Messages of a type do not come (``fields``: not with these)."""

    kind: str
    fields: tuple[tuple[str, object], ...] = ()

    @property
    def expected(self) -> str:
        """In words."""
        return f"no {self.kind} " + ", ".join(f"{name} {value}" for name, value in self.fields)

    def check(self, record: Record) -> tuple[str, bool]:
        """Count them."""
        found = [
            e for e in record.of(self.kind, record.marks["start"])
            if all(getattr(e.message, name) == value for name, value in self.fields)
        ]  # fmt: skip
        return f"{len(found)} {self.kind}", not found


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the last message of a type has this value, or one of these; ``name`` picks a NAMED_VALUE_FLOAT."""

    kind: str
    field: str
    value: object
    mark: str = "end"
    at_s: float = 0.0

    @property
    def expected(self) -> str:
        """In words."""
        when = "" if self.mark == "end" else f" {self.at_s:g} s after {self.mark}"
        return f"{self.kind}.{self.field} {self.value}{when}"

    def check(self, record: Record) -> tuple[str, bool]:
        """Read it."""
        if self.mark == "end":
            entries = record.of(self.kind)
            message = entries[-1].message if entries else None
        else:
            message = record.at(self.kind, record.marks[self.mark] + self.at_s)
        if message is None:
            return f"no {self.kind}", False
        seen = getattr(message, self.field)
        wanted = self.value if isinstance(self.value, tuple) else (self.value,)
        return f"{self.kind}.{self.field} {seen}", seen in wanted


@dataclass(frozen=True, slots=True)
class Frequency:
    """Messages of a type come so often."""

    kind: str
    low_hz: float
    high_hz: float
    after_s: float = 0.0

    @property
    def expected(self) -> str:
        """In words."""
        return f"{self.kind} {self.low_hz:g} to {self.high_hz:g} Hz"

    def check(self, record: Record) -> tuple[str, bool]:
        """Count over the time from the first to the last."""
        times = [entry.time_s for entry in record.of(self.kind, record.marks["start"] + self.after_s)]
        if len(times) < 3 or times[-1] <= times[0]:
            return f"{len(times)} {self.kind}", False
        rate_hz = (len(times) - 1) / (times[-1] - times[0])
        return f"{rate_hz:.2f} Hz", self.low_hz <= rate_hz <= self.high_hz


@dataclass(frozen=True, slots=True)
class Number:
    """Something measured lies between two bounds; ``sheet`` is what the behaviour sheet has for it."""

    what: str
    read: Measure
    low: float
    high: float
    sheet: str = ""

    @property
    def expected(self) -> str:
        """In words."""
        told = f" (sheet {self.sheet})" if self.sheet else ""
        return f"{self.what} {self.low:g} to {self.high:g}{told}"

    def check(self, record: Record) -> tuple[str, bool]:
        """Measure."""
        value = self.read(record)
        if value is None:
            return f"{self.what}: nothing to measure", False
        return f"{value:.3g}", self.low <= value <= self.high


# ---------------------------------------------------------------- what can be measured


def field_at(kind: str, field: str, mark: str = "end", at_s: float = 0.0, **where: object) -> Measure:
    """A field of the first message of a type at a moment, of those that have other fields as given."""

    def read(record: Record) -> float | None:
        entries = [
            e for e in record.of(kind) if all(getattr(e.message, name) == value for name, value in where.items())
        ]
        time_s = record.marks[mark] + at_s
        later = [e for e in entries if e.time_s >= time_s - 1e-6]
        chosen = later[0] if later else entries[-1] if entries else None
        return None if chosen is None else float(getattr(chosen.message, field))

    return read


def speed_at(at_s: float, mark: str = "start", *, axis: str = "level") -> Measure:
    """Speed, m/s: level, or along vx, vy, vz."""

    def read(record: Record) -> float | None:
        message = record.at("LOCAL_POSITION_NED", record.marks[mark] + at_s)
        if message is None:
            return None
        return hypot(message.vx, message.vy) if axis == "level" else float(getattr(message, axis))

    return read


def moved(from_s: float, to_s: float, mark: str = "start", *, axis: str = "all") -> Measure:
    """Distance between the places at two moments, m: all axes, level, or one of x, y, z with its sign."""

    def read(record: Record) -> float | None:
        a = record.at("LOCAL_POSITION_NED", record.marks[mark] + from_s)
        b = record.at("LOCAL_POSITION_NED", record.marks[mark] + to_s)
        if a is None or b is None:
            return None
        step: dict[str, float] = {"x": b.x - a.x, "y": b.y - a.y, "z": b.z - a.z}
        if axis in step:
            return step[axis]
        return hypot(step["x"], step["y"]) if axis == "level" else hypot(*step.values())

    return read


def depth_at(at_s: float, mark: str = "start") -> Measure:
    """LOCAL_POSITION_NED.z, m."""
    return field_at("LOCAL_POSITION_NED", "z", mark, at_s)


def heading_at(at_s: float, mark: str = "start", *, angle: str = "yaw") -> Measure:
    """ATTITUDE yaw (or roll, pitch), degrees, -180 to 180."""
    read = field_at("ATTITUDE", angle, mark, at_s)

    def in_degrees(record: Record) -> float | None:
        value = read(record)
        return None if value is None else degrees(value)

    return in_degrees


def turn_rate_at(at_s: float, mark: str = "start") -> Measure:
    """Rate of turn over half a second about a moment, deg/s."""

    def read(record: Record) -> float | None:
        at = record.marks[mark] + at_s
        rates = [e.message.yawspeed for e in record.of("ATTITUDE") if abs(e.time_s - at) <= 0.25]
        return degrees(mean(rates)) if rates else None

    return read


def typical(kind: str, field: str, mark: str, from_s: float, to_s: float) -> Measure:
    """Median of a field between two moments."""

    def read(record: Record) -> float | None:
        mark_s = record.marks[mark]
        values = [getattr(e.message, field) for e in record.of(kind) if mark_s + from_s <= e.time_s <= mark_s + to_s]
        return float(median(values)) if values else None

    return read


def _fits(text: str, pattern: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _chatter(text: str) -> bool:
    """What a vehicle says for its own reasons, whatever is sent."""
    return text.startswith(("EKF3 IMU", "Barometer", "GPS 1", "AHRS", "ArduPilot Ready", "Set home"))
