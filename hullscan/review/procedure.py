"""The rules of reading, as pure functions of what was read so far.

Two readers look at every place without seeing each other's verdict. When they disagree on whether it is suspicious,
or one cannot say, a third one decides. What no majority calls harmless stays escalated: it goes to divers or to
the commander, never to silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["READERS_PER_PLACE", "Reading", "Standing", "Verdict", "may_read", "shown_verdicts", "standing"]

READERS_PER_PLACE: Final = 2


class Verdict(StrEnum):
    """What a reader calls a place."""

    PARCEL = "parcel"
    TELL_TALE = "tell_tale"
    FITTING = "fitting"
    GROWTH = "growth"
    PLATING = "plating"
    UNCLEAR = "unclear"

    @property
    def suspicious(self) -> bool | None:
        """Whether somebody must go and look; None where the reader cannot say."""
        if self is Verdict.UNCLEAR:
            return None
        return self in (Verdict.PARCEL, Verdict.TELL_TALE)


class Standing(StrEnum):
    """How far the reading of a place has come; the last three are ends."""

    UNREAD = "unread"
    READ_ONCE = "read once"
    DISAGREEING = "disagreeing"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    ESCALATED = "escalated"

    @property
    def closed(self) -> bool:
        """Whether nobody needs to read it any more."""
        return self in (Standing.CONFIRMED, Standing.REJECTED, Standing.ESCALATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reader's verdict on one place.

    Attributes:
        confidence: 1 (a guess) to 5 (certain).
        looked_s: how long the page was open in front of the reader.
        utc_s: when the verdict was given.
    """

    reader: str
    verdict: Verdict
    confidence: int
    note: str
    looked_s: float
    utc_s: float


def standing(readings: Sequence[Reading]) -> Standing:
    """How a place stands after these readings, in the order in which they were given."""
    if not readings:
        return Standing.UNREAD
    if len(readings) < READERS_PER_PLACE:
        return Standing.READ_ONCE
    first, second = (reading.verdict.suspicious for reading in readings[:READERS_PER_PLACE])
    if first is not None and first == second:
        return Standing.CONFIRMED if first else Standing.REJECTED
    if len(readings) == READERS_PER_PLACE:
        return Standing.DISAGREEING
    votes = [reading.verdict.suspicious for reading in readings]
    if votes.count(True) >= 2:
        return Standing.CONFIRMED
    return Standing.REJECTED if votes.count(False) >= 2 else Standing.ESCALATED


def may_read(reader: str, readings: Sequence[Reading]) -> bool:
    """Whether this reader is asked to read the place: it is open, and they have not read it yet."""
    return not standing(readings).closed and all(reading.reader != reader for reading in readings)


def shown_verdicts(reader: str, readings: Sequence[Reading]) -> list[Reading]:
    """The readings that a reader may see: their own, and everybody's once the place is closed."""
    if standing(readings).closed:
        return list(readings)
    return [reading for reading in readings if reading.reader == reader]
