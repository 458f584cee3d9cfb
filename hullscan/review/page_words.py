"""Words of the desk's page that its script shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hullscan.words import mark

__all__ = ["page_words"]

_WORDS: Final = {
    "parcel": mark("parcel"),
    "tell_tale": mark("tell-tale"),
    "fitting": mark("fitting"),
    "growth": mark("growth or damage"),
    "unclear": mark("cannot say"),
    "to_read": mark("to read"),
    "read": mark("read by you"),
    "nothing_left": mark("Nothing is left for you to read."),
    "nothing_found": mark("The detector flagged no place on the hull."),
    "choose": mark("Choose a place on the left, or press J."),
    "look_first": mark("Look first: {seconds} s"),
    "take": mark("Give verdict"),
    "taken": mark("Taken. Your verdict cannot be changed."),
    "given": mark("You have read this place."),
    "station": mark("station"),
    "depth": mark("depth"),
    "size": mark("size"),
    "radius": mark("95 % radius"),
    "looks": mark("looks"),
    "landmark": mark("nearest landmark"),
    "score": mark("score"),
    "hidden": mark("hidden until you have read it"),
    "clip_missing": mark("The clip cannot be shown: {words}"),
    "sign_off": mark("Sign off and seal"),
    "signed_off": mark("signed off by {name}"),
    "sealed": mark("Signed off and sealed: {name}"),
    "confidence": mark("confidence"),
    "note": mark("note"),
    "lost": mark("The desk does not answer. Your last verdict was not taken unless it says so."),
    "closed_of": mark("{closed} of {all} closed"),
    "open_by": mark("open: {names}"),
}


def page_words(words: Callable[[str], str]) -> dict[str, str]:
    """The words by the names that the script uses, in one language."""
    return {name: words(message) for name, message in _WORDS.items()}
