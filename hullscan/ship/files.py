"""Where the files lie that a mission file names for the ship's form."""

from __future__ import annotations

from pathlib import Path

from hullscan.errors import InputError

__all__ = ["COPIES", "form_file"]

COPIES = "hull"
"""Folder beside a mission file in which a recorded mission keeps copies of the files that it names."""


def form_file(name: str, folder: Path) -> Path:
    """The file of that name: a copy kept beside the mission file, else relative to it.

    Raises:
        InputError: there is none.
    """
    copy, stated = folder / COPIES / Path(name).name, folder / name
    for path in (copy, stated):
        if path.is_file():
            return path
    raise InputError(f"cannot find {stated}", where="ship.form", todo="names are relative to the mission file")
