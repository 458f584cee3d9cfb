"""Words for people: message catalogues, Korean and English.

A message is its English text, with ``{name}`` where data go. Code marks messages with ``mark`` and hands them on
untouched, with their data; whoever shows them translates and fills them in. A test collects every marked message
and checks that each catalogue has it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hullscan.errors import InputError

__all__ = ["LANGUAGES", "VOCABULARY", "fill", "filled", "mark", "said", "translator"]

LANGUAGES: Final = ("en", "ko")
_FOLDER = Path(__file__).parent / "locale"


def mark(message: str) -> str:
    """Mark a message for the catalogues; returns it unchanged."""
    return message


def fill(message: str, data: dict[str, Any]) -> str:
    """A message with its data; what is a message itself among them, ``{"message", "data"}``, is filled in too."""
    return message.format(**{key: _within(each, str) for key, each in data.items()}) if data else message


def said(message: str, data: dict[str, Any], words: Callable[[str], str]) -> str:
    """A message and its data in the language of ``words``; the English message where the data do not fit it."""
    try:
        return filled(message, data, words)
    except (LookupError, ValueError, TypeError, AttributeError):
        return message


def filled(message: str, data: dict[str, Any], words: Callable[[str], str]) -> str:
    """A message and its data in the language of ``words``.

    Raises:
        LookupError, ValueError, TypeError, AttributeError: the data do not fit it.
    """
    return fill(words(message), {key: _within(each, words) for key, each in data.items()})


def _within(each: Any, words: Callable[[str], str]) -> Any:
    """One of a message's data in the language of ``words``: a text, a message of its own, or what needs no words."""
    if isinstance(each, dict) and each.keys() == {"message", "data"}:
        return filled(each["message"], each["data"], words)
    return words(each) if isinstance(each, str) else each


VOCABULARY: Final = (
    # words that are data elsewhere: sides, labels, fittings, states, outcomes
    mark("port"), mark("starboard"),
    mark("parcel"), mark("rope"), mark("possible parcel"), mark("possible rope"),
    mark("sea chest"), mark("anode"), mark("outlet"), mark("bilge keel"),
    mark("thruster tunnel"), mark("dock block"),
    mark("flagged"), mark("confirmed"), mark("rejected"), mark("escalated"),
    mark("done"), mark("aborted"), mark("ended by a safety rule"), mark("cut off"), mark("analysed from a recording"),
    mark("preflight"), mark("descend"), mark("first fix"), mark("survey"), mark("home"), mark("surface"),
    mark("retreat"), mark("ended"), mark("close-up"), mark("re-fly"), mark("out from under"), mark("listening"),
    mark("disarm"), mark("handed over"),
    mark("unread"), mark("read once"), mark("disagreeing"), mark("reader"), mark("supervisor"), mark("guest"),
    mark("finding"), mark("sample"), mark("planted"),
    mark("fitted to parcels planted in the simulator"),
)  # fmt: skip


@functools.cache
def _catalogue(language: str) -> dict[str, str]:
    from babel.messages.pofile import read_po

    with (_FOLDER / f"{language}.po").open("rb") as file:
        return {str(entry.id): str(entry.string) for entry in read_po(file) if entry.id and entry.string}


def translator(language: str) -> Callable[[str], str]:
    """Translates messages into a language; what the catalogue lacks stays English.

    Raises:
        InputError: there is no such catalogue.
    """
    if language not in LANGUAGES:
        raise InputError(f"no catalogue for language {language!r}", todo=f"choose one of {', '.join(LANGUAGES)}")
    if language == "en":
        return lambda message: message
    catalogue = _catalogue(language)
    return lambda message: catalogue.get(message, message)
