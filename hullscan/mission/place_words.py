"""Names of patterns and of places along the route, in the language of the reader.

A leg names its place in English, because ``plan.json`` and the exports carry that name. Here such a name is taken apart
by the message that it was made from, and put together again from the translation of that message.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from string import Formatter
from typing import Final

from hullscan.words import mark

__all__ = ["pattern_in_words", "place_in_words"]

Words = Callable[[str], str]

_PATTERNS: Final = {
    "approach": mark("approach"),
    "longitudinal": mark("lane along the side"),
    "transverse": mark("girth line"),
    "flat_bottom": mark("lane under the bottom"),
    "keel_line": mark("along the keel line"),
    "bilge_keel": mark("lane along the bilge keel"),
    "bow": mark("line over the bow"),
    "stern": mark("line over the stern"),
    "running_gear": mark("turn round rudder and propeller"),
    "sea_chest": mark("close look at a sea chest"),
    "landmarks": mark("look at a landmark"),
    "spot_check": mark("look at a cue"),
    "transfer": mark("way between lanes"),
    "return": mark("way back"),
}

_PLACES: Final = (
    mark("transom, {area} m² below the waterline: a plate across the ship"),
    mark("stern within {reach} m of rudder and propeller: no lock-out"),
    mark("rudder and propeller: no lock-out"),
    mark("thruster tunnels: no lock-out"),
    mark("water"),
    mark("keel line"),
    mark("rudder and propeller"),
    mark("bottom, lane {lane} of {lanes}"),
    mark("{side} side, lane {lane} of {lanes}"),
    mark("{side} side, on the way"),
    mark("{side} side, girth line at station {station}"),
    mark("{side} side, girth lines at stations {from_m} to {to_m}"),
    mark("{side} bottom, girth line at station {station}"),
    mark("{side} side, stations {from_m} to {to_m}, {upper_m} to {lower_m} m deep"),
    mark("{side} bilge keel, above the plate"),
    mark("{side} bilge keel, below the plate"),
    mark("{side} spot at station {station}, {depth} m deep"),
    mark("{side} {fitting} at station {station}"),
)
"""From the particular to the general: the first that fits is taken."""


def pattern_in_words(pattern: str, words: Words) -> str:
    """The name of a pattern for people."""
    return words(_PATTERNS.get(pattern, pattern.replace("_", " ")))


def place_in_words(name: str, words: Words) -> str:
    """A place as legs and gaps name it, in the language of ``words``; unchanged where no message fits."""
    for message, pattern in _taken_apart():
        found = pattern.fullmatch(name)
        if found:
            data = {key: words(value) for key, value in found.groupdict().items()}
            return words(message).format(**data)
    return words(name)


@functools.cache
def _taken_apart() -> tuple[tuple[str, re.Pattern[str]], ...]:
    patterns = []
    for message in _PLACES:
        parts = [
            re.escape(text) + (f"(?P<{field}>.+?)" if field else "") for text, field, _, _ in Formatter().parse(message)
        ]
        patterns.append((message, re.compile("".join(parts))))
    return tuple(patterns)
