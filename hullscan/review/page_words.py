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
    "plating": mark("bare hull"),
    "unclear": mark("cannot say"),
    "to_read": mark("to read"),
    "read": mark("read by you"),
    "nothing_left": mark("Nothing is left for you to read."),
    "nothing_found": mark("The detector flagged no place on the hull."),
    "look_first": mark("Look first: {seconds} s"),
    "taken": mark("Taken. Your verdict cannot be changed."),
    "given": mark("You have read this place."),
    "station": mark("station"),
    "depth": mark("depth"),
    "size": mark("size"),
    "radius": mark("95 % radius"),
    "looks": mark("looks"),
    "landmark": mark("nearest landmark"),
    "score": mark("score"),
    "really": mark("what it was"),
    "picture_number": mark("picture {number}"),
    "clip_missing": mark("The clip cannot be shown: {words}"),
    "sign_off": mark("Sign off and seal"),
    "signed_off": mark("signed off by {name}"),
    "sealed": mark("Signed off and sealed: {name}"),
    "note": mark("note"),
    "lost": mark("The desk does not answer. Your last verdict was not taken unless it says so."),
    "closed_of": mark("{closed} of {all} closed"),
    "open_by": mark("open: {names}"),
    # missions
    "any": mark("any"),
    "ship": mark("ship"),
    "port": mark("port of call"),
    "date": mark("date"),
    "read_column": mark("closed"),
    "yours": mark("yours to read"),
    "chests": mark("sea chests signed"),
    "who": mark("readers"),
    "state": mark("state"),
    "under_way": mark("under way"),
    "left_for_you": mark("{count} to read"),
    "state_all": mark("all"),
    "state_mine": mark("yours to read"),
    "state_unread": mark("unread"),
    "state_disagreeing": mark("disagreeing"),
    "state_escalated": mark("escalated"),
    "state_confirmed": mark("confirmed"),
    "state_ready": mark("ready to be signed off"),
    "state_signed": mark("signed off"),
    "hand_over": mark("Hand over"),
    "export_diver": mark("Diver sheets"),
    "export_flash": mark("Flash alert"),
    "export_share": mark("Signed package to share"),
    "export_csv": mark("Table (CSV)"),
    "export_geojson": mark("Map (GeoJSON)"),
    "export_kml": mark("Map (KML)"),
    "export_coco": mark("Pictures with boxes (COCO)"),
    # sea chests
    "no_chests": mark("The mission states no sea chest. Nothing is said about any."),
    "ship_clear": mark("The ship is called clear: nothing suspicious is left, and every sea chest is signed for."),
    "ship_not_clear": mark("The ship is not called clear."),
    "ship_open": mark("The reading is not signed off. Before that nothing is called clear."),
    "chest_picture": mark("sea chest {id}, picture {number}"),
    "chest_unseen": mark("The camera never showed it."),
    "dwell": mark("dwell"),
    "close_up": mark("close-up"),
    "chest_clear_by": mark("signed as clear by {name}"),
    "chest_not_clear_by": mark("signed as not clear by {name}"),
    "no_signature": mark("no signature"),
    "look_at_chest": mark("Look at it"),
    "film": mark("the seconds around it"),
    "sign_clear": mark("Sign: clear"),
    "sign_not_clear": mark("Sign: not clear"),
    # measures
    "measures_later": mark("Your measures are shown here when nothing is left for you to read in a mission."),
    "measures_none": mark("Nobody has read anything yet."),
    "hit_rate": mark("planted parcels found"),
    "false_calls": mark("bare hull called suspicious"),
    "d_prime_said": mark("0 is guessing, above 2 is good"),
    "time_per_place": mark("median time before a place"),
    "places": mark("places"),
}


def page_words(words: Callable[[str], str]) -> dict[str, str]:
    """The words by the names that the script uses, in one language."""
    return {name: words(message) for name, message in _WORDS.items()}
