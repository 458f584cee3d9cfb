"""Who may use the desk: readers and supervisors, each with a token of their own."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum

from hullscan.errors import InputError

__all__ = ["Person", "Role", "Roster"]

_NAME = re.compile(r"[\w .'-]{1,40}")
_TOKEN_BYTES = 24


class Role(StrEnum):
    """What somebody may do.

    A supervisor shares out, sees all and signs off, but reads nothing. A guest sees how far the reading has come, and
    what missions that are signed off have come to.
    """

    READER = "reader"
    SUPERVISOR = "supervisor"
    GUEST = "guest"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the desk."""

    name: str
    role: Role


class Roster:
    """The people of a desk and their tokens, which live as long as the desk runs.

    Raises:
        InputError: a name is none, stands twice, or there are fewer than two readers.
    """

    def __init__(self, readers: list[str], supervisors: list[str], guests: list[str] | None = None) -> None:
        people = [Person(name.strip(), Role.READER) for name in readers]
        people += [Person(name.strip(), Role.SUPERVISOR) for name in supervisors]
        people += [Person(name.strip(), Role.GUEST) for name in guests or []]
        names = [person.name.casefold() for person in people]
        for person in people:
            if not _NAME.fullmatch(person.name):
                raise InputError(f"{person.name!r} is no name of a person", todo="use letters, up to 40")
        if len(set(names)) != len(names):
            raise InputError("a name stands twice", todo="everybody reads under a name of their own")
        if len(readers) < 2:
            raise InputError("two readers are needed", todo="give --reader twice")
        self._by_token = {secrets.token_urlsafe(_TOKEN_BYTES): person for person in people}

    def tokens(self) -> list[tuple[Person, str]]:
        """Everybody with their token, for the one who hands them out."""
        return [(person, token) for token, person in self._by_token.items()]

    def person(self, token: str | None) -> Person | None:
        """Whose token this is; takes the same time whichever it is."""
        found = None
        for known, person in self._by_token.items():
            if hmac.compare_digest(known.encode(), (token or "").encode(errors="replace")):
                found = person
        return found
